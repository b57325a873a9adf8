"""Checks of notebook 13: a grid, its bytes, a column of GPTQ, and bits in a memory."""

from __future__ import annotations

import math

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake

_WEIGHTS = np.array([-0.31, -0.04, 0.12, 0.26, 0.9])


@exercise
def nearest(yours):
    """``yours(values, scale, zero, bits)`` → the place on the grid nearest to each value."""
    got = np.asarray(yours(_WEIGHTS.copy(), 0.1, 3, 3), dtype=float)
    if close(got, [0, 3, 4, 6, 12]):
        mistake(
            "0.9 lands on place 12, and a grid of 3 bits has places 0 to 7: cut off what is beyond"
        )
    if close(got, np.clip(np.trunc(_WEIGHTS / 0.1) + 3, 0, 7)):
        mistake("that cuts the digits off, towards 0; the nearest place may be the next one")
    if close(got, np.clip(np.floor(_WEIGHTS / 0.1) + 3, 0, 7)):
        mistake("that rounds down; the nearest place may be the one above")
    if close(got, np.clip(np.rint(_WEIGHTS / 0.1), 0, 7)):
        mistake("0 lies on place `zero`, not on place 0: add it")
    if close(got, np.clip(np.rint(_WEIGHTS / 0.1) - 3, 0, 7)):
        mistake("the sign of `zero`: value = step · (place − zero), so place = value/step + zero")
    if close(got, np.clip(np.rint(_WEIGHTS * 0.1) + 3, 0, 7)):
        mistake("divide by the step: how many steps lies the value above 0?")
    if close(got, np.clip(_WEIGHTS / 0.1 + 3, 0, 7)):
        mistake("a place is a whole number: round to the nearest")
    if close(got, [0, 3, 4, 6, 8]):
        mistake("places start at 0, so the last of 2^bits places is 2^bits − 1")
    if close(got, 0.1 * (np.array([0, 3, 4, 6, 7]) - 3)):
        mistake("those are the values of the grid; what is kept is their place, a whole number")
    if close(got, [0, 3, 4, 5, 5]):
        mistake("a grid of b bits has 2**bits places, not 2 * bits")
    if close(got, [0, 2, 2, 2, 2]):
        mistake("`bits` is not the number of places: there are 2**bits of them")
    if close(got, [3, 3, 4, 6, 10]):
        mistake("add `zero` first, and cut off then: the ends are those of the places")
    if close(got, [1, 3, 4, 6, 8]):
        mistake("the first place is 0 and the last 2^bits − 1: yours are 1 and 2^bits")
    if close(got, np.clip(np.ceil(_WEIGHTS / 0.1) + 3, 0, 7)):
        mistake("that rounds up; the nearest place may be the one below")
    if close(got, np.array([0, 3, 4, 6, 12]) % 8):
        mistake("what lies beyond the end stays at the end; it does not begin anew: no %")
    expect(
        close(got, [0, 3, 4, 6, 7]),
        f"step 0.1, 0 on place 3, 3 bits: 0, 3, 4, 6, 7; yours is {got.tolist()}",
    )
    expect(close(yours(np.array([[0.5]]), 0.25, 0, 2), [[2]]), "0.5 lies two steps of 0.25 above 0")
    return "a weight has become a whole number of few bits"


@exercise
def nbytes(yours):
    """``yours(rows, columns, bits, group)`` → bytes of the matrix, with steps and zeros."""
    got = yours(8, 64, 4, 32)
    # 512 places of 4 bits, 16 groups with a step of 16 bits and a zero of 4
    if close(got, 8 * 64 * 4 / 8):
        mistake("those are the places alone; each group has a step of 16 bits and a zero as well")
    if close(got, 8 * 64 * 4 / 8 + 16 * 2):
        mistake("the place of 0 is kept for each group, too: as many bits as a place")
    if close(got, 8 * 64 * 4 + 16 * 20):
        mistake("those are bits; eight of them are a byte")
    if close(got, (8 * 64 * 4 + 16 * 16) / 8 + 16 * 4):
        mistake("a zero takes as many bits as a place, not bytes: divide it by 8, too")
    if close(got, 256 + 16 * 20):
        mistake("the places are in bytes and the steps and zeros still in bits: divide both by 8")
    if close(got, (8 * 64 * 4 + 32 * 20) / 8):
        mistake("`group` is how many weights share a grid, not how many groups there are")
    if close(got, (8 * 64 * 4 + 8 * 20) / 8):
        mistake("that is one group a row; here a group is 32 of the 64 columns")
    if close(got, (8 * 64 * 4 + 20) / 8):
        mistake("that is one group for the whole matrix; there are rows · columns / group of them")
    if close(got, 8 * 64 * 4 / 8 + 16 * 8):
        mistake("a step is kept in 16 bits and a zero in as many as a place: not 64 bits together")
    if close(got, (8 * 64 * 4 + 2 * 20) / 8):
        mistake("those are the groups of one row; there are as many in each of the rows")
    if close(got, (8 * 64 * 4 + 16 * 32) / 8):
        mistake("a step takes 16 bits, a zero only as many as a place")
    if close(got, (8 * 64 * 4 + 8 * 64 * 20) / 8):
        mistake("a step and a zero are shared by the group; yours has them for each weight")
    if close(got, (8 * 64 * 2**4 + 16 * 20) / 8):
        mistake("a place takes b bits; 2^b is how many places there are")
    expect(close(got, 296), f"8 × 64, 4 bits, groups of 32: 256 + 40 = 296 bytes; yours is {got}")
    expect(close(yours(2, 32, 2, 32), 16 + 4.5), "2 × 32, 2 bits, a group a row: 16 + 4.5 bytes")
    return "what a group of its own costs: (16 + bits) / group bits a weight"


