"""The pictures of notebook 07: they tell what the samples, the rollouts and the verifiers say."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_verifiers import tiny_verifier
from views import control, shown, sliders

from ttclib.course.process_reward_model import figures
from ttclib.course.process_reward_model.beliefs import believe
from ttclib.course.process_reward_model.per_step import continuations
from ttclib.lm import arithmetic
from ttclib.lm.models import load
from ttclib.measure import bootstrap, votes
from ttclib.measure.calibration import auc_within, auroc, expected_calibration_error
from ttclib.search import aggregation, learning
from ttclib.search.rollouts import draw, shared_labels, step_ends

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
    assert f"cost: 16 rollouts a step · {cost.lm_tokens} LM tokens" in repr(made)


@pytest.fixture(scope="module")
def held_out(lm):
    problems = ["(81-74)*(98-77)-92", "27+94+96+(57+43)"]  # now right, now wrong
    prompts = [lm.vocabulary.encode(p + "?") for p in problems]
    drawn, _ = draw(lm, arithmetic.TASK, problems, 8, np.random.default_rng(0), max_tokens=60)
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
