"""Pictures of notebook 03: beliefs are exact, and what is told of a chain is told of its draws."""

import html
import math

import ipywidgets as W
import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of
from exact_p_values import FALSE_ALARM, binomial_p_value
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from views import every, line_of, no_event_loop_of_another_test, shown  # noqa: F401

from ttclib.course.bayesian_estimation import answers, figures
from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.sampling import diagnostics, mcmc

PRIOR = NormalInverseGamma(mean=170, kappa=0.5, shape=1.5, rate=96)
HEIGHTS = np.array([175.0, 173.0, 179.0, 175.0, 170.0])
POSTERIOR = PRIOR.update(HEIGHTS)
POPULATION = stats.norm(174, 8)


def measure(n, rng):
    return rng.normal(174, 8, n).round()


def middle(x, width=1.645):
    """An interval of x (..., n)."""
    half = width * x.std(axis=-1, ddof=1)
    return x.mean(axis=-1) - half, x.mean(axis=-1) + half


@pytest.fixture
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


@pytest.fixture
def luck(seed):
    """A luck that is not the 0 with which every view starts."""
    return seed + 1


def dashed(lines):
    return [line for line in lines if line.get_linestyle() == "--"]


def steps_of(view, ax):
    """Heights of the histogram that ``fill_between`` drew."""
    (shape,) = (c for c in view.fig.axes[ax].collections if c not in view.still)
    vertices = shape.get_paths()[0].vertices
    top = vertices[1 : 1 + 2 * 61]  # over the 61 edges, each height twice
    return top[:120:2, 1]


# ---- beliefs -------------------------------------------------------------------------------------


def test_density_and_interval_of_the_spread():
    density = lambda sigma: figures.spread_density(POSTERIOR, sigma)  # noqa: E731
    low, high = figures.spread_interval(POSTERIOR, 0.8)
    for ends, share in (((0, low), 0.1), ((low, high), 0.8), ((high, np.inf), 0.1)):
        assert integrate.quad(density, *ends)[0] == pytest.approx(share, abs=1e-6)


@pytest.mark.statistical
def test_rings_hold_what_they_say(drawings, luck):
    """Of exact draws, the share with a higher density than the ring's; false alarm 1e-6."""
    mu, sigma = POSTERIOR.sample(20_000, np.random.default_rng(luck)).T
    height = np.exp(POSTERIOR.log_joint(mu, np.log(sigma)))
    for level, share in zip(figures._region_levels(POSTERIOR), (0.9, 0.5), strict=True):
        # the ring itself is a quantile of 20,000 draws: a second sample as large is compared
        held = (height > level).sum()
        error = math.sqrt(2 * 20_000 * share * (1 - share))
        assert abs(held - 20_000 * share) < 5.5 * error


@pytest.mark.parametrize("n", [0, 1, 5, 32])
def test_belief_view_tells_and_draws_the_exact_posterior(drawings, luck, n):
    view = figures.belief_view(PRIOR, measure, mean=174, sd=8, update=answers.update)
    text, cost = view.at(luck, measurements=n)
    x = measure(32, np.random.default_rng(luck))[:n]
    kappa, shape = 0.5 + n, 1.5 + n / 2
    mean = (0.5 * 170 + x.sum()) / kappa
    squares = ((x - x.mean()) ** 2).sum() + 0.5 * n * (x.mean() - 170) ** 2 / kappa if n else 0
    rate = 96 + squares / 2
    of_mu = stats.t(2 * shape, mean, math.sqrt(rate / (shape * kappa)))
    low, high = 1 / np.sqrt(stats.gamma(shape, scale=1 / rate).ppf([0.95, 0.05]))
    assert text == (
        f"μ: mean {mean:.1f}, sd {of_mu.std():.2f} cm; σ: 90% between {low:.1f} and {high:.1f} cm "
        "(population 174 and 8)"
    )
    assert cost.units == n
    (top,) = view.moving(0)
    np.testing.assert_allclose(top.get_ydata(), of_mu.pdf(top.get_xdata()))
    (side,) = view.moving(3)
    density, sigma = numbers_of(side).T
    of_precision = stats.gamma(shape, scale=1 / rate).pdf(sigma**-2.0)  # times |dσ⁻²/d log σ|
    np.testing.assert_allclose(density, of_precision * 2 * sigma**-2.0)
    (ticks,) = view.moving(2)
    np.testing.assert_array_equal(ticks.get_xdata(), x)  # more of them go on with the same people


