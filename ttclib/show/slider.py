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

A view is one widget. Its controls are the browser's own, written here as HTML; ``slider.js`` moves
the picture, the same in a notebook and in a page without a kernel.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import inspect
import itertools
import os
import signal
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import traitlets
from IPython import get_ipython
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ttclib.cost import Cost
from ttclib.inputs import checked, whole_number
from ttclib.language import translated
from ttclib.show.style import small_png, webp_bytes

try:
    import anywidget
except ImportError:
    raise ImportError("a view needs anywidget: pip install anywidget") from None

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_MEMORY = 10e6  # bytes of frames that a view remembers here; the browser keeps as many
_STATIC_FRAMES = 81  # frames of all combinations at most in a page without a kernel
_SCRIPT, _STYLE = (Path(__file__).with_suffix(kind).read_text("utf-8") for kind in (".js", ".css"))


@dataclass(frozen=True)
class Control:
    """One control of a view: the values it can take and how they are written."""

    options: tuple
    names: tuple[str, ...]
    default: Any
    unit: str | None = None
    label: str | None = None
    parse: Callable[[str], Any] | None = None
    ordered: bool = True

    def name_of(self, value: Any) -> str:
        """How the learner sees a value."""
        return str(value) if self.parse else translated(self.names[self.options.index(value)])

    def label_of(self, name: str) -> str:
        """What stands beside the control: the label, or the argument's name and the unit."""
        if self.label or not self.unit or self.unit == name:
            return translated(self.label or name)
        return f"{translated(name)} ({translated(self.unit)})"


@checked
def powers_of_two(
    low: int, high: int, unit: str, *, default: int | None = None, step: int = 1, label=None
):
    """Budgets 2^low, 2^(low+step), … up to 2^high, in ``unit``; ``default`` is an exponent."""
    low, high = whole_number("low", low, 0), whole_number("high", high, low)
    exponents = list(range(low, high + 1, whole_number("step", step)))
    start = exponents[0] if default is None else whole_number("default", default, 0)
    if start not in exponents:
        raise ValueError(f"default is {start}; it must be one of the exponents {exponents}")
    names = tuple(f"2{str(k).translate(_SUPERSCRIPT)} = {2**k:,}" for k in exponents)
    return Control(tuple(2**k for k in exponents), names, 2**start, unit, label)


@checked
def options(
    values: Sequence[Any],
    *,
    default: Any = None,
    unit: str | None = None,
    label=None,
    names=None,
    ordered: bool = True,
):
    """Values that have an order, for a slider: step sizes, thresholds, budgets."""
    values = tuple(values)
    if not values:
        raise ValueError("values is empty; a setting needs at least one value")
    default = values[0] if default is None else default
    if default not in values:
        raise ValueError(f"default is {default!r}; it must be one of {list(values)}")
    names = tuple(names) if names is not None else tuple(str(v) for v in values)
    return Control(values, names, default, unit, label, ordered=ordered)


@checked
def choice(values: Sequence[Any], **more):
    """Values without an order, for a list: methods, problems. Arguments as for :func:`options`."""
    return options(values, ordered=False, **more)


@checked
def entry(
    parse: Callable[[str], Any], default: str, *, unit: str | None = None, label: str | None = None
):
    """A text field; ``parse`` turns its text into a value or raises ``ValueError`` in one line."""
    parse(default)
    return Control((default,), (default,), default, unit, label, parse)


class Frame(NamedTuple):
    """What one setting shows."""

    seed: int
    image: bytes  # WebP, not the pixels, which take fifty times the memory
    size: tuple[int, int]  # width and height in pixels
    text: str
    cost: str
    steady_cost: str  # without the seconds, which differ from run to run

    @property
    def line(self) -> str:
        """Text and cost without anything that differs from run to run."""
        return translated(self.text) + f" · {_priced(self.steady_cost)}" * bool(self.steady_cost)

    @property
    def picture(self) -> str:
        """The picture as HTML."""
        width, height = self.size
        return (
            f'<img alt="{html.escape(self.line)}" width="{width}" height="{height}" '
            f'style="max-width:100%;height:auto" src="{_data_url("webp", self.image)}">'
        )

    @property
    def caption(self) -> str:
        """The text under the picture as HTML."""
        cost = f"<br><small>{html.escape(_priced(self.cost))}</small>" if self.cost else ""
        return html.escape(translated(self.text)) + cost


