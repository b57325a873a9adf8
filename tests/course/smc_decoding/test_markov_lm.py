"""The model of tables: its session, the tables it refuses, and the numbers of the garden path."""

import numpy as np
import pytest

from ttclib.course.smc_decoding.constraints import both, length, mentions, words_at_most
from ttclib.course.smc_decoding.exact import enumerate_texts
from ttclib.course.smc_decoding.markov_lm import END, MarkovLM, garden_path
from ttclib.lm.decoding import Decoder
from ttclib.lm.vocabulary import Vocabulary
from ttclib.particles.smc import keep_all, run


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


def test_a_better_proposal_leaves_less_to_the_weight(seed):
    """What notebook 06 says of mask and bootstrap: every weight is p φ / q, and the mask's vary
    about half as much. A sentence that must end in time needs no automaton for its length.
    """
    lm = garden_path()
    the = tuple(lm.vocabulary.encode(" the"))
    ends = np.arange(len(lm.vocabulary)) == lm.vocabulary.end
    wish = mentions(["barn", "fell"], lm.vocabulary)
    probs = lambda text: lm.distribution((*the, *text))  # noqa: E731
    settings = {"max_tokens": 7, "must_end": True}
    target = enumerate_texts(probs, ends, potentials=[wish], **settings)
    limited = both(wish, length(1, 6, lm.vocabulary))
    by_length = enumerate_texts(probs, ends, potentials=[limited], max_tokens=7, must_end=False)
    assert target.log_evidence == pytest.approx(by_length.log_evidence, abs=1e-12)
    z = np.exp(target.log_evidence)
    posterior = np.array(list(target.posterior.values()))
    weights = {
        "optimal": dict(zip(target.texts, z * posterior / target.masked, strict=True)),
        "bootstrap": dict.fromkeys(target.texts, 1.0),
    }
    for proposal, expected in weights.items():
        decoder = Decoder(lm, " the", [wish], proposal=proposal, **settings)
        last = run(decoder, 500, keep_all, np.random.default_rng(seed))[-1]
        found = [
            expected.get(tuple(row[:k].tolist()), 0.0)
            for row, k in zip(last.particles.tokens, last.particles.lengths, strict=True)
        ]
        assert np.exp(last.log_weights) == pytest.approx(found, rel=1e-9)
    masked = np.sqrt((posterior**2 / target.masked).sum() - 1)  # of one weight, over its mean
    blind = np.sqrt(1 / z - 1)
    assert 0.3 < masked / blind < 0.5
