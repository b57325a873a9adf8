"""A language whose entropy is known, and on which the loss of any model is exact.

All strings of four letters out of 32 are words. A permutation ranks them, and the word of rank k
has a probability in proportion to k^−1.5 (Zipf's law). A text is a stream of independent words.
There are few prefixes of words, so a model can be asked after every one of them: its loss is a
sum, and no test text adds noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ttclib.inputs import real_number, whole_number

LETTERS = 32
LENGTH = 4  # letters of a word
EXPONENT = 1.5  # of Zipf's law
ELSEWHERE = 1.25  # the same words, rare ones oftener: a language that no model has read


class Words:
    """Words of equal length with Zipf's law on their ranks.

    Parameters
    ----------
    letters, length : int
        Of the alphabet, and of a word.
    exponent : float
        Of Zipf's law; above 0. The language of the notebook has 1.5.
    seed : int
        Of the permutation that ranks the words.

    Attributes
    ----------
    word_of_rank : numpy.ndarray of int, shape (words,)
        The number of the word of each rank, most common first. A word's number has its letters as
        digits.
    of_rank : numpy.ndarray, shape (words,)
        Probability of each rank.
    joint : numpy.ndarray, shape (letters,) * length
        Probability of each word.
    entropy : float
        Nats a letter: no model can have a smaller loss.
    """

    def __init__(
        self,
        letters: int = LETTERS,
        length: int = LENGTH,
        exponent: float = EXPONENT,
        seed: int = 0,
    ):
        self.letters = whole_number("letters", letters, 2, 64)
        self.length = whole_number("length", length, 1, 4)
        exponent = real_number("exponent", exponent, 0.0, open_low=True)
        words = self.letters**self.length
        mass = np.arange(1, words + 1, dtype=float) ** -exponent
        self.of_rank = mass / mass.sum()
        self.word_of_rank = np.random.default_rng(seed).permutation(words)
        joint = np.empty(words)
        joint[self.word_of_rank] = self.of_rank
        self.joint = joint.reshape((self.letters,) * self.length)
        self.entropy = float(-(joint * np.log(joint)).sum() / self.length)
        self._up_to = np.cumsum(self.of_rank)

    def ranks(self, uniforms: np.ndarray) -> np.ndarray:
        """Turn numbers from 0 to 1 into ranks, counted from 0: the inverse of the distribution."""
        return np.searchsorted(self._up_to, uniforms).clip(max=len(self.of_rank) - 1)

    def spell(self, words: np.ndarray) -> np.ndarray:
        """Write numbers of words as letters, ints (n, length)."""
        return np.stack(np.unravel_index(words, self.joint.shape), axis=-1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n words, ints (n, length)."""
        return self.spell(self.word_of_rank[self.ranks(rng.random(n))])

    def prefixes(self, k: int) -> np.ndarray:
        """List all beginnings of k letters, ints (letters ** k, k)."""
        if k == 0:
            return np.zeros((1, 0), dtype=int)
        return np.stack(np.unravel_index(np.arange(self.letters**k), (self.letters,) * k), axis=-1)

    def mass(self, k: int) -> np.ndarray:
        """Return the probability of each beginning of k letters, (letters ** k,)."""
        return self.joint.reshape(self.letters**k, -1).sum(axis=1)

    def predictions(self, log_probs: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
        """Ask a model after every beginning of a word.

        Parameters
        ----------
        log_probs : callable
            ``log_probs(prefixes)`` takes ints (n, k) and returns the log probabilities of the next
            letter, (n, letters).

        Returns
        -------
        list of numpy.ndarray
            After no letter, after one, …: shape (letters ** k, letters) each.
        """
        return [log_probs(self.prefixes(k)) for k in range(self.length)]

    def loss(self, predictions: Sequence[np.ndarray]) -> float:
        """Return the exact cross-entropy of what a model predicts, in nats a letter.

        Parameters
        ----------
        predictions : sequence of array
            From :meth:`predictions`; those of one language serve another with the same letters.
        """
        total = 0.0
        for k, said in enumerate(predictions, start=1):
            total -= float((self.mass(k).reshape(-1, self.letters) * said).sum())
        return total / self.length

    def floor(self, noise: float) -> float:
        """Return the least loss that text with a share of random letters can teach, nats a letter.

        A share ``noise`` of its words is drawn from all words alike. Who has learned that mixture
        perfectly gives the words of the clean language too little.
        """
        noise = real_number("noise", noise, 0.0, 1.0)
        taught = (1 - noise) * self.joint + noise / self.joint.size
        return float(-(self.joint * np.log(taught)).sum() / self.length)
