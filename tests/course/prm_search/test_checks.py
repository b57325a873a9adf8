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


def beam(scores, finished, width):
    ancestors, live = np.arange(len(scores)), np.flatnonzero(~finished)
    best = live[np.argsort(-scores[live], kind="stable")][: math.ceil(len(live) / width)]
    ancestors[live] = np.repeat(best, width)[: len(live)]
    return ancestors


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


def rounding_down(scores, finished, width):
    """Too few children for a number of places that the width does not divide."""
    ancestors, live = np.arange(len(scores)), np.flatnonzero(~finished)
    best = live[np.argsort(-scores[live], kind="stable")][: len(live) // width]
    ancestors[live] = np.resize(np.repeat(best, width), len(live))
    return ancestors


def proportional(scores, places, temperature):
    return shares(np.log(scores), places, 1.0)


LOOKAHEAD = {
    "affords fewer texts": lambda budget, k: budget * (k + 1),
    "are not free": lambda budget, k: budget,
    "divide by k + 1": lambda budget, k: budget // k if k else budget,
    "round down to a whole": lambda budget, k: budget / (k + 1),
    "would cost 12 of 10": lambda budget, k: math.ceil(budget / (k + 1)),
    "afford": lambda budget, k: 1,
}
SHARES = {
    "these are shares": lambda s, places, t: places * softmax(s, t),
    "round down, then hand out": lambda s, places, t: np.floor(places * softmax(s, t)),
    "15 children for 16 places": lambda s, places, t: np.round(places * softmax(s, t)),
    "you multiply by the temperature": lambda s, places, t: shares(s, places, 1 / t),
    "in proportion to the scores": proportional,
    "overflows": overflowing,
    "one number for each": lambda s, places, t: 4,
    "yours sum to": lambda s, places, t: np.ones(len(s)),
    "the shares are": lambda s, places, t: shares(-s, places, t),
    "gets all 8 places": lambda s, places, t: shares(s, places, t if t > 0.05 else 1.0),
    "changes the scores": in_place,
    "at a high temperature": lambda s, places, t: shares(s, places, 0.1),
}
BEAMS = {
    "was copied": lambda s, over, m: np.repeat(np.argsort(-s)[: len(s) // m], m),
    "was dropped": lambda s, over, m: np.repeat(
        np.flatnonzero(~over)[np.argsort(-s[~over])][: len(s) // m + 1], m
    )[: len(s)],
    "keep its own place": lambda s, over, m: np.sort(beam(s, over, m))[::-1],
    "nobody was selected": lambda s, over, m: np.arange(len(s)),
    "these are the worst": lambda s, over, m: beam(-s, over, m),
    "shape (": lambda s, over, m: beam(s, over, m)[:-1],
    "keep two texts": rounding_down,
    "best three": lambda s, over, m: beam(s, over, 6),
}


CHECKED = {
    checks.lookahead_texts: LOOKAHEAD,
    checks.rebase_shares: SHARES,
    checks.beam_ancestors: BEAMS,
}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips.items()]
RIGHT = [
    (checks.lookahead_texts, lambda budget, k: int(budget / (k + 1))),
    (checks.rebase_shares, shares),
    (checks.rebase_shares, lambda *given: shares(*given).tolist()),
    (checks.beam_ancestors, beam),
    (checks.beam_ancestors, lambda s, over, m: np.where(over, np.arange(len(s)), beam(s, over, m))),
]


def test_blanks_are_no_mistakes():
    assert checks.lookahead_texts(lambda budget, k: ...).mark == "–"
    assert checks.rebase_shares(lambda scores, places, temperature: ...).mark == "–"
    assert checks.beam_ancestors(lambda scores, finished, width: ...).mark == "–"
