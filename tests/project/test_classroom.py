"""Copies for students, the key, and honest answers of every kind through the check of a class."""

import ast
import builtins
import decimal
import fractions
import importlib.util
import json
import os
import re
import socket

import nbformat
import numpy as np
import pytest

import course
from tools import exercises, notebooks, translate
from tools.classroom import __main__ as command
from tools.classroom import answering, asking, copies, grading, isolation, reading, report, wire
from ttclib import exercise as exercise_module
from ttclib.course.languages import HOLE, entries

PATHS = sorted(notebooks.FOLDER.glob("*.ipynb"))
COURSE = reading.lessons()
TRANSLATED = [(code, path) for code in report.LANGUAGES[1:] for path, _ in translate.pairs(code)]
each_translation = pytest.mark.parametrize(
    ("code", "path"), TRANSLATED, ids=lambda value: getattr(value, "stem", value)
)
HANGUL = re.compile("[가-힣]")
each_lesson = pytest.mark.parametrize("one", COURSE, ids=lambda one: one.stem)
isolated = pytest.mark.skipif(
    isolation.cannot() is not None, reason=f"no isolation here: {isolation.cannot()}"
)


# ---- copies --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    out = tmp_path_factory.mktemp("class") / "copy"
    assert command.main(["student", str(out)]) == 0
    return out


def test_a_copy_holds_every_notebook_and_no_solution(handed_out):
    assert {path.name for path in handed_out.glob("*.ipynb")} == {path.name for path in PATHS}
    for path in PATHS:
        mine = nbformat.read(handed_out / path.name, nbformat.NO_CONVERT)
        whole = nbformat.read(path, nbformat.NO_CONVERT)
        nbformat.validate(mine)
        assert [cell.id for cell in mine.cells] == [cell.id for cell in whole.cells]
        text = "\n".join(cell.source for cell in mine.cells)
        assert "<summary>Solution</summary>" not in text
        assert text.count("<details>") == text.count("</details>")
        for one in exercises.FENCE.findall("\n".join(c.source for c in whole.cells)):
            assert one not in text
        for before, after in zip(whole.cells, mine.cells, strict=True):
            assert after.source.strip(), after.id
            if before.cell_type == "code":
                assert after.source == before.source and after.outputs == []
        assert text.count("<summary>Hint") == sum(
            cell.source.count("<summary>Hint") for cell in whole.cells
        )


def test_links_of_a_copy_lead_to_files(handed_out):
    for path in handed_out.glob("*.ipynb"):
        text = "\n".join(
            c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"
        )
        for address in re.findall(r"\]\(([^)#\s]+)", text):
            assert re.match("https?:", address) or (handed_out / address).exists(), address


def test_outputs_can_be_kept_and_answers_left_out(tmp_path):
    assert command.main(["student", str(tmp_path / "a"), "02", "--outputs", "keep"]) == 0
    assert command.main(["student", str(tmp_path / "b"), "02", "--answers", "remove"]) == 0
    (path,) = (tmp_path / "a").glob("*.ipynb")
    kept = nbformat.read(path, nbformat.NO_CONVERT)
    assert any(cell.get("outputs") for cell in kept.cells)
    assert "What you should have seen" in str(kept)
    bare = str(nbformat.read(tmp_path / "b" / path.name, nbformat.NO_CONVERT))
    assert "What you should have seen" not in bare and "<summary>Answers" not in bare
    assert "<summary>Hint" in bare


