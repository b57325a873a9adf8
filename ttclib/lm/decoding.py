"""Decoding: a language model as the model of the loop *propose, weigh, select*.

:class:`Decoder` gives :func:`ttclib.particles.smc.smc` what it asks for, so sampling, constrained
decoding, beam search and, later, search under a verifier are the particle filter's own loop. The
target is

    γ(x) ∝ p(x) · Π φ(x)

where p is the language model's law of a text (after its sampler) and each φ a potential. With the
*bootstrap* proposal tokens come from p and the weight is what the potentials say; with the
*optimal* one tokens come from p · φ, renormalised, and the weight is the mass that was kept (Lew et
al. 2023; Zhao et al. 2024; Loula et al. 2025).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import whole_number
from ttclib.lm import samplers
from ttclib.lm.potentials import DEAD, Automaton, lift
from ttclib.lm.samplers import Sampler
from ttclib.particles.smc import Model, Population, alive, keep_all, smc, top_k

NONE = -1  # no token: beyond the end of a text


@dataclass(frozen=True)
class Sequences:
    """n texts under way, each a continuation of its prompt. They can be indexed by ancestors.

    Attributes
    ----------
    tokens : numpy.ndarray of int, shape (n, max_tokens)
        Generated tokens, the end included; −1 beyond them.
    lengths : numpy.ndarray of int, shape (n,)
        How many were generated.
    finished : numpy.ndarray of bool, shape (n,)
        Finished texts are absorbing: never extended, never weighed again.
    prompt : numpy.ndarray of int, shape (n,)
        Which prompt each text continues.
    log_probs : numpy.ndarray, shape (n,)
        Log probability of the generated tokens under the language model itself.
    surprise : numpy.ndarray, shape (n, max_tokens, 2)
        For each generated token, its log probability under the language model and the entropy
        (nats) of the law it was drawn from. Only if the decoder was asked for it; else of shape (n,
        0, 2).
    begun : numpy.ndarray of int, shape (n,)
        How many tokens each text had when its last generation began.
    states : numpy.ndarray of int, shape (n, 1 + potentials)
        How far each text is towards a stop string, and the state of each potential.
    scores : numpy.ndarray, shape (n, generations)
        What a verifier said after each generation, if one was asked; NaN for texts finished before.
    log_increment : numpy.ndarray, shape (n,)
        Log weight of the last generation.
    origin : numpy.ndarray of int, shape (n,)
        Index of each text in the population that it was selected from; at first, its prompt.
    cost : Cost
        What the last generation spent.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    finished: np.ndarray
    prompt: np.ndarray
    log_probs: np.ndarray
    surprise: np.ndarray
    begun: np.ndarray
    states: np.ndarray
    scores: np.ndarray
    log_increment: np.ndarray
    origin: np.ndarray
    rows: np.ndarray
    run: Any
    version: int
    cost: Cost

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, ancestors) -> Sequences:
        arrays = ("tokens", "lengths", "finished", "prompt", "log_probs", "surprise", "begun")
        arrays += ("states", "scores", "log_increment", "rows")
        ancestors = np.atleast_1d(np.arange(len(self))[ancestors])
        chosen = {name: getattr(self, name)[ancestors] for name in arrays}
        return replace(self, **chosen, origin=ancestors)

    @property
    def last(self) -> np.ndarray:
        """Last token of each text, shape (n,); −1 where there is none yet."""
        return np.where(self.lengths > 0, self.tokens[np.arange(len(self)), self.lengths - 1], NONE)


class _Run:
    """What the sequences of one run share: the model's session, one random stream for each slot."""

    AHEAD = 32  # numbers taken from a stream at a time

    def __init__(self, session):
        self.session, self.version = session, 0
        self.streams, self._drawn, self._used = (
            [],
            np.empty((0, self.AHEAD)),
            np.empty(0, dtype=int),
        )

    def __len__(self):
        return len(self.streams)

    def open(self, streams: list[np.random.Generator]) -> None:
        """Add slots."""
        self.streams += streams
        self._drawn = np.concatenate([self._drawn, np.empty((len(streams), self.AHEAD))])
        self._used = np.concatenate([self._used, np.full(len(streams), self.AHEAD)])

    def random(self, slots: np.ndarray) -> np.ndarray:
        """Return the next number of each slot, in [0, 1)."""
        for slot in slots[self._used[slots] == self.AHEAD]:
            self._drawn[slot], self._used[slot] = self.streams[slot].random(self.AHEAD), 0
        drawn = self._drawn[slots, self._used[slots]]
        self._used[slots] += 1
        return drawn


