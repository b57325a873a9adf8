"""Unfinished work and finished results: whatever is spoilt is told in one line and made again."""

import errno
import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tools import data, decoding, lab, verifier
from tools.artefact import Artefact, Job, make
from ttclib import artefacts
from ttclib.files import seal, unseal

torch = pytest.importorskip("torch")

from ttclib.lm import training


def flip(file, other):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 16
    file.write_bytes(content)


def folder_in_its_place(file, other):
    file.unlink()
    (file / "inside").mkdir(parents=True)


SPOIL = {
    "emptied": lambda file, other: file.write_bytes(b""),
    "halved": lambda file, other: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "one byte flipped": flip,
    "another's": lambda file, other: shutil.copy(other, file),
    "a folder": folder_in_its_place,
}
spoilt = pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)

TINY = {
    "texts": {"problems": 40, "row": 256},
    "shape": {"width": 16, "layers": 2, "heads": 2, "hidden": 24},
    "training": {"batch": 4, "steps": 6, "learning_rate": 1e-2},
    "temperature": 1.0,
}
MODEL = Artefact("tiny", "a tiny model", lab.train, TINY, lab.SEEDS, ("lab-tokenizer",))
ROLLOUTS = {"problems": 4, "samples": 1, "row": 64}
TRAINING = {"batch": 2, "steps": 4, "learning_rate": 1e-3, "every": 2}
JUDGE = Artefact(
    "judge",
    "a tiny verifier",
    verifier.train_verifier,
    {
        "rollouts": ROLLOUTS | {"solutions": 4},
        "labels": "shared",
        "start": "lab-small",
        "net": {"judge": 8},
        "training": TRAINING,
    },
    {"rollouts": 10, "training": 2},
    ("lab-small",),
)


def change(one, part, **settings):
    """The same artefact with other settings."""
    return replace(one, settings=one.settings | {part: one.settings[part] | settings})


def folder_for(one, folder):
    """A folder like data/ that holds what an artefact is made from."""
    folder.mkdir(parents=True)
    entries = {name: artefacts.manifest()[name] for name in one.needs}
    (folder / "manifest.json").write_text(json.dumps(entries))
    shutil.copy(artefacts.data_folder() / "README.md", folder)
    for name in one.needs:
        shutil.copytree(artefacts.data_folder() / name, folder / name)
    return folder


class Stop(BaseException):
    """The power goes off."""


def build(one, folder, stop_at=None):
    """Build with a checkpoint after each step, or stop in a step; return the files, and steps."""
    taken, minutes = itertools.count(), itertools.count(0, 100)
    clip = torch.nn.utils.clip_grad_norm_

    def fatal(*arguments):
        if next(taken) == stop_at:
            raise Stop
        return clip(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.utils, "clip_grad_norm_", fatal)
        patch.setattr(training.time, "monotonic", lambda: float(next(minutes)))
        patch.setattr(verifier, "ROLLOUTS", ROLLOUTS)
        patch.setattr(verifier, "LONGEST", 12)
        patch.setattr(verifier, "HELD_OUT", {"problems": 2, "samples": 1, "seed": 12})
        if stop_at is None:
            return make(one, folder)["files"], next(taken)
        with pytest.raises(Stop):
            make(one, folder)
    return None


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A function from an artefact to a folder in which its training was stopped at step 4."""
    folders = {}

    def of(one):
        key = f"{one.settings} {one.seeds}"
        if key not in folders:
            folders[key] = folder_for(one, tmp_path_factory.mktemp("stopped") / "data")
            build(one, folders[key], stop_at=3)
        return folders[key]

    return of


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A function from an artefact to its files when nobody stops it."""
    found = {}

    def of(one):
        if one.name not in found:
            folder = folder_for(one, tmp_path_factory.mktemp("calm") / "data")
            found[one.name], _ = build(one, folder)
        return found[one.name]

    return of


OTHERS = {  # what is replaced, by what, and how many steps are to be taken again
    "checkpoint of other settings": (MODEL, "tiny-*/checkpoint.pt", {"learning_rate": 2e-2}, 4),
    "checkpoint of a verifier": (JUDGE, "judge-*/checkpoint.pt", {"every": 1}, 2),
    "both checkpoints": (MODEL, "tiny-*/checkpoint.*", {"learning_rate": 2e-2}, 6),
    "texts": (MODEL, "texts-*.npz", None, 3),
    "rollouts": (JUDGE, "rollouts-*.npz", None, 1),
}


