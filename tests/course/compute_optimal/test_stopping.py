"""Stopping when sure: the same as reading the scores one by one, and what the choice finds."""

import numpy as np
import pytest

from ttclib.course.compute_optimal.stopping import first_sure, stop, stopping
from ttclib.measure import bootstrap
from ttclib.search.results import Samples


def one_by_one(right, score, threshold, most):
    """Say whether the text that is taken is right, and how many were written."""
    for i in range(most):
        if score[i] >= threshold:
            return right[i], i + 1
    return right[list(score[:most]).index(max(score[:most]))], most


def drawn(seed, shape=(2, 30, 16)):
    rng = np.random.default_rng(seed)
    return Samples(rng.random(shape) < 0.5, rng.integers(8, size=shape) / 8)  # many ties


@pytest.mark.parametrize("most", [1, 3, 16])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.75, 0.9, np.inf])
def test_the_arrays_do_what_reading_does(seed, most, threshold):
    samples = drawn(seed)
    right, written = stop(samples, threshold, most)
    for at in np.ndindex(right.shape):
        expected = one_by_one(samples.right[at], samples.score[at], threshold, most)
        assert (right[at], written[at]) == expected
        many, place = first_sure(samples.score[at][:most], threshold)
        assert (samples.right[at][place], many) == expected


def test_an_endless_threshold_is_best_of_n_and_none_is_one_sample(seed):
    samples = drawn(seed)
    right, written = stop(samples, np.inf, 16)
    best = samples.score.argmax(axis=-1)[..., None]
    assert (right == np.take_along_axis(samples.right, best, -1)[..., 0]).all()
    assert (written == 16).all()
    right, written = stop(samples, 0.0, 16)
    assert (right == samples.right[..., 0]).all() and (written == 1).all()


@pytest.mark.parametrize("most", [0, 17, 2.5])
def test_more_texts_than_there_are_is_one_line(most):
    with pytest.raises(ValueError, match=f"^most is {most}; it must be"):
        stop(drawn(0), 0.5, most)


def test_the_choice_finds_the_threshold_that_pays(seed):
    """Right texts score 0.9 and wrong ones 0.15; problem p is solved by its text p only."""
    right = np.eye(20, dtype=bool)[None]
    samples = Samples(right, np.where(right, 0.9, 0.15))
    counts = bootstrap.counts(20, 30, np.random.default_rng(seed))
    # whoever waits for a text above 0.15 writes p + 1 of them, and is always right
    curve = stopping(samples, counts, np.random.default_rng(seed), [1e-6], (0.1, 0.5), (1, 4, 20))
    assert curve.accuracy == pytest.approx([1.0]) and curve.paid == pytest.approx([10.5])
    assert (curve.draws == 1).all()
    modest = stopping(samples, counts, np.random.default_rng(seed), [0.9], (0.1, 0.5), (1, 4, 99))
    assert modest.paid == pytest.approx([1.0]) and modest.accuracy == pytest.approx([0.05])
