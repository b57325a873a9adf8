"""Checks of notebook 15b: where a budget stops paying, and how to spend doublings."""

from __future__ import annotations

import numpy as np

from ttclib.course.looking_back.budgets import exponent
from ttclib.course.looking_back.budgets import knee as knee_of
from ttclib.course.looking_back.budgets import share_out as shared
from ttclib.exercise import close, exercise, expect, mistake

# a doubling that brings nothing, two good ones, and then hardly anything
_AMOUNT = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
_LOSS = np.array([1.0, 1.0, 0.8, 0.64, 0.63, 0.62])
_FALLS = [[0.5, 0.4, 0.3], [0.9, 0.1, 0.05], [0.02, 0.01]]


@exercise
def knee(yours):
    """``yours(amount, loss, price)`` → the place from which no more of the budget pays."""
    got = yours(_AMOUNT, _LOSS, 0.05)
    if close(got, 8.0):
        mistake("that is the amount; return its place in the array, an index")
    steep = yours(_AMOUNT, _AMOUNT**-0.5, 0.05)
    if close(got, 0) and close(yours(_AMOUNT, _AMOUNT**-0.5, 0.9), 5):
        mistake("the power is −log₂(1 − price), not of the price itself")
    if close(got, 0) and close(yours(_AMOUNT, _AMOUNT**-2.0, 0.05), 5) and close(steep, 0):
        mistake("whatever the price, you multiply by the amount itself: it gets the power s")
    if close(got, 0):
        mistake(
            "the first doubling takes off nothing, but two doublings further on it was worth it: "
            "look at all larger budgets, not at the next"
        )
    if close(got, 5):
        mistake(
            "that is where least is left; a budget has its price, so multiply the loss by "
            "amount ** s, with an s above 0"
        )
    if close(got, 2) and close(steep, 0):
        mistake("that is counted from the end: take it from len(bill) − 1")
    if close(got, (_LOSS * _AMOUNT ** exponent(0.05)).min()):
        mistake("that is the least bill; return its place, an index")
    expect(close(got, 3), f"from 8 on no doubling takes off 5%: place 3, and yours is {got}")
    expect(
        close(steep, 5),
        f"an error that falls like 1/√n pays to the end of the record: place 5, not {steep}",
    )
    dear = yours(_AMOUNT, _AMOUNT**-0.5, 0.35)
    if close(dear, 5) and close(yours(_AMOUNT, _AMOUNT**-0.5, 0.45), 0):
        mistake("the power is −log₂(1 − price): a logarithm to base 2, because we count doublings")
    expect(
        close(dear, 0),
        f"1/√n takes off 29% a doubling, which at a price of 35% never pays: 0, not {dear}",
    )
    equal = yours(np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.5, 0.25]), 0.5)
    expect(
        close(equal, 2),
        f"each doubling takes off just its price, 50%, so all pay: place 2, not {equal}",
    )
    uneven = np.array([1.0, 3.0, 10.0, 100.0])
    loss = np.array([1.0, 0.9, 0.8, 0.75])
    right = int(knee_of(uneven, loss, 0.05))
    got = yours(uneven, loss, 0.05)
    expect(
        close(got, right),
        f"amounts need not double from one to the next: 1, 3, 10, 100 stop at place {right}, "
        f"yours at {got}",
    )
    return f"loss · amount^{exponent(0.05):.3f} is least there: no larger budget pays its price"


@exercise
def share_out(yours):
    """``yours(falls, doublings)`` → how many doublings each budget gets."""
    got = _counts(yours(_FALLS, 4))
    expect(len(got) == 3, f"there are 3 budgets, so 3 numbers; yours gives {len(got)}: {got}")
    if got.sum() > 4 or (got > [3, 3, 2]).any():
        mistake(
            "more was spent than there is: four doublings in all, and no row gives more than it has"
        )
    if close(got, [3, 1, 0]):
        return _more(yours)
    if close(got, [2, 1, 1]) or close(got, [1, 2, 1]) or close(got, [2, 2, 0]):
        mistake("equal shares; a doubling belongs where it takes off most, whosever turn it is")
    if close(got, [1, 3, 0]) or close(got, [0, 3, 1]):
        mistake("the best first doubling is no reason to buy the next ones: look at each anew")
    if got.sum() < 4:
        mistake("something is left over that could be spent")
    expect(close(got, [3, 1, 0]), f"0.9, 0.5, 0.4 and 0.3 are the largest: 3, 1, 0; yours {got}")
    return ""


def _counts(found) -> np.ndarray:
    return np.asarray(found, dtype=float).ravel()


def _more(yours) -> str:
    """Ask for all there is, for nothing, and for doublings that take off nothing."""
    try:
        got = _counts(yours(_FALLS, 100))
    except IndexError:
        mistake("with 100 doublings rows are used up: who has no next one buys none (IndexError)")
    expect(close(got, [3, 3, 2]), f"with 100 doublings all rows are bought: 3, 3, 2; yours {got}")
    got = _counts(yours(_FALLS, 0))
    expect(close(got, [0, 0, 0]), f"with nothing to spend nobody gets anything; yours {got}")
    idle = [[0.3, 0.0, 0.0], [0.1]]
    got = _counts(yours(idle, 4))
    right = shared(idle, 4)
    expect(close(got, right), f"a doubling that takes off nothing is not bought: 1, 1; yours {got}")
    return "each doubling went where it took off most; the last one bought names the price"
