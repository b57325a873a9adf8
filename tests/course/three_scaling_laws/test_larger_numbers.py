"""The shifted task: numbers that lab-small never met, in bounds, and no problem in two splits."""

import numpy as np
import pytest

pytest.importorskip("torch")

from ttclib.course.three_scaling_laws import larger_numbers
from ttclib.lm.arithmetic import MAX_LENGTH, Operation, check_solution, example, parse, split_of
from ttclib.lm.arithmetic import value as value_of


def parts(expression):
    """Every number and every operation of an expression."""
    if isinstance(expression, Operation):
        yield from parts(expression.left)
        yield from parts(expression.right)
    yield expression


def test_numbers_have_four_digits_and_results_at_most_as_many(seed):
    rng = np.random.default_rng(seed)
    signs = set()
    for k in range(400):
        found = list(parts(larger_numbers.large_sum(k % 5, rng)))
        numbers = [node for node in found if isinstance(node, int)]
        assert len(numbers) == k % 5 + 1
        assert all(1000 <= number <= 9999 for number in numbers)
        assert all(0 <= value_of(node) <= 9999 for node in found)
        signs |= {node.sign for node in found if isinstance(node, Operation)}
    assert signs == {"+", "-"}


@pytest.mark.parametrize("split", ["train", "test"])
def test_problems_are_different_of_their_split_and_balanced(split):
    found = larger_numbers.problems(split, 60, np.random.default_rng(0))
    assert len(set(found)) == 60 and {split_of(problem) for problem in found} == {split}
    counts = [sum(problem.count(sign) for sign in "+-") for problem in found]
    assert [counts.count(k) for k in larger_numbers.OPERATIONS] == [15] * 4


def test_a_solution_fits_the_model_and_is_right():
    for problem in larger_numbers.problems("train", 40, np.random.default_rng(1)):
        text = example(problem)
        assert len(text) <= MAX_LENGTH
        solution = text.split("?")[1]
        assert check_solution(problem, solution).right
        assert all(check_solution(problem, solution).correct)
        assert parse(problem)
