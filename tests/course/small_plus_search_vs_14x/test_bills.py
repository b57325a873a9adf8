"""Bills, against notebook 07's count and by hand; ways to answer, against the record's reader."""

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from ttclib import artefacts
from ttclib.course.process_reward_model import ladder
from ttclib.course.small_plus_search_vs_14x import bills
from ttclib.course.small_plus_search_vs_14x.bills import Way, alone, bill, frontier, searched
from ttclib.course.small_plus_search_vs_14x.matched import Settings, chosen, up_to
from ttclib.measure import bootstrap
from ttclib.measure.folds import halves
from ttclib.search.results import MAJORITY, WEIGHTED, read_alone, read_results


def entry(steps, **more):
    return {"settings": {"training": {"batch": 2, "steps": steps}, **more}}


MADE = {
    "lab-small": entry(10, texts={"row": 8}, shape={}),
    "lab-large": entry(5, texts={"row": 8}, shape={}),
    "lab-small-own": entry(20, rollouts={"each": 2}),
    "lab-small-some": entry(4, rollouts={"each": 2, "problems": 3}),
    "lab-small-more": entry(30, texts={"row": 8}),
    "prm": entry(
        7,
        start="lab-small-own",
        net={},
        rollouts={"problems": 6, "samples": 4, "row": 8, "solutions": 16},
    ),
    "prm-plain": entry(
        7,
        start="lab-small",
        net={"hears": []},
        rollouts={"problems": 6, "samples": 4, "row": 8, "solutions": 5},
    ),
}


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("lab-small", [6 * 16 * 10, 0, 0, 0]),
        ("lab-large", [6 * 16 * 5, 0, 0, 0]),
        ("lab-small-more", [6 * 16 * 10, 0, 6 * 16 * 30, 0]),
        ("lab-small-own", [6 * 16 * 10, 100 * 24, 6 * 16 * 20, 0]),
        ("lab-small-some", [6 * 16 * 10, 100 * 12, 6 * 16 * 4, 0]),
        # its 16 solutions are among the 24 that the body had; the body stays as it is
        ("prm", [6 * 16 * 10, 100 * 24, 6 * 16 * 20, 2 * 16 * 7]),
        ("prm-plain", [6 * 16 * 10, 100 * 5, 0, 6 * 16 * 7]),  # the body learns along
    ],
)
def test_bills_by_hand(name, stages):
    """A model of one weight, rollouts of 100 FLOPs, 16 tokens a step."""
    assert bill(MADE, name, 1, 100.0).tolist() == stages
    assert len(stages) == len(bills.STAGES)


@pytest.mark.parametrize("name", ["prm", "prm-some", "prm-more", "prm-plain", "prm-tokens"])
def test_the_bill_is_that_of_notebook_07(name):
    made = artefacts.manifest()
    weights, length = 1000, 50.0
    a_token = 2 * weights
    drawn, read, judged = ladder.bill(made, name, length).flops(a_token)
    _, rollouts, reading, judging = bill(made, name, weights, a_token * length)
    assert (rollouts, reading, judging) == pytest.approx((drawn, read, judged))


def test_a_way_for_many_questions():
    way = Way(100.0, np.array([[0, 1, 0], [1, 1, 0]]), np.array([[1.0, 2, 3], [2, 4, 6]]))
    total, solved = way.at(10.0, np.array([True, True, False]))
    assert total.tolist() == [115, 130] and solved.tolist() == [0.5, 1]


def test_the_frontier_by_hand():
    points = [(3.0, 0.5), (1.0, 0.2), (2.0, 0.2), (4.0, 0.5), (5.0, 0.9), (3.0, 0.4), (1.0, 0.1)]
    assert frontier(points) == [1, 0, 4]


def test_nobody_beats_a_point_of_the_frontier(seed):
    points = np.random.default_rng(seed).random((60, 2))
    best = frontier([tuple(point) for point in points])
    for i, (price, share) in enumerate(points):
        beaten = ((points[:, 0] <= price) & (points[:, 1] > share)).any()
        assert (i in best) is not bool(beaten)


@pytest.mark.parametrize("model", ["lab-small-own", "lab-small-more"])
def test_a_writer_alone_is_what_the_record_says(model):
    folder = artefacts.path("search-sweep")
    way = alone(folder, model, 5.0)
    counts = bootstrap.counts(way.solved.shape[1], 2, np.random.default_rng(0))
    greedy, likeliest = read_alone(folder, model, counts, flops=True)
    expected = [greedy.accuracy[0], *likeliest.accuracy[1:]]
    assert way.solved.mean(axis=1) == pytest.approx(expected) and way.training == 5.0
    assert way.flops.mean(axis=1) == pytest.approx([greedy.paid[0], *likeliest.paid[1:]])


def test_the_large_model_alone_votes():
    scores = artefacts.manifest()["exchange"]["score"]
    found = {}
    for word, take in (("majority", MAJORITY), ("weighted", WEIGHTED)):
        way = found[take] = alone(artefacts.path("exchange"), "lab-large", 0.0, take, 0.7)
        named = ["greedy", *(f"{word} of {n} at temperature 0.7" for n in (2, 4, 8, 16))]
        assert way.solved.mean(axis=1).round(4).tolist() == [scores[name] for name in named]
        assert (np.diff(way.flops.mean(axis=1)) > 0).all()
    extra = found[WEIGHTED].flops - found[MAJORITY].flops
    assert (extra[0] == 0).all() and (extra[1:] > 0).all()  # nobody judges the greedy text


def test_a_search_is_the_choice_up_to_each_budget():
    results = read_results(artefacts.path("search-sweep"), "prm-some")
    bins = np.arange(results.right.shape[-1]) % 3
    fold = halves(bins, np.random.default_rng(0), 4)
    way = searched(results, 7.0, bins, fold)
    settings = Settings.of(results)
    assert way.solved.shape == way.flops.shape == (len(results.budgets), len(bins))
    solved, _, flops = chosen(settings, bins, up_to(settings, results.budgets[3], bins), fold)
    assert (way.solved[3] == solved).all() and (way.flops[3] == flops).all()
