"""Pictures of notebook 00: they tell what the darts and the judges did, beside the exact truth."""

import math
from types import SimpleNamespace

import ipywidgets as W
import numpy as np
import pytest
from drawings import Drawing, bands, numbers_of
from exact_p_values import FALSE_ALARM, binomial_p_value
from views import every, line_of, no_event_loop_of_another_test, shown  # noqa: F401

from ttclib.cost import Cost
from ttclib.course.start_here import answers, figures
from ttclib.sampling import montecarlo


@pytest.fixture
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)


@pytest.fixture
def luck(seed):
    """A luck that is not the 0 with which every view starts."""
    return seed + 1


def darts(n, seed=0):
    return montecarlo.darts(n, np.random.default_rng(seed))


# ---- the first slider ---------------------------------------------------------------------------


def first_view(high, middle_90=answers.middle_90):
    return figures.first_view(montecarlo.darts, middle_90, high=high)


def others(high):
    """Answers of the hundred others at 2^4 … 2^high darts, (100, k): their darts add up."""
    hits = np.zeros(100)
    columns = []
    for k in range(4, high + 1):
        more = 2**k - (2 ** (k - 1) if k > 4 else 0)
        hits += [darts(more, (99, k - 4, j)).value / 4 * more for j in range(100)]
        columns.append(4 * hits / 2**k)
    return np.column_stack(columns)


def test_the_first_view_tells_the_estimate_of_the_library(drawings):
    text, cost = first_view(9).at(darts=256)
    exact = darts(256)
    said = f"π ≈ {exact.value:.4f}, give or take {1.96 * exact.standard_error:.4f}"
    low, high = np.quantile(others(8)[:, -1], [0.05, 0.95])
    assert text == f"{said}; the grey band is {high - low:.3f} wide"
    assert cost.units == 256


def test_the_first_view_draws_every_answer_and_its_bar(drawings, luck):
    view = first_view(10)
    view.at(luck, darts=128)
    budgets = [16, 32, 64, 128]
    answered, now = view.moving(1)
    exact = [darts(n, luck) for n in budgets]
    np.testing.assert_allclose(
        numbers_of(answered), [(n, e.value) for n, e in zip(budgets, exact, strict=True)]
    )
    np.testing.assert_allclose(numbers_of(now), [(128, exact[-1].value)])
    assert now.get_marker() != answered.get_marker()
    bars = [c for c in view.fig.axes[1].collections if c not in view.still]
    drawn = [c for c in bars if hasattr(c, "get_segments")]
    ends = [segment[:, 1] for segment in drawn[0].get_segments()]
    np.testing.assert_allclose(ends, [e.interval() for e in exact])


def test_the_board_holds_the_first_darts(drawings):
    view = first_view(8)
    for n in (16, 64):
        view.at(3, darts=n)
        hits, misses = map(numbers_of, view.moving(0))
        assert (np.hypot(*hits.T) <= 1).all() and (np.hypot(*misses.T) > 1).all()
        thrown = np.random.default_rng(3).random((n, 2))
        assert sorted(map(tuple, [*hits, *misses])) == sorted(map(tuple, thrown))
        assert 4 * len(hits) / n == darts(n, 3).value
        assert [line.get_marker() for line in view.moving(0)] == [".", "x"]


def test_the_band_is_the_learners_and_moves_with_the_slider(drawings):
    view = first_view(8)
    (pi, *_) = view.fixed(1)
    assert (pi.get_linestyle(), pi.get_ydata()[0]) == ("--", math.pi)
    low, high = np.quantile(others(7), [0.05, 0.95], axis=0)
    for last in (5, 7):
        view.at(darts=2**last)
        n, below, above = bands(view.fig.axes[1])[-1]
        assert n.tolist() == [2**k for k in range(4, last + 1)]
        np.testing.assert_allclose(below, low[: len(n)])
        np.testing.assert_allclose(above, high[: len(n)])
        (width,) = view.moving(2)
        np.testing.assert_allclose(width.get_ydata(), (high - low)[: len(n)])
    narrow = first_view(8, lambda runs: np.quantile(runs, [0.25, 0.75], axis=0))
    narrow.at(darts=128)
    quarter, three = np.quantile(others(7), [0.25, 0.75], axis=0)
    np.testing.assert_allclose(narrow.moving(2)[0].get_ydata(), three - quarter)


def test_the_width_stands_beside_the_exact_one(drawings):
    line, _ = first_view(8).fixed(2)
    n, width = numbers_of(line).T
    assert line.get_linestyle() == "--"
    np.testing.assert_allclose(width, 2 * 1.645 * np.sqrt(math.pi * (4 - math.pi) / n))


