"""Checks of notebook 06: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.smc_decoding import answers, checks

STEPS = {
    "garden path": lambda probs, mask: (probs * mask / (probs * mask).sum(), 0.0),
    "return its logarithm": lambda probs, mask: (
        probs * mask / (probs * mask).sum(),
        (probs * mask).sum(),
    ),
    "other way up": lambda probs, mask: (
        probs * mask / (probs * mask).sum(),
        -math.log((probs * mask).sum()),
    ),
    "threw away": lambda probs, mask: (
        probs * mask / (probs * mask).sum(),
        math.log((probs * (1 - mask)).sum()),
    ),
    "sum to one": lambda probs, mask: (probs * mask, math.log((probs * mask).sum())),
    "draw evenly": lambda probs, mask: (mask / mask.sum(), math.log((probs * mask).sum())),
    "proportions": lambda probs, mask: (probs, 0.0),
    "return two things": lambda probs, mask: probs * mask / (probs * mask).sum(),
    "shape (4,)": lambda probs, mask: (1.0, 0.0),
    "log weight is": lambda probs, mask: (probs * mask / (probs * mask).sum(), 1.0),
}
WEIGHTS = {
    "once more": lambda w, kept, over: w * kept,
    "had earned": lambda w, kept, over: np.where(over, 1.0, w * kept),
    "long texts survive": lambda w, kept, over: np.where(over, 0.0, w * kept),
    "multiply up": lambda w, kept, over: np.where(over, w, kept),
    "should be": lambda w, kept, over: w,
    "in place": lambda w, kept, over: np.multiply(w, kept, out=w, where=~over),
}
TWISTS = {
    "nobody is preferred": (1, 1, 1, 1),
    "garden path": (0, 5, 0, 5),
    "get it below": (-5, -3, -3, 0),
    "all are wrong": (-5, -1, -9, 0),
    "four numbers": (0, 1, 2),
    "four numbers: nothing": ("-5", "-7", "-1", "0"),
    "must be finite": (0, 0, 0, -math.inf),
}


CHECKED = {checks.masked_step: STEPS, checks.finished: WEIGHTS, checks.twist: TWISTS}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips.items()]


def step(probs, mask):
    kept = np.where(mask > 0, probs, 0.0)
    return (kept / np.sum(kept)).tolist(), float(np.log(np.sum(kept)))


RIGHT = [
    (checks.masked_step, step),
    (checks.masked_step, answers.masked_step),
    (checks.finished, answers.weigh),
    (checks.twist, answers.TWIST),
    (checks.finished, lambda w, kept, over: w * kept ** (~over)),
    (checks.finished, lambda w, kept, over: np.where(over, w, w * kept)),
    (checks.twist, (-5, -7, -1, 0)),
    (checks.twist, (-4.9, -7.6, -1.9, 0)),
    (checks.twist, (0, -2, 4, 4)),
]


def test_blanks_are_no_mistakes():
    assert checks.masked_step(lambda probs, mask: (..., ...)).mark == "–"
    assert checks.finished(lambda w, kept, over: ...).mark == "–"
    assert checks.twist((0.0, ..., ..., ...)).mark == "–"
