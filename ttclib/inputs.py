"""Inputs: one clear line when an argument cannot be used (what is wrong, what is allowed)."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np


def whole_number(name: str, value: Any, minimum: int = 1) -> int:
    """Return ``value`` as an int, or raise ``ValueError``. 1e6 and ``np.int64(3)`` are whole."""
    if _is_number(value) and minimum <= value < math.inf and value == int(value):
        return int(value)
    raise ValueError(f"{name} is {short(value)}; it must be a whole number of at least {minimum}")


def real_number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
) -> float:
    """Return ``value`` as a finite float in [low, high] or (low, high], or raise ``ValueError``."""
    try:
        number = float(value) if _is_number(value) else math.nan
    except OverflowError:  # an int beyond the floats
        number = math.inf
    if not (math.isfinite(number) and low <= number <= high) or (open_low and number == low):
        if high < math.inf:
            allowed = f" in {'(' if open_low else '['}{low:g}, {high:g}]"
        elif low > -math.inf:
            allowed = f" {'above' if open_low else 'of at least'} {low:g}"
        else:
            allowed = ""
        raise ValueError(f"{name} is {short(value)}; it must be a finite number{allowed}")
    return number


def positive(name: str, value: object) -> float:
    """Return ``value`` as a finite float above zero, or raise ``ValueError``."""
    return real_number(name, value, 0.0, open_low=True)


def finite_array(
    name: str, value: Any, *, ndim: int | None = None, shape: tuple | None = None
) -> np.ndarray:
    """Return ``value`` as a float64 array of finite numbers, or raise ``ValueError``.

    ``shape`` may hold ``None`` where any length is allowed.
    """
    try:
        if np.iscomplexobj(value):
            raise TypeError
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is not an array of numbers: {short(value)}") from None
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} has {array.ndim} dimensions; it must have {ndim}")
    if shape is not None:
        fits = array.ndim == len(shape) and all(
            want in (None, have) for have, want in zip(array.shape, shape, strict=True)
        )
        if not fits:
            wanted = "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
            raise ValueError(f"{name} has shape {array.shape}; it must have shape {wanted}")
    odd = np.count_nonzero(~np.isfinite(array))
    if odd:
        raise ValueError(f"{name} holds {odd} values that are not finite numbers")
    return array


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def short(value: object) -> str:
    """Write any value in one line of at most 60 characters, as errors repeat what they got."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no int of more than 4,300 digits
        text = f"of type {type(value).__name__}, too long to write"
    return text if len(text) <= 60 else text[:59] + "…"
