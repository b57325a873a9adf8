"""Checks of what a fixed state holds: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.what_a_token_costs import recall_checks as checks


def added(state, key, value):
    return state + np.outer(value, key)


def in_place(state, key, value):
    state += np.outer(value, key)
    return state


def deviation(n, size, values):
    return math.sqrt(n / (size * values))


RIGHT = [
    (checks.write, added),
    (checks.noise, deviation),
    (checks.keep, lambda half: 0.5 ** (1 / half)),
]
WRONG = [
    (checks.write, in_place, "changes the state"),
    (checks.write, lambda s, k, v: np.outer(v, k), "new pair alone"),
    (checks.write, lambda s, k, v: s.T + np.outer(k, v), "turned round"),
    (checks.write, lambda s, k, v: s + v[:, None], "forgets the key"),
    (checks.write, lambda s, k, v: s, "the row of value 1 should gain"),
    (checks.noise, lambda n, d, v: n / d / v, "that is the variance"),
    (checks.noise, lambda n, d, v: math.sqrt(n / d), "two things divide"),
    (checks.noise, lambda n, d, v: math.sqrt(n), "meets only its own pairs"),
    (checks.noise, lambda n, d, v: 1 / deviation(n, d, v), "more pairs must give more noise"),
    (checks.noise, lambda n, d, v: 3.0, "16 directions, 16 values"),
    (checks.noise, lambda n, d, v: math.sqrt(1 / 8), "√(100 / 256)"),
    (checks.keep, lambda half: 0.5 / half, "ten equal parts take"),
    (checks.keep, lambda half: 1 - 0.5 / half, "ten times 5%"),
    (checks.keep, lambda half: 0.5**half, "after ten half-lives"),
    (checks.keep, lambda half: 1 - 0.5 ** (1 / half), "lost a token"),
    (checks.keep, lambda half: 0.9, "γ^10 must be ½"),
    (checks.keep, lambda half: 0.5 ** (1 / 10), "a half-life of one token"),
]
