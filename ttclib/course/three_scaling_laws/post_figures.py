"""Pictures of notebook 12, second half: post-training, and three laws in one picture."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from ttclib.cost import Cost, readable
from ttclib.course.three_scaling_laws import advantages, enumerable
from ttclib.course.three_scaling_laws.post_training import (
    BASE,
    EXAM,
    LARGER,
    Record,
    crossing,
    expected_k,
)
from ttclib.course.three_scaling_laws.third_law import Way
from ttclib.measure import bootstrap
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import COLORS, GOOD, MUTED, TRUTH, Picture, counting_axis, figure, ink

KS = (1, 2, 4, 8, 16, 32, 64)
_HATCHED = {"hatch": "///", "edgecolor": "white", "linewidth": 0}  # beside a colour


def _names(ax, points, names: Sequence[str], colors: Sequence[str], x: float) -> None:
    """Write names in a column at x, in data units, with a dotted line to their points (names, 2).

    They stand at the heights of their points, moved apart where they would overlap.
    """
    gap = 0.042  # of the axes' height
    points = np.asarray(points, dtype=float)
    low, high = ax.get_ylim()
    order = np.argsort(points[:, 1], kind="stable")
    apart = gap * (high - low) * np.arange(len(order))
    heights = isotonic_regression(points[order, 1] - apart).x + apart
    for i, y in zip(order, heights, strict=True):
        where = {"ha": "right" if x < points[i, 0] else "left", "va": "center"}
        ax.plot([x, points[i, 0]], [y, points[i, 1]], ":", color=MUTED, linewidth=0.8)
        ax.text(x, y, names[i], color=ink(colors[i]), fontsize=7.5, **where)


# ---- pass@k before and after ---------------------------------------------------------------------


def _curve(ax, measured, counts, color, label, line="-", mark=None):
    """Draw pass@k with a band over problems; return its means."""
    mean, low, high = bootstrap.mean_interval(measured.passes(KS), counts)
    ax.fill_between(KS, low, high, color=color, alpha=0.18, linewidth=0)
    ax.plot(KS, mean, line, color=color, marker=mark, markersize=4, label=label)
    return mean


def _crosses(before, after) -> str:
    """Say where a curve of pass@k crosses the start's for good, and which way."""
    for which, place in (
        ("above", crossing(before, after)),
        ("below", crossing(after, before)),
    ):
        if place is not None:
            return f"crosses the start from {which} at k = {KS[place]}"
    return "does not cross the start"


def passes_view(record: Record, ways: Sequence[str], bins: np.ndarray, counts) -> BudgetView:
    """pass@k of a way to train, of the start, and of the start at another temperature.

    Parameters
    ----------
    bins : numpy.ndarray of int, shape (problems,)
        Difficulty, from easy to hard, by other samples than these.
    counts : int array, shape (replicates, problems)
        From :func:`ttclib.measure.bootstrap.counts`.
    """
    fig, (left, right) = figure(1, 2, size=(10.0, 3.9), width_ratios=[1.3, 1])
    base = record.at(BASE)
    heights = record.temperatures()
    number = bins.max() + 1
    left.set(ylim=(0.3, 1.0), ylabel="pass@k")
    counting_axis(left, KS, "k, samples of a problem", KS)
    before = _curve(left, base, counts, MUTED, f"{BASE}, temperature 1")
    right.set(xlim=(-0.6, number - 0.4), ylim=(0, 1.15), ylabel="pass@1")
    right.set(xlabel="problems, from easy to hard")
    right.set_xticks(range(number), [f"{i + 1}" for i in range(number)])
    right.grid(axis="x", visible=False)

    def by_bin(measured):
        return [measured.passes([1])[0, bins == b].mean() for b in range(number)]

    at = np.arange(number)
    right.bar(at - 0.2, by_bin(base), 0.38, color=MUTED, label=BASE)

    def draw(way, temperature, seed):
        other = record.at(BASE, temperature=temperature)
        rival = _curve(left, other, counts, COLORS[1], f"{BASE}, temperature {temperature}", "--")
        mine = record.at(way)
        after = _curve(left, mine, counts, GOOD, way, mark="o")
        left.legend(loc="lower right")
        right.bar(at + 0.2, by_bin(mine), 0.38, color=GOOD, label=way, **_HATCHED)
        right.legend(loc="upper right")
        text = (
            f"{way}: pass@1 {after[0]:.3f}, pass@{KS[-1]} {after[-1]:.3f}, "
            f"{_crosses(before, after)}; {BASE} {before[0]:.3f} and {before[-1]:.3f}; "
            f"at temperature {temperature} {rival[0]:.3f} and {rival[-1]:.3f}, "
            f"{_crosses(before, rival)}"
        )
        return text, Cost()

    return BudgetView(
        fig,
        draw,
        luck=False,
        way=choice(ways, label="after"),
        temperature=options(
            heights,
            default=max(height for height in heights if height < 1),
            label="temperature of the start",
        ),
    )


