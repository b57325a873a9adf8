"""Constraints: automata against the definition of their constraint, on every text up to
some length.
"""

import itertools
import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters_weighed import Tally, prefer
from short_texts import END, HALF, VOCABULARY, read, texts

from ttclib.course.smc_decoding.constraints import (
    both,
    fold,
    length,
    mentions,
    regex,
    without,
    words_at_most,
)
from ttclib.lm import automata
from ttclib.lm.automata import DEAD, Automaton
from ttclib.lm.vocabulary import Vocabulary

DEPTH = 5  # tokens of the longest text
PATTERNS = [
    "a*",
    "(ab|ba )*",
    "a?b{2,3}",
    "[^b]*",
    r"\w+( \w+)?",
    "(a|b)*abb",
    "(?:ab)+|[B ]a",
    ".{3}",
    "(?i)ab|A ",
    "(?P<name>a|ab)b?",
    "",
]
RULES = {
    "without": (lambda: without("b", VOCABULARY), lambda text: not re.search("[bB]", text)),
    "words_at_most": (
        lambda: words_at_most(2, VOCABULARY),
        lambda text: not re.search(r"[abB]{3}", text),
    ),
    "mentions": (
        lambda: mentions(["ab", "a"], VOCABULARY, bonus=1.5),
        lambda text: {"ab", "a"} <= set(text.lower().split()),
    ),
    "mentions, case": (
        lambda: mentions(["Ba"], VOCABULARY),
        lambda text: "ba" in text.lower().split(),
    ),
}
RULES |= {
    f"regex {pattern}": (
        lambda pattern=pattern: regex(pattern, VOCABULARY),
        lambda text, pattern=pattern: bool(re.fullmatch(pattern, text)),
    )
    for pattern in PATTERNS
}


def finishable(automaton):
    """States from which a finished text can be reached, by following tokens one at a time."""
    good = {s for s in range(len(automaton)) if automaton.log_finals[s] == 0}
    while True:
        more = {
            s for s in range(len(automaton)) if good.intersection(automaton.next[s].tolist())
        } | good
        if more == good:
            return good
        good = more


def reachable(automaton):
    """States that some text leads to."""
    found, todo = set(), [automaton.start()]
    while todo:
        state = todo.pop()
        if state not in found:
            found.add(state)
            todo += [after for after in automaton.next[state].tolist() if after != DEAD]
    return found


@pytest.mark.parametrize("name", RULES)
def test_an_automaton_allows_what_its_rule_allows(name):
    make, allowed = RULES[name]
    automaton = make()
    assert finishable(automaton) == reachable(automaton) == set(range(len(automaton)))
    for tokens, said in texts(DEPTH):
        finals = automaton.log_final(read(automaton, tokens))
        assert ((finals == 0) | (finals == -math.inf)).all()
        assert ((finals == 0) == [allowed(text) for text in said]).all()


@pytest.mark.parametrize("name", RULES)
def test_a_prefix_is_dead_if_and_only_if_nothing_allowed_begins_with_it(name):
    make, allowed = RULES[name]
    automaton = make()
    open_prefixes = set()
    for tokens, said in texts(6):  # four tokens are enough to finish, if anything is
        for row, text in zip(tokens.tolist(), said, strict=True):
            if allowed(text):
                open_prefixes.update(tuple(row[:k]) for k in range(3))
    for tokens, _ in texts(2):
        alive = read(automaton, tokens) != DEAD
        assert alive.tolist() == [tuple(row) in open_prefixes for row in tokens.tolist()]


PIECE = st.sampled_from(
    ["a", "b", "[ab]", "[^a]", ".", r"\w", r"\W", r"\s", "B", r"[\D\W]", "ab", r"\x61"]
)


@given(
    st.recursive(
        PIECE,
        lambda inner: (
            st.tuples(inner, inner).map("".join)
            | st.tuples(inner, inner).map("({0[0]}|{0[1]})".format)
            | st.tuples(inner, st.sampled_from(["*", "+", "?", "{0,2}", "{2}", "{1,}", "*?"])).map(
                "(?:{0[0]}){0[1]}".format
            )
        ),
        max_leaves=5,
    )
)
@settings(deadline=None, max_examples=60)
def test_regular_expressions_mean_what_they_mean_in_python(pattern):
    compiled = re.compile(pattern, re.DOTALL | re.ASCII)
    try:
        automaton = regex(pattern, VOCABULARY)
    except ValueError as error:
        assert "no text over this vocabulary" in str(error)
        automaton = None
    for tokens, said in texts(4):
        expected = [bool(compiled.fullmatch(text)) for text in said]
        if automaton is None:
            assert not any(expected)
        else:
            assert (automaton.log_final(read(automaton, tokens)) == 0).tolist() == expected


