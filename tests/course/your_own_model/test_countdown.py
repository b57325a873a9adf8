"""The second lab task against every expression that can be written, and against mutants."""

import functools
import itertools
from fractions import Fraction

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value
from hypothesis import given, settings
from hypothesis import strategies as st

from ttclib.course.your_own_model import countdown
from ttclib.course.your_own_model.countdown import TASK, Join
from ttclib.lm import tokenizer
from ttclib.lm.arithmetic import MAX_LENGTH
from ttclib.testing import check_task

PROBLEM = "8;3;7=77"
SOLUTION = "8+3=11;11*7=77;\n"


def values(numbers):
    """Every value of every expression over all the numbers: all orders, trees and signs."""
    found = set()
    for order in itertools.permutations(numbers):
        found |= trees(order)
    return found


@functools.cache
def trees(order):
    """The values of the expressions whose leaves stand in this order."""
    if len(order) == 1:
        return {order[0]}
    found = set()
    for cut in range(1, len(order)):
        for a, b in itertools.product(trees(order[:cut]), trees(order[cut:])):
            found |= {c for c in (a + b, a - b, a * b) if 1 <= c <= countdown.LARGEST_RESULT}
    return found


@pytest.mark.parametrize("count", countdown.COUNTS)
def test_what_can_be_reached_is_what_some_expression_says(count, seed):
    rng = np.random.default_rng(seed)
    for _ in range({3: 60, 4: 12, 5: 1}[count]):
        numbers = rng.integers(1, countdown.LARGEST_NUMBER + 1, count).tolist()
        expected = values(numbers)
        found = {t for t in range(countdown.LARGEST_RESULT + 2) if countdown.can_reach(numbers, t)}
        assert found == expected


def without_ones(numbers, target):
    """A mutant: it takes a number times one for no join."""
    if len(numbers) == 1:
        return numbers[0] == target
    return any(
        without_ones(rest, target)
        for join, rest in countdown.joins(tuple(sorted(numbers)))
        if not (join.sign == "*" and join.right == 1)
    )


def any_number_will_do(numbers, target):
    """A mutant: not every number has to be used."""
    return any(
        countdown.can_reach(some, target)
        for size in range(1, len(numbers) + 1)
        for some in itertools.combinations(numbers, size)
    )


@pytest.mark.parametrize("mutant", [without_ones, any_number_will_do])
def test_mutants_of_what_can_be_reached_are_told_apart(mutant):
    cases = [((1, 4, 9), 36), ((2, 3, 5), 8)]
    assert any(mutant(numbers, target) != (target in values(numbers)) for numbers, target in cases)


def test_the_joins_of_two_numbers_are_these():
    found = {str(join): rest for join, rest in countdown.joins((3, 8))}
    assert found == {"8+3=11": (11,), "8-3=5": (5,), "8*3=24": (24,)}
    assert {str(join) for join, _ in countdown.joins((7, 7))} == {"7+7=14", "7*7=49"}
    assert [str(join) for join, _ in countdown.joins((100, 100))] == []  # 0, 200 and 10,000


# ---- the task ------------------------------------------------------------------------------------


def test_the_task_keeps_its_promises(seed):
    problems = countdown.problems("validation", 60, np.random.default_rng(seed))
    check_task(TASK, {problem: countdown.solve(problem) for problem in problems})
    check_task(TASK, dict(countdown.examples(60, np.random.default_rng(seed))))


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (SOLUTION, 2),
        ("3+8=11;7*11=77;\n", 2),  # the smaller number first
        ("8+3=11;11*7=77;", 2),  # no end yet
        ("8+3=11;11*7=77", 1),  # the last step has not ended
        ("8+3=12;12*7=84;\n", 0),  # false
        ("8+3=11;11*7=78;\n", 1),  # false in the end
        ("8*3=24;24+7=31;\n", 0),  # true, and 77 is out of reach
        ("8+3=11;\n", 1),  # a number is left
        ("11*7=77;8+3=11;\n", 0),  # 11 is not there yet
        ("8+3=11;11*7=77;77*1=77;\n", 2),  # there is no 1
        ("8+8=16;\n", 0),  # 8 is there once
        ("8-8=0;\n", 0),
        ("3-8=-5;\n", 0),
        ("8+3=11;;\n", 1),
        ("", 0),
        ("\n", 0),
        ("77", 0),
    ],
)
def test_steps_are_right_while_the_target_can_be_reached(text, steps):
    assert TASK.right_steps(PROBLEM, text) == steps
    right = text.rstrip("\n").endswith("77;") and steps == 2 and text.count(";") == 2
    assert TASK.right(PROBLEM, TASK.answer(text)) == right


