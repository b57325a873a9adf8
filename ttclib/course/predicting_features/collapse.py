"""Training that is watched: features that collapse, and what each cure does alone.

The target encoder's weights are ``momentum`` · their last values + (1 − momentum) · the encoder's.
A stop-gradient takes no slopes through them. V-JEPA has both. Here each can be left out: without a
stop-gradient slopes run through the part (1 − momentum) that is the encoder's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from scipy import linalg
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim.adamw import adamw

from ttclib.course.predicting_features import jepa, probing
from ttclib.course.predicting_features.two_numbers import (
    ADAM,
    AVERAGED,
    BOTH,
    GRADIENT,
    HOWS,
    NEITHER,
    STOP,
    STOPPED,
)
from ttclib.course.predicting_features.worlds import (
    FRAMES,
    POSITION_VARIANCE,
    VELOCITY_VARIANCE,
    World,
)
from ttclib.inputs import checked, one_of, real_number
from ttclib.search import results

WORLD = World("white", 0.75)
RECIPE = jepa.Recipe(depth=1, kinds=(jepa.SHORT,), momentum=None, steps=400, batch=16)
PLAIN_RATE = 0.3  # of gradient descent
STEPS = (0, 25, 50, 100, 150, 200, 300, 400)  # when an encoder is looked at
LEARNED = 900  # clips that a probe learns from
WATCHED = 1200  # those, and the ones it is tested on
LOST = 0.05  # of the first spread: with less than that, features count as collapsed
MEASURES = ("loss", "spread", "rank", "position", "velocity", "position16")

Weights = dict[str, Tensor]


class Snapshot(NamedTuple):
    """An encoder at a step of its training.

    Attributes
    ----------
    step : int
    loss : float
        On clips and masks that stay the same.
    spread : float
        Standard deviation of a feature over clips, mean over features. The root mean square of
        the features of a token is about 1, because a layer norm comes last.
    rank : float
        Effective rank of the features.
    position, velocity : float
        R² of a linear probe, mean over frames and axes.
    position16 : float
        R² of the position where the features are kept in bfloat16, 8 bits for each.
    features : numpy.ndarray, shape (clips, 4 width)
        Of each clip: see :meth:`jepa.Learner.features`.
    """

    step: int
    loss: float
    spread: float
    rank: float
    position: float
    velocity: float
    position16: float
    features: np.ndarray


class Watch:
    """Clips and masks on which encoders are looked at: the same for all.

    Parameters
    ----------
    world : World
    seed : int
        Of the clips.
    """

    def __init__(self, world: World = WORLD, seed: int = 15):
        self.clips = world.clips(WATCHED, torch.Generator().manual_seed(seed))
        rng = np.random.default_rng(seed)
        self.masks = [jepa.mask(kind, 256, rng) for kind in RECIPE.kinds]

    def shot(self, step: int, learner: jepa.Learner, weights: Weights) -> Snapshot:
        """Look at an encoder; ``weights`` are those of its target encoder."""
        features = learner.features(self.clips.video)
        seen = jepa.tokens(self.clips.video[:256])
        with torch.no_grad():
            loss = float(loss_of(learner, weights, seen, self.masks))
        spread = float(features.std(0).mean())
        rank = probing.effective_rank(features)
        position, velocity = self.read(features)
        rounded, _ = self.read(features.bfloat16().float())
        numbers = (loss, spread, rank, position, velocity, rounded)
        return Snapshot(step, *numbers, features.numpy())

    def read(self, features: Tensor) -> tuple[float, float]:
        """R² of position and velocity from features (clips, d), by a linear probe."""
        known = torch.cat([self.clips.position.flatten(1), self.clips.velocity.flatten(1)], 1)
        old, new = slice(LEARNED), slice(LEARNED, None)
        r2 = probing.read(features[old], known[old], features[new], known[new]).r2
        half = len(r2) // 2
        return float(r2[:half].mean()), float(r2[half:].mean())


def step_target(encoder: nn.Module, target: Weights, how: str, momentum: float) -> Weights:
    """A step of the target encoder's weights towards the encoder's."""
    kept = momentum if how in AVERAGED else 0.0
    weights = dict(encoder.named_parameters())
    moved = {name: kept * target[name] + (1 - kept) * w for name, w in weights.items()}
    return detached(moved) if how in STOPPED else moved


def detached(weights: Weights) -> Weights:
    """The same numbers, through which no slopes run."""
    return {name: weight.detach() for name, weight in weights.items()}


def loss_of(
    learner: jepa.Learner, target: Weights, x: Tensor, masks: Sequence[tuple[Tensor, Tensor]]
) -> Tensor:
    """Mean absolute distance of predictions to the normalised features of a target encoder."""
    features = functional_call(learner.encoder, target, (x,))
    goals = F.layer_norm(features, features.shape[-1:])
    losses = [
        F.l1_loss(
            learner.predictor(learner.encoder(x, seen), seen, hidden), jepa.take(goals, hidden)
        )
        for seen, hidden in masks
    ]
    return torch.stack(losses).mean()


class Optimiser:
    """AdamW with 0.9 and 0.98, or plain gradient descent.

    Those of PyTorch load its compiler, which takes memory; what AdamW calls does not.

    Attributes
    ----------
    rate : float
        Of the next step.
    """

    def __init__(self, weights: Sequence[nn.Parameter], kind: str, decay: float):
        self.weights = list(weights)
        self.kind = kind
        self.decay = decay
        self.rate = 0.0
        self.moments = [[torch.zeros_like(w) for w in self.weights] for _ in range(2)]
        self.counters = [torch.zeros(()) for _ in self.weights]

    @torch.no_grad()
    def step(self) -> None:
        """Move the weights down their slopes."""
        slopes = [cast(Tensor, w.grad) for w in self.weights]
        if self.kind == GRADIENT:
            for w, slope in zip(self.weights, slopes, strict=True):
                w.sub_(slope, alpha=self.rate)
            return
        adamw(
            self.weights,
            slopes,
            *self.moments,
            [],
            self.counters,
            foreach=False,
            lr=self.rate,
            beta1=0.9,
            beta2=0.98,
            eps=1e-8,
            weight_decay=self.decay,
            amsgrad=False,
            maximize=False,
        )

    def zero_grad(self) -> None:
        """Forget the slopes."""
        for w in self.weights:
            w.grad = None


class Course(NamedTuple):
    """All that a training run moves, and what it reads.

    Attributes
    ----------
    learner : jepa.Learner
    optimiser : Optimiser
    batches : iterator
        For each step tokens (batch, 64, 32) and masks; the learning rate is set before.
    """

    learner: jepa.Learner
    optimiser: Optimiser
    batches: Iterator[tuple[Tensor, list[tuple[Tensor, Tensor]]]]


@checked
def begin(
    seed: int,
    optimiser: str = ADAM,
    world: World = WORLD,
    recipe: jepa.Recipe = RECIPE,
) -> Course:
    """Draw first weights, clips and masks, as :func:`jepa.train` does.

    Parameters
    ----------
    optimiser : str
        ``"Adam"`` with weight decay, or ``"gradient descent"``.

    Raises
    ------
    ValueError
        One line: what is wrong, and what is allowed.
    """
    optimiser = one_of("optimiser", optimiser, (ADAM, GRADIENT))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = jepa.Learner(recipe)
    steps = Optimiser(list(learner.parameters()), optimiser, recipe.decay)
    peak = recipe.rate if optimiser == ADAM else PLAIN_RATE

    def batches():
        clips = torch.Generator().manual_seed(seed + 1)
        draw = jepa.mask_bank(recipe, np.random.default_rng(seed))
        for step in range(recipe.steps):
            steps.rate = peak * jepa.rate_at(recipe, step) / recipe.rate
            yield jepa.tokens(world.clips(recipe.batch, clips).video), draw()

    return Course(learner, steps, batches())


@checked
def train(
    how: str,
    seed: int,
    momentum: float = 0.99,
    optimiser: str = ADAM,
    look: Callable[[int, jepa.Learner, Weights], None] | None = None,
    world: World = WORLD,
    recipe: jepa.Recipe = RECIPE,
) -> jepa.Learner:
    """Teach an encoder with one cure, both, or neither.

    Parameters
    ----------
    how : str
        ``"neither"``, ``"stop-gradient"``, ``"momentum"`` or ``"both"``.
    seed, optimiser, world, recipe
        See :func:`begin`.
    momentum : float
        The same at every step.
    look : callable, optional
        ``look(step, learner, target)`` is called before the first step, with 0, and after each.

    Raises
    ------
    ValueError
        One line: what is wrong, and what is allowed.
    """
    how = one_of("how", how, HOWS)
    momentum = real_number("momentum", momentum, 0, 1)
    learner, steps, batches = begin(seed, optimiser, world, recipe)
    target = detached(dict(learner.encoder.named_parameters()))
    if look:
        look(0, learner, target)
    for step, (x, masks) in enumerate(batches, start=1):
        target = step_target(learner.encoder, target, how, momentum)
        loss_of(learner, target, x, masks).backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 10.0)
        steps.step()
        steps.zero_grad()
        target = detached(target)
        if look:
            look(step, learner, target)
    return learner


def watched(
    how: str,
    seed: int,
    momentum: float = 0.99,
    optimiser: str = ADAM,
    watch: Watch | None = None,
    steps: Sequence[int] = STEPS,
) -> list[Snapshot]:
    """Train, and look at the encoder at some steps."""
    eye = watch or Watch()
    shots: list[Snapshot] = []

    def look(step, learner, target):
        if step in steps:
            shots.append(eye.shot(step, learner, target))

    train(how, seed, momentum, optimiser, look)
    return shots


# ---- rivals --------------------------------------------------------------------------------------


def rival() -> jepa.Recipe:
    """The same model, which predicts pixels for the same FLOPs as with a momentum encoder."""
    return jepa.rival(replace(RECIPE, momentum=(0.99, 0.99)))


def pixels_read(seed: int, watch: Watch | None = None) -> tuple[float, float]:
    """R² of position and velocity from features of a model that learned to predict pixels."""
    eye = watch or Watch()
    return eye.read(jepa.train(rival(), WORLD, seed).features(eye.clips.video))


def raw_read(watch: Watch | None = None) -> tuple[float, float]:
    """R² of position and velocity from the pixels themselves, by a probe that learns as others."""
    eye = watch or Watch()
    return eye.read(eye.clips.video.flatten(1))


def moments(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact covariances of a clip's 2,048 pixels: among themselves, with all positions, velocities.

    Played backwards a clip is as likely; a position stays, and a velocity turns round.
    """
    frames = range(FRAMES)
    pixels = [world.covariance(lag) for lag in frames]
    position = [world.with_position(lag) for lag in frames]
    velocity = [world.with_velocity(lag) for lag in frames]
    return (
        np.block([[pixels[abs(then - now)] for then in frames] for now in frames]),
        np.block([[position[abs(then - now)] for then in frames] for now in frames]),
        np.block(
            [
                [math.copysign(1, then - now) * velocity[abs(then - now)] for then in frames]
                for now in frames
            ]
        ),
    )


