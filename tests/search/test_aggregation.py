"""From scores to values, against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_targets import PLAIN

from ttclib.search.aggregation import AGGREGATIONS

SCORES = st.lists(st.lists(st.floats(0, 1), max_size=6), max_size=8)


def padded(rows, columns):
    scores = np.full((len(rows), columns), np.nan)
    for i, row in enumerate(rows):
        scores[i, : len(row)] = row
    return scores


def test_there_are_four():
    assert list(AGGREGATIONS) == list(PLAIN)


@pytest.mark.parametrize("name", AGGREGATIONS)
@given(rows=SCORES, more=st.integers(0, 3))
def test_as_a_plain_loop(name, rows, more):
    scores = padded(rows, max(map(len, rows), default=0) + more)
    before = scores.copy()
    values = AGGREGATIONS[name](scores)
    assert values.shape == (len(rows),)
    assert values == pytest.approx([PLAIN[name](row) if row else 1.0 for row in rows], abs=1e-12)
    assert np.array_equal(scores, before, equal_nan=True)


@pytest.mark.parametrize("name", AGGREGATIONS)
@given(row=st.lists(st.floats(0, 1), min_size=1, max_size=5), data=st.data())
def test_gaps_do_not_count(name, row, data):
    places = data.draw(st.permutations(range(7)))[: len(row)]
    scores = np.full((1, 7), np.nan)
    scores[0, sorted(places)] = row
    assert AGGREGATIONS[name](scores) == pytest.approx([PLAIN[name](row)], abs=1e-12)


def test_they_are_not_the_same():
    values = {float(f(np.array([[0.5, 0.2, 0.8, np.nan]]))[0]) for f in AGGREGATIONS.values()}
    assert len(values) == 4


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_a_score_of_zero(name):
    """No warning, and no NaN."""
    with np.errstate(all="raise"):
        assert np.isfinite(
            AGGREGATIONS[name](np.array([[0.0, np.nan], [0.0, 0.0], [1.0, 0.0]]))
        ).all()
