"""Two numbers that collapse or do not: training follows the exact curve, and ends where it says."""

import numpy as np
import pytest
from scipy import integrate

from ttclib.course.predicting_features import two_numbers as two

STARTS = [(0.1, 1.0), (0.4, -0.7), (1.4, 1.0), (0.8, 1.2), (1.0, 0.3)]
KNOWN = [two.NEITHER, two.STOP]


def flow(start, rho, how, until):
    """The flow of the slopes, by an integrator that knows nothing of what is kept."""
    through = float(how == two.NEITHER)

    def slope(_, at):
        return -np.array(two.gradient(*at, at[1], rho, through))

    return integrate.solve_ivp(slope, (0, until), start, rtol=1e-10, atol=1e-12, dense_output=True)


def test_slopes_are_those_of_the_loss():
    rng = np.random.default_rng(0)
    for p, w, target, rho in rng.uniform(0.1, 1.5, size=(20, 4)):
        h = 1e-6
        for through in (0.0, 0.3, 1.0):
            found = two.gradient(p, w, target, rho, through)
            for slope, dp, dw in zip(found, (h, 0), (0, h), strict=True):
                high = two.loss(p + dp, w + dw, target + through * dw, rho)
                low = two.loss(p - dp, w - dw, target - through * dw, rho)
                assert slope == pytest.approx((high - low) / (2 * h), abs=1e-7)


@pytest.mark.statistical
def test_the_loss_is_the_mean_of_the_squares(seed):
    """Half a mean of 100,000 squares: its error is normal to 1e-6 within 5.5 standard errors."""
    rng = np.random.default_rng(seed)
    x, other = rng.normal(size=(2, 100_000))
    y = 0.6 * x + 0.8 * other
    squares = (0.7 * 1.3 * x - 0.9 * y) ** 2 / 2
    error = squares.std() / 100_000**0.5
    assert abs(squares.mean() - two.loss(0.7, 1.3, 0.9, 0.6)) < 5.5 * error


@pytest.mark.parametrize("how", KNOWN)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("rho", [0.3, 0.8, 0.95])
def test_the_exact_curve_is_the_flow(how, start, rho):
    curve = two.exact(start, rho, how)
    seen = curve.time < 30
    assert seen.sum() > 20 and (np.diff(curve.time) >= 0).all()
    at = flow(start, rho, how, curve.time[seen][-1]).sol(curve.time[seen])
    # the time is a sum of trapezoids over 400 points
    assert curve.p[seen] == pytest.approx(at[0], abs=5e-3)
    assert curve.w[seen] == pytest.approx(at[1], abs=5e-3)
    later = flow(start, rho, how, 4000).y[:, -1]
    assert two.end(start, rho, how) == pytest.approx(later, abs=2e-2)


@pytest.mark.parametrize("how", KNOWN)
def test_training_keeps_what_the_flow_keeps(how):
    for rate, near in ((4e-3, 8e-3), (1e-3, 2e-3)):  # a quarter of the rate, a quarter of the error
        path = two.descend((0.1, 1.0), 0.8, how, rate=rate, steps=round(8 / rate))
        kept = two.conserved(path.p, path.w, 0.8, how)
        assert np.ptp(kept) < near


def test_without_a_cure_it_collapses_from_everywhere_and_with_a_stop_gradient_from_almost_nowhere():
    rng = np.random.default_rng(1)
    for p, w, rho in rng.uniform([0, 0.2, 0.2], [2, 2, 0.95], size=(50, 3)):
        assert two.end((p, w), rho, two.NEITHER)[1] == 0
        assert (two.end((p, w), rho, two.STOP)[1] > 0) == (rho**2 + w**2 > p**2)


@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.98])
def test_momentum_alone_waits_and_with_adam_it_does_not(momentum):
    plain = two.steps_to_a_tenth(0.8, momentum, 0.02, 20_000)
    assert plain == pytest.approx(two.expected_steps_to_a_tenth(0.8, momentum, 0.02), rel=0.02)
    adam = [two.steps_to_a_tenth(0.8, m, 2e-3, 5000, two.ADAM) for m in (0.0, momentum)]
    assert adam[1] < 1.1 * adam[0]
    with pytest.raises(ValueError, match="longest is 10; w is still"):
        two.steps_to_a_tenth(0.8, momentum, 0.02, 10)


def test_both_cures_end_where_one_does():
    for momentum in (0.9, 0.99):
        path = two.descend((0.1, 1.0), 0.8, two.BOTH, momentum, rate=0.02, steps=20_000)
        assert path.p[-1] == pytest.approx(0.8, abs=1e-3) and path.w[-1] > 1
        assert path.target[-1] == pytest.approx(path.w[-1], abs=1e-3)


@pytest.mark.parametrize("how", [two.STOP, two.BOTH])
def test_weight_decay_leaves_what_is_predictable(how):
    for rho in (0.2, 0.5, 0.7, 0.9):
        for decay in (0.01, 0.04, 0.1):
            path = two.descend((0.5, 1.0), rho, how, 0.9, decay, 0.05, 20_000)
            left = two.survives(rho, decay)
            assert (left > 0) == (rho**2 >= 4 * decay)
            if abs(rho**2 - 4 * decay) > 0.02:  # nearer to the border it takes very long
                assert path.w[-1] == pytest.approx(left, abs=5e-3)


def test_what_cannot_be_used_is_refused():
    with pytest.raises(ValueError, match="how is 'all'"):
        two.descend((0.1, 1.0), 0.8, "all")
    with pytest.raises(ValueError, match="rho is 2"):
        two.descend((0.1, 1.0), 2, two.STOP)
    with pytest.raises(ValueError, match="how is 'both'"):
        two.end((0.1, 1.0), 0.8, two.BOTH)
