"""Sequences: texts under way on a language model, as the particles of the loop.

A population of texts is arrays with a row for each text, so that *copy the ancestors* is a gather
of rows. What the texts of one run share, the model's cache and the random streams, they only point
to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from ttclib.lm.protocols import Session

NONE = -1  # no token: beyond the end of a text
PAID = ("lm_tokens", "lm_positions", "lm_flops", "verifier_positions", "verifier_flops")


@dataclass(frozen=True)
class Sequences:
    """n texts under way, each a continuation of its prompt. They can be indexed by ancestors.

    Attributes
    ----------
    tokens : numpy.ndarray of int, shape (n, room)
        Generated tokens, the end included; −1 beyond them. There is room for the longest at least.
    lengths : numpy.ndarray of int, shape (n,)
        How many were generated.
    begun : numpy.ndarray of int, shape (n,)
        How many there were when the last generation began.
    finished : numpy.ndarray of bool, shape (n,)
        Finished texts are absorbing: never extended, never weighed again.
    prompt : numpy.ndarray of int, shape (n,)
        Which prompt each text continues.
    log_probs : numpy.ndarray, shape (n,)
        Log probability of the generated tokens under the language model itself.
    log_p, log_q : numpy.ndarray, shape (n,)
        Of the tokens that the last generation added: under p, the model after its sampler, and
        under q, what they were drawn from. Sums over the whole text would cancel to rounding
        errors.
    per_token : numpy.ndarray, shape (n, room, 2)
        For each generated token its log probability under the language model, and the entropy
        (nats) of the distribution it was drawn from. Only if the decoder was asked for it, else (n,
        0, 2).
    paid : numpy.ndarray, shape (n, 5)
        What the last generation spent on each text: the fields :data:`PAID` of a cost. What texts
        have in common is paid by the first of them, so where nobody is selected, the first m texts
        paid what m texts alone would have.
    states : numpy.ndarray of int, shape (n, 1 + potentials)
        How far each text is towards a stop string, and the state of each potential.
    rows : numpy.ndarray of int, shape (n,)
        The row of each text in the session.
    run : Run
        What all texts of a run share.
    version : int
        How often the run had been extended when these texts were: the cache belongs to the last.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    begun: np.ndarray
    finished: np.ndarray
    prompt: np.ndarray
    log_probs: np.ndarray
    log_p: np.ndarray
    log_q: np.ndarray
    per_token: np.ndarray
    paid: np.ndarray
    states: np.ndarray
    rows: np.ndarray
    run: Run
    version: int

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, ancestors) -> Self:
        ancestors = np.atleast_1d(np.arange(len(self))[ancestors])
        return self.each(lambda array: array[ancestors])

    def each(self, change: Callable[..., np.ndarray], *others: Sequences, **values: Any) -> Self:
        """Return texts whose arrays are ``change(mine, theirs, …)``; ``values`` replace other
        fields.

        The arrays are every field that has a row for each text.
        """
        names = [
            one.name for one in fields(self) if isinstance(getattr(self, one.name), np.ndarray)
        ]
        texts = (self, *others)
        arrays = {name: change(*(getattr(text, name) for text in texts)) for name in names}
        return replace(self, **arrays | values)

    def widened(self, most: int) -> Self:
        """Return texts with twice the room for tokens, ``most`` at most."""
        room = self.tokens.shape[1]
        more = (0, min(2 * room, most) - room)
        tokens = np.pad(self.tokens, ((0, 0), more), constant_values=NONE)
        noted = more if self.per_token.shape[1] else (0, 0)
        per_token = np.pad(self.per_token, ((0, 0), noted, (0, 0)))
        return replace(self, tokens=tokens, per_token=per_token)

    @property
    def last(self) -> np.ndarray:
        """Last token of each text, shape (n,); −1 where there is none yet."""
        there = self.lengths > 0
        return np.where(there, self.tokens[np.arange(len(self)), self.lengths - 1], NONE)


class Run:
    """What the sequences of one run share: the model's session, and a random stream for
    each slot.

    A stream belongs to a place in the population, not to a text: so a larger population begins with
    the texts of a smaller one, and two copies of a text part.
    """

    # numbers taken from a stream at a time: asking a generator takes longer than the numbers
    AHEAD = 32

    def __init__(self, session: Session):
        self.session = session
        self.version = 0
        self.streams: list[np.random.Generator] = []
        self._drawn = np.empty((0, self.AHEAD))
        self._used = np.empty(0, dtype=int)

    def __len__(self) -> int:
        return len(self.streams)

    def extend(self, version: int, n: int, rng: np.random.Generator) -> int:
        """Begin to extend n texts of the last version; return the version they will be.

        Raises
        ------
        ValueError
            If the texts were extended before.
        """
        # The cache holds one state of each row. To extend an older population would read what the
        # younger one has written over it, and nobody would notice.
        if version != self.version:
            raise ValueError(
                "these texts were extended before; their cache now belongs to the later ones"
            )
        self.version += 1
        # One stream for each slot: a larger population draws what a smaller one drew, and more.
        self.open(rng.spawn(max(0, n - len(self))))
        return self.version

    def open(self, streams: list[np.random.Generator]) -> None:
        """Add slots."""
        self.streams += streams
        self._drawn = np.concatenate([self._drawn, np.empty((len(streams), self.AHEAD))])
        self._used = np.concatenate([self._used, np.full(len(streams), self.AHEAD)])

    def random(self, slots: np.ndarray) -> np.ndarray:
        """Return the next number of each slot, in [0, 1)."""
        for slot in slots[self._used[slots] == self.AHEAD]:
            self._drawn[slot] = self.streams[slot].random(self.AHEAD)
            self._used[slot] = 0
        drawn = self._drawn[slots, self._used[slots]]
        self._used[slots] += 1
        return drawn
