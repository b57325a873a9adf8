"""Checks of notebook 09: bins, the two-fold choice, efficiency, what knowing may cost, stopping."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.slips import name_slip
from ttclib.exercise import close, exercise, expect, mistake
from ttclib.measure.folds import difficulty_bins
from ttclib.measure.folds import two_fold as choose_two_fold


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
    if got.dtype.kind == "f" and close(np.floor(got), right) and not close(got, right):
        mistake("a bin is a whole number: divide with //, or round down")
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
    if close(got, np.argsort(places, kind="stable") % 4):
        mistake("% deals the ranks out in turn; neighbours belong together: rank * number // n")
    if close(got, ease >= np.median(ease)) or close(got, ease < np.median(ease)):
        mistake("these are two halves; make `number` bins")
    sizes = np.bincount(got.astype(int), minlength=4) if (got >= 0).all() else np.zeros(1)
    if len(sizes) > 1 and not close(sizes, [2, 2, 2, 2]):
        mistake(
            f"the bins hold {sizes.tolist()} problems; "
            "cut the *ranks* into equal parts, not the numbers"
        )
    said = f"pass@1 {ease.tolist()} makes bins {right.tolist()}; yours {got.tolist()}"
    expect(close(got, right), said)
    more = np.random.default_rng(0).permutation(37) / 37
    got = np.asarray(yours(more, 5))
    sizes = np.bincount(got.astype(int), minlength=5)
    fair = f"37 problems in five bins: 7 or 8 in each; yours hold {sizes.tolist()}"
    expect(len(sizes) == 5 and np.ptp(sizes) <= 1, fair)
    hard_first = np.argsort(more)
    expect((np.diff(got[hard_first]) <= 0).all(), "eight problems come out right, 37 do not")
    ties = more.round(1)  # eleven values
    in_order = np.asarray(yours(ties, 5))[np.argsort(-ties, kind="stable")]
    stable = (np.diff(in_order) >= 0).all()
    expect(stable, 'problems with the same pass@1 keep their order: argsort has kind="stable"')
    return "equally many problems in every bin, however pass@1 is spread"


def _half(right, fold, best, chosen_on=lambda half: ~half):
    """Give each problem what ``best`` says of the mean over the half ``chosen_on(its own)``."""
    pick = [best(right[:, fold == chosen_on(np.bool_(half))].mean(axis=1)) for half in (0, 1)]
    return np.where(fold, pick[1], pick[0])


@exercise
def two_fold(yours):
    """``yours(right, fold)`` → (problems,) each one's method, chosen on the half it is not in."""
    right = np.array(
        [
            [1.0, 1.0, 0.0, 0.0, 0.0, 0.0],  # best on the first half
            [0.5, 0.5, 0.5, 0.8, 0.5, 0.5],  # best on all six
            [0.0, 0.0, 0.0, 1.0, 1.0, 1.0],  # best on the second half
        ]
    )
    fold = np.array([False, False, False, True, True, True])
    given = right.copy(), fold.copy()
    got = np.asarray(yours(right, fold))
    whole = np.array_equal(right, given[0]) and np.array_equal(fold, given[1])
    expect(whole, "your function changes what it is given; work on a copy")
    one_each = f"a method for each of six problems: shape (6,); yours has {got.shape}"
    expect(got.shape == fold.shape, one_each)
    expected = choose_two_fold(right, 0 * fold, fold)
    slips = {
        "each half scores the method that was chosen on itself: its luck is in the score": (
            lambda r, f: _half(r, f, np.argmax, lambda half: half)
        ),
        "that is the best method of all problems: choose on one half only": lambda r, f: np.full(
            len(f), r.mean(axis=1).argmax()
        ),
        "that is the best method of each single problem: average over a half first": lambda r, f: (
            r.argmax(axis=0)
        ),
        "the highest mean is the best method: argmax, not argmin": lambda r, f: _half(
            r, f, np.argmin
        ),
        "give the number of the method, not how often it is right: argmax, not max": lambda r, f: (
            _half(r, f, np.max)
        ),
        "both halves take the method chosen on the first; the first has to take the other's": (
            lambda r, f: _half(r, f, np.argmax, lambda half: False)
        ),
        "both halves take the method chosen on the second; that one has to take the other's": (
            lambda r, f: _half(r, f, np.argmax, lambda half: True)
        ),
    }
    other = np.array([False, True, True, False, True, False])
    name_slip(yours, slips, [(right, fold), (right[[1, 2, 0]], other)])
    halves = f"the first three take {expected[0]}, the last three {expected[-1]}; yours {got}"
    expect(close(got, expected), halves)
    mixed = np.array([True, False, True, False, False, True])
    as_well = close(yours(right, mixed), choose_two_fold(right, 0 * mixed, mixed))
    expect(as_well, "the halves may be mixed: fold says which problem is where")
    missing = np.vstack([np.full(6, np.nan), right])
    if not close(yours(missing, fold), expected + 1):
        mistake("a row of NaN is a method that did not run: np.nanargmax passes over it")
    return "nobody scores a method that it helped to choose"


