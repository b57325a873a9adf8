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
    "not squared": lambda f, P: len(f) ** 2 * (f @ P),
    "pair by pair": lambda f, P: len(f) * f.sum() * P.sum(),
    "one number": lambda f, P: len(f) * f * P,
    "yours is 7": lambda f, P: 7,
    "of 8 experts": lambda f, P: 4 * (f @ P),
}
SEATS = {
    "not down": lambda who, n, c: seated(who, n, c, math.floor),
    "from itself": lambda who, n, c: [
        (who[: i + 1] == e).sum() < math.ceil(c * len(who) / n) for i, e in enumerate(who)
    ],
    "seats of its own": lambda who, n, c: np.arange(7) < 3,
    "its last one is dropped": lambda who, n, c: np.ones(7),
    "not its first": lambda who, n, c: seated(who[::-1], n, c)[::-1],
    "who is dropped": lambda who, n, c: ~seated(who, n, c),
    "all but the sixth": lambda who, n, c: np.zeros(7),
    "numbers of the tokens": lambda who, n, c: np.flatnonzero(seated(who, n, c)),
    "counts who came before": lambda who, n, c: [(who[:i] == e).sum() for i, e in enumerate(who)],
    "use the factor": lambda who, n, c: seated(who, n, 1.0),
}
READS = {
    "read once": lambda n, batch: min(n, batch),
    "for one expert": lambda n, batch: read(n, batch) / n,
    "nobody needs": lambda n, batch: n - read(n, batch),
    "have to miss": lambda n, batch: n * (1 - (1 / n) ** batch),
    "nobody needs one expert": lambda n, batch: (1 - 1 / n) ** batch,
    "the exponent is batch": lambda n, batch: read(n, n),
    "yours is 3": lambda n, batch: 3,
    "one token reads": lambda n, batch: read(8, 4),
}


def with_counters(who, experts, factor):
    free = [math.ceil(factor * len(who) / experts)] * experts
    found = []
    for expert in who.tolist():
        found.append(free[expert] > 0)
        free[expert] -= 1
    return found


def by_one_hot(who, experts, factor):
    mine = np.eye(experts)[who]
    return (mine.cumsum(axis=0) * mine).sum(axis=1) <= np.ceil(factor * len(who) / experts)


def by_pairs(who, experts, factor):
    before = np.tril(who[:, None] == who, -1).sum(axis=1)
    return (before < -(-factor * len(who) // experts)).astype(int)


def token_by_token(experts, batch):
    found = 0.0
    for _ in range(batch):
        found += 1 - found / experts
    return found


ANSWERS = {
    checks.balance: (
        even,
        lambda f, P: sum(len(f) * a * b for a, b in zip(f, P, strict=True)),
        lambda f, P: len(f) ** 2 * np.mean(f * P),
        lambda f, P: np.einsum("i,i->", f, P) * f.size,
    ),
    checks.seated: (seated, with_counters, by_one_hot, by_pairs),
    checks.read: (
        read,
        token_by_token,
        lambda n, batch: n - n * ((n - 1) / n) ** batch,
        lambda n, batch: -n * np.expm1(batch * np.log1p(-1 / n)),
    ),
}
RIGHT = [(check, answer) for check, answers in ANSWERS.items() for answer in answers]
WRONG = [
    (check, slip, words)
    for check, slips in zip(ANSWERS, (BALANCES, SEATS, READS), strict=True)
    for words, slip in slips.items()
]
