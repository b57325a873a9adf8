"""The arena: a desk where texts are written and read for FLOPs, a purse, and an honest count.

A strategy gets a desk for each problem in turn. It asks the desk for texts and for the verifier's
opinion, and returns an answer. The desk pays for both out of one purse for all problems, by what
writer and verifier themselves report. It knows the problem and whether an answer is right, and
tells a strategy neither.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import one_of, real_number, short, whole_number
from ttclib.lm import arithmetic, samplers
from ttclib.lm.decoding import Decoder
from ttclib.lm.engine import CausalLM
from ttclib.lm.models import load
from ttclib.lm.nines import failures
from ttclib.particles.smc import Selection, keep_all, run
from ttclib.search.models import load_verifier
from ttclib.search.reading import rescore
from ttclib.search.search import Search
from ttclib.search.verifier import RewardModel

WRITERS = ("lab-small", "lab-small-own")
VERIFIER = "prm"
BUDGETS = (40e6, 60e6, 120e6)  # FLOPs a problem
TASK = arithmetic.TASK


class Spent(Exception):
    """The purse is empty: this problem and all after it count as wrong."""


class Beside(Exception):
    """A model was run without the desk, which therefore did not count it."""


@dataclass(frozen=True)
class Drafts:
    """Texts that a desk wrote for one problem.

    Attributes
    ----------
    texts : list of str
        As they were written: steps, then the answer.
    answers : list
        The answer of each; None where it has none.
    doubts : numpy.ndarray of int, shape (n,)
        How many steps fail casting out nines. It costs no FLOPs.
    log_p : numpy.ndarray, shape (n,)
        Log probability of each text under its writer.
    scores : numpy.ndarray, shape (n,), or None
        The verifier's opinion of each, where it was asked.
    """

    texts: list[str]
    answers: list[Hashable]
    doubts: np.ndarray
    log_p: np.ndarray
    scores: np.ndarray | None = None
    _sequences: object = field(default=None, repr=False)
    _writer: str = ""

    def __len__(self) -> int:
        return len(self.texts)


class Desk:
    """Where one problem is answered, until the purse is empty.

    Parameters
    ----------
    problem : str
    purse : Purse
        Shared by all problems.
    rng : numpy.random.Generator
        Of the writers; the strategy has one of its own.
    """

    def __init__(self, problem: str, purse: Purse, rng: np.random.Generator):
        self._problem = problem
        self._purse = purse
        self._rng = rng
        self.problems_left = purse.problems_left

    @property
    def left(self) -> float:
        """FLOPs that are left in the purse, for this problem and all that come after it."""
        return self._purse.left

    @property
    def share(self) -> float:
        """FLOPs of this problem if all that is left were shared equally among those to come."""
        return self.left / self.problems_left

    def write(self, n: int = 1, writer: str = "lab-small", temperature: float = 1.0) -> Drafts:
        """Write n texts; nobody reads them. Temperature 0 is greedy."""
        writer = one_of("writer", writer, WRITERS)
        temperature = real_number("temperature", temperature, 0.0)
        decoder = Decoder(
            load(writer),
            TASK.prompt(self._problem),
            sampler=samplers.temperature(temperature) if temperature else samplers.greedy,
            until=TASK.step_end,
            per_token=True,
        )
        with _desk_open():
            history = run(decoder, whole_number("n", n), keep_all, self._rng)
        self._pay(history[-1].cost)
        return self._drafts(decoder, history[-1], writer)

    def read(self, drafts: Drafts) -> np.ndarray:
        """Ask the verifier how likely each text is to be right: (n,), from 0 to 1."""
        if not isinstance(drafts, Drafts):
            raise ValueError(f"drafts is {short(drafts)}; it must come from desk.write")
        verifier = load_verifier(VERIFIER)
        writer = load(drafts._writer)
        with _desk_open():
            reading = rescore(verifier, writer, TASK, [self._problem], drafts._sequences)
        self._pay(reading.cost)
        last = np.sum(~np.isnan(reading.scores), axis=1) - 1
        return reading.scores[np.arange(len(drafts)), last]

    def search(self, n: int, select: Selection, writer: str = "lab-small", verifier=None) -> Drafts:
        """Search with n texts at a time; the verifier reads each step as it comes.

        ``select`` is a selection of the course, ``verifier`` a function of the problem and a text
        in place of the course's main one: then reading is free.
        """
        writer = one_of("writer", writer, WRITERS)
        judge = load_verifier(VERIFIER) if verifier is None else verifier
        search = Search(load(writer), TASK, self._problem, judge)
        with _desk_open():
            history = run(search, whole_number("n", n), select, self._rng)
        self._pay(history[-1].cost)
        return self._drafts(search, history[-1], writer)

    def _pay(self, cost: Cost) -> None:
        self._purse.pay(cost)

    def _drafts(self, decoder, last, writer) -> Drafts:
        texts = decoder.texts(last.particles)
        scores = getattr(last.particles, "scores", None)
        if scores is not None:
            seen = np.sum(~np.isnan(scores), axis=1) - 1
            scores = scores[np.arange(len(texts)), seen]
        return Drafts(
            texts,
            [TASK.answer(text) for text in texts],
            np.array([failures(text, "#" in text) for text in texts]),
            last.particles.log_probs.copy(),
            scores,
            last.particles,
            writer,
        )


class Purse:
    """FLOPs for all problems together, and what was paid."""

    def __init__(self, flops: float, problems: int):
        self.total = flops
        self.paid = 0.0
        self.problems_left = problems
        self.models_paid = 0  # runs of a writer or of the verifier

    @property
    def left(self) -> float:
        """What is left, never below zero."""
        return max(self.total - self.paid, 0.0)

    def pay(self, cost: Cost) -> None:
        """Take what a computation reports; what the purse does not hold is not delivered."""
        self.paid += cost.lm_flops + cost.verifier_flops
        self.models_paid += (cost.lm_flops > 0) + (cost.verifier_flops > 0)
        if self.paid > self.total:
            raise Spent


_open = [False]  # whether the desk itself runs a model now


@contextmanager
def _desk_open() -> Iterator[None]:
    _open[0] = True
    try:
        yield
    finally:
        _open[0] = False


@contextmanager
def watched() -> Iterator[list[int]]:
    """Count how often a model is started, in a list of one; refuse it outside a desk."""
    started = [0]
    kept = {kind: kind.start for kind in (CausalLM, RewardModel)}

    def guard(start):
        def guarded(self, *args, **kwargs):
            if not _open[0]:
                raise Beside("a model was run beside the desk, where nobody counts its FLOPs")
            started[0] += 1
            return start(self, *args, **kwargs)

        return guarded

    for kind, start in kept.items():
        kind.start = guard(start)
    try:
        yield started
    finally:
        for kind, start in kept.items():
            kind.start = start


Strategy = Callable[[Desk, np.random.Generator], Hashable]


@dataclass(frozen=True)
class Outcome:
    """What a strategy reached on some problems."""

    budget: float  # FLOPs a problem
    right: np.ndarray  # (problems,), bool
    paid: np.ndarray  # (problems,), FLOPs
    answers: list
    errors: list[str]
    spent_at: int | None  # the problem at which the purse was empty

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.right.mean())


def play(strategy: Strategy, problems: Sequence[str], budget: float, seed: int = 0) -> Outcome:
    """Let a strategy answer problems, one after the other, with ``budget`` FLOPs a problem.

    Parameters
    ----------
    strategy : callable
        ``strategy(desk, rng)`` → one answer.
    problems : sequence of str
    budget : float
        The purse holds so much for each problem; who saves on one may spend it on a later one.
    seed : int
        Of writers and strategy, for each problem apart.

    Returns
    -------
    Outcome
        Once the purse is empty, this problem and all after it are wrong. An error makes one problem
        wrong, and is noted; so are books that do not agree with how often models ran.
    """
    purse = Purse(budget * len(problems), len(problems))
    right = np.zeros(len(problems), dtype=bool)
    paid = np.zeros(len(problems))
    answers: list = []
    errors: list[str] = []
    with watched() as started:
        for k, problem in enumerate(problems):
            before = purse.paid
            desk = Desk(problem, purse, np.random.default_rng((seed, k)))
            answer = None
            try:
                answer = strategy(desk, np.random.default_rng((seed, k, 1)))
            except Spent:
                pass
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")
            answers.append(answer)
            if purse.paid > budget * len(problems):  # also where the strategy went on regardless
                return Outcome(budget, right, paid, answers, errors, k)
            paid[k] = purse.paid - before
            right[k] = _right(problem, answer)
            purse.problems_left -= 1
    if started[0] != purse.models_paid or (paid < 0).any():
        errors.append(f"the models ran {started[0]} times, and {purse.models_paid} runs were paid")
        right[:] = False
    return Outcome(budget, right, paid, answers, errors, None)


def _right(problem: str, answer) -> bool:
    number = isinstance(answer, int | np.integer) and not isinstance(answer, bool)
    return bool(number and TASK.right(problem, int(answer)))


class RiggedDesk(Desk):
    """A desk whose texts are all wrong, by a multiple of nine, and which the verifier believes.

    Who answers right here has not taken the answer from the desk.
    """

    def __init__(self, problem: str):
        super().__init__(problem, Purse(1e12, 1), np.random.default_rng(0))
        truth = TASK.reference(problem)
        *steps, _ = arithmetic.solve(arithmetic.parse(problem)).split(";")
        said = truth + 9
        steps[-1] = f"{steps[-1].partition('=')[0]}={said}"
        self._text = ";".join([*steps, f"#{said}"])

    def write(self, n: int = 1, writer: str = "lab-small", temperature: float = 1.0) -> Drafts:
        """Write the same wrong text n times."""
        self._pay(Cost(lm_flops=35e6))
        texts = [self._text] * n
        answers = [TASK.answer(text) for text in texts]
        nothing = np.zeros(n, dtype=int)
        return Drafts(texts, answers, nothing, np.full(n, -2.0), np.full(n, 0.9), None, writer)

    def read(self, drafts: Drafts) -> np.ndarray:
        """Believe every text."""
        self._pay(Cost(verifier_flops=35e6))
        return np.full(len(drafts), 0.9)

    def search(self, n: int, select: Selection, writer: str = "lab-small", verifier=None) -> Drafts:
        """Search, and find the same wrong text n times."""
        return self.write(n, writer)


@cache
def practice(n: int = 50) -> tuple[str, ...]:
    """Return problems to try strategies on."""
    return tuple(arithmetic.problems("validation", n, np.random.default_rng(2024)))


@cache
def exam(n: int = 50) -> tuple[str, ...]:
    """Return the problems of the challenge: of another split, and drawn for it alone."""
    return tuple(arithmetic.problems("test", n, np.random.default_rng(909)))


@cache
def held_out(n: int = 100) -> tuple[str, ...]:
    """Return problems on which no strategy was chosen: none of those to practise on or to solve."""
    played = {*practice(150), *exam()}
    drawn = arithmetic.problems("test", n + 50, np.random.default_rng(910))
    return tuple(problem for problem in drawn if problem not in played)[:n]


board: dict[tuple[str, float], Outcome] = {}  # what was reached in this session
