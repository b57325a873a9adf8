"""Verifiers that learned nothing: plain functions of a problem and a text, which cost no FLOPs."""

from __future__ import annotations

from ttclib.lm import arithmetic
from ttclib.lm.nines import failures

NINTH = 1 / 9  # of wrong results pass: what a failure leaves of the score


def right_so_far(problem: str, text: str) -> float:
    """Score a text as one who can calculate: 1 while all is true, the answer too; else 0."""
    found = arithmetic.check_solution(problem, text)
    return float(all(found.correct) and (found.right or not found.finished))


def nines_so_far(problem: str, text: str) -> float:
    """Score a text by casting out nines: 1/9 to the power of the steps that fail.

    The answer fails if it is not the last result. Nobody looks whether a step belongs to the
    problem.
    """
    return NINTH ** failures(text, "#" in text)


RULES = {"exact": right_so_far, "nines": nines_so_far}
