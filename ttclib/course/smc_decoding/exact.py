"""Enumeration decoding: for a small enough language model the truth is a list of all its texts.

Everything that a sampler only estimates is a sum here: the evidence, the posterior, the best
possible twist, the rate of rejection sampling, and the distribution that local masking samples
from.

A text is finished by an end token, which belongs to it. A text of ``max_tokens`` tokens without one
either counts as it stands or, if it ``must_end``, not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ttclib.inputs import whole_number
from ttclib.lm.automata import DEAD, Automaton
from ttclib.lm.potentials import Feature
from ttclib.lm.protocols import Potential

Text = tuple[int, ...]


class Level(NamedTuple):
    """All prefixes of one length t, n of them. All logarithms are natural.

    Attributes
    ----------
    tokens : numpy.ndarray, shape (n, t)
    parents : numpy.ndarray, shape (n,)
        Row, among the unfinished prefixes of the level before, that each one extends.
    finished : numpy.ndarray of bool, shape (n,)
    log_move : numpy.ndarray, shape (n,)
        Log probability of the last token, given those before it.
    log_prior : numpy.ndarray, shape (n,)
        Log probability of the prefix.
    masked : numpy.ndarray, shape (n,)
        Probability of the prefix under local masking.
    log_phi : numpy.ndarray, shape (n,)
        Log potential of a finished text, else 0.
    """

    tokens: np.ndarray
    parents: np.ndarray
    finished: np.ndarray
    log_move: np.ndarray
    log_prior: np.ndarray
    masked: np.ndarray
    log_phi: np.ndarray


@dataclass(frozen=True, eq=False)
class Enumeration:
    """What is true of a language model and its potentials.

    Attributes
    ----------
    texts : tuple of tuples of int
        Every text that the model writes and no automaton forbids, N of them.
    log_prior : numpy.ndarray, shape (N,)
        Log probability of each under the language model.
    log_masses : numpy.ndarray, shape (N,)
        Log of p_LM(x) · Π φ(x), not normalised.
    masked : numpy.ndarray, shape (N,)
        Probability of each under **local masking**: weigh every next token by the potentials,
        renormalise, forget the normaliser. What is missing from one got stuck on the way.
    levels : tuple of Level
        All prefixes, by length.
    ends : numpy.ndarray of bool, shape (V,)
        The tokens that end a text.
    """

    texts: tuple[Text, ...]
    log_prior: np.ndarray
    log_masses: np.ndarray
    masked: np.ndarray
    levels: tuple[Level, ...] = field(repr=False)
    ends: np.ndarray = field(repr=False)

    @property
    def log_evidence(self) -> float:
        """Log Z: the normaliser of the masses; −inf if no text is allowed."""
        return self.log_twist(())

    @cached_property
    def posterior(self) -> dict[Text, float]:
        """Probability of each text under the target.

        Raises
        ------
        ValueError
            If no text is allowed.
        """
        if self.log_evidence == -math.inf:
            raise ValueError("no text is allowed; there is no posterior")
        return dict(
            zip(self.texts, np.exp(self.log_masses - self.log_evidence).tolist(), strict=True)
        )

    @property
    def acceptance(self) -> float:
        """Share of its tries that rejection sampling accepts: Z over the largest φ."""
        if self.log_evidence == -math.inf:
            return 0.0
        return math.exp(self.log_evidence - (self.log_masses - self.log_prior).max())

    def total_variation(self, distribution: Mapping[Text, float]) -> float:
        """Distance of a distribution over texts to the posterior: 0 if equal, 1 if disjoint.

        ½ Σ |difference|, where what is missing from one in ``distribution`` counts as one more
        outcome.
        """
        texts = self.posterior.keys() | distribution.keys()
        gaps = [abs(self.posterior.get(text, 0.0) - distribution.get(text, 0.0)) for text in texts]
        return (sum(gaps) + abs(1.0 - sum(distribution.values()))) / 2

    def log_twist(self, prefix: Sequence[int]) -> float:
        """Return the optimal twist: log E[φ(x) | the text begins with ``prefix``].

        Zhao et al. 2024, §3.2. −inf where the model never goes or no way leads to an allowed text.
        """
        return self._twists.get(tuple(int(token) for token in prefix), -math.inf)

    def twisted(self) -> Automaton:
        """Return the whole target as one automaton that knows the optimal twist.

        It stands for all potentials together. With it and the locally optimal proposal all weights
        stay equal, and one particle is as good as many: a sample of the posterior.

        Raises
        ------
        ValueError
            If several tokens end a text, or no text is allowed.
        """
        if self.ends.sum() != 1:
            raise ValueError(
                f"{self.ends.sum()} tokens end a text; the automaton needs exactly one"
            )
        (end,) = np.flatnonzero(self.ends)
        nodes = [x for x, twist in self._twists.items() if twist > -math.inf and end not in x]
        if not nodes:
            raise ValueError("no text is allowed; there is nothing to twist to")
        number = {prefix: i for i, prefix in enumerate(nodes)}
        table = np.full((len(nodes), len(self.ends)), DEAD)
        table[:, end] = np.arange(len(nodes))
        for prefix, i in number.items():
            if prefix:
                table[number[prefix[:-1]], prefix[-1]] = i
        phi = dict(zip(self.texts, self.log_masses - self.log_prior, strict=True))
        # a text that was cut counts as it stands, any other one once it has its end
        finals = [phi.get(x, phi.get((*x, int(end)), -math.inf)) for x in nodes]
        return Automaton(table, [self._twists[x] for x in nodes], finals, number[()])

    @cached_property
    def _twists(self) -> dict[Text, float]:
        """Backward recursion: ψ(x) = Σ_v p(v | x) ψ(xv), from the last level to the first."""
        twists = {}
        ahead = np.zeros(0)
        for i in range(len(self.levels))[::-1]:
            level = self.levels[i]
            values = level.log_phi.copy()
            if i + 1 < len(self.levels):
                values[~level.finished] = _backward(
                    self.levels[i + 1], ahead, (~level.finished).sum()
                )
            twists |= zip(map(tuple, level.tokens.tolist()), values.tolist(), strict=True)
            ahead = values
        return twists | {(): float(_backward(self.levels[0], ahead, 1)[0])}


def enumerate_texts(
    distribution: Callable[[Text], np.ndarray],
    ends: Sequence[bool],
    max_tokens: int,
    must_end: bool = True,
    potentials: Sequence[Potential | Feature] = (),
    limit: int = 500_000,
) -> Enumeration:
    """List every text of a small language model.

    Parameters
    ----------
    distribution : callable
        ``distribution(prefix) → (V,)``: probabilities of the next token, after a tuple of tokens.
    ends : sequence of bool, shape (V,)
        The tokens that end a text.
    max_tokens : int
        Length of the longest text, the end token counted.
    must_end : bool
        Whether a text must have ended by then; otherwise it is cut and counts as it stands.
    potentials : sequence
        The factors φ of the target.
    limit : int
        Most prefixes of one length.

    Raises
    ------
    ValueError
        If there are more prefixes than ``limit``, or ``distribution`` returns no probabilities.
    """
    ends = np.array(ends, dtype=bool)
    max_tokens = whole_number("max_tokens", max_tokens)
    automata = [p for p in potentials if not isinstance(p, Feature)]
    features = [p for p in potentials if isinstance(p, Feature)]
    tokens = np.zeros((1, 0), dtype=int)
    log_prior = np.zeros(1)
    masked = np.ones(1)
    states = [np.array([p.start()]) for p in automata]
    levels = []
    for t in range(1, max_tokens + 1):
        last = t == max_tokens
        stops = np.ones_like(ends) if last and not must_end else ends
        log_distribution = _log_distributions(distribution, tokens, len(ends))
        if last and must_end:
            log_distribution[:, ~ends] = -math.inf
        local = _normalise(
            log_distribution
            + sum(p.log_next(s, stops) for p, s in zip(automata, states, strict=True))
        )
        parents, token = np.nonzero(log_distribution > -math.inf)
        after = [p.advance(s[parents], token) for p, s in zip(automata, states, strict=True)]
        alive = np.logical_and.reduce(
            [s != DEAD for s in after] + [np.ones(len(token), dtype=bool)]
        )
        parents = parents[alive]
        token = token[alive]
        after = [s[alive] for s in after]
        if len(token) > limit:
            raise ValueError(
                f"there are {len(token)} texts of {t} tokens; at most {limit} can be enumerated"
            )

        tokens = np.column_stack([tokens[parents], token])
        finished = stops[token]
        log_move = log_distribution[parents, token]
        log_prior = log_prior[parents] + log_move
        masked = masked[parents] * local[parents, token]
        log_phi = np.zeros(len(token))
        lengths = np.full(finished.sum(), t)
        log_phi[finished] = sum(
            p.log_final(s[finished]) for p, s in zip(automata, after, strict=True)
        )
        log_phi[finished] += sum(f.log_final(tokens[finished], lengths) for f in features)
        levels.append(Level(tokens, parents, finished, log_move, log_prior, masked, log_phi))

        tokens = tokens[~finished]
        log_prior = log_prior[~finished]
        masked = masked[~finished]
        states = [s[~finished] for s in after]
        if not len(tokens):
            break
    return _collect(levels, ends)


def _collect(levels: list[Level], ends: np.ndarray) -> Enumeration:
    """Keep the finished texts that the target or local masking can produce."""
    kept = [x.finished & ((x.log_phi > -math.inf) | (x.masked > 0)) for x in levels]
    texts = [
        tuple(text) for x, k in zip(levels, kept, strict=True) for text in x.tokens[k].tolist()
    ]
    log_prior, log_phi, masked = (
        np.concatenate([getattr(x, name)[k] for x, k in zip(levels, kept, strict=True)])
        for name in ("log_prior", "log_phi", "masked")
    )
    return Enumeration(tuple(texts), log_prior, log_prior + log_phi, masked, tuple(levels), ends)


def _log_distributions(distribution, tokens: np.ndarray, size: int) -> np.ndarray:
    rows = np.array([distribution(tuple(prefix)) for prefix in tokens.tolist()], dtype=float)
    if (
        rows.shape != (len(tokens), size)
        or not (rows >= 0).all()
        or not np.allclose(rows.sum(axis=1), 1)
    ):
        raise ValueError(
            f"distribution must return {size} probabilities: not negative, summing to 1"
        )
    with np.errstate(divide="ignore"):
        return np.log(rows)


def _normalise(log_weights: np.ndarray) -> np.ndarray:
    """Rows that sum to one; zeros where every weight is zero."""
    top = log_weights.max(axis=1, keepdims=True)
    weights = np.exp(log_weights - np.where(top > -math.inf, top, 0.0))
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(float).tiny)


def _backward(level: Level, values: np.ndarray, parents: int) -> np.ndarray:
    """Log of the mean of exp(values) over the next token, for each parent."""
    means = np.full(parents, -math.inf)
    np.logaddexp.at(means, level.parents, level.log_move + values)
    return means
