"""A stack of mixers decodes as any language model does, and every state goes with its text."""

import itertools

import numpy as np
import pytest
import torch
from enumerated import Enumerated, error, masses

from ttclib.course.what_a_token_costs.mixers import (
    Attention,
    Chain,
    Retention,
    Selective,
    ShortConvolution,
    Stack,
    TimeInvariant,
    gather,
    nbytes,
)
from ttclib.course.what_a_token_costs.recurrent_lm import RecurrentLM, StateSession
from ttclib.lm.decoding import Decoder
from ttclib.lm.potentials import Feature
from ttclib.lm.vocabulary import Vocabulary
from ttclib.particles.smc import keep_all, resample, run
from ttclib.testing import BrokenPromise, check_language_model

KINDS = {
    "retention": lambda: Retention(8, 2),
    "selective": lambda: Chain(ShortConvolution(8), Selective(8, 2, 3)),
    "time-invariant": lambda: TimeInvariant(8, 3),
}
AB = Vocabulary(["a", "b", None], end=2)


def model(kind, seed=0, vocabulary=AB, hidden=8):
    mixers = [KINDS[kind](), KINDS[kind]()]
    stack = Stack(len(vocabulary), 8, mixers, hidden, seed).double()
    return RecurrentLM(stack, vocabulary, 32, flops=(100, 7))


@pytest.mark.parametrize("kind", KINDS)
def test_it_keeps_the_promises_of_a_language_model(kind):
    check_language_model(model(kind), ["ab", "b", "abba"])  # rows of different lengths


@pytest.mark.parametrize("kind", [*KINDS, "attention"])
def test_a_session_says_what_the_whole_text_says(kind, seed):
    rng = np.random.default_rng(seed)
    if kind == "attention":
        lm = RecurrentLM(Stack(3, 8, [Attention(8, 2, 1, window=3)], 8).double(), AB, 32)
    else:
        lm = model(kind, seed)
    texts = [[0], [1]]
    session = lm.start(texts, 16)
    for _ in range(6):
        rows = rng.integers(len(texts), size=rng.integers(1, 5))
        tokens = rng.integers(3, size=len(rows))
        texts = [[*texts[row], int(token)] for row, token in zip(rows, tokens, strict=True)]
        fed, _ = session.feed(rows, tokens)
        with torch.inference_mode():
            whole = lm.model.parallel(torch.tensor(texts))[:, -1].log_softmax(-1).numpy()
        assert np.abs(session.log_probs[fed] - whole).max() < 1e-10
        assert session.lengths.tolist() == list(map(len, texts))


def test_what_it_costs_is_counted():
    lm = model("retention")
    session = lm.start([[0, 1], [0]], 8)
    assert session.positions == 3
    assert session.flops.tolist() == [2 * 100 + 7 * 3, 100 + 7]
    session.feed(np.array([0, 0]), np.array([0, 1]), keep=[1])
    assert session.positions == 2
    assert session.flops.tolist() == [100 + 7 * 3] * 2


def test_a_fixed_state_stays_as_large_as_it_is():
    session = model("selective").start([[0], [0, 1, 1, 0]], 8)
    one = nbytes(gather(session.state, [0]))
    assert nbytes(gather(session.state, [1])) == one
    session.feed(np.array([1]), np.array([0]))
    assert nbytes(session.state) == one


def test_bad_input_is_one_line():
    lm = model("retention")
    with pytest.raises(ValueError, match="a prompt is empty; it must hold at least one token"):
        lm.start([[]], 8)
    with pytest.raises(ValueError, match="length is 33; the model's context holds 32 tokens"):
        lm.start([[0]], 33)
    growing = RecurrentLM(Stack(3, 8, [Attention(8, 2)]), AB, 32)
    with pytest.raises(ValueError, match="a state that grows with its text needs rows of one len"):
        growing.start([[0], [0, 1]], 8)


# ---- decoding, with every outcome enumerated -----------------------------------------------------


def again(tokens, lengths):
    """−1 for each letter that repeats the one before it."""
    rows = zip(tokens, lengths, strict=True)
    return np.array([-1.0 * (row[1:k] == row[: k - 1]).sum() for row, k in rows])


class Whole:
    """What a stack says of whole texts, as ``masses`` asks for it."""

    def __init__(self, lm):
        self.lm = lm
        self.vocabulary = lm.vocabulary

    def distribution(self, prefix):
        with torch.inference_mode():
            return self.lm.model.parallel(torch.tensor([prefix]))[0, -1].softmax(-1).numpy()


