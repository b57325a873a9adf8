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
    "of the check it is 0.": lambda m, s: 5.0,
    "must reach its entropy": lambda m, s: 0.0 if known(m, s) else loss(m, s),
}
SIZES = {
    "best of the three": lambda n, losses: n[losses.argmin()],
    "still a logarithm": lambda n, losses: math.log(vertex(n, losses)),
    "lopsided": lambda n, losses: -np.polyfit(n, losses, 2)[1] / (2 * np.polyfit(n, losses, 2)[0]),
    "not at −v/u": lambda n, losses: np.exp(-parabola(n, losses)[1] / parabola(n, losses)[0]),
    "that is the loss there": lambda n, losses: np.polyval(
        parabola(n, losses), math.log(vertex(n, losses))
    ),
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
    "their slopes are": lambda A, a, B, b, c: (A / B * (c / 6) ** b) ** (1 / (a + b)),
    "for the law of the check": lambda A, a, B, b, c: 3.0,
}
LIVES = {
    "the training alone": lambda n, d, r: 6 * n * d,
    "only learning from it costs 6": lambda n, d, r: 6 * n * d * (1 + r),
    "there and back": lambda n, d, r: 2 * n * d * (1 + r),
    "for each letter of training": lambda n, d, r: 6 * n * d + 2 * n * r,
    "R = 5: 1.6e10": lambda n, d, r: 3.0,
    "has only been trained": lambda n, d, r: flops(n, d, r) if r else 0.0,
}
TEXTS = {
    "straight over logarithms": lambda n, e, r: np.interp(-r, -e, n),
    "turn it back into letters": lambda n, e, r: math.log(letters_of(n, e, r)),
    "wants rising x": lambda n, e, r: np.exp(np.interp(np.log(r), np.log(e), np.log(n))),
    "of the excess, too": lambda n, e, r: np.exp(np.interp(-r, -e, np.log(n))),
    "letters, you said": lambda n, e, r: 3.0,
    "must be worth its letters": lambda n, e, r: letters_of(n, e, r) if r > 0.21 else 0.0,
}
RIGHT = [
    (checks.exact_loss, loss),
    (checks.best_size, vertex),
    (checks.optimum, size),
    (checks.life, flops),
    (checks.equivalent, letters_of),
]
WRONG = [
    (check, slip, words)
    for (check, _), slips in zip(RIGHT, (LOSSES, SIZES, OPTIMA, LIVES, TEXTS), strict=True)
    for words, slip in slips.items()
]


def test_a_blank_is_not_attempted():
    for check, _ in RIGHT:
        assert check(lambda *_: ...).mark == "–"