def tradeoff_picture(record: Record, ways: Sequence[str], counts) -> Picture:
    """pass@64 against pass@1: the start at every temperature is a line, each way a cross."""
    fig, ax = figure(size=(7.6, 4.4))
    ends = (KS[0], KS[-1])
    heights = record.temperatures()
    ax.set(xlim=(0.25, 0.75), ylim=(0.7, 1.0))
    line = np.array([record.at(BASE, temperature=t).passes(ends).mean(axis=1) for t in heights])
    ax.plot(
        *line.T, "--", color=COLORS[1], marker="s", markersize=4, label=f"{BASE}, hotter or colder"
    )
    for t, (x, y) in zip(heights, line, strict=True):
        hot = t > 1
        look = {"ha": "left" if hot else "right", "va": "bottom" if hot else "top"}
        ax.text(x + 0.007 * (2 * hot - 1), y, f"{t}", color=ink(COLORS[1]), fontsize=7.5, **look)
    found = [bootstrap.mean_interval(record.at(way).passes(ends), counts) for way in ways]
    for mean, low, high in found:
        ax.plot([low[0], high[0]], [mean[1]] * 2, color=GOOD, linewidth=0.7, alpha=0.5)
        ax.plot([mean[0]] * 2, [low[1], high[1]], color=GOOD, linewidth=0.7, alpha=0.5)
    points = np.array([mean for mean, _, _ in found])
    ax.plot(*points.T, "o", color=GOOD, markersize=4, zorder=4)  # above the names
    start = record.at(BASE).passes([1]).mean()
    column = {
        True: max(high[0] for _, _, high in found) + 0.01,
        False: min(low[0] for _, low, _ in found) - 0.005,
    }
    for side, x in column.items():  # names stand beside all intervals, better ones on the right
        here = np.flatnonzero((points[:, 0] > start) == side)
        if len(here):
            _names(ax, points[here], [ways[i] for i in here], [GOOD] * len(here), x)
    ax.set(xlabel="pass@1", ylabel=f"pass@{KS[-1]}")
    ax.legend(loc="lower right")
    said = [f"{way} {x:.2f} and {y:.2f}" for way, (x, y) in zip(ways, points, strict=True)]
    return Picture(fig, f"pass@1 and pass@{KS[-1]}: {'; '.join(said)}")


# ---- what is forgotten ---------------------------------------------------------------------------


def forgetting_picture(record: Record, ways: Sequence[str], counts) -> Picture:
    """pass@1 on the old task and on the shifted one, with bands over problems."""
    fig, ax = figure(size=(8.0, 3.4))
    at = np.arange(len(ways))
    said = []
    for shift, test, color, label, look in (
        (-0.2, EXAM, GOOD, "the old task", {}),
        (0.2, LARGER, COLORS[1], "four-digit numbers", _HATCHED),
    ):
        found = [record.at(way, test=test).passes([1])[0] for way in ways]
        mean, low, high = bootstrap.mean_interval(np.array(found), counts)
        ax.bar(at + shift, mean, 0.38, color=color, label=label, **look)
        ax.errorbar(
            at + shift, mean, [mean - low, high - mean], fmt="none", color=TRUTH, linewidth=1
        )
        said.append(f"{label} " + ", ".join(f"{m:.2f}" for m in mean))
    ax.set_xticks(at, ways)
    ax.set(ylim=(0, 1), ylabel="pass@1")
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper right")
    return Picture(fig, f"{', '.join(ways)}: {'; '.join(said)}")


