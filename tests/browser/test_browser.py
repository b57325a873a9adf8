"""Every notebook in a real JupyterLab, in a real Chromium: run it, move its sliders, time them.

``--shots FOLDER`` keeps a picture of each notebook and ``sliders.json``. The times are reported and
never fail a test: they belong to the machine. Set ``TTC_BROWSER=required`` to make a missing
Chromium a failure, and ``CHROMIUM`` to name one.
"""

import contextlib
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
PATIENCE = 30_000  # ms until a moved slider must show a new picture

pytestmark = pytest.mark.browser


def settle(page, what, patience):
    """Wait for a new picture and for quiet; milliseconds from the input to it, or None.

    An error that shows ends the wait, and the test.
    """
    from playwright.sync_api import TimeoutError

    with contextlib.suppress(TimeoutError):
        page.wait_for_function("ttc.changed() || ttc.problems().length", timeout=patience)
    page.wait_for_function("ttc.quiet()", timeout=PATIENCE)
    assert_sound(page, what)
    return page.evaluate("ttc.latency()")


def assert_sound(page, when):
    """Demand that the notebook shows no error."""
    problems = page.evaluate("ttc.problems()")
    assert not problems, f"{when}: {'; '.join(problems)}"


def boxes(handle):
    """Return where a slider's handle is on the page, and where its track."""
    track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]")
    return handle.bounding_box(), track.bounding_box()


def place(handle):
    """Return where on its track a slider's handle stands, as a fraction."""
    box, track = boxes(handle)
    return (box["x"] + box["width"] / 2 - track["x"]) / track["width"]


def drag(page, label, handle, fraction, patience):
    """Drag a slider's handle with the mouse to a fraction of its track."""
    box, track = boxes(handle)
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    handle.evaluate("element => ttc.watch(element)")
    page.mouse.down()
    page.mouse.move(track["x"] + fraction * track["width"], y)
    page.mouse.up()
    return settle(page, f"after a drag of {label}", patience)


def press(page, label, handle, key, patience):
    """Move a slider with one key."""
    handle.evaluate("element => ttc.watch(element)")
    handle.press(key)
    return settle(page, f"after {key} on {label}", patience)


def check_sliders(page, report, notebook):
    """Move every slider by mouse and by keyboard, and demand that its picture follows."""
    handles = page.locator(".jp-NotebookPanel .jp-OutputArea-output .noUi-handle")
    assert handles.count() > 0, "the notebook has no slider"
    for handle in handles.all():
        handle.scroll_into_view_if_needed()
        widget = handle.locator("xpath=ancestor::*[contains(@class, 'widget-slider')]")
        label = widget.locator(".widget-label").first.inner_text()
        kind = handle.evaluate("element => ttc.kind(element)")
        # two settings may look alike, so only the first move waits long for a new picture
        soon = PATIENCE if kind == "slow" else 3000
        start, first = place(handle), handle.get_attribute("aria-valuenow")
        times = [("mouse", drag(page, label, handle, 0.85, PATIENCE))]
        times.append(("mouse", drag(page, label, handle, 0.4, soon)))
        assert any(ms is not None for _, ms in times), (
            f"{label}: the picture did not follow the mouse"
        )
        before = handle.get_attribute("aria-valuenow")
        key = "ArrowRight" if before == handle.get_attribute("aria-valuemin") else "ArrowLeft"
        times.append(("keyboard", press(page, label, handle, key, soon)))
        assert handle.get_attribute("aria-valuenow") != before, f"{label}: an arrow key did nothing"
        # not every two sliders fit together wherever they stand: the next one finds the notebook's
        # settings
        drag(page, label, handle, start, soon)
        assert handle.get_attribute("aria-valuenow") == first, f"{label}: it did not come back"
        for by, ms in times:
            if ms is not None:
                report.append(
                    {"notebook": notebook, "slider": label, "by": by, "kind": kind, "ms": ms}
                )


def check_buttons_and_fields(page):
    """New luck draws a new picture; a text that cannot be read says so in one line and changes
    none.
    """
    for button in page.locator(".jp-NotebookPanel button:visible", has_text="New luck").all():
        button.scroll_into_view_if_needed()
        button.evaluate("element => ttc.watch(element)")
        button.click()
        assert settle(page, "after New luck", PATIENCE) is not None, "New luck drew no new picture"
    for field in page.locator(".jp-NotebookPanel .widget-text input:visible").all():
        good = field.input_value()
        field.evaluate("element => ttc.watch(element)")
        field.fill("???")
        field.press("Enter")
        page.wait_for_function("ttc.problems().length === 1", timeout=PATIENCE)  # one line says why
        assert not page.evaluate("ttc.changed()"), "the picture went away with a bad input"
        field.fill(good)
        field.press("Enter")
        page.wait_for_function("ttc.problems().length === 0", timeout=PATIENCE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, browser, jupyterlab, shots, report):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    try:
        page.goto(f"{jupyterlab}/lab/tree/notebooks/{path.name}?reset")
        page.add_script_tag(path=Path(__file__).with_name("page.js"))
        page.wait_for_function("window.jupyterapp", timeout=PATIENCE)
        page.evaluate("path => ttc.open(path)", f"notebooks/{path.name}")
        page.evaluate("ttc.run()")
        page.wait_for_function("ttc.finished()", timeout=180_000)
        page.wait_for_function("ttc.drawn()", timeout=PATIENCE)
        assert_sound(page, "after Run All")
        page.set_viewport_size(
            {"width": 1280, "height": min(page.evaluate("ttc.height()"), 14_000)}
        )
        page.evaluate("ttc.top()")
        page.wait_for_timeout(500)
        page.screenshot(path=shots / f"{path.stem}.png")
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.wait_for_timeout(
            1000
        )  # laying out the whole notebook twice is not part of the first move
        check_sliders(page, report, path.stem)
        check_buttons_and_fields(page)
    except BaseException:
        page.screenshot(path=shots / f"{path.stem}-failed.png")
        raise
    finally:
        page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
        page.close()
