"""Checks of notebook 00: the right answer passes, and each slip is told what it is."""

import math
from fractions import Fraction
from pathlib import Path

import nbformat
import numpy as np
import pytest
from solutions import FENCE
from verdicts import *  # noqa: F403

from ttclib.course.start_here import checks

log = math.log
NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
START = nbformat.read(NOTEBOOKS / "00_start_here.ipynb", as_version=4)


def published(name):
    """The function of a published solution."""
    (source,) = [
        s for cell in START.cells for s in FENCE.findall(cell.source) if f"def {name}" in s
    ]
    names = {"math": math}
    exec(source, names)
    return names[name]


@pytest.mark.parametrize("percent", [1, 3, 10, 20, 25, 36, 50, 64, 75, 90, 99])
def test_the_published_number_of_attempts_is_the_smallest_that_reaches_the_target(percent):
    """In fractions: n attempts reach exactly 1 − (1 − chance)ⁿ, and no more is not enough."""
    attempts_needed = published("attempts_needed")
    chance = Fraction(percent, 100)
    for n in range(1, 12):
        reached = 1 - (1 - chance) ** n
        if reached < Fraction(999_999, 1_000_000):  # beyond, 1 − target has lost its digits
            assert attempts_needed(float(chance), float(reached)) == n
            assert attempts_needed(float(chance), float(reached) + 1e-8) == n + 1
            assert attempts_needed(float(chance), float(reached) - 1e-8) == n


def test_the_ends_of_the_published_solution():
    attempts_needed = published("attempts_needed")
    assert [attempts_needed(chance, 0) for chance in (0, 0.5, 1)] == [0, 0, 0]
    assert [attempts_needed(1, target) for target in (1e-9, 0.5, 1)] == [1, 1, 1]
    assert attempts_needed(0, 0.5) == attempts_needed(0.5, 1) == attempts_needed(0, 1) == math.inf


def test_a_quotient_rounded_up_is_right_with_a_remark():
    """Power: without the hair the exact pair (0.2, 0.36) comes out one too high."""
    plain = lambda chance, target: math.ceil(log(1 - target) / log(1 - chance))  # noqa: E731
    assert plain(0.2, 0.36) == 3
    assert "One remark" in checks.attempts_needed(plain).line
    assert "One remark" not in checks.attempts_needed(published("attempts_needed")).line


RIGHT = [
    (checks.attempts_needed, published("attempts_needed")),
    (checks.attempts_needed, lambda chance, target: math.ceil(log(1 - target) / log(1 - chance))),
    (
        checks.attempts_needed,
        lambda chance, target: np.ceil(np.log2(1 - target) / np.log2(1 - chance)),
    ),
    (checks.tokens_affordable, lambda flops, n, seconds: flops * seconds / (2 * n)),
    (checks.tokens_affordable, lambda flops, n, seconds: flops // (2 * n) * seconds),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.attempts_needed, lambda p, t: math.ceil(t / p), "chances do not add up"),
    (checks.attempts_needed, lambda p, t: t / p, "chances do not add up"),
    (checks.attempts_needed, lambda p, t: 1 / p, "average wait"),
    (checks.attempts_needed, lambda p, t: log(1 - t) / log(p), "not chanceⁿ"),
    (checks.attempts_needed, lambda p, t: math.ceil(log(1 - t) / log(p)), "not chanceⁿ"),
    (checks.attempts_needed, lambda p, t: log(1 - p) / log(1 - t), "upside down"),
    (checks.attempts_needed, lambda p, t: log(1 - t) / log(1 - p), "round up"),
    (checks.attempts_needed, lambda p, t: int(log(1 - t) / log(1 - p)), "rounded down"),
    (checks.attempts_needed, lambda p, t: math.ceil(log(t) / log(1 - p)), "1 - target, not target"),
    (checks.attempts_needed, lambda p, t: 7, "need 69 attempts, you said 7"),
    (checks.attempts_needed, lambda p, t: 69, "need 14 attempts, you said 69"),
    (checks.tokens_affordable, lambda flops, n, s: flops * s / n, "divide by 2 · parameters"),
    (checks.tokens_affordable, lambda flops, n, s: 2 * flops * s / n, "belongs below the fraction"),
    (checks.tokens_affordable, lambda flops, n, s: flops * s / (6 * n), "a token in training"),
    (checks.tokens_affordable, lambda flops, n, s: flops / (2 * n), "tokens in one second"),
    (checks.tokens_affordable, lambda flops, n, s: flops / (2 * n * s), "more seconds buy more"),
    (checks.tokens_affordable, lambda flops, n, s: 2 * n / (flops * s), "upside down"),
    (checks.tokens_affordable, lambda flops, n, s: 2 * n * s / flops, "upside down"),
    (checks.tokens_affordable, lambda flops, n, s: flops, "expected 10,000 tokens"),
    (checks.tokens_affordable, lambda flops, n, s: 1e4, "use all three arguments"),
]
