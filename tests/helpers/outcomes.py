"""Every outcome of a random computation, with its probability: expectations without any luck.

A computation that draws its randomness from :class:`Decisions` is replayed once for each path
through the tree of its decisions. Sums over the paths are exact, so an unbiased estimate must come
out right to rounding, and a small bias cannot hide behind noise.
"""

import functools
import itertools
import math

import numpy as np


class Decisions:
    """A random generator that follows a given path and multiplies the probabilities along it.

    It knows only the calls that the tests need: :meth:`choice` of indices, :meth:`random`,
    :meth:`multinomial` and :meth:`spawn`.

    Parameters
    ----------
    path : list of [branch, branches]
        Where to turn. Decisions past its end turn first, and are added to it.
    cuts : sequence of float
        Places in (0, 1) between which the computation cannot tell one uniform number from another.
    """

    def __init__(self, path, cuts=()):
        self.path, self.taken, self.probability = path, 0, 1.0
        self.edges = np.unique([0.0, *(c for c in cuts if 0 < c < 1), 1.0])

    def decide(self, probabilities):
        """Take one branch, and return its number among ``probabilities``."""
        possible = [i for i, p in enumerate(probabilities) if p > 0]
        if self.taken == len(self.path):
            self.path.append([0, len(possible)])
        chosen = possible[self.path[self.taken][0]]
        self.taken += 1
        self.probability *= probabilities[chosen]
        return chosen

    def choice(self, a, size=None, p=None):
        """Indices below ``a``, like ``Generator.choice``."""
        p = np.full(a, 1 / a) if p is None else p
        if size is None:
            return self.decide(p)
        return np.array([self.decide(p) for _ in range(size)])

    def random(self, size=None):
        """One number from the middle of a cell between two cuts: a cell stands for its length."""
        if size is None:
            cell = self.decide(np.diff(self.edges))
            return (self.edges[cell] + self.edges[cell + 1]) / 2
        return np.array([self.random() for _ in range(size)])

    def spawn(self, n):
        """Children that decide on the same path."""
        return [self] * n

    def multinomial(self, n, p):
        """Every way to share n among the categories."""
        counts, orders = ways_to_share(n, len(p))
        return counts[self.decide(orders * np.prod(p**counts, axis=1))]


@functools.cache
def ways_to_share(n, parts):
    """Every way to write n as an ordered sum of ``parts`` counts, and the number of its orders."""
    counts = [way for way in itertools.product(range(n + 1), repeat=parts) if sum(way) == n]
    orders = [math.factorial(n) // math.prod(map(math.factorial, way)) for way in counts]
    return np.array(counts), np.array(orders)


def outcomes(compute, cuts=()):
    """Yield ``(probability, compute(decisions))`` for every outcome, depth first."""
    path = []
    while True:
        decisions = Decisions(path, cuts)
        result = compute(decisions)
        yield decisions.probability, result
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        path[-1][0] += 1


def distribution_of_ancestors(scheme, weights, n):
    """Exact distribution of a resampling scheme: a list of (probability, ancestors).

    The scheme itself is run, on a generator whose uniform numbers stand for cells. Its result may
    change where a uniform number meets a mark of the ruler of cumulative weights (stratified), one
    minus a mark (systematic), a weight over the largest weight (killing), or the share of the first
    few members, in all or in what is left over (a draw by the inverse distribution function).
    """
    shares = np.asarray(weights) / np.sum(weights)
    left_over = np.maximum(n * shares - np.floor(n * shares + 1e-12), 0)
    marks = np.cumsum(shares) * n % 1
    inverse = [np.cumsum(part) / max(part.sum(), 1e-300) for part in (shares, left_over)]
    cuts = np.concatenate([marks, 1 - marks, shares / shares.max(), *inverse]).round(14)
    distribution = {}
    for probability, ancestors in outcomes(lambda rng: scheme(weights, n, rng), cuts):
        key = tuple(ancestors.tolist())
        distribution[key] = distribution.get(key, 0.0) + probability
    return [(probability, np.array(ancestors)) for ancestors, probability in distribution.items()]


def enumerable(scheme):
    """The same scheme, whose random numbers are one decision: which of its possible ancestors."""

    @functools.cache
    def distribution(weights, n):
        return distribution_of_ancestors(scheme, np.array(weights), n)

    def decide(weights, n, rng):
        branches = distribution(tuple(weights.tolist()), n)
        return branches[rng.decide([probability for probability, _ in branches])][1]

    return decide


class OneNumber:
    """A random generator whose uniform numbers are all the same one."""

    def __init__(self, number):
        self.number = number

    def random(self, size=None):
        """That number, or an array of it."""
        return self.number if size is None else np.full(size, self.number)


def wrong_at_the_edges(draw, weights, near=1e-10):
    """Where a draw by the inverse distribution function goes wrong: a list of uniform numbers.

    Cells are as wide as they should be, so enumeration sees no shift of a mark that is smaller than
    they are, and nothing at their very ends. Here each mark is met from both sides, and 0 itself.
    """
    shares = np.asarray(weights) / np.sum(weights)
    marks = np.array([math.fsum(shares[:i]) for i in range(1, len(shares) + 1)])
    numbers = [0.0, np.nextafter(1, 0), *(marks - near), *(marks + near)]
    return [
        number
        for number in numbers
        if 0 <= number < 1
        and draw(weights, 1, OneNumber(number))[0] != np.flatnonzero(marks > number)[0]
    ]