class Stage:
    """A figure whose still part is kept as pixels; what is added is drawn over it and taken off.

    The axes that it has keep their scales, limits and places.
    """

    def __init__(self, fig: Figure):
        self._fig = fig
        self._axes = fig.axes
        for ax in self._axes:
            ax.autoscale(False)  # or the axes would move with the data while their ticks stay
        self._canvas = cast(FigureCanvasAgg, fig.canvas)
        self._canvas.draw()
        fig.set_layout_engine("none")
        self._background = self._canvas.copy_from_bbox(fig.bbox)
        self._still = set(self._artists())
        self._state = self._read_state()

    def _artists(self) -> list[Artist]:
        return [artist for one in (self._fig, *self._axes) for artist in one.get_children()]

    def _added(self) -> list[Artist]:
        return [artist for artist in self._artists() if artist not in self._still]

    def _read_state(self) -> list[dict[str, Any]]:
        # a scale comes before the limits, which it may move
        names = ("xscale", "yscale", "xlim", "ylim", "autoscalex_on", "autoscaley_on")
        states = [{name: getattr(ax, f"get_{name}")() for name in names} for ax in self._axes]
        to_figure = self._fig.transFigure.inverted()
        for ax, state in zip(self._axes, states, strict=True):
            state["position"] = np.round(ax.bbox.transformed(to_figure).bounds, 9).tolist()
        return states

    def _moved(self) -> list[dict[str, Any]]:
        """Say of each of the axes what was moved, and how it was before."""
        return [
            {name: value for name, value in before.items() if now[name] != value}
            for before, now in zip(self._state, self._read_state(), strict=True)
        ]

    def clear(self) -> None:
        """Take off what was added, and put back what was moved."""
        for ax, before in zip(self._axes, self._moved(), strict=True):
            ax.set(**before)
            ax.set_prop_cycle(None)  # every frame starts with the first colour
            bars = [c for c in ax.containers if self._still.issuperset(c.get_children())]
            ax.containers[:] = bars  # or a legend would name those of the settings before
        for artist in self._added():
            try:
                artist.remove()
            except NotImplementedError:  # a part of axes that were emptied
                self._still.add(artist)
        self._still.intersection_update(self._artists())
        for artist in self._still:
            artist.stale = False

    def picture(self) -> tuple[bytes, tuple[int, int]]:
        """Return the figure as WebP and its size, or raise ``ValueError`` if it does not stand."""
        self._canvas.restore_region(self._background)
        # axes that were added, and texts beside the axes, lie over what is in the axes
        for artist in sorted(self._added(), key=lambda a: (a.axes in (None, a), a.get_zorder())):
            self._fig.draw_artist(artist)
        self.refuse_changes()  # to draw an axes may move another one
        image = webp_bytes(np.asarray(self._canvas.buffer_rgba()))
        return image, self._canvas.get_width_height()

    def refuse_changes(self) -> None:
        """Raise ``ValueError`` if the axes were moved, or what stands still was changed."""
        moved = {name for before in self._moved() for name in before}
        gone = self._still.difference(self._artists())
        # axes are stale when anything is added, and some plots set their ticks
        stale = {a for a in self._still if a.stale and not isinstance(a, (Axes, Axis))}
        if changed := sorted(moved or {type(artist).__name__ for artist in gone | stale}):
            did = "moved the axes" if moved else "changed what stands still"
            raise ValueError(f"draw {did} ({', '.join(changed)}); do so before the view is made")


