"""The picture of a population: who descends from whom, from particle filters to search trees.

It reads the record that the loop of :mod:`ttclib.smc` leaves (ancestors, weights, particles) and
nothing else, so a filter, a decoder and a search look the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes

from ttclib.genealogy import lineages
from ttclib.smc import Population
from ttclib.view.style import BAD, GOOD, MUTED


def draw_population(
    ax: Axes,
    history: Sequence[Population],
    height: Callable[[Population], np.ndarray] | None = None,
    *,
    color: str = GOOD,
    dead: str = MUTED,
    dots: bool = True,
) -> None:
    """Draw each generation as a column of dots, joined to their parents.

    A dot's area is its weight. Lines that reach the last generation are coloured; lines that died
    out are grey.

    Parameters
    ----------
    history : sequence of Population
        All generations, from ``smc.run``.
    height : callable, optional
        Population → vertical position (n,) of its members; by default their index.
    dots : bool
        False draws only the lines, for large populations.
    """
    height = height or (lambda population: np.arange(len(population)))
    survivors = lineages(history)
    heights = [np.asarray(height(p), dtype=float) for p in history]
    lost, kept = [], []
    for t, population in enumerate(history[1:], 1):
        parents = population.ancestors
        start = np.column_stack([np.full(len(parents), t - 1), heights[t - 1][parents]])
        end = np.column_stack([np.full(len(parents), t), heights[t]])
        lines = np.stack([start, end], axis=1)
        alive = np.zeros(len(parents), dtype=bool)
        alive[survivors[t]] = True
        kept.append(lines[alive])
        lost.append(lines[~alive])
    for segments, style in (
        (lost, {"color": dead, "linewidth": 0.5, "alpha": 0.6}),
        (kept, {"color": color, "linewidth": 1.3}),
    ):
        if segments:
            lines = np.concatenate(segments)
            # beyond a few thousand lines the picture is a grey cloud anyway: draw every k-th
            ax.plot(*_joined(lines[:: 1 + len(lines) // 4000]), **style)
    if dots:
        times = np.concatenate([np.full(len(h), p.t) for h, p in zip(heights, history, strict=True)])
        sizes = np.concatenate([12.0 * len(p) * p.weights for p in history])
        shade = np.concatenate(
            [np.isin(np.arange(len(p)), s) for p, s in zip(history, survivors, strict=True)]
        )
        where = np.concatenate(heights)
        for chosen, fill in ((~shade, dead), (shade, color)):
            ax.scatter(
                times[chosen],
                where[chosen],
                s=np.minimum(sizes[chosen], 150),
                color=fill,
                linewidths=0,
                zorder=3,
            )


def _joined(segments: np.ndarray) -> np.ndarray:
    """Many segments (k, 2, 2) as one broken line (2, 3k): ten times faster to draw than a collection."""
    gaps = np.full((len(segments), 1, 2), np.nan)
    return np.concatenate([segments, gaps], axis=1).reshape(-1, 2).T


def draw_ess(ax: Axes, history: Sequence[Population], color: str = GOOD) -> None:
    """Draw the effective sample size in each generation, as a share of n, and mark where it selected."""
    share = [p.ess / len(p) for p in history]
    ax.plot([p.t for p in history], share, color=color)
    chosen = [p.t - 1 for p in history if p.resampled]
    ax.plot(chosen, [share[t] for t in chosen], "o", color=BAD, markersize=4)
