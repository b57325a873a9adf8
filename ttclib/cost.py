"""Cost: what an answer was paid with, in the same units from darts to decoding."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Cost:
    """What a computation spent. Costs add up; every field starts at zero.

    What fills up a batch beside longer texts is computed, but nobody asked for it: it is not
    counted.

    Parameters
    ----------
    units : int
        Elementary moves of the method: darts, transitions, particle steps, generations.
    lm_tokens : int
        Tokens the language model generated.
    lm_positions : int
        Token positions fed to the language model (prompt and generated, each once if cached).
    verifier_positions : int
        Token positions fed to the verifier.
    lm_flops, verifier_flops : float
        Floating-point operations of each model: 2 · parameters · positions plus attention.
    seconds : float
        Wall-clock time. It is the only field that differs from run to run.

    Raises
    ------
    ValueError
        If a field is negative or not a number.

    Examples
    --------
    >>> Cost(units=3) + Cost(units=4, seconds=0.5)
    Cost(units=7, lm_tokens=0, lm_positions=0, verifier_positions=0, lm_flops=0.0, \
verifier_flops=0.0, seconds=0.5)
    """

    units: int = 0
    lm_tokens: int = 0
    lm_positions: int = 0
    verifier_positions: int = 0
    lm_flops: float = 0.0
    verifier_flops: float = 0.0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        # chained comparisons, not a loop: a Cost is made at every step of every algorithm
        if not (
            self.units >= 0
            and self.lm_tokens >= 0
            and self.lm_positions >= 0
            and self.verifier_positions >= 0
            and self.lm_flops >= 0
            and self.verifier_flops >= 0
            and self.seconds >= 0
        ):
            raise ValueError(f"{self} has a negative field or NaN; a cost is zero or positive")

    def __add__(self, other: Cost) -> Cost:
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(
            self.units + other.units,
            self.lm_tokens + other.lm_tokens,
            self.lm_positions + other.lm_positions,
            self.verifier_positions + other.verifier_positions,
            self.lm_flops + other.lm_flops,
            self.verifier_flops + other.verifier_flops,
            self.seconds + other.seconds,
        )

    def __radd__(self, other: object) -> Cost:
        # sum() starts from the integer 0
        return self if other == 0 else NotImplemented

    def describe(self, unit: str = "units", *, seconds: bool = True) -> str:
        """One line for a caption: the fields that were spent, in readable units."""
        names = {
            "units": unit,
            "lm_tokens": "LM tokens",
            "lm_positions": "LM positions",
            "verifier_positions": "verifier positions",
            "lm_flops": "LM FLOPs",
            "verifier_flops": "verifier FLOPs",
        }
        parts = [f"{readable(getattr(self, k))} {v}" for k, v in names.items() if getattr(self, k)]
        if seconds and self.seconds:
            parts.append(_readable_seconds(self.seconds))
        return " · ".join(parts) or f"0 {unit}"


def readable(amount: float) -> str:
    """Write an amount with a decimal prefix: 1536 → '1.54 k', 999 → '999'."""
    for size, prefix in _PREFIXES:
        # 999.6 k would round to '1e+03 k': move up a prefix just before
        if amount >= size * 0.9995:
            return f"{amount / size:.3g} {prefix}"
    return f"{amount:.3g}"


def _readable_seconds(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Measure wall-clock seconds: ``with stopwatch() as t: …`` leaves them in ``t[0]``."""
    elapsed = [0.0]
    start = time.perf_counter()
    try:
        yield elapsed
    finally:
        elapsed[0] = time.perf_counter() - start
