"""Checks of notebook 14: writing into a memory, what the noise is, and how fast a head forgets."""

from __future__ import annotations

import math

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def write(yours):
    """``yours(state, key, value)`` → the state (values, size) after the pair is written."""
    key = np.array([1.0, 3.0, -2.0])
    value = np.array([0.0, 1.0, 0.0])
    state = np.arange(9.0).reshape(3, 3)  # square, so that what is turned round gets an answer
    before = state.copy()
    got = np.asarray(yours(state, key, value), dtype=float)
    if not close(state, before):
        mistake("your function changes the state that it is given; return a new one")
    if close(got, np.outer(value, key)):
        mistake("that is the new pair alone; add it to what is there")
    turned = (
        before + np.outer(key, value),
        (before + np.outer(value, key)).T,
        np.outer(key, value),
    )
    if any(close(got, one) for one in turned):
        mistake("rows belong to values and columns to keys: yours is turned round")
    if close(got, before - np.outer(value, key)):
        mistake("a pair is added, not taken away")
    if close(got, before + key):
        mistake("every row gained the key; only the row of its value should")
    if close(got, np.where(value[:, None] > 0, key, before)):
        mistake("the row's old numbers are gone: add the key to them")
    if close(got, before + value[:, None]):
        mistake("that forgets the key: each row gets its value times the *key*")
    if close(got, before + value * key):
        mistake("that multiplies place by place; each number of value goes with each of key")
    if close(got, before + value @ key):
        mistake("value @ key is one number; a whole table of products is wanted")
    right = before + np.outer(value, key)
    expect(
        close(got, right),
        f"the row of value 1 should gain the key and be {right[1].tolist()}, the others stay",
    )
    wide = np.asarray(yours(before[:2], key, value[:2]), dtype=float)
    expect(
        close(wide, right[:2]),
        "with 2 values and keys of 3 numbers the state has 2 rows of 3",
    )
    return "a sum of outer products: that is all the memory there is"


@exercise
def noise(yours):
    """``yours(n, size, values)`` → standard deviation of the noise on the score of a value."""
    got = yours(30, 16, 5)
    right = math.sqrt(30 / 16 / 5)
    if close(got, right**2):
        mistake("that is the variance; the standard deviation is its square root")
    if close(got, math.sqrt(30 / 5)):
        mistake("another key has only a little in common with ours: a variance of 1/size")
    if close(got, math.sqrt(30 / 16) / 5) or close(got, math.sqrt(30) / 16 / 5):
        mistake("variances add up: all of it stands under the root")
    if close(got, math.sqrt(30 / 16)):
        mistake("two things divide: pairs share out over the values, and keys over the directions")
    if close(got, math.sqrt(30)):
        mistake("each pair adds a variance of 1/size, and a value meets only its own pairs")
    if close(got, 1 / right):
        mistake("turned round: more pairs must give more noise")
    expect(
        close(got, right),
        f"30 pairs, 16 directions, 5 values: √(30 / 80) = 0.612; yours is {got!r}",
    )
    expect(
        close(yours(100, 8, 32), math.sqrt(100 / 256)),
        "100 pairs, 8 directions and 32 values: √(100 / 256)",
    )
    return "twice as many pairs need twice as many numbers"


@exercise
def keep(yours):
    """``yours(half_life)`` → γ, what a head keeps a token."""
    got = yours(10)
    if close(got, 0.05):
        mistake("ten equal parts take a half off; but a head keeps a *share* each time: γ^10 = ½")
    if close(got, 0.95):
        mistake("nearly: ten times 5% off what is left is not a half; solve γ^10 = ½")
    if close(got, 0.5**10):
        mistake("that is what is left after ten half-lives: the exponent is 1 / 10")
    if close(got, 1 - 0.5 ** (1 / 10)):
        mistake("that is what is lost a token; asked is what is kept")
    if close(got, 2 ** (1 / 10)):
        mistake("that doubles in ten tokens; a share that is kept lies below 1")
    if close(got, math.exp(-1 / 10)):
        mistake("that leaves 1/e after ten tokens, not a half")
    if close(got, math.log(2) / 10):
        mistake("that is the rate; what is kept a token is e to the power of minus it")
    expect(close(got, 0.5 ** (1 / 10)), f"γ^10 must be ½, so γ is 0.933; yours is {got!r}")
    expect(close(yours(1), 0.5), "with a half-life of one token γ is ½")
    return "γ^distance halves every half-life"
