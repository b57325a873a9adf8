"""Strategies on a sweep: one method for all, a method for each difficulty, and a budget for each.

What knowing the difficulty costs is paid for in :func:`price_of_knowing` alone; elsewhere it is
free, as in Snell et al. 2024, and the comparison flatters the strategy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ttclib.search.optimal import Curve, compute_optimal, difficulty_bins, fixed
from ttclib.search.results import BEST, MAJORITY, WEIGHTED, Results, Samples

ONE = "one setting for all"
PRICES = np.geomspace(0.1, 1e-5, 13)  # accuracy that a generation must bring


def strategies(results: Results, bins: Mapping[str, np.ndarray], weights, rng, *, flops=False):
    """Return each strategy as a curve over budgets of generations.

    Parameters
    ----------
    bins : mapping
        Name → bins (problems,), such as ``{"oracle": …, "predicted": …}``.
    weights : int array, shape (replicates, problems)
        From :func:`ttclib.search.optimal.bootstrap_counts`.
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
    found = {}
    for name in (MAJORITY, WEIGHTED, BEST):
        row = results.names.index(name)
        found[name] = fixed(right[:, row], paid[:, row], weights)
    sortings = {ONE: np.zeros(right.shape[-1], dtype=int)}
    sortings |= {f"compute-optimal, {name}": mine for name, mine in bins.items()}
    for name, mine in sortings.items():
        found[name] = compute_optimal(right, paid, mine, weights, rng)
    return found


def seen_bins(samples: Samples, m: int, number: int = 5) -> np.ndarray:
    """Sort problems by the mean score of m samples alone, once for each seed: ints (seeds,
    problems).

    Seed s is judged by samples of seed s + 1: the luck of the judgment is not the luck of the
    search.
    """
    score = np.roll(samples.score[..., :m].mean(axis=-1), -1, axis=0)
    return difficulty_bins(score.ravel(), number).reshape(score.shape)


def price_of_knowing(
    results: Results, samples: Samples, weights, rng, looks: Sequence[int], *, flops=False
) -> dict[int, Curve]:
    """Return the compute-optimal curve when m samples show the difficulty and are paid for.

    No samples are one setting for all. The price in FLOPs is that of best-of-N weighted with N = m.
    """
    right, paid = _tables(results, flops)
    row, found = results.names.index(WEIGHTED), {}
    for m in looks:
        bins = seen_bins(samples, m) if m else np.zeros(right.shape[-1], dtype=int)
        curve = compute_optimal(right, paid, bins, weights, rng)
        price = 0.0 if m == 0 else float(paid[results.at(m), row].mean())
        found[m] = curve._replace(paid=curve.paid + price, paid_draws=curve.paid_draws + price)
    return found


def shared_out(results: Results, bins, weights, rng, prices=PRICES) -> Curve:
    """Choose for each bin the method *and* the budget, both by the two-fold choice.

    A generation has a price in accuracy; a bin takes what brings most after paying. The lower the
    price, the larger the mean budget: the place of "budgets" is taken by prices.

    Parameters
    ----------
    prices : array, shape (k,)
        Accuracy for one generation, falling.
    """
    right, paid = _tables(results, flops=False)
    exists = ~np.isnan(right).any(
        axis=(2, 3)
    )  # budgets come first, so of equals the cheaper one wins
    shape = (len(prices), exists.sum(), *right.shape[2:])
    tables = (np.broadcast_to(table[exists], shape) for table in (right, paid))
    return compute_optimal(*tables, bins, weights, rng, price=np.asarray(prices))


def _tables(results: Results, flops: bool) -> tuple[np.ndarray, np.ndarray]:
    """Right answers and prices, each (budgets, methods, seeds, problems)."""
    right = results.right.swapaxes(0, 1)
    if flops:
        return right, results.flops.swapaxes(0, 1)
    return right, np.where(
        np.isnan(right), np.nan, results.budgets[:, None, None, None].astype(float)
    )