def test_belief_view_shows_prior_and_population(drawings):
    view = figures.belief_view(PRIOR, measure, mean=174, sd=8, update=answers.update)
    prior, mean = view.fixed(0)
    np.testing.assert_allclose(prior.get_ydata(), PRIOR.marginal_mean().pdf(prior.get_xdata()))
    assert (mean.get_linestyle(), mean.get_xdata()[0]) == ("--", 174)
    (sd,) = dashed(view.fixed(3))
    assert sd.get_ydata()[0] == 8
    assert numbers_of(view.fixed(2)[0]).tolist() == [[174, 8]]
    names = [tick.get_text() for tick in view.fig.axes[2].get_yticklabels()]
    assert names == ["2", "4", "8", "16", "32"]


def test_jacobian_picture_tells_the_medians(drawings, luck):
    rng = np.random.default_rng(luck)
    draws = {"right": rng.gamma(6, 1, (400, 8)), "wrong": rng.gamma(5, 1, (400, 8))}
    sheet = figures.jacobian_picture(draws, POSTERIOR)
    exact = 1 / math.sqrt(stats.gamma(POSTERIOR.shape, scale=1 / POSTERIOR.rate).median())
    medians = [np.median(sigma) for sigma in draws.values()]
    assert sheet.text == (
        f"median of σ: right {medians[0]:.1f}, wrong {medians[1]:.1f}, exact {exact:.1f} cm"
    )
    (line,) = sheet.fig.axes[0].lines
    assert line.get_linestyle() == "--"
    assert integrate.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(0.99, abs=0.01)
    for shape, sigma in zip(sheet.fig.axes[0].patches, draws.values(), strict=True):
        heights, _ = np.histogram(sigma, bins=80, range=(0, 16), density=True)
        np.testing.assert_allclose(shape.get_xy()[1:160:2, 1], heights)


# ---- chains --------------------------------------------------------------------------------------

STEP = np.array([4.5, 0.5])
STARTS = {"near": [174.0, 1.6], "far": [120.0, 0.0]}
SIZES = {"tiny": STEP / 16, "good": STEP, "huge": STEP * [1e6, 1]}


def log_density(theta):
    return POSTERIOR.log_joint(*theta.T)


@pytest.fixture
def chains(drawings):
    return figures.chain_view(log_density, POSTERIOR, STARTS, SIZES, answers.warm_up, high=8)


def drawn(view):
    """What the traces show: all draws of μ (transitions, 4), while there are few of them."""
    return np.array([line.get_ydata() for line in view.moving(0)]).T


def chain_text(moved, mu, dropped=0):
    exact = POSTERIOR.marginal_mean()
    worth = f"ESS {diagnostics.ess(mu, 'mean'):,.0f}, R-hat {diagnostics.rhat(mu):.2f}"
    left_out = f"first {dropped} of each chain dropped; " if dropped else ""
    return (
        f"accepted {moved.mean():.1%}; {left_out}μ: mean {mu.mean():.1f}, sd {mu.std():.2f} "
        f"(exact {exact.mean():.1f}, {exact.std():.2f}); {mu.size:,} draws: {worth}"
    )


@pytest.mark.parametrize("size", ["tiny", "good"])
@pytest.mark.parametrize("start", ["near", "far"])
def test_chain_view_tells_what_its_traces_show(chains, luck, start, size):
    text, cost = chains.at(luck, transitions=128, start=start, step_size=size)
    mu = drawn(chains)
    moved = np.diff(mu, axis=0, prepend=[[STARTS[start][0]] * 4]) != 0
    assert text == chain_text(moved, mu) and cost.units == 129 * 4
    assert abs(mu[0] - STARTS[start][0]).max() < 6 * SIZES[size][0]
    heights, _ = np.histogram(mu, 60, (155, 193))
    np.testing.assert_allclose(steps_of(chains, 1), heights / mu.size / (38 / 60))
    middle_line, now = chains.moving(2)
    np.testing.assert_allclose(now.get_ydata(), np.maximum(mu.std(axis=0), 0.08))
    assert set(now.get_xdata()) == {128} and len(middle_line.get_xdata()) == 5


