"""What notebook 15b answers to its predictions holds for other lucks, too.

Of what is moved again, a hundred lucks are drawn; of what was recorded, the problems, runs or seeds
are drawn again 399 times. A sentence must hold in 19 of 20 of them.
"""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from sentences import Says

from ttclib.course.looking_back import figures, live, recorded
from ttclib.course.looking_back.budgets import exponent, knee, share_out, steps_of

SHARE = 0.95
says = Says("15b_looking_back")


@cache
def shown():
    again, settings = live.budgets()
    read, more = recorded.budgets()
    budgets = sorted([*again, *read], key=lambda budget: budget.notebook)
    return budgets, {setting.name: setting for setting in [*settings, *more]}


def stops(budget, price):
    """Whether each replicate stops within its record."""
    return knee(budget.amount, budget.draws, price) < len(budget.amount) - 1


def of(kind):
    return [budget for budget in shown()[0] if figures.part(budget) == kind]


@pytest.mark.answers("15b-021", 1)
def test_answers_stop_and_estimates_do_not():
    answers = np.mean([stops(one, 0.05) for one in of(figures.ANSWERS)], axis=0)
    estimates = np.any([stops(one, 0.05) for one in of(figures.ESTIMATES)], axis=0)
    says(
        "The answers: most of them stop. No estimate does.",
        np.mean((answers > 0.5) & ~estimates) > SHARE,
    )


def early(places, amount):
    """Whether a budget stops in the first half of its record; near the end luck may decide."""
    return places < (len(amount) - 1) / 2


@pytest.mark.parametrize("name", ["darts", "transitions", "particles"])
def test_a_law_has_no_knee(name):
    (one,) = (budget for budget in shown()[0] if budget.name == name)
    cheap, dear = (early(knee(one.amount, one.draws, p), one.amount) for p in (0.2, 0.4))
    says("Between 20% and 40%", np.mean(~cheap & dear) > SHARE)
    says("takes off 29% for each doubling", round(1 - 2**-0.5, 2) == 0.29)


@pytest.mark.answers("15b-021", 2)
def test_a_law_has_no_knee_for_a_hundred_lucks():
    found = []
    for luck in range(100):
        n, squares = live.darts(np.random.default_rng((luck, 7)), 12, 100)
        loss = np.sqrt(squares.mean(axis=1))
        cheap, dear = (early(knee(n, loss, price), n) for price in (0.2, 0.4))
        found.append(dear and not cheap)
    assert np.mean(found) > SHARE


@pytest.mark.answers("15b-021", 4)
def test_a_knee_is_known_far_worse_than_its_curve():
    (one,) = (budget for budget in shown()[0] if budget.name == "best-of-N weighted")
    _, low, high = one.stops()
    says(
        "400 problems leave open whether it stops at 8 or goes on to the end",
        one.amount[low] == 8 and high == len(one.amount) - 1,
    )


@pytest.mark.answers("15b-028", 1)
def test_the_first_ten_doublings_go_to_a_better_rate():
    budgets, _ = shown()
    falls = [steps_of(one).tolist() for one in budgets]
    place = [one.name for one in budgets].index("points, one a stratum")
    says("Most of them to the evenly spread points.", share_out(falls, 10)[place] >= 7)
    for luck in range(100):
        n, squares = live.strata(np.random.default_rng((luck, 8)), 12, 100)
        loss = np.sqrt(squares.mean(axis=1))
        one = budgets[place]._replace(amount=n.astype(float), loss=loss)
        assert steps_of(one).mean() > -np.log2(1 - 0.6)
    says("takes off more than 60% of the error", min(falls[place]) > -np.log2(1 - 0.6))


@pytest.mark.answers("15b-018", 1)
def test_estimates_follow_one_law_but_for_the_strata():
    root_n, steeper = [], []
    for one in of(figures.ESTIMATES):
        low, high = one.slope_interval()
        (steeper if high < -1.3 else root_n).append(one.name)
        near = -0.65 < one.slope < -0.4
        assert high < -1.3 or (near and (high < -0.35 or low < -0.5 < high))
    says("All but one follow the same law", len(root_n) > 4 and len(steeper) == 1)
    says("the points that are spread evenly: a better *rate*", steeper == ["points, one a stratum"])


