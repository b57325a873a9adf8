"""Pictures of notebook 02: finite chains, random walks, and how to judge them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ttclib.cost import Cost
from ttclib.sampling import diagnostics, markov, mcmc
from ttclib.show.slider import BudgetView, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, Picture, band, end_labels, figure, truth


def visits_view(
    simulators: Mapping[str, Callable],
    law: np.ndarray,
    names: Sequence[str],
    low: int = 2,
    high: int = 14,
) -> BudgetView:
    """Shares of visits of one chain beside the law it should reach, and the distance between them.

    ``simulators[name](n, rng, chains)`` → visited states (n, chains).
    """
    budgets = [2**k for k in range(low, high + 1)]

    @functools.cache
    def shares(name, seed, chains):
        """Share of visits (budgets, chains, K) after each budget."""
        path = simulators[name](budgets[-1], np.random.default_rng(seed), chains)
        counts = np.array(
            [[np.bincount(visits[:n], minlength=len(law)) for visits in path.T] for n in budgets]
        )
        return counts / np.array(budgets)[:, None, None]

    def distance(share):
        return 0.5 * np.abs(share - law).sum(axis=-1)

    width = 0.8 / (len(simulators) + 1)
    fig, (bars, error) = figure(1, 2, size=(8.6, 3.4))
    where = np.arange(len(law))
    bars.bar(where - 0.4 + width / 2, law, width, color="black", alpha=0.75, label="exact")
    bars.set_xticks(where, names)
    bars.set(
        xlim=(-0.6, len(law) - 0.4),
        ylabel="share of visits",
        ylim=(0, min(1.05, 1.9 * law.max())),
        title="where the chain has been",
    )
    error.set(
        xscale="log", yscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 1.4), ylim=(2e-3, 1.3)
    )
    error.set(
        xlabel="transitions", ylabel="distance to the exact law", title="total variation distance"
    )
    palette = dict(zip(simulators, (GOOD, BAD) if len(simulators) < 3 else COLORS, strict=False))
    for name, color in palette.items():
        band(error, budgets, distance(shares(name, 7, 24)).T, color=color)
        bars.bar(0, 0, color=color, label=name)
    bars.legend(loc="upper right", ncols=len(simulators) + 1)

    def draw(transitions, seed):
        seen, ends = [n for n in budgets if n <= transitions], {}
        for i, (name, color) in enumerate(palette.items(), 1):
            share = shares(name, seed, 1)[: len(seen), 0]
            bars.bar(where - 0.4 + width * (i + 0.5), share[-1], width, color=color, alpha=0.85)
            error.plot(seen, distance(share), "o-", color=color, markersize=3.5, linewidth=1)
            ends[name] = distance(share)[-1]
        text = "distance to the exact law: " + ", ".join(f"{k} {v:.3f}" for k, v in ends.items())
        return text, Cost(units=transitions * len(simulators))

    return BudgetView(
        fig, draw, transitions=powers_of_two(low, high, unit="transitions", default=6)
    )


def law_picture(laws: Mapping[str, np.ndarray], names: Sequence[str]) -> Picture:
    """Several laws on the same states, side by side; the first is the truth."""
    fig, ax = figure(size=(8.0, 3.0))
    where, width = np.arange(len(names)), 0.8 / len(laws)
    for i, (name, law) in enumerate(laws.items()):
        color = "black" if i == 0 else (GOOD, BAD, *COLORS[2:])[i - 1]
        ax.bar(where - 0.4 + width * (i + 0.5), law, width, color=color, alpha=0.8, label=name)
    ax.set_xticks(where, names)
    ax.set(ylabel="long-run share of visits")
    ax.legend(ncols=len(laws))
    first = next(iter(laws.values()))
    gaps = ", ".join(f"{k} {0.5 * np.abs(v - first).sum():.3f}" for k, v in list(laws.items())[1:])
    return Picture(fig, f"exact long-run laws; distance to the target: {gaps}")


def step_size_view(length: int = 400, chains: int = 64) -> BudgetView:
    """Random-walk Metropolis on N(0, 1): trace, acceptance against the exact law, worth of a draw."""
    sizes = [round(float(s), 2) for s in 2.38 * 2.0 ** np.arange(-5, 6)]
    kernel_of = functools.cache(lambda s: mcmc.random_walk(lambda x: -0.5 * x * x, s))

    @functools.cache
    def run(size, seed):
        rng = np.random.default_rng(seed)
        chain = mcmc.sample(kernel_of(size), rng.standard_normal(chains), length, rng)
        return chain, diagnostics.ess(chain.positions, "mean") / chain.positions.size

    fig, (trace, accept, worth) = figure(1, 3, size=(9.2, 3.2), width_ratios=[1.5, 1, 1])
    trace.set(
        xlim=(0, length), ylim=(-4.2, 4.2), xlabel="transition", ylabel="x", title="one chain"
    )
    grid = np.geomspace(sizes[0] * 0.8, sizes[-1] * 1.3, 200)
    accept.plot(grid, 2 / math.pi * np.arctan(2 / grid), "k--", linewidth=1.2)
    accept.set(xscale="log", ylim=(0, 1.02), xlabel="step size s", title="share accepted")
    accept.text(0.05, 0.07, "exact: (2/π) arctan(2/s)", transform=accept.transAxes, fontsize=8.5)
    worth.set(xscale="log", xlim=accept.get_xlim(), ylim=(0, 0.3), xlabel="step size s")
    worth.set_title("ESS per transition")

    def draw(step_size, seed):
        seen = [s for s in sizes if s <= step_size]
        chain, share = run(step_size, seed)
        trace.plot(chain.positions[:, 0], color=GOOD, linewidth=1)
        accept.plot(
            seen, [run(s, seed)[0].acceptance_rate for s in seen], "o", color=GOOD, markersize=4
        )
        worth.plot(
            seen, [run(s, seed)[1] for s in seen], "o-", color=GOOD, markersize=4, linewidth=1
        )
        exact = 2 / math.pi * math.atan(2 / step_size)
        text = (
            f"accepted {chain.acceptance_rate:.3f} (exact {exact:.3f}); {chains} chains × {length} "
            f"transitions are worth {share * chain.positions.size:,.0f} independent draws"
        )
        return text, chain.cost

    return BudgetView(
        fig,
        draw,
        step_size=options(sizes, default=2.38, unit="density evaluations", label="step size s"),
    )


def replay_view(
    log_density: Callable, kernel: mcmc.Kernel, start, n: int = 40, reach: float = 3.2
) -> BudgetView:
    """One chain in the plane, event by event: proposal, then accept or reject."""
    grid = np.linspace(-reach, reach, 121)
    x, y = np.meshgrid(grid, grid)
    height = np.exp(log_density(np.column_stack([x.ravel(), y.ravel()]))).reshape(x.shape)
    fig, ax = figure(size=(6.6, 4.6))
    ax.imshow(
        height,
        extent=(-reach, reach, -reach, reach),
        origin="lower",
        cmap="Greys",
        vmax=2 * height.max(),
    )
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="x₁", ylabel="x₂")
    for style, color, label in (
        ("o", GOOD, "visited"),
        ("x", BAD, "rejected proposal"),
        ("s", COLORS[1], "now"),
    ):
        ax.plot([], [], style, color=color, label=label)
    fig.legend(loc="outside right upper")

    @functools.cache
    def story(seed):
        rng = np.random.default_rng(seed)
        return list(mcmc.events(kernel, kernel.init(np.array([start], dtype=float)), rng, n))

    def draw(step, seed):
        told = [e for e in story(seed) if e.step <= step]
        path = np.array(
            [np.asarray(start, dtype=float), *[e.position for e in told if e.kind != "proposal"]]
        )
        refused = np.array(
            [p.position for p, r in zip(told[::2], told[1::2], strict=True) if r.kind == "reject"]
        )
        ax.plot(*path.T, "-", color=GOOD, linewidth=0.8, alpha=0.7)
        ax.plot(*path.T, "o", color=GOOD, markersize=3.5)
        if len(refused):
            ax.plot(*refused.T, "x", color=BAD, markersize=5)
        ax.plot(*path[-1], "s", color=COLORS[1], markersize=8)
        if not told:
            return "the start", Cost()
        proposal, outcome = told[-2], told[-1]
        ax.plot(*np.array([path[-2], proposal.position]).T, ":", color="black", linewidth=1.2)
        verb = {
            "accept": "accepted",
            "reject": "rejected: the chain stays, and the place counts again",
        }[outcome.kind]
        text = f"step {step}: the proposal had probability {proposal.acceptance:.2f} of being accepted; {verb}"
        return text, Cost(units=step)

    return BudgetView(
        fig, draw, step=options(list(range(n + 1)), default=6, unit="transitions", label="step")
    )


def banana_view(
    banana: Callable, samplers: Callable, costs: Mapping[str, int], dims=(2, 20)
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
    """
    budgets, chains, palette = (
        [2**k for k in range(6, 13)],
        16,
        dict(zip(costs, (BAD, GOOD), strict=True)),
    )
    fig, axes = figure(1, 3, size=(9.6, 3.5), width_ratios=[1, 1, 1.15])
    *maps, error = axes
    x, y = np.meshgrid(np.linspace(-4.2, 4.2, 160), np.linspace(-3, 13, 160))
    height = np.exp(banana(2).log_density(np.column_stack([x.ravel(), y.ravel()]))).reshape(x.shape)
    for ax, (name, color) in zip(maps, palette.items(), strict=True):
        ax.contour(
            x,
            y,
            height,
            levels=height.max() * np.array([0.02, 0.2, 0.7]),
            colors="black",
            linewidths=0.7,
        )
        ax.set(xlim=(-4.2, 4.2), ylim=(-3, 13), xlabel="x₁", title=f"{name}: one chain")
        ax.title.set_color(color)
    maps[0].set_ylabel("x₂")
    error.set(
        xscale="log", yscale="log", xlim=(budgets[0] * 0.7, budgets[-1] * 1.5), ylim=(0.05, 4)
    )
    error.set(
        xlabel="evaluations of each chain", title=f"error of the mean of x₂ ({chains} chains, RMS)"
    )

    @functools.cache
    def run(name, dim, seed):
        target, rng = banana(dim), np.random.default_rng(seed)
        chain = mcmc.sample(
            samplers(target)[name], target.start(chains, rng), budgets[-1] // costs[name], rng
        )
        return chain.positions[..., :2].copy()  # all coordinates of all runs would be 40 MB

    for dim in dims:  # the slow part, once: a slider that moves later finds it done
        for name in costs:
            run(name, dim, 0)

    def draw(evaluations, dimension, seed):
        seen, texts = [n for n in budgets if n <= evaluations], []
        for ax, (name, color) in zip(maps, palette.items(), strict=True):
            x2 = run(name, dimension, seed)[..., 1]
            path = run(name, dimension, seed)[: evaluations // costs[name] + 1, 0]
            ax.plot(*path.T, ".-", color=color, markersize=2.5, linewidth=0.4, alpha=0.8)
            kept = [x2[: n // costs[name] + 1] for n in seen]
            gaps = [
                np.sqrt(np.mean((draws.mean(axis=0) - banana(dimension).mean[1]) ** 2))
                for draws in kept
            ]
            error.plot(seen, gaps, "o-", color=color, markersize=4, label=name)
            texts.append(f"{name}: {len(path) - 1:,} transitions, error {gaps[-1]:.2f}")
        error.legend(loc="lower left")
        return "; ".join(texts), Cost(units=evaluations * chains * len(costs))

    return BudgetView(
        fig,
        draw,
        evaluations=powers_of_two(6, 12, unit="evaluations", default=10),
        dimension=options(dims, label="dimension"),
    )


def fooled_view(
    log_density: Callable, density: Callable, gap: float, length: int = 1000
) -> BudgetView:
    """Four chains on a target with two humps: traces, histogram, R-hat, for several starts."""
    fig, (trace, hist) = figure(1, 2, size=(8.8, 3.5), width_ratios=[1.7, 1])
    reach = gap + 4.5
    trace.set(
        xlim=(0, length), ylim=(-reach, reach), xlabel="transition", ylabel="x", title="four chains"
    )
    grid = np.linspace(-reach, reach, 400)
    hist.plot(density(grid), grid, "k--", linewidth=1.2, label="exact density")
    hist.set(
        ylim=(-reach, reach),
        xlim=(0, 2.4 * density(grid).max()),
        xlabel="density",
        title="all draws",
    )
    hist.legend(loc="lower right")
    starts = {
        "all on the right": np.full(4, gap),
        "spread out": np.array([-gap, -gap / 3, gap / 3, gap]),
    }

    def draw(step_size, start, seed):
        rng = np.random.default_rng(seed)
        chain = mcmc.sample(mcmc.random_walk(log_density, step_size), starts[start], length, rng)
        for i in range(4):
            trace.plot(chain.positions[:, i], color=COLORS[i], linewidth=0.7)
        hist.hist(
            chain.positions.ravel(),
            histtype="stepfilled",
            bins=80,
            range=(-reach, reach),
            density=True,
            orientation="horizontal",
            color=GOOD,
            alpha=0.6,
        )
        rhat, ess = diagnostics.rhat(chain.positions[1:]), diagnostics.ess(chain.positions[1:])
        share = (chain.positions > 0).mean()
        return (
            f"R-hat {rhat:.2f}, ESS {ess:,.0f}; {share:.0%} of the draws on the right (exact 50%)",
            chain.cost,
        )

    return BudgetView(
        fig,
        draw,
        step_size=options(
            (0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
            default=1.0,
            unit="density evaluations",
            label="step size",
        ),
        start=options(list(starts), label="the chains start"),
    )


def mixing_picture(P: np.ndarray, names: Sequence[str], n: int = 12) -> Picture:
    """The law of tomorrow, the day after, …, from each start: exact, by matrix powers."""
    fig, axes = figure(1, len(names) + 1, size=(9.2, 2.7), sharey=False)
    pi = markov.stationary(P)
    for start, ax in enumerate(axes[:-1]):
        law = np.eye(len(P))[start]
        laws = [law := law if t == 0 else law @ P for t in range(n + 1)]
        for state, color in zip(range(len(P)), COLORS, strict=False):
            ax.plot(np.array(laws)[:, state], color=color)
            truth(ax, pi[state])
        end_labels(ax, n * 0.55, np.array(laws)[-1] - 0.05, names, COLORS)
        ax.set(ylim=(0, 1.02), title=f"day 0: {names[start]}", xlabel="day")
    axes[0].set_ylabel("probability")
    for start, color in zip(range(len(P)), COLORS, strict=False):
        axes[-1].plot(markov.mixing_curve(P, start, n), color=color, label=names[start])
    axes[-1].set(yscale="log", xlabel="day", title="distance to the law")
    axes[-1].legend()
    settled = ", ".join(f"{name} {p:.3f}" for name, p in zip(names, pi, strict=True))
    return Picture(fig, f"from any first meal the law settles to {settled}")