def test_new_luck_throws_other_darts(drawings):
    view = first_view(10)
    lines = {view.at(seed)[0] for seed in range(3)}
    assert len(lines) == 3 and view.at(1) == view.at(1)


# ---- a typed number -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("-5", "the number of darts is -5.0; it must be a whole number of at least 1"),
        ("1.5", "the number of darts is 1.5; it must be a whole number of at least 1"),
        ("abc", "&#x27;abc&#x27; is not a number; type one such as 5000 or 1e6"),
        ("1e12", "1,000,000,000,000 darts take too long for a picture; type at most 10,000,000"),
        (
            "1.000",
            "&#x27;1.000&#x27; can be read in two ways; type it without marks, as 5000 or 1e6",
        ),
        (
            "1,000,000",
            "&#x27;1,000,000&#x27; can be read in two ways; type it without marks, as 5000 or 1e6",
        ),
        (
            "2_000",
            "&#x27;2_000&#x27; can be read in two ways; type it without marks, as 5000 or 1e6",
        ),
        ("1,5", "&#x27;1,5&#x27; is not a number; type one such as 5000 or 1e6"),
        ("inf", "the number of darts is inf; it must be a whole number of at least 1"),
    ],
)
def test_typed_budgets(text, line):
    view = figures.typed_view()
    (box,) = every(view, W.Text)
    good = shown(view)
    box.value = text
    assert line_of(view) == line and shown(view) == good
    box.value = "5e3"
    assert line_of(view) == "" and "5,000 darts: π ≈" in shown(view)[1]


def test_a_typed_budget_is_thrown(drawings, luck):
    view = figures.typed_view()
    text, cost = view.at(luck, darts="5e3")
    exact = darts(5000, luck)
    assert text == f"5,000 darts: π ≈ {exact.value:.4f} ± {exact.standard_error:.4f}"
    assert cost.units == 5000
    (pi,) = view.fixed(0)
    assert (pi.get_linestyle(), pi.get_xdata()[0]) == ("--", math.pi)
    ends = [line.get_xdata()[0] for line in view.moving(0)]  # the answer, and two caps
    left, right = min(ends), max(ends)
    assert (left, right) == pytest.approx(exact.interval())


def alike(n, low=0):
    """A seed whose first n darts fell alike."""
    return next(seed for seed in range(low, 10**5) if darts(n, seed).value in (0.0, 4.0))


def test_darts_that_fell_alike_claim_no_error(drawings):
    """Typed "1", and 16 darts: the slider's lowest setting, of which 2% fall alike."""
    text, _ = figures.typed_view().at(0, darts="1")
    assert text.startswith("1 darts: π ≈ ") and text.endswith("one run cannot tell how far off")
    seed = alike(16)
    view = first_view(8)
    text, _ = view.at(seed, darts=16)
    assert text.startswith("π ≈ 4.0000; all darts fell alike, so one run cannot tell how far off")
    assert "±" not in text and "give or take" not in text
    text, _ = view.at(seed, darts=256)  # the first bar is missing, the last is there
    assert "give or take" in text


# ---- judges -------------------------------------------------------------------------------------


def best_of(attempts, skill, rng, chance=0.2, questions=20_000):
    solver, judge = rng.spawn(2)
    right = solver.random((attempts, questions)) < chance
    score = np.where(right, skill, 0.0) + judge.standard_normal(right.shape)
    return right[score.argmax(axis=0), np.arange(questions)]


def few(attempts, skill, rng):
    return best_of(attempts, skill, rng, questions=200)


JUDGES = {"perfect": math.inf, "blind": 0.0}


@pytest.mark.statistical
@pytest.mark.parametrize("skill", [0.0, 0.5, 1.0, 3.0, math.inf])
@pytest.mark.parametrize("attempts", [1, 2, 16])
def test_judged_probability_is_exact(skill, attempts, seed):
    """Against simulation: the number of right answers is binomial, false alarm 1e-6."""
    right = best_of(attempts, skill, np.random.default_rng(seed))
    p_value = binomial_p_value(
        right.sum(), right.size, figures.judged_probability(attempts, 0.2, skill)
    )
    assert p_value > FALSE_ALARM


def test_what_notebook_00_says_of_its_judges():
    p = figures.judged_probability
    assert p(16, 0.2, math.inf) == pytest.approx(0.97, abs=0.005)
    assert p(256, 0.2, math.inf) > 0.999999
    assert p(256, 0.2, 0.0) == pytest.approx(0.2, abs=1e-9)
    assert p(256, 0.2, 1.0) < p(8, 0.2, math.inf)


