"""State-space models: a hidden state moves, and noisy observations of it arrive.

A model knows a few densities and samplers; :class:`Bootstrap` turns it, with its observations, into
what the loop of :mod:`ttclib.particles.smc` asks for. States have shape (n,) in one dimension and
(n, d) in d; time starts at 0, where the first state is observed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import checked, float_array, positive, real_number, whole_number
from ttclib.particles.smc import FeynmanKac


def observations_array(observations: ArrayLike) -> np.ndarray:
    """Return observations as a float64 array with time on the first axis; NaN marks a missing one.

    Raises
    ------
    ValueError
        If there is none, or one is infinite.
    """
    array = float_array("observations", observations)
    if array.ndim == 0 or not array.size:
        raise ValueError("observations is empty; it must hold at least one")
    if np.isinf(array).any():
        raise ValueError(
            "observations holds infinite values; they must be finite, or NaN where missing"
        )
    return array


def log_normal(x: Any, mean: Any, sd: float) -> Any:
    """Log density of N(mean, sd²) at x; arrays broadcast."""
    z = (x - mean) / sd
    return -0.5 * z * z - (math.log(sd) + 0.5 * math.log(2 * math.pi))


class StateSpaceModel:
    """What a state-space model must know."""

    def sample_initial(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n states at time 0."""
        raise NotImplementedError

    def sample_transition(self, t: int, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the states at time t given the states ``x`` at time t − 1."""
        raise NotImplementedError

    def log_observation(self, t: int, x: np.ndarray, y: Any) -> np.ndarray:
        """Log density of observing y at time t in each of the states ``x``."""
        raise NotImplementedError

    def log_initial(self, x: np.ndarray) -> np.ndarray:
        """Log density of the state at time 0; needed by guided proposals and the grid filter."""
        raise NotImplementedError

    def log_transition(self, t: int, previous: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Log density of moving from ``previous`` to ``x``; for guided proposals and smoothers."""
        raise NotImplementedError

    def sample_observation(self, t: int, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw an observation at time t in each of the states ``x``."""
        raise NotImplementedError

    @checked
    def simulate(self, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw hidden states and observations, each with time on the first axis."""
        states = []
        observations = []
        x = self.sample_initial(1, rng)
        for t in range(whole_number("length", length)):
            x = x if t == 0 else self.sample_transition(t, x, rng)
            states.append(x[0])
            observations.append(self.sample_observation(t, x, rng)[0])
        return np.array(states), np.array(observations)


@dataclass(frozen=True)
class LinearGaussian(StateSpaceModel):
    """A linear-Gaussian model of numbers: xₜ = a xₜ₋₁ + N(0, q), yₜ = h xₜ + N(0, r), x₀ ~ N(m, p).

    The fields are a, q, h, r, m, p; those named ``cov`` are variances, above zero. The Kalman
    filter of :mod:`ttclib.course.particle_filtering.kalman` is exact for it.

    Raises
    ------
    ValueError
        If a field is not a finite number, or a variance is not above zero.
    """

    transition: float = 0.9
    transition_cov: float = 1.0
    observation: float = 1.0
    observation_cov: float = 1.0
    initial_mean: float = 0.0
    initial_cov: float = 1.0

    def __post_init__(self):
        for name, value in vars(self).items():
            check = positive if name.endswith("_cov") else real_number
            object.__setattr__(self, name, check(name, value))

    def sample_initial(self, n, rng):
        return self.initial_mean + _noise(self.initial_cov, n, rng)

    def sample_transition(self, t, x, rng):
        moved = _noise(self.transition_cov, len(x), rng)
        moved += _times(self.transition, x)
        return moved

    def sample_observation(self, t, x, rng):
        return _times(self.observation, x) + _noise(self.observation_cov, len(x), rng)

    def log_observation(self, t, x, y):
        return _log_density(_times(self.observation, x) - y, self.observation_cov)

    def log_transition(self, t, previous, x):
        return _log_density(_times(self.transition, previous) - x, self.transition_cov)

    def log_initial(self, x):
        return _log_density(self.initial_mean - x, self.initial_cov)


def _times(factor: float, x: np.ndarray) -> np.ndarray:
    return x if factor == 1 else x * factor  # most models observe the state itself


def _noise(cov: float, n: int, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(n)
    noise *= math.sqrt(cov)
    return noise


def _log_density(z: np.ndarray, cov: float) -> np.ndarray:
    """Log density of N(0, cov) at z, which is overwritten."""
    z *= z  # in place: a new array costs more than the arithmetic on it
    z *= -0.5 / cov
    z -= 0.5 * math.log(2 * math.pi * cov)
    return z


class Bootstrap(FeynmanKac):
    """The bootstrap filter: propose from the model's own dynamics, weigh by the observation.

    Parameters
    ----------
    model : StateSpaceModel
    observations : array_like, shape (T,) or (T, k)
        NaN marks a missing one, which weighs nothing.
    """

    @checked
    def __init__(self, model: StateSpaceModel, observations: ArrayLike):
        self.model = model
        self.observations = observations_array(observations)
        self.missing = np.isnan(self.observations.reshape(len(self.observations), -1)).any(axis=1)

    def init(self, n, rng):
        return self.model.sample_initial(n, rng)

    def step(self, t, parents, rng):
        return self.model.sample_transition(t, parents, rng)

    def log_potential(self, t, parents, particles):
        if self.missing[t]:
            return np.zeros(len(particles))
        return self.model.log_observation(t, particles, self.observations[t])

    def done(self, t, particles):
        return t + 1 >= len(self.observations)
