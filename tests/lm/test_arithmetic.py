"""The arithmetic task: expressions, solutions, the step checker, splits."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.lab import training_problems
from ttclib.lm import arithmetic


@st.composite
def expressions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return arithmetic.random_expression(draw(st.sampled_from(arithmetic.OPERATIONS)), rng)


@given(expressions())
@settings(deadline=None)
def test_writing_reading_and_python_agree(expression):
    text = arithmetic.write(expression)
    assert arithmetic.parse(text) == expression
    assert arithmetic.value(expression) == eval(text)
    assert arithmetic.check_problem(text) == expression  # within the task's bounds


@given(expressions())
@settings(deadline=None)
def test_parentheses_are_as_few_as_possible(expression):
    text = arithmetic.write(expression)
    for i, character in enumerate(text):
        if character == "(":
            depth, j = 1, i
            while depth:
                j += 1
                depth += (text[j] == "(") - (text[j] == ")")
            without = text[:i] + text[i + 1 : j] + text[j + 1 :]
            assert arithmetic.parse(without) != expression


@given(expressions())
@settings(deadline=None)
def test_solution_is_right_at_every_step(expression):
    problem, solution = arithmetic.write(expression), arithmetic.solve(expression)
    verdict = arithmetic.check_solution(problem, solution + arithmetic.END)
    assert verdict.finished and verdict.right and all(verdict.correct)
    assert len(verdict.correct) == solution.count(";") == sum(problem.count(s) for s in "+-*")
    assert arithmetic.answer(solution) == arithmetic.value(expression)
    assert len(arithmetic.example(problem)) <= arithmetic.MAX_LENGTH
    assert set(arithmetic.example(problem)) <= set(arithmetic.ALPHABET + arithmetic.END)


@given(expressions(), st.integers(0, 2**32))
@settings(deadline=None)
def test_any_order_of_true_reductions_is_accepted(expression, seed):
    rng, problem, steps = np.random.default_rng(seed), arithmetic.write(expression), []
    while not isinstance(expression, int):
        choices = list(arithmetic.reducible(expression))
        node, expression = choices[rng.integers(len(choices))]
        steps.append(f"{arithmetic.write(node)}={arithmetic.apply(*node)};")
    verdict = arithmetic.check_solution(problem, "".join(steps) + f"#{expression}")
    assert all(verdict.correct) and verdict.right


@pytest.mark.parametrize(
    ("solution", "correct", "finished", "right"),
    [
        ("17-9=8;8*12=96;96+45=141;#141", (True, True, True), True, True),
        ("17-9=8;8*12=95;95+45=140;#140", (True, False, False), True, False),  # wrong from there on
        ("17-9=8;12+45=57;", (True, False), False, False),  # not an operation of what is left
        ("9-17=8;", (False,), False, False),  # sides turned round
        ("17-9=8;8*12=96;96+45=141;#14", (True, True, True), True, False),
        ("17-9=8;8*12=96;96+4", (True, True), False, False),  # an unfinished step is not judged
        ("17-9=8;;", (True, False), False, False),
        ("#141", (), True, True),  # a lucky guess is right, with no step to praise
        ("#141#7", (), False, False),
        ("", (), False, False),
    ],
)
def test_step_checker(solution, correct, finished, right):
    assert arithmetic.check_solution("(17-9)*12+45", solution) == arithmetic.StepCheck(
        correct, finished, right
    )


def test_equal_operations_are_reduced_one_at_a_time():
    assert arithmetic.check_solution("(1+2)*(1+2)", "1+2=3;1+2=3;3*3=9;#9").correct == (
        True,
        True,
        True,
    )
    assert arithmetic.check_solution("(1+2)*(1+2)", "1+2=3;3*3=9;#9").correct == (True, False)


@pytest.mark.parametrize("text", ["#12", "3=3;#12", "#12\n"])
def test_answer_is_read(text):
    assert arithmetic.answer(text) == 12


@pytest.mark.parametrize("text", ["", "#", "12", "#1x", "#12;", "# 12"])
def test_no_answer(text):
    assert arithmetic.answer(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not an expression"),
        ("1+", "lacks a number at its end"),
        ("1+*2", "lacks a number before"),
        ("(1+2", "open parenthesis"),
        ("1+2)", "goes on after"),
        ("1/2+3", "not an expression"),
        ("abc", "not an expression"),
        ("1000-1", "1000 is not allowed"),
        ("0+1+1", "0 is not allowed"),
        ("1-2+3", "1-2 is -1"),
        ("99*99+1", "99*99 is 9801"),
        ("1+1+1+1+1+1+1+1+1", "has 8 operations"),
        ("7", "it must have 1 to 7"),
    ],
)
def test_bad_problems_get_one_line(text, says):
    with pytest.raises(ValueError) as caught:
        arithmetic.check_problem(text)
    assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 8_000 + "1" + ")" * 8_000,
        "9" * 5_000,
        "1+" + "9" * 5_000,
        "+".join("1" * 2_500),
        "what is this? " * 400,
        "1" * 144,
        "(" * 71 + "1+1" + ")" * 71,
        "1+" * 71 + "1",
        "12" * 70 + ")",
        "\n" * 100,
    ],
    ids=range(10),
)
def test_what_is_too_long_or_too_deep_gets_one_short_line(text):
    for read in (
        arithmetic.check_problem,
        lambda text: arithmetic.check_problem(text + "-"),
        lambda text: arithmetic.TASK.reference(text + "@"),
        lambda text: arithmetic.check_solution("*" + text, "#1"),
    ):
        with pytest.raises(ValueError) as caught:
            read(text)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 160


def test_numbers_that_are_too_long_to_read_are_no_answer_and_no_step():
    digits = "9" * 5_000
    assert arithmetic.answer(f"1+1=2;#{digits}") is None
    for solution in (f"{digits}+1={digits};", f"1+1={digits};", f"1+1=2;#{digits}"):
        verdict = arithmetic.check_solution("1+1", solution)
        assert not verdict.right and not verdict.finished
        assert verdict.correct in ((False,), (True,))
    assert arithmetic.TASK.right_steps("1+1", f"1+1=2;1+{digits}=3;") == 1


@pytest.mark.parametrize("text", ["1+1", "12+30", "999-998", "9*9*9+1"])
def test_what_people_type_first_is_allowed(text):
    assert arithmetic.value(arithmetic.check_problem(text)) == eval(text)


def test_a_typed_problem_may_have_spaces_and_a_question_mark():
    assert arithmetic.check_problem(" 1 + 2 * 3 ?") == arithmetic.parse("1+2*3")


def test_splits_are_disjoint_balanced_and_fixed():
    drawn = {
        split: arithmetic.problems(split, 120, np.random.default_rng(3))
        for split in ("train", "validation", "test")
    }
    for split, texts in drawn.items():
        assert len(set(texts)) == 120
        assert all(arithmetic.split_of(text) == split for text in texts)
        counts = np.bincount([sum(t.count(s) for s in "+-*") for t in texts])[2:]
        assert (counts == 20).all()
    # the split is a property of the text: other versions must never move a problem
    assert [arithmetic.split_of(t) for t in ("64+51+31", "72+84+53", "1+2+3")] == [
        "train",
        "train",
        "train",
    ]
    with pytest.raises(ValueError, match="train, validation or test"):
        arithmetic.problems("dev", 1, np.random.default_rng(0))


def test_training_problems_are_balanced_and_small_ones_are_common():
    """Shares within six standard errors: a false alarm in about one of 10⁸ runs."""
    n = 7 * 3_000
    texts = training_problems(n, np.random.default_rng(5))
    assert all(arithmetic.split_of(text) == "train" for text in texts)
    assert (np.bincount([sum(t.count(s) for s in "+-*") for t in texts])[1:] == 3_000).all()
    largest = np.array([max(map(len, re.findall(r"[0-9]+", text))) for text in texts])
    # a problem of the smallest size has one-digit numbers only; others come out small too
    assert (largest == 1).mean() > 0.4 - 6 * np.sqrt(0.4 * 0.6 / n)
    single = [text for text in texts if re.fullmatch("[0-9][-+*][0-9]", text)]
    assert len(single) > len(set(single))  # again and again


def test_signs_are_as_likely_as_they_can_be():
    """Of two numbers of one digit every sign is possible: a third each, within six errors."""
    rng = np.random.default_rng(6)
    n = 6_000
    signs = [arithmetic.random_expression(1, rng, [1]).sign for _ in range(n)]
    for sign in "+-*":
        assert abs(signs.count(sign) / n - 1 / 3) < 6 * np.sqrt(2 / 9 / n)
