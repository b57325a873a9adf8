"""What is said to be exact in notebook 01, against sums and integrals of its own."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from ttclib.course.monte_carlo_pi import exact, figures


def f(u):
    return 4 * np.sqrt(1 - u**2)


def integral(h):
    return integrate.quad(h, 0, 1, epsabs=1e-13, limit=400)[0]


def test_the_variances_of_one_evaluation():
    square = integral(lambda u: f(u) ** 2) - math.pi**2
    mirrored = integral(lambda u: (f(u) + f(1 - u)) ** 2) / 2 - 2 * math.pi**2
    slope_part = (integral(lambda u: f(u) * (u**2 - 1 / 3))) ** 2 / (4 / 45)
    by_hand = [math.pi * (4 - math.pi), square, mirrored, square - slope_part]
    assert list(exact.VARIANCES.values()) == pytest.approx(by_hand, abs=1e-10)
    assert list(exact.VARIANCES) == ["darts", "mean value", "antithetic", "control variate"]


@pytest.mark.parametrize("n", [1, 2, 16, 100])
def test_coverage_is_the_sum_over_all_numbers_of_hits(n):
    total = 0.0
    for hits in range(n + 1):
        p = hits / n
        if abs(4 * p - math.pi) <= 1.96 * 4 * math.sqrt(p * (1 - p) / n):
            total += math.comb(n, hits) * (math.pi / 4) ** hits * (1 - math.pi / 4) ** (n - hits)
    assert exact.coverage(n) == pytest.approx(total, abs=1e-12)


def test_the_stratified_error_is_the_sum_over_the_strata():
    for n in (1, 2, 7, 64):
        total = 0.0
        for k in range(n):
            a, b = k / n, (k + 1) / n
            mean = n * integrate.quad(f, a, b, epsabs=1e-13, limit=200)[0]
            total += n * integrate.quad(lambda u, m=mean: (f(u) - m) ** 2, a, b, limit=200)[0]
        assert exact.stratified_sd(n) == pytest.approx(math.sqrt(total) / n, rel=1e-6)


def test_the_edge_costs_the_root_of_a_logarithm():
    sizes = 2.0 ** np.arange(6, 19, 4)
    errors = np.array([exact.stratified_sd(int(n)) for n in sizes])
    with_log = errors * sizes**1.5 / np.sqrt(np.log(sizes))
    without = errors * sizes**1.5
    assert with_log.max() / with_log.min() < 1.1 < 1.5 < without.max() / without.min()


def test_a_bound_too_small_cuts_the_top_off():
    x = np.linspace(-1, 1, 200_001)
    for bound in (0.4, 0.8, 4 / math.pi, 2.0):
        lower = np.minimum(figures.half_circle(x), bound / 2)
        for width in (0.5, 1.0):
            inside = np.where(np.abs(x) <= width, lower, 0)
            whole = np.trapezoid(inside, x)
            assert figures.flattened(bound, width) == pytest.approx(whole, abs=1e-5)


def test_the_normal_curve_that_the_page_speaks_of():
    normal = stats.norm
    assert normal.cdf(1.96) - normal.cdf(-1.96) == pytest.approx(0.95, abs=1e-4)
    assert normal.cdf(0.67) - normal.cdf(-0.67) == pytest.approx(0.5, abs=5e-3)
    below, above = 2 * normal.cdf([0.0627, 1.96]) - 1  # the band of the long run
    assert (below, above) == pytest.approx((0.05, 0.95), abs=1e-4)
