"""Islands are small populations of their own, whatever else is in the run."""

import numpy as np
import pytest

from ttclib.particles.islands import split, within
from ttclib.particles.smc import FeynmanKac, Population, keep_all, resample, run, when_ess_below


class Walk(FeynmanKac):
    """Numbers that walk; the weight favours large ones, and some die."""

    def __init__(self, deadly=False):
        self.deadly = deadly

    def init(self, n, rng):
        return rng.standard_normal(n)

    def step(self, t, parents, rng):
        return parents + rng.standard_normal(len(parents))

    def log_potential(self, t, parents, particles):
        return np.where(particles > 0, particles, -np.inf) if self.deadly else particles

    def done(self, t, particles):
        return t == 4


def test_one_island_is_the_population():
    select = when_ess_below(0.5, resample("systematic"))
    plain = run(Walk(), 32, select, np.random.default_rng(1))
    island = run(Walk(), 32, within(1, select), np.random.default_rng(1))
    for a, b in zip(plain, island, strict=True):
        assert (a.particles == b.particles).all() and (a.ancestors == b.ancestors).all()
        assert np.allclose(a.log_weights, b.log_weights)
    assert [a.resampled for a in plain] == [b.resampled for b in island]


def test_nobody_moves_and_every_island_selects_by_its_own_weights():
    k = 5
    for population in run(
        Walk(), 8 * k, within(k, resample("multinomial")), np.random.default_rng(2)
    )[1:]:
        assert (population.ancestors % k == np.arange(8 * k) % k).all()
    before = Population(0, np.arange(6), np.log([1.0, 1, 0.001, 1, 0.001, 1]), np.arange(6))
    ancestors, log_weights = within(2, resample("systematic"))(before, np.random.default_rng(0))
    assert ancestors[::2].tolist() == [0, 0, 0]  # the first island has one heavy member
    assert sorted(ancestors[1::2].tolist()) == [1, 3, 5]
    assert np.allclose(np.exp(log_weights), [1.002 / 3, 1, 1.002 / 3, 1, 1.002 / 3, 1])


def test_split_gives_each_island_what_it_has():
    k, select = 3, when_ess_below(0.9, resample("residual"))
    for population in run(Walk(), 4 * k, within(k, select), np.random.default_rng(3)):
        islands = split(population, k)
        for i, island in enumerate(islands):
            assert (island.particles == population.particles[i::k]).all()
            assert (island.ancestors * k + i == population.ancestors[i::k]).all()
        # the evidence of the whole is the mean of the islands'
        mean = np.mean([np.exp(island.log_evidence) for island in islands])
        assert np.isclose(np.log(mean), population.log_evidence)


def test_where_everybody_is_kept_nothing_is_copied():
    for population in run(Walk(), 12, within(3, keep_all), np.random.default_rng(0)):
        assert population.ancestors.tolist() == list(range(12)) and not population.resampled


def test_an_island_may_die_out_and_the_others_go_on():
    k = 40
    history = run(
        Walk(deadly=True), 2 * k, within(k, resample("systematic")), np.random.default_rng(4)
    )
    dead = [island.extinct for island in split(history[-1], k)]
    assert 0 < sum(dead) < k


@pytest.mark.parametrize(("n", "islands"), [(10, 3), (4, 8)])
def test_islands_are_of_equal_size(n, islands):
    population = Population(0, np.zeros(n), np.zeros(n), np.arange(n))
    with pytest.raises(ValueError, match=f"{n} members cannot be shared out to {islands} islands"):
        split(population, islands)
    with pytest.raises(ValueError, match="cannot be shared out"):
        within(islands, keep_all)(population, np.random.default_rng(0))


@pytest.mark.statistical
def test_the_evidence_of_each_island_is_unbiased(seed):
    # A walk of standard normals with weight e^x at each of five steps: log Z = Σ k² / 2 for k = 1 …
    # 5, so Z is far too spread out; with weights e^(x/10) the relative variance is small enough to
    # test.
    class Gentle(Walk):
        def log_potential(self, t, parents, particles):
            return particles / 10

    k = 4000
    select = within(k, resample("systematic"))
    islands = split(run(Gentle(), 4 * k, select, np.random.default_rng([seed, 6]))[-1], k)
    ratio = np.exp(
        [island.log_evidence - sum(j**2 for j in range(1, 6)) / 200 for island in islands]
    )
    # the mean of 4000 independent ratios is normal to good approximation: 5 standard errors are
    # 6e-7
    assert abs(ratio.mean() - 1) < 5 * ratio.std(ddof=1) / np.sqrt(k)
