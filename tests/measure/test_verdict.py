"""What an interval says of a claim: every way in which two ranges can lie."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttclib.measure.verdict import ABOVE, BELOW, verdict

NEAR = (-0.03, 0.03)
OPPOSITE = {"agrees": "differs", "differs": "agrees", "open": "open"}


@pytest.mark.parametrize(
    ("low", "high", "claimed", "expected"),
    [
        (0.01, 0.05, ABOVE, "agrees"),
        (-0.05, -0.01, ABOVE, "differs"),
        (-0.01, 0.05, ABOVE, "open"),
        (0.0, 0.05, ABOVE, "open"),  # an end on the border
        (-0.05, 0.0, ABOVE, "open"),
        (-0.05, -0.01, BELOW, "agrees"),
        (0.01, 0.05, BELOW, "differs"),
        (-0.02, 0.02, NEAR, "agrees"),
        (-0.02, 0.04, NEAR, "open"),  # around zero, but too wide to say so
        (-0.1, 0.1, NEAR, "open"),
        (-0.03, 0.02, NEAR, "open"),
        (0.031, 0.05, NEAR, "differs"),
        (-0.05, -0.031, NEAR, "differs"),
        (1.2, math.inf, (1.0, math.inf), "agrees"),  # a saving that may have no end
        (0.5, math.inf, (1.0, math.inf), "open"),
        (-math.inf, -1.0, BELOW, "agrees"),
    ],
)
def test_an_interval_beside_a_claim(low, high, claimed, expected):
    assert verdict(low, high, claimed) == expected


@pytest.mark.parametrize("claimed", [ABOVE, BELOW, NEAR, (1.0, 2.0)])
@pytest.mark.parametrize("value", [-1.0, 0.0, 0.02, 1.5, math.inf])
def test_no_width_decides_nothing(value, claimed):
    assert verdict(value, value, claimed) == "open"


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=2).map(sorted))
def test_above_and_below_are_opposite(ends):
    low, high = ends
    assert verdict(low, high) == verdict(-high, -low, BELOW)
    assert verdict(low, high, BELOW) == OPPOSITE[verdict(low, high, ABOVE)]


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=2).map(sorted),
    st.lists(st.floats(-1, 1), min_size=2, max_size=2).map(sorted),
    st.floats(0, 1),
)
def test_a_wider_interval_never_decides_more(ends, claimed, more):
    (low, high), claimed = ends, tuple(claimed)
    wider = verdict(low - more, high + more, claimed)
    narrow = verdict(low, high, claimed)
    assert wider in (narrow, "open") or low == high


@pytest.mark.parametrize(
    ("low", "high", "claimed", "line"),
    [
        (0.2, 0.1, ABOVE, "the interval from low to high is 0.2 to 0.1; it must rise, without NaN"),
        (
            math.nan,
            0.1,
            ABOVE,
            "the interval from low to high is nan to 0.1; it must rise, without NaN",
        ),
        (0.1, 0.2, (1.0, 0.0), "claimed is 1.0 to 0.0; it must rise, without NaN"),
    ],
)
def test_ends_in_disorder_are_refused(low, high, claimed, line):
    with pytest.raises(ValueError) as said:
        verdict(low, high, claimed)
    assert str(said.value) == line
