"""Pictures of notebook 05: what comes next, samples, votes, what a text costs."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from ttclib.cost import Cost, readable
from ttclib.course.small_language_model import answers, cuts
from ttclib.course.small_language_model.flops import sequence_flops
from ttclib.lm import arithmetic, samplers, tokenizer
from ttclib.lm.decoding import Decoder, sample
from ttclib.lm.flops import coefficients
from ttclib.measure import bootstrap
from ttclib.measure.votes import majority, majority_at_k, pass_at_k, votes
from ttclib.show.live import LiveView
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

_END_SIGN = "⏎"  # how the end of a text is written
_GREEN = COLORS[2]
_LONGEST = 90  # characters that a solution is given; room not used costs memory


def _signs(lm) -> list[str]:
    """How each token is written; the padding is not."""
    return [
        _END_SIGN if i == lm.vocabulary.end else text or ""
        for i, text in enumerate(lm.vocabulary.texts)
    ]


def _shown(text: str) -> str:
    return text.replace(arithmetic.END, _END_SIGN)


def _softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (…, V) of logits (…, V)."""
    powers = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def _value(problem: str) -> int:
    return arithmetic.value(arithmetic.parse(problem))


def _right(problem: str, text: str) -> bool:
    return arithmetic.answer(text.rstrip(arithmetic.END)) == _value(problem)


def _typed_problem(text: str) -> str:
    return arithmetic.write(arithmetic.check_problem(text))


def _solutions(lm) -> Callable[..., tuple[list[str], Cost]]:
    """``drawn(problem, n, seed, temperature=1.0)`` → n solutions with their ends, and the cost.

    Each setting is drawn once.
    """

    @functools.cache
    def drawn(problem, n, seed, temperature=1.0):
        how = {"sampler": samplers.temperature(temperature), "max_tokens": _LONGEST}
        population = sample(lm, problem + "?", n, np.random.default_rng(seed), **how)
        written = Decoder(lm, problem + "?").texts(population.particles)
        ended = zip(written, population.particles.finished, strict=True)
        return [text + arithmetic.END * bool(end) for text, end in ended], population.cost

    return drawn


# ---- what the model writes -----------------------------------------------------------------------


def typed_view(lm, problem: str, high: int = 8, show: int = 8) -> BudgetView:
    """The solutions that the model writes to a problem of your own, and how many end right."""
    fig, (share, words) = figure(1, 2, size=(8.8, 3.3), width_ratios=[1, 3.2], sharey=True)
    share.set(xlim=(0, 1), ylim=(show + 0.6, -0.7), xlabel="share of solutions")
    share.set_title("how often")
    share.tick_params(left=False, labelleft=False)
    share.grid(axis="y", visible=False)
    words.set(xlim=(0, 1), title="what is written; ✓ ends in the right answer")
    words.axis("off")
    mono = {"family": "monospace", "fontsize": 8, "va": "center"}
    drawn = _solutions(lm)

    def draw(problem, samples, seed):
        texts, cost = drawn(problem, samples, seed)
        counted = Counter(texts).most_common()
        for row, (text, count) in enumerate(counted[:show]):
            color = GOOD if _right(problem, text) else BAD
            mark = "✓" if color == GOOD else "✗"
            share.barh(row, count / samples, height=0.7, color=color)
            words.text(0, row, literal(f"{mark} {_shown(text)}"), color=ink(color), **mono)
        if rest := counted[show:]:
            missed = sum(count for _, count in rest)
            share.barh(show, missed / samples, height=0.7, color=MUTED)
            others = "1 other solution" if len(rest) == 1 else f"{len(rest)} other solutions"
            words.text(0, show, f"… {others}", color="#5A5A5A", **mono)
        correct = sum(_right(problem, text) for text in texts)
        text = (
            f"{problem} = {_value(problem)}: {correct} of {samples} solutions end in the right "
            f"answer; {len(counted)} different solutions"
        )
        return text, replace(cost, units=samples)

    return BudgetView(
        fig,
        draw,
        problem=entry(_typed_problem, problem),
        samples=powers_of_two(0, high, unit="solutions", default=min(5, high)),
    )


# ---- what the model sees -------------------------------------------------------------------------


