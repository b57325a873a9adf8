"""What data/ holds is what it says, and the command that builds it survives being killed."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import course
from tools import artefact, chains, data, lab, revision, search, verifier
from tools.artefact import Artefact, make, pending
from ttclib import artefacts
from ttclib.course.revisions.attempts import WINDOW
from ttclib.lm import arithmetic, flops, tokenizer

torch = pytest.importorskip("torch")

from ttclib.lm import training
from ttclib.lm.engine import CausalLM
from ttclib.lm.llama import Llama
from ttclib.lm.pretrained import read_model
from ttclib.search.models import LADDER

SHIPPED = artefacts.data_folder()
# language models; a verifier has no tokenizer of its own, and is tested with a reader
MODELS = [
    name for name in artefacts.manifest() if (SHIPPED / name / "tokenizer_config.json").exists()
]
MODELS.remove("lab-tokenizer")
TINY = {
    "texts": {"problems": 40, "row": 256},
    "shape": {"width": 16, "layers": 2, "heads": 2, "hidden": 24},
    "training": {"batch": 4, "steps": 8, "learning_rate": 1e-2},
    "temperature": 1.0,
}


# --- what is in the folder ------------------------------------------------------------------------


@pytest.mark.parametrize("name", data.ARTEFACTS)
def test_every_artefact_is_there_sound_and_made_as_declared(name):
    assert pending(data.ARTEFACTS[name]) is None


def test_the_manifest_holds_nothing_else():
    assert artefacts.manifest().keys() <= data.ARTEFACTS.keys()
    for name, entry in artefacts.manifest().items():
        assert entry["rebuild"] == f"python3 course.py data {name}"
        assert entry["seconds"] >= 0 and entry["device"]
        assert entry["what"] == data.ARTEFACTS[name].what


def test_every_file_is_in_the_manifest_or_named_in_the_readme():
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    listed = {
        f"{name}/{file}" for name, entry in artefacts.manifest().items() for file in entry["files"]
    }
    for file in SHIPPED.rglob("*"):
        place = file.relative_to(SHIPPED)
        hidden = any(part.startswith(".") for part in place.parts)
        if (
            file.is_file()
            and not hidden
            and place.as_posix() not in listed
            and place.name != "README.md"
        ):
            assert f"`{place.as_posix()}`" in readme, place


def test_the_readme_holds_the_table_of_the_manifest(tmp_path):
    shutil.copy(SHIPPED / "README.md", tmp_path)
    shutil.copy(SHIPPED / "manifest.json", tmp_path)
    data.describe(tmp_path)
    assert (tmp_path / "README.md").read_bytes() == (SHIPPED / "README.md").read_bytes()


def test_the_front_page_says_how_large_it_is():
    entries = artefacts.manifest().values()
    size = sum(file["bytes"] for entry in entries for file in entry["files"].values())
    front = (course.ROOT / "README.md").read_text(encoding="utf-8")
    assert f"[`data/`](data/README.md) ({size / 1e6:.0f} MB)" in front


def hears(net):
    """What the README calls that which a verifier's head is told."""
    named = " and ".join(f"the {who}" for who in net.get("hears", ("writer", "body"))) or "nobody"
    return named if net.get("sums", True) else f"{named}, token by token"


def test_the_readme_says_what_each_verifier_was_given():
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| `([\w-]+)`(.*?) \| (.*?) \| ([\d,]+) \|$", readme, re.M)
    expected = []
    for name, made in data.ARTEFACTS.items():
        if "net" in made.settings:
            net, solutions = made.settings["net"], made.settings["rollouts"]["solutions"]
            along = ", trained along" if net.get("hears") == [] else ""
            expected.append((name, made.settings["start"], along, hears(net), f"{solutions:,}"))
    assert sorted(rows) == sorted(expected)
    assert [name for name, *_ in rows][: len(LADDER)] == list(LADDER)


