"""The exchange of pretraining and inference: what a small model may spend in place of a larger one.

A model of N parameters is trained on D_pre tokens for X = 6·N·D_pre FLOPs, and writes D_inf tokens
for Y = 2·N·D_inf. One that is M times larger costs M times both. The small model stays small, and
spends the difference on search: M + 3·(M − 1)/R times its own greedy inference, R = D_inf/D_pre
(Snell et al. 2024, arXiv 2408.03314v1, §7). The version of ICLR 2025 counts Y = 4·N·D_inf, because
every token is read by a verifier, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ttclib.inputs import one_of, positive, real_number
from ttclib.measure import bootstrap
from ttclib.measure.folds import halves, two_fold
from ttclib.search import results as sweep
from ttclib.search.results import Results

SLACK = 1.05  # a recorded budget may be so much above the matched one: 64 is taken for 62.7
V1 = "generations, verifier free (v1)"
ICLR = "generations, verifier counted (ICLR)"
LM_FLOPS = "FLOPs, verifier free"
ALL_FLOPS = "FLOPs, verifier counted"
COUNTS = (V1, ICLR, LM_FLOPS, ALL_FLOPS)


def multiplier(times: float, ratio: float, read: float = 1.0) -> float:
    """Return how many times its own inference the small model may spend to cost as much.

    Parameters
    ----------
    times : float
        M, how many times larger the rival is; at least 1.
    ratio : float
        R = D_inf/D_pre, above 0; infinity where pretraining costs nothing.
    read : float
        How often a written token is paid for: 1, or 2 where a verifier of equal size reads it.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> multiplier(14, 0.79).__round__(1)
    63.4
    """
    times = real_number("times", times, 1.0)
    ratio = ratio if ratio == np.inf else positive("ratio", ratio)
    return times + 3 / positive("read", read) * (times - 1) / ratio


def matrix_weights(config: Mapping) -> int:
    """Count the weights in the matrices of a Llama: 2 FLOPs each for a token (notebook 05).

    Parameters
    ----------
    config : mapping
        The ``config.json`` of a checkpoint. Keys and values have as many heads as queries.
    """
    width = config["hidden_size"]
    a_layer = 4 * width**2 + 3 * width * config["intermediate_size"]
    return config["num_hidden_layers"] * a_layer + config["vocab_size"] * width


# ---- what a setting costs ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Settings:
    """Every method at every budget of a sweep, cheap budgets first.

    Attributes
    ----------
    names : tuple of str
    generations : numpy.ndarray, shape (settings,)
    right, lm_flops, flops : numpy.ndarray, shape (settings, problems)
        Share of seeds that were right; FLOPs of the language model, and of both models.
    """

    names: tuple[str, ...]
    generations: np.ndarray
    right: np.ndarray
    lm_flops: np.ndarray
    flops: np.ndarray

    @classmethod
    def of(cls, results: Results) -> Settings:
        """List what a sweep ran."""
        tables = (results.accuracy, results.lm_flops.mean(axis=2), results.paid(True).mean(axis=2))
        right, lm_flops, flops = (table.swapaxes(0, 1) for table in tables)
        ran = ~np.isnan(right).any(axis=-1)
        places = np.argwhere(ran)
        names = tuple(f"{results.names[i]}, N = {results.budgets[j]}" for j, i in places)
        return cls(names, results.budgets[places[:, 0]], right[ran], lm_flops[ran], flops[ran])


class Rival(NamedTuple):
    """What the large model does with its greedy text; all arrays (problems,)."""

    right: np.ndarray
    tokens: np.ndarray
    flops: np.ndarray


def read_rival(folder) -> Rival:
    """Read the large model's greedy text of each problem from the record of notebook 11."""
    columns = ("temperature", "problem", "majority_right", "lm_tokens", "lm_flops")
    rows = sweep.where(sweep.read(folder, columns=columns), temperature=0.0)
    order = np.argsort(rows["problem"], kind="stable")
    return Rival(*(rows[name][order].astype(float) for name in columns[2:]))


@dataclass(frozen=True)
class Sizes:
    """How many weights the small and the large model have; M is their ratio."""

    small: int
    large: int

    @property
    def times(self) -> float:
        """M: how many times larger the large model is."""
        return self.large / self.small

    def share(self, tokens, ratio: float):
        """What the larger pretraining costs beyond the small one for answers of so many tokens.

        D_pre is ``tokens``/R, and each of its tokens costs 6 FLOPs a weight.
        """
        return 6 * (self.large - self.small) * np.asarray(tokens, dtype=float) / ratio


def affordable(
    settings: Settings, rival: Rival, sizes: Sizes, bins: np.ndarray, ratio: float, count: str
) -> np.ndarray:
    """Say which settings cost no more than the large model, bin by bin: bool (settings, bins).

    Counted in generations, a setting has the same price in every bin. Counted in FLOPs it has not:
    a search writes more on hard problems, and the large model does, too.
    """
    number = bins.max() + 1
    if one_of("count", count, COUNTS) in (V1, ICLR):
        most = SLACK * multiplier(sizes.times, ratio, 1.0 if count == V1 else 2.0)
        return up_to(settings, most, bins)
    paid = settings.lm_flops if count == LM_FLOPS else settings.flops
    own = rival.flops + sizes.share(rival.tokens, ratio)
    mine = [bins == b for b in range(number)]
    return np.stack([paid[:, m].mean(axis=1) <= own[m].mean() for m in mine], axis=1)


# ---- the exchange --------------------------------------------------------------------------------


