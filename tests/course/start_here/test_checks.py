"""Checks of notebook 00: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

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
