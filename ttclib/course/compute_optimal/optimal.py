"""Compute-optimal search: which setting a problem gets once its difficulty is known.

Problems are sorted into bins of difficulty, and each bin uses the setting that does best there
(Snell et al. 2024, arXiv 2408.03314v1, §3.2).

Why two folds: of many equal settings the luckiest looks best on the problems it is chosen on, and
it is not. So it is chosen on one half of the problems and scored on the other, where its luck is
gone; then the halves change places.

Why weights: a bootstrap sample holds some problems twice. As copies they could land on both sides
of a split, and a problem would help to choose the setting it is scored with. As a weight it stays
one problem, on one side.

Everything here is arrays. ``right`` (settings, items) says how often an item came out right under
each setting of one budget; an item is a problem, averaged over seeds, or a problem under one seed.
A row of NaN is a setting that does not exist at this budget. ``fold`` may have leading axes: one
two-fold choice for each of many splits, or of many bootstrap samples.
"""

from __future__ import annotations

import numpy as np

from ttclib.inputs import finite_array, whole_number
from ttclib.search.results import Curve


def difficulty_bins(ease, number: int = 5) -> np.ndarray:
    """Sort items into bins of equal size, 0 the easiest.

    Parameters
    ----------
    ease : array, shape (items,)
        How easy each is: pass@1 (*oracle* difficulty, it needs the answers), or the mean score that
        a verifier gives to its samples (*predicted* difficulty). Ties keep the order of the items.
    number : int
        Of bins; Snell et al. take 5.

    Raises
    ------
    ValueError
        If ``ease`` is no vector of finite numbers, or there are fewer items than bins.
    """
    ease = finite_array("ease", ease, ndim=1)
    number = whole_number("number of bins", number)
    if number > len(ease):
        raise ValueError(f"there are {len(ease)} items; they cannot fill {number} bins")
    rank = np.empty(len(ease), dtype=int)
    rank[np.argsort(-ease, kind="stable")] = np.arange(len(ease))
    return rank * number // len(ease)


def halves(bins, rng: np.random.Generator, number: int = 1) -> np.ndarray:
    """Cut every bin in half at random, ``number`` times: bool (number, items).

    The halves of a bin differ by one item at most; which is larger is left to chance.
    """
    bins = np.asarray(bins)
    shape = (whole_number("number of splits", number), len(bins))
    order = np.lexsort((rng.random(shape), np.broadcast_to(bins, shape)))
    size = np.bincount(bins)
    place = np.arange(len(bins)) - np.repeat(size.cumsum() - size, size)  # within its bin
    larger = np.repeat(rng.integers(2, size=(shape[0], len(size))), size, axis=1)
    fold = np.empty(shape, dtype=bool)
    np.put_along_axis(fold, order, (place + larger) % 2 == 1, axis=1)
    return fold


def choose(right, bins, fold, weights=None) -> np.ndarray:
    """Return the best setting of each bin on each half: ints (..., 2, bins).

    Parameters
    ----------
    right : array, shape (settings, items)
    bins : int array, shape (items,)
    fold : bool array, shape (..., items)
    weights : array, shape (..., items), optional
        How often an item counts: rows of :func:`ttclib.measure.bootstrap.counts`.

    Notes
    -----
    Of settings that are equally good, the first is taken: put the cheap ones first.
    """
    right = np.asarray(right, dtype=float)
    bins = np.asarray(bins)
    fold = np.asarray(fold, dtype=bool)
    weights = np.broadcast_to(1.0 if weights is None else weights, fold.shape)
    exists = ~np.isnan(right).any(axis=1)
    there = np.where(exists[:, None], right, 0.0)
    # How often each setting is right in each bin of each half, counted for all splits at once. A
    # matrix product of 0/1 (or bootstrap) weights with the items of one bin: no split is visited,
    # and an item of weight zero tells nothing about the half it is on. Settings that do not exist
    # at this budget count as 0 here, because NaN · 0 is NaN, and can only lose below.
    total = np.empty((*fold.shape[:-1], 2, bins.max() + 1, len(right)))
    for half, side in enumerate((~fold, fold)):
        heard = weights * side
        for b in range(bins.max() + 1):
            mine = bins == b
            total[..., half, b, :] = heard[..., mine] @ there[:, mine].T
    # equally good settings differ by rounding, and how depends on the processor
    return np.where(exists, total.round(9), -np.inf).argmax(axis=-1)


def two_fold(right, bins, fold, weights=None) -> np.ndarray:
    """Return the setting of each item, chosen on the half it is *not* in: ints (..., items).

    The accuracy is :func:`average` of ``right`` under these settings. For arguments see
    :func:`choose`.
    """
    chosen = choose(right, bins, fold, weights)
    on_first, on_second = np.moveaxis(chosen, -2, 0)
    # fold is True on the second half: its items take what was best on the first
    return np.where(np.asarray(fold, dtype=bool), on_first[..., bins], on_second[..., bins])


def average(values, settings, weights=None) -> np.ndarray | float:
    """Return the mean of ``values`` (settings, items) if item i uses ``settings[..., i]``: shape
    (...).
    """
    values = np.asarray(values, dtype=float)
    settings = np.asarray(settings)
    weights = np.broadcast_to(1.0 if weights is None else weights, settings.shape)
    taken = values[settings, np.arange(settings.shape[-1])]
    return (taken * weights).sum(axis=-1) / weights.sum(axis=-1)


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
