"""State-space models: every sampler against its density, proposals against Bayes' rule, bad
parameters.
"""

import math

import numpy as np
import pytest

from ttclib.course.particle_filtering.guided import Guided
from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.nonlinear import NonlinearBenchmark
from ttclib.particles.smc import keep_all, resample, run
from ttclib.particles.statespace import (
    Bootstrap,
    LinearGaussian,
    StateSpaceModel,
    log_normal,
)

FALSE_ALARM = 1e-6
MODELS = {
    "linear": LinearGaussian(0.8, 0.5, 1.2, 0.7, 0.4, 2.0),
    "benchmark": NonlinearBenchmark(),
}
GRID = np.linspace(-60, 60, 240_001)

# ---------------------------------------------------------------- densities and samplers


@pytest.mark.parametrize("previous", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("name", MODELS)
def test_densities_integrate_to_one(name, previous):
    model = MODELS[name]
    moves = np.exp(model.log_transition(3, np.array([previous]), GRID))
    assert np.trapezoid(moves, GRID) == pytest.approx(1, abs=1e-9)
    seen = np.exp(model.log_observation(3, np.array([previous]), GRID))
    assert np.trapezoid(seen, GRID) == pytest.approx(1, abs=1e-9)


def kolmogorov_smirnov_p_value(samples, density):
    """Bound on P(sup |empirical − exact| ≥ what was seen): 2 exp(−2 n D²), for every n.

    Dvoretzky, Kiefer, Wolfowitz 1956, with the constant of Massart 1990; no approximation.
    """
    distribution = np.concatenate(
        [[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(GRID))]
    )
    at = np.interp(np.sort(samples), GRID, distribution)
    n = len(samples)
    distance = max(np.max(np.arange(1, n + 1) / n - at), np.max(at - np.arange(n) / n))
    return 2 * math.exp(-2 * n * distance**2)


@pytest.mark.statistical
@pytest.mark.parametrize("previous", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("name", MODELS)
def test_samplers_draw_from_their_densities(name, previous, seed):
    """False-alarm rate 1e-6 for each parameter (Bonferroni over two samplers), by DKW."""
    model, n = MODELS[name], 20_000
    rng = np.random.default_rng(seed)
    moves = model.sample_transition(3, np.full(n, previous), rng)
    density = np.exp(model.log_transition(3, np.array([previous]), GRID))
    assert kolmogorov_smirnov_p_value(moves, density) > FALSE_ALARM / 2
    moved = moves + 0.1 * moves.std()  # power: the same draws, a little off
    assert kolmogorov_smirnov_p_value(moved, density) < FALSE_ALARM / 2
    seen = model.sample_observation(3, np.full(n, previous), rng)
    density = np.exp(model.log_observation(3, np.array([previous]), GRID))
    assert kolmogorov_smirnov_p_value(seen, density) > FALSE_ALARM / 2


INITIAL = {
    "linear": (0.4, 2.0),
    "benchmark": (0.0, 5.0),
}


@pytest.mark.statistical
@pytest.mark.parametrize("name", INITIAL)
def test_first_states_come_from_their_density(name, seed):
    """False-alarm rate 1e-6 (DKW)."""
    mean, variance = INITIAL[name]
    x = MODELS[name].sample_initial(20_000, np.random.default_rng(seed))
    density = np.exp(log_normal(GRID, mean, math.sqrt(variance)))
    assert kolmogorov_smirnov_p_value(x, density) > FALSE_ALARM


def test_moves_are_those_of_the_published_models():
    x = np.array([-1.0, 2.0])
    drift = 0.5 * x + 25 * x / (1 + x**2) + 8 * math.cos(1.2 * 3)
    assert NonlinearBenchmark().log_transition(3, x, 0.7) == pytest.approx(
        log_normal(0.7, drift, math.sqrt(10))
    )


@pytest.mark.parametrize("name", MODELS)
def test_simulation_has_time_on_the_first_axis(name):
    model = MODELS[name]
    x, y = model.simulate(12, np.random.default_rng(0))
    assert x.shape == y.shape == (12,)
    for length in (0, 2.5, "3"):
        with pytest.raises(ValueError, match="length is"):
            model.simulate(length, np.random.default_rng(0))


# ---------------------------------------------------------------- proposals and weights


def test_best_proposal_is_bayes_rule():
    """Transition times observation density, normalised on a grid, is the proposal."""
    model, y = MODELS["linear"], 2.5
    guided = Guided(model, [y, y])
    for previous in (None, -1.5):
        at = None if previous is None else np.array([previous])
        prior = model.log_initial(GRID) if at is None else model.log_transition(1, at, GRID)
        posterior = np.exp(prior + model.log_observation(1, GRID, y))
        posterior /= np.trapezoid(posterior, GRID)
        mean, sd = guided.proposal(1, at)
        assert np.abs(np.exp(log_normal(GRID, mean, sd)) - posterior).max() < 1e-10


def test_guided_weights_do_not_depend_on_where_the_particle_landed():
    """With the best proposal the weight is p(yₜ | xₜ₋₁): a normal density of variance h² q + r."""
    model, y = MODELS["linear"], [0.5, -1.0]
    guided, previous = Guided(model, y), np.array([-1.0, 0.0, 2.0])
    expected = log_normal(y[1], 1.2 * 0.8 * previous, math.sqrt(1.2**2 * 0.5 + 0.7))
    for landed in (np.zeros(3), np.array([5.0, -3.0, 1.0])):
        assert guided.log_potential(1, previous, landed) == pytest.approx(expected, abs=1e-12)
        three = model.log_observation(1, landed, y[1]) + model.log_transition(1, previous, landed)
        three -= log_normal(landed, *guided.proposal(1, previous))
        assert three == pytest.approx(expected, abs=1e-12)
    first = log_normal(y[0], 1.2 * 0.4, math.sqrt(1.2**2 * 2.0 + 0.7))
    assert guided.log_potential(0, None, np.array([0.0, 9.0])) == pytest.approx(
        [first, first], abs=1e-12
    )


def test_a_missing_observation_weighs_nothing():
    history = run(
        Bootstrap(MODELS["linear"], [np.nan, 0.3, np.nan]), 10, keep_all, np.random.default_rng(0)
    )
    assert (history[0].log_weights == 0).all()
    assert np.ptp(history[1].log_weights) > 0
    assert (history[2].log_weights == history[1].log_weights).all()


SURPRISES = [
    [0.3, np.nan, 0.5],
    [np.nan, np.nan],
    [10.0, np.nan, -10.0],
    [0.3, 100.0, 0.5],
    [1000.0, np.nan, -1000.0],
]


@pytest.mark.parametrize("ratio", [1e-18, 1e-6, 1.0, 1e6, 1e15, 1e16, 1e18, 1e30])
@pytest.mark.parametrize("y", SURPRISES)
def test_the_guided_filter_is_exact_where_parents_do_not_matter(y, ratio):
    """With a transition of 0 the weight of every particle is p(yₜ): no luck is left."""
    model = LinearGaussian(0.0, 2.0, 1.5, 2.0 / ratio, 0.5, 3.0)
    history = run(Guided(model, y), 7, resample(), np.random.default_rng(0))
    exact = kalman_filter(model, y)
    found = [population.log_evidence for population in history]
    assert found == pytest.approx(exact.log_evidence, rel=1e-12, abs=1e-12)
    for t in range(len(y)):
        mean, sd = Guided(model, y).proposal(t, np.zeros(1) if t else None)
        assert sd**2 == pytest.approx(exact.filtered.cov[t], rel=1e-12, abs=0)
        assert mean == pytest.approx(exact.filtered.mean[t], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("y", [*SURPRISES, [0.3, -1e4]])
def test_the_bootstrap_filter_weighs_surprises_in_logarithms(y):
    """Without selection the evidence is the mean of products, here by hand; nothing underflows."""
    model = LinearGaussian()
    with np.errstate(all="raise", under="ignore"):
        history = run(Bootstrap(model, y), 50, keep_all, np.random.default_rng(1))
    total = np.zeros(50)
    for population, seen in zip(history, y, strict=True):
        if not math.isnan(seen):
            total += log_normal(seen, population.particles, 1.0)
        expected = np.logaddexp.reduce(total) - math.log(50)
        assert population.log_evidence == pytest.approx(expected, rel=1e-12, abs=1e-12)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, "1", None])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (LinearGaussian, "transition_cov"),
        (LinearGaussian, "observation_cov"),
        (LinearGaussian, "initial_cov"),
    ],
)
def test_spreads_must_be_positive(kind, name, bad):
    with pytest.raises(ValueError, match=f"^{name} is [^\n]+$"):
        kind(**{name: bad})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LinearGaussian(transition=math.inf), "transition is inf"),
        (lambda: LinearGaussian(observation=[1.0]), "observation is"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        build()


@pytest.mark.parametrize("kind", [Bootstrap, Guided])
@pytest.mark.parametrize("y", [[], 1.0, [0.1, math.inf], [-math.inf]])
def test_observations_must_be_finite_or_missing(kind, y):
    with pytest.raises(ValueError, match=r"^observations (holds infinite|is empty)"):
        kind(MODELS["linear"], y)


def test_guided_says_what_it_cannot_do():
    with pytest.raises(ValueError, match=r"^model is a NonlinearBenchmark; it must be a LinearG"):
        Guided(MODELS["benchmark"], [1.0])


def test_a_model_of_ones_own_says_what_is_missing():
    for name, arguments in (("sample_initial", (1, None)), ("log_observation", (0, None, None))):
        with pytest.raises(NotImplementedError):
            getattr(StateSpaceModel(), name)(*arguments)
