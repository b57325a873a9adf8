"""A small Llama for training: the architecture on one page, saved in the library's format.

It computes what ``transformers.LlamaForCausalLM`` computes with the same weights (a test compares
them), in a form that ``torch.compile`` makes about three times faster on a CPU, and it reads rows
that hold several texts side by side.

Touvron et al. 2023 (Llama): pre-norm blocks with RMSNorm (Zhang and Sennrich 2019), rotary
positions (Su et al. 2021), SwiGLU (Shazeer 2020); input and output embeddings are tied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttclib.inputs import whole_number
from ttclib.lm.arithmetic import MAX_LENGTH
from ttclib.machine import memory_limit

# sizes, here and in a config.json of transformers; then what all such models have in common
_NAMES = {"vocabulary": "vocab_size", "width": "hidden_size", "hidden": "intermediate_size"}
_NAMES |= {"layers": "num_hidden_layers", "heads": "num_attention_heads"}
_NAMES |= {"context": "max_position_embeddings"}
_LLAMA = {"model_type": "llama", "rms_norm_eps": 1e-6, "tie_word_embeddings": True}
_LLAMA |= {"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}
_LLAMA |= {"attention_bias": False, "mlp_bias": False, "hidden_act": "silu"}
_MOST = 1 / 8  # of the memory, up to which a second copy of the weights is worth it


@dataclass(frozen=True)
class Shape:
    """Size of a model: ``width`` must be a multiple of ``heads``, and ``width / heads`` even."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    context: int = MAX_LENGTH

    def __post_init__(self):
        for name, value in vars(self).items():
            least = 0 if name in ("hidden", "layers") else 1
            object.__setattr__(self, name, whole_number(name, value, least))
        if self.width % (2 * self.heads):
            raise ValueError(f"width is {self.width}; it must be a multiple of {2 * self.heads}")

    @property
    def parameters(self) -> int:
        """Number of weights, the tied embedding counted once."""
        block = 4 * self.width**2 + 3 * self.width * self.hidden + 2 * self.width
        return self.vocabulary * self.width + self.layers * block + self.width

    @property
    def flops(self) -> tuple[int, int]:
        """The same as :func:`ttclib.lm.flops.coefficients`, where no configuration is at hand."""
        block = 4 * self.width**2 + 3 * self.width * self.hidden
        weights = self.vocabulary * self.width + self.layers * block
        return 2 * weights, 4 * self.layers * self.width

    @property
    def kept(self) -> tuple[int, int, int]:
        """Layers, heads, and a head's width: what a cache of keys and values is made for."""
        return self.layers, self.heads, self.width // self.heads

    @property
    def described(self) -> dict[str, Any]:
        """What ``transformers`` writes into ``config.json`` of such a model."""
        sizes = {theirs: getattr(self, ours) for ours, theirs in _NAMES.items()}
        heads = {"num_key_value_heads": self.heads, "head_dim": self.width // self.heads}
        return sizes | heads | _LLAMA

    def config(self, **tokens):
        """Return the same as a ``transformers.LlamaConfig``; ``tokens`` are special tokens' ids."""
        from transformers import LlamaConfig

        return LlamaConfig.from_dict(self.described | tokens)


class Block(nn.Module):
    """Attention, then a gated layer, each added to the stream."""

    def __init__(self, shape: Shape):
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.norm1 = nn.RMSNorm(width, eps=1e-6)
        self.norm2 = nn.RMSNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, width, bias=False)

    def forward(self, x, cos, sin, mask, keep=None, trie=None):
        """Map the stream (rows, length, width) to itself.

        ``keep(keys, values)`` takes those of the new positions and returns those of all positions.
        With a ``trie`` the stream holds what rows have in common once, and attention spreads it.
        """
        heads = self.qkv(self.norm1(x))
        heads = heads if trie is None else trie.spread(heads)
        rows, length, _ = heads.shape
        heads = heads.view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(heads[:2], cos, sin)
        v = heads[2]
        if keep:
            k, v = keep(k, v)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(rows, length, -1)
        x = x + self.out(mixed if trie is None else trie.fold(mixed))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