def test_a_longer_chain_goes_on_with_the_shorter_one(chains, luck):
    chains.at(luck, transitions=32)
    short = drawn(chains)
    chains.at(luck, transitions=256)
    np.testing.assert_array_equal(drawn(chains)[:32], short)
    chains.at(luck + 1, transitions=32)
    assert (drawn(chains) != short).any()


def test_the_first_half_is_dropped_from_the_numbers_only(chains, luck):
    text, _ = chains.at(luck, transitions=128, start="far, first half dropped", step_size="good")
    mu = drawn(chains)
    assert len(mu) == 128
    moved = np.diff(mu, axis=0, prepend=[[120.0] * 4]) != 0
    assert text == chain_text(moved, mu[64:], 64)
    dropped = numbers_of(chains.moving(2)[0])
    chains.at(luck, transitions=128, start="far", step_size="good")
    kept = numbers_of(chains.moving(2)[0])
    assert (drawn(chains) == mu).all() and (dropped != kept).any()


def test_the_warm_up_of_the_learner_is_dropped(drawings, luck):
    """The rule is told where the later half lies; as it says, and no more than leaves eight."""
    asked = []

    def rule(mu, low, high):
        asked.append((len(mu), low, high))
        return 37 if len(mu) > 100 else 1000

    view = figures.chain_view(log_density, POSTERIOR, STARTS, SIZES, rule, high=8)
    where = {"start": "far, your warm-up dropped", "step_size": "good"}
    text, _ = view.at(luck, transitions=128, **where)
    mu = drawn(view)
    moved = np.diff(mu, axis=0, prepend=[[120.0] * 4]) != 0
    assert text == chain_text(moved, mu[37:], 37)
    assert asked[0] == (128, *np.quantile(mu[64:], [0.05, 0.95]))
    text, _ = view.at(luck, transitions=64, **where)
    assert text == chain_text(moved[:64], mu[56:64], 56)


