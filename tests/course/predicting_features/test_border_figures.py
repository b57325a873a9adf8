"""Pictures of the border: what is drawn is what is said, and both are in the record."""

import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of

from ttclib.course.predicting_features import border_figures as figures
from ttclib.course.predicting_features.border import HOWS, Narrow
from ttclib.course.predicting_features.worlds import World


def columns(names, rows):
    return {n: np.array(c) for n, c in zip(names.split(), zip(*rows, strict=True), strict=True)}


def exact():
    """Features know if persistence is below 0.95, pixels if the share is below 0.6."""
    rows = [
        (share, kept, 0.9 * (kept < 0.95), 0.8 * (share < 0.6))
        for share in (0.1, 0.3, 0.5, 0.9)
        for kept in (0.0, 0.5, 1.0)
    ]
    return columns("share persistence features pixels", rows)


CORNERS = [(0.5, 0.5), (0.9, 0.5), (0.3, 0.99), (0.3, 1.0)]


def narrow():
    rows = []
    for number, (share, kept) in enumerate(CORNERS):
        for place, how in enumerate(HOWS):
            for seed in (0, 1):
                for step in (10, 20):
                    known = 0.1 * number + 0.2 * place + 0.01 * seed + 0.001 * step
                    rows.append((how, share, kept, Narrow.rate, seed, step, known, 1 - known))
    return columns("how share persistence rate seed step position background", rows)


def test_a_persistence_has_its_place():
    assert figures.height(np.array([0.0, 0.9, 0.99, 1.0])).tolist() == pytest.approx(
        [0, 1, 2, np.log10(2000)]
    )


def test_regions_are_named_by_what_is_known():
    known = [figures.REGIONS[i] for i in figures.region([0.9, 0.9, 0.1, 0.1], [0.9, 0.1, 0.9, 0.1])]
    assert known == list(figures.REGIONS)
    assert figures.region(0.5, 0.4999) == 1


def test_networks_stand_on_the_map(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    sheet = figures.border_picture(exact(), narrow())
    (ax,) = sheet.fig.axes
    (mesh,) = ax.collections
    where = mesh.get_array().reshape(3, 4)
    assert where.tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [2, 2, 2, 3]]
    assert mesh.get_coordinates()[0, :, 0].tolist() == pytest.approx([0, 0.2, 0.4, 0.7, 1.1])
    spots = {tuple(numbers_of(line)[0]) for line in ax.lines}
    assert spots == {(share, figures.height(kept)) for share, kept in CORNERS}
    assert "share 0.9, persistence 0.5: 0.12 and 0.33" in sheet.text


def test_each_world_is_computed_once(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    asked = []

    def known(world, target):
        asked.append((world, target))
        return np.linspace(0.1, 0.9, 256) if target == "features" else np.zeros(256)

    view = figures.numbers_view(known, exact())
    text = view.at(share=0.9, persistence=0.75)
    assert text.startswith("90% of the variance is not the state, persistence 0.75: with 4 numbers")
    assert "features know 0.11 of the position, pixels 0.00" in text
    (cross,) = view.moving(0)
    assert numbers_of(cross).tolist() == [[0.9, pytest.approx(np.log10(4))]]
    features, pixels = map(numbers_of, view.moving(1))
    assert features[:, 0].tolist() == list(range(1, 17)) and (pixels[:, 1] == 0).all()
    view.at(share=0.9, persistence=0.75)
    world = World("flicker", 0.9, 0.75, 9)
    assert asked == [(world, "features"), (world, "pixels")]


def test_training_goes_on_along_two_lines(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    view = figures.training_view(narrow(), exact())
    fixed = [numbers_of(line) for line in view.fixed(0) if len(line.get_xdata())]
    assert fixed[0].tolist() == [[0.1, 0.9], [0.3, 0.9], [0.5, 0.9], [0.9, 0.9]]
    assert fixed[1].tolist() == [[0.1, 0.8], [0.3, 0.8], [0.5, 0.8], [0.9, 0.0]]
    text, cost = view.at(trained_part=0.5)
    left, right = ([numbers_of(line) for line in view.moving(i)] for i in (0, 1))
    assert [len(left), len(right)] == [4, 4]  # two worlds each, two kinds
    assert left[0][:, 1].tolist() == pytest.approx([0.01, 0.02])
    assert left[0][:, 0].mean() == pytest.approx(0.5)
    assert text.startswith("after 50% of training")
    recipe = Narrow()
    assert cost.units == 0.5 * recipe.steps * recipe.batch * figures.narrow_flops(recipe)
    view.at(trained_part=1.0)
    assert numbers_of(view.moving(0)[0])[:, 1].tolist() == pytest.approx([0.02, 0.03])


def test_four_cures_stand_side_by_side(monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    sheet = figures.cures_picture(narrow(), CORNERS[:2])
    axes = sheet.fig.axes
    assert len(axes) == 4
    momentum = numbers_of(axes[1].lines[2])
    assert momentum[:, 1].tolist() == pytest.approx([0.52, 0.53])
    background = numbers_of(axes[3].lines[2])
    assert background[:, 1].tolist() == pytest.approx([0.48, 0.47])
    assert "share 0.9, persistence 0.5: features 0.12/0.88, pixels 0.33/0.67" in sheet.text
