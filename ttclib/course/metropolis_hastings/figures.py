"""Pictures of notebook 02: finite chains, random walks, and how to judge them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ttclib.cost import Cost
from ttclib.course.metropolis_hastings import markov
from ttclib.course.metropolis_hastings.events import events
from ttclib.sampling import diagnostics, mcmc
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, Picture, band, end_labels, figure, truth


def mixing_picture(P: np.ndarray, names: Sequence[str], n: int = 12) -> Picture:
    """The distribution of tomorrow, the day after, … from each start: exact, by matrix powers."""
    fig, (*starts, distance) = figure(1, len(names) + 1, size=(9.2, 2.7), sharey=False)
    pi = markov.stationary(P)
    powers = [np.eye(len(P))]
    for _ in range(n):
        powers.append(powers[-1] @ P)
    for start, ax in enumerate(starts):
        days = np.array([power[start] for power in powers])
        for share, exact, color in zip(days.T, pi, COLORS, strict=False):
            ax.plot(share, color=color)
            truth(ax, exact)
        end_labels(ax, n * 0.55, days[-1] - 0.05, names, COLORS)
        ax.set(ylim=(0, 1.02), title=f"day 0: {names[start]}", xlabel="day")
        curve = markov.mixing_curve(P, start, n)
        distance.plot(curve, color=COLORS[start], label=names[start])
    starts[0].set_ylabel("probability")
    distance.set(yscale="log", xlabel="day", title="distance to the long run")
    distance.legend()
    settled = ", ".join(f"{name} {p:.3f}" for name, p in zip(names, pi, strict=True))
    return Picture(fig, f"from any first meal the distribution settles to {settled}")


def visits_view(
    simulators: Mapping[str, Callable], exact: np.ndarray, names: Sequence[str], high: int = 14
) -> BudgetView:
    """Shares of visits of one chain beside those it should reach, and the distance between them.

    ``simulators[name](n, rng, chains)`` → visited states (n, chains); one or two of them. ``exact``
    and ``names`` belong to the states. The longest run is 2^high transitions.
    """
    budgets = [2**k for k in range(2, high + 1)]
    palette = dict(zip(simulators, (GOOD, BAD), strict=False))

    @functools.cache
    def shares(name, seed, chains):
        """Share of visits (budgets, chains, K) after each budget."""
        path = simulators[name](budgets[-1], np.random.default_rng(seed), chains)
        counts = [
            [np.bincount(visits[:n], minlength=len(exact)) for visits in path.T] for n in budgets
        ]
        return np.array(counts) / np.array(budgets)[:, None, None]

    def distance(share):
        return 0.5 * np.abs(share - exact).sum(axis=-1)

    fig, (bars, error) = figure(1, 2, size=(8.6, 3.4))
    width = 0.8 / (len(simulators) + 1)
    left = np.arange(len(exact)) - 0.4 + width / 2
    bars.bar(left, exact, width, color="black", alpha=0.75, label="exact")
    bars.set_xticks(range(len(exact)), names)
    bars.set(xlim=(-0.6, len(exact) - 0.4), ylim=(0, min(1.05, 1.9 * exact.max())))
    bars.set(ylabel="share of visits", title="where the chain has been")
    error.set(xscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 1.4), xlabel="transitions")
    error.set(yscale="log", ylim=(2e-3, 1.3), ylabel="distance to the exact distribution")
    error.set_title("total variation distance")
    for name, color in palette.items():
        band(error, budgets, distance(shares(name, 7, 24)).T, color=color)
        bars.bar(0, 0, color=color, label=name)
    bars.legend(loc="upper right", ncols=len(simulators) + 1)

    def draw(transitions, seed):
        seen = [n for n in budgets if n <= transitions]
        told = []
        for i, (name, color) in enumerate(palette.items(), 1):
            share = shares(name, seed, 1)[: len(seen), 0]
            gaps = distance(share)
            bars.bar(left + width * i, share[-1], width, color=color, alpha=0.85)
            error.plot(seen, gaps, "o-", color=color, markersize=3.5, linewidth=1)
            told.append(f"{name} {gaps[-1]:.3f}")
        text = f"distance to the exact distribution: {', '.join(told)}"
        return text, Cost(units=transitions * len(simulators))

    transitions = powers_of_two(2, high, unit="transitions", default=6)
    return BudgetView(fig, draw, transitions=transitions)


def long_run_picture(shares: Mapping[str, np.ndarray], names: Sequence[str]) -> Picture:
    """Up to three distributions on the same states, side by side; the first is the truth."""
    fig, ax = figure(size=(8.0, 3.0))
    where = np.arange(len(names))
    width = 0.8 / len(shares)
    first = next(iter(shares.values()))
    gaps = []
    for i, ((name, share), color) in enumerate(
        zip(shares.items(), ("black", GOOD, BAD), strict=False)
    ):
        ax.bar(where - 0.4 + width * (i + 0.5), share, width, color=color, alpha=0.8, label=name)
        gaps.append(f"{name} {0.5 * np.abs(share - first).sum():.3f}")
    ax.set_xticks(where, names)
    ax.set(ylabel="long-run share of visits")
    ax.legend(ncols=len(shares))
    told = ", ".join(gaps[1:])
    return Picture(fig, f"exact long-run distributions; distance to the target: {told}")


def step_size_view(length: int = 400, chains: int = 64) -> BudgetView:
    """Random-walk Metropolis on N(0, 1): trace, share accepted, worth of a draw."""
    sizes = [round(float(s), 2) for s in 2.38 * 2.0 ** np.arange(-5, 6)]

    def exact(size):
        return 2 / math.pi * np.arctan(2 / size)

    @functools.cache
    def run(size, seed):
        rng = np.random.default_rng(seed)
        kernel = mcmc.random_walk(lambda x: -0.5 * x * x, size)
        chain = mcmc.run_chains(kernel, rng.standard_normal(chains), length, rng)
        return chain, diagnostics.ess(chain.positions, "mean") / chain.positions.size

    fig, (trace, accept, worth) = figure(1, 3, size=(9.2, 3.2), width_ratios=[1.5, 1, 1])
    trace.set(xlim=(0, length), ylim=(-4.2, 4.2), xlabel="transition", ylabel="x")
    trace.set_title("one chain")
    grid = np.geomspace(sizes[0] * 0.8, sizes[-1] * 1.3, 200)
    accept.plot(grid, exact(grid), "k--", linewidth=1.2)
    accept.set(xscale="log", ylim=(0, 1.02), xlabel="step size s", title="share accepted")
    accept.text(0.05, 0.07, "exact: (2/π) arctan(2/s)", transform=accept.transAxes, fontsize=8.5)
    worth.set(xscale="log", xlim=accept.get_xlim(), ylim=(0, 0.3), xlabel="step size s")
    worth.set_title("ESS per transition")

    def draw(step_size, seed):
        seen = [s for s in sizes if s <= step_size]
        rates = [run(s, seed)[0].acceptance_rate for s in seen]
        shares = [run(s, seed)[1] for s in seen]
        chain, share = run(step_size, seed)
        trace.plot(chain.positions[:, 0], color=GOOD, linewidth=1)
        accept.plot(seen, rates, "o", color=GOOD, markersize=4)
        worth.plot(seen, shares, "o-", color=GOOD, markersize=4, linewidth=1)
        text = (
            f"accepted {chain.acceptance_rate:.3f} (exact {exact(step_size):.3f}); "
            f"{chains} chains × {length} transitions are worth "
            f"{share * chain.positions.size:,.0f} independent draws"
        )
        return text, chain.cost

    size = options(sizes, default=2.38, unit="density evaluations", label="step size s")
    return BudgetView(fig, draw, step_size=size)


def _height(log_density: Callable, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The density, up to a constant, at every point of a grid (ny, nx)."""
    points = np.stack(np.meshgrid(x, y), axis=-1)
    return np.exp(log_density(points.reshape(-1, 2))).reshape(points.shape[:2])


