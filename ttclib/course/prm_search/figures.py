"""Pictures of notebook 08: a search one can watch, and what many searches came to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.cm import ScalarMappable

from ttclib.cost import Cost, readable
from ttclib.course.prm_search import chain, rules
from ttclib.lm import arithmetic
from ttclib.measure import bootstrap
from ttclib.measure.votes import majority, votes
from ttclib.particles.smc import Population, smc
from ttclib.search.aggregation import last as last_score
from ttclib.search.methods import BEST_OF_N, METHODS, OWN, Setting, search_for, select_for
from ttclib.search.results import Columns, Curve, Results, block, where
from ttclib.search.search import CONCLUSIONS, conclude, given
from ttclib.show.population import SCORES, draw_population, label_members
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
    literal,
)

right_so_far = rules.right_so_far

LABELLED = 32  # members: in larger populations there is no room for words

# ---- a search one can watch ----------------------------------------------------------------------


def search_view(
    lm, verifiers: Mapping[str, object], problems: Mapping[str, str], first: str
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
    """
    columns = arithmetic.OPERATIONS[-1] + 1
    fig, tree, said = _stage(columns)
    tree.set_xlabel(f"{tree.get_xlabel()}\n ")  # room for the setting

    def draw(problem, own, method, n, width, k, temperature, verifier, seed):
        problem = own or problem
        both = {"width": width, "lookahead": k}
        mine = {name: value for name, value in both.items() if method in OWN[name]}
        setting = Setting(method, n, temperature=temperature, verifier=verifier, **mine)
        search = search_for(setting, lm, arithmetic.TASK, problem, verifiers[verifier])
        steps = sum(map(problem.count, "+-*")) + 1
        history = []
        for population in smc(search, n, select_for(setting), np.random.default_rng(seed)):
            history.append(population)
            yield min(1.0, (population.t + 1) / steps)
        draw_search(tree, search, history[:columns], problem)
        tree.text(0.5, -0.09, named(setting, both), transform=tree.transAxes, ha="center", va="top")
        texts = search.texts(population.particles)
        _answers(said, population, texts, problem)
        return _summary(population, texts, problem), _paid(population.cost, setting.generations)

    return BudgetView(
        fig,
        draw,
        problem=choice(tuple(problems.values()), names=tuple(problems), default=first),
        own=entry(_own, "", label="or type your own"),
        method=choice(tuple(METHODS), default="beam"),
        n=powers_of_two(0, 8, unit="generations", default=4, label="texts at a time, N"),
        width=options((1, 2, 4, 8, 16), default=4, label="width M"),  # all divide every larger N
        k=options((0, 1, 2, 3), default=1, label="lookahead k"),
        temperature=options((0.4, 0.7, 1.0, 1.4, 2.0), default=1.0),
        verifier=choice(tuple(verifiers)),
    )


def named(setting: Setting, chosen: Mapping[str, int]) -> str:
    """Name a setting, and which of the chosen width and lookahead its method does not ask for."""
    mine = {True: [], False: []}
    for name, value in chosen.items():
        mine[setting.method in OWN[name]].append(f"{SHORT[name]} = {value}")
    parts = [setting.method, f"N = {setting.n}", *mine[True]]
    unused = f"   ({' and '.join(mine[False])} not used)" if mine[False] else ""
    return f"{', '.join(parts)}, temperature {setting.temperature:g}, {setting.verifier}{unused}"


SHORT = {"width": "M", "lookahead": "k"}


def search_picture(search, history: Sequence[Population], problem: str) -> Picture:
    """The tree of one finished search, and its answers."""
    fig, tree, said = _stage(min(len(history), arithmetic.OPERATIONS[-1] + 1))
    draw_search(tree, search, history, problem)
    texts = search.texts(history[-1].particles)
    _answers(said, history[-1], texts, problem)
    return Picture(fig, _summary(history[-1], texts, problem))


