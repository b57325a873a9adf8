"""What can be measured of a picture: is its text legible, is nothing written over, is all named?

``audit(figure)`` returns one line for each fault of a figure that is ready to be drawn:

* text whose contrast with what is drawn under it is below 4.5 : 1 (WCAG 2.2, success criterion
  1.4.3);
* text that overlaps other text, is crossed by a line of the picture, or is cut off at its edge;
* an axis with numbers and without a name. A title over the axes may name what goes up.

Only texts that are really drawn count: the renderer says which. A text in a box that hides what is
under it is crossed by no line.
"""

import contextlib
import itertools
import math
from unittest import mock

import matplotlib.colors as colors
import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import LineCollection
from matplotlib.text import Text
from matplotlib.transforms import Bbox

LEAST_CONTRAST = 4.5
SHARE = 0.25  # of a text's box may be pale: a line under it, or the edge of another colour
OPAQUE = 0.8  # a box under a text, from this alpha on, hides what is below
INSIDE = 0.22  # of a text's height, above and below, holds no ink of most letters
OVER = 1.0  # pixels by which a text may stand out of the picture: rounding


def audit(fig):
    """Return the faults of a figure, one line each, without doubles."""
    texts = drawn_texts(fig)
    ground = pixels_without(fig, texts)
    found = [
        *(line for text in texts for line in pale(fig, text, ground)),
        *(line for text in texts for line in cut_off(fig, text)),
        *overlapping(fig, texts),
        *(line for ax in fig.axes for line in struck_through(fig, ax, texts)),
        *(line for ax in fig.axes for line in unnamed(ax, texts)),
    ]
    return list(dict.fromkeys(found))


def drawn_texts(fig):
    """Draw the figure; return the texts that the renderer was given, in their order."""
    found = {}
    at = []  # the texts that are being drawn
    draw, letters = Text.draw, RendererAgg.draw_text

    def watched(self, *args, **kwargs):
        at.append(self)
        draw(self, *args, **kwargs)
        at.pop()

    def written(self, *args, **kwargs):
        if at:
            found[at[-1]] = None
        return letters(self, *args, **kwargs)

    with (
        mock.patch.object(Text, "draw", watched),
        mock.patch.object(RendererAgg, "draw_text", written),
    ):
        fig.canvas.draw()
    return [text for text in found if text.get_text().strip()]


def pixels_without(fig, texts):
    """RGB (height, width, 3) of the figure with the letters of these texts transparent."""
    with contextlib.ExitStack() as stack:
        for text in texts:
            color, alpha = text.get_color(), text.get_alpha()
            stack.callback(text.set_alpha, alpha)
            stack.callback(text.set_color, color)
            text.set_alpha(None)
            text.set_color((0, 0, 0, 0))
        fig.canvas.draw()
        rgba = np.asarray(fig.canvas.buffer_rgba())[..., :3] / 255
    fig.canvas.draw()
    return rgba


def box_of(fig, text):
    """The box of a text's letters in pixels, without the room for letters with tails."""
    box = Text.get_window_extent(text, fig.canvas.get_renderer())
    lines = text.get_text().strip().count("\n") + 1
    spare = INSIDE * box.height / lines
    if not 45 < text.get_rotation() % 180 < 135:
        return Bbox.from_extents(box.x0 + 1, box.y0 + spare, box.x1 - 1, box.y1 - spare)
    spare = INSIDE * box.width / lines
    return Bbox.from_extents(box.x0 + spare, box.y0 + 1, box.x1 - spare, box.y1 - 1)


def aslant(text):
    """Whether a text stands neither level nor upright: then its box says little."""
    return text.get_rotation() % 90 != 0


def luminance(rgb):
    """Relative luminance (…) of sRGB colours (…, 3): WCAG 2.2, its definition."""
    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """Contrast of colours, from 1 to 21."""
    a, b = luminance(one), luminance(other)
    return (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)


