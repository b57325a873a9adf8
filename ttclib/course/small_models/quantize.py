"""Weights on a grid of few bits: rounding to nearest, and GPTQ.

A grid of b bits has 2^b evenly spaced values, 0 among them. Weights that share a grid are a
*group*: a whole matrix, a row of it, or a run of neighbours in a row. Frantar et al. 2022 (GPTQ:
*Accurate Post-Training Quantization for Generative Pre-trained Transformers*, arXiv 2210.17323).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import nn

from ttclib.course.small_models.distil import AT_ONCE
from ttclib.course.small_models.prune import inputs
from ttclib.inputs import checked, finite_array, one_of, positive, whole_number
from ttclib.lm.llama import Llama
from ttclib.lm.training import PackedTexts

NEAREST = "round to nearest"
GPTQ = "GPTQ"
METHODS = (NEAREST, GPTQ)
MATRIX = "matrix"  # one grid for all of it
ROW = "row"  # a grid for each output
SHARING = (MATRIX, ROW, 96, 32)
BITS = (8, 6, 4, 3, 2)
_SCALE = np.finfo(np.float16)


class Quantized(NamedTuple):
    """A matrix on grids.

    Attributes
    ----------
    codes : numpy.ndarray of uint8, shape (rows, columns)
        Places on the grid, from 0 to 2^bits − 1.
    scale : numpy.ndarray of float16, shape (groups, 1)
        Steps of the grids.
    zero : numpy.ndarray of uint8, shape (groups, 1)
        The place of the value 0 on each grid.
    bits : int
    """

    codes: np.ndarray
    scale: np.ndarray
    zero: np.ndarray
    bits: int

    @property
    def weight(self) -> np.ndarray:
        """The values: step · (place − place of 0), float64 (rows, columns)."""
        groups = self.codes.reshape(len(self.scale), -1).astype(float)
        return (self.scale * (groups - self.zero)).reshape(self.codes.shape)

    @property
    def packed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is kept in memory: packed codes, steps, packed zeros."""
        return pack(self.codes, self.bits), self.scale, pack(self.zero, self.bits)

    @property
    def nbytes(self) -> int:
        """Bytes of that."""
        return sum(part.nbytes for part in self.packed)


def pack(codes: np.ndarray, bits: int) -> np.ndarray:
    """Write codes side by side, ``bits`` bits each; uint8, the last one filled up with zeros."""
    each = np.unpackbits(np.asarray(codes, np.uint8).reshape(-1, 1), axis=1)
    return np.packbits(each[:, 8 - bits :])


def unpack(packed: np.ndarray, bits: int, count: int) -> np.ndarray:
    """Read ``count`` codes of ``bits`` bits each: the way back of :func:`pack`."""
    each = np.unpackbits(packed, count=count * bits).reshape(count, bits)
    return np.packbits(np.pad(each, ((0, 0), (8 - bits, 0))), axis=1)[:, 0]


