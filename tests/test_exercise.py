"""Exercise checks: in every notebook blanks are harmless and nothing is raised; the framework."""

import importlib
import math
import pkgutil

import numpy as np
import pytest

import ttclib.course
from ttclib.exercise import Verdict, close, exercise, expect, once_right

MODULES = [
    importlib.import_module(f"ttclib.course.{notebook.name}.checks")
    for notebook in pkgutil.iter_modules(ttclib.course.__path__)
    if notebook.ispkg
]
CHECKS = {
    f"{module.__name__.split('.')[-2]}.{name}": check
    for module in MODULES
    for name, check in vars(module).items()
    if getattr(check, "__wrapped__", None)
    and check.__module__ == module.__name__
    and name[0] != "_"
}


def constantly(answer):
    return lambda *_: answer


# ---- blanks and broken answers, for the checks of every notebook --------------------------------

BLANKS = {
    "nothing given": lambda check: check(),
    "the blank itself": lambda check: check(...),
    "a list of blanks": lambda check: check([..., ...]),
    "a function that returns the blank": lambda check: check(constantly(...)),
    "a tuple with a blank": lambda check: check(constantly((1.0, ...))),
    "a blank in arithmetic": lambda check: check(lambda *_: 2 * ... + 1),
    "a blank in an array": lambda check: check(lambda *_: np.arange(3.0) * ...),
    "a blank in NumPy": lambda check: check(lambda *_: np.sqrt(...)),
    "a blank in math": lambda check: check(lambda *_: math.sqrt(...)),
    "a blank in a comparison": lambda check: check(lambda *_: 1 < ...),
    "a blank as a size": lambda check: check(lambda *_: list(range(...))),
    "a blank called": lambda check: check(lambda *_: Ellipsis()),
}


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("name", CHECKS)
def test_an_untouched_blank_is_harmless(name, blank):
    assert repr(BLANKS[blank](CHECKS[name])) == "– not attempted yet"


def broken(*_):
    raise KeyError("my own mistake")


def talkative(*_):
    raise ValueError("\n\none line\nand another")


def endless(*_):
    return endless(*_)


def leaves(*_):
    raise SystemExit("bye")


class Unspeakable:
    """It has no text."""

    def __repr__(self):
        raise RuntimeError("I cannot be written")


VALUES = {
    "None": None,
    "a text": "text",
    "a number": 3,
    "not a number": math.nan,
    "minus infinity": -math.inf,
    "a number of 5,001 digits": 10**5000,
    "a complex number": 1j,
    "a truth value": True,
    "a list": [1, 2, 3],
    "nothing in a list": [],
    "a ragged list": [[1, 2], [3]],
    "a tuple of three": (1.0, 2.0, 3.0),
    "a dictionary": {},
    "an array": np.zeros((2, 3)),
    "a large array": np.arange(10_000.0).reshape(100, 100),
    "an empty array": np.array([]),
    "an array of texts": np.array(["a", "b"]),
    "an array of anything": np.array([None, 1], dtype=object),
    "a type": int,
    "what cannot be written": Unspeakable(),
}
NONSENSE = {
    **VALUES,
    **{f"a function that returns {name}": constantly(value) for name, value in VALUES.items()},
    "a function that returns its input": lambda *given: given[0],
    "a function that returns all its input": lambda *given: given,
    "a function that returns a generator": lambda *_: (i for i in range(3)),
    "a function of no argument": lambda: 1,
    "a function that returns a function": lambda *_: constantly(1),
    **{f"a function that is {f.__name__}": f for f in (broken, talkative, endless, leaves)},
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Casting complex")
@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("answer", NONSENSE)
def test_no_answer_makes_a_check_raise(name, answer):
    verdict = CHECKS[name](NONSENSE[answer])
    assert isinstance(verdict, Verdict) and verdict.mark == "✗"
    assert len(repr(verdict).splitlines()) == 1 and 10 < len(verdict.line) <= 250


VALUES_WANTED = {"smc_decoding.twist", "learning_the_boat.name_the_mistakes"}


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - VALUES_WANTED))
def test_what_is_no_function_is_told(name):
    assert repr(CHECKS[name](3)) == "✗ give the function itself, not a value of type int"
    assert "gives nothing back: does it end with return?" in repr(CHECKS[name](constantly(None)))


@pytest.mark.parametrize("name", CHECKS)
def test_an_exception_in_the_learners_code_is_reported(name):
    assert repr(CHECKS[name](broken)) == "✗ your code stopped with KeyError: 'my own mistake'"


@pytest.mark.parametrize("words", ["", "\n", "\n two\nlines ", "one"])
def test_an_exception_is_reported_in_one_line_that_ends_in_words(words):
    def stops(*_):
        raise RuntimeError(words)

    line = repr(CHECKS["start_here.attempts_needed"](stops))
    said = " ".join(["RuntimeError:", *words.split()]) if words.split() else "RuntimeError"
    assert line == f"✗ your code stopped with {said}"


