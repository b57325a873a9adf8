"""The exchange: FLOPs that are equal by definition, a table by hand, and a null experiment."""

import json
import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value

pytest.importorskip("pyarrow")
from sweep_by_hand import HARD, PROBLEMS, save_sweep

from ttclib import artefacts
from ttclib.course.small_plus_search_vs_14x import matched
from ttclib.course.small_plus_search_vs_14x.matched import (
    ALL_FLOPS,
    COUNTS,
    ICLR,
    LM_FLOPS,
    V1,
    Rival,
    Settings,
    Sizes,
    affordable,
    chosen,
    cut,
    exchange,
    interval,
    multiplier,
    up_to,
)
from ttclib.measure import bootstrap
from ttclib.measure.folds import halves, two_fold
from ttclib.search.results import read_results


@pytest.mark.parametrize("read", [1, 2])
@pytest.mark.parametrize("ratio", [0.01, 0.16, 1.0, 22.0, 1e6])
@pytest.mark.parametrize("times", [1.0, 2.5, 14.0])
def test_both_sides_cost_the_same(times, ratio, read):
    n, trained = 1e6, 1e9
    written = ratio * trained
    x, y = 6 * n * trained, read * 2 * n * written
    k = multiplier(times, ratio, read)
    assert x + k * y == pytest.approx(times * (x + y))


def test_the_papers_stars():
    """14 + 3 · 13/R and 14 + 1.5 · 13/R, by hand; the two versions compare the same budgets."""
    assert [multiplier(14, r) for r in (0.16, 0.79, 22)] == pytest.approx(
        [257.75, 63.367, 15.773], abs=1e-3
    )
    assert [multiplier(14, r, 2) for r in (0.08, 0.4, 11)] == pytest.approx(
        [257.75, 62.75, 15.773], abs=1e-3
    )
    assert multiplier(14, math.inf) == 14


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((0.5, 1.0), "times is 0.5; it must be a finite number of at least 1"),
        ((14, 0.0), "ratio is 0.0; it must be a finite number above 0"),
        ((14, math.nan), "ratio is nan; it must be a finite number above 0"),
        ((14, 1.0, 0), "read is 0; it must be a finite number above 0"),
    ],
)
def test_bad_numbers_are_one_line(arguments, line):
    with pytest.raises(ValueError) as error:
        multiplier(*arguments)
    assert str(error.value) == line


@pytest.mark.parametrize("name", ["lab-small", "lab-large"])
def test_weights_are_those_that_the_flops_count(name):
    transformers = pytest.importorskip("transformers")
    from ttclib.lm.flops import coefficients

    folder = artefacts.path(name)
    config = json.loads((folder / "config.json").read_text())
    a, _ = coefficients(transformers.AutoConfig.from_pretrained(folder))
    assert 2 * matched.matrix_weights(config) == a


# ---- what a setting costs ------------------------------------------------------------------------

BINS = HARD.astype(int)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings.of(read_results(save_sweep(tmp_path_factory.mktemp("sweep"))))


def test_settings_are_listed_from_the_cheapest(settings):
    assert settings.names[0] == "majority, N = 1" and "beam M = 4, N = 8" in settings.names
    assert (np.diff(settings.generations) >= 0).all()
    assert not np.isnan(settings.right).any()
    assert (settings.flops >= settings.lm_flops).all()
    free = settings.names.index("majority, N = 4")
    assert (settings.flops[free] == settings.lm_flops[free]).all()


def priced():
    """Two settings on four problems of two bins: dear ones, and the verifier as much again."""
    lm = np.array([[1.0, 1.0, 2.0, 2.0], [4.0, 4.0, 16.0, 16.0]])
    return Settings(("a", "b"), np.array([1, 4]), np.zeros((2, 4)), lm, 2 * lm)


