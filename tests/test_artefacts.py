"""Files in data/ are checked before they are used, and what is wrong is said in one line."""

import json
import os
import shutil
import subprocess
import sys

import pytest

import course
from ttclib import artefacts


@pytest.fixture
def data(tmp_path):
    """A folder like data/ with one artefact of two files."""
    files = {"weights.bin": bytes(range(100)), "deep/config.json": b'{"a": 1}\n'}
    entry = {"files": {}}
    for name, content in files.items():
        file = tmp_path / "model" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        entry["files"][name] = {"bytes": len(content), "sha256": artefacts.sha256(file)}
    (tmp_path / "manifest.json").write_text(json.dumps({"model": entry}))
    return tmp_path


def refused(data, name="model"):
    with pytest.raises(ValueError) as caught:
        artefacts.path(name, data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sha256_is_the_standard_one(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")  # the example of FIPS 180-4
    assert artefacts.sha256(tmp_path / "x") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_sound_artefact_is_its_folder(data):
    assert artefacts.path("model", data) == data / "model"


def test_a_missing_file_is_named(data):
    (data / "model/deep/config.json").unlink()
    assert refused(data) == (
        "data/model/deep/config.json is missing; rebuild it with: python3 course.py data model"
    )


def test_a_cut_file_is_named(data):
    (data / "model/weights.bin").write_bytes(bytes(range(40)))
    assert refused(data) == (
        "data/model/weights.bin is damaged (40 bytes, not 100); "
        "rebuild it with: python3 course.py data model"
    )


@pytest.mark.parametrize("place", [0, 50, 99])
def test_one_flipped_bit_is_noticed(data, place):
    file = data / "model/weights.bin"
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert "data/model/weights.bin is damaged (its SHA-256 is " in refused(data)


def test_every_damaged_file_is_found(data):
    (data / "model/weights.bin").unlink()
    (data / "model/deep/config.json").write_text("")
    assert len(list(artefacts.faults("model", data))) == 2


def test_an_artefact_that_was_never_built(data):
    assert refused(data, "other") == (
        "data/other is not there; build it with: python3 course.py data other"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"model": 3}',
        '{"model": {}}',
        '{"model": {"files": {"a": {"bytes": 3}}}}',
        "\udcff",
    ],
)
def test_a_damaged_manifest_is_one_line(data, text):
    (data / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    line = refused(data)
    assert line.startswith("data/manifest.json is damaged (")
    assert line.endswith(
        "git checkout data/manifest.json, or delete it and rebuild all with: python3 course.py data"
    )


def test_a_missing_manifest_is_one_line(data):
    (data / "manifest.json").unlink()
    assert refused(data).startswith("data/manifest.json is missing; get it back with: ")


def test_files_are_read_once_in_a_process(data, monkeypatch):
    artefacts.path("model", data)
    monkeypatch.setattr(artefacts, "sha256", lambda _: pytest.fail("read again"))
    artefacts.path("model", data)


def test_a_repaired_artefact_is_accepted(data):
    file = data / "model/weights.bin"
    whole = file.read_bytes()
    file.write_bytes(b"")
    refused(data)
    file.write_bytes(whole)
    assert artefacts.path("model", data)


def asked(code, package, **variables):
    """What a fresh Python says that finds ttclib in a folder."""
    env = {key: value for key, value in os.environ.items() if key != "TTC_DATA"}
    done = subprocess.run(
        [sys.executable, "-c", f"from ttclib import artefacts; {code}"],
        cwd=course.ROOT / "notebooks",
        env=env | {"PYTHONPATH": str(package)} | variables,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_data_is_found_from_a_notebook():
    said = asked("print(artefacts.path('lab-tokenizer'))", course.ROOT)
    assert said == str(course.ROOT / "data/lab-tokenizer")


@pytest.fixture
def installed(tmp_path):
    """The library alone, as an installer copies it."""
    (tmp_path / "packages").mkdir()
    shutil.copytree(course.ROOT / "ttclib", tmp_path / "packages/ttclib")
    return tmp_path / "packages"


def test_an_installed_library_finds_data_through_a_variable(installed):
    data = course.ROOT / "data"
    said = asked("print(artefacts.path('lab-tokenizer'))", installed, TTC_DATA=str(data))
    assert said == str(data / "lab-tokenizer")


@pytest.mark.parametrize("variables", [{}, {"TTC_DATA": ""}, {"TTC_DATA": "elsewhere"}])
def test_an_installed_library_without_data_says_what_to_do(installed, variables):
    where = variables.get("TTC_DATA") or installed / "data"
    for call in ("path('lab-small')", "manifest()"):
        assert asked(f"artefacts.{call}", installed, **variables) == (
            f"ValueError: there is no folder {where}, so the course's models and results are not "
            "here; get a copy of the course and set TTC_DATA to its folder data"
        )


def test_the_variable_is_looked_at_when_data_is_asked_for(data, monkeypatch):
    """So a learner who reads that line can set it and go on in the same session."""
    monkeypatch.setenv("TTC_DATA", str(data / "nowhere"))
    with pytest.raises(ValueError, match="set TTC_DATA"):
        artefacts.path("model")
    monkeypatch.setenv("TTC_DATA", str(data))
    assert artefacts.path("model") == data / "model"
