"""Pictures of notebook 10: what becomes of an attempt along a chain, and for how much."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from ttclib.cost import Cost
from ttclib.course.revisions.forecast import forecast
from ttclib.course.revisions.judged import keep_or_redraw
from ttclib.measure import bootstrap
from ttclib.measure.folds import difficulty_bins
from ttclib.show.slider import BudgetView, options
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MARKERS,
    MUTED,
    TRUTH,
    Picture,
    counting_axis,
    end_labels,
    figure,
    ink,
    truth,
)

_REPLICATES = 399


def _share_axis(ax, steps: int, label: str = "attempt in the chain") -> None:
    ax.set(xlim=(0.7, steps + 0.3), xlabel=label, ylabel="share of attempts that are right")
    if steps <= 10:
        ax.set_xticks(range(1, steps + 1))


def _interval(values, seed: int = 0):
    """Mean over the first axis, problems, and its 95% interval: (mean, low, high), each (k,)."""
    values = np.asarray(values, dtype=float)
    counts = bootstrap.counts(len(values), _REPLICATES, np.random.default_rng(seed))
    return bootstrap.mean_interval(values.T, counts)


# ---- along a chain -------------------------------------------------------------------------------


def along_picture(
    shares: Mapping[str, np.ndarray],
    means: Mapping[str, Sequence[float]] | None = None,
    title: str = "95% bands",
    low: float = 0.0,
) -> Picture:
    """Draw the share of right attempts along a chain, with bands over problems.

    Parameters
    ----------
    shares : mapping
        Name → share of right attempts of each problem, (problems, steps); (problems, 1) is drawn as
        a level line: fresh samples.
    means : mapping, optional
        Name → share of right attempts of all problems, (steps,): a line without a band.
    low : float
        Where the vertical axis begins.
    """
    means = means or {}
    steps = max(np.shape(each)[-1] for each in (*shares.values(), *means.values()))
    fig, ax = figure(size=(8.4, 3.9))
    texts = []
    colors = iter((*COLORS[:-1], TRUTH, MUTED))
    marks = itertools.cycle(MARKERS)
    dashes = itertools.cycle(("--", "-.", ":"))
    for name, line in means.items():
        look = {"color": next(colors), "marker": next(marks), "markersize": 4}
        ax.plot(range(1, len(line) + 1), line, label=name, **look)
        texts.append(f"{name} from {line[0]:.3f} to {line[-1]:.3f}")
    for (name, each), color in zip(shares.items(), colors, strict=False):
        mean, least, most = _interval(each)
        if len(mean) == 1:
            ends = np.array([1, steps])
            ax.plot(ends, np.repeat(mean, 2), next(dashes), color=color, label=name)
            ax.fill_between(ends, *np.repeat([least, most], 2, axis=1), color=color, alpha=0.1)
            texts.append(f"{name} {mean[0]:.3f}")
            continue
        x = np.arange(1, len(mean) + 1)
        ax.fill_between(x, least, most, color=color, alpha=0.18, linewidth=0)
        ax.plot(x, mean, color=color, marker=next(marks), markersize=4, label=name)
        texts.append(f"{name} from {mean[0]:.3f} to {mean[-1]:.3f}")
    _share_axis(ax, steps)
    ax.set(ylim=(low, 1), title=title)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return Picture(fig, f"share right along a chain of {steps}: {'; '.join(texts)}")


# ---- keep or draw anew ---------------------------------------------------------------------------


def keeper_view(
    judges: Mapping[str, tuple[np.ndarray, np.ndarray]],
    bins: np.ndarray,
    first: str,
    steps: Sequence[int] = (1, 2, 4, 8, 16),
    thresholds: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
) -> BudgetView:
    """Draw what keeping alone is worth: by the judge, the threshold and the attempt.

    Parameters
    ----------
    judges : mapping
        Name, from the worst to the best → (right, scores) of samples, each (problems, samples). The
        last is the exact judge, whose score is the truth.
    bins : int array, shape (problems,)
        Difficulty.
    first : str
        Where the slider begins.
    """
    names = list(judges)
    most = max(steps)
    found = {
        (name, threshold): keep_or_redraw(*judges[name], threshold, most)
        for name in names
        for threshold in thresholds
    }
    exact = found[names[-1], thresholds[0]]
    number = bins.max() + 1
    fig, (curve, bars) = figure(1, 2, size=(9.8, 3.9), width_ratios=[1.25, 1])
    counting_axis(curve, steps, "attempt in the chain", marks=steps, room=3.2)
    curve.set(ylim=(0.4, 0.9), ylabel="share of attempts that are right")
    curve.plot(range(1, most + 1), exact.mean(axis=0), "k--", linewidth=1.2)
    curve.plot([], [], "k--", linewidth=1.2, label="exact judge: pass@k")
    curve.plot([], [], "o-", color=GOOD, markersize=4, label="this judge")
    curve.plot([], [], color=MUTED, linewidth=0.8, label="the other judges")
    curve.legend(loc="upper left")
    bars.set(xlim=(-0.6, number - 0.4), ylim=(0, 1.08), xlabel="bin, from easy to hard")
    bars.set_xticks(range(number), range(1, number + 1))
    bars.set(title="grey: attempt 1, blue: this attempt", ylabel="share of attempts that are right")
    bars.grid(axis="x", visible=False)

    def draw(judge, threshold, attempt, seed):
        for name in names[:-1]:
            mean = found[name, threshold].mean(axis=0)
            curve.plot(range(1, most + 1), mean, color=MUTED, linewidth=0.8)
        ends = [found[name, threshold].mean(axis=0)[-1] for name in names]
        colors = [GOOD if name == judge else MUTED for name in names]
        _led_labels(curve, most, ends, names, colors)
        mine = found[judge, threshold]
        mean = mine.mean(axis=0)
        curve.plot(range(1, most + 1), mean, color=GOOD)
        marks = [k for k in steps if k <= attempt]
        curve.plot(marks, mean[np.array(marks) - 1], "o", color=GOOD, markersize=5)
        by_bin = np.array([mine[bins == k].mean(axis=0) for k in range(number)])
        x = np.arange(number)
        bars.bar(x - 0.2, by_bin[:, 0], 0.38, color=MUTED)
        bars.bar(x + 0.2, by_bin[:, attempt - 1], 0.38, color=GOOD)
        gain = mean[attempt - 1] - mean[0]
        text = (
            f"{judge}, kept from {threshold} on: attempt 1 {mean[0]:.3f}, attempt {attempt} "
            f"{mean[attempt - 1]:.3f} ({gain:+.3f}); the exact judge "
            f"{exact.mean(axis=0)[attempt - 1]:.3f}"
        )
        return text, Cost(units=attempt)

    return BudgetView(
        fig,
        draw,
        luck=False,
        judge=options(names, default=first, label="judge, from poor to exact"),
        threshold=options(thresholds, default=0.5, label="kept from this score on"),
        attempt=options(
            steps, default=steps[len(steps) // 2], unit="attempts", label="attempt in the chain"
        ),
    )


def _led_labels(ax, x, ys, labels, colors, gap=0.045) -> None:
    """Name lines at their right ends; a thin line leads to a label that had to move."""
    room = gap * np.ptp(ax.get_ylim())
    heights = np.array(ys, dtype=float)
    for below, above in itertools.pairwise(np.argsort(heights, kind="stable")):
        heights[above] = max(heights[above], heights[below] + room)
    for y, height, color in zip(ys, heights, colors, strict=True):
        ax.plot([x * 1.03, x * 1.28], [y, height], color=color, linewidth=0.7)
    end_labels(ax, x * 1.28, heights, labels, colors, gap=gap)


# ---- right and wrong, from step to step ----------------------------------------------------------


def flow_picture(right: np.ndarray) -> Picture:
    """Draw attempts as a flow: which right ones stay right, and which wrong ones are righted.

    Parameters
    ----------
    right : array of bool, shape (problems, chains, steps)
    """
    steps = right.shape[-1]
    flat = right.reshape(-1, steps)
    fig, ax = figure(size=(9.4, 3.9))
    share = flat.mean(axis=0)
    half = 0.09
    texts = []
    for k in range(steps):
        for bottom, height, color, word in (
            (0.0, share[k], GOOD, "right"),
            (share[k], 1 - share[k], BAD, "wrong"),
        ):
            ax.bar(k + 1, height, 2 * half, bottom=bottom, color=ink(color))
            if height > 0.06:
                look = {"ha": "center", "va": "center", "color": "white", "fontsize": 8}
                ax.text(k + 1, bottom + height / 2, f"{height:.0%}", **look)
                if k == 0:
                    ax.text(
                        0.86, bottom + height / 2, word, ha="right", va="center", color=ink(color)
                    )
    for k in range(steps - 1):
        was = flat[:, k]
        now = flat[:, k + 1]
        flows = {
            pair: np.mean((was == pair[0]) & (now == pair[1]))
            for pair in ((True, True), (True, False), (False, True), (False, False))
        }
        leaves = {True: 0.0, False: share[k]}
        arrives = {True: 0.0, False: share[k + 1]}
        for (before, after), width in flows.items():
            _stream(ax, k + 1 + half, k + 2 - half, leaves[before], arrives[after], width, after)
            leaves[before] += width
            arrives[after] += width
        middle = k + 1.5
        said = {"ha": "center", "fontsize": 8, "color": TRUTH}
        spoiled = flows[True, False] / max(share[k], 1e-9)
        righted = flows[False, True] / max(1 - share[k], 1e-9)
        ax.text(middle, 1.03, f"righted {righted:.0%}", **said)
        ax.text(middle, -0.06, f"spoiled {spoiled:.0%}", **said)
        texts.append(f"{righted:.0%} and {spoiled:.0%}")
    ax.set(xlim=(0.4, steps + 0.3), ylim=(-0.09, 1.09), xlabel="attempt in the chain")
    ax.set(ylabel="share of attempts", yticks=np.linspace(0, 1, 6))
    ax.set_xticks(range(1, steps + 1))
    ax.grid(visible=False)
    shares = ", ".join(f"{each:.0%}" for each in share)
    return Picture(
        fig, f"right are {shares}; righted and spoiled from step to step: {', '.join(texts)}"
    )


def _stream(ax, start, stop, low, high, width, good) -> None:
    """One band from a height to another."""
    t = np.linspace(0, 1, 40)
    bend = t * t * (3 - 2 * t)
    bottom = low + (high - low) * bend
    color = GOOD if good else BAD
    ax.fill_between(start + (stop - start) * t, bottom, bottom + width, color=color, alpha=0.3)


# ---- the two-state chain -------------------------------------------------------------------------


def long_run_view(
    early: np.ndarray,
    long: np.ndarray,
    ease: np.ndarray,
    groups: Sequence[int] = (1, 2, 5, 10, 20),
    counted: Sequence[int] = (2, 4, 8),
) -> BudgetView:
    """Draw what two-state chains foresee, beside what came.

    Parameters
    ----------
    early : array of bool, shape (problems, chains, steps)
        Where turns are counted.
    long : array of bool, shape (problems, chains, steps)
        What is to be foreseen: other chains.
    ease : array, shape (problems,)
        pass@1 of each problem, by other attempts: the groups are cut by it.
    """
    steps = long.shape[-1]
    mean, least, most = _interval(long.mean(axis=1))
    x = np.arange(1, steps + 1)
    fig, (curve, parts) = figure(1, 2, size=(9.8, 3.9), width_ratios=[1.25, 1])
    low = max(0.0, least.min() - 0.12)
    high = min(1.0, most.max() + 0.12)
    counting_axis(curve, x, "attempt in the chain", marks=[1, 2, 4, 8, 16, 32, 64][:9])
    curve.set(xlim=(0.9, steps * 1.1), ylim=(low, high))
    curve.set(ylabel="share of attempts that are right", title="orange: foreseen, dashed: long run")
    curve.fill_between(x, least, most, color=GOOD, alpha=0.2, linewidth=0)
    curve.plot(x, mean, color=GOOD, label="what came, 95% band")
    curve.plot([], [], color=COLORS[1], label="foreseen by the two-state chain")
    curve.legend(loc="lower right")
    parts.set(xlim=(-0.03, 1.03), ylim=(-0.02, 1.03), xlabel="wrong → right")
    parts.set(ylabel="right → wrong", title="a point is a group of problems, dark: easy")
    alike = "both add up to 1: how the\nlast ended does not matter"
    parts.plot([0, 1], [1, 0], "--", color=TRUTH, linewidth=1.2, label=alike)
    parts.legend(loc="upper right")
    last = mean[steps // 2 :].mean()

    def draw(number, seen, seed):
        mine = difficulty_bins(ease, number)
        found = forecast(early[..., :seen], mine, steps)
        curve.plot(x, found.shares, color=COLORS[1])
        truth(curve, found.long_run)
        shades = np.linspace(0, 0.85, number)
        for step, shade in zip(found.turns, shades, strict=True):
            parts.plot(*step, "o", color=str(shade), markeredgecolor=TRUTH, markersize=7)
        gap = found.shares[steps // 2 :].mean() - last
        text = (
            f"{number} {'chain' if number == 1 else 'chains'} counted on {seen} attempts: long run "
            f"{found.long_run:.3f}; foreseen for attempts {steps // 2 + 1} to {steps} "
            f"{gap + last:.3f}, came {last:.3f}"
        )
        return text, Cost(units=seen * early.shape[1])

    return BudgetView(
        fig,
        draw,
        luck=False,
        number=options(groups, default=groups[0], label="groups of like problems"),
        seen=options(counted, default=counted[0], unit="attempts", label="turns counted within"),
    )


# ---- attempts in context -------------------------------------------------------------------------


def windows_view(
    windows: Mapping[int, tuple[np.ndarray, np.ndarray]], flops: tuple[int, int]
) -> BudgetView:
    """Draw how many attempts to read: what it brings, and what it costs.

    Parameters
    ----------
    windows : mapping
        Attempts in context → (right, read), each (problems, chains, steps).
    flops : tuple of int
        (a, b): a token at context c costs a + b · c, see :mod:`ttclib.lm.flops`.
    """
    numbers = list(windows)
    steps = windows[numbers[0]][0].shape[-1]
    x = np.arange(1, steps + 1)
    bands = {w: _interval(right.mean(axis=1)) for w, (right, _) in windows.items()}
    prices = {w: fed(read, w, flops) for w, (_, read) in windows.items()}
    ends = np.array([band[1:] for band in bands.values()])
    fig, (curve, bill) = figure(1, 2, size=(9.8, 3.9))
    _share_axis(curve, steps)
    curve.set(ylim=(max(0, ends.min() - 0.06), min(1, ends.max() + 0.06)))
    curve.set_title("at the end of a line: attempts in context")
    top = max(positions.max() for positions, _ in (each[0] for each in prices.values()))
    bill.set(xlim=(0.4, steps + 0.6), ylim=(0, top * 1.1), xlabel="attempt in the chain")
    bill.set(ylabel="positions fed for an attempt")
    bill.plot([], [], "s", color=BAD, label="all is read again")
    bill.plot([], [], "s", color=GOOD, label="what was read is kept")
    bill.legend(loc="upper left")

    def draw(window, seed):
        for mean, _, _ in bands.values():
            curve.plot(x, mean, color=MUTED, linewidth=0.8)
        finals = [mean[-1] for mean, _, _ in bands.values()]
        shades = [GOOD if w == window else MUTED for w in numbers]
        end_labels(curve, steps, finals, map(str, numbers), shades, gap=0.055)
        mean, least, most = bands[window]
        curve.fill_between(x, least, most, color=GOOD, alpha=0.2, linewidth=0)
        curve.plot(x, mean, "o-", color=GOOD, markersize=4)
        (again, again_flops), (kept, kept_flops) = prices[window]
        bill.bar(x - 0.2, again, 0.38, color=BAD)
        bill.bar(x + 0.2, kept, 0.38, color=GOOD)
        text = (
            f"{window} in context: right are {mean[0]:.3f} of first attempts, "
            f"{mean[1:].mean():.3f} of later ones; positions for a chain {again.sum():.0f}, "
            f"with what was read kept {kept.sum():.0f}, "
            f"{kept_flops / again_flops:.2f} of the FLOPs"
        )
        return text, Cost(lm_positions=round(again.sum()), lm_flops=again_flops)

    return BudgetView(
        fig, draw, luck=False, window=options(numbers, default=1, label="attempts in context")
    )


def fed(read: np.ndarray, window: int, flops: tuple[int, int]):
    """Positions and FLOPs of a chain if all is read again, and if what was read is kept.

    While the window fills, a prompt is the last one with more behind it, and a cache need not read
    that again. Once the oldest attempt drops out, everything stands elsewhere.

    Parameters
    ----------
    read : array of int, shape (problems, chains, steps)
        Positions of an attempt, fed as if it were alone.

    Returns
    -------
    tuple of (positions, flops), twice
        Mean positions of each attempt, (steps,), and FLOPs of a chain.
    """
    a, b = flops

    def price(start, stop):
        return a * (stop - start) + b * (stop * (stop + 1) - start * (start + 1)) / 2

    read = np.asarray(read, dtype=float)
    start = np.zeros_like(read)
    filling = slice(1, window + 1)
    start[..., filling] = read[..., : read[..., filling].shape[-1]]
    found = []
    for begin in (np.zeros_like(read), np.minimum(start, read)):
        cost = price(begin, read).sum(axis=-1).mean()
        found.append(((read - begin).mean(axis=(0, 1)), float(cost)))
    return found[0], found[1]
