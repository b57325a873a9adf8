"""Selection, against the votes of the library and every small table there is to vote on."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ttclib.course.revisions import selection
from ttclib.course.revisions.record import Record, Setting
from ttclib.course.revisions.selection import LAST, MAJORITY, NESTED, WAYS, WEIGHTED, chosen
from ttclib.measure import votes

SHAPES = st.tuples(st.just(2), st.integers(1, 4), st.integers(1, 4))
ANSWERS = st.sampled_from([1.0, 2.0, 3.0, math.nan])
SCORES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.7])
TABLES = SHAPES.flatmap(
    lambda shape: st.tuples(
        arrays(float, shape, elements=ANSWERS), arrays(float, shape, elements=SCORES)
    )
)


def said(answers):
    """The same, with None for no answer."""
    return [None if math.isnan(answer) else answer for answer in np.ravel(answers).tolist()]


def by_definition(answers, scores, way):
    """Answer of one problem, (chains, steps), with the votes of the library."""
    if way == LAST:
        return votes.majority(said(answers[:, -1]))
    if way == MAJORITY:
        return votes.majority(said(answers))
    if way == WEIGHTED:
        return votes.weighted_majority(said(answers), scores.ravel())
    heard = []
    weights = []
    for mine, values in zip(answers, scores, strict=True):
        heard.append(votes.weighted_majority(said(mine), values))
        alike = [v for a, v in zip(said(mine), values, strict=True) if a == heard[-1]]
        weights.append(max(alike))
    return votes.weighted_majority(heard, weights)


@given(TABLES, st.sampled_from(WAYS))
def test_every_way_is_the_vote_of_the_library(table, way):
    answers, scores = table
    places = chosen(answers, scores, way)
    for mine, values, place in zip(answers, scores, places, strict=True):
        assert said(mine)[place] == by_definition(mine, values, way)


def test_all_tables_of_three_attempts():
    """Without luck: each answer and each score at each of three places."""
    for answers in itertools.product([1.0, 2.0, math.nan], repeat=3):
        for scores in itertools.product([0.0, 0.4, 1.0], repeat=3):
            for shape in ((1, 1, 3), (1, 3, 1)):
                table = np.reshape(answers, shape), np.reshape(scores, shape)
                for way in WAYS:
                    (place,) = chosen(*table, way)
                    expected = by_definition(table[0][0], table[1][0], way)
                    assert said(answers)[place] == expected


def test_one_chain_answers_with_its_last_attempt_and_with_its_own_vote():
    answers = np.array([[[1.0, 1.0, 2.0]]])
    scores = np.array([[[0.3, 0.3, 0.5]]])
    assert chosen(answers, scores, LAST).tolist() == [2]
    for way in (MAJORITY, WEIGHTED, NESTED):
        assert chosen(answers, scores, way).tolist() == [0]


def test_the_order_of_the_two_votes_matters():
    """Three chains that each lean to 1 a little, while 2 has more weight in all of them."""
    answers = np.array([[[1.0, 2.0], [1.0, 2.0], [3.0, 2.0]]])
    scores = np.array([[[0.5, 0.4], [0.5, 0.4], [0.2, 0.6]]])
    taken = {way: answers.ravel()[chosen(answers, scores, way)[0]] for way in WAYS}
    assert taken == {LAST: 2.0, MAJORITY: 2.0, WEIGHTED: 2.0, NESTED: 1.0}


@pytest.mark.parametrize(
    "mutant",
    [
        lambda answers, weights: (answers == answers).argmax(axis=-1),
        lambda answers, weights: weights.argmax(axis=-1),
        lambda answers, weights: winners_that_count_silence(answers, weights),
        lambda answers, weights: winners_that_take_the_last(answers, weights),
    ],
    ids=["first", "highest score", "silence counts", "last of equals"],
)
def test_mutants_are_caught(mutant, monkeypatch):
    monkeypatch.setattr(selection, "winners", mutant)
    with pytest.raises(AssertionError):
        test_all_tables_of_three_attempts()


def winners_that_count_silence(answers, weights):
    heard = np.where(np.isnan(answers), -7.0, answers)
    total = ((heard[..., :, None] == heard[..., None, :]) * weights[..., None, :]).sum(axis=-1)
    return total.argmax(axis=-1)


def winners_that_take_the_last(answers, weights):
    same = answers[..., :, None] == answers[..., None, :]
    total = np.where(np.isnan(answers), -1.0, (same * weights[..., None, :]).sum(axis=-1))
    return total.shape[-1] - 1 - total[..., ::-1].argmax(axis=-1)


def test_solved_reads_the_record_and_the_score_that_is_asked_for():
    # of two chains of two and one step, then one of one: 4 = 2 + 1 + 1 attempts hold N = 2
    answers = np.array([[5.0, 6.0, 6.0], [5.0, 5.0, 6.0]])
    right = answers == 6.0
    nothing = np.zeros_like(right, dtype=int)
    scores = {"prm": np.array([[0.9, 0.5, 0.6]] * 2), "history": np.array([[0.1, 0.5, 0.6]] * 2)}
    record = Record(2, answers.astype(str), answers, right, nothing, nothing, scores)
    # chain 0 is columns 0 and 1, chain 1 is column 2
    assert selection.solved(record, Setting(2, 1), WEIGHTED).tolist() == [False, False]
    assert selection.solved(record, Setting(2, 1), WEIGHTED, "history").tolist() == [True, True]
    assert selection.solved(record, Setting(1, 2), WEIGHTED, "history").tolist() == [True, False]
    assert selection.solved(record, Setting(1, 2), LAST).tolist() == [True, False]
    for call, line in (
        (lambda: selection.solved(record, Setting(1, 2), "best"), "way is 'best'"),
        (lambda: selection.solved(record, Setting(1, 2), LAST, "orm"), "score is 'orm'"),
        (lambda: selection.solved(record, Setting(4, 1), LAST), "the record has no"),
    ):
        with pytest.raises(ValueError, match=line) as error:
            call()
        assert "\n" not in str(error.value)
