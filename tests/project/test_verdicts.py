"""Every exercise of every notebook has its answers in a test, and the tests of answers can fail."""

import ast
import importlib
import re
import types
from pathlib import Path

import nbformat
import solutions
import verdicts

from tools import notebooks
from ttclib.exercise import close, exercise, expect, mistake

COURSE = Path(__file__).resolve().parents[1] / "course"
CHECK = re.compile(r"^(\w*checks)\.(\w+)\((\w+)", re.MULTILINE)


def module_of_checks(source, name="checks"):
    """Return "folder.module" of what a source imports under a name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ttclib.course."):
            for found in node.names:
                if (found.asname or found.name) == name:
                    return f"{node.module.rsplit('.', 1)[1]}.{found.name}"
    return None


SOURCES = {file: file.read_text(encoding="utf-8") for file in sorted(COURSE.glob("*/test_*.py"))}
TESTS = {
    module_of_checks(source): file
    for file, source in SOURCES.items()
    if re.search(r"^from verdicts import ", source, re.MULTILINE)
}


def blanks_of(source, answer):
    """Count the blanks in the statements of a cell that make an answer."""
    made = [
        statement
        for statement in ast.parse(source).body
        if answer in (getattr(statement, "name", None), *map(ast.unparse, targets_of(statement)))
    ]
    return sum(getattr(n, "value", 0) is ... for s in made for n in ast.walk(s))


def targets_of(statement):
    return getattr(statement, "targets", [])


def exercises_of(path):
    """Yield the cell, "folder.module" of its check, the check, and the blanks that it has."""
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for i in solutions.exercises(notebook):
        cell = notebook.cells[i]
        for module, name, answer in CHECK.findall(cell.source):
            found = filter(None, (module_of_checks(source, module) for source in cells))
            yield cell.id, next(found), name, blanks_of(cell.source, answer)


PATHS = sorted(notebooks.FOLDER.glob("*.ipynb"))
EXERCISES = [row for path in PATHS for row in exercises_of(path)]


def test_every_exercise_has_answers_in_a_test():
    assert len(EXERCISES) > 60
    untested = [row for row in EXERCISES if row[1] not in TESTS]
    assert not untested


def test_no_test_of_answers_is_for_nothing():
    assert set(TESTS) == {row[1] for row in EXERCISES}


def test_a_check_knows_how_many_blanks_its_cell_has():
    wrong = []
    for cell, module, name, blanks in EXERCISES:
        check = getattr(importlib.import_module(f"ttclib.course.{module}"), name)
        if check.blanks != blanks:
            wrong.append(f"{cell}: @exercise(blanks={blanks}) for {name}, not {check.blanks}")
    assert not wrong


# ---- the tests of answers themselves ------------------------------------------------------------


@exercise
def half(yours):
    """``yours(x)`` → half of it."""
    if close(yours(4), 8):
        mistake("that is twice")
    expect(close(yours(4), 2), f"half of 4 is 2, you said {yours(4)!r}")
    return "halved"


def answers(right, wrong):
    """A test module with answers of ``half``."""
    checks = types.SimpleNamespace(half=half, __name__=__name__)
    return types.SimpleNamespace(
        checks=checks,
        RIGHT=[(half, answer) for answer in right],
        WRONG=[(half, answer, words) for answer, words in wrong],
    )


FOUR = [lambda x: x / 2, lambda x: 0.5 * x, lambda x: x - x / 2, lambda x: sum([x]) / 2]
EIGHT = [(lambda x, k=k: x + k, f"you said {4 + k}") for k in range(1, 4)]
EIGHT += [(lambda x: x, "you said 4"), (lambda x: 2 * x, "that is twice")]
EIGHT += [(lambda x, k=k: k, f"you said {k}") for k in (9, 10, 11)]


def test_enough_is_enough():
    assert verdicts.lacking(answers(FOUR, EIGHT)) == []
    assert not verdicts.told_alike(answers(FOUR, EIGHT).WRONG)


def test_too_few_are_counted():
    assert verdicts.lacking(answers(FOUR[:3], EIGHT)) == ["half: 3 of 4 RIGHT"]
    assert verdicts.lacking(answers(FOUR, EIGHT[1:])) == ["half: 7 of 8 WRONG"]


def test_the_same_code_under_two_names_is_one_answer():
    def other_name(y):
        return y / 2

    again = [lambda x: x / 2, other_name, *FOUR[1:]]
    assert verdicts.lacking(answers(again, EIGHT)) == ["half: an answer stands twice in RIGHT"]


def test_two_mistakes_with_one_line_are_seen():
    doubled = [*EIGHT, (lambda x: x + x, "is twice")]
    assert len(verdicts.told_alike(answers(FOUR, doubled).WRONG)) == 1
    meant = [*EIGHT, (lambda x: x + x, "that is twice")]
    assert not verdicts.told_alike(answers(FOUR, meant).WRONG)
    assert verdicts.told_alike(answers(FOUR, [*EIGHT, (lambda x: -x, "")]).WRONG)
