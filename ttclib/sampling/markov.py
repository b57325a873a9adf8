"""Finite Markov chains, solved exactly.

A chain on the states 0 … K−1 is its transition matrix ``P``: ``P[i, j]`` is the probability that
tomorrow is ``j`` if today is ``i``, so each row sums to one. With few states everything a sampler
only estimates has an exact answer here: the stationary law, how fast it is reached, and how many
draws of the chain are worth one independent draw.

Sources: Kemeny and Snell, *Finite Markov Chains* (1960), chapter 4, for the fundamental matrix;
Levin, Peres and Wilmer, *Markov Chains and Mixing Times* (2009), chapters 1, 4 and 12; Hastings,
Biometrika 57 (1970), for the Metropolis-Hastings matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ttclib.inputs import finite_array, whole_number

_SUM_TOLERANCE = 1e-9  # how far from one the probabilities of a law may add up


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
    P = finite_array("P", P, ndim=2)
    if P.shape[0] != P.shape[1] or not P.size:
        raise ValueError(f"P has shape {P.shape}; a transition matrix is square")
    if P.min() < 0:
        i, j = np.argwhere(P < 0)[0]
        raise ValueError(f"P[{i}, {j}] is {P[i, j]:g}; a probability is not negative")
    worst = np.abs(P.sum(axis=1) - 1).argmax()
    if abs(P[worst].sum() - 1) > _SUM_TOLERANCE:
        raise ValueError(f"row {worst} of P sums to {P[worst].sum():.10g}; each row must sum to 1")
    return P


def stationary(P: ArrayLike) -> np.ndarray:
    """Return the law π that the chain leaves unchanged: π P = π.

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
    P = transition_matrix(P)
    closed = _closed_classes(P)
    if len(closed) > 1:
        named = " and ".join(f"{c[:5].tolist()}{'…' if len(c) > 5 else ''}" for c in closed[:2])
        raise ValueError(
            f"P has {len(closed)} closed classes, such as {named}: the chain is reducible "
            "and its stationary law is not unique"
        )
    # π (I − P) = 0 and π · 1 = 1, added into one regular system: π (I − P + 1 1ᵀ) = 1ᵀ
    pi = np.linalg.solve((np.eye(len(P)) - P + 1).T, np.ones(len(P)))
    outside = np.setdiff1d(np.arange(len(P)), closed[0])
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
        If ``P`` is not a transition matrix or ``pi`` not a law on its states.
    """
    P = transition_matrix(P)
    flow = _law("pi", pi, len(P))[:, None] * P
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
    P = transition_matrix(P)
    f = finite_array("f", f, shape=(len(P),))
    seen = f[pi > 0]
    if seen.max() == seen.min():
        raise ValueError(
            f"f is {seen[0]:g} wherever the chain stays; a constant has no autocorrelation"
        )
    g = f - pi @ f
    g = g / np.abs(g).max()  # the scale cancels; squares of tiny values would not survive
    Zg = np.linalg.solve(np.eye(len(P)) - P + pi, g)
    return float(2 * (pi * g) @ Zg / ((pi * g) @ g) - 1)


def spectral_gap(P: ArrayLike) -> float:
    """Return 1 − |λ₂|, λ₂ the second largest eigenvalue of P in modulus (1 for a single state).

    The distance to the stationary law shrinks like |λ₂|ᵗ. A gap of 0 means that it never
    vanishes: the chain is periodic or has several closed classes.

    Raises
    ------
    ValueError
        If ``P`` is not a transition matrix.
    """
    moduli = np.sort(np.abs(np.linalg.eigvals(transition_matrix(P))))
    return float(np.clip(1 - moduli[-2], 0, 1)) if len(moduli) > 1 else 1.0


def mixing_curve(P: ArrayLike, start: ArrayLike, n: int) -> np.ndarray:
    """Return the total-variation distance to the stationary law after 0, 1, …, n steps.

    The distance is ½ Σ_j |law_j − π_j|: the largest error in the probability of any event. For a
    periodic chain the curve does not fall to zero: it says so itself.

    Parameters
    ----------
    P : array, shape (K, K)
        Transition matrix.
    start : int or array, shape (K,)
        Where the chain starts: a state, or a law over the states.
    n : int
        Number of steps.

    Returns
    -------
    array, shape (n + 1,)

    Raises
    ------
    ValueError
        As `stationary`, or if ``start`` is neither a state nor a law, or ``n`` is below 1.
    """
    pi = stationary(P)
    P, n = transition_matrix(P), whole_number("n", n)
    law = (
        np.eye(len(P))[_states(start, len(P))]
        if np.ndim(start) == 0
        else _law("start", start, len(P))
    )
    curve = np.empty(n + 1)
    for t in range(n + 1):
        curve[t] = np.abs(law - pi).sum() / 2
        law = law @ P
    return curve


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
    P, n = transition_matrix(P), whole_number("n", n)
    start = np.atleast_1d(_states(start, len(P)))
    chains = len(start) if chains is None else whole_number("chains", chains)
    if start.ndim != 1 or len(start) not in (1, chains):
        raise ValueError(
            f"start has shape {start.shape}; it must be one state or {chains}, one per chain"
        )
    cumulative = P.cumsum(axis=1)
    cumulative /= cumulative[:, -1:]
    states = np.empty((n + 1, chains), dtype=int)
    states[0] = start
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
        Transition matrix P with stationary law target / target.sum().

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


def _law(name: str, law: ArrayLike, size: int) -> np.ndarray:
    law = finite_array(name, law, shape=(size,))
    if law.min() < 0 or abs(law.sum() - 1) > _SUM_TOLERANCE:
        raise ValueError(f"{name} must be a law: no negative entry and sum 1, not {law.sum():.10g}")
    return law


def _states(start: ArrayLike, size: int) -> np.ndarray:
    states = finite_array("start", start)
    bad = (states != np.floor(states)) | (states < 0) | (states >= size)
    if bad.any():
        raise ValueError(f"start holds {states[bad].flat[0]:g}; the states are 0 to {size - 1}")
    return states.astype(int)
