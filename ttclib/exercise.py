"""Exercise checks: each says whether an answer is right, and names the likely mistake if not.

A check never raises: a blank left as ``...`` gives "not attempted yet", or "partly done" where
others are filled, and the notebook runs on.
Write one as a function that takes the learner's answer, calls :func:`mistake` where a known slip
shows, and returns one sentence about why the answer is right::

    @exercise
    def half_width(yours):
        if close(yours(0.5, 100), 0.5 / 100):
            mistake("divide by the square root of n: errors shrink like 1/√n, not 1/n")
        expect(close(yours(0.5, 100), 0.05), "for p = 0.5 and n = 100 the answer is 0.05")
        return "four times the points, half the error"
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ttclib.language import translated


@dataclass(frozen=True, repr=False)
class Verdict:
    """The outcome of a check, as one line: ✓ right, ✗ with the likely mistake, – not attempted."""

    mark: str
    line: str

    def __repr__(self) -> str:
        return f"{self.mark} {self.line}"


class _Mistake(Exception):
    pass


class _Untouched(Exception):
    pass


def mistake(line: str) -> NoReturn:
    """Stop the check: ``line`` names what probably went wrong."""
    raise _Mistake(line)


def expect(condition: Any, line: str) -> None:
    """Stop the check with ``line`` unless ``condition`` holds."""
    if not condition:
        raise _Mistake(line)


def close(a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-9) -> bool:
    """Whether two numbers or arrays agree; False (never an error) if they cannot be compared."""
    try:
        a = np.asarray(a, dtype=float)
        b = np.asarray(b, dtype=float)
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=rtol, atol=atol))


def exercise(check: Callable | None = None, *, blanks: int = 1) -> Any:
    """Turn a function that may call :func:`mistake` into a check: it returns a verdict.

    ``blanks`` is how many the learner's function has, or the tuple that is the answer.
    """
    if check is None:
        return functools.partial(exercise, blanks=blanks)

    @functools.wraps(check)
    def run(yours: Any = ...) -> Verdict:
        try:
            expect(yours is not None, "your answer is None: does what makes it end with return?")
            return Verdict("✓", translated(check(_watched(yours))))
        except _Untouched:
            line = ""
        except _Mistake as wrong:
            line = str(wrong)
        except (Exception, SystemExit) as error:
            said = f"{type(error).__name__}: {error}".strip().removesuffix(":")
            line = f"your code stopped with {said}"
            if "not callable" in said and not callable(yours):
                line = f"give the function itself, not a value of type {type(yours).__name__}"
            elif "ellipsis" in said.lower():  # the blank was reached in mid-calculation
                line = ""
        if 0 < (left := _blanks_left(yours)) < blanks:
            return Verdict("–", translated(f"partly done: {left} of {blanks} blanks (...) to go"))
        said = textwrap.shorten(translated(line), 250, placeholder=" …")
        return Verdict("✗", said) if said else Verdict("–", translated("not attempted yet"))

    run.blanks = blanks  # type: ignore[attr-defined]
    return run


def once_right(check: Callable[[Any], Verdict], yours: Any, ours: Any) -> Any:
    """The learner's answer if it passes its check, else the course's: what later cells use."""
    return yours if check(yours).mark == "✓" else ours


def _watched(yours: Any) -> Any:
    """The learner's answer, watched for blanks: ``...`` itself, or a function that returns it."""
    _refuse_blank(yours)
    if not callable(yours):
        return _plain(yours)

    @functools.wraps(yours)
    def call(*args, **kwargs):
        answer = yours(*args, **kwargs)
        expect(not _nothing(answer), "your function gives nothing back: does it end with return?")
        _refuse_blank(answer)
        return _watched(answer) if inspect.isfunction(answer) else _plain(answer)

    return call


def _plain(value: Any) -> Any:
    """Make Python's numbers of NumPy's: a line says 0.5, not np.float64(0.5)."""
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


def _nothing(value: Any) -> bool:
    """Whether it is None, or a container of nothing else."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.tolist()
    several = isinstance(value, tuple | list) and len(value) > 0
    return value is None or (several and all(map(_nothing, value)))


def _blanks_left(yours: Any) -> int:
    """Count the blanks in an answer, or in the source of a function where it can be read."""
    if isinstance(yours, tuple | list):
        return sum(v is ... for v in yours) * any(v is not ... for v in yours)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(yours)))
    except (OSError, TypeError, SyntaxError):
        return 0
    return sum(getattr(node, "value", 0) is ... for node in ast.walk(tree))


def _refuse_blank(value: Any) -> None:
    if value is ... or (isinstance(value, tuple | list) and any(v is ... for v in value)):
        raise _Untouched