def replay_view(
    log_density: Callable, kernel: mcmc.Kernel, start: Sequence[float], n: int = 40
) -> BudgetView:
    """One chain in the plane, event by event: proposal, then accept or reject."""
    grid = np.linspace(-3.2, 3.2, 121)
    height = _height(log_density, grid, grid)
    edges = (grid[0], grid[-1])
    fig, ax = figure(size=(6.6, 4.6))
    shades = {"cmap": "Greys", "vmax": 2 * height.max()}
    ax.imshow(height, extent=(*edges, *edges), origin="lower", **shades)
    ax.set(xlim=edges, ylim=edges, aspect="equal", xlabel="x₁", ylabel="x₂")
    ax.plot([], [], "o", color=GOOD, label="visited")
    ax.plot([], [], "x", color=BAD, label="rejected proposal")
    ax.plot([], [], "s", color=COLORS[1], label="now")
    fig.legend(loc="outside right upper")
    verbs = {
        "accept": "accepted",
        "reject": "rejected: the chain stays, and the place counts again",
    }

    @functools.cache
    def story(seed):
        state = kernel.init(np.array([start], dtype=float))
        told = list(events(kernel, state, np.random.default_rng(seed), n))
        return told[::2], told[1::2]

    def draw(step, seed):
        proposals, outcomes = (told[:step] for told in story(seed))
        path = np.array([start, *(outcome.position for outcome in outcomes)], dtype=float)
        pairs = zip(proposals, outcomes, strict=True)
        refused = [proposal.position for proposal, outcome in pairs if outcome.kind == "reject"]
        ax.plot(*path.T, "-", color=GOOD, linewidth=0.8, alpha=0.7)
        ax.plot(*path.T, "o", color=GOOD, markersize=3.5)
        if refused:
            ax.plot(*np.array(refused).T, "x", color=BAD, markersize=5)
        ax.plot(*path[-1], "s", color=COLORS[1], markersize=8)
        if not step:
            return "the start", Cost()
        proposal = proposals[-1]
        ax.plot(*np.array([path[-2], proposal.position]).T, ":", color="black", linewidth=1.2)
        text = (
            f"step {step}: the proposal had probability {proposal.acceptance:.2f} "
            f"of being accepted; {verbs[outcomes[-1].kind]}"
        )
        return text, Cost(units=step)

    return BudgetView(
        fig, draw, step=options(range(n + 1), default=6, unit="transitions", label="step")
    )


