"""Checks of notebook 00: the right answer passes, and each slip is told what it is."""

import math
from fractions import Fraction
from pathlib import Path

import nbformat
import numpy as np
import pytest
from solutions import FENCE
from verdicts import *  # noqa: F403

from ttclib.course.start_here import answers, checks

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


def by_sorting(runs):
    return [sorted(column)[4] for column in runs.T], [sorted(column)[94] for column in runs.T]


def by_loop(runs):
    ends = [np.percentile(column, [5, 95]) for column in runs.T]
    return [low for low, _ in ends], [high for _, high in ends]


def sd(d):
    return d.std() / math.sqrt(len(d))


def gain_by_loop(a, b):
    differences = [y - x for x, y in zip(a, b, strict=True)]
    mean = sum(differences) / len(differences)
    variance = sum((d - mean) ** 2 for d in differences) / (len(differences) - 1)
    return [mean, math.sqrt(variance / len(differences))]


def gain_by_covariance(a, b):
    cov = np.cov(a, b)
    return b.mean() - a.mean(), np.sqrt((cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]) / len(a))


def gain_by_counts(a, b):
    n, won, lost = len(a), ((b > a).sum()), ((b < a).sum())
    mean = (won - lost) / n
    return np.array([mean, math.sqrt(((won + lost) / n - mean**2) / n)])


