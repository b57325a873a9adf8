"""Pictures of notebook 07: rollouts, a verifier as it learns, and what it believes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ttclib.course.process_reward_model.beliefs import believe
from ttclib.course.process_reward_model.ladder import Judged, favourites, fifths, weighted_at
from ttclib.course.process_reward_model.per_step import continuations
from ttclib.lm import arithmetic
from ttclib.measure import bootstrap
from ttclib.measure.calibration import (
    auc_within,
    auroc,
    expected_calibration_error,
    reliability,
)
from ttclib.measure.votes import best_at_k, majority, majority_at_k, pass_at_k, votes
from ttclib.search.aggregation import AGGREGATIONS
from ttclib.search.results import Curve
from ttclib.search.rollouts import Rollouts
from ttclib.show.live import LiveView
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
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
    literal,
    truth,
)


def _mean_dot(ax: Axes, values: np.ndarray, row: float) -> None:
    """Draw a mean over problems, lying, and its 95% interval."""
    again = bootstrap.counts(len(values), 1999, np.random.default_rng(0))
    mean, low, high = bootstrap.mean_interval(values, again)
    ends = [[mean - low], [high - mean]]
    ax.errorbar(mean, row, xerr=ends, fmt="o", color=GOOD, capsize=2)


# ---- what there is to gain -----------------------------------------------------------------------


def picking_view(
    problems: Sequence[str],
    solutions: Sequence[Sequence[str]],
    log_probs: np.ndarray,
    right: np.ndarray,
    show: int,
) -> BudgetView:
    """How often a vote, or the likeliest solution, finds the right answer that is there.

    Parameters
    ----------
    solutions : sequence of sequences of str
        2^k of each problem.
    log_probs, right : arrays, shape (problems, 2^k)
    show : int
        Index of the problem whose votes are drawn.
    """
    given = [[arithmetic.answer(text) for text in mine] for mine in solutions]
    values = [arithmetic.value(arithmetic.parse(p)) for p in problems]
    high = int(math.log2(right.shape[1]))
    ks = [2**k for k in range(high + 1)]
    agreed = [majority_at_k(said, value, ks) for said, value in zip(given, values, strict=True)]
    curves = {
        "one of them is right": (pass_at_k(right, ks), TRUTH, "--"),
        "majority is right": (np.array(agreed), COLORS[1], "s-"),
        "likeliest is right": (best_at_k(log_probs, right, ks), COLORS[3], "^-"),
    }
    mine = given[show]
    value = values[show]
    counts = votes(mine)
    fig, (bars, score) = figure(1, 2, size=(9.2, 3.8), width_ratios=[1, 1.15])
    first = sorted(counts, key=counts.get, reverse=True)[:5]
    names = first if value in first else [*first[:4], value]
    rows = np.arange(len(names))[::-1]
    most = max(counts.values())
    bars.set_yticks(rows, ["no answer" if name is None else str(name) for name in names])
    bars.set(xlim=(0, 1.4 * most), xlabel="votes")
    bars.set_title(f"{problems[show]} = {value}", fontsize=9.5)
    bars.grid(axis="y", visible=False)
    bars.set_ylim(-0.6, len(names) - 0.4)
    for label, color in {"right": GOOD, "wrong": BAD}.items():
        bars.plot([], [], "s", color=color, markersize=8, label=label)
    bars.plot([], [], "k*", label="the likeliest solution")
    bars.legend(loc="lower right", fontsize=7.5)
    counting_axis(score, ks, "samples n", marks=ks)
    score.set(ylim=(0, 1), title=f"{len(problems)} problems", ylabel="share of problems")
    for label, (_, color, style) in curves.items():
        score.plot([], [], style, color=color, markersize=4, label=label)
    score.legend(loc="upper left", fontsize=8)

    def draw(samples, seed):
        seen = [k for k in ks if k <= samples]
        counts = votes(mine[:samples])
        likeliest = mine[int(np.argmax(log_probs[show, :samples]))]
        for row, name in zip(rows, names, strict=True):
            bars.barh(row, counts.get(name, 0), 0.6, color=GOOD if name == value else BAD)
            if name == likeliest:
                bars.plot(counts.get(name, 0) + 0.04 * most, row, "k*")
        for found, color, style in curves.values():
            mean = found[:, : len(seen)].mean(axis=0)
            score.plot(seen, mean, style, color=color, markersize=4)
        one, vote, likely = (found[:, len(seen) - 1].mean() for found, _, _ in curves.values())
        return (
            f"here the majority says {majority(mine[:samples])}, the likeliest {likeliest}, "
            f"right is {value}; over all problems: one of {samples} is right for {one:.2f}, "
            f"their majority for {vote:.2f}, the likeliest of them for {likely:.2f}"
        )

    samples = powers_of_two(0, high, unit="samples", default=high)
    return BudgetView(fig, draw, luck=False, samples=samples)


# ---- rollouts ------------------------------------------------------------------------------------


def step_texts(solution: str) -> list[str]:
    """Split a solution into its steps, the answer among them."""
    parts = solution.split(";")
    return [f"{part};" for part in parts[:-1]] + [parts[-1]]


def rollouts_view(lm, problem: str, solution: str, known: np.ndarray, high: int = 6) -> BudgetView:
    """The estimated chance of ending right after each step, against the number of rollouts.

    Parameters
    ----------
    known : numpy.ndarray, shape (steps,)
        The same from very many rollouts.
    """
    x = np.arange(len(known))
    check = arithmetic.check_solution(problem, solution)
    budgets = [2**k for k in range(high + 1)]
    mean_variance = float(np.mean(known * (1 - known)))
    fig, (value, error) = figure(1, 2, size=(9.2, 3.7), width_ratios=[1.35, 1])
    value.set(xlim=(-0.5, len(x) - 0.5), ylim=(-0.04, 1.04), ylabel="chance of ending right")
    value.set_title(f"{problem} = {arithmetic.value(arithmetic.parse(problem))}")
    steps = [literal(step) for step in step_texts(solution)[:-1]]
    value.set_xticks(x, steps, fontsize=7.5, family="monospace")
    for label, fine in zip(value.get_xticklabels(), check.correct, strict=True):
        label.set_color(ink(GOOD if fine else BAD))
    value.plot(x, known, "k--", linewidth=1.2, label="many rollouts")
    value.plot([], [], "o", color=GOOD, label="this estimate")
    value.fill_between([], [], color=GOOD, alpha=0.2, label="where 90% of estimates lie")
    value.legend(loc="upper right", fontsize=7.5)
    counting_axis(error, budgets, "rollouts a step", marks=budgets)
    error.set(yscale="log", ylim=(0.01, 1), ylabel="error of a label")
    error.set_title("root mean square over the steps")
    line = np.array([budgets[0], budgets[-1]])
    theory = np.sqrt(mean_variance / line)
    error.plot(line, theory, "k--", linewidth=1.2, label="theory √(p(1−p)/n)")
    error.plot([], [], "o-", color=GOOD, markersize=4, label="this luck")
    error.legend(loc="lower left", fontsize=7.5)

    @functools.cache
    def measured(n, seed):
        right, _, cost = continuations(
            lm, arithmetic.TASK, problem, solution, n, np.random.default_rng([seed, 7])
        )
        return right, replace(cost, units=right.size)

    def draw(rollouts, seed):
        from scipy.stats import binom

        right, cost = measured(rollouts, seed)
        estimate = right.mean(axis=1)
        low, up = (binom.ppf(q, rollouts, known) / rollouts for q in (0.05, 0.95))
        value.fill_between(x, low, up, color=GOOD, alpha=0.2, linewidth=0)
        value.plot(x, estimate, "o", color=GOOD)
        seen = [n for n in budgets if n <= rollouts]
        fewer = [right[:, :n].mean(axis=1) for n in seen]  # the first of the same rollouts
        found = [math.sqrt(np.mean((some - known) ** 2)) for some in fewer]
        error.plot(seen, np.maximum(found, 0.011), "o-", color=GOOD, markersize=4)
        said, many = (", ".join(f"{p:.2f}" for p in values) for values in (estimate, known))
        text = (
            f"estimates {said} (many rollouts: {many}); error {found[-1]:.3f}, "
            f"in theory {math.sqrt(mean_variance / rollouts):.3f}; "
            f"the solution itself has {len(solution)} characters"
        )
        return text, cost

    each = {"unit": "rollouts", "label": "rollouts a step"}
    rollouts = powers_of_two(0, high, default=min(4, high), **each)
    return BudgetView(fig, draw, rollouts=rollouts)


# ---- a verifier that learns ----------------------------------------------------------------------


class HeldOut(NamedTuple):
    """Solutions of problems that no verifier trains on: n of each, problem by problem.

    ``ends`` and ``labels`` (m, longest) are those of training rows.
    """

    prompts: list
    rollouts: Rollouts
    ends: np.ndarray
    labels: np.ndarray

    def measure(self, net) -> tuple[float, float, float]:
        """Return the cross-entropy of its steps, AUC over all answers, and AUC within a problem."""
        belief = np.clip(believe(net, self.prompts, self.rollouts)[0], 1e-9, 1 - 1e-9)
        p = belief[self.ends]
        y = self.labels[self.ends]
        entropy = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
        final = belief[np.arange(len(belief)), self.rollouts.lengths - 1]
        right = self.rollouts.right
        shape = len(self.prompts), -1
        within = np.nanmean(auc_within(final.reshape(shape), right.reshape(shape)))
        return float(entropy), auroc(final, right), float(within)


class TrainingView(LiveView):
    """Watch verifiers learn, one after the other, by three measures.

    ``watch.of(name, net)`` → a function to be called as ``report(step, loss)`` after each step.

    Parameters
    ----------
    steps : mapping of str to int
        Name of each verifier, and how many steps it will take.
    held_out : HeldOut
    reference : float
        AUC within a problem of the writer's own log probability.
    every : int
        Steps from one measurement to the next.
    """

    MEASURES = ("cross-entropy of a step (nats)", "AUC over all answers", "AUC within a problem")

    def __init__(
        self,
        steps: Mapping[str, int],
        held_out: HeldOut,
        reference: float,
        every: int,
    ):
        self._steps = dict(steps)
        self._held_out = held_out
        self._reference = reference
        self._every = every
        self.found: dict[str, list[tuple]] = {name: [] for name in steps}
        fig, self._axes = self._still()
        super().__init__(fig, sum(steps.values()))

    def of(self, name: str, net) -> Callable[[int, float], None]:
        """Return what takes note of the steps of one verifier, and look at it as it is now."""
        self.found[name] = [(0, *self._held_out.measure(net))]

        def report(step, loss):
            self.advance()
            if step % self._every == 0 or step == self._steps[name]:
                self.found[name].append((step, *self._held_out.measure(net)))
                net.train()
                self.redraw(self._artists(), self._said(), loss)

        return report

    def best(self, name: str) -> tuple:
        """Return (step, cross-entropy, AUC over all, AUC within) where the first is lowest."""
        return min(self.found[name][1:], key=lambda row: row[1])  # not before the first step

    def _still(self) -> tuple[Figure, np.ndarray]:
        fig, axes = figure(1, 3, size=(9.4, 3.4))
        longest = max(self._steps.values())
        for ax, title in zip(axes, self.MEASURES, strict=True):
            ax.set(xlim=(-0.03 * longest, 1.03 * longest), xlabel="step", title=title)
        axes[0].set(ylim=(0.2, 0.9))
        truth(axes[0], math.log(2), "says 50% always")
        for ax in axes[1:]:
            ax.set(ylim=(0.2, 1))
            truth(ax, 0.5, "knows nothing")
        axes[2].axhline(
            self._reference, color=MUTED, linestyle=":", label="writer's log probability"
        )
        for name, (color, style) in self._looks().items():
            axes[1].plot([], [], style, color=color, markersize=3.5, label=name)
        for ax, where in zip(axes, ("upper right", "lower right", "upper left"), strict=True):
            ax.legend(loc=where, fontsize=7.5)
        return fig, axes

    def _looks(self) -> dict[str, tuple[str, str]]:
        colors = (GOOD, COLORS[1], COLORS[2], COLORS[3])
        looks = zip(colors, ("o-", "s--", "^-", "D--"), strict=True)
        return dict(zip(self.found, looks, strict=False))

    def _under_way(self) -> list[str]:
        return [name for name, rows in self.found.items() if len(rows) > 1]

    def _artists(self) -> Iterator[Artist]:
        for name in self._under_way():
            color, style = self._looks()[name]
            at, *measures = np.array(self.found[name]).T
            for ax, values in zip(self._axes, measures, strict=True):
                yield from ax.plot(at, values, style, color=color, markersize=3.5)
            ring = {"markersize": 10, "fillstyle": "none", "color": color}
            yield from self._axes[0].plot(*self.best(name)[:2], "o", **ring)

    def _said(self) -> str:
        said = []
        for name in self._under_way():
            step, entropy, everywhere, within = self.best(name)
            said.append(
                f"{name}, kept after step {step}: cross-entropy {entropy:.2f}, "
                f"AUC over all answers {everywhere:.2f}, within a problem {within:.2f}"
            )
        return "; ".join(said)


# ---- what judges know ----------------------------------------------------------------------------


def knowledge_picture(finals: Mapping[str, np.ndarray], right: np.ndarray) -> Picture:
    """AUC over all answers beside AUC within a problem, and what choosing by each judge brings.

    Parameters
    ----------
    finals : mapping
        Name of each judge → its score of each finished solution, (problems, n).
    right : numpy.ndarray of bool, shape (problems, n)
    """
    n = right.shape[1]
    rows = np.arange(len(finals))[::-1]
    size = 9.2, 0.9 + 0.42 * len(finals)
    fig, (area, pick) = figure(1, 2, size=size, width_ratios=[1.5, 1], sharey=True)
    said = []
    for row, name in zip(rows, finals, strict=True):
        everywhere = auroc(finals[name].ravel(), right.ravel())
        within = auc_within(finals[name], right)
        within = within[~np.isnan(within)]
        chosen = best_at_k(finals[name], right, n)
        area.plot([within.mean(), everywhere], [row, row], color="#D0D0D0", linewidth=3, zorder=1)
        area.plot(everywhere, row, "s", color=COLORS[1], markersize=7)
        _mean_dot(area, within, row)
        _mean_dot(pick, chosen, row)
        said.append(
            f"{name}: AUC over all answers {everywhere:.2f}, within a problem {within.mean():.2f}, "
            f"best of {n} {chosen.mean():.2f}"
        )
    truth(area, 0.5, "knows nothing", vertical=True)
    area.plot([], [], "s", color=COLORS[1], label="over all answers")
    area.plot([], [], "o-", color=GOOD, label="within a problem")
    area.set_yticks(rows, list(finals))
    area.set(xlim=(0.35, 1.01), ylim=(-0.6, len(finals) - 0.4), xlabel="AUC")
    above = {"loc": "upper left", "bbox_to_anchor": (0, 1.17), "fontsize": 7.5, "frameon": False}
    area.legend(ncols=3, **above)
    pick.axvline(right.mean(), color=MUTED, linestyle=":", label="one sample")
    truth(pick, right.any(axis=1).mean(), f"one of {n} is right", vertical=True)
    pick.set(xlim=(0, 1), xlabel=f"share right: highest score of {n}")
    pick.legend(ncols=2, **above)
    return Picture(fig, "; ".join(said))


# ---- what a verifier knows, as a budget ----------------------------------------------------------

KS = (1, 4, 16, 64, 256)


def ladder_view(
    judged: Judged,
    flops: Mapping[str, float],
    references: Mapping[str, np.ndarray],
    start: str,
) -> BudgetView:
    """What each verifier knows against what it was given; of one of them, scores and best of n.

    Parameters
    ----------
    judged : Judged
        Its judges are the rungs.
    flops : mapping
        Name of each rung → FLOPs of its training; 0: it had none.
    references : mapping
        Name → scores (problems, n) of judges that are drawn beside the rungs.
    start : str
        The rung that is shown first.
    """
    right = judged.right
    ks = [k for k in KS if k <= right.shape[1]]
    area = {name: area_within(scores, right) for name, scores in judged.scores.items()}
    nowhere = min(cost for cost in flops.values() if cost) / 6  # where no training is drawn
    fig, (knows, spread, brings) = figure(1, 3, size=(11, 4), width_ratios=[1.5, 1, 1])
    knows.set(xscale="log", ylim=(0.4, 1.03), ylabel="AUC within a problem")
    knows.set(xlim=(nowhere / 2, 4 * max(flops.values())), xlabel="training (FLOPs)")
    tens = 10.0 ** np.arange(math.ceil(math.log10(2 * nowhere)), math.log10(max(flops.values())))
    knows.set_xticks([nowhere, *tens], ["none", *(f"$10^{{{math.log10(t):.0f}}}$" for t in tens)])
    knows.minorticks_off()
    truth(knows, 1, "exact")
    knows.axhline(0.5, color=MUTED, linestyle=":", label="knows nothing")
    places = {name: flops[name] or nowhere for name in area}
    areas = {**area, **{n: area_within(scores, right) for n, scores in references.items()}}
    for name, (mean, low, high) in areas.items():
        color = GOOD if flops.get(name) else COLORS[1]
        at = places.get(name, nowhere)
        ends = [[mean - low], [high - mean]]
        knows.errorbar(at, mean, yerr=ends, fmt="o", color=color, capsize=2, markersize=5)
        side = 1 if at < max(flops.values()) / 6 else -1  # where there is room
        near = [m for n, (m, *_) in areas.items() if n != name and abs(m - mean) < 0.06]
        up = 0 if not near else 6 if mean > np.mean(near) else -6  # off a neighbour's label
        align = "left" if side > 0 else "right"
        look = {"textcoords": "offset points", "fontsize": 8, "ha": align, "va": "center"}
        knows.annotate(literal(name), (at, mean), xytext=(9 * side, up), **look)
    knows.legend(loc="lower right", fontsize=7.5)
    edges = np.linspace(0, 1, 21)
    spread.set(xlim=(0, 1), ylim=(-0.6, 0.6), xlabel="score", ylabel="share of the solutions")
    spread.set_yticks([-0.5, 0, 0.5], ["0.5", "0", "0.5"])
    for color, label in ((GOOD, "right"), (BAD, "wrong")):
        spread.plot([], [], "s", color=color, markersize=8, label=label)
    spread.legend(loc="upper center", ncols=2, fontsize=7.5)
    counting_axis(brings, ks, "samples n", marks=ks)
    brings.set(ylim=(0, 1), ylabel="share of problems")
    brings.plot(ks, pass_at_k(right, ks).mean(axis=0), "k--", linewidth=1.2, label="one is right")
    votes_for = _weighted(judged, np.ones(right.shape), ks)
    brings.plot(ks, votes_for, ":", color=MUTED, label="majority")
    brings.plot([], [], "o-", color=GOOD, markersize=4, label="highest score")
    brings.plot([], [], "s-", color=COLORS[2], markersize=4, label="weighted")
    brings.legend(loc="lower left", fontsize=7.5)

    @functools.cache
    def brought(judge):
        """By the highest score and weighted, at each n."""
        scores = judged.scores[judge]
        return best_at_k(scores, right, ks).mean(axis=0), _weighted(judged, scores, ks)

    def draw(judge, seed):
        mean, low, high = area[judge]
        ring = {"markersize": 12, "fillstyle": "none", "color": TRUTH}
        knows.plot(places[judge], mean, "o", **ring)
        scores = judged.scores[judge]
        best, summed = brought(judge)
        for mine, sign, color in ((right, 1, GOOD), (~right, -1, BAD)):
            share = np.histogram(scores[mine], edges)[0] / right.size
            spread.bar(edges[:-1], sign * share, 0.05, align="edge", color=color)
        brings.plot(ks, best, "o-", color=GOOD, markersize=4)
        brings.plot(ks, summed, "s-", color=COLORS[2], markersize=4)
        numbers = ", ".join(map(str, ks))
        by_max, by_sum = (", ".join(f"{v:.2f}" for v in by) for by in (best, summed))
        return (
            f"{judge}: {flops[judge] / 1e12:.1f} TFLOPs of training; AUC within a problem "
            f"{mean:.2f} ({low:.2f} to {high:.2f}), over all answers "
            f"{auroc(scores.ravel(), right.ravel()):.2f}; best of {numbers} by the highest score "
            f"{by_max}, weighted {by_sum}"
        )

    names = tuple(judged.scores)
    return BudgetView(fig, draw, luck=False, judge=options(names, default=start, label="judge"))


def area_within(scores: np.ndarray, right: np.ndarray) -> tuple[float, float, float]:
    """AUC within a problem: the mean, and the ends of its interval; NaN where nothing differs."""
    areas = auc_within(scores, right)
    areas = areas[~np.isnan(areas)]
    if not len(areas):
        return math.nan, math.nan, math.nan
    again = bootstrap.counts(len(areas), 1999, np.random.default_rng(0))
    mean, low, high = bootstrap.mean_interval(areas, again)
    return float(mean), float(low), float(high)


def _weighted(judged: Judged, scores: np.ndarray, ks: Sequence[int]) -> list[float]:
    """Best-of-n weighted at each n, the mean over problems."""
    each = (weighted_at(scores, judged.answers, judged.right, k) for k in ks)
    return [float(solved.mean()) for solved in each]


def fifths_picture(scores: Mapping[str, np.ndarray], judged: Judged) -> Picture:
    """Where judges fail: AUC by difficulty, beside the mistake that the writer likes best.

    Half of the samples sort the problems and the other half are counted.

    Parameters
    ----------
    scores : mapping
        Name of each judge → its scores (problems, n).
    """
    half = judged.right.shape[1] // 2
    groups = fifths(judged.right[:, :half])
    right, answers, log_prob = (
        values[:, half:] for values in (judged.right, judged.answers, judged.log_prob)
    )
    fig, (area, mistakes) = figure(1, 2, size=(9.6, 3.9), sharex=True)
    x = np.arange(1, 6)
    area.set(xlim=(0.5, 5.5), ylim=(0, 1.02), ylabel="AUC within a problem")
    truth(area, 0.5, "knows nothing")
    said = []
    for shift, (name, color, shape) in enumerate(zip(scores, COLORS, "os^D", strict=False)):
        found = np.array([area_within(scores[name][g, half:], right[g]) for g in groups])
        ends = np.abs(found[:, 1:] - found[:, :1]).T
        area.errorbar(
            x + 0.06 * shift - 0.1, found[:, 0], yerr=ends, fmt=f"{shape}-", color=color,
            capsize=2, markersize=4, label=name,
        )  # fmt: skip
        said.append(f"{name} {', '.join(f'{mean:.2f}' for mean in found[:, 0])}")
    likeliest = right[np.arange(len(right)), log_prob.argmax(axis=1)]
    bars = {
        "right answers": (right.mean(axis=1), GOOD),
        "the favourite wrong answer": (favourites(answers, right), BAD),
    }
    for shift, (name, (values, color)) in zip((-0.2, 0.2), bars.items(), strict=True):
        height = np.array([values[g].mean() for g in groups])
        mistakes.bar(x + shift, height, 0.4, color=color, label=f"samples: {name}")
        said.append(f"{name} {', '.join(f'{mean:.2f}' for mean in height)}")
    height = np.array([likeliest[g].mean() for g in groups])
    mistakes.plot(x, height, "kD--", markersize=5, label="problems: the likeliest text is right")
    said.append(f"the likeliest text is right {', '.join(f'{mean:.2f}' for mean in height)}")
    mistakes.set(ylim=(0, 1.02), ylabel="share")
    for ax in (area, mistakes):
        ax.set(xlabel="fifth of the problems, from easy to hard")
        ax.set_xticks(x)
        ax.legend(loc="lower left" if ax is area else "upper right", fontsize=7.5)
    return Picture(fig, f"by fifth, from easy to hard: {'; '.join(said)}")


# ---- train the judge, or train the writer? -------------------------------------------------------


class Race(NamedTuple):
    """A judge, and what its body writes by itself.

    Attributes
    ----------
    bill : mapping of str to float
        What each part of its training cost, in FLOPs.
    searched : mapping of str to Curve
        The writer's samples, chosen from by this judge: accuracy against FLOPs.
    alone : mapping of str to Curve
        What the body solves without a judge.
    """

    bill: Mapping[str, float]
    searched: Mapping[str, Curve]
    alone: Mapping[str, Curve]


def race_view(races: Mapping[str, Race]) -> BudgetView:
    """Best of N under a judge beside what the judge's own body writes, with both bills."""
    first = next(iter(races.values()))
    rows = np.arange(len(first.bill))[::-1]
    names = [f"judge, {way}" for way in first.searched] + [f"its body, {w}" for w in first.alone]
    looks = list(zip(names, ("o-", "*", "D--"), (GOOD, BAD, COLORS[1]), strict=True))
    most = max(sum(race.bill.values()) for race in races.values()) / 1e12
    paid = [curve.paid for race in races.values() for curve in _curves(race)]
    fig, (bill, solved) = figure(1, 2, size=(10, 3.9), width_ratios=[1, 1.6])
    bill.set(xlim=(0, 1.05 * most), ylim=(-0.6, len(rows) - 0.4), xlabel="training (TFLOPs)")
    bill.set_yticks(rows, list(first.bill))
    bill.grid(axis="y", visible=False)
    ends = np.min(np.concatenate(paid)) / 1.5, np.max(np.concatenate(paid)) * 1.5
    solved.set(xscale="log", xlim=ends, ylim=(0.3, 1))
    solved.set(xlabel="FLOPs to solve a problem", ylabel="share of problems")
    for name, style, color in looks:
        size = 11 if style == "*" else 4
        solved.plot([], [], style, color=color, markersize=size, label=name)
    solved.legend(loc="upper left", fontsize=7.5)

    def draw(judge, seed):
        race = races[judge]
        bill.barh(rows, [cost / 1e12 for cost in race.bill.values()], 0.6, color=COLORS[4])
        said = []
        for (name, style, color), curve in zip(looks, _curves(race), strict=True):
            ends = np.abs(np.array(bootstrap.interval(curve.draws)) - curve.accuracy)
            look = {"color": color, "capsize": 2, "markersize": 11 if style == "*" else 4}
            solved.errorbar(curve.paid, curve.accuracy, yerr=ends, fmt=style, **look)
            at = curve.accuracy.argmax()
            said.append(f"{name} {curve.accuracy[at]:.2f} at {curve.paid[at] / 1e6:.1f} MFLOPs")
        total = sum(race.bill.values()) / 1e12
        return (
            f"{judge}, trained with {total:.0f} TFLOPs, the writer's too; best: {'; '.join(said)}"
        )

    return BudgetView(fig, draw, luck=False, judge=choice(tuple(races)))


