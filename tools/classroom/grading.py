"""Handed-in notebooks, one after the other: the verdict of each exercise, and how it came about.

The check runs in a process of the teacher's, the answer in another one, which is isolated: see
:mod:`tools.classroom.isolation`. Only the two exercises of notebook 09b, whose answer plays with
live models, are judged beside the student's code, and the report says so.
"""

import ast
import contextlib
import importlib
import json
import multiprocessing.connection
import os
import resource
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools.classroom import isolation, reading
from ttclib.language import translated

ROOT = Path(__file__).resolve().parents[2]
# what these give to an answer cannot be sent: a desk, where models write and are paid
BESIDE = {"checks.forty", "checks.sixty_and_more"}
NOT_YET = "not attempted yet"
MARKS = {"✓": "right", "✗": "wrong", "–": "blank"}


@dataclass
class Limits:
    """What an answer may take."""

    seconds: float = 120.0
    megabytes: int = 1500
    notebook: float = 900.0  # seconds of all answers of a notebook, and what they rest on


@dataclass
class Result:
    """One line of the report."""

    student: str
    file: str
    notebook: str = ""
    exercise: str = ""
    cell: str = ""
    verdict: str = ""  # right, wrong, blank, partly, stopped, missing, unreadable
    message: str = ""
    seconds: float = 0.0
    odd: list = field(default_factory=list)


