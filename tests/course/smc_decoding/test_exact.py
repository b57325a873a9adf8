"""Enumeration decoding against the definitions, text by text."""

import itertools
import math

import numpy as np
import pytest
from letters_weighed import Tally
from tiny_lm import TinyLM

from ttclib.course.smc_decoding.constraints import length, regex
from ttclib.course.smc_decoding.exact import enumerate_texts
from ttclib.lm.potentials import Feature

LM = TinyLM(letters=3, seed=5, zeros=0.2)
V, STOP = 4, 3


def last_letter(tokens, lengths):
    """0.3 nats for each c, and a text that ends with b (before its end) is impossible."""
    value = 0.3 * (tokens == 2).sum(axis=1)
    for i, (row, n) in enumerate(zip(tokens, lengths, strict=True)):
        row = row[:n]
        row = row[row != STOP]
        if len(row) and row[-1] == 1:
            value[i] = -math.inf
    return value


# potentials, and log φ of a finished text written out by hand
TARGETS = {
    "none": ([], lambda text: 0.0),
    "mask": (
        [regex("(a|b)*c?", LM.vocabulary)],
        lambda text: 0.0 if "c" not in text[:-1] else -math.inf,
    ),
    "twisted mask": (
        [regex(".*bb.*", LM.vocabulary), length(0, 3, LM.vocabulary)],
        lambda text: 0.0 if "bb" in text and len(text) <= 3 else -math.inf,
    ),
    "weights": (
        [Tally(np.array([1, 0, 2, 0]), -0.7)],
        lambda text: -0.7 * (text.count("a") + 2 * text.count("c")),
    ),
    "feature": (
        [regex("[^a]*", LM.vocabulary), Feature(complete=last_letter)],
        lambda text: (
            0.3 * text.count("c") if "a" not in text and not text.endswith("b") else -math.inf
        ),
    ),
}


def by_hand(log_phi, max_tokens, must_end):
    """{text: (probability under the model, φ)}: each text is multiplied out by itself."""
    found = {}
    for n in range(1, max_tokens + 1):
        for text in itertools.product(range(V), repeat=n):
            ended = text[-1] == STOP
            if STOP in text[:-1] or not (ended or (n == max_tokens and not must_end)):
                continue
            p = math.prod(LM.distribution(text[:i])[text[i]] for i in range(n))
            if p > 0:
                found[text] = p, math.exp(log_phi(LM.vocabulary.decode(text)))
    return found


CASES = [(name, t, must_end) for name in TARGETS for t in (1, 3, 4) for must_end in (True, False)]


@pytest.mark.parametrize(("name", "max_tokens", "must_end"), CASES)
def test_masses_evidence_posterior_and_acceptance(name, max_tokens, must_end):
    potentials, log_phi = TARGETS[name]
    truth = by_hand(log_phi, max_tokens, must_end)
    exact = enumerate_texts(LM.distribution, LM.ends, max_tokens, must_end, potentials)
    masses = dict(zip(exact.texts, np.exp(exact.log_masses), strict=True))
    assert {text for text, (_, phi) in truth.items() if phi > 0} == {
        x for x, mass in masses.items() if mass > 0
    }
    for text, mass in masses.items():
        p, phi = truth[text]
        assert mass == pytest.approx(p * phi, rel=1e-12)
        assert exact.log_prior[exact.texts.index(text)] == pytest.approx(math.log(p), abs=1e-12)
    evidence = sum(p * phi for p, phi in truth.values())
    if evidence == 0:
        assert exact.log_evidence == -math.inf and exact.acceptance == 0
        with pytest.raises(ValueError, match="no text is allowed; there is no posterior"):
            _ = exact.posterior
        return
    assert exact.log_evidence == pytest.approx(math.log(evidence), abs=1e-12)
    assert exact.acceptance == pytest.approx(
        evidence / max(phi for _, phi in truth.values()), rel=1e-12
    )
    assert sum(exact.posterior.values()) == pytest.approx(1, abs=1e-12)
    assert exact.total_variation(exact.posterior) < 1e-12
    prior = {text: p for text, (p, _) in truth.items()}
    distance = sum(abs(p - p * phi / evidence) for p, phi in truth.values()) + (
        1 - sum(prior.values())
    )
    assert exact.total_variation(prior) == pytest.approx(distance / 2, abs=1e-12)


@pytest.mark.parametrize(("name", "max_tokens", "must_end"), CASES)
def test_the_optimal_twist_is_the_expected_potential(name, max_tokens, must_end):
    potentials, log_phi = TARGETS[name]
    truth = by_hand(log_phi, max_tokens, must_end)
    exact = enumerate_texts(LM.distribution, LM.ends, max_tokens, must_end, potentials)
    for n in range(max_tokens + 1):
        for prefix in itertools.product(range(V), repeat=n):
            p_prefix = math.prod(LM.distribution(prefix[:i])[prefix[i]] for i in range(n))
            value = sum(p * phi for text, (p, phi) in truth.items() if text[:n] == prefix)
            if value == 0:
                assert exact.log_twist(prefix) == -math.inf
            else:
                assert exact.log_twist(prefix) == pytest.approx(
                    math.log(value / p_prefix), abs=1e-11
                )


