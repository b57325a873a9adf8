"""The story of a chain, event by event, is that of its record."""

import numpy as np
import pytest

from ttclib.course.metropolis_hastings.events import events
from ttclib.sampling.mcmc import random_walk, run_chains


def test_events_tell_the_run():
    kernel, start = random_walk(lambda x: -(x**2) / 2, 2.0), np.zeros(3)
    chain = run_chains(kernel, start, 6, np.random.default_rng(5))
    story = list(events(kernel, kernel.init(start), np.random.default_rng(5), 6))
    assert len(story) == 2 * 3 * 6
    for proposal, verdict in zip(story[::2], story[1::2], strict=True):
        accepted = chain.accepted[verdict.step - 1, verdict.chain]
        assert (proposal.kind, verdict.kind) == ("proposal", "accept" if accepted else "reject")
        assert proposal[2:] == verdict[2:]
        assert verdict.position == chain.positions[verdict.step, verdict.chain]
        if accepted:
            assert verdict.position == proposal.position
        before = chain.positions[verdict.step - 1, verdict.chain]
        assert proposal.acceptance == pytest.approx(
            min(1, np.exp((before**2 - proposal.position**2) / 2))
        )
