"""What a memory of fixed size recalls: the law against an integral, and against memories."""

import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value
from scipy import integrate, stats

from ttclib.course.what_a_token_costs import recall

MEMORIES = 4000
SETTINGS = [(5, 4, 8), (12, 8, 8), (30, 8, 8), (70, 16, 16), (20, 16, 4)]  # pairs, size, values


# ---- the law -----------------------------------------------------------------------------


def by_integration(n, size, values):
    """The law again: adaptive integrals in place of nodes, one kind of value after the other."""
    often, heavy = divmod(n, values)
    counts = [often + 1] * heavy + [often] * (values - heavy)
    spread = math.sqrt(size)
    total = 0.0
    for mine in {c for c in counts if c}:
        others = list(counts)
        others.remove(mine)

        def wins(z, length, mine=mine, others=tuple(others)):
            score = length + math.sqrt((mine - 1) / size) * z
            below = [stats.norm.cdf(score * math.sqrt(size / c)) for c in others if c]
            empty = 1.0 if score > 0 or 0 not in others else 0.0
            return math.prod(below) * empty * stats.norm.pdf(z)

        def density(length, z, wins=wins):
            return wins(z, length) * stats.chi.pdf(length * spread, size) * spread

        share = counts.count(mine) * mine / n
        found = integrate.dblquad(density, -8, 8, 0, 1 + 9 / spread, epsabs=1e-7, epsrel=1e-7)
        total += share * found[0]
    return total


@pytest.mark.parametrize("setting", [(2, 1, 3), (5, 2, 2), (3, 4, 3)])
def test_the_law_is_its_integral(setting):
    assert recall.law(*setting) == pytest.approx(by_integration(*setting), abs=1e-5)


def test_the_law_where_it_is_known():
    assert recall.law(1, 3, 5) == pytest.approx(1)
    # a key of one number: |L| against a number as wide, and the sign decides half of the time
    assert recall.law(2, 1, 9) == pytest.approx(3 / 4, abs=1e-6)
    # infinitely many pairs: every value is as likely
    assert recall.law(10**9, 8, 5) == pytest.approx(1 / 5, abs=1e-3)


def test_more_pairs_are_harder_and_more_room_is_easier():
    shares = [recall.law(n, 8, 8) for n in range(1, 60)]
    assert (np.diff(shares) <= 1e-9).all()
    for n in (10, 50, 200):
        assert recall.law(n, 8, 8) < recall.law(n, 16, 8) < recall.law(n, 32, 8)


def asked_once(n, size, values, rng, memories=MEMORIES, memory=recall.sums):
    """Of how many independent memories a random pair is recalled."""
    right = 0
    for _ in range(memories):
        keys = recall.draw_keys(n, size, rng)
        said = recall.deal_values(n, values, rng)
        right += recall.recalled(memory(keys, said, values), said)[rng.integers(n)]
    return right


def smallest(seed, law):
    """The smallest p-value of all settings, times their number."""
    rngs = np.random.default_rng(seed).spawn(len(SETTINGS))
    found = [
        binomial_p_value(asked_once(*setting, rng), MEMORIES, law(*setting))
        for setting, rng in zip(SETTINGS, rngs, strict=True)
    ]
    return min(found) * len(found)


