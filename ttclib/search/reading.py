"""Reading finished texts: what another verifier would have said of them, and what reading costs.

A search asks its verifier as it goes. Texts that are there already can be read by any number of
verifiers afterwards, step by step, with the same scores as if each had been asked on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import checked, truth_array
from ttclib.lm.protocols import LanguageModel, Task
from ttclib.lm.sequences import Sequences
from ttclib.search.protocols import Verifier
from ttclib.search.rollouts import step_ends


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
    verifier: Verifier, lm: LanguageModel, task: Task, problems: Sequence[str], texts: Sequences
) -> tuple[np.ndarray, Cost]:
    """Let a verifier read texts that are written already, step by step.

    Parameters
    ----------
    problems : sequence of str
        Those that the texts solve: ``texts.prompt`` counts in them.
    texts : Sequences
        Drawn with ``per_token=True``.

    Returns
    -------
    (scores, cost) : tuple of numpy.ndarray, shape (n, steps), and Cost
        The scores that a search under this verifier would have seen; NaN where a text has no such
        step.

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
    reader = verifier.start(lm, task, problems, longest + texts.tokens.shape[1])
    ends = stops(texts, lm.vocabulary.containing(task.step_end))
    scores = np.full(ends.shape, np.nan)
    cost = Cost()
    begun = np.zeros(len(texts), dtype=int)
    for step, end in enumerate(ends.T):
        grown = np.flatnonzero(end > begun)
        scores[grown, step], spent = reader.read(replace(texts, lengths=end, begun=begun), grown)
        begun = end
        cost += spent
    return scores, cost


def fresh(tokens: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Count the positions of each text that no earlier text shares: shape (n,).

    A reader that stops at ``ends`` (n, steps) reads each beginning once, as a trie holds it, so the
    first m texts cost the sum of the first m numbers.
    """
    known: set[bytes] = set()
    count = np.zeros(len(tokens), dtype=int)
    for i, (text, mine) in enumerate(zip(tokens, ends, strict=True)):
        begun = 0
        for end in mine[mine > 0]:
            beginning = text[:end].tobytes()
            if beginning not in known:
                known.add(beginning)
                count[i] += end - begun
            begun = end
    return count
