"""Pictures of notebook 05: the law of the next token, samples, votes, what a text costs."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ttclib.cost import Cost, readable
from ttclib.lm import samplers, task
from ttclib.lm.answers import majority, majority_at_k, pass_at_k, votes
from ttclib.lm.decoding import Decoder, sample
from ttclib.lm.flops import coefficients, sequence_flops
from ttclib.view.budget import BudgetView, entry, options, powers_of_two
from ttclib.view.style import BAD, COLORS, GOOD, MUTED, TRUTH, Picture, figure, truth

_END_SIGN = "⏎"  # how the end of a text is written
_GREEN = COLORS[2]


def _signs(lm) -> list[str]:
    """How each token is written; the last but one use is the padding, which is never shown."""
    return [_END_SIGN if i == lm.vocabulary.end else text or "" for i, text in enumerate(lm.vocabulary.texts)]


def _shown(text: str) -> str:
    return text.replace(task.END, _END_SIGN)


def _law(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (…, V) of logits (…, V)."""
    powers = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def _bits(law: np.ndarray) -> np.ndarray:
    """Entropy of laws (…, V) in bits."""
    return -(law * np.log2(np.maximum(law, 1e-300))).sum(axis=-1)


def _right(problem: str, text: str) -> bool:
    return task.answer(text) == task.value(task.parse(problem))


# ---- what the model sees ------------------------------------------------------------------------


def next_token_view(lm, logits: Callable[[str], np.ndarray], problem: str) -> BudgetView:
    """The law of the next character at each position of a solution, and how open it is.

    ``logits(text)`` → (len(text), V): row i is about the character after the first i + 1.
    """
    solution = task.solve(task.parse(problem)) + task.END
    every = logits(problem + "?" + solution)[len(problem) : -1]
    signs, places = _signs(lm), np.arange(len(solution))
    shown = [i for i, sign in enumerate(signs) if sign]
    index = {_shown(lm_text): i for i, lm_text in enumerate(signs) if lm_text}
    fig, (open_, law_) = figure(2, 1, size=(8.4, 4.8), height_ratios=[1, 1.25])
    open_.set(xlim=(-0.8, len(solution) - 0.2), ylim=(0, math.log2(len(shown))), ylabel="entropy (bits)")
    open_.set_xticks(places, list(_shown(solution)), family="monospace", fontsize=9.5)
    open_.set_title(f"{problem}?   how open is each character of the right solution?")
    open_.grid(axis="x", visible=False)
    law_.set(xlim=(-0.8, len(shown) - 0.2), ylim=(0, 1.12), ylabel="probability", xlabel="next character")
    law_.set_xticks(range(len(shown)), [signs[i] for i in shown], family="monospace", fontsize=9.5)
    law_.grid(axis="x", visible=False)

    def draw(position, temperature, seed):
        laws = _law(every, temperature)
        bits, law = _bits(laws), laws[position]
        colors = np.where(places == position, BAD, MUTED)
        open_.bar(places, bits, color=colors)
        true = index[_shown(solution[position])]
        law_.bar(range(len(shown)), law[shown], color=[GOOD if i == true else MUTED for i in shown])
        written = _shown(solution[:position]) or "nothing yet"
        law_.text(
            0.99,
            0.93,
            f"written so far: {written[-42:]}",
            transform=law_.transAxes,
            ha="right",
            family="monospace",
            fontsize=9,
        )
        best = np.argsort(-law)[:3]
        top = ", ".join(f"{signs[i]} {law[i]:.2f}" for i in best)
        text = (
            f"likeliest next characters: {top}; right is {signs[true]} (blue); "
            f"entropy {bits[position]:.2f} bits, like {2 ** bits[position]:.1f} equal choices"
        )
        return text, Cost(
            lm_positions=len(problem) + 1 + position,
            lm_flops=sequence_flops(lm.model.config, 0, len(problem) + 1 + position),
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        position=options(
            places.tolist(),
            default=int(np.argmax(_bits(_law(every)))),
            label="position",
            names=[f"{i}: {_shown(c)}" for i, c in enumerate(solution)],
        ),
        temperature=options((0.25, 0.5, 1.0, 2.0, 4.0), default=1.0),
    )


