"""Estimators: chunks change nothing, streams continue, and variances are the exact ones.

Statistical tests here raise a false alarm with probability at most 1e-6 whatever the seed. Their
bounds are exact binomial laws, or Bernstein's inequality for means of bounded terms: nothing is
tuned, and each check is shown to fail mutants, estimators with one mistake put in.
"""

import math
import tracemalloc

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value
from scipy import integrate, stats
from scipy.stats import qmc

from ttclib.cost import Cost
from ttclib.course.monte_carlo_pi import estimators
from ttclib.sampling import montecarlo
from ttclib.sampling.montecarlo import CHUNK, Estimate


def f(u):
    """Four times the height of the quarter circle; its integral is π."""
    return 4 * np.sqrt(1 - u**2)


def g(u):
    return u**2


def integral(h):
    return integrate.quad(h, 0, 1, epsabs=1e-12, limit=200)[0]


def variance(h):
    return integral(lambda u: h(u) ** 2) - integral(h) ** 2


BETA = (integral(lambda u: f(u) * g(u)) - math.pi / 3) / variance(g)

# what one evaluation's worth of each estimator averages, and how many evaluations that takes
TERMS = {
    "mean value": (f, 1),
    "antithetic": (lambda u: (f(u) + f(1 - u)) / 2, 2),
    "control variate": (lambda u: f(u) - BETA * (g(u) - 1 / 3), 1),
}
METHODS = {
    "darts": montecarlo.darts,
    "mean value": lambda n, rng: estimators.mean_value(f, n, rng),
    "antithetic": lambda n, rng: estimators.antithetic(f, n, rng),
    "control variate": lambda n, rng: estimators.control_variate(f, g, 1 / 3, n, rng),
    "stratified": lambda n, rng: estimators.stratified_sampling(f, n, rng),
    "Sobol": lambda n, rng: estimators.sobol(f, n, rng),
}


def bernstein(variance, reach, n, alarm=FALSE_ALARM):
    """Distance from its expectation that a mean of n independent terms exceeds with probability <
    alarm.

    Bernstein's inequality, P(|mean − μ| ≥ t) ≤ 2 exp(−n t² / (2 variance + 2 reach t / 3)), solved
    for t; the terms differ from μ by at most ``reach``.
    """
    log = math.log(2 / alarm)
    return (log * reach / 3 + math.sqrt((log * reach / 3) ** 2 + 2 * n * log * variance)) / n


# ---- exact --------------------------------------------------------------------------------------


def test_the_variances_in_the_table_of_notebook_01_are_exact():
    per_evaluation = {name: variance(h) * evaluations for name, (h, evaluations) in TERMS.items()}
    assert per_evaluation["mean value"] == pytest.approx(32 / 3 - math.pi**2, abs=1e-9)
    assert round(math.pi * (4 - math.pi), 3) == 2.697
    assert [round(v, 3) for v in per_evaluation.values()] == [0.797, 0.219, 0.026]


