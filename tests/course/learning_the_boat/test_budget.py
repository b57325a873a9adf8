"""The answers of notebook 04b about budgets, on 100 lucks: 100 groups of the view's 16 chains."""

from functools import cache

import numpy as np
import pytest

from ttclib.course.learning_the_boat import boat
from ttclib.particles.statespace import LinearGaussian

_, Y = LinearGaussian(transition=0.9).simulate(50, np.random.default_rng(3))
EXACT = boat.exact_posterior(Y)
LUCKS = 100
CHAINS = 16
BUDGET = 2**17


@cache
def bought(n, exact=False):
    """Effective draws (lucks,) that the budget buys a chain of n particles."""

    def evidence(a, y, n, rng):
        return boat.kalman_evidence(a, y) if exact else boat.particle_evidence(a, y, n, rng)

    steps = BUDGET // (n * len(Y))
    going = boat.learn(evidence, Y, n, 0.25, CHAINS * LUCKS, np.random.default_rng(7))
    total = np.zeros(CHAINS * LUCKS)
    for step in range(steps):
        a = next(going)
        total += a * (step >= steps // 4)
    squares = (total / (steps - steps // 4) - EXACT.mean) ** 2
    return EXACT.sd**2 / squares.reshape(LUCKS, CHAINS).mean(axis=1)


@pytest.mark.answers("04b-034", 1)
def test_64_particles_buy_more_than_8():
    assert np.mean(bought(64) > bought(8)) > 0.85


@pytest.mark.answers("04b-034", 2)
def test_the_exact_evidence_buys_about_a_hundred_times_as_much():
    factor = bought(1, exact=True) / bought(64)
    assert 70 < np.median(factor) < 200
    assert np.mean(factor > 40) > 0.97
