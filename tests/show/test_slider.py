"""The budget slider and the pictures: what is drawn, remembered, refused, and left without a
kernel.
"""

import asyncio
import base64
import io
import itertools
import re
import subprocess
import sys
from html.parser import HTMLParser

import ipywidgets as W
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import rgb_to_hsv, to_rgb
from PIL import Image
from views import (
    button,
    every,
    heard,
    line_of,
    no_event_loop_of_another_test,  # noqa: F401
    page,
    pixels,
    say,
    shown,
    sliders,
)

from ttclib.cost import Cost
from ttclib.inputs import whole_number
from ttclib.show import slider
from ttclib.show.slider import BudgetView, entry, options, powers_of_two
from ttclib.show.style import COLORS, MUTED, TRUTH, Picture, band, end_labels, figure, ink

# ---- helpers: what a learner can see and touch --------------------------------------------------


class Dots:
    """A drawing of nested random dots on ``self.ax`` that notes each time it is asked to draw."""

    def __init__(self, refuse=()):
        self.calls, self.refuse = [], refuse

    def __call__(self, points, seed, size=4):
        self.calls.append((points, size, seed))
        if points in self.refuse:
            raise ValueError(
                f"points is {points}; that is <not> allowed\nand this is a second line"
            )
        xy = np.random.default_rng(seed).random((points, 2))
        self.ax.plot(*xy.T, "o", markersize=size)
        return f"{points} dots, mean {xy.mean():.3f}", Cost(units=points)


def canvas():
    fig, ax = figure(size=(3.0, 2.0))
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="x", ylabel="y")
    return fig, ax


def dots_view(draw=None, **settings):
    draw = draw or Dots()
    fig, draw.ax = canvas()
    view = BudgetView(fig, draw, **(settings or {"points": powers_of_two(2, 6, "dots", default=4)}))
    return view, draw


TWO = {"points": powers_of_two(2, 6, "dots", default=4), "size": options([2, 4, 8], default=4)}


def same(a, b):
    return a.shape == b.shape and (a == b).all()


# ---- frames and redraw --------------------------------------------------------------------------


def test_frames_show_what_redrawing_shows():
    frames, _ = dots_view()
    redraw, _ = dots_view(points=TWO["points"], size=options([4]))
    assert "data-ahead" in page(frames) and "data-ahead" not in page(redraw)
    messages = heard(frames)
    for value in TWO["points"].options:
        say(frames, {"fetch": [TWO["points"].options.index(value)]})  # as the browser does
        frame, (image,) = messages[-1]
        sliders(frames)[0].value = sliders(redraw)[0].value = value
        (a, caption), (b, other_caption) = shown(frames), shown(redraw)
        assert same(pixels(a), pixels(b))
        fetched = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))
        assert same(pixels(a), fetched) and frame["frame"]["alt"] == Page(a).images[0]["alt"]
        assert frame["frame"]["caption"] in caption
        steady = [re.sub(r" · [\d.]+ (µs|ms|s)<", "<", text) for text in (caption, other_caption)]
        assert steady[0] == steady[1] and f"{value} dots" in steady[0]


def test_a_frame_is_the_figure_as_matplotlib_would_draw_it():
    view, _ = dots_view()
    fig, ax = canvas()
    fig.canvas.draw()
    fig.set_layout_engine("none")
    draw = Dots()
    draw.ax = ax
    draw(16, 0)
    fig.canvas.draw()
    whole = np.asarray(fig.canvas.buffer_rgba())[..., :3]
    # dots cover the spines in a frame, and lie under them in a figure: nothing else differs
    differ = (whole != pixels(shown(view)[0])).any(axis=-1)
    assert differ.mean() < 0.005


def test_pictures_differ_between_settings_and_do_not_pile_up():
    view, _ = dots_view(**TWO)
    first = pixels(shown(view)[0])
    sliders(view)[0].value = 64
    assert not same(pixels(shown(view)[0]), first)
    sliders(view)[0].value = 16
    assert same(pixels(shown(view)[0]), first)
    fresh, _ = dots_view(points=powers_of_two(2, 6, "dots", default=2), size=options([4]))
    sliders(view)[0].value = 4
    assert same(pixels(shown(view)[0]), pixels(shown(fresh)[0]))


