"""Checks of notebook 03: credible intervals, log posteriors, forecasts."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.exercise import close, exercise, expect, mistake


@exercise
def interval(yours):
    """``yours(draws)`` → ends of the central interval that holds 90% of the draws (n,)."""
    draws = np.random.default_rng(3).lognormal(2.0, 0.6, 5000)
    mean = draws.mean()
    sd = draws.std()
    got = np.asarray(yours(draws.copy()), dtype=float)
    expect(
        got.shape == (2,),
        f"return two numbers, the lower and the upper end; yours has shape {got.shape}",
    )

    def says(low, high):
        return close(got, [low, high], rtol=0.01)

    def around(width):
        return any(says(mean - z * width, mean + z * width) for z in (1.645, 1.96))

    if says(*np.quantile(draws, [0.025, 0.975])):
        mistake("2.5% are left out at each end: that interval holds 95%")
    if says(*np.quantile(draws, [0.1, 0.9])):
        mistake("10% are left out at each end: that interval holds 80%")
    if says(*np.quantile(draws, [0.0005, 0.0095])) or says(*np.quantile(draws, [0.00025, 0.00975])):
        mistake("np.percentile counts from 0 to 100, np.quantile from 0 to 1")
    if says(draws.min(), draws.max()):
        mistake("that holds all draws: leave out 5% at each end")
    if around(sd):
        mistake(
            "mean ± z · sd suits a normal distribution only; "
            "these draws are skewed: count them off instead"
        )
    if around(sd / math.sqrt(5000)):
        mistake("sd / √n says how well the chain knows the mean, not how wide the belief is")
    if around(sd**2):
        mistake(
            "that is z times the variance; "
            "and even with the sd, it would suit a normal distribution only"
        )
    expect(got[0] < got[1], "the lower end comes first")
    low, high = np.quantile(draws, [0.05, 0.95])
    expect(
        says(low, high), f"expected about {low:.2f} to {high:.2f}, got {got[0]:.2f} to {got[1]:.2f}"
    )
    return "no formula for the distribution is needed: sort the draws and cut off 5% at each end"


def _right(mu, log_sigma, x):
    """Log posterior of exercise 2: μ ~ N(170, 20²), σ exponential with mean 10, in (μ, log σ)."""
    sigma = math.exp(log_sigma)
    prior = -((mu - 170) ** 2) / (2 * 20**2) - sigma / 10
    return prior - len(x) * log_sigma - ((x - mu) ** 2).sum() / (2 * sigma**2) + log_sigma


def _misfit(mu, log_sigma, x):
    return ((x - mu) ** 2).sum() / (2 * math.exp(2 * log_sigma))


def _log_as_sd(mu, log_sigma, x):
    """The slip of taking log σ for σ where σ itself is needed."""
    squares = ((x - mu) ** 2).sum() / (2 * log_sigma**2)
    return -((mu - 170) ** 2) / 800 - log_sigma / 10 - (len(x) - 1) * log_sigma - squares


def _log_as_sd_twice(mu, log_sigma, x):
    """The same slip everywhere: the density as a function of σ, with log σ put in."""
    return _right(mu, math.log(log_sigma), x)


# why an answer is wrong, and what it then adds to the right one
_SLIPS = {
    "the change of variable is missing: σ = exp(log σ), so add log σ": lambda m, s, x: -s,
    "2 log σ belongs to a prior on σ²; this prior is on σ, so add log σ once": lambda m, s, x: s,
    "the change of variable has the wrong sign: add log σ, do not subtract it": (
        lambda m, s, x: -2 * s
    ),
    "each measurement brings its own −log σ: len(x) of them in all": (
        lambda m, s, x: (len(x) - 1) * s
    ),
    "−log σ, the height of the normal density, is missing for each measurement": (
        lambda m, s, x: len(x) * s
    ),
    "divide the squares by 2σ²: it looks as if you divided by 2σ, the sd in place of the "
    "variance": lambda m, s, x: (1 - math.exp(s)) * _misfit(m, s, x),
    "½ is missing: the exponent of a normal density is −(x − μ)² / (2σ²)": (
        lambda m, s, x: -_misfit(m, s, x)
    ),
    "add up the squares over the measurements; you took their mean, as if only one counted": (
        lambda m, s, x: (1 - 1 / len(x)) * _misfit(m, s, x)
    ),
    "the prior of σ is missing: its log density is −σ / 10": lambda m, s, x: math.exp(s) / 10,
    "the exponential distribution has mean 10: −σ / 10, not −10 σ": (
        lambda m, s, x: math.exp(s) / 10 - 10 * math.exp(s)
    ),
    "the prior of μ is missing: N(170, 20²)": lambda m, s, x: (m - 170) ** 2 / 800,
    "both priors are missing: that is the likelihood, times the change of variable": (
        lambda m, s, x: (m - 170) ** 2 / 800 + math.exp(s) / 10
    ),
    "20 is the standard deviation of the prior of μ: divide by 2 · 20²": (
        lambda m, s, x: (m - 170) ** 2 / 800 - (m - 170) ** 2 / 40
    ),
    "the sign is turned: a log density is high where belief is high": (
        lambda m, s, x: -2 * _right(m, s, x)
    ),
}


@exercise
def log_posterior(yours):
    """``yours(mu, log_sigma, x)`` → log posterior density of (μ, log σ), up to a constant."""
    x = np.array([171.0, 164.0, 183.0, 176.0])
    points = [(172.0, 2.0), (168.0, 1.5), (181.0, 2.5), (175.0, 3.1), (160.0, 1.1)]

    def differences(f):  # a constant does not matter
        values = np.array([np.squeeze(f(mu, s, x)) for mu, s in points], dtype=float)
        return values[1:] - values[0]

    got = differences(yours)
    right = differences(_right)
    if close(got, right):
        return "no formula knows this posterior; your Metropolis does"
    for line, slip in _SLIPS.items():
        if close(got, right + differences(slip)):
            mistake(line)
    if any(close(got, differences(f)) for f in (_log_as_sd, _log_as_sd_twice)):
        mistake("the second argument is log σ: start with sigma = np.exp(log_sigma)")
    mistake(
        f"between {points[0]} and {points[1]} it should change by {right[0]:.2f}, "
        f"yours by {got[0]:.2f}; add up log prior of μ, log prior of σ, log likelihood, and log σ"
    )


@exercise
def chance_above(yours):
    """``yours(x, threshold, rng)`` → predictive probability, with the notebook's prior."""
    x = np.array([171.0, 176.0])
    threshold = 185.0
    posterior = NormalInverseGamma(mean=170, kappa=0.5, shape=1.5, rate=96).update(x)
    exact = posterior.predictive().sf(threshold)  # 0.086
    runs = np.array([float(yours(x.copy(), threshold, np.random.default_rng(k))) for k in range(8)])
    got = runs.mean()
    expect(0 <= got <= 1, f"a probability lies between 0 and 1; yours is {got:.3g}")
    mu, sigma = posterior.sample(200_000, np.random.default_rng(0)).T
    only_mean = np.mean(mu > threshold)  # 0.017
    averages = stats.norm.sf(threshold, mu.mean(), sigma.mean())  # 0.058
    variance = np.mean(stats.norm.sf((threshold - mu) / sigma**2))  # 0.39
    plug_in = stats.norm.sf(threshold, x.mean(), x.std(ddof=1))  # 0.0005
    if abs(got - (1 - exact)) < 0.015:
        mistake("that is the chance of staying below the threshold")
    if got < 0.006:
        mistake(
            "that is the plug-in distribution of two measurements: "
            "draw μ and σ from their posterior instead"
        )
    if abs(got - only_mean) < 0.011:
        mistake(
            "that is about the chance that the mean μ is above; a person scatters around μ with "
            "sd exp(log_sigma), not log_sigma"
        )
    if abs(got - averages) < 0.011:
        mistake("one average μ and σ for all: let every draw of the chain make its own person")
    if abs(got - variance) < 0.03:
        mistake(
            "the scatter is too large: a person's noise is σ times a standard normal number, not σ²"
        )
    # the error of the mean of 8 runs of some thousand draws is about 0.003
    expect(abs(got - exact) < 0.015, f"exact {exact:.3f}, yours {got:.3f} on average over 8 runs")
    expect(runs.std() > 0, "every run gives the same number: is the randomness taken from rng?")
    return f"exact {exact:.3f}, yours {got:.3f}; the plug-in distribution says {plug_in:.3f}"
