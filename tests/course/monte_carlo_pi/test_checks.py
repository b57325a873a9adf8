"""Checks of notebook 01: the right answer passes, and each slip is told what it is."""

import math
import statistics

import numpy as np
from verdicts import *  # noqa: F403

from ttclib.course.monte_carlo_pi import answers, checks

pi = math.pi


# ---- coverage -----------------------------------------------------------------------------------


def within(z, middle=pi):
    return lambda v, e: np.mean(abs(v - middle) <= z * e)


def by_loop(values, errors):
    held = 0
    for value, error in zip(values, errors, strict=True):
        if value - 1.96 * error < pi < value + 1.96 * error:
            held += 1
    return held / len(values)


def by_list(values, errors):
    return sum([v - 1.96 * e <= pi <= v + 1.96 * e for v, e in zip(values, errors)]) / len(values)  # noqa: B905


def by_ends(values, errors):
    low, high = values - 1.96 * errors, values + 1.96 * errors
    return ((low <= pi) & (pi <= high)).mean()


# ---- regions ------------------------------------------------------------------------------------


def squared(p, a=2.0):
    return p[:, 0] ** 2 / a**2 + p[:, 1] ** 2


def region(rule):
    return lambda points: rule(*points.T)


# ---- the control variate ------------------------------------------------------------------------


def with_slope(slope, sign=-1):
    return lambda f, g, g_mean: f.mean() + sign * slope(f, g) * (g.mean() - g_mean)


def least_squares(f, g):
    return np.cov(f, g)[0, 1] / np.var(g, ddof=1)


def mixed_divisors(f, g):
    """Slope with n − 1 above and n below, as ``np.cov`` and ``np.var`` give it by themselves."""
    return np.cov(f, g)[0, 1] / np.var(g)


def by_hand(f, g, g_mean):
    above = sum((a - f.mean()) * (b - g.mean()) for a, b in zip(f, g, strict=True))
    below = sum((b - g.mean()) ** 2 for b in g)
    return f.mean() - above / below * (g.mean() - g_mean)


def centred_first(f, g, g_mean):
    return np.mean(f - least_squares(f, g) * (g - g_mean))


def by_regression(f, g, g_mean):
    (level, _), *_ = np.linalg.lstsq(np.column_stack([np.ones(len(f)), g - g_mean]), f)
    return level


def slope_of(measure):
    return with_slope(lambda f, g: measure(np.cov(f, g)))


