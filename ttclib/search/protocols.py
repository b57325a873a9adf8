"""The seams of search: what a verifier must offer.

Whoever only has a function of a problem and a text needs none of this: see
:class:`ttclib.search.verifier.Scoring`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from ttclib.cost import Cost
from ttclib.lm.protocols import LanguageModel, Task
from ttclib.lm.sequences import Sequences


class Reading(NamedTuple):
    """What reading some texts gave.

    Attributes
    ----------
    scores : numpy.ndarray, shape (m,)
        P(the solution ends right | the text so far), from 0 to 1.
    paid : numpy.ndarray, shape (m, 2)
        Positions and FLOPs of each; what texts have in common is paid by the first of them.
    """

    scores: np.ndarray
    paid: np.ndarray

    @property
    def cost(self) -> Cost:
        """Of all together."""
        positions, flops = self.paid.sum(axis=0)
        return Cost(verifier_positions=int(positions), verifier_flops=float(flops))


class Reader(Protocol):
    """A verifier at work on the texts of one run: it reads each step once, as it comes."""

    def read(self, texts: Sequences, chosen: np.ndarray, keep: bool = False) -> Reading:
        """Score the chosen texts, (m,) indices, as they stand.

        Text i has grown from ``texts.begun[i]`` to ``texts.lengths[i]`` tokens since its score
        before. ``keep``: these texts are only a look ahead, and the next call goes on from the
        earlier ones.
        """


@runtime_checkable
class Verifier(Protocol):
    """Says how likely a solution is to end right."""

    def start(self, lm: LanguageModel, task: Task, problems: Sequence[str], length: int) -> Reader:
        """Read the problems of a run on ``lm``, with at most ``length`` tokens, prompt included."""
