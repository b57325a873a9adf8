"""The table of small models on three tasks: as its plan says, and one of them trained again."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")

from tools import data, mixer_tasks
from ttclib import artefacts
from ttclib.search import results

ARTEFACT = data.ARTEFACTS["mixer-tasks"]


def test_the_models_are_those_of_the_plan():
    table = results.read(artefacts.path("mixer-tasks"), "answers")
    wanted = [
        (task, "+".join(kinds), state, seed, size)
        for task, _, tests, _, (kinds, state), seed in mixer_tasks.settings_of(ARTEFACT.settings)
        for size in tests
    ]
    names = ("task", "mixers", "state", "seed", "size")
    assert list(zip(*(table[name].tolist() for name in names), strict=True)) == wanted
    assert len(set(wanted)) == len(wanted)
    assert ((table["right"] >= 0) & (table["right"] <= 1)).all()


def test_the_score_is_what_the_manifest_says():
    job = SimpleNamespace(folder=artefacts.path("mixer-tasks"), settings=ARTEFACT.settings)
    assert ARTEFACT.score(job) == artefacts.manifest()["mixer-tasks"]["score"]


def test_a_model_is_trained_again():
    """Attention that recalls: it learns everything, on any processor."""
    settings = mixer_tasks.settings_of(ARTEFACT.settings)
    setting = next(s for s in settings if s[0] == "recall" and s[4][0] == ["attention"])
    rows = mixer_tasks.trained(ARTEFACT.settings["texts"], ARTEFACT.seeds["texts"], setting)
    table = results.read(artefacts.path("mixer-tasks"), "answers")
    mine = (table["task"] == "recall") & (table["mixers"] == "attention") & (table["seed"] == 0)
    assert [row["size"] for row in rows] == table["size"][mine].tolist()
    assert [row["parameters"] for row in rows] == table["parameters"][mine].tolist()
    again = np.array([row["right"] for row in rows])
    assert again == pytest.approx(table["right"][mine], abs=0.03)