@spoilt
@pytest.mark.parametrize(("one", "pattern", "other", "steps"), OTHERS.values(), ids=OTHERS)
def test_spoilt_work_is_dropped_and_made_again(
    one, pattern, other, steps, spoil, stopped, calm, tmp_path, capsys
):
    """Its line names it; the build ends with the bytes that it has when nobody disturbs it.

    What is put in the place of a file is as valid as that one was: the checkpoint of the same model
    trained otherwise, the texts or rollouts of another seed.
    """
    foreign = (
        change(one, "training", **other)
        if other
        else replace(one, seeds={name: seed + 1 for name, seed in one.seeds.items()})
    )
    folder = shutil.copytree(stopped(one), tmp_path / "data")
    damaged = sorted((folder / ".build").glob(pattern))
    replacements = sorted((stopped(foreign) / ".build").glob(pattern))
    assert damaged and len(damaged) == len(replacements)
    for file, replacement in zip(damaged, replacements, strict=True):
        assert file.read_bytes() != replacement.read_bytes()
        spoil(file, replacement)
    capsys.readouterr()
    made, taken = build(one, folder)
    assert made == calm(one)
    assert taken == steps
    said = [line for line in capsys.readouterr().out.splitlines() if "dropped" in line]
    assert said == [
        f"{file} is damaged, or belongs to other work: it is dropped."
        for file in sorted(damaged, key=lambda file: file.suffix == ".before")
    ]
    assert not list(artefacts.faults(one.name, folder))


def test_undisturbed_work_goes_on_without_a_word(stopped, calm, tmp_path, capsys):
    """Power of the test above: it is not the building that says it."""
    for one, steps in ((MODEL, 3), (JUDGE, 1)):
        folder = shutil.copytree(stopped(one), tmp_path / one.name)
        capsys.readouterr()
        assert build(one, folder) == (calm(one), steps)
        assert "dropped" not in capsys.readouterr().out


def test_rollouts_of_another_model_are_not_learned_from(stopped, tmp_path, capsys):
    """Their file has the same name: it says what was asked for, not who answered."""
    folder = shutil.copytree(stopped(JUDGE), tmp_path / "data")
    weights = folder / "lab-small/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-4:] = b"\0\0\0\0"  # one weight
    weights.write_bytes(content)
    entries = json.loads((folder / "manifest.json").read_text())
    entries["lab-small"]["files"] = artefacts.listing(folder / "lab-small")
    (folder / "manifest.json").write_text(json.dumps(entries))
    build(JUDGE, folder)
    said = capsys.readouterr().out
    assert said.count("rollouts-") == 2 and said.count("left over from other settings") == 1


@pytest.fixture(scope="module")
def finished(stopped, tmp_path_factory):
    """A folder in which the model is built."""
    folder = shutil.copytree(stopped(MODEL), tmp_path_factory.mktemp("finished") / "data")
    build(MODEL, folder)
    return folder


@spoilt
@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_spoilt_result_is_told(name, spoil, finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "data")
    (tmp_path / "other").write_text("{}")
    spoil(folder / "tiny" / name, tmp_path / "other")
    line = rf"^data/tiny/{name} is (damaged|missing)[^\n]*rebuild it with: [^\n]* data tiny$"
    with pytest.raises(ValueError, match=line):
        artefacts.path("tiny", folder)


def test_what_is_told_is_built_again(finished, calm, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "data")
    for name in artefacts.manifest(folder)["tiny"]["files"]:
        folder_in_its_place(folder / "tiny" / name, None)
    assert build(MODEL, folder)[0] == calm(MODEL)
    assert artefacts.path("tiny", folder) == folder / "tiny"


SOLVE = decoding.CLAIM | {
    "problems": 1,
    "max_tokens": 20,
    "methods": {"lab-small": {"greedy": [1]}},
}


@spoilt
def test_a_spoilt_answer_of_a_contest_is_asked_for_again(spoil, tmp_path, capsys):
    needs = {"lab-small": artefacts.path("lab-small")}

    def compete(name, seeds):
        folder = tmp_path / name / "new"
        folder.mkdir(parents=True)
        decoding.compete(Job(SOLVE, seeds, folder, tmp_path / name, needs))
        return artefacts.listing(folder)

    found = compete("one", {"problems": 6, "runs": 1})
    (file,) = (tmp_path / "small-against-large").glob("*.json")
    compete("other", {"problems": 7, "runs": 1})
    (other,) = set((tmp_path / "small-against-large").glob("*.json")) - {file}
    spoil(file, other)
    capsys.readouterr()
    assert compete("two", {"problems": 6, "runs": 1})["runs.csv"] == found["runs.csv"]
    assert capsys.readouterr().out == (
        f"{file} is damaged, or belongs to other work: it is dropped.\n"
    )


# ---- what lies in the way ------------------------------------------------------------------------


def write(job):
    (job.folder / "file").write_text("words")


PLAIN = Artefact("plain", "one file", write, {"word": "one"})


def built(folder):
    return data.build([], {"plain": PLAIN}, folder)


def test_work_for_other_settings_is_dropped_when_the_result_is_in_place(tmp_path, capsys):
    shutil.copy(artefacts.data_folder() / "README.md", tmp_path)
    left = tmp_path / ".build/plain-0123456789abcdef"
    kept = [tmp_path / ".build" / name for name in ("plain-weak-0123456789abcdef", "plain-notes")]
    for folder in (left, *kept):
        folder.mkdir(parents=True)
    assert built(tmp_path) == 0
    assert f"{left} is left over from other settings: it is dropped.\n" in capsys.readouterr().out
    assert not left.exists() and all(folder.exists() for folder in kept)


