"""Kalman filter and smoother: against the whole joint normal distribution, written down and
conditioned.
"""

import math

import numpy as np
import pytest

from ttclib.course.particle_filtering.smoothing import bootstrap_variance, kalman_smoother
from ttclib.particles.kalman import kalman_filter
from ttclib.particles.statespace import LinearGaussian


def dense_answers(model, y):
    """Condition the joint normal distribution of all states and observations by linear algebra.

    Stack the states x = (x₀ … x_{T−1}) and the observations: x = L (noise) with L lower triangular,
    y = h x + noise. Returns ``condition(t)``, the mean and covariance of x given the observations
    before t, and the log density of those observations.
    """
    h = model.observation
    length = len(y)
    powers = model.transition ** np.arange(length)
    steps = np.array(
        [[powers[t - s] if t >= s else 0 for s in range(length)] for t in range(length)]
    )
    noise = model.transition_cov * np.eye(length)
    noise[0, 0] = model.initial_cov
    mean_x = powers * model.initial_mean
    cov_x = steps @ noise @ steps.T
    mean_y = h * mean_x
    cov_y = h * cov_x * h + model.observation_cov * np.eye(length)
    cov_xy = cov_x * h
    y = np.ravel(y)

    def condition(t):
        use = np.flatnonzero(~np.isnan(y) & (np.arange(length) < t))
        off = y[use] - mean_y[use]
        block = cov_y[np.ix_(use, use)]
        gain = np.linalg.solve(block, cov_xy[:, use].T).T if len(use) else np.zeros((length, 0))
        log_density = -0.5 * (
            off @ np.linalg.solve(block, off) + np.linalg.slogdet(2 * math.pi * block)[1]
            if len(use)
            else 0.0
        )
        return mean_x + gain @ off, cov_x - gain @ cov_xy[:, use].T, log_density

    return condition


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


CASES = {name: (model, y) for name, model, y in cases()}


@pytest.mark.parametrize("case", CASES)
def test_filter_smoother_and_evidence_equal_the_conditioned_joint_distribution(case):
    model, y = CASES[case]
    condition, length = dense_answers(model, y), len(y)
    result, smoothed = kalman_filter(model, y), kalman_smoother(model, y)
    means, covs, _ = condition(length)
    for t in range(length):
        for found, known in ((result.predicted, t), (result.filtered, t + 1)):
            assert found.mean.shape == (length,)
            mean, cov, log_evidence = condition(known)
            assert np.abs(found.mean[t] - mean[t]).max() < 1e-10
            assert np.abs(found.cov[t] - cov[t, t]).max() < 1e-10
        assert result.log_evidence[t] == pytest.approx(log_evidence, abs=1e-10)
        assert np.abs(smoothed.mean[t] - means[t]).max() < 1e-10
        assert np.abs(smoothed.cov[t] - covs[t, t]).max() < 1e-10


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], "at least one"),
        (3.0, "at least one"),
        ([1.0, math.inf], "infinite"),
        (np.zeros((3, 2)), r"shape \(3, 2\); it must be \(T,\) or \(T, 1\)"),
        (np.zeros((3, 1, 1)), r"it must be \(T,\) or \(T, 1\)"),
    ],
)
@pytest.mark.parametrize("function", [kalman_filter, kalman_smoother, bootstrap_variance])
def test_observations_that_do_not_fit_are_refused(function, y, message):
    with pytest.raises(ValueError, match=message):
        function(LinearGaussian(), y)
