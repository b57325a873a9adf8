"""Three tasks that ask what a model still knows of a text: copying, selective copying, recall.

Each is a way to draw texts of tokens, places at which something is asked, and the answers. There
is nothing to learn by heart: every text is new, so whoever answers must have read it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ttclib.inputs import checked, whole_number

LETTERS = 16  # tokens 0 to 15: what has to be kept
KEYS = 16  # of recall, tokens 16 to 31
BLANK = 16  # of selective copying; of copying the sign that says: now you
MARKED = 4  # letters among the blanks of selective copying
ASKED = 8  # pairs that recall asks for, in each text
VOCABULARY = LETTERS + KEYS


class Texts(NamedTuple):
    """Texts of one length, what is asked, and what is right.

    Attributes
    ----------
    tokens : torch.Tensor of int, shape (batch, length)
    asked : torch.Tensor of int, shape (k,)
        Places: the score after this token is the answer.
    answers : torch.Tensor of int, shape (batch, k)
        Letters.
    """

    tokens: Tensor
    asked: Tensor
    answers: Tensor


Draw = Callable[[int, int, np.random.Generator], Texts]


def _texts(tokens: np.ndarray, k: int, answers: np.ndarray) -> Texts:
    """Texts whose last ``k`` tokens ask."""
    asked = torch.arange(tokens.shape[1] - k, tokens.shape[1])
    return Texts(torch.from_numpy(tokens), asked, torch.from_numpy(answers))


@checked
def copying(letters: int, batch: int, rng: np.random.Generator) -> Texts:
    """Say the text again: letters, a sign, and then each letter is asked after the one before it.

    So a text of n letters has 2n tokens. Half of the work is to know where one is.
    """
    letters = whole_number("letters", letters)
    said = rng.integers(LETTERS, size=(whole_number("batch", batch), letters))
    sign = np.full((len(said), 1), BLANK)
    return _texts(np.concatenate([said, sign, said[:, :-1]], axis=1), letters, said)


@checked
def selective_copying(length: int, batch: int, rng: np.random.Generator) -> Texts:
    """Say the four letters among the blanks, in order: tokens ask for the first, the second, ….

    After Gu and Dao 2023, section 3.1. Where the letters stand differs from text to text. Our last
    four tokens say which letter is asked.

    Parameters
    ----------
    length : int
        Of the part with letters and blanks.
    """
    length = whole_number("length", length, MARKED)
    batch = whole_number("batch", batch)
    letters = rng.integers(LETTERS, size=(batch, MARKED))
    places = np.sort(rng.random((batch, length)).argsort(axis=1, kind="stable")[:, :MARKED], axis=1)
    tokens = np.full((batch, length + MARKED), BLANK)
    np.put_along_axis(tokens, places, letters, axis=1)
    tokens[:, length:] = BLANK + 1 + np.arange(MARKED)
    return _texts(tokens, MARKED, letters)


@checked
def recall(pairs: int, batch: int, rng: np.random.Generator) -> Texts:
    """Say which letter followed a key: key, letter, key, letter, …, and then eight keys.

    No key comes twice among the pairs; the asked ones are drawn from them, and may repeat. Arora
    et al. 2023 (*Zoology*) call it multi-query associative recall.
    """
    pairs = whole_number("pairs", pairs, 1, KEYS)
    batch = whole_number("batch", batch)
    keys = LETTERS + rng.random((batch, KEYS)).argsort(axis=1, kind="stable")[:, :pairs]
    letters = rng.integers(LETTERS, size=(batch, pairs))
    asked = rng.integers(pairs, size=(batch, ASKED))
    told = np.stack([keys, letters], axis=2).reshape(batch, 2 * pairs)
    tokens = np.concatenate([told, np.take_along_axis(keys, asked, axis=1)], axis=1)
    return _texts(tokens, ASKED, np.take_along_axis(letters, asked, axis=1))


TASKS: dict[str, Draw] = {
    "copying": copying,
    "selective copying": selective_copying,
    "recall": recall,
}
