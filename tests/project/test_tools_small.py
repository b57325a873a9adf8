"""The tables of notebook 13: made as their settings say, and recounted from the models."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from tools import data, small
from ttclib import artefacts
from ttclib.course.small_models import knowledge
from ttclib.course.small_models.record import chosen, read_runs
from ttclib.search import results


def folder(name):
    return artefacts.path(name)


def test_the_runs_are_those_of_the_plan():
    plan = data.ARTEFACTS["quantization"].settings
    wanted = small.runs(plan["runs"])
    found = read_runs(folder("quantization"))
    assert len(found) == len(wanted)
    for run, want in zip(found, wanted, strict=True):
        assert {name: getattr(run, name) for name in want} == want
        assert len(run.right) == len(run.nats) == plan["problems"]
    full = [run for run in found if run.method == small.FULL]
    assert {run.model for run in full} == {"lab-large", "lab-small", "lab-small-more"}
    assert all(abs(run.divergence) < 1e-7 for run in full)


@pytest.mark.parametrize("name", ["quantization", "knowledge"])
def test_the_score_is_what_the_manifest_says(name):
    artefact = data.ARTEFACTS[name]
    job = SimpleNamespace(folder=folder(name), settings=artefact.settings)
    assert artefact.score(job) == artefacts.manifest()[name]["score"]


def test_a_run_is_measured_again():
    """The small model in 3 bits: the same answers, and the same divergence."""
    plan = data.ARTEFACTS["quantization"]
    wanted = {"model": "lab-small", "method": small.GPTQ, "sharing": "32", "bits": 3}
    (run,) = chosen(read_runs(folder("quantization")), **wanted)
    needs = tuple((name, folder(name)) for name in plan.needs)
    wanted |= {"calibration": run.calibration}
    again = small.measured(needs, plan.settings, plan.seeds["problems"], wanted)
    assert again["run"]["nbytes"] == run.nbytes
    nats = [answer["nats"] for answer in again["answers"]]
    assert nats == pytest.approx(run.nats, rel=1e-2, abs=1e-3)
    assert [answer["tokens"] for answer in again["answers"]] == run.tokens.tolist()
    same = np.mean([answer["right"] for answer in again["answers"]] == run.right)
    assert same > 0.97  # another processor adds in another order, and a tie may fall otherwise
    table = results.read(folder("quantization"), "layers")
    index = small.runs(plan.settings["runs"]).index(wanted | {"model": "lab-small"})
    mine = table["run"] == index
    assert [layer["error"] for layer in again["layers"]] == pytest.approx(
        table["error"][mine], rel=1e-3
    )


def test_sums_by_text():
    problems, rows = small.packed("test", 9, 0)
    from ttclib.lm import arithmetic, tokenizer, training

    learned = np.count_nonzero(rows.targets != training.IGNORE)
    sums, counts = small.by_text(rows, np.ones(learned))
    lengths = [
        len(tokenizer.encode(arithmetic.example(problem))) - len(problem) - 1
        for problem in problems
    ]
    assert sums.tolist() == counts.tolist() == lengths


def test_the_memories_are_those_of_the_plan_and_one_learns_again():
    artefact = data.ARTEFACTS["knowledge"]
    plan = artefact.settings
    table = results.read(folder("knowledge"), "memories")
    rows = len(plan["hidden"]) * len(plan["offered"]) * len(plan["exposures"])
    assert len(table["stored"]) == rows * plan["memories"] * (1 + len(plan["bits"]))
    setting = (plan["hidden"][0], plan["offered"][0], plan["exposures"][0])
    again = small.remembered(plan, artefact.seeds["facts"], setting)
    for row in again:
        mine = np.all([table[name] == row[name] for name in row if name != "stored"], axis=0)
        assert mine.sum() == 1
        if row["bits"] == 32:
            assert table["stored"][mine][0] == pytest.approx(row["stored"], rel=0.05)
    for hidden in plan["hidden"]:
        mine = table["hidden"] == hidden
        assert set(table["parameters"][mine]) == {knowledge.Memories(hidden).size}
        for offered in plan["offered"]:
            facts = set(table["facts"][mine & (table["offered"] == offered)])
            assert facts == {knowledge.facts_for(hidden, offered)}


def test_no_network_holds_more_than_it_was_offered():
    table = results.read(folder("knowledge"), "memories")
    assert (table["stored"] <= 5 * table["facts"] + 1e-6).all()


def test_seconds_of_every_kind_width_and_round():
    plan = data.ARTEFACTS["kernels"].settings
    table = results.read(folder("kernels"), "seconds")
    layers = table["what"] == "layer"
    assert set(table["width"][layers]) == set(plan["widths"])
    kinds = 3 * plan["rounds"] * len(plan["tokens"])
    assert len(table["seconds"]) == kinds * (len(plan["widths"]) + 2)
    assert (table["seconds"] > 0).all()
