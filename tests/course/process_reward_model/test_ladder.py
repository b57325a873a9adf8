"""The ladder: bills read from a manifest, and judges of the same samples, counted by hand."""

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq

from ttclib import artefacts
from ttclib.course.process_reward_model import ladder
from ttclib.measure import votes
from ttclib.search.models import LADDER


def verifier(start, solutions, steps, **net):
    rollouts = {"problems": 100, "samples": 8, "row": 256, "solutions": solutions}
    training = {"batch": 4, "steps": steps, "learning_rate": 1e-3}
    return {"settings": {"rollouts": rollouts, "start": start, "net": net, "training": training}}


READING = {"batch": 2, "steps": 50, "learning_rate": 1e-3}
MADE = {
    "lab-small": {"settings": {}},
    "own": {"settings": {"rollouts": {"each": 2}, "training": READING}},
    "some": {"settings": {"rollouts": {"each": 2, "problems": 25}, "training": READING}},
    "more": {"settings": {"texts": {"problems": 9, "row": 256}, "training": READING}},
    "plain": verifier("lab-small", 40, 3, hears=[]),
    "hears": verifier("lab-small", 400, 5, hears=["writer"]),
    "reads its own": verifier("own", 400, 5),
    "reads some": verifier("some", 100, 5),
    "reads true ones": verifier("more", 400, 5),
}
BILLS = {  # by hand: solutions of 30 tokens; rows of 256 tokens
    "plain": (40 * 30, 0, 4 * 3 * 256, True),
    "hears": (400 * 30, 0, 4 * 5 * 256, False),
    "reads its own": (100 * 8 * 30, 2 * 50 * 256, 4 * 5 * 256, False),
    "reads some": (25 * 8 * 30, 2 * 50 * 256, 4 * 5 * 256, False),
    "reads true ones": (400 * 30, 2 * 50 * 256, 4 * 5 * 256, False),
}


@pytest.mark.parametrize("name", BILLS)
def test_a_bill_is_what_the_manifest_says(name):
    bill = ladder.bill(MADE, name, 30)
    assert bill == BILLS[name]
    drawn, read, judged, tuned = BILLS[name]
    assert bill.flops(10.0) == (10 * drawn, 30 * read, (30 if tuned else 10) * judged)


def test_the_shipped_ladder_climbs_and_each_rung_was_given_as_much_or_more():
    made = artefacts.manifest()
    *area, another = (made[name]["score"]["AUC within a problem"] for name in LADDER)
    assert area == sorted(area)
    assert max(np.diff(area)) < 0.25  # none is far from its neighbours
    assert abs(another - area[-1]) < 0.05  # the last was given as much, of another kind
    bills = [ladder.bill(made, name, 40) for name in LADDER]
    assert [bill.tuned for bill in bills] == [True] + [False] * 5
    drawn, read = ([bill[part] for bill in bills] for part in (0, 1))
    assert drawn[:5] == sorted(drawn[:5]) and read == sorted(read)
    assert read[:3] == [0, 0, 0] and read[4] == 50 * read[3] == read[5]


# ---- samples -------------------------------------------------------------------------------------


def test_recorded_samples_are_those_of_the_writer_problem_by_problem(tmp_path):
    """Three samples of two problems; another model, temperature and seed beside them."""
    rows = []
    for model, temperature, seed in (
        ("lab-small", 1.0, 0), ("lab-small", 1.0, 1), ("lab-small", 0.0, 0), ("other", 1.0, 0),
    ):  # fmt: skip
        ours = (model, temperature, seed) == ("lab-small", 1.0, 0)
        for problem in range(2):
            for sample in range(3):
                place = 10 * problem + sample if ours else 99
                rows.append(
                    {"model": model, "temperature": temperature, "seed": seed, "problem": problem}
                    | {"sample": sample, "answer": place if sample else None, "right": sample == 1}
                    | {"log_prob": -place, "prm_last": place / 100, "nines_last": 1.0}
                )
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "samples.parquet")
    found = ladder.recorded(tmp_path, {"casting out nines": "nines", "fair": "prm"})
    assert found.right.tolist() == [[False, True, False]] * 2
    np.testing.assert_array_equal(found.answers, [[np.nan, 1, 2], [np.nan, 11, 12]])
    assert found.log_prob.tolist() == [[0, -1, -2], [-10, -11, -12]]
    assert list(found.scores) == ["casting out nines", "fair"]
    np.testing.assert_allclose(found.scores["fair"], [[0, 0.01, 0.02], [0.1, 0.11, 0.12]])


@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_weighted_votes_are_those_of_the_library_block_by_block(k, seed):
    rng = np.random.default_rng(seed)
    answers = rng.choice([1.0, 2.0, 3.0, np.nan], size=(6, 8))
    scores = rng.choice([0.0, 0.25, 0.5, 1.0], size=(6, 8))  # ties, and texts worth nothing
    right = answers == 2
    found = ladder.weighted_at(scores, answers, right, k)
    for i in range(6):
        said = [None if np.isnan(a) else a for a in answers[i]]
        blocks = [slice(b, b + k) for b in range(0, 8 - k + 1, k)]
        wins = [votes.weighted_majority(said[b], scores[i, b]) == 2 for b in blocks]
        assert found[i] == pytest.approx(np.mean(wins))


def test_more_samples_than_there_are_make_no_block():
    with pytest.raises(ValueError, match="k is 9; it must be"):
        ladder.weighted_at(*np.ones((2, 1, 8)), np.ones((1, 8), bool), 9)


def test_favourites_are_the_most_frequent_wrong_answers():
    answers = np.array([[7, 8, 8, np.nan], [5, 5, 5, 5], [1, 2, np.nan, np.nan]])
    right = np.array([[1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], dtype=bool)
    assert ladder.favourites(answers, right).tolist() == [0.5, 0, 0.25]


def test_fifths_go_from_easy_to_hard():
    right = np.arange(10)[:, None] > np.arange(9)  # problem i: i of 9 right
    groups = ladder.fifths(right)
    assert [sorted(group) for group in groups] == [[8, 9], [6, 7], [4, 5], [2, 3], [0, 1]]
