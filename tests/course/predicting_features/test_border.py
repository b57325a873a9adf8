"""The best linear encoders, by two routes; narrow networks; and the records of both."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import linalg
from torch.utils.flop_counter import FlopCounterMode

from ttclib.course.predicting_features import border
from ttclib.course.predicting_features.border import Narrow, NarrowLearner
from ttclib.course.predicting_features.worlds import (
    PIXELS,
    POSITION_VARIANCE,
    World,
    stripes,
)

WORLDS = [World("white", 0.4), World("smooth", 0.6, 0.5), World("flicker", 0.7, 0.9, 9)]


@pytest.mark.parametrize("world", WORLDS, ids=str)
@pytest.mark.parametrize("target", ["features", "pixels"])
def test_the_best_linear_encoder_solves_the_generalized_eigenvalue_problem(world, target):
    """The other route: no root, no singular values."""
    now, then = world.covariance(0), world.covariance(1)
    inner = np.linalg.inv(now) if target == "features" else np.eye(PIXELS)
    value, encoder = linalg.eigh(then @ inner @ then.T, now)
    encoder = encoder[:, np.argsort(-value)]
    known = (encoder.T @ world.with_position(0)) ** 2 / POSITION_VARIANCE
    found = border.best_linear(world, target)
    gaps = -np.diff(np.sort(-value))[:12] < 1e-6  # a pair of equal values has no order
    for k in np.flatnonzero(~gaps) + 1:
        assert found[k - 1] == pytest.approx(known.mean(axis=1)[:k].sum(), abs=1e-6)


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_all_numbers_know_what_all_pixels_know(world):
    read = np.linalg.solve(world.covariance(0), world.with_position(0))
    ceiling = (read * world.with_position(0)).sum(axis=0).mean() / POSITION_VARIANCE
    for target in ("features", "pixels"):
        known = border.best_linear(world, target)
        assert known[-1] == pytest.approx(ceiling, abs=1e-9)
        assert (np.diff(known) > -1e-12).all()


def test_whitening_whitens():
    covariance = World("smooth", 0.5, 0.3).covariance(0)
    root = border.inverse_root(covariance)
    assert root @ covariance @ root == pytest.approx(np.eye(PIXELS), abs=1e-8)
    flat = np.diag([4.0, 0.0])
    assert border.inverse_root(flat) == pytest.approx(np.diag([0.5, 0.0]))


def test_without_a_second_whitening_features_are_pixels(monkeypatch):
    """The mutant: all that tells them apart is that the target is whitened, too."""
    world = World("flicker", 0.9, 0.5, 9)
    features, pixels = (border.best_linear(world, target)[3] for target in border.TARGETS)
    assert features > 0.9 and pixels < 0.1
    calls = []

    def once(covariance):
        calls.append(covariance)
        return root(covariance)

    root = border.inverse_root
    monkeypatch.setattr(border, "inverse_root", once)
    border.best_linear(world, "pixels")
    assert len(calls) == 1


@pytest.mark.parametrize("how", border.HOWS)
def test_flops_of_a_step_are_counted(how):
    recipe = Narrow(how, batch=64)
    learner = NarrowLearner(recipe)
    frames = torch.randn(64, 2, PIXELS)
    with FlopCounterMode(display=False) as counter:
        learner.loss(frames).backward()
    whitening = 64 * 16 * 30 if how == "features" else 0  # at most 30 k² a pair
    rest = counter.get_total_flops() - 64 * border.narrow_flops(recipe)
    assert 0 <= rest <= whitening


@pytest.mark.parametrize("how", border.HOWS)
def test_all_ways_spend_the_same(how):
    base = Narrow()
    other = border.for_the_same(base, how)
    spent = [r.steps * border.narrow_flops(r) for r in (base, other)]
    assert abs(spent[0] - spent[1]) <= border.narrow_flops(other) / 2
    assert replace(other, how=base.how, steps=base.steps) == base


def test_what_is_explained_is_the_sum_of_squared_canonical_correlations():
    generator = torch.Generator().manual_seed(0)
    now = torch.randn(400, 3, generator=generator).double()
    then = 0.5 * now + torch.randn(400, 3, generator=generator).double()
    a, b = (x - x.mean(0) for x in (now, then))
    q, r = (torch.linalg.qr(x)[0] for x in (a, b))
    exact = torch.linalg.svdvals(q.T @ r).square().sum()
    assert float(border.correlated(now, then)) == pytest.approx(float(exact), rel=1e-3)
    turn = torch.tensor([[2.0, 1, 0], [0, 1, 0], [5, 0, 3]]).double()
    assert float(border.correlated(now @ turn, then)) == pytest.approx(float(exact), rel=1e-3)


def test_numbers_that_never_change_explain_nothing():
    generator = torch.Generator().manual_seed(0)
    still = 1e-9 * torch.randn(100, 3, generator=generator)
    assert float(border.correlated(still, still)) < 1e-6


def test_nothing_is_learned_through_the_slow_encoder_and_it_follows():
    recipe = Narrow("momentum", steps=3, batch=8)
    learner = NarrowLearner(recipe)
    learner.loss(torch.randn(8, 2, PIXELS)).backward()
    assert all(weight.grad is None for weight in learner.slow.parameters())
    taught = border.teach(recipe, World(), 0)
    torch.manual_seed(0)
    first = NarrowLearner(recipe)
    for slow, fast, begun in zip(
        taught.slow.parameters(),
        taught.encoder.parameters(),
        first.slow.parameters(),
        strict=True,
    ):
        assert (slow - begun).abs().max() < (fast - begun).abs().max()
        assert not torch.equal(slow, begun)


@pytest.mark.parametrize("how", border.HOWS)
def test_equal_seeds_are_equal_and_steps_are_looked_at(how):
    recipe = Narrow(how, steps=3, batch=8)
    looks = []
    one = border.teach(recipe, World(), 5, lambda step, _: looks.append(step))
    two = border.teach(recipe, World(), 5)
    assert looks == [1, 2, 3]
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


class Linear(torch.nn.Module):
    """An encoder that is known."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = torch.from_numpy(matrix).float()

    def forward(self, x):
        return x @ self.matrix


