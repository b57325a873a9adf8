"""Checks of notebook 09: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.compute_optimal import checks


def ranks(ease):
    return np.argsort(np.argsort(-ease))


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
    "35 do not": lambda ease, k: ranks(ease) // 2,
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
SPENT = {
    "answer itself": lambda n, r: n * r,
    "for each generation": lambda n, r: r - 1,
    "a third of 16": lambda n, r: n / r,
    "so 32 are left": lambda n, r: 0,
    "0, not less": lambda n, r: n * (r - 1),
    "nothing to spend: 0": lambda n, r: n * abs(r - 1),
    "no saving": lambda n, r: 2 * n if r == 3 else 1,
}


CHECKED = {checks.bins: BINS, checks.efficiency: RATIOS, checks.affordable: SPENT}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips.items()]


def by_sorting(ease, number):
    found = [0] * len(ease)
    for place, i in enumerate(sorted(range(len(ease)), key=lambda i: -ease[i])):
        found[i] = place * number // len(ease)
    return found


RIGHT = [
    (checks.bins, by_sorting),
    (checks.bins, lambda ease, k: ranks(ease) * k // len(ease)),
    (checks.efficiency, ratio),
    (checks.affordable, lambda n, r: max(0.0, (r - 1) * n)),
]


def test_blanks_are_no_mistakes():
    assert checks.bins(lambda ease, number: ...).mark == "–"
    assert checks.efficiency(lambda *given: ...).mark == "–"
    assert checks.affordable(lambda n, ratio: ...).mark == "–"
