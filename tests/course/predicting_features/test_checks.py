"""Checks of notebook 15: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.predicting_features import checks


def block(top, left, height, width, times=4, start=0):
    rows, columns = np.arange(top, top + height), np.arange(left, left + width)
    one = 4 * rows[:, None] + columns + start
    return (16 * np.arange(times)[:, None] + one.ravel()).ravel()


def entropy(share):
    share = share[share > 0]
    return -(share * np.log(share)).sum()


def rank(singular):
    return math.exp(entropy(singular**2 / (singular**2).sum()))


def naive_rank(singular):
    share = singular**2 / (singular**2).sum()
    return 1e9 if (share == 0).any() else math.exp(entropy(share))


def slopes(p, w, rho):
    return w * (p * w - rho * w), p * (p * w - rho * w)


def r2(found, truth):
    return 1 - ((found - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


def errors(found, truth):
    return ((found - truth) ** 2).sum()


HIDDEN = {
    "first time only": lambda t, c, h, w: block(t, c, h, w, times=1),
    "exchanged": lambda t, c, h, w: block(c, t, w, h),
    "too large": lambda t, c, h, w: block(t, c, h + 1, w + 1),
    "from 0": lambda t, c, h, w: block(t, c, h, w, start=1),
    "yours are [0": lambda t, c, h, w: np.arange(8),
    "all 64": lambda t, c, h, w: block(1, 2, 2, 1),
}
AVERAGE = {
    "the *target* keeps": lambda t, e, m: (1 - m) * t + m * e,
    "(1 − momentum)": lambda t, e, m: m * t + e,
    "only shrinks": lambda t, e, m: m * t,
    "between the two": lambda t, e, m: e,
    "yours is 7": lambda t, e, m: 7.0,
    "momentum of 0": lambda t, e, m: 1.2,
}
RANK = {
    "that is the entropy": lambda s: entropy(s**2 / (s**2).sum()),
    "in bits": lambda s: entropy(s**2 / (s**2).sum()) / math.log(2),
    "square the singular": lambda s: math.exp(entropy(s / s.sum())),
    "participation": lambda s: (s**2).sum() ** 2 / (s**4).sum(),
    "yours is 3": lambda s: float(len(s)),
    "five equal": lambda s: rank(s) if len(s) == 3 else 1.0,
    "0 · ln 0": naive_rank,
}
SLOPES = {
    "return two numbers": lambda p, w, r: 1.0,
    "runs through the target": lambda p, w, r: (
        slopes(p, w, r)[0],
        slopes(p, w, r)[1] + w - r * p * w,
    ),
    "the other sign": lambda p, w, r: tuple(-s for s in slopes(p, w, r)),
    "first for p": lambda p, w, r: slopes(p, w, r)[::-1],
    "*half*": lambda p, w, r: tuple(2 * s for s in slopes(p, w, r)),
    "yours is (1": lambda p, w, r: (1.0, 1.0),
    "nothing moves": lambda p, w, r: slopes(p, w, r) if p == 0.5 else (1.0, 1.0),
}
R2 = {
    "squared correlation": lambda f, t: np.corrcoef(f, t)[0, 1] ** 2,
    "*not* explained": lambda f, t: 1 - r2(f, t),
    "not 0: subtract": lambda f, t: 1 - errors(f, t) / (t**2).sum(),
    "not of the predictions": lambda f, t: 1 - errors(f, t) / ((f - f.mean()) ** 2).sum(),
    "by the variance": lambda f, t: 1 - errors(f, t) / len(t),
    "yours is 7": lambda f, t: 7.0,
    "worse than the mean": lambda f, t: max(0.0, r2(f, t)),
}
RIGHT = [
    (checks.hidden, block),
    (checks.average, lambda t, e, m: m * t + (1 - m) * e),
    (checks.effective_rank, rank),
    (checks.slopes, slopes),
    (checks.r2, r2),
]
WRONG = [
    (check, slip, words)
    for (check, _), slips in zip(RIGHT, (HIDDEN, AVERAGE, RANK, SLOPES, R2), strict=True)
    for words, slip in slips.items()
]
