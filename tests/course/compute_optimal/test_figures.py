"""Pictures of notebook 09 say what the numbers say: on results whose answer is known."""

import re

import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of
from views import control

from ttclib.course.compute_optimal import figures
from ttclib.course.compute_optimal.strategies import shared_out, strategies
from ttclib.measure import bootstrap
from ttclib.search.results import BEST, MAJORITY, WEIGHTED, Curve, Results, Samples

BEAM, BUDGETS, PROBLEMS = "beam M = 4", np.array([1, 4, 16]), 100
HARDNESS = np.arange(PROBLEMS) * 5 // PROBLEMS  # twenty problems in each of five bins


@pytest.fixture
def results():
    """Majority solves bin 0; best-of-N bins 0 and 1, and at 16 bin 2; a beam of 4 or 16 bins 1 to
    3.
    """
    right = np.zeros((4, 3, 2, PROBLEMS))
    right[0] = HARDNESS == 0
    right[1:3] = HARDNESS <= 1
    right[1:3, 2] = HARDNESS <= 2
    right[3] = (HARDNESS >= 1) & (HARDNESS <= 3)
    right[3, 0] = np.nan
    price = np.broadcast_to(BUDGETS[:, None, None], right.shape) * 1e6
    price = np.where(np.isnan(right), np.nan, price)
    judged = price * np.array([0, 1, 1, 1])[:, None, None, None]
    return Results((MAJORITY, WEIGHTED, BEST, BEAM), BUDGETS, right, price, judged)


@pytest.fixture
def samples():
    ease = 1 - HARDNESS / 4
    right = np.arange(16) < 16 * ease[:, None]
    return Samples(
        np.stack([right, right]), np.broadcast_to(ease[:, None] * 0.8 + 0.1, (2, PROBLEMS, 16))
    )


@pytest.fixture
def counts():
    return bootstrap.counts(PROBLEMS, 60, np.random.default_rng(0))


def test_the_waste_is_where_nothing_is_gained(results):
    text = figures.waste_picture(results, HARDNESS, few=4, many=16).text
    assert "easy to hard: +0.00, +0.00, +1.00, +0.00, +0.00" in text
    assert "with one generation: 1.00, 1.00, 0.00, 0.00, 0.00" in text


def test_agreement(samples):
    ease, score = samples.right.mean(axis=(0, 2)), samples.score.mean(axis=(0, 2))
    text = figures.agreement_picture(ease, score).text
    assert text.startswith("100% of 100 problems are in the same bin, 100% at most one bin away")
    assert figures.agreement_picture(ease, 1 - score).text.startswith("20% of 100")


def test_methods(results):
    text = figures.methods_picture(results, HARDNESS, results.names, budgets=(1, 4)).text
    assert f"at 1: {MAJORITY}, {WEIGHTED}, {MAJORITY}" in text
    assert f"at 4: {MAJORITY}, {WEIGHTED}, {BEAM}, {BEAM}, {MAJORITY}" in text
    assert text.endswith(MAJORITY)


