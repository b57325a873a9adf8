"""Choosing one answer out of many samples, and what more samples are worth.

Answers that mean the same are one answer: 7, "7" and " 7.0" are grouped. ``None`` stands for a
sample without an answer; it is chosen only where there is nothing else. Ties go to the answer that
appears first, so a sample drawn later never wins by coming last.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, whole_number

_MOST = 1000  # samples: their binomial coefficients still fit a float


def normal(answer: Hashable) -> Hashable:
    """Return the form in which equal answers are equal.

    Texts lose the spaces around them, and a text that is a number becomes that number.
    An empty text and NaN become ``None``: no answer.

    Examples
    --------
    >>> [normal(answer) for answer in (7, "7", " 7.0", "x = 7 ", "", None)]
    [7, 7, 7.0, 'x = 7', None, None]
    """
    if isinstance(answer, str):
        answer = answer.strip()
        for number in (int, float):
            try:
                value = number(answer)
            except ValueError:
                continue
            return value if math.isfinite(value) else answer
        return answer or None
    if isinstance(answer, float | np.floating) and math.isnan(answer):
        return None
    return answer


def votes(answers: Sequence[Hashable], weights: ArrayLike | None = None) -> dict[Hashable, float]:
    """Add up the weight of each answer, in the order in which the answers appear.

    Parameters
    ----------
    answers : sequence, length n
        ``None`` where a sample gave no answer; it gets an entry of its own.
    weights : array, shape (n,), optional
        What each sample counts, zero or more; by default 1.

    Raises
    ------
    ValueError
        If there is no answer, or the weights are of another number, negative or not finite.
    """
    if len(answers) == 0:
        raise ValueError("answers is empty; there must be at least one")
    given = np.ones(len(answers)) if weights is None else weights
    counts = finite_array("weights", given, shape=(len(answers),))
    if counts.min() < 0:
        raise ValueError(f"weights holds {counts.min():g}; a weight is zero or more")
    total: dict[Hashable, float] = {}
    for answer, count in zip(map(normal, answers), counts.tolist(), strict=True):
        total[answer] = total.get(answer, 0.0) + count
    return total


def weighted_majority(answers: Sequence[Hashable], weights: ArrayLike | None) -> Hashable:
    """Return the answer with the largest sum of weights.

    With a verifier's scores as weights this is best-of-n weighted (Li et al. 2023; Snell et al.
    2024). See ``votes`` for the arguments and errors.
    """
    total = votes(answers, weights)
    if len(total) > 1:
        total.pop(None, None)
    return max(total, key=total.__getitem__)  # of equals, max returns the first


def majority(answers: Sequence[Hashable]) -> Hashable:
    """Return the most frequent answer: self-consistency (Wang et al. 2023)."""
    return weighted_majority(answers, None)


def best_of(scores: ArrayLike, answers: Sequence[Hashable]) -> Hashable:
    """Return the answer of the sample with the highest score.

    Parameters
    ----------
    scores : array, shape (n,)
        Any finite numbers: log-probabilities, or a verifier's scores.
    answers : sequence, length n

    Raises
    ------
    ValueError
        If there is no answer, or the scores are of another number or not finite.
    """
    if len(answers) == 0:
        raise ValueError("answers is empty; there must be at least one")
    values = finite_array("scores", scores, shape=(len(answers),)).tolist()
    found = [normal(answer) for answer in answers]
    given = [i for i, answer in enumerate(found) if answer is not None]
    return found[max(given, key=values.__getitem__)] if given else None


def pass_at_k(correct: ArrayLike, k: ArrayLike) -> np.ndarray | float:
    """Estimate the probability that at least one of ``k`` samples is correct.

    It is the mean of "any correct?" over all subsets of k of the n samples, 1 − C(n−c, k) / C(n, k)
    with c correct ones (Chen et al. 2021, equation 1), and therefore unbiased. The estimate
    1 − (1 − c/n)ᵏ is too low.

    Parameters
    ----------
    correct : bool array, shape (..., n)
        Whether each sample is correct; the leading axes are problems.
    k : int or array of ints, shape (m,)
        From 1 to n.

    Returns
    -------
    float or numpy.ndarray, shape (...) for one k and (..., m) for several

    Raises
    ------
    ValueError
        If ``correct`` holds something else than true and false, or k is not from 1 to n.
    """
    right = finite_array("correct", correct)
    if not ((right == 0) | (right == 1)).all():
        raise ValueError("correct holds other values than true and false")
    n = right.shape[-1] if right.ndim else 0
    sizes = _sizes(k, n)
    wrong = n - right.sum(-1, keepdims=True)
    drawn = np.arange(n)
    # the chance that the first, the first two, … samples drawn without replacement are all wrong
    all_wrong = np.cumprod(np.clip((wrong - drawn) / (n - drawn), 0, 1), axis=-1)
    return _as_asked(1 - all_wrong[..., sizes - 1], k)


def best_at_k(scores: ArrayLike, right: ArrayLike, k: ArrayLike) -> np.ndarray | float:
    """Estimate the probability that the highest score of ``k`` samples belongs to a right one.

    It is the mean over all subsets of k of the n samples, and therefore unbiased: the sample of
    rank r is the best of C(n − r, k − 1) of the C(n, k) subsets. Of equal scores the earlier
    sample ranks higher.

    Parameters
    ----------
    scores, right : arrays, shape (..., n)
    k : int or array of ints, shape (m,)
        As in :func:`pass_at_k`, and so is what is returned.

    Raises
    ------
    ValueError
        If shapes differ, a score is not finite, or k is not from 1 to n.
    """
    score = finite_array("scores", scores)
    correct = finite_array("right", right, shape=score.shape)
    n = score.shape[-1] if score.ndim else 0
    sizes = _sizes(k, n)
    best_first = np.argsort(-score, axis=-1, kind="stable")
    chance = [
        [math.comb(n - rank, size - 1) / math.comb(n, size) for size in sizes.tolist()]
        for rank in range(1, n + 1)
    ]
    return _as_asked(np.take_along_axis(correct, best_first, axis=-1) @ np.array(chance), k)


def majority_at_k(answers: Sequence[Hashable], right: Hashable, k: ArrayLike) -> np.ndarray | float:
    """Estimate the probability that the majority of ``k`` samples gives the right answer.

    It is the mean over all subsets of k of the n samples, in all orders, and therefore unbiased; a
    tie of t answers gives each of them 1/t. The subsets are not visited: they are counted by how
    many samples of each answer they hold.

    Parameters
    ----------
    answers : sequence, length n ≤ 1000
        ``None`` where a sample gave no answer.
    right : hashable
        The right answer.
    k : int or array of ints, shape (m,)
        As in :func:`pass_at_k`, and so is what is returned.

    Raises
    ------
    ValueError
        If there is no answer, there are too many, or k is not from 1 to n.
    """
    if len(answers) > _MOST:
        raise ValueError(f"there are {len(answers)} answers; majority_at_k takes at most {_MOST}")
    others = {answer: int(count) for answer, count in votes(answers).items()}
    n = len(answers)
    sizes = _sizes(k, n)
    ours = others.pop(normal(right), 0)
    silent = others.pop(None, 0)
    if normal(right) is None or not ours:
        return _as_asked(np.zeros(len(sizes)), k)
    most = sizes.max()
    won = np.zeros(most + 1)  # ways to take s samples in which the right answer wins, ties shared
    for a in range(1, min(ours, most) + 1):  # how many samples of the subset give the right answer
        # ways[s, t]: ways to take s other samples where no answer has more than a, and t have
        # exactly a; the answers are taken in one after the other
        ways = np.zeros((most - a + 1, most // a + 1))
        ways[: silent + 1, 0] = _choose(silent, most - a)
        for count in others.values():
            before = ways
            ways = np.zeros_like(ways)
            for taken, choices in enumerate(_choose(count, min(a, most - a))):
                kept = before[: len(before) - taken]
                if taken < a:
                    ways[taken:] += choices * kept
                else:
                    ways[taken:, 1:] += choices * kept[:, :-1]
        won[a:] += math.comb(ours, a) * (ways / np.arange(1, ways.shape[1] + 1)).sum(1)
    return _as_asked(won[sizes] / [float(math.comb(n, size)) for size in sizes], k)


def _choose(count: int, most: int) -> np.ndarray:
    """Binomial coefficients C(count, 0), C(count, 1), … up to C(count, most)."""
    return np.array([float(math.comb(count, j)) for j in range(min(count, most) + 1)])


def _sizes(k: ArrayLike, n: int) -> np.ndarray:
    """Return k as an array of subset sizes, each from 1 to n."""
    sizes = np.array([whole_number("k", value) for value in np.ravel(k).tolist()], dtype=int)
    if np.ndim(k) > 1 or not sizes.size:
        raise ValueError(f"k has shape {np.shape(k)}; it must be a whole number or a list of them")
    if sizes.max() > n:
        raise ValueError(f"k is {sizes.max()}; there are {n} samples to choose from")
    return sizes


def _as_asked(values: np.ndarray, k: ArrayLike) -> np.ndarray | float:
    """Drop the last axis if one k was asked for."""
    if np.ndim(k):
        return values
    return float(values[..., 0]) if values.ndim == 1 else values[..., 0]
