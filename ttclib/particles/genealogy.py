"""Genealogy: who descends from whom.

A history is the list of populations that the loop yielded. Tracing ancestors back from the last
generation gives the lineages; they run together quickly, which is *path degeneracy*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ttclib.inputs import whole_number
from ttclib.particles.smc import Population
from ttclib.particles.weights import normalise


def lineages(history: Sequence[Population]) -> np.ndarray:
    """Trace every member of the last generation back to the first.

    Returns
    -------
    numpy.ndarray, shape (T, n)
        ``lineages[t, i]`` is the index in generation t of the ancestor of final member i.
    """
    if not history:
        raise ValueError("history is empty; it must hold at least one population")
    index = np.arange(len(history[-1]))
    paths = [index]
    for population in reversed(history[1:]):
        index = population.ancestors[index]
        paths.append(index)
    return np.array(paths[::-1])


def distinct_ancestors(history: Sequence[Population]) -> np.ndarray:
    """Count, for each generation, the members with a descendant in the last one, shape (T,)."""
    return np.array([len(np.unique(row)) for row in lineages(history)])


def trajectories(history: Sequence[Population]) -> np.ndarray:
    """Paths of the final members, shape (T, n, …), weighted by the last generation's weights.

    A free smoother, and a poor one: early states are copies of very few ancestors.
    """
    return np.array([p.particles[row] for p, row in zip(history, lineages(history), strict=True)])


def backward_sampling(
    history: Sequence[Population],
    log_transition: Callable[[int, np.ndarray, np.ndarray], np.ndarray],
    n: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Sample n paths by walking back through *all* particles, not only the ancestors.

    The cure for path degeneracy (Godsill, Doucet, West 2004), at T · n · N evaluations of
    ``log_transition(t, x_previous, x)``.

    Returns
    -------
    numpy.ndarray, shape (T, n, …)
        Equally weighted.
    """
    if not history:
        raise ValueError("history is empty; it must hold at least one population")
    n = whole_number("n", n)
    last = history[-1]
    states = last.particles[rng.choice(len(last), n, p=last.weights)]
    paths = [states]
    for t in range(len(history) - 1, 0, -1):
        before = history[t - 1]
        chosen = []
        for x in states:  # given the state after, a parent's weight times its chance to come here
            log_weights = before.log_weights + log_transition(t, before.particles, x)
            chosen.append(rng.choice(len(before), p=normalise(log_weights)))
        states = before.particles[chosen]
        paths.append(states)
    return np.array(paths[::-1])
