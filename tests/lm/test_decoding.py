"""Decoding as a particle filter: every outcome enumerated, known mistakes caught, beams by brute
force.
"""

import functools
import itertools
import math
import re
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from enumerated import AB, ABC, SUMS, Enumerated, error, expected, masses, spell, tiny
from letters_weighed import prefer
from normal_p_values import mean_p_value
from outcomes import enumerable, outcomes

from ttclib.course.small_language_model import cuts
from ttclib.course.small_language_model.beams import alive, keep_top
from ttclib.course.smc_decoding.constraints import both, length, mentions, regex
from ttclib.course.smc_decoding.exact import enumerate_texts
from ttclib.course.smc_decoding.markov_lm import garden_path
from ttclib.lm import samplers
from ttclib.lm.automata import Automaton
from ttclib.lm.decoding import Decoder, Sequences, sample
from ttclib.lm.potentials import Feature
from ttclib.particles.resampling import UNBIASED
from ttclib.particles.smc import keep_all, resample, run, smc, when_ess_below

FALSE_ALARM = 1e-6
SCHEMES = {name: enumerable(scheme) for name, scheme in UNBIASED.items()}
SELECTIONS = {
    **{f"{name}, always": resample(scheme) for name, scheme in SCHEMES.items()},
    **{
        f"{name}, below {threshold}": when_ess_below(threshold, resample(scheme))
        for name, scheme in SCHEMES.items()
        for threshold in (0.6, 0.8, 1)
    },
    "never": keep_all,
}
SYSTEMATIC = SELECTIONS["systematic, always"]


# ---------------------------------------------------------------- targets, twice


def parity(vocabulary):
    """A weighted automaton, made by hand, whose value on the way is another one than at the end."""
    is_a = np.array([text == "a" for text in vocabulary.texts])
    table = np.array([np.where(is_a, 1, 0), np.where(is_a, 0, 1)])
    return Automaton(table, np.array([0.9, -0.6]), np.array([0.4, -1.1]))


def feature():
    """No text holds bb, those that begin with a are preferred; on the way it hopes for more
    letters.
    """
    bb = lambda x: ((x[:, 1:] == 1) & (x[:, :-1] == 1)).any(axis=1)  # noqa: E731
    return Feature(
        prefix=lambda x, lengths: np.where(bb(x), -math.inf, 0.35 * lengths),
        complete=lambda x, lengths: np.where(bb(x), -math.inf, 0.8 * (x[:, 0] == 0)),
    )


def twist():
    """It speaks on the way and takes its words back at the end."""
    return Feature(prefix=lambda x, lengths: 0.5 * (x == 0).sum(axis=1))


def full(pattern):
    return lambda text: float(bool(re.fullmatch(pattern, text)))


# what the decoder is given, and φ of a finished text written out by hand
TARGETS = {
    "none": (AB, lambda v: [], lambda text: 1.0),
    "regex": (AB, lambda v: [regex("(ab|ba)*a?", v)], full("(ab|ba)*a?")),
    "dead ends": (
        AB,
        lambda v: [regex("a(a|b)*", v), regex("(a|b)*b", v), length(0, 3, v)],
        lambda text: full("a(a|b)*b")(text) * (len(text) <= 3),
    ),
    "mentions": (AB, lambda v: [mentions("ab", v, bonus=0.7)], lambda text: float(text == "ab")),
    "weighted automaton": (
        AB,
        lambda v: [parity(v)],
        lambda text: math.exp(-1.1 if text.count("a") % 2 else 0.4),
    ),
    "tally": (AB, lambda v: [prefer("a", -0.8, v)], lambda text: math.exp(-0.8 * text.count("a"))),
    "feature": (
        AB,
        lambda v: [feature()],
        lambda text: 0.0 if "bb" in text else math.exp(0.8 * text.startswith("a")),
    ),
    "pure twist": (AB, lambda v: [twist()], lambda text: 1.0),
    "answer": (SUMS, lambda v: [regex("[^#]*#1", v)], full("[^#]*#1")),
    "product": (
        AB,
        lambda v: [regex("a?(ba)*b?", v), parity(v), prefer("b", 0.5, v), feature()],
        lambda text: (
            full("a?(ba)*b?")(text)
            * math.exp(-1.1 if text.count("a") % 2 else 0.4)
            * math.exp(0.5 * text.count("b"))
            * math.exp(0.8 * text.startswith("a"))
        ),
    ),
}
PROPOSALS = {
    "bootstrap": "bootstrap",
    "optimal": "optimal",
    # flatter than the distribution, and only half believing the potentials
    "custom": lambda log_distribution, log_next: 0.4 * log_distribution + 0.5 * log_next,
}


def target(name, max_tokens, prompt="a", kind=Enumerated, **options):
    """A decoder, and the masses that it must have."""
    lm, potentials, phi = TARGETS[name]
    prompt = prompt if lm is AB else "1"
    decoder = kind(lm, prompt, potentials(lm.vocabulary), max_tokens=max_tokens, **options)
    known = {name: options[name] for name in ("must_end", "sampler") if name in options}
    return decoder, masses(lm, lm.vocabulary.encode(prompt), phi, max_tokens, **known)


# ---------------------------------------------------------------- every outcome