# ---- the tree of texts ----------------------------------------------------------------------------


@dataclass
class _Fork:
    """A stretch of text without a fork, and what follows it."""

    text: str
    probability: float = 1.0  # of the first character, given what comes before
    row: int = 0
    start: int = 0
    parent: int = 0  # the row that it leaves
    children: list[_Fork] = field(default_factory=list)


def _forks(texts: Sequence[str], start: int = 0) -> list[_Fork]:
    """The tree of distinct texts, in their order: at every fork the earliest text first."""
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(text[start], []).append(text)
    found = []
    for group in groups.values():
        end = next(
            (i for i in range(start, min(map(len, group))) if len({text[i] for text in group}) > 1),
            min(map(len, group)),
        )
        more = _forks(group, end) if len(group) > 1 else []
        found.append(_Fork(group[0][start:end], start=start, children=more))
    return found


def _rows(forks: list[_Fork], row: int = 0, parent: int = 0) -> int:
    """Give each stretch a row of its own, but let the first one go on in its parent's."""
    for fork in forks:
        fork.row, fork.parent = row, parent
        row = _rows(fork.children, row, row) if fork.children else row + 1
    return row


def _flat(forks: list[_Fork], before: str = ""):
    for fork in forks:
        yield before, fork
        yield from _flat(fork.children, before + fork.text)


def tree_view(
    lm,
    logits: Callable[[str], np.ndarray],
    problem: str,
    found: Sequence[tuple[str, float]],
    high: int = 9,
) -> BudgetView:
    """The likeliest texts as a tree, their exact probabilities, and how often samples hit them.

    ``found`` holds (text, probability), likeliest first. Every character has a column and every
    text a row, so that no two can cover each other.
    """
    exact = dict(found)
    forks = _forks(list(exact))
    rows = _rows(forks)
    columns = max(map(len, exact))
    row_of, signs = {}, _signs(lm)
    fig, (tree, share) = figure(
        1, 2, size=(8.8, 1.2 + 0.235 * (rows + 1)), width_ratios=[3, 1.25], sharey=True
    )
    tree.set(xlim=(-2, columns + 1), ylim=(rows + 0.6, -0.7))
    tree.set_title(f"{problem}?   the {rows} likeliest texts; grey: chance of a turn at its fork")
    tree.axis("off")
    for before, fork in _flat(forks):
        text = before + fork.text
        if not fork.children:
            row_of[text] = fork.row
        color = (GOOD if _right(problem, text.rstrip(task.END)) else BAD) if not fork.children else TRUTH
        if fork.row != fork.parent or (not before and fork.row):
            law = _law(logits(problem + "?" + before)[-1])
            chance = law[signs.index(_shown(fork.text[0]))]
            x = fork.start - 0.25
            tree.plot([x, x, x + 0.2], [fork.parent + 0.35, fork.row, fork.row], color=MUTED, linewidth=0.8)
            label = tree.text(
                x - 0.3, fork.row, f"{chance:.2g}", fontsize=7, color="#5A5A5A", ha="right", va="center"
            )
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
        for i, character in enumerate(_shown(fork.text)):
            tree.text(
                fork.start + i + 0.5,
                fork.row,
                character,
                family="monospace",
                fontsize=9.5,
                color=color,
                ha="center",
                va="center",
            )
    tree.text(0, rows, "… all other texts", fontsize=9, color="#5A5A5A", va="center")
    others = 1 - sum(exact.values())
    for text, p in [*exact.items(), (None, others)]:
        row = row_of.get(text, rows)
        share.plot([p, p], [row - 0.42, row + 0.42], "--", color=TRUTH, linewidth=1.3, zorder=4)
    top = max(max(exact.values()), others)
    share.set(xlim=(0, min(1.0, top * 1.6 + 0.1)), xlabel="share of samples; dashed: exact")
    share.tick_params(left=False, labelleft=False)
    share.grid(axis="y", visible=False)

    @functools.cache
    def texts(n, seed):
        population = sample(lm, problem + "?", n, np.random.default_rng(seed))
        ended = population.particles.finished
        written = Decoder(lm, problem + "?").texts(population.particles)
        return [t + task.END * bool(e) for t, e in zip(written, ended, strict=True)], population.cost

    def draw(samples, seed):
        drawn, cost = texts(samples, seed)
        for text, row in [*row_of.items(), (None, rows)]:
            hits = sum(t not in exact for t in drawn) if text is None else drawn.count(text)
            right = text and _right(problem, text.rstrip(task.END))
            color = MUTED if text is None else GOOD if right else BAD
            share.barh(row, hits / samples, height=0.7, color=color)
        correct = sum(_right(problem, t.rstrip(task.END)) for t in drawn) / samples
        gap = max(abs(drawn.count(t) / samples - p) for t, p in found)
        text = (
            f"{len(set(drawn))} different texts; {correct:.0%} end in the right answer (blue); "
            f"largest gap between a share and its exact probability {gap:.2f}"
        )
        return text, replace(cost, units=samples)

    return BudgetView(fig, draw, samples=powers_of_two(0, high, unit="samples", default=5))


