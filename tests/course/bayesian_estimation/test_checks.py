"""Checks of notebook 03: the right answer passes, and each slip is told what it is.

The text field of the notebook, too.
"""

import math

import numpy as np
import pytest

from ttclib.course.bayesian_estimation import checks
from ttclib.course.bayesian_estimation.figures import numbers
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


@pytest.mark.parametrize(
    ("wrong", "slip"),
    [
        (lambda mu, s, x: -posterior(mu, s, x), "sign is turned"),
        (lambda mu, s, x: posterior(mu, np.log(s), x), "the second argument is log σ"),
        (
            lambda mu, s, x: (
                -((mu - 170) ** 2) / 800
                - s / 10
                - len(x) * s
                - ((x - mu) ** 2).sum() / (2 * s**2)
                + s
            ),
            "the second argument is log σ",
        ),
    ],
)
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


def test_chance_takes_the_right_answer():
    assert checks.chance_above(forecaster(lambda mu, sigma, rng: rng.normal(mu, sigma))).mark == "✓"


@pytest.mark.parametrize("check", [checks.interval, checks.log_posterior, checks.chance_above])
def test_blanks_are_harmless(check):
    for blank in (..., lambda *args: ...):
        assert repr(check(blank)) == "– not attempted yet"


@pytest.mark.parametrize("text", ["4.1 5.9, 3", "4.1,5.9;3", "  4.1\t5.9 ,, 3.0 "])
def test_numbers_reads_spaces_and_commas(text):
    assert numbers(text) == (4.1, 5.9, 3.0)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "at least 2 .* holds 0"),
        ("4.1", "at least 2 .* holds 1"),
        ("4.1 five", "'five' is not a number"),
        ("1 nan", "finite"),
        ("1 inf", "finite"),
        ("1 1e300", "finite"),
        ("3 3 3", "all numbers are equal"),
        ("0 0", "all numbers are equal"),
        ("0.1 0.10000000000000002", "all numbers are equal"),
    ],
)
def test_numbers_says_what_is_wrong_in_one_line(text, line):
    with pytest.raises(ValueError, match=line) as caught:
        numbers(text)
    assert "\n" not in str(caught.value)
