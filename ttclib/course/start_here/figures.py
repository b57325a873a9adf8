"""Pictures of notebook 00: a first slider, a typed number, the same loop answering questions."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import ndtr

from ttclib.cost import Cost
from ttclib.inputs import whole_number
from ttclib.machine import memory_limit
from ttclib.sampling import montecarlo
from ttclib.show.darts import plus_minus, throw
from ttclib.show.slider import BudgetView, entry, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MARKERS,
    MUTED,
    TRUTH,
    end_labels,
    figure,
    plain_ticks,
    truth,
)

INK = "#444444"
_MOST = 10**7  # darts that a picture may wait for


def first_view(estimator: Callable, middle_90: Callable, high: int = 18) -> BudgetView:
    """Show the answer to "how much is π?" for every budget up to the slider's, of 2^high at most.

    ``estimator(n, rng)`` → ``montecarlo.Estimate``; it must read its stream point by point.
    ``middle_90(answers)``, (100, k) → (low, high), (k,) each, makes the band of 100 other runs.
    """
    budgets = np.array([2**k for k in range(4, high + 1)])
    run = functools.cache(lambda n, seed: estimator(n, np.random.default_rng(seed)))
    fig, (board, answers, widths) = figure(1, 3, size=(10.4, 3.6), width_ratios=[1, 1.25, 1])
    board.set(xlim=(0, 1), ylim=(0, 1), xlabel="x", ylabel="y", aspect="equal")
    board.set_title("the first 1,500 darts")
    arc = np.linspace(0, math.pi / 2, 200)
    board.plot(np.cos(arc), np.sin(arc), color=TRUTH, linewidth=1)
    reach = {"xscale": "log", "xlim": (budgets[0] * 0.7, budgets[-1] * 1.5)}
    answers.set(**reach, ylim=(2.0, 4.3), xlabel="budget (darts)", ylabel="answer")
    answers.set_title("the answer, and how far off it may be")
    truth(answers, math.pi, "π")
    grey = {"color": MUTED, "alpha": 0.3, "linewidth": 0}
    answers.plot([], [], color=MUTED, alpha=0.5, linewidth=7, label="middle 90% of 100 others")
    answers.errorbar([], [], [], fmt="o", color=GOOD, markersize=3.5, label="you, ± 1.96 errors")
    answers.legend(loc="upper right")
    widths.set(**reach, yscale="log", ylim=(3e-3, 3), xlabel="budget (darts)")
    widths.set_title("width of the grey band")
    exact = 2 * 1.645 * math.sqrt(math.pi * (4 - math.pi))
    widths.plot(budgets, exact / np.sqrt(budgets), "--", color=TRUTH, linewidth=1, label="exact")
    widths.plot([], [], "s-", color=INK, markersize=4, linewidth=1, label="of the 100 others")
    widths.legend(loc="lower left")

    @functools.cache
    def part(k):
        """What each of the 100 throws between budget k − 1 and budget k: the mean, (100,)."""
        more = int(budgets[k] - (budgets[k - 1] if k else 0))
        streams = [np.random.default_rng((99, k, person)) for person in range(100)]
        return more * np.array([estimator(more, stream).value for stream in streams])

    def draw(darts, seed):
        throw(board, darts, seed)
        seen = budgets[budgets <= darts]
        others = np.cumsum([part(k) for k in range(len(seen))], axis=0).T / seen
        low, top = middle_90(others)
        answers.fill_between(seen, low, top, **grey)
        widths.plot(seen, top - low, "s-", color=INK, markersize=4, linewidth=1)
        runs = [run(int(n), seed) for n in seen]
        values = np.array([one.value for one in runs])
        bars = np.array([1.96 * one.standard_error for one in runs])
        answers.errorbar(seen, values, bars, fmt="o", color=GOOD, markersize=3.5, linewidth=1)
        last = {"color": BAD, "markersize": 6, "linewidth": 2}
        answers.errorbar(seen[-1:], values[-1:], bars[-1:], fmt="D", **last)
        text = plus_minus(values[-1], bars[-1], 4, ", give or take")
        return f"{text}; the grey band is {top[-1] - low[-1]:.3f} wide", runs[-1].cost

    return BudgetView(fig, draw, darts=powers_of_two(4, high, "darts", default=min(high, 12)))


def typed_view() -> BudgetView:
    """The same answer for a number of darts that the learner types."""
    fig, ax = figure(size=(7.0, 1.5))
    ax.set(xlim=(2.5, 3.8), ylim=(-1, 1), xlabel="answer, with its 95% interval", yticks=[])
    truth(ax, math.pi, "π", vertical=True)
    ax.legend(loc="upper left")

    def draw(darts, seed):
        now = montecarlo.darts(darts, np.random.default_rng(seed))
        ax.errorbar(now.value, 0, xerr=1.96 * now.standard_error, fmt="o", color=GOOD, capsize=4)
        return f"{darts:,} darts: {plus_minus(now.value, now.standard_error, 4)}", now.cost

    return BudgetView(fig, draw, darts=entry(_number_of_darts, "1000", unit="darts"))


def _number_of_darts(text: str) -> int:
    if re.fullmatch(
        r"\d{1,3}([.,_]\d{3})+", text.strip()
    ):  # a thousand, or one and no thousandths?
        raise ValueError(f"{text!r} can be read in two ways; type it without marks, as 5000 or 1e6")
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number; type one such as 5000 or 1e6") from None
    if whole_number("the number of darts", number) > _MOST:
        raise ValueError(f"{number:,.0f} darts take too long for a picture; type at most {_MOST:,}")
    return int(number)


def judged_probability(attempts: int, chance: float, skill: float) -> float:
    """Exact probability that the best-scored of n attempts is right.

    An attempt is right with probability ``chance``; its score is normal with mean ``skill`` if it
    is right, else 0, and variance 1. The winner has some score s, and all the others less:
    n · ∫ chance · φ(s − skill) · [chance · Φ(s − skill) + (1 − chance) · Φ(s)]ⁿ⁻¹ ds.
    """
    if skill == math.inf:
        return 1 - (1 - chance) ** attempts
    s = np.linspace(-8, skill + 9, 4001)
    below = chance * ndtr(s - skill) + (1 - chance) * ndtr(s)
    winner = chance * np.exp(-0.5 * (s - skill) ** 2) / math.sqrt(2 * math.pi)
    return float(np.trapezoid(attempts * winner * below ** (attempts - 1), s))


def judges_view(
    best_of: Callable, judges: Mapping[str, float], chance: float, high: int = 8
) -> BudgetView:
    """Share of questions answered right against the number of attempts, for several judges.

    ``best_of(attempts, skill, rng)`` → (questions,) booleans, right or wrong. ``judges`` maps a
    name to the judge's skill. The largest number of attempts is 2^high. Where all questions are
    answered right, or none, there is no bar: such a run has seen no spread.
    """
    budgets = [2**k for k in range(high + 1)]
    fine = np.unique(np.round(np.logspace(0, math.log10(budgets[-1]), 60)).astype(int))
    run = functools.cache(lambda n, skill, seed: best_of(n, skill, np.random.default_rng(seed)))
    fig, ax = figure(size=(7.6, 3.7))
    ax.set(xscale="log", xlim=(0.85, budgets[-1] * 3.2), ylim=(0, 1.04))
    ax.set(xlabel="budget (attempts at each question)", ylabel="share answered right")
    plain_ticks(ax.xaxis, budgets)
    exact = {s: [judged_probability(int(n), chance, s) for n in fine] for s in judges.values()}
    ax.plot([], [], "--", color=TRUTH, linewidth=1, label="exact")
    ax.legend(loc="upper left")

    def draw(attempts, seed):
        seen = [n for n in budgets if n <= attempts]
        shares = {}
        known = np.count_nonzero(fine <= attempts)
        for truths in exact.values():
            ax.plot(fine[:known], truths[:known], "--", color=TRUTH, linewidth=1)
        looks = zip(COLORS, MARKERS, judges.items(), strict=False)
        for color, marker, (name, skill) in looks:
            right = np.array([run(n, skill, seed) for n in seen])
            questions = right.shape[1]
            share = right.mean(axis=1)
            spread = right.std(axis=1)
            bars = np.where(spread > 0, 1.96 * spread / math.sqrt(questions), np.nan)
            ax.errorbar(seen, share, bars, fmt=f"{marker}-", color=color, markersize=4)
            shares[name] = share[-1]
        end_labels(ax, seen[-1] * 1.05, list(shares.values()), shares, COLORS, gap=0.06)
        text = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        if not all(0 < share < 1 for share in shares.values()):
            text += " (all or none: one run cannot tell how far off)"
        return f"answered right: {text}", Cost(units=attempts * questions * len(judges))

    return BudgetView(fig, draw, attempts=powers_of_two(0, high, "attempts", default=4))


def same_luck_view(
    best_of: Callable, gain: Callable, skills: tuple[float, float], chance: float, high: int = 6
) -> BudgetView:
    """What a better judge gains, measured by twenty people, with the same luck and with their own.

    ``best_of(attempts, skill, rng)`` → (questions,) booleans. ``gain(a, b)`` → how much better b
    is than a, and the standard error. The largest number of attempts is 2^high.
    """
    people = 20
    worse, better = skills

    @functools.cache
    def measured(attempts, seed, shared):
        found = []
        for person in range(people):
            luck = (seed, person)
            other = luck if shared else (seed, person, 1)
            a = best_of(attempts, worse, np.random.default_rng(luck)).astype(float)
            b = best_of(attempts, better, np.random.default_rng(other)).astype(float)
            found.append(gain(a, b))
        return np.transpose(found), 2 * people * len(a) * attempts

    fig, axes = figure(1, 2, size=(8.6, 3.6), sharey=True, sharex=True)
    rows = np.arange(people)
    for ax, luck in zip(axes, ("the same luck", "luck of their own"), strict=True):
        ax.set(xlim=(-0.12, 0.18), ylim=(-1, people + 6), yticks=[], title=luck)
        ax.set(xlabel="measured gain of the better judge, ± 1.96 errors")
        ax.axvline(0, color=MUTED, linewidth=1)
    axes[0].set_ylabel("20 people")
    axes[0].plot([], [], "--", color=TRUTH, linewidth=1.2, label="exact gain")
    axes[0].plot([], [], "o", color=GOOD, label="0 is outside the bar")
    axes[0].plot([], [], "x", color=BAD, label="0 is inside")
    axes[0].legend(loc="upper right")

    def draw(attempts, seed):
        exact = judged_probability(attempts, chance, better)
        exact -= judged_probability(attempts, chance, worse)
        spent = 0
        told = []
        for ax, shared in zip(axes, (True, False), strict=True):
            (gains, errors), units = measured(attempts, seed, shared)
            spent += units
            ax.plot([exact, exact], [-1, people], "--", color=TRUTH, linewidth=1.2)
            sure = abs(gains) > 1.96 * errors
            for which, color, marker in ((sure, GOOD, "o"), (~sure, BAD, "x")):
                look = {"fmt": marker, "color": color, "markersize": 4, "linewidth": 1}
                ax.errorbar(gains[which], rows[which], xerr=1.96 * errors[which], **look)
            told.append(f"{sure.sum()} of {people} are sure (errors of {errors.mean():.4f})")
        text = f"exact gain {exact:.3f}; same luck: {told[0]}; own luck: {told[1]}"
        return text, Cost(units=spent)

    return BudgetView(fig, draw, attempts=powers_of_two(0, high, "attempts", default=4))


def points_per_second(n: int = 2**21) -> float:
    """Darts this machine throws in a second, measured over ``n`` of them."""
    throws = [montecarlo.darts(n, np.random.default_rng(seed)) for seed in range(3)]
    return n / min(thrown.cost.seconds for thrown in throws)


def memory() -> dict[str, float]:
    """Gigabytes of memory: ``total``, ``available`` at most, and ``used`` by this notebook."""
    import psutil

    used = psutil.Process().memory_info().rss
    machine = psutil.virtual_memory()
    total = min(machine.total, memory_limit())
    available = min(machine.available, total - used)
    return {"total": total / 1e9, "available": available / 1e9, "used": used / 1e9}
