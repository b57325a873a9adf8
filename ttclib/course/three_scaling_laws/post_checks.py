"""Checks of notebook 12, second half: what a way costs, advantages, and groups that say nothing."""

from __future__ import annotations

import numpy as np

from ttclib.course.three_scaling_laws.advantages import group_relative
from ttclib.exercise import close, exercise, expect, mistake


@exercise
def tokens_learned(yours):
    """``yours(full, sampled, taught)`` → tokens that may be learned from for the same FLOPs.

    ``full`` tokens are learned from where nothing else costs; here a token learned comes with
    ``sampled`` tokens that the model writes, and ``taught`` that a teacher M times larger reads,
    given as ``taught`` = M times their number.
    """
    got = yours(12e5, 3.0, 0.0)
    if close(got, 12e5 / 4):
        mistake("a token written costs 2 FLOPs a weight, one learned 6: three are paid like one")
    if close(got, 12e5 * 2):
        mistake("upside down: what is written costs something, so fewer are learned from")
    if close(got, 12e5 / 10):
        mistake("a token written costs a third of one learned, not three times as much")
    if close(got, 12e5 / 1):
        mistake("what the model writes costs something, too: 2 FLOPs a weight")
    expect(close(got, 6e5), f"1.2 M tokens and 3 written for each leave 600,000; yours is {got}")
    large = yours(12e5, 0.0, 15.0)
    if close(large, 12e5):
        mistake("the teacher's reading is on the bill, too")
    expect(close(large, 2e5), f"a teacher 15 times larger leaves 200,000; yours is {large}")
    expect(close(yours(12e5, 0.0, 0.0), 12e5), "where nothing else costs all tokens are left")
    return "a third for each token written, M thirds for each that the teacher reads"


@exercise
def advantage(yours):
    """``yours(right)`` → the group-relative advantage of each text, (problems, samples)."""
    right = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
    got = np.asarray(yours(right), dtype=float)
    expect(got.shape == right.shape, f"each text has an advantage: (2, 4), yours is {got.shape}")
    wanted = group_relative(right > 0)
    if close(got, (right - right.mean()) / right.std()):
        mistake("that compares with all texts; compare with those of the same problem: axis=1")
    if close(got, (right - right.mean(axis=0)) / np.maximum(right.std(axis=0), 1e-9)):
        mistake("samples of a problem are a row, so the mean goes along axis=1")
    if close(got, right - right.mean(axis=1, keepdims=True)):
        mistake("divide by the standard deviation of the group, too")
    unbiased = right.std(axis=1, ddof=1, keepdims=True)
    if close(got, (right - right.mean(axis=1, keepdims=True)) / unbiased):
        mistake("here the deviation is that of the group itself, ddof=0")
    if close(got, (right - right.mean(axis=1, keepdims=True)) / right.var(axis=1, keepdims=True)):
        mistake("that is the variance; the standard deviation is its square root")
    expect(close(got, wanted), f"[1, 0, 0, 0] gives [√3, −1/√3, −1/√3, −1/√3]; yours is {got[0]}")
    alike = np.asarray(yours(np.array([[1.0, 1.0], [0.0, 0.0]])), dtype=float)
    if not np.isfinite(alike).all():
        mistake("where all texts are alike the deviation is 0: the advantage is 0 there")
    expect(close(alike, np.zeros((2, 2))), "where all texts are alike no text is better: 0")
    return "better than its brothers: nothing else is asked"


@exercise
def silent(yours):
    """``yours(p, k)`` → the chance that k texts say nothing: all of them right, or all wrong."""
    got = yours(0.1, 4)
    if close(got, 0.1**4):
        mistake("all wrong is silent, too")
    if close(got, 0.9**4):
        mistake("all right is silent, too")
    if close(got, 1 - 0.1**4 - 0.9**4):
        mistake("that is the chance that it says something")
    if close(got, (0.1 * 0.9) ** 2 * 6):
        mistake("that is half of them right: such a group says most")
    if close(got, 0.1**4 * 0.9**4):
        mistake("both cannot happen at once: their chances are added")
    expect(close(got, 0.1**4 + 0.9**4), f"p = 0.1 and 4 texts: 0.6562, yours is {got}")
    expect(close(yours(0.5, 2), 0.5), "p = 0.5 and two texts: a half")
    expect(close(yours(0.0, 8), 1.0), "what is never solved is always silent")
    return "hard problems are silent because nothing is right, easy ones because nothing is wrong"
