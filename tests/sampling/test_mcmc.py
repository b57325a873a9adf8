"""Kernels: complete enumeration, closed-form acceptance, the exact rank test and mutants that fail
it.
"""

import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value, rank_p_value
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.random import default_rng

from ttclib.course.metropolis_hastings import markov
from ttclib.course.metropolis_hastings.hamiltonian import hmc, leapfrog
from ttclib.sampling.mcmc import (
    Info,
    Kernel,
    State,
    metropolis_hastings,
    random_walk,
    run_chains,
)

# ---------------------------------------------------------------- targets with exact draws


def normal(x):
    return -0.5 * x**2 if x.ndim == 1 else -0.5 * (x**2).sum(axis=1)


def gamma(x, shape=3.0):
    """Gamma law, a wall at zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, (shape - 1) * np.log(np.abs(x)) - x, -np.inf)


def banana(x):
    """x₀ ~ N(0, 1) and x₁ | x₀ ~ N(x₀², ½²)."""
    return -0.5 * x[:, 0] ** 2 - 2 * (x[:, 1] - x[:, 0] ** 2) ** 2


def banana_gradient(x):
    bend = 4 * (x[:, 1] - x[:, 0] ** 2)
    return np.column_stack([-x[:, 0] + 2 * x[:, 0] * bend, -bend])


def stretch(x, rng):
    """Multiply by a random factor: a skewed proposal, symmetric only in log x."""
    return x * np.exp(0.8 * rng.standard_normal(x.shape))


def log_stretch(to, given):
    return -0.5 * ((np.log(to) - np.log(given)) / 0.8) ** 2 - np.log(to)


def line(x):
    return x


COORDINATES = [lambda x: x[:, 0], lambda x: x[:, 1], banana]

# ---------------------------------------------------------------- exact


def test_kernel_by_complete_enumeration_is_the_metropolis_matrix():
    """Every start, proposal and value of the random number: the share accepted is exact."""
    weights = np.array([1, 2, 3, 4])
    Q = (
        np.array([[0, 2, 1, 1], [1, 1, 1, 1], [2, 1, 0, 1], [1, 0, 1, 2]]) / 4
    )  # neither symmetric nor dense
    flow = (4 * weights[:, None] * Q).astype(int)
    m = math.lcm(*flow[flow > 0].tolist())  # m · min(1, ratio) is a whole number for every pair
    pairs = np.argwhere(Q > 0).repeat(m, axis=0)  # one chain for each (from, to, random number)
    u = np.tile((np.arange(m) + 0.5) / m, len(pairs) // m)

    class EachNumberOnce:
        def standard_exponential(self, size):
            return -np.log(u)

    with np.errstate(divide="ignore"):
        log_q = np.log(Q)
    kernel = metropolis_hastings(
        lambda x: np.log(weights[x]),
        lambda x, rng: pairs[:, 1].copy(),
        lambda to, given: log_q[given, to],
    )
    state, info = kernel.step(kernel.init(pairs[:, 0]), EachNumberOnce())
    assert (state.position == np.where(info.accepted, pairs[:, 1], pairs[:, 0])).all()
    P = np.zeros((4, 4))
    np.add.at(P, (pairs[:, 0], state.position), Q[pairs[:, 0], pairs[:, 1]] / m)
    exact = markov.metropolis_matrix(weights, Q)
    assert np.abs(P - exact).max() < 1e-14
    assert np.allclose(
        info.acceptance, np.minimum(1, flow[pairs[:, 1], pairs[:, 0]] / flow[*pairs.T])
    )
    assert info.acceptance.min() == 0  # the road 3 → 1 does not exist: 1 → 3 is never taken


@pytest.mark.parametrize("shape", [(7,), (7, 2)])
@pytest.mark.parametrize("name", ["random_walk", "metropolis_hastings", "hmc"])
def test_cost_is_what_was_evaluated(name, shape):
    spent = []

    def density(x):
        spent.append(len(x))
        return normal(x)

    def gradient(x):
        spent.append(len(x))
        return -x

    kernel = {
        "random_walk": random_walk(density, 1.0),
        "metropolis_hastings": metropolis_hastings(
            density,
            lambda x, rng: 0.5 * x + rng.standard_normal(x.shape),
            lambda to, given: normal(to - 0.5 * given),
        ),
        "hmc": hmc(density, gradient, 0.3, 4),
    }[name]
    chain = run_chains(kernel, np.zeros(shape), 11, np.random.default_rng(0))
    assert chain.cost.units == sum(spent)
    assert chain.cost.seconds > 0
    assert chain.positions.shape == (12, *shape)
    assert chain.accepted.shape == (11, 7)
    assert chain.acceptance_rate == chain.accepted.mean()
    moved = (chain.positions[1:] != chain.positions[:-1]).reshape(11, 7, -1).any(axis=2)
    assert (moved == chain.accepted).all()


def test_a_larger_budget_continues_the_same_run():
    kernel = hmc(banana, banana_gradient, 0.2, 3)
    short, long = (
        run_chains(kernel, np.zeros((5, 2)), n, np.random.default_rng(8)) for n in (10, 25)
    )
    assert (long.positions[:11] == short.positions).all()
    rng, state = np.random.default_rng(8), kernel.init(np.zeros((5, 2)))
    for _ in range(25):
        state, _ = kernel.step(state, rng)
    assert (state.position == long.positions[-1]).all()
    assert state.evaluations * 5 == long.cost.units


def test_whole_number_positions_stay_whole():
    kernel = metropolis_hastings(
        lambda x: -0.1 * x**2.0, lambda x, rng: x + rng.choice([-1, 1], x.shape)
    )
    positions = run_chains(kernel, np.zeros(4, int), 20, np.random.default_rng(0)).positions
    assert positions.dtype == int
    assert (np.abs(np.diff(positions, axis=0)) <= 1).all()
    for floats in (random_walk(normal, 1.0), hmc(normal, lambda x: -x, 0.5, 2)):
        moved = run_chains(floats, [0, 1, 2, 3], 20, np.random.default_rng(0)).positions
        assert moved.dtype == float
        assert (moved[-1] % 1 != 0).any()


def test_step_sizes_may_differ_between_coordinates_and_chains():
    by_coordinate = run_chains(
        random_walk(normal, [1e-6, 1.0]), np.zeros((50, 2)), 20, np.random.default_rng(0)
    )
    assert (
        np.ptp(by_coordinate.positions[..., 0]) < 1e-3 < 1 < np.ptp(by_coordinate.positions[..., 1])
    )
    by_chain = run_chains(
        random_walk(normal, [1e-6, 1.0]), np.zeros(2), 20, np.random.default_rng(0)
    )
    assert np.ptp(by_chain.positions[:, 0]) < 1e-3


# ---------------------------------------------------------------- statistical


@pytest.mark.statistical
@pytest.mark.parametrize("step_size", [0.1, 1.0, 2.38, 10.0])
def test_acceptance_follows_the_arctan_law(step_size, seed):
    """From exact draws, one step: accepted ~ Binomial(chains, (2/π)·arctan(2/s)). Level 1e-6,
    exact.
    """
    rng, chains = np.random.default_rng(seed), 200_000
    kernel = random_walk(normal, step_size)
    _, info = kernel.step(kernel.init(rng.standard_normal(chains)), rng)
    count = np.count_nonzero(info.accepted)
    assert binomial_p_value(count, chains, 2 / np.pi * np.arctan(2 / step_size)) > FALSE_ALARM
    # power: a walk with steps 10% longer is told apart
    assert (
        binomial_p_value(count, chains, 2 / np.pi * np.arctan(2 / (1.1 * step_size))) < FALSE_ALARM
    )


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("d", "table"), [(1, 0.4449), (2, 0.356), (5, 0.288), (10, 0.2615), (50, 0.240)]
)
def test_acceptance_in_d_dimensions_follows_student(d, table, seed):
    """P(accept) = 2·P(T_d > s√d/2): the log ratio is N(−s²|z|²/2, s²|z|²), z the proposed step.

    So the acceptance is E[2Φ(−s|z|/2)] = P(Z² > s²|z|²/4), and Z²/(|z|²/d) is F(1, d), the square
    of Student's t. Level 1e-6, exact.
    """
    from scipy import stats

    rng, chains, step_size = np.random.default_rng(seed), 50_000, 2.38 / math.sqrt(d)
    exact = 2 * stats.t(d).sf(step_size * math.sqrt(d) / 2)
    assert exact == pytest.approx(table, abs=6e-4)
    kernel = random_walk(normal, step_size)
    start = rng.standard_normal((chains, d) if d > 1 else chains)
    _, info = kernel.step(kernel.init(start), rng)
    assert binomial_p_value(np.count_nonzero(info.accepted), chains, exact) > FALSE_ALARM


CHAINS = 20_000


def gamma_draws(rng):
    return rng.standard_gamma(3, CHAINS)


def normal_draws(rng):
    return rng.standard_normal(CHAINS)


def banana_draws(rng):
    z = rng.standard_normal((CHAINS, 2))
    return np.column_stack([z[:, 0], z[:, 0] ** 2 + z[:, 1] / 2])


CORRECT = {
    "random walk, a wall at zero": (random_walk(gamma, 3.0), gamma_draws, [line]),
    "skewed proposal with Hastings' ratio": (
        metropolis_hastings(gamma, stretch, log_stretch),
        gamma_draws,
        [line],
    ),
    "random walk on the banana": (random_walk(banana, [0.9, 1.2]), banana_draws, COORDINATES),
    "HMC on the banana": (hmc(banana, banana_gradient, 0.35, 5), banana_draws, COORDINATES),
    "HMC with a step for each coordinate": (
        hmc(banana, banana_gradient, [0.3, 0.4], 3),
        banana_draws,
        COORDINATES,
    ),
    # any gradient gives a reversible map that keeps volumes: wrong is slow, not biased
    "HMC with the gradient's sign wrong": (
        hmc(banana, lambda x: -banana_gradient(x), 0.2, 2),
        banana_draws,
        COORDINATES,
    ),
}


@pytest.mark.statistical
@pytest.mark.parametrize("name", CORRECT)
def test_kernels_pass_the_exact_rank_test(name, seed):
    """False alarm at most 1e-6 for each kernel, exact."""
    kernel, draws, statistics = CORRECT[name]
    rng = np.random.default_rng(seed)
    assert rank_p_value(kernel, draws(rng), rng, statistics) > FALSE_ALARM


def altered_hmc(log_ratio):
    """HMC on N(0, 1), 3 leapfrog steps of 1.2, with another log ratio of (density change, kinetic
    change).
    """
    right = hmc(normal, lambda x: -x, 1.2, 3)

    def step(state, rng):
        momentum = rng.standard_normal(state.position.shape)
        position, end, slope = leapfrog(
            state.position, momentum, state.gradient, lambda x: -x, 1.2, 3
        )
        value = normal(position)
        ratio = log_ratio(value - state.log_density, (momentum**2 - end**2) / 2)
        yes = rng.standard_exponential(len(ratio)) >= -ratio
        old = state.position, state.log_density, state.gradient
        new = (np.where(yes, y, x) for y, x in zip((position, value, slope), old, strict=True))
        return State(*new), Info(position, ratio, yes)

    return Kernel(right.init, step)


def always_accept(kernel, log_density):
    def step(state, rng):
        _, info = kernel.step(state, rng)
        return State(info.proposal, log_density(info.proposal)), info

    return Kernel(kernel.init, step)


def moves_only(kernel):
    """Propose until something is accepted: the rejected days are not counted."""

    def step(state, rng):
        waiting = np.ones(len(state.position), bool)
        position, value = state.position.copy(), state.log_density.copy()
        while waiting.any():
            tried, info = kernel.step(state, rng)
            now = waiting & info.accepted
            position[now], value[now] = tried.position[now], tried.log_density[now]
            waiting &= ~now
        return State(position, value), info

    return Kernel(kernel.init, step)


MUTANTS = {
    "wrong target": (random_walk(lambda x: gamma(x, 3.5), 3.0), gamma_draws, [line]),
    "target squared": (random_walk(lambda x: 2 * gamma(x), 3.0), gamma_draws, [line]),
    "skewed proposal without Hastings' ratio": (
        metropolis_hastings(gamma, stretch),
        gamma_draws,
        [line],
    ),
    "Hastings' ratio upside down": (
        metropolis_hastings(gamma, stretch, lambda to, given: log_stretch(given, to)),
        gamma_draws,
        [line],
    ),
    "rejections not counted": (moves_only(random_walk(gamma, 8.0)), gamma_draws, [line]),
    "always accept": (
        always_accept(random_walk(normal, 1.0), normal),
        normal_draws,
        [
            normal
        ],  # ranks of x stay uniform: the steps of such a walk know no place. Its density tells
    ),
    "HMC without the accept step": (
        altered_hmc(lambda density, kinetic: np.zeros_like(density)),
        normal_draws,
        [line, normal],
    ),
    "HMC without the kinetic energy": (
        altered_hmc(lambda density, kinetic: density),
        normal_draws,
        [line, normal],
    ),
    "HMC with the kinetic energy's sign wrong": (
        altered_hmc(lambda density, kinetic: density - kinetic),
        normal_draws,
        [line, normal],
    ),
}


@pytest.mark.statistical
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_fail_the_exact_rank_test(name, seed):
    kernel, draws, statistics = MUTANTS[name]
    rng = np.random.default_rng(seed)
    assert rank_p_value(kernel, draws(rng), rng, statistics) < FALSE_ALARM


@pytest.mark.statistical
def test_the_unaltered_copy_of_hmc_passes(seed):
    """The copy that the HMC mutants alter is right: they fail by their alteration alone. Level
    1e-6.
    """
    rng = np.random.default_rng(seed)
    kernel = altered_hmc(lambda density, kinetic: density + kinetic)
    assert rank_p_value(kernel, normal_draws(rng), rng, [line, normal]) > FALSE_ALARM


# ---------------------------------------------------------------- bad input


def ready(kernel, start=(1.0, 2.0)):
    return run_chains(kernel, np.array(start), 50, np.random.default_rng(0))


def in_place(x, rng):
    x += rng.standard_normal(x.shape)
    return x


def nan_above_3(x):
    return np.where(x > 3, np.nan, -0.1 * x**2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_walk(normal, 0), "step_size"),
        (lambda: random_walk(normal, np.inf), "step_size"),
        (lambda: random_walk(normal, [1, -1]), "step_size holds -1"),
        (lambda: hmc(normal, line, -1, 5), "step_size"),
        (lambda: hmc(normal, line, 1, 2.5), "n_leapfrog"),
        (
            lambda: ready(random_walk(gamma, 1), [-1.0, 2.0, -3.0]),
            "outside the support at the start of 2 of 3",
        ),
        (lambda: ready(random_walk(lambda x: x * np.nan, 1)), "NaN or .inf at the start of 2 of 2"),
        (lambda: ready(random_walk(lambda x: x + np.inf, 1)), "NaN or .inf at the start of 2 of 2"),
        (
            lambda: ready(random_walk(nan_above_3, 3)),
            r"log_density gives NaN or inf .* 1 of 2 chains",
        ),
        (lambda: ready(random_walk(lambda x: 0.0, 1)), r"log_density returned shape \(\)"),
        (
            lambda: ready(random_walk(lambda x: -(x**2), 1), [[1.0, 2.0]]),
            r"returned shape \(1, 2\)",
        ),
        (lambda: ready(random_walk(normal, 1), 0.0), r"start has shape \(\)"),
        (lambda: ready(random_walk(normal, 1), []), "start has shape"),
        (
            lambda: ready(random_walk(normal, 1), [np.nan]),
            "start holds 1 values that are not finite",
        ),
        (
            lambda: ready(metropolis_hastings(normal, lambda x, rng: x + 0.5), [1, 2]),
            r"made float64 \(2,\) from int64",
        ),
        (lambda: ready(random_walk(normal, [1, 1, 1])), "step_size|broadcast"),
        (lambda: ready(metropolis_hastings(normal, in_place)), "new array"),
        (lambda: ready(metropolis_hastings(normal, lambda x, rng: x[:1])), r"made float64 \(1,\)"),
        (lambda: ready(metropolis_hastings(normal, lambda x, rng: 0.5)), r"made float64 \(\)"),
        (
            lambda: ready(metropolis_hastings(normal, lambda x, rng: x + 1, lambda a, b: 0.0)),
            "log_proposal returned",
        ),
        (
            lambda: ready(
                metropolis_hastings(
                    normal, lambda x, rng: x + 1, lambda to, given: np.where(given > to, 0, -np.inf)
                )
            ),
            "log_proposal gives NaN or inf for the proposals of 2 of 2",
        ),
        (lambda: ready(hmc(normal, lambda x: x[:1], 1, 2)), "gradient at the start has shape"),
        (lambda: ready(hmc(normal, lambda x: x * np.nan, 1, 2)), "gradient at the start holds 2"),
        (lambda: ready(hmc(nan_above_3, lambda x: 0.0 * x, 1, 2)), "log_density gives NaN or inf"),
        (lambda: run_chains(random_walk(normal, 1), np.zeros(2), 0, default_rng(0)), "n is 0"),
        (lambda: run_chains(random_walk(normal, 1), np.zeros(2), 1.5, default_rng(0)), "n is 1.5"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(
    arrays(float, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)),
    st.floats(),
    st.integers(-2, 5),
)
def test_any_start_runs_or_raises_one_clear_line(start, step_size, n):
    def flat_box(x):  # a uniform law on [−1, 1]ᵈ
        return np.where(np.abs(x).reshape(len(x), -1).max(axis=1) <= 1, 0.0, -np.inf)

    try:
        chain = run_chains(random_walk(flat_box, step_size), start, n, np.random.default_rng(0))
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert (np.abs(chain.positions) <= 1).all()
        assert chain.positions.shape == (n + 1, *start.shape)
        assert chain.cost.units == (n + 1) * len(start)
