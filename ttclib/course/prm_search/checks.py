"""Checks of notebook 08: what lookahead costs, REBASE's shares, a beam that spares the finished."""

from __future__ import annotations

import math

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def lookahead_texts(yours):
    """``yours(budget, k)`` → the texts at a time, N, that lookahead with k steps can afford."""
    cases = {(256, 3): 64, (256, 0): 256, (64, 1): 32, (10, 2): 3}
    answers = {case: yours(*case) for case in cases}
    if answers[256, 3] == 1024:
        mistake("you multiply; N texts cost N · (k + 1), so a budget affords fewer texts, not more")
    if answers[256, 3] == 256 and answers[64, 1] == 64:
        mistake("the steps written ahead are not free: each text is written on k times over")
    if close(answers[256, 3], 256 / 3) or answers[256, 3] == 85:
        mistake("the text itself counts too: divide by k + 1, not by k")
    if close(answers[10, 2], 10 / 3):
        mistake("a third of a text does not exist: round down to a whole number")
    if answers[10, 2] == 4:
        mistake("four texts would cost 12 of 10 generations; round down")
    for (budget, k), right in cases.items():
        got = answers[budget, k]
        said = f"{budget} generations with k = {k} afford {right} texts; yours says {got!r}"
        expect(close(got, right), said)
    return (
        "with k = 3 a budget of 256 buys 64 texts: "
        "what lookahead sees must be worth four times the texts"
    )


@exercise
def rebase_shares(yours):
    """``yours(scores, places, temperature)`` → the children of each text, (n,) whole numbers."""
    scores = np.array([0.9, 0.8, 0.8, 0.1])
    given = scores.copy()
    got = _counts(yours(given, 16, 0.1), 4)
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
    if close(got, _shares(scores, 16, 10.0)):
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
    cold = _counts(yours(np.array([0.9, 0.5]), 8, 1e-3), 2)
    if not np.isfinite(cold).all():
        mistake("at a temperature of 0.001 exp overflows: subtract the largest score first")
    all_to_one = f"near temperature 0 the best gets all 8 places; yours gives {cold}"
    expect(close(cold, [8, 0]), all_to_one)
    hot = _counts(yours(np.array([0.9, 0.5, 0.1]), 6, 1e6), 3)
    expect(close(hot, [2, 2, 2]), f"at a high temperature all get the same; yours gives {hot}")
    return "low temperature: all to the best, as a beam of one; high: one child each, as best of N"


@exercise
def beam_ancestors(yours):
    """``yours(scores, finished, width)`` → ancestors (n,) of a beam that spares the finished."""
    scores = np.array([0.5, 0.95, 0.2, 0.7, 0.9, 0.6, 0.1, 0.8])
    over = np.array([False, True, False, False, True, False, False, False])
    got = np.asarray(yours(scores.copy(), over.copy(), 2))
    expect(got.shape == (8,), f"one ancestor for each of the 8 places; yours has shape {got.shape}")
    count = np.bincount(np.clip(got.astype(int), 0, 7), minlength=8)
    if count[1] > 1 or count[4] > 1:
        mistake(
            "a finished text was copied: it would be counted several times, and is paid for again"
        )
    if count[1] == 0 or count[4] == 0:
        mistake("a finished text was dropped: an answer that was paid for is lost")
    if got[1] != 1 or got[4] != 4:
        mistake("a finished text has to keep its own place: ancestors[i] = i")
    live = np.delete(got, [1, 4])
    if sorted(live) == [0, 2, 3, 5, 6, 7]:
        mistake("nobody was selected; keep the best half of the six texts under way")
    if set(live) == {6, 2, 0}:
        mistake("these are the worst; argsort counts upwards, so sort −scores")
    best_three = "of the six under way the best three (7, 3, 5) get two children each"
    expect(sorted(live) == [3, 3, 5, 5, 7, 7], f"{best_three}; yours has {sorted(live.tolist())}")
    odd = np.asarray(yours(scores[:5].copy(), over[:5].copy(), 2))
    two_kept = odd.shape == (5,) and sorted(np.delete(odd, [1, 4])) in ([0, 3, 3], [0, 0, 3])
    expect(
        two_kept,
        "three places for a width of 2: keep two texts, and let the last have one child only",
    )
    return "every answer that was paid for is there in the end, and once"


def _counts(values, n: int) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    one_each = f"one number for each of the {n} texts; yours has shape {values.shape}"
    expect(values.shape == (n,), one_each)
    return values


def _shares(scores: np.ndarray, places: int, temperature: float) -> np.ndarray:
    due = np.exp((scores - scores.max()) / temperature)
    due *= places / due.sum()
    counts = np.floor(due)
    counts[np.argsort(counts - due, kind="stable")[: math.ceil(places - counts.sum() - 0.5)]] += 1
    return counts
