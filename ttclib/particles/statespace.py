"""State-space models: a hidden state moves, and noisy observations of it arrive.

A model knows four densities or samplers; :class:`Bootstrap` and :class:`Guided` turn it, with its
observations, into what the loop of :mod:`ttclib.particles.smc` asks for. States have shape (n,) in
one dimension and (n, d) in d; time starts at 0, where the first state is observed.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import covariance, finite_array, positive, real_number, whole_number
from ttclib.particles.smc import FeynmanKac


def observations_array(observations: ArrayLike) -> np.ndarray:
    """Return observations as a float64 array with time on the first axis; NaN marks a missing one.

    Raises
    ------
    ValueError
        If there is none, or one is infinite.
    """
    array = np.asarray(observations, dtype=float)
    if array.ndim == 0 or len(array) == 0:
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
    """A linear-Gaussian model: xₜ = A xₜ₋₁ + N(0, Q), yₜ = H xₜ + N(0, R), x₀ ~ N(m, P).

    Give numbers for a one-dimensional model (states (n,)), arrays for a vector one (states (n, d)).
    The Kalman filter of :mod:`ttclib.particles.kalman` is exact for it.

    Raises
    ------
    ValueError
        If shapes do not fit or a covariance is singular.
    """

    transition: float | np.ndarray = 0.9
    transition_cov: float | np.ndarray = 1.0
    observation: float | np.ndarray = 1.0
    observation_cov: float | np.ndarray = 1.0
    initial_mean: float | np.ndarray = 0.0
    initial_cov: float | np.ndarray = 1.0

    def __post_init__(self):
        if self.scalar:
            for name in ("transition", "observation", "initial_mean"):
                real_number(name, getattr(self, name))
            for name in ("transition_cov", "observation_cov", "initial_cov"):
                positive(name, getattr(self, name))
            return
        d = len(finite_array("initial_mean", self.initial_mean, ndim=1))
        finite_array("transition", self.transition, shape=(d, d))
        k = len(finite_array("observation", self.observation, shape=(None, d)))
        covariance("transition_cov", self.transition_cov, d)
        covariance("initial_cov", self.initial_cov, d)
        covariance("observation_cov", self.observation_cov, k)

    @functools.cached_property
    def scalar(self) -> bool:
        """Whether states are numbers."""
        return np.ndim(self.initial_mean) == 0

    def sample_initial(self, n, rng):  # noqa: D102
        return self.initial_mean + self._noise(self.initial_cov, n, rng)

    def sample_transition(self, t, x, rng):  # noqa: D102
        moved = self._noise(self.transition_cov, len(x), rng)
        moved += self._times(self.transition, x)
        return moved

    def sample_observation(self, t, x, rng):  # noqa: D102
        return self._times(self.observation, x) + self._noise(self.observation_cov, len(x), rng)

    def log_observation(self, t, x, y):  # noqa: D102
        return self._log_density(self._times(self.observation, x) - y, self.observation_cov)

    def log_transition(self, t, previous, x):  # noqa: D102
        return self._log_density(self._times(self.transition, previous) - x, self.transition_cov)

    def log_initial(self, x):  # noqa: D102
        return self._log_density(self.initial_mean - x, self.initial_cov)

    def _times(self, matrix, x):
        if self.scalar:
            return x if matrix == 1 else x * matrix  # most models observe the state itself
        return x @ np.asarray(matrix).T

    def _noise(self, cov, n, rng):
        if self.scalar:
            noise = rng.standard_normal(n)
            noise *= math.sqrt(cov)
            return noise
        root = np.linalg.cholesky(cov)
        return rng.standard_normal((n, len(root))) @ root.T

    def _log_density(self, z, cov):
        """Log density of N(0, cov) at z, which is overwritten."""
        if self.scalar:
            z *= z  # in place: a new array costs more than the arithmetic on it
            z *= -0.5 / cov
            z -= 0.5 * math.log(2 * math.pi * cov)
            return z
        root = np.linalg.cholesky(cov)
        z = np.linalg.solve(root, np.atleast_2d(z).T)
        return (
            -0.5 * (z * z).sum(axis=0)
            - np.log(np.diag(root)).sum()
            - 0.5 * len(root) * math.log(2 * math.pi)
        )


class Bootstrap(FeynmanKac):
    """The bootstrap filter: propose from the model's own dynamics, weigh by the observation.

    Parameters
    ----------
    model : StateSpaceModel
    observations : array_like, shape (T,) or (T, k)
        NaN marks a missing one, which weighs nothing.
    """

    def __init__(self, model: StateSpaceModel, observations: ArrayLike):
        self.model = model
        self.observations = observations_array(observations)
        self.missing = np.isnan(self.observations.reshape(len(self.observations), -1)).any(axis=1)

    def init(self, n, rng):  # noqa: D102
        return self.model.sample_initial(n, rng)

    def step(self, t, parents, rng):  # noqa: D102
        return self.model.sample_transition(t, parents, rng)

    def log_potential(self, t, parents, particles):  # noqa: D102
        if self.missing[t]:
            return np.zeros(len(particles))
        return self.model.log_observation(t, particles, self.observations[t])

    def done(self, t, particles):  # noqa: D102
        return t + 1 >= len(self.observations)


class Guided(Bootstrap):
    """The guided filter: look at the observation first, and correct for having looked.

    The weight of a particle is observation density · transition density / proposal density
    (Doucet, Godsill, Andrieu 2000, eq. 7). One-dimensional linear-Gaussian models only.

    Raises
    ------
    ValueError
        If the model is another one, or an observation is missing.
    """

    model: LinearGaussian

    def __init__(self, model: LinearGaussian, observations: ArrayLike):
        super().__init__(model, observations)
        if not getattr(model, "scalar", False):
            raise ValueError("model must be a one-dimensional LinearGaussian")
        finite_array("observations", self.observations)

    def proposal(self, t: int, parents: np.ndarray | None) -> tuple[np.ndarray, float]:
        """Mean and standard deviation of xₜ given xₜ₋₁ *and* yₜ: the locally optimal proposal.

        Bayes' rule for two normal densities (Doucet, Godsill, Andrieu 2000, §II-D).
        """
        model = self.model
        mean = np.asarray(model.initial_mean if parents is None else model.transition * parents)
        cov = float(model.initial_cov if parents is None else model.transition_cov)
        h = float(model.observation)
        gain = cov * h / (h * h * cov + float(model.observation_cov))
        return mean + gain * (self.observations[t] - h * mean), math.sqrt(cov * (1 - gain * h))

    def init(self, n, rng):  # noqa: D102
        mean, sd = self.proposal(0, None)
        return mean + sd * rng.standard_normal(n)

    def step(self, t, parents, rng):  # noqa: D102
        mean, sd = self.proposal(t, parents)
        return mean + sd * rng.standard_normal(len(parents))

    def log_potential(self, t, parents, particles):  # noqa: D102
        model = self.model
        seen = model.log_observation(t, particles, self.observations[t])
        if parents is None:
            moved = model.log_initial(particles)
        else:
            moved = model.log_transition(t, parents, particles)
        return seen + moved - log_normal(particles, *self.proposal(t, parents))