def _curves(race: Race) -> list[Curve]:
    return [*race.searched.values(), *race.alone.values()]


# ---- unfinished solutions ------------------------------------------------------------------------


def prefix_view(scores: Mapping[str, np.ndarray], right: np.ndarray) -> BudgetView:
    """Calibration of judges after k steps, and how well they tell beginnings of one problem apart.

    Parameters
    ----------
    scores : mapping
        Name of each judge → scores (problems, n, steps), NaN where a solution has no such step.
    right : numpy.ndarray of bool, shape (problems, n)
    """
    names = list(scores)
    colors = dict(zip(names, (GOOD, BAD, COLORS[2]), strict=False))
    steps = scores[names[0]].shape[2]
    # steps of each solution, the answer the last
    number = (~np.isnan(scores[names[0]])).sum(axis=2)

    def after(name, k):
        """Scores after k steps of those that are not finished then; k = 0: at the end of all."""
        s = scores[name]
        if k == 0:
            return np.take_along_axis(s, number[..., None] - 1, axis=2)[..., 0]
        return np.where(number > k, s[..., k - 1], np.nan)

    most = [k for k in range(1, steps) if (number > k).mean() > 0.2]
    marks = [*most, 0]
    words = [f"{k} step{'s' * (k > 1)}" for k in most] + ["the end"]
    area = {}
    for name in names:
        # with fewer than two kinds of ending nothing is to be told apart
        area[name] = [np.nanmean(auc_within(after(name, k), right)) for k in marks]
    fig, (sure, tell) = figure(1, 2, size=(8.8, 3.8))
    sure.plot([0, 1], [0, 1], "k--", linewidth=1.2, label="says what it knows")
    sure.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="score", ylabel="share that ends right")
    sure.set_title("calibration")
    x = np.arange(len(marks))
    tell.set(xlim=(-0.4, len(marks) - 0.6), ylim=(0.4, 1), ylabel="AUC within a problem")
    tell.set_xticks(x, [str(k) for k in most] + ["end"])
    tell.set(xlabel="steps read", title="telling solutions of one problem apart")
    truth(tell, 0.5)
    shapes = dict(zip(names, "os^D", strict=False))
    for name in names:
        look = {"marker": shapes[name], "color": colors[name], "markersize": 4}
        sure.plot([], [], "-", label=name, **look)
        tell.plot(x, area[name], "-", alpha=0.35, **look)
    fig.legend(*sure.get_legend_handles_labels(), loc="outside upper center", ncols=4)

    def draw(read, seed):
        at = words.index(read)
        said = []
        for name in names:
            mine = after(name, marks[at])
            there = ~np.isnan(mine)
            bins = reliability(mine[there], right[there])
            size = 6 + 250 * bins.count / bins.count.sum()
            sure.plot(bins.confidence, bins.accuracy, color=colors[name])
            look = {"marker": shapes[name], "color": colors[name]}
            sure.scatter(bins.confidence, bins.accuracy, s=size, **look)
            tell.plot(at, area[name][at], markersize=8, **look)
            error = expected_calibration_error(mine[there], right[there])
            said.append(
                f"{name}: calibration error {error:.2f}, AUC within a problem {area[name][at]:.2f}"
            )
        return f"after {read}, {there.sum():,} solutions; " + "; ".join(said)

    read = options(words, default=words[-1], label="read up to")
    return BudgetView(fig, draw, luck=False, read=read)


