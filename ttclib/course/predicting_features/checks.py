"""Checks of notebook 15: masks, an average of weights, slopes, an effective rank, and R²."""

from __future__ import annotations

import math

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def hidden(yours):
    """``yours(top, left, height, width)`` → tokens of a block through all time, 4 × 4 × 4."""
    given = yours(1, 2, 2, 1)
    got = _tokens(given)
    right = np.array([6, 10, 22, 26, 38, 42, 54, 58])
    if len(got) == 64 and set(got) <= {0, 1}:
        mistake("give the numbers of the hidden tokens, not a true or false for each of the 64")
    if np.shape(given) == (len(right), 3):
        mistake("a token is one number: 16 for each time, 4 for each row, and the column")
    if len(got) == 0:
        mistake("nothing is hidden: rows go from top to top + height, columns from left on")
    if len(got) == 2 * len(right) and close(got[:8], right):
        mistake("a token holds two frames: there are four times, not eight")
    if close(got, [6, 10, 10, 14, 14, 18, 18, 22]):
        mistake("a time later is 16 tokens on: the whole frame of 4 × 4 lies between")
    if close(got, [6, 10]):
        mistake("that is the block at the first time only; it is hidden at all four times")
    if close(got, [9, 10, 25, 26, 41, 42, 57, 58]):
        mistake("rows and columns are exchanged: a row down is 4 tokens on, a column is 1")
    if len(got) == 24:
        mistake("the block is a row and a column too large: it ends before top + height")
    if close(got, right + 1):
        mistake("tokens are counted from 0")
    expect(
        close(got, right),
        f"rows 1 and 2 of column 2, at four times, are {right.tolist()}; yours are {got.tolist()}",
    )
    whole = _tokens(yours(0, 0, 4, 4))
    expect(close(whole, np.arange(64)), "a block of 4 × 4 hides all 64 tokens")
    return "a block that is hidden at all times cannot be copied from the frame before"


def _tokens(found) -> np.ndarray:
    """What was given, as sorted numbers: a list, a set, an array of any shape."""
    found = sorted(found) if isinstance(found, set) else list(found) if _runs(found) else found
    return np.sort(np.asarray(found, dtype=float).ravel())


def _runs(found) -> bool:
    """Whether it gives its numbers one by one."""
    return not hasattr(found, "__len__") and hasattr(found, "__iter__")


@exercise
def average(yours):
    """``yours(target, encoder, momentum)`` → the target encoder's new number."""
    got = yours(1.0, 3.0, 0.9)
    if close(got, 2.8):
        mistake("momentum is what the *target* keeps; you gave it to the encoder")
    if close(got, 3.9):
        mistake("the encoder gets the rest: (1 − momentum), not all of it")
    if close(got, 0.9):
        mistake("that only shrinks the target; the encoder's number is missing")
    if close(got, 2.0):
        mistake("that is the plain mean; the momentum says how much each counts")
    if close(got, 3.6):
        mistake("both cannot count 0.9: the two shares add up to 1")
    if close(got, 0.8):
        mistake("it moves *towards* the encoder; you went the other way")
    if close(got, 3.0) or close(got, 1.0):
        mistake("the new number lies between the two: 0.9 of the old one, 0.1 of the encoder's")
    expect(close(got, 1.2), f"0.9 · 1 + 0.1 · 3 is 1.2; yours is {got}")
    expect(close(yours(1.0, 3.0, 0.0), 3.0), "with a momentum of 0 the target is the encoder")
    return "with a momentum of 0.99 it follows a hundred steps behind"


