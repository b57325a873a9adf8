"""The trainings of notebook 12: which there are, their score, and one of them trained again."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from tools import data, scaling
from ttclib import artefacts
from ttclib.course.three_scaling_laws.language import ELSEWHERE, Words
from ttclib.course.three_scaling_laws.laws import select
from ttclib.course.three_scaling_laws.letter_model import size
from ttclib.course.three_scaling_laws.training import Run, train

PLAN = scaling.runs(scaling.GRID, data.ARTEFACTS["pretraining"].seeds["runs"])
FOLDER = artefacts.path("pretraining")


def test_sizes_are_powers_of_two_to_four_percent():
    for i, hidden in enumerate(scaling.SIZES):
        assert size(hidden) == pytest.approx(2.0 ** (10 + i), rel=0.04)


def test_every_size_reads_as_far_as_the_largest_budget_allows():
    for i, hidden in enumerate(scaling.SIZES):
        (run,) = (run for run in scaling.grid_runs(scaling.GRID, 0) if run.hidden == hidden)
        assert run.letters[0] == 2**14
        assert run.letters[-1] == min(2**23, 2 ** (36 - 10 - i))
        assert (np.diff(np.log2(run.letters)) == 1).all()


def test_other_shapes_have_nearly_as_many_parameters():
    for hidden, depth in scaling.GRID["shapes"]:
        assert size(hidden, depth) == pytest.approx(size(scaling.GRID["middle"]), rel=0.01)


def test_every_run_is_in_the_table_once():
    rows = select(FOLDER)
    keys = ("hidden", "depth", "schedule", "horizon", "batch", "text", "amount", "seed")
    there = sorted(tuple(row[key] for key in keys) + (row["letters"],) for row in rows)
    wanted = sorted(
        tuple(getattr(run, key) for key in keys) + (letters,)
        for run in PLAN
        for letters in run.letters
    )
    assert there == wanted and len(set(there)) == len(there)


def test_the_score_is_what_the_manifest_says():
    entry = artefacts.manifest()["pretraining"]
    job = SimpleNamespace(folder=FOLDER, settings=entry["settings"])
    assert scaling.score(job) == entry["score"]


@pytest.mark.parametrize("hidden", [5, 54])
def test_a_run_comes_out_as_it_did(hidden):
    """Another processor rounds otherwise, and training carries that on: a little, not more."""
    letters = (2**14, 2**15)
    found = train(Run(hidden, letters, 1), Words(), Words(exponent=ELSEWHERE))
    rows = select(FOLDER, hidden=hidden, schedule="trunk", seed=1, batch=128, text="fresh")
    stored = {row["letters"]: row for row in rows}
    for row in found:
        for name in ("loss", "undecayed", "elsewhere"):
            assert row[name] == pytest.approx(stored[row["letters"]][name], rel=0.01)