def test_a_file_in_the_place_of_a_folder_is_told_or_gives_way(tmp_path, capsys):
    shutil.copy(artefacts.data_folder() / "README.md", tmp_path)
    (tmp_path / ".build").write_text("")
    assert built(tmp_path) == 1
    line = f"plain: {tmp_path / '.build'} is a file, where a folder belongs; delete it and repeat\n"
    assert capsys.readouterr().err == line
    (tmp_path / ".build").unlink()
    (tmp_path / "plain").write_text("")  # the result's own place
    assert built(tmp_path) == 0
    assert (tmp_path / "plain/file").read_text() == "words"


def test_foreign_files_and_half_ones_are_told(tmp_path, capsys):
    shutil.copy(artefacts.data_folder() / "README.md", tmp_path)
    built(tmp_path)
    capsys.readouterr()
    for name in ("manifest.json.part", "plain/adapter_config.json"):
        (tmp_path / name).write_text("{}")
    assert data.check([], {"plain": PLAIN}, tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / name} is left over or foreign; delete it"
        for name in ("manifest.json.part", "plain/adapter_config.json")
    ]


# ---- a system that refuses -----------------------------------------------------------------------


class NoRoom(Exception):
    """What a library in another language says."""


@pytest.mark.parametrize("what", ["checkpoint", "weights", "manifest"])
def test_a_full_disk_is_one_line_and_with_room_the_build_goes_on(
    what, stopped, calm, tmp_path, monkeypatch, capsys
):
    folder = shutil.copytree(stopped(MODEL), tmp_path / "data")
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:

        def half(write):
            def until_full(path, content, *arguments, **options):
                write(path, content[: len(content) // 2], *arguments, **options)
                raise full

            return until_full

        if what == "checkpoint":
            patch.setattr(Path, "write_bytes", half(Path.write_bytes))
        elif what == "manifest":
            patch.setattr(Path, "write_text", half(Path.write_text))
        else:

            def refuse(*_):
                raise NoRoom("I/O error: No space left on device (os error 28)")

            patch.setattr("ttclib.lm.pretrained.write_model", refuse)
        patch.setattr(data, "make", lambda one, folder: build(one, folder))
        declared = {"lab-tokenizer": lab.ARTEFACTS[0], "tiny": MODEL}
        assert data.build(["tiny"], declared, folder) == 1
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith("tiny: the disk is full (") and line.endswith("make room and repeat")
    assert not list(folder.rglob("*.part"))
    assert artefacts.manifest(folder).keys() == {"lab-tokenizer"}
    made, steps = build(MODEL, folder)
    assert made == calm(MODEL)
    assert steps == {"checkpoint": 3, "weights": 0, "manifest": 0}[what]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "data/x"), "data/x cannot be written"),
        (OSError(errno.EROFS, "Read-only file system", "data/x"), "data/x cannot be written"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (OSError(errno.EIO, "Input/output error"), "[Errno 5] Input/output error"),
        (ValueError("the moon is full"), "the moon is full"),
    ],
)
def test_every_refusal_is_one_line(error, line, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise error

    monkeypatch.setattr(data, "make", refuse)
    assert built(tmp_path) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"plain: {line}") and said.count("\n") == 1


def test_a_mistake_in_the_code_keeps_its_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "make", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        built(tmp_path)


# ---- the seal itself -----------------------------------------------------------------------------


def test_every_flipped_bit_of_sealed_work_is_noticed(tmp_path, capsys):
    file = tmp_path / "work"
    for place in range(8 * (32 + 5)):
        seal(file, b"words", "mine")
        content = bytearray(file.read_bytes())
        assert len(content) == 32 + 5
        content[place // 8] ^= 1 << place % 8
        file.write_bytes(content)
        file.with_suffix(".before").unlink(missing_ok=True)
        assert unseal(file, "mine") is None
        assert not file.exists()
        assert capsys.readouterr().out.count("\n") == 1


def test_the_owner_and_the_work_do_not_run_into_each_other(tmp_path, capsys):
    seal(tmp_path / "work", b"a\nb", "mine")
    assert unseal(tmp_path / "work", "mine") == b"a\nb"
    assert capsys.readouterr().out == ""
    assert unseal(tmp_path / "work", "mine\na") is None


def test_what_was_sealed_before_is_still_there(tmp_path, capsys):
    for work in (b"one", b"two", b"three"):
        seal(tmp_path / "work.pt", work, "mine")
    assert unseal(tmp_path / "work.pt", "mine") == b"three"
    (tmp_path / "work.pt").write_bytes(b"")
    assert unseal(tmp_path / "work.pt", "mine") == b"two"
    assert capsys.readouterr().out.count("is dropped") == 1
    assert unseal(tmp_path / "work.pt", "mine") == b"two"
    assert unseal(tmp_path / "work.pt", "others") is None
    assert list(tmp_path.iterdir()) == []
