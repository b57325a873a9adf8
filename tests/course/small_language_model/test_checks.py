"""Checks of notebook 05: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
import pytest
from verdicts import *  # noqa: F403

from ttclib.course.small_language_model import checks


def bits(probs):
    p = probs[probs > 0]
    return -(p * np.log2(p)).sum()


def nucleus(probs, p):
    order = np.argsort(-probs, kind="stable")
    best = order[np.cumsum(probs[order]) - probs[order] < p - 1e-12]
    kept = np.zeros_like(probs)
    kept[best] = probs[best]
    return kept / kept.sum()


def passing(n, c, k):
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def cost(a, b, prompt, tokens):
    fed = prompt + tokens - 1
    return a * fed + b * fed * (fed + 1) / 2


def sorted_nucleus(probs, p):
    return -np.sort(-nucleus(probs, p))


def in_place(probs, p):
    probs[:] = nucleus(probs, p)
    return probs


def one_more(probs, p):
    order = np.argsort(-probs, kind="stable")
    best = order[np.cumsum(probs[order]) - probs[order] <= p + 0.1]
    kept = np.zeros_like(probs)
    kept[best] = probs[best]
    return kept / kept.sum()


def one_fewer(probs, p):
    order = np.argsort(-probs, kind="stable")
    best = order[np.cumsum(probs[order]) <= p]
    kept = np.zeros_like(probs)
    kept[best] = probs[best]
    return kept / kept.sum() if len(best) else kept


def may_be_empty(probs, p):
    return nucleus(probs, p) if p > 0.2 else np.zeros_like(probs)


def by_height(probs, p):
    kept = np.where(probs <= p, probs, 0)
    return kept / kept.sum()


SLIPS = {
    checks.entropy: {
        "in nats": lambda probs: bits(probs) * math.log(2),
        "the sign": lambda probs: -bits(probs),
        "weigh each": lambda probs: -np.log2(probs).mean(),
        "0 · log 0": lambda probs: -(probs * np.log2(probs)).sum(),
        "a sure character has 0 bits": lambda probs: bits(probs) if probs.max() < 1 else 1.0,
        "four equal characters have 2 bits": lambda probs: len(probs),
        "probabilities ½, ¼, ¼": lambda probs: math.log2(np.count_nonzero(probs)),
    },
    checks.top_p: {
        "changed the array": in_place,
        "sorted order": sorted_nucleus,
        "sum to one": lambda probs, p: np.where(nucleus(probs, p) > 0, probs, 0),
        "crosses p is kept too": one_fewer,
        "all *likelier* characters": one_more,
        "not each probability": by_height,
        "the likeliest character must stay": may_be_empty,
        "one probability a character": lambda probs, p: nucleus(probs, p)[:2],
        "the library keeps others": lambda probs, p: nucleus(probs, min(p, 0.95)),
        "at p = 0.6 [": lambda probs, p: np.array([1.0, 1, 0, 0, 0]),
    },
    checks.pass_at_k: {
        "*with* replacement": lambda n, c, k: 1 - (1 - c / n) ** k,
        "all k are wrong": lambda n, c, k: 1 - passing(n, c, k),
        "exactly one": lambda n, c, k: c * math.comb(n - c, k - 1) / math.comb(n, k),
        "all k are right": lambda n, c, k: math.comb(c, k) / math.comb(n, k),
        "of 10 samples 3 right": lambda n, c, k: c / n,
        "n = 10, c = 0, k = 4": lambda n, c, k: passing(n, c, k) if c else 1.0,
        "ZeroDivisionError": lambda n, c, k: passing(n, c, k) if c < n else 1 / 0,
    },
    checks.text_flops: {
        "need not be fed": lambda a, b, p, t: cost(a, b, p, t + 1),
        "without a cache": lambda a, b, p, t: sum(cost(a, b, p + i, 1) for i in range(t)),
        "the prompt is fed too": lambda a, b, p, t: cost(a, b, p, t) - cost(a, b, p, 1),
        "not 0": lambda a, b, p, t: cost(a - b, b, p, t),
        "attention is missing": lambda a, b, p, t: cost(a, 0, p, t),
        "a = 1000, b = 10": lambda a, b, p, t: 1.0,
        "costs just the prompt": lambda a, b, p, t: cost(a, b, p, t) + a * (t == 1),
        "use n (n + 1) / 2": lambda a, b, p, t: a * (p + t - 1) + b * (36 if p + t == 9 else 0),
    },
}
WRONG = [(check, answer, slip) for check, slips in SLIPS.items() for slip, answer in slips.items()]
RIGHT = [
    (checks.entropy, bits),
    (checks.entropy, lambda probs: -(probs * np.log2(probs + 1e-300)).sum()),
    (checks.entropy, lambda probs: -(probs * np.log2(probs + 1e-12)).sum()),
    (checks.top_p, nucleus),
    (checks.pass_at_k, passing),
    (checks.text_flops, cost),
]


@pytest.mark.parametrize("check", SLIPS, ids=lambda check: check.__name__)
def test_blanks_are_no_mistakes(check):
    for blank in (..., lambda *args: ...):
        assert repr(check(blank)) == "– not attempted yet"
