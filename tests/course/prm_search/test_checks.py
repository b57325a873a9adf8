"""Checks of notebook 08: the right answer passes, and each slip is told what it is."""

import math
from collections import Counter

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


def rest_to_the_best(scores, places, temperature):
    counts = np.floor(places * softmax(scores, temperature)).astype(int)
    counts[scores.argmax()] += places - counts.sum()
    return counts


def by_luck(scores, places, temperature):
    return np.random.multinomial(places, softmax(scores - scores.max(), temperature))  # noqa: NPY002


def uniform(scores, finished, rng):
    ancestors = np.arange(len(scores))
    live = np.flatnonzero(~finished)
    if len(live):
        ancestors[live] = rng.choice(live, len(live))
    return ancestors


def gain_in_place(before, now):
    now[now > before] = before[now > before]
    return np.log(now / before)


def mean_power(answers, scores, power):
    mean = {a: np.mean([s**power for b, s in zip(answers, scores) if b == a]) for a in answers if a}  # noqa: B905
    return max(mean, key=mean.get)


def favourite(answers, scores, power):
    pairs = zip(scores, answers, strict=True)
    return max((score, answer) for score, answer in pairs if answer is not None)[1]


def power_of_sum(answers, scores, power):
    total = {a: sum(s for b, s in zip(answers, scores) if b == a) ** power for a in answers if a}  # noqa: B905
    return max(total, key=total.get)


