"""Finite chains: closed forms, brute force, complete enumeration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ttclib.course.metropolis_hastings import markov

CYCLE = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
TWO_ISLANDS = np.array([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 1, 0], [0.1, 0.2, 0.3, 0.4]])


def two_states(a, b):
    """Leave state 0 with probability a, state 1 with probability b. λ₂ = 1 − a − b."""
    return np.array([[1 - a, a], [b, 1 - b]])


@st.composite
def matrices(draw, entries):
    k = draw(st.integers(2, 6))
    rows = draw(arrays(float, (k, k), elements=entries))
    rows[np.arange(k), np.arange(k)] += 0.01  # no empty row
    return rows / rows.sum(axis=1, keepdims=True)


@settings(deadline=None)
@given(st.floats(0.01, 1), st.floats(0.01, 1))
def test_two_states_in_closed_form(a, b):
    P, second = two_states(a, b), 1 - a - b
    pi = np.array([b, a]) / (a + b)
    assert np.allclose(markov.stationary(P), pi, atol=1e-14)
    assert markov.detailed_balance_gap(P, pi) < 1e-15
    # an AR(1) in disguise: the autocorrelation at lag k is λ₂ᵏ
    assert markov.autocorrelation_time(P, [0, 1]) == pytest.approx(
        (1 + second) / (1 - second), abs=1e-11
    )
    expected = pi[1] * np.abs(second) ** np.arange(8)
    assert np.allclose(markov.mixing_curve(P, 0, 7), expected, atol=1e-13)


@settings(deadline=None)
@given(matrices(st.floats(0.1, 1)), st.randoms(use_true_random=False))
def test_random_chains_against_brute_force(P, random):
    pi = markov.stationary(P)
    assert np.allclose(pi @ P, pi, atol=1e-14)
    assert pi.sum() == pytest.approx(1, abs=1e-14)
    f = np.array([random.uniform(-1, 1) for _ in pi])
    f[0] += 3  # not constant
    g = f - pi @ f
    lagged, tau = g, 1.0
    for _ in range(300):  # |λ₂| ≤ 1 − K · (smallest entry of P) ≤ 0.91: the rest is below 1e-11
        lagged = P @ lagged
        tau += 2 * (pi * g) @ lagged / ((pi * g) @ g)
    assert markov.autocorrelation_time(P, f) == pytest.approx(tau, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(matrices(st.just(0.0) | st.floats(1e-6, 1)), st.data())
def test_metropolis_matrix_balances_any_target_to_1e_15(Q, data):
    target = data.draw(arrays(float, len(Q), elements=st.floats(0.01, 10)))
    P = markov.metropolis_matrix(target, Q)
    pi = target / target.sum()
    markov.transition_matrix(P)
    assert markov.detailed_balance_gap(P, pi) < 1e-15
    for i, j in np.argwhere(
        ~np.eye(len(Q), dtype=bool) & (Q > 0)
    ):  # Hastings' formula, entry by entry
        ratio = pi[j] * Q[j, i] / (pi[i] * Q[i, j])
        assert P[i, j] == pytest.approx(Q[i, j] * min(1, ratio), rel=1e-12)


def test_detailed_balance_sees_a_one_way_street():
    assert markov.detailed_balance_gap(CYCLE, np.full(3, 1 / 3)) == pytest.approx(1 / 3)


def test_a_periodic_chain_has_a_stationary_distribution_but_never_reaches_it():
    assert np.allclose(markov.stationary(CYCLE), 1 / 3)
    assert np.allclose(markov.mixing_curve(CYCLE, 0, 9), 2 / 3)
    assert markov.autocorrelation_time([[0, 1], [1, 0]], [0, 1]) == pytest.approx(0, abs=1e-14)


def test_states_that_are_left_for_ever_have_no_weight():
    P = [[0.5, 0.3, 0.2], [0, 0.4, 0.6], [0, 0.5, 0.5]]
    assert markov.stationary(P) == pytest.approx([0, 5 / 11, 6 / 11])


def test_simulate_by_complete_enumeration():
    """One chain for each value of the uniform number: the counts are the probabilities, exactly."""
    m = 40
    P = np.array([[0, 10, 30], [8, 0, 32], [20, 20, 0]]) / m

    class EachUniformOnce:
        def random(self, size):
            return (np.arange(size) + 0.5) / size

    for i in range(3):
        after = markov.simulate(P, i, 1, EachUniformOnce(), chains=m)[1]
        assert (np.bincount(after, minlength=3) / m == P[i]).all()


def test_simulate_shape_start_and_stream():
    P = two_states(0.3, 0.6)
    states = markov.simulate(P, [0, 1, 1], 5, np.random.default_rng(3))
    assert states.shape == (6, 3)
    assert states[0].tolist() == [0, 1, 1]
    longer = markov.simulate(P, [0, 1, 1], 50, np.random.default_rng(3))
    assert (longer[:6] == states).all()  # a larger budget continues the same run
    assert markov.simulate(P, 0, 4, np.random.default_rng(3)).shape == (5, 1)


def test_simulate_never_takes_an_impossible_step():
    class Extremes:
        def random(self, size):
            return np.resize([0.0, np.nextafter(1, 0)], size)

    P = np.array(
        [
            [0, 0.1, 0.2, 0.7, 0],
            [1, 0, 0, 0, 0],
            [0, 0, 0, 0, 1],
            [0, 1, 0, 0, 0],
            [0.3, 0.3, 0.4, 0, 0],
        ]
    )
    states = markov.simulate(P, np.arange(5).repeat(2), 20, Extremes())
    assert (P[states[:-1], states[1:]] > 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: markov.transition_matrix([[0.5, 0.5]]), "square"),
        (lambda: markov.transition_matrix([[0.5, 0.6], [0, 1]]), "row 0 of P sums to 1.1"),
        (lambda: markov.transition_matrix([[1.5, -0.5], [0, 1]]), "not negative"),
        (lambda: markov.transition_matrix([[np.nan, 1], [0, 1]]), "not finite"),
        (lambda: markov.transition_matrix(np.empty((0, 0))), "square"),
        (lambda: markov.stationary(TWO_ISLANDS), "2 closed classes"),
        (lambda: markov.mixing_curve(TWO_ISLANDS, 0, 3), "reducible"),
        (lambda: markov.autocorrelation_time(CYCLE, [2, 2, 2]), "constant"),
        (lambda: markov.autocorrelation_time(CYCLE, [1, 2]), "shape"),
        (lambda: markov.autocorrelation_time([[1, 0], [1, 0]], [1, 2]), "constant"),
        (lambda: markov.detailed_balance_gap(CYCLE, [0.5, 0.5, 0.5]), "sum 1"),
        (lambda: markov.mixing_curve(CYCLE, 3, 3), "states are 0 to 2"),
        (lambda: markov.mixing_curve(CYCLE, [1, 1, 2], 3), "must be one state"),
        (lambda: markov.mixing_curve(CYCLE, 0, 0), "n is 0"),
        (lambda: markov.simulate(CYCLE, 0.5, 3, None), "start holds 0.5"),
        (lambda: markov.simulate(CYCLE, [0, 1], 3, None, chains=3), "3, one per chain"),
        (lambda: markov.metropolis_matrix([1, 0, 1], CYCLE), "target is 0 at state 1"),
        (lambda: markov.metropolis_matrix([1, 1], CYCLE), "shape"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