@pytest.mark.parametrize("what", ["student", "key"])
def test_nothing_is_overwritten(what, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("a year's work")
    assert command.main([what, str(tmp_path), "00"]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert command.main([what, str(tmp_path / "mine.txt"), "00"]) == 1
    assert command.main([what, str(tmp_path / "new"), "99"]) == 1
    assert "there is no notebook '99'" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_a_key_has_each_solution_and_what_its_check_says(tmp_path):
    assert command.main(["key", str(tmp_path / "key"), "00"]) == 0
    text = (tmp_path / "key" / "00_start_here.md").read_text(encoding="utf-8")
    (one,) = [one for one in COURSE if one.stem == "00_start_here"]
    assert len(one.exercises) == 4
    for exercise in one.exercises:
        assert exercise.solution.strip() in text and f"`{exercise.cell}`" in text
    assert text.count("Its check says: ✓ ") == 4


# ---- in another language -------------------------------------------------------------------------


@each_translation
def test_a_translated_copy_holds_every_cell_and_no_solution(code, path, tmp_path):
    out = tmp_path / "copy"
    number = path.stem.partition("_")[0]
    assert command.main(["student", str(out), number, "--language", code]) == 0
    whole, mine = (nbformat.read(one, nbformat.NO_CONVERT) for one in (path, out / path.name))
    nbformat.validate(mine)
    text = "\n".join(cell.source for cell in mine.cells)
    solutions = exercises.FENCE.findall("\n".join(cell.source for cell in whole.cells))
    assert len(solutions) == len(exercises.exercises(whole)) > 0
    assert not [one for one in solutions if one in text] and not exercises.FOLDED.search(text)
    assert text.count(report.words(code)(copies.HANDED_OUT)) == len(solutions)
    assert text.count("<details>") == text.count("</details>")
    for before, after in zip(whole.cells, mine.cells, strict=True):
        assert after.id == before.id and after.source.strip()
        if before.cell_type == "code":
            assert after.source == before.source and after.outputs == []
    prose = "\n".join(cell.source for cell in mine.cells if cell.cell_type == "markdown")
    for address in re.findall(r"\]\(([^)#\s]+)", prose):
        assert re.match("https?:", address) or (out / address).exists(), address
    start = (out / "START.md").read_text(encoding="utf-8")
    assert len(HANGUL.findall(start)) > 100 and "Hand in" not in start and "{1}" not in start


@each_translation
def test_answers_of_a_translated_copy_can_be_left_out(code, path, tmp_path):
    bare = copies.for_students(nbformat.read(path, 4), answers="remove", say=report.words(code))
    english = copies.for_students(nbformat.read(notebooks.FOLDER / path.name, 4), answers="remove")
    later = report.words(code)(copies.LATER)
    for theirs, ours in zip(bare.cells, english.cells, strict=True):
        assert theirs.source.count(later) == ours.source.count(copies.LATER), ours.id
        assert theirs.source.count("<details>") == ours.source.count("<details>"), ours.id
    assert str(bare).count(later) > 5


def test_a_language_is_asked_for_by_its_name(tmp_path, capsys):
    out = str(tmp_path / "new")
    assert command.main(["student", out, "02", "--language", "ko"]) == 1
    assert "there is no notebook '02' in 'ko', where there is 01" in capsys.readouterr().err
    korean = "notebooks/ko/01_monte_carlo_pi.ipynb"
    assert command.main(["student", out, korean]) == 1
    assert "is in another language: say --language ko" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert command.main(["student", out, korean, "--language", "ko"]) == 0
    assert exercise_module.translated("not attempted yet") == "not attempted yet"


@each_translation
def test_a_translated_key_has_each_solution_and_what_its_check_says(code, path, tmp_path):
    assert command.main(["key", str(tmp_path / "key"), "--language", code]) == 0
    text = (tmp_path / "key" / f"{path.stem}.md").read_text(encoding="utf-8")
    one = reading.lesson(path)
    for exercise in one.exercises:
        assert exercise.solution.strip() in text and f"`{exercise.cell}`" in text
    said = re.findall("✓ (.*)", text)
    assert len(said) == len(one.exercises) and all(map(HANGUL.search, said))
    prose = re.sub(r"```.*?```|`.*?`", "", text, flags=re.DOTALL)
    assert not re.search(r"\b(?:Key|Cell|solution|check|Exercise)\b", prose)


@each_translation
def test_editions_of_a_lesson_have_the_same_exercises(code, path):
    (theirs,) = [one for one in reading.lessons(code) if one.stem == path.stem]
    (ours,) = [one for one in COURSE if one.stem == path.stem]
    for there, here in zip(theirs.exercises, ours.exercises, strict=True):
        assert (there.cell, there.check, there.name) == (here.cell, here.check, here.name)
        assert HANGUL.search(there.title) and not HANGUL.search(here.title)
    assert [one.stem for one in reading.lessons(code)] == [one.stem for one in COURSE]


@isolated
@each_translation
def test_a_translated_notebook_is_graded_in_either_language(code, path, tmp_path, capsys):
    theirs = nbformat.read(path, nbformat.NO_CONVERT)
    nbformat.write(exercises.solved(theirs), tmp_path / "가나.ipynb")
    nbformat.write(theirs, tmp_path / "다라.ipynb")
    ours = nbformat.read(notebooks.FOLDER / path.name, nbformat.NO_CONVERT)
    nbformat.write(exercises.solved(ours), tmp_path / "Ann.ipynb")
    count = len(exercises.exercises(theirs))
    for language in (code, "en"):
        assert command.main(["check", str(tmp_path), "--language", language]) == 0
        lines = capsys.readouterr().out.splitlines()
        answers = lines[: 3 * count]
        assert [line[0] for line in answers] == ["✓"] * count + ["✓"] * count + ["–"] * count
        for line in answers:
            told = line.partition(": ")[2]
            assert bool(HANGUL.search(told)) == (language == code), line
        assert bool(HANGUL.search(lines[-1])) == (language == code)
        assert "look at" not in str(lines) and "살펴볼" not in str(lines)


TOLD = {"line", "trouble", "fault", "message", "verdict"}  # what these are given is reported
WORD = re.compile(r"[a-z]{2}")


def name_of(node):
    return getattr(node, "attr", getattr(node, "id", getattr(node, "arg", "")))


def is_told(node):
    """Whether what a piece of the source holds gets into a report, a copy or a key."""
    if isinstance(node, ast.Call):
        ours = name_of(node.func) in ("say", "Gone", "Unreadable")
        odd = name_of(node.func) == "append" and name_of(node.func.value) == "odd"
        return ours or odd
    if isinstance(node, ast.Assign):
        targets = [t for one in node.targets for t in getattr(one, "elts", [one])]
        return bool(TOLD & set(map(name_of, targets)))
    return isinstance(node, ast.Yield) or (isinstance(node, ast.keyword) and node.arg in TOLD)


def said_in_reports():
    """Return what a class is told in words of ours."""
    found = {*report.MARK, "ignored", copies.HANDED_OUT, copies.LATER, *copies.START}
    found |= {*report.COLUMNS, "not UTF-8", "not JSON", "cannot be opened"}
    for name in ("reading", "grading", "asking", "wire", "report", "copies"):
        tree = ast.parse((course.ROOT / f"tools/classroom/{name}.py").read_text(encoding="utf-8"))
        for node in filter(is_told, ast.walk(tree)):
            parts = node.args if isinstance(node, ast.Call) else [node.value]
            found |= {
                translate.template(text) for part in parts for text in translate.strings(part)
            }
    return {text for text in found if WORD.search(HOLE.sub("", text))}


@pytest.mark.parametrize("code", report.LANGUAGES[1:])
def test_the_words_of_the_class_are_translated(code):
    table = entries(code, report.FOLDER)
    for english, told in table.items():
        assert sorted(HOLE.findall(english)) == sorted(HOLE.findall(told)), english
        assert HANGUL.search(told) or code != "ko", english
    every = said_in_reports() - {"shows ✓"}  # which is not shown
    assert {"took more than {1} seconds", "not a notebook", "imports {1}"} <= every
    assert {text for text in every if report.words(code)(text) == text} == set()


def test_the_command_is_a_command_of_the_course(monkeypatch):
    called = []
    monkeypatch.setattr(course, "call", lambda words, **_: called.append(list(words)) or 0)
    monkeypatch.setattr(
        course.Environment, "ensure", lambda self, files: called.append(files) or self
    )
    course.main(["class", "student", "out", "02", "--outputs", "keep"])
    files, words = called
    assert files == course.COURSE
    assert words[1:] == ["-m", "tools.classroom", "student", "out", "02", "--outputs", "keep"]


# ---- what an answer rests on ---------------------------------------------------------------------


@each_lesson
def test_an_answer_gets_all_the_names_that_its_solution_uses(one):
    sources = dict(one.cells)
    for exercise in one.exercises:
        answer = reading.Answer(exercise, source=exercise.solution)
        given = set(vars(builtins)) | reading.defines(exercise.solution)
        for cell in reading.needed(one, [answer]):
            given |= reading.defines(sources[cell])
        unknown = reading.uses(exercise.solution) - given - parameters(exercise.solution)
        assert unknown == set(), exercise.cell


def parameters(source):
    return {node.arg for node in ast.walk(ast.parse(source)) if isinstance(node, ast.arg)}


@isolated
@pytest.mark.parametrize("stem", ["00_start_here", "03_bayesian_estimation"])
def test_every_solution_is_right_in_isolation(stem, tmp_path):
    (path,) = [path for path in PATHS if path.stem == stem]
    solved = exercises.solved(nbformat.read(path, nbformat.NO_CONVERT))
    nbformat.write(solved, tmp_path / "handed in.ipynb")
    results = grading.grade(tmp_path, COURSE, grading.Limits())
    assert len(results) >= 4
    assert {result.verdict for result in results} == {"right"}, results
    assert not any(result.odd for result in results)


# ---- a check that talks to an answer elsewhere ---------------------------------------------------


def elsewhere(answer, use):
    """Run ``use(stand-in of answer)``, where the answer itself runs in a child process."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            side = answering.Side(theirs)
            side.say(lambda: answer)
            side.serve()
        finally:
            os._exit(0)
    theirs.close()
    session = asking.Session(ours, 20)
    try:
        return use(session.answer())
    finally:
        for file in (session.reads, session.writes, ours):
            file.close()
        os.waitpid(pid, 0)


VALUES = [
    *(None, True, 0, -(10**30), 0.1, float("inf"), 1 + 2j, "text ✓", b"raw", ...),
    *(fractions.Fraction(1, 3), decimal.Decimal("0.1")),
    *((1, [2.5, "x"], ()), {"a": 1, 2: (3,)}, {1, 2}, range(2, 9, 3), slice(1, None)),
    *(np.float64(0.1), np.int32(7), np.bool_(True)),
    np.arange(6.0).reshape(2, 3)[:, ::-1],
    np.array([True, False]),
    np.array(["a", "bc"]),
    np.array([1, None, "x"], dtype=object),
    np.zeros((0, 3)),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_they_are(value):
    back = elsewhere(value, lambda given: given)
    assert type(back) is type(value)
    np.testing.assert_equal(back, value)
    again = elsewhere(lambda x: x, lambda call: call(value))
    np.testing.assert_equal(again, value)


def test_a_generator_goes_on_where_the_answer_left_it():
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    assert elsewhere(lambda rng: rng.normal(), lambda call: call(rng)) == same.normal()
    assert rng.normal() == same.normal()


def test_what_is_written_into_an_array_or_a_list_is_seen():
    array, listed = np.zeros(3), [1, 2]

    def spoil(array, listed):
        array[1] = 7
        listed.append(3)

    elsewhere(spoil, lambda call: call(array, listed))
    assert array.tolist() == [0, 7, 0] and listed == [1, 2, 3]


def test_a_function_of_the_check_is_called_here():
    asked = []

    def watched(x):
        asked.append(x)
        if x > 2:
            raise ValueError("too far")
        return x * 10

    assert elsewhere(lambda f: [f(1), f(2)], lambda call: call(watched)) == [10, 20]
    assert asked == [1, 2]
    with pytest.raises(ValueError, match="too far"):
        elsewhere(lambda f: f(3), lambda call: call(watched))


def test_functions_that_an_answer_gives_back_can_be_called():
    adder = lambda a: lambda b: a + b  # noqa: E731
    assert elsewhere(adder, lambda call: call(1)(2)) == 3


def test_an_error_keeps_its_name_and_words():
    def divide():
        return 1 / 0

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        elsewhere(divide, lambda call: call())

    class Own(Exception):
        pass

    def raise_own():
        raise Own("mine")

    with pytest.raises(Exception, match="mine") as raised:
        elsewhere(raise_own, lambda call: call())
    assert type(raised.value).__name__ == "Own"


def test_slopes_of_a_loss_come_along():
    torch = pytest.importorskip("torch")
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    elsewhere(lambda x: (x**3).sum(), lambda call: call(x)).backward()
    assert x.grad.tolist() == [3.0, 12.0]


def module_at(path):
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECKED = sorted((course.ROOT / "tests/course").glob("*/test_*checks.py"))


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_check_says_the_same_to_an_answer_elsewhere(path):
    """Every ninth of the right and wrong answers that the check is tested with."""
    module = module_at(path)
    rows = [*getattr(module, "RIGHT", [])[::9], *getattr(module, "WRONG", [])[::9]]
    for check, answer, *_ in rows:
        far = check.__name__ in ("forty", "sixty_and_more")  # judged beside the answer
        many = check.__name__ == "metropolis"  # calls back 60,000 times: right, and slow
        if not far and not many:
            blanks = exercise_module._blanks_left(answer)
            said = elsewhere(answer, lambda given: asking.judge(check, given, blanks))  # noqa: B023
            assert repr(said) == repr(check(answer)), check.__name__


FORGED = [
    *("", "[]", "[[],[]]", '[{"gave": {}}, []]', '[{"gave": {"yours": 99}}, []]'),
    *(
        '[{"gave": {"int": "0x' + "f" * 9999 + '"}}, []]',
        '[{"gave": {"array": "|O", "shape": [1]}}, []]',
    ),
    '[{"gave": {"array": "<f8", "shape": [9], "raw": 0}}, [8]]' + "x" * 8,
    '[{"gave": {"array": "<f8", "shape": [-1], "raw": 0}}, [8]]' + "x" * 9,
    '[{"gave": {"record": "os:system", "fields": {}}}, []]',
    '[{"gave": {"record": "ttclib.exercise:Verdict", "fields": {"mark": "x"}}}, []]',
    '[{"gave": {"record": "ttclib.exercise:np.load", "fields": {}}}, []]',
    '[{"gave": {"generator": "__class__", "state": {}}}, []]',
    '[{"gave": {"tensor": {"array": "O", "shape": [1], "list": ["x"]}}}, []]',
    '[{"gave": ' + '{"list": [' * 60 + "1" + "]}" * 60 + "}, []]",
    '[{"gave": {"bytes": 7}}, []]',
    '[{"back": 1, "args": 1, "kwargs": 1}, []]',
    '[{"gave": {"dict": [[{"list": []}, 1]]}}, []]',
    '[{"gave": 1.5}, []]',
]


@pytest.mark.parametrize("text", FORGED, ids=range(len(FORGED)))
def test_a_forged_message_ends_the_talk_and_nothing_else(text):
    ours, theirs = socket.socketpair()
    session = asking.Session(ours, 5)
    header = text.partition("]" + "x" * 8)[0] + ("]" if "]xxxxxxxx" in text else "")
    data = len(header).to_bytes(8, "big") + text.encode()
    theirs.sendall(len(data).to_bytes(8, "big") + data)
    with pytest.raises(wire.Gone):
        session.answer()
    for file in (session.reads, session.writes, ours, theirs):
        file.close()


# ---- where there is no isolation -----------------------------------------------------------------


def test_without_isolation_nothing_runs_and_a_line_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(isolation, "cannot", lambda: "user namespaces do not work here (EPERM)")
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": []}))
    assert command.main(["check", str(tmp_path)]) == 2
    said = capsys.readouterr().out
    assert said.startswith("Nothing was run.") and "TEACHING.md" in said and "EPERM" in said


def test_another_system_is_refused(monkeypatch):
    monkeypatch.setattr(isolation.sys, "platform", "darwin")
    assert "use a Linux machine" in isolation.cannot()
    monkeypatch.undo()
    monkeypatch.setattr(isolation.platform, "machine", lambda: "riscv64")
    assert "riscv64" in isolation.cannot()


@isolated
def test_a_report_is_not_overwritten_and_has_a_known_kind(tmp_path, capsys):
    (tmp_path / "old.csv").write_text("last year's")
    for name, words in {"old.csv": "exists", "a.pdf": "should end in"}.items():
        assert command.main(["check", str(tmp_path), "--out", str(tmp_path / name)]) == 1
        assert words in capsys.readouterr().err
    assert (tmp_path / "old.csv").read_text() == "last year's"
    assert command.main(["check", str(tmp_path / "nowhere")]) == 1
    out = tmp_path / "new.html"
    assert command.main(["check", str(tmp_path), "--out", str(out)]) == 0
    assert "not a notebook" in out.read_text(encoding="utf-8")
