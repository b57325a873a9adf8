"""Pictures of notebook 01: errors are those of the library's estimates, beside the exact ones."""

import math

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of
from views import no_event_loop_of_another_test, sliders  # noqa: F401

from ttclib.course.monte_carlo_pi import answers, exact, figures
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
    line, middle, *_ = view.fixed(1)
    assert line.get_linestyle() == "--"
    n, sd = numbers_of(line).T
    # one dart scores 4 with probability π/4, else 0
    np.testing.assert_allclose(sd, np.sqrt(16 * math.pi / 4 * (1 - math.pi / 4) / n))
    runs = [abs(darts(64, (99, k)).value - math.pi) for k in range(100)]
    assert dict(numbers_of(middle))[64] == pytest.approx(np.median(runs))


# ---- one long run -------------------------------------------------------------------------------


def test_a_long_run_is_one_stream_and_tells_its_progress(drawings):
    view = figures.long_run_view(montecarlo.darts, answers.points_needed, high=20)
    text, cost = view.at(5, darts=2**20)
    assert view.progress == [0.25, 0.5, 0.75, 1.0] and cost.units == 2**20
    whole = darts(2**20, 5)
    off = whole.value - math.pi
    error = math.sqrt(math.pi * (4 - math.pi) / 2**20)
    assert text == f"π ≈ {whole.value:.6f} ± {error:.6f}, true error {off:+.6f}"
    path, end = view.moving(0)
    assert numbers_of(end).tolist() == [[2**20, pytest.approx(abs(off))]]
    gaps = [(n, abs(darts(n, 5).value - math.pi)) for n in 2**18 * np.arange(1, 5)]
    np.testing.assert_allclose(numbers_of(path), gaps, rtol=1e-6)
    line, diamonds, _ = view.fixed(0)
    np.testing.assert_allclose(line.get_ydata(), exact.DART_SD / np.sqrt(line.get_xdata()))
    np.testing.assert_allclose(
        diamonds.get_ydata(), exact.DART_SD / np.sqrt(diamonds.get_xdata()), rtol=1e-9
    )
    ((n, low, high),) = bands(view.fig.axes[0])
    np.testing.assert_allclose(high, 1.96 * exact.DART_SD / np.sqrt(n))
    np.testing.assert_allclose(low, 0.0627 * exact.DART_SD / np.sqrt(n))


def test_a_wrong_formula_lies_off_the_line(drawings):
    view = figures.long_run_view(montecarlo.darts, lambda error: 1.642 / error, high=20)
    _, diamonds, _ = view.fixed(0)
    assert (diamonds.get_xdata() < 1e5).all()


def test_a_very_long_run_is_drawn_thinned(drawings):
    """A thousand blocks of an estimator that costs nothing."""
    value = montecarlo.Estimate(3.0, 0.1, darts(1).cost)
    view = figures.long_run_view(lambda n, rng: value, answers.points_needed, high=28)
    view.at(darts=2**28)
    path, _ = view.moving(0)
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
    far = np.linalg.norm(np.random.default_rng((luck, 3)).uniform(-1, 1, (4000, 3)), axis=1)
    distance = f"typical distance {np.median(far):.2f}"
    assert text == f"{hits[2]:,} of 4,096 inside (exact share 0.52): {price}; {distance}"
    assert cost.units == 4096
    (found,) = view.moving(0)
    np.testing.assert_allclose(numbers_of(found), [(d, h / 4096) for d, h in enumerate(hits, 1)])
    line, least, _ = view.fixed(0)
    assert line.get_linestyle() == "--" and least.get_ydata()[0] == 1 / 4096
    np.testing.assert_allclose(line.get_ydata()[1:3], [math.pi / 4, math.pi / 6])


def test_ball_view_writes_a_high_price_in_full(drawings):
    prices = {}
    for seed in range(3):
        text, _ = figures.ball_view(darts=2**16, dims=12).at(dimension=12, seed=seed)
        prices[text] = 2**16 / int(text.split(" of ")[0])
    for text, price in prices.items():
        assert f": {float(f'{price:.3g}'):,.0f} darts for one accepted point" in text
    assert max(prices.values()) > 1000


