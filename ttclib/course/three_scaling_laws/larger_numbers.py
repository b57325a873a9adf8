"""A shifted task for lab-small: sums and differences of four-digit numbers, which it never met."""

from __future__ import annotations

import numpy as np

from ttclib.inputs import whole_number
from ttclib.lm.arithmetic import Expression, Operation, split_of, value, write

OPERATIONS = range(1, 5)
SMALLEST = 1000
LARGEST = 9999  # of numbers and of results


def large_sum(operations: int, rng: np.random.Generator) -> Expression:
    """Draw a chain of sums and differences of four-digit numbers, with results from 0 to 9,999."""

    def number():
        return int(rng.integers(SMALLEST, LARGEST + 1))

    expression: Expression = number()
    for _ in range(whole_number("operations", operations, 0)):
        other = number()
        total = value(expression)
        if total + other <= LARGEST and rng.random() < 0.5:
            expression = Operation(expression, "+", other)
        elif total >= other:
            expression = Operation(expression, "-", other)
        else:
            expression = Operation(other, "-", expression)
    return expression


def problems(split: str, n: int, rng: np.random.Generator) -> list[str]:
    """Draw ``n`` different problems of a split, balanced over the number of operations.

    Splits are those of :func:`ttclib.lm.arithmetic.split_of`.
    """
    found: dict[str, None] = {}  # an ordered set
    while len(found) < n:
        text = write(large_sum(OPERATIONS[len(found) % len(OPERATIONS)], rng))
        if split_of(text) == split:
            found[text] = None
    return list(found)
