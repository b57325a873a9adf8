"""Which known slip gives just these answers? What the checks of several notebooks ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ttclib.exercise import mistake


def name_slip(yours: Callable, slips: Mapping[str, Callable], cases: Sequence[tuple]) -> None:
    """Stop the check with a slip's line if its answers are yours in every case.

    Two slips may agree in one case by chance; in several they are the same mistake.

    Parameters
    ----------
    yours
        The learner's function. It has been called before, so an error of its own is told already.
    slips
        {line that names the mistake: the function that makes it}. The first that fits is named.
    cases
        Arguments of each call. Arrays among them are copied, so that no call can spoil another.
    """
    given = [yours(*map(_copy, case)) for case in cases]
    for line, slip in slips.items():
        with np.errstate(all="ignore"):
            made = [slip(*map(_copy, case)) for case in cases]
        if all(map(same, given, made)):
            mistake(line)


def same(a: Any, b: Any) -> bool:
    """Whether two answers agree to six digits, nan with nan; False if they cannot be compared."""
    try:
        a = np.asarray(a, dtype=float)
        b = np.asarray(b, dtype=float)
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True))


def _copy(value: Any) -> Any:
    return value.copy() if hasattr(value, "copy") else value
