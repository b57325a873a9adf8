"""The course's verifiers, ready to search with."""

from __future__ import annotations

import functools

from ttclib.artefacts import path
from ttclib.search.verifier import RewardModel

VERIFIERS = ("prm", "prm-weak", "orm")


@functools.cache
def load_verifier(name: str) -> RewardModel:
    """Load a verifier of ``data/`` once: ``prm``, the weak ``prm-weak``, or the outcome model
    ``orm``.

    Raises
    ------
    ValueError
        If there is no such verifier, or its files are missing or damaged: the line says how to get
        it.
    """
    if name not in VERIFIERS:
        raise ValueError(f"verifier is {name!r}; it must be one of {', '.join(VERIFIERS)}")
    return RewardModel.load(path(name))
