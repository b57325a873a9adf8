"""Pictures of notebook 08: a search one can watch, and what many searches came to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection

from ttclib.cost import Cost, readable
from ttclib.course.prm_search import chain, quality, tree
from ttclib.lm import arithmetic
from ttclib.measure import bootstrap
from ttclib.measure.calibration import auc_within
from ttclib.measure.votes import majority, votes
from ttclib.particles.smc import Population, Selection, smc
from ttclib.search.aggregation import last as last_score
from ttclib.search.methods import BEST_OF_N, METHODS, OWN, Setting, search_for, select_for
from ttclib.search.results import (
    BEST,
    MAJORITY,
    WEIGHTED,
    Columns,
    Curve,
    Samples,
    block,
    read_alone,
)
from ttclib.search.search import CONCLUSIONS, conclude, given
from ttclib.show.population import SCORES
from ttclib.show.slider import BudgetView, choice, entry, options, powers_of_two
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

LABELLED = 32  # different texts of one step: for more there is no room for words
MINE = "mine"  # a selection of the learner's own, in the list of methods

# ---- a search one can watch ----------------------------------------------------------------------


def search_view(
    lm,
    verifiers: Mapping[str, object],
    problems: Mapping[str, str],
    first: str,
    mine: Selection | None = None,
) -> BudgetView:
    """The tree of one search, its answers, and what it cost.

    Parameters
    ----------
    lm : CausalLM
    verifiers : mapping
        Name → verifier.
    problems : mapping
        What stands beside the slider → problem, without the question mark.
    first : str
        The problem that is shown first.
    mine : callable, optional
        A selection of one's own: one more method.
    """
    fig, page, said = _stage(STEPS)
    page.set_xlabel(f"{page.get_xlabel()}\n ")  # room for the setting
    methods = (*METHODS, *([MINE] if mine else []))

    def draw(problem, own, method, n, width, k, temperature, verifier, seed):
        problem = own or problem
        both = {"width": width, "lookahead": k}
        asked = {name: value for name, value in both.items() if method in OWN[name]}
        loop = BEST_OF_N if method == MINE else method
        setting = Setting(loop, n, temperature=temperature, verifier=verifier, **asked)
        search = search_for(setting, lm, arithmetic.TASK, problem, verifiers[verifier])
        select = mine if method == MINE else select_for(setting)
        steps = sum(map(problem.count, "+-*")) + 1
        history = []
        for population in smc(search, n, select, np.random.default_rng(seed)):
            history.append(population)
            yield min(1.0, (population.t + 1) / steps)
        draw_search(page, search, history, problem)
        words = named(setting, both, method)
        page.text(0.5, -0.09, words, transform=page.transAxes, ha="center", va="top")
        texts = search.texts(population.particles)
        _answers(said, population, texts, problem)
        return _summary(population, texts, problem), _paid(population.cost, setting.generations)

    return BudgetView(
        fig,
        draw,
        problem=choice(tuple(problems.values()), names=tuple(problems), default=first),
        own=entry(_own, "", label="or type your own"),
        method=choice(methods, default="beam"),
        n=powers_of_two(0, 8, unit="generations", default=4, label="texts at a time, N"),
        width=options((1, 2, 4, 8, 16), default=4, label="width M"),  # all divide every larger N
        k=options((0, 1, 2, 3), default=1, label="lookahead k"),
        temperature=options((0.4, 0.7, 1.0, 1.4, 2.0), default=1.0),
        verifier=choice(tuple(verifiers)),
    )


def named(setting: Setting, chosen: Mapping[str, int], method: str | None = None) -> str:
    """Name a setting, and which of the chosen width and lookahead its method does not ask for."""
    method = method or setting.method
    mine: dict[bool, list[str]] = {True: [], False: []}
    for name, value in chosen.items():
        mine[method in OWN[name]].append(f"{SHORT[name]} = {value}")
    parts = [method, f"N = {setting.n}", *mine[True]]
    unused = f"   ({' and '.join(mine[False])} not used)" if mine[False] else ""
    return f"{', '.join(parts)}, temperature {setting.temperature:g}, {setting.verifier}{unused}"


SHORT = {"width": "M", "lookahead": "k"}
STEPS = arithmetic.OPERATIONS[-1] + 1  # of the longest solution, its answer among them


def search_picture(search, history: Sequence[Population], problem: str) -> Picture:
    """The tree of one finished search, and its answers."""
    fig, page, said = _stage(min(len(history), STEPS))
    draw_search(page, search, history, problem)
    texts = search.texts(history[-1].particles)
    _answers(said, history[-1], texts, problem)
    return Picture(fig, _summary(history[-1], texts, problem))


def _stage(steps: int):
    """Make a figure for a tree of so many steps, and for its answers."""
    fig, (page, said) = figure(1, 2, size=(9.8, 6.0), width_ratios=[6, 1])
    page.set(xlim=(-0.55, steps - 0.45), ylim=(-0.5, 31.5), yticks=[])
    page.set_xlabel("step of the solution")
    page.set_xticks(range(steps), [str(t + 1) for t in range(steps)])
    page.set_title(" ")  # room for what the marks mean
    page.grid(visible=False)
    bar = fig.colorbar(ScalarMappable(cmap=SCORES), ax=page, location="left", shrink=0.5, pad=0.01)
    bar.set_label("verifier's score of the text up to here")
    said.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], title="answers")
    said.grid(visible=False)
    said.spines[:].set_visible(False)
    fig.draw_without_rendering()  # lays it out: then it is known how much room a step has
    return fig, page, said


def _own(text: str) -> str:
    return arithmetic.write(arithmetic.check_problem(text)) if text.strip() else ""


def _paid(cost: Cost, generations: int) -> Cost:
    return replace(cost, units=generations)


def draw_search(ax, search, history: Sequence[Population], problem: str) -> None:
    """Draw the tree of a search: every different beginning once, in the colour of its score."""
    nodes = tree.grow(search, history)
    columns = [column for column in tree.columns(nodes) if column][: len(ax.get_xticks())]
    height = {i: _heights(len(column))[row] for column in columns for row, i in enumerate(column)}
    shown = np.array(sorted(height), dtype=int)
    score = np.array([nodes[i].score for i in shown])
    selected = np.array([nodes[i].selected for i in shown], dtype=bool)
    marks = _marks(problem, nodes, shown)
    lines = [
        [(nodes[i].depth - 1, height[nodes[i].parent]), (nodes[i].depth, height[i])]
        for i in shown
        if nodes[i].parent >= 0
    ]
    later = np.array([nodes[i].parent >= 0 for i in shown], dtype=bool)
    look = {"colors": SCORES(score[later]), "linewidths": np.where(selected[later], 1.8, 0.6)}
    ax.add_collection(LineCollection(lines, zorder=2, **look))
    if max(map(len, columns)) <= LABELLED:
        _write_steps(ax, nodes, columns, height, marks)
    else:
        where_to = np.array([(nodes[i].depth, height[i]) for i in shown])
        for chosen, size, edge in ((~selected, 9, "none"), (selected, 30, TRUTH)):
            ax.scatter(
                *where_to[chosen].T,
                s=size,
                c=SCORES(score[chosen]),
                edgecolors=edge,
                linewidths=0.9,
                zorder=3,
            )
        ringed = where_to[[mark == RIGHT for mark in marks.values()]]
        ax.plot(*ringed.T, "o", color=TRUTH, markersize=10, fillstyle="none", zorder=3)
    _explain(ax, nodes, shown, marks.values(), words=max(map(len, columns)) <= LABELLED)


RIGHT, WRONG = "✓", "✗"


def _heights(n: int) -> np.ndarray:
    return 31 * (1 - (np.arange(n) + 0.5) / n)


def _write_steps(ax, nodes, columns, height, marks) -> None:
    """Write each step into its box: black around those that somebody wrote on from.

    Where a line is too long for the room of a step, what stands after the step goes below it.
    """
    room = ax.get_window_extent().width * 72 / ax.figure.dpi / np.ptp(ax.get_xlim()) - 10
    for depth, column in enumerate(columns):
        steps = [nodes[i].step.strip().rstrip(";") for i in column]
        after = [" ".join(filter(None, (marks[i], _times(nodes[i])))) for i in column]
        pairs = list(zip(steps, after, strict=True))
        labels = [" ".join(filter(None, pair)) for pair in pairs]
        if max(map(len, labels)) * 0.6 * 8 > room and len(column) <= 16:
            labels = ["\n".join(filter(None, pair)) for pair in pairs]
        most = max(len(line) for label in labels for line in label.split("\n"))
        size = np.clip(room / (0.6 * most), 5.0, 9.0 - 0.1 * max(0, len(column) - 8))
        fills = _pale([nodes[i].score for i in column])
        words = {"family": "monospace", "ha": "center", "va": "center", "fontsize": float(size)}
        for i, label, fill in zip(column, labels, fills, strict=True):
            box = {"facecolor": fill, "edgecolor": "none", "linewidth": 0.0, "pad": 0.6}
            if nodes[i].selected:
                box |= {"edgecolor": TRUTH, "linewidth": 1.3}
            written = "\n".join(map(literal, label.split("\n")))
            ax.text(depth, height[i], written, bbox=box, clip_on=True, zorder=4, **words)


def _times(node: tree.Node) -> str:
    return f"×{node.written}" if node.written > 1 else ""


def _pale(scores) -> np.ndarray:
    """The colours of scores, half white: dark words stay readable on them."""
    return 0.5 + 0.5 * SCORES(scores)


def _explain(ax, nodes, shown, marks, words: bool) -> None:
    """Say above the tree what its marks mean, of those that occur."""
    selected = {nodes[i].selected for i in shown}
    many = any(nodes[i].written > 1 for i in shown)
    said = {
        "black edge: written on, or finished": True in selected,
        "no edge: passed over": False in selected,
        "×3: three texts wrote it": many and words,
        f"{RIGHT} right answer": RIGHT in marks and words,
        "ring: right answer": RIGHT in marks and not words,
        f"{WRONG} wrong": WRONG in marks and words,
    }
    line = "   ".join(meaning for meaning, occurs in said.items() if occurs)
    ax.text(0.5, 1.01, line, transform=ax.transAxes, ha="center", va="bottom", fontsize=8)


def _marks(problem: str, nodes: Sequence[tree.Node], shown: np.ndarray) -> dict[int, str]:
    """What texts are, to one who can calculate: the right answer, or wrong from some step on."""
    value = _value(problem)
    marks: dict[int, str] = {}
    for i in shown.tolist():  # parents come first, and what is wrong stays wrong
        node = nodes[i]
        wrong = node.answer is not None or marks.get(node.parent) == WRONG
        if node.answer == value:
            marks[i] = RIGHT
        elif wrong or not all(arithmetic.check_solution(problem, node.text).correct):
            marks[i] = WRONG
        else:
            marks[i] = ""
    return marks


def _value(problem: str) -> int:
    return arithmetic.value(arithmetic.parse(problem))


def _answers(ax, population: Population, texts: Sequence[str], problem: str) -> None:
    """Write the answers with their shares of all scores, and of all votes."""
    found = given(arithmetic.TASK, population, texts)
    total = votes(found, last_score(population.particles.scores))
    both = [(total, GOOD, 0.022), (votes(found), MUTED, -0.004)]
    for i, answer in enumerate(sorted(total, key=total.get, reverse=True)[:9]):
        y = 0.95 - 0.105 * i
        mark = " ✓" if answer == _value(problem) else ""
        ax.text(0, y + 0.028, f"{_said(answer)}{mark}", fontsize=9, va="bottom")
        for shares, color, up in both:
            everything = sum(shares.values()) or 1.0
            ax.barh(y + up - 0.01, shares[answer] / everything, 0.022, color=color)
    ax.text(0, -0.02, "blue: share of the scores", color=GOOD, fontsize=7.5, va="top")
    ax.text(0, -0.06, "grey: share of the votes", color=ink(MUTED), fontsize=7.5, va="top")


def _said(answer) -> str:
    return "none" if answer is None else str(answer)


def _summary(population: Population, texts: Sequence[str], problem: str) -> str:
    value = _value(problem)
    said = {how: conclude(arithmetic.TASK, population, texts, how) for how in CONCLUSIONS}
    parts = ", ".join(
        f"{how} {_said(answer)} ({'right' if answer == value else 'wrong'})"
        for how, answer in said.items()
    )
    right = sum(answer == value for answer in given(arithmetic.TASK, population, texts))
    return f"{problem} = {value}; answer by {parts}; right are {right} of {len(texts)} texts"


# ---- what many searches came to ------------------------------------------------------------------

QUARTERS = (1, 4, 16, 64, 256)  # budgets at the marks of an axis
ONE_OF_N = "any of N is right"
NINES, EXACT = "nines", "exact"


def _counts(problems: int) -> np.ndarray:
    """Draw the problems again, the same for every method: what is compared is paired."""
    return bootstrap.counts(problems, 1999, np.random.default_rng(0))


def accuracy_view(
    table: Columns, folder: Path, verifiers: Sequence[str], bodies: Mapping[str, str]
) -> BudgetView:
    """Two methods against generations and FLOPs, beside the rivals that nobody should leave out.

    A band is a 95% bootstrap interval over problems.

    Parameters
    ----------
    table : mapping
        The table ``results`` of the sweep in the folder.
    folder : Path
        What models write alone is read from here.
    verifiers : sequence of str
        Under which methods searched.
    bodies : mapping
        Verifier → the language model that it stands on, where that wrote texts of its own.
    """
    counts = _counts(len(np.unique(table["problem"])))

    @functools.cache
    def found(verifier):
        return block(table, verifier)

    @functools.cache
    def curve(verifier, name, flops):
        results = found(verifier)
        return results.curve(name, counts, flops) if name in results.names else None

    @functools.cache
    def alone(verifier):
        return _alone(folder, bodies[verifier], counts)

    names = found(verifiers[0]).names
    fig, axes = figure(1, 2, size=(9.8, 4.9), sharey=True)
    axes[0].set(ylim=(0.3, 1.0), ylabel="share of answers that are right")
    counting_axis(axes[0], QUARTERS, "generations", marks=QUARTERS)
    every = [curve(verifiers[0], name, True).paid for name in names]
    every += [line.paid for judge in (NINES, EXACT) if (line := curve(judge, WEIGHTED, True))]
    least, most = 0.7 * np.concatenate(every).min(), 1.3 * np.concatenate(every).max()
    ticks = [k * 10.0**i for i in range(6, 13) for k in (1, 3) if least <= k * 10.0**i <= most]
    axes[1].set(xscale="log", xlim=(least, most), xlabel="FLOPs a problem, model and verifier")
    axes[1].set_xticks(ticks, [readable(tick) for tick in ticks])
    axes[1].minorticks_off()
    for label, look in RIVALS.items():
        axes[0].plot([], [], label=label, **look)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)

    def draw(method, against, verifier, seed):
        here = found(verifier).names
        shown = {
            IN_FRONT: (verifier, method if method in here else WEIGHTED),
            BESIDE: (verifier, against if against in here else WEIGHTED),
            "majority, no verifier": (verifier, MAJORITY),
            "in front, by casting out nines": (NINES, method),
            "in front, by the exact verifier": (EXACT, method),
        }
        for ax, flops in zip(axes, (False, True), strict=True):
            for label, (judge, name) in shown.items():
                line = curve(judge, name, flops)
                if line is None:
                    continue
                ax.plot(line.paid, line.accuracy, **RIVALS[label])
                if label in (IN_FRONT, BESIDE):
                    low, high = bootstrap.interval(line.draws)
                    color = RIVALS[label]["color"]
                    ax.fill_between(line.paid, low, high, color=color, alpha=0.2, linewidth=0)
            if verifier in bodies:
                _draw_alone(ax, alone(verifier)[int(flops)])
        words = f"{shown[IN_FRONT][1]}, under {verifier}"
        axes[0].text(0.02, 0.97, words, transform=axes[0].transAxes, va="top", color=GOOD)
        front, beside = (curve(*shown[label], False) for label in (IN_FRONT, BESIDE))
        lacks = "" if method in here else f"the sweep holds no {method} under {verifier}; "
        rest = _said_alone(bodies[verifier], *alone(verifier)) if verifier in bodies else ""
        return f"{lacks}{_compared(shown[IN_FRONT][1], front, shown[BESIDE][1], beside)}{rest}"

    return BudgetView(
        fig,
        draw,
        luck=False,
        method=choice(names, default="beam M = 4", label="in front"),
        against=choice(names, default=WEIGHTED, label="beside it"),
        verifier=choice(tuple(verifiers)),
    )


IN_FRONT, BESIDE = "in front", "beside it"
ALONE = ("the verifier's body alone: greedy", "its likeliest of 4")
RIVALS: dict[str, dict[str, Any]] = {
    IN_FRONT: {"color": GOOD, "linewidth": 2.4, "zorder": 4, "marker": "o", "markersize": 4},
    BESIDE: {"color": COLORS[1], "linewidth": 1.8, "zorder": 3, "marker": "^", "markersize": 4},
    "majority, no verifier": {"color": MUTED, "linewidth": 1.4},
    "in front, by casting out nines": {"color": COLORS[2], "linewidth": 1.4, "linestyle": "-."},
    "in front, by the exact verifier": {"color": TRUTH, "linewidth": 1.2, "linestyle": "--"},
    ALONE[0]: {"color": BAD, "marker": "D", "markersize": 6, "linestyle": "none", "zorder": 5},
    ALONE[1]: {"color": COLORS[3], "marker": "s", "markersize": 7, "linestyle": "none"},
}


def _compared(name: str, front: Curve, other: str, beside: Curve) -> str:
    """Say what a method solves, and how much more than another at the same budget."""
    said = []
    for budget in QUARTERS:
        i, j = (np.flatnonzero(curve.paid == budget) for curve in (front, beside))
        if not len(i):
            continue
        part = f"{front.accuracy[i[0]]:.0%}"
        if len(j) and name != other:
            gap = front.accuracy[i[0]] - beside.accuracy[j[0]]
            low, high = bootstrap.interval(front.draws[:, i[0]] - beside.draws[:, j[0]])
            part += f" ({gap:+.1%}, {low:+.1%} to {high:+.1%})"
        said.append(f"{part} at {budget}")
    beyond = "" if name == other else f" (and more than {other})"
    return f"{name}{beyond}: {', '.join(said)} generations"


def _alone(folder: Path, body: str, counts: np.ndarray, among=slice(None)) -> list[list]:
    """Where the greedy text of a body and its likeliest of 4 stand: by generations, by FLOPs."""
    plain, dear = (read_alone(folder, body, counts, flops, among) for flops in (False, True))
    places = [0, plain[1].paid.tolist().index(4)]
    return [
        [
            (float(curve.paid[i]), float(curve.accuracy[i]))
            for curve, i in zip(both, places, strict=True)
        ]
        for both in (plain, dear)
    ]


def _draw_alone(ax, marks) -> None:
    """Mark what a body writes alone, with a thin line across to compare with."""
    for label, mark in zip(ALONE, marks, strict=True):
        ax.plot(*mark, **RIVALS[label])
        ax.axhline(mark[1], color=RIVALS[label]["color"], linewidth=0.6, alpha=0.6)


def _said_alone(body: str, plain, dear) -> str:
    (_, greedy), (_, four) = plain
    once, more = (readable(paid) for paid, _ in dear)
    return (
        f"; {body} alone: greedy {greedy:.0%} for {once}FLOPs, "
        f"likeliest of 4 {four:.0%} for {more}FLOPs"
    )


CEILING: dict[str, Any] = {"color": TRUTH, "linestyle": "--", "linewidth": 1.2}
BY_NINES: dict[str, Any] = RIVALS["in front, by casting out nines"] | {"linewidth": 1.0}
WAYS = {
    "highest score": (BEST, {"color": BAD, "linewidth": 2.2, "marker": "o", "markersize": 4}),
    "weighted": (WEIGHTED, {"color": GOOD, "marker": "^", "markersize": 4}),
    "majority": (MAJORITY, {"color": MUTED}),
}
SEARCHES = {
    "beam M = 4": {"color": GOOD, "marker": "o", "markersize": 4},
    "beam M = √N": {"color": COLORS[4], "marker": "v", "markersize": 4},
    "rebase": {"color": COLORS[1], "marker": "^", "markersize": 4},
    "particles": {"color": COLORS[3], "marker": "x", "markersize": 4},
    WEIGHTED: {"color": MUTED, "linestyle": ":"},
}


def quality_view(
    table: Columns,
    folder: Path,
    ladder: Mapping[str, Samples],
    bodies: Mapping[str, str],
    bins: Sequence[np.ndarray],
    own: Mapping[str, np.ndarray] | None = None,
) -> BudgetView:
    """What a better verifier is worth: best of N in each way, and search, one verifier at a time.

    Beside them the rivals: casting out nines in its place, and its body alone.

    Parameters
    ----------
    table, folder, bodies
        As for :func:`accuracy_view`.
    ladder : mapping
        Verifier → samples with its scores, the worst verifier first.
    bins : sequence of numpy.ndarray
        Places of the problems of each bin in the sweep, the easiest first.
    own : mapping, optional
        Verifier → what a rule of the learner's solves, (budgets, problems): one more line.
    """
    area = {name: np.nanmean(_areas(samples)) for name, samples in ladder.items()}
    every = set(table["verifier"][table["method"] != BEST_OF_N])  # that was searched with
    fig, (best, found) = figure(1, 2, size=(9.8, 4.5), sharey=True)
    best.set(ylim=(0, 1.02), ylabel="share of answers that are right")
    best.set_title("best of N, concluded in each way")
    found.set_title("search under the same verifier")
    for ax in (best, found):
        counting_axis(ax, QUARTERS, "generations", marks=QUARTERS)
    best.plot([], [], label=ONE_OF_N, **CEILING)
    for label, (_, look) in WAYS.items():
        best.plot([], [], label=label, **look)
    if own:
        best.plot([], [], color=COLORS[1], label="your rule")
    best.plot([], [], label=f"weighted, by {NINES}", **BY_NINES)
    for label, look in SEARCHES.items():
        found.plot([], [], label=label, **look)
    found.plot([], [], label=f"beam M = 4, by {NINES}", **BY_NINES)
    for label in ALONE:
        found.plot([], [], label=label, **RIVALS[label])
    fig.legend(*best.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    fig.legend(*found.get_legend_handles_labels(), loc="outside lower right", ncols=3)
    everyone = np.arange(len(next(iter(ladder.values())).right[0]))

    @functools.cache
    def results(verifier, problems):
        return block(table, verifier).among(problems_of(problems))

    def problems_of(place):
        return everyone if place < 0 else bins[place]

    @functools.cache
    def curves(verifier, problems):
        counts = _counts(len(problems_of(problems)))
        here = results(verifier, problems)
        anyone = block(table, verifier, "passed").among(problems_of(problems))
        drawn = {name for name, _ in WAYS.values()} | set(SEARCHES)
        lines = {name: here.curve(name, counts) for name in here.names if name in drawn}
        return lines | {ONE_OF_N: anyone.curve(BEST_OF_N, counts)}

    @functools.cache
    def alone(verifier, problems):
        places = problems_of(problems)
        return _alone(folder, bodies[verifier], _counts(len(places)), places)

    def draw(verifier, problems, seed):
        lines = curves(verifier, problems)
        best.plot(lines[ONE_OF_N].paid, lines[ONE_OF_N].accuracy, **CEILING)
        for ax, name in ((best, WEIGHTED), (found, "beam M = 4")):
            rival = curves(NINES, problems)[name]
            ax.plot(rival.paid, rival.accuracy, **BY_NINES)
            if verifier in bodies:
                _draw_alone(ax, alone(verifier, problems)[0])
        for name, look in WAYS.values():
            best.plot(lines[name].paid, lines[name].accuracy, **look)
        low, high = bootstrap.interval(lines[BEST].draws)
        best.fill_between(lines[BEST].paid, low, high, color=BAD, alpha=0.2, linewidth=0)
        if own:
            mine = own[verifier][:, problems_of(problems)].mean(axis=1)
            best.plot(lines[BEST].paid, mine, color=COLORS[1])
        searched = [name for name in SEARCHES if name in lines]
        for name in searched:
            found.plot(lines[name].paid, lines[name].accuracy, **SEARCHES[name])
        if searched == [WEIGHTED]:
            line = f"under {verifier} nothing was searched"
            found.text(0.5, 0.05, line, transform=found.transAxes, ha="center", color=ink(MUTED))
        said = [_rise(label, lines[name]) for label, (name, _) in WAYS.items()]
        said += [_rise(name, lines[name]) for name in searched if name != WEIGHTED]
        has = verifier in bodies
        rest = _said_alone(bodies[verifier], *alone(verifier, problems)) if has else ""
        return f"{verifier}, AUC within a problem {area[verifier]:.2f}: {'; '.join(said)}{rest}"

    return BudgetView(
        fig,
        draw,
        luck=False,
        verifier=options(
            tuple(ladder),
            names=[f"{n} ({a:.2f})" for n, a in area.items()],
            default=next((name for name in ladder if name in every), None),
        ),
        problems=_fifths(bins),
    )


def _areas(samples: Samples) -> np.ndarray:
    tables = (samples.score, samples.right)
    return auc_within(*(table.reshape(-1, table.shape[-1]) for table in tables))


def _rise(name: str, curve: Curve) -> str:
    """Say where a curve begins, is highest and ends."""
    top = curve.accuracy.argmax()
    ends = f"{curve.accuracy[0]:.0%} → {curve.accuracy[-1]:.0%}"
    return f"{name} {ends}, highest at {curve.paid[top]:g} ({curve.accuracy[top]:.0%})"


def _fifths(bins: Sequence[np.ndarray]):
    names = ["all", *(f"bin {i + 1} of {len(bins)}" for i in range(len(bins)))]
    names[1] += ", easiest"
    names[-1] += ", hardest"
    return options([-1, *range(len(bins))], names=names, default=-1)


def favourites_view(ladder: Mapping[str, Samples], bins: Sequence[np.ndarray]) -> BudgetView:
    """Why the highest score may be a wrong text's: how far scores lie apart within a problem.

    Parameters
    ----------
    ladder, bins
        As for :func:`quality_view`.
    """
    budgets = np.array([2**i for i in range(9)])
    fig, (cloud, share) = figure(1, 2, size=(9.8, 4.2))
    cloud.set(xlim=(-4, 4), ylim=(0, 1), ylabel="share of the texts of this kind")
    cloud.set_xlabel("score less the mean of its problem, in standard deviations")
    kinds_of = ((GOOD, "v", "right texts"), (BAD, "^", "wrong texts"))
    for color, shape, label in kinds_of:
        cloud.plot([], [], color=color, linewidth=6, alpha=0.5, label=label)
        cloud.plot([], [], shape, color=color, label=f"highest of N, {label}")
    cloud.legend(loc="upper left")
    counting_axis(share, QUARTERS, "texts to choose from, N", marks=QUARTERS)
    share.set(ylim=(-0.02, 1.02), ylabel="share that are wrong")
    share.plot([], [], color=BAD, label="of the verifier's favourites")
    share.plot([], [], color=MUTED, linestyle="--", label="of all texts: no verifier")
    share.legend(loc="lower left")
    edges = np.linspace(-4, 4, 41)

    @functools.cache
    def found(verifier, problems):
        samples = ladder[verifier]
        places = slice(None) if problems < 0 else bins[problems]
        score, right = (table[:, places] for table in (samples.score, samples.right.astype(bool)))
        unit = np.concatenate(quality.gaps(score, right)).std() or 1.0
        mean = score.mean(axis=-1, keepdims=True)
        return (
            [kind / unit for kind in quality.gaps(score, right)],
            quality.within(score, right),
            quality.best_scores((score - mean) / unit, right, budgets),
            quality.favourite_wrong(score, right, budgets),
            float(1 - right.mean()),
        )

    def draw(verifier, problems, n, seed):
        kinds, spread, tops, wrong, chance = found(verifier, problems)
        place = budgets.tolist().index(n)
        for gaps, color in zip(kinds, (GOOD, BAD), strict=True):
            height = np.histogram(np.clip(gaps, -4, 4), edges)[0] / max(1, len(gaps))
            cloud.stairs(height, edges, color=color, alpha=0.5, fill=True)
        for top, (color, shape, _) in zip(tops[:, place], kinds_of, strict=True):
            cloud.plot(np.clip(top, -4, 4), 0.02, shape, color=color, markersize=10, mec=TRUTH)
        share.plot(budgets, wrong, color=BAD)
        share.axhline(chance, color=MUTED, linestyle="--")
        share.plot(n, wrong[place], "o", color=BAD, markersize=9)
        return (
            f"{verifier}, standard deviation of scores within a problem: right texts "
            f"{spread[0]:.4f}, wrong texts {spread[1]:.4f}{_times_as(*spread)}; "
            f"of the favourites of {n} texts {wrong[place]:.0%} are wrong, "
            f"of all texts {chance:.0%}"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        verifier=options(tuple(ladder)),
        problems=_fifths(bins),
        n=powers_of_two(0, 8, unit="texts", default=6, label="texts N"),
    )


def _times_as(right: float, wrong: float) -> str:
    """Say how many times as much wrong texts vary, if right ones are not all the same."""
    return f", {wrong / right:.1f} times" if right > 1e-6 else ""


# ---- a chain over solutions ----------------------------------------------------------------------


def chain_view(
    search_of: Callable[[Sequence[str]], object],
    problems: Sequence[str],
    samples: Samples,
    rival: Callable[[np.ndarray], np.ndarray],
    chains: int = 8,
) -> BudgetView:
    """Markov chains over solutions: their values on one problem, and how many are right on all.

    Parameters
    ----------
    search_of : callable
        ``search_of(problems)`` → the search whose parts they use.
    problems : sequence of str
    samples : Samples
        Of the same problems, with scores of the same verifier: they say, weighed by their scores,
        what the chains come to if they walk long enough.
    rival : callable
        FLOPs of a problem, (n,) → which share of these problems best of N solves for as many.
    """
    value = np.array([_value(problem) for problem in problems])
    fig, (trace, share) = figure(1, 2, size=(9.4, 3.8))
    for ax in (trace, share):
        ax.set(xscale="symlog", xlim=(-0.15, 40), ylim=(-0.03, 1.03), xlabel="moves")
        ax.set_xticks([0, 1, 2, 4, 8, 16, 32], ["0", "1", "2", "4", "8", "16", "32"])
    trace.set(ylabel="verifier's value", title=f"{chains} chains on {problems[0]}; ✗ wrong")
    share.set(ylabel="share", title=f"{len(problems)} problems, {chains} chains each")
    share.plot([], [], "o-", color=GOOD, markersize=3, label="chains that are right")
    share.plot([], [], "s-", color=COLORS[1], markersize=3, label="majority of the chains")
    share.plot([], [], color=MUTED, label="accepted")
    share.plot([], [], color=TRUTH, linestyle="--", label="right in the long run")
    share.plot([], [], color=COLORS[3], linestyle=":", label=f"{WEIGHTED}, same FLOPs")
    shaped = lambda table: np.concatenate(list(table), axis=1)  # noqa: E731  every seed's samples
    fig.legend(*share.get_legend_handles_labels(), loc="outside lower right", ncols=3)
    walks: dict[tuple, tuple] = {}  # a longer walk goes on where the shorter one stopped

    def draw(moves, power, seed):
        if (power, seed) not in walks:
            search = search_of(problems)
            rng = np.random.default_rng(seed)
            walks[power, seed] = search, chain.walk(search, chains * len(problems), rng, power), []
        search, walk, seen = walks[power, seed]
        while len(seen) <= moves:
            visit = next(walk)
            said = given(search.task, visit, search.texts(visit.particles))
            values = last_score(visit.particles.scores)
            right = np.array(said == np.tile(value, chains), dtype=bool)
            seen.append((values, right, said, visit.acceptance.mean(), visit.spent))
            yield len(seen) / (moves + 1)
        values, right, said, accepted, spent = zip(*seen[: moves + 1], strict=True)
        k = len(problems)
        times = np.arange(moves + 1)
        for i in range(chains):
            path, fine = (np.array(table)[:, i * k] for table in (values, right))
            trace.plot(times, path, color=MUTED, linewidth=0.8)
            trace.plot(times[fine], path[fine], "o", color=GOOD, markersize=4)
            trace.plot(times[~fine], path[~fine], "X", color=BAD, markersize=5)
        limit = quality.weighed_share(shaped(samples.right), shaped(samples.score), power)
        truth(share, limit)
        each = np.mean(right, axis=1)
        agreed = [_majority_right(answers, value) for answers in said]
        for line, color, style in ((each, GOOD, "o-"), (agreed, COLORS[1], "s-")):
            share.plot(times, line, style, color=color, markersize=3)
        share.plot(times[1:], accepted[1:], color=MUTED, linewidth=1)
        others = rival(np.array([cost.lm_flops + cost.verifier_flops for cost in spent]) / k)
        share.plot(times, others, color=COLORS[3], linestyle=":")
        rate = f"; accepted {np.mean(accepted[1:]):.0%}" if moves else ""
        text = (
            f"right are {each[0]:.0%} of the chains at first, {each[-1]:.0%} after {moves} moves; "
            f"{limit:.0%} in the long run; "
            f"majority {agreed[0]:.0%}, then {agreed[-1]:.0%}; "
            f"{WEIGHTED} for as many FLOPs {others[-1]:.0%}{rate}"
        )
        return text, replace(spent[-1], units=0)

    return BudgetView(
        fig,
        draw,
        moves=powers_of_two(0, 5, unit="moves", default=3),
        power=options((0.0, 1.0, 4.0), default=4.0, label="power of the value"),
    )


def _majority_right(said: Sequence, value: np.ndarray) -> float:
    """Share of the problems whose most frequent answer is right."""
    k = len(value)
    return float(np.mean([majority(said[i::k]) == value[i] for i in range(k)]))