# ---- the model that can be enumerated ------------------------------------------------------------


def weights_picture(solved: Sequence[float]) -> Picture:
    """How much a problem counts in the group-relative gradient, by its share of right texts."""
    fig, ax = figure(size=(7.6, 3.4))
    p = np.linspace(0.002, 0.998, 250)
    for k, color, mark in zip((2, 4, 8, 64), COLORS, "osD^", strict=False):
        look = {"color": color, "marker": mark, "markevery": (12, 25), "markersize": 4}
        ax.plot(p, enumerable.relative_weight(p, k), label=f"{k} texts of a problem", **look)
    ax.plot(p, 1 / np.sqrt(p * (1 - p)), "--", color=TRUTH, linewidth=1.2, label="1/√(p(1 − p))")
    ax.plot(solved, np.zeros(len(solved)), "|", color=MUTED, markersize=12)
    ax.set(xlim=(0, 1), ylim=(0, 10), xlabel="p, share of right texts of the problem")
    ax.set(ylabel="how much it counts")
    ax.legend(loc="upper center")
    at = {
        p: ", ".join(f"{k}: {enumerable.relative_weight(p, k):.1f}" for k in (2, 8, 64))
        for p in (0.02, 0.5)
    }
    said = "; ".join(f"at p = {p}, by texts of a problem, {ends}" for p, ends in at.items())
    return Picture(fig, f"how much a problem counts {said}")


STEPS = 80
RATE = 4.0
ADVANTAGES = {
    "REINFORCE": (advantages.above_the_batch, RATE),
    "group-relative": (advantages.group_relative, RATE / 3),
}
LUCKS = 5


@functools.cache
def _exact() -> tuple[np.ndarray, np.ndarray]:
    """Shares solved along the exact gradient: (steps + 1, problems)."""
    policy = enumerable.TinyPolicy.new()
    found = [policy.solved]
    for _ in range(STEPS):
        policy = policy.moved(enumerable.exact_gradient(policy), RATE)
        found.append(policy.solved)
    return np.array(found)


