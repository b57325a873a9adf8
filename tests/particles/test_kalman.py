"""Kalman filter and smoother: against the whole joint normal law, written down and conditioned."""

import math

import numpy as np
import pytest

from ttclib.particles.kalman import bootstrap_variance, kalman_filter, kalman_smoother
from ttclib.particles.statespace import LinearGaussian


def dense_answers(model, y):
    """Condition the joint normal law of all states and observations by linear algebra.

    Stack the states x = (x₀ … x_{T−1}) and the observations: x = L (noise) with L block lower
    triangular, y = H x + noise. Returns ``condition(t)``, the mean and covariance of x given the
    observations before t, and the log density of those observations.
    """
    a, q, h, r, p = (
        np.atleast_2d(getattr(model, name))
        for name in (
            "transition",
            "transition_cov",
            "observation",
            "observation_cov",
            "initial_cov",
        )
    )
    m, d, k, length = np.atleast_1d(model.initial_mean), len(a), len(h), len(y)
    powers = [np.linalg.matrix_power(a, i) for i in range(length)]
    steps = np.block(
        [
            [powers[t - s] if t >= s else np.zeros((d, d)) for s in range(length)]
            for t in range(length)
        ]
    )
    noise = np.kron(np.eye(length), q)
    noise[:d, :d] = p
    mean_x = np.concatenate([power @ m for power in powers])
    cov_x = steps @ noise @ steps.T
    big_h = np.kron(np.eye(length), h)
    mean_y = big_h @ mean_x
    cov_y = big_h @ cov_x @ big_h.T + np.kron(np.eye(length), r)
    cov_xy = cov_x @ big_h.T
    y = np.asarray(y, dtype=float).reshape(length, k)
    missing = np.isnan(y).any(axis=1)

    def condition(t):
        use = np.flatnonzero(np.repeat(~missing & (np.arange(length) < t), k))
        off = y.ravel()[use] - mean_y[use]
        block = cov_y[np.ix_(use, use)]
        gain = np.linalg.solve(block, cov_xy[:, use].T).T if len(use) else np.zeros((len(cov_x), 0))
        log_density = -0.5 * (
            off @ np.linalg.solve(block, off) + np.linalg.slogdet(2 * math.pi * block)[1]
            if len(use)
            else 0.0
        )
        mean = (mean_x + gain @ off).reshape(length, d)
        cov = cov_x - gain @ cov_xy[:, use].T
        return mean, cov.reshape(length, d, length, d), log_density

    return condition


def random_covariance(size, rng):
    root = rng.standard_normal((size, size))
    return root @ root.T + 0.3 * np.eye(size)


def random_model(d, k, rng):
    return LinearGaussian(
        transition=0.6 * rng.standard_normal((d, d)),
        transition_cov=random_covariance(d, rng),
        observation=rng.standard_normal((k, d)),
        observation_cov=random_covariance(k, rng),
        initial_mean=rng.standard_normal(d),
        initial_cov=random_covariance(d, rng),
    )


def cases():
    rng = np.random.default_rng(7)
    yield "scalar", LinearGaussian(), rng.standard_normal(9)
    scalar = LinearGaussian(-0.7, 0.4, 2.0, 3.0, initial_mean=5.0, initial_cov=0.1)
    yield "scalar, skew", scalar, 3 * rng.standard_normal(9)
    y = rng.standard_normal(9)
    y[[0, 3, 4, 8]] = np.nan
    yield "scalar, gaps", scalar, y
    yield "scalar, column", scalar, y[:, None]
    yield "scalar, all missing", scalar, np.full(4, np.nan)
    yield "scalar, one", scalar, [0.3]
    yield "plane, one observed", random_model(2, 1, rng), rng.standard_normal(7)
    yield "plane, two observed", random_model(2, 2, rng), rng.standard_normal((7, 2))
    y = rng.standard_normal((7, 2))
    y[2] = np.nan
    y[5, 1] = np.nan  # half a missing observation counts as missing
    yield "space, gaps", random_model(3, 2, rng), y


CASES = {name: (model, y) for name, model, y in cases()}


