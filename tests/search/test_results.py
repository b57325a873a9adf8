"""The results of a sweep: the same numbers as by counting rows, each in its place."""

import numpy as np
import pytest

pq = pytest.importorskip("pyarrow.parquet")
import pyarrow as pa
from noisy_solver import load
from sweep_by_hand import HARD, PROBLEMS, save_sweep

from ttclib.course.prm_search.sweep import sweep
from ttclib.lm import arithmetic
from ttclib.measure import bootstrap
from ttclib.measure.folds import difficulty_bins
from ttclib.search.methods import Setting, root_width, width_rules
from ttclib.search.results import (
    BEST,
    MAJORITY,
    WEIGHTED,
    block,
    read,
    read_alone,
    read_results,
    read_samples,
    where,
)

# ---- a sweep whose answers are known -------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    return save_sweep(folder)


def test_methods_have_their_places(folder):
    results = read_results(folder)
    lookahead = "lookahead k = 1 M = √N"
    beams = ("beam M = 4", "beam M = √N")
    assert results.names == (MAJORITY, WEIGHTED, BEST, *beams, lookahead, "rebase", "particles")
    assert results.budgets.tolist() == [1, 2, 4, 8]
    assert results.right.shape == results.paid().shape == (8, 4, 2, PROBLEMS)
    ran = ~np.isnan(results.right).any(axis=(2, 3))
    for table in (results.right, results.paid(), results.paid(flops=True)):
        assert (ran == ~np.isnan(table).all(axis=(2, 3))).all()
        assert (ran == ~np.isnan(table).any(axis=(2, 3))).all()
    assert [results.budgets[row].tolist() for row in ran] == [
        *([[1, 2, 4, 8]] * 3),
        *([[4, 8]] * 2),
        [8],  # four texts and one step ahead
        [4],
        [4],
    ]


def test_a_width_is_four_or_the_root_and_not_by_chance_both():
    def rules(n, width, ran):
        return [rule for rule, pairs in width_rules(ran).items() if (n, width) in pairs]

    fours = [(n, 4) for n in (4, 8, 16, 32)]
    roots = [(4, 2), (8, 2), (16, 4), (32, 4)]
    assert rules(16, 4, fours) == ["M = 4"]  # √16 = 4, but at N = 4 no width of 2 was run
    assert rules(16, 4, roots) == ["M = √N"] and rules(8, 2, roots) == ["M = √N"]
    assert rules(16, 4, fours + roots) == ["M = 4", "M = √N"]
    assert rules(8, 4, fours + roots) == ["M = 4"]


def test_every_answer_is_read_in_its_own_way(folder):
    results = read_results(folder)
    easy = (~HARD).astype(float)
    assert (results.right[0] == easy).all()
    assert (results.right[1, 1:] == easy).all() and not results.right[1, 0].any()
    assert (results.right[3, 2] == HARD).all()
    for name in ("lookahead k = 1 M = √N", "rebase", "particles"):
        found = results.right[results.row(name)]
        assert np.nansum(found) == 1 and np.nanmax(found[:, 1, 3]) == 1, name
    assert not read_results(folder, "orm").right[:2].any()
    assert (results.accuracy[0] == easy).all()


def test_what_a_model_does_without_a_verifier(folder):
    counts = bootstrap.counts(PROBLEMS, 30, np.random.default_rng(0))
    greedy, likeliest = read_alone(folder, "other", counts)
    assert greedy.accuracy.tolist() == [0.5] and greedy.paid.tolist() == [1]
    # of one text it is the first, which is wrong; of four the third, which solves the hard ones
    assert likeliest.accuracy == pytest.approx([0, 0.4]) and likeliest.paid.tolist() == [1, 4]
    assert likeliest.draws[:, 1] == pytest.approx((counts * HARD).sum(axis=1) / PROBLEMS)
    greedy, likeliest = read_alone(folder, "other", counts, flops=True)
    assert greedy.paid == pytest.approx([3.5]) and likeliest.paid == pytest.approx([3.5, 12.5])
    fewer = bootstrap.counts(HARD.sum(), 30, np.random.default_rng(0))
    greedy, likeliest = read_alone(folder, "other", fewer, flops=True, among=np.flatnonzero(HARD))
    assert greedy.accuracy.tolist() == [0.5] and likeliest.accuracy == pytest.approx([0, 1])
    assert likeliest.draws.shape == (30, 2) and likeliest.paid == pytest.approx([3.5, 12.5])
    with pytest.raises(ValueError, match="holds 0 samples"):
        read_alone(folder, "nobody", counts)


