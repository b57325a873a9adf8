"""The dartboard: a unit square, its quarter circle, and darts thrown at it."""

from __future__ import annotations

import math

import numpy as np

from ttclib.show.style import BAD, GOOD


def board_axes(ax) -> None:
    """Draw the unit square and its quarter circle."""
    ax.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="x",
        ylabel="y",
        title="the first 1,500 darts",
        aspect="equal",
    )
    arc = np.linspace(0, math.pi / 2, 200)
    ax.plot(np.cos(arc), np.sin(arc), color="black", linewidth=1)


def throw(ax, darts: int, seed: int) -> None:
    """Draw the first darts of a stream: hits and misses."""
    xy = np.random.default_rng(seed).random((min(darts, 1500), 2))
    hit = (xy**2).sum(axis=1) <= 1
    ax.plot(*xy[hit].T, ".", color=GOOD, markersize=2.5)
    ax.plot(*xy[~hit].T, ".", color=BAD, markersize=2.5)
