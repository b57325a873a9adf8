"""What a learner sees of a view, and can touch."""

import asyncio
import base64
import io
import re

import ipywidgets as W
import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def no_event_loop_of_another_test():
    """Hide the loop that the browser tests leave marked as running in this thread."""
    theirs = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(theirs)


def every(widget, kind):
    """All widgets of a kind, in the order in which they are shown."""
    found = [widget] if isinstance(widget, kind) else []
    return found + [w for child in getattr(widget, "children", ()) for w in every(child, kind)]


def sliders(view):
    return every(view, W.SelectionSlider)


def button(view, word):
    return next(b for b in every(view, W.Button) if word in b.description)


def shown(view):
    """The texts of the HTML a learner sees: (picture, caption) of the panel on screen."""
    stacks = every(view, W.Stack)
    panel = stacks[0].children[sliders(view)[0].index] if stacks else view.children[-1]
    picture, caption = every(panel, W.HTML)
    return picture.value, caption.value


def pixels(picture):
    """Decode the one picture in a piece of HTML."""
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', picture)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def line_of(view):
    """The error line, or an empty string; it must be at most one."""
    alerts = [w for w in every(view, W.HTML) if 'role="alert"' in w.value]
    assert len(alerts) <= 1
    assert all(w.layout.display is None for w in alerts)
    return re.sub("<[^>]+>", "", alerts[0].value) if alerts else ""