def pale(fig, text, ground):
    """Yield a line if too much of a text's box has too little contrast with its letters."""
    box = box_of(fig, text)
    height, width = ground.shape[:2]
    rows = slice(max(0, height - math.ceil(box.y1)), max(0, height - math.floor(box.y0)))
    columns = slice(max(0, math.floor(box.x0)), max(0, min(width, math.ceil(box.x1))))
    under = ground[rows, columns].reshape(-1, 3)
    if not len(under):
        return
    *color, alpha = colors.to_rgba(text.get_color(), text.get_alpha())
    letters = alpha * np.array(color) + (1 - alpha) * under
    ratio = contrast(letters, under)
    if (ratio < LEAST_CONTRAST).mean() > SHARE:
        yield f"{said(text)} has contrast {np.median(ratio):.1f} : 1"


def cut_off(fig, text):
    """Yield a line if a text stands out of the picture."""
    box = Text.get_window_extent(text, fig.canvas.get_renderer())
    width, height = fig.canvas.get_width_height()
    out = max(-box.x0, -box.y0, box.x1 - width, box.y1 - height)
    if out > OVER:
        yield f"{said(text)} is cut off at the edge, by {out:.0f} pixels"


def overlapping(fig, texts):
    """Yield a line for each two texts whose letters meet."""
    boxes = [(text, box_of(fig, text)) for text in texts if not aslant(text)]
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        if min(a.x1, b.x1) > max(a.x0, b.x0) and min(a.y1, b.y1) > max(a.y0, b.y0):
            yield f"{said(one)} overlaps {said(other)}"


def lines_of(ax):
    """Yield (label, paths in pixels) of the lines drawn in an axes, cut to what can be seen."""
    for line in ax.lines:
        if line.get_visible() and line.get_linestyle() not in ("None", "", " "):
            yield line, [line.get_transform().transform_path(line.get_path())]
    for lines in ax.collections:
        if isinstance(lines, LineCollection) and lines.get_visible():
            yield lines, [lines.get_transform().transform_path(p) for p in lines.get_paths()]


def struck_through(fig, ax, texts):
    """Yield a line for each text that a line of this axes runs through."""
    for text in texts:
        if aslant(text) or hidden_below(text):
            continue
        box = box_of(fig, text)
        for line, paths in lines_of(ax):
            seen = box if not line.get_clip_on() else Bbox.intersection(box, ax.bbox)
            if seen is None or seen.width <= 0 or seen.height <= 0:
                continue
            if any(path.intersects_bbox(seen, filled=False) for path in paths):
                yield f"{said(text)} lies on a line ({name_of(line)})"
                break


def hidden_below(text):
    """Whether what is under a text is hidden: by a box of its own, or its legend's."""
    patch = text.get_bbox_patch()
    if patch is not None:
        alpha = 1 if patch.get_alpha() is None else patch.get_alpha()
        return colors.to_rgba(patch.get_facecolor())[3] * alpha >= OPAQUE
    return False


def unnamed(ax, texts):
    """Yield a line for each axis that shows numbers and has no name."""
    drawn = set(texts)
    for axis, name in ((ax.xaxis, "x"), (ax.yaxis, "y")):
        marks = [tick.label1 for tick in axis.get_major_ticks() if tick.label1 in drawn]
        where = said_axes(ax)
        of_all = getattr(ax.figure, f"_sup{name}label")
        named = axis.label in drawn or of_all in drawn or (name == "y" and where)
        if any(is_number(mark.get_text()) for mark in marks) and not named:
            yield f"the {name} axis{where} shows numbers and has no name"


def is_number(words):
    """Whether a mark of an axis says a number: 1,000 or 10⁻², −0.5 or 20%."""
    bare = words.translate(str.maketrans("", "", "−-,.%$\\{}^ mathdefult+ksMGe⁻"))
    return bare.isdigit() or (bare != "" and all(c.isdigit() for c in bare))


def said(text):
    """A text in quotation marks, cut short."""
    words = " ".join(text.get_text().split())
    return f"'{words if len(words) <= 40 else words[:38] + ' …'}'"


def said_axes(ax):
    """Say which axes, by its title."""
    title = next((t for t in (ax.get_title(loc=loc) for loc in ("center", "left")) if t), "")
    return f" under '{title}'" if title else ""


def name_of(line):
    """A line's label, or its kind and colour."""
    label = str(line.get_label())
    return label if label and label[0] != "_" else type(line).__name__
