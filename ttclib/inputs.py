"""Inputs: one clear line when an argument cannot be used (what is wrong, what is allowed)."""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import types
import typing
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from random import Random
from typing import Any, TypeVar

import numpy as np

LARGEST_COUNT = 10**15  # of anything that is counted
_FLOAT = np.dtype(float)
F = TypeVar("F", bound=Callable)


def whole_number(name: str, value: Any, minimum: int = 1, maximum: float = LARGEST_COUNT) -> int:
    """Return ``value`` as an int, or raise ``ValueError``. 1e6 and ``np.int64(3)`` are whole."""
    if _is_number(value) and minimum <= value < math.inf and value == int(value):
        if value <= maximum:
            return int(value)
        raise ValueError(f"{name} is {short(value)}; it must be at most {maximum:,}")
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


def float_array(
    name: str, value: Any, ndim: int | None = None, shape: tuple | None = None, least: int = 0
) -> np.ndarray:
    """Return ``value`` as a float64 array, which may hold NaN and infinities, or raise
    ``ValueError``.

    ``shape`` may hold ``None`` where any length is allowed; ``least`` is how many numbers there
    must be.
    """
    if type(value) is np.ndarray and value.dtype is _FLOAT:  # in a hot loop it always is
        array = value
    else:
        array = _as_floats(name, value)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} has {array.ndim} dimensions; it must have {ndim}")
    if shape is not None:
        fits = array.ndim == len(shape) and all(
            want in (None, have) for have, want in zip(array.shape, shape, strict=True)
        )
        if not fits:
            wanted = "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
            raise ValueError(f"{name} has shape {array.shape}; it must have shape {wanted}")
    if array.size < least:
        raise ValueError(f"{name} has shape {array.shape}; it must hold at least {least} numbers")
    return array


def _as_floats(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
        # a text can be a number to NumPy, and None is NaN to it
        kind = array.dtype.kind
        if kind in "biuf" or (kind == "O" and all(map(_is_number, array.flat))):
            return np.asarray(array, dtype=float)
    except (TypeError, ValueError, OverflowError):  # ragged, or an int beyond the floats
        pass
    raise ValueError(f"{name} is {short(value)}; it must be an array of numbers")


def finite_array(
    name: str, value: Any, low: float = -math.inf, high: float = math.inf, **form: Any
) -> np.ndarray:
    """Return ``value`` as a float64 array of finite numbers in [low, high], or raise
    ``ValueError``; ``form`` is that of :func:`float_array`.
    """
    array = float_array(name, value, **form)
    odd = np.count_nonzero(~np.isfinite(array))
    if odd:
        raise ValueError(f"{name} holds {odd} values that are not finite numbers")
    if low > -math.inf or high < math.inf:
        for wrong in array[(array < low) | (array > high)].flat:
            real_number(f"one of {name}", float(wrong), low, high)  # says so
    return array


def truth_array(name: str, value: Any, **form: Any) -> np.ndarray:
    """Return ``value`` as an array of 1.0 and 0.0, or raise ``ValueError``; ``form`` as above."""
    array = finite_array(name, value, **form)
    if not ((array == 0) | (array == 1)).all():
        raise ValueError(f"{name} holds other values than true and false; it must hold these")
    return array


def one_of(name: str, value: Any, allowed: Collection[str]) -> str:
    """Return ``value`` if it is one of the names that are allowed, or raise ``ValueError``."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} is {short(value)}; it must be one of {', '.join(allowed)}")
    return value


def generator(name: str, value: Any) -> np.random.Generator:
    """Return a generator of random numbers, or whatever draws as one, or raise ``ValueError``."""
    if not (isinstance(value, np.random.Generator) or _fits(value, np.random.Generator)):
        raise ValueError(f"{name} is {short(value)}; it must be {_WORDS[np.random.Generator]}")
    return value


def checked(function: F) -> F:
    """Refuse, at each call, an argument that is not of the kind that its annotation names.

    It raises ``ValueError`` with one line. Kinds are texts, truth values, functions, generators of
    random numbers, objects of a class or with the methods of a protocol, and lists of these.
    Numbers and arrays have limits that no annotation names: the function itself checks them. Of a
    dataclass it checks what the fields are given.
    """
    if isinstance(function, type):
        function.__init__ = checked(function.__init__)  # type: ignore[misc]
        return function
    names = tuple(inspect.signature(function).parameters)

    @functools.cache
    def kinds() -> dict[str, Any]:
        hints = typing.get_type_hints(function)
        return {name: kind for name, kind in hints.items() if not _fits({0}, kind)}  # a set is none

    @functools.wraps(function)
    def call(*args, **kwargs):
        known = kinds()
        named = names + names[-1:] * (len(args) - len(names))  # of *args all have one name
        for name, value in (*zip(named, args, strict=False), *kwargs.items()):
            if name in known and not _fits(value, known[name]):
                raise ValueError(f"{name} is {short(value)}; it must be {_words(known[name])}")
        try:
            return function(*args, **kwargs)
        except MemoryError:
            line = f"{function.__name__} needs more memory than there is; use smaller numbers"
            raise ValueError(line) from None

    return typing.cast(F, call)


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of the kind that an annotation names; numbers and arrays all are."""
    of, inside = _parts(kind)
    if of in _UNIONS:
        return any(_fits(value, one) for one in inside)
    if of in _LISTS:
        listed = isinstance(value, Collection) and not isinstance(value, str | bytes | set | dict)
        return listed and all(_fits(one, inside[0]) for one in value)
    if of is np.random.Generator and hasattr(value, "random"):
        return not isinstance(value, type | types.ModuleType | Random | np.random.RandomState)
    if of is bool:
        return isinstance(value, bool | np.bool_)
    if not isinstance(of, type) or issubclass(of, numbers.Number | np.ndarray) or of in _ANY:
        return True
    if of is Callable or not isinstance(value, type):
        names = _protocol(of)  # type: ignore[arg-type]
        return all(hasattr(value, name) for name in names) if names else isinstance(value, of)
    return False


@functools.cache
def _parts(kind: Any) -> tuple[Any, tuple]:
    """Split an annotation such as ``list[str]`` into list and (str,)."""
    return typing.get_origin(kind) or kind, typing.get_args(kind)


@functools.cache
def _protocol(of: Any) -> list[str]:
    """What a protocol asks for; a class asks for nothing."""
    if not getattr(of, "_is_protocol", False):
        return []
    own = [name for name in {**vars(of), **of.__annotations__} if not name.startswith("_")]
    return own or ["__call__"]


def _words(kind: Any) -> str:
    of, inside = _parts(kind)
    if of in _UNIONS:
        return " or ".join(map(_words, inside))
    if of in _LISTS:
        return f"a list, each {_words(inside[0])}"
    return _WORDS.get(of) or f"a {of.__name__}: see {of.__module__}"


_ANY = (tuple, Any)
_UNIONS = (typing.Union, types.UnionType)
_LISTS = (list, Sequence, Collection, Iterable)
_WORDS = {
    Any: "anything",
    str: "a text",
    bool: "True or False",
    types.NoneType: "None",
    Callable: "a function",
    Hashable: "a number, a text or anything else that can be a key",
    np.random.Generator: "a generator: np.random.default_rng(seed)",
}


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def short(value: object) -> str:
    """Write any value in one line of at most 60 characters, as errors repeat what they got."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no int of more than 4,300 digits
        text = f"of type {type(value).__name__}, too long to write"
    return text if len(text) <= 60 else text[:59] + "…"