@pytest.mark.parametrize(("name", "max_tokens", "must_end"), CASES)
def test_with_the_optimal_twist_every_incremental_weight_is_one(name, max_tokens, must_end):
    potentials, log_phi = TARGETS[name]
    truth = by_hand(log_phi, max_tokens, must_end)
    exact = enumerate_texts(LM.distribution, LM.ends, max_tokens, must_end, potentials)
    if exact.log_evidence == -math.inf:
        with pytest.raises(ValueError, match="no text is allowed"):
            exact.twisted()
        return
    automaton = exact.twisted()
    assert automaton.log_value(np.array([automaton.start()])) == exact.log_evidence
    # follow the locally optimal proposal along every path: what is drawn is the posterior itself
    todo, drawn = [((), automaton.start(), 1.0)], {}
    while todo:
        prefix, state, probability = todo.pop()
        if prefix and (prefix[-1] == STOP or len(prefix) == max_tokens):
            drawn[prefix] = probability
            _, phi = truth[prefix]
            assert math.exp(automaton.log_final(np.array([state]))[0]) == pytest.approx(
                phi, rel=1e-12
            )
            continue
        last = len(prefix) + 1 == max_tokens
        distribution = LM.distribution(prefix) * (LM.ends if last and must_end else 1)
        ends = np.ones(V, bool) if last and not must_end else LM.ends
        proposal = distribution * np.exp(automaton.log_next(np.array([state]), ends)[0])
        assert proposal.sum() == pytest.approx(1, abs=1e-12)
        for token in np.flatnonzero(proposal):
            after = automaton.advance(np.array([state]), np.array([token]))[0]
            todo.append(((*prefix, int(token)), after, probability * proposal[token]))
    assert drawn == pytest.approx({x: p for x, p in exact.posterior.items() if p > 0}, abs=1e-12)


@pytest.mark.parametrize("must_end", [True, False])
@pytest.mark.parametrize("name", ["none", "mask", "twisted mask"])
def test_local_masking_follows_from_what_is_allowed(name, must_end):
    """A mask keeps the tokens after which each constraint, by itself and in any time, has a way
    out.
    """
    rules = {
        "none": [lambda text, ended: True],
        "mask": [lambda text, ended: "c" not in (text[:-1] if ended or "c" in text else text)],
        "twisted mask": [
            lambda text, ended: not ended or "bb" in text,
            lambda text, ended: len(text) <= 3,
        ],
    }[name]
    exact = enumerate_texts(LM.distribution, LM.ends, 4, must_end, TARGETS[name][0])
    expected, stuck, todo = {}, 0.0, [((), 1.0)]
    while todo:
        prefix, probability = todo.pop()
        last = len(prefix) == 3
        kept = {}
        for token, p in enumerate(LM.distribution(prefix)):
            ended = token == STOP or (last and not must_end)
            text = LM.vocabulary.decode((*prefix, token))
            if all(rule(text, ended) for rule in rules) and not (last and must_end and not ended):
                kept[token] = p
        if not sum(kept.values()):
            stuck += probability
        for token, p in kept.items():
            longer = (*prefix, token)
            if p and (token == STOP or last):
                expected[longer] = probability * p / sum(kept.values())
            elif p:
                todo.append((longer, probability * p / sum(kept.values())))
    masked = {text: p for text, p in zip(exact.texts, exact.masked, strict=True) if p > 0}
    assert masked == pytest.approx(expected, abs=1e-12)
    assert 1 - exact.masked.sum() == pytest.approx(stuck, abs=1e-12)


def test_local_masking_weighs_soft_potentials_too():
    exact = enumerate_texts(LM.distribution, LM.ends, 2, False, TARGETS["weights"][0])
    tilt = np.exp(-0.7 * np.array([1, 0, 2, 0]))
    for text, masked in zip(exact.texts, exact.masked, strict=True):
        steps = [LM.distribution(text[:i]) * tilt for i in range(len(text))]
        shares = [step[token] / step.sum() for step, token in zip(steps, text, strict=True)]
        assert masked == pytest.approx(math.prod(shares), rel=1e-12)
    assert exact.masked.sum() == pytest.approx(1)


def test_a_cut_text_and_an_ended_one_are_different_texts():
    cut = enumerate_texts(LM.distribution, LM.ends, 2, must_end=False)
    ended = enumerate_texts(LM.distribution, LM.ends, 2, must_end=True)
    assert {len(text) for text in cut.texts} == {1, 2} and (1, 1) in cut.texts
    assert all(text[-1] == STOP for text in ended.texts)
    assert cut.log_evidence == pytest.approx(0, abs=1e-12) and ended.log_evidence < -0.1


def test_several_tokens_may_end_a_text():
    exact = enumerate_texts(LM.distribution, np.arange(V) >= 2, 3)
    assert all(text[-1] >= 2 and max(text[:-1], default=0) < 2 for text in exact.texts)
    with pytest.raises(ValueError, match="2 tokens end a text"):
        exact.twisted()


def test_what_cannot_be_enumerated_is_refused():
    with pytest.raises(
        ValueError, match=r"there are \d+ texts of 3 tokens; at most 20 can be enumerated"
    ):
        enumerate_texts(TinyLM(letters=3).distribution, LM.ends, 5, limit=20)
    with pytest.raises(ValueError, match="max_tokens is 0"):
        enumerate_texts(LM.distribution, LM.ends, 0)
    for distribution in (
        lambda x: [0.5, 0.5, 0.5, 0],
        lambda x: [1.5, -0.5, 0, 0],
        lambda x: [1.0],
    ):
        with pytest.raises(ValueError, match="distribution must return 4 probabilities"):
            enumerate_texts(distribution, LM.ends, 2)


def test_a_session_of_the_tiny_model_follows_its_prefixes():
    session = LM.start([[], [0, 1]], 8)
    session.feed([1, 0, 1], [2, 1, 0], [1])
    with np.errstate(divide="ignore"):
        distributions = np.log([LM.distribution(x) for x in ((0, 1, 2), (1,), (0, 1, 0), (0, 1))])
    assert (session.log_probs == distributions).all()
    assert len({tuple(LM.distribution(x)) for x in itertools.product(range(3), repeat=3)}) == 27
