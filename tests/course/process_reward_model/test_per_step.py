"""Continuations: they go on from each step, and only what can end right does."""

import numpy as np

from ttclib.course.process_reward_model.per_step import continuations
from ttclib.lm import arithmetic
from ttclib.lm.models import load

PROBLEM = "(17-9)*12+45"


def test_continuations_follow_each_step():
    lm = load("lab-small")
    solution = arithmetic.solve(arithmetic.parse(PROBLEM))
    right, places, cost = continuations(
        lm, arithmetic.TASK, PROBLEM, solution, 30, np.random.default_rng(0)
    )
    assert [solution[:p] for p in places] == [
        "17-9=8;",
        "17-9=8;8*12=96;",
        "17-9=8;8*12=96;96+45=141;",
    ]
    assert right.shape == (3, 30)
    assert right[2].mean() > 0.9  # all that is left is to copy the answer
    assert cost.lm_tokens > 0
    wrong = solution.replace("=96;96+", "=90;90+").replace("141", "135")
    assert not continuations(lm, arithmetic.TASK, PROBLEM, wrong, 30, np.random.default_rng(0))[0][
        1:
    ].any()


def test_early_steps_have_all_the_room_that_the_context_leaves():
    """From the first step it is further to the end than the last one leaves room for."""
    lm = load("lab-small")
    problem = "74+688-(713-80+272-(567-66))"
    solution = arithmetic.solve(arithmetic.parse(problem))
    begins = len(problem) + 1 + solution.rindex(";") + 1
    assert lm.context - begins < len(solution) - solution.index(";")
    right, places, _ = continuations(
        lm, arithmetic.TASK, problem, solution, 64, np.random.default_rng(0)
    )
    assert len(places) == 6 and (right.mean(axis=1) > 0.2).all()


def test_more_continuations_begin_with_fewer(seed):
    lm = load("lab-small")
    solution = arithmetic.solve(arithmetic.parse(PROBLEM))
    few, many = (
        continuations(lm, arithmetic.TASK, PROBLEM, solution, n, np.random.default_rng(seed))[0]
        for n in (4, 16)
    )
    assert (many[:, :4] == few).all()
