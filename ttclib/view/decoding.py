"""Pictures of notebook 06: decoding as inference, from eight words to a real language model."""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ttclib import resampling
from ttclib.cost import Cost
from ttclib.genealogy import distinct_ancestors
from ttclib.islands import split, within
from ttclib.lm import task
from ttclib.lm.decoding import Decoder
from ttclib.lm.exact import Exact
from ttclib.smc import Population, Selection, keep_all, resample, run, smc, when_ess_below
from ttclib.view.budget import BudgetView, entry, options, powers_of_two
from ttclib.view.population import draw_ess, draw_population
from ttclib.view.style import BAD, COLORS, GOOD, MUTED, TRUTH, Picture, band, figure, truth

ADAPTIVE = when_ess_below(0.5, resample("systematic"))


class Sentences:
    """A tiny language model that continues a prompt, with its exact answer.

    Parameters
    ----------
    lm : MarkovLM
    prompt : str
    free, target : Exact
        All texts after the prompt, without and with the potentials.
    **options
        Of the decoder: ``max_tokens``, ``must_end``.
    """

    def __init__(self, lm, prompt: str, free: Exact, target: Exact, **options):
        self.lm, self.prompt, self.free, self.target, self.options = lm, prompt, free, target, options
        best = np.maximum([*target.posterior.values()], target.masked)
        self.shown = [target.texts[i] for i in np.argsort(-best)[:5]]

    def write(self, text: Sequence[int]) -> str:
        """Return a whole sentence."""
        return self.prompt.strip() + self.lm.vocabulary.decode(text)

    def replicates(self, potentials, n: int, runs: int, select: Selection, seed) -> list[list[Population]]:
        """Run ``runs`` populations of n side by side; return each one's generations."""
        decoder = Decoder(self.lm, [self.prompt] * runs, potentials, **self.options)
        history = run(decoder, n * runs, within(runs, select), np.random.default_rng(seed))
        return list(zip(*(split(population, runs) for population in history), strict=True))

    def law(self, population: Population) -> dict:
        """Return the weight of each text in a population."""
        total: dict = {}
        particles = population.particles
        for row, length, weight in zip(particles.tokens, particles.lengths, population.weights, strict=True):
            if weight > 0:
                text = tuple(row[:length].tolist())
                total[text] = total.get(text, 0.0) + weight
        return total


# ---- a tiny language model ----------------------------------------------------------------------


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
    for shift, (law, color, label) in zip((0.26, 0, -0.26), kinds, strict=True):
        values = [law.get(text, 0.0) for text in texts]
        ax.barh(rows + shift, values, 0.24, color=color, label=label)
        for row, value in zip(rows, values, strict=True):
            if value >= 0.005:
                ax.text(value + 0.008, row + shift, f"{value:.2f}", va="center", fontsize=7.5, color=color)
    ax.set_yticks(rows, [tiny.write(t) for t in texts])
    ax.set(xlabel="probability", xlim=(0, 1.08))
    ax.legend(loc="center right")
    ax.grid(axis="y", visible=False)
    top, trap = (max(law, key=law.get) for law in (posterior, masked))
    return Picture(
        fig,
        f"given barn and fell, {tiny.write(top)!r} has probability {posterior[top]:.2f}, under local masking "
        f"{masked[top]:.2f}; {tiny.write(trap)!r} has {posterior[trap]:.2f}, under local masking "
        f"{masked[trap]:.2f}; distance of the two laws {tiny.target.total_variation(masked):.2f}",
    )


def _sentence_axes(ax, tiny: Sentences) -> np.ndarray:
    """Prepare an axes with the exact posterior of the shown sentences; return their rows."""
    rows = np.arange(len(tiny.shown))[::-1]
    exact = [tiny.target.posterior[text] for text in tiny.shown]
    ax.barh(rows, exact, 0.8, fill=False, edgecolor=TRUTH, linestyle="--", linewidth=1.2, zorder=3)
    ax.set_yticks(rows, [tiny.write(text) for text in tiny.shown])
    ax.set(xlabel="probability", xlim=(0, 1.05), ylim=(-0.6, len(rows) - 0.4), title="dashed: exact")
    ax.grid(axis="y", visible=False)
    return rows


