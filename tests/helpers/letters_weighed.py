"""A soft potential: each token adds to a sum, and the sum has its price in nats."""

from dataclasses import dataclass

import numpy as np

from ttclib.course.smc_decoding.constraints import fold


@dataclass(frozen=True, eq=False)
class Tally:
    """log φ(x) = weight · Σ counts of its tokens (V,). The state is the sum so far.

    It counts in the prefix as it does in the finished text, so it needs no twist.
    """

    counts: np.ndarray
    weight: float

    def start(self):
        return 0

    def advance(self, states, tokens):
        return states + self.counts[tokens]

    def log_value(self, states):
        return self.weight * states

    def log_final(self, states):
        return self.weight * states

    def log_next(self, states, ends):
        return np.tile(self.weight * self.counts, (len(states), 1))


def prefer(letters, weight, vocabulary):
    """Each of the letters, small or capital, adds ``weight`` nats to log φ."""
    wanted = set(map(fold, letters))
    counts = [sum(fold(letter) in wanted for letter in text or "") for text in vocabulary.texts]
    return Tally(np.array(counts), weight)
