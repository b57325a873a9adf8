"""The trainings of notebook 15's border: which there are, and some of them done again."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")

from tools import data, features
from ttclib import artefacts
from ttclib.course.predicting_features import border
from ttclib.search import results

ARTEFACT = data.ARTEFACTS["feature-border"]
FOLDER = artefacts.path("feature-border")
PLANS = features.narrow_plans(features.BORDER, ARTEFACT.seeds["networks"])


def test_every_training_is_in_the_table_once_with_all_its_looks():
    rows = results.read(FOLDER, "narrow")
    keys = ("how", "rate", "share", "persistence", "seed", "step")
    there = sorted(zip(*(rows[key].tolist() for key in keys), strict=True))
    looks = features.BORDER["looks"]
    wanted = sorted(
        (r.how, r.rate, w.share, w.persistence, seed, round(r.steps / looks * (i + 1)))
        for r, w, seed in PLANS
        for i in range(looks)
    )
    assert there == wanted and len(set(there)) == len(there)


@pytest.mark.parametrize("number", [0, 3])
def test_a_training_comes_out_as_it_did(number):
    """Another processor rounds otherwise, and training carries that on: a little, not more."""
    recipe, world, seed = PLANS[number]
    *_, last = features.narrow(recipe, world, seed, features.BORDER["looks"])
    rows = results.where(
        results.read(FOLDER, "narrow"),
        **{"how": recipe.how, "share": world.share, "persistence": world.persistence},
        **{"seed": seed, "rate": recipe.rate, "step": last["step"]},
    )
    assert rows["position"].item() == pytest.approx(last["position"], abs=0.03)
    assert rows["background"].item() == pytest.approx(last["background"], abs=0.03)


def tiny_job(folder, work):
    settings = copy.deepcopy(features.BORDER)
    settings |= {"narrow": {"steps": 4, "batch": 8}, "along share": [], "along persistence": []}
    settings |= {"corners": [[0.5, 0.5]], "rates": [], "looks": 2, "shares": 2, "kept": [0.5]}
    folder.mkdir()
    return SimpleNamespace(settings=settings, seeds={"networks": 1}, folder=folder, work=work)


def test_a_small_border_is_built_and_goes_on_where_it_was(tmp_path, monkeypatch):
    work = tmp_path / "build" / "it"
    seconds = features.border(tiny_job(tmp_path / "one", work))
    assert seconds > 0
    rows = results.read(tmp_path / "one", "narrow")
    assert set(rows["how"]) == set(border.HOWS) and len(rows["step"]) == 8
    exact = results.read(tmp_path / "one", "exact")
    assert np.unique(exact["share"]).tolist() == [0.02, 0.98]

    def never(*args, **more):
        raise AssertionError("it was done before")

    monkeypatch.setattr(border, "teach", never)
    monkeypatch.setattr(border, "exact_map", never)
    assert features.border(tiny_job(tmp_path / "two", work)) == seconds
    for table in ("narrow", "exact"):
        one, two = ((tmp_path / n / f"{table}.parquet").read_bytes() for n in ("one", "two"))
        assert one == two
