"""Checks of notebook 06: the weight of a mask, finished texts, twists."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy.stats import sem

from ttclib.course.slips import name_slip
from ttclib.course.smc_decoding.constraints import both, length
from ttclib.course.smc_decoding.exact import enumerate_texts
from ttclib.course.smc_decoding.markov_lm import garden_path
from ttclib.exercise import close, exercise, expect, mistake
from ttclib.lm.automata import Automaton
from ttclib.lm.decoding import Decoder
from ttclib.particles.islands import split, within
from ttclib.particles.resampling import systematic
from ttclib.particles.smc import resample, run, when_ess_below

WORDS = 7  # the longest sentence, its end counted


def _fair(probs, mask):
    return probs * mask / (probs * mask).sum()


def _kept(probs, mask):
    return math.log((probs * mask).sum())


@exercise(blanks=2)
def masked_step(yours):
    """``yours(probs, mask)``, both (V,) → (probabilities to draw from, log weight)."""
    probs = np.array([0.5, 0.3, 0.15, 0.05])
    mask = np.array([0.0, 1.0, 0.0, 1.0])
    given = probs.copy(), mask.copy()
    with np.errstate(all="ignore"):
        got = yours(probs, mask)
    kept_whole = close(probs, given[0]) and close(mask, given[1])
    expect(kept_whole, "your function changes what it is given, and so the model; make new arrays")
    two = isinstance(got, tuple | list) and len(got) == 2
    expect(two, "return two things: the probabilities to draw from, and the log weight")
    if np.size(got[0]) == 1 and np.size(got[1]) == 4:
        mistake("the other way round: first the probabilities to draw from, then the log weight")
    shaped = f"the probabilities to draw from have shape (4,); yours have {np.shape(got[0])}"
    expect(np.shape(got[0]) == (4,), shaped)
    one = "one weight for the whole step: it is the same whichever word is drawn"
    expect(np.size(got[1]) == 1, one)
    drawn = {
        "what is left must sum to one before you draw from it: divide by what was kept": (
            lambda q, m: q * m
        ),
        "you draw evenly from the allowed words; keep the model's taste: probs · mask": (
            lambda q, m: m / m.sum()
        ),
        "the mask is 1 where a word is *allowed*; you kept the forbidden ones": (
            lambda q, m: _fair(q, 1 - m)
        ),
        "you draw from all words; the forbidden ones must get 0": lambda q, m: q / q.sum(),
        "the likeliest allowed word alone would be greedy; draw from all of them": (
            lambda q, m: np.where(q * m == (q * m).max(), 1.0, 0.0)
        ),
        "no exponential: these are probabilities already, not logits": (
            lambda q, m: _fair(np.exp(q), m)
        ),
    }
    weighed = {
        "a weight of 1 for everybody is local masking, the garden path itself": lambda q, m: 0.0,
        "that is the weight; return its logarithm": lambda q, m: (q * m).sum(),
        "the other way up: the weight is what the mask kept, not one over it": lambda q, m: (
            -_kept(q, m)
        ),
        "that is the share that the mask threw away; the weight is the share it kept": (
            lambda q, m: _kept(q, 1 - m)
        ),
        "take the natural logarithm, as log ψ and log Z do here": lambda q, m: (
            _kept(q, m) / math.log(2)
        ),
        "the natural logarithm, not that to base 10": lambda q, m: _kept(q, m) / math.log(10),
        "count probability, not words: how much of the model's share is allowed?": lambda q, m: (
            math.log(m.sum())
        ),
        "count probability, not words: a share of words is not what the mask kept": lambda q, m: (
            math.log(m.mean())
        ),
        "first add the allowed probabilities up, then take one logarithm": lambda q, m: np.log(
            q[m > 0]
        ).sum(),
        "add the allowed probabilities up; their mean is not the share": lambda q, m: math.log(
            (q * m).mean()
        ),
        "what you draw from sums to one: take the sum before you divide": lambda q, m: 1.0,
    }
    cases = [(probs, mask), (np.array([0.1, 0.2, 0.3, 0.4]), np.array([1.0, 1.0, 1.0, 0.0]))]
    name_slip(lambda *case: yours(*case)[0], drawn, cases)
    proportions = f"the allowed words keep their proportions, here 6 to 1; yours {got[0]}"
    expect(close(got[0], [0, 6 / 7, 0, 1 / 7]), proportions)
    name_slip(lambda *case: yours(*case)[1], weighed, cases)
    expect(
        close(got[1], math.log(0.35)),
        f"the mask keeps 0.30 + 0.05, so the log weight is {math.log(0.35):.3f}; yours is {got[1]}",
    )
    soft = np.array([0.2, 0.5, 0.0, 1.0])
    with np.errstate(all="ignore"):
        proposal, weight = yours(probs, soft)
    expect(
        close(proposal, _fair(probs, soft)) and close(weight, _kept(probs, soft)),
        "a mask may also lie between 0 and 1 (section 6 has one): multiply by it, "
        "do not only ask whether it is 0",
    )
    return "target over proposal is the same for every allowed word: the share that was kept"


@exercise
def finished(yours):
    """``yours(w, kept, finished)`` → new weights (n,); ``finished`` texts were so before."""
    w = np.array([1.0, 0.5, 0.2])
    kept = np.array([0.5, 0.1, 0.4])
    over = np.array([False, True, False])
    before = w.copy(), kept.copy(), over.copy()
    got = yours(w, kept, over)
    whole = all(map(np.array_equal, before, (w, kept, over)))
    expect(whole, "your function changes w in place; return a new array")
    expect(np.shape(got) == (3,), f"give one weight a text, shape (3,); yours {np.shape(got)}")
    slips = {
        "the finished text was weighed once more, "
        "by what the model thinks of going on after its end": lambda w, kept, over: w * kept,
        "the finished text lost the weight it had earned; it keeps it": lambda w, kept, over: (
            np.where(over, 1.0, w * kept)
        ),
        "the finished text lost all weight, so only long texts survive": lambda w, kept, over: (
            np.where(over, 0.0, w * kept)
        ),
        "the finished text keeps its own weight, not what the mask kept": lambda w, kept, over: (
            np.where(over, kept, w * kept)
        ),
        "weights multiply up over the steps: w · kept for a text that goes on": (
            lambda w, kept, over: np.where(over, w, kept)
        ),
        "multiply, do not add: probabilities of words in a row multiply": lambda w, kept, over: (
            np.where(over, w, w + kept)
        ),
        "the other way round: who was finished keeps w, who goes on gets w · kept": (
            lambda w, kept, over: np.where(over, w * kept, w)
        ),
        "nobody's weight changed: who goes on is weighed by what the mask kept": (
            lambda w, kept, over: w
        ),
        "the mask's share multiplies the weight, it does not divide it": lambda w, kept, over: (
            np.where(over, w, w / kept)
        ),
        "do not rescale: the mean weight is Ẑ, and the decoder reads it": lambda w, kept, over: (
            np.where(over, w, w * kept) / np.where(over, w, w * kept).sum()
        ),
        "do not rescale to a mean of 1: the mean weight is Ẑ": lambda w, kept, over: (
            np.where(over, w, w * kept) / np.where(over, w, w * kept).mean()
        ),
        "these are weights, not their logarithms: multiply": lambda w, kept, over: np.where(
            over, w, w + np.log(kept)
        ),
    }
    other = np.array([0.3, 2.0, 0.7, 1.0]), np.array([0.9, 0.2, 0.6, 0.8])
    name_slip(yours, slips, [(w, kept, over), (*other, np.array([True, False, False, True]))])
    expect(
        close(got, [0.5, 0.5, 0.08]),
        f"from weights {w} with shares {kept} it should be [0.5 0.5 0.08]; yours {got}",
    )
    estimates = np.array([_with_weights(yours, seed) for seed in range(60)])
    ratios = estimates / math.exp(_target().log_evidence)
    found = f"the mean of Ẑ/Z is {ratios.mean():.2f} ± {sem(ratios):.2f}"
    expect(abs(ratios.mean() - 1) < 5 * sem(ratios), f"in a whole decoder {found}, not 1")
    return f"in a whole decoder with your line, {found}"


@exercise(blanks=4)
def twist(yours):
    """``yours``: log ψ of a text that has mentioned (nothing, barn, fell, both)."""
    # a function is no answer, but one that still has its blank is an untouched one
    values = np.asarray(yours() if callable(yours) else yours)
    numbers = values.shape == (4,) and values.dtype.kind in "iuf"
    expect(numbers, "four numbers: nothing, barn, fell, both")
    values = values.astype(float)
    expect(
        np.isfinite(values).all(),
        "log ψ must be finite; −inf would forbid a sentence that is allowed",
    )
    if np.ptp(values) < 1e-9:
        mistake("all four are alike, so nobody is preferred: that is no twist at all")
    ratios = _ratios(tuple(values))
    before = _ratios((0.0, 0.0, 0.0, 0.0)).var(ddof=1)
    after = ratios.var(ddof=1)
    if ratios.mean() < 0.5:
        mistake(
            "all runs agree, and all are wrong: the mean of Ẑ/Z is "
            f"{ratios.mean():.2f}, not 1. Who was never proposed?"
        )
    if after > before:
        mistake(
            f"the variance of Ẑ/Z grows from {before:.2f} to {after:.2f}: "
            "whom does this lead up the garden path?"
        )
    falls = f"the variance of Ẑ/Z falls from {before:.2f} to {after:.2f}"
    expect(after < before / 10, f"{falls}; get it below {before / 10:.2f}")
    return f"{falls}, and the target is the same"


# ---- the garden path ----------------------------------------------------------------------------


def _wants(values=(0.0, 0.0, 0.0, 0.0)) -> Automaton:
    """Barn and fell, in six words after "the" at most; log ψ of (nothing, barn, fell, both)."""
    vocabulary = garden_path().vocabulary
    bits = [{" barn": 1, " fell": 2}.get(text, 0) for text in vocabulary.texts]
    table = np.array([[state | bit for bit in bits] for state in range(4)])
    return both(Automaton(table, values, [-math.inf] * 3 + [0.0]), length(1, WORDS - 1, vocabulary))


@functools.cache
def _target():
    lm = garden_path()
    the = lm.vocabulary.encode(" the")
    ends = np.arange(len(lm.vocabulary)) == lm.vocabulary.end
    return enumerate_texts(
        lambda text: lm.distribution((*the, *text)), ends, WORDS, False, [_wants()]
    )


@functools.cache
def _ratios(values: tuple, n: int = 32, runs: int = 300) -> np.ndarray:
    """Ẑ/Z of many populations under a twist."""
    decoder = Decoder(garden_path(), [" the"] * runs, [_wants(values)], max_tokens=WORDS)
    select = within(runs, when_ess_below(0.5, resample("systematic")))
    last = run(decoder, n * runs, select, np.random.default_rng(0))[-1]
    return np.exp([island.log_evidence - _target().log_evidence for island in split(last, runs)])


def _with_weights(weigh, seed: int, n: int = 32) -> float:
    """Ẑ of one population whose weights are updated by ``weigh``."""
    lm = garden_path()
    wants = _wants()
    rng = np.random.default_rng(seed)
    end = lm.vocabulary.end
    ends = np.arange(len(lm.vocabulary)) == end
    last = np.repeat(lm.vocabulary.encode(" the"), n)
    states = np.full(n, wants.first)
    over = np.zeros(n, dtype=bool)
    w = np.ones(n)
    while not over.all():
        if w.sum() ** 2 < n / 2 * (w**2).sum():
            chosen = systematic(w, n, rng)
            last, states, over = (values[chosen] for values in (last, states, over))
            w = np.full(n, w.mean())
        allowed = lm.transition[last] * np.exp(wants.log_next(states, ends))
        kept = allowed.sum(axis=1)
        w = np.asarray(weigh(w, np.where(over, 0.5, kept), over.copy()), dtype=float)
        marks = rng.random(n) * kept
        words = np.minimum((allowed.cumsum(axis=1) <= marks[:, None]).sum(axis=1), end)
        last = np.where(over, end, words)
        states = np.where(last == end, states, wants.advance(states, last))
        over = over | (last == end)
    return float(w.mean())
