"""Style: one palette, one figure, one way to show it, in every notebook.

Colours are Okabe and Ito's eight (*Color Universal Design*, 2008), which readers with any common
form of colour blindness can tell apart. Exact truth is always the dashed black line.
"""

from __future__ import annotations

import base64
import functools
import io
import itertools
import re
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.rcsetup import cycler
from PIL import Image

from ttclib.language import translated

COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
MARKERS = "os^DvPX*"  # one beside each colour, for those who do not see it
TRUTH = "#000000"
GOOD = "#0072B2"
BAD = "#D55E00"
MUTED = "#8C8C8C"

RC: Any = {
    "axes.prop_cycle": cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.framealpha": 0.9,
    "lines.linewidth": 1.6,
    "font.size": 9.5,
    "figure.dpi": 100,
    "image.cmap": "cividis",
}
# For the whole session, not in a context: matplotlib reads the style again whenever a title or a
# label is set, also in a learner's own cell.
mpl.rcParams.update(RC)


def figure(rows: int = 1, columns: int = 1, size: tuple[float, float] = (8.0, 3.6), **kwargs):
    """Make a figure in the course's style, outside pyplot, so that it never shows twice.

    Parameters
    ----------
    rows, columns : int
        Grid of axes.
    size : (float, float)
        Width and height in inches, at 100 pixels an inch.
    **kwargs
        Passed on to ``Figure.subplots`` (``width_ratios``, ``sharey`` …).

    Returns
    -------
    (Figure, Axes or numpy.ndarray of Axes)
    """
    fig = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(fig)
    return fig, fig.subplots(rows, columns, **kwargs)


def literal(text: str, longest: int = 90) -> str:
    """Return a text that a learner or a model wrote, to be drawn as it stands, in one line.

    Nothing in it is a formula, a character that the font lacks becomes �, and what is longer than
    ``longest`` characters is cut off.
    """
    line = re.sub(r"\s", " ", text)
    line = line if len(line) <= longest else line[: longest - 2] + " …"
    for character in missing(line):
        line = line.replace(character, "\N{REPLACEMENT CHARACTER}")
    return line.replace("$", r"\$")


def missing(text: str) -> list[str]:
    """Return the characters of a text that no picture can draw, each once."""
    more = mpl.rcParams["font.family"][1:]  # of a language with letters of its own
    return [c for c in dict.fromkeys(text) if ord(c) not in _drawable(*more) and not c.isspace()]


@functools.cache
def _drawable(*more: str) -> frozenset[int]:
    """The characters of the font for texts of models, which are the fewest, and of more fonts."""
    return frozenset().union(*(get_font(findfont(f)).get_charmap() for f in ("monospace", *more)))


@functools.cache
def ink(color: str) -> str:
    """Return a colour's shade for text: the hue kept, at least 5:1 against white (WCAG 2.2)."""
    shades = np.linspace(1, 0, 101)[:, None] * to_rgb(color)
    linear = np.where(shades <= 0.04045, shades / 12.92, ((shades + 0.055) / 1.055) ** 2.4)
    contrast = 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    return to_hex(shades[np.argmax(contrast >= 5)])  # a pale ground costs a little


def end_labels(ax: Axes, x: float, ys, labels, colors, gap: float = 0.035) -> None:
    """Write a label in ink at the right end of each line, moved apart where they would overlap.

    ``gap`` is the least distance between two labels, as a share of the axes' height.
    """
    to_axes = ax.transData + ax.transAxes.inverted()
    heights = np.array([to_axes.transform((x, y))[1] for y in ys])
    right = to_axes.transform((x, ys[0]))[0]
    order = np.argsort(heights, kind="stable")
    for below, above in itertools.pairwise(order):
        heights[above] = max(heights[above], heights[below] + gap)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1}
    look: dict[str, Any] = {"va": "center", "fontsize": 8.5, "transform": ax.transAxes, "bbox": box}
    for height, label, color in zip(heights, labels, colors, strict=False):
        ax.text(right + 0.015, height, literal(label), color=ink(color), **look)


