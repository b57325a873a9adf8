"""The record of the large model: its settings, its score, and what each text cost, recounted."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from tools import data, exchange, search
from tools.lab import TEST
from ttclib import artefacts
from ttclib.course.small_language_model.flops import sequence_flops
from ttclib.lm import arithmetic
from ttclib.search.results import read, where


def test_greedy_and_samples_at_two_temperatures():
    found = search.settings(exchange.EXCHANGE)
    assert {(s.model, s.verifier, s.method) for s in found} == {("lab-large", "prm", "best of n")}
    greedy, *samples = sorted((s.temperature, s.n) for s in found)
    assert greedy == (0.0, 1)
    assert samples == [(t, n) for t in (0.7, 1.0) for n in (1, 2, 4, 8, 16)]


def test_its_problems_are_those_of_the_sweep():
    here, there = (data.ARTEFACTS[name] for name in ("exchange", "search-sweep"))
    assert here.seeds["problems"] == there.seeds["problems"] == TEST["seed"]
    assert here.settings["problems"] == there.settings["problems"]
    rows = read(artefacts.path("exchange"), columns=("problem", "expression"))
    drawn = arithmetic.problems("test", 400, np.random.default_rng(TEST["seed"]))
    asked = dict(zip(rows["problem"].tolist(), rows["expression"], strict=True))
    assert [asked[i] for i in range(400)] == list(drawn)


def test_the_score_is_what_the_manifest_says():
    job = SimpleNamespace(folder=artefacts.path("exchange"))
    assert exchange.score(job) == artefacts.manifest()["exchange"]["score"]


def test_a_greedy_text_costs_what_its_positions_cost():
    """Each position fed once, from the first of the problem to the last before the end."""
    transformers = pytest.importorskip("transformers")
    config = transformers.AutoConfig.from_pretrained(artefacts.path("lab-large"))
    columns = ("temperature", "expression", "lm_tokens", "lm_positions", "lm_flops")
    rows = where(read(artefacts.path("exchange"), columns=columns), temperature=0.0)
    for expression, tokens, fed, flops in zip(*list(rows.values())[1:], strict=True):
        # a letter is a token, and so is the question mark; the last token is written, not fed
        assert fed == len(expression) + 1 + tokens - 1
        assert flops == sequence_flops(config, 0, int(fed))


def test_more_samples_cost_more_and_share_what_they_have_in_common():
    columns = ("temperature", "n", "problem", "lm_positions")
    rows = read(artefacts.path("exchange"), columns=columns)
    for temperature in (0.7, 1.0):
        fed = [where(rows, temperature=temperature, n=n)["lm_positions"] for n in (1, 2, 4, 8, 16)]
        assert (np.diff(fed, axis=0) >= 0).all() and (fed[-1] < 16 * fed[0]).all()
