"""The Kalman filter: the exact answer for linear-Gaussian models.

Kalman 1960. Notation as in Särkkä, *Bayesian filtering and smoothing*, 2013, theorem 4.2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import checked
from ttclib.particles.statespace import LinearGaussian, observations_array


class Gaussians(NamedTuple):
    """A normal distribution at each time: means (T,) and variances (T,)."""

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


@checked
def kalman_filter(model: LinearGaussian, observations: ArrayLike) -> Filtered:
    """Filter exactly. NaN observations count as missing.

    Parameters
    ----------
    model : LinearGaussian
    observations : array_like, shape (T,) or (T, 1)

    Raises
    ------
    ValueError
        If the observations are not numbers in a row, or one is infinite.
    """
    y = observations_array(observations)
    if y.shape not in [(len(y),), (len(y), 1)]:
        raise ValueError(f"observations has shape {y.shape}; it must be (T,) or (T, 1)")
    h = model.observation
    mean = model.initial_mean
    cov = model.initial_cov
    predicted = []
    filtered = []
    log_densities = []  # of each observation, given those before
    for t, y_t in enumerate(y.ravel()):
        if t > 0:
            mean = model.transition * mean
            cov = model.transition**2 * cov + model.transition_cov
        predicted.append((mean, cov))
        log_density = 0.0
        if not np.isnan(y_t):
            innovation = y_t - h * mean
            s = h**2 * cov + model.observation_cov  # variance of the innovation
            gain = cov * h / s
            mean = mean + gain * innovation
            # (1 − gain·h)·cov, without the difference: it would be all rounding where cov ≫ r
            cov = cov * (model.observation_cov / s)
            log_density = -0.5 * (innovation**2 / s + math.log(2 * math.pi * s))
        filtered.append((mean, cov))
        log_densities.append(log_density)
    return Filtered(
        Gaussians(*np.transpose(predicted)),
        Gaussians(*np.transpose(filtered)),
        np.cumsum(log_densities),
    )
