"""Pictures of notebook 03: what may be believed about a population, and how a chain finds it."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from scipy import stats

from ttclib.cost import Cost
from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.sampling import diagnostics, mcmc
from ttclib.show.slider import BudgetView, choice, entry, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, Picture, band, figure, plain_ticks, truth

Measure = Callable[[int, np.random.Generator], np.ndarray]
Forecast = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
Update = Callable[[NormalInverseGamma, float], tuple[float, float, float, float]]
WarmUp = Callable[[np.ndarray, float, float], int]

_MEANS = np.linspace(140, 208, 171)  # cm
_SPREADS = np.geomspace(2, 40, 121)  # cm


def belief_view(
    prior: NormalInverseGamma, measure: Measure, mean: float, sd: float, update: Update
) -> BudgetView:
    """Exact joint distribution of (μ, σ) and its two marginals, as measurements come in.

    ``measure(n, rng)`` must read its stream person by person, so that larger samples continue
    smaller ones. ``mean`` and ``sd`` are those of the population. ``update(belief, x)`` → mean,
    kappa, shape and rate after one measurement more; it is asked measurement by measurement.
    """
    fig, ((top, corner), (joint, side)) = figure(
        2, 2, size=(7.8, 5.0), width_ratios=[2.6, 1], height_ratios=[1, 2.6]
    )
    joint.set(xlim=(_MEANS[0], _MEANS[-1]), ylim=(_SPREADS[0], _SPREADS[-1]), yscale="log")
    joint.set(xlabel="mean μ of the population (cm)", ylabel="spread σ (cm, logarithmic axis)")
    plain_ticks(joint.yaxis, (2, 4, 8, 16, 32))
    top.set(xlim=joint.get_xlim(), ylim=(0, 0.38), ylabel="density of μ")
    side.set(ylim=joint.get_ylim(), yscale="log", xlim=(0, 3.8), xlabel="density of log σ")
    plain_ticks(side.yaxis, (2, 4, 8, 16, 32))
    top.tick_params(labelbottom=False)
    side.tick_params(labelleft=False)
    corner.set_axis_off()

    def add(belief, color, style="-"):
        height = np.exp(belief.log_joint(_MEANS[None, :], np.log(_SPREADS)[:, None]))
        rings = {"levels": _region_levels(belief), "colors": color, "linestyles": style}
        joint.contour(_MEANS, _SPREADS, height, linewidths=1.6, **rings)
        top.plot(_MEANS, belief.marginal_mean().pdf(_MEANS), style, color=color)
        of_log = _SPREADS * spread_density(belief, _SPREADS)
        side.plot(of_log, _SPREADS, style, color=color)

    add(prior, MUTED, ":")
    truth(top, mean, vertical=True)
    truth(side, sd)
    joint.plot(mean, sd, "+", color="black", markersize=13, markeredgewidth=2)
    corner.plot([], [], ":", color=MUTED, label="prior")
    corner.plot([], [], color=GOOD, label="posterior")
    corner.plot([], [], "k+", markersize=9, label="the population, joint")
    corner.plot([], [], "k--", linewidth=1.2, label="the population, alone")
    corner.plot([], [], "|", color=BAD, markersize=9, label="measurements")
    corner.legend(loc="center", title="rings hold 50%, 90%", title_fontsize=8.5)

    def draw(measurements, seed):
        x = measure(measurements, np.random.default_rng(seed)) if measurements else np.array([])
        belief = prior
        for one in x:
            after = update(belief, float(one))
            belief = after if isinstance(after, NormalInverseGamma) else NormalInverseGamma(*after)
        add(belief, GOOD)
        joint.plot(x, np.full(len(x), _SPREADS[0] * 1.12), "|", color=BAD, markersize=11)
        low, high = spread_interval(belief)
        of_mean = belief.marginal_mean()
        text = (
            f"μ: mean {of_mean.mean():.1f}, sd {of_mean.std():.2f} cm; "
            f"σ: 90% between {low:.1f} and {high:.1f} cm (population {mean:g} and {sd:g})"
        )
        return text, Cost(units=measurements)

    counts = (0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32)
    return BudgetView(fig, draw, measurements=options(counts, default=5, unit="measurements"))


def spread_density(belief: NormalInverseGamma, sigma: np.ndarray) -> np.ndarray:
    """Exact density of the standard deviation σ: that of σ², times dσ²/dσ = 2σ."""
    return 2 * sigma * belief.marginal_variance().pdf(sigma**2)


def spread_interval(belief: NormalInverseGamma, level: float = 0.9) -> np.ndarray:
    """Ends of the central interval (2,) that holds ``level`` of the belief about σ."""
    return np.sqrt(belief.marginal_variance().interval(level))


def _region_levels(belief: NormalInverseGamma, shares=(0.9, 0.5)) -> np.ndarray:
    """Heights whose contours enclose these shares: quantiles of the density at its own draws.

    Hyndman, *Computing and graphing highest density regions*, The American Statistician 50 (1996).
    """
    mu, sigma = belief.sample(20_000, np.random.default_rng(0)).T
    return np.quantile(np.exp(belief.log_joint(mu, np.log(sigma))), 1 - np.array(shares))


def jacobian_picture(draws: Mapping[str, np.ndarray], exact: NormalInverseGamma) -> Picture:
    """Histograms of σ from two chains, one filled and one hollow, over the exact density."""
    fig, ax = figure(size=(7.2, 3.0))
    grid = np.linspace(0.1, 16, 300)
    looks = (
        {"histtype": "stepfilled", "color": GOOD, "alpha": 0.45},
        {"histtype": "step", "color": BAD, "linewidth": 1.6},
    )
    for (name, sigma), look in zip(draws.items(), looks, strict=False):
        ax.hist(np.ravel(sigma), bins=80, range=(0, 16), density=True, label=name, **look)
    ax.plot(grid, spread_density(exact, grid), "k--", linewidth=1.2, label="exact posterior")
    ax.set(xlim=(0, 16), xlabel="spread σ of the population (cm)", ylabel="density")
    ax.legend()
    medians = ", ".join(f"{name} {np.median(sigma):.1f}" for name, sigma in draws.items())
    right = math.sqrt(exact.marginal_variance().median())
    return Picture(fig, f"median of σ: {medians}, exact {right:.1f} cm")


def chain_view(
    log_density: Callable,
    exact: NormalInverseGamma,
    starts: Mapping[str, Sequence[float]],
    step_sizes: Mapping[str, Sequence[float]],
    warm_up: WarmUp,
    high: int = 12,
) -> BudgetView:
    """Metropolis on (μ, log σ): traces, histograms, and the sd of μ that single chains report.

    ``log_density(theta)`` takes (chains, 2). The largest budget is 2^high transitions. Every start
    and step size runs at once, as more chains of one run, so that only a new seed has to be waited
    for. From the last of the starts, the first half of the draws may be dropped, or as many as
    ``warm_up(mu, low, high)`` says of draws mu (n, chains) and the middle 90% of their later half.
    """
    budgets = [2**k for k in range(4, high + 1)]
    chains = 4
    runs = 60  # single chains behind the band
    settings = [(start, step) for start in starts for step in step_sizes]
    *_, last = starts
    half = f"{last}, first half dropped"
    arrived = f"{last}, your warm-up dropped"
    begins = {start: start for start in starts} | {half: last, arrived: last}

    def launch(count):
        """Kernel and start of ``count`` chains for each setting."""
        begin = np.repeat([starts[start] for start, _ in settings], count, axis=0)
        size = np.repeat([step_sizes[step] for _, step in settings], count, axis=0)
        return mcmc.random_walk(log_density, size), begin

    @functools.lru_cache(maxsize=4)
    def run(seed):
        chain = mcmc.run_chains(*launch(chains), budgets[-1], np.random.default_rng(seed))
        return [np.split(a, len(settings), axis=1) for a in (chain.positions[1:], chain.accepted)]

    def shaped(sd):
        return sd.reshape(len(budgets), len(settings), runs)

    reported, later = map(
        shaped, _running_sd(*launch(runs), budgets, np.random.default_rng(99), exact.mean)
    )

    @functools.cache
    def after_warm_up():
        chain = mcmc.run_chains(*launch(runs), budgets[-1], np.random.default_rng(99))
        return shaped(_sd_after(warm_up, chain.positions[1:, :, 0], budgets))

    mu_sd = exact.marginal_mean().std()
    fig, (trace, error, means, spreads) = _chain_figure(exact, budgets, chains, runs)

    def draw(transitions, start, step_size, seed):
        k = settings.index((begins[start], step_size))
        draws, accepted = (part[k][:transitions] for part in run(seed))
        shown = np.unique(np.geomspace(1, transitions, 700).astype(int))
        for color, path in zip(COLORS, draws[shown - 1, :, 0].T, strict=False):
            trace.plot(shown, path, color=color, linewidth=0.8)
        dropped = 0
        sds = reported
        if start == half:
            dropped = transitions // 2
            sds = later
        elif start == arrived:
            dropped = _dropped(warm_up, draws[..., 0])
            sds = after_warm_up()
        draws = draws[dropped:]
        mu = draws[..., 0]
        band(error, budgets, np.maximum(sds[:, k].T, 1e-3))
        now = np.maximum(mu.std(axis=0), 0.08)
        error.plot(np.full(chains, transitions), now, "o", color=BAD, markersize=4)
        _histogram(means, mu, means.get_xlim())
        _histogram(spreads, np.exp(draws[..., 1]), spreads.get_xlim())
        worth = "no chain moved"
        if np.ptp(mu) > 0:
            worth = f"ESS {diagnostics.ess(mu, 'mean'):,.0f}, R-hat {diagnostics.rhat(mu):.2f}"
        left_out = f"first {dropped:,} of each chain dropped; " if dropped else ""
        text = (
            f"accepted {accepted.mean():.1%}; {left_out}μ: mean {mu.mean():.1f}, sd {mu.std():.2f} "
            f"(exact {exact.mean:.1f}, {mu_sd:.2f}); {mu.size:,} draws: {worth}"
        )
        return text, Cost(units=(transitions + 1) * chains)

    return BudgetView(
        fig,
        draw,
        transitions=_transitions(4, high, 7),
        start=choice(list(begins), label="the chains start"),
        step_size=options(list(step_sizes), default=list(step_sizes)[1], label="step size"),
    )


def _dropped(warm_up: WarmUp, mu: np.ndarray) -> int:
    """How many draws (n, chains) are dropped, by a rule that is told where the later half lies.

    Eight stay at least, of which an effective sample size can be told.
    """
    low, high = np.quantile(mu[len(mu) // 2 :], [0.05, 0.95])
    return min(max(0, int(warm_up(mu, low, high))), len(mu) - 8)


def _sd_after(warm_up: WarmUp, mu: np.ndarray, budgets: Sequence[int]) -> np.ndarray:
    """What each chain of (n, chains) reports as the sd after each budget, by its own warm-up."""
    sds = np.empty((len(budgets), mu.shape[1]))
    for row, n in enumerate(budgets):
        for column in range(mu.shape[1]):
            alone = mu[:n, [column]]
            sds[row, column] = alone[_dropped(warm_up, alone) :].std()
    return sds


def _transitions(low: int, high: int, default: int):
    """Setting of a walk's length, which is paid in density evaluations."""
    return powers_of_two(
        low, high, unit="density evaluations", default=default, label="transitions"
    )


