"""Pictures of notebook 10: attempts in a row or side by side, and who chooses among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from ttclib.cost import Cost
from ttclib.course.revisions.ratio import Bill, by_split, mean_where_known
from ttclib.course.revisions.record import Record, splits
from ttclib.course.revisions.selection import NESTED, WAYS
from ttclib.measure import bootstrap
from ttclib.show.slider import BudgetView, options
from ttclib.show.style import (
    COLORS,
    GOOD,
    MARKERS,
    MUTED,
    TRUTH,
    Picture,
    counting_axis,
    end_labels,
    figure,
)

SHARE = "share of problems answered right"
ROW = "in a row"
IN_A_ROW = f"attempts {ROW} (a chain)"


def _shades(number: int) -> list[str]:
    """Greys for bins, from easy, which is dark, to hard."""
    return [str(shade) for shade in np.linspace(0, 0.75, number)]


def _lengths(n: int) -> np.ndarray:
    return np.array([setting.steps for setting in splits(n)])


def _by_bin(right: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Means of each bin: (splits, problems) → (splits, bins)."""
    return np.stack([right[:, bins == b].mean(axis=1) for b in range(bins.max() + 1)], axis=1)


def _ratio_axis(ax: Axes, n: int) -> None:
    lengths = _lengths(n)
    counting_axis(ax, lengths, f"{IN_A_ROW}; {n} in all", marks=lengths)
    ax.set_xticks(lengths, [f"{k}\n×{n // k}" for k in lengths])


