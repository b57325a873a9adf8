"""Two folds: tables whose choice is known, and a null experiment that nobody may win."""

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value

from ttclib.measure import bootstrap
from ttclib.measure.folds import average, choose, difficulty_bins, halves, two_fold

# ---- difficulty ----------------------------------------------------------------------------------


def test_bins_are_quantiles_from_easy_to_hard():
    assert difficulty_bins([0.9, 0.1, 0.5, 0.3, 0.7]).tolist() == [0, 4, 2, 3, 1]
    skewed = difficulty_bins(np.exp(np.arange(10.0)), 5)
    assert skewed.tolist() == [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]
    assert difficulty_bins([0.0] * 4, 2).tolist() == [0, 0, 1, 1]  # ties: the order of the items
    sizes = np.bincount(difficulty_bins(np.random.default_rng(0).random(203)))
    assert len(sizes) == 5 and np.ptp(sizes) <= 1


@pytest.mark.parametrize(
    ("ease", "number", "line"),
    [
        ([0.1, np.nan], 2, "ease holds 1 values that are not finite numbers"),
        ([[0.1]], 1, "ease has 2 dimensions; it must have 1"),
        ([0.1, 0.2], 3, "ease has shape (2,); it must hold at least 3 numbers"),
        ([0.1, 0.2], 0, "number of bins is 0; it must be a whole number of at least 1"),
    ],
)
def test_bad_difficulties_are_one_line(ease, number, line):
    with pytest.raises(ValueError) as error:
        difficulty_bins(ease, number)
    assert str(error.value) == line


def test_every_bin_is_cut_in_half(seed):
    bins = np.array([0, 2, 1, 0, 2, 2, 0, 0, 1, 2, 2])
    folds = halves(bins, np.random.default_rng(seed), 50)
    assert folds.shape == (50, 11) and folds.dtype == bool
    for b, size in enumerate([4, 2, 5]):
        count = folds[:, bins == b].sum(axis=1)
        assert set(count) <= {size // 2, -(-size // 2)}
    assert len(np.unique(folds, axis=0)) > 20


@pytest.mark.statistical
def test_every_half_is_equally_likely(seed):
    """The first of four items: in which half, and with whom; exact binomial tests, union bound."""
    folds = halves(np.zeros(4, dtype=int), np.random.default_rng(seed), 6000)
    p_values = [binomial_p_value(folds[:, i].sum(), 6000, 1 / 2) for i in range(4)]
    p_values += [
        binomial_p_value((folds[:, 0] == folds[:, i]).sum(), 6000, 1 / 3) for i in (1, 2, 3)
    ]
    assert len(p_values) * min(p_values) > FALSE_ALARM
    odd = halves(np.zeros(3, dtype=int), np.random.default_rng(seed), 6000)
    assert binomial_p_value((odd.sum(axis=1) == 1).sum(), 6000, 1 / 2) > FALSE_ALARM


# ---- the two-fold choice -------------------------------------------------------------------------

BINS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
FOLD = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=bool)
RIGHT = np.array(
    [
        [1.0, 1.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.5],  # best of bin 0 on the first half
        [
            0.5,
            0.5,
            1.0,
            1.0,
            0.0,
            0.5,
            0.0,
            0.0,
        ],  # best of bin 0 on the second half, of bin 1 on the first
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0],  # best of bin 1 on the second half
    ]
)


def test_a_table_by_hand():
    assert choose(RIGHT, BINS, FOLD).tolist() == [[0, 1], [1, 2]]
    settings = two_fold(RIGHT, BINS, FOLD)
    assert settings.tolist() == [1, 1, 0, 0, 2, 2, 1, 1]  # each from the half it is not in
    assert average(RIGHT, settings) == pytest.approx((0.5 * 4 + 0 + 0) / 8)
    both = np.array([FOLD, ~FOLD])
    assert choose(RIGHT, BINS, both).tolist() == [[[0, 1], [1, 2]], [[1, 2], [0, 1]]]
    assert two_fold(RIGHT, BINS, both).tolist() == [settings.tolist()] * 2