def grid(values: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay a grid over each row of ``values``: from its smallest to its largest value, 0 included.

    Returns
    -------
    (scale, zero) : tuple of numpy.ndarray, shape (rows, 1)
        The step, rounded to float16 as it is kept, and the place of 0.
    """
    top = 2**bits - 1
    low = np.minimum(values.min(axis=-1, keepdims=True), 0.0)
    high = np.maximum(values.max(axis=-1, keepdims=True), 0.0)
    scale = ((high - low) / top).clip(_SCALE.tiny, _SCALE.max).astype(np.float16)
    zero = np.rint(-low / scale.astype(float)).clip(0, top)
    return scale.astype(float), zero


def nearest(values: np.ndarray, scale: np.ndarray, zero: np.ndarray, bits: int) -> np.ndarray:
    """Return the place on the grid that is nearest to each value."""
    return (np.rint(values / scale) + zero).clip(0, 2**bits - 1)


def group_size(shape: tuple[int, int], sharing: str | int) -> int:
    """How many weights share a grid: all of a ``"matrix"``, a ``"row"``, or as many as are said.

    Raises
    ------
    ValueError
        If rows cannot be cut into groups of that size.
    """
    rows, columns = shape
    if isinstance(sharing, str):
        return rows * columns if one_of("sharing", sharing, (MATRIX, ROW)) == MATRIX else columns
    size = whole_number("sharing", sharing)
    if columns % size:
        raise ValueError(f"sharing is {size}; it must divide the {columns} columns of the matrix")
    return size


def _inputs(weight, bits) -> tuple[np.ndarray, int]:
    return finite_array("weight", weight, ndim=2, least=1), whole_number("bits", bits, 1, 8)


def round_to_nearest(weight: np.ndarray, bits: int, sharing: str | int = ROW) -> Quantized:
    """Put each weight on the nearest value of its group's grid.

    Parameters
    ----------
    weight : array_like, shape (rows, columns)
    bits : int
        From 1 to 8.
    sharing : "matrix", "row" or int
        Which weights share a grid: see :func:`group_size`.

    Raises
    ------
    ValueError
        If ``bits`` or ``sharing`` cannot be.
    """
    weight, bits = _inputs(weight, bits)
    groups = weight.reshape(-1, group_size(weight.shape, sharing))
    scale, zero = grid(groups, bits)
    codes = nearest(groups, scale, zero, bits).reshape(weight.shape)
    return Quantized(codes.astype(np.uint8), np.float16(scale), zero.astype(np.uint8), bits)


def damped(moments: np.ndarray, damp: float) -> np.ndarray:
    """Add to the diagonal of second moments a share of its mean, so that they can be inverted."""
    return moments + damp * np.trace(moments) / len(moments) * np.eye(len(moments))


def factor(moments: np.ndarray) -> np.ndarray:
    """Return the upper triangular U with UᵀU = moments⁻¹.

    1 / U[j, j]² is what is left of input j when the inputs after it have been used to predict it,
    and −U[j, j+1:] / U[j, j] says with which weights they do so.
    """
    return np.linalg.cholesky(np.linalg.inv(moments)).T


def gptq(
    weight: np.ndarray,
    moments: np.ndarray,
    bits: int,
    sharing: str | int = ROW,
    damp: float = 0.01,
) -> Quantized:
    """Quantize column after column; what a column loses, those still free make good.

    Parameters
    ----------
    weight : array_like, shape (rows, columns)
    moments : array_like, shape (columns, columns)
        Mean of x xᵀ over inputs x of the layer.
    bits : int
        From 1 to 8.
    sharing : "row" or int
        Which weights share a grid. A group's grid is laid when its first column is reached.
    damp : float
        Share of the mean of the moments' diagonal that is added to it; the paper's is 0.01.

    Raises
    ------
    ValueError
        If the shapes do not fit, the moments are not those of any inputs, or a matrix shares a
        grid, which would have to be laid before the weights move.
    """
    weight, bits = _inputs(weight, bits)
    rows, columns = weight.shape
    moments = finite_array("moments", moments, shape=(columns, columns))
    size = group_size(weight.shape, sharing)
    if size > columns:
        raise ValueError('sharing is "matrix"; GPTQ lays its grids along a row: "row" or a number')
    try:
        upper = factor(damped(moments, positive("damp", damp)))
    except np.linalg.LinAlgError:
        raise ValueError("moments cannot be inverted; they must be a mean of x xᵀ") from None
    free = weight.copy()
    codes = np.empty(weight.shape, np.uint8)
    scales = np.empty((rows, columns // size))
    zeros = np.empty((rows, columns // size))
    scale = zero = np.empty((rows, 1))
    for j in range(columns):
        if j % size == 0:
            scale, zero = grid(free[:, j : j + size], bits)
            scales[:, [j // size]] = scale
            zeros[:, [j // size]] = zero
        place = nearest(free[:, [j]], scale, zero, bits)
        codes[:, [j]] = place
        lost = free[:, [j]] - scale * (place - zero)
        free[:, j:] -= lost * (upper[j, j:] / upper[j, j])
    kept = np.float16(scales.reshape(-1, 1)), zeros.reshape(-1, 1).astype(np.uint8)
    return Quantized(codes, *kept, bits)


def output_error(weight: np.ndarray, found: np.ndarray, moments: np.ndarray) -> float:
    """Mean squared error of a layer's outputs, summed over them: tr(D M Dᵀ), D the difference."""
    gap = np.asarray(found) - weight
    return float(np.einsum("ij,jk,ik", gap, moments, gap, optimize=True))


# ---- a whole model -------------------------------------------------------------------------------


def matrices(model: nn.Module) -> dict[str, nn.Linear]:
    """The matrices of a model's blocks by name; its embedding is not among them."""
    return {name: part for name, part in model.named_modules() if isinstance(part, nn.Linear)}


@torch.no_grad()
def second_moments(model: Llama, rows: PackedTexts) -> dict[str, np.ndarray]:
    """Mean of x xᵀ of the inputs of each matrix, over all tokens of the texts."""
    found: dict[str, torch.Tensor] = {}
    real = torch.empty(0)

    def note(name):
        def hook(_, inputs, __):
            x = inputs[0].flatten(0, 1)[real].double()
            found[name] = found.get(name, 0) + x.T @ x

        return hook

    hooks = [part.register_forward_hook(note(name)) for name, part in matrices(model).items()]
    for first in range(0, len(rows), AT_ONCE):
        given = inputs(rows, slice(first, first + AT_ONCE))
        real = given[-1].flatten() >= 0
        model(*given)
    for hook in hooks:
        hook.remove()
    count = np.count_nonzero(rows.texts >= 0)
    return {name: (total / count).numpy() for name, total in found.items()}


class Shrunk(NamedTuple):
    """A model whose matrices are on grids.

    Attributes
    ----------
    model : Llama
        With the values of the grids as its weights, so that it runs as any other.
    layers : dict of str to Quantized
    """

    model: Llama
    layers: dict[str, Quantized]

    @property
    def nbytes(self) -> int:
        """Bytes in memory: packed matrices with steps and zeros; all else two bytes a number."""
        numbers = sum(weight.numel() for weight in self.model.parameters())
        held = sum(layer.codes.size for layer in self.layers.values())
        return 2 * (numbers - held) + sum(layer.nbytes for layer in self.layers.values())


@checked
@torch.no_grad()
def shrink(
    model: Llama,
    bits: int,
    sharing: str | int = ROW,
    moments: Mapping[str, np.ndarray] | None = None,
) -> Shrunk:
    """Quantize a copy of a model: by GPTQ where moments are given, else to the nearest value.

    Parameters
    ----------
    model : Llama
    bits : int
    sharing : "matrix", "row" or int
    moments : mapping, optional
        From :func:`second_moments`.
    """
    small = copy.deepcopy(model)
    layers = {}
    for name, part in matrices(small).items():
        weight = part.weight.double().numpy()
        if moments is None:
            layers[name] = round_to_nearest(weight, bits, sharing)
        else:
            layers[name] = gptq(weight, moments[name], bits, sharing)
        part.weight.copy_(torch.from_numpy(layers[name].weight))
    return Shrunk(small, layers)


def size_in_bytes(model: nn.Module, bytes_each: int = 4) -> int:
    """Bytes of a model that is kept as plain numbers: of float32 four each, of bfloat16 two."""
    return bytes_each * sum(weight.numel() for weight in model.parameters())


def as_bfloat16(model: Llama) -> Llama:
    """A copy with all weights rounded to bfloat16, which runs in float32."""
    small = copy.deepcopy(model)
    for weight in small.parameters():
        weight.data = weight.data.bfloat16().float()
    return cast(Llama, small)
