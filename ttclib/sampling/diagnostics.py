"""Is the chain long enough? Effective sample size, R-hat, Monte Carlo error, autocorrelation.

The arithmetic is borrowed from ArviZ (its plain array interface, loaded at the first call); this
module fixes the order of the axes, keeps the unit of the draws from its absolute tolerances, and
refuses what would give a meaningless number. Draws have shape ``(n, chains)`` or
``(n, chains, d)``, as ``ttclib.sampling.mcmc.run_chains`` returns them; the answer is a number, or
an array of shape ``(d,)``.

Source: Vehtari, Gelman, Simpson, Carpenter and Bürkner, *Rank-normalization, folding, and
localization: an improved R-hat*, Bayesian Analysis 16 (2021), arXiv 1903.08008.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, one_of


def ess(draws: ArrayLike, method: str = "bulk") -> float | np.ndarray:
    """Return the effective sample size: how many independent draws all chains together are worth.

    Parameters
    ----------
    draws : array, shape (n, chains) or (n, chains, d)
        At least 4 draws of each chain.
    method : {"bulk", "tail", "mean"}
        What the draws are used for: the bulk of the distribution (of rank-normalised draws), its 5%
        and 95% quantiles (the worse of the two), the mean.

    Raises
    ------
    ValueError
        If draws have another shape, are too few, not finite, or all equal.
    """
    methods = {"bulk": None, "tail": (0.05, 0.95), "mean": None}
    prob = methods[one_of("method", method, methods)]
    array, _ = _differences(draws) if method == "mean" else _unit(_draws(draws))
    return _arviz().ess(array, method=method, prob=prob)[()]


def rhat(draws: ArrayLike) -> float | np.ndarray:
    """Return the rank-normalised split R-hat: near 1 if the chains agree, above 1.01 if not.

    It compares the spread between the chains with the spread within. Chains that all missed the
    same region agree, too: R-hat cannot see what no chain has seen.

    Parameters
    ----------
    draws : array, shape (n, chains) or (n, chains, d)
        At least 2 chains of 4 draws.

    Raises
    ------
    ValueError
        As `ess`.
    """
    array, _ = _unit(_draws(draws, chains=2))
    return _arviz().rhat(array)[()]


def mcse(draws: ArrayLike) -> float | np.ndarray:
    """Return the Monte Carlo standard error of the mean: sd / √ess, in the units of the draws.

    Parameters and errors as `ess`.
    """
    array, exponent = _differences(draws)
    return np.ldexp(_arviz().mcse(array, method="mean"), exponent)[()]


def summary(draws: ArrayLike) -> dict[str, float | np.ndarray]:
    """Return mean, sd, mcse (of the mean), ess_bulk, ess_tail and rhat of the draws.

    Parameters and errors as `rhat`: at least 2 chains.
    """
    worst = rhat(draws)  # first, for its check on the chains
    array, unit = _unit(_draws(draws))
    differences, exponent = _differences(draws)
    return {
        "mean": np.ldexp(array.mean(axis=(-1, -2)), unit),
        "sd": np.ldexp(differences.std(axis=(-1, -2), ddof=1), exponent),
        "mcse": mcse(draws),
        "ess_bulk": ess(draws),
        "ess_tail": ess(draws, "tail"),
        "rhat": worst,
    }


def _arviz() -> Any:
    try:  # 80 MB and a second with scipy.stats: only when asked
        from arviz_stats.base import array_stats
    except ModuleNotFoundError as error:
        line = "the diagnostics need arviz-stats: pip install 'ttclib[diagnostics]'"
        raise ModuleNotFoundError(line) from error
    return array_stats


def _draws(draws: ArrayLike, chains: int = 1) -> np.ndarray:
    """Check the draws and put their axes in ArviZ's order, ([d,] chains, n)."""
    array = finite_array("draws", draws)
    if array.ndim not in (2, 3):
        raise ValueError(f"draws has shape {array.shape}; it must be (n, chains) or (n, chains, d)")
    if array.shape[0] < 4 or array.shape[1] < chains or not array.size:
        raise ValueError(
            f"draws has shape {array.shape}; it needs at least 4 draws of {chains} chains"
        )
    if (array == array[:1, :1]).all(axis=(0, 1)).any():
        raise ValueError("all draws are equal: the chains never moved, so nothing can be said")
    return np.moveaxis(array, (0, 1), (-1, -2))


def _unit(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return draws ([d,] chains, n) over the power of two above the largest, and its exponent.

    Powers of two cost no digits, so the answer for draws of 1e-300 is the one for draws of 1.
    """
    _, exponent = np.frexp(np.abs(array).max(axis=(-1, -2)))
    return np.ldexp(array, -exponent[..., None, None]), exponent


def _differences(draws: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the draws less the first of them, in their unit: a mean's error knows no offset.

    Ranks are left without it: beside a first draw far out, differences of the others would vanish.
    """
    array, exponent = _unit(_draws(draws))
    array, finer = _unit(array - array[..., :1, :1])
    return array, exponent + finer
