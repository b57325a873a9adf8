"""The course in other places: one address, and what a learner on Colab meets.

Colab has only the notebook that was opened, and ipywidgets 7.7.1. Here a page like that is made: a
kernel to which ``ttclib`` is not installed, then the lines of the head, and a ``google.colab``.
"""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest

import course
from tools import address, notebooks

ROOT = course.ROOT
PATHS = notebooks.every()
THERE = address.published()
NAMING = ("pyproject.toml", "README.md", "TEACHING.md")
NAMED = re.compile(r"(?:github\.com|mybinder\.org/v2/gh|google\.com/github)/([\w.-]+/[\w.-]+)")


def head_of(path):
    return nbformat.read(path, nbformat.NO_CONVERT).cells[0].source


def stem_of(path):
    return path.relative_to(notebooks.FOLDER).with_suffix("").as_posix()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_head_says_where_else_it_opens(path):
    """Where this fails, `python -m tools.address` writes what is missing."""
    assert head_of(path).count(address.elsewhere(THERE, stem_of(path))) == 1


def test_the_front_page_has_the_badge():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count(address.badge(THERE)) == 1
    assert (ROOT / "binder/badge.svg").read_text(encoding="utf-8").startswith("<svg")


def copied(folder):
    """Copy what names the address into a folder."""
    for name in NAMING:
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(notebooks.FOLDER, folder / "notebooks")
    return folder


def test_the_address_moves_everywhere(tmp_path):
    root = copied(tmp_path)
    assert list(address.write(THERE, root)) == []  # everything stands as it is written
    new = "https://github.com/a-class/the.course"
    changed = set(address.write(new, root))
    assert changed == {*(root / name for name in NAMING), *root.rglob("*.ipynb")}
    assert address.published(root) == new
    for path in changed:
        text = path.read_text(encoding="utf-8")
        assert "a-class/the.course" in text
        assert THERE.removeprefix("https://github.com/") not in set(NAMED.findall(text))
    assert len(list(address.write(THERE, root))) == len(changed)
    assert (root / "README.md").read_bytes() == (ROOT / "README.md").read_bytes()
    for path in PATHS:
        assert (root / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("wrong", ["example.org/a/b", "https://github.com/a", "../a/b", ""])
def test_another_kind_of_address_is_refused(wrong, capsys):
    assert address.main([wrong]) == (1 if wrong else 0)  # without one: as it is
    assert not wrong or "is not like https://github.com/you/course" in capsys.readouterr().err


# ---- Colab ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_first_cell_says_why_it_stops_where_ttclib_is_not(path):
    """What IPython shows of the error is the line itself, and the line points to the head."""
    cells = nbformat.read(path, nbformat.NO_CONVERT).cells
    setup = next(cell.source for cell in cells if cell.cell_type == "code")
    first = next(line for line in setup.splitlines() if line.startswith("from ttclib"))
    *_, folded, _, beside = address.WORDS[address.language_of(stem_of(path))]
    assert first.endswith(beside)
    assert f"<summary>{folded}</summary>" in cells[0].source and "ttclib" in folded


# as on Colab: nothing of the course is there, `import` looks into the folder of the notebook
BARE = """
import os, sys
sys.path[:] = [p for p in sys.path if not os.path.isdir(os.path.join(p, "ttclib"))]
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in str(f)]
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.colors = "NoColor"
"""
MEET = """
stopped = shell.run_cell({setup!r})
print("STOPPED", type(stopped.error_in_exec).__name__)
os.symlink({root!r}, "course")  # what `git clone` brings
shell.run_cell({path_line!r})
worked = shell.run_cell({setup!r})
print("WORKED", worked.success)
import ttclib.artefacts
print("DATA", ttclib.artefacts.manifest() != {{}})
"""


def test_the_lines_of_the_head_make_the_first_cell_work(tmp_path):
    cells = nbformat.read(PATHS[0], nbformat.NO_CONVERT).cells
    setup = next(cell.source for cell in cells if cell.cell_type == "code")
    clone, install, path_line = address.install_lines(THERE).splitlines()
    assert clone.split()[-2:] == [THERE, "course"] and install.endswith('-e "course[course]"')
    script = tmp_path / "colab.py"
    told = {"root": str(ROOT), "setup": setup, "path_line": path_line}
    script.write_text(BARE.format(**told) + MEET.format(**told), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert "STOPPED ModuleNotFoundError" in done.stdout, done.stdout + done.stderr
    said = done.stdout.partition("STOPPED")[0]
    assert re.search(r"-+> *\d+ from ttclib import machine  # not found\? See above", said), said
    assert "WORKED True" in done.stdout and "DATA True" in done.stdout, done.stdout + done.stderr


COLAB = """
import sys, types
google, colab, output = map(types.ModuleType, ["google", "google.colab", "google.colab.output"])
google.colab, colab.output, google.__path__, colab.__path__ = colab, output, [], []
enabled = []
output._widgets = types.SimpleNamespace(_installed_url=None)
def enable():
    enabled.append(1)
    output._widgets._installed_url = "https://widgets.example/manager.js"
output.enable_custom_widget_manager = enable
sys.modules.update({"google": google, "google.colab": colab, "google.colab.output": output})

import ipywidgets
ipywidgets.__version__ = "7.7.1"
def bare(self, **_):  # what every widget of ipywidgets 7 has
    raise SystemExit("shown without its picture")
ipywidgets.DOMWidget._ipython_display_ = bare

from IPython.core.formatters import DisplayFormatter
from ttclib.course.start_here import figures
data, metadata = DisplayFormatter().format(figures.typed_view())
print(sorted(data))
print(metadata["application/vnd.jupyter.widget-view+json"])
print(metadata["image/png"]["alt"][:14], len(enabled))
"""


def test_a_view_asks_colab_for_the_page_that_shows_it():
    done = subprocess.run([sys.executable, "-c", COLAB], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kinds, manager, told = done.stdout.splitlines()
    assert kinds == "['application/vnd.jupyter.widget-view+json', 'image/png', 'text/plain']"
    assert "https://widgets.example/manager.js" in manager
    assert told == "1,000 darts: π 1"
