"""The task of the lab model: step-by-step arithmetic, where every step can be checked.

A problem is an expression of 1 to 7 operations on the numbers 1 to 999, with all intermediate
results from 0 to 999. A solution reduces it one operation at a time::

    (17-9)*12+45?17-9=8;8*12=96;96+45=141;#141

``?`` ends the problem, ``;`` ends a step, ``#`` comes before the answer and a newline ends the
text. Every character is one token.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ttclib.inputs import checked, short, whole_number

LARGEST_NUMBER = 999
LARGEST_RESULT = 999
OPERATIONS = range(1, 8)  # how many operations a problem has
MEASURED = range(2, 8)  # of the problems that models are measured on: one operation is too easy
DIGITS = (1, 1, 2, 2, 3)  # sizes of numbers in training, as often as they are drawn
MEASURED_DIGITS = (2, 3, 3)  # and in problems that models are measured on, which are harder
ALPHABET = "0123456789+-*()?=;#"
END = "\n"
MAX_LENGTH = 144  # characters of the longest problem, its solution and the end

_TOKEN = re.compile(r"\d+|[-+*()]")
_NUMBER = rf"(\d{{1,{MAX_LENGTH}}})"  # longer ones would be no answer; Python does not read them
_STEP = re.compile(rf"{_NUMBER}([-+*]){_NUMBER}={_NUMBER}")
_PRECEDENCE = {"+": 1, "-": 1, "*": 2}


class Operation(NamedTuple):
    """A node of an expression: ``left`` and ``right`` are numbers or operations."""

    left: Operation | int
    sign: str
    right: Operation | int


Expression = Operation | int


def apply(left: int, sign: str, right: int) -> int:
    """Carry out one operation."""
    return {"+": left + right, "-": left - right, "*": left * right}[sign]


def value(expression: Expression) -> int:
    """Evaluate an expression."""
    if isinstance(expression, int):
        return expression
    return apply(value(expression.left), expression.sign, value(expression.right))


def write(expression: Expression) -> str:
    """Write an expression with as few parentheses as possible."""
    if isinstance(expression, int):
        return str(expression)
    left, sign, right = expression
    mine = _PRECEDENCE[sign]
    texts = []
    for child, needs in ((left, mine), (right, mine + 1)):  # equal signs group to the left
        bare = isinstance(child, int) or _PRECEDENCE[child.sign] >= needs
        texts.append(write(child) if bare else f"({write(child)})")
    return texts[0] + sign + texts[1]


@checked
def parse(text: str) -> Expression:
    """Read an expression.

    Raises
    ------
    ValueError
        If the text is not an expression of whole numbers with + - * and parentheses, or has more
        than 144 characters.
    """
    said = short(text)
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{said} has {len(text)} characters; at most {MAX_LENGTH} can be read")
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text or not tokens:
        raise ValueError(f"{said} is not an expression; use whole numbers, + - * and parentheses")
    position = 0

    def operand():
        nonlocal position
        token = tokens[position] if position < len(tokens) else ""
        position += 1
        if token == "(":
            inside = chain(1)
            if position >= len(tokens) or tokens[position] != ")":
                raise ValueError(f"{said} has an open parenthesis")
            position += 1
            return inside
        if not token.isdigit():
            where = f"before {token!r}" if token else "at its end"
            raise ValueError(f"{said} lacks a number {where}")
        return int(token)

    def chain(lowest):
        nonlocal position
        left = operand()
        while position < len(tokens) and _PRECEDENCE.get(tokens[position], 0) >= lowest:
            sign = tokens[position]
            position += 1
            left = Operation(left, sign, chain(_PRECEDENCE[sign] + 1))
        return left

    expression = chain(1)
    if position != len(tokens):
        rest = short(tokens[position])
        raise ValueError(f"{said} goes on after the expression, at {rest}")
    return expression


@checked
def check_problem(text: str) -> Expression:
    """Read a problem that the task allows, typed by a learner for instance.

    Raises
    ------
    ValueError
        One line that says what the task does not allow.
    """
    expression = parse(text.replace(" ", "").rstrip("?"))
    count = 0
    for node in _nodes(expression):
        if isinstance(node, int):
            if not 1 <= node <= LARGEST_NUMBER:
                raise ValueError(
                    f"{short(node)} is not allowed; numbers go from 1 to {LARGEST_NUMBER}"
                )
        else:
            count += 1
            if not 0 <= value(node) <= LARGEST_RESULT:
                raise ValueError(
                    f"{write(node)} is {value(node)}; "
                    f"intermediate results must be from 0 to {LARGEST_RESULT}"
                )
    if count not in OPERATIONS:
        raise ValueError(
            f"the expression has {count} operations; "
            f"it must have {OPERATIONS[0]} to {OPERATIONS[-1]}"
        )
    return expression


def _nodes(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, Operation):
        yield from _nodes(expression.left)
        yield from _nodes(expression.right)
    yield expression


def reducible(expression: Expression) -> Iterator[tuple[Operation, Expression]]:
    """Yield every operation on two plain numbers, with the expression that is left after it."""
    if isinstance(expression, int):
        return
    left, sign, right = expression
    if isinstance(left, int) and isinstance(right, int):
        yield expression, apply(left, sign, right)
    for node, rest in reducible(left):
        yield node, Operation(rest, sign, right)
    for node, rest in reducible(right):
        yield node, Operation(left, sign, rest)


def solve(expression: Expression) -> str:
    """Write the solution: always the leftmost operation that can be carried out."""
    steps = []
    while isinstance(expression, Operation):
        node, expression = next(reducible(expression))
        steps.append(f"{write(node)}={value(node)};")
    return "".join(steps) + f"#{expression}"


@checked
def answer(text: str) -> int | None:
    """Read the answer of a solution: the number after the last ``#``; None if there is none."""
    found = re.search(rf"#{_NUMBER}\n?$", text)
    return int(found[1]) if found else None


