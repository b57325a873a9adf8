"""Pictures of notebook 01: errors are those of the library's estimates, beside the exact ones."""

import math

import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of
from views import no_event_loop_of_another_test, sliders  # noqa: F401

from ttclib.course.monte_carlo_pi import estimators, figures
from ttclib.sampling import montecarlo


@pytest.fixture
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


@pytest.fixture
def luck(seed):
    """A luck that is not the 0 with which every view starts."""
    return seed + 1


def darts(n, seed=0):
    return montecarlo.darts(n, np.random.default_rng(seed))


def told(exact, digits):
    numbers = (exact.value, exact.standard_error, exact.value - math.pi)
    return "π ≈ {:.nf} ± {:.nf}, true error {:+.nf}".replace("n", str(digits)).format(*numbers)


# ---- the board ----------------------------------------------------------------------------------


def test_board_view_tells_the_estimate_of_the_library():
    view = figures.board_view(montecarlo.darts, high=10)
    assert told(darts(1024), 5) in repr(view)
    sliders(view)[0].value = 256
    assert told(darts(256), 5) in repr(view)


def test_board_view_draws_the_error_of_every_budget(drawings, luck):
    view = figures.board_view(montecarlo.darts, high=10)
    for n in (64, 512):
        text, cost = view.at(luck, darts=n)
        assert cost.units == n and text == told(darts(n, luck), 5)
        errors, now = view.moving(1)
        gaps = [(2**k, abs(darts(2**k, luck).value - math.pi)) for k in range(4, 10) if 2**k <= n]
        np.testing.assert_allclose(numbers_of(errors), gaps)
        np.testing.assert_allclose(numbers_of(now), gaps[-1:])
        thrown = sum(len(line.get_xdata()) for line in view.moving(0))
        assert thrown == n


def test_board_view_shows_the_exact_error_and_a_hundred_runs(drawings):
    view = figures.board_view(montecarlo.darts, high=10)
    exact, middle = view.fixed(1)
    assert exact.get_linestyle() == "--"
    n, sd = numbers_of(exact).T
    # one dart scores 4 with probability π/4, else 0
    np.testing.assert_allclose(sd, np.sqrt(16 * math.pi / 4 * (1 - math.pi / 4) / n))
    runs = [abs(darts(64, (99, k)).value - math.pi) for k in range(100)]
    assert dict(numbers_of(middle))[64] == pytest.approx(np.median(runs))


# ---- one long run -------------------------------------------------------------------------------


def test_a_long_run_is_one_stream_and_tells_its_progress(drawings):
    view = figures.long_run_view(montecarlo.darts, high=20)
    text, cost = view.at(5, darts=2**20)
    assert view.progress == [0.25, 0.5, 0.75, 1.0] and cost.units == 2**20
    whole = darts(2**20, 5)
    off = whole.value - math.pi
    error = math.sqrt(math.pi * (4 - math.pi) / 2**20)
    assert text == f"π ≈ {whole.value:.6f} ± {error:.6f}, true error {off:+.6f}"
    (path,) = view.moving(0)
    gaps = [(n, abs(darts(n, 5).value - math.pi)) for n in 2**18 * np.arange(1, 5)]
    np.testing.assert_allclose(numbers_of(path), gaps, rtol=1e-6)
    (exact,) = view.fixed(0)
    np.testing.assert_allclose(exact.get_ydata(), figures.DART_SD / np.sqrt(exact.get_xdata()))


def test_a_very_long_run_is_drawn_thinned(drawings):
    """A thousand blocks of an estimator that costs nothing."""
    value = montecarlo.Estimate(3.0, 0.1, darts(1).cost)
    view = figures.long_run_view(lambda n, rng: value, high=28)
    view.at(darts=2**28)
    (path,) = view.moving(0)
    assert len(view.progress) == 1024 and 300 < len(path.get_xdata()) <= 512
    np.testing.assert_allclose(path.get_ydata(), math.pi - 3)


# ---- the ball -----------------------------------------------------------------------------------


def test_ball_volume():
    exact = [2, math.pi, 4 / 3 * math.pi, math.pi**2 / 2]
    assert [figures.ball_volume(d) for d in (1, 2, 3, 4)] == pytest.approx(exact)


def hits_in_ball(dim, n, seed):
    points = np.random.default_rng((seed, dim)).random((n, dim)) * 2 - 1
    return int(((points**2).sum(axis=1) <= 1).sum())