def test_a_setting_that_does_not_exist_is_never_chosen():
    right = np.vstack([np.full(8, np.nan), RIGHT])
    assert (two_fold(right, BINS, FOLD) == two_fold(RIGHT, BINS, FOLD) + 1).all()
    zeros = np.vstack([np.full(8, np.nan), np.zeros(8)])
    assert (two_fold(zeros, BINS, FOLD) == 1).all()


def test_of_equals_the_first_is_taken():
    assert (two_fold(np.ones((3, 8)), BINS, FOLD) == 0).all()


def slow_two_fold(right, bins, fold):
    """The definition, problem by problem."""
    found = []
    for b, f in zip(bins, fold, strict=True):
        others = [j for j in range(len(bins)) if bins[j] == b and fold[j] != f]
        sums = [sum(row[j] for j in others) for row in right]
        found.append(sums.index(max(sums)))
    return found


def test_the_arrays_do_what_the_definition_says(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        bins = rng.permutation(np.arange(30) % 3)
        right, fold = rng.integers(5, size=(4, 30)) / 4, halves(bins, rng, 3)
        expected = [slow_two_fold(right, bins, one) for one in fold]
        assert two_fold(right, bins, fold).tolist() == expected


def test_counts_are_copies_that_stay_on_one_side(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        bins = rng.permutation(np.arange(20) % 2)
        right, fold = rng.integers(5, size=(4, 20)) / 4, halves(bins, rng)[0]
        (counts,) = bootstrap.counts(20, 1, rng)
        copies = np.repeat(np.arange(20), counts)
        settings = two_fold(right, bins, fold, counts)
        in_copies = two_fold(right[:, copies], bins[copies], fold[copies])
        assert (settings[copies] == in_copies).all()
        mean = average(right[:, copies], in_copies)
        assert average(right, settings, counts) == pytest.approx(mean)


# The null experiment. Ten settings are fair coins: nobody can know a better one. What a problem
# scores under the setting that the *other* half chose is then a fair coin too, independent of that
# choice. So the number right in one half, over all tables, is exactly Binomial(n, ½), whatever was
# chosen; the two halves are tested apart (union bound), at a false-alarm rate of at most 1e-6.


def null_p_value(assign, seed, tables=300, problems=40, settings=10):
    rng = np.random.default_rng(seed)
    bins, right_in = np.arange(problems) % 2, np.zeros(2, dtype=int)
    for _ in range(tables):
        right, (fold,) = rng.integers(2, size=(settings, problems)).astype(float), halves(bins, rng)
        scored = right[assign(right, bins, fold), np.arange(problems)]
        right_in += [int(scored[fold == half].sum()) for half in (False, True)]
    return 2 * min(binomial_p_value(count, tables * problems // 2, 1 / 2) for count in right_in)


def same_half(right, bins, fold):
    """Score a setting on the problems it was chosen on."""
    chosen = choose(right, bins, fold)
    return chosen[fold.astype(int), bins]


def no_halves(right, bins, fold):
    """Choose on all problems, score on all problems: the best setting in hindsight."""
    return np.array([right[:, bins == b].mean(axis=1).argmax() for b in bins])


def one_half_honest(right, bins, fold):
    """Choose on the first half only, and score both halves with that."""
    return choose(right, bins, fold)[0, bins]


@pytest.mark.statistical
def test_nobody_wins_where_there_is_nothing_to_win(seed):
    assert null_p_value(two_fold, seed) > FALSE_ALARM


@pytest.mark.statistical
@pytest.mark.parametrize("mutant", [same_half, no_halves, one_half_honest])
def test_the_null_experiment_catches_who_scores_where_it_chose(mutant, seed):
    """A half of 10 problems: the best of ten coins is 0.74 and not 0.5, about 20 standard errors
    here.
    """
    assert null_p_value(mutant, seed) < FALSE_ALARM


def test_rounding_does_not_choose_between_equals():
    rising = np.array([0.1, 0.2, 0.3])
    falling = rising[::-1]
    assert sum(rising) != sum(falling)  # though both are 0.6
    fold = np.zeros(3, dtype=bool)
    for rows in ((rising, falling), (falling, rising)):
        chosen = choose(np.array(rows), np.zeros(3, dtype=int), fold)
        assert chosen[0].tolist() == [0]
