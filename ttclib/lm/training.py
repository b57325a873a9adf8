"""Training a language model: texts packed into rows, AdamW with a cosine, checkpoints.

What is killed goes on from its last checkpoint and ends with the same weights.
"""

from __future__ import annotations

import hashlib
import io
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ttclib.files import seal, unseal
from ttclib.inputs import checked, positive, whole_number
from ttclib.lm.llama import Llama
from ttclib.lm.vocabulary import integer_type

IGNORE = -100  # the target of a token that is not to be predicted


@dataclass(frozen=True)
class Packed:
    """Texts side by side in rows of equal length, all arrays (rows, length).

    Attributes
    ----------
    tokens, positions, texts : numpy.ndarray of int16, or larger integers where it takes them
        Each token, its position within its text, and the number of that text within the row (−1:
        padding).
    """

    tokens: np.ndarray
    positions: np.ndarray
    texts: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class PackedTexts(Packed):
    """Texts to learn to write.

    Attributes
    ----------
    targets : numpy.ndarray of the same type
        The next token of the same text, or ``IGNORE``: the problem itself is random, so only the
        solution is to be learned.
    """

    targets: np.ndarray


@dataclass(frozen=True)
class TaughtTexts(PackedTexts):
    """Texts to learn from a teacher.

    Attributes
    ----------
    teacher : numpy.ndarray of float, shape (rows, length, vocabulary)
        Its log probabilities of the next token.
    temperature, share : float
        Of the soft loss, see :func:`soft_loss`; the rest is cross-entropy with the true token.
    """

    teacher: np.ndarray
    temperature: float = 1.0
    share: float = 1.0


def side_by_side(
    texts: Sequence[Sequence[int]], length: int
) -> tuple[Packed, list[tuple[int, slice]]]:
    """Place texts in rows, in their order: a row is closed when the next text does not fit.

    Returns
    -------
    (packed, places) : tuple
        A place is the row of a text, and which tokens of that row are its own.

    Raises
    ------
    ValueError
        If a text is longer than a row, or there is none.
    """
    places: list[tuple[int, slice]] = []
    numbers: list[int] = []
    row = number = used = 0
    for text in texts:
        if len(text) > length:
            raise ValueError(f"a text has {len(text)} tokens; a row holds {length}")
        if used + len(text) > length:
            row += 1
            number = used = 0
        places.append((row, slice(used, used + len(text))))
        numbers.append(number)
        number += 1
        used += len(text)
    if not places:
        raise ValueError("there is no text to pack; at least one is needed")
    kind = integer_type(max(length, *(max(text, default=0) for text in texts)))
    packed = Packed(*(np.full((row + 1, length), fill, kind) for fill in (0, 0, -1)))
    for text, place, number in zip(texts, places, numbers, strict=True):
        packed.tokens[place] = text
        packed.positions[place] = np.arange(len(text))
        packed.texts[place] = number
    return packed, places


def pack_texts(texts: Sequence[tuple[Sequence[int], int]], length: int) -> PackedTexts:
    """Pack texts as :func:`side_by_side` says.

    Parameters
    ----------
    texts : sequence of (tokens, given)
        ``given`` leading tokens are read and not learned.
    length : int
        Tokens in a row.
    """
    packed, places = side_by_side([tokens for tokens, _ in texts], length)
    targets = np.full_like(packed.tokens, IGNORE)
    for (tokens, given), (row, place) in zip(texts, places, strict=True):
        targets[row, place.start + given - 1 : place.stop - 1] = tokens[given:]
    return PackedTexts(**vars(packed), targets=targets)


def lm_loss(
    model: nn.Module, rows: PackedTexts, chosen: np.ndarray, mixed: bool = False
) -> torch.Tensor:
    """Mean loss (nats a token) of the chosen rows; ``mixed``: see :func:`train_lm`."""
    device = next(model.parameters()).device
    tokens, targets, positions, texts = (
        torch.as_tensor(a[chosen].astype(np.int64), device=device)
        for a in (rows.tokens, rows.targets, rows.positions, rows.texts)
    )
    with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        logits = model(tokens, positions, texts)
    hard = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORE)
    if not isinstance(rows, TaughtTexts):
        return hard
    learned = targets != IGNORE
    teacher = torch.as_tensor(rows.teacher[chosen], device=device)[learned]
    soft = soft_loss(logits[learned].float(), teacher.float(), rows.temperature)
    return rows.share * soft + (1 - rows.share) * hard


