"""What notebook 15 says of the border between features and pixels, and the numbers it rests on."""

import itertools

import numpy as np
import pytest
import torch
from sentences import Says

from tools import features
from ttclib import artefacts
from ttclib.course.predicting_features import border, border_figures, jepa
from ttclib.course.predicting_features.worlds import POSITION_VARIANCE, World
from ttclib.search import results

says = Says("15_predicting_features")
BOTH, FEATURES, PIXELS, NEITHER = (tuple(corner) for corner in features.CORNERS)


def known(target, corner, numbers=4):
    return border.best_linear(World("flicker", *corner, 9), target)[numbers - 1]


def narrow():
    return results.read(artefacts.path("feature-border"), "narrow")


def ends(how, corner):
    return border.looked(narrow(), how, *corner)[:, -1]


@pytest.mark.answers("15-060", 1)
@pytest.mark.answers("15-060", 2)
@pytest.mark.answers("15-060", 3)
def test_answers_to_the_predictions_are_exact():
    says("1. Both. The shape is more", min(known(t, BOTH) for t in ("features", "pixels")) > 0.8)
    says("2. The pixels.", known("pixels", FEATURES) < 0.05 < 0.9 < known("features", FEATURES))
    says("3. The pixels win.", known("features", PIXELS) < 0.05 < 0.8 < known("pixels", PIXELS))
    lost = [known(t, NEITHER) < 0.05 for t in ("features", "pixels")]
    says("With much of such a background neither knows the position.", all(lost))
    flicker = [known("pixels", FEATURES, k) for k in range(1, 17)]
    says("With eight numbers the pixels are no better off at 0.9", flicker[7] < 0.05)
    says("From the tenth number on they get to the shape.", flicker[8] < 0.1 < 0.3 < flicker[9])


def test_two_borders():
    exact = results.read(artefacts.path("feature-border"), "exact")
    shares, kept, grid = border.grid(exact, "features")
    inner = grid[:, (shares > 0.1) & (shares < 0.85)]
    lost = [kept[np.argmax(column < 0.5)] for column in inner.T]
    says("above a persistence that hardly depends on the share", np.ptp(lost) < 0.02)
    _, _, grid = border.grid(exact, "pixels")
    borders = [shares[np.argmax(row < 0.5)] for row in grid[kept >= 0.2]]
    fewer = all(after <= before for before, after in itertools.pairwise(borders))
    says("the more persistent it is, the less of it is needed", fewer and borders[0] > borders[-1])


@pytest.mark.answers("15-074", 1)
def test_other_backgrounds():
    def ahead(*world, **more):
        features, pixels = (border.best_linear(World(*world, **more), t)[3] for t in border.TARGETS)
        return features - pixels, features

    says("The patterns give the clear answer", ahead("flicker", 0.7, 0.9, 9)[0] > 0.9)
    says("In front of white noise features are a little", 0.02 < ahead("white", 0.7)[0] < 0.15)
    says("**features lose**, although nothing", ahead("smooth", 0.7)[0] < -0.1)
    says("if it stays a while, they lead", ahead("smooth", 0.7, 0.9)[0] > 0.03)
    crowds = [ahead("distractors", 0.7, drift=drift) for drift in (0.5, 3.0)]
    level = all(abs(lead) < 0.03 and known < 0.2 for lead, known in crowds)
    says("there the two are level, and neither knows much", level)


