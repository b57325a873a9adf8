"""Pictures of notebook 08: a search one can watch, and what many searches came to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.cm import ScalarMappable

from ttclib.cost import Cost, readable
from ttclib.lm import arithmetic
from ttclib.measure.votes import majority, votes
from ttclib.particles.smc import Population, smc
from ttclib.search import chain
from ttclib.search.aggregation import last as last_score
from ttclib.search.curves import Columns, bootstrap, curves, where
from ttclib.search.methods import BEST_OF_N, METHODS, OWN, Setting, search_for, select_for
from ttclib.search.search import CONCLUSIONS, conclude, given
from ttclib.show.population import SCORES, draw_population, label_members, untangled
from ttclib.show.slider import BudgetView, entry, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, TRUTH, Picture, figure

LABELLED = 32  # members: in larger populations there is no room for words

# ---- a search one can watch ------------------------------------------------------------------------


def right_so_far(problem: str, text: str) -> float:
    """Score a text as one who can calculate: 1 while all steps are true, and the answer too; else
    0.
    """
    found = arithmetic.check_solution(problem, text)
    return float(all(found.correct) and (found.right or not found.finished))


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
        search = search_for(setting, lm, [problem + "?"], verifiers[verifier])
        steps, history = sum(map(problem.count, "+-*")) + 1, []
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
        problem=options(tuple(problems.values()), names=tuple(problems), default=first),
        own=entry(_own, "", label="or type your own"),
        method=options(tuple(METHODS), default="beam"),
        n=powers_of_two(0, 8, unit="generations", default=4, label="texts at a time, N"),
        width=options((1, 2, 4, 8, 16), default=4, label="width M"),  # all divide every larger N
        k=options((0, 1, 2, 3), default=1, label="lookahead k"),
        temperature=options((0.4, 0.7, 1.0, 1.4, 2.0), default=1.0),
        verifier=options(tuple(verifiers)),
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
    tree.set(
        xlim=(-0.55, columns - 0.45), ylim=(-0.8, 31.8), yticks=[], xlabel="step of the solution"
    )
    tree.set_xticks(range(columns), [str(t + 1) for t in range(columns)])
    tree.grid(visible=False)
    bar = fig.colorbar(ScalarMappable(cmap=SCORES), ax=tree, location="left", shrink=0.5, pad=0.01)
    bar.set_label("verifier's score of the text up to here")
    tree.plot(
        [], [], "s", color=SCORES(0.5), mec=TRUTH, label="part of a text that reaches the end"
    )
    tree.plot([], [], "s", color=SCORES(0.5), label="pruned")
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


def draw_search(ax, search, history: Sequence[Population], problem: str) -> None:
    """Draw the tree of a search: the genealogy of notebook 04, with scores for colours."""
    n, rows = len(history[0]), untangled(history)
    place = lambda p: np.linspace(31, 0, n)[rows[p.t]] if n > 1 else np.array([15.5])  # noqa: E731
    grown = lambda p: p.particles.begun < p.particles.lengths  # noqa: E731
    score = lambda p: last_score(p.particles.scores)  # noqa: E731
    answers = {p.t: given(p, search.texts(p.particles)) for p in history}
    value = arithmetic.value(arithmetic.parse(problem))
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
        whole = search.texts(particles)
        marks = [
            _mark(problem, text, answer, value)
            for text, answer in zip(whole, answers[p.t], strict=True)
        ]
        shades = score(p)
        label_members(
            ax,
            p.t,
            place(p),
            [f"{text}{mark}" if text else "" for text, mark in zip(written, marks, strict=True)],
            ["white" if shade > 0.8 else "black" for shade in shades],
            size=7.5 if n <= 16 else 6.5,
            facecolor=SCORES(shades),
            edgecolor=[TRUTH if live else "none" for live in lives],
            linewidth=np.where(lives, 0.9, 0.0),
        )


def _mark(problem: str, text: str, answer, value: int) -> str:
    """What a text is, to one who can calculate: the right answer, or wrong from some step on."""
    if answer == value:
        return " ✓"
    return "" if answer is None and all(arithmetic.check_solution(problem, text).correct) else " ✗"


def _answers(ax, population: Population, texts: Sequence[str], problem: str) -> None:
    """Write the answers with their shares of all scores, and of all votes."""
    found = given(population, texts)
    value = arithmetic.value(arithmetic.parse(problem))
    total, count = votes(found, last_score(population.particles.scores)), votes(found)
    both = [(total, GOOD, 0.022, "score"), (count, MUTED, -0.004, "votes")]
    for i, answer in enumerate(sorted(total, key=total.get, reverse=True)[:9]):
        y = 0.95 - 0.105 * i
        mark = " ✓" if answer == value else ""
        ax.text(
            0, y + 0.028, f"{'none' if answer is None else answer}{mark}", fontsize=9, va="bottom"
        )
        for shares, color, up, _ in both:
            everything = sum(shares.values()) or 1.0
            ax.barh(y + up - 0.01, shares[answer] / everything, 0.022, color=color)
    ax.text(0, -0.02, "blue: share of the scores", color=GOOD, fontsize=7.5, va="top")
    ax.text(0, -0.06, "grey: share of the votes", color=MUTED, fontsize=7.5, va="top")


def _summary(population: Population, texts: Sequence[str], problem: str) -> str:
    value, found = arithmetic.value(arithmetic.parse(problem)), given(population, texts)
    said = {how: conclude(population, texts, how) for how in CONCLUSIONS}
    parts = [
        f"{how} {'none' if answer is None else answer} ({'right' if answer == value else 'wrong'})"
        for how, answer in said.items()
    ]
    rights = sum(answer == value for answer in found)
    return f"{problem} = {value}; answer by {', '.join(parts)}; right are {rights} of {len(found)} texts"


# ---- what many searches came to --------------------------------------------------------------------

PALETTE = dict(zip(METHODS, (MUTED, GOOD, *COLORS[1:4], BAD, COLORS[4]), strict=True))
ANSWERS = {"weighted": "weighted_last", "max": "max_last", "majority": "majority"}


def accuracy_view(results: Columns, verifiers: Sequence[str]) -> BudgetView:
    """Accuracy of every method against generations and against FLOPs; one is drawn in front.

    The band is a 95% bootstrap interval over problems and seeds.
    """
    every = curves(results, verifiers[0])
    names = sorted(every, key=lambda name: (list(METHODS).index(_method(name)), name))
    ceiling = curves(where(results, method=BEST_OF_N), verifiers[0], "passed")[BEST_OF_N]
    fig, axes = figure(1, 2, size=(9.8, 4.8), sharey=True)
    flops = np.concatenate([ceiling.flops, *(curve.flops for curve in every.values())])
    panels = (
        (ceiling.generations, "generations"),
        (ceiling.flops, "FLOPs a problem, model and verifier"),
    )
    for ax, (x, label), limits in zip(
        axes, panels, ((0.9, 300), (flops.min(), flops.max())), strict=True
    ):
        ax.plot(x, ceiling.accuracy, "k--", linewidth=1.2, label="any of N right")
        ax.set(
            xscale="log", xlabel=label, xlim=(limits[0] * 0.9, limits[1] * 1.1), ylim=(0.35, 1.0)
        )
    axes[0].set_xticks([4**i for i in range(5)], [str(4**i) for i in range(5)])
    ticks = [
        k * 10.0**i
        for i in range(6, 13)
        for k in (1, 3)
        if flops.min() <= k * 10.0**i <= flops.max()
    ]
    axes[1].set_xticks(ticks, [readable(tick) for tick in ticks])
    for ax in axes:
        ax.minorticks_off()
    axes[0].set_ylabel("share of answers that are right")
    styles: dict[str, str] = {}
    for name in names:
        before = sum(_method(other) == _method(name) for other in styles)
        styles[name] = ("-", "--", ":")[before]
        axes[0].plot([], [], styles[name], color=PALETTE[_method(name)], label=name)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)

    @functools.cache
    def found(verifier, answer):
        return curves(results, verifier, ANSWERS[answer])

    @functools.cache
    def band(verifier, answer, name):
        draws = bootstrap(found(verifier, answer)[name].right, np.random.default_rng(0))
        return np.quantile(draws, [0.025, 0.975], axis=0)

    def draw(method, answer, verifier, seed):
        there, wanted = found(verifier, answer), method
        method = wanted if wanted in there else BEST_OF_N  # which was run under every verifier
        for name, curve in there.items():
            front = name == method
            low, high = band(verifier, answer, name)
            for ax, x in ((axes[0], curve.generations), (axes[1], curve.flops)):
                look = {"color": PALETTE[_method(name)], "zorder": 3 if front else 2}
                ax.fill_between(x, low, high, linewidth=0, alpha=0.35 if front else 0.05, **look)
                ax.plot(x, curve.accuracy, styles[name], linewidth=2.6 if front else 1.1, **look)
        curve, (low, high) = there[method], band(verifier, answer, method)
        said = [
            f"{accuracy:.0%} ({a:.0%} to {b:.0%}) at {budget}"
            for accuracy, a, b, budget in zip(
                curve.accuracy, low, high, curve.generations, strict=True
            )
            if budget in (1, 4, 16, 64, 256)
        ]
        lacks = "" if method == wanted else f"the sweep holds no {wanted} under {verifier}; "
        return f"{lacks}{method}, {answer}, {verifier}: " + ", ".join(said) + " generations"

    return BudgetView(
        fig,
        draw,
        luck=False,
        method=options(names, default=names[1], label="in front"),
        answer=options(tuple(ANSWERS), label="answer by"),
        verifier=options(tuple(verifiers)),
    )


def _method(name: str) -> str:
    """Return the method of a curve."""
    return next(method for method in METHODS if name.startswith(method))


def overoptimisation_view(
    results: Columns, bins: Sequence[np.ndarray], good="prm", weak="prm-weak"
) -> BudgetView:
    """Best of N in several ways against N, for one bin of problems at a time.

    Parameters
    ----------
    bins : sequence of numpy.ndarray
        Numbers of the problems of each bin, the easiest first.
    """
    ways = {
        "one of N right": ("passed", good, TRUTH, "--"),
        f"weighted, {good}": ("weighted_last", good, COLORS[4], "-"),
        f"max, {good}": ("max_last", good, GOOD, "-"),
        f"weighted, {weak}": ("weighted_last", weak, COLORS[1], "-"),
        f"max, {weak}": ("max_last", weak, BAD, "-"),
        "majority": ("majority", good, MUTED, "-"),
    }
    drawn = where(results, method=BEST_OF_N)
    fig, ax = figure(size=(8.4, 4.0))
    ax.set(xscale="log", xlim=(0.9, 300), ylim=(0, 1.02), xlabel="samples N")
    ax.set_ylabel("share of answers that are right")
    ax.set_xticks([4**i for i in range(5)], [str(4**i) for i in range(5)])
    ax.minorticks_off()
    for name, (_, _, color, style) in ways.items():
        ax.plot([], [], style, color=color, label=name)
    fig.legend(loc="outside right upper")

    @functools.cache
    def found(bin_, name):
        way, verifier, _, _ = ways[name]
        rows = (
            drawn
            if bin_ < 0
            else {k: v[np.isin(drawn["problem"], bins[bin_])] for k, v in drawn.items()}
        )
        curve = curves(rows, verifier, way)[BEST_OF_N]
        return curve, np.quantile(
            bootstrap(curve.right, np.random.default_rng(0)), [0.025, 0.975], axis=0
        )

    def draw(problems, seed):
        said = []
        for name, (_, _, color, style) in ways.items():
            curve, (low, high) = found(problems, name)
            ax.plot(curve.n, curve.accuracy, style, color=color)
            if name.startswith("max") or name == "majority":
                ax.fill_between(curve.n, low, high, color=color, alpha=0.2, linewidth=0)
                first, last_, best = curve.accuracy[0], curve.accuracy[-1], curve.accuracy.argmax()
                said.append(f"{name} {first:.0%} → {last_:.0%}, best at N = {curve.n[best]}")
        return "; ".join(said)

    shown = [-1, *range(len(bins))]
    names = ["all", *(f"bin {i + 1} of {len(bins)}" for i in range(len(bins)))]
    names[1], names[-1] = names[1] + ", easiest", names[-1] + ", hardest"
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
    cloud.set(
        xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xlabel=f"score by {weak}", ylabel=f"score by {good}"
    )
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
        x, y, right = first[f"{weak}_last"], first[f"{good}_last"], first["right"].astype(bool)
        for chosen, color in ((~right, BAD), (right, GOOD)):
            cloud.plot(x[chosen], y[chosen], "o", color=color, markersize=5, alpha=0.5, mew=0)
        for scores, marker, size in ((x, "o", 13), (y, "s", 12)):
            cloud.plot(
                x[scores.argmax()],
                y[scores.argmax()],
                marker,
                color=TRUTH,
                ms=size,
                fillstyle="none",
            )
        texts: dict[str, int] = {}
        for i in np.argsort(-x, kind="stable"):
            texts.setdefault(str(first["text"][i]), i)
        for line, (text, i) in enumerate(list(texts.items())[:9]):
            mark, color = ("✓", GOOD) if right[i] else ("✗", BAD)
            words = f"{x[i]:.2f} {mark} {text.strip()}"
            words = words if len(words) <= 78 else words[:76] + " …"
            page.text(0, 0.95 - 0.1 * line, words, color=color, fontsize=7.5, family="monospace")
        best = {
            name: "right" if right[s.argmax()] else "wrong" for name, s in ((weak, x), (good, y))
        }
        said = ", ".join(f"best by {name}: {verdict}" for name, verdict in best.items())
        return f"{problem}: {right.sum()} of the first {n} are right; {said}"

    return BudgetView(
        fig,
        draw,
        problem=options(tuple(problems)),
        n=powers_of_two(0, 8, unit="samples", default=6, label="samples N"),
    )


# ---- a chain over solutions ------------------------------------------------------------------------


def chain_view(
    search_of: Callable[[Sequence[str]], object], problems: Sequence[str], chains: int = 8
) -> BudgetView:
    """Markov chains over solutions: their values on one problem, and how many are right on all.

    ``search_of(prompts)`` → the search whose parts they use.
    """
    value = np.array([arithmetic.value(arithmetic.parse(problem)) for problem in problems])
    fig, (trace, share) = figure(1, 2, size=(9.4, 3.8))
    for ax in (trace, share):
        ax.set(xscale="symlog", xlim=(-0.15, 40), ylim=(-0.03, 1.03), xlabel="moves")
        ax.set_xticks([0, 1, 2, 4, 8, 16, 32], ["0", "1", "2", "4", "8", "16", "32"])
    trace.set(ylabel="verifier's value", title=f"{chains} chains on {problems[0]}; blue: right")
    share.set(ylabel="share", title=f"{len(problems)} problems, {chains} chains each")
    for color, label in (
        (GOOD, "chains that are right"),
        (COLORS[1], "majority of the chains"),
        (MUTED, "accepted"),
    ):
        share.plot([], [], color=color, label=label)
    share.legend(loc="lower right")
    walks: dict[tuple, tuple] = {}  # a longer walk goes on where the shorter one stopped

    def draw(moves, power, seed):
        if (power, seed) not in walks:
            search = search_of([problem + "?" for problem in problems])
            rng = np.random.default_rng(seed)
            walks[power, seed] = search, chain.walk(search, chains * len(problems), rng, power), []
        search, walk, seen = walks[power, seed]
        while len(seen) <= moves:
            visit = next(walk)
            said = given(visit, search.texts(visit.particles))
            values, right = last_score(visit.particles.scores), said == np.tile(value, chains)
            seen.append(
                (values, np.array(right, dtype=bool), said, visit.acceptance.mean(), visit.spent)
            )
            yield len(seen) / (moves + 1)
        values, right, said, accepted, spent = zip(*seen[: moves + 1], strict=True)
        k, times = len(problems), np.arange(moves + 1)
        for i in range(chains):
            path, fine = np.array(values)[:, i * k], np.array(right)[:, i * k]
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
