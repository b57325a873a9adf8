"""Finite Markov chains, solved exactly.

A chain on the states 0 … K−1 is its transition matrix ``P``: ``P[i, j]`` is the probability that
tomorrow is ``j`` if today is ``i``, so each row sums to one. With few states everything a sampler
only estimates has an exact answer here: the stationary distribution, how fast it is reached, and
how many draws of the chain are worth one independent draw.

Sources: Kemeny and Snell, *Finite Markov Chains* (1960), chapter 4, for the fundamental matrix;
Levin, Peres and Wilmer, *Markov Chains and Mixing Times* (2009), chapters 1, 4 and 12; Hastings,
Biometrika 57 (1970), for the Metropolis-Hastings matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, whole_number

_SUM_TOLERANCE = 1e-9  # how far from one probabilities may add up


def transition_matrix(P: ArrayLike) -> np.ndarray:
    """Check a transition matrix and return it as floats.

    Parameters
    ----------
    P : array, shape (K, K)
        ``P[i, j]``: the probability of moving from ``i`` to ``j``.

    Raises
    ------
    ValueError
        If ``P`` is not square, holds a negative or a not finite entry, or has a row that does not
        sum to one (within 1e-9).
    """
    matrix = finite_array("P", P, ndim=2)
    if matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"P has shape {matrix.shape}; a transition matrix is square")
    if matrix.min() < 0:
        i, j = np.argwhere(matrix < 0)[0]
        raise ValueError(f"P[{i}, {j}] is {matrix[i, j]:g}; a probability is not negative")
    sums = matrix.sum(axis=1)
    worst = np.abs(sums - 1).argmax()
    if abs(sums[worst] - 1) > _SUM_TOLERANCE:
        raise ValueError(f"row {worst} of P sums to {sums[worst]:.10g}; each row must sum to 1")
    return matrix


def stationary(P: ArrayLike) -> np.ndarray:
    """Return the distribution π that the chain leaves unchanged: π P = π.

    A periodic chain has one too; it just never settles into it (see `mixing_curve`).

    Parameters
    ----------
    P : array, shape (K, K)
        Transition matrix.

    Returns
    -------
    array, shape (K,)
        Stationary probabilities. States that the chain leaves for ever get 0.

    Raises
    ------
    ValueError
        If ``P`` is not a transition matrix, or has several closed classes: sets of states that,
        once entered, are never left. Then the long run depends on the start.
    """
    matrix = transition_matrix(P)
    size = len(matrix)
    closed = _closed_classes(matrix)
    if len(closed) > 1:
        named = " and ".join(f"{c[:5].tolist()}{'…' if len(c) > 5 else ''}" for c in closed[:2])
        raise ValueError(
            f"P has {len(closed)} closed classes, such as {named}: the chain is reducible "
            "and its stationary distribution is not unique"
        )
    # π (I − P) = 0 and π · 1 = 1, added into one regular system: π (I − P + 1 1ᵀ) = 1ᵀ
    pi = np.linalg.solve((np.eye(size) - matrix + 1).T, np.ones(size))
    outside = np.setdiff1d(np.arange(size), closed[0])
    pi[outside] = 0
    pi = np.maximum(pi, 0)
    return pi / pi.sum()


def detailed_balance_gap(P: ArrayLike, pi: ArrayLike) -> float:
    """Return max |π_i P_ij − π_j P_ji|: zero if and only if the chain is reversible under π.

    Detailed balance says that in the long run each road is travelled equally often in both
    directions. It implies that π is stationary; the converse is false.

    Raises
    ------
    ValueError
        If ``P`` is not a transition matrix or ``pi`` not a distribution on its states.
    """
    matrix = transition_matrix(P)
    weights = finite_array("pi", pi, shape=(len(matrix),))
    if weights.min() < 0 or abs(weights.sum() - 1) > _SUM_TOLERANCE:
        raise ValueError(
            f"pi must be a distribution: no negative entry and sum 1, not {weights.sum():.10g}"
        )
    flow = weights[:, None] * matrix
    return float(np.abs(flow - flow.T).max())


def autocorrelation_time(P: ArrayLike, f: ArrayLike) -> float:
    """Return τ = 1 + 2 Σ_{k≥1} ρ_k of f along the stationary chain, exactly.

    A mean of f over n draws of the chain is as precise as one over n/τ independent draws. The
    infinite sum comes from the fundamental matrix Z = (I − P + 1πᵀ)⁻¹: with g = f − π(f),
    τ = 2 ⟨g, Z g⟩_π / ⟨g, g⟩_π − 1 (Kemeny and Snell 1960, section 4.6).

    Parameters
    ----------
    P : array, shape (K, K)
        Transition matrix.
    f : array, shape (K,)
        The value of each state.

    Returns
    -------
    float
        Draws per independent draw. Below 1 if the chain swings from side to side.

    Raises
    ------
    ValueError
        As `stationary`, or if f has the same value wherever the chain can be in the long run.
    """
    pi = stationary(P)
    values = finite_array("f", f, shape=(len(pi),))
    seen = values[pi > 0]
    if seen.max() == seen.min():
        raise ValueError(
            f"f is {seen[0]:g} wherever the chain stays; a constant has no autocorrelation"
        )
    g = values - pi @ values
    g = g / np.abs(g).max()  # the scale cancels; squares of tiny values would not survive
    Zg = np.linalg.solve(np.eye(len(pi)) - transition_matrix(P) + pi, g)
    return float(2 * (pi * g) @ Zg / ((pi * g) @ g) - 1)


def mixing_curve(P: ArrayLike, start: int, n: int) -> np.ndarray:
    """Return the total-variation distance to the stationary distribution after 0, 1, …, n steps.

    The distance is ½ Σ_j |p_j − π_j|: the largest error in the probability of any event. For a
    periodic chain the curve does not fall to zero: it says so itself.

    Parameters
    ----------
    P : array, shape (K, K)
        Transition matrix.
    start : int
        The state that the chain starts in.
    n : int
        Number of steps.

    Returns
    -------
    array, shape (n + 1,)

    Raises
    ------
    ValueError
        As `stationary`, or if ``start`` is not a state, or ``n`` is below 1.
    """
    pi = stationary(P)
    matrix = transition_matrix(P)
    state = _states(start, len(matrix))
    if state.ndim:
        raise ValueError(f"start has shape {state.shape}; it must be one state")
    now = np.eye(len(matrix))[state]
    curve = []
    for _ in range(whole_number("n", n) + 1):
        curve.append(np.abs(now - pi).sum() / 2)
        now = now @ matrix
    return np.array(curve)


def simulate(
    P: ArrayLike, start: ArrayLike, n: int, rng: np.random.Generator, chains: int | None = None
) -> np.ndarray:
    """Run many chains side by side.

    Parameters
    ----------
    P : array, shape (K, K)
        Transition matrix.
    start : int or array of int, shape (chains,)
        First state, one for all chains or one for each.
    n : int
        Number of transitions.
    rng : numpy.random.Generator
        Source of randomness: one uniform number per chain and transition.
    chains : int, optional
        Number of chains; by default as many as ``start`` has (1 if it is a single state).

    Returns
    -------
    array of int, shape (n + 1, chains)
        Row 0 is the start, row t the states after t transitions.

    Raises
    ------
    ValueError
        If ``P`` is not a transition matrix, a start is not one of its states, or the numbers of
        starts and chains disagree.
    """
    matrix = transition_matrix(P)
    n = whole_number("n", n)
    first = np.atleast_1d(_states(start, len(matrix)))
    chains = len(first) if chains is None else whole_number("chains", chains)
    if first.ndim != 1 or len(first) not in (1, chains):
        raise ValueError(
            f"start has shape {first.shape}; it must be one state or {chains}, one per chain"
        )
    cumulative = matrix.cumsum(axis=1)
    cumulative /= cumulative[:, -1:]
    states = np.empty((n + 1, chains), dtype=int)
    states[0] = first
    for t in range(n):
        # Inversion: u falls into slot j of the row with probability P[i, j]
        u = rng.random(chains)
        states[t + 1] = (cumulative[states[t]] <= u[:, None]).sum(axis=1)
    return states


def metropolis_matrix(target: ArrayLike, proposal: ArrayLike) -> np.ndarray:
    """Return the transition matrix of Metropolis-Hastings, exactly.

    From i, propose j with probability Q_ij and accept it with probability
    min(1, π_j Q_ji / (π_i Q_ij)); otherwise stay (Hastings 1970). In terms of the flow
    F_ij = π_i Q_ij this reads π_i P_ij = min(F_ij, F_ji): the busier direction of each road is
    thinned to the quieter one, which *is* detailed balance. For a symmetric Q it is the rule of
    Metropolis et al. (1953).

    Parameters
    ----------
    target : array, shape (K,)
        Weights of the states, all positive, known up to a constant.
    proposal : array, shape (K, K)
        Transition matrix Q of the proposals; it need not be symmetric.

    Returns
    -------
    array, shape (K, K)
        Transition matrix P with stationary distribution target / target.sum().

    Raises
    ------
    ValueError
        If a weight is not positive, or ``proposal`` is not a transition matrix of that size.
    """
    Q = transition_matrix(proposal)
    pi = finite_array("target", target, shape=(len(Q),))
    if pi.min() <= 0:
        raise ValueError(
            f"target is {pi.min():g} at state {pi.argmin()}; each weight must be positive"
        )
    pi = pi / pi.sum()
    flow = pi[:, None] * Q
    P = np.minimum(flow, flow.T) / pi[:, None]
    turned_away = np.maximum(Q - P, 0).sum(axis=1)
    return P + np.diag(turned_away)  # a rejected move stays where it is


def _closed_classes(P: np.ndarray) -> list[np.ndarray]:
    """List the sets of states that communicate and are never left."""
    from scipy.sparse.csgraph import connected_components

    n, label = connected_components(P > 0, connection="strong")
    classes = [np.flatnonzero(label == c) for c in range(n)]
    return [c for c in classes if not np.delete(P[c], c, axis=1).any()]


def _states(start: ArrayLike, size: int) -> np.ndarray:
    states = finite_array("start", start)
    bad = (states != np.floor(states)) | (states < 0) | (states >= size)
    if bad.any():
        raise ValueError(f"start holds {states[bad].flat[0]:g}; the states are 0 to {size - 1}")
    return states.astype(int)
