"""Budgets that are moved again: their laws, and exact answers against those of the notebooks."""

import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM
from scipy import stats

from ttclib.course.bayesian_estimation.conjugate import NormalInverseGamma
from ttclib.course.learning_the_boat import boat
from ttclib.course.looking_back import live
from ttclib.course.looking_back.budgets import PRICE
from ttclib.course.monte_carlo_pi import estimators
from ttclib.course.particle_filtering.kalman import kalman_filter


def test_simpsons_rule_in_the_angle_leaves_nothing():
    assert live.simpson(8) == pytest.approx(math.pi, abs=1e-14)
    assert abs(live.simpson(2) - math.pi) < 0.1


def test_the_quarter_circle_is_that_of_notebook_01():
    u = np.linspace(0, 1, 9)
    assert live.quarter(u) == pytest.approx(4 * np.sqrt(1 - u**2))
    exact = estimators.stratified_sampling(live.quarter, 2**14, np.random.default_rng(0))
    assert exact.value == pytest.approx(math.pi, abs=1e-4)


def test_the_filter_is_that_of_notebook_04():
    _, y = live.BOAT.simulate(30, np.random.default_rng(1))
    assert live.kalman_means(y) == pytest.approx(kalman_filter(live.BOAT, y).filtered.mean)


def test_the_belief_is_that_of_notebook_03():
    prior = NormalInverseGamma(live.CENTRE, live.KAPPA, live.SHAPE, live.RATE)
    x = np.array([175.0, 173.0, 179.0, 175.0, 170.0])
    after = prior.update(x)
    assert live.posterior(x) == pytest.approx((after.mean, after.kappa, after.shape, after.rate))
    theta = np.array([[170.0, 1.0], [174.0, 2.0], [181.0, 3.0]])
    gap = live.log_belief(theta, *live.posterior(x)) - after.log_joint(*theta.T)
    assert gap == pytest.approx(gap[0])


def test_the_chain_is_that_of_notebook_04b():
    (mine,) = live.of_laws(seed=3, chains=4)
    rng = np.random.default_rng((3, 15, 4, 2))
    _, y = live.BOAT.simulate(50, rng)
    walk = boat.learn(boat.particle_evidence, y, 64, 0.25, 4, rng)
    found = np.array([next(walk) for _ in range(64 + 1024)])[64:]
    exact = boat.exact_posterior(y)
    for n, loss, price in zip(mine.amount.astype(int), mine.loss, mine.price, strict=True):
        assert loss == pytest.approx(np.sqrt(np.mean((found[:n].mean(axis=0) - exact.mean) ** 2)))
        assert price == 64 * (64 + n)
    coarse = boat.exact_posterior(y, 32)
    assert mine.rival.loss[-1] == pytest.approx(abs(coarse.mean - exact.mean), abs=1e-14)


def test_memories_are_those_of_notebook_14():
    pytest.importorskip("torch")
    from ttclib.course.what_a_token_costs import recall

    rng = np.random.default_rng(2)
    keys = recall.draw_keys(20, 8, rng)
    said = recall.deal_values(20, 8, rng)
    assert live.summed(keys, np.eye(8)[said]) == pytest.approx(recall.sums(keys, said, 8))
    ours, theirs = live.kept(keys, np.eye(8)[said]), recall.kept(keys, said, 8)
    assert ours / ours.sum(axis=1, keepdims=True) == pytest.approx(theirs)
    (mine,) = live.of_memories(texts=100)
    exact = [1 - recall.law(live.PAIRS, size, 16) for size in (4, 8, 16, 32, 64)]
    assert mine.loss == pytest.approx(exact, abs=0.03)  # 12,800 pairs of each size
    assert mine.amount.tolist() == [64, 128, 256, 512, 1024]


@pytest.mark.statistical
def test_squared_errors_of_darts_are_as_large_as_they_should_be(seed):
    """Their sum over runs, in units of π(4 − π)/n, is nearly χ²; false alarms at most 1e-6."""
    runs = 200
    n, squares = live.darts(np.random.default_rng(seed), 14, runs)
    for k in (-1, -5):
        total = squares[k].sum() / (math.pi * (4 - math.pi) / n[k])
        p = 2 * min(stats.chi2(runs).cdf(total), stats.chi2(runs).sf(total))
        assert p > FALSE_ALARM / 2
        assert 2 * stats.chi2(runs).sf(2 * total) < FALSE_ALARM  # twice the error is caught


@pytest.mark.statistical
def test_the_laws_hold_for_a_hundred_lucks(seed):
    """The page says: a doubling of darts takes off 29%, and none of them stops."""
    for luck in range(seed * 100, seed * 100 + 100):
        rng = np.random.default_rng(luck)
        for draw, law in ((live.darts, -0.5), (live.strata, -1.4)):
            n, squares = draw(rng, 11, 80)
            loss = np.sqrt(squares.mean(axis=1))
            slope = np.polyfit(np.log(n), np.log(loss), 1)[0]
            assert slope == pytest.approx(law, abs=0.15)


def test_every_estimate_falls_and_none_stops():
    budgets, settings = live.budgets(seed=3)
    assert [b.notebook for b in budgets] == sorted(b.notebook for b in budgets)
    for budget in budgets[:-1]:  # the last is no average
        few = budget.notebook == "04b"  # chains, and their steps are far from independent
        assert budget.slope < (-0.15 if few else -0.4)
        assert budget.stops(PRICE)[0] == len(budget.amount) - 1
    step, threshold = settings
    assert 0 < step.best < len(step.values) - 1
    assert threshold.loss.argmax() == 0 and threshold.values[0] == 0.0


def test_the_same_luck_twice():
    once, _ = live.of_chains(5)
    again, _ = live.of_chains(5)
    assert (once[0].loss == again[0].loss).all() and (once[0].draws == again[0].draws).all()
    other, _ = live.of_chains(6)
    assert (once[0].loss != other[0].loss).all()
