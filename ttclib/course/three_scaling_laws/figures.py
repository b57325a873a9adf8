"""Pictures of the first half of notebook 12: laws of pretraining on a language that is known."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from ttclib.cost import Cost
from ttclib.course.three_scaling_laws.laws import LEARN, Law, Measured, life, power
from ttclib.show.live import LiveView
from ttclib.show.slider import BudgetView, options
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    figure,
    plain_ticks,
    truth,
)

_NATS = "nats a letter"
_EXCESS = "excess over the entropy (nats a letter)"
RATIOS = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
BestSize = Callable[[np.ndarray, np.ndarray], float]


def tick_powers(axis, low: int, high: int, step: int = 2) -> None:
    """Mark powers of two on a logarithmic axis."""
    marks = range(low, high + 1, step)
    axis.set_ticks([2.0**k for k in marks], [f"$2^{{{k}}}$" for k in marks])
    axis.set_ticks([], minor=True)


def _log(ax: Axes, x: tuple[float, float], y: tuple[float, float], **labels: str) -> None:
    ax.set(xscale="log", yscale="log", xlim=x, ylim=y, **labels)


def _of_six(flops: float) -> str:
    return f"6 · 2^{np.log2(flops / LEARN):.0f} = {flops:.2g} FLOPs"


# ---- a straight line fails -----------------------------------------------------------------------


def straight_line_picture(
    flops: np.ndarray, loss: np.ndarray, entropy: float, few: int = 5, times: float = 64
) -> Picture:
    """Draw the least loss at each budget, and a power law through the raw loss of the smallest.

    Parameters
    ----------
    flops, loss : array, shape (n,)
        Budgets, rising, and what the best size reaches.
    few : int
        How many budgets the line is fitted to.
    times : float
        How much further than the last of them it is asked.
    """
    slope, level = power(flops[:few], loss[:few])
    there = np.geomspace(flops[0], flops[few - 1] * times, 100)
    line = level * there**slope
    fig, ax = figure(size=(7.6, 3.8))
    ax.plot(there, line, color=BAD, label=f"a straight line through the {few} smallest budgets")
    ax.plot(flops[:few], loss[:few], "o", color=BAD, markersize=7)
    ax.plot(flops[few:], loss[few:], "s", color=GOOD, label="what was measured later")
    truth(ax, entropy, "entropy: no model can be below")
    ax.set(xscale="log", yscale="log", xlabel="training FLOPs", ylabel=f"loss ({_NATS})")
    ticks = [0.6, 0.7, 0.8, 0.9, 1.0, 1.2]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)
    ax.legend(loc="upper right")
    text = (
        f"{times:g} times the fifth budget, {there[-1]:.2g} FLOPs: the line says {line[-1]:.3f}, "
        f"measured {np.interp(np.log(there[-1]), np.log(flops), loss):.3f}, entropy {entropy:.3f}"
    )
    return Picture(fig, text)


# ---- one size, all letters -----------------------------------------------------------------------


def size_view(grid: Measured, law: Law) -> BudgetView:
    """Draw the excess of one size over its letters, and which part of it the law blames on what."""
    fig, ax = figure(size=(7.8, 4.0))
    excess = grid.mean - law.E
    finite = excess[np.isfinite(excess)]
    x = grid.letters[0] / 1.3, grid.letters[-1] * 1.3
    _log(ax, x, (finite.min() / 3, finite.max() * 1.2), xlabel="letters read", ylabel=_EXCESS)
    tick_powers(ax.xaxis, *np.log2(grid.letters[[0, -1]]).astype(int))
    for row in excess:
        ax.plot(grid.letters, row, color=MUTED, linewidth=0.7, alpha=0.7)
    ax.plot([], [], "o", color=GOOD, label="measured, each seed")
    ax.plot([], [], color=GOOD, label="the law")
    ax.plot([], [], "--", color=BAD, label="what the size leaves, with any text")
    ax.plot([], [], ":", color=COLORS[2], label="what the text leaves, with any size")
    ax.legend(loc="upper right")
    fine = np.geomspace(*x, 60)

    def draw(size: int, seed: int):
        i = int(np.flatnonzero(grid.sizes == size)[0])
        for one in grid.loss[:, i] - law.E:
            ax.plot(grid.letters, one, "o", color=GOOD, markersize=3.5, alpha=0.8)
        ax.plot(fine, law.excess(size, fine), color=GOOD)
        floor = float(law.A * float(size) ** -law.a)
        ax.plot(x, [floor, floor], "--", color=BAD)
        ax.plot(fine, law.B * fine**-law.b, ":", color=COLORS[2])
        there = np.flatnonzero(np.isfinite(grid.mean[i]))
        first, last = there[0], there[-1]
        slopes = [
            power(grid.letters[j : j + 2], excess[i, j : j + 2])[0] for j in (first, last - 1)
        ]
        crossing = (law.B / floor) ** (1 / law.b)
        text = (
            f"{size:,} parameters: excess {excess[i, first]:.3f} after 2^{first + _first(grid)} "
            f"letters, {excess[i, last]:.3f} after 2^{last + _first(grid)}; its slope goes from "
            f"{slopes[0]:.2f} to {slopes[1]:.2f}; the size leaves {floor:.3f} with any text, as "
            f"much as the text does after {crossing:.2g} letters"
        )
        return text, Cost(lm_flops=float(LEARN * size * grid.letters[last]))

    sizes = tuple(int(size) for size in grid.sizes)
    names = tuple(f"{size:,}" for size in sizes)
    slider = options(sizes, default=sizes[4], unit="parameters", label="model size", names=names)
    return BudgetView(fig, draw, luck=False, size=slider)


def _first(grid: Measured) -> int:
    return int(np.log2(grid.letters[0]))


# ---- all sizes at one budget ---------------------------------------------------------------------


def isoflop_view(
    grid: Measured, entropy: float, flops: Sequence[float], best_size: BestSize
) -> BudgetView:
    """Draw the loss of every size at one training budget, and the parabola around the least.

    Parameters
    ----------
    flops : sequence of float
        Budgets, rising.
    best_size : callable
        ``best_size(sizes, losses)`` → where a parabola through three points is lowest.
    """
    means = np.array([grid.at(one) for one in flops]) - entropy
    each = np.array([[grid.at(one, loss) for loss in grid.loss] for one in flops]) - entropy
    fig, ax = figure(size=(7.8, 4.0))
    low, high = np.nanmin(means), np.nanmax(means)
    x = grid.sizes[0] / 1.4, grid.sizes[-1] * 1.4
    _log(ax, x, (low / 1.3, high * 1.2), xlabel="parameters", ylabel=_EXCESS)
    tick_powers(ax.xaxis, *np.rint(np.log2(grid.sizes[[0, -1]])).astype(int))
    best = [_lowest(grid.sizes, row, best_size) for row in means]
    for row in means:
        ax.plot(grid.sizes, row, color=MUTED, linewidth=0.7, alpha=0.6)

    def draw(budget: float, seed: int):
        k = list(flops).index(budget)
        for row in each[k]:
            ax.plot(grid.sizes, row, "o", color=GOOD, markersize=3.5, alpha=0.7)
        ax.plot(grid.sizes, means[k], color=GOOD)
        for size, least, *_ in best[:k]:
            ax.plot(size, least, "D", color=MUTED, markersize=4)
        size, least, near, curve = best[k]
        fine = np.geomspace(near[0], near[-1], 30)
        ax.plot(fine, curve(fine), color=BAD, linewidth=2.4)
        ax.plot(size, least, "D", color=BAD, markersize=8)
        letters = budget / LEARN / size
        text = (
            f"{_of_six(budget)}: best {size:,.0f} parameters on {letters:,.0f} letters, "
            f"{letters / size:.0f} for each parameter; excess {least:.4f}, loss "
            f"{least + entropy:.4f}"
        )
        return text, Cost(lm_flops=float(budget))

    names = tuple(f"6 · 2^{np.log2(one / LEARN):.0f} = {one:.2g}" for one in flops)
    slider = options(
        tuple(flops),
        default=flops[len(flops) // 2],
        unit="FLOPs",
        label="training FLOPs",
        names=names,
    )
    return BudgetView(fig, draw, luck=False, budget=slider)


def _lowest(sizes: np.ndarray, excess: np.ndarray, best_size: BestSize):
    """Where the parabola through the three best is lowest, its height, its points, itself."""
    there = np.flatnonzero(np.isfinite(excess))
    k = int(np.clip(np.argmin(excess[there]), 1, len(there) - 2))
    near = there[k - 1 : k + 2]
    curve = np.polyfit(np.log(sizes[near]), excess[near], 2)
    size = float(best_size(sizes[near], excess[near]))

    def parabola(at):
        return np.polyval(curve, np.log(at))

    return size, float(parabola(size)), sizes[near], parabola


# ---- best sizes over budgets ---------------------------------------------------------------------


def growth_picture(
    flops: np.ndarray, ways: Mapping[str, np.ndarray], bands: Mapping[str, np.ndarray]
) -> Picture:
    """Draw how the best size grows with the budget, by several ways to find it.

    Parameters
    ----------
    ways : mapping of str to array (budgets,)
        Best size at each budget.
    bands : mapping of str to array (replicates, budgets)
        The same from seeds that were drawn again.
    """
    fig, ax = figure(size=(7.6, 4.0))
    said = []
    marks = itertools.cycle("osD^v")
    for (name, sizes), color, mark in zip(ways.items(), COLORS, marks, strict=False):
        exponent, level = power(flops, sizes)
        ax.plot(flops, level * flops**exponent, color=color)
        ax.plot(flops, sizes, mark, color=color, label=f"{name}: C^{exponent:.2f}")
        low, high = np.nanquantile(bands[name], [0.025, 0.975], axis=0)
        ax.fill_between(flops, low, high, color=color, alpha=0.18, linewidth=0)
        said.append(f"{name} C^{exponent:.2f}, {sizes[-1]:,.0f} at the last budget")
    ax.set(xscale="log", yscale="log", xlabel="training FLOPs", ylabel="best size (parameters)")
    ax.legend(loc="upper left")
    return Picture(fig, "; ".join(said))


def on_the_way_picture(
    letters: np.ndarray, ways: Mapping[str, np.ndarray], entropy: float, size: int
) -> Picture:
    """Draw the excess of one size over letters, by the schedule of its learning rate."""
    fig, ax = figure(size=(7.6, 3.8))
    for (name, losses), color, mark in zip(ways.items(), COLORS, "osD", strict=False):
        ax.plot(letters, losses - entropy, f"{mark}-", color=color, label=name)
    ax.set(xscale="log", yscale="log", xlabel="letters read", ylabel=_EXCESS)
    tick_powers(ax.xaxis, *np.log2(letters[[0, -1]]).astype(int))
    ax.legend(loc="upper right")
    (first, planned), *others = ways.items()
    said = []
    for name, losses in others:
        more = (losses - entropy) / (planned - entropy) - 1
        there = np.isfinite(more)
        shares = " ".join(f"{100 * share:+.0f}%" for share in more[there])
        said.append(f"{name}: {shares}")
    return Picture(fig, f"{size:,} parameters; more excess than {first}, {'; '.join(said)}")


# ---- a model that is asked -----------------------------------------------------------------------


def asked_view(grid: Measured, law: Law, excess: float) -> BudgetView:
    """Draw what each size costs over its life, if all are to be equally good; slide over R.

    A size costs its training on as many letters as it needs, and R times as many letters of the
    best size to read in use: all sizes are asked the same.
    """
    needed = np.array([_letters_to(grid.letters, row, excess) for row in grid.mean - law.E])
    reach = np.isfinite(needed)
    if not reach.any():
        raise ValueError(
            f"no size of the grid comes within {excess:g} of the entropy; ask for less"
        )
    fig, ax = figure(size=(7.8, 4.0))
    least = (law.A / excess) ** (1 / law.a)
    x = least / 1.2, grid.sizes[-1] * 1.4
    fine = np.geomspace(least * 1.0005, x[1], 300)
    _log(ax, x, (0.8, 300), xlabel="parameters", ylabel="FLOPs over a life, times the least")
    plain_ticks(ax.yaxis, [1, 2, 5, 10, 30, 100])
    tick_powers(ax.xaxis, int(np.ceil(np.log2(x[0]))), int(np.log2(x[1])), 1)
    ax.axvline(law.asked(excess, 0.0)[0], color=MUTED, linewidth=1)
    ax.plot([], [], "o", color=GOOD, label="letters read off the measured curves")
    ax.plot([], [], color=GOOD, label="letters by the law")
    ax.plot([], [], "--", color=TRUTH, label="best size, in closed form")
    ax.plot([], [], color=MUTED, linewidth=1, label="best size for training alone")
    ax.legend(loc="upper right")

    def draw(ratio: float, seed: int):
        size, letters = law.asked(excess, ratio)
        used = ratio * letters
        best = float(life(size, letters, used))
        ax.plot(fine, life(fine, law.letters(fine, excess), used) / best, color=GOOD)
        costs = life(grid.sizes[reach], needed[reach], used)
        ax.plot(grid.sizes[reach], costs / best, "o", color=GOOD)
        truth(ax, size, vertical=True)
        measured = int(grid.sizes[reach][np.argmin(costs)])
        usual, usual_letters = law.asked(excess, 0.0)
        more = float(life(usual, usual_letters, used)) / best
        text = (
            f"R = {ratio:g}: best {size:,.0f} parameters that read {letters:,.0f} letters, "
            f"{letters / size:,.0f} for each; of the measured sizes {measured:,} is cheapest; the "
            f"best size for training alone would cost {more:.2f} times as much"
        )
        return text, Cost(lm_flops=best)

    slider = options(RATIOS, default=3.0, label="R: letters read in use for each of training")
    return BudgetView(fig, draw, luck=False, ratio=slider)


def _letters_to(letters: np.ndarray, excess: np.ndarray, wanted: float) -> float:
    """Letters at which a measured curve comes down to an excess; infinite if it never does."""
    there = np.isfinite(excess)
    if np.nanmin(excess) > wanted:
        return np.inf
    x = -np.log(excess[there])
    return float(np.exp(np.interp(-np.log(wanted), x, np.log(letters[there]))))


# ---- other texts ---------------------------------------------------------------------------------


def texts_picture(worth: Mapping[str, np.ndarray], budgets: Sequence[int]) -> Picture:
    """Draw what each text is worth: letters of the usual one for each of its own.

    Parameters
    ----------
    worth : mapping of str to array (budgets, seeds)
    budgets : sequence of int
        Letters.
    """
    fig, ax = figure(size=(8.2, 4.6))
    y = np.arange(len(worth))[::-1]
    said = []
    looks = tuple(zip(COLORS, "oD", strict=False))
    for k, (budget, (color, mark)) in enumerate(zip(budgets, looks, strict=False)):
        shift = 0.14 - 0.28 * k
        for place, values in zip(y, worth.values(), strict=True):
            ax.plot(values[k], np.full(len(values[k]), place + shift), mark, color=color, alpha=0.5)
            ax.plot(
                np.exp(np.log(values[k]).mean()), place + shift, "|", color=TRUTH, markersize=13
            )
        ax.plot([], [], mark, color=color, label=f"of {budget:,} letters")
    for name, values in worth.items():
        means = np.exp(np.log(values).mean(axis=1))
        said.append(f"{name} {' and '.join(f'{mean:.2g}' for mean in means)}")
    truth(ax, 1.0, vertical=True)
    ax.set(xscale="log", xlabel="worth: letters of the usual text for each letter of this one")
    ticks = [0.001, 0.01, 0.1, 0.25, 0.5, 1, 1.5]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_yticks(y, list(worth))
    ax.grid(axis="y", visible=False)
    ax.legend(loc="upper left")
    return Picture(fig, "; ".join(said))


# ---- a prediction, and a training ----------------------------------------------------------------


class PredictedView(LiveView):
    """Watch a model learn towards a loss that was predicted.

    Call it as ``watch(step, loss)`` after each step; the exact loss is measured now and then, else
    it is None.

    Parameters
    ----------
    letters : array, shape (steps,)
        Read after each step.
    low, high : float
        The prediction of the last loss.
    entropy : float
    """

    def __init__(self, letters: np.ndarray, low: float, high: float, entropy: float):
        self._letters = np.asarray(letters)
        self._ends = low, high
        self._entropy = entropy
        self._seen: list[tuple[float, float]] = []
        fig, self._ax = figure(size=(7.6, 3.6))
        x = self._letters[0], self._letters[-1] * 1.25
        _log(self._ax, x, ((low - entropy) / 2, 3.0), xlabel="letters read", ylabel=_EXCESS)
        ends = np.array(self._ends) - entropy
        self._ax.plot([self._letters[-1]] * 2, ends, color=BAD, linewidth=9, alpha=0.6)
        self._ax.plot([], [], color=BAD, linewidth=5, alpha=0.6, label="predicted before")
        self._ax.legend(loc="upper right")
        super().__init__(fig, len(self._letters))

    def __call__(self, step: int, loss: float | None) -> None:
        """Take note of a step, counted from 0, and of the exact loss if it was measured."""
        self.advance()
        if loss is None:
            return
        self._seen.append((float(self._letters[step]), loss))
        x, losses = np.transpose(self._seen)
        line = self._ax.plot(x, losses - self._entropy, "o-", color=GOOD, markersize=4)
        low, high = self._ends
        text = f"after {self._letters[step]:,.0f} letters: exact loss {loss:.4f}"
        if step == len(self._letters) - 1:
            inside = "inside" if low <= loss <= high else "outside"
            text += f", {inside} of what was predicted, {low:.4f} to {high:.4f}"
        self.redraw(line, text, loss)
