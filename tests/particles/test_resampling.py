"""Resampling: exact distributions by enumeration, a statistical test with stated error rates, its
mutants, bounds.
"""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from outcomes import distribution_of_ancestors, wrong_at_the_edges

from ttclib.particles import resampling
from ttclib.particles.resampling import (
    SCHEMES,
    UNBIASED,
    multinomial,
    residual,
    stratified,
    systematic,
)

PUBLISHED = np.array([0.45, 0.25, 0.14, 0.10, 0.06])  # weights on which a published library errs
SMALL = [
    PUBLISHED[:3],
    [1.0, 1.0, 1.0],
    [0.0, 2.0, 1.0],
    [1.0, 0.0],
    [1.0],
    [1, 3],
    [7.0, 0.1, 0.1],
]
CASES = [
    (name, np.asarray(weights), n)
    for name in UNBIASED
    for weights in SMALL
    for n in (1, 2, 3)
    if name != "killing" or n == len(weights)  # killing replaces members one by one
]

# ---------------------------------------------------------------- exact distributions


def moments(distribution, f):
    """Mean and variance of the mean of f over the children."""
    chances = np.array([probability for probability, _ in distribution])
    means = np.array([np.mean(f[ancestors]) for _, ancestors in distribution])
    mean = chances @ means
    return mean, chances @ (means - mean) ** 2


@pytest.mark.parametrize(("name", "weights", "n"), CASES)
def test_every_member_has_its_share_of_children(name, weights, n):
    distribution = distribution_of_ancestors(UNBIASED[name], weights, n)
    assert sum(probability for probability, _ in distribution) == pytest.approx(1, abs=1e-13)
    expected = sum(
        p * np.bincount(ancestors, minlength=len(weights)) for p, ancestors in distribution
    )
    assert np.abs(expected - n * weights / weights.sum()).max() < 1e-12


def test_enumeration_sees_the_villain():
    distribution = distribution_of_ancestors(SCHEMES["winner takes all"], PUBLISHED, 3)
    assert [(p, a.tolist()) for p, a in distribution] == [(1.0, [0, 0, 0])]


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
    st.lists(st.integers(-5, 5), min_size=3, max_size=3),
)
def test_residual_and_stratified_are_never_worse_than_multinomial(weights, f):
    """Douc, Cappé, Moulines 2005, §3: exact variances, for any weights and any function."""
    assume(sum(weights) > 0)
    weights, f = np.array(weights, dtype=float), np.array(f, dtype=float)
    w = weights / weights.sum()
    exact_mean, exact = w @ f, (w @ f**2 - (w @ f) ** 2) / 3
    variance = {}
    for scheme in (multinomial, residual, stratified):
        mean, variance[scheme] = moments(distribution_of_ancestors(scheme, weights, 3), f)
        assert mean == pytest.approx(exact_mean, abs=1e-12)
    assert variance[multinomial] == pytest.approx(exact, abs=1e-12)
    assert max(variance[residual], variance[stratified]) <= exact + 1e-12


def test_systematic_can_be_worse_than_all_others():
    """Systematic ≤ stratified is no theorem: here one offset decides for all children at once.

    Eight equal members in pairs, f alternating 0 and 1. Each of four children falls on a pair, so
    its f is a fair coin: variance of the mean 1/16 if the coins are independent, 1/4 if all agree.
    """
    weights, f = np.ones(8), np.tile([0.0, 1.0], 4)
    worst = moments(distribution_of_ancestors(systematic, weights, 4), f)
    independent = moments(
        distribution_of_ancestors(multinomial, weights, 2), f
    )  # for n = 4 half of it
    assert worst == pytest.approx((1 / 2, 1 / 4), abs=1e-12)
    assert independent == pytest.approx((1 / 2, 1 / 8), abs=1e-12)
    assert stratified_variance(weights, 4, f) == pytest.approx(1 / 16, abs=1e-12)


def stratified_variance(weights, n, f):
    """Exact variance of the mean of f over n children: strata are independent."""

    class SamePlaceInEveryStratum:
        def __init__(self, place):
            self.place = place

        def random(self, size):
            return np.full(size, self.place)

    marks = np.cumsum(weights) / np.sum(weights) * n % 1
    edges = np.unique([0.0, *marks, 1.0])
    places = (edges[:-1] + edges[1:]) / 2
    parents = [stratified(weights, n, SamePlaceInEveryStratum(place)) for place in places]
    values = f[np.array(parents)]  # (cells, children)
    mean = np.diff(edges) @ values
    return np.sum(np.diff(edges) @ (values - mean) ** 2) / n**2