PRINTABLE = Vocabulary([*map(chr, range(32, 127)), "\n", "é", None], 97)


def allows(automaton, text):
    states = read(automaton, np.array([[PRINTABLE.texts.index(letter) for letter in text]], int))
    return bool(automaton.log_final(states)[0] == 0)


def only(automaton):
    """The one text that an automaton allows."""
    text, state = "", automaton.start()
    while automaton.log_finals[state] == -math.inf:
        ((token,),) = (np.flatnonzero(automaton.next[state, :END_OF_PRINTABLE] != DEAD),)
        text, state = text + PRINTABLE.texts[token], automaton.next[state, token]
    assert (automaton.next[state, :END_OF_PRINTABLE] == DEAD).all()
    return text


END_OF_PRINTABLE = PRINTABLE.end


@pytest.mark.parametrize("letter", PRINTABLE.texts[:-1])
def test_each_letter_can_be_escaped(letter):
    for pattern in (re.escape(letter), f"[{re.escape(letter)}]"):
        assert only(regex(pattern, PRINTABLE)) == letter
    if not letter.isalnum():
        assert only(regex("\\" + letter, PRINTABLE)) == letter


@given(st.text("".join(PRINTABLE.texts[:-1]), min_size=1, max_size=12))
@settings(deadline=None)
def test_an_escaped_text_is_that_text(text):
    assert only(regex(re.escape(text), PRINTABLE)) == text


SIGNS = [*"ab2,-{}[]()|*+?.^$#&~/_ =!:<>", *("\\" + c for c in "-.*{}[]()&~#/ ,$dDsSwWbBAZn1")]
SIGNS += [
    "{,2}",
    "{1,}",
    "{2}",
    "{a",
    "[a-",
    "[^",
    "(?:",
    "[]",
    "-]",
    "(?i)",
    "a-b",
    "\\x61",
    "\\u0061",
]
BEYOND = re.compile(r"[$^]|\\[ABZb1]|\(\?|[*+?}]\+")  # what holds none of these must be read


@given(st.lists(st.sampled_from(SIGNS), max_size=6).map("".join))
@settings(deadline=None, max_examples=400)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_signs_are_read_as_python_reads_them_or_named(pattern):
    """Brackets, dashes and braces out of place, escapes of whatever can be escaped."""
    short = ["".join(p) for n in range(3) for p in itertools.product("ab2,-{}[] \\", repeat=n)]
    try:
        compiled = re.compile(pattern, re.DOTALL | re.ASCII)
    except re.error:
        with pytest.raises(ValueError, match="is not a regular expression"):
            regex(pattern, PRINTABLE)
        return
    expected = [text for text in short if compiled.fullmatch(text)]
    try:
        automaton = regex(pattern, PRINTABLE)
    except ValueError as error:
        if "no text over this vocabulary" in str(error):
            assert expected == []
        else:
            assert BEYOND.search(pattern)
            assert re.search(" has an? .*, which no automaton reads", str(error))
        return
    assert [text for text in short if allows(automaton, text)] == expected


def test_states_that_no_text_tells_apart_are_one():
    assert len(without("b", VOCABULARY)) == 1
    assert len(words_at_most(2, VOCABULARY)) == 3
    assert len(regex("(a|b|B| )*", VOCABULARY)) == 1
    # before, within and after: what follows "ab" is the same wherever it was found
    assert len(mentions(["ab"], VOCABULARY)) == len(
        regex(r"(.*[^abB])?[aA][bB]([^abB].*)?", VOCABULARY)
    )


def test_tokens_without_a_text_are_forbidden_and_the_end_changes_nothing():
    for make, _ in RULES.values():
        automaton = make()
        assert (automaton.next[:, HALF] == DEAD).all()
        assert (automaton.next[:, END] == np.arange(len(automaton))).all()