def rejection_view(tiny: Sentences, low: int = 0, high: int = 14) -> BudgetView:
    """Write sentences blindly, keep those that fit: how many, and what they say."""
    laws, share = np.exp(tiny.free.log_prior), tiny.target.acceptance
    lengths = np.array([len(text) for text in tiny.free.texts] + [tiny.options["max_tokens"]])
    allowed = {text: i for i, text in enumerate(tiny.free.texts) if tiny.target.posterior.get(text, 0) > 0}
    fits = np.isin(np.arange(len(laws) + 1), list(allowed.values()))
    fig, (bars, count) = figure(1, 2, size=(8.8, 3.4), width_ratios=[1.1, 1])
    rows = _sentence_axes(bars, tiny)
    sizes = 2.0 ** np.arange(low, high + 1)
    count.set(xscale="log", yscale="log", xlim=(0.7, sizes[-1] * 1.5), ylim=(0.5, sizes[-1] * share * 4))
    count.set(xlabel="sentences tried", ylabel="sentences kept", title="what survives")
    count.plot(sizes, sizes * share, "k--", linewidth=1.2, label=f"exact: one in {1 / share:.0f}")
    count.legend()

    def draw(tries, seed):
        # the law of a blind try is known: the last outcome is a sentence that is not done in time
        drawn = np.searchsorted(laws.cumsum(), np.random.default_rng(seed).random(tries), side="right")
        kept = fits[drawn].cumsum()
        at = [int(size) for size in sizes if size <= tries]
        count.plot(at, [max(kept[k - 1], 0.5) for k in at], "o-", color=GOOD, markersize=4)
        hits = kept[-1]
        if hits:
            shares = [np.sum(drawn == allowed[text]) / hits for text in tiny.shown]
            bars.barh(rows, shares, 0.5, color=GOOD)
        text = f"kept {hits:,} of {tries:,} sentences (expected {share * tries:.1f})"
        return text, Cost(units=tries, lm_tokens=int(lengths[drawn].sum()))

    return BudgetView(
        fig, draw, tries=powers_of_two(low, high, unit="sentences", default=6, label="sentences tried")
    )


def particles_view(
    tiny: Sentences, potentials, low: int = 1, high: int = 9, runs: int = 60, select: Selection = ADAPTIVE
) -> BudgetView:
    """The posterior of one population, and the errors of many, against the number of particles."""
    target, sizes = tiny.target, [2**k for k in range(low, high + 1)]
    exact = np.array([target.posterior[text] for text in target.texts])
    # importance weights of masked sentences are posterior / masked: their variances give both lines
    ratio = exact**2 / target.masked
    sigma2 = ratio.sum() - 1
    sds = np.sqrt(ratio * (1 - 2 * exact) + exact**2 * ratio.sum())
    fig, (bars, tv, bias) = figure(1, 3, size=(9.6, 3.6), width_ratios=[1.15, 1, 1])
    rows = _sentence_axes(bars, tiny)
    line = np.array([sizes[0], sizes[-1]])
    for ax in (tv, bias):
        ax.set(xscale="log", xlim=(sizes[0] * 0.7, sizes[-1] * 1.5), xlabel="particles n")
    tv.set(yscale="log", ylim=(0.01, 1.3), title="distance to the posterior", ylabel="total variation")
    tv.plot(line, sds.sum() / np.sqrt(2 * math.pi * line), "k--", linewidth=1.2, label="theory, ∝ 1/√n")
    bias.set(ylim=(-8, 2.5), title="error of log Ẑ", ylabel="log Ẑ − log Z (nats)")
    every = np.geomspace(*line, 50)
    bias.plot(every, -sigma2 / (2 * every), "k--", linewidth=1.2, label="theory: mean −σ²/2n")
    truth(bias, 0.0)
    for ax, where in ((tv, "lower left"), (bias, "lower right")):
        ax.plot([], [], color=GOOD, label="median, middle 90%")
        ax.legend(loc=where)

    @functools.cache
    def measured(n, seed):
        last = [generations[-1] for generations in tiny.replicates(potentials, n, runs, select, seed)]
        laws = [tiny.law(population) for population in last]
        errors = np.array([population.log_evidence for population in last]) - target.log_evidence
        cost = _share(last_cost(last, tiny), runs)
        return laws[0], [target.total_variation(law) for law in laws], errors, cost

    def draw(particles, seed):
        seen = [n for n in sizes if n <= particles]
        law, distances, errors, cost = measured(particles, seed)
        band(tv, seen, np.array([measured(n, seed)[1] for n in seen]).T)
        finite = np.maximum([measured(n, seed)[2] for n in seen], -50.0)  # a population may die out
        band(bias, seen, finite.T)
        bars.barh(rows, [law.get(text, 0.0) for text in tiny.shown], 0.5, color=GOOD)
        ratios = np.exp(errors)
        text = (
            f"over {runs} runs: median distance to the posterior {np.median(distances):.2f}; mean of Ẑ/Z "
            f"{ratios.mean():.2f} ± {ratios.std(ddof=1) / math.sqrt(runs):.2f} (exact 1)"
        )
        return text, cost

    return BudgetView(fig, draw, particles=powers_of_two(low, high, unit="particles", default=5))


