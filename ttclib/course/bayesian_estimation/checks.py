"""Checks of notebook 03: updates, changes of variable, warm-up, prices, intervals, forecasts."""

from __future__ import annotations

import functools
import math
from dataclasses import astuple

import numpy as np
from scipy import stats

from ttclib.course.bayesian_estimation import answers
from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.exercise import close, exercise, expect, mistake
from ttclib.sampling import diagnostics


def _numbers(value, line):
    """The answer as numbers, or the mistake ``line``."""
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        mistake(line)


@exercise(blanks=2)
def update(yours):
    """``yours(belief, x)`` → mean, kappa, shape and rate after one measurement x."""
    belief = NormalInverseGamma(mean=165, kappa=2.5, shape=3.2, rate=70)
    x = 181.0
    got = yours(belief, x)
    if isinstance(got, NormalInverseGamma):
        got = astuple(got)
    line = "return four numbers: mean, kappa, shape, rate"
    got = _numbers(got, line)
    expect(got.shape == (4,), f"{line}; yours has shape {got.shape}")
    mean, kappa, shape, rate = map(float, got)
    right = answers.update(belief, x)
    expect(
        close([kappa, shape], right[1:3]),
        "kappa grows by 1, shape by 1/2, and the order is mean, kappa, shape, rate: leave as it is "
        "what the cell gives you",
    )
    off = x - belief.mean
    means = {
        "the old mean is still there: the measurement must pull it": belief.mean,
        "that is the measurement alone: the old mean counts, too, like kappa measurements": x,
        "that is the middle of the two: the old mean counts like 2.5 measurements here": (
            (belief.mean + x) / 2
        ),
        "divide by the new kappa: the weights kappa and 1 must add up to 1": (
            (belief.kappa * belief.mean + x) / belief.kappa
        ),
        "the weights are swapped: kappa belongs to the old mean, 1 to the measurement": (
            (belief.mean + belief.kappa * x) / kappa
        ),
        "the measurement is one, whatever kappa is: it must not be multiplied by kappa": (
            belief.kappa * (belief.mean + x) / kappa
        ),
    }
    for words, value in means.items():
        if close(mean, value):
            mistake(words)
    expect(
        close(mean, right[0]),
        f"from mean 165 and kappa 2.5, 181 leads to the mean {right[0]:.2f}; you said {mean:.2f}",
    )
    rates = {
        "the rate did not change: each measurement adds to the squares": 0.0,
        "½ is missing: the rate holds half the sum of squares": belief.kappa * off**2 / kappa,
        "kappa / (kappa + 1) is missing: the old mean is not known exactly, so part of the "
        "distance is its own doubt": off**2 / 2,
        "divide by the new kappa, too": belief.kappa * off**2 / 2,
        "the squares are missing: (x − mean)²": belief.kappa * off / (2 * kappa),
        "measure the distance from the old mean, belief.mean, not from the new one": (
            belief.kappa * (x - mean) ** 2 / (2 * kappa)
        ),
        "the old kappa goes above the line: kappa / (kappa + 1)": off**2 / (2 * kappa),
        "one measurement has no variance of its own: only its distance from the old mean counts": (
            off**2
        ),
    }
    for words, more in rates.items():
        if close(rate, belief.rate + more):
            mistake(words)
    if close(rate, right[3] - belief.rate):
        mistake("add it to the old rate: what was known before stays known")
    if close(rate, 2 * belief.rate - right[3]):
        mistake("the squares are added to the rate, not taken off")
    expect(
        close(rate, right[3]),
        f"the rate goes from 70 to {right[3]:.2f}; you said {rate:.2f}",
    )
    return "five measurements at once, or one after the other: the same belief"


