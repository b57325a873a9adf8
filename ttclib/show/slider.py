"""The budget slider: one figure, one drawing function, one or more settings to move.

You write a figure whose axes stay still, and a function that adds what depends on the budget::

    fig, ax = figure()
    ax.set(xlim=(0, 1), ylim=(0, 1))

    def draw(points, seed):
        ...
        ax.plot(...)                      # drawn over the still background, then taken off again
        return "estimate 3.14", Cost(units=points)

    BudgetView(fig, draw, points=powers_of_two(4, 20, unit="darts"))

The view does the rest: it remembers settings it has seen, keeps the same luck (``seed``) while the
budget moves, shows one line when an input cannot be used and keeps the last good picture, and
leaves a picture and a line of numbers for readers who have no kernel.
"""

from __future__ import annotations

import asyncio
import base64
import html
import inspect
import itertools
import os
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import ipywidgets as W
import numpy as np
from matplotlib.figure import Figure

from ttclib.cost import Cost
from ttclib.inputs import whole_number
from ttclib.show.style import png_bytes, small_png

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_MEMORY = 400  # remembered frames, about 25 kB each
_STATIC_FRAMES = 48  # frames at most in a page without a kernel


@dataclass(frozen=True)
class Setting:
    """One control of a view: the values it can take and how they are written."""

    options: tuple
    names: tuple[str, ...]
    default: Any
    unit: str | None = None
    label: str | None = None
    parse: Callable[[str], Any] | None = None

    def name_of(self, value: Any) -> str:
        """How the learner sees a value."""
        return str(value) if self.parse else self.names[self.options.index(value)]

    def label_of(self, name: str) -> str:
        """What stands beside the control: the label, or the argument's name and the unit."""
        return self.label or (f"{name} ({self.unit})" if self.unit not in (None, name) else name)


def powers_of_two(
    low: int, high: int, unit: str, *, default: int | None = None, step: int = 1, label=None
):
    """Budgets 2^low, 2^(low+step), … up to 2^high, counted in ``unit``; ``default`` is an exponent."""
    low, high = whole_number("low", low, 0), whole_number("high", high, low)
    exponents = list(range(low, high + 1, whole_number("step", step)))
    start = exponents[0] if default is None else default
    if start not in exponents:
        raise ValueError(f"default is {start}; it must be one of the exponents {exponents}")
    names = tuple(f"2{str(k).translate(_SUPERSCRIPT)} = {2**k:,}" for k in exponents)
    return Setting(tuple(2**k for k in exponents), names, 2**start, unit, label)


def options(
    values: Sequence, *, default: Any = None, unit: str | None = None, label=None, names=None
):
    """Any list of values: a step size, a threshold, the name of a scheme."""
    values = tuple(values)
    if not values:
        raise ValueError("values is empty; a setting needs at least one value")
    default = values[0] if default is None else default
    if default not in values:
        raise ValueError(f"default is {default!r}; it must be one of {list(values)}")
    names = tuple(names) if names is not None else tuple(str(v) for v in values)
    return Setting(values, names, default, unit, label)


def entry(
    parse: Callable[[str], Any], default: str, *, unit: str | None = None, label: str | None = None
):
    """A text field. ``parse`` turns the text into a value or raises ``ValueError`` with one line."""
    parse(default)
    return Setting((default,), (default,), default, unit, label, parse)


class Frame(NamedTuple):
    """What one setting shows."""

    png: bytes  # not the pixels, which take fifty times the memory
    size: tuple[int, int]  # width and height in pixels
    text: str
    cost: str
    steady_cost: str  # without the seconds, which differ from run to run

    @property
    def line(self) -> str:
        """Text and cost without anything that differs from run to run."""
        return f"{self.text} · cost: {self.steady_cost}" if self.steady_cost else self.text


