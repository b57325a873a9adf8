"""What notebook 10 answers where a model writes: its own cells are run, with other lucks, too.

What is answered from the record is tested in ``test_sentences``.
"""

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")

from notebook_cells import run_cells
from sentences import Says

from ttclib import artefacts
from ttclib.course.revisions.reader import load_reader
from ttclib.search.results import read_drawn

says = Says("10_revisions")


@pytest.fixture(scope="module")
def begun():
    """What the first cells define, and what lab-small wrote in the sweep."""
    names = run_cells("10_revisions", ["10-002", "10-003"])
    task = names["arithmetic"].TASK
    problems = names["arithmetic"].problems("test", 400, np.random.default_rng(2))
    return names | {"task": task, "problems": problems, "lab": load_reader("lab-small")}


@pytest.mark.answers("10-004", 1)
def test_handed_its_attempt_the_writer_falls_apart(begun):
    ran = run_cells("10_revisions", ["10-005"], begun)
    first, second, third = ran["by_attempt"]
    says("it solves nearly half of these problems at the first attempt", 0.4 < first < 0.5)
    says("It falls apart.", max(second, third) < 0.05)


def forced(begun, column):
    """Problems right as they came, and right after each way of forcing: (60,) each."""
    sweep = artefacts.path("search-sweep")
    wrote, right = (values[0][:, column:] for values in read_drawn(sweep, "text", "right"))
    ran = run_cells("10_revisions", ["10-102", "10-103"], begun | {"wrote": wrote})
    task = begun["task"]
    after = {
        name: np.array(
            [task.right(p, task.answer(t)) for p, t in zip(begun["problems"], texts, strict=False)]
        )
        for name, texts in ran["forced"].items()
    }
    return right[:60, 0], after["one more step"], after["the last step again"]


@pytest.mark.answers("10-101", 1)
@pytest.mark.parametrize("column", range(6))  # the learner's is the first
def test_forced_to_go_on_the_writer_solves_no_more(begun, column):
    before, more, again = forced(begun, column)
    says("Neither, and for two reasons.", more.sum() < 0.2 * before.sum())
    if column == 0:
        says(
            "A problem or two of the 60 turned either way",
            (again & ~before).sum() in (1, 2) and (before & ~again).sum() in (1, 2),
        )
    says("hardly anything changes", (before ^ again).sum() <= 9)
