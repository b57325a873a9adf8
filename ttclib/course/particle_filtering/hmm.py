"""Hidden Markov models: forward, the exact answer for a finite number of states.

Rabiner 1989, §III, in logarithms: neither long sequences nor surprises underflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array
from ttclib.particles.statespace import StateSpaceModel


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

    def sample_initial(self, n, rng):
        return rng.choice(len(self.initial), n, p=self.initial)

    def sample_transition(self, t, x, rng):
        return _categorical(self.transition[x], rng)

    def sample_observation(self, t, x, rng):
        return _categorical(self.emission[x], rng)

    def log_observation(self, t, x, y):
        return self.log_likelihood([y])[0, x]

    def log_transition(self, t, previous, x):
        with np.errstate(divide="ignore"):
            return np.log(self.transition[previous, x])

    def log_likelihood(self, observations: ArrayLike) -> np.ndarray:
        """Log probability of each observation in each state, (T, K); 0 where NaN says missing."""
        symbols = np.asarray(observations)
        missing = symbols != symbols  # NaN alone differs from itself
        known = np.arange(self.emission.shape[1])
        if symbols.ndim != 1 or len(symbols) == 0 or not (np.isin(symbols, known) | missing).all():
            raise ValueError(f"observations must be a list of whole numbers from 0 to {known[-1]}")
        seen = self.emission.T[np.where(missing, 0, symbols).astype(int)]
        with np.errstate(divide="ignore"):  # log 0 = −inf is what we mean
            return np.where(missing[:, None], 0.0, np.log(seen))


class Forward(NamedTuple):
    """Filtered state probabilities (T, K), and log p(y₀ … yₜ), shape (T,)."""

    filtered: np.ndarray
    log_evidence: np.ndarray


def forward(model: HiddenMarkov, observations: ArrayLike) -> Forward:
    """Filter exactly. NaN observations count as missing.

    Raises
    ------
    ValueError
        If the observations are impossible under the model (the step is named).
    """
    with np.errstate(divide="ignore"):
        log_joint = np.log(model.initial)  # of the state and all observations so far
        log_moves = np.log(model.transition)
    joints = []
    for t, log_likelihood in enumerate(model.log_likelihood(observations)):
        if t:
            log_joint = np.logaddexp.reduce(log_joint[:, None] + log_moves)
        log_joint = log_joint + log_likelihood
        if log_joint.max() == -np.inf:
            raise ValueError(f"observation {t} is impossible under the model")
        joints.append(log_joint)
    log_evidence = np.logaddexp.reduce(joints, axis=1)
    return Forward(np.exp(np.array(joints) - log_evidence[:, None]), log_evidence)


def _categorical(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw from each row of probabilities."""
    marks = rows.cumsum(axis=1)
    return (rng.random((len(rows), 1)) * marks[:, -1:] >= marks).sum(axis=1)
