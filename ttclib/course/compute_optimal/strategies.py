"""Strategies on a sweep: one method for all, a method for each difficulty, and a budget for each.

What knowing the difficulty costs is paid for in :func:`price_of_knowing` alone; elsewhere it is
free, as in Snell et al. 2024, and the comparison flatters the strategy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ttclib.course.compute_optimal.optimal import compute_optimal
from ttclib.inputs import finite_array
from ttclib.measure.folds import difficulty_bins
from ttclib.search.results import BEST, MAJORITY, WEIGHTED, Curve, Results, Samples

ONE = "one setting for all"
PRICES = np.geomspace(0.1, 1e-5, 13)  # accuracy that a generation must bring


def strategies(results: Results, bins: Mapping[str, np.ndarray], counts, rng, *, flops=False):
    """Return each strategy as a curve over budgets of generations.

    Parameters
    ----------
    bins : mapping
        Name → bins (problems,), such as ``{"oracle": …, "predicted": …}``.
    counts : int array, shape (replicates, problems)
        From :func:`ttclib.measure.bootstrap.counts`.
    rng : numpy.random.Generator
        For the splits into halves.
    flops : bool
        Whether ``paid`` is in FLOPs of both models. Settings still compete at equal generations.

    Returns
    -------
    dict of str to Curve
        Majority and best-of-N, weighted and max; the best single setting, chosen on one half and
        scored on the other, which knows no difficulty; and ``"compute-optimal, " + name`` for each
        of ``bins``.
    """
    right, paid = _tables(results, flops)
    found = {name: results.curve(name, counts, flops) for name in (MAJORITY, WEIGHTED, BEST)}
    sortings = {ONE: np.zeros(right.shape[-1], dtype=int)}
    sortings |= {f"compute-optimal, {name}": mine for name, mine in bins.items()}
    for name, mine in sortings.items():
        found[name] = compute_optimal(right, paid, mine, counts, rng)
    return found


def worth(results: Results, bins, counts, rng) -> tuple[Curve, Curve]:
    """Return one setting for all and the choice by difficulty: the gap is what knowing is worth."""
    right, paid = _tables(results, flops=False)
    everybody = np.zeros(right.shape[-1], dtype=int)
    one, informed = (compute_optimal(right, paid, mine, counts, rng) for mine in (everybody, bins))
    return one, informed


def only(results: Results, names: Sequence[str]) -> Results:
    """Return the results of some methods."""
    rows = [results.row(name) for name in names]
    tables = (results.right, results.lm_flops, results.verifier_flops)
    return Results(tuple(names), results.budgets, *(table[rows] for table in tables))


def up_to(results: Results, most: int) -> Results:
    """Return the results at budgets of at most so many generations."""
    cheap = results.budgets <= most
    tables = (results.right, results.lm_flops, results.verifier_flops)
    return Results(results.names, results.budgets[cheap], *(table[:, cheap] for table in tables))


def seen_bins(samples: Samples, m: int, number: int = 5) -> np.ndarray:
    """Sort problems by the mean score of m samples, for each seed anew: ints (seeds, problems).

    They are the last m of the draw, and best of N answers with the first N: the luck of the
    judgment is not the luck of the answer.
    """
    score = samples.score[..., -m:].mean(axis=-1)
    return difficulty_bins(score.ravel(), number).reshape(score.shape)


def price_of_knowing(
    results: Results, samples: Samples, counts, rng, looks: Sequence[int], *, flops=False
) -> dict[int, Curve]:
    """Return the compute-optimal curve when m samples show the difficulty and are paid for.

    No samples are one setting for all. The price in FLOPs is that of best-of-N weighted with N = m.
    The budgets end where the answer would take up the samples that showed the difficulty.
    """
    results = up_to(results, samples.score.shape[-1] - max(looks))
    right, paid = _tables(results, flops)
    row = results.row(WEIGHTED)
    found = {}
    for m in looks:
        bins = seen_bins(samples, m) if m else np.zeros(right.shape[-1], dtype=int)
        curve = compute_optimal(right, paid, bins, counts, rng)
        price = 0.0 if m == 0 else float(paid[results.at(m), row].mean())
        found[m] = curve._replace(paid=curve.paid + price, paid_draws=curve.paid_draws + price)
    return found


def shared_out(results: Results, bins, counts, rng, prices=PRICES) -> Curve:
    """Choose for each bin the method *and* the budget, both by the two-fold choice.

    A generation has a price in accuracy; a bin takes what brings most after paying. The lower the
    price, the larger the mean budget: the place of "budgets" is taken by prices.

    Parameters
    ----------
    prices : array, shape (k,)
        Accuracy for one generation, falling.
    """
    right, paid = _tables(results, flops=False)
    # budgets come first, so of equals the cheaper one wins
    exists = ~np.isnan(right).any(axis=(2, 3))
    shape = (len(prices), exists.sum(), *right.shape[2:])
    tables = (np.broadcast_to(table[exists], shape) for table in (right, paid))
    return compute_optimal(*tables, bins, counts, rng, price=np.asarray(prices))


def _tables(results: Results, flops: bool) -> tuple[np.ndarray, np.ndarray]:
    """Right answers and prices, each (budgets, methods, seeds, problems)."""
    return results.right.swapaxes(0, 1), results.paid(flops).swapaxes(0, 1)


# ---- how much less it pays -----------------------------------------------------------------------


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
    paid = finite_array("paid", paid)
    goal = np.asarray(goal, dtype=float)
    if (paid <= 0).any():
        raise ValueError(f"paid holds {paid.min():g}; a price is above 0")
    best = np.maximum.accumulate(finite_array("accuracy", accuracy), axis=-1)
    shape = np.broadcast_shapes(paid.shape, best.shape, (*goal.shape, paid.shape[-1]))
    cost, best = (np.broadcast_to(values, shape) for values in (np.log(paid), best))
    # one accuracy, added up in two orders, differs by rounding
    there = best >= goal[..., None] - 1e-9
    after = there.argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    (x0, x1), (y0, y1) = (
        [np.take_along_axis(v, i, -1)[..., 0] for i in (before, after)] for v in (cost, best)
    )
    share = np.divide(np.minimum(goal, y1) - y0, y1 - y0, out=np.ones_like(x0), where=y1 > y0)
    return np.where(there.any(axis=-1), np.exp(x0 + share * (x1 - x0)), np.inf)


def efficiency(curve: Curve, baseline: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return how many times as much a baseline pays for what the curve solves at each budget.

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
    ratio = _times_as_much(curve.accuracy, curve.paid, baseline.accuracy, baseline.paid)
    draws = _times_as_much(curve.draws, curve.paid_draws, baseline.draws, baseline.paid_draws)
    return ratio, draws


def _times_as_much(accuracy, paid, base_accuracy, base_paid) -> np.ndarray:
    budgets = range(accuracy.shape[-1])
    reached = [reach(base_paid, base_accuracy, accuracy[..., j]) for j in budgets]
    return np.stack(reached, axis=-1) / paid


def saving(curve: Curve, baseline: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return how many times less the curve pays for what a baseline solves, at *its* budgets.

    The same ratio as :func:`efficiency`, read at the other end: 0 where the curve never gets there.
    Where the baseline has stopped rising, each budget that it wastes makes the saving larger.
    """
    return tuple(1 / ratio for ratio in efficiency(baseline, curve))


def times_less(ours: Curve, theirs: Curve, goal: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return how many times less one curve pays than another for what a third solves.

    Who never gets there pays without end; two of them pay the same.

    Returns
    -------
    (ratio, draws) : tuple of numpy.ndarray, shapes (budgets,) and (replicates, budgets)
        At the budgets of ``goal``.
    """
    pairs = zip(saving(ours, goal), saving(theirs, goal), strict=True)
    ratio, draws = (
        np.divide(mine, other, out=np.where(mine > 0, np.inf, 1.0), where=other > 0)
        for mine, other in pairs
    )
    return ratio, draws


def affordable(n: float, ratio: float) -> float:
    """Return how many samples may show the difficulty before an advantage is gone.

    Parameters
    ----------
    n : float
        Generations of the answer.
    ratio : float
        How many times as many a rival pays for the same accuracy.
    """
    return max(0.0, (ratio - 1) * n)


def confusion(first, second) -> np.ndarray:
    """Count items by their bin in two sortings: ints (bins, bins), rows for the first."""
    first, second = (np.asarray(bins) for bins in (first, second))
    counts = np.zeros((max(first.max(), second.max()) + 1,) * 2, dtype=int)
    np.add.at(counts, (first, second), 1)
    return counts
