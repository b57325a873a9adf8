"""What was measured at the border: the theory, networks beside it, and V-JEPA in miniature."""

import numpy as np
import pytest

from tools import features
from ttclib import artefacts
from ttclib.course.predicting_features import border, border_figures
from ttclib.course.predicting_features.worlds import World
from ttclib.search import results

BOTH, FEATURES, PIXELS, NEITHER = (tuple(corner) for corner in features.CORNERS)


def table(name):
    return results.read(artefacts.path("feature-border"), name)


def ends(how, corner):
    return border.looked(table("narrow"), how, *corner)[:, -1]


def exact(target, corner):
    return border.best_linear(World("flicker", *corner, 9), target)[features.BORDER["numbers"] - 1]


def test_the_map_is_exact():
    read = table("exact")
    for i in (3, 111, 400):
        point = float(read["share"][i]), float(read["persistence"][i])
        for target in ("features", "pixels"):
            assert read[target][i] == pytest.approx(exact(target, point), abs=1e-6)


def test_four_corners_lie_in_four_regions():
    for number, corner in enumerate((BOTH, FEATURES, PIXELS, NEITHER)):
        assert border_figures.region(exact("features", corner), exact("pixels", corner)) == number


def test_there_are_two_borders():
    """Features lose from a persistence on, whatever the share up to 0.9; the more persistent the
    patterns, the smaller the share at which pixels lose.
    """
    shares, kept, known = border.grid(table("exact"), "features")
    lost = [
        kept[np.argmax(column < 0.5)] for column in known[:, (shares > 0.1) & (shares < 0.85)].T
    ]
    assert 0.95 < min(lost) <= max(lost) <= 0.985
    assert (known[kept <= 0.95][:, shares < 0.85] > 0.9).all()
    shares, kept, known = border.grid(table("exact"), "pixels")
    borders = [shares[np.argmax(row < 0.5)] for row in known[(kept >= 0.2)]]
    assert (np.diff(borders) <= 0).all() and borders[0] > 0.9 > 0.6 > borders[-1]


@pytest.mark.parametrize("how", ["features", "pixels"])
def test_networks_do_as_the_theory_says_in_every_corner_and_for_every_seed(how):
    for corner in (BOTH, FEATURES, PIXELS, NEITHER):
        found = ends(how, corner)
        assert len(found) == 10
        assert np.abs(found - exact(how, corner)).max() < 0.05


def test_the_winner_is_the_same_for_ten_seeds_of_ten():
    assert (ends("features", FEATURES) > ends("pixels", FEATURES) + 0.9).all()
    assert (ends("pixels", PIXELS) > ends("features", PIXELS) + 0.8).all()
    assert (ends("features", BOTH) > 0.8).all() and (ends("pixels", BOTH) > 0.8).all()
    assert (ends("features", NEITHER) < 0.05).all() and (ends("pixels", NEITHER) < 0.05).all()


def test_beside_the_corners_too_except_for_pixels_next_to_their_border():
    for share, persistence in features.BORDER["along share"] + features.BORDER["along persistence"]:
        for how in ("features", "pixels"):
            found = ends(how, (share, persistence))
            assert len(found) == 5
            near = how == "pixels" and share == 0.7
            assert np.abs(found - exact(how, (share, persistence))).max() < (0.45 if near else 0.06)


def test_half_of_the_training_is_enough_for_features():
    for corner in (BOTH, FEATURES):
        looks = border.looked(table("narrow"), "features", *corner)
        assert (looks[:, 1] > 0.95 * looks[:, -1]).all()
    pixels = border.looked(table("narrow"), "pixels", *BOTH)
    assert (pixels[:, 0] < pixels[:, -1]).all()


def test_the_rate_is_in_the_middle_of_three_and_hardly_matters():
    narrow = table("narrow")
    for how, corner in (("features", FEATURES), ("pixels", BOTH), ("pixels", PIXELS)):
        mine = results.where(narrow, how=how, share=corner[0], persistence=corner[1], seed=0)
        rates = np.unique(mine["rate"])
        assert len(rates) == 3 and rates[1] == border.Narrow.rate
        last = mine["step"] == mine["step"].max()
        known = {rate: mine["position"][last & (mine["rate"] == rate)].item() for rate in rates}
        assert known[border.Narrow.rate] > max(known.values()) - 0.05


def test_a_momentum_encoder_sees_brightness():
    position = ends("momentum", FEATURES)
    background = border.kept_background(table("narrow"), "momentum", *FEATURES)
    assert len(position) == 5 and (position < background).all()
    assert (position < 0.3).all() and (ends("features", FEATURES) > 0.9).all()


def test_all_spend_the_same():
    narrow = table("narrow")
    spent = {}
    for how in border.HOWS:
        steps = narrow["step"][narrow["how"] == how].max()
        spent[how] = steps * border.narrow_flops(border.Narrow(how))
    assert max(spent.values()) < 1.01 * min(spent.values())
