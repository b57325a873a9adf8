"""Smoothers: paths by hand, every outcome of the particles', and the Kalman smoother's spread."""

import math

import numpy as np
import pytest
from enumerable_model import LOOKS_AT_ITSELF, TRANSITION, TwoStates, unnormalised_posterior
from exact_p_values import FALSE_ALARM
from normal_p_values import mean_p_value
from outcomes import enumerable, outcomes

from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.smoothing import (
    backward_sampling,
    bootstrap_variance,
    kalman_smoother,
    trajectories,
)
from ttclib.particles.genealogy import distinct_ancestors, lineages
from ttclib.particles.resampling import UNBIASED
from ttclib.particles.smc import FeynmanKac, Population, keep_all, resample, run
from ttclib.particles.statespace import Bootstrap, LinearGaussian

# ---------------------------------------------------------------- paths


def test_trajectories_of_a_known_tree():
    """B is the parent of b1 and c1, c1 of a2 and b2, and b2 of d3 and c3."""
    ancestors = [[0, 1, 2, 3], [0, 1, 1, 3], [2, 2, 2, 3], [0, 0, 1, 1]]
    history = [
        Population(
            t, np.array([f"{letter}{t or ''}" for letter in "abcd"]), np.zeros(4), np.array(i)
        )
        for t, i in enumerate(ancestors)
    ]
    assert trajectories(history)[:, 2].tolist() == ["b", "c1", "b2", "c3"]


def test_without_selection_every_trajectory_is_a_members_own():
    history = run(Bootstrap(LinearGaussian(), np.zeros(5)), 6, keep_all, np.random.default_rng(0))
    assert (trajectories(history) == [p.particles for p in history]).all()


class InThePlane(FeynmanKac):
    """A random walk in two dimensions that likes to be near the origin."""

    def init(self, n, rng):
        return rng.standard_normal((n, 2))

    def step(self, t, parents, rng):
        return parents + rng.standard_normal(parents.shape)

    def log_potential(self, t, parents, particles):
        return -np.square(particles).sum(axis=1)

    def done(self, t, particles):
        return t == 3


def test_trajectories_of_vector_states():
    history = run(InThePlane(), 5, resample(), np.random.default_rng(0))
    paths = trajectories(history)
    assert paths.shape == (4, 5, 2)
    for path, line in zip(paths.transpose(1, 0, 2), lineages(history).T, strict=True):
        assert all((x == p.particles[i]).all() for x, p, i in zip(path, history, line, strict=True))


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="history is empty"):
        trajectories([])
    with pytest.raises(ValueError, match="history is empty"):
        backward_sampling([], lambda t, x, y: 0.0, 1, np.random.default_rng(0))


# ---------------------------------------------------------------- backward sampling


def log_transition(t, previous, x):
    return np.log(TRANSITION[previous, x])


def backward_masses(length, n, log_transition):
    """E[Ẑ · chance of each backward path], over every outcome of filter and smoother."""
    model, select = (
        TwoStates(length, LOOKS_AT_ITSELF),
        resample(enumerable(UNBIASED["multinomial"])),
    )

    def compute(rng):
        history = run(model, n, select, rng)
        return history[-1].log_evidence, backward_sampling(history, log_transition, 1, rng)[:, 0]

    masses = {}
    for probability, (log_evidence, path) in outcomes(compute):
        masses[tuple(path)] = masses.get(tuple(path), 0.0) + probability * math.exp(log_evidence)
    return masses


@pytest.mark.parametrize(("length", "n"), [(3, 2), (2, 3)])
def test_backward_sampling_over_every_outcome(length, n):
    """E[Ẑ · chance of a backward path] = Z · its posterior probability, for every path.

    With multinomial resampling at every step, the ancestors given all particles have the backward
    distribution (Andrieu, Doucet, Holenstein 2010, discussion by Whiteley), so the identity for
    ancestral paths carries over.
    """
    masses = backward_masses(length, n, log_transition)
    for path, mass in unnormalised_posterior(length, LOOKS_AT_ITSELF).items():
        assert masses[path] == pytest.approx(mass, abs=1e-12)


def test_a_backward_sampler_that_forgets_the_transition_is_caught():
    masses = backward_masses(2, 2, lambda t, previous, x: np.zeros(len(previous)))
    exact = unnormalised_posterior(2, LOOKS_AT_ITSELF)
    assert max(abs(masses[path] - mass) for path, mass in exact.items()) > 0.01


MODEL = LinearGaussian()
WAVE = 2 * np.sin(np.arange(30) / 3)


@pytest.mark.statistical
def test_backward_sampling_agrees_with_the_kalman_smoother(seed):
    """Smoothed means at every time; false-alarm rate 1e-6 (see ``mean_p_value``).

    Ẑ/Z times the error has mean exactly zero, by the identity that is enumerated above.
    """
    y = WAVE[:5]
    smoothed, filtered = kalman_smoother(MODEL, y).mean, kalman_filter(MODEL, y).filtered.mean
    log_evidence = kalman_filter(MODEL, y).log_evidence[-1]
    rng, ratios, means = np.random.default_rng(seed), [], []
    for _ in range(300):
        history = run(Bootstrap(MODEL, y), 150, resample("multinomial"), rng)
        ratios.append([math.exp(history[-1].log_evidence - log_evidence)])
        means.append(backward_sampling(history, MODEL.log_transition, 15, rng).mean(axis=1))
    ratios, means = np.array(ratios), np.array(means)
    assert mean_p_value(ratios * (means - smoothed)) > FALSE_ALARM
    assert mean_p_value(ratios * (means - filtered)) < FALSE_ALARM  # power: not the filter's means


@pytest.mark.statistical
def test_backward_sampling_beats_trajectories_at_the_beginning(seed):
    """Over 30 steps all trajectories descend from one member or two; backward paths do not.

    In 600 runs the mean squares of the errors at time 0 are 0.29 and 0.026, the members with
    descendants 1.6 ± 0.6. With 30 runs the order of the squares is reversed with probability about
    P(F₃₀,₃₀ > 11) = 1e-9, and a mean of 3 members is twelve standard errors away.
    """
    n, rng = 30, np.random.default_rng(seed)
    exact = kalman_smoother(MODEL, WAVE).mean[0]
    backward, ancestral, alive = [], [], []
    for _ in range(30):
        history = run(Bootstrap(MODEL, WAVE), n, resample("multinomial"), rng)
        backward.append(backward_sampling(history, MODEL.log_transition, n, rng)[0].mean() - exact)
        ancestral.append(trajectories(history)[0] @ history[-1].weights - exact)
        alive.append(distinct_ancestors(history)[0])
    assert np.mean(np.square(backward)) < np.mean(np.square(ancestral))
    assert np.mean(alive) < 3


# ---------------------------------------------------------------- the bootstrap filter's variance


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
