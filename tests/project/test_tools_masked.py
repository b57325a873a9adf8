"""The miniature of notebook 15 in six worlds: which trainings there are, and one begun again."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")

from tools import data, features
from ttclib import artefacts
from ttclib.course.predicting_features import collapse, jepa, masked
from ttclib.search import results

ARTEFACT = data.ARTEFACTS["feature-worlds"]
FOLDER = artefacts.path("feature-worlds")
PLANS = features.masked_plans(features.MASKED, ARTEFACT.seeds["networks"])


def test_the_plan_is_the_worlds_of_the_library_at_equal_flops():
    assert features.MASKED["worlds"] == list(masked.WORLDS)
    one, other = PLANS[0][0], PLANS[1][0]
    assert (one.kinds, one.momentum) == ((jepa.SHORT, jepa.LONG), (0.99, 1.0))
    assert (one.target, other.target) == jepa.TARGETS and one.narrow < one.width
    paid = [recipe.steps * jepa.flops(recipe) for recipe in (one, other)]
    assert paid[0] == pytest.approx(paid[1], rel=1e-3)


def test_every_training_is_in_the_table_once_with_all_its_looks():
    rows = results.read(FOLDER, "masked")
    keys = ("world", "target", "seed", "step")
    there = sorted(zip(*(rows[key].tolist() for key in keys), strict=True))
    looks = features.MASKED["looks"]
    names = {world: name for name, world in masked.WORLDS.items()}
    wanted = sorted(
        (names[world], recipe.target, seed, round(recipe.steps * i / looks))
        for recipe, world, seed in PLANS
        for i in range(looks + 1)
    )
    assert there == wanted
    for name in masked.WORLDS:
        best = collapse.best_linear_read(masked.WORLDS[name])
        pixels = masked.read(FOLDER).pixels[name]
        assert (pixels["best_position"], pixels["best_velocity"]) == pytest.approx(best)


class _Enough(Exception):
    """The training has come far enough."""


def test_a_training_begins_as_it_did():
    """Another processor rounds otherwise, and training carries that on: a little, not more."""
    recipe, world, seed = PLANS[1]
    step = round(recipe.steps / features.MASKED["looks"])
    eye = collapse.Watch(world, masked.EXAMINED)
    found = {}

    def look(at, loss, learner):
        if at == step:
            found["position"] = eye.read(learner.features(eye.clips.video))[0]
            raise _Enough

    with pytest.raises(_Enough):
        jepa.train(recipe, world, seed, look)
    steps, positions = masked.read(FOLDER).curve("white noise", "pixels")
    assert steps[1] == step
    assert positions[seed, 1] == pytest.approx(found["position"], abs=0.05)


def tiny_job(folder, work):
    settings = copy.deepcopy(features.MASKED)
    settings |= {"recipe": {"steps": 2, "batch": 2}, "worlds": ["white noise"], "looks": 1}
    folder.mkdir()
    return SimpleNamespace(settings=settings, seeds={"networks": 1}, folder=folder, work=work)


def test_a_small_record_is_built_and_goes_on_where_it_was(tmp_path, monkeypatch):
    work = tmp_path / "build" / "it"
    seconds = features.miniature(tiny_job(tmp_path / "one", work))
    record = masked.read(tmp_path / "one")
    assert record.curve("white noise", "features")[1].shape == (1, 2)
    assert np.isfinite(record.trainings["position_by_token"]).all()

    def never(*args, **more):
        raise AssertionError("it was done before")

    monkeypatch.setattr(masked, "taught", never)
    assert features.miniature(tiny_job(tmp_path / "two", work)) == seconds
    one, two = ((tmp_path / n / "masked.parquet").read_bytes() for n in ("one", "two"))
    assert one == two
