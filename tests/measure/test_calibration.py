"""Calibration against small examples, direct definitions and known limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ttclib.measure.calibration import (
    auc_within,
    auroc,
    expected_calibration_error,
    reliability,
)

ANSWERS = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        arrays(float, n, elements=st.sampled_from([0.0, 0.05, 0.1, 0.31, 0.5, 0.55, 0.9, 1.0])),
        arrays(bool, n),
    )
)


def test_an_example_by_hand():
    confidence, right = [0.95, 0.91, 0.15, 1.0], [True, False, False, True]
    found = reliability(confidence, right)
    assert found.count.tolist() == [1, 3]
    assert np.allclose(found.confidence, [0.15, (0.95 + 0.91 + 1.0) / 3])
    assert np.allclose(found.accuracy, [0, 2 / 3])
    gaps = 0.15 + 3 * abs(2.86 / 3 - 2 / 3)
    assert np.isclose(expected_calibration_error(confidence, right), gaps / 4)


@given(ANSWERS)
def test_bins_hold_all_answers_and_their_means(answers):
    confidence, right = answers
    found = reliability(confidence, right, bins=7)
    assert found.count.sum() == len(right) and (found.count > 0).all()
    assert np.isclose(found.accuracy @ found.count, right.sum())
    assert np.isclose(found.confidence @ found.count, confidence.sum())
    assert (np.diff(found.confidence) > 0).all()


@given(ANSWERS)
def test_auroc_is_the_share_of_pairs(answers):
    score, right = answers
    pairs = [(a > b) + (a == b) / 2 for a in score[right] for b in score[~right]]
    found = auroc(score, right)
    assert np.isclose(found, np.mean(pairs)) if pairs else np.isnan(found)


@given(ANSWERS)
def test_auroc_sees_only_the_order(answers):
    score, right = answers
    assert np.isclose(auroc(score, right), auroc(np.exp(5 * score), right), equal_nan=True)
    assert np.isclose(auroc(score, right), 1 - auroc(-score, right), equal_nan=True)


def test_auc_within_leaves_out_what_cannot_be_told_apart(seed):
    rng = np.random.default_rng(seed)
    scores, right = rng.integers(0, 4, (6, 8)).astype(float), rng.random((6, 8)) < 0.5
    right[0], right[1] = True, False
    scores[2, :2] = np.nan
    found = auc_within(scores, right)
    assert np.isnan(found[:2]).all()
    for i in range(3, 6):
        assert found[i] == pytest.approx(auroc(scores[i], right[i]), nan_ok=True)
    assert found[2] == pytest.approx(auroc(scores[2, 2:], right[2, 2:]), nan_ok=True)


@pytest.mark.statistical
def test_a_confidence_that_is_the_chance_is_calibrated(seed):
    rng = np.random.default_rng([seed, 8])
    confidence = rng.random(100_000)
    right = rng.random(100_000) < confidence
    # Hoeffding in each of 10 bins of about 10⁴ answers: a gap above 0.04 has chance below
    # 10 · 2 exp(−2 · 9000 · 0.04²) = 6e-12; bins below 9000 are rarer than 1e-20
    assert expected_calibration_error(confidence, right) < 0.04
    # overconfident by the square root: the gap is E|√u − u| = 1/6, by Hoeffding within 0.01 of it
    # but for 2 exp(−2 · 10⁵ · 0.01²) = 4e-9
    assert abs(expected_calibration_error(np.sqrt(confidence), right) - 1 / 6) < 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: reliability([1.2], [True]),
            r"confidence is 1.2; it must be a finite number in \[0, 1\]",
        ),
        (lambda: reliability([], []), "confidence has shape .* at least 1 number"),
        (lambda: auroc([0.1, 0.2], [True]), "right has shape"),
        (lambda: reliability([0.5], [True], bins=0), "bins is 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
