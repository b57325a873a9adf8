"""Compute-optimal choice over budgets: tables whose answer is known."""

import itertools

import numpy as np
import pytest

from ttclib.course.compute_optimal.optimal import compute_optimal
from ttclib.measure import bootstrap


def two_specialists(problems=80, budgets=3):
    """Setting 0 solves the easy half, setting 1 the hard half; both pay the budget, the second
    double.
    """
    bins = np.arange(problems) % 2
    right = np.stack([1.0 - bins, 1.0 * bins])
    right = np.broadcast_to(right, (budgets, 2, problems))
    paid = np.broadcast_to(2.0 ** np.arange(budgets)[:, None, None], right.shape) * [[[1], [2]]]
    return right, paid, bins


def test_who_knows_the_difficulty_solves_all_and_who_does_not_half(seed):
    right, paid, bins = two_specialists()
    rng = np.random.default_rng(seed)
    counts = bootstrap.counts(80, 50, rng)
    informed = compute_optimal(right, paid, bins, counts, rng)
    assert informed.accuracy.tolist() == [1, 1, 1] and (informed.draws == 1).all()
    assert informed.paid == pytest.approx([1.5, 3, 6])  # half of the problems pay double
    hard = (counts * bins).sum(axis=1) / 80
    assert informed.paid_draws[:, 0] == pytest.approx(1 + hard)
    blind = compute_optimal(right, paid, 0 * bins, counts, rng)
    assert (blind.accuracy <= 0.5).all()


def test_a_price_buys_the_cheap_setting():
    right, paid, bins = two_specialists()
    rng = np.random.default_rng(0)
    counts = bootstrap.counts(80, 5, rng)
    # the hard bin gains 1 and pays 1, 2, 4 more than with setting 0
    curve = compute_optimal(right, paid, bins, counts, rng, price=[0.9, 0.6, 0.2])
    assert curve.accuracy.tolist() == [1.0, 0.5, 1.0]
    assert curve.paid == pytest.approx([1.5, 2.0, 6.0])


def test_seeds_with_bins_of_their_own(seed):
    """Two seeds with the same bins are one problem each; its seeds never face each other."""
    rng = np.random.default_rng(seed)
    right = rng.integers(2, size=(2, 3, 2, 20)).astype(float)  # budgets, settings, seeds, problems
    paid = np.ones_like(right)
    counts = bootstrap.counts(20, 5, rng)
    luck = itertools.repeat(seed)
    nobody = np.zeros(20, dtype=int)
    one = compute_optimal(right, paid, nobody, counts, np.random.default_rng(next(luck)))
    two = compute_optimal(
        right, paid, np.stack([nobody, nobody]), counts, np.random.default_rng(next(luck))
    )
    assert two.accuracy == pytest.approx(one.accuracy) and two.draws == pytest.approx(one.draws)
    # a setting for each problem: known from its other seed only if that were allowed to choose
    problem = np.arange(20)
    alone = np.zeros((1, 20, 2, 20))
    alone[0, problem, :, problem] = 1.0
    leak = compute_optimal(alone, np.ones_like(alone), np.stack([nobody, nobody]), counts, rng)
    assert leak.accuracy[0] == 0.0
