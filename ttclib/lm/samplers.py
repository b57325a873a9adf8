"""Samplers: what to draw the next token from, given the model's log distribution.

Each takes log probabilities (rows, V) and returns log probabilities (rows, V): −inf for tokens that
are cut off, the rest renormalised. They compose: ``chain(temperature(0.7), top_p(0.9))``.
"""

from __future__ import annotations

import numpy as np

from ttclib.inputs import checked, positive, real_number, whole_number
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


def top_k(k: int) -> Sampler:
    """Keep the k likeliest tokens, of equals the first (Fan, Lewis, Dauphin 2018)."""
    k = whole_number("k", k)

    def cut(log_probs):
        if k >= log_probs.shape[1]:
            return log_probs
        # by value: which of equals comes first in a sort may depend on the processor
        least = np.partition(log_probs, -k, axis=1)[:, -k, None]
        likelier = log_probs > least
        equal = log_probs == least
        room = k - likelier.sum(axis=1, keepdims=True)
        kept = likelier | (equal & (equal.cumsum(axis=1) <= room))
        return renormalise(np.where(kept, log_probs, -np.inf))

    return cut


def top_p(p: float) -> Sampler:
    """Keep the fewest likeliest tokens whose probabilities reach ``p`` (nucleus; Holtzman et al.
    2020).
    """
    p = real_number("p", p, 0.0, 1.0, open_low=True)

    def cut(log_probs):
        if p == 1:
            return log_probs
        order = np.argsort(-log_probs, axis=1, kind="stable")
        probs = np.exp(np.take_along_axis(log_probs, order, axis=1))
        before = np.cumsum(probs, axis=1) - probs  # mass of all likelier tokens
        # 1e-12: a mass that reaches p but for rounding has reached it
        dropped = before >= p - 1e-12
        dropped[:, 0] = False
        kept = log_probs.copy()
        rows, ranks = np.nonzero(dropped)
        kept[rows, order[rows, ranks]] = -np.inf
        return renormalise(kept)

    return cut


def min_p(p: float) -> Sampler:
    """Keep tokens at least ``p`` times as likely as the likeliest one (Nguyen et al. 2024)."""
    p = real_number("p", p, 0.0, 1.0, open_low=True)

    def cut(log_probs):
        # 1e-12: as in top_p
        lowest = log_probs.max(axis=1, keepdims=True) + np.log(p) - 1e-12
        return renormalise(np.where(log_probs >= lowest, log_probs, -np.inf))

    return cut


@checked
def chain(*samplers: Sampler) -> Sampler:
    """Apply one sampler after the other."""

    def apply(log_probs):
        for sampler in samplers:
            log_probs = sampler(log_probs)
        return log_probs

    return apply


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
