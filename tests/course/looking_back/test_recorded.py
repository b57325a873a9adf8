"""Budgets of the records, against what the notebooks themselves read."""

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from ttclib import artefacts
from ttclib.course.compute_optimal import stopping
from ttclib.course.looking_back import recorded
from ttclib.course.process_reward_model import ladder
from ttclib.course.revisions import ratio, selection
from ttclib.course.revisions.judged import keep_or_redraw
from ttclib.course.revisions.record import Setting, read_record
from ttclib.course.small_models import recovery
from ttclib.course.small_models.record import chosen, read_runs
from ttclib.course.small_plus_search_vs_14x import bills, matched
from ttclib.course.smc_decoding import contest
from ttclib.course.three_scaling_laws import laws, post_training
from ttclib.measure.votes import best_at_k
from ttclib.search import results

SWEEP = artefacts.path("search-sweep")


@pytest.fixture(scope="module")
def found():
    budgets, settings = recorded.budgets()
    return {budget.name: budget for budget in budgets}, {s.name: s for s in settings}


@pytest.fixture(scope="module")
def made():
    return artefacts.manifest()


@pytest.fixture(scope="module")
def revisions():
    return read_record(artefacts.path("revision-chains"))


def test_samples_and_searches_are_those_of_the_sweep(found):
    budgets, settings = found
    prm = results.read_results(SWEEP, "prm")
    for name, method in (
        ("samples, majority", results.MAJORITY),
        ("best-of-N weighted", results.WEIGHTED),
        ("REBASE", "rebase"),
    ):
        mine = budgets[name]
        left = [1 - prm.solved(method, int(n)).mean() for n in mine.amount]
        assert mine.loss == pytest.approx(left)
        curve = prm.curve(method, recorded._counts(400)[:2], flops=True)
        assert mine.price == pytest.approx(curve.paid[-len(left) :])
    deep = settings["lookahead k of a beam"]
    assert deep.loss[2] == pytest.approx(1 - prm.solved("lookahead k = 3 M = √N", 64).mean())
    nines = results.read_results(SWEEP, "nines")
    assert budgets["REBASE"].rival.loss[-1] == pytest.approx(1 - nines.solved("rebase", 256).mean())


def test_passes_are_what_a_sample_at_least_holds(found):
    (right,) = results.read_drawn(SWEEP, "right")
    mine = found[0]["samples, pass@k"]
    assert mine.loss[0] == pytest.approx(1 - right.mean())
    assert mine.loss[-1] == pytest.approx(1 - right[0].any(axis=1).mean())


def test_the_writer_alone_is_that_of_notebook_09(found):
    counts = recorded._counts(400)[:2]
    greedy, _ = results.read_alone(SWEEP, "lab-small-own", counts, flops=True)
    rival = found[0]["best-of-N weighted"].rival
    assert rival.loss == pytest.approx(1 - greedy.accuracy)
    # one sample of the writer costs what one greedy text of the same size does, nearly
    assert rival.price == pytest.approx(greedy.paid, rel=0.03)


def test_particles_are_those_of_notebook_06(found):
    entries = {e.name: e for e in contest.read(artefacts.path("small-against-large"))}
    mine = found[0]["SMC particles"]
    for k, n in enumerate((4, 16, 64)):
        smc, votes = (entries[f"lab-small, nines {way} {n}"] for way in ("SMC", "votes"))
        assert mine.loss[k] == pytest.approx(1 - smc.accuracy)
        assert mine.price[k] == pytest.approx(smc.cost.lm_flops)
        assert mine.rival.loss[k] == pytest.approx(1 - votes.accuracy)


def test_verifiers_are_those_of_notebook_07(found, made):
    mine = found[0]["reading of a verifier"]
    judged = ladder.recorded(SWEEP, {name: name for name in recorded.Sweep.LADDER})
    left = [1 - best_at_k(s, judged.right, 16).mean() for s in judged.scores.values()]
    assert mine.loss == pytest.approx(left)
    for name, tokens in zip(recorded.Sweep.LADDER, mine.amount, strict=True):
        paid = ladder.bill(made, name, 1.0)
        assert tokens == paid.read + paid.judged
    assert mine.rival.price[0] == ladder.bill(made, "prm", 1.0).read


