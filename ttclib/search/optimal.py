"""Compute-optimal search: which setting a problem gets once its difficulty is known.

Problems are sorted into bins of difficulty, and each bin uses the setting that does best there
(Snell et al. 2024, arXiv 2408.03314v1, §3.2). The setting is chosen on one half of the problems and
scored on the other: on the problems it was chosen on, the luckiest setting would look better than
it is.

Everything here is arrays. ``right`` (settings, items) says how often an item came out right under
each setting of one budget; an item is a problem, averaged over seeds, or a problem under one seed.
A row of NaN is a setting that does not exist at this budget. ``fold`` may have leading axes: one
two-fold choice for each of many splits, or of many bootstrap samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ttclib.inputs import finite_array, whole_number


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
    ease, number = finite_array("ease", ease, ndim=1), whole_number("number of bins", number)
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
        How often an item counts: rows of :func:`bootstrap_counts`. An item that counts twice is on
        one side, so it never helps to choose the setting that it is scored with.

    Notes
    -----
    Of settings that are equally good, the first is taken: put the cheap ones first.
    """
    right, bins, fold = (
        np.asarray(right, dtype=float),
        np.asarray(bins),
        np.asarray(fold, dtype=bool),
    )
    weights = np.broadcast_to(1.0 if weights is None else weights, fold.shape)
    exists = ~np.isnan(right).any(axis=1)
    there = np.where(exists[:, None], right, 0.0)
    halves_of_bins = [
        [(weights * half)[..., bins == b] @ there[:, bins == b].T for b in range(bins.max() + 1)]
        for half in (~fold, fold)
    ]
    total = np.stack(
        [np.stack(half, axis=-2) for half in halves_of_bins], axis=-3
    )  # (..., 2, bins, settings)
    return np.where(exists, total, -np.inf).argmax(axis=-1)


def two_fold(right, bins, fold, weights=None) -> np.ndarray:
    """Return the setting of each item, chosen on the half it is *not* in: ints (..., items).

    The accuracy is :func:`average` of ``right`` under these settings. For arguments see
    :func:`choose`.
    """
    other = ~np.asarray(fold, dtype=bool)
    chosen = choose(right, bins, fold, weights)
    return np.where(other, chosen[..., 1, :][..., bins], chosen[..., 0, :][..., bins])


def average(values, settings, weights=None) -> np.ndarray | float:
    """Return the mean of ``values`` (settings, items) if item i uses ``settings[..., i]``: shape
    (...).
    """
    values, settings = np.asarray(values, dtype=float), np.asarray(settings)
    weights = np.broadcast_to(1.0 if weights is None else weights, settings.shape)
    return (values[settings, np.arange(settings.shape[-1])] * weights).sum(axis=-1) / weights.sum(
        axis=-1
    )


