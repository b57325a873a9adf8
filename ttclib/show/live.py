"""A live view: a picture drawn again while something learns, under a bar with the time left."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable

import ipywidgets as W
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from ttclib.language import translated
from ttclib.show.style import Picture, pixels, webp_bytes


class LiveView:
    """Shown where it is made; live while the steps are taken, and a picture after the last one.

    Parameters
    ----------
    fig : Figure
        With everything that stands still drawn, and its axis limits set.
    steps : int
        How many there will be.

    Attributes
    ----------
    text : str
        What the picture shows now.
    """

    def __init__(self, fig: Figure, steps: int):
        from IPython.display import display
        from tqdm.notebook import tqdm

        # laid out once: that takes as long as to draw it
        fig.canvas.draw()
        fig.set_layout_engine("none")
        self.text = ""
        self._fig = fig
        self._moving: list[Artist] = []
        self._bar = tqdm(total=steps, desc=translated("training"), unit="step", display=False)
        self._image = W.HTML()
        self._handle = display(W.VBox([self._bar.container, self._image]), display_id=True)

    def advance(self) -> None:
        """Take note of a step."""
        self._bar.update()

    def redraw(self, moving: Iterable[Artist], text: str, loss: float) -> None:
        """Show new artists in place of the last ones; the text says what the picture shows."""
        for artist in self._moving:
            artist.remove()
        self._moving = list(moving)
        self.text = text = translated(text)
        self._bar.set_postfix(loss=f"{loss:.2f}")
        if self._bar.n == self._bar.total:
            self._bar.close()
            if self._handle:  # there is none outside of a notebook
                self._handle.update(Picture(self._fig, text))
            return
        data = base64.b64encode(webp_bytes(pixels(self._fig))).decode()
        self._image.value = f'<img alt="{html.escape(text)}" src="data:image/webp;base64,{data}">'