def next_token_view(lm, logits: Callable[[str], np.ndarray], problem: str) -> BudgetView:
    """The distribution of the next character along a solution, and how open it is.

    ``logits(text)`` → (len(text), V): row i is about the character after the first i + 1.
    """
    solution = arithmetic.solve(arithmetic.parse(problem)) + arithmetic.END
    rows = logits(problem + "?" + solution)[len(problem) : -1]
    signs = _signs(lm)
    known = [i for i, sign in enumerate(signs) if sign]
    written = _shown(solution)
    places = np.arange(len(solution))
    mono = {"family": "monospace", "fontsize": 9.5}
    fig, (entropy, chances) = figure(2, 1, size=(8.4, 4.8), height_ratios=[1, 1.25])
    entropy.set(xlim=(-0.8, len(solution) - 0.2), ylim=(0, math.log2(len(known))))
    entropy.set(ylabel="entropy (bits)")
    entropy.set_xticks(places, list(written), **mono)
    entropy.set_xlabel("the right solution, character by character")
    entropy.set_title(f"{problem}?   how open is each character of the right solution?")
    chances.set(xlim=(-0.8, len(known) - 0.2), ylim=(0, 1.12))
    chances.set(ylabel="probability", xlabel="next character")
    chances.set_xticks(range(len(known)), [literal(signs[i], 12) for i in known], **mono)
    for ax in (entropy, chances):
        ax.grid(axis="x", visible=False)

    def draw(position, temperature, seed):
        every = _softmax(rows, temperature)
        bits = answers.entropy(every)
        probs = every[position]
        true = signs.index(written[position])
        entropy.bar(places, bits, color=np.where(places == position, BAD, MUTED))
        colors = [GOOD if i == true else MUTED for i in known]
        chances.bar(range(len(known)), probs[known], color=colors)
        begun = f"written so far: {(written[:position] or 'nothing yet')[-42:]}"
        corner = {"transform": chances.transAxes, "ha": "right", "family": "monospace"}
        chances.text(0.99, 0.93, begun, **corner, fontsize=9)
        likeliest = sorted(known, key=lambda i: -probs[i])[:3]
        top = ", ".join(f"{signs[i]} {probs[i]:.2f}" for i in likeliest)
        text = (
            f"likeliest next characters: {top}; right is {signs[true]} (blue); "
            f"entropy {bits[position]:.2f} bits, like {2 ** bits[position]:.1f} equal choices"
        )
        read = len(problem) + 1 + position
        return text, Cost(lm_positions=read, lm_flops=sequence_flops(lm.model.config, 0, read))

    names = [f"{i}: {sign}" for i, sign in enumerate(written)]
    openest = int(np.argmax(answers.entropy(_softmax(rows))))
    return BudgetView(
        fig,
        draw,
        luck=False,
        position=options(places.tolist(), default=openest, label="position", names=names),
        temperature=options((0.25, 0.5, 1.0, 2.0, 4.0), default=1.0),
    )


# ---- the tree of texts ---------------------------------------------------------------------------


@dataclass
class _Fork:
    """A stretch of text without a fork, and what follows it."""

    text: str
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
        end = _shared(group)
        more = _forks(group, end) if len(group) > 1 else []
        found.append(_Fork(group[0][start:end], start=start, children=more))
    return found


def _shared(texts: Sequence[str]) -> int:
    """How many characters the texts have in common at their beginning."""
    places = zip(*texts, strict=False)  # as long as the shortest text
    return sum(1 for _ in itertools.takewhile(lambda signs: len(set(signs)) == 1, places))


def _rows(forks: list[_Fork], row: int = 0, parent: int = 0) -> int:
    """Give each stretch a row of its own, but let the first one go on in its parent's."""
    for fork in forks:
        fork.row = row
        fork.parent = parent
        row = _rows(fork.children, row, row) if fork.children else row + 1
    return row


def _flat(forks: list[_Fork], before: str = ""):
    for fork in forks:
        yield before, fork
        yield from _flat(fork.children, before + fork.text)


