"""Pages whose examples run: the fenced blocks of a Markdown file, and what they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.py)\n")


def blocks(page):
    """Return the fenced blocks of a page in their order, as (language, text)."""
    return [(language, text) for _, language, text in FENCE.findall(page)]


def sections(page):
    """Return {heading: text} of the sections that begin with ``## ``."""
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def files_of(page):
    """Return {name: text} of the Python blocks that begin with the name of a file."""
    python = [text for language, text in blocks(page) if language == "python"]
    return {named[1]: text for text in python if (named := FILE.match(text))}


def script_of(page):
    """Join the other Python blocks of a page, and what its text blocks say that they print.

    Returns
    -------
    (script, printed) : (str, str)
    """
    python = [text for language, text in blocks(page) if language == "python"]
    printed = [text for language, text in blocks(page) if language == "text"]
    return "\n".join(text for text in python if not FILE.match(text)), "".join(printed)


def output_of(script, folder, *paths):
    """Run a script as a reader would, in a process and a folder of its own; return what it prints.

    Parameters
    ----------
    script : str
    folder : path
        Where it starts.
    *paths : path
        Where Python looks first, before the course itself.

    Raises
    ------
    AssertionError
        If it stops with an error: the last line of what it said.
    """
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(map(str, [*paths, root]))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]
    return done.stdout
