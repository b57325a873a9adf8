"""Training a lab model: packed rows, AdamW with a cosine, checkpoints that survive a kill."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ttclib.lm.llama import Llama, Shape

IGNORE = -100  # the target of a token that is not to be predicted


@dataclass(frozen=True)
class Rows:
    """Texts packed side by side into rows of equal length, all arrays (rows, length).

    Attributes
    ----------
    tokens, targets : numpy.ndarray of int16
        A target is the next token of the same text, or ``IGNORE``: the problem itself is random,
        so only the solution is to be learned.
    positions, texts : numpy.ndarray of int16
        Position within the text, and the number of the text within the row (−1: padding).
    """

    tokens: np.ndarray
    targets: np.ndarray
    positions: np.ndarray
    texts: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


def pack(texts: Sequence[tuple[Sequence[int], int]], length: int) -> Rows:
    """Pack texts in their order: a row is closed when the next text does not fit.

    Parameters
    ----------
    texts : sequence of (tokens, given)
        ``given`` leading tokens are read and not learned.
    length : int
        Tokens in a row.

    Raises
    ------
    ValueError
        If a text is longer than a row.
    """
    rows: list[list[tuple[Sequence[int], int]]] = [[]]
    used = 0
    for tokens, given in texts:
        if len(tokens) > length:
            raise ValueError(f"a text has {len(tokens)} tokens; a row holds {length}")
        if used + len(tokens) > length:
            rows.append([])
            used = 0
        rows[-1].append((tokens, given))
        used += len(tokens)
    packed = Rows(*(np.full((len(rows), length), fill, np.int16) for fill in (0, IGNORE, 0, -1)))
    for r, row in enumerate(rows):
        start = 0
        for number, (tokens, given) in enumerate(row):
            end = start + len(tokens)
            packed.tokens[r, start:end] = tokens
            packed.targets[r, start + given - 1 : end - 1] = tokens[given:]
            packed.positions[r, start:end] = np.arange(len(tokens))
            packed.texts[r, start:end] = number
            start = end
    return packed


def loss(model: Llama, rows: Rows, chosen: np.ndarray, device: str = "cpu") -> torch.Tensor:
    """Mean cross-entropy (nats a token) of the chosen rows."""
    tokens, targets, positions, texts = (
        torch.as_tensor(a[chosen].astype(np.int64), device=device)
        for a in (rows.tokens, rows.targets, rows.positions, rows.texts)
    )
    logits = model(tokens, positions, texts)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE)


def train(
    shape: Shape,
    rows: Rows,
    *,
    batch: int,
    steps: int,
    learning_rate: float,
    seed: int = 0,
    weight_decay: float = 0.1,
    start: Llama | None = None,
    checkpoint: Path | None = None,
    device: str = "cpu",
    compiled: bool = False,
    report: Callable[[int, float], None] | None = None,
) -> tuple[Llama, float]:
    """Train a model, or go on from its checkpoint.

    Batches follow ``seed`` alone: a run that was killed and resumed takes the same steps.

    Parameters
    ----------
    rows : Rows
        Each epoch goes through them in a new order.
    batch, steps : int
        Rows a step, and how many steps.
    learning_rate : float
        Of AdamW at its peak; 2% warm-up, then a cosine down to a tenth.
    start : Llama, optional
        A model of the same shape whose weights to begin with.
    checkpoint : Path, optional
        Where the state is kept, once a minute.
    report : callable, optional
        Called as ``report(step, loss)`` after each step.

    Returns
    -------
    (Llama, float)
        The model, and the seconds that training took over all its runs.
    """
    model = Llama(shape, seed).to(device)
    if start is not None:
        model.load_state_dict(start.state_dict())
    # fused: one pass over the weights instead of ten
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True
    )
    step, spent, saved = 0, 0.0, time.monotonic()
    if checkpoint is not None and checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["seconds"]
    run = torch.compile(model) if compiled else model
    started = time.monotonic() - spent
    while step < steps:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * _schedule(step, steps)
        value = loss(run, rows, batch_of(len(rows), batch, step, seed), device)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if report:
            report(step, value.item())
        if checkpoint is not None and (time.monotonic() - saved > 60 or step == steps):
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            state |= {"step": step, "seconds": time.monotonic() - started}
            part = checkpoint.with_suffix(".part")
            torch.save(state, part)
            part.replace(checkpoint)  # a kill in mid-write leaves the older one
            saved = time.monotonic()
    return model.eval(), time.monotonic() - started


def _schedule(step: int, steps: int) -> float:
    warm = max(1, steps // 50)
    if step < warm:
        return (step + 1) / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def batch_of(rows: int, batch: int, step: int, seed: int) -> np.ndarray:
    """Indices of the rows of a step: shuffled anew in each epoch, whatever happened before."""
    per_epoch = max(1, rows // batch)
    epoch, within = divmod(step, per_epoch)
    order = np.random.default_rng((seed, epoch)).permutation(rows)
    return order[within * batch : (within + 1) * batch]
