"""Samplers against their definitions, token by token."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ttclib.lm.samplers import (
    chain,
    draw_tokens,
    greedy,
    min_p,
    plain,
    renormalise,
    temperature,
    top_k,
    top_p,
)


def log_laws(rows=3, most=7):
    """Log laws with ties and zeros: small whole numbers over their sum."""
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


@given(log_laws())
def test_plain_is_the_law_itself(laws):
    assert plain(laws) is laws


@given(log_laws())
def test_greedy_takes_the_first_of_the_likeliest(laws):
    expected = np.zeros_like(laws)
    for row, law in enumerate(laws):
        expected[row, max(range(len(law)), key=lambda v: (law[v], -v))] = 1
    assert_same(greedy(laws), expected)


@given(log_laws(), st.floats(0.05, 20))
def test_temperature_is_a_power(laws, value):
    powers = np.exp(laws) ** (1 / value)
    assert_same(temperature(value)(laws), powers / powers.sum(axis=1, keepdims=True))


@given(log_laws())
def test_temperature_one_is_the_law_itself(laws):
    assert temperature(1)(laws) is laws


@given(log_laws(), st.sampled_from([1e-3, 1e-9, 1e-300, 5e-324]))
def test_temperature_near_zero_is_greedy_up_to_ties(laws, value):
    best = laws > laws.max(axis=1, keepdims=True) - 1e-9
    assert_same(
        np.where(best, temperature(value)(laws.round(12)), -np.inf),
        best / best.sum(axis=1, keepdims=True),
    )


@given(log_laws())
def test_temperature_without_bound_is_uniform_on_what_is_possible(laws):
    possible = laws > -np.inf
    assert_same(temperature(1e300)(laws), possible / possible.sum(axis=1, keepdims=True))


@given(log_laws(), st.integers(1, 9))
def test_top_k_keeps_k_and_none_is_likelier_than_those(laws, k):
    kept, size = top_k(k)(laws), laws.shape[1]
    for law, cut in zip(laws, kept, strict=True):
        chosen = np.isfinite(cut)
        possible = np.count_nonzero(np.isfinite(law))
        assert np.count_nonzero(chosen) == min(k, possible, size)  # ties do not widen it
        assert law[chosen].min() >= law[~chosen].max(initial=-np.inf)
        assert np.exp(cut[chosen]) == pytest.approx(np.exp(law[chosen]) / np.exp(law[chosen]).sum())


@given(log_laws())
def test_top_k_of_all_tokens_is_the_law_itself(laws):
    assert top_k(laws.shape[1])(laws) is laws
    assert top_k(10**9)(laws) is laws


@given(log_laws(), st.integers(1, 20))
def test_top_p_keeps_the_fewest_that_reach_p(laws, twentieths):
    p, kept = twentieths / 20, top_p(twentieths / 20)(laws)
    for law, cut in zip(np.exp(laws), kept, strict=True):
        order = sorted(range(len(law)), key=lambda v: (-law[v], v))  # the earlier of equals
        size = next((i for i in range(1, len(law)) if law[order[:i]].sum() >= p - 1e-9), len(law))
        expected = np.zeros(len(law))
        expected[order[:size]] = law[order[:size]] / law[order[:size]].sum()
        assert_same(cut, expected)


@given(log_laws())
def test_top_p_one_is_the_law_itself(laws):
    """Tokens of probability 1e-13 included."""
    assert top_p(1)(laws) is laws


def test_top_p_where_a_sum_reaches_p_but_for_rounding():
    law = log(
        [[0.1] * 10]
    )  # added up they are 0.1, 0.2, 0.30000000000000004, …, 0.7999999999999999, …
    for count in range(1, 10):
        assert np.isfinite(top_p(count / 10)(law)).sum() == count
    assert np.isfinite(top_p(1e-300)(law)).sum() == 1


@given(log_laws(), st.integers(1, 20))
def test_min_p_keeps_what_is_as_likely_as_a_share_of_the_likeliest(laws, twentieths):
    # a threshold that no token meets exactly: the law is made of ratios of whole numbers up to 5
    p = twentieths / 20 - 0.003
    for law, cut in zip(np.exp(laws), min_p(p)(laws), strict=True):
        expected = np.where(law >= p * law.max(), law, 0)
        assert_same(cut, expected / expected.sum())


@given(log_laws())
def test_min_p_at_its_limits(laws):
    assert_same(min_p(1e-300)(laws), np.exp(laws))
    best = laws == laws.max(axis=1, keepdims=True)
    assert_same(min_p(1)(laws), best / best.sum(axis=1, keepdims=True))


CUTS = [temperature(0.5), top_k(2), top_p(0.6), min_p(0.4), greedy, plain]


@given(log_laws(), st.lists(st.sampled_from(CUTS), max_size=3))
def test_a_chain_applies_one_after_the_other_and_leaves_a_law(laws, links):
    expected = laws
    for link in links:
        expected = link(expected)
    result = chain(*links)(laws)
    assert (result == expected).all()
    assert np.exp(result).sum(axis=1) == pytest.approx(1)


def test_the_order_of_a_chain_matters():
    law = log([[0.5, 0.3, 0.2]])
    sharp = temperature(0.25)
    assert np.isfinite(chain(sharp, top_p(0.7))(law)).sum() == 1
    assert np.isfinite(chain(top_p(0.7), sharp)(law)).sum() == 2


@given(log_laws())
def test_samplers_leave_their_input_alone(laws):
    before = laws.copy()
    for sampler in CUTS:
        sampler(laws)
    assert (laws == before).all()


@given(log_laws(), st.floats(-600, 600))
def test_renormalise_finds_the_law_again(laws, shift):
    assert_same(renormalise(laws + shift), np.exp(laws))


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


@given(log_laws(rows=2), st.lists(st.tuples(st.integers(0, 1), UNIFORMS), max_size=9))
@settings(max_examples=300)
def test_draw_inverts_the_cumulative_law(laws, draws):
    which, uniforms = np.array([d[0] for d in draws], dtype=int), np.array([d[1] for d in draws])
    tokens = draw_tokens(laws, which, uniforms)
    assert tokens.shape == uniforms.shape
    for row, uniform, token in zip(which, uniforms, tokens, strict=True):
        law = np.exp(laws[row])
        assert law[token] > 0  # never impossible, even at the very ends
        assert law[:token].sum() - 1e-11 <= uniform <= law[: token + 1].sum() + 1e-11


def test_draw_gives_every_token_its_share_of_the_interval():
    """The midpoints of 10⁴ equal cells: counts are exact."""
    law = np.array([[0.0, 0.25, 0.0, 0.5, 0.0, 0.2, 0.05, 0.0]])
    uniforms = (np.arange(10_000) + 0.5) / 10_000
    tokens = draw_tokens(log(law), np.zeros(10_000, dtype=int), uniforms)
    assert np.bincount(tokens, minlength=8).tolist() == [0, 2500, 0, 5000, 0, 2000, 500, 0]


@pytest.mark.parametrize("uniform", [0.0, 5e-324, 0.5, 1 - 2**-53])
def test_no_draw_is_impossible_however_the_law_rounds(uniform):
    rng = np.random.default_rng(0)
    laws = rng.exponential(size=(50, 1000)) ** 8  # masses from 1e-30 to 1
    laws[:, :300] = laws[:, -300:] = 0
    tokens = draw_tokens(renormalise(log(laws)), np.arange(50), np.full(50, uniform))
    assert (laws[np.arange(50), tokens] > 0).all()


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("value", [0, 0.0, -1, -1e-9, math.nan, math.inf, None, "1", True])
def test_temperatures_that_are_none(value):
    with pytest.raises(ValueError, match=r"temperature is .*; for temperature 0 use greedy"):
        temperature(value)


@pytest.mark.parametrize("k", [0, -1, 1.5, math.nan, math.inf, None, "2"])
def test_k_that_is_none(k):
    with pytest.raises(ValueError, match="k is"):
        top_k(k)


@pytest.mark.parametrize("sampler", [top_p, min_p])
@pytest.mark.parametrize("p", [0, -0.1, 1.0001, math.nan, math.inf, None, "0.5"])
def test_p_that_is_none(sampler, p):
    with pytest.raises(ValueError, match=r"p is .*\(0, 1\]"):
        sampler(p)