@pytest.mark.parametrize(
    "stride", [1, 17]
)  # neighbours on the ruler are neighbours in x, or are not
def test_order_of_the_schemes_on_a_filter_like_example(stride):
    """Fifty particles of a normal distribution, weighed by an observation.

    Multinomial Var_w(f)/n; residual the same on what is left over; the others from their
    distributions.
    """
    from scipy import stats

    n = 50
    x = stats.norm.ppf((np.arange(n) * stride % n + 0.5) / n)
    weights = np.exp(-0.5 * (x - 1.0) ** 2)
    w = weights / weights.sum()
    left = n * w - np.floor(n * w)

    def spread(p):
        return p @ x**2 - (p @ x) ** 2

    by_choice = spread(w) / n
    by_rest = left.sum() * spread(left / left.sum()) / n**2
    by_strata = stratified_variance(weights, n, x)
    mean, by_offset = moments(distribution_of_ancestors(systematic, weights, n), x)
    assert mean == pytest.approx(w @ x, abs=1e-12)
    assert by_choice > by_rest > max(by_strata, by_offset)
    if stride == 1:  # sorted: a point of a stratum can pick only near neighbours
        assert by_choice > 100 * by_strata
        assert by_offset > 9 * by_strata


# ------------------------------------------------------------- the statistical test and its mutants

# one heavy member: there a wrong power of the weights shows most
WEIGHTS = np.concatenate([[19.0], np.linspace(0.5, 1.5, 19)])
REPLICATES = 600
FALSE_ALARM = 1e-6


def resampler_p_value(scheme, rng):
    """Test that members have n wᵢ children on average, and vary no more than multinomial ones.

    Every unbiased scheme of the registry has Var(Nᵢ) ≤ n wᵢ (1 − wᵢ) = σ². In all but the
    systematic one the children are independent, so Nᵢ is a sum of n independent indicators whose
    probabilities sum to n wᵢ; its variance is greatest when they are equal. Systematic Nᵢ takes
    only the two whole numbers next to n wᵢ, the least variance there is. With b the largest |Nᵢ − n
    wᵢ| can be, Bernstein's inequality bounds, for R independent replicates and any ε > 0,

        P(|mean Nᵢ − n wᵢ| ≥ ε)      ≤ 2 exp(−R ε² / (2 σ² + 2 b ε / 3)),
        P(mean (Nᵢ − n wᵢ)² ≥ σ² + ε) ≤ exp(−R ε² / (2 b² σ² + 2 b² ε / 3)),

    the latter because Y = (Nᵢ − n wᵢ)² lies in [0, b²], so Var Y ≤ b² E Y. The smallest of these 2N
    bounds times 2N is a p-value: below α with probability at most α, with no approximation.
    """
    n = len(WEIGHTS)
    w = WEIGHTS / WEIGHTS.sum()
    ancestors = np.array([scheme(WEIGHTS, n, rng) for _ in range(REPLICATES)])
    rows = n * np.arange(REPLICATES)[:, None]
    excess = (
        np.bincount((ancestors + rows).ravel(), minlength=n * REPLICATES).reshape(REPLICATES, n)
        - n * w
    )
    variance, b = n * w * (1 - w), n * np.maximum(w, 1 - w)
    off = np.abs(excess.mean(axis=0))
    mean_p = 2 * np.exp(-REPLICATES * off**2 / (2 * variance + 2 * b * off / 3))
    off = np.maximum((excess**2).mean(axis=0) - variance, 0)
    variance_p = np.exp(-REPLICATES * off**2 / (2 * b**2 * variance + 2 * b**2 * off / 3))
    return min(1.0, 2 * n * min(mean_p.min(), variance_p.min()))


def ignores_the_weights(weights, n, rng):
    return rng.integers(len(weights), size=n)


def flattens_the_weights(weights, n, rng):
    return systematic(weights**0.9, n, rng)


def is_off_by_one(weights, n, rng):
    return (systematic(weights, n, rng) + 1) % len(weights)


def has_one_ancestor(weights, n, rng):
    """Right on average, and hopeless: the population collapses at every step."""
    return np.full(n, rng.choice(len(weights), p=weights / weights.sum()))


