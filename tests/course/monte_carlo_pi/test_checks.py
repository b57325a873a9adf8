"""Checks of notebook 01: the right answer passes, and each slip is told what it is."""

import math

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.monte_carlo_pi import checks


def with_slope(slope, sign=-1):
    return lambda f, g, g_mean: f.mean() + sign * slope(f, g) * (g.mean() - g_mean)


def least_squares(f, g):
    return np.cov(f, g)[0, 1] / np.var(g, ddof=1)


def mixed_divisors(f, g):
    """Slope with n − 1 above and n below, as ``np.cov`` and ``np.var`` give it by themselves."""
    return np.cov(f, g)[0, 1] / np.var(g)


def squared(p, a=2.0):
    return p[:, 0] ** 2 / a**2 + p[:, 1] ** 2


one_dart = math.pi / 4 * (1 - math.pi / 4)
RIGHT = [
    (checks.points_needed, lambda error: math.pi * (4 - math.pi) / error**2),
    (checks.points_needed, lambda error: math.ceil(2.6968 / error**2)),
    (checks.ellipse_area, lambda p: squared(p) <= 1),
    (checks.ellipse_area, lambda p: (np.hypot(p[:, 0] / 2, p[:, 1]) < 1).astype(int)),
    (checks.control_variate, with_slope(least_squares)),
    (checks.control_variate, with_slope(mixed_divisors)),
    (checks.control_variate, with_slope(lambda f, g: np.polyfit(g, f, 1)[0])),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.points_needed, lambda e: 1.6422 / e, "squares it"),
    (checks.points_needed, lambda e: math.sqrt(math.pi * (4 - math.pi)) / e, "squares it"),
    (checks.points_needed, lambda e: one_dart / e**2, "16 times larger"),
    (checks.points_needed, lambda e: 5.0, "you need about 26,968 darts, you said 5.0"),
    (checks.points_needed, lambda e: 26968 * (0.01 / e), "does the error enter squared?"),
    (checks.ellipse_area, lambda p: squared(p, 1) <= 1, "that is the unit circle"),
    (checks.ellipse_area, lambda p: squared(p, math.sqrt(2)) <= 1, "divide x² by 4, not by 2"),
    (checks.ellipse_area, lambda p: squared(p) >= 1, "wrong for the points"),
    (checks.ellipse_area, lambda p: (squared(p) <= 1).sum(), "one boolean for each point"),
    (checks.control_variate, lambda f, g, g_mean: f.mean(), "that is the plain average"),
    (checks.control_variate, with_slope(least_squares, +1), "so subtract"),
    (checks.control_variate, with_slope(lambda f, g: 1.0), "β = 1"),
    (checks.control_variate, with_slope(lambda f, g: 0.5), "expected about"),
]


def test_the_right_lines_are_computed():
    line = checks.control_variate(with_slope(least_squares)).line
    plain, yours = (float(word.rstrip(",")) for word in line.split() if word[0] == "0")
    assert yours < plain
