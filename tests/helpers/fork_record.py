"""A small record of forks in the loop, whose numbers are written down by hand."""

import numpy as np

from ttclib.course.what_a_token_costs import forks


def record():
    """Two models, two contexts, three rounds on a machine that is twice as slow in two of them."""
    rows = []
    for name, cost in (("attention", 1.0), ("retention", 0.1)):
        for context in (64, 256):
            for turn, slow in enumerate((2.0, 1.0, 2.0)):
                for both in (False, True):
                    for late in (5.0, 0.0, 3.0):  # others held up two calls in three
                        seconds = slow * (1 + both * cost * context / 64) + late
                        rows.append((name, context, turn, both, seconds))
    names = ("name", "context", "round", "forks", "seconds")
    columns = {n: np.array(c) for n, c in zip(names, zip(*rows, strict=True), strict=True)}
    sizes = {"width": 128, "layers": 4, "heads": 4, "hidden": 256, "state": 16}
    return forks.Forks(columns, 8, sizes)
