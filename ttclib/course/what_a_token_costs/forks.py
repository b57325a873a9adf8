"""What a fork has to copy: in bytes by formula, in seconds inside the engine's own loop.

What a model keeps of a text is either rows of keys and values, a row a token, or a state of fixed
size, or both. A search copies it whenever a text has two children.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ttclib.course.what_a_token_costs.mixers import (
    Chain,
    Mixer,
    Retention,
    Selective,
    ShortConvolution,
    Stack,
    nbytes,
)
from ttclib.course.what_a_token_costs.recurrent_lm import RecurrentLM
from ttclib.inputs import whole_number
from ttclib.lm import tokenizer
from ttclib.lm.decoding import Decoder
from ttclib.lm.engine import CausalLM
from ttclib.lm.llama import Llama, Shape
from ttclib.lm.protocols import LanguageModel, Session
from ttclib.lm.vocabulary import Vocabulary
from ttclib.particles.smc import Population, keep_all, smc
from ttclib.search import results


@dataclass(frozen=True)
class Kept:
    """What a model keeps of a text of n tokens.

    Parameters
    ----------
    a_token : float
        Bytes for each token.
    fixed : float
        Bytes for the text, whatever its length.
    window : float
        Tokens that are kept at most.
    """

    a_token: float
    fixed: float = 0.0
    window: float = math.inf

    def row(self, tokens) -> np.ndarray:
        """Bytes of a text's own row: what a fork copies."""
        return self.a_token * np.minimum(tokens, self.window) + self.fixed

    def together(self, texts, prompt, written, pages: bool = False) -> np.ndarray:
        """Bytes of many texts that continue one prompt.

        ``pages``: what texts have in common is kept once, as pages that several point to (Kwon et
        al. 2023). A window shares nothing of a prompt that it no longer sees; a fixed state mixes
        prompt and text in the same numbers, so it has nothing to share.
        """
        if not pages:
            return texts * self.row(prompt + written)
        shared = np.clip(np.minimum(self.window - written, prompt), 0, None)
        own = texts * (self.a_token * np.minimum(written, self.window) + self.fixed)
        return self.a_token * shared + own

    def most_texts(self, memory, prompt, written, pages: bool = False) -> int:
        """How many texts fit into so many bytes."""
        one, two = (self.together(texts, prompt, written, pages) for texts in (1, 2))
        return max(0, 1 + math.floor((memory - one) / (two - one)))


def attention(layers: int, heads: int, size: int, window: float = math.inf, width: int = 4) -> Kept:
    """Keys and values of ``heads`` heads of so many numbers, ``width`` bytes each."""
    return Kept(2 * layers * heads * size * width, 0.0, window)


def memory(layers: int, heads: int, state: int, size: int, width: int = 4) -> Kept:
    """A matrix a head, ``state`` by ``size`` numbers: retention and state spaces."""
    return Kept(0.0, layers * heads * state * size * width)


def kept_of(
    layers: int,
    heads: int,
    size: int,
    state: int,
    kv_heads: int = 1,
    window: int = 256,
    width: int = 4,
) -> dict[str, Kept]:
    """What five kinds of model of the same shape keep of a text.

    Parameters
    ----------
    layers, heads, size : int
        Each head has ``size`` numbers; the stream is heads · size wide.
    state : int
        Of the selective state space; a key of retention has ``size`` numbers.
    kv_heads : int
        Heads of keys and values where queries share them, in groups and in the window.
    window : int
        Tokens.
    width : int
        Bytes of a number.
    """
    selective = memory(layers, heads, state, size, width).fixed
    convolution = layers * 3 * heads * size * width  # the last three tokens, of every channel
    return {
        "attention": attention(layers, heads, size, width=width),
        "grouped": attention(layers, kv_heads, size, width=width),
        "window": attention(layers, kv_heads, size, window, width),
        "retention": memory(layers, heads, size, size, width),
        "selective": Kept(0.0, selective + convolution),
    }


def break_even(rows: Kept, state: Kept) -> float:
    """Tokens from which on keys and values are more than a state."""
    return state.fixed / rows.a_token


def kept_by(stack: Stack, tokens: int) -> int:
    """Bytes of what a stack has kept after so many tokens, counted in its tensors."""
    import torch

    state = None
    with torch.inference_mode():
        for _ in range(whole_number("tokens", tokens)):
            _, state = stack.step(torch.zeros(1, dtype=torch.long), state)
    return nbytes(state)


# ---- inside the loop -----------------------------------------------------------------------------


class Watched:
    """A language model that notes, of each call of a session, how long it took and who was copied.

    Attributes
    ----------
    calls : list of (float, int, int)
        Seconds, rows that were fed, and how many of them are copies: all children of a row but one.
    """

    def __init__(self, lm: LanguageModel):
        self.lm = lm
        self.vocabulary = lm.vocabulary
        self.context = lm.context
        self.calls: list[tuple[float, int, int]] = []

    def start(self, prompts: Sequence[Sequence[int]], length: int) -> Session:
        """Begin a session whose ``feed`` is watched."""
        session = self.lm.start(prompts, length)
        feed = session.feed

        def watched(rows, tokens, keep=()):
            begun = time.perf_counter()
            places = feed(rows, tokens, keep)
            seconds = time.perf_counter() - begun
            self.calls.append((seconds, len(rows), len(rows) - len(np.unique(rows))))
            return places

        session.feed = watched  # type: ignore[method-assign]
        return session


