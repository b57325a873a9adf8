"""The course's language models, ready to decode with."""

from __future__ import annotations

import functools

from ttclib.artefacts import path
from ttclib.inputs import one_of
from ttclib.lm import pretrained
from ttclib.lm.engine import CausalLM

LAB = ("lab-small", "lab-small-some", "lab-small-own", "lab-small-more", "lab-large")


@functools.cache
def load(name: str) -> CausalLM:
    """Load a model once: ``lab-small``, ``lab-large``, … from ``data/``, or ``smollm2``.

    Raises
    ------
    ValueError
        If there is no such model, or its files are missing or damaged: the line says how to get it.
    """
    try:
        one_of("model", name, (*LAB, "smollm2"))
    except ValueError as unknown:
        how = "any other is CausalLM(*read_model(name, local=False)), see ttclib.lm.pretrained"
        raise ValueError(f"{unknown}; {how}") from None
    if name == "smollm2":
        return CausalLM(*pretrained.load_smollm2())
    folder = path(name)
    return CausalLM(*pretrained.read_ours(folder) or pretrained.read_model(folder))
