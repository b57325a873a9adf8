"""V-JEPA in miniature: nothing leaks, the copy is slow and takes no gradient, FLOPs are equal."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ttclib.course.predicting_features import jepa
from ttclib.course.predicting_features.jepa import LONG, SHORT, Learner, Recipe
from ttclib.course.predicting_features.worlds import World

SMALL = Recipe(width=12, narrow=8, batch=3, steps=4)
RECIPES = [
    SMALL,
    Recipe(width=12, narrow=8, batch=3, steps=4, kinds=()),
    Recipe(width=16, depth=1, narrow=12, predictor_depth=2, batch=2, kinds=(LONG,), steps=3),
]


def batch(recipe, seed=0):
    """Tokens and masks of a batch."""
    x = torch.randn(recipe.batch, jepa.TOKENS, jepa.INSIDE, generator=torch.manual_seed(seed))
    return x, jepa.mask_bank(recipe, np.random.default_rng(seed), 16)()


def learner_of(recipe, seed=0):
    """A model whose momentum encoder differs from its encoder."""
    torch.manual_seed(seed)
    learner = Learner(recipe)
    if learner.slow is not None:
        with torch.no_grad():
            for weight in learner.slow.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
    return learner


def test_tokens_are_patches_through_two_frames():
    video = torch.arange(2 * 8 * 16 * 16.0).view(2, 8, 16, 16)
    cut = jepa.tokens(video)
    token = cut[1, 16 * 2 + 4 * 3 + 1]  # third time, last row, second column
    assert torch.equal(token, video[1, 4:6, 12:16, 4:8].flatten())


@pytest.mark.parametrize("kind", [SHORT, LONG])
def test_a_mask_hides_as_many_places_as_it_says_in_all_frames(kind):
    seen, hidden = jepa.mask(kind, 200, np.random.default_rng(0))
    assert hidden.shape == (200, 4 * kind.hidden)
    both = torch.cat([seen, hidden], 1).sort(1).values
    assert torch.equal(both, torch.arange(jepa.TOKENS).expand(200, -1))
    by_time = hidden.view(200, jepa.TIMES, kind.hidden) % jepa.PLACES
    assert (by_time == by_time[:, :1]).all()


def test_masks_are_blocks():
    """Two large blocks overlap, and each is a rectangle of 9 or 12 places: no more than 16 ways
    hide 12 places; eight small ones reach every place.
    """
    rng = np.random.default_rng(1)
    long = {jepa.places(LONG, rng).tobytes() for _ in range(500)}
    assert len(long) <= 16
    short = np.mean([jepa.places(SHORT, rng) for _ in range(500)], axis=0)
    assert (short > 0.2).all() and short.mean() == pytest.approx(10 / 16)


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_hidden_cannot_be_seen(recipe):
    x, masks = batch(recipe)
    learner = learner_of(recipe)
    for seen, hidden in masks:
        other = x.scatter(1, hidden[..., None].expand(-1, -1, jepa.INSIDE), 7.0)
        same = learner.predictor(learner.encoder(x, seen), seen, hidden)
        assert torch.equal(same, learner.predictor(learner.encoder(other, seen), seen, hidden))


def test_an_encoder_that_looks_before_it_takes_is_caught():
    x, masks = batch(SMALL)
    learner = learner_of(SMALL)
    seen, hidden = masks[0]
    other = x.scatter(1, hidden[..., None].expand(-1, -1, jepa.INSIDE), 7.0)
    leaks = [jepa.take(learner.encoder(clips), seen) for clips in (x, other)]
    assert not torch.allclose(*leaks)


def test_a_prediction_knows_its_place():
    x, masks = batch(SMALL)
    learner = learner_of(SMALL)
    seen, hidden = masks[0]
    said = learner.predictor(learner.encoder(x, seen), seen, hidden)
    turned = learner.predictor(learner.encoder(x, seen), seen, hidden.flip(1))
    assert torch.allclose(said, turned.flip(1), atol=1e-5)
    assert not torch.allclose(said, turned, atol=1e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
def test_the_copy_follows_by_exactly_its_momentum(momentum):
    learner = learner_of(SMALL).double()
    before = [weight.clone() for weight in learner.slow.parameters()]
    learner.follow(momentum)
    fast = list(learner.encoder.parameters())
    for old, slow, new in zip(before, learner.slow.parameters(), fast, strict=True):
        assert torch.allclose(slow, momentum * old + (1 - momentum) * new, rtol=0, atol=1e-15)


def test_momentum_rises_from_the_first_to_the_last():
    values = [jepa.momentum_at(SMALL, step) for step in range(SMALL.steps)]
    assert values[0] == 0.99 and values[-1] == 1.0
    assert np.diff(values) == pytest.approx(np.full(3, 0.01 / 3))


def test_nothing_is_learned_through_what_is_predicted():
    x, masks = batch(SMALL)
    learner = learner_of(SMALL)
    aims = learner.aims(x)
    assert not aims.requires_grad
    learner.loss(x, masks).backward()
    assert all(weight.grad is None for weight in learner.slow.parameters())
    assert all(weight.grad is not None for weight in learner.predictor.parameters())


def gradient(recipe):
    """Of the encoder's weights."""
    x, masks = batch(recipe)
    learner = learner_of(recipe)
    learner.loss(x, masks).backward()
    return torch.cat([weight.grad.flatten() for weight in learner.encoder.parameters()])