@pytest.mark.parametrize("until", [None, "b#"])
@pytest.mark.parametrize("must_end", [False, True])
@pytest.mark.parametrize("proposal", PROPOSALS)
@pytest.mark.parametrize("name", TARGETS)
def test_every_target_is_weighed_right(name, proposal, must_end, until):
    """One particle: every text, with its weight, is a term of the sum."""
    decoder, exact = target(name, 4, proposal=PROPOSALS[proposal], must_end=must_end, until=until)
    assert error(decoder, 1, keep_all, exact) < 1e-12


@pytest.mark.parametrize("must_end", [False, True])
@pytest.mark.parametrize("proposal", PROPOSALS)
def test_four_tokens_and_five_steps(proposal, must_end):
    potentials = [regex("(a|bc|c)*b?", ABC.vocabulary), prefer("c", 0.6, ABC.vocabulary)]
    phi = lambda text: full("(a|bc|c)*b?")(text) * math.exp(0.6 * text.count("c"))  # noqa: E731
    options = {"proposal": PROPOSALS[proposal], "must_end": must_end, "max_tokens": 5}
    exact = masses(ABC, [2, 0], phi, 5, must_end)
    assert error(Enumerated(ABC, "ca", potentials, **options), 1, keep_all, exact) < 1e-12


@pytest.mark.parametrize("must_end", [False, True])
@pytest.mark.parametrize("proposal", ["bootstrap", "optimal"])
@pytest.mark.parametrize("name", SELECTIONS)
def test_every_selection_is_unbiased(name, proposal, must_end):
    """E[Ẑ] = Z, and the expected weighted posterior is the posterior, over every outcome."""
    decoder, exact = target("product", 2, proposal=proposal, must_end=must_end)
    assert error(decoder, 2, SELECTIONS[name], exact) < 1e-12


TWICE = ["systematic, always", "multinomial, below 0.8", "residual, always", "killing, below 1"]
MIXED = [
    (name, list(PROPOSALS)[i % 3], i % 2 == 1, TWICE[i % 4])  # no two of these always go together
    for i, name in enumerate(TARGETS)
]


@pytest.mark.parametrize(("name", "proposal", "must_end", "select"), MIXED)
def test_every_target_is_unbiased_when_resampled_twice(name, proposal, must_end, select):
    decoder, exact = target(name, 3, proposal=PROPOSALS[proposal], must_end=must_end)
    assert error(decoder, 2, SELECTIONS[select], exact) < 1e-12


@pytest.mark.parametrize("name", ["product", "dead ends"])
def test_a_generation_may_be_a_stretch(name):
    """Texts of a population are then of different lengths."""
    decoder, exact = target(name, 3, proposal="bootstrap", until="b")
    assert error(decoder, 2, SYSTEMATIC, exact) < 1e-12


def test_three_particles():
    decoder, exact = target("product", 2, proposal="bootstrap")
    assert error(decoder, 3, SELECTIONS["systematic, below 0.8"], exact) < 1e-12


@pytest.mark.parametrize("children", [1, 3])
def test_a_population_that_grows_or_shrinks(children):
    decoder, exact = target("product", 2)
    assert error(decoder, 2, resample(SCHEMES["multinomial"], n=children), exact) < 1e-12


SAMPLERS = {
    "temperature": samplers.temperature(0.5),
    "top_k": cuts.top_k(2),
    "top_p": cuts.top_p(0.75),
    "min_p": cuts.min_p(0.5),
    "greedy": samplers.greedy,
    "chain": cuts.chain(samplers.temperature(2), cuts.top_p(0.8)),
    "power": lambda log_distribution: (
        3 * log_distribution
    ),  # not normalised: the target is p³ · φ, and Z its sum
}


