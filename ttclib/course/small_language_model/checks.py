"""Checks of notebook 05: entropy, a sampler, pass@k, the cost of a text."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.slips import name_slip
from ttclib.course.small_language_model import answers
from ttclib.exercise import close, exercise, expect, mistake


@exercise
def entropy(yours):
    """``yours(probs)`` → entropy in bits of probabilities (V,)."""
    mixed = np.array([0.5, 0.3, 0.2])
    given = mixed.copy()
    with np.errstate(all="ignore"):
        got = yours(mixed)
    kept = np.array_equal(mixed, given)
    expect(kept, "your function changed the array it was given; work on a copy")
    terms = "those are the terms, one a character; the entropy is their sum, one number"
    expect(np.size(got) == 1, terms)
    bits = answers.entropy
    nats = "that is in nats; for bits take the logarithm to base 2"
    unweighed = (
        "weigh each −log₂ p with its p: a character that never comes does not surprise on average"
    )
    slips = {
        nats: lambda p: bits(p) * math.log(2),
        "that is to base 10; for bits take the logarithm to base 2": lambda p: (
            bits(p) * math.log10(2)
        ),
        "the sign: logarithms of probabilities are negative, an entropy is not": lambda p: -bits(p),
        "both the sign and the base: −Σ p log₂ p": lambda p: -bits(p) * math.log(2),
        unweighed: lambda p: -np.log2(p).mean(),
        unweighed + ", so add them up with their p": lambda p: -np.log2(p).sum(),
        "add the terms up; their mean divides by the number of characters, too": lambda p: (
            bits(p) / len(p)
        ),
        "that is 2 to the power of the entropy: the number of equal choices, not bits": lambda p: (
            2 ** bits(p)
        ),
        "that counts the characters; how likely each is must matter, too": lambda p: math.log2(
            np.count_nonzero(p)
        ),
        "bits are not divided by those of equal characters": lambda p: bits(p) / math.log2(len(p)),
        "that is the surprise of the likeliest character alone": lambda p: -math.log2(p.max()),
        "that is the greatest surprise; the entropy is the one on average": lambda p: (
            -math.log2(p.min())
        ),
        "one term a character is enough: −p log₂ p, without one of 1 − p": lambda p: (
            bits(p) - ((1 - p) * np.log2(1 - p)).sum()
        ),
    }
    cases = [(mixed,), (np.array([0.4, 0.3, 0.2, 0.1]),)]
    name_slip(yours, slips, cases)
    expect(close(got, bits(mixed)), f"of probabilities 0.5, 0.3, 0.2: 1.485 bits; yours says {got}")
    on_fair = yours(np.full(4, 0.25))
    expect(close(on_fair, 2.0), f"four equal characters have 2 bits; yours says {on_fair}")
    rare = np.array([0.98, 0.015, 0.005])
    on_rare = yours(rare)
    expect(
        close(on_rare, bits(rare), atol=1e-7),
        f"of probabilities 0.98, 0.015, 0.005: {bits(rare):.4f} bits; yours says {on_rare}: "
        "rare characters count, too",
    )
    zero = (
        "a sure character stops it or gives nan: 0 · log 0 counts as 0, "
        "so leave out characters with probability zero"
    )
    try:
        with np.errstate(all="ignore"):
            on_sure = yours(np.array([0.0, 1.0, 0.0]))
    except (ValueError, ZeroDivisionError):  # of math.log2(0), and of 1 / 0
        mistake(zero)
    expect(np.isfinite(on_sure), zero)
    surely = f"a sure character has 0 bits; yours says {on_sure}"
    expect(close(on_sure, 0.0, atol=1e-6), surely)
    return "no surprise from a sure character, two bits from four equal ones"


def _nucleus(probs, p, *, less=1, shift=0, order=None, share=None):
    """Make the top-p cut, with room for slips: which order, where it ends, what is shared."""
    order = np.argsort(-probs, kind="stable") if order is None else order
    before = np.cumsum(probs[order]) - less * probs[order]
    best = order[: np.count_nonzero(before < p - 1e-12) + shift]
    kept = np.zeros_like(probs)
    kept[best] = probs[best] if share is None else share
    return kept / kept.sum()


def _misplaced(probs, p):
    """Use marks that belong to the sorted order as if they belonged to the vocabulary's."""
    ordered = -np.sort(-probs)
    kept = np.where(np.cumsum(ordered) - ordered < p - 1e-12, probs, 0)
    return kept / kept.sum()


def _each_above(probs, p):
    kept = np.where(probs >= p, probs, 0)
    return kept / kept.sum()


def _each_below(probs, p):
    kept = np.where(probs <= p, probs, 0)
    return kept / kept.sum()


