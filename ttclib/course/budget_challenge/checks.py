"""Checks of notebook 09b: a strategy is tried, then played on problems that it has never seen."""

from __future__ import annotations

import numpy as np

from ttclib.course.budget_challenge import arena
from ttclib.exercise import exercise, expect, mistake

PROBLEMS = 50


@exercise
def forty(yours):
    """``yours(desk, rng)`` → an answer; 40 M FLOPs a problem, 36 of 50 wanted."""
    outcome = _judged(yours, 40e6, 0.72, "is there a better writer for the same FLOPs?")
    return f"{_said(outcome)}; one greedy text of lab-small solves 28 of the 50"


@exercise(blanks=2)
def sixty_and_more(yours):
    """``yours(desk, rng)`` → an answer; 60 M and 120 M FLOPs a problem, 42 of 50 wanted."""
    small = _judged(yours, 60e6, 0.84, "which texts look wrong, before anybody asks the verifier?")
    large = _judged(yours, 120e6, 0.84, "which texts look wrong, before anybody asks the verifier?")
    return f"{_said(small)}; {_said(large)}; one greedy text of the body solves 40 of the 50"


def _said(outcome: arena.Outcome) -> str:
    return (
        f"{outcome.right.sum()} of {len(outcome.right)} solved "
        f"for {outcome.paid.mean() / 1e6:.0f} of {outcome.budget / 1e6:.0f} M FLOPs a problem"
    )


def _judged(yours, budget: float, least: float, hint: str) -> arena.Outcome:
    """Try a strategy, play it, note the outcome on the board, and name what is wrong with it."""
    with arena.watched():
        try:
            _tried(yours)
        except arena.Beside as beside:
            mistake(f"{beside}: ask desk.write, desk.read or desk.search")
    outcome = arena.play(yours, arena.exam(PROBLEMS), budget)
    if outcome.errors:
        mistake(
            f"on {len(outcome.errors)} of {PROBLEMS} problems something went wrong, "
            f"at first {outcome.errors[0].removeprefix('_Mistake: ')}"
        )
    if outcome.spent_at is not None:
        mistake(
            f"with {budget / 1e6:.0f} M FLOPs a problem the purse was empty at problem "
            f"{outcome.spent_at + 1} of {PROBLEMS}: it and all after it count as wrong. "
            "Write fewer texts, or ask desk.share first"
        )
    arena.board["yours", budget] = outcome
    expect(outcome.accuracy >= least, f"{_said(outcome)}, wanted are {least:.0%}: {hint}")
    return outcome


def _tried(yours) -> None:
    """Let a strategy answer problems that do not count, and look at what comes back."""
    (problem, *_) = arena.practice(3)
    answers = []
    for _ in range(2):
        rng = np.random.default_rng(4)
        desk = arena.Desk(problem, arena.Purse(1e12, 1), np.random.default_rng(3))
        try:
            answers.append(yours(desk, rng))
        except arena.Spent:
            mistake("one problem alone took a thousand times all that there is")
        if desk.left == 1e12 and isinstance(answers[-1], int):
            mistake("the answer cost nothing: it was not taken from texts of the desk")
    answer = answers[0]
    if isinstance(answer, str):
        mistake("that is a text; return its answer, a whole number: drafts.answers holds them")
    if isinstance(answer, arena.Drafts | list | tuple | np.ndarray):
        mistake(f"return one answer; yours is a {type(answer).__name__} of {len(answer)}")
    expect(
        isinstance(answer, int) and not isinstance(answer, bool),
        f"an answer is a whole number; yours is {answer!r}",
    )
    if answers[0] != answers[1] and answers[1] is not None:
        mistake("the same desk and the same rng give two answers: draw all luck from rng")
    rigged = [arena.RiggedDesk(problem) for problem in arena.practice(4)]
    knew = [
        arena.TASK.right(desk._problem, yours(desk, np.random.default_rng(1))) for desk in rigged
    ]
    if sum(knew) >= 2:
        mistake("it answers right where every text is wrong: it calculates by itself (rule 3)")
