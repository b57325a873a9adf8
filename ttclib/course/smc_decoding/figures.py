"""Pictures of notebook 06: decoding as inference, from eight words to a real language model."""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from scipy.stats import sem

from ttclib.cost import Cost
from ttclib.course.smc_decoding.contest import Entry
from ttclib.course.smc_decoding.exact import Enumeration
from ttclib.course.smc_decoding.judging import WAYS, weight_of_texts
from ttclib.inputs import short
from ttclib.lm import arithmetic
from ttclib.lm.decoding import Decoder
from ttclib.measure.calibration import reliability
from ttclib.measure.votes import votes
from ttclib.particles import resampling
from ttclib.particles.genealogy import distinct_ancestors
from ttclib.particles.islands import split, within
from ttclib.particles.smc import Population, Selection, keep_all, resample, run, smc, when_ess_below
from ttclib.show.population import draw_ess, draw_population, label_members
from ttclib.show.slider import BudgetView, choice, entry, options, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    boxes,
    figure,
    ink,
    literal,
    missing,
    truth,
)

ADAPTIVE = when_ess_below(0.5, resample("systematic"))


class Sentences:
    """A tiny language model that continues a prompt, with its exact answer.

    Parameters
    ----------
    lm : MarkovLM
    prompt : str
    free, target : Enumeration
        All texts after the prompt, without and with the potentials.
    """

    def __init__(self, lm, prompt: str, free: Enumeration, target: Enumeration):
        self.lm = lm
        self.prompt = prompt
        self.free = free
        self.target = target
        self.max_tokens = max(map(len, free.texts))
        best = np.maximum([*target.posterior.values()], target.masked)
        self.shown = [target.texts[i] for i in np.argsort(-best, kind="stable")[:5]]

    def write(self, text: Sequence[int]) -> str:
        """Return a whole sentence."""
        return (self.prompt + self.lm.vocabulary.decode(text)).strip()

    def replicates(
        self, potentials, n: int, runs: int, select: Selection, seed
    ) -> list[list[Population]]:
        """Run ``runs`` populations of n side by side; return each one's generations."""
        decoder = Decoder(self.lm, [self.prompt] * runs, potentials, max_tokens=self.max_tokens)
        history = run(decoder, n * runs, within(runs, select), np.random.default_rng(seed))
        return list(zip(*(split(population, runs) for population in history), strict=True))

    def error(self, generations: Sequence[Population]) -> float:
        """Return log Ẑ − log Z of one population."""
        return generations[-1].log_evidence - self.target.log_evidence


def weights_of(population: Population) -> dict[tuple[int, ...], float]:
    """Return the weight of each different text in a population, as a tuple of its tokens."""
    particles = population.particles
    rows = zip(particles.tokens, particles.lengths, strict=True)
    texts = (tuple(row[:length].tolist()) for row, length in rows)
    return weight_of_texts(texts, population.weights)


# ---- a tiny language model -----------------------------------------------------------------------


def garden_picture(tiny: Sentences) -> Picture:
    """Three bars for each sentence: the model's own probability, the truth, and local masking."""
    free = dict(zip(tiny.free.texts, np.exp(tiny.free.log_prior), strict=True))
    masked = dict(zip(tiny.target.texts, tiny.target.masked, strict=True))
    posterior = tiny.target.posterior
    favourites = sorted(free, key=free.get, reverse=True)[:3]
    texts = [t for t in favourites if t not in tiny.shown] + tiny.shown
    fig, ax = figure(size=(8.4, 4.2))
    rows = np.arange(len(texts))[::-1]
    kinds = (
        (free, MUTED, "the model's own probability"),
        (posterior, TRUTH, "exact: given barn and fell"),
        (masked, BAD, "local masking"),
    )
    for shift, (probs, color, label) in zip((0.26, 0, -0.26), kinds, strict=True):
        values = [probs.get(text, 0.0) for text in texts]
        ax.barh(rows + shift, values, 0.24, color=color, label=label)
        small = {"va": "center", "fontsize": 7.5, "color": ink(color)}
        for row, value in zip(rows, values, strict=True):
            if value >= 0.005:
                ax.text(value + 0.008, row + shift, f"{value:.2f}", **small)
    ax.set_yticks(rows, [literal(tiny.write(text), 45) for text in texts])
    ax.set(xlabel="probability", xlim=(0, 1.08))
    ax.legend(loc="upper right")
    ax.grid(axis="y", visible=False)
    top, trap = (max(probs, key=probs.get) for probs in (posterior, masked))
    return Picture(
        fig,
        f"given barn and fell, {tiny.write(top)!r} has probability {posterior[top]:.2f}, "
        f"under local masking {masked[top]:.2f}; {tiny.write(trap)!r} has {posterior[trap]:.2f}, "
        f"under local masking {masked[trap]:.2f}; distance of the two distributions "
        f"{tiny.target.total_variation(masked):.2f}",
    )