RIGHT = [
    (checks.middle_90, answers.middle_90),
    (checks.middle_90, lambda runs: np.percentile(runs, (5, 95), axis=0)),
    (checks.middle_90, by_sorting),
    (checks.middle_90, by_loop),
    (checks.middle_90, lambda r: (np.quantile(r, 0.05, axis=0), np.quantile(r, 1 - 0.05, axis=0))),
    (checks.middle_90, lambda r: np.quantile(r, [0.05, 0.95], axis=0, method="nearest")),
    (checks.attempts_needed, published("attempts_needed")),
    (checks.attempts_needed, lambda chance, target: math.ceil(log(1 - target) / log(1 - chance))),
    (
        checks.attempts_needed,
        lambda chance, target: np.ceil(np.log2(1 - target) / np.log2(1 - chance)),
    ),
    (checks.attempts_needed, lambda p, t: next(n for n in range(999) if 1 - (1 - p) ** n >= t)),
    (checks.attempts_needed, lambda p, t: int(-(log(1 - t) // -log(1 - p)))),
    (checks.gain, answers.gain),
    (checks.gain, lambda a, b: ((b - a).mean(), sd(b - a))),
    (checks.gain, gain_by_loop),
    (checks.gain, gain_by_covariance),
    (checks.gain, gain_by_counts),
    (checks.gain, lambda a, b: (np.average(b - a), (b - a).std(ddof=1) / 20)),
    (checks.tokens_affordable, lambda flops, n, seconds: flops * seconds / (2 * n)),
    (checks.tokens_affordable, lambda flops, n, seconds: flops // (2 * n) * seconds),
    (checks.tokens_affordable, lambda flops, n, seconds: seconds / (2 * n / flops)),
    (checks.tokens_affordable, lambda flops, n, s: int(0.5 * flops / n * s)),
    (checks.tokens_affordable, lambda flops, n, s: np.float32(flops * s / n / 2)),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.middle_90, lambda r: np.quantile(r, [0.05, 0.95], axis=1), "take axis=0"),
    (checks.middle_90, lambda r: np.quantile(r, [0.05, 0.95]), "one band for all budgets"),
    (checks.middle_90, lambda r: np.quantile(r, 0.05, axis=0), "that is one end"),
    (checks.middle_90, lambda r: np.quantile(r, 0.9), "that is one end"),
    (checks.middle_90, lambda r: np.quantile(r, [0.05, 0.95], axis=0).T, "not 7 pairs"),
    (checks.middle_90, lambda r: np.quantile(r, [0.05, 0.5, 0.95], axis=0), "two arrays of 7"),
    (checks.middle_90, lambda r: np.quantile(r, [0.95, 0.05], axis=0), "comes second"),
    (checks.middle_90, lambda r: np.quantile(r, [0.1, 0.9], axis=0), "on *each* side"),
    (checks.middle_90, lambda r: np.quantile(r, [0.025, 0.975], axis=0), "the middle 95%"),
    (checks.middle_90, lambda r: np.quantile(r, [0, 0.9], axis=0), "the lowest 90%"),
    (checks.middle_90, lambda r: np.percentile(r, [0.05, 0.95], axis=0), "takes percents"),
    (checks.middle_90, lambda r: np.quantile(r, [5, 95], axis=0), "stopped with ValueError"),
    (checks.middle_90, lambda r: (r.min(axis=0), r.max(axis=0)), "holds all of them"),
    (
        checks.middle_90,
        lambda r: r.mean(axis=0) + np.outer([-1.645, 1.645], r.std(axis=0)),
        "lopsided",
    ),
    (checks.middle_90, lambda r: r.mean(axis=0) + np.outer([-1, 1], r.std(axis=0)), "no share"),
    (checks.middle_90, lambda r: np.quantile(r, [0.05, 0.5], axis=0), "is the median"),
    (checks.middle_90, lambda r: np.quantile(r, [0.25, 0.75], axis=0), "holds 50% of"),
    (checks.attempts_needed, lambda p, t: math.ceil(t / p), "chances do not add up"),
    (checks.attempts_needed, lambda p, t: t / p, "chances do not add up"),
    (checks.attempts_needed, lambda p, t: 1 / p, "average wait"),
    (checks.attempts_needed, lambda p, t: log(1 - t) / log(p), "not chanceⁿ"),
    (checks.attempts_needed, lambda p, t: math.ceil(log(1 - t) / log(p)), "not chanceⁿ"),
    (checks.attempts_needed, lambda p, t: log(1 - p) / log(1 - t), "upside down"),
    (checks.attempts_needed, lambda p, t: math.ceil(log(1 - p) / log(1 - t)), "upside down"),
    (checks.attempts_needed, lambda p, t: log(1 - t) / log(1 - p), "round up"),
    (checks.attempts_needed, lambda p, t: int(log(1 - t) / log(1 - p)), "rounded down"),
    (checks.attempts_needed, lambda p, t: int(log(1 - t) / log(1 - p)) + 1, "one too far"),
    (checks.attempts_needed, lambda p, t: round(log(1 - t) / log(1 - p)), "13 attempts reach"),
    (
        checks.attempts_needed,
        lambda p, t: math.ceil(log(1 - t) / log(1 - p)) + 1,
        "rounded up once",
    ),
    (checks.attempts_needed, lambda p, t: math.ceil(-log(1 - t) / log(1 - p)), "sign is turned"),
    (checks.attempts_needed, lambda p, t: math.ceil(log(t) / log(1 - p)), "1 - target, not target"),
    (checks.attempts_needed, lambda p, t: {0.5: 69, 0.95: 14}.get(t, 7), "need 2 attempts"),
    (checks.attempts_needed, lambda p, t: 7, "need 69 attempts, you said 7"),
    (checks.attempts_needed, lambda p, t: 69, "need 14 attempts, you said 69"),
    (checks.gain, lambda a, b: (b - a).mean(), "its standard error as well"),
    (checks.gain, lambda a, b: sd(b - a), "return two numbers"),
    (checks.gain, lambda a, b: b - a, "a number for each question"),
    (checks.gain, lambda a, b: (b - a, sd(b - a) + 0 * a), "a number for each question"),
    (checks.gain, lambda a, b: (1, 2, 3), "return two numbers"),
    (checks.gain, lambda a, b: (sd(b - a), (b - a).mean()), "comes first"),
    (checks.gain, lambda a, b: ((a - b).mean(), sd(b - a)), "the other sign"),
    (checks.gain, lambda a, b: ((b - a).sum(), sd(b - a)), "the sum of the gains"),
    (checks.gain, lambda a, b: (b.mean() / a.mean() - 1, sd(b - a)), "in parts of a"),
    (checks.gain, lambda a, b: (abs(b - a).mean(), sd(b - a)), "no absolute value"),
    (checks.gain, lambda a, b: (b.mean(), sd(b)), "subtract the share of a"),
    (checks.gain, lambda a, b: (0.5, sd(b - a)), "the gain is"),
    (checks.gain, lambda a, b: ((b - a).mean(), (b - a).std()), "divide it by √n"),
    (checks.gain, lambda a, b: ((b - a).mean(), (b - a).std() / len(a)), "not by n"),
    (checks.gain, lambda a, b: ((b - a).mean(), (b - a).var() / len(a)), "take its square root"),
    (checks.gain, lambda a, b: ((b - a).mean(), (b - a).var()), "variance of one question"),
    (checks.gain, lambda a, b: ((b - a).mean(), (b - a).var() / 20), "the variance over √n"),
    (checks.gain, lambda a, b: ((b - a).mean(), math.hypot(sd(a), sd(b))), "independent runs"),
    (checks.gain, lambda a, b: ((b - a).mean(), sd(a) + sd(b)), "do not add up"),
    (checks.gain, lambda a, b: ((b - a).mean(), sd(b)), "error of b's share"),
    (
        checks.gain,
        lambda a, b: ((b - a).mean(), math.sqrt(abs(b.var() - a.var()) / len(a))),
        "are not subtracted",
    ),
    (checks.gain, lambda a, b: ((b - a).mean(), 1.96 * sd(b - a)), "half-width of a 95%"),
    (
        checks.gain,
        lambda a, b: ((b - a).mean(), math.sqrt((b - a).mean() * (1 - (b - a).mean()) / len(a))),
        "is for a share",
    ),
    (checks.gain, lambda a, b: ((b - a).mean(), 0.1), "you said 0.1"),
    (checks.tokens_affordable, lambda flops, n, s: flops * s / n, "divide by 2 · parameters"),
    (checks.tokens_affordable, lambda flops, n, s: 2 * flops * s / n, "belongs below the fraction"),
    (checks.tokens_affordable, lambda flops, n, s: flops * s / (6 * n), "a token in training"),
    (checks.tokens_affordable, lambda flops, n, s: flops / (2 * n), "tokens in one second"),
    (checks.tokens_affordable, lambda flops, n, s: flops / (2 * n * s), "more seconds buy more"),
    (checks.tokens_affordable, lambda flops, n, s: 2 * n / (flops * s), "upside down"),
    (checks.tokens_affordable, lambda flops, n, s: 2 * n * s / flops, "upside down"),
    (checks.tokens_affordable, lambda flops, n, s: flops * s / 2 * n, "and then multiplies"),
    (checks.tokens_affordable, lambda flops, n, s: flops * s, "the price of a token"),
    (checks.tokens_affordable, lambda flops, n, s: flops, "expected 10,000 tokens"),
    (checks.tokens_affordable, lambda flops, n, s: 1e4, "use all three arguments"),
]
