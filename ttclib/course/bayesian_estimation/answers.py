"""The course's answers to the exercises of notebook 03: what later cells use until yours pass."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.sampling import diagnostics, mcmc

PRIOR = NormalInverseGamma(mean=170, kappa=0.5, shape=1.5, rate=96)  # of the notebook, in cm
WIDEST = 50.0  # cm: the largest spread of exercise 2


def update(belief: NormalInverseGamma, x: float) -> tuple[float, float, float, float]:
    """A belief and one measurement x → mean, kappa, shape and rate after it."""
    kappa = belief.kappa + 1
    mean = (belief.kappa * belief.mean + x) / kappa
    rate = belief.rate + belief.kappa * (x - belief.mean) ** 2 / (2 * kappa)
    return mean, kappa, belief.shape + 1 / 2, rate


def stretch(z: np.ndarray) -> np.ndarray:
    """(n,) z, of which σ = 50 / (1 + exp(−z)) is made → log dσ/dz, up to a constant."""
    sigma = WIDEST / (1 + np.exp(-np.asarray(z)))
    return np.log(sigma) + np.log(1 - sigma / WIDEST)


def warm_up(mu: np.ndarray, low: float, high: float) -> int:
    """(n, chains) draws → how many of each chain to drop, until all have been in low … high."""
    inside = (low <= mu) & (mu <= high)
    arrived = np.where(inside.any(axis=0), inside.argmax(axis=0), len(mu))
    return int(arrived.max())


def price(draws: np.ndarray, evaluations: int) -> float:
    """(n, chains) draws and what they cost → density evaluations for one effective draw."""
    return float(evaluations / diagnostics.ess(draws, "mean"))


def interval(draws: np.ndarray) -> np.ndarray:
    """(n,) draws → lower and upper end of the interval that holds the central 90%."""
    return np.quantile(draws, [0.05, 0.95])


def log_posterior(mu, log_sigma, x: np.ndarray):
    """Log density of (μ, log σ) for μ ~ N(170, 20²) and σ exponential with mean 10 cm.

    The two arguments broadcast against each other; the measurements have shape (n,).
    """
    sigma = np.exp(log_sigma)
    log_prior = -((mu - 170) ** 2) / (2 * 20**2) - sigma / 10
    squares = ((x - np.asarray(mu)[..., None]) ** 2).sum(axis=-1)
    log_likelihood = -len(x) * log_sigma - squares / (2 * sigma**2)
    return log_prior + log_likelihood + log_sigma


def people(mu: np.ndarray, sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) draws of both unknowns → heights (n,) of n people, one from each draw."""
    return mu + sigma * rng.standard_normal(len(mu))


def chance(x: np.ndarray, threshold: float, rng: np.random.Generator) -> float:
    """Measurements (n,) → probability that the next one exceeds the threshold."""
    belief = PRIOR.update(x)
    kernel = mcmc.random_walk(lambda theta: belief.log_joint(*theta.T), [6, 0.6])
    start = [[float(np.mean(x)), math.log(8)]] * 20
    mu, log_sigma = np.moveaxis(mcmc.run_chains(kernel, start, 1500, rng).positions[200:], -1, 0)
    return float(np.mean(people(mu.ravel(), np.exp(log_sigma).ravel(), rng) > threshold))
