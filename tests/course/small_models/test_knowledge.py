"""Memories of random facts: independent of each other, and counted exactly."""

import math

import numpy as np
import pytest
import torch

from ttclib.course.small_models import knowledge as k
from ttclib.course.small_models.quantize import round_to_nearest


def test_names_are_all_different_and_values_are_as_likely():
    facts = k.draw_facts(3000, 2, np.random.default_rng(0))
    assert facts.names.shape == (2, 3000, 3) and facts.values.shape == (2, 3000)
    for names in facts.names:
        assert len({tuple(name) for name in names.tolist()}) == 3000
    assert facts.names.min() == 0 and facts.names.max() == 31
    assert not torch.equal(facts.names[0], facts.names[1])
    with pytest.raises(ValueError, match="at most 32,768"):
        k.draw_facts(32**3 + 1, 1, np.random.default_rng(0))
    every = k.draw_facts(32**3, 1, np.random.default_rng(0)).names[0]
    assert len({tuple(name) for name in every.tolist()}) == 32**3


@pytest.mark.statistical
def test_values_are_uniform(seed):
    """Hoeffding with a union over 32 values: false alarms at most 1e-6."""
    values = k.draw_facts(20_000, 1, np.random.default_rng(seed)).values[0].numpy()
    shares = np.bincount(values, minlength=k.VALUES) / len(values)
    assert np.abs(shares - 1 / k.VALUES).max() < math.sqrt(math.log(2 * 32 / 1e-6) / (2 * 20_000))


def alone(memories, i):
    """A copy of one of the memories, by itself."""
    one = k.Memories(memories.weights[0].shape[1])
    with torch.no_grad():
        for mine, theirs in zip(one.parameters(), memories.parameters(), strict=True):
            mine.copy_(theirs[i : i + 1])
    return one


def test_memories_side_by_side_are_memories_alone():
    memories = k.Memories(6, 3, seed=1)
    facts = k.draw_facts(50, 3, np.random.default_rng(1))
    ones = [alone(memories, i) for i in range(3)]
    parts = [k.Facts(facts.names[i : i + 1], facts.values[i : i + 1]) for i in range(3)]
    before = k.losses(memories, facts)
    for i, (one, part) in enumerate(zip(ones, parts, strict=True)):
        assert k.losses(one, part)[0] == pytest.approx(before[i], rel=1e-5)
    k.learn(memories, facts, 4)
    after = k.losses(memories, facts)
    assert after.mean() < before.mean()
    for i, (one, part) in enumerate(zip(ones, parts, strict=True)):
        assert k.losses(k.learn(one, part, 4), part)[0] == pytest.approx(after[i], rel=1e-3)


def test_its_size_is_counted():
    hidden = 20
    matrices = 32 * 16 + 48 * hidden + hidden * hidden + hidden * 32
    assert k.Memories(hidden, 3).size == matrices + 2 * hidden + 32 == 2584
    assert k.facts_for(hidden, 2.0) == round(2 * 2584 / 5)


def test_a_memory_is_what_its_formula_says():
    memories = k.Memories(5, 2, seed=3)
    facts = k.draw_facts(9, 2, np.random.default_rng(3))
    got = memories(facts.names).detach().numpy()
    for i in range(2):
        x = memories.embed[i].detach().numpy()[facts.names[i].numpy()].reshape(9, -1)
        for j in range(3):
            x = np.maximum(x, 0) if j else x
            x = x @ memories.weights[j][i].detach().numpy().T
            x = x + memories.biases[j][i].detach().numpy()
        assert got[i] == pytest.approx(x, rel=1e-4, abs=1e-5)


def test_bits_stored_are_what_a_message_gets_shorter_by():
    n = 40
    nothing = np.full((2, n), math.log(32))
    assert k.stored_bits(nothing) == pytest.approx([0.0, 0.0])
    assert k.stored_bits(np.zeros(n)) == pytest.approx(5 * n)
    # who narrows a value down to 4 of 32 has stored 3 bits of it
    assert k.stored_bits(np.full(n, math.log(4))) == pytest.approx(3 * n)
    # who is surely wrong has less than nothing
    assert k.stored_bits(np.full(n, 10.0)) < 0


def test_learning_stores_all_of_a_little_and_cannot_store_all_of_much():
    """Far below what it can hold, a memory keeps every bit; far above, a part."""
    hidden = 10
    little = k.draw_facts(k.facts_for(hidden, 0.2), 2, np.random.default_rng(0))
    much = k.draw_facts(k.facts_for(hidden, 8.0), 2, np.random.default_rng(0))
    kept = k.stored_bits(k.losses(k.learn(k.Memories(hidden, 2), little, 100), little))
    assert (kept > 0.9 * len(little.values[0]) * k.BITS_A_FACT).all()
    held = k.stored_bits(k.losses(k.learn(k.Memories(hidden, 2), much, 20), much))
    assert (held < 0.5 * len(much.values[0]) * k.BITS_A_FACT).all()


def test_the_same_seeds_give_the_same_memory():
    facts = k.draw_facts(30, 1, np.random.default_rng(0))
    one, two = (k.losses(k.learn(k.Memories(4), facts, 3), facts) for _ in range(2))
    assert (one == two).all()


def test_rounding_is_row_by_row_and_leaves_the_memory():
    memories = k.Memories(5, 2, seed=1)
    before = [weight.clone() for weight in memories.parameters()]
    small = k.rounded(memories, 3)
    assert all(torch.equal(a, b) for a, b in zip(before, memories.parameters(), strict=True))
    for i in range(2):
        for full, few in zip(
            (memories.embed, *memories.weights), (small.embed, *small.weights), strict=True
        ):
            by_hand = round_to_nearest(full[i].detach().double().numpy(), 3).weight
            assert few[i].detach().double().numpy() == pytest.approx(by_hand, rel=1e-6)
    assert all(torch.equal(a, b) for a, b in zip(memories.biases, small.biases, strict=True))