@exercise
def stretch(yours):
    """``yours(z)`` → log dσ/dz (n,) of σ = 50 / (1 + exp(−z)), up to a constant."""
    z = np.array([-2.0, -0.5, 0.3, 1.5, 3.0])
    got = _numbers(yours(z.copy()), "return a number for each z")
    expect(
        got.shape == z.shape, f"for z of shape {z.shape} return as many numbers, not {got.shape}"
    )
    got = got - got[0]
    sigma = 50 / (1 + np.exp(-z))
    slope = sigma * (1 - sigma / 50)

    def says(values):
        return close(got, values - values[0])

    small = sigma / 50
    slips = {
        "that is log σ only, the term of a walk in log σ: dσ/dz has a second factor": np.log(sigma),
        "the factor σ is missing: dσ/dz = σ (1 − σ/50)": np.log(1 - sigma / 50),
        "2 log σ belongs to a density in σ²; `in_sigma` is one in σ": 2 * np.log(sigma),
        "that is log dσ²/dz; the density here is in σ, so dσ/dz it is": (
            np.log(slope) + np.log(sigma)
        ),
        "that is log dz/dσ, the way back: turn the sign": -np.log(slope),
        "that is dσ/dz itself: take its logarithm": slope,
        "that is the logarithm to base 10; densities here use the natural one": np.log10(slope),
        "the two factors are multiplied, so their logarithms are added": (
            np.log(sigma) - np.log(1 - sigma / 50)
        ),
        "that is σ: wanted is by how much it changes when z does": sigma,
        "that is log σ plus z; the second factor is 1 − σ/50": np.log(sigma) + z,
        "in 1 − σ/50 the spread is 50 / (1 + exp(−z)); yours lacks the 50": (
            np.log(small) + np.log(1 - small / 50)
        ),
        "the second factor is squared: dσ/dz = σ (1 − σ/50), both to the power 1": (
            np.log(sigma) + 2 * np.log(1 - sigma / 50)
        ),
    }
    for words, values in slips.items():
        if says(values):
            mistake(words)
    if np.isnan(got).any():
        mistake("there is nan in it: 1 − σ is negative here; the second factor is 1 − σ/50")
    wanted = np.log(slope[-1] / slope[0])
    expect(
        says(np.log(slope)),
        f"from z = −2 to z = 3 it changes by {wanted:.3f}; yours by {got[-1]:.3f}",
    )
    return "any smooth change of variable will do, if its slope is in the density"


@exercise
def warm_up(yours):
    """``yours(mu, low, high)`` → how many draws of each chain (n, chains) to drop."""
    mu = np.full((24, 3), 5.0)
    mu[:6, 0] = [-40, -30, -20, -10, 14, 12]  # jumps over the interval first
    mu[[9, 14, 15], 0] = -3
    mu[:5, 1] = [50, 40, 30, 20, -5]  # comes from above, and jumps over it, too
    mu[6, 1] = 11
    mu[:3, 2] = [-30, -15, -9]
    mu[7, 2] = 13  # wanders out again
    low = 0.0
    high = 10.0
    got = _numbers(yours(mu.copy(), low, high), "return one whole number")
    expect(
        got.size == 1,
        f"return one number for all chains, not one for each: yours has shape {got.shape}",
    )
    got = float(np.squeeze(got))
    slips = {
        3: "the first chain is inside then; wait until the slowest has arrived",
        14 / 3: "that is the average arrival: the slower chains are still on their way",
        5: "that is when the chain in the middle arrives; wait for the slowest",
        7: "draw number 6 is inside already: the six before it are dropped, not seven",
        4: "a chain may jump over the interval: ask for both sides, low <= mu <= high",
        8: "each chain has to arrive once, not all at the same moment: chains go in and out",
        9: "count up to the first draw inside, not all the draws outside",
        16: "a chain that has arrived may wander out again: only the way in is dropped",
        12: "that is the half, whatever the chains do; look when they arrive",
        18: "you keep that many; asked is how many to drop",
        0: "nothing is dropped: np.argmax of `inside`, along axis 0, finds the first True",
    }
    for value, words in slips.items():
        if close(got, value):
            mistake(words)
    expect(
        got == 6,
        f"three chains first come inside at draws 6, 5 and 3, so 6 are dropped; you said {got:g}",
    )
    mu[:, 2] = 30
    lost = np.squeeze(_numbers(yours(mu.copy(), low, high), "return one whole number"))
    why = ": argmax of nothing but False is 0" if lost == 6 else ""
    expect(
        lost >= len(mu),
        "in the second test one chain never arrives, so all 24 draws are to be dropped; yours "
        f"says {lost:g}{why}",
    )
    return "now put it into the slider: far, your warm-up dropped"


