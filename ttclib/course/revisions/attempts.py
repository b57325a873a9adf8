"""Revising: a model reads its last attempts at a problem, and writes another.

What it reads is its own training text, over and over: each attempt stands behind its problem and
ends as a text does. So nothing about writing an answer is new to the model, only what stands before
it. Snell et al. 2024, section 6, write the problem once and the attempts behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ttclib.cost import Cost
from ttclib.inputs import checked, whole_number
from ttclib.lm.arithmetic import END, MAX_LENGTH
from ttclib.lm.decoding import sample
from ttclib.lm.protocols import LanguageModel, Task

WINDOW = 4  # attempts that the model reads before the next: the last four, as in the paper
CONTEXT = (WINDOW + 1) * MAX_LENGTH  # tokens; so many attempts and the next one always fit


@dataclass(frozen=True)
class Chains:
    """Attempts at problems, each written after the ones before it.

    Attributes
    ----------
    attempts : numpy.ndarray of str, shape (problems, chains, steps)
        Without their ends.
    right : numpy.ndarray of bool, same shape
        Whether the answer is right.
    read : numpy.ndarray of int, shape (steps,)
        Positions that were fed for each step, of all problems and chains. It grows until the window
        is full.
    cost : Cost
        What all of it cost; a unit is an attempt.
    """

    attempts: np.ndarray
    right: np.ndarray
    read: np.ndarray
    cost: Cost


def revision_prompt(task: Task, problem: str, attempts: Sequence[str], window: int = WINDOW) -> str:
    """Write what the model reads before its next attempt: the last few attempts, oldest first."""
    ask = task.prompt(problem)
    last = attempts[max(0, len(attempts) - window) :]
    return "".join(f"{ask}{attempt}{END}" for attempt in last) + ask


@checked
def draw_chains(
    lm: LanguageModel,
    task: Task,
    problems: Sequence[str],
    chains: int,
    steps: int,
    rng: np.random.Generator,
    *,
    window: int = WINDOW,
    at_once: int = 128,
) -> Chains:
    """Let the model revise: chains of attempts at each problem.

    Fewer chains, or fewer steps, are the beginning of more: each step of each chain has random
    numbers of its own.

    Parameters
    ----------
    window : int
        How many attempts the model reads before the next one. With 0 all attempts are independent.
    at_once : int
        Problems in a batch.

    Raises
    ------
    ValueError
        If the last attempts, the problem and the longest answer do not fit into the model's
        context.
    """
    chains = whole_number("chains", chains)
    steps = whole_number("steps", steps)
    window = whole_number("window", window, 0)
    at_once = whole_number("at_once", at_once)
    attempts = np.full((len(problems), chains, steps), "", dtype=object)
    read = np.zeros(steps, dtype=int)
    cost = Cost()
    for j, mine in enumerate(rng.spawn(chains)):
        for k, luck in enumerate(mine.spawn(steps)):
            for first in range(0, len(problems), at_once):
                rows = range(first, min(first + at_once, len(problems)))
                prompts = [
                    revision_prompt(task, problems[i], attempts[i, j, :k].tolist(), window)
                    for i in rows
                ]
                attempts[rows, j, k], spent = _write(lm, prompts, luck)
                read[k] += spent.lm_positions
                cost += replace(spent, units=len(rows))
    right = [
        [[task.right(problem, task.answer(text)) for text in chain] for chain in row]
        for problem, row in zip(problems, attempts, strict=True)
    ]
    return Chains(attempts, np.array(right, dtype=bool), read, cost)


def _write(lm: LanguageModel, prompts: Sequence[str], rng) -> tuple[list[str], Cost]:
    """Draw one answer behind each prompt."""
    longest = max(len(lm.vocabulary.encode(prompt)) for prompt in prompts)
    room = min(lm.context - longest, MAX_LENGTH)
    if room < 1:
        raise ValueError(
            f"attempts and problem have {longest} tokens; the model's context holds {lm.context}, "
            "with the answer: read fewer attempts"
        )
    last = sample(lm, prompts, len(prompts), rng, max_tokens=room)
    texts = last.particles
    rows = zip(texts.tokens, texts.lengths, strict=True)
    return [lm.vocabulary.decode(tokens[:k]) for tokens, k in rows], last.spent
