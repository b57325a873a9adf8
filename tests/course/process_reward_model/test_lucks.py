"""What notebook 07 answers to its predictions about rollouts holds for any luck, not for one."""

import re

import nbformat
import numpy as np
import pytest
import solutions
from sentences import Says

pytest.importorskip("torch")

from tools import notebooks
from ttclib.course.process_reward_model.per_step import continuations
from ttclib.lm import arithmetic
from ttclib.lm.models import load

LUCKS = 100
says = Says("07_process_reward_model")


@pytest.fixture(scope="module")
def shown():
    """The problem and the solution that the notebook shows, which goes wrong on its way."""
    path = notebooks.FOLDER / "07_process_reward_model.ipynb"
    cells = nbformat.read(path, nbformat.NO_CONVERT).cells
    (said,) = [solutions.text_of(cell) for cell in cells if cell.id == "07-007"]
    problem, solution = re.match(r"(\S+) = \S+; (\S+)\n", said).groups()
    return problem, solution


@pytest.fixture(scope="module")
def lucks(shown):
    """16 rollouts a step, for a hundred lucks: the labels (lucks, steps), and their costs."""
    lm = load("lab-small")
    found = [
        continuations(lm, arithmetic.TASK, *shown, 16, np.random.default_rng([seed, 7]))
        for seed in range(LUCKS)
    ]
    return np.array([right.mean(axis=1) for right, _, _ in found]), [cost for *_, cost in found]


@pytest.mark.answers("07-008", 1)
def test_a_first_wrong_step_is_seen_in_the_labels(shown, lucks):
    correct = arithmetic.check_solution(*shown).correct
    wrong = correct.index(False)
    labels, _ = lucks
    before, after = labels[:, wrong - 1], labels[:, wrong:]
    assert before.mean() > 0.2 and after.mean() < 0.02
    assert np.mean(before > after.max(axis=1)) > 0.9


@pytest.mark.answers("07-008", 2)
def test_labels_are_as_far_off_as_theory_says(lucks):
    labels, _ = lucks
    p = labels.mean(axis=0)
    # of a hundred squares the mean has a standard error of a seventh: five of them
    assert np.mean((labels - p) ** 2) == pytest.approx(np.mean(p * (1 - p) / 16), rel=0.7)
    assert np.sqrt(np.mean(p * (1 - p) / 25)) < 0.1
    eight, sixteen = (np.sqrt(np.mean(p * (1 - p) / n)) for n in (8, 16))
    says("here, with four sure steps of six, 16 are", eight > 0.1 > sixteen)
    assert len(p) == 6 and (p < 0.1).sum() == 4


@pytest.mark.answers("07-008", 3)
def test_labels_of_new_rollouts_cost_dozens_of_times_the_solution(shown, lucks):
    _, costs = lucks
    for cost in costs:
        assert cost.lm_tokens > 24 * len(shown[1])
        assert 2 * cost.lm_positions < cost.lm_tokens
