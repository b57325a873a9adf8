"""Search under a verifier: the loop *propose, weigh, select*, a step of a solution at a time.

:class:`Search` is the decoder of notebook 06 with one more opinion: after every step a verifier
says how likely the text is to end right, and that is the weight. The selection makes it one method
or another: see :mod:`ttclib.search.selections`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import checked, one_of, short, whole_number
from ttclib.lm.decoding import Decoder
from ttclib.lm.protocols import LanguageModel, Task
from ttclib.lm.sequences import Sequences
from ttclib.measure import votes
from ttclib.particles.smc import Population, Weighed
from ttclib.search.aggregation import Aggregation, last
from ttclib.search.protocols import Reader, Verifier
from ttclib.search.scoring import Score, as_verifier


@dataclass(frozen=True)
class Solutions(Sequences):
    """Texts under way, and what a verifier said of their steps.

    Attributes
    ----------
    scores : numpy.ndarray, shape (n, generations)
        The score after each generation; NaN for texts that had finished before.
    reader : ttclib.search.protocols.Reader
        The verifier at work on this run.
    """

    scores: np.ndarray
    reader: Reader


class Search(Decoder):
    """A decoder whose weights are a verifier's.

    A finished text weighs the aggregate of its scores; one under way, the aggregate so far to the
    power ``power(t)``. Under :func:`ttclib.particles.smc.resample` the target is therefore
    p(x) · aggregate(x): with ``last`` the score of the whole solution is the potential and earlier
    scores are twists; with ``product`` every step is a factor of its own. Puri et al. 2025 have a
    factor a step too, the exponential of the reward: they resample by its softmax at every step and
    divide nothing out. A weight of zero is final: no later score can revive the text.

    Parameters
    ----------
    lm : ttclib.lm.protocols.LanguageModel
    task : ttclib.lm.protocols.Task
        It says how a problem is asked and where a step ends.
    problem : str or sequence of str
        With several, text i solves problem i modulo their number.
    verifier : ttclib.search.protocols.Verifier, or callable
        A plain function ``(problem, text) → score`` from 0 to 1 is one too.
    aggregate : callable
        From scores (n, steps) to values (n,): see :mod:`ttclib.search.aggregation`.
    lookahead : int
        How many more steps to write greedily before a text is scored; they are then forgotten.
    power : callable, optional
        ``power(t)``: exponent, 0 or more, of the values of unfinished texts at generation t, by
        default 1. A schedule that rises trusts early scores less (annealing). The target stays the
        same: finished texts count in full.
    **options
        As for :class:`ttclib.lm.decoding.Decoder`.

    Raises
    ------
    ValueError
        If ``lookahead`` is negative, or an option is unknown.
    TypeError
        If ``lm``, ``task`` or ``verifier`` is none.
    """

    @checked
    def __init__(
        self,
        lm: LanguageModel | Any,
        task: Task | Any,
        problem: str | Sequence[str],
        verifier: Verifier | Score | Any,
        *,
        aggregate: Aggregation = last,
        lookahead: int = 0,
        power: Callable[[int], float] = lambda t: 1.0,
        **options,
    ):
        if not hasattr(task, "step_end"):
            raise TypeError(
                f"task is a {type(task).__name__}; it must be a ttclib.lm.protocols.Task"
            )
        self.task = task
        self.problems = [problem] if isinstance(problem, str) else list(problem)
        prompts = [task.prompt(one) for one in self.problems]
        super().__init__(lm, prompts, until=task.step_end, per_token=True, **options)
        self.verifier = as_verifier(verifier)
        self.aggregate = aggregate
        self.power = power
        self.lookahead = whole_number("lookahead k", lookahead, 0)

    def begin(self, prompt, tokens, per_token=None) -> tuple[Solutions, Cost]:
        """Begin as a decoder does, and let the verifier read the problems."""
        texts, cost = super().begin(prompt, tokens, per_token)
        reader = self.verifier.start(self.lm, self.task, self.problems, self.room)
        return Solutions(**vars(texts), scores=np.empty((len(texts), 0)), reader=reader), cost

    def weigh(self, t, parents, particles) -> Weighed:
        """Ask the verifier: the gain of log p(x) · value(x) / q(x), value(x) from the scores."""
        texts, log_weights, _ = super().weigh(t, parents, particles)
        grown = texts.lengths > texts.begun
        asked = np.flatnonzero(grown & (log_weights > -np.inf))  # the dead need no opinion
        texts, cost = self._score(texts, asked)
        before = texts.scores[asked, :-1]
        log_weights[asked] += self._log_value(t, texts.scores[asked], texts.finished[asked])
        log_weights[asked] -= self._log_value(t - 1, before, np.zeros(len(asked), dtype=bool))
        given_up = log_weights == -np.inf
        return Weighed(replace(texts, finished=texts.finished | given_up), log_weights, cost)

    def _log_value(self, t: int, scores: np.ndarray, finished: np.ndarray) -> np.ndarray:
        """Log value of texts at generation t, (n,): finished ones count in full."""
        if t < 0:
            return np.zeros(len(scores))  # nothing speaks against a text that was not begun
        power = np.where(finished, 1.0, self.power(t))
        with np.errstate(divide="ignore"):
            # a power of 0 is no opinion, of the worthless too: 0⁰ = 1
            return np.log(self.aggregate(scores) ** power)

    def _score(self, texts: Solutions, asked: np.ndarray) -> tuple[Solutions, Cost]:
        """Return the texts with one more column of scores, and what reading them cost."""
        reading = texts.reader.read(texts, asked)
        scores, cost = reading.scores, reading.cost
        texts = replace(texts, paid=texts.paid.copy())
        texts.paid[asked, -2:] += reading.paid
        if self.lookahead:
            texts, scores, spent = self._look_ahead(texts, asked, scores)
            cost += spent
        column = np.full(len(texts), np.nan)
        column[asked] = scores
        return replace(texts, scores=np.column_stack([texts.scores, column])), cost

    def _look_ahead(
        self, texts: Solutions, asked: np.ndarray, scores: np.ndarray
    ) -> tuple[Solutions, np.ndarray, Cost]:
        """Write ``lookahead`` more steps greedily, score them, and forget them."""
        open_ = asked[~texts.finished[asked]]
        spent = Cost()
        if not len(open_):
            return texts, scores, spent
        # texts that are the same will also go on the same
        same = np.column_stack([texts.prompt, texts.tokens])[open_]
        _, first, which = np.unique(same, axis=0, return_index=True, return_inverse=True)
        n = len(texts)
        ahead = np.arange(n, n + len(first))
        # the texts, whose rows the session may move meanwhile, and behind them the copies
        both = texts[np.concatenate([np.arange(n), open_[first]])]
        both = replace(both, begun=both.lengths.copy(), paid=np.zeros_like(both.paid))
        for _ in range(self.lookahead):
            both, cost = self._write(both, ahead[~both.finished[ahead]], greedy=True)
            spent += cost
        seen = texts.reader.read(both, ahead, keep=True)
        scores = scores.copy()
        scores[~texts.finished[asked]] = seen.scores[which.ravel()]
        texts.paid[open_[first]] += both.paid[ahead]
        texts.paid[open_[first], -2:] += seen.paid
        return replace(texts, rows=both.rows[:n]), scores, spent + seen.cost


@checked
def given(task: Task, population: Population | Any, texts: Sequence[str]) -> list[Hashable]:
    """Return the answer of each text in the task's canonical form.

    None where it has none or was given up (its weight is zero).
    """
    there = population.particles.finished & (population.log_weights > -np.inf)
    if len(texts) != len(there):
        raise ValueError(f"texts has {len(texts)} entries; it must have {len(there)}")
    found = [task.canonical(task.answer(text)) for text in texts]
    if len(texts) >= 4 and there.all() and not any(answer is not None for answer in found):
        warnings.warn(
            f"none of {len(texts)} finished texts has an answer that the task can read, such as "
            f"{short(texts[0])}; is it the task that the model was asked?",
            stacklevel=3,
        )
    return [answer if ok else None for answer, ok in zip(found, there, strict=True)]


CONCLUSIONS = {
    "max": lambda found, values: votes.best_of(values, found),
    "weighted": votes.weighted_majority,
    "majority": lambda found, values: votes.majority(found),
}


@checked
def conclude(
    task: Task,
    population: Population | Any,
    texts: Sequence[str],
    how: str = "weighted",
    aggregate: Aggregation = last,
) -> Hashable:
    """Choose one answer from a population of solutions of one problem.

    Parameters
    ----------
    task : ttclib.lm.protocols.Task
        It reads the answers and says which are the same.
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
    conclusion = CONCLUSIONS[one_of("how", how, CONCLUSIONS)]
    return conclusion(given(task, population, texts), aggregate(population.particles.scores))
