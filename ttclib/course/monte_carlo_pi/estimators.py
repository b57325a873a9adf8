"""Ways to buy the same accuracy cheaper, and exact draws from under a curve.

Integrals are over the unit cube; ``f`` maps points (n,), or (n, dim) if dim > 1, to values (n,).
Like darts, every estimator works in chunks, and the plain ones read their random stream point by
point: with the same seed, a larger budget *continues* a smaller one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from ttclib.cost import Cost
from ttclib.inputs import real_number, whole_number
from ttclib.sampling.montecarlo import Estimate, Function, chunks, spent, values_of


def mean_value(f: Function, n: int, rng: np.random.Generator, dim: int = 1) -> Estimate:
    """Estimate ∫f by the average of ``f`` at ``n`` uniform points."""
    start = time.perf_counter()
    n = whole_number("n", n)
    return _average((values_of(f, _uniform(rng, size, dim)) for size in chunks(n)), n, 1, start)


def antithetic(f: Function, n: int, rng: np.random.Generator, dim: int = 1) -> Estimate:
    """Estimate ∫f from n/2 pairs u, 1 − u: where ``f`` is monotone their errors partly cancel.

    Raises
    ------
    ValueError
        If ``n`` is odd: a pair costs two evaluations.
    """
    start = time.perf_counter()
    n = whole_number("n", n, 2)
    if n % 2:
        raise ValueError(f"n is {n}; antithetic points come in pairs, so it must be even")

    def pairs(size: int) -> np.ndarray:
        u = _uniform(rng, size, dim)
        return (values_of(f, u) + values_of(f, 1.0 - u)) / 2

    return _average((pairs(size) for size in chunks(n // 2)), n // 2, 2, start)


def control_variate(
    f: Function, g: Function, g_mean: float, n: int, rng: np.random.Generator, dim: int = 1
) -> Estimate:
    """Estimate ∫f with the help of ``g``, whose integral is known: average f − β(g − ∫g).

    β is the least-squares slope from the same points, which costs a bias of order 1/n (Owen,
    *Monte Carlo theory, methods and examples*, §8.9).
    """
    start = time.perf_counter()
    n = whole_number("n", n, 3)
    g_mean = real_number("g_mean", g_mean)
    # of f less a line in g through the first chunk, and of g − ∫g: small numbers keep their digits
    sums = np.zeros(2)
    products = np.zeros((2, 2))
    shift = slope = None
    for size in chunks(n):
        u = _uniform(rng, size, dim)
        values = np.array([values_of(f, u), values_of(g, u)], dtype=float)
        values[1] -= g_mean
        if shift is None:
            spread = values - values.mean(axis=1, keepdims=True)
            wide = spread[1] @ spread[1]
            slope = spread[0] @ spread[1] / wide if wide > 0 else 0.0
            shift = (values[0] - slope * values[1]).mean()
        values[0] -= shift + slope * values[1]
        sums += values.sum(axis=1)
        products += values @ values.T
    f_bar, g_bar = sums / n
    covariance = products / n - np.outer(sums, sums) / n**2
    beta = covariance[0, 1] / covariance[1, 1] if covariance[1, 1] > 0 else 0.0
    residual = max(covariance[0, 0] - beta * covariance[0, 1], 0.0)
    return Estimate(
        float(shift + f_bar - beta * g_bar),
        math.sqrt(residual / (n - 2)),
        spent(n, start),
    )


def stratified_sampling(f: Function, n: int, rng: np.random.Generator) -> Estimate:
    """Estimate ∫₀¹f from one uniform point in each of ``n`` equal strata of the unit interval.

    The error bar pairs neighbouring strata (Cochran, *Sampling techniques*, §5A.12), which
    overstates it a little.

    Raises
    ------
    ValueError
        If ``n`` is odd, because the error bar needs pairs.
    """
    start = time.perf_counter()
    n = whole_number("n", n, 2)
    if n % 2:
        raise ValueError(f"n is {n}; the error bar pairs strata, so it must be even")
    total = squares = 0.0
    first = 0
    for size in chunks(n):
        fu = values_of(f, (np.arange(first, first + size) + rng.random(size)) / n)
        total += fu.sum()
        squares += ((fu[::2] - fu[1::2]) ** 2).sum()
        first += size
    return Estimate(float(total / n), math.sqrt(squares) / n, spent(n, start))


def sobol(
    f: Function, n: int, rng: np.random.Generator, dim: int = 1, replicates: int = 8
) -> Estimate:
    """Estimate ∫f with scrambled Sobol points (``scipy.stats.qmc``; Owen 1995).

    ``replicates`` independent scramblings share the budget: one alone has no error bar.

    Raises
    ------
    ValueError
        If n / replicates is not a power of two, the only sizes at which the points are balanced.
    """
    from scipy.stats import qmc  # heavy to import, and only needed here

    start = time.perf_counter()
    n = whole_number("n", n)
    replicates = whole_number("replicates", replicates, 2)
    each = n // replicates
    if each * replicates != n or each & (each - 1):
        raise ValueError(f"n is {n}; it must be {replicates} (replicates) times a power of two")
    means = []
    for _ in range(replicates):
        engine = qmc.Sobol(whole_number("dim", dim), scramble=True, rng=rng)
        total = 0.0
        for size in chunks(each):
            points = engine.random(size)
            total += values_of(f, points[:, 0] if dim == 1 else points).sum()
        means.append(total / each)
    error = float(np.std(means, ddof=1) / math.sqrt(replicates))
    return Estimate(float(np.mean(means)), error, spent(n, start))


def rejection_sampling(
    log_density: Function,
    propose: Callable[[int, np.random.Generator], ArrayLike],
    log_proposal: Function,
    log_bound: float,
    n: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, Cost]:
    """Sample a density exactly by throwing darts under it: keep x with probability p(x) / (M q(x)).

    Parameters
    ----------
    log_density, log_proposal : callable
        (k, …) points → (k,) log densities p (any constant) and q.
    propose : callable
        ``propose(k, rng)`` → k points from q.
    log_bound : float
        log M with p ≤ M q everywhere.
    n : int
        Number of *proposals*. How many survive is random.

    Returns
    -------
    (numpy.ndarray, Cost)
        The accepted points; ``units`` counts proposals.

    Raises
    ------
    ValueError
        If a proposed point breaks the bound: the kept points would follow another density.
    """
    start = time.perf_counter()
    n = whole_number("n", n)
    kept = []
    log_bound = real_number("log_bound", log_bound)
    for size in chunks(n):
        x = np.asarray(propose(size, rng))
        if x.shape[:1] != (size,):
            raise ValueError(
                f"propose returned shape {x.shape} for {size} points; it must be ({size}, …)"
            )
        log_ratio = values_of(log_density, x) - values_of(log_proposal, x) - log_bound
        if (log_ratio > 1e-9).any():
            raise ValueError(
                f"log_bound is too small by {log_ratio.max():.3g}; it must satisfy p ≤ M q"
            )
        kept.append(x[rng.random(size) < np.exp(log_ratio)])
    return np.concatenate(kept), spent(n, start)


def _uniform(rng: np.random.Generator, size: int, dim: int) -> np.ndarray:
    dim = whole_number("dim", dim)
    return rng.random(size if dim == 1 else (size, dim))


def _average(chunks: Iterator[np.ndarray], n: int, units_each: int, start: float) -> Estimate:
    """Mean and standard error over chunks, merged without losing digits (Chan et al. 1983)."""
    count = 0
    mean = m2 = 0.0
    for values in chunks:
        k = len(values)
        chunk_mean = values.mean()
        delta = chunk_mean - mean
        m2 += ((values - chunk_mean) ** 2).sum() + delta**2 * count * k / (count + k)
        mean += delta * k / (count + k)
        count += k
    error = math.sqrt(m2 / (n - 1) / n) if m2 > 0 else math.nan  # no spread seen: cannot tell
    return Estimate(float(mean), error, spent(n * units_each, start))
