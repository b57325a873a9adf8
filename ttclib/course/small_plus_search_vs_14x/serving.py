"""The same calculation for a reader's own numbers: what a year of answers costs, and in money."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ttclib.course.small_plus_search_vs_14x.matched import multiplier
from ttclib.inputs import positive

DAYS = 365
_SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}


def amount(name: str, least: float = 0.0) -> Callable[[str], float]:
    """Return a function that reads a typed number, such as 8e9 or 8 B, above ``least``.

    It raises ``ValueError`` with one line: what is wrong, and what is allowed.
    """

    def parse(text: str) -> float:
        word = text.strip().replace("_", "")
        scale = _SUFFIXES.get(word[-1:].lower(), 1.0)
        digits = word[:-1] if scale > 1 else word
        try:
            value = float(digits) * scale
        except ValueError:
            line = f"{name}: {text!r} is not a number; type one such as 8e9 or 8 B (k, M, B, T)"
            raise ValueError(line) from None
        if not least < value <= 1e30:
            raise ValueError(f"{name} is {text.strip()}; it must be above {least:g}, at most 1e30")
        return value

    return parse


class Year(NamedTuple):
    """FLOPs of a model: of its training, and of a year of greedy answers.

    Attributes
    ----------
    training, answers : float
    ratio : float
        R: tokens written in the year for each token of pretraining.
    """

    training: float
    answers: float
    ratio: float


def year(parameters: float, trained: float, questions: float, tokens: float) -> Year:
    """Count a year: 6 FLOPs a parameter and token of training, 2 of writing.

    Parameters
    ----------
    parameters, trained : float
        Of the model; tokens that it is trained on.
    questions, tokens : float
        Questions a day; tokens of an answer.

    Raises
    ------
    ValueError
        If a number is not above 0.
    """
    parameters = positive("parameters", parameters)
    trained = positive("trained", trained)
    written = positive("questions", questions) * positive("tokens", tokens) * DAYS
    return Year(6 * parameters * trained, 2 * parameters * written, written / trained)


def answers_for(one: Year, times: float) -> float:
    """How many answers to each question cost, with the training, what a model M times larger
    costs.
    """
    return multiplier(times, one.ratio)
