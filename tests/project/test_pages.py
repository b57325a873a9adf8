"""Pages for people: their examples run and print what they say, they name every file, links lead
somewhere.
"""

import re

import pages
import pytest

import course
import ttclib
from tools.architecture import FILES, FLOORS

LIBRARY = course.ROOT / "ttclib"
FOLDERS = sorted(path for path in LIBRARY.iterdir() if (path / "__init__.py").exists())
EXAMPLES = [folder / "README.md" for folder in FOLDERS]
PROSE = [
    *EXAMPLES,
    LIBRARY / "README.md",
    course.ROOT / "tests/README.md",
    *course.ROOT.glob("*.md"),
    course.ROOT / "data/README.md",
]
each_page = pytest.mark.parametrize(
    "page", PROSE, ids=lambda page: page.relative_to(course.ROOT).as_posix()
)


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.parent.name)
def test_the_example_prints_what_its_page_says(page, tmp_path):
    script, printed = pages.script_of(page.read_text(encoding="utf-8"))
    assert script and printed
    assert pages.output_of(script, tmp_path) == printed


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_page_of_a_folder_names_its_files_and_no_other(folder):
    named = re.findall(r"\]\((\S+\.py)\)", (folder / "README.md").read_text(encoding="utf-8"))
    there = [path.relative_to(folder).as_posix() for path in folder.rglob("*.py")]
    each_has = {"__init__.py"}
    if folder.name == "course":
        each_has |= {"figures.py", "checks.py"}
    assert sorted(named) == sorted(name for name in there if name.split("/")[-1] not in each_has)


def test_the_page_of_the_course_names_every_notebook_with_its_folder():
    page = (LIBRARY / "course" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+)\]\(\1\) \| (\d\db?) \|", page, re.MULTILINE)
    notebooks = sorted(path.stem for path in (course.ROOT / "notebooks").glob("*.ipynb"))
    assert [f"{number}_{name}" for name, number in rows] == notebooks
    packages = {path.parent.name for path in (LIBRARY / "course").glob("*/__init__.py")}
    assert packages == {name for name, _ in rows}


def test_the_page_of_the_library_names_every_part():
    page = (LIBRARY / "README.md").read_text(encoding="utf-8")
    for part in FILES.keys() & {part for floor in FLOORS for part in floor}:
        name = part.removeprefix("ttclib.")
        place = f"{name}.py" if (LIBRARY / f"{name}.py").exists() else name
        assert f"]({place})" in page, part


@each_page
def test_links_lead_to_files(page):
    for address in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert re.match("https?:", address) or (page.parent / address).exists(), address


@each_page
def test_fences_are_closed(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("```") for line in lines) % 2 == 0


def test_the_change_log_begins_with_what_is_not_released_or_this_version():
    log = (course.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", log, re.MULTILINE)
    released = [(name, date) for name, date in entries if name != "Unreleased"]
    citation = (course.ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (day,) = re.findall(r"^date-released: (\S+)$", citation, re.MULTILINE)
    assert released[0] == (ttclib.__version__, day)
    assert [name for name, _ in entries].index(ttclib.__version__) <= 1
    assert all(date for _, date in released)
    kinds = set(re.findall(r"^### (.+)$", log, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@each_page
def test_commands_exist(page):
    known = set(re.findall(r"^python3 course\.py (\w+)", course.__doc__, re.MULTILINE))
    assert {"lab", "test", "data"} <= known
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"python3 course\.py (\w+)", text)) <= known
    for parts in re.findall(r"--only ([\w,]+)", text):
        assert set(parts.split(",")) <= course.PARTS.keys()
    for tool in re.findall(r"python -m tools\.(\w+)", text):
        assert (course.ROOT / "tools" / f"{tool}.py").exists()


def test_the_front_page_says_every_part_of_the_tests():
    text = (course.ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("| part | what it holds |")[2].partition("\n\n")[0]
    named = [name for row in table.splitlines() for name in re.findall("`(\\w+)`", row[:30])]
    assert named == list(course.PARTS)
    numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert f"runs {numbers[len(course.PARTS)]} parts" in text


# ---- the reader of pages itself -----------------------------------------------------------------

PAGE = (
    "words\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n```sh\nls\n```\n\n```python\nx\n```\n"
)


def test_the_blocks_of_a_page():
    assert [language for language, _ in pages.blocks(PAGE)] == ["python", "text", "sh", "python"]
    assert pages.script_of(PAGE) == ("print(1)\n\nx\n", "1\n")


def test_an_example_that_stops_is_seen(tmp_path):
    with pytest.raises(AssertionError, match="NameError: name 'x' is not defined"):
        pages.output_of(pages.script_of(PAGE)[0], tmp_path)
