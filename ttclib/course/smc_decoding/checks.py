"""Checks of notebook 06: the weight of a mask, finished texts, twists."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy.stats import sem

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


@exercise
def masked_step(yours):
    """``yours(probs, mask)``, both (V,) → (probabilities to draw from, log weight)."""
    probs = np.array([0.5, 0.3, 0.15, 0.05])
    mask = np.array([0.0, 1.0, 0.0, 1.0])
    got = yours(probs, mask)
    two = isinstance(got, tuple | list) and len(got) == 2
    expect(two, "return two things: the probabilities to draw from, and the log weight")
    proposal, weight = got
    proposal = np.asarray(proposal, dtype=float)
    shaped = f"the probabilities to draw from have shape (4,); yours have {proposal.shape}"
    expect(proposal.shape == (4,), shaped)
    if close(proposal, probs * mask):
        mistake("what is left must sum to one before you draw from it: divide by what was kept")
    if close(proposal, mask / mask.sum()):
        mistake("you draw evenly from the allowed words; keep the model's taste: probs · mask")
    expect(
        close(proposal, [0, 6 / 7, 0, 1 / 7]),
        "the allowed words keep their proportions, here 6 to 1; the others get 0",
    )
    if close(weight, 0.0):
        mistake("a weight of 1 for everybody is local masking, the garden path itself")
    if close(weight, 0.35):
        mistake("that is the weight; return its logarithm")
    if close(weight, -math.log(0.35)):
        mistake("the other way up: the weight is what the mask kept, not one over it")
    if close(weight, math.log(0.65)):
        mistake("that is the share that the mask threw away; the weight is the share it kept")
    expect(
        close(weight, math.log(0.35)),
        f"the mask keeps 0.30 + 0.05, so the log weight is {math.log(0.35):.3f}; "
        f"yours is {weight!r}",
    )
    return "target over proposal is the same for every allowed word: the share that was kept"


@exercise
def finished(yours):
    """``yours(w, kept, finished)`` → new weights (n,); ``finished`` texts were so before."""
    w = np.array([1.0, 0.5, 0.2])
    kept = np.array([0.5, 0.1, 0.4])
    over = np.array([False, True, False])
    before = w.copy()
    got = yours(w, kept, over)
    expect(close(w, before), "your function changes w in place; return a new array")
    if close(got, w * kept):
        mistake(
            "the finished text was weighed once more, "
            "by what the model thinks of going on after its end"
        )
    if close(got, np.where(over, 1.0, w * kept)):
        mistake("the finished text lost the weight it had earned; it keeps it")
    if close(got, np.where(over, 0.0, w * kept)):
        mistake("the finished text lost all weight, so only long texts survive")
    if close(got, np.where(over, kept, w * kept)) or close(got, np.where(over, w, kept)):
        mistake("weights multiply up over the steps: w · kept for a text that goes on")
    expect(
        close(got, [0.5, 0.5, 0.08]),
        f"from weights {w} with shares {kept} it should be [0.5 0.5 0.08]",
    )
    estimates = np.array([_with_weights(yours, seed) for seed in range(60)])
    ratios = estimates / math.exp(_target().log_evidence)
    found = f"the mean of Ẑ/Z is {ratios.mean():.2f} ± {sem(ratios):.2f}"
    expect(abs(ratios.mean() - 1) < 5 * sem(ratios), f"{found}, not 1")
    return f"in a whole decoder with your line, {found}"


@exercise
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
