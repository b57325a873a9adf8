"""Kalman filter and smoother: the exact answer for linear-Gaussian models.

Kalman 1960; the smoother is that of Rauch, Tung, Striebel 1965. Notation as in Särkkä, *Bayesian
filtering and smoothing*, 2013, theorems 4.2 and 8.2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ttclib.particles.statespace import LinearGaussian, observations_array


class Gaussians(NamedTuple):
    """A normal law at each time: means (T,) or (T, d), covariances (T,) or (T, d, d)."""

    mean: np.ndarray
    cov: np.ndarray


class Filtered(NamedTuple):
    """What the filter knows.

    Attributes
    ----------
    predicted, filtered : Gaussians
        The law of xₜ given the observations before t, and up to t.
    log_evidence : numpy.ndarray, shape (T,)
        log p(y₀ … yₜ).
    """

    predicted: Gaussians
    filtered: Gaussians
    log_evidence: np.ndarray


def kalman_filter(model: LinearGaussian, observations) -> Filtered:
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
    predicted, filtered, log_evidence, total = [], [], [], 0.0
    for t, y_t in enumerate(y):
        if t > 0:
            mean, cov = a @ mean, a @ cov @ a.T + q
        predicted.append((mean, cov))
        if not np.isnan(y_t).any():
            innovation, s = y_t - h @ mean, h @ cov @ h.T + r
            gain = np.linalg.solve(s, h @ cov).T
            mean, cov = mean + gain @ innovation, cov - gain @ s @ gain.T
            _, log_det = np.linalg.slogdet(2 * math.pi * s)
            total -= 0.5 * (innovation @ np.linalg.solve(s, innovation) + log_det)
        filtered.append((mean, cov))
        log_evidence.append(total)
    return Filtered(_stack(model, predicted), _stack(model, filtered), np.array(log_evidence))


def kalman_smoother(model: LinearGaussian, observations) -> Gaussians:
    """Law of every state given *all* observations."""
    a, q, *_ = _matrices(model)
    filtered = kalman_filter(model, observations).filtered
    means = filtered.mean.reshape(len(filtered.mean), len(a))
    covs = filtered.cov.reshape(len(filtered.cov), len(a), len(a))
    mean, cov = means[-1], covs[-1]
    smoothed = [(mean, cov)]
    for m, p in zip(means[-2::-1], covs[-2::-1], strict=True):
        next_mean, next_cov = a @ m, a @ p @ a.T + q
        gain = np.linalg.solve(next_cov, a @ p).T
        mean, cov = m + gain @ (mean - next_mean), p + gain @ (cov - next_cov) @ gain.T
        smoothed.append((mean, cov))
    return _stack(model, smoothed[::-1])


def bootstrap_variance(model: LinearGaussian, observations) -> float:
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


def _matrices(model: LinearGaussian):
    names = ("transition", "transition_cov", "observation", "observation_cov")
    matrices = [np.atleast_2d(np.asarray(getattr(model, name), dtype=float)) for name in names]
    mean = np.atleast_1d(np.asarray(model.initial_mean, dtype=float))
    return *matrices, mean, np.atleast_2d(np.asarray(model.initial_cov, dtype=float))


def _stack(model: LinearGaussian, laws) -> Gaussians:
    means, covs = (np.array(part) for part in zip(*laws, strict=True))
    return Gaussians(means[:, 0], covs[:, 0, 0]) if model.scalar else Gaussians(means, covs)
