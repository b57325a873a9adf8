"""Budgets: the rule against its own words and closed forms, and doublings against all plans."""

import itertools

import numpy as np
import pytest
from budget_by_hand import NAMES, POWERS, budget
from hypothesis import given
from hypothesis import strategies as st

from ttclib.course.looking_back.budgets import (
    Rival,
    Setting,
    exponent,
    knee,
    measured,
    share_out,
    slopes,
    steps_of,
    tried,
)
from ttclib.measure import bootstrap

COUNTS = bootstrap.counts(5, 50, np.random.default_rng(0))


def in_words(amount, loss, price):
    """The first place from which no larger amount takes off the price for each doubling."""
    for i in range(len(amount)):
        jumps = [
            loss[j] <= loss[i] * (1 - price) ** np.log2(amount[j] / amount[i]) * (1 + 1e-9)
            for j in range(i + 1, len(amount))
        ]
        if not any(jumps):
            return i


curves = st.lists(st.floats(0.01, 10), min_size=2, max_size=9)


@given(curves, st.floats(0.01, 0.6))
def test_the_least_bill_is_the_rule_in_words(losses, price):
    amount = POWERS[: len(losses)]
    assert knee(amount, np.array(losses), price) == in_words(amount, losses, price)


@given(curves, st.lists(st.floats(1.01, 9), min_size=9, max_size=9), st.floats(0.01, 0.6))
def test_amounts_need_not_double(losses, ratios, price):
    amount = np.cumprod(ratios)[: len(losses)]
    assert knee(amount, np.array(losses), price) == in_words(amount, losses, price)


@pytest.mark.parametrize("power", [0.1, 0.5, 1.4])
def test_a_power_law_pays_to_the_end_or_never(power):
    loss = POWERS**-power
    assert slopes(POWERS, loss) == pytest.approx(-power)
    for price in (0.01, 0.05, 0.2, 0.5):
        ends = 1 - 2**-power >= price
        assert knee(POWERS, loss, price) == (len(POWERS) - 1 if ends else 0)


def test_just_its_price_still_pays():
    loss = 0.9 ** np.arange(9.0)
    assert knee(POWERS, loss, 0.1) == 8
    assert knee(POWERS, loss, 0.1001) == 0


def test_a_floor_stops_where_its_slope_is_the_price():
    """The slope of a + b/√n is −½ b/√n / (a + b/√n); at the knee it is the price's exponent."""
    n = 2.0 ** np.linspace(0, 20, 2001)
    loss = 0.2 + n**-0.5
    s = exponent(0.05)
    exact = ((0.5 - s) / (0.2 * s)) ** 2
    assert n[knee(n, loss, 0.05)] == pytest.approx(exact, rel=0.02)


def test_a_step_that_brings_nothing_is_looked_over():
    loss = np.array([1, 1, 0.7, 0.69, 0.69, 0.69, 0.69, 0.69, 0.69])
    assert knee(POWERS, loss, 0.05) == 2
    assert knee(POWERS, np.array([1.0, 1.0] + [0.999] * 7), 0.05) == 0


def test_a_dearer_doubling_stops_no_later(seed):
    rng = np.random.default_rng(seed)
    loss = np.exp(-rng.random((50, 9)).cumsum(axis=1) * rng.random((50, 1)))
    places = [knee(POWERS, loss, price) for price in (0.01, 0.05, 0.1, 0.3, 0.6)]
    assert all((late >= soon).all() for late, soon in itertools.pairwise(places))


@pytest.mark.parametrize("price", [0.0, 1.0, 1.5, -0.1])
def test_a_price_is_a_share(price):
    with pytest.raises(ValueError, match="price"):
        exponent(price)


def test_a_budget_by_hand():
    cells = np.array([[1.0, 1, 1, 1, 1], [0.5, 0.5, 0.5, 0.5, 0.5], [0.4, 0.4, 0.4, 0.4, 0.4]])
    found = measured(NAMES, (1, 2, 8), cells, COUNTS)
    assert found.doublings.tolist() == [0, 1, 3]
    assert found.won == pytest.approx([0, 0.5, 0.6])
    assert found.gain() == pytest.approx((0.6, 0.6, 0.6))
    assert found.slope == pytest.approx(np.polyfit(np.log([1, 2, 8]), np.log([1, 0.5, 0.4]), 1)[0])
    assert found.slope_interval() == pytest.approx((found.slope, found.slope))
    assert found.stops(0.05) == (2, 2, 2) and found.stops(0.2) == (1, 1, 1)
    assert found.bought(0.2) == 1
    assert found.price.tolist() == [1, 2, 8]


def test_squares_are_rooted_and_replicates_are_draws_of_units():
    cells = np.array([[1.0, 4, 9, 16, 25], [1, 1, 1, 1, 6]])
    found = measured(NAMES, (1, 2), cells, COUNTS, root=True)
    assert found.loss == pytest.approx([np.sqrt(11), np.sqrt(2)])
    assert found.draws[3] == pytest.approx(np.sqrt(COUNTS[3] @ cells.T / 5))


