"""The results of a sweep: which method solved which problem, and what it paid.

One reader for all who ask: a table of rows becomes one block of numbers, and a line of that block
becomes a curve.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ttclib.measure import bootstrap
from ttclib.search.methods import ANNEALED, BEST_OF_N, OWN, Setting, width_rules

Columns = Mapping[str, np.ndarray]

_WRITER = Setting(BEST_OF_N, 1)  # the usual model and temperature
MAJORITY = "majority"
WEIGHTED = "best-of-N weighted"
BEST = "best-of-N max"


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
    found = {}
    for name in columns or file.schema_arrow.names:
        # one at a time: a whole table takes twice its memory until it is arrays
        found[name] = _plain(file.read([name], use_threads=False)[name].combine_chunks())
    pa.default_memory_pool().release_unused()
    return found


def _plain(column: pa.Array) -> np.ndarray:
    if not pa.types.is_string(column.type):
        return column.to_numpy(zero_copy_only=False)
    coded = column.dictionary_encode()  # equal texts are one object: there are thousands of each
    return coded.dictionary.to_numpy(zero_copy_only=False)[coded.indices.to_numpy()]


def where(columns: Columns, **values) -> dict[str, np.ndarray]:
    """Keep the rows in which the columns have these values."""
    chosen = np.ones(len(next(iter(columns.values()))), dtype=bool)
    for name, value in values.items():
        chosen &= columns[name] == value
    return {name: column[chosen] for name, column in columns.items()}


class Curve(NamedTuple):
    """Accuracy against what was paid, at rising budgets; bootstrap replicates beside the estimate.

    Attributes
    ----------
    accuracy, paid : numpy.ndarray, shape (budgets,)
        Mean over problems; what was paid for a problem, in generations or FLOPs.
    draws, paid_draws : numpy.ndarray, shape (replicates, budgets)
        The same with the problems drawn again.
    """

    accuracy: np.ndarray
    paid: np.ndarray
    draws: np.ndarray
    paid_draws: np.ndarray


@dataclass(frozen=True, eq=False)
class Results:
    """What a sweep found with one verifier; NaN where it did not run.

    Attributes
    ----------
    names : tuple of str
        Methods, plain ones first; "beam M = 4" and "beam M = √N" are two.
    budgets : numpy.ndarray of int, shape (budgets,)
        Rising, in *generations*, the unit of Snell et al. 2024: N texts that look k steps ahead
        are N · (k + 1) of them.
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
    def accuracy(self) -> np.ndarray:
        """Share of seeds in which a problem came out right: shape (methods, budgets, problems)."""
        return self.right.mean(axis=2)

    def paid(self, flops: bool = False) -> np.ndarray:
        """Generations, or FLOPs of both models: shape (methods, budgets, seeds, problems)."""
        if flops:
            return self.lm_flops + self.verifier_flops
        return np.where(np.isnan(self.right), np.nan, self.budgets[:, None, None].astype(float))

    def row(self, name: str) -> int:
        """Return the place of a method.

        Raises
        ------
        ValueError
            If the sweep has no such method.
        """
        return _place(f"method is {name!r}; it must be one of: ", name, self.names, "; ")

    def at(self, budget: int) -> int:
        """Return the place of a budget.

        Raises
        ------
        ValueError
            If the sweep has no such budget.
        """
        budgets = self.budgets.tolist()
        return _place(f"budget is {budget}; it must be one of ", budget, budgets, ", ")

    def solved(self, name: str, budget: int) -> np.ndarray:
        """Share of seeds in which a method solves each problem with a budget: shape (problems,)."""
        return self.right[self.row(name), self.at(budget)].mean(axis=0)

    def among(self, problems) -> Results:
        """Return the results of some problems."""
        tables = (self.right, self.lm_flops, self.verifier_flops)
        return Results(self.names, self.budgets, *(table[..., problems] for table in tables))

    def curve(self, name: str, counts: np.ndarray, flops: bool = False) -> Curve:
        """Return a method at the budgets it ran with.

        Parameters
        ----------
        counts : int array, shape (replicates, problems)
            From :func:`ttclib.measure.bootstrap.counts`.
        flops : bool
            Whether ``paid`` is in FLOPs of both models.
        """
        tables = (self.right, self.paid(flops))
        right, paid = (table[self.row(name)].mean(axis=1) for table in tables)  # seeds averaged
        ran = ~np.isnan(right).any(axis=1)
        return _curve(right[ran], paid[ran], counts)


