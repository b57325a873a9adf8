"""Pictures of notebook 01: darts on a board, error bars that hold or miss, error against budget."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from scipy import integrate, stats

from ttclib.cost import Cost
from ttclib.course.monte_carlo_pi.exact import DART_SD, VARIANCES, coverage, stratified_sd
from ttclib.language import translated
from ttclib.sampling.montecarlo import Estimate, area
from ttclib.show.darts import board_figure, plus_minus, throw
from ttclib.show.slider import BudgetView, options, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MARKERS,
    MUTED,
    TRUTH,
    Picture,
    band,
    end_labels,
    figure,
    plain_ticks,
    truth,
)

Estimator = Callable[[int, np.random.Generator], Estimate]
_SHOWN = 1500  # points that a board shows at most


# ---- boards -------------------------------------------------------------------------------------


def _scatter(ax: Axes, points: np.ndarray, hit: np.ndarray) -> None:
    """Draw points (k, 2): blue dots that hit, vermilion crosses that missed."""
    ax.plot(*points[hit].T, ".", color=GOOD, markersize=3)
    ax.plot(*points[~hit].T, "x", color=BAD, markersize=3, markeredgewidth=0.8)


def circle_picture(points: np.ndarray, hit: np.ndarray) -> Picture:
    """Show darts (k, 2) at a square of side 2 that holds a circle: hits (k,) and misses."""
    fig, ax = figure(size=(4.2, 4.2))
    ax.set(xlim=(-1, 1), ylim=(-1, 1), xlabel="x", ylabel="y", aspect="equal")
    turn = np.linspace(0, 2 * math.pi, 400)
    ax.plot(np.cos(turn), np.sin(turn), color=TRUTH, linewidth=1)
    _scatter(ax, points, hit)
    ax.set_title(f"{hit.sum():,} hits (dots), {(~hit).sum():,} misses (crosses)")
    return Picture(
        fig,
        f"a circle of radius 1 in a square of side 2, {len(points):,} darts: "
        f"{hit.sum():,} inside the circle as blue dots, {(~hit).sum():,} outside as crosses",
    )


def region_view(
    inside: Callable, low: Sequence[float], high: Sequence[float], exact: float, most: int = 18
) -> BudgetView:
    """Measure a region by darts at the box around it, beside its exact area.

    ``inside`` maps points (k, 2) to booleans (k,). The largest budget is 2^most. The grey band is
    where 95% of all estimates fall: the share of hits is known, because the area is.
    """
    corner, opposite = np.array(low, dtype=float), np.array(high, dtype=float)
    sides = opposite - corner
    box = float(np.prod(sides))
    budgets = np.array([2**k for k in range(4, most + 1)])
    run = functools.cache(lambda n, seed: area(inside, low, high, n, np.random.default_rng(seed)))
    fig, (board, answers) = figure(1, 2, size=(8.6, 3.6), width_ratios=[1.1, 1.2])
    board.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x", ylabel="y")
    board.set(aspect="equal", title=f"the first {_SHOWN:,} darts")
    axes = [np.linspace(a, b, 401) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1)
    border = inside(grid.reshape(-1, 2)).reshape(401, 401).astype(float)
    board.contour(*axes, border, levels=[0.5], colors=TRUTH, linewidths=1)
    share = exact / box
    reach = 1.96 * box * np.sqrt(share * (1 - share) / budgets)
    answers.set(xscale="log", xlim=(budgets[0] * 0.7, budgets[-1] * 1.5), xlabel="darts")
    answers.set(ylim=(exact - 1.2 * reach[0], exact + 1.2 * reach[0]), ylabel="area")
    grey = {"color": MUTED, "alpha": 0.25, "linewidth": 0}
    answers.fill_between(budgets, exact - reach, exact + reach, **grey, label="95%, exact")
    truth(answers, exact, f"exact area {exact:.4f}")
    answers.legend(loc="upper right")

    def draw(darts, seed):
        points = corner + sides * np.random.default_rng(seed).random((min(darts, _SHOWN), 2))
        _scatter(board, points, np.asarray(inside(points), dtype=bool))
        seen = [int(n) for n in budgets if n <= darts]
        runs = [run(n, seed) for n in seen]
        bars = [1.96 * one.standard_error for one in runs]
        values = [one.value for one in runs]
        answers.errorbar(seen, values, bars, fmt="o", color=GOOD, markersize=3.5, linewidth=1)
        last = {"color": BAD, "markersize": 6, "linewidth": 2}
        answers.errorbar(seen[-1:], values[-1:], bars[-1:], fmt="D", **last)
        now = runs[-1]
        text = f"area ≈ {now.value:.4f}, standard error {now.standard_error:.4f}"
        return f"{text}; {now.value / box:.1%} of the darts hit", now.cost

    return BudgetView(fig, draw, darts=powers_of_two(4, most, unit="darts", default=10))


# ---- error bars ---------------------------------------------------------------------------------


def coverage_view(
    estimator: Callable, share_that_hold: Callable, runs: int = 1000, most: int = 12
) -> BudgetView:
    """Show forty intervals, and the share of ``runs`` intervals that hold π.

    ``estimator(n, rng)`` → estimate and standard error; ``share_that_hold(values, errors)``, both
    (runs,), → the share. The largest number of darts is 2^most.
    """
    budgets = [2**k for k in range(2, most + 1)]

    @functools.cache
    def sample(n, seed):
        streams = np.random.default_rng((seed, n)).spawn(runs)
        return np.transpose([estimator(n, stream) for stream in streams])

    fig, (bars, shares) = figure(1, 2, size=(8.6, 3.6), width_ratios=[1.2, 1])
    bars.set(xlim=(0, 5.2), ylim=(-6, 40), yticks=[], ylabel="40 people")  # the legend lies below
    bars.set(xlabel="estimate ± 1.96 standard errors", title="crosses: π is not in the interval")
    truth(bars, math.pi, "π", vertical=True)
    bars.legend(loc="lower left")
    shares.set(xscale="log", xlim=(3, budgets[-1] * 1.4), ylim=(0.5, 1.02), xlabel="darts n")
    shares.set(title=f"share of {runs:,} intervals that hold π")
    shares.axhline(0.95, color=MUTED, linewidth=1, label="promised: 95%")
    exact = [coverage(n) for n in budgets]
    shares.plot(budgets, exact, "--", color=TRUTH, linewidth=1.2, label="exact")
    shares.plot([], [], "o", color=GOOD, label="counted, ± 1.96 errors")
    shares.legend(loc="lower right")

    def draw(darts, seed):
        values, errors = sample(darts, seed)
        misses = np.abs(values - math.pi) > 1.96 * errors
        for person in range(40):
            missed = misses[person]
            color, marker = (BAD, "x") if missed else (GOOD, ".")
            half = 1.96 * errors[person]
            ends = np.clip([values[person] - half, values[person] + half], 0, 5.2)
            bars.plot(ends, [person, person], color=color, linewidth=2 if missed else 1)
            bars.plot(values[person], person, marker, color=color, markersize=5)
        seen = [n for n in budgets if n <= darts]
        found = np.array([share_that_hold(*sample(n, seed)) for n in seen])
        reach = 1.96 * np.sqrt(found * (1 - found) / runs)
        shares.errorbar(seen, found, reach, fmt="o", color=GOOD, markersize=4, linewidth=1.2)
        text = f"{found[-1]:.1%} of {runs:,} intervals hold π (exact: {coverage(darts):.1%})"
        return text, Cost(units=runs * darts)

    return BudgetView(fig, draw, darts=powers_of_two(2, most, unit="darts", default=6))


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
    errors.plot([], [], "o-", color=GOOD, markersize=3.5, linewidth=1, label="your run")
    errors.plot([], [], "D", color=BAD, markersize=6, label="your budget")
    errors.legend(loc="lower left")

    def draw(darts, seed):
        throw(board, darts, seed)
        seen = [n for n in budgets if n <= darts]
        gaps = [abs(run(n, seed).value - math.pi) for n in seen]
        errors.plot(seen, gaps, "o-", color=GOOD, markersize=3.5, linewidth=1)
        errors.plot(seen[-1], gaps[-1], "D", color=BAD, markersize=6)
        last = run(darts, seed)
        return _answer(last.value, last.standard_error, 5), last.cost

    return BudgetView(fig, draw, darts=powers_of_two(4, high, unit="darts", default=10))


def long_run_view(
    estimator: Estimator, points_needed: Callable[[float], float], high: int = 28
) -> BudgetView:
    """One long run, block by block: it starts on release, shows its progress and can be stopped.

    The budgets are 2^18, 2^20, … up to 2^high. ``points_needed(error)`` → darts is marked at a few
    errors.
    """
    block = 2**18
    fig, ax = figure(size=(8.0, 3.4))
    budgets = [2**k for k in range(18, high + 1)]
    _error_axes(ax, budgets)
    ax.set_ylim(1e-6, 3e-2)
    sd = DART_SD / np.sqrt(budgets)
    grey = {"color": MUTED, "alpha": 0.25, "linewidth": 0}
    ax.fill_between(budgets, 0.0627 * sd, 1.96 * sd, **grey, label="middle 90% of all runs")
    marks = np.array([3e-3, 1e-3, 3e-4, 1e-4])
    wanted = [float(points_needed(error)) for error in marks]
    ax.plot(wanted, marks, "D", color=COLORS[2], markersize=7, label="points_needed(error)")
    ax.plot([], [], "o-", color=GOOD, markersize=6, linewidth=0.8, label="your run")
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
        ax.plot(darts, gaps[-1], "o", color=GOOD, markersize=6)
        return _answer(running[-1], DART_SD / math.sqrt(darts), 6), cost

    darts = powers_of_two(18, high, unit="darts", step=2, default=min(high, 24))
    return BudgetView(fig, draw, darts=darts)


def _error_axes(ax: Axes, budgets: Sequence[int]) -> None:
    """Log-log axes of error against budget, with the exact 1/√n line."""
    ax.set(xscale="log", yscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 1.5), ylim=(3e-6, 3))
    ax.set(xlabel="darts n", ylabel="|estimate − π|", title="error against budget")
    exact = DART_SD / np.sqrt(budgets)
    ax.plot(budgets, exact, "k--", linewidth=1.2, label="standard error 1.642 / √n, exact")


def _answer(value: float, error: float, digits: int) -> str:
    return f"{plus_minus(value, error, digits)}, true error {value - math.pi:+.{digits}f}"


# ---- rejection ----------------------------------------------------------------------------------


def half_circle(x: np.ndarray) -> np.ndarray:
    """The half circle over [−1, 1] as a density: divided by its area, π/2."""
    return 2 / math.pi * np.sqrt(1 - x**2)


def flattened(bound: float, width: float = 1.0) -> float:
    """∫ min(p, M q) over |x| < width: what rejection with the bound M keeps, in units of M."""
    lower = lambda x: min(half_circle(x), bound / 2)  # noqa: E731
    bend = math.sqrt(max(0.0, 1 - (bound * math.pi / 4) ** 2))  # where p = M q
    points = [b for b in (-bend, bend) if abs(b) < width]
    return integrate.quad(lower, -width, width, points=points or None)[0]


def rejection_view(keep: Callable, most: int = 16) -> BudgetView:
    """Throw darts under M q, keep those under the half circle p, for several bounds M.

    ``keep(p, q, bound, u)`` → booleans, with p, q and the uniform numbers u (k,). The proposal is
    uniform on [−1, 1]. The largest budget is 2^most.
    """
    bounds = (0.8, 4 / math.pi, 2.0, 4.0)
    names = ("0.8", "4/π = 1.273", "2", "4")
    x = np.linspace(-1, 1, 401)
    fig, (under, shape) = figure(1, 2, size=(8.6, 3.6))
    under.set(xlim=(-1.05, 1.05), ylim=(0, 2.5), xlabel="x", ylabel="height u · M q(x)")
    under.plot(x, half_circle(x), "--", color=TRUTH, label="p, the half circle")
    under.plot([], [], color=COLORS[2], linewidth=1.2, label="M q")
    under.set_title(f"the first {_SHOWN:,} darts under M q")
    under.legend(loc="upper center", ncols=2)
    shape.set(xlim=(-1.05, 1.05), ylim=(0, 1.1), xlabel="x", ylabel="density of the kept")
    shape.plot(x, half_circle(x), "--", color=TRUTH, label="p")
    shape.legend(loc="upper right")
    shape.set_title("what was kept")

    def draw(darts, bound, seed):
        rng = np.random.default_rng(seed)
        x, u = (rng.random((darts, 2)) * (2, 1) - (1, 0)).T  # a larger budget goes on
        p, q = half_circle(x), np.full(darts, 0.5)
        kept = np.asarray(keep(p, q, bound, u), dtype=bool)
        points = np.column_stack([x, u * bound * q])[:_SHOWN]
        under.plot([-1, 1], [bound / 2, bound / 2], color=COLORS[2], linewidth=1.2)
        _scatter(under, points, kept[:_SHOWN])
        if not kept.any():
            return "nothing was kept", Cost(units=darts)
        shape.hist(x[kept], 30, range=(-1, 1), density=True, color=GOOD, alpha=0.5)
        middle = np.mean(np.abs(x[kept]) < 0.5)
        text = (
            f"{kept.sum():,} of {darts:,} kept: {kept.mean():.3f}; 1/M = {1 / bound:.3f}; "
            f"{middle:.1%} of the kept have |x| < 1/2 (p says {flattened(2.0, 0.5):.1%})"
        )
        return text, Cost(units=darts)

    return BudgetView(
        fig,
        draw,
        darts=powers_of_two(6, most, unit="darts", default=min(most, 12)),
        bound=options(bounds, default=4 / math.pi, names=names, label="bound M"),
    )


# ---- dimension ----------------------------------------------------------------------------------


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
    share.plot([], [], "o", color=GOOD, label="counted")
    share.legend(loc="upper right")
    shells.set(xlim=(0, 4), ylim=(0, 1.8), ylabel="density")
    shells.set_xlabel("distance of a dart from the centre")
    shells.axvspan(0, 1, color=GOOD, alpha=0.12, linewidth=0)
    shells.set_title("where the darts are; shaded: inside the ball")
    bins = {"bins": np.linspace(0, 4, 61), "density": True, "histtype": "stepfilled"}

    def draw(dimension, seed):
        hits = np.array([run(d, seed).value / 2**d for d in every[:dimension]])
        share.plot(every[:dimension], np.where(hits > 0, hits, np.nan), "o", color=GOOD)
        thrown = np.random.default_rng((seed, dimension)).uniform(-1, 1, (4000, dimension))
        far = np.linalg.norm(thrown, axis=1)
        shells.hist(far, color=BAD, alpha=0.7, **bins)
        found = round(hits[-1] * darts)
        price = "no dart was accepted"
        if found:
            paid = float(f"{darts / found:.3g}")  # 65,500 rather than 6.55e+04
            price = f"{paid:,g} darts for one accepted point"
        text = f"{found:,} of {darts:,} inside (exact share {exact[dimension - 1]:.2g}): {price}"
        return f"{text}; typical distance {np.median(far):.2f}", run(dimension, seed).cost

    dimension = options(list(every), default=2, unit="darts", label="dimension d")
    return BudgetView(fig, draw, dimension=dimension)


# ---- cheaper accuracy ---------------------------------------------------------------------------


def exact_rms(name: str, n: int) -> float:
    """Exact standard deviation of a method's estimate from n evaluations; NaN if unknown."""
    if name == translated("stratified"):
        return stratified_sd(n)
    variances = {translated(method): variance for method, variance in VARIANCES.items()}
    return math.sqrt(variances.get(name, math.nan) / n)


