"""A Chromium, a JupyterLab that serves a copy of the project, and a report of the slider moves."""

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
CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
FLAGS = """
--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars
"""
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    # as binder/overrides.json has it: a view is kept in the file, for a day without its kernel
    "../@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
    # every cell stays in the page, so that a slider far down is there
    "notebook-extension/tracker": {"windowingMode": "none"},
}
GOAL_MS = {"frames": 50, "redraw": 200, "slow": float("inf")}


@pytest.fixture(scope="package", autouse=True)
def plain_tracebacks(request):
    """Print a failure as Python does: pytest's own form cannot be made inside of Playwright."""
    style = request.config.option.tbstyle
    request.config.option.tbstyle = "native"
    yield
    request.config.option.tbstyle = style


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
    command += [
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
        "--ip=127.0.0.1",
    ]
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
            print(
                "{notebook:<24} {slider:<28.28} {by:<9} {kind:<7} {ms:>6.0f}".format(**row) + late
            )