@pytest.mark.answers("15-071", 1)
def test_networks():
    plan = features.BORDER
    points = [*plan["corners"], *plan["along share"], *plan["along persistence"]]
    away = {
        (how, *point): np.abs(ends(how, point) - known(how, point)).max()
        for how in ("features", "pixels")
        for point in points
    }
    far = [place for place, distance in away.items() if distance > 0.06]
    exception = far == [("pixels", 0.7, 0.5)]
    says("at a share of 0.7, the pixels have not reached it yet", exception)
    looks = border.looked(narrow(), "pixels", 0.7, 0.5)
    assert (np.diff(looks) > -0.01).all()
    colours = [
        border_figures.region(one.features.mean(), one.pixels.mean())
        == border_figures.region(*(known(how, one[:2]) for how in ("features", "pixels")))
        for one in border_figures.trained(narrow())
    ]
    says("it is that of the map around it", len(colours) == 10 and all(colours))
    looks = [border.looked(narrow(), "features", *corner) for corner in (BOTH, FEATURES)]
    half = all((look[:, 1] > 0.95 * look[:, -1]).all() for look in looks)
    says("Features are there after half of the training.", half)
    same = all(
        ((ends(how, corner) > 0.5) == (known(how, corner) > 0.5)).all()
        and len(ends(how, corner)) == 10
        for how in ("features", "pixels")
        for corner in (BOTH, FEATURES, PIXELS, NEITHER)
    )
    says("**ten seeds of ten** say the same", same)


def test_without_whitening():
    table = narrow()
    background = border.kept_background(table, "momentum", *FEATURES)
    less = (ends("momentum", FEATURES) < background).all()
    says("they know less of the position than of the patterns**, for each seed", less)
    whitened = border.kept_background(table, "features", *FEATURES)
    nothing = (np.abs(whitened) < 0.02).all() and (ends("features", FEATURES) > 0.95).all()
    says("Whitened features know nearly all of the position, and nothing of the patterns.", nothing)
    some = (ends("momentum", PIXELS) > 0.2).all() and (ends("features", PIXELS) < 0.02).all()
    says("where whitened features know nothing of the position, they know some", some)
    four = border.kept_background(table, "pixels", *FEATURES)
    says("Four numbers can know four ninths of these.", np.abs(four - 4 / 9).max() < 0.02)
    moved = [
        abs(ends("deep pixels", corner).mean() - ends("pixels", corner).mean())
        for corner in (BOTH, FEATURES, PIXELS, NEITHER)
    ]
    says("The deep predictor moves the pixels little", max(moved) < 0.1)


def windows(corner):
    """By regression on the sums: no singular values."""
    world = World("flicker", *corner, 9)
    then = world.covariance(1)
    now = world.covariance(0)
    found = []
    for seed in range(30):
        window = np.random.default_rng(seed).standard_normal((256, 4))
        encoder = np.linalg.solve(now, then @ window)
        shared = encoder.T @ world.with_position(0)
        explained = shared * np.linalg.solve(encoder.T @ now @ encoder, shared)
        found.append(explained.sum(axis=0).mean() / POSITION_VARIANCE)
    return np.array(found)


def test_a_momentum_encoder_is_a_random_window():
    apart = {
        corner: ends("momentum", corner).mean() - windows(corner).mean()
        for corner in (BOTH, FEATURES, PIXELS)
    }
    near = all(abs(apart[corner]) < 0.1 for corner in (FEATURES, PIXELS))
    says("the networks end within 0.1 of a random window", near)
    says("they do better than their window", apart[BOTH] > 0.2)
    little = windows(NEITHER).mean() < 0.15 and np.abs(ends("momentum", NEITHER)).max() < 0.02
    says("In the fourth, even a window knows little, and they know nothing.", little)


def told(world, hidden):
    """Least squares on drawn frames in place of a formula."""
    places = hidden.reshape(4, 4).repeat(4, axis=0).repeat(4, axis=1).ravel()
    frames = world.clips(6000, torch.Generator().manual_seed(0), frames=1).video.flatten(1)
    frames = frames.double().numpy()
    frames -= frames.mean(axis=0)
    seen, wanted = frames[:, ~places], frames[:, places]
    left = wanted[3000:] - seen[3000:] @ np.linalg.lstsq(seen[:3000], wanted[:3000], rcond=None)[0]
    return 1 - left.var() / wanted[3000:].var()


def test_what_the_same_frame_tells():
    hidden = jepa.places(jepa.SHORT, np.random.default_rng(0))
    flicker = told(World("flicker", 0.9, 0.5, 9), hidden)
    says("Flicker that fills the frame *can* be predicted from the rest", flicker > 0.7)
    white = told(World("white", 0.9), hidden)
    says("Only white noise cannot.", white < 0.05 < 0.2 < told(World("smooth", 0.9), hidden))
