"""Checks of notebook 08: weighing, REBASE's shares, a selection of one's own, what lookahead costs,
and an answer between the most frequent and the favourite one.
"""

from __future__ import annotations

import inspect

import numpy as np

from ttclib.course.slips import name_slip
from ttclib.exercise import close, exercise, expect, mistake
from ttclib.measure import votes


@exercise
def smallest_gain(yours):
    """``yours(before, now)`` → gains of log weights, (n,), if a text is worth its smallest score.

    ``before`` (n,) are the smallest scores so far, 1 at the beginning; ``now`` (n,) those of the
    new step.
    """
    before = np.array([1.0, 0.8, 0.8, 0.5])
    now = np.array([0.6, 0.4, 0.9, 0.5])
    right = np.log([0.6, 0.5, 1.0, 1.0])
    given = before.copy(), now.copy()
    with np.errstate(all="ignore"):
        got = yours(*given)
    expect(close(given, (before, now)), "your function changes the scores in place")
    expect(np.shape(got) == (4,), f"one gain for each text, shape (4,); yours {np.shape(got)}")
    slips = {
        "that is the weight by the last score: it rises again after a doubtful step": (
            lambda before, now: np.log(now / before)
        ),
        "subtract what counts already: else the first doubt is counted at every step": (
            lambda before, now: np.log(np.minimum(before, now))
        ),
        "the sum of these is the log of the product of all scores, not of the smallest": (
            lambda before, now: np.log(now)
        ),
        "weights multiply, so log weights add up: take the logarithm of the ratio": (
            lambda before, now: np.minimum(before, now) / before
        ),
        "a doubt lowers the weight: the new value over the old one, not the other way": (
            lambda before, now: -gain_by_smallest(before, now)
        ),
        "log weights add up, scores do not: take logarithms before you subtract": (
            lambda before, now: np.minimum(before, now) - before
        ),
        "that is what a text is worth; what does this step *gain* it, as a log weight?": np.minimum,
        "the smallest score counts; you let the largest": lambda before, now: np.log(
            np.maximum(before, now) / before
        ),
        "where a step is the worst so far, what counted before has to be taken out": (
            lambda before, now: np.where(now < before, np.log(now), 0.0)
        ),
        "take the natural logarithm": lambda before, now: gain_by_smallest(before, now) / np.log(2),
        "nothing gains or loses in yours: log(smallest now) − log(smallest before)": (
            lambda before, now: np.zeros(len(now))
        ),
    }
    other = np.array([0.9, 0.3, 0.7]), np.array([0.2, 0.6, 0.65])
    name_slip(yours, slips, [(before, now), other])
    expect(close(got, right), f"for scores {now} after {before} the gains are {np.round(right, 3)}")
    return "the gains add up to the log of the smallest score: one doubt is never forgiven"


