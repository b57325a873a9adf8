"""Models that read attempts: the course's own, with a context long enough for them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ttclib.artefacts import path
from ttclib.course.revisions.attempts import CONTEXT

if TYPE_CHECKING:  # who only looks at records needs no PyTorch
    from ttclib.lm.engine import CausalLM


@functools.cache
def load_reader(name: str) -> CausalLM:
    """Load a model of ``data/`` once, with room for four attempts and an answer.

    Positions are angles (Su et al. 2021), so a longer context needs no further weight. Whether the
    model makes anything of it is another question.

    Raises
    ------
    ValueError
        If its files are missing or damaged: the line says how to get it.
    """
    from ttclib.lm.engine import CausalLM
    from ttclib.lm.pretrained import read_model

    model, words = read_model(path(name))
    model.config.max_position_embeddings = CONTEXT
    return CausalLM(model, words)
