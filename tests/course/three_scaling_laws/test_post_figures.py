"""What the pictures of the second half of notebook 12 draw, and what they say beside it."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from drawings import Drawing, Sheet, numbers_of
from post_record import write

from ttclib.course.three_scaling_laws import enumerable, post_figures
from ttclib.course.three_scaling_laws.advantages import group_relative
from ttclib.course.three_scaling_laws.post_training import expected_k
from ttclib.course.three_scaling_laws.third_law import Way
from ttclib.measure import bootstrap
from ttclib.show.style import GOOD, figure

COUNTS = bootstrap.counts(4, 40, np.random.default_rng(0))


@pytest.fixture
def record(tmp_path):
    return write(tmp_path)


@pytest.fixture(autouse=True)
def drawing(monkeypatch):
    monkeypatch.setattr(post_figures, "BudgetView", Drawing)


def test_pass_at_k_before_and_after(record):
    bins = np.array([0, 0, 1, 1])
    view = post_figures.passes_view(record, ["learns", "sharpens"], bins, COUNTS)
    text, cost = view.at(way="learns", temperature=1.0)
    assert text.startswith("learns: pass@1 0.656, pass@64 1.000, does not cross the start")
    assert "lab-small 0.410 and 1.000; at temperature 1.0 0.410 and 1.000, does not" in text
    assert cost.lm_flops == 0
    text, _ = view.at(way="sharpens", temperature=0.5)
    assert "pass@64 0.750, crosses the start from above at k = " in text
    assert "at temperature 0.5 0.516 and 0.750" in text


def test_a_crossing_is_told_with_its_direction():
    low, high = np.array([0.2, 0.4, 0.5]), np.array([0.1, 0.5, 0.9])
    assert post_figures._crosses(low, high) == "crosses the start from below at k = 2"
    assert post_figures._crosses(high, low) == "crosses the start from above at k = 2"
    assert post_figures._crosses(low, low) == "does not cross the start"


def test_names_stand_apart_and_in_the_order_of_their_points():
    _, ax = figure()
    ax.set(xlim=(0, 1), ylim=(0, 2))
    heights = [1.0, 1.01, 0.99, 0.2]
    post_figures._names(ax, [(0.5, y) for y in heights], list("abcd"), [GOOD] * 4, 0.8)
    found = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert sorted(found, key=found.get) == list("dcab")
    assert found["d"] == pytest.approx(0.2)
    assert np.diff(sorted(found.values()))[1:] == pytest.approx([0.084, 0.084])
    assert found["a"] == pytest.approx(1.0)  # the middle one stays


def test_a_way_lies_on_the_line_of_temperatures_or_off_it(record, monkeypatch):
    monkeypatch.setattr(post_figures, "Picture", Sheet)
    picture = post_figures.tradeoff_picture(record, ["learns", "sharpens"], COUNTS)
    assert "learns 0.66 and 1.00; sharpens 0.56 and 0.75" in picture.text
    (ax,) = picture.fig.axes
    line = numbers_of(ax.lines[0])
    assert line[:, 0] == pytest.approx([132 / 256, 105 / 256])
    assert line[:, 1] == pytest.approx([0.75, 1.0])


def test_what_is_forgotten(record):
    picture = post_figures.forgetting_picture(record, ["lab-small", "learns"], COUNTS)
    assert "the old task 0.41, 0.66; four-digit numbers 0.00, 0.25" in picture.text


def test_how_much_a_problem_counts():
    picture = post_figures.weights_picture([0.1, 0.9])
    for k in (2, 8, 64):
        assert f"{k}: {enumerable.relative_weight(0.02, k):.1f}" in picture.text


def test_the_tiny_model_follows_the_texts_it_draws(seed):
    view = post_figures.tiny_view()
    text, cost = view.at(samples=4, seed=seed)
    assert cost.lm_tokens == 2 * post_figures.LUCKS * post_figures.STEPS * 4 * 6 * 4
    advantages, rate = post_figures.ADVANTAGES["group-relative"]
    assert advantages is group_relative
    ends = [
        post_figures.climb(advantages, rate, 4, np.random.default_rng([seed, luck]))[-1]
        for luck in range(post_figures.LUCKS)
    ]
    said = expected_k(np.array(ends), 1024).mean()
    assert f"group-relative: reward {np.mean(ends):.2f}, pass@1024 {said:.2f}" in text


def test_more_texts_a_step_come_nearer_to_the_exact_climb():
    advantages, rate = post_figures.ADVANTAGES["REINFORCE"]
    exact = post_figures._exact()
    assert exact[0] == pytest.approx(enumerable.TinyPolicy.new().solved)
    few, many = (
        np.abs(
            post_figures.climb(advantages, rate, k, np.random.default_rng(0))[10] - exact[10]
        ).max()
        for k in (4, 4096)
    )
    assert many < few
    assert many < 0.02


def laws():
    """Three ways that are written down by hand."""
    start = np.array([1.0, 0.0, 0.0, 0.0])
    better = np.array([1.0, 1.0, 0.0, 0.0])
    best = np.array([1.0, 1.0, 1.0, 0.0])
    return {
        "pretraining": {
            "more": Way(np.array([1e12, 3e12]), np.ones(2) * 1e7, np.array([start, best]))
        },
        "post-training": {
            "way": Way(np.array([1e12, 2e12]), np.ones(2) * 1e7, np.array([start, better]))
        },
        "test time": {
            "votes": Way(np.ones(2) * 1e12, np.array([1e7, 1e9]), np.array([start, better]))
        },
    }


def test_three_laws_pay_training_once_and_every_answer():
    view = post_figures.laws_view(laws(), [1e2, 1e6])
    text, _ = view.at(questions=1e6)
    assert text.startswith("1,000,000 questions. The best of each: pretraining 0.75 for 13 TFLOPs")
    assert "post-training 0.50 for 12 TFLOPs (way)" in text
    assert "test time 0.50 for 1 PFLOPs (votes)" in text
    lines = [numbers_of(line) for line in view.moving(0)]
    assert any(
        np.allclose(line[:, 0], [1e12 + 1e13, 1e12 + 1e15]) for line in lines if len(line) == 2
    )
