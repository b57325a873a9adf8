"""Cuts against their definitions, token by token."""

import itertools
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_distributions import assert_same, log, log_distributions

from ttclib.course.small_language_model.cuts import chain, min_p, top_k, top_p
from ttclib.lm.samplers import greedy, plain, temperature


@given(log_distributions(), st.integers(1, 9))
def test_top_k_keeps_k_and_none_is_likelier_than_those(distributions, k):
    kept, size = top_k(k)(distributions), distributions.shape[1]
    for distribution, cut in zip(distributions, kept, strict=True):
        chosen = np.isfinite(cut)
        possible = np.count_nonzero(np.isfinite(distribution))
        assert np.count_nonzero(chosen) == min(k, possible, size)  # ties do not widen it
        assert distribution[chosen].min() >= distribution[~chosen].max(initial=-np.inf)
        assert np.exp(cut[chosen]) == pytest.approx(
            np.exp(distribution[chosen]) / np.exp(distribution[chosen]).sum()
        )


@given(log_distributions())
def test_top_k_of_all_tokens_is_the_distribution_itself(distributions):
    assert top_k(distributions.shape[1])(distributions) is distributions
    assert top_k(10**9)(distributions) is distributions


@given(log_distributions(), st.integers(1, 20))
def test_top_p_keeps_the_fewest_that_reach_p(distributions, twentieths):
    p, kept = twentieths / 20, top_p(twentieths / 20)(distributions)
    for distribution, cut in zip(np.exp(distributions), kept, strict=True):
        order = sorted(
            range(len(distribution)), key=lambda v: (-distribution[v], v)
        )  # the earlier of equals
        size = next(
            (i for i in range(1, len(distribution)) if distribution[order[:i]].sum() >= p - 1e-9),
            len(distribution),
        )
        expected = np.zeros(len(distribution))
        expected[order[:size]] = distribution[order[:size]] / distribution[order[:size]].sum()
        assert_same(cut, expected)


@given(log_distributions())
def test_top_p_one_is_the_distribution_itself(distributions):
    """Tokens of probability 1e-13 included."""
    assert top_p(1)(distributions) is distributions


def test_top_p_where_a_sum_reaches_p_but_for_rounding():
    distribution = log(
        [[0.1] * 10]
    )  # added up they are 0.1, 0.2, 0.30000000000000004, …, 0.7999999999999999, …
    for count in range(1, 10):
        assert np.isfinite(top_p(count / 10)(distribution)).sum() == count
    assert np.isfinite(top_p(1e-300)(distribution)).sum() == 1


@given(log_distributions(), st.integers(1, 20))
def test_min_p_keeps_what_is_as_likely_as_a_share_of_the_likeliest(distributions, twentieths):
    kept = min_p(twentieths / 20)(distributions)
    for distribution, cut in zip(np.exp(distributions), kept, strict=True):
        enough = distribution >= twentieths / 20 * distribution.max() - 1e-9
        expected = np.where(enough, distribution, 0)
        assert_same(cut, expected / expected.sum())


@given(log_distributions())
def test_min_p_at_its_limits(distributions):
    assert_same(min_p(1e-300)(distributions), np.exp(distributions))
    best = distributions == distributions.max(axis=1, keepdims=True)
    assert_same(min_p(1)(distributions), best / best.sum(axis=1, keepdims=True))


# ---------------------------------------------------------------- equals and thresholds


def kept_by(sampler, counts):
    """Which tokens a sampler keeps of distributions given as whole numbers: bool (rows, V)."""
    counts = np.asarray(counts)
    return np.isfinite(sampler(log(counts / counts.sum(axis=1, keepdims=True))))