class Forgetful(StateSession):
    """A mutant: the texts are copied, and the states are those of others."""

    def feed(self, rows, tokens, keep=()):
        there = np.arange(len(rows) + len(keep)) % len(self.lengths)
        return super().feed(there[: len(rows)], tokens, there[len(rows) :])


def phi(text):
    return float(np.exp(-sum(a == b for a, b in itertools.pairwise(text))))


@pytest.mark.parametrize("kind, tokens", [("retention", 3), *((kind, 2) for kind in KINDS)])
def test_decoding_aims_at_the_posterior(kind, tokens):
    lm = model(kind, seed=3)
    decoder = Enumerated(lm, "a", [Feature(again, again)], max_tokens=tokens)
    exact = masses(Whole(lm), (0,), phi, tokens)
    assert error(decoder, 2, resample("multinomial"), exact) < 1e-9


def test_a_session_that_forgets_the_states_is_caught(monkeypatch):
    lm = model("retention", seed=3)
    monkeypatch.setattr(lm, "start", lambda prompts, length: Forgetful(lm, prompts))
    with pytest.raises(BrokenPromise):
        check_language_model(lm, ["ab", "ba"])
    decoder = Enumerated(lm, "a", [Feature(again, again)], max_tokens=3)
    exact = masses(Whole(lm), (0,), phi, 3)
    assert error(decoder, 2, resample("multinomial"), exact) > 1e-5


def test_texts_of_different_lengths_wait_for_each_other():
    """Steps end at different places, and rows that wait lie beside rows that go on."""
    lm = model("selective", seed=1)
    decoder = Decoder(lm, "ab", until="b", max_tokens=12)
    for population in run(decoder, 16, keep_all, np.random.default_rng(0)):
        particles = population.particles
        rows = zip(particles.tokens, particles.lengths, particles.log_probs, strict=True)
        for tokens, k, log_prob in rows:
            whole = torch.tensor([[0, 1, *tokens[:k].tolist()]])
            with torch.inference_mode():
                said = lm.model.parallel(whole)[0, 1:-1].log_softmax(-1)
            true = said.gather(-1, whole[0, 2:, None]).sum().item()
            assert log_prob == pytest.approx(true, abs=1e-9)


@pytest.mark.answers("14-052", 1)
def test_copying_the_states_brings_particles_nearer_for_a_hundred_lucks():
    """What the notebook says of its failure, in the engine's loop: 4 letters, 256 texts."""
    letters, length = 4, 4
    words = Vocabulary([*"abcd", None], end=letters)
    stack = Stack(5, 16, [Retention(16, 2), Retention(16, 2)], seed=0).double()
    stack.embed.weight.data /= 4
    lm = RecurrentLM(stack, words, length + 1)
    texts = np.array(list(itertools.product(range(letters), repeat=length)))
    whole = torch.tensor(np.insert(texts, 0, 0, axis=1))
    with torch.inference_mode():
        log_next = stack.parallel(whole)[:, :-1, :letters].log_softmax(-1)
    log_p = log_next.gather(-1, whole[:, 1:, None]).sum((1, 2)).numpy()
    masses = np.exp(log_p - 2.0 * (texts[:, 1:] == texts[:, :-1]).sum(axis=1))
    posterior = masses / masses.sum()

    def no_end(log_probs):
        without = np.where(np.arange(5) == words.end, -np.inf, log_probs)
        return without - np.logaddexp.reduce(without, axis=1, keepdims=True)

    def phi_of(tokens, lengths):
        k = lengths[0]  # all are of one length
        return -2.0 * (tokens[:, 1:k] == tokens[:, : k - 1]).sum(axis=1)

    decoder = Decoder(lm, "a", [Feature(phi_of, phi_of)], sampler=no_end, max_tokens=length)

    def distance(seed):
        last = run(decoder, 1024, resample("systematic"), np.random.default_rng(seed))[-1]
        number = last.particles.tokens[:, :length] @ letters ** np.arange(length)[::-1]
        found = np.bincount(number, last.weights, len(posterior))
        return np.abs(found - posterior).sum() / 2

    copied = np.array([distance(seed) for seed in range(100)])
    lm.start = lambda prompts, length: Forgetful(lm, prompts)
    stay = np.array([distance(seed) for seed in range(100)])
    assert copied.max() < stay.min()
