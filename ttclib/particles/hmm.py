"""Hidden Markov models: forward and backward, the exact answer for a finite number of states.

Rabiner 1989, §III, with every step normalised so that long sequences do not underflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ttclib.inputs import finite_array
from ttclib.particles.statespace import StateSpaceModel
from ttclib.particles.weights import log_mean_exp


@dataclass(frozen=True)
class HiddenMarkov(StateSpaceModel):
    """A chain on states 0 … K−1 that emits symbols 0 … M−1.

    Parameters
    ----------
    initial : array_like, shape (K,)
    transition : array_like, shape (K, K)
        Rows sum to one.
    emission : array_like, shape (K, M)
        Rows sum to one.

    Raises
    ------
    ValueError
        If a row is not a probability vector or shapes differ.
    """

    initial: np.ndarray
    transition: np.ndarray
    emission: np.ndarray

    def __post_init__(self):
        k = len(finite_array("initial", self.initial, ndim=1))
        shapes = {"initial": (k,), "transition": (k, k), "emission": (k, None)}
        for name, shape in shapes.items():
            rows = finite_array(name, getattr(self, name), shape=shape)
            if (rows < 0).any() or not np.allclose(rows.sum(axis=-1), 1.0, rtol=0.0):
                raise ValueError(
                    f"{name} must hold probabilities: not negative, each row summing to 1"
                )
            object.__setattr__(self, name, rows)

    def sample_initial(self, n, rng):  # noqa: D102
        return rng.choice(len(self.initial), n, p=self.initial)

    def sample_transition(self, t, x, rng):  # noqa: D102
        return _categorical(self.transition[x], rng)

    def sample_observation(self, t, x, rng):  # noqa: D102
        return _categorical(self.emission[x], rng)

    def log_observation(self, t, x, y):  # noqa: D102
        return self.log_likelihood([y])[0, x]

    def log_transition(self, t, previous, x):  # noqa: D102
        with np.errstate(divide="ignore"):
            return np.log(self.transition[previous, x])

    def log_likelihood(self, observations) -> np.ndarray:
        """Log probability of each observation in each state, shape (T, K)."""
        symbols = np.asarray(observations)
        known = np.arange(self.emission.shape[1])
        if symbols.ndim != 1 or len(symbols) == 0 or not np.isin(symbols, known).all():
            raise ValueError(f"observations must be a list of whole numbers from 0 to {known[-1]}")
        with np.errstate(divide="ignore"):  # log 0 = −inf is what we mean
            return np.log(self.emission.T[symbols.astype(int)])


class Forward(NamedTuple):
    """Filtered and predicted state probabilities (T, K), and log p(y₀ … yₜ), shape (T,)."""

    filtered: np.ndarray
    predicted: np.ndarray
    log_evidence: np.ndarray


def forward(model: HiddenMarkov, observations) -> Forward:
    """Filter exactly.

    Raises
    ------
    ValueError
        If the observations are impossible under the model (the step is named).
    """
    law, total = model.initial, 0.0
    filtered, predicted, log_evidence = [], [], []
    for t, log_likelihood in enumerate(model.log_likelihood(observations)):
        law = law @ model.transition if t else law
        predicted.append(law)
        likelihood = np.exp(log_likelihood)
        evidence = law @ likelihood
        if evidence <= 0:
            raise ValueError(f"observation {t} is impossible under the model")
        law = law * likelihood / evidence
        total += np.log(evidence)
        filtered.append(law)
        log_evidence.append(total)
    return Forward(np.array(filtered), np.array(predicted), np.array(log_evidence))


def smooth(model: HiddenMarkov, observations) -> np.ndarray:
    """State probabilities given *all* observations, shape (T, K): forward, then backward."""
    filtered, predicted, _ = forward(model, observations)
    smoothed = [filtered[-1]]
    for now, ahead in zip(filtered[-2::-1], predicted[:0:-1], strict=True):
        ratio = np.divide(smoothed[-1], ahead, out=np.zeros_like(ahead), where=ahead > 0)
        smoothed.append(now * (model.transition @ ratio))
    return np.array(smoothed[::-1])


class GridFilter(NamedTuple):
    """Filtering densities (T, K) on a grid of K points, and log p(y₀ … yₜ), shape (T,)."""

    density: np.ndarray
    log_evidence: np.ndarray


def grid_filter(model: StateSpaceModel, observations, grid) -> GridFilter:
    """Filter any one-dimensional model by the forward algorithm on a fine grid.

    Exact up to the grid, which must be evenly spaced, cover the states and be finer than every
    density in the model. It costs T · K² densities: fine in one dimension, hopeless in five.

    Raises
    ------
    ValueError
        If the grid is not evenly spaced.
    """
    grid = finite_array("grid", grid, ndim=1)
    steps = np.diff(grid)
    if len(grid) < 2 or steps[0] <= 0 or not np.allclose(steps, steps[0]):
        raise ValueError("grid must be increasing and evenly spaced")
    width, total, densities, log_evidence = steps[0], 0.0, [], []
    previous, current = np.repeat(grid, len(grid)), np.tile(grid, len(grid))
    density = np.exp(model.log_initial(grid))
    for t, y in enumerate(np.asarray(observations, dtype=float)):
        if t > 0:
            moves = np.exp(model.log_transition(t, previous, current)).reshape(len(grid), len(grid))
            density = density @ moves * width
        density = density * np.exp(model.log_observation(t, grid, y))
        evidence = density.sum() * width
        density = density / evidence
        total += np.log(evidence)
        densities.append(density)
        log_evidence.append(total)
    return GridFilter(np.array(densities), np.array(log_evidence))


def enumerate_evidence(model: HiddenMarkov, observations) -> float:
    """Sum p(y) over every hidden path: K^T terms, the definition itself, for tests."""
    log_likelihood = model.log_likelihood(observations)
    states = range(len(model.initial))
    paths = np.array(np.meshgrid(*[states] * len(log_likelihood), indexing="ij")).reshape(
        len(log_likelihood), -1
    )
    with np.errstate(divide="ignore"):
        terms = np.log(model.initial[paths[0]]) + log_likelihood[0, paths[0]]
        for t in range(1, len(paths)):
            terms = (
                terms
                + np.log(model.transition[paths[t - 1], paths[t]])
                + log_likelihood[t, paths[t]]
            )
    return log_mean_exp(terms) + np.log(terms.size)


def _categorical(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw from each row of probabilities."""
    marks = rows.cumsum(axis=1)
    return (rng.random((len(rows), 1)) * marks[:, -1:] >= marks).sum(axis=1)
