"""A claim beside an interval: does a measurement agree with it, differ, or leave it open?

A claim names a range, such as *above 0* for "the first method solves more". An interval inside the
range agrees; one outside of it differs. Whatever lies on both sides of a border leaves it open.
"""

from __future__ import annotations

import math

from ttclib.inputs import float_array

ABOVE = (0.0, math.inf)
BELOW = (-math.inf, 0.0)


def verdict(low: float, high: float, claimed: tuple[float, float] = ABOVE) -> str:
    """Return ``"agrees"``, ``"differs"`` or ``"open"``.

    Parameters
    ----------
    low, high : float
        The ends of an interval: :func:`ttclib.measure.bootstrap.mean_interval`.
    claimed : tuple of float
        The least and the most that the claim allows. "Equal, within 0.03" is ``(-0.03, 0.03)``, and
        agrees only if the *whole* interval is so small.

    Notes
    -----
    An end exactly on a border decides nothing. An interval without width is always open: a
    bootstrap of equal values shows that nothing varied here, not that nothing could.

    Raises
    ------
    ValueError
        If the ends or the borders are no numbers, or not in order.
    """
    low, high = _rising("the interval from low to high", (low, high))
    least, most = _rising("claimed", claimed)
    if low == high:
        return "open"
    if high < least or low > most:
        return "differs"
    inside = (low > least or least == -math.inf) and (high < most or most == math.inf)
    return "agrees" if inside else "open"


def _rising(name: str, ends: tuple[float, float]) -> list[float]:
    low, high = float_array(name, ends, shape=(2,)).tolist()
    if not low <= high:
        raise ValueError(f"{name} is {low} to {high}; it must rise, without NaN")
    return [low, high]
