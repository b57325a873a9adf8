"""Compute-optimal search: which setting a problem gets once its difficulty is known.

Problems are sorted into bins of difficulty, and each bin uses the setting that does best there
(Snell et al. 2024, arXiv 2408.03314v1, §3.2), chosen and scored on different halves:
:mod:`ttclib.measure.folds`. An item there is a problem, averaged over seeds, or a problem under one
seed.
"""

from __future__ import annotations

import numpy as np

from ttclib.measure.folds import average, difficulty_bins, halves, two_fold
from ttclib.search.results import Curve


def compute_optimal(
    right, paid, bins, counts, rng: np.random.Generator, *, price=0.0, splits=64
) -> Curve:
    """Follow the two-fold choice over budgets.

    Parameters
    ----------
    right : array, shape (budgets, settings, problems) or (budgets, settings, seeds, problems)
        NaN: a setting that does not exist at a budget.
    paid : array of the same shape
    bins : int array, shape (problems,) or (seeds, problems)
        All zero: one setting for all, chosen on one half and scored on the other.
    counts : int array, shape (replicates, problems)
        From :func:`ttclib.measure.bootstrap.counts`. Strategies with the same counts can be
        compared in pairs.
    price : float or array, shape (budgets,)
        What one unit of ``paid`` is worth: settings are chosen by ``right − price · paid``.
    splits : int
        The estimate is a mean over so many splits. Each replicate is one over splits of its own, an
        eighth as many: with a single one its luck would widen the interval.
    """
    right = np.asarray(right, dtype=float)
    paid = np.asarray(paid, dtype=float)
    bins = np.asarray(bins)
    copies = len(bins) if bins.ndim == 2 else 1  # an item is a problem, or one under one seed
    if right.ndim == 4 and copies == 1:
        right, paid = (table.mean(axis=2) for table in (right, paid))
    right, paid = (table.reshape(*table.shape[:2], -1) for table in (right, paid))
    strata = bins if bins.ndim == 1 else difficulty_bins(-bins.mean(axis=0), bins.max() + 1)
    value = right - np.broadcast_to(price, len(right))[:, None, None] * paid

    def follow(number, counts):
        # a problem is on one side of a split, whatever its seed: else one seed would tell another
        fold = np.tile(halves(strata, rng, number * len(counts)), copies)
        weights = np.tile(np.repeat(counts, number, axis=0), copies)
        means = []  # a budget at a time: settings of all budgets at once would take much memory
        for worth, *tables in zip(value, right, paid, strict=True):
            settings = two_fold(worth, bins.ravel(), fold, weights)
            means.append([average(table, settings, weights) for table in tables])
        found = np.moveaxis(means, 0, -1).reshape(2, len(counts), number, -1).mean(axis=2)
        return found.round(12)  # as printed, 0.0125 must not depend on the order of a sum

    (accuracy,), (cost,) = follow(splits, np.ones((1, len(strata))))
    return Curve(accuracy, cost, *follow(-(-splits // 8), counts))