def _aside(forks: list[_Fork], place: float = 0.0) -> dict[int, float]:
    """How far to the side the chance above a stretch is written, by the id of the stretch.

    Chances above two characters that stand side by side would touch, so they step apart.
    """
    found = {}
    for fork in forks:
        short = bool(fork.children) and len(fork.text) == 1  # the next chance is beside it
        found[id(fork)] = place - 0.3 * short
        if fork.children:
            found |= _aside(fork.children[:1], 0.3 * short) | _aside(fork.children[1:])
        place = 0.0
    return found


def _draw_turn(ax, fork: _Fork, chance: float, aside: float) -> None:
    """The way from a fork to one of its characters, and how likely the model takes it."""
    label = f"{chance:.2f}".lstrip("0") if chance >= 0.01 else "<.01"
    style = {"fontsize": 6.5, "color": "#5A5A5A"}
    if fork.row == fork.parent:  # straight on: written above the character
        x = fork.start + 0.5 + aside
        ax.text(x, fork.row - 0.3, label, ha="center", va="bottom", **style)
        return
    x = fork.start - 0.25
    ax.plot([x, x, x + 0.2], [fork.parent + 0.35, fork.row, fork.row], color=MUTED, linewidth=0.8)
    text = ax.text(x - 0.3, fork.row, label, ha="right", va="center", **style)
    text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})


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
    others = 1 - sum(exact.values())
    forks = _forks(list(exact))
    rows = _rows(forks)
    size = (8.8, 1.2 + 0.27 * (rows + 1))
    fig, (tree, share) = figure(1, 2, size=size, width_ratios=[3, 1.25], sharey=True)
    tree.set(xlim=(-2, max(map(len, exact)) + 2), ylim=(rows + 0.6, -0.9))
    tree.set_title(f"{problem}?   the {rows} likeliest texts, ✓ right; grey: chance of a turn")
    tree.axis("off")
    row_of = _draw_tree(tree, lm, logits, problem, forks)
    tree.text(0, rows, "… all other texts", fontsize=9, color="#5A5A5A", va="center")
    for p, row in [*((exact[text], row_of[text]) for text in exact), (others, rows)]:
        share.plot([p, p], [row - 0.42, row + 0.42], "--", color=TRUTH, linewidth=1.3, zorder=4)
    top = max(max(exact.values()), others)
    share.set(xlim=(0, min(1.0, top * 1.6 + 0.1)), xlabel="share of samples; dashed: exact")
    share.tick_params(left=False, labelleft=False)
    share.grid(axis="y", visible=False)

    drawn = _solutions(lm)

    def draw(samples, seed):
        texts, cost = drawn(problem, samples, seed)
        shares = {text: texts.count(text) / samples for text in exact}
        for text, row in row_of.items():
            color = GOOD if _right(problem, text) else BAD
            share.barh(row, shares[text], height=0.7, color=color)
        missed = sum(text not in exact for text in texts) / samples
        share.barh(rows, missed, height=0.7, color=MUTED)
        correct = sum(_right(problem, text) for text in texts) / samples
        gap = max(abs(shares[text] - p) for text, p in exact.items())
        text = (
            f"{len(set(texts))} different texts; {correct:.0%} end in the right answer (blue); "
            f"largest gap between a share and its exact probability {gap:.2f}"
        )
        return text, replace(cost, units=samples)

    return BudgetView(fig, draw, samples=powers_of_two(0, high, unit="samples", default=5))


def _draw_tree(ax, lm, logits: Callable, problem: str, forks: list[_Fork]) -> dict[str, int]:
    """Write every stretch at its place, and the chance of every turn; return each text's row."""
    signs = _signs(lm)
    row_of = {}
    aside = _aside(forks)
    mono = {"family": "monospace", "ha": "center", "va": "center", "fontsize": 9.5}
    for before, fork in _flat(forks):
        color = TRUTH
        if not fork.children:
            whole = before + fork.text
            row_of[whole] = fork.row
            color = GOOD if _right(problem, whole) else BAD
            mark = "✓" if color == GOOD else "✗"  # not by colour alone
            ax.text(len(whole) + 1.3, fork.row, mark, color=ink(color), **mono)
        for x, sign in enumerate(_shown(fork.text), fork.start):
            ax.text(x + 0.5, fork.row, literal(sign), color=ink(color), **mono)
        if before or len(forks) > 1:
            probs = _softmax(logits(problem + "?" + before)[-1])
            _draw_turn(ax, fork, probs[signs.index(_shown(fork.text[0]))], aside[id(fork)])
    return row_of


