"""Judging texts written under a constraint: by their probability, and by their diversity."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from ttclib.particles.weights import effective_sample_size, relative


def weight_of_texts(texts: Iterable[Hashable], weights: np.ndarray) -> dict[Hashable, float]:
    """Return the weight of each different text, in the order in which they appear."""
    total: dict[Hashable, float] = {}
    for text, weight in zip(texts, weights, strict=True):
        total[text] = total.get(text, 0.0) + float(weight)
    return total


class Judged:
    """The texts of one recorded run, and what they are worth.

    Log probabilities are the model's own, at temperature 1.
    """

    def __init__(self, record: Mapping):
        rows = record["texts"]
        logs = [-math.inf if r["log_weight"] is None else r["log_weight"] for r in rows]
        self.weights, _ = relative(logs)
        self.alive = np.array(logs) > -math.inf
        self.texts = [r["text"] for r in rows]
        self.log_probs = np.array([r["log_prob"] for r in rows])
        self.tokens = np.array([r["tokens"] for r in rows])

    def mean(self, values: np.ndarray, weights: np.ndarray) -> float:
        """Weighted mean; NaN if no text is left."""
        return float(values @ weights / weights.sum()) if weights.sum() else math.nan

    def worth(self, weights: np.ndarray) -> float:
        """How many different texts the weights are worth: 1 / Σ share², over different texts.

        0 if no text is left.
        """
        shares = weight_of_texts(self.texts, weights)
        return effective_sample_size(np.array([*shares.values()]), float(weights.sum()))

    def distinct_pairs(self) -> float:
        """Share of different pairs of neighbouring words among all pairs of texts that fit."""
        pairs = [
            pair
            for text, a in zip(self.texts, self.alive, strict=True)
            if a
            for pair in zip(text.split(), text.split()[1:], strict=False)
        ]
        return len(set(pairs)) / len(pairs) if pairs else math.nan


WAYS = ("free", "masked", "best masked", "weighted masked", "SMC")


def constraint_results(records: Sequence[Mapping]) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """Sort recorded runs: constraint ("none" first) → way → measure → one value a run.

    *masked* is one text of local masking, *best masked* the likeliest of them all, *weighted
    masked* one drawn by weight, and *SMC* one drawn by weight from a population with selection.
    """
    found: dict = {}
    for record in records:
        run_ = Judged(record)
        one = run_.alive.astype(float)
        if record["method"] == "masked":
            top = np.where(run_.alive, run_.log_probs, -math.inf)
            best = one * (np.arange(len(one)) == top.argmax())
            ways = {"masked": one, "best masked": best, "weighted masked": run_.weights}
        else:
            ways = {record["method"]: run_.weights}
        for way, weights in ways.items():
            measures = {
                "log_prob": run_.mean(run_.log_probs, weights),
                "per_token": run_.mean(run_.log_probs / run_.tokens, weights),
                "fit": run_.alive.mean(),
                "worth": run_.worth(weights),
                "pairs": run_.distinct_pairs(),
                "tokens": record["lm_tokens"],
            }
            place = found.setdefault(record["constraint"], {}).setdefault(way, {})
            for name, value in measures.items():
                place.setdefault(name, []).append(value)
    return {
        constraint: {
            way: {name: np.array(values) for name, values in ways[way].items()}
            for way in WAYS
            if way in ways
        }
        for constraint, ways in sorted(found.items(), key=lambda item: item[0] != "none")
    }


def table(results: Mapping) -> str:
    """Write the means of :func:`constraint_results`, a line for each constraint and way."""
    lines = [
        f"{'':29s}{'log p':>8s}{'a token':>9s}{'fit':>6s}{'worth':>7s}"
        f"{'word pairs':>12s}{'tokens':>8s}"
    ]
    for constraint, ways in results.items():
        for way, found in ways.items():
            mean = {name: np.nanmean(values) for name, values in found.items()}
            fit = "" if constraint == "none" else f"{mean['fit']:.0%}"
            lines.append(
                f"{constraint:13s}{way:16s}{mean['log_prob']:8.1f}{mean['per_token']:9.2f}{fit:>6s}"
                f"{mean['worth']:7.1f}{mean['pairs']:12.0%}{mean['tokens']:8.0f}"
            )
    return "\n".join(lines)


def evidence(records: Sequence[Mapping]) -> dict[str, float]:
    """Mean Ẑ of the SMC runs under each constraint: the share of blind tries that would fit."""
    found: dict[str, list[float]] = {}
    for record in records:
        if record["method"] == "SMC":
            log_z = record["log_evidence"]
            found.setdefault(record["constraint"], []).append(
                0.0 if log_z is None else math.exp(log_z)
            )
    return {constraint: float(np.mean(values)) for constraint, values in found.items()}
