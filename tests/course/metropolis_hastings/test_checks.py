"""Checks of notebook 02: the right answer passes, and each slip is told what it is."""

import itertools
import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.metropolis_hastings import checks, markov

POWER = np.linalg.matrix_power


# ---- stationary ----------------------------------------------------------------------------------


def by_eigenvector(P):
    values, vectors = np.linalg.eig(P.T)
    row = np.real(vectors[:, np.argmax(np.real(values))])
    return row / row.sum()


def by_least_squares(P):
    equations = np.vstack([P.T - np.eye(len(P)), np.ones(len(P))])
    return np.linalg.lstsq(equations, np.r_[np.zeros(len(P)), 1], rcond=None)[0]


def by_lists(P):
    row = [1.0, *[0.0] * (len(P) - 1)]
    for _ in range(500):
        row = [sum(row[i] * P[i][j] for i in range(len(P))) for j in range(len(P))]
    return row


def until_it_stops(P):
    row = np.ones(len(P)) / len(P)
    while np.abs(row @ P - row).max() > 1e-12:
        row = row @ P
    return row


def days(n):
    def sample(P):
        row = np.full(len(P), 1 / len(P))
        for _ in range(n):
            row = row @ P
        return row

    return sample


def first_column_of_eig(P):
    row = np.real(np.linalg.eig(P.T)[1][:, 0])
    with np.errstate(all="ignore"):  # the sum may be zero
        return row / row.sum()


def tilted(P):
    """Probabilities that sum to one and are not stationary."""
    return POWER(P, 200)[0] + np.array([0.2, -0.2, *[0.0] * (len(P) - 2)])


def three_states_only(P):
    row = np.array([1.0, 0, 0])
    for _ in range(500):
        row = row @ P
    return row


def simulated(P):
    path = markov.simulate(P, 0, 3000, np.random.default_rng(0))[:, 0]
    return np.bincount(path, minlength=len(P)) / len(path)


def overshot(P):
    """Sums to one, and one state is below zero."""
    row = np.zeros(len(P))
    row[:2] = 1.5, -0.5
    return row


# ---- detailed balance ----------------------------------------------------------------------------


def gap_by_loop(P, pi):
    worst = 0
    for i, j in itertools.product(range(len(P)), repeat=2):
        worst = max(worst, abs(pi[i] * P[i, j] - pi[j] * P[j, i]))
    return worst


def flow(P, pi):
    return pi[:, None] * P


def gaps(P, pi):
    return flow(P, pi) - flow(P, pi).T


# ---- worth of a chain ----------------------------------------------------------------------------


def ess(rho, n):
    return n / tau(rho)


def tau(rho):
    return 1 + 2 * sum(until_negative(rho))


def until_negative(rho):
    return list(itertools.takewhile(lambda r: r >= 0, rho))


def ess_by_loop(rho, n):
    total = 1.0
    for r in rho:
        if r < 0:
            break
        total += 2 * r
    return n / total


def ess_by_argmax(rho, n):
    rho = np.append(rho, -1.0)
    return n / (1 + 2 * rho[: np.argmax(rho < 0)].sum())


def ess_by_while(rho, n):
    k = 0
    while k < len(rho) and rho[k] >= 0:
        k += 1
    return float(n) / (2 * math.fsum(rho[:k]) + 1)


# ---- R-hat ---------------------------------------------------------------------------------------


def rhat(x, ddof=(1, 1), power=0.5):
    n = len(x)
    within = x.var(axis=0, ddof=ddof[0]).mean()
    return ((n - 1) / n + x.mean(axis=0).var(ddof=ddof[1]) / within) ** power


def rhat_by_b(x):
    """Gelman and Rubin's B = n V."""
    n = x.shape[0]
    B = n * np.var(np.mean(x, axis=0), ddof=1)
    W = np.mean(np.var(x, axis=0, ddof=1))
    return math.sqrt(((n - 1) / n * W + B / n) / W)


