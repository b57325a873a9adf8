"""Checks of notebook 08: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.prm_search import checks


def shares(scores, places, temperature):
    due = np.exp((scores - scores.max()) / temperature)
    due = places * due / due.sum()
    counts = np.floor(due).astype(int)
    counts[np.argsort(counts - due, kind="stable")[: places - counts.sum()]] += 1
    return counts


def beam(scores, finished, rng=None, width=2):
    ancestors = np.arange(len(scores))
    live = np.flatnonzero(~finished)
    best = live[np.argsort(-scores[live], kind="stable")][: math.ceil(len(live) / width)]
    ancestors[live] = np.repeat(best, width)[: len(live)]
    return ancestors


def sudden_death(scores, finished, rng):
    """The worst text under way makes room for a copy of the best."""
    ancestors = np.arange(len(scores))
    live = np.flatnonzero(~finished)
    if len(live):
        ancestors[live[scores[live].argmin()]] = live[scores[live].argmax()]
    return ancestors


def duels(scores, finished, rng):
    """Each place goes to the better of two texts drawn at random."""
    ancestors = np.arange(len(scores))
    live = np.flatnonzero(~finished)
    if len(live):
        pairs = rng.choice(live, (len(live), 2))
        ancestors[live] = np.where(
            scores[pairs[:, 0]] >= scores[pairs[:, 1]], pairs[:, 0], pairs[:, 1]
        )
    return ancestors


def published(scores, finished, rng):
    """All texts are ranked, the finished ones too, and the best half is copied."""
    return np.repeat(np.argsort(-scores)[: len(scores) // 2], 2)


def unfinished_only(scores, finished, rng):
    live = np.argsort(-np.where(finished, -1.0, scores))
    return np.resize(np.repeat(live[: len(scores) // 2], 2), len(scores))


def from_elsewhere(scores, finished, rng):
    return duels(scores, finished, np.random.default_rng())


def all_alike(scores, finished, rng):
    return beam(scores, finished) if not finished.all() else np.zeros(len(scores), dtype=int)


def changing(scores, finished, rng):
    found = beam(scores, finished)
    scores[:] = 0.0
    return found


def cast_too_soon(scores, places, temperature):
    """Overflows, and hides it: NaN as a whole number is a very large one."""
    counts = np.floor(places * softmax(scores, temperature)).astype(int)
    due = places * softmax(scores, temperature)
    counts[np.argsort(counts - due, kind="stable")[: places - counts.sum()]] += 1
    return counts


def power_sum(answers, scores, power):
    total = {}
    for answer, weight in zip(answers, (scores / scores.max()) ** power, strict=True):
        if answer is not None:
            total[answer] = total.get(answer, 0.0) + weight
    return max(total, key=total.get)


def with_none(answers, scores, power):
    total = {}
    for answer, weight in zip(answers, scores**power, strict=True):
        total[answer] = total.get(answer, 0.0) + weight
    return max(total, key=total.get)


def softmax(scores, temperature):
    due = np.exp(scores / temperature)
    return due / due.sum()


def overflowing(scores, places, temperature):
    with np.errstate(over="ignore", invalid="ignore"):
        due = places * softmax(scores, temperature)
    if not np.isfinite(due).all():
        return due
    counts = np.floor(due).astype(int)
    counts[np.argsort(counts - due, kind="stable")[: places - counts.sum()]] += 1
    return counts


def in_place(scores, places, temperature):
    found = shares(scores, places, temperature)
    scores[:] = 0.0
    return found


def proportional(scores, places, temperature):
    return shares(np.log(scores), places, 1.0)


LOOKAHEAD = {
    "affords fewer texts": lambda budget, k: budget * (k + 1),
    "are not free": lambda budget, k: budget,
    "divide by k + 1": lambda budget, k: budget // k,
    "round down to a whole": lambda budget, k: budget / (k + 1),
    "would cost 12": lambda budget, k: math.ceil(budget / (k + 1)),
    "more than there are": lambda budget, k: round(budget / (k + 1)),
    "afford": lambda budget, k: 1,
}
SHARES = {
    "these are shares": lambda s, places, t: places * softmax(s, t),
    "round down, then hand out": lambda s, places, t: np.floor(places * softmax(s, t)),
    "15 children for 16 places": lambda s, places, t: np.round(places * softmax(s, t)),
    "you multiply by the temperature": lambda s, places, t: shares(s, places, 1 / t),
    "in proportion to the scores": proportional,
    "overflows": overflowing,
    "subtract the largest score": cast_too_soon,
    "one number for each": lambda s, places, t: 4,
    "yours sum to": lambda s, places, t: np.ones(len(s)),
    "the shares are": lambda s, places, t: shares(-s, places, t),
    "gets all 8 places": lambda s, places, t: shares(s, places, t if t > 0.05 else 1.0),
    "changes the scores": in_place,
    "at a high temperature": lambda s, places, t: shares(s, places, 0.1),
}
GAINS = {
    "by the last score": lambda before, now: np.log(now) - np.log(before),
    "subtract what counts already": lambda before, now: np.log(np.minimum(before, now)),
    "of the product": lambda before, now: np.log(now),
    "take the logarithm": lambda before, now: np.minimum(before, now) / before,
    "a doubt lowers": lambda before, now: np.log(before) - np.log(np.minimum(before, now)),
    "the gains are": lambda before, now: np.zeros(len(now)),
}
SELECTIONS = {
    "was copied": published,
    "was dropped": unfinished_only,
    "keep its own place": lambda s, over, rng: np.sort(beam(s, over))[::-1],
    "everybody keeps the place": all_alike,
    "nobody was selected": lambda s, over, rng: np.arange(len(s)),
    "prefers low scores": lambda s, over, rng: beam(-s, over),
    "shape (": lambda s, over, rng: beam(s, over)[:-1],
    "places from 0": lambda s, over, rng: beam(s, over) + 5,
    "in place": changing,
    "draw from it alone": from_elsewhere,
}
ANSWERS = {
    "has no vote": with_none,
    "not what speaks for it": lambda answers, scores, power: scores.max(),
    "to the power 0": lambda answers, scores, power: power_sum(answers, scores, max(power, 1)),
    "highest score alone": lambda answers, scores, power: power_sum(answers, scores, power > 0),
    "divide by the largest": lambda answers, scores, power: power_sum(
        answers, scores if power < 100 else scores * 0 + 1, power
    ),
    "at power 2": lambda answers, scores, power: power_sum(answers, scores, power - (power == 2)),
}


CHECKED = {
    checks.lookahead_texts: LOOKAHEAD,
    checks.rebase_shares: SHARES,
    checks.smallest_gain: GAINS,
    checks.own_selection: SELECTIONS,
    checks.power_answer: ANSWERS,
}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips.items()]
RIGHT = [
    (checks.lookahead_texts, lambda budget, k: int(budget / (k + 1))),
    (checks.rebase_shares, shares),
    (checks.rebase_shares, lambda *given: shares(*given).tolist()),
    (checks.smallest_gain, lambda before, now: np.minimum(0, np.log(now / before))),
    (checks.smallest_gain, checks.gain_by_smallest),
    (checks.rebase_shares, checks.shares),
    (checks.own_selection, beam),
    (checks.own_selection, sudden_death),
    (checks.own_selection, duels),
    (checks.own_selection, lambda s, over, rng: beam(s, over).astype(float)),
    (checks.power_answer, power_sum),
    (checks.power_answer, checks.answer_by_power),
]


def test_blanks_are_no_mistakes():
    assert checks.lookahead_texts(lambda budget, k: ...).mark == "–"
    assert checks.rebase_shares(lambda scores, places, temperature: ...).mark == "–"
    assert checks.smallest_gain(lambda before, now: ...).mark == "–"
    assert checks.own_selection(lambda scores, finished, rng: ...).mark == "–"
    assert checks.power_answer(lambda answers, scores, power: ...).mark == "–"


def test_the_course_shares_out_as_the_library_does(seed):
    """Compared with what the largest remainders are: every share is rounded up or down."""
    rng = np.random.default_rng(seed)
    for _ in range(50):
        scores = rng.random(rng.integers(1, 9))
        temperature = 10 ** rng.uniform(-2, 1)
        places = int(rng.integers(1, 40))
        due = places * softmax(scores - scores.max(), temperature)
        counts = checks.shares(scores, places, temperature)
        assert counts.sum() == places and (np.abs(counts - due) < 1).all()
        up = counts > due
        rest = due - np.floor(due)
        assert not up.any() or up.all() or rest[up].min() >= rest[~up].max() - 1e-12