def test_all_budgets_have_the_same_luck():
    _, draw = dots_view()
    assert {seed for *_, seed in draw.calls} == {0}
    view, draw = dots_view(**TWO)
    for moved in sliders(view):
        moved.value = moved.options[0][1]
    assert {seed for *_, seed in draw.calls} == {0}
    fig, draw.ax = canvas()
    assert BudgetView(fig, draw, seed=7, **TWO).seed == 7 and draw.calls[-1][-1] == 7


def test_a_setting_seen_before_is_not_drawn_again():
    view, draw = dots_view(**TWO)
    points, size = sliders(view)
    for value in (4, 8, 16, 8, 4, 16):
        points.value = value
    assert draw.calls == [(16, 4, 0), (4, 4, 0), (8, 4, 0)]
    size.value = 2
    size.value = 4
    assert draw.calls[3:] == [(16, 2, 0)]


def test_memory_is_bounded(monkeypatch):
    view, draw = dots_view(**TWO)
    sizes = {}
    messages = heard(view)
    for value in (4, 8, 16):
        sliders(view)[0].value = value
        sizes[value] = len(messages[-1][1][0])
    two = max(sizes[4] + sizes[8], sizes[8] + sizes[16])
    monkeypatch.setattr(slider, "_MEMORY", two)  # bytes: room for two of the three
    assert two < sum(sizes.values())
    view, draw = dots_view(**TWO)
    for value in (4, 8, 16, 8):  # 16, 4, 8 → 4, 8; 16 again → 8, 16; 8 is still there
        sliders(view)[0].value = value
        assert sum(len(frame.image) for frame in view._memory.values()) <= two
    assert [points for points, *_ in draw.calls] == [16, 4, 8, 16]


def test_what_the_browser_has_is_not_sent_again():
    view, draw = dots_view(**TWO)
    sliders(view)[0].value = 64
    sliders(view)[0].value = 16
    messages = heard(view)
    say(view, {"turn": 9, "at": [4, 1], "seen": True})
    assert messages == [({"turn": 9}, [])] and "64 dots" in shown(view)[1]
    assert len(draw.calls) == 2


@pytest.mark.parametrize("settings", [{}, TWO])
def test_new_luck_draws_everything_again(settings):
    view, draw = dots_view(**settings)
    before, calls = pixels(shown(view)[0]), len(draw.calls)
    luck = button(view, "New luck")
    assert luck.description == "New luck (seed 0)"
    luck.click()
    assert luck.description == "New luck (seed 1)" and view.seed == 1
    assert not same(pixels(shown(view)[0]), before)
    assert {seed for *_, seed in draw.calls[calls:]} == {1}
    # in frames every budget has the new luck, and the one on screen got it first
    assert len(draw.calls) - calls == (1 if settings else 5)
    assert draw.calls[calls][0] == 16
    mean = np.random.default_rng(1).random((16, 2)).mean()
    assert f"mean {mean:.3f}" in shown(view)[1]


def test_no_luck_no_button():
    fig, _ = canvas()
    view = BudgetView(fig, lambda points, seed: str(points), luck=False, points=options([1, 2]))
    assert every(view, W.Button) == []


def test_two_views_do_not_disturb_each_other():
    alone = {}
    for value in TWO["points"].options:
        view, _ = dots_view(**TWO)
        sliders(view)[0].value = value
        alone[value] = shown(view)[0]
    (a, _), (b, _) = dots_view(**TWO), dots_view(Dots(refuse=(32,)), **TWO)
    for left, right in [(4, 64), (8, 32), (16, 4), (64, 8)]:
        sliders(a)[0].value = left
        sliders(b)[0].value = right
        assert same(pixels(shown(a)[0]), pixels(alone[left]))
        assert line_of(a) == "" and bool(line_of(b)) == (right == 32)
    button(b, "New luck").click()
    assert (a.seed, b.seed) == (0, 1)


# ---- bad input ----------------------------------------------------------------------------------


def test_a_refused_setting_gets_one_line_and_the_picture_stays():
    view, _ = dots_view(Dots(refuse=(32,)), **TWO)
    good = shown(view)
    sliders(view)[0].value = 32
    assert line_of(view) == "points is 32; that is &lt;not&gt; allowed"
    assert shown(view) == good
    assert "16 dots" in repr(view) and "2⁴ = 16" in repr(view)  # text, poster and picture agree
    sliders(view)[1].value = 8  # still refused: the line stays one
    assert "that is" in line_of(view) and shown(view) == good
    sliders(view)[0].value = 64
    assert line_of(view) == "" and "64 dots" in shown(view)[1]
    assert repr(view).startswith("slider: points = 2⁶ = 64, size = 8 | 64 dots")