def test_a_majority_pays_for_no_verifier(folder):
    results = read_results(folder)
    assert results.paid(flops=True)[:2, 2, :, 0].tolist() == [[40, 41], [44, 45]]


def test_what_is_not_there_is_one_line(folder):
    results = read_results(folder)
    for call, line in (
        (
            lambda: read_results(folder, "nobody"),
            "results.parquet holds nothing of the verifier 'nobody'",
        ),
        (
            lambda: results.row("bean"),
            f"method is 'bean'; it must be one of: {'; '.join(results.names)}",
        ),
        (lambda: results.at(3), "budget is 3; it must be one of 1, 2, 4, 8"),
    ):
        with pytest.raises(ValueError) as error:
            call()
        assert str(error.value) == line


def test_samples_are_put_in_order(folder):
    samples = read_samples(folder)
    assert samples.right.shape == samples.score.shape == (2, PROBLEMS, 8)
    assert (samples.right[..., :7] == ~HARD[:, None]).all() and not samples.right[..., 7].any()
    assert (np.diff(samples.score, axis=2) < 0).all() and (np.diff(samples.score, axis=1) < 0).all()
    assert difficulty_bins(samples.score.mean(axis=(0, 2))).tolist() == [
        i // 4 for i in range(PROBLEMS)
    ]


def test_a_table_with_holes_is_refused(folder, tmp_path):
    rows = pq.read_table(folder / "samples.parquet").to_pylist()
    mine = [row for row in rows if row["model"] == "lab-small"][1:]
    pq.write_table(pa.Table.from_pylist(mine), tmp_path / "samples.parquet")
    line = f"samples.parquet holds {len(mine)} samples; that is no full table"
    with pytest.raises(ValueError, match=line):
        read_samples(tmp_path)


# ---- a sweep that was run ------------------------------------------------------------------------

BUDGETS = (1, 4, 8, 16)
SETTINGS = (
    *(
        Setting("best of n", n, verifier=verifier)
        for n in BUDGETS
        for verifier in ("prm", "prm-tokens")
    ),
    *(Setting("beam", n, width=width) for n in BUDGETS[1:] for width in {4, root_width(n)}),
    *(Setting("lookahead", n, width=root_width(n), lookahead=1) for n in BUDGETS[1:]),
    *(Setting("dvts", n, width=4) for n in BUDGETS[1:]),
    Setting("rebase", 16),
    Setting("rebase", 16, balance=0.5),
)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    problems = arithmetic.problems("test", 3, np.random.default_rng(0))
    work = tmp_path_factory.mktemp("work")
    found = sweep(SETTINGS, arithmetic.TASK, problems, 2, work, load=load, progress=False)
    folder = tmp_path_factory.mktemp("sweep")
    found.save(folder)
    return folder


@pytest.fixture(scope="module")
def table(swept):
    return read(swept)


def test_a_table_is_read_as_columns(swept, table):
    assert {len(column) for column in table.values()} == {len(SETTINGS) * 3 * 2}
    assert len(read(swept, "samples")["text"]) == 3 * 2 * 16


COUNTS = bootstrap.counts(3, 10, np.random.default_rng(0))


def budgets(found):
    """Method → the budgets it ran with."""
    return {name: found.curve(name, COUNTS).paid.tolist() for name in found.names}