def wrong_residual_shares(weights, n):
    """Certain children, and the distribution of the rest, by the formula of a published library: wᵢ
    − ⌊n wᵢ⌋.
    """
    w = weights / weights.sum()
    certain = np.floor(n * w).astype(int)
    left = w - certain  # the mistake: it should be n w − ⌊n w⌋
    marks = np.cumsum(left / left.sum())
    marks[-1] = 1.0
    return certain, marks


def has_the_wrong_residual(weights, n, rng):
    certain, marks = wrong_residual_shares(weights, n)
    rest = np.searchsorted(marks, rng.random(n - certain.sum()))
    return np.concatenate([np.repeat(np.arange(len(weights)), certain), rest])


MUTANTS = [
    ignores_the_weights,
    flattens_the_weights,
    is_off_by_one,
    has_one_ancestor,
    has_the_wrong_residual,
    SCHEMES["winner takes all"],
]


@pytest.mark.statistical
@pytest.mark.parametrize("name", UNBIASED)
def test_unbiased_schemes_pass(name, seed):
    """False-alarm rate at most 1e-6, by Bernstein's inequality."""
    assert resampler_p_value(UNBIASED[name], np.random.default_rng(seed)) > FALSE_ALARM


@pytest.mark.statistical
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_each_mutant_fails_for_each_of_fifty_seeds(mutant, seed):
    for one in range(50 * seed, 50 * seed + 50):
        assert resampler_p_value(mutant, np.random.default_rng(one)) < FALSE_ALARM


def test_the_wrong_residual_is_the_published_one():
    certain, marks = wrong_residual_shares(PUBLISHED, 5)
    first, second = marks[0], 1 - marks[0]
    shares = (certain + 2 * np.array([first, second, 0, 0, 0])) / 5
    assert shares == pytest.approx([0.71, 0.29, 0, 0, 0], abs=1e-12)


# ---------------------------------------------------------------- what holds for every draw

POSITIVE_SUM = st.lists(st.floats(0, 1e6) | st.just(0.0), min_size=1, max_size=40).filter(
    lambda w: sum(w) > 0
)


@settings(deadline=None)
@given(POSITIVE_SUM, st.integers(1, 100), st.integers(0, 2**32), st.sampled_from(list(SCHEMES)))
def test_counts_stay_in_their_bounds(weights, n, seed, name):
    n = len(weights) if name == "killing" else n
    ancestors = SCHEMES[name](weights, n, np.random.default_rng(seed))
    assert ancestors.shape == (n,)
    assert np.issubdtype(ancestors.dtype, np.integer)
    counts = np.bincount(ancestors, minlength=len(weights))
    assert len(counts) == len(weights)
    assert (counts[np.array(weights) == 0] == 0).all()
    if name in (
        "multinomial",
        "stratified",
        "systematic",
    ):  # children in the order of their parents
        assert (np.diff(ancestors) >= 0).all()
    expected = np.array([w / math.fsum(weights) * n for w in weights])
    rounding = 1e-9 * n
    if name == "systematic":
        assert (np.abs(counts - expected) < 1 + rounding).all()
    if name == "stratified":
        assert (np.abs(counts - expected) < 2 + rounding).all()
    if name == "residual":
        assert (counts >= np.floor(expected * (1 - 1e-13))).all()


@pytest.mark.parametrize("n", [1, 3, 7, 49, 1000])
@pytest.mark.parametrize("value", [1.0, 0.1, 1 / 3, 5e-324, 1e300])
@pytest.mark.parametrize("name", ["residual", "stratified", "systematic", "killing"])
def test_equal_weights_leave_everybody_where_they_are(name, value, n):
    for seed in range(5):
        ancestors = SCHEMES[name](np.full(n, value), n, np.random.default_rng(seed))
        if name == "stratified" or name == "systematic":  # a point may fall on a rounded mark
            assert np.abs(ancestors - np.arange(n)).max() <= 1
        else:
            assert (ancestors == np.arange(n)).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", UNBIASED)