@exercise
def price(yours):
    """``yours(draws, evaluations)`` → density evaluations for one effective draw."""
    rng = np.random.default_rng(5)
    draws = np.empty((1000, 4))
    draws[0] = rng.standard_normal(4)
    for t in range(1, 1000):  # a chain in which neighbours are much alike
        draws[t] = 0.8 * draws[t - 1] + 0.6 * rng.standard_normal(4)
    draws *= [3.0, 3.3, 2.7, 3.0]
    evaluations = 50_000
    got = _numbers(yours(draws.copy(), evaluations), "return one number")
    expect(got.size == 1, f"return one number; yours has shape {got.shape}")
    got = float(np.squeeze(got))
    worth = float(diagnostics.ess(draws, "mean"))
    first = float(diagnostics.ess(draws[:, :1], "mean"))
    tail = float(diagnostics.ess(draws, "tail"))

    def says(value, rtol):
        return close(got, value, rtol=rtol)

    slips = {
        "upside down: that is how many effective draws one evaluation buys": worth / evaluations,
        "these draws are much alike: divide by their effective sample size, not by their number": (
            evaluations / draws.size
        ),
        "len(draws) counts one chain's draws; and neighbours are alike: take diagnostics.ess": (
            evaluations / len(draws)
        ),
        "that is the effective sample size; what did each effective draw cost?": worth,
        "that is the cost of all draws together: divide it by what they are worth": evaluations,
        "that is τ, draws for one effective draw; asked are evaluations": draws.size / worth,
        "that is the worth of the first chain: all four were paid for": evaluations / first,
        "that is the worth of one chain on average: together they are worth four times that": (
            4 * evaluations / worth
        ),
        "multiplied: a price is the cost divided by what you get": evaluations * worth,
        "the square root belongs to standard errors; a price is cost over effective draws": (
            evaluations / math.sqrt(worth)
        ),
        'that is the worth of the tails; use "mean" here': evaluations / tail,
        "reshape mixes the chains: then neighbours are of different chains, and look independent": (
            evaluations / float(diagnostics.ess(draws.reshape(-1, 1), "mean"))
        ),
        "that is the share of draws that count: where is the cost?": worth / draws.size,
    }
    for words, value in slips.items():
        if says(value, rtol=1e-4):
            mistake(words)
    expect(
        says(evaluations / worth, rtol=0.15),
        f"{evaluations:,} evaluations bought {worth:.0f} effective draws: "
        f"{evaluations / worth:.1f} for each; you said {got:.4g}",
    )
    return "transitions cost the same whatever the step; what they buy differs"


def _shortest(draws):
    """Ends of the shortest interval that holds 90% of the draws."""
    ordered = np.sort(draws)
    held = round(0.9 * len(draws))
    start = np.argmin(ordered[held:] - ordered[:-held])
    return ordered[start], ordered[start + held]


@exercise
def interval(yours):
    """``yours(draws)`` → ends of the central interval that holds 90% of the draws (n,)."""
    draws = np.random.default_rng(3).gamma(1.5, 5.0, 5000)
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
    if says(*_shortest(draws)):
        mistake("that is the shortest interval with 90%; the central one leaves 5% at each end")
    if says(draws.min(), np.quantile(draws, 0.9)) or says(np.quantile(draws, 0.1), draws.max()):
        mistake("all 10% are left out at one end: the central interval leaves 5% at each")
    if says(*np.quantile(draws, [0.25, 0.75])):
        mistake("25% are left out at each end: that interval holds 50%")
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
    """Log posterior of exercise 6: μ ~ N(170, 20²), σ exponential with mean 10, in (μ, log σ)."""
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


@exercise(blanks=3)
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
    if close(got, differences(lambda *given: math.exp(_right(*given)))):
        mistake("that is the density: return its logarithm, a sum of logarithms")
    mistake(
        f"between {points[0]} and {points[1]} it should change by {right[0]:.2f}, "
        f"yours by {got[0]:.2f}; add up log prior of μ, log prior of σ, log likelihood, and log σ"
    )


