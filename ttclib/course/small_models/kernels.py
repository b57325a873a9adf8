"""What a token costs in seconds: multiplying in float32, in bfloat16, and in 8-bit integers.

The integers are multiplied by a kernel of PyTorch: weights are kept as int8, and the inputs are
rounded to 8 bits at each call (*dynamic quantization*), so that the products are whole numbers.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from ttclib.inputs import checked, whole_number

FLOAT32 = "float32"
BFLOAT16 = "bfloat16"
INT8 = "int8"
KINDS = (FLOAT32, BFLOAT16, INT8)


class Int8Linear(nn.Module):
    """A linear layer without bias whose products are those of 8-bit integers.

    Parameters
    ----------
    linear : torch.nn.Linear
        Its weights are rounded once, on one grid from −127 to 127 steps.
    """

    def __init__(self, linear: nn.Linear):
        super().__init__()
        weight = linear.weight.detach()
        step = float(weight.abs().max()) / 127
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it moves to a package of its own, torchao
            self.weight = torch.quantize_per_tensor(weight, step, 0, torch.qint8)
        self.packed = torch.ops.quantized.linear_prepack(self.weight, None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Round the inputs to 8 bits, multiply, and return float32."""
        return torch.ops.quantized.linear_dynamic(x, self.packed)


@checked
def in_int8(model: nn.Module) -> nn.Module:
    """A copy in which every ``nn.Linear`` is an :class:`Int8Linear`.

    Raises
    ------
    ValueError
        If this PyTorch has no such kernel for this processor.
    """
    try:
        if isinstance(model, nn.Linear):
            return Int8Linear(model)
        small = copy.deepcopy(model)
        for part in small.modules():
            for name, child in part.named_children():
                if isinstance(child, nn.Linear):
                    setattr(part, name, Int8Linear(child))
        return small
    except (RuntimeError, AttributeError) as error:
        raise ValueError(f"no int8 kernel here: {str(error).splitlines()[0]}") from None


@checked
def in_kinds(model: nn.Module) -> dict[str, nn.Module]:
    """The model in each kind of number."""
    half = copy.deepcopy(model).bfloat16()
    return {FLOAT32: model, BFLOAT16: half, INT8: in_int8(model)}


def best_seconds(run: Callable[[], object], least: float) -> float:
    """Shortest of the calls that fit into ``least`` seconds: what no other work disturbed."""
    run()
    best = float("inf")
    end = time.perf_counter() + least
    while True:
        start = time.perf_counter()
        run()
        now = time.perf_counter()
        best = min(best, now - start)
        if now > end:
            return best


def rounds_of(
    runs: Mapping[str, Callable[[], object]], rounds: int, least: float = 0.03
) -> dict[str, np.ndarray]:
    """Time several computations in turn, ``rounds`` times: seconds, each (rounds,).

    In turn, so that whatever else the machine does in a round meets all of them.
    """
    rounds = whole_number("rounds", rounds)
    found: dict[str, list[float]] = {name: [] for name in runs}
    with torch.inference_mode():
        for _ in range(rounds):
            for name, run in runs.items():
                found[name].append(best_seconds(run, least))
    return {name: np.array(values) for name, values in found.items()}


def layer_seconds(
    width: int, tokens: int, rounds: int, least: float = 0.03
) -> dict[str, np.ndarray]:
    """Seconds of one layer, ``width`` → 4 · ``width``, for so many tokens at once, by kind."""
    width = whole_number("width", width)
    x = torch.randn(whole_number("tokens", tokens), width, generator=torch.Generator())
    layers = in_kinds(nn.Linear(width, 4 * width, bias=False))

    def run(kind):
        given = x.bfloat16() if kind == BFLOAT16 else x
        return lambda: layers[kind](given)

    return rounds_of({kind: run(kind) for kind in KINDS}, rounds, least)


def model_seconds(model, tokens: int, rounds: int, least: float = 0.03) -> dict[str, np.ndarray]:
    """Seconds of a model's forward pass over a text of so many tokens, by kind."""
    text = torch.arange(whole_number("tokens", tokens))[None] % model.shape.vocabulary
    models = in_kinds(model)

    def run(kind):
        return lambda: models[kind](text)

    return rounds_of({kind: run(kind) for kind in KINDS}, rounds, least)
