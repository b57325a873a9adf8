"""What the answers under the sliders say holds under hundreds of lucks, or exactly."""

import functools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from drawings import Drawing
from scipy import stats
from sentences import Says

from ttclib.course.bayesian_estimation import answers, figures, own_figures
from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.sampling import diagnostics, mcmc

says = Says("03_bayesian_estimation")
PRIOR = answers.PRIOR
LUCKS = 200


def measure(n, rng):
    return rng.normal(174, 8, n).round()


HEIGHTS = measure(5, np.random.default_rng(0))
POSTERIOR = PRIOR.update(HEIGHTS)
EXACT = POSTERIOR.marginal_mean().std()
STEP = np.array([4.5, 0.5])
STARTS = {"near": [POSTERIOR.mean, math.log(5)], "far": [120.0, 0.0]}


def target(theta):
    return POSTERIOR.log_joint(*theta.T)


@functools.cache
def walk(start, size, transitions, density=target, chains=4):
    """Draws of μ (transitions, chains, LUCKS): the chains of the view, under many lucks at once."""
    begin = np.tile(STARTS[start], (chains * LUCKS, 1))
    rng = np.random.default_rng(11)
    run = mcmc.run_chains(mcmc.random_walk(density, size * STEP), begin, transitions, rng)
    return run.positions[1:, :, 0].reshape(transitions, chains, LUCKS)


def sd(draws):
    """What all chains of a luck report together: (LUCKS,)."""
    return draws.std(axis=(0, 1))


# ---- section 2: a belief and its measurements ----------------------------------------------------


