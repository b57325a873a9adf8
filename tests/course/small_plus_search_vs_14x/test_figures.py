"""What the pictures of notebook 11 draw, and what they say beside it."""

import math
import re

import numpy as np
import pytest
from audit import audit
from drawings import Drawing, Sheet, bands, numbers_of
from views import control, line_of

from ttclib.course.small_plus_search_vs_14x import figures
from ttclib.course.small_plus_search_vs_14x.bills import STAGES, Way
from ttclib.course.small_plus_search_vs_14x.matched import (
    ALL_FLOPS,
    ICLR,
    V1,
    Rival,
    Settings,
    Sizes,
    multiplier,
)
from ttclib.measure import bootstrap

BINS = np.repeat(np.arange(5), 8)
SIZES = Sizes(10, 140)  # M = 14


def settings():
    """One answer solves bin 0, 8 bins 0 and 1, 16 bins 0 to 2, 64 to 3; nothing solves bin 4."""
    generations = np.array([1, 8, 16, 64, 256])
    right = np.array([1.0 * (most >= BINS) for most in (0, 1, 2, 3, 3)])
    lm = np.repeat(generations[:, None] * 1.0, 40, axis=1)
    return Settings(tuple("abcde"), generations, right, lm, 2 * lm)


def rival():
    return Rival(np.where(np.arange(40) % 2, 1.0, BINS < 4), np.full(40, 2.0), np.full(40, 14.0))


