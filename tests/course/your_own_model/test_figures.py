"""What the pictures of notebook 16 draw, and what they say."""

from types import SimpleNamespace

import numpy as np
import pytest
from drawings import Drawing
from own_record import WRITTEN, texts, write

from ttclib.course.your_own_model import figures, record, stories
from ttclib.lm import arithmetic
from ttclib.lm.models import load
from ttclib.measure.calibration import auroc


@pytest.fixture
def drawn(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)


def true_sums(problem, text):
    """Of arithmetic: 1 while every step is right."""
    return float(arithmetic.TASK.right_steps(problem, text) == text.count(";"))


def test_a_search_on_another_task_is_drawn_step_by_step(drawn):
    view = figures.search_view(
        load("lab-small"), arithmetic.TASK, {"sums": true_sums}, ["7*8+15", "9-2"], steps=4
    )
    line, cost = view.at(n=8)
    assert line.startswith("'7*8+15': ") and " of 8 texts are right; the vote says " in line
    assert cost.lm_flops > 0 and view.progress[-1] <= 1
    boxes = [text.get_text() for text in view.fig.axes[0].texts]
    assert any("7*8=56;" in box for box in boxes)
    assert sum(int(b.rpartition("×")[2]) if "×" in b else 1 for b in boxes) >= 8
    line, _ = view.at(typed="1+1", method="particles", n=2)
    assert line.startswith("'1+1': ")
    with pytest.raises(ValueError, match="'one'"):
        view.at(typed="one")
    assert view.at(method="best of n", n=1)[0] != view.at(method="rebase", n=16)[0]


def test_a_box_says_what_was_written_and_crosses_what_the_verifier_doubts(drawn):
    view = figures.search_view(
        load("lab-small"), arithmetic.TASK, {"no": lambda *_: 0.1}, ["7*8+15"], steps=4
    )
    view.at(method="best of n", n=4)
    assert all(text.get_text().startswith("✗ ") for text in view.fig.axes[0].texts)


def test_the_judge_stands_beside_the_plain_function(monkeypatch):
    monkeypatch.setattr(figures, "Picture", lambda fig, text: SimpleNamespace(fig=fig, text=text))
    one = texts(WRITTEN * 4, [0.2, 0.9, 0.1, 0.1] * 4)
    picture = figures.judge_picture([one, one], stories.numbers_follow)
    right = np.tile(one.right, 2)
    area = auroc(np.tile(one.yes, 2), right)
    assert area == 1 and f"P(Yes): AUC {area:.2f}" in picture.text
    assert "the plain function: AUC 1.00" in picture.text
    for ax in picture.fig.axes:
        wrong_bars, right_bars = ax.containers
        assert sum(bar.get_height() for bar in wrong_bars) == pytest.approx(1)
        assert sum(bar.get_height() for bar in right_bars) == pytest.approx(1)


def test_the_bill_shows_the_method_and_its_rival(drawn, tmp_path):
    view = figures.bill_view(record.lines(record.read(write(tmp_path))))
    said, cost = view.at(method="best of N, the model as judge", rival="majority")
    assert said == (
        "majority: 0% for 260 FLOPs; best of N, the model as judge: 100% for 1.06 k FLOPs"
    )
    assert cost.lm_flops == 1060
    said, _ = view.at(method="greedy", rival="greedy")
    assert said.count("greedy: 0% for 110 FLOPs") == 2