def test_an_unexpected_error_is_named_and_kept_for_the_curious():
    def draw(points, size, seed):
        return str(points / (points - 8))

    fig, _ = canvas()
    view = BudgetView(fig, draw, **TWO)
    sliders(view)[0].value = 8
    assert line_of(view) == "ZeroDivisionError: division by zero"
    assert "points / (points - 8)" in view.traceback


def typed(text):
    try:
        return whole_number("points", float(text))
    except ValueError as error:
        raise ValueError(str(error)) from None


@pytest.mark.parametrize("text", ["-5", "abc", "1.5", "", "nan", "<b>", "1e400"])
def test_a_text_that_does_not_parse_gets_one_line_and_the_picture_stays(text):
    view, draw = dots_view(points=entry(typed, "16", unit="dots"))
    good, calls = shown(view), len(draw.calls)
    (box,) = every(view, W.Text)
    box.value = text
    assert line_of(view) and "\n" not in line_of(view) and "<b>" not in line_of(view)
    assert shown(view) == good and len(draw.calls) == calls
    assert repr(view).startswith("slider: points = 16 | 16 dots")
    assert view._repr_mimebundle_()[1]["image/png"]["alt"].startswith("16 dots")
    box.value = "1e2"
    assert line_of(view) == "" and "100 dots" in shown(view)[1]
    box.value = "16"
    assert shown(view) == good


def test_luck_that_cannot_be_drawn_spares_the_other_frames():
    def draw(points, seed):
        if (points, seed) == (8, 1):
            raise ValueError("all weights are zero")
        return f"{points} with seed {seed}"

    fig, _ = canvas()
    view = BudgetView(fig, draw, points=powers_of_two(2, 4, "dots"))
    button(view, "New luck").click()
    assert line_of(view) == "all weights are zero"
    captions = []
    for value in (4, 8, 16):
        sliders(view)[0].value = value
        captions.append((shown(view)[1], repr(view)))
        word = "seed 1 cannot be drawn here; this is seed 0"
        assert line_of(view) == (word if value == 8 else "")
        say(view, {"turn": 100 + value, "at": [(4, 8, 16).index(value)], "seen": True})
        assert line_of(view) == (word if value == 8 else "")
    for (caption, text), seed in zip(captions, (1, 0, 1), strict=True):
        assert f"seed {seed}" in caption and f"seed {seed}" in text
    button(view, "New luck").click()
    assert line_of(view) == "" and "seed 2" in shown(view)[1]


def test_drawing_may_not_move_the_axes():
    fig, ax = canvas()

    def draw(points, seed, size=1):
        ax.plot([0, points], [0, 1])
        if points == 8:
            ax.set_xlim(0, points)
        return "drawn"

    with pytest.raises(ValueError, match="draw moved the axes"):
        BudgetView(fig, draw, points=powers_of_two(2, 6, "dots"))
    fig, ax = canvas()
    view = BudgetView(fig, draw, **TWO)
    good = shown(view)
    sliders(view)[0].value = 8
    assert line_of(view).startswith("draw moved the axes") and shown(view) == good
    sliders(view)[0].value = 64  # the axes are back
    assert line_of(view) == "" and ax.get_xlim() == (0, 1) and shown(view)[0] != good[0]


def misbehave(how, at=8):
    """Return a figure, and a drawing of a line that misbehaves on it at one setting."""
    fig, ax = figure(size=(3.0, 2.0))
    ax.set(xlim=(0, 64), ylim=(0.1, 1))
    ax.set_title("still")
    ax.plot([0, 64], [0.1, 1], label="still")

    def draw(points, seed, size=1):
        ax.plot([0, points], [0.2, 0.9], color="red")
        if points == at:
            how(fig, ax)
        return f"to {points}"

    return fig, draw


