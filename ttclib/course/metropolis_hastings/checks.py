"""Checks of notebook 02: Markov chains and Metropolis-Hastings."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.metropolis_hastings import markov
from ttclib.exercise import close, exercise, expect, mistake


@exercise
def stationary(yours):
    """``yours(P)`` → the stationary distribution (K,) of a transition matrix (K, K)."""
    P = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.4, 0.4, 0.2]])
    got = np.asarray(yours(P), dtype=float)
    expect(
        got.shape == (3,),
        f"return one probability for each state, shape (3,); yours has shape {got.shape}",
    )
    if close(got, np.full(3, 1 / 3), atol=1e-3):
        mistake(
            "that is right for the columns: P @ v keeps a column of equal numbers; "
            "a distribution is a row, π @ P"
        )
    if not close(got.sum(), 1.0, rtol=1e-4):
        mistake(f"probabilities sum to one; yours sum to {got.sum():.3f}")
    early = [row for k in (1, 2, 3) for row in np.linalg.matrix_power(P, k)]
    if any(close(got, row, atol=1e-6) for row in early):
        mistake("that is the distribution after a few days; go on until it stops changing")
    expect(
        close(got, markov.stationary(P), atol=1e-4),
        f"π @ P should give π again; yours moves by {np.abs(got @ P - got).max():.3f}",
    )
    return "wherever you start, this is where the shares end"


@exercise
def accept_probability(yours):
    """``yours(p_x, p_y, q_xy, q_yx)`` → probability of accepting the move x → y."""
    got = float(yours(0.4, 0.2, 0.6, 0.3))
    back = float(yours(0.2, 0.4, 0.3, 0.6))
    if close(got, 0.5):
        mistake(
            "that is Metropolis' rule; this proposal goes x → y twice as often as back, "
            "so Hastings' factor is needed"
        )
    if close(got, 1.0):
        mistake(
            "the proposal ratio is upside down: "
            "multiply by the way back, q(x | y), over the way there, q(y | x)"
        )
    if close(back, 4.0):
        mistake("a probability is at most 1: take the minimum of 1 and the ratio")
    expect(close(got, 0.25), f"for these numbers the answer is 0.25, yours is {got:.3g}")
    expect(close(back, 1.0), "an uphill move whose way back is likely is always accepted")
    return "busier roads are thinned until both directions carry the same traffic"


@exercise
def metropolis(yours):
    """``yours(log_density, start, step_size, n, rng)`` → positions (n,) of one chain."""
    n = 20_000
    size = 2.0

    def walk(seed):
        return yours(lambda x: -0.5 * x * x, 0.0, size, n, np.random.default_rng(seed))

    runs = np.array([walk(seed) for seed in range(4)], dtype=float)
    expect(
        runs.shape == (4, n),
        f"return the {n:,} visited positions; yours has shape {runs.shape[1:]}",
    )
    moved = (np.diff(runs, axis=1) != 0).mean()
    exact = 2 / math.pi * math.atan(2 / size)
    if moved > 0.999 and runs.var() > 50:
        mistake("every proposal was accepted and the chain runs away: compare the densities first")
    if moved > 0.999:
        mistake(
            "the rejected steps are missing: "
            "when a proposal is refused, the old position counts once more"
        )
    if abs(moved - exact) > 0.03:
        mistake(
            f"{moved:.2f} of the steps moved, the exact share is {exact:.2f}: "
            "accept if log u < log p(y) − log p(x)"
        )
    # standard error of the variance estimate is about 0.02 with an autocorrelation time near 4
    if abs(runs.var() - 1) > 0.15:
        mistake(f"the variance of the draws is {runs.var():.2f}, not 1")
    expect(
        abs(runs.mean()) < 0.15,
        f"the mean of the draws is {runs.mean():.2f}, not 0: is the step symmetric?",
    )
    return f"{moved:.3f} of the steps moved; the exact share is {exact:.3f}"
