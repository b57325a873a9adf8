"""The course's language models, ready to decode with."""

from __future__ import annotations

import functools

from ttclib.artefacts import path
from ttclib.lm.engine import CausalLM

LAB = ("lab-small", "lab-large")


@functools.cache
def load(name: str = "lab-small") -> CausalLM:
    """Load a model once: ``lab-small``, ``lab-large`` from ``data/``, or ``smollm2``.

    Raises
    ------
    ValueError
        If there is no such model, or its files are missing or damaged: the line says how to get it.
    """
    if name == "smollm2":
        from ttclib.lm.pretrained import load_smollm2

        return CausalLM(*load_smollm2())
    if name not in LAB:
        raise ValueError(f"model is {name!r}; it must be one of {', '.join(LAB)}, smollm2")
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    folder = path(name)
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # for a file of a few megabytes it is noise
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype="float32")
        return CausalLM(model, AutoTokenizer.from_pretrained(folder, local_files_only=True))
    finally:
        if bars:
            logging.enable_progress_bar()
