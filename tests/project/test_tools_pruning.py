"""How the records of pruning are made: what each run starts from, reads, and is measured at."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from tools import pruning
from tools.artefact import Job
from tools.lab import training_problems
from ttclib.course.small_models import recovery
from ttclib.lm import tokenizer, training
from ttclib.lm.llama import Llama, Shape
from ttclib.lm.pretrained import write_model

SHAPE = Shape(vocabulary=len(tokenizer.VOCABULARY), width=16, layers=2, heads=2, hidden=12)
THIN = {"width": 8, "heads": 1, "hidden": 6, "layers": 1}
BETWEEN = {"width": 16, "heads": 2, "hidden": 6, "layers": 1}
SETTINGS = {"problems": 60, "batch": 2, "steps": 4, "looks": 2, "rivals": ["lab-large"]}


def runs():
    four = pruning.two_by_two(THIN, 1e-2, asked=2)
    return four | pruning.other_ways(THIN, BETWEEN, 1e-2)


@pytest.fixture
def calls(monkeypatch):
    """Short tests, nothing compiled; what was trained is written down."""
    found = []
    train = training.train_lm

    def noted(model, rows, **settings):
        found.append((model.shape, rows, settings))
        return train(model, rows, **settings | {"compiled": False, "mixed": False})

    monkeypatch.setattr(training, "train_lm", noted)
    monkeypatch.setattr(pruning, "TEST", {"problems": 3, "seed": 2})
    monkeypatch.setattr(pruning, "HELD_OUT", {"problems": 6, "seed": 3})
    monkeypatch.setattr(pruning, "CALIBRATION", {"problems": 6, "seed": 4})
    pruning.test_problems.cache_clear()
    yield found
    pruning.test_problems.cache_clear()


@pytest.fixture
def job(tmp_path):
    write_model(tmp_path / "lab-large", Llama(SHAPE, 1), tokenizer.build())
    (tmp_path / "new").mkdir()
    needs = {"lab-large": tmp_path / "lab-large"}
    settings = SETTINGS | {"runs": runs()}
    return Job(settings, pruning.SEEDS, tmp_path / "new", tmp_path / ".build" / "work", needs)


def test_every_run_reads_the_same_and_is_measured_on_its_way(job, calls):
    pruning.recover(job)
    assert [shape.parameters for shape, *_ in calls[:7]] == [calls[0][0].parameters] * 7
    assert calls[7][0].parameters > calls[8][0].parameters  # pruned twice: in between, then small
    whole = calls[0][1]
    assert len(whole) == 8
    for _, rows, settings in calls[1:7]:
        assert np.array_equal(rows.tokens, whole.tokens) and settings["steps"] == 4
    halves = np.concatenate([calls[7][1].tokens, calls[8][1].tokens])
    assert np.array_equal(halves, whole.tokens) and calls[8][2]["steps"] == 2
    assert [rows.share for _, rows, _ in calls] == [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    assert [rows.temperature for _, rows, _ in calls[3:6]] == [1.0, 2.0, 4.0]

    found = recovery.read_runs(job.folder, SHAPE.flops[0] // 2)
    assert list(found) == list(job.settings["runs"])
    tokens = 4 * 2 * pruning.ROW
    for name in recovery.TWO_BY_TWO:
        run = found[name]
        assert run.tokens.tolist() == [0, tokens / 2, tokens]
        assert run.trained[-1] == 6 * run.weights * tokens
        assert run.taught[-1] == SHAPE.flops[0] * tokens * ("taught" in name)
        assert run.right.shape == (3, 2 if "scratch" in name else 3)
    assert found["T = 2"].tokens.tolist() == [0, tokens] and found["T = 2"].taught[-1] > 0
    twice = found["two steps"]
    assert twice.tokens.tolist() == [0, tokens / 2, tokens / 2, tokens]
    large = calls[7][0].flops[0] // 2
    assert twice.trained[-1] == 6 * (large + twice.weights) * tokens / 2
    begin = {name: run.kl[0] for name, run in found.items()}
    assert begin["pruned"] == begin["pruned, taught"] == begin["T = 2"] != begin["scratch"]
    assert len({begin["pruned"], begin["random parts"], begin["two steps"]}) == 3
    ends = [found[name].kl[-1] for name in ("pruned, taught", "T = 2", "T = 4")]
    assert len(set(ends)) == 3
    texts = recovery.read_texts(job.folder)
    assert {name: len(texts[name]) for name in found} == {
        name: 2 if "scratch" in name else 3 for name in found
    }
    (rival,) = recovery.read_rivals(job.folder).values()
    assert rival.right.shape == (3,) and len(rival.texts) == 3


def test_a_text_may_be_read_again_and_the_teacher_reads_it_once(job, calls):
    two = {name: runs()[name] for name in ("scratch, taught", "pruned")}
    more = {"kind": "same", "epochs": 2, "problems": 80, "runs": two}
    pruning.recover(replace(job, settings=SETTINGS | more))
    rows = calls[0][1]
    assert len(rows) == 4 and np.array_equal(rows.tokens, calls[1][1].tokens)
    texts = pruning.pack(training_problems(80, np.random.default_rng(pruning.SEEDS["texts"])))
    assert np.array_equal(rows.tokens, texts.tokens[:4])
    found = recovery.read_runs(job.folder, SHAPE.flops[0] // 2)
    tokens = 4 * 2 * pruning.ROW
    run = found["scratch, taught"]
    assert run.tokens.tolist() == [0, tokens / 2, tokens]
    assert run.taught.tolist() == [0, *[SHAPE.flops[0] * tokens / 2] * 2]
    assert found["pruned"].taught.tolist() == [0, 0, 0]


def test_what_is_finished_stays_when_another_run_is_declared(job, calls):
    four = {name: runs()[name] for name in recovery.TWO_BY_TWO}
    pruning.recover(replace(job, settings=SETTINGS | {"runs": four}))
    before = recovery.read_runs(job.folder, 1)
    calls.clear()
    other = replace(job, work=job.work.with_name("of other settings"))
    pruning.recover(replace(other, settings=SETTINGS | {"runs": four | {"T = 2": runs()["T = 2"]}}))
    assert [rows.temperature for _, rows, _ in calls] == [2.0]
    after = recovery.read_runs(job.folder, 1)
    assert list(after) == [*four, "T = 2"]
    assert all(after[name].kl.tolist() == before[name].kl.tolist() for name in four)
    # another amount of reading is another run
    pruning.recover(replace(other, settings=SETTINGS | {"runs": four, "steps": 6}))
    assert len(calls) == 5


def test_a_killed_record_goes_on_with_what_it_has(job, calls, monkeypatch):
    pruning.recover(job)
    whole = (job.folder / "curves.parquet").read_bytes()
    (job.folder / "curves.parquet").unlink()
    asked = []
    measure = pruning.Examiner.measure
    monkeypatch.setattr(
        pruning.Examiner, "measure", lambda *args: asked.append(1) or measure(*args)
    )
    steps = []
    loss = training.lm_loss
    monkeypatch.setattr(training, "lm_loss", lambda *args: steps.append(1) or loss(*args))
    pruning.recover(job)
    assert asked == [] and steps == []
    assert (job.folder / "curves.parquet").read_bytes() == whole


def test_pruning_alone(job, calls):
    plans = [{"hidden": 6}, {"layers": 1}, {"width": 8}, {"heads": 1}, THIN]
    pruning.prune_once(replace(job, settings={"plans": plans, "random": 2, "asked": 2}))
    whole, *thin = recovery.read_thin(job.folder, SHAPE)
    assert (
        whole.kind == "none"
        and whole.removed == 0
        and whole.kl.tolist() == pytest.approx([0.0], abs=1e-6)
    )
    assert [one.kind for one in thin] == ["hidden", "layers", "width", "heads", "several"]
    assert [one.counts for one in thin] == plans
    assert all(one.kl.shape == (3,) and one.solved.shape == (2,) for one in thin)
    left = replace(SHAPE, **THIN).flops[0]
    assert thin[-1].removed == pytest.approx(1 - left / SHAPE.flops[0])
    assert all(np.ptp(one.kl[1:]) > 0 for one in thin)  # controls differ


def test_what_is_declared_fits():
    for artefact in pruning.ARTEFACTS:
        assert json.loads(json.dumps(artefact.settings)) == artefact.settings
    half, *others = pruning.ARTEFACTS[1:]
    for size, artefact in ((pruning.HALF, half), *((pruning.SMALL, other) for other in others)):
        assert all(plan["shapes"][-1] == size for plan in artefact.settings["runs"].values())
        for plan in artefact.settings["runs"].values():
            steps = artefact.settings["steps"] // len(plan["shapes"])
            assert steps >> artefact.settings["looks"] - 1 > 0  # no look at a step before the first