def _chain_figure(exact: NormalInverseGamma, budgets: Sequence[int], chains: int, runs: int):
    """The axes of :func:`chain_view`, with all that is exact."""
    of_mean = exact.marginal_mean()
    fig, ((trace, means), (error, spreads)) = figure(2, 2, size=(9.2, 5.2), width_ratios=[1.6, 1])
    for ax in (trace, error):
        ax.set(xscale="log", xlim=(1, budgets[-1] * 1.1))
    trace.set(ylim=(90, 215), ylabel="μ (cm)")
    trace.set(xlabel="transitions (logarithmic axis)")
    trace.set_title(f"{chains} chains; grey: 90% of the exact posterior")
    trace.axhspan(*of_mean.interval(0.9), color="#D0D0D0", linewidth=0)
    error.set(yscale="log", ylim=(0.06, 150), ylabel="reported sd of μ (cm)")
    error.set(xlabel="transitions (logarithmic axis)")
    error.set_title("what a single chain says, against its length")
    truth(error, of_mean.std(), "exact")
    error.plot([], [], "o", color=BAD, label="the chains above")
    error.fill_between([], [], color=GOOD, alpha=0.4, label=f"middle 90% of {runs}; line: median")
    error.legend(loc="upper right", ncols=3, columnspacing=1.2)
    mu = np.linspace(155, 193, 200)
    means.plot(mu, of_mean.pdf(mu), "k--", linewidth=1.2)
    means.set(xlim=(155, 193), ylim=(0, 0.3), xlabel="mean μ (cm)", ylabel="density")
    means.set_title("all draws, and the exact density")
    sigma = np.linspace(0.1, 18, 200)
    spreads.plot(sigma, spread_density(exact, sigma), "k--", linewidth=1.2)
    spreads.set(xlim=(0, 18), ylim=(0, 0.5), xlabel="spread σ (cm)", ylabel="density")
    return fig, (trace, error, means, spreads)


