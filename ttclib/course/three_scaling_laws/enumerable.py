"""A language model so small that its expected reward and its gradient are sums over all texts.

A problem is a number, and a text is right if its letters, each a digit, add up to it. The model
looks at the problem and at the last letter: ``shared[last, next] + own[problem, next]`` are its
logits. What it learns about one problem moves the others, too, as in a large model.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ttclib.inputs import real_number, whole_number

DIGITS = 4  # letters of the alphabet: 0 to 3
LENGTH = 4  # letters of a text
TOTALS = (0, 1, 2, 4, 6, 8)  # the problems: 0 has a single right text, 6 has 44
TEXTS = np.array(list(itertools.product(range(DIGITS), repeat=LENGTH)))
RIGHT = TEXTS.sum(axis=1) == np.array(TOTALS)[:, None]  # (problems, texts)

# moves[text, last, next]: how often a text goes from one letter to another; it begins from DIGITS
_BEFORE = np.concatenate([np.full((len(TEXTS), 1), DIGITS), TEXTS[:, :-1]], axis=1)
_MOVES = np.zeros((len(TEXTS), DIGITS + 1, DIGITS))
for _t in range(LENGTH):
    _MOVES[np.arange(len(TEXTS)), _BEFORE[:, _t], TEXTS[:, _t]] += 1


@dataclass(frozen=True)
class TinyPolicy:
    """The weights.

    Attributes
    ----------
    shared : numpy.ndarray, shape (DIGITS + 1, DIGITS)
        By the last letter, the beginning last.
    own : numpy.ndarray, shape (problems, DIGITS)
        By the problem.
    """

    shared: np.ndarray
    own: np.ndarray

    @classmethod
    def new(cls) -> TinyPolicy:
        """Return the model that finds all texts equally likely."""
        return cls(np.zeros((DIGITS + 1, DIGITS)), np.zeros((len(TOTALS), DIGITS)))

    def moved(self, gradient: TinyPolicy, rate: float) -> TinyPolicy:
        """Take a step along a gradient."""
        return TinyPolicy(self.shared + rate * gradient.shared, self.own + rate * gradient.own)

    @property
    def log_next(self) -> np.ndarray:
        """Log probabilities of the next letter: (problems, last, next)."""
        logits = self.shared + self.own[:, None]
        return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))

    @property
    def probs(self) -> np.ndarray:
        """Probability of every text: (problems, texts)."""
        return np.exp(np.einsum("xab,iab->ix", _MOVES, self.log_next))

    @property
    def solved(self) -> np.ndarray:
        """Probability that a text is right, exactly: (problems,)."""
        return (self.probs * RIGHT).sum(axis=1)

    def gradient(self, weights: np.ndarray) -> TinyPolicy:
        """Return Σ weight · ∇ log p(text | problem); weights are (problems, texts)."""
        moves = np.einsum("ix,xab->iab", weights, _MOVES)
        ahead = moves - moves.sum(axis=2, keepdims=True) * np.exp(self.log_next)
        return TinyPolicy(ahead.sum(axis=0), ahead.sum(axis=1))


def exact_gradient(policy: TinyPolicy) -> TinyPolicy:
    """Return the gradient of the expected reward, the mean over problems: a sum over all texts."""
    return policy.gradient(policy.probs * RIGHT / len(TOTALS))


def draw(policy: TinyPolicy, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw texts of each problem, as places in ``TEXTS``: (problems, samples)."""
    samples = whole_number("samples", samples)
    heights = policy.probs.cumsum(axis=1)
    uniforms = rng.random((len(TOTALS), samples))
    return np.array(
        [
            np.searchsorted(h / h[-1], u, side="right")
            for h, u in zip(heights, uniforms, strict=True)
        ]
    )


def sampled_gradient(policy: TinyPolicy, drawn: np.ndarray, advantages) -> TinyPolicy:
    """Estimate the gradient from texts that were drawn.

    Parameters
    ----------
    drawn : int array, shape (problems, samples)
        From :func:`draw`.
    advantages : callable
        Of :mod:`.advantages`.
    """
    told = advantages(np.take_along_axis(RIGHT, drawn, axis=1))
    weights = np.zeros(RIGHT.shape)
    for i, places in enumerate(drawn):
        np.add.at(weights[i], places, told[i] / drawn.size)
    return policy.gradient(weights)


def relative_weight(solved, samples: int) -> np.ndarray:
    """Say how much a problem counts in the group-relative gradient, by its share of right texts p.

    Of k texts c are right, and q = c/k. The mean gradient of the group is ∇p times
    E √(q(1 − q)) / (p(1 − p)), which goes to 1/√(p(1 − p)): that is the slope of 2·arcsin √p.

    Parameters
    ----------
    solved : array_like
        Shares above 0 and below 1, by a billionth at least.
    samples : int
        k, texts of a group.
    """
    samples = whole_number("samples", samples)
    found = []
    for value in np.ravel(solved):
        p = real_number("solved", value, 1e-9, 1 - 1e-9)
        law = np.ones(1)
        for _ in range(samples):  # c right ones of so many
            law = np.convolve(law, [1 - p, p])
        q = np.arange(samples + 1) / samples
        found.append(law @ np.sqrt(q * (1 - q)) / (p * (1 - p)))
    return np.reshape(found, np.shape(solved))
