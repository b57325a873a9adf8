"""Training a verifier: soft labels at the ends of steps, binary cross-entropy.

Lightman et al. 2023; Wang et al. 2024 (Math-Shepherd); Snell et al. 2024, appendix D.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ttclib.inputs import checked, whole_number
from ttclib.lm import training
from ttclib.search.rollouts import Rollouts
from ttclib.search.verifier import Net

MOST_COPIES = 8  # copies of one solution that count


@dataclass(frozen=True)
class PackedSolutions(training.Packed):
    """Different solutions to learn from, all arrays (rows, length).

    Attributes
    ----------
    per_token : numpy.ndarray of float16, shape (rows, length, 2)
        Log probability and entropy, as in :class:`ttclib.search.rollouts.Rollouts`.
    written : numpy.ndarray of bool
        Where the generator's tokens are; the others are the problem's, or none.
    ends : numpy.ndarray of bool
        Where a label is.
    labels : numpy.ndarray of float16
        Probability of ending right.
    weights : numpy.ndarray of float16
        How often the solution was drawn, at most 8; more at its end if the answer is to count more.
    """

    per_token: np.ndarray
    written: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def pack_solutions(
    prompts: Sequence[Sequence[int]],
    rollouts: Rollouts,
    ends: np.ndarray,
    labels: np.ndarray,
    length: int,
    rng: np.random.Generator,
    answer: float = 1.0,
) -> PackedSolutions:
    """Pack each different solution once, in random order, behind its prompt.

    Parameters
    ----------
    answer : float
        How many times as much as a step's the label at the end of a solution counts: with as many
        as there are steps, half of the loss is that of a PRM and half that of an ORM.

    Raises
    ------
    ValueError
        If a text is longer than a row.
    """
    same = np.column_stack([rollouts.problem, rollouts.tokens])
    _, first, count = np.unique(same, axis=0, return_index=True, return_counts=True)
    order = rng.permutation(len(first))
    begins = [list(prompts[rollouts.problem[i]]) for i in first[order]]
    solutions = [rollouts.tokens[i, : rollouts.lengths[i]].tolist() for i in first[order]]
    texts = [begin + solution for begin, solution in zip(begins, solutions, strict=True)]
    rows, places = training.side_by_side(texts, length)
    shape = rows.tokens.shape
    packed = PackedSolutions(
        **vars(rows),
        per_token=np.zeros((*shape, 2), np.float16),
        written=np.zeros(shape, bool),
        ends=np.zeros(shape, bool),
        labels=np.zeros(shape, np.float16),
        weights=np.zeros(shape, np.float16),
    )
    for which, begin, (row, place) in zip(order, begins, places, strict=True):
        i = first[which]
        size = int(rollouts.lengths[i])
        solution = row, slice(place.start + len(begin), place.stop)
        packed.per_token[solution] = rollouts.per_token[i, :size]
        packed.written[solution] = True
        packed.ends[solution] = ends[i, :size]
        packed.labels[solution] = labels[i, :size]
        packed.weights[solution] = min(int(count[which]), MOST_COPIES)
        packed.weights[row, place.stop - 1] *= answer
    return packed


def judged(
    net: Net, rows: PackedSolutions, chosen: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Read the chosen rows: (logits, labels, weights) where a label is, each of shape (ends,)."""
    tokens, positions, texts, per_token, written = (
        torch.from_numpy(a[chosen])
        for a in (rows.tokens, rows.positions, rows.texts, rows.per_token, rows.written)
    )
    causal = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).tril()
    mask = (causal & (texts[:, :, None] == texts[:, None, :]))[:, None]
    logits, _ = net(tokens.long(), per_token.float(), written, positions.long(), mask)
    ends = torch.from_numpy(rows.ends[chosen])
    labels, weights = (
        torch.from_numpy(a[chosen]).float()[ends] for a in (rows.labels, rows.weights)
    )
    return logits[ends], labels, weights


def verifier_loss(net: Net, rows: PackedSolutions, chosen: np.ndarray) -> torch.Tensor:
    """Mean binary cross-entropy (nats a step) of the chosen rows."""
    logits, labels, weights = judged(net, rows, chosen)
    total = F.binary_cross_entropy_with_logits(logits, labels, weight=weights, reduction="sum")
    return total / weights.sum()


@checked
def train_verifier(
    net: Net,
    rows: PackedSolutions,
    *,
    held_out: PackedSolutions,
    every: int,
    batch: int,
    steps: int,
    learning_rate: float,
    seed: int = 0,
    checkpoint: Path | None = None,
    report: Callable[[int, float], None] | None = None,
) -> tuple[list[tuple[int, float]], float]:
    """Train a verifier in place, or go on from its checkpoint.

    Its weights become those of the lowest held-out loss (early stopping, as in Snell et al. 2024,
    appendix D). Where a surprise is heard, the body stays as it is.

    Parameters
    ----------
    held_out : PackedSolutions
        Rows of other problems.
    every : int
        Steps from one measurement of the held-out loss to the next.
    batch, steps, learning_rate, seed, checkpoint, report
        As in :func:`ttclib.lm.training.train_lm`.

    Returns
    -------
    (history, seconds) : tuple
        ``history`` holds (step, held-out loss); ``seconds`` of all its runs.
    """
    every = whole_number("every", every)
    net.body.requires_grad_(not net.hears)
    notes: dict = {"history": [], "best": copy.deepcopy(net.state_dict())}

    def after(step, value):
        if report:
            report(step, value)
        if step % every == 0 or step == steps:
            history = notes["history"]
            history.append((step, held_out_loss(net, held_out)))
            if history[-1][1] <= min(value for _, value in history):
                notes["best"] = copy.deepcopy(net.state_dict())

    seconds = training.descend(
        net.train(),
        lambda step: verifier_loss(net, rows, training.batch_of(len(rows), batch, step, seed)),
        steps=steps,
        learning_rate=learning_rate,
        checkpoint=checkpoint,
        owner=[*vars(rows).values(), *vars(held_out).values(), batch, seed, every],
        notes=notes,
        report=after,
    )
    net.load_state_dict(notes["best"])
    net.eval()
    return notes["history"], seconds


@torch.inference_mode()
def held_out_loss(net: Net, rows: PackedSolutions) -> float:
    """Binary cross-entropy (nats a step) of all rows."""
    total = weight = 0.0
    for first in range(0, len(rows), 32):
        chosen = np.arange(first, min(first + 32, len(rows)))
        share = float(rows.weights[chosen][rows.ends[chosen]].sum())
        total += share * verifier_loss(net, rows, chosen).item()
        weight += share
    return total / weight
