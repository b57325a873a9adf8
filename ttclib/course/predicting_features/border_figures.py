"""Pictures of notebook 15: where predicting features wins, where pixels do, and the border."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.colors import ListedColormap

from ttclib.cost import Cost
from ttclib.course.predicting_features import border
from ttclib.course.predicting_features.border import HOWS, Columns, Narrow, narrow_flops
from ttclib.course.predicting_features.worlds import World
from ttclib.show.slider import BudgetView, options
from ttclib.show.style import BAD, GOOD, MUTED, Picture, figure

FEATURES, PIXELS = GOOD, BAD
KNOWN = 0.5  # R² from which the position counts as known
REGIONS = ("both know the position", "features win", "pixels win", "neither knows it")
_REGION_COLORS = ("#E8EEF4", "#9CC4E4", "#F2B48C", "#FFFFFF")
_REGION_PLACES = ((0.24, 0.8), (0.71, 1.15), (0.24, 2.65), (0.74, 2.65))  # between the worlds shown
_NAMES = {
    "features": "features,\nwhitened",
    "pixels": "pixels",
    "momentum": "features,\nmomentum",
    "deep pixels": "pixels,\ndeep predictor",
}
MOST_NUMBERS = 16


def region(features: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Return which of :data:`REGIONS` a world lies in, by what is known of the position."""
    known = np.asarray(features) >= KNOWN, np.asarray(pixels) >= KNOWN
    return np.where(known[0], np.where(known[1], 0, 1), np.where(known[1], 2, 3))


class Corner(NamedTuple):
    """A world of flickering patterns, and R² of the position from each seed's networks."""

    share: float
    persistence: float
    features: np.ndarray
    pixels: np.ndarray


def trained(narrow: Columns) -> list[Corner]:
    """List the worlds in which networks of both kinds were trained."""
    found = []
    both = np.column_stack([narrow["share"], narrow["persistence"]])
    for share, persistence in np.unique(both, axis=0):
        ends = [border.looked(narrow, how, share, persistence)[:, -1] for how in HOWS[:2]]
        found.append(Corner(float(share), float(persistence), *ends))
    return found


def _edges(middles: np.ndarray) -> np.ndarray:
    between = (middles[1:] + middles[:-1]) / 2
    return np.concatenate([[2 * middles[0] - between[0]], between, [2 * middles[-1] - between[-1]]])


def height(persistence):
    """Place of a persistence on an axis: how many powers of ten it is away from 1, at most 3.3."""
    return -np.log10(1 - np.minimum(persistence, 0.9995))


def _persistence_axis(ax, which: str) -> None:
    shown = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.998, 1.0)
    ticks = {f"{which}ticks": height(np.array(shown)), f"{which}ticklabels": shown}
    ax.set(**ticks, **{f"{which}lim": (-0.1, 3.5)})


def _map(ax, exact: Columns) -> None:
    shares, kept, features = border.grid(exact, "features")
    _, _, pixels = border.grid(exact, "pixels")
    where = region(features, pixels)
    look = {"cmap": ListedColormap(_REGION_COLORS), "vmin": -0.5, "vmax": 3.5}
    ax.pcolormesh(_edges(shares), _edges(height(kept)), where, **look)
    for name, (x, y) in zip(REGIONS, _REGION_PLACES, strict=True):
        ax.text(x, y, name, ha="center", va="center", fontsize="small")
    ax.set(xlim=(0, 1))
    _persistence_axis(ax, "y")
    ax.set(xlabel="share of the variance that is not the state")
    ax.set(ylabel="persistence of the patterns, frame to frame")
    ax.grid(visible=False)


def border_picture(exact: Columns, narrow: Columns) -> Picture:
    """Draw the exact map, and on it the networks that were trained."""
    fig, ax = figure(size=(7.2, 4.4))
    _map(ax, exact)
    said = []
    for corner in trained(narrow):
        at = int(region(corner.features.mean(), corner.pixels.mean()))
        ax.plot(
            corner.share,
            height(corner.persistence),
            "o",
            color=_REGION_COLORS[at],
            markeredgecolor="black",
            markersize=9,
        )
        said.append(
            f"share {corner.share:g}, persistence {corner.persistence:g}: "
            f"{corner.features.mean():.2f} and {corner.pixels.mean():.2f}"
        )
    return Picture(fig, "R² of the position, features and pixels, trained: " + "; ".join(said))


def numbers_view(known: Callable[[World, str], np.ndarray], exact: Columns) -> BudgetView:
    """Show what each number is spent on; ``known(world, target)`` → R² from the first k numbers.

    Each world is computed when it is first asked for.
    """
    fig, (left, right) = figure(1, 2, size=(10.0, 4.0), width_ratios=(1, 1.15))
    _map(left, exact)
    right.set(xlim=(0.5, MOST_NUMBERS + 0.5), ylim=(0, 1), xlabel="numbers the encoder may say")
    right.set(ylabel="R² of the position")
    right.plot([], [], "o-", color=FEATURES, label="predict features")
    right.plot([], [], "s--", color=PIXELS, label="predict pixels")
    right.legend(loc="lower right")
    numbers = np.arange(1, MOST_NUMBERS + 1)
    worlds: dict[World, list[np.ndarray]] = {}

    def draw(share, persistence, seed):
        world = World("flicker", share, persistence, patterns=9)
        if world not in worlds:
            worlds[world] = [known(world, target)[:MOST_NUMBERS] for target in HOWS[:2]]
        features, pixels = worlds[world]
        left.plot(
            share, height(persistence), "x", color="black", markersize=11, markeredgewidth=2.5
        )
        right.plot(numbers, features, "o-", color=FEATURES, markersize=4)
        right.plot(numbers, pixels, "s--", color=PIXELS, markersize=4)
        at = border.Narrow.numbers - 1
        return (
            f"{share:.0%} of the variance is not the state, persistence {persistence:g}: with "
            f"{border.Narrow.numbers} numbers features know {features[at]:.2f} of the position, "
            f"pixels {pixels[at]:.2f}"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        share=options(
            (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95),
            default=0.5,
            names=["10%", "30%", "50%", "70%", "80%", "90%", "95%"],
            label="not the state",
        ),
        persistence=options(
            (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0), default=0.5, label="persistence"
        ),
    )