def test_the_readme_says_the_numbers_of_the_settings():
    text = " ".join((SHIPPED / "README.md").read_text(encoding="utf-8").split())
    settings = {name: made.settings for name, made in data.ARTEFACTS.items()}
    small = settings["lab-small"]
    own = settings["lab-small-own"]
    some = settings["lab-small-some"]
    more = settings["lab-small-more"]
    second = settings["countdown-small"]
    sweep = settings["search-sweep"]
    again = settings["countdown-own"]
    record = settings["countdown-sweep"]
    claim = settings["small-against-large"]
    runs = [n for methods in claim["methods"].values() for sizes in methods.values() for n in sizes]
    models = [read_model(artefacts.path(name))[0] for name in ("lab-small", "lab-large")]
    a_token = [flops.coefficients(model.config)[0] for model in models]
    drawn = verifier.ROLLOUTS
    held_out = verifier.HELD_OUT
    for sentence in (
        f"the same {small['texts']['problems']:,} problems of the training split",
        f"packed into rows of {small['texts']['row']}.",
        f"stops early, after {small['training']['steps']:,} steps",
        f"are divided by {small['temperature']}: what was temperature {small['temperature']} to",
        f"{second['texts']['problems']:,} texts, {second['training']['steps']:,} steps",
        f"its last weights are divided by {second['temperature']} too",
        f"costs {a_token[1] / a_token[0]:.0f} times as many operations",
        f"on {lab.TEST['problems']} problems of the test split with {lab.TEST['samples']} samples",
        f"{drawn['problems']:,} training problems with {drawn['samples']} solutions each",
        f"learns from them for {own['training']['steps']:,} steps",
        f"has {some['rollouts']['problems']:,} of these problems and",
        f"problems and {some['training']['steps']} steps",
        f"true solutions, of {more['texts']['problems']:,} problems, for as long as",
        f"written in at most {verifier.LONGEST} tokens and packed into rows of {drawn['row']}",
        f"on {held_out['problems']} validation problems with {held_out['samples']} solutions each",
        f"another draw of {held_out['problems']} validation problems with {held_out['samples']}",
        f"{verifier.FEWER['samples']} solutions each of {verifier.FEWER['problems']:,} of its",
        f"for {again['training']['steps']:,} steps.",
        f"two tables of {record['problems']} problems of Countdown",
        "budgets of 1 to 64 generations, and 128 samples of each",
        f"{sweep['problems']} test problems, the first {lab.TEST['problems']} of them those",
        f"budgets of 1 to {max(search.BUDGETS)} generations",
        f"what {len(runs)} methods said of the same {claim['problems']} test problems",
    ):
        assert sentence in text, sentence
    assert small["texts"] == settings["lab-large"]["texts"]
    assert small["shape"] == second["shape"]
    assert again["rollouts"]["each"] == 4
    plan = search.settings(record)
    assert max(setting.n for setting in plan if setting.method == "best of n") == 128
    assert max(s.generations for s in plan if s.method != "best of n") == 64
    assert (verifier.ANSWER, own["rollouts"]["each"]) == (4, 2)
    assert own["training"] == more["training"]
    problems = [
        arithmetic.problems("test", n, np.random.default_rng(lab.TEST["seed"]))
        for n in (sweep["problems"], lab.TEST["problems"])
    ]
    assert problems[0][: len(problems[1])] == problems[1]
    assert data.ARTEFACTS["search-sweep"].seeds["problems"] == lab.TEST["seed"]


def test_the_readme_says_how_the_revisers_were_made():
    text = " ".join((SHIPPED / "README.md").read_text(encoding="utf-8").split())
    paper, both, mine = (
        data.ARTEFACTS[name].settings for name in ("reviser-paper", "reviser-both", "reviser")
    )
    steps = [stage["training"]["steps"] for each in (paper, mine, both) for stage in each["stages"]]
    histories = chains.HISTORIES
    record = data.ARTEFACTS["revision-chains"].settings
    numbers = ["no", "one", "two", "three", "four"]
    for sentence in (
        "learn for {:,}, {:,} + {:,} and {:,} steps of 16 rows".format(*steps),
        f"divided by {paper['temperature']} afterwards",
        f"along {revision.TEST['chains']} chains of {revision.TEST['steps']} attempts",
        f"each of {revision.TEST['problems']} test problems",
        f"for {steps[2]} steps, chains of five",
        f"reads {numbers[both['window']]} attempt before",
        f"the others up to {numbers[mine['window']]}",
        f"{numbers[histories['samples']]} revisions of each of {numbers[histories['first']]}",
        f"attempts at {histories['problems']:,} training problems",
        f"which read {numbers[record['window']]} attempt, on the {record['problems']} problems",
        f"{record['attempts']} attempts at each problem in every split",
    ):
        assert sentence in text, sentence
    assert paper["window"] == mine["window"] == WINDOW == 4
    assert paper["temperature"] == both["temperature"]
    assert mine["temperature"] == 1.0
    for stage in [*paper["stages"], *mine["stages"], *both["stages"]]:
        assert (stage["writer"], stage["solutions"]) == ("lab-small", verifier.ROLLOUTS)
        assert stage["training"]["batch"] == 16
    assert [stage["texts"]["choose"] for stage in paper["stages"]] == ["wrong then right"]
    assert [stage["texts"]["choose"] for stage in both["stages"]] == ["keep or mend"]
    assert [stage["texts"]["choose"] for stage in mine["stages"]] == ["mend itself", "like a chain"]


