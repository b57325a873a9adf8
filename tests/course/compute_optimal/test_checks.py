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


def threes(ease, number):
    return np.array([2, 0, 1, 2, 0, 3, 0, 1]) if len(ease) == 8 else ranks(ease)


BINS = [
    ("upside down", lambda ease, k: ranks(-ease) * k // len(ease)),
    ("from 0", lambda ease, k: ranks(ease) * k // len(ease) + 1),
    ("sort once more", lambda ease, k: np.argsort(-ease) * k // len(ease)),
    ("share four bins", lambda ease, k: ranks(ease)),
    ("a whole number", lambda ease, k: ranks(ease) * k / len(ease)),
    ("deals the ranks out", lambda ease, k: ranks(ease) % k),
    ("two halves", lambda ease, k: (ease < np.median(ease)).astype(int)),
    ("not the numbers", lambda ease, k: np.minimum((1 - ease) * k, k - 1).astype(int)),
    ("not the numbers", lambda ease, k: np.digitize(-ease, np.linspace(-1, 0, k + 1)[1:-1])),
    ("not the numbers", threes),
    ("makes bins", lambda ease, k: (ranks(ease) * k // len(ease) + 1) % k),
    ("makes bins", lambda ease, k: ranks(ease)[::-1] * k // len(ease)),
    ("shape (8,)", lambda ease, k: 0),
    ("shape (8,)", lambda ease, k: np.array_split(np.argsort(-ease), k)),
    ("7 or 8 in each", lambda ease, k: ranks(ease) // (len(ease) // k)),
    (
        "37 do not",
        lambda ease, k: ranks(ease) * k // len(ease) if len(ease) < 9 else np.arange(37) * 5 // 37,
    ),
    (
        "keep their order",
        lambda ease, k: np.argsort(np.lexsort((-np.arange(len(ease)), -ease))) * k // len(ease),
    ),
    ("changed the array", lambda ease, k: np.multiply(ease, 2, out=ease)),
]
RATIOS = [
    ("how many times 4", lambda x, y, n, a: n * ratio(x, y, n, a)),
    ("other way up", lambda x, y, n, a: 1 / ratio(x, y, n, a)),
    ("interpolate log N", lambda x, y, n, a: np.interp(a, y, x) / n),
    ("next budget", lambda x, y, n, a: x[np.argmax(y >= a)] / n),
    ("the budget before", lambda x, y, n, a: x[np.searchsorted(y, a) - 1] / n),
    ("nearest point", lambda x, y, n, a: x[np.argmin(abs(y - a))] / n),
    ("before you divide", lambda x, y, n, a: np.interp(a, y, np.log(x)) / n),
    ("logarithm of the ratio", lambda x, y, n, a: np.log(ratio(x, y, n, a))),
    ("you compare accuracies", lambda x, y, n, a: a / np.interp(n, x, y)),
    ("are saved; how many", lambda x, y, n, a: n * ratio(x, y, n, a) - n),
    ("accuracy of the baseline at n", lambda x, y, n, a: np.interp(np.log(n), np.log(x), y)),
    ("stops at its last", lambda x, y, n, a: np.exp(np.interp(a, y, np.log(x))) / n),
    ("on the curve itself", lambda x, y, n, a: 8.0),
    ("who needs 64", lambda x, y, n, a: max(1.0, ratio(x, y, n, a))),
    ("halfway from 16 to 64", lambda x, y, n, a: 7.0),
    ("halfway from 16 to 64", lambda x, y, n, a: ratio(x, y, n, a) ** 2),
    ("np.inf; yours", lambda x, y, n, a: ratio(x, y, n, a) if a < 0.7 else 99.0),
    ("np.inf; yours", lambda x, y, n, a: ratio(x, y, n, a) if a < 0.7 else np.nan),
    ("does reach", lambda x, y, n, a: np.inf if a >= y[-1] else ratio(x, y, n, a)),
    ("its first budget", lambda x, y, n, a: 0.0 if a < y[0] else ratio(x, y, n, a)),
]
SPENT = [
    ("so 5 are left", lambda n, r: 16 * (r - 1)),
    ("so 5 are left", lambda n, r: int(n * (r - 1)) // 16 * 16),
    ("answer itself", lambda n, r: n * r),
    ("for each generation", lambda n, r: r - 1),
    ("a third of 16", lambda n, r: n / r),
    ("not 16 − 16/3", lambda n, r: n - n / r),
    ("is not added", lambda n, r: n + r),
    ("not one: best-of-N", lambda n, r: n * r - 1),
    ("pay together", lambda n, r: n * r + n),
    ("the sign", lambda n, r: n - n * r),
    ("of how many generations", lambda n, r: 1 - 1 / r),
    ("on the answer already", lambda n, r: n),
    ("so 32 are left", lambda n, r: 0),
    ("so 32 are left", lambda n, r: n * r - r),
    ("0, not less", lambda n, r: n * (r - 1)),
    ("nothing to spend: 0", lambda n, r: n * abs(r - 1)),
    ("no saving", lambda n, r: n * (r - 1) if r > 1 else 1),
]


def best_of(half, right, fold):
    return right[:, fold == half].mean(axis=1).argmax()


def noisy(right, fold):
    right += 1
    return halfway(right, fold)


FOLDS = [
    ("chosen on itself", lambda r, f: np.where(f, best_of(True, r, f), best_of(False, r, f))),
    ("best method of all problems", lambda r, f: np.full(6, r.mean(axis=1).argmax())),
    ("each single problem", lambda r, f: r.argmax(axis=0)),
    ("not argmin", lambda r, f: np.where(f, *[r[:, f == h].mean(axis=1).argmin() for h in (0, 1)])),
    ("not max", lambda r, f: np.where(f, *[r[:, f == h].mean(axis=1).max() for h in (0, 1)])),
    ("chosen on the first", lambda r, f: np.full(6, best_of(False, r, f))),
    ("chosen on the second", lambda r, f: np.full(6, best_of(True, r, f))),
    ("the last three", lambda r, f: np.zeros(6, dtype=int) + np.array([1, 0, 1, 0, 0, 0])),
    ("the last three", lambda r, f: halfway(r, f) + 1),
    ("may be mixed", lambda r, f: np.array([2, 2, 2, 0, 0, 0])),
    ("did not run", lambda r, f: halfway(np.nan_to_num(r, nan=9.0), f)),
    ("did not run", lambda r, f: halfway(r[~np.isnan(r).any(axis=1)], f)),
    ("shape (6,)", lambda r, f: halfway(r, f)[:2]),
    ("shape (6,)", lambda r, f: [best_of(False, r, f), best_of(True, r, f)]),
    ("changes what it is given", noisy),
]
STOPS = [
    ("it was written", lambda s, t: (sure(s, t)[0] - 1, sure(s, t)[1])),
    ("count from 0", lambda s, t: (sure(s, t)[0], sure(s, t)[1] + 1)),
    ("the other way round", lambda s, t: sure(s, t)[::-1]),
    ("below the threshold", lambda s, t: (np.argmax(s < t) + 1, np.argmax(s < t))),
    ("not its score", lambda s, t: (sure(s, t)[0], s[sure(s, t)[1]])),
    ("is not asked", lambda s, t: ((s >= t).sum(), sure(s, t)[1])),
    ("and pays for them", lambda s, t: (len(s), sure(s, t)[1])),
    ("takes the best", lambda s, t: (len(s), np.argmax(s))),
    ("is too late", lambda s, t: (np.flatnonzero(s >= t)[-1] + 1, np.flatnonzero(s >= t)[-1])),
    ("never sees the rest", lambda s, t: (sure(s, t)[0], np.argmax(s))),
    ("4 texts, place 3", lambda s, t: (2, 0)),
    ("is enough", lambda s, t: sure(s, t + 1e-9)),
    ("all False is 0", lambda s, t: (np.argmax(s >= t) + 1, np.argmax(s >= t))),
    ("the best has place 4", lambda s, t: sure(s, t) if max(s) >= t else (len(s), len(s) - 2)),
    ("two numbers", lambda s, t: sure(s, t)[0]),
    ("your code stopped with", lambda s, t: (1, 0) if s >= t else (len(s), 0)),
]
CHECKED = {
    checks.bins: BINS,
    checks.two_fold: FOLDS,
    checks.efficiency: RATIOS,
    checks.affordable: SPENT,
    checks.stop: STOPS,
}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips]


def by_sorting(ease, number):
    found = [0] * len(ease)
    for place, i in enumerate(sorted(range(len(ease)), key=lambda i: -ease[i])):
        found[i] = place * number // len(ease)
    return found


def by_splitting(ease, number):
    found = np.zeros(len(ease), dtype=int)
    for i, mine in enumerate(np.array_split(np.argsort(-ease, kind="stable"), number)):
        found[mine] = i
    return found


def each_by_its_half(right, fold):
    chosen = []
    for half in fold:
        other = [i for i in range(len(fold)) if fold[i] != half]
        chosen.append(max(range(len(right)), key=lambda m: np.nan_to_num(right[m][other]).mean()))
    return chosen


def one_at_a_time(scores, threshold):
    for i, score in enumerate(scores):
        if score >= threshold:
            return i + 1, i
    return len(scores), max(range(len(scores)), key=lambda i: scores[i])


def by_running_maximum(scores, threshold):
    high = np.append(np.nonzero(np.array(scores) >= threshold)[0], len(scores))[0]
    return (high + 1, high) if high < len(scores) else (high, np.argmax(scores))


def by_hand(budgets, baseline, n, accuracy):
    if accuracy <= baseline[0]:
        return budgets[0] / n
    for i in range(1, len(budgets)):
        if accuracy <= baseline[i]:
            part = (accuracy - baseline[i - 1]) / (baseline[i] - baseline[i - 1])
            return budgets[i - 1] * (budgets[i] / budgets[i - 1]) ** part / n
    return float("inf")


RIGHT = [
    (checks.bins, by_sorting),
    (checks.bins, lambda ease, k: stable_ranks(ease) * k // len(ease)),
    (checks.bins, lambda ease, k: np.floor(stable_ranks(ease) * k / len(ease))),
    (checks.bins, lambda ease, k: (stable_ranks(ease) * k // len(ease)).tolist()),
    (checks.bins, by_splitting),
    (checks.two_fold, halfway),
    (checks.two_fold, each_by_its_half),
    (checks.two_fold, lambda right, fold: halfway(right, fold).tolist()),
    (checks.two_fold, lambda right, fold: halfway(right, np.array(fold)).astype(float)),
    (checks.stop, sure),
    (checks.stop, one_at_a_time),
    (checks.stop, by_running_maximum),
    (checks.stop, lambda s, t: list(map(int, sure(s, t)))),
    (checks.efficiency, ratio),
    (checks.efficiency, by_hand),
    (
        checks.efficiency,
        lambda x, y, n, a: 2 ** np.interp(a, y, np.log2(x), right=np.inf) / n,
    ),
    (
        checks.efficiency,
        lambda x, y, n, a: np.exp(np.interp(a, y, np.log(np.array(x) / n), right=np.inf)),
    ),
    (checks.affordable, lambda n, r: max(0.0, (r - 1) * n)),
    (checks.affordable, lambda n, r: np.maximum(n * r - n, 0)),
    (checks.affordable, lambda n, r: n * (r - 1) if r > 1 else 0),
    (checks.affordable, lambda n, r: n * np.clip(r - 1, 0, None)),
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