def every_text(numbers):
    """Every sequence of true steps that joins all the numbers, with what it comes to."""
    if len(numbers) == 1:
        yield (), numbers[0]
        return
    for i, j in itertools.permutations(range(len(numbers)), 2):
        rest = [number for k, number in enumerate(numbers) if k not in (i, j)]
        a, b = numbers[i], numbers[j]
        for sign, c in (("+", a + b), ("-", a - b), ("*", a * b)):
            if 1 <= c <= countdown.LARGEST_RESULT:
                for steps, result in every_text([*rest, c]):
                    yield (f"{a}{sign}{b}={c}", *steps), result


@pytest.mark.parametrize("problem", ["8;3;7=77", "4;4;2=16", "2;5;3;1=30", "12;12;1=12"])
def test_right_and_right_steps_are_what_enumeration_says(problem):
    numbers, target = countdown.read_problem(problem)
    texts = dict.fromkeys(every_text(list(numbers)))
    good = {steps for steps, result in texts if result == target}
    openings = {steps[:k] for steps in good for k in range(len(steps) + 1)}
    for steps, _ in itertools.islice(texts, 0, None, 1 + len(texts) // 1500):
        text = "".join(f"{step};" for step in steps) + "\n"
        assert TASK.right(problem, steps) == (steps in good)
        expected = max((k for k in range(len(steps) + 1) if steps[:k] in openings), default=0)
        assert TASK.right_steps(problem, text) == expected
        for k in range(len(steps) + 1):
            opening = "".join(f"{step};" for step in steps[:k])
            assert countdown.still_reachable(problem, opening) == (steps[:k] in openings)
            assert countdown.true_so_far(problem, opening) == 1


def test_equal_answers_have_one_form_and_others_have_not():
    forms = [
        TASK.canonical(TASK.answer(text))
        for text in (
            "5+4=9;3*2=6;9*6=54;\n",
            "3*2=6;5+4=9;9*6=54;\n",
            "2*3=6;4+5=9;6*9=54;\n",
        )
    ]
    assert set(forms) == {("3*2=6", "5+4=9", "9*6=54")}
    problem = "2;3;4;5=54"
    assert TASK.right(problem, forms[0])
    too_early = TASK.answer("9*6=54;5+4=9;3*2=6;\n")
    assert TASK.canonical(too_early) not in forms  # it uses what is not there
    assert not TASK.right(problem, TASK.canonical(too_early))
    assert TASK.canonical(("8-3=5",)) != TASK.canonical(("3-8=5",))


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_a_form_is_right_just_where_the_answer_is(seed):
    rng = np.random.default_rng(seed)
    ((problem, solution),) = countdown.examples(1, rng)
    steps = list(TASK.answer(solution))
    shuffled = tuple(steps[i] for i in rng.permutation(len(steps)))
    form = TASK.canonical(shuffled)
    assert TASK.canonical(form) == form
    assert TASK.right(problem, form) == TASK.right(problem, shuffled)


def sorted_steps(answer):
    """A mutant of the form: the steps sorted, whether or not they can be carried out so."""
    return answer and tuple(sorted(answer))


def test_sorted_steps_are_no_form():
    answer = ("8+3=11", "11*7=77")
    assert TASK.right(PROBLEM, answer) and TASK.right(PROBLEM, TASK.canonical(answer))
    assert not TASK.right(PROBLEM, sorted_steps(answer))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("8;3;7", "write 8;3;7=77"),
        ("8;3=11", "has 2 numbers"),
        ("8;3;7;1;1;1=77", "has 6 numbers"),
        ("8;3;21=77", "not from 1 to 20"),
        ("8;0;7=77", "not from 1 to 20"),
        ("8;3;7=9", "from 10 to 99"),
        ("8;3;7=100", "from 10 to 99"),
        ("8;3;7=99", "99 cannot be reached from 8, 3, 7"),
        ("8+3", "write 8;3;7=77"),
        ("", "write 8;3;7=77"),
    ],
)
def test_what_is_no_problem_gets_one_line(text, line):
    with pytest.raises(ValueError, match=line) as refusal:
        countdown.check_problem(text)
    assert "\n" not in str(refusal.value)