@exercise
def efficiency(yours):
    """``yours(budgets, baseline, n, accuracy)`` → how many times n the baseline pays for it."""
    budgets = np.array([1, 4, 16, 64, 256])
    baseline = np.array([0.40, 0.50, 0.55, 0.60, 0.62])
    got = yours(budgets, baseline, 4, 0.575)
    log = lambda x, y, a: float(np.exp(np.interp(a, y, np.log(x))))  # noqa: E731
    slips = {
        "that is the budget the baseline needs; how many times 4 is it?": lambda x, y, n, a: log(
            x, y, a
        ),
        "the other way up: the saving is what the baseline pays over what you pay": (
            lambda x, y, n, a: n / log(x, y, a)
        ),
        "halfway between 16 and 64 on the *logarithmic* axis is 32; interpolate log N": (
            lambda x, y, n, a: float(np.interp(a, y, x)) / n
        ),
        "you took the next budget of the list; interpolate between 16 and 64": lambda x, y, n, a: (
            x[np.argmax(y >= a)] / n
        ),
        "you took the budget before; interpolate between 16 and 64": lambda x, y, n, a: (
            x[np.flatnonzero(y <= a)[-1]] / n
        ),
        "you took the nearest point of the curve; interpolate between 16 and 64": (
            lambda x, y, n, a: x[np.abs(y - a).argmin()] / n
        ),
        "that is the logarithm of the budget: take np.exp before you divide": lambda x, y, n, a: (
            math.log(log(x, y, a)) / n
        ),
        "that is the logarithm of the ratio; take np.exp": lambda x, y, n, a: math.log(
            log(x, y, a) / n
        ),
        "equal accuracy is asked for, and the ratio of what is paid; you compare accuracies": (
            lambda x, y, n, a: a / float(np.interp(n, x, y))
        ),
        "that is how many generations are saved; how many *times* as many are paid?": (
            lambda x, y, n, a: log(x, y, a) - n
        ),
        "that is the accuracy of the baseline at n; what does it pay for yours?": (
            lambda x, y, n, a: float(np.interp(math.log(n), np.log(x), y))
        ),
    }
    name_slip(yours, slips, [(budgets, baseline, 4, 0.575), (budgets, baseline, 16, 0.54)])
    halfway = "0.575 lies halfway from 16 to 64 generations, so at 32 = 8 · 4"
    expect(close(got, 8.0), f"{halfway}; yours is {got}")
    expect(close(yours(budgets, baseline, 16, 0.55), 1.0), "on the curve itself the ratio is 1")
    worse = yours(budgets, baseline, 64, 0.5)
    expect(close(worse, 1 / 16), "who needs 64 for what 4 give has the ratio 1/16")
    at_the_end = yours(budgets, baseline, 64, 0.62)
    reached = f"the baseline does reach 0.62, with 256 = 4 · 64; yours is {at_the_end}"
    expect(close(at_the_end, 4.0), reached)
    below = yours(budgets, baseline, 4, 0.3)
    cheapest = f"for 0.3 or less the baseline pays its first budget, 1 = ¼ · 4; yours is {below}"
    expect(close(below, 0.25), cheapest)
    never = yours(budgets, baseline, 16, 0.7)
    if close(never, 16.0):
        mistake(
            "the baseline never reaches 0.7: np.interp stops at its last point; the ratio is np.inf"
        )
    infinite = f"the baseline never reaches 0.7, so the ratio is np.inf; yours is {never}"
    expect(never == math.inf, infinite)
    return "equal accuracy, and the ratio of what was paid"


