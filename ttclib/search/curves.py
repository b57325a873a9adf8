"""What a sweep found, as curves: accuracy against what was spent, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ttclib.cost import Cost
from ttclib.search.methods import BEST_OF_N, OWN, Setting, width_rules

Columns = Mapping[str, np.ndarray]


def read(
    folder: Path, table: str = "results", columns: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Read a table of a sweep, ``results`` or ``samples``, as columns of one length.

    Columns of numbers with missing values become floats with NaN.

    Parameters
    ----------
    columns : sequence of str, optional
        Which ones; all of them take much memory.
    """
    file = pq.ParquetFile(Path(folder) / f"{table}.parquet")
    # one at a time: a whole table takes twice its memory until it is arrays
    one = lambda name: file.read([name], use_threads=False)[name].combine_chunks()  # noqa: E731
    found = {name: _plain(one(name)) for name in columns or file.schema_arrow.names}
    pa.default_memory_pool().release_unused()
    return found


def _plain(column: pa.Array) -> np.ndarray:
    if not pa.types.is_string(column.type):
        return column.to_numpy(zero_copy_only=False)
    coded = (
        column.dictionary_encode()
    )  # equal texts are one object: a table repeats them thousandfold
    return coded.dictionary.to_numpy(zero_copy_only=False)[coded.indices.to_numpy()]


def where(columns: Columns, **values) -> dict[str, np.ndarray]:
    """Keep the rows in which the columns have these values."""
    chosen = np.ones(len(next(iter(columns.values()))), dtype=bool)
    for name, value in values.items():
        chosen &= columns[name] == value
    return {name: column[chosen] for name, column in columns.items()}


def square(columns: Columns, name: str) -> np.ndarray:
    """Return a column of one setting as an array (problems, seeds)."""
    problem, row = np.unique(columns["problem"], return_inverse=True)
    seed, column = np.unique(columns["seed"], return_inverse=True)
    values = np.full((len(problem), len(seed)), np.nan)
    values[row, column] = columns[name]
    return values


@dataclass(frozen=True)
class Curve:
    """One method at its budgets.

    Attributes
    ----------
    name : str
    n : numpy.ndarray of int, shape (budgets,)
        Texts at a time.
    generations : numpy.ndarray of int, shape (budgets,)
        What was spent, as Snell et al. 2024 count it.
    right : numpy.ndarray, shape (budgets, problems, seeds)
        1 where the answer was right.
    cost : list of Cost
        Mean for a problem, one for each budget. A majority of samples needs no verifier.
    """

    name: str
    n: np.ndarray
    generations: np.ndarray
    right: np.ndarray
    cost: list[Cost]

    @property
    def accuracy(self) -> np.ndarray:
        """Share of right answers, (budgets,)."""
        return self.right.mean(axis=(1, 2))

    @property
    def flops(self) -> np.ndarray:
        """Of both models, for a problem, (budgets,)."""
        return np.array([cost.lm_flops + cost.verifier_flops for cost in self.cost])

    def at(self, generations: int) -> np.ndarray:
        """Right answers (problems, seeds) at one budget."""
        return self.right[list(self.generations).index(generations)]


def curves(columns: Columns, verifier: str = "prm", way: str = "weighted_last") -> dict[str, Curve]:
    """Sort the results of a sweep into one curve for each method.

    Parameters
    ----------
    columns : mapping
        From :func:`read`, or some of its rows.
    way : str
        How the answer is chosen: ``majority``, ``weighted_last``, ``max_last``, …

    Returns
    -------
    dict of str to Curve
        Beam search, lookahead and DVTS with a width of 4 and of √N are curves of their own.
    """
    usual = {name: getattr(_USUAL, name) for name in _SAME}
    right = way if way == "passed" else f"{way}_right"
    needed = (*usual, *_OF_A_CURVE, *_PAID, right)  # filtering all columns takes long
    columns, found = where({name: columns[name] for name in needed}, verifier=verifier, **usual), {}
    for method in dict.fromkeys(columns["method"]):
        mine = where(columns, method=method)
        for k in np.unique(mine["lookahead"]):
            some = where(mine, lookahead=k)
            for rule, fits in _rules(method, some["n"], some["width"]).items():
                name = f"{method} {f'k = {k} ' if k else ''}{rule}".strip()
                found[name] = _curve(name, {c: values[fits] for c, values in some.items()}, right)
    return found


_USUAL = Setting(BEST_OF_N, 1)
_SAME = ("model", "temperature", "balance", "anneal", "aggregate")
_OF_A_CURVE = ("verifier", "method", "lookahead", "n", "width", "seed", "problem", "generations")
_PAID = ("lm_tokens", "lm_positions", "verifier_positions", "lm_flops", "verifier_flops")


def _rules(method, n, width):
    """Say which rows each rule for the width explains."""
    if method not in OWN["width"]:
        return {"": np.ones(len(n), dtype=bool)}
    pairs = list(zip(n.tolist(), width.tolist(), strict=True))
    return {
        rule: np.array([pair in mine for pair in pairs])
        for rule, mine in width_rules(set(pairs)).items()
    }


def _curve(name, columns, right):
    each = [where(columns, n=n) for n in np.unique(columns["n"])]
    asked = not (columns["method"][0] == BEST_OF_N and right in ("majority_right", "passed"))
    paid = [name for name in _PAID if asked or not name.startswith("verifier")]
    return Curve(
        name,
        np.array([one["n"][0] for one in each]),
        np.array([one["generations"][0] for one in each]),
        np.array([square(one, right) for one in each]),
        [Cost(**{name: float(one[name].mean()) for name in paid}) for one in each],
    )


def bootstrap(values: np.ndarray, rng: np.random.Generator, draws: int = 400) -> np.ndarray:
    """Means of ``values`` (…, problems, seeds) over problems and seeds that are drawn again.

    First problems are drawn with replacement, then seeds for each of them: both are a sample, of
    all problems and of all luck. Of two methods on the same problems and seeds, pass the
    difference.

    Returns
    -------
    numpy.ndarray, shape (draws, …)
        Its quantiles are a confidence band (Efron and Tibshirani 1993, ch. 8 and 13).
    """
    problems, seeds = values.shape[-2:]
    found = []
    for _ in range(draws):
        row = rng.integers(problems, size=problems)
        column = rng.integers(seeds, size=(problems, seeds))
        found.append(values[..., row[:, None], column].mean(axis=(-2, -1)))
    return np.array(found)


def interval(
    values: np.ndarray, rng: np.random.Generator, level: float = 0.95
) -> tuple[float, float, float]:
    """Mean of ``values`` (problems, seeds), and the ends of its bootstrap interval."""
    low, high = np.quantile(bootstrap(values, rng), [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)
