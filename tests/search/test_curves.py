"""Curves of a sweep: the same numbers as by counting rows, and bands that cover as often as they
say.
"""

import numpy as np
import pytest

pytest.importorskip("pyarrow")
from noisy_solver import load

from ttclib.lm import arithmetic
from ttclib.search.curves import bootstrap, curves, interval, read, square, where
from ttclib.search.methods import Setting, root_width
from ttclib.search.sweep import sweep

BUDGETS = (1, 4, 8, 16)
SETTINGS = (
    *(
        Setting("best of n", n, verifier=verifier)
        for n in BUDGETS
        for verifier in ("prm", "prm-weak")
    ),
    *(Setting("beam", n, width=width) for n in BUDGETS[1:] for width in {4, root_width(n)}),
    *(Setting("lookahead", n, width=root_width(n), lookahead=1) for n in BUDGETS[1:]),
    *(Setting("dvts", n, width=4) for n in BUDGETS[1:]),
    Setting("rebase", 16),
    Setting("rebase", 16, balance=0.5),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    problems = arithmetic.problems("test", 3, np.random.default_rng(0))
    found = sweep(SETTINGS, problems, 2, tmp_path_factory.mktemp("work"), load=load, progress=False)
    folder = tmp_path_factory.mktemp("sweep")
    found.save(folder)
    return folder


@pytest.fixture(scope="module")
def results(folder):
    return read(folder)


def test_a_table_is_read_as_columns(folder, results):
    assert {len(column) for column in results.values()} == {len(SETTINGS) * 3 * 2}
    assert len(read(folder, "samples")["text"]) == 3 * 2 * 16


def test_methods_get_a_curve_each(results):
    found = curves(results)
    beams = {"beam M = 4": [4, 8, 16], "beam M = √N": [4, 8, 16]}
    # the one text of width √N = 4 is not a curve of its own
    others = {"dvts M = 4": [4, 8, 16], "lookahead k = 1 M = √N": [4, 8, 16], "rebase": [16]}
    expected = {"best of n": list(BUDGETS)} | beams | others
    assert {name: curve.n.tolist() for name, curve in found.items()} == expected
    assert found["lookahead k = 1 M = √N"].generations.tolist() == [8, 16, 32]
    assert list(curves(results, "prm-weak")) == ["best of n"]


@pytest.mark.parametrize("way", ["weighted_last", "max_min", "majority", "passed"])
def test_accuracy_is_the_share_of_right_rows(results, way):
    column = way if way == "passed" else f"{way}_right"
    curve = curves(results, way=way)["beam M = √N"]
    for n, accuracy in zip(curve.n, curve.accuracy, strict=True):
        rows = where(results, method="beam", n=n, width=root_width(int(n)))
        assert accuracy == pytest.approx(rows[column].mean())
    rows = where(results, method="beam", n=16, problem=2, seed=1)
    assert curve.at(16)[2, 1] == rows[column][0]


def test_costs_are_means_for_a_problem(results):
    curve = curves(results)["rebase"]
    rows = where(results, method="rebase", balance=0.1)
    assert curve.cost[0].lm_tokens == pytest.approx(rows["lm_tokens"].mean())
    assert rows["verifier_positions"].mean() > 0
    assert curve.cost[0].verifier_positions == pytest.approx(rows["verifier_positions"].mean())


def test_a_majority_of_samples_asks_no_verifier(results):
    for way in ("majority", "passed"):
        found = curves(results, way=way)
        assert found["best of n"].cost[2].verifier_positions == 0
        assert found["rebase"].cost[0].verifier_positions > 0


def test_square_puts_rows_in_their_places():
    columns = {
        "problem": np.array([7, 3, 7, 3]),
        "seed": np.array([0, 1, 1, 0]),
        "x": np.arange(4.0),
    }
    assert square(columns, "x").tolist() == [[3, 1], [0, 2]]


def test_the_bootstrap_draws_problems_and_seeds():
    rng = np.random.default_rng(0)
    assert (bootstrap(np.full((5, 3), 0.25), rng, 20) == 0.25).all()
    only_problems = np.repeat(
        np.eye(2)[0][:, None], 50, axis=1
    )  # of two problems, one is solved always
    assert set(bootstrap(only_problems, rng, 60)) == {0.0, 0.5, 1.0}
    assert bootstrap(np.zeros((4, 5, 3)), rng, 20).shape == (20, 4)
    mean, low, high = interval(np.tile([0.0, 1.0], (200, 1)), rng)
    assert mean == 0.5 and 0.4 < low < 0.48 and 0.52 < high < 0.6


@pytest.mark.statistical
def test_the_bootstrap_has_the_right_spread(seed):
    """Standard deviation of means over new problems and seeds, against the bootstrap's own.

    40 problems with a uniform chance p and 4 seeds: a mean has the variance Var(p)/40 + E[p(1 −
    p)]/160 = 2/960 + 1/960. The bootstrap finds 39/40 of it, and 3/4 · 1/960 more, because the mean
    of a problem is noisy itself: 1.225 times. One data set's variance is off by a quarter, so the
    mean of 60 by 0.04 of the exact one; the bounds are seven of these away, below 1e-6.
    """
    rng, exact = np.random.default_rng(seed), 3 / 960
    found, pooled = [], []
    for _ in range(60):
        right = (rng.random((40, 4)) < rng.random((40, 1))).astype(float)
        found.append(bootstrap(right, rng, 200).var() / exact)
        pooled.append(bootstrap(right.reshape(160, 1), rng, 200).var() / exact)
    assert 0.94 < np.mean(found) < 1.51
    assert np.mean(pooled) < 0.94  # a mutant: all runs are taken for problems of their own
