"""Reading finished texts: what another verifier would have said of them, and what reading costs.

A search asks its verifier as it goes. Texts that are there already can be read by any number of
verifiers afterwards, step by step, with the same scores as if each had been asked on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ttclib.inputs import checked, truth_array
from ttclib.lm.protocols import LanguageModel, Task
from ttclib.lm.sequences import Sequences
from ttclib.search.protocols import Reading, Verifier
from ttclib.search.rollouts import step_ends
from ttclib.search.scoring import Score, as_verifier


@checked
def stops(texts: Sequences, pauses: np.ndarray) -> np.ndarray:
    """Return how many tokens each text has when its first, second, … step ends: shape (n, steps).

    A text with fewer steps repeats its length. ``pauses`` (V,) says which tokens end a step.
    """
    least = int(texts.tokens.max()) + 1
    pauses = truth_array("pauses", pauses, ndim=1, least=least) > 0
    is_end = step_ends(texts.tokens, texts.lengths, pauses)
    steps = is_end.sum(axis=1)
    places = np.argsort(~is_end, axis=1, kind="stable")[:, : steps.max()] + 1
    return np.where(np.arange(steps.max()) < steps[:, None], places, texts.lengths[:, None])


@checked
def rescore(
    verifier: Verifier | Score | Any,
    lm: LanguageModel,
    task: Task,
    problems: Sequence[str],
    texts: Sequences,
) -> Reading:
    """Let a verifier read texts that are written already, step by step.

    Parameters
    ----------
    verifier : ttclib.search.protocols.Verifier, or callable
        A plain function ``(problem, text) → score`` is one too, and costs nothing.
    problems : sequence of str
        Those that the texts solve: ``texts.prompt`` counts in them.
    texts : Sequences
        Drawn with ``per_token=True``.

    Returns
    -------
    Reading
        Scores (n, steps) that a search under this verifier would have seen, NaN where a text has no
        such step; and what all steps of each text added to those of the texts before it.

    Raises
    ------
    ValueError
        If the tokens' probabilities were not noted, or the verifier reads another tokenizer.
    """
    if texts.per_token.shape[1] != texts.tokens.shape[1]:
        raise ValueError(
            "these texts do not hold their tokens' probabilities; draw them with per_token=True"
        )
    if not len(problems):
        raise ValueError("problems is empty; it must hold at least one")
    longest = max(len(lm.vocabulary.encode(task.prompt(problem))) for problem in problems)
    reader = as_verifier(verifier).start(lm, task, problems, longest + texts.tokens.shape[1])
    ends = stops(texts, lm.vocabulary.containing(task.step_end))
    scores = np.full(ends.shape, np.nan)
    paid = np.zeros((len(texts), 2))
    begun = np.zeros(len(texts), dtype=int)
    for step, end in enumerate(ends.T):
        grown = np.flatnonzero(end > begun)
        reading = reader.read(replace(texts, lengths=end, begun=begun), grown)
        scores[grown, step] = reading.scores
        paid[grown] += reading.paid
        begun = end
    return Reading(scores, paid)