def test_rivals_stand_above_the_bars(results, monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    rivals = {
        "all of it": np.ones((3, PROBLEMS)),
        "from 4 on": np.array([0, 0.5, 1])[:, None] * (HARDNESS == 2),
    }
    sheet = figures.methods_picture(results, HARDNESS, results.names, (1, 4), rivals)
    alone = figures.methods_picture(results, HARDNESS, results.names, (1, 4)).text
    assert sheet.text == (
        f"{alone}; all of it at 4: 1.00, 1.00, 1.00, 1.00, 1.00"
        "; from 4 on at 4: 0.00, 0.00, 0.50, 0.00, 0.00"
    )
    marks = [
        {line.get_label(): numbers_of(line)[:, 1] for line in ax.lines} for ax in sheet.fig.axes
    ]
    assert [shown["all of it"].tolist() for shown in marks] == [[1] * 5] * 2
    assert [shown["from 4 on"].tolist() for shown in marks] == [[0] * 5, [0, 0, 0.5, 0, 0]]


def test_the_choice_of_each_bin(results):
    kinds = {"oracle": HARDNESS, "no idea": 0 * HARDNESS + np.arange(PROBLEMS) % 5}
    shown = figures.choice_view(results, kinds, {"half": np.full((3, PROBLEMS), 0.5)})
    line = repr(shown)
    assert line.startswith(
        "slider: budget = 16, difficulty = oracle | picked most often, easy to hard: "
    )
    assert (
        f"{MAJORITY}, {WEIGHTED}, {WEIGHTED}, {BEAM}, {MAJORITY}; solved on the other half 0.800"
        in line
    )
    assert f"{WEIGHTED} 0.600, best in hindsight 0.800" in line
    # easy and hopeless problems pay for a majority: no verifier
    assert "16 generations · 16 M LM FLOPs · 9.6 M verifier FLOPs" in line
    control(shown, "difficulty").value = "no idea"
    line = repr(shown)
    assert line.count(WEIGHTED) == 6 and "best in hindsight 0.600" in line
    assert 0.5 < float(re.search(r"other half (\S+),", line)[1]) < 0.6  # no difficulty, no gain
    control(shown, "budget").value = 1
    assert BEAM not in repr(shown)
    assert not shown.traceback


def test_rivals_stand_beside_the_choice(results, monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    rival = np.array([0, 0.5, 1])[:, None] * (HARDNESS == 2)
    view = figures.choice_view(results, {"oracle": HARDNESS}, {"in the middle": rival})
    for budget, height in ((1, 0.0), (4, 0.5), (16, 1.0)):
        view.at(budget=budget, difficulty="oracle")
        marks = numbers_of(view.moving(1)[-1])
        assert marks[:, 1].tolist() == [0, 0, height, 0, 0, height / 5]


def test_curves_and_efficiency(results, counts):
    bins = {"oracle": HARDNESS, "predicted": HARDNESS}
    curves, flops = (
        strategies(results, bins, counts, np.random.default_rng(0), flops=kind)
        for kind in (False, True)
    )
    greedy = Curve(np.array([0.7]), np.array([3e6]), np.full((60, 1), 0.7), np.full((60, 1), 3e6))
    rivals = {"one greedy text": greedy, "the beam": results.curve(BEAM, counts, flops=True)}
    text = figures.curves_picture(curves, flops, rivals).text
    assert text.endswith(
        "one greedy text 0.700 for 3 M FLOPs; the beam 0.600 for 8 M FLOPs to 0.600 for 32 M FLOPs"
    )
    assert f"{WEIGHTED} 0.400, 0.600; " in text and "compute-optimal, oracle 0.800, 0.800" in text
    text = figures.efficiency_picture(curves, BUDGETS, "generations").text
    assert "N of the strategy, compute-optimal, predicted: at 4 more (more to more)" in text
    # from 0.4 to 0.8 between 1 and 4 generations: 0.6 at 2, and best-of-N weighted has it at 16
    assert f"N of {WEIGHTED}, compute-optimal, oracle: at 4 4× (4× to 4×), at 16 8×" in text
    text = figures.efficiency_picture(flops, BUDGETS, "FLOPs", BEST).text
    assert text.count("at 4 more") == 2 and f"N of {BEST}" in text
    shared = {
        name: shared_out(results, b, counts, np.random.default_rng(0)) for name, b in bins.items()
    }
    # 1 generation for three bins and 4 for two: 2.2 in the mean, for what takes 16
    text = figures.shared_picture(shared, curves, {"one greedy text": greedy}).text
    assert f"oracle: {WEIGHTED} pays 7.3× (" in text
    assert text.endswith("one greedy text 0.700 for 3 M generations")


def test_what_knowing_costs(results, samples, counts):
    # of sixteen samples four may show the difficulty, so that budgets end at 12
    shown = figures.knowing_view(results, samples, counts, looks=(0, 1, 4), budget=4)
    assert "100% of problems in their true bin" not in repr(shown)  # no look: all in one bin
    control(shown, "m").value = 4
    line = repr(shown)
    assert (
        "100% of problems in their true bin; 4 generations for the answer and 4 for the difficulty"
        in line
    )
    # all five bins known: 0.8 at 4 generations, so 0.4 is there at once; with 4 more to look, at 5
    assert "solve 0.800" in line and "with 4, that pays 0.8× (0.8× to 0.8×) as much" in line
    table = figures.spent_table(results, 32)
    assert "32 samples with their scores cost 64 M FLOPs a problem" in table
    assert "8.0 × best-of-N weighted with N = 4" in table and "N = 64" not in table


@pytest.fixture
def records(results, samples):
    """A verifier that ranks right texts first, and one that ranks them last, by best of N alone."""
    telling = np.where(samples.right, 0.9, 0.2)
    tables = (results.right, results.lm_flops, results.verifier_flops)
    fooled = [table[:3].copy() for table in tables]
    fooled[0][2, 1:] = 0  # its favourite is wrong from four samples on
    return {
        "good": (results, Samples(samples.right, telling)),
        "fooled": (
            Results(results.names[:3], BUDGETS, *fooled),
            Samples(samples.right, np.where(samples.right, 0.15, 0.8)),
        ),
    }


def test_what_difficulty_is_worth_by_verifier(records, counts):
    rival = Curve(np.array([0.7]), np.array([1.0]), np.full((60, 1), 0.7), np.ones((60, 1)))
    shown = figures.quality_view(records, HARDNESS, counts, {"one greedy text": rival})
    control(shown, "budget").value = 4
    assert control(shown, "verifier").value == "good"  # the better half of two
    line = repr(shown)
    assert "good, AUC within a problem 1.00: at N = 4" in line
    # a majority solves bin 0, best of N bins 0 and 1, a beam bins 1 to 3: one for all solves 0.6
    assert "best of N alone +0.000 [" in line and "with the searches +0.2" in line
    control(shown, "verifier").value = "fooled"
    line = repr(shown)
    assert "fooled, AUC within a problem 0.00" in line and "with the searches" not in line
    assert f"{BEST} from 0.400 to 0.400 at 1 and 0.000 at 16" in line
    assert not shown.traceback


def test_the_ladder_is_drawn_from_what_knows_least(records, counts, monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    rival = Curve(np.array([0.7]), np.array([1.0]), np.full((60, 1), 0.7), np.ones((60, 1)))
    view = figures.quality_view(records, HARDNESS, counts, {"one greedy text": rival})
    ladder, _ = view.fig.axes
    labels = [tick.get_text() for tick in ladder.get_xticklabels()]
    assert labels == ["fooled  0.00", "good  1.00"]
    (shown,) = (line for line in view.fixed(1) if line.get_label() == "one greedy text")
    assert numbers_of(shown).tolist() == [[1, 0.7]]
    text, _ = view.at(verifier="fooled", budget=16)
    said = float(re.search(r"best of N alone (\S+)", text)[1])
    dots = [numbers_of(line) for line in view.moving(0) if line.get_marker() == "o"]
    assert len(dots[0]) == 2 and len(dots[1]) == 1  # both verifiers, and a ring
    assert dots[0][0] == pytest.approx(dots[1][0]) and dots[1][0, 1] == pytest.approx(
        said, abs=5e-4
    )


def test_stopping_by_verifier(records, counts):
    shown = figures.stopping_view(records, HARDNESS, counts, {}, "good")
    control(shown, "threshold").value = 0.9
    control(shown, "most").value = 16
    line = repr(shown)
    # the right samples come first, so who can be solved is solved by the first
    assert "good, stop at 0.9 or after 16: 0.800 solved with 4.0 generations in the mean" in line
    assert "from easy to hard 1.0, 1.0, 1.0, 1.0, 16.0; best-of-N max with 16 solves 0.600" in line
    control(shown, "verifier").value = "fooled"
    line = repr(shown)
    # it never sees 0.9, and of 16 samples its favourite is wrong but where all are right
    assert "fooled, stop at 0.9 or after 16: 0.200 solved with 16.0 generations" in line
    control(shown, "threshold").value = 0.1
    assert "0.800 solved with 1.0 generations" in repr(shown)
    assert not shown.traceback
