"""The record of features that collapse: made as its settings say, and trained once more."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from tools import collapse as tool
from tools import data
from ttclib import artefacts
from ttclib.course.predicting_features import collapse
from ttclib.course.predicting_features import two_numbers as two

NAME = "feature-collapse"


def test_words_are_those_of_the_library():
    assert (tool.NEITHER, tool.STOP, tool.MOMENTUM, tool.BOTH) == two.HOWS
    assert (tool.ADAM, tool.GRADIENT) == (two.ADAM, two.GRADIENT)


def test_the_runs_are_those_of_the_plan():
    plan = data.ARTEFACTS[NAME].settings
    wanted = [run for run in tool.runs(plan) for _ in collapse.STEPS]
    table = collapse.read(artefacts.path(NAME)).table
    assert len(table["step"]) == len(wanted)
    for name in wanted[0]:
        assert table[name].tolist() == [run[name] for run in wanted]
    assert table["step"].tolist() == list(collapse.STEPS) * (len(wanted) // len(collapse.STEPS))
    rival = collapse.read(artefacts.path(NAME)).pixels
    assert rival["seed"].tolist() == list(range(plan["seeds"]))


def test_the_score_is_what_the_manifest_says():
    artefact = data.ARTEFACTS[NAME]
    job = SimpleNamespace(folder=artefacts.path(NAME), settings=artefact.settings)
    assert artefact.score(job) == artefacts.manifest()[NAME]["score"]


def test_a_run_begins_again():
    """The first 50 steps: the same losses; another processor adds in another order."""
    record = collapse.read(artefacts.path(NAME))
    shots = []
    watch = collapse.Watch()

    class Enough(Exception):
        pass

    def look(step, learner, target):
        if step in (0, 25, 50):
            shots.append(watch.shot(step, learner, target))
        if step == 50:
            raise Enough

    with pytest.raises(Enough):
        collapse.train(two.BOTH, 7, 0.99, look=look)
    stored = record.run(two.BOTH, 0.99)
    seed = record.seeds.tolist().index(7)
    for name in ("loss", "spread", "rank"):
        again = [getattr(shot, name) for shot in shots]
        assert np.array(again) == pytest.approx(stored[name][seed, :3], rel=2e-2)
    assert shots[0].position == pytest.approx(stored["position"][seed, 0], abs=5e-3)


def test_the_pixels_are_read_again():
    kept = collapse.read_pixels(artefacts.path("pixel-probe"))
    assert kept.read == pytest.approx(collapse.raw_read(), abs=5e-3)
    assert kept.best == pytest.approx(collapse.best_linear_read(), abs=1e-6)
