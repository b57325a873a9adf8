"""What is known exactly of notebook 01: how often an error bar holds π, and how far each method
strays.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

DART_SD = math.sqrt(math.pi * (4 - math.pi))  # of the 4 or 0 that one dart scores: 1.642
# variances of one evaluation of f(u) = 4√(1 − u²)
VARIANCES = {
    "darts": math.pi * (4 - math.pi),
    "mean value": 32 / 3 - math.pi**2,
    "antithetic": 32 / 3 - 2 * math.pi**2 + 9.291993828496,  # the last: ∫ f(u) f(1 − u) du
    "control variate": 32 / 3 - math.pi**2 - 45 / 4 * (math.pi / 12) ** 2,
}


def coverage(n: int, z: float = 1.96) -> float:
    """Return the probability that "estimate ± z standard errors" of n darts holds π.

    The number of hits is binomial, so this is a sum over all numbers of hits. Where all darts hit,
    or none, the standard error comes out as 0 and the interval holds nothing.
    """
    hits = np.arange(n + 1)
    share = hits / n
    holds = np.abs(4 * share - math.pi) <= z * 4 * np.sqrt(share * (1 - share) / n)
    return float(stats.binom.pmf(hits, n, math.pi / 4)[holds].sum())


def stratified_sd(n: int) -> float:
    """Return the standard deviation of the stratified estimate of ∫4√(1 − u²) from n strata.

    Each stratum has a variance of its own, by quadrature in w = √(1 − u), in which the integrand
    is smooth up to the edge; the estimate has their sum over n².
    """
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.sqrt(1 - np.arange(n + 1) / n)
    half = (edges[:-1] - edges[1:])[:, None] / 2
    w = edges[1:, None] + half * (1 + nodes)
    f = 4 * w * np.sqrt(2 - w**2)
    density = weights * half * 2 * w * n  # of u in its stratum, as a density of w
    mean = (density * f).sum(axis=1, keepdims=True)
    variance = (density * (f - mean) ** 2).sum()
    return math.sqrt(variance) / n