@exercise
def top_p(yours):
    """``yours(probs, p)`` → (V,) probabilities after the nucleus cut."""
    probs = np.array([0.12, 0.40, 0.05, 0.33, 0.10])
    given = probs.copy()
    with np.errstate(all="ignore"):
        cut = np.asarray(yours(probs, 0.8))
    unchanged = np.array_equal(probs, given)
    expect(unchanged, "your function changed the array it was given; work on a copy")
    if cut.dtype == bool or (
        cut.shape == probs.shape and set(cut.tolist()) == {0, 1} and cut.sum() > 1
    ):
        mistake("those are marks of which characters stay; give their probabilities")
    shaped = f"return one probability a character, {probs.shape}; yours has {cut.shape}"
    expect(cut.shape == probs.shape, shaped)
    right = answers.top_p
    slips = {
        "the probabilities are right but in sorted order; "
        "put each back in its character's place": lambda q, p: -np.sort(-right(q, p)),
        "these characters are the right ones; divide, so that their probabilities sum to one": (
            lambda q, p: np.where(right(q, p) > 0, q, 0)
        ),
        "the right characters, but all alike: keep each one's own probability": lambda q, p: (
            _nucleus(q, p, share=1.0)
        ),
        "the character that crosses p is kept, too: without it p is not reached": lambda q, p: (
            _nucleus(q, p, less=0)
        ),
        "one too many: compare the mass of all *likelier* characters with p": lambda q, p: _nucleus(
            q, p, shift=1
        ),
        "that keeps the least likely characters first: sort by −probs": lambda q, p: _nucleus(
            q, p, order=np.argsort(q, kind="stable")
        ),
        "take the running sum in the order of likelihood, not of the vocabulary": lambda q, p: (
            _nucleus(q, p, order=np.arange(len(q)))
        ),
        "your marks are in sorted order: order[marks] says which characters they mean": _misplaced,
        "p is what is kept, not what is cut away": lambda q, p: _nucleus(q, 1 - p),
        "compare the running sum of sorted probabilities with p, not each probability": (
            _each_below
        ),
        "compare the running sum with p, not each probability: that is more like min-p": (
            _each_above
        ),
    }
    others = [np.array([0.1, 0.35, 0.2, 0.08, 0.27]), np.array([0.3, 0.08, 0.25, 0.22, 0.15])]
    cases = [(probs, 0.8), (others[0], 0.6), (others[1], 0.7), (others[1], 0.5)]
    with np.errstate(all="ignore"):
        name_slip(yours, slips, cases)
    becomes = f"at p = 0.8 {probs} becomes {right(probs, 0.8).round(2)}; yours says {cut.round(2)}"
    expect(close(cut, right(probs, 0.8)), becomes)
    few = np.asarray(yours(probs, 0.1), dtype=float)
    expect(
        close(few, [0, 1, 0, 0, 0]),
        "at p = 0.1 the likeliest character must stay, or nothing could be drawn",
    )
    twins = np.array([0.3, 0.3, 0.3, 0.1])
    alike = np.asarray(yours(twins, 0.5), dtype=float)
    expect(
        np.count_nonzero(alike) == 2 and close(alike.sum(), 1),
        "of three characters alike, 0.3 each, p = 0.5 needs two: count by place, not by value",
    )
    rng = np.random.default_rng(0)
    for p in (0.2, 0.5, 0.9, 0.99):
        other = rng.dirichlet(np.full(21, 0.3))
        same = close(yours(other, p), right(other, p))
        expect(same, f"of 21 characters, at p = {p}, the library keeps others")
    return "the fewest likeliest characters whose probabilities reach p, renormalised"


@exercise
def pass_at_k(yours):
    """``yours(n, c, k)`` → estimate of pass@k from n samples with c right ones."""
    truth = answers.pass_at_k
    comb = math.comb
    slips = {
        "1 − (1 − c/n)ᵏ draws *with* replacement, and is too low on average; "
        "draw k of the n samples without putting any back": lambda n, c, k: 1 - (1 - c / n) ** k,
        "that is the chance that all k are wrong": lambda n, c, k: 1 - truth(n, c, k),
        "(1 − c/n)ᵏ is the chance that all k are wrong, and with replacement": lambda n, c, k: (
            (1 - c / n) ** k
        ),
        "that is the chance of exactly one right sample; more may be right": lambda n, c, k: (
            c * comb(n - c, k - 1) / comb(n, k)
        ),
        "that is the chance that all k are right; count the subsets that hold no right one": (
            lambda n, c, k: comb(c, k) / comb(n, k)
        ),
        "that is the chance that at least one is *wrong*": lambda n, c, k: (
            1 - comb(c, k) / comb(n, k)
        ),
        "that is pass@1; with k samples there are more chances": lambda n, c, k: c / n,
        "that is the expected number of right ones among k, not the chance of any": (
            lambda n, c, k: k * c / n
        ),
        "the expected number of right ones is not the chance of any, even cut at 1": (
            lambda n, c, k: min(1.0, k * c / n)
        ),
        "// rounds down; a share of subsets needs /": lambda n, c, k: (
            1 - comb(n - c, k) // comb(n, k)
        ),
        "nᵏ counts ordered draws with replacement; of subsets there are comb(n, k)": (
            lambda n, c, k: 1 - comb(n - c, k) / n**k
        ),
        "k draws of n samples: comb(n, k), not comb(n, c)": lambda n, c, k: (
            1 - comb(n - c, k) / comb(n, c)
        ),
        "that is pass@k in percent; a chance lies from 0 to 1": lambda n, c, k: (
            100 * truth(n, c, k)
        ),
    }
    got = yours(10, 3, 4)
    name_slip(yours, slips, [(10, 3, 4), (12, 4, 2), (9, 0, 2)])
    if not close(got, truth(10, 3, 4)) and close(got, truth(10, 3, 4), atol=0.03):
        mistake(f"near, but not exact: count subsets, draw none, round nothing; yours says {got}")
    expect(
        close(got, truth(10, 3, 4)),
        f"of 10 samples 3 right, k = 4: {truth(10, 3, 4):.4f}; yours says {got}",
    )
    try:
        full = yours(5, 3, 3)
    except ValueError:  # of factorial(-1)
        full = math.nan
    expect(
        close(full, 1.0),
        "with only 2 wrong samples of 5, three draws must hold a right one: "
        f"then the answer is 1; yours says {full}",
    )
    for n, c, k in ((10, 0, 4), (10, 10, 1), (64, 1, 64), (64, 7, 16)):
        value = yours(n, c, k)
        expect(
            close(value, truth(n, c, k)),
            f"n = {n}, c = {c}, k = {k}: the answer is {truth(n, c, k):.4f}; yours says {value}",
        )
    return "one minus the share of k-subsets that hold no right sample"