@pytest.mark.parametrize(
    ("how", "line"),
    [
        (lambda fig, ax: ax.set_yscale("log"), r"moved the axes \(yscale\)"),
        (lambda fig, ax: ax.set_xscale("log"), r"moved the axes \(.*xscale\)"),
        (lambda fig, ax: ax.set_xlim(0, 9), r"moved the axes \(xlim\)"),
        (lambda fig, ax: ax.autoscale(), r"moved the axes \(autoscalex_on.*ylim\)"),
        (lambda fig, ax: fig.colorbar(ax.imshow([[1]]), ax=ax), r"moved the axes \(.*position"),
        (lambda fig, ax: ax.twinx(), r"moved the axes \(position\)"),
        (lambda fig, ax: ax.clear(), r"moved the axes \("),
        (lambda fig, ax: ax.set_title("new"), r"changed what stands still \(Text\)"),
        (lambda fig, ax: ax.lines[0].set_ydata([1, 1]), r"stands still \(Line2D\)"),
        (lambda fig, ax: ax.lines[0].remove(), r"stands still \(Line2D\)"),
    ],
)
def test_what_draw_may_not_do_is_named_and_the_next_frame_is_whole(how, line):
    fig, draw = misbehave(how)
    with pytest.raises(ValueError, match=f"^draw .*{line}"):
        BudgetView(fig, draw, points=powers_of_two(2, 6, "dots"))
    view = BudgetView(*misbehave(how), **TWO)
    alone = BudgetView(*misbehave(how, at=None), **TWO)
    good = shown(view)
    sliders(view)[0].value = 8
    assert re.match(f"draw .*{line}", line_of(view)) and shown(view) == good
    for value in (64, 4):
        sliders(view)[0].value = sliders(alone)[0].value = value
        assert line_of(view) == "" and same(pixels(shown(view)[0]), pixels(shown(alone)[0]))


def test_an_error_of_draw_leaves_the_axes_as_they_were():
    def how(fig, ax):
        ax.set(yscale="log", xlim=(1, 5))
        fig.add_axes((0, 0, 0.5, 0.5))
        raise ValueError

    view = BudgetView(*misbehave(how), **TWO)
    alone = BudgetView(*misbehave(how, at=None), **TWO)
    for value, line in [(8, "ValueError"), (64, ""), (8, "ValueError"), (4, "")]:
        sliders(view)[0].value = value
        assert line_of(view) == line
    sliders(alone)[0].value = 4
    assert same(pixels(shown(view)[0]), pixels(shown(alone)[0]))


@pytest.mark.parametrize(
    "how",
    [
        lambda fig, ax: fig.add_axes((0.5, 0.5, 0.3, 0.3)).plot([1, 2]),
        lambda fig, ax: ax.inset_axes((0.5, 0.5, 0.3, 0.3)).plot([1, 2]),
        lambda fig, ax: fig.text(0.5, 0.5, "beside the axes"),
        lambda fig, ax: fig.legend(),
    ],
)
def test_what_is_added_beside_the_axes_is_shown_and_taken_off(how):
    view = BudgetView(*misbehave(how), **TWO)
    alone = BudgetView(*misbehave(how, at=None), **TWO)
    for value in (8, 64, 8, 4):
        sliders(view)[0].value = sliders(alone)[0].value = value
        assert line_of(view) == ""
        equal = same(pixels(shown(view)[0]), pixels(shown(alone)[0]))
        assert equal == (value != 8)
    fig, draw = misbehave(how)
    BudgetView(fig, draw, points=powers_of_two(2, 6, "dots"))
    assert len(fig.axes) == 1 and len(fig.texts) == len(fig.legends) == 0
    assert len(fig.axes[0].child_axes) == 0 and len(fig.axes[0].lines) == 1


def test_a_legend_names_the_bars_of_its_own_setting():
    def bars():
        fig, ax = canvas()
        ax.bar([0.5], [0.2], label="still")

        def draw(points, seed, size=1):
            ax.bar([0.2], [points / 64], label=f"{points} dots")
            ax.errorbar([0.2], [0.5], [0.1], label="its error")
            ax.legend()
            return f"{points} dots"

        return BudgetView(fig, draw, **TWO)

    view = bars()
    alone = bars()
    for value in (8, 16, 64):
        sliders(view)[0].value = value
    sliders(alone)[0].value = 64
    assert same(pixels(shown(view)[0]), pixels(shown(alone)[0]))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError(""), "ValueError"),
        (ValueError(), "ValueError"),
        (ValueError("\n \nreason\nmore"), "reason"),
        (KeyError(), "KeyError"),
        (TypeError("\n"), "TypeError"),
        (RuntimeError("\nreason"), "RuntimeError: reason"),
    ],
)
def test_an_error_always_says_something(error, line):
    def draw(points, seed, size=1):
        if points == 8:
            raise error
        return f"to {points}"

    view = BudgetView(canvas()[0], draw, **TWO)
    sliders(view)[0].value = 8
    assert line_of(view) == line
    if isinstance(error, ValueError):  # of other kinds none is foreseen in a page
        assert f'alt="{line}"' in view.static_html()


