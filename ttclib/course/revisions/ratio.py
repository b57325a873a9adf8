"""Sequential or parallel: what a split of N attempts into chains solves, and what it pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ttclib.course.revisions.record import Record, Setting, splits
from ttclib.course.revisions.selection import NESTED, solved
from ttclib.measure import bootstrap
from ttclib.measure.calibration import auc_within
from ttclib.measure.folds import average, halves, two_fold

# ---- what a split solves -------------------------------------------------------------------------


def by_split(record: Record, n: int, way: str = NESTED, score: str = "prm") -> np.ndarray:
    """Say which problems each split of n attempts answers right: floats 0 or 1 (splits, problems).

    The splits are those of :func:`ttclib.course.revisions.record.splits`: all parallel comes first.
    """
    found = [solved(record, setting, way, score) for setting in splits(n)]
    return np.array(found, dtype=float)


class Choice(NamedTuple):
    """A split for each bin, chosen on one half of the problems and scored on the other.

    Attributes
    ----------
    accuracy : float
    draws : numpy.ndarray, shape (replicates,)
        The same with the problems drawn again.
    taken : numpy.ndarray, shape (bins, splits)
        How often a bin took each split, over random halves.
    """

    accuracy: float
    draws: np.ndarray
    taken: np.ndarray


def best_split(
    right: np.ndarray,
    bins: np.ndarray,
    counts: np.ndarray,
    rng: np.random.Generator,
    cuts: int = 64,
) -> Choice:
    """Choose a split for each bin by two folds: :mod:`ttclib.measure.folds`.

    Parameters
    ----------
    right : array, shape (splits, problems)
    bins : int array, shape (problems,)
        All zero: one split for all problems.
    counts : int array, shape (replicates, problems)
        From :func:`ttclib.measure.bootstrap.counts`.
    cuts : int
        The estimate is a mean over so many random halves; each replicate is one over an eighth.
    """
    fold = halves(bins, rng, cuts)
    settings = two_fold(right, bins, fold)
    taken = np.zeros((bins.max() + 1, len(right)))
    np.add.at(taken, (np.broadcast_to(bins, settings.shape), settings), 1)
    each = -(-cuts // 8)
    draws = []
    for some in np.array_split(counts, -(-len(counts) // 64)):  # all at once take much memory
        weights = np.repeat(some, each, axis=0)
        again = two_fold(right, bins, halves(bins, rng, len(weights)), weights)
        draws.append(average(right, again, weights).reshape(len(some), each).mean(axis=1))
    accuracy = float(np.mean(average(right, settings)))
    return Choice(accuracy, np.concatenate(draws), taken / taken.sum(axis=1, keepdims=True))


# ---- what it pays --------------------------------------------------------------------------------


class Bill(NamedTuple):
    """What a setting pays for each problem; arrays (problems,).

    Attributes
    ----------
    positions : numpy.ndarray
        Fed to the reviser. Each attempt reads what stands before it, as if it were alone.
    flops : numpy.ndarray
        Of the reviser.
    judging : numpy.ndarray
        FLOPs of a verifier that is blind to the attempts before, and reads each by itself.
    """

    positions: np.ndarray
    flops: np.ndarray
    judging: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """FLOPs of both models."""
        return self.flops + self.judging


def bill(
    record: Record,
    setting: Setting,
    reviser: tuple[float, float],
    verifier: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Bill:
    """Count what the attempts of a setting pay, problem by problem.

    Parameters
    ----------
    reviser : pair of float
        (a, b): a token at context c costs a + b · c FLOPs, see :mod:`ttclib.lm.flops`.
    verifier : callable
        ``verifier(positions, contexts)`` → FLOPs, as
        :meth:`ttclib.search.verifier.RewardModel.flops`.
    """
    a, b = reviser
    places = record.places(setting).ravel()
    read = record.read[:, places].astype(float)
    # before every first attempt stands the problem alone, and the last token is not fed
    problem = record.read[:, 0] - record.written[:, 0] + 1
    judged = (problem[:, None] + record.written[:, places]).astype(float)
    return Bill(
        read.sum(axis=1),
        (a * read + b * _contexts(read)).sum(axis=1),
        verifier(judged, _contexts(judged)).sum(axis=1),
    )


def _contexts(tokens: np.ndarray) -> np.ndarray:
    """Sum up 1, 2, …, tokens: each token looks at itself and at all before it."""
    return tokens * (tokens + 1) / 2


# ---- what a verifier sees ------------------------------------------------------------------------


def auc_by_step(record: Record, setting: Setting, score: str) -> np.ndarray:
    """AUC of a score among the attempts of a problem at each step: shape (steps, problems).

    NaN where all attempts of a problem at a step are right, or all are wrong.
    """
    places = record.places(setting)
    return np.array(
        [auc_within(record.scores[score][:, at], record.right[:, at]) for at in places.T]
    )


def mean_where_known(
    values: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means over problems that are no NaN, and the ends of their intervals: each (...).

    Parameters
    ----------
    values : array, shape (..., problems)
    counts : int array, shape (replicates, problems)
        From :func:`ttclib.measure.bootstrap.counts`.
    """
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0)
    draws = bootstrap.means(total, counts) / bootstrap.means(known, counts)
    low, high = bootstrap.interval(draws)
    return total.sum(axis=-1) / known.sum(axis=-1), low, high