def test_labels_are_as_far_off_as_their_variance_says(found):
    mine = found[0]["rollouts for a label"]
    (right,) = results.read_drawn(SWEEP, "right")
    p = right[0].mean(axis=1)
    expected = np.sqrt((p * (1 - p)).mean() / mine.amount)
    assert mine.loss == pytest.approx(expected, rel=0.15)


def test_a_choice_of_one_is_no_choice_and_bins_choose_among_all(found):
    mine = found[0]["method by difficulty"]
    assert mine.loss[0] == pytest.approx(0.53) == pytest.approx(mine.rival.loss[0])
    prm = results.read_results(SWEEP, "prm")
    best = [1 - np.nanmax(prm.accuracy[:, j].mean(axis=1)) for j in range(len(mine.amount))]
    assert (mine.rival.loss >= np.array(best) - 1e-9).all()  # hindsight is never beaten


def test_texts_until_sure_are_those_of_notebook_09(found):
    mine = found[0]["texts until sure"]
    samples = results.read_samples(SWEEP, "prm")
    for k, threshold in enumerate((0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)):
        right, written = stopping.stop(samples, threshold, 64)
        assert mine.amount[k] == pytest.approx(written.mean())
        assert mine.loss[k] == pytest.approx(1 - right.mean())


def test_attempts_in_a_row_are_those_of_notebook_10(found, revisions):
    budgets, settings = found
    last = budgets["in a row, the last counts"]
    right = revisions.right[:, revisions.places(Setting(2, 64))]
    assert last.loss == pytest.approx(
        [1 - right[..., k - 1].mean() for k in (1, 2, 4, 8, 16, 32, 64)]
    )
    fed = revisions.read[:, revisions.places(Setting(2, 64))].mean(axis=(0, 1)).cumsum()
    assert last.price[-1] == pytest.approx(fed[-1])
    first = revisions.places(Setting(128, 1))[:, 0]
    fresh = revisions.right[:, first], revisions.scores["prm"][:, first]
    assert last.rival.loss == pytest.approx(1 - keep_or_redraw(*fresh, 0.5, 8).mean(axis=0))
    chosen_ = budgets["in a row, a judge chooses"]
    for k, n in enumerate(chosen_.amount.astype(int)):
        solved = ratio.by_split(revisions, n, selection.WEIGHTED)[-1]
        assert chosen_.loss[k] == pytest.approx(1 - solved.mean())
    split = settings["in a row, of 128 attempts"]
    solved = ratio.by_split(revisions, 128, selection.WEIGHTED)
    assert split.loss == pytest.approx(1 - solved.mean(axis=1))


def test_sizes_are_those_of_notebook_11(found, made):
    budgets, _ = found
    larger = budgets["weights of the writer"]
    configs = [matched.matrix_weights(_config(name)) for name in ("lab-small", "lab-large")]
    assert larger.amount.tolist() == configs
    for k, name in enumerate(("lab-small", "lab-large")):
        assert larger.price[k] == bills.bill(made, name, configs[k], 0.0)[0]
    more = bills.bill(made, "lab-small-more", configs[0], 0.0).sum()
    assert larger.rival.price[0] == more
    rival = matched.read_rival(artefacts.path("exchange"))
    assert larger.loss[1] == pytest.approx(1 - rival.right.mean())
    search = budgets["FLOPs of search"]
    assert search.rival.price[0] == pytest.approx(rival.flops.mean())
    scores = made["exchange"]["score"]
    left = [1 - scores[f"weighted of {n} at temperature 0.7"] for n in (2, 4, 8, 16)]
    assert search.rival.loss[1:] == pytest.approx(left, abs=1e-4)


def _config(name):
    import json

    return json.loads((artefacts.path(name) / "config.json").read_text(encoding="utf-8"))


