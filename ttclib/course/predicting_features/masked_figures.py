"""Picture of notebook 15: the whole miniature, and its rivals, in several worlds."""

from __future__ import annotations

import numpy as np

from ttclib.course.predicting_features.masked import Record
from ttclib.show.style import COLORS, GOOD, MUTED, Picture, band, figure, truth

LOOKS = {"features": (GOOD, "o"), "pixels": (COLORS[2], "s")}


def worlds_picture(record: Record) -> Picture:
    """R² of the position as training goes on, features and pixels at equal FLOPs: bands over seeds.

    The dots are medians. Before any training both have the same encoders, which is the floor.
    """
    fig, axes = figure(2, 3, size=(10.4, 5.8), sharex=True, sharey=True)
    said = []
    for ax, world in zip(axes.flat, record.worlds, strict=False):
        ends = []
        for target, (color, line) in LOOKS.items():
            steps, found = record.curve(world, target)
            part = 100 * steps / steps[-1]
            band(ax, part, found, color)
            ax.plot(part, np.median(found, axis=0), line, color=color, markersize=5, label=target)
            ends.append(f"{target} {np.median(found[:, -1]):.2f}")
        floor = float(np.median(record.random(world)))
        best = record.pixels[world]["best_position"]
        ax.axhline(floor, color=MUTED, linestyle=":", linewidth=1.5, label="no training")
        truth(ax, best, "best linear probe of the pixels, exact")
        ax.set(xlim=(-3, 103), ylim=(-0.03, 1.03))
        ax.set_title(world, fontsize=10)
        said.append(f"{world}: no training {floor:.2f}, {', '.join(ends)}, ceiling {best:.2f}")
    for ax in axes[-1]:
        ax.set_xlabel("part of the training's FLOPs, %")
    for ax in axes[:, 0]:
        ax.set_ylabel("R² of the position")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    return Picture(fig, "median R² of the position; " + "; ".join(said))
