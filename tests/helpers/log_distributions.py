"""Log distributions for the tests of samplers, and when two of them are the same."""

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def log_distributions(rows=3, most=7):
    """Log distributions with ties and zeros: small whole numbers over their sum."""
    counts = st.integers(1, most).flatmap(
        lambda size: arrays(int, (rows, size), elements=st.integers(0, 5)).filter(
            lambda x: x.any(1).all()
        )
    )
    return counts.map(lambda x: log(x / x.sum(axis=1, keepdims=True)))


def log(probabilities):
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(probabilities, dtype=float))


def assert_same(log_probs, expected):
    """Equal probabilities, and zero where they must be exactly zero."""
    assert log_probs.shape == np.shape(expected)
    assert (np.isneginf(log_probs) == (np.asarray(expected) == 0)).all()
    assert np.exp(log_probs) == pytest.approx(np.asarray(expected), abs=1e-12)
