"""Checks of notebook 11: right answers in any style pass, and each slip is told what it is."""

import math
from fractions import Fraction

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.small_plus_search_vs_14x import checks


def times(m, r):
    return m + 3 * (m - 1) / r


def solved(m, r):
    """X + k Y = M (X + Y), with numbers for X and Y."""
    x, y = 6.0, 2.0 * r
    return (m * (x + y) - x) / y


def at_most(m, k):
    return 3 * (m - 1) / (k - m) if k > m else math.inf


def by_numpy(m, k):
    with np.errstate(divide="ignore"):
        return np.float64(3 * (m - 1)) / np.maximum(k - m, 0)


def by_trying(m, k):
    try:
        ratio = 3 * (m - 1) / (k - m)
    except ZeroDivisionError:
        return float("inf")
    return ratio if ratio > 0 else float("inf")


def dollars(n, trained, written, price):
    return (6 * n * trained + 2 * n * written) * price / 1e18


def step_by_step(n, trained, written, price):
    flops = 0
    for tokens, each in ((trained, 6), (written, 2)):
        flops += each * n * tokens
    return flops / 10**18 * price


TIMES = checks._MULTIPLIERS | {
    "yours is 99": lambda m, r: 99,
    "training hardly counts": lambda m, r: times(m, min(r, 20)),
    "leaves nothing over": lambda m, r: times(m, r) if m > 1 else 0,
}
AT_MOST = checks._BREAK_EVENS | {
    "at R = 3; yours is 9": lambda m, k: 9,
    "= 53 at R = 1": lambda m, k: 3.0,
    "not rounded": lambda m, k: int(at_most(m, k)) if k > m else math.inf,
    "a ratio below 0": lambda m, k: 3 * (m - 1) / (k - m) if k != m else math.inf,
    "eight answers pay at any R": lambda m, k: at_most(m, k) if k > m else 0.0,
    "fourteen answers pay": lambda m, k: at_most(m, k) if k != m else 0.0,
    "yours divides by 0": lambda m, k: 3 * (m - 1) / (k - m) if k >= m else math.inf,
}
BILLS = checks._BILLS | {
    "give one number": lambda n, d, w, p: (dollars(n, d, 0, p), dollars(n, 0, w, p)),
    "yours is 7": lambda n, d, w, p: 7,
    "at 1.5: 1.2": lambda n, d, w, p: round(dollars(n, d, w, p)),
    "without training": lambda n, d, w, p: dollars(n, d, w, p) if d else 0.0,
}
RIGHT = [
    (checks.multiplier, times),
    (checks.multiplier, solved),
    (checks.multiplier, lambda m, r: 1 + (m - 1) * (1 + 3 / r)),
    (checks.multiplier, lambda m, r: np.float64(m * r + 3 * m - 3) / r),
    (checks.multiplier, lambda m, r: m + 3 * (m - 1) / Fraction(r)),
    (checks.break_even, at_most),
    (checks.break_even, by_numpy),
    (checks.break_even, by_trying),
    (checks.break_even, lambda m, k: np.inf if k <= m else (m - 1) / ((k - m) / 3)),
    (checks.bill, dollars),
    (checks.bill, step_by_step),
    (checks.bill, lambda n, d, w, p: 2 * n * (3 * d + w) * p * 1e-18),
    (checks.bill, lambda n, d, w, p: p * np.dot([6, 2], [d, w]) * n / 1e18),
]
WRONG = [
    (check, slip, words)
    for check, slips in (
        (checks.multiplier, TIMES),
        (checks.break_even, AT_MOST),
        (checks.bill, BILLS),
    )
    for words, slip in slips.items()
]


def test_a_blank_is_not_attempted():
    for check in (checks.multiplier, checks.break_even, checks.bill):
        assert check(lambda *_: ...).mark == "–"
