"""The second lab task, Countdown: join all numbers, two at a time, and reach the target.

A problem gives three to five numbers from 1 to 20 and a target from 10 to 99. A solution joins two
of what is left until the target is, and every result is a whole number from 1 to 199::

    8;3;7=77?8+3=11;11*7=77;

It is written in the letters of the lab tokenizer, which has signs for +, − and *, and none for a
division. Unlike arithmetic, a problem has many solutions, a true step can be a bad one, and whether
the target can still be reached is known by going through all that can be done.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ttclib.inputs import checked, one_of, short, whole_number
from ttclib.lm.arithmetic import END, apply

COUNTS = (3, 4, 5)  # how many numbers a problem gives
LARGEST_NUMBER = 20
LARGEST_RESULT = 199
TARGETS = range(10, 100)
SIGNS = "+-*"
SPLITS = ("train", "validation", "test")

_PROBLEM = re.compile(r"(\d{1,3}(?:;\d{1,3})+)=(\d{1,3})\??")
_STEP = re.compile(r"(\d{1,3})([-+*])(\d{1,3})=(\d{1,3})")  # a longer number is no result
_DRAWS = 4096  # at a time
_TRIES = 10_000  # of which none is new: there are no more


class Join(NamedTuple):
    """A step: two numbers become one."""

    left: int
    sign: str
    right: int
    result: int

    @property
    def true(self) -> bool:
        """Whether the result is what it says, and allowed."""
        allowed = 1 <= self.result <= LARGEST_RESULT
        return allowed and apply(self.left, self.sign, self.right) == self.result

    def __str__(self) -> str:
        return f"{self.left}{self.sign}{self.right}={self.result}"


# ---- what can be reached -------------------------------------------------------------------------


@functools.lru_cache(1 << 16)
def joins(numbers: tuple[int, ...]) -> tuple[tuple[Join, tuple[int, ...]], ...]:
    """List every join of two of the sorted numbers, with the sorted numbers that are left after it.

    The larger number stands first; 8 + 3 and 3 + 8 are one join.
    """
    found = {}
    for i, j in itertools.combinations(range(len(numbers)), 2):
        small, large = numbers[i], numbers[j]
        rest = numbers[:i] + numbers[i + 1 : j] + numbers[j + 1 :]
        for sign in SIGNS:
            join = Join(large, sign, small, apply(large, sign, small))
            if join.true:
                found[join] = tuple(sorted((*rest, join.result)))
    return tuple(found.items())


@functools.lru_cache(1 << 20)
def _reaches(numbers: tuple[int, ...], target: int) -> bool:
    if len(numbers) < 2:
        return numbers == (target,)
    return any(_reaches(rest, target) for _, rest in joins(numbers))


@checked
def can_reach(numbers: Sequence[int], target: int) -> bool:
    """Say whether all the numbers, each used once, can be joined to the target.

    Everything that can be done is gone through; what was answered once is remembered.

    Parameters
    ----------
    numbers : sequence of int
        What is left, in any order.
    target : int
    """
    return _reaches(tuple(sorted(map(int, numbers))), int(target))


@checked
def solve(problem: str) -> str | None:
    """Write a solution, the first that is found; None if there is none."""
    numbers, target = read_problem(problem)
    left = tuple(sorted(numbers))
    if not _reaches(left, target):
        return None
    steps = []
    while len(left) > 1:
        join, left = next(one for one in joins(left) if _reaches(one[1], target))
        steps.append(f"{join};")
    return "".join(steps) + END


# ---- problems and solutions ----------------------------------------------------------------------


@checked
def read_problem(text: str) -> tuple[tuple[int, ...], int]:
    """Return the numbers of a problem, as they are given, and its target.

    Raises
    ------
    ValueError
        If the text is no problem, with one line that says why.
    """
    found = _PROBLEM.fullmatch(text.replace(" ", ""))
    if not found:
        raise ValueError(f"{short(text)} is no problem of Countdown; write 8;3;7=77")
    numbers = tuple(map(int, found[1].split(";")))
    target = int(found[2])
    if len(numbers) not in COUNTS:
        few, many = COUNTS[0], COUNTS[-1]
        raise ValueError(f"{short(text)} has {len(numbers)} numbers; it must have {few} to {many}")
    if not all(1 <= number <= LARGEST_NUMBER for number in numbers):
        raise ValueError(f"a number of {short(text)} is not from 1 to {LARGEST_NUMBER}")
    if target not in TARGETS:
        low, high = TARGETS[0], TARGETS[-1]
        raise ValueError(f"the target of {short(text)} must be from {low} to {high}")
    return numbers, target


@checked
def check_problem(text: str) -> str:
    """Return a problem that a learner typed, without blanks; it must have a solution.

    Raises
    ------
    ValueError
        If it is no problem, or its target cannot be reached.
    """
    numbers, target = read_problem(text)
    if not can_reach(numbers, target):
        said = ", ".join(map(str, numbers))
        raise ValueError(f"{target} cannot be reached from {said}; try another target")
    return write_problem(numbers, target)


def write_problem(numbers: Sequence[int], target: int) -> str:
    """Write a problem, without its question mark."""
    return f"{';'.join(map(str, numbers))}={target}"


@checked
def read_steps(text: str) -> tuple[list[Join | None], str]:
    """Return the steps that a solution has ended, None for what is no join; and what follows."""
    *steps, tail = text.rstrip(END).split(";")
    found = map(_STEP.fullmatch, steps)
    return [one and Join(int(one[1]), one[2], int(one[3]), int(one[4])) for one in found], tail


@checked
def follow(problem: str, text: str) -> list[tuple[int, ...] | None]:
    """Return what is left after each step of a solution; None from the first false step on.

    A step is false if it is no join, its numbers are not there, or its result is wrong.
    """
    left: tuple[int, ...] | None = read_problem(problem)[0]
    found = []
    for join in read_steps(text)[0]:
        left = _after(left, join)
        found.append(left)
    return found


def _after(left, join) -> tuple[int, ...] | None:
    """Carry out a join; None if that cannot be done."""
    if left is None or join is None or not join.true:
        return None
    used = Counter((join.left, join.right))
    if used - Counter(left):
        return None
    return tuple(sorted([*(Counter(left) - used).elements(), join.result]))


@functools.lru_cache(1 << 16)
def balance(steps: tuple[str, ...]) -> tuple[Counter, Counter] | None:
    """Return the numbers that steps in this order need, and those they leave; None: no joins.

    What a step makes is used before what is given.
    """
    needed: Counter = Counter()
    made: Counter = Counter()
    for join in read_steps("".join(f"{step};" for step in steps))[0]:
        if join is None:
            return None
        for number in (join.left, join.right):
            (made if made[number] else needed).update({number: -1 if made[number] else 1})
        made[join.result] += 1
    return needed, +made


@functools.lru_cache(1 << 16)
def _canonical(steps: tuple[str, ...]) -> tuple[str, ...]:
    account = balance(steps)
    if account is None or len(steps) >= COUNTS[-1]:  # which is right for no problem
        return steps
    joins_ = read_steps("".join(f"{step};" for step in steps))[0]
    tidy = [_larger_first(join) for join in joins_]
    orders = itertools.permutations(sorted(tidy))
    return next(order for order in orders if balance(order) == account)


def _larger_first(join: Join) -> str:
    if join.sign != "-" and join.left < join.right:
        join = join._replace(left=join.right, right=join.left)
    return str(join)


class Countdown:
    """The :class:`ttclib.lm.protocols.Task` of these functions: an answer is a tuple of steps."""

    step_end = ";"

    def prompt(self, problem: str) -> str:
        """Return the problem with its question mark."""
        return problem.rstrip("?") + "?"

    def answer(self, text: str) -> tuple[str, ...] | None:
        """Return the steps of a solution; None if there is none, or something follows the last."""
        *steps, tail = text.rstrip(END).split(";")
        return None if tail or not steps else tuple(steps)

    def canonical(self, answer: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Return the same joins, the larger number first, in alphabetical order.

        Of the orders in which a join comes after those whose results it uses, the first.
        """
        return None if answer is None else _canonical(answer)

    def reference(self, problem: str) -> None:
        """Return None: a problem has many answers, and each can be checked."""
        read_problem(problem)

    def right(self, problem: str, answer: tuple[str, ...] | None) -> bool:
        """Whether all steps are true, every number is used once, and the target is left."""
        if answer is None:
            return False
        numbers, target = read_problem(problem)
        *_, left = follow(problem, "".join(f"{step};" for step in answer))
        return len(answer) == len(numbers) - 1 and left == (target,)

    def right_steps(self, problem: str, text: str) -> int:
        """Count the steps after which the target can still be reached."""
        target = read_problem(problem)[1]
        fine = (left and _reaches(left, target) for left in follow(problem, text))
        return sum(1 for _ in itertools.takewhile(bool, fine))


