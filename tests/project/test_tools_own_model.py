"""The record of notebook 16: stories that differ, a build that goes on, and its score."""

import json

import numpy as np
import pytest

from tools import own_model
from tools.artefact import Job
from ttclib.course.your_own_model import record, stories
from ttclib.lm import models

SMALL = own_model.SETTINGS | {"stories": 2, "judged": 3}


def test_the_stories_differ_and_a_larger_set_begins_with_a_smaller_one():
    found = own_model.problems_of(own_model.SETTINGS, 16)
    assert len(set(found)) == len(found) == 36
    assert [text.count(".") - 1 for text in found] == np.repeat([1, 2, 3], 12).tolist()
    assert own_model.problems_of(SMALL, 16) == [found[i] for i in (0, 1, 12, 13, 24, 25)]


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A build whose model writes what is asked of it: of each story the first answer is right."""
    calls = []

    def write(lm, problems, method, n, verifier, settings, seed):
        calls.append((method, n, verifier, len(problems)))
        rows = []
        for problem in problems:
            answer = stories.Stories().reference(problem)
            texts = [f"answer {answer + i}." for i in range(n)]
            paid = [{"lm_tokens": 4, "lm_positions": 9, "lm_flops": 10.0}] * n
            row = {"problem": problem, "method": method, "n": n, "verifier": verifier}
            rows.append(row | {"texts": texts, "paid": paid})
        return rows

    def judged(lm, problem, texts):
        return {"yes": [0.5] * len(texts), "positions": 7, "flops": 3.0}

    monkeypatch.setattr(own_model, "write", write)
    monkeypatch.setattr(own_model, "judged", judged)
    monkeypatch.setattr(models, "load", lambda name: None)
    folder = tmp_path / "work" / "new"
    folder.mkdir(parents=True)
    job = Job(SMALL, {"problems": 16, "luck": 1}, folder, folder.parent, {})
    return job, calls


def test_a_build_goes_on_and_is_read_back(job):
    job, calls = job
    assert own_model.build(job) >= 0
    ways = [tuple(way) for way in SMALL["runs"]]
    assert calls == [(*way, size) for way in ways for size in (4, 2)]
    first = (job.folder / "results.json").read_text(encoding="utf-8")
    own_model.build(job)  # nothing is written twice
    assert len(calls) == 2 * len(ways)
    assert (job.folder / "results.json").read_text(encoding="utf-8") == first
    read = record.read(job.folder)
    assert {key: len(rows) for key, rows in read.items()} == dict.fromkeys(ways, 6)
    assert all(len(row.yes) == 3 for row in read["best of n", 16, "sums"])
    assert own_model.score(job) == {"greedy": 1.0, "pass@1": 1 / 16, "pass@16": 1.0}
    assert json.loads(first)[0]["method"] == "greedy"


def test_every_method_has_its_selection():
    for method, n, verifier in own_model.SETTINGS["runs"]:
        assert callable(own_model.selection(method)) and n >= 1
        assert verifier in stories.VERIFIERS