@dataclass(frozen=True)
class StepCheck:
    """What the checker says of a solution.

    Attributes
    ----------
    correct : tuple of bool
        One for each step that ended with ``;``. After the first wrong one all are wrong.
    finished : bool
        Whether an answer was given.
    right : bool
        Whether that answer is the value of the problem.
    """

    correct: tuple[bool, ...]
    finished: bool
    right: bool


@checked
def check_solution(problem: str, solution: str) -> StepCheck:
    """Check each step: is it a true reduction of what is left of the problem?

    Any operation on two plain numbers may come next, not only the leftmost.

    Parameters
    ----------
    problem, solution : str
        Texts before and after the ``?``. The solution may be unfinished.
    """
    left_over = parse(problem.rstrip("?"))
    correct = []
    fine = True
    *steps, tail = solution.rstrip(END).split(";")
    for step in steps:
        found = _STEP.fullmatch(step)
        if fine and found:
            said = Operation(int(found[1]), found[2], int(found[3]))
            rests = [rest for node, rest in reducible(left_over) if node == said]
            fine = bool(rests) and value(said) == int(found[4])
            left_over = rests[0] if fine else left_over
        else:
            fine = False
        correct.append(fine)
    given = answer(tail) if re.fullmatch(r"#\d+", tail) else None
    return StepCheck(tuple(correct), given is not None, given == value(parse(problem.rstrip("?"))))


@checked
def random_expression(
    operations: int, rng: np.random.Generator, sizes: Sequence[int] = DIGITS
) -> Expression:
    """Draw an expression that keeps within the task's bounds; each sign is as likely as it can be.

    Parameters
    ----------
    operations : int
        How many it has.
    sizes : sequence of int
        How many digits a number may have; each entry is as likely as the others.
    """
    operations = whole_number("operations", operations, 0)
    if operations == 0:
        digits = int(rng.choice(sizes))
        return int(rng.integers(10 ** (digits - 1), 10**digits))
    first = int(rng.integers(operations))
    left = random_expression(first, rng, sizes)
    right = random_expression(operations - 1 - first, rng, sizes)
    a = value(left)
    b = value(right)
    sign = str(rng.choice([s for s in "+*" if apply(a, s, b) <= LARGEST_RESULT] + ["-"]))
    if sign == "-" and a < b:  # a difference is always possible, with its sides in one order
        return Operation(right, sign, left)
    return Operation(left, sign, right)


@checked
def split_of(problem: str) -> str:
    """Say which split a problem belongs to, for ever: 1% test, 1% validation, the rest train."""
    digest = int.from_bytes(hashlib.sha256(problem.encode()).digest()[:4], "big") % 100
    return {0: "test", 1: "validation"}.get(digest, "train")


@checked
def problems(
    split: str, n: int, rng: np.random.Generator, operations: Sequence[int] = MEASURED
) -> list[str]:
    """Draw ``n`` different problems of a split, balanced over the number of operations.

    Their numbers have two or three digits, the size of each drawn for itself.

    Raises
    ------
    ValueError
        If there is no such split.
    """
    found: dict[str, None] = {}  # an ordered set
    for text in drawn(split, whole_number("n", n), rng, operations, lambda: MEASURED_DIGITS, found):
        found[text] = None
    return list(found)


def drawn(split, n, rng, operations, sizes, found) -> Iterator[str]:
    """Yield problems of a split until ``n`` are found, of each number of operations in turn."""
    if split not in ("train", "validation", "test"):
        raise ValueError(f"split is {short(split)}; it must be train, validation or test")
    while len(found) < n:
        count = operations[len(found) % len(operations)]
        text = write(random_expression(count, rng, sizes()))
        if split_of(text) == split:
            yield text


def example(problem: str) -> str:
    """Write a whole training text: problem, solution, end."""
    return f"{problem}?{solve(parse(problem))}{END}"


class Arithmetic:
    """The :class:`ttclib.lm.protocols.Task` of these functions: problems are expressions."""

    step_end = ";"

    def prompt(self, problem: str) -> str:
        """Return the problem with its question mark."""
        return problem.rstrip("?") + "?"

    def answer(self, text: str) -> int | None:
        """Return the number after the last ``#``: see :func:`answer`."""
        return answer(text)

    def canonical(self, answer: int | None) -> int | None:
        """Return the answer itself: numbers are equal if they are the same."""
        return answer

    def reference(self, problem: str) -> int:
        """Return the value of the problem."""
        return value(parse(problem.rstrip("?")))

    def right(self, problem: str, answer: int | None) -> bool:
        """Whether the answer is the value of the problem."""
        return answer == self.reference(problem)

    def right_steps(self, problem: str, text: str) -> int:
        """Count the steps before the first wrong one: see :func:`check_solution`."""
        return sum(check_solution(problem, text).correct)


TASK = Arithmetic()
