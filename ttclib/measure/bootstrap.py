"""The bootstrap: how far a mean over problems would move, had the problems been others.

The problems are a sample, so they are drawn again from themselves, with replacement (Efron 1979).
Seeds are not: average over them first. What luck adds to the mean of a problem already shows
between the problems, and a second draw of seeds would count it twice.

Statistics of the same problems take the same ``counts``. Then the difference of two methods is a
paired one, and a problem never meets a copy of itself on the other side of a split.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import checked, finite_array, float_array, real_number, whole_number


@checked
def counts(problems: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the problems again: how often each came, ints (replicates, problems).

    Raises
    ------
    ValueError
        If a number is not a whole number of at least 1.
    """
    problems = whole_number("problems", problems)
    replicates = whole_number("replicates", replicates)
    return rng.multinomial(problems, np.full(problems, 1 / problems), size=replicates)


def means(values: ArrayLike, counts: np.ndarray) -> np.ndarray:
    """Means over problems of ``values`` (..., problems), as drawn again: shape (replicates, ...).

    Raises
    ------
    ValueError
        If ``counts`` are of another number of problems.
    """
    array = float_array("values", values)
    counts = finite_array("counts", counts, 0.0, ndim=2, least=1)
    if array.shape[-1:] != counts.shape[1:]:
        raise ValueError(
            f"values has shape {array.shape}; its last axis must be the {counts.shape[1]} problems"
        )
    return np.moveaxis(array @ counts.T / counts.sum(axis=1), -1, 0)


def interval(
    replicates: ArrayLike, level: float = 0.95, axis: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the middle ``level`` of the replicates: the percentile interval.

    The ends are replicates themselves, so some replicates may be infinite. Of 399 or 1,999, the
    tenth or the fiftieth from either end (Davison and Hinkley 1997, §5.2.1 and 5.3.1).

    Raises
    ------
    ValueError
        If ``level`` is not above 0 and at most 1.
    """
    level = real_number("level", level, 0.0, 1.0, open_low=True)
    ends = [(1 - level) / 2, (1 + level) / 2]
    array = float_array("replicates", replicates, least=1)
    axis = whole_number("axis", axis, -array.ndim, array.ndim - 1)
    low, high = np.quantile(array, ends, axis=axis, method="inverted_cdf")
    return low, high


def mean_interval(
    values: ArrayLike, counts: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean over problems, and the ends of its interval: (mean, low, high).

    Parameters
    ----------
    values : array_like, shape (..., problems)
        Of each problem the mean over its seeds. To compare two methods that met the same problems,
        the difference of the two.
    counts : array of int, shape (replicates, problems)
        From :func:`counts`.

    Returns
    -------
    tuple of numpy.ndarray, each of shape (...)
        Where all values are equal the ends are, too: problems that show no spread cannot tell.
    """
    low, high = interval(means(values, counts), level)
    return np.asarray(values, dtype=float).mean(axis=-1), low, high