def test_a_million_particles(name, dtype, seed):
    """The first thousand members together have n p children, p = their share of the weight.

    That number is a sum of n independent indicators (systematic: within 1 of n p), so its variance
    is at most n p (1 − p), and six standard deviations are exceeded with probability below
    2 exp(−36 / (2 + 4 / σ)) < 1e-6 (Bernstein, σ > 8). The rest allows for rounding.
    """
    n = 10**6
    rng = np.random.default_rng(seed)
    weights = np.exp(2 * rng.standard_normal(n)).astype(dtype)
    weights[:1000] *= 100
    ancestors = UNBIASED[name](weights, n, rng)
    share = weights[:1000].sum(dtype=float) / weights.sum(dtype=float)
    assert ancestors.shape == (n,)
    assert 0 <= ancestors.min() <= ancestors.max() < n
    deviation, sd = (
        np.count_nonzero(ancestors < 1000) - n * share,
        math.sqrt(n * share * (1 - share)),
    )
    assert sd > 8
    assert abs(deviation) < 6 * sd + 1e-9 * n


class Extreme:
    """A generator that always draws the smallest or the largest uniform number it can."""

    def __init__(self, value):
        self.value = value

    def random(self, size=None):
        return self.value if size is None else np.full(size, self.value)


@settings(deadline=None, max_examples=300)
@given(POSITIVE_SUM, st.integers(1, 1000), st.sampled_from([systematic, stratified]))
def test_the_ends_of_the_ruler_belong_to_members(weights, n, scheme):
    """Rounding leaves no child without a parent and gives none to a member without weight."""
    for value in (0.0, 1 - 2**-53):
        ancestors = scheme(weights, n, Extreme(value))
        assert ancestors.shape == (n,)
        assert (np.array(weights)[ancestors] > 0).all()


@pytest.mark.parametrize("scheme", [multinomial, residual])
def test_members_without_weight_are_not_even_asked(scheme):
    class Strict(Extreme):
        def multinomial(self, n, p):
            assert (p > 0).all()
            return np.array([n, *[0] * (len(p) - 1)])

    assert scheme([0.0, 0.3, 0.7, 0.0], 1, Strict(0.0)).tolist() == [1]


SPECIAL = st.sampled_from(
    [0.0, -0.0, math.nan, math.inf, -math.inf, -1.0, 5e-324, 1e-300, 1e300, 1e308]
)
LISTS = st.lists(SPECIAL | st.floats(0, 10) | st.floats(), max_size=8) | st.lists(
    st.integers(-1, 9)
)
CONTAINERS = st.sampled_from([list, tuple, np.array, lambda v: np.array(v, dtype=np.float32)])


