"""Turns: how often a revision rights a wrong answer and spoils a right one, as a two-state chain.

If a step depended on nothing but whether the last attempt was right, a chain of attempts would be
the two-state Markov chain of notebook 02: with a the chance of wrong → right and b of right →
wrong, the share of right ones goes to a / (a + b), and what is missing shrinks by 1 − a − b a step
(Kemeny and Snell 1960, chapter 4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import real_number, whole_number


class Turns(NamedTuple):
    """Chances of a turn in one step; NaN where no attempt could turn."""

    righted: float
    spoiled: float

    @property
    def long_run(self) -> float:
        """Share of right attempts that the chain settles at; NaN if nothing ever turns."""
        total = self.righted + self.spoiled
        return self.righted / total if total else float("nan")


def turns(right: ArrayLike, weights: ArrayLike = 1.0) -> Turns:
    """Count the turns of chains.

    Parameters
    ----------
    right : array of bool, shape (..., steps)
        At least two steps.
    weights : array, broadcast to (...)
        How much each chain counts: the counts of a bootstrap, for instance.

    Raises
    ------
    ValueError
        If there are fewer than two steps.
    """
    right = np.asarray(right, dtype=bool)
    if right.ndim == 0 or right.shape[-1] < 2:
        raise ValueError(f"right has shape {right.shape}; a turn needs at least two steps")
    before = right[..., :-1]
    after = right[..., 1:]
    each = np.broadcast_to(np.asarray(weights, dtype=float), right.shape[:-1])[..., None]

    def chance(turned, could):
        total = (each * could).sum()
        return float((each * turned).sum() / total) if total else float("nan")

    return Turns(chance(~before & after, ~before), chance(before & ~after, before))


def shares_ahead(first: float, step: Turns, n: int) -> np.ndarray:
    """Return the share of right attempts after 0, 1, …, n steps of the two-state chain, (n + 1,).

    Parameters
    ----------
    first : float
        The share that it starts from.
    step : Turns
    n : int

    Raises
    ------
    ValueError
        If a number is no probability, or ``n`` is negative.
    """
    first = real_number("first", first, 0.0, 1.0)
    righted = real_number("righted", step.righted, 0.0, 1.0)
    spoiled = real_number("spoiled", step.spoiled, 0.0, 1.0)
    n = whole_number("n", n, 0)
    if righted + spoiled == 0:
        return np.full(n + 1, first)
    settled = righted / (righted + spoiled)
    return settled + (first - settled) * (1 - righted - spoiled) ** np.arange(n + 1)
