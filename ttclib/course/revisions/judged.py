"""Revising without a reviser: keep an attempt that a judge likes, else draw a new one.

It learns nothing, so it says what a judge alone is worth along a chain, and with the exact judge
how far keeping can carry at all. What a trained reviser gains has to be compared with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, real_number, whole_number


def keep_or_redraw(right: ArrayLike, scores: ArrayLike, threshold: float, n: int) -> np.ndarray:
    """Return the chance that attempt 1, …, n of a chain is right: shape (..., n).

    The first attempt is one of the recorded samples. From then on an attempt whose score is at
    least the threshold stays for ever, and any other is replaced by a fresh sample. With f the
    share of samples that pass and g that of right samples that pass, attempt k is one that passed
    among the first k − 1, or the k-th sample, whatever it is::

        g · (1 + q + … + q^(k−2)) + q^(k−1) · pass@1,    q = 1 − f

    Parameters
    ----------
    right : array of bool, shape (..., samples)
    scores : array, same shape
    threshold : float
    n : int
        Attempts in the chain.

    Raises
    ------
    ValueError
        If the shapes differ, a score is not finite, or ``n`` is below 1.
    """
    scores = finite_array("scores", scores, least=1)
    right = np.asarray(right, dtype=bool)
    if right.shape != scores.shape:
        raise ValueError(f"right has shape {right.shape}, scores {scores.shape}; they must agree")
    passes = scores >= real_number("threshold", threshold)
    again = 1 - passes.mean(axis=-1)[..., None]
    kept = (passes & right).mean(axis=-1)[..., None]
    powers = again ** np.arange(whole_number("n", n))
    before = np.cumsum(powers, axis=-1) - powers
    return kept * before + powers * right.mean(axis=-1)[..., None]
