"""Checks of notebook 03: the right answer passes, and each slip is told what it is."""

import functools
import math

import numpy as np
from scipy import stats
from verdicts import *  # noqa: F403

from ttclib.course.bayesian_estimation import answers, checks
from ttclib.sampling import diagnostics, mcmc

# ---- one measurement more ------------------------------------------------------------------------


def by_weights(belief, x):
    share = 1 / (belief.kappa + 1)
    mean = (1 - share) * belief.mean + share * x
    rate = belief.rate + 0.5 * (x - belief.mean) * (x - mean)
    return [mean, belief.kappa + 1, belief.shape + 0.5, rate]


def by_page(belief, x):
    """The update of the page, given one measurement."""
    values = np.array([x])
    kappa = belief.kappa + 1
    mean = (belief.kappa * belief.mean + values.mean()) / kappa
    squares = values.var() + belief.kappa * (values.mean() - belief.mean) ** 2 / kappa
    return np.array([mean, kappa, belief.shape + 1 / 2, belief.rate + squares / 2])


def updating(mean=None, rate=None, kappa=1, shape=0.5):
    """An update with slips; ``mean(belief, x)``, ``rate(belief, x, new mean)``."""

    def answer(belief, x):
        right = answers.update(belief, x)
        new = right[0] if mean is None else mean(belief, x)
        grown = right[3] if rate is None else rate(belief, x, new)
        return new, belief.kappa + kappa, belief.shape + shape, grown

    return answer


RIGHT_UPDATES = [
    answers.update,
    by_weights,
    by_page,
    lambda belief, x: belief.update([x]),
]
UPDATES = {
    "old mean is still there": updating(lambda b, x: b.mean),
    "the measurement alone": updating(lambda b, x: x),
    "the middle of the two": updating(lambda b, x: (b.mean + x) / 2),
    "divide by the new kappa: the weights": updating(lambda b, x: (b.kappa * b.mean + x) / b.kappa),
    "weights are swapped": updating(lambda b, x: (b.mean + b.kappa * x) / (b.kappa + 1)),
    "whatever kappa is": updating(lambda b, x: b.kappa * (b.mean + x) / (b.kappa + 1)),
    "leads to the mean": updating(lambda b, x: b.mean + 1),
    "rate did not change": updating(rate=lambda b, x, m: b.rate),
    "½ is missing: the rate": updating(
        rate=lambda b, x, m: b.rate + b.kappa * (x - b.mean) ** 2 / (b.kappa + 1)
    ),
    "part of the distance": updating(rate=lambda b, x, m: b.rate + (x - b.mean) ** 2 / 2),
    "divide by the new kappa, too": updating(
        rate=lambda b, x, m: b.rate + b.kappa * (x - b.mean) ** 2 / 2
    ),
    "squares are missing": updating(
        rate=lambda b, x, m: b.rate + b.kappa * (x - b.mean) / (b.kappa + 1) / 2
    ),
    "not from the new one": updating(
        rate=lambda b, x, m: b.rate + b.kappa * (x - m) ** 2 / (b.kappa + 1) / 2
    ),
    "goes above the line": updating(
        rate=lambda b, x, m: b.rate + (x - b.mean) ** 2 / (2 * (b.kappa + 1))
    ),
    "no variance of its own": updating(rate=lambda b, x, m: b.rate + (x - b.mean) ** 2),
    "what was known before": updating(
        rate=lambda b, x, m: b.kappa * (x - b.mean) ** 2 / (b.kappa + 1) / 2
    ),
    "not taken off": updating(rate=lambda b, x, m: 2 * b.rate - answers.update(b, x)[3]),
    "the rate goes from": updating(rate=lambda b, x, m: b.rate + 1),
    "leave as it is": updating(shape=1),
    "four numbers: mean": lambda belief, x: answers.update(belief, x)[0],
    "four numbers: mean, kappa, shape, rate": lambda belief, x: {"mean": 1},
}

# ---- another change of variable ------------------------------------------------------------------


def spread(z, widest=50):
    return widest / (1 + np.exp(-z))


def numeric(z, h=1e-5):
    return np.log((spread(z + h) - spread(z - h)) / (2 * h))


