"""The dartboard: a unit square, its quarter circle, and darts thrown at it."""

from __future__ import annotations

import math

import numpy as np

from ttclib.show.style import BAD, GOOD, figure


def board_figure():
    """Make a figure with a board on the left: the unit square and its quarter circle.

    Returns
    -------
    (Figure, Axes, Axes)
        The figure, the board, and empty axes on the right.
    """
    fig, (board, right) = figure(1, 2, size=(8.4, 3.7), width_ratios=[1, 1.5])
    board.set(xlim=(0, 1), ylim=(0, 1), xlabel="x", ylabel="y", aspect="equal")
    board.set_title("the first 1,500 darts")
    arc = np.linspace(0, math.pi / 2, 200)
    board.plot(np.cos(arc), np.sin(arc), color="black", linewidth=1)
    return fig, board, right


def plus_minus(value: float, error: float, digits: int, sign: str = " ±") -> str:
    """Say an estimate of π and its error; NaN is the error that one run cannot tell."""
    if math.isnan(error):
        return f"π ≈ {value:.{digits}f}; all darts fell alike, so one run cannot tell how far off"
    return f"π ≈ {value:.{digits}f}{sign} {error:.{digits}f}"


def throw(ax, darts: int, seed: int) -> None:
    """Draw the first darts of a stream: hits and misses."""
    xy = np.random.default_rng(seed).random((min(darts, 1500), 2))
    hit = (xy**2).sum(axis=1) <= 1
    ax.plot(*xy[hit].T, ".", color=GOOD, markersize=2.5)
    ax.plot(*xy[~hit].T, "x", color=BAD, markersize=2.5, markeredgewidth=0.7)
