"""Contract checks: does a model, a task, a verifier, a potential or a selection keep its word?

Whoever brings a part of their own runs its check once. It returns nothing, or raises
:class:`BrokenPromise` with one line that names the promise. The promises are those of
:mod:`ttclib.lm.protocols`, :mod:`ttclib.search.protocols` and
:class:`ttclib.particles.smc.Selection`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import logsumexp

from ttclib.lm.decoding import sample
from ttclib.lm.protocols import LanguageModel, Potential, Sampler, Task
from ttclib.lm.vocabulary import Vocabulary
from ttclib.particles.smc import Population, Selection
from ttclib.search.protocols import Verifier
from ttclib.search.reading import rescore
from ttclib.search.scoring import Score, as_verifier

TOLERANCE = 1e-3  # nats, or score: two ways of computing one number in half or single precision


class BrokenPromise(AssertionError):
    """A part does not do what its protocol says."""


def _promise(kept: bool | np.bool_, line: str) -> None:
    if not kept:
        raise BrokenPromise(line)


def check_language_model(lm: LanguageModel, prompts: Sequence[str]) -> None:
    """Check a model on a few prompts: distributions, forks, rows that are kept, what is counted.

    Raises
    ------
    BrokenPromise
    """
    for name in ("vocabulary", "context", "start"):
        _promise(hasattr(lm, name), f"a language model has {name!r}")
    tokens = [lm.vocabulary.encode(prompt) for prompt in prompts]
    room = max(map(len, tokens)) + 3
    session = lm.start(tokens, room)
    _promise(len(session.rows) == len(tokens), "rows has one row for each prompt")
    _promise(
        session.positions == sum(map(len, tokens)), "positions counts each prompt's tokens once"
    )
    _check_flops(session, len(tokens))
    _promise(session.log_probs.shape[1:] == (len(lm.vocabulary),), "log_probs has a column a token")
    _check_rows(session.log_probs)
    # the first prompt forks into its two likeliest tokens; the others wait
    first = session.log_probs[session.rows[0]]
    likely = np.argsort(-first, kind="stable")[:2]
    waiting = session.rows[1:]
    fed, kept = session.feed(np.repeat(session.rows[:1], 2), likely, waiting)
    _promise(len(fed) == 2 and len(kept) == len(waiting), "feed returns a place for every row")
    _promise(session.positions == 2, "positions counts the rows that a call fed")
    _check_flops(session, 2)
    _check_rows(session.log_probs[fed])
    texts = [[*tokens[0], int(token)] for token in likely]
    _same(lm, room, texts, session.log_probs[fed], "a row that forks goes on as its own text")
    if len(waiting):
        token = int(np.argmax(first))
        fed, _ = session.feed(kept[:1], np.array([token]))
        _same(lm, room, [[*tokens[1], token]], session.log_probs[fed], "a row that is kept stays")


def _check_flops(session, fed: int) -> None:
    flops = np.asarray(session.flops)
    fits = flops.shape in ((), (fed,)) and (flops >= 0).all()
    _promise(fits, "flops is zero or more for each prompt or row that was fed, or for all alike")


def _check_rows(log_probs: np.ndarray) -> None:
    _promise(not np.isnan(log_probs).any(), "log_probs holds numbers")
    off = np.abs(logsumexp(log_probs, axis=1)).max()
    _promise(off < TOLERANCE, f"probabilities of next tokens sum to one (off by {off:.1g})")


def _same(lm, room, texts, log_probs, line) -> None:
    fresh = lm.start(texts, room)
    gap = np.abs(np.exp(fresh.log_probs[fresh.rows]) - np.exp(log_probs)).max()
    _promise(gap < TOLERANCE, f"{line} (probabilities differ by {gap:.1g})")


def check_sampler(sampler: Sampler, log_probs: np.ndarray) -> None:
    """Check a sampler on log probabilities (rows, V).

    Raises
    ------
    BrokenPromise
    """
    before = log_probs.copy()
    after = sampler(log_probs)
    _promise(np.array_equal(before, log_probs), "a sampler leaves what it is given as it is")
    _promise(after.shape == before.shape, "a sampler returns the shape that it is given")
    _check_rows(after)
    _promise((after[before == -np.inf] == -np.inf).all(), "a sampler revives no impossible token")


def check_potential(
    potential: Potential, vocabulary: Vocabulary, rng: np.random.Generator, n: int = 64
) -> None:
    """Check a potential along n random texts of eight tokens.

    Raises
    ------
    BrokenPromise
    """
    states = np.full(n, potential.start())
    ends = np.arange(len(vocabulary)) == vocabulary.end
    for _ in range(8):
        now = potential.log_value(states)
        _promise(now.shape == (n,), "log_value returns one number for each state")
        alive = now > -np.inf
        said = potential.log_next(states, ends)
        _promise(said.shape == (n, len(vocabulary)), "log_next returns (n, V) numbers")
        tokens = rng.integers(len(vocabulary), size=n)
        after = potential.advance(states, tokens)
        done = tokens == vocabulary.end
        _promise((after[done] == states[done]).all(), "the end token leaves a state as it is")
        value = np.where(done, potential.log_final(after), potential.log_value(after))
        _promise(not (value[~alive] > -np.inf).any(), "a dead prefix stays dead")
        expected = value[alive] - now[alive]
        found = said[alive, tokens[alive]]
        _promise(
            np.allclose(np.exp(found), np.exp(expected), atol=1e-9),
            "log_next says what the value after the token is, over the value now",
        )
        states = np.where(done, states, after)


def check_task(task: Task, solutions: Mapping[str, str]) -> None:
    """Check a task on problems and a right solution of each.

    Raises
    ------
    BrokenPromise
    """
    _promise(bool(task.step_end), "step_end holds at least one letter")
    _promise(task.answer("") is None, "an empty text has no answer: None")
    _promise(task.canonical(None) is None, "canonical leaves None, no answer, as it is")
    for problem, solution in solutions.items():
        _promise(bool(task.prompt(problem)), f"the prompt of {problem!r} holds something")
        answer = task.answer(solution)
        _promise(answer is not None, f"the answer in {solution!r} is found")
        form = task.canonical(answer)
        _promise(task.canonical(form) == form, "the canonical form of a form is itself")
        _promise(hash(form) is not None, "a canonical form can be a key of a dictionary")
        _promise(task.right(problem, answer), f"{answer!r} is right for {problem!r}")
        _promise(task.right(problem, form), f"the form {form!r} of a right answer is right")
        _promise(not task.right(problem, None), "no answer is not right")
        known = task.reference(problem)
        if known is not None:
            _promise(task.right(problem, known), f"the reference {known!r} is right")
            _promise(task.canonical(known) == form, "the reference is the right answer's form")
        steps = sum(letter in task.step_end for letter in solution)
        right = task.right_steps(problem, solution)
        _promise(right is None or right == steps, f"all {steps} steps of {solution!r} are right")


def check_verifier(
    verifier: Verifier | Score,
    lm: LanguageModel,
    task: Task,
    problem: str,
    rng: np.random.Generator,
    n: int = 6,
    **options,
) -> None:
    """Check a verifier on n texts that a model writes; ``options`` are those of the decoder.

    Raises
    ------
    BrokenPromise
    """
    verifier = as_verifier(verifier)
    prompt = task.prompt(problem)
    drawn = sample(lm, prompt, n, rng, until=task.step_end, per_token=True, **options)
    texts = drawn.particles[np.arange(n).repeat(2)]  # every text twice
    scores, paid = rescore(verifier, lm, task, [problem], texts)
    _promise((paid[1::2] == 0).all(), "a text that was read already costs nothing")
    there = ~np.isnan(scores)
    _promise(((scores[there] >= 0) & (scores[there] <= 1)).all(), "scores are from 0 to 1")
    _promise(np.array_equal(scores[::2], scores[1::2], equal_nan=True), "equal texts score alike")
    whole = replace(texts, begun=np.zeros(len(texts), dtype=int))
    room = len(lm.vocabulary.encode(prompt)) + texts.tokens.shape[1]
    last = scores[np.arange(len(scores)), there.sum(axis=1) - 1]
    reader = verifier.start(lm, task, [problem], room)
    for keep in (True, False):  # a look ahead leaves no trace
        at_once = reader.read(whole, np.arange(len(texts)), keep=keep).scores
        _promise(at_once.shape == (len(texts),), "read returns one score for each text")
        gap = np.abs(at_once - last).max()
        _promise(
            gap < TOLERANCE, f"step by step or at once, the score is the same (off by {gap:.1g})"
        )
    backwards = np.arange(len(texts))[::-1]
    reader = verifier.start(lm, task, [problem], room)
    turned = reader.read(whole, backwards).scores
    _promise(np.allclose(turned, last[::-1], atol=TOLERANCE), "scores come in the order of chosen")


class _Members:
    """As much of a population of texts as a selection looks at."""

    def __init__(self, finished: np.ndarray):
        self.finished = finished

    def __getitem__(self, ancestors) -> _Members:
        return _Members(self.finished[ancestors])


def check_selection(
    select: Selection,
    rng: np.random.Generator,
    n: int = 16,
    fair: bool = False,
    repeats: int = 4000,
) -> None:
    """Check a selection on populations of n members with all kinds of weights.

    Parameters
    ----------
    fair : bool
        Whether it is to be *unbiased* too, as resampling is: the weight that a member's children
        carry is its own on average. A mean of ``repeats`` draws may be off by six standard errors.

    Raises
    ------
    BrokenPromise
    """
    finished = np.arange(n) % 4 == 3
    dead = np.arange(n) % 5 == 2
    kinds = {
        "equal weights": np.zeros(n),
        "unequal weights": rng.normal(size=n),
        "some dead": np.where(dead, -np.inf, rng.normal(size=n)),
        "one alive": np.where(np.arange(n) == 1, 0.0, -np.inf),
    }
    for kind, log_weights in kinds.items():
        ended = finished | (log_weights == -np.inf)
        population = Population(1, _Members(ended), log_weights.copy(), np.arange(n), parents=n)
        ancestors, carried = select(population, rng)
        ancestors = np.asarray(ancestors)
        m = len(ancestors)
        _promise(ancestors.dtype.kind in "iu", f"{kind}: ancestors are whole numbers")
        inside = ((ancestors >= 0) & (ancestors < n)).all()
        _promise(m > 0 and inside, f"{kind}: ancestors are indices of members")
        fits = np.shape(carried) in ((), (m,))
        _promise(fits, f"{kind}: there is one log weight for each ancestor, or one for all")
        _promise(not np.isnan(carried).any(), f"{kind}: log weights are numbers or −inf")
        same = np.array_equal(population.log_weights, log_weights)
        _promise(same, f"{kind}: the population is left as it is")
        counts = np.broadcast_to(carried, m)[log_weights[ancestors] == -np.inf] > -np.inf
        _promise(not counts.any(), f"{kind}: children of the dead count for nothing")
        if fair:
            _check_fair(select, rng, population, repeats, kind)


def _check_fair(select, rng, population, repeats, kind) -> None:
    n = len(population)
    total = np.zeros((repeats, n))
    for row in total:
        ancestors, carried = select(population, rng)
        np.add.at(row, ancestors, np.exp(carried) / len(ancestors))
    error = total.std(axis=0, ddof=1) / np.sqrt(repeats) + 1e-12
    gap = np.abs(total.mean(axis=0) - np.exp(population.log_weights) / n)
    _promise((gap <= 6 * error).all(), f"{kind}: children carry their parent's weight on average")