def _place(line: str, wanted, known: Sequence, between: str) -> int:
    if wanted not in known:
        raise ValueError(line + between.join(map(str, known)))
    return known.index(wanted)


_USUAL = ("model", "temperature", "balance", "anneal", "aggregate")
_PLAIN_FIRST = (BEST_OF_N, "beam", "lookahead", "dvts", "rebase", ANNEALED, "particles", "mcts")
_WAYS = {  # how a method chooses its answers, if not by the sum of last scores
    BEST_OF_N: {MAJORITY: "majority", WEIGHTED: "weighted_last", BEST: "max_last"},
    ANNEALED: {ANNEALED: "posterior"},
    "particles": {"particles": "posterior"},
}


def block(
    columns: Columns, verifier: str = "prm", way: str | None = None, model: str = _WRITER.model
) -> Results:
    """Sort the rows of a sweep that ran with the usual options: see :class:`Setting`.

    Parameters
    ----------
    columns : mapping
        From :func:`read`.
    way : str, optional
        How all answers are chosen: ``majority``, ``weighted_last``, ``max_last``, …, or ``passed``,
        any of N. By default each method has its own way: the sum of last scores over equal answers,
        as in Snell et al. 2024; best of N that, a majority and the highest score, as three methods;
        particles vote with their own weights.
    model : str
        Who wrote.

    Raises
    ------
    ValueError
        If there is no such row.
    """
    usual = {name: getattr(_WRITER, name) for name in _USUAL} | {"model": model}
    needed = {name: columns[name] for name in _needed(way)}  # to filter all columns takes long
    rows = where(needed, verifier=verifier, **usual)
    if not len(rows["seed"]):
        raise ValueError(f"results.parquet holds nothing of the verifier {verifier!r}")
    axes = (rows[name] for name in ("generations", "seed", "problem"))
    values, places = zip(*(np.unique(axis, return_inverse=True) for axis in axes), strict=True)
    tables = {}
    for name, its_way, mine in _methods(rows, way):
        asked = name not in (BEST_OF_N, MAJORITY) or its_way not in ("majority", "passed")
        cells = tuple(place[mine] for place in places)
        tables[name] = np.full((3, *map(len, values)), np.nan)
        tables[name][0][cells] = rows[_column(its_way)][mine]
        tables[name][1][cells] = rows["lm_flops"][mine]
        tables[name][2][cells] = rows["verifier_flops"][mine] if asked else 0.0
    return Results(tuple(tables), values[0], *np.stack(list(tables.values()), axis=1))


def read_results(folder: Path, verifier: str = "prm") -> Results:
    """Read the results of a sweep under one verifier, each method in its own way: :func:`block`."""
    return block(read(folder, columns=_needed(None)), verifier)


def _needed(way: str | None) -> list[str]:
    """Columns of the table that a block is made of."""
    own = [own for ways in _WAYS.values() for own in ways.values()]
    ways = [way] if way else ["weighted_last", *own]
    places = ("verifier", "method", "lookahead", "n", "width", "generations", "seed", "problem")
    names = [*_USUAL, *places, "lm_flops", "verifier_flops", *map(_column, ways)]
    return list(dict.fromkeys(names))


def _column(way: str) -> str:
    return way if way == "passed" else f"{way}_right"


