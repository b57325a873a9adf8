"""How much memory a page of two open notebooks takes, as on Binder, which gives 2 GB.

A real JupyterLab server is started, two notebooks are opened in it, and every cell of both is run.
``python -m tools.two_notebooks 06_smc_decoding 07_process_reward_model`` prints the memory of the
server and of both kernels: the most of the sum that was seen, each page that is shared counted
once (PSS). Needs Linux.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import nbformat
import psutil
from jupyter_client import BlockingKernelClient

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 2e9  # bytes that Binder gives
HUNGRIEST = ["06_smc_decoding", "16_your_own_model"]  # by what their heads say


def proportional(process):
    """Return the bytes of a process, shared pages divided among those that share them."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


class Watch(threading.Thread):
    """Sums the memory of a process and its children, four times a second; keeps the most."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process = psutil.Process(process.pid)
        self.over = threading.Event()
        self.most, self.parts = 0, []

    def run(self):
        """Measure until it is over."""
        while not self.over.wait(0.25):
            family = [self.process, *self.process.children(recursive=True)]
            parts = [proportional(one) for one in family]
            if sum(parts) > self.most:
                self.most, self.parts = sum(parts), parts


def asked(url, token, path, data=None):
    """Ask the server's interface."""
    request = urllib.request.Request(url + path, headers={"Authorization": f"token {token}"})
    if data is not None:
        request.data = json.dumps(data).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def run_cells(runtime, kernel, path):
    """Run every cell of a notebook in a kernel of the server; returns the errors."""
    client = BlockingKernelClient(connection_file=str(runtime / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels(hb=False)  # on a busy machine a heart may miss a beat
    client.wait_for_ready(timeout=120)
    errors = []
    for cell in nbformat.read(path, nbformat.NO_CONVERT).cells:
        if cell.cell_type == "code":
            reply = client.execute_interactive(
                cell.source, timeout=600, output_hook=lambda message: None
            )
            if reply["content"]["status"] == "error":
                errors.append(f"{cell.id}: {reply['content']['ename']}")
    client.stop_channels()
    return errors


def measure(stems):
    """Return (the most bytes of all together, bytes of each process then, errors)."""
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "JUPYTER_RUNTIME_DIR": folder,
            "JUPYTER_TOKEN": token,
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root"]
        command += [f"--ServerApp.root_dir={ROOT}", "--ServerApp.port_retries=50"]
        server = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            watch = Watch(server)
            watch.start()
            url = None
            while url is None:
                time.sleep(0.5)
                for file in Path(folder).glob("jpserver-*.json"):
                    url = json.loads(file.read_text())["url"]
            errors = []
            kernels = set()
            for stem in stems:
                path = f"notebooks/{stem}.ipynb"
                session = {"path": path, "name": stem, "type": "notebook"}
                session["kernel"] = {"name": "python3"}
                kernel = asked(url, token, "api/sessions", session)["kernel"]["id"]
                kernels |= set(watch.process.children())
                errors += run_cells(Path(folder), kernel, ROOT / path)
            time.sleep(1)
            watch.over.set()
            # where the memory ran out, the system has killed one of them: seldom the one that asked
            gone = len([kernel for kernel in kernels if not kernel.is_running()])
            errors += [f"{gone} of {len(kernels)} kernels were killed"] * bool(gone)
            return watch.most, watch.parts, errors
        finally:
            server.terminate()
            server.wait(30)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", default=HUNGRIEST)
    stems = parser.parse_args(argv).notebooks
    most, parts, errors = measure(stems)
    each = " + ".join(f"{part / 1e6:.0f}" for part in parts)
    print(f"{' and '.join(stems)}: {most / 1e6:.0f} MB = {each}; Binder gives {LIMIT / 1e6:.0f}")
    for error in errors:
        print(error)
    return int(most > LIMIT or bool(errors))


if __name__ == "__main__":
    sys.exit(main())
