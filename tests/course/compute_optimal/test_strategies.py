"""A sweep as arrays, and strategies on it: from a small table whose answers are known."""

import numpy as np
import pytest

pytest.importorskip("pyarrow")
from sweep_by_hand import HARD, PROBLEMS, save_sweep

from ttclib.course.compute_optimal.strategies import (
    ONE,
    affordable,
    confusion,
    efficiency,
    only,
    price_of_knowing,
    reach,
    saving,
    seen_bins,
    shared_out,
    strategies,
    times_less,
    up_to,
    worth,
)
from ttclib.measure import bootstrap
from ttclib.measure.folds import difficulty_bins
from ttclib.search.results import (
    BEST,
    MAJORITY,
    WEIGHTED,
    Curve,
    Samples,
    read_results,
    read_samples,
)

NUMBER = 5  # of bins


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    return save_sweep(folder)


def test_strategies_by_hand(folder):
    results = read_results(folder)
    counts = bootstrap.counts(PROBLEMS, 30, np.random.default_rng(0))
    bins = {"oracle": HARD.astype(int), "predicted": HARD.astype(int)}
    found = strategies(results, bins, counts, np.random.default_rng(1))
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
    flops = strategies(results, bins, counts, np.random.default_rng(1), flops=True)
    assert flops[WEIGHTED].paid == pytest.approx([11.5, 22.5, 44.5, 88.5])
    assert flops["compute-optimal, oracle"].paid[2] == pytest.approx(
        0.6 * 40.5 + 0.4 * 44.5
    )  # majority and beam


def test_a_few_samples_that_answer_nothing_show_the_difficulty(folder):
    samples = read_samples(folder)
    assert (seen_bins(samples, 1) == difficulty_bins(-np.arange(PROBLEMS))).all()
    spoilt = samples.score.copy()
    spoilt[..., :6] = 0.0  # what best of 6 answers with tells nothing
    assert (seen_bins(Samples(samples.right, spoilt), 2) == seen_bins(samples, 2)).all()
    spoilt[1] = spoilt[1, ::-1]  # seed 1 takes hard for easy: that misleads seed 1
    bins = seen_bins(Samples(samples.right, spoilt), 2)
    assert (bins[0] == bins[1, ::-1]).all() and bins[0, 0] == 0 and bins[1, 0] == NUMBER - 1


def test_looking_is_paid_for(folder):
    results, samples = read_results(folder), read_samples(folder)
    counts = bootstrap.counts(PROBLEMS, 30, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    curves = price_of_knowing(results, samples, counts, rng, [0, 1, 4])
    # of eight samples four may show the difficulty, so that four are left to answer with
    assert [curve.paid.tolist() for curve in curves.values()] == [[1, 2, 4], [2, 3, 5], [5, 6, 8]]
    assert (curves[4].paid_draws == curves[4].paid).all()
    assert curves[4].accuracy[2] == pytest.approx(1) and (curves[0].accuracy < 0.61).all()
    flops = price_of_knowing(results, samples, counts, rng, [0, 4], flops=True)
    assert (flops[4].paid[:2] - flops[0].paid[:2]).tolist() == pytest.approx([44.5, 44.5])


def test_what_difficulty_is_worth(folder):
    results = read_results(folder)
    counts = bootstrap.counts(PROBLEMS, 30, np.random.default_rng(0))
    one, informed = worth(results, HARD.astype(int), counts, np.random.default_rng(1))
    assert informed.accuracy == pytest.approx([0.6, 0.6, 1, 1]) and (one.accuracy < 0.61).all()
    assert one.draws.shape == informed.draws.shape == (30, 4)
    answers = only(results, (MAJORITY, WEIGHTED, BEST))  # nobody solves the hard problems
    assert answers.names == (MAJORITY, WEIGHTED, BEST)
    one, informed = worth(answers, HARD.astype(int), counts, np.random.default_rng(1))
    assert one.accuracy == pytest.approx([0.6] * 4) == informed.accuracy


def test_a_part_of_the_results(folder):
    results = read_results(folder)
    beams = only(results, ("rebase", "beam M = 4"))
    for name in beams.names:
        for table in ("right", "lm_flops", "verifier_flops"):
            mine, all_of_them = (getattr(r, table)[r.row(name)] for r in (beams, results))
            assert np.array_equal(mine, all_of_them, equal_nan=True)
    cheap = up_to(results, 5)
    assert cheap.budgets.tolist() == [1, 2, 4] and cheap.names == results.names
    assert np.array_equal(cheap.right, results.right[:, :3], equal_nan=True)
    assert np.array_equal(cheap.paid(True), results.paid(True)[:, :3], equal_nan=True)
    with pytest.raises(ValueError, match="method is 'no such'"):
        only(results, ["no such"])


def test_a_budget_is_shared_out_where_it_brings_most(folder):
    results = read_results(folder)
    counts = bootstrap.counts(PROBLEMS, 30, np.random.default_rng(0))
    # the hard problems are solved by 4 generations, not fewer; the easy ones by 1
    prices = np.array([0.5, 0.2, 0.01])
    curve = shared_out(results, HARD.astype(int), counts, np.random.default_rng(1), prices)
    assert curve.accuracy == pytest.approx([0.6, 1, 1])
    assert curve.paid == pytest.approx([1, 2.2, 2.2])


def test_confusion_counts_by_row_and_column():
    assert confusion([0, 0, 1, 2], [0, 1, 1, 1]).tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]


