"""What notebook 15 answers about two numbers holds at every start and every setting of its view."""

import numpy as np
import pytest

pytest.importorskip("torch")

from sentences import Says

from ttclib.course.predicting_features import figures, two_numbers
from ttclib.course.predicting_features.two_numbers import BOTH, MOMENTUM, NEITHER, STOP

says = Says("15_predicting_features")
STEPS = round(figures.TIME / figures.RATE)


def trained(start, rho, how, momentum=0.0, steps=STEPS):
    return two_numbers.descend(start, rho, how, momentum, rate=figures.RATE, steps=steps)


def last(start, rho, how):
    return two_numbers.end(start, rho, how)[1]


@pytest.mark.answers("15-032", 1)
def test_without_a_cure_no_start_survives():
    ends = [last(start, rho, NEITHER) for start in figures.STARTS for rho in figures.RHOS]
    says("1. From none. All four end on the red line", np.allclose(ends, 0, atol=1e-9))
    for start in figures.STARTS:  # and after the time that the picture shows they are well on it
        assert trained(start, 0.5, NEITHER).w[-1] < 0.05 * start[1]


@pytest.mark.answers("15-032", 2)
def test_momentum_alone_is_a_delay():
    for start in figures.STARTS:
        for rho in figures.RHOS:
            slow, fast = (trained(start, rho, MOMENTUM, m, 12 * STEPS) for m in (0.99, 0.9))
            settled = slice(2 * STEPS, None)
            falls = all((np.diff(path.w[settled]) <= 1e-12).all() for path in (slow, fast))
            says("2. A delay.", falls and slow.w[-1] < slow.w[2 * STEPS])
            says("The larger the momentum, the slower.", fast.w[STEPS] < slow.w[STEPS])


@pytest.mark.answers("15-032", 3)
def test_only_a_predictor_that_promises_too_much_dies_with_a_stop_gradient():
    dying = (1.4, 1.0)
    for how in (STOP, BOTH):
        for rho in figures.RHOS:
            ends = {start: last(start, rho, STOP) for start in figures.STARTS}
            dead = {start for start, w in ends.items() if w < 1e-9}
            says("3. The one that begins at $p = 1.4$, $w = 1$", dead == {dying})
            says("it has $\\rho^2 + w^2 < p^2$", rho**2 + dying[1] ** 2 < dying[0] ** 2)
            assert trained(dying, rho, how, 0.9 * (how == BOTH)).w[-1] < 0.35
    slow = trained(dying, 0.95, STOP).w[-1]
    says("At ρ = 0.95 that takes longer than the picture shows", slow > 0.1)
    assert last(dying, 0.99, STOP) > 0.1  # near 1 it lives


@pytest.mark.answers("15-032", 4)
def test_what_is_more_predictable_collapses_later():
    for start in figures.STARTS[:2]:
        waits = []
        for rho in figures.RHOS:
            w = trained(start, rho, NEITHER, steps=20 * STEPS).w
            waits.append(int((w < 0.1 * start[1]).argmax()))
        says("4. Later: $w$ falls at a rate of at least $1 - \\rho^2$", waits == sorted(waits))
        for rho, wait in zip(figures.RHOS, waits, strict=True):
            assert 0 < wait <= np.log(10) / (1 - rho**2) / figures.RATE * 1.05
