"""Exactly: the chain that keeps its estimate has the posterior for every n, the other for none."""

import itertools
import math

import numpy as np
import pytest
from outcomes import outcomes

from ttclib.course.learning_the_boat import tiny


def filter_by_draws(stay, n, rng):
    """A filter with multinomial selection, particle by particle, and its estimate."""
    estimate = 1.0
    x = rng.choice(2, n)
    w = np.ones(n)
    for t, seen in enumerate(tiny.DIARY):
        if t > 0:
            x = x[rng.choice(n, n, w / w.sum())]
            x = np.array([rng.choice(2, p=[stay, 1 - stay][:: 1 - 2 * one]) for one in x])
        w = np.array([tiny.SEES[one][seen] for one in x])
        estimate *= w.mean()
    return estimate


@pytest.mark.parametrize(("stay", "n"), [(0.1, 1), (0.9, 1), (0.1, 2), (0.9, 2)])
def test_the_list_is_what_a_filter_does_particle_by_particle(stay, n):
    listed = {}
    for chance, estimate in zip(*tiny.every_outcome(stay, n), strict=True):
        listed[round(estimate, 12)] = listed.get(round(estimate, 12), 0) + chance
    drawn = {}
    for chance, estimate in outcomes(lambda rng: filter_by_draws(stay, n, rng)):
        drawn[round(estimate, 12)] = drawn.get(round(estimate, 12), 0) + chance
    assert listed.keys() == drawn.keys()
    assert [listed[z] for z in drawn] == pytest.approx(list(drawn.values()))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_estimate_is_unbiased(n):
    for stay in tiny.STAYS:
        chances, estimates = tiny.every_outcome(stay, n)
        assert chances.sum() == pytest.approx(1, rel=1e-12)
        assert chances @ estimates == pytest.approx(tiny.exact_evidence(stay), rel=1e-12)


def test_the_evidence_is_the_forward_algorithms():
    for stay in tiny.STAYS:
        moves = np.array([[stay, 1 - stay], [1 - stay, stay]])
        mass = np.full(2, 0.5) * np.array(tiny.SEES)[:, tiny.DIARY[0]]
        for seen in tiny.DIARY[1:]:
            mass = mass @ moves * np.array(tiny.SEES)[:, seen]
        assert tiny.exact_evidence(stay) == pytest.approx(mass.sum(), rel=1e-12)


@pytest.mark.answers("04b-022", 1)
@pytest.mark.parametrize("n", range(1, 7))
def test_the_kept_estimate_gives_the_posterior_for_every_n(n):
    kept, _ = tiny.both_chains(n)
    assert np.abs(kept - tiny.posterior()).max() < 1e-12


@pytest.mark.answers("04b-022", 2)
def test_the_estimate_drawn_anew_comes_nearer_and_does_not_arrive():
    off = [np.abs(tiny.both_chains(n)[1] - tiny.posterior()).sum() / 2 for n in range(1, 7)]
    assert all(far > near for far, near in itertools.pairwise(off))
    assert (round(off[0], 3), round(off[-1], 3)) == (0.304, 0.051)
    assert tiny.both_chains(1)[1] == pytest.approx([1 / 3] * 3)


def test_the_matrices_are_chains_and_the_kept_one_is_in_balance():
    listed = [tiny.every_outcome(stay, 2) for stay in tiny.STAYS]
    chances, estimates = (np.array(part) for part in zip(*listed, strict=True))
    kept = tiny.kept_matrix(chances, estimates)
    assert kept.sum(axis=1) == pytest.approx(np.ones(len(kept)))
    target = (chances * estimates).ravel() / (chances * estimates).sum()
    flow = target[:, None] * kept
    assert flow == pytest.approx(flow.T, abs=1e-15)
    assert tiny.stationary(kept) == pytest.approx(target, abs=1e-12)


def test_drawing_anew_is_what_its_matrix_says():
    """By hand: both outcomes are drawn, and the proposal is taken with min(1, Ẑ′/Ẑ)."""
    listed = [tiny.every_outcome(stay, 1) for stay in tiny.STAYS]
    chances, estimates = (np.array(part) for part in zip(*listed, strict=True))
    by_hand = np.zeros((3, 3))
    for i, j in itertools.product(range(3), repeat=2):
        for u, v in itertools.product(range(chances.shape[1]), repeat=2):
            ratio = min(1, estimates[j, v] / estimates[i, u])
            chance = chances[i, u] * chances[j, v] / 3
            by_hand[i, j] += chance * ratio
            by_hand[i, i] += chance * (1 - ratio)
    assert tiny.anew_matrix(chances, estimates) == pytest.approx(by_hand)
    assert math.isclose(by_hand.sum(), 3)