@pytest.mark.statistical
def test_what_is_known_of_position_and_patterns_is_what_is_in_the_numbers(seed):
    """The best linear encoder knows of the position what the theory says; one that looks at three
    of nine patterns knows a third. R² from 2,000 frames: its standard deviation is below 0.015
    here, and 0.08 is more than five of them.
    """
    world = World("flicker", 0.9, 0.5, 9)
    learner = NarrowLearner(Narrow())
    whiten = border.inverse_root(world.covariance(0))
    axes, _, _ = np.linalg.svd(whiten @ world.covariance(1) @ whiten)
    learner.encoder = Linear(whiten @ axes[:, :4])
    position, background = border.known(learner, world, seed)
    assert position == pytest.approx(border.best_linear(world, "features")[3], abs=0.08)
    assert background == pytest.approx(0, abs=0.08)
    learner.encoder = Linear(stripes(9)[1:4].T)
    position, background = border.known(learner, world, seed)
    assert position == pytest.approx(0, abs=0.08)
    assert background == pytest.approx(1 / 3, abs=0.08)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"how": "words"}, "how is"), ({"numbers": 0}, "numbers is"), ({"steps": 0}, "steps is")],
)
def test_bad_settings_get_one_line(settings, says):
    with pytest.raises(ValueError, match=says):
        Narrow(**settings)


def test_an_unknown_target_gets_one_line():
    with pytest.raises(ValueError, match="target is"):
        border.best_linear(World(), "words")


# ---- records -------------------------------------------------------------------------------------


def test_a_map_is_read_as_a_grid():
    rows = border.exact_map(9, 4, [0.9, 0.5], [1.0, 0.5])
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    shares, kept, features = border.grid(columns, "features")
    assert shares.tolist() == [0.5, 0.9] and kept.tolist() == [0.5, 1.0]
    world = World("flicker", 0.9, 0.5, 9)
    assert features[0, 1] == border.best_linear(world, "features")[3]
    assert features.shape == (2, 2)


def narrow_columns():
    """Two seeds, two looks, one other rate; rows out of order."""
    rows = [
        ("pixels", 0.5, 0.9, Narrow.rate, seed, step, 0.1 * seed + step, 10 + seed + step)
        for step in (2, 1)
        for seed in (1, 0)
    ]
    rows += [("pixels", 0.5, 0.9, 1.0, 0, 1, 9.0, 9.0), ("features", 0.5, 0.9, 1.0, 0, 1, 9.0, 9.0)]
    names = ("how", "share", "persistence", "rate", "seed", "step", "position", "background")
    return {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def test_looks_are_read_seed_by_seed():
    found = border.looked(narrow_columns(), "pixels", 0.5, 0.9)
    assert found.tolist() == [[1, 2], [1.1, 2.1]]
    assert border.kept_background(narrow_columns(), "pixels", 0.5, 0.9).tolist() == [12, 13]


# ---- scores --------------------------------------------------------------------------------------


@pytest.mark.parametrize("persistence", [0.3, 0.8])
def test_scores_of_a_pattern_are_singular_values(persistence):
    """Nearly: the first pattern, the brightness of the frame, shares a little with the shape."""
    share = 0.9
    world = World("flicker", share, persistence, 9)
    whiten = border.inverse_root(world.covariance(0))
    variance = border.pattern_variance(share, 9)
    found = border.pattern_scores(variance, share * 0.05, persistence)
    pattern = stripes(9)[3] / 16
    assert pattern @ (share * world.background_covariance(0)) @ pattern == pytest.approx(
        variance + share * 0.05
    )
    both = whiten @ world.covariance(1), whiten @ world.covariance(1) @ whiten
    for score, matrix in zip(found, both, strict=True):
        values = np.linalg.svd(matrix, compute_uv=False)
        assert np.abs(values - score).min() < 0.02 * score


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_scores_of_the_shape_are_those_of_patterns_that_never_show(share):
    """With persistence 0 the patterns predict nothing; they hide a little of the shape."""
    world = World("flicker", share, 0.0, 9)
    whiten = border.inverse_root(world.covariance(0))
    both = whiten @ world.covariance(1), whiten @ world.covariance(1) @ whiten
    for score, matrix in zip(border.shape_scores(share), both, strict=True):
        assert np.linalg.norm(matrix, 2) == pytest.approx(score, rel=0.02)
