"""Costs add up, cannot be changed, and describe themselves in one line."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttclib.cost import Cost, readable, stopwatch

whole = st.integers(0, 10**12)
costs = st.builds(
    Cost, whole, whole, whole, whole, whole.map(float), whole.map(float), whole.map(float)
)


@given(st.lists(costs, max_size=5))
def test_costs_add_up_field_by_field(many):
    total = sum(many, Cost())
    for field in dataclasses.fields(Cost):
        assert getattr(total, field.name) == sum(getattr(cost, field.name) for cost in many)


def test_sum_needs_no_start():
    assert sum([Cost(units=3), Cost(units=4, seconds=0.5)]) == Cost(units=7, seconds=0.5)


@pytest.mark.parametrize("other", [1, 2.5, "3", None])
def test_a_cost_adds_to_costs_only(other):
    with pytest.raises(TypeError):
        Cost() + other
    with pytest.raises(TypeError):
        other + Cost()


def test_a_cost_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Cost().units = 3
    assert len({Cost(units=1), Cost(units=1), Cost(units=2)}) == 2


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Cost)])
@pytest.mark.parametrize("value", [-1, -1e-300, math.nan])
def test_no_cost_is_negative(field, value):
    with pytest.raises(ValueError, match=f"{field}={value}.* zero or positive"):
        Cost(**{field: value})


@pytest.mark.parametrize(
    ("cost", "line"),
    [
        (Cost(), "0 darts"),
        (Cost(seconds=2), "2 s"),
        (Cost(units=1536), "1.54 k darts"),
        (Cost(units=7, seconds=0.0123), "7 darts · 12.3 ms"),
        (Cost(units=7, seconds=4.2e-5), "7 darts · 42 µs"),
        (
            Cost(units=2, lm_tokens=64, lm_positions=80, lm_flops=2.16e10),
            "2 darts · 64 LM tokens · 80 LM positions · 21.6 G LM FLOPs",
        ),
        (
            Cost(verifier_positions=5, verifier_flops=3e12),
            "5 verifier positions · 3 T verifier FLOPs",
        ),
    ],
)
def test_describe(cost, line):
    assert cost.describe("darts") == line


def test_describe_can_leave_out_what_differs_from_run_to_run():
    assert Cost(units=7, seconds=1.5).describe("darts", seconds=False) == "7 darts"
    assert Cost(seconds=1.5).describe("darts", seconds=False) == "0 darts"


@given(st.floats(0.001, 9e17))
def test_readable_keeps_three_digits(amount):
    number, _, prefix = readable(amount).partition(" ")
    size = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}[prefix]
    assert float(number) * size == pytest.approx(amount, rel=5.01e-3)
    assert "e" not in number or amount < 1


def test_stopwatch_measures_also_what_fails():
    with pytest.raises(KeyError), stopwatch() as seconds:
        raise KeyError
    assert seconds[0] > 0
