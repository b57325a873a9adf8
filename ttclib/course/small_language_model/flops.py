"""What a text costs, in FLOPs."""

from __future__ import annotations

from ttclib.inputs import whole_number
from ttclib.lm.flops import coefficients


def sequence_flops(config, start: int, stop: int) -> int:
    """FLOPs of feeding the tokens at positions ``start``, …, ``stop`` − 1, each once.

    The token at position t looks at t + 1 positions: those before ``start`` are in the cache.
    A kernel that computes the whole square of scores and masks half of it does more.

    Raises
    ------
    ValueError
        If they are not whole numbers with 0 ≤ start ≤ stop.
    """
    start = whole_number("start", start, 0)
    stop = whole_number("stop", stop, start)
    a, b = coefficients(config)
    return a * (stop - start) + b * (stop * (stop + 1) - start * (start + 1)) // 2
