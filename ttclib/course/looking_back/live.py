"""Budgets of notebooks 01 to 04b and 14, moved once more: each on many runs, beside the truth."""

from __future__ import annotations

import math

import numpy as np

from ttclib.course.looking_back.budgets import Budget, Rival, Setting, measured, tried
from ttclib.measure import bootstrap
from ttclib.particles.smc import resample, run, when_ess_below
from ttclib.particles.statespace import Bootstrap, LinearGaussian
from ttclib.sampling import mcmc

REPLICATES = 399
_OF_PI = "RMS error of π"
_GOOD_STEP = 2.38  # of a random walk on a normal distribution of width 1


def _counts(runs: int, seed: int) -> np.ndarray:
    return bootstrap.counts(runs, REPLICATES, np.random.default_rng((seed, 1)))


def powers(low: int, high: int) -> np.ndarray:
    """Return 2^low, …, 2^high."""
    return 2 ** np.arange(low, high + 1)


def quarter(u: np.ndarray) -> np.ndarray:
    """Return 4 √(1 − u²), whose integral from 0 to 1 is π."""
    return 4 * np.sqrt(1 - u**2)


def darts(rng: np.random.Generator, most: int = 14, runs: int = 100) -> tuple[np.ndarray, ...]:
    """Return numbers of darts, and the squared errors of π of each run: (k,), (k, runs)."""
    n = powers(4, most)
    hits = (rng.random((runs, n[-1], 2)) ** 2).sum(axis=2) <= 1
    estimates = 4 * hits.cumsum(axis=1)[:, n - 1] / n
    return n, (estimates.T - math.pi) ** 2


def strata(rng: np.random.Generator, most: int = 14, runs: int = 100) -> tuple[np.ndarray, ...]:
    """The same with one point in each of n equal pieces of the interval."""
    n = powers(4, most)
    errors = [quarter((np.arange(k) + rng.random((runs, k))) / k).mean(axis=1) for k in n]
    return n, (np.array(errors) - math.pi) ** 2


def simpson(n: int) -> float:
    """Integrate the quarter circle in the angle, by Simpson's rule with n + 1 points; n is even."""
    angle = np.linspace(0, math.pi / 2, n + 1)
    weights = np.full(n + 1, 2.0)
    weights[1::2] = 4
    weights[[0, -1]] = 1
    return float(weights @ (4 * np.cos(angle) ** 2)) * (math.pi / 2 / n) / 3


def of_darts(seed: int = 0) -> list[Budget]:
    """Notebook 01: darts, and points that are spread evenly."""
    rng = np.random.default_rng((seed, 15, 1))
    n, blind = darts(rng)
    k, even = strata(rng)
    counts = _counts(blind.shape[1], seed)
    fewer = Rival("one point in each stratum", k, np.sqrt(even.mean(axis=1)))
    points = np.array([2, 4, 8, 16])
    # what is left of a rounding error is no error
    found = np.array([max(abs(simpson(each) - math.pi), 1e-15) for each in points])
    rule = Rival("Simpson's rule in the angle", points + 1, found)
    names = ("01", "points, one a stratum", "points", _OF_PI)
    return [
        measured(("01", "darts", "darts", _OF_PI), n, blind, counts, rival=fewer, root=True),
        measured(names, k, even, counts, rival=rule, root=True),
    ]


def log_normal(x: np.ndarray) -> np.ndarray:
    """Log density of a standard normal, up to a constant."""
    return -0.5 * x * x


