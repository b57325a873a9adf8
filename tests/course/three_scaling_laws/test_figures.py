"""What the pictures of the first half of notebook 12 draw, and what they say beside it."""

import re

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of

from ttclib.course.three_scaling_laws import figures, laws
from ttclib.course.three_scaling_laws.laws import Law, Measured

LAW = Law(0.8, 30.0, 0.7, 60.0, 0.5)
SIZES = np.array([4096, 8192, 16384, 32768, 65536, 131072])
LETTERS = 2.0 ** np.arange(14, 24)


def made():
    loss = LAW.loss(SIZES[:, None].astype(float), LETTERS) * np.ones((2, 1, 1))
    loss[0] += 0.001
    loss[1] -= 0.001
    loss[:, SIZES[:, None] * LETTERS > 2.0**36] = np.nan
    return Measured(SIZES, SIZES // 2, LETTERS, loss)


@pytest.fixture(autouse=True)
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def numbers(words, text):
    """The numbers of a sentence, where ``words`` has # for each."""
    pattern = re.escape(words).replace(r"\#", r"(-?[\d.,e+]*\d)")
    return [float(found.replace(",", "")) for found in re.search(pattern, text).groups()]


def test_a_straight_line_goes_on_where_the_losses_do_not():
    flops = 6 * 2.0 ** np.arange(26, 37)
    loss = 0.8 + 0.4 * (flops / flops[0]) ** -0.3
    sheet = figures.straight_line_picture(flops, loss, 0.8)
    slope, level = laws.power(flops[:5], loss[:5])
    line, *_ = sheet.fig.axes[0].lines
    last = numbers_of(line)[-1]
    assert last == pytest.approx([flops[4] * 64, level * (flops[4] * 64) ** slope])
    assert last[1] < 0.8
    said = numbers("the line says #, measured #, entropy #", sheet.text)
    assert said == pytest.approx([last[1], loss[-1], 0.8], abs=6e-4)


def test_a_size_is_measured_and_its_law_has_two_parts():
    view = figures.size_view(made(), LAW)
    assert [slider.options for slider in view.settings.values()] == [tuple(SIZES)]
    for size in SIZES:
        text, cost = view.at(size=int(size))
        first, second, law, floor, of_text = map(numbers_of, view.moving(0))
        there = np.isfinite(first[:, 1])
        assert (first[there, 1] - second[there, 1]) == pytest.approx(np.full(there.sum(), 0.002))
        assert law[:, 1] == pytest.approx(floor[0, 1] + of_text[:, 1])
        assert floor[0, 1] == pytest.approx(30 * size**-0.7)
        last = int(there.sum()) - 1
        assert f"after 2^{14 + last}" in text
        assert cost.lm_flops == 6 * size * LETTERS[last]
        (crossing,) = numbers("as much as the text does after # letters", text)
        assert 60 * crossing**-0.5 == pytest.approx(floor[0, 1], rel=0.02)
        slopes = numbers("goes from # to #;", text)
        assert slopes[0] < slopes[1] < 0  # it flattens


def test_all_sizes_at_one_budget_and_the_parabola_of_the_learner():
    flops = 6 * 2.0 ** np.arange(32, 37)
    grid = made()

    def best_size(sizes, losses):
        return laws.vertex(sizes, losses)[0]

    view = figures.isoflop_view(grid, 0.8, flops, best_size)
    for k, budget in enumerate(flops):
        text, cost = view.at(budget=budget)
        size, letters, each, excess, loss = numbers(
            "best # parameters on # letters, # for each parameter; excess #, loss #", text
        )
        expected, least = laws.isoflop(grid, [budget])
        assert size == pytest.approx(expected[0], rel=1e-3)
        assert size * letters * 6 == pytest.approx(budget, rel=1e-3)
        assert each == pytest.approx(letters / size, abs=0.6)
        assert loss == pytest.approx(least[0], abs=1e-4) and excess == pytest.approx(loss - 0.8)
        assert cost.lm_flops == budget
        smaller = [line for line in view.moving(0) if line.get_marker() == "D"]
        assert len(smaller) == k + 1  # the best of every smaller budget, and this one
        assert numbers_of(smaller[-1])[0] == pytest.approx([size, excess], rel=1e-3)


def test_a_least_at_the_end_of_the_sizes_still_has_three_points():
    view = figures.isoflop_view(
        made(), 0.8, [6 * 2.0**28], lambda n, losses: laws.vertex(n, losses)[0]
    )
    assert "best" in view.at()[0]


def test_best_sizes_grow_as_powers_with_bands():
    flops = np.array([1e9, 1e10, 1e11])
    ways = {"one": flops**0.4, "two": 3 * flops**0.5}
    again = {name: sizes * np.linspace(0.9, 1.1, 41)[:, None] for name, sizes in ways.items()}
    sheet = figures.growth_picture(flops, ways, again)
    assert sheet.text.startswith("one C^0.40, 25,119 at the last budget; two C^0.50")
    (ax,) = sheet.fig.axes
    for (_, low, high), sizes in zip(bands(ax), ways.values(), strict=True):
        assert low == pytest.approx(0.905 * sizes) and high == pytest.approx(1.095 * sizes)


def test_on_the_way_a_schedule_for_later_has_more_excess():
    letters = 2.0 ** np.arange(14, 18)
    planned = 0.8 + letters**-0.3
    ways = {"planned": planned, "later": 0.8 + 1.25 * (planned - 0.8)}
    ways["later"][-1] = np.nan
    sheet = figures.on_the_way_picture(letters, ways, 0.8, 4096)
    assert sheet.text == "4,096 parameters; more excess than planned, later: +25% +25% +25%"


def test_what_is_asked_more_wants_a_smaller_model():
    view = figures.asked_view(made(), LAW, 0.08)
    before = np.inf
    for ratio in figures.RATIOS:
        text, cost = view.at(ratio=ratio)
        size, letters = LAW.asked(0.08, ratio)
        said = numbers("best # parameters that read # letters", text)
        assert said == pytest.approx([size, letters], rel=1e-3)
        assert size < before
        before = size
        assert cost.lm_flops == pytest.approx(size * letters * (6 + 2 * ratio))
        line, dots, vertical = view.moving(0)
        curve = numbers_of(line)
        lowest = curve[np.argmin(curve[:, 1])]
        assert lowest[0] == pytest.approx(size, rel=0.02)
        assert lowest[1] == pytest.approx(1, abs=1e-3)
        assert (curve[:, 1] > 1 - 1e-9).all()
        assert numbers_of(vertical)[0, 0] == size
        on_law = np.interp(np.log(numbers_of(dots)[:, 0]), np.log(curve[:, 0]), np.log(curve[:, 1]))
        assert np.log(numbers_of(dots)[:, 1]) == pytest.approx(on_law, abs=0.05)
        times = float(laws.life(*LAW.asked(0.08, 0.0), ratio * letters)) / cost.lm_flops
        assert times > 1 or ratio == 0
        (more,) = numbers("would cost # times as much", text)
        assert more == pytest.approx(times, abs=0.006)
        if ratio <= 10:
            (cheapest,) = numbers("of the measured sizes # is cheapest", text)
            assert abs(np.log2(cheapest / size)) < 0.8


def test_a_quality_that_no_size_reaches_is_refused():
    with pytest.raises(ValueError, match=r"no size of the grid comes within 0\.01 of the entropy"):
        figures.asked_view(made(), LAW, 0.01)


def test_a_size_that_is_never_so_good_needs_letters_without_end():
    assert figures._letters_to(LETTERS, np.full(10, 0.3), 0.2) == np.inf
    assert figures._letters_to(LETTERS[:2], np.array([0.4, 0.1]), 0.2) == pytest.approx(2**14.5)


def test_each_text_is_worth_what_its_seeds_say():
    worth = {"noise": np.array([[0.5, 0.5], [0.2, 0.05]]), "even": np.ones((2, 2))}
    sheet = figures.texts_picture(worth, (2**17, 2**19))
    assert sheet.text == "noise 0.5 and 0.1; even 1 and 1"
    (ax,) = sheet.fig.axes
    dots = [numbers_of(line)[:, 0].tolist() for line in ax.lines if len(line.get_xdata()) == 2]
    assert [0.5, 0.5] in dots and [0.2, 0.05] in dots
    assert [label.get_text() for label in ax.get_yticklabels()] == ["noise", "even"]


@pytest.mark.parametrize(("loss", "word"), [(1.0, "inside"), (1.2, "outside")])
def test_a_training_ends_where_it_was_predicted_or_not(loss, word):
    watch = figures.PredictedView(np.array([512.0, 1024.0, 2048.0]), 0.9, 1.1, 0.8)
    watch(0, 2.0)
    assert watch.text == "after 512 letters: exact loss 2.0000"
    watch(1, None)
    watch(2, loss)
    assert watch.text.endswith(f"{loss:.4f}, {word} of what was predicted, 0.9000 to 1.1000")
    (line,) = watch._moving
    assert numbers_of(line) == pytest.approx(np.array([[512, 1.2], [2048, loss - 0.8]]))
