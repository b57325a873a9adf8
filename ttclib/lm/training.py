"""Training a lab model: packed rows, AdamW with a cosine, checkpoints that survive a kill."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ttclib.files import whole
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


def side_by_side(sizes: Iterable[int], length: int) -> list[tuple[int, int, slice]]:
    """Place texts in rows, in their order: a row is closed when the next text does not fit.

    Returns
    -------
    list of (row, number, place)
        For each text its row, how many came before it there, and which tokens of the row are its
        own.

    Raises
    ------
    ValueError
        If a text is longer than a row, or there is none.
    """
    found, row, number, used = [], 0, 0, 0
    for size in sizes:
        if size > length:
            raise ValueError(f"a text has {size} tokens; a row holds {length}")
        if used + size > length:
            row, number, used = row + 1, 0, 0
        found.append((row, number, slice(used, used + size)))
        number, used = number + 1, used + size
    if not found:
        raise ValueError("there is no text to pack; at least one is needed")
    return found


def pack(texts: Sequence[tuple[Sequence[int], int]], length: int) -> Rows:
    """Pack texts as :func:`side_by_side` says.

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
    places = side_by_side((len(tokens) for tokens, _ in texts), length)
    shape = places[-1][0] + 1, length
    packed = Rows(*(np.full(shape, fill, np.int16) for fill in (0, IGNORE, 0, -1)))
    for (tokens, given), (row, number, place) in zip(texts, places, strict=True):
        packed.tokens[row, place] = tokens
        packed.targets[row, place.start + given - 1 : place.stop - 1] = tokens[given:]
        packed.positions[row, place] = np.arange(len(tokens))
        packed.texts[row, place] = number
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
    run = torch.compile(model) if compiled else model
    seconds = descend(
        model,
        lambda step: loss(run, rows, batch_of(len(rows), batch, step, seed), device),
        steps=steps,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        checkpoint=checkpoint,
        report=report,
    )
    return model.eval(), seconds


def descend(
    model: nn.Module,
    loss_at: Callable[[int], torch.Tensor],
    *,
    steps: int,
    learning_rate: float,
    weight_decay: float = 0.1,
    checkpoint: Path | None = None,
    notes: dict | None = None,
    report: Callable[[int, float], None] | None = None,
) -> float:
    """Take the steps of AdamW, or go on from the checkpoint; return the seconds of all runs.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place; weights that need no gradient stay.
    loss_at : callable
        ``loss_at(step)`` is the loss to go down at a step.
    notes : dict, optional
        What ``report`` writes down: it is kept in the checkpoint.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    # fused: one pass over the weights instead of ten
    optimizer = torch.optim.AdamW(
        weights, lr=learning_rate, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True
    )
    step, spent, saved, notes = 0, 0.0, time.monotonic(), {} if notes is None else notes
    if checkpoint is not None and checkpoint.exists():
        state = torch.load(checkpoint, map_location=weights[0].device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["seconds"]
        notes.update(state["notes"])
    started = time.monotonic() - spent
    while step < steps:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * _schedule(step, steps)
        value = loss_at(step)
        value.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if report:
            report(step, value.item())
        if checkpoint is not None and (time.monotonic() - saved > 60 or step == steps):
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "notes": notes,
            }
            state |= {"step": step, "seconds": time.monotonic() - started}
            with whole(checkpoint) as part:
                torch.save(state, part)
            saved = time.monotonic()
    return time.monotonic() - started


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
