"""Structured pruning: which parts of a model carry little, and the model without them.

Parts are hidden units of a gated layer, attention heads, whole layers, and coordinates of the
residual stream. Importance is measured by what flows through a part on a few texts, without a
gradient (Muralidharan et al. 2024).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttclib.inputs import one_of, whole_number
from ttclib.lm.llama import Llama, Shape
from ttclib.lm.training import IGNORE, PackedTexts

PARTS = ("hidden", "heads", "layers", "width")
AT_ONCE = 2  # rows: all that flows through them lies in memory


class Importance(NamedTuple):
    """How much flows through each part of a model.

    Attributes
    ----------
    hidden, heads : numpy.ndarray, shapes (layers, hidden), (layers, heads)
        Root mean square of what a unit hands on; of a head, of the length of its output.
    layers : numpy.ndarray, shape (layers,)
        How far a layer turns the stream: 1 − cosine of before and after.
    width : numpy.ndarray, shape (width,)
        Root mean square of each coordinate of the stream, as the norms pass it on.
    """

    hidden: np.ndarray
    heads: np.ndarray
    layers: np.ndarray
    width: np.ndarray


@dataclass(frozen=True)
class Kept:
    """Which parts stay: indices, rising.

    Attributes
    ----------
    hidden, heads : numpy.ndarray of int, a row for each layer of the whole model
    layers, width : numpy.ndarray of int
    """

    hidden: np.ndarray
    heads: np.ndarray
    layers: np.ndarray
    width: np.ndarray


def inputs(rows: PackedTexts, chosen=slice(None)) -> list[Tensor]:
    """Return tokens, positions and texts of some rows, as the model takes them."""
    arrays = (rows.tokens, rows.positions, rows.texts)
    return [torch.as_tensor(array[chosen].astype(np.int64)) for array in arrays]


def importance(model: Llama, rows: PackedTexts) -> Importance:
    """Measure what flows through each part where a token is to be predicted."""
    parts = [_flow(model, rows, slice(i, i + AT_ONCE)) for i in range(0, len(rows), AT_ONCE)]
    tokens = (rows.targets != IGNORE).sum()
    hidden, heads, layers, width = (sum(sums) / tokens for sums in zip(*parts, strict=True))
    return Importance(np.sqrt(hidden), np.sqrt(heads), layers, np.sqrt(width))


@torch.no_grad()
def _flow(model: Llama, rows: PackedTexts, chosen: slice) -> list[np.ndarray]:
    """Sums over tokens: squares of units, of heads, turns of layers, squares of the stream."""
    learned = torch.as_tensor(rows.targets[chosen] != IGNORE)
    into: dict[nn.Module, Tensor] = {}
    out_of: dict[nn.Module, Tensor] = {}

    def look(module, given, result):
        into[module] = given[0][learned]
        out_of[module] = result[learned]

    blocks = model.layers
    norms = [part for part in model.modules() if isinstance(part, nn.RMSNorm)]
    inner = [part for block in blocks for part in (block.down, block.out)]
    hooks = [part.register_forward_hook(look) for part in (*blocks, *inner, *norms)]
    model(*inputs(rows, chosen))
    for hook in hooks:
        hook.remove()
    heads = [into[block.out].unflatten(-1, (model.shape.heads, -1)) for block in blocks]
    sums = [
        torch.stack([into[block.down].square().sum(dim=0) for block in blocks]),
        torch.stack([head.square().sum(dim=(0, 2)) for head in heads]),
        torch.stack([(1 - F.cosine_similarity(into[b], out_of[b], dim=-1)).sum() for b in blocks]),
        sum(out_of[norm].square().sum(dim=0) for norm in norms) / len(norms),
    ]
    return [values.double().numpy() for values in sums]


def largest(scores: np.ndarray, count: int) -> np.ndarray:
    """Indices of the largest scores along the last axis, rising."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    return np.sort(order[..., :count], axis=-1)


def keep(scores: Importance, **counts: int) -> Kept:
    """Keep the most important of each kind of part, and all of a kind that is not named.

    Parameters
    ----------
    counts : int
        How many stay: ``hidden`` and ``heads`` in each layer, ``layers``, ``width``.

    Raises
    ------
    ValueError
        If a kind is unknown, or it has not so many parts.
    """
    found = {}
    for part in counts:
        one_of("part", part, PARTS)
    for part, of_part in scores._asdict().items():
        most = of_part.shape[-1]
        count = whole_number(part, counts.get(part, most), 1, most)
        found[part] = largest(of_part, count)
    return Kept(**found)


def at_random(shape: Shape, rng: np.random.Generator) -> Importance:
    """Scores that mean nothing: the control."""
    each = (shape.layers, shape.hidden), (shape.layers, shape.heads), shape.layers, shape.width
    return Importance(*(rng.random(size) for size in each))


@torch.no_grad()
def switched_off(model: Llama, kept: Kept) -> Llama:
    """Return a copy in which only what is kept reaches the stream: the rest hands on zeros."""
    thin = copy.deepcopy(model)
    size = model.shape.width // model.shape.heads
    stream = torch.zeros(model.shape.width)
    stream[kept.width] = 1.0
    thin.embed.weight *= stream
    for i, block in enumerate(thin.layers):
        units = torch.zeros(model.shape.hidden)
        units[kept.hidden[i]] = 1.0
        heads = torch.zeros(model.shape.heads)
        heads[kept.heads[i]] = 1.0
        stays = stream[:, None] * float(i in kept.layers)
        block.down.weight *= stays * units
        block.out.weight *= stays * heads.repeat_interleave(size)
    return thin


@torch.no_grad()
def cut_out(model: Llama, kept: Kept) -> Llama:
    """Return the smaller model that computes what :func:`switched_off` does.

    Raises
    ------
    ValueError
        If the heads that stay are not as wide together as the stream: our models are built so.
    """
    size = model.shape.width // model.shape.heads
    width = len(kept.width)
    if kept.heads.shape[1] * size != width:
        raise ValueError(
            f"{kept.heads.shape[1]} heads of {size} stay beside a stream of {width}; "
            "they must be as wide together"
        )
    layers, hidden = len(kept.layers), kept.hidden.shape[1]
    small = Llama(
        replace(model.shape, width=width, layers=layers, heads=width // size, hidden=hidden)
    )
    # a norm divides by the root of a mean; over fewer coordinates the mean is larger
    louder = (model.shape.width / width) ** 0.5
    small.embed.weight.copy_(model.embed.weight[:, kept.width])
    small.norm.weight.copy_(model.norm.weight[kept.width] * louder)
    for block, i in zip(small.layers, kept.layers, strict=True):
        whole = model.layers[i]
        units = torch.as_tensor(kept.hidden[i])
        places = torch.arange(model.shape.width).view(-1, size)[kept.heads[i]].flatten()
        three = torch.cat([places + k * model.shape.width for k in range(3)])
        both = torch.cat([units, units + model.shape.hidden])
        block.qkv.weight.copy_(whole.qkv.weight[three][:, kept.width])
        block.out.weight.copy_(whole.out.weight[kept.width][:, places])
        block.gate_up.weight.copy_(whole.gate_up.weight[both][:, kept.width])
        block.down.weight.copy_(whole.down.weight[kept.width][:, units])
        for norm, old in ((block.norm1, whole.norm1), (block.norm2, whole.norm2)):
            norm.weight.copy_(old.weight[kept.width] * louder)
    return small.eval()