def _stage(columns: int):
    """Make a figure for a tree of so many steps, and for its answers."""
    fig, (tree, said) = figure(1, 2, size=(9.8, 6.0), width_ratios=[5, 1])
    tree.set(xlim=(-0.55, columns - 0.45), ylim=(-0.8, 31.8), yticks=[])
    tree.set_xlabel("step of the solution")
    tree.set_xticks(range(columns), [str(t + 1) for t in range(columns)])
    tree.grid(visible=False)
    bar = fig.colorbar(ScalarMappable(cmap=SCORES), ax=tree, location="left", shrink=0.5, pad=0.01)
    bar.set_label("verifier's score of the text up to here")
    pale = SCORES(0.5)
    tree.plot([], [], "s", color=pale, mec=TRUTH, label="part of a text that reaches the end")
    tree.plot([], [], "s", color=pale, label="pruned")
    tree.plot([], [], " ", label="✓ right answer   ✗ wrong from here on")
    tree.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, handletextpad=0.2)
    said.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], title="answers")
    said.grid(visible=False)
    said.spines[:].set_visible(False)
    return fig, tree, said


def _own(text: str) -> str:
    return arithmetic.write(arithmetic.check_problem(text)) if text.strip() else ""


def _paid(cost: Cost, generations: int) -> Cost:
    return replace(cost, units=generations)


def untangled(history: Sequence[Population]) -> list[np.ndarray]:
    """Number the members of each generation from top to bottom so that no two lines cross.

    Returns
    -------
    list of numpy.ndarray of int, shape (n,)
        Children stand in the order of their parents.
    """
    rows = [np.arange(len(history[0]))] if history else []
    for population in history[1:]:
        order = np.argsort(rows[-1][population.ancestors], kind="stable")
        rows.append(np.empty(len(population), dtype=int))
        rows[-1][order] = np.arange(len(population))
    return rows


def draw_search(ax, search, history: Sequence[Population], problem: str) -> None:
    """Draw the tree of a search: the genealogy of notebook 04, with scores for colours."""
    n = len(history[0])
    rows = untangled(history)
    place = lambda p: np.linspace(31, 0, n)[rows[p.t]] if n > 1 else np.array([15.5])  # noqa: E731
    grown = lambda p: p.particles.begun < p.particles.lengths  # noqa: E731
    score = lambda p: last_score(p.particles.scores)  # noqa: E731
    answers = {p.t: given(search.task, p, search.texts(p.particles)) for p in history}
    value = _value(problem)
    right = lambda p: np.array([answer == value for answer in answers[p.t]])  # noqa: E731
    words = n <= LABELLED
    looks = {"score": score, "grown": grown, "marked": None if words else right}
    alive = draw_population(ax, history, place, dots=not words, **looks)
    if not words:
        return
    decode = search.lm.vocabulary.decode
    for p, lives in zip(history, alive, strict=True):
        particles = p.particles
        pieces = zip(particles.tokens, particles.begun, particles.lengths, strict=True)
        written = [decode(row[a:b]).strip().rstrip(";") for row, a, b in pieces]
        said = zip(written, search.texts(particles), answers[p.t], strict=True)
        labels = [text and text + _mark(problem, whole, answer) for text, whole, answer in said]
        shades = score(p)
        label_members(
            ax,
            p.t,
            place(p),
            labels,
            ["white" if shade > 0.8 else "black" for shade in shades],
            size=7.5 if n <= 16 else 6.5,
            facecolor=SCORES(shades),
            edgecolor=[TRUTH if live else "none" for live in lives],
            linewidth=np.where(lives, 0.9, 0.0),
        )


def _mark(problem: str, text: str, answer) -> str:
    """What a text is, to one who can calculate: the right answer, or wrong from some step on."""
    if answer == _value(problem):
        return " ✓"
    return "" if answer is None and all(arithmetic.check_solution(problem, text).correct) else " ✗"


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
    ax.text(0, -0.06, "grey: share of the votes", color=MUTED, fontsize=7.5, va="top")


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