def _sentence_axes(ax, tiny: Sentences) -> np.ndarray:
    """Prepare an axes with the exact posterior of the shown sentences; return their rows."""
    rows = np.arange(len(tiny.shown))[::-1]
    exact = [tiny.target.posterior[text] for text in tiny.shown]
    ax.barh(rows, exact, 0.8, fill=False, edgecolor=TRUTH, linestyle="--", linewidth=1.2, zorder=3)
    ax.set_yticks(rows, [literal(tiny.write(text), 45) for text in tiny.shown])
    ax.set(xlabel="probability", xlim=(0, 1.05), ylim=(-0.6, len(rows) - 0.4))
    ax.set_title("dashed: exact")
    ax.grid(axis="y", visible=False)
    return rows


def rejection_view(tiny: Sentences, low: int = 0, high: int = 14) -> BudgetView:
    """Write sentences blindly, keep those that fit: how many, and what they say."""
    texts = tiny.free.texts
    chances = np.exp(tiny.free.log_prior).cumsum()
    share = tiny.target.acceptance
    lengths = np.array([len(text) for text in texts])
    fits = np.array([tiny.target.posterior.get(text, 0) > 0 for text in texts])
    shown = [texts.index(text) for text in tiny.shown]
    sizes = 2.0 ** np.arange(low, high + 1)
    fig, (bars, count) = figure(1, 2, size=(8.8, 3.4), width_ratios=[1.1, 1])
    rows = _sentence_axes(bars, tiny)
    count.set(xscale="log", yscale="log", xlim=(0.7, sizes[-1] * 1.5))
    count.set(xlabel="sentences tried", ylabel="sentences kept", title="what survives")
    count.set_ylim(0.5, sizes[-1] * share * 4)
    count.plot(sizes, sizes * share, "k--", linewidth=1.2, label=f"exact: one in {1 / share:.0f}")
    hundreds = [10.0**k for k in range(math.ceil(math.log10(sizes[-1] * share)) + 1)]
    count.set_yticks([0.5, *hundreds], ["none", *(f"{number:,.0f}" for number in hundreds)])
    count.minorticks_off()
    count.legend(loc="upper left")

    def draw(tries, seed):
        uniforms = np.random.default_rng(seed).random(tries)
        drawn = np.searchsorted(chances / chances[-1], uniforms, side="right")
        kept = fits[drawn].cumsum()
        at = [int(size) for size in sizes if size <= tries]
        count.plot(at, [max(kept[k - 1], 0.5) for k in at], "o-", color=GOOD, markersize=4)
        hits = kept[-1]
        if hits:
            bars.barh(rows, [np.sum(drawn == i) / hits for i in shown], 0.5, color=GOOD)
        small = {"fontsize": 8, "transform": count.transAxes}
        for line, i in enumerate(drawn[-4:]):
            color = GOOD if fits[i] else MUTED
            written = literal(tiny.write(texts[i]))
            count.text(0.04, 0.8 - 0.07 * line, written, color=ink(color), **small)
        text = f"kept {hits:,} of {tries:,} sentences (expected {share * tries:.1f})"
        return text, Cost(units=tries, lm_tokens=int(lengths[drawn].sum()))

    tries = powers_of_two(low, high, unit="sentences", default=6, label="sentences tried")
    return BudgetView(fig, draw, tries=tries)


