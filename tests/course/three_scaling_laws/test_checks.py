"""Checks of notebook 12: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.three_scaling_laws import checks


def loss(mass, said):
    return -sum((m * s).sum() for m, s in zip(mass, said, strict=True)) / len(mass)


def vertex(sizes, losses):
    u, v, _ = np.polyfit(np.log(sizes), losses, 2)
    return np.exp(-v / (2 * u))


def parabola(sizes, losses):
    return np.polyfit(np.log(sizes), losses, 2)


def size(A, a, B, b, flops):
    return ((a * A / (b * B)) * (flops / 6) ** b) ** (1 / (a + b))


def flops(n, d, ratio):
    return 6 * n * d + 2 * n * ratio * d


def letters_of(letters, excess, reached):
    return np.exp(np.interp(-np.log(reached), -np.log(excess), np.log(letters)))


def known(mass, said):
    """Whether the model knows the language: the check asks that, too."""
    return np.isclose(np.exp(said[0][0, 0]), 0.75)


LOSSES = {
    "a loss is positive": lambda m, s: -loss(m, s),
    "nats a word": lambda m, s: loss(m, s) * len(m),
    "those are bits": lambda m, s: loss(m, s) / math.log(2),
    "counts by its probability": lambda m, s: -sum(x.mean() for x in s) / len(s),
    "not with what the model believes": lambda m, s: (
        -sum((np.exp(x) * x).sum() for x in s) / len(s)
    ),
    "the last letter alone": lambda m, s: -(m[-1] * s[-1]).sum() / len(m),
    "words have two letters": lambda m, s: loss(m, s) * len(m) / 4,
    "no exp": lambda m, s: -sum((a * np.exp(b)).sum() for a, b in zip(m, s, strict=True)) / len(m),
    "a log of them is no number": lambda m, s: math.nan,
    "exp of the loss": lambda m, s: math.exp(loss(m, s)),
    "all beginnings count alike": lambda m, s: (
        -sum((a / a.sum(1, keepdims=True) * b).sum() for a, b in zip(m, s, strict=True)) / len(m)
    ),
    "the sum over all arrays": lambda m, s: [(a * b).sum() for a, b in zip(m, s, strict=True)],
    "of the check it is 0.": lambda m, s: 5.0,
    "must reach its entropy": lambda m, s: 0.0 if known(m, s) else loss(m, s),
}
SIZES = {
    "best of the three": lambda n, losses: n[losses.argmin()],
    "still a logarithm": lambda n, losses: math.log(vertex(n, losses)),
    "lopsided": lambda n, losses: -np.polyfit(n, losses, 2)[1] / (2 * np.polyfit(n, losses, 2)[0]),
    "not at −v/u": lambda n, losses: np.exp(-parabola(n, losses)[1] / parabola(n, losses)[0]),
    "the sign: the slope": lambda n, losses: 1 / vertex(n, losses),
    "np.log is natural": lambda n, losses: 10 ** math.log(vertex(n, losses)),
    "that is the loss there": lambda n, losses: np.polyval(
        parabola(n, losses), math.log(vertex(n, losses))
    ),
    "only the sizes become logarithms": lambda n, losses: vertex(n, np.log(losses)),
    "multiplies by u": lambda n, losses: np.exp(
        -parabola(n, losses)[1] / 2 * parabola(n, losses)[0]
    ),
    "the highest power first": lambda n, losses: np.exp(
        -parabola(n, losses)[1] / (2 * parabola(n, losses)[2])
    ),
    "a number and not an array": lambda n, losses: [vertex(n, losses)],
    "three points of the check": lambda n, losses: 3.0,
}
OPTIMA = {
    "that is the letters": lambda A, a, B, b, c: c / 6 / size(A, a, B, b, c),
    "C/6, not C": lambda A, a, B, b, c: size(A, a, B, b, 6 * c),
    "exponents are swapped": lambda A, a, B, b, c: (
        (a * A / (b * B)) ** (1 / (a + b)) * (c / 6) ** (a / (a + b))
    ),
    "upside down": lambda A, a, B, b, c: (
        (b * B / (a * A)) ** (1 / (a + b)) * (c / 6) ** (b / (a + b))
    ),
    "takes the root": lambda A, a, B, b, c: (a * A / (b * B)) * (c / 6) ** (b / (a + b)),
    "exponent b before the root": lambda A, a, B, b, c: (a * A / (b * B) * c / 6) ** (1 / (a + b)),
    "their slopes are": lambda A, a, B, b, c: (A / B * (c / 6) ** b) ** (1 / (a + b)),
    "that is N^(a + b)": lambda A, a, B, b, c: a * A / (b * B) * (c / 6) ** b,
    "divides at the end": lambda A, a, B, b, c: (a * A / (b * B) * (c / 6) ** b) / (a + b),
    "the power 1/(a + b)": lambda A, a, B, b, c: (a * A / (b * B) * (c / 6) ** b) ** (a + b),
    "multiplies by B": lambda A, a, B, b, c: (a * A / b * B * (c / 6) ** b) ** (1 / (a + b)),
    "for the law of the check": lambda A, a, B, b, c: 3.0,
}
LIVES = {
    "the training alone": lambda n, d, r: 6 * n * d,
    "only learning from it costs 6": lambda n, d, r: 6 * n * d * (1 + r),
    "the use alone": lambda n, d, r: 2 * n * r * d,
    "and an addition": lambda n, d, r: 6 * n * d + n * r * d,
    "there and back": lambda n, d, r: 2 * n * d * (1 + r),
    "for each letter of training": lambda n, d, r: 6 * n * d + 2 * n * r,
    "times size, too": lambda n, d, r: 6 * n * d + 2 * d * r,
    "only if R is 1": lambda n, d, r: 8 * n * d,
    "FLOPs are asked for": lambda n, d, r: n * d * (1 + r),
    "are swapped": lambda n, d, r: 2 * n * d + 6 * n * d * r,
    "training and use together": lambda n, d, r: (6 * n * d, 2 * n * d * r),
    "R = 2.5: 1.1e9": lambda n, d, r: 3.0,
    "has only been trained": lambda n, d, r: flops(n, d, r) if r else 0.0,
}
TEXTS = {
    "straight over logarithms": lambda n, e, r: np.interp(-r, -e, n),
    "turn it back into letters": lambda n, e, r: math.log(letters_of(n, e, r)),
    "np.log is natural": lambda n, e, r: 10 ** math.log(letters_of(n, e, r)),
    "of the letters, too": lambda n, e, r: np.interp(-np.log(r), -np.log(e), n),
    "wants rising x": lambda n, e, r: np.exp(np.interp(np.log(r), np.log(e), np.log(n))),
    "of the excess, too": lambda n, e, r: np.exp(np.interp(-r, -e, np.log(n))),
    "the nearest number of letters": lambda n, e, r: n[e <= r][0],
    "one line through all": lambda n, e, r: np.exp(
        np.polyval(np.polyfit(np.log(e), np.log(n), 1), np.log(r))
    ),
    "both lists must be turned round": lambda n, e, r: np.exp(
        np.interp(np.log(r), np.log(e)[::-1], np.log(n))
    ),
    "return one number of letters": lambda n, e, r: n,
    "letters, you said": lambda n, e, r: 3.0,
    "must be worth its letters": lambda n, e, r: letters_of(n, e, r) if r > 0.21 else 0.0,
}


def loop_loss(mass, said):
    """Letter by letter."""
    total = 0.0
    for m, law in zip(mass, said, strict=True):
        for share, log_p in zip(m.ravel(), law.ravel(), strict=True):
            total -= share * log_p
    return total / len(mass)


def lowest(sizes, losses):
    """Lagrange's parabola."""
    x, y = np.log(sizes), losses
    d = [(x[i - 2] - x[i - 1]) * y[i] for i in range(3)]
    return np.exp(sum(d[i] * (x[i - 1] + x[i - 2]) for i in range(3)) / (2 * sum(d)))