def aggregation_view(
    scores: Mapping[str, np.ndarray],
    right: np.ndarray,
    voted: np.ndarray,
    high: int,
    ways: Mapping[str, Callable] = AGGREGATIONS,
) -> BudgetView:
    """Best of n by each way of making one number of the scores of the steps.

    Parameters
    ----------
    scores : mapping
        As for :func:`prefix_view`; a panel each.
    voted : numpy.ndarray, shape (problems, high + 1)
        Chance that the majority of 1, 2, 4, … samples is right.
    ways : mapping
        Name of each way → the function; at most four.
    """
    colors = dict(zip(ways, (GOOD, COLORS[1], COLORS[3], COLORS[2]), strict=False))
    ks = [2**k for k in range(high + 1)]

    def best_by(aggregate, steps):
        value = aggregate(steps.reshape(-1, steps.shape[2]))  # a learner's may be a list
        return best_at_k(np.reshape(value, right.shape), right, ks)

    found = {
        name: {how: best_by(aggregate, steps) for how, aggregate in ways.items()}
        for name, steps in scores.items()
    }
    passed = pass_at_k(right, ks)
    shapes = dict(zip(colors, ("o-", "s--", "^-", "D--"), strict=False))
    fig, axes = figure(1, len(scores), size=(9.2, 3.9), sharey=True)
    for ax, name in zip(axes, scores, strict=True):
        counting_axis(ax, ks, "samples n", marks=ks)
        ax.set(ylim=(0.3, 1), title=name)
        ax.plot(ks, passed.mean(axis=0), "k--", linewidth=1.2, label="one of n is right")
        ax.plot(ks, voted.mean(axis=0), ":", color=MUTED, label="majority of n")
        for how, color in colors.items():
            ax.plot([], [], shapes[how], color=color, markersize=4, label=f"best by {how}")
    axes[0].set_ylabel("share of problems")
    axes[-1].legend(loc="upper left", fontsize=7.5)

    def draw(samples, seed):
        seen = [k for k in ks if k <= samples]
        said = []
        for ax, (name, best) in zip(axes, found.items(), strict=True):
            for how, color in colors.items():
                mean = best[how][:, : len(seen)].mean(axis=0)
                ax.plot(seen, mean, shapes[how], color=color, markersize=4)
            last = [f"{how} {values[:, len(seen) - 1].mean():.2f}" for how, values in best.items()]
            said.append(f"{name}: {', '.join(last)}")
        at = len(seen) - 1
        return (
            f"best of {samples}, {'; '.join(said)}; majority {voted[:, at].mean():.2f}, "
            f"one is right {passed[:, at].mean():.2f}"
        )

    samples = powers_of_two(0, high, unit="samples", default=high)
    return BudgetView(fig, draw, luck=False, samples=samples)