@exercise
def affordable(yours):
    """``yours(n, ratio)`` → the most samples for the difficulty that a problem may cost."""
    got = yours(16, 3.0)
    slips = {
        "48 is all that best-of-N would pay; the answer itself still costs you 16 of them": (
            lambda n, ratio: n * ratio
        ),
        "2 is the saving for each generation; there are 16 of them": lambda n, ratio: ratio - 1,
        "a third of 16 would be what you need if best-of-N had 16; "
        "here you have 16, and it needs 48": lambda n, ratio: n / ratio,
        "here you have 16, and best-of-N needs 48: the saving is 48 − 16, not 16 − 16/3": (
            lambda n, ratio: n - n / ratio
        ),
        "the ratio multiplies n, it is not added: best-of-N pays 48": lambda n, ratio: n + ratio,
        "the answer costs n generations, not one: best-of-N pays 48, you 16": lambda n, ratio: (
            n * ratio - 1
        ),
        "that is what both pay together; how much is saved?": lambda n, ratio: n * (ratio + 1),
        "the sign: best-of-N pays more than you": lambda n, ratio: n * (1 - ratio),
        "that is the share that is saved; of how many generations?": lambda n, ratio: 1 - 1 / ratio,
        "your own n is what you spend on the answer already": lambda n, ratio: n,
    }
    name_slip(yours, slips, [(16, 3.0), (10, 1.5)])
    expect(close(got, 32), f"best-of-N pays 48 and you 16, so 32 are left; yours is {got}")
    less = yours(10, 1.5)
    expect(close(less, 5), f"n = 10, ratio 1.5: best-of-N pays 15, so 5 are left; yours is {less}")
    expect(close(yours(64, 1.0), 0), "with no saving there is nothing to spend")
    if yours(64, 0.5) < 0:
        mistake("a strategy that loses leaves nothing to spend: 0, not less")
    expect(close(yours(64, 0.5), 0), "a strategy that loses leaves nothing to spend: 0")
    return "what is saved on one problem is all that may be spent on knowing it"


def _sure(scores: np.ndarray, threshold: float) -> tuple[int, int]:
    """How many texts are written until one is sure, and its place."""
    first = int(np.argmax(scores >= threshold))
    return first + 1, first


@exercise
def stop(yours):
    """``yours(scores, threshold)`` → how many texts are written, and the place of the one taken."""
    scores = np.array([0.2, 0.6, 0.4, 0.9, 0.95])
    got = yours(scores, 0.8)
    expect(np.shape(got) == (2,), f"two numbers: texts written, the place of one; yours is {got}")
    slips = {
        "the other way round: first how many are written, then the place": (
            lambda s, t: _sure(s, t)[::-1]
        ),
        "stop at the first score that is *high*: yours stops below the threshold": lambda s, t: (
            (int(np.argmax(s < t)) + 1, int(np.argmax(s < t)))
        ),
        "give the place of the text, not its score": lambda s, t: (
            _sure(s, t)[0],
            float(s[_sure(s, t)[1]]),
        ),
        "how many texts are high is not asked: stop at the first of them": lambda s, t: (
            (int((s >= t).sum()), _sure(s, t)[1])
        ),
        "stop when sure: yours writes all texts, and pays for them": lambda s, t: (
            len(s),
            _sure(s, t)[1],
        ),
        "stop when sure: yours writes all texts and takes the best": lambda s, t: (
            len(s),
            int(np.argmax(s)),
        ),
        "the last text that is high is too late: stop at the first": lambda s, t: (
            (int(np.flatnonzero(s >= t)[-1]) + 1, int(np.flatnonzero(s >= t)[-1]))
        ),
    }
    name_slip(yours, slips, [(scores, 0.8), (np.array([0.1, 0.7, 0.3, 0.2, 0.8, 0.4]), 0.6)])
    written, taken = got
    if (written, taken) == (3, 3):
        mistake("count the text that stopped you too: it was written")
    if (written, taken) == (4, 4) and yours(scores, 0.5)[1] == 2:
        mistake("the fourth text has the place 3: places count from 0")
    if taken == 4:
        mistake("0.95 is the highest, but 0.9 came first: who has stopped never sees the rest")
    stopped = f"0.9 is the first of at least 0.8: 4 texts, place 3; yours {written} and {taken}"
    expect((written, taken) == (4, 3), stopped)
    exactly = tuple(yours(scores, 0.6)) == (2, 1)
    expect(exactly, "a score equal to the threshold is enough")
    written, taken = yours(scores, 0.99)
    if (written, taken) in ((1, 0), (0, 0)):
        mistake("nobody reaches 0.99: np.argmax of all False is 0, which looks like the first text")
    never = f"nobody reaches 0.99: all 5 texts, the best has place 4; yours {written} and {taken}"
    expect((written, taken) == (5, 4), never)
    return "easy problems stop at once, and what they leave is there for the others"
