"""A random language model with a long memory: every prefix has a distribution of its own."""

import functools

import numpy as np

from ttclib.lm.vocabulary import Vocabulary


class TinyLM:
    """A model on the letters a, b, c … and an end, whose distributions are drawn once for each
    prefix.

    It has the decoder's interface. Unlike a Markov model it notices when rows are mixed up, since
    no two prefixes have the same distribution.
    """

    context = 64

    def __init__(self, letters, seed=0, zeros=0.0):
        self.vocabulary = Vocabulary([*"abcdefgh"[:letters], None], letters)
        self.seed, self.zeros = seed, zeros
        self.distribution = functools.cache(self._distribution)

    @property
    def ends(self):
        return np.arange(len(self.vocabulary)) == self.vocabulary.end

    def _distribution(self, prefix):
        rng = np.random.default_rng([self.seed, *(int(token) + 1 for token in prefix)])
        weights = rng.exponential(size=len(self.vocabulary))
        weights[rng.random(len(weights)) < self.zeros] = 0.0  # some tokens never follow
        weights[-1] += 1e-3
        return weights / weights.sum()

    def start(self, prompts, length):
        return TinySession(self, prompts)


class TinySession:
    """Rows of texts, each kept whole."""

    def __init__(self, lm, prompts):
        self.lm, self.prefixes = lm, [tuple(map(int, prompt)) for prompt in prompts]
        self.rows, self.positions, self.flops = np.arange(len(prompts)), sum(map(len, prompts)), 0

    @property
    def log_probs(self):
        with np.errstate(divide="ignore"):
            return np.log([self.lm.distribution(prefix) for prefix in self.prefixes])

    def feed(self, rows, tokens, keep=()):
        fed = [(*self.prefixes[row], int(token)) for row, token in zip(rows, tokens, strict=True)]
        self.prefixes = fed + [self.prefixes[row] for row in keep]
        self.positions = len(fed)
        return np.arange(len(fed)), len(fed) + np.arange(len(keep))
