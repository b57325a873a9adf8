"""Estimating π: against the cost of the random numbers it needs; and what importing ttclib costs.

The contenders take turns in every round, so that a busy machine slows all of them; ratios are
medians over the rounds. The random numbers are drawn in the same cached chunks as the darts, which
is the fastest way to draw them.

Run ``python benchmarks/bench_montecarlo.py``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ttclib.sampling import montecarlo

ROOT = Path(__file__).resolve().parent.parent
POINTS = 10**7
ROUNDS = 15


def random_numbers(n: int, rng: np.random.Generator) -> None:
    """Draw two coordinates for each of n points, and do nothing with them."""
    buffer = np.empty((montecarlo.CHUNK, 2))
    for _ in range(n // montecarlo.CHUNK):
        rng.random(out=buffer)
    rng.random((n % montecarlo.CHUNK, 2))


def all_at_once(n: int, rng: np.random.Generator) -> float:
    """Estimate π in the one line that comes to mind, with all points in memory."""
    x, y = rng.random((2, n))
    return 4 * np.mean(x**2 + y**2 <= 1)


def clock(run: Callable) -> Callable[[], float]:
    """Return a function that runs another and tells its seconds."""

    def timed():
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return timed


def importing(module: str) -> Callable[[], float]:
    """Return a function that tells the seconds of an import in a fresh Python."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    return lambda: float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def interleaved(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender in each round, after one round that warms up."""
    turns = [{name: timed() for name, timed in contenders.items()} for _ in range(rounds + 1)]
    return {name: [turn[name] for turn in turns[1:]] for name in contenders}


def row(what, unit, scale, ours, against, reference, target=None) -> dict:
    """One line of the table: medians in ``unit``, and the median of the rounds' ratios."""
    return {
        "what": what,
        "unit": unit,
        "ours": scale * statistics.median(ours),
        "against": against,
        "reference": scale * statistics.median(reference),
        "ratio": statistics.median(np.divide(ours, reference).tolist()),
        "target": target,
    }


def rows(points: int = POINTS, rounds: int = ROUNDS, seed: int = 0) -> list[dict]:
    """Measure, and return rows: see :func:`row`; ``target`` is the largest ratio allowed."""
    rng = np.random.default_rng(seed)
    darts = interleaved(
        {
            "ours": clock(lambda: montecarlo.darts(points, rng)),
            "its random numbers": clock(lambda: random_numbers(points, rng)),
            "one line of NumPy, all points at once": clock(lambda: all_at_once(points, rng)),
        },
        rounds,
    )
    ours = darts.pop("ours")
    targets = {"its random numbers": 1.5}
    what, per_point = f"π from {points:,} darts", 1e9 / points
    table = [
        row(what, "ns/dart", per_point, ours, *pair, targets.get(pair[0])) for pair in darts.items()
    ]
    modules = ("ttclib", "ttclib.sampling.montecarlo", "numpy")
    spent = interleaved({module: importing(module) for module in modules}, rounds)
    table += [
        row(f"import {m}", "ms", 1e3, spent[m], "import numpy", spent["numpy"]) for m in modules[:2]
    ]
    return table


if __name__ == "__main__":
    for line in rows():
        print(line)