def test_without_a_stop_the_gradient_goes_both_ways():
    stopped = Recipe(**{**vars(SMALL), "momentum": None})
    through = Recipe(**{**vars(stopped), "stop_gradient": False})
    assert not torch.allclose(gradient(stopped), gradient(through))
    assert Learner(through).aims(batch(through)[0]).requires_grad
    assert not Learner(stopped).aims(batch(stopped)[0]).requires_grad


def test_targets_are_normalized_features_of_the_whole_clip():
    x, _ = batch(SMALL)
    learner = learner_of(SMALL)
    aims = learner.aims(x)
    assert aims.mean(-1).abs().max() < 1e-6
    assert (aims**2).mean(-1) == pytest.approx(1, abs=1e-3)
    other = x.clone()
    other[:, 0] += 1
    assert not torch.allclose(learner.aims(other)[:, 63], aims[:, 63])
    pixels = Learner(jepa.rival(SMALL))
    assert torch.equal(pixels.aims(x), x)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    "change", [{}, {"target": "pixels", "momentum": None}, {"momentum": None}, {"stop": False}]
)
def test_flops_are_counted(recipe, change):
    if "stop" in change:
        change = {"momentum": None, "stop_gradient": False}
    recipe = Recipe(**{**vars(recipe), **change})
    x, masks = batch(recipe)
    with FlopCounterMode(display=False) as counter:
        Learner(recipe).loss(x, masks).backward()
    assert counter.get_total_flops() == recipe.batch * jepa.flops(recipe)


def test_the_rival_spends_the_same_on_a_model_of_the_same_size():
    recipe = Recipe()
    other = jepa.rival(recipe)
    both = [r.steps * jepa.flops(r) for r in (recipe, other)]
    assert abs(both[0] - both[1]) <= jepa.flops(other) / 2
    learns = [p for p in Learner(recipe).parameters() if p.requires_grad]
    sizes = [sum(p.numel() for p in ps) for ps in (learns, Learner(other).parameters())]
    assert sizes[0] == sizes[1]  # a token has 32 numbers, and so have its features
    same = {"target", "momentum", "steps"}
    assert {k for k in vars(recipe) if getattr(recipe, k) != getattr(other, k)} == same


def test_equal_seeds_are_equal_and_see_the_same_whatever_is_predicted(monkeypatch):
    world = World("white", 0.5)
    seen = []
    loss = Learner.loss
    monkeypatch.setattr(
        Learner, "loss", lambda self, x, masks: (seen.append((x, masks)), loss(self, x, masks))[1]
    )
    one, two = jepa.train(SMALL, world, 3), jepa.train(SMALL, world, 3)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
    before = len(seen)
    jepa.train(jepa.rival(SMALL), world, 3)
    for (x, masks), (y, others) in zip(seen[: SMALL.steps], seen[before:], strict=False):
        assert torch.equal(x, y)
        assert all(torch.equal(a[1], b[1]) for a, b in zip(masks, others, strict=True))


def test_training_is_watched_and_features_have_four_times():
    steps = []
    learner = jepa.train(SMALL, World(), 0, lambda step, loss, _: steps.append((step, loss)))
    assert [step for step, _ in steps] == [1, 2, 3, 4] and all(loss > 0 for _, loss in steps)
    video = World().clips(5, torch.Generator().manual_seed(0)).video
    features = learner.features(video)
    assert features.shape == (5, 4 * SMALL.width) and not features.requires_grad
    whole = learner.slow(jepa.tokens(video)).view(5, 4, 16, SMALL.width)
    assert torch.allclose(features[:, : SMALL.width], whole[:, 0].mean(1))


def test_a_few_steps_make_the_loss_smaller():
    recipe = Recipe(**{**vars(jepa.rival(SMALL)), "steps": 60, "batch": 8})
    losses = []
    jepa.train(recipe, World("smooth", 0.1, 1.0), 0, lambda _, loss, __: losses.append(loss))
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"target": "words"}, "target is"),
        ({"width": 30}, "multiples of 4"),
        ({"steps": 0}, "steps is"),
        ({"momentum": (0.9, 1.1)}, "momentum is"),
    ],
)
def test_bad_settings_get_one_line(settings, says):
    with pytest.raises(ValueError, match=says):
        Recipe(**settings)
