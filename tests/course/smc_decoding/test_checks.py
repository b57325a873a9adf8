"""Checks of notebook 06: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.smc_decoding import answers, checks


def fair(probs, mask):
    return probs * mask / (probs * mask).sum()


def kept(probs, mask):
    return math.log((probs * mask).sum())


def drawn(proposal):
    return lambda probs, mask: (proposal(probs, mask), kept(probs, mask))


def weighed(weight):
    return lambda probs, mask: (fair(probs, mask), weight(probs, mask))


def step_in_place(probs, mask):
    probs *= mask
    weight = probs.sum()
    return probs / weight, math.log(weight)


def step_for_hard_masks(probs, mask):
    kept = np.where(mask > 0, probs, 0.0)
    return kept / kept.sum(), math.log(kept.sum())


def greedy(probs, mask):
    one = np.zeros(len(probs))
    one[np.argmax(probs * mask)] = 1
    return one


STEPS = [
    ("garden path", weighed(lambda probs, mask: 0.0)),
    ("return its logarithm", weighed(lambda probs, mask: probs @ mask)),
    ("other way up", weighed(lambda probs, mask: -kept(probs, mask))),
    ("threw away", weighed(lambda probs, mask: kept(probs, 1 - mask))),
    ("the natural logarithm, as", weighed(lambda probs, mask: np.log2(probs @ mask))),
    ("not that to base 10", weighed(lambda probs, mask: np.log10(probs @ mask))),
    ("not words: how much", weighed(lambda probs, mask: np.log(mask.sum()))),
    ("not words: a share", weighed(lambda probs, mask: np.log(mask.mean()))),
    ("then take one logarithm", weighed(lambda probs, mask: sum(np.log(probs[mask == 1])))),
    ("their mean is not", weighed(lambda probs, mask: np.log((probs * mask).mean()))),
    ("before you divide", weighed(lambda probs, mask: fair(probs, mask).sum())),
    ("one weight for the whole step", weighed(lambda probs, mask: np.log(probs * mask + 1e-9))),
    ("sum to one", drawn(lambda probs, mask: probs * mask)),
    ("draw evenly", drawn(lambda probs, mask: mask / mask.sum())),
    ("is *allowed*", drawn(lambda probs, mask: fair(probs, 1 - mask))),
    ("you draw from all words", drawn(lambda probs, mask: probs)),
    ("would be greedy", drawn(greedy)),
    ("not logits", drawn(lambda probs, mask: fair(np.exp(probs), mask))),
    ("keep their proportions", drawn(lambda probs, mask: fair(probs**2, mask))),
    ("return two things", fair),
    ("the other way round", lambda probs, mask: (kept(probs, mask), fair(probs, mask))),
    ("shape (4,)", lambda probs, mask: (1.0, 0.0)),
    ("shape (4,)", drawn(lambda probs, mask: probs[mask > 0] / probs[mask > 0].sum())),
    ("log weight is", weighed(lambda probs, mask: 1.5)),
    ("log weight is", weighed(lambda probs, mask: round(kept(probs, mask), 2))),
    ("changes what it is given", step_in_place),
    ("between 0 and 1", step_for_hard_masks),
]


def weighed_in_place(w, kept, over):
    w[~over] *= kept[~over]
    return w


def share_in_place(w, kept, over):
    kept[over] = 1
    return w * kept


def both_ways(w, kept, over):
    return np.where(over, w, w * kept)


WEIGHTS = [
    ("once more", lambda w, kept, over: w * kept),
    ("had earned", lambda w, kept, over: np.where(over, 1.0, w * kept)),
    ("long texts survive", lambda w, kept, over: w * kept * ~over),
    ("keeps its own weight", lambda w, kept, over: np.where(over, kept, w * kept)),
    ("multiply up", lambda w, kept, over: np.where(over, w, kept)),
    ("do not add", lambda w, kept, over: np.where(over, w, w + kept)),
    ("the other way round", lambda w, kept, over: np.where(over, w * kept, w)),
    ("the other way round", lambda w, kept, over: w * kept**over),
    ("nobody's weight changed", lambda w, kept, over: w.copy()),
    ("does not divide", lambda w, kept, over: w / np.where(over, 1, kept)),
    ("do not rescale: ", lambda w, k, over: both_ways(w, k, over) / both_ways(w, k, over).sum()),
    ("a mean of 1", lambda w, k, over: both_ways(w, k, over) / both_ways(w, k, over).mean()),
    ("not their logarithms", lambda w, kept, over: w + np.log(np.where(over, 1, kept))),
    ("in place", weighed_in_place),
    ("in place", share_in_place),
    ("one weight a text", lambda w, kept, over: (w * kept)[~over]),
    ("one weight a text", lambda w, kept, over: both_ways(w, kept, over).mean()),
    ("should be", lambda w, kept, over: np.sqrt(both_ways(w, kept, over))),
    ("should be", lambda w, kept, over: np.where(over, w.max(), w * kept)),
    ("in a whole decoder the mean", lambda w, k, over: both_ways(w, np.minimum(k, 0.9), over)),
    ("your code stopped with", lambda w, kept, over: w * kept if over else w),
]
TWISTS = [
    ("nobody is preferred", (1, 1, 1, 1)),
    ("nobody is preferred", [0, 0, 0, 0]),
    ("garden path", (0, 5, 0, 5)),
    ("all are wrong", (0, -1, -7, -5)),
    ("get it below", (-5, -3, -3, 0)),
    ("get it below", (-5, -7, -1, -5)),
    ("garden path", (0, -1, -1, 0)),
    ("all are wrong", (-5, -1, -9, 0)),
    ("all are wrong", (0, 0, -9, 0)),
    ("four numbers: nothing", (0, 1, 2)),
    ("four numbers: nothing", 3.0),
    ("four numbers: nothing", {"fell": -1}),
    ("four numbers: nothing", ("-5", "-7", "-1", "0")),
    ("four numbers: nothing", np.zeros((4, 1))),
    ("must be finite", (0, 0, 0, -math.inf)),
    ("must be finite", (0, 0, math.nan, 0)),
]

CHECKED = {checks.masked_step: STEPS, checks.finished: WEIGHTS, checks.twist: TWISTS}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips]


def step(probs, mask):
    left = np.multiply(probs, mask)
    return (left / np.sum(left)).tolist(), float(np.log(np.sum(left)))


def step_by_loop(probs, mask):
    left = [p * m for p, m in zip(probs, mask, strict=True)]
    return [value / sum(left) for value in left], math.log(sum(left))


def step_by_logs(probs, mask):
    with np.errstate(divide="ignore"):
        log_q = np.log(probs) + np.log(mask)
    weight = np.logaddexp.reduce(log_q)
    return np.exp(log_q - weight), weight


def weigh_by_loop(w, kept, finished):
    return [w[i] if finished[i] else w[i] * kept[i] for i in range(len(w))]


def weigh_a_copy(w, kept, finished):
    new = w.copy()
    new[~finished] *= kept[~finished]
    return new


RIGHT = [
    (checks.masked_step, step),
    (checks.masked_step, answers.masked_step),
    (checks.masked_step, step_by_loop),
    (checks.masked_step, step_by_logs),
    (checks.masked_step, lambda probs, mask: [fair(probs, mask), np.log(probs @ mask)]),
    (checks.masked_step, lambda p, m: (p * m / np.dot(p, m), math.log(np.dot(p, m)))),
    (checks.finished, answers.weigh),
    (checks.finished, lambda w, kept, over: w * kept ** (~over)),
    (checks.finished, lambda w, kept, over: np.where(over, w, w * kept)),
    (checks.finished, lambda w, kept, over: w * np.where(over, 1.0, kept)),
    (checks.finished, lambda w, kept, over: w * over + w * kept * (1 - over)),
    (checks.finished, weigh_by_loop),
    (checks.finished, weigh_a_copy),
    (checks.twist, answers.TWIST),
    (checks.twist, (-5, -7, -1, 0)),
    (checks.twist, [-4.9, -7.6, -1.9, 0]),
    (checks.twist, np.array([0, -2, 4, 4])),
    (checks.twist, (-5.0, -8.0, -1.0, 0.0)),
]


def test_blanks_are_no_mistakes():
    assert checks.masked_step(lambda probs, mask: (..., ...)).mark == "–"
    assert checks.finished(lambda w, kept, over: ...).mark == "–"
    assert checks.twist((0.0, ..., ..., ...)).mark == "–"