def _methods(rows: Columns, way: str | None) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield each method's name, how it chooses its answers, and which rows are its own.

    A width of 4 and one of √N are two methods, and so is each number of steps ahead.
    """
    for method in sorted(set(rows["method"]), key=_PLAIN_FIRST.index):
        ways = {method: way} if way else _WAYS.get(method, {method: "weighted_last"})
        ran = rows["method"] == method
        for k in np.unique(rows["lookahead"][ran]):
            mine = ran & (rows["lookahead"] == k)
            for rule, fits in _rules(method, rows["n"], rows["width"], mine).items():
                for name, its_way in ways.items():
                    parts = (name, f"k = {k}" if k else "", rule)
                    yield " ".join(filter(None, parts)), its_way, mine & fits


def _rules(method: str, n: np.ndarray, width: np.ndarray, mine: np.ndarray) -> dict:
    """Say which rows each rule for the width explains."""
    if method not in OWN["width"]:
        return {"": mine}
    pairs = set(zip(n[mine].tolist(), width[mine].tolist(), strict=True))
    return {
        rule: np.logical_or.reduce([(n == a) & (width == b) for a, b in explained])
        for rule, explained in width_rules(pairs).items()
    }


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
    """Read the samples of a sweep, of the usual model and temperature, with one verifier's scores:
    :func:`read_drawn`.
    """
    return Samples(*read_drawn(folder, "right", f"{verifier}_last"))


def read_drawn(
    folder: Path,
    *columns: str,
    model: str = _WRITER.model,
    temperature: float = _WRITER.temperature,
) -> list[np.ndarray]:
    """Read columns of what a model drew at one temperature: (seeds, problems, n) each.

    They are ``"right"``, ``"text"``, ``"answer"`` (NaN where there is none), ``"prm_last"``, ….

    Raises
    ------
    ValueError
        If the sweep holds no sample, or not as many for every problem.
    """
    mine = {"model": model, "temperature": temperature}
    axes = ("seed", "problem", "sample")
    rows = where(read(folder, "samples", (*mine, *axes, *columns)), **mine)
    order = np.lexsort([rows[name] for name in reversed(axes)])
    shape = [len(np.unique(rows[name])) for name in axes]
    if not len(order) or len(order) != np.prod(shape):
        raise ValueError(f"samples.parquet holds {len(order)} samples; that is no full table")
    return [rows[name][order].reshape(shape) for name in columns]


def read_alone(
    folder: Path, model: str, counts: np.ndarray, flops: bool = False, among=slice(None)
) -> tuple[Curve, Curve]:
    """Read what a model does without a verifier: its greedy text, and the likeliest of N.

    Parameters
    ----------
    counts : int array, shape (replicates, problems)
        From :func:`ttclib.measure.bootstrap.counts`.
    flops : bool
        Whether ``paid`` is in FLOPs of the model.
    among : array of int, optional
        Places of the problems that are asked about; ``counts`` are of these.
    """
    columns = ("model", "temperature", "n", "problem", "lm_flops")
    rows = where(read(folder, columns=columns), model=model)
    found = []
    for t in (0.0, _WRITER.temperature):
        right, log_prob = read_drawn(folder, "right", "log_prob", model=model, temperature=t)
        mine = where(rows, temperature=t)
        budgets = np.unique(mine["n"])  # of greedy texts there is one, the likeliest of itself
        likeliest = [log_prob[..., :n].argmax(axis=-1)[..., None] for n in budgets]
        taken = [np.take_along_axis(right, one, axis=-1)[..., 0] for one in likeliest]
        solved = np.mean(taken, axis=1)
        generations = np.broadcast_to(budgets[:, None].astype(float), solved.shape)
        paid = _means(mine, "lm_flops") if flops else generations
        found.append(_curve(solved[:, among], paid[:, among], counts))
    return found[0], found[1]


def _means(rows: Columns, name: str) -> np.ndarray:
    """Means of a column over seeds, and over verifiers: shape (budgets, problems)."""
    cells = tuple(np.unique(rows[axis], return_inverse=True)[1] for axis in ("n", "problem"))
    total, times = np.zeros((2, *(place.max() + 1 for place in cells)))
    np.add.at(total, cells, rows[name])
    np.add.at(times, cells, 1)
    return total / times


def _curve(right: np.ndarray, paid: np.ndarray, counts: np.ndarray) -> Curve:
    """Make a curve of two tables, each (budgets, problems)."""
    draws, paid_draws = (bootstrap.means(values, counts) for values in (right, paid))
    return Curve(right.mean(axis=1), paid.mean(axis=1), draws, paid_draws)