@exercise
def people(yours):
    """``yours(mu, sigma, rng)`` → heights (n,), one person from each of n draws."""
    kinds = np.random.default_rng(1).permutation(np.repeat(np.arange(4), 1000))
    mu = np.array([150.0, 160.0, 200.0, 300.0])[kinds]
    sigma = np.array([1.0, 3.0, 10.0, 30.0])[kinds]
    got, again, other = (
        _numbers(
            yours(mu.copy(), sigma.copy(), np.random.default_rng(seed)),
            "return the heights of n people",
        )
        for seed in (0, 0, 1)
    )
    expect(
        got.shape == mu.shape,
        f"from {len(mu):,} draws come as many people; yours has shape {got.shape}",
    )
    off = got - mu
    z = off / sigma
    if close(off, 0 * off):
        mistake("each person has the mean height of the population: people scatter around μ")
    if np.ptp(z) < 1e-6:
        mistake("one random number for all: each person needs one of their own, len(mu) of them")
    expect(
        close(got, again),
        "the same rng gives other people each time: take all randomness from rng",
    )
    expect(
        not close(got, other),
        "another rng gives the same people: is there a seed inside? take the randomness from rng",
    )
    spreads = np.array([z[kinds == k].std() for k in range(4)])
    centres = np.array([z[kinds == k].mean() for k in range(4)])
    if close(spreads, [1, 3, 10, 30], rtol=0.15):
        mistake("the scatter is σ times a standard normal number; yours is σ², the variance")
    if close(spreads, 1 / np.sqrt([1, 3, 10, 30]), rtol=0.15):
        mistake("σ is a standard deviation already: no square root of it")
    if close(spreads * [1, 3, 10, 30], np.log([1, 3, 10, 30]), rtol=0.15, atol=0.05):
        mistake("σ is given, not its logarithm: take no logarithm of it")
    if close(spreads * [1, 3, 10, 30], np.ones(4), rtol=0.15):
        mistake("all scatter by 1 cm: multiply the random number by the sigma of its draw")
    if close(spreads, np.full(4, 1 / math.sqrt(len(mu))), rtol=0.15):
        mistake("σ / √n is the error of an average; one person scatters by σ")
    if (np.diff(got) >= 0).all():
        mistake("these people are sorted: keep them in the order of their draws")
    if abs(np.std((got - sigma) / mu) - 1) < 0.1:
        mistake("μ and σ are swapped: rng.normal takes the mean first")
    if abs(np.corrcoef(got, mu)[0, 1]) < 0.2:
        if got.std() < 40:
            mistake("one average μ and σ for all: let every draw make its own person")
        if 0.2 < np.mean(np.abs(got - 150) < 4) < 0.3:
            mistake(
                "you draw from the draws once more: right in the long run, with more noise than "
                "is needed; make one person from each draw, in their order"
            )
        mistake("a person needs μ and σ of the same draw: they belong together")
    if close(spreads * [1, 3, 10, 30], np.full(4, sigma.mean()), rtol=0.15):
        mistake("the scatter is the average σ for all: each draw has its own")
    expect(
        close(spreads, np.ones(4), rtol=0.1) and np.abs(centres).max() < 0.15,
        f"(person − μ) / σ should have mean 0 and sd 1; yours has {z.mean():.2f} and {z.std():.2f}",
    )
    middle = np.mean(np.abs(z) < 1)  # of a normal distribution 68%
    expect(
        abs(middle - 0.683) < 0.035,
        f"mean and sd are right, but {middle:.0%} are within one σ, not 68%: people are normal "
        "around μ, rng.normal",
    )
    return "one person from each draw: the doubt about μ and σ is in the people"


# measurements, a threshold, and how many runs are averaged
_QUESTIONS = (
    ((171.0, 176.0), 185.0, 8),
    ((171.0, 176.0), 150.0, 6),
    ((150.0, 200.0), 140.0, 6),
)


@functools.cache
def _expected(x, threshold):
    """What the right way and each slip give for one question: exact, or of 200,000 exact draws."""
    posterior = answers.PRIOR.update(x)
    mu, sigma = posterior.sample(200_000, np.random.default_rng(0)).T
    z = threshold - mu
    no_term = NormalInverseGamma(
        posterior.mean, posterior.kappa, posterior.shape + 1, posterior.rate
    )
    return {
        "right": posterior.predictive().sf(threshold),
        "below": posterior.predictive().cdf(threshold),
        "plug-in": stats.norm.sf(threshold, np.mean(x), np.std(x, ddof=1)),
        "mean": np.mean(z < 0),
        "log": np.mean(stats.norm.sf(z / np.log(sigma))),
        "averages": stats.norm.sf(threshold, mu.mean(), sigma.mean()),
        "variance": np.mean(stats.norm.sf(z / sigma**2)),
        "unturned": no_term.predictive().sf(threshold),
        "prior": answers.PRIOR.predictive().sf(threshold),
    }


