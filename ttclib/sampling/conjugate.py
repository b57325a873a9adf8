"""Conjugate normal models: the posterior in closed form.

The truth that a sampler for the mean and spread of a population must reach. A prior is a frozen
record; ``update(data)`` returns the posterior, a record of the same kind. Marginal laws are
``scipy.stats`` distributions (``.pdf``, ``.cdf``, ``.ppf``, ``.rvs(…, random_state=rng)`` …).

Sources: Gelman et al., *Bayesian Data Analysis*, 3rd edition (2013), sections 2.5 and 3.3;
Murphy, *Conjugate Bayesian analysis of the Gaussian distribution* (2007), sections 2 and 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
        data = _data(data)
        n, average = len(data), data.mean()
        kappa = self.kappa + n
        return NormalInverseGamma(
            mean=(self.kappa * self.mean + n * average) / kappa,
            kappa=kappa,
            shape=self.shape + n / 2,
            rate=self.rate
            + ((data - average) ** 2).sum() / 2
            + self.kappa * n * (average - self.mean) ** 2 / (2 * kappa),
        )

    def marginal_mean(self):
        """Law of μ: Student's t with 2·shape degrees of freedom."""
        return _student(2 * self.shape, self.mean, self.rate / (self.shape * self.kappa))

    def marginal_variance(self):
        """Law of σ²: inverse gamma."""
        from scipy import stats

        return stats.invgamma(self.shape, scale=self.rate)

    def predictive(self):
        """Law of one more observation: Student's t, wider than the law of μ."""
        return _student(
            2 * self.shape, self.mean, self.rate * (self.kappa + 1) / (self.shape * self.kappa)
        )

    def log_joint(self, mu: ArrayLike, log_sigma: ArrayLike) -> np.ndarray:
        """Log density of (μ, log σ), normalised; σ is the standard deviation.

        A sampler likes log σ, which has no wall at zero. The change of variable from σ² costs
        the factor 2σ². Arguments broadcast against each other.
        """
        mu, log_sigma = np.asarray(mu, dtype=float), np.asarray(log_sigma, dtype=float)
        log_variance = 2 * log_sigma
        return (
            self._log_constant()
            + math.log(2)
            - (self.shape + 0.5) * log_variance
            - (self.rate + self.kappa * (mu - self.mean) ** 2 / 2) * np.exp(-log_variance)
        )

    def log_evidence(self, data: ArrayLike) -> float:
        """Log of the probability density of all the data, μ and σ² averaged over this belief."""
        posterior = self.update(data)
        n = len(_data(data))
        return self._log_constant() - posterior._log_constant() - n / 2 * math.log(2 * math.pi)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n independent pairs (μ, σ), shape (n, 2)."""
        n = whole_number("n", n)
        sigma = np.sqrt(self.rate / rng.standard_gamma(self.shape, n))
        return np.column_stack(
            [self.mean + sigma / math.sqrt(self.kappa) * rng.standard_normal(n), sigma]
        )

    def _log_constant(self) -> float:
        """Log of what normalises the joint density of (μ, σ²)."""
        a, b = self.shape, self.rate
        return a * math.log(b) - math.lgamma(a) + 0.5 * math.log(self.kappa / (2 * math.pi))


@dataclass(frozen=True)
class NormalKnownVariance:
    """Belief N(mean, sd²) about the mean μ of normal data whose standard deviation is known.

    Parameters
    ----------
    mean, sd : float
        Centre and standard deviation of the belief about μ.
    noise_sd : float
        Known standard deviation of one observation around μ.

    Raises
    ------
    ValueError
        If ``mean`` is not finite or a standard deviation not positive.
    """

    mean: float
    sd: float
    noise_sd: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", real_number("mean", self.mean))
        for name in ("sd", "noise_sd"):
            object.__setattr__(self, name, positive(name, getattr(self, name)))

    def update(self, data: ArrayLike) -> NormalKnownVariance:
        """Return the posterior after data of shape (n,): precisions add up (BDA3 section 2.5)."""
        data = _data(data)
        prior, likelihood = self.sd**-2, len(data) * self.noise_sd**-2
        precision = prior + likelihood
        mean = (prior * self.mean + likelihood * data.mean()) / precision
        return NormalKnownVariance(mean, precision**-0.5, self.noise_sd)

    def marginal_mean(self):
        """Law of μ: normal."""
        from scipy import stats

        return stats.norm(self.mean, self.sd)

    def predictive(self):
        """Law of one more observation: normal, the two variances added."""
        from scipy import stats

        return stats.norm(self.mean, math.hypot(self.sd, self.noise_sd))

    def log_evidence(self, data: ArrayLike) -> float:
        """Log of the probability density of all the data, μ averaged over this belief.

        Prior × likelihood / posterior is the evidence, at any μ: here at the posterior's mean.
        """
        from scipy import stats

        data = _data(data)
        posterior = self.update(data)
        mu = posterior.mean
        likelihood = stats.norm.logpdf(data, mu, self.noise_sd).sum()
        return float(
            self.marginal_mean().logpdf(mu) + likelihood - posterior.marginal_mean().logpdf(mu)
        )


def _student(df: float, centre: float, squared_scale: float):
    from scipy import stats

    return stats.t(df, centre, math.sqrt(squared_scale))


def _data(data: ArrayLike) -> np.ndarray:
    data = finite_array("data", data, ndim=1)
    if not len(data):
        raise ValueError("data is empty; one observation is the least")
    return data
