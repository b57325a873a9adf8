"""Two folds: choose a setting on half of the items of a bin, and score it on the other half.

Of many equal settings the luckiest looks best on the items it is chosen on, and it is not. On the
other half its luck is gone; then the halves change places (Snell et al. 2024, §3.2). A bootstrap
sample holds some items twice: as a weight, not as copies, an item stays on one side of a split.

``right`` (settings, items) says how often an item came out right under each setting; a NaN row is a
setting that does not exist. ``fold`` may have leading axes: one choice for each of many splits.
"""

from __future__ import annotations

import numpy as np

from ttclib.inputs import finite_array, whole_number


def difficulty_bins(ease, number: int = 5) -> np.ndarray:
    """Sort items into bins of equal size, 0 the easiest; ties keep the order of the items.

    Parameters
    ----------
    ease : array, shape (items,)
        How easy each is: pass@1 (*oracle* difficulty, it needs the answers), or the mean score that
        a verifier gives to its samples (*predicted* difficulty).

    Raises
    ------
    ValueError
        If ``ease`` is no vector of finite numbers, or there are fewer items than bins.
    """
    number = whole_number("number of bins", number)
    ease = finite_array("ease", ease, ndim=1, least=number)
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
    """Return the best setting of each bin on each half, of equals the first: ints (..., 2, bins).

    ``weights`` (..., items), by default all 1, say how often an item counts: rows of
    :func:`ttclib.measure.bootstrap.counts`.
    """
    right = np.asarray(right, dtype=float)
    bins = np.asarray(bins)
    fold = np.asarray(fold, dtype=bool)
    weights = np.broadcast_to(1.0 if weights is None else weights, fold.shape)
    exists = ~np.isnan(right).any(axis=1)
    there = np.where(exists[:, None], right, 0.0)
    # For all splits at once: a matrix product of weights with the items of one bin. An item of
    # weight zero tells nothing of its half. Settings that do not exist count as 0 here, because
    # NaN · 0 is NaN, and lose below.
    total = np.empty((*fold.shape[:-1], 2, bins.max() + 1, len(right)))
    for half, side in enumerate((~fold, fold)):
        heard = weights * side
        for b in range(bins.max() + 1):
            mine = bins == b
            total[..., half, b, :] = heard[..., mine] @ there[:, mine].T
    # equally good settings differ by rounding, and how depends on the processor
    return np.where(exists, total.round(9), -np.inf).argmax(axis=-1)


def two_fold(right, bins, fold, weights=None) -> np.ndarray:
    """Return the setting of each item, chosen on the half it is *not* in: ints (..., items)."""
    on_first, on_second = np.moveaxis(choose(right, bins, fold, weights), -2, 0)
    # fold is True on the second half: its items take what was best on the first
    return np.where(np.asarray(fold, dtype=bool), on_first[..., bins], on_second[..., bins])


def average(values, settings, weights=None) -> np.ndarray | float:
    """Return the mean of ``values`` (settings, items) if item i uses ``settings[..., i]``."""
    settings = np.asarray(settings)
    weights = np.broadcast_to(1.0 if weights is None else weights, settings.shape)
    taken = np.asarray(values, dtype=float)[settings, np.arange(settings.shape[-1])]
    return (taken * weights).sum(axis=-1) / weights.sum(axis=-1)
