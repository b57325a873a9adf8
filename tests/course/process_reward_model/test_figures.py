"""The pictures of notebook 07: they tell what the samples, the rollouts and the verifiers say."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from drawings import Drawing, Sheet, numbers_of
from tiny_verifiers import tiny_verifier
from views import control, shown, sliders

from ttclib.course.process_reward_model import figures, learning
from ttclib.course.process_reward_model.beliefs import believe
from ttclib.course.process_reward_model.ladder import Judged, favourites, weighted_at
from ttclib.course.process_reward_model.per_step import continuations, shared_labels
from ttclib.lm import arithmetic
from ttclib.lm.models import load
from ttclib.measure import bootstrap, votes
from ttclib.measure.calibration import auc_within, auroc, expected_calibration_error
from ttclib.search import aggregation
from ttclib.search.results import Curve
from ttclib.search.rollouts import draw, step_ends

PROBLEMS = ["9-(2+3)", "8-1-1"]
SOLUTIONS = [
    ["2+3=5;9-5=4;#4", "2+3=6;9-6=3;#3", "2+3=6;9-6=3;#3", "2+3=5;9-5=3;#3"],
    ["8-1=7;7-1=6;#6", "8-1=7;7-1=6;#6", "8-1=7;7-1=6;#6", "8-1=7;7-1=5;#5"],
]
RIGHT = np.array([[1, 0, 0, 0], [1, 1, 1, 0]], dtype=bool)


@pytest.fixture(scope="module")
def lm():
    return load("lab-small")


def scores_of(rng):
    """Scores of three steps; the last of some solutions is missing."""
    scores = rng.random((4, 8, 3))
    scores[0, :3, 2] = np.nan
    return scores


def test_picking_view_counts_votes():
    log_probs = np.log([[0.2, 0.5, 0.5, 0.1], [0.3, 0.3, 0.3, 0.1]])
    made = figures.picking_view(PROBLEMS, SOLUTIONS, log_probs, RIGHT, show=0)
    assert "the majority says 3, the likeliest 3, right is 4" in repr(made)
    vote = np.mean(
        [votes.majority_at_k([4, 3, 3, 3], 4, 2), votes.majority_at_k([6, 6, 6, 5], 6, 2)]
    )
    sliders(made)[0].value = 2
    likely = votes.best_at_k(log_probs, RIGHT, [2]).mean()
    passed = votes.pass_at_k(RIGHT, 2).mean()
    assert f"one of 2 is right for {passed:.2f}, their majority for {vote:.2f}, the" in repr(made)
    assert f"the likeliest of them for {likely:.2f}" in repr(made)


def test_steps_of_a_text():
    assert figures.step_texts("2+3=5;9-5=4;#4") == ["2+3=5;", "9-5=4;", "#4"]
    assert figures.step_texts("2+3=") == ["2+3="]


def test_rollouts_view_tells_the_library_s_estimates(lm):
    problem, solution = "12+30-5", "12+30=42;42-5=47;#47"
    made = figures.rollouts_view(lm, problem, solution, np.array([0.9, 0.1]), high=3)
    sliders(made)[0].value = 8
    right, _, cost = continuations(
        lm, arithmetic.TASK, problem, solution, 8, np.random.default_rng([0, 7])
    )
    estimate = right.mean(axis=1)
    error = np.sqrt(np.mean((estimate - [0.9, 0.1]) ** 2))
    assert f"estimates {estimate[0]:.2f}, {estimate[1]:.2f} (many rollouts: 0.90, 0.10)" in repr(
        made
    )
    assert f"error {error:.3f}, in theory {np.sqrt(0.09 / 8):.3f}" in repr(made)
    assert f"cost: 16 rollouts · {cost.lm_tokens} LM tokens" in repr(made)


@pytest.fixture(scope="module")
def held_out(lm):
    problems = list(arithmetic.problems("validation", 16, np.random.default_rng(5)))
    drawn, _ = draw(lm, arithmetic.TASK, problems, 8, np.random.default_rng(0), max_tokens=60)
    solved = drawn.right.reshape(16, 8).sum(axis=1)
    mixed = np.flatnonzero((solved > 0) & (solved < 8))[:2]  # now right, now wrong
    drawn = drawn[np.isin(drawn.problem, mixed)]
    drawn.problem[:] = np.repeat([0, 1], 8)
    prompts = [lm.vocabulary.encode(problems[i] + "?") for i in mixed]
    ends = step_ends(drawn.tokens, drawn.lengths, lm.vocabulary.containing(";"))
    return figures.HeldOut(prompts, drawn, ends, shared_labels(drawn, ends))


def test_measures_of_a_net_are_the_library_s(lm, held_out):
    net = tiny_verifier(lm, context=120).net
    entropy, everywhere, within = held_out.measure(net)
    rows = learning.pack_solutions(*held_out, 120, np.random.default_rng(0))
    # training counts a solution as often as it was drawn, and so does this; both average over its
    # steps
    assert entropy == pytest.approx(learning.held_out_loss(net, rows), abs=2e-3)
    belief, _ = believe(net, held_out.prompts, held_out.rollouts)
    final = belief[np.arange(16), held_out.rollouts.lengths - 1]
    right = held_out.rollouts.right
    assert everywhere == pytest.approx(auroc(final, right))
    assert within == pytest.approx(
        np.mean([auroc(final[:8], right[:8]), auroc(final[8:], right[8:])])
    )


def test_training_view_takes_notes(lm, held_out, monkeypatch, capsys):
    told = iter([(0.7, 0.5, 0.5), (0.5, 0.8, 0.4), (0.6, 0.9, 0.3)])
    monkeypatch.setattr(figures.HeldOut, "measure", lambda self, net: next(told))
    net = tiny_verifier(lm, context=60).net
    watch = figures.TrainingView({"plain": 3}, held_out, 0.6, every=2)
    report = watch.of("plain", net)
    for step in (1, 2, 3):
        report(step, 0.5)
        assert net.training == (step > 1)  # it goes on training after it was looked at
    assert [row[0] for row in watch.found["plain"]] == [0, 2, 3]
    assert watch.best("plain") == (2, 0.5, 0.8, 0.4)


def test_knowledge_picture_tells_both_areas(seed):
    rng = np.random.default_rng(seed)
    right = rng.random((5, 8)) < 0.5
    right[:, 0], right[:, 1] = True, False
    final = {"knows": right + 0.0, "hard or not": np.tile(right.mean(axis=1)[:, None], 8)}
    picture = figures.knowledge_picture(final, right)
    assert "knows: AUC over all answers 1.00, within a problem 1.00, best of 8 1.00" in repr(
        picture
    )
    everywhere = auroc(final["hard or not"].ravel(), right.ravel())
    assert f"hard or not: AUC over all answers {everywhere:.2f}, within a problem 0.50" in repr(
        picture
    )


def test_knowledge_picture_draws_the_one_bootstrap_interval(seed, monkeypatch):
    monkeypatch.setattr(figures, "Picture", lambda fig, text: fig)
    rng = np.random.default_rng(seed)
    right = rng.random((30, 8)) < 0.5
    right[:, 0], right[:, 1] = True, False
    scores = rng.random((30, 8))
    area, pick = figures.knowledge_picture({"luck": scores}, right).axes
    again = bootstrap.counts(30, 1999, np.random.default_rng(0))
    for ax, values in (
        (area, auc_within(scores, right)),
        (pick, votes.best_at_k(scores, right, 8)),
    ):
        _, low, high = bootstrap.mean_interval(values, again)
        (bar,) = [c for c in ax.collections if len(c.get_segments()) == 1]
        np.testing.assert_allclose(bar.get_segments()[0][:, 0], [low, high])


# ---- the ladder ----------------------------------------------------------------------------------


@pytest.fixture
def judged(seed):
    """Samples of 40 problems, easy and hard, and two judges: one knows something, one nothing."""
    rng = np.random.default_rng(seed)
    right = rng.random((40, 128)) < np.linspace(0.95, 0.05, 40)[rng.permutation(40), None]
    answers = np.where(right, 1.0, rng.choice([2.0, 3.0, np.nan], size=right.shape))
    scores = {
        "knows": np.clip(0.4 * right + 0.6 * rng.random(right.shape), 0, 1),
        "luck": rng.random(right.shape),
    }
    return Judged(right, answers, rng.normal(size=right.shape) + right, scores)


def test_a_rung_s_area_has_the_one_interval(judged):
    mean, low, high = figures.area_within(judged.scores["knows"], judged.right)
    areas = auc_within(judged.scores["knows"], judged.right)
    areas = areas[~np.isnan(areas)]
    again = bootstrap.counts(len(areas), 1999, np.random.default_rng(0))
    assert (mean, low, high) == tuple(map(float, bootstrap.mean_interval(areas, again)))
    assert np.isnan(figures.area_within(np.ones((2, 3)), np.ones((2, 3), bool))).all()


def test_ladder_view_tells_what_a_rung_knows_and_brings(judged, monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    cost = {"knows": 3e12, "luck": 0.0}
    view = figures.ladder_view(judged, cost, {"log p": judged.log_prob}, start="luck")
    assert view.settings["judge"].default == "luck"
    for judge, place in (("knows", 3e12), ("luck", 3e12 / 6)):
        text = view.at(judge=judge)
        scores = judged.scores[judge]
        mean, low, high = figures.area_within(scores, judged.right)
        everywhere = auroc(scores.ravel(), judged.right.ravel())
        assert f"{judge}: {cost[judge] / 1e12:.1f} TFLOPs of training" in text
        assert f"within a problem {mean:.2f} ({low:.2f} to {high:.2f})" in text
        assert f"over all answers {everywhere:.2f}" in text
        (ring,) = view.moving(0)
        assert numbers_of(ring).tolist() == [[place, pytest.approx(mean)]]
        by_max, by_sum = map(numbers_of, view.moving(2))
        ks = [1, 4, 16, 64]  # of 128
        assert by_max[:, 0].tolist() == by_sum[:, 0].tolist() == ks
        best = votes.best_at_k(scores, judged.right, ks).mean(axis=0)
        np.testing.assert_allclose(by_max[:, 1], best)
        summed = [weighted_at(scores, judged.answers, judged.right, k).mean() for k in ks]
        np.testing.assert_allclose(by_sum[:, 1], summed)
        assert "by the highest score " + ", ".join(f"{v:.2f}" for v in best) in text
        bars = [p.get_height() for p in view.fig.axes[1].patches]
        assert sum(h for h in bars if h > 0) == pytest.approx(judged.right.mean())
        assert -sum(h for h in bars if h < 0) == pytest.approx((~judged.right).mean())


def test_fifths_picture_counts_the_half_that_did_not_sort(judged, monkeypatch):
    monkeypatch.setattr(figures, "Picture", Sheet)
    sheet = figures.fifths_picture(judged.scores | {"log p": judged.log_prob}, judged)
    from_easy = np.argsort(-judged.right[:, :64].mean(axis=1), kind="stable")
    groups = np.array_split(from_easy, 5)
    other = slice(64, None)
    right = judged.right[:, other]
    for name in ("knows", "luck"):
        areas = auc_within(judged.scores[name][:, other], right)
        said = ", ".join(f"{np.nanmean(areas[g]):.2f}" for g in groups)
        assert f"{name} {said}" in sheet.text
    liked = favourites(judged.answers[:, other], right)
    taken = judged.log_prob[:, other].argmax(axis=1)
    for name, values in (
        ("right answers", right.mean(axis=1)),
        ("the favourite wrong answer", liked),
        ("the likeliest text is right", right[np.arange(40), taken]),
    ):
        assert f"{name} " + ", ".join(f"{values[g].mean():.2f}" for g in groups) in sheet.text


def test_race_view_draws_both_bills_and_both_ways(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)

    def curve(*points):
        paid, accuracy = map(np.array, zip(*points, strict=True))
        draws = accuracy + np.linspace(-0.1, 0.1, 399)[:, None]
        return Curve(accuracy, paid, draws, np.tile(paid, (399, 1)))

    searched = {"highest score": curve((1e6, 0.5), (4e6, 0.6))}
    alone = {"greedy text": curve((2e6, 0.7)), "likeliest of N": curve((2e6, 0.6), (8e6, 0.8))}
    bills = {
        "fair": {"the writer": 2e12, "reading": 5e12},
        "more": {"the writer": 2e12, "reading": 9e12},
    }
    view = figures.race_view(
        {name: figures.Race(bill, searched, alone) for name, bill in bills.items()}
    )
    for name, bill in bills.items():
        text = view.at(judge=name)
        assert text.startswith(f"{name}, trained with {sum(bill.values()) / 1e12:.0f} TFLOPs")
        assert "judge, highest score 0.60 at 4.0 MFLOPs" in text
        assert "its body, greedy text 0.70 at 2.0 MFLOPs" in text
        assert "its body, likeliest of N 0.80 at 8.0 MFLOPs" in text
        widths = [bar.get_width() for bar in view.fig.axes[0].patches]
        assert widths == [cost / 1e12 for cost in bill.values()]


def test_prefix_view_tells_what_is_known_after_each_step(seed):
    rng = np.random.default_rng(seed)
    right = rng.random((4, 8)) < 0.5
    right[:, 0], right[:, 1] = True, False
    scores = {"prm": scores_of(rng), "orm": scores_of(rng)}
    made = figures.prefix_view(scores, right)
    last = aggregation.last(scores["prm"].reshape(-1, 3))
    error = expected_calibration_error(last, right.ravel())
    within = np.nanmean(auc_within(last.reshape(4, 8), right))
    assert f"the end, 32 solutions; prm: calibration error {error:.2f}" in repr(made)
    assert f"AUC within a problem {within:.2f}; orm" in repr(made)
    sliders(made)[0].value = "2 steps"
    second = np.where(np.isnan(scores["prm"][..., 2]), np.nan, scores["prm"][..., 1])
    there = ~np.isnan(second)
    error = expected_calibration_error(second[there], right[there])
    assert f"2 steps, {there.sum()} solutions; prm: calibration error {error:.2f}" in repr(made)


def test_aggregation_view_tells_best_of_n(seed):
    rng = np.random.default_rng(seed)
    right, scores = rng.random((4, 8)) < 0.5, scores_of(rng)
    made = figures.aggregation_view(
        {"prm": scores, "orm": scores}, right, np.full((4, 4), 0.25), high=3
    )
    sliders(made)[0].value = 4
    mine = aggregation.AGGREGATIONS | {"product": lambda scores: -aggregation.last(scores)}
    both = {"prm": scores, "orm": scores}
    own = figures.aggregation_view(both, right, np.zeros((4, 4)), 3, ways=mine)
    sliders(own)[0].value = 4
    worst = votes.best_at_k(mine["product"](scores.reshape(-1, 3)).reshape(4, 8), right, [4]).mean()
    assert f"product {worst:.2f}" in repr(own)
    listed = {"last": lambda scores: aggregation.last(scores).tolist()}
    assert "prm: last" in repr(figures.aggregation_view(both, right, np.zeros((4, 4)), 3, listed))
    for name, aggregate in aggregation.AGGREGATIONS.items():
        best = votes.best_at_k(aggregate(scores.reshape(-1, 3)).reshape(4, 8), right, [4]).mean()
        assert f"{name} {best:.2f}" in repr(made)
    assert "majority 0.25" in repr(made)


def test_belief_view_names_the_first_wrong_step():
    def reading(solution):
        n = len(solution) + 1
        beliefs = {name: np.linspace(0.1, 0.9, n) for name in ("prm", "orm")}
        surprise = {name: np.ones(n) for name in ("generator", "body")}
        return figures.Reading(
            PROBLEMS[0], solution, beliefs, surprise, np.array([6, 12]), np.array([0.5, 0.0])
        )

    assert arithmetic.check_solution(PROBLEMS[0], SOLUTIONS[0][3]).correct == (True, False)
    made = figures.belief_view(
        {"right": reading(SOLUTIONS[0][0]), "wrong": reading(SOLUTIONS[0][3])}
    )
    assert "all its steps are right; at the end prm 0.90, orm 0.90" in repr(made)
    first = shown(made)
    control(made, "solution").value = "wrong"
    assert "its first wrong step is number 2" in repr(made) and shown(made) != first
