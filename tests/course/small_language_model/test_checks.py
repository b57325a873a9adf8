"""Checks of notebook 05: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
import pytest
import scipy
import torch
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


def cut_to(keep):
    """A sampler that keeps what ``keep(probs, p)`` names, with their own probabilities."""

    def cut(probs, p):
        kept = np.zeros_like(probs)
        best = keep(probs, p)
        kept[best] = probs[best]
        return kept / kept.sum() if kept.any() else kept

    return cut


def ordered(probs):
    order = np.argsort(-probs, kind="stable")
    return order, np.cumsum(probs[order])


@cut_to
def one_more(probs, p):
    order, reached = ordered(probs)
    return order[: np.searchsorted(reached, p - 1e-9) + 2]


@cut_to
def one_fewer(probs, p):
    order, reached = ordered(probs)
    return order[reached <= p]


@cut_to
def least_likely_first(probs, p):
    order = np.argsort(probs)
    return order[np.cumsum(probs[order]) - probs[order] < p]


@cut_to
def unsorted_sum(probs, p):
    return np.cumsum(probs) - probs < p


@cut_to
def marks_in_the_wrong_order(probs, p):
    order, reached = ordered(probs)
    return reached - probs[order] < p - 1e-9


def by_height(probs, p):
    kept = np.where(probs >= p, probs, 0)
    return kept / kept.sum()


def in_place(probs, p):
    probs[:] = nucleus(probs, p)
    return probs


def marks(probs, p):
    return nucleus(probs, p) > 0


def all_alike(probs, p):
    return marks(probs, p) / marks(probs, p).sum()


def may_be_empty(probs, p):
    return nucleus(probs, p) if p > 0.15 else np.zeros_like(probs)


def by_value(probs, p):
    least = probs[nucleus(probs, p) > 0].min()
    kept = np.where(probs >= least, probs, 0)
    return kept / kept.sum()


def by_loop(probs, p):
    kept, mass = [0.0] * len(probs), 0.0
    for i in sorted(range(len(probs)), key=lambda i: -probs[i]):
        if mass >= p - 1e-12:
            break
        kept[i] = float(probs[i])
        mass += probs[i]
    return [q / mass for q in kept]


def by_search(probs, p):
    order, reached = ordered(probs)
    count = np.searchsorted(reached, p - 1e-12) + 1
    kept = np.where(np.isin(np.arange(len(probs)), order[:count]), probs, 0.0)
    return kept / kept.sum()


def by_copy(probs, p):
    order, reached = ordered(probs)
    cut = probs.copy()
    cut[order[1:][reached[:-1] >= p - 1e-12]] = 0
    return cut / np.sum(cut)


def in_torch(probs, p):
    values, order = torch.sort(torch.tensor(probs), descending=True, stable=True)
    values[values.cumsum(0) - values >= p - 1e-12] = 0
    return torch.zeros_like(values).scatter(0, order, values) / values.sum()


def by_loop_of_logs(probs):
    total = 0
    for p in probs:
        if p > 0:
            total += p * math.log2(1 / p)
    return total


def nan_as_zero(probs):
    with np.errstate(all="ignore"):
        return np.nansum(-probs * np.log2(probs))


def ones_for_zeros(probs):
    probs[probs == 0] = 1
    return bits(probs)


def ones_in_place(probs):
    probs /= probs.sum() + 1
    return bits(probs)


def draws_with_loop(n, c, k):
    wrong = 1.0
    for i in range(k):
        wrong *= max(0, n - c - i) / (n - i)
    return 1 - wrong


def draws_with_product(n, c, k):  # Chen et al. 2021
    return 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))


def with_factorials(n, c, k):
    f = math.factorial
    return 1 - f(n - c) * f(n - k) / (f(n) * f(n - c - k))


def simulated(n, c, k):
    rng = np.random.default_rng(0)
    return np.mean([rng.choice(np.arange(n) < c, k, replace=False).any() for _ in range(4000)])


def fed_one_by_one(a, b, prompt, tokens):
    total = 0
    for position in range(prompt + tokens - 1):
        total += a + b * (position + 1)
    return total


def whole_numbers(a, b, prompt, tokens):
    fed = prompt + tokens - 1
    return a * fed + b * (fed * (fed + 1) // 2)


SLIPS = {
    checks.entropy: [
        ("in nats", lambda p: bits(p) * math.log(2)),
        ("to base 10", lambda p: bits(p) * math.log10(2)),
        ("the sign:", lambda p: -bits(p)),
        ("both the sign and the base", lambda p: (p * np.log(p)).sum()),
        ("weigh each −log₂ p", lambda p: -np.log2(p).mean()),
        ("add them up with their p", lambda p: -np.log2(p).sum()),
        ("add the terms up", lambda p: -(p * np.log2(p)).mean()),
        ("those are the terms", lambda p: -p * np.log2(p)),
        ("the number of equal choices", lambda p: 2 ** bits(p)),
        ("that counts the characters", lambda p: math.log2(np.count_nonzero(p))),
        ("not divided by those of equal", lambda p: bits(p) / math.log2(len(p))),
        ("likeliest character alone", lambda p: -np.log2(p.max())),
        ("the greatest surprise", lambda p: max(-np.log2(p))),
        ("without one of 1 − p", lambda p: bits(p) - ((1 - p) * np.log2(1 - p)).sum()),
        ("changed the array", ones_in_place),
        ("of probabilities 0.5, 0.3, 0.2: 1.485 bits", lambda p: len(p)),
        ("of probabilities 0.5, 0.3, 0.2: 1.485 bits", lambda p: round(bits(p), 1)),
        ("of probabilities 0.5, 0.3, 0.2: 1.485 bits", lambda p: -np.log2((p**2).sum())),
        ("four equal characters have 2", lambda p: bits(p) if p[0] != p[-1] else 1.9),
        ("rare characters count", lambda p: bits(p[p > 0.1])),
        ("0 · log 0", lambda p: -(p * np.log2(p)).sum()),
        ("0 · log 0", lambda p: -sum(q * math.log2(q) for q in p)),
        ("0 · log 0", lambda p: sum(float(q) * math.log2(1 / float(q)) for q in p)),
        ("a sure character has 0 bits", lambda p: bits(p) if p.max() < 1 else 1.0),
    ],
    checks.top_p: [
        ("changed the array", in_place),
        ("sorted order; put each back", lambda probs, p: -np.sort(-nucleus(probs, p))),
        ("sum to one", lambda probs, p: np.where(nucleus(probs, p) > 0, probs, 0)),
        ("crosses p is kept, too", one_fewer),
        ("all *likelier* characters", one_more),
        ("sort by −probs", least_likely_first),
        ("not of the vocabulary", unsorted_sum),
        ("order[marks]", marks_in_the_wrong_order),
        ("not what is cut away", lambda probs, p: nucleus(probs, 1 - p)),
        ("not each probability", cut_to(lambda probs, p: probs <= p)),
        ("more like min-p", by_height),
        ("marks of which characters", marks),
        ("marks of which characters", lambda probs, p: marks(probs, p) * 1.0),
        ("but all alike", all_alike),
        ("likeliest character must stay", may_be_empty),
        ("count by place, not by value", by_value),
        ("one probability a character", lambda probs, p: nucleus(probs, p)[:2]),
        ("one probability a character", lambda probs, p: np.flatnonzero(marks(probs, p))),
        ("one probability a character", lambda probs, p: nucleus(probs, p)[None]),
        ("the library keeps others", lambda probs, p: nucleus(probs, min(p, 0.95))),
        ("at p = 0.8 [", lambda probs, p: np.array([1.0, 2, 0, 0, 0])),
        ("at p = 0.8 [", lambda probs, p: np.exp(nucleus(probs, p)) / 6),
    ],
    checks.pass_at_k: [
        ("*with* replacement", lambda n, c, k: 1 - (1 - c / n) ** k),
        ("all k are wrong", lambda n, c, k: 1 - passing(n, c, k)),
        ("and with replacement", lambda n, c, k: (1 - c / n) ** k),
        ("exactly one", lambda n, c, k: c * math.comb(n - c, k - 1) / math.comb(n, k)),
        ("all k are right", lambda n, c, k: math.comb(c, k) / math.comb(n, k)),
        ("at least one is *wrong*", lambda n, c, k: 1 - math.comb(c, k) / math.comb(n, k)),
        ("that is pass@1", lambda n, c, k: c / n),
        ("expected number of right ones among k", lambda n, c, k: k * c / n),
        ("even cut at 1", lambda n, c, k: min(1, k * c / n)),
        ("rounds down", lambda n, c, k: 1 - math.comb(n - c, k) // math.comb(n, k)),
        ("ordered draws", lambda n, c, k: 1 - math.comb(n - c, k) / n**k),
        ("not comb(n, c)", lambda n, c, k: 1 - math.comb(n - c, k) / math.comb(n, c)),
        ("in percent", lambda n, c, k: 100 * passing(n, c, k)),
        ("near, but not exact", simulated),
        ("near, but not exact", lambda n, c, k: round(passing(n, c, k), 2)),
        ("of 10 samples 3 right", lambda n, c, k: 1.0),
        ("of 10 samples 3 right", lambda n, c, k: 1 - (1 - k / n) ** c),
        ("of 10 samples 3 right", lambda n, c, k: [passing(n, c, k)]),
        ("three draws must hold", with_factorials),
        ("three draws must hold", lambda n, c, k: passing(n, c, k) if n - c >= k else 0),
        ("n = 10, c = 0, k = 4", lambda n, c, k: passing(n, c, k) if c else 1.0),
        ("ZeroDivisionError", lambda n, c, k: passing(n, c, k) if c < n else 1 / 0),
    ],
    checks.text_flops: [
        ("need not be fed", lambda a, b, p, t: cost(a, b, p, t + 1)),
        ("without a cache", lambda a, b, p, t: sum(cost(a, b, p + i, 1) for i in range(t))),
        ("the prompt is fed too", lambda a, b, p, t: cost(a, b, p, t) - cost(a, b, p, 1)),
        ("and the last", lambda a, b, p, t: cost(a, b, p, t + 1) - cost(a, b, p, 1)),
        ("go on behind it", lambda a, b, p, t: cost(a, b, 0, t)),
        ("count from the start", lambda a, b, p, t: cost(a, b, 0, t + 1)),
        ("that were written are fed", lambda a, b, p, t: cost(a, b, p, 1)),
        ("not 0", lambda a, b, p, t: cost(a - b, b, p, t)),
        ("attention is missing", lambda a, b, p, t: cost(a, 0, p, t)),
        ("the last character is not fed", lambda a, b, p, t: a * (p + t)),
        ("a context of its own", lambda a, b, p, t: (a + b) * (p + t - 1)),
        ("about half of n²", lambda a, b, p, t: (a + b * (p + t - 1)) * (p + t - 1)),
        ("forgot to halve", lambda a, b, p, t: a * (p + t - 1) + b * (p + t - 1) * (p + t)),
        ("only the text's is not fed", lambda a, b, p, t: cost(a, b, p, t - 1)),
        ("you count it once", lambda a, b, p, t: a + cost(0, b, p, t)),
        ("how many positions are fed", lambda a, b, p, t: p + t - 1),
        ("a = 1000, b = 10", lambda a, b, p, t: 1.0),
        ("a = 1000, b = 10", lambda a, b, p, t: cost(b, a, p, t)),
        ("a = 1000, b = 10", lambda a, b, p, t: 2 * cost(a, b, p, t)),
        ("costs 7 a", lambda a, b, p, t: cost(a, b, p, t) + a * (t == 1)),
        ("use n (n + 1) / 2", lambda a, b, p, t: cost(a, b if a else 0, p, t)),
    ],
}
WRONG = [(check, answer, slip) for check, slips in SLIPS.items() for slip, answer in slips]
RIGHT = [
    (checks.entropy, bits),
    (checks.entropy, lambda probs: -(probs * np.log2(probs + 1e-300)).sum()),
    (checks.entropy, lambda probs: -(probs * np.log2(probs + 1e-12)).sum()),
    (checks.entropy, lambda probs: -np.sum(probs * np.log2(np.where(probs > 0, probs, 1)))),
    (checks.entropy, lambda probs: scipy.stats.entropy(probs, base=2)),
    (checks.entropy, lambda probs: scipy.special.entr(probs).sum() / np.log(2)),
    (checks.entropy, lambda probs: sum(-p * math.log(p, 2) for p in probs if p)),
    (checks.entropy, lambda probs: np.dot(probs, -np.log2(np.maximum(probs, 1e-9)))),
    (checks.entropy, by_loop_of_logs),
    (checks.entropy, nan_as_zero),
    (checks.entropy, ones_for_zeros),  # where nothing is zero, nothing is changed
    (checks.top_p, nucleus),
    (checks.top_p, by_loop),
    (checks.top_p, by_search),
    (checks.top_p, by_copy),
    (checks.top_p, in_torch),
    (checks.top_p, lambda probs, p: nucleus(probs / probs.sum(), p)),
    (checks.pass_at_k, passing),
    (checks.pass_at_k, draws_with_loop),
    (checks.pass_at_k, draws_with_product),
    (checks.pass_at_k, lambda n, c, k: 1 - math.comb(n - k, c) / math.comb(n, c)),
    (checks.pass_at_k, lambda n, c, k: 1 - math.perm(n - c, k) / math.perm(n, k)),
    (checks.pass_at_k, lambda n, c, k: 1 - scipy.special.comb(n - c, k) / scipy.special.comb(n, k)),
    (checks.pass_at_k, lambda n, c, k: 1 - scipy.stats.hypergeom(n, c, k).pmf(0)),
    (
        checks.pass_at_k,
        lambda n, c, k: (
            sum(math.comb(c, i) * math.comb(n - c, k - i) for i in range(1, k + 1))
            / math.comb(n, k)
        ),
    ),
    (checks.text_flops, cost),
    (checks.text_flops, fed_one_by_one),
    (checks.text_flops, whole_numbers),
    (checks.text_flops, lambda a, b, p, t: sum(a + b * c for c in range(1, p + t))),
    (checks.text_flops, lambda a, b, p, t: float(np.sum(a + b * np.arange(1, p + t)))),
    (checks.text_flops, lambda a, b, p, t: (p + t - 1) * (a + b * (p + t) / 2)),
    (checks.text_flops, lambda a, b, p, t: cost(a, b, p, 1) + cost(a, b, p, t) - cost(a, b, p, 1)),
]


@pytest.mark.parametrize("check", SLIPS, ids=lambda check: check.__name__)
def test_blanks_are_no_mistakes(check):
    for blank in (..., lambda *args: ...):
        assert repr(check(blank)) == "– not attempted yet"
