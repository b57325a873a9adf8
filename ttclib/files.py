"""Files: one that is written is whole or not there, and one process at a time does the work.

Unfinished work is sealed: it is read back only as it was written, and by whom it was written.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write a file or a folder beside its place, and move it there when all of it is written.

    Whoever reads ``path`` sees what was there before or all of what is new; a kill in mid-write
    leaves the older one.

    Yields
    ------
    pathlib.Path
        Where to write: nothing is there yet.

    Examples
    --------
    >>> with whole(Path("table.csv")) as part:  # doctest: +SKIP
    ...     part.write_text("a,b")
    """
    part = path.with_name(path.name + ".part")
    _remove(part)  # what a kill has left
    try:
        yield part
    except BaseException:
        _remove(part)
        raise
    if path.is_dir() or part.is_dir():  # a folder can take the place of an empty one only
        _remove(path)
    part.replace(path)


def seal(path: Path, work: bytes, owner: str) -> None:
    """Write unfinished work behind its SHA-256; what was there before is kept beside it.

    ``owner`` says all that the work depends on, and is part of the sum.
    """
    with whole(path) as part:
        part.write_bytes(_sum(work, owner) + work)
        if path.is_file():
            path.replace(path.with_suffix(".before"))


def unseal(path: Path, owner: str) -> bytes | None:
    """Return sealed work, or None. What is damaged, or another's, is dropped with one line."""
    for place in (path, path.with_suffix(".before")):
        if place.exists():
            sealed = place.read_bytes() if place.is_file() else b""
            work = sealed[32:]
            if sealed[:32] == _sum(work, owner):
                return work
            print(f"{place} is damaged, or belongs to other work: it is dropped.", flush=True)
            _remove(place)
    return None


def _sum(work: bytes, owner: str) -> bytes:
    return hashlib.sha256(owner.encode() + b"\n" + work).digest()


@contextmanager
def reading_of(what: Path | str, cure: str) -> Iterator[None]:
    """Turn whatever is raised over a damaged file into a ``ValueError`` of one line."""
    try:
        yield
    except Exception as error:  # a parser raises what it stumbles over
        raise ValueError(f"{what} cannot be read ({in_short(error)}); {cure}") from error


def in_short(error: Exception) -> str:
    """Say in one line of at most 120 characters what is wrong."""
    why = " ".join(str(error).split()) or type(error).__name__
    return why if len(why) <= 120 else why[:119] + "…"


@contextmanager
def turn(path: Path, busy: str | None = None) -> Iterator[None]:
    """Wait until no other process holds this lock file, then hold it; a kill frees it.

    Parameters
    ----------
    busy : str, optional
        What to print if another process has it, such as "Another notebook fills the cache".
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if busy:
            print(f"{busy}; waiting for it.", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