def methods_view(
    methods: Mapping[str, Callable[[int, np.random.Generator], float]],
    exact: float,
    high: int = 18,
    runs: int = 12,
) -> BudgetView:
    """Root-mean-square error of several estimators against the number of points, up to 2^high.

    ``methods`` maps a name to a function of n and a generator that gives the estimate. The first
    method is what the others are compared with. Beside the methods of the page stand their exact
    errors, dashed.
    """
    budgets = [2**k for k in range(6, high + 1)]

    @functools.cache
    def rms(name, n, seed):
        values = [methods[name](n, np.random.default_rng((seed, r))) for r in range(runs)]
        return math.sqrt(np.mean([(v - exact) ** 2 for v in values]))

    fig, ax = figure(size=(8.2, 4.4))
    ax.set(xscale="log", yscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 40), ylim=(1e-9, 1))
    ax.set(xlabel="evaluations n", ylabel="RMS error of π", title=f"{runs} runs of each method")
    ax.plot([], [], "--", color=TRUTH, linewidth=1, label="exact, where it is known")
    grey = {"color": MUTED, "alpha": 0.25}
    ax.plot([], [], **grey, linewidth=7, label=f"90% of such errors of {runs} runs")
    ax.legend(loc="upper right")
    luck = np.sqrt(stats.chi2.ppf([0.05, 0.95], runs) / runs)  # of the RMS of normal errors

    def draw(points, seed):
        seen = [n for n in budgets if n <= points]
        for color, marker, name in zip(COLORS, MARKERS, methods, strict=False):
            look = {"color": color, "marker": marker, "markersize": 4.5, "linewidth": 1}
            ax.plot(seen, [rms(name, n, seed) for n in seen], **look)
        for name in methods:
            known = np.array([exact_rms(name, n) for n in seen])
            if np.isfinite(known).all():
                ax.fill_between(seen, luck[0] * known, luck[1] * known, **grey, linewidth=0)
            ax.plot(seen, known, "--", color=TRUTH, linewidth=0.9)
        ends = {name: rms(name, points, seed) for name in methods}
        end_labels(ax, points * 1.15, list(ends.values()), methods, COLORS)
        first = next(iter(ends))
        best = min(ends, key=ends.get)
        errors = ", ".join(f"{name} {error:.1e}" for name, error in ends.items())
        worth = (ends[first] / ends[best]) ** 2
        text = f"RMS error {errors}; {best} is worth {worth:,.0f}× the {first}"
        return text, Cost(units=points * runs * len(methods))

    return BudgetView(fig, draw, points=powers_of_two(6, high, unit="evaluations", default=14))


