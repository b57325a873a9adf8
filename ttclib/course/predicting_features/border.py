"""Where predicting features wins, and where pixels do: a theory that is exact, and networks.

An encoder may say ``numbers`` numbers of a frame, and the next frame is to be predicted from them.
If all is linear the best encoder is known. It whitens the frame, and takes the directions in which
most can be predicted. Of the pixels: most *variance*, so what is bright counts. Of features that
are whitened as well: most *correlation*, so brightness drops out. That is all the difference:
reduced-rank regression (Izenman 1975) against canonical correlations (Hotelling 1936).
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ttclib.course.predicting_features import probing
from ttclib.course.predicting_features.jepa import TARGETS, follow
from ttclib.course.predicting_features.worlds import (
    GRAIN,
    PIXELS,
    POSITION_VARIANCE,
    World,
    stripes,
)
from ttclib.inputs import checked, one_of, whole_number
from ttclib.search import results

HIDDEN = (128, 64)  # neurons of the encoder's layers
HOWS = ("features", "pixels", "momentum", "deep pixels")
DEEP = ("momentum", "deep pixels")
TEST = 2000  # frames to learn the reader from, and as many to try it
_SMALLEST = 1e-10  # variance that counts as none


def inverse_root(covariance: np.ndarray) -> np.ndarray:
    """Return the symmetric matrix that whitens: C^(-1/2); directions without variance stay out."""
    variance, axes = np.linalg.eigh(covariance)
    scale = np.where(variance > _SMALLEST, 1 / np.sqrt(np.maximum(variance, _SMALLEST)), 0.0)
    return (axes * scale) @ axes.T


@checked
def best_linear(world: World, target: str) -> np.ndarray:
    """Return what each number of the best linear encoder knows of the position, best number first.

    Parameters
    ----------
    target : str
        ``"features"`` or ``"pixels"`` of the next frame.

    Returns
    -------
    numpy.ndarray, shape (256,)
        R² of the position from the first k numbers, for k = 1, 2, …, 256, mean over both axes.
    """
    one_of("target", target, TARGETS)
    whiten = inverse_root(world.covariance(0))
    predictable = whiten @ world.covariance(1)
    if target == "features":
        predictable = predictable @ whiten
    axes, _, _ = np.linalg.svd(predictable)
    known = (axes.T @ whiten @ world.with_position(0)) ** 2 / POSITION_VARIANCE
    return known.mean(axis=1).cumsum()


def pattern_variance(share: float, patterns: int) -> float:
    """Variance of a flickering pattern along its own direction: a sum over all pixels."""
    return PIXELS / patterns * share * (1 - GRAIN)


def pattern_scores(variance: float, noise: float, persistence: float) -> tuple[float, float]:
    """How much a pattern is worth to who predicts pixels, and to who predicts features.

    They are the singular values that :func:`best_linear` orders by: of what the whitened frame says
    of the next one as it is, and whitened.

    Parameters
    ----------
    variance, noise : float
        Of the pattern along its own direction; of white noise, in each pixel.
    """
    seen = variance + noise
    return persistence * variance / math.sqrt(seen), persistence * variance / seen


def shape_scores(share: float) -> tuple[float, float]:
    """The same of the shape, in front of the camera's noise alone: of what is best known of it."""
    world = World("white", share)
    now, then = (world.covariance(lag) - share * world.background_covariance(lag) for lag in (0, 1))
    whiten = inverse_root(now + share * GRAIN * np.eye(PIXELS))
    both = whiten @ then, whiten @ then @ whiten
    return tuple(float(np.linalg.norm(matrix, 2)) for matrix in both)