@pytest.mark.answers("03-012", 1)
def test_without_a_measurement_the_prior_is_drawn(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    view = figures.belief_view(PRIOR, measure, 174, 8, answers.update)
    view.at(seed=3, measurements=0)
    for ax in (0, 3):
        (now,) = view.moving(ax)
        np.testing.assert_array_equal(now.get_xydata(), view.fixed(ax)[0].get_xydata())


@pytest.mark.answers("03-012", 2)
def test_four_times_the_measurements_halve_the_belief():
    ratios = []
    for seed in range(400):
        x = measure(32, np.random.default_rng(seed))
        few, many = (PRIOR.update(x[:n]).marginal_mean().std() for n in (8, 32))
        ratios.append(many / few)
    assert 0.47 < np.median(ratios) < 0.53
    inside = np.mean([0.35 < ratio < 0.7 for ratio in ratios])
    says("In 9 of 10 lucks the ratio is between 0.35 and 0.7", inside >= 0.9)


@pytest.mark.answers("03-012", 3)
def test_a_larger_spread_makes_the_mean_less_certain():
    """Given σ, μ is normal with sd σ / √kappa: exactly, at three spreads."""
    mu = np.linspace(100, 250, 20_001)
    for sigma in (3.0, 6.0, 12.0):
        density = np.exp(POSTERIOR.log_joint(mu, math.log(sigma)))
        density /= density.sum()
        mean = (mu * density).sum()
        width = math.sqrt(((mu - mean) ** 2 * density).sum())
        says(r"its sd is $\sigma/\sqrt\kappa$", math.isclose(width, sigma / 5.5**0.5, rel_tol=1e-6))


@pytest.mark.answers("03-012", 4)
def test_the_cross_is_outside_in_one_luck_of_twenty():
    outside = []
    for seed in range(200):
        belief = PRIOR.update(measure(5, np.random.default_rng(seed)))
        height = math.exp(belief.log_joint(174, math.log(8)))
        outside.append(height < figures._region_levels(belief)[0])
    says("Rarely: in about one of 20", 0.02 <= np.mean(outside) <= 0.08)


# ---- section 3: other coordinates ----------------------------------------------------------------


def test_a_spread_of_at_most_50_loses_next_to_nothing():
    says("above 50 cm there is next to nothing", POSTERIOR.marginal_variance().sf(50**2) < 1e-4)


def test_what_the_wrong_chain_believes():
    """Two residuals of zero: shape grows by 1, and the belief about μ keeps its κ."""
    theta = np.random.default_rng(0).normal([174, 1.7], [3, 0.3], (50, 2))
    wrong = POSTERIOR.log_joint(*theta.T) - 2 * theta[:, 1]
    invented = replace(POSTERIOR, shape=POSTERIOR.shape + 1)
    constant = np.ptp(wrong - invented.log_joint(*theta.T)) < 1e-9
    says("as if two more *residuals* had been seen, both exactly zero", constant)
    really = POSTERIOR.update([POSTERIOR.mean] * 2)
    widths = [belief.marginal_mean().std() for belief in (invented, really)]
    says("they are not two more measurements of", widths[0] > 1.1 * widths[1])


# ---- section 4: chains ---------------------------------------------------------------------------


@pytest.mark.answers("03-024d", 1)
def test_short_chains_are_sure_of_too_little_or_count_the_way_in():
    alone = walk("near", 1, 16).std(axis=0)
    says("Too small, in 9 of 10 chains", np.mean(alone < EXACT) > 0.88)
    far = walk("far", 1, 512)[:64].std(axis=0)
    says("From far it is too large, in every chain", np.mean(far > EXACT) > 0.99)


@pytest.mark.answers("03-024d", 2)
def test_more_transitions_do_not_narrow_the_belief():
    draws = walk("near", 1, 4096)
    short, long = sd(draws[:128]), sd(draws)
    assert np.mean(long / short < 0.8) < 0.1 and np.median(long / short) > 1
    assert np.mean(np.abs(long / EXACT - 1) < 0.1) > 0.95
    assert np.abs(long - EXACT).mean() < np.abs(short - EXACT).mean() / 2
    says("No amount of computing replaces data", True)


@pytest.mark.answers("03-024d", 3)
def test_tiny_steps_are_not_there_at_the_end_of_the_slider():
    alone = walk("near", 1 / 16, 4096).std(axis=0)
    too_small = np.mean(alone < EXACT)
    says("about three of four chains still report too small an sd", 0.65 < too_small < 0.82)
    far = walk("far", 1 / 16, 4096)
    arrived = (far >= POSTERIOR.marginal_mean().ppf(0.05)).any(axis=0)
    says("From far, half of the chains are not even there", 0.35 < np.mean(arrived) < 0.6)
    says("many times too large", np.mean(sd(far) > 3 * EXACT) > 0.95)


@pytest.mark.answers("03-024d", 4)
def test_the_way_in_stays_in_the_sd_until_it_is_dropped():
    draws = walk("far", 1, 4096)
    arrival = (draws >= POSTERIOR.marginal_mean().ppf(0.05)).argmax(axis=0)
    says("Nine of ten within 140 transitions", np.mean(arrival <= 140) > 0.9)
    assert np.mean(sd(draws) > 1.3 * EXACT) > 0.99
    right = {}
    fooled = {}
    cut = {}
    for n in (128, 512, 1024, 4096):
        half = draws[n // 2 : n]
        cut[n] = [figures._dropped(answers.warm_up, draws[:n, :, luck]) for luck in range(LUCKS)]
        chosen = [draws[k:n, :, luck].std() for luck, k in enumerate(cut[n])]
        right[n] = [np.mean(np.abs(given - EXACT) < 0.6) for given in (sd(half), np.array(chosen))]
        fooled[n] = np.mean(np.array(chosen) > 2 * EXACT)
    late = [share for n in (512, 1024, 4096) for share in right[n]]
    says("the sd is right, within 0.6 cm, from 512 transitions on", min(late) > 0.94)
    says("Your warm-up drops less", np.mean([k < 256 for k in cut[512]]) > 0.95)
    says("At 128 transitions it fails in two of three lucks", 0.55 < fooled[128] < 0.8)


@pytest.mark.answers("03-024d", 5)
def test_r_hat_is_silent_about_the_way_in():
    draws = walk("far", 1, 4096)
    early, late = (diagnostics.rhat(draws[:n]) for n in (128, 4096))
    says("In nearly every luck it is at most 1.01", np.mean(late.round(2) <= 1.01) > 0.95)
    ratio = sd(draws) / EXACT
    says("the sd is 1.5 to 4 times too large", np.mean((ratio > 1.5) & (ratio < 4)) > 0.95)
    says("At 128 transitions it was above 1.3", np.mean(early > 1.3) > 0.95)


def test_chains_from_four_places_are_as_content_as_chains_from_one():
    """The first guess of the page is wrong, and what the second rests on, under many lucks."""
    places = np.repeat([120, 156, 192, 228], LUCKS)
    begin = np.column_stack([places, np.zeros(len(places))])
    rng = np.random.default_rng(12)
    run = mcmc.run_chains(mcmc.random_walk(target, STEP), begin, 4096, rng)
    spread = run.positions[1:, :, 0].reshape(4096, 4, LUCKS)
    for draws in (walk("far", 1, 4096), spread):
        assert np.mean(diagnostics.rhat(draws).round(2) <= 1.01) > 0.95
        assert np.mean(sd(draws) > 1.2 * EXACT) > 0.95
        squares = (draws - POSTERIOR.mean) ** 2
        out = squares > 15**2
        share = (squares * out).sum(axis=(0, 1)) / squares.sum(axis=(0, 1))
        says("few draws far out make most of them", np.mean(share > 0.5) > 0.8)
        assert np.median(out.mean(axis=(0, 1))) < 0.03


def test_the_best_steps_accept_about_a_third():
    draws = {}
    rate = {}
    for times in (1 / 4, 1 / 2, 1, 2, 4):
        kernel = mcmc.random_walk(target, times * STEP)
        begin = np.tile(STARTS["near"], (4 * LUCKS, 1))
        run = mcmc.run_chains(kernel, begin, 500, np.random.default_rng(13))
        rate[times] = run.acceptance_rate
        mu = run.positions[1:, :, 0]
        draws[times] = diagnostics.ess(mu, "mean")
    best = max(draws, key=draws.get)
    says("The best ones accept about a third", best == 1 and 0.28 < rate[best] < 0.38)
    assert rate[1 / 4] > 0.7 and rate[4] < 0.05


# ---- section 5: a prior of one's own -------------------------------------------------------------


def own(monkeypatch, high=11):
    monkeypatch.setattr(own_figures, "BudgetView", Drawing)
    return own_figures.opinion_view(
        answers.log_posterior, answers.interval, HEIGHTS, POSTERIOR, high
    )


@pytest.mark.answers("03-032", 1)
def test_the_prior_of_one_s_own_lowers_the_spread(monkeypatch):
    text, _ = own(monkeypatch, high=8).at(seed=1)
    middle, usual = re.search(r"\(exact (\S+); with the prior of section 2 (\S+)\)", text).groups()
    says("the median falls from 5.8 to 3.9 cm", (usual, middle) == ("5.8", "3.9"))


@pytest.mark.answers("03-032", 2)
def test_the_prior_of_one_s_own_narrows_the_mean():
    mu, _, joint = own_figures.opinion(HEIGHTS)
    low, up = own_figures.quantiles_on(mu, joint.sum(axis=1), [0.05, 0.95])
    left, right = POSTERIOR.marginal_mean().interval(0.9)
    said = f"{up - low:.1f} cm wide in place of {right - left:.1f} cm"
    says("6.8 cm wide in place of 8.8 cm", said == "6.8 cm wide in place of 8.8 cm")


@pytest.mark.answers("03-032", 3)
def test_the_median_settles_within_some_hundred_transitions():
    begin = np.tile([HEIGHTS.mean(), math.log(HEIGHTS.std(ddof=1))], (8 * LUCKS, 1))
    kernel = mcmc.random_walk(lambda t: answers.log_posterior(*t.T, HEIGHTS), STEP)
    run = mcmc.run_chains(kernel, begin, 512, np.random.default_rng(14))
    sigma = np.exp(run.positions[1:, :, 1]).reshape(512, 8, LUCKS)
    _, log_sigma, joint = own_figures.opinion(HEIGHTS)
    exact = math.exp(own_figures.quantiles_on(log_sigma, joint.sum(axis=0), [0.5])[0])
    within = {
        n: np.mean(np.abs(np.median(sigma[:n], axis=(0, 1)) - exact) < 0.5)
        for n in (32, 128, 256, 512)
    }
    says("From 128 on in nearly every luck", min(within[n] for n in (128, 256, 512)) > 0.93)
    says("With 32 it is hardly better than tossing a coin", 0.4 < within[32] < 0.7)


# ---- sections 6 to 8 -----------------------------------------------------------------------------


def test_rare_events_live_in_the_tails():
    plugged = stats.norm(HEIGHTS.mean(), HEIGHTS.std(ddof=1))
    ratio = POSTERIOR.predictive().sf(195) / plugged.sf(195)
    says("not a little wrong but by orders of magnitude", ratio > 1e5)


def plug_in_holds(n):
    """(next − mean) / (sd √(1 + 1/n)) is Student's t, whatever the population."""
    return 2 * stats.t.cdf(stats.norm.ppf(0.95) / math.sqrt(1 + 1 / n), n - 1) - 1


@pytest.mark.answers("03-036", 1)
def test_two_measurements_plugged_in_hold_59_percent():
    says("1. 59%.", f"{plug_in_holds(2):.0%}" == "59%")


@pytest.mark.answers("03-036", 2)
def test_85_percent_take_8_to_12():
    says("2. Between 8 and 12.", plug_in_holds(8) < 0.85 < plug_in_holds(12))


@pytest.mark.answers("03-036", 3)
def test_with_many_measurements_the_two_agree():
    says("to about a percent at 64", abs(plug_in_holds(64) - 0.9) < 0.01)


@pytest.mark.answers("03-040c", 1)
def test_what_the_priors_of_section_7_hold():
    """The exact shares of the picture; the counts of 2,000 data sets are tested beside it."""
    told = []
    for mean, kappa in ((170, 0.5), (173, 20), (160, 20)):
        prior = NormalInverseGamma(mean, kappa, 1.5, 96)
        told.append([f"{figures.exact_share(prior, n, 174, 8):.0%}" for n in (16, 256)])
    says(
        "After 16 measurements: weak 90%, strong and right 97%, strong and wrong 0%. "
        "After 256: 90%, 91% and 38%.",
        told == [["90%", "90%"], ["97%", "91%"], ["0%", "38%"]],
    )


def exact_ends(monkeypatch, data):
    """The exact ends of the belief and of the forecast, as the view of section 8 says them."""
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    text, _ = figures.own_view("1 2 3", high=8).at(seed=5, data=data, transitions=16)
    return re.findall(r"\(exact (\S+) to (\S+)\)", text)


@pytest.mark.answers("03-042b", 1)
def test_two_numbers_leave_much_open(monkeypatch):
    belief, forecast = exact_ends(monkeypatch, "1 2")
    low, high = map(float, belief)
    says(
        "The exact belief reaches from −1.7 to 4.7", (round(low, 1), round(high, 1)) == (-1.7, 4.7)
    )
    says("six times as wide as the distance", 6 < high - low < 6.5)
    says("The forecast is from −4.0 to 7.0", forecast == ("-4.0", "7.0"))


@pytest.mark.answers("03-042b", 2)
def test_the_same_pair_three_times_pretends_to_know(monkeypatch):
    belief, forecast = exact_ends(monkeypatch, "1 2 1 2 1 2")
    says("from 1.05 to 1.95", [round(float(end), 2) for end in belief] == [1.05, 1.95])
    says("the forecast from 0.3 to 2.7", [round(float(end), 1) for end in forecast] == [0.3, 2.7])


def test_heavy_tails_make_the_draws_worth_little(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    view = figures.own_view("1 2", high=8)
    worth = []
    for data in ("1 2", "1 2 1 2 1 2"):
        lines = [view.at(seed, data=data, transitions=256)[0] for seed in range(30)]
        worth.append([int(line.split()[-1].replace(",", "")) for line in lines])
    two, six = np.median(worth, axis=1)
    says("the chain finds it hard to visit them", two < six / 4)
