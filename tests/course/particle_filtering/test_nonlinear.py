"""The filter on a grid against Kalman, and against sums over a coarse grid by hand."""

import numpy as np
import pytest

from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.nonlinear import NonlinearBenchmark, grid_filter
from ttclib.particles.statespace import LinearGaussian

GRID = np.linspace(-15, 15, 601)


def test_the_grid_filter_is_kalman_where_kalman_is_exact():
    model = LinearGaussian(0.8, 0.5, 1.2, 0.7, 0.4, 2.0)
    _, y = model.simulate(8, np.random.default_rng(0))
    found, exact = grid_filter(model, y, GRID), kalman_filter(model, y)
    assert found.log_evidence == pytest.approx(exact.log_evidence, abs=1e-9)
    means = found.density @ GRID * (GRID[1] - GRID[0])
    assert means == pytest.approx(exact.filtered.mean, abs=1e-9)


SURPRISES = [[0.3, 10.0, 0.5], [0.3, -80.0, 0.5], [1000.0, 0.3], [np.nan, 0.3], [0.3, np.nan, 0.5]]


@pytest.mark.parametrize("y", [*SURPRISES, [np.nan, np.nan], [0.3, np.nan, 80.0, np.nan, 0.2]])
def test_missing_and_surprising_observations_are_filtered_as_by_kalman(y):
    """Standard deviations are 1: the likelihood of 1000 underflows wherever the states were."""
    reach = 1100 if 1000.0 in y else 99
    grid = np.linspace(-reach, reach, 5 * reach + 1)
    found, exact = grid_filter(LinearGaussian(), y, grid), kalman_filter(LinearGaussian(), y)
    assert found.log_evidence == pytest.approx(exact.log_evidence, rel=1e-9)
    means = found.density @ grid * (grid[1] - grid[0])
    assert means == pytest.approx(exact.filtered.mean, abs=1e-7)


@pytest.mark.parametrize("y", [[0.3, 80.0], [0.3, -1e3, 0.2], [1e6]])
def test_a_state_beyond_the_grid_is_named(y):
    with pytest.raises(ValueError, match=r"^state [01] is likeliest where the grid ends; the grid"):
        grid_filter(LinearGaussian(), y, GRID)


@pytest.mark.parametrize(
    ("y", "message"),
    [([], "is empty"), ([0.3, np.inf], "infinite"), ([[0.3, 0.2]], r"shape \(1, 2\)")],
)
def test_observations_that_are_not_numbers_in_a_row_are_refused(y, message):
    with pytest.raises(ValueError, match=f"^observations .*{message}"):
        grid_filter(LinearGaussian(), y, GRID)


def test_the_grid_filter_does_not_know_the_sign_that_the_benchmark_hides():
    """x₀ is symmetric and y₀ sees its square: the first density has two equal humps."""
    first = grid_filter(NonlinearBenchmark(), [4.0], GRID).density[0]
    assert first == pytest.approx(first[::-1], abs=1e-12)
    assert first[GRID.searchsorted(0)] < 0.5 * first.max()


@pytest.mark.parametrize(
    "grid",
    [[], [0.0], [0.0, 1.0, 3.0], [1.0, 0.0, -1.0], [0.0, 1e-9, 3e-9], [1e8, 1e8 + 1, 1e8 + 3]],
)
def test_a_grid_that_is_not_even_is_refused(grid):
    with pytest.raises(ValueError, match=r"^grid must be increasing and evenly spaced$"):
        grid_filter(NonlinearBenchmark(), [1.0], grid)


@pytest.mark.parametrize("zero", [0.0, 1e8, -1e10])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_an_even_grid_is_even_in_any_unit_and_from_any_zero(unit, zero):
    """The state of time 0 alone: no density is asked for but the two that are known."""
    model = LinearGaussian(initial_mean=zero * unit, initial_cov=unit**2, observation_cov=unit**2)
    grid = zero * unit + GRID * unit
    found = grid_filter(model, [zero * unit + unit], grid).log_evidence[0]
    assert found == pytest.approx(
        kalman_filter(model, [zero * unit + unit]).log_evidence[0], abs=1e-5
    )
