"""Checks of notebook 09: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.compute_optimal import checks


def ranks(ease):
    return np.argsort(np.argsort(-ease))


def stable_ranks(ease):
    return np.argsort(np.argsort(-ease, kind="stable"))


def halfway(right, fold):
    best = [np.nanargmax(right[:, fold == half].mean(axis=1)) for half in (False, True)]
    return np.where(fold, *best)


def sure(scores, threshold):
    reached = np.flatnonzero(scores >= threshold)
    if len(reached):
        return reached[0] + 1, reached[0]
    return len(scores), int(np.argmax(scores))


def ratio(budgets, baseline, n, accuracy):
    if accuracy > max(baseline):
        return math.inf
    return np.exp(np.interp(accuracy, baseline, np.log(budgets))) / n


BINS = {
    "upside down": lambda ease, k: ranks(-ease) * k // len(ease),
    "from 0": lambda ease, k: ranks(ease) * k // len(ease) + 1,
    "sort once more": lambda ease, k: np.argsort(-ease) * k // len(ease),
    "share four bins": lambda ease, k: ranks(ease),
    "not the numbers": lambda ease, k: np.minimum((1 - ease) * k, k - 1).astype(int),
    "makes bins": lambda ease, k: ranks(ease) % k,
    "shape (8,)": lambda ease, k: 0,
    "7 or 8 in each": lambda ease, k: ranks(ease) // (len(ease) // k),
    "37 do not": lambda ease, k: (
        ranks(ease) * k // len(ease) if len(ease) < 9 else np.arange(37) * 5 // 37
    ),
    "keep their order": lambda ease, k: (
        np.argsort(np.lexsort((-np.arange(len(ease)), -ease))) * k // len(ease)
    ),
    "changed the array": lambda ease, k: np.multiply(ease, 2, out=ease),
}
RATIOS = {
    "how many times 4": lambda x, y, n, a: n * ratio(x, y, n, a),
    "other way up": lambda x, y, n, a: 1 / ratio(x, y, n, a),
    "interpolate log N": lambda x, y, n, a: np.interp(a, y, x) / n,
    "next budget": lambda x, y, n, a: x[np.argmax(y >= a)] / n,
    "stops at its last": lambda x, y, n, a: np.exp(np.interp(a, y, np.log(x))) / n,
    "on the curve itself": lambda x, y, n, a: 8.0,
    "who needs 64": lambda x, y, n, a: max(1.0, ratio(x, y, n, a)),
    "halfway from 16 to 64": lambda x, y, n, a: 7.0,
    "np.inf; yours": lambda x, y, n, a: ratio(x, y, n, a) if a < 0.7 else 99.0,
}
RATIOS |= {
    "does reach": lambda x, y, n, a: np.inf if a >= y[-1] else ratio(x, y, n, a),
    "its first budget": lambda x, y, n, a: 0.0 if a < y[0] else ratio(x, y, n, a),
}
SPENT = {
    "so 5 are left": lambda n, r: 16 * (r - 1),
    "answer itself": lambda n, r: n * r,
    "for each generation": lambda n, r: r - 1,
    "a third of 16": lambda n, r: n / r,
    "so 32 are left": lambda n, r: 0,
    "0, not less": lambda n, r: n * (r - 1),
    "nothing to spend: 0": lambda n, r: n * abs(r - 1),
    "no saving": lambda n, r: n * (r - 1) if r > 1 else 1,
}


FOLDS = {
    "chosen on itself": lambda right, fold: np.where(
        fold, *[right[:, fold == half].mean(axis=1).argmax() for half in (True, False)]
    ),
    "all six problems": lambda right, fold: np.full(6, right.mean(axis=1).argmax()),
    "each single problem": lambda right, fold: right.argmax(axis=0),
    "the last three": lambda right, fold: np.zeros(6, dtype=int),
    "may be mixed": lambda right, fold: np.array([2, 2, 2, 0, 0, 0]),
    "did not run": lambda right, fold: halfway(np.nan_to_num(right, nan=9.0), fold),
    "shape (6,)": lambda right, fold: halfway(right, fold)[:2],
}
STOPS = {
    "it was written": lambda s, t: (sure(s, t)[0] - 1, sure(s, t)[1]),
    "count from 0": lambda s, t: (sure(s, t)[0], sure(s, t)[1] + 1),
    "never sees the rest": lambda s, t: (sure(s, t)[0], np.argmax(s)),
    "4 texts, place 3": lambda s, t: (1, 0),
    "is enough": lambda s, t: sure(s, t + 1e-9),
    "all False is 0": lambda s, t: (np.argmax(s >= t) + 1, np.argmax(s >= t)),
    "the best has place 4": lambda s, t: sure(s, t) if max(s) >= t else (len(s), len(s) - 2),
    "two numbers": lambda s, t: sure(s, t)[0],
}
CHECKED = {
    checks.bins: BINS,
    checks.two_fold: FOLDS,
    checks.efficiency: RATIOS,
    checks.affordable: SPENT,
    checks.stop: STOPS,
}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips.items()]


def by_sorting(ease, number):
    found = [0] * len(ease)
    for place, i in enumerate(sorted(range(len(ease)), key=lambda i: -ease[i])):
        found[i] = place * number // len(ease)
    return found


RIGHT = [
    (checks.bins, by_sorting),
    (checks.bins, lambda ease, k: stable_ranks(ease) * k // len(ease)),
    (checks.two_fold, halfway),
    (checks.stop, sure),
    (checks.efficiency, ratio),
    (checks.affordable, lambda n, r: max(0.0, (r - 1) * n)),
]


def test_blanks_are_no_mistakes():
    assert checks.bins(lambda ease, number: ...).mark == "–"
    assert checks.efficiency(lambda *given: ...).mark == "–"
    assert checks.affordable(lambda n, ratio: ...).mark == "–"
    assert checks.two_fold(lambda right, fold: ...).mark == "–"
    assert checks.stop(lambda scores, threshold: ...).mark == "–"


def test_no_line_speaks_of_types():
    said = [check(yours).line for check, yours, _ in WRONG]
    assert len(said) == len(WRONG) and not [line for line in said if "np.float" in line]
