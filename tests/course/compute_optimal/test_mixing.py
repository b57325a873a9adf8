"""Verifiers between two others: at the ends these two, in the middle what a vote by hand says."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.special import logit

from ttclib import artefacts
from ttclib.course.compute_optimal.mixing import mixture
from ttclib.measure import votes
from ttclib.search.results import BEST, MAJORITY, WEIGHTED, read_results

WEAK, STRONG = "prm-plain", "prm"


@pytest.fixture(scope="module")
def folder():
    return artefacts.path("search-sweep")


@pytest.mark.parametrize(("share", "name"), [(0.0, WEAK), (1.0, STRONG)])
def test_at_its_ends_a_mixture_is_one_of_the_two(folder, share, name):
    results, samples = mixture(folder, WEAK, STRONG, share)
    recorded = read_results(folder, name)
    assert results.names == (MAJORITY, WEIGHTED, BEST)
    for row, way in enumerate(results.names):
        # scores are kept with four digits: a tie is now and then broken otherwise
        same = results.right[row] == recorded.right[recorded.row(way)]
        assert same.mean() > 0.998
    assert samples.score.shape == samples.right.shape


def test_in_the_middle_the_vote_is_the_librarys(folder):
    results, samples = mixture(folder, WEAK, STRONG, 0.05)
    columns = ["model", "seed", "problem", "sample", "answer", "prm_last", "prm-plain_last"]
    table = pq.read_table(folder / "samples.parquet", columns=columns).to_pylist()
    for problem in (3, 90, 250, 399):
        mine = [
            row
            for row in table
            if (row["seed"], row["problem"], row["model"]) == (0, problem, "lab-small")
        ]
        mine = sorted(mine, key=lambda row: row["sample"])[:64]
        weak, strong = (
            np.clip([row[name] for row in mine], 5e-5, 1 - 5e-5)
            for name in ("prm-plain_last", "prm_last")
        )
        score = 1 / (1 + np.exp(-0.95 * logit(weak) - 0.05 * logit(strong)))
        assert samples.score[0, problem, :64] == pytest.approx(score)
        answers = [row["answer"] for row in mine]
        winner = votes.weighted_majority(answers, score)
        right = samples.right[0, problem, answers.index(winner)]
        assert results.right[1, results.at(64), 0, problem] == right
        assert (
            results.right[2, results.at(64), 0, problem]
            == samples.right[0, problem, score.argmax()]
        )


def test_both_verifiers_are_paid(folder):
    results, _ = mixture(folder, WEAK, STRONG, 0.5)
    weak, strong = (read_results(folder, name) for name in (WEAK, STRONG))
    for row, way in enumerate(results.names):
        paid = weak.verifier_flops[weak.row(way)] + strong.verifier_flops[strong.row(way)]
        assert np.array_equal(results.verifier_flops[row], paid)
        assert np.array_equal(results.lm_flops[row], weak.lm_flops[weak.row(way)])


@pytest.mark.parametrize("share", [-0.1, 1.5, np.nan])
def test_a_share_is_from_0_to_1(folder, share):
    with pytest.raises(ValueError, match=r"^share is"):
        mixture(folder, WEAK, STRONG, share)