# ---- networks ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Narrow:
    """A network that says a few numbers of a frame, to predict the next frame.

    Attributes
    ----------
    how : str
        What is predicted, and by what. ``"features"``: the numbers of the next frame, whitened, by
        the best linear predictor; ``"pixels"``: its pixels, by a linear predictor;
        ``"momentum"``: the numbers that a momentum encoder says of it, by a network, as V-JEPA
        does; ``"deep pixels"``: its pixels, by a network.
    numbers : int
        It may say.
    steps, batch : int
        A step reads ``batch`` pairs of frames.
    rate : float
        Learning rate at its peak.
    """

    how: str = "features"
    numbers: int = 4
    steps: int = 300
    batch: int = 128
    rate: float = 4e-3

    def __post_init__(self):
        one_of("how", self.how, HOWS)
        for name in ("numbers", "steps", "batch"):
            whole_number(name, getattr(self, name))


def layers(*widths: int) -> nn.Sequential:
    """Return a network of layers of some widths, bent between them."""
    parts: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        parts += [nn.Linear(before, after), nn.SiLU()]
    return nn.Sequential(*parts[:-1])


def whitened(z: Tensor) -> Tensor:
    """Whiten a batch of numbers (n, k): mean 0, variance 1, no correlation."""
    centred = z - z.mean(0)
    covariance = centred.T @ centred / len(z) + 1e-4 * torch.eye(z.shape[1])
    root = torch.linalg.cholesky(covariance)
    return torch.linalg.solve_triangular(root, centred.T, upper=False).T


def correlated(now: Tensor, then: Tensor) -> Tensor:
    """Return what the best linear predictor explains of whitened numbers: the sum of the squares of
    their canonical correlations, at most k.
    """
    return (whitened(now).T @ whitened(then) / len(now)).square().sum()


class NarrowLearner(nn.Module):
    """An encoder of few numbers, and what predicts the next frame from them."""

    def __init__(self, recipe: Narrow):
        super().__init__()
        self.how = recipe.how
        k = recipe.numbers
        self.encoder = layers(PIXELS, *HIDDEN, k)
        self.slow = copy.deepcopy(self.encoder).requires_grad_(False)
        out = k if self.how == "momentum" else PIXELS
        self.predictor = layers(k, *((HIDDEN[1],) * 2 if self.how in DEEP else ()), out)

    def loss(self, frames: Tensor) -> Tensor:
        """Return the loss on pairs of frames (n, 2, 256).

        With ``"features"`` nothing can collapse: numbers that never change explain nothing. With
        ``"momentum"`` the aims are scaled to variance 1 over the batch, because a layer norm of
        four numbers would leave hardly any of them.
        """
        now, then = frames.unbind(1)
        said = self.encoder(now)
        if self.how == "features":
            return -correlated(said, self.encoder(then))
        if self.how == "momentum":
            with torch.no_grad():
                aims = self.slow(then)
                aims = (aims - aims.mean(0)) / (aims.std(0) + 1e-4)
            return (self.predictor(said) - aims).abs().mean()
        return (self.predictor(said) - then).square().mean()


