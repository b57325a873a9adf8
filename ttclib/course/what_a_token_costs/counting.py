"""What a token costs by formula: floating-point operations, and bytes that a mixer keeps of a text.

Operations are those of matrix products, two for each multiplication and addition, as
``torch.utils.flop_counter`` counts them. (That counter loads PyTorch's compiler, some 90 MB; the
one here sees the same products on the way forward.) Norms, gates and fading are left out: they grow
with the width, not with its square or with the context.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ttclib.course.what_a_token_costs.mixers import (
    MLP,
    Attention,
    Chain,
    Memory,
    Mixer,
    ShortConvolution,
    TimeInvariant,
)
from ttclib.inputs import one_of, whole_number

PARALLEL = "parallel"
CHUNKWISE = "chunkwise"
STEP = "step"
FORMS = (PARALLEL, CHUNKWISE, STEP)
BACKWARD = 2  # the gradient costs twice what the way there costs


_PRODUCTS = (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, nn.functional.linear)


class Products(TorchFunctionMode):
    """Counts the operations of the matrix products that are asked for while it is open.

    Each number of a product is a sum over the last axis of its first factor. A gradient is computed
    elsewhere, and not counted.

    Attributes
    ----------
    flops : int
        So far.
    """

    flops = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Let PyTorch do what it is asked for, and count it."""
        found = function(*args, **(kwargs or {}))
        if function in _PRODUCTS:
            self.flops += 2 * found.numel() * args[0].shape[-1]
        return found


def own_flops(mixer: nn.Module) -> int:
    """Operations of a token's own layers: two for each weight, whatever the text."""
    layers = [part for part in mixer.modules() if isinstance(part, nn.Linear)]
    return 2 * sum(layer.weight.numel() for layer in layers)


def flops(mixer: Mixer, form: str, tokens: int, chunk: int = 64) -> int:
    """Operations of one token: its own layers, and what it reads of a text of ``tokens``.

    Parameters
    ----------
    mixer : Mixer
    form : str
        ``"parallel"``: each token of a text of this length, on average. Attention and memories
        compare all pairs there, also those that a mask then hides. ``"step"``: the last token, of
        a text that was read before. ``"chunkwise"``: as parallel, for a length that ``chunk``
        divides.
    tokens, chunk : int
    """
    tokens = whole_number("tokens", tokens)
    one_of("form", form, FORMS)
    if isinstance(mixer, Chain):
        return sum(flops(part, form, tokens, chunk) for part in mixer.mixers)
    return own_flops(mixer) + _reading(mixer, form, tokens, chunk)


def _reading(mixer, form, tokens, chunk):
    if isinstance(mixer, Attention) and form != CHUNKWISE:
        seen = tokens if form == PARALLEL else min(tokens, mixer.window)
        return 4 * seen * mixer.width  # a product with each key, and one with each value
    if isinstance(mixer, Memory):
        pairs = 2 * (mixer.heads * mixer.state + mixer.width)
        memory = 4 * mixer.state * mixer.width  # written, and read
        return {PARALLEL: tokens * pairs, STEP: memory, CHUNKWISE: chunk * pairs + memory}[form]
    if isinstance(mixer, (TimeInvariant, ShortConvolution, MLP)) and form != CHUNKWISE:
        return 0  # a Fourier transform or sums of products: no product of matrices
    raise ValueError(f"{type(mixer).__name__} has no form {form!r} that is counted here")


def state_bytes(mixer: Mixer, tokens: int, number: int = 4) -> int:
    """Bytes that a mixer keeps of a text of ``tokens``, with ``number`` bytes a number."""
    tokens = whole_number("tokens", tokens)
    if isinstance(mixer, Chain):
        return sum(state_bytes(part, tokens, number) for part in mixer.mixers)
    if isinstance(mixer, Attention):
        return cache_bytes(1, mixer.kv_heads, mixer.size, min(tokens, mixer.window), number)
    if isinstance(mixer, Memory):
        return mixer.heads * mixer.state * mixer.size * number
    if isinstance(mixer, TimeInvariant):
        return 2 * mixer.width * mixer.state * number
    if isinstance(mixer, ShortConvolution):
        return (mixer.reach - 1) * mixer.width * number
    return 0


def cache_bytes(layers: int, kv_heads: int, size: int, tokens: int, number: int = 2) -> int:
    """Bytes of a KV cache: keys and values of each layer, head and token.

    Lieber et al. 2024, table 1, has such numbers of real models, in 16 bits.
    """
    return 2 * layers * kv_heads * size * tokens * number


def crossing(cheaper: Callable[[int], float], dearer: Callable[[int], float]) -> float:
    """Smallest length from which the second costs more than the first, by bisection.

    The difference must grow with the length. Infinity if it stays below 2⁴⁰ tokens.
    """
    low = 0
    high = 2**40
    if dearer(high) <= cheaper(high):
        return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        if dearer(middle) > cheaper(middle):
            high = middle
        else:
            low = middle
    return high
