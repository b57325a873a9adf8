"""A file is whole or not there, whatever stops the writing; a lock lets in one at a time."""

import os
import signal
import subprocess
import sys

import pytest

import course
from ttclib.files import turn, whole


def python(code, *args, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        env=os.environ | {"PYTHONPATH": str(course.ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture(params=["a file", "a folder"])
def kind(request):
    """How a file or a folder is written and read."""
    if request.param == "a file":
        return lambda path, text: path.write_text(text), lambda path: path.read_text()

    def write(path, text):
        path.mkdir()
        (path / "inside").write_text(text)

    return write, lambda path: (path / "inside").read_text()


def test_what_is_new_takes_the_place_of_what_was_there(tmp_path, kind):
    write, read = kind
    for text in ("one", "two"):
        with whole(tmp_path / "x.txt") as part:
            assert not part.exists()
            write(part, text)
            assert text == "one" or read(tmp_path / "x.txt") == "one"
        assert read(tmp_path / "x.txt") == text
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


@pytest.mark.parametrize("stopped", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_older_one(tmp_path, kind, stopped):
    write, read = kind
    write(tmp_path / "x.txt", "old")
    with pytest.raises(stopped), whole(tmp_path / "x.txt") as part:
        write(part, "half")
        raise stopped
    assert read(tmp_path / "x.txt") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_kill_leaves_the_older_one_and_the_next_write_is_whole(tmp_path, kind):
    write, read = kind
    write(tmp_path / "x.txt", "old")
    code = """
import os, signal, sys
from pathlib import Path
from ttclib.files import whole
with whole(Path(sys.argv[1])) as part:
    part.mkdir() if os.path.isdir(sys.argv[1]) else part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = python(code, tmp_path / "x.txt")
    assert killed.wait() == -signal.SIGKILL
    assert read(tmp_path / "x.txt") == "old"
    assert (tmp_path / "x.txt.part").exists()
    with whole(tmp_path / "x.txt") as part:
        write(part, "new")
    assert read(tmp_path / "x.txt") == "new"
    assert not part.exists()


def test_files_that_differ_in_their_ending_do_not_meet(tmp_path):
    with whole(tmp_path / "x.csv") as one, whole(tmp_path / "x.json") as other:
        one.write_text("1")
        other.write_text("2")
    assert (tmp_path / "x.csv").read_text() == "1" and (tmp_path / "x.json").read_text() == "2"


HOLD = """
import sys
from pathlib import Path
from ttclib.files import turn
with turn(Path(sys.argv[1]), "Another one works"):
    print("in", flush=True)
    input()
    print("out", flush=True)
"""


def hold(path):
    return python(HOLD, path, stdin=subprocess.PIPE)


def test_two_processes_take_turns_and_the_second_says_why_it_waits(tmp_path):
    first = hold(tmp_path / "lock")
    assert first.stdout.readline() == "in\n"
    second = hold(tmp_path / "lock")
    assert second.stdout.readline() == "Another one works; waiting for it.\n"
    assert first.communicate("go\n")[0] == "out\n"
    assert second.communicate("go\n")[0] == "in\nout\n"
    assert first.returncode == second.returncode == 0


def test_a_lock_is_free_when_its_holder_was_killed(tmp_path, capsys):
    holder = hold(tmp_path / "lock")
    assert holder.stdout.readline() == "in\n"
    holder.kill()
    holder.wait()
    with turn(tmp_path / "lock", "Another one works"):
        assert capsys.readouterr().out == ""
