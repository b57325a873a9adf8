"""The examples of CONTRIBUTING: each is written where it says, runs, prints what the page says, and
passes the tests that any other part of its kind has to pass.
"""

import os
import shutil
import subprocess
import sys

import pages
import pytest

import course

PAGE = (course.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = pages.sections(PAGE)
# runs this project's tests of a notebook on the notebooks of the folder it starts in
TESTS_OF_A_NOTEBOOK = """
import pathlib, sys, pytest
from tools import notebooks
notebooks.FOLDER = pathlib.Path("notebooks").resolve()
sys.exit(pytest.main([sys.argv[1], "-k", "coin_flips", "-p", "no:cacheprovider", "-rA"]))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the library, with every file that the page writes."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("ttclib", "notebooks"):
        keep = shutil.ignore_patterns("*.ipynb", "__pycache__")
        shutil.copytree(course.ROOT / name, folder / name, ignore=keep)
    shutil.copy(course.ROOT / "pyproject.toml", folder)
    for name, text in pages.files_of(PAGE).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", SECTIONS)
def test_an_example_runs_and_prints_what_the_page_says(name, tree):
    script, printed = pages.script_of(SECTIONS[name])
    assert script or pages.files_of(SECTIONS[name])
    if script:
        assert pages.output_of(script, tree, tree) == printed
        assert printed


def test_the_notebook_passes_the_tests_of_every_notebook(tree):
    pages.output_of((tree / "new_notebook.py").read_text(encoding="utf-8"), tree, tree)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), str(course.ROOT)])}
    (path,) = (tree / "notebooks").glob("*.ipynb")
    stored = []
    for _ in range(2):
        command = [sys.executable, "-m", "tools.notebooks", str(path)]
        subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True)
        stored.append(path.read_bytes())
    assert stored[0] == stored[1]
    tests = course.ROOT / "tests/project/test_notebooks.py"
    done = subprocess.run(
        [sys.executable, "-c", TESTS_OF_A_NOTEBOOK, str(tests)],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "test_solutions_pass_their_checks[17_coin_flips]" in done.stdout


def test_the_examples_are_written_as_the_rest_of_the_tree(tree):
    files = [name for name in pages.files_of(PAGE) if name != "new_notebook.py"]
    assert len(files) >= 5
    for action in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *action, "--no-cache", *files]
        done = subprocess.run(ruff, cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
