"""A table of results is read as it was written, and methods are compared problem by problem."""

from dataclasses import replace

import numpy as np
import pytest

from ttclib.course.smc_decoding import contest


@pytest.fixture
def folder(tmp_path):
    """Two runs of two methods on three problems."""
    rows = [
        ("small", "votes", 4, 0, [1, 0, 1], 0.5),
        ("small", "greedy", 1, 0, [1, 0, 0], 0.9),
        ("small", "votes", 4, 1, [1, 1, 1], 0.75),
        ("small", "greedy", 1, 1, [1, 0, 0], 0.9),
    ]
    with open(tmp_path / "problems.csv", "w") as problems, open(tmp_path / "runs.csv", "w") as runs:
        print("model,method,n,seed,problem,right,confidence,distinct,entropy", file=problems)
        print("model,method,n,seed,lm_tokens,lm_positions,lm_flops", file=runs)
        for model, method, n, seed, right, sure in rows:
            print(model, method, n, seed, 30 * n + 3 * seed, 60, 6e6, sep=",", file=runs)
            for i, r in enumerate(right):
                print(model, method, n, seed, i, r, sure, n, 0.1 * n, sep=",", file=problems)
    return tmp_path


def test_read(folder):
    votes, greedy = contest.read(folder)
    assert (votes.name, greedy.name) == ("small, votes 4", "small, greedy")
    assert votes.right.tolist() == [[1, 0, 1], [1, 1, 1]]
    assert votes.confidence.tolist() == [[0.5] * 3, [0.75] * 3]
    assert votes.accuracy == pytest.approx(5 / 6) and greedy.accuracy == pytest.approx(1 / 3)
    assert votes.cost.lm_tokens == pytest.approx((120 + 123) / 2 / 3)
    assert votes.cost.lm_flops == 2e6
    assert votes.error == pytest.approx(np.std([1, 0.5, 1], ddof=1) / np.sqrt(3))
    assert greedy.auroc == 0.5 and greedy.calibration_error == pytest.approx(0.9 - 1 / 3)


def test_a_difference_is_paired(folder):
    votes, greedy = contest.read(folder)
    gap, error = contest.difference(votes, greedy)
    assert gap == pytest.approx(0.5)
    assert error == pytest.approx(np.std([0, 0.5, 1], ddof=1) / np.sqrt(3))
    assert contest.difference(votes, votes) == (0, 0)


def test_methods_that_met_other_problems_are_not_compared(folder):
    votes, greedy = contest.read(folder)
    fewer = replace(greedy, right=greedy.right[:, :2])
    with pytest.raises(ValueError, match="small, votes 4 met 3 problems and small, greedy 2"):
        contest.difference(votes, fewer)
