"""Two writers of short sums: what they are taught, and how they are asked."""

import numpy as np
import pytest
import torch
from noisy_solver import NoisySolver

from ttclib.course.smc_decoding.doubt import doubt
from ttclib.course.what_a_token_costs import writers
from ttclib.lm import arithmetic, tokenizer
from ttclib.lm.training import IGNORE
from ttclib.particles.smc import keep_all, resample
from ttclib.testing import check_language_model

TINY = {"width": 8, "layers": 1, "heads": 2, "state": 3, "hidden": 8}


def sums(n=24, seed=0):
    return writers.small_sums("train", n, np.random.default_rng(seed), [1, 2])


def test_sums_are_short_different_and_of_their_split():
    found = sums(60)
    assert len(set(found)) == 60
    assert all(arithmetic.split_of(problem) == "train" for problem in found)
    assert all(len(number) < 3 for text in found for number in arithmetic._TOKEN.findall(text))


def test_a_row_is_a_text_and_only_its_solution_is_learned():
    problems = ["7+8", "12*3-4"]
    tokens, targets = writers.side_by_side(problems)
    for row, problem in enumerate(problems):
        text = tokenizer.encode(arithmetic.example(problem))
        assert tokens[row, : len(text)].tolist() == text
        learned = (targets[row] != IGNORE).numpy()
        given = len(problem) + 1
        assert targets[row, learned].tolist() == text[given:]
        assert np.flatnonzero(learned).tolist() == list(range(given - 1, len(text) - 1))


@pytest.mark.parametrize("kind", ["selective", "attention"])
def test_a_writer_learns_and_goes_on_where_it_was_stopped(kind, tmp_path):
    def loss(model):
        tokens, targets = writers.side_by_side(sums())
        read = model if kind == "attention" else model.parallel
        with torch.no_grad():
            logits = read(tokens).flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, targets.flatten()).item()

    model = writers.writer(kind, **TINY, seed=0)
    before = loss(model)
    how = {"batch": 8, "steps": 40, "learning_rate": 1e-2}
    writers.learn(model, sums(), **how, checkpoint=tmp_path / "part")
    assert loss(model) < before - 0.5
    again = writers.writer(kind, **TINY, seed=0)
    writers.learn(again, sums(), **how, checkpoint=tmp_path / "part")  # all is done already
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    check_language_model(writers.decodable(model), ["7+8?", "1*2?"])


def test_weights_vote_and_a_doubt_helps():
    problems = writers.small_sums("test", 12, np.random.default_rng(1), [2])
    lm = NoisySolver()
    nines = [doubt(lm.vocabulary)]
    found = {}
    for name, ask, n, select in (
        ("one", [], 1, keep_all),
        ("many", [], 16, keep_all),
        ("doubted", nines, 16, resample("systematic")),
    ):
        runs = [
            writers.solve(lm, problems, ask, n, select, np.random.default_rng(seed))
            for seed in range(4)
        ]
        found[name] = np.mean([run.right for run in runs])
        assert all(run.right.shape == (12,) and run.tokens > 12 * n for run in runs)
    assert found["one"] < found["many"] and found["one"] + 0.2 < found["doubted"]


def test_shares_are_those_of_each_run():
    table = [
        ("a", "majority", n, seed, p, p < n + seed)
        for n in (1, 2)
        for seed in (0, 1)
        for p in range(4)
    ]
    names = ("model", "method", "n", "seed", "problem", "right")
    columns = {name: np.array(c) for name, c in zip(names, zip(*table, strict=True), strict=True)}
    found = writers.shares(columns, "a", "majority", [1, 2])
    assert found.tolist() == [[0.25, 0.5], [0.5, 0.75]]