@exercise
def effective_rank(yours):
    """``yours(singular)`` → the effective rank, from singular values."""
    got = yours(np.array([2.0, 1.5, 1.0]))
    squares = np.array([4, 2.25, 1])
    share, unshared = squares / 7.25, squares / 4.5**2
    entropy = -(share * np.log(share)).sum()
    plain = np.array([2, 1.5, 1]) / 4.5
    if close(got, entropy):
        mistake("that is the entropy; the rank is e to the power of it: n equal ones give n")
    if close(got, entropy / math.log(2)) or close(got, math.exp(entropy / math.log(2))):
        mistake("that entropy is in bits; e to the power of it needs nats, np.log")
    if close(got, math.exp(-(plain * np.log(plain)).sum())):
        mistake("a share is of the variance: square the singular values first")
    if close(got, 1 / (share**2).sum()):
        mistake("that is another measure, the participation ratio; here it is by the entropy")
    if close(got, math.exp(-entropy)):
        mistake("the entropy has a minus sign: the logarithms of shares are negative")
    if close(got, math.exp(-(unshared * np.log(unshared)).sum())):
        mistake("divide by the sum of the squares, not by the square of the sum")
    undivided = (squares * np.log(squares)).sum()
    if close(got, math.exp(-undivided)) or close(got, math.exp(undivided)):
        mistake("shares add up to 1: divide the squares by their sum")
    if close(got, 3):
        mistake("that counts the values; a direction with little variance has to count for less")
    expect(
        close(got, math.exp(entropy)),
        f"2, 1.5, 1 have an effective rank of {math.exp(entropy):.3f}; yours is {got}",
    )
    expect(close(yours(np.ones(5)), 5.0), "five equal singular values have an effective rank of 5")
    expect(
        close(yours(np.array([3.0, 0.0])), 1.0, rtol=1e-4),
        "a singular value of 0 must count for nothing: 0 · ln 0 is 0",
    )
    return "how many directions the features really use"


@exercise
def slopes(yours):
    """``yours(p, w, rho)`` → slopes of the loss for p and w, the target held fixed."""
    p, w, rho = 0.5, 2.0, 0.8
    missed = p * w - rho * w
    got = yours(p, w, rho)
    expect(np.shape(got) == (2,), f"return two numbers, for p and for w; yours is {got}")
    right = [w * missed, p * missed]
    if close(got, [w * missed, p * missed + w - rho * p * w]):
        mistake("that slope runs through the target, too; it is held fixed, so t has no slope")
    if close(got, [-right[0], -right[1]]):
        mistake("that is the step that training takes; the slope has the other sign")
    if close(got, [missed, right[1]]):
        mistake("the slope for p has a factor w: what p multiplies is w · x")
    if close(got, [right[0], missed]):
        mistake("the slope for w has a factor p: what w does to the loss goes through p")
    if close(got, [w * (p * w - rho), p * (p * w - rho)]):
        mistake("the target is t · y with t = w: its part is ρ · w, not ρ")
    if close(got, right[::-1]):
        mistake("first for p, then for w")
    if close(got, [2 * right[0], 2 * right[1]]):
        mistake("the loss is *half* the mean square: the 2 goes away")
    expect(
        close(got, right),
        f"p = 0.5, w = 2, ρ = 0.8: {right[0]:.2f} for p, {right[1]:.2f} for w; yours is {got}",
    )
    expect(close(yours(0.7, 1.3, 0.7), [0, 0]), "where p = ρ nothing moves, whatever w is")
    return "w moves only while p is wrong: nothing pulls it to 0"


@exercise
def r2(yours):
    """``yours(found, truth)`` → R² of predictions, both (n,)."""
    truth = np.array([1.0, 2.0, 3.0, 6.0])
    found = np.array([2.0, 2.0, 4.0, 8.0])
    got = yours(found, truth)
    errors = ((found - truth) ** 2).sum()
    spread = ((truth - truth.mean()) ** 2).sum()
    if close(got, np.corrcoef(found, truth)[0, 1] ** 2):
        mistake("that is the squared correlation; it forgives predictions that are all too large")
    if close(got, errors / spread):
        mistake("that is the share that is *not* explained: take it from 1")
    if close(got, 1 - errors / (truth**2).sum()):
        mistake("the rival says the mean of the truth, not 0: subtract it")
    if close(got, 1 - errors / ((found - found.mean()) ** 2).sum()):
        mistake("divide by the spread of the truth, not of the predictions")
    if close(got, 1 - np.var(found - truth) / np.var(truth)):
        mistake("predictions that are all too large are wrong, too: do not take off the mean error")
    if close(got, 1 - np.abs(found - truth).sum() / np.abs(truth - truth.mean()).sum()):
        mistake("square the errors, and the distances from the mean")
    if close(got, 1 - errors / len(truth) / truth.var(ddof=1)):
        mistake("one is divided by n, the other by n − 1: take two sums, or two means")
    if close(got, 1 - errors / len(truth)):
        mistake("divide by the variance of the truth")
    expect(
        close(got, 1 - errors / spread),
        f"squared errors of 6 in all, and a spread of 14: {1 - 6 / 14:.3f}; yours is {got}",
    )
    expect(yours(-truth, truth) < 0, "who is worse than the mean gets less than 0")
    return "1 is all of it, 0 is no better than always saying the mean"