def test_ball_view_says_when_nothing_was_hit(drawings):
    view = figures.ball_view(darts=64, dims=16)
    text, _ = view.at(dimension=16)
    assert hits_in_ball(16, 64, 0) == 0
    assert text.startswith("0 of 64 inside (exact share 3.6e-06): no dart was accepted; typical")
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


# ---- the circle, and other regions --------------------------------------------------------------


def split(lines):
    """The hits and the misses of a board: points (k, 2) each, told apart by marker."""
    (hits,) = [numbers_of(line) for line in lines if line.get_marker() == "."]
    (misses,) = [numbers_of(line) for line in lines if line.get_marker() == "x"]
    return hits, misses


def test_the_circle_shows_every_dart(drawings, luck):
    points = np.random.default_rng(luck).uniform(-1, 1, (500, 2))
    hit = (points**2).sum(axis=1) <= 1
    sheet = figures.circle_picture(points, hit)
    hits, misses = split(sheet.fig.axes[0].lines)
    assert (np.hypot(*hits.T) <= 1).all() and (np.hypot(*misses.T) > 1).all()
    assert sorted(map(tuple, [*hits, *misses])) == sorted(map(tuple, points))
    assert f"500 darts: {hit.sum()} inside" in sheet.text
    circle = sheet.fig.axes[0].lines[0]
    np.testing.assert_allclose(np.hypot(*numbers_of(circle).T), 1)


def ellipse_view():
    return figures.region_view(answers.in_ellipse, [-2, -1], [2, 1], 2 * math.pi, most=10)


def test_a_region_is_measured_as_the_library_does(drawings, luck):
    view = ellipse_view()
    text, cost = view.at(luck, darts=256)
    rng = np.random.default_rng(luck)
    found = montecarlo.area(answers.in_ellipse, [-2, -1], [2, 1], 256, rng)
    assert text == (
        f"area ≈ {found.value:.4f}, standard error {found.standard_error:.4f}; "
        f"{found.value / 8:.1%} of the darts hit"
    )
    assert cost.units == 256
    hits, misses = split(view.moving(0))
    assert len(hits) / 256 == found.value / 8 and len(hits) + len(misses) == 256
    assert answers.in_ellipse(hits).all() and not answers.in_ellipse(misses).any()
    answers_drawn, now = view.moving(1)
    assert numbers_of(now).tolist() == [[256, found.value]]
    assert answers_drawn.get_xdata().tolist() == [16, 32, 64, 128, 256]


def test_a_region_stands_beside_its_exact_area_and_band(drawings):
    view = ellipse_view()
    (truth,) = view.fixed(1)
    assert (truth.get_linestyle(), truth.get_ydata()[0]) == ("--", 2 * math.pi)
    ((n, low, high),) = bands(view.fig.axes[1])
    p = math.pi / 4
    np.testing.assert_allclose(high - low, 2 * 1.96 * 8 * np.sqrt(p * (1 - p) / n))
    np.testing.assert_allclose((high + low) / 2, 2 * math.pi)
    (border,) = [c for c in view.fig.axes[0].collections if c in view.still]
    (path,) = border.get_paths()
    x, y = path.vertices.T
    np.testing.assert_allclose(x**2 / 4 + y**2, 1, atol=0.02)


# ---- error bars ---------------------------------------------------------------------------------


def throw(n, rng):
    p = montecarlo.darts(n, rng).value / 4
    return 4 * p, 4 * math.sqrt(p * (1 - p) / n)


