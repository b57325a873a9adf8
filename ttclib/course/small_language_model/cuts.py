"""Cuts: samplers that cut unlikely tokens off (top-k, top-p, min-p), and samplers in a row.

They compose with those of :mod:`ttclib.lm.samplers`: ``chain(temperature(0.7), top_p(0.9))``.
"""

from __future__ import annotations

import numpy as np

from ttclib.inputs import checked, real_number, whole_number
from ttclib.lm.protocols import Sampler
from ttclib.lm.samplers import renormalise


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
