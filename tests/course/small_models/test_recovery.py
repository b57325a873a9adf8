"""The records of pruning and recovery, read from tables written by hand."""

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq

from ttclib.course.small_models import recovery
from ttclib.lm.llama import Shape

SHAPE = Shape(vocabulary=21, width=24, layers=3, heads=3, hidden=20)


def test_removed_weights_are_those_of_the_smaller_shape():
    for counts in ({}, {"hidden": 4}, {"layers": 1}, {"width": 16, "heads": 2, "hidden": 5}):
        left = Shape(**(vars(SHAPE) | counts)).flops[0]
        assert recovery.removed(SHAPE, counts) == pytest.approx(1 - left / SHAPE.flops[0])
    block = 3 * (4 * 24**2 + 3 * 24 * 20) + 21 * 24
    assert recovery.removed(SHAPE, {"heads": 1}) == pytest.approx(3 * 4 * 16 * 24 / block)


def test_a_run_of_two_stages_adds_up(tmp_path):
    def line(step, weights, taught, kl):
        return {
            "run": "twice",
            "stage": 0,
            "step": step,
            "tokens": 10 * step,
            "weights": weights,
            "taught": taught,
            "kl": kl,
            "loss": kl + 1,
            "agree": 0.5,
            "right": [True, kl < 1],
        }

    lines = [line(0, 100, True, 3.0), line(2, 100, True, 2.0), line(0, 50, True, 4.0)]
    lines += [line(1, 50, True, 1.5), line(2, 50, True, 0.5)]
    lines += [{**line(2, 7, False, 0.1), "run": "other"}]
    pq.write_table(pa.Table.from_pylist(lines), tmp_path / "curves.parquet")
    found = recovery.read_runs(tmp_path, 1000)
    run = found["twice"]
    assert run.tokens.tolist() == [0, 20, 20, 30, 40] and run.weights == 50
    assert run.trained.tolist() == [0, 12_000, 12_000, 15_000, 18_000]
    assert run.taught.tolist() == [0, 40_000, 40_000, 60_000, 80_000]
    assert run.flops[-1] == 98_000 and run.kl[-1] == 0.5
    assert run.right.tolist()[-1] == [True, True]
    assert found["other"].trained.tolist() == [840] and found["other"].taught.tolist() == [0]
    mean, low, high = run.solved(np.array([[1, 1], [2, 0], [0, 2]]))
    assert mean.tolist() == [0.5, 0.5, 0.5, 0.5, 1.0] and low[0] == 0 and high[0] == 1


def test_mistakes_in_common_are_counted_where_both_fail():
    mine = recovery.Rival(np.array([True, False, False, False, True]), list("12305"))
    other = recovery.Rival(np.array([True, False, False, False, False]), list("12409"))
    answers = {"0": None} | {digit: int(digit) for digit in "123459"}
    assert recovery.shared_mistakes(mine, other, answers.get).tolist() == [True, False, True]
    assert recovery.shared_mistakes(other, mine, answers.get).tolist() == [True, False, True]
    right = mine._replace(right=np.ones(5, dtype=bool))
    assert recovery.shared_mistakes(right, other, answers.get).size == 0