class World:
    """The isolated process of one notebook; see :mod:`tools.classroom.stranger`."""

    def __init__(self, isolated, empty):
        ours, theirs = socket.socketpair()
        self.control = ours
        self.lines = ours.makefile("r", encoding="utf-8", errors="replace")
        settings = {
            "socket": theirs.fileno(),
            "root": str(ROOT),
            "isolated": isolated,
            "empty": str(empty),
            "readable": readable(),
            "environment": surroundings(),
        }
        program = Path(__file__).with_name("stranger.py")
        command = [sys.executable, "-I", str(program), json.dumps(settings)]
        self.process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env=surroundings(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if os.environ.get("TTC_CLASS_DEBUG") else subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()

    def said(self, seconds):
        """Return the next line, or None if none comes."""
        self.control.settimeout(max(seconds, 0.01))
        try:
            return self.lines.readline().rstrip("\n") or None
        except (OSError, ValueError):
            return None

    def ask(self, patience, **job):
        """Send a job and return what is said to it."""
        try:
            self.control.sendall(json.dumps(job).encode() + b"\n")
        except OSError:
            return None
        return self.said(patience)

    def close(self):
        """End it, with everything in it."""
        self.lines.close()
        self.control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()


def readable():
    """Return the folders that an answer may read: Python, the library, and its data."""
    paths = [sys.base_prefix, sys.prefix, sysconfig.get_path("purelib")]
    paths += [str(ROOT / name) for name in ("ttclib", "data", "tools", "pyproject.toml")]
    return list(dict.fromkeys(str(path) for path in paths))


def surroundings():
    """Return the environment of an answer: nothing of the teacher's."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "USER": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TTC_DATA": str(ROOT / "data"),
        "TTC_SMOLLM2": "0",
    }


def graded(student, path, file, course, limits, isolated=True):
    """Return the results of one file."""
    try:
        cells = reading.cells_of(path)
    except reading.Unreadable as error:
        return [Result(student, file, verdict="unreadable", message=str(error))]
    one = reading.which(cells, course)
    if one is None:
        line = "no exercise of the course is in it"
        return [Result(student, file, verdict="unreadable", message=line)]
    answers = reading.answers(cells, one)
    empty = tempfile.mkdtemp(prefix="class-")
    results = []
    try:
        judged(one, answers, limits, isolated, empty, results.append)
    finally:
        shutil.rmtree(empty, ignore_errors=True)
    for result in results:
        result.student, result.file, result.notebook = student, file, one.stem
    return results


def judged(one, answers, limits, isolated, empty, give, locked=True):
    """Judge the answers of a notebook, in its order; ``give`` gets each result.

    ``locked`` is False for the course's own solutions only, which need no guard.
    """
    due = {a.exercise.cell: a for a in answers if not a.fault}
    wanted = reading.needed(one, due.values())
    by_cell = {a.exercise.cell: a for a in answers}
    ends = time.monotonic() + limits.notebook
    world = None
    trouble = ""
    try:
        if due:
            world = World(isolated, empty)
            modules = checks_of(one)
            if world.said(60) != "ready":
                trouble = "the isolated process did not start"
        for cell, source in one.cells:
            if answer := by_cell.get(cell):
                if answer.fault or trouble:
                    give(faulty(answer, trouble))
                else:
                    give(verdict(world, modules, answer, limits, ends, locked))
            if cell in wanted and world and not trouble:
                said = world.ask(ends - time.monotonic(), do="run", source=source)
                if said != "done":
                    trouble = f"a cell of the course did not run here: {said or 'it took too long'}"
    finally:
        if world:
            world.close()


def checks_of(one):
    """Return the modules of checks by the names that the notebook gives them."""
    names = {}
    nodes = [node for _, source in one.cells for node in ast.walk(ast.parse(source))]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ttclib.course"):
            for alias in node.names:
                if alias.name.endswith("checks"):
                    module = importlib.import_module(f"{node.module}.{alias.name}")
                    names[alias.asname or alias.name] = module
    return names


def faulty(answer, trouble):
    """Return the result of an answer that is not judged."""
    exercise = answer.exercise
    missing = answer.fault in ("the cell is missing",) or "claim to be" in answer.fault
    kind = "stopped" if trouble and not answer.fault else "missing" if missing else "wrong"
    message = answer.fault or trouble
    return Result("", "", "", exercise.title, exercise.cell, kind, message, 0.0, spoken(answer))


def spoken(answer, verdict=""):
    """Return what is odd about an answer; a stored ✓ only where the check says otherwise."""
    odd = [line for line in answer.odd if line != "shows ✓"]
    if "shows ✓" in answer.odd and verdict != "right":
        odd.append("its stored output shows ✓")
    return odd


def verdict(world, modules, answer, limits, ends, locked=True):
    """Return the result of one answer."""
    from tools.classroom import asking, wire

    exercise = answer.exercise
    start = time.monotonic()
    seconds = min(limits.seconds, ends - start)
    result = Result("", "", "", exercise.title, exercise.cell)
    beside = exercise.check in BESIDE
    ours, theirs = socket.socketpair()
    session = None
    try:
        if seconds <= 0:
            raise asking.OutOfTime
        said = world.ask(
            10,
            do="answer",
            source=answer.source,
            name=exercise.name,
            check=exercise.check,
            beside=beside,
            locked=locked,
            seconds=limits.seconds,
            megabytes=limits.megabytes,
        )
        if said != "send":
            raise wire.Gone("the isolated process ended")
        socket.send_fds(world.control, [b"!"], [theirs.fileno()])
        theirs.close()
        world.said(10)
        asking.alarm(seconds + 2)
        session = asking.Session(ours, seconds)
        given = session.answer()
        if beside:
            mark, line = (str(part) for part in given)
            result.odd.append("judged beside the student's code")
        else:
            module, _, name = exercise.check.partition(".")
            found = asking.judge(getattr(modules[module], name), given, answer.blanks)
            mark, line = found.mark, found.line
        result.verdict, result.message = MARKS.get(mark, "wrong"), line
        if mark == "–" and line not in (NOT_YET, translated(NOT_YET)):
            result.verdict = "partly"
    except asking.OutOfTime:
        result.verdict, result.message = "stopped", f"took more than {seconds:.0f} seconds"
    except wire.Gone as gone:
        result.verdict, result.message = "stopped", str(gone)
    except (Exception, SystemExit) as error:  # the cell itself raised
        said = f"{type(error).__name__}: {error}".strip().removesuffix(":")
        if isinstance(error, LookupError) and "the cell defines no" in said:
            said = str(error)
        result.verdict, result.message = "wrong", f"the cell stopped with {said}"
    finally:
        asking.alarm(0)
        if session:
            session.reads.close()
            session.writes.close()
        ours.close()
        if said := world.ask(10, do="end"):
            result.message = told(result, said)
    result.seconds = time.monotonic() - start
    result.odd += spoken(answer, result.verdict)
    return result


def told(result, said):
    """Add how the process of an answer ended, where it was not we who ended it."""
    try:
        status = int(said.split()[1])
    except (ValueError, IndexError):
        return result.message
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != 9:
        names = {24: "too much computing", 25: "a file too large", 11: "a crash of the processor"}
        number = os.WTERMSIG(status)
        return f"{result.message} ({names.get(number, f'signal {number}')})"
    return result.message


# ---- a whole folder ------------------------------------------------------------------------------


def in_a_process(pipe, *arguments):
    """Grade one file in a process of its own, with limits of its own."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send(graded(*arguments))
    pipe.close()


def grade(folder, course, limits, isolated=True, jobs=1, progress=lambda *_: None):
    """Return the results of all files below a folder, in its order. Nothing in it raises."""
    context = multiprocessing.get_context("fork")
    work = list(reading.files(folder))
    results = [None] * len(work)
    running = {}
    waiting = list(enumerate(work))
    while waiting or running:
        while waiting and len(running) < jobs:
            place, (student, path, fault) = waiting.pop(0)
            file = reading.shown_name(os.path.relpath(path, folder))
            if fault:
                kind = "unreadable" if path.endswith(".ipynb") else "ignored"
                results[place] = [Result(student, file, verdict=kind, message=fault)]
                continue
            ours, theirs = context.Pipe(duplex=False)
            arguments = (theirs, student, path, file, course, limits, isolated)
            process = context.Process(target=in_a_process, args=arguments, daemon=False)
            process.start()
            theirs.close()
            ends = time.monotonic() + limits.notebook + 120
            running[place] = (process, ours, ends, student, file)
        multiprocessing.connection.wait([pipe for _, pipe, *_ in running.values()], timeout=0.5)
        for place, (process, pipe, ends, student, file) in list(running.items()):
            done = None
            if pipe.poll():
                try:
                    done = pipe.recv()
                except EOFError:
                    line = "the check of this file ended without a result"
                    done = [Result(student, file, verdict="stopped", message=line)]
            elif time.monotonic() > ends:
                line = "the check of this file took too long"
                done = [Result(student, file, verdict="stopped", message=line)]
            if done is not None:
                process.kill()
                process.join()
                pipe.close()
                del running[place]
                results[place] = done
                progress(student, file, done)
    return [result for listed in results for result in listed]


def refusal(container):
    """Return why nothing of a student's is run here, in one line; None if it can be."""
    why = isolation.cannot() if not container else None
    if container and sys.platform != "linux":
        why = "even in a container of its own it needs Linux"
    return why
