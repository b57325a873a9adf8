"""A language of dialects: clusters that are known, a loss that is exact, a model to learn it.

In every dialect a letter can be followed by three others, drawn at random, each with a probability
of its own. There is nothing to understand: who wants to know a dialect has to remember it. Which
dialect a text is in stands beside every letter, as a mark.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttclib.course.what_a_token_costs.descent import Adam
from ttclib.course.what_a_token_costs.experts import Experts, capacity_seats, normal
from ttclib.inputs import whole_number

WIDTH = 32  # numbers that stand for a token
TEXTS = 32  # in a batch
LENGTH = 16  # letters of a text
AHEAD = 50  # batches that are written at once
WARM = 50  # steps until the learning rate is at its peak
WAYS = (0.7, 0.2, 0.1)  # probabilities of the letters that may follow
# spread of the numbers of a letter and of a mark at the beginning: marks speak louder
LETTER_SPREAD, MARK_SPREAD = 0.2, 1.0
ROUTER = 0.1  # how much smaller than usual a router begins


class Dialects:
    """Dialects of one alphabet, all as common; letters of a text are as common, too.

    Parameters
    ----------
    dialects, letters : int
        How many there are, and letters in the alphabet.
    seed : int
        Of the dialects.

    Attributes
    ----------
    law : numpy.ndarray, shape (dialects, letters, letters)
        Probability of each next letter, after each letter.
    entropy : float
        Nats a letter: no model can have a smaller loss.
    """

    def __init__(self, dialects: int = 8, letters: int = 32, seed: int = 0):
        self.dialects = whole_number("dialects", dialects)
        self.letters = whole_number("letters", letters, 2)
        rng = np.random.default_rng(seed)
        self.law = np.zeros((self.dialects, self.letters, self.letters))
        for law in self.law:
            for way in WAYS:  # a permutation each, so that all letters stay as common
                law[np.arange(self.letters), rng.permutation(self.letters)] += way
        some = self.law[self.law > 0]
        self.entropy = float(-(some * np.log(some)).sum() / (self.dialects * self.letters))
        self._up_to = self.law.cumsum(axis=-1)

    def sample(self, texts: int, length: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Write texts, each in one dialect: their marks (texts,), letters (texts, length + 1)."""
        mark = rng.integers(self.dialects, size=texts)
        letter = np.empty((texts, length + 1), dtype=int)
        letter[:, 0] = rng.integers(self.letters, size=texts)
        for t, uniform in enumerate(rng.random((length, texts, 1))):
            passed = self._up_to[mark, letter[:, t]] < uniform
            letter[:, t + 1] = passed.sum(axis=-1).clip(max=self.letters - 1)
        return torch.from_numpy(mark), torch.from_numpy(letter)

    def contexts(self) -> tuple[Tensor, Tensor]:
        """Return all that a next letter depends on: marks (dialects,), letters after each."""
        return torch.arange(self.dialects), torch.arange(self.letters).expand(self.dialects, -1)


@dataclass(frozen=True)
class Plan:
    """What is trained, and how.

    Attributes
    ----------
    experts, hidden, k : int
        Of the layer; one expert is a dense layer.
    balance : float
        α, the weight of the balance loss.
    capacity : float
        Capacity factor in training.
    shared : float
        Spread of what all tokens have in common at the beginning.
    rate : float
        Learning rate at its peak; it rises for 50 steps and falls to 0 on a straight line.
    steps, seed : int
    """

    experts: int = 8
    hidden: int = 12
    k: int = 1
    balance: float = 0.1
    capacity: float = math.inf
    shared: float = 0.0
    rate: float = 0.02
    steps: int = 600
    seed: int = 0


