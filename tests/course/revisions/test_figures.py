"""Pictures of notebook 10 say what the numbers say: on chains whose law is known."""

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of

from ttclib.course.revisions import figures

FLOW = np.array([[[True, True], [True, False], [False, True], [False, False]]])


@pytest.fixture(autouse=True)
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def test_along_a_chain():
    rising = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    sheet = figures.along_picture({"rises": rising, "level": np.array([[0.5], [1.0]])})
    assert sheet.text == ("share right along a chain of 3: rises from 0.000 to 1.000; level 0.750")
    drawn = figures.along_picture({}, {"measured": [0.2, 0.3]})
    assert drawn.text == "share right along a chain of 2: measured from 0.200 to 0.300"
    assert numbers_of(drawn.fig.axes[0].lines[0]).tolist() == [[1, 0.2], [2, 0.3]]
    line, level = sheet.fig.axes[0].lines
    assert numbers_of(line).tolist() == [[1, 0], [2, 0.5], [3, 1]]
    assert numbers_of(level).tolist() == [[1, 0.75], [3, 0.75]]
    x, low, high = bands(sheet.fig.axes[0])[0]
    assert x.tolist() == [1, 2, 3] and low[1] <= 0.5 <= high[1] and low[2] == high[2] == 1


def test_lines_differ_in_more_than_colour():
    levels = {name: np.full((3, 1), 0.5) for name in "abc"}
    steps = {name: np.full((3, 2), 0.5) for name in "de"}
    sheet = figures.along_picture(levels | steps, {"f": [0.1, 0.2], "g": [0.2, 0.3]})
    looks = [(line.get_marker(), line.get_linestyle()) for line in sheet.fig.axes[0].lines]
    assert len(set(looks)) == len(looks) == 7


@pytest.fixture
def judges():
    right = np.array([[True, False, False, False], [False, False, False, False]])
    blind = np.full((2, 4), 0.6)
    return {"blind": (right, blind), "exact": (right, right.astype(float))}


def test_keeping(judges):
    view = figures.keeper_view(judges, np.array([0, 1]), "blind", (1, 2), (0.5, 0.9))
    text, cost = view.at(judge="exact", attempt=2)
    # right with ¼ at once, else kept or drawn again: ¼ + ¾ · ¼ on one of two problems
    assert text == (
        "exact, kept from 0.5 on: attempt 1 0.125, attempt 2 0.219 (+0.094); the exact judge 0.219"
    )
    assert cost.units == 2
    assert "attempt 2 0.125 (+0.000)" in view.at(judge="blind", attempt=2)[0]
    heights = [bar.get_height() for bar in view.fig.axes[1].patches]
    assert heights == pytest.approx([0.25, 0, 0.25, 0])


def test_a_label_that_had_to_move_is_led_to_its_line(judges):
    judges = {"worst": judges["blind"], "poor": judges["blind"], **judges}
    view = figures.keeper_view(judges, np.array([0, 1]), "blind", (1, 2), (0.5,))
    view.at(judge="blind")
    leaders = [numbers_of(line) for line in view.moving(0) if line.get_linewidth() == 0.7]
    ends = [leader[0, 1] for leader in leaders]
    assert ends == pytest.approx([0.125] * 3 + [0.125 + 0.375 / 4])
    places = {text.get_text(): text.get_position()[1] for text in view.fig.axes[0].texts}
    low, high = view.fig.axes[0].get_ylim()
    for name, leader in zip(judges, leaders, strict=True):
        assert places[name] == pytest.approx((leader[1, 1] - low) / (high - low))
    apart = np.diff(sorted(places.values()))
    assert (apart > 0.04).all()


def test_the_flow():
    sheet = figures.flow_picture(FLOW)
    assert sheet.text == "right are 50%, 50%; righted and spoiled from step to step: 50% and 50%"
    assert len(bands(sheet.fig.axes[0])) == 4
    for _, low, high in bands(sheet.fig.axes[0]):
        assert high - low == pytest.approx(0.25)
    starts = sorted(low[0] for _, low, _ in bands(sheet.fig.axes[0]))
    ends = sorted(low[-1] for _, low, _ in bands(sheet.fig.axes[0]))
    assert starts == ends == pytest.approx([0, 0.25, 0.5, 0.75])


def test_the_long_run():
    right = np.tile(FLOW, (4, 1, 3))  # 6 steps
    long = np.tile(FLOW, (4, 1, 4))
    view = figures.long_run_view(right, long, np.linspace(0, 1, 4), (1, 2), (2, 4))
    text, cost = view.at(number=2, seen=2)
    assert text == (
        "2 chains counted on 2 attempts: long run 0.500; foreseen for attempts 5 to 8 0.500, "
        "came 0.500"
    )
    assert cost.units == 8
    assert [numbers_of(dot).ravel().tolist() for dot in view.moving(1)] == [[0.5, 0.5]] * 2
    (alike,) = view.fixed(1)  # where it does not matter how the last attempt ended
    assert numbers_of(alike).sum(axis=1).tolist() == [1, 1]
    assert view.at(number=1, seen=4)[0].startswith("1 chain counted on 4 attempts")


def test_what_is_fed():
    read = np.array([[[10, 20, 30, 30]]])
    again, kept = figures.fed(read, 2, (1, 0))
    assert again[0].tolist() == [10, 20, 30, 30] and again[1] == 90
    assert kept[0].tolist() == [10, 10, 10, 30] and kept[1] == 60
    fresh = np.array([[[10, 10, 10]]])
    for positions, flops in figures.fed(fresh, 0, (1, 2)):
        assert positions.tolist() == [10, 10, 10] and flops == 3 * (10 + 110)


def test_attempts_in_context():
    right = np.tile(FLOW, (3, 1, 2))
    read = np.broadcast_to(np.array([10, 20, 20, 20]), right.shape)
    windows = {0: (right, np.full(right.shape, 10)), 1: (right, read)}
    view = figures.windows_view(windows, (1, 0))
    text, cost = view.at(window=1)
    assert text == (
        "1 in context: right are 0.500 of first attempts, 0.500 of later ones; positions for a "
        "chain 70, with what was read kept 60, 0.86 of the FLOPs"
    )
    assert cost.lm_positions == 70 and cost.lm_flops == 70
    assert len(view.moving(0)) == 3
    text, _ = view.at(window=0)
    assert text.endswith("chain 40, with what was read kept 40, 1.00 of the FLOPs")
