"""Pictures of notebook 01: darts on a board, and error against budget."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ttclib.cost import Cost
from ttclib.sampling.montecarlo import Estimate, area
from ttclib.show.darts import board_figure, plus_minus, throw
from ttclib.show.slider import BudgetView, options, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    Picture,
    band,
    end_labels,
    figure,
    plain_ticks,
    truth,
)

Estimator = Callable[[int, np.random.Generator], Estimate]
DART_SD = math.sqrt(math.pi * (4 - math.pi))  # of the 4 or 0 that one dart scores: 1.642


def board_view(estimator: Estimator, high: int = 24) -> BudgetView:
    """Darts on the board, and the error of one run beside the exact standard error.

    ``estimator(n, rng)`` must read its stream point by point, so that budgets are nested. The
    largest is 2^high.
    """
    budgets = [2**k for k in range(4, high + 1)]
    run = functools.cache(lambda n, seed: estimator(n, np.random.default_rng(seed)))
    fig, board, errors = board_figure()
    _error_axes(errors, budgets)
    sizes = [n for n in budgets if n <= 2**14]
    spread = [[abs(run(n, (99, k)).value - math.pi) for n in sizes] for k in range(100)]
    band(errors, sizes, spread, color=MUTED, label="100 runs: median, middle 90%")
    errors.legend(loc="lower left")

    def draw(darts, seed):
        throw(board, darts, seed)
        seen = [n for n in budgets if n <= darts]
        gaps = [abs(run(n, seed).value - math.pi) for n in seen]
        errors.plot(seen, gaps, "o-", color=GOOD, markersize=3.5, linewidth=1)
        errors.plot(seen[-1], gaps[-1], "o", color=BAD, markersize=7)
        last = run(darts, seed)
        return _answer(last.value, last.standard_error, 5), last.cost

    return BudgetView(fig, draw, darts=powers_of_two(4, high, unit="darts", default=10))


def long_run_view(estimator: Estimator, high: int = 28) -> BudgetView:
    """One long run, block by block: it starts on release, shows its progress and can be stopped.

    The budgets are 2^18, 2^20, … up to 2^high.
    """
    block = 2**18
    fig, ax = figure(size=(8.0, 3.2))
    _error_axes(ax, [2**k for k in range(18, high + 1)])
    ax.set_ylim(1e-6, 3e-2)
    ax.legend(loc="lower left")

    def draw(darts, seed):
        rng = np.random.default_rng(seed)
        cost = Cost()
        values = []
        for start in range(0, darts, block):
            part = estimator(block, rng)  # the stream goes on where the last block ended
            cost += part.cost
            values.append(part.value)
            yield (start + block) / darts
        blocks = np.arange(1, len(values) + 1)
        running = np.cumsum(values) / blocks
        some = slice(None, None, 1 + len(values) // 500)
        gaps = abs(running - math.pi)
        style = {"color": GOOD, "markersize": 3, "linewidth": 0.8}
        ax.plot(block * blocks[some], gaps[some], ".-", **style)
        return _answer(running[-1], DART_SD / math.sqrt(darts), 6), cost

    return BudgetView(fig, draw, darts=powers_of_two(18, high, unit="darts", step=2))


def _error_axes(ax, budgets: Sequence[int]) -> None:
    """Log-log axes of error against budget, with the exact 1/√n line."""
    ax.set(xscale="log", yscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 1.5), ylim=(3e-6, 3))
    ax.set(xlabel="darts n", ylabel="|estimate − π|", title="error against budget")
    exact = DART_SD / np.sqrt(budgets)
    ax.plot(budgets, exact, "k--", linewidth=1.2, label="1.642 / √n (exact)")


def _answer(value: float, error: float, digits: int) -> str:
    return f"{plus_minus(value, error, digits)}, true error {value - math.pi:+.{digits}f}"


def ball_volume(dim: int) -> float:
    """Volume of the unit ball: π^(d/2) / Γ(d/2 + 1)."""
    return math.exp(dim / 2 * math.log(math.pi) - math.lgamma(dim / 2 + 1))


def ball_view(darts: int = 2**16, dims: int = 16) -> BudgetView:
    """The share of a cube's darts that its inscribed ball catches, dimension by dimension."""
    every = range(1, dims + 1)
    exact = [ball_volume(d) / 2**d for d in every]

    def in_ball(points):
        return (points**2).sum(axis=1) <= 1

    @functools.cache
    def run(dim, seed):
        rng = np.random.default_rng((seed, dim))
        return area(in_ball, [-1.0] * dim, [1.0] * dim, darts, rng)

    fig, (share, shells) = figure(1, 2, size=(8.4, 3.4))
    share.set(yscale="log", xlim=(0.3, dims + 0.7), ylim=(1e-6, 3), xlabel="dimension d")
    share.set(ylabel="share of darts inside", title="the ball's share of the cube")
    share.plot(every, exact, "k--", linewidth=1.2, label="exact")
    share.axhline(1 / darts, color=MUTED, linewidth=1, label=f"one hit in {darts:,} darts")
    share.legend(loc="lower left")
    shells.set(xlim=(0, 4), ylim=(0, 1.8), ylabel="density")
    shells.set_xlabel("distance of a dart from the centre")
    shells.axvspan(0, 1, color=GOOD, alpha=0.12, linewidth=0)
    shells.set_title("where the darts are; shaded: inside the ball")
    bins = {"bins": np.linspace(0, 4, 61), "density": True, "histtype": "stepfilled"}

    def draw(dimension, seed):
        hits = np.array([run(d, seed).value / 2**d for d in every[:dimension]])
        share.plot(every[:dimension], np.where(hits > 0, hits, np.nan), "o", color=GOOD)
        thrown = np.random.default_rng((seed, dimension)).uniform(-1, 1, (4000, dimension))
        shells.hist(np.linalg.norm(thrown, axis=1), color=BAD, alpha=0.7, **bins)
        found = round(hits[-1] * darts)
        price = "no dart was accepted"
        if found:
            price = f"{darts / found:,.3g} darts for one accepted point"
        text = f"{found:,} of {darts:,} inside (exact share {exact[dimension - 1]:.2g}): {price}"
        return text, run(dimension, seed).cost

    dimension = options(list(every), default=2, unit="darts", label="dimension d")
    return BudgetView(fig, draw, dimension=dimension)