_CHANCES = {
    "below": "that is the chance of staying below the threshold",
    "plug-in": "that is the plug-in distribution of two measurements: "
    "draw μ and σ from their posterior instead",
    "mean": "that is the chance that the mean μ is above; a person scatters around μ, too",
    "log": "a person scatters around μ with sd exp(log_sigma), not log_sigma",
    "averages": "one average μ and σ for all: let every draw of the chain make its own person",
    "variance": "the scatter is too large: a person's noise is σ times a standard normal number, "
    "not σ²",
    "unturned": "that is what comes of a posterior without the change of variable: the walk is in "
    "log σ, so add 2 log σ",
    "prior": "that is the chance before measuring: use the measurements, too",
}


def _answered(yours):
    """The mean and the spread of the answers to each question, and all answers to the first."""
    told = [
        np.array([float(yours(np.array(x), t, np.random.default_rng(k))) for k in range(runs)])
        for x, t, runs in _QUESTIONS
    ]
    return np.array([runs.mean() for runs in told]), told


def _few_people(told):
    """How many people an answer counts, if they are few: shares of few have short fractions."""
    for people in range(1, 2001):
        if np.abs(told * people - np.round(told * people)).max() < 1e-9:
            return people
    return None


@exercise
def chance_above(yours):
    """``yours(x, threshold, rng)`` → predictive probability, with the notebook's prior."""
    means, told = _answered(yours)
    first = told[0]
    got = float(means[0])
    expect(
        (means >= 0).all() and (means <= 1).all(),
        f"a probability lies between 0 and 1; yours is {got:.3g}",
    )
    expected = [_expected(x, t) for x, t, _ in _QUESTIONS]
    right = np.array([values["right"] for values in expected])
    plug_in = expected[0]["plug-in"]
    if close(means, right, rtol=2e-4) and np.ptp(first) == 0:
        return (
            f"exact, {right[0]:.3f}: Student's t knows it without a chain; where there is no "
            "formula, the same question needs one"
        )
    (x, threshold, _) = _QUESTIONS[0]
    again = float(yours(np.array(x), threshold, np.random.default_rng(0)))
    expect(
        again == first[0],
        "the same rng gives another number each time: take all randomness from rng",
    )
    if np.ptp(means) < 1e-12:
        mistake(f"every question gets the answer {got:.3g}: it must depend on x and the threshold")
    tolerance = np.array([0.012, 0.006, 0.015])
    fits = np.abs(means - right) < tolerance
    if not fits.all():
        far = {
            name: (np.abs(means - [values[name] for values in expected]) / tolerance).max()
            for name in _CHANCES
        }
        nearest = min(far, key=far.get)
        if far[nearest] < 1:
            mistake(_CHANCES[nearest])
        people = _few_people(np.concatenate(told))
        if people:
            mistake(
                f"that counts {people:,} people: too few transitions to show the whole belief; "
                "let the chains walk for some thousand"
            )
    rough = first.std()
    expect(
        rough < 0.02,
        f"eight runs of yours differ by ±{rough:.2f}: too few draws, or steps too small "
        "for the chain to get about",
    )
    if not fits.all():
        if fits[0] and means[1] < right[1] - tolerance[1]:
            mistake(
                f"above 150 cm there should be {right[1]:.3f}, yours says {means[1]:.3f}: the way "
                "in is counted as belief; start near the data, or drop a warm-up"
            )
        if fits[0] and means[2] > right[2] + tolerance[2]:
            mistake(
                f"after 150 and 200 cm, exact {right[2]:.3f}, yours {means[2]:.3f}: the chains "
                "have not seen the whole belief; the steps are too small, or the walk too short"
            )
    expect(fits[0], f"exact {right[0]:.3f}, yours {got:.3f} on average over 8 runs")
    expect(
        fits.all(),
        f"right above 185 cm, {right[0]:.3f}; but above 150 cm it is {right[1]:.3f}, yours "
        f"{means[1]:.3f}, and after 150 and 200 cm above 140 {right[2]:.3f}, yours {means[2]:.3f}",
    )
    expect(np.ptp(first) > 0, "every run gives the same number: is the randomness taken from rng?")
    return f"exact {right[0]:.3f}, yours {got:.3f}; the plug-in distribution says {plug_in:.4f}"
