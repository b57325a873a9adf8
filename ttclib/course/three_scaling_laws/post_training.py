"""What post-training made of lab-small: the record of ``data/post-training``, and its bills.

A token costs 2 FLOPs a weight to write or to read, and 6 to learn from. Every text is paid in full,
its problem too, as if it shared nothing with others; what fills up a row is not counted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq

from ttclib.inputs import checked, finite_array, whole_number
from ttclib.measure import bootstrap
from ttclib.measure.votes import pass_at_k

BASE = "lab-small"
EXAM = "exam"
LARGER = "larger"
BESIDE = ("lab-small-more", "lab-small-own")  # the same shape; both read on for much longer


class Bill(NamedTuple):
    """Tokens that a way to train went through.

    Attributes
    ----------
    trained : int
        Read, and learned from.
    sampled : int
        Written by the model itself.
    taught : int
        Written or read by the teacher.
    """

    trained: int = 0
    sampled: int = 0
    taught: int = 0

    def flops(self, weights: float, teacher: float = 0.0) -> np.ndarray:
        """Return what learning, writing and the teacher cost, for models of so many weights."""
        per_token = np.array([6 * weights, 2 * weights, 2 * teacher], dtype=float)
        return np.array(self, dtype=float) * per_token


class Measured(NamedTuple):
    """What a model solves of some test problems.

    Attributes
    ----------
    right : numpy.ndarray of int, shape (problems,)
        How many of the samples end right.
    samples : int
        Of each problem.
    greedy : numpy.ndarray of int, shape (problems,)
        Whether the greedy text ends right.
    bill : Bill
    entropy : float
        Mean over written tokens of how open the next one was, in nats.
    length : float
        Mean tokens of a solution.
    """

    right: np.ndarray
    samples: int
    greedy: np.ndarray
    bill: Bill
    entropy: float
    length: float

    def passes(self, ks: Sequence[int]) -> np.ndarray:
        """Return pass@k of each problem, unbiased: (k, problems)."""
        table = np.arange(self.samples) < self.right[:, None]
        return np.asarray(pass_at_k(table, list(ks))).T


class Record:
    """All that was measured.

    Parameters
    ----------
    folder : Path
        Of the artefact ``post-training``.
    """

    def __init__(self, folder: Path):
        runs = json.loads((Path(folder) / "runs.json").read_text(encoding="utf-8"))
        table = pq.read_table(Path(folder) / "solved.parquet").to_pydict()
        columns = {name: np.array(values) for name, values in table.items()}
        self._runs: dict[tuple, dict] = {}
        self._solved: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
        for i, run in enumerate(runs):
            mine = columns["run"] == i
            key = run["name"], run["share"], run["test"], run["temperature"]
            self._runs[key] = run
            self._solved[key] = columns["right"][mine], columns["greedy"][mine]

    @property
    def names(self) -> list[str]:
        """Ways to train, in the order in which they were declared; the start first."""
        return list(dict.fromkeys(name for name, *_ in self._runs))

    def shares(self, name: str, test: str = EXAM) -> list[float]:
        """Return the shares of the budget at which a way was measured, rising."""
        return sorted({key[1] for key in self._runs if key[0] == name and key[2] == test})

    def temperatures(self, name: str = BASE) -> list[float]:
        """Return the temperatures at which a model was sampled, rising."""
        return sorted({key[3] for key in self._runs if key[0] == name and key[2] == EXAM})

    def rewards(self, name: str, share: float = 1.0) -> np.ndarray:
        """Return the share of right texts at each step of a policy gradient."""
        return np.array(self._find(name, share, EXAM, 1.0)[1]["reward"])

    def _find(self, name: str, share: float, test: str, temperature: float) -> tuple[tuple, dict]:
        key = name, 0.0 if name in (BASE, *BESIDE) else share, test, temperature
        if key not in self._runs:
            raise ValueError(f"nothing was measured of {name!r} at {share}, {test}, {temperature}")
        return key, self._runs[key]

    def at(
        self, name: str, share: float = 1.0, test: str = EXAM, temperature: float = 1.0
    ) -> Measured:
        """Return what was measured of a model.

        Raises
        ------
        ValueError
            If that was not measured.
        """
        key, run = self._find(name, share, test, temperature)
        right, greedy = self._solved[key]
        bill = Bill(*(run[kind] for kind in Bill._fields))
        return Measured(right, run["samples"], greedy, bill, run["entropy"], run["length"])


@checked
def crossing(before: np.ndarray, after: np.ndarray) -> int | None:
    """Return the first place from which a curve that began above another stays below it, or None.

    Parameters
    ----------
    before, after : array_like, shape (k,)
        Two curves of pass@k.
    """
    lower = finite_array("after", after) < finite_array("before", before)
    if lower[0] or not lower[-1]:
        return None
    return int(len(lower) - np.argmin(lower[::-1]))


def gain(
    after: Measured, before: Measured, ks: Sequence[int], counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how much pass@k rose, problem by problem, and the ends of its interval: (k,) each."""
    return bootstrap.mean_interval(after.passes(ks) - before.passes(ks), counts)


def expected_k(solved: np.ndarray, k: int) -> np.ndarray:
    """pass@k of independent samples, where a sample's chance is known: 1 − (1 − p)ᵏ."""
    return 1 - (1 - np.asarray(solved)) ** whole_number("k", k)