def whole(name, n, rng):
    """Each estimator in the textbook's one line, all points at once: value and standard error."""
    if name == "mean value":
        values = f(rng.random(n))
        return values.mean(), values.std(ddof=1) / math.sqrt(n)
    if name == "antithetic":
        u = rng.random(n // 2)
        pairs = (f(u) + f(1 - u)) / 2
        return pairs.mean(), pairs.std(ddof=1) / math.sqrt(n // 2)
    if name == "control variate":
        u = rng.random(n)
        line, (squares,), *_ = np.linalg.lstsq(np.column_stack([np.ones(n), g(u) - 1 / 3]), f(u))
        return line[0], math.sqrt(squares / n / (n - 2))
    if name == "stratified":
        values = f((np.arange(n) + rng.random(n)) / n)
        return values.mean(), math.sqrt(((values[::2] - values[1::2]) ** 2).sum()) / n
    means = [f(qmc.Sobol(1, rng=rng).random(n // 8)[:, 0]).mean() for _ in range(8)]
    return np.mean(means), np.std(means, ddof=1) / math.sqrt(8)


SIZES = [64, CHUNK - 2, CHUNK, CHUNK + 2, 2 * CHUNK, 4 * CHUNK]
BALANCED = [64, CHUNK, 16 * CHUNK]  # Sobol points come in powers of two, here for 8 replicates


@pytest.mark.parametrize(
    ("name", "n"),
    [(k, n) for k in METHODS if k != "darts" for n in (BALANCED if k == "Sobol" else SIZES)],
)
def test_chunks_change_nothing(name, n):
    estimate = METHODS[name](n, np.random.default_rng(n))
    value, error = whole(name, n, np.random.default_rng(n))
    assert estimate.value == pytest.approx(value, rel=1e-12)
    assert estimate.standard_error == pytest.approx(error, rel=1e-6)
    assert estimate.cost.units == n
    assert type(estimate.value) is float and type(estimate.standard_error) is float


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("chunk", [2, 10, 64])
@pytest.mark.filterwarnings("ignore:The balance properties of Sobol")
def test_the_size_of_a_chunk_does_not_matter(name, chunk, monkeypatch):
    expected = METHODS[name](512, np.random.default_rng(3))
    monkeypatch.setattr(montecarlo, "CHUNK", chunk)
    estimate = METHODS[name](512, np.random.default_rng(3))
    assert estimate.value == pytest.approx(expected.value, rel=1e-13)
    assert estimate.standard_error == pytest.approx(expected.standard_error, rel=1e-9)


def points_of(method, n, dim, seed=0):
    """All points at which a method evaluates its integrand, in order."""
    seen = []

    def spy(x):
        seen.append(np.array(x))
        return np.zeros(len(x))

    method(spy, n, np.random.default_rng(seed), dim)
    return np.concatenate(seen)


@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("small", [10, CHUNK, CHUNK + 100])
def test_a_larger_budget_continues_the_smaller(dim, small):
    fewer = points_of(estimators.mean_value, small, dim)
    assert fewer.shape == ((small,) if dim == 1 else (small, dim))
    np.testing.assert_array_equal(points_of(estimators.mean_value, 3 * small, dim)[:small], fewer)


def test_antithetic_points_are_mirror_images():
    for dim in (1, 3):
        u = points_of(estimators.antithetic, 100, dim)
        np.testing.assert_allclose(u[:50] + u[50:], 1)


def test_stratified_puts_one_point_into_each_stratum():
    n = 2 * CHUNK + 2
    seen = []
    estimators.stratified_sampling(lambda u: (seen.append(u), u)[1], n, np.random.default_rng(0))
    assert sorted(np.floor(np.concatenate(seen) * n)) == list(range(n))


def test_each_sobol_replicate_is_a_balanced_net_of_its_own():
    """In 2 dimensions, each of the 2^a × 2^b boxes with a + b = m holds one of 2^m points."""
    m, replicates = 6, 4
    points = points_of(
        lambda h, n, rng, dim: estimators.sobol(h, n, rng, dim, replicates), 4 * 2**m, 2
    )
    nets = points.reshape(replicates, 2**m, 2)
    for net in nets:
        for a in range(m + 1):
            boxes = np.floor(net * [2**a, 2 ** (m - a)]).astype(int)
            assert len(np.unique(boxes, axis=0)) == 2**m
    assert len(np.unique(nets[:, 0], axis=0)) == replicates  # scrambled independently


def stratified_variance(n):
    """Exact variance of the stratified estimate of π: Σ of the variances inside the strata, over
    n².
    """
    nodes, weights = np.polynomial.legendre.leggauss(20)
    u = (np.arange(n)[:, None] + (nodes + 1) / 2) / n
    mean = f(u) @ weights / 2
    return float((((f(u) - mean[:, None]) ** 2) @ weights / 2).sum()) / n**2


def test_an_infinite_slope_costs_the_stratified_sampler_a_little_of_its_rate():
    """The page: like n^−1.4 on the quarter circle, like n^−1.5 where the function is smooth."""
    sizes = 2 ** np.arange(4, 13)
    rates = np.diff([math.log2(stratified_variance(n)) / 2 for n in sizes])
    assert ((rates > -1.45) & (rates < -1.35)).all() and (np.diff(rates) < 0).all()


def by_simpson(function, upper, intervals):
    """Simpson's rule from 0 to ``upper``."""
    x = np.linspace(0, upper, intervals + 1)
    return integrate.simpson(function(x), x=x)


def test_simpson_needs_a_smooth_function():
    """The digits that the page says."""
    assert by_simpson(np.exp, 1, 100) == pytest.approx(math.e - 1, rel=1e-10)
    assert 0.5e-4 < abs(by_simpson(f, 1, 256) / math.pi - 1) * 3 < 5e-4  # four digits
    assert by_simpson(lambda t: 4 * np.cos(t) ** 2, math.pi / 2, 8) == pytest.approx(math.pi, 1e-14)


def test_one_point_in_each_stratum_cannot_be_far_off():
    """F falls from 4 to 0, so n strata, or the 1-D net of a Sobol replicate, err by at most 4/n.

    The bound is certain, for every seed. Plain points err by 0.89/√n, 100 times the bound at 2¹⁸.
    """
    n = 2**18
    for seed in range(3):
        rng = np.random.default_rng(seed)
        assert abs(METHODS["stratified"](n, rng).value - math.pi) <= 4 / n
        assert abs(estimators.sobol(f, n, rng, replicates=2).value - math.pi) <= 4 / (n / 2)
    assert 1e-8 < math.sqrt(stratified_variance(n)) < 3e-8


def test_one_dart_has_no_error_bar_worth_the_name():
    assert math.isnan(estimators.mean_value(f, 1, np.random.default_rng(0)).standard_error)


def test_memory_stays_flat():
    """10⁷ points of two coordinates would take 160 MB at once."""
    for method in (montecarlo.darts, METHODS["mean value"]):
        tracemalloc.start()
        estimate = method(10**7, np.random.default_rng(0))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3e6
        assert estimate.cost.units == 10**7


def raised(u):
    return 1e9 + u


@pytest.mark.parametrize(
    "method",
    [
        lambda n, rng: estimators.mean_value(raised, n, rng),
        lambda n, rng: estimators.control_variate(raised, np.zeros_like, 0.0, n, rng),
    ],
    ids=["mean value", "control variate"],
)
def test_large_offsets_do_not_eat_the_variance(method):
    """A sum of squares would lose all digits of a variance of 1/12 beside a mean of 10⁹."""
    n = CHUNK + 5000
    u = np.random.default_rng(0).random(n)
    error = method(n, np.random.default_rng(0)).standard_error
    assert error == pytest.approx(u.std(ddof=1) / math.sqrt(n), rel=1e-3)


def test_a_control_that_explains_everything_leaves_no_error():
    estimate = estimators.control_variate(
        lambda u: 3 - 2 * u, lambda u: u, 0.5, 1000, np.random.default_rng(0)
    )
    assert estimate.value == pytest.approx(2.0, abs=1e-12)
    assert estimate.standard_error < 1e-6


@pytest.mark.parametrize("bend", [1e-3, 1e-6, 1e-9])
def test_the_error_that_a_control_leaves_keeps_its_digits(bend):
    """A line in g and a small bend: its variance less what g explains would be rounding."""
    n = CHUNK + 4000

    def bent(u):
        return 1e3 * u + bend * np.cos(40 * u)

    found = estimators.control_variate(bent, lambda u: u, 0.5, n, np.random.default_rng(1))
    u = np.random.default_rng(1).random(n)
    left = np.cos(40 * u) - np.polyval(np.polyfit(u, np.cos(40 * u), 1), u)
    exact = bend * math.sqrt((left @ left) / n / (n - 2))
    assert found.standard_error == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(
    "name", ["mean value", "antithetic", "control variate", "stratified", "Sobol"]
)
def test_errors_know_no_offset(name, monkeypatch):
    """A function lifted by 10⁸ has the same error, and a value that is 10⁸ larger."""
    n = 2**15
    plain = METHODS[name](n, np.random.default_rng(3))
    ground = f
    monkeypatch.setitem(globals(), "f", lambda u: ground(u) + 1e8)
    lifted = METHODS[name](n, np.random.default_rng(3))
    assert lifted.value - 1e8 == pytest.approx(plain.value, abs=1e-6)
    assert lifted.standard_error == pytest.approx(plain.standard_error, rel=1e-3, abs=1e-8)


@pytest.mark.parametrize("method", [estimators.mean_value, estimators.antithetic])
def test_a_mean_of_equal_values_cannot_tell_its_error(method):
    found = method(np.ones_like, 64, np.random.default_rng(0))
    assert found.value == 1.0
    assert math.isnan(found.standard_error)


def test_dimensions():
    for method in (estimators.mean_value, estimators.antithetic, estimators.sobol):
        estimate = method(
            lambda x: x @ np.array([1.0, 2.0, 3.0]), 4096, np.random.default_rng(0), dim=3
        )
        assert abs(estimate.value - 3) < 0.5


# ---- statistical --------------------------------------------------------------------------------


def mean_is_right(method, term, seed):
    """Whether the estimate of π lies where Bernstein allows, for 10⁶ evaluations."""
    h, evaluations = TERMS[term]
    n = 10**6
    value = method(n, np.random.default_rng((seed, 1))).value
    reach = 4 + abs(BETA) if term == "control variate" else 4
    # β is estimated too; what this adds, (β̂ − β)(ḡ − 1/3), is of order 1/n and under 1% of the
    # bound
    return abs(value - math.pi) <= 1.01 * bernstein(variance(h), reach, n // evaluations)


def error_bar_is_right(method, term, seed):
    """Whether standard_error² · evaluations is the exact variance of one evaluation's worth.

    The sample variance of k terms is [k/(k−1)] · (mean squared distance from π − (mean − π)²).
    The first mean is within Bernstein's bound of the exact variance, the second square is below
    the square of another; half of the false alarm goes to each.
    """
    h, evaluations = TERMS[term]
    n, exact = 10**6, variance(h)
    k = n // evaluations
    estimate = method(n, np.random.default_rng((seed, 2)))
    reach = 4 + abs(BETA) if term == "control variate" else 4
    fourth = integral(lambda u: (h(u) - math.pi) ** 4) - exact**2
    slack = bernstein(fourth, reach**2, k, FALSE_ALARM / 2)
    slack += bernstein(exact, reach, k, FALSE_ALARM / 2) ** 2 + exact / (k - 1)
    reported = estimate.standard_error**2 * estimate.cost.units
    # the fitted β lowers the residuals by the square of its error: again of order 1/n
    return abs(reported / evaluations - exact) <= 1.01 * slack


@pytest.mark.statistical
@pytest.mark.parametrize("name", TERMS)
def test_estimates_and_error_bars(name, seed):
    assert mean_is_right(METHODS[name], name, seed)
    assert error_bar_is_right(METHODS[name], name, seed)


@pytest.mark.statistical
@pytest.mark.parametrize("name", METHODS)
def test_the_spread_of_repetitions_is_the_exact_one(name, seed):
    assert spread_is_right(METHODS[name], name, seed)


def spread_is_right(method, name, seed, n=1024, runs=400):
    """Whether the mean squared error over repetitions agrees with the exact variance.

    A value is a mean of many bounded terms, so nearly normal, and the sum of squared errors nearly
    chi-square with ``runs`` degrees of freedom. Nearly is made up for by a level of 1e-8 a side.
    Sobol replicates are not sums of independent terms; for them the bound is the certain one.
    """
    values = np.array(
        [method(n, rng).value for rng in np.random.default_rng((seed, 3)).spawn(runs)]
    )
    squares = ((values - math.pi) ** 2).sum()
    if name == "Sobol":
        return abs(values - math.pi).max() <= 4 / (n / 8)
    if name == "darts":
        exact = math.pi * (4 - math.pi) / n
    elif name == "stratified":
        exact = stratified_variance(n)
    else:
        h, evaluations = TERMS[name]
        exact = variance(h) * evaluations / n
    return stats.chi2.ppf(1e-8, runs) < squares / exact < stats.chi2.isf(1e-8, runs)


# ---- mutants: one mistake each, and the check that sees it --------------------------------------


def scaled(method, *, error=1.0, units=1.0):
    def mutant(n, rng):
        right = method(n, rng)
        cost = Cost(units=round(right.cost.units * units))
        return Estimate(right.value, right.standard_error * error, cost)

    return mutant


def turned_control(n, rng):
    """β with the wrong sign."""
    u = rng.random(n)
    values = f(u) + BETA * (g(u) - 1 / 3)
    return Estimate(values.mean(), values.std() / math.sqrt(n), Cost(units=n))


def uncentred_control(n, rng):
    """The control's known mean is left out."""
    u = rng.random(n)
    values = f(u) - BETA * g(u)
    return Estimate(values.mean(), values.std() / math.sqrt(n), Cost(units=n))


def same_twice(n, rng):
    """Antithetic pairs u, u in place of u, 1 − u."""
    values = f(rng.random(n // 2))
    return Estimate(values.mean(), values.std() / math.sqrt(n // 2), Cost(units=n))


def left_edges(n, rng):
    """Strata without their random offset."""
    return Estimate(f(np.arange(n) / n).mean(), 0.0, Cost(units=n))


def whole_circle_radius(n, rng):
    """Hits counted by x + y ≤ 1, without the squares."""
    p = np.mean(rng.random((n, 2)).sum(axis=1) <= 1)
    return Estimate(4 * p, 4 * math.sqrt(p * (1 - p) / n), Cost(units=n))


ERROR_BAR_MUTANTS = {
    "half of the evaluations counted": (scaled(METHODS["antithetic"], units=0.5), "antithetic"),
    "error of n/2 terms where there are n": (
        scaled(METHODS["mean value"], error=2**0.5),
        "mean value",
    ),
    "β turned": (turned_control, "control variate"),
    "pairs of the same point": (same_twice, "antithetic"),
    "plain error bar on antithetic values": (METHODS["mean value"], "antithetic"),
}
SPREAD_MUTANTS = {
    "β turned": (turned_control, "control variate"),
    "control not centred": (uncentred_control, "control variate"),
    "pairs of the same point": (same_twice, "antithetic"),
    "no offset in the strata": (left_edges, "stratified"),
    "plain points in place of strata": (METHODS["mean value"], "stratified"),
    "plain points in place of Sobol points": (METHODS["mean value"], "Sobol"),
    "no squares": (whole_circle_radius, "darts"),
}


@pytest.mark.parametrize("mutant", ERROR_BAR_MUTANTS)
def test_error_bar_check_sees(mutant, seed):
    method, name = ERROR_BAR_MUTANTS[mutant]
    assert not error_bar_is_right(method, name, seed)


@pytest.mark.parametrize("mutant", SPREAD_MUTANTS)
def test_spread_check_sees(mutant, seed):
    method, name = SPREAD_MUTANTS[mutant]
    assert not spread_is_right(method, name, seed)


def test_mean_check_sees_a_control_that_is_not_centred(seed):
    assert not mean_is_right(uncentred_control, "control variate", seed)


# ---- rejection ----------------------------------------------------------------------------------

HALF_CIRCLE = {
    "log_density": lambda x: 0.5 * np.log1p(-(x**2)),
    "propose": lambda k, rng: rng.uniform(-1, 1, k),
    "log_proposal": lambda x: np.zeros(len(x)),
    "log_bound": 0.0,
}
# N(0, 1) under a Cauchy proposal: p/q = √(π/2) (1 + x²) exp(−x²/2), largest at x = ±1
NORMAL = {
    "log_density": lambda x: -0.5 * x**2 - 0.5 * math.log(2 * math.pi),
    "propose": lambda k, rng: rng.standard_cauchy(k),
    "log_proposal": lambda x: -np.log1p(x**2) - math.log(math.pi),
    "log_bound": 0.5 * math.log(math.pi / 2) + math.log(2) - 0.5,
}


def half_circle_cdf(x):
    return 0.5 + (x * np.sqrt(1 - x**2) + np.arcsin(x)) / math.pi


TARGETS = {
    "half circle": (
        HALF_CIRCLE,
        lambda x: 0.5 + (x * np.sqrt(1 - x**2) + np.arcsin(x)) / math.pi,
        math.pi / 4,
    ),
    "normal": (NORMAL, stats.norm.cdf, math.exp(-NORMAL["log_bound"])),
}


def keep_everything(log_density, propose, log_proposal, log_bound, n, rng):
    return propose(n, rng), Cost(units=n)


def forget_the_proposal(log_density, propose, log_proposal, log_bound, n, rng):
    x = propose(n, rng)
    return x[np.log(rng.random(n)) < log_density(x) - log_bound], Cost(units=n)


def keep_when_above_half(log_density, propose, log_proposal, log_bound, n, rng):
    x = propose(n, rng)
    return x[np.log(0.5) < log_density(x) - log_proposal(x) - log_bound], Cost(units=n)


def rejection_p_values(sampler, target, seed, n=3 * CHUNK + 5):
    """Exact Kolmogorov-Smirnov p-value of the kept points, binomial p-value of their number."""
    recipe, cdf, share = TARGETS[target]
    kept, cost = sampler(**recipe, n=n, rng=np.random.default_rng((seed, 4)))
    assert cost.units == n
    return stats.kstest(kept[:5000], cdf, method="exact").pvalue, binomial_p_value(
        len(kept), n, share
    )


@pytest.mark.statistical
@pytest.mark.parametrize("target", TARGETS)
def test_rejection_samples_exactly(target, seed):
    assert min(rejection_p_values(estimators.rejection_sampling, target, seed)) > FALSE_ALARM / 2


@pytest.mark.parametrize("mutant", [keep_everything, forget_the_proposal, keep_when_above_half])
def test_rejection_check_sees(mutant, seed):
    assert min(rejection_p_values(mutant, "normal", seed)) < FALSE_ALARM / 2


def test_rejection_may_meet_points_of_density_zero():
    recipe = HALF_CIRCLE | {"log_density": lambda x: np.where(x > 0, 0.0, -np.inf)}
    kept, _ = estimators.rejection_sampling(**recipe, n=1000, rng=np.random.default_rng(0))
    assert len(kept) and (kept > 0).all()


def test_rejection_keeps_the_shape_of_points():
    recipe = {
        "log_density": lambda x: -(x**2).sum(axis=1),
        "propose": lambda k, rng: rng.uniform(-1, 1, (k, 3)),
        "log_proposal": lambda x: np.zeros(len(x)),
        "log_bound": 0.0,
    }
    kept, _ = estimators.rejection_sampling(**recipe, n=100, rng=np.random.default_rng(0))
    assert kept.ndim == 2 and kept.shape[1] == 3


# ---- refusals -----------------------------------------------------------------------------------

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("n", [0, -8, 2.5, math.nan, math.inf, "8", None, True, [8]])
def test_a_budget_is_a_whole_number(name, n):
    with pytest.raises(ValueError, match=r"^n is .* whole number of at least"):
        METHODS[name](n, RNG)


BAD_CALLS = {
    "antithetic points come in pairs": lambda: estimators.antithetic(f, 7, RNG),
    "the error bar pairs strata": lambda: estimators.stratified_sampling(f, 7, RNG),
    r"8 \(replicates\) times a power of two": lambda: estimators.sobol(f, 24, RNG),
    r"n is 4; it must be 8 \(replicates\)": lambda: estimators.sobol(f, 4, RNG),
    "replicates is 1": lambda: estimators.sobol(f, 64, RNG, replicates=1),
    "replicates is 2.5": lambda: estimators.sobol(f, 64, RNG, replicates=2.5),
    "dim is 0": lambda: estimators.mean_value(f, 64, RNG, dim=0),
    "dim is 1.5": lambda: estimators.antithetic(f, 64, RNG, dim=1.5),
    "dim is -1": lambda: estimators.sobol(f, 64, RNG, dim=-1),
    "dim is 'two'": lambda: estimators.control_variate(f, g, 1 / 3, 64, RNG, dim="two"),
    "n is 2; it must be a whole number of at least 3": lambda: estimators.control_variate(
        f, g, 0.3, 2, RNG
    ),
    "g_mean is nan": lambda: estimators.control_variate(f, g, math.nan, 64, RNG),
    r"f returned shape \(\) for 64 points": lambda: estimators.mean_value(np.mean, 64, RNG),
    r"f returned shape \(64, 2\)": lambda: estimators.mean_value(lambda x: x, 64, RNG, dim=2),
    "f returned NaN at 64 of 64": lambda: estimators.mean_value(lambda u: u * math.nan, 64, RNG),
    "log_bound is too small by 0.5": lambda: estimators.rejection_sampling(
        **{**HALF_CIRCLE, "log_density": lambda x: 0 * x + 0.5}, n=10, rng=RNG
    ),
    "log_bound is nan": lambda: estimators.rejection_sampling(
        **{**HALF_CIRCLE, "log_bound": math.nan}, n=10, rng=RNG
    ),
    r"propose returned shape \(11,\) for 10 points": lambda: estimators.rejection_sampling(
        **{**HALF_CIRCLE, "propose": lambda k, rng: rng.uniform(-1, 1, k + 1)}, n=10, rng=RNG
    ),
}


@pytest.mark.parametrize("line", BAD_CALLS)
def test_bad_calls_are_refused_in_one_line(line):
    with pytest.raises(ValueError, match=line) as refusal:
        BAD_CALLS[line]()
    assert "\n" not in str(refusal.value)
