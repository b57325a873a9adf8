"""Who reads is told from who does not."""

import numpy as np
import pytest

from ttclib.course.revisions.reading import pairs


def test_pairs_by_hand():
    seen = [[True, True, False]]
    found = pairs(seen, [[True, False, False]])
    # behind the first attempt came a right one; the two others are wrong, and so on
    assert found.read == pytest.approx([1.0])
    assert found.unread == pytest.approx([0 / 2 + 1 / 2])
    assert found.number == pytest.approx([2.0])


def test_what_came_may_depend_on_the_attempt_that_is_looked_at():
    """Whether the second attempt of chain j repeats the first of chain k."""
    first = np.array([["a", "b", "b"]])
    second = np.array([["a", "b", "a"]])
    same = second[:, :, None] == first[:, None, :]
    found = pairs(np.ones((1, 3)), same)
    assert found.read == pytest.approx([2.0])
    # the others that say a, or b: half of them, half of them, and half of them
    assert found.unread == pytest.approx([1 / 2 + 0 / 2 + 1 / 2])


def test_who_does_not_read_writes_the_same_behind_whatever_stands_there(seed):
    """On average, exactly: all ways to hand the second attempts of a problem round."""
    from itertools import permutations

    seen, came = np.random.default_rng(seed).random((2, 1, 4)) < 0.5
    orders = list(permutations(range(4)))
    every = [pairs(seen, came[:, list(order)]) for order in orders]
    means = [np.mean([getattr(one, name) for one in every]) for name in ("read", "unread")]
    assert means[0] == pytest.approx(means[1])
