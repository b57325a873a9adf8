"""Checks of notebook 04b: the accept step, its target, four mistakes, how many particles."""

from __future__ import annotations

import math

import numpy as np

from ttclib.exercise import close, exercise, expect, mistake

_MANY = 4000  # chains of each kind, so that a share is known to ±0.01


@exercise(blanks=3)
def accept_step(yours):
    """``yours(a, log_z, new, log_z_new, rng)`` → (a, log_z), each (chains,), after the step."""
    # a third of the proposals is better, a third is worse by e^−0.7, a third is impossible
    log_z = np.repeat([-100.0, -101.0, -102.0], _MANY)
    log_z_new = log_z + np.repeat([0.5, -0.7, -np.inf], _MANY)
    a = np.linspace(0.1, 0.4, 3 * _MANY)
    new = a + 0.5

    def step(seed):
        copies = (a.copy(), log_z.copy(), new.copy(), log_z_new.copy())
        pair = yours(*copies, np.random.default_rng(seed))
        paired = isinstance(pair, tuple | list | np.ndarray) and len(pair) == 2
        expect(
            paired, "return two things: the coefficients, and the log evidences that go with them"
        )
        if np.shape(pair[0]) == () or len(pair[0]) != len(a):
            mistake(
                f"each of the two has a number for each of the {len(a):,} chains; "
                f"yours begins with shape {np.shape(pair[0])}"
            )
        return np.asarray(pair[0], dtype=float), np.asarray(pair[1], dtype=float)

    state, estimate = step(0)
    if (state < 0).mean() > 0.9:
        mistake("the two come in the other order: first the coefficients, then the log evidences")
    moved = np.isclose(state, new)
    between = ~moved & ~np.isclose(state, a)
    expect(not between.any(), "a chain is either at its proposal or where it was, nowhere between")
    better, worse, never = moved.reshape(3, _MANY).mean(axis=1)
    expect(never == 0, "a proposal outside (0, 1) has log evidence −∞: it must never be accepted")
    if better < 0.02 and worse < 0.02:
        mistake("no chain ever moves: accept where log(u) lies below log_z_new − log_z")
    if {float(better), float(worse)} <= {0.0, 1.0}:
        others = [np.isclose(step(seed)[0], new) for seed in range(1, 9)]
        if any((other != moved).any() for other in others):
            mistake("all chains get the same random number: draw len(a) of them")
        if worse == 0:
            mistake("it only climbs: a worse proposal must be accepted at times, by random numbers")
        mistake("every possible proposal is accepted: a worse one only with probability Ẑ′/Ẑ")
    ratio = math.exp(-0.7)
    if abs(better - 0.5) < 0.05 and worse == 0:
        mistake("log_z_new − log_z is the log of the ratio: compare it with log(u), not with u")
    if abs(better - math.exp(-0.5)) < 0.05 and worse > 0.95:
        mistake("the ratio stands on its head: it is Ẑ′/Ẑ, the proposal's over the present one")
    if abs(worse - 1 / (1 + math.exp(0.7))) < 0.05 and better < 0.95:
        mistake("Ẑ′/(Ẑ + Ẑ′) is another rule (Barker's); here a better proposal is always accepted")
    expect(
        better == 1 and abs(worse - ratio) < 0.05,
        f"better proposals are accepted always, those of Ẑ′/Ẑ = 0.50 half of the time; "
        f"yours accepts {better:.0%} and {worse:.0%}",
    )
    if not (np.isclose(step(0)[0], new) == moved).all():
        mistake("the same rng gives another step each time: take the random numbers from rng")
    if (np.isclose(step(1)[0], new) == moved).all():
        mistake("another rng changes nothing: take the random numbers from rng")
    if close(estimate, log_z):
        mistake("a chain that moves must carry the new estimate along: yours keeps the old one")
    if close(estimate[moved], log_z[moved]):
        mistake("where a chain moves its estimate stays the old one, and where it rests it changes")
    if not close(estimate[~moved], log_z[~moved]):
        mistake("a chain that stays keeps its estimate: yours forgets it")
    expect(
        close(estimate[moved], log_z_new[moved]),
        "the estimate of a moved chain is log_z_new, as it was drawn for the proposal",
    )
    return "the estimate travels with the point it was drawn for, and is never drawn again"