def test_a_bin_affords_what_the_large_model_costs_there():
    bins = np.array([0, 0, 1, 1])
    sizes = Sizes(10, 40)  # M = 4
    rival = Rival(np.ones(4), np.full(4, 2.0), np.array([3.0, 5.0, 17.0, 17.0]))
    found = {c: affordable(priced(), rival, sizes, bins, math.inf, c).tolist() for c in COUNTS}
    assert found[V1] == [[True, True], [True, True]]  # 4 generations for M = 4
    assert found[LM_FLOPS] == [[True, True], [True, True]]  # 4 of 4, and 16 of 17
    assert found[ALL_FLOPS] == [[True, True], [False, False]]  # 8 of 4, and 32 of 17
    # with pretraining: 6 · 30 · 2/R more for every answer
    some = affordable(priced(), rival, sizes, bins, 90.0, ALL_FLOPS)  # 4 more
    assert some.tolist() == [[True, True], [True, False]]
    all_of_it = affordable(priced(), rival, sizes, bins, 20.0, ALL_FLOPS)
    assert all_of_it.all()
    with pytest.raises(ValueError, match="count is 'euros'; it must be one of"):
        affordable(priced(), rival, sizes, bins, 1.0, "euros")


def test_generations_are_matched_to_the_paper():
    bins = np.zeros(1, dtype=int)
    many = np.array([1, 4, 8, 16, 32, 64, 128, 256, 512])
    some = Settings(tuple("abcdefghi"), many, *np.zeros((3, 9, 1)))
    rival = Rival(*np.ones((3, 1)))
    most = {
        (count, ratio): many[affordable(some, rival, Sizes(1, 14), bins, ratio, count)[:, 0]].max()
        for count in (V1, ICLR)
        for ratio in (0.08, 0.16, 0.4, 0.79, 11, 22, math.inf)
    }
    assert [most[V1, r] for r in (0.16, 0.79, 22)] == [256, 64, 16]
    assert [most[ICLR, r] for r in (0.08, 0.4, 11)] == [256, 64, 16]
    assert most[V1, 0.08] == 512 and most[V1, math.inf] == 8


# ---- the exchange --------------------------------------------------------------------------------


def test_the_sweep_by_hand(settings):
    """Best of N solves the easy problems and the beams the hard ones; the rival, half of each."""
    rng = np.random.default_rng(0)
    counts = bootstrap.counts(PROBLEMS, 40, rng)
    cuts = cut(BINS, counts, rng)
    rival = np.arange(PROBLEMS) % 2.0
    found = exchange(settings, rival, BINS, up_to(settings, 8, BINS), counts, cuts)
    assert found.solved.tolist() == [1.0] * PROBLEMS and found.most.tolist() == [8, 8]
    assert found.small[0].tolist() == [1, 1, 1]
    assert found.more[0] == pytest.approx([0.5, 0.5, 0.5])
    low, high = found.more[1:]
    assert (low < 0.5).all() and (high > 0.5).all()
    few = exchange(settings, rival, BINS, up_to(settings, 2, BINS), counts, cuts)
    assert few.small[0].tolist() == [1, 0, 0.6]  # no beam with two texts
    assert few.more[0] == pytest.approx([0.5, -0.5, 0.1])
    assert few.flops.mean() < found.flops.mean()


def test_a_bin_without_money_is_one_line(settings):
    counts = bootstrap.counts(PROBLEMS, 2, np.random.default_rng(0))
    cuts = cut(BINS, counts, np.random.default_rng(0))
    allowed = up_to(settings, 8, BINS)
    allowed[:, 1] = False
    with pytest.raises(ValueError, match=r"^bin 2 can afford no setting; it must afford at least"):
        exchange(settings, np.ones(PROBLEMS), BINS, allowed, counts, cuts)


