"""Sequential Monte Carlo: propose, weigh, select.

One loop serves particle filters, language-model decoding and search. It needs

- a **model**, which extends the members of the population (``propose``) and says what the
  extensions are worth (``weigh``). A state-space model does it in three functions, ``init``,
  ``step`` and ``log_potential``: the Feynman–Kac view of Del Moral 2004 and of Chopin and
  Papaspiliopoulos, *An introduction to sequential Monte Carlo*, 2020, ch. 5;
- a **selection**, which says who goes on: all, a random sample by weight, or the best few.

Particles are anything that can be indexed by an array of ancestors: a NumPy array, or an object
that holds a language model's cache and gathers its rows.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import checked, float_array, real_number, whole_number
from ttclib.particles import resampling
from ttclib.particles.weights import effective_sample_size, relative


class Weighed(NamedTuple):
    """What weighing a generation gives.

    Attributes
    ----------
    particles : object
        Those that were weighed, with whatever was noted about them, such as a verifier's scores.
    log_weights : numpy.ndarray, shape (n,)
        Log weight gained since the parents; −inf for impossible.
    cost : Cost
        What the weighing spent.
    """

    particles: Any
    log_weights: np.ndarray
    cost: Cost = Cost()


class Model(Protocol):
    """What the loop asks of a model. State-space models write it as :class:`FeynmanKac`."""

    def propose(self, t: int, parents: Any, n: int, rng: np.random.Generator) -> tuple[Any, Cost]:
        """Extend each of the n parents once; at t = 0 there are none (None), and n begin.

        Return new particles and what they cost. Where everybody was kept, ``parents`` are the
        particles of the last population itself: to change them in place would rewrite its history.
        """

    def weigh(self, t: int, parents: Any, particles: Any) -> Weighed:
        """Say how much more the target wants each particle than the proposal did.

        log [γₜ(x) / γₜ₋₁(parent) / q(x | parent)], with γ the target, not normalised, and q the
        distribution that proposed.
        """

    def done(self, t: int, particles: Any) -> bool:
        """Whether generation t is the last."""


class FeynmanKac:
    """A model by its three functions: subclass it and write ``init``, ``step``, ``log_potential``.

    A particle's step costs one unit, and its weight nothing more.
    """

    def init(self, n: int, rng: np.random.Generator) -> Any:
        """Propose the first generation: n particles."""
        raise NotImplementedError

    def step(self, t: int, parents: Any, rng: np.random.Generator) -> Any:
        """Propose generation t: one extension of each parent, as new particles."""
        raise NotImplementedError

    def log_potential(self, t: int, parents: Any, particles: Any) -> np.ndarray:
        """Weigh generation t: (n,) log weights, −inf for impossible. ``parents`` is None
        at t = 0.
        """
        raise NotImplementedError

    def done(self, t: int, particles: Any) -> bool:
        """Whether generation t is the last."""
        raise NotImplementedError

    def propose(self, t: int, parents: Any, n: int, rng: np.random.Generator) -> tuple[Any, Cost]:
        """Begin or go on: see :class:`Model`."""
        particles = self.init(n, rng) if parents is None else self.step(t, parents, rng)
        return particles, Cost(units=n)

    def weigh(self, t: int, parents: Any, particles: Any) -> Weighed:
        """Weigh by the potential alone: see :class:`Model`."""
        return Weighed(particles, self.log_potential(t, parents, particles))


@dataclass(frozen=True)
class Population:
    """One generation, and all the loop knows about it.

    Attributes
    ----------
    t : int
        Generation, from 0.
    particles : object
        The n members, indexable by an array of indices.
    log_weights : numpy.ndarray, shape (n,)
        Carried log weights. Their scale is kept, so the mean weight *is* the evidence.
    ancestors : numpy.ndarray, shape (n,)
        ``ancestors[i]`` is the parent of i in generation t − 1 (itself at t = 0).
    spent : Cost
        What the model says was spent so far.
    seconds : float
        Time the loop took so far; :attr:`cost` holds both.
    parents : int
        How many members generation t − 1 had; 0 at t = 0.
    """

    t: int
    particles: Any
    log_weights: np.ndarray
    ancestors: np.ndarray
    spent: Cost = field(default_factory=Cost)
    seconds: float = 0.0
    parents: int = 0
    _relative: tuple[np.ndarray, float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            weights, shift = relative(self.log_weights)
        except ValueError as error:
            raise ValueError(f"step {self.t}: {error}") from None
        object.__setattr__(self, "_relative", (weights, shift, float(weights.sum())))

    def __len__(self) -> int:
        return len(self.log_weights)

    @property
    def resampled(self) -> bool:
        """Whether members were dropped or copied on the way into this generation."""
        return self.parents > 0 and not _all_stay(self.ancestors, self.parents)

    @property
    def cost(self) -> Cost:
        """Spent so far, time included."""
        return self.spent + Cost(seconds=self.seconds)

    @property
    def extinct(self) -> bool:
        """Whether every weight is zero."""
        return self._relative[2] == 0

    @property
    def weights(self) -> np.ndarray:
        """Normalised weights, shape (n,). All zero if the population is extinct."""
        weights, _, total = self._relative
        return weights / total if total else weights

    @property
    def ess(self) -> float:
        """Effective sample size (Σw)² / Σw², between 1 and n; 0 if extinct."""
        weights, _, total = self._relative
        return effective_sample_size(weights, total)

    @property
    def log_evidence(self) -> float:
        """Log of the unbiased estimate of the normalising constant, log Ẑ = log mean weight."""
        _, shift, total = self._relative
        return shift + math.log(total / len(self)) if total else -math.inf

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Weighted mean of ``values`` (n, …), one for each particle."""
        array = float_array("values", values)
        if array.shape[:1] != (len(self),):
            raise ValueError(f"values has shape {array.shape}; it must be ({len(self)}, …)")
        return self.weights @ array


