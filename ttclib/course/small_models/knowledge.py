"""How many bits of random facts a parameter holds.

A fact is a name of three letters and its value, drawn at random: there is nothing to understand,
only to remember. So what is stored can be counted exactly. Allen-Zhu and Li 2024 (*Physics of
Language Models: Part 3.3, Knowledge Capacity Scaling Laws*, arXiv 2404.05405) do this with
biographies and transformers; here it is a network of two hidden layers.
"""

from __future__ import annotations

import copy
import math
from typing import NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.adam import adam

from ttclib.course.small_models.quantize import ROW, round_to_nearest
from ttclib.inputs import checked, positive, whole_number

ALPHABET = 32  # letters
LETTERS = 3  # of a name
VALUES = 32  # so that a fact says 5 bits
EMBEDDING = 16  # numbers that stand for a letter
BITS_A_FACT = math.log2(VALUES)
STEPS = 16  # through all facts
WARM = 100  # steps until the learning rate is at its peak


class Facts(NamedTuple):
    """n facts for each of some memories: names that are all different, and their values.

    Attributes
    ----------
    names : torch.Tensor of int, shape (memories, n, 3)
    values : torch.Tensor of int, shape (memories, n)
    """

    names: Tensor
    values: Tensor


@checked
def draw_facts(n: int, memories: int, rng: np.random.Generator) -> Facts:
    """Draw facts at random, other ones for each memory.

    Raises
    ------
    ValueError
        If there are not as many names: 32³.
    """
    n = whole_number("n", n, 1, ALPHABET**LETTERS)
    memories = whole_number("memories", memories)
    codes = np.array([rng.permutation(ALPHABET**LETTERS)[:n] for _ in range(memories)])
    names = codes[..., None] // ALPHABET ** np.arange(LETTERS) % ALPHABET
    values = rng.integers(VALUES, size=(memories, n))
    return Facts(torch.from_numpy(names), torch.from_numpy(values))


class Memories(nn.Module):
    """Networks side by side that know nothing of each other.

    Each maps names (n, 3) to logits of their values (n, 32): the letters' embeddings, two hidden
    layers with ReLU, and the output.

    Parameters
    ----------
    hidden : int
        Width of each hidden layer.
    count : int
        How many networks.
    seed : int
        Of the initial weights: normal, with standard deviation √(2 / inputs) before a ReLU.
    """

    def __init__(self, hidden: int, count: int = 1, seed: int = 0):
        super().__init__()
        self.count = whole_number("count", count)
        widths = (LETTERS * EMBEDDING, whole_number("hidden", hidden), hidden, VALUES)
        generator = torch.Generator().manual_seed(whole_number("seed", seed, 0))

        def normal(rows, columns, scale):
            start = torch.randn(count, rows, columns, generator=generator)
            return nn.Parameter(start * scale)

        self.embed = normal(ALPHABET, EMBEDDING, 1.0)
        gains = (2.0, 2.0, 1.0)
        self.weights = nn.ParameterList(
            normal(after, before, (gain / before) ** 0.5)
            for before, after, gain in zip(widths[:-1], widths[1:], gains, strict=True)
        )
        self.biases = nn.ParameterList(
            nn.Parameter(torch.zeros(count, 1, width)) for width in widths[1:]
        )

    @property
    def size(self) -> int:
        """Parameters of one network."""
        return sum(weight.numel() for weight in self.parameters()) // self.count

    def forward(self, names: Tensor) -> Tensor:
        """Map names (memories, n, 3) to logits (memories, n, 32)."""
        which = torch.arange(self.count)[:, None, None]
        x = self.embed[which, names].flatten(2)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if i else x, weight.mT)
        return x


def facts_for(hidden: int, offered: float) -> int:
    """How many facts offer a memory so many bits a parameter."""
    return round(positive("offered", offered) * Memories(hidden).size / BITS_A_FACT)


def mean_loss(memories: Memories, facts: Facts) -> Tensor:
    """Mean of −ln p over facts, in nats, summed over memories."""
    logits = memories(facts.names).flatten(0, 1)
    total = F.cross_entropy(logits, facts.values.flatten(), reduction="sum")
    return total / facts.values.shape[1]


@checked
def learn(
    memories: Memories,
    facts: Facts,
    exposures: int,
    learning_rate: float = 0.03,
    seed: int = 0,
) -> Memories:
    """Show memories all their facts so many times, each time in a new order; changed in place.

    Adam, 16 steps through all facts, and a learning rate that rises for 100 steps and then falls
    to 0 on a straight line. Adam divides by the size of each gradient, so a memory learns as it
    would alone.
    """
    exposures = whole_number("exposures", exposures)
    rate = positive("learning_rate", learning_rate)
    weights = list(memories.parameters())
    # an optimizer of PyTorch would load its compiler, 40 MB; what it calls does not
    moments = [[torch.zeros_like(weight) for weight in weights] for _ in range(2)]
    counters = [torch.zeros(()) for _ in weights]
    generator = torch.Generator().manual_seed(whole_number("seed", seed, 0))
    count = facts.values.shape[1]
    step = 0
    for _ in range(exposures):
        parts = torch.randperm(count, generator=generator).chunk(STEPS)
        for chosen in parts:
            left = 1 - step / (len(parts) * exposures)
            part = Facts(facts.names[:, chosen], facts.values[:, chosen])
            memories.zero_grad(set_to_none=True)
            mean_loss(memories, part).backward()
            with torch.no_grad():
                adam(
                    weights,
                    [cast(Tensor, weight.grad) for weight in weights],
                    *moments,
                    [],
                    counters,
                    fused=True,
                    lr=rate * min(1.0, (step + 1) / WARM) * left,
                    beta1=0.9,
                    beta2=0.99,
                    eps=1e-8,
                    weight_decay=0.0,
                    amsgrad=False,
                    maximize=False,
                )
            step += 1
    return memories


@torch.no_grad()
def losses(memories: Memories, facts: Facts) -> np.ndarray:
    """−ln p of the value of each fact, in nats, float64 (memories, n)."""
    logits = memories(facts.names).double().flatten(0, 1)
    each = F.cross_entropy(logits, facts.values.flatten(), reduction="none")
    return each.view(facts.values.shape).numpy()


def stored_bits(nats: np.ndarray) -> np.ndarray:
    """Bits stored, from losses (..., n): what the values say, less what is left to be said.

    Who has the memory can write a value in −log₂ p bits, who has not needs log₂ 32 = 5.
    """
    return (BITS_A_FACT - np.asarray(nats) / math.log(2)).sum(axis=-1)


@checked
@torch.no_grad()
def rounded(memories: Memories, bits: int) -> Memories:
    """A copy with every matrix, the embedding too, rounded to nearest, row by row."""
    small = copy.deepcopy(memories)
    for weight in (small.embed, *small.weights):
        rows = weight.flatten(0, 1).double().numpy()
        weight.copy_(torch.from_numpy(round_to_nearest(rows, bits, ROW).weight).view_as(weight))
    return small