def methods_view(methods: Mapping[str, Estimator], exact: float, high: int = 18) -> BudgetView:
    """Root-mean-square error of several estimators against the number of points, up to 2^high.

    The first method is what the others are compared with.
    """
    budgets = [2**k for k in range(6, high + 1)]
    runs = 12

    @functools.cache
    def rms(name, n, seed):
        values = [methods[name](n, np.random.default_rng((seed, r))).value for r in range(runs)]
        return math.sqrt(np.mean([(v - exact) ** 2 for v in values]))

    fig, ax = figure(size=(8.0, 4.2))
    ax.set(xscale="log", yscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 40), ylim=(1e-8, 1))
    ax.set(xlabel="evaluations n", ylabel="RMS error of π", title=f"{runs} runs of each method")
    ax.plot(budgets, DART_SD / np.sqrt(budgets), "k--", linewidth=1.2)
    ax.text(budgets[0] * 1.1, 0.32, "darts, exact: 1.642 / √n", fontsize=8.5)

    def draw(points, seed):
        seen = [n for n in budgets if n <= points]
        for color, name in zip(COLORS, methods, strict=False):
            ax.plot(seen, [rms(name, n, seed) for n in seen], "o-", color=color, markersize=3.5)
        ends = {name: rms(name, points, seed) for name in methods}
        end_labels(ax, points, list(ends.values()), methods, COLORS)
        first = next(iter(ends))
        best = min(ends, key=ends.get)
        errors = ", ".join(f"{name} {error:.1e}" for name, error in ends.items())
        worth = (ends[first] / ends[best]) ** 2
        text = f"RMS error {errors}; {best} is worth {worth:,.0f}× the {first}"
        return text, Cost(units=points * runs * len(methods))

    return BudgetView(fig, draw, points=powers_of_two(6, high, unit="evaluations", default=10))


def gain_picture(dims: Sequence[int], gains: Mapping[str, Sequence[float]]) -> Picture:
    """Variance of plain random points over that of Sobol points, against the dimension."""
    fig, ax = figure(size=(6.5, 3.0))
    for color, (name, values) in zip((GOOD, BAD), gains.items(), strict=False):
        ax.plot(dims, values, "o-", color=color, label=name)
    truth(ax, 1.0, "no gain")
    ax.set(xscale="log", yscale="log", xlabel="dimension d", ylabel="variance ratio, plain / Sobol")
    plain_ticks(ax.xaxis, dims)
    ax.minorticks_off()
    ax.legend()
    ends = "; ".join(
        f"{name}: {values[0]:,.3g} at d = {dims[0]}, {values[-1]:,.2g} at d = {dims[-1]}"
        for name, values in gains.items()
    )
    return Picture(fig, f"variance of plain random points over Sobol points. {ends}")


def histogram(points: np.ndarray, density: Callable) -> Picture:
    """A histogram of accepted points on [−1, 1] under the exact density."""
    fig, ax = figure(size=(6.0, 2.8))
    look = {"histtype": "stepfilled", "color": COLORS[4], "label": "accepted points"}
    ax.hist(points, bins=40, range=(-1, 1), density=True, **look)
    grid = np.linspace(-1, 1, 300)
    ax.plot(grid, density(grid), "k--", label="exact density")
    ax.set(xlabel="x", ylabel="density", xlim=(-1.05, 1.05))
    ax.legend(loc="lower center")
    return Picture(fig, f"histogram of {len(points):,} accepted points, and the exact density")
