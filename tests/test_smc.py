"""The one loop: every outcome enumerated, mutants caught; then particle filters against exact filters."""

import math

import numpy as np
import pytest
from enumerable_model import LOOKS_BACK, ONE_IS_HEAVY, TwoStates, unnormalised_posterior
from outcomes import enumerable, outcomes

from ttclib import smc as smc_module
from ttclib.genealogy import trajectories
from ttclib.hmm import HiddenMarkov, forward
from ttclib.kalman import bootstrap_variance, kalman_filter
from ttclib.resampling import UNBIASED
from ttclib.smc import Cost, Model, Population, keep_all, resample, run, smc, top_k, when_ess_below
from ttclib.statespace import Bootstrap, Guided, LinearGaussian

FALSE_ALARM = 1e-6
SCHEMES = {name: enumerable(scheme) for name, scheme in UNBIASED.items()}
SIZES = [(3, 2), (2, 3)]  # (T, n)

# ---------------------------------------------------------------- every outcome


def enumerate_filter(length, n, select, potential=LOOKS_BACK):
    """Errors of E[Ẑ], and of E[Ẑ · share of a path] for the worst path, relative to the evidence Z."""
    exact = unnormalised_posterior(length, potential)
    evidence = sum(exact.values())
    total, mean, masses = 0.0, 0.0, dict.fromkeys(exact, 0.0)
    for probability, history in outcomes(lambda rng: run(TwoStates(length, potential), n, select, rng)):
        total += probability
        last = history[-1]
        if last.extinct:
            assert last.log_evidence == -math.inf
            continue
        estimate = probability * math.exp(last.log_evidence)
        mean += estimate
        for path, weight in zip(trajectories(history).T, last.weights, strict=True):
            masses[tuple(path)] += estimate * weight
    assert total == pytest.approx(1, abs=1e-12)
    return mean / evidence - 1, max(abs(masses[path] - exact[path]) for path in exact) / evidence


@pytest.mark.parametrize(("length", "n"), SIZES)
@pytest.mark.parametrize("threshold", [0, 0.3, 0.6, 1])
@pytest.mark.parametrize("name", SCHEMES)
def test_evidence_is_unbiased_over_every_outcome(name, threshold, length, n):
    bias, path_error = enumerate_filter(length, n, when_ess_below(threshold, resample(SCHEMES[name])))
    assert abs(bias) < 1e-12
    assert path_error < 1e-12


@pytest.mark.parametrize(("length", "n"), SIZES)
@pytest.mark.parametrize("name", SCHEMES)
def test_evidence_is_unbiased_when_always_resampled(name, length, n):
    assert max(map(abs, enumerate_filter(length, n, resample(SCHEMES[name])))) < 1e-12


@pytest.mark.parametrize(("length", "n"), SIZES)
def test_evidence_is_unbiased_when_never_resampled(length, n):
    assert max(map(abs, enumerate_filter(length, n, keep_all))) < 1e-12


@pytest.mark.parametrize("children", [1, 3])
@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "killing"])
def test_evidence_is_unbiased_when_the_population_grows_or_shrinks(name, children):
    select = resample(SCHEMES[name], n=children)
    assert max(map(abs, enumerate_filter(2, 2, select))) < 1e-12
    assert max(map(abs, enumerate_filter(2, 2, when_ess_below(0.6, select)))) < 1e-12


def test_a_low_threshold_with_four_particles():
    """With two or three particles the effective sample size is never under 0.3 n; with four it is."""
    select = when_ess_below(0.3, resample(SCHEMES["systematic"]))
    assert max(map(abs, enumerate_filter(2, 4, select, ONE_IS_HEAVY))) < 1e-12


# Mutants of a selection, each a likely mistake. Each must show in the same sums.


def forgets_carried_weights(scheme):
    def select(population, rng):
        if population.ess < 0.6 * len(population):
            return resample(scheme)(population, rng)
        return population.everyone, np.full(len(population), population.log_evidence)

    return select


def restarts_carried_weights(scheme):
    def select(population, rng):
        if population.ess < 0.6 * len(population):
            return resample(scheme)(population, rng)
        return population.everyone, np.zeros(len(population))

    return select


def keeps_weights_after_resampling(scheme):
    def select(population, rng):
        ancestors, _ = resample(scheme)(population, rng)
        return ancestors, population.log_weights[ancestors]

    return select


def resamples_by_a_power(scheme):
    return resample(lambda weights, n, rng: scheme(weights**0.9, n, rng))


def averages_over_the_children(scheme):
    def select(population, rng):
        size = len(population) + (scheme is not SCHEMES["killing"])
        ancestors, log_weights = resample(scheme, size)(population, rng)
        return ancestors, log_weights + math.log(len(population) / 3)

    return select


def drops_the_evidence_so_far(scheme):
    def select(population, rng):
        ancestors, log_weights = resample(scheme)(population, rng)
        return ancestors, np.zeros(len(log_weights))

    return select


def resamples_uniformly(scheme):
    return resample(lambda weights, n, rng: scheme(np.ones(len(weights)), n, rng))


MUTANTS = [
    forgets_carried_weights,
    restarts_carried_weights,
    keeps_weights_after_resampling,
    resamples_by_a_power,
    averages_over_the_children,
    drops_the_evidence_so_far,
    resamples_uniformly,
]


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("name", SCHEMES)
def test_mutants_are_biased(name, mutant):
    bias, path_error = enumerate_filter(2 if mutant is averages_over_the_children else 3, 2, mutant(SCHEMES[name]))
    print(name, mutant.__name__, bias, path_error)
    assert abs(bias) > 5e-3  # the right selection: below 1e-12