def _running_sd(kernel: mcmc.Kernel, start, budgets: Sequence[int], rng, centre: float):
    """What each chain reports as the sd of μ after each budget: two arrays (budgets, chains).

    The first is from all its draws, the second from the second half. ``budgets`` double. Only
    sums are kept; ``centre`` is any point near the draws.
    """
    done = 0
    total = np.zeros((2, len(start)))  # of μ and of μ², from the start
    sums = []
    for n in (budgets[0] // 2, *budgets):
        positions = mcmc.run_chains(kernel, start, n - done, rng).positions
        mu = positions[1:, :, 0] - centre
        total = total + [mu.sum(axis=0), (mu**2).sum(axis=0)]
        sums.append(total)
        start = positions[-1]
        done = n
    ends = np.array(sums).transpose(1, 0, 2)  # (2, 1 + budgets, chains)
    n = np.array(budgets)[:, None]

    def sd(first, second, count):
        return np.sqrt(np.maximum(second / count - (first / count) ** 2, 0))

    return sd(*ends[:, 1:], n), sd(*np.diff(ends, axis=1), n / 2)


def _histogram(ax: Axes, draws: np.ndarray, limits: tuple[float, float], bins: int = 60) -> None:
    """A histogram that counts the draws outside its limits, too: its area is the share inside."""
    counts, edges = np.histogram(draws, bins, limits)
    heights = np.append(counts, 0) / draws.size / (edges[1] - edges[0])
    look = {"color": GOOD, "alpha": 0.6, "linewidth": 0}
    ax.fill_between(edges, heights, step="post", **look)  # one polygon: fast


def _population(ax: Axes, grid: np.ndarray, population) -> None:
    look = {"color": MUTED, "alpha": 0.3, "linewidth": 0, "label": "the population"}
    ax.fill_between(grid, population.pdf(grid), **look)
    ax.set(xlim=(grid[0], grid[-1]), xlabel="height of the next person (cm)", ylabel="density")


def predictive_picture(new: np.ndarray, exact, plug_in, population) -> Picture:
    """Draws of the next measurement, its exact distribution, and the plug-in one, with 90% of each.

    ``exact``, ``plug_in`` and ``population`` are frozen distributions of ``scipy.stats``.
    """
    fig, ax = figure(size=(8.2, 3.6))
    grid = np.linspace(140, 208, 300)
    _population(ax, grid, population)
    look = {"color": GOOD, "alpha": 0.55, "label": "draws of the chain"}
    ax.hist(new, bins=68, range=(140, 208), density=True, **look)
    label = "exact posterior predictive: Student's t"
    ax.plot(grid, exact.pdf(grid), "k--", linewidth=1.2, label=label)
    ax.plot(grid, plug_in.pdf(grid), "-.", color=BAD, label="plug-in normal")
    told = []
    for height, forecast, color, name in (
        (-0.006, exact, "black", "exact, 90%"),
        (-0.014, plug_in, BAD, "plug-in, 90%"),
    ):
        low, high = forecast.interval(0.9)
        ax.plot([low, high], [height, height], "|-", color=color, linewidth=2)
        ax.text(low - 1, height, name, ha="right", va="center", fontsize=8.5)
        held = population.cdf(high) - population.cdf(low)
        told.append((f"{low:.0f} to {high:.0f}", f"{held:.0%}"))
    ax.set(ylim=(-0.02, 0.14))
    ax.set_yticks(np.arange(0, 0.141, 0.02))
    ax.legend(loc="upper right")
    low, high = np.quantile(new, [0.05, 0.95])
    (right, held), (wrong, missed) = told
    return Picture(
        fig,
        f"90% interval of the chain's draws {low:.0f} to {high:.0f} cm, exact {right}: it holds "
        f"{held} of the population; plug-in {wrong}: {missed}",
    )


def coverage_view(
    prior: NormalInverseGamma,
    measure: Measure,
    population,
    predictive: Forecast,
    plug_in: Forecast,
    worlds: int = 10_000,
) -> BudgetView:
    """Forecasts from n measurements, and the share of 90% forecasts that hold the next person.

    ``predictive(x)`` and ``plug_in(x)`` → ends of the 90% interval, from measurements (…, n). The
    shares are over ``worlds`` populations drawn from the prior, a sample and one more from each.
    """
    counts = (2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64)
    forecasts = {"predictive": predictive, "plug-in": plug_in}
    mu, sigma = prior.sample(worlds, np.random.default_rng(1)).T
    noise = np.random.default_rng(2).standard_normal((worlds, counts[-1] + 1))
    people = mu[:, None] + sigma[:, None] * noise
    shares = {
        name: [_share_inside(forecast(people[:, :n]), people[:, -1]) for n in counts]
        for name, forecast in forecasts.items()
    }
    n = np.array(counts)
    # (next − mean) / (sd √(1 + 1/n)) is Student's t with n − 1 degrees of freedom, whatever μ, σ
    promised = 2 * stats.t.cdf(stats.norm.ppf(0.95) / np.sqrt(1 + 1 / n), n - 1) - 1
    fig, (density, share) = figure(1, 2, size=(9.0, 3.7), width_ratios=[1.35, 1])
    grid = np.linspace(135, 213, 300)
    _population(density, grid, population)
    density.set(ylim=(-0.024, 0.16))
    share.plot(counts, promised, "k--", linewidth=1.2, label="exact")
    truth(share, 0.9)
    share.set(xscale="log", xlim=(1.7, 80), ylim=(0.4, 1), xlabel="measurements n")
    share.set_ylabel("share that holds the next person")
    share.set_title(f"90% forecasts in {worlds:,} populations")
    plain_ticks(share.xaxis, (2, 4, 8, 16, 32, 64))
    density.plot([], [], color=GOOD, label="posterior predictive")
    density.plot([], [], "-.", color=BAD, label="plug-in normal")
    density.plot([], [], "|", color="black", markersize=7, label="measurements")
    density.legend(loc="upper left")
    density.set_title("one sample; below: 90% of each forecast")
    share.plot([], [], "o", color=GOOD, label="posterior predictive")
    share.plot([], [], "s", color=BAD, label="plug-in normal")
    share.legend(loc="lower right")

    def draw(measurements, seed):
        x = measure(measurements, np.random.default_rng(seed))
        k = counts.index(measurements)
        believed = prior.update(x).predictive()
        plugged = stats.norm(x.mean(), max(x.std(ddof=1), 1e-3))
        texts = []
        rows = ((believed, GOOD, -0.005, "-", "o"), (plugged, BAD, -0.0115, "-.", "s"))
        for (name, forecast), row in zip(forecasts.items(), rows, strict=True):
            now, color, height, style, marker = row
            low, high = forecast(x)
            density.plot(grid, now.pdf(grid), style, color=color)
            density.plot([low, high], [height, height], "|" + style, color=color, linewidth=2)
            share.plot(counts[: k + 1], shares[name][: k + 1], marker, color=color, markersize=5)
            texts.append(f"{name} {low:.0f} to {high:.0f} cm")
        density.plot(x, np.full(len(x), -0.0195), "|", color="black", markersize=7)
        text = (
            f"90% forecasts: {'; '.join(texts)}. In {worlds:,} populations they hold the next "
            f"person in {shares['predictive'][k]:.1%} (exact 90%) and {shares['plug-in'][k]:.1%} "
            f"(exact {promised[k]:.1%})"
        )
        return text, Cost(units=measurements)

    return BudgetView(fig, draw, measurements=options(counts, default=5, unit="measurements"))


def _share_inside(interval: tuple[np.ndarray, np.ndarray], value: np.ndarray | float) -> float:
    return float(np.mean((interval[0] <= value) & (value <= interval[1])))


def prior_picture(
    priors: Mapping[str, NormalInverseGamma],
    credible: Callable,
    measure: Measure,
    mean: float,
    sd: float,
    repeats: int = 2000,
) -> Picture:
    """What the prior does to the belief about μ: one data set, and the intervals of many.

    ``credible(prior, x)`` → ends of the 90% interval of μ, from measurements (…, n). ``mean`` and
    ``sd`` are those of the population, of which the exact shares follow.
    """
    fig, (one, many) = figure(1, 2, size=(9.0, 3.5), width_ratios=[1.2, 1])
    counts = 2 ** np.arange(9)  # 1, 2, … 256
    samples = measure(repeats * counts[-1], np.random.default_rng(0)).reshape(repeats, -1)
    told = []
    looks = zip(COLORS, "os^", (0.88, 1, 1.14), strict=False)
    for (name, prior), (color, marker, aside) in zip(priors.items(), looks, strict=False):
        ends = np.array([credible(prior, samples[0, :n]) for n in counts])
        middle = ends.mean(axis=1)
        look = {"fmt": marker, "color": color, "markersize": 5, "label": name}
        one.errorbar(counts * aside, middle, middle - ends[:, 0], **look)
        shares = [_share_inside(credible(prior, samples[:, :n]), mean) for n in counts]
        many.plot(counts, shares, marker, color=color, markersize=5)
        many.plot(counts, [exact_share(prior, n, mean, sd) for n in counts], "k--", linewidth=1.2)
        told.append(f"{name} {shares[0]:.0%}, {shares[4]:.0%}, {shares[-1]:.0%}")
    truth(one, mean, "the population")
    many.axhline(0.9, color=MUTED, linestyle=":", label="90%, as promised")
    many.plot([], [], "k--", linewidth=1.2, label="exact, for each prior")
    many.legend(loc="center left", bbox_to_anchor=(0, 0.45))
    for ax in (one, many):
        ax.set(xscale="log", xlabel="measurements n (logarithmic axis)")
        plain_ticks(ax.xaxis, (1, 4, 16, 64, 256))
    one.set(ylabel="μ (cm)", title="one data set: mean and 90% interval of the belief")
    one.legend(loc="lower right")
    many.set(ylim=(-0.03, 1.03), ylabel="share of intervals that hold μ")
    many.set_title(f"{repeats:,} data sets")
    return Picture(
        fig,
        "share of 90% intervals that hold the population mean after "
        f"{counts[0]}, {counts[4]}, {counts[-1]} measurements: {'; '.join(told)}",
    )


def exact_share(
    prior: NormalInverseGamma, n: int, mean: float, sd: float, level: float = 0.9, cells: int = 400
) -> float:
    """Share of ``level`` intervals for μ that hold the mean of one normal population.

    An integral over the sample's mean and its sum of squares, which are independent; both run
    over ``cells`` places of equal probability. Readings that are rounded make no difference here.
    """
    places = (np.arange(cells) + 0.5) / cells
    average = stats.norm(mean, sd / math.sqrt(n)).ppf(places)[:, None]
    squares = sd**2 * stats.chi2(n - 1).ppf(places) if n > 1 else np.zeros(1)
    kappa = prior.kappa + n
    shape = prior.shape + n / 2
    between = prior.kappa * n * (average - prior.mean) ** 2 / kappa
    rate = prior.rate + (squares + between) / 2
    centre = (prior.kappa * prior.mean + n * average) / kappa
    half = stats.t(2 * shape).ppf((1 + level) / 2) * np.sqrt(rate / (shape * kappa))
    return float(np.mean(np.abs(centre - mean) <= half))


_TWO_WAYS = re.compile(r"[-+]?(\d+,\d+|\d{1,3}(,\d{3})+),?")  # one number, or several?


def numbers(text: str) -> tuple[float, ...]:
    """Read measurements from a text: numbers separated by spaces, commas or semicolons.

    Between semicolons a comma is a decimal comma, unless there are points: "9,1; 10,2".

    Raises
    ------
    ValueError
        If a word is not a finite number, or there are fewer than two numbers, or all are equal, or
        a comma may be meant in two ways, as in "9,1 10,2".
    """
    if "." not in text and ";" in text:
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    elif "." not in text and any(map(_TWO_WAYS.fullmatch, text.split())):
        raise ValueError(
            "the commas can be meant in two ways; write 9.1 10.2, or 9,1; 10,2 with semicolons"
        )
    values = tuple(_number(word) for word in re.split(r"[\s,;]+", text) if word)
    if len(values) < 2:
        raise ValueError(
            f"at least 2 numbers are needed to see a spread; the field holds {len(values)}"
        )
    if np.std(values) <= 1e-12 * max(map(abs, values)):
        raise ValueError("all numbers are equal; nothing can be said about their spread")
    return values


def _number(word: str) -> float:
    try:
        value = float("no" if "_" in word else word)  # Python would skip the underscore
    except ValueError:
        raise ValueError(f"{word[:30]!r} is not a number; write for example 4.1 5.9 3.3") from None
    if not abs(value) <= 1e15:
        raise ValueError(
            f"{word[:30]!r} is not usable; numbers must be finite and at most 1e15 in size"
        )
    return value


def own_view(default: str, high: int = 11) -> BudgetView:
    """The belief about any list of numbers, without a prior opinion: p(μ, σ) ∝ 1/σ.

    Then the prior is flat in (μ, log σ), and the posterior is exact again (BDA3 section 3.2). Each
    axis counts in units of its own uncertainty; its ticks are written in the units of the data. The
    longest walk has 2^high transitions.
    """
    chains = 16
    fig, axes = figure(1, 3, size=(9.2, 3.3), sharey=True)
    titles = ("mean μ", "spread σ (logarithmic axis)", "the next number")
    for ax, name in zip(axes, titles, strict=True):
        ax.set(xlim=(-5, 5), ylim=(0, 0.68), xticks=[], title=name)
        ax.set_xlabel("in the unit of your numbers", labelpad=16)
    means, _, nexts = axes
    means.set_ylabel("density, scaled")
    means.plot([], [], "k--", linewidth=1.2, label="exact")
    means.fill_between([], [], color=GOOD, alpha=0.6, label="the chains")
    nexts.plot([], [], "-.", color=BAD, label="plug-in normal")
    nexts.plot([], [], "|", color="black", markersize=9, label="your numbers")
    for ax in (means, nexts):
        ax.legend(loc="upper left", handlelength=1.6)
    z = np.linspace(-5, 5, 300)

    def draw(data, transitions, seed):
        x = np.array(data)
        n = len(x)
        centre = x.mean()
        sd = x.std(ddof=1)
        belief = NormalInverseGamma(centre, n, (n - 1) / 2, (n - 1) / 2 * sd**2)
        of_mean = belief.marginal_mean()

        def of_log_spread(log_sigma):
            return np.exp(log_sigma) * spread_density(belief, np.exp(log_sigma))

        # middle and width of each axis; for large n the widths are the sd of what is drawn there
        scales = (
            (centre, sd / math.sqrt(n)),
            (math.log(sd), 1 / math.sqrt(2 * n - 2)),
            (centre, sd * math.sqrt(1 + 1 / n)),
        )
        rng = np.random.default_rng(seed)
        steps = 1.7 * np.array([width for _, width in scales[:2]])
        kernel = mcmc.random_walk(lambda theta: belief.log_joint(*theta.T), steps)
        start = np.full((chains, 2), [centre, math.log(sd)])
        chain = mcmc.run_chains(kernel, start, transitions, rng)
        mu, log_sigma = np.moveaxis(chain.positions[1:], -1, 0)
        fresh = mu + np.exp(log_sigma) * rng.standard_normal(mu.shape)
        drawn = (mu, log_sigma, fresh)
        exact = (of_mean.pdf, of_log_spread, belief.predictive().pdf)
        undo = (None, np.exp, None)
        for ax, (middle, width), draws, pdf, back in zip(
            axes, scales, drawn, exact, undo, strict=True
        ):
            _histogram(ax, (draws - middle) / width, (-5, 5))
            ax.plot(z, width * pdf(middle + width * z), "k--", linewidth=1.2)
            ticks, base = _round_ticks(middle, width, back)
            for value, position in ticks:
                ax.text(position, -0.015, value, ha="center", va="top", fontsize=8.5)
            if base:
                ax.text(4.9, 0.44, f"counted from\n{base}", ha="right", fontsize=8.5)
        middle, width = scales[2]
        nexts.plot(z, width * stats.norm.pdf(middle + width * z, centre, sd), "-.", color=BAD)
        nexts.plot((x - middle) / width, np.full(n, 0.014), "|", color="black", markersize=9)
        worth = diagnostics.ess(mu, "mean") if chain.accepted.any() else 0
        believed = _ends(np.quantile(mu, [0.05, 0.95]), of_mean.interval(0.9))
        forecast = _ends(np.quantile(fresh, [0.05, 0.95]), belief.predictive().interval(0.9))
        text = (
            f"{n} numbers; 90% of the belief about μ: {believed}; 90% forecast of the next number: "
            f"{forecast}; {mu.size:,} draws are worth {worth:,.0f}"
        )
        return text, chain.cost

    return BudgetView(
        fig,
        draw,
        data=entry(numbers, default, label="your numbers"),
        transitions=_transitions(4, high, 8),
    )


def _ends(drawn: Sequence[float], exact: Sequence[float]) -> str:
    """Two intervals in words, the drawn one and the exact one, with as many digits as they need."""
    step = abs(exact[1] - exact[0]) / 100
    low, high, left, right = (_written(value, step) for value in (*drawn, *exact))
    return f"{low} to {high} (exact {left} to {right})"


def _written(value: float, step: float) -> str:
    """A number to about the digit in which ``step`` is seen."""
    last = math.floor(math.log10(step))
    if -6 < last < 5:
        return f"{value:.{max(0, -last)}f}"
    first = math.floor(math.log10(max(abs(value), step)))
    return f"{value:.{first - last + 1}g}"


def _round_ticks(
    middle: float, width: float, undo: Callable | None
) -> tuple[list[tuple[str, float]], str]:
    """Round values for an axis that counts z = (value − middle) / width, and where they stand.

    With ``undo`` (the exponential) the axis holds the logarithm of the value. Values that differ
    only in late digits are counted from one of them, which is the text that comes second.
    """
    base = ""
    if undo is None:
        values = MaxNLocator(4).tick_values(middle - 5 * width, middle + 5 * width)
        positions = (values - middle) / width
    else:
        values = np.array([float(f"{v:.2g}") for v in undo(middle + width * np.array([-4, 0, 4]))])
        positions = (np.log(values) - middle) / width
    names = [f"{v:.4g}" for v in values]
    exact = [f"{v:.12g}" for v in values]
    if len(set(names)) < len(names) or max(map(len, names)) > 9:
        nearest = int(np.abs(positions).argmin())
        base = exact[nearest]
        names = [f"{v - values[nearest]:+.4g}" for v in values]
        names[nearest] = "0"
    seen = np.abs(positions) <= 4.5
    return [(names[i], positions[i]) for i in np.flatnonzero(seen)], base
