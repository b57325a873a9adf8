"""Problems of the shipped sweep searched once more: luck passes, and a faulty search does not."""

from dataclasses import replace

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM

from ttclib import artefacts
from ttclib.course.prm_search import quality, sweep
from ttclib.lm.arithmetic import TASK
from ttclib.measure import votes
from ttclib.search.methods import Setting
from ttclib.search.results import block, read
from ttclib.search.search import CONCLUSIONS
from ttclib.search.selections import beam

BEAM = Setting("beam", 16, width=4)


@pytest.fixture(scope="module")
def shipped():
    """Every sixth problem of the sweep, and whether its beam solved it."""
    table = read(artefacts.path("search-sweep"))
    expression = dict(zip(table["problem"], table["expression"], strict=True))
    places = np.arange(len(expression))[1::6]
    solved = block(table).solved("beam M = 4", 16)[places]
    return [expression[i] for i in places], solved


def p_value(shipped, seed):
    """Of the difference between a live beam and the shipped one: false alarms at most 1e-6."""
    problems, then = shipped
    now = np.zeros(len(problems))
    for job in sweep.jobs([BEAM], problems, 1, at_once=256):
        for row in sweep.carry_out(replace(job, seed=seed + 1), TASK).results:
            now[row["problem"]] = row["weighted_last_right"]
    return quality.luck_alone(now, then)


@pytest.mark.statistical
def test_a_live_search_solves_as_many(shipped, seed):
    assert p_value(shipped, seed) > FALSE_ALARM


@pytest.mark.statistical
def test_a_beam_that_keeps_the_worst_is_caught(shipped, seed, monkeypatch):
    def worst(population, rng):
        upside_down = replace(population, log_weights=-population.log_weights)
        ancestors, _ = beam(4)(upside_down, rng)
        return ancestors, population.log_weights[ancestors]

    monkeypatch.setattr(sweep, "select_for", lambda setting: worst)
    assert p_value(shipped, seed) < FALSE_ALARM


@pytest.mark.statistical
def test_the_smallest_sum_of_scores_is_caught(shipped, seed, monkeypatch):
    def smallest(answers, scores):
        total = votes.votes(answers, scores)
        return min(total, key=total.get, default=None)

    monkeypatch.setitem(CONCLUSIONS, "weighted", smallest)
    assert p_value(shipped, seed) < FALSE_ALARM
