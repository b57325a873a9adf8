"""Measured costs: every contender does its work, bytes are counted, crossings are found."""

import numpy as np
import pytest
import torch

from ttclib import artefacts
from ttclib.course.what_a_token_costs import figures, measuring, mixers
from ttclib.course.what_a_token_costs.measuring import CONTENDERS, GENERATION, TRAINING, Cost

CASES = [(form, name) for form, names in CONTENDERS.items() for name in names]


@pytest.mark.parametrize(("form", "name"), CASES)
def test_a_contender_does_its_work(form, name):
    with torch.set_grad_enabled(form == TRAINING):
        run = measuring.run_of(form, name, 8, 8, 2, chunk=4)
        found = run()
        if form == TRAINING:
            mixer = measuring.mixer_named(name, 8, 2)
            wanted = [weight.shape for weight in mixer.parameters()]
            assert [gradient.shape for gradient in found] == wanted
        elif name == measuring.NO_CACHE:
            assert found.shape == (1, 8)
        else:
            said, state = found
            assert said.shape == (1, 8)
            if name in (measuring.ATTENTION, measuring.FUSED):
                assert state[0].shape[2] == 9
    with pytest.raises(ValueError, match="name is 'other'; it must be one of"):
        measuring.mixer_named("other", 8, 2)


def test_ways_of_the_same_mixer_have_the_same_gradient():
    for names in (
        (measuring.RETENTION, measuring.CHUNKS, measuring.STEPS),
        (measuring.ATTENTION, measuring.FUSED),
    ):
        all_found = [measuring.run_of(TRAINING, name, 24, 8, 2, chunk=8)() for name in names]
        for other in all_found[1:]:
            for a, b in zip(all_found[0], other, strict=True):
                assert torch.allclose(a, b, rtol=1e-3, atol=1e-4)


def test_a_window_keeps_no_more_than_it_sees():
    mixer = mixers.Attention(8, 2, window=5)
    assert measuring.read_state(mixer, 64)[0].shape == (1, 2, 5, 4)
    assert measuring.read_state(mixer, 3)[0].shape == (1, 2, 3, 4)


def test_bytes_are_those_that_are_held_at_once():
    def two_then_one():
        a = torch.ones(1000)
        b = a + 1
        del a
        return b * 2

    assert measuring.peak_bytes(two_then_one) == pytest.approx(8000, abs=300)  # rounded up
    assert measuring.peak_bytes(lambda: None) == 0


def test_the_shortest_of_the_calls_counts():
    calls = []
    assert 0 <= measuring.seconds_of(lambda: calls.append(1), 0.01) < 0.01
    assert len(calls) > 1
    calls.clear()
    measuring.seconds_of(lambda: calls.append(1), 0.0)
    assert len(calls) >= 1


def test_a_crossing_is_where_one_stays_ahead():
    def cost(*seconds):
        tokens = 2 ** np.arange(6, 6 + len(seconds))
        return Cost(tokens, np.array(seconds), np.array(seconds)[:, None], 0 * tokens)

    record = {("f", "one"): cost(1, 2, 4, 8), ("f", "other"): cost(3, 1, 5, 5)}
    assert measuring.crossing(record, "f", "one", "other") == 512
    assert measuring.crossing(record, "f", "other", "one") is None
    record["f", "short"] = cost(0.5, 0.5)
    assert measuring.crossing(record, "f", "one", "short") == 64


# ---- the record ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record():
    return measuring.read_costs(artefacts.path("token-costs"))


def test_every_contender_was_measured_at_every_length(record):
    settings = artefacts.manifest()["token-costs"]["settings"]
    assert set(record) == set(CASES)
    for (form, name), cost in record.items():
        longest = settings["longest"][form].get(name, max(settings["lengths"]))
        assert cost.tokens.tolist() == [n for n in settings["lengths"] if n <= longest]
        assert cost.rounds.shape == (len(cost.tokens), settings["rounds"])
        assert (cost.rounds > 0).all()
        assert (cost.seconds == cost.rounds.min(axis=1)).all()


def at(cost, tokens, quantity="seconds"):
    return getattr(cost, quantity)[list(cost.tokens).index(tokens)]


def test_bytes_grow_as_the_algorithms_say(record):
    """Squares grow fourfold from 4,096 to 8,192 tokens, what is linear twofold, a state not."""

    def growth(form, name, low=4096, high=8192):
        return at(record[form, name], high, "bytes") / at(record[form, name], low, "bytes")

    for case in (
        (TRAINING, measuring.ATTENTION),
        (TRAINING, measuring.RETENTION),
        (GENERATION, measuring.NO_CACHE),
    ):
        assert 3.8 < growth(*case) < 4.05, case
    for case in (
        (TRAINING, measuring.FUSED),
        (TRAINING, measuring.CHUNKS),
        (TRAINING, measuring.SELECTIVE_CHUNKS),
        (TRAINING, measuring.TIME_INVARIANT),
        (GENERATION, measuring.ATTENTION),
        (GENERATION, measuring.FUSED),
        (GENERATION, measuring.ONE_KV_HEAD),
    ):
        assert 1.8 < growth(*case) < 2.1, case
    for name in (
        measuring.WINDOW,
        measuring.RETENTION,
        measuring.SELECTIVE,
        measuring.TIME_INVARIANT,
    ):
        assert growth(GENERATION, name) == 1, name


@pytest.mark.answers("14-035", 1)
@pytest.mark.answers("14-035", 2)
@pytest.mark.answers("14-035", 3)
def test_what_the_page_says_of_the_record(record):
    """Which is ahead from where on, by which factor, and who holds more."""
    fused, chunks = record[TRAINING, measuring.FUSED], record[TRAINING, measuring.CHUNKS]
    assert 9 < at(fused, 16384) / at(chunks, 16384) < 11
    assert measuring.crossing(record, TRAINING, measuring.FUSED, measuring.CHUNKS) == 1024
    assert (fused.seconds[:3] < chunks.seconds[:3]).all()
    assert (fused.bytes < chunks.bytes).all()
    attention, step = record[GENERATION, measuring.FUSED], record[GENERATION, measuring.RETENTION]
    assert 1.4 < at(attention, 256) / at(step, 256) < 1.6
    assert 9 < at(attention, 16384) / at(step, 16384) < 11
    assert 5 < at(attention, 256, "bytes") / at(step, 256, "bytes") < 5.5
    assert 300 < at(attention, 16384, "bytes") / at(step, 16384, "bytes") < 340
    assert measuring.crossing(record, GENERATION, measuring.FUSED, measuring.RETENTION) == 64
    assert step.seconds.max() < 1.1 * step.seconds.min()
    for form, slow, fast in figures.DUELS:
        assert measuring.crossing(record, form, slow, fast) is not None


def test_a_contender_held_as_many_bytes_then_as_it_holds_now(record):
    for form, name in CASES:
        with torch.set_grad_enabled(form == TRAINING):
            found = measuring.peak_bytes(measuring.run_of(form, name, 256, 64, 2, 64))
        assert found == pytest.approx(at(record[form, name], 256, "bytes"), rel=0.05), name
