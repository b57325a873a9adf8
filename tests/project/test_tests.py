"""The page about the tests: its examples are tests that pass, and it names every helper."""

import re
import subprocess
import sys

import pages

import course

TESTS = course.ROOT / "tests"
PAGE = (TESTS / "README.md").read_text(encoding="utf-8")


def test_the_examples_pass(tmp_path):
    files = pages.files_of(PAGE)
    assert len(files) == 3
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    options = ["-v", "-p", "tests.conftest", "-c", str(course.ROOT / "pyproject.toml")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider", str(tmp_path)],
        cwd=course.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_the_page_names_every_helper_and_no_other():
    named = re.findall(r"\]\(helpers/(\w+\.py)\)", PAGE)
    assert sorted(named) == sorted(path.name for path in (TESTS / "helpers").glob("*.py"))