def bootstrap_counts(items: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the items again, with replacement: how often each came, ints (replicates, items).

    Efron 1979. Weights instead of copies keep an item what it is: one item, on one side of a split.
    """
    items, replicates = whole_number("items", items), whole_number("replicates", replicates)
    return rng.multinomial(items, np.full(items, 1 / items), size=replicates)


class Curve(NamedTuple):
    """A strategy at rising budgets, with bootstrap replicates beside the estimate.

    Attributes
    ----------
    accuracy, paid : numpy.ndarray, shape (budgets,)
        Mean over problems; what was paid for a problem, in generations or FLOPs.
    draws, paid_draws : numpy.ndarray, shape (replicates, budgets)
        The same with the problems drawn again.
    """

    accuracy: np.ndarray
    paid: np.ndarray
    draws: np.ndarray
    paid_draws: np.ndarray


def compute_optimal(
    right, paid, bins, weights, rng: np.random.Generator, *, price=0.0, splits=64
) -> Curve:
    """Follow the two-fold choice over budgets.

    Parameters
    ----------
    right : array, shape (budgets, settings, problems) or (budgets, settings, seeds, problems)
        NaN: a setting that does not exist at a budget.
    paid : array of the same shape
    bins : int array, shape (problems,) or (seeds, problems)
        All zero: one setting for all, chosen on one half and scored on the other.
    weights : int array, shape (replicates, problems)
        From :func:`bootstrap_counts`. Strategies with the same weights can be compared in pairs.
    price : float or array, shape (budgets,)
        What one unit of ``paid`` is worth: settings are chosen by ``right − price · paid``.
    splits : int
        The estimate is a mean over so many splits; each replicate makes one of its own.
    """
    right, paid, bins = (
        np.asarray(right, dtype=float),
        np.asarray(paid, dtype=float),
        np.asarray(bins),
    )
    *leading, problems = right.shape
    copies = leading[2] if bins.ndim == 2 else 1
    if bins.ndim == 1 and len(leading) == 3:
        right, paid = right.mean(axis=2), paid.mean(axis=2)
    flat = (*leading[:2], copies * problems)
    right, paid = right.reshape(flat), paid.reshape(flat)
    value = right - np.broadcast_to(price, flat[0])[:, None, None] * paid
    strata = bins if bins.ndim == 1 else difficulty_bins(-bins.mean(axis=0), bins.max() + 1)
    found = []
    for count in (None, weights):  # a problem is on one side of a split, whatever its seed
        fold = np.tile(halves(strata, rng, splits if count is None else len(count)), copies)
        count = None if count is None else np.tile(count, copies)
        settings = [two_fold(v, bins.ravel(), fold, count) for v in value]
        for values in (right, paid):
            means = [average(v, chosen, count) for v, chosen in zip(values, settings, strict=True)]
            found.append(np.stack(means, axis=-1))
    return Curve(found[0].mean(axis=0), found[1].mean(axis=0), found[2], found[3])


def fixed(right, paid, weights) -> Curve:
    """Follow one setting over budgets: both arrays (budgets, problems) or (budgets, seeds,
    problems).
    """
    right, paid = (np.asarray(v, dtype=float) for v in (right, paid))
    if right.ndim == 3:
        right, paid = right.mean(axis=1), paid.mean(axis=1)
    shares = weights / weights.sum(axis=1, keepdims=True)
    return Curve(right.mean(axis=1), paid.mean(axis=1), shares @ right.T, shares @ paid.T)


def reach(paid, accuracy, goal) -> np.ndarray:
    """Return what a curve pays until it reaches a goal, linear in the logarithm of the price.

    Parameters
    ----------
    paid : array, shape (..., k)
        Positive, at rising budgets: generations, or FLOPs (which a wiser choice may lower again).
    accuracy : array, shape (..., k)
        Where it falls again, the best so far counts.
    goal : array, shape (...)

    Returns
    -------
    numpy.ndarray, shape (...)
        ``paid[0]`` if the goal is reached from the start, infinity if it never is.

    Raises
    ------
    ValueError
        If a price is not positive.
    """
    paid, goal = finite_array("paid", paid), np.asarray(goal, dtype=float)
    if (paid <= 0).any():
        raise ValueError(f"paid holds {paid.min():g}; a price is above 0")
    best = np.maximum.accumulate(finite_array("accuracy", accuracy), axis=-1)
    shape = np.broadcast_shapes(paid.shape, best.shape, (*goal.shape, paid.shape[-1]))
    cost, best = np.broadcast_to(np.log(paid), shape), np.broadcast_to(best, shape)
    there = (
        best >= goal[..., None] - 1e-9
    )  # one accuracy, added up in two orders, differs by rounding
    after = there.argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    (x0, x1), (y0, y1) = (
        [np.take_along_axis(v, i, -1)[..., 0] for i in (before, after)] for v in (cost, best)
    )
    share = np.divide(np.minimum(goal, y1) - y0, y1 - y0, out=np.ones_like(x0), where=y1 > y0)
    return np.where(there.any(axis=-1), np.exp(x0 + share * (x1 - x0)), np.inf)


def efficiency(curve: Curve, baseline: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return how many times more a baseline pays for the accuracy of the curve at each of its
    budgets.

    2 means that half the computation does; infinity, that the baseline never gets there. Where the
    baseline begins above the accuracy, the true ratio is at most what is returned.

    Returns
    -------
    (ratio, draws) : tuple of numpy.ndarray, shapes (budgets,) and (replicates, budgets)

    Raises
    ------
    ValueError
        If the two do not have as many replicates: they would not be of the same problems.
    """
    if len(curve.draws) != len(baseline.draws):
        raise ValueError(
            f"replicates: {len(curve.draws)} and {len(baseline.draws)}; they must be the same"
        )
    goals = ((curve.accuracy, curve.paid), (curve.draws, curve.paid_draws))
    bases = ((baseline.paid, baseline.accuracy), (baseline.paid_draws, baseline.draws))
    return tuple(
        np.stack(
            [reach(*base, goal[..., j]) / paid[..., j] for j in range(goal.shape[-1])], axis=-1
        )
        for (goal, paid), base in zip(goals, bases, strict=True)
    )


def saving(curve: Curve, baseline: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return how many times less the curve pays for the accuracy of a baseline at each of *its*
    budgets.

    The same ratio as :func:`efficiency`, read at the other end: 0 where the curve never gets there.
    Where the baseline has stopped rising, each budget that it wastes makes the saving larger.
    """
    return tuple(1 / ratio for ratio in efficiency(baseline, curve))


def confusion(first, second) -> np.ndarray:
    """Count items by their bin in two sortings: ints (bins, bins), rows for the first."""
    first, second = np.asarray(first), np.asarray(second)
    counts = np.zeros((max(first.max(), second.max()) + 1,) * 2, dtype=int)
    np.add.at(counts, (first, second), 1)
    return counts


def middle(values, level: float = 0.95, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle ``level`` of replicates, infinite ones included: (low, high)."""
    return tuple(
        np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=axis, method="inverted_cdf")
    )
