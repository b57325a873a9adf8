"""Resampling: who has children, and how many.

Every scheme is a function ``(weights, n, rng) → ancestors``: from weights (N,), any non-negative
numbers with a positive sum, to the indices (n,) of the parents of n children. All but the villain
are *unbiased*: member i has n · wᵢ / Σw children on average. All are O(N + n).

Sources: Gordon, Salmond, Smith 1993 (multinomial); Liu and Chen 1998 (residual); Kitagawa 1996
(stratified); Carpenter, Clifford, Fearnhead 1999 (systematic); Del Moral 2004 (killing); compared
by Douc, Cappé, Moulines 2005 and Gerber, Chopin, Whiteley 2019.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import float_array, generator, one_of, whole_number

Scheme = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def multinomial(weights: ArrayLike, n: int, rng: np.random.Generator) -> np.ndarray:
    """Choose every child's parent independently with probability proportional to weight."""
    shares, n = _checked(weights, n, rng)
    return _multinomial(shares, n, rng)


def residual(weights: ArrayLike, n: int, rng: np.random.Generator) -> np.ndarray:
    """Give ⌊n wᵢ / Σw⌋ children for certain, and share the rest by the weight left over."""
    shares, n = _checked(weights, n, rng)
    expected = shares / shares.sum() * n
    # without the nudge, rounding turns an expected 1 into 0.999…, and a certain child into a likely
    # one
    certain = (expected * (1 + 1e-12)).astype(np.intp)
    ancestors = np.repeat(np.arange(len(shares)), certain)
    missing = n - len(ancestors)
    if missing > 0:
        left_over = np.maximum(expected - certain, 0)
        ancestors = np.concatenate([ancestors, _multinomial(left_over, missing, rng)])
    return ancestors


def stratified(weights: ArrayLike, n: int, rng: np.random.Generator) -> np.ndarray:
    """Lay the weights end to end on a ruler; one uniform point in each of n equal strata picks.

    By the textbook (Kitagawa 1996), here without its search::

        marks = np.cumsum(weights / weights.sum())          # where each member ends
        points = (np.arange(n) + rng.random(n)) / n         # one in each stratum
        return np.searchsorted(marks, points, side="right")
    """
    shares, n = _checked(weights, n, rng)
    ruler = _ruler(shares, n)
    points = np.append(rng.random(n), 1.0)
    whole = ruler.astype(np.intp)
    # all points of the strata below count, and the point of this stratum if it lies before the mark
    return _children(whole + (points[whole] < ruler - whole), n)


def systematic(weights: ArrayLike, n: int, rng: np.random.Generator) -> np.ndarray:
    """Pick like stratified, with the *same* offset in every stratum: one random number in all.

    By the textbook (Carpenter, Clifford, Fearnhead 1999), here without its search::

        marks = np.cumsum(weights / weights.sum())          # where each member ends
        points = (np.arange(n) + 1 - rng.random()) / n      # 1/n apart
        return np.searchsorted(marks, points)
    """
    shares, n = _checked(weights, n, rng)
    # with points k + 1 − v for k = 0 … n−1, the number of them up to a mark c is ⌊c + v⌋
    marks = _ruler(shares, n)
    marks += rng.random()
    return _children(marks.astype(np.intp), n)


def killing(weights: ArrayLike, n: int, rng: np.random.Generator) -> np.ndarray:
    """Keep member i with probability wᵢ / max w; replace the killed by multinomial draws.

    Survivors stay where they are, so where weights are nearly equal nearly nothing moves.

    Raises
    ------
    ValueError
        If ``n`` differs from the number of weights: every member is kept or replaced.
    """
    shares, n = _checked(weights, n, rng)
    if n != len(shares):
        raise ValueError(
            f"n is {n}; killing replaces members one by one, so n must be {len(shares)}"
        )
    ancestors = np.arange(n)
    killed = np.flatnonzero(rng.random(n) >= shares)
    if len(killed):
        ancestors[killed] = _multinomial(shares, len(killed), rng)
    return ancestors


def winner_takes_all(weights: ArrayLike, n: int, rng: np.random.Generator) -> np.ndarray:
    """Give every child to the heaviest member: the villain here, biased and sure of itself."""
    shares, n = _checked(weights, n, rng)
    return np.full(n, np.argmax(shares))


UNBIASED: dict[str, Scheme] = {
    "multinomial": multinomial,
    "residual": residual,
    "stratified": stratified,
    "systematic": systematic,
    "killing": killing,
}
SCHEMES: dict[str, Scheme] = {**UNBIASED, "winner takes all": winner_takes_all}


def scheme(name: str | Scheme) -> Scheme:
    """Look a scheme up by name; a function is returned as it is."""
    return name if callable(name) else SCHEMES[one_of("scheme", name, SCHEMES)]


def _checked(weights: ArrayLike, n: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return the weights as shares of the largest, so that no sum of them can overflow, and n."""
    generator("rng", rng)
    array = float_array("weights", weights)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"weights has shape {array.shape}; it must be (N,) with N ≥ 1")
    # NaN spreads through min and max, so two comparisons see every bad value
    top = array.max()
    if not (array.min() >= 0 and top < np.inf):
        raise ValueError("weights must be finite and not negative, with no NaN")
    if top == 0:
        raise ValueError("weights are all zero; at least one must be positive")
    return array if top == 1 else array / top, whole_number("n", n)


def _ruler(weights: np.ndarray, n: int) -> np.ndarray:
    """Cumulative weights scaled to [0, n]: where each member ends on the ruler."""
    # in lottery tickets, 2⁶²/N for the heaviest: whole numbers add exactly, and six times as fast
    # (a member lighter than N/2⁶² of the heaviest gets none)
    tickets = weights * (2.0**62 / len(weights))
    sold = tickets.astype(np.int64).cumsum()
    # a hair too long, so that rounding leaves no child without a parent
    return sold * (n / sold[-1] * (1 + 1e-15))


def _children(up_to: np.ndarray, n: int) -> np.ndarray:
    """Ancestors of n children from the running number of children up to each member."""
    # the parent of child j is the first member with more than j children up to it, so its index is
    # the number of members with at most j: two passes, half the time of np.repeat on the counts
    return np.bincount(up_to, minlength=n + 1)[:n].cumsum()


def _multinomial(weights: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    # members without weight are left out, or rounding could hand the last of them a child
    alive = np.flatnonzero(weights)
    return np.repeat(alive, rng.multinomial(n, weights[alive] / weights[alive].sum()))
