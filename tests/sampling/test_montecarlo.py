"""Darts and areas: chunks change nothing, hits are binomial, and intervals cover as they say.

What a budget may be, a larger budget that continues a smaller one, and flat memory are tested for
darts beside the other estimators, with the pictures of notebook 01.

Statistical tests raise a false alarm with probability at most 1e-6 whatever the seed: their bounds
are exact binomial distributions.
"""

import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value
from scipy import stats

from ttclib.cost import Cost
from ttclib.sampling import montecarlo
from ttclib.sampling.montecarlo import CHUNK, Estimate


def test_darts_are_the_same_with_and_without_chunks():
    for n in (1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7):
        xy = np.random.default_rng(n).random((n, 2))
        p = np.mean((xy**2).sum(axis=1) <= 1)
        estimate = montecarlo.darts(n, np.random.default_rng(n))
        assert estimate.value == 4 * p
        error = 4 * math.sqrt(p * (1 - p) / n) if 0 < p < 1 else math.nan
        assert estimate.standard_error == pytest.approx(error, rel=1e-12, nan_ok=True)
        assert estimate.cost == Cost(units=n, seconds=estimate.cost.seconds)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_darts_that_fell_alike_cannot_tell_how_far_off_they_are(n):
    """Every outcome of a few darts by many seeds: an error of zero is never claimed."""
    for seed in range(60):
        found = montecarlo.darts(n, np.random.default_rng(seed))
        alike = found.value in (0.0, 4.0)
        assert math.isnan(found.standard_error) == alike
        assert np.isnan(found.interval()).all() == alike
        assert alike or found.standard_error > 0


@pytest.mark.parametrize("all_or_none", [np.zeros, np.ones])
def test_a_region_that_all_points_hit_or_none_has_no_error_of_zero(all_or_none):
    inside = lambda points: all_or_none(len(points), bool)  # noqa: E731
    found = montecarlo.area(inside, [0], [2], 10**5, np.random.default_rng(0))
    assert found.value == 2 * all_or_none(1)[0]
    assert math.isnan(found.standard_error)


def test_interval_is_symmetric():
    assert Estimate(3.0, 0.5, Cost()).interval(2) == (2.0, 4.0)


def test_a_whole_float_is_a_budget():
    assert montecarlo.darts(1e3, np.random.default_rng(0)).cost.units == 1000


@pytest.mark.statistical
def test_the_number_of_hits_is_binomial(seed):
    n = 10**6
    for repeat in range(5):
        estimate = montecarlo.darts(n, np.random.default_rng((seed, repeat)))
        assert binomial_p_value(round(estimate.value * n / 4), n, math.pi / 4) > FALSE_ALARM / 5


@pytest.mark.statistical
def test_areas_are_binomial(seed):
    """An ellipse with half-axes 2 and 1 in a box that is not centred on it; area 2π of 20."""
    n = 10**5
    estimate = montecarlo.area(
        lambda p: p[:, 0] ** 2 / 4 + p[:, 1] ** 2 <= 1,
        [-2, -1],
        [3, 3],
        n,
        np.random.default_rng(seed),
    )
    assert binomial_p_value(round(estimate.value * n / 20), n, 2 * math.pi / 20) > FALSE_ALARM
    p = estimate.value / 20
    assert estimate.standard_error == pytest.approx(20 * math.sqrt(p * (1 - p) / n))


def coverage_p_value(method, seed, n=500, runs=3000):
    """P-value of the number of 95% intervals of darts that hold π; their exact share is a binomial
    sum.
    """
    hits = np.arange(n + 1)
    errors = 4 * np.sqrt(hits / n * (1 - hits / n) / n)
    holds = abs(4 * hits / n - math.pi) <= 1.96 * errors
    share = float(stats.binom.pmf(hits, n, math.pi / 4) @ holds)
    assert 0.93 < share < 0.96
    intervals = [method(n, rng).interval() for rng in np.random.default_rng(seed).spawn(runs)]
    return binomial_p_value(sum(low <= math.pi <= high for low, high in intervals), runs, share)


@pytest.mark.statistical
def test_intervals_hold_the_truth_as_often_as_they_say(seed):
    assert coverage_p_value(montecarlo.darts, seed) > FALSE_ALARM


def with_error(factor):
    """Darts whose standard error is wrong by a factor."""

    def mutant(n, rng):
        right = montecarlo.darts(n, rng)
        return Estimate(right.value, right.standard_error * factor, right.cost)

    return mutant


@pytest.mark.parametrize("factor", [1 / 4, 0.8, 1.25])
def test_coverage_check_sees_a_wrong_standard_error(factor, seed):
    """A quarter is the standard error without the factor 4 between a share and π."""
    assert coverage_p_value(with_error(factor), seed) < FALSE_ALARM


RNG = np.random.default_rng(0)


def everywhere(points):
    return np.ones(len(points), dtype=bool)


BAD_CALLS = {
    "the box is empty": lambda: montecarlo.area(everywhere, [0, 1], [1, 1], 64, RNG),
    "high has shape": lambda: montecarlo.area(everywhere, [0, 0], [1, 1, 1], 64, RNG),
    "low has 0 dimensions": lambda: montecarlo.area(everywhere, 0, 1, 64, RNG),
    "low holds 1 values": lambda: montecarlo.area(everywhere, [math.nan], [1], 64, RNG),
}


@pytest.mark.parametrize("line", BAD_CALLS)
def test_bad_calls_are_refused_in_one_line(line):
    with pytest.raises(ValueError, match=line) as refusal:
        BAD_CALLS[line]()
    assert "\n" not in str(refusal.value)
