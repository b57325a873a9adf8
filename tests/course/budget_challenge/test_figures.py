"""Pictures of notebook 09b: the record's curves, and the learner's own tries."""

import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of

from ttclib.course.budget_challenge import figures
from ttclib.course.budget_challenge.arena import Outcome
from ttclib.search.results import Curve

CURVES = figures.references()


def outcome(right, paid):
    return Outcome(60e6, np.array(right), np.array(paid), [], [], None)


@pytest.fixture(autouse=True)
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def test_a_method_counts_with_what_it_can_pay():
    curve = Curve(np.array([0.3, 0.5, 0.4]), np.array([10.0, 20.0, 40.0]), None, None)
    assert np.isnan(figures.bought(curve, 9))
    assert [figures.bought(curve, flops) for flops in (10, 25, 99)] == [0.3, 0.5, 0.5]


@pytest.mark.parametrize("budget", figures.STEPS)
def test_the_view_says_what_a_budget_buys(budget):
    text = figures.budget_view(CURVES, {}).at(budget=budget)
    for name, curve in CURVES.items():
        share = figures.bought(curve, budget * 1e6)
        assert (f"{name} {share:.3f}" in text) == np.isfinite(share)
    assert text.endswith("yours: nothing yet")


def test_own_tries_are_stars_where_they_were_paid():
    board = {("yours", 60e6): outcome([True, True, False, True], [50e6, 52e6, 48e6, 50e6])}
    view = figures.budget_view(CURVES, board)
    assert view.at(budget=50).endswith("nothing yet")
    assert view.at(budget=60).endswith("yours: yours 0.75 for 50 M")
    stars = [line for line in view.moving(0) if line.get_marker() == "*"]
    assert [numbers_of(star).tolist() for star in stars] == [[[50.0, 0.75]]]


def test_the_ladder_draws_what_was_paid_and_solved():
    outcomes = {"one": outcome([True, False], [1e7, 3e7]), "two": outcome([True, True], [5e7, 5e7])}
    sheet = figures.ladder_picture(outcomes)
    assert sheet.text == "one 0.50 for 20 M; two 1.00 for 50 M"
    (ax,) = sheet.fig.axes
    assert [numbers_of(bar.lines[0]).tolist() for bar in ax.containers] == [
        [[20.0, 0.5]],
        [[50.0, 1.0]],
    ]
