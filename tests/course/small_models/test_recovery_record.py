"""What notebook 13 says of recovery: each fact, and the numbers that it rests on.

Every run was made once: what is held here is what came out, and no more is said.
"""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from tools import pruning
from ttclib import artefacts
from ttclib.course.small_models import distil, prune_figures, recovery
from ttclib.lm import models
from ttclib.measure import bootstrap

COUNTS = prune_figures.problem_counts(400)


@cache
def teacher_weights():
    return models.load("lab-large").ours.shape.flops[0] // 2


@cache
def runs(size):
    return recovery.read_runs(artefacts.path(f"recovery-{size}"), teacher_weights())


@cache
def rival(size, name):
    return recovery.read_rivals(artefacts.path(f"recovery-{size}"))[name]


def test_half_of_the_weights_heal_within_a_hundredth_of_the_reading():
    made = artefacts.manifest()["lab-large"]["settings"]
    whole = made["training"]["batch"] * made["training"]["steps"] * made["texts"]["row"]
    for run in runs("half").values():
        assert run.weights / teacher_weights() == pytest.approx(0.51, abs=0.01)
        assert run.tokens[-1] < whole / 100 and round(run.tokens[-1], -4) == 100_000
        assert run.kl[0] == pytest.approx(0.235, abs=0.01) and 0.08 < run.right[0].mean() < 0.12
        assert run.kl[-1] < run.kl[0] / 6
        assert 0.48 < run.right[-1].mean() < 0.54
        solved = run.right.mean(axis=1)
        assert solved[1] - solved[0] > 0.6 * (solved[-1] - solved[0])  # with a quarter of it
    assert rival("half", "lab-large").right.mean() == pytest.approx(0.71, abs=0.01)


def test_the_teacher_is_worth_no_answers_to_the_half():
    taught, plain = runs("half")["pruned, taught"], runs("half")["pruned"]
    gain = taught.right[-1].astype(float) - plain.right[-1]
    _, low, high = bootstrap.mean_interval(gain, COUNTS)
    assert low < 0 < high
    assert taught.kl[-1] < plain.kl[-1]  # nearer to the teacher, of course
    assert abs(taught.loss[-1] - plain.loss[-1]) < 0.002  # and as near to the truth


def test_the_teacher_hardly_says_more_than_the_true_token():
    rows = pruning.packed("validation", **pruning.HELD_OUT)
    said = distil.log_probs(models.load("lab-large").ours, rows)
    log_p = said[rows.targets != -100].astype(float)
    entropy = -(np.exp(log_p) * log_p).sum(axis=1)
    assert 0.01 < entropy.mean() < 0.04 and (entropy < 0.01).mean() > 0.8


def test_the_weights_of_a_broken_model_are_worth_more_than_new_ones():
    found = runs("small")
    assert all(run.tokens[-1] == 786_432 for run in found.values())
    for how in ("", ", taught"):
        pruned, new = found[f"pruned{how}"], found[f"scratch{how}"]
        assert pruned.kl[0] > new.kl[0] + 0.4  # it starts farther away
        assert (pruned.kl[1:] < new.kl[1:]).all()
        assert pruned.kl[-1] < 1.0 < 1.6 < new.kl[-1]
    for start in ("pruned", "scratch"):
        assert abs(found[f"{start}, taught"].kl[-1] - found[start].kl[-1]) < 0.06
    assert all(run.right[-1].mean() < 0.01 for run in found.values())


def test_what_reads_more_wins():
    run = runs("small")["pruned, taught"]
    assert run.taught[-1] / run.trained[-1] == pytest.approx(4.6, abs=0.1)
    assert rival("small", "lab-small").right.mean() > 0.5
    more = rival("small", "lab-small-more").right.astype(float)
    _, low, _ = bootstrap.mean_interval(more - rival("half", "lab-large").right, COUNTS)
    assert low > 0.05
    shapes = [models.load(name).ours.shape.flops[0] for name in ("lab-small-more", "lab-large")]
    read = []
    for name in ("lab-small", "lab-small-more", "lab-large"):
        made = artefacts.manifest()[name]["settings"]["training"]
        read.append(made["batch"] * made["steps"])
    assert (read[0] + read[1]) * shapes[0] < read[2] * shapes[1] / 3
