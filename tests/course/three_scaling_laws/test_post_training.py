"""The record of post-training: what is read from it, what a way costs, and where curves cross."""

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from post_record import write

from ttclib.course.three_scaling_laws.post_training import Bill, crossing, expected_k, gain
from ttclib.measure import bootstrap


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return write(tmp_path_factory.mktemp("record"))


def test_a_bill_charges_six_for_learning_and_two_for_writing():
    assert Bill(10, 20, 30).flops(100, 1000).tolist() == [6000, 4000, 60000]
    assert Bill(10, 20).flops(100).tolist() == [6000, 4000, 0]


def test_what_was_measured_is_found(record):
    assert record.names == ["lab-small", "lab-small-more", "lab-small-own", "learns", "sharpens"]
    assert record.shares("learns") == [0.25, 1.0] and record.shares("sharpens") == [1.0]
    assert record.shares("learns", "larger") == [1.0]
    assert record.temperatures() == [0.5, 1.0]
    found = record.at("learns", 0.25)
    assert found.right.tolist() == [16, 12, 4, 1] and found.samples == 16
    assert found.bill == Bill(250, 0, 0)
    assert record.at("lab-small", temperature=0.5).right.tolist() == [64, 64, 4, 0]
    assert record.at("lab-small-own").greedy.tolist() == [1, 1, 1, 0]
    assert record.rewards("sharpens").tolist() == [0.5, 0.75]


def test_what_was_not_measured_is_refused(record):
    with pytest.raises(ValueError, match=r"nothing was measured of 'sharpens' at 0\.25"):
        record.at("sharpens", 0.25)


def test_pass_at_k_is_the_mean_over_subsets(record):
    found = record.at("learns").passes([1, 64])
    assert found[0] == pytest.approx(np.array([64, 64, 32, 8]) / 64)
    assert found[1] == pytest.approx([1, 1, 1, 1])
    two = record.at("lab-small").passes([2])[0]
    assert two[3] == pytest.approx(2 / 64)


def test_a_gain_is_paired(record):
    counts = bootstrap.counts(4, 50, np.random.default_rng(0))
    mean, low, high = gain(record.at("sharpens"), record.at("lab-small"), [1, 64], counts)
    assert mean == pytest.approx([(32 + 8 - 1) / 64 / 4, -1 / 4])
    assert (low <= mean).all() and (mean <= high).all()


@pytest.mark.parametrize(
    ("after", "place"),
    [([0.5, 0.6, 0.6], 2), ([0.5, 0.5, 0.8], None), ([0.3, 0.4, 0.5], None), ([0.5, 0.4, 0.6], 1)],
)
def test_where_a_curve_falls_below_for_good(after, place):
    assert crossing([0.4, 0.55, 0.7], after) == place


def test_pass_at_k_of_a_chance_that_is_known():
    assert expected_k(np.array([0.0, 0.5, 1.0]), 3) == pytest.approx([0, 0.875, 1])