def gain_picture(
    dims: Sequence[int], errors: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> Picture:
    """Variance of plain random points over that of Sobol points, against the dimension.

    ``errors`` maps a function's name to the squared errors of plain and of Sobol points, shape
    (dims, runs) each. The bands hold 90% of the ratios when the runs are drawn again from
    themselves.
    """
    fig, ax = figure(size=(6.5, 3.2))
    told = []
    looks = zip((GOOD, BAD), "os", ("-", "--"), errors.items(), strict=False)
    for color, marker, line, (name, (plain, sobol)) in looks:
        values = plain.mean(axis=1) / sobol.mean(axis=1)
        rng = np.random.default_rng(0)
        again = [_again(plain, rng) / _again(sobol, rng) for _ in range(500)]
        low, high = np.quantile(again, [0.05, 0.95], axis=0)
        ax.fill_between(dims, low, high, color=color, alpha=0.2, linewidth=0)
        ax.plot(dims, values, marker + line, color=color, label=name)
        part = (
            f"{name}: {values[0]:,.3g} at d = {dims[0]}, {values[-1]:,.2g} at d = {dims[-1]} "
            f"({low[-1]:.2g} to {high[-1]:.2g})"
        )
        told.append(translated(part))
    truth(ax, 1.0, "no gain")
    ax.set(xscale="log", yscale="log", xlabel="dimension d", ylabel="variance ratio, plain / Sobol")
    plain_ticks(ax.xaxis, dims)
    ax.minorticks_off()
    ax.legend()
    return Picture(fig, f"variance of plain random points over Sobol points. {'; '.join(told)}")


def _again(errors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean over the runs, (dims,), each run drawn again from all."""
    runs = errors.shape[1]
    return errors[:, rng.integers(runs, size=runs)].mean(axis=1)
