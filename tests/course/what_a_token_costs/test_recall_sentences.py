"""What notebook 14 says of memories and of heads that forget, and the numbers it rests on."""

import numpy as np
from sentences import Says

from ttclib.course.what_a_token_costs import recall
from ttclib.course.what_a_token_costs import recall_figures as figures

says = Says("14_what_a_token_costs")
DISTANCES = np.arange(1, 257)


def pairs_until_half(size):
    return next(n for n in range(1, 999) if recall.law(n, size, size) < 0.5)


def test_how_many_pairs_a_state_recalls():
    halves = {size: pairs_until_half(size) for size in (8, 16, 32)}
    says("34 pairs, then 84", (halves[8], halves[16]) == (34, 84))
    says("With 32 × 32 it is 240", halves[32] == 240)
    ratios = (halves[16] / halves[8], halves[32] / halves[16])
    between = 2.4 < ratios[0] < 2.6 and 2.8 < ratios[1] < 3.0
    says("holds two and a half to three times the pairs", between)
    says("About two and a half times", abs(ratios[0] - 2.5) < 0.1)


def test_what_counts_is_the_pairs_on_each_number():
    """As signal to noise, exactly; the share recalled then also knows how many values there are."""
    same = {
        recall.signal_to_noise(n, size, values)
        for n, size, values in ((64, 8, 8), (256, 16, 16), (256, 32, 8), (512, 8, 64))
    }
    says("What counts is how many pairs come on each number of the state", same == {1.0})


def test_who_says_the_latest_value():
    rng = np.random.default_rng(0)
    few = np.mean([figures.latest(recall.corrected, 8, 32, rng) for _ in range(200)])
    many = np.mean([figures.latest(recall.corrected, 64, 32, rng) for _ in range(200)])
    says("The delta rule *replaces*", few > 0.97)
    says("with twice as many keys as numbers in a key it is a coin as well", abs(many - 0.5) < 0.1)


def test_an_insurance_has_a_price():
    short = {}
    for size in (8, 16, 32, 64):
        single = np.array(
            [recall.faded_share(DISTANCES, [1 - 2.0**-k] * 4, size) for k in range(1, 11)]
        )
        best = single.max(axis=0)
        several = recall.faded_share(DISTANCES, figures.SCALES, size)
        short[size] = ((best - several).max(), (best - single).max(axis=1))
        says("Each one falls below the four scales somewhere", (single < several).any(axis=1).all())
        says("At each distance some single scale is better", (best > several).all())
    about = [abs(mixed - alone.min()) < 0.03 for mixed, alone in list(short.values())[1:]]
    says("one scale would be about as good", all(about))
    says("for small keys better", short[8][1].min() < short[8][0] - 0.05)
    chosen = [int(np.argmin(alone)) + 1 for _, alone in short.values()]
    says("the right one is another for every size of key", chosen == [5, 6, 7, 8])
    far_more = [alone.max() > 2 * mixed for mixed, alone in short.values()]
    says("the wrong one costs far more than the insurance", all(far_more))