def rhat_by_loop(x):
    chains = [list(chain) for chain in np.transpose(x)]
    n = len(chains[0])
    means = [sum(chain) / n for chain in chains]
    spreads = [sum((v - m) ** 2 for v in c) / (n - 1) for c, m in zip(chains, means, strict=True)]
    middle = sum(means) / len(means)
    between = sum((m - middle) ** 2 for m in means) / (len(means) - 1)
    return math.sqrt((n - 1) / n + between / (sum(spreads) / len(spreads)))


def rhat_by_frame(x):
    W = sum(np.cov(chain) for chain in x.T) / x.shape[1]
    V = np.cov(x.mean(axis=0))
    return np.sqrt(1 - 1 / len(x) + V / W)


# ---- tuning --------------------------------------------------------------------------------------


def tune(rule, rounds=200, start=1.0, end=None):
    def find(accepted):
        s = start
        for t in range(rounds):
            s = rule(s, accepted(s), t)
        return s if end is None else end(s, accepted(s))

    return find


def robbins(s, share, t):
    return s * math.exp(4 * (share - 0.44) / math.sqrt(1 + t / 4))


def bisect(accepted):
    low, high = 1e-6, 1e6
    for _ in range(60):
        middle = math.sqrt(low * high)
        if accepted(middle) > 0.44:
            low = middle
        else:
            high = middle
    return low


def until_near(accepted):
    s = 1
    while not 0.43 < accepted(s) < 0.45:
        s *= 1.02 if accepted(s) > 0.44 else 1 / 1.02
    return s


def from_a_grid(accepted):
    grid = np.geomspace(1e-4, 1e4, 1000)
    return grid[np.argmin([abs(accepted(s) - 0.44) for s in grid])]


def down_from_above(accepted):
    s = 1e4
    while accepted(s) < 0.43:
        s = s * 0.99
    return s


def to_and_fro(accepted):
    s = 1.0
    while not 0.43 < accepted(s) < 0.45:
        s = s * 2 if accepted(s) > 0.44 else s / 2
    return s


def backwards_for_ever(accepted):
    s = 1.0
    while not 0.43 < accepted(s) < 0.45:
        s = min(max(s / 1.01 if accepted(s) > 0.44 else s * 1.01, 1e-8), 1e8)
    return s


# ---- Metropolis ----------------------------------------------------------------------------------


def log_u(rng):
    return np.log(rng.random())


def walk(
    moves, count_stays=True, step=lambda s, rng: s * rng.standard_normal(), told=lambda x, y: x
):
    """Random-walk Metropolis in which ``moves(log p(y), log p(x), log p(start), rng)`` decides."""

    def sample(log_density, start, step_size, n, rng):
        x, positions = start, []
        first = log_density(start)
        while len(positions) < n:
            y = x + step(step_size, rng)
            moved = moves(log_density(y), log_density(x), first, rng)
            x = y if moved else x
            if moved or count_stays:
                positions.append(told(x, y))
        return np.array(positions)

    return sample


def right_rule(new, old, _, rng):
    return log_u(rng) < new - old


good = walk(right_rule)


def cached(log_density, start, step_size, n, rng):
    x, log_p, positions = start, log_density(start), []
    for _ in range(n):
        y = rng.normal(x, step_size)
        log_q = log_density(y)
        if rng.uniform() < math.exp(min(0, log_q - log_p)):
            x, log_p = y, log_q
        positions.append(x)
    return positions


def luck_drawn_before(log_density, start, step_size, n, rng):
    noise = step_size * rng.standard_normal(n)
    limits = -rng.standard_exponential(n)
    positions = np.empty(n)
    x = start
    for t in range(n):
        y = x + noise[t]
        if limits[t] < log_density(y) - log_density(x):
            x = y
        positions[t] = x
    return positions


def uphill_or_second_chance(log_density, start, step_size, n, rng):
    x = start
    positions = []
    for _ in range(n):
        y = x + rng.normal(0, step_size)
        ratio = np.exp(log_density(y) - log_density(x))
        if ratio >= 1 or rng.random() < ratio:
            x = y
        positions.append(float(x))
    return positions


