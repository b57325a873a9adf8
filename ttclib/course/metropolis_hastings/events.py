"""Events: a chain told as a story, for a view that plays it step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ttclib.inputs import whole_number
from ttclib.sampling.mcmc import Kernel, State


class Event(NamedTuple):
    """One thing to draw: a proposal, or what became of it."""

    kind: str  # "proposal", "accept" or "reject"
    position: np.ndarray  # of this chain: the proposal, or where the chain now is
    chain: int
    step: int  # from 1
    acceptance: float  # the probability of accepting this proposal


def events(kernel: Kernel, state: State, rng: np.random.Generator, n: int) -> Iterator[Event]:
    """Tell n transitions as a story: of each step and chain a proposal, then accept or reject."""
    for t in range(1, whole_number("n", n) + 1):
        state, info = kernel.step(state, rng)
        for c, probability in enumerate(info.acceptance.tolist()):
            outcome = "accept" if info.accepted[c] else "reject"
            yield Event("proposal", info.proposal[c], c, t, probability)
            yield Event(outcome, state.position[c], c, t, probability)