one_dart = pi / 4 * (1 - pi / 4)
RIGHT = [
    (checks.share_that_hold, answers.share_that_hold),
    (checks.share_that_hold, by_loop),
    (checks.share_that_hold, by_list),
    (checks.share_that_hold, by_ends),
    (checks.share_that_hold, within(2)),
    (checks.share_that_hold, lambda v, e: np.count_nonzero(abs((v - pi) / e) < 1.96) / v.size),
    (checks.ellipse_area, answers.in_ellipse),
    (checks.ellipse_area, lambda p: squared(p) <= 1),
    (checks.ellipse_area, lambda p: (np.hypot(p[:, 0] / 2, p[:, 1]) < 1).astype(int)),
    (checks.ellipse_area, lambda p: [x * x + 4 * y * y <= 4 for x, y in p]),
    (checks.ellipse_area, lambda p: ~(squared(p) > 1)),
    (checks.ellipse_area, region(lambda x, y: y**2 <= 1 - (x / 2) ** 2)),
    (checks.keep, answers.keep),
    (checks.keep, lambda p, q, bound, u: u * bound * q < p),
    (checks.keep, lambda p, q, bound, u: np.log(u) < np.log(p) - np.log(q) - math.log(bound)),
    (checks.keep, lambda p, q, m, u: [h <= a / (m * b) for a, b, h in zip(p, q, u)]),  # noqa: B905
    (checks.keep, lambda p, q, m, u: np.where(p / q / m > u, 1, 0)),
    (checks.control_variate, answers.with_control),
    (checks.control_variate, with_slope(least_squares)),
    (checks.control_variate, with_slope(mixed_divisors)),
    (checks.control_variate, with_slope(lambda f, g: np.polyfit(g, f, 1)[0])),
    (checks.control_variate, with_slope(lambda f, g: np.corrcoef(f, g)[0, 1] * f.std() / g.std())),
    (checks.control_variate, with_slope(lambda f, g: statistics.linear_regression(g, f).slope)),
    (checks.control_variate, by_hand),
    (checks.control_variate, centred_first),
    (checks.control_variate, by_regression),
    (checks.points_needed, answers.points_needed),
    (checks.points_needed, lambda error: pi * (4 - pi) / error**2),
    (checks.points_needed, lambda error: math.ceil(2.6968 / error**2)),
    (checks.points_needed, lambda e: (1.642 / e) ** 2),
    (checks.points_needed, lambda e: np.int64(16 * one_dart / (e * e))),
]
# (check, what a learner may write, words of the line that names the mistake)
WRONG = [
    (checks.share_that_hold, lambda v, e: abs(v - pi) <= 1.96 * e, "one answer for each interval"),
    (checks.share_that_hold, lambda v, e: (v - e, v + e), "give one number, the share"),
    (checks.share_that_hold, lambda v, e: np.sum(abs(v - pi) <= 1.96 * e), "divide by how many"),
    (checks.share_that_hold, lambda v, e: 100 * by_ends(v, e), "in percent"),
    (checks.share_that_hold, lambda v, e: np.mean(abs(v - pi) > 1.96 * e), "that miss π"),
    (checks.share_that_hold, within(1), "one standard error to each side"),
    (checks.share_that_hold, within(1.645), "an interval of 90%"),
    (checks.share_that_hold, within(2.576), "an interval of 99%"),
    (checks.share_that_hold, within(1.96 / 2), "twice as wide"),
    (checks.share_that_hold, within(1.96 / math.sqrt(60)), "do not divide it again"),
    (checks.share_that_hold, lambda v, e: np.mean(v - pi <= 1.96 * e), "one end only"),
    (checks.share_that_hold, lambda v, e: np.mean(v - 1.96 * e <= pi), "one end only"),
    (checks.share_that_hold, lambda v, e: np.mean(pi <= v + 1.96 * e), "one end only"),
    (checks.share_that_hold, within(1.96, 3.14), "take math.pi"),
    (
        checks.share_that_hold,
        lambda v, e: np.mean(abs(v - v.mean()) <= 1.96 * e),
        "not the mean of the estimates",
    ),
    (
        checks.share_that_hold,
        lambda v, e: np.mean(abs(v - pi) <= 1.96 * e.mean()),
        "an error of its own",
    ),
    (
        checks.share_that_hold,
        lambda v, e: np.mean(abs(v - pi) <= 1.96 * e**2),
        "do not square it",
    ),
    (checks.share_that_hold, lambda v, e: np.mean(abs(v - pi) <= 1.96), "1.96 of what?"),
    (checks.share_that_hold, lambda v, e: np.mean(v == pi), "whether an estimate equals"),
    (checks.share_that_hold, lambda v, e: 0.95, "you said 0.95"),
    (checks.ellipse_area, lambda p: squared(p[0:1]) <= 1, "one boolean for each point"),
    (checks.ellipse_area, lambda p: p[0] ** 2 / 4 + p[1] ** 2 <= 1, "the first point"),
    (checks.ellipse_area, lambda p: (squared(p) <= 1).sum(), "one boolean for each point"),
    (checks.ellipse_area, squared, "compare it with 1"),
    (checks.ellipse_area, lambda p: squared(p) - 1, "return True or False"),
    (checks.ellipse_area, lambda p: squared(p, 1) <= 1, "that is the unit circle"),
    (checks.ellipse_area, lambda p: np.hypot(*p.T) <= 1, "that is the unit circle"),
    (checks.ellipse_area, lambda p: squared(p[:, ::-1]) <= 1, "stands upright"),
    (checks.ellipse_area, lambda p: squared(p, math.sqrt(2)) <= 1, "divide x² by 4, not by 2"),
    (checks.ellipse_area, lambda p: squared(p) >= 1, "turn the comparison around"),
    (checks.ellipse_area, region(lambda x, y: x**2 / 4 + y <= 1), "points far below"),
    (checks.ellipse_area, region(lambda x, y: x**2 / 4 + abs(y) <= 1), "y is not squared"),
    (checks.ellipse_area, region(lambda x, y: x / 2 + y**2 <= 1), "x/2 is not squared, so"),
    (checks.ellipse_area, region(lambda x, y: x / 4 + y**2 <= 1), "x is not squared"),
    (checks.ellipse_area, region(lambda x, y: abs(x / 2) + y**2 <= 1), "x/2 is not squared"),
    (checks.ellipse_area, region(lambda x, y: abs(x) / 2 + abs(y) <= 1), "that is a diamond"),
    (checks.ellipse_area, region(lambda x, y: x / 2 + y <= 1), "neither term is squared"),
    (checks.ellipse_area, region(lambda x, y: (abs(x) < 2) * (abs(y) < 1)), "the box around"),
    (checks.ellipse_area, region(lambda x, y: 4 * x**2 + y**2 <= 1), "not multiplied"),
    (checks.ellipse_area, lambda p: squared(p) <= 2, "at most 1"),
    (checks.ellipse_area, lambda p: squared(p) <= 4, "and then y² is 4 y²"),
    (checks.ellipse_area, region(lambda x, y: x**2 / 4 - y**2 <= 1), "not subtracted"),
    (checks.ellipse_area, lambda p: squared(p) <= 0.9, "wrong for"),
    (checks.ellipse_area, lambda p: squared(p) <= 1.1, "so it is outside"),
    (checks.keep, lambda p, q, m, u: u[u < p / (m * q)], "which are kept"),
    (checks.keep, lambda p, q, m, u: (u < p / (m * q)).sum(), "one boolean for each proposal"),
    (checks.keep, lambda p, q, m, u: (u < p / (m * q))[:, None], "booleans of shape (300,)"),
    (checks.keep, lambda p, q, m, u: p / (m * q), "compare u with it"),
    (checks.keep, lambda p, q, m, u: u - p / (m * q), "True or False"),
    (checks.keep, lambda p, q, m, u: np.random.default_rng().random(300) < p / m / q, "two calls"),
    (checks.keep, lambda p, q, m, u: np.random.random(300) < p / m / q, "two calls"),  # noqa: NPY002
    (checks.keep, lambda p, q, m, u: u > p / (m * q), "above p"),
    (checks.keep, lambda p, q, m, u: u < p / q, "the bound is forgotten"),
    (checks.keep, lambda p, q, m, u: u < p / m, "q is forgotten"),
    (checks.keep, lambda p, q, m, u: u < p, "compared with p itself"),
    (checks.keep, lambda p, q, m, u: u < m * q / p, "that keeps them all"),
    (checks.keep, lambda p, q, m, u: u < q / p, "p belongs on top, and M below"),
    (checks.keep, lambda p, q, m, u: u < p / m * q, "q belongs below"),
    (checks.keep, lambda p, q, m, u: u < m * p / q, "M belongs below"),
    (checks.keep, lambda p, q, m, u: u < p / m + q, "you add"),
    (checks.keep, lambda p, q, m, u: p < m * q, "that keeps them all"),
    (checks.keep, lambda p, q, m, u: u < m * q, "p is not used"),
    (checks.keep, lambda p, q, m, u: u * p < m * q, "that keeps them all"),
    (checks.keep, lambda p, q, m, u: np.log(u) < p / (m * q), "that keeps them all"),
    (checks.keep, lambda p, q, m, u: u * p > m * q, "that keeps none"),
    (checks.keep, lambda p, q, m, u: u < (p / (m * q)) ** 2, "wrong for"),
    (checks.keep, lambda p, q, m, u: p / (m * q) > 0.5, "does not depend on u"),
    (
        checks.keep,
        lambda p, q, m, u: np.random.default_rng(0).random(300) < p / m / q,
        "does not depend on u",
    ),
    (checks.keep, lambda p, q, m, u: u + 0.01 < p / (m * q), "wrong for"),
    (checks.keep, lambda p, q, m, u: 1 - u < p / (m * q), "wrong for"),
    (checks.control_variate, lambda f, g, g_mean: f.mean(), "that is the plain average"),
    (
        checks.control_variate,
        lambda f, g, m: f - least_squares(f, g) * (g - m),
        "return their mean",
    ),
    (checks.control_variate, lambda f, g, m: (f.mean(), g.mean()), "give one number"),
    (checks.control_variate, with_slope(least_squares, +1), "so subtract"),
    (checks.control_variate, with_slope(lambda f, g: 1.0), "β = 1"),
    (checks.control_variate, with_slope(lambda f, g: f.std() / g.std()), "two standard deviations"),
    (checks.control_variate, with_slope(lambda f, g: np.corrcoef(f, g)[0, 1]), "the correlation"),
    (checks.control_variate, slope_of(lambda c: c[0, 1]), "the covariance alone"),
    (
        checks.control_variate,
        slope_of(lambda c: c[0, 1] / math.sqrt(c[1, 1])),
        "divide by its variance",
    ),
    (checks.control_variate, slope_of(lambda c: c[0, 1] / c[0, 0]), "the slope of g on f"),
    (checks.control_variate, slope_of(lambda c: c[1, 1] / c[0, 1]), "slope is upside down"),
    (
        checks.control_variate,
        lambda f, g, m: f.mean() - least_squares(f, g) * g.mean(),
        "known mean of g is forgotten",
    ),
    (
        checks.control_variate,
        lambda f, g, m: f.mean() - least_squares(f, g) * m,
        "mean of your g is forgotten",
    ),
    (checks.control_variate, lambda f, g, m: least_squares(f, g), "that is the slope"),
    (
        checks.control_variate,
        lambda f, g, m: least_squares(f, g) * (g.mean() - m),
        "that is the correction",
    ),
    (checks.control_variate, lambda f, g, g_mean: math.e - 1, "as if it were unknown"),
    (checks.control_variate, lambda f, g, g_mean: g.mean(), "the mean of g"),
    (checks.control_variate, with_slope(lambda f, g: 0.5), "expected about"),
    (checks.control_variate, with_slope(lambda f, g: abs(least_squares(f, g))), "for -f, which"),
    (
        checks.control_variate,
        lambda f, g, m: f.mean() - least_squares(f, g) * (g.mean() - 0.5),
        "use g_mean",
    ),
    (checks.points_needed, lambda e: 1.6422 / e, "squares it"),
    (checks.points_needed, lambda e: math.sqrt(pi * (4 - pi)) / e, "squares it"),
    (checks.points_needed, lambda e: one_dart / e**2, "16 times larger"),
    (checks.points_needed, lambda e: 4 * one_dart / e**2, "not 4 times"),
    (checks.points_needed, lambda e: pi * (4 - pi) / e, "divide it by the error squared"),
    (checks.points_needed, lambda e: 1 / e**2, "is forgotten"),
    (checks.points_needed, lambda e: 1.6422 / e**2, "enters squared as well"),
    (checks.points_needed, lambda e: (2.697 / e) ** 2, "once too often"),
    (checks.points_needed, lambda e: 2.697 * (1.96 / e) ** 2, "half-width of a 95% interval"),
    (checks.points_needed, lambda e: e**2 / 2.697, "upside down"),
    (checks.points_needed, lambda e: 1.6422 / math.sqrt(e), "do not take the root again"),
    (checks.points_needed, lambda e: 1.6422 * e, "divide by it"),
    (checks.points_needed, lambda e: 5.0, "you need about 26,968 darts, you said 5.0"),
    (checks.points_needed, lambda e: 26968 * (0.01 / e), "does the error enter squared?"),
    (checks.points_needed, lambda e: 26968, "does the error enter squared?"),
]


def test_the_right_lines_are_computed():
    line = checks.control_variate(with_slope(least_squares)).line
    plain, yours = (float(word.rstrip(",")) for word in line.split() if word[0] == "0")
    assert yours < plain
