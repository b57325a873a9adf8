"""Checks that do not know the answer: what they see, what they miss."""

import numpy as np
import pytest

from ttclib.lm import arithmetic, nines


@pytest.mark.parametrize(
    ("step", "passes"),
    [
        ("8*12=96", True),
        ("8*12=86", False),
        ("8*12=87", True),  # off by nine: the check is blind here
        ("234-39=105", True),  # off by 90
        ("17-9=8", True),
        ("17-9=9", False),
        ("17-9", False),
        ("17--9=26", False),
        ("", False),
    ],
)
def test_nines(step, passes):
    assert nines.nines(step) is passes


def test_it_is_never_wrong_about_a_true_step():
    rng = np.random.default_rng(0)
    for problem in arithmetic.problems("train", 200, rng):
        solution = arithmetic.solve(arithmetic.parse(problem))
        assert nines.failures(solution + arithmetic.END, True) == 0
        assert all(nines.failures(solution[:k], False) == 0 for k in range(len(solution)))


def test_it_passes_one_wrong_result_in_nine():
    wrong = [nines.nines(f"40+{b}={c}") for b in range(1, 50) for c in range(1000) if c != 40 + b]
    assert np.mean(wrong) == pytest.approx(1 / 9, abs=0.002)


@pytest.mark.parametrize(
    ("solution", "complete", "count"),
    [
        ("17-9=8;8*12=95;", False, 1),
        ("17-9=7;8*12=95;", False, 2),
        ("17-9=8;8*12=9", False, 0),  # unfinished
        ("17-9=8;8*12=96;#96\n", True, 0),
        ("17-9=8;8*12=96;#95\n", True, 1),
        ("17-9=8;8*12=96;", True, 1),  # no answer
        ("#96", True, 1),  # no step
    ],
)
def test_failures(solution, complete, count):
    assert nines.failures(solution, complete) == count
