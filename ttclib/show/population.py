"""The picture of a population: who descends from whom, from particle filters to search trees.

It reads the record that the loop of :mod:`ttclib.particles.smc` leaves (ancestors, weights,
particles) and nothing else, so a filter, a decoder and a search look the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from ttclib.particles.genealogy import lineages
from ttclib.particles.smc import Population
from ttclib.show.style import BAD, GOOD, MUTED, ink, literal

SCORES = LinearSegmentedColormap.from_list("scores", [BAD, "#E2E2E2", GOOD])  # of 0, ½ and 1
Measure = Callable[[Population], np.ndarray]


def draw_population(
    ax: Axes,
    history: Sequence[Population],
    height: Measure | None = None,
    *,
    color: str = GOOD,
    dots: bool = True,
) -> list[np.ndarray]:
    """Draw each generation as a column of dots, joined to their parents.

    A dot's area is its weight. Lines that lead to a member of the last generation whose weight is
    not zero are coloured; lines that died out are grey.

    Parameters
    ----------
    history : sequence of Population
        All generations, from ``smc.run``.
    height : callable, optional
        Population → vertical position (n,) of its members; by default their index.
    dots : bool
        False draws only the lines, for large populations.

    Returns
    -------
    list of numpy.ndarray of bool, shape (n,)
        For each generation, who is on a coloured line.
    """
    height = height or (lambda population: np.arange(len(population)))
    survivors = lineages(history)
    heights = [np.asarray(height(p), dtype=float) for p in history]
    there = history[-1].log_weights > -np.inf  # a weight of zero is dead
    alive = [
        np.isin(np.arange(len(p)), row[there]) for p, row in zip(history, survivors, strict=True)
    ]
    lost = []
    kept = []
    for t, population in enumerate(history[1:], 1):
        parents = population.ancestors
        start = np.column_stack([np.full(len(parents), t - 1), heights[t - 1][parents]])
        end = np.column_stack([np.full(len(parents), t), heights[t]])
        lines = np.stack([start, end], axis=1)
        kept.append(lines[alive[t]])
        lost.append(lines[~alive[t]])
    if lost:
        ax.plot(*_joined(_thinned(np.concatenate(lost))), color=MUTED, linewidth=0.5, alpha=0.6)
        ax.plot(*_joined(_thinned(np.concatenate(kept))), color=color, linewidth=1.3)
    if dots:
        time = np.concatenate([np.full(len(p), p.t) for p in history])
        where, lives = (np.concatenate(parts) for parts in (heights, alive))
        size = np.minimum(np.concatenate([12.0 * len(p) * p.weights for p in history]), 150)
        for chosen, fill in ((~lives, MUTED), (lives, color)):
            ax.scatter(
                time[chosen], where[chosen], s=size[chosen], color=fill, linewidths=0, zorder=3
            )
    return alive


def label_members(
    ax: Axes, t: float, heights, texts: Sequence[str], colors, size: float, **box
) -> None:
    """Write what the members of generation t did at their places.

    Parameters
    ----------
    heights : array, shape (n,)
    texts, colors : sequences, length n
        Empty texts are left out.
    size : float
        Of the letters, in points.
    **box : sequences, length n
        How the box behind each text looks, by default white: ``facecolor``, ``edgecolor``,
        ``linewidth``.
    """
    look: dict[str, Any] = {"fontsize": size, "family": "monospace", "ha": "center"}
    look |= {"va": "center", "clip_on": True, "zorder": 4}
    plain = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    for i, (place, text, color) in enumerate(zip(heights, texts, colors, strict=True)):
        if text:
            own = plain | {name: values[i] for name, values in box.items()}
            ax.text(t, place, literal(text), color=ink(color), bbox=own, **look)


def _thinned(lines: np.ndarray) -> np.ndarray:
    """Take every k-th: beyond a few thousand lines the picture is a grey cloud anyway."""
    return lines[:: 1 + len(lines) // 4000]


def _joined(segments: np.ndarray) -> np.ndarray:
    """Many segments (k, 2, 2) as one broken line (2, 3k): ten times faster to draw than a
    collection.
    """
    gaps = np.full((len(segments), 1, 2), np.nan)
    return np.concatenate([segments, gaps], axis=1).reshape(-1, 2).T


def draw_ess(ax: Axes, history: Sequence[Population], threshold: float | None = None) -> None:
    """Draw the effective sample size in each generation, as a share of n, and mark where it
    selected; dotted, the share below which it does.
    """
    share = [p.ess / len(p) for p in history]
    ax.plot([p.t for p in history], share, color=GOOD)
    chosen = [p.t - 1 for p in history if p.resampled]
    ax.plot(chosen, [share[t] for t in chosen], "o", color=BAD, markersize=4)
    if threshold is not None:
        ax.axhline(threshold, color=MUTED, linestyle=":", linewidth=1)
