"""A hidden state so small that every outcome of a particle filter can be listed.

Two states, three entries of a diary, and three values of the chance to stay. A filter with n
particles and multinomial selection is known by how many of them are in state 1 at each time:
(n + 1)³ outcomes. So a chain that works with estimated evidences has an exact transition matrix.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

STAYS = (
    0.1,
    0.5,
    0.9,
)  # the chance to stay in a state; before the diary all three are equally likely
DIARY = (0, 0, 0)
SEES = ((0.9, 0.1), (0.1, 0.9))  # chance of an entry, in each state


def every_outcome(
    stay: float, n: int, diary: Sequence[int] = DIARY
) -> tuple[np.ndarray, np.ndarray]:
    """List the outcomes of a filter: their chances and their estimates Ẑ, each ((n + 1)^T,)."""
    chances = []
    estimates = []
    for path in itertools.product(range(n + 1), repeat=len(diary)):
        one = 0.5  # chance that a particle is in state 1
        chance = 1.0
        estimate = 1.0
        for ones, seen in zip(path, diary, strict=True):
            chance *= math.comb(n, ones) * one**ones * (1 - one) ** (n - ones)
            weight = (n - ones) * SEES[0][seen] + ones * SEES[1][seen]
            estimate *= weight / n
            share = ones * SEES[1][seen] / weight  # of the weight, in state 1
            one = share * stay + (1 - share) * (1 - stay)
        chances.append(chance)
        estimates.append(estimate)
    return np.array(chances), np.array(estimates)


def exact_evidence(stay: float, diary: Sequence[int] = DIARY) -> float:
    """Return the evidence of the diary, summed over all paths of the hidden state."""
    total = 0.0
    for path in itertools.product(range(2), repeat=len(diary)):
        chance = 0.5 * SEES[path[0]][diary[0]]
        for (before, now), seen in zip(itertools.pairwise(path), diary[1:], strict=True):
            chance *= (stay if before == now else 1 - stay) * SEES[now][seen]
        total += chance
    return total


def kept_matrix(chances: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """Transition matrix of the chain over (parameter, outcome) that keeps its estimate.

    Parameters
    ----------
    chances, estimates : arrays, shape (parameters, k)

    Returns
    -------
    array, shape (parameters · k, parameters · k)
        Any parameter is proposed with the same chance, its filter is run, and the outcome is
        accepted with min(1, Ẑ′/Ẑ).
    """
    proposed = chances.ravel() / len(chances)
    z = estimates.ravel()
    matrix = proposed * np.minimum(1, z / z[:, None])
    matrix[np.diag_indices(len(z))] += 1 - matrix.sum(axis=1)
    return matrix


def anew_matrix(chances: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """Transition matrix (parameters, parameters) where the present estimate is drawn anew."""
    sizes = chances.shape
    kept = kept_matrix(chances, estimates).reshape(sizes * 2)
    return np.einsum("ik,ikjl->ij", chances, kept)


def stationary(matrix: np.ndarray) -> np.ndarray:
    """Return the distribution (m,) that a transition matrix (m, m) leaves as it is."""
    equations = matrix.T - np.eye(len(matrix))
    equations[-1] = 1
    return np.linalg.solve(equations, np.eye(len(matrix))[-1])


def posterior(stays: Sequence[float] = STAYS, diary: Sequence[int] = DIARY) -> np.ndarray:
    """Return the exact posterior of the chance to stay, (parameters,)."""
    evidence = np.array([exact_evidence(stay, diary) for stay in stays])
    return evidence / evidence.sum()


def both_chains(n: int) -> tuple[np.ndarray, np.ndarray]:
    """What the two chains believe in the long run: with the estimate kept, and drawn anew.

    Returns
    -------
    (array, array), shape (parameters,)
    """
    listed = [every_outcome(stay, n) for stay in STAYS]
    chances = np.array([chance for chance, _ in listed])
    estimates = np.array([estimate for _, estimate in listed])
    kept = stationary(kept_matrix(chances, estimates)).reshape(chances.shape).sum(axis=1)
    return kept, stationary(anew_matrix(chances, estimates))