def truth(ax: Axes, value: float, label: str | None = None, *, vertical: bool = False) -> None:
    """Draw the exact answer as a dashed black line across the axes."""
    line = ax.axvline if vertical else ax.axhline
    line(value, color=TRUTH, linestyle="--", linewidth=1.2, zorder=3, label=label)


def band(
    ax: Axes, x, draws, color: str = GOOD, label: str | None = None, level: float = 0.9
) -> None:
    """Draw the median and the central ``level`` band of replicates.

    Parameters
    ----------
    x : array_like, shape (k,)
    draws : array_like, shape (replicates, k)
    """
    low, middle, high = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    ax.fill_between(x, low, high, color=color, alpha=0.25, linewidth=0)
    ax.plot(x, middle, color=color, label=label)


def boxes(ax: Axes, samples, colors, **places) -> None:
    """Draw a box plot of each sample, filled; ``places`` goes on to ``Axes.boxplot``."""
    look: Any = {"widths": 0.55, "flierprops": {"markersize": 3}, "medianprops": {"color": TRUTH}}
    drawn = ax.boxplot(samples, patch_artist=True, **look | places)
    for box, color in zip(drawn["boxes"], colors, strict=True):
        box.set(facecolor=color, alpha=0.7)


def counting_axis(ax: Axes, counts, label: str, marks=None, room: float = 1.25) -> None:
    """Make x logarithmic, with counts at its marks: by default those given, of many every other.

    ``room`` is how many times the last count the axis reaches.
    """
    ax.set(xscale="log", xlim=(counts[0] * 0.8, counts[-1] * room), xlabel=label)
    marks = counts[:: 1 + len(counts) // 6] if marks is None else marks
    ax.set_xticks(marks, [f"{mark:,g}" for mark in marks])
    ax.minorticks_off()


def plain_ticks(axis, values) -> None:
    """Write these values on an axis, in full, and mark nothing between them."""
    axis.set_ticks(values, [f"{v:g}" for v in values])
    axis.set_ticks([], minor=True)


def pixels(fig: Figure) -> np.ndarray:
    """Draw a figure from :func:`figure`: its RGBA pixels, shape (height, width, 4)."""
    fig.canvas.draw()
    return np.asarray(cast(FigureCanvasAgg, fig.canvas).buffer_rgba())


def webp_bytes(rgba: np.ndarray) -> bytes:
    """Encode RGBA pixels without loss, quickly: WebP takes two thirds of PNG's bytes."""
    return _saved(Image.fromarray(rgba).convert("RGB"), "webp", lossless=True, quality=0, method=0)


def small_png(image: bytes) -> bytes:
    """Encode a picture again with a palette of 256 colours, for a file that is kept."""
    # maximum coverage keeps the few pixels of a thin coloured line, where median cut greys them;
    # one round of k-means keeps pale areas pale; without dithering flat areas stay flat and the
    # file small
    full = Image.open(io.BytesIO(image))
    palette = full.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    return _saved(palette, "png", compress_level=9)


def _saved(image: Image.Image, kind: str, **settings) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **settings)
    return out.getvalue()


class Picture:
    """A finished figure with its text: what a cell shows when there is nothing to slide.

    Parameters
    ----------
    fig : Figure
        From :func:`figure`.
    text : str
        What the figure shows, numbers included. It is the alternative text of the image and the
        plain-text output that tests compare.
    """

    def __init__(self, fig: Figure, text: str):
        self.png = small_png(webp_bytes(pixels(fig)))
        self.text = translated(text)

    def __repr__(self) -> str:
        return f"{translated('picture')}: {self.text}"

    def _repr_mimebundle_(self, **kwargs):
        data = {"image/png": base64.b64encode(self.png).decode(), "text/plain": repr(self)}
        return data, {"image/png": {"alt": self.text}}