def climb(better, rate: float, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Follow gradients of drawn texts; return the shares solved, exactly: (steps + 1, problems)."""
    policy = enumerable.TinyPolicy.new()
    found = [policy.solved]
    for _ in range(STEPS):
        drawn = enumerable.draw(policy, samples, rng)
        policy = policy.moved(enumerable.sampled_gradient(policy, drawn, better), rate)
        found.append(policy.solved)
    return np.array(found)


def tiny_view() -> BudgetView:
    """The expected reward along drawn gradients, and pass@k at the end, all exact."""
    fig, (left, right) = figure(1, 2, size=(10.0, 3.8))
    ks = 2 ** np.arange(11)
    exact = _exact()
    left.set(xlim=(0, STEPS), ylim=(0, 1), xlabel="steps", ylabel="expected reward")
    left.plot(exact.mean(axis=1), "--", color=TRUTH, label="along the exact gradient")
    right.set(ylim=(0, 1.03), ylabel="pass@k, exactly")
    counting_axis(right, ks, "k, samples of a problem")
    right.plot(ks, [expected_k(exact[0], k).mean() for k in ks], color=MUTED, label="the start")
    right.plot(
        ks, [expected_k(exact[-1], k).mean() for k in ks], "--", color=TRUTH, label="exact gradient"
    )

    def draw(samples, seed):
        ends = {}
        for name, color, mark in zip(ADVANTAGES, (COLORS[1], GOOD), "so", strict=True):
            rngs = (np.random.default_rng([seed, luck]) for luck in range(LUCKS))
            runs = np.array([climb(*ADVANTAGES[name], samples, rng) for rng in rngs])
            for luck, run in enumerate(runs):
                look = {"color": color, "alpha": 0.6, "linewidth": 1, "marker": mark}
                look |= {"markersize": 3, "label": name if luck == 0 else None}
                left.plot(run.mean(axis=1), markevery=(2 * luck, 10), **look)
                right.plot(ks, [expected_k(run[-1], k).mean() for k in ks], **look)
            ends[name] = runs[:, -1]
        left.legend(loc="upper left")
        right.legend(loc="lower right")
        said = "; ".join(
            f"{name}: reward {end.mean():.2f}, pass@1024 {expected_k(end, 1024).mean():.2f}"
            for name, end in ends.items()
        )
        text = f"{samples} texts of each problem a step, {LUCKS} lucks. {said}"
        return text, Cost(lm_tokens=2 * LUCKS * STEPS * samples * RIGHT_TOKENS)

    return BudgetView(fig, draw, samples=powers_of_two(1, 8, unit="texts", default=3))


RIGHT_TOKENS = len(enumerable.TOTALS) * enumerable.LENGTH  # letters of a text for each problem


# ---- three laws ----------------------------------------------------------------------------------


class _Line(NamedTuple):
    name: str
    color: str
    x: np.ndarray
    y: np.ndarray

    def meets(self, x: float, y: float) -> bool:
        """Whether the line reaches the height y to the right of x, where a name would stand."""
        if not self.y.min() < y < self.y.max():
            return False
        return x < np.interp(y, np.maximum.accumulate(self.y), self.x) < 3 * x


def _end_names(ax, lines: Sequence[_Line]) -> None:
    """Name lines at their ends.

    The many that end near the least x are named in a column beside them, the others right of their
    ends: a single point below, where lines may pass, and above where another line is in the way.
    """
    least = min(line.x[-1] for line in lines)
    near = [line for line in lines if line.x[-1] < 1.3 * least]
    points = [(line.x[-1], line.y[-1]) for line in near]
    colors = [line.color for line in near]
    _names(ax, points, [line.name for line in near], colors, least / 1.15)
    far = [line for line in lines if line.x[-1] >= 1.3 * least]
    for line in far:
        end = line.x[-1], line.y[-1]
        where = {"xytext": (5, -9 if len(line.x) == 1 else 3), "ha": "left"}
        if any(other.meets(*end) for other in far):
            where = {"xytext": (0, 5), "ha": "center"}
        look = {"color": ink(line.color), "fontsize": 7.5, "textcoords": "offset points"}
        ax.annotate(line.name, end, **look, **where)


def laws_view(laws: Mapping[str, Mapping[str, Way]], questions: Sequence[float]) -> BudgetView:
    """Accuracy against all FLOPs: pretraining, post-training and test time in one picture.

    Parameters
    ----------
    laws : mapping
        From :func:`ttclib.course.three_scaling_laws.third_law.three_laws`.
    questions : sequence of float
        How many may be asked.
    """
    fig, ax = figure(size=(9.6, 4.8))
    every = [way for ways in laws.values() for way in ways.values()]
    ends = np.concatenate([way.paid(q) for way in every for q in (questions[0], questions[-1])])
    ax.set(xscale="log", xlim=(ends.min() / 4, ends.max() * 6), ylim=(0.4, 1))
    ax.set(xlabel="FLOPs, all training and all answers", ylabel="share of problems solved")
    looks = dict(zip(laws, zip((COLORS[1], GOOD, COLORS[2]), "so^", strict=True), strict=True))

    def draw(questions, seed):
        said = []
        lines: list[_Line] = []
        for name, ways in laws.items():
            color, mark = looks[name]
            points = []
            for place, (what, way) in enumerate(ways.items()):
                x = way.paid(questions)
                label = name if place == 0 else None
                ax.plot(x, way.accuracy, color=color, marker=mark, markersize=4, label=label)
                points += zip(way.accuracy, -x, [what] * len(x), strict=True)
                lines.append(_Line(what, color, x, way.accuracy))
            share, price, what = max(points)
            said.append(f"{name} {share:.2f} for {readable(-price)}FLOPs ({what})")
        _end_names(ax, lines)
        ax.legend(loc="lower right")
        return f"{questions:,.0f} questions. The best of each: {'; '.join(said)}", Cost()

    return BudgetView(
        fig,
        draw,
        luck=False,
        questions=options(
            questions,
            default=questions[len(questions) // 2],
            names=[f"{q:,.0f}" for q in questions],
            label="questions asked",
        ),
    )