def test_more_flops_may_only_help_a_search_in_hindsight():
    sweep = recorded.Sweep()
    right, flops = recorded._settings(sweep)
    assert (np.diff(flops) >= 0).all() and len(right) == len(flops)
    assert right.shape[1] == 400 and not np.isnan(right).any()


def test_laws_are_those_of_notebook_12(found, made):
    budgets, settings = found
    entropy = made["pretraining"]["score"]["entropy"]
    grid = laws.read(artefacts.path("pretraining"))
    training = budgets["training FLOPs"]
    for k, cap in enumerate(training.amount):
        flops = 6 * grid.sizes[:, None] * grid.letters
        within = np.where(flops <= cap, grid.loss, np.nan)
        least = np.nanmin(within, axis=(1, 2)).mean() - entropy
        assert training.loss[k] == pytest.approx(least)
    sizes = settings["parameters, for equal training FLOPs"]
    expected = grid.at(6 * 2.0**31)
    there = np.isin(grid.sizes, sizes.values)
    assert sizes.loss == pytest.approx(expected[there] - entropy, abs=0.004)
    assert np.isfinite(expected).sum() == there.sum()


def test_post_training_is_that_of_notebook_12(found, made):
    budgets, settings = found
    record = post_training.Record(artefacts.path("post-training"))
    mine = budgets["exam-like tokens"]
    for k, share in enumerate((0.25, 1.0)):
        at = record.at("exam-like", share)
        assert mine.loss[k] == pytest.approx(1 - at.passes([1]).mean())
        assert mine.amount[k] == at.bill.trained
    assert mine.rival.loss[0] == pytest.approx(1 - record.at("lab-small-more").passes([1]).mean())
    for k in (1, 64):
        warm = settings[f"temperature, for {k} sample{'s' * (k > 1)}"]
        assert list(warm.values) == record.temperatures()
        left = [1 - record.at("lab-small", temperature=t).passes([k]).mean() for t in warm.values]
        assert warm.loss == pytest.approx(left)


def test_small_models_are_those_of_notebook_13(found, made):
    budgets, _ = found
    runs = read_runs(artefacts.path("quantization"))
    mine = budgets["bytes, 2 to 8 bits"]
    for k, bits in enumerate((2, 3, 4, 6, 8)):
        kept = chosen(runs, model="lab-large", method="GPTQ", bits=bits, sharing="32")[0]
        assert mine.amount[k] == kept.nbytes
        assert mine.loss[k] == pytest.approx(1 - kept.right.mean())
    weights = recorded.weights(made, "lab-large")
    healing = budgets["tokens of healing"]
    half = recovery.read_runs(artefacts.path("recovery-half"), weights)
    assert healing.loss == pytest.approx(1 - half["pruned"].right[1:].mean(axis=1))
    assert healing.price == pytest.approx(half["pruned"].flops[1:])
    assert healing.rival.price == pytest.approx(half["pruned, taught"].flops[1:])


def test_pruned_weights_are_counted_as_notebook_13_does(found, made):
    pytest.importorskip("torch")
    from ttclib.lm.llama import Shape
    from ttclib.lm.vocabulary import Vocabulary  # noqa: F401

    mine = found[0]["weights kept"]
    config = _config("lab-large")
    shape = Shape(
        vocabulary=config["vocab_size"],
        context=256,
        **made["lab-large"]["settings"]["shape"],
    )
    thin = recovery.read_thin(artefacts.path("pruned-once"), shape)
    by_hidden = [one for one in thin if one.kind in ("none", "hidden")]
    kept = sorted((round((1 - one.removed) * shape.flops[0] / 2), one) for one in by_hidden)
    assert mine.amount.tolist() == [weights for weights, _ in kept]
    assert mine.loss == pytest.approx([1 - one.solved.mean() for _, one in kept])


