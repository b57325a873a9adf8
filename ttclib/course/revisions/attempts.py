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
LONGEST = 100  # tokens of an attempt: no problem and its solution are longer than MAX_LENGTH


@dataclass(frozen=True)
class Chains:
    """Attempts at problems, each written after the ones before it.

    Attributes
    ----------
    attempts : numpy.ndarray of str, shape (problems, chains, steps)
        Without their ends; empty behind the last step of a shorter chain.
    right : numpy.ndarray of bool, same shape
        Whether the answer is right.
    read, written : numpy.ndarray of int, same shape
        Positions that were fed for each attempt, and tokens that it has, the end included. What is
        read grows until the window is full.
    cost : Cost
        What all of it cost; a unit is an attempt.
    """

    attempts: np.ndarray
    right: np.ndarray
    read: np.ndarray
    written: np.ndarray
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
    steps: int | Sequence[int],
    rng: np.random.Generator,
    *,
    window: int = WINDOW,
    at_once: int = 256,
) -> Chains:
    """Let the model revise: chains of attempts at each problem.

    Fewer chains, steps or problems are the beginning of more: each attempt has random numbers of
    its own. It is also paid for as if it were alone, though attempts share a batch.

    Parameters
    ----------
    steps : int, or sequence of int
        Of every chain, or of each.
    window : int
        How many attempts the model reads before the next one. With 0 all attempts are independent.
    at_once : int
        Attempts in a batch.

    Raises
    ------
    ValueError
        If the last attempts, the problem and the longest answer do not fit into the model's
        context, or there are not as many numbers of steps as chains.
    """
    chains = whole_number("chains", chains)
    each = np.full(chains, steps) if np.ndim(steps) == 0 else np.asarray(steps)
    if each.shape != (chains,):
        raise ValueError(f"steps has shape {each.shape}; there are {chains} chains")
    each = np.array([whole_number("steps", number) for number in each.tolist()])
    window = whole_number("window", window, 0)
    at_once = whole_number("at_once", at_once)
    shape = (len(problems), chains, each.max())
    attempts = np.full(shape, "", dtype=object)
    read = np.zeros(shape, dtype=int)
    written = np.zeros(shape, dtype=int)
    cost = Cost()
    of_chain = rng.spawn(chains)
    for k in range(each.max()):
        waiting = []
        for j in np.flatnonzero(each > k):
            (luck,) = of_chain[j].spawn(1)
            for i, mine in enumerate(luck.spawn(len(problems))):
                prompt = revision_prompt(task, problems[i], attempts[i, j, :k].tolist(), window)
                waiting.append((prompt, mine, i, j))
        waiting.sort(key=lambda one: len(one[0]))  # little padding
        for first in range(0, len(waiting), at_once):
            prompts, lucks, *place = zip(*waiting[first : first + at_once], strict=True)
            cells = (*map(np.array, place), k)
            attempts[cells], read[cells], written[cells], spent = _write(lm, prompts, lucks)
            cost += replace(spent, units=len(prompts))
    right = np.zeros(shape, dtype=bool)
    right[written > 0] = [
        task.right(problems[i], task.answer(attempts[i, j, k]))
        for i, j, k in np.argwhere(written > 0)
    ]
    return Chains(attempts, right, read, written, cost)


class _Given(np.random.Generator):
    """A generator whose children are there already."""

    def __init__(self, children):
        super().__init__(children[0].bit_generator)
        self.children = list(children)

    def spawn(self, n):
        return self.children[:n]


def _write(lm: LanguageModel, prompts: Sequence[str], lucks):
    """Draw one answer behind each prompt: texts, positions fed and tokens of each; the cost."""
    sizes = np.array([len(lm.vocabulary.encode(prompt)) for prompt in prompts])
    longest = int(sizes.max())
    room = min(lm.context - longest, LONGEST)
    if room < 1:
        raise ValueError(
            f"attempts and problem have {longest} tokens; the model's context holds {lm.context}, "
            "with the answer: read fewer attempts"
        )
    last = sample(lm, prompts, len(prompts), _Given(lucks), max_tokens=room)
    drawn = last.particles
    rows = zip(drawn.tokens, drawn.lengths, strict=True)
    texts = [lm.vocabulary.decode(tokens[:k]) for tokens, k in rows]
    # no prompt is shared, and the last token of a text is not fed again
    return texts, sizes + drawn.lengths - 1, drawn.lengths, last.spent