# ---- what it is worth ----------------------------------------------------------------------------


def test_reach_interpolates_in_the_logarithm():
    paid, accuracy = [1, 4, 16], [0.2, 0.4, 0.6]
    goals = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    expected = [1, 1, 2, 4, 8, 16, np.inf]
    assert reach(paid, accuracy, np.array(goals)) == pytest.approx(expected)
    assert reach(paid, [0.2, 0.6, 0.5], 0.6) == pytest.approx(4)  # the best so far counts
    assert reach(paid, [0.2, 0.1, 0.6], 0.4) == pytest.approx(
        8
    )  # from 4, where the best is still 0.2
    assert reach(paid, [0.2, 0.2, 0.2], 0.2) == 1
    many = reach(np.array([[1, 4], [2, 8]]), np.array([[0, 1.0], [0, 1.0]]), np.array([0.5, 0.5]))
    assert many == pytest.approx([2, 4])


def test_prices_are_positive():
    with pytest.raises(ValueError, match=r"^paid holds 0; a price is above 0$"):
        reach([0, 1, 2], [0.1, 0.2, 0.3], 0.2)


def test_a_price_may_fall():
    """At the second budget a cheaper method was chosen: halfway up costs 8 to the power of one
    half.
    """
    assert reach([8, 1, 4], [0.2, 0.4, 0.6], 0.3) == pytest.approx(8**0.5)


def curve_of(accuracy, paid):
    accuracy, paid = np.asarray(accuracy, dtype=float), np.asarray(paid, dtype=float)
    return Curve(accuracy, paid, np.stack([accuracy, accuracy + 0.1]), np.stack([paid, paid]))


def test_a_curve_that_pays_a_quarter_has_efficiency_four():
    paid = 2.0 ** np.arange(9)
    accuracy = 0.3 + 0.05 * np.arange(9)
    ratio, draws = efficiency(curve_of(accuracy, paid / 4), curve_of(accuracy, paid))
    assert ratio == pytest.approx(np.full(9, 4.0)) and draws == pytest.approx(np.full((2, 9), 4.0))
    less, draws = saving(curve_of(accuracy, paid / 4), curve_of(accuracy, paid))
    assert less == pytest.approx(np.full(9, 4.0)) and draws == pytest.approx(np.full((2, 9), 4.0))
    flat = curve_of([0.5, 0.5, 0.5], [1, 4, 16])
    assert saving(curve_of([0.4, 0.6], [1, 4]), flat)[0] == pytest.approx([0.5, 2, 8])
    assert saving(curve_of([0.4], [1]), flat)[0].tolist() == [0, 0, 0]
    better, _ = efficiency(curve_of([0.5, 0.9], [4, 16]), curve_of(accuracy, paid))
    assert better == pytest.approx([16 / 4, np.inf])
    with pytest.raises(ValueError, match="replicates: 2 and 1"):
        efficiency(curve_of(accuracy, paid), Curve(accuracy, paid, accuracy[None], paid[None]))


def test_what_is_saved_may_be_spent():
    assert affordable(16, 3.0) == 32 and affordable(64, 0.5) == 0 == affordable(64, 1.0)


def test_how_many_times_less_one_pays_than_another():
    goal = curve_of([0.2, 0.4, 0.9], [1, 4, 16])
    quick, slow = (curve_of([0.2, 0.6], [1, last]) for last in (4, 16))
    ratio, draws = times_less(quick, slow, goal)
    # halfway up it pays 2, the other 4; 0.9 is out of reach of both
    assert ratio == pytest.approx([1, 2, 1]) and draws[0] == pytest.approx([1, 2, 1])
    ratio, _ = times_less(goal, slow, goal)
    assert ratio[2] == np.inf and times_less(slow, goal, goal)[0][2] == 0