def _running_means(positions: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Means of the first n positions after the start, (k, chains)."""
    return positions[1:].cumsum(axis=0)[n - 1] / n[:, None]


def of_chains(seed: int = 0) -> tuple[list[Budget], list[Setting]]:
    """Notebook 02: transitions of a random walk, and how far it steps."""
    rng = np.random.default_rng((seed, 15, 2))
    n = powers(4, 11)
    chains = 200
    start = rng.standard_normal(chains)  # at home, so that all error is that of the average
    walk = mcmc.run_chains(mcmc.random_walk(log_normal, _GOOD_STEP), start, int(n[-1]), rng)
    counts = _counts(chains, seed)
    direct = Rival("independent draws", powers(2, 12), 1 / np.sqrt(powers(2, 12)))
    transitions = measured(
        ("02", "transitions", "transitions", "RMS error of a mean"),
        n,
        _running_means(walk.positions, n) ** 2,
        counts,
        rival=direct,
        root=True,
    )
    sizes = (0.07, 0.3, 1.2, 2.4, 4.8, 19.0, 76.0)
    cells = []
    for size in sizes:
        kernel = mcmc.random_walk(log_normal, size)
        positions = mcmc.run_chains(kernel, start, 512, rng).positions
        cells.append(positions[1:].mean(axis=0) ** 2)
    names = ("02", "step size of a random walk", "RMS error of a mean, 512 transitions")
    return [transitions], [tried(names, sizes, np.array(cells), counts, root=True)]


# The belief about a mean and a spread of notebook 03, by its numbers: where it is centred, and how
# many measurements that is worth; half the measurements that the spread is worth, and its rate.
CENTRE, KAPPA, SHAPE, RATE = 170.0, 0.5, 1.5, 96.0
TRUE_MEAN, TRUE_SD = 174.0, 8.0


def posterior(x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Update by measurements (..., n): centre, κ, shape and rate (Gelman et al., section 3.3)."""
    n = x.shape[-1]
    average = x.mean(axis=-1)
    kappa = KAPPA + n
    apart = KAPPA * n * (average - CENTRE) ** 2 / kappa
    rate = RATE + (n * x.var(axis=-1) + apart) / 2
    return (KAPPA * CENTRE + n * average) / kappa, kappa, SHAPE + n / 2, rate


def log_belief(theta: np.ndarray, mean: float, kappa: float, shape: float, rate: float):
    """Log density of rows (μ, log σ), up to a constant."""
    mu, log_sigma = theta.T
    squares = rate + kappa * (mu - mean) ** 2 / 2
    return -(2 * shape + 1) * log_sigma - squares * np.exp(-2 * log_sigma)


def of_beliefs(seed: int = 0) -> list[Budget]:
    """Notebook 03: transitions buy a picture of what is believed, measurements buy knowledge."""
    rng = np.random.default_rng((seed, 15, 3))
    n = powers(0, 9)
    people = rng.normal(TRUE_MEAN, TRUE_SD, (400, int(n[-1])))
    centres = np.array([posterior(people[:, :k])[0] for k in n])
    measurements = measured(
        ("03", "measurements", "measurements", "RMS error of a mean, cm"),
        n,
        (centres - TRUE_MEAN) ** 2,
        _counts(400, seed),
        root=True,
    )
    heights = np.array([175.0, 173.0, 179.0, 175.0, 170.0])
    mean, kappa, shape, rate = posterior(heights)
    kernel = mcmc.random_walk(
        lambda theta: log_belief(theta, mean, kappa, shape, rate), np.array([4.5, 0.5])
    )
    steps = powers(5, 11)
    start = np.tile([mean, math.log(5)], (100, 1))
    walk = mcmc.run_chains(kernel, start, int(steps[-1]), rng)
    cells = (_running_means(walk.positions[..., 0], steps) - mean) ** 2
    # the formula costs one evaluation, and leaves nothing
    formula = Rival("the formula of a conjugate prior", np.ones(1), np.zeros(1))
    transitions = measured(
        ("03", "transitions, posterior", "transitions", "RMS error of its mean, cm"),
        steps,
        cells,
        _counts(100, seed),
        rival=formula,
        root=True,
    )
    return [transitions, measurements]


BOAT = LinearGaussian(transition=0.9, transition_cov=1.0, observation_cov=1.0)


def kalman_means(y: np.ndarray) -> np.ndarray:
    """Filter exactly, for :data:`BOAT`: means (T,)."""
    mean = BOAT.initial_mean
    cov = BOAT.initial_cov
    means = []
    for t, seen in enumerate(y):
        if t:
            mean = BOAT.transition * mean
            cov = BOAT.transition**2 * cov + BOAT.transition_cov
        gain = cov / (cov + BOAT.observation_cov)
        mean = mean + gain * (seen - mean)
        cov = (1 - gain) * cov
        means.append(mean)
    return np.array(means)


def _gaps(y: np.ndarray, exact: np.ndarray, n: int, threshold: float, runs) -> np.ndarray:
    """Mean squared distance of filtered means to the exact ones, for each run."""
    select = when_ess_below(threshold, resample("systematic"))
    found = []
    for rng in runs:
        history = run(Bootstrap(BOAT, y), n, select, rng)
        means = np.array([p.mean(p.particles) for p in history])
        found.append(np.mean((means - exact) ** 2))
    return np.array(found)


def of_filters(seed: int = 0) -> tuple[list[Budget], list[Setting]]:
    """Notebook 04: particles that follow a boat, and when they are selected."""
    rng = np.random.default_rng((seed, 15, 4))
    _, y = BOAT.simulate(50, rng)
    exact = kalman_means(y)
    n = powers(2, 10)
    cells = np.array([_gaps(y, exact, int(k), 0.5, rng.spawn(24)) for k in n])
    counts = _counts(24, seed)
    names = ("04", "particles", "particles", "RMS distance to the exact mean")
    # Kalman's filter follows one mean and one variance
    filtered = Rival("the Kalman filter", np.ones(1), np.zeros(1))
    particles = measured(names, n, cells, counts, rival=filtered, root=True)
    thresholds = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
    cells = np.array([_gaps(y, exact, 128, each, rng.spawn(24)) for each in thresholds])
    names = ("04", "ESS threshold, share of n", "RMS distance, 128 particles")
    return [particles], [tried(names, thresholds, cells, counts, root=True)]


PARTICLES = 64  # of each evidence
STEP = 0.25  # of its proposals
THROWN = 64  # steps of a chain that only lead away from its start


def grid_mean(y: np.ndarray, cells: int) -> float:
    """Mean of a boat's coefficient by Kalman evidences in the middles of equal cells of (0, 1)."""
    a = (np.arange(cells) + 0.5) / cells
    mean, variance, log_z = np.zeros(cells), np.ones(cells), np.zeros(cells)
    for seen in y:
        expected = variance + 1
        log_z -= 0.5 * (np.log(expected) + (seen - mean) ** 2 / expected)
        gain = variance / expected
        mean = a * (mean + gain * (seen - mean))
        variance = a**2 * variance * (1 - gain) + 1
    shares = np.exp(log_z - log_z.max())
    return float(shares @ a / shares.sum())


def estimated(a: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Log evidences of coefficients (chains,) by a bootstrap filter for each, up to a constant."""
    x = rng.standard_normal((len(a), PARTICLES))
    log_z = np.zeros(len(a))
    for seen in y:
        log_w = -0.5 * (seen - x) ** 2
        top = log_w.max(axis=1)
        w = np.exp(log_w - top[:, None])
        log_z += top + np.log(w.mean(axis=1))
        marks = w.cumsum(axis=1)  # systematic selection
        up_to = np.floor(marks * (PARTICLES / marks[:, -1:]) + rng.random((len(a), 1)))
        up_to[:, -1] = PARTICLES
        children = np.diff(up_to, prepend=0, axis=1).astype(int)
        parents = np.repeat(x.ravel(), children.ravel()).reshape(x.shape)
        x = a[:, None] * parents + rng.standard_normal(x.shape)
    return log_z


def laws(y: np.ndarray, steps: int, chains: int, rng: np.random.Generator) -> np.ndarray:
    """Coefficients (steps, chains) of a chain that keeps the estimate of where it stands."""
    a = rng.random(chains)
    log_z = estimated(a, y, rng)
    found = []
    for _ in range(steps):
        new = a + STEP * rng.standard_normal(chains)
        inside = (new > 0) & (new < 1)
        proposed = np.where(inside, estimated(np.clip(new, 0, 1), y, rng), -np.inf)
        moves = np.log(rng.random(chains)) < proposed - log_z
        a, log_z = np.where(moves, new, a), np.where(moves, proposed, log_z)
        found.append(a)
    return np.array(found)


def of_laws(seed: int = 0, chains: int = 24) -> list[Budget]:
    """Notebook 04b: steps of a chain that learns a boat's coefficient from estimated evidences.

    What is paid are filters of one particle; a Kalman filter counts as one of them.
    """
    rng = np.random.default_rng((seed, 15, 4, 2))
    _, y = BOAT.simulate(50, rng)
    exact = grid_mean(y, 500)
    n = powers(6, 10)
    found = laws(y, THROWN + int(n[-1]), chains, rng)[THROWN:]
    means = found.cumsum(axis=0)[n - 1] / n[:, None]
    cells = np.array([4, 8, 16, 32])
    off = np.array([abs(grid_mean(y, int(k)) - exact) for k in cells])
    # what is left of a rounding error is no error
    grid = Rival("Kalman filters on a grid", 1.0 * cells, np.maximum(off, 1e-15))
    return [
        measured(
            ("04b", "steps, posterior of a boat", "steps", "RMS error of its mean"),
            n,
            (means - exact) ** 2,
            _counts(chains, seed),
            price=1.0 * PARTICLES * (THROWN + n),
            rival=grid,
            root=True,
        )
    ]


PAIRS = 128  # of a key and a value, that a memory is told
VALUES = 16  # that a pair may have


def summed(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Scores of the values for each key, from a state that sums up all pairs: (n, values)."""
    # without BLAS: its threads take longer to start than so small a product
    state = np.einsum("nv,nd->vd", values, keys)
    return np.einsum("nd,vd->nv", keys, state)


def kept(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The same from all pairs, by softmax attention: the more alike two keys are, the more."""
    turned = keys / np.linalg.norm(keys, axis=1, keepdims=True)
    alike = np.einsum("nd,md->nm", turned, turned)
    return np.einsum("nm,mv->nv", np.exp(8 * np.sqrt(keys.shape[1]) * (alike - 1)), values)


def of_memories(seed: int = 0, texts: int = 60) -> list[Budget]:
    """Notebook 14: what a state of values × size numbers recalls of many pairs, untrained."""
    rng = np.random.default_rng((seed, 15, 14))
    sizes = powers(2, 6)
    lost = np.zeros((2, len(sizes), texts))
    for j, size in enumerate(sizes):
        for i in range(texts):
            keys = rng.standard_normal((PAIRS, size)) / math.sqrt(size)
            said = rng.permutation(np.arange(PAIRS) % VALUES)
            values = np.eye(VALUES)[said]
            for k, memory in enumerate((summed, kept)):
                lost[k, j, i] = np.mean(memory(keys, values).argmax(axis=1) != said)
    # of attention a key and a value of each pair stay
    every = Rival(
        "attention, which keeps every pair", 1.0 * PAIRS * (sizes + VALUES), lost[1].mean(axis=1)
    )
    names = ("14", "size of a state", "numbers", f"share of {PAIRS} pairs not recalled")
    return [measured(names, VALUES * sizes, lost[0], _counts(texts, seed), rival=every)]


def budgets(seed: int = 0) -> tuple[list[Budget], list[Setting]]:
    """All of them, in the order of the notebooks."""
    chains, steps = of_chains(seed)
    filters, thresholds = of_filters(seed)
    found = [*of_darts(seed), *chains, *of_beliefs(seed), *filters]
    found += [*of_laws(seed), *of_memories(seed)]
    return found, [*steps, *thresholds]