def test_its_commands_exist():
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    options = re.findall(r"^python3 course\.py data +(.*?) *#", readme, re.MULTILINE)
    assert "--check" in options and "" in options
    for option in options:
        assert option in ("", "--list", "--check", "--score") or option in data.ARTEFACTS


def test_no_line_end_is_changed_by_git():
    assert "data/** -text" in (course.ROOT / ".gitattributes").read_text().splitlines()


def test_the_small_model_is_what_the_course_needs():
    score = artefacts.manifest()["lab-small"]["score"]
    assert 0.35 <= score["pass@1"] <= 0.55
    quintiles = score["by difficulty"]
    assert quintiles[0] >= 0.9 and quintiles[-1] <= 0.02
    assert all(easier - harder > 0.05 for easier, harder in itertools.pairwise(quintiles))


# --- the models that are shipped ------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_loads_and_computes_what_the_training_module_does(name):
    model, words = read_model(artefacts.path(name))
    assert model.dtype == torch.float32
    assert model.config.eos_token_id == words.eos_token_id == tokenizer.VOCABULARY[arithmetic.END]
    assert model.config.pad_token_id == words.pad_token_id == tokenizer.VOCABULARY[tokenizer.PAD]
    text = arithmetic.example("(17-9)*12+45")
    tokens = words(text, return_tensors="pt").input_ids
    assert tokens[0].tolist() == tokenizer.encode(text)
    with torch.no_grad():
        gap = (model(tokens).logits - Llama.of(model)(tokens)).abs().max()
    assert gap < 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_a_problem_is_solved_the_same_alone_and_beside_others(name):
    lm = CausalLM(*read_model(artefacts.path(name)))
    mine = lab.LABS[data.ARTEFACTS[name].settings.get("task", "arithmetic")]
    problems = mine.problems("test", 12, np.random.default_rng(0))

    def greedy(some):
        found = lab.greedy(lm, some, task=mine.task)
        return [lm.vocabulary.decode(row[row >= 0]) for row in found.tokens], found.right

    together, right = greedy(problems)
    assert together[:3] == [greedy([problem])[0][0] for problem in problems[:3]]
    assert right.sum() >= 2  # an untrained model solves none


@pytest.mark.statistical
@pytest.mark.parametrize("mine", lab.LABS.values(), ids=lab.LABS)
def test_the_small_model_scores_what_the_manifest_says(mine, seed):
    # Hoeffding for the difference of two means of 800 and 12800 right-or-wrong samples of the same
    # problems: P(|difference| > t) ≤ 2 exp(−2 t² / (1/800 + 1/12800)), which is 1e-6 at this t
    counts = 4 * lab.TEST["problems"], lab.TEST["samples"] * lab.TEST["problems"]
    bound = np.sqrt(np.log(2e6) / 2 * (1 / counts[0] + 1 / counts[1]))
    assert bound < 0.11
    problems = mine.problems("test", 200, np.random.default_rng(lab.TEST["seed"]))
    found = lab.draw(
        CausalLM(*read_model(artefacts.path(mine.writer))),
        problems,
        4,
        np.random.default_rng(1000 + seed),
        "test",
        mine.task,
    ).right.mean()
    assert abs(found - artefacts.manifest()[mine.writer]["score"]["pass@1"]) < bound


# --- how a score is summed up ---------------------------------------------------------------------


