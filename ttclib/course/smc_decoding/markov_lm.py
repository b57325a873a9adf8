"""A language model small enough to see through: the next word depends on the last one only.

It has the interface of the decoder's large models, so the same search runs on it, and few enough
texts that all of them can be listed (:mod:`ttclib.course.smc_decoding.exact`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ttclib.inputs import finite_array
from ttclib.lm.vocabulary import Vocabulary

END = "."  # how a table of words names the end of a sentence


@dataclass(frozen=True, eq=False)
class MarkovLM:
    """A language model given by its tables.

    Parameters
    ----------
    vocabulary : Vocabulary
        V tokens.
    initial : array_like, shape (V,)
        Probabilities of the first token.
    transition : array_like, shape (V, V)
        ``transition[u, v]`` is the probability of v after u. The row of the end token is not used.
    context : int
        Longest text that the decoder may ask for; the table itself has no limit.

    Raises
    ------
    ValueError
        If a row is not a probability vector or shapes differ.
    """

    vocabulary: Vocabulary
    initial: np.ndarray
    transition: np.ndarray
    context: int = 64

    def __post_init__(self):
        size = len(self.vocabulary)
        for name, shape in {"initial": (size,), "transition": (size, size)}.items():
            rows = finite_array(name, getattr(self, name), shape=shape)
            if (rows < 0).any() or not np.allclose(rows.sum(axis=-1), 1.0, rtol=0.0):
                raise ValueError(
                    f"{name} must hold probabilities: not negative, each row summing to 1"
                )
            object.__setattr__(self, name, rows)

    @classmethod
    def of(cls, table: Mapping[str, Mapping[str, float]]) -> MarkovLM:
        """Build a model from words: ``{"": {"the": 1.0}, "the": {"horse": 0.6, …}, …}``.

        The empty word stands for the beginning, and ``"."`` for the end.

        Raises
        ------
        ValueError
            If a word that may follow has no row of its own, or a row does not sum to one.
        """
        words = [word for word in table if word]
        number = {word: i for i, word in enumerate([*words, END])}
        rows = np.zeros((len(words) + 2, len(words) + 1))
        rows[-2, -1] = 1.0  # after the end nothing follows but the end
        for i, word in [*enumerate(words), (-1, "")]:
            for following, probability in table.get(word, {}).items():
                if following not in number:
                    raise ValueError(f"{following!r} follows {word!r} but has no row in the table")
                rows[i, number[following]] = probability
        return cls(Vocabulary.words(words), rows[-1], rows[:-1])

    def distribution(self, prefix: Sequence[int]) -> np.ndarray:
        """Probabilities of the next token, shape (V,)."""
        return self.transition[prefix[-1]] if len(prefix) else self.initial

    def start(self, prompts: Sequence[Sequence[int]], length: int = 0) -> Session:
        """Begin a row for each prompt, which may be empty. A table needs no room: no ``length``."""
        return Session(self, prompts)


class Session:
    """Rows of texts that grow a token at a time.

    Attributes
    ----------
    rows : numpy.ndarray of int, shape (prompts,)
        Row of each prompt.
    log_probs : numpy.ndarray, shape (rows, V)
        Log probabilities of the next token of each row.
    positions : int
        How many positions the last call fed.
    flops : int
        What they cost; a table only looks up.
    """

    def __init__(self, lm: MarkovLM, prompts: Sequence[Sequence[int]]):
        with np.errstate(divide="ignore"):
            self._table = np.log(np.vstack([lm.transition, lm.initial]))
        # the last row of the table, −1, is the distribution of an empty text
        self._last = np.array([prompt[-1] if len(prompt) else -1 for prompt in prompts], dtype=int)
        self.rows, self.positions, self.flops = np.arange(len(prompts)), sum(map(len, prompts)), 0

    @property
    def log_probs(self) -> np.ndarray:
        """Log probabilities of the next token, shape (rows, V)."""
        return self._table[self._last]

    def feed(self, rows, tokens, keep=()) -> tuple[np.ndarray, np.ndarray]:
        """Extend copies of ``rows`` by one token each, keep the rows in ``keep``, forget all
        others.

        Parameters
        ----------
        rows, tokens : array of int, shape (m,)
            A row may occur several times: it forks.
        keep : array of int, shape (k,)

        Returns
        -------
        (array of int, array of int), shapes (m,) and (k,)
            Where the extended and the kept rows are now.
        """
        rows, tokens, keep = (np.asarray(a, dtype=int) for a in (rows, tokens, keep))
        if len(tokens) != len(rows):
            raise ValueError(
                f"there are {len(rows)} rows and {len(tokens)} tokens; each row needs one"
            )
        known = np.arange(len(self._last))
        if not np.isin(np.append(rows, keep), known).all():
            raise ValueError(f"there are only rows 0 to {len(known) - 1}; the others are forgotten")
        self._last = np.concatenate([tokens, self._last[keep]])
        self.positions = len(tokens)
        return np.arange(len(tokens)), len(tokens) + np.arange(len(keep))


def garden_path() -> MarkovLM:
    """Return a model that leads up the garden path whoever looks at one word at a time.

    Ask for a sentence with *barn* and *fell*. A mask lets "the horse raced past a barn" go by, as
    the words may still come, and then finds that *fell* hardly ever follows a barn. After "The
    horse raced past the barn fell", Bever 1970, *The cognitive basis for linguistic structures*.
    """
    return MarkovLM.of(
        {
            "": {"the": 0.8, "a": 0.2},
            "the": {"horse": 0.9, "barn": 0.1},
            "a": {"horse": 0.1, "barn": 0.9},
            "horse": {"raced": 0.85, "fell": 0.05, END: 0.1},
            "raced": {"past": 0.7, END: 0.3},
            "past": {"the": 0.1, "a": 0.9},
            "barn": {"fell": 0.0005, END: 0.9995},
            "fell": {"past": 0.2, END: 0.8},
        }
    )
