"""The whole miniature in several worlds: what is trained, what is read, and what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawings import Sheet, bands, numbers_of

from ttclib.course.predicting_features import collapse, jepa, masked, masked_figures
from ttclib.course.predicting_features.worlds import World

SHORT = jepa.Recipe(steps=4, batch=4)
WORLD = World("white", 0.2)


def test_every_world_is_mostly_not_its_state():
    for world in masked.WORLDS.values():
        state = np.trace(replace(world, share=0.0).covariance(0)) * (1 - world.share)
        assert 1 - state / np.trace(world.covariance(0)) == pytest.approx(masked.SHARE)


def test_reading_is_that_of_the_encoder_before_on_the_way_and_after(monkeypatch):
    monkeypatch.setattr(collapse, "WATCHED", 200)
    monkeypatch.setattr(collapse, "LEARNED", 150)
    eye = collapse.Watch(WORLD, masked.EXAMINED)
    rows = masked.taught(SHORT, WORLD, seed=3, looks=2, watch=eye)
    assert [row["step"] for row in rows] == [0, 2, 4]
    final = jepa.train(SHORT, WORLD, 3)
    features = final.features(eye.clips.video)
    assert (rows[2]["position"], rows[2]["velocity"]) == eye.read(features)
    assert rows[2]["spread"] == float(features.std(0).mean())
    whole = final.slow(jepa.tokens(eye.clips.video)).detach().flatten(1)
    expected = eye.read(whole)[0]
    assert rows[2]["position_by_token"] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(rows[1]["position_by_token"])
    # before any training all targets have one encoder: the floor
    pixels = masked.taught(jepa.rival(SHORT), WORLD, seed=3, looks=1, watch=eye)
    assert pixels[0] == rows[0] and pixels[1] != rows[2]


def test_what_pixels_hold_without_training():
    found = masked.without_training("white noise")
    world = masked.WORLDS["white noise"]
    assert (found["best_position"], found["best_velocity"]) == collapse.best_linear_read(world)
    assert 0 < found["position"] < found["best_position"]
    with pytest.raises(ValueError, match="world is 'snow'"):
        masked.without_training("snow")


def test_a_wide_ridge_is_the_narrow_one_turned_round():
    """With more features than clips the smaller matrix is solved: the same weights."""
    from ttclib.course.predicting_features import probing

    draw = torch.Generator().manual_seed(0)
    x, y = (torch.randn(*shape, generator=draw).double() for shape in ((30, 50), (30, 2)))
    new = torch.randn(7, 50, generator=draw).double()
    centred = x - x.mean(0)
    gram = centred.T @ centred + 0.3 * torch.eye(50).double()
    weights = torch.linalg.solve(gram, centred.T @ (y - y.mean(0)))
    expected = (new - x.mean(0)) @ weights + y.mean(0)
    assert torch.allclose(probing._ridge(x, y, 0.3)(new), expected)


def made_record():
    rows = []
    names = list(masked.WORLDS)
    for w, world in enumerate(names):
        for t, target in enumerate(jepa.TARGETS):
            for seed in (2, 0, 1):
                for look in (1, 0, 2):
                    known = 0.1 + 0.05 * w + 0.2 * t * look + 0.01 * seed + 0.1 * look
                    rows.append((world, target, seed, look * (10 + 4 * t), known, known / 2))
    keys = ("world", "target", "seed", "step", "position", "velocity")
    table = {k: np.array(c) for k, c in zip(keys, zip(*rows, strict=True), strict=True)}
    pixels = {"world": np.array(names), "best_position": 0.9 + 0.01 * np.arange(len(names))}
    return masked.Record(table, pixels)


def test_the_record_is_sorted_by_seed_and_step():
    record = made_record()
    steps, found = record.curve("smooth noise", "pixels")
    assert steps.tolist() == [0, 14, 28]
    expected = 0.25 + 0.01 * np.arange(3)[:, None] + 0.3 * np.arange(3)
    assert found == pytest.approx(expected)
    assert record.ends("smooth noise", "pixels") == pytest.approx(expected[:, -1])
    assert record.random("white noise", "velocity") == pytest.approx(np.array([10, 11, 12]) / 200)
    for ask in (("snow", "pixels"), ("white noise", "both")):
        with pytest.raises(ValueError, match=ask[0] if ask[0] == "snow" else ask[1]):
            record.curve(*ask)


def test_each_world_has_its_curves_floor_and_ceiling(monkeypatch):
    monkeypatch.setattr(masked_figures, "Picture", Sheet)
    record = made_record()
    sheet = masked_figures.worlds_picture(record)
    for number, (ax, world) in enumerate(zip(sheet.fig.axes, record.worlds, strict=True)):
        assert ax.get_title() == world and len(bands(ax)) == 2
        dots = [numbers_of(line) for line in ax.lines if line.get_marker() in ("o", "s")]
        for target, drawn in zip(jepa.TARGETS, dots, strict=True):
            median = np.median(record.curve(world, target)[1], axis=0)
            assert drawn == pytest.approx(np.column_stack([[0, 50, 100], median]))
        level = [line.get_ydata()[0] for line in ax.lines if len(set(line.get_ydata())) == 1]
        assert level == pytest.approx([0.11 + 0.05 * number, 0.9 + 0.01 * number])
    assert "white noise: no training 0.11, features 0.31, pixels 0.71, ceiling 0.90" in sheet.text
