"""Decoding: a language model as the model of the loop *propose, weigh, select*.

:class:`Decoder` gives :func:`ttclib.particles.smc.smc` what it asks for, so sampling, constrained
decoding, beam search and search under a verifier are the particle filter's own loop. The target is

    γ(x) ∝ p(x) · Π φ(x)

where p is the language model's distribution of texts (after its sampler) and each φ a potential.
*Propose* draws tokens from some q, *weigh* returns the gain of p · Π φ / q. With the *bootstrap*
proposal q is p, and what the potentials say is left to the weight; with the *optimal* one q is p ·
φ, renormalised, and the weight is the mass that was kept (Lew et al. 2023; Zhao et al. 2024; Loula
et al. 2025).
"""

from __future__ import annotations

import re
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import checked, one_of, short, whole_number
from ttclib.lm import samplers
from ttclib.lm.automata import DEAD, Automaton, lift
from ttclib.lm.potentials import Feature
from ttclib.lm.protocols import LanguageModel, Potential, Sampler
from ttclib.lm.sequences import NONE, PAID, Run, Sequences
from ttclib.lm.vocabulary import in_bytes
from ttclib.particles.smc import Population, Weighed, keep_all, smc

FIRST_ROOM = 256  # tokens that a text has room for at first
Texts = TypeVar("Texts", bound=Sequences)
LONG_STEP = 100  # tokens without a step end, in all texts, after which something is likely wrong


