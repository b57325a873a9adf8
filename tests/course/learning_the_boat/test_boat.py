"""The boat's evidence is exact, its filters are the library's, and its chains believe the truth."""

import itertools

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM
from scipy import stats

from ttclib.course.learning_the_boat import boat
from ttclib.particles.smc import resample, run
from ttclib.particles.statespace import Bootstrap, LinearGaussian

_, Y = LinearGaussian().simulate(12, np.random.default_rng(3))


def joint_evidence(a, y):
    """Log density of y under the joint normal distribution, without a recursion."""
    moves = np.linalg.inv(np.eye(len(y)) - a * np.eye(len(y), k=-1))
    return stats.multivariate_normal(cov=moves @ moves.T + np.eye(len(y))).logpdf(y)


def test_the_kalman_evidence_is_that_of_the_joint_normal_distribution():
    a = np.array([0.0, 0.3, 0.9, 1.0])
    assert boat.kalman_evidence(a, Y) == pytest.approx([joint_evidence(one, Y) for one in a])


@pytest.mark.parametrize(("a", "n"), [*itertools.product((0.2, 0.9), (1, 5, 64))])
def test_a_row_is_the_librarys_filter_on_the_same_seed(a, n, seed):
    ours = boat.particle_evidence(np.array([a]), Y, n, np.random.default_rng(seed))
    model = Bootstrap(LinearGaussian(transition=a), Y)
    last = run(model, n, resample("systematic"), np.random.default_rng(seed))[-1]
    assert ours == pytest.approx([last.log_evidence])


def test_every_row_has_as_many_survivors_as_before(seed):
    rng = np.random.default_rng(seed)
    x = np.arange(200.0).reshape(40, 5)
    w = rng.exponential(size=x.shape) ** 3
    chosen = boat.survivors(x, w, rng)
    assert chosen.shape == x.shape
    children = np.array(
        [[(row == member).sum() for member in x[k]] for k, row in enumerate(chosen)]
    )
    expected = 5 * w / w.sum(axis=1, keepdims=True)
    assert (children.sum(axis=1) == 5).all()
    assert (np.abs(children - expected) < 1 + 1e-9).all()


def test_the_posterior_is_a_density_and_does_not_need_a_fine_grid():
    fine = boat.exact_posterior(Y, 4000)
    coarse = boat.exact_posterior(Y, 100)
    assert np.mean(fine.density) == pytest.approx(1)
    assert (coarse.mean, coarse.sd) == pytest.approx((fine.mean, fine.sd), abs=1e-4)


def end_of(chains, steps, n, seed, **more):
    """Where many independent chains stand after some steps, begun in the exact posterior."""
    going = boat.learn(
        boat.particle_evidence, Y[:6], n, 0.5, chains, np.random.default_rng(seed), **more
    )
    for _ in range(steps):
        last = next(going)
    return last


def p_value(draws):
    """Of independent draws from the posterior: how many lie in each tenth, a bound for all ten."""
    exact = boat.exact_posterior(Y[:6], 2000)
    edges = np.interp(np.arange(1, 10) / 10, np.cumsum(exact.density) / 2000, exact.grid)
    counts = np.bincount(np.searchsorted(edges, draws), minlength=10)
    tests = [stats.binomtest(int(count), len(draws), 0.1).pvalue for count in counts]
    return min(1.0, 10 * min(tests))


@pytest.mark.statistical
@pytest.mark.parametrize("n", [4, 16])
def test_the_chain_that_keeps_its_estimate_believes_the_posterior(n, seed):
    """Six measurements: after 400 steps its start is forgotten, at 4 particles as at 16."""
    assert p_value(end_of(4000, 400, n, seed)) > FALSE_ALARM


@pytest.mark.statistical
def test_the_chain_that_draws_anew_is_caught(seed):
    assert p_value(end_of(4000, 60, 4, seed, anew=True)) < FALSE_ALARM


@pytest.mark.statistical
def test_the_chain_that_forgets_the_new_estimate_is_caught(seed):
    def forgets(a, log_z, new, log_z_new, rng):
        moved, _ = boat.accept(a, log_z, new, log_z_new, rng)
        return moved, log_z

    assert p_value(end_of(4000, 60, 4, seed, accept=forgets)) < FALSE_ALARM
