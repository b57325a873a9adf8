"""Pictures of notebook 16: what a search with parts of your own buys, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ttclib.cost import Cost, readable
from ttclib.course.your_own_model.record import Line, Texts
from ttclib.inputs import short
from ttclib.measure import bootstrap
from ttclib.measure.calibration import auroc
from ttclib.particles.smc import Population, smc
from ttclib.search.methods import Setting, select_for
from ttclib.search.search import Search, conclude
from ttclib.show.population import SCORES
from ttclib.show.slider import BudgetView, choice, entry, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    Picture,
    figure,
    ink,
    literal,
    plain_ticks,
)

METHODS = ("best of n", "beam", "particles", "rebase")
ROWS = 16  # different texts of a step for which there is room

# ---- any model, any task, any verifier: a search to watch ----------------------------------------


def search_view(
    lm,
    task,
    verifiers: Mapping[str, object],
    problems: Sequence[str],
    *,
    steps: int,
    most: int = 4,
    method: str = "beam",
    **options,
) -> BudgetView:
    """The texts of one search step by step, their scores, the answer, and the bill.

    Parameters
    ----------
    lm : ttclib.lm.protocols.LanguageModel
    task : ttclib.lm.protocols.Task
    verifiers : mapping
        Name → verifier, or plain function.
    problems : sequence of str
        To choose from; another may be typed.
    steps : int
        Columns: steps of the longest solution.
    most : int
        The largest budget is 2 to this power.
    method : str
        Of :data:`METHODS`, the one that is shown first.
    **options
        Of :class:`ttclib.search.search.Search`.
    """
    fig, ax = figure(size=(10.2, 4.8))
    ax.set(xlim=(-0.55, steps - 0.45), ylim=(ROWS - 0.4, -1.2), yticks=[])
    ax.set_xticks(range(steps), [f"step {i}" for i in range(1, steps + 1)])
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)

    def own(text):
        if text:
            task.reference(text)
        return text

    def draw(problem, typed, method, n, verifier, seed):
        problem = typed or problem
        search = Search(lm, task, problem, verifiers[verifier], **options)
        width = {"width": min(n, 4)} if method == "beam" else {}
        select = select_for(Setting(method, n, **width))
        history = []
        for population in smc(search, n, select, np.random.default_rng(seed)):
            history.append(population)
            yield min(1.0, (population.t + 1) / steps)
        draw_steps(ax, search, history, steps)
        texts = search.texts(population.particles)
        said = conclude(task, population, texts)
        right = sum(task.right(problem, task.answer(text)) for text in texts)
        verdict = "right" if task.right(problem, said) else "wrong"
        text = f"{short(problem)}: {right} of {n} texts are right; "
        text += f"the vote says {_in_words(said)}, {verdict}"
        return text, replace(population.spent, units=n)

    return BudgetView(
        fig,
        draw,
        problem=choice(tuple(problems)),
        typed=entry(own, "", label="or type your own"),
        method=choice(METHODS, default=method),
        n=powers_of_two(0, most, unit="texts", default=3, label="texts at a time, N"),
        verifier=choice(tuple(verifiers)),
    )


def _in_words(answer) -> str:
    """Write an answer of any task; one that is made of steps as its steps."""
    if answer is None:
        return "nothing"
    return "; ".join(map(str, answer)) if isinstance(answer, tuple) else str(answer)


def draw_steps(ax, search: Search, history: Sequence[Population], columns: int) -> None:
    """Draw a column for each step, a box for each different beginning, and lines to its parent.

    A box is coloured by the verifier's score of the text up to there; a cross marks scores below a
    half, a number how many texts say the same.
    """
    decode = search.lm.vocabulary.decode
    place_of: dict[bytes, float] = {}
    before = np.zeros(len(history[0]), dtype=int)
    for population in history[:columns]:
        texts = population.particles
        start = before[population.ancestors] if population.t else before
        grown = np.flatnonzero(texts.lengths > start)
        nodes: dict[bytes, list[int]] = {}
        for i in grown:
            nodes.setdefault(texts.tokens[i, : texts.lengths[i]].tobytes(), []).append(int(i))
        parents = {key: texts.tokens[m[0], : start[m[0]]].tobytes() for key, m in nodes.items()}
        order = sorted(nodes, key=lambda key: place_of.get(parents[key], 0.0))
        gap = ROWS / max(len(order), 1)
        here = {}
        for row, key in enumerate(order):
            i, *others = nodes[key]
            y = (row + 0.5) * gap - 0.5
            here[key] = y
            if population.t and parents[key] in place_of:
                # level behind the boxes, which hide it, and slanted only between the columns
                x = population.t + np.array([-1.0, -0.55, -0.45, 0.0])
                ends = np.repeat([place_of[parents[key]], y], 2)
                ax.plot(x, ends, color=MUTED, linewidth=0.8, zorder=1)
            score = float(texts.scores[i, population.t])
            wrote = decode(texts.tokens[i, start[i] : texts.lengths[i]])
            _box(ax, population.t, y, wrote, score, 1 + len(others))
        place_of = here
        before = texts.lengths


def _box(ax, x: int, y: float, wrote: str, score: float, count: int) -> None:
    mark = "✗ " if score < 0.5 else ""
    times = f" ×{count}" if count > 1 else ""
    line = " ".join(wrote.split()) or "(end)"
    line = line if len(line) < 27 else line[:25] + "…"
    ax.text(
        x,
        y,
        literal(f"{mark}{line}{times}"),
        ha="center",
        va="center",
        fontsize=7,
        family="monospace",
        clip_on=True,
        bbox={
            "facecolor": "white",
            "edgecolor": SCORES(score),
            "linewidth": 1.4,
            "pad": 1.6,
        },
    )


# ---- the judge -----------------------------------------------------------------------------------


def judge_picture(samples: Sequence[Texts], verifier: Callable[[str, str], float]) -> Picture:
    """What the model says of right and of wrong texts, beside a plain function."""
    right = np.concatenate([one.right for one in samples])
    opinions = {
        "the model as judge: P(Yes)": np.concatenate([one.yes for one in samples]),
        "the plain function": np.concatenate([one.scores(verifier) for one in samples]),
    }
    fig, axes = figure(columns=2, size=(8.4, 3.0))
    said = []
    for ax, (name, scores) in zip(axes, opinions.items(), strict=True):
        area = auroc(scores, right)
        edges = np.linspace(0, 1, 21)
        for group, color, hatch, label in (
            (~right, BAD, "//", "wrong texts"),
            (right, GOOD, "", "right texts"),
        ):
            share = np.histogram(scores[group], edges)[0] / group.sum()
            ax.bar(
                edges[:-1],
                share,
                width=0.05,
                align="edge",
                color=color,
                alpha=0.55,
                hatch=hatch,
                edgecolor=ink(color),
                label=label,
            )
        ax.set(xlabel="score", xlim=(0, 1), ylim=(0, 1.05), title=f"{name}\nAUC {area:.2f}")
        said.append(f"{name}: AUC {area:.2f}")
    axes[0].set_ylabel("share of the texts")
    axes[0].legend(loc="upper right")
    counted = f"scores of {right.sum()} right and {(~right).sum()} wrong texts"
    return Picture(fig, f"{counted}; {'; '.join(said)}")


# ---- the bill ------------------------------------------------------------------------------------


def bill_view(lines: Sequence[Line], replicates: int = 1000) -> BudgetView:
    """Accuracy against FLOPs, all methods in grey and one in colour with its intervals."""
    stories = lines[0].right.shape[1]
    counts = bootstrap.counts(stories, replicates, np.random.default_rng(0))
    spent = [line.flops.mean(axis=1) / 1e9 for line in lines]
    marks = "osD^vPX*h<>"[: len(lines)]
    fig, ax = figure(size=(10.0, 4.0))
    ax.set(xlabel="FLOPs a story (G)", ylabel="stories solved", xscale="log")
    top = max(line.right.mean(axis=1).max() for line in lines)
    ax.set_ylim(0, min(1.02, 2 * top + 0.06))
    low, high = min(map(min, spent)), max(map(max, spent))
    ax.set_xlim(low / 1.15, high * 1.15)
    plain_ticks(ax.xaxis, [v for v in (50, 100, 200, 400, 800) if low / 1.15 < v < high * 1.15])
    for line, paid, mark in zip(lines, spent, marks, strict=True):
        shown = line.right.mean(axis=1)
        look = {"color": MUTED, "linewidth": 0.9, "markersize": 5, "label": line.name}
        ax.plot(paid, shown, mark, linestyle="-", **look)
    fig.legend(loc="outside right upper", title="grey: all methods")
    by_name = {
        line.name: (line, paid, m) for line, paid, m in zip(lines, spent, marks, strict=True)
    }

    def draw(method, rival, seed):
        text = []
        total = 0.0
        for name, color, dash in ((rival, COLORS[1], "--"), (method, GOOD, "-")):
            line, paid, mark = by_name[name]
            mean = line.right.mean(axis=1)
            draws = bootstrap.means(line.right, counts)
            ends = np.percentile(draws, [2.5, 97.5], axis=0)
            ax.errorbar(
                paid,
                mean,
                yerr=np.abs(ends - mean),
                fmt=mark,
                linestyle=dash,
                color=color,
                capsize=3,
                label=name,
            )
            text.append(f"{name}: {mean[-1]:.0%} for {readable(paid[-1] * 1e9)} FLOPs")
            total = float(paid[-1] * 1e9)
        chosen = ax.get_legend_handles_labels()[0][-2:]
        ax.legend(handles=chosen, loc="upper left")
        return "; ".join(text), Cost(lm_flops=total)

    names = tuple(by_name)
    return BudgetView(
        fig,
        draw,
        luck=False,
        method=choice(names, default=names[2]),
        rival=choice(names, default=names[0]),
    )