class BudgetView(anywidget.AnyWidget):
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
    **settings : Control
        From :func:`powers_of_two`, :func:`options`, :func:`choice` or :func:`entry`; the names are
        the arguments of ``draw``. With one setting every frame is drawn at once and the browser
        fetches them all; with several the kernel draws a setting when it is first seen. The
        browser remembers what it has, so a slow link to the kernel shows only once.

    Raises
    ------
    ValueError
        If there is no setting, or ``draw`` moves the axes.
    """

    _esm = _SCRIPT
    _css = _STYLE
    # written when it is asked for, so a page that is opened again shows the view as it stands
    page = traitlets.Unicode().tag(sync=True, to_json=lambda _, view: view._page())
    _ipython_display_ = None  # ipywidgets 7, as on Colab, would show it without its picture
    _task: asyncio.Task | None = None

    @checked
    def __init__(
        self, fig: Figure, draw: Callable, *, seed: int = 0, luck: bool = True, **settings: Control
    ):
        super().__init__()
        if not settings or not all(isinstance(s, Control) for s in settings.values()):
            raise ValueError(
                "a view needs at least one setting, such as points=powers_of_two(4, 20, 'darts')"
            )
        self._draw = draw
        self._settings = settings
        self._luck = luck
        self.seed = whole_number("seed", seed, 0)
        self._slow = inspect.isgeneratorfunction(inspect.unwrap(draw))
        # all frames before they are asked for
        self._ahead = (
            len(settings) == 1 and not self._slow and not next(iter(settings.values())).parse
        )
        self._memory: OrderedDict[tuple, Frame] = OrderedDict()
        self._drawing = False  # in the middle of a step of slow work
        self._turn = 0  # number of the browser's last input, which its answer carries
        self._line = ""  # what is wrong, in one line
        self.traceback = ""
        self._stage = Stage(fig)
        # asked for last; drawn last
        self._at = self._good = {name: s.default for name, s in settings.items()}
        if self._ahead:
            ((name, setting),) = settings.items()
            for value in setting.options:
                self._frame({name: value})
        self._shown = self._frame(self._good)
        self.on_msg(lambda _, message, buffers: self._receive(message))

    # ---- the picture ------------------------------------------------------------------------

    def _known(self, values: dict) -> Frame | None:
        """Return the remembered frame of a setting. Frames drawn ahead stay until others come."""
        frame = self._memory.get(tuple(values.values()))
        return frame if frame and (self._ahead or frame.seed == self.seed) else None

    def _work(self, values: dict, again: bool = False) -> Generator[float, None, Frame]:
        """Draw the frame of a setting, yielding progress; the frame is the generator's value."""
        key = tuple(values.values())
        if not again and (frame := self._known(values)):
            self._memory.move_to_end(key)
            return frame
        parsed = {
            k: s.parse(values[k]) if s.parse else values[k] for k, s in self._settings.items()
        }
        stage = self._stage  # a view that is closed forgets it
        start = time.perf_counter()
        stage.clear()
        try:
            result = self._draw(seed=self.seed, **parsed)
            if inspect.isgenerator(result):
                result = yield from result
            seconds = time.perf_counter() - start
            image, size = stage.picture()
        finally:
            stage.clear()
        text, cost = result if isinstance(result, tuple) else (result, None)
        unit = next((s.unit for s in self._settings.values() if s.unit), None) or "units"
        lines = ["", ""]
        if cost is not None:
            timed = cost if cost.seconds else cost + Cost(seconds=seconds)
            lines = [timed.describe(unit), cost.describe(unit, seconds=False)]
        frame = Frame(self.seed, image, size, str(text), *lines)
        self._memory[key] = frame
        self._memory.move_to_end(key)
        while len(self._memory) > 1 and sum(len(f.image) for f in self._memory.values()) > _MEMORY:
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

    # ---- what the browser shows -------------------------------------------------------------

    def _page(self) -> str:
        """Write the view as it stands."""
        rows = [_control(n, s, s.options, self._at[n]) for n, s in self._settings.items()]
        hidden = "" if self._task else " hidden"
        work = (
            f'<span class="ttc-work"{hidden}>'
            f'<progress aria-label="{translated("progress")}" value="0"></progress> '
            f'<button class="jupyter-button ttc-stop">{translated("Stop")}</button></span>'
        )
        luck = (
            '<button class="jupyter-button ttc-luck" '
            f'title="{translated("Draw new random numbers")}">'
            f"{self._luck_name()}</button> "
        )
        buttons = f"<p>{luck * self._luck}{work * self._slow}</p>"
        ahead = ' data-ahead="yes"' if self._ahead else ""
        return (
            f'<div class="ttc-budget"{ahead}>{"".join(rows)}{buttons}'
            f'<p class="ttc-error" role="alert"{"" if self._line else " hidden"}>'
            f"{html.escape(self._line)}</p>"
            f'<p class="ttc-gone">{translated("The kernel that drew this is gone.")} '
            f"{translated('Choose <em>Run → Run All Cells</em>.')}</p>{self._shown.picture}"
            f'<p role="status" aria-live="polite">{self._shown.caption}</p></div>'
        )

    def _luck_name(self) -> str:
        return translated(f"New luck (seed {self.seed})")

    def _tell(self, *, frame: Frame | None = None, values: dict | None = None, **message) -> None:
        """Send a message to the browser, with the frame of a setting or without."""
        if frame and values:
            message["frame"] = {
                "at": _places(self._settings, values),
                "alt": frame.line,
                "caption": frame.caption,
            }
        self.send(message, [frame.image] if frame else [])

    def _say(self, line: str = "") -> None:
        """One line under the controls, or none. An error in a callback shows nowhere else."""
        self._line = line = translated(line)
        self._tell(error=line, turn=self._turn)

    def _fail(self, error: BaseException) -> None:
        self.traceback = traceback.format_exc()
        if isinstance(error, KeyboardInterrupt):
            return self._say("interrupted; the picture is the last finished one")
        return self._say(_complaint(error))

    # ---- what happens -----------------------------------------------------------------------

    def _receive(self, message: dict) -> None:
        """Do what the browser asks for: another setting, other luck, an end of slow work."""
        if "stop" in message:
            self._cancel("stopped; the picture is the last finished one")
        elif "fetch" in message:
            values = _values(self._settings, message["fetch"])
            if frame := self._known(values):
                self._tell(frame=frame, values=values, fetched=True)
        else:
            self._turn = message["turn"]
            if "luck" in message:
                self._new_luck()
            else:
                self._at = _values(self._settings, message["at"])
                self._moved(message["seen"])

    def _moved(self, seen: bool = False) -> None:
        known = self._known(self._at)
        if known and seen and (self._ahead or not self._task):
            self._good = self._at
            self._shown = known
            self._line = ""
            self._tell(turn=self._turn)
            self._tell_of_luck(known)
        else:
            self._start(self._refresh(self._at), at_once=bool(known) or not self._slow)

    def _new_luck(self) -> None:
        self.seed += 1
        self._tell(luck=self._luck_name(), forget=not self._ahead)
        if self._ahead:
            self._start(self._all_frames(), at_once=False)
        else:
            self._start(self._refresh(self._at), at_once=not self._slow)

    def _show(self, frame: Frame, values: dict) -> None:
        self._good = values
        self._shown = frame
        self._tell(frame=frame, values=values, turn=self._turn)
        self._tell_of_luck(frame)

    def _tell_of_luck(self, frame: Frame) -> None:
        """Say so if a picture is of earlier luck, and is not about to be drawn again."""
        if frame.seed != self.seed and not self._task:
            self._say(f"seed {self.seed} cannot be drawn here; this is seed {frame.seed}")

    def _refresh(self, values: dict) -> Generator[float]:
        frame = yield from self._work(values)
        self._show(frame, values)

    def _all_frames(self) -> Generator[float]:
        """Redraw every frame, the one on screen first."""
        ((name, setting),) = self._settings.items()
        now = setting.options.index(self._at[name])
        order = sorted(range(len(setting.options)), key=lambda i: (abs(i - now), i))
        failed = None
        for done, i in enumerate(order, 1):
            values = {name: setting.options[i]}
            try:
                frame = yield from self._work(values, again=True)
                if values == self._at:
                    self._show(frame, values)
                else:
                    self._tell(frame=frame, values=values)
            except ValueError as error:  # this luck cannot be drawn at this setting; others may
                failed = failed or error
            yield done / len(order)
        if failed:
            raise failed

    def _start(self, work: Generator[float], *, at_once: bool) -> None:
        """Run the work here, or beside the kernel's other messages, and cancel what it replaces."""
        self._cancel()
        try:
            loop = None if at_once else asyncio.get_running_loop()
        except RuntimeError:  # outside a kernel
            loop = None
        if loop:
            self._tell(turn=self._turn)
            self._task = loop.create_task(self._beside(work))
            return
        try:
            self._line = ""
            for _ in work:
                pass
        except (Exception, KeyboardInterrupt) as error:
            self._fail(error)

    async def _beside(self, work: Generator[float]) -> None:
        try:
            with _interrupts(self._interrupt):
                while (progress := self._step(work)) is not None:
                    self._tell(progress=progress)
                    await asyncio.sleep(0.001)  # here a newer setting, or Stop, gets its turn
            self._say()
        except (Exception, KeyboardInterrupt) as error:
            self._fail(error)
        finally:
            work.close()
            if self._task is asyncio.current_task():
                self._task = None
                self._tell(progress=None)

    def _step(self, work: Iterator[float]) -> float | None:
        self._drawing = True
        try:
            return next(work, None)
        finally:
            self._drawing = False

    def _interrupt(self, *_) -> None:
        """Stop slow work in the middle of a step, or between two."""
        if self._drawing:
            raise KeyboardInterrupt
        self._cancel("interrupted; the picture is the last finished one")

    def _cancel(self, line: str = "") -> None:
        if self._task:
            self._task.cancel()
            self._task = None
            self._tell(progress=None)
            if line:
                self._say(line)

    # ---- life and death ---------------------------------------------------------------------

    def open(self) -> None:
        """Wait: what is never shown leaves nothing in the kernel or in the browser."""

    @property
    def model_id(self) -> str:
        """The name of this view in the browser, which from now on has it."""
        if self.comm is None:
            super().open()
            _supersede(self)
        return self.comm.comm_id

    def close(self) -> None:
        """Take the view out of the browser, and free its figure and its frames."""
        self._cancel()
        opened = self.comm is not None
        super().close()
        if opened:
            self.layout.close()
            self._memory.clear()
            self._shown = self._shown._replace(image=b"")
            del self._draw, self._stage

    # ---- without a kernel -------------------------------------------------------------------

    def __repr__(self) -> str:
        values = self._good.items()
        named = [f"{translated(k)} = {self._settings[k].name_of(v)}" for k, v in values]
        return f"{translated('slider')}: {', '.join(named)} | {self._shown.line}"

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)  # None only of a widget without a view
        data, metadata = cast(tuple[dict, dict], bundle)
        # GitHub and a notebook not yet run show the picture; nbval compares the line of numbers
        data["image/png"] = base64.b64encode(small_png(self._shown.image)).decode()
        data["text/plain"] = repr(self)
        if os.environ.get("TTC_STATIC"):
            data["text/html"] = self.static_html()
        return data, {**metadata, "image/png": {"alt": self._shown.line}}

    def static_html(self) -> str:
        """Render the view as HTML with its script: it slides with no kernel and no network."""
        settings = self._settings.items()
        start = tuple(setting.default for _, setting in settings)
        combinations = list(itertools.product(*(setting.options for _, setting in settings)))
        every = len(combinations)
        if every > _STATIC_FRAMES:  # then one setting at a time leaves its default
            away = lambda one: sum(a != b for a, b in zip(one, start, strict=True))  # noqa: E731
            combinations = [one for one in combinations if away(one) <= 1]
        pictures = []
        for combination in combinations:
            values = dict(zip(self._settings, combination, strict=True))
            places = [s.options.index(values[n]) for n, s in settings if not s.parse]
            mark = f' data-at="{",".join(map(str, places))}"' + " hidden" * (combination != start)
            try:
                picture = self._frame(values).picture
            except ValueError as error:  # settings that do not go together: a line, and no picture
                line = translated(_complaint(error))
                picture = f'<img alt="{html.escape(line)}" src="data:">'
            pictures.append(picture.replace("<img", f"<img{mark}"))
        controls = []
        for name, setting in settings:
            if setting.parse:  # whatever else could be typed needs a kernel
                label, text = map(html.escape, (setting.label_of(name), setting.default))
                controls += [f"<p>{label}: <output>{text}</output></p>"] if text else []
            else:
                controls.append(_control(name, setting, setting.options, setting.default))
        line = html.escape(self._frame(dict(zip(self._settings, start, strict=True))).line)
        return (
            f'<div class="ttc-budget" data-all="{every}">{"".join(controls)}{"".join(pictures)}'
            f'<p role="status">{line}</p></div><style>{_STYLE}</style>'
            f'<script type="module">{_SCRIPT}'
            "document.querySelectorAll('.ttc-budget:not([data-alive])').forEach(still)</script>"
        )