@exercise
def spread(yours):
    """``yours(lost, answer)`` → what to take off this column and those after it, (rows, free)."""
    inputs = np.random.default_rng(3).normal(size=(50, 4)) @ np.triu(np.ones((4, 4)))
    moments = inputs.T @ inputs
    weight = np.array([[0.4, -1.0, 0.3, 2.0], [1.2, 0.5, -0.7, 0.1]])
    lost = np.array([[0.4], [-0.3]])  # the first column loses that
    answer = np.linalg.cholesky(np.linalg.inv(moments)).T[0]
    got = np.asarray(yours(lost, answer), dtype=float)
    right = lost * answer / answer[0]
    if close(got, lost * answer):
        mistake("divide by the first entry, so that the column itself loses exactly what is lost")
    if close(got, lost * answer / answer[0] ** 2):
        mistake("divide by the first entry once: the column itself loses exactly what is lost")
    if close(got, -right):
        mistake("the sign: what you return is taken off, so the first column must get `lost`")
    if close(got, lost * answer * answer[0]):
        mistake("that multiplies by the first entry; divide by it")
    if close(got, lost * answer / np.linalg.norm(answer)):
        mistake("divide by the first entry, not by the length of all of them")
    if close(got, lost * answer / answer.sum()):
        mistake("divide by the first entry, not by their sum")
    if close(got, lost / answer[0] * np.ones(4)):
        mistake("multiply by `answer`: each free column has an entry of its own")
    if close(got, right[:, 1:]):
        mistake("the column itself is the first of them: return all")
    if close(got, right.T):
        mistake("rows are outputs, columns are inputs: yours is turned round")
    expect(got.shape == right.shape, f"the shape must be {right.shape}; yours is {got.shape}")
    expect(close(got[:, :1], lost), "the first column must lose exactly `lost`")
    # the exact truth: with the first column fixed, least squares for those that are free
    target = inputs @ weight.T - inputs[:, :1] @ (weight[:, :1] - lost).T
    best = np.linalg.lstsq(inputs[:, 1:], target, rcond=None)[0].T
    expect(
        close(weight[:, 1:] - got[:, 1:], best, rtol=1e-5),
        "the free columns are not those of least squares, once the first has lost its part",
    )
    return "the free columns are where least squares would put them"


@exercise
def stored(yours):
    """``yours(losses, values)`` → bits stored, from −ln p of each fact."""
    losses = np.array([0.0, math.log(2), math.log(32), 5.0])
    right = 4 * 5 - losses.sum() / math.log(2)
    got = yours(losses, 32)
    if close(got, 20 - losses.sum()):
        mistake("the losses are in nats; a bit is ln 2 of them")
    if close(got, losses.sum() / math.log(2)):
        mistake("those are the bits that are left to be said; what is stored is what that saves")
    if close(got, 4 * math.log(32) - losses.sum()):
        mistake("all of that is in nats; divide by ln 2 to have bits")
    if close(got, 20 - losses.sum() * math.log(2)):
        mistake("nats become bits by dividing: a bit is ln 2 = 0.69 of them")
    if close(got, -right):
        mistake("the sign: what the facts say, less what is left to be said")
    if close(got, right / 4):
        mistake("that is the mean of a fact; all of them together are stored")
    if close(got, 32 * 4 - losses.sum() / math.log(2)):
        mistake("one of 32 values says log₂ 32 = 5 bits, not 32")
    if close(got, 5 - losses.sum() / math.log(2)):
        mistake("each fact says log₂ 32 bits, and there are as many facts as losses")
    if close(got, np.clip(5 - losses / math.log(2), 0, None).sum()):
        mistake(
            "a fact of which the memory is wrongly sure costs more than it says: keep the minus"
        )
    if close(got, 20.0):
        mistake("that is all that the facts say; take off what is left to be said")
    if close(got, 20 + losses.sum() / math.log(2)):
        mistake("the losses are what is left to be said: take them off")
    if close(got, 4 * math.log(32) - losses.sum() / math.log(2)):
        mistake("the first part is in nats, the second in bits: log₂ of the values")
    expect(np.ndim(got) == 0, "return one number, of all facts together")
    expect(close(got, right), f"4 facts of 5 bits less what is left: {right:.3f}; yours is {got}")
    expect(close(yours(np.full(10, math.log(8)), 8), 0.0), "of 8 values: who guesses, stores 0")
    return "counted exactly: no test, no threshold"
