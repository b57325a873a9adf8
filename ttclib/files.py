"""Files: one that is written is whole or not there, and one process at a time does the work."""

from __future__ import annotations

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
    if path.is_dir():  # a folder can take the place of an empty one only
        _remove(path)
    part.replace(path)


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