def straight(letters, excess, reached):
    """Find the piece, and walk along it."""
    k = next(k for k in range(1, len(excess)) if excess[k] <= reached)
    part = math.log(reached / excess[k - 1]) / math.log(excess[k] / excess[k - 1])
    return letters[k - 1] * (letters[k] / letters[k - 1]) ** part


EXERCISES = {
    checks.exact_loss: (
        LOSSES,
        loss,
        loop_loss,
        lambda m, s: -sum(np.vdot(a, b) for a, b in zip(m, s, strict=True)) / len(s),
        lambda m, s: np.mean([-np.einsum("ij,ij->", a, b) for a, b in zip(m, s, strict=True)]),
    ),
    checks.best_size: (
        SIZES,
        vertex,
        lowest,
        lambda n, y: 2 ** (-0.5 * np.divide(*np.polyfit(np.log2(n), y, 2)[1::-1])),
        lambda n, y: np.exp(np.roots(np.polyder(np.polyfit(np.log(n), y, 2))))[0],
    ),
    checks.optimum: (
        OPTIMA,
        size,
        lambda A, a, B, b, c: (a * A / b / B) ** (1 / (a + b)) * (c / 6) ** (b / (a + b)),
        lambda A, a, B, b, c: math.exp((math.log(a * A / b / B) + b * math.log(c / 6)) / (a + b)),
        lambda A, a, B, b, c: (b * B / (a * A) * (6 / c) ** b) ** (-1 / (a + b)),
    ),
    checks.life: (
        LIVES,
        flops,
        lambda n, d, r: 2 * n * d * (3 + r),
        lambda n, d, r: n * (6 * d + 2 * (r * d)),
        lambda n, d, r: sum((6 * n * d, 2 * n * d * r)),
    ),
    checks.equivalent: (
        TEXTS,
        letters_of,
        straight,
        lambda n, e, r: np.exp(np.interp(np.log(r), np.log(e)[::-1], np.log(n)[::-1])),
        lambda n, e, r: 10 ** np.interp(np.log10(1 / r), np.log10(1 / e), np.log10(n)),
    ),
}
RIGHT = [(check, answer) for check, (_, *right) in EXERCISES.items() for answer in right]
WRONG = [
    (check, slip, words)
    for check, (slips, *_) in EXERCISES.items()
    for words, slip in slips.items()
]


def test_a_blank_is_not_attempted():
    for check, _ in RIGHT:
        assert check(lambda *_: ...).mark == "–"