def last_cost(last: Sequence[Population], tiny: Sentences) -> Cost:
    """What populations on a table have spent: one token a step; a table costs no operations."""
    return Cost(lm_tokens=int(sum(population.particles.lengths.sum() for population in last)))


def _share(cost: Cost, runs: int) -> Cost:
    return replace(cost, lm_tokens=round(cost.lm_tokens / runs))


def twist_view(
    tiny: Sentences,
    wants: Callable[[Sequence[float]], object],
    particles: int = 32,
    runs: int = 100,
) -> BudgetView:
    """A twist of one's own against none and the best there is: spread of log Ẑ, effective sample size.

    ``wants((nothing, barn, fell, both))`` → the constraint, with log ψ of a text that has mentioned
    these.
    """
    steps = tiny.options["max_tokens"]
    fig, (boxes, ess) = figure(1, 2, size=(8.8, 3.6))
    boxes.set(xlim=(0.4, 3.6), ylim=(-6.5, 3), ylabel="log Ẑ − log Z (nats)")
    boxes.set(title=f"{runs} runs with {particles} particles")
    boxes.set_xticks([1, 2, 3], ["no twist", "yours", "optimal"])
    truth(boxes, 0.0, "exact")
    boxes.legend(loc="lower right")
    ess.set(xlim=(-0.2, steps - 0.8), ylim=(0, 1.05), xlabel="word", ylabel="ESS / n, mean over the runs")

    @functools.cache
    def measured(twist, seed):
        potential = tiny.target.twisted() if twist is None else wants(twist)
        histories = tiny.replicates([potential], particles, runs, ADAPTIVE, seed)
        log_z = np.array([generations[-1].log_evidence for generations in histories])
        shares = [[population.ess / particles for population in h] for h in histories]
        return log_z - tiny.target.log_evidence, np.mean(shares, axis=0)

    def draw(barn, fell, seed):
        found = [measured(twist, seed) for twist in ((0, 0, 0, 0), (0, barn, fell, barn + fell), None)]
        for place, (errors, shares), color in zip((1, 2, 3), found, (MUTED, GOOD, COLORS[2]), strict=True):
            box = boxes.boxplot(
                [np.maximum(errors, -6.4)],
                positions=[place],
                widths=0.5,
                patch_artist=True,
                manage_ticks=False,
                flierprops={"markersize": 3},
            )
            box["boxes"][0].set(facecolor=color, alpha=0.7)
            ess.plot(shares, "o-", color=color, markersize=3)
        spread = [np.var(np.exp(errors), ddof=1) for errors, _ in found]
        text = (
            f"variance of Ẑ/Z: no twist {spread[0]:.2f}, yours {spread[1]:.2f}, optimal {spread[2]:.2f}; "
            f"mean of Ẑ/Z with yours {np.exp(found[1][0]).mean():.2f} (exact 1)"
        )
        return text, Cost(lm_tokens=particles * steps)

    return BudgetView(
        fig,
        draw,
        barn=options(tuple(range(-8, 7, 2)), default=0, label="log ψ after barn"),
        fell=options(tuple(range(-4, 9, 2)), default=0, label="log ψ after fell"),
    )