def test_the_judges_view():
    view = figures.judges_view(few, JUDGES, 0.2, high=4)
    shares = [few(16, skill, np.random.default_rng(0)).mean() for skill in JUDGES.values()]
    said = f"perfect {shares[0]:.0%}, blind {shares[1]:.0%}"
    assert repr(view).endswith(f"{said} · cost: 6.4 k attempts")


def test_the_judges_view_draws_shares_beside_the_exact_ones(drawings, luck):
    view = figures.judges_view(few, JUDGES, 0.2, high=4)
    for attempts in (4, 16):
        view.at(luck, attempts=attempts)
        lines = view.moving(0)
        for line, skill in zip(lines[:2], JUDGES.values(), strict=True):
            assert line.get_linestyle() == "--" and line.get_xdata()[-1] == attempts
            for n, share in numbers_of(line):
                assert share == pytest.approx(figures.judged_probability(int(n), 0.2, skill))
        assert lines[2].get_marker() != lines[3].get_marker()
        for line, skill in zip(lines[2:], JUDGES.values(), strict=True):
            right = [few(n, skill, np.random.default_rng(luck)) for n in (1, 2, 4, 8, 16)]
            shares = [(2**k, r.mean()) for k, r in enumerate(right) if 2**k <= attempts]
            np.testing.assert_allclose(numbers_of(line), shares)
    named = [text.get_text() for text in view.fig.axes[0].texts]
    assert named == list(JUDGES)


@pytest.mark.parametrize(("share", "name"), [(1.0, "saint"), (0.0, "fool")])
def test_a_judge_who_is_always_right_or_never_has_no_bar(drawings, share, name):
    view = figures.judges_view(lambda n, skill, rng: rng.random(50) < skill, {name: share}, 0.2)
    text, _ = view.at(0, attempts=16)
    said = f"answered right: {name} {share:.0%} (all or none: one run cannot tell how far off)"
    assert text == said
    bars = [c for c in view.fig.axes[0].collections if c not in view.still]
    drawn = [segment for c in bars for segment in c.get_segments()]
    assert not any(len(ends) > 1 and np.isfinite(ends).all() for ends in drawn)


# ---- the same luck ------------------------------------------------------------------------------


def counted(attempts, skill, rng):
    return best_of(attempts, skill, rng, questions=300)


def by_hand(attempts, luck, shared):
    """What twenty people measure: gains (20,) and errors (20,)."""
    found = []
    for person in range(20):
        other = (luck, person) if shared else (luck, person, 1)
        a = counted(attempts, 1.0, np.random.default_rng((luck, person))).astype(float)
        b = counted(attempts, 2.0, np.random.default_rng(other)).astype(float)
        found.append(answers.gain(a, b))
    return np.transpose(found)


def test_twenty_people_measure_the_same_gain_in_two_ways(drawings, luck):
    view = figures.same_luck_view(counted, answers.gain, (1.0, 2.0), 0.2, high=4)
    text, cost = view.at(luck, attempts=4)
    exact = figures.judged_probability(4, 0.2, 2.0) - figures.judged_probability(4, 0.2, 1.0)
    parts = []
    for shared in (True, False):
        gains, errors = by_hand(4, luck, shared)
        sure = (abs(gains) > 1.96 * errors).sum()
        parts.append(f"{sure} of 20 are sure (errors of {errors.mean():.4f})")
    said = f"exact gain {exact:.3f}; same luck: {parts[0]}; own luck: {parts[1]}"
    assert text == said and cost.units == 2 * 2 * 20 * 300 * 4
    for ax, shared in enumerate((True, False)):
        truth, sure, unsure = view.moving(ax)
        assert truth.get_linestyle() == "--" and set(truth.get_xdata()) == {exact}
        gains, errors = by_hand(4, luck, shared)
        outside = abs(gains) > 1.96 * errors
        np.testing.assert_allclose(sure.get_xdata(), gains[outside])
        np.testing.assert_allclose(unsure.get_xdata(), gains[~outside])
        assert (sure.get_marker(), unsure.get_marker()) == ("o", "x")


def test_the_fastest_of_three_throws_counts(monkeypatch):
    seconds = iter((3.0, 0.5, 2.0))
    throw = lambda n, rng: SimpleNamespace(cost=Cost(units=n, seconds=next(seconds)))  # noqa: E731
    monkeypatch.setattr(figures.montecarlo, "darts", throw)
    assert figures.points_per_second(1000) == 2000
