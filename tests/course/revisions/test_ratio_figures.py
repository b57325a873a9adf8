"""What the pictures of ratios draw, and their text, on a record whose numbers are known."""

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of

from ttclib.course.revisions import ratio_figures
from ttclib.course.revisions.ratio import Bill, auc_by_step, by_split, mean_where_known
from ttclib.course.revisions.record import Record, Setting, chain_steps, splits
from ttclib.course.revisions.selection import LAST, NESTED, WAYS
from ttclib.measure import bootstrap

PROBLEMS = 30
BINS = np.arange(PROBLEMS) % 3


@pytest.fixture
def record(seed):
    """Attempts at random, of which more are right in the easy bins."""
    rng = np.random.default_rng(seed)
    shape = PROBLEMS, chain_steps(16).sum()
    right = rng.random(shape) < 0.8 - 0.3 * BINS[:, None]
    answers = np.where(right, 1.0, rng.integers(2, 4, shape))
    written = rng.integers(5, 9, shape)
    scores = {"prm": rng.random(shape), "history": rng.random(shape)}
    return Record(16, answers.astype(str), answers, right, written + 3, written, scores)


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    monkeypatch.setattr(ratio_figures, "BudgetView", Drawing)
    monkeypatch.setattr(ratio_figures, "Picture", Sheet)


COUNTS = bootstrap.counts(PROBLEMS, 99, np.random.default_rng(0))


@pytest.mark.parametrize("n", [4, 16])
@pytest.mark.parametrize("steps", [1, 4, 16])
@pytest.mark.parametrize("way", [LAST, NESTED])
def test_the_ratio_view_draws_and_says_what_the_record_holds(record, n, steps, way):
    view = ratio_figures.ratio_view(record, BINS, COUNTS, budgets=(4, 16))
    text, cost = view.at(n=n, steps=steps, way=way)
    right = by_split(record, n, way)
    # a budget has no chain that is longer than itself
    at = min(steps, n).bit_length() - 1
    setting = splits(n)[at]
    mean, low, high = bootstrap.mean_interval(right, COUNTS)
    gain, least, most = bootstrap.mean_interval(right[at] - right[0], COUNTS)
    assert f"of {setting.steps}, {way}: right {mean[at]:.3f};" in text
    assert text.startswith(f"{setting.chains} chain")
    assert text.endswith(f"{gain:+.3f} [{least:+.3f}, {most:+.3f}]")
    assert cost.units == n
    assert cost.lm_positions == round(
        record.read[:, record.places(setting).ravel()].sum(axis=1).mean()
    )
    *others, line, point = view.moving(0)
    lengths = [each.steps for each in splits(n)]
    assert numbers_of(line) == pytest.approx(np.column_stack([lengths, mean]))
    assert numbers_of(point) == pytest.approx(np.array([[setting.steps, mean[at]]]))
    (band,) = bands(view.fig.axes[0])
    assert band[1] == pytest.approx(low)
    assert band[2] == pytest.approx(high)
    for other, grey in zip((4, 16), others, strict=True):
        assert numbers_of(grey)[:, 1] == pytest.approx(by_split(record, other, way).mean(axis=1))
    heights = [bar.get_height() for bar in view.fig.axes[1].patches]
    expected = [right[k, b == BINS].mean() for k in (0, at) for b in range(3)]
    assert heights == pytest.approx(expected)


def test_curves_stay_inside_the_axes_at_every_setting(record):
    view = ratio_figures.ratio_view(record, BINS, COUNTS, budgets=(4, 16))
    low, high = view.fig.axes[0].get_ylim()
    for way in WAYS:
        view.at(n=16, steps=1, way=way)
        for line in view.moving(0):
            assert (numbers_of(line)[:, 1] >= low).all()
            assert (numbers_of(line)[:, 1] <= high).all()