# ---- samplers ------------------------------------------------------------------------------------

CUTS = {
    "none": samplers.plain,
    "top-k, k = 1": cuts.top_k(1),
    "top-k, k = 2": cuts.top_k(2),
    "top-k, k = 5": cuts.top_k(5),
    "top-p, p = 0.5": cuts.top_p(0.5),
    "top-p, p = 0.9": cuts.top_p(0.9),
    "top-p, p = 0.99": cuts.top_p(0.99),
    "min-p, p = 0.5": cuts.min_p(0.5),
    "min-p, p = 0.1": cuts.min_p(0.1),
    "min-p, p = 0.01": cuts.min_p(0.01),
}


def cut_view(
    lm, logits: Callable[[str], np.ndarray], texts: dict[str, str], show: int = 12
) -> BudgetView:
    """What temperature and a cut make of two distributions: one sure, one open.

    ``texts`` maps a title to the text whose next character is asked for.
    """
    signs = _signs(lm)
    known = [i for i, sign in enumerate(signs) if sign]
    given = {title: _softmax(logits(text)[-1]) for title, text in texts.items()}
    best = {title: np.argsort(-probs, kind="stable")[:show] for title, probs in given.items()}
    fig, axes = figure(1, len(texts), size=(8.6, 3.4), sharey=True)
    for ax, (title, probs) in zip(axes, given.items(), strict=True):
        order = best[title]
        ax.bar(range(show), probs[order], width=0.85, color="#D0D0D0", label="the model itself")
        ax.bar([], [], color=GOOD, label="what is drawn from")
        ax.set(yscale="log", ylim=(1e-4, 2.5), xlim=(-0.7, show - 0.3))
        ax.set(xlabel="next character", title=literal(title))
        written = [literal(signs[i], 12) for i in order]
        ax.set_xticks(range(show), written, family="monospace", fontsize=9.5)
        ax.grid(axis="x", visible=False)
        ax.axhline(1.0, color=MUTED, linewidth=0.6)
    axes[0].set_ylabel("probability")
    axes[-1].legend(loc="upper right")

    def draw(temperature, cut, seed):
        change = cuts.chain(samplers.temperature(temperature), CUTS[cut])
        said = []
        for ax, (title, probs) in zip(axes, given.items(), strict=True):
            with np.errstate(divide="ignore"):
                new = np.exp(change(np.log(probs)[None])[0])
            ax.bar(range(show), new[best[title]], width=0.45, color=GOOD)
            left = np.count_nonzero(new[known])
            said.append(f"{title}: {left} of {len(known)} left, the likeliest {new.max():.2f}")
        return "; ".join(said)

    return BudgetView(
        fig,
        draw,
        luck=False,
        temperature=options((0.25, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0), default=1.0),
        cut=choice(list(CUTS), default="top-p, p = 0.9", label="then cut"),
    )


# ---- votes ---------------------------------------------------------------------------------------


