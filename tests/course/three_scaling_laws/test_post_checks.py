"""Checks of notebook 12, second half: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")

from verdicts import *  # noqa: F403

from ttclib.course.three_scaling_laws import post_checks as checks


def learned(full, sampled, taught):
    return full / (1 + sampled / 3 + taught / 3)


def relative(right):
    spread = right.std(axis=1, keepdims=True)
    return (right - right.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)


def around(right, axis=1):
    return right - right.mean(axis=axis, keepdims=True)


def one_group(row):
    mean = sum(row) / len(row)
    spread = (sum((r - mean) ** 2 for r in row) / len(row)) ** 0.5
    return [(r - mean) / spread if spread else 0.0 for r in row]


def odd(right):
    raise ValueError("odd")


def quiet(p, k):
    return p**k + (1 - p) ** k


TOKENS = {
    "three are paid like one": lambda full, s, t: full / (1 + s),
    "upside down": lambda full, s, t: full * (1 + s / 3),
    "not three times as much": lambda full, s, t: full / (1 + 3 * s),
    "what the model writes costs something": lambda full, s, t: full / (1 + t / 3),
    "comes with *each* token": lambda full, s, t: full - s / 3 - t / 3,
    "that is learned from costs something": lambda full, s, t: full / ((s + t) / 3),
    "not FLOPs": lambda full, s, t: full / (6 + 2 * s + 2 * t),
    "costs 2/6, not 2": lambda full, s, t: full / (1 + 2 * s + 2 * t),
    "nothing is taken off": lambda full, s, t: full * (1 - s / 3 - t / 3),
    "a third of what M tokens": lambda full, s, t: full / (1 + s / 3 + t),
    "leave 150,000": lambda full, s, t: full / (1 + s / 3) / (1 + t / 3),
    "yours is 7": lambda full, s, t: 7,
    "teacher's reading is on the bill": lambda full, s, t: full / (1 + s / 3),
    "leaves 200,000": lambda full, s, t: learned(full, s, 5 * t),
    "all tokens are left": lambda full, s, t: learned(full, s, t) if s + t else 0.0,
}
ADVANTAGES = {
    "each text has an advantage": lambda right: right[0],
    "compares with all texts": lambda right: (right - right.mean()) / right.std(),
    "are a row": lambda right: around(right, 0) / np.maximum(right.std(axis=0), 1e-9),
    "divide by the standard deviation": around,
    "ddof=0": lambda right: around(right) / right.std(axis=1, ddof=1, keepdims=True),
    "that is the variance": lambda right: around(right) / right.var(axis=1, keepdims=True),
    "keepdims=True": lambda right: right - right.mean(axis=1),
    "is better than its group": lambda right: -relative(right),
    "yours multiplies": lambda right: around(right) * right.std(axis=1, keepdims=True),
    "off first": lambda right: right / right.std(axis=1, keepdims=True),
    "axis=1 in std": lambda right: around(right) / right.std(),
    "itself included": lambda right: (
        around(right) * 4 / 3 / np.maximum(right.std(axis=1, keepdims=True), 1e-9)
    ),
    "changes every advantage": lambda right: (
        around(right) / (right.std(axis=1, keepdims=True) + 1e-4)
    ),
    "your code stopped with ValueError: odd": odd,
    "√3": lambda right: 0 * right,
    "the advantage is 0 there": lambda right: around(right) / right.std(axis=1, keepdims=True),
    "no text is better": lambda right: relative(right) + (right.shape[1] == 2),
}
SILENT = {
    "all wrong is silent": lambda p, k: p**k,
    "all right is silent": lambda p, k: (1 - p) ** k,
    "it says something": lambda p, k: 1 - quiet(p, k),
    "half of them right": lambda p, k: 6 * (p * (1 - p)) ** (k // 2),
    "cannot happen at once": lambda p, k: p**k * (1 - p) ** k,
    "nothing is taken off their sum": lambda p, k: quiet(p, k) - (p * (1 - p)) ** k,
    "at least one is right": lambda p, k: 1 - (1 - p) ** k,
    "at least one is wrong": lambda p, k: 1 - p**k,
    "(1 − p)**k": lambda p, k: p**k + (1 - p**k),
    "0.6562": lambda p, k: 2 * p**k,
    "a half": lambda p, k: quiet(p, k) if p != 0.5 else 0.0,
    "always silent": lambda p, k: quiet(p, k) if p else 0.0,
}
RIGHT = [
    (checks.tokens_learned, learned),
    (checks.tokens_learned, lambda full, s, t: 3 * full / (3 + s + t)),
    (checks.tokens_learned, lambda full, s, t: 6 * full / (6 + 2 * s + 2 * t)),
    (checks.tokens_learned, lambda full, s, t: int(full // (1 + (s + t) / 3))),
    (checks.advantage, relative),
    (checks.advantage, lambda right: [one_group(row) for row in right]),
    (checks.advantage, lambda right: around(right) / (right.std(axis=1, keepdims=True) + 1e-9)),
    (checks.advantage, lambda right: (around(right).T / np.maximum(right.std(axis=1), 1e-12)).T),
    (checks.silent, quiet),
    (checks.silent, lambda p, k: sum(math.prod([q] * k) for q in (p, 1 - p))),
    (
        checks.silent,
        lambda p, k: 1 - sum(math.comb(k, i) * p**i * (1 - p) ** (k - i) for i in range(1, k)),
    ),
    (checks.silent, lambda p, k: np.power([p, 1 - p], k).sum()),
]
WRONG = [
    (check, slip, words)
    for check, slips in (
        (checks.tokens_learned, TOKENS),
        (checks.advantage, ADVANTAGES),
        (checks.silent, SILENT),
    )
    for words, slip in slips.items()
]


def test_a_blank_is_not_attempted():
    for check in (checks.tokens_learned, checks.advantage, checks.silent):
        assert check(lambda *_: ...).mark == "–"