def test_coverage_is_counted_by_the_learners_function(drawings, luck):
    calls = []

    def share(values, errors):
        calls.append((values, errors))
        return answers.share_that_hold(values, errors)

    view = figures.coverage_view(throw, share, runs=100, most=6)
    text, cost = view.at(luck, darts=16)
    assert cost.units == 1600 and len(calls) == 3  # 4, 8 and 16 darts
    runs = np.random.default_rng((luck, 16)).spawn(100)
    values, errors = np.transpose([throw(16, rng) for rng in runs])
    held = answers.share_that_hold(values, errors)
    assert text == f"{held:.1%} of 100 intervals hold π (exact: {exact.coverage(16):.1%})"
    np.testing.assert_array_equal(calls[-1], (values, errors))
    dots = view.moving(1)[0]
    assert dots.get_xdata().tolist() == [4, 8, 16] and dots.get_ydata()[-1] == held
    promised, line, _ = view.fixed(1)
    assert promised.get_ydata()[0] == 0.95 and line.get_linestyle() == "--"
    assert line.get_ydata().tolist() == [exact.coverage(n) for n in (4, 8, 16, 32, 64)]


def test_an_interval_that_misses_is_a_cross(drawings, luck):
    view = figures.coverage_view(throw, answers.share_that_hold, runs=60, most=6)
    view.at(luck, darts=16)
    bars, dots = view.moving(0)[::2], view.moving(0)[1::2]
    assert len(bars) == len(dots) == 40
    runs = np.random.default_rng((luck, 16)).spawn(60)
    for person, (bar, dot) in enumerate(zip(bars, dots, strict=True)):
        value, error = throw(16, runs[person])
        misses = abs(value - math.pi) > 1.96 * error
        assert (dot.get_marker() == "x") == misses
        ends = np.clip([value - 1.96 * error, value + 1.96 * error], 0, 5.2)
        np.testing.assert_allclose(numbers_of(bar), [(e, person) for e in ends])


# ---- rejection ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [0.8, 4 / math.pi, 4.0])
def test_rejection_draws_what_was_kept(drawings, luck, bound):
    view = figures.rejection_view(answers.keep, most=10)
    text, cost = view.at(luck, darts=512, bound=bound)
    x, u = (np.random.default_rng(luck).random((512, 2)) * (2, 1) - (1, 0)).T
    kept = u * bound / 2 < figures.half_circle(x)
    middle = np.mean(np.abs(x[kept]) < 0.5)
    assert text == (
        f"{kept.sum()} of 512 kept: {kept.mean():.3f}; 1/M = {1 / bound:.3f}; "
        f"{middle:.1%} of the kept have |x| < 1/2 (p says 60.9%)"
    )
    assert cost.units == 512
    line, *board = view.moving(0)
    assert set(line.get_ydata()) == {bound / 2}
    hits, misses = split(board)
    np.testing.assert_allclose(sorted(hits[:, 0]), sorted(x[kept]))
    assert (hits[:, 1] < figures.half_circle(hits[:, 0])).all()
    assert (misses[:, 1] >= figures.half_circle(misses[:, 0])).all()
    bars = [p for p in view.fig.axes[1].patches if p not in view.still]
    heights, _ = np.histogram(x[kept], 30, (-1, 1), density=True)
    np.testing.assert_allclose([bar.get_height() for bar in bars], heights)
    for axes in (0, 1):
        grid, height = numbers_of(view.fixed(axes)[0]).T
        np.testing.assert_allclose(height, figures.half_circle(grid))


def test_a_function_that_keeps_nothing_is_told_so(drawings):
    view = figures.rejection_view(lambda p, q, bound, u: u < 0, most=10)
    assert view.at(darts=64)[0] == "nothing was kept"


def test_more_darts_continue_the_same_stream(drawings):
    seen = []
    view = figures.rejection_view(lambda p, q, m, u: (seen.append(u), u < p / (m * q))[1], most=10)
    view.at(3, darts=64)
    view.at(3, darts=256)
    np.testing.assert_array_equal(seen[0], seen[1][:64])


# ---- cheaper accuracy ---------------------------------------------------------------------------


def strata(n, rng):
    return np.cos((np.arange(n) + rng.random(n)) / n).mean()


def plain(n, rng):
    return np.cos(rng.random(n)).mean()


def rms(method, n, seed):
    values = [method(n, np.random.default_rng((seed, r))) for r in range(12)]
    return np.sqrt(np.mean((np.array(values) - math.sin(1)) ** 2))


