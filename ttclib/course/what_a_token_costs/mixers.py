"""Mixers: layers in which a token takes up what came before it, each with the same two calls.

``parallel(x)`` reads a whole text, as training does. ``step(x, state)`` reads one more token, as
generation does. Both say the same, and the state is all that a mixer keeps of a text: rows of keys
and values in attention, a matrix of fixed size in retention and in state spaces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttclib.inputs import LARGEST_COUNT, whole_number

State = tuple  # of tensors whose first axis is the batch, or of such tuples
EPS = 1e-6  # of the norms


class Mixer(nn.Module):
    """A layer that reads the past.

    ``parallel(x)`` takes float tensors (batch, length, width) to the same shape; what it says of a
    token depends on no later one. ``step(x, state)`` takes (batch, width) and a state to the same
    shape and the state after it; ``state=None`` begins a text. What goes in has to fit:
    ``ValueError`` else.
    """

    def __init__(self, width: int):
        super().__init__()
        self.width = whole_number("width", width)

    def fits(self, x: Tensor, ndim: int, state: State | None = None) -> None:
        """Raise ``ValueError`` unless ``x`` has this many axes and fits width and state."""
        if x.ndim != ndim or x.shape[-1] != self.width or 0 in x.shape:
            wanted = "(batch, length, {})" if ndim == 3 else "(batch, {})"
            raise ValueError(
                f"x has shape {tuple(x.shape)}; it must be {wanted.format(self.width)}"
            )
        if state and isinstance(state[0], Tensor) and len(state[0]) != len(x):
            raise ValueError(f"x has {len(x)} rows and the state {len(state[0])}; give it as many")

    def split_in(self, name: str, parts: int, whole: int) -> int:
        """Return ``whole / parts``, or raise ``ValueError`` if that is no whole number."""
        if whole % whole_number(name, parts):
            raise ValueError(f"{name} is {parts}; it must divide {whole}")
        return whole // parts


def gather(state, ancestors):
    """Copy the states of ancestors: row i of the new state is row ``ancestors[i]`` of the old.

    Parameters
    ----------
    state : tensor or (nested) tuple of tensors
        First axis: the batch.
    ancestors : int array or tensor, shape (new batch,)
    """
    if isinstance(state, Tensor):
        return state[torch.as_tensor(ancestors, dtype=torch.long)]
    return tuple(gather(part, ancestors) for part in state)


def nbytes(state) -> int:
    """Count the bytes of a state."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    return sum(nbytes(part) for part in state)


