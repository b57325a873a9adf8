"""The ladder of verifiers: what each was given, and what each makes of the same samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ttclib.inputs import whole_number
from ttclib.search import results

WRITER = "lab-small"


# ---- what each was given -------------------------------------------------------------------------


class Bill(NamedTuple):
    """What a verifier was given beyond the writer's checkpoint, in tokens.

    Attributes
    ----------
    drawn : float
        That the writer wrote as rollouts.
    read : float
        That its body read, to learn to write them.
    judged : float
        That it was trained on, to score them.
    tuned : bool
        Whether the scores taught the body, too; else a head that is next to nothing.
    """

    drawn: float
    read: float
    judged: float
    tuned: bool

    def flops(self, a_token: float) -> tuple[float, float, float]:
        """FLOPs of drawing, reading and judging.

        Parameters
        ----------
        a_token : float
            FLOPs of feeding a token forward. To learn from it, weights and what they saw are
            multiplied once more each on the way back: three times as much (Kaplan et al. 2020).
        """
        judging = 3 if self.tuned else 1
        return a_token * self.drawn, 3 * a_token * self.read, judging * a_token * self.judged


def bill(made: Mapping[str, dict], name: str, length: float) -> Bill:
    """Read from the manifest what a verifier was given.

    Parameters
    ----------
    made : mapping
        The manifest: :func:`ttclib.artefacts.manifest`.
    length : float
        Tokens of a solution, on average.
    """
    settings = made[name]["settings"]
    rollouts = settings["rollouts"]
    start = settings["start"]
    body = {} if start == WRITER else made[start]["settings"]
    solutions = rollouts["solutions"]
    if "rollouts" in body:  # those for the head are among those for the body
        problems = body["rollouts"].get("problems", rollouts["problems"])
        solutions = max(solutions, problems * rollouts["samples"])
    return Bill(
        drawn=solutions * length,
        read=_places(body) * rollouts["row"] if body else 0.0,
        judged=_places(settings) * rollouts["row"],
        tuned=settings["net"].get("hears") == [],
    )


def _places(settings: Mapping) -> float:
    """Count the rows of all steps of a training."""
    return float(settings["training"]["batch"] * settings["training"]["steps"])


# ---- what each makes of the same samples ---------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Judged:
    """Samples of the writer, and what each judge says of them; all arrays (problems, n).

    Attributes
    ----------
    right : numpy.ndarray of bool
    answers : numpy.ndarray of float
        NaN where there is none.
    log_prob : numpy.ndarray of float
        Log probability of each text to its writer.
    scores : mapping of str to numpy.ndarray
        Name of each judge → its score of each text.
    """

    right: np.ndarray
    answers: np.ndarray
    log_prob: np.ndarray
    scores: dict[str, np.ndarray]


def recorded(folder: Path, judges: Mapping[str, str]) -> Judged:
    """Read the samples of a sweep, of the usual writer and temperature, with its first seed.

    Parameters
    ----------
    folder : Path
    judges : mapping of str to str
        What each judge is called here → the verifier's name in the sweep.
    """
    score = [f"{verifier}_last" for verifier in judges.values()]
    drawn = results.read_drawn(folder, "right", "answer", "log_prob", *score)
    right, answers, log_prob, *scores = (column[0] for column in drawn)
    return Judged(right, answers.astype(float), log_prob, dict(zip(judges, scores, strict=True)))


def weighted_at(scores: np.ndarray, answers: np.ndarray, right: np.ndarray, k: int) -> np.ndarray:
    """Share of the blocks of k samples in which best-of-k weighted is right: shape (problems,).

    The n samples are cut into n / k blocks; in each, scores are summed up over equal answers, as
    :func:`ttclib.measure.votes.weighted_majority` does.

    Parameters
    ----------
    scores, answers, right : numpy.ndarray, shape (problems, n)
        Scores of zero or more; an answer of NaN is none.
    """
    n = right.shape[1]
    blocks = n // whole_number("k", k, maximum=n)
    found = []
    for score, answer, good in zip(scores, answers, right, strict=True):
        _, kind = np.unique(answer, return_inverse=True)
        kind, score, good, there = (
            row[: blocks * k].reshape(blocks, k) for row in (kind, score, good, ~np.isnan(answer))
        )
        total = np.zeros((blocks, kind.max() + 1))
        np.add.at(total, (np.arange(blocks)[:, None], kind), score * there)
        enough = total.max(axis=1, keepdims=True) * (1 - 1e-12)
        wins = np.take_along_axis(total, kind, axis=1) >= enough
        first = (wins & there).argmax(axis=1)  # of equals the one that comes first
        found.append(good[np.arange(blocks), first].mean())
    return np.array(found)


def favourites(answers: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share of the samples that give the most frequent wrong answer of each problem: (problems,).

    Parameters
    ----------
    answers, right : numpy.ndarray, shape (problems, n)
        An answer of NaN is none.
    """
    most = []
    for answer, good in zip(answers, right, strict=True):
        _, counts = np.unique(answer[~good & ~np.isnan(answer)], return_counts=True)
        most.append(counts.max(initial=0) / len(answer))
    return np.array(most)


def fifths(right: np.ndarray) -> list[np.ndarray]:
    """Sort problems from easy to hard by their share of right samples, and cut them into fifths."""
    return np.array_split(np.argsort(-right.mean(axis=1), kind="stable"), 5)
