"""Reading finished texts: what another verifier would have said of them, and what reading costs.

A search asks its verifier as it goes. Texts that are there already can be read by any number of
verifiers afterwards, step by step, with the same scores as if each had been asked on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ttclib.cost import Cost
from ttclib.lm.decoding import Sequences
from ttclib.search.rollouts import step_ends


def stops(texts: Sequences, pauses: np.ndarray) -> np.ndarray:
    """Return how many tokens each text has when its first, second, … step ends: shape (n, steps).

    A text with fewer steps repeats its length. ``pauses`` (V,) says which tokens end a step.
    """
    is_end = step_ends(texts.tokens, texts.lengths, pauses)
    steps = is_end.sum(axis=1)
    places = np.argsort(~is_end, axis=1, kind="stable")[:, : steps.max()] + 1
    return np.where(np.arange(steps.max()) < steps[:, None], places, texts.lengths[:, None])


def rescore(
    verifier, lm, prompts: Sequence[str], texts: Sequences, until: str = ";"
) -> tuple[np.ndarray, Cost]:
    """Let a verifier read texts that are written already, step by step.

    Parameters
    ----------
    verifier : object
        See :mod:`ttclib.search.verifier`.
    prompts : sequence of str
        Those that the texts continue: ``texts.prompt`` counts in them.
    texts : Sequences
        Drawn with ``surprise=True``.
    until : str
        Letters that end a step.

    Returns
    -------
    (scores, cost) : tuple of numpy.ndarray, shape (n, steps), and Cost
        The scores that a search under this verifier would have seen; NaN where a text has no such
        step.

    Raises
    ------
    ValueError
        If the surprise was not noted, or the verifier reads another tokenizer.
    """
    if texts.surprise.shape[1] != texts.tokens.shape[1]:
        raise ValueError(
            "these texts do not hold the model's surprise; draw them with surprise=True"
        )
    encoded = [lm.vocabulary.encode(prompt) for prompt in prompts]
    reader = verifier.start(lm, encoded, max(map(len, encoded)) + texts.tokens.shape[1])
    ends = stops(texts, lm.vocabulary.containing(until))
    scores, cost, begun = np.full(ends.shape, np.nan), Cost(), np.zeros(len(texts), dtype=int)
    for step, end in enumerate(ends.T):
        grown = np.flatnonzero(end > begun)
        scores[grown, step], spent = reader.read(replace(texts, lengths=end, begun=begun), grown)
        begun, cost = end, cost + spent
    return scores, cost


def fresh(tokens: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Count the positions of each text that no earlier text shares: shape (n,).

    A reader that stops at ``ends`` (n, steps) reads each beginning once, as a trie holds it, so the
    first m texts cost the sum of the first m numbers.
    """
    known, count = set(), np.zeros(len(tokens), dtype=int)
    for i, (text, mine) in enumerate(zip(tokens, ends, strict=True)):
        begun = 0
        for end in mine[mine > 0]:
            beginning = text[:end].tobytes()
            if beginning not in known:
                known.add(beginning)
                count[i] += end - begun
            begun = end
    return count