def test_a_score_is_split_by_operations_and_difficulty():
    problems = arithmetic.problems("train", 60, np.random.default_rng(0))
    chance = np.repeat([1, 0.75, 0.5, 0.25, 0], 12)[np.random.default_rng(1).permutation(60)]
    right = np.tile(
        np.arange(8) < 8 * chance[:, None], 2
    )  # both halves alike, so the order is exact
    found = lab.summary(problems, right)
    assert found["by difficulty"] == [1, 0.75, 0.5, 0.25, 0]
    assert found["pass@1"] == 0.5
    assert list(found["by operations"]) == ["2", "3", "4", "5", "6", "7"]
    for k in range(6):  # the problems go through 2 to 7 operations in turn
        assert found["by operations"][str(k + 2)] == pytest.approx(chance[k::6].mean(), abs=1e-3)
    other = lab.LABS["countdown"]
    problems = other.problems("train", 60, np.random.default_rng(0))
    found = lab.summary(problems, right, other)["by numbers"]
    assert found == {str(k + 3): round(chance[k::3].mean(), 3) for k in range(3)}


@pytest.mark.statistical
def test_luck_is_not_taken_for_ease(seed):
    # 200 problems, all with chance 1/2. Hoeffding over 5 quintiles of 320 samples: 5 · 2 exp(−2 ·
    # 320 t²) is 1e-6 at this t. Sorting and counting with the same samples would find 0.75 in the
    # first.
    bound = np.sqrt(np.log(1e7) / 640)
    assert bound < 0.2
    right = np.random.default_rng(seed).random((200, 16)) < 0.5
    found = lab.summary(arithmetic.problems("train", 200, np.random.default_rng(0)), right)[
        "by difficulty"
    ]
    assert np.abs(np.array(found) - 0.5).max() < bound + 0.0005  # rounded to three digits


# --- building -------------------------------------------------------------------------------------


def write(job):
    """Build a file from a setting and from what the artefact is made from."""
    read = [(folder / "file").read_text() for folder in job.needs.values()]
    (job.folder / "file").write_text(" ".join([*read, job.settings["word"]]))


FIRST = Artefact("first", "one file", write, {"word": "one"})
SECOND = Artefact("second", "made from first", write, {"word": "two"}, {"luck": 3}, ("first",))


@pytest.fixture
def folder(tmp_path):
    shutil.copy(SHIPPED / "README.md", tmp_path)
    return tmp_path


def built(folder, *declared, names=()):
    return data.build(names, {artefact.name: artefact for artefact in declared}, folder)


def test_artefacts_are_built_from_each_other_and_then_left_alone(folder, monkeypatch, capsys):
    assert built(folder, FIRST, SECOND) == 0
    assert (folder / "second/file").read_text() == "one two"
    entry = artefacts.manifest(folder)["second"]
    assert entry["settings"] == {"word": "two"} and entry["seeds"] == {"luck": 3}
    assert list(entry["made from"]) == ["first"]
    assert entry["files"]["file"]["bytes"] == 7
    assert artefacts.path("second", folder) == folder / "second"
    assert "| `second` | made from first |" in (folder / "README.md").read_text(encoding="utf-8")
    assert not [path for path in (folder / ".build").iterdir() if path.is_dir()]
    monkeypatch.setattr(data, "make", lambda *_: pytest.fail("built again"))
    capsys.readouterr()
    assert built(folder, FIRST, SECOND) == 0
    assert capsys.readouterr().out == "first: ready\nsecond: ready\n"


def test_only_what_was_asked_for_and_what_it_needs_is_built(folder):
    third = Artefact("third", "alone", write, {"word": "three"})
    assert built(folder, FIRST, SECOND, third, names=["second"]) == 0
    assert artefacts.manifest(folder).keys() == {"first", "second"}


def test_other_settings_and_all_that_follows_are_built_again(folder, capsys):
    built(folder, FIRST, SECOND)
    capsys.readouterr()
    built(folder, replace(FIRST, settings={"word": "eins"}), SECOND)
    assert (folder / "second/file").read_text() == "eins two"
    out = capsys.readouterr().out
    assert "first: its settings have changed\n" in out
    assert "second: what it is made from has changed\n" in out


def test_a_damaged_file_is_named_and_built_again(folder, capsys):
    built(folder, FIRST)
    (folder / "first/file").write_text("x")
    declared = {"first": FIRST}
    capsys.readouterr()
    assert data.check([], declared, folder) == 1
    line = "data/first/file is damaged (1 bytes, not 3); rebuild it with:"
    assert capsys.readouterr().out == f"{line} python3 course.py data first\n"
    built(folder, FIRST)
    assert (folder / "first/file").read_text() == "one"
    assert data.check([], declared, folder) == 0