def teach(
    recipe: Narrow,
    world: World,
    seed: int,
    look: Callable[[int, NarrowLearner], None] | None = None,
) -> NarrowLearner:
    """Teach a network on pairs of frames, each seen once.

    ``look(step, learner)`` is called after each step, counted from 1.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = NarrowLearner(recipe)
    weights = [weight for weight in learner.parameters() if weight.requires_grad]
    adam = torch.optim.AdamW(weights, recipe.rate, (0.9, 0.98), weight_decay=1e-4)
    generator = torch.Generator().manual_seed(seed + 1)
    for step in range(recipe.steps):
        part = step / recipe.steps
        for group in adam.param_groups:
            fall = 0.02 + 0.98 * (1 + math.cos(math.pi * part)) / 2
            group["lr"] = recipe.rate * min(1.0, 10 * part + 0.01) * fall
        frames = world.clips(recipe.batch, generator, frames=2).video.flatten(2)
        learner.loss(frames).backward()
        adam.step()
        adam.zero_grad()
        if recipe.how == "momentum":
            follow(learner.slow, learner.encoder, 0.99 + 0.01 * part)
        if look:
            look(step + 1, learner)
    return learner


def narrow_flops(recipe: Narrow) -> int:
    """FLOPs of a step on one pair of frames: products of matrices, forwards and backwards.

    Left out is what whitening costs, about k² for each pair.
    """
    k = recipe.numbers
    encoder = [2 * a * b for a, b in itertools.pairwise((PIXELS, *HIDDEN, k))]
    learned = 3 * sum(encoder) - encoder[0]  # no gradient is wanted of the pixels
    if recipe.how == "features":
        return 2 * learned
    out = k if recipe.how == "momentum" else PIXELS
    inner = (HIDDEN[1],) * 2 if recipe.how in DEEP else ()
    predictor = 3 * sum(2 * a * b for a, b in itertools.pairwise((k, *inner, out)))
    return learned + predictor + (sum(encoder) if recipe.how == "momentum" else 0)


def for_the_same(recipe: Narrow, how: str) -> Narrow:
    """Return the recipe that predicts in another way for the same FLOPs, in more or fewer steps."""
    other = replace(recipe, how=how)
    return replace(other, steps=round(recipe.steps * narrow_flops(recipe) / narrow_flops(other)))


def known(learner: NarrowLearner, world: World, seed: int) -> tuple[float, float]:
    """R² of the position, and of the patterns of the background, that a linear reader finds in the
    numbers of a network, on new clips: means over axes and over patterns.
    """
    clips = world.clips(2 * TEST, torch.Generator().manual_seed(seed), frames=1)
    drawn = torch.from_numpy(stripes(world.patterns)).float()
    patterns = clips.background.flatten(1) @ drawn.T
    with torch.no_grad():
        said = learner.encoder(clips.video.flatten(1))
    wanted = torch.cat([clips.position[:, 0], patterns], 1)
    r2 = probing.read(said[:TEST], wanted[:TEST], said[TEST:], wanted[TEST:]).r2
    return float(r2[:2].mean()), float(r2[2:].mean())


# ---- what was measured ---------------------------------------------------------------------------

Columns = Mapping[str, np.ndarray]


def exact_map(patterns: int, numbers: int, shares: Sequence[float], kept: Sequence[float]):
    """Return what the best linear encoders know of the position, for a grid of worlds.

    Returns
    -------
    list of dict
        ``share`` and ``persistence`` of a world of flickering patterns; R² of ``features`` and of
        ``pixels``.
    """
    found = []
    for share in shares:
        for persistence in kept:
            world = World("flicker", share, persistence, patterns)
            known = {target: best_linear(world, target)[numbers - 1] for target in TARGETS}
            found.append({"share": share, "persistence": persistence, **known})
    return found


def grid(columns: Columns, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shares (s,), persistences (p,) and a column as a grid (p, s)."""
    shares, kept = np.unique(columns["share"]), np.unique(columns["persistence"])
    order = np.lexsort((columns["share"], columns["persistence"]))
    return shares, kept, columns[name][order].reshape(len(kept), len(shares))


def looked(columns: Columns, how: str, share: float, persistence: float) -> np.ndarray:
    """Return how the position became known to narrow networks of a kind: R² (seeds, looks)."""
    mine = _at_the_rate(columns, how=how, share=share, persistence=persistence)
    return _by_seed(mine, "position")


def kept_background(columns: Columns, how: str, share: float, persistence: float) -> np.ndarray:
    """Return what they know of the patterns of the background in the end: R² (seeds,)."""
    mine = _at_the_rate(columns, how=how, share=share, persistence=persistence)
    return _by_seed(mine, "background")[:, -1]


def _at_the_rate(columns: Columns, **wanted) -> dict[str, np.ndarray]:
    return results.where(columns, rate=Narrow.rate, **wanted)


def _by_seed(mine: Columns, name: str) -> np.ndarray:
    order = np.lexsort((mine["step"], mine["seed"]))
    return mine[name][order].reshape(len(np.unique(mine["seed"])), -1)
