"""Checks of notebook 10: the distance of two texts, the long run of a chain, nested chains."""

from __future__ import annotations

import contextlib
import math
from collections import Counter

import numpy as np

from ttclib.course.revisions.turns import Turns
from ttclib.course.slips import name_slip
from ttclib.exercise import close, exercise, expect, mistake


def edit_distance(a: str, b: str) -> int:
    """Count the letters to insert, delete or replace between two texts (Levenshtein 1966).

    A column of the table at once, in the bits of two integers: where it grows downwards by one, and
    where it falls (Myers 1999; Hyyrö 2003).
    """
    if not a:
        return len(b)
    places: dict[str, int] = {}
    for i, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << i
    full = (1 << len(a)) - 1
    bottom = 1 << len(a) - 1
    grows = full
    falls = 0
    distance = len(a)
    for letter in b:
        equal = places.get(letter, 0)
        diagonal = (((equal & grows) + grows) ^ grows) | equal | falls
        up = (falls | ~(diagonal | grows)) & full
        down = grows & diagonal
        distance += bool(up & bottom) - bool(down & bottom)
        up = (up << 1 | 1) & full
        down = (down << 1) & full
        grows = (down | ~(diagonal | up)) & full
        falls = up & diagonal
    return distance


def long_run(righted: float, spoiled: float) -> float:
    """Share of right attempts that a two-state chain settles at."""
    return Turns(righted, spoiled).long_run


def steps_of(n: int, j: int) -> int:
    """How many attempts chain j has, so that n of them in any ratio are there."""
    return n >> int(j).bit_length()


def _by_rows(a, b, *, equal=0, replace=1, down=1, across=1, pick=min, insert=1, delete=1):
    """The table of the solution, row by row, with other costs: what slips compute."""
    row = [across * j for j in range(len(b) + 1)]
    for x in a:
        before, row = row, [row[0] + down]
        for j, y in enumerate(b, 1):
            diagonal = before[j - 1] + (equal if x == y else replace)
            row.append(pick(before[j] + delete, row[-1] + insert, diagonal))
    return row[-1]


def _in_one_row(a, b):
    """The row above is written over before the diagonal is read."""
    row = list(range(len(b) + 1))
    for x in a:
        row[0] += 1
        for j, y in enumerate(b, 1):
            row[j] = min(row[j] + 1, row[j - 1] + 1, row[j - 1] + (x != y))
    return row[-1]


def _next_rows(a, b, *, start, keep):
    """Rows whose entry j looks at the letter b[j - start]; ``keep`` the row above for ever."""
    above = list(range(len(b) + 1))
    row = above
    for x in a:
        row = [above[0] + 1]
        for j, y in enumerate(b, start):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
        above = above if keep else row
    return row[-1]


def _cost_outside(a, b):
    """1 is added to the least entry only where the letters differ."""
    row = list(range(len(b) + 1))
    for x in a:
        before, row = row, [row[0] + 1]
        for j, y in enumerate(b, 1):
            row.append(min(before[j], row[-1], before[j - 1]) + (x != y))
    return row[-1]


