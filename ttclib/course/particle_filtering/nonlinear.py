"""A nonlinear model, and the exact filter that one dimension allows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array
from ttclib.particles.statespace import StateSpaceModel, log_normal, observations_array


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
    NaN observations count as missing.

    Raises
    ------
    ValueError
        If the grid is not evenly spaced, the observations are not numbers in a row, or a state is
        likeliest where the grid ends.
    """
    seen = observations_array(observations)
    if seen.ndim > 1:
        raise ValueError(f"observations has shape {seen.shape}; it must be (T,)")
    points = finite_array("grid", grid, ndim=1)
    size = len(points)
    gaps = np.diff(points)
    rounding = 4 * np.spacing(np.abs(points).max(initial=0.0))  # of a point far from zero
    if size < 2 or gaps[0] <= 0 or not np.allclose(gaps, gaps[0], atol=rounding):
        raise ValueError("grid must be increasing and evenly spaced")
    width = (points[-1] - points[0]) / (size - 1)
    before = np.repeat(points, size)  # with `after`, all pairs of points
    after = np.tile(points, size)
    log_joint = model.log_initial(points)  # of the state and all observations so far
    joints = []
    for t, y in enumerate(seen):
        if t > 0:
            log_moves = model.log_transition(t, before, after).reshape(size, size)
            log_joint = np.logaddexp.reduce(log_joint[:, None] + log_moves) + math.log(width)
        if not np.isnan(y):
            log_joint = log_joint + model.log_observation(t, points, y)
        if log_joint.argmax() in (0, size - 1):
            raise ValueError(f"state {t} is likeliest where the grid ends; the grid must cover it")
        joints.append(log_joint)
    log_evidence = np.logaddexp.reduce(joints, axis=1) + math.log(width)
    return GridFilter(np.exp(np.array(joints) - log_evidence[:, None]), log_evidence)
