"""Beam search: by brute force, and as ``transformers`` does it."""

import math
import re

import numpy as np
import pytest
from enumerated import AB, ABC, masses, spell, tiny
from letters_weighed import prefer

from ttclib.course.small_language_model.beams import Beam, beam_search, keep_top
from ttclib.course.smc_decoding.constraints import regex
from ttclib.lm import samplers
from ttclib.lm.decoding import sample
from ttclib.particles.islands import split, within
from ttclib.particles.smc import run

PROMPTS = ["a", "bca", "cc"]


def brute_beams(lm, prompt, width, max_tokens, value=lambda text: 0.0, must_end=False, stop=()):
    """Beam search as it is usually written: [(tokens, log p + log value)], best first."""
    beams = [((), 0.0, False)]
    for step in range(1, max_tokens + 1):
        grown = [beam for beam in beams if beam[2]]
        for tokens, log_p, _ in (beam for beam in beams if not beam[2]):
            for token, p in enumerate(lm.distribution((*prompt, *tokens))):
                text = spell(lm.vocabulary, new := (*tokens, token))
                ends = token == lm.vocabulary.end or any(s in text for s in stop)
                if p > 0 and (ends or step < max_tokens or not must_end):
                    grown.append((new, log_p + math.log(p), ends))
        score = lambda beam: beam[1] + value(spell(lm.vocabulary, beam[0]))  # noqa: E731
        beams = sorted((b for b in grown if score(b) > -math.inf), key=score, reverse=True)[:width]
    return [(tokens, log_p + value(spell(lm.vocabulary, tokens))) for tokens, log_p, _ in beams]


def assert_beams(population, expected, width):
    assert len(population) == width
    found = population.log_weights > -np.inf
    assert population.log_weights[found] == pytest.approx(
        np.array([score for _, score in expected])
    )
    particles, texts = population.particles[found], [tokens for tokens, _ in expected]
    assert [
        tuple(x[:k].tolist()) for x, k in zip(particles.tokens, particles.lengths, strict=True)
    ] == texts


OPTIONS = [{}, {"must_end": True}, {"stop": ("ca",)}, {"stop": ("b", "cc"), "must_end": True}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("zeros", [0.0, 0.4])
def test_beam_search_by_brute_force(width, options, zeros):
    for lm_seed in range(4):
        lm = tiny("a", "b", "c", seed=lm_seed, zeros=zeros)
        expected = brute_beams(lm, [0, 1], width, 5, **options)
        assert_beams(beam_search(lm, "ab", width, max_tokens=5, **options), expected, width)


@pytest.mark.parametrize("width", [1, 3])
def test_beam_search_under_potentials(width):
    pattern = "(a|bc|c)*b?"
    value = lambda text: 0.6 * text.count("c") if re.fullmatch(pattern, text) else -math.inf  # noqa: E731
    potentials = [regex(pattern, ABC.vocabulary), prefer("c", 0.6, ABC.vocabulary)]
    expected = brute_beams(ABC, [0, 1], width, 5, value, must_end=True)
    assert_beams(
        beam_search(ABC, "ab", width, potentials=potentials, max_tokens=5, must_end=True),
        expected,
        width,
    )


def test_a_wide_beam_finds_the_likeliest_text():
    for lm_seed in range(5):
        lm = tiny("a", "b", seed=lm_seed)
        for must_end in (False, True):
            exact = masses(lm, [0], lambda text: 1.0, 3, must_end)
            best = beam_search(lm, "a", 3**3, max_tokens=3, must_end=must_end)
            assert tuple(best.particles.tokens[0][: best.particles.lengths[0]].tolist()) == max(
                exact, key=exact.__getitem__
            )
            assert best.log_weights[0] == pytest.approx(math.log(max(exact.values())))
            assert np.exp(best.log_weights).sum() == pytest.approx(
                sum(exact.values())
            )  # it finds them all


def test_a_beam_of_one_is_greedy():
    for prompt in PROMPTS:
        one = beam_search(ABC, prompt, 1, max_tokens=9).particles
        greedy = sample(
            ABC, prompt, 1, np.random.default_rng(0), sampler=samplers.greedy, max_tokens=9
        )
        assert (one.tokens == greedy.particles.tokens).all()
        assert one.log_probs == pytest.approx(greedy.particles.log_probs)


def test_beams_pay_for_their_own_texts_alone():
    cost = beam_search(ABC, "ab", 4, max_tokens=6).cost
    assert cost.lm_positions <= 2 + 4 * 5  # no more than four texts are extended at a time


@pytest.fixture(scope="module")
def llama():
    pytest.importorskip("torch")
    from tiny_transformers import tiny as tiny_transformer

    return tiny_transformer("llama")


class WithoutEnd:
    """A model that never ends a text: then the library's beam search keeps the same beams
    as ours.
    """

    def __init__(self, lm):
        self.lm, self.vocabulary, self.context = lm, lm.vocabulary, lm.context

    def start(self, prompts, length):
        session = self.lm.start(prompts, length)
        session.feed, plain = lambda *fed: (plain(*fed), self.hide(session))[0], session.feed
        self.hide(session)
        return session

    def hide(self, session):
        session.log_probs[:, self.vocabulary.end] = -np.inf


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("prompt", ["abc", "j", "bb"])
def test_beams_are_those_of_the_library(llama, prompt, width):
    options = {
        "length_penalty": 0.0,
        "num_return_sequences": width,
        "suppress_tokens": [llama.vocabulary.end],
    }
    from tiny_transformers import generate

    texts = generate(llama, prompt, num_beams=width, **options)
    beams = beam_search(WithoutEnd(llama), prompt, width, max_tokens=12)
    assert beams.particles.tokens.tolist() == texts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "width is 0"),
        ({"width": 2.5}, "width is 2.5"),
        ({"prompt": ["a", "b"]}, "beam search continues one prompt"),
        ({"prompt": ""}, "the text is empty"),
        ({"stop": ""}, "a stop string is empty"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        (
            {"max_tokens": 3, "potentials": [regex("a{4}", AB.vocabulary)]},
            "step 2: every particle died",
        ),
    ],
)
def test_beam_searches_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        beam_search(**{"lm": AB, "prompt": "a", "width": 2} | arguments)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_problems_side_by_side_are_searched_as_each_alone(width):
    """Also where there are more problems than tokens."""
    prompts = [spell(ABC.vocabulary, [i % 3, i // 3 % 3, i // 9]) for i in range(12)]
    assert len(prompts) > len(ABC.vocabulary)
    select = within(len(prompts), keep_top(width, copies=width))
    beam = Beam(ABC, prompts, max_tokens=5)
    last = run(beam, len(prompts) * width**2, select, np.random.default_rng(0))[-1]
    for prompt, mine in zip(prompts, split(last, len(prompts)), strict=True):
        alone = beam_search(ABC, prompt, width, max_tokens=5)
        best = np.sort(mine.log_weights)[::-1][:width]
        np.testing.assert_allclose(best, alone.log_weights)