# ---- samplers -------------------------------------------------------------------------------------

CUTS = {
    "none": samplers.plain,
    "top-k, k = 1": samplers.top_k(1),
    "top-k, k = 2": samplers.top_k(2),
    "top-k, k = 5": samplers.top_k(5),
    "top-p, p = 0.5": samplers.top_p(0.5),
    "top-p, p = 0.9": samplers.top_p(0.9),
    "top-p, p = 0.99": samplers.top_p(0.99),
    "min-p, p = 0.5": samplers.min_p(0.5),
    "min-p, p = 0.1": samplers.min_p(0.1),
    "min-p, p = 0.01": samplers.min_p(0.01),
}


def cut_view(lm, logits: Callable[[str], np.ndarray], texts: dict[str, str], show: int = 12) -> BudgetView:
    """What temperature and a cut make of two laws: one sure, one open.

    ``texts`` maps a title to the text whose next character is asked for.
    """
    signs = _signs(lm)
    laws = {title: _law(logits(text)[-1]) for title, text in texts.items()}
    fig, axes = figure(1, len(texts), size=(8.6, 3.4), sharey=True)
    for ax, (title, law) in zip(axes, laws.items(), strict=True):
        order = np.argsort(-law)[:show]
        ax.bar(range(show), law[order], width=0.85, color="#D0D0D0", label="the model's law")
        ax.bar([], [], color=GOOD, label="what is drawn from")
        ax.set(yscale="log", ylim=(1e-4, 2.5), xlim=(-0.7, show - 0.3), xlabel="next character", title=title)
        ax.set_xticks(range(show), [signs[i] for i in order], family="monospace", fontsize=9.5)
        ax.grid(axis="x", visible=False)
        ax.axhline(1.0, color=MUTED, linewidth=0.6)
    axes[0].set_ylabel("probability")
    axes[-1].legend(loc="upper right")

    def draw(temperature, cut, seed):
        change = samplers.chain(samplers.temperature(temperature), CUTS[cut])
        said = []
        for ax, (title, law) in zip(axes, laws.items(), strict=True):
            with np.errstate(divide="ignore"):
                new = np.exp(change(np.log(law)[None])[0])
            order = np.argsort(-law)[:show]
            ax.bar(range(show), new[order], width=0.45, color=GOOD)
            said.append(
                f"{title}: {np.count_nonzero(new > 0)} characters left, the likeliest {new.max():.2f}"
            )
        return "; ".join(said)

    return BudgetView(
        fig,
        draw,
        luck=False,
        temperature=options((0.25, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0), default=1.0),
        cut=options(list(CUTS), default="top-p, p = 0.9", label="then cut"),
    )


# ---- votes ----------------------------------------------------------------------------------------


def _typed_problem(text: str) -> str:
    return task.write(task.check_problem(text))


