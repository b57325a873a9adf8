"""Samplers: what to draw the next token from, given the model's log distribution.

Each takes log probabilities (rows, V) and returns log probabilities (rows, V): −inf for tokens that
are cut off, the rest renormalised.
"""

from __future__ import annotations

import numpy as np

from ttclib.inputs import positive
from ttclib.lm.protocols import Sampler


def renormalise(log_probs: np.ndarray) -> np.ndarray:
    """Shift each row so that its probabilities sum to one; a row of −inf stays as it is."""
    lowest = np.finfo(float).min
    shift = np.maximum(log_probs.max(axis=1, keepdims=True), lowest)
    with np.errstate(divide="ignore"):
        log_sum = shift + np.log(np.exp(log_probs - shift).sum(axis=1, keepdims=True))
    return log_probs - np.maximum(log_sum, lowest)


def plain(log_probs: np.ndarray) -> np.ndarray:
    """Leave the model's distribution as it is."""
    return log_probs


def greedy(log_probs: np.ndarray) -> np.ndarray:
    """Keep only the likeliest token, the first of equals."""
    kept = np.full_like(log_probs, -np.inf)
    kept[np.arange(len(log_probs)), log_probs.argmax(axis=1)] = 0.0
    return kept


def temperature(value: float) -> Sampler:
    """Raise probabilities to the power 1/value: below 1 sharper, above 1 flatter.

    Raises
    ------
    ValueError
        If ``value`` is not above 0; for the limit at 0 use :func:`greedy`.
    """
    try:
        value = positive("temperature", value)
    except ValueError as error:
        raise ValueError(f"{error}; for temperature 0 use greedy") from None

    def flatten(log_probs):
        if value == 1:
            return log_probs
        # from the likeliest token, which a division by next to nothing cannot lose
        with np.errstate(over="ignore"):
            return renormalise((log_probs - log_probs.max(axis=1, keepdims=True)) / value)

    return flatten


def draw_tokens(log_probs: np.ndarray, which: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Draw tokens by inverting cumulative distributions.

    Parameters
    ----------
    log_probs : numpy.ndarray, shape (rows, V)
    which : numpy.ndarray of int, shape (n,)
        The distribution that each draw is from.
    uniforms : numpy.ndarray, shape (n,)
        Numbers in [0, 1).
    """
    cumulative = np.cumsum(np.exp(log_probs), axis=1)
    # a uniform of nearly 1 times the sum could round to the sum, which no mark exceeds
    marks = np.minimum(uniforms, 1 - 1e-12) * cumulative[which, -1]
    return np.argmax(cumulative[which] > marks[:, None], axis=1)
