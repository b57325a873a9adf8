"""The engine: many token sequences on one language model, none of whose prefixes is computed twice.

A transformer keeps the keys and values of every position it has read (the KV cache). The engine
holds them in rows. Sequences that share a prefix share its row; when they part, the row is copied;
when nobody needs it any more, it is overwritten. So *copy the ancestors*, the step that a particle
filter does with numbers, costs a language model no token.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from transformers.cache_utils import Cache

from ttclib.inputs import whole_number
from ttclib.lm.flops import coefficients
from ttclib.lm.llama import Llama, OneToken, Prepacked
from ttclib.lm.vocabulary import Vocabulary

_SMALL = 20_000_000  # parameters up to which a second copy of the weights is worth its memory
_PIECE = 512  # tokens of a prompt that are fed at once: what a mask takes is their square
_ROOM = 64  # positions that a row has room for at first


class CausalLM:
    """A causal language model and its tokenizer.

    Parameters
    ----------
    model : transformers.PreTrainedModel or Llama
        Any decoder-only model whose layers all attend to the whole context, or one of ours.
    tokenizer : transformers.PreTrainedTokenizerBase

    Raises
    ------
    ValueError
        If a layer of the model does not attend to the whole context.
    """

    def __init__(self, model, tokenizer):
        # flops is a, b: a token at a given context costs a + b · context
        if isinstance(model, Llama):
            self.ours: Llama | None = model.eval()
            size = model.shape.vocabulary
            self.context = model.shape.context
            self.flops = model.shape.flops
            self.kept = model.shape.kept
        else:
            config = model.config
            _refuse_partial_attention(config)
            self.model = model.eval()
            # the masks below say yes or no; other implementations would add them to the scores
            self.model.set_attn_implementation("sdpa")
            # for a small model the library's bookkeeping takes longer than its arithmetic
            small = sum(weight.numel() for weight in model.parameters()) < _SMALL
            self.ours = Llama.of(model) if small else None
            size = config.vocab_size
            self.context = config.max_position_embeddings
            self.flops = coefficients(config)
            self.kept = _kept(config)
        self.vocabulary = Vocabulary.of(tokenizer, size=size)

    @cached_property
    def model(self):
        """The model as one of ``transformers``: one of ours becomes it when it is asked for."""
        tokenizer = self.vocabulary.tokenizer
        ids = {name: getattr(tokenizer, name) for name in ("eos_token_id", "pad_token_id")}
        return cast(Llama, self.ours).export(bos_token_id=None, **ids)

    @cached_property
    def next(self) -> OneToken | None:
        """The model for one more token a row, made when first asked for; None if nothing is quicker
        than the model itself.
        """
        if self.ours:
            return OneToken(self.ours)
        return None if Prepacked.refuses(self.model) else Prepacked(self.model)

    def start(self, prompts: Sequence[Sequence[int]], length: int) -> CachedSession:
        """Feed the prompts, for rows of at most ``length`` tokens: see :class:`CachedSession`."""
        return CachedSession(self, prompts, length)


def _refuse_partial_attention(config) -> None:
    """Raise ``ValueError`` for layers whose past is not all in keys and values of every
    position.
    """
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    window = getattr(config, "sliding_window", None) or config.max_position_embeddings
    if not getattr(config, "layer_types", None) and window < config.max_position_embeddings:
        kinds = {"sliding_attention"}
    if kinds:
        raise ValueError(
            f"{config.model_type} has layers with {', '.join(sorted(kinds))}; what works here is a "
            "model whose layers all have full_attention, such as Llama, GPT-2 or Qwen2"
        )


def _kept(config) -> tuple[int, int, int]:
    """Layers, heads, and a head's width, of keys and values."""
    heads = config.num_attention_heads
    kept = getattr(config, "num_key_value_heads", None) or heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return config.num_hidden_layers, kept, width


