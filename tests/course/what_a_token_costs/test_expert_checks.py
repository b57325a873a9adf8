"""Checks of notebook 14, experts: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.what_a_token_costs import expert_checks as checks


def even(f, P):
    return len(f) * (f @ P)


def seated(who, experts, factor, rounded=math.ceil):
    seats = rounded(factor * len(who) / experts)
    return np.array([(who[:i] == e).sum() < seats for i, e in enumerate(who)])


def read(experts, batch):
    return experts * (1 - (1 - 1 / experts) ** batch)


BALANCES = {
    "for any number": lambda f, P: f @ P,
    "would teach nothing": lambda f, P: len(f) * (f @ f),
    "really went": lambda f, P: len(f) * (P @ P),
    "one number": lambda f, P: len(f) * f * P,
    "yours is 7": lambda f, P: 7,
    "of 8 experts": lambda f, P: 4 * (f @ P),
}
SEATS = {
    "not down": lambda who, n, c: seated(who, n, c, math.floor),
    "seats of its own": lambda who, n, c: np.arange(7) < 3,
    "its last one is dropped": lambda who, n, c: np.ones(7),
    "not its first": lambda who, n, c: seated(who[::-1], n, c)[::-1],
    "who is dropped": lambda who, n, c: ~seated(who, n, c),
    "all but the sixth": lambda who, n, c: np.zeros(7),
    "use the factor": lambda who, n, c: seated(who, n, 1.0),
}
READS = {
    "read once": lambda n, batch: min(n, batch),
    "for one expert": lambda n, batch: read(n, batch) / n,
    "nobody needs": lambda n, batch: n - read(n, batch),
    "have to miss": lambda n, batch: n * (1 - (1 / n) ** batch),
    "yours is 3": lambda n, batch: 3,
    "one token reads": lambda n, batch: read(8, 4),
}
RIGHT = [(checks.balance, even), (checks.seated, seated), (checks.read, read)]
WRONG = [
    (check, slip, words)
    for (check, _), slips in zip(RIGHT, (BALANCES, SEATS, READS), strict=True)
    for words, slip in slips.items()
]
