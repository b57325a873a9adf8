"""Checks of notebook 11: how many answers match a larger model, when search pays, and the bill."""

from __future__ import annotations

import math

from ttclib.course.slips import name_slip
from ttclib.course.small_plus_search_vs_14x.matched import multiplier as matched
from ttclib.exercise import close, exercise, expect, mistake

_MULTIPLIERS = {
    "R is D_inf over D_pre: where much is served, R is large, and pretraining helps less": (
        lambda m, r: m + 3 * (m - 1) * r
    ),
    "a token of training costs 6 FLOPs a weight, one of inference 2: that is the 3": (
        lambda m, r: m + (m - 1) / r
    ),
    "6 over 2 is 3: divide the 6 FLOPs of training by the 2 of inference": (
        lambda m, r: m + 6 * (m - 1) / r
    ),
    "the small model must be trained, too: what is left over is M − 1 trainings, not M": (
        lambda m, r: m + 3 * m / r
    ),
    "the large model's answers cost something, too: M times those of the small one": (
        lambda m, r: 3 * (m - 1) / r
    ),
    "1 is what the small model's answer costs; the large one's costs M": (
        lambda m, r: 1 + 3 * (m - 1) / r
    ),
    "6 over 2 is 3, not a third": lambda m, r: m + (m - 1) / r / 3,
    "that is what may come on top; the first answer of the small model counts as well": (
        lambda m, r: m - 1 + 3 * (m - 1) / r
    ),
    "what pretraining the larger model costs more is spent, too: M is not all": lambda m, r: m,
    "divide the trainings by R, not the answers: M + (3 (M − 1)) / R": (
        lambda m, r: (m + 3 * (m - 1)) / r
    ),
    "3/2 belongs to the count where a verifier reads every token; here nobody reads, so 3": (
        lambda m, r: m + 1.5 * (m - 1) / r
    ),
    "give the number with its fraction, not rounded": lambda m, r: round(m + 3 * (m - 1) / r),
    "do not cut the fraction off": lambda m, r: int(m + 3 * (m - 1) / r),
    "M − 1 wants brackets: 3 * (M - 1) / R": lambda m, r: m + 3 * m - 1 / r,
    "the saved trainings are added, not taken away": lambda m, r: m - 3 * (m - 1) / r,
}


@exercise
def multiplier(yours):
    """``yours(M, R)`` → how many times its greedy inference the small model may spend."""
    got = yours(14, 2.0)
    name_slip(yours, _MULTIPLIERS, [(14, 2.0), (5, 0.7), (3, 4.0)])
    right = matched(14, 2.0)
    expect(close(got, right), f"M = 14 and R = 2 make 14 + 3 · 13/2 = {right}; yours is {got}")
    got = yours(14, 22.0)
    right = matched(14, 22.0)
    expect(close(got, right), f"M = 14, R = 22: {right:.3f}, training hardly counts; yours: {got}")
    got = yours(1, 0.5)
    expect(close(got, 1.0), f"a model that is not larger leaves nothing over: 1; yours is {got}")
    return "what the larger model costs more, spent on answers"


_BREAK_EVENS = {
    "the 3 is missing: a token of training costs three times as much as a written one": (
        lambda m, k: (m - 1) / (k - m)
    ),
    "6 over 2 is 3: the 6 FLOPs of training stand over the 2 of inference": (
        lambda m, k: 6 * (m - 1) / (k - m)
    ),
    "upside down: the more answers it takes, the smaller the R at which they pay": (
        lambda m, k: (k - m) / (3 * (m - 1))
    ),
    "take off first what the large model's own answers cost: k − M are left": (
        lambda m, k: 3 * (m - 1) / k
    ),
    "take off M answers, not one: so much the large model's own cost": (
        lambda m, k: 3 * (m - 1) / (k - 1)
    ),
    "M − 1 trainings are saved, not M: the small model is trained as well": (
        lambda m, k: 3 * m / (k - m)
    ),
    "a sign is turned: k − M are left, not M − k": lambda m, k: 3 * (m - 1) / (m - k),
    "that is exercise 1, with k where R stood; solve it for R": lambda m, k: m + 3 * (m - 1) / k,
    "k − M wants brackets: 3 * (M - 1) / (k - M)": lambda m, k: 3 * (m - 1) / k - m,
    "M − 1 wants brackets: 3 * (M - 1)": lambda m, k: 3 * m - 1 / (k - m),
}


