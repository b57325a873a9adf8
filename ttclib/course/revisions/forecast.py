"""How far the two-state chain sees: turns counted early, and the share that they foresee.

One chain for all problems mixes easy with hard ones. A chain for each group of like problems does
not, and the share foreseen is the mean of theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ttclib.course.revisions.turns import Turns, shares_ahead, turns
from ttclib.inputs import whole_number


class Forecast(NamedTuple):
    """What two-state chains foresee.

    Attributes
    ----------
    shares : numpy.ndarray, shape (n,)
        Share of right attempts at each of n steps, of all problems.
    long_run : float
        What it settles at.
    turns : list of Turns
        Of each group.
    """

    shares: np.ndarray
    long_run: float
    turns: list[Turns]


def forecast(right: ArrayLike, groups: ArrayLike, n: int) -> Forecast:
    """Fit a two-state chain to each group of problems, and look n steps ahead.

    Parameters
    ----------
    right : array of bool, shape (problems, chains, steps)
    groups : array of int, shape (problems,)
        From 0; every number up to the largest must occur.
    n : int
        Steps, the first attempt included.

    Raises
    ------
    ValueError
        If a group is empty, or the shapes do not fit.
    """
    right = np.asarray(right, dtype=bool)
    groups = np.asarray(groups)
    if right.ndim != 3 or groups.shape != right.shape[:1]:
        raise ValueError(f"right has shape {right.shape}, groups {groups.shape}")
    n = whole_number("n", n)
    sizes = np.bincount(groups)
    if not sizes.all():
        raise ValueError(f"group {int(sizes.argmin())} is empty; every number must occur")
    found = [_sure(turns(right[groups == g])) for g in range(len(sizes))]
    first = [right[groups == g, :, 0].mean() for g in range(len(sizes))]
    ahead = [shares_ahead(f, t, n - 1) for f, t in zip(first, found, strict=True)]
    # a group that never turns stays where it is
    settled = [t.long_run if any(t) else f for f, t in zip(first, found, strict=True)]
    share = sizes / sizes.sum()
    return Forecast(share @ np.array(ahead), float(share @ settled), found)


def _sure(step: Turns) -> Turns:
    """Where no attempt was wrong, take it that the next would be right; nor spoiled if none was
    right.
    """
    righted = 1.0 if np.isnan(step.righted) else step.righted
    spoiled = 0.0 if np.isnan(step.spoiled) else step.spoiled
    return Turns(righted, spoiled)
