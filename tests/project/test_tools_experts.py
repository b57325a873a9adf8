"""The record of experts: a small one is built, goes on where it was, and says its score."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from tools import data
from tools import experts as tool
from ttclib import artefacts
from ttclib.search import results

SMALL = tool.PLAN | {
    "seeds": 1,
    "rate seeds": [100],
    "rates": [0.02],
    "counts": [8],
    "shared": [0.0],
    "balances": [0.0],
    "capacities": [1.25],
    "steps": 3,
}


def test_a_small_record_is_made_and_goes_on(tmp_path, monkeypatch):
    job = SimpleNamespace(settings=SMALL, folder=tmp_path, work=tmp_path / "work" / "of this")
    assert tool.train_all(job) > 0
    made = results.read(tmp_path, "runs")
    assert made["part"].tolist() == [*3 * ["rates"], *3 * ["sizes"], "collapse", "capacity"]
    assert made["experts"].tolist() == [8, 1, 1, 8, 1, 1, 8, 8]
    assert made["hidden"].tolist() == [12, 16, 100, 12, 16, 100, 12, 12]
    assert np.isnan(made["capacity"][:-1]).all() and made["capacity"][-1] == 1.25
    monkeypatch.setattr(tool, "one", None)  # all is there already
    tool.train_all(job)
    assert results.read(tmp_path, "runs")["excess"].tolist() == made["excess"].tolist()
    assert set(tool.score(job)) == {f"nats above the entropy, {kind}" for kind in tool.PLAN["rate"]}


def test_the_score_is_what_the_manifest_says():
    artefact = data.ARTEFACTS["experts"]
    job = SimpleNamespace(folder=artefacts.path("experts"), settings=artefact.settings)
    assert artefact.score(job) == artefacts.manifest()["experts"]["score"]
