"""The course's answers to the exercises of notebook 04: later cells use them until yours pass."""

from __future__ import annotations

import math

import numpy as np

from ttclib.particles import resampling


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Average values (n,) by weights (n,) that need not sum to one."""
    return float(values @ weights / weights.sum())


def effective_sample_size(weights: np.ndarray) -> float:
    """How many equal points are worth as much as weights (n,)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def forward_step(
    belief: np.ndarray, transition: np.ndarray, likelihood: np.ndarray
) -> tuple[np.ndarray, float]:
    """Belief (K,), transition (K, K), likelihood (K,) → next belief (K,), chance of what was seen.

    ``transition[i, j]`` is the probability of going from state i to state j, and ``likelihood[j]``
    that of the observation in state j.
    """
    joint = belief @ transition * likelihood
    return joint / joint.sum(), float(joint.sum())


def log_evidence(log_weights: np.ndarray) -> float:
    """Log of the product of the mean weights: log weights (T, n), gained at each step."""
    top = log_weights.max(axis=1, keepdims=True)
    return float((top[:, 0] + np.log(np.exp(log_weights - top).mean(axis=1))).sum())


def traced(ancestors: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Paths (T, n) of the last members, from ancestors (T, n) and states (T, n)."""
    line = np.arange(states.shape[1])
    paths = [states[-1]]
    for t in range(len(states) - 1, 0, -1):
        line = ancestors[t][line]
        paths.append(states[t - 1][line])
    return np.array(paths[::-1])


def bootstrap_filter(y: np.ndarray, n: int, rng: np.random.Generator) -> float:
    """Estimate the log evidence of the boat's measurements y (T,) with n particles."""
    x = rng.standard_normal(n)
    total = 0.0
    for y_t in y:
        log_w = -0.5 * (y_t - x) ** 2 - 0.5 * math.log(2 * math.pi)
        w = np.exp(log_w - log_w.max())
        total += float(log_w.max()) + math.log(w.mean())
        x = 0.9 * x[resampling.stratified(w, n, rng)] + rng.standard_normal(n)
    return total