def test_axes_without_limits_keep_those_they_had():
    fig, ax = figure(size=(3.0, 2.0))
    ax.plot([0, 1], [0, 1])
    view = BudgetView(fig, lambda n, seed: (ax.plot([0, n], [0, n]), str(n))[1], n=options([5, 50]))
    assert line_of(view) == "" and ax.get_xlim()[1] < 1.1


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: powers_of_two(5, 4, "dots"), "high is 4; it must be a whole number of at least 5"),
        (lambda: powers_of_two(-1, 4, "dots"), "low is -1"),
        (lambda: powers_of_two(2, 4, "dots", step=0), "step is 0"),
        (
            lambda: powers_of_two(2, 6, "dots", step=2, default=3),
            r"default is 3; it must be one of .*\[2, 4, 6\]",
        ),
        (lambda: options([]), "values is empty"),
        (lambda: options([1, 2], default=3), r"default is 3; it must be one of \[1, 2\]"),
        (lambda: entry(float, "abc"), "could not convert"),
        (lambda: BudgetView(canvas()[0], lambda seed: ""), "needs at least one setting"),
        (
            lambda: BudgetView(canvas()[0], lambda n, seed: "", seed=-1, n=options([1])),
            "seed is -1",
        ),
    ],
)
def test_what_an_author_may_get_wrong(make, line):
    with pytest.raises(ValueError, match=line):
        make()


def test_names_of_settings():
    setting = powers_of_two(2, 10, "darts", step=4, default=6)
    assert setting.options == (4, 64, 1024) and setting.default == 64
    assert setting.names == ("2² = 4", "2⁶ = 64", "2¹⁰ = 1,024")
    assert setting.label_of("darts") == "darts" and setting.label_of("n") == "n (darts)"
    assert options([0.5, 1], names=["half", "one"]).name_of(0.5) == "half"
    assert options([1], label="step size").label_of("s") == "step size"


# ---- slow work ----------------------------------------------------------------------------------


class Slow(Dots):
    """The same dots, drawn one by one; notes which drawings ended and which were closed before."""

    def __init__(self):
        super().__init__()
        self.ended, self.closed = [], []

    def drawing(self, points, seed, size=4):
        """Yield the progress after each dot."""
        self.calls.append((points, size, seed))
        left = self.closed
        try:
            xy = np.random.default_rng(seed).random((points, 2))
            for k, (x, y) in enumerate(xy, 1):
                self.ax.plot(x, y, "o", markersize=size, color="black")
                if points == 32 and k == 20:
                    raise ValueError("the 20th of 32 dots fell off")
                yield k / points
            left = self.ended
            return f"{points} dots, mean {xy.mean():.3f}", Cost(units=points)
        finally:
            left.append(points)


def slow_view(low=2, high=8):
    slow = Slow()
    fig, slow.ax = canvas()
    return BudgetView(fig, slow.drawing, points=powers_of_two(low, high, "dots")), slow


def slow_picture(exponent):
    """Pixels of a drawing that nothing disturbed."""
    view, _ = slow_view(exponent, exponent)
    return pixels(shown(view)[0])


def run(story):
    """Run an async story in an event loop, as a kernel would."""

    async def limited():
        await asyncio.wait_for(story(), timeout=60)

    asyncio.run(limited())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.002)


def working(view):
    return '<span class="ttc-work">' in page(view)


def progress(messages):
    """What the bar showed, since the last time it went away."""
    seen = [message["progress"] for message, _ in messages if "progress" in message]
    return seen[:-1] if seen and seen[-1] is None else seen


def test_slow_work_shows_its_progress_and_then_the_picture():
    view, _ = slow_view()
    first, messages = shown(view), heard(view)
    assert not working(view) and "ttc-work" in page(view)  # the mark of what starts on release
    seen, tell = [], view.send

    def told(message, buffers=()):
        tell(message, buffers)
        if message.get("progress") is not None:
            seen.append((message["progress"], shown(view) == first))

    view.send = told

    async def story():
        sliders(view)[0].value = 64
        assert shown(view) == first  # the kernel is free again at once
        await until(lambda: working(view))
        await until(lambda: not working(view))

    run(story)
    assert "64 dots" in shown(view)[1] and "2⁶ = 64 | 64 dots" in repr(view) and line_of(view) == ""
    values = [value for value, _ in seen]
    assert values == progress(messages)
    assert values == sorted(values) and values[-1] == 1 and len(values) == 64
    assert all(still_the_first for _, still_the_first in seen)
    assert same(pixels(shown(view)[0]), slow_picture(6))