def recursive_sums(log_density, start, step_size, n, rng):
    """Without an if: the move is multiplied by 0 or 1."""
    x = [start]
    for _ in range(n):
        d = step_size * rng.standard_normal()
        x.append(x[-1] + d * (log_u(rng) <= log_density(x[-1] + d) - log_density(x[-1])))
    return np.array(x[1:])


def kept_only(log_density, start, step_size, n, rng):
    """Append on accept: the classic."""
    x, positions = start, []
    for _ in range(n):
        y = x + step_size * rng.standard_normal()
        if log_u(rng) < log_density(y) - log_density(x):
            x = y
            positions.append(x)
    return np.array(positions)


def global_luck(log_density, start, step_size, n, rng):
    return good(log_density, start, step_size, n, np.random.default_rng())


def global_second_chance(log_density, start, step_size, n, rng):
    """Steps from rng, second chances from elsewhere."""
    other = np.random.default_rng()
    positions = []
    x = start
    for _ in range(n):
        y = x + step_size * rng.standard_normal()
        x = y if log_u(other) < log_density(y) - log_density(x) else x
        positions.append(x)
    return positions


def own_luck(log_density, start, step_size, n, rng):
    return good(log_density, start, step_size, n, np.random.default_rng(0))


def with_start(*given):
    return np.r_[given[1], good(*given)]


def start_first(*given):
    return np.r_[given[1], good(*given)][:-1]


def from_zero(log_density, start, *given):
    return good(log_density, 0.0, *given)


def from_the_start(log_density, start, step_size, n, rng):
    x, positions = start, []
    for _ in range(n):
        y = start + step_size * rng.standard_normal()
        if log_u(rng) < log_density(y) - log_density(x):
            x = y
        positions.append(x)
    return np.array(positions)


def stale(log_density, start, step_size, n, rng):
    x, log_p, positions = start, log_density(start), []
    for _ in range(n):
        y = x + step_size * rng.standard_normal()
        if log_u(rng) < log_density(y) - log_p:
            x = y
        positions.append(x)
    return np.array(positions)


def remembers_the_refused(log_density, start, step_size, n, rng):
    x, log_p, positions = start, log_density(start), []
    for _ in range(n):
        y = x + step_size * rng.standard_normal()
        log_q = log_density(y)
        if log_u(rng) < log_q - log_p:
            x = y
        log_p = log_q
        positions.append(x)
    return np.array(positions)


def blind(log_density, start, step_size, n, rng):
    return start + np.cumsum(step_size * rng.standard_normal(n))


def exact_draws(log_density, start, step_size, n, rng):
    """Draws of a normal target that never ask for the density."""
    return rng.standard_normal(n)


def ragged(log_density, start, step_size, n, rng):
    return [[0.0] * (k % 2 + 1) for k in range(n)]


def ignores_later_starts(log_density, start, step_size, n, rng):
    """Moves the whole record after the walk: no position is where the chain was."""
    return good(log_density, start, step_size, n, rng) * 1.01 - 0.01 * start


def thinned(log_density, start, step_size, n, rng):
    """Every second position of a chain that goes twice as far in its density."""
    target = lambda x: 0.5 * log_density(x)  # noqa: E731
    if log_density(0.0) == log_density(1.0):
        return good(log_density, start, step_size, n, rng)
    return good(target, start, step_size, 2 * n, rng)[::2]


