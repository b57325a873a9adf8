"""The course's verifiers, and models, ready to search with."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ttclib.artefacts import path
from ttclib.inputs import one_of

if TYPE_CHECKING:  # who only wants their names needs no PyTorch
    from ttclib.search.verifier import RewardModel

# from what was given least to what was given most
LADDER = ("prm-plain", "prm-tokens", "prm-surprise", "prm-some", "prm", "prm-more")
VERIFIERS = (*LADDER, "orm", "prm-plain-more")


@functools.cache
def load_verifier(name: str) -> RewardModel:
    """Load a verifier of ``data/`` once: one of :data:`VERIFIERS`. ``prm`` is the course's main
    one, ``orm`` the outcome model; the others are given less or more than ``prm``.

    Raises
    ------
    ValueError
        If there is no such verifier, or its files are missing or damaged: the line says how to get
        it.
    """
    from ttclib.search.verifier import RewardModel

    return RewardModel.load(path(one_of("verifier", name, VERIFIERS)))