def test_sds_after_a_warm_up_are_those_of_the_rest(seed):
    mu = np.random.default_rng(seed).standard_normal((64, 3)).cumsum(axis=0)
    sds = figures._sd_after(answers.warm_up, mu, [16, 64])
    for row, n in enumerate((16, 64)):
        for chain in range(3):
            alone = mu[:n, chain]
            low, high = np.quantile(alone[n // 2 :], [0.05, 0.95])
            first = next(t for t, value in enumerate(alone) if low <= value <= high)
            assert sds[row, chain] == pytest.approx(alone[min(first, n - 8) :].std())


def test_a_chain_that_never_moved_has_no_worth(chains):
    text, _ = chains.at(transitions=16, start="near", step_size="huge")
    assert text.startswith("accepted 0.0%") and text.endswith("64 draws: no chain moved")


def test_chain_view_shows_what_is_exact(chains):
    of_mu = POSTERIOR.marginal_mean()
    (sd,) = dashed(chains.fixed(2))
    assert sd.get_ydata()[0] == of_mu.std()
    (mu,), (sigma,) = (dashed(chains.fixed(ax)) for ax in (1, 3))
    np.testing.assert_allclose(mu.get_ydata(), of_mu.pdf(mu.get_xdata()))
    areas = integrate.trapezoid(sigma.get_ydata(), sigma.get_xdata())
    assert areas == pytest.approx(1, abs=0.02)


def test_running_sds_are_those_of_all_draws_and_of_the_later_half(seed):
    kernel = mcmc.random_walk(log_density, STEP)
    start = np.tile(STARTS["near"], (7, 1))
    everything, later = figures._running_sd(
        kernel, start, [4, 8, 16], np.random.default_rng(seed), 174.0
    )
    mu = mcmc.run_chains(kernel, start, 16, np.random.default_rng(seed)).positions[1:, :, 0]
    for row, n in enumerate((4, 8, 16)):
        np.testing.assert_allclose(everything[row], mu[:n].std(axis=0), atol=1e-6)
        np.testing.assert_allclose(later[row], mu[n // 2 : n].std(axis=0), atol=1e-6)


def test_the_band_is_of_the_chosen_start_and_step(drawings, monkeypatch):
    """Sixty single chains for each setting, in the order of the settings."""
    sds = lambda *given: [np.arange(6.0).repeat(60) * np.ones((5, 1)) + k for k in (1, 11)]  # noqa: E731
    monkeypatch.setattr(figures, "_running_sd", sds)
    view = figures.chain_view(log_density, POSTERIOR, STARTS, SIZES, answers.warm_up, high=8)
    order = [(start, size) for start in STARTS for size in SIZES]
    for k, (start, size) in enumerate(order):
        view.at(transitions=16, start=start, step_size=size)
        assert set(view.moving(2)[0].get_ydata()) == {k + 1}
    view.at(transitions=16, start="far, first half dropped", step_size="tiny")
    assert set(view.moving(2)[0].get_ydata()) == {order.index(("far", "tiny")) + 11}


# ---- forecasts -----------------------------------------------------------------------------------


def test_predictive_picture_tells_the_intervals_and_what_they_hold(drawings, luck):
    exact = POSTERIOR.predictive()
    plug_in = stats.norm(174.4, 3.3)
    new = exact.rvs(4000, random_state=np.random.default_rng(luck))
    sheet = figures.predictive_picture(new, exact, plug_in, POPULATION)
    low, high = np.sort(new)[[200, 3800]]
    ends = [forecast.ppf([0.05, 0.95]) for forecast in (exact, plug_in)]
    held = [np.diff(POPULATION.cdf(pair))[0] for pair in ends]
    assert sheet.text == (
        f"90% interval of the chain's draws {low:.0f} to {high:.0f} cm, exact {ends[0][0]:.0f} to "
        f"{ends[0][1]:.0f}: it holds {held[0]:.0%} of the population; plug-in {ends[1][0]:.0f} to "
        f"{ends[1][1]:.0f}: {held[1]:.0%}"
    )
    right, wrong, *bars = sheet.fig.axes[0].lines
    assert right.get_linestyle() == "--"
    np.testing.assert_allclose(right.get_ydata(), exact.pdf(right.get_xdata()))
    np.testing.assert_allclose(wrong.get_ydata(), plug_in.pdf(wrong.get_xdata()))
    np.testing.assert_allclose([bar.get_xdata() for bar in bars], ends)
    heights, _ = np.histogram(new, bins=68, range=(140, 208), density=True)
    np.testing.assert_allclose([bar.get_height() for bar in sheet.fig.axes[0].patches], heights)


def exact_predictive(x):
    """Ends of the 90% interval for the next person, from measurements x (..., n)."""
    n = x.shape[-1]
    kappa, shape = 0.5 + n, 1.5 + n / 2
    average = x.mean(axis=-1)
    rate = 96 + (n * x.var(axis=-1) + 0.5 * n * (average - 170) ** 2 / kappa) / 2
    mean = (0.5 * 170 + n * average) / kappa
    half = stats.t(2 * shape).ppf(0.95) * np.sqrt(rate * (kappa + 1) / (shape * kappa))
    return mean - half, mean + half


def test_the_exact_forecast_of_these_tests_is_the_library_s():
    np.testing.assert_allclose(exact_predictive(HEIGHTS), POSTERIOR.predictive().interval(0.9))


@pytest.mark.statistical
def test_coverage_is_what_theory_promises(drawings):
    """A binomial count in populations drawn from the prior, for both forecasts; 24 counts."""
    worlds = 10_000
    view = figures.coverage_view(PRIOR, measure, POPULATION, exact_predictive, middle, worlds)
    view.at(measurements=64)
    (promised,) = [line for line in dashed(view.fixed(1)) if len(line.get_xdata()) == 12]
    p_values = []
    for line, exact in zip(view.moving(1), (np.full(12, 0.9), promised.get_ydata()), strict=True):
        p_values += [
            binomial_p_value(round(share * worlds), worlds, p)
            for share, p in zip(line.get_ydata(), exact, strict=True)
        ]
    assert len(p_values) * min(p_values) > FALSE_ALARM
    # and the two forecasts are told apart where section 6 says they differ
    assert binomial_p_value(round(line.get_ydata()[0] * worlds), worlds, 0.9) < 1e-6


def test_coverage_view_tells_both_forecasts(drawings, luck):
    wide = lambda x: middle(x, 4.0)  # noqa: E731
    view = figures.coverage_view(PRIOR, measure, POPULATION, wide, middle, worlds=50)
    for n in (2, 8):
        text, cost = view.at(luck, measurements=n)
        x = measure(64, np.random.default_rng(luck))[:n]
        said = [
            f"{name} {low:.0f} to {high:.0f} cm"
            for name, (low, high) in (("predictive", wide(x)), ("plug-in", middle(x)))
        ]
        assert text.startswith(f"90% forecasts: {said[0]}; {said[1]}. In 50 populations")
        assert cost.units == n
        predicted, plugged = view.moving(1)
        exact = 2 * stats.t.cdf(stats.norm.ppf(0.95) / math.sqrt(1 + 1 / n), n - 1) - 1
        shares = [line.get_ydata()[-1] for line in (predicted, plugged)]
        assert f"{shares[0]:.1%} (exact 90%) and {shares[1]:.1%} (exact {exact:.1%})" in text
        assert predicted.get_xdata()[-1] == n and shares[0] > shares[1]
        curves = view.moving(0)
        np.testing.assert_array_equal(curves[-1].get_xdata(), x)
        believed = PRIOR.update(x).predictive()
        np.testing.assert_allclose(curves[0].get_ydata(), believed.pdf(curves[0].get_xdata()))
        np.testing.assert_allclose(curves[1].get_xdata(), wide(x))
        np.testing.assert_allclose(curves[3].get_xdata(), middle(x))


def test_prior_picture_counts_intervals(drawings):
    priors = {"weak": PRIOR, "wrong": NormalInverseGamma(160, 20, 1.5, 96)}

    def credible(prior, x):
        n = x.shape[-1]
        average = (prior.kappa * prior.mean + x.sum(axis=-1)) / (prior.kappa + n)
        return average - 13 / math.sqrt(n), average + 13 / math.sqrt(n)

    sheet = figures.prior_picture(priors, credible, measure, mean=174, sd=8, repeats=40)
    x = measure(40 * 256, np.random.default_rng(0)).reshape(40, 256)
    told = []
    one, many = sheet.fig.axes
    for k, (name, prior) in enumerate(priors.items()):
        line, exact = many.lines[2 * k : 2 * k + 2]
        assert exact.get_linestyle() == "--"
        wanted = [figures.exact_share(prior, n, 174, 8) for n in 2 ** np.arange(9)]
        np.testing.assert_array_equal(exact.get_ydata(), wanted)
        shares = []
        for n in 2 ** np.arange(9):
            low, high = credible(prior, x[:, :n])
            shares.append(sum(a <= 174 <= b for a, b in zip(low, high, strict=True)) / 40)
        np.testing.assert_allclose(line.get_ydata(), shares)
        told.append(f"{name} {shares[0]:.0%}, {shares[4]:.0%}, {shares[8]:.0%}")
    assert sheet.text == (
        "share of 90% intervals that hold the population mean after 1, 16, 256 measurements: "
        + "; ".join(told)
    )
    assert dashed(one.lines)[0].get_ydata()[0] == 174
    (promised,) = [line for line in many.lines if line.get_linestyle() == ":"]
    assert promised.get_ydata()[0] == 0.9
    for bars, prior in zip(one.collections, priors.values(), strict=True):
        ends = [credible(prior, x[0, :n]) for n in 2 ** np.arange(9)]
        np.testing.assert_allclose([segment[:, 1] for segment in bars.get_segments()], ends)


@pytest.mark.statistical
@pytest.mark.parametrize("n", [1, 5, 64])
def test_exact_shares_of_intervals_are_exact(n, seed):
    """A binomial count in data sets of one population, level 1e-6; a prior moved is told apart."""
    prior = NormalInverseGamma(mean=168, kappa=3, shape=1.5, rate=96)
    x = np.random.default_rng(seed).normal(174, 8, (40_000, n))
    average = x.mean(axis=1)
    squares = ((x - average[:, None]) ** 2).sum(axis=1)
    rate = 96 + (squares + 3 * n * (average - 168) ** 2 / (3 + n)) / 2
    shape = 1.5 + n / 2
    half = stats.t(2 * shape).ppf(0.95) * np.sqrt(rate / (shape * (3 + n)))
    held = np.count_nonzero(np.abs((3 * 168 + n * average) / (3 + n) - 174) <= half)
    assert 3 * binomial_p_value(held, 40_000, figures.exact_share(prior, n, 174, 8)) > FALSE_ALARM
    moved = NormalInverseGamma(mean=150, kappa=3, shape=1.5, rate=96)
    assert binomial_p_value(held, 40_000, figures.exact_share(moved, n, 174, 8)) < FALSE_ALARM


# ---- your own numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["4.1 5.9, 3", "4.1,5.9;3", "  4.1\t5.9 ,, 3.0 "])
def test_numbers_reads_spaces_and_commas(text):
    assert figures.numbers(text) == (4.1, 5.9, 3.0)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("9,1; 10,2; 11,0", (9.1, 10.2, 11.0)),
        ("-0,5;3;\n1,25", (-0.5, 3.0, 1.25)),
        ("31,28,35", (31.0, 28.0, 35.0)),
        ("31, 28,\t35,", (31.0, 28.0, 35.0)),
        ("9.125 1.250", (9.125, 1.25)),
        ("4.1,5.9", (4.1, 5.9)),
    ],
)
def test_a_comma_is_read_as_it_is_meant(text, values):
    assert figures.numbers(text) == values


@given(st.lists(st.integers(-9999, 9999), min_size=2, max_size=6), st.data())
def test_no_decimal_comma_is_ever_split(hundredths, data):
    words = [f"{k / 100:.2f}".replace(".", ",") for k in hundredths]
    text = words[0]
    for word in words[1:]:
        text += data.draw(st.sampled_from([";", "; ", " ", ", ", "\n", " ;"])) + word
    try:
        read = figures.numbers(text)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert read == pytest.approx([k / 100 for k in hundredths])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "at least 2 .* holds 0"),
        ("4.1", "at least 2 .* holds 1"),
        ("4.1 five", "'five' is not a number"),
        ("1 nan", "finite"),
        ("1 inf", "finite"),
        ("1 1e300", "finite"),
        ("9,1 10,2 11,0", "two ways; write 9.1 10.2"),
        ("9,1, 10,2", "two ways"),
        ("9,1", "two ways"),
        ("1,000 2,000", "two ways"),
        ("12,500,000", "two ways"),
        ("1_000 2", "'1_000' is not a number"),
        ("3 3 3", "all numbers are equal"),
        ("0 0", "all numbers are equal"),
        ("0.1 0.10000000000000002", "all numbers are equal"),
    ],
)
def test_numbers_says_what_is_wrong_in_one_line(text, line):
    with pytest.raises(ValueError, match=line) as caught:
        figures.numbers(text)
    assert "\n" not in str(caught.value)


