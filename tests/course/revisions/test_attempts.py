"""Chains of attempts: what is read before each, what it costs, and a model whose law is known."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from exact_p_values import FALSE_ALARM, binomial_p_value
from two_state_reviser import FIRST, PROBLEMS, STEP, Reviser

from ttclib.course.revisions import attempts
from ttclib.course.revisions.attempts import CONTEXT, LONGEST, WINDOW, draw_chains, revision_prompt
from ttclib.course.revisions.turns import shares_ahead
from ttclib.lm import arithmetic
from ttclib.lm.arithmetic import END, TASK


def test_the_last_attempts_stand_before_the_problem_each_behind_its_own():
    five = [f"#{i}" for i in range(5)]
    assert revision_prompt(TASK, "1+1", []) == "1+1?"
    assert revision_prompt(TASK, "1+1", five, 2) == "1+1?#3\n1+1?#4\n1+1?"
    assert revision_prompt(TASK, "1+1", five, 0) == "1+1?"
    assert revision_prompt(TASK, "1+1", five).count("?") == WINDOW + 1


def test_each_step_reads_the_attempts_before_it():
    lm = Reviser()
    found = draw_chains(lm, TASK, PROBLEMS, 2, 4, np.random.default_rng(0), window=2)
    assert len(lm.heard) == 4
    for k, heard in enumerate(lm.heard):
        expected = [
            revision_prompt(TASK, problem, chain[max(0, k - 2) : k].tolist())
            for problem, chains in zip(PROBLEMS, found.attempts, strict=True)
            for chain in chains
        ]
        assert sorted(heard) == sorted(expected)


def test_right_is_what_the_task_says_and_positions_are_those_that_were_fed():
    found = draw_chains(Reviser(), TASK, PROBLEMS, 3, 5, np.random.default_rng(1), window=2)
    assert found.attempts.shape == found.right.shape == (3, 3, 5)
    fed = np.zeros(found.read.shape, dtype=int)
    for i, problem in enumerate(PROBLEMS):
        for j in range(3):
            for k, text in enumerate(found.attempts[i, j]):
                assert found.right[i, j, k] == (text == f"#{TASK.reference(problem)}")
                mine = found.attempts[i, j, max(0, k - 2) : k].tolist()
                # an answer is two letters and the end, which is not fed again
                fed[i, j, k] = len(revision_prompt(TASK, problem, mine)) + 2
    assert (found.read == fed).all()
    assert (found.written == 3).all()
    assert found.cost.lm_positions == fed.sum()
    assert found.cost.units == 3 * 3 * 5
    assert found.cost.lm_tokens == 3 * 3 * 5 * 3


@pytest.mark.parametrize("at_once", [1, 2, 128])
def test_fewer_chains_and_steps_are_the_beginning_of_more(seed, at_once):
    def drawn(chains, steps):
        rng = np.random.default_rng(seed)
        return draw_chains(Reviser(), TASK, PROBLEMS, chains, steps, rng, at_once=at_once)

    more = drawn(3, 4)
    for chains, steps in ((1, 4), (2, 2), (3, 1)):
        assert (drawn(chains, steps).attempts == more.attempts[:, :chains, :steps]).all()
    each = (4, 2, 1)
    ragged = drawn(3, each)
    there = np.arange(4) < np.array(each)[:, None]
    for name in ("attempts", "right", "read", "written"):
        expected = getattr(more, name)
        assert (getattr(ragged, name)[:, there] == expected[:, there]).all()
    assert not ragged.written[:, ~there].any()
    assert ragged.cost.units == 3 * sum(each)


def p_value(seed, **options):
    """Of the shares after 0 to 3 steps: chains are independent, so each count is binomial."""
    rng = np.random.default_rng(seed)
    found = draw_chains(Reviser(), TASK, ["1+1"] * 3000, 1, 4, rng, **options)
    counts = found.right[:, 0].sum(axis=0)
    truth = shares_ahead(FIRST, STEP, 3)
    return 4 * min(binomial_p_value(n, 3000, p) for n, p in zip(counts, truth, strict=True))


@pytest.mark.statistical
def test_the_shares_along_a_chain_are_those_of_the_two_state_chain(seed):
    assert p_value(seed, at_once=1000) > FALSE_ALARM


@pytest.mark.statistical
def test_a_model_that_forgets_what_it_wrote_is_caught(seed):
    assert p_value(seed, at_once=1000, window=0) < FALSE_ALARM


@pytest.mark.statistical
def test_a_model_that_reads_the_first_attempts_is_caught(seed, monkeypatch):
    def oldest(task, problem, written, window):
        ask = task.prompt(problem)
        return "".join(f"{ask}{text}{END}" for text in written[:1]) + ask

    monkeypatch.setattr(attempts, "revision_prompt", oldest)
    assert p_value(seed, at_once=1000) < FALSE_ALARM


def test_what_does_not_fit_is_refused_in_one_line():
    lm = Reviser(context=14)
    assert draw_chains(lm, TASK, ["1+1"], 1, 2, np.random.default_rng(0)).right.shape == (1, 1, 2)
    with pytest.raises(ValueError, match=r"have 18 tokens; the model's context holds 14") as error:
        draw_chains(lm, TASK, ["1+1"], 1, 3, np.random.default_rng(0))
    assert "\n" not in str(error.value)


def test_the_window_and_an_answer_always_fit():
    problem = "999-(999-(999-(999-(999-(999-(999-1))))))"
    longest = len(arithmetic.example(problem))
    assert (WINDOW + 1) * longest <= CONTEXT


class Endless(Reviser):
    """It never ends."""

    def _distribution(self, prefix):
        law = np.zeros(len(self.vocabulary))
        law[self.vocabulary.encode("1")[0]] = 1.0
        return law


def test_an_attempt_that_goes_astray_is_cut_where_a_verifier_of_solutions_still_reads_it():
    widest = "999-(999-(999-(999-(999-(999-(999-999))))))"  # of seven operations
    found = draw_chains(Endless(), TASK, [widest], 1, 2, np.random.default_rng(0))
    assert found.written.tolist() == [[[LONGEST, LONGEST]]]
    assert len(TASK.prompt(widest)) + LONGEST == arithmetic.MAX_LENGTH
    # a true solution of as many operations on numbers as long is not cut
    assert len(arithmetic.solve(arithmetic.parse(widest))) < LONGEST


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"chains": 0}, "chains is 0"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": [1, 1]}, r"steps has shape \(2,\); there are 1 chains"),
        ({"window": -1}, "window is -1"),
        ({"at_once": 0}, "at_once is 0"),
    ],
)
def test_bad_input_is_one_line(options, line):
    usual = {"chains": 1, "steps": 1} | options
    with pytest.raises(ValueError, match=line):
        draw_chains(Reviser(), TASK, ["1+1"], rng=np.random.default_rng(0), **usual)
