"""Weights: how much each member of a population counts.

Weights are kept as logarithms, because products of many small numbers underflow. A log weight of
−inf is a member that counts for nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import float_array


def relative(log_weights: ArrayLike) -> tuple[np.ndarray, float]:
    """Return ``exp(log_weights − shift)`` and the shift, the largest log weight.

    If all are −inf the relative weights are zero and the shift is −inf.

    Raises
    ------
    ValueError
        If there is no log weight, or one is NaN or +inf.
    """
    logs = float_array("log_weights", log_weights)
    if logs.ndim != 1 or len(logs) == 0:
        raise ValueError(f"log_weights has shape {logs.shape}; it must be (n,) with n ≥ 1")
    shift = logs.max()
    # one reduction sees both: NaN spreads through max, and +inf is the largest number there is
    if not shift < math.inf:
        bad = np.count_nonzero(~(logs < math.inf))
        raise ValueError(
            f"{bad} of {len(logs)} log_weights are NaN or +inf; they must be numbers or −inf"
        )
    if shift == -math.inf:
        return np.zeros(len(logs)), -math.inf
    weights = logs - shift
    return np.exp(weights, out=weights), float(shift)


def normalise(log_weights: ArrayLike) -> np.ndarray:
    """Return weights that sum to one, shape (n,).

    Raises
    ------
    ValueError
        If all log weights are −inf: there is nothing to share out.
    """
    weights, shift = relative(log_weights)
    if shift == -math.inf:
        raise ValueError("all log_weights are −inf; at least one must be finite")
    return weights / weights.sum()


def effective_sample_size(weights: np.ndarray, total: float) -> float:
    """Return (Σw)² / Σw²: how many equal weights would be worth as much (Kong, Liu, Wong 1994).

    From weights (n,), not logarithms, and their sum. Between 1 and n; 0 if all weights are zero.
    """
    # not weights @ weights: a threaded product of 10⁵ numbers waits longer for its threads than it
    # works
    return total**2 / float(np.square(weights).sum()) if total else 0.0
