"""What notebook 15 says of the whole miniature in six worlds, and the numbers it rests on."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from sentences import Says

from ttclib import artefacts
from ttclib.course.predicting_features import jepa, masked

says = Says("15_predicting_features")
MEANS, TOKENS = "position", "position_by_token"
FLICKERS = ("nine patterns that flicker", "flicker of the whole frame")


@cache
def six():
    return masked.read(artefacts.path("feature-worlds"))


def ends(world, what):
    """Of each seed: without training, of features, of pixels."""
    return six().random(world, what), *(six().ends(world, t, what) for t in jepa.TARGETS)


@pytest.mark.answers("15-059", 1)
def test_pixels_win_in_all_six_worlds():
    assert len(six().seeds) == 5 and len(six().worlds) == 6
    ahead = []
    for world in six().worlds:
        for what in (MEANS, TOKENS):
            _, features, pixels = ends(world, what)
            ahead.append((pixels > features).all())
    says("In none. **Pixels know more of the position in all six worlds", all(ahead))
    says("So no border was seen.", all(ahead))


def test_beside_random_features():
    for world in FLICKERS:
        random, features, _ = ends(world, MEANS)
        below = np.count_nonzero(features < random)
        says("end *below* those of an encoder that learned nothing, for four seeds", below == 4)
    gained, more = [], []
    for world in six().worlds:
        random, features, pixels = (known.mean() for known in ends(world, TOKENS))
        gained.append(features > random)
        more.append(pixels > max(features, random))
    says("in five of the worlds, all but that of the distractors", sum(gained) == 5)
    assert not gained[six().worlds.index("faster distractors")]
    says("Pixels add more, in all six.", all(more))


def test_the_exception_is_a_velocity():
    found = {}
    for world in six().worlds:
        for what in ("velocity", "velocity_by_token"):
            _, features, pixels = ends(world, what)
            found[world, what] = np.count_nonzero(features > pixels)
    texture = "a texture that stays", "velocity_by_token"
    others = [count for case, count in found.items() if case != texture]
    says("One exception is in the record, for the velocity", max(others) <= 1)
    says("features are ahead of pixels for four seeds of five", found[texture] == 4)
    random, features, pixels = ends(*texture)
    nothing = (random > np.maximum(features, pixels)).all()
    says("there an encoder that learned nothing is ahead of both", nothing)


def test_curves_are_flat_at_the_end():
    rise = [
        np.diff(six().curve(world, target)[1][:, -2:].mean(axis=0))[0]
        for world in six().worlds
        for target in jepa.TARGETS
    ]
    says("The curves are flat at the end", np.abs(rise).max() < 0.02)
    recipe = jepa.Recipe()
    last = jepa.rate_at(recipe, recipe.steps)
    says("which has fallen to a hundredth", last == pytest.approx(recipe.rate / 100))


def test_what_is_paid_and_the_dashed_line():
    recipe = jepa.rival(jepa.Recipe())
    says("pixels get 1,396, for the same FLOPs", recipe.steps == 1396)
    *_, pixels = ends("white noise", TOKENS)
    best = six().pixels["white noise"]["best_position"]
    says("the one that predicts pixels is above that line", (pixels > best).all())
