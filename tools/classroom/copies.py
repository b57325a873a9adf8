"""A copy of the notebooks for students, without solutions, and the key for the teacher."""

import copy
import re
import shutil
from pathlib import Path

import nbformat

from tools import exercises, notebooks
from tools.classroom import reading, report

ROOT = Path(__file__).resolve().parents[2]
HANDED_OUT = "*The solution is handed out later.*"
ANSWERS = re.compile(
    r"<details><summary>(?:Answers?|What you should have seen|답|이렇게 보였을 것입니다)</summary>"
    r".*?</details>",
    re.DOTALL,
)
LATER = "*Answers: later, together.*"
# what lies in the folder of another language is not handed out
ELSEWHERE = re.compile(r"\[([^\]]*)\]\((?:\.\.|[a-z]+)/\w+\.ipynb(?:#[^)\s]*)?\)")
LINK = re.compile(r"\]\((?:\.\./)+([^)\s]+)\)")
START = (
    "# From darts to decoding: your copy",
    "Open a notebook of this folder in the JupyterLab in which the course is installed. From top "
    "to bottom: *Run → Run All Cells*. An exercise is a cell with `...` in it and a check at its "
    "end. Write your answer in that cell, keep its last line, and do not copy or split the cell: "
    "what counts is what stands in it. What a cell of your own defines is not seen by the check.",
    "Hand in the file as it is, saved, under its own name.",
)


class Refused(Exception):
    """What would be overwritten, or cannot be copied; in one line."""


def empty_folder(out):
    """Make a folder, which must not hold anything yet."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refused(f"{out} exists and is not empty; choose another name")
    out.mkdir(parents=True, exist_ok=True)
    return out


def chosen(names, language="en"):
    """Return the paths of the notebooks that are named: 02, 02_metropolis_hastings or a path."""
    folder = notebooks.FOLDER / (language if language != "en" else "")
    paths = sorted(folder.glob("*.ipynb"))
    if not names:
        return paths
    found = []
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb")
        fit = [path for path in paths if stem in (path.stem, path.stem.partition("_")[0])]
        there = Path(name).parent.name
        if there in report.LANGUAGES and there != language:
            raise Refused(f"{name} is in another language: say --language {there}")
        if not fit:
            known = ", ".join(path.stem.partition("_")[0] for path in paths)
            inside = "" if language == "en" else f" in {language!r}, where there is {known}"
            raise Refused(f"there is no notebook {name!r}{inside}; name one as 02 or 04b")
        found += fit
    return found


def for_students(notebook, outputs="clear", answers="keep", say=str):
    """Return a copy of a notebook without its solutions; ids and hints stay.

    ``outputs`` is "clear" or "keep". ``answers``, to predictions and to the questions from before,
    are folded away as in the course ("keep"), or left out ("remove"). ``say`` tells our own lines
    in the language of the notebook.
    """
    notebook = copy.deepcopy(notebook)
    for i in exercises.exercises(notebook):
        notebook.cells[i].metadata["deletable"] = False  # JupyterLab asks no more: it refuses
        after = notebook.cells[i + 1]
        after.source = exercises.FOLDED.sub(say(HANDED_OUT), after.source).strip()
    for cell in notebook.cells:
        if cell.cell_type == "code" and outputs == "clear":
            cell.outputs = []
            cell.execution_count = None
        elif cell.cell_type == "markdown":
            if answers == "remove":
                cell.source = ANSWERS.sub(say(LATER), cell.source)
            cell.source = ELSEWHERE.sub(r"\1", cell.source)
            cell.source = LINK.sub(r"](course/\1)", cell.source)
    return notebook


def student(out, names=(), outputs="clear", answers="keep", language="en"):
    """Write the copy for students into an empty folder. Returns the paths of the notebooks."""
    from ttclib import __version__

    say = report.words(language)
    paths = chosen(names, language)
    out = empty_folder(out)
    written = []
    for path in paths:
        made = for_students(nbformat.read(path, nbformat.NO_CONVERT), outputs, answers, say)
        for i in linked(made):
            target = out / "course" / i
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / i, target)
        nbformat.write(made, out / path.name)
        written.append(out / path.name)
    start = [*START, f"Copied from version {__version__} of the course."]
    (out / "START.md").write_text("\n\n".join(map(say, start)) + "\n", encoding="utf-8")
    return written


def linked(notebook):
    """Return the files of the course that a student's copy points to, besides notebooks."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return sorted({name.partition("#")[0] for name in re.findall(r"\]\(course/([^)\s]+)\)", text)})


def key(out, names=(), progress=lambda *_: None, language="en"):
    """Write the key into an empty folder: a page a notebook, with each solution and its verdict."""
    from tools.classroom import grading

    paths = chosen(names, language)
    out = empty_folder(out)
    written = []
    for path in paths:
        one = reading.lesson(path)
        progress(one.stem)
        said = verdicts(one, grading)
        target = out / f"{one.stem}.md"
        target.write_text(page(one, said, report.words(language)), encoding="utf-8")
        written.append(target)
    return written


def verdicts(one, grading):
    """Return what the check says of each solution: {cell: Result}."""
    cells = [
        (e.cell, f"{e.solution}\n{e.check}({e.name})", ["exercise"], "") for e in one.exercises
    ]
    found = []
    answers = reading.answers(cells, one)
    grading.judged(one, answers, grading.Limits(), False, "", found.append, locked=False)
    return {result.cell: result for result in found}


def page(one, said, say=str):
    """Return the key of one notebook, as Markdown."""
    parts = [f"# {say(f'Key of {one.stem}')}\n"]
    for exercise in one.exercises:
        result = said[exercise.cell]
        blank = exercise.source.strip()
        parts.append(f"## {exercise.title}\n")
        parts.append(f"{say(f'Cell `{exercise.cell}`:')}\n\n```python\n{blank}\n```\n")
        parts.append(f"{say('A solution:')}\n\n```python\n{exercise.solution.strip()}\n```\n")
        mark = "✓" if result.verdict == "right" else "✗"
        parts.append(f"{say('Its check says:')} {mark} {say(result.message)}\n")
    if not one.exercises:
        parts.append(f"{say('It has no exercise.')}\n")
    return "\n".join(parts)
