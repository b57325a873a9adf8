"""Training a verifier: soft labels at the ends of steps, binary cross-entropy.

Lightman et al. 2023; Wang et al. 2024 (Math-Shepherd); Snell et al. 2024, appendix D.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ttclib.lm import training
from ttclib.search.rollouts import Rollouts
from ttclib.search.verifier import LEAST, Net

MOST = 8  # copies of one solution that count


@dataclass(frozen=True)
class Rows:
    """Different solutions packed side by side into rows, all arrays (rows, length).

    Attributes
    ----------
    tokens, positions, texts
        As in :class:`ttclib.lm.training.Rows`.
    surprise : numpy.ndarray of float16, shape (rows, length, 2)
    ends : numpy.ndarray of bool
        Where a label is.
    labels : numpy.ndarray of float16
        Probability of ending right.
    weights : numpy.ndarray of float16
        How often the solution was drawn, at most 8.
    """

    tokens: np.ndarray
    positions: np.ndarray
    texts: np.ndarray
    surprise: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


def pack(
    prompts: Sequence[Sequence[int]],
    rollouts: Rollouts,
    ends: np.ndarray,
    labels: np.ndarray,
    length: int,
    rng: np.random.Generator,
) -> Rows:
    """Pack each different solution once, in random order, behind its prompt.

    Raises
    ------
    ValueError
        If a text is longer than a row.
    """
    same = np.column_stack([rollouts.problem, rollouts.tokens])
    _, first, count = np.unique(same, axis=0, return_index=True, return_counts=True)
    rows: list[list[int]] = [[]]
    used = 0
    order = rng.permutation(len(first))
    for j in order:
        size = len(prompts[rollouts.problem[first[j]]]) + int(rollouts.lengths[first[j]])
        if size > length:
            raise ValueError(f"a text has {size} tokens; a row holds {length}")
        if used + size > length:
            rows.append([])
            used = 0
        rows[-1].append(j)
        used += size
    shape = len(rows), length
    packed = Rows(
        tokens=np.zeros(shape, np.int16),
        positions=np.zeros(shape, np.int16),
        texts=np.full(shape, -1, np.int16),
        surprise=np.zeros((*shape, 2), np.float16),
        ends=np.zeros(shape, bool),
        labels=np.zeros(shape, np.float16),
        weights=np.zeros(shape, np.float16),
    )
    for r, row in enumerate(rows):
        start = 0
        for number, j in enumerate(row):
            i = first[j]
            prompt, size = prompts[rollouts.problem[i]], int(rollouts.lengths[i])
            text = slice(start, start + len(prompt) + size)
            packed.tokens[r, text] = np.concatenate([prompt, rollouts.tokens[i, :size]])
            packed.positions[r, text] = np.arange(len(prompt) + size)
            packed.texts[r, text] = number
            solution = slice(start + len(prompt), text.stop)
            packed.surprise[r, solution] = np.maximum(rollouts.surprise[i, :size], [LEAST, 0.0])
            packed.ends[r, solution], packed.labels[r, solution] = ends[i, :size], labels[i, :size]
            packed.weights[r, solution] = min(int(count[j]), MOST)
            start = text.stop
    return packed


def loss(net: Net, rows: Rows, chosen: np.ndarray) -> torch.Tensor:
    """Mean binary cross-entropy (nats a step) of the chosen rows."""
    tokens, positions, texts, surprise = (
        torch.from_numpy(a[chosen]) for a in (rows.tokens, rows.positions, rows.texts, rows.surprise)
    )
    causal = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).tril()
    mask = (causal & (texts[:, :, None] == texts[:, None, :]))[:, None]
    logits, _ = net(tokens.long(), surprise.float(), positions.long(), mask)
    ends = torch.from_numpy(rows.ends[chosen])
    labels, weights = (torch.from_numpy(a[chosen]).float()[ends] for a in (rows.labels, rows.weights))
    total = F.binary_cross_entropy_with_logits(logits[ends], labels, weight=weights, reduction="sum")
    return total / weights.sum()


def train(
    net: Net,
    rows: Rows,
    *,
    batch: int,
    steps: int,
    learning_rate: float,
    seed: int = 0,
    held_out: Rows | None = None,
    every: int = 0,
    checkpoint: Path | None = None,
    report: Callable[[int, float], None] | None = None,
) -> tuple[Net, list[tuple[int, float]], float]:
    """Train a verifier, or go on from its checkpoint. Where there is a judge, the body stays as it is.

    Parameters
    ----------
    batch, steps : int
        Rows a step, and how many steps.
    learning_rate : float
        Of AdamW at its peak: 2% warm-up, then a cosine.
    held_out : Rows, optional
        Rows of other problems. Their loss is measured ``every`` so many steps, and the net of the
        lowest one is returned (early stopping, as in Snell et al. 2024, appendix D).
    checkpoint : Path, optional
        Where the state is kept, once a minute.
    report : callable, optional
        Called as ``report(step, loss)`` after each step.

    Returns
    -------
    (net, history, seconds) : tuple
        ``history`` holds (step, held-out loss); ``seconds`` of all its runs.
    """
    net.body.requires_grad_(not net.hidden)
    learned = [weight for weight in net.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.1, fused=True)
    step, spent, saved, history = 0, 0.0, time.monotonic(), []
    best = {name: weight.clone() for name, weight in net.state_dict().items()}
    if checkpoint is not None and checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent, history, best = (state[key] for key in ("step", "seconds", "history", "best"))
    started = time.monotonic() - spent
    net.train()
    while step < steps:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * _schedule(step, steps)
        chosen = training.batch_of(len(rows), batch, step, seed)
        value = loss(net, rows, chosen)
        value.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if report:
            report(step, value.item())
        if held_out is not None and every and (step % every == 0 or step == steps):
            history.append((step, held_out_loss(net, held_out)))
            if history[-1][1] <= min(value for _, value in history):
                best = {name: weight.clone() for name, weight in net.state_dict().items()}
        if checkpoint is not None and (time.monotonic() - saved > 60 or step == steps):
            state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
            state |= {"seconds": time.monotonic() - started, "history": history, "best": best}
            part = checkpoint.with_suffix(".part")
            torch.save(state, part)
            part.replace(checkpoint)  # a kill in mid-write leaves the older one
            saved = time.monotonic()
    if held_out is not None and every:
        net.load_state_dict(best)
    return net.eval(), history, time.monotonic() - started


@torch.inference_mode()
def held_out_loss(net: Net, rows: Rows, batch: int = 32) -> float:
    """Binary cross-entropy (nats a step) of whole rows."""
    total = weight = 0.0
    for first in range(0, len(rows), batch):
        chosen = np.arange(first, min(first + batch, len(rows)))
        share = float(rows.weights[chosen][rows.ends[chosen]].sum())
        total, weight = total + share * loss(net, rows, chosen).item(), weight + share
    return total / weight


def _schedule(step: int, steps: int) -> float:
    warm = max(1, steps // 50)
    return min(1.0, (step + 1) / warm) * (0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))
