"""Potentials: what we ask of a text beyond the language model's own taste.

A potential is a factor of the target p_LM(x) · Π φ(x): 1 or 0 for a constraint, anything positive
for a preference. On the way to a finished text the sampler may use another value ψ(prefix), a
**twist**: it says how promising a prefix is, moves the particles, and leaves the target alone.

Lew, Zhi-Xuan, Grand and Mansinghka 2023, *Sequential Monte Carlo steering of large language models
using probabilistic programs*, for constraints as potentials; Loula et al. 2025, *Syntactic and
semantic control of large language models via sequential Monte Carlo*, for products of them; Zhao,
Brekelmans, Makhzani and Grosse 2024, *Probabilistic inference in language models via twisted
sequential Monte Carlo*, for twists; Willard and Louf 2023, *Efficient guided generation for large
language models*, for automata that read tokens instead of letters.

Constraints here are about letters. :func:`lift` turns one into an :class:`Automaton` over the
tokens of any vocabulary. It never walks into a trap: a state from which no allowed text can be
finished is dead from the start. Tokens without a text, such as half an emoji, are forbidden.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ttclib.inputs import finite_array, real_number, whole_number
from ttclib.lm.vocabulary import Vocabulary

DEAD = -1  # the state of a prefix that no allowed text starts with
_LARGEST = 2**25  # entries of a table


class Potential(Protocol):
    """What a decoder asks of a potential. A particle carries one small whole number: its state."""

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

    def __post_init__(self):
        table = np.asarray(self.next)
        if table.ndim != 2 or not table.size or table.dtype.kind not in "iu":
            raise ValueError(f"next has shape {table.shape}; it must be a table of states (S, V)")
        states = len(table)
        if table.min() < DEAD or table.max() >= states or not 0 <= self.first < states:
            raise ValueError(
                f"next and first must hold states from 0 to {states - 1}, or −1 in next"
            )
        values = finite_array("log_values", self.log_values, shape=(states,))
        finals = np.asarray(self.log_finals, dtype=float)
        if finals.shape != (states,) or not (finals < math.inf).all():
            raise ValueError(f"log_finals must hold {states} numbers or −inf")
        # The dead get the last row, where the index −1 finds them.
        table = np.concatenate([table, np.full((1, table.shape[1]), DEAD)], dtype=np.int32)
        values, finals = np.append(values, -math.inf), np.append(finals, -math.inf)
        padded = {"_next": table, "_values": values, "_finals": finals}
        self.__dict__.update(
            padded, next=table[:-1], log_values=values[:-1], log_finals=finals[:-1]
        )

    def __len__(self) -> int:
        return len(self.next)

    def start(self):  # noqa: D102
        return self.first

    def advance(self, states, tokens):  # noqa: D102
        return self._next[states, tokens]

    def log_value(self, states):  # noqa: D102
        return self._values[states]

    def log_final(self, states):  # noqa: D102
        return self._finals[states]

    def log_next(self, states, ends):  # noqa: D102
        # many particles are in few states: one row for each
        distinct, row = np.unique(states, return_inverse=True)
        after = self._next[distinct]
        gains = self._values[after]
        gains[:, ends] = self._finals[after[:, ends]]
        gains -= np.where(distinct == DEAD, 0.0, self._values[distinct])[:, None]
        return gains[row]


@dataclass(frozen=True, eq=False)
class Tally:
    """A weighted feature: log φ(x) = weight · Σ counts of its tokens. The state is the sum so far.

    It counts in the prefix as it does in the finished text, so it needs no twist.

    Parameters
    ----------
    counts : array of int, shape (V,)
        What each token adds; 0 for the end token.
    weight : float
        Nats for each: below 0 for fewer of them, above 0 for more.
    """

    counts: np.ndarray
    weight: float

    def start(self):  # noqa: D102
        return 0

    def advance(self, states, tokens):  # noqa: D102
        return states + self.counts[tokens]

    def log_value(self, states):  # noqa: D102
        return self.weight * states

    def log_final(self, states):  # noqa: D102
        return self.weight * states

    def log_next(self, states, ends):  # noqa: D102
        return np.tile(self.weight * self.counts, (len(states), 1))


@dataclass(frozen=True)
class Feature:
    """Any function of a text as a potential: it may weigh a proposal, but not guide it.

    Both functions map ``tokens`` (n, T) and ``lengths`` (n,) to log values (n,). Row i holds the
    generated tokens ``tokens[i, :lengths[i]]``, the end token included if there is one.

    Parameters
    ----------
    prefix : callable, optional
        Log ψ of a text that goes on; 0 by default. With ``complete`` left out this is a pure
        twist: it changes how well the target is sampled, not the target.
    complete : callable, optional
        Log φ of a finished text; 0 by default.
    """

    prefix: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    complete: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None

    def log_value(self, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Log ψ, shape (n,), of texts that go on."""
        return (
            np.zeros(len(tokens))
            if self.prefix is None
            else np.asarray(self.prefix(tokens, lengths))
        )

    def log_final(self, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Log φ, shape (n,), of finished texts."""
        return (
            np.zeros(len(tokens))
            if self.complete is None
            else np.asarray(self.complete(tokens, lengths))
        )


# ---- from letters to tokens --------------------------------------------------------------------


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
    letters, order, columns = vocabulary.spelling
    index: dict[Hashable, int] = {}
    kinds = np.array([index.setdefault(kind(letter), len(index)) for letter in letters], dtype=int)
    states, table = _explore(first, step, list(index))
    log_values = np.array([value(state) for state in states], dtype=float)
    log_finals = np.array([0.0 if final(state) else -math.inf for state in states])
    merged, kept = _merge(table, np.column_stack([log_values, log_finals]))
    table = np.append(merged, DEAD)[table[kept]]  # the index −1 finds the dead again
    _check_size(len(kept), len(vocabulary), what)

    # Read all tokens letter by letter from every state; tokens that begin alike are read together.
    width, dead = len(index), len(kept)
    moves = np.append(np.where(table < 0, dead, table), np.full(width, dead)).astype(np.int32)
    lifted = np.full((dead, len(vocabulary)), dead, dtype=np.int32)
    after, beginning = np.arange(dead, dtype=np.int32)[:, None], np.zeros(len(order), dtype=int)
    for column, longer in zip(columns, [*map(len, columns[1:]), 0], strict=True):
        spelt = beginning[: len(column)] * width + kinds[column]
        beginnings, beginning = np.unique(spelt, return_inverse=True)
        after = moves[after[:, beginnings // width] * width + beginnings % width]
        lifted[:, order[longer : len(column)]] = after[:, beginning[longer:]]
    lifted[lifted == dead] = DEAD
    lifted[:, vocabulary.end] = np.arange(dead)
    return trim(Automaton(lifted, log_values[kept], log_finals[kept], int(merged[0])), what)


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


def both(a: Automaton, b: Automaton) -> Automaton:
    """Return the product φ_a · φ_b as one automaton, whose states are pairs of states.

    A list of two automata has the same target. But each mask looks after its own constraint only,
    and a prefix that both allow may have no ending that both allow. Here it is dead.

    Raises
    ------
    ValueError
        If no text satisfies both, the vocabularies differ, or the table were too large.
    """
    if a.next.shape[1] != b.next.shape[1]:
        sizes = a.next.shape[1], b.next.shape[1]
        raise ValueError(f"a reads {sizes[0]} tokens and b {sizes[1]}; they must read the same")
    _check_size(len(a) * len(b), 1, "the product")
    width, rows = len(b), []
    seen = np.zeros(len(a) * width + 1, dtype=bool)  # pair (i, j) has the code i · width + j
    codes = np.array([a.first * width + b.first])
    pairs = codes
    while len(codes):
        seen[codes] = True
        _check_size(len(pairs), a.next.shape[1], "both constraints")
        to_a, to_b = a.next[codes // width], b.next[codes % width]
        rows.append(np.where((to_a < 0) | (to_b < 0), DEAD, to_a * width + to_b))
        found = np.zeros_like(seen)
        found[rows[-1]] = True  # −1 marks the last entry, which is no pair
        codes = np.flatnonzero((found & ~seen)[:-1])
        pairs = np.concatenate([pairs, codes])
    number = np.full(len(seen), DEAD, dtype=np.int32)
    number[pairs] = np.arange(len(pairs))
    i, j = np.divmod(pairs, width)
    log_values, log_finals = a.log_values[i] + b.log_values[j], a.log_finals[i] + b.log_finals[j]
    return trim(
        Automaton(number[np.concatenate(rows)], log_values, log_finals), "both constraints together"
    )


def _explore(first, step, kinds) -> tuple[list, np.ndarray]:
    """Find all states, and the table (states, kinds) of where they lead; −1 is dead."""
    states, number, table = [first], {first: 0, None: DEAD}, []
    for state in states:  # the list grows as we go
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


def _check_size(states: int, tokens: int, what: str) -> None:
    if states * tokens > _LARGEST:
        raise ValueError(
            f"{what} needs a table of {states} × {tokens}; at most {_LARGEST} entries fit"
        )


# ---- constraints -------------------------------------------------------------------------------


def regex(pattern: str, vocabulary: Vocabulary) -> Automaton:
    r"""Allow the texts that match a regular expression from their first letter to their last.

    The package ``greenery`` builds the automaton over letters. ``.`` is any letter, also a newline;
    ``\w``, ``\d`` and ``\s`` mean ASCII. Anchors, look-around and back-references are refused.

    Raises
    ------
    ValueError
        If the pattern cannot be read, or no text over the vocabulary matches it.
    """
    from greenery import parse

    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    outside_classes = re.sub(r"\\.|\[(\\.|[^]\\])*\]", "", pattern, flags=re.DOTALL)
    if re.search(r"[$^]", outside_classes):
        raise ValueError(
            f"{pattern!r} has an anchor; leave it out, the whole text must match anyway"
        )
    try:
        machine = parse(pattern).to_fsm()
    except Exception:  # the parser raises whatever it stumbles over
        raise ValueError(
            f"{pattern!r} holds what no automaton reads; use letters, classes, groups, |, * + ? and {{m,n}}"
        ) from None
    return lift(
        vocabulary,
        machine.initial,
        lambda state, kind: machine.map[state][kind],
        machine.finals.__contains__,
        kind=lambda letter: next(kind for kind in machine.alphabet if kind.accepts(letter)),
        what=f"the regular expression {pattern!r}",
    )


def without(letters: str, vocabulary: Vocabulary) -> Automaton:
    """Forbid letters, as capitals too. A text without them is a lipogram.

    Raises
    ------
    ValueError
        If no letter is given.
    """
    if not letters:
        raise ValueError("letters is empty; name at least one letter to do without")
    forbidden = set(letters.lower() + letters.upper())
    return lift(
        vocabulary,
        "fine",
        lambda state, bad: None if bad else state,
        lambda state: True,
        kind=forbidden.__contains__,
    )


def words_at_most(letters: int, vocabulary: Vocabulary) -> Automaton:
    """Allow words of at most so many letters. Whatever is no letter ends a word.

    Raises
    ------
    ValueError
        If ``letters`` is not a whole number of at least 1.
    """
    longest = whole_number("letters", letters)

    def step(length, is_letter):
        if not is_letter:
            return 0
        return length + 1 if length < longest else None

    return lift(vocabulary, 0, step, lambda length: True, kind=str.isalpha)


def only_words(words: Iterable[str], vocabulary: Vocabulary, ignore_case: bool = True) -> Automaton:
    """Allow texts in which every word is one of the given ones; whatever is no letter may stand
    between.

    Raises
    ------
    ValueError
        If a word is empty or holds anything but letters, or the vocabulary cannot write them.
    """
    words, fold = _words(words, ignore_case)
    beginnings = {word[:i] for word in words for i in range(len(word) + 1)}

    def step(word, letter):
        if letter == " ":
            return "" if final(word) else None
        return word + letter if word + letter in beginnings else None

    def final(word):
        return word in words or not word

    what = f"only the words {', '.join(sorted(words))}"
    return lift(vocabulary, "", step, final, kind=_letter_kind(words, fold), what=what)


def mentions(
    words: Iterable[str], vocabulary: Vocabulary, bonus: float = 0.0, ignore_case: bool = True
) -> Automaton:
    """Demand that a finished text holds each of the words, as a whole word.

    Parameters
    ----------
    bonus : float
        A twist: log ψ = bonus · number of the words that the text would mention if it ended here.
        The target stays the same.
    ignore_case : bool
        Whether ``The`` mentions ``the``.

    Raises
    ------
    ValueError
        If a word is empty or holds anything but letters, or the vocabulary cannot write it.
    """
    bonus = real_number("bonus", bonus)
    words, fold = _words(words, ignore_case)
    beginnings = {word[:i] for word in words for i in range(len(word) + 1)}

    def step(state, letter):
        done, word = state  # words behind us; the word we are in, None if it can be none of ours
        if letter == " ":
            return done | ({word} & words), ""
        return done, word + letter if word is not None and word + letter in beginnings else None

    def mentioned(state):
        done, word = state
        return len(done | ({word} & words))

    return lift(
        vocabulary,
        (frozenset(), ""),
        step,
        lambda state: mentioned(state) == len(words),
        lambda state: bonus * mentioned(state),
        _letter_kind(words, fold),
        f"the mention of {', '.join(sorted(words))}",
    )


def length(at_least: int, at_most: int, vocabulary: Vocabulary) -> Automaton:
    """Demand a number of tokens, the end token not counted.

    Raises
    ------
    ValueError
        If the bounds are not whole numbers from 0 up, or cross.
    """
    at_least = whole_number("at_least", at_least, 0)
    states = whole_number("at_most", at_most, at_least) + 1
    _check_size(states, len(vocabulary), "the length")
    table = np.repeat(np.append(np.arange(1, states), DEAD)[:, None], len(vocabulary), axis=1)
    table[:, vocabulary.end] = np.arange(states)
    log_finals = np.where(np.arange(states) >= at_least, 0.0, -math.inf)
    return trim(
        Automaton(table, np.zeros(states), log_finals), f"a length of {at_least} to {at_most}"
    )


def answer_is(value: int, vocabulary: Vocabulary) -> Automaton:
    """Condition a solution of the arithmetic task on its result: it ends with ``#value``.

    Raises
    ------
    ValueError
        If ``value`` is not a whole number from 0 up.
    """
    return regex(f"[^#]*#{whole_number('value', value, 0)}", vocabulary)


def prefer(letters: str, weight: float, vocabulary: Vocabulary) -> Tally:
    """Weigh a text by its letters: each of them, as a capital too, adds ``weight`` nats to log φ.

    Below zero it is a soft :func:`without`: each letter costs.

    Raises
    ------
    ValueError
        If no letter is given, or ``weight`` is not a finite number.
    """
    if not letters:
        raise ValueError("letters is empty; name at least one letter")
    wanted = set(letters.lower() + letters.upper())
    counts = [sum(letter in wanted for letter in text or "") for text in vocabulary.texts]
    return Tally(np.array(counts), real_number("weight", weight))


def _words(words: Iterable[str], ignore_case: bool) -> tuple[frozenset[str], Callable[[str], str]]:
    fold = str.lower if ignore_case else str
    words = [words] if isinstance(words, str) else list(words)
    for word in words:
        if not word.isalpha():
            raise ValueError(f"{word!r} is not a word; a word is made of letters only")
    if not words:
        raise ValueError("words is empty; name at least one word")
    return frozenset(map(fold, words)), fold


def _letter_kind(words: frozenset[str], fold: Callable[[str], str]) -> Callable[[str], str]:
    """Tell the letters of the words apart; other letters are '?', and what is no letter is a space."""
    known = set().union(*words)
    return lambda c: " " if not c.isalpha() else fold(c) if fold(c) in known else "?"
