"""Checks of notebook 10: the right answer passes, and each slip is told what it is."""

from verdicts import *  # noqa: F403

from ttclib.course.revisions import checks


def hamming(a, b):
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


def only_front(a, b):
    return sum(x != y for x, y in zip(a, b, strict=False))


def common(a, b):
    """Length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for x in a:
        before = row
        row = [0]
        for j, y in enumerate(b, 1):
            row.append(before[j - 1] + 1 if x == y else max(before[j], row[j - 1]))
    return row[-1]


DISTANCES = {
    "to replace a letter": lambda a, b: len(a) + len(b) - 2 * common(a, b),
    "letters that agree": lambda a, b: sum(x == y for x, y in zip(a, b, strict=False)),
    "compared place by place all four": hamming,
    "place by place three": only_front,
    "one letter is deleted": lambda a, b: 1 if len(a) == len(b) else 5,
    "three letters are inserted": lambda a, b: checks.edit_distance(a, b) if a else 0,
    "it takes": lambda a, b: min(checks.edit_distance(a, b), 3),
    "three letters are deleted": lambda a, b: checks.edit_distance(a, b) if b else 1,
    "an inserted letter": lambda a, b: 1 if len(a) >= len(b) else 0,
    "one letter is replaced": lambda a, b: 5,
}
LONG_RUNS = {
    "upside down": lambda a, b: b / (a + b),
    "turns right in a step": lambda a, b: a,
    "for each wrong one": lambda a, b: a / b,
    "set gain to loss": lambda a, b: a - b,
    "as many turn each way": lambda a, b: 1.0,
    "never spoils": lambda a, b: a / (a + b) if b else 0.0,
    "never rights": lambda a, b: a / (a + b) if a else 1.0,
    "as likely either way": lambda a, b: a / (a + b) if a != b else 0.0,
}
NESTED = {
    "far less does": lambda n, j: n,
    "not 16 / 3": lambda n, j: n // (j + 1),
    "not at each": lambda n, j: n >> j,
    "count from 0": lambda n, j: checks.steps_of(n, max(j - 1, 0)),
    "with n = 16": lambda n, j: 1,
    "128 do not": lambda n, j: checks.steps_of(min(n, 16), j),
}
RIGHT = [
    (checks.distance, checks.edit_distance),
    (checks.stationary, checks.long_run),
    (checks.nested, checks.steps_of),
]
WRONG = [
    (check, answer, words)
    for check, wrong in (
        (checks.distance, DISTANCES),
        (checks.stationary, LONG_RUNS),
        (checks.nested, NESTED),
    )
    for words, answer in wrong.items()
]
