"""A filter that looks at the measurement before it proposes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ttclib.particles.statespace import Bootstrap, LinearGaussian, log_normal


class Guided(Bootstrap):
    """The guided filter: look at the observation first, and correct for having looked.

    The weight of a particle is observation density · transition density / proposal density
    (Doucet, Godsill, Andrieu 2000, eq. 7). With the proposal below that is p(yₜ | xₜ₋₁), wherever
    the particle landed. A missing observation weighs nothing. Linear-Gaussian models only.

    Raises
    ------
    ValueError
        If the model is another one.
    """

    model: LinearGaussian

    def __init__(self, model: LinearGaussian, observations: ArrayLike):
        super().__init__(model, observations)
        if not isinstance(model, LinearGaussian):
            raise ValueError(f"model is a {type(model).__name__}; it must be a LinearGaussian")

    def predicted(self, parents: np.ndarray | None) -> tuple[np.ndarray, float]:
        """Mean and variance of xₜ given xₜ₋₁ alone."""
        model = self.model
        if parents is None:
            return np.asarray(model.initial_mean), model.initial_cov
        return model.transition * parents, model.transition_cov

    def proposal(self, t: int, parents: np.ndarray | None) -> tuple[np.ndarray, float]:
        """Mean and standard deviation of xₜ given xₜ₋₁ *and* yₜ: the locally optimal proposal.

        Bayes' rule for two normal densities (Doucet, Godsill, Andrieu 2000, §II-D).
        """
        mean, cov = self.predicted(parents)
        if self.missing[t]:
            return mean, math.sqrt(cov)
        h = self.model.observation
        r = self.model.observation_cov
        s = h * h * cov + r
        return mean + cov * h / s * (self.observations[t] - h * mean), math.sqrt(cov * (r / s))

    def init(self, n, rng):
        mean, sd = self.proposal(0, None)
        return mean + sd * rng.standard_normal(n)

    def step(self, t, parents, rng):
        mean, sd = self.proposal(t, parents)
        return mean + sd * rng.standard_normal(len(parents))

    def log_potential(self, t, parents, particles):
        if self.missing[t]:
            return np.zeros(len(particles))
        mean, cov = self.predicted(parents)
        h = self.model.observation
        sd = math.sqrt(h * h * cov + self.model.observation_cov)
        return np.full(len(particles), log_normal(self.observations[t], h * mean, sd))