def particles_view(
    tiny: Sentences,
    potentials,
    low: int = 1,
    high: int = 9,
    runs: int = 60,
    select: Selection = ADAPTIVE,
) -> BudgetView:
    """The posterior of one population, and the errors of many, against the number of particles."""
    target = tiny.target
    sizes = [2**k for k in range(low, high + 1)]
    exact = np.array([target.posterior[text] for text in target.texts])
    # importance weights of masked sentences are posterior / masked: their variances give both lines
    ratio = exact**2 / target.masked
    sigma2 = ratio.sum() - 1
    sds = np.sqrt(ratio * (1 - 2 * exact) + exact**2 * ratio.sum())
    fig, (bars, tv, bias) = figure(1, 3, size=(9.6, 3.6), width_ratios=[1.15, 1, 1])
    rows = _sentence_axes(bars, tiny)
    ends = np.array([sizes[0], sizes[-1]])
    for ax in (tv, bias):
        ax.set(xscale="log", xlim=(sizes[0] * 0.7, sizes[-1] * 1.5), xlabel="particles n")
    theory = {"color": "black", "linestyle": "--", "linewidth": 1.2}
    tv.set(yscale="log", ylim=(0.01, 1.3), ylabel="total variation")
    tv.set_title("distance to the posterior")
    tv.plot(ends, sds.sum() / np.sqrt(2 * math.pi * ends), label="theory ∝ 1/√n", **theory)
    bias.set(ylim=(-8, 2.5), title="error of log Ẑ", ylabel="log Ẑ − log Z (nats)")
    every = np.geomspace(*ends, 50)
    bias.plot(every, -sigma2 / (2 * every), label="theory −σ²/2n", **theory)
    truth(bias, 0.0)
    for ax, where in ((tv, "lower left"), (bias, "lower right")):
        ax.plot([], [], color=GOOD, label="mean, middle 90%")
        ax.legend(loc=where)

    @functools.cache
    def measured(n, seed):
        """Texts of the first population; distance and error of each; tokens of one."""
        histories = tiny.replicates(potentials, n, runs, select, seed)
        found = [weights_of(generations[-1]) for generations in histories]
        distances = [target.total_variation(weights) for weights in found]
        tokens = sum(generations[-1].particles.lengths.sum() for generations in histories)
        errors = [tiny.error(generations) for generations in histories]
        return found[0], distances, errors, round(tokens / runs)

    def draw(particles, seed):
        seen = [n for n in sizes if n <= particles]
        weights, distances, errors, tokens = measured(particles, seed)
        for ax, which in ((tv, 1), (bias, 2)):
            # a population that died out, once in a while with two particles, is drawn at the floor
            values = np.maximum([measured(n, seed)[which] for n in seen], ax.get_ylim()[0])
            edges = np.quantile(values, (0.05, 0.95), axis=1)
            ax.fill_between(seen, *edges, color=GOOD, alpha=0.25, linewidth=0)
            ax.plot(seen, values.mean(axis=1), "o-", color=GOOD, markersize=4)
        bars.barh(rows, [weights.get(text, 0.0) for text in tiny.shown], 0.5, color=GOOD)
        ratios = np.exp(errors)
        text = (
            f"over {runs} runs: mean distance to the posterior {np.mean(distances):.2f}; "
            f"mean of Ẑ/Z {ratios.mean():.2f} ± {sem(ratios):.2f} (exact 1)"
        )
        return text, Cost(lm_tokens=tokens)

    particles = powers_of_two(low, high, unit="particles", default=min(5, high))
    return BudgetView(fig, draw, particles=particles)


