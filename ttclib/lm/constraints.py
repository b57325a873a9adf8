"""Constraints: automata for what people ask of a text, by its letters, its words or its length."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

import numpy as np

from ttclib.inputs import real_number, whole_number
from ttclib.lm.automata import DEAD, Automaton, check_size, lift, trim
from ttclib.lm.vocabulary import Vocabulary


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
            f"{pattern!r} holds what no automaton reads; "
            "use letters, classes, groups, |, * + ? and {m,n}"
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
    check_size(states, len(vocabulary), "the length")
    table = np.repeat(np.append(np.arange(1, states), DEAD)[:, None], len(vocabulary), axis=1)
    table[:, vocabulary.end] = np.arange(states)
    log_finals = np.where(np.arange(states) >= at_least, 0.0, -math.inf)
    return trim(
        Automaton(table, np.zeros(states), log_finals), f"a length of {at_least} to {at_most}"
    )


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
    """Tell the letters of the words apart; other letters are '?', and what is no letter
    is a space.
    """
    known = set().union(*words)
    return lambda c: " " if not c.isalpha() else fold(c) if fold(c) in known else "?"
