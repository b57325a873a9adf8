"""A conjugate normal model: the posterior in closed form.

The truth that a sampler for the mean and spread of a population must reach. A prior is a frozen
record; ``update(data)`` returns the posterior, a record of the same kind. Marginals are
``scipy.stats`` distributions (``.pdf``, ``.cdf``, ``.ppf``, ``.rvs(…, random_state=rng)`` …).

Sources: Gelman et al., *Bayesian Data Analysis*, 3rd edition (2013), section 3.3; Murphy,
*Conjugate Bayesian analysis of the Gaussian distribution* (2007), section 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, positive, real_number, whole_number


@dataclass(frozen=True)
class NormalInverseGamma:
    """Belief about the mean μ and the variance σ² of normal data, both unknown.

    σ² ~ InverseGamma(shape, rate) and μ | σ² ~ N(mean, σ² / kappa).

    Parameters
    ----------
    mean : float
        Centre of the belief about μ, in the units of the data.
    kappa : float
        How many observations that belief is worth: the precision scale of μ.
    shape : float
        Half the number of observations the belief about σ² is worth.
    rate : float
        ``shape`` times the variance they would have had, in squared units. (BDA3's ν₀ and σ₀²
        are 2·shape and rate/shape.)

    Raises
    ------
    ValueError
        If ``mean`` is not finite or one of the others not positive.
    """

    mean: float
    kappa: float
    shape: float
    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", real_number("mean", self.mean))
        for name in ("kappa", "shape", "rate"):
            object.__setattr__(self, name, positive(name, getattr(self, name)))

    def update(self, data: ArrayLike) -> NormalInverseGamma:
        """Return the posterior after seeing data of shape (n,) (BDA3 section 3.3)."""
        values = finite_array("data", data, ndim=1)
        if not values.size:
            raise ValueError("data is empty; one observation is the least")
        n = len(values)
        average = values.mean()
        kappa = self.kappa + n
        within = ((values - average) ** 2).sum()
        between = self.kappa * n / kappa * (average - self.mean) ** 2
        return NormalInverseGamma(
            mean=(self.kappa * self.mean + n * average) / kappa,
            kappa=kappa,
            shape=self.shape + n / 2,
            rate=self.rate + (within + between) / 2,
        )

    def marginal_mean(self) -> Any:
        """Distribution of μ: Student's t with 2·shape degrees of freedom."""
        return self._student(self.rate / (self.shape * self.kappa))

    def marginal_variance(self) -> Any:
        """Distribution of σ²: inverse gamma."""
        from scipy import stats

        return stats.invgamma(self.shape, scale=self.rate)

    def predictive(self) -> Any:
        """Distribution of one more observation: Student's t, wider than that of μ."""
        return self._student(self.rate * (self.kappa + 1) / (self.shape * self.kappa))

    def log_joint(self, mu: ArrayLike, log_sigma: ArrayLike) -> np.ndarray:
        """Log density of (μ, log σ), normalised; σ is the standard deviation.

        A sampler likes log σ, which has no wall at zero. The change of variable from σ² costs
        the factor 2σ². Arguments broadcast against each other.
        """
        log_variance = 2 * np.asarray(log_sigma, dtype=float)
        distance = np.asarray(mu, dtype=float) - self.mean
        return (
            self._log_constant()
            + math.log(2)
            - (self.shape + 0.5) * log_variance
            - (self.rate + self.kappa * distance**2 / 2) * np.exp(-log_variance)
        )

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n independent pairs (μ, σ), shape (n, 2)."""
        n = whole_number("n", n)
        sigma = np.sqrt(self.rate / rng.standard_gamma(self.shape, n))
        mu = self.mean + sigma / math.sqrt(self.kappa) * rng.standard_normal(n)
        return np.column_stack([mu, sigma])

    def _log_constant(self) -> float:
        """Log of what normalises the joint density of (μ, σ²)."""
        of_variance = self.shape * math.log(self.rate) - math.lgamma(self.shape)
        return of_variance + 0.5 * math.log(self.kappa / (2 * math.pi))

    def _student(self, squared_scale: float) -> Any:
        from scipy import stats

        return stats.t(2 * self.shape, self.mean, math.sqrt(squared_scale))