def _priced(cost: str) -> str:
    """Say what was spent; each part of it is a text by itself."""
    return f"{translated('cost')}: {' · '.join(map(translated, cost.split(' · ')))}"


def _complaint(error: BaseException) -> str:
    """Write an error in one line, the first that is not blank; a ``ValueError`` needs no name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()][:1]
    named = not lines or not isinstance(error, ValueError)
    return ": ".join([type(error).__name__] * named + lines)


def _data_url(kind: str, image: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _control(name: str, setting: Control, values: Sequence, now: Any) -> str:
    """Write a setting's control as HTML; it offers ``values`` and stands at ``now``."""
    label = html.escape(setting.label_of(name))
    if setting.parse:
        field = f'<input type="text" data-setting="{name}" value="{html.escape(now)}">'
        return f'<p class="ttc-row"><label>{label} {field}</label></p>'
    names = [html.escape(setting.name_of(value)) for value in values]
    place = list(values).index(now)
    common = f'data-setting="{name}" data-length="{len(values)}"'
    if not setting.ordered:
        items = [f"<option{' selected' * (i == place)}>{n}</option>" for i, n in enumerate(names)]
        field = f"<select {common}>{''.join(items)}</select>"
        return f'<p class="ttc-row"><label>{label} {field}</label></p>'
    return (
        f'<p class="ttc-row"><label>{label} <input type="range" {common} min="0" '
        f'max="{len(values) - 1}" value="{place}" data-names="{"|".join(names)}" '
        f'aria-valuetext="{names[place]}"></label> '
        f'<output aria-live="off">{names[place]}</output></p>'
    )


