"""What the shipped sweep is said to show, and how sure that is.

Two methods meet the same problems. If neither is better, the sign of each problem's difference is a
coin: the sign-flip test counts, exactly, how many of all 2^P ways to set the signs give a sum as
large. A claim about the sweep must hold at a level of 1%; where a claim may come true at one of
several places, the level is shared among them (Bonferroni). The data are fixed, so these tests can
never pass by luck on one day and fail on another.
"""

import itertools

import numpy as np
import pytest

from ttclib import artefacts
from ttclib.course.compute_optimal.optimal import difficulty_bins
from ttclib.measure import bootstrap
from ttclib.search.results import (
    BEST,
    MAJORITY,
    WEIGHTED,
    block,
    read,
    read_results,
    read_samples,
)

LEVEL = 0.01
EASY, MIDDLE, HARDEST = (0, 1), (1, 2, 3), (4,)


def sign_flip_p_value(differences):
    """One-sided exact p-value that whole numbers have a centre of at most zero.

    Each number adds or subtracts its size with equal chance: their sum is a convolution.
    """
    sizes = np.abs(differences).astype(int)
    chances = np.ones(1)  # of how much is flipped to minus
    for size in sizes[sizes > 0]:
        chances = (np.pad(chances, (0, size)) + np.pad(chances, (size, 0))) / 2
    # sum = sizes − 2 · flipped ≥ observed
    most = (sizes.sum() - int(np.sum(differences))) // 2
    return float(chances[: most + 1].sum())


@pytest.mark.parametrize("numbers", [[3, 1, -2], [1, 1, 1, 1], [-4, 2, 0, 1, -1], [0, 0], [5]])
def test_the_sign_flip_test_counts_all_signs(numbers):
    signs = itertools.product([-1, 1], repeat=len(numbers))
    sums = [sum(s * abs(d) for s, d in zip(one, numbers, strict=True)) for one in signs]
    assert sign_flip_p_value(np.array(numbers)) == np.mean(
        [total >= sum(numbers) for total in sums]
    )


# ---- the sweep -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder():
    return artefacts.path("search-sweep")


@pytest.fixture(scope="module")
def good(folder):
    return read_results(folder)


@pytest.fixture(scope="module")
def weak(folder):
    return read_results(folder, "prm-weak")


@pytest.fixture(scope="module")
def bins(folder):
    return difficulty_bins(read_samples(folder).right.mean(axis=(0, 2)))


def solved(results, method, budget):
    """In how many seeds a method solves each problem: whole numbers (problems,)."""
    return results.right[results.row(method), results.at(budget)].sum(axis=0)


def p_value(results, ours, theirs, budget, where=slice(None), against=None):
    """How surprising the lead of one method would be if there were none; ``against``: another
    budget.
    """
    lead = solved(results, ours, budget) - solved(results, theirs, against or budget)
    return sign_flip_p_value(lead[where])


def test_the_sweep_is_large_enough(good, folder):
    assert good.right.shape[2] >= 4 and good.right.shape[3] >= 200
    assert good.budgets.tolist() == [2**k for k in range(9)]
    samples = read_samples(folder)
    assert samples.right.shape[0] * samples.right.shape[2] >= 512


def test_more_samples_find_more_right_answers(folder):
    found = block(read(folder), "prm", "passed")
    passed = found.right[found.row("best of n")].sum(axis=1)  # (budgets, problems)
    for few, many in itertools.pairwise(passed[::2]):
        assert sign_flip_p_value(many - few) < LEVEL / 4


def test_the_good_verifier_beats_the_majority(good):
    for budget in (16, 64, 256):
        assert p_value(good, WEIGHTED, MAJORITY, budget) < LEVEL / 3


def test_beam_search_wins_small_budgets_on_middle_bins(good, bins):
    places = [(f"beam M = {m}", budget) for m in ("4", "√N") for budget in (4, 8, 16)]
    p_values = [p_value(good, beam, WEIGHTED, n, np.isin(bins, MIDDLE)) for beam, n in places]
    assert min(p_values) < LEVEL / len(places)


def test_searching_harder_under_a_weak_verifier_gets_easy_problems_wrong(weak, bins):
    easy = np.isin(bins, EASY)
    for few, many in ((1, 16), (16, 256)):
        assert p_value(weak, BEST, BEST, few, easy, against=many) < LEVEL / 2


# More of the paper's findings, not all of which are true here. Its beam search falls behind on easy
# problems, because it exploits the verifier: under our good verifier it loses nothing there, under
# the weak one it does. Sums of scores do not beat the best score. And the hardest bin moves, if
# late.


def test_beam_search_loses_easy_problems_under_the_weak_verifier_only(good, weak, bins):
    easy = np.isin(bins, EASY)
    assert (solved(good, "beam M = 4", 256) >= solved(good, WEIGHTED, 256))[easy].all()
    assert p_value(weak, WEIGHTED, "beam M = 4", 256, easy) < LEVEL / 2
    assert p_value(weak, "beam M = 4", "beam M = 4", 4, easy, against=256) < LEVEL / 2


def test_the_highest_score_beats_the_sum_of_scores_at_a_large_budget(good):
    assert min(p_value(good, BEST, WEIGHTED, budget) for budget in (64, 256)) < LEVEL / 2


def highest_shares(results, names, problems, budget):
    """Upper end of a bootstrap interval of what each method solves; the level shared among them."""
    share = [results.solved(name, budget)[problems] for name in names]
    counts = bootstrap.counts(problems.sum(), 20_000, np.random.default_rng(0))
    return bootstrap.interval(bootstrap.means(share, counts), 1 - 2 * LEVEL / len(names))[1]


def test_small_budgets_do_not_move_the_hardest_bin_much(good, bins):
    """With 99% confidence no method solves a third of it with 16 generations, nor do votes with
    256.
    """
    hardest = np.isin(bins, HARDEST)
    ran = [name for name in good.names if not np.isnan(good.solved(name, 16)).any()]
    assert len(ran) > 8
    assert highest_shares(good, ran, hardest, 16).max() < 1 / 3
    assert highest_shares(good, (MAJORITY, WEIGHTED), hardest, 256).max() < 1 / 3


def test_large_budgets_move_the_hardest_bin_less_than_the_one_before(good, bins):
    """The paper finds that nothing moves it. Here each method of selection gains, but less than
    there.
    """
    inside = [np.isin(bins, b) for b in (3, 4)]
    for name in ("beam M = √N", "beam M = 4", "dvts M = 4", "rebase"):
        gain = solved(good, name, 256) - solved(good, WEIGHTED, 1)
        assert sign_flip_p_value(gain[inside[1]]) < LEVEL / 8
        rng = np.random.default_rng(0)
        draws = [bootstrap.means(gain[b], bootstrap.counts(b.sum(), 20_000, rng)) for b in inside]
        assert bootstrap.interval(draws[0] - draws[1], 1 - 2 * LEVEL / 8)[0] > 0