def test_there_are_checks():
    assert {"start_here.attempts_needed", "monte_carlo_pi.points_needed"} <= CHECKS.keys()


# ---- the framework ------------------------------------------------------------------------------


def test_expect_and_close():
    @exercise
    def one(yours):
        """Docstring of the check."""
        expect(close(yours, 1), "one is wanted")
        return "that is one"

    assert repr(one(1.0000000001)) == "✓ that is one"
    assert repr(one(1.1)) == "✗ one is wanted"
    assert one.__doc__ == "Docstring of the check."


@pytest.mark.parametrize(
    "other", ["text", None, [1, 2], object(), math.nan, {1: 2}, np.ones((1, 1))]
)
def test_close_is_false_for_what_cannot_be_compared(other):
    assert close(other, 1.0) is False
    assert close(1.0, other) is False


def test_close_compares_arrays():
    assert close([1, 2], np.array([1.0, 2.0]))
    assert not close([1, 2], [1, 2.1])
    assert close(1.0, 1.05, rtol=0.1) and not close(1.0, 1.05, rtol=0.01)


def test_later_cells_use_what_passed_and_else_the_courses():
    @exercise
    def double(yours):
        expect(yours(2) == 4, "twice two is four")
        return "doubled"

    def ours(x):
        return x + x

    def mine(x):
        return 2 * x

    assert once_right(double, mine, ours) is mine
    assert once_right(double, lambda x: x * x + 1, ours) is ours
    assert once_right(double, lambda x: ..., ours) is ours
    assert once_right(double, ..., ours) is ours


# ---- partly done, and what gives nothing back ---------------------------------------------------


@exercise(blanks=3)
def line(yours):
    """``yours(x)`` → 2x + 1."""
    expect(close(yours(np.arange(3)), [1, 3, 5]), "0, 1, 2 give 1, 3, 5")
    return "a line"


def untouched(x):
    slope = ...
    constant = ...
    return ... + 0 * slope * constant


def two_to_go(x):
    slope = 2
    constant = ...
    return slope * x + constant + ...


def one_to_go(x):
    slope = 2
    constant = ...
    return slope * x + constant


def unused(x):
    ...
    return 2 * x


PARTS = {
    untouched: "– not attempted yet",
    two_to_go: "– partly done: 2 of 3 blanks (...) to go",
    one_to_go: "– partly done: 1 of 3 blanks (...) to go",
    unused: "– partly done: 1 of 3 blanks (...) to go",  # the blank is there, it stops nothing
    eval("lambda x: 2 * x + ..."): "– not attempted yet",  # a source that cannot be read
    (1, ..., 3): "– partly done: 1 of 3 blanks (...) to go",
    (..., ..., ...): "– not attempted yet",
}


@pytest.mark.parametrize(("answer", "said"), list(PARTS.items()))
def test_what_is_partly_done_says_so(answer, said):
    assert repr(line(answer)) == said


def test_a_right_answer_may_hold_an_ellipsis():
    assert line(lambda x: 2 * np.asarray(x)[..., None][:, 0] + 1).mark == "✓"


@pytest.mark.parametrize(
    "answer", [None, [None], (None, None), [[None], None], np.array([None, None])], ids=str
)
def test_nothing_is_named_in_any_container(answer):
    said = "your function gives nothing back: does it end with return?"
    assert repr(line(lambda x: answer)) == f"✗ {said}"
    assert repr(line(lambda x: (lambda: answer)())) == f"✗ {said}"


def test_an_answer_that_is_none_is_named():
    assert repr(line(None)) == "✗ your answer is None: does what makes it end with return?"


def test_a_function_that_a_function_returns_is_watched_too():
    @exercise
    def made(yours):
        expect(yours(2)(3) == 6, "two times three is six")
        return "made"

    assert made(lambda a: lambda b: a * b).mark == "✓"
    assert "gives nothing back" in made(lambda a: lambda b: None).line
    assert repr(made(lambda a: lambda b: ...)) == "– not attempted yet"


REPEATED = [
    (np.float64(0.25), "0.25"),
    (np.float32(0.25), "0.25"),
    (np.array([0.25])[0], "0.25"),
    (np.int64(1), "1"),
    (np.True_, "True"),
    ((np.float64(0.25), np.int16(1)), "(0.25, 1)"),
    ([[np.float64(0.25)]], "[[0.25]]"),
]


@pytest.mark.parametrize(("number", "words"), REPEATED)
def test_a_wrong_number_is_repeated_as_a_learner_wrote_it(number, words):
    @exercise
    def half(yours):
        expect(close(yours(1), 0.5), f"it is 0.5, you said {yours(1)!r}")
        return "halved"

    assert repr(half(lambda x: number)) == f"✗ it is 0.5, you said {words}"
