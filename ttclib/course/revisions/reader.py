"""Models that read attempts: the course's own, with a context long enough for them."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ttclib.artefacts import path
from ttclib.course.revisions.attempts import CONTEXT

if TYPE_CHECKING:  # who only looks at records needs no PyTorch
    from ttclib.lm.engine import CausalLM


def read_reader(folder: Path, device: str = "cpu") -> CausalLM:
    """Read a model of the course, with room for four attempts and an answer.

    Positions are angles (Su et al. 2021), so a longer context needs no further weight. Whether the
    model makes anything of it is another question.

    Raises
    ------
    ValueError
        If its files are missing or damaged, or of another model.
    """
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_ours

    found = read_ours(folder)
    if found is None:
        raise ValueError(f"{folder} holds no model of the course; only these read attempts here")
    model, words = found
    model.shape = replace(model.shape, context=CONTEXT)
    return CausalLM(model.to(device), words)


@functools.cache
def load_reader(name: str) -> CausalLM:
    """Load a model of ``data/`` once, as :func:`read_reader` does."""
    return read_reader(path(name))