TASK = Countdown()


def still_reachable(problem: str, text: str) -> float:
    """Score a text as one who knows all: 1 while the target can be reached from it; else 0.

    A finished text has to have reached it. This is the exact verifier of the task.
    """
    if text.endswith(END):
        return float(TASK.right(problem, TASK.answer(text)))
    numbers, target = read_problem(problem)
    left = [tuple(sorted(numbers)), *follow(problem, text)][-1]
    return float(left is not None and _reaches(left, target))


def true_so_far(problem: str, text: str) -> float:
    """Score a text as one who can only calculate: 1 while every step is true; else 0.

    A finished text has to have reached the target. Nobody looks ahead.
    """
    if text.endswith(END):
        return float(TASK.right(problem, TASK.answer(text)))
    return float(None not in follow(problem, text))


RULES = {"exact": still_reachable, "true": true_so_far}

# ---- drawing -------------------------------------------------------------------------------------


@checked
def split_of(problem: str) -> str:
    """Say which split a problem belongs to, for ever: 5% test, 5% validation, the rest train.

    The order of its numbers makes no difference. There are some 10,000 problems of three numbers,
    so that 1% would be too few to test on.
    """
    numbers, target = read_problem(problem)
    return _split(tuple(sorted(numbers)), target)


def _split(numbers: tuple[int, ...], target: int) -> str:
    text = write_problem(numbers, target)
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 20
    return {0: "test", 1: "validation"}.get(digest, "train")


