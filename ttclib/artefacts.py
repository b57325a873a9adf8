"""The models and results in ``data/``: found, and checked before they are used.

An artefact is a folder of ``data/``. ``data/manifest.json`` lists the files of each, with their
sizes and SHA-256, and says how it was made. ``python3 course.py data`` builds artefacts and writes
that list. Where ``ttclib`` is installed without the course, the environment variable ``TTC_DATA``
says where such a folder is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

COMMAND = "python3 course.py data"

_sound: set[Path] = set()  # folders that this process has checked


def data_folder() -> Path:
    """Folder of all artefacts: ``TTC_DATA`` if that is set, else ``data/`` beside the package."""
    beside = Path(__file__).resolve().parent.parent / "data"
    return Path(os.environ.get("TTC_DATA") or beside)


def path(name: str, data: Path | None = None) -> Path:
    """Return the folder of an artefact, after all of its files were compared with the manifest.

    The comparison is made once in each process.

    Raises
    ------
    ValueError
        One line that names the file that is missing or damaged, and the command that rebuilds it.
    """
    folder = (data or data_folder()) / name
    if folder not in _sound:
        for fault in faults(name, data):
            raise ValueError(fault)
        _sound.add(folder)
    return folder


def manifest(data: Path | None = None) -> dict[str, dict]:
    """Read the manifest: what is known of each artefact, by its name.

    Raises
    ------
    ValueError
        If it is missing or damaged, or there is no folder of artefacts at all.
    """
    data = data or data_folder()
    if not data.is_dir():
        raise ValueError(
            f"there is no folder {data}, so the course's models and results are not here; "
            "get a copy of the course and set TTC_DATA to its folder data"
        )
    cure = (
        "get it back with: git checkout data/manifest.json, "
        f"or delete it and rebuild all with: {COMMAND}"
    )
    try:
        entries = json.loads((data / "manifest.json").read_text(encoding="utf-8"))
        for entry in entries.values():
            for file in entry["files"].values():
                int(file["bytes"]), str(file["sha256"])
    except FileNotFoundError:
        raise ValueError(f"data/manifest.json is missing; {cure}") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"data/manifest.json is damaged ({why}); {cure}") from None
    return entries


def faults(name: str, data: Path | None = None) -> Iterator[str]:
    """Yield one line for each file of an artefact that is not as the manifest says.

    Raises
    ------
    ValueError
        If the manifest cannot be read.
    """
    data = data or data_folder()
    entry = manifest(data).get(name)
    if entry is None:
        yield f"data/{name} is not there; build it with: {COMMAND} {name}"
        return
    for difference in differences(data / name, entry["files"]):
        yield f"data/{name}/{difference}; rebuild it with: {COMMAND} {name}"


def listing(folder: Path) -> dict[str, dict]:
    """List the files of a folder, each with its size and SHA-256."""
    return {
        file.relative_to(folder).as_posix(): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def differences(folder: Path, listed: dict[str, dict]) -> Iterator[str]:
    """Yield a few words for each file that is not as :func:`listing` wrote it down."""
    for name, expected in listed.items():
        file = folder / name
        if not file.is_file():
            yield f"{name} is missing"
        elif (size := file.stat().st_size) != expected["bytes"]:
            yield f"{name} is damaged ({size} bytes, not {expected['bytes']})"
        elif (found := sha256(file)) != (code := expected["sha256"]):  # last: it reads all of it
            yield f"{name} is damaged (its SHA-256 is {found[:8]}…, not {code[:8]}…)"


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
