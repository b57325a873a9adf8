"""Contest: what several methods said on the same problems, read from a table of results.

Every method meets the same problems, so two methods are compared problem by problem: that removes
the luck of which problems were drawn, and most of the error bar with it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import sem

from ttclib.cost import Cost
from ttclib.measure.calibration import auroc, expected_calibration_error

_ANSWERS = ("right", "confidence", "distinct", "entropy")
_COSTS = ("lm_tokens", "lm_positions", "lm_flops")


@dataclass(frozen=True, eq=False)
class Entry:
    """One method of one model, with n samples or particles.

    Attributes
    ----------
    model, method : str
    n : int
    right, confidence, distinct, entropy : numpy.ndarray, shape (runs, problems)
        Whether the answer was right; how sure the method was of it, 0 to 1; how many different
        answers it saw; the entropy of its answers in nats.
    cost : Cost
        Mean for one problem.
    """

    model: str
    method: str
    n: int
    right: np.ndarray
    confidence: np.ndarray
    distinct: np.ndarray
    entropy: np.ndarray
    cost: Cost

    @property
    def name(self) -> str:
        """Model, method, size."""
        return f"{self.model}, {self.method}" + (f" {self.n}" if self.n > 1 else "")

    @property
    def accuracy(self) -> float:
        """Share of right answers over all runs and problems."""
        return float(self.right.mean())

    @property
    def error(self) -> float:
        """Standard error of the accuracy over the draw of problems."""
        return float(sem(self.right.mean(axis=0)))

    @property
    def calibration_error(self) -> float:
        """Expected calibration error in ten bins: see :mod:`ttclib.measure.calibration`."""
        return expected_calibration_error(self.confidence.ravel(), self.right.ravel())

    @property
    def auroc(self) -> float:
        """How well confidence tells right answers from wrong ones: 0.5 not at all, 1 perfectly."""
        return auroc(self.confidence.ravel(), self.right.ravel())


def difference(a: Entry, b: Entry) -> tuple[float, float]:
    """Return accuracy of ``a`` minus that of ``b``, and its standard error, problem by problem.

    Raises
    ------
    ValueError
        If they did not meet as many problems.
    """
    if a.right.shape[1] != b.right.shape[1]:
        raise ValueError(
            f"{a.name} met {a.right.shape[1]} problems and {b.name} {b.right.shape[1]}"
        )
    gaps = a.right.mean(axis=0) - b.right.mean(axis=0)
    return float(gaps.mean()), float(sem(gaps))


def read(folder: Path) -> list[Entry]:
    """Read ``problems.csv`` and ``runs.csv`` of a folder; methods in the order of the file."""
    answers: dict[tuple, list] = {}
    spent: dict[tuple, list] = {}
    for file, found in (("problems.csv", answers), ("runs.csv", spent)):
        with open(folder / file, encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                found.setdefault((row["model"], row["method"], int(row["n"])), []).append(row)
    entries = []
    for key, rows in sorted(answers.items(), key=lambda item: _order(item[0], list(answers))):
        shape = len(spent[key]), len(rows) // len(spent[key])
        columns = [_column(rows, name).reshape(shape) for name in _ANSWERS]
        means = {name: _column(spent[key], name).mean() / shape[1] for name in _COSTS}
        entries.append(Entry(*key, *columns, Cost(**means)))
    return entries


def _column(rows: list[dict], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def _order(key: tuple, seen: list[tuple]) -> tuple:
    """Sort by model and method as they first appear, then by size."""
    model, method, n = key
    models = [k[0] for k in seen]
    methods = [k[:2] for k in seen]
    return models.index(model), methods.index((model, method)), n