@checked
def draw(count: int, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw numbers, and join two of them at random until one is left.

    Each pair is as likely as the others, and each sign whose result is allowed. What cannot be
    joined, or ends at no target, is left out.

    Parameters
    ----------
    count : int
        Numbers of a problem.
    n : int
        How often to try.

    Returns
    -------
    (numbers, joins) : tuple of numpy.ndarray of int, shapes (m, count) and (m, count − 1, 4)
        m ≤ n problems. A join is left, place of its sign in ``"+-*"``, right and result.
    """
    count = whole_number("count", count, 2)
    numbers = rng.integers(1, LARGEST_NUMBER + 1, (whole_number("n", n), count))
    left = numbers
    found = np.zeros((n, count - 1, 4), int)
    fine = np.ones(n, bool)
    every = np.arange(n)
    for step in range(count - 1):
        order = rng.random(left.shape).argsort(axis=1, kind="stable")
        left = np.take_along_axis(left, order, axis=1)
        large, small = left[:, :2].max(axis=1), left[:, :2].min(axis=1)
        results = np.stack([large + small, large - small, large * small])
        allowed = (results >= 1) & (results <= LARGEST_RESULT)
        fine &= allowed.any(axis=0)
        sign = np.where(allowed, rng.random(allowed.shape), -1).argmax(axis=0)
        result = results[sign, every]
        found[:, step] = np.stack([large, sign, small, result], axis=1)
        left = np.column_stack([result, left[:, 2:]])
    fine &= np.isin(left[:, 0], TARGETS)
    return numbers[fine], found[fine]


def drawn(split: str, count: int, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Yield problems of a split without end, each with the solution that it was made from."""
    one_of("split", split, SPLITS)
    while True:
        numbers_, joins_ = draw(count, _DRAWS, rng)
        for numbers, steps in zip(numbers_.tolist(), joins_.tolist(), strict=True):
            target = steps[-1][-1]
            if _split(tuple(sorted(numbers)), target) == split:
                text = "".join(f"{a}{SIGNS[s]}{b}={c};" for a, s, b, c in steps)
                yield write_problem(numbers, target), text + END


@checked
def problems(
    split: str, n: int, rng: np.random.Generator, counts: Sequence[int] = COUNTS
) -> list[str]:
    """Draw ``n`` different problems of a split, of each count of numbers in turn.

    Problems with the same numbers in another order are the same.

    Raises
    ------
    ValueError
        If there is no such split, or it has too few problems.
    """
    streams = [drawn(split, count, rng) for count in counts]
    found: dict[tuple, str] = {}
    for i in range(whole_number("n", n)):
        for text, _ in itertools.islice(streams[i % len(streams)], _TRIES):
            numbers, target = read_problem(text)
            found.setdefault((tuple(sorted(numbers)), target), text)
            if len(found) > i:
                break
        else:
            count = counts[i % len(counts)]
            raise ValueError(f"the split {split!r} has too few problems of {count} numbers")
    return list(found.values())


def examples(n: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Draw ``n`` problems to learn from, each with a solution, of each count of numbers in turn."""
    streams = itertools.cycle([drawn("train", count, rng) for count in COUNTS])
    return [next(stream) for stream in itertools.islice(streams, n)]