def votes_view(lm, problem: str, high: int = 8, show: int = 8) -> BudgetView:
    """The answers of n samples to a problem of your own, counted."""
    fig, ax = figure(size=(8.0, 3.5))
    ax.set(xlim=(0, 1.2), ylim=(show - 0.4, -0.6), xlabel="share of the votes", ylabel="answer")
    ax.set_xticks(np.linspace(0, 1, 6))  # beyond 1 there is only room for the name of an answer
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)

    drawn = _solutions(lm)

    def draw(problem, samples, temperature, seed):
        texts, cost = drawn(problem, samples, seed, temperature)
        given = [arithmetic.answer(text) for text in texts]
        right = _value(problem)
        counted = sorted(votes(given).items(), key=lambda item: -item[1])
        corner = {"transform": ax.transAxes, "ha": "right"}
        for row, (answer, count) in enumerate(counted[:show]):
            ax.barh(row, count / samples, height=0.72, color=GOOD if answer == right else BAD)
            name = "no answer" if answer is None else f"{answer}{' ✓' * (answer == right)}"
            ax.text(count / samples + 0.01, row, f"{name}  ({count:.0f})", va="center", fontsize=9)
        ax.text(0.98, 0.22, f"{problem} = {right}", **corner, family="monospace", color=ink(GOOD))
        # few samples often vote alike at several temperatures: the picture says which one it shows
        ax.text(0.98, 0.13, f"{samples} samples at temperature {temperature}", **corner, fontsize=9)
        if len(counted) > show:
            more = sum(count for _, count in counted[show:])
            line = f"and {len(counted) - show} more answers with {more:.0f} votes"
            ax.text(0.98, 0.04, line, **corner, color="#5A5A5A", fontsize=9)
        chosen = majority(given)
        most = [f"{answer}" for answer, count in counted if count == dict(counted)[chosen]]
        said = f"the majority says {chosen}"
        if chosen is not None and len(most) > 1:
            said = f"{' and '.join(most)} tie, and the one drawn first counts: {chosen}"
        text = (
            f"{len(counted)} different answers; {said}, "
            f"which is {'right' if chosen == right else 'wrong'}; "
            f"{given.count(right) / samples:.0%} of the samples are right"
        )
        return text, replace(cost, units=samples)

    return BudgetView(
        fig,
        draw,
        problem=entry(_typed_problem, problem),
        samples=powers_of_two(0, high, unit="samples", default=min(4, high)),
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
    contexts = [
        c for prompt, mine in zip(prompts, texts, strict=True) for c in fed_positions(prompt, mine)
    ]
    return Cost(
        units=sum(map(len, texts)),
        lm_tokens=sum(len(text) + 1 for mine in texts for text in mine),
        lm_positions=len(contexts),
        lm_flops=float(a * len(contexts) + b * sum(contexts)),
    )


def _with_band(ax, x, values: np.ndarray, color: str, label=None, style: str = "o-") -> None:
    """Mean over problems (problems, k), and the 95% band of what others might have given."""
    draws = bootstrap.counts(len(values), 1999, np.random.default_rng(0))
    mean, low, high = bootstrap.mean_interval(np.transpose(values), draws)
    ax.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    ax.plot(x, mean, style, color=color, markersize=3.5, label=label)


def _answers(texts: Sequence[Sequence[str]]) -> list[list]:
    """The answer in each text: a list for each problem."""
    return [[arithmetic.answer(text) for text in mine] for mine in texts]


def _voted(problems: Sequence[str], given: Sequence[Sequence], ks: Sequence[int]) -> np.ndarray:
    """How often a majority of k answers is right, (problems, ks)."""
    pairs = zip(given, problems, strict=True)
    return np.array([majority_at_k(mine, _value(problem), ks) for mine, problem in pairs])


def samples_view(
    lm, groups: dict[str, Sequence[str]], texts: dict[str, Sequence[Sequence[str]]], high: int = 6
) -> BudgetView:
    """Pass@k and majority against the number of samples, for groups of problems; and the bill.

    ``texts[name][i]`` are the 2^high solutions of problem ``groups[name][i]``; a budget of n looks
    at the first n.
    """
    given = {name: _answers(texts[name]) for name in groups}
    right = {
        name: np.array(
            [
                [answer == _value(problem) for answer in mine]
                for problem, mine in zip(problems, given[name], strict=True)
            ]
        )
        for name, problems in groups.items()
    }
    budgets = [2**k for k in range(high + 1)]
    prompts = [p + "?" for problems in groups.values() for p in problems]
    drawn = [mine for name in groups for mine in texts[name]]
    spent = {n: _spent(lm.model.config, prompts, [mine[:n] for mine in drawn]) for n in budgets}
    most = max(np.mean([len(set(mine)) for mine in rows]) for rows in given.values())
    # of each group a colour and a shape, as not every reader sees colours
    styles = dict(zip(groups, ((COLORS[4], "o"), (COLORS[1], "s"), (COLORS[3], "^")), strict=False))

    fig, (above, (vote, kinds, bill)) = figure(2, 3, size=(8.8, 5.6))
    for ax, name in zip(above, groups, strict=True):
        counting_axis(ax, budgets, "samples k")
        ax.set(ylim=(0, 1.04), title=literal(name))
    above[0].set_ylabel("share of problems")
    above[-1].plot([], [], "o-", color=_GREEN, markersize=3.5, label="pass@k: one of k is right")
    above[-1].plot([], [], "s--", color=GOOD, markersize=3.5, label="majority of k is right")
    above[-1].legend(loc="upper left", fontsize=7.5)
    vote.plot([0, 1], [0, 1], "--", color=TRUTH, linewidth=1.2)
    for name, (color, shape) in styles.items():
        vote.plot([], [], shape, color=color, markersize=5, label=literal(name))
    vote.legend(loc="lower right", fontsize=7.5)
    vote.set(xlim=(-0.03, 1.03), ylim=(-0.04, 1.04), title="one dot a problem")
    vote.set(xlabel="share of samples right", ylabel="majority of n right")
    counting_axis(kinds, budgets, "samples n")
    kinds.set(ylim=(0, 1.15 * most), ylabel="different answers", title="for each problem")
    counting_axis(bill, budgets, "samples n")
    bill.set(yscale="log", ylim=(10, 6 * spent[budgets[-1]].lm_tokens / len(prompts)))
    bill.set(title="for each problem")
    bill.plot([], [], "o-", color=BAD, markersize=3.5, label="characters drawn")
    bill.plot([], [], "s--", color=GOOD, markersize=3.5, label="positions fed")
    bill.legend(loc="upper left", fontsize=7.5)

    def draw(samples, seed):
        ks = [k for k in budgets if k <= samples]
        said = []
        for ax, (name, problems) in zip(above, groups.items(), strict=True):
            first = [mine[:samples] for mine in given[name]]
            correct = right[name][:, :samples]
            passed = pass_at_k(correct, ks)
            voted = _voted(problems, first, ks)
            _with_band(ax, ks, passed, _GREEN)
            _with_band(ax, ks, voted, GOOD, style="s--")
            color, shape = styles[name]
            dots = {"color": color, "markersize": 5, "alpha": 0.8}
            vote.plot(correct.mean(axis=1), voted[:, -1], shape, **dots)
            different = [np.mean([len(set(mine[:k])) for mine in first]) for k in ks]
            kinds.plot(ks, different, f"{shape}-", color=color, markersize=4.5)
            solved, chosen = passed[:, -1].mean(), voted[:, -1].mean()
            said.append(f"{name} pass@{samples} {solved:.2f}, majority {chosen:.2f}")
        for what, color, style in (("lm_tokens", BAD, "o-"), ("lm_positions", GOOD, "s--")):
            amounts = [getattr(spent[k], what) / len(prompts) for k in ks]
            bill.plot(ks, amounts, style, color=color, markersize=3.5)
        return "; ".join(said), spent[samples]

    samples = powers_of_two(0, high, unit="samples", default=high - 2)
    return BudgetView(fig, draw, luck=False, samples=samples)


# ---- beams ---------------------------------------------------------------------------------------


def beam_picture(
    widths: Sequence[int],
    log_probs: np.ndarray,
    right: np.ndarray,
    positions: Sequence[float],
    problems: Sequence[str],
    texts: Sequence[Sequence[str]],
) -> Picture:
    """What a wider beam gains: in log probability, and in right answers beside a majority vote.

    Parameters
    ----------
    log_probs, right : arrays, shape (widths, problems)
        Of the likeliest solution found at each width; the first width is 1.
    positions : sequence of float
        Positions fed for each problem, at each width.
    problems, texts : sequences
        And independent solutions of each, for the vote.
    """
    ks = [2**k for k in range(int(math.log2(len(texts[0]))) + 1)]
    voted = _voted(problems, _answers(texts), ks)
    pairs = list(zip(problems, texts, strict=True))
    fed = [np.mean([len(fed_positions(p + "?", mine[:k])) for p, mine in pairs]) for k in ks]
    fig, (likely, good) = figure(1, 2, size=(8.6, 3.5))
    _with_band(likely, widths, (log_probs - log_probs[0]).T, BAD)
    truth(likely, 0.0)
    counting_axis(likely, widths, "beam width")
    likely.set(ylabel="gain in log probability (nats)", title="a wider beam finds likelier texts …")
    _with_band(good, positions, right.T, BAD, "beam search, widths " + ", ".join(map(str, widths)))
    _with_band(good, fed, voted, GOOD, f"majority of 1 to {ks[-1]} samples", "s--")
    good.set(xscale="log", ylim=(0, 1), xlabel="positions fed for each problem")
    good.set(ylabel="share right", title="… but not better answers")
    good.set_xticks([64, 128, 256, 512], ["64", "128", "256", "512"])
    good.minorticks_off()
    good.legend(loc="upper left")
    gain = (log_probs[-1] - log_probs[0]).mean()
    return Picture(
        fig,
        f"width {widths[-1]} against width 1: log probability {gain:+.2f} nats; right answers "
        f"{right[-1].mean():.2f} against {right[0].mean():.2f}; "
        f"majority of {ks[-1]} samples {voted[:, -1].mean():.2f}",
    )


# ---- what a text costs ---------------------------------------------------------------------------


def cache_view(config, text_flops: Callable, prompt: int = 16, high: int = 10) -> BudgetView:
    """FLOPs of writing a text, with and without a cache of what was read.

    ``text_flops(a, b, prompt, tokens)`` are those with a cache.
    """
    budgets = [2**k for k in range(high + 1)]
    a, b = coefficients(config)
    with_cache = {t: text_flops(a, b, prompt, t) for t in budgets}
    one_by_one = np.cumsum([sequence_flops(config, 0, prompt + t) for t in range(budgets[-1])])
    again = {t: float(one_by_one[t - 1]) for t in budgets}
    matrices = {t: a * (prompt + t - 1) for t in budgets}
    fig, ax = figure(size=(7.6, 3.6))
    counting_axis(ax, budgets, f"characters written after a prompt of {prompt}")
    ax.set(yscale="log", ylim=(with_cache[1] / 2, again[budgets[-1]] * 4), ylabel="FLOPs")
    ways = (
        (again, "o-", BAD, "all read again for every character"),
        (with_cache, "s-", GOOD, "with a cache"),
        (matrices, "--", MUTED, "of which matrices of weights; the rest is attention"),
    )
    for _, style, color, label in ways:
        ax.plot([], [], style, color=color, markersize=4, label=label)
    ax.legend(loc="upper left")

    def draw(characters, seed):
        seen = [t for t in budgets if t <= characters]
        for flops, style, color, _ in ways:
            ax.plot(seen, [flops[t] for t in seen], style, color=color, markersize=4)
        cached = with_cache[characters]
        fed = prompt + characters - 1
        text = (
            f"{fed:,} positions fed; reading all again would take "
            f"{again[characters] / cached:.0f} times the FLOPs; "
            f"attention is {1 - matrices[characters] / cached:.0%} of the work"
        )
        return text, Cost(units=characters, lm_positions=fed, lm_flops=float(cached))

    characters = powers_of_two(0, high, unit="characters", default=min(5, high))
    return BudgetView(fig, draw, luck=False, characters=characters)


def speed_picture(
    batches: Sequence[int], cached: Sequence[float], again: Sequence[float], best: float
) -> Picture:
    """Tokens a second against the number of texts, beside a matrix product of the same FLOPs."""
    fig, ax = figure(size=(7.6, 3.4))
    truth(ax, best, "a matrix product of the same FLOPs")
    ax.plot(batches, cached, "s-", color=GOOD, markersize=4, label="with a cache")
    ax.plot(batches, again, "o-", color=BAD, markersize=4, label="all read again")
    counting_axis(ax, batches, "texts written together")
    ax.set(yscale="log", ylim=(min(again) / 2, best * 3), ylabel="characters a second")
    fig.legend(loc="outside right center")
    pairs = zip(batches, cached, again, strict=True)
    rates = "; ".join(
        f"{n} at once {readable(c)}, all read again {readable(u)}" for n, c, u in pairs
    )
    return Picture(fig, f"characters a second: {rates}; a matrix product could do {readable(best)}")


# ---- training ------------------------------------------------------------------------------------

# of each stage its colour and its shape
_STAGES = {
    "has the form": (COLORS[4], "^-"),
    "copies a sum": (COLORS[1], "s-"),
    "is right": (GOOD, "o-"),
}
_FORM = re.compile(r"(\d+[-+*]\d+=\d+;)+#\d+")


def stages(problem: str, text: str) -> tuple[bool, bool, bool]:
    """Whether a solution has the right form, begins with a sum of the problem, and is right."""
    sums = arithmetic.reducible(arithmetic.parse(problem))
    possible = {arithmetic.write(operation) for operation, _ in sums}
    formed = bool(_FORM.fullmatch(text))
    return formed, text.partition("=")[0] in possible, formed and _right(problem, text)


class TrainingView(LiveView):
    """Watch a model learn: the loss, and what it writes now.

    Call it after each step as ``watch(step, loss, model)``. It redraws every few steps.

    Parameters
    ----------
    steps : int
        How many there will be.
    problems : sequence of str
        That the model does not train on.
    solve : callable
        ``solve(model, problems)`` → its greedy solutions.
    every : int
        Steps from one picture to the next.
    """

    SHOWN = 2  # problems, with their solutions

    def __init__(self, steps: int, problems: Sequence[str], solve: Callable, every: int = 15):
        self._steps = steps
        self._problems = list(problems)
        self._solve = solve
        self._every = every
        self.losses: list[float] = []
        # step, and the shares that have the form, copy a sum, are right
        self.scores: list[tuple[int, float, float, float]] = []
        self.written: list[tuple[int, list[str]]] = []
        fig, self._axes = self._still()
        super().__init__(fig, steps)

    def __call__(self, step: int, loss: float, model) -> None:
        """Take note of a step."""
        self.losses.append(loss)
        self.advance()
        if step == 1 or step % self._every == 0 or step == self._steps:
            texts = self._solve(model, self._problems)
            marks = [
                stages(problem, text) for problem, text in zip(self._problems, texts, strict=True)
            ]
            self.scores.append((step, *np.mean(marks, axis=0)))
            self.written.append((step, texts[: self.SHOWN]))
            self.redraw(self._artists(), self._said(), loss)

    def _still(self) -> tuple[Figure, np.ndarray]:
        fig, axes = figure(1, 3, size=(8.8, 3.6), width_ratios=[1, 1, 1.25])
        loss, score, words = axes
        known = len(tokenizer.VOCABULARY)
        truth(loss, math.log(known), f"knows nothing: ln {known}")
        loss.set(xlim=(0, self._steps), ylim=(0, 4), xlabel="step", title="loss (nats a character)")
        loss.legend(loc="upper right", fontsize=7.5)
        for label, (color, style) in _STAGES.items():
            score.plot([], [], style, color=color, markersize=3, label=label)
        score.set(
            xlim=(0, self._steps), ylim=(0, 1.04), xlabel="step", title="share of new problems"
        )
        score.legend(loc="lower right", fontsize=7.5)
        words.axis("off")
        words.set(xlim=(0, 1), ylim=(0, 1), title="what it writes")
        return fig, axes

    def _artists(self) -> Iterator[Artist]:
        loss, score, words = self._axes
        steps = np.arange(1, len(self.losses) + 1)
        yield from loss.plot(steps, self.losses, color=GOOD, linewidth=1)
        at, *shares = np.array(self.scores).T
        for share, (color, style) in zip(shares, _STAGES.values(), strict=True):
            yield from score.plot(at, share, style, color=color, markersize=3)
        style = {"family": "monospace", "fontsize": 7.5}
        rows = _spread(self.written, 12 // self.SHOWN)
        for line, (step, texts) in enumerate(rows):
            for j, (problem, text) in enumerate(zip(self._problems, texts, strict=False)):
                y = 1 - (line * self.SHOWN + j + 0.7) / (len(rows) * self.SHOWN + 0.4)
                right = _right(problem, text)
                color = GOOD if right else BAD
                written = f"{'✓' if right else '✗'} {_shown(text)[:22]}"
                asked = f"{step if j == 0 else '':>4} {problem}?"
                yield words.text(0, y, asked, **style)
                yield words.text(0.4, y, literal(written), color=ink(color), **style)

    def _said(self) -> str:
        step, form, copy, right = self.scores[-1]
        return (
            f"after {step:.0f} steps: loss {np.mean(self.losses[-10:]):.2f}; "
            f"of {len(self._problems)} new problems {form:.0%} have the right form, "
            f"{copy:.0%} copy a sum, {right:.0%} are right"
        )


def _spread(items: Sequence, most: int) -> list:
    """At most so many of them, evenly, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int))
    return [items[i] for i in chosen]
