"""The answers to the predictions of notebook 07: the page's own cells, and a hundred lucks.

The record of notebook 08 holds 256 solutions of each of 400 problems; a luck is 128 of the
problems and 16 of the solutions, as the page draws them.
"""

import matplotlib.pyplot as plt
import numpy as np
import pyarrow.parquet as pq
import pytest
from notebook_cells import run_cells
from sentences import Says

torch = pytest.importorskip("torch")

from ttclib import artefacts
from ttclib.measure import votes
from ttclib.search import aggregation

NAME = "07_process_reward_model"
LUCKS = 100
says = Says(NAME)


@pytest.fixture(scope="module")
def record():
    """(400, 256) columns of the writer's samples."""
    wanted = ["answer", "right", "log_prob", "text"]
    wanted += [f"{judge}_{way}" for judge in ("prm", "orm") for way in aggregation.AGGREGATIONS]
    mine = [("model", "=", "lab-small"), ("temperature", "=", 1.0)]
    file = artefacts.path("search-sweep") / "samples.parquet"
    table = pq.read_table(file, columns=wanted, filters=mine).to_pydict()
    return {name: np.array(column).reshape(400, 256) for name, column in table.items()}


@pytest.fixture(scope="module")
def lucks():
    """Which problems, and which of their solutions."""
    rng = np.random.default_rng(0)
    return [np.ix_(rng.choice(400, 128, False), rng.choice(256, 16, False)) for _ in range(LUCKS)]


def highest(values, right):
    """The share of problems whose highest value is right."""
    return right[np.arange(len(right)), values.argmax(axis=1)].mean()


def voted_right(answers, right):
    """The share of problems whose most frequent answer is right."""
    found = []
    for given, good in zip(answers.tolist(), right.tolist(), strict=True):
        found.append(good[given.index(votes.majority(given))])
    return np.mean(found)


@pytest.mark.answers("07-004", 1)
@pytest.mark.answers("07-004", 2)
def test_the_right_answer_is_there_and_neither_votes_nor_likelihood_find_it(record, lucks):
    there, voted, likely, single = [], [], [], []
    for luck in lucks:
        right = record["right"][luck].astype(bool)
        there.append(right.any(axis=1).mean())
        voted.append(voted_right(record["answer"][luck], right))
        likely.append(highest(record["log_prob"][luck], right))
        single.append(right.mean())
    there, voted, likely, single = map(np.array, (there, voted, likely, single))
    says("The vote finds the right answer far less often", np.mean(there > voted + 0.1) > 0.95)
    says("wins little over a single sample", np.mean(abs(voted - single) < 0.12) > 0.95)
    says("It wins as little as the vote.", np.mean(abs(likely - voted) < 0.06) > 0.95)


@pytest.mark.answers("07-037", 1)
def test_the_ways_to_make_one_score_of_many_are_nearly_alike(record, lucks):
    spread, ahead = [], []
    for luck in lucks:
        right = record["right"][luck].astype(bool)
        voted = voted_right(record["answer"][luck], right)
        for judge in ("prm", "orm"):
            columns = [record[f"{judge}_{way}"][luck] for way in aggregation.AGGREGATIONS]
            shares = [highest(column, right) for column in columns]
            spread.append(max(shares) - min(shares))
            ahead.append(min(shares) - voted)
    says("Under the PRM all four are nearly alike", np.mean(np.array(spread) < 0.06) > 0.95)
    assert np.mean(np.array(ahead) > 0) > 0.95


@pytest.mark.answers("07-033f", 3)
def test_equal_first_steps_end_differently(record):
    """So the best that any score after one step can do is the share of its beginning."""
    best = []
    for texts, right in zip(record["text"], record["right"].astype(bool), strict=True):
        if 0.1 < right.mean() < 0.9:
            begun = [text.partition(";")[0] for text in texts]
            chance = {b: np.mean(right[[x == b for x in begun]]) for b in set(begun)}
            truth = np.array([chance[b] for b in begun])
            leads = truth[right][:, None] - truth[~right]
            best.append((leads > 0).mean() + (leads == 0).mean() / 2)
    assert len(best) > 100 and np.mean(np.array(best) < 0.95) > 0.8


