"""Every question that a notebook asks before a slider is answered by a test, and no mark is stray.

A test says which question it answers: ``@pytest.mark.answers("02-018", 1)``, the id of the cell
and the number of the question in it. The marks are read from the source, nothing is imported.
"""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from tools import notebooks

TESTS = Path(__file__).resolve().parents[1]
PATHS = sorted(notebooks.FOLDER.glob("*.ipynb"))


def questions_of(notebook):
    """Return (cell, number) of each question: the numbered items, or 1 where there is but one."""
    questions = []
    for cell in notebook.cells:
        _, told, asked = cell.source.partition("**Predict")
        if told and cell.cell_type == "markdown":
            numbers = re.findall(r"^ {0,3}(\d+)\. ", asked, re.MULTILINE)
            questions += [(cell.id, int(number)) for number in numbers or [1]]
    return questions


def marks_of(source):
    """Return (cell, number) of each ``pytest.mark.answers`` in the source of a test module."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and "test" not in node.name.lower():
            told = [ast.unparse(line) for line in node.decorator_list]
            assert not any("mark.answers" in line for line in told), f"{node.name} is no test"
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    marks = [call for call in calls if ast.unparse(call.func) == "pytest.mark.answers"]
    return [tuple(ast.literal_eval(word) for word in mark.args) for mark in marks]


QUESTIONS = {path.stem: questions_of(nbformat.read(path, nbformat.NO_CONVERT)) for path in PATHS}
MARKS = {
    (*mark, str(file.relative_to(TESTS)))
    for file in sorted((TESTS / "course").rglob("test_*.py"))
    for mark in marks_of(file.read_text())
}
ANSWERED = {mark[:2] for mark in MARKS}


def test_no_question_has_two_names():
    asked = [question for questions in QUESTIONS.values() for question in questions]
    assert len(set(asked)) == len(asked) > 150


def test_a_mark_points_to_a_question():
    asked = {question for questions in QUESTIONS.values() for question in questions}
    stray = sorted(mark for mark in MARKS if mark[:2] not in asked)
    assert not stray, "no notebook asks these"


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_every_question_is_answered_by_a_test(name):
    open_ = sorted(set(QUESTIONS[name]) - ANSWERED)
    assert not open_, "no test is marked with these"


# ---- the readers themselves ---------------------------------------------------------------------

CELLS = {
    "**Predict:** one sentence?": [1],
    "1. before\n\n**Predict**, then slide:\n\n1. One?\n2. Two, from 1. to 2.?\n\nNo more.": [1, 2],
    "**Predict again.**\n\n4. Four?\n  5. Five?": [4, 5],
    "You predict this.\n\n1. Not a question.": [],
}


@pytest.mark.parametrize("source", CELLS)
def test_questions_are_found(source):
    cells = [
        nbformat.v4.new_markdown_cell(source, id="09-001"),
        nbformat.v4.new_code_cell("'**Predict'", id="09-002"),
    ]
    found = questions_of(nbformat.v4.new_notebook(cells=cells))
    assert found == [("09-001", number) for number in CELLS[source]]


def test_marks_are_found():
    source = """
@pytest.mark.answers("09-001", 2)
@pytest.mark.answers("09-001", 1)
def test_one():
    pass


CASES = [pytest.param(1, marks=pytest.mark.answers("09-002", 1))]
"""
    assert set(marks_of(source)) == {("09-001", 2), ("09-001", 1), ("09-002", 1)}


def test_a_mark_on_what_is_no_test_is_refused():
    with pytest.raises(AssertionError, match="helper is no test"):
        marks_of("@pytest.mark.answers('09-001', 1)\ndef helper():\n    pass")
