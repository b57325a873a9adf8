"""Keeping or drawing anew, against every sequence of draws."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttclib.course.revisions.judged import keep_or_redraw

SAMPLES = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.1, 0.5, 0.9])), min_size=1, max_size=4
)


def by_listing(right, scores, threshold, n):
    """Average over all sequences of n draws: each is as likely as the others."""
    totals = np.zeros(n)
    sequences = list(itertools.product(range(len(right)), repeat=n))
    for drawn in sequences:
        now = drawn[0]
        totals[0] += right[now]
        for k in range(1, n):
            if scores[now] < threshold:
                now = drawn[k]
            totals[k] += right[now]
    return totals / len(sequences)


@given(SAMPLES, st.sampled_from([0.0, 0.5, 1.0]), st.integers(1, 4))
def test_the_formula_is_the_average_over_every_sequence(samples, threshold, n):
    right, scores = map(np.array, zip(*samples, strict=True))
    expected = by_listing(right, scores, threshold, n)
    assert keep_or_redraw(right, scores, threshold, n) == pytest.approx(expected)


def test_an_exact_judge_reaches_the_chance_that_one_of_k_draws_is_right():
    right = np.array([[True, False, False, False], [False] * 4, [True] * 4])
    found = keep_or_redraw(right, right.astype(float), 0.5, 5)
    miss = 1 - right.mean(axis=1)[:, None]
    assert found == pytest.approx(1 - miss ** np.arange(1, 6))


def test_a_judge_that_likes_all_or_nothing_changes_nothing():
    right = np.array([True, False, False])
    for threshold in (-1.0, 2.0):
        assert keep_or_redraw(right, right * 1.0, threshold, 4) == pytest.approx([1 / 3] * 4)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: keep_or_redraw([True], [0.1, 0.2], 0.5, 2), "they must agree"),
        (lambda: keep_or_redraw([True], [np.nan], 0.5, 2), "scores"),
        (lambda: keep_or_redraw([True], [0.1], 0.5, 0), "n is 0"),
    ],
)
def test_bad_input_is_one_line(call, line):
    with pytest.raises(ValueError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