def test_a_mask_does_not_walk_into_a_trap_between_two_tokens():
    vocabulary = Vocabulary(["a", "bc", "aad", None], 3)
    automaton = regex("abc|aad|ab", vocabulary)
    ends = np.arange(4) == 3
    # over letters "aa" could still become "aad", but no token says "ad"
    assert np.exp(automaton.log_next(np.array([automaton.start()]), ends)).tolist() == [
        [1, 0, 1, 0]
    ]
    (after_a,) = automaton.advance(np.array([automaton.start()]), np.array([0]))
    assert np.exp(automaton.log_next(np.array([after_a]), ends)).tolist() == [[0, 1, 0, 0]]


def one_letter_forms(letter):
    return {form for form in (letter.lower(), letter.upper(), letter.title()) if len(form) == 1}


CASED = [
    chr(c)
    for c in range(sys.maxunicode + 1)
    if len({*map(str, (chr(c).lower(), chr(c).upper(), chr(c)))}) > 1
]


def test_a_letter_is_one_with_its_forms_of_one_letter_and_with_no_others():
    """Over all of Unicode. ı has the capital I, whose small form is i: they are two letters."""
    assert len(CASED) > 2_500
    known = {letter: {letter} for letter in CASED}
    for letter in CASED:
        for form in one_letter_forms(letter):
            assert fold(form) == fold(letter) or letter == "ı"
            both_ways = known.setdefault(form, {form}) | known[letter]
            for one in both_ways:  # letters that forms of one letter link
                known[one] = both_ways
    for letter in CASED:
        assert len(fold(letter)) == 1 and fold(fold(letter)) == fold(letter)
        assert fold(letter) in known[letter]
    assert {
        letter for letter in map(chr, range(sys.maxunicode + 1)) if fold(letter) in {*"sfi"}
    } == {*"sSſfFiI"}


@pytest.mark.parametrize(
    ("asked", "same"),
    [
        ("ß", "ßẞ"),
        ("ẞ", "ßẞ"),
        ("İ", "İ"),
        ("ﬁ", "ﬁ"),
        ("i", "iI"),
        ("ı", "ı"),
        ("σ", "σςΣ"),
        ("ς", "σςΣ"),
        ("Σ", "σςΣ"),
        ("é", "éÉ"),
        ("ǆ", "ǆǅǄ"),
        ("k", "kK\u212a"),
    ],
)
def test_a_letter_whose_capital_is_two_letters_is_one_letter(asked, same):
    every = "ßẞSsİIiıﬁFfσςΣéÉeEǆǅǄdzkK\u212a"
    vocabulary = Vocabulary([*every, None], len(every))
    dead = without(asked, vocabulary).next[0] == DEAD
    assert {letter for letter, bad in zip(every, dead, strict=False) if bad} == {*same}
    counts = prefer(asked, 1.0, vocabulary).counts
    assert {letter for letter, count in zip(every, counts, strict=False) if count} == {*same}
    finals = mentions(asked, vocabulary).log_final(
        read(mentions(asked, vocabulary), np.arange(len(every))[:, None])
    )
    assert {letter for letter, final in zip(every, finals, strict=True) if final == 0} == {*same}


def test_a_word_of_any_letters_mentions_itself_in_capitals():
    letters = "ΟΔΣοδςσİstanbuﬁß "
    vocabulary = Vocabulary([*letters, None], len(letters))
    for word, text in (("ΟΔΟΣ", "οδος"), ("οδος", "ΟΔΟΣ"), ("İst", "İst"), ("ﬁß", "ﬁß")):
        automaton = mentions(word, vocabulary)
        states = read(automaton, np.array([vocabulary.encode(text)]))
        assert automaton.log_final(states) == 0


def test_unicode_letters_are_letters():
    vocabulary = Vocabulary(["é", "ß", "·", "naïve", "É", None], 5)
    assert len(words_at_most(3, vocabulary)) == 4
    for text, allowed in (([3], False), ([0, 1, 2, 0, 0, 0], True), ([0, 1, 0, 0], False)):
        states = read(words_at_most(3, vocabulary), np.array([text]))
        assert (states != DEAD).tolist() == [allowed]
    assert (without("é", vocabulary).next[0, :5] == DEAD).tolist() == [
        True,
        False,
        False,
        False,
        True,
    ]
    finals = mentions("é", vocabulary).log_final(
        read(mentions("é", vocabulary), np.array([[2, 4], [0, 1]]))
    )
    assert finals.tolist() == [0, -math.inf]


