"""Options of the tests: the seed of random tests, where the browser test leaves pictures, and
whether the cells of a notebook run again.
"""

import copy
import os
import signal
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each core has its own files to test
else:  # told to stop it ends as on Ctrl-C, with all that its tests have started
    signal.signal(signal.SIGTERM, signal.default_int_handler)

settings.register_profile("course", deadline=None)  # a busy machine is no error
settings.load_profile("course")


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=0, help="seed of the random tests; any must pass")
    parser.addoption(
        "--shots", type=Path, help="folder for the browser test's screenshots and report"
    )
    parser.addoption(
        "--again",
        action="store_true",
        help="cells of a notebook run backwards, and again, and each twice in a row",
    )


def pytest_collection_modifyitems(config, items):
    """With ``--again``, nbval compares what a notebook prints in other orders than its own.

    A learner goes back, chooses Run All in a kernel that has seen everything, or runs a cell twice
    in a row. A cell tagged ``long`` trains for some seconds: it only takes part in the Run All.
    """
    if not config.getoption("--again"):
        return
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
