"""What notebook 00 answers to its predictions, exactly or over a hundred lucks.

Where a sentence speaks of a run, it has to hold in 95 of 100 lucks; the lucks are those of the
views, 0 to 99.
"""

import functools
import math

import numpy as np
import pytest
from drawings import Drawing
from sentences import Says

from ttclib.course.start_here import answers, figures
from ttclib.sampling import montecarlo

LUCKS = range(100)
OFTEN = 0.95
CHANCE = 0.2
says = Says("00_start_here")


def test_what_is_said_of_two_runs():
    lost = 2 / math.pi * math.atan(1 / 4)
    says("wrong about one time in six", round(1 / lost) == 6)
    says("Somebody paid 16 times as much", 4096 / 256 == 16)


@pytest.fixture
def view(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    return figures.first_view(montecarlo.darts, answers.middle_90)


@pytest.mark.answers("00-012c", 1)
def test_the_answer_does_not_come_closer_at_every_step():
    steps = []
    for luck in LUCKS:
        gaps = []
        for k in range(4, 19):
            here = montecarlo.darts(2**k, np.random.default_rng(luck))
            gaps.append(abs(here.value - math.pi))
        steps.append((np.diff(gaps) > 0).any())
    says("1. No. One run wanders inside the band.", np.mean(steps) >= OFTEN)


@pytest.mark.answers("00-012c", 2)
def test_the_band_narrows_ten_times_for_a_hundred(view):
    """The band of the view is one and the same in every luck: it is read off its own panel."""
    view.at(darts=2**18)
    n, width = view.moving(2)[0].get_data()
    slope = np.polyfit(np.log10(n), np.log10(width), 1)[0]
    says("2. About 10 times", 9 < 10 ** (-2 * slope) < 11.5)
    hundred = width[:-7] / width[7:] * 100**0.5 / 128**0.5  # seven steps are a factor of 128
    assert ((hundred > 7.5) & (hundred < 13)).all()


@pytest.mark.answers("00-012c", 3)
def test_new_luck_changes_the_answers_and_not_the_band(view):
    seen = []
    for luck in (0, 1):
        _, cost = view.at(luck, darts=256)
        seen.append((view.moving(1)[0].get_ydata(), view.moving(2)[0].get_ydata(), cost.units))
    (blue, band, cost), (other, same, paid) = seen
    says("The darts, the blue answers and their bars change.", (blue != other).any())
    says("The band, the truth and the cost stay", (band == same).all() and cost == paid)


def exact(attempts, skill):
    return figures.judged_probability(attempts, CHANCE, skill)


@pytest.mark.answers("00-020", 1)
def test_the_perfect_judge():
    says("$1-0.8^{16}\\approx 0.97$, and practically 1", round(exact(16, math.inf), 2) == 0.97)
    assert exact(256, math.inf) > 0.999999


@pytest.mark.answers("00-020", 2)
def test_the_blind_judge():
    says("so it stays at 0.2 whatever you pay", exact(256, 0.0) == pytest.approx(0.2, abs=1e-9))


@pytest.mark.answers("00-020", 3)
def test_the_noisy_judge():
    says("its 256 attempts do less than 8 with the perfect", exact(256, 1.0) < exact(8, math.inf))
    rising = [exact(2**k, 1.0) for k in range(9)]
    says("It keeps gaining", (np.diff(rising) > 0).all())


def best_of(attempts, skill, rng):
    solver, judge = rng.spawn(2)
    right = solver.random((attempts, 1000)) < CHANCE
    score = np.where(right, skill, 0.0) + judge.standard_normal(right.shape)
    return right[score.argmax(axis=0), np.arange(1000)].astype(float)


@functools.cache
def measured(shared):
    """Gains and errors at 16 attempts, (2, lucks, people): as in the view."""
    found = np.empty((2, len(LUCKS), 20))
    for luck in LUCKS:
        for person in range(20):
            a = best_of(16, 1.0, np.random.default_rng((luck, person)))
            other = (luck, person) if shared else (luck, person, 1)
            b = best_of(16, 1.1, np.random.default_rng(other))
            found[:, luck, person] = answers.gain(a, b)
    return found


@pytest.mark.answers("00-024c", 1)
def test_the_same_luck_makes_shorter_bars():
    (_, same), (_, own) = measured(True), measured(False)
    ratio = own.mean(axis=1) / same.mean(axis=1)
    says("between three and four times shorter", np.mean((ratio > 3) & (ratio < 4.2)) >= OFTEN)
    says("more than ten times as many questions", np.mean(ratio**2 > 10) >= OFTEN)


@pytest.mark.answers("00-024c", 2)
def test_how_many_are_sure():
    sure = [(abs(g) > 1.96 * e).sum(axis=1) for g, e in (measured(True), measured(False))]
    says("On the left all twenty, and hardly ever one fewer.", np.mean(sure[0] == 20) >= OFTEN)
    says("On the right about eight with 16 attempts", 7 < sure[1].mean() < 10)
    usual = (sure[1] >= 4) & (sure[1] <= 13)
    says("mostly between four and thirteen", usual.mean() >= OFTEN)
    most = "The first picture shows sixteen, the most of a hundred lucks."
    says(most, sure[1].argmax() == 0 and sure[1].max() == 16)