class Decoder:
    """Continue prompts with a language model, under potentials.

    Generation t adds one token to every unfinished text, or, with ``until``, one stretch that ends
    with such a token.

    Parameters
    ----------
    lm : ttclib.lm.protocols.LanguageModel
        Such as :class:`ttclib.lm.engine.CausalLM`.
    prompt : str or sequence of str
        With several, text i of a population continues prompt i modulo their number. Then select
        with :func:`ttclib.particles.islands.within`, or one problem's texts would replace
        another's.
    potentials : sequence of potentials, optional
        Factors of the target: see :mod:`ttclib.lm.potentials`.
    sampler : callable, optional
        Turns the model's log probabilities into those of p: see :mod:`ttclib.lm.samplers`.
    proposal : {"optimal", "bootstrap"} or callable
        ``proposal(log_p, log_next) → (rows, V)`` log scores to draw from, not necessarily
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
    per_token : bool
        Whether to note how likely each token was and how open the choice: see
        :class:`ttclib.lm.sequences.Sequences`.

    Raises
    ------
    ValueError
        If the prompt is empty or too long, or an option is unknown.
    TypeError
        If ``lm`` is no language model of this library; the line says how to wrap one.
    """

    @checked
    def __init__(
        self,
        lm: LanguageModel | Any,  # any other is told how to be wrapped
        prompt: str | Sequence[str],
        potentials: Sequence[Potential | Feature] = (),
        *,
        sampler: Sampler = samplers.plain,
        proposal: str | Callable[[np.ndarray, np.ndarray], np.ndarray] = "optimal",
        max_tokens: int | None = None,
        must_end: bool = False,
        stop: str | Sequence[str] = (),
        until: str | None = None,
        per_token: bool = False,
    ):
        self.lm = _language_model(lm)
        self.sampler = sampler
        self.proposal = _proposal(proposal)
        self.must_end = must_end
        self.until = until
        self.per_token = per_token
        texts = [prompt] if isinstance(prompt, str) else prompt
        self.prompts = [lm.vocabulary.encode(text) for text in texts]
        if not self.prompts:
            raise ValueError("prompt is an empty list; it must hold at least one text")
        asked = any(text.endswith(" ") for text in texts) or " " in (until or "")
        spaced = asked and any(re.match(" [^ ]", token or "") for token in lm.vocabulary.texts)
        if spaced and until and " " in until:
            warnings.warn(
                f"each of the letters {short(until)} ends a generation, and in this vocabulary "
                "words bring their space with them: every word would be a step",
                stacklevel=2,
            )
        if spaced and any(text.endswith(" ") for text in texts):
            warnings.warn(
                "the prompt ends with a space, which words bring with them in this vocabulary: "
                "without it the model knows better how to go on",
                stacklevel=2,
            )
        longest = max(map(len, self.prompts))
        room = lm.context - longest
        if room < 1:
            raise ValueError(
                f"the prompt has {longest} tokens; the model's context holds {lm.context}, "
                "with the answer"
            )
        self.max_tokens = room if max_tokens is None else whole_number("max_tokens", max_tokens)
        if self.max_tokens > room:
            raise ValueError(
                f"max_tokens is {max_tokens}; after {longest} tokens of prompt the context holds "
                f"{room} more"
            )
        self.room = longest + self.max_tokens
        self._stop, self.ends = _stops([stop] if isinstance(stop, str) else stop, lm.vocabulary)
        everything = np.ones(len(lm.vocabulary), dtype=bool)
        self.pauses = everything if until is None else lm.vocabulary.containing(until)
        # those that can say what they think of every next token, and those that must see the text
        self.features = [p for p in potentials if isinstance(p, Feature)]
        self.masks = [p for p in potentials if not isinstance(p, Feature)]

    # ---- what the loop asks for -----------------------------------------------------------------

    def propose(self, t, parents, n, rng) -> tuple[Sequences, Cost]:
        """Draw tokens until every text has finished or paused: see :class:`Model`."""
        spent = Cost()
        if parents is None:
            nothing = np.full((n, min(self.max_tokens, FIRST_ROOM)), NONE)
            parents, spent = self.begin(np.arange(n) % len(self.prompts), nothing)
        version = parents.run.extend(parents.version, n, rng)
        # arrays of its own, which are written in place until they are returned
        texts = parents.each(
            np.copy,
            begun=parents.lengths,
            log_p=np.zeros(n),
            log_q=np.zeros(n),
            paid=parents.paid * (parents.version == 0),  # what begins has paid for its prompt
            version=version,
        )
        # what begins was fed with its prompt
        active = np.flatnonzero(self.grows(texts))
        texts, cost = self._write(texts, active, fed=parents.version == 0)
        return texts, spent + cost

    def grows(self, texts) -> np.ndarray:
        """Say which texts this generation extends, (n,): all that have not finished."""
        return ~texts.finished

    def weigh(self, t, parents, particles) -> Weighed:
        """Return the gain of log [p(x) Π ψ(x) / q(x)] over the parents; it costs nothing."""
        gained = self._log_potentials(particles)
        if parents is not None:
            before = self._log_potentials(parents)
            dead = before == -np.inf  # −inf minus −inf is no number
            gained = np.where(dead, -np.inf, gained - np.where(dead, 0.0, before))
            gained[parents.finished] = 0.0  # also where both potentials are −inf
        possible = (gained > -np.inf) & (particles.log_p > -np.inf)
        log_weights = np.full(len(particles), -np.inf)
        drawn = particles.log_p[possible] - particles.log_q[possible]
        log_weights[possible] = drawn + gained[possible]
        # nothing revives a weight of zero
        return Weighed(replace(particles, finished=particles.finished | ~possible), log_weights)

    def done(self, t, particles) -> bool:
        """Whether every text has finished."""
        return bool(particles.finished.all())

    def begin(
        self, prompt: np.ndarray, tokens: np.ndarray, per_token: np.ndarray | None = None
    ) -> tuple[Sequences, Cost]:
        """Feed the model with prompts and beginnings of texts, as parents of a first generation.

        Parameters
        ----------
        prompt : numpy.ndarray of int, shape (n,)
            Which prompt each text continues.
        tokens : numpy.ndarray of int, shape (n, room)
            The beginnings, none of which ends a text; −1 beyond their ends. ``room`` is 1 at least.
        per_token : numpy.ndarray, shape (n, room, 2), optional
            As noted when the tokens were drawn, zero beyond their ends: see :class:`Sequences`.
        """
        n = len(prompt)
        lengths = (tokens != NONE).sum(axis=1)
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
        if per_token is None:
            per_token = np.zeros((n, tokens.shape[1] if self.per_token else 0, 2))
        paid = np.zeros((n, len(PAID)))
        paid[first, 1] = [len(beginning) for beginning in beginnings]
        paid[first, 2] = session.flops
        texts = Sequences(
            tokens=tokens,
            lengths=lengths,
            begun=np.zeros(n, dtype=int),
            finished=np.zeros(n, dtype=bool),
            prompt=prompt,
            log_probs=per_token[..., 0].sum(axis=1),
            log_p=np.zeros(n),
            log_q=np.zeros(n),
            per_token=per_token,
            paid=paid,
            states=states,
            rows=session.rows[which.ravel()],
            run=Run(session),
            version=0,
        )
        return texts, Cost(lm_positions=session.positions, lm_flops=float(paid[:, 2].sum()))

    def texts(self, particles: Sequences) -> list[str]:
        """Return the generated texts, without their end token."""
        decode = self.lm.vocabulary.decode
        return [decode(row[:k]) for row, k in zip(particles.tokens, particles.lengths, strict=True)]

    # ---- one generation -------------------------------------------------------------------------

    def _write(
        self, texts: Texts, active: np.ndarray, fed: bool = False, greedy: bool = False
    ) -> tuple[Texts, Cost]:
        """Add tokens to the active texts, in place, until each has finished or paused.

        ``fed``: the model has read all of them up to their last token. The texts that are returned
        are others where the room ran out.
        """
        spent = Cost()
        paused = self.until is None
        written = 0
        while len(active):
            if not fed:
                spent += self._feed(texts, active)
            ends = self.ends[texts.states[active, 0]]
            if texts.lengths[active].max() == texts.tokens.shape[1]:
                texts = texts.widened(self.max_tokens)
            tokens, dead = self._next_tokens(texts, active, greedy)
            texts.tokens[active, texts.lengths[active]] = tokens
            texts.lengths[active] += 1
            texts.paid[active, 0] += 1
            texts.finished[active] = ends[np.arange(len(active)), tokens] | dead
            texts.finished[active] |= texts.lengths[active] == self.max_tokens
            spent += Cost(units=len(active), lm_tokens=len(active))
            going = ~(texts.finished[active] | self.pauses[tokens])
            paused |= not going.all()
            written += 1
            if written == LONG_STEP and not paused:
                self._warn_of_the_step_end(len(active))
            active = active[going]
            fed = False
        return texts, spent

    def _warn_of_the_step_end(self, n: int) -> None:
        warnings.warn(
            f"no step has ended after {LONG_STEP} tokens: none of {n} texts holds one of the "
            f"letters {short(self.until)}; give the letters that end a step of this task",
            stacklevel=5,
        )

    def _feed(self, texts: Sequences, active: np.ndarray) -> Cost:
        """Feed the last token of the active texts, once for texts that are the same."""
        session = texts.run.session
        vocabulary = len(self.lm.vocabulary)
        # one number for a row and the token that follows it: equal texts are fed once
        key, which = np.unique(
            texts.rows[active] * vocabulary + texts.last[active], return_inverse=True
        )
        # texts that wait for the others keep their rows, which the session may move
        waits = ~texts.finished
        waits[active] = False
        waiting = np.flatnonzero(waits)
        keep, kept_for = np.unique(texts.rows[waiting], return_inverse=True)
        fed, kept = session.feed(key // vocabulary, key % vocabulary, keep)
        texts.rows[active] = fed[which]
        texts.rows[waiting] = kept[kept_for]
        first = np.empty(len(key), dtype=int)
        first[which[::-1]] = active[::-1]
        flops = np.broadcast_to(session.flops, len(key))
        texts.paid[first, 1] += 1
        texts.paid[first, 2] += flops
        return Cost(lm_positions=session.positions, lm_flops=float(flops.sum()))

    def _next_tokens(
        self, texts: Sequences, active: np.ndarray, greedy: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the next token of the active texts, or take the likeliest, and note what it was
        worth.

        Returns the tokens (m,), and which of them the target forbids.
        """
        # texts on one row are the same, so they share its distribution and its states
        log_probs = texts.run.session.log_probs
        which = texts.rows[active]
        one = np.full(len(log_probs), active[0])  # a text on each row; a prompt may have none
        one[which] = active
        log_p = self.sampler(log_probs)
        if getattr(log_p, "shape", None) != log_probs.shape:
            raise ValueError(f"sampler must return an array of shape {log_probs.shape}")
        log_next = self._log_next(texts.states[one], texts.lengths[one])
        log_q = samplers.renormalise(self.proposal(log_p, log_next))
        tokens = log_q.argmax(axis=1)[which] if greedy else self._draw(log_q, which, texts, active)
        at = which, tokens
        forbidden = log_p[at] + log_next[at] == -np.inf
        if self.per_token:
            # the least float in place of −inf, as 0 · −inf is no number
            floor = np.finfo(float).min
            entropy = -(np.exp(log_probs) * np.maximum(log_probs, floor)).sum(axis=1)
            noted = np.column_stack([log_probs[at], entropy[which]])
            texts.per_token[active, texts.lengths[active]] = noted
        texts.log_probs[active] += log_probs[at]
        texts.log_p[active] += np.where(self._too_late(texts, active, tokens), -np.inf, log_p[at])
        texts.log_q[active] += log_q[at]
        for j, mask in enumerate([self._stop, *self.masks]):
            texts.states[active, j] = mask.advance(texts.states[active, j], tokens)
        return tokens, forbidden

    def _draw(self, log_q, which, texts, active) -> np.ndarray:
        """Draw a token for each active text, whose distribution is row ``which`` of ``log_q``."""
        return samplers.draw_tokens(log_q, which, texts.run.random(active))

    def _too_late(self, texts, active, tokens) -> np.ndarray:
        """Whether a text that must end by now goes on instead."""
        last = texts.lengths[active] + 1 == self.max_tokens
        return self.must_end & last & ~self.ends[texts.states[active, 0], tokens]

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

    def _log_potentials(self, texts: Sequences) -> np.ndarray:
        """Log of Π ψ(x), (n,); of a finished text ψ is φ."""
        total = np.zeros(len(texts))
        for j, mask in enumerate(self.masks, 1):
            states = texts.states[:, j]
            total += np.where(texts.finished, mask.log_final(states), mask.log_value(states))
        for feature in self.features:
            written = texts.tokens, texts.lengths
            total += np.where(
                texts.finished, feature.log_final(*written), feature.log_value(*written)
            )
        return total


def _language_model(lm):
    """Return what can be decoded with, or say how to wrap it."""
    if isinstance(lm, LanguageModel):
        return lm
    kind = type(lm).__name__
    if hasattr(lm, "generate") and hasattr(lm, "config"):
        raise TypeError(f"lm is a {kind} of transformers; wrap it: CausalLM(model, tokenizer)")
    raise TypeError(f"lm is a {kind}; it must be what has a vocabulary, a context and start(…)")


def _stops(texts: Sequence[str], vocabulary) -> tuple[Automaton, np.ndarray]:
    """Return an automaton that follows the stop strings, and which tokens end a text:
    (states, V).

    It reads bytes, as a character may be several tokens, of which one can be the end of another.
    """
    if not all(texts):
        raise ValueError("a stop string is empty; it must hold at least one character")
    known = set("".join(filter(None, vocabulary.texts)))
    if any(len(text) > 200 and known.issuperset(text) for text in texts):
        raise ValueError("a stop string is too long; it must have at most 200 characters")
    if len(texts) > 1:
        for text in texts:
            _stops([text], vocabulary)  # refuses what cannot be written
    said = ", ".join(map(short, texts))
    vocabulary = vocabulary.in_bytes
    texts = [in_bytes(text) for text in texts]
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
    if texts and not ends.any():
        raise ValueError(f"stop is {said}; the tokens of this model cannot write it")
    ends[:, vocabulary.end] = True
    # a token without a text, which steers the model, breaks a stop string off
    after = np.where(readable | ends, automaton.next, automaton.first)
    return Automaton(after, automaton.log_values, automaton.log_finals, automaton.first), ends


def optimal(log_p: np.ndarray, log_next: np.ndarray) -> np.ndarray:
    """Propose from p · φ, the locally optimal proposal, whose weight is the mass kept."""
    return log_p + log_next


def bootstrap(log_p: np.ndarray, log_next: np.ndarray) -> np.ndarray:
    """Propose from p alone; the potential is left to the weight."""
    return log_p


PROPOSALS = {"optimal": optimal, "bootstrap": bootstrap}


def _proposal(proposal):
    if callable(proposal):
        return proposal
    return PROPOSALS[one_of("proposal", proposal, PROPOSALS)]


@checked
def sample(lm, prompt, n: int, rng: np.random.Generator, **options) -> Population:
    """Draw n texts, none of which is selected: independent samples where there is no potential.

    A larger n begins with the samples of a smaller one. ``options`` are those of :class:`Decoder`.
    """
    populations = smc(Decoder(lm, prompt, **options), n, keep_all, rng)
    return deque(populations, maxlen=1).pop()  # the earlier ones are not kept
