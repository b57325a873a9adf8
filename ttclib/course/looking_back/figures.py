"""Pictures of notebook 15b: every budget on the same axes, and where each stopped paying."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ttclib.course.looking_back.budgets import Budget, exponent, steps_of
from ttclib.course.looking_back.table import number, place
from ttclib.show.slider import BudgetView, options
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    end_labels,
    figure,
)

PRICES = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
ESTIMATES = "estimates"
ANSWERS = "answers"
MODELS = "models"
KINDS = (ESTIMATES, ANSWERS, MODELS)
_MOST = 12.0  # doublings on the axis
_INK = (*COLORS[:6], "#6A3D9A", "#8A6D00", "#555555")


def _label(budget: Budget) -> str:
    return f"{budget.notebook} {budget.name}"


def part(budget: Budget) -> str:
    """Return which of the three kinds a budget is: what it makes better."""
    if budget.measure.startswith("RMS"):
        return ESTIMATES
    trained = ("tokens", "FLOPs", "weights", "bytes", "steps", "experts", "numbers")
    return MODELS if budget.unit in trained and budget.name != "FLOPs of search" else ANSWERS


def common_axes_picture(budgets: Sequence[Budget]) -> Picture:
    """Share of what was possible that is won, against doublings since the start, in three parts."""
    fig, panels = figure(1, 3, size=(12.4, 4.6), sharey=True)
    for ax, kind in zip(panels, KINDS, strict=True):
        mine = [budget for budget in budgets if part(budget) == kind]
        ends = max(budget.doublings[-1] for budget in mine)
        ax.set(xlim=(0, 2.02 * ends), ylim=(-0.26, 1.06), xlabel="doublings since the start")
        ax.set(title=f"better {kind}")
        ax.set_xticks(np.arange(0, ends + 1, 2))
        ax.set_yticks(np.arange(-0.2, 1.1, 0.2))
        inks = [_INK[i % len(_INK)] for i in range(len(mine))]
        heights = _apart(np.array([budget.won[-1] for budget in mine]), 0.066, 1.02)
        marks = "osD^v*PX<>h"[: len(mine)]
        for budget, ink, height, mark in zip(mine, inks, heights, marks, strict=True):
            look = {"marker": mark, "color": ink, "linewidth": 1.3, "markersize": 4}
            ax.plot(budget.doublings, budget.won, **look)
            x = [budget.doublings[-1], ends, ends * 1.06]
            y = [budget.won[-1], budget.won[-1], height]
            ax.plot(x, y, ":", color=ink, linewidth=0.8)
        end_labels(ax, ends * 1.06, heights, [_label(budget) for budget in mine], inks, gap=0.0)
    panels[0].set_ylabel("share of what was left at the start that is won")
    said = "; ".join(f"{_label(b)} {b.won[-1]:.2f} in {b.doublings[-1]:.1f}" for b in budgets)
    return Picture(fig, f"share won, and doublings: {said}")


def _apart(ys: np.ndarray, gap: float, most: float) -> np.ndarray:
    """Move heights apart, downwards from ``most``, in their order."""
    found = ys.copy()
    above = most + gap
    for i in np.argsort(-ys, kind="stable"):
        found[i] = above = min(ys[i], above - gap)
    return found


def stops_view(budgets: Sequence[Budget], knee: Callable) -> BudgetView:
    """Each budget as a line of doublings: blue as long as it pays, grey where it was spent on.

    ``knee(amount, loss, price)`` → the place from which no more pays.
    """
    count = len(budgets)
    fig, ax = figure(size=(10.4, 0.27 * count + 1.3))
    ax.set(xlim=(-0.4, _MOST + 5.2), ylim=(count - 0.4, -0.6))
    ax.set(xlabel="doublings since the start")
    ax.set_xticks(np.arange(0, _MOST + 1, 2))
    ax.set_yticks(range(count), [_label(budget) for budget in budgets])
    ax.grid(axis="y", visible=False)
    for i, budget in enumerate(budgets):
        ends = [0, budget.doublings[-1]]
        ax.plot(ends, [i, i], color=MUTED, linewidth=1.2, solid_capstyle="butt")
        ax.plot(budget.doublings, np.full(len(budget.doublings), i), "|", color=MUTED, markersize=6)
    ax.text(_MOST + 0.4, -0.62, "stopped at", fontsize=8.5, weight="bold")
    ax.text(_MOST + 3.1, -0.62, "what is left", fontsize=8.5, weight="bold")

    def draw(price, seed):
        never = 0
        bought = 0.0
        for i, budget in enumerate(budgets):
            at = int(knee(budget.amount, budget.loss, price))
            _, low, high = (budget.doublings[k] for k in budget.stops(price))
            x = budget.doublings[at]
            ends = at == len(budget.doublings) - 1
            ax.plot([0, x], [i, i], color=GOOD, linewidth=4, solid_capstyle="butt")
            ax.plot([low, high], [i + 0.32] * 2, "|-", color=TRUTH, linewidth=0.9, markersize=4)
            mark = {"marker": ">", "color": GOOD} if ends else {"marker": "o", "color": BAD}
            ax.plot(x, i, markersize=7, linestyle="none", **mark)
            said = place(budget, at)
            said += f" {budget.unit}" if said[0].isdigit() else ""
            ax.text(_MOST + 0.4, i, said, va="center", fontsize=8.5)
            left = f"{budget.loss[0]:.2g} → {budget.loss[at]:.2g}"
            ax.text(_MOST + 3.1, i, left, va="center", fontsize=8.5)
            never += ends
            bought += x
        return (
            f"a doubling must take off {price:.0%} of what is left: {count - never} of {count} "
            f"budgets stop within their record, {never} {'does' if never == 1 else 'do'} not; "
            f"{bought:.0f} doublings are bought"
        )

    names = [f"{price:.0%}" for price in PRICES]
    label = "price of a doubling"
    price = options(PRICES, default=0.05, names=names, label=label)
    return BudgetView(fig, draw, luck=False, price=price)


def shopping_view(budgets: Sequence[Budget], share_out: Callable) -> BudgetView:
    """So many doublings in all: which are bought, if each goes where it takes off most.

    ``share_out(falls, doublings)`` → how many each budget gets.
    """
    count = len(budgets)
    falls = [steps_of(budget) for budget in budgets]
    most = sum(map(len, falls))
    fig, ax = figure(size=(9.6, 0.27 * count + 1.3))
    ax.set(xlim=(-0.02, _MOST + 3.4), ylim=(count - 0.4, -0.6), xlabel="doubling")
    ax.set_xticks(np.arange(_MOST) + 0.5, np.arange(1, _MOST + 1, dtype=int))
    ax.set_yticks(range(count), [_label(budget) for budget in budgets])
    ax.grid(visible=False)
    for i, row in enumerate(falls):
        for k, fall in enumerate(row):
            box = {"color": "#444444", "ha": "center", "va": "center", "fontsize": 7}
            ax.text(k + 0.5, i, f"{1 - 2**-fall:.0%}", **box)
    ax.text(_MOST + 0.5, -0.62, "share won", fontsize=8.5, weight="bold")

    def draw(doublings, seed):
        taken = share_out([row.tolist() for row in falls], doublings)
        last = np.inf
        for i, (row, got) in enumerate(zip(falls, taken, strict=True)):
            got = int(got)
            ax.barh(i, got, 0.82, color=GOOD, alpha=0.32)
            won = 1 - 2 ** -row[:got].sum()
            ax.text(_MOST + 0.5, i, f"{won:.0%}", va="center", fontsize=8.5)
            last = min(last, row[got - 1]) if got else last
        spread = np.count_nonzero(taken)
        price = "" if last == np.inf else f"; the last one takes off {1 - 2**-last:.1%}"
        spent = int(sum(taken))
        left = f" of {doublings}" if spent < doublings else ""
        return f"{spent}{left} doublings go to {spread} of {count} budgets{price}"

    amounts = sorted({min(each, most) for each in (0, 5, 10, 20, 30, 40, 60, 80, 100, most)})
    start = min(20, most)
    label = "doublings in all"
    doublings = options(amounts, default=start, unit="doublings", label=label)
    return BudgetView(fig, draw, luck=False, doublings=doublings)


def line_picture(budget: Budget, price: float, at: int) -> Picture:
    """One budget on logarithmic axes, with the line of the price through the place it stops at."""
    fig, ax = figure(size=(6.4, 3.4))
    low, high = np.quantile(budget.draws, [0.025, 0.975], axis=0)
    ax.plot(budget.amount, budget.loss, "o-", color=GOOD, label="what is left")
    said = "its 95% interval"
    ax.fill_between(budget.amount, low, high, color=GOOD, alpha=0.2, linewidth=0, label=said)
    slope = exponent(price)
    line = budget.loss[at] * (budget.amount / budget.amount[at]) ** -slope
    ax.plot(budget.amount, line, "--", color=TRUTH, label=f"{price:.0%} off for each doubling")
    ax.plot(budget.amount[at], budget.loss[at], "D", color=BAD, markersize=8, label="it stops here")
    ax.set(xscale="log", yscale="log", xlabel=budget.unit, ylabel=budget.measure)
    ax.set_xticks(budget.amount, [number(x) for x in budget.amount])
    ticks = [0.3, 0.4, 0.5]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.legend(loc="upper right")
    return Picture(
        fig,
        f"{budget.name}: {budget.loss[0]:.3f} is left at {number(budget.amount[0])} "
        f"{budget.unit}, {budget.loss[-1]:.3f} at {number(budget.amount[-1])}; at a price of "
        f"{price:.0%} it stops at {number(budget.amount[at])}",
    )