class NextLetter(nn.Module):
    """The mark and the letter, added; one layer of experts beside it; the next letter's logits."""

    def __init__(self, language: Dialects, plan: Plan):
        super().__init__()
        generator = torch.Generator().manual_seed(plan.seed)
        self.letters = normal(generator, LETTER_SPREAD, language.letters, WIDTH)
        self.marks = normal(generator, MARK_SPREAD, language.dialects, WIDTH)
        self.shared = normal(generator, plan.shared, WIDTH)
        self.out = normal(generator, 0.5 * WIDTH**-0.5, WIDTH, language.letters)
        sizes = (WIDTH, plan.hidden, plan.experts, plan.k, plan.capacity)
        self.layer = Experts(*sizes, seed=plan.seed)
        self.layer.router.data *= ROUTER

    def tokens(self, mark: Tensor, letter: Tensor) -> Tensor:
        """Of marks (texts,) and letters (texts, length): what the layer sees, with the width."""
        return self.shared + self.marks[mark][:, None] + self.letters[letter]

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens to the logits of the next letter. What is dropped goes round the layer."""
        return (x + self.layer.parallel(x)) @ self.out


def train(language: Dialects, plan: Plan) -> NextLetter:
    """Let a model read texts in which dialects are mixed; return it."""
    model = NextLetter(language, plan)
    descent = Adam(model.parameters())
    rng = np.random.default_rng([plan.seed, 1])
    for step in range(plan.steps):
        if step % AHEAD == 0:  # many texts at once are written faster
            text = language.sample(AHEAD * TEXTS, LENGTH, rng)
            batches = zip(*(part.split(TEXTS) for part in text), strict=True)
        mark, letter = next(batches)
        x = model.tokens(mark, letter[:, :-1])
        loss = F.cross_entropy(model(x).flatten(0, 1), letter[:, 1:].flatten())
        model.zero_grad(set_to_none=True)
        (loss + plan.balance * model.layer.balance(x)).backward()
        descent.step(plan.rate * min(1, (step + 1) / WARM) * (1 - step / plan.steps))
    return model


@torch.no_grad()
def excess(model: NextLetter, language: Dialects) -> float:
    """Return the exact loss above the entropy, in nats a letter, with no token dropped."""
    x = model.tokens(*language.contexts())
    capacity, model.layer.capacity = model.layer.capacity, math.inf
    said = model(x).double().log_softmax(-1).numpy()
    model.layer.capacity = capacity
    return float(-(language.law * said).sum() / said[..., 0].size) - language.entropy


@torch.no_grad()
def routing(model: NextLetter, language: Dialects) -> np.ndarray:
    """Of each dialect the share of its letters that each expert gets: (dialects, experts)."""
    _, who = model.layer.route(model.tokens(*language.contexts()))
    return F.one_hot(who, len(model.layer.up)).double().mean((1, 2)).numpy()


def effective(load: np.ndarray) -> float:
    """How many experts carry a load (experts,) of sum 1: e to the power of its entropy."""
    some = load[load > 0]
    return float(np.exp(-(some * np.log(some)).sum()))


def purity(table: np.ndarray) -> float:
    """How much of the dialect the expert tells, from :func:`routing`: 0 nothing, 1 all."""
    joint = table / len(table)
    alone = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    some = joint > 0
    return float((joint[some] * np.log(joint[some] / alone[some])).sum() / math.log(len(table)))


@torch.no_grad()
def overflow(
    model: NextLetter,
    language: Dialects,
    capacity: float,
    length: int,
    rng: np.random.Generator,
    batches: int = 20,
) -> float:
    """Share of tokens that find no seat in batches of 512: texts of so many letters each."""
    size = TEXTS * LENGTH
    lost = 0
    for _ in range(batches):
        mark, letter = language.sample(size // length, length, rng)
        _, who = model.layer.route(model.tokens(mark, letter[:, :-1]).flatten(0, 1))
        seats = capacity_seats(size, who.shape[1], len(model.layer.up), capacity)
        lost += int((model.layer.queue(who) >= seats).sum())
    return lost / (batches * size * model.layer.k)
