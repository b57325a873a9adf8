"""Pictures of pruning: what is drawn is what is said, and both are in the record."""

import re

import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of

from ttclib.course.small_models import prune_figures as figures
from ttclib.course.small_models.recovery import Run, Thin

RIVALS = {"lab-small": 0.5, "lab-small-more": 0.875}


def thin():
    found = [Thin({}, 0.0, np.array([0.0]), np.arange(8) < 6)]
    for number, part in enumerate(("hidden", "heads", "layers", "width"), 1):
        for step, share in enumerate((0.6, 0.3), 1):  # not in order
            kl = np.array([number * 0.1 * share, 1.0, 2.0])
            found.append(Thin({part: step}, share, kl, np.arange(8) < number))
    found.append(Thin({"hidden": 1, "heads": 1}, 0.5, np.array([3.0, 4.0, 4.0]), np.arange(8) < 0))
    return found


def run(kl, solved, weights=10, taught=0.0):
    looks = np.arange(3)
    right = np.arange(8) < np.array(solved)[:, None]
    tokens = 1000.0 * looks
    paid = (6 * weights * tokens, taught * tokens)
    return Run(tokens, *paid, weights, np.array(kl), np.array(kl) + 1, np.ones(3), right)


def runs():
    numbers = {
        "scratch": ([3.0, 2.0, 1.0], [0, 1, 2]),
        "scratch, taught": ([3.0, 1.0, 0.5], [0, 2, 3]),
        "pruned": ([2.0, 1.0, 0.25], [0, 3, 4]),
        "pruned, taught": ([2.0, 0.5, 0.125], [0, 4, 6]),
    }
    return {name: run(*both, taught=7.0 * ("taught" in name)) for name, both in numbers.items()}


def test_pruning_is_drawn_from_left_to_right(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    sheet = figures.pruned_picture(thin())
    near, right = sheet.fig.axes
    hidden, heads, *_ = [numbers_of(line) for line in near.lines]
    assert hidden.tolist() == [[30, pytest.approx(0.03)], [60, pytest.approx(0.06)]]
    assert heads[1, 1] == pytest.approx(0.12)
    assert numbers_of(right.lines[0])[:, 1].tolist() == [0.75, 0.125, 0.125]
    assert "hidden units 30% 0.030/0.12, 60% 0.060/0.12; heads 30% 0.060/0.25" in sheet.text
    assert "width of the stream 30% 0.120/0.50" in sheet.text


def test_pruning_on_the_page_measures_each_setting_once(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    asked = []

    def measure(part, share):
        asked.append((part, share))
        return figures.Measured(0.25, np.arange(8) < 2, 60, "3 of 6")

    whole = figures.Measured(0.0, np.arange(8) < 6, 100)
    view = figures.live_view(measure, whole)
    text = view.at(share=0.5, part="heads")
    assert text == (
        "3 of 6 heads of each layer stay, 40% of the weights are gone: KL 0.2500 nats a token, "
        "2 of 8 solved (whole: 6)"
    )
    bars = [ax.patches[0].get_width() for ax in view.fig.axes]
    assert bars == [0.25, 0.25]
    view.at(share=0.5, part="heads")
    view.at(share=1.0, part="width")
    assert asked == [("heads", 0.5), ("width", 1.0)]


def test_the_four_runs_stand_side_by_side(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    view = figures.recovery_view(runs(), 0.75, RIVALS)
    text = view.at(tokens=1000.0)
    assert text.startswith("1,000 tokens, KL/solved: new, true tokens 2.000/0.125 [")
    assert "; pruned, teacher 0.500/0.500 [" in text and text.endswith(", 67 kFLOPs")
    near, right = view.fig.axes
    assert [bar.get_height() for bar in near.patches] == [2.0, 1.0, 1.0, 0.5]
    assert [bar.get_height() for bar in right.patches] == [0.125, 0.25, 0.375, 0.5]
    ends = [numbers_of(line)[:, 1] for line in view.moving(1)]
    said = re.findall(r"\[(\S+), (\S+)\]", text)
    assert [[round(float(y), 2) for y in pair] for pair in ends] == [[*map(float, p)] for p in said]
    assert view.at().startswith("2,000 tokens")
    assert [line.get_ydata()[0] for line in right.lines[:3]] == [0.75, 0.5, 0.875]  # who wins


def test_new_weights_may_be_asked_fewer_problems(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    found = runs()
    few = found["scratch"]
    found["scratch"] = few._replace(right=few.right[:, :2])
    assert "new, true tokens 1.000/1.000 [" in figures.recovery_view(found, 0.75, {}).at()


def test_other_ways_stand_beside_the_plain_one(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    others = {
        "T = 4": run([2.0, 1.0, 0.5], [0, 1, 3]),
        "two steps": run([2.0, 1.0, 0.1], [0, 1, 7]),
    }
    sheet = figures.ways_picture(runs() | others, 0.75, RIVALS)
    near, right = sheet.fig.axes
    assert [bar.get_height() for bar in near.patches] == [0.25, 0.1, 0.125, 0.5]
    assert [bar.get_height() for bar in right.patches] == [0.5, 0.875, 0.75, 0.375]
    labels = [label.get_text().replace("\n", " ") for label in near.get_xticklabels()]
    assert labels == ["pruned, true tokens", "in two steps", "pruned, teacher", "teacher, T = 4"]
    assert [line.get_ydata()[0] for line in right.lines[:3]] == [0.75, 0.5, 0.875]
    assert "pruned, true tokens 0.250/0.500 [" in sheet.text
    assert "; teacher, T = 4 0.500/0.375 [" in sheet.text


def test_two_of_the_four_runs_are_enough(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    found = {name: run for name, run in runs().items() if name.startswith("pruned")}
    view = figures.recovery_view(dict(reversed(found.items())), 0.75, RIVALS)
    named = re.findall(r"(pruned, [\w ]+) \d\.", view.at())
    assert named == ["pruned, true tokens", "pruned, teacher"]
    assert view.at(tokens=0.0).endswith(", 0 FLOPs")
