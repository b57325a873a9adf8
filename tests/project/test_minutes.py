"""The minutes that a notebook states: what it gives to read, to write and to move.

Words of prose at 200 a minute, but for hints, solutions and the glossary; lines of code at ten a
minute, but for exercises; the minutes of the exercises; and two for each view with a slider. What
is stated is a multiple of five, and no more than five away.
"""

import re

import nbformat
import pytest

import course
from tools import notebooks

PATHS = {path.stem: path for path in sorted(notebooks.FOLDER.glob("*.ipynb"))}
FOLDED = re.compile(
    r"<details><summary>(?:Hint|Solution|All the notebooks|\d\db? ·).*?</details>", re.DOTALL
)
EXERCISE = re.compile(r"\*\*Exercise.*?\(\w+, (\d+) minutes\)|^#+ .*\(\w+, (\d+) minutes\)", re.M)
TAKES = re.compile(r"\*\*Takes\*\* (\d+) minutes")
ROW = re.compile(r"^\| \[(\d\db?) (.+?)\]\((?:notebooks/)?(\S+)\) \| (\d+) \| (.+?) \|$", re.M)


def minutes(notebook):
    """What the rule gives: (words / 200, lines / 10, minutes of exercises, two for each view)."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    words = len(FOLDED.sub("", text).split())
    exercises = sum(int(one or other) for one, other in EXERCISE.findall(text))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [
        line
        for cell in code
        if "exercise" not in cell.metadata.get("tags", [])
        for line in cell.source.splitlines()
        if line.strip()
    ]
    shown = [
        output.get("data", {}).get("text/plain", "") for cell in code for output in cell.outputs
    ]
    views = sum(line.startswith("slider:") for line in shown)
    return words / 200, len(lines) / 10, exercises, 2 * views


def fault(notebook):
    """What is wrong with the minutes at a notebook's head; None if nothing is."""
    stated = int(TAKES.search(notebook.cells[0].source)[1])
    parts = minutes(notebook)
    if stated % 5 or abs(stated - sum(parts)) > 5:
        words, lines, exercises, views = parts
        told = f"{words:.0f} for words, {lines:.0f} for code, "
        told += f"{exercises} for exercises, {views} for views"
        return f"it says {stated} minutes; the rule gives {sum(parts):.0f}: {told}"
    return None


@pytest.mark.parametrize("name", PATHS)
def test_a_notebook_takes_as_long_as_it_says(name):
    wrong = fault(nbformat.read(PATHS[name], nbformat.NO_CONVERT))
    assert wrong is None, wrong


def test_the_first_notebook_has_the_table_of_the_front_page():
    """Titles, minutes and needs; the front page is held to the notebooks' heads elsewhere."""
    front = ROW.findall((course.ROOT / "README.md").read_text(encoding="utf-8"))
    first = nbformat.read(PATHS["00_start_here"], nbformat.NO_CONVERT)
    told = ROW.findall("\n".join(cell.source for cell in first.cells))
    assert told == front and [name.removesuffix(".ipynb") for _, _, name, *_ in told] == [*PATHS]


# ---- the rule itself ----------------------------------------------------------------------------


def small(stated, text, views=0):
    make = nbformat.v4
    shown = make.new_output("display_data", {"text/plain": "slider: darts = 2"})
    cells = [
        make.new_markdown_cell(f"# A\n\n**Takes** {stated} minutes."),
        make.new_markdown_cell(text),
        *(make.new_code_cell("view", outputs=[shown]) for _ in range(views)),
    ]
    return make.new_notebook(cells=cells)


def test_words_exercises_and_views_count_and_folded_solutions_do_not():
    folded = "<details><summary>Solution</summary>\n\n" + 999 * "word " + "\n\n</details>"
    answer = "<details><summary>What you should have seen</summary>\n\nyes\n\n</details>"
    text = f"{'word ' * 400}\n\n**Exercise 1** (easy, 5 minutes). Do it.\n\n{folded}\n\n{answer}"
    words, lines, exercises, views = minutes(small(10, text, views=3))
    assert (lines, exercises, views) == (0.3, 5, 6) and 2 < words < 2.2
    assert minutes(small(10, "## 3. Exercise: a coin (easy, 3 minutes)"))[2] == 3


@pytest.mark.parametrize(("stated", "right"), [(15, True), (10, True), (13, False), (25, False)])
def test_what_is_stated_may_be_five_minutes_off(stated, right):
    found = fault(small(stated, "word " * 2500))
    assert (found is None) == right
    assert (
        right or f"it says {stated} minutes; the rule gives 13: 13 for words, 0 for code" in found
    )