def test_own_view_keeps_its_picture_when_a_text_does_not_parse():
    view = figures.own_view("31 28 35", high=8)
    (box,) = every(view, W.Text)
    good = shown(view)
    for text in ("31", "31 x", "3 3"):
        box.value = text
        assert line_of(view) and "\n" not in html.unescape(line_of(view)) and shown(view) == good
    box.value = "1 2"
    assert not line_of(view) and shown(view) != good and "2 numbers" in shown(view)[1]


@pytest.mark.parametrize("data", [(31.0, 28.0, 35.0, 30.0, 44.0), (1.0, 2.0)])
def test_own_view_is_exact_beside_a_walk(drawings, luck, data):
    view = figures.own_view(" ".join(map(str, data)))
    text, cost = view.at(luck, transitions=256)
    n, mean, sd = len(data), np.mean(data), np.std(data, ddof=1)
    of_mu = stats.t(n - 1, mean, sd / math.sqrt(n))
    left, right = of_mu.ppf([0.05, 0.95])
    assert text.startswith(f"{n} numbers; 90% of the belief about μ: ")
    places = max(0, -math.floor(math.log10((right - left) / 100)))
    assert f"(exact {left:.{places}f} to {right:.{places}f}); 90% forecast" in text
    ahead = stats.t(n - 1, mean, sd * math.sqrt(1 + 1 / n)).ppf([0.05, 0.95])
    assert "(exact {:.1f} to {:.1f}); 4,096 draws are worth".format(*ahead) in text
    assert cost.units == 16 * 257
    # in units of its own uncertainty the mean is a standard Student's t, and so is the forecast
    (mean_line,), (spread,), (forecast, plugged, people) = (view.moving(ax) for ax in range(3))
    for line in (mean_line, forecast):
        z, height = numbers_of(line).T
        assert line.get_linestyle() == "--"
        np.testing.assert_allclose(height, stats.t(n - 1).pdf(z))
    # (n − 1) sd² / σ² is chi-square; z = (log σ − log sd) √(2n − 2)
    z, height = numbers_of(spread).T
    log_ratio = z / math.sqrt(2 * n - 2)
    chi2 = (n - 1) * np.exp(-2 * log_ratio)
    np.testing.assert_allclose(
        height, stats.chi2(n - 1).pdf(chi2) * 2 * chi2 / math.sqrt(2 * n - 2)
    )
    width = sd * math.sqrt(1 + 1 / n)
    z, height = numbers_of(plugged).T
    np.testing.assert_allclose(height, stats.norm.pdf(z, scale=sd / width))
    np.testing.assert_allclose(people.get_xdata(), (np.array(data) - mean) / width)


