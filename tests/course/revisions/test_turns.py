"""The two-state chain of notebook 10, against matrix powers and against every chain there is."""

import itertools
import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value

from ttclib.course.metropolis_hastings.markov import simulate, stationary
from ttclib.course.revisions.turns import Turns, shares_ahead, turns

GRID = [Turns(*pair) for pair in itertools.product((0.0, 0.1, 0.21, 0.5, 1.0), repeat=2)]


def matrix(step):
    return np.array([[1 - step.righted, step.righted], [step.spoiled, 1 - step.spoiled]])


@pytest.mark.parametrize("step", GRID)
@pytest.mark.parametrize("first", [0.0, 0.4, 1.0])
def test_the_shares_are_those_of_matrix_powers(step, first):
    now = np.array([1 - first, first])
    for share in shares_ahead(first, step, 6):
        assert share == pytest.approx(now[1], abs=1e-12)
        now = now @ matrix(step)


@pytest.mark.parametrize("step", [step for step in GRID if step.righted + step.spoiled > 0])
def test_the_long_run_is_the_stationary_distribution(step):
    assert step.long_run == pytest.approx(stationary(matrix(step))[1])


def test_nothing_turns():
    assert math.isnan(Turns(0.0, 0.0).long_run)
    assert shares_ahead(0.3, Turns(0.0, 0.0), 2).tolist() == [0.3] * 3


def test_all_chains_of_three_attempts_are_counted_by_hand():
    chains = np.array(list(itertools.product((False, True), repeat=3)))
    # of 16 steps, 8 begin wrong and 8 right, and half of each turn
    assert turns(chains) == (0.5, 0.5)
    # weighted by what a chain of these chances does, they give these chances back
    step = Turns(0.2, 0.3)
    start = [0.6, 0.4]
    weights = [
        start[int(a)] * matrix(step)[int(a), int(b)] * matrix(step)[int(b), int(c)]
        for a, b, c in chains
    ]
    assert sum(weights) == pytest.approx(1)
    assert turns(chains, weights) == pytest.approx(step)


def test_turns_that_nobody_could_make_are_no_number():
    assert turns([[True, True], [True, False]]).spoiled == 0.5
    assert math.isnan(turns([[True, True], [True, False]]).righted)


@pytest.mark.statistical
def test_turns_of_a_simulated_chain_are_its_chances(seed):
    step = Turns(0.21, 0.24)
    states = simulate(matrix(step), 0, 12, np.random.default_rng(seed), chains=4000)
    right = states.T == 1
    wrong_before = np.count_nonzero(~right[:, :-1])
    righted = np.count_nonzero(~right[:, :-1] & right[:, 1:])
    assert turns(right).righted == righted / wrong_before
    # given how often it could turn, each step of a Markov chain turns on its own
    first = right[:, 1]
    assert binomial_p_value(np.count_nonzero(first), len(first), step.righted) > FALSE_ALARM


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: turns([[True]]), "at least two steps"),
        (lambda: shares_ahead(1.5, Turns(0.1, 0.1), 3), "first is 1.5"),
        (lambda: shares_ahead(0.5, Turns(float("nan"), 0.1), 3), "righted is nan"),
        (lambda: shares_ahead(0.5, Turns(0.1, 0.1), -1), "n is -1"),
    ],
)
def test_bad_input_is_one_line(call, line):
    with pytest.raises(ValueError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