def test_each_bin_has_a_curve_and_an_interval_of_each_budget(record):
    tables = [by_split(record, n) for n in (16, 4)]
    sheet = ratio_figures.bins_picture(tables, BINS, COUNTS)
    for b, ax in enumerate(sheet.fig.axes):
        curves = list(zip(tables, ax.lines[::2], ax.lines[1::2], bands(ax), strict=True))
        for right, line, best, band in curves:
            mean = right[:, b == BINS].mean(axis=1)
            lengths = 2 ** np.arange(len(right))
            assert numbers_of(line) == pytest.approx(np.column_stack([lengths, mean]))
            assert numbers_of(best)[0, 1] == pytest.approx(mean.max())
            assert (band[1] <= mean + 1e-9).all()
            assert (mean <= band[2] + 1e-9).all()
            assert f"bin {b + 1} {', '.join(f'{each:.2f}' for each in mean)}" in sheet.text
    assert [line.get_label() for line in ax.lines[::2]] == ["N = 16", "N = 4"]


def test_ways_are_drawn_with_their_shares(record):
    tables = {way: by_split(record, 8, way) for way in WAYS}
    sheet = ratio_figures.ways_picture(tables, COUNTS)
    (ax,) = sheet.fig.axes
    for line, (way, right) in zip(ax.lines, tables.items(), strict=True):
        assert line.get_label() == way
        mean = right.mean(axis=1)
        assert numbers_of(line) == pytest.approx(np.column_stack([[1, 2, 4, 8], mean]))
        assert f"{way} {', '.join(f'{each:.3f}' for each in mean)}" in sheet.text


def test_judges_are_drawn_step_by_step(record):
    areas = {name: auc_by_step(record, Setting(4, 4), name) for name in record.scores}
    sheet = ratio_figures.judges_picture(areas, COUNTS)
    for line, (name, each) in zip(sheet.fig.axes[0].lines, areas.items(), strict=True):
        mean, _, _ = mean_where_known(each, COUNTS)
        assert numbers_of(line)[:, 1] == pytest.approx(mean)
        assert f"{name} {', '.join(f'{value:.3f}' for value in mean)}" in sheet.text


def test_prices_are_drawn_beside_attempts(record):
    points = []
    for k, n in enumerate((1, 2, 4)):
        price = np.full(PROBLEMS, 10.0 * n)
        points.append((by_split(record, n)[k], Bill(price, price, 2 * price)))
    sheet = ratio_figures.prices_picture({"in a row": points}, COUNTS)
    left, right = (numbers_of(ax.lines[0]) for ax in sheet.fig.axes)
    mean = [each.mean() for each, _ in points]
    assert left == pytest.approx(np.column_stack([[1, 2, 4], mean]))
    assert right == pytest.approx(np.column_stack([[30, 60, 120], mean]))
    assert f"in a row up to {mean[-1]:.3f} for 1.20e+02 FLOPs" in sheet.text
    # of what is paid the ends lie between marks that are written in full
    axis = sheet.fig.axes[1]
    marks = [float(label.get_text()) * 1e9 for label in axis.get_xticklabels()]
    assert marks == pytest.approx(axis.get_xticks())
    assert axis.get_xlim()[0] <= marks[0] <= 30 < 100 <= marks[-1] <= axis.get_xlim()[1]


def looks(ax):
    return [line.get_marker() for line in ax.lines if len(line.get_xdata()) > 1]


def test_lines_differ_in_more_than_colour(record):
    tables = {way: by_split(record, 8, way) for way in WAYS}
    areas = {name: auc_by_step(record, Setting(4, 4), name) for name in record.scores}
    price = Bill(*np.ones((3, PROBLEMS)))
    curves = {name: [(tables[LAST][0], price)] * 2 for name in "abc"}
    sheets = [
        ratio_figures.ways_picture(tables, COUNTS),
        ratio_figures.judges_picture(areas, COUNTS),
        ratio_figures.bins_picture([by_split(record, n) for n in (16, 4)], BINS, COUNTS),
        ratio_figures.prices_picture(curves, COUNTS),
    ]
    for sheet, number in zip(sheets, (4, 2, 2, 3), strict=True):
        marks = looks(sheet.fig.axes[0])
        assert len(set(marks)) == len(marks) == number and "None" not in marks
