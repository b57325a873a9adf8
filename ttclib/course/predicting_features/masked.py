"""The whole miniature in several worlds: what training on hidden features leaves, and on pixels.

Nothing is left out here: blocks of two sizes, a narrow predictor, L1 between normalised features,
and a momentum that rises to one. What is asked is what a linear probe reads off the frozen encoder,
off the mean over the frame and off all tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ttclib.course.predicting_features import collapse, jepa
from ttclib.course.predicting_features.worlds import World
from ttclib.inputs import checked, one_of
from ttclib.search import results

SHARE = 0.9  # of the pixels' variance that is not the state
WORLDS = {
    "white noise": World("white", SHARE),
    "nine patterns that flicker": World("flicker", SHARE, 0.5, patterns=9),
    "flicker of the whole frame": World("flicker", SHARE),
    "smooth noise": World("smooth", SHARE),
    "faster distractors": World("distractors", SHARE, drift=3.0),
    "a texture that stays": World("smooth", SHARE, 1.0),
}
READS = ("position", "velocity")
EXAMINED = 15  # seed of the clips on which encoders are examined: the same for all of a world


def known(clips) -> Tensor:
    """All that is known of clips, (n, 32): positions of the eight frames, then velocities."""
    return torch.cat([clips.position.flatten(1), clips.velocity.flatten(1)], 1)


def by_token(learner: jepa.Learner, video: Tensor) -> Tensor:
    """Features of every token of clips, not their means: (n, 64 width)."""
    asked = learner.encoder if learner.slow is None else learner.slow
    with torch.no_grad():
        return torch.cat([asked(jepa.tokens(part)).flatten(1) for part in video.split(64)])


def taught(
    recipe: jepa.Recipe, world: World, seed: int, looks: int, watch: collapse.Watch | None = None
) -> list[dict[str, float]]:
    """Teach a model in a world, and read what a probe finds, before and on the way.

    Parameters
    ----------
    looks : int
        So many times at equal distances, the last at the end of the training.

    Returns
    -------
    list of dict
        For each look the ``step``, 0 first; R² of ``position`` and ``velocity`` from the means over
        the frame; their ``spread``; and, first and last, ``position_by_token`` and
        ``velocity_by_token`` from all tokens. Elsewhere these are NaN.
    """
    eye = watch or collapse.Watch(world, EXAMINED)
    steps = {round(recipe.steps * (i + 1) / looks) for i in range(looks)}
    rows: list[dict[str, float]] = []

    def examine(step: int, learner: jepa.Learner) -> None:
        features = learner.features(eye.clips.video)
        whole = (float("nan"),) * 2
        if step in (0, recipe.steps):
            whole = eye.read(by_token(learner, eye.clips.video))
        row = dict(zip(READS, eye.read(features), strict=True))
        row |= {f"{name}_by_token": r2 for name, r2 in zip(READS, whole, strict=True)}
        rows.append({"step": step, **row, "spread": float(features.std(0).mean())})

    def look(step: int, loss: float, learner: jepa.Learner) -> None:
        if step in steps:
            examine(step, learner)

    with torch.random.fork_rng(devices=[]):  # as jepa.train draws the first weights
        torch.manual_seed(seed)
        examine(0, jepa.Learner(recipe))
    jepa.train(recipe, world, seed, look)
    return rows


def without_training(name: str) -> dict[str, float]:
    """R² of the pixels themselves in a world: read by a probe, and the most that a linear one can.

    ``position`` and ``velocity`` are read from the pixels of 900 clips, ``best_position`` and
    ``best_velocity`` are exact.
    """
    world = WORLDS[one_of("world", name, tuple(WORLDS))]
    read = collapse.raw_read(collapse.Watch(world, EXAMINED))
    best = collapse.best_linear_read(world)
    found = dict(zip(READS, read, strict=True))
    return found | {f"best_{what}": r2 for what, r2 in zip(READS, best, strict=True)}


# ---- the record ----------------------------------------------------------------------------------


class Record:
    """What was measured of all trainings.

    Parameters
    ----------
    trainings, pixels : mapping
        Columns of ``masked.parquet``: world, target, seed and what :func:`taught` returns; and of
        ``pixels.parquet``: world and what :func:`without_training` returns.
    """

    def __init__(self, trainings: Mapping[str, np.ndarray], pixels: Mapping[str, np.ndarray]):
        self.trainings = trainings
        self.worlds: Sequence[str] = [name for name in WORLDS if name in set(trainings["world"])]
        self.seeds = np.unique(trainings["seed"])
        self.pixels = {
            str(world): {name: float(pixels[name][i]) for name in pixels if name != "world"}
            for i, world in enumerate(pixels["world"])
        }

    def curve(
        self, world: str, target: str, what: str = "position"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Steps (looks,), and a measure of each seed at them, (seeds, looks).

        Raises
        ------
        ValueError
            If a world or target is not in the record.
        """
        one_of("world", world, self.worlds)
        one_of("target", target, jepa.TARGETS)
        mine = results.where(self.trainings, world=world, target=target)
        order = np.lexsort((mine["step"], mine["seed"]))
        steps = np.unique(mine["step"])
        return steps, mine[what][order].reshape(len(self.seeds), len(steps))

    def ends(self, world: str, target: str, what: str = "position") -> np.ndarray:
        """A measure of each seed at the end of the training, (seeds,)."""
        return self.curve(world, target, what)[1][:, -1]

    def random(self, world: str, what: str = "position") -> np.ndarray:
        """The same of the encoders before any training, (seeds,)."""
        return self.curve(world, "features", what)[1][:, 0]


@checked
def read(folder: Path) -> Record:
    """Read the record from its folder in ``data/``."""
    return Record(results.read(folder, "masked"), results.read(folder, "pixels"))
