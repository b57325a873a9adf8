"""Weights: how much each member of a population counts.

Weights are kept as logarithms, because products of many small numbers underflow. A log weight of
−inf is a member that counts for nothing.
"""

from __future__ import annotations

import math

import numpy as np


def log_weights_array(log_weights) -> np.ndarray:
    """Return log weights as a float64 array (n,), or raise ``ValueError`` if there is none."""
    array = np.asarray(log_weights, dtype=float)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"log_weights has shape {array.shape}; it must be (n,) with n ≥ 1")
    return array


def relative(log_weights) -> tuple[np.ndarray, float]:
    """Return ``exp(log_weights − shift)`` and the shift, the largest log weight.

    If all are −inf the relative weights are zero and the shift is −inf.

    Raises
    ------
    ValueError
        If there is no log weight, or one is NaN or +inf.
    """
    log_weights = log_weights_array(log_weights)
    shift = log_weights.max()
    # one reduction sees both: NaN spreads through max, and +inf is the largest number there is
    if not shift < math.inf:
        bad, n = np.count_nonzero(~(log_weights < math.inf)), len(log_weights)
        raise ValueError(f"{bad} of {n} log_weights are NaN or +inf; they must be numbers or −inf")
    if shift == -math.inf:
        return np.zeros(len(log_weights)), -math.inf
    weights = log_weights - shift
    return np.exp(weights, out=weights), float(shift)


def normalise(log_weights) -> np.ndarray:
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


def log_mean_exp(log_weights) -> float:
    """Return the logarithm of the mean weight; −inf if all weights are zero."""
    weights, shift = relative(log_weights)
    return shift + math.log(weights.mean()) if shift > -math.inf else -math.inf


def effective_sample_size(log_weights) -> float:
    """Return (Σw)² / Σw²: how many equal weights would be worth as much (Kong, Liu, Wong 1994).

    Between 1 and n; 0 if all weights are zero.
    """
    weights, _ = relative(log_weights)
    return kish(weights, float(weights.sum()))


def kish(weights: np.ndarray, total: float) -> float:
    """Return (Σw)² / Σw² from plain weights (n,) and their sum; 0 if the sum is (Kish 1965)."""
    # not weights @ weights: a threaded product of 10⁵ numbers waits longer for its threads than it
    # works
    return total**2 / float(np.square(weights).sum()) if total else 0.0
