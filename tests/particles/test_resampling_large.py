"""Resampling a million members: each still has the children that its weight says.

Small populations cannot show it: a ruler in single precision is right to seven digits, which is a
thousandth of a child among a thousand members, and tens of children among a million. Weights here
are whole numbers, so every mark on the ruler is known exactly.
"""

import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value

from ttclib.particles.resampling import UNBIASED, stratified, systematic

N = 10**6
OFFSETS = 25


def whole_weights(seed):
    """A million whole weights of very different sizes; first and last member expect half a child.

    Every other member is light: it expects about a fiftieth of a child.
    """
    rng = np.random.default_rng((seed, 6))
    weights = np.rint(2.0**20 * np.exp(rng.standard_normal(N))).astype(np.int64)
    weights[::2] //= 100
    weights[[0, -1]] = weights.sum() // (2 * N)
    return weights


class Offset:
    """A generator whose every uniform number is the same."""

    def __init__(self, value):
        self.value = value

    def random(self, size=None):
        return self.value if size is None else np.full(size, self.value)


def marks(scheme, weights):
    """Where each member ends on a ruler of N children, found from the children alone.

    With one offset u in all strata, ⌊c + u⌋ children or ⌈c − u⌉ descend from the members up to a
    mark c. The mean over u = 1/2m, 3/2m, … is within 1/2m of c.
    """
    total = np.zeros(len(weights))
    for u in (np.arange(OFFSETS) + 0.5) / OFFSETS:
        ancestors = scheme(weights.astype(float), N, Offset(u))
        total += np.bincount(ancestors, minlength=len(weights))[: len(weights)].cumsum()
    return total / OFFSETS


def farthest(scheme, weights):
    """How far the farthest mark is from where it belongs, in children."""
    exact = weights.cumsum() / weights.sum() * N
    return np.abs(marks(scheme, weights) - exact).max()


WITHIN = 0.5 / OFFSETS + 1e-3  # the grid of offsets, and the rounding of 10⁶ doubles


@pytest.mark.parametrize("scheme", [systematic, stratified])
def test_every_mark_of_a_million_is_where_it_belongs(scheme, seed):
    """So every single member expects its children to 0.05. No luck: no false alarm."""
    assert farthest(scheme, whole_weights(seed)) < WITHIN


def by_the_book(dtype=float, total=1.0, side="left", last=0):
    """Systematic resampling by the textbook, with a mistake."""

    def scheme(weights, n, rng):
        marks = np.cumsum((weights / weights.sum()).astype(dtype)) * dtype(total)
        points = (np.arange(n) + 1 - rng.random()) / n
        ancestors = np.searchsorted(marks, points.astype(dtype), side=side)
        ancestors[n - last :] = ancestors[n - last - 1]
        return np.minimum(ancestors, len(weights) - 1)

    return scheme


MISTAKEN_MARKS = {
    "a cumulative sum in single precision": by_the_book(np.float32),
    "a last mark that is not one": by_the_book(total=1 - 1e-6),
    "the last child goes to the member before": by_the_book(last=1),
    "one stratum too few": lambda w, n, rng: by_the_book()(w, n - 1, rng),
}


def test_the_textbook_without_a_mistake_passes(seed):
    assert farthest(by_the_book(), whole_weights(seed)) < WITHIN


@pytest.mark.parametrize("mistake", MISTAKEN_MARKS)
def test_mistaken_marks_are_caught(mistake, seed):
    assert farthest(MISTAKEN_MARKS[mistake], whole_weights(seed)) > WITHIN


def test_a_point_on_a_mark_has_the_member_that_ends_there():
    """2²⁰ equal weights, every mark a double, every point on one: each member has its child."""
    n = 2**20
    weights = np.ones(n)
    assert (systematic(weights, n, Offset(0.0)) == np.arange(n)).all()
    assert (by_the_book()(weights, n, Offset(0.0)) == np.arange(n)).all()
    assert (by_the_book(side="right")(weights, n, Offset(0.0)) != np.arange(n)).any()


# ---------------------------------------------------------------- independent strata


