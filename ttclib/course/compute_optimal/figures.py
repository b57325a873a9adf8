"""Pictures of notebook 09: difficulty, and the method that each difficulty wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from scipy.stats import spearmanr

from ttclib.cost import Cost, readable
from ttclib.course.compute_optimal.stopping import THRESHOLDS, stop
from ttclib.course.compute_optimal.strategies import (
    ONE,
    confusion,
    efficiency,
    only,
    price_of_knowing,
    saving,
    seen_bins,
    up_to,
    worth,
)
from ttclib.measure import bootstrap
from ttclib.measure.calibration import auc_within
from ttclib.measure.folds import average, choose, difficulty_bins, halves, two_fold
from ttclib.search.results import BEST, MAJORITY, WEIGHTED, Curve, Results, Samples
from ttclib.show.slider import BudgetView, choice, options
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    counting_axis,
    figure,
    ink,
    truth,
)

_REPLICATES = 399


def _name(b: int, number: int) -> str:
    return f"{b + 1}" + (" easiest" if b == 0 else " hardest" if b == number - 1 else "")


def _two_lines(number: int) -> list[str]:
    return [_name(k, number).replace(" ", "\n") for k in range(number)]


def _of_bins(number: int) -> np.ndarray:
    """Colours from easy to hard, dark to light; readers of any sight tell them apart."""
    return mpl.colormaps["cividis"](np.linspace(0, 0.9, number))


def _generations(ax, budgets, label: str = "generations N") -> None:
    counting_axis(ax, budgets, label, marks=budgets, room=1.3)


def _budget_control(budgets, first: int, label: str = "generations N"):
    """A slider over budgets, at ``first`` if it is one of them, else at the largest."""
    known = [int(budget) for budget in budgets]
    start = first if first in known else known[-1]
    return options(known, default=start, unit="generations", label=label)


def _interval(values, rng: np.random.Generator):
    """Mean over the last axis, problems, and its 95% interval: (mean, low, high)."""
    counts = bootstrap.counts(values.shape[-1], _REPLICATES, rng)
    return bootstrap.mean_interval(values, counts)


def _bars(
    ax, x, intervals, width: float = 0.8, color=None, label=None, hatch=None, **whiskers
) -> np.ndarray:
    """Draw a bar with its interval for each (mean, low, high); return the means."""
    mean, low, high = np.transpose(intervals)
    look = {"color": color, "edgecolor": "white", "linewidth": 0, "hatch": hatch}
    ax.bar(x, mean, width, label=label, **look)
    ax.errorbar(x, mean, [mean - low, high - mean], fmt="none", color=TRUTH, **whiskers)
    return mean


# ---- one strategy for all ------------------------------------------------------------------------


def waste_picture(
    results: Results, bins, few: int, many: int, method: str = WEIGHTED, seed: int = 0
):
    """One method bin by bin, and who gains when everybody gets ``many`` and not ``few``."""
    number = bins.max() + 1
    rng = np.random.default_rng(seed)
    accuracy = results.accuracy[results.row(method)]
    budgets = results.budgets
    colors = _of_bins(number)
    fig, (lines, bars) = figure(1, 2, size=(9.4, 3.7), width_ratios=[1.5, 1])
    gains = []
    for k in range(number):
        here = accuracy[:, bins == k]
        mean, low, high = _interval(here, rng)
        lines.fill_between(budgets, low, high, color=colors[k], alpha=0.25, linewidth=0)
        lines.plot(budgets, mean, "o-", color=colors[k], markersize=4, label=_name(k, number))
        gains.append(_interval(here[results.at(many)] - here[results.at(few)], rng))
    lines.set(ylim=(-0.02, 1.02), ylabel="share of problems solved", title=f"{method}, 95% bands")
    _generations(lines, budgets)
    lines.legend(title="bin", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    mean = _bars(bars, range(number), gains, color=colors, capsize=3)
    bars.axhline(0, color=TRUTH, linewidth=0.8)
    bars.set_xticks(range(number), _two_lines(number))
    bars.set(xlabel="bin", ylabel="more problems solved")
    bars.set_title(f"{many} generations instead of {few}")
    gained = ", ".join(f"{m:+.2f}" for m in mean)
    at_first = ", ".join(f"{accuracy[0, bins == k].mean():.2f}" for k in range(number))
    return Picture(
        fig,
        f"{method}, from {few} to {many} generations, gain by bin from easy to hard: {gained}; "
        f"solved with one generation: {at_first}",
    )


# ---- difficulty ----------------------------------------------------------------------------------


def agreement_picture(ease, score, number: int = 5) -> Picture:
    """The verifier's idea of difficulty against the truth, problem by problem and bin by bin."""
    ease, score = (np.asarray(values) for values in (ease, score))
    oracle, predicted = (difficulty_bins(values, number) for values in (ease, score))
    counts = confusion(oracle, predicted)
    colors = _of_bins(number)
    fig, (points, table) = figure(1, 2, size=(9.0, 4.0), width_ratios=[1.15, 1])
    points.scatter(ease, score, c=colors[oracle], s=18, edgecolors=TRUTH, linewidths=0.3, zorder=3)
    for values, line in ((ease, points.axvline), (score, points.axhline)):
        easy_first = np.sort(values)[::-1]
        for k in range(1, number):  # the borders between bins
            at = -(-k * len(values) // number)
            line(easy_first[at - 1 : at + 1].mean(), color=MUTED, linewidth=0.8)
    points.plot([0, 1], [0, 1], "k--", linewidth=1.2, label="calibrated")
    points.set(xlim=(-0.03, 1.03), xlabel="pass@1, needs the answers")
    points.set(ylim=(-0.03, 1.03), ylabel="mean final score of the verifier")
    points.set_title("a point is a problem, grey: borders of bins")
    fig.legend(loc="outside lower left")
    points.grid(visible=False)
    table.imshow(counts, cmap="cividis", vmin=0)
    for i, j in np.ndindex(counts.shape):
        color = "white" if counts[i, j] < 0.6 * counts.max() else "black"
        table.text(j, i, counts[i, j], ha="center", va="center", color=color)
    table.set_xticks(range(number), _two_lines(number))
    table.set_yticks(range(number), _two_lines(number))
    table.set(xlabel="predicted bin", ylabel="oracle bin", title="problems")
    table.grid(visible=False)
    same, near = (np.mean(abs(oracle - predicted) <= d) for d in (0, 1))
    rank = spearmanr(ease, score).statistic
    diagonal = ", ".join(map(str, np.diag(counts)))
    return Picture(
        fig,
        f"{same:.0%} of {len(ease)} problems are in the same bin, {near:.0%} at most one bin away; "
        f"rank correlation {rank:.2f}; on the diagonal {diagonal}",
    )


# ---- methods by bin ------------------------------------------------------------------------------


def methods_picture(
    results: Results,
    bins,
    names: Sequence[str],
    budgets: Sequence[int] = (4, 16, 64, 256),
    rivals: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> Picture:
    """Accuracy of each method in each bin at some budgets: Snell et al. 2024, figure 3.

    Parameters
    ----------
    rivals : mapping, optional
        Name → how often each problem is solved at each budget, (budgets, problems), by those who do
        without the verifier: a mark above the bars.
    """
    rivals = rivals or {}
    number = bins.max() + 1
    rng = np.random.default_rng(seed)
    rows = [results.row(name) for name in names]
    palette = _palette(names)
    lines = -(-len(budgets) // 2)
    fig, axes = figure(lines, 2, size=(10.0, 3.0 * lines), sharex=True, sharey=True, squeeze=False)
    width = 0.84 / len(names)
    texts = []
    draws = [bootstrap.counts(int(np.sum(bins == k)), _REPLICATES, rng) for k in range(number)]
    for ax, budget in zip(np.ravel(axes), budgets, strict=False):
        accuracy = results.accuracy[rows, results.at(budget)]
        best = []
        for i, name in enumerate(names):
            x = np.arange(number) + (i - (len(names) - 1) / 2) * width
            solved = [
                bootstrap.mean_interval(accuracy[i, bins == k], draws[k]) for k in range(number)
            ]
            look = {"color": palette[i], "label": name, "elinewidth": 0.8}
            look["hatch"] = _HATCHES[i % len(_HATCHES)]
            best.append(_bars(ax, x, solved, width * 0.92, **look))
        for (name, solved), shift in zip(rivals.items(), _spread(rivals), strict=True):
            here = solved[results.at(budget)]
            heights = [here[bins == k].mean() for k in range(number)]
            ax.plot(np.arange(number) + shift, heights, label=name, **_mark(name))
        ax.set(title=f"{budget} generations", ylim=(0, 1.06), xlabel="bin of difficulty")
        ax.set_xticks(range(number), [_name(k, number) for k in range(number)])
        ax.grid(axis="x", visible=False)
        winners = [names[k] for k in np.nanargmax(best, axis=0)]
        texts.append(f"at {budget}: " + ", ".join(winners))
    for ax in axes[:, 0]:
        ax.set_ylabel("share solved")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    columns = 4 if rivals else min(len(names), 6)
    fig.legend(handles, labels, loc="outside lower center", ncols=columns)
    last = results.at(budgets[-1])
    for name, solved in rivals.items():
        shares = ", ".join(f"{solved[last, bins == k].mean():.2f}" for k in range(number))
        texts.append(f"{name} at {budgets[-1]}: {shares}")
    return Picture(fig, "highest bar from the easiest bin to the hardest, " + "; ".join(texts))


# so that bars are told apart without colours
_HATCHES = ("", "////", "....", "xxxx", "----", "||||", "ooo")
_MARKS = {  # the same for a rival in every picture
    "prm's body alone: one greedy text": "X",
    "prm's body alone: likeliest of N": "P",
    "rebase, casting out nines": "*",
    "rebase, exact verifier": "d",
}
_RIVAL = {"color": TRUTH, "markerfacecolor": "white", "markersize": 7}


def _mark(name: str) -> dict:
    """The look of a rival that is a mark for each bin."""
    return {"marker": _MARKS.get(name, "h"), "linestyle": ""} | _RIVAL


def _spread(rivals: Mapping) -> np.ndarray:
    """Places of marks beside the middle of a bin, so that none hides another."""
    return np.linspace(-0.2, 0.2, len(rivals))


def _palette(names: Sequence[str]) -> list[str]:
    """The same colour for a method in every picture of one list: majority is grey."""
    others = iter((*COLORS, "#6A3D9A", "#000000", "#A6761D", "#999933", "#DDCC77"))
    return [MUTED if name == MAJORITY else next(others) for name in names]


# ---- the choice of each bin ----------------------------------------------------------------------


def _cell(table, k: int, i: int, solved: float, chosen: float) -> None:
    """Write what a setting solves in a bin, with a frame: thicker the more often it is chosen."""
    if np.isnan(solved):
        table.text(k, i, "–", ha="center", va="center", color=ink(MUTED))
        return
    color = mpl.colormaps["cividis"](solved)
    table.add_patch(Rectangle((k - 0.5, i - 0.5), 1, 1, color=color, linewidth=0))
    look = {"color": "white" if solved < 0.6 else "black", "fontsize": 8.5}
    table.text(k, i, f"{solved:.2f}", ha="center", va="center", **look)
    if chosen > 0.05:
        frame = {"fill": False, "edgecolor": BAD, "linewidth": 0.8 + 3.2 * chosen, "zorder": 4}
        table.add_patch(Rectangle((k - 0.46, i - 0.44), 0.92, 0.88, **frame))


def choice_view(
    results: Results,
    bins: Mapping[str, np.ndarray],
    rivals: Mapping[str, np.ndarray],
    splits: int = 64,
) -> BudgetView:
    """Which method each bin picks on one half, and what that is worth on the other half.

    Parameters
    ----------
    bins : mapping
        Name → bins (problems,): difficulty as the answers tell it, or as the verifier does.
    rivals : mapping
        Name → how often each problem is solved at each budget: see :func:`methods_picture`.
    """
    names = results.names
    number = next(iter(bins.values())).max() + 1
    fig, (table, bars) = figure(1, 2, size=(10.0, 4.4), width_ratios=[1.25, 1])
    table.set(xlim=(-0.5, number - 0.5), ylim=(len(names) - 0.5, -0.5), xlabel="bin")
    table.set_xticks(range(number), [_name(k, number) for k in range(number)])
    table.set_yticks(range(len(names)), names)
    table.set_title("share solved; framed: chosen, thicker: by more splits")
    table.grid(visible=False)
    bars.set(xlim=(-0.5, number + 0.5), ylim=(0, 1.08), ylabel="share solved", xlabel="bin")
    bars.set_xticks(range(number + 1), [*_two_lines(number), "all"])
    bars.set_title("scored on the other half")
    hindsight = {"color": TRUTH, "linestyle": "--", "linewidth": 1.2}
    kinds = [
        Patch(color=MUTED, label=WEIGHTED),
        Patch(color=GOOD, label="compute-optimal"),
        Line2D([], [], label="best setting in hindsight", **hindsight),
    ]
    kinds += [Line2D([], [], label=name, **_mark(name)) for name in rivals]
    fig.legend(handles=kinds, loc="outside lower center", ncols=3)

    def draw(budget, difficulty, seed):
        mine = bins[difficulty]
        right = results.accuracy[:, results.at(budget)]
        fold = halves(mine, np.random.default_rng([seed, 9]), splits)
        picked = choose(right, mine, fold)  # (splits, 2, bins)
        assigned = two_fold(right, mine, fold)
        by_bin = np.array([right[:, mine == k].mean(axis=1) for k in range(number)]).T
        for (i, k), solved in np.ndenumerate(by_bin):
            _cell(table, k, i, solved, chosen=np.mean(picked[..., k] == i))
        adaptive = [
            average(right[:, mine == k], assigned[:, mine == k]).mean() for k in range(number)
        ]
        adaptive.append(average(right, assigned).mean())
        row = results.row(WEIGHTED)
        plain = [*by_bin[row], right[row].mean()]
        best = np.nanmax(by_bin, axis=0)
        best = [*best, best @ np.bincount(mine) / len(mine)]
        x = np.arange(number + 1)
        bars.bar(x - 0.2, plain, 0.38, color=MUTED)
        bars.bar(x + 0.2, adaptive, 0.38, color=GOOD)
        bars.plot([x - 0.4, x + 0.4], [best, best], "k--", linewidth=1.2)
        for (name, theirs), shift in zip(rivals.items(), _spread(rivals), strict=True):
            here = theirs[results.at(budget)]
            heights = [here[mine == k].mean() for k in range(number)]
            bars.plot(x + shift, [*heights, here.mean()], **_mark(name))
        usual = [names[np.bincount(picked[..., k].ravel()).argmax()] for k in range(number)]
        text = (
            f"picked most often, easy to hard: {', '.join(usual)}; "
            f"solved on the other half {adaptive[-1]:.3f}, {WEIGHTED} {plain[-1]:.3f}, "
            f"best in hindsight {best[-1]:.3f}"
        )
        lm, verifier = (
            average(flops[:, results.at(budget)].mean(axis=1), assigned).mean()
            for flops in (results.lm_flops, results.verifier_flops)
        )
        return text, Cost(units=int(budget), lm_flops=float(lm), verifier_flops=float(verifier))

    budget = _budget_control(results.budgets, 16)
    difficulty = choice(list(bins), label="difficulty")
    return BudgetView(fig, draw, budget=budget, difficulty=difficulty)


# ---- strategies over budgets ---------------------------------------------------------------------


_LOOKS = {
    MAJORITY: (MUTED, "s:"),
    WEIGHTED: (TRUTH, "o-"),
    BEST: (COLORS[3], "P--"),
    ONE: (COLORS[1], "D-"),
    "compute-optimal, oracle": (COLORS[2], "^-"),
    "compute-optimal, predicted": (COLORS[0], "v-"),
}


def _band(ax, curve: Curve, color, alpha: float) -> None:
    """Shade the 95% interval of a curve's accuracy."""
    low, high = bootstrap.interval(curve.draws)
    ax.fill_between(curve.paid, low, high, color=color, alpha=alpha, linewidth=0)


def _draw_rivals(ax, rivals: Mapping[str, Curve], **look) -> None:
    """Draw those who do without the verifier, or have a better one: dotted, or a point."""
    for name, curve in rivals.items():
        size = 6 if len(curve.paid) > 1 else 10
        style = _RIVAL | {"markersize": size, "linestyle": ":", "linewidth": 1.1} | look
        ax.plot(curve.paid, curve.accuracy, marker=_MARKS.get(name, "h"), label=name, **style)


def _said_of(rivals: Mapping[str, Curve], unit: str) -> list[str]:
    """Write what each rival solves at the least and the most that it pays."""
    said = []
    for name, curve in rivals.items():
        ends = dict.fromkeys((0, len(curve.paid) - 1))
        at = [f"{curve.accuracy[i]:.3f} for {readable(curve.paid[i])} {unit}" for i in ends]
        said.append(f"{name} {' to '.join(at)}")
    return said


def curves_picture(
    generations: Mapping[str, Curve], flops: Mapping[str, Curve], rivals: Mapping[str, Curve]
) -> Picture:
    """Accuracy of every strategy against generations, and against FLOPs of both models.

    Parameters
    ----------
    generations, flops : mapping
        From :func:`ttclib.course.compute_optimal.strategies.strategies`.
    rivals : mapping
        Name → curve against FLOPs, of those who search without the verifier.
    """
    fig, axes = figure(1, 2, size=(10.0, 4.9), sharey=True)
    for ax, curves in zip(axes, (generations, flops), strict=True):
        for name, curve in curves.items():
            color, line = _LOOKS[name]
            ax.plot(curve.paid, curve.accuracy, line, color=color, markersize=4.5, label=name)
    for name in (WEIGHTED, "compute-optimal, predicted"):
        _band(axes[0], generations[name], _LOOKS[name][0], alpha=0.13)
    axes[0].set(ylabel="share of problems solved", title="95% bands of two of them")
    axes[1].set_title("both models, positions really computed")
    _draw_rivals(axes[1], rivals)
    _generations(axes[0], next(iter(generations.values())).paid)
    axes[1].set(xscale="log", xlabel="FLOPs a problem")
    low, high = axes[1].get_xlim()
    ticks = [
        tick for tick in np.outer(10.0 ** np.arange(4, 13), (1, 3)).ravel() if low < tick < high
    ]
    axes[1].set_xticks(ticks, [readable(tick) for tick in ticks])
    axes[1].minorticks_off()
    handles, labels = axes[1].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3)
    at = np.flatnonzero(np.isin(generations[WEIGHTED].paid, (4, 16, 64, 256)))
    rows = [
        f"{name} " + ", ".join(f"{v:.3f}" for v in curve.accuracy[at])
        for name, curve in generations.items()
    ]
    budgets = ", ".join(f"{v:g}" for v in generations[WEIGHTED].paid[at])
    rows += _said_of(rivals, "FLOPs")
    return Picture(fig, f"share solved at {budgets} generations: " + "; ".join(rows))


def efficiency_picture(
    curves: Mapping[str, Curve], budgets, unit: str, baseline: str = WEIGHTED, claim: float = 4.0
) -> Picture:
    """How many times as much a baseline pays for equal accuracy, read at both ends.

    Parameters
    ----------
    curves : mapping
        From :func:`ttclib.course.compute_optimal.strategies.strategies`.
    budgets : array
        Generations at which the curves were measured.
    unit : str
        What the curves count: generations or FLOPs.
    """
    fig, axes = figure(1, 2, size=(10.0, 4.6), sharey=True)
    top = 64.0
    rivals = [name for name in curves if name not in (MAJORITY, WEIGHTED, BEST)]
    texts = []
    ways = ((efficiency, "N of the strategy"), (saving, f"N of {baseline}"))
    for ax, (ratio_of, axis) in zip(axes, ways, strict=True):
        for shift, name in enumerate(rivals):
            ratio, draws = ratio_of(curves[name], curves[baseline])
            ends = bootstrap.interval(draws)
            x = budgets * 1.09 ** (shift - 1)
            shown = np.clip(ratio, 0.2, top)
            color, (mark, _) = _LOOKS[name]
            ax.plot([x, x], np.clip(ends, 0.2, top), color=color, linewidth=1.4)
            there = np.isfinite(ratio) & (ratio > 0)
            ax.plot(x[there], shown[there], mark, color=color, markersize=5, label=name)
            ax.plot(x[~there], shown[~there], mark, color=color, markersize=8, fillstyle="none")
            if name != ONE:
                rows = zip(budgets, ratio, *ends, strict=True)
                said = [f"at {b:g} {_times(*found)}" for b, *found in rows if b in (4, 16, 64)]
                texts.append(f"{axis}, {name}: {', '.join(said)}")
        truth(ax, 1.0)
        ax.axhline(claim, color=BAD, linestyle=":", linewidth=1.2)
        ax.text(
            budgets[0] * 0.9, claim * 1.08, f"paper: up to {claim:g}", color=ink(BAD), fontsize=8.5
        )
        ax.set(yscale="log", ylim=(0.18, top * 1.3))
        ticks = {0.25: "¼", 0.5: "½"} | {2**k: str(2**k) for k in range(6)} | {top: "more"}
        ax.set_yticks(list(ticks), list(ticks.values()))
        ax.minorticks_off()
        _generations(ax, budgets, f"equal accuracy, read at {axis}")
    times_as_many = f"times as many {unit} for {baseline}"
    axes[0].set_ylabel(times_as_many)
    handles, labels = axes[1].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3)
    return Picture(fig, f"{times_as_many} at equal accuracy; {'; '.join(texts)}")


def _times(ratio: float, low: float, high: float) -> str:
    """Write a ratio with its interval; "more" is more than any budget there is."""
    said = (
        "never" if v == 0 else f"{v:.2g}×" if np.isfinite(v) else "more" for v in (ratio, low, high)
    )
    return "{} ({} to {})".format(*said)


# ---- what knowing costs --------------------------------------------------------------------------


def knowing_view(
    results: Results,
    samples: Samples,
    counts,
    looks=(0, 1, 4, 16, 64, 256),
    budget: int = 16,
    seed: int = 0,
) -> BudgetView:
    """Spend m samples on the difficulty, pay for them, and see what is left of the gain."""
    rng = np.random.default_rng(seed)
    curves = price_of_knowing(results, samples, counts, rng, looks)
    results = up_to(results, samples.score.shape[-1] - max(looks))  # the budgets of these curves
    base = results.curve(WEIGHTED, counts)
    oracle = difficulty_bins(samples.right.mean(axis=(0, 2)))
    place = results.at(budget)
    net = {m: saving(curve, base) for m, curve in curves.items()}
    gross = [saving(curve._replace(paid=base.paid), base)[0][place] for curve in curves.values()]
    fig, (lines, ratio) = figure(1, 2, size=(10.0, 4.0), width_ratios=[1.2, 1])
    budgets = results.budgets
    _band(lines, base, TRUTH, alpha=0.12)
    lines.plot(budgets, base.accuracy, "o-", color=TRUTH, markersize=4, label=WEIGHTED)
    top = max(curve.accuracy.max() for curve in curves.values())
    lines.set(ylim=(base.accuracy[0] - 0.03, top + 0.05), ylabel="share of problems solved")
    most = 2 * budgets[-1]
    _generations(lines, [*budgets, most], "generations, those for the difficulty included")
    lines.plot([], [], "v-", color=GOOD, label="compute-optimal, all paid")
    lines.plot([], [], ":", color=GOOD, label="the same, difficulty for nothing")
    fig.legend(*lines.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    xs = range(len(looks))
    ratio.set(yscale="log", ylim=(0.04, 12), xlim=(-0.6, len(looks) - 0.4))
    ratio.set_xticks(xs, looks)
    ratio.set_yticks([1 / 16, 1 / 4, 1, 4], ["1/16", "¼", "1", "4"])
    ratio.minorticks_off()
    ratio.set(xlabel="samples for the difficulty", ylabel="times as much as compute-optimal")
    ratio.set_title(f"what {WEIGHTED}, N = {budget}, pays")
    truth(ratio, 1.0)
    shown = np.array([net[m][0][place] for m in looks])
    ends = np.transpose([bootstrap.interval(net[m][1][:, place]) for m in looks])
    ratio.plot([xs, xs], np.maximum(ends, 0.04), color=GOOD, linewidth=1.4)
    ratio.plot(xs, shown, "v", color=GOOD, label="all paid")
    ratio.plot(xs, gross, ":", color=GOOD, label="difficulty for nothing")
    fig.legend(*ratio.get_legend_handles_labels(), loc="outside lower right")

    def draw(m, seed):
        curve = curves[m]
        at = looks.index(m)
        _band(lines, curve, GOOD, alpha=0.2)
        lines.plot(curve.paid, curve.accuracy, "v-", color=GOOD, markersize=5)
        lines.plot(budgets, curve.accuracy, ":", color=GOOD)
        ratio.plot(at, shown[at], "o", markersize=15, fillstyle="none", color=BAD, mew=2)
        where = "everybody in one bin"
        if m:
            where = f"{np.mean(seen_bins(samples, m) == oracle):.0%} of problems in their true bin"
        text = (
            f"{where}; {budget} generations for the answer and {m} for the difficulty solve "
            f"{curve.accuracy[place]:.3f}; for what {WEIGHTED} solves with {budget}, that pays "
            f"{_times(shown[at], *ends[:, at])} as much, all paid"
        )
        return text, Cost(units=m)

    default = 16 if 16 in looks else looks[0]
    m = options(looks, default=default, unit="samples", label="samples for the difficulty")
    return BudgetView(fig, draw, luck=False, m=m)


# ---- by the quality of the verifier --------------------------------------------------------------

ANSWERS = (MAJORITY, WEIGHTED, BEST)
_LINES = (*ANSWERS, ONE, "compute-optimal, oracle")
_ALONE = "best of N alone"
_KINDS = {_ALONE: (COLORS[4], "o"), "with the searches": (COLORS[2], "D")}


def quality_view(
    records: Mapping[str, tuple[Results, Samples]],
    bins,
    counts,
    rivals: Mapping[str, Curve],
    seed: int = 0,
) -> BudgetView:
    """What knowing the difficulty is worth, verifier by verifier; and one of them in detail.

    Parameters
    ----------
    records : mapping
        Name of a verifier → what was found with it, in any order.
    bins : int array, shape (problems,)
    counts : int array, shape (replicates, problems)
    rivals : mapping
        Name → curve against generations.
    """
    areas = {name: _area(samples) for name, (_, samples) in records.items()}
    names = sorted(records, key=areas.__getitem__)
    budgets = records[names[0]][0].budgets
    found = {kind: _worths(records, names, kind, bins, counts, seed) for kind in _KINDS}
    fig, (ladder, lines) = figure(1, 2, size=(10.4, 5.2), width_ratios=[1.2, 1])
    ends = [
        _worth_at(pair, n)[1:]
        for pairs in found.values()
        for pair in pairs.values()
        for n in budgets
    ]
    ladder.set(xlim=(-0.6, len(names) - 0.4), ylim=(np.min(ends) - 0.01, np.max(ends) + 0.03))
    ladder.set(title=" ", xlabel="verifier, and its AUC within a problem")  # room for a line
    ladder.set(ylabel="more solved by knowing the difficulty")
    ticks = [f"{name}  {areas[name]:.2f}" for name in names]
    look = {"rotation": 35, "ha": "right", "rotation_mode": "anchor", "fontsize": 8.5}
    ladder.set_xticks(range(len(names)), ticks, **look)
    ladder.grid(axis="x", visible=False)
    truth(ladder, 0.0)
    lines.set(ylim=(0, 1.02), ylabel="share of problems solved")
    _generations(lines, budgets)
    _draw_rivals(lines, rivals)
    for kind, (color, mark) in _KINDS.items():
        ladder.plot([], [], mark, color=color, label=kind)
    ladder.legend(loc="upper left")
    for name in _LINES:
        color, look = _LOOKS[name]
        lines.plot([], [], look, color=color, markersize=4, label=name)
    fig.legend(*lines.get_legend_handles_labels(), loc="outside lower center", ncols=3)

    def draw(verifier, budget, seed):
        said = []
        for shift, (kind, (color, mark)) in zip((-0.09, 0.09), _KINDS.items(), strict=True):
            here = {name: _worth_at(pair, budget) for name, pair in found[kind].items()}
            x = np.array([names.index(name) for name in here]) + shift
            mean, low, high = np.transpose(list(here.values()))
            ladder.plot([x, x], [low, high], color=color, linewidth=1.4)
            ladder.plot(x, mean, mark, color=color, markersize=6)
            if verifier in here:
                gap, low, high = here[verifier]
                said.append(f"{kind} {gap:+.3f} [{low:+.3f}, {high:+.3f}]")
                ring = {"markersize": 15, "fillstyle": "none", "color": BAD, "mew": 2}
                ladder.plot(names.index(verifier) + shift, gap, "o", **ring)
        said_here = f"{budget} generations; ringed, and on the right: {verifier}"
        ladder.text(0.5, 1.02, said_here, transform=ladder.transAxes, ha="center", va="bottom")
        results, _ = records[verifier]
        shown = {name: results.curve(name, counts) for name in ANSWERS}
        pair = next(found[kind][verifier] for kind in reversed(_KINDS) if verifier in found[kind])
        shown |= zip(_LINES[len(ANSWERS) :], pair, strict=True)
        for name, curve in shown.items():
            color, look = _LOOKS[name]
            lines.plot(curve.paid, curve.accuracy, look, color=color, markersize=4)
        lines.axvline(budget, color=MUTED, linewidth=0.8)
        best = shown[BEST].accuracy
        top = int(best.argmax())
        text = (
            f"{verifier}, AUC within a problem {areas[verifier]:.2f}: at N = {budget} knowing the "
            f"difficulty is worth {', '.join(said)}; {BEST} from {best[0]:.3f} "
            f"to {best[top]:.3f} at {budgets[top]} and {best[-1]:.3f} at {budgets[-1]}"
        )
        return text, Cost(units=int(budget))

    labels = [f"{name} ({areas[name]:.2f})" for name in names]
    verifier = options(names, default=names[len(names) // 2], names=labels, label="verifier (AUC)")
    budget = _budget_control(budgets, 64)
    return BudgetView(fig, draw, luck=False, verifier=verifier, budget=budget)


def _worths(records, names, kind: str, bins, counts, seed: int) -> dict[str, tuple[Curve, Curve]]:
    """What the choice by difficulty finds under each verifier, among the methods of a kind."""
    found = {}
    for name in names:
        results, _ = records[name]
        if kind == _ALONE:
            results = only(results, ANSWERS)
        elif len(results.names) == len(ANSWERS):
            continue  # nobody searched under this one
        found[name] = worth(results, bins, counts, np.random.default_rng(seed))
    return found


def _lowest(records: Mapping[str, tuple[Results, Samples]]) -> float:
    """The least that best of N solves with any verifier and budget."""
    found = (
        only(results, (WEIGHTED, BEST)).accuracy.mean(axis=-1) for results, _ in records.values()
    )
    return min(float(accuracy.min()) for accuracy in found)


def _area(samples: Samples) -> float:
    """AUC within a problem of a verifier, over all samples of each problem."""
    score, right = (
        table.swapaxes(0, 1).reshape(table.shape[1], -1) for table in (samples.score, samples.right)
    )
    return float(np.nanmean(auc_within(score, right)))


def _worth_at(pair: tuple[Curve, Curve], budget: int) -> tuple[float, float, float]:
    """How much more the informed curve solves at a budget: mean, low, high."""
    one, informed = pair
    at = int(np.flatnonzero(one.paid == budget)[0])
    low, high = bootstrap.interval(informed.draws[:, at] - one.draws[:, at])
    return informed.accuracy[at] - one.accuracy[at], float(low), float(high)


# ---- sharing the budget out, and stopping when sure ----------------------------------------------


def shared_picture(
    shared: Mapping[str, Curve], generations: Mapping[str, Curve], rivals: Mapping[str, Curve]
) -> Picture:
    """Accuracy when the budget is shared out between bins, against the same budget for all.

    ``rivals`` are drawn against generations.
    """
    fig, ax = figure(size=(8.4, 4.4))
    for name in (WEIGHTED, "compute-optimal, oracle", "compute-optimal, predicted"):
        color, line = _LOOKS[name]
        curve = generations[name]
        ax.plot(curve.paid, curve.accuracy, line, color=color, markersize=4, label=name, alpha=0.6)
    base = generations[WEIGHTED]
    _band(ax, base, TRUTH, alpha=0.12)
    _draw_rivals(ax, rivals)
    at = int(np.argmin(abs(base.paid - 16)))
    texts = []
    for name, curve in shared.items():
        color = _LOOKS[f"compute-optimal, {name}"][0]
        look = {"color": color, "markersize": 9, "label": f"shared out, {name}"}
        ax.plot(curve.paid, curve.accuracy, "*--", **look)
        ratio, draws = saving(curve, base)
        said = _times(ratio[at], *bootstrap.interval(draws[:, at]))
        texts.append(f"{name}: {WEIGHTED} pays {said} as much for what it solves with 16")
    _generations(ax, base.paid, "generations a problem, in the mean")
    ax.set(ylabel="share of problems solved")
    fig.legend(loc="outside lower center", ncols=3)
    texts += _said_of(rivals, "generations")
    return Picture(fig, "shared out; " + "; ".join(texts))


def stopping_view(
    records: Mapping[str, tuple[Results, Samples]],
    bins,
    counts,
    rivals: Mapping[str, Curve],
    first: str,
) -> BudgetView:
    """Stop at the first text above a threshold: what that solves, and which problems pay for it.

    Parameters
    ----------
    records : mapping
        Name of a verifier → what was found with it.
    bins : int array, shape (problems,)
    rivals : mapping
        Name → curve against generations.
    first : str
        The verifier that is shown first.
    """
    number = bins.max() + 1
    budgets = records[first][0].budgets
    fig, (lines, bars) = figure(1, 2, size=(10.0, 4.8), width_ratios=[1.35, 1])
    _generations(lines, budgets, "generations a problem, in the mean")
    lines.set(ylim=(_lowest(records) - 0.05, 1.02), ylabel="share of problems solved")
    _draw_rivals(lines, rivals)
    for name in (WEIGHTED, BEST):
        color, look = _LOOKS[name]
        lines.plot([], [], look, color=color, markersize=4, label=name)
    lines.plot([], [], ".-", color=GOOD, label="stopping when sure, all thresholds")
    fig.legend(loc="outside lower center", ncols=3)
    bars.set_xticks(range(number), _two_lines(number))
    bars.set(xlabel="bin", ylabel="generations, in the mean", yscale="log")
    bars.set(xlim=(-0.6, number - 0.4), ylim=(0.8, budgets[-1] * 1.8))
    bars.set_yticks(budgets[::2], [str(n) for n in budgets[::2]])
    bars.minorticks_off()
    bars.set_title("above a bar: share solved")

    def draw(threshold, most, verifier, seed):
        results, samples = records[verifier]
        for name in (WEIGHTED, BEST):
            curve = results.curve(name, counts)
            color, look = _LOOKS[name]
            lines.plot(curve.paid, curve.accuracy, look, color=color, markersize=4)
        found = [stop(samples, at, most) for at in (*THRESHOLDS, np.inf)]
        right, written = (np.mean(tables, axis=(1, 2)) for tables in zip(*found, strict=True))
        lines.plot(written, right, ".-", color=GOOD, zorder=4)
        right, written = (table.mean(axis=0) for table in stop(samples, threshold, most))
        ring = {"markersize": 15, "fillstyle": "none", "color": BAD, "mew": 2, "zorder": 5}
        lines.plot(written.mean(), right.mean(), "o", **ring)
        for k, color in enumerate(_of_bins(number)):
            paid = written[bins == k].mean()
            bars.bar(k, paid - 0.8, 0.8, bottom=0.8, color=color)
            solved = f"{right[bins == k].mean():.2f}"
            bars.text(k, paid * 1.06, solved, ha="center", va="bottom", fontsize=8.5)
        spent = ", ".join(f"{written[bins == k].mean():.1f}" for k in range(number))
        best = results.curve(BEST, counts).accuracy[results.at(most)]
        text = (
            f"{verifier}, stop at {threshold:g} or after {most}: {right.mean():.3f} solved with "
            f"{written.mean():.1f} generations in the mean, from easy to hard {spent}; "
            f"{BEST} with {most} solves {best:.3f}"
        )
        return text, Cost(units=round(written.mean()))

    threshold = options(THRESHOLDS, default=0.5, label="stop at a score of")
    most = _budget_control(budgets, 64, "at most")
    verifier = choice(list(records), default=first)
    return BudgetView(fig, draw, luck=False, threshold=threshold, most=most, verifier=verifier)


def spent_table(results: Results, m: int) -> str:
    """Write what m samples a problem cost to draw and to score, beside some budgets of a search."""
    row = results.row(WEIGHTED)
    price = results.paid(flops=True)[row].mean(axis=(1, 2))  # (budgets,)
    most = results.budgets[-1]
    cost = price[-1] * m / most
    lines = [f"{m} samples with their scores cost {readable(cost)} FLOPs a problem; as many as"]
    for budget in np.intersect1d(results.budgets, (4, 16, 64, 256)):
        lines.append(f"{cost / price[results.at(budget)]:8.1f} × {WEIGHTED} with N = {budget}")
    return "\n".join(lines)
