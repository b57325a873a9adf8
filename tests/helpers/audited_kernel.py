"""Runs in a kernel before its first cell: every picture and every view is audited as it is made.

The faults go to the file that ``TTC_PICTURES`` names, one JSON line for each picture that has any:
the last line of its cell, and what is wrong. The part ``notebooks`` starts its kernels so, and
each notebook ends with a test that reads the file (see ``tests/conftest.py``).
"""

import functools
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from audit import audit

from ttclib.show import slider, style

sys.path.pop(0)


def write_down(fig):
    """Audit a figure and add what is wrong to the file."""
    faults = audit(fig)
    if faults:
        cell = get_ipython().kernel.get_parent("shell")["content"]["code"]  # noqa: F821 (in a kernel)
        where = cell.strip().splitlines()[-1] if cell.strip() else ""
        with open(os.environ["TTC_PICTURES"], "a", encoding="utf-8") as file:
            file.write(json.dumps([where, faults]) + "\n")


def audited_picture(make):
    """Wrap ``Picture.__init__``."""

    @functools.wraps(make)
    def made(self, fig, text):
        make(self, fig, text)
        write_down(fig)

    return made


def audited_view(make):
    """Wrap ``BudgetView.__init__``: the setting that it shows first is audited."""

    @functools.wraps(make)
    def made(self, fig, draw, **settings):
        make(self, fig, draw, **settings)
        if self._ahead:  # the last setting was drawn last
            self._stage.clear()
            draw(seed=self.seed, **self._good)
        write_down(fig)

    return made


if os.environ.get("TTC_PICTURES"):
    style.Picture.__init__ = audited_picture(style.Picture.__init__)
    slider.BudgetView.__init__ = audited_view(slider.BudgetView.__init__)
