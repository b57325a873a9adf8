"""A verifier with history learns from revisions that are drawn, labelled and packed as they say."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tools import chains
from tools.artefact import Job
from ttclib import artefacts
from ttclib.course.process_reward_model.per_step import shared_labels
from ttclib.course.revisions.attempts import revision_prompt
from ttclib.lm import tokenizer
from ttclib.lm.arithmetic import TASK
from ttclib.search.rollouts import step_ends

PLAN = {"problems": 5, "first": 2, "samples": 3}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chains")
    needs = {"reviser": artefacts.path("reviser")}
    return Job({}, {}, folder / "new", folder / "work", needs)


@pytest.fixture(scope="module")
def drawn(job):
    return chains.revisions(job, "validation", PLAN, 12)


def test_what_is_asked_stands_in_the_last_line():
    task = chains.AfterAttempts()
    history = revision_prompt(TASK, "2+3*4", ["3*4=12;2+12=15;#15"]).removesuffix("?")
    assert task.prompt(history) == revision_prompt(TASK, "2+3*4", ["3*4=12;2+12=15;#15"])
    assert task.right(history, 14)
    assert not task.right(history, 15)
    assert task.right_steps(history, "3*4=12;2+12=15;#15") == 1
    assert task.right_steps("2+3*4", "3*4=12;2+12=14;#14") == 2


def test_each_revision_stands_behind_an_attempt_at_the_same_problem(drawn):
    histories, found = drawn
    assert len(histories) == PLAN["problems"] * PLAN["first"]
    assert np.array_equal(np.bincount(found.problem), [PLAN["samples"]] * len(histories))
    for history in histories:
        begin, asked = history.split("\n")
        problem, attempt = begin.split("?")
        assert problem == asked
        assert history == revision_prompt(TASK, problem, [attempt]).removesuffix("?")


def test_revisions_are_labelled_behind_their_histories(job, drawn):
    histories, found = drawn
    rows = chains.packed(job, "validation", PLAN, 12)
    ends = step_ends(found.tokens, found.lengths, np.array(list(tokenizer.VOCABULARY)) == ";")
    labels = shared_labels(found, ends)
    texts = {}  # each different revision: its labels
    for history, tokens, k, end, label in zip(
        [histories[i] for i in found.problem],
        found.tokens,
        found.lengths,
        ends,
        labels,
        strict=True,
    ):
        key = (*tokenizer.encode(history + "?"), *tokens[:k].tolist())
        texts[key] = label[end].astype(np.float16).tolist()
    seen = {}
    for row in range(len(rows)):
        for k in range(rows.texts[row].max() + 1):
            mine = rows.texts[row] == k
            at = rows.ends[row] & mine
            seen[tuple(rows.tokens[row, mine].tolist())] = rows.labels[row, at].tolist()
    assert seen == texts