class Exchange(NamedTuple):
    """The small model with search against the large one.

    Attributes
    ----------
    solved, lm_flops, flops : numpy.ndarray, shape (problems,)
        Share that the chosen settings solve, averaged over splits; what they paid for the language
        model, and for both models.
    small, more : numpy.ndarray, shape (3, bins + 1)
        Mean, low and high of what the small model solves, and of how much more than the large one:
        each bin, then all problems.
    most : numpy.ndarray, shape (bins,)
        The most generations that a bin could afford.
    draws : numpy.ndarray, shape (replicates, problems)
        What each problem scores when the choice is made on other problems.
    """

    solved: np.ndarray
    lm_flops: np.ndarray
    flops: np.ndarray
    small: np.ndarray
    more: np.ndarray
    most: np.ndarray
    draws: np.ndarray


class Cuts(NamedTuple):
    """Halves of the bins, drawn once: a larger budget meets the same luck.

    Attributes
    ----------
    fold : numpy.ndarray of bool, shape (splits, problems)
        For the estimate.
    again : numpy.ndarray of bool, shape (replicates, few, problems)
        For each bootstrap sample an eighth as many: with a single one its luck would widen it.
    """

    fold: np.ndarray
    again: np.ndarray


def cut(bins, counts, rng: np.random.Generator, splits: int = 64) -> Cuts:
    """Cut every bin in half, for an estimate and for its bootstrap samples."""
    few = -(-splits // 8)
    again = halves(bins, rng, few * len(counts))
    return Cuts(halves(bins, rng, splits), again.reshape(len(counts), few, -1))


def chosen(settings: Settings, bins, allowed, fold) -> np.ndarray:
    """Share of each problem that its bin's best affordable setting solves, and what it pays.

    The setting is chosen on the half that the problem is not in, and the splits are averaged.

    Parameters
    ----------
    fold : bool array, shape (splits, problems)

    Returns
    -------
    numpy.ndarray, shape (3, problems)
        Solved; FLOPs of the language model, and of both models.
    """
    found = np.zeros((3, len(bins)))
    for inside, right in _bins(settings, bins, allowed):
        took = two_fold(right, np.zeros(len(inside), dtype=int), fold[:, inside])
        at = np.arange(len(inside))
        own = allowed[:, bins[inside[0]]]
        paid = (table[own][:, inside] for table in (settings.lm_flops, settings.flops))
        found[:, inside] = [table[took, at].mean(axis=0) for table in (right, *paid)]
    return found


def _bins(settings: Settings, bins, allowed) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the problems of each bin, and what its affordable settings solve of them."""
    for b in range(bins.max() + 1):
        if not allowed[:, b].any():
            raise ValueError(f"bin {b + 1} can afford no setting; it must afford at least one")
        inside = np.flatnonzero(bins == b)
        yield inside, settings.right[allowed[:, b]][:, inside]


def up_to(settings: Settings, most: float, bins) -> np.ndarray:
    """Allow every setting of at most so many generations: bool (settings, bins)."""
    return np.repeat((settings.generations <= most)[:, None], bins.max() + 1, axis=1)


def exchange(settings: Settings, rival: np.ndarray, bins, allowed, counts, cuts: Cuts) -> Exchange:
    """Choose the best affordable setting of each bin on one half, score it on the other.

    Parameters
    ----------
    rival : array, shape (problems,)
        How often the large model is right.
    bins : int array, shape (problems,)
    allowed : bool array, shape (settings, bins)
        From :func:`affordable`; every bin needs one at least.
    counts : int array, shape (replicates, problems)
        From :func:`ttclib.measure.bootstrap.counts`. In each replicate the choice is made anew.
    cuts : Cuts
        From :func:`cut`, of the same ``counts``.
    """
    number = bins.max() + 1
    solved, lm_flops, flops = chosen(settings, bins, allowed, cuts.fold)
    draws = np.zeros((len(counts), len(bins)))  # what each problem scores in each replicate
    for inside, right in _bins(settings, bins, allowed):
        again = cuts.again[..., inside]
        weights = np.broadcast_to(counts[:, None, inside], again.shape)
        took = two_fold(right, np.zeros(len(inside), dtype=int), again, weights)
        draws[:, inside] = right[took, np.arange(len(inside))].mean(axis=1)
    groups = [*(bins == b for b in range(number)), np.ones(len(bins), dtype=bool)]
    found = []
    for values, again in ((solved, draws), (solved - rival, draws - rival)):
        found.append(np.transpose([interval(values, again, counts, group) for group in groups]))
    most = np.array([settings.generations[allowed[:, b]].max() for b in range(number)])
    return Exchange(solved, lm_flops, flops, *found, most, draws)


def interval(values, draws, counts, among) -> tuple[float, float, float]:
    """Mean over some problems, and its 95% interval, where each replicate has values of its own.

    Parameters
    ----------
    values : array, shape (problems,)
    draws, counts : arrays, shape (replicates, problems)
    among : bool array, shape (problems,)
    """
    weights = counts[:, among]
    means = (draws[:, among] * weights).sum(axis=1) / weights.sum(axis=1)
    low, high = bootstrap.interval(means)
    return float(values[among].mean()), float(low), float(high)


def by_bin(values, bins) -> np.ndarray:
    """Mean of each bin, and of all: shape (bins + 1,)."""
    values = np.asarray(values, dtype=float)
    return np.array([*(values[bins == b].mean() for b in range(bins.max() + 1)), values.mean()])
