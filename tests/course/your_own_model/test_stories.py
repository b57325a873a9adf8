"""Stories with numbers: every story can be told, and each verifier sees just what it says."""

import re

import numpy as np
import pytest

from ttclib.course.your_own_model import stories
from ttclib.testing import check_task

MIA = "Mia has 6 marbles. Mia finds 3. Mia loses 4."
RIGHT = "Mia has 6; finds 3, so 6 + 3 = 9; loses 4, so 9 - 4 = 5; answer 5."
TASK = stories.Stories()


def solve(problem):
    """A right solution, written from the story."""
    name, now = re.match(r"(\w+) has (\d+)", problem).groups()
    steps = [f"{name} has {now};"]
    now = int(now)
    for verb, n in re.findall(r"\. \w+ ([a-z ]+) (\d+)", problem):
        after = now + int(n) if verb in stories.MORE else now - int(n)
        sign = "+" if after > now else "-"
        steps.append(f" {verb} {n}, so {now} {sign} {n} = {after};")
        now = after
    return "".join(steps) + f" answer {now}."


@pytest.mark.parametrize("changes", [1, 2, 3])
def test_stories_can_be_told_and_solved(changes, seed):
    told = [stories.story(changes, np.random.default_rng([seed, i])) for i in range(100)]
    check_task(TASK, {problem: solve(problem) for problem in told})
    for problem in told:
        kept = np.cumsum(stories.told(problem))
        assert len(kept) == changes + 1 and kept.min() >= 1
        for verifier in stories.VERIFIERS.values():  # a right solution is never doubted
            text = solve(problem)
            assert all(verifier(problem, text[:i]) == 1 for i in ends(text))


def ends(text):
    return [0, *(i + 1 for i, letter in enumerate(text) if letter == ";"), len(text)]


@pytest.mark.parametrize(
    ("text", "sums", "numbers"),
    [
        ("Mia has 6; finds 3, so 6 + 3 = 8;", False, False),  # a false sum
        ("Mia has 6; finds 3, so 5 + 3 = 8;", False, False),  # it does not go on
        ("Mia has 6; finds 3, so 6 + 3 = 9; loses 4, so 9 - 4 = 5; answer 4.", False, False),
        ("Mia has 6; gets 8;", True, False),  # no sum
        ("Mia has 6; loses 4, so 6 - 4 = 2;", True, False),  # not in the story's order
        ("Mia has 7;", True, False),  # not what she has
        ("Mia has 6; finds 3, so 6 + 3 = 9; answer 9.", True, False),  # it ends too early
        (RIGHT[:-10] + " finds 1, so 5 + 1 = 6; answer 6.", True, False),  # it goes on
        ("Mia has 6; finds 3, so 6 - 3 = 3;", True, True),  # nobody knows what finding does
        ("", True, True),
    ],
)
def test_what_each_verifier_lets_pass(text, sums, numbers):
    assert stories.sums_hold(MIA, text) == (1 if sums else 0.01)
    assert stories.numbers_follow(MIA, text) == (1 if numbers else 0.01)


def test_a_story_that_is_not_told_as_ours_is_one_line():
    assert stories.told("Mia has 6 nuts. Mia finds 3. Mia gives away 4") == [6, 3, -4]
    for text in ("Mia finds 3.", "", "Mia has six nuts. Mia has 6 nuts."):
        with pytest.raises(ValueError, match="the story must say what somebody has"):
            TASK.reference(text)
    for change in ("Mia eats 3", "Mia finds some", "Mia has 3"):
        with pytest.raises(
            ValueError, match=f"'{change}' is no change; a verb and a number: finds"
        ):
            TASK.reference(f"Mia has 6 nuts. {change}.")
    assert TASK.right_steps(MIA, RIGHT) is None


def test_the_judge_is_asked_about_story_and_solution():
    asked = stories.question(MIA, f" {RIGHT}\n")
    assert f"{MIA}\nSolution: {RIGHT}\nIs the solution right?" in asked
    assert asked.endswith("<|im_start|>assistant\n")
