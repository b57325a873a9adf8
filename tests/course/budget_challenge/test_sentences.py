"""What notebook 09b says outside its predictions, held against what its cells printed.

The cells' outputs are compared by the notebooks' own test; here the sentences are held to them.
"""

import itertools
import re
from functools import cache

import nbformat
import numpy as np
import solutions
from sentences import Says

from tools import notebooks
from ttclib.course.budget_challenge import figures

NAME = "09b_budget_challenge"
says = Says(NAME)


@cache
def printed(cell_id):
    """The text that a cell printed."""
    cells = nbformat.read(notebooks.FOLDER / f"{NAME}.ipynb", nbformat.NO_CONVERT).cells
    (text,) = (solutions.text_of(cell) for cell in cells if cell.id == cell_id)
    return text


def number(pattern, cell_id):
    """The number that a pattern finds in the text of a cell."""
    (found,) = re.findall(pattern, printed(cell_id))
    return float(found)


LADDER = {
    name: (float(share), float(millions))
    for name, share, millions in re.findall(
        r"(?:: |; )([^;:]+?) (0\.\d+) for (\d+) M", printed("09b-007")
    )
}


def test_reading_costs_as_much_as_writing():
    written = number(r"written for (\d+) M FLOPs", "09b-003")
    read = number(r"read for another (\d+) M", "09b-003")
    says("so reading costs as much as writing", abs(read / written - 1) < 0.05)


def test_the_purse_would_have_had_to_be_twice_as_full():
    _, paid = LADDER["best-of-4 weighted"]
    _, unread = LADDER["majority of 4"]  # the same texts, and nobody reads them
    says("It would have needed twice as much.", 1.8 < paid / 60 < 2.2)
    says("half of what it spent went to an opinion", 0.45 < unread / paid < 0.55)
    says("The purse holds 60 million FLOPs a problem.", True)


def test_bars_of_neighbours_overlap_and_the_two_ends_do_not():
    rng = np.random.default_rng(0)

    def bar(share):
        return np.quantile(rng.binomial(50, share, 20_000) / 50, (0.05, 0.95))

    assert len(LADDER) == 6
    ranked = sorted(share for share, _ in LADDER.values())
    bars = [bar(share) for share in ranked]
    overlap = all(low[1] > high[0] for low, high in itertools.pairwise(bars))
    says("neighbours overlap, the two ends do not", overlap and bars[0][1] < bars[-1][0])


def test_what_a_text_costs():
    _, one = LADDER["one greedy text of the body"]
    says("One text costs 36 million.", one == 36)
    says("That is hardly more than one text.", 1 < 40 / one < 1.2)
    greedy = figures.references()[figures.BODY]
    says("one greedy text of the body, which costs 37 million", round(greedy.paid[0] / 1e6) == 37)


def test_a_guided_search_is_cheaper_than_a_vote_of_as_many():
    curves = figures.references()
    # budgets double from 1 to 256 texts: 16 is the fifth from the end
    vote, guided = (curves[name].paid[-5] for name in ("majority", figures.NINES))
    says("It costs *less* than a vote of 16, because what is copied is shared.", guided < vote)


def test_ours_is_ahead_of_both_rivals():
    lows = re.findall(r"ahead by [+-]\d\.\d+ \[([+-]\d\.\d+), ", printed("09b-015"))
    says("Together they are ahead of both.", len(lows) == 2 and min(map(float, lows)) > 0)


def test_error_of_fifty_problems():
    error = np.sqrt(50 * 0.88 * 0.12)
    says("At 44 of 50 one standard error is 2.3 problems.", round(error, 1) == 2.3)
    says("A try that is ahead by two is not ahead.", error > 2)
