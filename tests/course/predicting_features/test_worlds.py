"""Clips are what they are said to be: exact moments against quadrature, and against draws."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from exact_p_values import FALSE_ALARM
from normal_p_values import mean_p_value

from ttclib.course.predicting_features import worlds
from ttclib.course.predicting_features.worlds import World

WORLDS = [
    World("white", 0.3, 0.9),
    World("smooth", 0.6, 0.5),
    World("flicker", 0.8, 0.3, patterns=1),
    World("flicker", 0.5, 0.9, patterns=9),
    World("distractors", 0.5, drift=0.5),
]


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_the_pixels_have_variance_one_and_the_share_is_what_is_not_the_state(world):
    assert np.trace(world.covariance(0)) == pytest.approx(worlds.PIXELS, rel=1e-9)
    rest = np.trace(world.share * world.background_covariance(0)) / worlds.PIXELS
    assert rest == pytest.approx(world.share, rel=1e-9)


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_moments_of_a_line_are_those_of_quadrature(lag):
    """Sum over 4,000 starts and 400 speeds in place of cosines."""
    start = (np.arange(4000) + 0.5) / 4000 * 2 * worlds.ROOM
    speed = ((np.arange(400) + 0.5) / 400 * 2 - 1) * worlds.SPEED

    def place(around):
        around = around % (2 * worlds.ROOM)
        return worlds.WALL + np.minimum(around, 2 * worlds.ROOM - around)

    def seen(at):
        return np.exp(-(((np.arange(16)[:, None] - at) / worlds.SIZE) ** 2) / 2)

    moments = np.zeros((16, 16))
    position = np.zeros(16)
    velocity = np.zeros(16)
    for v in speed:
        later = start + v * lag
        at = place(later)
        sign = np.where(later % (2 * worlds.ROOM) < worlds.ROOM, 1.0, -1.0)
        now = seen(place(start))
        moments += now @ seen(at).T / len(start) / len(speed)
        position += now @ (at - worlds.WALL - worlds.ROOM / 2) / len(start) / len(speed)
        velocity += now @ (v * sign) / len(start) / len(speed)
    found = worlds.line_moments(worlds.SIZE, worlds.SPEED, lag)
    assert found == pytest.approx(moments, abs=3e-5)
    world = World("white", 0.0)
    mean = seen(place(start)).mean(axis=1)
    scale = worlds.state_variance(worlds.SIZE) ** -0.5
    for exact, along in (
        (world.with_position(lag), position),
        (world.with_velocity(lag), velocity),
    ):
        assert exact[:, 0] == pytest.approx(scale * np.kron(along, mean), abs=2e-4)
        assert exact[:, 1] == pytest.approx(scale * np.kron(mean, along), abs=2e-4)


def test_shapes_stay_between_the_walls_and_go_on_as_their_velocity_says():
    generator = torch.Generator().manual_seed(1)
    position, velocity = worlds.walk(500, worlds.SPEED, generator)
    assert position.min() >= worlds.WALL and position.max() <= worlds.WALL + worlds.ROOM
    step = position[:, 1:] - position[:, :-1]
    free = velocity[:, 1:] == velocity[:, :-1]
    assert torch.allclose(step[free], velocity[:, 1:][free], atol=1e-5)
    assert 0 < (~free).float().mean() < 0.2


def test_patterns_are_orthogonal_and_the_first_is_the_whole_frame():
    drawn = worlds.stripes(worlds.PATTERNS)
    assert drawn @ drawn.T == pytest.approx(worlds.PIXELS * np.eye(worlds.PATTERNS), abs=1e-8)
    assert (drawn[0] == 1).all()


def test_what_stays_stays():
    video = World("smooth", 0.99, 1.0).background(3, torch.Generator().manual_seed(0))
    moved = video[:, 1:] - video[:, :-1]  # the camera's own noise alone
    assert moved.var() == pytest.approx(2 * worlds.GRAIN, rel=0.2)


def p_value(world, drawn_by, lag, seed):
    """Of mean products of two random sums of pixels, and with the position.

    Products of two such sums are at most as skew as a chi-square (γ < 3): with 20,000 of them the
    tail at z = 6.5 is inflated less than threefold.
    """
    generator = torch.Generator().manual_seed(seed)
    clips = drawn_by.clips(20_000, generator, frames=lag + 1)
    x = clips.video.flatten(2).double().numpy()
    mean = np.kron(*[worlds._profile_waves(worlds.SIZE)[:, 0]] * 2)
    mean = mean * math.sqrt((1 - world.share) / worlds.state_variance(worlds.SIZE))
    if world.field == "distractors":
        wide = np.kron(*[worlds._profile_waves(worlds.WIDE)[:, 0]] * 2)
        scale = worlds.DISTRACTORS * (1 - worlds.GRAIN) * world.share
        mean = mean - wide * math.sqrt(scale / worlds.state_variance(worlds.WIDE))
    x = x - mean
    rng = np.random.default_rng(seed)
    one, two = rng.standard_normal((2, worlds.PIXELS))
    one[:] = 1 + 0.2 * one  # a part of it sees the whole frame
    middle = worlds.WALL + worlds.ROOM / 2
    position = clips.position[:, lag, 0].double().numpy() - middle
    products = [
        ((x[:, 0] @ one) * (x[:, lag] @ one), one @ world.covariance(lag) @ one),
        ((x[:, 0] @ two) * (x[:, lag] @ two), two @ world.covariance(lag) @ two),
        ((x[:, 0] @ two) * position, two @ world.with_position(lag)[:, 0]),
        ((x[:, 0] @ one) * position, one @ world.with_position(lag)[:, 0]),
    ]
    return mean_p_value(np.stack([values - exact for values, exact in products], axis=1))


@pytest.mark.statistical
@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_what_is_drawn_has_the_exact_moments(world, lag, seed):
    assert p_value(world, world, lag, seed) > FALSE_ALARM


@pytest.mark.statistical
@pytest.mark.parametrize(
    "mutant",
    [{"share": 0.6}, {"persistence": 0.6}, {"field": "white"}, {"patterns": 7}],
    ids=str,
)
def test_another_world_is_caught(mutant, seed):
    world = WORLDS[3]
    assert p_value(world, replace(world, **mutant), 2, seed) < FALSE_ALARM


@pytest.mark.statistical
def test_a_shape_that_is_not_thrown_back_in_time_is_caught(seed, monkeypatch):
    def slow(n, speed, generator, frames=worlds.FRAMES):
        return walk(n, speed / 3, generator, frames)

    walk = worlds.walk
    world = World("white", 0.1)
    monkeypatch.setattr(worlds, "walk", slow)
    assert p_value(world, world, 2, seed) < FALSE_ALARM


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"field": "snow"}, "field"),
        ({"share": 1.0}, "share"),
        ({"persistence": -0.1}, "persistence"),
        ({"patterns": 18}, "patterns"),
        ({"drift": 12.0}, "drift"),
    ],
)
def test_bad_settings_get_one_line(settings, says):
    with pytest.raises(ValueError, match=f"^{says} is "):
        World(**settings)
