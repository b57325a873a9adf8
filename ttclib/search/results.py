"""A sweep as one block of numbers: every method, budget, seed and problem in its place.

Compute-optimal search compares all methods at once on the same problems, so it wants arrays and not
curves. What a sweep did not run is NaN.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ttclib.search.curves import read, square, where
from ttclib.search.methods import ANNEALED, BEST_OF_N, OWN, Setting, width_rules

MAJORITY, WEIGHTED, BEST = "majority", "best-of-N weighted", "best-of-N max"
_USUAL = ("model", "temperature", "balance", "anneal", "aggregate")


@dataclass(frozen=True, eq=False)
class Results:
    """What a sweep found with one verifier.

    Attributes
    ----------
    names : tuple of str
        Methods; "beam M = 4" and "beam M = √N" are two.
    budgets : numpy.ndarray of int, shape (budgets,)
        Generations, rising.
    right : numpy.ndarray, shape (methods, budgets, seeds, problems)
        1 right, 0 wrong.
    lm_flops, verifier_flops : numpy.ndarray, shape (methods, budgets, seeds, problems)
        A majority needs no verifier, and pays for none.
    """

    names: tuple[str, ...]
    budgets: np.ndarray
    right: np.ndarray
    lm_flops: np.ndarray
    verifier_flops: np.ndarray

    @property
    def flops(self) -> np.ndarray:
        """Of both models: shape (methods, budgets, seeds, problems)."""
        return self.lm_flops + self.verifier_flops

    @property
    def accuracy(self) -> np.ndarray:
        """Share of seeds in which a problem came out right: shape (methods, budgets, problems)."""
        return self.right.mean(axis=2)

    def at(self, budget: int) -> int:
        """Return the place of a budget.

        Raises
        ------
        ValueError
            If the sweep has no such budget.
        """
        if budget not in self.budgets:
            raise ValueError(
                f"budget is {budget}; it must be one of {', '.join(map(str, self.budgets))}"
            )
        return int(np.flatnonzero(self.budgets == budget)[0])

    def only(self, *names: str) -> Results:
        """Return the results of some methods.

        Raises
        ------
        ValueError
            If the sweep has no such method.
        """
        for name in names:
            if name not in self.names:
                raise ValueError(f"method is {name!r}; it must be one of: {'; '.join(self.names)}")
        rows = [self.names.index(name) for name in names]
        tables = (self.right, self.lm_flops, self.verifier_flops)
        return Results(names, self.budgets, *(table[rows] for table in tables))


def read_results(folder: Path, verifier: str = "prm") -> Results:
    """Read the results of a sweep under one verifier, with the usual options: see :class:`Setting`.

    Answers are chosen by the sum of last scores over equal answers, as in Snell et al. 2024, except
    for the two other ways of best of N; particles vote with their own weights.

    Raises
    ------
    ValueError
        If the sweep holds nothing of the kind.
    """
    usual = {name: getattr(Setting(BEST_OF_N, 1), name) for name in _USUAL}
    columns = where(read(folder), verifier=verifier, **usual)
    if not len(columns["seed"]):
        raise ValueError(f"results.parquet holds nothing of the verifier {verifier!r}")
    budgets = np.unique(columns["generations"])
    found: dict[str, dict[int, np.ndarray]] = {}
    ran = dict.fromkeys(zip(*(columns[name].tolist() for name in _OF_A_METHOD), strict=True))
    for setting in ran:
        rows = where(columns, **dict(zip(_OF_A_METHOD, setting, strict=True)))
        place = int(np.searchsorted(budgets, rows["generations"][0]))
        for name, way in _names(*setting, ran):
            kinds = [f"{way}_right", "lm_flops", "verifier_flops"]
            here = np.stack([square(rows, kind).T for kind in kinds])
            if name == MAJORITY:
                here[2] = 0
            found.setdefault(name, {})[place] = here
    names = sorted(
        found, key=lambda name: (*(not name.startswith(first) for first in _FIRST), name)
    )
    tables = np.full((3, len(names), len(budgets), *here.shape[1:]), np.nan)
    for row, name in enumerate(names):
        for place, here in found[name].items():
            tables[:, row, place] = here
    return Results(tuple(names), budgets, *tables)


_OF_A_METHOD = ("method", "n", "width", "lookahead")
_FIRST = (MAJORITY, WEIGHTED, BEST, "beam M", "lookahead", "dvts", "rebase")  # plain ones first


def _names(
    method: str, n: int, width: int, k: int, ran: Collection[tuple]
) -> Iterator[tuple[str, str]]:
    """Yield the names of a setting without its budget, and how each chooses the answer."""
    if method == BEST_OF_N:
        yield from ((MAJORITY, "majority"), (WEIGHTED, "weighted_last"), (BEST, "max_last"))
    elif method in ("particles", ANNEALED):
        yield method, "posterior"
    elif method not in OWN["width"]:
        yield method, "weighted_last"
    else:
        alike = {(m, w) for other, m, w, ahead in ran if (other, ahead) == (method, k)}
        for rule, pairs in width_rules(alike).items():
            if (n, width) in pairs:
                yield f"{method} {f'k = {k} ' if k else ''}{rule}", "weighted_last"


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of the language model; the first n are what best of N saw at N = n.

    Attributes
    ----------
    right : numpy.ndarray of bool, shape (seeds, problems, n)
    score : numpy.ndarray, shape (seeds, problems, n)
        A verifier's, of the last step.
    """

    right: np.ndarray
    score: np.ndarray


def read_samples(folder: Path, verifier: str = "prm") -> Samples:
    """Read the samples of a sweep, of the usual model and temperature, with one verifier's scores.

    Raises
    ------
    ValueError
        If the sweep holds none, or not as many for every problem.
    """
    usual = Setting(BEST_OF_N, 1)
    needed = ("model", "temperature", "seed", "problem", "sample", "right", f"{verifier}_last")
    columns = where(
        read(folder, "samples", needed), model=usual.model, temperature=usual.temperature
    )
    order = np.lexsort((columns["sample"], columns["problem"], columns["seed"]))
    shape = [len(np.unique(columns[name])) for name in ("seed", "problem", "sample")]
    if not len(order) or len(order) != np.prod(shape):
        raise ValueError(f"samples.parquet holds {len(order)} samples; that is no full table")
    return Samples(*(columns[name][order].reshape(shape) for name in ("right", f"{verifier}_last")))
