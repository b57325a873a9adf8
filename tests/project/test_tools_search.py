"""How the results of notebooks 08 and 09 are made."""

import math
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tools import search
from tools.artefact import Job
from ttclib import artefacts
from ttclib.course.your_own_model import countdown
from ttclib.lm import arithmetic
from ttclib.lm.llama import Shape
from ttclib.lm.models import load
from ttclib.search.methods import METHODS, root_width
from ttclib.search.verifier import Net, RewardModel


def test_the_plan_has_every_method_at_every_budget_it_can_have():
    found = search.settings(search.SWEEP)
    assert len(found) == len(set(found))
    assert {setting.method for setting in found} == set(METHODS)
    budgets = search.BUDGETS
    assert budgets == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    others = [setting for setting in found if setting.model != "lab-small"]
    assert len(others) == 2 * (1 + 5)  # bodies alone: one greedy text, or up to 16
    found = [setting for setting in found if setting not in others]
    # at N = 16 and 32 the width √N is 4, so there the two are one setting
    series = {
        "best of n": (6 + 2 + 2) * 9,  # the ladder, two verifiers beside it, two rules
        "beam": 4 * (7 + 7 - 2) + 2 * 7,  # N from 4; four rungs, two rules
        "lookahead": 6 + 5 + 5 - 2,
        "dvts": 7,
        "rebase": (4 + 2) * 8,
        "particles": 4 * 8,
        "annealed particles": 8,
        "mcts": 7,
    }
    for method, count in series.items():
        mine = [setting for setting in found if setting.method == method]
        assert len(mine) == count, method
        assert {setting.generations for setting in mine} <= set(budgets)
        assert max(setting.generations for setting in mine) == 256


def test_the_plan_of_the_second_task_asks_for_what_exists():
    found = search.settings(search.COUNTDOWN)
    assert len(found) == len(set(found))
    writers = {setting.model for setting in found}
    verifiers = {setting.verifier for setting in found}
    (artefact,) = (one for one in search.ARTEFACTS if one.name == "countdown-sweep")
    known = {*artefact.needs, *search.LABS["countdown"].rules}
    assert writers | verifiers <= known
    assert {*artefact.needs} <= writers | verifiers
    for judge in search.JUDGES:
        mine = [one for one in found if one.verifier == judge and one.model == "countdown-small"]
        assert {one.method for one in mine} >= {"best of n", "beam", "rebase", "particles", "dvts"}
        assert {1, 4, 16, 64} <= {one.generations for one in mine}


def test_a_small_sweep_of_the_second_task_is_built_and_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(search.joblib, "cpu_count", lambda **options: 1)
    writer = {"model": ["countdown-small"], "verifier": ["exact", "true"]}
    plan = {
        "task": "countdown",
        "problems": 6,
        "methods": [
            {"method": ["best of n"], **writer, "budget": [1, 8]},
            {"method": ["beam"], "width": [4], **writer, "budget": [8]},
        ],
    }
    needs = {"countdown-small": artefacts.path("countdown-small")}
    (tmp_path / "new").mkdir()
    job = Job(plan, {"problems": 2, "runs": 1}, tmp_path / "new", tmp_path / "work", needs)
    assert search.search(job) > 0
    rows = pq.read_table(job.folder / "results.parquet").to_pylist()
    assert len(rows) == 6 * len(search.settings(plan))
    assert all(row["value"] is None for row in rows)  # no answer is the only right one
    samples = pq.read_table(job.folder / "samples.parquet").to_pylist()
    for sample in samples:
        (problem,) = {row["expression"] for row in rows if row["problem"] == sample["problem"]}
        answer = countdown.TASK.answer(sample["text"])
        assert sample["right"] == countdown.TASK.right(problem, answer)
        assert (sample["answer"] is None) == (answer is None)
        assert sample["exact_last"] == float(sample["right"])
    score = search.search_score(job)
    solved = {sample["problem"] for sample in samples if sample["right"]}
    assert score["pass@8"] == round(len(solved) / 6, 4)
    assert score["best of n, exact"]["8"] == round(len(solved) / 6, 4)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8, 12, 64, 128, 256])
def test_the_root_width_divides(n):
    width = root_width(n)
    assert n % width == 0 and width <= math.sqrt(n)
    assert not [m for m in range(width + 1, n + 1) if n % m == 0 and m * m <= n]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small sweep under verifiers of random weights."""
    folder = tmp_path_factory.mktemp("sweep")
    lm, needs = load("lab-small"), {"lab-small": artefacts.path("lab-small")}
    needs |= dict.fromkeys(search.WRITERS, needs["lab-small"])
    for seed, name in enumerate((*search.LADDER, *search.BESIDE)):
        shape = Shape(vocabulary=len(lm.vocabulary), width=16, layers=2, heads=2, hidden=32)
        net = Net(shape, seed=seed)
        torch.nn.init.normal_(net.head.weight, generator=torch.Generator().manual_seed(seed))
        needs[name] = folder / name
        RewardModel(net, lm.vocabulary.texts).save(needs[name])
    (folder / "new").mkdir()
    few = [options | {"budget": [1, 4]} for options in search.SWEEP["methods"]]
    plan = search.SWEEP | {"problems": 2, "methods": few}
    job = Job(plan, {"problems": 2, "runs": 1}, folder / "new", folder / "work", needs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search.joblib, "cpu_count", lambda **options: 1)
        assert search.search(job) > 0
        yield job


def test_a_small_sweep_is_built_and_scored(built):
    results = pq.read_table(built.folder / "results.parquet").to_pylist()
    assert len(results) == 2 * len(search.settings(built.settings))
    problems = arithmetic.problems("test", 2, np.random.default_rng(2))
    assert {row["expression"] for row in results} == set(problems)
    score = search.search_score(built)
    for method, width, verifier in (
        ("beam", 4, "prm-some"),
        ("beam", 2, "prm"),
        ("dvts", 4, "prm"),
    ):
        mine = [
            row["weighted_last_right"]
            for row in results
            if (row["method"], row["width"], row["verifier"]) == (method, width, verifier)
        ]
        assert score[f"{method} M={width}, {verifier}"] == {"4": round(np.mean(mine), 4)}
    drawn = pq.read_table(built.folder / "samples.parquet").to_pylist()
    for name in ("pass@1", "pass@4", *(f"{model}, greedy" for model in search.WRITERS)):
        model, _, kind = name.rpartition(", ")
        t, n = (0.0, 1) if kind == "greedy" else (1.0, int(kind[-1]))
        mine = [s for s in drawn if (s["model"], s["temperature"]) == (model or "lab-small", t)]
        solved = {s["problem"] for s in mine if s["right"] and s["sample"] < n}
        assert mine and score[name] == len(solved) / 2, name  # whatever a verifier says of them


def test_a_finished_part_is_not_done_again(built):
    """The models are not even loaded."""
    before = (built.folder / "results.parquet").read_bytes()
    nowhere = dict.fromkeys(built.needs, built.folder / "nowhere")
    assert search.search(replace(built, needs=nowhere)) > 0
    assert (built.folder / "results.parquet").read_bytes() == before
