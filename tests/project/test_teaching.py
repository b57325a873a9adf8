"""The page for teachers: what it says of the notebooks is what the notebooks say."""

import re

import nbformat
import pytest

import course
from tools import notebooks
from tools.classroom import copies, paths

PAGE = paths.PAGE.read_text(encoding="utf-8")
ALL = paths.course()


def test_its_tables_are_those_of_the_notebooks():
    """Where this fails, `python -m tools.classroom.paths` writes them anew."""
    assert paths.filled(PAGE) == PAGE
    for name in paths.TABLES:
        (table,) = re.findall(rf"<!-- {name} -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
        assert len(table.splitlines()) >= 4


def test_the_semester_takes_every_notebook_once():
    weeks = [number for numbers in paths.SEMESTER for number in numbers]
    assert len(set(weeks)) == len(weeks)
    assert set(ALL) <= set(weeks)


def test_ninety_minutes_are_ninety_minutes():
    whole, rest = map(
        int, re.search(r"as a whole takes (\d+)\. Spend the other (\d+)", PAGE).groups()
    )
    assert whole == paths.minutes(ALL["00"][1])
    assert whole + rest == 90


def test_a_day_is_about_six_hours():
    for numbers in paths.DAYS.values():
        assert abs(sum(paths.minutes(ALL[number][1]) for number in numbers) - 360) <= 20


def test_each_exercise_has_its_difficulty_and_minutes():
    listed = paths.told(ALL["02"][1])
    assert len(listed) == 7 and listed[0] == ("easy", 10) and listed[-1] == ("medium", 20)
    for _, book in ALL.values():
        assert all(kind in ("easy", "medium", "hard") for kind, _ in paths.told(book))


def test_numbers_of_the_limits_are_those_of_the_command():
    from tools.classroom import grading, isolation

    limits = grading.Limits()
    assert f"time ({limits.seconds:.0f} s an answer)" in PAGE
    assert f"memory ({limits.megabytes / 1000:g} GB on top)" in PAGE
    assert f"files ({isolation.ROOM} MB)" in PAGE
    assert {"checks.forty", "checks.sixty_and_more"} == grading.BESIDE


def test_a_students_copy_runs_in_a_folder_of_its_own(tmp_path):
    (path,) = copies.student(tmp_path / "copy", ["00"])
    ran = notebooks.execute(nbformat.read(path, nbformat.NO_CONVERT), path.parent)
    said = str([cell.get("outputs") for cell in ran.cells])
    assert said.count("not attempted yet") == 4
    assert {file.name for file in path.parent.iterdir()} == {path.name, "START.md"} | {
        file.name for file in path.parent.glob("course")
    }


def test_the_readme_leads_here():
    assert "(TEACHING.md)" in (course.ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#\s]+)", PAGE))))
def test_its_links_lead_to_files(link):
    assert link.startswith("https://") or (course.ROOT / link).exists()