def ratio_view(
    record: Record,
    bins: np.ndarray,
    counts: np.ndarray,
    budgets: Sequence[int] = (4, 16, 64, 128),
    ways: Sequence[str] = WAYS,
) -> BudgetView:
    """Draw the ratio of sequential to parallel: what a split of N attempts solves.

    Smaller budgets and all splits are made of the same attempts.

    Parameters
    ----------
    bins : int array, shape (problems,)
        Difficulty, 0 the easiest.
    counts : int array, shape (replicates, problems)
        From :func:`ttclib.measure.bootstrap.counts`.
    budgets : sequence of int
        Powers of two, rising.
    """
    most = budgets[-1]
    found = {(n, way): by_split(record, n, way) for n in budgets for way in ways}
    bands = {key: bootstrap.mean_interval(right, counts) for key, right in found.items()}
    means = np.concatenate([np.ravel(band) for band in bands.values()])
    number = bins.max() + 1
    lengths = _lengths(most).tolist()
    fig, (curve, bars) = figure(1, 2, size=(9.8, 3.9), width_ratios=[1.25, 1])
    _ratio_axis(curve, most)
    curve.set_xlim(left=0.4)  # here each curve is named, where it begins
    curve.set_xlabel(f"{IN_A_ROW}; below: chains at N = {most}")
    curve.set(ylim=(max(0.0, means.min() - 0.04), min(1.0, means.max() + 0.04)), ylabel=SHARE)
    curve.set_title("grey: the other budgets")
    bars.set(xlim=(-0.6, number - 0.4), ylim=(0, 1.04), xlabel="bin, from easy to hard")
    bars.set_xticks(range(number), range(1, number + 1))
    bars.set(title="grey: all parallel, blue: this ratio", ylabel=SHARE)
    bars.grid(axis="x", visible=False)

    def draw(n, steps, way, seed):
        for other in budgets:
            mean = bands[other, way][0]
            curve.plot(_lengths(other), mean, color=MUTED, linewidth=0.8)
        starts = [bands[each, way][0][0] for each in budgets]
        names = [f"N = {each}" for each in budgets]
        colors = [GOOD if each == n else MUTED for each in budgets]
        end_labels(curve, 0.4, starts, names, colors, gap=0.06)
        mean, low, high = bands[n, way]
        curve.fill_between(_lengths(n), low, high, color=GOOD, alpha=0.2, linewidth=0)
        curve.plot(_lengths(n), mean, color=GOOD)
        at = _lengths(min(steps, n)).size - 1
        curve.plot(min(steps, n), mean[at], "o", color=GOOD, markersize=7)
        right = found[n, way]
        by_bin = _by_bin(right, bins)
        x = np.arange(number)
        bars.bar(x - 0.2, by_bin[0], 0.38, color=MUTED)
        bars.bar(x + 0.2, by_bin[at], 0.38, color=GOOD)
        gain, least, largest = bootstrap.mean_interval(right[at] - right[0], counts)
        setting = splits(n)[at]
        text = (
            f"{_said(setting.chains, setting.steps)}, {way}: right {mean[at]:.3f}; "
            f"less all parallel {gain:+.3f} [{least:+.3f}, {largest:+.3f}]"
        )
        places = record.places(setting)
        fed = float(record.read[:, places].sum(axis=(1, 2)).mean())
        return text, Cost(units=n, lm_positions=round(fed))

    return BudgetView(
        fig,
        draw,
        luck=False,
        n=options(budgets, default=most, unit="attempts", label="attempts in all, N"),
        steps=options(lengths, default=lengths[len(lengths) // 2], unit="attempts", label=ROW),
        way=options(ways, default=NESTED, label="the answer"),
    )


def _said(chains: int, steps: int) -> str:
    return f"{chains} {'chain' if chains == 1 else 'chains'} of {steps}"


def bins_picture(tables: Sequence[np.ndarray], bins: np.ndarray, counts: np.ndarray) -> Picture:
    """Draw the share of right answers against the ratio, for each bin, with 95% bands.

    Parameters
    ----------
    tables : sequence of arrays, (splits, problems) each
        From :func:`ttclib.course.revisions.ratio.by_split`, of a budget each, the largest first.
    """
    number = bins.max() + 1
    budgets = [2 ** (len(right) - 1) for right in tables]
    fig, axes = figure(1, number, size=(10.4, 3.4), sharey=True)
    axes = np.atleast_1d(axes)
    texts = []
    for n, right, color, mark in zip(budgets, tables, COLORS, MARKERS, strict=False):
        of_bins = []
        for b, ax in enumerate(axes):
            mine = bins == b
            weights = counts[:, mine]
            mean, low, high = bootstrap.mean_interval(right[:, mine], weights[weights.any(axis=1)])
            ax.fill_between(_lengths(n), low, high, color=color, alpha=0.15, linewidth=0)
            ax.plot(_lengths(n), mean, marker=mark, color=color, markersize=3, label=f"N = {n}")
            best = int(mean.round(9).argmax())
            ax.plot(_lengths(n)[best], mean[best], mark, color=TRUTH, markersize=5)
            of_bins.append(f"bin {b + 1} {', '.join(f'{each:.2f}' for each in mean)}")
        texts.append(f"1 to {n}: {'; '.join(of_bins)}")
    marks = _lengths(budgets[0])[:: 2 if len(tables[0]) > 4 else 1]
    for b, ax in enumerate(axes):
        ax.set(xscale="log", title=f"bin {b + 1}", ylim=(0, 1.02))
        ax.set_xticks(marks, [str(mark) for mark in marks])
        ax.minorticks_off()
    axes[0].set_ylabel(SHARE)
    axes[0].legend(loc="lower left")
    fig.supxlabel(IN_A_ROW, fontsize=9)
    return Picture(fig, f"right by attempts in a row, {'; '.join(texts)}")


def ways_picture(tables: Mapping[str, np.ndarray], counts: np.ndarray) -> Picture:
    """Draw ways to choose the answer against the ratio, with 95% bands.

    Parameters
    ----------
    tables : mapping
        Name of a way → (splits, problems), of one budget.
    """
    n = 2 ** (len(next(iter(tables.values()))) - 1)
    fig, ax = figure(size=(8.6, 3.8))
    _ratio_axis(ax, n)
    texts = []
    for (name, right), color, mark in zip(tables.items(), COLORS, MARKERS, strict=False):
        mean, low, high = bootstrap.mean_interval(right, counts)
        ax.fill_between(_lengths(n), low, high, color=color, alpha=0.12, linewidth=0)
        ax.plot(_lengths(n), mean, marker=mark, color=color, markersize=4, label=name)
        texts.append(f"{name} {', '.join(f'{each:.3f}' for each in mean)}")
    ax.set(ylabel=SHARE, title=f"{n} attempts; below: chains")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return Picture(fig, f"right with 1 to {n} attempts in a row: {'; '.join(texts)}")


def judges_picture(areas: Mapping[str, np.ndarray], counts: np.ndarray) -> Picture:
    """Draw how well verifiers tell attempts apart, step by step, with 95% bands.

    Parameters
    ----------
    areas : mapping
        Name → AUC within a problem, (steps, problems), from
        :func:`ttclib.course.revisions.ratio.auc_by_step`.
    """
    fig, ax = figure(size=(7.6, 3.4))
    steps = max(len(each) for each in areas.values())
    texts = []
    for (name, each), color, mark in zip(areas.items(), COLORS, MARKERS, strict=False):
        mean, low, high = mean_where_known(each, counts)
        x = np.arange(1, len(mean) + 1)
        ax.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
        ax.plot(x, mean, marker=mark, color=color, markersize=4, label=name)
        texts.append(f"{name} {', '.join(f'{value:.3f}' for value in mean)}")
    ax.set(xlim=(0.7, steps + 0.3), xlabel="attempt in the chain", ylabel="AUC within a problem")
    ax.set_xticks(range(1, steps + 1))
    ax.legend(loc="upper right")
    return Picture(fig, f"AUC within a problem, step by step: {'; '.join(texts)}")


def prices_picture(
    curves: Mapping[str, Sequence[tuple[np.ndarray, Bill]]], counts: np.ndarray
) -> Picture:
    """Draw accuracy against attempts, and against FLOPs of reviser and verifier.

    Parameters
    ----------
    curves : mapping
        Name → for N = 1, 2, 4, …: which problems are right, (problems,), and what that paid.
    """
    fig, axes = figure(1, 2, size=(9.8, 3.7), sharey=True)
    texts = []
    every = []
    for (name, points), color, mark in zip(curves.items(), COLORS, MARKERS, strict=False):
        right = np.array([each for each, _ in points], dtype=float)
        mean, low, high = bootstrap.mean_interval(right, counts)
        flops = np.array([paid.total.mean() for _, paid in points])
        for ax, x in zip(axes, (2 ** np.arange(len(points)), flops), strict=True):
            ax.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
            ax.plot(x, mean, marker=mark, color=color, markersize=4, label=name)
        texts.append(f"{name} up to {mean[-1]:.3f} for {flops[-1]:.2e} FLOPs")
        every.extend(flops)
    budgets = 2 ** np.arange(max(map(len, curves.values())))
    counting_axis(axes[0], budgets, "attempts", marks=budgets)
    low, high = np.log10([min(every), max(every)]) + (-0.3, 0.1)
    marks = [m * 10.0**k for k in range(int(low) - 1, int(high) + 1) for m in (1, 2, 5)]
    marks = [mark for mark in marks if 10**low <= mark <= 10**high]
    axes[1].set(xscale="log", xlabel="GFLOPs a problem, reviser and verifier")
    axes[1].set_xlim(10**low, 10**high)
    axes[1].set_xticks(marks, [f"{mark / 1e9:g}" for mark in marks])
    axes[1].minorticks_off()
    axes[0].set_ylabel(SHARE)
    axes[0].legend(loc="lower right")
    return Picture(fig, f"accuracy against price: {'; '.join(texts)}")
