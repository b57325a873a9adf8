"""Hamiltonian Monte Carlo: the gradient of the density steers long moves that are still accepted.

It costs ``n_leapfrog + 1`` evaluations, of the log density or its gradient, per chain and
transition.

Sources: Duane, Kennedy, Pendleton and Roweth, Phys. Lett. B 195 (1987); Neal, *MCMC using
Hamiltonian dynamics* (2011), arXiv 1206.1901.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, whole_number
from ttclib.sampling.mcmc import (
    Info,
    Kernel,
    State,
    accept_or_stay,
    per_chain,
    positions_of,
    start_density,
    step_sizes,
)


def hmc(log_density: Callable, gradient: Callable, step_size: ArrayLike, n_leapfrog: int) -> Kernel:
    """Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011, section 3.2).

    Give each chain a random momentum, let it glide over the landscape −log_density for
    ``n_leapfrog`` steps, then accept or reject the error in energy. A wrong gradient costs
    acceptance, not correctness. A trajectory that runs off to infinity is rejected.

    Parameters
    ----------
    log_density : callable
        ``log_density(position) -> (chains,)``.
    gradient : callable
        ``gradient(position)``, of the log density, shaped like the position.
    step_size : float or array
        Time between two leapfrog steps; an array must broadcast against the positions.
    n_leapfrog : int
        Leapfrog steps per transition.

    Raises
    ------
    ValueError
        If ``step_size`` or ``n_leapfrog`` is not positive; else as `metropolis_hastings`, and if
        the gradient at the start has the wrong shape or is not finite.
    """
    size = step_sizes(step_size)
    n_leapfrog = whole_number("n_leapfrog", n_leapfrog)

    def init(start: ArrayLike) -> State:
        position = positions_of(start).astype(float)
        value = start_density(log_density, position)
        slope = finite_array("gradient at the start", gradient(position), shape=position.shape)
        return State(position, value, slope, evaluations=2)

    def step(state: State, rng: np.random.Generator) -> tuple[State, Info]:
        assert state.gradient is not None  # since init
        momentum = rng.standard_normal(state.position.shape)
        with np.errstate(over="ignore", invalid="ignore"):  # of trajectories that run off
            position, last, slope = leapfrog(
                state.position, momentum, state.gradient, gradient, size, n_leapfrog
            )
            value = per_chain("log_density", log_density(position), len(position))
            energy = _kinetic(last)
            log_ratio = value - state.log_density + _kinetic(momentum) - energy
        log_ratio[~np.isfinite(energy)] = -np.inf
        proposed = State(position, value, slope, state.evaluations + n_leapfrog + 1)
        return accept_or_stay(state, proposed, log_ratio, rng)

    return Kernel(init, step)


def leapfrog(
    position: np.ndarray,
    momentum: np.ndarray,
    slope: np.ndarray,
    gradient: Callable,
    step_size: float | np.ndarray,
    n: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Follow Hamilton's equations for n steps (Neal 2011, equations 2.28–2.30).

    Each step keeps volumes, can be undone by turning the momentum round, and over a fixed time
    makes an error in energy of the order step_size². Costs n gradients.

    Parameters
    ----------
    position, momentum, slope : array, shape (chains,) or (chains, d)
        Where the trajectory starts, and the gradient there.
    gradient : callable
        Gradient of the log density.
    step_size : float or array
    n : int

    Returns
    -------
    position, momentum, slope : arrays
        Where the trajectory ends, and the gradient there.
    """
    for _ in range(n):
        momentum = momentum + 0.5 * step_size * slope
        position = position + step_size * momentum
        slope = gradient(position)
        momentum = momentum + 0.5 * step_size * slope
    return position, momentum, slope


def _kinetic(momentum: np.ndarray) -> np.ndarray:
    return 0.5 * (momentum**2).reshape(len(momentum), -1).sum(axis=1)