def _strip(ax, x: float, values: np.ndarray, color: str, marker: str = "o") -> None:
    """Draw a dot for each seed, side by side."""
    beside = np.linspace(-0.5, 0.5, len(values)) if len(values) > 1 else np.zeros(1)
    width = 0.02 * np.ptp(ax.get_xlim())
    ax.plot(x + width * beside, values, marker, color=color, markersize=3.5, alpha=0.8, lw=0)


def training_view(narrow: Columns, exact: Columns) -> BudgetView:
    """Show how networks of four numbers come to know the position, as training goes on."""
    looks = border.looked(narrow, "features", 0.5, 0.5).shape[1]
    fig, axes = figure(1, 2, size=(10.0, 3.8), sharey=True)
    lines = (("share", "persistence", 0.5), ("persistence", "share", 0.3))
    labels = (
        "share that is not the state (persistence 0.5)",
        "persistence (share 0.3)",
    )
    corners = trained(narrow)
    scales = {"share": np.asarray, "persistence": height}
    for ax, (along, still, at), label in zip(axes, lines, labels, strict=True):
        mine = exact[still] == at
        order = np.argsort(exact[along][mine], kind="stable")
        x = scales[along](exact[along][mine][order])
        for how, color in zip(HOWS[:2], (FEATURES, PIXELS), strict=True):
            ax.plot(x, exact[how][mine][order], "--", color=color, lw=1.2)
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.05, 1.02), xlabel=label)
    _persistence_axis(axes[1], "x")
    axes[0].set(ylabel="R² of the position")
    axes[0].plot([], [], "o", color=FEATURES, markersize=4, label="predict features, each seed")
    axes[0].plot([], [], "s", color=PIXELS, markersize=4, label="predict pixels, each seed")
    axes[0].plot([], [], "--", color=MUTED, lw=1.2, label="best linear encoder, exactly")
    axes[0].legend(loc="lower left", fontsize="small")
    recipe = Narrow()
    flops = recipe.steps * recipe.batch * narrow_flops(recipe)

    def draw(trained_part, seed):
        look = round(trained_part * looks) - 1
        means = []
        for ax, (along, still, at) in zip(axes, lines, strict=True):
            for corner in corners:
                if getattr(corner, still) != at:
                    continue
                for how, color, marker in zip(HOWS[:2], (FEATURES, PIXELS), "os", strict=True):
                    known = border.looked(narrow, how, corner.share, corner.persistence)[:, look]
                    _strip(ax, scales[along](getattr(corner, along)), known, color, marker)
                    means.append(known.mean())
        features, pixels = np.mean(means[::2]), np.mean(means[1::2])
        return (
            f"after {trained_part:.0%} of training: mean R² over these worlds, features "
            f"{features:.2f}, pixels {pixels:.2f}",
            Cost(units=trained_part * flops),
        )

    parts = tuple((i + 1) / looks for i in range(looks))
    return BudgetView(
        fig,
        draw,
        luck=False,
        trained_part=options(
            parts,
            default=1.0,
            names=[f"{part:.0%}" for part in parts],
            unit="FLOPs",
            label="training done",
        ),
    )


def cures_picture(narrow: Columns, corners: Sequence[tuple[float, float]]) -> Picture:
    """Draw what four kinds of predictors let an encoder know, in some worlds, seed by seed."""
    fig, axes = figure(2, len(corners), size=(10.0, 5.0), sharex=True, sharey=True)
    said = []
    for column, (share, persistence) in enumerate(corners):
        top, low = axes[:, column]
        top.set(title=f"{share:.0%} not the state,\npersistence {persistence:g}")
        top.set(xlim=(-0.6, len(HOWS) - 0.4), ylim=(-0.05, 1.02))
        words = []
        for x, how in enumerate(HOWS):
            color = FEATURES if how in ("features", "momentum") else PIXELS
            position = border.looked(narrow, how, share, persistence)[:, -1]
            background = border.kept_background(narrow, how, share, persistence)
            _strip(top, x, position, color)
            _strip(low, x, background, color)
            words.append(f"{how} {position.mean():.2f}/{background.mean():.2f}")
        said.append(f"share {share:g}, persistence {persistence:g}: {', '.join(words)}")
        low.set_xticks(range(len(HOWS)), [_NAMES[how] for how in HOWS], rotation=90)
    axes[0, 0].set(ylabel="R² of the position")
    axes[1, 0].set(ylabel="R² of the patterns")
    return Picture(fig, "R² of position/patterns: " + "; ".join(said))
