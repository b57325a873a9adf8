"""A live view: what it shows while the steps are taken, and what it leaves behind."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from ttclib.show.live import LiveView
from ttclib.show.style import Picture, figure


class Handle:
    """What IPython gives for an output that can be replaced."""

    def __init__(self):
        self.shown = []

    def update(self, thing):
        self.shown.append(thing)


@pytest.fixture
def view(monkeypatch, capsys):
    fig, ax = figure(size=(3, 2))
    ax.set(xlim=(0, 4), ylim=(0, 1))
    handle, shown = Handle(), []

    def display(thing, display_id):
        shown.append(thing)
        return handle

    monkeypatch.setattr("IPython.display.display", display)
    made = LiveView(fig, 3)
    made.ax, made.handle, made.shown = ax, handle, shown
    return made


def pixels(view):
    """The picture that stands under the bar."""
    (box,) = view.shown
    data = re.search('base64,([^"]+)', box.children[1].value)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_what_moves_is_drawn_in_place_of_what_was_there(view):
    view.advance()
    view.redraw(view.ax.plot([0, 1], [0.2, 0.2], color="red"), "one < two", loss=0.5)
    first = pixels(view)
    assert 'alt="one &lt; two"' in view.shown[0].children[1].value and view.text == "one < two"
    view.advance()
    view.redraw(view.ax.plot([0, 1], [0.8, 0.8], color="red"), "two", loss=0.25)
    second = pixels(view)
    assert len(view.ax.lines) == 1
    red = [(picture[..., 0] > 200) & (picture[..., 1] < 50) for picture in (first, second)]
    assert red[0].any() and red[1].any() and not (red[0] & red[1]).any()
    assert not view.handle.shown


def test_after_the_last_step_a_picture_stays(view):
    for step in (1, 2, 3):
        view.advance()
        view.redraw(view.ax.plot([0, step], [0, 1]), f"after {step}", loss=1 / step)
        assert bool(view.handle.shown) == (step == 3)
    (picture,) = view.handle.shown
    assert isinstance(picture, Picture) and picture.text == "after 3"


def test_without_a_notebook_there_is_nothing_to_replace(monkeypatch, capsys):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)
    view = LiveView(figure()[0], 1)
    view.advance()
    view.redraw([], "done", loss=0.0)
    assert view.text == "done"
