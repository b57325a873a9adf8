"""Monte Carlo: an average over random points, and its error bar.

Every estimator works in chunks, so that 10⁹ points need no more memory than 10⁵, and reads its
random stream point by point: with the same seed, a larger budget *continues* a smaller one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ttclib.cost import Cost
from ttclib.inputs import checked, finite_array, float_array, real_number, whole_number

CHUNK = 2**14  # two coordinates of 2¹⁴ points stay in a core's cache
Function = Callable[[np.ndarray], np.ndarray]  # of k points at once, (k, …) → (k,)


@dataclass(frozen=True)
class Estimate:
    """An answer, how far off it is likely to be, and what it cost.

    Attributes
    ----------
    value : float
    standard_error : float
        Estimated standard deviation of ``value`` over repetitions; NaN where one run of the
        budget cannot tell: where all points hit, or none, it has seen no spread.
    cost : Cost
        ``units`` counts evaluations of the integrand (darts thrown).
    """

    value: float
    standard_error: float
    cost: Cost

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """The normal confidence interval, ``z`` standard errors to each side."""
        half = real_number("z", z, 0.0) * self.standard_error
        return self.value - half, self.value + half


@checked
def darts(n: int, rng: np.random.Generator) -> Estimate:
    """Estimate π by throwing ``n`` darts at the unit square and counting those in the quarter
    circle.

    The variance of one dart is π(4 − π) = 2.697, so the standard error is 1.642 / √n.

    Raises
    ------
    ValueError
        If ``n`` is not a whole number of at least 1.
    """
    start = time.perf_counter()
    n = whole_number("n", n)
    buffer = np.empty((min(n, CHUNK), 2))
    hits = 0
    for size in chunks(n):
        xy = rng.random(out=buffer[:size])
        np.multiply(xy, xy, out=xy)
        hits += int(np.count_nonzero(xy[:, 0] + xy[:, 1] <= 1.0))
    return _fraction(hits, n, 4.0, start)


@checked
def area(
    inside: Function, low: ArrayLike, high: ArrayLike, n: int, rng: np.random.Generator
) -> Estimate:
    """Estimate the area (volume) of a region: the share of a box that random points find in it.

    Parameters
    ----------
    inside : callable
        (k, dim) points → (k,) booleans.
    low, high : array_like, shape (dim,)
        Corners of a box that holds the region.
    n : int
        Number of points.

    Raises
    ------
    ValueError
        If the box is empty or ``n`` is not a whole number of at least 1.
    """
    start = time.perf_counter()
    n = whole_number("n", n)
    corner = finite_array("low", low, ndim=1, least=1)
    opposite = finite_array("high", high, shape=corner.shape)
    if not (corner < opposite).all():
        limits = f"low is {corner.tolist()}, high is {opposite.tolist()}"
        raise ValueError(f"the box is empty: {limits}; each low must be below its high")
    sides = opposite - corner
    hits = 0
    for size in chunks(n):
        points = corner + sides * rng.random((size, len(corner)))
        hits += int(np.count_nonzero(values_of(inside, points, "inside")))
    return _fraction(hits, n, float(np.prod(sides)), start)


def chunks(n: int) -> Iterator[int]:
    """Split ``n`` into pieces of at most ``CHUNK`` (even, so that pairs stay together)."""
    yield from (CHUNK for _ in range(n // CHUNK))
    if n % CHUNK:
        yield n % CHUNK


def values_of(f: Function, points: np.ndarray, name: str = "f") -> np.ndarray:
    """Evaluate a function, and check that it gives one number for each point."""
    values = np.asarray(f(points))
    n = len(points)
    if values.shape != (n,):
        raise ValueError(f"{name} returned shape {values.shape} for {n} points; it must be ({n},)")
    if values.dtype == bool:
        return values
    values = float_array(name, values)
    if missing := np.count_nonzero(np.isnan(values)):
        raise ValueError(f"{name} returned NaN at {missing} of {n} points; all must be numbers")
    return values


def _fraction(hits: int, n: int, volume: float, start: float) -> Estimate:
    p = hits / n
    error = volume * math.sqrt(p * (1 - p) / n) if 0 < hits < n else math.nan
    return Estimate(volume * p, error, spent(n, start))


def spent(units: int, start: float) -> Cost:
    """Return the cost of work that began at ``start``."""
    return Cost(units=units, seconds=time.perf_counter() - start)
