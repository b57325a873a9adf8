"""The seams of this half: what a language model, a task, a sampler and a potential must offer.

Anything with these methods will do; :mod:`ttclib.testing` checks that they keep their promises.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from ttclib.lm.vocabulary import Vocabulary


class Session(Protocol):
    """Token sequences under way on one language model, in rows.

    Attributes
    ----------
    rows : numpy.ndarray of int, shape (prompts,)
        The row of each prompt.
    log_probs : numpy.ndarray, shape (rows, V)
        log p(next token | the row), in nats, for every row that the last call fed.
    positions : int
        Token positions that the last call fed.
    flops : numpy.ndarray or float
        What feeding each prompt, or each of ``rows``, cost: shape (m,), or one number for each.
    """

    rows: np.ndarray
    log_probs: np.ndarray
    positions: int
    flops: float

    def feed(
        self, rows: np.ndarray, tokens: np.ndarray, keep: Sequence[int] | np.ndarray = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Extend copies of ``rows`` (m,) by one token each, keep the rows in ``keep``, forget
        others.

        A row may come several times: it forks. Returns where the extended and the kept rows are
        now.
        """


@runtime_checkable
class LanguageModel(Protocol):
    """A distribution over texts, p(x) = Π p(token | those before it).

    Attributes
    ----------
    vocabulary : Vocabulary
        What each token says, and which one ends a text.
    context : int
        The most tokens of a prompt and its text together.
    """

    vocabulary: Vocabulary
    context: int

    def start(self, prompts: Sequence[Sequence[int]], length: int) -> Session:
        """Feed the prompts, with room for ``length`` tokens a row."""


class Sampler(Protocol):
    """Turns the model's distribution of the next token into the one that p of the target means.

    Log probabilities (rows, V) → log probabilities (rows, V); −inf for tokens that are cut off.
    """

    def __call__(self, log_probs: np.ndarray) -> np.ndarray:
        """Return log probabilities of the same shape, each row normalised."""


class Potential(Protocol):
    """A factor φ of the target p(x) · Π φ(x), and a twist ψ on the way to it.

    A text carries one small whole number for each potential: its state.
    """

    def start(self) -> int:
        """State of the empty text."""

    def advance(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """States (n,) after one more token each; the end token leaves a state as it is."""

    def log_value(self, states: np.ndarray) -> np.ndarray:
        """Log ψ, shape (n,), of texts that go on; −inf if dead."""

    def log_final(self, states: np.ndarray) -> np.ndarray:
        """Log φ, shape (n,), of texts that are finished."""

    def log_next(self, states: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Log (value after the token / ψ now), shape (n, V), for every next token.

        ``ends`` (V,) says which tokens finish the text: there the value is φ, else ψ. −inf forbids.
        """


class Task(Protocol):
    """Problems, and what counts as solving one.

    Attributes
    ----------
    step_end : str
        Letters that end a step of a solution.
    """

    step_end: str

    def prompt(self, problem: str) -> str:
        """What the language model is asked."""

    def answer(self, text: str) -> Hashable:
        """The answer in a solution; None if there is none."""

    def canonical(self, answer: Hashable) -> Hashable:
        """The form of an answer: two answers mean the same if their forms are equal; None stays."""

    def reference(self, problem: str) -> Hashable:
        """The right answer; None where the task can check an answer but does not know it.

        Raises ValueError if this is no problem of the task.
        """

    def right(self, problem: str, answer: Hashable) -> bool:
        """Whether an answer solves the problem."""

    def right_steps(self, problem: str, text: str) -> int | None:
        """How many steps are right before the first wrong one; None where the task cannot tell."""
