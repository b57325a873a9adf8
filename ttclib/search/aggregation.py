"""From the scores of its steps to the value of a solution: four plain functions.

Each takes scores (n, steps), with NaN where a solution has no such step, and returns values (n,). A
score is the probability, in a verifier's opinion, that the solution is on its way to the right
answer. Where nothing was scored yet, nothing speaks against the solution: its value is 1. Lightman
et al. 2023 multiply them or take the smallest; Snell et al. 2024, §5.1, take the last.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ttclib.inputs import float_array

Aggregation = Callable[[np.ndarray], np.ndarray]


def last(scores: np.ndarray) -> np.ndarray:
    """Score of the last step."""
    scores = float_array("scores", scores, ndim=2)
    step = (~np.isnan(scores) * np.arange(1, scores.shape[1] + 1)).max(axis=1, initial=0)
    return np.column_stack([np.ones(len(scores)), scores])[np.arange(len(scores)), step]


def smallest(scores: np.ndarray) -> np.ndarray:
    """Score of the worst step: a chain is as strong as its weakest link."""
    scores = float_array("scores", scores, ndim=2)
    return np.where(np.isnan(scores), 1.0, scores).min(axis=1, initial=1.0)


def product(scores: np.ndarray) -> np.ndarray:
    """Product of all scores, as if each were an independent chance to go wrong."""
    scores = float_array("scores", scores, ndim=2)
    return np.where(np.isnan(scores), 1.0, scores).prod(axis=1)


def mean(scores: np.ndarray) -> np.ndarray:
    """Mean of all scores."""
    scores = float_array("scores", scores, ndim=2)
    steps = (~np.isnan(scores)).sum(axis=1)
    return np.where(steps > 0, np.nansum(scores, axis=1) / np.maximum(steps, 1), 1.0)


AGGREGATIONS: dict[str, Aggregation] = {
    "last": last,
    "min": smallest,
    "product": product,
    "mean": mean,
}