PALETTE = dict(zip(METHODS, (MUTED, GOOD, *COLORS[1:4], BAD, COLORS[4], "black"), strict=True))
ANSWERS = {"weighted": "weighted_last", "max": "max_last", "majority": "majority"}
QUARTERS = (1, 4, 16, 64, 256)  # budgets at the marks of an axis


def _curves(results: Results, flops: bool) -> dict[str, Curve]:
    """All methods, with the same problems drawn again for each."""
    counts = bootstrap.counts(results.right.shape[-1], 1999, np.random.default_rng(0))
    return {name: results.curve(name, counts, flops) for name in results.names}


def accuracy_view(table: Columns, verifiers: Sequence[str]) -> BudgetView:
    """Accuracy of every method against generations and against FLOPs; one is drawn in front.

    The band is a 95% bootstrap interval over problems.
    """

    @functools.cache
    def found(verifier, way):
        """Curves by name, against generations and against FLOPs."""
        results = block(table, verifier, way)
        return _curves(results, flops=False), _curves(results, flops=True)

    @functools.cache
    def band(verifier, way, name):
        return bootstrap.interval(found(verifier, way)[0][name].draws)

    every = found(verifiers[0], ANSWERS["weighted"])
    ceilings = [curves[BEST_OF_N] for curves in found(verifiers[0], "passed")]
    names = sorted(every[0], key=lambda name: (list(METHODS).index(_method(name)), name))
    fig, axes = figure(1, 2, size=(9.8, 4.8), sharey=True)
    for ax, ceiling in zip(axes, ceilings, strict=True):
        ax.plot(ceiling.paid, ceiling.accuracy, "k--", linewidth=1.2, label="any of N right")
    axes[0].set(ylim=(0.35, 1.0), ylabel="share of answers that are right")
    counting_axis(axes[0], QUARTERS, "generations", marks=QUARTERS)
    flops = np.concatenate([curve.paid for curve in (ceilings[1], *every[1].values())])
    least, most = flops.min(), flops.max()
    ticks = [k * 10.0**i for i in range(6, 13) for k in (1, 3)]
    ticks = [tick for tick in ticks if least <= tick <= most]
    axes[1].set(xscale="log", xlim=(least * 0.9, most * 1.1))
    axes[1].set_xlabel("FLOPs a problem, model and verifier")
    axes[1].set_xticks(ticks, [readable(tick) for tick in ticks])
    axes[1].minorticks_off()
    styles: dict[str, str] = {}
    for name in names:
        before = sum(_method(other) == _method(name) for other in styles)
        styles[name] = ("-", "--", ":")[before]
        axes[0].plot([], [], styles[name], color=PALETTE[_method(name)], label=name)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)

    def draw(method, answer, verifier, seed):
        way = ANSWERS[answer]
        panels = found(verifier, way)
        # best of n was run under every verifier
        front = method if method in panels[0] else BEST_OF_N
        for ax, curves in zip(axes, panels, strict=True):
            for name, curve in curves.items():
                look = {"color": PALETTE[_method(name)], "zorder": 3 if name == front else 2}
                thick, alpha = (2.6, 0.35) if name == front else (1.1, 0.05)
                low, high = band(verifier, way, name)
                ax.fill_between(curve.paid, low, high, linewidth=0, alpha=alpha, **look)
                ax.plot(curve.paid, curve.accuracy, styles[name], linewidth=thick, **look)
        shown = panels[0][front]
        rows = zip(shown.paid, shown.accuracy, *band(verifier, way, front), strict=True)
        said = ", ".join(
            f"{accuracy:.0%} ({low:.0%} to {high:.0%}) at {budget:g}"
            for budget, accuracy, low, high in rows
            if budget in QUARTERS
        )
        lacks = "" if front == method else f"the sweep holds no {method} under {verifier}; "
        return f"{lacks}{front}, {answer}, {verifier}: {said} generations"

    return BudgetView(
        fig,
        draw,
        luck=False,
        method=choice(names, default=names[1], label="in front"),
        answer=choice(tuple(ANSWERS), label="answer by"),
        verifier=choice(tuple(verifiers)),
    )