def banana_view(
    banana: Callable, samplers: Callable, costs: Mapping[str, int], high: int = 12
) -> BudgetView:
    """Two samplers on a banana at equal cost: where one chain has been, and the error of a mean.

    Parameters
    ----------
    banana : callable
        Dimension → target with ``log_density(x)``, ``start(chains, rng)`` and ``mean``, exact.
    samplers : callable
        Target → two kernels, by name.
    costs : mapping
        Evaluations that one transition of one chain costs, by name.
    high : int
        Each chain is given 2^high evaluations at most.
    """
    budgets = [2**k for k in range(6, high + 1)]
    chains = 16
    dims = (2, 20)
    palette = dict(zip(costs, (BAD, GOOD), strict=True))
    fig, (*maps, error) = figure(1, 3, size=(9.6, 3.5), width_ratios=[1, 1, 1.15])
    x = np.linspace(-4.2, 4.2, 160)
    y = np.linspace(-3, 13, 160)
    height = _height(banana(2).log_density, x, y)
    levels = height.max() * np.array([0.02, 0.2, 0.7])
    for ax, (name, color) in zip(maps, palette.items(), strict=True):
        ax.contour(x, y, height, levels=levels, colors="black", linewidths=0.7)
        ax.set(xlim=(-4.2, 4.2), ylim=(-3, 13), xlabel="x₁", title=f"{name}: one chain")
        ax.title.set_color(color)
    maps[0].set_ylabel("x₂")
    error.set(
        xscale="log", xlim=(budgets[0] * 0.7, budgets[-1] * 1.5), yscale="log", ylim=(0.05, 4)
    )
    error.set(xlabel="evaluations of each chain")
    error.set_title(f"error of the mean of x₂ ({chains} chains, RMS)")

    @functools.cache
    def run(name, dim, seed):
        rng = np.random.default_rng(seed)
        target = banana(dim)
        start = target.start(chains, rng)
        chain = mcmc.run_chains(samplers(target)[name], start, budgets[-1] // costs[name], rng)
        return chain.positions[..., :2].copy()  # all coordinates of all runs would be 40 MB

    for dim in dims:  # the slow part, once: a slider that moves later finds it done
        for name in costs:
            run(name, dim, 0)

    def draw(evaluations, dimension, seed):
        seen = [n for n in budgets if n <= evaluations]
        exact = banana(dimension).mean[1]
        texts = []
        for ax, (name, color) in zip(maps, palette.items(), strict=True):
            positions = run(name, dimension, seed)
            path = positions[: evaluations // costs[name] + 1, 0]
            ax.plot(*path.T, ".-", color=color, markersize=2.5, linewidth=0.4, alpha=0.8)
            means = [positions[: n // costs[name] + 1, :, 1].mean(axis=0) for n in seen]
            gaps = np.sqrt(np.mean((np.array(means) - exact) ** 2, axis=1))
            error.plot(seen, gaps, "o-", color=color, markersize=4, label=name)
            texts.append(f"{name}: {len(path) - 1:,} transitions, error {gaps[-1]:.2f}")
        error.legend(loc="lower left")
        return "; ".join(texts), Cost(units=evaluations * chains * len(costs))

    return BudgetView(
        fig,
        draw,
        evaluations=powers_of_two(6, high, unit="evaluations", default=10),
        dimension=options(dims, label="dimension"),
    )


def fooled_view(log_density: Callable, density: Callable, gap: float) -> BudgetView:
    """Four chains on a target with humps at ±gap: traces, histogram, R-hat, for two starts."""
    length = 1000
    reach = gap + 4.5
    starts = {
        "all on the right": np.full(4, gap),
        "spread out": np.array([-gap, -gap / 3, gap / 3, gap]),
    }
    fig, (trace, hist) = figure(1, 2, size=(8.8, 3.5), width_ratios=[1.7, 1])
    trace.set(xlim=(0, length), ylim=(-reach, reach), xlabel="transition", ylabel="x")
    trace.set_title("four chains")
    grid = np.linspace(-reach, reach, 400)
    hist.plot(density(grid), grid, "k--", linewidth=1.2, label="exact density")
    hist.set(ylim=(-reach, reach), xlim=(0, 2.4 * density(grid).max()), xlabel="density")
    hist.set_title("all draws")
    hist.legend(loc="lower right")
    bins = {"bins": 80, "range": (-reach, reach), "density": True, "histtype": "stepfilled"}

    def draw(step_size, start, seed):
        rng = np.random.default_rng(seed)
        kernel = mcmc.random_walk(log_density, step_size)
        chain = mcmc.run_chains(kernel, starts[start], length, rng)
        for path, color in zip(chain.positions.T, COLORS, strict=False):
            trace.plot(path, color=color, linewidth=0.7)
        draws = chain.positions.ravel()
        hist.hist(draws, orientation="horizontal", color=GOOD, alpha=0.6, **bins)
        text = (
            f"R-hat {diagnostics.rhat(chain.positions[1:]):.2f}, "
            f"ESS {diagnostics.ess(chain.positions[1:]):,.0f}; "
            f"{(draws > 0).mean():.0%} of the draws on the right (exact 50%)"
        )
        return text, chain.cost

    sizes = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
    return BudgetView(
        fig,
        draw,
        step_size=options(sizes, default=1.0, unit="density evaluations", label="step size"),
        start=choice(list(starts), label="the chains start"),
    )
