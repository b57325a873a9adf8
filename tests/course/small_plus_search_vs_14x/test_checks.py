"""Checks of notebook 11: the right answer passes, and each slip is told what it is."""

import math

from verdicts import *  # noqa: F403

from ttclib.course.small_plus_search_vs_14x import checks


def times(m, r):
    return m + 3 * (m - 1) / r


def at_most(m, k):
    return 3 * (m - 1) / (k - m) if k > m else math.inf


def dollars(n, trained, written, price):
    return (6 * n * trained + 2 * n * written) * price / 1e18


TIMES = {
    "D_inf over D_pre": lambda m, r: m + 3 * (m - 1) * r,
    "that is the 3": lambda m, r: m + (m - 1) / r,
    "M − 1 trainings, not M": lambda m, r: m + 3 * m / r,
    "answers cost something, too": lambda m, r: 3 * (m - 1) / r,
    "not a third": lambda m, r: m + (m - 1) / r / 3,
    "first answer of the small model": lambda m, r: m - 1 + 3 * (m - 1) / r,
    "yours is 99": lambda m, r: 99,
    "pretraining hardly counts": lambda m, r: times(14, 2.0),
    "leaves nothing over": lambda m, r: times(m, r) if m > 1 else 0,
}
AT_MOST = {
    "the 3 is missing": lambda m, k: (m - 1) / (k - m),
    "upside down": lambda m, k: (k - m) / (3 * (m - 1)),
    "take off first": lambda m, k: 3 * (m - 1) / k,
    "the small model is trained as well": lambda m, k: 3 * m / (k - m),
    "at R = 3; yours is 9": lambda m, k: 9,
    "= 53 at R = 1": lambda m, k: 3.0,
    "a ratio below 0": lambda m, k: 3 * (m - 1) / (k - m),
    "eight answers pay at any R": lambda m, k: at_most(m, k) if k > m else 0.0,
    "fourteen answers pay": lambda m, k: at_most(m, k) if k != m else 0.0,
}
BILLS = {
    "not for one": lambda n, d, w, p: dollars(n, d, w, p) * 1e18,
    "each costs the price": lambda n, d, w, p: dollars(n, d, w, 1.0),
    "only learning from it": lambda n, d, w, p: 6 * n * (d + w) * p / 1e18,
    "2 is the way there": lambda n, d, w, p: 2 * n * (d + w) * p / 1e18,
    "what is written costs, too": lambda n, d, w, p: 6 * n * d * p / 1e18,
    "yours is 7": lambda n, d, w, p: 7,
    "without training": lambda n, d, w, p: dollars(n, d, w, p) if d else 0.0,
}
RIGHT = [(checks.multiplier, times), (checks.break_even, at_most), (checks.bill, dollars)]
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
