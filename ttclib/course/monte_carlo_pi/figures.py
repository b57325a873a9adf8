"""Pictures of notebook 01: darts on a board, and error against budget."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np

from ttclib.cost import Cost
from ttclib.sampling.montecarlo import Estimate, area
from ttclib.show.darts import board_axes, throw
from ttclib.show.slider import BudgetView, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, Picture, band, end_labels, figure, truth

Estimator = Callable[[int, np.random.Generator], Estimate]


def board_view(estimator: Estimator, low: int = 4, high: int = 24, default: int = 10) -> BudgetView:
    """Darts on the board, and the error of one run against the exact law of the error.

    ``estimator(n, rng)`` must read its stream point by point, so that budgets are nested.
    """
    budgets = [2**k for k in range(low, high + 1)]
    run = functools.cache(lambda n, seed: estimator(n, np.random.default_rng(seed)))
    fig, (board, errors) = figure(1, 2, size=(8.4, 3.7), width_ratios=[1, 1.5])
    board_axes(board)
    _error_axes(
        errors, budgets, "darts n", math.sqrt(math.pi * (4 - math.pi)), "1.642 / √n (exact)"
    )
    sizes = [n for n in budgets if n <= 2**14]
    spread = [[abs(run(n, (99, k)).value - math.pi) for n in sizes] for k in range(100)]
    band(errors, sizes, spread, color=MUTED, label="100 runs: median, middle 90%")
    errors.legend(loc="lower left")

    def draw(darts, seed):
        seen = [n for n in budgets if n <= darts]
        throw(board, darts, seed)
        gaps = [abs(run(n, seed).value - math.pi) for n in seen]
        errors.plot(seen, gaps, "o-", color=GOOD, markersize=3.5, linewidth=1)
        errors.plot(seen[-1], gaps[-1], "o", color=BAD, markersize=7)
        last = run(darts, seed)
        text = f"π ≈ {last.value:.5f} ± {last.standard_error:.5f}, true error {last.value - math.pi:+.5f}"
        return text, last.cost

    return BudgetView(fig, draw, darts=powers_of_two(low, high, unit="darts", default=default))


def _error_axes(ax, budgets, xlabel: str, constant: float, label: str) -> None:
    """Log-log axes of error against budget, with the exact 1/√n line."""
    ax.set(xscale="log", yscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 1.5), ylim=(3e-6, 3))
    ax.set(xlabel=xlabel, ylabel="|estimate − π|", title="error against budget")
    ax.plot(budgets, constant / np.sqrt(budgets), "k--", linewidth=1.2, label=label)


def long_run_view(estimator: Estimator, low: int = 18, high: int = 28) -> BudgetView:
    """One long run, block by block: it starts on release, shows its progress and can be stopped."""
    block, budgets = 2**18, [2**k for k in range(low, high + 1)]
    fig, ax = figure(size=(8.0, 3.2))
    _error_axes(ax, budgets, "darts n", math.sqrt(math.pi * (4 - math.pi)), "1.642 / √n (exact)")
    ax.set_ylim(1e-6, 3e-2)
    ax.legend(loc="lower left")

    def draw(darts, seed):
        rng, total, path, cost = np.random.default_rng(seed), 0.0, [], Cost()
        for done in range(1, darts // block + 1):
            part = estimator(block, rng)  # the stream goes on where the last block ended
            total, cost = total + part.value, cost + part.cost
            path.append((done * block, abs(total / done - math.pi)))
            yield done * block / darts
        ax.plot(
            *np.array(path[:: 1 + len(path) // 500]).T,
            ".-",
            color=GOOD,
            markersize=3,
            linewidth=0.8,
        )
        value, error = total / done, math.sqrt(math.pi * (4 - math.pi) / darts)
        return f"π ≈ {value:.6f} ± {error:.6f}, true error {value - math.pi:+.6f}", cost

    return BudgetView(fig, draw, darts=powers_of_two(low, high, unit="darts", step=2))


def ball_volume(dim: int) -> float:
    """Volume of the unit ball: π^(d/2) / Γ(d/2 + 1)."""
    return math.exp(dim / 2 * math.log(math.pi) - math.lgamma(dim / 2 + 1))


def ball_view(darts: int = 2**16, dims: int = 16) -> BudgetView:
    """The share of a cube's darts that its inscribed ball catches, dimension by dimension."""
    every = range(1, dims + 1)
    run = functools.cache(
        lambda d, seed: area(
            lambda x: (x**2).sum(axis=1) <= 1,
            [-1.0] * d,
            [1.0] * d,
            darts,
            np.random.default_rng((seed, d)),
        )
    )
    fig, (share, shells) = figure(1, 2, size=(8.4, 3.4))
    share.set(yscale="log", xlim=(0.3, dims + 0.7), ylim=(1e-6, 3), xlabel="dimension d")
    share.set(ylabel="share of darts inside", title="the ball's share of the cube")
    share.plot(every, [ball_volume(d) / 2**d for d in every], "k--", linewidth=1.2, label="exact")
    share.axhline(1 / darts, color=MUTED, linewidth=1, label=f"one hit in {darts:,} darts")
    share.legend(loc="lower left")
    shells.set(
        xlim=(0, 4), ylim=(0, 1.8), xlabel="distance of a dart from the centre", ylabel="density"
    )
    shells.axvspan(0, 1, color=GOOD, alpha=0.12, linewidth=0)
    shells.set_title("where the darts are; shaded: inside the ball")

    def draw(dimension, seed):
        hits = [run(d, seed).value / 2**d for d in every[:dimension]]
        share.plot(every[:dimension], [h if h > 0 else np.nan for h in hits], "o", color=GOOD)
        radius = np.linalg.norm(
            np.random.default_rng((seed, dimension)).uniform(-1, 1, (4000, dimension)), axis=1
        )
        shells.hist(
            radius,
            histtype="stepfilled",
            bins=np.linspace(0, 4, 61),
            density=True,
            color=BAD,
            alpha=0.7,
        )
        exact, now = ball_volume(dimension) / 2**dimension, run(dimension, seed)
        found = round(hits[-1] * darts)
        price = (
            f"{darts / found:,.3g} darts for one accepted point"
            if found
            else "no dart was accepted"
        )
        return f"{found:,} of {darts:,} inside (exact share {exact:.2g}): {price}", now.cost

    return BudgetView(
        fig, draw, dimension=options(list(every), default=2, unit="darts", label="dimension d")
    )


