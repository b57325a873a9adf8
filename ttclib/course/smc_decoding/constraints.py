"""Constraints: automata for what people ask of a text, by its letters, its words or its length."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable
from re import _compiler, _parser  # type: ignore[attr-defined]  # what ``re`` itself reads with

import numpy as np

from ttclib.inputs import checked, real_number, short, whole_number
from ttclib.lm.automata import DEAD, Automaton, check_size, lift, trim
from ttclib.lm.vocabulary import Vocabulary


def regex(pattern: str, vocabulary: Vocabulary) -> Automaton:
    r"""Allow the texts that match a regular expression from their first letter to their last.

    Python's own parser reads it. ``.`` is any letter, also a newline; ``\w``, ``\d`` and ``\s``
    mean ASCII. What looks beyond the next letter is refused: anchors, look-around, back-references.

    Raises
    ------
    ValueError
        If the pattern cannot be read, or no text over the vocabulary matches it.
    """
    said = short(pattern)
    try:
        places = _Places(_parser.parse("" + pattern, re.ASCII | re.DOTALL), said)
    except RecursionError:
        raise ValueError(f"{said} has groups too deep inside each other") from None
    except (re.error, TypeError, OverflowError) as error:
        raise ValueError(f"{said} is not a regular expression: {error}") from None
    what = f"the regular expression {said}"
    return lift(vocabulary, places.first, places.step, places.final, kind=places.kind, what=what)


class _Places:
    """The places of a regular expression, from which a letter or nothing leads on to others.

    A text is at several places at once, and its state is the set of those that wait for a letter:
    Thompson 1968, *Regular expression search algorithm*.
    """

    END = 0
    MOST = 1_000
    NOT_REGULAR = {
        "AT": "an anchor or a word boundary (leave it out, the whole text must match anyway)",
        "ASSERT": "a look-around",
        "ASSERT_NOT": "a negative look-around",
        "GROUPREF": "a back-reference",
        "GROUPREF_EXISTS": "a conditional group",
        "ATOMIC_GROUP": "an atomic group",
        "POSSESSIVE_REPEAT": "a possessive repeat",
        "SUBPATTERN": "a flag within",
    }

    def __init__(self, tree, said: str):
        self.said = said
        self.state = tree.state
        self.tests: dict[tuple, re.Pattern] = {}  # of the different letters and classes
        # of each place the test that its letter must pass, None if it needs none, and its ways on
        self.test: list[re.Pattern | None] = [re.compile("(?!)")]
        self.ways: list[list[int]] = [[]]
        self.first = self._waiting([self._read(tree, self.END)])

    def kind(self, letter: str) -> frozenset:
        return frozenset(test for test in self.tests.values() if test.fullmatch(letter))

    def step(self, state: frozenset, kind: frozenset) -> frozenset | None:
        ways = [self.ways[place] for place in state if self.test[place] in kind]
        return self._waiting(itertools.chain(*ways)) or None

    def final(self, state: frozenset) -> bool:
        return self.END in state

    def _waiting(self, places: Iterable[int]) -> frozenset:
        """The places that wait for a letter, or for nothing more, once one is at these."""
        found: set[int] = set()
        todo = list(places)
        while todo:
            place = todo.pop()
            if place not in found:
                found.add(place)
                todo += [] if self.test[place] else self.ways[place]
        return frozenset(place for place in found if self.test[place])

    def _add(self, test: re.Pattern | None, *ways: int) -> int:
        if len(self.ways) > self.MOST:
            raise ValueError(f"{self.said} has more than {self.MOST} places, repeats written out")
        self.test.append(test)
        self.ways.append([*ways])
        return len(self.ways) - 1

    def _read(self, tree, after: int) -> int:
        """Add what is read before the place ``after``; return the place where it begins."""
        for op, value in reversed([*tree]):
            match op.name, value:
                case (("LITERAL" | "NOT_LITERAL" | "ANY" | "IN"), _):
                    one = _parser.SubPattern(self.state, [(op, value)])
                    test = self.tests.setdefault((op, repr(value)), _compiler.compile(one))
                    after = self._add(test, after)
                case "BRANCH", (_, trees):
                    after = self._add(None, *[self._read(inner, after) for inner in trees])
                case "SUBPATTERN", (_, 0, 0, inner):
                    after = self._read(inner, after)
                case (("MAX_REPEAT" | "MIN_REPEAT"), (low, high, inner)):
                    begin = after
                    if high == _parser.MAXREPEAT:
                        begin = self._add(None, after)
                        self.ways[begin].append(self._read(inner, begin))
                    else:
                        for _ in range(min(high - low, self.MOST + 1)):
                            begin = self._add(None, after, self._read(inner, begin))
                    for _ in range(min(low, self.MOST + 1)):
                        begin = self._read(inner, begin)
                    after = begin
                case _:
                    what = self.NOT_REGULAR.get(op.name, op.name)
                    raise ValueError(f"{self.said} has {what}, which no automaton reads")
        return after


@checked
def without(letters: str, vocabulary: Vocabulary) -> Automaton:
    """Forbid letters, small and capital. A text without them is a lipogram.

    Raises
    ------
    ValueError
        If no letter is given.
    """
    if not letters:
        raise ValueError("letters is empty; name at least one letter to do without")
    forbidden = set(map(fold, letters))
    return lift(
        vocabulary,
        "fine",
        lambda state, bad: None if bad else state,
        lambda state: True,
        kind=lambda letter: fold(letter) in forbidden,
    )


def fold(letter: str) -> str:
    """Return one letter for a letter, its capital and its small form, where these are one letter.

    Others stay as they are: the capital of ß is SS, which is no letter, and that of ﬁ is FI.
    """
    return next(one for one in (letter.casefold(), letter.lower(), letter) if len(one) == 1)


@checked
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


@checked
def mentions(words: str | Iterable[str], vocabulary: Vocabulary, bonus: float = 0.0) -> Automaton:
    """Demand that a finished text holds each of the words, as a whole word, in either case.

    Parameters
    ----------
    bonus : float
        A twist: log ψ = bonus · number of the words that the text would mention if it ended here.
        The target stays the same.

    Raises
    ------
    ValueError
        If a word is empty or holds anything but letters, or the vocabulary cannot write it.
    """
    bonus = real_number("bonus", bonus)
    words = _words(words)
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
        _letter_kind(words),
        f"the mention of {', '.join(sorted(words))}",
    )


@checked
def length(at_least: int, at_most: int, vocabulary: Vocabulary) -> Automaton:
    """Demand a number of tokens, the end token not counted.

    Raises
    ------
    ValueError
        If the bounds are not whole numbers from 0 up, or cross.
    """
    at_least = whole_number("at_least", at_least, 0)
    states = whole_number("at_most", at_most, at_least) + 1
    check_size(states, len(vocabulary), "the length")
    table = np.repeat(np.append(np.arange(1, states), DEAD)[:, None], len(vocabulary), axis=1)
    table[:, vocabulary.end] = np.arange(states)
    log_finals = np.where(np.arange(states) >= at_least, 0.0, -math.inf)
    return trim(
        Automaton(table, np.zeros(states), log_finals), f"a length of {at_least} to {at_most}"
    )


@checked
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
    check_size(len(a) * len(b), 1, "the product")
    width = len(b)
    rows = []
    seen = np.zeros(len(a) * width + 1, dtype=bool)  # pair (i, j) has the code i · width + j
    codes = np.array([a.first * width + b.first])
    pairs = codes
    while len(codes):
        seen[codes] = True
        check_size(len(pairs), a.next.shape[1], "both constraints")
        to_a = a.next[codes // width]
        to_b = b.next[codes % width]
        rows.append(np.where((to_a < 0) | (to_b < 0), DEAD, to_a * width + to_b))
        found = np.zeros_like(seen)
        found[rows[-1]] = True  # −1 marks the last entry, which is no pair
        codes = np.flatnonzero((found & ~seen)[:-1])
        pairs = np.concatenate([pairs, codes])
    number = np.full(len(seen), DEAD, dtype=np.int32)
    number[pairs] = np.arange(len(pairs))
    i, j = np.divmod(pairs, width)
    log_values = a.log_values[i] + b.log_values[j]
    log_finals = a.log_finals[i] + b.log_finals[j]
    return trim(
        Automaton(number[np.concatenate(rows)], log_values, log_finals), "both constraints together"
    )


def _words(words: Iterable[str]) -> frozenset[str]:
    words = [words] if isinstance(words, str) else list(words)
    for word in words:
        if not word.isalpha():
            raise ValueError(f"{short(word)} is not a word; a word is made of letters only")
    if not words:
        raise ValueError("words is empty; name at least one word")
    return frozenset("".join(map(fold, word)) for word in words)


def _letter_kind(words: frozenset[str]) -> Callable[[str], str]:
    """Tell the letters of the words apart; others are '?', and what is no letter is a space."""
    known = set().union(*words)
    return lambda c: " " if not c.isalpha() else fold(c) if fold(c) in known else "?"
