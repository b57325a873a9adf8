"""A sweep as arrays, and strategies on it: from a small table whose answers are known."""

from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttclib.course.compute_optimal.strategies import (
    ONE,
    price_of_knowing,
    seen_bins,
    shared_out,
    strategies,
)
from ttclib.search.methods import Setting
from ttclib.search.optimal import bootstrap_counts, difficulty_bins, efficiency
from ttclib.search.results import BEST, MAJORITY, WEIGHTED, _names, read_results, read_samples

SEEDS, PROBLEMS, NUMBER = (0, 1), 20, 5
BEAMS = [Setting("beam", n, width=width) for n in (4, 8) for width in (2, 4)]
SETTINGS = [
    *(
        Setting("best of n", n, verifier=verifier)
        for n in (1, 2, 4, 8)
        for verifier in ("prm", "orm")
    ),
    *BEAMS,
    Setting("lookahead", 4, width=2, lookahead=1),
    Setting("rebase", 4),
    Setting("rebase", 4, balance=0.7),
    Setting("particles", 4),
    Setting("particles", 4, aggregate="product"),
]
HARD = np.arange(PROBLEMS) >= 12  # three bins of five are easy


def right(way, setting, seed, problem):
    """Best of N solves the easy problems and the beams solve the hard ones; the rest tell who is
    who.
    """
    if setting.method in ("beam", "dvts"):
        return bool(HARD[problem])
    if setting.method == "best of n":
        worth = setting.n >= 2 or way == "majority"
        return bool(not HARD[problem] and worth and setting.verifier == "prm")
    ways = {"lookahead": "weighted_last", "rebase": "weighted_last", "particles": "posterior"}
    usual = setting.balance == 0.1 and setting.aggregate == "last"
    return usual and way == ways[setting.method] and seed == 1 and problem == 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sweep of two seeds and twenty problems, in no order."""
    folder = tmp_path_factory.mktemp("sweep")
    rows = [
        asdict(setting)
        | {"seed": seed, "problem": problem, "generations": setting.generations}
        | {
            f"{way}_right": right(way, setting, seed, problem)
            for way in ("majority", "weighted_last", "max_last", "posterior")
        }
        | {"lm_flops": 10.0 * setting.n + seed, "verifier_flops": 1.0 * setting.n}
        for setting in SETTINGS
        for seed in SEEDS
        for problem in range(PROBLEMS)
    ]
    rng = np.random.default_rng(0)
    pq.write_table(
        pa.Table.from_pylist([rows[i] for i in rng.permutation(len(rows))]),
        folder / "results.parquet",
    )
    samples = [
        {"model": "lab-small", "temperature": 1.0, "seed": seed, "problem": problem, "sample": j}
        | {
            "right": not HARD[problem] and j < 7,
            "prm_last": 1 - (problem + j / 100 + seed / 1000) / 100,
        }
        for seed in SEEDS
        for problem in range(PROBLEMS)
        for j in range(8)
    ]
    mixed = [samples[i] for i in rng.permutation(len(samples))]
    pq.write_table(pa.Table.from_pylist(mixed), folder / "samples.parquet")
    return folder


def test_methods_have_their_places(folder):
    results = read_results(folder)
    lookahead = "lookahead k = 1 M = √N"
    beams = ("beam M = 4", "beam M = √N")
    assert results.names == (MAJORITY, WEIGHTED, BEST, *beams, lookahead, "rebase", "particles")
    assert results.budgets.tolist() == [1, 2, 4, 8]
    assert results.right.shape == results.flops.shape == (8, 4, 2, PROBLEMS)
    ran = ~np.isnan(results.right).any(axis=(2, 3))
    assert (ran == ~np.isnan(results.right).all(axis=(2, 3))).all()
    assert [results.budgets[row].tolist() for row in ran] == [
        *([[1, 2, 4, 8]] * 3),
        *([[4, 8]] * 2),
        [8],  # four texts and one step ahead
        [4],
        [4],
    ]


def test_a_width_is_four_or_the_root_and_not_by_chance_both():
    def names(n, width, ran):
        return [name for name, _ in _names("dvts", n, width, 0, ran)]

    fours = [("dvts", n, 4, 0) for n in (4, 8, 16, 32)]
    roots = [("dvts", n, width, 0) for n, width in ((4, 2), (8, 2), (16, 4), (32, 4))]
    assert names(16, 4, fours) == ["dvts M = 4"]  # √16 = 4, but at N = 4 no width of 2 was run
    assert names(16, 4, roots) == ["dvts M = √N"] and names(8, 2, roots) == ["dvts M = √N"]
    assert names(16, 4, fours + roots) == ["dvts M = 4", "dvts M = √N"]
    assert names(8, 4, fours + roots) == ["dvts M = 4"]


def test_every_answer_is_read_in_its_own_way(folder):
    results = read_results(folder)
    easy = (~HARD).astype(float)
    assert (results.right[0] == easy).all()
    assert (results.right[1, 1:] == easy).all() and not results.right[1, 0].any()
    assert (results.right[3, 2] == HARD).all()
    for name in ("lookahead k = 1 M = √N", "rebase", "particles"):
        found = results.only(name).right[0]
        assert np.nansum(found) == 1 and np.nanmax(found[:, 1, 3]) == 1, name
    assert not read_results(folder, "orm").right[:2].any()
    assert (results.accuracy[0] == easy).all()


def test_a_majority_pays_for_no_verifier(folder):
    results = read_results(folder)
    assert results.flops[:2, 2, :, 0].tolist() == [[40, 41], [44, 45]]


def test_what_is_not_there_is_one_line(folder):
    results = read_results(folder)
    for call, line in (
        (
            lambda: read_results(folder, "nobody"),
            "results.parquet holds nothing of the verifier 'nobody'",
        ),
        (
            lambda: results.only("bean"),
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


def test_strategies_by_hand(folder):
    results = read_results(folder)
    weights = bootstrap_counts(PROBLEMS, 30, np.random.default_rng(0))
    bins = {"oracle": HARD.astype(int), "predicted": HARD.astype(int)}
    found = strategies(results, bins, weights, np.random.default_rng(1))
    informed = ["compute-optimal, oracle", "compute-optimal, predicted"]
    assert list(found) == [MAJORITY, WEIGHTED, BEST, ONE, *informed]
    for curve in found.values():
        assert curve.paid.tolist() == [1, 2, 4, 8] and curve.draws.shape == (30, 4)
    assert found[MAJORITY].accuracy == pytest.approx([0.6] * 4)
    assert found[WEIGHTED].accuracy == pytest.approx([0, 0.6, 0.6, 0.6])
    assert found["compute-optimal, oracle"].accuracy == pytest.approx([0.6, 0.6, 1, 1])
    assert (found[ONE].accuracy < 0.61).all()  # one setting cannot serve both
    ratio, _ = efficiency(found["compute-optimal, oracle"], found[WEIGHTED])
    assert ratio == pytest.approx([2, 1, np.inf, np.inf])
    flops = strategies(results, bins, weights, np.random.default_rng(1), flops=True)
    assert flops[WEIGHTED].paid == pytest.approx([11.5, 22.5, 44.5, 88.5])
    assert flops["compute-optimal, oracle"].paid[2] == pytest.approx(
        0.6 * 40.5 + 0.4 * 44.5
    )  # majority and beam


def test_a_few_samples_of_another_seed_show_the_difficulty(folder):
    samples = read_samples(folder)
    assert (seen_bins(samples, 1) == difficulty_bins(-np.arange(PROBLEMS))).all()
    spoilt = samples.score.copy()
    spoilt[1] = spoilt[1, ::-1]  # seed 1 takes hard for easy: that misleads seed 0
    bins = seen_bins(type(samples)(samples.right, spoilt), 8)
    assert (bins[0] == bins[1, ::-1]).all() and bins[1, 0] == 0 and bins[0, 0] == NUMBER - 1


def test_looking_is_paid_for(folder):
    results, samples = read_results(folder), read_samples(folder)
    weights = bootstrap_counts(PROBLEMS, 30, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    curves = price_of_knowing(results, samples, weights, rng, [0, 1, 8])
    assert [curve.paid.tolist() for curve in curves.values()] == [
        [1, 2, 4, 8],
        [2, 3, 5, 9],
        [9, 10, 12, 16],
    ]
    assert (curves[8].paid_draws == curves[8].paid).all()
    assert curves[8].accuracy[2] == pytest.approx(1) and (curves[0].accuracy < 0.61).all()
    flops = price_of_knowing(results, samples, weights, rng, [0, 8], flops=True)
    assert (flops[8].paid[:2] - flops[0].paid[:2]).tolist() == pytest.approx([88.5, 88.5])


def test_a_budget_is_shared_out_where_it_brings_most(folder):
    results = read_results(folder)
    weights = bootstrap_counts(PROBLEMS, 30, np.random.default_rng(0))
    # the hard problems are solved by 4 generations, not fewer; the easy ones by 1
    prices = np.array([0.5, 0.2, 0.01])
    curve = shared_out(results, HARD.astype(int), weights, np.random.default_rng(1), prices)
    assert curve.accuracy == pytest.approx([0.6, 1, 1])
    assert curve.paid == pytest.approx([1, 2.2, 2.2])
