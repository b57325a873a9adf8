"""Normal noise: the acceptance law is the integral it stands for, and what draws are worth."""

import numpy as np
import pytest
from scipy import integrate, stats

from ttclib.course.learning_the_boat import boat, ideal
from ttclib.particles.statespace import LinearGaussian

_, Y = LinearGaussian().simulate(50, np.random.default_rng(3))
EXACT = boat.exact_posterior(Y)


@pytest.mark.parametrize("v", [0.1, 1.0, 4.0])
def test_the_law_of_tiny_steps_is_its_integral(v):
    def share(difference):
        return min(1, np.exp(difference)) * stats.norm.pdf(difference, -v, np.sqrt(2 * v))

    exact, _ = integrate.quad(share, -60, 60, points=[0], limit=200)
    assert ideal.tiny_step_acceptance(v) == pytest.approx(exact, rel=1e-6)


def test_without_noise_it_is_a_metropolis_chain(seed):
    """Whose effective draws follow from the scatter of many chains' means."""

    def evidence(a, y, n, rng):
        return boat.kalman_evidence(a, y)

    going = boat.learn(evidence, Y, 1, 0.25, 3000, np.random.default_rng(seed))
    draws = np.array([next(going) for _ in range(240)])[40:]
    scatter = np.mean((draws.mean(axis=0) - EXACT.mean) ** 2)
    measured = EXACT.sd**2 / scatter / 200
    # 3,000 squares: their mean is known to √(2/3000), and six times that is never seen
    assert measured == pytest.approx(ideal.effective_draws_per_step(EXACT, 0.25, 0.0), rel=0.16)


def test_noise_costs_draws_and_grids_do_not_matter():
    worth = [ideal.effective_draws_per_step(EXACT, 0.25, v) for v in (0, 0.5, 1, 2, 4)]
    assert worth == sorted(worth, reverse=True)
    finer = ideal.effective_draws_per_step(EXACT, 0.25, 1.0, cells=60, levels=48)
    assert finer == pytest.approx(worth[2], rel=0.01)


def test_the_best_variance_is_about_one():
    """Draws a particle, where the variance falls like 1/n: the top is near 1 and flat."""
    variances = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    per_particle = [ideal.effective_draws_per_step(EXACT, 0.25, v) * v for v in variances]
    assert variances[np.argmax(per_particle)] == 1.0
    assert per_particle[3] > 0.8 * per_particle[2]
