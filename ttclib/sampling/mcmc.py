"""Markov chain Monte Carlo: Metropolis and Metropolis-Hastings.

A sampler is a `Kernel`: ``init`` turns starting points into a `State`, and ``step(state, rng)``
makes one transition and returns ``(state, info)``. One step moves all chains at once: positions
hold the chains on axis 0, with shape ``(chains,)`` or ``(chains, d)``.

The target is given by ``log_density(position) -> (chains,)``, known up to a constant; −inf marks
the outside of its support. Positions are floats; only `metropolis_hastings` lets whole numbers be.

The cost unit is **one evaluation of the log density or of its gradient at one position**: what a
real model spends its time on. A random walk costs one unit per chain and transition.

Sources: Metropolis, Rosenbluth, Rosenbluth, Teller and Teller, J. Chem. Phys. 21 (1953);
Hastings, Biometrika 57 (1970).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ttclib.cost import Cost, stopwatch
from ttclib.inputs import checked, finite_array, float_array, positive, whole_number


class State(NamedTuple):
    """Where the chains are, and what they remember so that nothing is evaluated twice."""

    position: np.ndarray  # (chains,) or (chains, d)
    log_density: np.ndarray  # (chains,)
    gradient: np.ndarray | None = (
        None  # of the log density, shaped like position; if a kernel uses it
    )
    evaluations: int = 1  # per chain, since the start


class Info(NamedTuple):
    """What happened in one transition."""

    proposal: np.ndarray  # shaped like position
    log_ratio: np.ndarray  # (chains,), log of the Metropolis-Hastings ratio
    accepted: np.ndarray  # (chains,), bool

    @property
    def acceptance(self) -> np.ndarray:
        """Probability with which each chain accepts its proposal, min(1, ratio)."""
        return np.exp(np.minimum(self.log_ratio, 0))


class Kernel(NamedTuple):
    """A sampler: ``init(position) -> state`` and ``step(state, rng) -> (state, info)``."""

    init: Callable[[ArrayLike], State]
    step: Callable[[State, np.random.Generator], tuple[State, Info]]


@checked
def metropolis_hastings(
    log_density: Callable, propose: Callable, log_proposal: Callable | None = None
) -> Kernel:
    """Metropolis-Hastings with any proposal (Hastings 1970).

    Move from x to a proposal y with probability min(1, π(y) q(x | y) / (π(x) q(y | x))), else stay.

    Parameters
    ----------
    log_density : callable
        ``log_density(position) -> (chains,)``.
    propose : callable
        ``propose(position, rng) -> proposal``, of the same shape and kind of number.
    log_proposal : callable, optional
        ``log_proposal(to, given) -> (chains,)``: log q(to | given). Without it the ratio of the q
        is left out: the Metropolis rule, right only if q(y | x) = q(x | y).

    Raises
    ------
    ValueError
        From ``init``: start outside the support. From both: a wrong shape, or a log density that
        is NaN or +inf, with the number of chains concerned.
    """

    def init(start: ArrayLike) -> State:
        position = positions_of(start)
        return State(position, start_density(log_density, position))

    def step(state: State, rng: np.random.Generator) -> tuple[State, Info]:
        x = state.position
        chains = len(x)
        y = np.asarray(propose(x, rng))
        if y is x:
            raise ValueError("propose changed its argument in place; it must return a new array")
        if y.shape != x.shape or y.dtype != x.dtype:
            raise ValueError(
                f"propose made {y.dtype} {y.shape} from {x.dtype} {x.shape}; they must agree"
            )
        value = per_chain("log_density", log_density(y), chains)
        proposed = State(y, value, None, state.evaluations + 1)
        log_ratio = value - state.log_density
        if log_proposal is not None:
            log_ratio += per_chain("log_proposal", log_proposal(x, y), chains)  # the way back
            log_ratio -= per_chain("log_proposal", log_proposal(y, x), chains)  # the way there
        return accept_or_stay(state, proposed, log_ratio, rng)

    return Kernel(init, step)


@checked
def random_walk(log_density: Callable, step_size: ArrayLike) -> Kernel:
    """Random-walk Metropolis: propose a Gaussian step around the present position.

    On N(0, I_d) it accepts with probability 2·P(T_d > step_size·√d / 2), T_d Student's t with d
    degrees of freedom; for d = 1 that is (2/π)·arctan(2/step_size). A good size is 2.38/√d times
    the width of the target (Gelman, Roberts and Gilks 1996).

    Parameters
    ----------
    log_density : callable
        ``log_density(position) -> (chains,)``.
    step_size : float or array
        Standard deviation of the step; an array must broadcast against the positions.

    Raises
    ------
    ValueError
        If a step size is not positive; else as `metropolis_hastings`.
    """
    size = step_sizes(step_size)

    def propose(position: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return position + size * rng.standard_normal(position.shape)

    kernel = metropolis_hastings(log_density, propose)
    return kernel._replace(init=lambda position: kernel.init(positions_of(position).astype(float)))


@dataclass(frozen=True)
class Chain:
    """The record of one or more chains, run side by side."""

    positions: np.ndarray  # (n + 1, chains[, d]): row 0 is the start, row t follows t transitions
    accepted: np.ndarray  # (n, chains), bool
    cost: Cost  # units: evaluations of the log density or its gradient, over all chains

    @property
    def acceptance_rate(self) -> float:
        """Share of all proposals that were accepted."""
        return float(self.accepted.mean())


@checked
def run_chains(kernel: Kernel, start: ArrayLike, n: int, rng: np.random.Generator) -> Chain:
    """Run a kernel for n transitions and keep every position.

    The same start and seed with a larger n repeats the shorter run and continues it.

    Parameters
    ----------
    kernel : Kernel
    start : array, shape (chains,) or (chains, d)
    n : int
        Transitions of each chain.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If n is not a positive whole number; else what the kernel raises.
    """
    n = whole_number("n", n)
    with stopwatch() as seconds:
        state = kernel.init(start)
        positions = np.empty((n + 1, *state.position.shape), state.position.dtype)
        accepted = np.empty((n, len(state.position)), bool)
        positions[0] = state.position
        for t in range(n):
            state, info = kernel.step(state, rng)
            positions[t + 1] = state.position
            accepted[t] = info.accepted
    units = state.evaluations * len(state.position)
    return Chain(positions, accepted, Cost(units=units, seconds=seconds[0]))


def accept_or_stay(
    state: State, proposed: State, log_ratio: np.ndarray, rng: np.random.Generator
) -> tuple[State, Info]:
    """Accept with probability min(1, exp(log_ratio)): the one rule all kernels share."""
    if not log_ratio[log_ratio.argmax()] < np.inf:  # NaN counts as the largest: one pass finds both
        bad = ~(log_ratio < np.inf)
        culprit = "log_proposal" if (proposed.log_density[bad] < np.inf).all() else "log_density"
        raise ValueError(
            f"{culprit} gives NaN or inf for the proposals of {bad.sum()} of {len(bad)} chains"
        )
    # Accept if u < ratio, u uniform. −log u is a standard exponential: no logarithm is needed.
    accepted = rng.standard_exponential(len(log_ratio)) >= -log_ratio
    # on a random mask, a list of indices takes half the time of np.where
    moved = accepted.nonzero()[0]

    def choose(new: np.ndarray, old: np.ndarray) -> np.ndarray:
        chosen = old.copy()
        chosen[moved] = new[moved]
        return chosen

    position = choose(proposed.position, state.position)
    log_density = choose(proposed.log_density, state.log_density)
    gradient = None
    if proposed.gradient is not None and state.gradient is not None:
        gradient = choose(proposed.gradient, state.gradient)
    next_state = State(position, log_density, gradient, proposed.evaluations)
    return next_state, Info(proposed.position, log_ratio, accepted)


def positions_of(start: ArrayLike) -> np.ndarray:
    """Check where chains start; whole numbers stay whole."""
    position = finite_array("start", start)
    if position.ndim not in (1, 2) or not position.size:
        raise ValueError(f"start has shape {position.shape}; it must be (chains,) or (chains, d)")
    return position.astype(int) if np.asarray(start).dtype.kind in "iu" else position


def start_density(log_density: Callable, position: np.ndarray) -> np.ndarray:
    """Evaluate the log density where the chains start: inside its support."""
    value = per_chain("log_density", log_density(position), len(position))
    for problem, bad in (
        ("NaN or +inf", ~(value < np.inf)),
        ("outside the support", value == -np.inf),
    ):
        if bad.any():
            raise ValueError(
                f"log_density is {problem} at the start of {bad.sum()} of {len(bad)} chains"
            )
    return value


def per_chain(name: str, values: ArrayLike, chains: int) -> np.ndarray:
    """Check that a function of the target returned one number for each chain."""
    array = float_array(name, values)
    if array.shape != (chains,):
        raise ValueError(
            f"{name} returned shape {array.shape}; it must be ({chains},), one number per chain"
        )
    return array


def step_sizes(value: ArrayLike) -> float | np.ndarray:
    """Check a step size, or one for each coordinate."""
    if np.ndim(value) == 0:
        return positive("step_size", value)
    sizes = finite_array("step_size", value, least=1)
    if not (sizes > 0).all():
        raise ValueError(f"step_size holds {sizes.min():g}; each must be above 0")
    return sizes
