"""V-JEPA in miniature, and its rival that predicts pixels.

A clip is cut into 64 tokens: patches of 4 by 4 pixels and 2 frames. Some are hidden, in blocks that
last through the whole clip. An encoder sees the others. From what it says a narrow predictor says
what is at each hidden place: in pixels, or in the features that a slow copy of the encoder, the
momentum encoder, finds there when it sees the whole clip. Nothing is learned through that copy.

After Bardes et al. 2024, *Revisiting feature prediction for learning visual representations from
video*, and the settings published with their code: two masks a clip, of eight small and of two
large blocks, L1 between features that are normalized, a momentum that rises to one. What is
smaller here: everything. Of the masks, only those that hide a given number of places are drawn, so
that all clips of a batch have one shape.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ttclib.course.predicting_features.worlds import FRAMES, SIDE, World
from ttclib.inputs import one_of, real_number, whole_number

PATCH = 4  # pixels
TUBELET = 2  # frames
GRID = SIDE // PATCH
TIMES = FRAMES // TUBELET
PLACES = GRID * GRID
TOKENS = TIMES * PLACES
INSIDE = PATCH * PATCH * TUBELET  # numbers in a token
TARGETS = ("features", "pixels")
HEADS = 4


@dataclass(frozen=True)
class Blocks:
    """A kind of mask: blocks, each a share of the frame, that hide some of its 16 places."""

    count: int
    share: float
    hidden: int


SHORT = Blocks(8, 0.15, 10)
LONG = Blocks(2, 0.7, 12)
ASPECTS = (0.75, 1.5)  # height over width of a block, at least and at most


def places(kind: Blocks, rng: np.random.Generator) -> np.ndarray:
    """Draw which places of the frame are hidden, bools (16,)."""
    while True:
        ratio = rng.uniform(*ASPECTS)
        height = min(GRID, round(math.sqrt(int(kind.share * PLACES) * ratio)))
        width = min(GRID, round(math.sqrt(int(kind.share * PLACES) / ratio)))
        hidden = np.zeros((GRID, GRID), bool)
        for _ in range(kind.count):
            top = rng.integers(GRID - height + 1)
            left = rng.integers(GRID - width + 1)
            hidden[top : top + height, left : left + width] = True
        if hidden.sum() == kind.hidden:
            return hidden.ravel()


def mask(kind: Blocks, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw masks for n clips: the numbers of the tokens that are seen, and of those hidden.

    A place is hidden in all frames. Ints (n, 64 - 4 hidden) and (n, 4 hidden).
    """
    whole = np.stack([np.tile(places(kind, rng), TIMES) for _ in range(n)])
    seen = np.nonzero(~whole)[1].reshape(n, -1)
    return torch.from_numpy(seen), torch.from_numpy(np.nonzero(whole)[1].reshape(n, -1))