def test_slow_work_can_be_stopped():
    view, slow = slow_view()
    first, messages = shown(view), heard(view)

    async def story():
        sliders(view)[0].value = 256
        await until(lambda: progress(messages)[-1:] > [0.02])
        button(view, "Stop").click()
        await until(lambda: slow.closed)
        assert not working(view)

    run(story)
    assert slow.closed == [256] and slow.ended == [4]
    assert shown(view) == first and line_of(view).startswith("stopped")
    assert "4 dots" in repr(view)

    async def again():  # what was stopped was not remembered as if it were finished
        sliders(view)[0].value = 8
        sliders(view)[0].value = 256
        await until(lambda: "256 dots" in shown(view)[1])
        await until(lambda: not working(view))

    run(again)
    assert line_of(view) == ""


def test_a_newer_setting_cancels_the_older():
    view, slow = slow_view()
    messages = heard(view)

    async def story():
        sliders(view)[0].value = 256
        await until(lambda: progress(messages)[-1:] > [0.02])
        sliders(view)[0].value = 128  # in the middle of the drawing
        sliders(view)[0].value = 64  # before the drawing of 128 began
        await until(lambda: "64 dots" in shown(view)[1])
        await asyncio.sleep(0.05)

    run(story)
    assert slow.closed == [256] and slow.ended == [4, 64] and 128 not in [p for p, *_ in slow.calls]
    captions = [message["frame"]["caption"] for message, _ in messages if "frame" in message]
    assert len(captions) == 1 and "64 dots" in captions[0]
    assert same(pixels(shown(view)[0]), slow_picture(6))  # nothing of 256 is in the picture


def test_a_remembered_setting_comes_back_at_once_and_cancels_too():
    view, slow = slow_view()
    messages = heard(view)

    async def story():
        sliders(view)[0].value = 256
        await until(lambda: progress(messages)[-1:] > [0.02])
        sliders(view)[0].value = 4
        assert "4 dots" in shown(view)[1] and not working(view)
        await until(lambda: slow.closed)
        assert "4 dots" in shown(view)[1]

    run(story)
    assert len(slow.calls) == 2


def test_a_display_in_another_cell_does_not_touch_running_work():
    view, _ = slow_view()
    messages = heard(view)

    async def story():
        sliders(view)[0].value = 64
        await until(lambda: progress(messages)[-1:] > [0.02])
        assert "4 dots" in repr(view) and view._repr_mimebundle_()
        await until(lambda: "64 dots" in shown(view)[1])

    run(story)
    assert same(pixels(shown(view)[0]), slow_picture(6))


def test_an_error_in_slow_work_is_shown():
    view, _ = slow_view()
    first = shown(view)

    async def story():
        sliders(view)[0].value = 32
        await until(lambda: line_of(view))
        assert not working(view)

    run(story)
    assert line_of(view) == "the 20th of 32 dots fell off" and shown(view) == first
    run(lambda: _move(view, 8))
    assert line_of(view) == ""
    assert same(pixels(shown(view)[0]), slow_picture(3))


async def _move(view, value):
    sliders(view)[0].value = value
    await until(lambda: f"{value} dots" in shown(view)[1] and not working(view))


def test_new_luck_of_frames_leaves_the_kernel_free():
    view, draw = dots_view()

    async def story():
        button(view, "New luck").click()
        assert len(draw.calls) == 5  # nothing drawn yet
        button(view, "New luck").click()  # and the first luck never will be
        await until(lambda: len(draw.calls) == 10)
        await asyncio.sleep(0.02)

    run(story)
    assert [seed for *_, seed in draw.calls[5:]] == [2] * 5
    assert view.seed == 2


# ---- without a kernel ---------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, TWO])
def test_the_line_of_numbers_is_the_same_in_every_run(settings):
    lines = {repr(dots_view(**settings)[0]) for _ in range(3)}
    (line,) = lines
    assert line.startswith("slider: points = 2⁴ = 16") and line.endswith("· cost: 16 dots")
    assert not re.search(r"\d (µs|ms|s)\b", line)
    view, _ = dots_view(**settings)
    assert re.search(
        r"cost: 16 dots · [\d.]+ (µs|ms|s)<", shown(view)[1]
    )  # the caption has the seconds