def test_experts_are_those_of_notebook_14(found):
    pytest.importorskip("torch")
    from ttclib.course.what_a_token_costs import experts

    budgets, settings = found
    mine = budgets["experts of a layer"]
    runs = results.read(artefacts.path("experts"), "runs")

    def left(kind, of):
        return results.where(runs, part="sizes", kind=kind, of=of)["excess"].mean()

    many = [2, 4, 8, 16]
    assert mine.amount.tolist() == many
    assert mine.loss == pytest.approx([left("mixture", of) for of in many])
    assert mine.price.tolist() == [experts.layer_flops(32, 12, of) for of in many]
    dense = [(12 + of // 2, left("equal FLOPs", of)) for of in many]
    dense += [(12 * of + of // 2, left("equal parameters", of)) for of in many]
    flops = [experts.layer_flops(32, hidden, 1) for hidden, _ in dense]
    assert mine.rival.price.tolist() == flops == sorted(flops)
    assert mine.rival.loss == pytest.approx([loss for _, loss in dense])
    alpha = settings["weight of the balance loss"]
    chosen = {"part": "collapse", "shared": 0.0}
    assert alpha.loss == pytest.approx(
        [results.where(runs, **chosen, balance=a)["excess"].mean() for a in alpha.values]
    )


def test_trained_memories_are_those_of_notebook_14(found):
    pytest.importorskip("torch")
    import torch

    from ttclib.course.what_a_token_costs import mixers, recall_figures, training

    mine = found[0]["size of a trained state"]
    table = results.read(artefacts.path("mixer-tasks"), "answers")

    def left(*stack):
        return 1 - recall_figures.shares(table, "recall", *stack)[:, -1].mean()

    assert mine.loss == pytest.approx([left("selective", state) for state in (1, 2, 8)])
    assert mine.rival.loss == pytest.approx([left("attention", 8)])

    def flat(parts):
        """All tensors of a state, however deep."""
        if isinstance(parts, torch.Tensor):
            return [parts]
        return [one for part in parts for one in flat(part)]

    def numbers(kind, state):
        """What the mixer keeps of 16 pairs and eight questions; attention in two equal parts."""
        text = torch.zeros(1, 40, dtype=torch.long)
        with torch.inference_mode():
            parts = mixers.stepwise(training.build([kind], state=state), text)[1]
        return sum(part.numel() for part in flat(parts) if part.dim() == 4)

    assert mine.amount.tolist() == [numbers("selective", state) for state in (1, 2, 8)]
    assert mine.rival.price.tolist() == [numbers("attention", 8)]


def test_features_are_those_of_notebook_15(found):
    pytest.importorskip("torch")
    from ttclib.course.predicting_features import border

    budgets, settings = found
    mine = budgets["training steps, features"]
    table = results.read(artefacts.path("feature-border"), "narrow")
    features, pixels = (border.looked(table, how, 0.5, 0.5) for how in ("features", "pixels"))
    assert mine.loss == pytest.approx(1 - features.mean(axis=0))
    assert mine.rival.loss == pytest.approx(1 - pixels.mean(axis=0))
    steps = {
        "features": mine.amount[-1],
        "pixels": border.for_the_same(border.Narrow(), "pixels").steps,
    }
    flops = {
        how: border.narrow_flops(border.for_the_same(border.Narrow(), how)) * steps[how]
        for how in steps
    }
    assert flops["pixels"] == pytest.approx(flops["features"], rel=0.01)
    assert mine.rival.price[-1] == mine.price[-1]
    world = settings["share of a world that is not its state"]
    ends = [1 - border.looked(table, "features", s, 0.5)[:5, -1].mean() for s in world.values]
    assert world.loss == pytest.approx(ends)


def test_all_of_them_come_in_order_with_replicates(found):
    budgets, settings = found
    numbers = [b.notebook for b in budgets.values()]
    assert numbers == sorted(numbers) and len(budgets) == len(numbers)
    for budget in budgets.values():
        assert budget.draws.shape == (recorded.REPLICATES, len(budget.amount))
        low, high = np.quantile(budget.draws, [0.005, 0.995], axis=0)
        assert ((low <= budget.loss) & (budget.loss <= high)).all()
        assert budget.price.shape == budget.amount.shape and (np.diff(budget.price) > 0).all()
        assert budget.rival is not None and (budget.rival.price > 0).all()
    assert all(s.loss.shape == (len(s.values),) for s in settings.values())
