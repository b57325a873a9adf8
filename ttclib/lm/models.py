"""The course's language models, ready to decode with."""

from __future__ import annotations

import functools

from ttclib.artefacts import path
from ttclib.inputs import short
from ttclib.lm import pretrained
from ttclib.lm.engine import CausalLM

LAB = ("lab-small", "lab-large")


@functools.cache
def load(name: str) -> CausalLM:
    """Load a model once: ``lab-small``, ``lab-large`` from ``data/``, or ``smollm2``.

    Raises
    ------
    ValueError
        If there is no such model, or its files are missing or damaged: the line says how to get it.
    """
    if name == "smollm2":
        return CausalLM(*pretrained.load_smollm2())
    if name not in LAB:
        raise ValueError(f"model is {short(name)}; it must be one of {', '.join(LAB)}, smollm2")
    return CausalLM(*pretrained.read_model(path(name)))