# ---- letter by letter ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """One solution, and what was made of it.

    Attributes
    ----------
    problem, solution : str
    beliefs : mapping
        Name of each verifier → its belief after each character, (characters + 1,), the end
        included.
    surprise : mapping
        Name of each model → −log probability of each character (nats), of the same shape.
    places, known : numpy.ndarray, shape (steps,)
        After how many characters each step ends, and the chance of ending right from there.
    """

    problem: str
    solution: str
    beliefs: Mapping[str, np.ndarray]
    surprise: Mapping[str, np.ndarray]
    places: np.ndarray
    known: np.ndarray


def belief_view(readings: Mapping[str, Reading]) -> BudgetView:
    """What verifiers believe after each character of a solution; right and wrong steps shaded."""
    names = list(next(iter(readings.values())).beliefs)
    colors = dict(zip(names, (GOOD, COLORS[1], COLORS[3]), strict=False))
    models = list(next(iter(readings.values())).surprise)
    longest = max(len(r.solution) for r in readings.values())
    fig, (belief, surprise) = figure(2, 1, size=(9.6, 5.2), sharex=True, height_ratios=[2.4, 1])
    belief.set(xlim=(-0.7, longest + 0.7), ylim=(-0.04, 1.3), ylabel="chance of ending right")
    belief.set_yticks(np.arange(0, 1.01, 0.25))
    belief.yaxis.set_major_formatter(PercentFormatter(1.0))
    surprise.set(ylim=(0, 8.2), ylabel="surprise (nats)")
    surprise.set(xlabel="character of the solution", xticks=[])
    shapes = dict(zip(names, "os^", strict=False))
    for name, color in colors.items():
        belief.plot([], [], shapes[name], color=color, markersize=7, label=literal(name))
    belief.plot([], [], "kD", markersize=6, label="rollouts from there")
    belief.plot([], [], color=MUTED, linewidth=0.8, label="between two ends")
    belief.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=5, fontsize=7.5, frameon=False)
    palette = dict(zip(models, (MUTED, COLORS[2]), strict=False))
    for name, color in palette.items():
        surprise.plot([], [], "s", color=color, label=literal(name))
    surprise.legend(loc="upper right", ncols=2, fontsize=7.5)

    def draw(solution, seed):
        r = readings[solution]
        check = arithmetic.check_solution(r.problem, r.solution)
        fine = [*check.correct, check.right and all(check.correct)]
        begin = 0
        for step, ok in zip(step_texts(r.solution), fine, strict=True):
            end = begin + len(step) + (step[-1] != ";")
            shade = {"color": GOOD if ok else BAD, "alpha": 0.09, "linewidth": 0}
            for ax in (belief, surprise):
                ax.axvspan(begin - 0.5, end - 0.5, **shade)
            begin = end
        for i, letter in enumerate(map(literal, [*r.solution, "⏎"])):
            belief.text(i, 1.12, letter, ha="center", family="monospace", fontsize=9)
        value = arithmetic.value(arithmetic.parse(r.problem))
        belief.text(0, 1.23, f"{r.problem} = {value}", fontsize=9)
        for name, color in colors.items():
            line = r.beliefs[name]
            # between the ends of steps nobody trained it: faint
            belief.plot(np.arange(len(line)), line, color=color, linewidth=0.8, alpha=0.4)
            at = np.append(r.places - 1, len(line) - 1)
            belief.plot(at, line[at], shapes[name], color=color, markersize=7)
        belief.plot(r.places - 1, r.known, "kD", markersize=6)
        for shift, (name, color) in zip((-0.2, 0.2), palette.items(), strict=False):
            height = np.minimum(r.surprise[name], 8)
            surprise.bar(np.arange(len(height)) + shift, height, 0.4, color=color)
        first = check.correct.index(False) + 1 if False in check.correct else None
        said = ", ".join(f"{name} {r.beliefs[name][-1]:.2f}" for name in names)
        where = f"its first wrong step is number {first}" if first else "all its steps are right"
        return f"{r.solution}: {where}; at the end {said}"

    return BudgetView(fig, draw, luck=False, solution=choice(tuple(readings)))
