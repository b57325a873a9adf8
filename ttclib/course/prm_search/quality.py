"""What a verifier of some quality makes of the same samples: who is its favourite, and why; and
whether two runs differ by luck alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import bdtr

from ttclib.lm import arithmetic


def luck_alone(now: np.ndarray, then: np.ndarray) -> float:
    """Return the p-value that two runs of one method on the same problems differ by luck alone.

    Where one run solves a problem and the other does not, it is as often the one as the other: a
    fair coin for each such problem, however hard it is. So the count is binomial, and the p-value
    exact and two-sided (the sign test; McNemar 1947). Under luck alone it falls below any level at
    most that often, whatever the seed.

    Parameters
    ----------
    now, then : array of bool, shape (problems,)
        Which problems each run solved; the runs are independent.
    """
    now, then = (np.asarray(run, dtype=bool) for run in (now, then))
    gained, lost = (int(mine.sum()) for mine in (now & ~then, then & ~now))
    return min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5)))


def first_mistake(problem: str, text: str) -> str | None:
    """Name the first wrong step of a solution; None if its steps are right.

    It is a *slip* if the step is the right one to take, and only its result is wrong.
    """
    correct = arithmetic.check_solution(problem, text).correct
    if all(correct):
        return None
    before = text.split(";")[: correct.index(False)]
    asked = text.split(";")[len(before)].partition("=")[0]
    try:
        mended = f"{asked}={arithmetic.value(arithmetic.parse(asked))}"
    except ValueError:
        return OTHER
    if not all(arithmetic.check_solution(problem, ";".join([*before, mended, ""])).correct):
        return OTHER
    return SLIPS[next(sign for sign in SLIPS if sign in asked)]


SLIPS = {"+": "slip in a sum", "-": "slip in a difference", "*": "slip in a product"}
OTHER = "not a step to take now"


def gaps(score: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores less the mean of their problem, of the right and of the wrong texts.

    Both tables are (…, problems, n); only problems with texts of both kinds are asked.
    """
    score, right = (table.reshape(-1, table.shape[-1]) for table in (score, right.astype(bool)))
    both = right.any(axis=1) & ~right.all(axis=1)
    score, right = (table[both] for table in (score, right))
    gap = score - score.mean(axis=1, keepdims=True)
    return gap[right], gap[~right]


def within(score: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Standard deviation of the scores of right, and of wrong, texts around their own means.

    Each text is compared with the mean of the texts of its problem that are as right as itself:
    what is left is how much a verifier makes of nothing.
    """
    score, right = (table.reshape(-1, table.shape[-1]) for table in (score, right.astype(bool)))
    found = []
    for mine in (right, ~right):
        number = mine.sum(axis=1, keepdims=True)
        mean = np.where(mine, score, 0.0).sum(axis=1, keepdims=True) / np.maximum(number, 1)
        square = np.where(mine, score - mean, 0.0) ** 2
        free = np.maximum(number - 1, 0).sum()
        found.append(float(np.sqrt(square.sum() / free)) if free else np.nan)
    return found[0], found[1]


def favourite_wrong(score: np.ndarray, right: np.ndarray, budgets: Sequence[int]) -> np.ndarray:
    """Share of problems whose highest score among the first N texts is a wrong one's: (budgets,).

    Of equal scores the first counts.
    """
    found = []
    for n in budgets:
        best = score[..., :n].argmax(axis=-1)[..., None]
        found.append(1 - np.take_along_axis(right, best, axis=-1).mean())
    return np.array(found)


def best_scores(score: np.ndarray, right: np.ndarray, budgets: Sequence[int]) -> np.ndarray:
    """Mean highest score of a right and of a wrong text among the first N: (2, budgets).

    Over the problems that have both among their first N; NaN where none has.
    """
    score, right = (table.reshape(-1, table.shape[-1]) for table in (score, right.astype(bool)))
    found = np.full((2, len(budgets)), np.nan)
    for j, n in enumerate(budgets):
        tops = [np.where(kind, score, -np.inf)[:, :n].max(axis=1) for kind in (right, ~right)]
        both = np.isfinite(tops).all(axis=0)
        if both.any():
            found[:, j] = [top[both].mean() for top in tops]
    return found


def solved_by(
    rule: Callable, answers: np.ndarray, score: np.ndarray, value: np.ndarray, n: int
) -> np.ndarray:
    """Whether a rule picks the right answer from the first n texts of each problem: (problems,).

    Parameters
    ----------
    rule : callable
        ``rule(answers, scores)`` → an answer; None stands for none.
    answers : array, shape (problems, N)
        NaN where a text has none.
    value : array, shape (problems,)
        The right answers.
    """
    said = [
        rule([None if np.isnan(one) else int(one) for one in mine], scores)
        for mine, scores in zip(answers[:, :n], score[:, :n], strict=True)
    ]
    return np.array(
        [one is not None and one == right for one, right in zip(said, value, strict=True)]
    )


def weighed_share(right: np.ndarray, score: np.ndarray, power: float) -> float:
    """Share of right texts under p(x) · score(x)^power, from samples of p: a mean over problems.

    Parameters
    ----------
    right, score : array, shape (problems, n)
        Importance sampling: each sample weighs its score to the power.
    """
    weight = np.asarray(score, dtype=float) ** power
    return float(np.mean((weight * right).sum(axis=1) / weight.sum(axis=1)))
