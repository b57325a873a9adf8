"""Search under a verifier: the loop *propose, weigh, select*, a step of a solution at a time.

:class:`Search` is the decoder of notebook 06 with one more opinion: after every step a verifier
says how likely the text is to end right, and that is the weight. Which method it is depends on the
selection alone: see :mod:`ttclib.search.selections`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import whole_number
from ttclib.lm import arithmetic
from ttclib.lm.decoding import Decoder, Sequences
from ttclib.measure import votes
from ttclib.particles.smc import Population
from ttclib.search.aggregation import Aggregation, last


class Search(Decoder):
    """A decoder whose weights are a verifier's.

    A finished text weighs the aggregate of its scores; one under way, the aggregate so far to the
    power ``power(t)``. Under :func:`ttclib.particles.smc.resample` the target is therefore p(x) ·
    aggregate(x): with ``last`` the score of the whole solution is the potential and earlier scores
    are twists, with ``product`` every step is a factor of its own, as in Puri et al. 2025. A weight
    of zero is final: the text is given up, and no later score can revive it.

    Parameters
    ----------
    lm : ttclib.lm.engine.CausalLM
    prompt : str or sequence of str
    verifier : object
        ``verifier.start(lm, prompts, length)`` returns a reader, whose ``read(texts, chosen)``
        gives the scores of the chosen texts, from 0 to 1, and their cost: see
        :mod:`ttclib.search.verifier`.
    aggregate : callable
        From scores (n, steps) to values (n,): see :mod:`ttclib.search.aggregation`.
    lookahead : int
        How many more steps to write greedily before a text is scored; they are then forgotten.
    power : callable, optional
        ``power(t)``: exponent, 0 or more, of the values of unfinished texts at generation t, by
        default 1. A schedule that rises trusts early scores less (annealing). The target stays the
        same: finished texts count in full.
    until : str
        Letters that end a step.
    **options
        As for :class:`ttclib.lm.decoding.Decoder`.

    Raises
    ------
    ValueError
        If ``lookahead`` is negative, or an option is unknown.
    """

    def __init__(
        self,
        lm,
        prompt: str | Sequence[str],
        verifier,
        *,
        aggregate: Aggregation = last,
        lookahead: int = 0,
        power: Callable[[int], float] = lambda t: 1.0,
        until: str = ";",
        **options,
    ):
        super().__init__(lm, prompt, until=until, surprise=True, **options)
        self.verifier, self.aggregate, self.power = verifier, aggregate, power
        self.lookahead = whole_number("lookahead k", lookahead, 0)

    def init(self, n, rng):  # noqa: D102
        new = super().init(n, rng)
        new.run.reader = self.verifier.start(self.lm, self.prompts, self.room)
        return self._judge(0, np.ones(n, dtype=bool), new)

    def step(self, t, parents, rng):  # noqa: D102
        return self._judge(t, ~parents.finished, super().step(t, parents, rng))

    def _judge(self, t: int, grown: np.ndarray, new: Sequences) -> Sequences:
        """Score the texts that have grown, and add to their weights what that changes."""
        chosen = np.flatnonzero(grown & (new.log_increment > -np.inf))  # the dead need no opinion
        scores, cost = new.run.reader.read(new, chosen)
        if self.lookahead:
            scores, spent = self._look_ahead(new, chosen, scores)
            cost += spent
        column = np.full(len(new), np.nan)
        column[chosen] = scores
        before, new = (
            new,
            replace(new, scores=np.column_stack([new.scores, column]), cost=new.cost + cost),
        )
        with np.errstate(divide="ignore"):
            # a power of 0 is no opinion, of the worthless too: 0⁰ = 1
            power = np.where(new.finished[chosen], 1.0, self.power(t))
            value = np.log(self.aggregate(new.scores[chosen]) ** power)
            earlier = (
                np.log(self.aggregate(before.scores[chosen]) ** self.power(t - 1)) if t else 0.0
            )
        # a text that was worth nothing before is finished, and not among the chosen
        new.log_increment[chosen] += value - earlier
        new.finished[new.log_increment == -np.inf] = True
        return new

    def _look_ahead(self, new: Sequences, chosen: np.ndarray, scores: np.ndarray):
        """Write ``lookahead`` more steps greedily, score them, and forget them."""
        open_ = chosen[~new.finished[chosen]]
        if not len(open_):
            return scores, Cost()
        # texts that are the same will also go on the same
        same = np.column_stack([new.prompt, new.tokens])[open_]
        _, first, which = np.unique(same, axis=0, return_index=True, return_inverse=True)
        n, ahead = len(new), np.arange(len(new), len(new) + len(first))
        both = new[np.concatenate([np.arange(n), open_[first]])]
        spent = Cost()
        both = replace(both, begun=both.lengths.copy(), log_increment=np.zeros(len(both)))
        for _ in range(self.lookahead):
            spent += self._advance(both, ahead[~both.finished[ahead]], greedy=True)
        new.rows[:] = both.rows[:n]
        seen, cost = new.run.reader.read(both, ahead, keep=True)
        scores = scores.copy()
        scores[~new.finished[chosen]] = seen[which.ravel()]
        return scores, spent + cost


def given(population: Population, texts: Sequence[str]) -> list[Hashable]:
    """Return the answer of each text, None where it has none or was given up (its weight is zero)."""
    there = population.particles.finished & (population.log_weights > -np.inf)
    return [arithmetic.answer(text) if ok else None for text, ok in zip(texts, there, strict=True)]


CONCLUSIONS = {
    "max": lambda found, values: votes.best_of(values, found),
    "weighted": votes.weighted_majority,
    "majority": lambda found, values: votes.majority(found),
}


def conclude(
    population: Population,
    texts: Sequence[str],
    how: str = "weighted",
    aggregate: Aggregation = last,
) -> Hashable:
    """Choose one answer from a population.

    Parameters
    ----------
    texts : sequence of str
        Of the population, from ``Search.texts``.
    how : {"weighted", "max", "majority"}
        Add up values over equal answers, take the text of the highest value, or count.
    aggregate : callable
        What the value of a text is.

    Raises
    ------
    ValueError
        If ``how`` is unknown.
    """
    if how not in list(CONCLUSIONS):
        raise ValueError(f"how is {how!r}; it must be one of {', '.join(CONCLUSIONS)}")
    return CONCLUSIONS[how](given(population, texts), aggregate(population.particles.scores))
