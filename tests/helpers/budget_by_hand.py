"""A budget of notebook 15b whose numbers are written down by hand, and do not vary."""

import numpy as np

from ttclib.course.looking_back.budgets import Budget

NAMES = ("01", "darts", "darts", "RMS error")
POWERS = 2.0 ** np.arange(9)


def budget(loss, amount=POWERS, **more):
    """Return a budget that leaves ``loss`` at each amount; its price is the amount."""
    steps = np.asarray(amount, dtype=float)
    left = np.asarray(loss, dtype=float)
    parts = {"price": steps, "rival": None} | more
    return Budget(*NAMES, steps, left, np.tile(left, (9, 1)), **parts)
