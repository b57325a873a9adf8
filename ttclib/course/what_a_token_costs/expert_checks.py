"""Checks of notebook 14, experts: a balanced load, seats, and weights that a batch reads."""

from __future__ import annotations

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def balance(yours):
    """``yours(f, P)`` → the balance loss, from shares of tokens and mean probabilities."""
    f = np.array([0.5, 0.25, 0.25, 0.0])
    P = np.array([0.4, 0.3, 0.2, 0.1])
    got = yours(f, P)
    if close(got, f @ P):
        mistake("multiply by the number of experts, so that an even load gives 1 for any number")
    if close(got, 4 * (f @ f)):
        mistake("f once and P once: counts have no gradient, so f alone would teach nothing")
    if close(got, 4 * (P @ P)):
        mistake("f once and P once: what counts is where the tokens really went")
    if close(got, 16 * (f @ P)):
        mistake("the number of experts once, not squared")
    if close(got, 4) or close(got, 1):
        mistake("multiply pair by pair, then add: the sums alone are 1, whatever the load")
    if close(got, 4 * f * P):
        mistake("one number: add up over the experts")
    expect(close(got, 4 * (f @ P)), f"f = {f}, P = {P}: 4 · 0.325 = 1.3; yours is {got}")
    expect(close(yours(np.full(8, 1 / 8), np.full(8, 1 / 8)), 1), "an even load of 8 experts is 1")
    return "1 when all get the same, and the number of experts when one gets all"


@exercise
def seated(yours):
    """``yours(who, experts, factor)`` → whether each token finds a seat at its expert."""
    who = np.array([0, 0, 1, 0, 2, 0, 1])
    got = np.asarray(yours(who, 3, 1.0), dtype=float)
    # 7 tokens, 3 experts: 2.33 seats, rounded up to 3
    if close(got, [0, 1, 2, 3, 4, 6]):
        mistake("those are the numbers of the tokens; say true or false for each of the seven")
    if close(got, [0, 1, 0, 2, 0, 3, 1]) or close(got, [1, 2, 1, 3, 1, 4, 2]):
        mistake("that counts who came before; compare it with the seats")
    if close(got, [1, 1, 1, 0, 1, 0, 1]):
        if close(np.asarray(yours(who[:6], 3, 1.0), dtype=float), [1, 0, 1, 0, 1, 0]):
            mistake("count the tokens *before* it only: it does not take a seat from itself")
        mistake("7 tokens for 3 experts: round 2.33 seats up, not down")
    if close(got, [1, 1, 1, 1, 0, 0, 0]) or close(got, [1, 1, 1, 0, 0, 0, 0]):
        mistake("each expert has seats of its own: count its tokens only")
    if close(got, [1, 1, 1, 1, 1, 1, 1]):
        mistake("expert 0 has three seats and four tokens: its last one is dropped")
    if close(got, [0, 1, 1, 1, 1, 1, 1]):
        mistake("first come, first served: the last token of expert 0 goes without, not its first")
    if close(got, [0, 0, 0, 0, 0, 1, 0]):
        mistake("that says who is dropped; say who finds a seat")
    expect(
        close(got, [1, 1, 1, 1, 1, 0, 1]),
        f"tokens to 0 0 1 0 2 0 1, three seats each: all but the sixth; yours is {got.tolist()}",
    )
    expect(
        close(np.asarray(yours(who, 3, 1.5), dtype=float), np.ones(7)),
        "a capacity factor of 1.5 gives 4 seats, so nobody is dropped: use the factor",
    )
    return "whoever finds no seat goes round the layer"


@exercise
def read(yours):
    """``yours(experts, batch)`` → how many experts a batch of tokens reads on average."""
    got = yours(8, 4)
    right = 8 * (1 - (7 / 8) ** 4)
    if close(got, 4):
        mistake("two tokens may go to the same expert: it is read once")
    if close(got, 1 - (7 / 8) ** 4):
        mistake("that is the probability for one expert; there are eight of them")
    if close(got, (7 / 8) ** 4):
        mistake("that is the chance that nobody needs one expert; ask how many are needed")
    if close(got, 8 * (1 - (7 / 8) ** 8)):
        mistake("as many tokens as the batch has: the exponent is batch")
    if close(got, 8 * (7 / 8) ** 4):
        mistake("those are the experts that nobody needs; ask for the others")
    if close(got, 8 * (1 / 8) ** 4) or close(got, 8 * (1 - (1 / 8) ** 4)):
        mistake("a token misses an expert with probability 7/8, and all four have to miss it")
    expect(
        close(got, right), f"8 experts, 4 tokens: 8 · (1 − (7/8)⁴) = {right:.3f}; yours is {got}"
    )
    expect(close(yours(16, 1), 1), "one token reads one expert, however many there are")
    return "a batch as large as the number of experts already reads nearly two thirds of them"