@functools.lru_cache(maxsize=4)
def _everyone(n: int) -> np.ndarray:
    """All indices, (n,), read-only, made once."""
    indices = np.arange(n)
    indices.setflags(write=False)
    return indices


def _all_stay(ancestors: np.ndarray, n: int) -> bool:
    """Whether n members stay where they are, each once."""
    everyone = _everyone(n)
    return ancestors is everyone or np.array_equal(ancestors, everyone)


class Selection(Protocol):
    """Says who goes on: any function from a population to ancestors and carried log weights."""

    def __call__(
        self, population: Population, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | float]:
        """Return ``(ancestors, log_weights)``.

        ``ancestors`` (m,) are indices of members: a member may come several times, or not at all.
        ``log_weights`` is one for each ancestor, or one number for all.
        """


@checked
def smc(model: Model, n: int, select: Selection, rng: np.random.Generator) -> Iterator[Population]:
    """Propose, weigh, select: yield one population after another until the model is done.

    Stop whenever you like; a population is complete at every step. If all weights become zero the
    loop yields that population (``extinct``, with ``log_evidence`` −inf) and ends.

    Parameters
    ----------
    model : Model
    n : int
        Number of particles.
    select : callable
        ``select(population, rng) → (ancestors, log_weights)``, the latter one for each ancestor or
        one number for all: see :func:`resample`.
    rng : numpy.random.Generator

    Yields
    ------
    Population

    Raises
    ------
    ValueError
        If ``n`` is not a whole number of at least 1, or the model returns weights that are NaN,
        +inf or of the wrong shape.
    """
    n = whole_number("n", n)
    t = 0
    parents = None
    before = 0  # members of the generation before
    ancestors = _everyone(n)
    log_weights: np.ndarray | float = np.zeros(n)
    spent = Cost()
    seconds = 0.0
    clock = time.perf_counter()
    keep_freed_blocks()
    while True:
        proposed, writing = model.propose(t, parents, n, rng)
        particles, gained, weighing = model.weigh(t, parents, proposed)
        gains = _one_each(gained, t, n)
        try:
            log_weights = log_weights + gains
        except (TypeError, ValueError) as error:
            raise ValueError(_ILL_FORMED) from error
        del parents, proposed  # large arrays less to keep through the next step
        spent = spent + writing + weighing
        seconds += time.perf_counter() - clock
        population = Population(t, particles, log_weights, ancestors, spent, seconds, before)
        yield population
        if population.extinct or model.done(t, particles):
            return
        clock = time.perf_counter()
        chosen = select(population, rng)
        before = len(population)
        try:
            ancestors, log_weights = chosen if t else well_formed(chosen)  # once: the loop is hot
            n = len(ancestors)
            parents = particles if _all_stay(ancestors, before) else particles[ancestors]
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(_ILL_FORMED) from error
        t += 1


@functools.cache
def keep_freed_blocks() -> None:
    """Let the C library keep what is freed in blocks of up to 16 MB, from now on.

    It hands larger blocks than it has ever seen freed back to the system, and a filter that
    fetches its arrays again at every step loses a third of its time. So it sees one here, once.
    """
    np.empty(16 * 2**20, dtype=np.uint8)


_ILL_FORMED = (
    "select must return ancestors (m,), indices of members, and log weights (m,) or one for all"
)


def well_formed(chosen: Any) -> tuple[np.ndarray, np.ndarray | float]:
    """Return what a selection said, if that is what :class:`Selection` promises."""
    try:
        ancestors, log_weights = chosen
        fits = isinstance(log_weights, float | int) or log_weights.shape == ancestors.shape
        if fits and ancestors.ndim == 1 and ancestors.dtype.kind in "iu":
            return chosen
    except (TypeError, ValueError, AttributeError):  # it is no pair, or not of arrays
        pass
    raise ValueError(_ILL_FORMED)


def _one_each(log_weights: Any, t: int, n: int) -> np.ndarray:
    log_weights = float_array("log_potential", log_weights)
    if log_weights.shape != (n,):
        raise ValueError(
            f"log_potential returned shape {log_weights.shape} at step {t}; it must be {(n,)}"
        )
    return log_weights


@checked
def run(model: Model, n: int, select: Selection, rng: np.random.Generator) -> list[Population]:
    """Run the loop to its end and keep every generation, as genealogies and smoothers need."""
    return list(smc(model, n, select, rng))


# ---- selections: (population, rng) → (ancestors, log_weights) ---------------------------------


def keep_all(population: Population, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Select everybody and carry the weights on: sequential importance sampling."""
    return _everyone(len(population)), population.log_weights


def resample(scheme: str | resampling.Scheme = "systematic", n: int | None = None) -> Selection:
    """Select n members at random by weight (by default as many as there are).

    The children share the weight equally, and the mean weight stays what it was: this keeps
    ``log_evidence`` unbiased whatever is selected when.
    """
    scheme, n = resampling.scheme(scheme), None if n is None else whole_number("n", n)

    def select(population, rng):
        ancestors = scheme(population._relative[0], n or len(population), rng)
        return ancestors, population.log_evidence

    return select


@checked
def when_ess_below(threshold: float, select: Selection) -> Selection:
    """Select only when the effective sample size is under ``threshold`` (0 to 1) times n.

    0 never selects, and 1 does whenever the weights differ at all.

    Raises
    ------
    ValueError
        If ``threshold`` is not in [0, 1].
    """
    threshold = real_number("threshold", threshold, 0.0, 1.0)

    def adaptive(population, rng):
        chosen = select if population.ess < threshold * len(population) else keep_all
        return chosen(population, rng)

    return adaptive