def test_methods_view_tells_the_rms_error():
    view = figures.methods_view({"plain": plain, "strata": strata}, math.sin(1), high=14)
    sliders(view)[0].value = 64
    assert f"strata {rms(strata, 64, 0):.1e}" in repr(view)


def test_methods_view_draws_every_error_and_what_the_best_is_worth(drawings, luck):
    view = figures.methods_view({"plain": plain, "strata": strata}, math.sin(1), high=14)
    text, cost = view.at(luck, points=256)
    errors = {m: [rms(m, n, luck) for n in (64, 128, 256)] for m in (plain, strata)}
    worth = (errors[plain][-1] / errors[strata][-1]) ** 2
    assert text == (
        f"RMS error plain {errors[plain][-1]:.1e}, strata {errors[strata][-1]:.1e}; "
        f"strata is worth {worth:,.0f}× the plain"
    )
    assert cost.units == 256 * 12 * 2
    lines = view.moving(0)
    for line, method in zip(lines[:2], (plain, strata), strict=True):
        np.testing.assert_allclose(line.get_ydata(), errors[method])
    assert len({line.get_marker() for line in lines[:2]}) == 2  # not by colour alone


def test_methods_stand_beside_their_exact_errors(drawings):
    names = ["darts", "mean value", "antithetic", "control variate", "Sobol", "stratified"]
    view = figures.methods_view(dict.fromkeys(names, plain), math.sin(1), high=14)
    view.at(points=128)
    drawn = view.moving(0)[6:]
    assert {line.get_linestyle() for line in drawn} == {"--"}
    for name, line in zip(names, drawn, strict=True):
        if name == "Sobol":
            assert np.isnan(line.get_ydata()).all()
        elif name == "stratified":
            expected = [exact.stratified_sd(n) for n in (64, 128)]
            np.testing.assert_allclose(line.get_ydata(), expected)
        else:
            expected = np.sqrt(exact.VARIANCES[name] / np.array([64, 128]))
            np.testing.assert_allclose(line.get_ydata(), expected)
    _, low, high = bands(view.fig.axes[0])[0]
    sums = np.random.default_rng(0).standard_normal((20_000, 12))
    luck = np.quantile(np.sqrt((sums**2).mean(axis=1)), [0.05, 0.95])
    np.testing.assert_allclose([low / drawn[0].get_ydata()], [[luck[0]] * 2], rtol=0.02)
    np.testing.assert_allclose([high / drawn[0].get_ydata()], [[luck[1]] * 2], rtol=0.02)


def test_gain_picture_tells_both_ends_and_draws_the_runs_again(drawings, luck):
    rng = np.random.default_rng(luck)
    even = rng.exponential(1, (2, 3, 200))
    plain_errors = even.mean(axis=2, keepdims=True) * [[[5040], [60], [2]], [[2], [1], [0.9]]]
    plain_errors = plain_errors * rng.exponential(1, (2, 3, 200))
    errors = {"smooth": (plain_errors[0], even[0]), "rough": (plain_errors[1], even[1])}
    sheet = figures.gain_picture([2, 8, 32], errors)
    smooth, rough, one = sheet.fig.axes[0].lines
    ratios = plain_errors.mean(axis=2) / even.mean(axis=2)
    np.testing.assert_allclose(numbers_of(smooth), list(zip([2, 8, 32], ratios[0], strict=True)))
    np.testing.assert_allclose(rough.get_ydata(), ratios[1])
    assert smooth.get_marker() != rough.get_marker()
    assert one.get_linestyle() == "--" and one.get_ydata()[0] == 1
    assert f"smooth: {ratios[0, 0]:,.3g} at d = 2, {ratios[0, 2]:,.2g} at d = 32" in sheet.text
    for (_, low, high), ratio in zip(bands(sheet.fig.axes[0]), ratios, strict=True):
        assert ((low < ratio) & (ratio < high)).all()
        # the log of a ratio of two means of 200 exponential numbers has sd 0.1: 90% is ± 0.165
        np.testing.assert_allclose(np.log(high / low), 0.33, atol=0.12)
    assert [tick.get_text() for tick in sheet.fig.axes[0].get_xticklabels()] == ["2", "8", "32"]