def future(n: int) -> tuple[Tensor, Tensor]:
    """Hide the second half of each clip: the numbers of the tokens seen, and of those hidden."""
    half = torch.arange(TOKENS // 2).expand(n, -1)
    return half, half + TOKENS // 2


def tokens(video: Tensor) -> Tensor:
    """Cut clips (n, 8, 16, 16) into tokens (n, 64, 32), frame by frame, row by row."""
    parts = video.view(len(video), TIMES, TUBELET, GRID, PATCH, GRID, PATCH)
    return parts.permute(0, 1, 3, 5, 2, 4, 6).reshape(len(video), TOKENS, INSIDE)


def take(x: Tensor, chosen: Tensor) -> Tensor:
    """Take some tokens (n, k) of each clip (n, 64, d): (n, k, d)."""
    return x.gather(1, chosen[..., None].expand(-1, -1, x.shape[-1]))


def where(width: int) -> Tensor:
    """Sines and cosines that tell a token its time, row and column, (64, width)."""
    axes = torch.meshgrid(*(torch.arange(float(n)) for n in (TIMES, GRID, GRID)), indexing="ij")
    waves = width // 6
    rates = 1.5 / 10 ** (torch.arange(waves) / waves)
    angles = torch.cat([axis.reshape(-1, 1) * rates for axis in axes], 1)
    said = torch.cat([angles.sin(), angles.cos()], 1)
    return functional.pad(said, (0, width - said.shape[1]))


class Block(nn.Module):
    """A layer of a transformer: attention among all tokens, then each token by itself."""

    def __init__(self, width: int):
        super().__init__()
        self.before_attention = nn.LayerNorm(width)
        self.before_inner = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, tokens, width) to the same shape."""
        n, count, width = x.shape
        parts = self.qkv(self.before_attention(x)).view(n, count, 3, HEADS, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        attention = (query @ key.mT / math.sqrt(width // HEADS)).softmax(-1)
        x = x + self.mix((attention @ value).transpose(1, 2).reshape(n, count, width))
        return x + self.down(functional.gelu(self.up(self.before_inner(x))))


class Encoder(nn.Module):
    """Tokens, all or some, to features of ``width`` numbers each."""

    def __init__(self, width: int, depth: int):
        super().__init__()
        self.enter = nn.Linear(INSIDE, width)
        self.register_buffer("where", where(width))
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.leave = nn.LayerNorm(width)

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """Map tokens (n, 64, 32) to features (n, 64, width), or (n, seen, width) of some.

        A token that is not seen is taken away before anything can look at it.
        """
        place = self.where.expand(len(x), -1, -1)
        if seen is not None:
            x = take(x, seen)
            place = take(place, seen)
        return self.leave(self.blocks(self.enter(x) + place))


class Predictor(nn.Module):
    """What the encoder says of some tokens, to what is at the hidden ones."""

    def __init__(self, width: int, narrow: int, depth: int, out: int):
        super().__init__()
        self.enter = nn.Linear(width, narrow)
        self.hidden = nn.Parameter(torch.zeros(narrow))
        self.register_buffer("where", where(narrow))
        self.blocks = nn.Sequential(*(Block(narrow) for _ in range(depth)))
        self.leave = nn.LayerNorm(narrow)
        self.out = nn.Linear(narrow, out)

    def forward(self, features: Tensor, seen: Tensor, hidden: Tensor) -> Tensor:
        """Map features (n, seen, width) to what is said of the hidden tokens, (n, hidden, out)."""
        place = self.where.expand(len(features), -1, -1)
        known = self.enter(features) + take(place, seen)
        x = self.blocks(torch.cat([known, self.hidden + take(place, hidden)], 1))
        return self.out(self.leave(x[:, seen.shape[1] :]))


@dataclass(frozen=True)
class Recipe:
    """How a model is made and taught.

    Attributes
    ----------
    target : str
        What is predicted: ``"features"`` or ``"pixels"``.
    width, depth : int
        Of the encoder; the width is a multiple of 4.
    narrow, predictor_depth : int
        Of the predictor.
    kinds : tuple of Blocks
        Masks of each clip; with none, the second half of the clip is hidden.
    momentum : tuple of float, or None
        Of the momentum encoder at the first step and at the last. None: there is no copy, the
        encoder itself says what is to be predicted.
    stop_gradient : bool
        Whether nothing is learned through what is to be predicted. A momentum encoder never learns.
    steps, batch : int
        A step reads ``batch`` new clips.
    rate, decay : float
        Learning rate at its peak, after a tenth of the steps; weight decay.
    """

    target: str = "features"
    width: int = 32
    depth: int = 2
    narrow: int = 16
    predictor_depth: int = 1
    kinds: tuple[Blocks, ...] = (SHORT, LONG)
    momentum: tuple[float, float] | None = (0.99, 1.0)
    stop_gradient: bool = True
    steps: int = 1000
    batch: int = 32
    rate: float = 2e-3
    decay: float = 0.04

    def __post_init__(self):
        one_of("target", self.target, TARGETS)
        for name in ("width", "depth", "narrow", "predictor_depth", "steps", "batch"):
            whole_number(name, getattr(self, name))
        if self.width % HEADS or self.narrow % HEADS:
            raise ValueError(f"width and narrow are multiples of {HEADS}, the number of heads")
        for name in self.momentum or ():
            real_number("momentum", name, 0.0, 1.0)


class Learner(nn.Module):
    """An encoder, its predictor and, where features are predicted, its momentum encoder."""

    def __init__(self, recipe: Recipe):
        super().__init__()
        self.recipe = recipe
        out = recipe.width if recipe.target == "features" else INSIDE
        self.encoder = Encoder(recipe.width, recipe.depth)
        self.predictor = Predictor(recipe.width, recipe.narrow, recipe.predictor_depth, out)
        self.slow = None
        if recipe.target == "features" and recipe.momentum is not None:
            self.slow = copy.deepcopy(self.encoder).requires_grad_(False)

    def aims(self, x: Tensor) -> Tensor:
        """Return what is to be predicted of all tokens, (n, 64, out)."""
        if self.recipe.target == "pixels":
            return x
        teacher = self.encoder if self.slow is None else self.slow
        learn = self.slow is None and not self.recipe.stop_gradient
        with torch.set_grad_enabled(learn):
            return functional.layer_norm(teacher(x), (self.recipe.width,))

    def loss(self, x: Tensor, masks: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Return the mean loss over the masks of tokens (n, 64, 32).

        Features are compared by their mean absolute difference, as in the paper; pixels by their
        mean square, so that the mean over all that may come is the best that can be said.
        """
        aims = self.aims(x)
        distance = functional.l1_loss if self.recipe.target == "features" else functional.mse_loss
        losses = [
            distance(self.predictor(self.encoder(x, seen), seen, hidden), take(aims, hidden))
            for seen, hidden in masks
        ]
        return torch.stack(losses).mean()

    def follow(self, momentum: float) -> None:
        """Move the momentum encoder, if there is one, towards the encoder."""
        if self.slow is not None:
            follow(self.slow, self.encoder, momentum)

    def features(self, video: Tensor) -> Tensor:
        """Return what clips (n, 8, 16, 16) are to the encoder, frozen: (n, 4 width).

        The mean over the frame, for each of the four times. Of a model with a momentum encoder it
        is that one that is asked, as in the paper.
        """
        asked = self.encoder if self.slow is None else self.slow
        with torch.no_grad():
            found = torch.cat([asked(tokens(part)) for part in video.split(64)])
        return found.view(len(found), TIMES, PLACES, -1).mean(2).flatten(1)


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, momentum: float) -> None:
    """Move the weights of a slow copy: of the old ones it keeps the share ``momentum``."""
    for kept, new in zip(slow.parameters(), fast.parameters(), strict=True):
        kept.mul_(momentum).add_(new, alpha=1 - momentum)


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate: it rises in a straight line, then falls as a cosine to a hundredth."""
    warm = max(1, recipe.steps // 10)
    if step < warm:
        return recipe.rate * (step + 1) / warm
    part = (step - warm) / max(1, recipe.steps - warm)
    return recipe.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * part)) / 2)


def momentum_at(recipe: Recipe, step: int) -> float:
    """Momentum: it rises in a straight line from the first step to the last."""
    if recipe.momentum is None:
        return 0.0
    first, last = recipe.momentum
    return first + (last - first) * step / max(1, recipe.steps - 1)


def mask_bank(recipe: Recipe, rng: np.random.Generator, n: int = 1024):
    """Draw n masks of each kind; return a function that draws some of them for a batch.

    Returns
    -------
    callable
        ``draw()`` returns, for each kind, the tokens seen and hidden of each clip of the batch.
    """
    drawn = [mask(kind, n, rng) for kind in recipe.kinds] or [future(n)]

    def draw() -> list[tuple[Tensor, Tensor]]:
        chosen = torch.from_numpy(rng.integers(n, size=(len(drawn), recipe.batch)))
        return [
            (seen[mine], hidden[mine]) for (seen, hidden), mine in zip(drawn, chosen, strict=True)
        ]

    return draw


def train(
    recipe: Recipe,
    world: World,
    seed: int,
    look: Callable[[int, float, Learner], None] | None = None,
) -> Learner:
    """Teach a model on clips of a world, each seen once.

    Parameters
    ----------
    seed : int
        Of first weights, clips and masks. Equal seeds see the same clips and masks, whatever is
        predicted.
    look : callable, optional
        ``look(step, loss, learner)`` is called after each step, counted from 1.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = Learner(recipe)
    clips = torch.Generator().manual_seed(seed + 1)
    masks = mask_bank(recipe, np.random.default_rng(seed))
    weights = [p for p in learner.parameters() if p.requires_grad]
    adam = torch.optim.AdamW(weights, recipe.rate, (0.9, 0.98), weight_decay=recipe.decay)
    for step in range(recipe.steps):
        for group in adam.param_groups:
            group["lr"] = rate_at(recipe, step)
        x = tokens(world.clips(recipe.batch, clips).video)
        loss = learner.loss(x, masks())
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 10.0)
        adam.step()
        adam.zero_grad()
        learner.follow(momentum_at(recipe, step))
        if look:
            look(step + 1, loss.item(), learner)
    return learner