RIGHT_STRETCHES = [
    answers.stretch,
    numeric,
    lambda z: [math.log(spread(one) * (50 - spread(one))) for one in z],
    lambda z: -z - 2 * np.log1p(np.exp(-z)),
    lambda z: stats.logistic.logpdf(z),
]
STRETCHES = {
    "log σ only": lambda z: np.log(spread(z)),
    "factor σ is missing": lambda z: np.log(1 - spread(z) / 50),
    "belongs to a density in σ²": lambda z: 2 * np.log(spread(z)),
    "log dσ²/dz": lambda z: answers.stretch(z) + np.log(2 * spread(z)),
    "the way back": lambda z: -answers.stretch(z),
    "take its logarithm": lambda z: np.exp(answers.stretch(z)),
    "to base 10": lambda z: np.log10(np.exp(answers.stretch(z))),
    "are added": lambda z: np.log(spread(z)) - np.log(1 - spread(z) / 50),
    "by how much it changes": spread,
    "plus z": lambda z: np.log(spread(z)) + z,
    "lacks the 50": lambda z: np.log(spread(z, 1)) + np.log(1 - spread(z, 1) / 50),
    "squared": lambda z: np.log(spread(z)) + 2 * np.log(1 - spread(z) / 50),
    "nan": lambda z: np.log(spread(z)) + np.log(np.where(spread(z) < 1, 1 - spread(z), np.nan)),
    "it changes by": lambda z: z**2,
    "as many numbers": lambda z: answers.stretch(z).sum(),
    "a number for each z": lambda z: "log",
}

# ---- the way in ----------------------------------------------------------------------------------


def inside(mu, low, high):
    return (low <= mu) & (mu <= high)


def by_loop(mu, low, high):
    arrivals = []
    for chain in mu.T:
        hits = [t for t, value in enumerate(chain) if low <= value <= high]
        arrivals.append(hits[0] if hits else len(chain))
    return max(arrivals)


def once_all_have(mu, low, high):
    arrived = np.logical_or.accumulate(inside(mu, low, high), axis=0).all(axis=1)
    return float(np.argmax(arrived)) if arrived.any() else len(mu)


def counted(mu, low, high):
    return (np.cumsum(inside(mu, low, high), axis=0) == 0).sum(axis=0).max()


def never_minus_one(mu, low, high):
    hits = inside(mu, low, high)
    return hits.argmax(axis=0).max() if hits.any(axis=0).all() else -1


RIGHT_WARM_UPS = [answers.warm_up, by_loop, once_all_have, counted]
WARM_UPS = {
    "first chain is inside": lambda *a: inside(*a).argmax(axis=0).min(),
    "average arrival": lambda *a: inside(*a).argmax(axis=0).mean(),
    "chain in the middle": lambda *a: np.median(inside(*a).argmax(axis=0)),
    "not seven": lambda *a: answers.warm_up(*a) + 1,
    "jump over the interval": lambda mu, low, high: (mu >= low).argmax(axis=0).max(),
    "not all at the same": lambda *a: inside(*a).all(axis=1).argmax(),
    "not all the draws outside": lambda *a: (~inside(*a)).sum(axis=0).max(),
    "may wander out": lambda *a: np.flatnonzero((~inside(*a)).any(axis=1)).max() + 1,
    "the half": lambda mu, low, high: len(mu) // 2,
    "how many to drop": lambda mu, low, high: len(mu) - answers.warm_up(mu, low, high),
    "nothing is dropped": lambda mu, low, high: 0,
    "come inside at draws": lambda *a: inside(*a).ravel().argmax(),
    "yours says -1": never_minus_one,
    "nothing but False": lambda *a: inside(*a).argmax(axis=0).max(),
    "not one for each": lambda *a: inside(*a).argmax(axis=0),
    "one whole number": lambda *a: "six",
}

# ---- a price -------------------------------------------------------------------------------------


def by_autocorrelation(draws, evaluations):
    """Own arithmetic: τ from the first 60 autocorrelations of all chains."""
    d = draws - draws.mean()
    variance = (d**2).mean()
    rho = [(d[k:] * d[: len(d) - k]).mean() / variance for k in range(1, 30)]
    return evaluations * (1 + 2 * sum(rho)) / draws.size


def worth(draws):
    return float(diagnostics.ess(draws, "mean"))