@exercise(blanks=2)
def extended_target(yours):
    """``yours(prior, chances, estimates)`` → joint shares (parameters, k) of the long run."""
    prior = np.array([0.5, 0.2, 0.3])
    chances = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.4, 0.1, 0.1], [0.25, 0.15, 0.35, 0.25]])
    estimates = np.array([[0.9, 0.5, 0.3, 0.2], [0.3, 0.1, 0.8, 0.6], [0.05, 0.4, 0.7, 0.15]])
    joint = prior[:, None] * chances * estimates
    right = joint / joint.sum()
    got = np.asarray(yours(prior.copy(), chances.copy(), estimates.copy()), dtype=float)
    if close(got, right.sum(axis=1)):
        mistake("that is the posterior already; the joint has a share for each outcome, too")
    if got.shape == right.T.shape and close(got, right.T):
        mistake("rows are parameters and columns are outcomes: yours is turned over")
    expect(
        got.shape == right.shape,
        f"return a share for each parameter and outcome, shape (3, 4); yours is {got.shape}",
    )
    if close(got, joint):
        mistake("that is right up to a factor: divide by its sum, so that the shares sum to one")
    if close(got, joint / joint.sum(axis=1, keepdims=True)):
        mistake("divide by the sum of everything, not row by row: rows have different evidence")
    if close(got, joint / joint.sum(axis=0)):
        mistake("divide by the sum of everything, not column by column")
    slips = {
        "Ẑ is missing: so often filters come out, before anything is accepted": prior[:, None]
        * chances,
        "the chance of each outcome is missing: unlikely estimates must count less": prior[:, None]
        * estimates,
        "the prior is missing": chances * estimates,
        "Ẑ counts once, not squared: it is the weight of an outcome": joint * estimates,
        "multiply by Ẑ, do not divide by it": prior[:, None] * chances / estimates,
    }
    for line, slip in slips.items():
        if close(got, slip / slip.sum()) or close(got, slip):
            mistake(line)
    expect(
        close(got, right),
        f"the first share is 0.5 · 0.1 · 0.9 over the sum of all, {right[0, 0]:.4f}; "
        f"yours is {got[0, 0]:.4g}",
    )
    return "sum over the outcomes: E[Ẑ] = Z turns the joint into prior · Z, the posterior"


_RIGHT = (4, 2, 3, 1)
_LOOK = {
    "A": "look at the line that proposes: is the way back as likely as the way there?",
    "B": "follow z: after a move, which point does it belong to?",
    "C": "count what is written down: what happens at a step that stays?",
}


@exercise(blanks=4)
def name_the_mistakes(yours):
    """``yours``: the numbers of the mistakes of programs A to D, in this order."""
    yours = yours() if callable(yours) else yours  # no answer, but its blanks are untouched ones
    if isinstance(yours, dict):
        yours = list(yours.values())
    if isinstance(yours, str):
        yours = yours.replace(",", " ").split()
    named = [int(one) for one in np.ravel(np.asarray(yours))]
    expect(len(named) == 4, f"four numbers are asked for, of A, B, C and D; yours has {len(named)}")
    outside = [one for one in named if not 1 <= one <= 4]
    expect(not outside, f"the mistakes have the numbers 1 to 4; yours has {outside}")
    expect(len(set(named)) == 4, f"each mistake occurs once; yours are {named}")
    wrong = [p for p, one, right in zip("ABCD", named, _RIGHT, strict=True) if one != right]
    if len(wrong) == 4:
        mistake(f"none of the four fits yet. Begin with A: {_LOOK['A']}")
    if wrong:
        first = wrong[0]
        said = named["ABCD".index(first)]
        mistake(f"{4 - len(wrong)} of 4 fit; {first} is not number {said}: {_LOOK[first]}")
    return (
        "none of the four stops with an error, and each believes something else than the data say"
    )


@exercise
def particles_for(yours):
    """``yours(log_z, n)`` → particles for a variance of 1; log_z (k,) came from n particles."""
    rng = np.random.default_rng(8)
    z = rng.standard_normal(400)
    log_z = -100 + 1.7 * (z - z.mean()) / z.std()  # variance 2.89 in 400 runs of 40 particles
    n = 40
    got = yours(log_z.copy(), n)
    if isinstance(got, str) or np.ndim(got) != 0:
        mistake("return one number")
    got = float(got)
    variance = 1.7**2

    def near(value):
        return abs(got - value) <= 0.01 * abs(value)

    if abs(got - n * variance) <= 1:
        return "pilot runs tell the number, before a single step of the chain is paid"
    if near(n * 1.7):
        mistake("you used the standard deviation; the variance is what falls like 1/n")
    if near(n / variance):
        mistake("upside down: the pilot's variance is above 1, so more particles are needed")
    if near(variance):
        mistake("that is the pilot's variance; how many particles bring it down to 1?")
    if near(n * variance**2):
        mistake("squared once too often: np.var is the variance already")
    if near(n * variance * 400) or near(n * variance / 400):
        mistake("the number of pilot runs does not matter: a variance is an average, not a sum")
    if near(n * math.sqrt(1.7)):
        mistake("the root of a standard deviation is neither; use the variance")
    if near(n):
        mistake("that is the pilot's own number; its variance is 2.89, not 1")
    if near(n * np.var(np.exp(log_z))) or near(n * np.var(np.exp(log_z - log_z.max()))):
        mistake("the variance of log Ẑ is meant, not that of Ẑ: leave the logarithm in place")
    mistake(f"40 particles gave a variance of 2.89, so it takes about 116; yours says {got:.4g}")
