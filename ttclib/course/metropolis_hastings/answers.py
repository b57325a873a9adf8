"""The course's answers to the exercises of notebook 02: the pages use them until yours pass."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np


def acceptance(p_x: float, p_y: float, q_xy: float, q_yx: float) -> float:
    """Return the probability of accepting x → y (Hastings 1970): min(1, p_y q_yx / (p_x q_xy))."""
    return min(1.0, p_y * q_yx / (p_x * q_xy))


def chain_ess(rho: Sequence[float], n: int) -> float:
    """Return n / τ with τ = 1 + 2 Σ ρ, summed up to the first negative autocorrelation.

    Parameters
    ----------
    rho : sequence of float
        Autocorrelations at lags 1, 2, 3, …
    n : int
        Draws of the chain.
    """
    before = itertools.takewhile(lambda r: r >= 0, rho)
    return n / (1 + 2 * sum(before))


def tune(accepted: Callable[[float], float]) -> float:
    """Return the step size that accepts a share of 0.44, by halving an interval of logarithms.

    ``accepted(s)`` → share of proposals accepted with steps of size s, from 1e-4 to 1e4.
    """
    low = math.log(1e-4)
    high = math.log(1e4)
    for _ in range(25):
        middle = (low + high) / 2
        if accepted(math.exp(middle)) > 0.44:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def rhat(x: np.ndarray) -> float:
    """Return R-hat of draws (n, chains): √((n − 1)/n + V/W) (Gelman and Rubin 1992).

    W is the mean of the chains' variances, V the variance of their means.
    """
    n = len(x)
    W = x.var(axis=0, ddof=1).mean()
    V = x.mean(axis=0).var(ddof=1)
    return float(np.sqrt((n - 1) / n + V / W))
