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


def test_why_the_papers_recipe_loses_here():
    """Told by the numbers of the manifest that section 3 prints."""
    score = {name: artefacts.manifest()[name]["score"] for name in ("reviser-paper", "reviser")}
    rights, spoils = (
        {name: each[turn] for name, each in score.items()}
        for turn in ("wrong to right", "right to wrong")
    )
    said = "it rights few of its wrong attempts"
    says(said, rights["reviser-paper"] < 0.6 * rights["reviser"])
    said = "and spoils hardly more right ones than `reviser` does"
    says(said, 0 < spoils["reviser-paper"] - spoils["reviser"] < 0.05)
    says("it would spoil nearly all", spoils["reviser-paper"] < 0.5)


def test_keep_or_redraw_pays_less():
    ran = run_cells("10_revisions", ["10-002", "10-003", "10-037"])
    ran["lab"] = load_reader("lab-small")
    ran = run_cells("10_revisions", ["10-043"], ran)
    revising, redrawing = (np.cumsum(ran[name]) for name in ("revising", "redrawing"))
    said = "At the first attempt keep or redraw pays more, since the judge reads it, too."
    says(said, redrawing[0] > 1.5 * revising[0])
    says("At the second both have paid the same.", abs(redrawing[1] / revising[1] - 1) < 0.03)
    said = "After eight attempts keep or redraw has paid less than half as much."
    says(said, redrawing[7] < revising[7] / 2)


def test_one_chain_counted_on_all_turns_begins_too_slowly():
    ran = run_cells("10_revisions", ["10-002", "10-003", "10-037"])
    right = ran["right"]
    step = ran["turns"](right)
    came = right.mean(axis=(0, 1))
    foreseen = ran["shares_ahead"](came[0], step, 7)
    off = came - foreseen
    says("at attempts 2 and 3 more came than was foreseen", (off[1:3] > 0.01).all())
    says("At the end that fits", abs(off[-1]) < 0.01)


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
