"""A stack of mixers as a language model of the course's loop: its cache is the mixers' state.

A text under way is a row of the state. So *copy the ancestors*, the step in which a particle filter
gathers rows of numbers, is that same gather here: the recurrent state is the particle. A state of
fixed size does not know how long its text is, and rows of different lengths lie side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ttclib.course.what_a_token_costs.mixers import State, gather
from ttclib.inputs import whole_number
from ttclib.lm.vocabulary import Vocabulary


def each(change: Callable[..., Tensor], *states: State) -> State:
    """Return a state whose tensors are ``change(mine, theirs, …)``, of states built alike."""
    if isinstance(states[0], Tensor):
        return change(*states)
    return tuple(each(change, *parts) for parts in zip(*states, strict=True))


class RecurrentLM:
    """What a decoder asks of a language model, of a model that has a step.

    Parameters
    ----------
    model : torch.nn.Module
        Such as a :class:`mixers.Stack`. ``model.step(tokens, state)`` takes tokens (rows,) and a
        state, or None to begin, to logits (rows, V) and the state after them.
    vocabulary : Vocabulary
        Of V tokens.
    context : int
        The most tokens of a prompt and its text together. A state of fixed size has no limit of
        its own.
    flops : tuple of float
        a, b: a token at a given context costs a + b · context operations.
    """

    def __init__(
        self,
        model: nn.Module,
        vocabulary: Vocabulary,
        context: int,
        flops: tuple[float, float] = (0, 0),
    ):
        self.model = model.eval()
        self.vocabulary = vocabulary
        self.context = whole_number("context", context)
        self.flops = flops

    def start(self, prompts: Sequence[Sequence[int]], length: int) -> StateSession:
        """Feed the prompts, a token at a time. A state needs no room for ``length`` tokens.

        Raises
        ------
        ValueError
            If a prompt is empty, or ``length`` is beyond the context.
        """
        if whole_number("length", length) > self.context:
            raise ValueError(f"length is {length}; the model's context holds {self.context} tokens")
        return StateSession(self, prompts)


class StateSession:
    """Texts under way, each a row of the state: see :class:`ttclib.lm.protocols.Session`.

    Attributes
    ----------
    state : tuple
        Of all rows: nested tuples of tensors whose first axis is the row.
    lengths : numpy.ndarray of int, shape (rows,)
        Tokens that each row has read.
    """

    def __init__(self, lm: RecurrentLM, prompts: Sequence[Sequence[int]]):
        self.lm = lm
        self.lengths = np.array([len(prompt) for prompt in prompts])
        if len(self.lengths) == 0 or self.lengths.min() == 0:
            raise ValueError("a prompt is empty; it must hold at least one token")
        parts = []
        self.log_probs = np.empty((len(prompts), len(lm.vocabulary)))
        alike = [np.flatnonzero(self.lengths == n) for n in np.unique(self.lengths)]
        for rows in alike:  # those of one length are read side by side
            state = None
            for tokens in np.array([prompts[row] for row in rows]).T:
                log_probs, state = self._step(tokens, state)
            self.log_probs[rows] = log_probs
            parts.append(state)
        self.rows = np.arange(len(prompts))
        self.state = gather(_joined(parts), np.argsort(np.concatenate(alike), kind="stable"))
        self._count(self.lengths, self.lengths * (self.lengths + 1) // 2)

    def feed(
        self, rows: np.ndarray, tokens: np.ndarray, keep: Sequence[int] | np.ndarray = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Extend copies of rows by a token each, and keep others: gather, then step.

        Raises
        ------
        ValueError
            If rows of different lengths have states of different sizes, as in attention.
        """
        m = len(rows)
        wanted = np.concatenate([rows, keep]).astype(int)
        if not np.array_equal(wanted, np.arange(len(self.lengths))):  # else nobody moves
            self.state = gather(self.state, wanted)
            self.lengths = self.lengths[wanted]
        waiting = each(lambda part: part[m:], self.state)
        self.log_probs, going = self._step(
            np.asarray(tokens), each(lambda part: part[:m], self.state)
        )
        self.state = _joined([going, waiting]) if len(wanted) > m else going
        self.lengths = self.lengths + (np.arange(len(wanted)) < m)
        self._count(np.ones(m, dtype=int), self.lengths[:m])
        return np.arange(m), np.arange(m, len(wanted))

    @torch.inference_mode()
    def _step(self, tokens, state):
        logits, state = self.lm.model.step(torch.from_numpy(tokens), state)
        return torch.log_softmax(logits, -1, dtype=torch.float64).numpy(), state

    def _count(self, positions, contexts) -> None:
        self.positions = int(positions.sum())
        self.flops = self.lm.flops[0] * positions + self.lm.flops[1] * contexts


def _joined(states: Sequence[State]) -> State:
    """Put the rows of several states into one."""
    try:
        return each(lambda *parts: torch.cat(parts), *states)
    except RuntimeError:
        raise ValueError(
            "rows of different lengths have states of different sizes here; a state that grows "
            "with its text needs rows of one length"
        ) from None