def _with_swaps(a, b):
    """Two neighbours that change places are one edit, as in Damerau's distance."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        rows.append([i])
        for j, y in enumerate(b, 1):
            least = min(rows[i - 1][j] + 1, rows[i][-1] + 1, rows[i - 1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                least = min(least, rows[i - 2][j - 2] + 1)
            rows[i].append(least)
    return rows[-1][-1]


def _apart(a, b):
    """Places at which two texts differ, as far as both go."""
    return sum(x != y for x, y in zip(a, b, strict=False))


_TEXTS = [
    ("12+3=15", "12+3=25"),
    ("1234", "234"),
    ("234", "1234"),
    ("31-4;2", "13-42;"),
    ("1123", "3331;12"),
    ("12", "1;2"),
    ("1;2", "12"),
    ("#12", ""),
    ("", "#12"),
    ("22;;;", ";;"),
]
_DISTANCES = {
    "to replace a letter is one edit, not an insertion and a deletion": lambda a, b: _by_rows(
        a, b, replace=2
    ),
    "letters that are equal cost nothing: add 1 to the diagonal only where they differ": (
        lambda a, b: _by_rows(a, b, equal=1)
    ),
    "the diagonal is the wrong way round: it costs 1 where the letters differ": (
        lambda a, b: _by_rows(a, b, equal=1, replace=0)
    ),
    "take the least of the three entries, not the largest": lambda a, b: _by_rows(a, b, pick=max),
    "each row begins with one more deletion: row[0] + 1": lambda a, b: _by_rows(a, b, down=0),
    "the first row counts up: from nothing to j letters it takes j insertions": (
        lambda a, b: _by_rows(a, b, across=0)
    ),
    "one way to come to an entry is missing: from the left, an insertion": (
        lambda a, b: _by_rows(a, b, insert=math.inf)
    ),
    "one way to come to an entry is missing: from above, a deletion": (
        lambda a, b: _by_rows(a, b, delete=math.inf)
    ),
    "the diagonal belongs to the row above: keep that row until the new one is done": _in_one_row,
    "the new row must become the row above before the next letter of a comes": (
        lambda a, b: _next_rows(a, b, start=1, keep=True)
    ),
    "that is the length of b: does the new row take the place of the one above?": (
        lambda a, b: len(b)
    ),
    "the row has one entry more than b has letters: entry j looks at letter b[j - 1]": (
        lambda a, b: _next_rows(a, b, start=0, keep=False)
    ),
    "to delete or insert costs 1, whether the letters agree or not: add 1 inside the min": (
        _cost_outside
    ),
    "two neighbours that change places are two edits here": _with_swaps,
    "that counts the letters that agree; count the edits": lambda a, b: sum(
        x == y for x, y in zip(a, b, strict=False)
    ),
    "that goes place by place; delete the first letter of 1234 and the rest agrees: one edit": (
        lambda a, b: _apart(a, b) + abs(len(a) - len(b))
    ),
    "that goes place by place, and leaves out what the longer text has more": _apart,
    "that is how much longer one text is": lambda a, b: abs(len(a) - len(b)),
    "that is what the texts have in common; count what must be changed": lambda a, b: (
        (len(a) + len(b) - _by_rows(a, b, replace=2)) // 2
    ),
    "that counts letters in a bag; their order matters, too": lambda a, b: max(
        (Counter(a) - Counter(b)).total(), (Counter(b) - Counter(a)).total()
    ),
    "that is a share of the length; give the number of edits": lambda a, b: (
        edit_distance(a, b) / max(len(a), len(b), 1)
    ),
    "that is one too many: does it begin with 0 edits?": lambda a, b: edit_distance(a, b) + 1,
}


@exercise
def distance(yours):
    """``yours(a, b)`` → letters to insert, delete or replace to make one text the other."""
    got = yours("12+3=15", "12+3=25")
    if np.ndim(got) > 0:
        mistake("give the last number of the last row, not all of them")
    name_slip(yours, _DISTANCES, _TEXTS)
    expect(close(got, 1), f"from 12+3=15 to 12+3=25 one letter is replaced; yours says {got}")
    got = yours("1234", "234")
    expect(close(got, 1), f"from 1234 to 234 one letter is deleted; yours says {got}")
    got = yours("234", "1234")
    expect(close(got, 1), f"from 234 to 1234 one letter is inserted; yours says {got}")
    got = yours("", "#12")
    expect(close(got, 3), f"from an empty text to #12 three letters are inserted; yours says {got}")
    got = yours("#12", "")
    expect(close(got, 3), f"from #12 to an empty text three are deleted; yours says {got}")
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = ("".join(rng.choice(list("12;"), size=rng.integers(0, 7))) for _ in range(2))
        got = yours(a, b)
        right = edit_distance(a, b)
        expect(close(got, right), f"from {a!r} to {b!r} it takes {right}; yours says {got}")
    return "the last attempt in the paper's context is the wrong one with the fewest edits"


_LONG_RUNS = {
    "upside down: that is the share of wrong ones": lambda a, b: b / (a + b),
    "that is who turns right in a step; the right ones that are there stay, mostly": lambda a, b: a,
    "that is right ones for each wrong one; which share of all is that?": lambda a, b: a / b,
    "that is the gain of a step from none right and none wrong; set gain to loss": (
        lambda a, b: a - b
    ),
    "a / a + b is read as (a / a) + b: put a + b in brackets": lambda a, b: 1 + b,
    "that is who stays right in a step, not who is right in the long run": lambda a, b: 1 - b,
    "that is one step, with half of them right before it; go on until nothing changes": (
        lambda a, b: (a + 1 - b) / 2
    ),
    "that weighs the chances to stay; weigh the chances to turn": lambda a, b: (
        (1 - b) / (2 - a - b)
    ),
    "that weighs the chances to stay, and of the wrong ones": lambda a, b: (1 - a) / (2 - a - b),
    "that is what a step leaves of the distance to the long run": lambda a, b: 1 - a - b,
    "a half only if both chances are equal": lambda a, b: 0.5,
    "give a share between 0 and 1, not a percentage": lambda a, b: 100 * a / (a + b),
    "that is who turns at all, both ways added": lambda a, b: a + b,
    "// cuts the fraction off: divide with /": lambda a, b: a // (a + b),
    "that is the chance to turn right and then wrong": lambda a, b: a * b,
    "that is the chance to turn right and stay so for a step": lambda a, b: a * (1 - b),
}


@exercise
def stationary(yours):
    """``yours(righted, spoiled)`` → the share that is right in the long run."""
    got = yours(0.3, 0.1)
    if np.ndim(got) > 0:
        mistake("give one number: the share that is right")
    name_slip(yours, _LONG_RUNS, [(0.3, 0.1), (0.2, 0.45), (0.6, 0.35)])
    if not close(got, 0.75) and close(got, 0.75, rtol=0.01):
        mistake(f"nearly: with 0.3 and 0.1 it is 0.75, yours says {got}; solve it, or go on longer")
    expect(close(got, 0.75), f"with 0.3 and 0.1 as many turn each way at 0.75; yours says {got}")
    got = yours(0.2, 0.0)
    expect(close(got, 1), f"what never spoils ends with all of them right; yours says {got}")
    with contextlib.suppress(ZeroDivisionError):  # 1 / (1 + b / a) is right as well
        got = yours(0.0, 0.4)
        expect(close(got, 0), f"what never rights ends with none; yours says {got}")
    got = yours(0.2, 0.45)
    expect(close(got, 4 / 13), f"with 0.2 and 0.45 it is 0.2/0.65, not rounded; yours says {got}")
    got = yours(0.5, 0.5)
    expect(close(got, 0.5), f"as likely either way: half of them; yours says {got}")
    return "as many are righted as are spoiled, so nothing changes any more"


def _power_above(x):
    return 2 ** math.ceil(math.log2(x))


_CHAINS = {
    "that holds every split, but far less does: the last chain needs only one attempt": (
        lambda n, j: n
    ),
    "ratios are powers of two: chain 2 is first needed where there are four chains, so it needs "
    "16 / 4 = 4 attempts, not 16 / 3": lambda n, j: n // (j + 1),
    "ratios are powers of two: with 3 chains there is no split of 16, so divide by 4": (
        lambda n, j: n / (j + 1)
    ),
    "rounded up, to a power of two or to a whole number, a chain is too long: round down": (
        lambda n, j: _power_above(n / (j + 1))
    ),
    "halve at the chains 1, 2, 4, 8, not at each: chains 2 and 3 are as long": lambda n, j: n >> j,
    "chain 3 is as long as chain 2: halve at the chains 1, 2, 4, 8 alone": lambda n, j: max(
        1, n >> j
    ),
    "chains count from 0: chain 1 is the second, and is needed where there are two": (
        lambda n, j: steps_of(n, max(j - 1, 0))
    ),
    "that is how many chains the split has; how long is each of them?": lambda n, j: (
        2 ** int(j).bit_length()
    ),
    "halved once too often: chain 0 alone makes the split into one chain of n": lambda n, j: (
        steps_of(n, j) // 2
    ),
    "from chain 1 on halved once too seldom: chain 1 is needed where there are two chains": (
        lambda n, j: n >> max(int(j).bit_length() - 1, 0)
    ),
    "halved once too seldom: the last chain needs only one attempt": lambda n, j: (
        2 * steps_of(n, j)
    ),
    "the other way round: chain 0 is in every split, so it is the longest": lambda n, j: steps_of(
        n, n - 1 - j
    ),
    "that is the number of chains behind it, not a length": lambda n, j: n - j,
    "one attempt each is the split into n chains; chain 0 is in the others, too": lambda n, j: 1,
    "that is how many splits the chain is in; the longest of them counts": lambda n, j: steps_of(
        n, j
    ).bit_length(),
    "that adds its lengths in all splits; they share their attempts": lambda n, j: (
        2 * steps_of(n, j) - 1
    ),
}


@exercise
def nested(yours):
    """``yours(n, j)`` → attempts of chain j, j from 0: every split of n is then in the record."""
    first = yours(16, 0)
    if np.ndim(first) > 0:
        mistake("give the length of chain j alone, one number")
    name_slip(yours, _CHAINS, [(16, j) for j in range(16)])
    for n in (16, 1, 2, 128):
        for j in range(n):
            right = steps_of(n, j)
            got = yours(n, j)
            said = f"with n = {n} chain {j} has {right} attempts; yours says {got}"
            expect(close(got, right), said)
    return "1 chain of 128, 2 of 64, …, 128 of one: all in 576 attempts"
