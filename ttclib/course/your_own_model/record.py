"""What was measured on stories with SmolLM2: each method's answers, and its bill in FLOPs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ttclib.course.your_own_model.stories import VERIFIERS, Stories
from ttclib.measure import votes

Verifier = Callable[[str, str], float]
TASK = Stories()
BUDGETS = (1, 2, 4, 8, 16)
PLAIN = ("greedy", "best of n")  # what no verifier steers


@dataclass(frozen=True)
class Texts:
    """What a method wrote for one story.

    Attributes
    ----------
    problem : str
    texts : list of str
        In the order in which they were drawn; empty where a text was given up.
    flops : numpy.ndarray, shape (n,)
        What each text added to those before it: the first has paid for reading the prompt.
    yes : numpy.ndarray, shape (n,) or (0,)
        How sure the model itself was that the text is right, as a judge.
    judge_flops : float
        What it read for all of these opinions.
    """

    problem: str
    texts: list[str]
    flops: np.ndarray
    yes: np.ndarray
    judge_flops: float

    @property
    def answers(self) -> list:
        """What each text answers; None if nothing."""
        return [TASK.canonical(TASK.answer(text)) for text in self.texts]

    @property
    def right(self) -> np.ndarray:
        """Whether each answer is right: bool, shape (n,)."""
        return np.array([TASK.right(self.problem, answer) for answer in self.answers])

    def scores(self, verifier: Verifier) -> np.ndarray:
        """What a plain function thinks of each text, shape (n,)."""
        return np.array([verifier(self.problem, text) for text in self.texts])


Record = dict[tuple[str, int, str], list[Texts]]


def read(folder: Path) -> Record:
    """Read what was written: (method, N, verifier) → one entry for each story."""
    rows = json.loads((Path(folder) / "results.json").read_text(encoding="utf-8"))
    found: Record = {}
    for row in rows:
        judge = row.get("judge", {"yes": [], "flops": 0.0})
        flops = np.array([paid["lm_flops"] for paid in row["paid"]])
        texts = Texts(
            row["problem"], row["texts"], flops, np.array(judge["yes"]), float(judge["flops"])
        )
        found.setdefault((row["method"], row["n"], row["verifier"]), []).append(texts)
    return found


@dataclass(frozen=True)
class Line:
    """A method at rising budgets.

    Attributes
    ----------
    name : str
    budgets : tuple of int
        Texts.
    right : numpy.ndarray, shape (budgets, stories)
        Share of lucks in which each story is solved.
    flops : numpy.ndarray, shape (budgets, stories)
        Of the model, and of the judge where it is asked.
    """

    name: str
    budgets: tuple[int, ...]
    right: np.ndarray
    flops: np.ndarray


def parts_of(samples: Texts, n: int) -> list[slice]:
    """Cut N samples into as many parts of n as there are: so many lucks."""
    return [slice(i, i + n) for i in range(0, len(samples.texts) - n + 1, n)]


def voted(samples: Texts, n: int, weights: np.ndarray | None = None) -> float:
    """Return how often n of the samples vote for the right answer."""
    answers = samples.answers
    found = []
    for part in parts_of(samples, n):
        here = answers[part]
        chosen = votes.weighted_majority(here, None if weights is None else weights[part])
        found.append(TASK.right(samples.problem, chosen))
    return float(np.mean(found))


def stopped(samples: Texts, cap: int, scores: np.ndarray) -> tuple[float, float]:
    """Draw until a text is thought good, ``cap`` at most; then a vote. Returns right and FLOPs."""
    answers = samples.answers
    right = []
    flops = []
    for part in parts_of(samples, cap):
        good = np.flatnonzero(scores[part] > 0.5)
        used = int(good[0]) + 1 if len(good) else cap
        here = answers[part]
        chosen = here[used - 1] if len(good) else votes.majority(here)
        right.append(TASK.right(samples.problem, chosen))
        flops.append(bill(samples, used, part.start))
    return float(np.mean(right)), float(np.mean(flops))


def bill(samples: Texts, n: int, start: int = 0) -> float:
    """Return what reading the prompt once and writing n samples costs, from ``start`` on."""
    usual = np.median(samples.flops[1:])  # the first text's own share is not known apart
    prompt = samples.flops[0] - usual
    return float(prompt + np.append(usual, samples.flops[1:])[start : start + n].sum())


def lines(record: Record) -> list[Line]:
    """Return all methods of the page, each with its bill."""
    samples = record["best of n", 16, "sums"]
    scores = {
        name: {one.problem: one.scores(verifier) for one in samples}
        for name, verifier in VERIFIERS.items()
    }
    found = [_of_samples("majority", samples, voted)]
    for name, of_story in scores.items():
        by_score = lambda s, n, found=of_story: voted(s, n, found[s.problem])  # noqa: E731
        found.append(_of_samples(f"best of N, {name}", samples, by_score))
    judged = lambda s, n: voted(s, n, s.yes)  # noqa: E731
    found.append(_of_samples("best of N, the model as judge", samples, judged, judge=True))
    of_story = scores["numbers"]
    table = np.array([[stopped(s, n, of_story[s.problem]) for s in samples] for n in BUDGETS])
    found.append(Line("stop at the first good one, numbers", BUDGETS, table[..., 0], table[..., 1]))
    for method, name in dict.fromkeys((m, v) for m, n, v in record if m not in PLAIN):
        budgets = tuple(sorted(n for m, n, v in record if (m, v) == (method, name)))
        runs = [record[method, n, name] for n in budgets]
        right = [[_searched(one, VERIFIERS[name]) for one in run] for run in runs]
        flops = np.array([[one.flops.sum() for one in run] for run in runs])
        found.append(Line(f"{method}, {name}", budgets, np.array(right, dtype=float), flops))
    greedy = record["greedy", 1, "sums"]
    right = np.array([[one.right[0] for one in greedy]], dtype=float)
    found.append(Line("greedy", (1,), right, np.array([[one.flops.sum() for one in greedy]])))
    return found


def _of_samples(name: str, samples: Sequence[Texts], solve, judge: bool = False) -> Line:
    right = np.array([[solve(s, n) for s in samples] for n in BUDGETS])
    flops = np.array([[bill(s, n) for s in samples] for n in BUDGETS])
    if judge:
        each = np.array([s.judge_flops / len(s.yes) for s in samples])
        flops = flops + np.array(BUDGETS)[:, None] * each
    return Line(name, BUDGETS, right, flops)


def _searched(one: Texts, verifier: Verifier) -> bool:
    """Whether the texts of a search vote for the right answer, each by its score."""
    chosen = votes.weighted_majority(one.answers, one.scores(verifier))
    return TASK.right(one.problem, chosen)