@pytest.mark.answers("15b-018", 2)
def test_only_pass_at_k_rises_so_high():
    answers = of(figures.ANSWERS)
    won = np.array([1 - one.draws[:, -1] / one.draws[:, 0] for one in answers])
    best = [answers[place].name for place in won.argmax(axis=0)]
    says("2. pass@k, and only", np.mean(np.array(best) == "samples, pass@k") > SHARE)


@pytest.mark.answers("15b-018", 3)
def test_one_budget_falls_clearly():
    falls = []
    for one in shown()[0]:
        if (np.diff(one.draws, axis=1) > 0.1 * one.draws[:, :-1]).any(axis=1).mean() > SHARE:
            falls.append(one.name)
    says(
        "3. One, clearly: the verifier that read a little more", falls == ["reading of a verifier"]
    )


@pytest.mark.answers("15b-021", 3)
def test_a_vote_is_paid_for_at_two_percent():
    (vote,) = (one for one in shown()[0] if one.name == "samples, majority")
    at = vote.amount[knee(vote.amount, vote.loss, 0.02)]
    says("3. At 2%, up to some sixteen samples; at 3% not for a second one.", at == 16)
    assert knee(vote.amount, vote.loss, 0.03) == 0


@pytest.mark.answers("15b-028", 2)
def test_twenty_doublings_buy_no_search():
    budgets, _ = shown()
    falls = [steps_of(one).tolist() for one in budgets]
    taken = share_out(falls, 20)
    searched = [one.notebook in ("08", "09") for one in budgets]
    estimates = [figures.part(one) == figures.ESTIMATES for one in budgets]
    says(
        "2. None. Most go to estimates.", taken[searched].sum() == 0 and taken[estimates].sum() > 10
    )


@pytest.mark.answers("15b-028", 3)
def test_so_many_in_all_or_so_much_for_each():
    budgets, _ = shown()
    falls = [steps_of(one).tolist() for one in budgets]
    for price in np.linspace(0.02, 0.6, 59):
        needed = exponent(price) - 1e-9
        at_price = [sum(fall >= needed for fall in row) for row in falls]
        same = share_out(falls, sum(at_price)).tolist() == at_price
        says("3. The same doublings are bought.", same)
    taken = share_out(falls, 40)
    least = min(row[n - 1] for row, n in zip(falls, taken, strict=True) if n)
    says("With 40 doublings here the price is 30%", round(100 * (1 - 2**-least)) == 30)
    bought = sum(one.bought(0.3) for one in budgets)
    says("At 30% section 4 buys 44, a few more", round(bought) == 44)


@pytest.mark.answers("15b-033", 1)
def test_settings_have_their_best_places_in_other_lucks():
    _, settings = shown()
    cold, hot = (settings[f"temperature, for {k}"] for k in ("1 sample", "64 samples"))
    says(
        "cold for one sample, hot for many",
        (cold.draws.argmin(axis=1) == 0).mean() > SHARE
        and (hot.draws.argmin(axis=1) == len(hot.values) - 1).mean() > SHARE,
    )
    lookahead = settings["lookahead k of a beam"].draws.argmin(axis=1)
    says("it is best without looking ahead", (lookahead == 0).mean() > SHARE)
    for name in (
        "step size of a random walk",
        "parameters, for equal training FLOPs",
        "ESS threshold, share of n",
    ):
        best = settings[name].draws.argmin(axis=1)
        last = len(settings[name].values) - 1
        says("have their best place in the middle", ((best > 0) & (best < last)).mean() > SHARE)
    threshold = settings["ESS threshold, share of n"]
    worst = threshold.draws.max(axis=1) / threshold.draws.min(axis=1)
    says("a filter that never selects, costs a factor of five", (worst > 5).mean() > SHARE)
