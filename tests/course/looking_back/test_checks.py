"""Checks of notebook 15b: the right answer passes, and each slip is told what it is."""

import itertools

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


def to_the_end_and_on(falls, doublings):
    taken = [0] * len(falls)
    for _ in range(doublings):
        taken[max(range(len(falls)), key=lambda i: falls[i][taken[i]])] += 1
    return taken


KNEES = {
    "return its place in the array": lambda a, y, p: a[knee(a, y, p)],
    "look at all larger budgets": first_that_does_not_pay,
    "that is where least is left": lambda a, y, p: int(np.argmin(y)),
    "place 3, and yours is 4": lambda a, y, p: 4,
    "return its place, an index": lambda a, y, p: (y * a ** -np.log2(1 - p)).min(),
    "counted from the end": lambda a, y, p: (y * a ** -np.log2(1 - p))[::-1].argmin(),
    "to base 2": lambda a, y, p: knee(a, y, 1 - 2 ** np.log(1 - p)),
    "takes off just its price": lambda a, y, p: (y * a ** -np.log2(1 - p)).argmin(),
    "multiply by the amount itself": lambda a, y, p: (y * a).argmin(),
    "pays to the end of the record": lambda a, y, p: 3,
    "at a price of 35% never pays": lambda a, y, p: knee(a, y, 0.05),
    "amounts need not double": by_steps,
    "place 3, and yours is 2": lambda a, y, p: (y + a * p).argmin(),
    "not of the price itself": lambda a, y, p: (y * a ** -np.log2(p)).argmin(),
}
SHARES = {
    "more was spent than there is": lambda falls, n: [3, 3, 0],
    "equal shares": in_turn,
    "no reason to buy the next ones": all_to_the_best,
    "something is left over": lambda falls, n: [1, 1, 0],
    "3, 1, 0; yours": lambda falls, n: [3, 0, 1],
    "with 100 doublings all rows are bought": lambda falls, n: [3, 1, 0],
    "with nothing to spend": lambda falls, n: shared(falls, max(n, 4)),
    "is not bought": idle_too,
    "3 numbers; yours gives 4": lambda falls, n: sorted(itertools.chain(*falls), reverse=True)[:n],
    "who has no next one buys none": to_the_end_and_on,
}


def by_the_definition(amount, loss, price):
    """Plain loops: the first place from which no larger amount pays."""
    n = len(amount)
    for i in range(n):
        prices = [(1 - price) ** np.log2(amount[j] / amount[i]) for j in range(i + 1, n)]
        left = [loss[i] * part for part in prices]
        if all(loss[i + 1 + k] > most * (1 + 1e-9) for k, most in enumerate(left)):
            return i


def by_the_bill(amount, loss, price):
    bill = np.round(loss * amount ** -np.log2(1 - price), 12)
    return len(bill) - 1 - bill[::-1].argmin()


def bill(amount, loss, price):
    return np.round(np.log(loss) - np.log2(1 - price) * np.log(amount), 9)


def by_the_largest(falls, doublings):
    """All doublings in one list, the largest first."""
    every = sorted(((f, i) for i, row in enumerate(falls) for f in row if f > 0), reverse=True)
    return np.bincount([i for _, i in every[:doublings]], minlength=len(falls))


def one_by_one(falls, doublings):
    rows = [list(row) for row in falls]
    taken = np.zeros(len(rows))
    while doublings > 0 and any(row and row[0] > 0 for row in rows):
        best = max(range(len(rows)), key=lambda i: rows[i][0] if rows[i] else 0.0)
        rows[best].pop(0)
        taken[best] += 1
        doublings -= 1
    return taken


RIGHT = [
    *((checks.knee, answer) for answer in (knee, by_the_definition, by_the_bill)),
    (checks.knee, lambda a, y, p: int(np.flatnonzero((b := bill(a, y, p)) == b.min())[-1])),
    *((checks.share_out, answer) for answer in (shared, by_the_largest, one_by_one)),
    (checks.share_out, lambda falls, n: tuple(shared(falls, n).tolist())),
]
WRONG = [
    (check, slip, words)
    for check, slips in ((checks.knee, KNEES), (checks.share_out, SHARES))
    for words, slip in slips.items()
]
AGAIN = {  # what is told the same as another slip
    "look at all larger budgets": lambda a, y, p: int(np.argmax(-np.diff(y) / y[:-1] < p)),
    "that is where least is left": lambda a, y, p: (y * a ** np.log2(1 - p)).argmin(),
}
WRONG += [(checks.knee, slip, words) for words, slip in AGAIN.items()]


def test_a_blank_is_not_attempted():
    for check in (checks.knee, checks.share_out):
        assert check(lambda *_: ...).mark == "–"
        assert check(...).mark == "–"
