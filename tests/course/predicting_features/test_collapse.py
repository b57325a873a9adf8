"""Training with each cure: the same as in the library's own loop, and what leaving one out does."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from ttclib.course.predicting_features import collapse, jepa, probing
from ttclib.course.predicting_features import two_numbers as two
from ttclib.course.predicting_features.worlds import World

SHORT = replace(collapse.RECIPE, steps=6, batch=4)


def weights(learner):
    return [w.detach() for w in learner.encoder.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


@pytest.mark.parametrize(
    ("how", "momentum", "stop"),
    [(two.NEITHER, None, False), (two.STOP, None, True), (two.BOTH, (0.9, 0.9), True)],
)
def test_it_learns_as_v_jepa_in_miniature_does(how, momentum, stop):
    recipe = replace(SHORT, momentum=momentum, stop_gradient=stop)
    theirs = jepa.train(recipe, collapse.WORLD, seed=3)
    assert same(collapse.train(how, 3, 0.9, recipe=SHORT), theirs)


def test_a_momentum_of_nought_is_no_momentum_and_one_is_another_cure():
    for alone, averaged in ((two.NEITHER, two.MOMENTUM), (two.STOP, two.BOTH)):
        plain = collapse.train(alone, 1, recipe=SHORT)
        assert same(plain, collapse.train(averaged, 1, 0.0, recipe=SHORT))
        assert not same(plain, collapse.train(averaged, 1, 0.9, recipe=SHORT))
    kinds = [collapse.train(how, 1, 0.9, recipe=SHORT) for how in two.HOWS]
    assert not any(same(a, b) for i, a in enumerate(kinds) for b in kinds[:i])


def test_slopes_run_through_the_share_of_the_target_that_is_the_encoders():
    """By differences: the slope of the loss along a direction of the encoder's weights."""
    world = World("white", 0.5)
    learner, _, batches = collapse.begin(2, recipe=SHORT, world=world)
    learner.double()
    x, masks = next(batches)
    x = x.double()
    target = {k: w.detach().clone() for k, w in learner.encoder.named_parameters()}
    along = {k: torch.ones_like(w) * (0.1 + i) for i, (k, w) in enumerate(target.items())}
    for how in two.HOWS:
        for w in learner.parameters():
            w.grad = None
        moved = collapse.step_target(learner.encoder, target, how, 0.9)
        collapse.loss_of(learner, moved, x, masks).backward()
        slope = sum(float((w.grad * along[k]).sum()) for k, w in learner.encoder.named_parameters())
        ends = []
        for sign in (1, -1):
            other = {k: w + sign * 1e-7 * along[k] for k, w in target.items()}
            with torch.no_grad():
                for k, w in learner.encoder.named_parameters():
                    w.copy_(other[k])
                kept = 0.9 if how in two.AVERAGED else 0.0
                share = 0.0 if how in two.STOPPED else 1 - kept
                reached = {k: w + share * sign * 1e-7 * along[k] for k, w in target.items()}
                ends.append(float(collapse.loss_of(learner, reached, x, masks)))
                for k, w in learner.encoder.named_parameters():
                    w.copy_(target[k])
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-7, rel=1e-3, abs=1e-5)


def test_what_is_seen_of_an_encoder():
    watch = collapse.Watch()
    learner, _, _ = collapse.begin(0)
    target = collapse.detached(dict(learner.encoder.named_parameters()))
    shot = watch.shot(0, learner, target)
    features = learner.features(watch.clips.video)
    assert shot.features.shape == (collapse.WATCHED, 4 * collapse.RECIPE.width)
    assert shot.spread == pytest.approx(np.std(shot.features, axis=0, ddof=1).mean(), rel=1e-4)
    assert shot.rank == pytest.approx(probing.effective_rank(features))
    assert 0.1 < shot.position < 0.9 and abs(shot.position16 - shot.position) < 0.05
    # a hundredth of the spread: a probe reads as well, and in 16 bits it does not
    middle = features.mean(0)
    small = middle + 0.003 * (features - middle)
    assert watch.read(small)[0] == pytest.approx(shot.position, abs=0.02)
    assert watch.read(small.bfloat16().float())[0] < shot.position - 0.1


def test_a_probe_cannot_beat_the_exact_ceiling_and_the_ceiling_is_reached():
    """Weights from the exact moments, on 3,000 new clips: R² is what the moments say."""
    pixels, places, speeds = collapse.moments(collapse.WORLD)
    clips = collapse.WORLD.clips(3000, torch.Generator().manual_seed(1))
    x = clips.video.flatten(1).double().numpy()
    x -= x.mean(0)
    best = collapse.best_linear_read()
    for with_state, known, said in zip(
        (places, speeds), (clips.position, clips.velocity), best, strict=True
    ):
        truth = known.flatten(1).double().numpy()
        found = x @ np.linalg.solve(pixels, with_state) + truth.mean(0)
        r2 = 1 - ((found - truth) ** 2).mean(0) / truth.var(0)
        assert r2.mean() == pytest.approx(said, abs=0.02)


def test_the_rival_costs_the_same():
    mine = replace(collapse.RECIPE, momentum=(0.99, 0.99))
    theirs = collapse.rival()
    assert theirs.target == "pixels" and theirs.steps > mine.steps
    bills = [recipe.steps * jepa.flops(recipe) for recipe in (mine, theirs)]
    assert bills[1] == pytest.approx(bills[0], rel=2e-3)


def test_what_cannot_be_used_is_refused():
    with pytest.raises(ValueError, match="how is 'all'"):
        collapse.train("all", 0)
    with pytest.raises(ValueError, match="momentum is 2"):
        collapse.train(two.BOTH, 0, 2)
    with pytest.raises(ValueError, match="optimiser is 'SGD'"):
        collapse.begin(0, "SGD")


def test_a_record_knows_its_runs():
    rows = [
        (how, m, two.ADAM, seed, step)
        for how, m in ((two.NEITHER, 0.0), (two.BOTH, 0.99), (two.BOTH, 0.5))
        for seed in (1, 0)
        for step in (400, 0)
    ]
    names = ("how", "momentum", "optimiser", "seed", "step")
    table = {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    for i, name in enumerate(collapse.MEASURES):
        table[name] = table["seed"] + 0.001 * table["step"] + 10.0 * i
    lost = table["how"] == two.NEITHER
    table["spread"] = np.where(lost & (table["step"] == 400), 0.001, 1.0)
    record = collapse.Record(table, {})
    assert record.momenta == [0, 0.5, 0.99] and record.steps.tolist() == [0, 400]
    assert record.run(two.BOTH)["loss"] == pytest.approx(np.array([[0, 0.4], [1, 1.4]]))
    assert record.collapsed(two.NEITHER).tolist() == [True, True]
    assert record.collapsed(two.MOMENTUM, 0).tolist() == [True, True]  # it is neither
    assert record.collapsed(two.BOTH, 0.5).tolist() == [False, False]
    with pytest.raises(ValueError, match=r"no runs with 'both', momentum 0\.9 and Adam"):
        record.run(two.BOTH, 0.9)
