"""A doubt as a potential: a text that casting out nines finds wrong counts less."""

from __future__ import annotations

import functools

import numpy as np

from ttclib.inputs import checked, positive
from ttclib.lm.nines import failures
from ttclib.lm.potentials import Feature
from ttclib.lm.vocabulary import Vocabulary


@checked
def doubt(vocabulary: Vocabulary, penalty: float = 4.0) -> Feature:
    """Return a potential that multiplies by e^−penalty for each failure, as soon as it shows.

    Raises
    ------
    ValueError
        If ``penalty`` is not above zero.
    """
    penalty = positive("penalty", penalty)

    def log_value(complete, tokens, lengths):
        texts = [vocabulary.decode(row[:k]) for row, k in zip(tokens, lengths, strict=True)]
        return -penalty * np.array([failures(text, complete) for text in texts], dtype=float)

    return Feature(functools.partial(log_value, False), functools.partial(log_value, True))
