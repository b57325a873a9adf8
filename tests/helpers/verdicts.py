"""Tests of a module of checks: right answers pass, slips are named, every sentence is said.

A test module imports these tests, and gives them the module and its answers::

    from verdicts import *  # noqa: F403

    from ttclib.course.monte_carlo_pi import checks

    RIGHT = [(checks.points_needed, lambda error: 2.697 / error**2)]  # (check, answer)
    WRONG = [(checks.points_needed, lambda error: 5.0, "you said 5")]  # and words of the line
"""

import ast
import inspect
import re

__all__ = [
    "pytest_generate_tests",
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
