"""Pictures of forks: what is drawn is what is said, and both are in the record."""

import re

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of
from fork_record import record

from ttclib.course.what_a_token_costs import fork_figures as figures
from ttclib.course.what_a_token_costs import forks

KEPT = forks.kept_of(layers=4, heads=4, size=32, state=16)


@pytest.fixture(autouse=True)
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)


def test_a_fork_is_drawn_by_formula_and_as_measured():
    view = figures.fork_view(record(), KEPT)
    assert view.at(context=256) == (
        "256 tokens; a fork copies, and takes for 4 of 8 texts as a share of a token: "
        "attention 1,049 kB, 4.00; retention 66 kB, 0.40"
    )
    left, right = view.fig.axes
    lines = {line.get_label(): numbers_of(line) for line in left.lines if len(line.get_xdata()) > 2}
    assert lines["attention"][0].tolist() == [16, 16 * 4096]
    assert lines["grouped queries"][-1].tolist() == [2**14, 2**14 * 1024]
    assert lines["a window"][-1, 1] == 256 * 1024
    assert set(lines["retention"][:, 1]) == {65536.0}
    low, high = left.get_ylim()
    for line in lines.values():
        assert ((line[:, 1] > low) & (line[:, 1] < high)).all()
    dots = [numbers_of(line)[0].tolist() for line in view.moving(0)[1:]]
    assert dots == [[256, 256 * 4096], [256, 65536]]
    assert [bar.get_width() for bar in right.patches] == pytest.approx([4, 0.4])
    assert view.at().startswith("64 tokens; ")


def test_how_many_fit_is_drawn():
    view = figures.memory_view(KEPT, 1e9)
    text = view.at(prompt=1024, particles=16, written=64, pages=False)
    assert text.startswith(
        "a prompt of 1,024 and 64 more tokens each: texts that fit (and what 16 "
    )
    said = dict(
        re.findall(r"(attention|grouped queries|a window|retention|selective) (\S+) ", text)
    )
    right = view.fig.axes[1]
    bars = [bar.get_width() for bar in right.patches]
    assert bars == [int(most.replace(",", "")) for most in said.values()]
    assert bars[0] == int(1e9 // (1088 * 4096)) and "attention 224 (71 MB)" in text
    shared = view.at(prompt=1024, particles=16, written=64, pages=True)
    assert f"attention {1 + int((1e9 - 1088 * 4096) // (64 * 4096)):,} (" in shared
    attention = numbers_of(view.moving(0)[1])
    assert attention[0].tolist() == [1, 1088 * 4096]
    assert attention[-1].tolist() == [1024, 1024 * 4096 + 1024 * 64 * 4096]


@pytest.mark.answers("14-066", 1)
@pytest.mark.answers("14-066", 2)
@pytest.mark.answers("14-066", 3)
def test_what_notebook_14_says_about_pages():
    """What pages change and what they cannot, at the shape and in the memory of the notebook."""
    large = forks.kept_of(layers=30, heads=9, size=64, state=16, kv_heads=3, width=2)

    def fit(name, prompt, written, pages):
        return large[name].most_texts(1e9, prompt, written, pages)

    rows = {name: fit(name, 1024, 64, False) for name in large}
    assert max(rows, key=rows.get) == "selective" and min(rows, key=rows.get) == "attention"
    assert (rows["attention"], rows["grouped"], rows["retention"]) == (13, 39, 452)
    assert [fit(name, 1024, 64, True) for name in ("attention", "grouped")] == [210, 662]
    for prompt in (64, 256, 1024, 4096):
        for written in (16, 64, 256, 1024):
            for name in ("retention", "selective"):
                assert fit(name, prompt, written, True) == rows[name]
            assert fit("grouped", prompt, written, True) > fit("grouped", prompt, written, False)
            more = fit("grouped", prompt, written, True) > rows["retention"]
            assert more == (written < 96)


def test_what_search_is_worth_is_drawn_for_both_writers(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    rows = [
        (model, method, n, seed, problem, problem < n + seed + 2 * (model == "b"))
        for model in "ab"
        for method in figures.METHODS
        for n in (1, 2)
        for seed in (0, 2)
        for problem in range(8)
    ]
    names = ("model", "method", "n", "seed", "problem", "right")
    columns = {name: np.array(c) for name, c in zip(names, zip(*rows, strict=True), strict=True)}
    sheet = figures.worth_picture(columns)
    assert sheet.text.startswith("from 1 to 2 texts: a, majority 0.25 to 0.38; a, nines")
    assert "; b, majority 0.50 to 0.62; " in sheet.text
    left, right = sheet.fig.axes
    assert numbers_of(left.lines[0]).tolist() == [[1, 0.25], [2, 0.375]]
    assert numbers_of(right.lines[2]).tolist() == [[1, 0.5], [2, 0.625]]
    ((_, low, high), *_) = bands(left)
    assert low.tolist() == [0.125, 0.25] and high.tolist() == [0.375, 0.5]
