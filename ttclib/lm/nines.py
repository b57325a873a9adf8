"""Checks of a solution that do not know the answer: a sum can look wrong before it is done again.

Casting out nines is a thousand years old: both sides of a true equation leave the same remainder by
nine. One wrong result in nine passes, so the check is quick, cheap and fallible, like any verifier.
"""

from __future__ import annotations

import functools
import re

from ttclib.lm.arithmetic import END, apply

_STEP = re.compile(r"(\d+)([-+*])(\d+)=(\d+)")


def nines(step: str) -> bool:
    """Whether both sides of a step such as ``8*12=96`` leave the same remainder by nine.

    What does not read as a step fails.
    """
    found = _STEP.fullmatch(step)
    if found is None:
        return False
    return (apply(int(found[1]), found[2], int(found[3])) - int(found[4])) % 9 == 0


@functools.lru_cache(maxsize=100_000)
def failures(solution: str, complete: bool) -> int:
    """Count what looks wrong: steps that fail :func:`nines`, and an answer that is not the last
    result.

    An unfinished step is not looked at; the answer only if the solution is ``complete``.
    """
    *steps, tail = solution.rstrip(END).split(";")
    result = steps[-1].rpartition("=")[2] if steps else ""
    return sum(not nines(step) for step in steps) + (complete and tail != f"#{result}")
