"""Checks of notebook 11: how many answers match a larger model, when search pays, and the bill."""

from __future__ import annotations

import math

from ttclib.course.small_plus_search_vs_14x.matched import multiplier as matched
from ttclib.exercise import close, exercise, expect, mistake


@exercise
def multiplier(yours):
    """``yours(M, R)`` → how many times its greedy inference the small model may spend."""
    got = yours(14, 2.0)
    if close(got, 14 + 3 * 13 * 2.0):
        mistake(
            "R is D_inf over D_pre: where much is served, R is large, and pretraining helps less"
        )
    if close(got, 14 + 13 / 2):
        mistake("a token of training costs 6 FLOPs a weight, one of inference 2: that is the 3")
    if close(got, 14 + 3 * 14 / 2):
        mistake("the small model must be trained, too: what is left over is M − 1 trainings, not M")
    if close(got, 3 * 13 / 2):
        mistake("the large model's answers cost something, too: M times those of the small one")
    if close(got, 14 + 13 / 2 / 3):
        mistake("6 over 2 is 3, not a third")
    if close(got, 13 + 3 * 13 / 2):
        mistake("that is what may come on top; the first answer of the small model counts as well")
    right = matched(14, 2.0)
    expect(close(got, right), f"M = 14 and R = 2 make 14 + 3 · 13/2 = {right}; yours is {got}")
    expect(
        close(yours(14, 22.0), matched(14, 22.0)), "M = 14 and R = 22: pretraining hardly counts"
    )
    expect(close(yours(1, 0.5), 1.0), "a model that is not larger leaves nothing over: 1")
    return "what the larger model costs more, spent on answers"


@exercise
def break_even(yours):
    """``yours(M, k)`` → the largest R at which k answers cost no more than the large model."""
    got = yours(14, 27.0)
    if close(got, 1.0):
        mistake("the 3 is missing: a token of training costs three times as much as a written one")
    if close(got, 1 / 3):
        mistake("upside down: the more answers it takes, the smaller the R at which they pay")
    if close(got, 3 * 13 / 27):
        mistake("take off first what the large model's own answers cost: k − M are left")
    if close(got, 3 * 14 / 13):
        mistake("M − 1 trainings are saved, not M: the small model is trained as well")
    expect(close(got, 3.0), f"14 + 3 · 13/R = 27 at R = 3; yours is {got}")
    expect(close(yours(14, 53.0), 1.0), "14 + 3 · 13/R = 53 at R = 1")
    cheap = yours(14, 8.0)
    if close(cheap, 3 * 13 / (8 - 14)):
        mistake("a ratio below 0: eight answers cost less than one of the large model, at any R")
    expect(cheap == math.inf, f"eight answers pay at any R: math.inf; yours is {cheap}")
    at = yours(14, 14.0)
    expect(at == math.inf, f"fourteen answers pay at any R, too: math.inf; yours is {at}")
    return "the more answers a question needs, the less may be served before the large model pays"


@exercise
def bill(yours):
    """``yours(n, trained, written, price)`` → dollars for training and for all that is written."""
    got = yours(1e9, 2e10, 3e10, 2.0)
    right = (6e9 * 2e10 + 2e9 * 3e10) * 2.0 / 1e18
    if close(got, right * 1e18):
        mistake("the price is for 10^18 FLOPs, not for one")
    if close(got, right / 2):
        mistake("those are units of 10^18 FLOPs; each costs the price")
    if close(got, 6e9 * 5e10 * 2 / 1e18):
        mistake("to write a token costs 2 FLOPs a weight; only learning from it costs 6")
    if close(got, 2e9 * 5e10 * 2 / 1e18):
        mistake("to learn from a token costs 6 FLOPs a weight, there and back; 2 is the way there")
    if close(got, 6e9 * 2e10 * 2 / 1e18):
        mistake("that is the training alone; what is written costs, too")
    expect(close(got, right), f"1e9 weights, 2e10 and 3e10 tokens, at 2: {right:g}; yours is {got}")
    expect(close(yours(1e9, 0.0, 1e9, 1.0), 2.0), "without training 1e9 tokens cost 2 at price 1")
    return "six to learn, two to write"