@pytest.mark.parametrize("case", CASES)
def test_filter_smoother_and_evidence_equal_the_conditioned_joint_law(case):
    model, y = CASES[case]
    condition, length = dense_answers(model, y), len(y)
    result, smoothed = kalman_filter(model, y), kalman_smoother(model, y)
    means, covs, _ = condition(length)
    shape = (length,) if model.scalar else (length, *np.shape(model.initial_mean))
    for t in range(length):
        for law, known in ((result.predicted, t), (result.filtered, t + 1)):
            assert law.mean.shape == shape
            mean, cov, log_evidence = condition(known)
            assert np.abs(law.mean[t] - mean[t]).max() < 1e-10
            assert np.abs(law.cov[t] - cov[t, :, t]).max() < 1e-10
        assert result.log_evidence[t] == pytest.approx(log_evidence, abs=1e-10)
        assert np.abs(smoothed.mean[t] - means[t]).max() < 1e-10
        assert np.abs(smoothed.cov[t] - covs[t, :, t]).max() < 1e-10


def test_a_vector_model_of_one_dimension_equals_the_scalar_one():
    scalar = LinearGaussian(0.8, 0.5, 1.2, 0.7, 0.4, 2.0)
    vector = LinearGaussian([[0.8]], [[0.5]], [[1.2]], [[0.7]], [0.4], [[2.0]])
    y = np.sin(np.arange(12.0))
    one, other = kalman_filter(scalar, y), kalman_filter(vector, y)
    assert (one.log_evidence == other.log_evidence).all()
    assert (kalman_smoother(scalar, y).mean == kalman_smoother(vector, y).mean[:, 0]).all()


@pytest.mark.parametrize(("length", "expected"), [(25, 43.4), (50, 68.6), (100, 135.5)])
def test_bootstrap_variance_of_reference_data(length, expected):
    """Reference values for transition 0.9, noises 1, stationary start, the data of generator 5."""
    stationary = 1 / (1 - 0.9**2)
    model = LinearGaussian(initial_cov=stationary)
    rng = np.random.default_rng(5)
    x = rng.standard_normal(length)
    x[0] *= math.sqrt(stationary)
    for t in range(1, length):
        x[t] += 0.9 * x[t - 1]
    y = x + rng.standard_normal(length)
    assert bootstrap_variance(model, y) == pytest.approx(expected, abs=0.05)


def test_bootstrap_variance_is_the_chi_square_distance_of_smoother_and_predictor():
    """The closed form against ∫ smoother² / predictor − 1 on a grid."""
    model, y = LinearGaussian(0.8, 0.5, 1.2, 0.7, 0.4, 2.0), np.array([1.0, -0.5, 2.0, np.nan, 0.3])
    x = np.linspace(-12, 12, 20_001)

    def density(mean, cov):
        return np.exp(-0.5 * (x - mean) ** 2 / cov) / np.sqrt(2 * np.pi * cov)

    predicted, smoothed = kalman_filter(model, y).predicted, kalman_smoother(model, y)
    total = 0.0
    for m, p, s, big_s in zip(*predicted, *smoothed, strict=True):
        total += np.trapezoid(density(s, big_s) ** 2 / density(m, p), x) - 1
    assert bootstrap_variance(model, y) == pytest.approx(total, rel=1e-9)


def test_bootstrap_variance_without_observations_is_zero():
    assert bootstrap_variance(LinearGaussian(), [np.nan] * 3) == pytest.approx(0, abs=1e-12)


def test_bootstrap_variance_is_for_one_dimension():
    with pytest.raises(ValueError, match="one dimension"):
        bootstrap_variance(*CASES["plane, one observed"])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], "at least one"),
        (3.0, "at least one"),
        ([1.0, math.inf], "infinite"),
        (np.zeros((3, 2)), r"shape \(3, 2\); it must be \(T, 1\)"),
        (np.zeros((3, 1, 1)), r"it must be \(T, 1\)"),
    ],
)
@pytest.mark.parametrize("function", [kalman_filter, kalman_smoother, bootstrap_variance])
def test_observations_that_do_not_fit_are_refused(function, y, message):
    with pytest.raises(ValueError, match=message):
        function(LinearGaussian(), y)


def test_a_vector_model_needs_as_many_numbers_as_it_observes():
    model, _ = CASES["plane, two observed"]
    with pytest.raises(ValueError, match=r"shape \(4,\); it must be \(T, 2\)"):
        kalman_filter(model, np.zeros(4))
