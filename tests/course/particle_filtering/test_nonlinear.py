"""The filter on a grid against Kalman, and against sums over a coarse grid by hand."""

import numpy as np
import pytest

from ttclib.course.particle_filtering.nonlinear import NonlinearBenchmark, grid_filter
from ttclib.particles.kalman import kalman_filter
from ttclib.particles.statespace import LinearGaussian

GRID = np.linspace(-15, 15, 601)


def test_the_grid_filter_is_kalman_where_kalman_is_exact():
    model = LinearGaussian(0.8, 0.5, 1.2, 0.7, 0.4, 2.0)
    _, y = model.simulate(8, np.random.default_rng(0))
    found, exact = grid_filter(model, y, GRID), kalman_filter(model, y)
    assert found.log_evidence == pytest.approx(exact.log_evidence, abs=1e-9)
    means = found.density @ GRID * (GRID[1] - GRID[0])
    assert means == pytest.approx(exact.filtered.mean, abs=1e-9)


def test_the_grid_filter_does_not_know_the_sign_that_the_benchmark_hides():
    """x₀ is symmetric and y₀ sees its square: the first density has two equal humps."""
    first = grid_filter(NonlinearBenchmark(), [4.0], GRID).density[0]
    assert first == pytest.approx(first[::-1], abs=1e-12)
    assert first[GRID.searchsorted(0)] < 0.5 * first.max()


@pytest.mark.parametrize("grid", [[0.0], [0.0, 1.0, 3.0], [1.0, 0.0, -1.0]])
def test_a_grid_that_is_not_even_is_refused(grid):
    with pytest.raises(ValueError, match=r"^grid must be increasing and evenly spaced$"):
        grid_filter(NonlinearBenchmark(), [1.0], grid)
