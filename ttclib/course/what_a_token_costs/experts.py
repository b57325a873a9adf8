"""A mixture of experts: many parameters of which each token uses a few.

Fedus, Zoph and Shazeer 2021 (*Switch Transformers*, arXiv 2101.03961) send each token to the one
expert that the router finds likeliest; with ``k`` experts a token it is their equation 2 as it
stands there, for the k likeliest.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import binom
from torch import nn

from ttclib.course.what_a_token_costs.mixers import Mixer
from ttclib.inputs import finite_array, positive, whole_number


class Experts(Mixer):
    """Each token goes to k of the experts: y = Σ pᵢ · down[i] · ReLU(up[i] · x), p the router's.

    Parameters
    ----------
    width, hidden : int
        Of a token, and of the hidden layer of one expert.
    experts, k : int
        How many there are, and how many a token goes to.
    capacity : float
        Capacity factor: an expert serves so many times its even share of a batch, and the choices
        that come later are dropped (equation 3). Infinite: all are served.
    seed : int
        Of the weights at the beginning.
    """

    def __init__(self, width, hidden, experts, k=1, capacity=math.inf, seed=0):
        super().__init__(width)
        self.k = whole_number("k", k, 1, whole_number("experts", experts))
        self.capacity = capacity if capacity == math.inf else positive("capacity", capacity)
        generator = torch.Generator().manual_seed(whole_number("seed", seed, 0))
        self.router = normal(generator, width**-0.5, width, experts)
        self.up = normal(generator, (2 / width) ** 0.5, experts, width, hidden)
        self.down = normal(generator, hidden**-0.5, experts, hidden, width)

    def route(self, x):
        """Of tokens (…, width): the router's probabilities (…, experts), its choices (…, k)."""
        p = (x @ self.router).softmax(-1)
        order = p.sort(descending=True, stable=True).indices  # of equals the first
        return p, order[..., : self.k]

    def balance(self, x):
        """Experts · Σ fᵢ Pᵢ: 1 if all get the same; equation 4 without its α."""
        p, who = self.route(x.flatten(0, -2))
        f = F.one_hot(who, len(self.up)).sum((0, 1)) / who.numel()
        return len(self.up) * (f * p.mean(0)).sum()

    def queue(self, who):
        """Of choices (tokens, k): the place of each in its expert's queue, first choices first."""
        mine = F.one_hot(who.T.flatten(), len(self.up))
        return (mine.cumsum(0) * mine).sum(1).view(who.T.shape).T - 1

    def parallel(self, x):
        """Give every expert a table of its tokens, all of one size: who finds no seat is 0."""
        self.fits(x, 3)
        tokens = x.flatten(0, 1)
        p, who = self.route(tokens)
        place = self.queue(who)
        seats = min(int(place.max()) + 1, capacity_seats(*who.shape, len(self.up), self.capacity))
        token, choice = (place < seats).nonzero(as_tuple=True)
        expert = who[token, choice]
        seat = expert * seats + place[token, choice]
        table = x.new_zeros(len(self.up) * seats, self.width).index_copy(0, seat, tokens[token])
        said = (table.view(len(self.up), seats, -1) @ self.up).relu() @ self.down
        y = p[token, expert, None] * said.flatten(0, 1)[seat]
        return torch.zeros_like(tokens).index_add(0, token, y).view_as(x)

    def step(self, x, state=None):
        """Read the chosen experts alone, row by row; none is ever full."""
        self.fits(x, 2)
        p, who = self.route(x)
        said = (x[:, None, None] @ self.up[who]).relu() @ self.down[who]
        return (p.gather(1, who)[..., None] * said.squeeze(2)).sum(1), ()


def normal(generator: torch.Generator, scale: float, *shape: int) -> nn.Parameter:
    """Draw weights from a normal distribution."""
    return nn.Parameter(scale * torch.randn(shape, generator=generator))


def capacity_seats(tokens: int, k: int, experts: int, capacity: float) -> int:
    """How many seats an expert has: equation 3, rounded up; at most one for each token."""
    return min(tokens, math.ceil(min(capacity, experts) * tokens * k / experts))


# ---- what it costs -------------------------------------------------------------------------------


def layer_parameters(width: int, hidden: int, experts: int) -> int:
    """Parameters of a layer: two matrices an expert, and the router if there is a choice."""
    return 2 * width * hidden * experts + (width * experts if experts > 1 else 0)


def layer_flops(width: int, hidden: int, experts: int, k: int = 1) -> int:
    """FLOPs of a token: k experts, and the router if there is a choice."""
    return 4 * width * hidden * k + (2 * width * experts if experts > 1 else 0)


def touched(load, batch: int) -> float:
    """How many experts a batch of independent tokens needs, on average.

    Parameters
    ----------
    load : array_like, shape (experts,)
        Probability that a token goes to each expert; with k choices they add up to k.
    batch : int
        Tokens that are read together.
    """
    load = finite_array("load", load, 0.0, 1.0, ndim=1)
    return float((1 - (1 - load) ** whole_number("batch", batch)).sum())


def dropped(texts: int, length: int, experts: int, capacity: float) -> float:
    """Share of tokens that find no seat where each text goes, as a whole, to any one expert.

    An expert gets ``length`` tokens of each of its texts, and their number is binomial. With
    ``length`` 1 these are tokens that are routed independently of each other. One choice a token.
    """
    texts = whole_number("texts", texts)
    length = whole_number("length", length)
    seats = capacity_seats(texts * length, 1, whole_number("experts", experts), capacity)
    mine = np.arange(texts + 1)
    over = np.maximum(mine * length - seats, 0)
    return float(experts * (binom.pmf(mine, texts, 1 / experts) @ over) / (texts * length))