def scheme_picture(tiny: Sentences, potentials, n: int = 32, runs: int = 200) -> Picture:
    """Errors of the evidence under each resampling scheme, as box plots around the exact value."""
    errors = {
        name: np.array(
            [h[-1].log_evidence for h in tiny.replicates(potentials, n, runs, resample(name), (4, i))]
        )
        - tiny.target.log_evidence
        for i, name in enumerate(resampling.SCHEMES)
    }
    fig, ax = figure(size=(8.4, 3.2))
    boxes = ax.boxplot(
        [np.maximum(e, -8) for e in errors.values()],
        widths=0.55,
        patch_artist=True,
        flierprops={"markersize": 3},
    )
    for box, name in zip(boxes["boxes"], errors, strict=True):
        box.set(facecolor=COLORS[4] if name in resampling.UNBIASED else BAD, alpha=0.7)
    ax.set_xticks(range(1, len(errors) + 1), [k.replace("winner ", "winner\n") for k in errors])
    truth(ax, 0.0)
    ax.set(ylabel="log Ẑ − log Z (nats)", title=f"{runs} runs with {n} particles, selected at every word")
    spread = ", ".join(f"{k} {np.mean(np.exp(e)):.2f}" for k, e in errors.items())
    return Picture(fig, f"mean of Ẑ/Z (exact 1): {spread}")


# ---- genealogies of sentences -------------------------------------------------------------------


def generation_texts(decoder: Decoder, history: Sequence[Population]) -> list[list[str]]:
    """Return what each member of each generation wrote in that generation."""
    written, before = [], np.zeros(len(history[0]), dtype=int)
    for population in history:
        particles = population.particles
        start = before[population.ancestors] if population.t else before
        rows = zip(particles.tokens, start, particles.lengths, strict=True)
        written.append([decoder.lm.vocabulary.decode(row[a:b]) for row, a, b in rows])
        before = particles.lengths
    return written


def genealogy_view(lm, problem: str, conditions: Mapping[str, Sequence], columns: int = 5) -> BudgetView:
    """The family tree of solutions, one step a generation, under a condition of choice.

    Parameters
    ----------
    problem : str
        Without the question mark.
    conditions : mapping
        Name → potentials.
    columns : int
        Generations that the picture has room for.
    """
    exact = task.value(task.parse(problem))
    fig, (tree, ess) = figure(2, 1, size=(8.8, 6.0), sharex=True, height_ratios=[4, 1])
    tree.set(xlim=(-0.5, columns - 0.5), ylim=(-0.8, 31.8), yticks=[], title=f"{problem} = {exact}")
    tree.set_ylabel("particles")
    tree.grid(visible=False)
    ess.set(ylim=(0, 1.05), ylabel="ESS / n", xlabel="step of the solution")
    ess.set_xticks(range(columns), [str(t + 1) for t in range(columns)])
    for color, label in ((GOOD, "step is right"), (BAD, "step is wrong"), (MUTED, "line died out")):
        ess.plot([], [], color=color, label=label)
    ess.legend(loc="lower left", ncols=3)

    def draw(particles, condition, threshold, seed):
        decoder = Decoder(lm, problem + "?", conditions[condition], until=";", max_tokens=90)
        select = when_ess_below(threshold, resample("systematic"))
        history = run(decoder, particles, select, np.random.default_rng(seed))
        height = np.linspace(31, 0, particles) if particles > 1 else np.array([15.5])
        if not history[-1].extinct:
            draw_population(tree, history, lambda p: height, dots=False)
        texts = decoder.texts(history[-1].particles)
        _label_steps(tree, decoder, history, height, problem, columns)
        draw_ess(ess, history)
        ess.axhline(threshold, color=MUTED, linestyle=":", linewidth=1)
        last = history[-1]
        if last.extinct:
            raise ValueError(f"all {particles} particles died: none of them can meet the condition")
        weight = {}
        for text, w in zip(texts, last.weights, strict=True):
            answer = task.answer(text)
            weight[answer] = weight.get(answer, 0.0) + w
        best = sorted(weight, key=weight.get, reverse=True)[:3]
        shares = ", ".join(f"{'none' if a is None else a} {weight[a]:.0%}" for a in best)
        text = (
            f"answers by weight: {shares}; log Ẑ {last.log_evidence:.2f}; {particles} particles descend "
            f"from {distinct_ancestors(history)[0]} first steps"
        )
        return text, replace(last.cost, units=0)

    return BudgetView(
        fig,
        draw,
        particles=powers_of_two(1, 5, unit="particles", default=4),
        condition=options(tuple(conditions), default=next(iter(conditions))),
        threshold=options((0.0, 0.5, 1.0), default=0.5, label="ESS threshold"),
    )


