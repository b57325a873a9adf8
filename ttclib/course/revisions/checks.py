"""Checks of notebook 10: the distance of two texts, the long run of a chain, nested chains."""

from __future__ import annotations

import numpy as np

from ttclib.course.revisions.turns import Turns
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


@exercise
def distance(yours):
    """``yours(a, b)`` → letters to insert, delete or replace to make one text the other."""
    got = yours("12+3=15", "12+3=25")
    if close(got, 2):
        mistake("to replace a letter is one edit, not an insertion and a deletion")
    if close(got, 6):
        mistake("that counts the letters that agree; count the edits")
    expect(close(got, 1), f"from 12+3=15 to 12+3=25 one letter is replaced; yours says {got}")
    got = yours("1234", "234")
    if close(got, 4):
        mistake("compared place by place all four differ; but the first may be deleted: one edit")
    if close(got, 3):
        mistake("place by place three differ; but the first letter may be deleted: one edit")
    expect(close(got, 1), f"from 1234 to 234 one letter is deleted; yours says {got}")
    expect(close(yours("234", "1234"), 1), "an inserted letter is one edit, too")
    got = yours("", "#12")
    expect(close(got, 3), f"from an empty text to #12 three letters are inserted; yours says {got}")
    expect(close(yours("#12", ""), 3), "from #12 to an empty text three letters are deleted")
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = ("".join(rng.choice(list("12;"), size=rng.integers(0, 7))) for _ in range(2))
        got = yours(a, b)
        right = edit_distance(a, b)
        expect(close(got, right), f"from {a!r} to {b!r} it takes {right}; yours says {got}")
    return "the last attempt in the paper's context is the wrong one with the fewest edits"


@exercise
def stationary(yours):
    """``yours(righted, spoiled)`` → the share that is right in the long run."""
    got = yours(0.3, 0.1)
    if close(got, 0.25):
        mistake("upside down: that is the share of wrong ones")
    if close(got, 0.3):
        mistake("that is who turns right in a step; the right ones that are there stay, mostly")
    if close(got, 3.0):
        mistake("that is right ones for each wrong one; which share of all is that?")
    if close(got, 0.2):
        mistake("that is the gain of a step from none right and none wrong; set gain to loss")
    expect(close(got, 0.75), f"with 0.3 and 0.1 as many turn each way at 0.75; yours says {got}")
    expect(close(yours(0.2, 0.0), 1.0), "what never spoils ends with all of them right")
    expect(close(yours(0.0, 0.4), 0.0), "what never rights ends with none")
    expect(close(yours(0.5, 0.5), 0.5), "as likely either way: half of them")
    return "as many are righted as are spoiled, so nothing changes any more"


@exercise
def nested(yours):
    """``yours(n, j)`` → attempts of chain j, j from 0: every split of n is then in the record."""
    chains = range(16)
    got = [yours(16, j) for j in chains]
    expected = [steps_of(16, j) for j in chains]
    if got == [16] * 16:
        mistake("that holds every split, but far less does: the last chain needs only one attempt")
    if got == [16 // (j + 1) for j in chains]:
        mistake(
            "ratios are powers of two: chain 2 is first needed where there are four chains, so it "
            "needs 16 / 4 = 4 attempts, not 16 / 3"
        )
    if got == [16 >> j for j in chains]:
        mistake("halve at the chains 1, 2, 4, 8, not at each: chains 2 and 3 are as long")
    if got == [steps_of(16, max(j - 1, 0)) for j in chains]:
        mistake("chains count from 0: chain 1 is the second, and is needed where there are two")
    expect(got == expected, f"with n = 16 the chains have {expected} attempts; yours have {got}")
    mine = [yours(128, j) for j in range(128)]
    expect(mine == [steps_of(128, j) for j in range(128)], "16 come out right, 128 do not")
    return "1 chain of 128, 2 of 64, …, 128 of one: all in 576 attempts"
