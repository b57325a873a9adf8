"""Beam search for the likeliest text: the same loop, in which nothing is drawn at random."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from ttclib.inputs import checked, whole_number
from ttclib.lm.decoding import Decoder
from ttclib.lm.protocols import LanguageModel
from ttclib.lm.sequences import Sequences
from ttclib.particles.smc import Population, Selection, Weighed, smc


@checked
def alive(population: Population) -> Population:
    """Return the population, if anybody in it is left to draw conclusions from.

    Raises
    ------
    ValueError
        If every particle died; the line says at which step.
    """
    if population.extinct:
        raise ValueError(
            f"step {population.t}: every particle died; all {len(population)} weights are zero"
        )
    return population


def keep_top(k: int, copies: int = 1) -> Selection:
    """Select the k heaviest members, ``copies`` times each: the selection of beam search.

    Ties keep the earlier member. The result is not a fair sample: ``log_evidence`` is then only a
    score.
    """
    k, copies = whole_number("k", k), whole_number("copies", copies)

    def select(population, rng):
        if k > len(population):
            raise ValueError(
                f"k is {k}; it must be at most the population's {len(population)} members"
            )
        best = np.sort(np.argsort(-population.log_weights, kind="stable")[:k])
        ancestors = np.repeat(best, copies)
        return ancestors, population.log_weights[ancestors]

    return select


class Beam(Decoder):
    """Beam search: copies of one text take its likeliest next tokens, one each.

    Weights are the target itself, and nothing is drawn at random. See :func:`beam_search`.
    """

    def propose(self, t, parents, n, rng):
        """Give each copy of a text another next token."""
        texts, cost = super().propose(t, parents, n, rng)
        return replace(texts, log_q=np.zeros(n)), cost  # nothing was drawn: no q to divide by

    def weigh(self, t, parents, particles):
        """Give no weight to what is there already: more copies than tokens, or of a
        finished text.
        """
        weighed = super().weigh(t, parents, particles)
        # at the start all texts of a prompt are copies of the empty one
        number = _in_turn(particles.prompt) if parents is None else _copy_number(parents)
        repeated = number >= len(self.lm.vocabulary)
        if parents is not None:
            repeated |= parents.finished & (number > 0)
        texts = weighed.particles
        return Weighed(
            replace(texts, finished=texts.finished | repeated),
            np.where(repeated, -np.inf, weighed.log_weights),
        )

    def _draw(self, log_q, which, texts, active):
        order = np.argsort(-log_q, axis=1, kind="stable")
        rank = np.minimum(_copy_number(texts)[active], order.shape[1] - 1)
        return order[which, rank]


def _copy_number(texts: Sequences) -> np.ndarray:
    """Number the copies of each text 0, 1, 2, …."""
    _, which = np.unique(np.column_stack([texts.prompt, texts.tokens]), axis=0, return_inverse=True)
    return _in_turn(which.ravel())


def _in_turn(which: np.ndarray) -> np.ndarray:
    """Number those of a kind 0, 1, 2, …, kind by kind."""
    order = np.argsort(which, kind="stable")
    first = np.searchsorted(which[order], which[order])
    number = np.empty(len(which), dtype=int)
    number[order] = np.arange(len(which)) - first
    return number


def beam_search(lm: LanguageModel, prompt: str, width: int, **options) -> Population:
    """Search for a likely text: keep the ``width`` likeliest beginnings, extend each in all ways.

    It is the loop with the selection ``keep_top``, and ``width`` copies of each beam to extend.

    Parameters
    ----------
    **options
        Of :class:`ttclib.lm.decoding.Decoder`. Potentials count as they do there, twists on the
        way included.

    Returns
    -------
    Population
        The last one, best text first; its log weights are log probabilities, plus log potentials.
        Members with a weight of zero fill it up where there are fewer than ``width`` texts.

    Raises
    ------
    ValueError
        If every beam died: the line says at which step.
    """
    width = whole_number("width", width)
    if not isinstance(prompt, str):
        line = "beam search continues one prompt; search for each of several by itself"
        raise ValueError(f"prompt must be a text: {line}")
    beam = Beam(lm, prompt, **options)
    rng = np.random.default_rng(0)  # asked by the loop; nothing is drawn
    populations = smc(beam, width**2, keep_top(width, copies=width), rng)
    last = alive(deque(populations, maxlen=1).pop())  # the earlier ones are not kept
    best = np.argsort(-last.log_weights, kind="stable")[:width]
    return replace(
        last, particles=last.particles[best], log_weights=last.log_weights[best], ancestors=best
    )
