"""What was measured of quantized models, of memories, and of kernels: the tables of ``data/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ttclib.inputs import checked
from ttclib.search import results

FULL = "float32"
HALF = "bfloat16"


class Run(NamedTuple):
    """A model with its weights kept in some way, on all problems.

    Attributes
    ----------
    model, method, sharing : str
        The method is that of :mod:`quantize`, ``"float32"`` or ``"bfloat16"``.
    bits, calibration : int
        The calibration is the seed of the texts that GPTQ looked at; 0 where none are needed.
    nbytes : int
        In memory.
    right : numpy.ndarray of bool, shape (problems,)
        Whether the greedy answer is right.
    nats, tokens : numpy.ndarray, shape (problems,)
        KL to the model in float32, summed over the tokens of the true solution; how many they are.
    """

    model: str
    method: str
    sharing: str
    bits: int
    calibration: int
    nbytes: int
    right: np.ndarray
    nats: np.ndarray
    tokens: np.ndarray

    @property
    def divergence(self) -> float:
        """KL to the full model, in nats a token."""
        return float(self.nats.sum() / self.tokens.sum())


@checked
def read_runs(folder: Path) -> list[Run]:
    """Read the runs of quantized models, in the order in which they were measured."""
    table = results.read(folder, "runs")
    answers = results.read(folder, "answers")
    found = []
    for i in range(len(table["bits"])):
        mine = answers["run"] == i
        named: dict[str, Any] = {name: column[i] for name, column in table.items()}
        named |= {name: int(named[name]) for name in ("bits", "calibration", "nbytes")}
        parts = {name: answers[name][mine] for name in ("right", "nats", "tokens")}
        found.append(Run(**named, **parts))
    return found


def chosen(runs: list[Run], **wanted) -> list[Run]:
    """Return the runs whose fields are as wanted."""
    return [run for run in runs if all(getattr(run, k) == v for k, v in wanted.items())]


def speedups(
    table: dict[str, np.ndarray], what: str, tokens: int, kind: str, width: int | None = None
) -> np.ndarray:
    """Seconds of float32 over those of another kind, in each round, from ``seconds.parquet``.

    ``what`` is ``"layer"``, whose widths differ, or a model.
    """
    return seconds_of(table, what, tokens, FULL, width) / seconds_of(
        table, what, tokens, kind, width
    )


def seconds_a_token(table: dict[str, np.ndarray], what: str, kind: str, tokens: int) -> float:
    """Seconds of one core for each of so many tokens that are read at once, in the best round."""
    return float(seconds_of(table, what, tokens, kind).min()) / tokens


def seconds_of(table, what: str, tokens: int, kind: str, width: int | None = None) -> np.ndarray:
    """Seconds of each round."""
    mine = (table["what"] == what) & (table["tokens"] == tokens) & (table["kind"] == kind)
    if width is not None:
        mine &= table["width"] == width
    return table["seconds"][mine]
