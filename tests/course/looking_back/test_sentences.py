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
from ttclib.course.looking_back.budgets import knee, share_out, steps_of

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


def test_a_law_has_no_knee_for_a_hundred_lucks():
    found = []
    for luck in range(100):
        n, squares = live.darts(np.random.default_rng((luck, 7)), 12, 100)
        loss = np.sqrt(squares.mean(axis=1))
        cheap, dear = (early(knee(n, loss, price), n) for price in (0.2, 0.4))
        found.append(dear and not cheap)
    assert np.mean(found) > SHARE


def test_a_knee_is_known_far_worse_than_its_curve():
    (one,) = (budget for budget in shown()[0] if budget.name == "best-of-N weighted")
    _, low, high = one.stops()
    says(
        "400 problems leave open whether it stops at 8 or goes on to the end",
        one.amount[low] == 8 and high == len(one.amount) - 1,
    )


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


def test_settings_have_their_best_places_in_other_lucks():
    _, settings = shown()
    cold, hot = (settings[f"temperature, for {k}"] for k in ("1 sample", "64 samples"))
    says(
        "cold for one sample, hot for many",
        (cold.draws.argmin(axis=1) == 0).mean() > SHARE
        and (hot.draws.argmin(axis=1) == len(hot.values) - 1).mean() > SHARE,
    )
    for name in ("step size of a random walk", "parameters, for equal training FLOPs"):
        best = settings[name].draws.argmin(axis=1)
        last = len(settings[name].values) - 1
        says("have their best place in the middle", ((best > 0) & (best < last)).mean() > SHARE)
    threshold = settings["ESS threshold, share of n"]
    worst = threshold.draws.max(axis=1) / threshold.draws.min(axis=1)
    says("a filter that never selects, costs a factor of five", (worst > 5).mean() > SHARE)
