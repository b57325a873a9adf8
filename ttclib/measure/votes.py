"""Choosing one answer out of many samples, and what more samples are worth.

Answers that mean the same are one answer: 7, "7" and " 7.0" are grouped. ``None`` stands for a
sample without an answer; it is chosen only where there is nothing else. Ties go to the answer that
appears first, so a sample drawn later never wins by coming last.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, short, truth_array, whole_number

# 1000 or 1,000, with decimals or a power of ten, perhaps over a whole number
_NUMBER = re.compile(
    r"([-+]?(?:[1-9]\d{0,2}(?:,\d{3})+|\d*)(?:\.\d*)?(?:[eE][-+]?\d+)?)(?:\s*/\s*(\d+))?"
)
_MOST = 1000  # samples: their binomial coefficients still fit a float
_WRITTEN = 10**4300  # Python writes no longer number
_FAR = 10_000  # decimal places: they take a moment, ten times as many a hundred times that


def normal(answer: Hashable) -> Hashable:
    r"""Return the form in which equal answers are equal.

    A text loses the spaces and the pair of dollar signs around it, and one that is a number, as
    mathematics writes it, becomes that number: 1,000, −5 with a true minus, 1/2 and \frac{1}{2}.
    Numbers are grouped if and only if they are equal. A float is the decimal that it shows, and a
    third is a ``Fraction``, as no float is one. An empty text and NaN become ``None``: no answer.
    These are the safe ones among the rules of Lewkowycz et al. 2022. What may mean two things stays
    as it is: 50% is 50 where percent are asked for and 0.5 elsewhere, 1,5 may be a pair, a unit or
    a base (4210_5) belongs to the answer. To keep equal answers apart costs a vote; to mix up two
    answers invents one.

    Examples
    --------
    >>> [normal(answer) for answer in (7, "7", " 7.0", "$7$", "x = 7 ", "", None)]
    [7, 7, 7, 7, 'x = 7', None, None]
    """
    if isinstance(answer, Fraction):
        return _number(answer)
    if isinstance(answer, float | np.floating):
        spelled = str(answer)
        answer = None if math.isnan(answer) else answer
    elif isinstance(answer, str):
        answer = re.sub(r"^\s*\$([^$]+)\$\s*$", r"\1", answer).strip().replace("−", "-") or None
        spelled = re.sub(r"^([-+]?)\\[dt]?frac\{(\d+)\}\{(\d+)\}$", r"\1\2/\3", answer or "")
    else:
        return answer
    if found := _NUMBER.fullmatch(spelled):
        try:
            above = Decimal(found[1].replace(",", ""))
            below = Decimal(found[2] or 1)
            if _is_near(above) and _is_near(below):
                return _number(Fraction(above) / Fraction(below))
            return above if found[2] is None else answer
        except (ArithmeticError, ValueError):  # no digit, a power beyond all, or over zero
            pass
    return answer


def _is_near(number: Decimal) -> bool:
    """Whether a number is quickly written out."""
    _, digits, power = number.as_tuple()
    return len(digits) <= _FAR and abs(int(power)) <= _FAR


def _number(exact: Fraction) -> Hashable:
    """Return the one form of a number: the plainest that is equal, and that Python writes."""
    above = exact.numerator
    below = exact.denominator
    if max(abs(above), below) >= _WRITTEN:
        return Decimal(above) if below == 1 else f"{Decimal(above)}/{Decimal(below)}"
    if below == 1:
        return above
    shown = above / below if abs(exact) < 1e300 else 0.0
    return shown if Fraction(str(shown)) == exact else exact


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
    found = _normals(answers)
    given = np.ones(len(found)) if weights is None else weights
    counts = finite_array("weights", given, 0.0, shape=(len(found),))
    total: dict[Hashable, float] = {}
    for answer, count in zip(found, counts.tolist(), strict=True):
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
    # 1e-12: sums that are equal but for rounding are equal; of equals the first
    enough = max(total.values()) * (1 - 1e-12)
    return next(answer for answer, count in total.items() if count >= enough)


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
    found = _normals(answers)
    values = finite_array("scores", scores, shape=(len(found),)).tolist()
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
    right = truth_array("correct", correct)
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
    correct = truth_array("right", right, shape=score.shape)
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
    others = {answer: int(count) for answer, count in votes(answers).items()}
    n = sum(others.values())
    if n > _MOST:
        raise ValueError(f"there are {n} answers; majority_at_k takes at most {_MOST}")
    sizes = _sizes(k, n)
    (wanted,) = _normals([right])
    ours = others.pop(wanted, 0)
    silent = others.pop(None, 0)
    if wanted is None or not ours:
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


def _normals(answers: Iterable[Hashable]) -> list[Hashable]:
    """Return the normal form of each answer, or raise ``ValueError``."""
    try:
        if isinstance(answers, str | dict | set):
            raise TypeError
        found = [normal(answer) for answer in answers]
        hash(tuple(found))
    except TypeError:
        raise ValueError("answers must be a list of numbers, texts and None") from None
    if not found:
        raise ValueError("answers is empty; there must be at least one")
    return found


def _choose(count: int, most: int) -> np.ndarray:
    """Binomial coefficients C(count, 0), C(count, 1), … up to C(count, most)."""
    return np.array([float(math.comb(count, j)) for j in range(min(count, most) + 1)])


def _sizes(k: ArrayLike, n: int) -> np.ndarray:
    """Return k as an array of subset sizes, each from 1 to n."""
    sizes = [whole_number("k", value, maximum=math.inf) for value in np.ravel(k).tolist()]
    if np.ndim(k) > 1 or not sizes:
        raise ValueError(f"k has shape {np.shape(k)}; it must be a whole number or a list of them")
    most = max(sizes)
    if most > n:
        raise ValueError(f"k is {short(most)}; there are {n} samples to choose from; use no more")
    return np.array(sizes)


def _as_asked(values: np.ndarray, k: ArrayLike) -> np.ndarray | float:
    """Drop the last axis if one k was asked for."""
    if np.ndim(k):
        return values
    return float(values[..., 0]) if values.ndim == 1 else values[..., 0]
