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
    "not a true or false": lambda t, c, h, w: np.isin(np.arange(64), block(t, c, h, w)),
    "four times, not eight": lambda t, c, h, w: block(t, c, h, w, times=8),
    "16 tokens on": lambda t, c, h, w: [
        4 * k + 4 * i + j for k in range(4) for i in range(t, t + h) for j in range(c, c + w)
    ],
    "all 64": lambda t, c, h, w: block(1, 2, 2, 1),
    "a token is one number": lambda t, c, h, w: [
        (k, i, j) for k in range(4) for i in range(t, t + h) for j in range(c, c + w)
    ],
    "nothing is hidden": lambda t, c, h, w: [
        16 * k + 4 * i + j for k in range(4) for i in range(t, h) for j in range(c, w)
    ],
}
AVERAGE = {
    "the *target* keeps": lambda t, e, m: (1 - m) * t + m * e,
    "(1 − momentum)": lambda t, e, m: m * t + e,
    "only shrinks": lambda t, e, m: m * t,
    "plain mean": lambda t, e, m: (t + e) / 2,
    "add up to 1": lambda t, e, m: m * (t + e),
    "*towards*": lambda t, e, m: t - (1 - m) * (e - t),
    "between the two": lambda t, e, m: e,
    "yours is 7": lambda t, e, m: 7.0,
    "momentum of 0": lambda t, e, m: 1.2,
}
RANK = {
    "that is the entropy": lambda s: entropy(s**2 / (s**2).sum()),
    "in bits": lambda s: entropy(s**2 / (s**2).sum()) / math.log(2),
    "square the singular": lambda s: math.exp(entropy(s / s.sum())),
    "participation": lambda s: (s**2).sum() ** 2 / (s**4).sum(),
    "a minus sign": lambda s: 1 / rank(s),
    "divide the squares by their sum": lambda s: math.exp(-(s**2 * np.log(s**2)).sum()),
    "count for less": lambda s: (s > 0).sum(),
    "yours is 2.5": lambda s: 2.5,
    "the square of the sum": lambda s: math.exp(entropy(s**2 / s.sum() ** 2)),
    "five equal": lambda s: rank(s) if len(s) == 3 else 1.0,
    "0 · ln 0": naive_rank,
}
SLOPES = {
    "return two numbers": lambda p, w, r: 1.0,
    "has a factor w": lambda p, w, r: (p * w - r * w, p * (p * w - r * w)),
    "has a factor p": lambda p, w, r: (w * (p * w - r * w), p * w - r * w),
    "ρ · w, not ρ": lambda p, w, r: (w * (p * w - r), p * (p * w - r)),
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
    "take off the mean error": lambda f, t: 1 - (f - t).var() / t.var(),
    "square the errors": lambda f, t: 1 - abs(f - t).sum() / abs(t - t.mean()).sum(),
    "by n − 1": lambda f, t: 1 - ((f - t) ** 2).mean() / t.var(ddof=1),
    "yours is 7": lambda f, t: 7.0,
    "worse than the mean": lambda f, t: max(0.0, r2(f, t)),
}
ANSWERS = {
    checks.hidden: (
        block,
        lambda t, c, h, w: block(t, c, h, w).reshape(4, h, w),
        lambda t, c, h, w: {
            16 * k + 4 * i + j for k in range(4) for i in range(t, t + h) for j in range(c, c + w)
        },
        lambda t, c, h, w: np.flatnonzero(np.isin(np.arange(64), block(t, c, h, w)))[::-1].tolist(),
        lambda t, c, h, w: (token for token in block(t, c, h, w)),
    ),
    checks.average: (
        lambda t, e, m: m * t + (1 - m) * e,
        lambda t, e, m: e + m * (t - e),
        lambda t, e, m: t - (1 - m) * (t - e),
        lambda t, e, m: np.average([t, e], weights=[m, 1 - m]),
        lambda t, e, m: np.dot([m, 1 - m], [t, e]),
    ),
    checks.effective_rank: (
        rank,
        lambda s: 2 ** (entropy(s**2 / (s**2).sum()) / math.log(2)),
        lambda s: float(np.prod([x**-x for x in (s**2 / (s**2).sum()).tolist() if x])),
        lambda s: math.exp(-sum(x * math.log(x) for x in s**2 / sum(s**2) if x > 0)),
        lambda s: np.exp(-np.nansum((q := s**2 / (s**2).sum()) * np.log(np.maximum(q, 1e-300)))),
    ),
    checks.slopes: (
        slopes,
        lambda p, w, r: [w**2 * (p - r), p * w * (p - r)],
        lambda p, w, r: np.array([w, p]) * w * (p - r),
        lambda p, w, r: (p * w * w - r * w * w, p * p * w - r * p * w),
    ),
    checks.r2: (
        r2,
        lambda f, t: 1 - ((f - t) ** 2).mean() / t.var(),
        lambda f, t: 1 - np.linalg.norm(f - t) ** 2 / np.linalg.norm(t - np.mean(t)) ** 2,
        lambda f, t: float(
            (((t - t.mean()) ** 2).sum() - ((t - f) ** 2).sum()) / ((t - t.mean()) ** 2).sum()
        ),
        lambda f, t: 1 - sum(float(x) ** 2 for x in f - t) / sum((x - t.mean()) ** 2 for x in t),
    ),
}
RIGHT = [(check, answer) for check, answers in ANSWERS.items() for answer in answers]
WRONG = [
    (check, slip, words)
    for check, slips in zip(ANSWERS, (HIDDEN, AVERAGE, RANK, SLOPES, R2), strict=True)
    for words, slip in slips.items()
]
