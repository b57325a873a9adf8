"""Checks of notebook 15b: the right answer passes, and each slip is told what it is."""

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.looking_back import budgets, checks


def knee(amount, loss, price):
    return budgets.knee(amount, loss, price)


def first_that_does_not_pay(amount, loss, price):
    for i in range(len(loss) - 1):
        if loss[i + 1] > loss[i] * (1 - price):
            return i
    return len(loss) - 1


def by_steps(amount, loss, price):
    """Right where amounts double."""
    bill = np.log2(loss) - np.log2(1 - price) * np.arange(len(loss))
    return len(loss) - 1 - np.round(bill, 9)[::-1].argmin()


def shared(falls, doublings):
    return budgets.share_out(falls, doublings)


def in_turn(falls, doublings):
    taken = [0] * len(falls)
    for k in range(doublings):
        taken[k % len(falls)] += 1
    return taken


def in_turn_of_the_best_two(falls, doublings):
    return [2, 2, 0]


def all_to_the_best(falls, doublings):
    best = max(range(len(falls)), key=lambda i: falls[i][0])
    return [len(falls[i]) if i == best else (1 if i == 0 else 0) for i in range(len(falls))]


def idle_too(falls, doublings):
    taken = [0] * len(falls)
    for _ in range(doublings):
        waiting = [row[k] if k < len(row) else -1 for row, k in zip(falls, taken, strict=True)]
        best = int(np.argmax(waiting))
        if waiting[best] < 0:
            break
        taken[best] += 1
    return taken


KNEES = {
    "return its place in the array": lambda a, y, p: a[knee(a, y, p)],
    "look at all larger budgets": first_that_does_not_pay,
    "that is where least is left": lambda a, y, p: int(np.argmin(y)),
    "place 3, and yours is 2": lambda a, y, p: 2,
    "pays to the end of the record": lambda a, y, p: 3,
    "at a price of 40% never pays": lambda a, y, p: knee(a, y, 0.05),
    "amounts need not double": by_steps,
}
SHARES = {
    "more was spent than there is": lambda falls, n: [3, 3, 0],
    "equal shares": in_turn,
    "belongs where it takes off most, whosever turn": in_turn_of_the_best_two,
    "no reason to buy the next ones": all_to_the_best,
    "something is left over": lambda falls, n: [1, 1, 0],
    "3, 1, 0; yours": lambda falls, n: [3, 0, 1],
    "with 100 doublings all rows are bought": lambda falls, n: [3, 1, 0],
    "with nothing to spend": lambda falls, n: shared(falls, max(n, 4)),
    "is not bought": idle_too,
}
RIGHT = [
    (checks.knee, knee),
    (checks.knee, lambda a, y, p: knee(a, y, p)),
    (checks.share_out, shared),
]
WRONG = [
    (check, slip, words)
    for check, slips in ((checks.knee, KNEES), (checks.share_out, SHARES))
    for words, slip in slips.items()
]


def test_a_blank_is_not_attempted():
    for check in (checks.knee, checks.share_out):
        assert check(lambda *_: ...).mark == "–"
        assert check(...).mark == "–"
