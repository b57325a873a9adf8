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
from ttclib.sampling import montecarlo
from ttclib.show.darts import board_figure, plus_minus, throw
from ttclib.show.slider import BudgetView, entry, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    band,
    end_labels,
    figure,
    plain_ticks,
    truth,
)

_MOST = 10**7  # darts that a picture may wait for


def first_view(estimator: Callable, high: int = 20) -> BudgetView:
    """Show the answer to "how much is π?" for every budget up to the slider's, of 2^high at most.

    ``estimator(n, rng)`` → ``montecarlo.Estimate``; it must read its stream point by point.
    """
    budgets = [2**k for k in range(4, high + 1)]
    run = functools.cache(lambda n, seed: estimator(n, np.random.default_rng(seed)))
    fig, board, answers = board_figure()
    answers.set(xscale="log", xlim=(budgets[0] * 0.7, budgets[-1] * 1.5), ylim=(2.0, 4.3))
    answers.set(xlabel="budget (darts)", ylabel="answer")
    answers.set_title("the answer, and how far off it may be")
    sizes = [n for n in budgets if n <= 2**14]
    others = [[run(n, (99, k)).value for n in sizes] for k in range(100)]
    band(answers, sizes, others, color=MUTED, label="100 other runs: median, middle 90%")
    truth(answers, math.pi, "π")
    answers.legend(loc="upper right")

    def draw(darts, seed):
        throw(board, darts, seed)
        seen = [n for n in budgets if n <= darts]
        values = np.array([run(n, seed).value for n in seen])
        bars = np.array([1.96 * run(n, seed).standard_error for n in seen])
        answers.errorbar(seen, values, bars, fmt="o", color=GOOD, markersize=3.5, linewidth=1)
        answers.errorbar(
            seen[-1:], values[-1:], bars[-1:], fmt="o", color=BAD, markersize=6, linewidth=2
        )
        return plus_minus(values[-1], bars[-1], 4, ", give or take"), run(darts, seed).cost

    return BudgetView(fig, draw, darts=powers_of_two(4, high, "darts", default=8))


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
    for skill in judges.values():
        exact = [judged_probability(int(n), chance, skill) for n in fine]
        ax.plot(fine, exact, "--", color=TRUTH, linewidth=1)

    def draw(attempts, seed):
        seen = [n for n in budgets if n <= attempts]
        shares = {}
        for color, (name, skill) in zip(COLORS, judges.items(), strict=False):
            right = np.array([run(n, skill, seed) for n in seen])
            questions = right.shape[1]
            share = right.mean(axis=1)
            spread = right.std(axis=1)
            bars = np.where(spread > 0, 1.96 * spread / math.sqrt(questions), np.nan)
            ax.errorbar(seen, share, bars, fmt="o-", color=color, markersize=4, linewidth=1.2)
            shares[name] = share[-1]
        end_labels(ax, seen[-1], list(shares.values()), shares, COLORS, gap=0.06)
        text = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        if not all(0 < share < 1 for share in shares.values()):
            text += " (all or none: one run cannot tell how far off)"
        return f"answered right: {text}", Cost(units=attempts * questions * len(judges))

    return BudgetView(fig, draw, attempts=powers_of_two(0, high, "attempts", default=4))


def points_per_second(n: int = 2**21) -> float:
    """Darts this machine throws in a second, measured over ``n`` of them."""
    throws = [montecarlo.darts(n, np.random.default_rng(seed)) for seed in range(3)]
    return n / min(thrown.cost.seconds for thrown in throws)
