"""What everything cost: pretraining, reading on, rollouts, and training a judge, in FLOPs.

A token costs 2 FLOPs a weight to read and 6 to learn from. Tokens are the places in the rows of a
training, padding included. A rollout is paid in full, as if it shared nothing with others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ttclib.course.small_plus_search_vs_14x.matched import Settings, chosen, up_to
from ttclib.search import results as sweep
from ttclib.search.results import MAJORITY, WEIGHTED, Results

WRITER = "lab-small"
LIKELIEST = "likeliest"
_VOTES = {MAJORITY: "majority_right", WEIGHTED: "weighted_last_right"}
STAGES = ("pretraining", "rollouts", "reading on", "the judge")


def places(entry: Mapping, row: int) -> float:
    """Tokens that a training of the manifest went through."""
    training = entry["settings"]["training"]
    return float(training["batch"] * training["steps"] * row)


def bill(made: Mapping[str, Mapping], name: str, weights: int, a_rollout: float) -> np.ndarray:
    """Return the FLOPs of each of :data:`STAGES` for a model or a verifier of the manifest.

    Parameters
    ----------
    made : mapping
        From :func:`ttclib.artefacts.manifest`.
    weights : int
        In matrices: of the model itself, or of the body of a verifier.
    a_rollout : float
        FLOPs of a solution that the writer draws.
    """
    settings = made[name]["settings"]
    judged = "start" in settings
    body = settings["start"] if judged else name
    read_on = body != WRITER and "shape" not in made[body]["settings"]
    first = made[WRITER if read_on else body]
    row = first["settings"]["texts"]["row"]
    stages = dict.fromkeys(STAGES, 0.0)
    stages["pretraining"] = 6 * weights * places(first, row)
    stages["reading on"] = 6 * weights * places(made[body], row) if read_on else 0.0
    solutions = settings["rollouts"]["solutions"] if judged else 0
    asked = made[body]["settings"].get("rollouts") if read_on else None
    if asked is not None:  # what a head learns from is among what its body had drawn
        whole = made["prm"]["settings"]["rollouts"]
        problems = asked.get("problems", whole["problems"])
        solutions = max(solutions, problems * whole["samples"])
    stages["rollouts"] = a_rollout * solutions
    if judged:
        tuned = settings["net"].get("hears") == []  # then the body learned along with the head
        stages["the judge"] = (6 if tuned else 2) * weights * places(made[name], row)
    return np.array(list(stages.values()))


# ---- accuracy against everything that was paid ---------------------------------------------------


class Way(NamedTuple):
    """A way to answer, at rising budgets.

    Attributes
    ----------
    training : float
        FLOPs before the first question.
    solved, flops : numpy.ndarray, shape (budgets, problems)
        Share of luck in which each problem is solved, and FLOPs of answering it.
    """

    training: float
    solved: np.ndarray
    flops: np.ndarray

    def at(self, questions: float, among) -> tuple[np.ndarray, np.ndarray]:
        """Total FLOPs and accuracy at every budget, for questions like some of the problems."""
        total = self.training + questions * self.flops[:, among].mean(axis=1)
        return total, self.solved[:, among].mean(axis=1)


def frontier(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which (price, accuracy) nobody beats for the same money or less, cheapest first."""
    best = -np.inf
    found = []
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if points[i][1] > best + 1e-9:
            found.append(i)
            best = points[i][1]
    return found


def searched(results: Results, training: float, bins, fold) -> Way:
    """The best method of each bin up to each budget, chosen on one half and scored on the other."""
    settings = Settings.of(results)
    found = [chosen(settings, bins, up_to(settings, most, bins), fold) for most in results.budgets]
    solved, _, flops = np.moveaxis(found, 1, 0)
    return Way(training, solved, flops)


def alone(
    folder: Path, model: str, training: float, take: str = LIKELIEST, temperature: float = 1.0
) -> Way:
    """Read what a model does by itself: its greedy text, then 2, 4, … samples.

    Parameters
    ----------
    take : str
        Of the samples the likeliest text; or the answer of the majority, or that with the highest
        sum of scores under the verifier, whose reading is paid for.
    temperature : float
        Of the samples.
    """
    columns = ("model", "temperature", "n", "problem", "lm_flops", "verifier_flops")
    columns += tuple(_VOTES.values())
    rows = sweep.where(sweep.read(folder, columns=columns), model=model)
    greedy = sweep.where(rows, temperature=0.0)
    warm = sweep.where(rows, temperature=temperature)
    solved = [_likeliest(folder, model, 0.0)(1)]  # of greedy texts there is one
    flops = [_by_problem(greedy, "lm_flops")]
    likeliest = _likeliest(folder, model, temperature) if take == LIKELIEST else None
    for n in np.unique(warm["n"])[1:]:
        here = sweep.where(warm, n=n)
        solved.append(likeliest(n) if likeliest else _by_problem(here, _VOTES[take]))
        read = _by_problem(here, "verifier_flops") if take == WEIGHTED else 0.0
        flops.append(_by_problem(here, "lm_flops") + read)
    return Way(training, np.array(solved), np.array(flops))


def _by_problem(rows, name: str) -> np.ndarray:
    return rows[name][np.argsort(rows["problem"], kind="stable")].astype(float)


def _likeliest(folder: Path, model: str, temperature: float) -> Callable[[int], np.ndarray]:
    """Return who is right if the likeliest of the first n samples of each problem is taken."""
    drawn = sweep.read_drawn(folder, "right", "log_prob", model=model, temperature=temperature)
    right, log_prob = (table[0] for table in drawn)  # a writer has one seed
    at = np.arange(len(right))
    return lambda n: right[at, log_prob[:, :n].argmax(axis=1)].astype(float)