def _method(name: str) -> str:
    """Return the method of a curve."""
    return next(method for method in METHODS if name.startswith(method))


def overoptimisation_view(
    table: Columns, bins: Sequence[np.ndarray], good="prm", weak="prm-weak"
) -> BudgetView:
    """Best of N in several ways against N, for one bin of problems at a time.

    Parameters
    ----------
    bins : sequence of numpy.ndarray
        Places of the problems of each bin in the sweep, the easiest first.
    """
    ways = {
        "one of N right": ("passed", good, TRUTH, "--"),
        f"weighted, {good}": ("weighted_last", good, COLORS[4], "-"),
        f"max, {good}": ("max_last", good, GOOD, "-"),
        f"weighted, {weak}": ("weighted_last", weak, COLORS[1], "-"),
        f"max, {weak}": ("max_last", weak, BAD, "-"),
        "majority": ("majority", good, MUTED, "-"),
    }
    drawn = where(table, method=BEST_OF_N)
    fig, ax = figure(size=(8.4, 4.0))
    counting_axis(ax, QUARTERS, "samples N", marks=QUARTERS)
    ax.set(ylim=(0, 1.02), ylabel="share of answers that are right")
    for name, (_, _, color, style) in ways.items():
        ax.plot([], [], style, color=color, label=name)
    fig.legend(loc="outside right upper")

    @functools.cache
    def found(bin_, name):
        way, verifier, _, _ = ways[name]
        results = block(drawn, verifier, way)
        if bin_ >= 0:
            results = results.among(bins[bin_])
        curve = _curves(results, flops=False)[BEST_OF_N]
        return curve, bootstrap.interval(curve.draws)

    def draw(problems, seed):
        said = []
        for name, (_, _, color, style) in ways.items():
            curve, (low, high) = found(problems, name)
            ax.plot(curve.paid, curve.accuracy, style, color=color)
            if name.startswith("max") or name == "majority":
                ax.fill_between(curve.paid, low, high, color=color, alpha=0.2, linewidth=0)
                best = curve.paid[curve.accuracy.argmax()]
                ends = f"{curve.accuracy[0]:.0%} → {curve.accuracy[-1]:.0%}"
                said.append(f"{name} {ends}, best at N = {best:g}")
        return "; ".join(said)

    shown = [-1, *range(len(bins))]
    names = ["all", *(f"bin {i + 1} of {len(bins)}" for i in range(len(bins)))]
    names[1] += ", easiest"
    names[-1] += ", hardest"
    return BudgetView(fig, draw, luck=False, problems=options(shown, names=names, default=0))


