"""Exercise checks: every named mistake is recognised, blanks are harmless, and nothing is raised."""

import ast
import importlib
import inspect
import math
import pkgutil

import numpy as np
import pytest

import ttclib.course
from ttclib.course.monte_carlo_pi import checks as monte_carlo
from ttclib.course.start_here import checks as start
from ttclib.exercise import Verdict, close, exercise, expect

MODULES = [
    importlib.import_module(f"ttclib.course.{notebook.name}.checks")
    for notebook in pkgutil.iter_modules(ttclib.course.__path__)
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


def with_slope(slope, sign=-1):
    return lambda f, g, g_mean: f.mean() + sign * slope(f, g) * (g.mean() - g_mean)


def least_squares(f, g):
    return np.cov(f, g)[0, 1] / np.var(g, ddof=1)


def squared(p, a=2.0):
    return p[:, 0] ** 2 / a**2 + p[:, 1] ** 2


RIGHT = [
    (monte_carlo.points_needed, lambda error: math.pi * (4 - math.pi) / error**2),
    (monte_carlo.points_needed, lambda error: math.ceil(2.6968 / error**2)),
    (monte_carlo.ellipse_area, lambda p: squared(p) <= 1),
    (monte_carlo.ellipse_area, lambda p: (np.hypot(p[:, 0] / 2, p[:, 1]) < 1).astype(int)),
    (monte_carlo.control_variate, with_slope(least_squares)),
    (monte_carlo.control_variate, with_slope(lambda f, g: np.polyfit(g, f, 1)[0])),
    (
        start.attempts_needed,
        lambda chance, target: math.ceil(math.log(1 - target) / math.log(1 - chance)),
    ),
    (
        start.attempts_needed,
        lambda chance, target: np.ceil(np.log2(1 - target) / np.log2(1 - chance)),
    ),
    (
        start.tokens_affordable,
        lambda flops, parameters, seconds: flops * seconds / (2 * parameters),
    ),
    (
        start.tokens_affordable,
        lambda flops, parameters, seconds: flops // (2 * parameters) * seconds,
    ),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (monte_carlo.points_needed, lambda e: 1.6422 / e, "squares it"),
    (monte_carlo.points_needed, lambda e: math.sqrt(math.pi * (4 - math.pi)) / e, "squares it"),
    (
        monte_carlo.points_needed,
        lambda e: math.pi / 4 * (1 - math.pi / 4) / e**2,
        "16 times larger",
    ),
    (monte_carlo.points_needed, lambda e: 5.0, "you need about 26,968 darts, you said 5.0"),
    (monte_carlo.points_needed, lambda e: 26968 * (0.01 / e), "does the error enter squared?"),
    (monte_carlo.ellipse_area, lambda p: squared(p, 1) <= 1, "that is the unit circle"),
    (monte_carlo.ellipse_area, lambda p: squared(p, math.sqrt(2)) <= 1, "divide x² by 4, not by 2"),
    (monte_carlo.ellipse_area, lambda p: squared(p) >= 1, "wrong for the points"),
    (monte_carlo.ellipse_area, lambda p: (squared(p) <= 1).sum(), "one boolean for each point"),
    (monte_carlo.control_variate, lambda f, g, g_mean: f.mean(), "that is the plain average"),
    (monte_carlo.control_variate, with_slope(least_squares, +1), "so subtract"),
    (monte_carlo.control_variate, with_slope(lambda f, g: 1.0), "β = 1"),
    (monte_carlo.control_variate, with_slope(lambda f, g: 0.5), "expected about"),
    (start.attempts_needed, lambda p, t: math.ceil(t / p), "chances do not add up"),
    (start.attempts_needed, lambda p, t: t / p, "chances do not add up"),
    (start.attempts_needed, lambda p, t: 1 / p, "average wait"),
    (start.attempts_needed, lambda p, t: math.log(1 - t) / math.log(p), "not chanceⁿ"),
    (start.attempts_needed, lambda p, t: math.ceil(math.log(1 - t) / math.log(p)), "not chanceⁿ"),
    (start.attempts_needed, lambda p, t: math.log(1 - p) / math.log(1 - t), "upside down"),
    (start.attempts_needed, lambda p, t: math.log(1 - t) / math.log(1 - p), "round up"),
    (start.attempts_needed, lambda p, t: int(math.log(1 - t) / math.log(1 - p)), "rounded down"),
    (
        start.attempts_needed,
        lambda p, t: math.ceil(math.log(t) / math.log(1 - p)),
        "1 - target, not target",
    ),
    (start.attempts_needed, lambda p, t: 7, "need 69 attempts, you said 7"),
    (start.attempts_needed, lambda p, t: 69, "need 14 attempts, you said 69"),
    (start.tokens_affordable, lambda flops, n, s: flops * s / n, "divide by 2 · parameters"),
    (start.tokens_affordable, lambda flops, n, s: 2 * flops * s / n, "belongs below the fraction"),
    (
        start.tokens_affordable,
        lambda flops, n, s: flops * s / (6 * n),
        "price of a token in training",
    ),
    (start.tokens_affordable, lambda flops, n, s: flops / (2 * n), "tokens in one second"),
    (
        start.tokens_affordable,
        lambda flops, n, s: flops / (2 * n * s),
        "more seconds buy more tokens",
    ),
    (start.tokens_affordable, lambda flops, n, s: 2 * n / (flops * s), "upside down"),
    (start.tokens_affordable, lambda flops, n, s: 2 * n * s / flops, "upside down"),
    (start.tokens_affordable, lambda flops, n, s: flops, "expected 10,000 tokens"),
    (start.tokens_affordable, lambda flops, n, s: 1e4, "use all three arguments"),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.mark == "✓" and verdict.line
    assert repr(verdict) == f"✓ {verdict.line}"


@pytest.mark.parametrize(("check", "answer", "words"), WRONG)
def test_wrong_answers_are_told_why(check, answer, words):
    verdict = check(answer)
    assert verdict.mark == "✗" and words in verdict.line
    assert "\n" not in repr(verdict)


def lines_in(module):
    """The fixed words of each line that a check module may say: one tuple for each call."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("mistake", "expect"):
            texts = (
                piece.value for piece in ast.walk(node.args[-1]) if isinstance(piece, ast.Constant)
            )
            yield tuple(text for text in texts if isinstance(text, str) and len(text) > 4)


@pytest.mark.parametrize("module", [monte_carlo, start])
def test_every_branch_of_every_check_is_reached(module):
    said = [check(answer).line for check, answer, _ in WRONG if check.__module__ == module.__name__]
    branches = list(lines_in(module))
    assert len(branches) >= 11
    for words in branches:
        assert any(all(word in line for word in words) for line in said), words


def test_the_right_lines_are_computed():
    line = monte_carlo.control_variate(with_slope(least_squares)).line
    plain, yours = (float(word.rstrip(",")) for word in line.split() if word[0] == "0")
    assert yours < plain


# ---- blanks and broken answers, for the checks of every notebook --------------------------------

BLANKS = {
    "nothing given": lambda check: check(),
    "the blank itself": lambda check: check(...),
    "a list with a blank": lambda check: check([1, ...]),
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


NONSENSE = [None, 3, "text", lambda: 1, broken, *map(constantly, (None, "text", {}, []))]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("answer", NONSENSE)
def test_no_answer_makes_a_check_raise(name, answer):
    verdict = CHECKS[name](answer)
    assert isinstance(verdict, Verdict) and verdict.mark == "✗"


@pytest.mark.parametrize("name", CHECKS)
def test_an_exception_in_the_learners_code_is_reported(name):
    assert repr(CHECKS[name](broken)) == "✗ your code stopped with KeyError: 'my own mistake'"


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
