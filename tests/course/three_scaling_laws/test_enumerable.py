"""The tiny language model of notebook 12: its sums, its slopes, and how much a problem counts."""

import itertools
import math

import numpy as np
import pytest

from ttclib.course.three_scaling_laws import enumerable
from ttclib.course.three_scaling_laws.advantages import above_the_batch, group_relative
from ttclib.course.three_scaling_laws.enumerable import RIGHT, TEXTS, TOTALS, TinyPolicy


def random_policy(seed=0):
    rng = np.random.default_rng(seed)
    new = TinyPolicy.new()
    return TinyPolicy(rng.normal(size=new.shared.shape), rng.normal(size=new.own.shape))


def by_hand(policy, i, text):
    """Log probability of a text, letter by letter."""
    total, last = 0.0, enumerable.DIGITS
    for letter in text:
        logits = policy.shared[last] + policy.own[i]
        total += logits[letter] - math.log(np.exp(logits).sum())
        last = letter
    return total


def test_probabilities_are_the_products_of_the_letters():
    policy = random_policy()
    probs = policy.probs
    assert probs.sum(axis=1) == pytest.approx(np.ones(len(TOTALS)))
    for i, x in itertools.product(range(len(TOTALS)), (0, 17, 100, 255)):
        assert math.log(probs[i, x]) == pytest.approx(by_hand(policy, i, TEXTS[x]))
    assert TinyPolicy.new().solved * 4**4 == pytest.approx([1, 4, 10, 31, 44, 31])


def numerical(function, policy):
    """Central differences of a function by every weight."""
    found = []
    for name in ("shared", "own"):
        slopes = np.zeros(getattr(policy, name).shape)
        for place in np.ndindex(slopes.shape):
            ends = []
            for sign in (1, -1):
                weights = {n: getattr(policy, n).copy() for n in ("shared", "own")}
                weights[name][place] += sign * 1e-6
                ends.append(function(TinyPolicy(**weights)))
            slopes[place] = (ends[0] - ends[1]) / 2e-6
        found.append(slopes)
    return TinyPolicy(*found)


def same(a, b, tolerance=1e-8):
    return all(np.allclose(getattr(a, n), getattr(b, n), atol=tolerance) for n in ("shared", "own"))


def test_the_exact_gradient_is_the_slope_of_the_expected_reward():
    policy = random_policy(1)
    slope = numerical(lambda p: p.solved.mean(), policy)
    assert same(enumerable.exact_gradient(policy), slope)
    assert not same(TinyPolicy(slope.shared, 0 * slope.own), slope)


def test_a_drawn_gradient_is_what_its_texts_say():
    policy = random_policy(2)
    drawn = enumerable.draw(policy, 5, np.random.default_rng(0))
    told = group_relative(np.take_along_axis(RIGHT, drawn, axis=1))

    def weighed(p):
        log = np.log(p.probs)
        return (np.take_along_axis(log, drawn, axis=1) * told).sum() / drawn.size

    found = enumerable.sampled_gradient(policy, drawn, group_relative)
    assert same(found, numerical(weighed, policy))


@pytest.mark.statistical
def test_draws_follow_the_probabilities(seed):
    from exact_p_values import FALSE_ALARM, binomial_p_value

    policy = random_policy(3)
    drawn = enumerable.draw(policy, 4000, np.random.default_rng(seed))
    right = np.take_along_axis(RIGHT, drawn, axis=1).sum(axis=1)
    found = [binomial_p_value(int(c), 4000, p) for c, p in zip(right, policy.solved, strict=True)]
    assert min(found) * len(found) > FALSE_ALARM


@pytest.mark.parametrize("samples", [2, 3, 4])
@pytest.mark.parametrize("p", [0.02, 0.3, 0.5, 0.9])
def test_how_much_a_problem_counts_is_a_sum_over_all_groups(samples, p):
    """Each outcome of a group by itself; ∇ log p(right) = ∇p/p and ∇ log p(wrong) = −∇p/(1 − p)."""
    total = 0.0
    for right in itertools.product([True, False], repeat=samples):
        chance = math.prod(p if r else 1 - p for r in right)
        told = group_relative([right])[0]
        slope = sum(a / p if r else -a / (1 - p) for a, r in zip(told, right, strict=True))
        total += chance * slope / samples
    assert enumerable.relative_weight(p, samples) == pytest.approx(total)


def test_many_texts_approach_the_slope_of_the_arcsine():
    p = np.array([0.1, 0.5, 0.8])
    slope = (np.arcsin(np.sqrt(p + 1e-6)) - np.arcsin(np.sqrt(p - 1e-6))) / 1e-6
    assert enumerable.relative_weight(p, 2000) == pytest.approx(slope, rel=2e-3)
    assert enumerable.relative_weight(p, 2) == pytest.approx(np.ones(3))


def test_in_a_batch_every_problem_counts_as_its_slope_says():
    """The same sum for REINFORCE: without its own baseline the factor is 1."""
    p = 0.3
    total = 0.0
    for right in itertools.product([True, False], repeat=3):
        chance = math.prod(p if r else 1 - p for r in right)
        told = above_the_batch([right])[0]
        total += (
            chance * sum(a / p if r else -a / (1 - p) for a, r in zip(told, right, strict=True)) / 3
        )
    assert total == pytest.approx(1)


@pytest.mark.parametrize("solved", [0.0, -0.1, 1.5, "many"])
def test_a_share_out_of_range_is_refused(solved):
    with pytest.raises(ValueError, match="solved"):
        enumerable.relative_weight(solved, 4)
