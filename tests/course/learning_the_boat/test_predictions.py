"""The answers of notebook 04b about chains, on 100 lucks: 100 groups of 8 chains."""

from functools import cache

import numpy as np
import pytest

from ttclib.course.learning_the_boat import boat, figures
from ttclib.particles.statespace import LinearGaussian

_, Y = LinearGaussian(transition=0.9).simulate(50, np.random.default_rng(3))
EXACT = boat.exact_posterior(Y)
LUCKS = 100


@cache
def lucks(n, steps, step_size, chains, anew=False):
    """Coefficients (steps, lucks, chains): chains are independent, so groups are lucks."""
    rng = np.random.default_rng(7)
    going = boat.learn(boat.particle_evidence, Y, n, step_size, chains * LUCKS, rng, anew=anew)
    return np.array([next(going) for _ in range(steps)]).reshape(steps, LUCKS, chains)


def accepted(draws):
    """Share of the steps that move, of each luck."""
    return np.mean(np.diff(draws, axis=0) != 0, axis=(0, 2))


@pytest.mark.answers("04b-026", 1)
def test_eight_particles_stick():
    draws = lucks(8, 256, 0.25, 8)
    shares = accepted(draws)
    assert np.mean((shares > 0.025) & (shares < 0.055)) > 0.97  # about 4 in 100
    moved = np.diff(draws, axis=0) != 0
    rests = [figures.longest_rest(moved[:, k]) for k in range(LUCKS)]
    assert min(rests) > 100 and np.median(rests) >= 200


@pytest.mark.answers("04b-026", 2)
def test_a_fresh_estimate_moves_gladly_and_is_twice_as_wide():
    draws = lucks(8, 256, 0.25, 8, anew=True)
    assert np.abs(accepted(draws) - 0.41).max() < 0.03
    widths = draws[64:].std(axis=(0, 2)) / EXACT.sd
    assert np.mean((widths > 1.75) & (widths < 2.25)) > 0.97


@pytest.mark.answers("04b-026", 3)
def test_the_noise_refuses_even_tiny_steps():
    assert accepted(lucks(32, 128, 0.01, 8)).max() < 0.3
    rng = np.random.default_rng(7)
    exact = boat.learn(lambda a, y, n, rng: boat.kalman_evidence(a, y), Y, 1, 0.01, 800, rng)
    moves = accepted(np.array([next(exact) for _ in range(128)]).reshape(128, LUCKS, 8))
    assert moves.min() > 0.9  # with the exact evidence nearly every one is accepted
