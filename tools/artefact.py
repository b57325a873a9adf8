"""What an artefact of ``data/`` is, and how it gets there.

It is built in a folder of its own under ``data/.build``, which a kill leaves behind and the next
call goes on from. When it is whole it is scored, moved into place, and entered in the manifest.
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ttclib import artefacts
from ttclib.files import seal, turn, unseal, whole
from ttclib.machine import processor

DATA = artefacts.data_folder()
BUILD = ".build"  # git does not see it


@dataclass(frozen=True)
class Job:
    """What a build function and a score function are given.

    Attributes
    ----------
    settings, seeds : dict
        Of the artefact.
    folder : Path
        A build function fills it, a score function reads it.
    work : Path
        For unfinished work: it outlives a kill, and is removed when the artefact is in place. Its
        parent is shared by all artefacts and stays.
    needs : dict of str to Path
        Folders of the artefacts that this one is made from.
    """

    settings: dict
    seeds: dict[str, int]
    folder: Path
    work: Path
    needs: dict[str, Path]


@dataclass(frozen=True)
class Artefact:
    """A folder of ``data/``.

    Attributes
    ----------
    name : str
        Of the folder.
    what : str
        A few words for the table in ``data/README.md``.
    build : callable
        ``build(job)`` writes the files. It returns the seconds it took if it can resume (over all
        its runs), else None.
    settings, seeds : dict
        All it depends on besides the code; numbers, strings, and lists and dictionaries of them.
    needs : tuple of str
        Names of the artefacts it is made from.
    score : callable, optional
        ``score(job)`` returns a dictionary of measurements.
    """

    name: str
    what: str
    build: Callable[[Job], float | None]
    settings: dict = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    score: Callable[[Job], dict] | None = None


def kept(path: Path, owner: str, make: Callable[[], bytes]) -> bytes:
    """Return what ``make`` returns, made once; what is damaged or another's is made again.

    Two processes take turns, because artefacts share some of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with turn(path.with_suffix(".lock"), f"Another process makes {path.name}"):
        work = unseal(path, owner)
        if work is None:
            work = make()
            seal(path, work, owner)
    return work


def kept_json(path: Path, make: Callable[[], object], owner: str | None = None):
    """Keep what can be written as JSON, as :func:`kept` does; by itself a file is its name's."""
    return json.loads(kept(path, owner or path.name, lambda: json.dumps(make()).encode()))


def write_rows(file: Path, rows: list[dict]) -> None:
    """Write rows, dictionaries of the same names, as a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with whole(file) as part:
        pq.write_table(pa.Table.from_pylist(rows), part, compression="zstd")


def known(data: Path = DATA) -> dict[str, dict]:
    """Return the manifest, empty before the first artefact is built."""
    return artefacts.manifest(data) if (data / "manifest.json").exists() else {}


def digest(value) -> str:
    """Return a short hash of a value that can be written as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def recipe(artefact: Artefact, data: Path = DATA) -> dict:
    """Return what decides an artefact: its settings and seeds, and the files it is made from."""
    entries = known(data)
    made_from = {name: digest(entries[name]["files"]) for name in artefact.needs if name in entries}
    return {"settings": artefact.settings, "seeds": artefact.seeds, "made from": made_from}


def pending(artefact: Artefact, data: Path = DATA) -> str | None:
    """Return why an artefact has to be built, or None if it is ready."""
    entry = known(data).get(artefact.name)
    if entry is None:
        return "not built yet"
    for part, value in recipe(artefact, data).items():
        if entry[part] != json.loads(json.dumps(value)):
            return (
                f"what it is {part} has changed"
                if part == "made from"
                else f"its {part} have changed"
            )
    return next(artefacts.faults(artefact.name, data), None)


def make(artefact: Artefact, data: Path = DATA) -> dict:
    """Build an artefact, or go on where a build was killed; return its entry in the manifest.

    Raises
    ------
    ValueError
        If an artefact it is made from is missing or damaged, or from the build function.
    """
    needs = {name: artefacts.path(name, data) for name in artefact.needs}
    plan = recipe(artefact, data)
    work = data / BUILD / f"{artefact.name}-{digest(plan)}"  # other settings, other unfinished work
    new = work / "new"
    with building(artefact.name, data):
        if not pending(artefact, data):  # another process was quicker
            return known(data)[artefact.name]
        if work.is_file():  # whoever put it there
            work.unlink()
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        job = Job(artefact.settings, artefact.seeds, new, work, needs)
        start = time.monotonic()
        seconds = artefact.build(job)
        seconds = time.monotonic() - start if seconds is None else seconds
        entry = {"what": artefact.what, "files": artefacts.listing(new), **plan}
        entry |= {"seconds": round(seconds, 1), "device": device()}
        entry |= {"score": artefact.score(job)} if artefact.score else {}
        entry |= {"rebuild": f"{artefacts.COMMAND} {artefact.name}"}
        with whole(data / artefact.name) as part:
            new.rename(part)
        enter(artefact.name, entry, data)
        shutil.rmtree(work)
        tidy(artefact.name, data)
    return entry


def tidy(name: str, data: Path) -> None:
    """Drop the unfinished work of an artefact that was to be made with other settings."""
    for folder in sorted((data / BUILD).glob(f"{name}-*")):
        if folder.is_dir() and re.fullmatch(f"{name}-[0-9a-f]{{16}}", folder.name):
            print(f"{folder} is left over from other settings: it is dropped.", flush=True)
            shutil.rmtree(folder)


def rescore(artefact: Artefact, data: Path = DATA) -> dict:
    """Measure the score of an artefact again; return its new entry in the manifest."""
    needs = {name: artefacts.path(name, data) for name in artefact.needs}
    folder = artefacts.path(artefact.name, data)
    entry = known(data)[artefact.name]
    if artefact.score:
        job = Job(artefact.settings, artefact.seeds, folder, data / BUILD, needs)
        entry |= {"score": artefact.score(job)}
        enter(artefact.name, entry, data)
    return entry


def building(name: str, data: Path):
    """Wait until no other process builds the artefact of this name."""
    (data / BUILD).mkdir(parents=True, exist_ok=True)
    return turn(data / BUILD / f"{name}.lock", f"Another process builds {name}")


def enter(name: str, entry: dict, data: Path) -> None:
    """Write an entry into the manifest; a reader sees the old manifest or the new one."""
    with building("manifest", data):
        entries = known(data) | {name: entry}
        text = json.dumps(dict(sorted(entries.items())), indent=1, ensure_ascii=False)
        with whole(data / "manifest.json") as part:
            part.write_text(text + "\n", encoding="utf-8", newline="\n")


def device() -> str:
    """Say what computes: the graphics card, or the processor."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{processor()}, threads: {torch.get_num_threads()}"