class BudgetView(W.VBox):
    """A figure that follows its settings.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        With everything that does not move already drawn and its axis limits set.
    draw : callable
        ``draw(seed=…, **settings)`` adds artists to the axes of ``fig`` and returns the text with
        the numbers, or ``(text, Cost)``. It may be a generator that yields its progress (0 to 1)
        and returns the same: then it runs on release, shows the progress and can be stopped, and
        a newer setting cancels it.
    seed : int
        The luck of the first picture. "New luck" adds one.
    luck : bool
        False hides the button, for a picture with nothing random in it.
    **settings : Setting
        From :func:`powers_of_two`, :func:`options` or :func:`entry`; the names are the arguments
        of ``draw``. With one setting every frame is drawn once and the browser switches them, so
        a slow link to the kernel does not show; with several the kernel draws at each move.

    Raises
    ------
    ValueError
        If there is no setting, or ``draw`` moves the axes.
    """

    def __init__(
        self, fig: Figure, draw: Callable, *, seed: int = 0, luck: bool = True, **settings: Setting
    ):
        if not settings:
            raise ValueError(
                "a view needs at least one setting, such as points=powers_of_two(4, 20, 'darts')"
            )
        self._draw, self._settings = draw, settings
        self.seed = whole_number("seed", seed, 0)
        self._slow = inspect.isgeneratorfunction(inspect.unwrap(draw))
        self._frames_mode = (
            len(settings) == 1 and not self._slow and not next(iter(settings.values())).parse
        )
        self._memory: OrderedDict[tuple, Frame] = OrderedDict()
        self._good = self._default_values()  # the last setting that could be drawn
        self._task: asyncio.Task | None = None
        self.traceback = ""
        self._freeze(fig)

        self._inputs: dict[str, W.Widget] = {}
        rows = [self._control(name, setting) for name, setting in settings.items()]
        self._luck = W.Button(description=self._luck_name(), tooltip="Draw new random numbers")
        self._luck.on_click(lambda _: self._new_luck())
        self._progress = W.FloatProgress(min=0, max=1, layout=W.Layout(width="240px"))
        self._stop = W.Button(description="Stop", layout=W.Layout(width="70px"))
        self._stop.on_click(lambda _: self._cancel("stopped; the picture is the last finished one"))
        self._working = W.HBox([self._progress, self._stop], layout=W.Layout(visibility="hidden"))
        buttons = ([self._luck] if luck else []) + ([self._working] if self._slow else [])
        self._error = W.HTML(layout=W.Layout(display="none"))

        if self._frames_mode:
            (name,) = settings
            values = settings[name].options
            self._shown = [self._frame({name: v}) for v in values]
            self._panels = [self._panel(frame) for frame in self._shown]
            self._view = W.Stack(self._panels, selected_index=values.index(settings[name].default))
            W.jslink((self._inputs[name], "index"), (self._view, "selected_index"))
        else:
            self._shown = [self._frame(self._good)]
            self._panels = [self._panel(self._shown[0])]
            self._view = self._panels[0]
        super().__init__([*rows, *([W.HBox(buttons)] if buttons else []), self._error, self._view])

    # ---- the picture ------------------------------------------------------------------------

    def _freeze(self, fig: Figure) -> None:
        """Draw what stands still once, and remember it as pixels."""
        self._fig = fig
        for ax in fig.axes:
            ax.autoscale(False)  # or the axes would move with the data while their ticks stay
        fig.canvas.draw()
        fig.set_layout_engine("none")
        self._background = fig.canvas.copy_from_bbox(fig.bbox)
        self._still = {artist for ax in fig.axes for artist in ax.get_children()}
        self._limits = [(ax.get_xlim(), ax.get_ylim()) for ax in fig.axes]

    def _finish(self, result: Any, seconds: float) -> Frame:
        """Draw the new artists over the still background and take them off again."""
        text, cost = result if isinstance(result, tuple) else (result, None)
        canvas = self._fig.canvas
        canvas.restore_region(self._background)
        if [(ax.get_xlim(), ax.get_ylim()) for ax in self._fig.axes] != self._limits:
            for ax, (x, y) in zip(self._fig.axes, self._limits, strict=True):
                ax.set(xlim=x, ylim=y)
            raise ValueError("draw moved the axes; set their limits before the view is made")
        for artist in sorted(self._moving(), key=lambda a: a.get_zorder()):
            self._fig.draw_artist(artist)
        png = png_bytes(np.asarray(canvas.buffer_rgba()))
        unit = next((s.unit for s in self._settings.values() if s.unit), None) or "units"
        lines = ["", ""]
        if cost is not None:
            timed = cost if cost.seconds else cost + Cost(seconds=seconds)
            lines = [timed.describe(unit), cost.describe(unit, seconds=False)]
        return Frame(png, canvas.get_width_height(), str(text), *lines)

    def _moving(self) -> list:
        return [a for ax in self._fig.axes for a in ax.get_children() if a not in self._still]

    def _clear(self) -> None:
        for artist in self._moving():
            artist.remove()

    def _work(self, values: dict) -> Iterator[float]:
        """Draw the frame of a setting, yielding progress; the frame is the generator's value."""
        key = (self.seed, *values.items())
        if key in self._memory:
            self._memory.move_to_end(key)
            return self._memory[key]
        parsed = {
            k: s.parse(values[k]) if s.parse else values[k] for k, s in self._settings.items()
        }
        start = time.perf_counter()
        self._clear()
        try:
            for ax in self._fig.axes:
                ax.set_prop_cycle(None)  # every frame starts with the first colour
            result = self._draw(seed=self.seed, **parsed)
            if inspect.isgenerator(result):
                result = yield from result
            frame = self._finish(result, time.perf_counter() - start)
        finally:
            self._clear()
        self._memory[key] = frame
        while len(self._memory) > _MEMORY:
            self._memory.popitem(last=False)
        return frame

    def _frame(self, values: dict) -> Frame:
        """The same, in one go."""
        work = self._work(values)
        try:
            while True:
                next(work)
        except StopIteration as done:
            return done.value

    # ---- the widgets ------------------------------------------------------------------------

    def _control(self, name: str, setting: Setting) -> W.Widget:
        label = setting.label_of(name)
        wide = {"description_width": "150px"}
        if setting.parse:
            box = W.Text(
                setting.default,
                description=label,
                style=wide,
                continuous_update=False,
                layout=W.Layout(width="min(560px, 100%)"),
            )
            self._inputs[name] = box
            box.observe(self._moved, "value")
            return box
        pairs = list(zip(setting.names, setting.options, strict=True))
        slider = W.SelectionSlider(
            options=pairs,
            value=setting.default,
            description=label,
            style=wide,
            readout=False,
            continuous_update=not self._slow,
            layout=W.Layout(width="min(560px, 100%)"),
        )
        # A slider's handle has no name for a screen reader. This native list box shows the value,
        # has one (its tooltip), takes the keyboard, and jumps straight to a budget.
        listbox = W.Dropdown(
            options=pairs,
            value=setting.default,
            tooltip=f"{label}: choose a value",
            layout=W.Layout(width="150px"),
        )
        W.jslink((slider, "index"), (listbox, "index"))
        self._inputs[name] = slider
        slider.observe(self._moved, "value")
        return W.HBox([slider, listbox], layout=W.Layout(flex_flow="row wrap"))

    def _panel(self, frame: Frame) -> W.VBox:
        picture = W.HTML(
            self._picture(frame), layout=W.Layout(max_width="100%", width=f"{frame.size[0]}px")
        )
        return W.VBox([picture, W.HTML(self._caption(frame))])

    @staticmethod
    def _picture(frame: Frame) -> str:
        width, height = frame.size
        data = base64.b64encode(frame.png).decode()
        return (
            f'<img alt="{html.escape(frame.line)}" width="{width}" height="{height}" '
            f'style="max-width:100%;height:auto" src="data:image/png;base64,{data}">'
        )

    @staticmethod
    def _caption(frame: Frame) -> str:
        cost = f"<br><small>cost: {html.escape(frame.cost)}</small>" if frame.cost else ""
        text, style = html.escape(frame.text), "margin:0;line-height:1.35"
        return f'<p role="status" aria-live="polite" style="{style}">{text}{cost}</p>'

    def _default_values(self) -> dict:
        return {name: s.default for name, s in self._settings.items()}

    def _values(self) -> dict:
        return {name: box.value for name, box in self._inputs.items()}

    def _luck_name(self) -> str:
        return f"New luck (seed {self.seed})"

    def _show(self, i: int, frame: Frame) -> None:
        picture, caption = self._panels[i].children
        picture.value, caption.value = self._picture(frame), self._caption(frame)
        self._shown[i] = frame

    def _on_screen(self) -> tuple[dict, Frame]:
        """The setting that the picture shows, and the picture: after a bad input, the last good
        ones.
        """
        if not self._frames_mode:
            return self._good, self._shown[0]
        (slider,) = self._inputs.values()
        return self._values(), self._shown[slider.index]

    def _say(self, line: str = "") -> None:
        """One line under the controls, or none. An error in a callback shows nowhere else."""
        self._error.value = (
            f'<p class="ttc-error" role="alert" style="color:#b00;margin:0">{html.escape(line)}</p>'
            if line
            else ""
        )
        self._error.layout.display = None if line else "none"

    def _fail(self, error: Exception) -> None:
        self.traceback = traceback.format_exc()
        message = str(error).splitlines()[0] if str(error) else ""
        self._say(
            message if isinstance(error, ValueError) else f"{type(error).__name__}: {message}"
        )

    # ---- what happens -----------------------------------------------------------------------

    def _moved(self, change: Any = None) -> None:
        if self._frames_mode:
            return  # the browser has already switched
        values = self._values()
        self._start(
            self._refresh(values),
            at_once=not self._slow or (self.seed, *values.items()) in self._memory,
        )

    def _new_luck(self) -> None:
        self.seed += 1
        self._luck.description = self._luck_name()
        if self._frames_mode:
            self._start(self._all_frames(), at_once=False)
        else:
            self._moved()

    def _refresh(self, values: dict) -> Iterator[float]:
        frame = yield from self._work(values)
        self._show(0, frame)
        self._good = values

    def _all_frames(self) -> Iterator[float]:
        """Redraw every frame, the one on screen first."""
        ((name, setting),) = self._settings.items()
        now = self._inputs[name].index
        order = sorted(range(len(setting.options)), key=lambda i: (abs(i - now), i))
        failed = None
        for done, i in enumerate(order, 1):
            try:
                frame = yield from self._work({name: setting.options[i]})
                self._show(i, frame)
            except ValueError as error:  # this luck cannot be drawn at this setting; others may
                failed = failed or error
            yield done / len(order)
        if failed:
            raise failed

    def _start(self, work: Iterator[float], *, at_once: bool) -> None:
        """Run the work here, or beside the kernel's other messages, and cancel what it replaces."""
        self._cancel()
        try:
            loop = None if at_once else asyncio.get_running_loop()
        except RuntimeError:  # outside a kernel
            loop = None
        if loop:
            self._task = loop.create_task(self._beside(work))
            return
        try:
            for _ in work:
                pass
            self._say()
        except Exception as error:
            self._fail(error)

    async def _beside(self, work: Iterator[float]) -> None:
        self._working.layout.visibility = "visible"
        try:
            for progress in work:
                self._progress.value = progress
                await asyncio.sleep(0.001)  # here a newer setting, or Stop, gets its turn
            self._say()
        except Exception as error:
            self._fail(error)
        finally:
            work.close()
            if self._task is asyncio.current_task():
                self._working.layout.visibility = "hidden"

    def _cancel(self, line: str = "") -> None:
        if self._task and not self._task.done():
            self._task.cancel()
            self._working.layout.visibility = "hidden"
            if line:
                self._say(line)
        self._task = None

    # ---- without a kernel -------------------------------------------------------------------

    def __repr__(self) -> str:
        values, frame = self._on_screen()
        chosen = ", ".join(f"{k} = {s.name_of(values[k])}" for k, s in self._settings.items())
        return f"slider: {chosen} | {frame.line}"

    def _repr_mimebundle_(self, **kwargs):
        data = dict(super()._repr_mimebundle_(**kwargs))
        _, frame = self._on_screen()
        # GitHub and a notebook not yet run show the picture; nbval compares the line of numbers
        data["image/png"] = base64.b64encode(small_png(frame.png)).decode()
        data["text/plain"] = repr(self)
        if os.environ.get("TTC_STATIC"):
            data["text/html"] = self.static_html()
        return data, {"image/png": {"alt": frame.line}}

    def static_html(self) -> str:
        """Render the view as HTML with plain JavaScript: it slides with no kernel and no network."""
        choices = {n: list(s.options) for n, s in self._settings.items()}
        while np.prod([len(v) for v in choices.values()]) > _STATIC_FRAMES and len(choices) > 1:
            longest = max(choices, key=lambda n: len(choices[n]))
            keep = self._settings[longest].default
            # thin the longest list around the default until the page is of a reasonable size
            choices[longest] = choices[longest][choices[longest].index(keep) % 2 :: 2]
        pictures, start = [], self._default_values()
        for combination in itertools.product(*choices.values()):
            shown = "" if list(combination) == list(start.values()) else " hidden"
            try:
                frame = self._frame(dict(zip(choices, combination, strict=True)))
                line, png = (
                    frame.line,
                    f"image/png;base64,{base64.b64encode(small_png(frame.png)).decode()}",
                )
            except ValueError as error:  # settings that do not go together: a line, and no picture
                line, png = str(error), ""
            pictures.append(f'<img{shown} alt="{html.escape(line)}" src="data:{png}">')
        controls = []
        for name, values in choices.items():
            setting = self._settings[name]
            label = html.escape(setting.label_of(name))
            if setting.parse:  # whatever else could be typed needs a kernel
                controls.append(f"<p>{label}: <output>{html.escape(setting.default)}</output></p>")
                continue
            names = html.escape("|".join(setting.name_of(v) for v in values))
            controls.append(
                f'<p><label>{label} <input type="range" min="0" max="{len(values) - 1}" '
                f'value="{values.index(start[name])}" data-names="{names}" oninput="{html.escape(_SCRIPT)}">'
                f"</label> <output>{html.escape(setting.name_of(start[name]))}</output></p>"
            )
        line = html.escape(self._frame(start).line)
        return f'<div class="ttc-budget">{"".join(controls)}{"".join(pictures)}<p role="status">{line}</p></div>'


# Row-major index over the ranges, as itertools.product orders the pictures.
_SCRIPT = (
    "var d=this.closest('.ttc-budget'),k=0;"
    "d.querySelectorAll('input').forEach(function(r){k=k*(+r.max+1)+(+r.value);"
    "var t=r.dataset.names.split('|')[+r.value];r.setAttribute('aria-valuetext',t);"
    "r.closest('p').querySelector('output').textContent=t});"
    "var g=d.querySelectorAll('img');g.forEach(function(e,i){e.hidden=i!==k});"
    "d.querySelector('p[role=status]').textContent=g[k].alt"
)
