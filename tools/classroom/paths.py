"""The tables of TEACHING.md, computed from the notebooks.

``python -m tools.classroom.paths`` writes them anew: a table stands between the two comments that
name it.
"""

import re
import sys
from pathlib import Path

import nbformat

from tools import exercises, notebooks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "TEACHING.md"
TAKES = re.compile(r"\*\*Takes\*\* (\d+) minutes")
MEMORY = re.compile(r"([\d.]+) ([MG])B of memory|minutes? and ([\d.]+) ([MG])B")
TOLD = re.compile(r"\((easy|medium|hard), (\d+) minutes\)")
DAYS = {
    "A day on chains": ("00", "01", "02", "03"),
    "A day on language models": ("00", "01", "05", "06"),
}
SEMESTER = (
    *(("00", "01"), ("02",), ("03",), ("04",), ("04b",), ("05",), ("06",), ("07",), ("08",)),
    *(("09", "09b"), ("10", "11"), ("12",), ("13",), ("14",), ("15", "15b"), ("16",)),
)


def course():
    """Return {number: (path, notebook)} of all notebooks, in order."""
    paths = sorted(notebooks.FOLDER.glob("*.ipynb"))
    return {path.stem.partition("_")[0]: (path, nbformat.read(path, 4)) for path in paths}


def minutes(notebook):
    """Return the minutes at a notebook's head."""
    return int(TAKES.search(notebook.cells[0].source)[1])


def megabytes(notebook):
    """Return the most memory that a notebook's head tells of."""
    line = next(x for x in notebook.cells[0].source.splitlines() if "**Costs**" in x)
    costs = line.partition("**Costs**")[2]
    sizes = re.findall(r"([\d.]+) ([MG])B", costs)
    return max(float(size) * (1000 if unit == "G" else 1) for size, unit in sizes)


def told(notebook):
    """Return [(difficulty, minutes)] of a notebook's exercises, in order."""
    found = []
    for i in exercises.exercises(notebook):
        before = [c.source for c in notebook.cells[:i] if c.cell_type == "markdown"]
        found.append(
            next((kind, int(n)) for text in before[::-1] for kind, n in TOLD.findall(text))
        )
    return found


def linked(number, all_of_it):
    """Return a notebook's number as a link."""
    return f"[{number}](notebooks/{all_of_it[number][0].name})"


def days(all_of_it):
    """Return the table of the days."""
    lines = ["| path | notebooks | minutes |", "|---|---|---|"]
    for name, numbers in DAYS.items():
        each = [minutes(all_of_it[number][1]) for number in numbers]
        sums = " + ".join(map(str, each))
        links = ", ".join(linked(number, all_of_it) for number in numbers)
        lines.append(f"| {name} | {links} | {sums} = {sum(each)} |")
    return lines


def semester(all_of_it):
    """Return the table of the weeks, notebooks that are not there left out."""
    lines = ["| week | notebooks | minutes | exercises |", "|---|---|---|---|"]
    total = 0
    weeks = [[n for n in numbers if n in all_of_it] for numbers in SEMESTER]
    for week, numbers in enumerate(filter(None, weeks), 1):
        books = [all_of_it[number][1] for number in numbers]
        spent = sum(map(minutes, books))
        total += spent
        links = ", ".join(linked(number, all_of_it) for number in numbers)
        count = sum(len(exercises.exercises(book)) for book in books)
        lines.append(f"| {week} | {links} | {spent} | {count} |")
    count = sum(len(exercises.exercises(book)) for _, book in all_of_it.values())
    lines.append(
        f"| all | {len(all_of_it)} notebooks | {total} = {total / 60:.0f} hours | {count} |"
    )
    return lines


def assigned(all_of_it):
    """Return the table of exercises, and of the memory that each notebook takes."""
    lines = ["| notebook | exercises, with their minutes | minutes | memory |", "|---|---|---|---|"]
    for number, (_, book) in all_of_it.items():
        listed = told(book)
        each = ", ".join(f"{i} {kind} {n}" for i, (kind, n) in enumerate(listed, 1))
        spent = sum(n for _, n in listed)
        memory = f"{megabytes(book):.0f} MB"
        lines.append(f"| {linked(number, all_of_it)} | {each or 'none'} | {spent} | {memory} |")
    return lines


def memory(all_of_it):
    """Return what a server needs, from the heads of the notebooks."""
    most = max(megabytes(book) for _, book in all_of_it.values())
    server = 250  # MB of JupyterLab itself, for one student
    each = (most + server) * 1.25
    lines = ["| students at once | memory of the server |", "|---|---|"]
    for students in (1, 10, 20, 40):
        lines.append(f"| {students} | {(students * each + 128) / 1000:.0f} GB |")
    lines.append("")
    lines.append(
        f"That is {most:.0f} MB for the largest notebook and {server} MB for its JupyterLab, a "
        f"quarter on top, so {each / 1000:.1f} GB for each, and 128 MB for the hub."
    )
    return lines


TABLES = {"days": days, "semester": semester, "exercises": assigned, "memory": memory}


def filled(text):
    """Return a page with its tables written anew."""
    all_of_it = course()
    for name, table in TABLES.items():
        lines = "\n".join(table(all_of_it))
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda found, lines=lines: found[1] + lines + "\n" + found[2], text)
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