@settings(deadline=None, max_examples=400)
@given(LISTS, CONTAINERS, st.integers(1, 12), st.integers(0, 2**32), st.sampled_from(list(SCHEMES)))
def test_any_weights_give_a_clear_error_or_ancestors_that_live(values, container, n, seed, name):
    with np.errstate(over="ignore"):
        weights = container(values)
    numbers = np.array([float(v) for v in weights])
    n = max(1, len(values)) if name == "killing" else n
    good = (
        len(numbers) and np.isfinite(numbers).all() and (numbers >= 0).all() and (numbers > 0).any()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            ancestors = SCHEMES[name](weights, n, np.random.default_rng(seed))
        except ValueError as error:
            assert not good
            assert "weights" in str(error)
            assert "\n" not in str(error)
        else:
            assert good
            assert ancestors.shape == (n,)
            assert (numbers[ancestors] > 0).all()


@pytest.mark.parametrize("n", [0, -1, 2.5, math.nan, "3", None, True])
@pytest.mark.parametrize("name", SCHEMES)
def test_a_number_of_children_that_is_none_is_refused(name, n):
    with pytest.raises(ValueError, match=r"^n is [^\n]+whole number"):
        SCHEMES[name]([1.0], n, np.random.default_rng(0))


def test_killing_needs_as_many_children_as_members():
    with pytest.raises(ValueError, match="n must be 2"):
        resampling.killing([1.0, 1.0], 3, np.random.default_rng(0))


@pytest.mark.parametrize("name", SCHEMES)
def test_the_weights_are_left_alone_and_the_seed_decides(name):
    weights = np.array([0.2, 0.5, 0.3])
    weights.setflags(write=False)
    first, again = (SCHEMES[name](weights, 3, np.random.default_rng(4)) for _ in range(2))
    assert (first == again).all()


def test_schemes_are_found_by_name():
    assert resampling.scheme("residual") is residual
    assert resampling.scheme(is_off_by_one) is is_off_by_one
    for unknown in ("roulette", 3, None):
        with pytest.raises(ValueError, match="must be one of multinomial, residual"):
            resampling.scheme(unknown)


# ---------------------------------------------------------------- the fast forms and the textbook


class Given:
    """A generator that gives the same uniform numbers again."""

    def __init__(self, numbers):
        self.numbers = numbers

    def random(self, size=None):
        return self.numbers[0] if size is None else self.numbers[:size]


def textbook(scheme, **changes):
    """The three lines of a docstring, made to run: (marks, points, ancestors)."""
    block = scheme.__doc__.partition("::\n")[2].strip()
    marks, points, result = (line.strip() for line in block.splitlines())
    for old, new in changes.items():
        assert POINTS[old] in points
        points = points.replace(POINTS[old], new)
    names = {"np": np}
    body = [marks, points, f"return marks, points, {result.removeprefix('return ')}"]
    exec("def run(weights, n, rng):\n    " + "\n    ".join(body), names)
    return names["run"]


POINTS = {"stratified": "rng.random(n)", "systematic": "1 - rng.random()"}
MUTANTS = {
    "stratified": ["rng.random()", "rng.random(n)[::-1]", "0.5"],
    "systematic": ["rng.random()", "0.5 + 0 * rng.random()"],
}


def differences(name, by_the_book, seed):
    """How often the library and the three lines name different parents, rounding aside.

    Both add up the weights, in another order and unit: a mark is off by N rounding errors of 2⁻⁵²
    at most, and in lottery tickets by N² of 2⁻⁶². With N ≤ 300 that is below 1e-12 in all, so
    whoever is farther than that from every mark has one parent, and it is the same.
    """
    rng = np.random.default_rng(seed)
    differ = children = 0
    for _ in range(300):
        weights = rng.gamma(rng.uniform(0.05, 3), size=rng.integers(1, 300))
        n = int(rng.integers(1, 300))
        numbers = rng.random(300)
        marks, points, expected = by_the_book(weights, n, Given(numbers))
        sure = np.abs(marks[:, None] - points).min(axis=0) > 1e-12
        differ += np.count_nonzero((UNBIASED[name](weights, n, Given(numbers)) != expected)[sure])
        children += np.count_nonzero(sure)
    assert children > 20_000
    return differ


@pytest.mark.parametrize("name", POINTS)
def test_the_fast_form_is_the_textbook(name, seed):
    assert differences(name, textbook(UNBIASED[name]), seed) == 0


@pytest.mark.parametrize(("name", "points"), [(k, p) for k, ps in MUTANTS.items() for p in ps])
def test_other_points_are_told_from_the_textbook(name, points, seed):
    assert differences(name, textbook(UNBIASED[name], **{name: points}), seed) > 1000


def inverts(weights, n, rng):
    """Another right way to draw: by the inverse of the distribution function."""
    marks = np.cumsum(np.asarray(weights, dtype=float) / np.sum(weights))
    return np.searchsorted(marks[:-1], rng.random(n), side="right")


def inverts_in_single_precision(weights, n, rng):
    marks = np.cumsum(np.asarray(weights / np.sum(weights), dtype=np.float32))
    return np.searchsorted(marks[:-1], rng.random(n), side="right")


def inverts_from_the_left(weights, n, rng):
    marks = np.cumsum(weights / np.sum(weights))
    return np.searchsorted(marks[:-1], rng.random(n), side="left")


@pytest.mark.parametrize("weights", [[3, 2, 5], [0, 1, 2, 3], [1, 0, 0, 2], [1, 1, 1]])
def test_any_right_way_to_draw_passes_the_enumeration(weights, monkeypatch):
    """Also inside the schemes that draw some of their parents."""
    weights = np.array(weights, dtype=float)
    monkeypatch.setattr(resampling, "_multinomial", inverts)
    schemes = [inverts, resampling.multinomial, resampling.residual]
    if len(weights) == 3:  # with four members there are too many outcomes
        schemes.append(resampling.killing)
    for scheme in schemes:
        children = np.zeros(len(weights))
        for probability, ancestors in distribution_of_ancestors(scheme, weights, 3):
            children += probability * np.bincount(ancestors, minlength=len(weights))
        assert children == pytest.approx(3 * weights / weights.sum(), abs=1e-12)
    assert wrong_at_the_edges(inverts, weights) == []


@pytest.mark.parametrize("mutant", [inverts_in_single_precision, inverts_from_the_left])
def test_a_wrong_way_to_draw_is_caught_at_the_edges(mutant):
    assert wrong_at_the_edges(mutant, np.array([0.0, 1, 2, 3, 4, 7])) != []