def _places(settings: dict[str, Control], values: dict) -> list:
    """Say where the controls stand, as the browser counts: a position in a list, or a text."""
    return [values[n] if s.parse else s.options.index(values[n]) for n, s in settings.items()]


def _values(settings: dict[str, Control], places: list) -> dict:
    pairs = zip(settings.items(), places, strict=True)
    return {name: at if s.parse else s.options[at] for (name, s), at in pairs}


_shown_by: dict[str, tuple[str, list[BudgetView]]] = {}  # cell → one run of it, and its views


def _supersede(view: BudgetView) -> None:
    """Close what the cell that shows this view has shown in an earlier run."""
    kernel = getattr(get_ipython(), "kernel", None)
    request = kernel.get_parent("shell") if kernel else {}
    if request.get("header", {}).get("msg_type") != "execute_request":
        return
    # a front end that does not name its cells is known by what stands in the cell
    cell = request["metadata"].get("cellId") or request["content"]["code"]
    run = request["header"]["msg_id"]
    before, views = _shown_by.get(cell, (run, []))
    if before != run:
        for old in views:
            old.close()
        views = []
    _shown_by[cell] = (run, [*views, view])


@contextlib.contextmanager
def _interrupts(action: Callable) -> Iterator[None]:
    """Call ``action`` at an interrupt: a kernel listens for one only while it runs a cell."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, action)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
