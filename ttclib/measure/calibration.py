"""Calibration: does a confidence say how often the answer is right?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, float_array, truth_array, whole_number


@dataclass(frozen=True, eq=False)
class Reliability:
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


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> Reliability:
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
    sure = finite_array("confidence", confidence, 0.0, 1.0, ndim=1, least=1)
    correct = truth_array("right", right, shape=sure.shape)
    bins = whole_number("bins", bins)
    which = np.minimum((sure * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    used = count > 0

    def means(values: np.ndarray) -> np.ndarray:
        return np.bincount(which, values, bins)[used] / count[used]

    return Reliability(means(sure), means(correct), count[used])


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over the bins of :func:`reliability`, by count.

    Naeini, Cooper, Hauskrecht 2015. It depends on the bins, and few answers make it too large.
    """
    found = reliability(confidence, right, bins)
    return float(np.abs(found.confidence - found.accuracy) @ found.count / found.count.sum())


def auroc(score: ArrayLike, right: ArrayLike) -> float:
    """Probability that a right answer scores above a wrong one, ties counted half.

    0.5 is a score that knows nothing, 1 one that tells all right answers from all wrong ones. NaN
    if all are right or all are wrong.

    Raises
    ------
    ValueError
        If there is no answer or shapes differ.
    """
    scores = finite_array("score", score, ndim=1, least=1)
    correct = truth_array("right", right, shape=scores.shape)
    good = scores[correct > 0]
    bad = np.sort(scores[correct == 0])
    if not len(good) or not len(bad):
        return float("nan")
    below = np.searchsorted(bad, good, side="left")
    up_to = np.searchsorted(bad, good, side="right")
    return float((below + up_to).mean() / (2 * len(bad)))


def auc_within(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return :func:`auroc` among the solutions of each problem: shape (problems,).

    Parameters
    ----------
    scores, right : numpy.ndarray, shape (problems, n)
        A solution with a score of NaN is not counted. A problem whose solutions are all right, or
        all wrong, gets NaN: there is nothing to tell apart.
    """
    scores = float_array("scores", scores)
    truths = truth_array("right", right, ndim=2, shape=scores.shape)
    areas = []
    for mine, truth in zip(scores, truths, strict=True):
        there = ~np.isnan(mine)
        areas.append(auroc(mine[there], truth[there]) if there.any() else np.nan)
    return np.array(areas)
