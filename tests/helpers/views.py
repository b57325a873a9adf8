"""What a learner sees of a view, and can touch: read from the HTML that the browser gets."""

import asyncio
import base64
import html
import io
import re

import bs4
import ipywidgets as W
import numpy as np
import pytest
from PIL import Image

from ttclib.show.slider import BudgetView


@pytest.fixture(autouse=True)
def no_event_loop_of_another_test():
    """Hide the loop that the browser tests leave marked as running in this thread."""
    theirs = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(theirs)


def page(view):
    """The view as the browser would show it if it were opened now."""
    return view.get_state("page")["page"]


class Control:
    """A slider, a list or a text field of a view: read it, or move it as the browser does."""

    def __init__(self, view, tag):
        self.view, self.tag = view, tag
        self.name = tag["data-setting"]
        self.setting = view._settings[self.name]
        self.description = next(tag.parent.stripped_strings)

    @property
    def names(self):
        """What the values are called on the page."""
        if self.tag.name == "select":
            return [option.text for option in self.tag.find_all("option")]
        return self.tag["data-names"].split("|")

    @property
    def options(self):
        """(name, value) of everything that can be chosen."""
        return tuple(zip(self.names, self.setting.options, strict=True))

    @property
    def value(self):
        """Where the control stands on the page."""
        tag = next(c.tag for c in controls(self.view) if c.name == self.name)
        if self.setting.parse:
            return tag["value"]
        if tag.name == "select":
            chosen = [option.has_attr("selected") for option in tag.find_all("option")]
            assert sum(chosen) == 1
            return self.setting.options[chosen.index(True)]
        assert tag["aria-valuetext"] == tag["data-names"].split("|")[int(tag["value"])]
        assert int(tag["max"]) + 1 == int(tag["data-length"]) == len(self.setting.options)
        return self.setting.options[int(tag["value"])]

    @value.setter
    def value(self, value):
        at = [
            control.setting.options.index(now) if control.setting.parse is None else now
            for control in controls(self.view)
            for now in [value if control.name == self.name else control.value]
        ]
        say(self.view, {"turn": self.view._turn + 1, "at": at, "seen": False})

    def __eq__(self, other):
        return (self.view, self.name) == (other.view, other.name)


class Button:
    """A button of a view."""

    def __init__(self, view, tag):
        self.view, self.kind = view, tag["class"][-1]

    @property
    def description(self):
        """What stands on it now."""
        return bs4.BeautifulSoup(page(self.view), "html.parser").find(class_=self.kind).text

    def click(self):
        """Press it, as the browser does."""
        turn = {"turn": self.view._turn + 1}
        say(self.view, {"ttc-luck": {"luck": True, **turn}, "ttc-stop": {"stop": True}}[self.kind])


def say(view, message):
    """Hand a message of the browser to a view."""
    view._handle_custom_msg(message, [])


def heard(view):
    """Note from now on what the view tells the browser: a list that fills."""
    messages = []
    view.send = lambda message, buffers=(): messages.append((message, list(buffers)))
    return messages


def controls(view):
    soup = bs4.BeautifulSoup(page(view), "html.parser")
    return [Control(view, tag) for tag in soup.find_all(attrs={"data-setting": True})]


def control(view, name):
    """The control of one setting."""
    return next(one for one in controls(view) if one.name == name)


def every(widget, kind):
    """All controls of a kind, in the order in which they are shown.

    The kinds of a view carry the names of the widgets that do the same: ``SelectionSlider``,
    ``Dropdown`` (a list), ``Text`` and ``Button``.
    """
    if isinstance(kind, tuple):
        return [found for one in kind for found in every(widget, one)]
    if isinstance(widget, BudgetView):
        if kind is W.Button:
            soup = bs4.BeautifulSoup(page(widget), "html.parser")
            return [Button(widget, tag) for tag in soup.find_all("button")]
        tag = {W.SelectionSlider: "range", W.Dropdown: None, W.Text: "text"}[kind]
        return [one for one in controls(widget) if one.tag.get("type") == tag]
    found = [widget] if isinstance(widget, kind) else []
    return found + [w for child in getattr(widget, "children", ()) for w in every(child, kind)]


def sliders(view):
    return every(view, W.SelectionSlider)


def button(view, word):
    return next(b for b in every(view, W.Button) if word in b.description)


def shown(view):
    """The HTML a learner sees: (picture, caption)."""
    (picture,) = re.findall("<img[^>]+>", page(view))
    (caption,) = re.findall('<p role="status".*?</p>', page(view))
    return picture, caption


def pixels(picture):
    """Decode the one picture in a piece of HTML."""
    (data,) = re.findall(r'src="data:image/\w+;base64,([^"]+)"', picture)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def line_of(view):
    """The error line as HTML, or an empty string; it must be at most one."""
    (alert,) = re.findall(r'<p class="ttc-error" role="alert"( hidden)?>(.*?)</p>', page(view))
    assert bool(alert[0]) == (alert[1] == "")
    assert "<" not in html.unescape(alert[1]) or "&lt;" in alert[1]
    return alert[1]
