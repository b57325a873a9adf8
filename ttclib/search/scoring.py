"""A verifier out of a plain function of a problem and a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ttclib.lm.sequences import Sequences
from ttclib.lm.vocabulary import Vocabulary
from ttclib.search.protocols import Reading, Verifier

Score = Callable[[str, str], float]


@dataclass(frozen=True)
class Scoring:
    """A verifier made of a plain function of the problem and the text so far. It costs nothing.

    Parameters
    ----------
    score : callable
        ``score(problem, text) → number`` from 0 to 1.
    batch : bool
        Whether it takes lists of both and returns one number for each: one call for a generation.
    """

    score: Callable
    batch: bool = False

    def start(self, lm, task, problems, length) -> ScoringReader:
        """Return a reader of the texts themselves."""
        return ScoringReader(self, lm.vocabulary, list(problems))


@dataclass(frozen=True)
class ScoringReader:
    """A function at work: it is asked about whole texts, and remembers nothing."""

    scoring: Scoring
    vocabulary: Vocabulary
    problems: list[str]

    def read(self, texts: Sequences, chosen: np.ndarray, keep: bool = False) -> Reading:
        """Score the chosen texts: see :class:`ttclib.search.protocols.Reader`.

        Raises
        ------
        ValueError
            If the function does not return a number from 0 to 1 for each.
        """
        problems = [self.problems[texts.prompt[i]] for i in chosen]
        written = [self.vocabulary.decode(texts.tokens[i, : texts.lengths[i]]) for i in chosen]
        if self.scoring.batch:
            found = self.scoring.score(problems, written) if problems else []
        else:
            found = [self.scoring.score(*pair) for pair in zip(problems, written, strict=True)]
        scores = np.array(found, dtype=float)
        if scores.shape != (len(written),):
            raise ValueError(f"the verifier gave {scores.shape} scores for {len(written)} texts")
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError("the verifier's score of a text is not a number from 0 to 1")
        return Reading(scores, np.zeros((len(scores), 2)))


def as_verifier(verifier) -> Verifier:
    """Return a verifier; a plain function ``(problem, text) → score`` becomes one.

    Raises
    ------
    TypeError
        If it is neither.
    """
    made = not isinstance(verifier, type)  # a class has the methods, too
    if made and isinstance(verifier, Verifier):
        return verifier
    if made and callable(verifier):
        return Scoring(verifier)
    raise TypeError(
        f"verifier is a {type(verifier).__name__}; it must have start(lm, task, problems, length), "
        "or be a function (problem, text) → score from 0 to 1"
    )
