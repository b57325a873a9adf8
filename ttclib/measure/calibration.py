"""Calibration: does a confidence say how often the answer is right?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ttclib.inputs import finite_array, whole_number


class Reliability(NamedTuple):
    """Answers sorted into bins of like confidence; empty bins are left out.

    Attributes
    ----------
    confidence : numpy.ndarray, shape (k,)
        Mean confidence of each bin.
    accuracy : numpy.ndarray, shape (k,)
        Share of right answers.
    count : numpy.ndarray of int, shape (k,)
        Answers in it.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def reliability(confidence, right, bins: int = 10) -> Reliability:
    """Sort answers into ``bins`` equal pieces of [0, 1] by confidence.

    Parameters
    ----------
    confidence : array_like, shape (n,)
        From 0 to 1.
    right : array_like of bool, shape (n,)

    Raises
    ------
    ValueError
        If there is no answer, shapes differ, or a confidence is not from 0 to 1.
    """
    confidence, right = _checked(confidence, right)
    if confidence.min() < 0 or confidence.max() > 1:
        raise ValueError("confidence must hold numbers from 0 to 1")
    which = np.minimum((confidence * whole_number("bins", bins)).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    used = count > 0
    means = [np.bincount(which, values, bins)[used] / count[used] for values in (confidence, right)]
    return Reliability(*means, count[used])


def expected_calibration_error(confidence, right, bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over the bins of :func:`reliability`, by count.

    Naeini, Cooper, Hauskrecht 2015. It depends on the bins, and few answers make it too large.
    """
    found = reliability(confidence, right, bins)
    return float(np.abs(found.confidence - found.accuracy) @ found.count / found.count.sum())


def auroc(score, right) -> float:
    """Probability that a right answer scores above a wrong one, ties counted half.

    0.5 is a score that knows nothing, 1 one that tells all right answers from all wrong ones. NaN
    if all are right or all are wrong.

    Raises
    ------
    ValueError
        If there is no answer or shapes differ.
    """
    score, right = _checked(score, right)
    good, bad = score[right > 0], np.sort(score[right == 0])
    if not len(good) or not len(bad):
        return float("nan")
    below, up_to = (np.searchsorted(bad, good, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / (2 * len(bad)))


def _checked(score, right) -> tuple[np.ndarray, np.ndarray]:
    score = finite_array("score", score, ndim=1)
    right = finite_array("right", right, shape=(len(score),))
    if not len(score):
        raise ValueError("there is no answer; there must be at least one")
    return score, right