def test_methods_get_a_curve_each(table):
    beams = {"beam M = 4": [4, 8, 16], "beam M = √N": [4, 8, 16]}
    # the one text of width √N = 4 is not a curve of its own; looking ahead pays double
    others = {"lookahead k = 1 M = √N": [8, 16, 32], "dvts M = 4": [4, 8, 16], "rebase": [16]}
    expected = {"best of n": list(BUDGETS)} | beams | others
    assert budgets(block(table, way="weighted_last")) == expected
    samples = {name: list(BUDGETS) for name in (MAJORITY, WEIGHTED, BEST)}
    assert budgets(block(table)) == samples | beams | others
    assert budgets(block(table, "prm-tokens", "max_last")) == {"best of n": list(BUDGETS)}


def test_another_writer_is_asked_for_by_name(table):
    usual = table["model"] == "lab-small"
    renamed = table | {"model": np.where(usual, "another", "lab-small")}
    found = block(renamed, model="another")
    expected = block(table)
    assert found.names == expected.names
    assert np.array_equal(found.right, expected.right, equal_nan=True)
    nobody = table | {"model": np.full(len(usual), "another")}
    with pytest.raises(ValueError, match="holds nothing"):
        block(nobody)


@pytest.mark.parametrize("way", ["weighted_last", "max_min", "majority", "passed"])
def test_accuracy_is_the_share_of_right_rows(table, way):
    column = way if way == "passed" else f"{way}_right"
    results = block(table, way=way)
    curve = results.curve("beam M = √N", COUNTS)
    for n, accuracy in zip(curve.paid, curve.accuracy, strict=True):
        rows = where(table, method="beam", n=n, width=root_width(int(n)))
        assert accuracy == pytest.approx(rows[column].mean())
    right = results.right[results.row("beam M = √N"), results.at(16)]
    rows = where(table, method="beam", n=16, problem=2, seed=1)
    assert right[1, 2] == rows[column][0]
    assert (results.solved("beam M = √N", 16) == right.mean(axis=0)).all()


def test_costs_are_means_for_a_problem(table):
    # the models of this sweep are tables: in the place of FLOPs stand what they read and wrote
    paid = {"lm_flops": "lm_tokens", "verifier_flops": "verifier_positions"}
    results = block(table | {name: table[other] for name, other in paid.items()})
    rows = where(table, method="rebase", balance=0.1)
    assert rows["verifier_positions"].mean() > 0
    for name, other in paid.items():
        found = getattr(results, name)[results.row("rebase"), results.at(16)]
        assert found.mean() == pytest.approx(rows[other].mean())
    both = rows["lm_tokens"] + rows["verifier_positions"]
    assert results.curve("rebase", COUNTS, flops=True).paid == pytest.approx([both.mean()])


def test_a_majority_of_samples_asks_no_verifier(table):
    read_by_it = table | {"verifier_flops": table["verifier_positions"]}
    for way in ("majority", "passed"):
        found = block(read_by_it, way=way)
        assert np.nansum(found.verifier_flops[found.row("best of n")]) == 0
        assert found.verifier_flops[found.row("rebase"), found.at(16)].mean() > 0
    found = block(read_by_it, way="max_last")
    assert np.nanmin(found.verifier_flops[found.row("best of n")]) > 0


def test_a_curve_has_the_problems_drawn_again(folder):
    results = read_results(folder)
    counts = bootstrap.counts(PROBLEMS, 30, np.random.default_rng(0))
    hard = counts @ HARD / PROBLEMS
    curve = results.curve(WEIGHTED, counts, flops=True)
    assert curve.accuracy == pytest.approx([0, 0.6, 0.6, 0.6])
    assert curve.draws.shape == curve.paid_draws.shape == (30, 4)
    assert curve.draws[:, 1:] == pytest.approx(np.tile(1 - hard[:, None], 3))
    assert curve.paid == pytest.approx([11.5, 22.5, 44.5, 88.5])  # the mean over seeds
    assert curve.paid_draws == pytest.approx(np.tile(curve.paid, (30, 1)))


def test_some_problems_are_taken_out(folder):
    results = read_results(folder)
    few = results.among(np.flatnonzero(HARD))
    assert few.right.shape == few.paid().shape == (8, 4, 2, HARD.sum())
    assert (few.solved("beam M = 4", 4) == 1).all() and (few.solved(BEST, 4) == 0).all()
    assert few.names == results.names and few.budgets is results.budgets
