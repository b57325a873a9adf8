"""Every notebook in a real JupyterLab, in a real Chromium: run it, move its sliders, time them.

``--shots FOLDER`` keeps a picture of each notebook and ``sliders.json``. The times are reported and
never fail a test: they belong to the machine. Set ``TTC_BROWSER=required`` to make a missing
Chromium a failure, and ``CHROMIUM`` to name one.
"""

import contextlib
import re
from pathlib import Path

import pytest
from waiting import wait_until

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb")) + sorted(FOLDER.glob("[a-z]*/*.ipynb"))  # translations
PATIENCE = 30_000  # ms until a moved slider must show a new picture

pytestmark = pytest.mark.browser


def settle(page, what, patience):
    """Wait for a new picture and for quiet; milliseconds from the input to it, or None.

    An error that shows ends the wait, and the test.
    """
    from playwright.sync_api import TimeoutError

    with contextlib.suppress(TimeoutError):
        wait_until(page, "ttc.changed() || ttc.problems().length", patience / 1000)
    wait_until(page, "ttc.quiet()")
    assert_sound(page, what)
    return page.evaluate("ttc.latency()")


def assert_sound(page, when):
    """Demand that the notebook shows no error."""
    problems = page.evaluate("ttc.problems()")
    assert not problems, f"{when}: {'; '.join(problems)}"


def place(slider):
    """Return where on its track a slider stands, as a fraction."""
    return slider.evaluate("slider => slider.value / slider.max")


def drag(page, label, slider, fraction, patience):
    """Drag a slider with the mouse to a fraction of its track."""
    box, thumb = slider.bounding_box(), 16  # pixels
    y = box["y"] + box["height"] / 2
    at = lambda share: box["x"] + thumb / 2 + share * (box["width"] - thumb)  # noqa: E731
    page.mouse.move(at(place(slider)), y)
    slider.evaluate("element => ttc.watch(element)")
    page.mouse.down()
    page.mouse.move(at(fraction), y)
    page.mouse.up()
    return settle(page, f"after a drag of {label}", patience)


def press(page, label, slider, key, patience):
    """Move a slider with one key."""
    slider.evaluate("element => ttc.watch(element)")
    slider.press(key)
    return settle(page, f"after {key} on {label}", patience)


def choose(page, label, chooser, item, patience):
    """Choose an item of a list."""
    chooser.evaluate("element => ttc.watch(element)")
    chooser.select_option(index=item)
    return settle(page, f"after choice {item} of {label}", patience)


def label_of(control):
    """Return the name of a control, which a screen reader says; it must have one."""
    label = control.evaluate("element => element.labels[0].firstChild.textContent.trim()")
    assert label
    return label


def assert_words(control):
    """Demand that a view says in words what it shows: the value, the numbers."""
    view = control.locator("xpath=ancestor::*[contains(@class, 'ttc-budget')]")
    if control.get_attribute("type") == "range":
        value = control.get_attribute("aria-valuetext")
        assert value and value == control.locator("xpath=ancestor::p//output").inner_text()
    text = view.locator("img").get_attribute("alt")
    text = re.split(r" · (?:cost|비용): ", text)[0]
    assert text and text in view.get_by_role("status").last.text_content()


VIEWS = ".jp-NotebookPanel .jp-OutputArea-output .ttc-budget"


def check_sliders(page, report, notebook):
    """Move every slider by mouse and by keyboard, and demand that its picture follows."""
    sliders = page.locator(f"{VIEWS} input[type=range]")
    assert sliders.count() > 0, "the notebook has no slider"
    for slider in sliders.all():
        slider.scroll_into_view_if_needed()
        label = label_of(slider)
        kind = slider.evaluate("element => ttc.kind(element)")
        # two settings may look alike, so only the first move waits long for a new picture
        soon = PATIENCE if kind == "slow" else 3000
        start, first = place(slider), slider.input_value()
        times = [("mouse", drag(page, label, slider, 0.85, PATIENCE))]
        times.append(("mouse", drag(page, label, slider, 0.4, soon)))
        assert any(ms is not None for _, ms in times), (
            f"{label}: the picture did not follow the mouse"
        )
        before = slider.input_value()
        key = "ArrowRight" if before == "0" else "ArrowLeft"
        times.append(("keyboard", press(page, label, slider, key, soon)))
        assert slider.input_value() != before, f"{label}: an arrow key did nothing"
        assert_words(slider)
        # not every two sliders fit together wherever they stand: the next one finds the notebook's
        # settings
        drag(page, label, slider, start, soon)
        assert slider.input_value() == first, f"{label}: it did not come back"
        for by, ms in times:
            if ms is not None:
                report.append(
                    {"notebook": notebook, "slider": label, "by": by, "kind": kind, "ms": ms}
                )


def check_lists(page, report, notebook):
    """Choose from every list, and demand that the picture follows at least once."""
    for chooser in page.locator(f"{VIEWS} select").all():
        chooser.scroll_into_view_if_needed()
        label = label_of(chooser)
        kind = chooser.evaluate("element => ttc.kind(element)")
        start = chooser.evaluate("element => element.selectedIndex")
        others = [i for i in range(chooser.locator("option").count()) if i != start]
        soon = PATIENCE if kind == "slow" else 3000
        times = [choose(page, label, chooser, item, soon) for item in others[:2]]
        assert any(ms is not None for ms in times), f"{label}: the picture did not follow"
        assert_words(chooser)
        choose(page, label, chooser, start, soon)
        report.extend(
            {"notebook": notebook, "slider": label, "by": "list", "kind": kind, "ms": ms}
            for ms in times
            if ms is not None
        )


def check_buttons_and_fields(page):
    """New luck draws a new picture; a text that cannot be read says so in one line and changes
    none.
    """
    for button in page.locator(f"{VIEWS} button.ttc-luck:visible").all():
        button.scroll_into_view_if_needed()
        button.evaluate("element => ttc.watch(element)")
        button.click()
        assert settle(page, "after New luck", PATIENCE) is not None, "New luck drew no new picture"
    for field in page.locator(f"{VIEWS} input[type=text]:visible").all():
        good = field.input_value()
        field.evaluate("element => ttc.watch(element)")
        field.fill("???")
        field.press("Enter")
        wait_until(page, "ttc.problems().length === 1")  # one line says why
        assert not page.evaluate("ttc.changed()"), "the picture went away with a bad input"
        field.fill(good)
        field.press("Enter")
        wait_until(page, "ttc.problems().length === 0")


@pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: path.relative_to(FOLDER).with_suffix("").as_posix()
)
def test_notebook(path, browser, jupyterlab, shots, report):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    try:
        name = path.relative_to(FOLDER).as_posix()
        page.goto(f"{jupyterlab}/lab/tree/notebooks/{name}?reset")
        page.add_script_tag(path=Path(__file__).with_name("page.js"))
        wait_until(page, "window.jupyterapp")
        page.evaluate("path => ttc.open(path)", f"notebooks/{name}")
        page.evaluate("ttc.run()")
        wait_until(page, "ttc.finished()", seconds=180)
        wait_until(page, "ttc.drawn()")
        assert_sound(page, "after Run All")
        page.set_viewport_size(
            {"width": 1280, "height": min(page.evaluate("ttc.height()"), 14_000)}
        )
        page.evaluate("ttc.top()")
        page.wait_for_timeout(500)
        page.screenshot(path=shots / f"{name.replace('/', '-').removesuffix('.ipynb')}.png")
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.wait_for_timeout(
            1000
        )  # laying out the whole notebook twice is not part of the first move
        check_sliders(page, report, path.stem)
        check_lists(page, report, path.stem)
        check_buttons_and_fields(page)
    except BaseException:
        page.screenshot(path=shots / f"{path.stem}-failed.png")
        raise
    finally:
        page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
        page.close()
