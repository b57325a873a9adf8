"""What the pictures of notebook 15b draw, and what they say."""

import numpy as np
import pytest
from budget_by_hand import budget
from drawings import Drawing, Sheet, numbers_of

from ttclib.course.looking_back import figures
from ttclib.course.looking_back.budgets import knee, share_out, steps_of

LAW = budget(2.0 ** (-0.5 * np.arange(9)))  # takes off 29% a doubling
FLOOR = budget([1.0, 0.5, 0.4, 0.39, 0.39], [1, 2, 4, 8, 16])._replace(
    measure="share not solved", unit="samples", name="votes", notebook="05"
)
TRAINED = budget([1.0, 0.9, 0.5], [1, 2, 4])._replace(
    measure="loss", unit="tokens", name="reading", notebook="12"
)
ALL = [LAW, FLOOR, TRAINED]


@pytest.fixture(autouse=True)
def on_paper(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def test_three_kinds():
    assert [figures.part(one) for one in ALL] == list(figures.KINDS)
    searched = TRAINED._replace(name="FLOPs of search", unit="FLOPs")
    assert figures.part(searched) == figures.ANSWERS


def test_every_curve_is_drawn_where_it_is():
    sheet = figures.common_axes_picture(ALL)
    for ax, one in zip(sheet.fig.axes, ALL, strict=True):
        curve = numbers_of(ax.lines[0])
        assert curve == pytest.approx(np.column_stack([one.doublings, one.won]))
        assert [text.get_text() for text in ax.texts] == [f"{one.notebook} {one.name}"]
    assert "05 votes 0.61 in 4.0" in sheet.text


def test_labels_move_apart_downwards_and_keep_their_order():
    ys = np.array([0.9, 0.98, 0.2, 0.97])
    moved = figures._apart(ys, 0.1, 1.0)
    assert moved == pytest.approx([0.78, 0.98, 0.2, 0.88])
    assert (moved <= ys + 1e-12).all()


@pytest.mark.parametrize("price", figures.PRICES)
def test_blue_ends_where_it_stops(price):
    view = figures.stops_view(ALL, knee)
    text, *_ = [view.at(price=price)]
    places = [int(knee(one.amount, one.loss, price)) for one in ALL]
    bars = [line for line in view.moving(0) if line.get_linewidth() == 4]
    ends = [numbers_of(line)[1, 0] for line in bars]
    assert ends == [one.doublings[k] for one, k in zip(ALL, places, strict=True)]
    never = sum(k == len(one.amount) - 1 for one, k in zip(ALL, places, strict=True))
    marks = [line.get_marker() for line in view.moving(0)]
    assert marks.count(">") == never and marks.count("o") == 3 - never
    assert f"{3 - never} of 3 budgets stop" in text and f"{price:.0%} of what is left" in text
    assert f"{sum(ends):.0f} doublings are bought" in text


def test_your_rule_draws_the_slider():
    view = figures.stops_view(ALL, lambda amount, loss, price: 1)
    view.at(price=0.05)
    bars = [numbers_of(line)[1, 0] for line in view.moving(0) if line.get_linewidth() == 4]
    assert bars == [1, 1, 1]


def test_doublings_are_bought_where_they_take_off_most():
    view = figures.shopping_view(ALL, share_out)
    falls = [steps_of(one).tolist() for one in ALL]
    for doublings in view.settings["doublings"].options:
        text = view.at(doublings=doublings)
        taken = share_out(falls, doublings)
        bars = [p.get_width() for p in view.fig.axes[0].patches]
        assert bars == taken.tolist()
        told = f"{doublings}" if taken.sum() == doublings else f"{taken.sum()} of {doublings}"
        assert text.startswith(f"{told} doublings go to {(taken > 0).sum()} of 3 budgets")
    assert "takes off" not in view.at(doublings=0)
    assert view.settings["doublings"].options[-1] == sum(map(len, falls))
    text = view.at(doublings=5)
    last = min(row[k - 1] for row, k in zip(falls, share_out(falls, 5), strict=True) if k)
    assert text.endswith(f"the last one takes off {1 - 2**-last:.1%}")


def test_the_line_of_the_price_touches_the_curve():
    sheet = figures.line_picture(FLOOR, 0.05, 2)
    curve, line, dot = (numbers_of(each) for each in sheet.fig.axes[0].lines)
    assert dot.tolist() == [[4, 0.4]]
    assert (line[:, 1] <= curve[:, 1] * (1 + 1e-9)).all() and line[2, 1] == pytest.approx(0.4)
    assert line[:, 1] == pytest.approx(0.4 * 0.95 ** (np.arange(5) - 2.0))
    assert "stops at 4" in sheet.text