def test_the_poster_is_a_small_png_of_what_is_shown():
    view, _ = dots_view()
    sliders(view)[0].value = 64
    data, metadata = view._repr_mimebundle_()
    poster = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert poster.format == "PNG" and poster.size == (300, 200)
    assert poster.mode == "P"
    difference = np.asarray(poster.convert("RGB")).astype(float) - pixels(shown(view)[0])
    assert np.abs(difference).mean() < 0.5
    mean = np.random.default_rng(0).random((64, 2)).mean()
    assert metadata["image/png"]["alt"] == f"64 dots, mean {mean:.3f} · cost: 64 dots"
    assert data["text/plain"] == repr(view) and "text/html" not in data
    assert "application/vnd.jupyter.widget-view+json" in data


class Page(HTMLParser):
    """The images, inputs and texts of a piece of HTML."""

    def __init__(self, text):
        super().__init__()
        self.images, self.inputs, self.tags, self.scripts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        kinds = {"img": self.images, "input": self.inputs, "script": self.scripts}
        kinds.get(tag, []).append(attributes)


def test_the_static_page_holds_every_frame_in_the_order_of_its_script():
    view, _ = dots_view(**TWO)
    text = view.static_html()
    page = Page(text)
    assert "http" not in text and "import" not in text and "link" not in page.tags
    assert page.scripts == [{"type": "module"}]  # the script is in the page, it loads nothing
    names = [one["data-names"].split("|") for one in page.inputs]
    assert [len(n) for n in names] == [int(s["max"]) + 1 for s in page.inputs] == [5, 3]
    assert len(page.images) == 15
    for k, (i, j) in enumerate(itertools.product(range(5), range(3))):
        assert page.images[k]["data-at"] == f"{i},{j}"
        value = TWO["points"].options[i]
        assert page.images[k]["alt"].startswith(f"{value} dots") and names[0][i].endswith(
            f"= {value}"
        )
    visible = [k for k, image in enumerate(page.images) if "hidden" not in image]
    assert (
        visible == [int(page.inputs[0]["value"]) * 3 + int(page.inputs[1]["value"])] == [2 * 3 + 1]
    )
    for image in page.images:
        Image.open(io.BytesIO(base64.b64decode(image["src"].partition("base64,")[2]))).verify()
    assert len({image["src"] for image in page.images}) == 15
    assert f'<p role="status">{page.images[7]["alt"]}</p>' in text
    assert text.count("<label>points (dots) ") == text.count("<label>size ") == 1


def test_the_static_page_is_in_the_bundle_on_request(monkeypatch):
    monkeypatch.setenv("TTC_STATIC", "1")
    view, _ = dots_view()
    assert view._repr_mimebundle_()[0]["text/html"] == view.static_html()


def test_a_large_static_page_has_all_values_of_one_setting_at_a_time():
    settings = {
        "points": powers_of_two(1, 12, "dots", default=3),
        "size": options(list(range(1, 10)), default=4),
    }
    view, _ = dots_view(**settings)
    text = view.static_html()
    page = Page(text)
    assert len(page.images) == 12 + 9 - 1 and 'data-all="108"' in text
    marks = {image["data-at"] for image in page.images}
    assert marks == {f"{i},3" for i in range(12)} | {f"2,{j}" for j in range(9)}
    (visible,) = [image for image in page.images if "hidden" not in image]
    assert visible["alt"].startswith("8 dots") and visible["data-at"] == "2,3"
    shown_names = [s["data-names"].split("|")[int(s["value"])] for s in page.inputs]
    assert shown_names == ["2³ = 8", "4"]


def test_slow_views_have_a_static_page_too():
    view, _ = slow_view(2, 4)
    assert [i["alt"].split()[0] for i in Page(view.static_html()).images] == ["4", "8", "16"]


# ---- without what it needs -----------------------------------------------------------------------


def test_a_jupyter_without_anywidget_is_told_what_to_install():
    command = "import sys; sys.modules['anywidget'] = None\nimport ttclib.show.slider"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    line = "ImportError: a view needs anywidget: pip install anywidget"
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == line