RIGHT = [
    (checks.stationary, lambda P: POWER(P, 200)[0]),
    (checks.stationary, by_eigenvector),
    (checks.stationary, by_least_squares),
    (checks.stationary, by_lists),
    (checks.stationary, until_it_stops),
    (checks.stationary, days(1000)),
    (checks.balance_gap, lambda P, pi: np.abs(gaps(P, pi)).max()),
    (checks.balance_gap, gap_by_loop),
    (checks.balance_gap, lambda P, pi: (np.diag(pi) @ P - P.T @ np.diag(pi)).max()),
    (checks.balance_gap, markov.detailed_balance_gap),
    (checks.accept_probability, lambda x, y, there, back: min(1, y * back / (x * there))),
    (checks.accept_probability, lambda x, y, there, back: min(1.0, (y / x) * (back / there))),
    (
        checks.accept_probability,
        lambda x, y, there, back: np.exp(min(0, np.log(y * back) - np.log(x * there))),
    ),
    (checks.accept_probability, lambda x, y, there, back: min(y * back, x * there) / (x * there)),
    (
        checks.accept_probability,
        lambda x, y, there, back: 1 if y * back >= x * there else y * back / (x * there),
    ),
    (checks.chain_ess, ess),
    (checks.chain_ess, ess_by_loop),
    (checks.chain_ess, ess_by_argmax),
    (checks.chain_ess, ess_by_while),
    (checks.rhat, rhat),
    (checks.rhat, rhat_by_b),
    (checks.rhat, rhat_by_loop),
    (checks.rhat, rhat_by_frame),
    (checks.tune, tune(robbins)),
    (checks.tune, bisect),
    (checks.tune, until_near),
    (checks.tune, from_a_grid),
    (checks.tune, down_from_above),
    (checks.metropolis, good),
    (checks.metropolis, cached),
    (checks.metropolis, luck_drawn_before),
    (checks.metropolis, uphill_or_second_chance),
    (checks.metropolis, recursive_sums),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.stationary, lambda P: POWER(P, 200), "yours has shape (3, 3)"),
    (checks.stationary, lambda P: POWER(P, 200)[:1], "yours has shape (1, 3)"),
    (checks.stationary, lambda P: P @ np.full(len(P), 1 / len(P)), "right for the columns"),
    (checks.stationary, lambda P: np.full(len(P), 1 / len(P)), "right for the columns"),
    (checks.stationary, lambda P: 2 * POWER(P, 200)[0], "yours sum to 2.000"),
    (checks.stationary, lambda P: by_eigenvector(P) / by_eigenvector(P).max(), "yours sum to"),
    (checks.stationary, lambda P: np.eye(len(P))[1] @ P, "after a few days"),
    (checks.stationary, lambda P: POWER(P, 3)[2], "after a few days"),
    (checks.stationary, lambda P: P.mean(axis=0), "after a few days"),
    (checks.stationary, days(2), "after a few days"),
    (checks.stationary, days(30), "some chains forget slowly"),
    (checks.stationary, simulated, "compute them instead of simulating"),
    (checks.stationary, first_column_of_eig, "look for the eigenvalue next to 1"),
    (checks.stationary, three_states_only, "take their number from len(P)"),
    (checks.stationary, tilted, "π @ P should give π again"),
    (checks.stationary, overshot, "yours holds -0.500"),
    (checks.balance_gap, lambda P, pi: np.abs(gaps(P, pi)).sum(), "sum over all roads"),
    (checks.balance_gap, lambda P, pi: np.abs(np.triu(gaps(P, pi))).sum(), "that is a sum over"),
    (checks.balance_gap, lambda P, pi: np.abs(gaps(P, pi)).mean(), "the mean over all pairs"),
    (checks.balance_gap, lambda P, pi: np.linalg.norm(gaps(P, pi)), "root of a sum of squares"),
    (checks.balance_gap, lambda P, pi: gaps(P, pi).sum(), "look at each road by itself"),
    (checks.balance_gap, lambda P, pi: np.abs(pi @ P - pi).max(), "look at each road by itself"),
    (checks.balance_gap, lambda P, pi: gaps(P, pi).min(), "take the absolute value"),
    (checks.balance_gap, lambda P, pi: np.abs(P - P.T).max(), "compare P with its transpose"),
    (checks.balance_gap, lambda P, pi: np.abs(pi * P - (pi * P).T).max(), "times P_ij"),
    (checks.balance_gap, lambda P, pi: (flow(P, pi) + flow(P, pi).T).max(), "subtract them"),
    (checks.balance_gap, lambda P, pi: flow(P, pi).max(), "subtract that of the way back"),
    (
        checks.balance_gap,
        lambda P, pi: np.abs(flow(P, pi) / flow(P, pi).T - 1).max(),
        "subtract, do not divide",
    ),
    (checks.balance_gap, lambda P, pi: np.allclose(gaps(P, pi), 0), "a number"),
    (checks.balance_gap, lambda P, pi: np.abs(gaps(P, pi)), "shape (4, 4)"),
    (checks.balance_gap, lambda P, pi: 0.33, "yours is 0.33"),
    (
        checks.balance_gap,
        lambda P, pi: max(0.0658368734069669, markov.detailed_balance_gap(P, pi)),
        "in detailed balance it is 0",
    ),
    (checks.accept_probability, lambda x, y, there, back: min(1, y / x), "Metropolis' rule"),
    (
        checks.accept_probability,
        lambda x, y, there, back: min(1, y * there / (x * back)),
        "proposal ratio is upside down",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: min(1, x * back / (y * there)),
        "target ratio is upside down",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: min(1, x * there / (y * back)),
        "both ratios are upside down",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: min(1, back / there),
        "target is missing",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: min(1, y / x) * min(1, back / there),
        "one minimum of the whole product",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: min(1, y / x) * back / there,
        "around the whole product",
    ),
    (checks.accept_probability, lambda x, y, there, back: y * back / (x * there), "at most 1"),
    (
        checks.accept_probability,
        lambda x, y, there, back: max(1, y * back / (x * there)),
        "take the smaller",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: y * back / (x * there + y * back),
        "Barker's rule",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: min(0, math.log(y * back / (x * there))),
        "take exp of it",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: np.random.default_rng(0).random() < y * back / (x * there),
        "return the probability itself",
    ),
    (
        checks.balance_gap,
        lambda P, pi: max(gaps(P, pi)[i, j] for i in range(len(P)) for j in range(i, len(P))),
        "run backwards",
    ),
    (
        checks.balance_gap,
        lambda P, pi: max(abs(gaps(P, pi)[i, i + 1]) for i in range(len(P) - 1)),
        "here the answer is 0.06584",
    ),
    (
        checks.accept_probability,
        lambda x, y, there, back: [min(1, y * back / (x * there))],
        "yours is of type list",
    ),
    (checks.accept_probability, lambda x, y, there, back: 0.7, "is 0.5, yours is 0.7"),
    (checks.accept_probability, lambda x, y, there, back: 0.5, "is 0.6, yours is 0.5"),
    (checks.chain_ess, lambda rho, n: n / (1 + 2 * sum(rho)), "it adds up"),
    (
        checks.chain_ess,
        lambda rho, n: n / (1 + 2 * sum(rho[: len(until_negative(rho)) + 1])),
        "without counting it",
    ),
    (
        checks.chain_ess,
        lambda rho, n: n / (1 + 2 * sum(r for r in rho if r > 0)),
        "left out the negative ones",
    ),
    (checks.chain_ess, lambda rho, n: n / (1 + sum(until_negative(rho))), "counts twice"),
    (checks.chain_ess, lambda rho, n: n / (2 * sum(until_negative(rho))), "the 1 is missing"),
    (checks.chain_ess, lambda rho, n: tau(rho), "that is τ"),
    (checks.chain_ess, lambda rho, n: n * tau(rho), "worth less, not more"),
    (checks.chain_ess, lambda rho, n: n / tau(rho[1:]), "rho begins at lag 1"),
    (checks.chain_ess, lambda rho, n: n / (2 + 2 * sum(until_negative(rho))), "not 2 (1 + Σ ρ)"),
    (
        checks.chain_ess,
        lambda rho, n: n / (1 + 2 * sum(r**2 for r in until_negative(rho))),
        "not their squares",
    ),
    (checks.chain_ess, lambda rho, n: 1 / tau(rho), "the chain has n"),
    (checks.chain_ess, lambda rho, n: n / (1 + 2 * rho[0]), "only the first lag"),
    (checks.chain_ess, lambda rho, n: n, "yours is 1000"),
    (checks.chain_ess, lambda rho, n: 1000 / tau(rho), "and n = 400 it is 160"),
    (checks.chain_ess, lambda rho, n: n / (1 + 2 * sum(rho[:4])), "and n = 50 it is 50"),
    (checks.rhat, lambda x: rhat(x, power=1), "take the square root"),
    (checks.rhat, lambda x: rhat(x, ddof=(0, 0)), "in each variance"),
    (checks.rhat, lambda x: rhat(x, ddof=(0, 1)), "within the chains, too"),
    (checks.rhat, lambda x: rhat(x, ddof=(1, 0)), "divide by chains − 1"),
    (checks.rhat, lambda x: rhat(x.T), "chains are the columns"),
    (
        checks.rhat,
        lambda x: np.sqrt(2 / 3 + x.mean(axis=0).var(ddof=1) / x.var(axis=0, ddof=1).mean()),
        "not the number of chains",
    ),
    (
        checks.rhat,
        lambda x: np.sqrt(x.mean(axis=0).var(ddof=1) / x.var(axis=0, ddof=1).mean()),
        "the (n − 1)/n is missing",
    ),
    (
        checks.rhat,
        lambda x: np.sqrt(0.75 + x.var(axis=0, ddof=1).mean() / x.mean(axis=0).var(ddof=1)),
        "upside down",
    ),
    (
        checks.rhat,
        lambda x: np.sqrt(1 + x.mean(axis=0).var(ddof=1) / x.var(axis=0, ddof=1).mean()),
        "the first term is (n − 1)/n",
    ),
    (
        checks.rhat,
        lambda x: np.sqrt(0.75 + x.mean(axis=0).var(ddof=1) / x.var(axis=0, ddof=1).mean() / 4),
        "do not divide it by n",
    ),
    (
        checks.rhat,
        lambda x: np.sqrt(0.75 + 4 * x.mean(axis=0).var(ddof=1) / x.var(axis=0, ddof=1).mean()),
        "not multiplied by n here",
    ),
    (
        checks.rhat,
        lambda x: np.sqrt(0.75 + x.var(ddof=1) / x.var(axis=0, ddof=1).mean()),
        "variance of all draws",
    ),
    (
        checks.rhat,
        lambda x: np.sqrt(0.75 + x.mean(axis=0).std(ddof=1) / x.std(axis=0, ddof=1).mean()),
        "not the standard deviations",
    ),
    (checks.rhat, lambda x: x.var(axis=0), "yours has (3,)"),
    (checks.rhat, lambda x: 1.0, "yours is 1"),
    (checks.tune, lambda accepted: 2.38, "never asked"),
    (checks.tune, tune(robbins, end=lambda s, share: share), "return the step size"),
    (
        checks.tune,
        tune(lambda s, share, t: s * math.exp(4 * (0.44 - share))),
        "turn the rule round",
    ),
    (checks.tune, backwards_for_ever, "more than 0.44 accepted means a larger step"),
    (checks.tune, to_and_fro, "make smaller changes"),
    (checks.tune, tune(lambda s, share, t: s + (share - 0.44)), "by a factor"),
    (
        checks.tune,
        tune(lambda s, share, t: s + (0.2 if share > 0.44 else -0.2), rounds=20),
        "by a factor",
    ),
    (checks.tune, tune(lambda s, share, t: s - 1), "multiply, do not subtract"),
    (checks.tune, tune(robbins, rounds=2), "by a factor"),
    (checks.tune, tune(lambda s, share, t: s * math.exp(share - 0.234)), "in many dimensions"),
    (checks.tune, tune(lambda s, share, t: s * math.exp(share - 0.5)), "not a half"),
    (
        checks.tune,
        lambda accepted: max(np.geomspace(1e-4, 1e3, 50), key=accepted),
        "the most accepted is not the best",
    ),
    (checks.tune, tune(robbins, end=lambda s, share: -s), "is -2.4"),
    (checks.metropolis, lambda *given: good(*given)[:, None], "yours has shape (4000, 1)"),
    (checks.metropolis, ragged, "return 4,000 numbers"),
    (checks.metropolis, with_start, "leave out the start"),
    (checks.metropolis, start_first, "*after* the first transition"),
    (
        checks.metropolis,
        lambda p, x, s, n, rng: kept_only(lambda v: p(v) - 0.1 * v * v, x, s, n, rng),
        "the old position counts once more",
    ),
    (checks.metropolis, kept_only, "the old position counts once more"),
    (checks.metropolis, global_luck, "not from np.random"),
    (checks.metropolis, global_second_chance, "take u from rng, too"),
    (checks.metropolis, own_luck, "make no generator of your own"),
    (checks.metropolis, blind, "never asks for log_density"),
    (checks.metropolis, exact_draws, "never asks for log_density"),
    (checks.metropolis, from_zero, "begin at start"),
    (checks.metropolis, from_the_start, "propose from the present position"),
    (
        checks.metropolis,
        walk(right_rule, step=lambda s, rng: abs(s * rng.standard_normal())),
        "go left as often as right",
    ),
    (
        checks.metropolis,
        walk(right_rule, step=lambda s, rng: s * rng.random()),
        "go left as often as right",
    ),
    (
        checks.metropolis,
        walk(right_rule, step=lambda s, rng: math.sqrt(s) * rng.standard_normal()),
        "you took it as a variance",
    ),
    (
        checks.metropolis,
        walk(right_rule, step=lambda s, rng: s**2 * rng.standard_normal()),
        "you squared it",
    ),
    (
        checks.metropolis,
        walk(right_rule, step=lambda s, rng: rng.standard_normal()),
        "multiply the normal number",
    ),
    (
        checks.metropolis,
        walk(right_rule, step=lambda s, rng: rng.uniform(-s, s)),
        "makes a valid chain, too",
    ),
    (
        checks.metropolis,
        walk(right_rule, step=lambda s, rng: 1.5 * s * rng.standard_normal()),
        "not step_size = 0.25",
    ),
    (checks.metropolis, walk(lambda new, old, first, rng: True), "the chain runs away"),
    (checks.metropolis, walk(lambda new, old, first, rng: new >= old), "its second chance"),
    (
        checks.metropolis,
        walk(lambda new, old, first, rng: new > old),
        "on a flat target, where all proposals",
    ),
    (
        checks.metropolis,
        walk(lambda new, old, first, rng: log_u(rng) < old - new),
        "the ratio is upside down",
    ),
    (checks.metropolis, stale, "comparing with the start's"),
    (checks.metropolis, remembers_the_refused, "change it only together with x"),
    (
        checks.metropolis,
        walk(right_rule, step=lambda s, rng: s * rng.standard_normal(1)),
        "your proposal has shape (1,)",
    ),
    (
        checks.metropolis,
        walk(lambda new, old, first, rng: new == old or rng.random() < new - old),
        "take the log of u",
    ),
    (
        checks.metropolis,
        walk(lambda new, old, first, rng: new == old or rng.random() < 0.5),
        "whatever its density",
    ),
    (
        checks.metropolis,
        walk(lambda new, old, first, rng: log_u(rng) < new),
        "only the new density",
    ),
    (
        checks.metropolis,
        walk(
            lambda new, old, first, rng: (
                new == old or rng.random() < 1 / (1 + np.exp(min(old - new, 700)))
            )
        ),
        "Barker's rule",
    ),
    (
        checks.metropolis,
        walk(lambda new, old, first, rng: old == 0 or rng.random() < new / old),
        "subtract them",
    ),
    (
        checks.metropolis,
        walk(lambda new, old, first, rng: log_u(rng) < 1.1 * (new - old)),
        "without a power",
    ),
    (
        checks.metropolis,
        walk(lambda new, old, first, rng: log_u(rng) < 0.9 * (new - old)),
        "too often",
    ),
    (checks.metropolis, walk(right_rule, told=lambda x, y: y), "append x"),
    (checks.metropolis, ignores_later_starts, "neither the proposal nor the one before"),
    (checks.metropolis, walk(right_rule, count_stays=False), "variance"),
    (checks.metropolis, thinned, "not 0 and 1"),
]