def test_a_problem_may_have_blanks_and_a_question_mark():
    assert countdown.check_problem(" 8; 3; 7 = 77 ?") == PROBLEM
    assert TASK.prompt(PROBLEM) == TASK.prompt(PROBLEM + "?") == PROBLEM + "?"
    assert TASK.reference(PROBLEM) is None


def test_a_problem_without_a_solution_has_none():
    assert countdown.solve("8;3;7=99") is None
    assert TASK.right(PROBLEM, TASK.answer(countdown.solve(PROBLEM)))


# ---- drawing -------------------------------------------------------------------------------------


def test_texts_fit_the_lab_model_and_its_letters(seed):
    for problem, solution in countdown.examples(600, np.random.default_rng(seed)):
        tokens = tokenizer.encode(TASK.prompt(problem) + solution)
        assert len(tokens) <= MAX_LENGTH
        assert TASK.right(problem, TASK.answer(solution))
        assert all(join.true for join in countdown.read_steps(solution)[0])


def test_problems_are_different_balanced_and_of_their_split(seed):
    found = countdown.problems("test", 300, np.random.default_rng(seed))
    keys = {(tuple(sorted(countdown.read_problem(p)[0])), p.split("=")[1]) for p in found}
    assert len(keys) == 300
    assert [p.count(";") + 1 for p in found] == [*countdown.COUNTS] * 100
    assert {countdown.split_of(p) for p in found} == {"test"}
    assert countdown.split_of("8;3;7=77") == countdown.split_of("7;8;3=77")


def test_a_split_that_is_used_up_says_so(monkeypatch):
    monkeypatch.setattr(countdown, "LARGEST_NUMBER", 4)
    with pytest.raises(ValueError, match="too few problems of 3 numbers"):
        countdown.problems("train", 800, np.random.default_rng(0), [3])


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split"):
        countdown.problems("dev", 3, np.random.default_rng(0))


def first_signs(draw, seed):
    """How many of the first joins add up, among those of 20 and 1 with the number 3 beside them."""
    _, joins = draw(3, 60_000, np.random.default_rng(seed))
    large, sign, small, _ = joins[:, 0].T
    mine = (large <= 13) & (small >= 2) & (large > small)  # all three signs are allowed
    mine &= large + small <= countdown.LARGEST_RESULT
    return sign[mine]


def exact_share_of_sums():
    """P(the first sign is + | large ≤ 13, small ≥ 2, they differ, a target is reached).

    The sum runs over all ordered pairs, third numbers and signs.
    """
    total = {sign: Fraction(0) for sign in range(3)}
    for a, b in itertools.product(range(2, 14), repeat=2):
        if a <= b:
            continue
        for sign, first in enumerate((a + b, a - b, a * b)):
            for third in range(1, countdown.LARGEST_NUMBER + 1):
                large, small = max(first, third), min(first, third)
                results = (large + small, large - small, large * small)
                allowed = [c for c in results if 1 <= c <= countdown.LARGEST_RESULT]
                hits = sum(c in countdown.TARGETS for c in allowed)
                if allowed:
                    total[sign] += Fraction(hits, len(allowed))
    return total[0] / sum(total.values())


@pytest.mark.statistical
def test_signs_are_drawn_evenly(seed):
    signs = first_signs(countdown.draw, seed)
    share = float(exact_share_of_sums())
    assert binomial_p_value(int((signs == 0).sum()), len(signs), share) > FALSE_ALARM


@pytest.mark.statistical
def test_a_taste_for_sums_is_caught(seed):
    def taste(count, n, rng):
        numbers, joins = countdown.draw(count, n, rng)
        keep = (joins[:, 0, 1] == 0) | (rng.random(len(joins)) < 0.8)
        return numbers[keep], joins[keep]

    signs = first_signs(taste, seed)
    share = float(exact_share_of_sums())
    assert binomial_p_value(int((signs == 0).sum()), len(signs), share) < FALSE_ALARM


def test_a_join_says_what_it_is():
    assert str(Join(8, "+", 3, 11)) == "8+3=11"
    assert Join(8, "+", 3, 11).true and not Join(8, "+", 3, 12).true
    assert not Join(20, "*", 10, 200).true  # too large
