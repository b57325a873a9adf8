"""What post-training reads is what its plan says, and every way pays the same."""

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from noisy_solver import NoisySolver

from tools import data, post_training
from ttclib import artefacts
from ttclib.course.three_scaling_laws.post_training import Record
from ttclib.lm import arithmetic, tokenizer
from ttclib.lm.models import load

SETTINGS = data.ARTEFACTS["post-training"].settings


LETTERS = list(tokenizer.VOCABULARY)


def problem_of(text):
    """The problem that a text solves."""
    tokens, given = text
    return "".join(LETTERS[token] for token in tokens[: given - 1])


def test_texts_are_collected_until_there_are_enough_tokens():
    blocks = itertools.count()

    def write(rng):
        next(blocks)
        return [([1] * 10, 3)] * 7

    texts, total = post_training.until(95, write, None)
    assert total == 100 and len(texts) == 10 and next(blocks) == 2
    texts, total = post_training.until(70, write, None)
    assert total == 70


def test_a_mix_holds_its_shares(monkeypatch):
    monkeypatch.setattr(post_training, "BLOCK", 40)
    rng = np.random.default_rng(0)
    texts = post_training.true_texts({"larger": 0.75, "exam": 0.25}, rng)
    found = [problem_of(text) for text in texts]
    large = [max(map(int, re.findall(r"\d+", problem))) > 999 for problem in found]
    assert sum(large) == 30 and len(found) == 40
    assert any(large[:10]) and not all(large[-20:])  # shuffled


def test_long_problems_are_long_and_all_are_of_the_training_split():
    for kind, operations in (("long", range(5, 8)), ("exam", range(2, 8)), ("larger", range(1, 5))):
        found = post_training.PROBLEMS[kind](24, np.random.default_rng(0))
        assert {arithmetic.split_of(problem) for problem in found} == {"train"}
        counts = {sum(problem.count(sign) for sign in "+-*") for problem in found}
        assert counts == set(operations)


@pytest.mark.parametrize("right_only", [True, False])
def test_written_texts_are_what_the_model_wrote(right_only):
    rng = np.random.default_rng(1)
    how = ("exam", 6, 8, right_only, 2, rng)
    texts, sampled = post_training.written_texts(NoisySolver(), *how)
    by_problem = {}
    letters = [*arithmetic.ALPHABET, "\n"]
    for tokens, given in texts:
        problem = problem_of((tokens, given))
        solution = "".join(letters[t] for t in tokens[given:])
        by_problem.setdefault(problem, []).append(solution)
        right = arithmetic.answer(solution) == arithmetic.TASK.reference(problem)
        assert right or not right_only
    for solutions in by_problem.values():
        assert len(set(solutions)) == len(solutions) <= 2
    assert right_only or len(by_problem) == 6
    assert sampled >= sum(len(tokens) for tokens, _ in texts)


@pytest.mark.parametrize("name", SETTINGS["runs"])
@pytest.mark.parametrize("share", post_training.SHARES)
def test_a_plan_has_a_budget(name, share):
    plan = post_training.budgeted(SETTINGS["runs"][name], share)
    if plan["way"] == "policy gradient":
        assert isinstance(plan["steps"], int)
    else:
        assert plan["tokens"] == share * post_training.FULL


def test_a_policy_that_was_stopped_keeps_all_its_rewards(tmp_path, monkeypatch):
    plan = {"advantages": "above_the_batch", "problems": 1, "samples": 1, "steps": 5}
    plan |= {"learning_rate": 1e-3, "seed": 0}
    steps = itertools.count(1)
    minutes = itertools.count(0, 61)  # each step is saved

    def policy_step(model, *rest):
        step = next(steps)
        if step == 4:
            raise KeyboardInterrupt
        return model.weight.sum(), np.array([step / 10]), (2, 3)

    monkeypatch.setattr(post_training.policy_gradient, "policy_step", policy_step)
    monkeypatch.setattr(post_training, "exam", lambda n, rng: [])
    monkeypatch.setattr(post_training, "cache", lambda job, plan, what: tmp_path / what)
    monkeypatch.setattr(post_training.training.time, "monotonic", lambda: float(next(minutes)))

    def go():
        torch.manual_seed(0)
        return post_training.policy_gradient_steps(None, torch.nn.Linear(1, 1), None, plan)

    with pytest.raises(KeyboardInterrupt):
        go()
    bill = go()
    assert bill["reward"] == [0.1, 0.2, 0.3, 0.5, 0.6]
    assert (bill["sampled"], bill["trained"]) == (10, 15)


def test_every_way_pays_the_same():
    """In FLOPs, to a twentieth; of a quarter of the budget a block of texts is more than that."""
    record = Record(artefacts.path("post-training"))
    n, teacher = (load(name).flops[0] / 2 for name in ("lab-small", "lab-large"))
    for name in SETTINGS["runs"]:
        for share in record.shares(name):
            paid = record.at(name, share).bill.flops(n, teacher).sum() / (6 * n)
            room = 0.05 if share == 1 else 0.06
            assert paid == pytest.approx(share * post_training.FULL, rel=room), name


def test_the_record_holds_all_that_was_planned():
    record = Record(artefacts.path("post-training"))
    for name, _, share, test, temperature, samples in post_training.measurements(SETTINGS):
        found = record.at(name, share, test, temperature)
        assert found.samples == samples and len(found.right) == SETTINGS["problems"]
        assert found.right.min() >= 0 and found.right.max() <= samples
        assert set(found.greedy.tolist()) <= {0, 1}


def test_the_score_is_what_the_manifest_says():
    job = SimpleNamespace(folder=artefacts.path("post-training"))
    assert post_training.score(job) == artefacts.manifest()["post-training"]["score"]