def best_linear_read(world: World = WORLD) -> tuple[float, float]:
    """R² of position and velocity of the best linear probe of the pixels, from exact moments.

    It knows all covariances, as if it had learned from endlessly many clips. Mean over frames and
    axes.
    """
    pixels, places, speeds = moments(world)
    factor = linalg.cho_factor(pixels)
    shares = [
        (of * linalg.cho_solve(factor, of)).sum(axis=0).mean() / variance
        for of, variance in ((places, POSITION_VARIANCE), (speeds, VELOCITY_VARIANCE))
    ]
    return float(shares[0]), float(shares[1])


# ---- the record ----------------------------------------------------------------------------------


class Record:
    """What was measured of all runs.

    Parameters
    ----------
    table, pixels : mapping
        Columns of ``runs.parquet``: how, momentum, optimiser, seed, step and each measure; and of
        ``pixels.parquet``, the rival that predicts pixels: seed, position and velocity.
    """

    def __init__(self, table: dict[str, np.ndarray], pixels: dict[str, np.ndarray]):
        self.table = table
        self.pixels = pixels
        self.steps = np.unique(table["step"])
        self.seeds = np.unique(table["seed"])
        self.momenta = np.unique(table["momentum"][table["optimiser"] == ADAM]).tolist()

    def run(self, how: str, momentum: float = 0.99, optimiser: str = ADAM) -> dict[str, np.ndarray]:
        """Each measure of some runs, (seeds, steps); momentum counts only where there is one.

        With a momentum of 0 the target is the encoder, as without.

        Raises
        ------
        ValueError
            If there are no such runs.
        """
        if how in AVERAGED and momentum == 0:
            how = STOP if how == BOTH else NEITHER
        mine = (self.table["how"] == how) & (self.table["optimiser"] == optimiser)
        if how in AVERAGED:
            mine &= self.table["momentum"] == momentum
        if mine.sum() != len(self.seeds) * len(self.steps):
            raise ValueError(f"no runs with {how!r}, momentum {momentum:g} and {optimiser}")
        order = np.lexsort([self.table["step"][mine], self.table["seed"][mine]])
        shape = len(self.seeds), len(self.steps)
        return {name: self.table[name][mine][order].reshape(shape) for name in MEASURES}

    def collapsed(self, how: str, momentum: float = 0.99, optimiser: str = ADAM) -> np.ndarray:
        """Which seeds have lost their spread in the end: bools (seeds,)."""
        spread = self.run(how, momentum, optimiser)["spread"]
        return spread[:, -1] < LOST * spread[:, 0]


class OfPixels(NamedTuple):
    """R² of position and velocity that a linear probe finds in the pixels.

    Attributes
    ----------
    read : tuple of float
        By a probe that learned from 900 clips: see :func:`raw_read`.
    best : tuple of float
        The most that a linear probe can: see :func:`best_linear_read`.
    """

    read: tuple[float, float]
    best: tuple[float, float]


@checked
def read_pixels(folder: Path) -> OfPixels:
    """Read what was measured of the pixels from its folder in ``data/``."""
    table = results.read(folder, "pixels")
    pairs = zip(table["position"].tolist(), table["velocity"].tolist(), strict=True)
    return OfPixels(**dict(zip(table["how"], pairs, strict=True)))


@checked
def read(folder: Path) -> Record:
    """Read the record from its folder in ``data/``."""
    return Record(results.read(folder, "runs"), results.read(folder, "pixels"))
