"""Checks of notebook 13: the right answer passes, and each slip is told what it is."""

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.small_models import prune_checks as checks


def softmax(values, temperature):
    weights = np.exp(values / temperature)
    return weights / weights.sum()


def rms(a):
    return np.sqrt(np.mean(a**2, axis=0))


def slope(z, v, t):
    return t * (softmax(z, t) - softmax(v, t))


IMPORTANCES = {
    "cancel in a mean": lambda a: a.mean(axis=0),
    "that is the mean size": lambda a: np.abs(a).mean(axis=0),
    "do not take off the mean": lambda a: a.std(axis=0),
    "take its root": lambda a: (a**2).mean(axis=0),
    "grows with the number of texts": lambda a: np.linalg.norm(a, axis=0),
    "have cancelled": lambda a: a.mean(axis=0) ** 2,
    "one number for all units": lambda a: np.sqrt((a**2).mean()),
    "that is the largest": lambda a: np.abs(a).max(axis=0),
    "a sum of squares": lambda a: (a**2).sum(axis=0),
    "one number a token": lambda a: np.sqrt((a**2).mean(axis=1)),
    "under the root": lambda a: np.sqrt((a**2).sum(axis=0)) / len(a),
    "yours is (1, 3)": lambda a: np.sqrt((a**2).mean(axis=0, keepdims=True)),
    "of 3, −3, 3, −3 it is 3": lambda a: a[0],
    "other numbers": lambda a: rms(a) if a.shape[1] == 3 else a[0],
}
SLOPES = {
    "the sign": lambda z, v, t: -slope(z, v, t),
    "would count a quarter": lambda z, v, t: slope(z, v, t) / t**2,
    "leaves a factor T": lambda z, v, t: slope(z, v, t) / t,
    "T² is too much": lambda z, v, t: slope(z, v, t) * t,
    "the teacher is softened": lambda z, v, t: t * (softmax(z, t) - softmax(v, 1)),
    "the student is softened": lambda z, v, t: t * (softmax(z, 1) - softmax(v, t)),
    "the slope at T = 1": lambda z, v, t: slope(z, v, 1.0),
    "both are softened: divide": lambda z, v, t: t * (softmax(z, 1) - softmax(v, 1)),
    "yours multiplies": lambda z, v, t: t * (softmax(z, 1 / t) - softmax(v, 1 / t)),
    "make probabilities of them": lambda z, v, t: t * (softmax(z, t) - v),
    "divide by their sum": lambda z, v, t: t * (np.exp(z / t) - np.exp(v / t)),
    "compares probabilities": lambda z, v, t: t * (z / t - v / t),
    "a slope for each logit": lambda z, v, t: float((softmax(v, t) * z).sum()),
    "for T = 2 it is": lambda z, v, t: z,
    "T = 5 comes out wrong": lambda z, v, t: slope(z, v, 2.0),
    "where student and teacher agree": lambda z, v, t: slope(z, v, t) + (t == 3),
}
BILLS = {
    "the teacher reads every token, too": lambda n, m, d: 6 * n * d,
    "reading alone": lambda n, m, d: 2 * m * d,
    "weights of its own": lambda n, m, d: 8 * n * d,
    "yours is swapped": lambda n, m, d: (2 * n + 6 * m) * d,
    "the student reads every token": lambda n, m, d: 6 * n + 2 * m * d,
    "the teacher reads every token: multiply": lambda n, m, d: 6 * n * d + 2 * m,
    "for one token": lambda n, m, d: 6 * n + 2 * m,
    "and an addition": lambda n, m, d: 6 * n * d + m * d,
    "forward only": lambda n, m, d: 6 * (n + m) * d,
    "forward and back": lambda n, m, d: 2 * (n + m) * d,
    "not 8 for both": lambda n, m, d: 8 * (n + m) * d,
    "nothing comes on top": lambda n, m, d: (6 * n + 2 * n + 2 * m) * d,
    "forward and 4 back": lambda n, m, d: (4 * n + 2 * m) * d,
    "of the teacher, 7 tokens": lambda n, m, d: 0.0,
    "without a teacher": lambda n, m, d: (6 * n + 2 * m) * d if m else 0.0,
}


def by_units(activations):
    """A list, one unit after another."""
    return [sum(x * x for x in unit) ** 0.5 / len(unit) ** 0.5 for unit in activations.T]


def shifted(z, v, t):
    """Weights that cannot overflow."""
    found = []
    for values in (z, v):
        weights = np.exp((values - max(values)) / t)
        found.append(weights / sum(weights))
    return [t * (q - p) for q, p in zip(*found, strict=True)]


EXERCISES = (
    (
        checks.importance,
        IMPORTANCES,
        rms,
        by_units,
        lambda a: np.linalg.norm(a, axis=0) / np.sqrt(len(a)),
        lambda a: np.sqrt(np.einsum("tu,tu->u", a, a) / a.shape[0]),
    ),
    (
        checks.slope,
        SLOPES,
        slope,
        shifted,
        lambda z, v, t: t * softmax(z, t) - t * softmax(v, t),
        lambda z, v, t: -t * np.subtract(softmax(v, t), softmax(z, t)),
    ),
    (
        checks.bill,
        BILLS,
        lambda n, m, d: (6 * n + 2 * m) * d,
        lambda n, m, d: 6 * n * d + 2 * m * d,
        lambda n, m, d: 2 * d * (3 * n + m),
        lambda n, m, d: sum(w * d * k for w, k in ((n, 2), (n, 4), (m, 2))),
    ),
)
RIGHT = [(check, answer) for check, _, *right in EXERCISES for answer in right]
WRONG = [(check, slip, words) for check, slips, *_ in EXERCISES for words, slip in slips.items()]


def test_a_blank_is_not_attempted():
    for check, _ in RIGHT:
        assert check(lambda *_: ...).mark == "–"


def test_the_slope_is_that_of_the_library():
    import torch

    from ttclib.lm.training import soft_loss

    z, v = np.random.default_rng(0).normal(size=(2, 5))
    mine = torch.tensor(z[None], requires_grad=True)
    soft_loss(mine, torch.tensor(v[None]), 3.0).backward()
    assert np.allclose(mine.grad.numpy()[0], checks.soft_slope(z, v, 3.0), atol=1e-12)