def test_a_bonus_is_a_twist():
    automaton = mentions(["ab", "a"], VOCABULARY, bonus=1.5)
    for tokens, said in texts(4):
        states = read(automaton, tokens)
        alive = states != DEAD
        count = np.array([len({"ab", "a"} & set(text.lower().split())) for text in said])
        assert automaton.log_value(states)[alive].tolist() == (1.5 * count[alive]).tolist()
    plain = mentions(["ab", "a"], VOCABULARY)
    assert (plain.log_values == 0).all() and set(automaton.log_finals) == {0, -math.inf}


def test_length_counts_tokens_but_not_the_end():
    automaton = length(2, 4, VOCABULARY)
    for tokens, _ in texts(6):
        states = read(automaton, tokens)
        assert ((automaton.log_final(states) == 0) == (2 <= tokens.shape[1] <= 4)).all()
        assert ((states == DEAD) == (tokens.shape[1] > 4)).all()
    assert (automaton.next[:-1, HALF] != DEAD).all()  # it is a token, if a broken one
    assert len(length(0, 0, VOCABULARY)) == 1


def test_an_answer_is_conditioned_on():
    lab = Vocabulary.characters()
    automaton = regex("[^#]*#41", lab)
    for text, finished, alive in (
        ("3*4=12;#41", True, True),
        ("#41", True, True),
        ("#4", False, True),
        ("12", False, True),
        ("#14", False, False),
        ("#412", False, False),
        ("#41;#41", False, False),
    ):
        states = read(automaton, np.array([lab.encode(text)]))
        assert (automaton.log_final(states) == 0).tolist() == [finished]
        assert (states != DEAD).tolist() == [alive]


# ---- products, tallies, features ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    list(itertools.combinations(["mentions", "words_at_most", "mentions, case", "without"], 2)),
)
def test_both_is_the_product(first, second):
    a, b = RULES[first][0](), RULES[second][0]()
    try:
        product = both(a, b)
    except ValueError:
        product = None
    for tokens, _ in texts(DEPTH):
        in_a, in_b = read(a, tokens), read(b, tokens)
        finals = a.log_final(in_a) + b.log_final(in_b)
        if product is None:
            assert (finals == -math.inf).all()
        else:
            states = read(product, tokens)
            alive = states != DEAD
            assert (product.log_final(states) == finals).all()
            assert (product.log_value(states) == a.log_value(in_a) + b.log_value(in_b))[alive].all()
    assert product is None or finishable(product) == reachable(product) == set(range(len(product)))


def test_both_sees_the_trap_that_neither_sees():
    a, b = regex("ab|BB", VOCABULARY), regex("aB|BB", VOCABULARY)
    product = both(a, b)
    for automaton, alive in ((a, True), (b, True), (product, False)):
        assert (read(automaton, np.array([[0]])) != DEAD) == alive  # "a" has no common ending
        assert automaton.log_final(read(automaton, np.array([[5, 5]]))) == 0
    with pytest.raises(ValueError, match="no text over this vocabulary satisfies both constraints"):
        both(regex("a+", VOCABULARY), regex("b+", VOCABULARY))
    with pytest.raises(ValueError, match="a reads 8 tokens and b 21"):
        both(a, without("1", Vocabulary.characters()))


@pytest.mark.parametrize(
    "potential",
    [
        mentions(["ab", "a"], VOCABULARY, bonus=1.5),
        regex("(a|b)*abb", VOCABULARY),
        Automaton([[0, 1, -1], [1, -1, 0]], [0.5, -1.0], [-math.inf, 2.0], 1),
        Tally(np.array([1, 3, 0]), 0.7),
    ],
)
@pytest.mark.parametrize("extra", [(), (0,), (0, 1)])
def test_log_next_is_its_definition(potential, extra):
    """For every state and token: log value after it, minus log ψ now; nothing follows death."""
    size = len(potential.counts) if isinstance(potential, Tally) else potential.next.shape[1]
    ends = np.isin(np.arange(size), [size - 1, *extra])
    states = (
        np.array([1, 0, 1, 1]) if isinstance(potential, Tally) else np.array([1, 0, DEAD, 1, 1])
    )
    table = potential.log_next(states, ends)
    assert table.shape == (len(states), size)
    for row, state in zip(table, states, strict=True):
        for token in range(size):
            after = potential.advance(np.array([state]), np.array([token]))
            worth = potential.log_final(after) if ends[token] else potential.log_value(after)
            now = potential.log_value(np.array([state]))
            expected = -math.inf if state == DEAD else (worth - now)[0]
            assert row[token] == expected
    assert potential.log_next(states[:0], ends).shape == (0, size)


