"""Pictures of what a state holds: what they draw, and the numbers beside it."""

import itertools

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of

pytest.importorskip("torch")

from ttclib.course.what_a_token_costs import recall
from ttclib.course.what_a_token_costs import recall_figures as figures

MEMORIES = {"a sum": recall.sums, "delta rule": recall.corrected, "attention": recall.kept}


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def test_memories_and_the_law_are_drawn(seed):
    view = figures.law_view(MEMORIES, recall.law)
    text, cost = view.at(size=16, seed=seed)
    *middles, law, half = map(numbers_of, view.moving(0))
    assert len(middles) == 3 and middles[0][:, 0].tolist() == figures.PAIRS.tolist()
    for n, share in law:
        assert share == recall.law(int(n), 16, 16)
    first = int(half[0, 0])
    assert recall.law(first, 16, 16) < 0.5 <= recall.law(first - 1, 16, 16)
    assert f"16 × 16 = 256 numbers: less than half from {first} pairs on" in text
    assert f"law {recall.law(128, 16, 16):.2f}" in text
    assert cost.units == 8 * (6 * 64 + 128 + 256)
    assert len(bands(view.fig.axes[0])) == 3


def test_the_same_texts_are_asked_of_all_memories():
    twice = {"one": recall.sums, "the same": recall.sums}
    found = figures.sharing(twice, 10, 4, 5, np.random.default_rng(0))
    assert found["one"] == found["the same"]
    nothing = figures.sharing(
        {"x": lambda k, y, v: -np.eye(v)[y]}, 6, 4, 3, np.random.default_rng(0)
    )
    assert nothing == {"x": 0.0}


def test_the_latest_value_is_asked():
    rng = np.random.default_rng(0)
    assert figures.latest(recall.corrected, 2, 64, rng) == 1.0
    first_only = figures.latest(lambda k, y, v: recall.kept(k[: len(k) // 2], y[: len(y) // 2], v)
                                [np.arange(len(k)) % (len(k) // 2)], 4, 32, rng)  # fmt: skip
    assert first_only == 0.0
    sheet = figures.overwritten_picture(MEMORIES, 16, (2, 4), rng)
    assert sheet.text.startswith("16 × 16 numbers, 2/4 keys told twice: a sum 0.")
    assert "; delta rule " in sheet.text and len(bands(sheet.fig.axes[0])) == 3


# ---- trained -----------------------------------------------------------------------------


def some_answers():
    """Shares that say which row they come from: size / 100 + seed / 1000 + state / 10000."""
    rows = []
    stacks = [("attention", 8), ("selective", 2), ("selective", 8)]
    for (mixers, state), seed, size in itertools.product(stacks, range(3), (8, 2, 4)):
        right = size / 100 + seed / 1000 + state / 10000
        rows.append(("recall", mixers, state, seed, size, right))
    rows.append(("copying", "attention", 8, 0, 64, 0.9))
    names = ("task", "mixers", "state", "seed", "size", "right")
    return dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))


def test_shares_are_sorted_by_seed_and_size():
    table = some_answers()
    found = figures.shares(table, "recall", "selective", 2)
    expected = np.array([2, 4, 8]) / 100 + np.arange(3)[:, None] / 1000 + 0.0002
    assert found == pytest.approx(expected)
    assert figures.sizes_of(table, "recall").tolist() == [2, 4, 8]


def test_a_state_against_attention():
    view = figures.state_view(some_answers(), "recall", 4, "pairs")
    text = view.at(state=2)
    assert text.startswith("4 heads, keys of 2, 64 numbers; 2: 0.02, 4: 0.04, 8: 0.08")
    assert "attention 0.02, 0.04, 0.08" in text
    middle, dots = map(numbers_of, view.moving(0))
    assert middle[:, 1] == pytest.approx([0.0212, 0.0412, 0.0812])
    assert dots[:, 0].tolist() == [2, 4, 8]
    assert view.settings["state"].options == (2, 8)


def test_stacks_beside_each_other():
    stacks = {"A": ("attention", 8), "S": ("selective", 8)}
    sheet = figures.stacks_picture(some_answers(), "recall", stacks)
    assert sheet.text.startswith("recall; size 2: A 0.02, S 0.02; size 4: A 0.04")
    assert [ax.get_title() for ax in sheet.fig.axes] == ["size 2", "size 4", "size 8"]
    colors = [patch.get_facecolor()[:3] for patch in sheet.fig.axes[0].patches]
    assert colors[0] != colors[1]
    assert figures.look("selective+attention") == figures.look("attention")


def test_the_live_view_keeps_what_was_measured():
    watch = figures.RecallLive(4, (2, 8))
    watch(1.5, None)
    assert watch.text == ""
    watch(1.2, (0.25, 0.125))
    watch(1.0, None)
    watch(0.5, (1.0, 0.5))
    assert watch.text == "after 4 steps: 2 pairs 1.00, 8 pairs 0.50"
    curves = [numbers_of(line) for line in watch._moving]
    assert curves[1].tolist() == [[2, 0.125], [4, 0.5]]


# ---- how heads forget --------------------------------------------------------------------


def test_what_is_left_and_what_is_read():
    view = figures.decay_view()
    for k in figures.EXPONENTS:
        text = view.at(exponent=k)
        gamma = 1 - 2.0**-k
        left, *star = map(numbers_of, view.moving(0))
        assert left[:, 1] == pytest.approx(gamma ** left[:, 0])
        assert star[0][0] == pytest.approx([recall.half_life(gamma), 0.5])
        (right,) = map(numbers_of, view.moving(1))
        assert right[:, 1] == pytest.approx(recall.faded_share(right[:, 0], [gamma] * 4, 32))
        assert f"half-life {recall.half_life(gamma):.1f} tokens" in text
    best, several = (numbers_of(line)[:, 1] for line in view.fixed(1)[:2])
    ages = numbers_of(view.fixed(1)[0])[:, 0]
    assert several == pytest.approx(recall.faded_share(ages, figures.SCALES, 32))
    every = [recall.faded_share(ages, [1 - 2.0**-k] * 4, 32) for k in figures.EXPONENTS]
    assert best == pytest.approx(np.max(every, axis=0))
