"""Exercises of a notebook: where they are, their solutions, and the notebook with all of them.

An exercise is a code cell with the tag ``exercise``, which ends with the line that checks it. The
Markdown cell after it holds a hint and the solution, folded.
"""

import copy
import re

CHECK = re.compile(r"\w*checks\.")  # a notebook of two halves has two modules of checks
FENCE = re.compile(r"<summary>(?:Solution|풀이)</summary>.*?```python\n(.*?)```", re.DOTALL)
FOLDED = re.compile(r"<details><summary>(?:Solution|풀이)</summary>.*?</details>", re.DOTALL)


def exercises(notebook):
    """Return the positions of the code cells tagged ``exercise``."""
    return [
        i for i, cell in enumerate(notebook.cells) if "exercise" in cell.metadata.get("tags", [])
    ]


def solved(notebook):
    """Return a copy in which each exercise holds its solution and its own check lines.

    The solution is the Python fence under "Solution" in the Markdown cell after the exercise.

    Raises
    ------
    ValueError
        If an exercise has no check line, or not exactly one solution after it.
    """
    notebook = copy.deepcopy(notebook)
    for i in exercises(notebook):
        cell = notebook.cells[i]
        checks = [line for line in cell.source.splitlines() if CHECK.match(line)]
        after = notebook.cells[i + 1].source if i + 1 < len(notebook.cells) else ""
        solutions = FENCE.findall(after)
        if not checks or len(solutions) != 1:
            raise ValueError(f"cell {i}: {len(checks)} check lines and {len(solutions)} solutions")
        cell.source = "\n".join([solutions[0], *checks])
    return notebook
