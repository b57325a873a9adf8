"""A nonlinear model, and the exact filter that one dimension allows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array
from ttclib.particles.statespace import StateSpaceModel, log_normal


class NonlinearBenchmark(StateSpaceModel):
    """The growth model that particle filters were born on: nonlinear, blind to the state's sign.

    xₜ = xₜ₋₁/2 + 25 xₜ₋₁/(1 + xₜ₋₁²) + 8 cos(1.2 t) + N(0, 10), yₜ = xₜ²/20 + N(0, 1), x₀ ~ N(0, 5)
    (Kitagawa 1987; Gordon, Salmond, Smith 1993).
    """

    initial_sd = math.sqrt(5.0)
    transition_sd = math.sqrt(10.0)

    @staticmethod
    def drift(t: int, x: np.ndarray) -> np.ndarray:
        """Where the state goes without noise."""
        return x / 2 + 25 * x / (1 + x * x) + 8 * math.cos(1.2 * t)

    def sample_initial(self, n, rng):
        return self.initial_sd * rng.standard_normal(n)

    def log_initial(self, x):
        return log_normal(x, 0.0, self.initial_sd)

    def sample_transition(self, t, x, rng):
        return self.drift(t, x) + self.transition_sd * rng.standard_normal(len(x))

    def sample_observation(self, t, x, rng):
        return x * x / 20 + rng.standard_normal(len(x))

    def log_observation(self, t, x, y):
        return log_normal(y, x * x / 20, 1.0)

    def log_transition(self, t, previous, x):
        return log_normal(x, self.drift(t, previous), self.transition_sd)


class GridFilter(NamedTuple):
    """Filtering densities (T, K) on a grid of K points, and log p(y₀ … yₜ), shape (T,)."""

    density: np.ndarray
    log_evidence: np.ndarray


def grid_filter(model: StateSpaceModel, observations: ArrayLike, grid: ArrayLike) -> GridFilter:
    """Filter any one-dimensional model by the forward algorithm on a fine grid.

    Exact up to the grid, which must be evenly spaced, cover the states and be finer than every
    density in the model. It costs T · K² densities: fine in one dimension, hopeless in five.

    Raises
    ------
    ValueError
        If the grid is not evenly spaced.
    """
    points = finite_array("grid", grid, ndim=1)
    size = len(points)
    gaps = np.diff(points)
    if size < 2 or gaps[0] <= 0 or not np.allclose(gaps, gaps[0]):
        raise ValueError("grid must be increasing and evenly spaced")
    width = gaps[0]
    before = np.repeat(points, size)  # with `after`, all pairs of points
    after = np.tile(points, size)
    density = np.exp(model.log_initial(points))
    densities = []
    evidence = []  # p(yₜ | y₀ … yₜ₋₁)
    for t, y in enumerate(np.asarray(observations, dtype=float)):
        if t > 0:
            moves = np.exp(model.log_transition(t, before, after)).reshape(size, size)
            density = density @ moves * width
        density = density * np.exp(model.log_observation(t, points, y))
        evidence.append(density.sum() * width)
        density = density / evidence[t]
        densities.append(density)
    return GridFilter(np.array(densities), np.log(evidence).cumsum())
