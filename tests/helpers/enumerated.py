"""Decoding with every outcome enumerated, and the masses that it must come to."""

import math

import numpy as np
import pytest
from outcomes import outcomes
from tiny_lm import TinyLM

from ttclib.lm import samplers
from ttclib.lm.decoding import Decoder
from ttclib.lm.vocabulary import Vocabulary
from ttclib.particles.smc import smc


def tiny(*texts, seed=0, zeros=0.0):
    """A random model whose tokens say ``texts``, and an end."""
    lm = TinyLM(0, seed, zeros)
    lm.vocabulary = Vocabulary([*texts, None], len(texts))
    return lm


AB, ABC = tiny("a", "b"), tiny("a", "b", "c", seed=1)
SUMS = tiny("1", "#", seed=2)


def spell(vocabulary, tokens):
    """What tokens say; those without a text say '?'."""
    return "".join(vocabulary.texts[v] or "?" for v in tokens if v != vocabulary.end)


def masses(lm, prompt, phi, max_tokens, must_end=False, stop=(), sampler=samplers.plain):
    """Target mass of every text, multiplied out along the tree: {tokens: p · φ}."""
    found, vocabulary = {}, lm.vocabulary

    def extend(tokens, mass):
        with np.errstate(divide="ignore"):
            distribution = np.exp(sampler(np.log(lm.distribution((*prompt, *tokens)))[None])[0])
        for token in np.flatnonzero(distribution).tolist():
            new, here = (*tokens, token), mass * distribution[token]
            text = spell(vocabulary, new)
            if token == vocabulary.end or any(s in text for s in stop):
                found[new] = here * phi(text)
            elif len(new) < max_tokens:
                extend(new, here)
            elif not must_end:
                found[new] = here * phi(text)

    extend((), 1.0)
    return found


class Enumerated(Decoder):
    """A decoder whose tokens are decisions: see ``outcomes``."""

    def _draw(self, log_proposal, which, new, active):
        decisions = new.run.streams[0]
        return np.array(
            [
                decisions.decide(distribution) if distribution.any() else 0
                for distribution in np.exp(log_proposal)[which]
            ]
        )


def expected(decoder, n, select):
    """E[Ẑ · share of a text] for each text that any population ends with: {tokens: mean}."""
    total, means = 0.0, {}

    def last_generation(rng):
        for population in smc(decoder, n, select, rng):
            assert population.t < decoder.max_tokens
        return population

    for probability, last in outcomes(last_generation):
        total += probability
        if last.extinct:
            continue
        particles, estimate = last.particles, probability * math.exp(last.log_evidence)
        for tokens, k, weight in zip(
            particles.tokens, particles.lengths, last.weights, strict=True
        ):
            text = tuple(tokens[:k].tolist())
            means[text] = means.get(text, 0.0) + estimate * weight
    assert total == pytest.approx(1, abs=1e-12)
    return means


def error(decoder, n, select, exact):
    """Largest error of a text's expected mass, and that of their sum E[Ẑ], relative to Z."""
    means, evidence = expected(decoder, n, select), sum(exact.values())
    gaps = [
        abs(means.get(text, 0.0) - exact.get(text, 0.0)) for text in means.keys() | exact.keys()
    ]
    return max(*gaps, abs(sum(means.values()) - evidence)) / evidence