def test_a_replicate_that_solved_all_has_a_logarithm():
    cells = np.array([[1.0, 1, 1, 1, 1], [0, 0, 0, 0, 1]])
    found = measured(NAMES, (1, 2), cells, COUNTS)
    assert (COUNTS[:, -1] == 0).any() and (found.draws > 0).all()


@pytest.mark.parametrize("amount", [(2, 1), (0, 1), (1, 1), (1,)])
def test_amounts_rise_from_above_zero(amount):
    with pytest.raises(ValueError, match="amount"):
        measured(NAMES, amount, np.ones((len(amount), 5)), COUNTS)


def test_nothing_left_is_no_loss():
    with pytest.raises(ValueError, match="loss"):
        measured(NAMES, (1, 2), np.array([np.ones(5), np.zeros(5)]), COUNTS)


def test_a_rival_is_asked_for_as_much():
    curve = Rival("other", np.array([1.0, 2, 4]), np.array([0.9, 0.5, 0.4]))
    mine = budget([1.0, 0.7, 0.5], [10, 20, 40], rival=curve)
    assert mine.beaten() == (0.5, 20.0, True)  # 40 over 2
    equal = mine._replace(rival=curve._replace(loss=np.array([0.5 + 1e-13, 0.5, 0.4])))
    assert equal.beaten().times == 40
    assert budget([1.0, 0.7], [1, 2]).beaten() is None


def test_a_rival_that_never_comes_so_far_is_read_at_its_best():
    curve = Rival("other", np.array([1.0, 2]), np.array([0.9, 0.6]))
    mine = budget([0.8, 0.8, 0.4, 0.45], [1, 2, 8, 16], rival=curve)
    loss, times, reached = mine.beaten()
    assert (loss, reached) == (0.6, False)
    share = np.log(0.8 / 0.6) / np.log(2)  # of the way from 2 to 8
    assert times == pytest.approx(2 * 4**share / 2)
    worse = mine._replace(rival=curve._replace(loss=np.array([1.0, 0.9])))
    assert worse.beaten() == (0.9, 0.5, False)  # this budget begins below


def best_of_all(falls, doublings):
    """The most that any plan takes off."""
    plans = itertools.product(*(range(len(row) + 1) for row in falls))
    within = [plan for plan in plans if sum(plan) <= doublings]
    return max(sum(sum(row[:k]) for row, k in zip(falls, plan, strict=True)) for plan in within)


@given(st.lists(st.lists(st.floats(0, 1), max_size=4), min_size=1, max_size=4), st.integers(0, 12))
def test_the_greedy_plan_is_the_best(rows, doublings):
    falls = [sorted(row, reverse=True) for row in rows]
    taken = share_out(falls, doublings)
    assert taken.sum() <= doublings
    assert all(0 <= k <= len(row) for k, row in zip(taken, falls, strict=True))
    won = sum(sum(row[:k]) for row, k in zip(falls, taken, strict=True))
    assert won == pytest.approx(best_of_all(falls, doublings), abs=1e-9)


def test_idle_doublings_are_not_bought():
    assert share_out([[0.3, 0.0], [0.0], []], 5).tolist() == [1, 0, 0]


@given(curves, st.floats(0.02, 0.6))
def test_a_price_and_a_number_of_doublings_are_one_plan(losses, price):
    """Whole doublings at a price are those that the greedy plan buys first."""
    one = budget(losses, POWERS[: len(losses)])
    falls = steps_of(one)
    assert (np.diff(falls) <= 1e-9).all() and len(falls) == len(losses) - 1
    gap = np.abs(falls - exponent(price)).min()
    if gap > 1e-6:
        bought = (falls > exponent(price)).sum()
        assert bought == one.stops(price)[0]


def test_steps_of_uneven_amounts_are_whole_doublings():
    one = budget([1.0, 0.5], [1, 5])
    assert steps_of(one) == pytest.approx([1 / np.log2(5)] * 2)


def test_a_setting_by_hand():
    cells = np.array([[0.2, 0.2], [0.1, 0.1], [0.104, 0.104], [0.3, 0.5]])
    counts = bootstrap.counts(2, 20, np.random.default_rng(0))
    found = tried(("05", "temperature", "loss"), (1, 2, 3, 4), cells, counts)
    assert isinstance(found, Setting) and found.best == 1
    assert found.as_good(0.05).tolist() == [False, True, True, False]
    assert found.worst() == pytest.approx(4)
    rooted = tried(("05", "temperature", "loss"), (1, 2, 3, 4), cells, counts, root=True)
    assert rooted.loss == pytest.approx(np.sqrt(found.loss))
    assert rooted.draws == pytest.approx(np.sqrt(found.draws))
