"""The letter model: its gradient by differences, what it sees, its size, and its optimizer."""

import numpy as np
import pytest

from ttclib.course.three_scaling_laws.language import LENGTH, LETTERS, Words
from ttclib.course.three_scaling_laws.letter_model import (
    WIDTH,
    Adam,
    LetterModel,
    beyond_letters,
    rows,
    size,
)


def loss(model, words):
    """Mean surprise of all letters of words."""
    right = words.ravel()
    said = [model.log_probs(words[:, :k]) for k in range(LENGTH)]
    picked = np.stack(said, axis=1).reshape(-1, LETTERS)[np.arange(len(right)), right]
    return -picked.mean()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_gradient_is_that_of_the_mean_loss(depth, seed):
    rng = np.random.default_rng(seed)
    model = LetterModel(7, rng, depth)
    words = rng.integers(LETTERS, size=(6, LENGTH))
    model.weights = model.weights.astype(float)  # differences of float32 say little
    model.parts = model.cut(model.weights)
    found = model.gradient(words)
    for place in rng.choice(len(model.weights), 60, replace=False):
        ends = []
        for step in (1e-5, -1e-5):
            model.weights[place] += step
            ends.append(loss(model, words))
            model.weights[place] -= step
        slope = (ends[0] - ends[1]) / 2e-5
        assert found[place] == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_a_letter_is_predicted_from_those_before_it_alone():
    words = np.array([[3, 1, 4, 1], [5, 9, 2, 6]])
    blank = LETTERS
    assert rows(words).tolist() == [
        [blank] * 3, [3, blank, blank], [3, 1, blank], [3, 1, 4],
        [blank] * 3, [5, blank, blank], [5, 9, blank], [5, 9, 2],
    ]  # fmt: skip


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("hidden", [5, 91])
def test_its_size_is_the_number_of_its_weights(hidden, depth):
    model = LetterModel(hidden, np.random.default_rng(0), depth)
    assert len(model.weights) == size(hidden, depth) == sum(part.size for part in model.parts)
    of_letters = model.parts[0].size + model.parts[-2].size + model.parts[-1].size
    assert beyond_letters(hidden, depth) == size(hidden, depth) - of_letters
    for part in model.parts:
        assert np.shares_memory(part, model.weights)


def test_nearly_all_of_its_work_is_two_flops_for_a_weight():
    """Products of matrices, counted one by one, against 2 N; the embedding is a look-up."""
    for hidden in (31, 470):
        model = LetterModel(hidden, np.random.default_rng(0))
        products = sum(2 * part.size for part in model.parts[1::2])
        assert products / (2 * size(hidden)) == pytest.approx(1, abs=0.16 if hidden == 31 else 0.01)
    assert model.parts[0].shape == (LETTERS + 1, WIDTH)


def test_log_probs_are_those_of_a_law_in_any_number_of_prefixes():
    model = LetterModel(8, np.random.default_rng(0))
    prefixes = Words().prefixes(3)[:5000]
    together = model.log_probs(prefixes)
    assert np.exp(together).sum(axis=1) == pytest.approx(np.ones(5000))
    assert together[4090:4100] == pytest.approx(model.log_probs(prefixes[4090:4100]), abs=1e-5)


def test_a_score_far_below_the_others_is_a_closed_gate_without_a_warning():
    model = LetterModel(4, np.random.default_rng(0))
    model.parts[2][:] = -1e4
    assert np.isfinite(model.log_probs(np.zeros((1, 0), dtype=int))).all()


def test_adam_moves_as_its_paper_says():
    """Two steps by the update rule of Kingma and Ba 2014, in float64."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(5).astype(np.float32)
    adam = Adam(5)
    expected = weights.astype(float)
    m = np.zeros(5)
    v = np.zeros(5)
    for t in (1, 2):
        gradient = (rng.standard_normal(5) * 0.2).astype(np.float32)
        adam.step(weights, gradient, 0.01)
        m = 0.9 * m + 0.1 * gradient
        v = 0.98 * v + 0.02 * gradient.astype(float) ** 2
        expected -= 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.98**t)) + 1e-9)
    assert weights == pytest.approx(expected, abs=1e-6)
    assert weights.dtype == np.float32


def test_a_long_gradient_is_cut_to_length_one():
    direction = np.array([3.0, 4.0], dtype=np.float32)
    moved = []
    for times in (1 / 5, 100):
        weights = np.zeros(2, dtype=np.float32)
        adam = Adam(2)
        adam.step(weights, direction * np.float32(times), 0.1)
        moved.append(adam.mean)
    assert moved[0] == pytest.approx(moved[1])


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"hidden": 3, "depth": 0}])
def test_a_model_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="it must be a whole number of at least 1"):
        LetterModel(rng=np.random.default_rng(0), **wrong)
