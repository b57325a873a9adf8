"""Options of the tests: the seed of random tests, where the browser test leaves pictures, and
whether the cells of a notebook run again.
"""

import copy
import json
import os
import shutil
import signal
import tempfile
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each core has its own files to test
else:  # told to stop it ends as on Ctrl-C, with all that its tests have started
    signal.signal(signal.SIGTERM, signal.default_int_handler)

HELPERS = Path(__file__).resolve().parent / "helpers"

settings.register_profile("course", deadline=None)  # a busy machine is no error
settings.load_profile("course")


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=0, help="seed of the random tests; any must pass")
    parser.addoption(
        "--shots", type=Path, help="folder for the browser test's screenshots and report"
    )
    parser.addoption("--site", type=Path, help="a static site that was built before, to be tested")
    parser.addoption(
        "--again",
        action="store_true",
        help="cells of a notebook run backwards, and again, and each twice in a row",
    )


def pytest_configure(config):
    """Let the kernels of nbval audit every picture: see helpers/audited_kernel.py."""
    if not config.getoption("nbval", False):
        return
    folder = Path(tempfile.mkdtemp(prefix="ttc-kernels-"))
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    code = HELPERS / "audited_kernel.py"
    (startup / "audited.py").write_text(f"import runpy\n\nrunpy.run_path({str(code)!r})\n")
    os.environ["IPYTHONDIR"] = str(folder)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Name the file for a notebook's faults before its kernel starts."""
    if item.config.getoption("nbval", False):
        name = f"{item.path.parent.name}-{item.path.stem}.jsonl"  # a translation has the same stem
        file = Path(os.environ["IPYTHONDIR"]) / name
        os.environ["TTC_PICTURES"] = str(file)


class Pictures(pytest.Item):
    """The last test of a notebook: nothing is wrong with its pictures."""

    def runtest(self):
        """Read what the kernel has written."""
        faults = faults_of(Path(os.environ["TTC_PICTURES"]))
        assert not faults, "\n".join(["", *faults])

    def repr_failure(self, excinfo):
        """Say no more than what is wrong."""
        return str(excinfo.value)

    def reportinfo(self):
        """Say where."""
        return self.path, 0, f"{self.path.stem}: pictures"


def faults_of(file):
    """Return the faults in a file of the kernel, each once."""
    if not file.exists():
        return []
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return list(dict.fromkeys(f"{cell}: {fault}" for cell, faults in rows for fault in faults))


def pytest_collection_modifyitems(config, items):
    """With nbval each notebook ends with a test of its pictures; ``--again`` adds other orders."""
    if not config.getoption("nbval", False):
        return
    if config.getoption("--again"):
        in_other_orders(items)
    whole = []
    for path, group in groupby(items, key=lambda item: item.path):
        cells = list(group)
        whole += [*cells, Pictures.from_parent(cells[-1].parent, name="pictures", path=path)]
    items[:] = whole


def in_other_orders(items):
    """With ``--again``, nbval compares what a notebook prints in other orders than its own.

    A learner goes back, chooses Run All in a kernel that has seen everything, or runs a cell twice
    in a row. A cell tagged ``long`` trains for some seconds: it only takes part in the Run All.
    """
    longer = []
    for _, group in groupby(items, key=lambda item: item.path):
        cells = list(group)
        short = [cell for cell in cells if "long" not in cell.cell.metadata.get("tags", [])]
        longer += cells
        longer += [rerun(cell, "backwards") for cell in reversed(short)]
        for cell in cells:
            longer.append(rerun(cell, "again"))
            longer += [rerun(cell, "twice")] * (cell in short)
    items[:] = longer


def rerun(cell, when):
    """Return nbval's test of a cell once more, in the same kernel."""
    return cell.from_parent(
        cell.parent,
        name=f"{cell.name} {when}",
        cell_num=cell.cell_num,
        cell=copy.deepcopy(cell.cell),  # nbval joins the pieces of its streams in place
        options=cell.options,
    )


@pytest.fixture
def seed(request):
    """The seed that random tests start from."""
    return request.config.getoption("--seed")
