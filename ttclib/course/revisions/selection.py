"""One answer out of chains of attempts: by votes, by a verifier's scores, in a chain and across."""

from __future__ import annotations

import numpy as np

from ttclib.course.revisions.record import Record, Setting
from ttclib.inputs import one_of

LAST = "last attempts"
MAJORITY = "majority"
WEIGHTED = "weighted over all"
NESTED = "in each chain, then across"
WAYS = (LAST, MAJORITY, WEIGHTED, NESTED)


def winners(answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the first place of the answer with the largest sum of weights: ints (...).

    What :func:`ttclib.measure.votes.weighted_majority` does, for many votes at once.

    Parameters
    ----------
    answers : array, shape (..., n)
        Numbers; NaN is no answer, and wins only where nobody gives one.
    weights : array, shape (..., n)
        Zero or more.
    """
    same = answers[..., :, None] == answers[..., None, :]
    total = np.einsum("...ij,...j->...i", same, weights)
    total = np.where(np.isnan(answers), -1.0, total)
    most = total.max(axis=-1, keepdims=True)
    # sums that are equal but for rounding are equal; of equals the first
    return (total >= most - 1e-12 * np.abs(most)).argmax(axis=-1)


def chosen(answers: np.ndarray, scores: np.ndarray, way: str) -> np.ndarray:
    """Return the place, chain · steps + step, of the attempt whose answer is taken: (problems,).

    - :data:`LAST`: a majority of the chains' last attempts; of one chain, its last attempt.
    - :data:`MAJORITY`: of all attempts.
    - :data:`WEIGHTED`: scores summed over equal answers of all attempts.
    - :data:`NESTED`: scores summed over equal answers of a chain give the chain's answer, and then
      the same across chains, where a chain weighs as much as its best attempt with that answer.
      Snell et al. 2024, section 6.2, choose within chains and then across them.

    Parameters
    ----------
    answers, scores : array, shape (problems, chains, steps)
    way : str
        One of :data:`WAYS`.
    """
    problems, chains, steps = answers.shape
    one_of("way", way, WAYS)
    if way == LAST:
        return winners(answers[..., -1], np.ones((problems, chains))) * steps + steps - 1
    if way != NESTED:
        weights = np.ones_like(scores) if way == MAJORITY else scores
        return winners(answers.reshape(problems, -1), weights.reshape(problems, -1))
    inner = winners(answers, scores)
    said = np.take_along_axis(answers, inner[..., None], axis=-1)
    # a chain without an answer has no vote, so its weight does not matter
    best = np.where(answers == said, scores, 0.0).max(axis=-1)
    chain = winners(said[..., 0], best)
    return chain * steps + np.take_along_axis(inner, chain[:, None], axis=1)[:, 0]


def solved(record: Record, setting: Setting, way: str, score: str = "prm") -> np.ndarray:
    """Say which problems a setting answers right: bool (problems,).

    Parameters
    ----------
    way : str
        One of :data:`WAYS`.
    score : str
        Whose scores: a key of ``record.scores``.

    Raises
    ------
    ValueError
        If the record does not hold the setting, or there is no such way or score.
    """
    places = record.places(setting)
    scores = record.scores[one_of("score", score, record.scores)]
    taken = chosen(record.answers[:, places], scores[:, places], way)
    return np.take_along_axis(record.right[:, places.ravel()], taken[:, None], axis=1)[:, 0]
