"""Every input is used as it was meant, or refused in one line."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ttclib.inputs import (
    LARGEST_COUNT,
    finite_array,
    positive,
    real_number,
    short,
    whole_number,
)
from ttclib.measure.bootstrap import counts
from ttclib.particles.smc import resample, run
from ttclib.particles.statespace import Bootstrap, LinearGaussian
from ttclib.sampling.mcmc import random_walk, run_chains

scalars = st.one_of(
    st.integers(),
    st.floats(),
    st.floats(width=32).map(np.float32),
    st.integers(-(2**63), 2**63 - 1).map(np.int64),
    st.fractions(),
    st.complex_numbers(),
    st.complex_numbers().map(np.complex128),
    st.booleans(),
    st.text(),
    st.none(),
    st.lists(st.integers(), max_size=3),
    arrays(float, array_shapes(max_side=4)),
)


def refused(call, *args, **kwargs):
    """Return the result, or None where the input was refused: by a ValueError of one line."""
    try:
        return call(*args, **kwargs)
    except ValueError as error:
        assert str(error).startswith("n ") and "\n" not in str(error) and len(str(error)) < 200
        return None


@given(scalars, st.integers(-3, 3))
@example(10**400, 1)
@example(True, 1)
@example(1e6, 1)
@example("3", 1)
def test_whole_number_or_one_line(value, minimum):
    got = refused(whole_number, "n", value, minimum)
    is_number = isinstance(value, int | float | Fraction | np.integer | np.floating)
    good = (
        is_number and not isinstance(value, bool) and abs(value) < math.inf and value == int(value)
    )
    if good and minimum <= value <= LARGEST_COUNT:
        assert type(got) is int and got == value
    else:
        assert got is None


@given(scalars)
@example(10**400)
@example(-0.0)
@example(np.nextafter(0, 1))
def test_real_number_or_one_line(value):
    got = refused(real_number, "n", value)
    is_number = isinstance(value, int | float | Fraction | np.integer | np.floating)
    plain = value.item() if isinstance(value, np.generic) else value
    if is_number and not isinstance(value, bool) and -1e308 < plain < 1e308:
        assert type(got) is float and got == float(value)
    elif not is_number or isinstance(value, bool):
        assert got is None
    above = refused(positive, "n", value)
    assert above == got if got is not None and got > 0 else above is None


@pytest.mark.parametrize(
    ("value", "limits", "line"),
    [
        (-1, {"low": 0}, "n is -1; it must be a finite number of at least 0"),
        (0, {"low": 0, "open_low": True}, "n is 0; it must be a finite number above 0"),
        (2, {"low": 0, "high": 1}, "n is 2; it must be a finite number in [0, 1]"),
        (
            0,
            {"low": 0, "high": 1, "open_low": True},
            "n is 0; it must be a finite number in (0, 1]",
        ),
        (math.nan, {}, "n is nan; it must be a finite number"),
    ],
)
def test_the_line_says_what_is_allowed(value, limits, line):
    with pytest.raises(ValueError) as refusal:
        real_number("n", value, **limits)
    assert str(refusal.value) == line


def test_limits_belong_to_the_range():
    assert [real_number("n", x, 0, 1) for x in (0, 1)] == [0, 1]
    assert real_number("n", 1, 0, 1, open_low=True) == 1


anything = st.one_of(
    scalars,
    arrays(float, array_shapes(max_dims=3, max_side=4)),
    arrays(complex, array_shapes(max_dims=2, max_side=3)),
    st.lists(st.one_of(st.floats(), st.lists(st.floats(), max_size=2)), max_size=3),
)


@given(anything)
@example([1, [2, 3]])
@example([10**400])
@example(np.array([1j]))
@example(np.array([object()] * 50))
def test_finite_array_or_one_line(value):
    got = refused(finite_array, "n", value)
    if got is not None:
        assert got.dtype == float and np.isfinite(got).all()
        assert got.shape == np.shape(value)


@pytest.mark.parametrize(
    ("value", "wanted", "line"),
    [
        (np.zeros(3), {"ndim": 2}, "x has 1 dimensions; it must have 2"),
        (
            np.zeros((2, 3)),
            {"shape": (None, 2)},
            r"x has shape \(2, 3\); it must have shape \(any, 2\)",
        ),
        (np.zeros(3), {"shape": (3, 1)}, r"x has shape \(3,\)"),
        ([1.0, math.nan, math.inf], {}, "x holds 2 values that are not finite"),
    ],
)
def test_shapes_are_checked(value, wanted, line):
    with pytest.raises(ValueError, match=line):
        finite_array("x", value, **wanted)


@pytest.mark.parametrize(
    "value",
    ["x" * 9_000, 10**9_000, [10**9_000], "a\nb" * 99, range(10**9)],
    ids=["text", "int", "list", "lines", "range"],
)
def test_what_is_repeated_is_short(value):
    """Also an int that Python refuses to write."""
    assert 0 < len(short(value)) <= 60 and "\n" not in short(value)
    assert refused(real_number, "n", value) is None


def test_what_fits_no_memory_is_told_in_one_line():
    rng = np.random.default_rng(0)
    model = Bootstrap(LinearGaussian(), [0.5, 1.0])
    walk = random_walk(lambda x: -0.5 * x**2, 0.5)
    for function, *arguments in (
        (run, model, LARGEST_COUNT, resample(), rng),
        (run, model, 4, resample(n=LARGEST_COUNT), rng),
        (run_chains, walk, [0.0, 1.0], LARGEST_COUNT, rng),
        (counts, 2, LARGEST_COUNT, rng),
        (counts, LARGEST_COUNT, 2, rng),
    ):
        with pytest.raises(ValueError, match=f"^{function.__name__} needs more memory") as error:
            function(*arguments)
        assert "\n" not in str(error.value)
