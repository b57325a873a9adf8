"""The language of what a learner is told: English, or what a translation makes of it."""

from __future__ import annotations

from collections.abc import Callable

_translate: Callable[[str], str] = str  # a text is what it is


def translate_with(function: Callable[[str], str]) -> None:
    """Let a function turn each English text into what is shown; ``str`` is English again."""
    global _translate
    _translate = function


def translated(text: str) -> str:
    """Return a text as it is shown."""
    return _translate(text)
