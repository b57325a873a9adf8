"""Checks of notebook 03: the right answer passes, and each slip is told what it is."""

import functools
import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.bayesian_estimation import checks
from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma


def around(z, width):
    return lambda d: d.mean() + np.array([-z, z]) * width(d)


def ends(low, high, **how):
    return lambda d: tuple(np.quantile(d, [low, high], **how))


RIGHT_INTERVALS = [ends(0.05, 0.95, method=method) for method in ("linear", "lower", "hazen")]
INTERVALS = {
    "holds 95%": ends(0.025, 0.975),
    "holds 80%": ends(0.1, 0.9),
    "from 0 to 100": lambda d: np.percentile(d, [0.05, 0.95]),
    "holds all draws": lambda d: (d.min(), d.max()),
    "skewed": around(1.645, np.std),
    "knows the mean": around(1.96, lambda d: np.std(d) / math.sqrt(len(d))),
    "the variance": around(1.96, np.var),
    "comes first": ends(0.95, 0.05),
    "two numbers": np.median,
    "expected about": lambda d: (1.0, 2.0),
}


def posterior(
    mu, log_sigma, x, jacobian=1, n=None, scale=2, power=2, total=np.sum, of_mu=1, sd=20, rate=0.1
):
    """Log posterior of exercise 2, with a knob for each slip."""
    sigma = np.exp(log_sigma)
    log_prior = -of_mu * (mu - 170) ** 2 / (2 * sd**2) - rate * sigma
    misfit = total((x - mu) ** 2) / (scale * sigma**power)
    log_likelihood = -(len(x) if n is None else n) * log_sigma - misfit
    return log_prior + log_likelihood + jacobian * log_sigma


def log_as_sd(mu, log_sigma, x):
    """Log σ taken for σ, under the squares and in the prior."""
    squares = ((x - mu) ** 2).sum() / (2 * log_sigma**2)
    return -((mu - 170) ** 2) / 800 - log_sigma / 10 - (len(x) - 1) * log_sigma - squares


RIGHT_POSTERIORS = [lambda mu, s, x, c=c: posterior(mu, s, x) + c for c in (0.0, 17.0)]
KNOBS = {
    "change of variable is missing": {"jacobian": 0},
    "add log σ once": {"jacobian": 2},
    "wrong sign": {"jacobian": -1},
    "brings its own": {"n": 1},
    "height of the normal density": {"n": 0},
    "in place of the variance": {"power": 1},
    "½ is missing": {"scale": 1},
    "took their mean": {"total": np.mean},
    "prior of σ is missing": {"rate": 0},
    "not −10 σ": {"rate": 10},
    "prior of μ is missing": {"of_mu": 0},
    "both priors": {"of_mu": 0, "rate": 0},
    "divide by 2 · 20²": {"sd": math.sqrt(20)},
    "it should change by": {"rate": 0.2},
}
POSTERIORS = [
    *((functools.partial(posterior, **knobs), words) for words, knobs in KNOBS.items()),
    (lambda mu, s, x: -posterior(mu, s, x), "sign is turned"),
    (lambda mu, s, x: posterior(mu, np.log(s), x), "the second argument is log σ"),
    (log_as_sd, "the second argument is log σ"),
]


def forecaster(person):
    """An answer of exercise 3 from exact draws; ``person(mu, sigma, rng)`` makes people."""

    def answer(x, threshold, rng):
        mu, sigma = NormalInverseGamma(170, 0.5, 1.5, 96).update(x).sample(5000, rng).T
        return np.mean(person(mu, sigma, rng) > threshold)

    return answer


right_chance = forecaster(lambda mu, sigma, rng: rng.normal(mu, sigma))
CHANCES = {
    "the mean μ is above": forecaster(lambda mu, sigma, rng: mu),
    "not log_sigma": forecaster(lambda mu, sigma, rng: rng.normal(mu, np.log(sigma))),
    "one average μ and σ": forecaster(
        lambda mu, sigma, rng: rng.normal(mu.mean(), sigma.mean(), 5000)
    ),
    "not σ²": forecaster(lambda mu, sigma, rng: rng.normal(mu, sigma**2)),
    "below the threshold": lambda x, t, rng: 1 - right_chance(x, t, rng),
    "plug-in": lambda x, t, rng: np.mean(rng.normal(x.mean(), x.std(ddof=1), 5000) > t),
    "between 0 and 1": lambda x, t, rng: 17.0,
    "same number": lambda x, t, rng: 0.086,
    "on average over 8 runs": lambda x, t, rng: 0.2,
}

RIGHT = [
    *((checks.interval, answer) for answer in RIGHT_INTERVALS),
    *((checks.log_posterior, answer) for answer in RIGHT_POSTERIORS),
    (checks.chance_above, right_chance),
]
WRONG = [
    *((checks.interval, answer, words) for words, answer in INTERVALS.items()),
    *((checks.log_posterior, answer, words) for answer, words in POSTERIORS),
    *((checks.chance_above, answer, words) for words, answer in CHANCES.items()),
]