def votes_view(lm, problem: str, high: int = 8, show: int = 8) -> BudgetView:
    """The answers of n samples to a problem of your own, counted."""
    fig, ax = figure(size=(8.0, 3.5))
    ax.set(xlim=(0, 1), ylim=(show - 0.4, -0.6), xlabel="share of the votes", ylabel="answer")
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)

    @functools.cache
    def answers(typed, n, temperature, seed):
        law = samplers.temperature(temperature)
        population = sample(lm, typed + "?", n, np.random.default_rng(seed), sampler=law)
        texts = Decoder(lm, typed + "?").texts(population.particles)
        return [task.answer(text) for text in texts], population.cost

    def draw(problem, samples, temperature, seed):
        given, cost = answers(problem, samples, temperature, seed)
        right = task.value(task.parse(problem))
        counted = sorted(votes(given).items(), key=lambda item: -item[1])
        for row, (answer, count) in enumerate(counted[:show]):
            ax.barh(row, count / samples, height=0.72, color=GOOD if answer == right else BAD)
            name = "no answer" if answer is None else f"{answer}"
            ax.text(count / samples + 0.01, row, f"{name}  ({count:.0f})", va="center", fontsize=9)
        if len(counted) > show:
            more = sum(count for _, count in counted[show:])
            line = f"and {len(counted) - show} more answers with {more:.0f} votes"
            ax.text(0.98, 0.04, line, transform=ax.transAxes, ha="right", color="#5A5A5A", fontsize=9)
        line = f"{problem} = {right}"
        ax.text(0.98, 0.93, line, transform=ax.transAxes, ha="right", family="monospace", color=GOOD)
        share, chosen = given.count(right) / samples, majority(given)
        text = (
            f"{len(counted)} different answers; the majority says {chosen}, "
            f"which is {'right' if chosen == right else 'wrong'}; {share:.0%} of the samples are right"
        )
        return text, replace(cost, units=samples)

    return BudgetView(
        fig,
        draw,
        problem=entry(_typed_problem, problem),
        samples=powers_of_two(0, high, unit="samples", default=4),
        temperature=options((0.25, 0.5, 0.7, 1.0, 1.5, 2.0), default=1.0),
    )


def fed_positions(prompt: str, texts: Sequence[str]) -> list[int]:
    """Context length of every position that is fed to draw these texts, each shared beginning once.

    The prompt is fed, then every different beginning of a text. A character is fed so that the next
    one can be drawn; the end is not.
    """
    beginnings = {text[:i] for text in texts for i in range(1, len(text) + 1)}
    return [*range(1, len(prompt) + 1), *(len(prompt) + len(beginning) for beginning in beginnings)]


def _spent(config, prompts: Sequence[str], texts: Sequence[Sequence[str]]) -> Cost:
    """What drawing these texts costs: a list of texts for each prompt."""
    a, b = coefficients(config)
    contexts = [c for prompt, mine in zip(prompts, texts, strict=True) for c in fed_positions(prompt, mine)]
    return Cost(
        units=sum(map(len, texts)),
        lm_tokens=sum(len(text) + 1 for mine in texts for text in mine),
        lm_positions=len(contexts),
        lm_flops=float(a * len(contexts) + b * sum(contexts)),
    )


def _with_band(ax, x, values: np.ndarray, color: str, label: str | None = None) -> None:
    """Mean over problems (problems, k), with two standard errors to each side."""
    mean, error = values.mean(axis=0), 2 * values.std(axis=0, ddof=1) / math.sqrt(len(values))
    ax.fill_between(x, mean - error, mean + error, color=color, alpha=0.2, linewidth=0)
    ax.plot(x, mean, "o-", color=color, markersize=3.5, label=label)