def twist_view(
    tiny: Sentences,
    wants: Callable[[Sequence[float]], object],
    particles: int = 32,
    runs: int = 100,
) -> BudgetView:
    """A twist of one's own, none, and the best there is: spread of log Ẑ, effective sample size.

    ``wants((nothing, barn, fell, both))`` → the constraint, with log ψ of a text that has mentioned
    these. The sliders set the two in the middle; the others are near their exact values, −5 and 0.
    """
    steps = tiny.max_tokens
    fig, (spread, ess) = figure(1, 2, size=(8.8, 3.6))
    spread.set(xlim=(0.4, 3.6), ylim=(-6.5, 3), ylabel="log Ẑ − log Z (nats)")
    spread.set(title=f"{runs} runs with {particles} particles")
    spread.set_xticks([1, 2, 3], ["no twist", "yours", "optimal"])
    truth(spread, 0.0, "exact")
    spread.legend(loc="lower right")
    ess.set(xlim=(0.8, steps + 0.2), ylim=(0, 1.05), xlabel="word")
    ess.set(ylabel="ESS / n, mean over the runs", title="effective sample size")
    looks = {"no twist": (MUTED, "s-"), "yours": (GOOD, "o-"), "optimal": (COLORS[2], "^-")}
    for name, (color, line) in looks.items():
        ess.plot([], [], line, color=color, markersize=4, label=name)
    fig.legend(*ess.get_legend_handles_labels(), loc="outside lower right", ncols=3)

    @functools.cache
    def measured(twist, seed):
        """Error of each run; mean effective share after each word."""
        potential = tiny.target.twisted() if twist is None else wants(twist)
        histories = tiny.replicates([potential], particles, runs, ADAPTIVE, seed)
        shares = [[population.ess / particles for population in h] for h in histories]
        return np.array([tiny.error(h) for h in histories]), np.mean(shares, axis=0)

    def draw(barn, fell, seed):
        found = [measured(twist, seed) for twist in ((0, 0, 0, 0), (-5, barn, fell, 0), None)]
        for place, ((errors, shares), (color, line)) in enumerate(
            zip(found, looks.values(), strict=True), 1
        ):
            where = {"positions": [place], "widths": 0.5, "manage_ticks": False}
            boxes(spread, [np.maximum(errors, -6.4)], [color], **where)
            ess.plot(range(1, len(shares) + 1), shares, line, color=color, markersize=4)
        none, yours, best = (np.exp(errors) for errors, _ in found)
        text = (
            f"variance of Ẑ/Z: no twist {none.var(ddof=1):.2f}, yours {yours.var(ddof=1):.2f}, "
            f"optimal {best.var(ddof=1):.2f}; mean of Ẑ/Z with yours {yours.mean():.2f} (exact 1)"
        )
        return text, Cost(lm_tokens=particles * steps)

    values = (-9, -7, -5, -3, -1)
    barn, fell = (options(values, default=-3, label=f"log ψ after {w}") for w in ("barn", "fell"))
    return BudgetView(fig, draw, barn=barn, fell=fell)


def scheme_picture(tiny: Sentences, potentials, n: int = 32, runs: int = 200) -> Picture:
    """Errors of the log evidence under each resampling scheme, as box plots of replicates."""
    errors = {}
    for i, name in enumerate(resampling.SCHEMES):
        histories = tiny.replicates(potentials, n, runs, resample(name), (4, i))
        # a population that died out is drawn at the floor
        errors[name] = np.maximum([tiny.error(h) for h in histories], -8)
    fig, ax = figure(size=(8.4, 3.2))
    # a scheme that is not fair is red
    colors = [COLORS[4] if name in resampling.UNBIASED else BAD for name in errors]
    boxes(ax, list(errors.values()), colors)
    names = [name.replace("winner ", "winner\n") for name in errors]
    ax.set_xticks(range(1, len(errors) + 1), names)
    truth(ax, 0.0)
    ax.set(ylabel="log Ẑ − log Z (nats)")
    ax.set_title(f"{runs} runs with {n} particles, selected at every word")
    spread = ", ".join(f"{name} {np.std(found):.2f}" for name, found in errors.items())
    return Picture(fig, f"standard deviation of log Ẑ: {spread}")


