"""Checks of notebook 00: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
import pytest
from verdicts import unsaid

from ttclib.course.start_here import checks

log = math.log
RIGHT = [
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


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.mark == "✓" and repr(verdict) == f"✓ {verdict.line}"


@pytest.mark.parametrize(("check", "answer", "words"), WRONG)
def test_wrong_answers_are_told_why(check, answer, words):
    verdict = check(answer)
    assert verdict.mark == "✗" and words in verdict.line and "\n" not in repr(verdict)


def test_every_branch_of_every_check_is_reached():
    verdicts = [check(answer) for check, answer, *_ in RIGHT + WRONG]
    assert not unsaid(checks, verdicts)
    assert len(unsaid(checks, [])) >= 19
