"""Conjugate models against the definition: prior times likelihood, integrated numerically."""

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, rank_p_value
from hypothesis import given, settings
from hypothesis import strategies as st

from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.sampling.mcmc import random_walk

DATA = np.array([4.1, 5.9, 3.3, 6.2, 5.0, 4.4])
UNKNOWN = NormalInverseGamma(mean=3.0, kappa=0.7, shape=2.5, rate=1.8)

datasets = st.lists(st.floats(-100, 100), min_size=1, max_size=12)
beliefs = st.builds(
    NormalInverseGamma,
    st.floats(-50, 50),
    st.floats(0.1, 20),
    st.floats(0.5, 20),
    st.floats(0.1, 50),
)


def log_evidence(belief, data, mu=1.0, log_sigma=0.5):
    """Log of prior · likelihood / posterior, which is the evidence at any μ and σ."""
    from scipy import stats

    log_likelihood = stats.norm.logpdf(data, mu, np.exp(log_sigma)).sum()
    posterior = belief.update(data)
    gained = belief.log_joint(mu, log_sigma) - posterior.log_joint(mu, log_sigma)
    return gained + log_likelihood


@settings(deadline=None)
@given(beliefs, datasets)
def test_evidence_is_the_product_of_the_predictives(belief, data):
    """p(x₁ … xₙ) = Π p(xₜ | x₁ … xₜ₋₁): ties update, predictive and evidence together."""
    total, now = 0.0, belief
    for x in data:
        total += now.predictive().logpdf(x)
        now = now.update([x])
    assert log_evidence(belief, data) == pytest.approx(total, rel=1e-7, abs=1e-7)


@settings(deadline=None)
@given(beliefs, datasets, datasets)
def test_data_may_come_in_portions_and_any_order(belief, first, second):
    at_once = vars(belief.update(first + second))
    assert at_once == pytest.approx(vars(belief.update(second).update(first)), rel=1e-7, abs=1e-7)


def on_grid(posterior, points=1001):
    """Return μ, log σ on a grid that holds nearly all of the posterior, and the area of a cell."""
    mu = np.linspace(*posterior.marginal_mean().ppf([1e-8, 1 - 1e-8]), points)
    log_sigma = 0.5 * np.linspace(
        *np.log(posterior.marginal_variance().ppf([1e-10, 1 - 1e-10])), points
    )
    return mu, log_sigma, (mu[1] - mu[0]) * (log_sigma[1] - log_sigma[0])


def test_posterior_is_prior_times_likelihood_normalised():
    from scipy import stats

    posterior = UNKNOWN.update(DATA)
    mu, log_sigma, area = on_grid(posterior)
    m, s = np.meshgrid(mu, log_sigma, indexing="ij")
    likelihood = sum(stats.norm.logpdf(x, m, np.exp(s)) for x in DATA)
    product = UNKNOWN.log_joint(m, s) + likelihood
    # their ratio is the same everywhere: the evidence
    assert np.ptp(product - posterior.log_joint(m, s)) < 1e-9
    evidence = np.exp(product).sum() * area
    assert log_evidence(UNKNOWN, DATA) == pytest.approx(np.log(evidence), abs=1e-5)


def test_marginals_are_integrals_of_the_joint():
    posterior = UNKNOWN.update(DATA)
    mu, log_sigma, _ = on_grid(posterior)
    joint = np.exp(posterior.log_joint(mu[:, None], log_sigma))
    of_mu = np.trapezoid(joint, log_sigma, axis=1)
    assert np.allclose(of_mu, posterior.marginal_mean().pdf(mu), atol=1e-5)
    variance = np.exp(2 * log_sigma)
    of_log_sigma = np.trapezoid(joint, mu, axis=0)
    assert np.allclose(
        of_log_sigma, posterior.marginal_variance().pdf(variance) * 2 * variance, atol=1e-5
    )
    x = np.array([0.0, 4.0, 7.5])[:, None, None]
    density = np.exp(-0.5 * ((x - mu[:, None]) / np.exp(log_sigma)) ** 2 - log_sigma) / np.sqrt(
        2 * np.pi
    )
    predictive = np.trapezoid(np.trapezoid(density * joint, log_sigma), mu)
    assert predictive == pytest.approx(posterior.predictive().pdf(x.ravel()), abs=1e-6)