def stepwise(mixer, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    """Read x, (batch, length, …), token by token: what ``parallel`` says of it, and the state."""
    said = []
    for token in x.unbind(1):
        y, state = mixer.step(token, state)
        said.append(y)
    return torch.stack(said, 1), state


# ---- attention: keep every token -----------------------------------------------------------------


class Attention(Mixer):
    """Softmax attention: a token weighs the values of all before it by the likeness of their keys.

    Parameters
    ----------
    width, heads : int
    kv_heads : int, optional
        Heads of keys and values; groups of query heads share one (Ainslie et al. 2023).
    window : int, optional
        A token sees this many, itself the last of them (Child et al. 2019).
    rotary : bool
        Turn queries and keys by their positions (Su et al. 2021).

    Source: Vaswani et al. 2017. The state holds the keys and values that can still be seen, and
    the position.
    """

    def __init__(self, width, heads, kv_heads=None, window=None, rotary=True):
        super().__init__(width)
        self.heads = heads
        self.kv_heads = kv_heads or heads
        self.size = self.split_in("heads", heads, width)
        self.split_in("kv_heads", self.kv_heads, heads)
        self.window = LARGEST_COUNT if window is None else whole_number("window", window)
        self.rotary = rotary
        if rotary and self.size % 2:
            raise ValueError(f"a head has {self.size} numbers; turns need pairs: make it even")
        self.qkv = nn.Linear(width, (heads + 2 * self.kv_heads) * self.size, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x, position):
        """Queries (batch, heads, n, size); keys and values (batch, kv_heads, n, size)."""
        parts = self.qkv(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
        q, k, v = parts.split([self.heads, self.kv_heads, self.kv_heads], dim=1)
        return (turn(q, position), turn(k, position), v) if self.rotary else (q, k, v)

    def parallel(self, x):
        """Compare every query with every key."""
        self.fits(x, 3)
        q, k, v = self.project(x, torch.arange(x.shape[1]))
        return self.read(q, k, v, whole=True)

    def step(self, x, state=None):
        """Compare one query with all keys that are kept."""
        self.fits(x, 2, state)
        none = x.new_zeros(len(x), self.kv_heads, 0, self.size)
        keys, values, at = state or (none, none, torch.zeros(len(x), 1, 1, dtype=torch.long))
        q, k, v = self.project(x[:, None], at)
        keys = torch.cat([keys, k], dim=2)[:, :, -self.window :]
        values = torch.cat([values, v], dim=2)[:, :, -self.window :]
        return self.read(q, keys, values)[:, 0], (keys, values, at + 1)

    def seen(self, n):
        """Which keys each query of a whole text sees, bool (n, n)."""
        return torch.ones(n, n, dtype=torch.bool).tril().triu(1 - self.window)

    def read(self, q, k, v, whole=False):
        """Mix the values (batch, kv_heads, m, size); a ``whole`` text is read from its past."""
        grouped = q.unflatten(1, (self.kv_heads, -1))
        scores = grouped @ k[:, :, None].transpose(-1, -2) / math.sqrt(self.size)
        if whole:
            scores = scores.masked_fill(~self.seen(q.shape[2]), -torch.inf)
        mixed = (scores.softmax(-1) @ v[:, :, None]).flatten(1, 2)
        return self.out(mixed.transpose(1, 2).flatten(2))


class FusedAttention(Attention):
    """The same in PyTorch's own kernel, which never holds all scores at once (Dao et al. 2022)."""

    def read(self, q, k, v, whole=False):
        """Mix the values in one kernel, which needs no mask unless there is a window."""
        n = q.shape[2]
        mask = self.seen(n) if whole and n > self.window else None
        causal = whole and mask is None
        mixed = F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, enable_gqa=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


def turn(x, position):
    """Turn pairs of coordinates (i, i + half) of x, (…, n, size), by angles of their positions."""
    half = x.shape[-1] // 2
    angle = position[..., None] * 10000.0 ** (-torch.arange(half, dtype=x.dtype) / half)
    first, second = x.split(half, dim=-1)
    cos = angle.cos()
    sin = angle.sin()
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


# ---- a memory of fixed size: write, fade, read ---------------------------------------------------


def all_at_once(q, k, v, fade):
    """Read a whole text: token i gets the values j ≤ i by (query i · key j) and what faded between.

    Parameters
    ----------
    q, k : tensor, shape (batch, heads, length, state)
    v : tensor, shape (batch, heads, length, size)
    fade : tensor, shape (batch or 1, heads, length)
        Log of what the memory keeps as a token comes.
    """
    kept = fade.cumsum(-1)
    between = kept[..., :, None] - kept[..., None, :]
    past = torch.ones_like(between, dtype=torch.bool).tril()
    return (q @ k.transpose(-1, -2) * between.masked_fill(~past, -torch.inf).exp()) @ v


def one_token(q, k, v, fade, memory):
    """Fade a memory (batch, heads, state, size), write a token into it, and read it."""
    memory = fade.exp()[..., None] * memory + k.transpose(-1, -2) @ v
    return q @ memory, memory


def one_chunk(q, k, v, fade, memory):
    """Read some tokens: among themselves all at once, and what is older from the memory."""
    kept = fade.cumsum(-1)[..., None]
    left = kept[..., -1:, :] - kept  # log of what is left of a token at the chunk's end
    said = all_at_once(q, k, v, fade) + (q * kept.exp()) @ memory
    return said, kept[..., -1:, :].exp() * memory + (k * left.exp()).transpose(-1, -2) @ v


class Memory(Mixer):
    """What retention and state spaces share: a matrix a head that is read, faded and written.

    A kind of it says by ``terms(x)`` what it reads (q), writes (k, v) and keeps (fade). The state
    is the matrix, (batch, heads, state, width / heads).
    """

    def __init__(self, width, heads, state, terms):
        super().__init__(width)
        self.heads = heads
        self.size = self.split_in("heads", heads, width)
        self.state = state
        self.enter = nn.Linear(width, terms, bias=False)
        self.gate = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def parallel(self, x):
        """Compare every query with every key: quadratic in the length."""
        self.fits(x, 3)
        return self.leave(x, all_at_once(*self.terms(x)))

    def chunkwise(self, x, chunk):
        """Say what ``parallel`` says, ``chunk`` tokens at a time: linear in the length."""
        self.fits(x, 3)
        memory = self.empty(x)
        said = []
        for part in x.split(whole_number("chunk", chunk), dim=1):
            y, memory = one_chunk(*self.terms(part), memory)
            said.append(y)
        return self.leave(x, torch.cat(said, dim=2))

    def step(self, x, state=None):
        """Fade the memory, write one token, read."""
        self.fits(x, 2, state)
        (memory,) = state or (self.empty(x),)
        y, memory = one_token(*self.terms(x[:, None]), memory)
        return self.leave(x[:, None], y)[:, 0], (memory,)

    def empty(self, x):
        """Return the memory that a text begins with."""
        return x.new_zeros(len(x), self.heads, self.state, self.size)

    def by_head(self, x):
        """(batch, n, heads · any) → (batch, heads, n, any)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def leave(self, x, y):
        """Bring each head to length 1, let a gate through, and join the heads."""
        y = F.rms_norm(y, y.shape[-1:], eps=EPS).transpose(1, 2).flatten(2)
        return self.out(F.silu(self.gate(x)) * y)


class Retention(Memory):
    """Retention: each head forgets at a rate of its own, whatever it reads.

    Parameters
    ----------
    width, heads : int
    state : int, optional
        Numbers of a key. Default: as many as a value has.
    decays : sequence of float in (0, 1], optional
        What each head keeps a token. Default: 1 − 2⁻⁵, 1 − 2⁻⁶, …

    Source: Sun et al. 2023, without the turning of queries and keys.
    """

    def __init__(self, width, heads, state=None, decays=None):
        state = width // whole_number("heads", heads) if state is None else state
        whole_number("state", state)
        super().__init__(width, heads, state, 2 * heads * state + width)
        usual = [1 - 2.0 ** (-5 - h) for h in range(heads)]
        keep = usual if decays is None else [float(share) for share in decays]
        if len(keep) != heads or not all(0 < share <= 1 for share in keep):
            raise ValueError(f"decays is {decays}; it must hold {heads} numbers in (0, 1]")
        fade = [[math.log(share)] for share in keep]  # log of a meta tensor: a compiler
        self.register_buffer("fade", torch.tensor(fade, dtype=torch.float64))

    def terms(self, x):
        """Return q, k, v and a fade that the text does not change."""
        keys = self.heads * self.state
        q, k, v = (self.by_head(p) for p in self.enter(x).split([keys, keys, self.width], dim=-1))
        fade = self.fade.to(x.dtype).expand(1, -1, x.shape[1])
        return q * self.state**-0.5, k, v, fade


class Selective(Memory):
    """A selective state space: the token itself says how much fades and how strongly it is written.

    Parameters
    ----------
    width, heads : int
    state : int
        Numbers of a key.

    Source: Dao and Gu 2024 (Mamba-2): the memory fades by exp(−Δ · rate) and Δ k vᵀ is added.
    Their short convolution is a mixer of its own here: :class:`ShortConvolution`.
    """

    def __init__(self, width, heads, state=16):
        whole_number("state", state)
        super().__init__(width, heads, state, 2 * heads * state + width)
        self.strength = nn.Linear(width, heads)
        self.rate = nn.Parameter(torch.zeros(heads))  # log
        first = torch.logspace(-3, -1, heads)  # Δ before training: long and short memories
        self.strength.bias.data = first.expm1().log()

    def terms(self, x):
        """Return q, k, v and a fade that the token decides."""
        keys = self.heads * self.state
        q, k, v = (self.by_head(p) for p in self.enter(x).split([keys, keys, self.width], dim=-1))
        delta = F.softplus(self.strength(x)).transpose(1, 2)
        fade = -delta * self.rate.exp()[:, None]
        return q * self.state**-0.5, k * delta[..., None], v, fade


class TimeInvariant(Mixer):
    """A state space whose dynamics never change: it writes, fades and reads always in the same way.

    Each channel drives ``state`` damped oscillations. What comes out is a convolution of what goes
    in, so a fast Fourier transform computes all tokens at once. The state is where each
    oscillation stands: (batch, width, state, 2).

    Source: Gu et al. 2022 (S4D), with steps of one token.
    """

    def __init__(self, width, state=16):
        super().__init__(width)
        self.state = whole_number("state", state)
        self.enter = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        rates = torch.logspace(-3, -0.3, self.state).log()
        turns = torch.arange(self.state) * math.pi / self.state
        self.rate = nn.Parameter(rates.repeat(width, 1))  # log
        self.turn = nn.Parameter(turns.repeat(width, 1))
        self.read = nn.Parameter(torch.ones(width, self.state) * self.state**-0.5)

    def parallel(self, x):
        """Convolve with the answer to a single push."""
        self.fits(x, 3)
        n = x.shape[1]
        power = torch.arange(n, dtype=x.dtype)[:, None, None]
        kernel = self.read * (-self.rate.exp() * power).exp() * (self.turn * power).cos()
        # twice the length: what runs over the end must not come in again at the start
        spectrum = torch.fft.rfft(kernel.sum(-1), 2 * n, dim=0)
        u = torch.fft.rfft(self.enter(x), 2 * n, dim=1)
        return self.leave(x, torch.fft.irfft(spectrum * u, 2 * n, dim=1)[:, :n])

    def step(self, x, state=None):
        """Turn and damp each oscillation, and push it."""
        self.fits(x, 2, state)
        (memory,) = state or (x.new_zeros(len(x), self.width, self.state, 2),)
        fade = torch.polar((-self.rate.exp()).exp(), self.turn)
        moved = torch.view_as_real(fade * torch.view_as_complex(memory))
        memory = moved + F.pad(self.enter(x)[..., None, None], (0, 1))
        return self.leave(x, (memory[..., 0] * self.read).sum(-1)), (memory,)

    def leave(self, x, y):
        """Let a gate through, and join the channels."""
        return self.out(F.silu(self.gate(x)) * y)


# ---- what stands between -------------------------------------------------------------------------


class ShortConvolution(Mixer):
    """Each channel sees its last few tokens; the state is these tokens."""

    def __init__(self, width, reach=4):
        super().__init__(width)
        self.reach = whole_number("reach", reach)
        self.weight = nn.Parameter(torch.eye(1, self.reach).flip(1).repeat(width, 1))

    def parallel(self, x):
        """Weigh the last few tokens of every place."""
        self.fits(x, 3)
        past = F.pad(x, (0, 0, self.reach - 1, 0)).unfold(1, self.reach, 1)
        return F.silu((past * self.weight).sum(-1))

    def step(self, x, state=None):
        """Weigh the kept tokens and this one."""
        self.fits(x, 2, state)
        (past,) = state or (x.new_zeros(len(x), self.reach - 1, self.width),)
        past = torch.cat([past, x[:, None]], dim=1)
        return F.silu((past * self.weight.T).sum(1)), (past[:, 1:],)


class MLP(Mixer):
    """A layer that reads its own token only: it keeps nothing."""

    def __init__(self, width, hidden):
        super().__init__(width)
        self.up = nn.Linear(width, whole_number("hidden", hidden), bias=False)
        self.out = nn.Linear(hidden, width, bias=False)

    def parallel(self, x):
        """Read each token by itself."""
        self.fits(x, 3)
        return self.out(F.silu(self.up(x)))

    def step(self, x, state=None):
        """Read the token."""
        self.fits(x, 2)
        return self.out(F.silu(self.up(x))), ()


class Chain(Mixer):
    """Mixers one after the other, as one mixer; the state is a tuple of theirs."""

    def __init__(self, *mixers):
        super().__init__(mixers[0].width)
        self.mixers = nn.ModuleList(mixers)

    def parallel(self, x):
        """Pass a whole text through all."""
        for mixer in self.mixers:
            x = mixer.parallel(x)
        return x

    def step(self, x, state=None):
        """Pass a token through all."""
        states = []
        for mixer, one in zip(self.mixers, state or [None] * len(self.mixers), strict=True):
            x, after = mixer.step(x, one)
            states.append(after)
        return x, tuple(states)


class Stack(nn.Module):
    """A language model of mixers: tokens (batch, length) → scores (batch, length, vocabulary).

    Parameters
    ----------
    vocabulary, width : int
    mixers : sequence of Mixer
        Or of anything with their two calls. Each adds to the stream what it says of the stream,
        brought to length 1.
    hidden : int
        If not 0, an :class:`MLP` of this width follows each mixer.
    seed : int
        Of the first weights.
    """

    def __init__(self, vocabulary, width, mixers: Sequence[nn.Module], hidden=0, seed=0):
        super().__init__()
        self.embed = nn.Embedding(whole_number("vocabulary", vocabulary), width)
        layers = []
        for mixer in mixers:
            layers += [mixer, MLP(width, hidden)] if hidden else [mixer]
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=EPS) for _ in layers)
        self.norm = nn.RMSNorm(width, eps=EPS)
        self.out = nn.Linear(width, vocabulary, bias=False)
        draw_weights(self, seed)

    def parallel(self, tokens):
        """Score the next token after each token of (batch, length)."""
        x = self.embed(tokens)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = x + layer.parallel(norm(x))
        return self.out(self.norm(x))

    def step(self, tokens, state=None):
        """Read one more token of each row, (batch,), and score the next."""
        x = self.embed(tokens)
        states = []
        each = zip(self.norms, self.layers, state or [None] * len(self.layers), strict=True)
        for norm, layer, one in each:
            y, after = layer.step(norm(x), one)
            x = x + y
            states.append(after)
        return self.out(self.norm(x)), tuple(states)


def draw_weights(module: nn.Module, seed: int) -> nn.Module:
    """Draw the matrices of linear layers and embeddings anew, from this seed; return the module.

    Normal: standard deviation 1 for an embedding, 1/√(inputs) for a layer. Biases stay.
    """
    generator = torch.Generator().manual_seed(whole_number("seed", seed, 0))
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Embedding)):
            scale = part.in_features**-0.5 if isinstance(part, nn.Linear) else 1.0
            nn.init.normal_(part.weight, 0.0, scale, generator=generator)
    return module