@exercise(blanks=2)
def text_flops(yours):
    """``yours(a, b, prompt, tokens)`` → FLOPs of writing ``tokens`` characters, with a cache."""

    def cost(a, b, first, last):  # of the positions with these contexts
        contexts = np.arange(first, last + 1)
        return float((a + b * contexts).sum())

    def again(a, b, prompt, tokens):
        return sum(cost(a, b, 1, prompt + t) for t in range(tokens))

    def fed(prompt, tokens):
        return prompt + tokens - 1

    not_fed = "nothing is drawn after the last character, so it need not be fed"
    the_prompt = "the prompt is fed too"
    attention = "the attention is missing: b for every position in the context"
    slips = {
        not_fed: lambda a, b, p, t: cost(a, b, 1, p + t),
        "that feeds the whole text again for every character: the cost without a cache": again,
        the_prompt: lambda a, b, p, t: cost(a, b, p + 1, p + t - 1),
        the_prompt + ", and the last character is not": lambda a, b, p, t: cost(a, b, p + 1, p + t),
        the_prompt + ", and the contexts go on behind it": lambda a, b, p, t: cost(a, b, 1, t - 1),
        the_prompt + ", the last character is not, and contexts count from the start": (
            lambda a, b, p, t: cost(a, b, 1, t)
        ),
        "the characters that were written are fed too, all but the last": lambda a, b, p, t: cost(
            a, b, 1, p
        ),
        "a token looks at itself too: the first one has a context of 1, not 0": lambda a, b, p, t: (
            cost(a, b, 0, fed(p, t) - 1)
        ),
        attention: lambda a, b, p, t: a * fed(p, t),
        attention + "; and the last character is not fed": lambda a, b, p, t: a * (p + t),
        "each position has a context of its own: b times 1 + 2 + 3 + …, not b a position": (
            lambda a, b, p, t: (a + b) * fed(p, t)
        ),
        "not every position sees the whole text: 1 + 2 + … + n is about half of n²": (
            lambda a, b, p, t: (a + b * fed(p, t)) * fed(p, t)
        ),
        "the sum 1 + 2 + … + n is n (n + 1) / 2: you forgot to halve": lambda a, b, p, t: (
            a * fed(p, t) + b * fed(p, t) * (fed(p, t) + 1)
        ),
        "both the prompt and the text have a last character; only the text's is not fed": (
            lambda a, b, p, t: cost(a, b, 1, p + t - 2)
        ),
        "a is spent on every position; you count it once": lambda a, b, p, t: (
            a + cost(0, b, 1, fed(p, t))
        ),
        "that is how many positions are fed; what does each cost?": lambda a, b, p, t: fed(p, t),
    }
    got = yours(1000.0, 10.0, 5, 4)
    name_slip(yours, slips, [(1000.0, 10.0, 5, 4), (7.0, 3.0, 6, 9)])
    right = answers.text_flops(1000.0, 10.0, 5, 4)
    expect(
        close(got, right),
        f"a = 1000, b = 10, 5 in the prompt, 4 to write: {right:.0f}; yours says {got}",
    )
    one = yours(2.0, 0.0, 7, 1)
    expect(
        close(one, 14.0), f"one character after a prompt of 7 costs 7 a; yours says {one} for 14"
    )
    far = yours(0.0, 1.0, 3, 10)
    expect(
        close(far, 78.0),
        f"check the sum of the contexts 1, 2, …: use n (n + 1) / 2; yours says {far} for 78",
    )
    return "each position once: the prompt, and every character but the last"