RIGHT_PRICES = [
    answers.price,
    by_autocorrelation,
    lambda draws, evaluations: evaluations / diagnostics.ess(draws),
    lambda draws, evaluations: [evaluations * (1 / worth(draws))],
    lambda draws, evaluations: evaluations * diagnostics.mcse(draws) ** 2 / draws.var(ddof=1),
]
PRICES = {
    "upside down": lambda d, e: worth(d) / e,
    "much alike": lambda d, e: e / d.size,
    "one chain's draws": lambda d, e: e / len(d),
    "what did each": lambda d, e: worth(d),
    "all draws together": lambda d, e: e,
    "that is τ": lambda d, e: d.size / worth(d),
    "the first chain": lambda d, e: e / diagnostics.ess(d[:, :1], "mean"),
    "on average": lambda d, e: e / (worth(d) / 4),
    "multiplied": lambda d, e: e * worth(d),
    "square root": lambda d, e: e / math.sqrt(worth(d)),
    "of the tails": lambda d, e: e / diagnostics.ess(d, "tail"),
    "reshape mixes": lambda d, e: e / diagnostics.ess(d.reshape(-1, 1), "mean"),
    "where is the cost": lambda d, e: worth(d) / d.size,
    "effective draws: ": lambda d, e: 1.0,
    "return one number; yours": lambda d, e: np.ones(4),
    "return one number": lambda d, e: "cheap",
}

# ---- an interval ---------------------------------------------------------------------------------


def around(z, width):
    return lambda d: d.mean() + np.array([-z, z]) * width(d)


def ends(low, high, **how):
    return lambda d: tuple(np.quantile(d, [low, high], **how))