# ---- what it costs -----------------------------------------------------------------------------


def flops(recipe: Recipe) -> int:
    """FLOPs of a step on one clip: products of matrices, forwards and backwards.

    The way back costs twice the way forward, except where nothing learns, and where a product
    enters from the pixels: no gradient is wanted of them.
    """
    counts = [4 * kind.hidden for kind in recipe.kinds] or [TOKENS // 2]
    out = recipe.width if recipe.target == "features" else INSIDE
    total = 0
    for hidden in counts:
        seen = TOKENS - hidden
        total += 2 * _enter(recipe, seen) + 3 * recipe.depth * _block(recipe.width, seen)
        total += 3 * 2 * seen * recipe.width * recipe.narrow
        total += 3 * recipe.predictor_depth * _block(recipe.narrow, TOKENS)
        total += 3 * 2 * hidden * recipe.narrow * out
    if recipe.target == "features":
        learns = recipe.momentum is None and not recipe.stop_gradient
        total += (2 if learns else 1) * _enter(recipe, TOKENS)
        total += (3 if learns else 1) * recipe.depth * _block(recipe.width, TOKENS)
    return total


def _enter(recipe: Recipe, count: int) -> int:
    return 2 * count * INSIDE * recipe.width


def _block(width: int, count: int) -> int:
    return 16 * count * width**2 + 4 * count**2 * width


def rival(recipe: Recipe) -> Recipe:
    """Return the recipe that predicts pixels for the same FLOPs.

    It is the same model but for its last layer. It takes more steps, because no momentum encoder
    reads along.
    """
    pixels = {**vars(recipe), "target": "pixels", "momentum": None}
    steps = round(recipe.steps * flops(recipe) / flops(Recipe(**pixels)))
    return Recipe(**{**pixels, "steps": steps})