# ---- genealogies of sentences --------------------------------------------------------------------


def generation_texts(decoder: Decoder, history: Sequence[Population]) -> list[list[str]]:
    """Return what each member of each generation wrote in that generation."""
    written = []
    before = np.zeros(len(history[0]), dtype=int)
    for population in history:
        particles = population.particles
        start = before[population.ancestors] if population.t else before
        rows = zip(particles.tokens, start, particles.lengths, strict=True)
        written.append([decoder.lm.vocabulary.decode(row[a:b]) for row, a, b in rows])
        before = particles.lengths
    return written


def genealogy_view(
    lm, problems: Sequence[str], conditions: Mapping[str, Mapping[str, Sequence]]
) -> BudgetView:
    """The family tree of solutions, one step a generation, under a condition of choice.

    Parameters
    ----------
    problems : sequence of str
        Without the question mark.
    conditions : mapping
        Name → problem → potentials.
    """
    columns = max(sum(map(problem.count, "+-*")) for problem in problems) + 1
    fig, (tree, ess) = figure(2, 1, size=(9.6, 6.0), sharex=True, height_ratios=[4, 1])
    tree.set(xlim=(-0.5, columns - 0.5), ylim=(-0.8, 31.8), yticks=[], ylabel="particles")
    tree.grid(visible=False)
    kinds = ((GOOD, "-", "right so far"), (BAD, "--", "from a wrong step on"))
    for color, style, label in (*kinds, (MUTED, "-", "no descendants")):
        tree.plot([], [], style, color=color, label=label)
    tree.plot([], [], "o", color=TRUTH, markersize=4, label="weight at the end")
    tree.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False)
    ess.set(ylim=(0, 1.05), ylabel="ESS / n", xlabel="step of the solution")
    ess.set_xticks(range(columns), [str(t + 1) for t in range(columns)])
    _explain_ess(ess)

    def draw(problem, particles, condition, threshold, seed):
        wanted = conditions[condition][problem]
        decoder = Decoder(lm, problem + "?", wanted, until=";", max_tokens=100)
        select = when_ess_below(threshold, resample("systematic"))
        history = run(decoder, particles, select, np.random.default_rng(seed))
        last = history[-1]
        if last.extinct:
            raise ValueError(f"all {particles} particles died: none of them met the condition")
        height = np.linspace(31, 0, particles)
        right = {p.t: _right_so_far(problem, decoder.texts(p.particles)) for p in history}
        dead = {"dots": False, "color": "none"}  # who lives has two colours, and comes next
        alive = draw_population(tree, history, lambda p: height, **dead)
        tree.add_collection(_living_lines(history, height, right, alive))
        _label_steps(tree, generation_texts(decoder, history[:columns]), height, right, alive)
        where = np.full(particles, last.t + 0.3)
        tree.scatter(where, height, s=12 * particles * last.weights, color=TRUTH, linewidths=0)
        draw_ess(ess, history, threshold)
        answers = [arithmetic.answer(text) for text in decoder.texts(last.particles)]
        shares = votes(answers, last.weights)
        best = sorted(shares, key=shares.get, reverse=True)[:3]
        said = ", ".join(f"{'none' if a is None else a} {shares[a]:.0%}" for a in best)
        text = (
            f"{problem} = {arithmetic.value(arithmetic.parse(problem))}; "
            f"answers by weight: {said}; log Ẑ {last.log_evidence:.2f}; "
            f"all descend from {distinct_ancestors(history)[0]} first steps"
        )
        return text, replace(last.cost, units=0)

    settings = {
        "problem": choice(tuple(problems)),
        "condition": choice(tuple(conditions), default=list(conditions)[1]),
        "particles": powers_of_two(2, 5, unit="particles", default=4),
        "threshold": options((0.0, 0.5, 1.0), default=0.5, label="ESS threshold"),
    }
    return BudgetView(fig, draw, **settings)