def samples_view(
    lm, groups: dict[str, Sequence[str]], texts: dict[str, Sequence[Sequence[str]]], high: int = 6
) -> BudgetView:
    """Pass@k and majority against the number of samples, for groups of problems; and the bill.

    ``texts[name][i]`` are the 2^high solutions of problem ``groups[name][i]``; a budget of n looks at
    the first n.
    """
    given = {name: [[task.answer(t) for t in mine] for mine in rows] for name, rows in texts.items()}
    right = {name: [task.value(task.parse(p)) for p in problems] for name, problems in groups.items()}
    budgets = [2**k for k in range(high + 1)]
    fig, axes = figure(2, 3, size=(8.8, 5.6))
    for ax, name in zip(axes[0], groups, strict=True):
        ax.set(xscale="log", xlim=(0.8, 2**high * 1.25), ylim=(0, 1.04), xlabel="samples k", title=name)
        ax.set_xticks(budgets[::2], [str(k) for k in budgets[::2]])
        ax.minorticks_off()
    axes[0][0].set_ylabel("share of problems")
    axes[0][-1].plot([], [], "o-", color=_GREEN, markersize=3.5, label="pass@k: one of k is right")
    axes[0][-1].plot([], [], "o-", color=GOOD, markersize=3.5, label="majority of k is right")
    axes[0][-1].legend(loc="upper left", fontsize=7.5)
    vote, rivals, bill = axes[1]
    vote.plot([0, 1], [0, 1], "--", color=TRUTH, linewidth=1.2)
    vote.set(xlim=(-0.03, 1.03), ylim=(-0.04, 1.04), xlabel="pass@1 of a problem", title="one dot a problem")
    vote.set_ylabel("majority of n is right")
    rivals.set(xscale="log", xlim=(0.8, 2**high * 1.25), xlabel="samples n", title="for each problem")
    rivals.set(ylim=(0, None), ylabel="different answers")
    rivals.set_xticks(budgets[::2], [str(k) for k in budgets[::2]])
    rivals.minorticks_off()
    everything = [(p + "?", mine) for name in groups for p, mine in zip(groups[name], texts[name], strict=True)]
    prompts, drawn = [p for p, _ in everything], [mine for _, mine in everything]
    spent = {n: _spent(lm.model.config, prompts, [mine[:n] for mine in drawn]) for n in budgets}
    most = {name: np.mean([len(set(mine)) for mine in rows]) for name, rows in given.items()}
    rivals.set_ylim(0, 1.15 * max(most.values()))
    bill.set(xscale="log", yscale="log", xlim=(0.8, 2**high * 1.25), xlabel="samples n", title="for each problem")
    bill.set(ylim=(10, spent[budgets[-1]].lm_tokens / len(prompts) * 6))
    bill.set_xticks(budgets[::2], [str(k) for k in budgets[::2]])
    bill.minorticks_off()
    bill.plot([], [], "o-", color=BAD, markersize=3.5, label="tokens generated")
    bill.plot([], [], "o-", color=GOOD, markersize=3.5, label="positions fed")
    bill.legend(loc="upper left", fontsize=7.5)
    colors = dict(zip(groups, (COLORS[4], COLORS[1], COLORS[3]), strict=False))

    def draw(samples, seed):
        ks, said = [k for k in budgets if k <= samples], []
        for ax, name in zip(axes[0], groups, strict=True):
            first = [mine[:samples] for mine in given[name]]
            correct = np.array([[a == r for a in mine] for mine, r in zip(first, right[name], strict=True)])
            passed = np.atleast_2d(pass_at_k(correct, ks))
            voted = np.array([majority_at_k(m, r, ks) for m, r in zip(first, right[name], strict=True)])
            _with_band(ax, ks, passed, _GREEN)
            _with_band(ax, ks, voted, GOOD)
            vote.plot(correct.mean(axis=1), voted[:, -1], "o", color=colors[name], markersize=4, alpha=0.8)
            kinds = [np.mean([len(set(m[:k])) for m in given[name]]) for k in ks]
            rivals.plot(ks, kinds, "o-", color=colors[name], markersize=3.5)
            rivals.text(ks[-1], kinds[-1], f" {name.split(' ')[0]}", color="#404040", fontsize=8, va="bottom", ha="right")
            said.append(f"{name} pass {passed.mean(axis=0)[-1]:.2f}, majority {voted.mean(axis=0)[-1]:.2f}")
        for what, color in (("lm_tokens", BAD), ("lm_positions", GOOD)):
            bill.plot(ks, [getattr(spent[k], what) / len(prompts) for k in ks], "o-", color=color, markersize=3.5)
        return f"with {samples} samples: " + "; ".join(said), spent[samples]

    return BudgetView(
        fig, draw, luck=False, samples=powers_of_two(0, high, unit="samples", default=high - 2)
    )
