"""A language model of letters, small enough to be trained in seconds: NumPy, nothing else.

It reads the letters of a word so far, each as a vector, through layers of one width, and says how
probable each next letter is (Bengio et al. 2003). Nearly all of its work is products of matrices:
two floating-point operations for a weight and a letter read, and six for one learned from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from ttclib.course.three_scaling_laws.language import LENGTH, LETTERS
from ttclib.inputs import whole_number

WIDTH = 16  # numbers that stand for a letter
_AT_ONCE = 4096  # prefixes: the layers of a wide model take megabytes


def size(hidden: int, depth: int = 2) -> int:
    """Count the parameters of a model."""
    inside = WIDTH * (LENGTH - 1) * hidden + (depth - 1) * hidden**2 + LETTERS * hidden
    return (LETTERS + 1) * WIDTH + inside + depth * hidden + LETTERS


def beyond_letters(hidden: int, depth: int = 2) -> int:
    """Count the parameters without those that belong to letters: the embedding, and the output."""
    return size(hidden, depth) - (LETTERS + 1) * WIDTH - LETTERS * (hidden + 1)


class LetterModel:
    """Layers between the letters so far and the next one.

    Parameters
    ----------
    hidden : int
        Width of the layers.
    rng : numpy.random.Generator
        Draws the first weights.
    depth : int
        Layers.

    Attributes
    ----------
    weights : numpy.ndarray of float32, shape (parameters,)
        All of them; :attr:`parts` are views of it.
    parts : list of numpy.ndarray
        The embedding (letters + 1, 16), whose last row stands for no letter; then a matrix and a
        bias for each layer, and for the output.
    """

    def __init__(self, hidden: int, rng: np.random.Generator, depth: int = 2):
        hidden = whole_number("hidden", hidden)
        depth = whole_number("depth", depth)
        widths = [WIDTH * (LENGTH - 1)] + [hidden] * depth + [LETTERS]
        self._shapes: list[tuple[int, ...]] = [(LETTERS + 1, WIDTH)]
        first = [rng.standard_normal((LETTERS + 1, WIDTH))]
        for i, (before, after) in enumerate(itertools.pairwise(widths)):
            gain = 2.0 if i < depth else 0.5  # half of what a layer's neurons say is near zero
            first += [rng.standard_normal((before, after)) * (gain / before) ** 0.5]
            first += [np.zeros(after)]
            self._shapes += [(before, after), (after,)]
        self.weights = np.concatenate([part.ravel() for part in first]).astype(np.float32)
        self.parts = self.cut(self.weights)

    def cut(self, vector: np.ndarray) -> list[np.ndarray]:
        """Cut a vector of all parameters into parts; they share its memory."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        pieces = np.split(vector, ends[:-1])
        return [piece.reshape(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]

    def layers(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield matrix and bias of each layer, and of the output."""
        yield from zip(self.parts[1::2], self.parts[2::2], strict=True)

    def forward(self, letters: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
        """Read rows of letters, ints (n, 3): scores of the next, and what the way back needs.

        Returns
        -------
        (scores, inputs, slopes)
            Scores (n, letters); the input of each layer; the slope of each layer's neurons.
        """
        x = self.parts[0][letters].reshape(len(letters), -1)
        *inner, (matrix, bias) = self.layers()
        inputs = [x]
        slopes = []
        for weight, shift in inner:
            z = x @ weight + shift
            with np.errstate(over="ignore"):  # of a large negative number: the gate is 0
                gate = 1 / (1 + np.exp(-z))
            x = z * gate
            inputs.append(x)
            slopes.append(gate + x * (1 - gate))
        return x @ matrix + bias, inputs, slopes

    def gradient(self, words: np.ndarray) -> np.ndarray:
        """Return the gradient of the mean loss over all letters of words, float32 (parameters,)."""
        letters = rows(words)
        right = words.ravel()
        scores, inputs, slopes = self.forward(letters)
        up = _softmax(scores)
        up[np.arange(len(right)), right] -= 1
        up /= len(right)
        found = np.empty_like(self.weights)
        parts = self.cut(found)
        matrices = self.parts[1::2]
        for i in reversed(range(len(matrices))):
            parts[2 * i + 1][:] = inputs[i].T @ up
            parts[2 * i + 2][:] = up.sum(axis=0)
            up = up @ matrices[i].T
            if i:
                up *= slopes[i - 1]
        parts[0][:] = _ONE_HOT[letters.ravel()].T @ up.reshape(-1, WIDTH)
        return found

    def log_probs(self, prefixes: np.ndarray) -> np.ndarray:
        """Log probabilities of the next letter after prefixes of k letters, ints (n, k)."""
        letters = np.full((len(prefixes), LENGTH - 1), LETTERS)
        letters[:, : prefixes.shape[1]] = prefixes
        found = []
        for first in range(0, len(letters), _AT_ONCE):
            scores = self.forward(letters[first : first + _AT_ONCE])[0].astype(float)
            scores -= scores.max(axis=1, keepdims=True)
            found.append(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))
        return np.concatenate(found)


_ONE_HOT = np.eye(LETTERS + 1, dtype=np.float32)
_SEEN = np.arange(LENGTH)[:, None] > np.arange(LENGTH - 1)  # letter i is seen by those behind it


def rows(words: np.ndarray) -> np.ndarray:
    """Return what a model sees before each letter of words (n, 4): ints (4 n, 3)."""
    return np.where(_SEEN, words[:, None, : LENGTH - 1], LETTERS).reshape(-1, LENGTH - 1)


def _softmax(scores: np.ndarray) -> np.ndarray:
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


class Adam:
    """The optimizer of Kingma and Ba 2014, with gradients cut to length 1."""

    def __init__(self, parameters: int, fast: float = 0.9, slow: float = 0.98):
        self.fast = fast
        self.slow = slow
        self.mean = np.zeros(parameters, dtype=np.float32)
        self.square = np.zeros(parameters, dtype=np.float32)
        self.steps = 0

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> None:
        """Move the weights, in place."""
        gradient = gradient / max(1.0, float(np.sqrt(gradient @ gradient)))
        self.steps += 1
        self.mean += (1 - self.fast) * (gradient - self.mean)
        self.square += (1 - self.slow) * (gradient**2 - self.square)
        mean = self.mean / (1 - self.fast**self.steps)
        spread = np.sqrt(self.square / (1 - self.slow**self.steps))
        weights -= np.float32(rate) * mean / (spread + np.float32(1e-9))
