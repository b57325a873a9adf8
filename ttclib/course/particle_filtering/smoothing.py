"""Smoothing: what all observations say of the states, by the particles' paths and exactly.

The exact smoother is that of Rauch, Tung, Striebel 1965, as in Särkkä, *Bayesian filtering and
smoothing*, 2013, theorem 8.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf

from ttclib.course.particle_filtering.kalman import Gaussians, kalman_filter
from ttclib.inputs import whole_number
from ttclib.particles.genealogy import lineages
from ttclib.particles.smc import Population
from ttclib.particles.statespace import LinearGaussian
from ttclib.particles.weights import normalise


def kalman_smoother(model: LinearGaussian, observations: ArrayLike) -> Gaussians:
    """Distribution of every state given *all* observations."""
    means, covs = kalman_filter(model, observations).filtered
    mean = means[-1]
    cov = covs[-1]
    smoothed = [(mean, cov)]
    a = model.transition
    for m, p in zip(means[-2::-1], covs[-2::-1], strict=True):  # filtered, from the last but one
        next_cov = a**2 * p + model.transition_cov  # predicted from here
        gain = p * a / next_cov
        mean = m + gain * (mean - a * m)
        # p + gain²·(cov − next_cov) as a sum of positive terms, which rounding cannot cancel
        cov = p * (model.transition_cov / next_cov) + gain**2 * cov
        smoothed.append((mean, cov))
    return Gaussians(*np.transpose(smoothed[::-1]))


def expected_moves(model: LinearGaussian, observations: ArrayLike) -> np.ndarray:
    """E|xₜ − xₜ₋₁| given *all* observations, for t = 1 … T − 1, shape (T − 1,).

    The difference of two neighbours is normal; their covariance is the smoother's gain times the
    later variance (Särkkä 2013, theorem 8.2), and E|N(m, v)| = √(2v/π)·exp(−m²/2v) + m·erf(m/√2v).
    """
    p = kalman_filter(model, observations).filtered.cov[:-1]
    mean, cov = kalman_smoother(model, observations)
    a = model.transition
    together = p * a / (a**2 * p + model.transition_cov) * cov[1:]
    m = np.diff(mean)
    v = cov[1:] + cov[:-1] - 2 * together
    return np.sqrt(2 * v / np.pi) * np.exp(-(m**2) / (2 * v)) + m * erf(m / np.sqrt(2 * v))


def bootstrap_variance(model: LinearGaussian, observations: ArrayLike) -> float:
    """σ² of the bootstrap filter: Var(log Ẑ) ≈ σ²/n and E[log Ẑ] ≈ log Z − σ²/2n.

    Resampled multinomially at every step (Del Moral 2004, ch. 9): with one-step predictor N(m, P)
    and smoother N(s, S) of each state,

        σ² = Σₜ [ P / √(S(2P − S)) · exp((s − m)² / (2P − S)) − 1 ].
    """
    m, p = kalman_filter(model, observations).predicted
    s, big_s = kalman_smoother(model, observations)
    spread = 2 * p - big_s
    # S(2P − S) is P² − (P − S)²: where little was learnt, each term is far below 1
    log_terms = (s - m) ** 2 / spread - 0.5 * np.log1p(-((1 - big_s / p) ** 2))
    return float(np.expm1(log_terms).sum())


def trajectories(history: Sequence[Population]) -> np.ndarray:
    """Paths of the final members, shape (T, n, …), weighted by the last generation's weights.

    A free smoother, and a poor one: early states are copies of very few ancestors.
    """
    return np.array([p.particles[row] for p, row in zip(history, lineages(history), strict=True)])


def backward_sampling(
    history: Sequence[Population],
    log_transition: Callable[[int, np.ndarray, np.ndarray], np.ndarray],
    n: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Sample n paths by walking back through *all* particles, not only the ancestors.

    The cure for path degeneracy (Godsill, Doucet, West 2004), at T · n · N evaluations of
    ``log_transition(t, x_previous, x)``.

    Returns
    -------
    numpy.ndarray, shape (T, n, …)
        Equally weighted.
    """
    if not history:
        raise ValueError("history is empty; it must hold at least one population")
    n = whole_number("n", n)
    last = history[-1]
    states = last.particles[rng.choice(len(last), n, p=last.weights)]
    paths = [states]
    for t in range(len(history) - 1, 0, -1):
        before = history[t - 1]
        chosen = []
        for x in states:  # given the state after, a parent's weight times its chance to come here
            log_weights = before.log_weights + log_transition(t, before.particles, x)
            chosen.append(rng.choice(len(before), p=normalise(log_weights)))
        states = before.particles[chosen]
        paths.append(states)
    return np.array(paths[::-1])