STRATA = 2**20  # so that the marks of equal weights are doubles


def coins(scheme, seed):
    """Of two equal members in each stratum, which is the parent? Fair coins, one a stratum."""
    ancestors = scheme(np.ones(2 * STRATA), STRATA, np.random.default_rng((seed, 8)))
    heads = ancestors % 2
    same = np.count_nonzero(heads[1:] == heads[:-1])
    found = binomial_p_value(heads.sum(), STRATA, 0.5), binomial_p_value(same, STRATA - 1, 0.5)
    return 2 * min(found)


@pytest.mark.statistical
def test_strata_have_points_of_their_own(seed):
    """Two exact binomial p-values: false alarms at most 1e-6 by the union bound."""
    assert coins(stratified, seed) > FALSE_ALARM


@pytest.mark.statistical
def test_one_point_for_all_strata_or_for_two_is_caught(seed):
    def pairs(weights, n, rng):
        offsets = np.repeat(rng.random(n // 2), 2)
        return np.searchsorted(np.cumsum(weights / weights.sum()), (np.arange(n) + offsets) / n)

    for mutant in (systematic, pairs):
        assert coins(mutant, seed) < FALSE_ALARM


# ---------------------------------------------------------------- children of single members


def groups(weights):
    """Sets of single members, not of neighbours: light and heavy ones, along the ruler."""
    place = np.arange(len(weights))
    light = weights * N < 0.02 * weights.sum()
    quarters = [place * 4 // len(weights) == k for k in range(4)]
    return [kind & quarter for kind in (light, ~light) for quarter in quarters]


def groups_p_value(scheme, weights, rng):
    """Members of a set with share p of the weight have N p children together, on average.

    In all schemes but the systematic one that number is a sum of N independent indicators, of
    variance at most N p (1 − p) = σ². Bernstein's inequality bounds its deviation d by
    2 exp(−d² / (2 σ² + 2 d / 3)); times the number of sets it is a p-value.
    """
    counts = np.bincount(scheme(weights.astype(float), N, rng), minlength=len(weights))
    bounds = []
    for members in groups(weights):
        p = weights[members].sum() / weights.sum()
        off = abs(counts[members].sum() - N * p)
        bounds.append(2 * math.exp(-(off**2) / (2 * N * p * (1 - p) + 2 * off / 3)))
    return len(bounds) * min(bounds)


@pytest.mark.statistical
@pytest.mark.parametrize("name", [name for name in UNBIASED if name != "systematic"])
def test_light_members_of_a_million_have_their_children(name, seed):
    """False-alarm rate at most 1e-6."""
    weights = whole_weights(seed)
    assert groups_p_value(UNBIASED[name], weights, np.random.default_rng(seed)) > FALSE_ALARM


def inverse_cdf(dtype, independent):
    """Search uniform points among the cumulative shares, as textbooks do."""

    def scheme(weights, n, rng):
        marks = np.cumsum((weights / weights.sum()).astype(dtype))
        uniforms = rng.random(n)
        points = uniforms if independent else (np.arange(n) + uniforms) / n
        return np.minimum(np.searchsorted(marks, points), len(weights) - 1)

    return scheme


@pytest.mark.statistical
@pytest.mark.parametrize("independent", [True, False], ids=["multinomial", "stratified"])
def test_light_members_lost_to_single_precision_are_missed(independent, seed):
    """Past the middle of the ruler a light weight is less than half a digit, and adds nothing."""
    weights = whole_weights(seed)
    mutant = inverse_cdf(np.float32, independent)
    assert groups_p_value(mutant, weights, np.random.default_rng(seed)) < FALSE_ALARM


@pytest.mark.statistical
@pytest.mark.parametrize("independent", [True, False], ids=["multinomial", "stratified"])
def test_the_same_search_in_double_precision_passes(independent, seed):
    """What is caught is the precision and not the search. False-alarm rate at most 1e-6."""
    weights = whole_weights(seed)
    sound = inverse_cdf(float, independent)
    assert groups_p_value(sound, weights, np.random.default_rng(seed)) > FALSE_ALARM
