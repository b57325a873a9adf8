"""Checks of notebook 04: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
import pytest
from verdicts import *  # noqa: F403

from ttclib.course.particle_filtering import checks
from ttclib.particles import resampling

ROOT = math.sqrt(2 * math.pi)


def ess(weights):
    return weights.sum() ** 2 / (weights**2).sum()


def on_a_ruler(offset, side="right"):
    """Systematic resampling whose points are (k + offset(n, rng)) / n."""

    def sample(weights, n, rng):
        points = (np.arange(n) + offset(n, rng)) / n
        return np.searchsorted(np.cumsum(weights) / np.sum(weights), points, side=side)

    return sample


systematic = on_a_ruler(lambda n, rng: rng.random())


def zero_kept(weights, n, rng):
    """It mixes up who has the weight of zero."""
    return systematic(np.roll(weights, 1), n, rng)


def bootstrap_filter(y, n, rng, constant=ROOT, total=np.mean, early=False):
    x = rng.standard_normal(n)
    log_evidence = 0.0
    for y_t in y:
        if early:
            x = 0.9 * x + rng.standard_normal(n)
        w = np.exp(-0.5 * (y_t - x) ** 2) / constant
        log_evidence += math.log(total(w))
        x = x[resampling.stratified(w, n, rng)]
        if not early:
            x = 0.9 * x + rng.standard_normal(n)
    return log_evidence


RIGHT = [
    (checks.effective_sample_size, ess),
    (checks.effective_sample_size, lambda w: 1 / ((w / w.sum()) ** 2).sum()),
    (checks.systematic, systematic),
    (checks.systematic, lambda *given: systematic(*given).tolist()),
    (checks.systematic, resampling.systematic),
    (checks.bootstrap_filter, bootstrap_filter),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.effective_sample_size, lambda w: 1 / (w**2).sum(), "weights that sum to one"),
    (checks.effective_sample_size, lambda w: ess(w) / len(w), "a share between 0 and 1"),
    (checks.effective_sample_size, lambda w: w.sum() / w.max(), "another measure"),
    (checks.effective_sample_size, len, "worth 36/18 = 2 points; yours says 4"),
    (checks.effective_sample_size, lambda w: 7.5, "worth 8 points; yours says 7.5"),
    (checks.systematic, zero_kept, "member 2 has weight zero"),
    (checks.systematic, on_a_ruler(lambda n, rng: 0.99), "the same ancestors for every seed"),
    (checks.systematic, lambda w, n, rng: np.ones(n, dtype=int), "the same ancestors for every"),
    (checks.systematic, resampling.multinomial, "use one offset for all points"),
    (checks.systematic, on_a_ruler(lambda n, rng: rng.random(n)), "use one offset for all"),
    (checks.systematic, on_a_ruler(lambda n, rng: rng.random() / 3), "is the offset uniform?"),
    (checks.systematic, on_a_ruler(lambda n, rng: rng.beta(4, 4)), "is the offset uniform?"),
    (checks.systematic, lambda w, n, rng: systematic(w, n, rng)[:-1], "yours has shape (9,)"),
    (checks.systematic, lambda w, n, rng: systematic(w, n, rng) / 1.0, "whole numbers"),
    (checks.systematic, lambda w, n, rng: systematic(w, n, rng) + 1, "an index from 0 to 4"),
    (checks.systematic, lambda w, n, rng: systematic(w, n, rng) - 1, "an index from 0 to 4"),
    (checks.bootstrap_filter, lambda *y: bootstrap_filter(*y, constant=1.0), "log(2π)/2"),
    (checks.bootstrap_filter, lambda *y: bootstrap_filter(*y, total=np.sum), "is their mean"),
    (checks.bootstrap_filter, lambda *y: bootstrap_filter(*y, early=True), "before any move"),
    (
        checks.bootstrap_filter,
        lambda y, n, rng: bootstrap_filter(y, n, np.random.default_rng(0)),
        "is the randomness taken from rng?",
    ),
]


def test_the_right_line_tells_both_evidences():
    line = checks.bootstrap_filter(bootstrap_filter).line
    exact, yours = (float(word) for word in line.replace(",", "").split() if "-" in word)
    assert exact != yours and abs(exact - yours) < 1


@pytest.mark.parametrize("check", [checks.effective_sample_size, checks.systematic])
def test_blanks_are_no_mistakes(check):
    assert repr(check(lambda *given: ...)) == "– not attempted yet"
