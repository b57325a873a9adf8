"""Three ways to buy accuracy, on the same axes: pretraining, post-training, and test time.

Each way is a line of points from little to much. What it costs is training, paid once, and answers,
paid with every question. Training is counted in tokens as in :mod:`.post_training`; of what the
manifest says, rows are taken as full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ttclib.course.three_scaling_laws.post_training import BASE, Bill, Record
from ttclib.search import results as sweep
from ttclib.search.results import MAJORITY, WEIGHTED, Results

ROW = 256  # tokens in a row of the trainings of the manifest
MORE = "lab-small-more"
OWN = "lab-small-own"
LARGE = "lab-large"


@dataclass(frozen=True, eq=False)
class Way:
    """Points of a way to buy accuracy, from little to much.

    Attributes
    ----------
    training : numpy.ndarray, shape (points,)
        FLOPs before the first question.
    answer : numpy.ndarray, shape (points,)
        FLOPs of an answer.
    solved : numpy.ndarray, shape (points, problems)
        Share of luck in which each problem is solved.
    """

    training: np.ndarray
    answer: np.ndarray
    solved: np.ndarray

    def paid(self, questions: float) -> np.ndarray:
        """Total FLOPs at each point, for so many questions."""
        return self.training + questions * self.answer

    @property
    def accuracy(self) -> np.ndarray:
        """Share of problems solved at each point."""
        return self.solved.mean(axis=1)


def places(entry: Mapping) -> int:
    """Tokens that a training of the manifest went through, rows taken as full."""
    training = entry["settings"]["training"]
    return training["batch"] * training["steps"] * ROW


def added(*bills: Bill) -> Bill:
    """Return the sum of bills."""
    return Bill(*np.sum(bills, axis=0).tolist())


def training_bills(made: Mapping[str, Mapping], a_text: float) -> dict[str, Bill]:
    """Return the whole training of the models of the manifest, from the first weight on.

    Parameters
    ----------
    made : mapping
        From :func:`ttclib.artefacts.manifest`.
    a_text : float
        Tokens of a problem and a solution.
    """
    start = Bill(trained=places(made[BASE]))
    rollouts = made["prm"]["settings"]["rollouts"]
    drawn = Bill(sampled=round(rollouts["problems"] * rollouts["samples"] * a_text))
    own = added(start, drawn, Bill(trained=places(made[OWN])))
    return {
        BASE: start,
        MORE: added(start, Bill(trained=places(made[MORE]))),
        OWN: own,
        "prm": added(own, Bill(sampled=places(made["prm"]))),  # the body reads, a head learns
        LARGE: Bill(trained=places(made[LARGE])),
    }


def _points(*points: tuple[float, float, np.ndarray]) -> Way:
    training, answer, solved = zip(*points, strict=True)
    return Way(np.array(training, dtype=float), np.array(answer, dtype=float), np.array(solved))


def greedy_of_the_large(exchange: Path) -> tuple[float, np.ndarray]:
    """FLOPs of a greedy text of lab-large, and which problems it solves."""
    rows = sweep.read(
        exchange, columns=("temperature", "n", "problem", "lm_flops", "majority_right")
    )
    rows = sweep.where(rows, temperature=0.0, n=1)
    order = np.argsort(rows["problem"], kind="stable")
    return float(rows["lm_flops"].mean()), rows["majority_right"][order].astype(float)


def three_laws(
    record: Record,
    results: Results,
    exchange: Path,
    made: Mapping[str, Mapping],
    weights: Mapping[str, int],
    ways: Sequence[str],
    a_text: float,
) -> dict[str, dict[str, Way]]:
    """Return the ways of each law by their names.

    Models that answer alone write a greedy text; at test time lab-small answers more than once.

    Parameters
    ----------
    results : Results
        Of the sweep, under the verifier ``prm``.
    weights : mapping
        In the matrices of lab-small and of lab-large.
    ways : sequence of str
        Of post-training.
    a_text : float
        Tokens of a problem and a solution.
    """
    n = weights[BASE]
    bills = training_bills(made, a_text)
    paid = {
        name: bill.flops(weights[LARGE] if name == LARGE else n).sum()
        for name, bill in bills.items()
    }
    votes = results.row(MAJORITY)
    judged = results.row(WEIGHTED)
    alone = results.lm_flops[votes, 0].mean()  # a single text
    first = paid[BASE], alone, record.at(BASE).greedy
    large, solved = greedy_of_the_large(exchange)
    post = {}
    for way in ways:
        points = [first]
        for share in record.shares(way):
            after = record.at(way, share)
            trained = paid[BASE] + after.bill.flops(n, weights[LARGE]).sum()
            points.append((trained, alone, after.greedy))
        post[way] = _points(*points)
    post[OWN] = _points(first, (paid[OWN], alone, record.at(OWN).greedy))
    asked = results.paid(flops=True).mean(axis=(2, 3))
    at_test = {
        name: Way(np.full(len(results.budgets), training), asked[row], results.accuracy[row])
        for name, row, training in (
            ("majority of N", votes, paid[BASE]),
            ("best of N under prm", judged, paid["prm"]),
        )
    }
    return {
        "pretraining": {
            MORE: _points(first, (paid[MORE], alone, record.at(MORE).greedy)),
            LARGE: _points((paid[LARGE], large, solved)),
        },
        "post-training": post,
        "test time": at_test,
    }
