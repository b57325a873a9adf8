"""Weights: against sums in exact rational-like arithmetic, and for any input a clear error or the
truth.
"""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttclib.particles.smc import Population
from ttclib.particles.weights import normalise, relative

SPECIAL = st.sampled_from(
    [0.0, -math.inf, -math.inf, math.inf, math.nan, -5e-324, 1e-300, 1e300, -1e300]
)
NUMBERS = st.floats(-1e300, 1e300) | st.floats(-50, 50)
LISTS = st.lists(NUMBERS | SPECIAL, max_size=12) | st.lists(
    st.integers(-1000, 1000) | st.just(-math.inf)
)
CONTAINERS = st.sampled_from([list, tuple, np.array, lambda v: np.array(v, dtype=np.float32)])


def population(log_weights):
    return Population(0, None, np.asarray(log_weights, dtype=float), np.arange(1))


def log_mean_exp(log_weights):
    """Log of the mean weight, as a population says it."""
    return population(log_weights).log_evidence


def effective_sample_size(log_weights):
    """As a population says it."""
    return population(log_weights).ess


@settings(deadline=None, max_examples=300)
@given(LISTS, CONTAINERS)
def test_any_log_weights_give_a_clear_error_or_the_truth(values, container):
    with np.errstate(over="ignore"):  # float32 turns 1e300 into infinity
        log_weights = container(values)
    numbers = [float(v) for v in log_weights]
    functions = (normalise, log_mean_exp, effective_sample_size)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if not numbers or any(math.isnan(v) or v == math.inf for v in numbers):
            for function in functions:
                with pytest.raises(ValueError, match=r"^[^\n]*log_weights[^\n]*$"):
                    function(log_weights)
            return
        top = max(numbers)
        if top == -math.inf:
            with pytest.raises(ValueError, match="all log_weights are −inf"):
                normalise(log_weights)
            assert log_mean_exp(log_weights) == -math.inf
            assert effective_sample_size(log_weights) == 0
            return
        weights = [math.exp(v - top) for v in numbers]
        total = math.fsum(weights)
        assert normalise(log_weights) == pytest.approx(
            np.divide(weights, total), rel=1e-12, abs=1e-300
        )
        assert log_mean_exp(log_weights) == pytest.approx(
            top + math.log(total / len(numbers)), abs=1e-12
        )
        ess = effective_sample_size(log_weights)
        assert ess == pytest.approx(total**2 / math.fsum(w * w for w in weights), rel=1e-12)
        assert 1 <= ess <= len(numbers) * (1 + 1e-12)


@pytest.mark.parametrize(
    "log_weights", [[], [[0.0, 1.0]], 3.0, None, np.zeros((0, 2)), "heavy", ["a"]]
)
def test_what_is_not_a_list_of_numbers_is_refused(log_weights):
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        relative(log_weights)


def test_one_particle():
    assert normalise([-1e5]).tolist() == [1.0]
    assert log_mean_exp([-1e5]) == -1e5
    assert effective_sample_size([-1e5]) == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_million_equal_particles(dtype):
    log_weights = np.full(10**6, -700.0, dtype=dtype)
    assert effective_sample_size(log_weights) == 10**6
    assert log_mean_exp(log_weights) == -700
    assert np.ptp(normalise(log_weights)) == 0


def test_a_million_particles_of_which_few_count():
    log_weights = np.full(10**6, -math.inf)
    log_weights[[3, 999_999]] = 2.0
    assert effective_sample_size(log_weights) == 2
    assert log_mean_exp(log_weights) == pytest.approx(2 + math.log(2e-6), abs=1e-14)


def test_weights_far_below_the_smallest_float_are_no_trouble():
    assert normalise([-1e4, -1e4 + math.log(3)]) == pytest.approx([0.25, 0.75], rel=1e-12)
    assert effective_sample_size([1e4, 1e4, -1e4]) == 2


def test_the_input_is_left_alone():
    log_weights = np.array([0.0, -1.0])
    log_weights.setflags(write=False)
    weights, shift = relative(log_weights)
    assert weights.tolist() == [1.0, math.exp(-1)]
    assert shift == 0
