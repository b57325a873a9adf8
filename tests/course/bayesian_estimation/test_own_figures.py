"""Pictures of notebook 03 that draw a function of the learner: what is exact, what is asked."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of
from scipy import integrate, stats

from ttclib.course.bayesian_estimation import answers, own_figures
from ttclib.sampling import mcmc

HEIGHTS = np.array([175.0, 173.0, 179.0, 175.0, 170.0])
POSTERIOR = answers.PRIOR.update(HEIGHTS)
STEP = np.array([4.5, 0.5])


@pytest.fixture(autouse=True)
def drawings(monkeypatch):
    monkeypatch.setattr(own_figures, "BudgetView", Drawing)
    monkeypatch.setattr(own_figures, "Picture", Sheet)


def target(theta):
    return POSTERIOR.log_joint(*theta.T)


def test_price_picture_asks_for_each_run_and_draws_the_median():
    asked = []

    def price(draws, evaluations):
        asked.append((draws.shape, evaluations))
        return float(len(asked))

    sheet = own_figures.price_picture(price, target, [174.0, 1.6], STEP, transitions=200, runs=4)
    assert set(asked) == {((200, 4), 804)} and len(asked) <= 44
    cost, share = sheet.fig.axes
    dots = numbers_of(cost.lines[1])
    assert dots[:, 0].tolist() == [2.0**k for k in range(-5, 6)]
    drawn = SimpleNamespace(collections=[c for c in cost.collections if c.get_paths()])
    ((x, low, high),) = bands(drawn)
    assert (low <= dots[:, 1]).all() and (dots[:, 1] <= high).all() and (x == dots[:, 0]).all()
    rate = share.lines[0].get_ydata()
    assert (np.diff(rate) <= 0).all() and rate[0] > 0.9 and rate[-1] < 0.02
    said = [int(word.replace(",", "")) for word in re.findall(r" ([0-9,]+) [(]", sheet.text)]
    assert said == [round(dots[i, 1]) for i in (1, 5, 8)]


def test_price_picture_counts_chains_that_never_moved_as_one_draw():
    sheet = own_figures.price_picture(
        lambda draws, evaluations: 5.0,
        target,
        [174.0, 1.6],
        STEP * [1e6, 1],
        transitions=20,
        runs=2,
    )
    assert sheet.fig.axes[0].lines[1].get_ydata()[-1] == 84


def test_the_good_steps_are_the_cheapest():
    sheet = own_figures.price_picture(answers.price, target, [174.0, 1.6], STEP)
    prices = sheet.fig.axes[0].lines[1].get_ydata()
    assert prices.argmin() in (5, 6) and prices[1] > 10 * prices[5] and prices[8] > 5 * prices[5]


def test_the_opinion_is_exact():
    """Its margins by adaptive integration of the density as section 5 states it."""

    def density(log_sigma, mu):
        sigma = math.exp(log_sigma)
        prior = stats.norm.pdf(mu, 170, 20) * stats.expon.pdf(sigma, scale=10)
        return 1e6 * prior * np.prod(stats.norm.pdf(HEIGHTS, mu, sigma)) * sigma

    def mass(low, high):
        return integrate.dblquad(density, low, high, -0.5, 4.5, epsabs=1e-9, epsrel=1e-4)[0]

    mu, log_sigma, joint = own_figures.opinion(HEIGHTS)
    cell = (mu[1] - mu[0]) * (log_sigma[1] - log_sigma[0])
    assert joint.sum() * cell == pytest.approx(1)
    low, middle, high = own_figures.quantiles_on(mu, joint.sum(axis=1), [0.05, 0.5, 0.95])
    whole = mass(130, 220)
    assert mass(130, low) / whole == pytest.approx(0.05, abs=1e-3)
    assert mass(low, high) / whole == pytest.approx(0.9, abs=1e-3)
    assert middle == pytest.approx(174.3, abs=0.1)
    edges = (joint[0].max(), joint[-1].max(), joint[:, 0].max(), joint[:, -1].max())
    assert max(edges) < 1e-6 * joint.max()


@pytest.mark.parametrize("transitions", [16, 256])
def test_opinion_view_tells_the_walk_of_the_learner(seed, transitions):
    asked = []

    def density(mu, log_sigma, x):
        asked.append(len(x))
        return [answers.log_posterior(mu, log_sigma, x)]  # a list of one is as good

    ends = lambda draws: (draws.min(), draws.max())  # noqa: E731
    view = own_figures.opinion_view(density, ends, HEIGHTS, POSTERIOR, high=8)
    text, cost = view.at(seed, transitions=transitions)
    start = np.tile([HEIGHTS.mean(), math.log(HEIGHTS.std(ddof=1))], (8, 1))
    kernel = mcmc.random_walk(lambda t: answers.log_posterior(*t.T, HEIGHTS), STEP)
    run = mcmc.run_chains(kernel, start, transitions, np.random.default_rng(seed))
    mu, log_sigma = np.moveaxis(run.positions[1:], -1, 0)
    assert text.startswith(f"90% of the belief about μ: {mu.min():.1f} to {mu.max():.1f} cm")
    assert f"median of σ {np.median(np.exp(log_sigma)):.1f} cm" in text
    assert cost.units == (transitions + 1) * 8 and set(asked) == {5}
    for ax, lines in enumerate((view.fixed(0), view.fixed(1))):
        styles = [line.get_linestyle() for line in lines if len(line.get_xdata())]
        assert styles == [":", "--"]
        _, exact = [line for line in lines if len(line.get_xdata())]
        assert integrate.trapezoid(exact.get_ydata(), exact.get_xdata()) == pytest.approx(
            1, abs=2e-3
        ), ax


def test_chance_picture_asks_at_each_threshold():
    asked = []

    def chance(x, threshold, rng):
        asked.append((threshold, rng.random()))
        return POSTERIOR.predictive().sf(threshold)

    plug_in = stats.norm(HEIGHTS.mean(), HEIGHTS.std(ddof=1))
    sheet = own_figures.chance_picture(chance, HEIGHTS, POSTERIOR.predictive(), plug_in, runs=3)
    assert len(set(asked)) == 21 and {t for t, _ in asked} == set(range(170, 201, 5))
    exact, plugged, dots = sheet.fig.axes[0].lines
    np.testing.assert_allclose(exact.get_ydata(), POSTERIOR.predictive().sf(exact.get_xdata()))
    np.testing.assert_allclose(plugged.get_ydata(), plug_in.sf(plugged.get_xdata()))
    np.testing.assert_allclose(dots.get_ydata(), POSTERIOR.predictive().sf(dots.get_xdata()))
    right = POSTERIOR.predictive().sf(185)
    assert f"185 cm: {right:.1%}, exact {right:.1%}, plug-in {plug_in.sf(185):.2%}" in sheet.text