def _right_so_far(problem: str, texts: Sequence[str]) -> np.ndarray:
    """Whether each text is without a wrong step, and without a wrong answer."""
    found = [arithmetic.check_solution(problem, text) for text in texts]
    return np.array(
        [
            all(check.correct) and (check.right or "#" not in text)
            for check, text in zip(found, texts, strict=True)
        ],
        dtype=bool,
    )


def _living_lines(history, height, right, alive) -> LineCollection:
    """Join each member that has descendants to its parent, as its text looks so far."""
    lines = []
    looks = []
    for population in history[1:]:
        t = population.t
        for i in np.flatnonzero(alive[t]):
            lines.append([(t - 1, height[population.ancestors[i]]), (t, height[i])])
            looks.append((GOOD, "solid") if right[t][i] else (BAD, "dashed"))
    colors, styles = zip(*looks, strict=True) if looks else ((), "solid")
    return LineCollection(lines, colors=colors, linestyles=styles, linewidths=1.5)


def _label_steps(ax, steps, height, right, alive) -> None:
    """Write every member's step at its place, in the colour of the line that leads to it."""
    size = 8 if len(height) <= 16 else 6.5
    for t, written in enumerate(steps):
        colors = np.where(alive[t], np.where(right[t], GOOD, BAD), MUTED)
        label_members(ax, t, height, [step.strip() for step in written], colors, size=size)


def _explain_ess(ax) -> None:
    """Say what the dots on a line of effective sample sizes are."""
    ax.set_title("● then it selects", color=ink(BAD), fontsize=8.5, loc="right")


# ---- a pretrained model under constraints --------------------------------------------------------


def _request(text: str) -> str:
    if not any(letter.isalpha() for letter in text):
        raise ValueError(f"{short(text)} holds no word; ask for something, such as a dog's name")
    return text.strip()


def constraint_view(
    ask: Callable[[str, Sequence], Decoder], constraints: Mapping[str, Sequence], request: str
) -> BudgetView:
    """Decode under a constraint, live: the heaviest texts, and the effective sample size.

    ``ask(request, potentials)`` → the decoder.
    """
    fig, (page, ess) = figure(1, 2, size=(9.6, 3.8), width_ratios=[2.8, 1])
    page.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    page.set_title("weight and text, heaviest first, down to the lightest")
    page.grid(visible=False)
    page.spines[:].set_visible(False)
    longest = ask(request, ()).max_tokens
    ess.set(xlim=(-0.5, longest), ylim=(0, 1.05), xlabel="token", ylabel="ESS / n")
    _explain_ess(ess)

    def draw(request, constraint, selection, particles, seed):
        decoder = ask(request, constraints[constraint])
        select = {"SMC": ADAPTIVE, "none": keep_all}[selection]
        history = []
        for population in smc(decoder, particles, select, np.random.default_rng(seed)):
            history.append(population)
            yield population.particles.lengths.max() / longest
        last = history[-1]
        if last.extinct:
            line = f"all {particles} particles died at token {last.t + 1}; take more of them"
            raise ValueError(line)
        draw_ess(ess, history)
        weight = weight_of_texts(decoder.texts(last.particles), last.weights)
        best = sorted(weight, key=weight.get, reverse=True)
        lives = last.weights > 0  # a text that got stuck may have a log probability of −inf
        log_prob = last.weights[lives] @ last.particles.log_probs[lives]
        lines = _page(weight, best)
        for i, line in enumerate(map(literal, lines)):
            page.text(0, 0.96 - i * 0.07, line, fontsize=8, family="monospace", va="center")
        text = (
            f"{best[0].strip()!r} has weight {weight[best[0]]:.0%}; {len(best)} different texts; "
            f"mean log probability {log_prob:.1f}; "
            f"log Ẑ {last.log_evidence:.1f}{_unseen(lines)}"
        )
        return text, replace(last.cost, units=0)

    return BudgetView(
        fig,
        draw,
        request=entry(_request, request),
        constraint=choice(tuple(constraints)),
        selection=choice(("SMC", "none")),
        particles=powers_of_two(2, 5, unit="particles", default=4),
    )