def kept_by_counting(name, level, counts):
    """Which they must keep, in whole numbers, which do not round: ``p`` is ``level`` twentieths."""
    order = np.argsort(-counts, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    likeliest_first = np.take_along_axis(counts, order, axis=1)
    before = np.take_along_axis(likeliest_first.cumsum(axis=1) - likeliest_first, rank, axis=1)
    keeps = {
        "top_k": rank < level,
        "top_p": 20 * before < level * counts.sum(axis=1, keepdims=True),
        "min_p": 20 * counts >= level * counts.max(axis=1, keepdims=True),
    }
    return keeps[name] & (counts > 0)


def twentieths(tokens):
    """All distributions over some tokens whose probabilities are twentieths."""
    cuts = itertools.combinations_with_replacement(range(21), tokens - 1)
    return np.diff(np.array([[0, *cut, 20] for cut in cuts]), axis=1)


@pytest.mark.parametrize("tokens", [1, 2, 3, 5])
def test_all_distributions_in_twentieths(tokens):
    counts = twentieths(tokens)
    assert len(counts) == math.comb(20 + tokens - 1, 20)
    for level in range(1, 21):
        for name, sampler in {
            "top_k": top_k(level),
            "top_p": top_p(level / 20),
            "min_p": min_p(level / 20),
        }.items():
            expected = kept_by_counting(name, level, counts)
            assert (kept_by(sampler, counts) == expected).all(), (name, level)
    assert (kept_by(greedy, counts) == kept_by(top_k(1), counts)).all()


def test_a_token_exactly_at_the_threshold_stays():
    assert kept_by(min_p(0.5), [[6, 3, 1]]).tolist() == [[True, True, False]]


def many_equals(seed):
    """Distributions of few different values, as 16-bit logits make them, over 2 to 700 tokens."""
    rng = np.random.default_rng(seed)
    return [
        rng.integers(0, 4, size=(5, size)) + (np.arange(size) == 0) for size in range(2, 700, 9)
    ]


def kept_of_many_equals(seed):
    """Which tokens samplers keep of them, as text."""
    samplers = [*map(top_k, (1, 2, 5, 50)), *map(top_p, (0.1, 0.5)), min_p(0.5), greedy]
    every = many_equals(seed)
    return [[np.packbits(kept_by(cut, c)).tobytes().hex() for c in every] for cut in samplers]


def test_the_first_of_equals_stay(seed):
    for counts in many_equals(seed):
        for k in (1, 2, 5, 50):
            expected = kept_by_counting("top_k", k, counts)
            assert (kept_by(top_k(k), counts) == expected).all()
        assert (kept_by(greedy, counts) == kept_by(top_k(1), counts)).all()


def test_what_is_kept_does_not_depend_on_the_processor(seed):
    """The same under instruction sets that are switched off before NumPy starts."""
    here = kept_of_many_equals(seed)
    code = (
        f"import json, runpy; page = runpy.run_path({__file__!r})\n"
        f"print(json.dumps(page['kept_of_many_equals']({seed})))"
    )
    path = os.pathsep.join(sys.path)  # the helpers too
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    for first in range(len(found)):  # each level needs those below it
        off = " ".join(found[first:])
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": off, "PYTHONPATH": path}
        run = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(run.stdout) == here, off


CUTS = [temperature(0.5), top_k(2), top_p(0.6), min_p(0.4), greedy, plain]


@given(log_distributions(), st.lists(st.sampled_from(CUTS), max_size=3))
def test_a_chain_applies_one_after_the_other_and_leaves_a_distribution(distributions, links):
    expected = distributions
    for link in links:
        expected = link(expected)
    result = chain(*links)(distributions)
    assert (result == expected).all()
    assert np.exp(result).sum(axis=1) == pytest.approx(1)


def test_the_order_of_a_chain_matters():
    distribution = log([[0.5, 0.3, 0.2]])
    sharp = temperature(0.25)
    assert np.isfinite(chain(sharp, top_p(0.7))(distribution)).sum() == 1
    assert np.isfinite(chain(top_p(0.7), sharp)(distribution)).sum() == 2


@given(log_distributions())
def test_samplers_leave_their_input_alone(distributions):
    before = distributions.copy()
    for sampler in CUTS:
        sampler(distributions)
    assert (distributions == before).all()


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("k", [0, -1, 1.5, math.nan, math.inf, None, "2"])
def test_k_that_is_none(k):
    with pytest.raises(ValueError, match="k is"):
        top_k(k)


@pytest.mark.parametrize("sampler", [top_p, min_p])
@pytest.mark.parametrize("p", [0, -0.1, 1.0001, math.nan, math.inf, None, "0.5"])
def test_p_that_is_none(sampler, p):
    with pytest.raises(ValueError, match=r"p is .*\(0, 1\]"):
        sampler(p)
