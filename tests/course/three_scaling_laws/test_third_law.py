"""Three laws on the same axes: what each point pays, and what it solves."""

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from post_record import write

from ttclib import artefacts
from ttclib.course.three_scaling_laws import third_law
from ttclib.course.three_scaling_laws.post_training import Bill
from ttclib.search.results import read_results

WEIGHTS = {"lab-small": 214_336, "lab-large": 2_971_584}


@pytest.fixture(scope="module")
def laws(tmp_path_factory):
    return third_law.three_laws(
        write(tmp_path_factory.mktemp("record")),
        read_results(artefacts.path("search-sweep"), "prm"),
        artefacts.path("exchange"),
        artefacts.manifest(),
        WEIGHTS,
        ["learns", "sharpens"],
        78.0,
    )


def test_training_is_counted_from_the_first_weight_on():
    bills = third_law.training_bills(artefacts.manifest(), 78.0)
    pretraining = 2000 * 32 * 256
    assert bills["lab-small"] == Bill(pretraining)
    assert bills["lab-small-more"] == Bill(pretraining + 4000 * 32 * 256)
    assert bills["lab-large"] == Bill(1500 * 32 * 256)
    rollouts = 48_000 * 8 * 78
    assert bills["lab-small-own"] == Bill(pretraining + 4000 * 32 * 256, rollouts)
    judge = 800 * 32 * 256  # a head learns, its body only reads
    assert bills["prm"] == Bill(pretraining + 4000 * 32 * 256, rollouts + judge)


def test_post_training_starts_where_pretraining_ended(laws):
    start = laws["pretraining"]["lab-small-more"]
    n = WEIGHTS["lab-small"]
    for way in laws["post-training"].values():
        assert way.training[0] == start.training[0] == 6 * n * 2000 * 32 * 256
        assert way.accuracy[0] == start.accuracy[0] == 0.5
    learns = laws["post-training"]["learns"]
    assert learns.training[1:] - learns.training[0] == pytest.approx([6 * n * 250, 6 * n * 1000])
    assert learns.accuracy == pytest.approx([0.5, 0.5, 0.75])
    sharpens = laws["post-training"]["sharpens"]
    assert sharpens.training[1] - sharpens.training[0] == pytest.approx(n * (6 * 500 + 2 * 1500))


def test_answers_are_paid_with_every_question(laws):
    votes = laws["test time"]["majority of N"]
    judged = laws["test time"]["best of N under prm"]
    assert (np.diff(votes.answer) > 0).all() and (judged.answer > votes.answer).all()
    assert (votes.training == laws["post-training"]["learns"].training[0]).all()
    assert (judged.training > 3 * votes.training).all()
    assert votes.paid(100) == pytest.approx(votes.training + 100 * votes.answer)
    large = laws["pretraining"]["lab-large"]
    assert 10 * votes.answer[0] < large.answer[0] < 14 * votes.answer[0]