def half_go_on_twice(
    population: Population, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Select a random half, each twice, at every third token, and keep all at the others.

    The engine copies nothing before two children differ. So of three calls the first feeds half of
    the texts, the second copies a half, and the third only feeds.
    """
    if population.t % 3:
        return keep_all(population, rng)
    half = rng.permutation(len(population))[: len(population) // 2]
    ancestors = np.repeat(np.sort(half), 2)
    return ancestors, population.log_weights[ancestors]


def seconds_a_token(
    lm: LanguageModel, prompt: str, particles: int, tokens: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Run the loop for so many generations of a token each, in which :func:`half_go_on_twice`.

    All tokens but the end are drawn equally often, so that texts part and none ends: what a token
    costs does not depend on what it says.

    Returns
    -------
    (seconds, copied) : tuple of numpy.ndarray
        Of each call that fed a row for each particle: how long it took, and how many of the rows
        it had to copy.
    """
    watched = Watched(lm)
    any_but_the_end = np.full(len(lm.vocabulary), -np.log(len(lm.vocabulary) - 1))
    any_but_the_end[lm.vocabulary.end] = -np.inf

    def equally(log_probs):
        return np.tile(any_but_the_end, (len(log_probs), 1))

    decoder = Decoder(watched, prompt, sampler=equally, max_tokens=tokens)
    for _ in smc(decoder, particles, half_go_on_twice, rng):
        pass
    whole = [(seconds, copied) for seconds, fed, copied in watched.calls if fed == particles]
    seconds, copied = np.array(whole).T
    return seconds, copied.astype(int)


def rivals(names: Sequence[str], context: int, sizes: dict[str, int]) -> dict[str, LanguageModel]:
    """Build models of the same width, layers and heads, with random weights.

    Attention is the engine's own, whose cache is written in place. ``sizes``: width, layers, heads,
    hidden and state.
    """
    width, layers, heads, hidden, state = (
        sizes[name] for name in ("width", "layers", "heads", "hidden", "state")
    )
    words = tokenizer.build()
    vocabulary = Vocabulary.of(words)
    size = len(vocabulary)
    kinds: dict[str, Callable[[], Mixer]] = {
        "retention": lambda: Retention(width, heads),
        "selective": lambda: Chain(ShortConvolution(width), Selective(width, heads, state)),
    }
    found: dict[str, LanguageModel] = {}
    for name in names:
        if name == "attention":
            shape = Shape(size, width, layers, heads, hidden, context)
            found[name] = CausalLM(Llama(shape), words)
        elif name == "grouped":
            found[name] = CausalLM(
                _grouped(Shape(size, width, layers, heads, hidden, context)), words
            )
        else:
            stack = Stack(size, width, [kinds[name]() for _ in range(layers)], 3 * hidden // 2)
            found[name] = RecurrentLM(stack, vocabulary, context)
    return found


def _grouped(shape: Shape):
    """The same Llama, whose query heads share one head of keys and values."""
    from transformers import LlamaForCausalLM

    config = shape.config()
    config.num_key_value_heads = 1
    return LlamaForCausalLM(config).eval()


@dataclass(frozen=True, eq=False)
class Forks:
    """The record: seconds of the calls that feed a token to every text.

    Attributes
    ----------
    columns : dict of str to numpy.ndarray
        name, context, round, forks (whether half of the texts had to be copied), seconds. Calls
        with and without forks alternate.
    particles : int
        Texts at once.
    sizes : dict of str to int
        Of the models: see :func:`rivals`.
    """

    columns: dict[str, np.ndarray]
    particles: int
    sizes: dict[str, int]

    @property
    def names(self) -> list[str]:
        """Of the models, in the order in which they were timed."""
        return list(dict.fromkeys(self.columns["name"].tolist()))

    @property
    def contexts(self) -> list[int]:
        """Tokens of the prompts, rising."""
        return sorted(set(self.columns["context"].tolist()))

    def milliseconds(self, name: str, context: int, forks: bool) -> float:
        """Of the quickest call."""
        return 1e3 * float(min(self._rounds(name, context, forks)))

    def share(self, name: str, context: int) -> float:
        """What the fork takes on top of the token, as a share of the token: 1 is as long again.

        The median over rounds; in each the quickest calls are compared.
        """
        plain, forked = (self._rounds(name, context, both) for both in (False, True))
        return float(np.median(np.divide(forked, plain))) - 1

    def _rounds(self, name: str, context: int, forks: bool) -> list[float]:
        """Seconds of the quickest call of each round."""
        mine = results.where(self.columns, name=name, context=context, forks=forks)
        rounds = np.unique(mine["round"])
        return [float(mine["seconds"][mine["round"] == turn].min()) for turn in rounds]


def read_forks(folder: Path) -> Forks:
    """Read the artefact ``forks``."""
    models = json.loads((Path(folder) / "models.json").read_text(encoding="utf-8"))
    return Forks(results.read(folder, "seconds"), **models)
