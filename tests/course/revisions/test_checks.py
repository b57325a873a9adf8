"""Checks of notebook 10: right answers in any style pass, and each slip is told what it is."""

import functools
import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.revisions import checks


def by_rows(a, b):
    """The solution of the page."""
    row = list(range(len(b) + 1))
    for x in a:
        before, row = row, [row[0] + 1]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
    return row[-1]


@functools.cache
def by_recursion(a, b):
    if not a or not b:
        return len(a) + len(b)
    if a[-1] == b[-1]:
        return by_recursion(a[:-1], b[:-1])
    shorter = (a[:-1], b), (a, b[:-1]), (a[:-1], b[:-1])
    return 1 + min(by_recursion(*each) for each in shorter)


def in_a_table(a, b):
    table = np.add.outer(np.arange(len(a) + 1.0), np.arange(len(b) + 1.0))
    for i in range(len(a)):
        for j in range(len(b)):
            diagonal = table[i, j] + (a[i] != b[j])
            table[i + 1, j + 1] = min(table[i, j + 1] + 1, table[i + 1, j] + 1, diagonal)
    return table[-1, -1]


def last_row(a, b):
    return [0] * len(b) + [by_rows(a, b)]


def iterated(a, b, steps=400):
    share = 0.5
    for _ in range(steps):
        share = share * (1 - b) + (1 - share) * a
    return share


def by_matrix(a, b):
    step = np.array([[1 - a, a], [b, 1 - b]])
    return np.linalg.matrix_power(step, 1000)[0, 1]


def doubled(n, j):
    chains = 1
    while chains <= j:
        chains = 2 * chains
    return n // chains


def longest_split(n, j):
    return max(k for k in (2**i for i in range(8)) if n % k == 0 and n // k > j)


DISTANCES = [(words, slip) for words, slip in checks._DISTANCES.items()] + [
    ("last number of the last row", last_row),
    ("yours says 5", lambda a, b: 5),
    ("one letter is deleted", lambda a, b: 1 if len(a) == len(b) else 5),
    ("one letter is inserted", lambda a, b: 1 if len(a) >= len(b) else 0),
    ("#12 three letters are inserted", lambda a, b: by_rows(a, b) if a else 0),
    ("three are deleted", lambda a, b: by_rows(a, b) if b else 1),
    ("it takes", lambda a, b: min(by_rows(a, b), 3)),
]
LONG_RUNS = [(words, slip) for words, slip in checks._LONG_RUNS.items()] + [
    ("give one number", lambda a, b: [b / (a + b), a / (a + b)]),
    ("nearly: with 0.3 and 0.1", lambda a, b: iterated(a, b, 12)),
    ("as many turn each way", lambda a, b: 1.0),
    ("not rounded", lambda a, b: round(a / (a + b), 2)),
    ("never spoils", lambda a, b: a / (a + b) if b else 0.0),
    ("never rights", lambda a, b: a / (a + b) if a else 1.0),
    ("as likely either way", lambda a, b: a / (a + b) if a != b else 0.0),
]
NESTED = [(words, slip) for words, slip in checks._CHAINS.items()] + [
    ("one number", lambda n, j: [doubled(n, i) for i in range(n)]),
    ("with n = 16 chain 0 has 16 attempts; yours says 7", lambda n, j: 7),
    ("with n = 1 chain 0", lambda n, j: doubled(n, j) if n > 1 else 0),
    ("with n = 128 chain 0 has 128 attempts; yours says 16", lambda n, j: doubled(min(n, 16), j)),
]
RIGHT = [
    (checks.distance, checks.edit_distance),
    (checks.distance, by_rows),
    (checks.distance, by_recursion),
    (checks.distance, in_a_table),
    (checks.stationary, checks.long_run),
    (checks.stationary, lambda a, b: a / (a + b)),
    (checks.stationary, lambda a, b: 1 - b / (b + a)),
    (checks.stationary, lambda a, b: 1 / (1 + b / a)),
    (checks.stationary, iterated),
    (checks.stationary, by_matrix),
    (checks.nested, checks.steps_of),
    (checks.nested, doubled),
    (checks.nested, longest_split),
    (checks.nested, lambda n, j: n / 2 ** math.ceil(math.log2(j + 1))),
    (checks.nested, lambda n, j: 2 ** int(np.log2(n / (j + 1)))),
]
WRONG = [
    (check, answer, words)
    for check, wrong in (
        (checks.distance, DISTANCES),
        (checks.stationary, LONG_RUNS),
        (checks.nested, NESTED),
    )
    for words, answer in wrong
]
