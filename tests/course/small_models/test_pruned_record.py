"""What notebook 13 says of pruning alone: each fact, and the numbers that it rests on."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from sentences import Says

from tools import pruning
from ttclib import artefacts
from ttclib.course.small_models import distil, prune, recovery
from ttclib.lm import models

says = Says("13_small_models")


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


@pytest.mark.answers("13-045", 1)
def test_hidden_units_are_the_exception():
    whole, thin = record()
    says("The large model solves about seven problems in ten.", whole.solved.mean() == 0.7)
    same = at(hidden=420).solved.mean() == whole.solved.mean()
    twelfth = at(hidden=420).removed == pytest.approx(1 / 12, abs=0.003)
    says(
        "Hidden units are the exception: a twelfth of the weights goes for nothing.",
        same and twelfth,
    )
    says("Hidden units give weights away for nothing, a twelfth of all.", same and twelfth)
    half = at(hidden=240)
    says("About four in ten. The distance is a few hundredths", half.solved.mean() == 0.44)
    assert 0.02 < half.kl[0] < 0.04
    lost = 1 - half.solved.mean() / whole.solved.mean()
    says("more than every third answer that was right is lost", 1 / 3 < lost < 0.4)
    assert all(
        one.solved.mean() < 0.2
        for one in thin.values()
        if one.removed > 0.05 and one.kind not in ("hidden", "width")
    )


@pytest.mark.answers("13-045", 2)
def test_heads_cost_the_most_for_the_weights_they_save():
    head, layer, units = at(heads=5), at(layers=6), at(hidden=360)
    few = head.removed == pytest.approx(0.06, abs=0.005)
    lost = few and head.solved.mean() < 0.2
    says("One in six of them holds 6% of the weights, and most answers are gone.", lost)
    lost = layer.removed == pytest.approx(0.14, abs=0.005) and layer.solved.mean() < 0.05
    says("A layer holds 14%, and nearly all answers are gone.", lost)
    thin = prune.switched_off(large(), prune.keep(importance(), width=168))
    examiner = pruning.Examiner(large(), models.load("lab-large").vocabulary.tokenizer)
    solved, before = (np.mean(examiner.solved(m, 40)["right"]) for m in (thin, large()))
    removed = recovery.removed(large().shape, {"width": 168})
    lost = round(100 * removed, 1) == 12.5 and solved < before / 2
    says("One coordinate in eight is 13%, and most answers are gone.", lost)
    assert [round(7 / 8 * whole) for whole in (6, 7, 192)] == [5, 6, 168]  # set 7/8
    as_many = units.removed == pytest.approx(0.16, abs=0.005)
    kept = as_many and units.solved.mean() > 0.6
    says("Of the hidden units as many weights (16%) cost hardly anything.", kept)
    per_weight = {one.kind: one.kl[0] / one.removed for one in (head, layer, units, at(width=160))}
    says("The heads. One in six", max(per_weight, key=per_weight.get) == "heads")


@pytest.mark.answers("13-045", 3)
def test_a_small_distance_costs_many_answers():
    whole, thin = record()
    lost = {one.kl[0]: 1 - one.solved.mean() / whole.solved.mean() for one in thin.values()}
    says("at 0.25 nearly all", all(share > 0.8 for kl, share in lost.items() if kl > 0.2))
    few = min(share for kl, share in lost.items() if kl > 0.004)
    says("At 0.005 nats a token some answers are lost", 0 < few < 0.15)
    says("at 0.03 a third", all(share > 0.3 for kl, share in lost.items() if kl > 0.02))
    learned = pruning.packed("validation", **pruning.HELD_OUT).targets != -100
    tokens = learned.sum() / pruning.HELD_OUT["problems"]
    says("A solution takes more than fifty tokens, and each must be right.", tokens > 50)


def test_what_importance_is_worth_by_part():
    def gain(**counts):
        return at(**counts).kl[1:].min() / at(**counts).kl[0]

    says("25 times nearer to the whole model than any half that was drawn", gain(hidden=240) > 25)
    assert gain(hidden=420) > 25
    says("one head in six costs ten times less by importance than at random", gain(heads=5) > 10)
    says("For the width it is worth little.", min(gain(width=176), gain(width=128)) > 1)
    assert max(gain(width=176), gain(width=128)) < 3
    says("one was six times cheaper to lose than the one that turns", gain(layers=6) < 1 / 6)


def test_the_turn_of_a_layer_does_not_say_what_its_loss_costs():
    rows = pruning.packed("validation", **pruning.HELD_OUT)
    rows = pruning.some(rows, slice(16))
    said = distil.log_probs(large(), rows)
    everything = prune.keep(importance())
    cost = []
    for layer in range(7):
        left = replace(everything, layers=np.delete(np.arange(7), layer))
        cost.append(distil.distance(prune.switched_off(large(), left), rows, said).kl)
    says("The last layer is by far the cheapest to lose", cost[6] < min(cost[:6]) / 4)
    less = (importance().layers < importance().layers[6]).sum()
    says("and four others turn the stream less than it does", less == 4)


def test_hidden_units_differ_and_coordinates_of_the_stream_do_not():
    def spread(scores):
        low, high = np.quantile(scores, [0.1, 0.9], axis=-1)
        return np.median(high / low)

    assert spread(importance().hidden) > 4 and spread(importance().width) < 1.5
    says("They differ little, too, and there importance helps", spread(importance().heads) < 2)