@pytest.fixture
def view(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    counts = bootstrap.counts(40, 30, np.random.default_rng(0))
    return figures.exchange_view(settings(), rival(), SIZES, BINS, counts)


def test_the_exchange_follows_r(view):
    text, cost = view.at(ratio=0.16, count=V1)
    assert "as much as 257.8 of the small (v1); the small one may use up to 256 of the" in text
    assert "difference by bin +0.00, +0.00, +0.00, +0.00, -0.50; all -0.100 [" in text
    # of equals the cheapest: 1, 8, 16, 64 and for the hopeless bin 1
    assert cost.units == 256 and cost.lm_flops == cost.verifier_flops == 18.0
    text, cost = view.at(ratio=22.0, count=V1)
    assert "difference by bin +0.00, +0.00, +0.00, -1.00, -0.50; all -0.300 [" in text
    text, cost = view.at(ratio=math.inf, count=V1)
    assert "R = ∞ (inference alone)" in text and cost.units == 8
    assert "difference by bin +0.00, +0.00, -1.00, -1.00, -0.50" in text
    # a verifier reads every token of the small one: half of what pretraining adds
    text, _ = view.at(ratio=0.79, count=ICLR)
    assert f"as much as {14 + 1.5 * 13 / 0.79:.4g} of the small (ICLR); the small one" in text
    # one answer of the large costs 14 FLOPs: 8 with a verifier do not fit
    text, cost = view.at(ratio=math.inf, count=ALL_FLOPS)
    assert cost.units == 1 and "-1.00, -1.00, -1.00" in text
    assert "one greedy answer of the large model is paid in FLOPs" in text and "(v1)" not in text


def test_the_exchange_is_drawn_as_it_is_said(view):
    text, _ = view.at(ratio=0.79, count=V1)
    dots = [numbers_of(line)[0] for line in view.moving(1) if line.get_marker() == "o"]
    said = [float(x) for x in re.search(r"by bin (.*?);", text)[1].split(", ")]
    assert [y for _, y in dots[:-1]] == pytest.approx(said, abs=0.006)
    assert dots[-1][1] == pytest.approx(float(re.search(r"; all (\S+) ", text)[1]), abs=6e-4)
    ends = [numbers_of(line)[:, 1] for line in view.moving(1) if line.get_marker() != "o"]
    assert all(low <= y <= high for (low, high), (_, y) in zip(ends, dots, strict=True))


def test_the_same_luck_at_every_r(view):
    once, _ = view.at(ratio=0.04, count=V1)
    assert view.at(ratio=0.04, count=V1)[0] == once
    assert view.at(seed=1, ratio=0.04, count=V1)[0] != "" and view.at(ratio=0.04)[0] == once


def test_matched_budgets_are_drawn(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    sheet = figures.matched_picture(14.0, 256)
    assert "v1 R = 0.16: 257.8, R = 0.79: 63.4, R = 22: 15.8; ICLR R = 0.08: 257.8" in sheet.text
    curves = [numbers_of(line) for line in sheet.fig.axes[0].lines if line.get_marker() == "None"]
    for curve, read in zip(curves, (1, 2), strict=False):
        assert curve[:, 1] == pytest.approx([multiplier(14, r, read) for r in curve[:, 0]])
    stars = [numbers_of(line) for line in sheet.fig.axes[0].lines if line.get_marker() == "*"]
    assert stars[0][:, 1] == pytest.approx(stars[1][:, 1], rel=0.02)


def test_stars_stand_where_the_cost_is_matched(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    counts = bootstrap.counts(40, 30, np.random.default_rng(0))
    sheet = figures.stars_picture(settings(), rival(), SIZES, BINS, counts)
    ax = sheet.fig.axes[0]
    stars = np.array([numbers_of(line)[0] for line in ax.lines if line.get_marker() == "*"])
    expected = [multiplier(14, r) for r in (22, 0.79, 0.16)]
    assert stars[:, 0].reshape(5, 3) == pytest.approx(np.tile(expected, (5, 1)))
    assert stars[:, 1].reshape(5, 3)[:, 0].tolist() == [1, 1, 1, 1, 0.5]
    # the fourth bin is solved by 64 alone, and the hardest by nobody
    assert sheet.text.endswith(
        "bin 1 0 of 3, bin 2 0 of 3, bin 3 1 of 3, bin 4 2 of 3, bin 5 3 of 3"
    )
    assert len(bands(ax)) == 5


def test_bills_add_up(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    stages = np.array([1e12, 2e12, 3e12, 0.5e12])
    sheet = figures.bills_picture({"a": stages, "b": 2 * stages})
    assert sheet.text.endswith("a 6.5; b 13.0")
    bars = sheet.fig.axes[0].patches
    assert len(bars) == 2 * len(STAGES)
    assert sum(bar.get_width() for bar in bars) == pytest.approx(19.5)


def ways():
    bin_0 = 1.0 * (BINS == 0)
    cheap = Way(10.0, np.array([bin_0 * 0.5, bin_0]), np.array([np.ones(40), np.full(40, 4.0)]))
    trained = Way(1000.0, np.ones((1, 40)), np.ones((1, 40)))
    large = Way(1e5, np.ones((1, 40)) * 0.9, np.full((1, 40), 14.0))
    return {"votes": cheap, "trained": trained, "large": large}


def test_who_is_on_the_frontier(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    view = figures.frontier_view(ways(), BINS, [1.0, 100.0, 10000.0], 50.0)
    text = view.at(questions=100.0, difficulty="all")
    assert text == (
        "100 questions, R = 2; on the frontier, from cheap to dear: votes; trained; "
        "its top 1.000, trained, for 1.1 k FLOPs"
    )
    step = numbers_of(view.moving(0)[-1])
    assert step[0].tolist() == [1, 0.1] and step[2].tolist() == [10, 1.0]  # 110 and 1,100
    text = view.at(questions=1.0, difficulty=0)  # one answer each: votes solve all of it
    assert "cheap to dear: votes; its top 1.000, votes, for 14 FLOPs" in text
    text = view.at(questions=10000.0, difficulty=0)  # now its answers weigh more than a training
    assert "votes; trained; its top 1.000, trained, for 11 k FLOPs" in text


def test_typed_numbers(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    view = figures.serving_view()
    text = view.at(
        parameters="1 B", trained="2e10", questions="1 M", tokens="100", times="10", price="2"
    )
    # 6e9 · 2e10 and 2e9 · 1e8 · 365; R = 365e8/2e10
    assert text == (
        "training 1.20e+20 FLOPs, $240; a year of greedy answers 7.30e+19 FLOPs, $146; R = 1.82; "
        "a model 10 times larger costs $3,860 in all, and for that the small one may give 25 "
        "answers to each question"
    )
    (star,) = (line for line in view.moving(0) if line.get_marker() == "*")
    assert numbers_of(star)[0] == pytest.approx([10 + 3 * 9 / 1.825, 10])
    line = next(line for line in view.moving(0) if len(line.get_xdata()) == 200)
    many, cost = numbers_of(line).T
    assert np.interp(10 + 3 * 9 / 1.825, many, cost) == pytest.approx(10, rel=1e-2)


def test_bad_input_is_one_line_and_the_picture_stays():
    shown = figures.serving_view()
    before = repr(shown)
    control(shown, "parameters").value = "many"
    assert "parameters: &#x27;many&#x27; is not a number; type one such as 8e9" in line_of(shown)
    assert repr(shown) == before
    control(shown, "parameters").value = "16 B"
    assert line_of(shown) == "" and "training 1.92e+23 FLOPs, $192,000" in repr(shown)


def test_lines_differ_in_more_than_colour(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    counts = bootstrap.counts(40, 30, np.random.default_rng(0))
    sheet = figures.stars_picture(settings(), rival(), SIZES, BINS, counts)
    view = figures.frontier_view({name: ways()["votes"] for name in "abcdefgh"}, BINS, [1.0], 1.0)
    for ax, number in ((sheet.fig.axes[0], 5), (view.fig.axes[0], 8)):
        lines = [line for line in ax.lines if len(line.get_xdata()) != 1]  # no stars
        marks = [line.get_marker() for line in lines if line.get_marker() != "None"]
        assert len(set(marks)) == number
    bills = figures.bills_picture({"a": np.ones(4) * 1e12})
    assert len({bar.get_hatch() for bar in bills.fig.axes[0].patches}) == len(STAGES)


@pytest.mark.parametrize("times", ["1.01", "2", "14", "1e5", "1e30"])
@pytest.mark.parametrize("questions", ["1", "1 M", "1 T"])
def test_whatever_is_typed_the_larger_model_is_named_inside_the_picture(
    monkeypatch, times, questions
):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    view = figures.serving_view()
    text = view.at(times=times, questions=questions)
    assert audit(view.fig) == []
    assert len(text) < 300
    names = [label.get_text() for label in view.fig.axes[0].texts]
    assert names == ([] if times == "1e30" else [f"{float(times):g} times larger, greedy"])


def test_money():
    said = [figures._money(dollars) for dollars in (0.001234, 0.734, 9.5, 1234.5, 6.3e14)]
    assert said == ["$1.23e-03", "$0.73", "$9.50", "$1,234", "$6.30e+14"]
    assert [figures._count(k) for k in (1.01, 1.6, 2e13)] == [
        "1 answer",
        "2 answers",
        "2.00e+13 answers",
    ]
