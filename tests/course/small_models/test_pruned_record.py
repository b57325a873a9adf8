"""What notebook 13 says of pruning alone: each fact, and the numbers that it rests on."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from tools import pruning
from ttclib import artefacts
from ttclib.course.small_models import distil, prune, recovery
from ttclib.lm import models


@cache
def large():
    return models.load("lab-large").ours


@cache
def importance():
    return prune.importance(large(), pruning.packed("train", **pruning.CALIBRATION))


@cache
def record():
    found = recovery.read_thin(artefacts.path("pruned-once"), large().shape)
    return found[0], {tuple(one.counts.items()): one for one in found[1:]}


def at(**counts):
    return record()[1][tuple(counts.items())]


def test_the_record_is_that_of_the_model_and_the_texts_of_the_page():
    held_out = pruning.packed("validation", **pruning.HELD_OUT)
    said = distil.log_probs(large(), held_out)
    thin = prune.switched_off(large(), prune.keep(importance(), hidden=240))
    assert distil.distance(thin, held_out, said).kl == pytest.approx(at(hidden=240).kl[0], rel=0.02)
    assert pruning.CALIBRATION == {"problems": 100, "seed": 23}
    assert pruning.HELD_OUT == {"problems": 86, "seed": 24}


def test_hidden_units_are_the_exception():
    whole, thin = record()
    assert whole.solved.mean() == 0.7
    assert at(hidden=420).removed == pytest.approx(1 / 12, abs=0.003)
    assert at(hidden=420).solved.mean() == whole.solved.mean()
    assert at(hidden=240).solved.mean() == 0.44 and 0.02 < at(hidden=240).kl[0] < 0.04
    assert all(
        one.solved.mean() < 0.2
        for one in thin.values()
        if one.removed > 0.05 and one.kind not in ("hidden", "width")
    )


def test_heads_cost_the_most_for_the_weights_they_save():
    head, layer, units = at(heads=5), at(layers=6), at(hidden=360)
    assert head.removed == pytest.approx(0.06, abs=0.005) and head.solved.mean() < 0.2
    assert layer.removed == pytest.approx(0.14, abs=0.005) and layer.solved.mean() < 0.05
    assert units.removed == pytest.approx(0.16, abs=0.005) and units.solved.mean() > 0.6
    per_weight = {one.kind: one.kl[0] / one.removed for one in (head, layer, units, at(width=160))}
    assert max(per_weight, key=per_weight.get) == "heads"


def test_a_small_distance_costs_many_answers():
    whole, thin = record()
    lost = {one.kl[0]: 1 - one.solved.mean() / whole.solved.mean() for one in thin.values()}
    assert all(share > 0.8 for kl, share in lost.items() if kl > 0.2)
    assert 0 < min(share for kl, share in lost.items() if kl > 0.004) < 0.15
    assert all(share > 0.3 for kl, share in lost.items() if kl > 0.02)
    learned = pruning.packed("validation", **pruning.HELD_OUT).targets != -100
    assert learned.sum() / pruning.HELD_OUT["problems"] > 50  # tokens of a solution


def test_what_importance_is_worth_by_part():
    def gain(**counts):
        return at(**counts).kl[1:].min() / at(**counts).kl[0]

    assert gain(hidden=240) > 25 and gain(hidden=420) > 25 and gain(heads=5) > 10
    assert 1 < gain(width=176) < 3 and 1 < gain(width=128) < 3
    assert gain(layers=6) < 1 / 6  # a layer at random was six times cheaper to lose


def test_the_turn_of_a_layer_does_not_say_what_its_loss_costs():
    rows = pruning.packed("validation", **pruning.HELD_OUT)
    rows = pruning.some(rows, slice(16))
    said = distil.log_probs(large(), rows)
    everything = prune.keep(importance())
    cost = []
    for layer in range(7):
        left = replace(everything, layers=np.delete(np.arange(7), layer))
        cost.append(distil.distance(prune.switched_off(large(), left), rows, said).kl)
    assert np.argmin(cost) == 6 and cost[6] < min(cost[:6]) / 4
    assert (importance().layers < importance().layers[6]).sum() == 4


def test_hidden_units_differ_and_coordinates_of_the_stream_do_not():
    def spread(scores):
        low, high = np.quantile(scores, [0.1, 0.9], axis=-1)
        return np.median(high / low)

    assert spread(importance().hidden) > 4 and spread(importance().width) < 1.5
