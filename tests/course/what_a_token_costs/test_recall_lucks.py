"""What notebook 14 answers to its predictions about memories holds for other lucks, too."""

import numpy as np
import pytest

from ttclib.course.what_a_token_costs import recall
from ttclib.course.what_a_token_costs import recall_figures as figures

LUCKS = 120
MEMORIES = {"a sum": recall.sums, "delta rule": recall.corrected, "attention": recall.kept}


@pytest.mark.answers("14-085", 1)
def test_four_times_the_numbers_recall_two_and_a_half_times_the_pairs():
    halves = {}
    for size in figures.SIZES:
        halves[size] = next(n for n in range(1, 999) if recall.law(n, size, size) < 0.5)
    assert (halves[8], halves[16], halves[32]) == (34, 84, 240)
    assert 2.4 < halves[16] / halves[8] < 2.6 and 2.8 < halves[32] / halves[16] < 3.0


@pytest.mark.answers("14-085", 2)
@pytest.mark.answers("14-085", 3)
def test_fresh_pairs_are_for_the_sum_and_attention_loses_nothing():
    for size, n in ((8, 16), (16, 64), (32, 128)):
        for seed in range(LUCKS):
            found = figures.sharing(MEMORIES, n, size, 8, np.random.default_rng(seed))
            assert found["a sum"] > found["delta rule"]
            assert found["attention"] > 0.97 and found["attention"] > found["a sum"]


def test_keys_of_four_numbers_are_mixed_up_even_by_attention():
    for seed in range(LUCKS):
        found = figures.sharing(MEMORIES, 256, 4, 2, np.random.default_rng(seed))
        assert found["a sum"] < found["attention"] < 1


def test_the_delta_rule_says_the_latest_and_the_others_toss_a_coin():
    said = {name: [] for name in MEMORIES}
    for seed in range(LUCKS):
        for name, memory in MEMORIES.items():
            said[name].append(figures.latest(memory, 8, 32, np.random.default_rng(seed)))
    assert min(said["delta rule"]) >= 0.75 and np.mean(said["delta rule"]) > 0.97
    for name in ("a sum", "attention"):  # 960 tosses: 5 deviations
        assert abs(np.mean(said[name]) - 0.5) < 5 * 0.5 / np.sqrt(8 * LUCKS)
    crowded = [
        figures.latest(recall.corrected, 64, 32, np.random.default_rng(seed))
        for seed in range(LUCKS)
    ]
    assert 0.4 < np.mean(crowded) < 0.62


@pytest.mark.answers("14-099", 1)
@pytest.mark.answers("14-099", 3)
def test_four_scales_are_an_insurance_and_no_gain():
    distances = np.arange(1, 257)
    for size, worst in ((8, 0.17), (16, 0.10), (32, 0.09), (64, 0.12)):
        several = recall.faded_share(distances, figures.SCALES, size)
        single = [recall.faded_share(distances, [1 - 2.0**-k] * 4, size) for k in figures.EXPONENTS]
        best = np.max(single, axis=0)
        assert (best > several).all()  # nothing comes for free
        assert all((shares < several).any() for shares in single)  # none wins everywhere
        assert (best - several).max() < worst
        assert max((best - shares).max() for shares in single) > 2 * worst
        alone = [(best - shares).max() for shares in single]
        assert figures.EXPONENTS[int(np.argmin(alone))] == {8: 5, 16: 6, 32: 7, 64: 8}[size]


@pytest.mark.answers("14-099", 2)
def test_fast_heads_forget_the_far_and_slow_heads_misread_the_near():
    near, far = np.array([1]), np.array([256])
    shares = [
        [float(recall.faded_share(m, [1 - 2.0**-k] * 4, 32)[0]) for k in (3, 6, 9)]
        for m in (near, far)
    ]
    assert shares[0][0] > 0.99 > shares[0][1] > 0.8 > shares[0][2]
    assert shares[1][0] < 0.51 < shares[1][1] < 0.6 < shares[1][2]
