"""Every text up to a few tokens over a small vocabulary, and how a potential reads them."""

import functools
import itertools

import numpy as np

from ttclib.lm.vocabulary import Vocabulary

# tokens of several letters, one that is a whole word with its space, one without a text, the end
VOCABULARY = Vocabulary(["a", "b", "ab", "ba ", " ", "B", None, None], 7)
READABLE, HALF, END = range(6), 6, 7


@functools.cache
def texts(depth):
    """Every sequence of readable tokens, in an array for each length, and what it says."""
    found = []
    for n in range(depth + 1):
        tokens = np.array(list(itertools.product(READABLE, repeat=n)), dtype=int).reshape(6**n, n)
        found.append(
            (tokens, ["".join(VOCABULARY.texts[token] for token in row) for row in tokens])
        )
    return found


def read(potential, tokens):
    """State after each row of tokens, read one by one."""
    states = np.full(len(tokens), potential.start())
    for column in tokens.T:
        states = potential.advance(states, column)
    return states
