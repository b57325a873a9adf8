"""How the results of notebook 06 are made: judged, counted, and resumed where they stopped."""

import csv

import numpy as np
import pytest

from tools import decoding
from tools.artefact import Job
from ttclib import artefacts
from ttclib.course.smc_decoding import contest
from ttclib.lm import arithmetic

pytest.importorskip("torch")

from ttclib.lm.models import load

SETTINGS = decoding.CLAIM | {
    "problems": 4,
    "methods": {"lab-small": {"greedy": [1], "nines SMC": [3]}},
}


@pytest.mark.parametrize(
    ("text", "name", "value", "fits"),
    [
        ("A dog is loyal", "no e", "eé", True),
        ("The dog", "no e", "eé", False),
        ("A café", "no e", "eé", False),
        ("small dogs, play", "short words", 5, True),
        ("little dogs", "short words", 5, False),
        ("Joy to the world!", "must mention", ["joy", "world"], True),
        ("Enjoy the world", "must mention", ["joy", "world"], False),
    ],
)
def test_satisfies(text, name, value, fits):
    assert decoding.satisfies(text, name, value) is fits


def test_judge():
    texts = ["1+2=3;#3\n", "1+2=3;#3\n", "1+2=4;#4\n", "1+2"]
    logs = np.log([0.5, 0.2, 0.2, 0.1])
    said = decoding.judge(texts, np.ones(4), logs, 3, single=False)
    assert said["right"] == 1 and said["confidence"] == 0.5 and said["distinct"] == 2
    assert said["entropy"] == pytest.approx(1.5 * np.log(2), abs=0.005)
    assert decoding.judge(texts, np.array([1.0, 1, 3, 0]), logs, 3, single=False)["right"] == 0
    alone = decoding.judge(texts[:1], np.ones(1), logs[:1], 3, single=True)
    assert alone == {"right": 1, "confidence": 0.5, "distinct": 1, "entropy": 0.0}
    assert decoding.judge(texts, np.zeros(4), logs, 3, single=False)["confidence"] == 0


def test_every_method_solves_easy_problems_and_says_what_it_cost():
    lm = load("lab-small")
    for method in decoding.CLAIM["methods"]["lab-small"]:
        rows, cost = decoding.solve(lm, ["12+13+4", "25+14-13"], method, 4, 0, SETTINGS)
        assert len(rows) == 2 and sum(row["right"] for row in rows) >= 1
        assert cost["lm_tokens"] > 50 and 0 < cost["lm_positions"] <= cost["lm_tokens"] + 17


def test_greedy_is_the_likeliest_token_each_time():
    lm, problems = load("lab-small"), arithmetic.problems("validation", 6, np.random.default_rng(0))
    first, again = (decoding.solve(lm, problems, "greedy", 1, seed, SETTINGS)[0] for seed in (0, 1))
    assert first == again


def test_a_contest_goes_on_where_it_stopped(tmp_path, monkeypatch):
    needs = {"lab-small": artefacts.path("lab-small")}

    def job(name):
        folder = tmp_path / name / "new"
        folder.mkdir(parents=True)
        return Job(SETTINGS, {"problems": 6, "runs": 2}, folder, tmp_path / name, needs)

    one = job("one")
    decoding.compete(one)
    entries = contest.read(one.folder)
    assert [e.name for e in entries] == ["lab-small, greedy", "lab-small, nines SMC 3"]
    assert entries[0].right.shape == (2, 4)
    assert entries[1].cost.lm_tokens > entries[0].cost.lm_tokens

    monkeypatch.setattr(decoding, "solve", None)  # everything is there already
    two = job("two")
    decoding.compete(two)
    for file in ("problems.csv", "runs.csv"):
        assert (one.folder / file).read_bytes() == (two.folder / file).read_bytes()
    with open(two.folder / "runs.csv") as stream:
        assert len(list(csv.DictReader(stream))) == 4