def test_a_variance_as_good_as_known():
    """A belief about σ² worth 2·10⁸ observations is knowledge of σ²: BDA3 equation 2.11."""
    from scipy import stats

    sure = NormalInverseGamma(3.0, 1.3**2 / 2.0**2, 1e8, 1e8 * 1.3**2)
    precision = 1 / 2.0**2 + 6 / 1.3**2
    posterior = sure.update(DATA)
    assert posterior.mean == pytest.approx((3.0 / 2.0**2 + 6 * DATA.mean() / 1.3**2) / precision)
    assert posterior.marginal_mean().std() == pytest.approx(precision**-0.5)
    exact = stats.multivariate_normal(np.full(6, 3.0), 4.0 + 1.3**2 * np.eye(6)).logpdf(DATA)
    total, now = 0.0, sure
    for x in DATA:
        total += now.predictive().logpdf(x)
        now = now.update([x])
    assert total == pytest.approx(exact, abs=1e-5)


@pytest.mark.statistical
def test_draws_follow_the_marginals(seed):
    """The event sup |F̂ − F| > √(ln(2/α)/2n) has probability at most α (Massart 1990); α = 5e-7,
    twice.
    """
    posterior, n = UNKNOWN.update(DATA), 100_000
    draws = posterior.sample(n, np.random.default_rng(seed))
    exact = (
        posterior.marginal_mean().cdf(draws[:, 0]),
        posterior.marginal_variance().cdf(draws[:, 1] ** 2),
    )
    bound = np.sqrt(np.log(2 / 5e-7) / (2 * n))

    def distance(u):
        return np.abs(np.sort(u) - (np.arange(n) + 0.5) / n).max() + 0.5 / n

    assert max(map(distance, exact)) < bound
    # power: the distribution of μ with σ² known (normal, no heavy tails) is told apart
    from scipy import stats

    plug_in = stats.norm(
        posterior.mean, np.sqrt(posterior.rate / (posterior.shape * posterior.kappa))
    )
    assert distance(plug_in.cdf(draws[:, 0])) > bound


@pytest.mark.statistical
def test_metropolis_keeps_the_conjugate_posterior(seed):
    """The sampler of notebook 03 on its own target: exact rank test, level 1e-6; power shown."""
    posterior, rng = UNKNOWN.update(DATA), np.random.default_rng(seed)
    exact = posterior.sample(20_000, rng)
    exact[:, 1] = np.log(exact[:, 1])
    statistics = [lambda x: x[:, 0], lambda x: x[:, 1], lambda x: posterior.log_joint(*x.T)]

    def kernel(belief):
        return random_walk(lambda x: belief.log_joint(x[:, 0], x[:, 1]), [1.0, 0.6])

    assert rank_p_value(kernel(posterior), exact, rng, statistics) > FALSE_ALARM
    no_jacobian = random_walk(
        lambda x: posterior.log_joint(x[:, 0], x[:, 1]) - 2 * x[:, 1], [1.0, 0.6]
    )
    assert rank_p_value(no_jacobian, exact, rng, statistics) < FALSE_ALARM
    one_datum_lost = kernel(UNKNOWN.update(DATA[1:]))
    assert rank_p_value(one_datum_lost, exact, rng, statistics) < FALSE_ALARM


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NormalInverseGamma(0, 0, 1, 1), "kappa is 0"),
        (lambda: NormalInverseGamma(0, 1, -1, 1), "shape is -1"),
        (lambda: NormalInverseGamma(0, 1, 1, np.nan), "rate is nan"),
        (lambda: NormalInverseGamma(np.inf, 1, 1, 1), "mean is inf"),
        (lambda: NormalInverseGamma(0, 1, 1, "a"), "rate is 'a'"),
        (lambda: UNKNOWN.update([]), "data is empty"),
        (lambda: UNKNOWN.update([[1.0]]), "data has 2 dimensions"),
        (lambda: UNKNOWN.update([1.0, np.nan]), "data holds 1 values"),
        (lambda: UNKNOWN.sample(0, None), "n is 0"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
