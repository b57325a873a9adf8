"""Diagnostics against AR(1), whose autocorrelation is known: φᵏ, so τ = (1 + φ)/(1 − φ)."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ttclib.sampling import diagnostics

LEVEL = 5.0  # standard errors; a normal variable is beyond with probability 6e-7


def ar1(phi, n, chains, rng):
    """Draw stationary AR(1) chains with variance 1, shape (n, chains)."""
    x = rng.standard_normal((n, chains))
    x[1:] *= np.sqrt(1 - phi**2)
    for t in range(1, n):
        x[t] += phi * x[t - 1]
    return x


@pytest.mark.statistical
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_ess_of_ar1(phi, seed):
    """The relative error of an estimated τ has variance about (4W + 2)/N.

    W is the lag where the sum is cut (Wolff, Comput. Phys. Commun. 156 (2004), equation 42; Sokal
    1997). The estimate cuts where the autocorrelation drowns in noise, before W = 20τ.
    """
    n, chains = 2_000, 200
    tau = (1 + phi) / (1 - phi)
    tolerance = LEVEL * np.sqrt((4 * 20 * tau + 2) / (n * chains))
    draws = ar1(phi, n, chains, np.random.default_rng(seed))

    def error(draws):
        return abs(n * chains / diagnostics.ess(draws, "mean") / tau - 1)

    assert error(draws) < tolerance
    assert diagnostics.mcse(draws) ** 2 * draws.size / tau == pytest.approx(1, abs=2 * tolerance)
    # power: axes exchanged, or a chain with another φ
    if phi:
        assert error(draws.T) > tolerance
        assert error(ar1(phi - 0.2, n, chains, np.random.default_rng(seed))) > tolerance


@pytest.mark.statistical
def test_rhat_of_chains_that_agree_and_that_do_not(seed):
    """n·(R̂² − 1) + 1 is close to F(2c − 1, ·) for c split chains: above 1.05 far more rarely than
    1e-6.
    """
    x = np.random.default_rng(seed).standard_normal((1_000, 4))
    assert diagnostics.rhat(x) < 1.05
    assert diagnostics.rhat(x + [0, 0, 0, 1]) > 1.05
    assert diagnostics.rhat(x * [1, 1, 1, 4]) > 1.05  # same centre, another spread
    assert diagnostics.rhat(x + np.linspace(0, 2, 1_000)[:, None]) > 1.05  # a common drift


def test_each_coordinate_by_itself():
    rng = np.random.default_rng(0)
    draws = np.stack([ar1(phi, 300, 4, rng) for phi in (0.0, 0.5, 0.9)], axis=2)
    for statistic in (
        diagnostics.ess,
        lambda x: diagnostics.ess(x, "tail"),
        diagnostics.mcse,
        diagnostics.rhat,
        lambda x: diagnostics.summary(x)["sd"],
    ):
        together = statistic(draws)
        assert together.shape == (3,)
        assert together == pytest.approx([statistic(draws[:, :, i]) for i in range(3)])


def test_summary_holds_the_parts():
    draws = ar1(0.5, 500, 4, np.random.default_rng(0))
    summary = diagnostics.summary(draws)
    assert list(summary) == ["mean", "sd", "mcse", "ess_bulk", "ess_tail", "rhat"]
    assert summary["mean"] == pytest.approx(draws.mean())
    assert summary["ess_bulk"] == diagnostics.ess(draws)
    assert all(np.ndim(value) == 0 for value in summary.values())


def test_a_chain_that_never_moved_counts_as_no_information():
    draws = ar1(0.5, 400, 4, np.random.default_rng(0))
    draws[:, 3] = 5.0
    assert np.isfinite(diagnostics.ess(draws))
    assert diagnostics.rhat(draws) > 1.05


# ---------------------------------------------------------------- units: m, nm, or counted from 1e8


SLOW = np.round(2**20 * ar1(0.95, 400, 4, np.random.default_rng(3))) / 2**20
# what a unit multiplies, and what counting from another zero leaves alone
IN_UNITS = {"mean", "sd", "mcse"}
STATISTICS = {
    "ess_mean": lambda x: diagnostics.ess(x, "mean"),
    "mcse alone": diagnostics.mcse,
    **{
        name: lambda x, name=name: diagnostics.summary(x)[name]
        for name in ("mean", "sd", "mcse", "ess_bulk", "ess_tail", "rhat")
    },
}


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("unit", [1e-9, 1e-16, 1e-100, 1e-300, 1e9, 1e100, 1e300])
def test_a_diagnostic_does_not_depend_on_the_unit(name, unit):
    scale = unit if name.split()[0] in IN_UNITS else 1.0
    assert STATISTICS[name](SLOW * unit) == pytest.approx(scale * STATISTICS[name](SLOW), rel=1e-9)


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("zero", [1e8, -1e8, 2.0**32])
def test_a_diagnostic_does_not_depend_on_the_zero(name, zero):
    """A draw is a multiple of 2⁻²⁰, so adding 2³² is exact. A mean is as good as its digits."""
    expected = STATISTICS[name](SLOW) + (zero if name == "mean" else 0)
    assert STATISTICS[name](SLOW + zero) == pytest.approx(expected, rel=1e-13)


def test_coordinates_of_other_units_stand_side_by_side():
    units = np.array([1e-300, 1.0, 1e300])
    draws = SLOW[:, :, None] * units
    one = diagnostics.summary(SLOW)
    for name, values in diagnostics.summary(draws).items():
        scale = units if name in IN_UNITS else 1.0
        assert values / scale == pytest.approx(one[name], rel=1e-9)


def test_a_unit_is_seen_by_arviz_alone():
    """Power: handed over as they are, small draws are called constant, each worth one."""
    arviz = diagnostics._arviz()
    assert diagnostics.ess(SLOW * 1e-18, "mean") < 100
    assert arviz.ess(np.moveaxis(SLOW * 1e-18, 0, 1), method="mean", prob=None) == SLOW.size


def test_a_first_draw_far_out_leaves_the_ranks_of_the_others():
    draws = SLOW.copy()
    draws[0, 0] = 1e300
    near = SLOW.copy()
    near[0, 0] = 100.0
    for name in ("ess_bulk", "ess_tail", "rhat"):
        assert STATISTICS[name](draws) == STATISTICS[name](near)


@settings(deadline=None)
@given(st.integers(-1000, 900), st.integers(-(2**30), 2**30), st.integers(0, 2**32))
def test_units_and_zeros_at_random(exponent, zero, seed):
    """Whole numbers shift exactly, and powers of two scale exactly: bit for bit, but for a mean."""
    draws = np.random.default_rng(seed).integers(-50, 50, (30, 3)).astype(float)
    moved = np.ldexp(draws + zero, exponent)
    for name in ("ess_mean", "ess_bulk", "ess_tail", "rhat"):
        assert STATISTICS[name](moved) == pytest.approx(STATISTICS[name](draws), rel=1e-9)
    for name in ("sd", "mcse"):
        back = np.ldexp(STATISTICS[name](moved), -exponent)
        assert back == pytest.approx(STATISTICS[name](draws), rel=1e-9)


def test_loading_is_lazy_and_light():
    """ArviZ comes with the first call, and without xarray, pandas or numba."""
    code = (
        "import sys; import ttclib.sampling.diagnostics as d;"
        "assert 'arviz_stats' not in sys.modules;"
        "import numpy as np; d.summary(np.random.default_rng(0).random((50, 4)));"
        "assert not {'xarray', 'pandas', 'numba', 'matplotlib', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


RANDOM = np.random.default_rng(0).random((10, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diagnostics.ess(RANDOM[:, 0]), r"\(10,\); it must be \(n, chains\)"),
        (lambda: diagnostics.ess(RANDOM[:3]), "at least 4 draws"),
        (lambda: diagnostics.rhat(RANDOM[:, :1]), "4 draws of 2 chains"),
        (lambda: diagnostics.summary(RANDOM[:, :1]), "4 draws of 2 chains"),
        (lambda: diagnostics.ess(RANDOM, "bulky"), "method is 'bulky'"),
        (lambda: diagnostics.ess(np.ones((10, 4))), "never moved"),
        (lambda: diagnostics.ess(np.stack([RANDOM, np.ones((10, 4))], axis=2)), "never moved"),
        (lambda: diagnostics.mcse(RANDOM * np.nan), "not finite"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(
    arrays(
        float,
        array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
        elements=st.floats(-9, 9),
    )
)
def test_any_array_gives_numbers_or_one_clear_line(draws):
    try:
        effective = diagnostics.ess(draws)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert np.shape(effective) == draws.shape[2:]
        assert np.all(effective > 0)
