"""Stop when sure: write texts one by one, and end at the first that the verifier believes.

How many texts a problem gets is then decided by what is seen while it is answered: no bins, and no
samples that only show the difficulty. Relatives stop a vote as soon as its end is foreseeable:
Adaptive-Consistency (Aggarwal et al. 2023, arXiv 2305.11860) and early-stopping self-consistency
(Li et al. 2024, arXiv 2401.10480).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ttclib.course.compute_optimal.optimal import compute_optimal
from ttclib.course.compute_optimal.strategies import PRICES
from ttclib.inputs import finite_array, whole_number
from ttclib.search.results import Curve, Samples

THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
CAPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def first_sure(score, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the first score that reaches a threshold, or else the highest.

    Parameters
    ----------
    score : array, shape (..., n)
        In the order in which the texts come. Of equally high ones the first is taken.
    threshold : float

    Returns
    -------
    (written, taken) : tuple of numpy.ndarray, ints of shape (...)
        How many texts are written; the place of the one that is taken.
    """
    score = finite_array("score", score)
    # all that are high enough are equally high now, so that the highest is the first of them
    taken = np.minimum(score, threshold).argmax(axis=-1)
    sure = np.take_along_axis(score, taken[..., None], axis=-1)[..., 0] >= threshold
    return np.where(sure, taken + 1, score.shape[-1]), taken


def stop(samples: Samples, threshold: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Take the first text whose score reaches the threshold, or else the best of ``most``.

    Parameters
    ----------
    threshold : float
        A score; above all scores nothing stops, and this is best of N with N = ``most``.
    most : int
        Texts at most.

    Returns
    -------
    (right, written) : tuple of numpy.ndarray, each of shape (seeds, problems)
        Whether the text that is taken is right; how many were written.

    Raises
    ------
    ValueError
        If ``most`` is not from 1 to the number of samples.
    """
    most = whole_number("most", most, 1, samples.score.shape[-1])
    written, taken = first_sure(samples.score[..., :most], threshold)
    return np.take_along_axis(samples.right, taken[..., None], axis=-1)[..., 0], written


def stopping(
    samples: Samples,
    counts,
    rng,
    prices=PRICES,
    thresholds: Sequence[float] = THRESHOLDS,
    caps: Sequence[int] = CAPS,
) -> Curve:
    """Follow the threshold, and the most texts, that are best on the other half of the problems.

    As in :func:`ttclib.course.compute_optimal.strategies.shared_out` a generation has a price in
    accuracy, and each price is one point of the curve. But there is one choice for all problems.
    """
    caps = [most for most in caps if most <= samples.score.shape[-1]]
    pairs = itertools.product(caps, (*thresholds, np.inf))
    found = [stop(samples, threshold, most) for most, threshold in pairs]
    right, written = (np.stack(tables).astype(float) for tables in zip(*found, strict=True))
    shape = (len(prices), *right.shape)
    tables = (np.broadcast_to(table, shape) for table in (right, written))
    everybody = np.zeros(right.shape[-1], dtype=int)
    return compute_optimal(*tables, everybody, counts, rng, price=np.asarray(prices))