class CachedSession:
    """Sequences under way on one model.

    Parameters
    ----------
    lm : CausalLM
    prompts : sequence of sequences of int
        Each is fed once, all in one batch.
    length : int
        The most tokens a row may hold, prompt included.

    Attributes
    ----------
    rows : numpy.ndarray, shape (prompts,)
        The row of each prompt.
    log_probs : numpy.ndarray, shape (rows, V)
        Log distribution of the next token, for every row that was fed by the last call.
    positions : int
        Positions that the last call fed.
    flops : numpy.ndarray, shape (m,)
        What each prompt or row cost that the last call fed.

    Raises
    ------
    ValueError
        If a prompt is empty, or ``length`` is beyond the model's context.
    """

    log_probs: np.ndarray

    def __init__(self, lm: CausalLM, prompts: Sequence[Sequence[int]], length: int):
        self.lm = lm
        used = np.array([len(p) for p in prompts])
        if len(used) == 0 or used.min() == 0:
            raise ValueError("a prompt is empty; it must hold at least one token")
        if used.max() > lm.context:
            raise ValueError(
                f"a prompt has {used.max()} tokens; the model's context holds {lm.context}"
            )
        length = whole_number("length", length, int(used.max()))
        if length > lm.context:
            raise ValueError(f"length is {length}; the model's context holds {lm.context} tokens")
        weight = next((lm.ours or lm.model).parameters())
        self._cache = Rows(lm.kept, len(used), length, weight.dtype, weight.device)
        tokens = np.zeros((len(used), used.max()), dtype=np.int64)
        for row, prompt in enumerate(prompts):
            tokens[row, : len(prompt)] = prompt
        # a shorter prompt is followed by padding, which no real token sees and which is written
        # over
        self.rows = np.arange(len(used))
        self._count(used, used * (used + 1) // 2)
        log_probs = np.empty((len(used), len(lm.vocabulary)))
        for begin in range(0, used.max(), _PIECE):
            piece = tokens[:, begin : begin + _PIECE]
            size = piece.shape[1]
            causal = torch.ones(1, 1, size, begin + size, dtype=torch.bool).tril(begin)
            last = (used - 1 - begin).clip(0, size - 1)
            self._forward(piece, np.full_like(used, begin), causal, last)
            ended = used == begin + last + 1
            log_probs[ended] = self.log_probs[ended]
        self.log_probs = log_probs
        self._cache.lengths = used

    def feed(self, rows: np.ndarray, tokens: np.ndarray, keep: Sequence[int] = ()):
        """Extend copies of ``rows`` by one token each; forget all other rows but those in ``keep``.

        Parameters
        ----------
        rows, tokens : int arrays, shape (m,)
            A row may occur several times: it forks.
        keep : sequence of int
            Rows to leave as they are, each once.

        Returns
        -------
        (rows_fed, rows_kept) : tuple of numpy.ndarray
            Where they are now. ``log_probs`` is indexed by ``rows_fed``.
        """
        m = len(rows)
        cache = self._cache
        fed, kept = cache.arrange(np.asarray(rows), np.asarray(keep, dtype=int))
        # Fed rows stand in front, so the model sees one block of the cache and nothing is gathered.
        # They may be of different lengths: what is behind the end of a shorter one is left over
        # from another text, and the mask hides it.
        at = cache.lengths[:m]  # the position of the new token is the number of tokens before it
        if at.max() >= cache.length:
            raise ValueError(f"a row is full; it holds {cache.length} tokens")
        self._count(np.ones(m, dtype=int), at[fed] + 1)
        ordered = np.empty((m, 1), dtype=np.int64)
        ordered[fed, 0] = tokens
        mask = torch.from_numpy(np.arange(at.max() + 1) <= at[:, None])[:, None, None]
        self._forward(ordered, at, mask, last=np.zeros(m, dtype=int))
        cache.lengths[:m] += 1
        return fed, kept

    def _count(self, positions: np.ndarray, contexts: np.ndarray) -> None:
        """Note what a call fed: tokens of each row, and the sum of the contexts they look at."""
        self.positions = int(positions.sum())
        self.flops = self.lm.flops[0] * positions + self.lm.flops[1] * contexts

    @torch.inference_mode()
    def _forward(self, tokens, start, mask, last):
        """Run the model on new tokens (m, k) that follow ``start`` (m,) older ones."""
        device = self._cache.device
        positions = start[:, None] + np.arange(tokens.shape[1])
        self._cache.expect(start, tokens.shape[1])
        tokens = torch.from_numpy(tokens).to(device)
        positions = torch.from_numpy(positions).to(device)
        mask = mask.to(device)
        rows = torch.arange(len(last))
        # the head works only where a next token is wanted: on a large vocabulary it is the largest
        # product
        unmasked = None if mask.all() else mask  # attention without a mask is quicker
        if tokens.shape[1] == 1 and self.lm.next:
            logits = self.lm.next(tokens[:, 0], positions[:, 0], unmasked, self._cache)
        elif ours := self.lm.ours:
            stream = ours.stream(tokens, positions, unmasked, self._cache)
            logits = F.linear(stream[rows, torch.from_numpy(last)], ours.embed.weight)
        else:
            wanted, which = np.unique(last, return_inverse=True)
            logits = self.lm.model(
                input_ids=tokens,
                position_ids=positions,
                attention_mask=mask,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=torch.from_numpy(wanted).to(device),
            ).logits[rows, torch.from_numpy(which)]
        self.log_probs = torch.log_softmax(logits, -1, dtype=torch.float64).cpu().numpy()


class Rows(Cache):
    """Keys and values of all layers, one row a sequence: a cache that can be indexed.

    Axes are (layer, key or value, row, head, position, dimension): what one layer reads lies
    together, which makes attention nearly twice as fast as with whole rows side by side. There is
    room for what is written, not for all that might be: rows and positions double when they run
    out, up to ``length`` positions.
    """

    def __init__(self, kept, rows, length, dtype, device):
        super().__init__(layers=[])
        self.length = length
        self.lengths = np.zeros(rows, dtype=int)
        self.device = device
        layers, heads, width = kept
        shape = (layers, 2, rows, heads, min(length, _ROOM), width)
        self._data = torch.zeros(shape, dtype=dtype, device=device)

    def arrange(self, first: np.ndarray, then: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bring copies of the rows ``first`` to the front, keep ``then`` behind, move as few as
        possible.
        """
        # What is copied is each row's keys and values in every layer, so the cost is in the rows
        # that move. A row that is used once stays where it is, if that is in its half; only the
        # others look for one of the places that are left.
        m = len(first)
        k = len(then)
        source = np.concatenate([first, then])
        target = np.full(m + k, -1)
        stayer = np.empty(len(self.lengths), dtype=int)
        stayer[first[::-1]] = np.arange(m)[::-1]  # of several copies the first may stay in place
        stays = np.concatenate(
            [(stayer[first] == np.arange(m)) & (first < m), (then >= m) & (then < m + k)]
        )
        target[stays] = source[stays]
        moves = ~stays
        free = np.ones(m + k, dtype=bool)
        free[target[stays]] = False
        target[moves] = np.flatnonzero(free)  # in order: the front is filled first
        if m + k > len(self.lengths):
            self._grow(max(m + k, 2 * len(self.lengths)), self._data.shape[4])
        self.lengths[target] = self.lengths[source]
        if moves.any():
            longest = int(self.lengths[target[moves]].max())
            to = torch.from_numpy(target[moves])
            of = torch.from_numpy(source[moves])
            # the right side is read as a whole before anything is written, so rows may change
            # places
            self._data[:, :, to, :, :longest] = self._data[:, :, of, :, :longest]
        return target[:m], target[m:]

    @torch.inference_mode(False)  # rows are moved outside of a forward pass too
    def _grow(self, rows: int, positions: int) -> None:
        layers, two, have, heads, room, width = self._data.shape
        larger = self._data.new_zeros((layers, two, rows, heads, positions, width))
        larger[:, :, :have, :, :room] = self._data
        self._data = larger
        self.lengths = np.append(self.lengths, np.zeros(rows - have, dtype=int))

    # ---- what transformers asks of a cache ------------------------------------------------------

    def expect(self, start: np.ndarray, count: int) -> None:
        """Say where the next forward's ``count`` tokens a row belong: behind ``start``
        (m,) others.
        """
        self._m = len(start)
        self._end = int(start.max()) + count
        have = self._data.shape[4]
        if self._end > have:
            self._grow(len(self.lengths), min(self.length, max(2 * have, self._end)))
        even = start.min() == start.max()
        places = torch.from_numpy(start[:, None] + np.arange(count))  # rows of different lengths
        self._at = slice(int(start[0]), self._end) if even else places
        self._each = torch.arange(self._m)[:, None]

    def update(self, key_states, value_states, layer_idx, *args, **kwargs):
        """Write the new keys and values (m, heads, count, width), and return all of this
        layer's.
        """
        keys, values = self._data[layer_idx]
        if isinstance(self._at, slice):
            keys[: self._m, :, self._at] = key_states
            values[: self._m, :, self._at] = value_states
        else:
            keys[self._each, :, self._at] = key_states.transpose(1, 2)
            values[self._each, :, self._at] = value_states.transpose(1, 2)
        return keys[: self._m, :, : self._end], values[: self._m, :, : self._end]

    def get_seq_length(self, layer_idx=0):
        """Tokens before the ones now fed, in the longest row."""
        return self._end - 1
