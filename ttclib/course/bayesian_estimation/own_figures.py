"""Pictures of notebook 03 that draw a function of the learner's own: a price, a prior, a chance."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from ttclib.cost import Cost
from ttclib.course.bayesian_estimation import answers
from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.course.bayesian_estimation.figures import spread_density
from ttclib.sampling import mcmc
from ttclib.show.slider import BudgetView, powers_of_two
from ttclib.show.style import BAD, GOOD, MUTED, Picture, band, figure, plain_ticks


def price_picture(
    price: Callable[[np.ndarray, int], float],
    log_density: Callable,
    start: Sequence[float],
    step: np.ndarray,
    transitions: int = 1000,
    runs: int = 8,
) -> Picture:
    """What one effective draw of μ costs, and how many proposals are accepted, by size of step.

    ``price(draws, evaluations)`` is asked for each of ``runs`` runs of four chains, for steps from
    1/32 to 32 times ``step``.
    """
    chains = 4
    times = 2.0 ** np.arange(-5, 6)
    size = np.repeat(times, runs * chains)[:, None] * step
    kernel = mcmc.random_walk(log_density, size)
    begin = np.tile(start, (len(size), 1))
    chain = mcmc.run_chains(kernel, begin, transitions, np.random.default_rng(0))
    mu = chain.positions[1:, :, 0].reshape(transitions, len(times), runs, chains)
    evaluations = (transitions + 1) * chains
    prices = np.full((runs, len(times)), float(evaluations))  # chains that never moved: one draw
    for i, j in np.ndindex(prices.shape):
        if np.ptp(mu[:, j, i]) > 0:
            prices[i, j] = price(mu[:, j, i], evaluations)
    accepted = chain.accepted.reshape(transitions, len(times), -1).mean(axis=(0, 2))
    fig, (cost, share) = figure(1, 2, size=(9.0, 3.4))
    band(cost, times, prices)
    middle = np.median(prices, axis=0)
    cost.plot(times, middle, "o", color=GOOD, label=f"median of {runs} runs")
    cost.fill_between([], [], color=GOOD, alpha=0.25, label="middle 90% of them")
    cost.axhline(1, color="black", linestyle="--", linewidth=1.2, label="independent draws")
    cost.set(yscale="log", ylim=(0.7, 2 * evaluations))
    cost.set(ylabel="evaluations for one effective draw", title="the price")
    cost.legend(loc="upper center")
    share.plot(times, accepted, "o-", color=GOOD)
    share.set(ylim=(0, 1.02), ylabel="share of proposals accepted", title="acceptance")
    for ax in (cost, share):
        ax.set(xscale="log", xlabel="steps, in units of the good ones (logarithmic axis)")
        plain_ticks(ax.xaxis, (1 / 32, 1 / 8, 1 / 2, 2, 8, 32))
        ax.set_xticklabels(["1/32", "1/8", "1/2", "2", "8", "32"])
    told = [
        f"{name} {middle[i]:,.0f} ({accepted[i]:.0%} accepted)"
        for name, i in (("1/16 of the good steps", 1), ("good", 5), ("8 times as large", 8))
    ]
    return Picture(fig, f"evaluations for one effective draw: {', '.join(told)}")


def opinion(x: np.ndarray, points: int = 500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact belief of exercise 6 on a grid: μ (points,), log σ (points,), and their joint density.

    The density is that of (μ, log σ), normalised over the grid, which holds all but 1e-6 of it.
    """
    spread = np.std(x, ddof=1)
    mu = np.linspace(np.mean(x) - 20 * spread, np.mean(x) + 20 * spread, points)
    log_sigma = math.log(spread) + np.linspace(-2.5, 3.5, points)
    log_density = answers.log_posterior(mu[:, None], log_sigma, x)
    density = np.exp(log_density - log_density.max())
    return (
        mu,
        log_sigma,
        density / (density.sum() * (mu[1] - mu[0]) * (log_sigma[1] - log_sigma[0])),
    )