def test_a_build_that_fails_is_one_line_and_leaves_what_was_there(folder, capsys):
    def fail(job):
        raise ValueError("the moon is full")

    alone = Artefact("alone", "", write, {"word": "alone"})
    built(folder, FIRST)
    status = built(folder, replace(FIRST, build=fail, settings={}), SECOND, alone)
    assert status == 1
    assert "first: the moon is full\n" in capsys.readouterr().err
    assert (folder / "first/file").read_text() == "one"
    assert artefacts.path("alone", folder)  # the others are built all the same


def test_two_processes_do_not_build_the_same(folder, monkeypatch):
    make(FIRST, folder)
    (folder / "first/file").unlink()
    reasons = iter(["missing", None])  # the other process finishes while this one waits
    monkeypatch.setattr(artefact, "pending", lambda *_: next(reasons))
    assert artefact.pending(FIRST, folder)
    assert make(FIRST, folder) == artefacts.manifest(folder)["first"]
    assert not (folder / "first/file").exists()


def test_a_score_is_measured_again_without_building(folder):
    scored = replace(
        FIRST, score=lambda job: {"length": len((job.folder / "file").read_text()) / 2}
    )
    made = make(scored, folder)
    assert made["score"] == {"length": 1.5}
    assert data.table(folder).endswith("| length 1.50 |\n")
    again = artefact.rescore(replace(scored, score=lambda job: {"length": 7.0}), folder)
    assert again == made | {"score": {"length": 7.0}} == artefacts.manifest(folder)["first"]


def test_an_unknown_artefact_is_one_line(capsys):
    assert data.main(["lab-smal"]) == 2
    assert capsys.readouterr().err.startswith(
        "There is no artefact 'lab-smal'; there are lab-tokenizer, "
    )


def test_the_state_of_each_is_listed(capsys):
    data.main(["--list"])
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == list(data.ARTEFACTS)
    assert said[0].split()[1] == "ready"


# --- training survives a kill ---------------------------------------------------------------------


def tiny():
    tokenizer_files, *_ = lab.ARTEFACTS
    model = Artefact("tiny", "a tiny model", lab.train, TINY, lab.SEEDS, ("lab-tokenizer",))
    return tokenizer_files, model


def build_until_killed(folder, steps):
    """Build the tiny model with a checkpoint after each step; die in the middle of a step."""
    loss, calls, minutes = training.lm_loss, itertools.count(), itertools.count(0, 100)

    def fatal(*args):
        if next(calls) == steps:
            os.kill(os.getpid(), signal.SIGKILL)
        return loss(*args)

    training.lm_loss, training.time.monotonic = fatal, lambda: float(next(minutes))
    built(Path(folder), *tiny())


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_model_whose_training_was_killed_has_the_same_bytes(folder, monkeypatch):
    code = f"from tests.project import test_data; test_data.build_until_killed({str(folder)!r}, 5)"
    path = {"PYTHONPATH": os.pathsep.join(map(str, (course.ROOT, course.ROOT / "tests/helpers")))}
    killed = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | path, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    assert artefacts.manifest(folder).keys() == {"lab-tokenizer"}
    assert not (folder / "tiny").exists()
    (checkpoint,) = (folder / ".build").glob("tiny-*/checkpoint.pt")

    models, steps, train, loss = [], [], training.train_lm, training.lm_loss

    def recorded(model, *args, **settings):
        models.append(model)
        return train(model, *args, **settings)

    monkeypatch.setattr(training, "train_lm", recorded)
    monkeypatch.setattr(training, "lm_loss", lambda *args: steps.append(1) or loss(*args))
    assert built(folder, *tiny()) == 0
    assert len(steps) == 8 - 5
    assert not checkpoint.parent.exists()

    whole = folder / "uninterrupted"
    whole.mkdir()
    shutil.copy(folder / "README.md", whole)
    assert built(whole, *tiny()) == 0
    assert artefacts.manifest(whole)["tiny"]["files"] == artefacts.manifest(folder)["tiny"]["files"]
    assert len(steps) == 3 + 8

    resumed, words = read_model(artefacts.path("tiny", folder))
    tokens = words(arithmetic.example("(17-9)*12+45"), return_tensors="pt").input_ids
    with torch.no_grad():
        theirs = resumed(tokens).logits
        assert (models[0](tokens) - theirs).abs().max() < 1e-5
