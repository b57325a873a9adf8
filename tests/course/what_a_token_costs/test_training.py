"""Small stacks that learn a task: built as asked, the same twice, and better afterwards."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from ttclib.course.what_a_token_costs import descent, tasks, training
from ttclib.course.what_a_token_costs.mixers import nbytes, stepwise


@pytest.mark.parametrize("kind", training.KINDS)
def test_a_stack_is_built_and_reads_step_by_step(kind):
    model = training.build([kind, kind], state=3, seed=1).double()
    texts = tasks.recall(4, 2, np.random.default_rng(0))
    with torch.no_grad():
        whole = model.parallel(texts.tokens)
        one_by_one, state = stepwise(model, texts.tokens)
        assert whole == pytest.approx(one_by_one, abs=1e-10)
        _, longer = stepwise(model, torch.cat([texts.tokens] * 2, dim=1))
    assert (nbytes(longer) > nbytes(state)) == (kind == training.ATTENTION)


def test_memories_of_fixed_size_have_the_same_number_of_numbers():
    texts = tasks.recall(4, 1, np.random.default_rng(0)).tokens
    sizes = {}
    for kind in ("selective", "retention", "time-invariant"):
        mixer = training.mixer(kind, state=8)
        with torch.no_grad():
            sizes[kind] = nbytes(stepwise(mixer, torch.zeros(1, len(texts[0]), 32))[1][1]) // 4
    # a damped oscillation has two numbers, as a complex number has
    assert sizes == {"selective": 256, "retention": 256, "time-invariant": 512}


def test_learning_learns_and_the_same_seeds_learn_the_same():
    exam = tasks.recall(2, 64, np.random.default_rng(9))
    found = []
    for _ in range(2):
        model = training.build(["attention"], seed=3)
        before = training.right(model, exam).mean()
        losses = list(training.learning(model, tasks.recall, [2], 60, seed=3))
        found.append((losses, training.right(model, exam).mean()))
        assert len(losses) == 60 and np.mean(losses[-5:]) < losses[0] - 0.5
        assert found[-1][1] > before
    assert found[0] == found[1]


def test_the_rate_rises_stays_and_falls(monkeypatch):
    rates = []

    def note(*args, lr, **more):
        rates.append(lr)

    monkeypatch.setattr(descent, "adam", note)
    model = training.build(["selective"])
    list(training.learning(model, tasks.copying, [4], 200, peak=0.1))
    assert rates[:2] == pytest.approx([0.002, 0.004])
    assert max(rates) == rates[49] == rates[100] == 0.1
    assert rates[150] == pytest.approx(0.05) and rates[199] == pytest.approx(0.001)


def test_right_compares_the_likeliest_token():
    texts = tasks.copying(3, 4, np.random.default_rng(0))

    class Knows(torch.nn.Module):
        def parallel(self, tokens):
            said = torch.zeros(*tokens.shape, tasks.VOCABULARY)
            said[:, texts.asked[:2]] = 2.0 * torch.nn.functional.one_hot(
                texts.answers[:, :2], tasks.VOCABULARY
            )
            said[:, texts.asked[2], tasks.BLANK] = 1.0
            return said

    assert training.right(Knows(), texts).tolist() == [[True, True, False]] * 4


def test_what_is_refused():
    with pytest.raises(ValueError, match="kind is 'mamba'; it must be one of attention"):
        training.build(["mamba"])
    model = training.build(["attention"])
    with pytest.raises(ValueError, match="steps is 0"):
        next(training.learning(model, tasks.recall, [2], 0))
    with pytest.raises(ValueError, match="peak is 0"):
        next(training.learning(model, tasks.recall, [2], 5, peak=0.0))
