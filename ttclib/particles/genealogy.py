"""Genealogy: who descends from whom.

A history is the list of populations that the loop yielded. Tracing ancestors back from the last
generation gives the lineages; they run together quickly, which is *path degeneracy*.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ttclib.inputs import checked
from ttclib.particles.smc import Population


@checked
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


@checked
def distinct_ancestors(history: Sequence[Population]) -> np.ndarray:
    """Count, for each generation, the members with a descendant in the last one, shape (T,)."""
    return np.array([len(np.unique(row)) for row in lineages(history)])