@exercise
def break_even(yours):
    """``yours(M, k)`` → the largest R at which k answers cost no more than the large model."""
    got = yours(14, 27.0)
    name_slip(yours, _BREAK_EVENS, [(14, 27.0), (5, 8.0), (3, 21.0)])
    expect(close(got, 3.0), f"14 + 3 · 13/R = 27 at R = 3; yours is {got}")
    got = yours(14, 53.0)
    expect(close(got, 1.0), f"14 + 3 · 13/R = 53 at R = 1; yours is {got}")
    got = yours(14, 20.0)
    expect(close(got, 6.5), f"14 + 3 · 13/R = 20 at R = 6.5, not rounded; yours is {got}")
    cheap = yours(14, 8.0)
    if close(cheap, 3 * 13 / (8 - 14)):
        mistake("a ratio below 0: eight answers cost less than one of the large model, at any R")
    expect(cheap == math.inf, f"eight answers pay at any R: math.inf; yours is {cheap!r}")
    try:
        at = yours(14, 14.0)
    except ZeroDivisionError:
        mistake("at k = M yours divides by 0; fourteen answers pay at any R, too: k <= M")
    expect(at == math.inf, f"fourteen answers pay at any R, too: math.inf; yours is {at!r}")
    return "the more answers a question needs, the less may be served before the large model pays"


_BILLS = {
    "the price is for 10^18 FLOPs, not for one": lambda n, d, w, p: (6 * n * d + 2 * n * w) * p,
    "those are units of 10^18 FLOPs; each costs the price": (
        lambda n, d, w, p: (6 * n * d + 2 * n * w) / 1e18
    ),
    "those are FLOPs; each 10^18 of them cost the price": lambda n, d, w, p: 6 * n * d + 2 * n * w,
    "a price is multiplied, not divided by": lambda n, d, w, p: (6 * n * d + 2 * n * w) / 1e18 / p,
    "to write a token costs 2 FLOPs a weight; only learning from it costs 6": (
        lambda n, d, w, p: 6 * n * (d + w) * p / 1e18
    ),
    "to learn from a token costs 6 FLOPs a weight, there and back; 2 is the way there": (
        lambda n, d, w, p: 2 * n * (d + w) * p / 1e18
    ),
    "the wrong way round: 6 to learn from a token, 2 to write one": (
        lambda n, d, w, p: (2 * n * d + 6 * n * w) * p / 1e18
    ),
    "that is the training alone; what is written costs, too": lambda n, d, w, p: (
        6 * n * d * p / 1e18
    ),
    "that is what is written alone; the training costs, too": lambda n, d, w, p: (
        2 * n * w * p / 1e18
    ),
    "each token passes through every weight: multiply both parts by n": lambda n, d, w, p: (
        (6 * d + 2 * w) * p / 1e18
    ),
    "n is missing in the training: each token passes through every weight": (
        lambda n, d, w, p: (6 * d + 2 * n * w) * p / 1e18
    ),
    "n is missing in what is written: each token passes through every weight": (
        lambda n, d, w, p: (6 * n * d + 2 * w) * p / 1e18
    ),
    "the sum wants brackets: the price is for training and writing": lambda n, d, w, p: (
        6 * n * d + 2 * n * w * p / 1e18
    ),
    "a token costs 6 or 2 FLOPs a weight, not 1": lambda n, d, w, p: n * (d + w) * p / 1e18,
    "to learn costs three times as much as to read, and to read costs 2: that makes 6": (
        lambda n, d, w, p: (3 * n * d + 2 * n * w) * p / 1e18
    ),
    "divide by 10^18, do not multiply": lambda n, d, w, p: (6 * n * d + 2 * n * w) * p * 1e18,
    "in Python ^ is no power: write 1e18 or 10**18": lambda n, d, w, p: (
        (6 * n * d + 2 * n * w) * p / (10 ^ 18)
    ),
}


@exercise
def bill(yours):
    """``yours(n, trained, written, price)`` → dollars for training and for all that is written."""
    got = yours(1e9, 2e10, 3e10, 2.0)
    if isinstance(got, tuple | list):
        mistake("give one number: the training and what is written, added")
    right = (6e9 * 2e10 + 2e9 * 3e10) * 2.0 / 1e18
    name_slip(yours, _BILLS, [(1e9, 2e10, 3e10, 2.0), (3e10, 7e11, 2e11, 5.0), (3, 7, 2, 5e17)])
    expect(close(got, right), f"1e9 weights, 2e10 and 3e10 tokens, at 2: {right:g}; yours is {got}")
    got = yours(1e9, 0.0, 1e9, 1.0)
    expect(close(got, 2.0), f"without training 1e9 tokens cost 2 at price 1; yours is {got}")
    got = yours(1e8, 1e9, 1e9, 1.5)
    expect(close(got, 1.2), f"1e8 weights, 1e9 and 1e9 tokens, at 1.5: 1.2; yours is {got}")
    return "six to learn, two to write"
