"""Pictures of notebook 03: what may be believed about a population, and how a chain finds it."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ttclib.cost import Cost
from ttclib.sampling import diagnostics, mcmc
from ttclib.sampling.conjugate import NormalInverseGamma
from ttclib.show.slider import BudgetView, entry, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, Picture, band, figure, truth

Measure = Callable[[int, np.random.Generator], np.ndarray]
Forecast = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

_MEANS = np.linspace(140, 208, 171)  # cm
_SPREADS = np.geomspace(2, 40, 121)  # cm


def belief_view(
    prior: NormalInverseGamma,
    measure: Measure,
    mean: float,
    sd: float,
    counts: Sequence[int] = (0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32),
) -> BudgetView:
    """Exact joint law of (μ, σ) and its two marginals, as measurements come in.

    ``measure(n, rng)`` must read its stream person by person, so that larger samples continue
    smaller ones. ``mean`` and ``sd`` are those of the population.
    """
    fig, ((top, corner), (joint, side)) = figure(
        2, 2, size=(7.8, 5.0), width_ratios=[2.6, 1], height_ratios=[1, 2.6]
    )
    joint.set(xlim=(_MEANS[0], _MEANS[-1]), ylim=(_SPREADS[0], _SPREADS[-1]), yscale="log")
    joint.set(xlabel="mean μ of the population (cm)", ylabel="spread σ of the population (cm)")
    _plain_ticks(joint.yaxis, (2, 4, 8, 16, 32))
    top.set(xlim=joint.get_xlim(), ylim=(0, 0.38), ylabel="density of μ")
    side.set(ylim=joint.get_ylim(), yscale="log", xlim=(0, 3.8), xlabel="density of log σ")
    _plain_ticks(side.yaxis, (2, 4, 8, 16, 32))
    top.tick_params(labelbottom=False)
    side.tick_params(labelleft=False)
    corner.set_axis_off()

    def add(belief, color, width=1.6):
        grid = np.exp(belief.log_joint(_MEANS[None, :], np.log(_SPREADS)[:, None]))
        joint.contour(
            _MEANS, _SPREADS, grid, levels=_region_levels(belief), colors=color, linewidths=width
        )
        top.plot(_MEANS, belief.marginal_mean().pdf(_MEANS), color=color, linewidth=width)
        side.plot(
            _SPREADS * spread_density(belief, _SPREADS), _SPREADS, color=color, linewidth=width
        )

    add(prior, MUTED, 1.2)
    truth(top, mean, vertical=True)
    truth(side, sd)
    joint.plot(mean, sd, "+", color="black", markersize=13, markeredgewidth=2)
    for color, label in ((MUTED, "prior"), (GOOD, "posterior")):
        corner.plot([], [], color=color, label=label)
    corner.plot([], [], "k+", markersize=9, label="the population")
    corner.plot([], [], "|", color=BAD, markersize=9, label="measurements")
    corner.legend(loc="center", title="rings hold 50%, 90%", title_fontsize=8.5)

    def draw(measurements, seed):
        x = measure(measurements, np.random.default_rng(seed)) if measurements else np.array([])
        belief = prior.update(x) if measurements else prior
        add(belief, GOOD)
        joint.plot(x, np.full(len(x), _SPREADS[0] * 1.12), "|", color=BAD, markersize=11)
        low, high = spread_interval(belief)
        law = belief.marginal_mean()
        text = (
            f"μ: mean {law.mean():.1f}, sd {law.std():.2f} cm; σ: 90% between {low:.1f} and {high:.1f} cm "
            f"(population {mean:g} and {sd:g})"
        )
        return text, Cost(units=measurements)

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


def _plain_ticks(axis, values) -> None:
    axis.set_ticks(values, [f"{v:g}" for v in values])
    axis.set_ticks([], minor=True)


def jacobian_picture(draws: Mapping[str, np.ndarray], exact: NormalInverseGamma) -> Picture:
    """Histograms of σ from several chains over the exact posterior density."""
    fig, ax = figure(size=(7.2, 3.0))
    grid = np.linspace(0.1, 16, 300)
    for (name, sigma), color in zip(draws.items(), (GOOD, BAD), strict=False):
        ax.hist(
            np.ravel(sigma), bins=80, range=(0, 16), density=True, histtype="stepfilled", color=color,
            alpha=0.45, label=name,
        )  # fmt: skip
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
    low: int = 4,
    high: int = 12,
    chains: int = 4,
    runs: int = 60,
) -> BudgetView:
    """Metropolis on (μ, log σ): traces, histograms, and the sd of μ that single chains report.

    ``log_density(theta)`` takes (chains, 2). Every start and step size runs at once, as more chains
    of one run, so that only a new seed has to be waited for.
    """
    budgets = [2**k for k in range(low, high + 1)]
    settings = [(start, step) for start in starts for step in step_sizes]
    *_, last = starts
    drop = f"{last}, first half dropped"

    def launch(count):
        """Kernel and start of ``count`` chains for each setting."""
        begin = np.repeat([starts[start] for start, _ in settings], count, axis=0)
        size = np.repeat([step_sizes[step] for _, step in settings], count, axis=0)
        return mcmc.random_walk(log_density, size), begin

    @functools.lru_cache(maxsize=4)
    def run(seed):
        chain = mcmc.sample(*launch(chains), budgets[-1], np.random.default_rng(seed))
        return [np.split(a, len(settings), axis=1) for a in (chain.positions[1:], chain.accepted)]

    reported = [
        sd.reshape(len(budgets), len(settings), runs)
        for sd in _running_sd(*launch(runs), budgets, np.random.default_rng(99), exact.mean)
    ]
    mu_sd = exact.marginal_mean().std()
    fig, (trace, error, means, spreads) = _chain_figure(exact, budgets, chains, runs)

    def draw(transitions, start, step_size, seed):
        k = settings.index((last if start == drop else start, step_size))
        draws, accepted = (part[k][:transitions] for part in run(seed))
        shown = np.unique(np.geomspace(1, transitions, 700).astype(int))
        for color, chain in zip(COLORS, draws[shown - 1, :, 0].T, strict=False):
            trace.plot(shown, chain, color=color, linewidth=0.8)
        draws = draws[transitions // 2 :] if start == drop else draws
        mu, sigma = draws[..., 0], np.exp(draws[..., 1])
        band(error, budgets, np.maximum(reported[start == drop][:, k].T, 1e-3))
        error.plot(
            np.full(chains, transitions),
            np.maximum(mu.std(axis=0), 0.08),
            "o",
            color=BAD,
            markersize=4,
        )
        _histogram(means, mu, means.get_xlim())
        _histogram(spreads, sigma, spreads.get_xlim())
        if np.ptp(mu) > 0:
            worth = f"ESS {diagnostics.ess(mu, 'mean'):,.0f}, R-hat {diagnostics.rhat(mu):.2f}"
        else:
            worth = "no chain moved"
        text = (
            f"accepted {accepted.mean():.1%}; μ: mean {mu.mean():.1f}, sd {mu.std():.2f} "
            f"(exact {exact.mean:.1f}, {mu_sd:.2f}); {mu.size:,} draws: {worth}"
        )
        return text, Cost(units=(transitions + 1) * chains)

    return BudgetView(
        fig,
        draw,
        transitions=powers_of_two(
            low, high, unit="density evaluations", default=7, label="transitions"
        ),
        start=options([*starts, drop], label="the chains start"),
        step_size=options(list(step_sizes), default=list(step_sizes)[1], label="step size"),
    )


def _chain_figure(exact: NormalInverseGamma, budgets: Sequence[int], chains: int, runs: int):
    """The axes of :func:`chain_view`, with all that is exact."""
    mu_law = exact.marginal_mean()
    fig, ((trace, means), (error, spreads)) = figure(2, 2, size=(9.2, 5.2), width_ratios=[1.6, 1])
    for ax in (trace, error):
        ax.set(xscale="log", xlim=(1, budgets[-1] * 1.1))
    trace.set(ylim=(90, 215), ylabel="μ (cm)", title=f"{chains} chains; grey: 90% of the exact law")
    trace.axhspan(*mu_law.interval(0.9), color="#D0D0D0", linewidth=0)
    error.set(yscale="log", ylim=(0.06, 60), xlabel="transitions", ylabel="reported sd of μ (cm)")
    error.set_title(f"{runs} single chains: median, middle 90%")
    truth(error, mu_law.std(), "exact")
    error.plot([], [], "o", color=BAD, label="the chains above")
    error.legend(loc="upper right", ncols=2)
    mu, sigma = np.linspace(155, 193, 200), np.linspace(0.1, 18, 200)
    means.plot(mu, mu_law.pdf(mu), "k--", linewidth=1.2)
    means.set(
        xlim=(155, 193), ylim=(0, 0.3), xlabel="mean μ (cm)", title="all draws, and the exact law"
    )
    spreads.plot(sigma, spread_density(exact, sigma), "k--", linewidth=1.2)
    spreads.set(xlim=(0, 18), ylim=(0, 0.5), xlabel="spread σ (cm)")
    return fig, (trace, error, means, spreads)


def _running_sd(kernel: mcmc.Kernel, start, budgets: Sequence[int], rng, centre: float):
    """What each chain reports as the sd of μ after each budget: two arrays (budgets, chains).

    The first is from all its draws, the second from the second half. ``budgets`` double. Only
    sums are kept; ``centre`` is any point near the draws.
    """
    done, sums = 0, [np.zeros((2, len(start)))]
    for n in (budgets[0] // 2, *budgets):
        positions = mcmc.sample(kernel, start, n - done, rng).positions
        mu, start, done = positions[1:, :, 0] - centre, positions[-1], n
        sums.append(sums[-1] + [mu.sum(axis=0), (mu**2).sum(axis=0)])
    ends, n = np.array(sums[1:]), np.array(budgets)[:, None]

    def sd(first, second, count):
        return np.sqrt(np.maximum(second / count - (first / count) ** 2, 0))

    first, second = ends[1:].transpose(1, 0, 2)
    late = (ends[1:] - ends[:-1]).transpose(1, 0, 2)
    return sd(first, second, n), sd(*late, n / 2)


def _histogram(ax: Axes, draws: np.ndarray, limits: tuple[float, float], bins: int = 60) -> None:
    """A histogram that counts the draws outside its limits, too: its area is the share inside."""
    counts, edges = np.histogram(draws, bins, limits)
    heights = np.append(counts, 0) / draws.size / (edges[1] - edges[0])
    ax.fill_between(
        edges, heights, step="post", color=GOOD, alpha=0.6, linewidth=0
    )  # one polygon: fast


def predictive_picture(new: np.ndarray, exact, plug_in, population) -> Picture:
    """Draws of the next measurement, its exact law, and the plug-in law, each with its 90%
    interval.

    ``exact``, ``plug_in`` and ``population`` are frozen laws of ``scipy.stats``.
    """
    fig, ax = figure(size=(8.2, 3.6))
    grid = np.linspace(140, 208, 300)
    ax.fill_between(
        grid, population.pdf(grid), color=MUTED, alpha=0.3, linewidth=0, label="the population"
    )
    ax.hist(
        new,
        bins=68,
        range=(140, 208),
        density=True,
        color=GOOD,
        alpha=0.55,
        label="draws of the chain",
    )
    ax.plot(
        grid, exact.pdf(grid), "k--", linewidth=1.2, label="exact posterior predictive: Student's t"
    )
    ax.plot(grid, plug_in.pdf(grid), color=BAD, label="plug-in normal")
    for height, law, color in ((-0.006, exact, "black"), (-0.014, plug_in, BAD)):
        ax.plot(law.interval(0.9), [height, height], "|-", color=color, linewidth=2)
    ax.text(141, -0.0135, "90% intervals", fontsize=8.5)
    ax.set(
        xlim=(140, 208),
        ylim=(-0.02, 0.14),
        xlabel="height of the next person (cm)",
        ylabel="density",
    )
    ax.legend(loc="upper right")
    kept = [population.cdf(law.interval(0.9)) for law in (exact, plug_in)]
    shares = [f"{high - low:.0%}" for low, high in kept]
    quantiles = np.quantile(new, [0.05, 0.95])
    return Picture(
        fig,
        f"90% interval of the chain's draws {quantiles[0]:.0f} to {quantiles[1]:.0f} cm, exact "
        f"{exact.ppf(0.05):.0f} to {exact.ppf(0.95):.0f}: it holds {shares[0]} of the population; "
        f"plug-in {plug_in.ppf(0.05):.0f} to {plug_in.ppf(0.95):.0f}: {shares[1]}",
    )


def coverage_view(
    prior: NormalInverseGamma,
    measure: Measure,
    population,
    predictive: Forecast,
    plug_in: Forecast,
    counts: Sequence[int] = (2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64),
    worlds: int = 10_000,
) -> BudgetView:
    """Forecasts from n measurements, and the share of 90% forecasts that hold the next person.

    ``predictive(x)`` and ``plug_in(x)`` → ends of the 90% interval, from measurements (…, n). The
    shares are over ``worlds`` populations drawn from the prior, a sample and one more from each.
    """
    from scipy import stats

    mu, sigma = prior.sample(worlds, np.random.default_rng(1)).T
    people = mu[:, None] + sigma[:, None] * np.random.default_rng(2).standard_normal(
        (worlds, counts[-1] + 1)
    )
    shares = {
        name: [_share_inside(forecast(people[:, :n]), people[:, -1]) for n in counts]
        for name, forecast in (("predictive", predictive), ("plug-in", plug_in))
    }
    n = np.array(counts)
    promised = 2 * stats.t.cdf(stats.norm.ppf(0.95) / np.sqrt(1 + 1 / n), n - 1) - 1
    fig, (law, share) = figure(1, 2, size=(9.0, 3.7), width_ratios=[1.35, 1])
    grid = np.linspace(135, 213, 300)
    law.fill_between(
        grid, population.pdf(grid), color=MUTED, alpha=0.3, linewidth=0, label="the population"
    )
    law.set(
        xlim=(135, 213),
        ylim=(-0.024, 0.16),
        xlabel="height of the next person (cm)",
        ylabel="density",
    )
    share.plot(counts, promised, "k--", linewidth=1.2, label="exact")
    truth(share, 0.9)
    share.set(xscale="log", xlim=(1.7, 80), ylim=(0.4, 1), xlabel="measurements n")
    share.set(
        ylabel="share that holds the next person", title=f"90% forecasts in {worlds:,} populations"
    )
    _plain_ticks(share.xaxis, (2, 4, 8, 16, 32, 64))
    for ax, style in ((law, "-"), (share, "o")):
        ax.plot([], [], style, color=GOOD, label="posterior predictive")
        ax.plot([], [], style, color=BAD, label="plug-in normal")
        ax.legend(loc="upper left" if ax is law else "lower right")

    def draw(measurements, seed):
        x = measure(measurements, np.random.default_rng(seed))
        k, texts = counts.index(measurements), []
        laws = (prior.update(x).predictive(), stats.norm(x.mean(), max(x.std(ddof=1), 1e-3)))
        rows = zip(shares, laws, (predictive, plug_in), (GOOD, BAD), (-0.005, -0.0115), strict=True)
        for name, now, forecast, color, height in rows:
            law.plot(grid, now.pdf(grid), color=color)
            low, high = forecast(x)
            law.plot([low, high], [height, height], "|-", color=color, linewidth=2)
            share.plot(counts[: k + 1], shares[name][: k + 1], "o", color=color, markersize=5)
            texts.append(f"{name} {low:.0f} to {high:.0f} cm")
        law.plot(x, np.full(len(x), -0.0195), "|", color="black", markersize=7)
        text = (
            f"90% forecasts: {'; '.join(texts)}. In {worlds:,} populations they hold the next person in "
            f"{shares['predictive'][k]:.1%} (exact 90%) and {shares['plug-in'][k]:.1%} "
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
    counts: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 128, 256),
    repeats: int = 2000,
) -> Picture:
    """What the prior does to the belief about μ: one data set, and the intervals of many.

    ``credible(prior, x)`` → ends of the 90% interval of μ, from measurements (…, n).
    """
    fig, (one, many) = figure(1, 2, size=(9.0, 3.5), width_ratios=[1.2, 1])
    some, counts = counts.index(16), np.array(counts)
    rng = np.random.default_rng(0)
    samples = measure(repeats * counts[-1], rng).reshape(repeats, counts[-1])
    shares = {}
    for (name, prior), color, aside in zip(priors.items(), COLORS, (0.88, 1, 1.14), strict=False):
        ends = np.array([credible(prior, samples[0, :n]) for n in counts])
        middle = ends.mean(axis=1)
        one.errorbar(
            counts * aside,
            middle,
            middle - ends[:, 0],
            fmt="o",
            color=color,
            markersize=4,
            label=name,
        )
        shares[name] = [_share_inside(credible(prior, samples[:, :n]), mean) for n in counts]
        many.plot(counts, shares[name], "o-", color=color, markersize=3.5, label=name)
    truth(one, mean, "the population")
    truth(many, 0.9, "90%")
    for ax in (one, many):
        ax.set(xscale="log", xlabel="measurements n")
        _plain_ticks(ax.xaxis, (1, 4, 16, 64, 256))
    one.set(ylabel="μ (cm)", title="one data set: mean and 90% interval of the belief")
    one.legend(loc="lower right")
    many.set(
        ylim=(-0.03, 1.03), ylabel="share of intervals that hold μ", title=f"{repeats:,} data sets"
    )
    told = "; ".join(f"{k} {v[0]:.0%}, {v[some]:.0%}, {v[-1]:.0%}" for k, v in shares.items())
    return Picture(
        fig,
        "share of 90% intervals that hold the population mean after "
        f"{counts[0]}, {counts[some]}, {counts[-1]} measurements: {told}",
    )


def numbers(text: str) -> tuple[float, ...]:
    """Read measurements from a text: numbers separated by spaces, commas or semicolons.

    Raises
    ------
    ValueError
        If a word is not a finite number, or there are fewer than two numbers, or all are equal.
    """
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    values = []
    for word in words:
        try:
            value = float(word)
        except ValueError:
            raise ValueError(
                f"{word[:30]!r} is not a number; write for example 4.1 5.9 3.3"
            ) from None
        if not abs(value) <= 1e15:
            raise ValueError(
                f"{word[:30]!r} is not usable; numbers must be finite and at most 1e15 in size"
            )
        values.append(value)
    if len(values) < 2:
        raise ValueError(
            f"at least 2 numbers are needed to see a spread; the field holds {len(values)}"
        )
    if np.std(values) <= 1e-12 * max(map(abs, values)):
        raise ValueError("all numbers are equal; nothing can be said about their spread")
    return tuple(values)


def own_view(default: str, low: int = 4, high: int = 11, chains: int = 16) -> BudgetView:
    """The belief about any list of numbers, without a prior opinion: p(μ, σ) ∝ 1/σ.

    Then the prior is flat in (μ, log σ), and the posterior is exact again (BDA3 section 3.2). Each
    axis counts in units of its own uncertainty; its ticks are written in the units of the data.
    """
    from scipy import stats

    fig, axes = figure(1, 3, size=(9.2, 3.3), sharey=True)
    for ax, name in zip(axes, ("mean μ", "spread σ", "the next number"), strict=True):
        ax.set(xlim=(-5, 5), ylim=(0, 0.55), xticks=[], title=name)
        ax.set_xlabel("in the unit of your numbers", labelpad=16)
    axes[0].set_ylabel("density, scaled")
    axes[0].plot([], [], "k--", linewidth=1.2, label="exact")
    axes[2].plot([], [], color=BAD, label="plug-in normal")
    for ax in (axes[0], axes[2]):
        ax.legend(loc="upper left")
    grid = np.linspace(-5, 5, 300)

    def draw(data, transitions, seed):
        x, n = np.array(data), len(data)
        centre, sd = x.mean(), x.std(ddof=1)
        belief = NormalInverseGamma(centre, n, (n - 1) / 2, (n - 1) / 2 * sd**2)
        widths = np.array([sd / math.sqrt(n), 1 / math.sqrt(2 * n - 2), sd * math.sqrt(1 + 1 / n)])
        rng = np.random.default_rng(seed)
        kernel = mcmc.random_walk(lambda theta: belief.log_joint(*theta.T), 1.7 * widths[:2])
        chain = mcmc.sample(kernel, np.full((chains, 2), [centre, math.log(sd)]), transitions, rng)
        mu, log_sigma = np.moveaxis(chain.positions[1:], -1, 0)
        fresh = mu + np.exp(log_sigma) * rng.standard_normal(mu.shape)
        laws = (
            belief.marginal_mean().pdf,
            lambda s: np.exp(s) * spread_density(belief, np.exp(s)),  # of log σ
            belief.predictive().pdf,
        )
        middles = (centre, math.log(sd), centre)
        for ax, drawn, law, middle, width in zip(
            axes, (mu, log_sigma, fresh), laws, middles, widths, strict=True
        ):
            _histogram(ax, (drawn - middle) / width, (-5, 5))
            ax.plot(grid, width * law(middle + width * grid), "k--", linewidth=1.2)
            ticks = _round_ticks(middle, width, np.exp if law is laws[1] else None)
            for value, position in ticks:
                ax.text(position, -0.015, value, ha="center", va="top", fontsize=8.5)
        axes[2].plot(
            grid, widths[2] * stats.norm.pdf(centre + widths[2] * grid, centre, sd), color=BAD
        )
        axes[2].plot((x - centre) / widths[2], np.full(n, 0.014), "|", color="black", markersize=9)
        ends = [
            f"{low:.4g} to {high:.4g}"
            for low, high in (np.quantile(mu, [0.05, 0.95]), belief.marginal_mean().interval(0.9))
        ]
        worth = diagnostics.ess(mu, "mean") if chain.accepted.any() else 0
        text = (
            f"{n} numbers; 90% of the belief about μ: {ends[0]} (exact {ends[1]}); "
            f"{mu.size:,} draws are worth {worth:,.0f}"
        )
        return text, chain.cost

    return BudgetView(
        fig,
        draw,
        data=entry(numbers, default, label="your numbers"),
        transitions=powers_of_two(
            low, high, unit="density evaluations", default=8, label="transitions"
        ),
    )


def _round_ticks(
    middle: float, width: float, transform: Callable | None
) -> list[tuple[str, float]]:
    """Round values for an axis that counts z = (value − middle) / width, and where they stand.

    With ``transform`` the axis holds the logarithm of the value.
    """
    if transform is None:
        values = MaxNLocator(4).tick_values(middle - 5 * width, middle + 5 * width)
        positions = (values - middle) / width
    else:
        values = [float(f"{v:.2g}") for v in transform(middle + width * np.array([-4.0, 0.0, 4.0]))]
        positions = (np.log(values) - middle) / width
    names = [f"{v:.4g}" for v in values]
    if len(set(names)) < len(names):  # numbers that differ only in late digits
        names = [f"{v:.12g}" for v in values]
    return [(name, z) for name, z in zip(names, positions, strict=True) if abs(z) <= 4.5]
