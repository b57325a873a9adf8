"""Train a small stack of mixers on a task, and count what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttclib.course.what_a_token_costs.descent import Adam
from ttclib.course.what_a_token_costs.mixers import (
    Chain,
    FusedAttention,
    Mixer,
    Retention,
    Selective,
    ShortConvolution,
    Stack,
    TimeInvariant,
)
from ttclib.course.what_a_token_costs.tasks import VOCABULARY, Draw, Texts
from ttclib.inputs import checked, one_of, positive, whole_number

WIDTH = 32
HEADS = 4
HIDDEN = 64  # of the MLP after each mixer
STATE = 8  # numbers of a key, in each head
BATCH = 32  # texts a step
PEAK = 0.01  # learning rate
WARM = 50  # steps until it is reached; over the second half it falls to 0
ATTENTION, SELECTIVE, RETENTION = "attention", "selective", "retention"
TIME_INVARIANT = "time-invariant"
KINDS = (ATTENTION, SELECTIVE, RETENTION, TIME_INVARIANT)


def mixer(kind: str, state: int = STATE) -> Mixer:
    """Return a mixer after a short convolution, by its name.

    Time-invariant memory gets as many numbers as the others: ``state`` for each channel.
    """
    one_of("kind", kind, KINDS)
    if kind == ATTENTION:
        inner: Mixer = FusedAttention(WIDTH, HEADS)
    elif kind == SELECTIVE:
        inner = Selective(WIDTH, HEADS, state)
    elif kind == RETENTION:
        inner = Retention(WIDTH, HEADS, state)
    else:
        inner = TimeInvariant(WIDTH, state)
    return Chain(ShortConvolution(WIDTH), inner)


@checked
def build(kinds: Sequence[str], state: int = STATE, seed: int = 0) -> Stack:
    """Return an untrained stack, a mixer of each kind in turn."""
    return Stack(VOCABULARY, WIDTH, [mixer(kind, state) for kind in kinds], HIDDEN, seed)


def scores(model: nn.Module, texts: Texts) -> Tensor:
    """Scores of tokens at the asked places: (batch, k, vocabulary)."""
    return model.parallel(texts.tokens)[:, texts.asked]


@torch.no_grad()
def right(model: nn.Module, texts: Texts) -> np.ndarray:
    """Whether the most likely token is the answer: bool (batch, k)."""
    return (scores(model, texts).argmax(-1) == texts.answers).numpy()


def learning(
    model: nn.Module,
    draw: Draw,
    sizes: Sequence[int],
    steps: int,
    seed: int = 0,
    peak: float = PEAK,
) -> Iterator[float]:
    """Take steps of Adam on fresh texts; yield the loss of each, in nats an answer.

    Parameters
    ----------
    model : torch.nn.Module
        With ``parallel``; changed in place.
    draw, sizes
        Each batch has texts of one size, drawn from these.
    steps : int
    seed : int
        Of the texts.
    peak : float
        Learning rate: it rises for 50 steps, stays, and falls to 0 over the second half.
    """
    steps = whole_number("steps", steps)
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    positive("peak", peak)
    descent = Adam(model.parameters())
    for step in range(steps):
        texts = draw(int(rng.choice(sizes)), BATCH, rng)
        model.zero_grad(set_to_none=True)
        loss = F.cross_entropy(scores(model, texts).flatten(0, 1), texts.answers.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(descent.weights, 1.0)
        descent.step(peak * min(1.0, (step + 1) / WARM, 2 * (1 - step / steps)))
        yield loss.item()
