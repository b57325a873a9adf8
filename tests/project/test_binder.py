"""Binder builds from its own lists, because binder/ hides the root's: they must not drift apart."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import course
from tools import two_notebooks
from tools.classroom import paths

ROOT = course.ROOT
BINDER = ROOT / "binder"
ELSEWHERE = ("jupyterlab==", "torch==")  # the image brings the first, postBuild installs the second


def test_requirements_are_the_root_list():
    root = course.pins(ROOT / "requirements.txt")
    elsewhere = [pin for pin in root if pin.startswith(ELSEWHERE)]
    assert len(elsewhere) == len(ELSEWHERE)
    assert course.pins(BINDER / "requirements.txt") == [pin for pin in root if pin not in elsewhere]


def test_post_build_has_the_same_pins():
    (torch,) = [pin for pin in course.pins(ROOT / "requirements.txt") if pin.startswith("torch==")]
    words = (BINDER / "postBuild").read_text().split()
    assert torch in words
    assert course.UV in words
    assert course.SMOLLM2 in words
    assert "--torch-backend=cpu" in words
    assert "--editable" in words  # so that ttclib stays beside data/ and finds it


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_are_executable(name):
    assert os.access(BINDER / name, os.X_OK)
    assert (BINDER / name).read_text().startswith("#!/bin/bash\n")
    subprocess.run(["bash", "-n", BINDER / name], check=True)


def test_start_passes_its_command_on():
    said = subprocess.run(
        [BINDER / "start", "printenv", "OMP_NUM_THREADS"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "1\n"


@pytest.mark.parametrize(
    "name", ["requirements.txt", "tests/requirements.txt", "benchmarks/requirements.txt"]
)
def test_every_requirement_is_pinned_and_no_index_is_named(name):
    for pin in course.pins(ROOT / name):
        assert not pin.startswith("-")
        assert pin.count("==") == 1, pin


def test_the_image_resolves(tmp_path):
    pytest.importorskip("repo2docker", reason="jupyter-repo2docker is not installed")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    dockerfile = done.stdout + done.stderr
    assert done.returncode == 0, dockerfile[-2000:]
    assert "binder/requirements.txt" in dockerfile
    assert "binder/postBuild" in dockerfile
    assert "python-3.11" in Path(BINDER / "runtime.txt").read_text()


def test_the_two_notebooks_that_are_measured_are_the_largest():
    sizes = {path.stem: paths.megabytes(book) for path, book in paths.course().values()}
    assert set(sorted(sizes, key=sizes.get)[-2:]) == set(two_notebooks.HUNGRIEST)


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of processes is read from /proc")
def test_the_memory_of_an_open_notebook_is_measured():
    most, parts, errors = two_notebooks.measure(["00_start_here"])
    assert errors == []
    assert len(parts) >= 2  # the server and a kernel
    assert 100e6 < most < two_notebooks.LIMIT
    assert most == sum(parts)