LOOKAHEAD = [
    ("affords fewer texts", lambda budget, k: budget * (k + 1)),
    ("are not free", lambda budget, k: budget),
    ("divide by k + 1", lambda budget, k: budget // k),
    ("and round down", lambda budget, k: budget / k),
    ("round down to a whole", lambda budget, k: budget / (k + 1)),
    ("would cost 12", lambda budget, k: math.ceil(budget / (k + 1))),
    ("round down always", lambda budget, k: round(budget / (k + 1))),
    ("brackets", lambda budget, k: budget // k + 1),
    ("not 2ᵏ", lambda budget, k: budget // 2**k),
    ("you subtract it once", lambda budget, k: budget - (k + 1)),
    ("subtract nothing", lambda budget, k: (budget - 1) // (k + 1)),
    ("what a text costs", lambda budget, k: k + 1),
    ("is left over", lambda budget, k: budget % (k + 1)),
    ("afford", lambda budget, k: 1),
    ("afford", lambda budget, k: budget // (k + 2)),
    ("afford", lambda budget, k: budget // (k + 1) - 1),
    ("256 generations with k = 0", lambda budget, k: budget // max(2, k + 1)),
    ("your code stopped with ZeroDivisionError", lambda budget, k: budget // (k + 1) // min(k, 1)),
]
SHARES = [
    ("these are shares", lambda s, places, t: places * softmax(s, t)),
    ("these are shares", lambda s, places, t: softmax(s, t)),
    ("round down, then hand out", lambda s, places, t: np.floor(places * softmax(s, t))),
    ("children for 16 places", lambda s, places, t: np.round(places * softmax(s, t))),
    ("you multiply by the temperature", lambda s, places, t: shares(s, places, 1 / t)),
    ("the temperature is not used", lambda s, places, t: shares(s, places, 1.0)),
    ("in proportion to the scores", proportional),
    ("not all to the best", rest_to_the_best),
    ("in another order", lambda s, places, t: shares(s, places, t)[::-1]),
    ("a beam of one", lambda s, places, t: places * (s == s.max())),
    ("nothing is drawn", by_luck),
    ("overflows", overflowing),
    ("overflows", cast_too_soon),
    ("one number for each", lambda s, places, t: 4),
    ("yours sum to", lambda s, places, t: np.ones(len(s))),
    ("yours sum to", lambda s, places, t: np.ceil(places * softmax(s, t))),
    ("the shares are", lambda s, places, t: shares(-s, places, t)),
    ("the shares are", lambda s, places, t: shares(s, places, t / 2)),
    ("gets all 8 places", lambda s, places, t: shares(s, places, t if t > 0.05 else 1.0)),
    ("changes the scores", in_place),
    ("at a high temperature", lambda s, places, t: shares(s, places, 0.1)),
]
GAINS = [
    ("by the last score", lambda before, now: np.log(now) - np.log(before)),
    ("subtract what counts already", lambda before, now: np.log(np.minimum(before, now))),
    ("of the product", lambda before, now: np.log(now)),
    ("take the logarithm", lambda before, now: np.minimum(before, now) / before),
    ("a doubt lowers", lambda before, now: np.log(before) - np.log(np.minimum(before, now))),
    ("before you subtract", lambda before, now: np.minimum(now - before, 0)),
    ("what a text is worth", np.minimum),
    ("you let the largest", lambda before, now: np.maximum(0, np.log(now / before))),
    ("has to be taken out", lambda before, now: np.where(now < before, np.log(now), 0)),
    ("the natural logarithm", lambda before, now: np.log2(np.minimum(before, now) / before)),
    ("nothing gains or loses", lambda before, now: now * 0),
    ("in place", gain_in_place),
    ("one gain for each", lambda before, now: np.log(min(now)) - np.log(min(before))),
    ("the gains are", lambda before, now: np.ones(len(now))),
    ("the gains are", lambda before, now: np.round(checks.gain_by_smallest(before, now), 1)),
    ("the gains are", lambda before, now: np.log(np.minimum(before, now) / before.min())),
]
SELECTIONS = [
    ("was copied", published),
    ("was dropped", unfinished_only),
    ("keep its own place", lambda s, over, rng: np.sort(beam(s, over))[::-1]),
    ("everybody keeps the place", all_alike),
    ("nobody was selected", lambda s, over, rng: np.arange(len(s))),
    ("does not look at the scores", uniform),
    ("prefers low scores", lambda s, over, rng: beam(-s, over)),
    ("prefers low scores", lambda s, over, rng: duels(1 - s, over, rng)),
    ("shape (", lambda s, over, rng: beam(s, over)[:-1]),
    ("places from 0", lambda s, over, rng: beam(s, over) + 5),
    ("places from 0", lambda s, over, rng: s),
    ("in place", changing),
    ("draw from it alone", from_elsewhere),
    ("draw from it alone", lambda s, over, rng: duels(s, over, np.random)),
]
ANSWERS = [
    ("has no vote", with_none),
    ("not what speaks for it", lambda answers, scores, power: scores.max()),
    ("not what speaks for it", lambda answers, scores, power: int(scores.argmax())),
    ("to the power 0", lambda answers, scores, power: power_sum(answers, scores, max(power, 1))),
    ("highest score alone", lambda answers, scores, power: power_sum(answers, scores, power > 0)),
    ("highest score alone", power_of_sum),
    ("the power is not used", lambda answers, scores, power: power_sum(answers, scores, 0)),
    ("sum over equal answers", favourite),
    ("not their mean", mean_power),
    (
        "divide by the largest",
        lambda answers, scores, power: power_sum(
            answers, scores if power < 100 else scores * 0 + 1, power
        ),
    ),
    ("at power 2", lambda answers, scores, power: power_sum(answers, scores, power - (power == 2))),
    ("at power 1", lambda answers, scores, power: power_sum(answers, scores, power * (power > 1))),
]


CHECKED = {
    checks.lookahead_texts: LOOKAHEAD,
    checks.rebase_shares: SHARES,
    checks.smallest_gain: GAINS,
    checks.own_selection: SELECTIONS,
    checks.power_answer: ANSWERS,
}
WRONG = [(check, yours, slip) for check, slips in CHECKED.items() for slip, yours in slips]


def shares_one_by_one(scores, places, temperature):
    due = [math.exp((score - max(scores)) / temperature) for score in scores]
    due = [places * value / sum(due) for value in due]
    counts = [int(value) for value in due]
    for i in sorted(range(len(due)), key=lambda i: counts[i] - due[i])[: places - sum(counts)]:
        counts[i] += 1
    return counts


def gains_one_by_one(before, now):
    return [math.log(min(b, n) / b) for b, n in zip(before, now, strict=True)]


def by_log_sums(answers, scores, power):
    total = {}
    for answer, score in zip(answers, scores, strict=True):
        if answer is not None:
            total.setdefault(answer, []).append(power * math.log(score))
    return max(total, key=lambda answer: np.logaddexp.reduce(total[answer]))


def by_counter(answers, scores, power):
    votes = Counter()
    for answer, score in zip(answers, scores / max(scores), strict=True):
        votes[answer] += score**power
    del votes[None]
    return votes.most_common(1)[0][0]


def by_unique(answers, scores, power):
    mine = np.array([answer is not None for answer in answers])
    values, which = np.unique([a for a in answers if a is not None], return_inverse=True)
    scores = scores[mine] / scores[mine].max()
    return values[np.bincount(which, weights=scores**power).argmax()]


def resampled(scores, finished, rng):
    ancestors = np.arange(len(scores))
    live = np.flatnonzero(~finished)
    if len(live):
        ancestors[live] = rng.choice(live, len(live), p=scores[live] / scores[live].sum())
    return ancestors


RIGHT = [
    (checks.lookahead_texts, lambda budget, k: int(budget / (k + 1))),
    (checks.lookahead_texts, lambda budget, k: budget // (k + 1)),
    (checks.lookahead_texts, lambda budget, k: math.floor(budget / (1 + k))),
    (checks.lookahead_texts, lambda budget, k: float(np.floor(budget / (k + 1)))),
    (checks.lookahead_texts, lambda budget, k: divmod(budget, k + 1)[0]),
    (checks.rebase_shares, shares),
    (checks.rebase_shares, lambda *given: shares(*given).tolist()),
    (checks.rebase_shares, shares_one_by_one),
    (checks.rebase_shares, lambda *given: shares(*given).astype(float)),
    (checks.rebase_shares, checks.shares),
    (checks.smallest_gain, lambda before, now: np.minimum(0, np.log(now / before))),
    (checks.smallest_gain, checks.gain_by_smallest),
    (checks.smallest_gain, gains_one_by_one),
    (checks.smallest_gain, lambda before, now: np.log(np.clip(now / before, None, 1))),
    (checks.smallest_gain, lambda b, now: np.where(now < b, np.log(now) - np.log(b), 0)),
    (checks.own_selection, beam),
    (checks.own_selection, sudden_death),
    (checks.own_selection, duels),
    (checks.own_selection, resampled),
    (checks.own_selection, lambda s, over, rng: beam(s, over).astype(float)),
    (checks.own_selection, lambda s, over, rng: beam(s, over, width=3).tolist()),
    (checks.power_answer, power_sum),
    (checks.power_answer, checks.answer_by_power),
    (checks.power_answer, by_log_sums),
    (checks.power_answer, by_counter),
    (checks.power_answer, by_unique),
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
