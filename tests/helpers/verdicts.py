"""Tests of a module of checks: right answers pass, slips are named, every sentence is said.

Of each exercise there are at least four right answers, written in different ways, and eight wrong
ones, each with words of the line that it must get.

A test module imports these tests, and gives them the module and its answers::

    from verdicts import *  # noqa: F403

    from ttclib.course.monte_carlo_pi import checks

    RIGHT = [(checks.points_needed, lambda error: 2.697 / error**2)]  # (check, answer)
    WRONG = [(checks.points_needed, lambda error: 5.0, "you said 5")]  # and words of the line
"""

import ast
import functools
import inspect
import re
import types

LEAST_RIGHT = 4  # answers of each exercise, at least
LEAST_WRONG = 8

__all__ = [
    "pytest_generate_tests",
    "test_a_blank_is_harmless",
    "test_a_forgotten_return_is_named",
    "test_each_exercise_has_answers_enough",
    "test_each_mistake_has_a_line_of_its_own",
    "test_every_branch_of_every_check_is_reached",
    "test_right_answers_pass",
    "test_wrong_answers_are_told_why",
]


def pytest_generate_tests(metafunc):
    """Run a test once for each of the answers in the module that imported it."""
    for name in {"right", "wrong"} & set(metafunc.fixturenames):
        metafunc.parametrize(name, getattr(metafunc.module, name.upper()))


def test_right_answers_pass(right):
    check, answer = right
    verdict = check(answer)
    assert verdict.mark == "✓", verdict
    assert repr(verdict) == f"✓ {verdict.line}"


def test_wrong_answers_are_told_why(wrong):
    check, answer, words = wrong
    verdict = check(answer)
    assert verdict.mark == "✗" and words in verdict.line, verdict
    assert "\n" not in repr(verdict)
    assert not re.search(r"np\.\w+\d+\(|array\(", verdict.line), (
        verdict
    )  # a number, as it is written


def test_every_branch_of_every_check_is_reached(request):
    module = request.module
    verdicts = [check(answer) for check, answer, *_ in module.RIGHT + module.WRONG]
    lines = [verdict.line for verdict in verdicts]
    sentences = list(sentences_of(module.checks))
    assert len(sentences) >= 10
    for words in sentences:
        assert any(all(word in line for word in words) for line in lines), words


def test_each_exercise_has_answers_enough(request):
    assert not lacking(request.module)


def test_each_mistake_has_a_line_of_its_own(request):
    """One line for two mistakes is meant only where the same words are expected of it."""
    assert not told_alike(request.module.WRONG)


def test_a_forgotten_return_is_named(request):
    module = request.module.checks
    for name, check in exercises_of(module).items():
        if "give the function itself" in check(3).line:
            for forgetful in (lambda *_: None, print, lambda *given: [print(given)]):
                line = check(forgetful).line
                assert "gives nothing back: does it end with return?" in line, name
        assert check(None).mark == "✗" and "None" in check(None).line, name


def test_a_blank_is_harmless(request):
    inside = [lambda *_: ..., lambda *_: (..., ...), lambda *_: ... + 1]
    for check in exercises_of(request.module.checks).values():
        takes_functions = "give the function itself" in check(3).line
        for blank in (..., [...], *inside * takes_functions):
            assert repr(check(blank)) == "– not attempted yet"


def exercises_of(module):
    """Return the checks that a module defines, by name."""
    return {
        name: check
        for name, check in vars(module).items()
        if getattr(check, "__wrapped__", None)
        and check.__module__ == module.__name__
        and name[0] != "_"
    }


def lacking(test_module):
    """Say what a test module has too few of, or twice; an empty list if nothing."""
    found = []
    for name, check in exercises_of(test_module.checks).items():
        for kind, least in (("RIGHT", LEAST_RIGHT), ("WRONG", LEAST_WRONG)):
            answers = [written(row[1]) for row in getattr(test_module, kind) if row[0] is check]
            if len(answers) < least:
                found.append(f"{name}: {len(answers)} of {least} {kind}")
            if len(set(answers)) < len(answers):
                found.append(f"{name}: an answer stands twice in {kind}")
    return found


def told_alike(wrong):
    """Return the lines that are said to mistakes of which different words are expected."""
    words_of = {}
    for check, answer, words in wrong:
        words_of.setdefault((check.__name__, check(answer).line), set()).add(words)
    return {key: words for key, words in words_of.items() if len(words) > 1 or "" in words}


def written(answer, depth=4):
    """Write what an answer computes, without its name and its place: the same code is the same."""
    again = functools.partial(written, depth=depth - 1)
    if isinstance(answer, functools.partial):
        parts = (answer.func, *answer.args, *answer.keywords.items())
    elif isinstance(answer, types.CodeType):
        parts = (answer.co_code, answer.co_names, *answer.co_consts)
    elif isinstance(answer, types.FunctionType):
        closed = [cell.cell_contents for cell in answer.__closure__ or ()]
        parts = (answer.__code__, *closed, answer.__defaults__, answer.__kwdefaults__)
    else:
        return re.sub(r" at 0x\w+", "", repr(answer))
    return repr([again(part) for part in parts]) if depth else type(answer).__name__


def sentences_of(module):
    """Yield the fixed words of every sentence in a module: one tuple for each.

    A sentence is a string with a space in it. Docstrings are left out, and of a formatted string
    the words between the braces.
    """
    skipped = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):  # outer nodes first
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)
        elif isinstance(node, ast.FormattedValue):
            skipped.update(ast.walk(node))  # numbers and words that are put in
        elif isinstance(node, ast.JoinedStr) and node not in skipped:
            pieces = [piece for piece in node.values if isinstance(piece, ast.Constant)]
            skipped.update(pieces)
            yield tuple(piece.value for piece in pieces)
        elif isinstance(node, ast.Constant) and node not in skipped and " " in str(node.value):
            yield (node.value,)