def test_own_view_tells_its_own_walk(drawings, luck):
    view = figures.own_view("31 28 35 30 44", high=8)
    data = np.array([31.0, 28, 35, 30, 44])
    sd = data.std(ddof=1)
    belief = NormalInverseGamma(data.mean(), 5, 2, 2 * sd**2)
    kernel = mcmc.random_walk(
        lambda theta: belief.log_joint(*theta.T),
        1.7 * np.array([sd / math.sqrt(5), math.sqrt(1 / 8)]),
    )
    start = np.tile([data.mean(), math.log(sd)], (16, 1))
    walk = mcmc.run_chains(kernel, start, 64, np.random.default_rng(luck))
    mu = walk.positions[1:, :, 0]
    text, _ = view.at(luck, transitions=64)
    low, high = np.quantile(mu, [0.05, 0.95])
    assert f"μ: {low:.1f} to {high:.1f} (exact" in text
    assert text.endswith(f"1,024 draws are worth {diagnostics.ess(mu, 'mean'):,.0f}")
    heights, _ = np.histogram((mu - data.mean()) / (sd / math.sqrt(5)), 60, (-5, 5))
    np.testing.assert_allclose(steps_of(view, 0), heights / mu.size * 6)


def test_own_ticks_stand_where_their_values_are(drawings):
    view = figures.own_view("31 28 35 30 44", high=8)
    view.at()
    data = np.array([31.0, 28, 35, 30, 44])
    sd = data.std(ddof=1)
    places = (
        lambda v: (v - data.mean()) / (sd / math.sqrt(5)),
        lambda v: (math.log(v) - math.log(sd)) * math.sqrt(8),
        lambda v: (v - data.mean()) / (sd * math.sqrt(1 + 1 / 5)),
    )
    for ax, place in zip(view.fig.axes, places, strict=True):
        ticks = [t for t in ax.texts if t not in view.still]
        assert 2 <= len(ticks) <= 7
        for tick in ticks:
            assert tick.get_position()[0] == pytest.approx(place(float(tick.get_text())))


def test_ticks_that_differ_late_are_counted_from_one_of_them():
    ticks, base = figures._round_ticks(1e6 + 0.2, 0.1, None)
    values = [float(base) + float(name) for name, _ in ticks]
    assert np.diff(values) == pytest.approx(0.25)
    for value, (name, place) in zip(values, ticks, strict=True):
        assert place == pytest.approx((value - 1e6 - 0.2) / 0.1)
        assert len(name) <= 6
    assert figures._round_ticks(30.0, 2.0, None)[1] == ""


@pytest.mark.parametrize(
    ("value", "step", "written"),
    [
        (31.234, 0.5, "31.2"),
        (1000002.346, 0.03, "1000002.35"),
        (1.234e-4, 7e-7, "0.0001234"),
        (8.765e14, 3e12, "8.76e+14"),
        (1234.5, 30, "1234"),
    ],
)
def test_numbers_are_written_with_the_digits_they_need(value, step, written):
    assert figures._written(value, step) == written
