"""Parts of a strategy: a vote, a free check as a verifier, and the references to beat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from ttclib.course.budget_challenge.arena import Desk
from ttclib.lm.nines import failures
from ttclib.particles.smc import keep_all
from ttclib.search.selections import rebase


def vote(answers: Sequence[Hashable], weights: Sequence[float] | None = None) -> Hashable:
    """Return the answer of the most weight; of equals the first. None if there is no answer."""
    weights = np.ones(len(answers)) if weights is None else weights
    total: dict = defaultdict(float)
    for answer, weight in zip(answers, weights, strict=True):
        if answer is not None:
            total[answer] += weight
    return max(total, key=total.get) if total else None


def nines_so_far(problem: str, text: str) -> float:
    """Score a text by casting out nines: a ninth for each step that fails. It costs no FLOPs."""
    return (1 / 9) ** failures(text, "#" in text)


def one_text(writer: str) -> Callable:
    """Return the strategy of one greedy text."""

    def strategy(desk: Desk, rng: np.random.Generator):
        return desk.write(1, writer, temperature=0.0).answers[0]

    return strategy


def majority(n: int, writer: str) -> Callable:
    """Return the strategy of a vote of n texts."""

    def strategy(desk: Desk, rng: np.random.Generator):
        return vote(desk.write(n, writer).answers)

    return strategy


def weighted(n: int, writer: str) -> Callable:
    """Return best-of-N weighted: n texts, and the verifier's opinion of each as its vote."""

    def strategy(desk: Desk, rng: np.random.Generator):
        drafts = desk.search(n, keep_all, writer)
        return vote(drafts.answers, drafts.scores)

    return strategy


def without_doubt(n: int, writer: str) -> Callable:
    """Return a vote of n texts, where each step that fails casting out nines costs a factor 9."""

    def strategy(desk: Desk, rng: np.random.Generator):
        drafts = desk.write(n, writer)
        return vote(drafts.answers, 9.0**-drafts.doubts)

    return strategy


def guided(n: int, writer: str, verifier=nines_so_far) -> Callable:
    """Return REBASE with n texts under a verifier; None stands for the course's trained one."""

    def strategy(desk: Desk, rng: np.random.Generator):
        drafts = desk.search(n, rebase(), writer, verifier)
        return vote(drafts.answers, drafts.scores)

    return strategy
