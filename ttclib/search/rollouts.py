"""Rollouts: sampled solutions as the data of a verifier.

The label of a prefix is the share of its continuations that end right, so *every sampled solution
is a rollout for each of its prefixes*. Math-Shepherd (Wang et al. 2024) and Snell et al. 2024,
appendix D, instead draw 16 new continuations at every step of a few solutions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import checked, whole_number
from ttclib.lm.decoding import sample
from ttclib.lm.protocols import LanguageModel, Task
from ttclib.lm.vocabulary import integer_type


@dataclass(frozen=True)
class Rollouts:
    """m solutions, checked.

    Attributes
    ----------
    problem : numpy.ndarray of int, shape (m,)
        Index of the problem that each one solves.
    tokens : numpy.ndarray of int, shape (m, longest)
        −1 beyond the end. 16 bits a token where the vocabulary has room in them, else 32.
    per_token : numpy.ndarray of float16, shape (m, longest, 2)
        Log probability (the surprise is minus that) and entropy (nats) of each token under the
        generator.
    lengths : numpy.ndarray of int, shape (m,)
    right : numpy.ndarray of bool, shape (m,)
        Whether the answer is right.
    correct_steps : numpy.ndarray of int, shape (m,)
        How many steps are right before the first wrong one, by the task's own checker; −1 if it
        has none.
    """

    problem: np.ndarray
    tokens: np.ndarray
    per_token: np.ndarray
    lengths: np.ndarray
    right: np.ndarray
    correct_steps: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, chosen) -> Rollouts:
        return Rollouts(*(getattr(self, field.name)[chosen] for field in fields(self)))


@checked
def collect(
    lm: LanguageModel,
    task: Task,
    problems: Sequence[str],
    n: int,
    rng: np.random.Generator,
    **options,
) -> tuple[Rollouts, Cost]:
    """Draw n solutions of each problem, all in one batch.

    Sample j of problem i is row j · problems + i. ``options`` are those of
    :func:`ttclib.lm.decoding.sample`.
    """
    n = whole_number("n", n)
    prompts = [task.prompt(problem) for problem in problems]
    last = sample(lm, prompts, n * len(problems), rng, per_token=True, **options)
    texts = last.particles
    longest = int(texts.lengths.max())
    known: dict[tuple[int, bytes], tuple[bool, int]] = {}
    checks = []
    for i, (tokens, k) in enumerate(zip(texts.tokens, texts.lengths, strict=True)):
        key = i % len(problems), tokens[:k].tobytes()
        if key not in known:
            known[key] = _checked(task, problems[key[0]], lm.vocabulary.decode(tokens[:k]))
        checks.append(known[key])
    right, steps = np.array(checks).T
    rollouts = Rollouts(
        problem=texts.prompt.astype(np.int32),
        tokens=texts.tokens[:, :longest].astype(integer_type(len(lm.vocabulary))),
        per_token=texts.per_token[:, :longest].astype(np.float16),
        lengths=texts.lengths.astype(integer_type(longest)),
        right=right.astype(bool),
        correct_steps=steps.astype(integer_type(steps.max())),
    )
    return rollouts, last.spent


def _checked(task: Task, problem: str, text: str) -> tuple[bool, int]:
    """Whether a solution's answer is right, and how many of its steps; −1 if nobody can tell."""
    steps = task.right_steps(problem, text)
    return task.right(problem, task.answer(text)), -1 if steps is None else steps


@checked
def draw(
    lm: LanguageModel,
    task: Task,
    problems: Sequence[str],
    n: int,
    rng: np.random.Generator,
    at_once: int = 128,
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
    **options,
) -> tuple[Rollouts, Cost]:
    """Draw n solutions of each problem; solution j of problem i is row i · n + j.

    Parameters
    ----------
    at_once : int
        Texts in a batch: more are faster and take more memory.
    watch : callable
        Wraps the loop over the batches: ``tqdm``, for a progress bar.
    **options
        Of :func:`ttclib.lm.decoding.sample`.
    """
    if not len(problems):
        raise ValueError("problems is empty; it must hold at least one")
    step = max(1, whole_number("at_once", at_once) // whole_number("n", n))
    parts: list[Rollouts] = []
    spent = Cost()
    for first in watch(range(0, len(problems), step)):
        block = problems[first : first + step]
        part, cost = collect(lm, task, block, n, rng, **options)
        part.problem[:] += first
        parts.append(part[np.argsort(part.problem, kind="stable")])
        spent += cost
    longest = max(part.tokens.shape[1] for part in parts)

    def widened(part: Rollouts) -> Rollouts:
        room = (0, longest - part.tokens.shape[1])
        tokens = np.pad(part.tokens, ((0, 0), room), constant_values=-1)
        return replace(
            part, tokens=tokens, per_token=np.pad(part.per_token, ((0, 0), room, (0, 0)))
        )

    columns = zip(*(vars(widened(part)).values() for part in parts), strict=True)
    return Rollouts(*map(np.concatenate, columns)), spent


def step_ends(tokens: np.ndarray, lengths: np.ndarray, pauses: np.ndarray) -> np.ndarray:
    """Say which tokens end a step: bool, shape (m, longest).

    Parameters
    ----------
    tokens, lengths
        Of :class:`Rollouts`.
    pauses : numpy.ndarray of bool, shape (V,)
        Tokens that end a step; the last token of a text does as well.
    """
    place = np.arange(tokens.shape[1])
    ends = pauses[np.maximum(tokens, 0)] & (place < lengths[:, None])
    return ends | (place == lengths[:, None] - 1)