class Decoder(Model):
    """Continue prompts with a language model, under potentials.

    Generation t adds one token to every unfinished text, or, with ``until``, one stretch that ends
    with such a token.

    Parameters
    ----------
    lm : ttclib.lm.engine.CausalLM
        Or anything with its ``vocabulary``, ``context`` and ``start``.
    prompt : str or sequence of str
        With several, text i of a population continues prompt i modulo their number. Then select
        with :func:`ttclib.particles.islands.within`, or one problem's texts would replace
        another's.
    potentials : sequence of potentials, optional
        Factors of the target: see :mod:`ttclib.lm.potentials`.
    sampler : callable, optional
        Turns the model's log law into the law p of the target: see :mod:`ttclib.lm.samplers`.
    proposal : {"optimal", "bootstrap"} or callable
        ``proposal(log_law, log_next) → (rows, V)`` log scores to draw from, not necessarily
        normalised, where ``log_next`` is what the potentials say of every next token.
    max_tokens : int, optional
        The most tokens to generate; by default all that the context has room for.
    must_end : bool
        What happens at that limit. False: a text is cut and counts as it stands. True: the last
        token has to be the end, and its probability is part of the weight, so the target is p
        given that the text ends in time.
    stop : str or sequence of str
        Strings that end a text: it is finished with the token that completes one of them.
    until : str, optional
        Letters that end a generation: any token that contains one of them does.
    surprise : bool
        Whether to note how likely each token was and how open the choice: see :class:`Sequences`.

    Raises
    ------
    ValueError
        If the prompt is empty or too long, or an option is unknown.
    """

    def __init__(
        self,
        lm,
        prompt: str | Sequence[str],
        potentials: Sequence[Any] = (),
        *,
        sampler: Sampler = samplers.plain,
        proposal: str | Callable[[np.ndarray, np.ndarray], np.ndarray] = "optimal",
        max_tokens: int | None = None,
        must_end: bool = False,
        stop: str | Sequence[str] = (),
        until: str | None = None,
        surprise: bool = False,
    ):
        if not callable(proposal) and proposal not in list(PROPOSALS):
            raise ValueError(f"proposal is {proposal!r}; it must be one of {', '.join(PROPOSALS)}")
        self.lm, self.sampler, self.must_end, self.surprise = lm, sampler, must_end, surprise
        self.proposal = proposal if callable(proposal) else PROPOSALS[proposal]
        self.prompts = [
            lm.vocabulary.encode(p) for p in ([prompt] if isinstance(prompt, str) else prompt)
        ]
        if not self.prompts:
            raise ValueError("prompt is an empty list; it must hold at least one text")
        longest = max(map(len, self.prompts))
        room = lm.context - longest
        if room < 1:
            raise ValueError(
                f"the prompt has {longest} tokens; the model's context holds {lm.context}, with the answer"
            )
        self.max_tokens = room if max_tokens is None else whole_number("max_tokens", max_tokens)
        if self.max_tokens > room:
            raise ValueError(
                f"max_tokens is {max_tokens}; after {longest} tokens of prompt the context holds {room} more"
            )
        self.room = longest + self.max_tokens
        self._stop, self.ends = _stops([stop] if isinstance(stop, str) else stop, lm.vocabulary)
        everything = np.ones(len(lm.vocabulary), dtype=bool)
        self.pauses = everything if until is None else lm.vocabulary.containing(until)
        # those that can say what they think of every next token, and those that must see the text
        self.masks = [p for p in potentials if hasattr(p, "log_next")]
        self.features = [p for p in potentials if not hasattr(p, "log_next")]

    # ---- what the loop asks for -----------------------------------------------------------------

    def init(self, n, rng):  # noqa: D102
        nothing = np.full((n, self.max_tokens), NONE)
        return self._extend(self.begin(np.arange(n) % len(self.prompts), nothing), rng)

    def begin(
        self, prompt: np.ndarray, tokens: np.ndarray, surprise: np.ndarray | None = None
    ) -> Sequences:
        """Feed the model with prompts and beginnings of texts, as parents of a first generation.

        Parameters
        ----------
        prompt : numpy.ndarray of int, shape (n,)
            Which prompt each text continues.
        tokens : numpy.ndarray of int, shape (n, max_tokens)
            The beginnings, none of which ends a text; −1 beyond their ends.
        surprise : numpy.ndarray, shape (n, max_tokens, 2), optional
            As noted when the tokens were drawn, zero beyond their ends: see :class:`Sequences`.
        """
        n, lengths = len(prompt), (tokens != NONE).sum(axis=1)
        same = np.column_stack([prompt, tokens])
        _, first, which = np.unique(same, axis=0, return_index=True, return_inverse=True)
        beginnings = [[*self.prompts[prompt[i]], *tokens[i, : lengths[i]].tolist()] for i in first]
        session = self.lm.start(beginnings, self.room)
        followed = [self._stop, *self.masks]
        states = np.tile(np.array([each.start() for each in followed], dtype=int), (n, 1))
        for j in range(lengths.max(initial=0)):
            going = j < lengths
            for k, each in enumerate(followed):
                states[going, k] = each.advance(states[going, k], tokens[going, j])
        if surprise is None:
            surprise = np.zeros((n, self.max_tokens if self.surprise else 0, 2))
        return Sequences(
            tokens=tokens,
            lengths=lengths,
            finished=np.zeros(n, dtype=bool),
            prompt=prompt,
            log_probs=surprise[..., 0].sum(axis=1),
            surprise=surprise,
            begun=np.zeros(n, dtype=int),
            scores=np.empty((n, 0)),
            states=states,
            log_increment=np.zeros(n),
            origin=prompt,
            rows=session.rows[which.ravel()],
            run=_Run(session),
            version=0,
            cost=Cost(lm_positions=session.positions, lm_flops=session.flops),
        )

    def step(self, t, parents, rng):  # noqa: D102
        return self._extend(parents, rng)

    def log_potential(self, t, parents, particles):  # noqa: D102
        return particles.log_increment

    def done(self, t, particles):  # noqa: D102
        return bool(particles.finished.all())

    def cost(self, t, particles):  # noqa: D102
        return particles.cost

    def texts(self, particles: Sequences) -> list[str]:
        """Return the generated texts, without their end token."""
        decode = self.lm.vocabulary.decode
        return [decode(row[:k]) for row, k in zip(particles.tokens, particles.lengths, strict=True)]

    # ---- one generation -------------------------------------------------------------------------

    def _extend(self, parents: Sequences, rng: np.random.Generator) -> Sequences:
        """Add tokens until every text has finished or paused."""
        run, n, first = parents.run, len(parents), parents.version == 0
        if parents.version != run.version:
            raise ValueError(
                "these texts were extended before; their cache now belongs to the later ones"
            )
        run.version += 1
        # One stream for each slot: a larger population draws what a smaller one drew, and more.
        run.open(rng.spawn(max(0, n - len(run))))
        changing = ("tokens", "lengths", "finished", "log_probs", "surprise", "states", "rows")
        copies = {name: getattr(parents, name).copy() for name in changing}
        new = replace(
            parents, **copies, begun=parents.lengths, log_increment=np.zeros(n), version=run.version
        )
        # The weights multiply up to φ of the finished text: so the first one brings ψ of the empty
        # text.
        if first:
            for j, mask in enumerate(self.masks, 1):
                new.log_increment[:] += mask.log_value(new.states[:, j])
        features = np.zeros(n) if first else self._log_features(new)
        spent = parents.cost if first else Cost()
        spent += self._advance(new, np.flatnonzero(~new.finished), fed=first)
        if self.features:
            possible = features > -np.inf
            change = np.subtract(
                self._log_features(new), features, where=possible, out=np.full(n, -np.inf)
            )
            new.log_increment[:] += np.where(parents.finished, 0.0, change)
            new.finished[new.log_increment == -np.inf] = True
        return replace(new, cost=spent)

    def _advance(
        self, new: Sequences, active: np.ndarray, fed: bool = False, greedy: bool = False
    ) -> Cost:
        """Add tokens to the active texts until each has finished or paused; ``fed``: all are up to
        date.
        """
        spent = Cost()
        while len(active):
            if not fed:
                spent += self._feed(new, active)
            ends = self.ends[new.states[active, 0]]
            tokens = self._propose(new, active, greedy)
            new.tokens[active, new.lengths[active]] = tokens
            new.lengths[active] += 1
            new.finished[active] = ends[np.arange(len(active)), tokens]
            new.finished[active] |= new.lengths[active] == self.max_tokens
            new.finished[active] |= (
                new.log_increment[active] == -np.inf
            )  # nothing revives a weight of zero
            spent += Cost(units=len(active), lm_tokens=len(active))
            active, fed = active[~(new.finished[active] | self.pauses[tokens])], False
        return spent

    def _feed(self, new: Sequences, active: np.ndarray) -> Cost:
        """Feed the last token of the active texts, once for texts that are the same."""
        session, vocabulary = new.run.session, len(self.lm.vocabulary)
        last = new.tokens[active, new.lengths[active] - 1]
        key, which = np.unique(new.rows[active] * vocabulary + last, return_inverse=True)
        waits = ~new.finished
        waits[active] = False
        waiting = np.flatnonzero(waits)
        keep, kept_for = np.unique(new.rows[waiting], return_inverse=True)
        fed, kept = session.feed(key // vocabulary, key % vocabulary, keep)
        new.rows[active], new.rows[waiting] = fed[which], kept[kept_for]
        return Cost(lm_positions=session.positions, lm_flops=session.flops)

    def _propose(self, new: Sequences, active: np.ndarray, greedy: bool = False) -> np.ndarray:
        """Draw the next token of the active texts, or take the likeliest, and add to their weights."""
        # texts on one row are the same, so they share its law and its states
        model, which = new.run.session.log_probs, new.rows[active]
        one = np.full(len(model), active[0])  # a text on each row; a prompt may have none
        one[which] = active
        log_law = self.sampler(model)
        log_next = self._log_next(new.states[one], new.lengths[one])
        log_target = log_law + log_next
        log_proposal = samplers.renormalise(self.proposal(log_law, log_next))
        if greedy:
            tokens = log_proposal.argmax(axis=1)[which]
        else:
            tokens = self._draw(log_proposal, which, new, active)
        if self.surprise:
            entropy = -(np.exp(model) * np.maximum(model, np.finfo(float).min)).sum(
                axis=1
            )  # 0 · −∞ is 0
            noted = np.column_stack([model[which, tokens], entropy[which]])
            new.surprise[active, new.lengths[active]] = noted
        new.log_increment[active] += self._weigh(
            log_target[which, tokens], log_proposal[which, tokens]
        )
        new.log_probs[active] += model[which, tokens]
        for j, mask in enumerate([self._stop, *self.masks]):
            new.states[active, j] = mask.advance(new.states[active, j], tokens)
        return tokens

    def _draw(self, log_proposal, which, new, active):
        """Draw a token for each active text, whose law is row ``which`` of ``log_proposal``."""
        return samplers.draw_tokens(log_proposal, which, new.run.random(active))

    def _weigh(self, target: np.ndarray, proposed: np.ndarray) -> np.ndarray:
        """Log weight of tokens that were drawn: how much more the target wants them."""
        return target - np.where(target > -np.inf, proposed, 0.0)

    def _log_next(self, states: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """What potentials and the length limit say of every next token: (rows, V)."""
        total = np.zeros((len(states), len(self.lm.vocabulary)))
        last = lengths + 1 == self.max_tokens
        for stop, is_last in {*zip(states[:, 0].tolist(), last.tolist(), strict=True)}:
            alike = (states[:, 0] == stop) & (last == is_last)
            # at the limit every token ends the text: as it stands, or with a weight of zero
            ends = self.ends[stop] | is_last
            for j, mask in enumerate(self.masks, 1):
                total[alike] += mask.log_next(states[alike, j], ends)
            if is_last and self.must_end:
                total[np.ix_(alike, ~self.ends[stop])] = -np.inf
        return total

    def _log_features(self, new: Sequences) -> np.ndarray:
        """Log value of the potentials that must see the text, shape (n,)."""
        value = np.zeros(len(new))
        for feature in self.features:
            value += np.where(
                new.finished,
                feature.log_final(new.tokens, new.lengths),
                feature.log_value(new.tokens, new.lengths),
            )
        return value


def _stops(texts: Sequence[str], vocabulary) -> tuple[Automaton, np.ndarray]:
    """Return an automaton that follows the stop strings, and which tokens end a text: (states, V)."""
    if not all(texts):
        raise ValueError("a stop string is empty; it must hold at least one character")
    beginnings = {text[:i] for text in texts for i in range(len(text))}

    def step(seen, letter):
        seen += letter
        if seen.endswith(tuple(texts)):
            return None  # no text goes on from here
        return next(
            seen[i:] for i in range(len(seen) + 1) if not seen[i:] or seen[i:] in beginnings
        )

    letters = set("".join(texts))
    kind = lambda letter: letter if letter in letters else "\0"  # noqa: E731
    automaton = lift(vocabulary, "", step, lambda seen: True, kind=kind)
    readable = np.array([text is not None for text in vocabulary.texts])
    ends = (automaton.next == DEAD) & readable
    ends[:, vocabulary.end] = True
    # a token without a text, such as half an emoji, breaks a stop string off
    after = np.where(readable | ends, automaton.next, automaton.first)
    return Automaton(after, automaton.log_values, automaton.log_finals, automaton.first), ends


def optimal(log_law: np.ndarray, log_next: np.ndarray) -> np.ndarray:
    """Propose from law times potential: the locally optimal proposal, whose weight is the mass
    kept.
    """
    return log_law + log_next


def bootstrap(log_law: np.ndarray, log_next: np.ndarray) -> np.ndarray:
    """Propose from the law alone; the potential is left to the weight."""
    return log_law


PROPOSALS = {"optimal": optimal, "bootstrap": bootstrap}


class Beam(Decoder):
    """Beam search: copies of one text take its likeliest next tokens, one each.

    Weights are the target itself, and nothing is drawn at random. See :func:`beam_search`.
    """

    def init(self, n, rng):  # noqa: D102
        return self._drop_repeats(
            np.zeros(n, dtype=int), np.zeros(n, dtype=bool), super().init(n, rng)
        )

    def step(self, t, parents, rng):  # noqa: D102
        return self._drop_repeats(parents.origin, parents.finished, super().step(t, parents, rng))

    def _draw(self, log_proposal, which, new, active):
        order = np.argsort(-log_proposal, axis=1, kind="stable")
        rank = np.minimum(_copy_number(new.origin)[active], order.shape[1] - 1)
        return order[which, rank]

    def _weigh(self, target, proposed):
        return target

    def _drop_repeats(self, origin, finished, new):
        """Give no weight to what is there already: copies of a finished text, more copies than
        tokens.
        """
        number = _copy_number(origin)
        repeated = (finished & (number > 0)) | (number >= len(self.lm.vocabulary))
        new.log_increment[repeated], new.finished[repeated] = -np.inf, True
        return new


def _copy_number(origin: np.ndarray) -> np.ndarray:
    """Number the copies of each parent 0, 1, 2, …; copies stand side by side."""
    return np.arange(len(origin)) - np.searchsorted(origin, origin)


def beam_search(
    lm,
    prompt: str,
    width: int,
    potentials: Sequence[Any] = (),
    *,
    max_tokens: int | None = None,
    must_end: bool = False,
    stop: str | Sequence[str] = (),
) -> Population:
    """Search for a likely text: keep the ``width`` likeliest beginnings, extend each in all ways.

    It is the loop with the selection ``top_k``, and ``width`` copies of each beam to extend.

    Parameters
    ----------
    potentials, max_tokens, must_end, stop
        As for :class:`Decoder`. Potentials count as they do there, twists on the way included.

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
        raise ValueError("beam search continues one prompt; search for each of several by itself")
    beam = Beam(lm, prompt, potentials, max_tokens=max_tokens, must_end=must_end, stop=stop)
    last = alive(_last(smc(beam, width**2, top_k(width, copies=width), np.random.default_rng(0))))
    best = np.argsort(-last.log_weights, kind="stable")[:width]
    return replace(
        last, particles=last.particles[best], log_weights=last.log_weights[best], ancestors=best
    )


def sample(lm, prompt, n: int, rng: np.random.Generator, **options) -> Population:
    """Draw n texts, none of which is selected: independent samples where there is no potential.

    A larger n begins with the samples of a smaller one. ``options`` are those of :class:`Decoder`.
    """
    return _last(smc(Decoder(lm, prompt, **options), n, keep_all, rng))


def _last(populations: Iterator[Population]) -> Population:
    """The last population; the earlier ones are not kept."""
    return deque(populations, maxlen=1).pop()