MUTANTS = {
    "twice the values": lambda n, size, values: recall.law(n, size, 2 * values),
    "half the directions": lambda n, size, values: recall.law(n, size // 2, values),
    "a third more pairs": lambda n, size, values: recall.law(4 * n // 3, size, values),
}


@pytest.mark.statistical
def test_memories_recall_what_the_law_says(seed):
    assert smallest(seed, recall.law) > FALSE_ALARM


@pytest.mark.statistical
@pytest.mark.parametrize("mutant", MUTANTS)
def test_another_law_is_caught(seed, mutant):
    assert smallest(seed, MUTANTS[mutant]) < FALSE_ALARM


# ---- memories ----------------------------------------------------------------------------


def some(n=12, size=5, values=4, seed=0):
    rng = np.random.default_rng(seed)
    return recall.draw_keys(n, size, rng), recall.deal_values(n, values, rng)


def test_values_are_dealt_evenly(seed):
    rng = np.random.default_rng(seed)
    for n in (1, 3, 4, 9, 16):
        counts = np.bincount(recall.deal_values(n, 4, rng), minlength=4)
        assert counts.sum() == n and counts.max() - counts.min() <= 1


def test_a_sum_that_fades_is_written_step_by_step():
    keys, said = some()
    for keep in (1.0, 0.9, 0.5):
        state = np.zeros((4, 5))
        for key, value in zip(keys, said, strict=True):
            state = keep * state + np.outer(np.eye(4)[value], key)
        assert recall.sums(keys, said, 4, keep) == pytest.approx(keys @ state.T)


def test_the_delta_rule_leaves_the_last_pair_exact_and_replaces_a_value():
    keys, said = some()
    scores = recall.corrected(keys, said, 4)
    assert scores[-1] == pytest.approx(np.eye(4)[said[-1]])
    told_again = np.append(said, (said[-1] + 1) % 4)
    scores = recall.corrected(np.vstack([keys, keys[-1]]), told_again, 4)
    assert scores[-1] == pytest.approx(np.eye(4)[told_again[-1]])


def test_all_memories_are_right_on_keys_at_right_angles():
    said = np.array([2, 0, 1, 1])
    for memory in (recall.sums, recall.corrected, recall.kept):
        assert recall.recalled(memory(np.eye(4, 6), said, 3), said).all()
    assert recall.sums(np.eye(4, 6), said, 3) == pytest.approx(np.eye(3)[said])


def test_attention_keeps_every_pair_for_a_hundred_lucks():
    for seed in range(100):
        keys, said = some(200, 16, 16, seed)
        assert recall.recalled(recall.kept(keys, said, 16), said).mean() > 0.98


def test_the_signal_in_standard_deviations():
    assert recall.signal_to_noise(64, 16, 16) == 2.0
    assert recall.signal_to_noise(64, 32, 32) == 4.0


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: recall.law(0, 8, 8), "n is 0"),
        (lambda: recall.law(3, 8, 1), "values is 1; it must be a whole number of at least 2"),
        (lambda: recall.draw_keys(3, 0, np.random.default_rng(0)), "size is 0"),
        (lambda: recall.sums(*some(), 4, 1.5), r"keep is 1.5; it must be .* in \(0, 1\]"),
        (lambda: recall.half_life(0.0), "keep is 0"),
        (lambda: recall.faded_share(3, [1.0], 8), "one of keep is 1.0"),
    ],
)
def test_what_is_refused(call, line):
    with pytest.raises(ValueError, match=line):
        call()


# ---- heads that forget -------------------------------------------------------------------

AGE = np.array([0, 3, 20, 100, 250])
HEADS = [(0.97,), (0.75, 0.97), tuple(1 - 2.0**-k for k in (5, 6, 7, 8))]
LENGTH, TEXTS = 300, 400


def test_half_lives():
    assert recall.half_life(0.5) == 1 and recall.half_life(1.0) == math.inf
    for keep in (0.3, 0.9, 0.999):
        assert keep ** recall.half_life(keep) == pytest.approx(0.5)


def test_a_long_text_is_a_text_without_a_beginning():
    endless = recall.faded_share(AGE, HEADS[2], 8)
    assert recall.faded_share(AGE, HEADS[2], 8, 100_000) == pytest.approx(endless)
    assert (recall.faded_share(AGE, HEADS[2], 8, 300) > endless).all()  # less noise


def test_squares_of_signals_add_up():
    parts = [recall.faded_signal(AGE, [keep], 8) for keep in HEADS[2]]
    together = recall.faded_signal(AGE, HEADS[2], 8)
    assert together**2 == pytest.approx(np.square(parts).sum(axis=0))


def fading(seed, share):
    """The smallest p-value over heads and ages, times their number: each text asks one bit."""
    found = []
    for heads, rng in zip(HEADS, np.random.default_rng(seed).spawn(len(HEADS)), strict=True):
        right = sum(recall.faded_bits(AGE, heads, 16, LENGTH, 1, rng) for _ in range(TEXTS))
        found.append(binomial_p_value(right[:, 0], TEXTS, share(AGE, heads, 16, LENGTH)))
    return np.min(found) * np.size(found)


@pytest.mark.statistical
def test_bits_are_read_as_the_law_of_fading_says(seed):
    assert fading(seed, recall.faded_share) > FALSE_ALARM


@pytest.mark.statistical
def test_another_decay_or_size_is_caught(seed):
    assert fading(seed, lambda a, h, d, n: recall.faded_share(a, np.square(h), d, n)) < FALSE_ALARM
    assert fading(seed, lambda a, h, d, n: recall.faded_share(a, h, 3 * d, n)) < FALSE_ALARM
