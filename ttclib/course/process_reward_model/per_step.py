"""New continuations after every step of a solution: how the papers label its steps.

Wang et al. 2024 (Math-Shepherd); Snell et al. 2024, appendix D.
"""

from __future__ import annotations

import numpy as np

from ttclib.cost import Cost
from ttclib.lm.decoding import sample
from ttclib.lm.protocols import LanguageModel, Task


def continuations(
    lm: LanguageModel, task: Task, problem: str, solution: str, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Cost]:
    """Draw n new continuations after every step of one solution.

    Returns
    -------
    (right, places, cost) : tuple
        ``right`` (steps, n) bool: whether each continuation ends right. ``places`` (steps,) int:
        how many characters of the solution each row of it follows.
    """
    places = [i + 1 for i, letter in enumerate(solution) if letter in task.step_end]
    prompts = [task.prompt(problem) + solution[:place] for place in places]
    last = sample(lm, prompts, n * len(prompts), rng)
    texts = last.particles
    right = np.zeros((len(places), n), dtype=bool)
    for i, (tokens, k) in enumerate(zip(texts.tokens, texts.lengths, strict=True)):
        step = i % len(places)
        text = solution[: places[step]] + lm.vocabulary.decode(tokens[:k])
        right[step, i // len(places)] = task.right(problem, task.answer(text))
    return right, np.array(places), last.spent
