"""What notebook 04b says in words, held against what its functions give."""

import math

import numpy as np
import pytest
from sentences import Says

from ttclib.course.learning_the_boat import boat, figures
from ttclib.course.learning_the_boat.ideal import effective_draws_per_step
from ttclib.particles.statespace import LinearGaussian

says = Says("04b_learning_the_boat")
_, Y = LinearGaussian(transition=0.9).simulate(50, np.random.default_rng(3))
EXACT = boat.exact_posterior(Y)


def noise(n, seed=1, runs=1000):
    return boat.particle_evidence(np.full(runs, EXACT.mean), Y, n, np.random.default_rng(seed))


def test_the_belief():
    so = (round(EXACT.mean, 2), round(EXACT.sd, 2)) == (0.74, 0.10)
    says("the belief is 0.74 ± 0.10, and the truth lies at its upper end", so)
    cells = EXACT.density * (EXACT.grid <= 0.9) / len(EXACT.grid)
    assert 0.9 < cells.sum() < 0.99


def test_the_histogram_that_is_twice_as_wide():
    rng = np.random.default_rng(2)
    chain = boat.learn(boat.particle_evidence, Y, 8, 0.25, 16, rng, anew=True)
    draws = np.array([next(chain) for _ in range(400)])[100:]
    so = 1.75 < draws.std() / EXACT.sd < 2.25
    says("the histogram is twice as wide as the exact posterior", so)


def test_noise_that_is_not_normal():
    log_z = noise(32)
    gap = boat.kalman_evidence([EXACT.mean], Y)[0] - log_z.mean()
    so = (round(log_z.var() / 2, 1), round(gap, 1)) == (2.2, 1.7)
    says("too low by half its variance, 2.2; the list in section 2 says 1.7", so)


def test_where_theory_puts_the_top():
    sizes = np.array([16, 32, 64, 128, 256])
    sigma2 = 128 * noise(128).var()
    worth = [effective_draws_per_step(EXACT, 0.25, sigma2 / n) / n for n in sizes]
    so = sizes[np.argmax(worth)] == 128 and worth[2] > 0.7 * max(worth)
    says("the top of the curve lies between 64 and 128 particles", so)
    says("where the variance is 2 or 1", [round(sigma2 / n) for n in (64, 128)] == [2, 1])
    so = min(worth[2], worth[4]) > 0.5 * worth[3]
    says("a factor of two in either direction costs little", so)


def test_a_coarse_grid_is_enough():
    coarse = boat.exact_posterior(Y, cells=20)
    assert (coarse.mean, coarse.sd) == pytest.approx((EXACT.mean, EXACT.sd), abs=5e-4)
    says("the grid of section 1 is exact after 500 evidences", math.isclose(EXACT.grid[-1], 0.999))


def test_the_rules_have_the_names_of_the_notebook():
    says(f'change the list to "{figures.ANEW}"', figures.KEPT == "keep the estimate")
