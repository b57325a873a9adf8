"""Who goes on: the selections that make one loop into seven methods of search.

Each is a plain function from a population to ancestors and carried log weights, as everywhere in
:mod:`ttclib.particles.smc`. Weights are what :class:`ttclib.search.search.Search` says: how much
the verifier thinks of a text. **Finished texts are absorbing**: they keep their places, are not
copied, and are not dropped, so that every answer that was paid for is there in the end, and once.
Texts that were given up, with a weight of zero, have no answer: their places go to children of the
others.

==================  ================================================================
best of N           :func:`ttclib.particles.smc.keep_all`
beam search         :func:`beam`
lookahead search    :func:`beam`, with ``Search(…, lookahead=k)``
DVTS                :func:`trees`
REBASE              :func:`rebase`
particle filtering  :func:`ttclib.particles.smc.resample`; here alone finished texts compete too
tree search         :func:`ttclib.search.mcts.uct`; here alone texts that are passed over wait
==================  ================================================================

Snell et al. 2024 (best-of-N, beam, lookahead); Beeching, Tunstall and Rush 2024 (diverse verifier
tree search, DVTS); Wu et al. 2024 (REBASE); Puri et al. 2025 (particle filtering).
"""

from __future__ import annotations

import numpy as np

from ttclib.inputs import positive, whole_number
from ttclib.particles.islands import within
from ttclib.particles.smc import Selection, keep_all


def beam(width: int) -> Selection:
    """Keep the best 1/width of the texts under way, and extend each ``width`` times.

    With N texts these are N / M beams of M extensions each (Snell et al. 2024, §5.2). A width of 1
    keeps everybody; a width of N follows the best one alone.

    Raises
    ------
    ValueError
        When used, if N is not a multiple of the width.
    """
    width = whole_number("width M", width)

    def select(population, rng):
        n = len(population)
        live, places = _under_way(population)
        if n % width:
            raise ValueError(f"N is {n} and M is {width}; N must be a multiple of M")
        log_weights = np.round(population.log_weights[live], 12)  # so that ties stay ties
        best = live[np.argsort(-log_weights, kind="stable")][: -(-len(places) // width)]
        return _children(population, places, np.repeat(best, width)[: len(places)])

    return select


def trees(number: int) -> Selection:
    """Grow ``number`` trees apart: each follows its best text alone (DVTS).

    With N texts and a width of M there are N / M trees of M texts; members i, i + number, … are a
    tree.

    Raises
    ------
    ValueError
        When used, if N is not a multiple of the number of trees.
    """
    number = whole_number("number of trees", number)

    def select(population, rng):
        each = max(1, len(population) // number)
        return within(number, beam(each))(population, rng)

    return select


def rebase(temperature: float = 0.1) -> Selection:
    """Share out the extensions in proportion to exp(score / temperature) (Wu et al. 2024, §3.1.3).

    What a text is due is rounded so that the shares add up to the number of places. A temperature
    near 0 gives all to the best, a high one gives the same to each.

    Raises
    ------
    ValueError
        If the temperature is not above 0.
    """
    temperature = positive("temperature", temperature)

    def select(population, rng):
        live, places = _under_way(population)
        if not len(live):
            return keep_all(population, rng)
        scores = np.exp(population.log_weights[live])
        shares = np.exp((scores - scores.max()) / temperature)
        due = len(places) * shares / shares.sum()
        counts = np.floor(due).astype(int)
        left_over = len(places) - counts.sum()
        counts[np.argsort(counts - due, kind="stable")[:left_over]] += 1  # the largest remainders
        return _children(population, places, np.repeat(live, counts))

    return select


def _under_way(population):
    """Return the texts under way, and the places that their children may take: theirs first."""
    live = ~population.particles.finished
    given_up = population.log_weights == -np.inf
    return np.flatnonzero(live), np.concatenate(
        [np.flatnonzero(live), np.flatnonzero(given_up & ~live)]
    )


def _children(population, places, parents):
    """Put children of ``parents`` in the first places; all others stay."""
    ancestors = np.arange(len(population))
    ancestors[np.sort(places[: len(parents)])] = np.sort(parents)
    return ancestors, population.log_weights[ancestors]
