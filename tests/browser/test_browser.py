"""Every notebook in a real JupyterLab, in a real Chromium: run it, move its sliders, time them.

``--shots FOLDER`` keeps a picture of each notebook and ``sliders.json``. The times are reported and
never fail a test: they belong to the machine. Set ``TTC_BROWSER=required`` to make a missing
Chromium a failure, and ``CHROMIUM`` to name one.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = """
--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars
"""
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    # every cell stays in the page, so that a slider far down is there
    "notebook-extension/tracker": {"windowingMode": "none"},
}
GOAL_MS = {"frames": 50, "redraw": 200, "slow": float("inf")}
PATIENCE = 30_000  # ms until a moved slider must show a new picture

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    if not CHROMIUM:
        reason = "no Chromium: install the system's package chromium, or set CHROMIUM to its path"
        (pytest.fail if os.environ.get("TTC_BROWSER") == "required" else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())


@pytest.fixture(scope="session")
def jupyterlab(browser, tmp_path_factory):
    """The address of a JupyterLab that serves a copy of the project, with settings of its own."""
    tmp = tmp_path_factory.mktemp("jupyterlab")
    skip = shutil.ignore_patterns(".*", "__pycache__", "site", "shots")
    shutil.copytree(ROOT, tmp / "project", ignore=skip)
    for name, value in SETTINGS.items():
        file = tmp / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: str(tmp / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(tmp / "settings"), "PYTHONPATH": str(tmp / "project")}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(tmp / "workspaces"), "JUPYTER_PREFER_ENV_PATH": "1"}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={tmp / 'project'}"]
    command += ["--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True", "--ip=127.0.0.1"]
    with open(tmp / "log", "w") as log:
        server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5)
                break
            except OSError:
                assert server.poll() is None, (tmp / "log").read_text()[-2000:]
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="session")
def shots(request, tmp_path_factory):
    """The folder for pictures and the report."""
    folder = request.config.getoption("--shots") or tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def report(request, shots):
    """Rows about slider moves; printed as a table and written to ``sliders.json`` in the end."""
    rows = []
    yield rows
    (shots / "sliders.json").write_text(json.dumps(rows, indent=1))
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{'notebook':<24} {'slider':<28} {'by':<9} {'kind':<7} {'ms':>6}")
        for row in rows:
            late = "  over the goal" if row["ms"] > GOAL_MS[row["kind"]] else ""
            print("{notebook:<24} {slider:<28.28} {by:<9} {kind:<7} {ms:>6.0f}".format(**row) + late)


def settle(page, patience=PATIENCE):
    """Wait for a new picture and for quiet; milliseconds from the input to it, or None."""
    from playwright.sync_api import TimeoutError

    try:
        page.wait_for_function("ttc.changed()", timeout=patience)
    except TimeoutError:
        return None
    page.wait_for_function("ttc.quiet()", timeout=PATIENCE)
    return page.evaluate("ttc.latency()")


def assert_sound(page, when):
    """Demand that the notebook shows no error; widgets get some time to be drawn."""
    for _ in range(20):
        if not page.evaluate("ttc.problems()"):
            return
        page.wait_for_timeout(500)
    assert page.evaluate("ttc.problems()") == [], when


def drag(page, handle, fraction):
    """Drag a slider's handle with the mouse to a fraction of its track."""
    box = handle.bounding_box()
    track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    handle.evaluate("element => ttc.watch(element)")
    page.mouse.down()
    page.mouse.move(track["x"] + fraction * track["width"], y)
    page.mouse.up()
    return settle(page)


def press(page, handle, key):
    """Move a slider with one key. Two neighbours may look alike, so this does not wait for long."""
    handle.evaluate("element => ttc.watch(element)")
    handle.press(key)
    return settle(page, 3000)


def check_sliders(page, report, notebook):
    """Move every slider by mouse and by keyboard, and demand that its picture follows."""
    handles = page.locator(".jp-NotebookPanel .jp-OutputArea-output .noUi-handle")
    assert handles.count() > 0, "the notebook has no slider"
    for handle in handles.all():
        handle.scroll_into_view_if_needed()
        widget = handle.locator("xpath=ancestor::*[contains(@class, 'widget-slider')]")
        label = widget.locator(".widget-label").first.inner_text()
        times = [("mouse", drag(page, handle, fraction)) for fraction in (0.85, 0.4)]
        assert any(ms is not None for _, ms in times), f"{label}: the picture did not follow the mouse"
        before = handle.get_attribute("aria-valuenow")
        times.append(("keyboard", press(page, handle, "ArrowLeft")))
        assert handle.get_attribute("aria-valuenow") != before, f"{label}: an arrow key did nothing"
        kind = handle.evaluate("element => ttc.kind(element)")
        for by, ms in times:
            if ms is not None:
                report.append({"notebook": notebook, "slider": label, "by": by, "kind": kind, "ms": ms})
        assert_sound(page, f"after moving {label}")


def check_buttons_and_fields(page):
    """New luck draws a new picture; a text that cannot be read says so in one line and changes none."""
    for button in page.locator(".jp-NotebookPanel button:visible", has_text="New luck").all():
        button.scroll_into_view_if_needed()
        button.evaluate("element => ttc.watch(element)")
        button.click()
        assert settle(page) is not None, "New luck drew no new picture"
    assert_sound(page, "after New luck")
    for field in page.locator(".jp-NotebookPanel .widget-text input:visible").all():
        good = field.input_value()
        field.evaluate("element => ttc.watch(element)")
        field.fill("???")
        field.press("Enter")
        page.wait_for_function("ttc.problems().length === 1", timeout=PATIENCE)
        assert not page.evaluate("ttc.changed()"), "the picture went away with a bad input"
        field.fill(good)
        field.press("Enter")
        assert_sound(page, "after the good text came back")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, browser, jupyterlab, shots, report):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    try:
        page.goto(f"{jupyterlab}/lab/tree/notebooks/{path.name}?reset")
        page.add_script_tag(path=Path(__file__).with_name("page.js"))
        page.evaluate("path => ttc.open(path)", f"notebooks/{path.name}")
        page.evaluate("ttc.run()")
        page.wait_for_function("ttc.finished()", timeout=180_000)
        assert_sound(page, "after Run All")
        page.set_viewport_size({"width": 1280, "height": min(page.evaluate("ttc.height()"), 14_000)})
        page.evaluate("ttc.top()")
        page.wait_for_timeout(500)
        page.screenshot(path=shots / f"{path.stem}.png")
        page.set_viewport_size({"width": 1280, "height": 1000})
        check_sliders(page, report, path.stem)
        check_buttons_and_fields(page)
    except BaseException:
        page.screenshot(path=shots / f"{path.stem}-failed.png")
        raise
    finally:
        page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
        page.close()
