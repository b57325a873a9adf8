"""The boat whose law is unknown: its evidence, and chains that learn it.

xₜ = a xₜ₋₁ + N(0, 1), yₜ = xₜ + N(0, 1), x₀ ~ N(0, 1). Before anything is seen the coefficient a is
uniform on (0, 1). Everything here works on many coefficients at once, one for each chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


def kalman_evidence(a: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Exact log evidence of the measurements under each coefficient, by the Kalman filter.

    Parameters
    ----------
    a : array_like, shape (k,)
    y : array_like, shape (T,)

    Returns
    -------
    array, shape (k,)
    """
    a = np.asarray(a, dtype=float)
    mean = np.zeros_like(a)
    variance = np.ones_like(a)
    log_z = np.zeros_like(a)
    for y_t in np.asarray(y, dtype=float):
        expected = variance + 1
        log_z -= 0.5 * (np.log(2 * math.pi * expected) + (y_t - mean) ** 2 / expected)
        gain = variance / expected
        mean = a * (mean + gain * (y_t - mean))
        variance = a**2 * variance * (1 - gain) + 1
    return log_z


def survivors(x: np.ndarray, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Systematic resampling of each row of ``x`` (chains, n) by its weights ``w`` (chains, n)."""
    n = x.shape[1]
    marks = np.cumsum(w, axis=1)
    up_to = np.floor(marks * (n / marks[:, -1:]) + rng.random((len(x), 1)))
    up_to[:, -1] = n
    children = np.diff(up_to, prepend=0, axis=1).astype(int)
    return np.repeat(x.ravel(), children.ravel()).reshape(x.shape)


def particle_evidence(a: np.ndarray, y: ArrayLike, n: int, rng: np.random.Generator) -> np.ndarray:
    """Log of an unbiased estimate of the evidence under each coefficient, by n particles.

    Parameters
    ----------
    a : array, shape (chains,)
    y : array_like, shape (T,)

    Returns
    -------
    array, shape (chains,)
        Of one coefficient it is the log evidence of the bootstrap filter with systematic
        resampling at every step, on the same seed.
    """
    x = rng.standard_normal((len(a), n))
    log_z = np.zeros(len(a))
    for y_t in np.asarray(y, dtype=float):
        log_w = -0.5 * (y_t - x) ** 2
        top = log_w.max(axis=1)
        w = np.exp(log_w - top[:, None])
        log_z += top + np.log(w.mean(axis=1)) - 0.5 * math.log(2 * math.pi)
        x = a[:, None] * survivors(x, w, rng) + rng.standard_normal(x.shape)
    return log_z


def accept(a, log_z, new, log_z_new, rng):
    """Decide for each chain: move to its proposal, or stay; what is kept keeps its estimate.

    Parameters
    ----------
    a, log_z, new, log_z_new : arrays, shape (chains,)
        Coefficients and their log evidences, of the present points and of the proposals.

    Returns
    -------
    (array, array), shape (chains,)
        The chains' coefficients after the step, and the log evidences that belong to them.
    """
    moves = np.log(rng.random(len(a))) < log_z_new - log_z
    return np.where(moves, new, a), np.where(moves, log_z_new, log_z)


def learn(
    evidence: Callable,
    y: ArrayLike,
    n: int,
    step_size: float,
    chains: int,
    rng: np.random.Generator,
    accept: Callable = accept,
    anew: bool = False,
) -> Iterator[np.ndarray]:
    """Particle-marginal Metropolis-Hastings: yield the coefficients (chains,) after each step.

    ``evidence(a, y, n, rng)`` → log evidences (chains,). With ``anew`` the estimate of the present
    point is drawn again at each step, which is the classic mistake.

    Andrieu, Doucet and Holenstein, *Particle Markov chain Monte Carlo methods*, Journal of the
    Royal Statistical Society B 72 (2010).
    """
    a = rng.random(chains)
    log_z = evidence(a, y, n, rng)
    while True:
        new = a + step_size * rng.standard_normal(chains)
        inside = (new > 0) & (new < 1)
        log_z_new = np.where(inside, evidence(np.clip(new, 0, 1), y, n, rng), -np.inf)
        if anew:
            log_z = evidence(a, y, n, rng)
        a, log_z = accept(a, log_z, new, log_z_new, rng)
        yield a


class Posterior(NamedTuple):
    """The exact belief about the coefficient, on a grid."""

    grid: np.ndarray  # (k,), middles of equal cells of (0, 1)
    density: np.ndarray  # (k,)
    mean: float
    sd: float


def exact_posterior(y: ArrayLike, cells: int = 500) -> Posterior:
    """Return the posterior of the coefficient from the Kalman evidence on a grid of (0, 1)."""
    grid = (np.arange(cells) + 0.5) / cells
    log_z = kalman_evidence(grid, y)
    shares = np.exp(log_z - log_z.max())
    shares /= shares.sum()
    mean = float(shares @ grid)
    sd = math.sqrt(float(shares @ (grid - mean) ** 2))
    return Posterior(grid, shares * cells, mean, sd)
