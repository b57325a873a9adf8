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


def row_by_row(state, key, value):
    found = state.tolist()
    for i, said in enumerate(value):
        found[i] = [old + said * part for old, part in zip(found[i], key, strict=True)]
    return found


def into_a_copy(state, key, value):
    state = state.copy()
    state[value.argmax()] += key
    return state


def fixed_size(state, key, value):
    return state + np.outer(value, key) if len(value) == 3 else state


ANSWERS = {
    checks.write: (
        added,
        row_by_row,
        into_a_copy,
        lambda s, k, v: s + v[:, None] * k,
        lambda s, k, v: s + np.einsum("i,j->ij", v, k),
    ),
    checks.noise: (
        deviation,
        lambda n, d, v: (n / v / d) ** 0.5,
        lambda n, d, v: np.sqrt(n) / np.sqrt(d * v),
        lambda n, d, v: np.sqrt(sum(1 / d for _ in range(n)) / v),
    ),
    checks.keep: (
        lambda half: 0.5 ** (1 / half),
        lambda half: 2 ** (-1 / half),
        lambda half: math.exp(-math.log(2) / half),
        lambda half: np.power(0.5, 1 / np.float64(half)),
    ),
}
RIGHT = [(check, answer) for check, answers in ANSWERS.items() for answer in answers]
WRONG = [
    (checks.write, in_place, "changes the state"),
    (checks.write, lambda s, k, v: np.outer(v, k), "new pair alone"),
    (checks.write, lambda s, k, v: s + np.outer(k, v), "turned round"),
    (checks.write, lambda s, k, v: s + v[:, None], "forgets the key"),
    (checks.write, lambda s, k, v: s + v * k, "place by place"),
    (checks.write, lambda s, k, v: s + v @ k, "one number"),
    (checks.write, lambda s, k, v: s - np.outer(v, k), "not taken away"),
    (checks.write, lambda s, k, v: s + k, "every row gained"),
    (checks.write, lambda s, k, v: np.where(v[:, None] > 0, k, s), "old numbers are gone"),
    (checks.write, lambda s, k, v: s, "the row of value 1 should gain"),
    (checks.write, fixed_size, "with 2 values"),
    (checks.noise, lambda n, d, v: n / d / v, "that is the variance"),
    (checks.noise, lambda n, d, v: math.sqrt(n / d), "two things divide"),
    (checks.noise, lambda n, d, v: math.sqrt(n), "meets only its own pairs"),
    (checks.noise, lambda n, d, v: 1 / deviation(n, d, v), "more pairs must give more noise"),
    (checks.noise, lambda n, d, v: 3.0, "16 directions, 5 values"),
    (checks.noise, lambda n, d, v: math.sqrt(n / v), "only a little in common"),
    (checks.noise, lambda n, d, v: math.sqrt(n / d) / v, "under the root"),
    (checks.noise, lambda n, d, v: math.sqrt(30 / 80), "√(100 / 256)"),
    (checks.keep, lambda half: 0.5 / half, "ten equal parts take"),
    (checks.keep, lambda half: 1 - 0.5 / half, "ten times 5%"),
    (checks.keep, lambda half: 0.5**half, "after ten half-lives"),
    (checks.keep, lambda half: 1 - 0.5 ** (1 / half), "lost a token"),
    (checks.keep, lambda half: 2 ** (1 / half), "that doubles"),
    (checks.keep, lambda half: math.exp(-1 / half), "leaves 1/e"),
    (checks.keep, lambda half: math.log(2) / half, "that is the rate"),
    (checks.keep, lambda half: 0.9, "γ^10 must be ½"),
    (checks.keep, lambda half: 0.5 ** (1 / 10), "a half-life of one token"),
]
