"""Potentials: what we ask of a text beyond the language model's own taste.

A potential is a factor of the target p(x) · Π φ(x): 1 or 0 for a constraint, anything positive for
a preference. On the way to a finished text the sampler may use another value ψ(prefix), a
**twist**: it says how promising a prefix is, moves the particles, and leaves the target alone. What
a potential must offer: :class:`ttclib.lm.protocols.Potential`. Constraints are automata: see
:mod:`ttclib.lm.automata`. Here is another kind.

Lew, Zhi-Xuan, Grand and Mansinghka 2023, *Sequential Monte Carlo steering of large language models
using probabilistic programs*, for constraints as potentials; Loula et al. 2025, *Syntactic and
semantic control of large language models via sequential Monte Carlo*, for products of them; Zhao,
Brekelmans, Makhzani and Grosse 2024, *Probabilistic inference in language models via twisted
sequential Monte Carlo*, for twists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ttclib.inputs import checked


@checked
@dataclass(frozen=True)
class Feature:
    """Any function of a text as a potential: it may weigh a proposal, but not guide it.

    Both functions map ``tokens`` (n, T) and ``lengths`` (n,) to log values (n,). Row i holds the
    generated tokens ``tokens[i, :lengths[i]]``, the end token included if there is one.

    Parameters
    ----------
    prefix : callable, optional
        Log ψ of a text that goes on; 0 by default. With ``complete`` left out this is a pure
        twist: it changes how well the target is sampled, not the target.
    complete : callable, optional
        Log φ of a finished text; 0 by default.
    """

    prefix: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    complete: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None

    def log_value(self, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Log ψ, shape (n,), of texts that go on."""
        if self.prefix is None:
            return np.zeros(len(tokens))
        return np.asarray(self.prefix(tokens, lengths))

    def log_final(self, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Log φ, shape (n,), of finished texts."""
        if self.complete is None:
            return np.zeros(len(tokens))
        return np.asarray(self.complete(tokens, lengths))