@exercise
def lookahead_texts(yours):
    """``yours(budget, k)`` → the texts at a time, N, that lookahead with k steps can afford."""
    cases = {(256, 3): 64, (64, 1): 32, (10, 2): 3, (11, 3): 2, (256, 0): 256}
    too_many = "that many texts would cost 12 generations, more than there are; round down"
    slips = {
        "you multiply; N texts cost N · (k + 1), so a budget affords fewer texts, not more": (
            lambda budget, k: budget * (k + 1)
        ),
        "the steps written ahead are not free: each text is written on k times over": (
            lambda budget, k: budget
        ),
        "the text itself counts too: divide by k + 1, not by k": lambda budget, k: budget // k,
        "the text itself counts too: divide by k + 1, not by k, and round down": lambda budget, k: (
            budget / k
        ),
        "a third of a text does not exist: round down to a whole number": lambda budget, k: (
            budget / (k + 1)
        ),
        too_many: lambda budget, k: -(-budget // (k + 1)),
        too_many + " always": lambda budget, k: round(budget / (k + 1)),
        "brackets: budget // k + 1 divides by k first": lambda budget, k: budget // k + 1,
        "k steps ahead cost k, not 2ᵏ: one continuation is written, not a tree": lambda budget, k: (
            budget // 2**k
        ),
        "the price is k + 1 for each text; you subtract it once": lambda budget, k: budget - k - 1,
        "subtract nothing: N · (k + 1) may use the whole budget": lambda budget, k: (
            (budget - 1) // (k + 1)
        ),
        "that is what a text costs; how many can be paid?": lambda budget, k: k + 1,
        "that is what is left over; how many can be paid?": lambda budget, k: budget % (k + 1),
    }
    name_slip(yours, slips, [case for case in cases if case[1]])
    for (budget, k), right in cases.items():
        got = yours(budget, k)
        said = f"{budget} generations with k = {k} afford {right} texts; yours says {got}"
        expect(close(got, right), said)
    return (
        "with k = 3 a budget of 256 buys 64 texts: "
        "what lookahead sees must be worth four times the texts"
    )


@exercise(blanks=2)
def rebase_shares(yours):
    """``yours(scores, places, temperature)`` → the children of each text, (n,) whole numbers."""
    scores = np.array([0.9, 0.8, 0.77, 0.1])
    given = scores.copy()
    got = _counts(yours, given, 16, 0.1)
    softmax = np.exp(scores / 0.1) / np.exp(scores / 0.1).sum()
    if close(got, softmax) or close(got, 16 * softmax):
        mistake(
            "these are shares, not children: round them down, "
            "and give the places left to the largest rests"
        )
    if close(got, np.round(16 * softmax)) or close(got, np.floor(16 * softmax)):
        mistake(
            f"{int(got.sum())} children for 16 places: "
            "round down, then hand out what is left, one each"
        )
    again = _counts(yours, scores.copy(), 16, 0.1)
    expect(close(got, again), "nothing is drawn here: the same scores have the same children")
    if close(got, shares(scores, 16, 1.0)):
        mistake("the temperature is not used: exp(score / temperature)")
    due = 16 * softmax
    to_best = np.floor(due)
    to_best[0] += 16 - to_best.sum()
    if close(got, to_best) and not close(got, shares(scores, 16, 0.1)):
        mistake("the places left go to the largest rests, one each, not all to the best")
    if close(got, shares(np.log(softmax)[::-1] * 0.1, 16, 0.1)):
        mistake("these are the right numbers in another order: each text keeps its own place")
    if close(got, [16, 0, 0, 0]):
        mistake("all to the best is a beam of one; share out in proportion to exp(score / T)")
    if close(got, shares(scores, 16, 10.0)):
        mistake("you multiply by the temperature; divide: a low temperature favours the best")
    proportional = 16 * scores / scores.sum()
    if got.sum() == 16 and np.abs(got - proportional).max() < 1:
        mistake("that is in proportion to the scores; REBASE takes exp(score / temperature)")
    whole = close(got.sum(), 16) and close(got, np.round(got))
    expect(whole, f"16 places need 16 children; yours sum to {got.sum():g}")
    due = np.array2string(16 * softmax, precision=1)
    near = np.abs(got - 16 * softmax).max() < 1
    expect(near, f"the shares are {due} of 16; yours are {got.astype(int)}")
    expect((scores == given).all(), "your function changes the scores in place")
    cold = _counts(yours, np.array([0.9, 0.5]), 8, 1e-3)
    if not (np.abs(cold) <= 9).all():  # NaN, or what NaN becomes as a whole number
        mistake("at a temperature of 0.001 exp overflows: subtract the largest score first")
    all_to_one = f"near temperature 0 the best gets all 8 places; yours gives {cold}"
    expect(close(cold, [8, 0]), all_to_one)
    hot = _counts(yours, np.array([0.9, 0.5, 0.1]), 6, 1e6)
    expect(close(hot, [2, 2, 2]), f"at a high temperature all get the same; yours gives {hot}")
    return "low temperature: all to the best, as a beam of one; high: one child each, as best of N"


@exercise
def own_selection(yours):
    """``yours(scores, finished, rng)`` → ancestors (n,): any selection that keeps the rule."""
    scores = np.array([0.5, 0.95, 0.2, 0.7, 0.9, 0.6, 0.1, 0.8])
    over = np.array([False, True, False, False, True, False, False, False])
    got = _ancestors(yours, scores, over)
    count = np.bincount(got, minlength=8)
    if count[1] > 1 or count[4] > 1:
        mistake(
            "a finished text was copied: it would be counted several times, and is paid for again"
        )
    if count[1] == 0 or count[4] == 0:
        mistake("a finished text was dropped: an answer that was paid for is lost")
    if got[1] != 1 or got[4] != 4:
        mistake("a finished text has to keep its own place: ancestors[i] = i")
    all_over = _ancestors(yours, scores[:3], np.ones(3, dtype=bool))
    expect((all_over == np.arange(3)).all(), "where all are finished, everybody keeps the place")
    rng = np.random.default_rng(0)
    chosen = []
    moved = False
    for seed in range(64):
        some = rng.random(8)
        found = _ancestors(yours, some, over, seed)
        chosen.append(some[found[~over]].mean() - some[~over].mean())
        moved = moved or (found != np.arange(8)).any()
    if not moved:
        mistake("nobody was selected: that is best of N")
    if abs(np.mean(chosen)) < 0.05:
        mistake("it does not look at the scores: the chosen are no better than the others")
    if np.mean(chosen) < 0:
        mistake("it prefers low scores; argsort counts upwards, so sort −scores")
    return f"the parents' scores are {np.mean(chosen):.2f} above the average of those under way"


@exercise
def power_answer(yours):
    """``yours(answers, scores, power)`` → the answer with the largest sum of score ** power."""
    answers = [7, 8, 7, 9, 8, 7, 8, 7]
    scores = np.array([0.2, 0.5, 0.2, 0.9, 0.3, 0.2, 0.2, 0.2])
    with np.errstate(all="ignore"):
        said = {power: yours(list(answers), scores.copy(), power) for power in (0, 1, 2, 50)}
        tiny = yours([7, 8], np.array([1e-4, 2e-4]), 100)
        voted = yours([7, 8, 7], np.array([0.1, 0.9, 0.2]), 0)
    if inspect.unwrap(yours)([None, 7], np.array([1.0, 0.5]), 1) is None:
        mistake("a text without an answer has no vote, whatever its score")
    if not all(value in (7, 8, 9) for value in said.values()):
        mistake("give back the answer, not what speaks for it or where it stands")
    wins = tuple(said.values())
    if wins == (7, 7, 7, 7):
        mistake("the power is not used: that is the majority whatever it says")
    if wins == (8, 8, 8, 8) or wins[1:] == (8, 8, 8):
        mistake("at a high power the highest score alone decides: score ** power, not times power")
    if wins == (9, 9, 9, 9):
        mistake("sum over equal answers: to the power 0 the most frequent one has to win")
    if wins[1:] == (9, 9, 9):
        mistake("the *sum* of the powers counts, not their mean or the largest of them")
    if voted != 7:
        mistake("to the power 0 every text counts 1, so the most frequent answer wins")
    if said[50] != 9:
        mistake("at a high power the highest score alone decides: score ** power, not times power")
    if tiny != 8:
        mistake("0.0002 to the power 100 is 0 to the computer: divide by the largest score first")
    right = {0: 7, 1: 8, 2: 9, 50: 9}
    for power, answer in right.items():
        expect(said[power] == answer, f"at power {power} it is {answer}; yours says {said[power]}")
    return "power 0 is the majority, 1 the weighted answer, and a large one the highest score"


def gain_by_smallest(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Gains of log weights, (n,), if a text is worth its smallest score."""
    return np.log(np.minimum(before, now)) - np.log(before)


def answer_by_power(answers, scores: np.ndarray, power: float):
    """Return the answer with the largest sum of score ** power; None if there is none."""
    return votes.weighted_majority(answers, (scores / scores.max()) ** power)


def _ancestors(yours, scores: np.ndarray, over: np.ndarray, seed: int = 0) -> np.ndarray:
    """Ancestors of the learner's selection as whole numbers, after what any must keep."""
    given = scores.copy()
    got, again = (
        np.asarray(yours(given, over.copy(), np.random.default_rng(seed))) for _ in range(2)
    )
    n = len(scores)
    one_each = f"one ancestor for each of the {n} places; yours has shape {got.shape}"
    expect(got.shape == (n,), one_each)
    whole = close(got, np.round(got)) and (got >= 0).all() and (got < n).all()
    expect(whole, f"ancestors are places from 0 to {n - 1}; yours are {got.tolist()}")
    expect((given == scores).all(), "your function changes the scores in place")
    expect((got == again).all(), "the same rng must give the same ancestors: draw from it alone")
    return got.astype(int)


def _counts(yours, scores: np.ndarray, places: int, temperature: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        values = np.asarray(yours(scores, places, temperature), dtype=float)
    one_each = f"one number for each of the {len(scores)} texts; yours has shape {values.shape}"
    expect(values.shape == scores.shape, one_each)
    return values


def shares(scores: np.ndarray, places: int, temperature: float) -> np.ndarray:
    """Share places out in proportion to exp(score / temperature), by the largest remainders."""
    due = np.exp((scores - scores.max()) / temperature)
    due *= places / due.sum()
    counts = np.floor(due).astype(int)
    counts[np.argsort(counts - due, kind="stable")[: places - counts.sum()]] += 1
    return counts
