"""Labels of steps: from solutions that begin alike, and as the papers make them.

They draw new continuations after every step of a solution: Wang et al. 2024 (Math-Shepherd); Snell
et al. 2024, appendix D.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ttclib.cost import Cost
from ttclib.lm.decoding import sample
from ttclib.lm.protocols import LanguageModel, Task
from ttclib.search.rollouts import Rollouts


def continuations(
    lm: LanguageModel, task: Task, problem: str, solution: str, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Cost]:
    """Draw n new continuations after every step of one solution.

    A larger n begins with the continuations of a smaller one.

    Returns
    -------
    (right, places, cost) : tuple
        ``right`` (steps, n) bool: whether each continuation ends right. ``places`` (steps,) int:
        how many characters of the solution each row of it follows.
    """
    places = [i + 1 for i, letter in enumerate(solution) if letter in task.step_end]
    right = np.zeros((len(places), n), dtype=bool)
    spent = Cost()
    # step by step: so each has all the room that the model's context leaves to it
    for step, luck in enumerate(rng.spawn(len(places))):
        begin = solution[: places[step]]
        last = sample(lm, task.prompt(problem) + begin, n, luck)
        texts = last.particles
        for i, (tokens, k) in enumerate(zip(texts.tokens, texts.lengths, strict=True)):
            text = begin + lm.vocabulary.decode(tokens[:k])
            right[step, i] = task.right(problem, task.answer(text))
        spent += last.spent
    return right, np.array(places), spent


def shared_labels(rollouts: Rollouts, ends: np.ndarray) -> np.ndarray:
    """Label every step end with the share of right solutions among those that begin alike.

    Returns
    -------
    numpy.ndarray of float, shape (m, longest)
        Zero where no step ends.
    """
    rows, places = np.nonzero(ends)
    keys = [
        (int(rollouts.problem[i]), rollouts.tokens[i, : j + 1].tobytes())
        for i, j in zip(rows, places, strict=True)
    ]
    seen = Counter(keys)
    good = Counter(key for key, i in zip(keys, rows, strict=True) if rollouts.right[i])
    labels = np.zeros(ends.shape)
    labels[ends] = [good[key] / seen[key] for key in keys]
    return labels
