"""The model of tables: its session, the tables it refuses, and the numbers of the garden path."""

import numpy as np
import pytest

from ttclib.course.smc_decoding.exact import enumerate_texts
from ttclib.course.smc_decoding.markov_lm import END, MarkovLM, garden_path
from ttclib.lm.automata import both
from ttclib.lm.constraints import length, mentions, words_at_most
from ttclib.lm.vocabulary import Vocabulary


def test_a_table_of_words_becomes_a_distribution():
    lm = garden_path()
    words = {text: i for i, text in enumerate(lm.vocabulary.texts)}
    assert lm.distribution(())[words[" the"]] == 0.8
    assert lm.distribution((words[" the"],))[words[" barn"]] == 0.1
    assert lm.distribution((3, words[" fell"]))[lm.vocabulary.end] == 0.8
    assert lm.distribution((lm.vocabulary.end,))[lm.vocabulary.end] == 1


def test_a_session_forks_keeps_and_forgets():
    lm = garden_path()
    the, horse, barn = (lm.vocabulary.encode(word)[0] for word in (" the", " horse", " barn"))
    session = lm.start([[], [the], [the, horse]], 8)
    assert session.rows.tolist() == [0, 1, 2] and session.positions == 3 and session.flops == 0
    with np.errstate(divide="ignore"):
        assert (
            session.log_probs
            == np.log([lm.distribution(()), lm.distribution((the,)), lm.distribution((horse,))])
        ).all()
        fed, kept = session.feed([1, 1, 0], [horse, barn, the], [2])
        assert (session.positions, fed.tolist(), kept.tolist()) == (3, [0, 1, 2], [3])
        distributions = np.log([lm.distribution((word,)) for word in (horse, barn, the, horse)])
        assert (session.log_probs[[*fed, *kept]] == distributions).all()
        fed, kept = session.feed([], [], [1])
        assert len(fed) == 0 and (session.log_probs[kept] == distributions[1]).all()
    for rows, tokens, keep in (([1], [the], []), ([0], [the], [-1]), ([0, 0], [the], [])):
        with pytest.raises(ValueError, match="rows"):
            session.feed(rows, tokens, keep)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"": {"a": 1.0}, "a": {"b": 1.0}}, "'b' follows 'a' but has no row in the table"),
        ({"": {"a": 1.0}, "a": {END: 0.9}}, "transition must hold probabilities"),
        ({"a": {END: 1.0}}, "initial must hold probabilities"),
        ({"": {"a": 1.0}, "a": {END: 1.5, "a": -0.5}}, "transition must hold probabilities"),
    ],
)
def test_tables_that_are_no_probabilities_are_refused(table, message):
    with pytest.raises(ValueError, match=message):
        MarkovLM.of(table)
    with pytest.raises(ValueError, match="initial has shape"):
        MarkovLM(Vocabulary.words(["a"]), [1.0], np.eye(2))


def test_the_garden_path():
    """The numbers that the course quotes: local masking prefers what the posterior hardly
    allows.
    """
    lm = garden_path()
    vocabulary = lm.vocabulary
    ends = np.arange(len(vocabulary)) == vocabulary.end
    exact = enumerate_texts(
        lm.distribution, ends, 12, potentials=[mentions(["barn", "fell"], vocabulary)]
    )
    masked = dict(zip(exact.texts, exact.masked, strict=True))
    right, wrong = (
        (*vocabulary.encode(text), vocabulary.end)
        for text in (" the horse fell past a barn", " the horse raced past a barn fell")
    )
    assert max(exact.posterior, key=exact.posterior.get) == right and exact.posterior[right] > 0.75
    assert max(masked, key=masked.get) == wrong and masked[wrong] > 0.4
    assert masked[right] < 0.04 and exact.posterior[wrong] < 0.02
    assert exact.total_variation(masked) > 0.9
    assert exact.acceptance < 0.01
    # even a mask that knows the time limit, and so is never stuck, is as wrong
    in_time = both(mentions(["barn", "fell"], vocabulary), length(0, 11, vocabulary))
    exact = enumerate_texts(lm.distribution, ends, 12, potentials=[in_time])
    assert exact.total_variation(dict(zip(exact.texts, exact.masked, strict=True))) > 0.9


def test_a_constraint_of_large_models_reads_the_words_of_a_small_one():
    lm = garden_path()
    ends = np.arange(len(lm.vocabulary)) == lm.vocabulary.end
    exact = enumerate_texts(lm.distribution, ends, 6, potentials=[words_at_most(4, lm.vocabulary)])
    assert exact.texts and all("horse" not in lm.vocabulary.decode(text) for text in exact.texts)