def sorted_by_hand(draws):
    ordered = sorted(draws.tolist())
    return [ordered[len(ordered) // 20], ordered[-len(ordered) // 20]]


def shortest(draws):
    ordered = np.sort(draws)
    widths = ordered[4500:] - ordered[:-4500]
    return ordered[widths.argmin()], ordered[widths.argmin() + 4500]


RIGHT_INTERVALS = [ends(0.05, 0.95, method=method) for method in ("linear", "lower", "hazen")]
RIGHT_INTERVALS += [sorted_by_hand, lambda d: np.percentile(d, (5, 95))]
INTERVALS = {
    "holds 95%": ends(0.025, 0.975),
    "holds 80%": ends(0.1, 0.9),
    "holds 50%": ends(0.25, 0.75),
    "shortest": shortest,
    "at one end": ends(0, 0.9),
    "from 0 to 100": lambda d: np.percentile(d, [0.05, 0.95]),
    "holds all draws": lambda d: (d.min(), d.max()),
    "skewed": around(1.645, np.std),
    "knows the mean": around(1.96, lambda d: np.std(d) / math.sqrt(len(d))),
    "the variance": around(1.96, np.var),
    "comes first": ends(0.95, 0.05),
    "two numbers": np.median,
    "expected about": lambda d: np.exp(around(1.645, np.std)(np.log(d))),
}


def posterior(
    mu, log_sigma, x, jacobian=1, n=None, scale=2, power=2, total=np.sum, of_mu=1, sd=20, rate=0.1
):
    """Log posterior of exercise 6, with a knob for each slip."""
    sigma = np.exp(log_sigma)
    log_prior = -of_mu * (mu - 170) ** 2 / (2 * sd**2) - rate * sigma
    misfit = total((x - mu) ** 2) / (scale * sigma**power)
    log_likelihood = -(len(x) if n is None else n) * log_sigma - misfit
    return log_prior + log_likelihood + jacobian * log_sigma


def log_as_sd(mu, log_sigma, x):
    """Log σ taken for σ, under the squares and in the prior."""
    squares = ((x - mu) ** 2).sum() / (2 * log_sigma**2)
    return -((mu - 170) ** 2) / 800 - log_sigma / 10 - (len(x) - 1) * log_sigma - squares


def by_scipy(mu, log_sigma, x):
    sigma = np.exp(log_sigma)
    log_prior = stats.norm.logpdf(mu, 170, 20) + stats.expon.logpdf(sigma, scale=10)
    return log_prior + stats.norm.logpdf(x, mu, sigma).sum() + log_sigma


def by_counting(mu, log_sigma, x):
    total = log_sigma - ((mu - 170) / 20) ** 2 / 2 - 0.1 * math.exp(log_sigma)
    for one in x.tolist():
        total -= log_sigma + (one - mu) ** 2 / (2 * math.exp(log_sigma) ** 2)
    return total


RIGHT_POSTERIORS = [lambda mu, s, x, c=c: posterior(mu, s, x) + c for c in (0.0, 17.0)]
RIGHT_POSTERIORS += [by_scipy, by_counting, lambda mu, s, x: np.array([posterior(mu, s, x)])]
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
    (lambda mu, s, x: math.exp(posterior(mu, s, x)), "that is the density"),
]


# ---- people --------------------------------------------------------------------------------------


def mixed(mu, sigma, rng):
    return rng.normal(rng.permutation(mu), sigma)


def drawn_again(mu, sigma, rng):
    index = rng.integers(len(mu), size=len(mu))
    return rng.normal(mu[index], sigma[index])


RIGHT_PEOPLE = [
    answers.people,
    lambda mu, sigma, rng: rng.normal(mu, sigma),
    lambda mu, sigma, rng: [rng.normal(m, s) for m, s in zip(mu, sigma, strict=True)],
    lambda mu, sigma, rng: mu - rng.normal(0, 1, mu.size) * sigma,
    lambda mu, sigma, rng: stats.norm(mu, sigma).rvs(random_state=rng),
]
PEOPLE = {
    "scatter around μ": lambda mu, sigma, rng: mu,
    "one random number": lambda mu, sigma, rng: mu + sigma * rng.standard_normal(),
    "all randomness from rng": lambda mu, sigma, rng: np.random.default_rng().normal(mu, sigma),
    "a seed inside": lambda mu, sigma, rng: np.random.default_rng(3).normal(mu, sigma),
    "yours is σ²": lambda mu, sigma, rng: rng.normal(mu, sigma**2),
    "no square root": lambda mu, sigma, rng: rng.normal(mu, sigma**0.5),
    "no logarithm": lambda mu, sigma, rng: rng.normal(mu, np.log(sigma)),
    "by 1 cm": lambda mu, sigma, rng: rng.normal(mu, 1),
    "error of an average": lambda mu, sigma, rng: rng.normal(mu, sigma / len(mu) ** 0.5),
    "average σ for all": lambda mu, sigma, rng: rng.normal(mu, sigma.mean()),
    "one average μ": lambda mu, sigma, rng: rng.normal(mu.mean(), sigma.mean(), len(mu)),
    "draw from the draws": drawn_again,
    "of the same draw": mixed,
    "are sorted": lambda mu, sigma, rng: np.sort(rng.normal(mu, sigma)),
    "are swapped": lambda mu, sigma, rng: rng.normal(sigma, mu),
    "are within one σ": lambda mu, sigma, rng: rng.laplace(mu, sigma / 2**0.5),
    "people are normal": lambda mu, sigma, rng: (
        mu + sigma * rng.uniform(-(3**0.5), 3**0.5, len(mu))
    ),
    "mean 0 and sd 1": lambda mu, sigma, rng: rng.normal(mu, 2 * sigma),
    "come as many people": lambda mu, sigma, rng: rng.normal(mu, sigma)[:10],
    "heights of n people": lambda mu, sigma, rng: "tall",
}

# ---- a chance ------------------------------------------------------------------------------------


def forecaster(person):
    """An answer of exercise 8 from exact draws; ``person(mu, sigma, rng)`` makes people."""

    def answer(x, threshold, rng):
        mu, sigma = answers.PRIOR.update(x).sample(5000, rng).T
        return np.mean(person(mu, sigma, rng) > threshold)

    return answer


def log_density(theta, x, term=2):
    """The log posterior of the page; ``term`` times log σ is its change of variable."""
    belief = answers.PRIOR.update(x)
    return belief.log_joint(*theta.T) + (term - 2) * theta[:, 1]


def remembered(answer):
    """The answer, which is not worked out twice for the same question and the same rng."""
    known = {}

    def again(x, threshold, rng):
        key = (*x, threshold, rng.bit_generator.state["state"]["state"])
        if key not in known:
            known[key] = answer(x, threshold, rng)
        return known[key]

    return again


def walker(start=None, step=(6, 0.6), n=1500, drop=200, chains=20, term=2, exact=False):
    """An answer of exercise 8 as a learner writes it, with a knob for each slip."""

    def answer(x, threshold, rng):
        begin = [[np.mean(x), math.log(8)] if start is None else start] * chains
        kernel = mcmc.random_walk(lambda theta: log_density(theta, x, term), np.array(step))
        mu, log_sigma = np.moveaxis(mcmc.run_chains(kernel, begin, n, rng).positions[drop:], -1, 0)
        if exact:  # the chance of each draw, in place of a person
            return stats.norm.sf(threshold, mu, np.exp(log_sigma)).mean()
        return float((rng.normal(mu, np.exp(log_sigma)) > threshold).mean())

    return remembered(answer)


def tail(x, threshold, rng):
    return answers.PRIOR.update(x).predictive().sf(threshold)


right_chance = forecaster(lambda mu, sigma, rng: rng.normal(mu, sigma))
RIGHT_CHANCES = [
    answers.chance,
    right_chance,
    tail,
    walker(step=(4.5, 0.5), n=2000, drop=500, chains=8),
    walker(start=[120.0, 0.0], drop=750),
    walker(chains=2, n=3000, drop=500),
    walker(exact=True, n=600),
]
CHANCES = [
    (forecaster(lambda mu, sigma, rng: mu), "the mean μ is above"),
    (forecaster(lambda mu, sigma, rng: rng.normal(mu, np.log(sigma))), "not log_sigma"),
    (
        forecaster(lambda mu, sigma, rng: rng.normal(mu.mean(), sigma.mean(), 5000)),
        "one average μ and σ",
    ),
    (forecaster(lambda mu, sigma, rng: rng.normal(mu, sigma**2)), "not σ²"),
    (lambda x, t, rng: 1 - right_chance(x, t, rng), "below the threshold"),
    (lambda x, t, rng: np.mean(rng.normal(x.mean(), x.std(ddof=1), 5000) > t), "plug-in"),
    (lambda x, t, rng: answers.PRIOR.predictive().sf(t), "before measuring"),
    (walker(term=0), "without the change of variable"),
    (walker(start=[120.0, 0.0], drop=0), "the way in"),
    (walker(start=[120.0, 0.0], drop=20), "the way in"),
    (walker(n=20, drop=0), "too few transitions"),
    (walker(n=20, drop=5, chains=100), "too few transitions"),
    (walker(step=(0.28, 0.03)), "steps are too small"),
    (walker(step=(0.28, 0.03), chains=2, n=1500), "steps too small"),
    (walker(n=20, drop=0, exact=True), "the walk too short"),
    (lambda x, t, rng: 17.0, "between 0 and 1"),
    (lambda x, t, rng: 0.086, "depend on x and the threshold"),
    (lambda x, t, rng: answers.chance(x, t, np.random.default_rng(0)), "same number"),
    (lambda x, t, rng: answers.chance(x, t, np.random.default_rng()), "another number each time"),
    (lambda x, t, rng: 0.2 + 0.01 * rng.random() + 1e-4 * t, "on average over 8 runs"),
    (
        lambda x, t, rng: tail(x, t, rng) - 0.1 * (t < 145) + 1e-3 * rng.random(),
        "right above 185 cm",
    ),
]

RIGHT = [
    *((checks.update, answer) for answer in RIGHT_UPDATES),
    *((checks.stretch, answer) for answer in RIGHT_STRETCHES),
    *((checks.warm_up, answer) for answer in RIGHT_WARM_UPS),
    *((checks.price, answer) for answer in RIGHT_PRICES),
    *((checks.interval, answer) for answer in RIGHT_INTERVALS),
    *((checks.log_posterior, answer) for answer in RIGHT_POSTERIORS),
    *((checks.people, answer) for answer in RIGHT_PEOPLE),
    *((checks.chance_above, answer) for answer in RIGHT_CHANCES),
]
WRONG = [
    *((checks.update, answer, words) for words, answer in UPDATES.items()),
    *((checks.stretch, answer, words) for words, answer in STRETCHES.items()),
    *((checks.warm_up, answer, words) for words, answer in WARM_UPS.items()),
    *((checks.price, answer, words) for words, answer in PRICES.items()),
    *((checks.interval, answer, words) for words, answer in INTERVALS.items()),
    *((checks.log_posterior, answer, words) for answer, words in POSTERIORS),
    *((checks.people, answer, words) for words, answer in PEOPLE.items()),
    *((checks.chance_above, answer, words) for answer, words in CHANCES),
    # the same line as one above
    (checks.update, lambda b, x: answers.update(b, x)[::-1], "leave as it is"),
    (
        checks.warm_up,
        lambda mu, low, high: (mu <= high).argmax(axis=0).max(),
        "jump over the interval",
    ),
    (checks.interval, ends(0.1, 1), "at one end"),
]
