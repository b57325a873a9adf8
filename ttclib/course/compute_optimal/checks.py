"""Checks of notebook 09: bins of difficulty, efficiency, what knowing may cost."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.compute_optimal.optimal import difficulty_bins
from ttclib.exercise import close, exercise, expect, mistake


@exercise
def bins(yours):
    """``yours(ease, number)`` → (problems,) bins, 0 the easiest, equally many problems in each."""
    ease = np.array([0.02, 0.95, 0.90, 0.40, 0.99, 0.00, 0.97, 0.85])
    given = ease.copy()
    got = np.asarray(yours(ease, 4))
    unchanged = np.array_equal(ease, given)
    expect(unchanged, "your function changed the array it was given; work on a copy")
    one_each = f"one bin for each problem: shape {ease.shape}; yours has {got.shape}"
    expect(got.shape == ease.shape, one_each)
    right = difficulty_bins(ease, 4)
    if close(got, 3 - right):
        mistake("upside down: bin 0 is the easiest, so the highest pass@1 comes first")
    if close(got, right + 1):
        mistake("count the bins from 0: they will be used as indices")
    places = np.argsort(-ease, kind="stable")
    if close(got, places * 4 // len(ease)):
        mistake(
            "argsort says which problem has a rank, not which rank a problem has: sort once more"
        )
    if close(got, np.argsort(places, kind="stable")):
        mistake("these are the ranks; eight ranks must share four bins")
    sizes = np.bincount(got.astype(int), minlength=4) if (got >= 0).all() else np.zeros(1)
    if len(sizes) > 1 and not close(sizes, [2, 2, 2, 2]):
        mistake(
            f"the bins hold {sizes.tolist()} problems; "
            "cut the *ranks* into equal parts, not the numbers"
        )
    said = f"pass@1 {ease.tolist()} makes bins {right.tolist()}; yours {got.tolist()}"
    expect(close(got, right), said)
    more = np.random.default_rng(0).permutation(35) / 35
    as_well = close(yours(more, 5), difficulty_bins(more, 5))
    expect(as_well, "eight problems come out right, 35 do not")
    return "equally many problems in every bin, however pass@1 is spread"


@exercise
def efficiency(yours):
    """``yours(budgets, baseline, n, accuracy)`` → how many times n the baseline pays for it."""
    budgets = np.array([1, 4, 16, 64, 256])
    baseline = np.array([0.40, 0.50, 0.55, 0.60, 0.62])
    got = yours(budgets, baseline, 4, 0.575)
    if close(got, 32.0):
        mistake("that is the budget the baseline needs; how many times 4 is it?")
    if close(got, 1 / 8):
        mistake("the other way up: the saving is what the baseline pays over what you pay")
    if close(got, 10.0):
        mistake("halfway between 16 and 64 on the *logarithmic* axis is 32; interpolate log N")
    if close(got, 16.0) or close(got, 4.0):
        mistake("you took the next budget of the list; interpolate between 16 and 64")
    halfway = "0.575 lies halfway from 16 to 64 generations, so at 32 = 8 · 4"
    expect(close(got, 8.0), f"{halfway}; yours is {got!r}")
    expect(close(yours(budgets, baseline, 16, 0.55), 1.0), "on the curve itself the ratio is 1")
    worse = yours(budgets, baseline, 64, 0.5)
    expect(close(worse, 1 / 16), "who needs 64 for what 4 give has the ratio 1/16")
    never = yours(budgets, baseline, 16, 0.7)
    if close(never, 16.0):
        mistake(
            "the baseline never reaches 0.7: np.interp stops at its last point; the ratio is np.inf"
        )
    infinite = f"the baseline never reaches 0.7, so the ratio is np.inf; yours is {never!r}"
    expect(never == math.inf, infinite)
    return "equal accuracy, and the ratio of what was paid"


@exercise
def affordable(yours):
    """``yours(n, ratio)`` → the most samples for the difficulty that a problem may cost."""
    got = yours(16, 3.0)
    if close(got, 48):
        mistake("48 is all that best-of-N would pay; the answer itself still costs you 16 of them")
    if close(got, 2):
        mistake("2 is the saving for each generation; there are 16 of them")
    if close(got, 16 / 3):
        mistake(
            "a third of 16 would be what you need if best-of-N had 16; "
            "here you have 16, and it needs 48"
        )
    expect(close(got, 32), f"best-of-N pays 48 and you 16, so 32 are left; yours is {got!r}")
    expect(close(yours(64, 1.0), 0), "with no saving there is nothing to spend")
    if yours(64, 0.5) < 0:
        mistake("a strategy that loses leaves nothing to spend: 0, not less")
    expect(close(yours(64, 0.5), 0), "a strategy that loses leaves nothing to spend: 0")
    return "what is saved on one problem is all that may be spent on knowing it"