def _page(weight: Mapping[str, float], texts: Sequence[str], most: int = 14) -> list[str]:
    """Lines of a page of living texts, each behind its weight.

    If there are too many, those before the lightest two are left out.
    """
    wrapped = []
    for text in (text for text in texts if weight[text] > 0):
        head, *tail = textwrap.wrap(" ".join(text.split()), 84) or [""]
        wrapped.append([f"{weight[text]:4.0%}  {head}", *(f"      {line}" for line in tail)])
    gap: list[str] = []
    while len(wrapped) > 2 and sum(map(len, wrapped)) + len(gap) > most:
        del wrapped[-3]
        gap = ["   …"]
    return [*chain(*wrapped[:-2]), *gap, *chain(*wrapped[-2:])][:most]


def _unseen(lines: Sequence[str], most: int = 8) -> str:
    """Say which characters of a page the picture could not draw."""
    gone = missing("".join(lines))
    more = f" and {len(gone) - most} more" if len(gone) > most else ""
    return f"; � stands for {' '.join(gone[:most])}{more}" if gone else ""


def constraint_picture(results: Mapping) -> Picture:
    """Log probability in all and per token, and diversity, for each constraint and way."""
    names = [name for name in results if name != "none"]
    free = results["none"]["free"]
    ways = WAYS[1:]
    colors = (BAD, COLORS[1], COLORS[4], GOOD)
    looks = dict(zip(ways, zip(colors, "v^so", strict=True), strict=True))
    fig, axes = figure(1, 3, size=(9.6, 3.6))
    panels = (
        ("log_prob", "log probability of a text", "nats"),
        ("per_token", "per token", "nats a token"),
        ("worth", "different texts, by weight", "worth how many texts"),
    )
    for ax, (measure, title, unit) in zip(axes, panels, strict=True):
        shown = [way for way in ways if measure != "worth" or way != "best masked"]
        for j, way in enumerate(shown):
            for i, name in enumerate(names):
                x = i + (j - (len(shown) - 1) / 2) * 0.2
                _draw_runs(ax, x, results[name][way][measure], *looks[way])
        ax.axhline(np.mean(free[measure]), color=MUTED, linestyle=":", label="free, no constraint")
        ax.set_xticks(range(len(names)), [textwrap.fill(name, 8) for name in names])
        ax.set(title=title, ylabel=unit, xlim=(-0.5, len(names) - 0.5))
    axes[2].set_ylim(0, 16.8)
    handles, _ = axes[0].get_legend_handles_labels()
    thick = {"markersize": 4, "linewidth": 2.5}
    named = [Line2D([], [], color=c, marker=m, label=way, **thick) for way, (c, m) in looks.items()]
    fig.legend(handles=[*named, *handles], loc="outside lower center", ncols=5)
    parts = []
    for name in names:
        means = {way: np.nanmean(results[name][way]["log_prob"]) for way in ways}
        parts.append(f"{name}: " + ", ".join(f"{way} {mean:.1f}" for way, mean in means.items()))
    return Picture(fig, f"mean log probability of a text: {'; '.join(parts)}")


def _draw_runs(ax, x: float, values: np.ndarray, color: str, shape: str) -> None:
    """A dot for each run around x, and a bar at their mean; a run that died out has neither."""
    spread = np.linspace(-0.06, 0.06, len(values))
    ax.plot(x + spread, np.sort(values), shape, color=color, markersize=2.5, alpha=0.6)
    mean = np.nanmean(values)
    ax.plot([x - 0.08, x + 0.08], [mean, mean], color=color, linewidth=2.5)


# ---- a small model against a large one -----------------------------------------------------------


