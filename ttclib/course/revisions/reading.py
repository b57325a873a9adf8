"""Does a reviser use what it reads? Attempts behind the one that was read, and behind others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Pairs(NamedTuple):
    """What came behind some attempts, summed up for each problem; arrays (problems,).

    Attributes
    ----------
    read, unread : numpy.ndarray of float
        How often it came where the attempt was read, and (on average) where another was.
    number : numpy.ndarray of float
        The attempts.
    """

    read: np.ndarray
    unread: np.ndarray
    number: np.ndarray


def pairs(seen: ArrayLike, came: ArrayLike) -> Pairs:
    """Compare what was written behind an attempt with what was written behind others.

    All are attempts at the same problem. So whoever does not use what it reads writes the same,
    behind whichever.

    Parameters
    ----------
    seen : array of bool, shape (problems, n)
        Which first attempts are looked at.
    came : array of bool, shape (problems, n) or (problems, n, n)
        Whether it came in the second attempt of each chain; where it depends on the first attempt
        that is looked at, too, that is the last axis.
    """
    seen = np.asarray(seen, dtype=float)
    came = np.asarray(came, dtype=float)
    if came.ndim == 2:
        came = np.broadcast_to(came[:, :, None], (*came.shape, came.shape[1]))
    own = np.diagonal(came, axis1=1, axis2=2)
    others = (came.sum(axis=1) - own) / (came.shape[1] - 1)
    return Pairs((seen * own).sum(axis=1), (seen * others).sum(axis=1), seen.sum(axis=1))