def soft_loss(logits, teacher, temperature: float) -> torch.Tensor:
    """T² · KL(teacher ‖ model) in nats a token, both at temperature T; arrays (tokens, vocabulary).

    Without the factor the slope by a logit would fall like 1/T² (Hinton et al. 2015, section 2).
    """
    q, p = (F.log_softmax(values / temperature, -1) for values in (logits, teacher))
    return temperature**2 * F.kl_div(q, p, reduction="batchmean", log_target=True)


@checked
def train_lm(
    model: Llama,
    rows: PackedTexts,
    *,
    batch: int,
    steps: int,
    learning_rate: float,
    seed: int = 0,
    checkpoint: Path | None = None,
    compiled: bool = False,
    mixed: bool = False,
    report: Callable[[int, float], None] | None = None,
) -> float:
    """Train a model in place, where it lies, or go on from its checkpoint.

    Parameters
    ----------
    model : Llama
        New, or one that has learned already.
    rows : PackedTexts
        Each epoch goes through them in a new order.
    batch, steps : int
        Rows a step, and how many steps.
    learning_rate : float
        Of AdamW at its peak; 2% warm-up, then a cosine down to a tenth.
    seed : int
        Of the order of the rows.
    checkpoint : Path, optional
        Where the state is kept, once a minute.
    compiled : bool
        Whether to compile the model first: half a minute that a long training wins back.
    mixed : bool
        Whether to multiply in bfloat16 (Micikevicius et al. 2018): weights and sums stay float32.
    report : callable, optional
        Called as ``report(step, loss)`` after each step.

    Returns
    -------
    float
        The seconds that training took over all its runs.
    """
    run = cast(nn.Module, torch.compile(model)) if compiled else model
    seconds = descend(
        model.train(),
        lambda step: lm_loss(run, rows, batch_of(len(rows), batch, step, seed), mixed),
        steps=steps,
        learning_rate=learning_rate,
        checkpoint=checkpoint,
        owner=[*vars(rows).values(), batch, seed, mixed],
        report=report,
    )
    model.eval()
    return seconds


def descend(
    model: nn.Module,
    loss_at: Callable[[int], torch.Tensor],
    *,
    steps: int,
    learning_rate: float,
    checkpoint: Path | None = None,
    owner: Iterable = (),
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
    owner : iterable of numpy.ndarray and numbers
        All that the losses depend on besides the model: another's checkpoint is not taken.
    notes : dict, optional
        What ``report`` writes down: it is kept in the checkpoint.
    """
    steps = whole_number("steps", steps)
    learning_rate = positive("learning_rate", learning_rate)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    # fused: one pass over the weights instead of ten
    optimizer = torch.optim.AdamW(
        weights, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.1, fused=True
    )
    notes = {} if notes is None else notes
    step = 0
    started = saved = time.monotonic()
    begin = (value.cpu() for value in model.state_dict().values())
    depends = [np.asarray(value).tobytes() for value in (*owner, steps, learning_rate, *begin)]
    whose = hashlib.sha256(b"".join(depends)).hexdigest()
    found = None if checkpoint is None else unseal(checkpoint, whose)
    if found is not None:
        state = torch.load(io.BytesIO(found), map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        notes.update(state["notes"])
        step = state["step"]
        started -= state["seconds"]
    while step < steps:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * schedule(step, steps)
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
                "step": step,
                "seconds": time.monotonic() - started,
            }
            written = io.BytesIO()  # torch says of a full disk what nobody understands
            torch.save(state, written)
            seal(checkpoint, written.getvalue(), whose)
            saved = time.monotonic()
    return time.monotonic() - started


def schedule(step: int, steps: int) -> float:
    """Share of the peak learning rate: 2% warm-up, then a cosine down to a tenth."""
    warm = max(1, steps // 50)
    if step < warm:
        return (step + 1) / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def batch_of(rows: int, batch: int, step: int, seed: int) -> np.ndarray:
    """Indices of the rows of a step: shuffled anew in each epoch, whatever happened before."""
    batch = whole_number("batch", batch)
    per_epoch = max(1, rows // batch)
    epoch, within = divmod(step, per_epoch)
    order = np.random.default_rng((whole_number("seed", seed, 0), epoch)).permutation(rows)
    return order[within * batch : (within + 1) * batch]
