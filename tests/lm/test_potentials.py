"""Potentials: automata lifted from a rule on letters, and trimmed; tallies and features."""

import itertools
import math

import numpy as np
import pytest
from letters_weighed import prefer
from short_texts import END, HALF, VOCABULARY, read, texts

from ttclib.lm.automata import DEAD, Automaton, lift, trim
from ttclib.lm.potentials import Feature


def test_prefer_counts_letters():
    potential = prefer("b", -2.0, VOCABULARY)
    ends = np.arange(8) == END
    for tokens, said in texts(4):
        states = read(potential, tokens)
        assert states.tolist() == [text.lower().count("b") for text in said]
        assert potential.log_value(states).tolist() == potential.log_final(states).tolist()
        assert potential.log_final(states).tolist() == [
            -2.0 * text.lower().count("b") for text in said
        ]
    assert read(potential, np.array([[HALF, 2, END]])).tolist() == [1]
    assert potential.log_next(np.array([3, 0]), ends).tolist() == [[0, -2, -2, -2, 0, -2, 0, 0]] * 2


def test_a_feature_is_two_functions_of_the_text():
    tokens, lengths = np.array([[0, 1, END], [2, END, -1]]), np.array([3, 2])
    twist = Feature(prefix=lambda tokens, lengths: 0.5 * lengths)
    assert twist.log_value(tokens, lengths).tolist() == [1.5, 1.0]
    assert twist.log_final(tokens, lengths).tolist() == [0, 0]  # it does not change the target
    goal = Feature(complete=lambda tokens, lengths: [1, -math.inf])
    assert goal.log_value(tokens, lengths).tolist() == [0, 0]
    assert goal.log_final(tokens, lengths).tolist() == [1, -math.inf]


def test_any_rule_over_letters_can_be_lifted():
    def balance(depth, sign):
        depth += {"a": 1, "b": -1}.get(sign, 0)
        return depth if 0 <= depth <= 3 else None

    automaton = lift(
        VOCABULARY, 0, balance, lambda depth: depth == 0, value=lambda depth: -0.1 * depth
    )
    for tokens, said in texts(5):
        for state, text in zip(read(automaton, tokens), said, strict=True):
            depths = list(itertools.accumulate({"a": 1, "b": -1}.get(c, 0) for c in text)) or [0]
            if min(depths) < 0 or max(depths) > 3:
                assert state == DEAD
            else:
                assert automaton.log_value(state) == pytest.approx(-0.1 * depths[-1])
                assert (automaton.log_final(state) == 0) == (depths[-1] == 0)


def test_trimming_keeps_what_is_useful():
    # 0 → 1 → 2 (final); 3 is never reached; 4 never finishes
    table = np.array([[1, 4, 0], [2, -1, 1], [-1, 4, 2], [2, 2, 3], [4, 4, 4]])
    finals = np.array([-math.inf, -math.inf, 0.0, 0.0, -math.inf])
    trimmed = trim(Automaton(table, np.arange(5.0), finals))
    assert trimmed.next.tolist() == [[1, DEAD, 0], [2, DEAD, 1], [DEAD, DEAD, 2]]
    assert trimmed.log_values.tolist() == [0, 1, 2] and trimmed.start() == 0
    with pytest.raises(ValueError, match="no text over this vocabulary satisfies my rule"):
        trim(Automaton(table, np.arange(5.0), finals, 4), "my rule")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"next": [0, 1]}, "table of states"),
        ({"next": [[0.5, 1.0]]}, "table of states"),
        ({"next": [[0, 2], [0, 0]]}, "states from 0 to 1"),
        ({"next": [[0, -2], [0, 0]]}, "states from 0 to 1"),
        ({"first": 2}, "states from 0 to 1"),
        ({"log_values": [0.0, -math.inf]}, "not finite"),
        ({"log_values": [0.0]}, "log_values has shape"),
        ({"log_finals": [0.0, math.inf]}, "log_finals must hold 2 numbers"),
        ({"log_finals": [0.0]}, "log_finals must hold 2 numbers"),
    ],
)
def test_tables_that_are_no_automaton_are_refused(change, message):
    tables = {"next": [[0, 1], [1, -1]], "log_values": [0.0, 0.0], "log_finals": [0.0, -math.inf]}
    Automaton(**tables)
    with pytest.raises(ValueError, match=message):
        Automaton(**(tables | change))
