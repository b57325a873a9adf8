"""State-space models: every sampler against its density, proposals against Bayes' rule, bad
parameters.
"""

import math

import numpy as np
import pytest

from ttclib.course.particle_filtering.nonlinear import NonlinearBenchmark
from ttclib.particles.smc import keep_all, run
from ttclib.particles.statespace import (
    Bootstrap,
    Guided,
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
PLANE = LinearGaussian(
    transition=np.array([[0.9, 0.3], [-0.2, 0.8]]),
    transition_cov=np.array([[0.5, 0.2], [0.2, 0.4]]),
    observation=np.array([[1.0, 0.5]]),
    observation_cov=np.array([[1.0]]),
    initial_mean=np.array([1.0, -1.0]),
    initial_cov=np.array([[1.0, -0.3], [-0.3, 2.0]]),
)

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
    law = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(GRID))])
    at = np.interp(np.sort(samples), GRID, law)
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


@pytest.mark.statistical
def test_vector_samplers_have_their_mean_and_covariance(seed):
    """False-alarm rate 1e-6, by exact laws after whitening.

    Whitened draws are standard normal: n · mean² ~ χ²₁ and the sum of squares ~ χ²ₙ for each of the
    five coordinates, and for each of the two sums of coordinates over √2, which are standard normal
    only if the coordinates are uncorrelated. Bonferroni over 14 two-sided tests.
    """
    from scipy import stats

    rng, n = np.random.default_rng(seed), 20_000
    x = np.array([0.5, -2.0])
    laws = [
        (PLANE.sample_initial(n, rng), PLANE.initial_mean, PLANE.initial_cov),
        (
            PLANE.sample_transition(1, np.tile(x, (n, 1)), rng),
            PLANE.transition @ x,
            PLANE.transition_cov,
        ),
        (
            PLANE.sample_observation(1, np.tile(x, (n, 1)), rng),
            PLANE.observation @ x,
            PLANE.observation_cov,
        ),
    ]
    p_values = []
    for draws, mean, cov in laws:
        white = np.linalg.solve(np.linalg.cholesky(cov), (draws - mean).T)
        if len(white) == 2:
            white = np.vstack([white, white.sum(axis=0) / math.sqrt(2)])
        for row in white:
            p_values.append(stats.chi2.sf(n * row.mean() ** 2, 1))
            p_values.append(2 * min(stats.chi2.cdf(row @ row, n), stats.chi2.sf(row @ row, n)))
    assert len(p_values) == 14
    assert min(p_values) > FALSE_ALARM / 14


def test_vector_densities_are_multivariate_normal():
    from scipy import stats

    rng = np.random.default_rng(0)
    previous, x = rng.standard_normal((2, 6, 2))
    for got, at, mean, cov in (
        (
            PLANE.log_transition(1, previous, x),
            x,
            previous @ PLANE.transition.T,
            PLANE.transition_cov,
        ),
        (PLANE.log_initial(x), x, np.tile(PLANE.initial_mean, (6, 1)), PLANE.initial_cov),
        (
            PLANE.log_observation(1, x, 0.3),
            np.full((6, 1), 0.3),
            x @ PLANE.observation.T,
            np.eye(1),
        ),
    ):
        exact = [stats.multivariate_normal(m, cov).logpdf(a) for m, a in zip(mean, at, strict=True)]
        assert got == pytest.approx(np.array(exact), abs=1e-12)


def test_scalar_and_vector_models_agree():
    vector = LinearGaussian([[0.8]], [[0.5]], [[1.2]], [[0.7]], [0.4], [[2.0]])
    scalar, x, previous = MODELS["linear"], np.linspace(-2, 2, 5), np.linspace(1, 3, 5)
    assert scalar.log_observation(0, x, 0.3) == pytest.approx(
        vector.log_observation(0, x[:, None], 0.3)
    )
    assert scalar.log_transition(1, previous, x) == pytest.approx(
        vector.log_transition(1, previous[:, None], x[:, None])
    )
    draws = [m.simulate(6, np.random.default_rng(1)) for m in (scalar, vector)]
    assert draws[0][0] == pytest.approx(draws[1][0][:, 0])
    assert draws[0][1] == pytest.approx(draws[1][1][:, 0])


@pytest.mark.parametrize("name", [*MODELS, "plane"])
def test_simulation_has_time_on_the_first_axis(name):
    model = PLANE if name == "plane" else MODELS[name]
    x, y = model.simulate(12, np.random.default_rng(0))
    assert x.shape == ((12, 2) if name == "plane" else (12,))
    assert y.shape == ((12, 1) if name == "plane" else (12,))
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
        (lambda: plane(transition=np.eye(3)), "transition has shape"),
        (lambda: plane(observation=np.ones((1, 3))), "observation has shape"),
        (lambda: plane(transition_cov=np.ones((2, 2))), "transition_cov is singular"),
        (
            lambda: plane(initial_cov=np.array([[1.0, 0.5], [0.0, 1.0]])),
            "initial_cov is not symmetric",
        ),
        (lambda: plane(observation_cov=np.eye(2)), "observation_cov has shape"),
        (lambda: plane(initial_mean=np.array([0.0, math.nan])), "initial_mean holds 1 values"),
        (lambda: plane(initial_mean=np.zeros(3)), "transition has shape"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        build()


def plane(**change):
    names = (
        "transition",
        "transition_cov",
        "observation",
        "observation_cov",
        "initial_mean",
        "initial_cov",
    )
    return LinearGaussian(**({name: getattr(PLANE, name) for name in names} | change))


@pytest.mark.parametrize("kind", [Bootstrap, Guided])
@pytest.mark.parametrize("y", [[], 1.0, [0.1, math.inf], [-math.inf]])
def test_observations_must_be_finite_or_missing(kind, y):
    with pytest.raises(ValueError, match=r"^observations (holds infinite|is empty)"):
        kind(MODELS["linear"], y)


def test_guided_says_what_it_cannot_do():
    with pytest.raises(ValueError, match="one-dimensional LinearGaussian"):
        Guided(PLANE, [1.0])
    with pytest.raises(ValueError, match="one-dimensional LinearGaussian"):
        Guided(MODELS["benchmark"], [1.0])
    with pytest.raises(ValueError, match="observations holds 1 values"):
        Guided(MODELS["linear"], [1.0, math.nan])


def test_a_model_of_ones_own_says_what_is_missing():
    for name, arguments in (("sample_initial", (1, None)), ("log_observation", (0, None, None))):
        with pytest.raises(NotImplementedError):
            getattr(StateSpaceModel(), name)(*arguments)
