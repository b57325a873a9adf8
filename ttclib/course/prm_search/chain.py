"""Search by a Markov chain: Metropolis-Hastings over whole solutions, notebook 02 with a language
model.

A move keeps the first c of a solution's S steps, where c is drawn uniformly from 0, …, S − 1, lets
the language model write the rest anew, and accepts the new solution x′ in place of x with
probability

    min(1, value(x′) / value(x) · S(x) / S(x′)).

The model's own probabilities cancel: it is both the prior and what proposes. What is left is the
verifier's opinion, and the number of places where each of the two could have been cut: x′ has a
step after its first c too, so x can be proposed back, with the cut drawn with probability 1 /
S(x′). The chain leaves p(x) · value(x) as it is: the target of particle search
(:mod:`ttclib.search.search`).

Metropolis-Hastings with suffixes from the model itself: Goodman et al. 2008 (Church) for programs,
Faria et al. 2024 (QUEST) for machine translation.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import real_number, whole_number
from ttclib.lm.sequences import NONE
from ttclib.particles.smc import Population
from ttclib.search.search import Search, Solutions


@dataclass(frozen=True)
class Visit(Population):
    """Where n chains are after move t; at t = 0 the model's first solutions, none of them selected.

    A population of equal weights: the chains themselves follow the value. So count their answers,
    with ``conclude(visit, texts, "majority")``; to weigh them by value again would count it twice.

    Attributes
    ----------
    proposal : ttclib.search.search.Solutions
        What was proposed, n solutions.
    ratio : numpy.ndarray, shape (n,)
        The Metropolis-Hastings ratio; inf where the present solution is worth nothing.
    accepted : numpy.ndarray of bool, shape (n,)
    """

    proposal: Solutions | None = None
    ratio: np.ndarray | None = None
    accepted: np.ndarray | None = None

    @property
    def acceptance(self) -> np.ndarray:
        """Probability with which each chain accepts its proposal, min(1, ratio)."""
        return np.minimum(self.ratio, 1.0)


def walk(search: Search, n: int, rng: np.random.Generator, power: float = 1.0) -> Iterator[Visit]:
    """Run n independent chains in one batch. It never ends: stop whenever you like.

    Parameters
    ----------
    search : ttclib.search.search.Search
        The model, its sampler, the problems, the verifier, how scores are aggregated, what ends a
        step. With several problems chain i solves problem i modulo their number.
    n : int
        Number of chains.
    power : float
        The value of a solution is its aggregate to this power; 0 samples from the model alone.

    Yields
    ------
    Visit
        ``spent`` is what was spent so far. Each move feeds every different beginning that is kept,
        prompt included, to both models once more.

    Raises
    ------
    ValueError
        If ``n`` or ``power`` cannot be, or the search has potentials or a forced end: the chain
        proposes from the model alone.
    """
    n = whole_number("n", n)
    power = real_number("power", power, 0.0)
    if search.masks or search.features or search.must_end:
        raise ValueError(
            "a Markov chain proposes from the model alone; leave out potentials and must_end"
        )
    everyone = np.arange(n)
    begun, reading = search.begin(
        everyone % len(search.prompts), np.full((n, search.max_tokens), NONE)
    )
    solutions, writing = _finish(search, begun, rng)
    visit = Visit(
        0,
        solutions,
        np.zeros(n),
        everyone,
        reading + writing,
        proposal=solutions,
        ratio=np.ones(n),
        accepted=np.ones(n, dtype=bool),
    )
    yield visit
    for t in itertools.count(1):
        made = move(search, visit.particles, rng, power)
        visit = replace(made, t=t, spent=visit.spent + made.spent)
        yield visit


def move(
    search: Search, solutions: Solutions, rng: np.random.Generator, power: float = 1.0
) -> Visit:
    """Make one move of each chain; ``spent`` is what this move cost. See :func:`walk`."""
    n = len(solutions)
    kept = (rng.random(n) * steps(solutions)).astype(int)
    # The way there: cut behind step c with probability 1/S(x), then the model writes the rest. The
    # way back: the same c with probability 1/S(x'), then it writes the old rest. In the ratio the
    # model's probabilities cancel against its own in the target; the numbers of steps stay. They
    # matter: without them, long solutions would be left too seldom and short ones too often.
    proposal, spent = _regrow(search, solutions, kept, rng)
    old, new = (search.aggregate(x.scores) ** power for x in (solutions, proposal))
    ratio = metropolis_hastings_ratio(old, new, steps(solutions), steps(proposal))
    accepted = 1 - rng.random(n) <= ratio  # in (0, 1]: a ratio of zero never accepts
    # rows of the cache are mixed too; nobody reads on from them, a move begins anew
    reached = proposal.each(functools.partial(_where, accepted), solutions)
    return Visit(
        1,
        reached,
        np.zeros(n),
        np.arange(n),
        spent,
        parents=n,
        proposal=proposal,
        ratio=ratio,
        accepted=accepted,
    )


def metropolis_hastings_ratio(
    old: np.ndarray, new: np.ndarray, old_steps: np.ndarray, new_steps: np.ndarray
) -> np.ndarray:
    """Return value(x′) / value(x) · S(x) / S(x′), (n,); inf where value(x) is zero: anything is
    better.
    """
    worthless = np.full(len(old), np.inf)
    return np.divide(new * old_steps, old * new_steps, where=old > 0, out=worthless)


def steps(solutions: Solutions) -> np.ndarray:
    """Count the steps of each solution, (n,): one for each score."""
    return (~np.isnan(solutions.scores)).sum(axis=1)


def _regrow(
    search: Search, solutions: Solutions, kept: np.ndarray, rng: np.random.Generator
) -> tuple[Solutions, Cost]:
    """Keep the first ``kept`` (n,) steps of each solution and write the rest anew."""
    written = solutions.tokens != NONE
    pauses = search.pauses[solutions.tokens] & written
    step = np.cumsum(pauses, axis=1) - pauses  # the number of each token's step
    there = written & (step < kept[:, None])
    beginnings = np.where(there, solutions.tokens, NONE)
    per_token = np.where(there[..., None], solutions.per_token, 0.0)
    begun, reading = search.begin(solutions.prompt, beginnings, per_token)
    if kept.any():
        # the scores are known, keys and values are not: the verifier reads the beginnings again
        reading += begun.reader.read(begun, np.flatnonzero(kept)).cost
    scores = np.where(np.arange(search.max_tokens) < kept[:, None], solutions.scores, np.nan)
    proposal, writing = _finish(search, replace(begun, scores=scores), rng)
    return proposal, reading + writing


def _finish(search: Search, begun: Solutions, rng: np.random.Generator) -> tuple[Solutions, Cost]:
    """Write all texts to their ends; ``scores`` are then (n, max_tokens), step by step from the
    left.
    """
    spent = Cost()
    texts = begun
    for t in itertools.count():
        parents = texts
        texts, writing = search.propose(t, parents, len(parents), rng)
        texts, _, reading = search.weigh(t, parents, texts)
        spent += writing + reading
        if search.done(t, texts):
            break
    # what was kept, and what each generation added, with gaps where a text had ended
    scores = np.column_stack([texts.scores, np.full((len(texts), search.max_tokens), np.nan)])
    order = np.argsort(np.isnan(scores), axis=1, kind="stable")
    scores = np.take_along_axis(scores, order, axis=1)[:, : search.max_tokens]
    return replace(texts, scores=scores), spent


def _where(which: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """Choose rows."""
    return np.where(which.reshape(-1, *[1] * (yes.ndim - 1)), yes, no)
