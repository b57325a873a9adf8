"""The process in which the answers of one handed-in notebook run, one child for each.

It is started by :mod:`tools.classroom.grading`, goes into isolation before it reads anything, runs
cells of the course's own notebook, and forks where an answer is due. It speaks over a socket: lines
of JSON from the teacher, and of plain words back.
"""

import contextlib
import io
import json
import os
import socket
import sys
import types


def run_cells(names, source):
    """Run a cell of the course; what it shows is thrown away."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "<course>", "exec"), names)


def answer(names, channel, job):
    """In a child: lock everything, run the student's cell, and answer for what it defines."""
    from tools.classroom import isolation
    from tools.classroom.answering import Side

    side = Side(channel)
    quiet = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    if job["locked"]:
        isolation.lock(job["seconds"], job["megabytes"])

    def get():
        exec(compile(job["source"], "<answer>", "exec"), names)
        if job["name"] not in names:
            raise LookupError(f"the cell defines no {job['name']}")
        return names[job["name"]]

    def verdict():
        get()
        check = eval(job["check"], names)
        found = check(names[job["name"]])
        return [found.mark, found.line]

    side.say(verdict if job["beside"] else get)
    side.serve()


def main():
    settings = json.loads(sys.argv[1])
    control = socket.socket(fileno=settings["socket"])
    sys.path.insert(0, settings["root"])
    from tools.classroom import isolation

    reads = control.makefile("r", encoding="utf-8")
    if settings["isolated"]:
        isolation.enter(settings["empty"], settings["readable"])
    os.environ.clear()
    os.environ.update(settings["environment"])
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    names = module.__dict__
    control.sendall(b"ready\n")
    child = 0
    while line := reads.readline():
        job = json.loads(line)
        said = "done"
        if job["do"] == "run":
            try:
                run_cells(names, job["source"])
            except BaseException as error:
                said = f"failed {type(error).__name__}: {error}".replace("\n", " ")[:500]
        elif job["do"] == "answer":
            control.sendall(b"send\n")  # a file that comes with a line would be lost with it
            _, (given,), _, _ = socket.recv_fds(control, 1, 1)
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    reads.close()
                    control.close()
                    answer(names, socket.socket(fileno=given), job)
                    code = 0
                finally:
                    os._exit(code)
            os.close(given)
        elif job["do"] == "end":
            status = 0
            if child:
                os.kill(child, 9)
                _, status, _ = os.wait4(child, 0)
                child = 0
            said = f"ended {status}"
        control.sendall(said.encode("utf-8", "replace") + b"\n")


if __name__ == "__main__":
    main()
