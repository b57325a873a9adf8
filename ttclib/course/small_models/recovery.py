"""The records of notebook 13: a model pruned once, and smaller models that learn on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq

from ttclib.course.small_models.prune import PARTS
from ttclib.lm.llama import Shape
from ttclib.measure import bootstrap

TWO_BY_TWO = ("scratch", "scratch, taught", "pruned", "pruned, taught")


class Thin(NamedTuple):
    """The large model with parts switched off.

    Attributes
    ----------
    counts : dict of str to int
        How many of each kind of part stay; of what is not named all.
    removed : float
        Share of the model's weights in matrices that nothing comes through any more.
    kl : numpy.ndarray, shape (1 + controls,)
        Nats a token from the whole model: by importance, then with parts chosen at random.
    solved : numpy.ndarray of bool, shape (problems,)
        By the greedy text of the model pruned by importance.
    """

    counts: dict[str, int]
    removed: float
    kl: np.ndarray
    solved: np.ndarray

    @property
    def kind(self) -> str:
        """Which part was pruned: one of the four, ``several``, or ``none``."""
        return next(iter(self.counts), "none") if len(self.counts) < 2 else "several"


def removed(shape: Shape, counts: dict[str, int]) -> float:
    """Share of the weights in matrices that a pruned model does without."""
    left = {part: counts.get(part, getattr(shape, part)) for part in PARTS}
    share = left["heads"] / shape.heads
    block = 4 * left["width"] * shape.width * share + 3 * left["width"] * left["hidden"]
    weights = shape.vocabulary * left["width"] + left["layers"] * block
    return 1 - 2 * weights / shape.flops[0]


def read_thin(folder: Path, shape: Shape) -> list[Thin]:
    """Read what one pruning does, from ``pruned-once``; the first is the whole model."""
    found: dict[tuple, list[dict]] = {}
    for line in pq.read_table(folder / "pruned.parquet").to_pylist():
        found.setdefault(tuple(line[part] for part in PARTS), []).append(line)
    thin = []
    for key, lines in found.items():
        counts = {part: count for part, count in zip(PARTS, key, strict=True) if count is not None}
        kl = np.array([line["kl"] for line in lines])
        solved = np.array(lines[0]["right"])
        thin.append(Thin(counts, removed(shape, counts), kl, solved))
    return thin


class Rival(NamedTuple):
    """A model of the course, measured as the runs are.

    Attributes
    ----------
    right : numpy.ndarray of bool, shape (problems,)
        Whether its greedy text solves a problem.
    texts : list of str
    """

    right: np.ndarray
    texts: list[str]


def read_rivals(folder: Path) -> dict[str, Rival]:
    """Read how other models of the course do on the same problems."""
    lines = pq.read_table(folder / "rivals.parquet").to_pylist()
    return {line["run"]: Rival(np.array(line["right"]), line["texts"]) for line in lines}


class Run(NamedTuple):
    """A model that learned, measured on its way.

    Attributes
    ----------
    tokens, trained, taught : numpy.ndarray, shape (looks,)
        Tokens read so far; FLOPs of learning from them, and of the teacher that read them too.
    weights : int
        In matrices, of the model at the end.
    kl, loss, agree : numpy.ndarray, shape (looks,)
        From the teacher and from the truth, nats a token; share of tokens where both would write
        the same.
    right : numpy.ndarray of bool, shape (looks, problems)
        Whether its greedy text solves a problem.
    """

    tokens: np.ndarray
    trained: np.ndarray
    taught: np.ndarray
    weights: int
    kl: np.ndarray
    loss: np.ndarray
    agree: np.ndarray
    right: np.ndarray

    @property
    def flops(self) -> np.ndarray:
        """All that was paid after the large model was there."""
        return self.trained + self.taught

    def solved(self, counts: np.ndarray) -> np.ndarray:
        """Share of problems solved at each look, and its 95% interval: (3, looks)."""
        return np.stack(bootstrap.mean_interval(self.right.astype(float), counts))


def read_runs(folder: Path, teacher: int) -> dict[str, Run]:
    """Read the runs of ``recovery-half``, ``recovery-small`` or ``distillation``.

    Parameters
    ----------
    teacher : int
        Weights in its matrices: a token that it reads costs two FLOPs each.
    """
    lines = pq.read_table(folder / "curves.parquet").to_pylist()
    names = dict.fromkeys(line["run"] for line in lines)
    return {name: _run([line for line in lines if line["run"] == name], teacher) for name in names}


def _run(lines: Sequence[dict], teacher: int) -> Run:
    before = dict.fromkeys(("tokens", "trained", "taught"), 0.0)
    last = dict(before)
    found = []
    for line in lines:
        if line["step"] == 0:  # another stage begins where the last one ended
            before = dict(last)
        tokens = line["tokens"]
        last = {
            "tokens": before["tokens"] + tokens,
            "trained": before["trained"] + 6 * line["weights"] * tokens,
            "taught": before["taught"] + 2 * teacher * line.get("heard", tokens) * line["taught"],
        }
        found.append(last | {name: line[name] for name in ("kl", "loss", "agree", "right")})
    columns = {name: np.array([look[name] for look in found]) for name in found[0]}
    return Run(**columns, weights=lines[-1]["weights"])


def read_texts(folder: Path) -> dict[str, list[str]]:
    """Read the greedy texts that each run wrote in the end, problem by problem."""
    found: dict[str, list[str]] = {}
    for line in pq.read_table(folder / "texts.parquet").to_pylist():
        found.setdefault(line["run"], []).append(line["text"])
    return found


def shared_mistakes(mine: Rival, other: Rival, answer: Callable[[str], object]) -> np.ndarray:
    """Whether two models give the same answer, for each of the problems that both fail."""
    fail = ~(mine.right | other.right)
    pairs = zip(mine.texts, other.texts, strict=True)
    same = np.array([answer(one) == answer(two) for one, two in pairs])
    return same[fail]
