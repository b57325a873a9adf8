"""Automata: constraints on letters, turned into tables over the tokens of any vocabulary.

:func:`lift` makes an :class:`Automaton` of a rule that reads letters. The automaton never walks
into a trap: a state from which no allowed text can be finished is dead from the start. Tokens
without a text, such as half an emoji, are forbidden.

Willard and Louf 2023, *Efficient guided generation for large language models*, for automata that
read tokens instead of letters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ttclib.inputs import checked, finite_array, float_array, short, whole_number
from ttclib.lm.vocabulary import Vocabulary

DEAD = -1  # the state of a prefix that no allowed text starts with
_LARGEST = 2**25  # entries of a table
_MOST_STATES = 2**12  # of an automaton that reads letters


@dataclass(frozen=True, eq=False)
class Automaton:
    """A deterministic finite automaton that reads tokens.

    Parameters
    ----------
    next : array of int, shape (S, V)
        ``next[s, v]`` is the state after token v in state s; −1 forbids the token.
    log_values, log_finals : array, shape (S,)
        Log ψ of a text that goes on, and log φ of a text that is finished (−inf: not allowed).
    first : int
        State of the empty text.

    Raises
    ------
    ValueError
        If shapes differ, a state does not exist, or a log ψ is not finite.
    """

    next: np.ndarray
    log_values: np.ndarray
    log_finals: np.ndarray
    first: int = 0
    _next: np.ndarray = field(init=False, repr=False)
    _values: np.ndarray = field(init=False, repr=False)
    _finals: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        try:
            table = np.asarray(self.next)
        except ValueError:  # rows of different lengths
            raise ValueError(f"next is {short(self.next)}; it must be a table (S, V)") from None
        if table.ndim != 2 or not table.size or table.dtype.kind not in "iu":
            raise ValueError(f"next has shape {table.shape}; it must be a table of states (S, V)")
        states = len(table)
        first = whole_number("first", self.first, 0)
        if table.min() < DEAD or table.max() >= states or first >= states:
            raise ValueError(
                f"next and first must hold states from 0 to {states - 1}, or −1 in next"
            )
        values = finite_array("log_values", self.log_values, shape=(states,))
        finals = float_array("log_finals", self.log_finals)
        if finals.shape != (states,) or not (finals < math.inf).all():
            raise ValueError(f"log_finals must hold {states} numbers or −inf")
        # Every state is looked up with one index and no question: the dead, whose number is −1,
        # find themselves in a last row that leads nowhere and is worth nothing.
        table = np.concatenate([table, np.full((1, table.shape[1]), DEAD)], dtype=np.int32)
        values = np.append(values, -math.inf)
        finals = np.append(finals, -math.inf)
        object.__setattr__(self, "first", first)
        for name, rows in (("next", table), ("log_values", values), ("log_finals", finals)):
            object.__setattr__(self, name, rows[:-1])  # frozen for everybody else
            object.__setattr__(self, "_" + name.removeprefix("log_"), rows)

    def __len__(self) -> int:
        return len(self.next)

    def start(self):
        return self.first

    def advance(self, states, tokens):
        return self._next[states, tokens]

    def log_value(self, states):
        return self._values[states]

    def log_final(self, states):
        return self._finals[states]

    def log_next(self, states, ends):
        # many particles are in few states: one row for each
        distinct, row = np.unique(states, return_inverse=True)
        after = self._next[distinct]
        gains = self._values[after]
        gains[:, ends] = self._finals[after[:, ends]]
        gains -= np.where(distinct == DEAD, 0.0, self._values[distinct])[:, None]
        return gains[row]


@checked
def lift(
    vocabulary: Vocabulary,
    first: Hashable,
    step: Callable[[Any, Any], Hashable],
    final: Callable[[Any], bool],
    value: Callable[[Any], float] = lambda state: 0.0,
    kind: Callable[[str], Hashable] = lambda letter: letter,
    what: str = "the constraint",
) -> Automaton:
    """Turn a constraint on letters into an automaton over tokens.

    Parameters
    ----------
    first : hashable
        State before the first letter. Anything but None.
    step : callable
        ``step(state, kind) → state`` after one more letter; None if no allowed text goes on so.
    final : callable
        ``final(state) → bool``: whether a text may end here.
    value : callable
        ``value(state) → float``: log ψ, a twist.
    kind : callable
        ``kind(letter)``: letters of the same kind are alike for ``step``. Fewer kinds are faster.
    what : str
        Name of the constraint, for the error.

    Raises
    ------
    ValueError
        If no text over this vocabulary satisfies the constraint, or its table were too large.
    """
    if first is None:
        raise ValueError("first is None; it must be something else: None is the dead state")
    letters, order, columns = vocabulary.spelling
    index: dict[Hashable, int] = {}
    kinds = np.array([index.setdefault(kind(letter), len(index)) for letter in letters], dtype=int)
    # A rule seldom tells letters apart, so it is asked once for each kind of letter, not for each
    # token. States that no text tells apart are merged before tokens are read, as the table of a
    # large vocabulary is what takes memory.
    states, table = _explore(first, step, list(index), what)
    log_values = np.array([value(state) for state in states], dtype=float)
    log_finals = np.array([0.0 if final(state) else -math.inf for state in states])
    merged, kept = _merge(table, np.column_stack([log_values, log_finals]))
    table = np.append(merged, DEAD)[table[kept]]  # the index −1 finds the dead again
    check_size(len(kept), len(vocabulary), what)

    # Read all tokens letter by letter from every state; tokens that begin alike are read together,
    # so the work is that of the different beginnings, as in a trie. Longest first: those that still
    # go on are then always the first ones, and a column of letters ends where they do.
    width = len(index)
    dead = len(kept)
    moves = np.append(np.where(table < 0, dead, table), np.full(width, dead)).astype(np.int32)
    lifted = np.full((dead, len(vocabulary)), dead, dtype=np.int32)
    after = np.arange(dead, dtype=np.int32)[:, None]
    beginning = np.zeros(len(order), dtype=int)
    for column, longer in zip(columns, [*map(len, columns[1:]), 0], strict=True):
        spelt = beginning[: len(column)] * width + kinds[column]
        beginnings, beginning = np.unique(spelt, return_inverse=True)
        after = moves[after[:, beginnings // width] * width + beginnings % width]
        lifted[:, order[longer : len(column)]] = after[:, beginning[longer:]]
    lifted[lifted == dead] = DEAD
    lifted[:, vocabulary.end] = np.arange(dead)
    return trim(Automaton(lifted, log_values[kept], log_finals[kept], int(merged[0])), what)


@checked
def trim(automaton: Automaton, what: str = "the constraint") -> Automaton:
    """Drop the states that are never reached, and those from which no text can be finished.

    A mask made from the result leaves a way out at every step, if the text may be long enough.

    Raises
    ------
    ValueError
        If nothing is left: no text satisfies ``what``.
    """
    states = len(automaton)
    moves = np.zeros((states, states + 1), dtype=bool)
    for state, after in enumerate(automaton.next):
        moves[state, after] = True  # −1 marks the last column
    moves = moves[:, :-1]
    useful = _closure(automaton.log_finals > -math.inf, moves.T)
    if not useful[automaton.first]:
        raise ValueError(f"no text over this vocabulary satisfies {what}")
    kept = _closure(np.arange(states) == automaton.first, moves & useful)
    if kept.all():
        return automaton
    number = np.full(states + 1, DEAD, dtype=np.int32)
    number[:-1][kept] = np.arange(np.count_nonzero(kept))
    return Automaton(
        number[automaton.next[kept]],
        automaton.log_values[kept],
        automaton.log_finals[kept],
        int(number[automaton.first]),
    )


def _explore(first, step, kinds, what) -> tuple[list, np.ndarray]:
    """Find all states, and the table (states, kinds) of where they lead; −1 is dead."""
    states = [first]
    number = {first: 0, None: DEAD}
    table = []
    for state in states:  # the list grows as we go
        if len(states) > _MOST_STATES:
            raise ValueError(f"{what} needs more than {_MOST_STATES} states; ask for less")
        after = [step(state, kind) for kind in kinds]
        for new in after:
            if number.setdefault(new, len(states)) == len(states):
                states.append(new)
        table.append([number[new] for new in after])
    return states, np.array(table, dtype=int).reshape(len(states), len(kinds))


def _merge(table: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge states that no text tells apart: Moore's partition refinement (1956).

    Returns the class of each state, and one state of each class.
    """
    classes = 0
    while True:
        _, kept, merged = np.unique(labels, axis=0, return_index=True, return_inverse=True)
        merged = merged.ravel()
        if len(kept) == classes:
            return merged, kept
        classes = len(kept)
        labels = np.column_stack([merged, np.append(merged, DEAD)[table]])


def _closure(start: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """All states that ``start`` (S,) reaches along ``moves`` (S, S)."""
    reached = start
    while True:
        wider = reached | moves[reached].any(axis=0)
        if (wider == reached).all():
            return reached
        reached = wider


def check_size(states: int, tokens: int, what: str) -> None:
    """Raise ``ValueError`` if a table of this size is too large to hold."""
    if states * tokens > _LARGEST:
        raise ValueError(
            f"{what} needs a table of {states} × {tokens}; at most {_LARGEST} entries fit"
        )
