"""Kalman filter and smoother: against the whole joint normal distribution, written down and
conditioned.
"""

import math
from fractions import Fraction

import numpy as np
import pytest

from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.smoothing import bootstrap_variance, kalman_smoother
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


def exact_answers(model, y):
    """The filter and the smoother in fractions: variances by subtraction lose no digit there."""
    a, q, h, r, m, p = (Fraction(value) for value in vars(model).values())
    filtered, log_evidence = [], [0.0]
    for t, seen in enumerate(y):
        m, p = (a * m, a * a * p + q) if t else (m, p)
        gained = 0.0
        if not math.isnan(seen):
            s, off = h * h * p + r, Fraction(seen) - h * m
            m, p = m + p * h / s * off, p - (p * h) ** 2 / s
            gained = -0.5 * (float(off * off / s) + math.log(2 * math.pi * float(s)))
        filtered.append((m, p))
        log_evidence.append(log_evidence[-1] + gained)
    smoothed = filtered[-1:]
    for m, p in reversed(filtered[:-1]):
        after = a * a * p + q
        gain, (mean, cov) = p * a / after, smoothed[-1]
        smoothed.append((m + gain * (mean - a * m), p + gain**2 * (cov - after)))
    return filtered, log_evidence[1:], smoothed[::-1]


SCALES = [1e-12, 1e-4, 1.0, 1e4, 1e12]
SEEN = [1.0, np.nan, -2.5, 30.0, 0.25]


@pytest.mark.parametrize("p", [*SCALES, 1e16])
@pytest.mark.parametrize("q", [*SCALES, 1e-18])
@pytest.mark.parametrize("r", [*SCALES, 1e-18])
def test_variances_of_any_ratio_are_right_to_nine_digits(p, q, r):
    """A prior 1e34 times wider than the noise, and the other way round."""
    model = LinearGaussian(0.9, q, 1.5, r, 0.5, p)
    filtered, log_evidence, smoothed = exact_answers(model, SEEN)
    result = kalman_filter(model, SEEN)
    assert result.log_evidence == pytest.approx(log_evidence, rel=1e-9, abs=1e-9)
    for found, exact in ((result.filtered, filtered), (kalman_smoother(model, SEEN), smoothed)):
        assert (found.cov > 0).all()
        for mean, cov, (known_mean, known_cov) in zip(*found, exact, strict=True):
            assert cov == pytest.approx(float(known_cov), rel=1e-9, abs=0)
            assert mean == pytest.approx(float(known_mean), rel=1e-9, abs=1e-9)


def test_a_variance_by_subtraction_is_caught():
    """Power: the form that was here before is 22% off at a ratio of 1e16, and 0 at 1e17."""
    for p, r, least in ((1e12, 1e-4, 0.2), (1e8, 1e-9, 1.0)):
        (_, exact), *_ = exact_answers(LinearGaussian(observation_cov=r, initial_cov=p), [1.0])[0]
        assert abs((p - (p / (p + r)) ** 2 * (p + r)) / float(exact) - 1) >= least


@pytest.mark.parametrize("y", [[1e3, 0.3], [0.3, -1e3, np.nan, 1e2], [np.nan, 1e1, 1e2, 1e3]])
def test_surprises_of_a_thousand_standard_deviations(y):
    filtered, log_evidence, smoothed = exact_answers(LinearGaussian(), y)
    result = kalman_filter(LinearGaussian(), y)
    assert result.log_evidence == pytest.approx(log_evidence, rel=1e-12)
    assert result.filtered.mean == pytest.approx([float(m) for m, _ in filtered], rel=1e-12)
    exact = [float(m) for m, _ in smoothed]
    assert kalman_smoother(LinearGaussian(), y).mean == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("r", [1e4, 1e8, 1e12])
def test_bootstrap_variance_of_what_is_hardly_seen(r):
    """One observation of 0: S = P r/(P + r), s = m = 0. The sum is 1/2 (P/(P + r))² and smaller."""
    exact = math.expm1(-0.5 * math.log1p(-((1 / (1 + r)) ** 2)))
    assert bootstrap_variance(LinearGaussian(observation_cov=r), [0.0]) == pytest.approx(
        exact, rel=1e-3 if r > 1e9 else 1e-6
    )


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
