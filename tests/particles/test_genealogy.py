"""Genealogies: known family trees, and the coalescent."""

import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value

from ttclib.particles.genealogy import distinct_ancestors, lineages
from ttclib.particles.smc import FeynmanKac, Population, keep_all, resample, run
from ttclib.particles.statespace import Bootstrap, LinearGaussian

# ---------------------------------------------------------------- known trees


def history_of(*generations, start=4):
    """A history from the ancestors of each generation after the first; members are named by
    letters.
    """
    history = [Population(0, np.array(list("abcdefgh"[:start])), np.zeros(start), np.arange(start))]
    for t, ancestors in enumerate(generations, start=1):
        names = np.array([f"{'abcdefgh'[i]}{t}" for i in range(len(ancestors))])
        history.append(Population(t, names, np.zeros(len(ancestors)), np.array(ancestors)))
    return history


#  t = 0   a  b  c  d        b1 and c1 are children of b, d1 of d;
#  t = 1   a1 b1 c1 d1       a2, b2, c2 are children of c1, d2 of d1;
#  t = 2   a2 b2 c2 d2       all of the last generation are children of a2 or b2.
TREE = history_of([0, 1, 1, 3], [2, 2, 2, 3], [0, 0, 1, 1])


def test_lineages_of_a_known_tree():
    assert lineages(TREE).tolist() == [[1, 1, 1, 1], [2, 2, 2, 2], [0, 0, 1, 1], [0, 1, 2, 3]]
    assert distinct_ancestors(TREE).tolist() == [1, 1, 2, 4]


def test_a_tree_without_a_common_ancestor():
    assert distinct_ancestors(TREE[:3]).tolist() == [2, 2, 4]


def test_one_generation_and_one_member():
    assert lineages(TREE[:1]).tolist() == [[0, 1, 2, 3]]
    assert distinct_ancestors(history_of([0], [0], start=1)).tolist() == [1, 1, 1]


def test_generations_of_different_sizes():
    history = history_of([3, 0], [1, 1, 0, 1, 1])
    assert lineages(history).tolist() == [[0, 0, 3, 0, 0], [1, 1, 0, 1, 1], [0, 1, 2, 3, 4]]
    assert distinct_ancestors(history).tolist() == [2, 2, 5]


def test_without_selection_every_member_is_its_own_ancestor():
    history = run(Bootstrap(LinearGaussian(), np.zeros(5)), 6, keep_all, np.random.default_rng(0))
    assert (lineages(history) == np.arange(6)).all()


@pytest.mark.parametrize("function", [lineages, distinct_ancestors])
def test_an_empty_history_is_refused(function):
    with pytest.raises(ValueError, match="history is empty"):
        function([])


# ---------------------------------------------------------------- the coalescent


class Neutral(FeynmanKac):
    """Nobody is fitter: multinomial resampling is then the Wright–Fisher model of genetics."""

    def __init__(self, length):
        self.length = length

    def init(self, n, rng):
        return np.zeros(n)

    def step(self, t, parents, rng):
        return parents

    def log_potential(self, t, parents, particles):
        return np.zeros(len(particles))

    def done(self, t, particles):
        return t + 1 == self.length


def generations_to_common_ancestor(history):
    """Generations back from the last until one member is ancestor of all; infinity if never."""
    single = np.flatnonzero(distinct_ancestors(history) == 1)
    return len(history) - 1 - single[-1] if len(single) else math.inf


def coalescent(n):
    """Transition matrix of the number of ancestors, one generation back, on 1 … n.

    j lineages choose among n parents at random and find k different ones with probability
    S(j, k) · n! / (n − k)! / nʲ, where S are Stirling numbers of the second kind.
    """
    matrix = np.zeros((n + 1, n + 1))
    matrix[0, 0] = 1
    for j in range(1, n + 1):  # the j-th lineage finds a parent already chosen, or a new one
        k = np.arange(1, n + 1)
        matrix[j, 1:] = matrix[j - 1, 1:] * k / n + matrix[j - 1, :-1] * (n - k + 1) / n
    return matrix[1:, 1:]


def expected_generations(n):
    """Expected generations to one ancestor of n lineages: (I − P)⁻¹ 1 on the states above 1."""
    P = coalescent(n)[1:, 1:]
    return np.linalg.solve(np.eye(n - 1) - P, np.ones(n - 1))[-1]


def test_the_expected_age_of_the_common_ancestor_is_nearly_2_n_minus_1():
    """Kingman's 2 (n − 1): no two mergers share a generation. A limit, exact for n = 2."""
    assert expected_generations(2) == pytest.approx(2, rel=1e-12)
    assert expected_generations(3) == pytest.approx(27 / 7, rel=1e-12)
    ratios = [expected_generations(n) / (2 * (n - 1)) for n in (2, 3, 10, 50, 200)]
    assert all(0.9 < ratio <= 1 + 1e-12 for ratio in ratios)


@pytest.mark.statistical
@pytest.mark.parametrize("n", [2, 8])
def test_neutral_genealogies_coalesce_as_they_should(n, seed):
    """Exact distribution of the age of the common ancestor; false-alarm rate 1e-6.

    Windows of one long neutral run share no generation's choices, so they are independent, and the
    number of them with an ancestor at most g generations back is binomial. Bonferroni over 5 ages.
    """
    length, windows = 6 * n, 200
    history = run(
        Neutral(length * windows + 1), n, resample("multinomial"), np.random.default_rng(seed)
    )
    ages = np.array(
        [
            generations_to_common_ancestor(history[length * i : length * (i + 1) + 1])
            for i in range(windows)
        ]
    )
    P = coalescent(n)
    for g in (n // 2, n, 2 * n, 3 * n, 5 * n):
        share = np.linalg.matrix_power(P, g)[-1, 0]
        assert binomial_p_value(np.count_nonzero(ages <= g), windows, share) > FALSE_ALARM / 5