def _label_steps(ax, decoder, history, height, problem, columns) -> None:
    """Write every member's step at its place, coloured by whether it is right."""
    from ttclib.genealogy import lineages

    survivors, steps = lineages(history), generation_texts(decoder, history)
    size = 8 if len(height) <= 16 else 6.5
    for t, population in enumerate(history[:columns]):
        alive = set(survivors[t].tolist())
        wholes = decoder.texts(population.particles)
        for i, (step, whole) in enumerate(zip(steps[t], wholes, strict=True)):
            if not step.strip():
                continue
            check = task.check_solution(problem, whole)
            right = check.right if step.startswith("#") else check.correct[t : t + 1] == (True,)
            color = (GOOD if right else BAD) if i in alive else MUTED
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
            ax.text(
                t,
                height[i],
                step.strip(),
                color=color,
                fontsize=size,
                family="monospace",
                ha="center",
                va="center",
                bbox=box,
                clip_on=True,
                zorder=4,
            )


# ---- a pretrained model under constraints -------------------------------------------------------


def chat(request: str) -> str:
    """Write a request in the form that SmolLM2 was taught to answer."""
    return f"<|im_start|>user\n{request}<|im_end|>\n<|im_start|>assistant\n"


def _request(text: str) -> str:
    if not any(letter.isalpha() for letter in text):
        raise ValueError(f"{text!r} holds no word; ask for something, such as a sentence about the sea")
    return text.strip()


def constraint_view(
    lm,
    constraints: Mapping[str, Sequence],
    request: str = "Write one sentence about the sea.",
    max_tokens: int = 24,
) -> BudgetView:
    """Decode under a constraint, live: the heaviest texts, and the effective sample size."""
    fig, (page, ess) = figure(1, 2, size=(9.6, 3.8), width_ratios=[2.6, 1])
    page.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], title="weight, text (heaviest first)")
    page.grid(visible=False)
    for side in page.spines.values():
        side.set_visible(False)
    ess.set(xlim=(-0.5, max_tokens), ylim=(0, 1.05), xlabel="token", ylabel="ESS / n")

    def draw(request, constraint, select, particles, seed):
        decoder = Decoder(
            lm, chat(request), constraints[constraint], max_tokens=max_tokens, stop=".", must_end=True
        )
        chosen = {"SMC": ADAPTIVE, "never select": keep_all}[select]
        history = []
        for population in smc(decoder, particles, chosen, np.random.default_rng(seed)):
            history.append(population)
            yield population.particles.lengths.max() / max_tokens
        last = history[-1]
        if last.extinct:
            raise ValueError(f"all {particles} particles died at token {last.t + 1}; try more of them")
        draw_ess(ess, history)
        weight: dict[str, float] = {}
        for text, w in zip(decoder.texts(last.particles), last.weights, strict=True):
            weight[text] = weight.get(text, 0.0) + w
        best = sorted(weight, key=weight.get, reverse=True)
        lines = []
        for text in best:
            head, *tail = textwrap.wrap(" ".join(text.split()), 78) or [""]
            lines += [f"{weight[text]:4.0%}  {head}", *(f"      {line}" for line in tail)]
        for i, line in enumerate(lines[:14]):
            page.text(0, 0.96 - i * 0.07, line, fontsize=8, family="monospace", va="center")
        log_prob = last.mean(last.particles.log_probs)
        text = (
            f"{best[0].strip()!r} has weight {weight[best[0]]:.0%}; {len(best)} different texts; mean log "
            f"probability {log_prob:.1f}; log Ẑ {last.log_evidence:.1f}: a blind try fits once in "
            f"{math.exp(-last.log_evidence):,.0f}"
        )
        return text, replace(last.cost, units=0)

    return BudgetView(
        fig,
        draw,
        request=entry(_request, request),
        constraint=options(tuple(constraints)),
        select=options(("SMC", "never select"), label="selection"),
        particles=powers_of_two(2, 5, unit="particles", default=4),
    )
