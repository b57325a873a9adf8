"""Stories with numbers: the task that notebook 16 brings to SmolLM2, and a judge of its texts.

A story says what somebody has, and what then changes; asked is what is left. A solution repeats
each change and does its sum: ``Mia has 6; finds 3, so 6 + 3 = 9; answer 9.``
"""

from __future__ import annotations

import re

import numpy as np

from ttclib.inputs import short
from ttclib.lm.pretrained import chat

MORE = ("finds", "buys", "gets")
LESS = ("loses", "sells", "gives away")
SHOTS = """Mia has 6 marbles. Mia finds 3. Mia loses 4.
Mia has 6; finds 3, so 6 + 3 = 9; loses 4, so 9 - 4 = 5; answer 5.

Leo has 8 stickers. Leo gives away 5.
Leo has 8; gives away 5, so 8 - 5 = 3; answer 3.

Ida has 5 nuts. Ida buys 7. Ida gets 2.
Ida has 5; buys 7, so 5 + 7 = 12; gets 2, so 12 + 2 = 14; answer 14.

Tom has 9 bells. Tom sells 3. Tom gets 8. Tom loses 2.
Tom has 9; sells 3, so 9 - 3 = 6; gets 8, so 6 + 8 = 14; loses 2, so 14 - 2 = 12; answer 12.

"""
_NAMES = ("Anna", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hugo")
_THINGS = ("apples", "books", "coins", "eggs", "pens", "shells", "stamps", "cards")
_CHANGE = re.compile(rf"\b({'|'.join(MORE + LESS)}) (\d+)")
_SUM = re.compile(r"(\d+) ([+-]) (\d+) = (\d+)")


class Stories:
    """The methods of :class:`ttclib.lm.protocols.Task`."""

    step_end = ";"

    def prompt(self, problem: str) -> str:
        """Return four stories with their solutions, and the new story."""
        return f"{SHOTS}{problem}\n"

    def answer(self, text: str) -> int | None:
        """Return the number behind the word *answer*; None if there is none."""
        found = re.search(r"answer (\d+)", text)
        return int(found[1]) if found else None

    def canonical(self, answer):
        """Return the form in which equal answers are the same: of a number, itself."""
        return answer

    def reference(self, problem: str) -> int:
        """Return what is left at the end; the story must be one that :func:`told` reads."""
        return sum(told(problem))

    def right(self, problem: str, answer) -> bool:
        """Whether that is what is left."""
        return answer == self.reference(problem)

    def right_steps(self, problem: str, text: str) -> int | None:
        """Return None: this task cannot tell a right step from a wrong one."""
        return None


def told(problem: str) -> list[int]:
    """Return what a story tells: what somebody has, and each change with its sign.

    Raises
    ------
    ValueError
        If it does not say what somebody has, or a sentence tells no change that we know.
    """
    first, *others = problem.split(".")
    has = re.search(r"has (\d+)", first)
    if not has:
        raise ValueError('the story must say what somebody has, as in "Mia has 6 nuts."')
    numbers = [int(has[1])]
    for sentence in filter(str.strip, others):
        found = _CHANGE.search(sentence)
        if not found:
            known = ", ".join(MORE + LESS)
            raise ValueError(
                f"{short(sentence.strip())} is no change; a verb and a number: {known}"
            )
        numbers.append(int(found[2]) if found[1] in MORE else -int(found[2]))
    return numbers


def sums_hold(problem: str, text: str) -> float:
    """Return 1 if every sum in a text is true and goes on from the one before, else 0.01.

    It does not read the story: which number belongs into a sum, and with which sign, it cannot say.
    """
    left = re.search(r"has (\d+)", text)
    now = int(left[1]) if left else None
    for a, sign, b, c in _SUM.findall(text):
        gives = int(a) + int(b) if sign == "+" else int(a) - int(b)
        if int(a) != now or int(c) != gives:
            return 0.01
        now = gives
    told = Stories().answer(text)
    return 1.0 if told in (None, now) else 0.01


def numbers_follow(problem: str, text: str) -> float:
    """Return 1 if the sums are true and use the story's numbers in their order, else 0.01.

    It knows no verb: that who sells has less, it cannot say.
    """
    now, *rest = map(int, re.findall(r"\d+", problem))
    sums = _SUM.findall(text)
    steps = text.count(";")
    told = Stories().answer(text)
    if re.findall(r"\d+", text)[:1] not in ([], [str(now)]) or len(sums) < steps - 1:
        return 0.01
    for k, (a, sign, b, c) in enumerate(sums):
        gives = now + int(b) if sign == "+" else now - int(b)
        if k >= len(rest) or (int(a), int(b), int(c)) != (now, rest[k], gives):
            return 0.01
        now = gives
    ends = told is None or (told == now and len(sums) == len(rest))
    return 1.0 if ends else 0.01


VERIFIERS = {"sums": sums_hold, "numbers": numbers_follow}


def story(changes: int, rng: np.random.Generator) -> str:
    """Return a new story with so many changes, in which nobody ever has less than nothing."""
    name, thing = (str(rng.choice(words)) for words in (_NAMES, _THINGS))
    now = int(rng.integers(3, 10))
    told = [f"{name} has {now} {thing}."]
    for _ in range(changes):
        more = now < 3 or rng.random() < 0.5
        n = int(rng.integers(2, 9) if more else rng.integers(1, now))
        told.append(f"{name} {rng.choice(MORE if more else LESS)} {n}.")
        now += n if more else -n
    return " ".join(told)


def question(problem: str, text: str) -> str:
    """Return what a judge is asked about a text: is this solution right?"""
    asked = f"{problem}\nSolution: {text.strip()}\nIs the solution right? Answer Yes or No."
    return chat(asked)