@pytest.fixture(scope="module")
def page():
    """The page's cells, but for what it trains live; each holds its assertions."""
    ids = ["07-001", "07-003", "07-005", "07-005b", "07-007", "07-009b", "07-011", "07-013"]
    ids += ["07-018b", "07-018c", "07-018e"]
    found = run_cells(NAME, ids, dict.fromkeys(["my_loss", "my_product", "my_auc_within"]))
    encode = found["lm"].vocabulary.encode
    found["encoded"] = [encode(problem + "?") for problem in found["train_problems"]]
    found = run_cells(NAME, ["07-023b", "07-023d", "07-024", "07-024c"], found)
    finished = np.arange(len(found["drawn"])), found["drawn"].lengths - 1
    found |= {"finished": finished, "beliefs": {**found["heads"], "prm": found["belief"]}}
    found["record"] = artefacts.path("search-sweep")
    found = run_cells(NAME, ["07-029", "07-031", "07-032"], found)
    plt.close("all")
    return found


@pytest.mark.answers("07-029b", 1)
@pytest.mark.answers("07-029b", 2)
@pytest.mark.answers("07-029b", 3)
@pytest.mark.answers("07-029b", 4)
def test_rungs_of_the_ladder(page):
    """The record of 400 problems: nothing is drawn."""
    found = run_cells(NAME, ["07-032b"], page)
    says(
        "2. Under the plain head and under `prm-tokens`.",
        found["falls"] == {"prm-plain", "prm-tokens"},
    )
    says("1. Beside the last two rungs", max(found["beside"]) - min(found["beside"]) < 0.04)
    says("3. `prm-tokens`: ", found["one"] + 0.01 < found["four"] > found["most"] + 0.04)


@pytest.mark.answers("07-033", 1)
def test_the_likeliest_text_of_the_hardest_problems_is_wrong(page):
    found = run_cells(NAME, ["07-033b", "07-033i"], page)
    says("on the hardest problems its likeliest text is wrong", found["likely"].mean() < 0.05)


@pytest.mark.answers("07-033c", 1)
def test_one_greedy_text_of_the_body_for_a_twentieth(page):
    found = run_cells(NAME, ["07-033d", "07-033g", "07-033j"], page)
    assert set(found["races"]) == {"prm", "prm-more"}


@pytest.mark.answers("07-033f", 1)
@pytest.mark.answers("07-033f", 2)
@pytest.mark.answers("07-039d", 1)
@pytest.mark.answers("07-039d", 2)
@pytest.mark.answers("07-039d", 3)
def test_calibration_at_the_end_and_before_and_letter_by_letter(page):
    """2,048 solutions of the page: its own assertions, and where its sentences rest on them."""
    found = run_cells(NAME, ["07-034b", "07-034", "07-034c", "07-034d"], dict(page))
    says(
        "1. The PRM and the ORM are both close",
        max(found["off"]("prm", 0), found["off"]("orm", 0)) < 0.07,
    )
    later = [found["off"]("orm", k) - found["off"]("prm", k) for k in (1, 2, 3, 4)]
    says("2. Less so than the PRM, after each of the first steps.", min(later) > 0.02)
    found = run_cells(NAME, ["07-039b", "07-039c", "07-040", "07-041b", "07-041c"], found)
    says("1. At the wrong digit", found["below"]["wrong"] > 0.85)
    plt.close("all")


@pytest.mark.answers("07-018j", 1)
@pytest.mark.answers("07-018j", 2)
def test_dense_labels_reach_the_lower_loss_and_a_plain_head_sees_problems_only(page):
    """Trained as on the page, with the same seeds."""
    ids = ["07-013", "07-014b", "07-014d", "07-018g", "07-018k", "07-018i", "07-019", "07-020"]
    found = run_cells(NAME, ids, dict(page))
    dense, few = found["of_dense"], found["of_few"]
    says("1. The dense ones: they reach the lower loss.", dense[1] < few[1])
    says("2. The AUC over all answers climbs.", dense[2] > dense[3] + 0.08)
    plt.close("all")
