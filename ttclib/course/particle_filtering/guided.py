"""A filter that looks at the measurement before it proposes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array
from ttclib.particles.statespace import Bootstrap, LinearGaussian, log_normal


class Guided(Bootstrap):
    """The guided filter: look at the observation first, and correct for having looked.

    The weight of a particle is observation density · transition density / proposal density
    (Doucet, Godsill, Andrieu 2000, eq. 7). Linear-Gaussian models only.

    Raises
    ------
    ValueError
        If the model is another one, or an observation is missing.
    """

    model: LinearGaussian

    def __init__(self, model: LinearGaussian, observations: ArrayLike):
        super().__init__(model, observations)
        if not isinstance(model, LinearGaussian):
            raise ValueError(f"model is a {type(model).__name__}; it must be a LinearGaussian")
        finite_array("observations", self.observations)

    def proposal(self, t: int, parents: np.ndarray | None) -> tuple[np.ndarray, float]:
        """Mean and standard deviation of xₜ given xₜ₋₁ *and* yₜ: the locally optimal proposal.

        Bayes' rule for two normal densities (Doucet, Godsill, Andrieu 2000, §II-D).
        """
        model = self.model
        mean = np.asarray(model.initial_mean if parents is None else model.transition * parents)
        cov = model.initial_cov if parents is None else model.transition_cov
        h = model.observation
        gain = cov * h / (h * h * cov + model.observation_cov)
        return mean + gain * (self.observations[t] - h * mean), math.sqrt(cov * (1 - gain * h))

    def init(self, n, rng):
        mean, sd = self.proposal(0, None)
        return mean + sd * rng.standard_normal(n)

    def step(self, t, parents, rng):
        mean, sd = self.proposal(t, parents)
        return mean + sd * rng.standard_normal(len(parents))

    def log_potential(self, t, parents, particles):
        model = self.model
        seen = model.log_observation(t, particles, self.observations[t])
        if parents is None:
            moved = model.log_initial(particles)
        else:
            moved = model.log_transition(t, parents, particles)
        return seen + moved - log_normal(particles, *self.proposal(t, parents))
