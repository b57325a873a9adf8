"""A model small enough to follow every particle through every outcome, and its exact answers."""

import itertools
import math

import numpy as np

from ttclib.particles.smc import FeynmanKac

INITIAL = np.array([0.7, 0.3])
TRANSITION = np.array([[0.8, 0.2], [0.35, 0.65]])
# potential[parent, particle]; the first generation's parents count as 0
LOOKS_BACK = np.array(
    [[1.4, 0.3], [0.9, 0.0]]
)  # staying in 1 is worth nothing: populations can die
LOOKS_AT_ITSELF = np.array([[0.9, 0.15], [0.9, 0.15]])  # as an observation does
ONE_IS_HEAVY = np.array([[0.02, 3.0], [0.02, 3.0]])  # one particle can outweigh all others


class TwoStates(FeynmanKac):
    """A chain on {0, 1} for ``length`` steps; randomness is asked for one particle at a time."""

    def __init__(self, length, potential):
        self.length, self.potential = length, potential

    def init(self, n, rng):
        return rng.choice(2, n, INITIAL)

    def step(self, t, parents, rng):
        return np.array([rng.choice(2, p=TRANSITION[x]) for x in parents])

    def log_potential(self, t, parents, particles):
        with np.errstate(divide="ignore"):
            return np.log(self.potential[0 if parents is None else parents, particles])

    def done(self, t, particles):
        return t + 1 == self.length


def unnormalised_posterior(length, potential):
    """Prior times potentials of every path: {path: mass}. The masses sum to the evidence Z."""
    masses = {}
    for path in itertools.product(range(2), repeat=length):
        moves = list(itertools.pairwise(path))
        prior = INITIAL[path[0]] * math.prod(TRANSITION[move] for move in moves)
        masses[path] = prior * potential[0, path[0]] * math.prod(potential[move] for move in moves)
    return masses