def methods_view(
    methods: Mapping[str, Estimator], exact: float, low: int = 6, high: int = 18
) -> BudgetView:
    """Root-mean-square error of several estimators against the number of points."""
    budgets, runs = [2**k for k in range(low, high + 1)], 12

    @functools.cache
    def rms(name, n, seed):
        values = [methods[name](n, np.random.default_rng((seed, r))).value for r in range(runs)]
        return math.sqrt(np.mean([(v - exact) ** 2 for v in values]))

    fig, ax = figure(size=(8.0, 4.2))
    ax.set(xscale="log", yscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 40), ylim=(1e-8, 1))
    ax.set(xlabel="evaluations n", ylabel="RMS error of π", title=f"{runs} runs of each method")
    ax.plot(budgets, math.sqrt(math.pi * (4 - math.pi)) / np.sqrt(budgets), "k--", linewidth=1.2)
    ax.text(budgets[0] * 1.1, 0.32, "darts, exact: 1.642 / √n", fontsize=8.5)

    def draw(points, seed):
        seen = [n for n in budgets if n <= points]
        for color, name in zip(COLORS, methods, strict=False):
            ax.plot(seen, [rms(name, n, seed) for n in seen], "o-", color=color, markersize=3.5)
        ends = {name: rms(name, points, seed) for name in methods}
        end_labels(ax, points, list(ends.values()), methods, COLORS)
        best = min(ends, key=ends.get)
        gain = (ends[next(iter(ends))] / ends[best]) ** 2
        errors = ", ".join(f"{k} {v:.1e}" for k, v in ends.items())
        text = f"RMS error {errors}; {best} is worth {gain:,.0f}× the darts"
        return text, Cost(units=points * runs * len(methods))

    return BudgetView(fig, draw, points=powers_of_two(low, high, unit="evaluations", default=10))


def gain_picture(dims, gains: Mapping[str, list[float]]) -> Picture:
    """Variance of plain random points over that of Sobol points, against the dimension."""
    fig, ax = figure(size=(6.5, 3.0))
    for color, (name, values) in zip((GOOD, BAD), gains.items(), strict=False):
        ax.plot(dims, values, "o-", color=color, label=name)
    truth(ax, 1.0, "no gain")
    ax.set(xscale="log", yscale="log", xlabel="dimension d", ylabel="variance ratio, plain / Sobol")
    ax.set_xticks(dims, [str(d) for d in dims])
    ax.minorticks_off()
    ax.legend()
    ends = "; ".join(
        f"{k}: {v[0]:,.3g} at d = {dims[0]}, {v[-1]:,.2g} at d = {dims[-1]}"
        for k, v in gains.items()
    )
    return Picture(fig, f"variance of plain random points over Sobol points. {ends}")


def histogram(points: np.ndarray, density: Callable, bins: int = 40) -> Picture:
    """A histogram of accepted points on [−1, 1] under the exact density."""
    fig, ax = figure(size=(6.0, 2.8))
    ax.hist(
        points,
        histtype="stepfilled",
        bins=bins,
        range=(-1, 1),
        density=True,
        color=COLORS[4],
        label="accepted points",
    )
    grid = np.linspace(-1, 1, 300)
    ax.plot(grid, density(grid), "k--", label="exact density")
    ax.set(xlabel="x", ylabel="density", xlim=(-1.05, 1.05))
    ax.legend(loc="lower center")
    return Picture(fig, f"histogram of {len(points):,} accepted points, and the exact density")
