"""Checks of notebook 05: entropy, a sampler, pass@k, the cost of a text."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.small_language_model import answers
from ttclib.exercise import close, exercise, expect, mistake


@exercise
def entropy(yours):
    """``yours(probs)`` → entropy in bits of probabilities (V,)."""
    mixed = np.array([0.5, 0.25, 0.25])
    with np.errstate(all="ignore"):
        on_fair = yours(np.full(4, 0.25))
        on_mixed = yours(mixed)
        on_sure = yours(np.array([0.0, 1.0, 0.0]))
    if close(on_fair, 2 * math.log(2)):
        mistake("that is in nats; for bits take the logarithm to base 2")
    if close(on_fair, -2.0):
        mistake("the sign: logarithms of probabilities are negative, an entropy is not")
    if close(on_mixed, -np.log2(mixed).mean()):
        mistake(
            "weigh each −log₂ p with its p: "
            "a character that never comes does not surprise on average"
        )
    expect(close(on_fair, 2.0), f"four equal characters have 2 bits; yours says {on_fair!r}")
    expect(close(on_mixed, 1.5), f"probabilities ½, ¼, ¼ have 1.5 bits; yours says {on_mixed!r}")
    if not np.isfinite(on_sure):
        mistake(
            "a sure character gives nan: 0 · log 0 counts as 0, "
            "so leave out characters with probability zero"
        )
    surely = f"a sure character has 0 bits; yours says {on_sure!r}"
    expect(close(on_sure, 0.0, atol=1e-6), surely)
    return "no surprise from a sure character, two bits from four equal ones"


@exercise
def top_p(yours):
    """``yours(probs, p)`` → (V,) probabilities after the nucleus cut."""
    probs = np.array([0.15, 0.40, 0.05, 0.30, 0.10])
    given = probs.copy()
    cut = np.asarray(yours(probs, 0.6), dtype=float)
    unchanged = np.array_equal(probs, given)
    expect(unchanged, "your function changed the array it was given; work on a copy")
    shaped = f"return one probability a character, {probs.shape}; yours has {cut.shape}"
    expect(cut.shape == probs.shape, shaped)
    right = answers.top_p(probs, 0.6)
    if close(np.sort(cut), np.sort(right)) and not close(cut, right):
        mistake(
            "the probabilities are right but in sorted order; "
            "put each back in its character's place"
        )
    if close(cut, [0, 0.40, 0, 0.30, 0]):
        mistake(
            "these characters are the right ones; divide, so that their probabilities sum to one"
        )
    if close(cut, [0, 1, 0, 0, 0]):
        mistake("0.40 alone does not reach 0.6: the character that crosses p is kept too")
    if np.count_nonzero(cut) == 3:
        mistake(
            "0.40 and 0.30 reach 0.6 already: compare the mass of all *likelier* characters with p"
        )
    if np.count_nonzero(cut) == 5 or close(cut, np.where(probs >= 0.6, probs, 0)):
        mistake("compare the running sum of sorted probabilities with p, not each probability")
    becomes = f"at p = 0.6 {probs} becomes {right.round(2)}; yours says {cut.round(2)}"
    expect(close(cut, right), becomes)
    few = np.asarray(yours(probs, 0.1), dtype=float)
    expect(
        close(few, [0, 1, 0, 0, 0]),
        "at p = 0.1 the likeliest character must stay, or nothing could be drawn",
    )
    rng = np.random.default_rng(0)
    for p in (0.2, 0.5, 0.9, 0.99):
        other = rng.dirichlet(np.full(21, 0.3))
        same = close(yours(other, p), answers.top_p(other, p))
        expect(same, f"of 21 characters, at p = {p}, the library keeps others")
    return "the fewest likeliest characters whose probabilities reach p, renormalised"


@exercise
def pass_at_k(yours):
    """``yours(n, c, k)`` → estimate of pass@k from n samples with c right ones."""
    truth = answers.pass_at_k
    got = yours(10, 3, 4)
    if close(got, 1 - 0.7**4):
        mistake(
            "1 − (1 − c/n)ᵏ draws *with* replacement, and is too low on average; "
            "draw k of the n samples without putting any back"
        )
    if close(got, 1 - truth(10, 3, 4)):
        mistake("that is the chance that all k are wrong")
    if close(got, math.comb(3, 1) * math.comb(7, 3) / math.comb(10, 4)):
        mistake("that is the chance of exactly one right sample; more may be right")
    if close(got, math.comb(3, 4) / math.comb(10, 4)):
        mistake("that is the chance that all k are right; count the subsets that hold no right one")
    expect(
        close(got, truth(10, 3, 4)),
        f"of 10 samples 3 right, k = 4: {truth(10, 3, 4):.4f}; yours says {got!r}",
    )
    for n, c, k in ((10, 0, 4), (10, 10, 1), (5, 3, 3), (64, 1, 64), (64, 7, 16)):
        value = yours(n, c, k)
        expect(
            close(value, truth(n, c, k)),
            f"n = {n}, c = {c}, k = {k}: the answer is {truth(n, c, k):.4f}; yours says {value!r}",
        )
    return "one minus the share of k-subsets that hold no right sample"


@exercise
def text_flops(yours):
    """``yours(a, b, prompt, tokens)`` → FLOPs of writing ``tokens`` characters, with a cache."""
    a = 1000.0
    b = 10.0
    prompt = 5
    tokens = 4
    fed = np.arange(1, prompt + tokens)  # contexts of the positions fed: the last token is not
    longer = np.arange(1, prompt + tokens + 1)
    right = (a + b * fed).sum()
    got = yours(a, b, prompt, tokens)
    if close(got, (a + b * longer).sum()):
        mistake("nothing is drawn after the last character, so it need not be fed")
    if close(got, sum((a + b * np.arange(1, prompt + t + 1)).sum() for t in range(tokens))):
        mistake("that feeds the whole text again for every character: the cost without a cache")
    if any(close(got, (a + b * contexts[prompt:]).sum()) for contexts in (fed, longer)):
        mistake("the prompt is fed too")
    if close(got, (a + b * (fed - 1)).sum()):
        mistake("a token looks at itself too: the first one has a context of 1, not 0")
    if close(got, len(fed) * a) or close(got, len(longer) * a):
        mistake("the attention is missing: b for every position in the context")
    expect(
        close(got, right),
        f"a = 1000, b = 10, 5 in the prompt, 4 to write: {right:.0f}; yours says {got!r}",
    )
    expect(
        close(yours(2.0, 0.0, 7, 1), 14.0),
        "one character after a prompt of 7 costs just the prompt: 7 a",
    )
    expect(
        close(yours(0.0, 1.0, 3, 10), 78.0),
        "check the sum of the contexts 1, 2, …: use n (n + 1) / 2",
    )
    return "each position once: the prompt, and every character but the last"