def test_ball_view_counts_hits(drawings, luck):
    view = figures.ball_view(darts=4096, dims=6)
    text, cost = view.at(luck, dimension=3)
    hits = [hits_in_ball(d, 4096, luck) for d in (1, 2, 3)]
    price = f"{4096 / hits[2]:,.3g} darts for one accepted point"
    assert text == f"{hits[2]:,} of 4,096 inside (exact share 0.52): {price}"
    assert cost.units == 4096
    (found,) = view.moving(0)
    np.testing.assert_allclose(numbers_of(found), [(d, h / 4096) for d, h in enumerate(hits, 1)])
    exact, least = view.fixed(0)
    assert exact.get_linestyle() == "--" and least.get_ydata()[0] == 1 / 4096
    np.testing.assert_allclose(exact.get_ydata()[1:3], [math.pi / 4, math.pi / 6])


def test_ball_view_says_when_nothing_was_hit(drawings):
    view = figures.ball_view(darts=64, dims=16)
    text, _ = view.at(dimension=16)
    assert hits_in_ball(16, 64, 0) == 0
    assert text == "0 of 64 inside (exact share 3.6e-06): no dart was accepted"
    (found,) = view.moving(0)
    assert np.isnan(found.get_ydata()[-1])  # zero has no place on a logarithmic axis


def test_ball_view_shows_how_far_out_the_darts_are(drawings, luck):
    view = figures.ball_view(darts=64, dims=16)
    for dim in (2, 16):
        view.at(luck, dimension=dim)
        (shape,) = (p for p in view.fig.axes[1].patches if p not in view.still)
        x, height = shape.get_xy().T
        # of a stepped outline every second point starts a bin
        middle = np.average((x[1:-1:2] + 1 / 30)[:60], weights=height[1:-1:2][:60])
        assert middle == pytest.approx(math.sqrt(dim / 3), abs=0.15)


# ---- cheaper accuracy ---------------------------------------------------------------------------


def strata(n, rng):
    return estimators.stratified_sampling(np.cos, n, rng)


def plain(n, rng):
    return estimators.mean_value(np.cos, n, rng)


def rms(method, n, seed):
    values = [method(n, np.random.default_rng((seed, r))).value for r in range(12)]
    return np.sqrt(np.mean((np.array(values) - math.sin(1)) ** 2))


def test_methods_view_tells_the_rms_error():
    methods = {"darts": montecarlo.darts, "strata": strata}
    view = figures.methods_view(methods, exact=math.sin(1), high=10)
    sliders(view)[0].value = 64
    assert f"strata {rms(strata, 64, 0):.1e}" in repr(view)


def test_methods_view_draws_every_error_and_what_the_best_is_worth(drawings, luck):
    view = figures.methods_view({"plain": plain, "strata": strata}, exact=math.sin(1), high=10)
    text, cost = view.at(luck, points=256)
    errors = {m: [rms(m, n, luck) for n in (64, 128, 256)] for m in (plain, strata)}
    worth = (errors[plain][-1] / errors[strata][-1]) ** 2
    assert text == (
        f"RMS error plain {errors[plain][-1]:.1e}, strata {errors[strata][-1]:.1e}; "
        f"strata is worth {worth:,.0f}× the plain"
    )
    assert cost.units == 256 * 12 * 2
    for line, method in zip(view.moving(0), (plain, strata), strict=True):
        np.testing.assert_allclose(line.get_ydata(), errors[method])
    (exact,) = view.fixed(0)
    np.testing.assert_allclose(exact.get_ydata(), 1.6422 / np.sqrt(exact.get_xdata()), rtol=1e-4)


def test_gain_picture_tells_both_ends(drawings):
    sheet = figures.gain_picture([2, 8, 32], {"smooth": [5040.0, 60.0, 2.51], "rough": [2, 1, 0.9]})
    assert sheet.text == (
        "variance of plain random points over Sobol points. smooth: 5.04e+03 at d = 2, "
        "2.5 at d = 32; rough: 2 at d = 2, 0.9 at d = 32"
    )
    smooth, rough, one = sheet.fig.axes[0].lines
    np.testing.assert_array_equal(numbers_of(smooth), [(2, 5040), (8, 60), (32, 2.51)])
    np.testing.assert_array_equal(rough.get_ydata(), [2, 1, 0.9])
    assert one.get_linestyle() == "--" and one.get_ydata()[0] == 1
    assert [tick.get_text() for tick in sheet.fig.axes[0].get_xticklabels()] == ["2", "8", "32"]


def test_histogram_is_a_density(drawings, luck):
    points = np.random.default_rng(luck).uniform(-1, 1, 4000)
    sheet = figures.histogram(points, lambda x: 0.5 + 0 * x)
    assert sheet.text == "histogram of 4,000 accepted points, and the exact density"
    (shape,) = sheet.fig.axes[0].patches
    heights = shape.get_xy()[1:80:2, 1]
    expected, _ = np.histogram(points, bins=40, range=(-1, 1), density=True)
    np.testing.assert_allclose(heights, expected)
    (exact,) = sheet.fig.axes[0].lines
    assert exact.get_linestyle() == "--" and set(exact.get_ydata()) == {0.5}
