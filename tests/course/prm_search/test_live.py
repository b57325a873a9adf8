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
from ttclib.search.results import WEIGHTED, block, read
from ttclib.search.search import CONCLUSIONS
from ttclib.search.selections import beam

RUNS = {"beam M = 4": Setting("beam", 8, width=4), WEIGHTED: Setting("best of n", 8)}


@pytest.fixture(scope="module")
def shipped():
    """Half of the problems of the sweep, and whether each method solved them."""
    table = read(artefacts.path("search-sweep"))
    expression = dict(zip(table["problem"], table["expression"], strict=True))
    places = np.arange(0, len(expression), 2)
    found = block(table)
    return [expression[i] for i in places], {name: found.solved(name, 8)[places] for name in RUNS}


def p_value(name, shipped, seed):
    """Of the difference between a live run and the shipped one: false alarms at most 1e-6."""
    problems, then = shipped
    now = np.zeros(len(problems))
    for job in sweep.jobs([RUNS[name]], problems, 1, at_once=256):
        for row in sweep.carry_out(replace(job, seed=seed + 1), TASK).results:
            now[row["problem"]] = row["weighted_last_right"]
    return quality.luck_alone(now, then[name])


@pytest.mark.statistical
@pytest.mark.parametrize("name", RUNS)
def test_a_live_search_solves_as_many(name, shipped, seed):
    assert p_value(name, shipped, seed) > FALSE_ALARM / len(RUNS)


@pytest.mark.statistical
def test_a_beam_that_keeps_the_worst_is_caught(shipped, seed, monkeypatch):
    def worst(population, rng):
        upside_down = replace(population, log_weights=-population.log_weights)
        ancestors, _ = beam(4)(upside_down, rng)
        return ancestors, population.log_weights[ancestors]

    monkeypatch.setattr(sweep, "select_for", lambda setting: worst)
    assert p_value("beam M = 4", shipped, seed) < FALSE_ALARM


@pytest.mark.statistical
def test_the_smallest_sum_of_scores_is_caught(shipped, seed, monkeypatch):
    def smallest(answers, scores):
        total = votes.votes(answers, scores)
        return min(total, key=total.get, default=None)

    monkeypatch.setitem(CONCLUSIONS, "weighted", smallest)
    assert p_value(WEIGHTED, shipped, seed) < FALSE_ALARM