def contest_view(entries: Sequence[Entry], first: str) -> BudgetView:
    """Accuracy against computation for every method, and how well the chosen one knows itself.

    ``first`` is the name of the entry that is shown first.
    """
    fig, (score, sure) = figure(1, 2, size=(9.6, 4.2), width_ratios=[1.5, 1])
    lines: dict[tuple, list[Entry]] = {}
    for e in entries:
        lines.setdefault((e.model, e.method), []).append(e)
    methods = dict.fromkeys(e.method for e in entries)
    colors = (MUTED, COLORS[1], COLORS[3], COLORS[2], COLORS[4], GOOD)
    palette = dict(zip(methods, colors, strict=False))
    shapes = dict(zip(methods, "Xsv^Do", strict=False))
    for (model, method), members in lines.items():
        look = {"marker": shapes[method], "linestyle": "-"}
        if model != entries[0].model:  # the large one is hollow
            look |= {"markerfacecolor": "white", "linestyle": "--"}
        score.errorbar(
            [e.cost.lm_flops for e in members],
            [e.accuracy for e in members],
            [1.96 * e.error for e in members],
            color=palette[method],
            markersize=5,
            capsize=2,
            label=f"{model}, {method}",
            **look,
        )
    score.set(xscale="log", ylim=(0, 1), xlabel="LM FLOPs a problem")
    score.set(ylabel="share of problems solved", title="accuracy, 95% interval over problems")
    score.set_xticks([3e7, 1e8, 3e8, 1e9], ["30 M", "100 M", "300 M", "1 G"])
    score.minorticks_off()
    score.legend(loc="lower right", fontsize=7.5)
    sure.plot([0, 1], [0, 1], "k--", linewidth=1.2, label="says what it knows")
    sure.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    sure.set(xlabel="confidence", ylabel="share that is right")
    sure.set_title("calibration of the method in the ring")
    sure.legend(loc="upper left")
    by_name = {e.name: e for e in entries}

    def draw(method, seed):
        e = by_name[method]
        color = palette[e.method]
        ring = {"markersize": 15, "fillstyle": "none", "color": BAD, "mew": 2}
        score.plot(e.cost.lm_flops, e.accuracy, "o", **ring)
        bins = reliability(e.confidence.ravel(), e.right.ravel())
        sizes = 6 + 250 * bins.count / bins.count.sum()
        sure.plot(bins.confidence, bins.accuracy, color=color)
        sure.scatter(bins.confidence, bins.accuracy, s=sizes, color=color)
        text = (
            f"{e.name} solves {e.accuracy:.1%} ± {1.96 * e.error:.1%}; "
            f"ECE {e.calibration_error:.2f}, AUROC {e.auroc:.2f}; "
            f"{e.distinct.mean():.1f} different answers, entropy {e.entropy.mean():.2f} nats"
        )
        return text, e.cost

    return BudgetView(fig, draw, luck=False, method=choice(list(by_name), default=first))


def contest_table(entries: Sequence[Entry], parameters: Mapping[str, int]) -> str:
    """Write a line for each method: what it gets right, what it knows, what it costs."""
    columns = (
        ("solved", 8, ".1%", lambda e: e.accuracy),
        ("± 95%", 7, ".1%", lambda e: 1.96 * e.error),
        ("answers", 9, ".1f", lambda e: e.distinct.mean()),
        ("entropy", 9, ".2f", lambda e: e.entropy.mean()),
        ("ECE", 6, ".2f", lambda e: e.calibration_error),
        ("AUROC", 7, ".2f", lambda e: e.auroc),
        ("tokens", 8, ",.0f", lambda e: e.cost.lm_tokens),
        ("positions", 11, ",.0f", lambda e: e.cost.lm_positions),
        ("MFLOPs", 9, ",.1f", lambda e: e.cost.lm_flops / 1e6),
        ("parameters", 12, ",", lambda e: parameters[e.model]),
    )
    lines = [" " * 28 + "".join(f"{name:>{width}s}" for name, width, _, _ in columns)]
    for e in entries:
        cells = [f"{of(e):{width}{form}}" for _, width, form, of in columns]
        lines.append(f"{e.name:28s}" + "".join(cells))
    return "\n".join(lines)