def quantiles_on(grid: np.ndarray, density: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles of a density (n,) on an even grid (n,)."""
    return np.interp(levels, (np.cumsum(density) - density / 2) / density.sum(), grid)


def opinion_view(
    log_posterior: Callable[[float, float, np.ndarray], float],
    interval: Callable[[np.ndarray], Sequence[float]],
    x: np.ndarray,
    usual: NormalInverseGamma,
    high: int = 11,
) -> BudgetView:
    """Metropolis on ``log_posterior(mu, log_sigma, x)``, beside the exact belief of exercise 6.

    ``interval(draws)`` → ends of the central 90%. ``usual`` is the belief from the conjugate prior.
    """
    chains = 8
    mu_grid, log_grid, joint = opinion(x)
    of_mu = joint.sum(axis=1) * (log_grid[1] - log_grid[0])
    of_sigma = joint.sum(axis=0) * (mu_grid[1] - mu_grid[0]) / np.exp(log_grid)
    left, right = quantiles_on(mu_grid, of_mu, [0.05, 0.95])
    middle = math.exp(quantiles_on(log_grid, of_sigma * np.exp(log_grid), [0.5])[0])
    fig, axes = figure(1, 2, size=(9.0, 3.4))
    means, spreads = axes
    means.set(xlim=(155, 193), ylim=(0, 0.4), xlabel="mean μ (cm)", ylabel="density")
    spreads.set(xlim=(0, 18), ylim=(0, 0.6), xlabel="spread σ (cm)", ylabel="density")
    sigma = np.linspace(0.1, 18, 200)
    means.plot(mu_grid, usual.marginal_mean().pdf(mu_grid), ":", color=MUTED)
    spreads.plot(sigma, spread_density(usual, sigma), ":", color=MUTED)
    means.plot(mu_grid, of_mu, "k--", linewidth=1.2)
    spreads.plot(np.exp(log_grid), of_sigma, "k--", linewidth=1.2)
    means.fill_between([], [], color=GOOD, alpha=0.6, label="your Metropolis")
    means.plot([], [], "k--", linewidth=1.2, label="your prior, exact")
    means.plot([], [], ":", color=MUTED, label="prior of section 2")
    means.legend(loc="upper left")
    step = np.array([4.5, 0.5])

    def target(theta):
        return np.array([float(np.squeeze(log_posterior(m, s, x))) for m, s in theta])

    @functools.lru_cache(maxsize=4)
    def run(seed):
        start = np.tile([np.mean(x), math.log(np.std(x, ddof=1))], (chains, 1))
        kernel = mcmc.random_walk(target, step)
        return mcmc.run_chains(kernel, start, 2**high, np.random.default_rng(seed)).positions[1:]

    def draw(transitions, seed):
        mu, log_sigma = np.moveaxis(run(seed)[:transitions], -1, 0)
        drawn = np.exp(log_sigma)
        for ax, values in ((means, mu), (spreads, drawn)):
            counts, edges = np.histogram(values, 60, ax.get_xlim())
            heights = np.append(counts, 0) / values.size / (edges[1] - edges[0])
            ax.fill_between(edges, heights, step="post", color=GOOD, alpha=0.6, linewidth=0)
        low, up = interval(mu.ravel())
        text = (
            f"90% of the belief about μ: {low:.1f} to {up:.1f} cm (exact {left:.1f} to "
            f"{right:.1f}); median of σ {np.median(drawn):.1f} cm (exact {middle:.1f}; with the "
            f"prior of section 2 {math.sqrt(usual.marginal_variance().median()):.1f})"
        )
        return text, Cost(units=(transitions + 1) * chains)

    return BudgetView(
        fig,
        draw,
        transitions=powers_of_two(
            4, high, unit="density evaluations", default=8, label="transitions"
        ),
    )


def chance_picture(
    chance: Callable[[np.ndarray, float, np.random.Generator], float],
    x: np.ndarray,
    exact,
    plug_in,
    runs: int = 4,
) -> Picture:
    """The chance that the next person is taller, by threshold: of ``chance``, exact and plug-in.

    ``exact`` and ``plug_in`` are frozen distributions of ``scipy.stats``.
    """
    thresholds = np.arange(170, 201, 5)
    fig, ax = figure(size=(8.2, 3.2))
    grid = np.linspace(168, 202, 200)
    ax.plot(grid, exact.sf(grid), "k--", linewidth=1.2, label="exact: Student's t")
    ax.plot(grid, plug_in.sf(grid), "-.", color=BAD, label="plug-in normal")
    rngs = np.random.default_rng(0).spawn(runs)
    told = np.array([[chance(x.copy(), float(t), rng) for t in thresholds] for rng in rngs])
    places = np.tile(thresholds, (runs, 1))
    ax.plot(places.ravel(), told.ravel(), "o", color=GOOD, fillstyle="none", label="your chain")
    ax.set(xlim=(168, 202), ylim=(1e-4, 1), yscale="log", xlabel="threshold (cm)")
    ax.set_ylabel("chance to exceed it\n(logarithmic axis)")
    ax.legend(loc="lower left")
    middle = told.mean(axis=0)
    return Picture(
        fig,
        f"chance of more than 185 cm: {middle[3]:.1%}, exact {exact.sf(185):.1%}, plug-in "
        f"{plug_in.sf(185):.2%}; more than 195 cm: {middle[5]:.2%}, exact {exact.sf(195):.2%}, "
        f"plug-in {plug_in.sf(195):.1g}",
    )
