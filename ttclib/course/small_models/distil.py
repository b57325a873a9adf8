"""Learning from a teacher: what it says of each next token, and how near a student comes to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ttclib.course.small_models.prune import inputs
from ttclib.lm.llama import Llama
from ttclib.lm.training import IGNORE, PackedTexts

AT_ONCE = 4  # rows: more take memory, and no less time


@torch.inference_mode()
def log_probs(
    model: Llama, rows: PackedTexts, kind: type[np.floating] = np.float16, mixed: bool = False
) -> np.ndarray:
    """Ask a model for the next token everywhere: log probabilities, (rows, length, V).

    A teacher's are kept in float16. Models in few bits may differ by a millionth of a nat: float32.
    """
    found = []
    for first in range(0, len(rows), AT_ONCE):
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            logits = model(*inputs(rows, slice(first, first + AT_ONCE)))
        found.append(F.log_softmax(logits.float(), -1).numpy().astype(kind))
    return np.concatenate(found)


def divergence(rows: PackedTexts, full: np.ndarray, other: np.ndarray) -> np.ndarray:
    """KL(full ‖ other) of each token that is to be predicted, in nats, from :func:`log_probs`."""
    learned = rows.targets != IGNORE
    p, q = (said[learned].astype(float) for said in (full, other))
    return (np.exp(p) * (p - q)).sum(axis=1)


class Distance(NamedTuple):
    """How far a model is from its teacher and from the truth, a token that is to be predicted.

    Attributes
    ----------
    kl : float
        Mean KL(teacher ‖ model), nats.
    loss : float
        Mean cross-entropy with the true token, nats.
    agree : float
        Share of tokens of which both think the same likeliest.
    """

    kl: float
    loss: float
    agree: float


def distance(model: Llama, rows: PackedTexts, teacher: np.ndarray) -> Distance:
    """Compare a model with what its teacher says of the same rows, from :func:`log_probs`."""
    learned = rows.targets != IGNORE
    said = log_probs(model, rows)
    q = said[learned].astype(float)
    target = rows.targets[learned].astype(int)
    return Distance(
        float(divergence(rows, teacher, said).mean()),
        float(-q[np.arange(len(q)), target].mean()),
        float((teacher[learned].argmax(axis=1) == q.argmax(axis=1)).mean()),
    )