@pytest.mark.parametrize("proposal", PROPOSALS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_is_the_distribution_of_the_target(name, proposal):
    options = {"sampler": SAMPLERS[name], "proposal": PROPOSALS[proposal]}
    for target_name in ("tally", "weighted automaton", "feature"):
        decoder, exact = target(target_name, 3, **options)
        assert error(decoder, 1, keep_all, exact) < 1e-12
    decoder, exact = target("tally", 2, **options)
    assert error(decoder, 2, SYSTEMATIC, exact) < 1e-12


@pytest.mark.parametrize("must_end", [False, True])
@pytest.mark.parametrize("proposal", ["bootstrap", "optimal"])
@pytest.mark.parametrize("stop", ["b", "ab", "aa", ("ba", "bb"), ("aab", "b"), ("abab", "ba")])
def test_stop_strings_end_a_text(stop, proposal, must_end):
    stops = (stop,) if isinstance(stop, str) else stop
    options = {"max_tokens": 4, "stop": stop, "proposal": proposal, "must_end": must_end}
    decoder = Enumerated(AB, "a", [prefer("a", 0.7, AB.vocabulary)], **options)
    exact = masses(AB, [0], lambda text: math.exp(0.7 * text.count("a")), 4, must_end, stops)
    assert error(decoder, 1, keep_all, exact) < 1e-12
    if stop == "ab":
        exact = masses(AB, [0], lambda text: math.exp(0.7 * text.count("a")), 2, must_end, stops)
        decoder = Enumerated(
            AB, "a", [prefer("a", 0.7, AB.vocabulary)], **options | {"max_tokens": 2}
        )
        assert error(decoder, 2, SYSTEMATIC, exact) < 1e-12


@pytest.mark.parametrize("stop", [("aa",), ("abc",), ("c", "aba"), ("bb", "caa"), ("a",)])
def test_stop_strings_across_and_inside_tokens(stop):
    """The fourth token has no text, as half an emoji: the letters on its two sides do not meet."""
    lm = tiny("ab", "a", "bca", None, seed=3)
    exact = masses(lm, [1], lambda text: 1.0, 4, stop=stop)
    assert error(Enumerated(lm, "a", max_tokens=4, stop=stop), 1, keep_all, exact) < 1e-12


def test_a_model_with_impossible_tokens():
    lm, pattern = tiny("a", "b", "c", seed=4, zeros=0.4), "(a|b|c)*c(a|b)*"
    potentials, exact = [regex(pattern, lm.vocabulary)], masses(lm, [0], full(pattern), 3)
    assert any(0 in lm.distribution((0, v)) for v in range(3))
    for proposal in PROPOSALS.values():
        decoder = Enumerated(lm, "a", potentials, max_tokens=3, proposal=proposal)
        assert error(decoder, 1, keep_all, exact) < 1e-12
    decoder = Enumerated(lm, "a", potentials, max_tokens=2)
    assert error(decoder, 2, SYSTEMATIC, masses(lm, [0], full(pattern), 2)) < 1e-12


def test_a_table_of_words():
    """The garden path, after its first word."""
    lm = garden_path()
    potentials = [both(mentions("barn", lm.vocabulary), mentions("fell", lm.vocabulary))]
    (the,) = lm.vocabulary.encode(" the")
    exact = masses(
        lm, [the], lambda text: float({"barn", "fell"} <= set(text.split())), 7, must_end=True
    )
    decoder = Enumerated(lm, " the", potentials, max_tokens=7, must_end=True)
    assert error(decoder, 1, keep_all, exact) < 1e-12


@pytest.mark.parametrize("must_end", [False, True])
@pytest.mark.parametrize("name", ["regex", "dead ends", "weighted automaton", "tally"])
def test_the_exact_module_agrees(name, must_end):
    lm, potentials, _ = TARGETS[name]
    potentials = potentials(lm.vocabulary)
    distribution = lambda prefix: lm.distribution((0, *prefix))  # noqa: E731
    exact = enumerate_texts(distribution, lm.ends, 4, must_end, potentials)
    means = expected(Enumerated(lm, "a", potentials, max_tokens=4, must_end=must_end), 1, keep_all)
    assert math.log(sum(means.values())) == pytest.approx(exact.log_evidence, abs=1e-12)
    assert exact.total_variation({x: m / sum(means.values()) for x, m in means.items()}) < 1e-12


def test_the_optimal_twist_leaves_no_luck():
    """With it every outcome has Ẑ = Z: one particle is as good as many."""
    lm, potentials, _ = TARGETS["weighted automaton"]
    distribution = lambda prefix: lm.distribution((0, *prefix))  # noqa: E731
    exact = enumerate_texts(distribution, lm.ends, 4, True, potentials(lm.vocabulary))
    decoder = Enumerated(lm, "a", [exact.twisted()], max_tokens=4, must_end=True)
    for _, last in outcomes(lambda rng: run(decoder, 1, keep_all, rng)[-1]):
        assert last.log_evidence == pytest.approx(exact.log_evidence, abs=1e-12)


# ---------------------------------------------------------------- the same on transformers


@pytest.fixture(scope="module")
def transformer():
    """A tiny GPT-2 in double precision, and its distributions by the library's plain forward."""
    pytest.importorskip("torch")
    import torch
    from tiny_transformers import full_forward
    from tiny_transformers import tiny as tiny_transformer

    lm = tiny_transformer("gpt2", letters="ab", context=8, dtype=torch.float64)
    lm.distribution = functools.cache(lambda prefix: np.exp(full_forward(lm, prefix)))
    return lm


@pytest.fixture(scope="module")
def lab_like():
    """A tiny Llama on our own page, whose distributions are those of fresh sessions."""
    pytest.importorskip("torch")
    import torch
    from tiny_transformers import tiny as tiny_transformer

    lm = tiny_transformer("llama", letters="ab", context=8, dtype=torch.float64)
    lm.distribution = functools.cache(lambda prefix: np.exp(lm.start([prefix], 8).log_probs[0]))
    return lm


@pytest.mark.parametrize("proposal", ["bootstrap", "optimal"])
@pytest.mark.parametrize("model", ["transformer", "lab_like"])
def test_transformers_are_sampled_without_bias(model, proposal, request):
    lm = request.getfixturevalue(model)
    _, potentials, phi = TARGETS["product"]
    options = {"proposal": proposal, "max_tokens": 2, "must_end": proposal == "optimal"}
    exact = masses(lm, (0, 1), phi, 2, options["must_end"])
    decoder = Enumerated(lm, "ab", potentials(lm.vocabulary), **options)
    assert error(decoder, 2, SYSTEMATIC, exact) < 1e-12


def test_a_transformer_after_two_resamplings(transformer):
    _, potentials, phi = TARGETS["regex"]
    decoder = Enumerated(transformer, "ab", potentials(transformer.vocabulary), max_tokens=3)
    assert error(decoder, 2, SYSTEMATIC, masses(transformer, (0, 1), phi, 3)) < 1e-12


# ------------------------------------------------------ known mistakes of published systems


class ReweighsFinished(Enumerated):
    """Finished texts take part in every later round, and are paid again."""

    def weigh(self, t, parents, particles):
        weighed = super().weigh(t, parents, particles)
        before = np.zeros(len(particles), dtype=bool) if parents is None else parents.finished
        final = sum(mask.log_final(particles.states[:, j]) for j, mask in enumerate(self.masks, 1))
        return weighed._replace(log_weights=weighed.log_weights + np.where(before, final, 0.0))


class LocalMasking(Decoder):
    """Renormalise every step by itself and forget the weight: how much the mask kept."""

    def weigh(self, t, parents, particles):
        weighed = super().weigh(t, parents, particles)
        return weighed._replace(log_weights=np.where(weighed.log_weights > -np.inf, 0.0, -np.inf))


class ForgetsWhatTheMaskKept(LocalMasking, Enumerated):
    """The same, every outcome of it."""


class OneStepMore(Enumerated):
    """The limit is checked too late."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.max_tokens, self.room = self.max_tokens + 1, self.room + 1


class EndsForNothing(Enumerated):
    """The end is forced at the limit, and its probability forgotten."""

    def _next_tokens(self, texts, active, greedy):
        before, last = texts.log_probs[active], texts.lengths[active] + 1 == self.max_tokens
        found = super()._next_tokens(texts, active, greedy)
        texts.log_p[active] -= np.where(last, texts.log_probs[active] - before, 0.0)
        return found


class PaysThePotentialTwice(Enumerated):
    """The optimal proposal with the weight of the bootstrap one."""

    def weigh(self, t, parents, particles):
        drawn_from_p = [x and replace(x, log_q=x.log_p) for x in (parents, particles)]
        weighed = super().weigh(t, *drawn_from_p)
        return weighed._replace(particles=replace(weighed.particles, log_q=particles.log_q))


class NeverEndsEarly(Enumerated):
    """Texts that met the limit count as going on: they get ψ instead of φ."""

    def _log_potentials(self, texts):
        in_time = texts.lengths < self.max_tokens
        return super()._log_potentials(replace(texts, finished=texts.finished & in_time))


MISTAKES = [
    (ReweighsFinished, "weighted automaton", {}),
    (ForgetsWhatTheMaskKept, "regex", {}),
    (ForgetsWhatTheMaskKept, "weighted automaton", {}),
    (OneStepMore, "tally", {}),
    (EndsForNothing, "none", {"must_end": True}),
    (EndsForNothing, "regex", {"must_end": True}),
    (PaysThePotentialTwice, "regex", {}),
    (NeverEndsEarly, "weighted automaton", {}),
]


@pytest.mark.parametrize(("mistake", "name", "options"), MISTAKES)
def test_known_mistakes_are_biased(mistake, name, options):
    decoder, exact = target(name, 2, kind=mistake, **options)
    assert error(decoder, 2, SYSTEMATIC, exact) > 1e-2  # of the right decoder: below 1e-12
    decoder, exact = target(name, 2, **options)
    assert error(decoder, 2, SYSTEMATIC, exact) < 1e-12


def test_local_masking_has_another_distribution():
    """The one that the exact module computes: no accident, but a target of its own."""
    lm, potentials, _ = TARGETS["regex"]
    distribution = lambda prefix: lm.distribution((0, *prefix))  # noqa: E731
    exact = enumerate_texts(distribution, lm.ends, 4, False, potentials(lm.vocabulary))
    decoder = ForgetsWhatTheMaskKept(lm, "a", potentials(lm.vocabulary), max_tokens=4)
    means = expected(decoder, 1, keep_all)
    assert means == pytest.approx(dict(zip(exact.texts, exact.masked, strict=True)), abs=1e-12)
    assert exact.total_variation(means) > 0.05


@pytest.mark.parametrize("field", ["tokens", "lengths", "finished", "states", "rows"])
def test_texts_that_leave_something_behind_when_copied(field, monkeypatch):
    gather = Sequences.__getitem__

    def forgets(self, ancestors):
        chosen = gather(self, ancestors)
        chosen.__dict__[field] = getattr(self, field)[np.arange(len(chosen)) % len(self)]
        return chosen

    decoder, exact = target("regex", 3)
    monkeypatch.setattr(Sequences, "__getitem__", forgets)
    # a live text with a dead one's states has a weight that is no number
    with pytest.raises((AssertionError, IndexError, ValueError)):
        assert error(decoder, 2, SELECTIONS["multinomial, always"], exact) < 1e-3


def test_finished_texts_are_absorbing(seed):
    decoder = Decoder(
        ABC, "ab", [prefer("a", 0.5, ABC.vocabulary)], proposal="bootstrap", max_tokens=9
    )
    history = run(decoder, 60, keep_all, np.random.default_rng(seed))
    assert history[0].particles.finished.any()
    for before, after in itertools.pairwise(history):
        rest = before.particles.finished
        assert after.particles.finished[rest].all()
        assert (after.log_weights == before.log_weights)[rest].all()
        for field in ("tokens", "lengths", "log_probs", "states", "prompt"):
            assert (getattr(after.particles, field) == getattr(before.particles, field))[rest].all()
        assert (after.particles.lengths == before.particles.lengths + ~rest).all()


@pytest.mark.parametrize("name", UNBIASED)
def test_children_continue_the_texts_of_their_ancestors(name, seed):
    """As drawn by the very scheme that was asked for, from the very weights."""
    drawn = []

    def spy(weights, n, rng):
        drawn.append(UNBIASED[name](weights, n, rng))
        assert weights / weights.sum() == pytest.approx(populations[-1].weights)
        return drawn[-1]

    decoder = Decoder(
        ABC, "ab", [prefer("a", 1.5, ABC.vocabulary)], proposal="bootstrap", max_tokens=6
    )
    populations = []
    for population in smc(decoder, 20, resample(spy), np.random.default_rng(seed)):
        populations.append(population)
    assert len(drawn) == len(populations) - 1 > 0
    for before, after, ancestors in zip(populations, populations[1:], drawn, strict=False):
        assert (after.ancestors == ancestors).all()
        texts = decoder.texts(before.particles)
        for i, text in enumerate(decoder.texts(after.particles)):
            assert text.startswith(texts[ancestors[i]])


def test_no_text_is_longer_than_asked(seed):
    for max_tokens in (1, 2, 5):
        decoder = Decoder(ABC, "ab", max_tokens=max_tokens)
        history = run(decoder, 300, keep_all, np.random.default_rng(seed))
        assert len(history) == max_tokens
        assert history[-1].particles.lengths.max() == max_tokens
        assert history[-1].particles.tokens.shape == (300, max_tokens)


def own_log_probs(lm, prompts, particles):
    """Log probability of each text under the model, after the prompt that it should continue."""
    values = []
    for i, tokens in enumerate(particles.tokens):
        text, total = list(lm.vocabulary.encode(prompts[i % len(prompts)])), 0.0
        for token in tokens[: particles.lengths[i]].tolist():
            total += math.log(lm.distribution(tuple(text))[token])
            text.append(token)
        values.append(total)
    return np.array(values)


PROMPTS = ["a", "bca", "cc"]


def answers_its_prompt(kind, seed, **options):
    decoder = kind(ABC, PROMPTS, max_tokens=6, **options)
    last = run(decoder, 40, keep_all, np.random.default_rng(seed))[-1].particles
    assert (last.prompt == np.arange(40) % 3).all()
    assert last.log_probs == pytest.approx(own_log_probs(ABC, PROMPTS, last), abs=1e-12)


@pytest.mark.parametrize(
    "options", [{}, {"until": "b"}, {"stop": "ab"}, {"sampler": cuts.top_k(2)}]
)
def test_every_text_answers_its_own_prompt(options, seed):
    """The log probabilities are the model's own, whatever distribution the tokens were
    drawn from.
    """
    answers_its_prompt(Decoder, seed, **options)
    answers_its_prompt(Decoder, seed, potentials=[prefer("c", 1.0, ABC.vocabulary)], **options)


class ReadsTheNextPrompt(Decoder):
    """Every text continues the prompt of its neighbour."""

    def begin(self, prompt, tokens, per_token=None):
        self.prompts = self.prompts[1:] + self.prompts[:1]
        return super().begin(prompt, tokens, per_token)


class DealsPromptsInBlocks(Decoder):
    """The rows lie prompt by prompt, the texts that should own them in turn."""

    def begin(self, prompt, tokens, per_token=None):
        self.lm = type("Blocks", (), {"vocabulary": self.lm.vocabulary, "start": self.blocks})
        return super().begin(prompt, tokens, per_token)

    def blocks(self, prompts, length):
        session = ABC.start(prompts, length)
        session.rows = np.sort(np.arange(40) % len(prompts))
        self.prompts = [()] * 40
        return session


@pytest.mark.parametrize("mistake", [ReadsTheNextPrompt, DealsPromptsInBlocks])
def test_prompts_that_get_mixed_up_are_noticed(mistake, seed):
    with pytest.raises(AssertionError):
        answers_its_prompt(mistake, seed)


# ---------------------------------------------------------------- independent samples


def nested(kind, seed, **options):
    decoder = kind(ABC, PROMPTS, max_tokens=8, **options)
    few, many = (
        run(decoder, n, keep_all, np.random.default_rng(seed))[-1].particles for n in (16, 64)
    )
    for field in ("tokens", "lengths", "log_probs", "prompt"):
        assert (getattr(few, field) == getattr(many, field)[:16]).all()


@pytest.mark.parametrize("options", [{}, {"until": "b"}, {"proposal": "bootstrap", "stop": "ba"}])
def test_more_samples_begin_with_the_fewer(options, seed):
    nested(Decoder, seed, **options)
    few = sample(ABC, PROMPTS, 16, np.random.default_rng(seed), max_tokens=8, **options)
    many = sample(ABC, PROMPTS, 64, np.random.default_rng(seed), max_tokens=8, **options)
    assert (few.particles.tokens == many.particles.tokens[:16]).all()


class OneStreamForAll(Decoder):
    """Who is drawn first gets the first number, so it matters how many others there are."""

    def _draw(self, log_proposal, which, new, active):
        return samplers.draw_tokens(log_proposal, which, new.run.streams[0].random(len(active)))


def test_one_stream_for_all_is_noticed(seed):
    with pytest.raises(AssertionError):
        nested(OneStreamForAll, seed)


def test_samples_of_one_generator_differ_from_call_to_call(seed):
    rng = np.random.default_rng(seed)
    first, second = (sample(ABC, "a", 64, rng, max_tokens=8).particles.tokens for _ in range(2))
    assert (first != second).any()
    assert len({tuple(row) for row in first.tolist()}) > 1


def test_sample_is_the_run_without_selection(seed):
    alone = sample(ABC, "a", 20, np.random.default_rng(seed), max_tokens=5)
    last = run(Decoder(ABC, "a", max_tokens=5), 20, keep_all, np.random.default_rng(seed))[-1]
    assert (alone.particles.tokens == last.particles.tokens).all()
    assert alone.cost.lm_tokens == last.cost.lm_tokens == alone.particles.lengths.sum()
    assert alone.t == last.t


def assert_counted(decoder, history):
    """Prompt and generated tokens, each once; the last token of a text is never read."""
    cost, texts = history[-1].cost, set()
    for p in (population.particles for population in history):
        for tokens, k, prompt in zip(p.tokens.tolist(), p.lengths, p.prompt, strict=True):
            texts |= {(prompt, *tokens[:i]) for i in range(1, k)}
    assert cost.lm_positions == sum(map(len, decoder.prompts)) + len(texts)
    written = [np.count_nonzero(p.particles.lengths == p.t + 1) for p in history]
    assert cost.lm_tokens == cost.units == sum(written)
    assert cost.lm_tokens > 0


@pytest.mark.parametrize(
    "select", [keep_all, resample(), when_ess_below(0.5, resample("multinomial"))]
)
def test_tokens_are_counted(select, seed):
    decoder = Decoder(ABC, PROMPTS, [prefer("a", 0.5, ABC.vocabulary)], max_tokens=7)
    assert_counted(decoder, run(decoder, 30, select, np.random.default_rng(seed)))


def half_difference(particles, weights, exact):
    """½ Σ |weight of a text − its exact mass|: the total variation, if both are distributions."""
    texts, which = np.unique(particles.tokens, axis=0, return_inverse=True)
    texts = [tuple(token for token in text if token >= 0) for text in texts.tolist()]
    found = dict(zip(texts, np.bincount(which.ravel(), weights), strict=True))
    return sum(abs(found.get(x, 0.0) - exact.get(x, 0.0)) for x in exact.keys() | found.keys()) / 2


@pytest.mark.statistical
def test_samples_have_the_distribution_of_the_model(seed):
    """Total variation of n independent samples to the truth; false-alarm rate 1e-6.

    It is on average at most ½ Σ √(p(1−p)/n) over the texts, and one sample changes it by at most
    1/n: so it exceeds its mean by √(log(10⁶) / 2n) with probability below 1e-6 (McDiarmid 1989).
    """
    n, rng, exact = 20_000, np.random.default_rng(seed), masses(ABC, [0], lambda text: 1.0, 4)
    p = np.array(list(exact.values()))
    bound = np.sqrt(p * (1 - p) / n).sum() / 2 + math.sqrt(math.log(1 / FALSE_ALARM) / (2 * n))
    shares = np.full(n, 1 / n)
    assert half_difference(sample(ABC, "a", n, rng, max_tokens=4).particles, shares, exact) < bound
    mutant = sample(ABC, "a", n, rng, max_tokens=4, sampler=samplers.temperature(0.8)).particles
    assert half_difference(mutant, shares, exact) > bound


@pytest.mark.statistical
def test_weighted_samples_have_the_distribution_of_the_target(seed):
    """Masses of all texts by importance sampling, false-alarm rate 1e-6.

    A mean of n independent terms w · [text is x], with 0 ≤ w ≤ 1 as the mask only takes away: one
    term changes ½ Σ |mean − mass| by at most 1/n, and its variance is at most E[w · [x]] = mass.
    """
    n, rng, (lm, potentials, phi) = 20_000, np.random.default_rng(seed), TARGETS["regex"]
    exact = masses(lm, [0], phi, 5)
    mass = np.array(list(exact.values()))
    bound = np.sqrt(mass / n).sum() / 2 + math.sqrt(math.log(1 / FALSE_ALARM) / (2 * n))

    def distance(kind):
        last = run(kind(lm, "a", potentials(lm.vocabulary), max_tokens=5), n, keep_all, rng)[-1]
        assert last.log_weights.max() <= 1e-12
        return half_difference(last.particles, np.exp(last.log_weights) / n, exact)

    assert distance(Decoder) < bound
    assert distance(LocalMasking) > bound


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("name", "proposal", "scheme", "threshold", "options"),
    [
        ("product", "optimal", "systematic", 1, {}),
        ("product", "bootstrap", "multinomial", 0.5, {"must_end": True}),
        ("regex", "optimal", "stratified", 0.7, {"until": "b"}),
    ],
)
def test_larger_populations_are_unbiased(name, proposal, scheme, threshold, options, seed):
    """Ẑ/Z and the masses of the ten likeliest texts in 300 runs; false-alarm rate 1e-6
    (``mean_p_value``).
    """
    decoder, exact = target(name, 4, kind=Decoder, proposal=proposal, **options)
    evidence, rng = sum(exact.values()), np.random.default_rng(seed)
    select = when_ess_below(threshold, resample(scheme))
    likely = sorted(exact, key=exact.__getitem__)[-10:]
    errors = []
    for _ in range(300):
        last = run(decoder, 40, select, rng)[-1]
        ratio, p = math.exp(last.log_evidence) / evidence, last.particles
        texts = [tuple(row[:k].tolist()) for row, k in zip(p.tokens, p.lengths, strict=True)]
        found = dict.fromkeys(likely, 0.0)
        for text, weight in zip(texts, last.weights, strict=True):
            if text in found:
                found[text] += ratio * weight
        errors.append([ratio - 1, *(found[text] - exact[text] / evidence for text in likely)])
    assert mean_p_value(np.array(errors)) > FALSE_ALARM


@pytest.fixture(scope="module")
def llama():
    pytest.importorskip("torch")
    from tiny_transformers import tiny as tiny_transformer

    return tiny_transformer("llama")


@pytest.mark.parametrize("prompt", ["abc", "j", "ihgfedcba", "bb"])
def test_greedy_is_that_of_the_library(llama, prompt):
    greedy = sample(
        llama, prompt, 1, np.random.default_rng(0), sampler=samplers.greedy, max_tokens=12
    )
    from tiny_transformers import generate

    (text,) = generate(llama, prompt)
    assert greedy.particles.tokens[0][: len(text)].tolist() == text
    assert greedy.particles.lengths[0] == len(text)


# ---------------------------------------------------------------- options


def test_decoding_a_table_needs_no_torch():
    modules = "ttclib.lm.decoding, ttclib.course.smc_decoding.markov_lm"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_stretch_ends_with_one_of_its_letters(seed):
    lm = tiny("a", "xb", "c", "bcb", seed=6)
    decoder = Decoder(lm, "a", until="b", max_tokens=12)
    history = run(decoder, 50, keep_all, np.random.default_rng(seed))
    before = [""] * 50
    for population in history:
        texts = decoder.texts(population.particles)
        cut = population.particles.lengths == 12
        for old, text, finished, limit in zip(
            before, texts, population.particles.finished, cut, strict=True
        ):
            stretch = text.removeprefix(old)
            assert (
                stretch in ("xb", "bcb")
                or re.fullmatch("[ac]*(xb|bcb)", stretch)
                or finished
                or limit
            )
            assert not re.search("(xb|bcb)[ac]*(xb|bcb)", stretch)
        before = texts
    assert 1 < len(history) < 12


def test_no_option_is_ignored(seed):
    """Each changes the texts, under the same random numbers."""
    potentials = [prefer("a", 1.0, ABC.vocabulary)]

    def draw(**options):
        rng = np.random.default_rng(seed)
        return sample(ABC, "a", 64, rng, potentials=potentials, max_tokens=6, **options)

    texts = draw().particles.tokens
    for options in (
        {"proposal": "bootstrap"},
        {"sampler": samplers.temperature(0.3)},
        {"must_end": True},
        {"stop": "b"},
    ):
        assert (draw(**options).particles.tokens != texts).any(), options
    assert draw(until="b").t < draw().t


def test_texts_are_read_without_their_end(seed):
    decoder = Decoder(ABC, "a", max_tokens=4)
    last = sample(ABC, "a", 30, np.random.default_rng(seed), max_tokens=4).particles
    for row, k, text in zip(last.tokens, last.lengths, decoder.texts(last), strict=True):
        assert text == spell(ABC.vocabulary, row[:k])
        assert (row[k:] == -1).all()
    assert last.finished.all()
    assert (last.last == last.tokens[np.arange(30), last.lengths - 1]).all()


def test_a_prompt_is_no_part_of_a_stop_string():
    last = sample(ABC, "ab", 50, np.random.default_rng(0), max_tokens=3, stop="abc").particles
    assert last.lengths[last.tokens[:, 0] == 2].max() > 1


# ---------------------------------------------------------------- what goes wrong

BAD = [
    ({"prompt": ""}, "the text is empty"),
    ({"prompt": []}, "prompt is an empty list"),
    ({"prompt": ["a", ""]}, "the text is empty"),
    ({"prompt": "az"}, r"'z' is not in the vocabulary \(ab\)"),
    (
        {"prompt": "a" * 64},
        "the prompt has 64 tokens; the model's context holds 64, with the answer",
    ),
    ({"prompt": ["a", "a" * 100]}, "the prompt has 100 tokens"),
    ({"max_tokens": 64}, "max_tokens is 64; after 1 tokens of prompt the context holds 63 more"),
    (
        {"prompt": ["a", "aaa"], "max_tokens": 62},
        "after 3 tokens of prompt the context holds 61 more",
    ),
    ({"max_tokens": 0}, "max_tokens is 0"),
    ({"max_tokens": 1.5}, "max_tokens is 1.5"),
    ({"proposal": "best"}, "proposal is 'best'; it must be one of optimal, bootstrap"),
    ({"proposal": ["optimal"]}, r"proposal is \['optimal'\]"),
    ({"proposal": None}, "proposal is None"),
    ({"stop": ""}, "a stop string is empty"),
    ({"stop": ["b", ""]}, "a stop string is empty"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_decoders_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        Decoder(**{"lm": AB, "prompt": "a"} | arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arguments", [{"prompt": "k"}, {"prompt": "a" * 40}, {"max_tokens": 40}])
def test_decoders_that_cannot_be_on_a_transformer(llama, arguments):
    with pytest.raises(ValueError, match=r"vocabulary|context"):
        Decoder(**{"lm": llama, "prompt": "a"} | arguments)
    assert sample(llama, "a" * 39, 3, np.random.default_rng(0)).particles.lengths.tolist() == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize("n", [0, -1, 2.5, None])
def test_populations_of_nobody(n):
    with pytest.raises(ValueError, match="n is"):
        sample(AB, "a", n, np.random.default_rng(0))


def test_a_constraint_that_no_text_satisfies_is_refused_at_once():
    with pytest.raises(
        ValueError, match="no text over this vocabulary satisfies the regular expression 'z'"
    ):
        Decoder(AB, "a", [regex("z", AB.vocabulary)])


@pytest.mark.parametrize(("proposal", "step"), [("optimal", 2), ("bootstrap", 2)])
def test_a_constraint_that_no_short_text_satisfies_kills_everybody(proposal, step):
    """One line says at which step, counted from 0: after three tokens no fourth one may come."""
    decoder = Decoder(AB, "a", [regex("(a|b){4}", AB.vocabulary)], proposal=proposal, max_tokens=3)
    last = run(decoder, 50, resample(), np.random.default_rng(0))[-1]
    assert last.t == step
    assert last.extinct
    assert last.log_evidence == -math.inf
    with pytest.raises(
        ValueError, match=f"^step {step}: every particle died; all 50 weights are zero$"
    ):
        alive(last)


def test_the_living_are_returned():
    population = sample(AB, "a", 3, np.random.default_rng(0), max_tokens=2)
    assert alive(population) is population


def test_the_dead_stay_dead_and_cost_nothing(seed):
    """A text of weight zero is not read any further, whoever killed it: a mask or a feature."""
    without_b = lambda tokens, lengths: np.where((tokens == 1).any(axis=1), -math.inf, 0.0)  # noqa: E731
    for potentials in ([regex("(a|c)*", ABC.vocabulary)], [Feature(without_b, without_b)]):
        decoder = Decoder(ABC, "a", potentials, proposal="bootstrap", max_tokens=8)
        last = run(decoder, 80, keep_all, np.random.default_rng(seed))[-1]
        dead = last.log_weights == -math.inf
        assert 0 < dead.sum() < 80
        for row, k in zip(last.particles.tokens[dead], last.particles.lengths[dead], strict=True):
            assert 1 not in row[: k - 1]  # the b, if any, was its last token


def test_a_best_few_of_the_dead_die_out():
    decoder = Decoder(AB, "a", [regex("(a|b){4}", AB.vocabulary)], max_tokens=3)
    assert run(decoder, 6, keep_top(2, copies=3), np.random.default_rng(0))[-1].extinct


def test_texts_can_be_begun_anew(seed):
    """What was drawn before is fed, once where texts are equal, and followed as if it were drawn
    now.
    """
    options = {"stop": "ca", "until": "b", "max_tokens": 7, "per_token": True}
    decoder = Decoder(ABC, ["a", "bca"], [parity(ABC.vocabulary)], **options)
    drawn = run(decoder, 60, keep_all, np.random.default_rng(seed))[1].particles
    old = drawn[np.flatnonzero(~drawn.finished)]
    new, cost = decoder.begin(old.prompt, old.tokens, old.per_token)
    assert len(old) > 3
    for field in ("lengths", "states", "finished", "prompt"):
        assert (getattr(new, field) == getattr(old, field)).all()
    assert new.log_probs == pytest.approx(old.log_probs)
    texts = [
        (*decoder.prompts[p], *x[:k])
        for p, x, k in zip(old.prompt, old.tokens, old.lengths, strict=True)
    ]
    assert [new.run.session.prefixes[row] for row in new.rows] == texts
    assert cost.lm_positions == sum(map(len, set(texts)))
    grown, _ = decoder.propose(2, new, len(new), np.random.default_rng(seed))
    assert (grown.tokens[:, : old.lengths.min()] == old.tokens[:, : old.lengths.min()]).all()
    assert (grown.lengths > old.lengths).all() and (grown.begun == old.lengths).all()


def test_a_beginning_that_is_forbidden_already_stays_so_without_a_warning():
    """−inf minus −inf is no number, and NumPy would say so to a learner."""
    never = Feature(
        prefix=lambda tokens, lengths: np.where(tokens[:, 0] == 0, -math.inf, 0.1 * lengths),
        complete=lambda tokens, lengths: np.zeros(len(tokens)),  # would revive it
    )
    decoder = Decoder(AB, "a", [never], max_tokens=4)
    begun, _ = decoder.begin(np.zeros(2, dtype=int), np.array([[0, -1, -1, -1], [1, -1, -1, -1]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        texts, _ = decoder.propose(1, begun, 2, np.random.default_rng(0))
        weighed = decoder.weigh(1, begun, texts)
    assert weighed.log_weights[0] == -math.inf and weighed.log_weights[1] > -math.inf
    assert weighed.particles.finished[0]