def test_a_widget_that_would_show_itself_is_shown_with_its_picture(monkeypatch):
    """In ipywidgets 7 every widget has a method of this name, which IPython asks first."""
    bare = lambda self, **_: print("a widget, and nothing else")  # noqa: E731
    monkeypatch.setattr(W.DOMWidget, "_ipython_display_", bare, raising=False)
    view, _ = dots_view()
    assert BudgetView.__mro__[1]._ipython_display_ is bare
    data, metadata = DisplayFormatter().format(view)
    assert data["text/plain"] == repr(view) and data["image/png"]
    assert metadata["image/png"]["alt"]
    assert "application/vnd.jupyter.widget-view+json" in data


# ---- for readers who do not see, or do not use a mouse ------------------------------------------


@pytest.mark.parametrize("settings", [{}, TWO, {"points": entry(typed, "16", unit="dots")}])
def test_labels_and_roles(settings):
    view, _ = dots_view(**settings)
    picture, caption = shown(view)
    (image,) = Page(picture).images
    assert image["alt"].startswith("16 dots") and (image["width"], image["height"]) == (
        "300",
        "200",
    )
    assert 'role="status"' in caption and 'aria-live="polite"' in caption
    for field in every(view, (W.SelectionSlider, W.Text)):
        assert field.description.startswith(("points", "size"))
        assert field.tag.parent.name == "label"  # the name that a screen reader says
    for moved in sliders(view):  # and the value that it says is the one that is written
        setting = (settings or {"points": TWO["points"]})[moved.name]
        assert moved.tag["aria-valuetext"] == setting.name_of(moved.value)
        assert moved.tag.parent.find_next("output").text == setting.name_of(moved.value)
        assert moved.names == list(setting.names)


def test_alternative_text_is_escaped():
    fig, _ = canvas()
    view = BudgetView(fig, lambda n, seed: f'{n} < "2"', n=options([1]))
    (image,) = Page(shown(view)[0]).images
    assert image["alt"] == '1 < "2"'
    assert "1 &lt; " in shown(view)[1]
    assert Page(view.static_html()).images[0]["alt"] == '1 < "2"'


# ---- style --------------------------------------------------------------------------------------


def test_figures_stay_outside_pyplot():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    dots_view()
    assert plt.get_fignums() == before


def test_end_labels_keep_their_distance_and_their_order():
    _, ax = canvas()
    heights = [0.50, 0.51, 0.52, 0.9]
    end_labels(ax, 1.0, heights, "abcd", ["k"] * 4, gap=0.08)
    labels = sorted((text.get_position()[1], text.get_text()) for text in ax.texts)
    assert [name for _, name in labels] == list("abcd")
    assert min(np.diff([y for y, _ in labels])) >= 0.08 - 1e-12
    assert labels[0][0] == pytest.approx(0.5)


def contrast(color):
    """Of a colour on white: WCAG 2.2, "contrast ratio", by its table of steps."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


@pytest.mark.parametrize("color", [*COLORS, MUTED, TRUTH, "C1", "white", "#123456"])
def test_ink_can_be_read_and_keeps_the_hue(color):
    before, after = (rgb_to_hsv(to_rgb(c)) for c in (color, ink(color)))
    assert contrast(ink(color)) >= 4.9
    assert after[:2] == pytest.approx(before[:2], abs=0.03)
    if contrast(color) >= 5:
        assert to_rgb(ink(color)) == pytest.approx(to_rgb(color), abs=1 / 255)
    else:
        assert contrast(ink(color)) < 5.3  # no darker than it must be


def test_end_labels_are_written_in_ink():
    _, ax = canvas()
    end_labels(ax, 1.0, [0.2, 0.8], "ab", COLORS[1:3])
    assert [text.get_color() for text in ax.texts] == [ink(COLORS[1]), ink(COLORS[2])]


def test_band_holds_the_stated_share():
    _, ax = canvas()
    draws = np.linspace(0, 1, 101)[:, None] * [1, 2]
    band(ax, [0, 1], draws, level=0.8)
    corners = ax.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(0.1) and corners[:, 1].max() == pytest.approx(1.8)
    assert ax.lines[0].get_ydata() == pytest.approx([0.5, 1.0])


def test_a_picture_says_what_it_shows():
    fig, _ = canvas()
    picture = Picture(fig, "an empty square")
    data, metadata = picture._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (300, 200)
    assert data["text/plain"] == repr(picture) == "picture: an empty square"
    assert metadata["image/png"]["alt"] == "an empty square"