def test_the_dead_stay_dead():
    automaton = regex("a*", VOCABULARY)
    dead = np.full(3, DEAD)
    assert automaton.advance(dead, np.array([0, 1, END])).tolist() == dead.tolist()
    assert (
        automaton.log_value(dead).tolist() == automaton.log_final(dead).tolist() == [-math.inf] * 3
    )


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda v: regex("x+", v),
            r"no text over this vocabulary satisfies the regular expression 'x\+'",
        ),
        (lambda v: mentions(["cab", "ab"], v), "no text .* satisfies the mention of ab, cab"),
        (lambda v: regex("#3", v), "no text over this vocabulary"),
        (lambda v: regex("a(", v), "is not a regular expression: missing"),
        (lambda v: regex("^a", v), "has an anchor"),
        (lambda v: regex("[$]a$", v), "has an anchor"),
        (lambda v: regex(r"(?=a)b", v), "has a look-around, which no automaton reads"),
        (lambda v: regex(r"(?<!a)b", v), "has a negative look-around, which no automaton reads"),
        (lambda v: regex(r"(a)\1", v), "has a back-reference, which no automaton reads"),
        (lambda v: regex(r"(a)?(?(1)b|a)", v), "has a conditional group, which no automaton reads"),
        (lambda v: regex(r"(?>a|ab)b", v), "has an atomic group, which no"),
        (lambda v: regex(r"a*+b", v), "has a possessive repeat, which no automaton reads"),
        (lambda v: regex(r"\bab", v), "has an anchor or a word boundary"),
        (lambda v: regex(r"a\B", v), "has an anchor or a word boundary"),
        (lambda v: regex(r"\Aab", v), "has an anchor .*leave it out"),
        (lambda v: regex("(?i:ab)", v), "has a flag within, which no automaton reads"),
        (lambda v: regex("a{1001}", v), "has more than 1000 places, repeats written out"),
        (lambda v: regex("((){9}a{99}){99}", v), "has more than 1000 places"),
        (lambda v: regex("(a|b)*a(a|b){30}", v), "needs more than 4096 states; ask for less"),
        (lambda v: regex("(" * 9999 + ")" * 9999, v), "has groups too deep inside each other"),
        (lambda v: regex("a" * 9999 + "(", v), "^'a{58}… is not a regular expression: missing"),
        (lambda v: regex(None, v), "None is not a regular expression"),
        (lambda v: without("", v), "letters is empty"),
        (lambda v: words_at_most(0, v), "letters is 0; it must be a whole number of at least 1"),
        (lambda v: mentions([], v), "words is empty"),
        (lambda v: mentions(["a b"], v), "'a b' is not a word"),
        (lambda v: mentions([""], v), "'' is not a word"),
        (lambda v: mentions(["ab"], v, bonus=math.nan), "bonus is nan"),
        (lambda v: length(3, 2, v), "at_most is 2; it must be a whole number of at least 3"),
        (lambda v: length(-1, 2, v), "at_least is -1"),
        (lambda v: length(0, 1e8, v), "needs a table of 100000001 × 8"),
    ],
)
def test_what_cannot_be_satisfied_or_read_gets_one_line(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make(VOCABULARY)
    assert "\n" not in str(caught.value)


def test_a_table_too_large_for_memory_is_refused(monkeypatch):
    monkeypatch.setattr(automata, "_LARGEST", 100)
    assert len(both(length(0, 2, VOCABULARY), length(0, 2, VOCABULARY))) == 3
    with pytest.raises(ValueError, match="needs a table of 13 × 8; at most 100 entries fit"):
        regex("a{12}", VOCABULARY)
