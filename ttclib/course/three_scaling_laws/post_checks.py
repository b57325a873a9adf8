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
    full = 12e5
    got = yours(full, 6.0, 0.0)
    if close(got, full / 7):
        mistake("a token written costs 2 FLOPs a weight, one learned 6: three are paid like one")
    if close(got, full * 3):
        mistake("upside down: what is written costs something, so fewer are learned from")
    if close(got, full / 19):
        mistake("a token written costs a third of one learned, not three times as much")
    if close(got, full - 2, rtol=1e-9):
        mistake("`sampled` comes with *each* token learned: divide by what one costs with it")
    if close(got, full):
        mistake("what the model writes costs something, too: 2 FLOPs a weight")
    if close(got, full / 2):
        mistake("the token that is learned from costs something, too: 1 + sampled/3")
    if close(got, full / 18):
        mistake("`full` are tokens, not FLOPs: each of them was worth 6 FLOPs a weight")
    if close(got, full / 13):
        mistake("in units of one token learned a token written costs 2/6, not 2")
    if close(got, -full):
        mistake("divide by what a token costs with its company; nothing is taken off")
    expect(close(got, 4e5), f"1.2 M tokens and 6 written for each leave 400,000; yours is {got}")
    large = yours(full, 0.0, 15.0)
    if close(large, full):
        mistake("the teacher's reading is on the bill, too")
    if close(large, full / 16):
        mistake("the teacher only reads: M times 2 FLOPs, a third of what M tokens learned cost")
    expect(close(large, 2e5), f"a teacher 15 times larger leaves 200,000; yours is {large}")
    both = yours(full, 6.0, 15.0)
    expect(
        close(both, full / 8, rtol=1e-5),
        f"6 written and a teacher 15 times larger leave 150,000; yours is {both}",
    )
    expect(close(yours(12e5, 0.0, 0.0), 12e5), "where nothing else costs all tokens are left")
    return "a third for each token written, M thirds for each that the teacher reads"


@exercise
def advantage(yours):
    """``yours(right)`` → the group-relative advantage of each text, (problems, samples)."""
    right = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    try:
        got = np.asarray(yours(right), dtype=float)
    except ValueError as error:
        if "broadcast" not in str(error):
            raise
        mistake("a mean of each row is (problems,), and does not fit: keep the axis, keepdims=True")
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
    centred = right - right.mean(axis=1, keepdims=True)
    spread = right.std(axis=1, keepdims=True)
    if close(got, -wanted):
        mistake("the sign: a right text is better than its group")
    if close(got, centred * spread):
        mistake("divide by the standard deviation; yours multiplies")
    if close(got, right / spread):
        mistake("take the mean of the group off first")
    if close(got, centred / right.std()):
        mistake("each group has a deviation of its own: axis=1 in std, too")
    if close(got, centred * 4 / 3 / spread):
        mistake("the mean is that of the whole group, the text itself included")
    if not close(got, wanted) and close(got, wanted, rtol=0.01):
        mistake("what you add to the deviation changes every advantage: divide by 1 where it is 0")
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
    if close(got, 0.1**4 + 0.9**4 - 0.1**4 * 0.9**4):
        mistake("both cannot happen at once, so nothing is taken off their sum")
    if close(got, 1 - 0.9**4):
        mistake("that is the chance that at least one is right")
    if close(got, 1 - 0.1**4):
        mistake("that is the chance that at least one is wrong")
    if close(got, 1.0):
        mistake("wrong is 1 − p for each of the k texts: (1 − p)**k")
    expect(close(got, 0.1**4 + 0.9**4), f"p = 0.1 and 4 texts: 0.6562, yours is {got}")
    expect(close(yours(0.5, 2), 0.5), "p = 0.5 and two texts: a half")
    expect(close(yours(0.0, 8), 1.0), "what is never solved is always silent")
    return "hard problems are silent because nothing is right, easy ones because nothing is wrong"