def favourites_view(
    samples: Columns, problems: Mapping[str, int], good="prm", weak="prm-weak"
) -> BudgetView:
    """The first N samples of a problem as two verifiers see them, and which they like best.

    Parameters
    ----------
    samples : mapping
        The table ``samples`` of a sweep.
    problems : mapping
        Expression → number in the sweep.
    """
    seeds = len(np.unique(samples["seed"]))
    fig, (cloud, page) = figure(1, 2, size=(9.8, 4.2), width_ratios=[1, 1.7])
    cloud.set(xlim=(-0.04, 1.04), xlabel=f"score by {weak}")
    cloud.set(ylim=(-0.04, 1.04), ylabel=f"score by {good}")
    for color, label in ((GOOD, "right"), (BAD, "wrong")):
        cloud.plot([], [], "o", color=color, markersize=5, label=label)
    cloud.plot([], [], "o", color=TRUTH, markersize=11, fillstyle="none", label=f"best by {weak}")
    cloud.plot([], [], "s", color=TRUTH, markersize=10, fillstyle="none", label=f"best by {good}")
    fig.legend(*cloud.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    page.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], title=f"what {weak} likes best of N")
    page.grid(visible=False)
    page.spines[:].set_visible(False)

    def draw(problem, n, seed):
        mine = where(samples, problem=problems[problem], seed=seed % seeds)
        first = {name: column[mine["sample"] < n] for name, column in mine.items()}
        x, y = (first[f"{verifier}_last"] for verifier in (weak, good))
        right = first["right"].astype(bool)
        for chosen, color in ((~right, BAD), (right, GOOD)):
            cloud.plot(x[chosen], y[chosen], "o", color=color, markersize=5, alpha=0.5, mew=0)
        for scores, marker, size in ((x, "o", 13), (y, "s", 12)):
            best = scores.argmax()
            cloud.plot(x[best], y[best], marker, color=TRUTH, ms=size, fillstyle="none")
        texts: dict[str, int] = {}
        for i in np.argsort(-x, kind="stable"):
            texts.setdefault(str(first["text"][i]), i)
        for line, (text, i) in enumerate(list(texts.items())[:9]):
            mark, color = ("✓", GOOD) if right[i] else ("✗", BAD)
            words = literal(f"{x[i]:.2f} {mark} {text.strip()}", 78)
            page.text(0, 0.95 - 0.1 * line, words, color=color, fontsize=7.5, family="monospace")
        said = ", ".join(
            f"best by {name}: {'right' if right[scores.argmax()] else 'wrong'}"
            for name, scores in ((weak, x), (good, y))
        )
        return f"{problem}: {right.sum()} of the first {n} are right; {said}"

    return BudgetView(
        fig,
        draw,
        problem=choice(tuple(problems)),
        n=powers_of_two(0, 8, unit="samples", default=6, label="samples N"),
    )


# ---- a chain over solutions ----------------------------------------------------------------------


def chain_view(
    search_of: Callable[[Sequence[str]], object], problems: Sequence[str], chains: int = 8
) -> BudgetView:
    """Markov chains over solutions: their values on one problem, and how many are right on all.

    ``search_of(problems)`` → the search whose parts they use.
    """
    value = np.array([_value(problem) for problem in problems])
    fig, (trace, share) = figure(1, 2, size=(9.4, 3.8))
    for ax in (trace, share):
        ax.set(xscale="symlog", xlim=(-0.15, 40), ylim=(-0.03, 1.03), xlabel="moves")
        ax.set_xticks([0, 1, 2, 4, 8, 16, 32], ["0", "1", "2", "4", "8", "16", "32"])
    trace.set(ylabel="verifier's value", title=f"{chains} chains on {problems[0]}; blue: right")
    share.set(ylabel="share", title=f"{len(problems)} problems, {chains} chains each")
    share.plot([], [], color=GOOD, label="chains that are right")
    share.plot([], [], color=COLORS[1], label="majority of the chains")
    share.plot([], [], color=MUTED, label="accepted")
    share.legend(loc="lower right")
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
            trace.plot(times[~fine], path[~fine], "o", color=BAD, markersize=4)
        each = np.mean(right, axis=1)
        agreed = [_majority_right(answers, value) for answers in said]
        for line, color in ((each, GOOD), (agreed, COLORS[1])):
            share.plot(times, line, "o-", color=color, markersize=3)
        share.plot(times[1:], accepted[1:], color=MUTED, linewidth=1)
        rate = f"; accepted {np.mean(accepted[1:]):.0%}" if moves else ""
        text = (
            f"right are {each[0]:.0%} of the chains at first, {each[-1]:.0%} after {moves} moves; "
            f"majority {agreed[0]:.0%}, then {agreed[-1]:.0%}{rate}"
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
