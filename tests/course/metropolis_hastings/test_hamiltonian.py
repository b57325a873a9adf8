"""Leapfrog: reversible, keeps volumes, second order; a trajectory that runs off is rejected.

That Hamiltonian Monte Carlo reaches its target is tested beside the other kernels, in
``tests/sampling/test_mcmc.py``.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttclib.course.metropolis_hastings.hamiltonian import hmc, leapfrog
from ttclib.sampling.mcmc import run_chains


def banana(x):
    """x₀ ~ N(0, 1) and x₁ | x₀ ~ N(x₀², ½²)."""
    return -0.5 * x[:, 0] ** 2 - 2 * (x[:, 1] - x[:, 0] ** 2) ** 2


def banana_gradient(x):
    bend = 4 * (x[:, 1] - x[:, 0] ** 2)
    return np.column_stack([-x[:, 0] + 2 * x[:, 0] * bend, -bend])


@settings(deadline=None)
@given(st.floats(0.01, 1), st.integers(1, 20), st.integers(0, 2**32))
def test_leapfrog_is_undone_by_turning_the_momentum_round(step_size, n, seed):
    def slope(x):  # any function of the position will do; this one keeps the trajectory tame
        return -np.tanh(x + 0.5 * x[:, ::-1])

    x, p = np.random.default_rng(seed).standard_normal((2, 5, 2))
    y, q, _ = leapfrog(x, p, slope(x), slope, step_size, n)
    back, momentum, _ = leapfrog(y, -q, slope(y), slope, step_size, n)
    assert np.allclose(back, x, atol=1e-9)
    assert np.allclose(momentum, -p, atol=1e-9)


def test_leapfrog_keeps_volumes():
    h = 1e-5
    z = np.array([0.3, -0.2, 0.7, 0.5])
    probes = z + h * np.vstack([np.eye(4), -np.eye(4)])
    x, p = probes[:, :2], probes[:, 2:]
    x, p, _ = leapfrog(x, p, banana_gradient(x), banana_gradient, 0.1, 7)
    ends = np.hstack([x, p])
    jacobian = (ends[:4] - ends[4:]) / (2 * h)
    assert np.linalg.det(jacobian) == pytest.approx(1, abs=1e-7)


def test_leapfrog_energy_error_is_of_second_order():
    x, p = np.array([[0.5, 0.4], [-1.0, 0.6]]), np.array([[0.8, -0.3], [0.2, 0.9]])

    def worst_error(step_size):
        energy = [banana(x) - 0.5 * (p**2).sum(axis=1)]
        for n in range(1, round(1.6 / step_size)):
            y, q, _ = leapfrog(x, p, banana_gradient(x), banana_gradient, step_size, n)
            energy.append(banana(y) - 0.5 * (q**2).sum(axis=1))
        return np.ptp(energy, axis=0)

    ratio = worst_error(0.02) / worst_error(0.01)
    assert ((ratio > 3.9) & (ratio < 4.1)).all()  # half the step, a quarter of the error


def test_leapfrog_costs_a_gradient_a_step():
    x, p = np.ones((3, 2)), np.ones((3, 2))
    calls = []

    def counted(x):
        calls.append(1)
        return banana_gradient(x)

    *_, slope = leapfrog(x, p, banana_gradient(x), counted, 0.1, 5)
    assert len(calls) == 5
    y, *_ = leapfrog(x, p, banana_gradient(x), banana_gradient, 0.1, 5)
    assert (slope == banana_gradient(y)).all()


def test_a_trajectory_that_runs_off_is_rejected_not_an_error():
    kernel = hmc(lambda x: -(x**4), lambda x: -4 * x**3, 10.0, 20)
    with np.errstate(all="raise"):
        chain = run_chains(kernel, np.ones(50), 3, np.random.default_rng(0))
    assert chain.acceptance_rate == 0
    assert (chain.positions == 1).all()
