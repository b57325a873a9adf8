"""Checks of notebook 03: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
import pytest
from verdicts import unsaid

from ttclib.course.bayesian_estimation import checks
from ttclib.sampling.conjugate import NormalInverseGamma

INTERVALS = {
    "holds 95%": lambda d: np.quantile(d, [0.025, 0.975]),
    "holds 80%": lambda d: np.quantile(d, [0.1, 0.9]),
    "from 0 to 100": lambda d: np.percentile(d, [0.05, 0.95]),
    "holds all draws": lambda d: (d.min(), d.max()),
    "skewed": lambda d: (d.mean() - 1.645 * d.std(), d.mean() + 1.645 * d.std()),
    "knows the mean": lambda d: d.mean() + np.array([-1.96, 1.96]) * d.std() / math.sqrt(len(d)),
    "the variance": lambda d: (d.mean() - 1.96 * d.var(), d.mean() + 1.96 * d.var()),
    "comes first": lambda d: np.quantile(d, [0.95, 0.05]),
    "two numbers": np.median,
    "expected about": lambda d: (1.0, 2.0),
}


@pytest.mark.parametrize("slip", INTERVALS)
def test_interval_names_the_slip(slip):
    verdict = checks.interval(INTERVALS[slip])
    assert verdict.mark == "✗" and slip in verdict.line


@pytest.mark.parametrize("method", ["linear", "lower", "hazen"])
def test_interval_takes_any_quantile(method):
    assert checks.interval(lambda d: tuple(np.quantile(d, [0.05, 0.95], method=method))).mark == "✓"


def posterior(
    mu,
    log_sigma,
    x,
    jacobian=1,
    n=None,
    scale=2,
    power=2,
    total=np.sum,
    prior_mu=1,
    sd=20.0,
    rate=0.1,
):
    """Log posterior of exercise 2, with a knob for each slip."""
    sigma = np.exp(log_sigma)
    log_prior = -prior_mu * (mu - 170) ** 2 / (2 * sd**2) - rate * sigma
    log_likelihood = -(len(x) if n is None else n) * log_sigma - total((x - mu) ** 2) / (
        scale * sigma**power
    )
    return log_prior + log_likelihood + jacobian * log_sigma


SLIPS = {
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
    "prior of μ is missing": {"prior_mu": 0},
    "both priors": {"prior_mu": 0, "rate": 0},
    "divide by 2 · 20²": {"sd": math.sqrt(20)},
    "it should change by": {"rate": 0.2},
}


@pytest.mark.parametrize("slip", SLIPS)
def test_log_posterior_names_the_slip(slip):
    verdict = checks.log_posterior(lambda mu, s, x: posterior(mu, s, x, **SLIPS[slip]))
    assert verdict.mark == "✗" and slip in verdict.line


def log_as_sd(mu, log_sigma, x):
    """Log σ taken for σ under the squares only."""
    squares = ((x - mu) ** 2).sum() / (2 * log_sigma**2)
    return -((mu - 170) ** 2) / 800 - log_sigma / 10 - (len(x) - 1) * log_sigma - squares


OTHER_SLIPS = [
    (lambda mu, s, x: -posterior(mu, s, x), "sign is turned"),
    (lambda mu, s, x: posterior(mu, np.log(s), x), "the second argument is log σ"),
    (log_as_sd, "the second argument is log σ"),
]


@pytest.mark.parametrize(("wrong", "slip"), OTHER_SLIPS)
def test_log_posterior_names_a_turned_sign_and_a_forgotten_exponential(wrong, slip):
    verdict = checks.log_posterior(wrong)
    assert verdict.mark == "✗" and slip in verdict.line


@pytest.mark.parametrize("constant", [0.0, 17.0])
def test_log_posterior_takes_any_constant(constant):
    assert checks.log_posterior(lambda mu, s, x: posterior(mu, s, x) + constant).mark == "✓"


def forecaster(person):
    """An answer of exercise 3 from exact draws; ``person(mu, sigma, rng)`` makes people."""

    def answer(x, threshold, rng):
        mu, sigma = NormalInverseGamma(170, 0.5, 1.5, 96).update(x).sample(5000, rng).T
        return np.mean(person(mu, sigma, rng) > threshold)

    return answer


CHANCES = {
    "the mean μ is above": forecaster(lambda mu, sigma, rng: mu),
    "not log_sigma": forecaster(lambda mu, sigma, rng: rng.normal(mu, np.log(sigma))),
    "one average μ and σ": forecaster(
        lambda mu, sigma, rng: rng.normal(mu.mean(), sigma.mean(), 5000)
    ),
    "not σ²": forecaster(lambda mu, sigma, rng: rng.normal(mu, sigma**2)),
    "below the threshold": lambda x, t, rng: (
        1 - forecaster(lambda m, s, r: r.normal(m, s))(x, t, rng)
    ),
    "plug-in": lambda x, t, rng: np.mean(rng.normal(x.mean(), x.std(ddof=1), 5000) > t),
    "between 0 and 1": lambda x, t, rng: 17.0,
    "same number": lambda x, t, rng: 0.086,
    "on average over 8 runs": lambda x, t, rng: 0.2,
}


@pytest.mark.parametrize("slip", CHANCES)
def test_chance_names_the_slip(slip):
    verdict = checks.chance_above(CHANCES[slip])
    assert verdict.mark == "✗" and slip in verdict.line


right_chance = forecaster(lambda mu, sigma, rng: rng.normal(mu, sigma))


def test_chance_takes_the_right_answer():
    assert checks.chance_above(right_chance).mark == "✓"


def test_every_branch_of_every_check_is_reached():
    with_slip = [lambda mu, s, x, slip=slip: posterior(mu, s, x, **slip) for slip in SLIPS.values()]
    answers = {
        checks.interval: [*INTERVALS.values(), lambda d: np.quantile(d, [0.05, 0.95])],
        checks.log_posterior: [*with_slip, *(wrong for wrong, _ in OTHER_SLIPS), posterior],
        checks.chance_above: [*CHANCES.values(), right_chance],
    }
    verdicts = [check(answer) for check, given in answers.items() for answer in given]
    assert not unsaid(checks, verdicts)
    assert len(unsaid(checks, [])) >= 37
