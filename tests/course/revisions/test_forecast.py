"""Two-state chains for groups of problems: exact where the law is known."""

import numpy as np
import pytest

from ttclib.course.revisions.forecast import forecast
from ttclib.course.revisions.turns import Turns, shares_ahead, turns

LATTICE = np.array([[[False, True, True], [True, False, True]], [[False, False, True]] * 2])


def test_one_group_is_the_pooled_chain():
    found = forecast(LATTICE, [0, 0], 5)
    step = turns(LATTICE)
    assert found.turns == [step]
    assert found.shares == pytest.approx(shares_ahead(0.25, step, 4))
    assert found.long_run == pytest.approx(step.long_run)


def test_groups_are_weighed_by_their_problems():
    right = np.concatenate([LATTICE, LATTICE[1:]])
    found = forecast(right, [0, 1, 1], 4)
    alone = [forecast(part, np.zeros(len(part), dtype=int), 4) for part in (right[:1], right[1:])]
    assert found.shares == pytest.approx((alone[0].shares + 2 * alone[1].shares) / 3)
    assert found.long_run == pytest.approx((alone[0].long_run + 2 * alone[1].long_run) / 3)


def test_what_never_turns_stays():
    right = np.ones((4, 3, 5), dtype=bool)
    right[2:] = False
    found = forecast(right, [0, 0, 1, 1], 6)
    assert found.turns == [Turns(1.0, 0.0), Turns(0.0, 0.0)]
    assert found.shares.tolist() == [0.5] * 6 and found.long_run == 0.5


def test_two_kinds_of_problems_are_foreseen_by_two_chains_alone():
    """The pooled chain of a mixture settles elsewhere: the reason why groups are cut at all."""
    kinds = [Turns(0.5, 0.0), Turns(0.02, 0.1)]
    truth = np.mean([shares_ahead(0.5, kind, 200)[-1] for kind in kinds])
    rng = np.random.default_rng(0)
    right = np.empty((400, 50, 8), dtype=bool)
    right[..., 0] = rng.random((400, 50)) < 0.5
    group = np.arange(400) % 2
    up, down = (np.array([kind[i] for kind in kinds])[group][:, None] for i in (0, 1))
    for k in range(1, 8):
        was = right[..., k - 1]
        right[..., k] = np.where(was, rng.random(was.shape) >= down, rng.random(was.shape) < up)
    # 0.02 is counted on more than 40,000 steps: at six standard errors to 0.0042, so the long run
    # of its kind to 0.03, and the mean of both to half of that
    assert forecast(right, group, 9).long_run == pytest.approx(truth, abs=0.02)
    assert abs(forecast(right[..., :2], 0 * group, 9).long_run - truth) > 0.2


def test_wrong_use_is_one_line():
    with pytest.raises(ValueError, match="group 1 is empty"):
        forecast(LATTICE, [0, 2], 3)
    with pytest.raises(ValueError, match="right has shape"):
        forecast(LATTICE, [0], 3)
