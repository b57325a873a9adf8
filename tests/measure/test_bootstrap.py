"""The bootstrap against its definition, and by simulation: its 95% intervals cover 95%."""

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value

from ttclib.measure.bootstrap import counts, interval, mean_interval, means


@pytest.mark.statistical
def test_problems_drawn_again_are_binomial(seed):
    """Each comes Bin(n, 1/n) times; exact tests, union bound."""
    drawn = counts(20, 3000, np.random.default_rng(seed))
    assert (drawn.sum(axis=1) == 20).all() and drawn.shape == (3000, 20)
    p_values = [binomial_p_value(drawn[:, i].sum(), 3000 * 20, 1 / 20) for i in range(20)]
    p_values += [binomial_p_value((drawn[:, i] == 0).sum(), 3000, 0.95**20) for i in range(20)]
    assert len(p_values) * min(p_values) > FALSE_ALARM


def test_a_count_is_a_number_of_copies(seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((2, 3, 7))
    drawn = counts(7, 5, rng)
    found = means(values, drawn)
    assert found.shape == (5, 2, 3)
    for replicate, count in zip(found, drawn, strict=True):
        copies = np.repeat(np.arange(7), count)
        assert replicate == pytest.approx(values[..., copies].mean(axis=-1))


def test_shared_counts_pair_a_difference(seed):
    rng = np.random.default_rng(seed)
    drawn = counts(9, 50, rng)
    first, second = rng.random((2, 9))
    assert means(first, drawn) - means(second, drawn) == pytest.approx(means(first - second, drawn))
    assert np.ptp(means(first, drawn) - means(first + 0.25, drawn)) < 1e-12


@pytest.mark.parametrize("number", [399, 1999])
def test_as_many_replicates_lie_below_as_above(number, seed):
    replicates = np.random.default_rng(seed).permutation(number).astype(float)
    aside = (number + 1) // 40
    assert interval(replicates) == (aside - 1, number - aside)
    low, high = interval(np.stack([replicates, 1 - replicates]), axis=1)
    assert low.tolist() == [aside - 1, 1 - (number - aside)]
    assert high.tolist() == [number - aside, 1 - (aside - 1)]


def test_infinite_replicates_have_a_middle():
    assert interval([1.0, 2.0, 3.0, np.inf], 0.5) == (1.0, 3.0)
    assert interval([1.0, np.inf, np.inf, np.inf], 0.9)[1] == np.inf


def test_the_mean_stands_with_its_interval(seed):
    rng = np.random.default_rng(seed)
    values, drawn = rng.random((4, 30)), counts(30, 99, rng)
    mean, low, high = mean_interval(values, drawn, 0.8)
    assert mean == pytest.approx(values.mean(axis=1))
    assert (low == interval(means(values, drawn), 0.8)[0]).all()
    assert (high == interval(means(values, drawn), 0.8)[1]).all()


def test_an_interval_knows_no_offset(seed):
    """Values lifted by 10⁸ are rounded at 1e-8: so are the ends of the interval, and no more."""
    rng = np.random.default_rng(seed)
    values, drawn = rng.random(30), counts(30, 399, rng)
    lifted = np.array(mean_interval(values + 1e8, drawn)) - 1e8
    assert lifted == pytest.approx(np.array(mean_interval(values, drawn)), abs=1e-6)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda rng: counts(0, 9, rng), "problems is 0; it must be a whole number of at least 1"),
        (lambda rng: counts(9, 0.5, rng), "replicates is 0.5; it must be a whole number of at lea"),
        (lambda rng: interval(rng.random(9), 95), "level is 95; it must be a finite number in (0"),
        (
            lambda rng: mean_interval(rng.random((9, 4)), counts(9, 5, rng)),
            "values has shape (9, 4); its last axis must be the 9 problems",
        ),
    ],
)
def test_bad_input_is_one_line(call, line):
    with pytest.raises(ValueError) as error:
        call(np.random.default_rng(0))
    assert str(error.value).startswith(line)


# ---- what the intervals hold ---------------------------------------------------------------------
#
# Problems as in the course: 200 of them, each solved with a chance of its own, by two methods on
# the same problems with 4 seeds each. The chance p is uniform, the second method's is
# p + 0.4 p (1 − p), so the exact means are 1/2 and, for the paired difference, 0.4 (1/2 − 1/3).
# Theory: a percentile interval of 200 nearly normal numbers is narrower than Student's by
# √(199/200) · 1.960/1.972, and covers 94.8%; with 399 replicates, whose ends are noisy, 94.7%.

PROBLEMS, SEEDS, REPLICATES = 200, 4, 399
TRUTH = {"mean": 1 / 2, "paired difference": 0.4 * (1 / 2 - 1 / 3)}
LEAST, MOST = 0.94, 0.96


def experiments(number, rng):
    """Outcomes of ``number`` experiments: {quantity: values (number, problems, seeds)}."""
    p = rng.random((number, PROBLEMS, 1))
    better = p + 0.4 * p * (1 - p)
    first, second = (
        (rng.random((number, PROBLEMS, SEEDS)) < chance).astype(float) for chance in (p, better)
    )
    return {"mean": first, "paired difference": second - first}


def problems_again(values, rng):
    """The library's interval of many experiments (number, problems, seeds), on the same counts."""
    drawn = counts(PROBLEMS, REPLICATES, rng)
    return interval(means(values.mean(axis=-1), drawn))


def problems_and_seeds_again(values, rng):
    """A mutant: for every problem that is drawn again, seeds are drawn again, too."""
    ends = []
    for one in values:
        row = rng.integers(PROBLEMS, size=(REPLICATES, PROBLEMS, 1))
        column = rng.integers(SEEDS, size=(REPLICATES, PROBLEMS, SEEDS))
        ends.append(interval(one[row, column].mean(axis=(1, 2))))
    return np.array(ends).T


def runs_again(values, rng):
    """A mutant: every run counts as a problem of its own."""
    runs = values.reshape(len(values), -1)
    return interval(means(runs, counts(runs.shape[1], REPLICATES, rng)))


def coverage(method, quantity, groups, seed):
    """Share of 50 · ``groups`` experiments whose interval holds the truth."""
    rng = np.random.default_rng([seed, 20])
    inside = 0
    for _ in range(groups):
        low, high = method(experiments(50, rng)[quantity], rng)
        inside += ((low <= TRUTH[quantity]) & (TRUTH[quantity] <= high)).sum()
    return inside / (50 * groups)


@pytest.mark.statistical
@pytest.mark.parametrize("quantity", TRUTH)
def test_intervals_cover_95_percent_give_or_take_one(quantity, seed):
    """40,000 intervals. From 94.7% the nearer bound is 0.007 away.

    That is 6.2 binomial standard errors, 5.7 after the 50 experiments that share their counts
    (their variance was measured at 1.0 to 1.15 of the binomial one): false alarms below 1e-7.
    """
    assert LEAST < coverage(problems_again, quantity, 800, seed) < MOST


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("mutant", "quantity", "groups"),
    [
        (problems_and_seeds_again, "paired difference", 20),  # covers 98.7%, and of the mean 97.5%
        (runs_again, "mean", 40),  # covers 84%
    ],
)
def test_other_bootstraps_do_not(mutant, quantity, groups, seed):
    """Of 1,000 and 2,000 experiments: more than seven standard errors beyond the bound."""
    found = coverage(mutant, quantity, groups, seed)
    assert found > MOST if mutant is problems_and_seeds_again else found < LEAST
