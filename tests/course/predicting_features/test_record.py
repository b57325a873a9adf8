"""What notebook 15 says of the record: each sentence, and the numbers it rests on."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from sentences import Says

from ttclib import artefacts
from ttclib.course.predicting_features import collapse
from ttclib.course.predicting_features.two_numbers import (
    BOTH,
    GRADIENT,
    MOMENTUM,
    NEITHER,
    STOP,
)

says = Says("15_predicting_features")
MOST = 9  # of ten seeds


@cache
def record():
    return collapse.read(artefacts.path("feature-collapse"))


def left(how, momentum=0.99, **kind):
    """Share of the spread that is left in the end, by seed."""
    spread = record().run(how, momentum, **kind)["spread"]
    return spread[:, -1] / spread[:, 0]


def test_ten_seeds_of_each():
    assert len(record().seeds) == 10
    says(
        "The record has ten seeds of each, and three momenta", record().momenta == [0, 0.99, 0.999]
    )


@pytest.mark.answers("15-017", 1)
@pytest.mark.answers("15-017", 2)
def test_without_a_cure_features_collapse():
    run = record().run(NEITHER)
    assert record().collapsed(NEITHER).sum() >= MOST and (left(NEITHER) < 0.01).sum() >= MOST
    assert ((run["loss"][:, -1] < 0.01) & (run["loss"][:, 0] > 0.8)).sum() >= MOST
    assert (run["rank"][:, -1] < 0.4 * run["rank"][:, 0]).sum() >= MOST
    # the spread falls first, the rank later
    at = record().steps.tolist().index(100)
    early = (run["spread"][:, at] < 0.1 * run["spread"][:, 0]) & (
        run["rank"][:, at] > 0.5 * run["rank"][:, 0]
    )
    assert early.sum() >= MOST
    says("The spread falls at once, together with the loss", True)


def test_a_probe_reads_better_while_features_die_and_rounding_ends_it():
    run = record().run(NEITHER)
    best = run["position"].max(axis=1)
    says(
        "While the features die, a probe reads the position *better* than before",
        (best > run["position"][:, 0] + 0.05).sum() >= MOST,
    )
    lost = run["position"][:, -1] - run["position16"][:, -1]
    assert (lost > 0.1).sum() >= MOST
    first, last, rounded = (
        np.median(run[name][:, step])
        for name, step in (("position", 0), ("position", -1), ("position16", -1))
    )
    says("more than half of what was won is lost", last - rounded > 0.5 * (last - first))


@pytest.mark.answers("15-045", 1)
@pytest.mark.answers("15-045", 2)
@pytest.mark.answers("15-045", 3)
def test_each_cure_alone():
    kept = {how: left(how) for how in (STOP, MOMENTUM, BOTH)}
    says(
        "Alone it keeps between a fifth and two fifths of the spread, in every seed",
        kept[STOP].min() > 0.2 and kept[STOP].max() < 0.4,
    )
    rank = record().run(STOP)["rank"]
    says("and nearly all of the rank", (rank[:, -1] > 0.8 * rank[:, 0]).all())
    says("With 0.99 all ten seeds collapse", record().collapsed(MOMENTUM).all())
    slow = record().run(MOMENTUM, 0.999)["spread"]
    says(
        "With 0.999 about a tenth of the spread is left after 400 steps, and the curve still falls",
        0.08 < np.median(left(MOMENTUM, 0.999)) < 0.16
        and (slow[:, -1] < slow[:, -2]).sum() >= MOST,
    )
    says(
        "Yes, in every seed: between a quarter and seven tenths",
        (kept[BOTH] > kept[STOP]).all() and kept[BOTH].min() > 0.25 and kept[BOTH].max() < 0.7,
    )
    says("With a momentum of 0 the two are the same", (left(BOTH, 0.0) == left(STOP)).all())
    assert not record().collapsed(STOP).any() and not record().collapsed(BOTH).any()


def test_momentum_alone_waits_without_adam():
    says(
        "Without Adam momentum alone keeps more than nine tenths of the spread, "
        "while without any cure less than a tenth is left",
        (left(MOMENTUM, optimiser=GRADIENT) > 0.9).all()
        and (left(NEITHER, optimiser=GRADIENT) < 0.1).all(),
    )


def test_a_probe_reads_less_as_features_die_by_gradient_descent():
    run = record().run(NEITHER, optimiser=GRADIENT)["position"]
    says("by gradient descent it reads *less*", (run[:, -1] < run[:, 0] + 0.02).sum() >= MOST)
    assert np.median(run[:, -1]) < np.median(run[:, 0]) - 0.05


@pytest.mark.answers("15-056", 1)
def test_the_ceiling_and_the_pixels():
    best = collapse.best_linear_read()
    for name, ceiling in zip(("position", "velocity"), best, strict=True):
        every = [record().run(how)[name].max() for how in (NEITHER, STOP, MOMENTUM, BOTH)]
        says(
            "In this world it beats every encoder, with 2,048 numbers",
            max(*every, record().pixels[name].max()) < ceiling,
        )
    both, none = record().run(BOTH)["position"][:, -1], record().run(NEITHER)["position"][:, 0]
    says(
        "a probe reads hardly more than off an encoder that learned nothing",
        abs(np.median(both) - np.median(none)) < 0.1,
    )
    pixels = record().pixels["position"]
    says(
        "the one that predicts pixels beats the one with both cures, for ten seeds of ten",
        (pixels > both).all(),
    )
    dying = record().run(NEITHER)["position"][:, -1]
    says("the encoder whose features are dying is read best of all, in the median", True)
    assert np.median(dying) > np.median(pixels) > np.median(both)
    raw = collapse.read_pixels(artefacts.path("pixel-probe")).read
    says("The pixels themselves win by far", raw[0] > dying.max() + 0.1)
    says("for the position they come near the ceiling", raw[0] > best[0] - 0.05)
    says(
        "Without any cure it reads most",
        (record().run(NEITHER)["position"][:, -1] > both).sum() >= MOST,
    )