def test_the_choice_is_the_two_fold_choice_of_each_bin(seed):
    rng = np.random.default_rng(seed)
    bins = rng.permutation(np.arange(40) % 3)
    right, flops = rng.integers(5, size=(2, 6, 40)) / 4
    some = Settings(tuple("abcdef"), np.arange(6), right, flops, flops + 1)
    fold = halves(bins, rng, 5)
    everything = np.ones((6, 3), dtype=bool)
    took = two_fold(right, bins, fold)
    at = np.arange(40)
    solved, lm, both = chosen(some, bins, everything, fold)
    assert solved == pytest.approx(right[took, at].mean(axis=0))
    assert lm == pytest.approx(flops[took, at].mean(axis=0)) and both == pytest.approx(lm + 1)
    # a bin that may not use the first settings numbers the others anew
    everything[:3, 1] = False
    solved, lm, _ = chosen(some, bins, everything, fold)
    inside = bins == 1
    rest = two_fold(right[3:, inside], np.zeros(inside.sum(), dtype=int), fold[:, inside])
    assert solved[inside] == pytest.approx(right[3:, inside][rest, at[: inside.sum()]].mean(axis=0))
    assert lm[inside] == pytest.approx(flops[3:, inside][rest, at[: inside.sum()]].mean(axis=0))


def test_an_interval_of_some_problems():
    values, counts = np.array([1.0, 0.0, 1.0]), np.array([[2, 0, 1], [0, 3, 0], [1, 1, 1]])
    draws = np.array([[1.0, 1.0, 0.0]] * 3)
    among = np.array([True, True, False])
    mean, low, high = interval(values, draws, counts, among)
    assert (mean, low, high) == (0.5, 1.0, 1.0)  # both of these score 1 in every replicate
    mean, low, high = interval(values, draws, counts, ~among | among)
    assert mean == pytest.approx(2 / 3) and low == pytest.approx(2 / 3) and high == 1.0


# The null experiment: the large model and every setting are fair coins. Nobody can choose a better
# one, so what the small model scores on the half that did not choose is again a fair coin.


def null_p_value(scored, seed, tables=150, problems=40):
    rng = np.random.default_rng(seed)
    bins = np.arange(problems) % 2
    right_in = np.zeros(2, dtype=int)
    for _ in range(tables):
        right = rng.integers(2, size=(10, problems)).astype(float)
        some = Settings(tuple("abcdefghij"), np.arange(10), right, right, right)
        fold = halves(bins, rng)
        solved = scored(some, bins, np.ones((10, 2), dtype=bool), fold)
        right_in += [int(solved[fold[0] == half].sum()) for half in (False, True)]
    return 2 * min(binomial_p_value(k, tables * problems // 2, 1 / 2) for k in right_in)


def honest(settings, bins, allowed, fold):
    return chosen(settings, bins, allowed, fold)[0]


def in_hindsight(settings, bins, allowed, fold):
    """Choose the best of each bin on all problems, and score it there."""
    best = [settings.right[:, bins == b].mean(axis=1).argmax() for b in range(2)]
    return settings.right[np.array(best)[bins], np.arange(len(bins))]


def where_it_was_chosen(settings, bins, allowed, fold):
    """Let the halves score the setting that was chosen on themselves."""
    took = two_fold(settings.right, bins, fold)[0]
    swapped = np.empty_like(took)
    for b in range(2):
        for half in (False, True):
            there = (bins == b) & (fold[0] != half)
            swapped[(bins == b) & (fold[0] == half)] = took[there][0]
    return settings.right[swapped, np.arange(len(bins))]


@pytest.mark.statistical
def test_a_small_model_of_coins_gains_nothing_by_choosing(seed):
    assert null_p_value(honest, seed) > FALSE_ALARM


@pytest.mark.statistical
@pytest.mark.parametrize("mutant", [in_hindsight, where_it_was_chosen])
def test_the_null_experiment_catches_a_choice_that_scores_itself(mutant, seed):
    """Half a bin is 10 problems: the best of ten coins scores 0.74 where it was chosen."""
    assert null_p_value(mutant, seed) < FALSE_ALARM
