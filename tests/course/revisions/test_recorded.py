"""The record in ``data/``: recounted from its texts, and judged again by its judges."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_verifiers import full_score

from ttclib import artefacts
from ttclib.course.revisions import record
from ttclib.course.revisions.attempts import revision_prompt
from ttclib.course.revisions.reader import load_reader
from ttclib.course.revisions.record import Setting, chain_steps
from ttclib.lm import arithmetic, tokenizer
from ttclib.lm.arithmetic import END, TASK
from ttclib.search.verifier import RewardModel


def letters(text):
    """Tokens of a text: a letter each, and so is the padding that a stray attempt may hold."""
    return len(text.replace(tokenizer.PAD, " "))


@pytest.fixture(scope="module")
def problems():
    return arithmetic.problems("test", 400, np.random.default_rng(2))


@pytest.fixture(scope="module")
def chains():
    return record.read_record(artefacts.path("revision-chains"))


@pytest.fixture(scope="module")
def settings():
    return artefacts.manifest()["revision-chains"]["settings"]


def test_its_problems_are_the_sweeps_and_its_answers_those_of_its_texts(chains, problems):
    assert chains.right.shape == (len(problems), chain_steps(chains.n).sum())
    right = functools.cache(TASK.right)
    answer = functools.cache(TASK.answer)
    for i, problem in enumerate(problems):
        said = [answer(text) for text in chains.texts[i]]
        assert [right(problem, each) for each in said] == chains.right[i].tolist()
        there = [None if np.isnan(each) else int(each) for each in chains.answers[i]]
        assert there == [None if each is None else min(each, 2**31 - 1) for each in said]


def test_what_each_attempt_read_is_what_stood_before_it(chains, problems, settings):
    """The last attempts behind their problems, then the problem, then the attempt but its end."""
    ask = np.array([len(TASK.prompt(problem)) for problem in problems])
    for j, steps in enumerate(chain_steps(chains.n)):
        mine = chains.places(Setting(j + 1, steps))[j]
        sizes = np.array(
            [[letters(text) + len(END) for text in row] for row in chains.texts[:, mine]]
        )
        before = np.zeros_like(sizes)
        for back in range(1, settings["window"] + 1):
            before[:, back:] += (ask[:, None] + sizes)[:, :-back]
        expected = before + ask[:, None] + chains.written[:, mine] - 1
        assert (chains.read[:, mine] == expected).all()


def test_its_scores_are_its_judges(chains, problems, settings, seed):
    prm, history = (RewardModel.load(artefacts.path(name)) for name in ("prm", "prm-history"))
    judges = {
        "prm": (prm, load_reader("lab-small"), 0),
        "history": (history, load_reader("reviser"), 1),
    }
    rng = np.random.default_rng(seed)
    places = chains.places(Setting(8, 8))
    for i in rng.choice(len(problems), 6, replace=False):
        j, k = rng.integers(8, size=2)
        *before, text = chains.texts[i, places[j, : k + 1]].tolist()
        ended = END if chains.written[i, places[j, k]] > letters(text) else ""
        for name, (verifier, writer, window) in judges.items():
            encode = writer.vocabulary.encode
            prompt = encode(revision_prompt(TASK, problems[i], before, window))
            answer = encode(text + ended)
            (noted,) = record.notes(writer, [prompt], [answer])
            score = full_score(verifier, prompt, answer, noted)
            assert chains.scores[name][i, places[j, k]] == pytest.approx(score, abs=1e-3)


def test_windows_were_compared_on_the_same_problems(problems):
    found = record.read_windows(artefacts.path("revision-chains"))
    ask = np.array([len(TASK.prompt(problem)) for problem in problems])
    assert list(found) == [0, 1, 2, 4]
    for right, read in found.values():
        assert right.shape == read.shape == (len(problems), 2, 8)
        # a first attempt reads the problem, whatever the window
        assert (read[..., 0] >= ask[:, None]).all()
    mean = [read[..., -1].mean() for _, read in found.values()]
    assert mean == sorted(mean)
