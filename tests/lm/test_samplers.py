"""Samplers against their definitions, token by token."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from log_distributions import assert_same, log, log_distributions

from ttclib.lm.samplers import draw_tokens, greedy, plain, renormalise, temperature


@given(log_distributions())
def test_plain_is_the_distribution_itself(distributions):
    assert plain(distributions) is distributions


@given(log_distributions())
def test_greedy_takes_the_first_of_the_likeliest(distributions):
    expected = np.zeros_like(distributions)
    for row, distribution in enumerate(distributions):
        expected[row, max(range(len(distribution)), key=lambda v: (distribution[v], -v))] = 1
    assert_same(greedy(distributions), expected)


@given(log_distributions(), st.floats(0.05, 20))
def test_temperature_is_a_power(distributions, value):
    powers = np.exp(distributions) ** (1 / value)
    assert_same(temperature(value)(distributions), powers / powers.sum(axis=1, keepdims=True))


@given(log_distributions())
def test_temperature_one_is_the_distribution_itself(distributions):
    assert temperature(1)(distributions) is distributions


@given(log_distributions(), st.sampled_from([1e-3, 1e-9, 1e-300, 5e-324]))
def test_temperature_near_zero_is_greedy_up_to_ties(distributions, value):
    best = distributions > distributions.max(axis=1, keepdims=True) - 1e-9
    assert_same(
        np.where(best, temperature(value)(distributions.round(12)), -np.inf),
        best / best.sum(axis=1, keepdims=True),
    )


@given(log_distributions())
def test_temperature_without_bound_is_uniform_on_what_is_possible(distributions):
    possible = distributions > -np.inf
    assert_same(temperature(1e300)(distributions), possible / possible.sum(axis=1, keepdims=True))


@given(log_distributions())
def test_samplers_leave_their_input_alone(distributions):
    before = distributions.copy()
    for sampler in (temperature(0.5), greedy, plain):
        sampler(distributions)
    assert (distributions == before).all()


@given(log_distributions(), st.floats(-600, 600))
def test_renormalise_finds_the_distribution_again(distributions, shift):
    assert_same(renormalise(distributions + shift), np.exp(distributions))


def test_renormalise_leaves_a_row_without_hope():
    rows = renormalise(log([[0.0, 0.0], [0.2, 0.2]]))
    assert np.exp(rows).tolist() == [[0, 0], pytest.approx([0.5, 0.5])]
    assert not np.isnan(rows).any()


@given(arrays(float, (3, 4), elements=st.floats(-700, 700) | st.just(-math.inf)))
def test_renormalise_takes_off_the_log_of_the_sum(values):
    expected = [row - max(np.logaddexp.reduce(row), np.finfo(float).min) for row in values]
    assert renormalise(values) == pytest.approx(np.array(expected), rel=1e-12, abs=1e-12)


# ---------------------------------------------------------------- draws

UNIFORMS = st.floats(0, 1, exclude_max=True) | st.sampled_from([0.0, 5e-324, 1 - 2**-53])


@given(log_distributions(rows=2), st.lists(st.tuples(st.integers(0, 1), UNIFORMS), max_size=9))
@settings(max_examples=300)
def test_draw_inverts_the_cumulative_distribution(distributions, draws):
    which, uniforms = np.array([d[0] for d in draws], dtype=int), np.array([d[1] for d in draws])
    tokens = draw_tokens(distributions, which, uniforms)
    assert tokens.shape == uniforms.shape
    for row, uniform, token in zip(which, uniforms, tokens, strict=True):
        distribution = np.exp(distributions[row])
        assert distribution[token] > 0  # never impossible, even at the very ends
        assert (
            distribution[:token].sum() - 1e-11 <= uniform <= distribution[: token + 1].sum() + 1e-11
        )


def test_draw_gives_every_token_its_share_of_the_interval():
    """The midpoints of 10⁴ equal cells: counts are exact."""
    distribution = np.array([[0.0, 0.25, 0.0, 0.5, 0.0, 0.2, 0.05, 0.0]])
    uniforms = (np.arange(10_000) + 0.5) / 10_000
    tokens = draw_tokens(log(distribution), np.zeros(10_000, dtype=int), uniforms)
    assert np.bincount(tokens, minlength=8).tolist() == [0, 2500, 0, 5000, 0, 2000, 500, 0]


@pytest.mark.parametrize("uniform", [0.0, 5e-324, 0.5, 1 - 2**-53])
def test_no_draw_is_impossible_however_the_distribution_rounds(uniform):
    rng = np.random.default_rng(0)
    distributions = rng.exponential(size=(50, 1000)) ** 8  # masses from 1e-30 to 1
    distributions[:, :300] = distributions[:, -300:] = 0
    tokens = draw_tokens(renormalise(log(distributions)), np.arange(50), np.full(50, uniform))
    assert (distributions[np.arange(50), tokens] > 0).all()


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("value", [0, 0.0, -1, -1e-9, math.nan, math.inf, None, "1", True])
def test_temperatures_that_are_none(value):
    with pytest.raises(ValueError, match=r"temperature is .*; for temperature 0 use greedy"):
        temperature(value)
