"""Kalman filter and smoother: the exact answer for linear-Gaussian models.

Kalman 1960; the smoother is that of Rauch, Tung, Striebel 1965. Notation as in Särkkä, *Bayesian
filtering and smoothing*, 2013, theorems 4.2 and 8.2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ttclib.particles.statespace import LinearGaussian, observations_array


class Gaussians(NamedTuple):
    """A normal distribution at each time: means (T,) or (T, d), covariances (T,) or (T, d, d)."""

    mean: np.ndarray
    cov: np.ndarray


class Filtered(NamedTuple):
    """What the filter knows.

    Attributes
    ----------
    predicted, filtered : Gaussians
        The distribution of xₜ given the observations before t, and up to t.
    log_evidence : numpy.ndarray, shape (T,)
        log p(y₀ … yₜ).
    """

    predicted: Gaussians
    filtered: Gaussians
    log_evidence: np.ndarray


def kalman_filter(model: LinearGaussian, observations: ArrayLike) -> Filtered:
    """Filter exactly. NaN observations count as missing.

    Parameters
    ----------
    model : LinearGaussian
    observations : array_like, shape (T,) or (T, k)

    Raises
    ------
    ValueError
        If the observations do not have the model's dimension, or one is infinite.
    """
    a, q, h, r, mean, cov = _matrices(model)
    y = observations_array(observations)
    y = y[:, None] if y.ndim == 1 and len(h) == 1 else y
    if y.ndim != 2 or y.shape[1] != len(h):
        raise ValueError(
            f"observations has shape {np.shape(observations)}; it must be (T, {len(h)})"
        )
    predicted = []
    filtered = []
    log_densities = []  # of each observation, given those before
    for t, y_t in enumerate(y):
        if t > 0:
            mean = a @ mean
            cov = a @ cov @ a.T + q
        predicted.append((mean, cov))
        log_density = 0.0
        if not np.isnan(y_t).any():
            innovation = y_t - h @ mean
            s = h @ cov @ h.T + r
            gain = np.linalg.solve(s, h @ cov).T
            mean = mean + gain @ innovation
            cov = cov - gain @ s @ gain.T
            _, log_det = np.linalg.slogdet(2 * math.pi * s)
            log_density = -0.5 * (innovation @ np.linalg.solve(s, innovation) + log_det)
        filtered.append((mean, cov))
        log_densities.append(log_density)
    log_evidence = np.cumsum(log_densities)
    return Filtered(_stack(model, predicted), _stack(model, filtered), log_evidence)


def kalman_smoother(model: LinearGaussian, observations: ArrayLike) -> Gaussians:
    """Distribution of every state given *all* observations."""
    a, q, *_ = _matrices(model)
    filtered = kalman_filter(model, observations).filtered
    means = filtered.mean.reshape(len(filtered.mean), len(a))
    covs = filtered.cov.reshape(len(filtered.cov), len(a), len(a))
    mean = means[-1]
    cov = covs[-1]
    smoothed = [(mean, cov)]
    for m, p in zip(means[-2::-1], covs[-2::-1], strict=True):  # filtered, from the last but one
        next_cov = a @ p @ a.T + q  # predicted from here
        gain = np.linalg.solve(next_cov, a @ p).T
        mean = m + gain @ (mean - a @ m)
        cov = p + gain @ (cov - next_cov) @ gain.T
        smoothed.append((mean, cov))
    return _stack(model, smoothed[::-1])


def bootstrap_variance(model: LinearGaussian, observations: ArrayLike) -> float:
    """σ² of the bootstrap filter: Var(log Ẑ) ≈ σ²/n and E[log Ẑ] ≈ log Z − σ²/2n.

    For a scalar model, resampled multinomially at every step (Del Moral 2004, ch. 9): with one-step
    predictor N(m, P) and smoother N(s, S) of each state,

        σ² = Σₜ [ P / √(S(2P − S)) · exp((s − m)² / (2P − S)) − 1 ].

    Raises
    ------
    ValueError
        If the model is not one-dimensional.
    """
    if not model.scalar:
        raise ValueError("model has vector states; this formula is for one dimension")
    m, p = kalman_filter(model, observations).predicted
    s, big_s = kalman_smoother(model, observations)
    spread = 2 * p - big_s
    return float(np.sum(p / np.sqrt(big_s * spread) * np.exp((s - m) ** 2 / spread) - 1))


def _matrices(model: LinearGaussian) -> list[np.ndarray]:
    names = ("transition", "transition_cov", "observation", "observation_cov")
    matrices = [np.atleast_2d(np.asarray(getattr(model, name), dtype=float)) for name in names]
    matrices.append(np.atleast_1d(np.asarray(model.initial_mean, dtype=float)))
    matrices.append(np.atleast_2d(np.asarray(model.initial_cov, dtype=float)))
    return matrices


def _stack(model: LinearGaussian, gaussians: list[tuple[np.ndarray, np.ndarray]]) -> Gaussians:
    means, covs = (np.array(part) for part in zip(*gaussians, strict=True))
    return Gaussians(means[:, 0], covs[:, 0, 0]) if model.scalar else Gaussians(means, covs)