def rotate(x, cos, sin):
    """Turn each pair of coordinates (i, i + half) by its position's angle."""
    return x * cos + x.roll(x.shape[-1] // 2, dims=-1) * sin


class Llama(nn.Module):
    """The model: tokens (rows, length) → logits (rows, length, vocabulary).

    Parameters
    ----------
    shape : Shape
    seed : int
        Of the initial weights: normal with standard deviation 1/√(inputs), and 1/√(2 · layers)
        times less where a block adds to the stream.
    """

    frequency: Tensor

    def __init__(self, shape: Shape, seed: int = 0):
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=1e-6)
        width = shape.width // shape.heads
        frequency = 10000.0 ** (-torch.arange(0, width, 2) / width)
        # turned back for the first of a pair: its sine is then negative
        self.register_buffer("frequency", torch.cat([-frequency, frequency]), persistent=False)
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                scale = weight.shape[1] ** -0.5
                if name.endswith(("out.weight", "down.weight")):
                    scale /= (2 * shape.layers) ** 0.5
                nn.init.normal_(weight, 0.0, scale, generator=generator)

    def forward(self, tokens, positions=None, texts=None):
        """Run the model on whole rows.

        Parameters
        ----------
        tokens : int tensor, shape (rows, length)
        positions : int tensor, same shape, optional
            Position of each token in its own text.
        texts : int tensor, same shape, optional
            Number of the text that each token belongs to; texts in a row do not see each other.
        """
        rows, length = tokens.shape
        if positions is None:
            positions = torch.arange(length, device=tokens.device).expand(rows, length)
        mask = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
        if texts is not None:
            mask = (mask & (texts[:, :, None] == texts[:, None, :]))[:, None]
        return F.linear(self.stream(tokens, positions, mask), self.embed.weight)

    def stream(self, tokens, positions, mask, cache=None):
        """Run all but the head: (rows, length, width).

        Parameters
        ----------
        tokens, positions : int tensors, shape (rows, length)
        mask : bool tensor, broadcast to (rows, heads, length, all positions), or None to see all
        cache : object, optional
            ``cache.update(keys, values, layer)``, as in ``transformers``, keeps these and returns
            those of all positions.
        """
        return self.norm(self.through(self.embed(tokens), positions, mask, cache))

    def through(self, x, positions, mask, cache=None, first=0, stop=None, trie=None):
        """Run a stream (rows, length, width) through the blocks ``first``, …, ``stop`` − 1."""
        angle = positions[:, None, :, None] * self.frequency
        cos = angle.cos()
        sin = angle.sin()
        for i in range(first, len(self.blocks) if stop is None else stop):
            keep = None if cache is None else lambda k, v, i=i: cache.update(k, v, i)
            x = self.blocks[i](x, cos, sin, mask, keep, trie)
        return x

    @classmethod
    def of(cls, model) -> Llama | None:
        """Return a copy of a ``transformers`` model, or None if its architecture is another."""
        copy = cls.read(model.config.to_dict(), model.state_dict())
        return copy and copy.to(model.device, model.dtype)

    @classmethod
    def read(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Llama | None:
        """Build the model of a ``config.json`` and weights by name, both as ``transformers`` writes
        them; None if they are those of another architecture.
        """
        if config.get("model_type") != "llama":
            return None
        shape = Shape(**{ours: config[theirs] for ours, theirs in _NAMES.items()})
        if any(config.get(key) != value for key, value in shape.described.items()):
            return None
        model = cls(shape).eval()
        if {n for _, theirs in model._names() for n in theirs} != state.keys() - {"lm_head.weight"}:
            return None
        with torch.no_grad():
            for ours, theirs in model._names():
                ours.copy_(torch.cat([state[name] for name in theirs]))
        return model

    def export(self, **tokens):
        """Return the same model as a ``transformers.LlamaForCausalLM``."""
        from transformers import LlamaForCausalLM

        model = LlamaForCausalLM(self.shape.config(**tokens))
        state = {"lm_head.weight": self.embed.weight}
        for ours, theirs in self._names():
            state |= zip(theirs, ours.chunk(len(theirs)), strict=True)
        model.load_state_dict({name: weight.detach().clone() for name, weight in state.items()})
        return model.eval()

    @property
    def layers(self) -> list[Block]:
        """The blocks, first to last."""
        return [cast(Block, block) for block in self.blocks]

    def _names(self) -> Iterator[tuple[Tensor, list[str]]]:
        """Yield each weight with its name in the library's format, or the names of its parts."""
        yield self.embed.weight, ["model.embed_tokens.weight"]
        yield self.norm.weight, ["model.norm.weight"]
        for i, block in enumerate(self.layers):
            for ours, theirs in (
                (block.qkv, ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")),
                (block.out, ("self_attn.o_proj",)),
                (block.gate_up, ("mlp.gate_proj", "mlp.up_proj")),
                (block.down, ("mlp.down_proj",)),
                (block.norm1, ("input_layernorm",)),
                (block.norm2, ("post_attention_layernorm",)),
            ):
                yield ours.weight, [f"model.layers.{i}.{name}.weight" for name in theirs]


class OneToken:
    """The model for one new token a row, in few operations: what decoding spends its time on.

    At this size starting an operation takes longer than its arithmetic. So the weights of the norms
    are folded into the matrices that follow them, queries and keys turn together, and RMSNorm is a
    division by a length.

    Parameters
    ----------
    model : Llama
        Its weights are copied.
    """

    def __init__(self, model: Llama):
        root = model.shape.width**0.5
        self.heads = model.shape.heads, model.shape.heads  # of queries; of keys and values
        self.frequency = model.frequency
        # √(mean x² + ε) · √width = √(|x|² + ε · width)
        self.smallest = model.norm.weight.new_tensor(1e-6**0.5 * root)
        self.embed = model.embed  # itself, so that whoever counts its positions sees these too
        self.norm = None
        self.head = (self.embed.weight * (model.norm.weight * root)).detach().T.contiguous()
        self.blocks = [
            (
                None,
                (block.qkv.weight * (block.norm1.weight * root)).detach().T.contiguous(),
                block.out.weight.detach().T.contiguous(),
                None,
                (block.gate_up.weight * (block.norm2.weight * root)).detach().T.contiguous(),
                block.down.weight.detach().T.contiguous(),
            )
            for block in model.layers
        ]

    def __call__(self, tokens, positions, mask, cache):
        """Map tokens (rows,) at positions (rows,) to logits (rows, V): see :meth:`Llama.stream`."""
        x = self.embed(tokens)
        angle = positions[:, None, None] * self.frequency
        cos = angle.cos().to(x.dtype)
        sin = angle.sin().to(x.dtype)
        asking, kept = self.heads
        for layer, (norm1, qkv, out, norm2, gate_up, down) in enumerate(self.blocks):
            heads = self._times(self._normed(x, norm1), qkv).view(len(x), asking + 2 * kept, -1)
            turned = rotate(heads[:, : asking + kept], cos, sin)
            k, v = cache.update(turned[:, asking:, None], heads[:, asking + kept :, None], layer)
            # heads that share keys and values are as many positions of one head
            q = turned[:, :asking].view(len(x), kept, asking // kept, -1)
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            x = self._plus(x, mixed.reshape(len(x), -1), out)
            gate, up = self._times(self._normed(x, norm2), gate_up).chunk(2, dim=-1)
            x = self._plus(x, F.silu(gate) * up, down)
        return self._times(self._normed(x, self.norm), self.head)

    def _times(self, x, weight):
        return torch.mm(x, weight)

    def _plus(self, x, y, weight):
        return torch.addmm(x, y, weight)

    def _normed(self, x, weight):
        return x / torch.hypot(torch.linalg.vector_norm(x, dim=-1, keepdim=True), self.smallest)


class Prepacked(OneToken):
    """The same for a larger Llama of ``transformers``, whose heads may share keys and values.

    Its steps are as quick as its products. So the matrices are laid out once as oneDNN multiplies
    them, which it else does anew for each product, and those that read the same stream are joined.

    Parameters
    ----------
    model : transformers.LlamaForCausalLM
        One of which :meth:`refuses` says None. Its weights are copied.
    """

    def __init__(self, model):
        body = model.model
        self.heads = model.config.num_attention_heads, model.config.num_key_value_heads
        self.frequency = torch.cat([-body.rotary_emb.inv_freq, body.rotary_emb.inv_freq])
        self.epsilon = model.config.rms_norm_eps
        self.embed = body.embed_tokens
        self.norm = body.norm.weight
        self.head = _packed(model.lm_head)
        self.blocks = [
            (
                block.input_layernorm.weight,
                _packed(block.self_attn.q_proj, block.self_attn.k_proj, block.self_attn.v_proj),
                _packed(block.self_attn.o_proj),
                block.post_attention_layernorm.weight,
                _packed(block.mlp.gate_proj, block.mlp.up_proj),
                _packed(block.mlp.down_proj),
            )
            for block in body.layers
        ]

    @staticmethod
    def refuses(model) -> str | None:
        """Say in one line why a model is not computed here, or not on this machine; else None."""
        from transformers import LlamaForCausalLM

        if type(model) is not LlamaForCausalLM:
            return f"it is a {type(model).__name__}, no LlamaForCausalLM"
        if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
            return "this PyTorch comes without oneDNN"
        config = model.config
        for name in ("attention_bias", "mlp_bias", "hidden_act"):
            if (found := getattr(config, name)) != _LLAMA[name]:
                return f"{name} is {found}"
        if (rope := cast(Any, config.rope_parameters)["rope_type"]) != "default":
            return f"rope_type is {rope}"
        with torch.device("meta"):  # shapes without memory
            plain = LlamaForCausalLM(config)
        has, asks = ({n: w.shape for n, w in m.named_parameters()} for m in (model, plain))
        if has != asks:
            return "its weights are not those that its configuration asks for"
        kinds = {(type(w), w.dtype, w.device.type) for w in model.parameters()}
        dtypes = [torch.float32] + [torch.bfloat16] * torch.ops.mkldnn._is_mkldnn_bf16_supported()
        if kinds not in [{(nn.Parameter, dtype, "cpu")} for dtype in dtypes]:
            return f"its weights are {kinds}"
        size = sum(weight.nbytes for weight in model.parameters())
        if size > _MOST * (limit := memory_limit()):
            return f"a second copy of its {size / 1e6:.0f} MB is too much for {limit / 1e9:.1f} GB"
        return None

    def _normed(self, x, weight):
        return F.rms_norm(x, weight.shape, weight, self.epsilon)

    def _times(self, x, weight):
        return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")

    def _plus(self, x, y, weight):
        return x + self._times(y, weight)


def _packed(*layers: nn.Linear) -> Tensor:
    """Return the weights of linear layers, side by side, as oneDNN multiplies them."""
    whole = torch.cat([layer.weight.detach() for layer in layers])
    return torch.ops.mkldnn._reorder_linear_weight(whole)
