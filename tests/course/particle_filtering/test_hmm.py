"""Hidden Markov models: forward against every hidden path, and errors that name the step."""

import itertools
import math

import numpy as np
import pytest
from exact_p_values import FALSE_ALARM, binomial_p_value

from ttclib.course.particle_filtering.hmm import HiddenMarkov, forward

WEATHER = HiddenMarkov(
    initial=[0.6, 0.3, 0.1],
    transition=[[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [0.3, 0.3, 0.4]],
    emission=[[0.5, 0.5, 0.0, 0.0], [0.1, 0.4, 0.5, 0.0], [0.25, 0.25, 0.25, 0.25]],
)
SEQUENCES = [[0], [3], [0, 1, 2, 1, 3], [1, 1, 1, 1, 1, 1], [2, 3, 3, 0]]


def every_path(model, y):
    """{path: p(path, y)}: term by term."""
    joint = {}
    for path in itertools.product(range(len(model.initial)), repeat=len(y)):
        p = model.initial[path[0]] * math.prod(
            model.transition[a, b] for a, b in itertools.pairwise(path)
        )
        joint[path] = p * math.prod(
            model.emission[x, symbol] for x, symbol in zip(path, y, strict=True)
        )
    return joint


def marginal(joint, t):
    masses = np.zeros(3)
    for path, p in joint.items():
        masses[path[t]] += p
    return masses / masses.sum()


@pytest.mark.parametrize("y", SEQUENCES)
def test_forward_equals_sums_over_every_path(y):
    result = forward(WEATHER, y)
    for t in range(len(y)):
        so_far = every_path(WEATHER, y[: t + 1])
        assert result.log_evidence[t] == pytest.approx(math.log(sum(so_far.values())), abs=1e-12)
        assert result.filtered[t] == pytest.approx(marginal(so_far, t), abs=1e-14)


def test_a_long_sequence_does_not_underflow():
    y = np.tile([0, 1, 2, 1], 2500)
    result = forward(WEATHER, y)
    assert result.log_evidence[-1] < -745  # the evidence itself is below the smallest float
    assert np.isfinite(result.log_evidence).all()
    assert np.abs(result.filtered.sum(axis=1) - 1).max() < 1e-12


def test_a_missing_observation_is_summed_over():
    """The evidence without it is that of every symbol together."""
    missing = forward(WEATHER, [0, math.nan, 2, math.nan])
    every = [forward(WEATHER, [0, a, 2, b]) for a in range(4) for b in range(4)]
    total = np.logaddexp.reduce([one.log_evidence[-1] for one in every])
    assert missing.log_evidence[-1] == pytest.approx(total, abs=1e-12)
    assert missing.log_evidence[[0, 1]] == pytest.approx(every[0].log_evidence[0], abs=1e-12)
    assert missing.filtered[1] == pytest.approx(missing.filtered[0] @ WEATHER.transition)
    assert (WEATHER.log_observation(0, np.array([0, 1, 2]), math.nan) == 0).all()


@pytest.mark.parametrize("rare", [1e-30, 1e-200, 1e-300])
def test_a_surprise_keeps_its_exact_evidence(rare):
    """Three rare symbols in a row: their product is far below the smallest float."""
    stays, shows = [[1 - rare, rare], [0.0, 1.0]], [[1 - rare, rare], [1.0, 0.0]]
    model = HiddenMarkov([1.0, 0.0], stays, shows)
    result = forward(model, [1, 1, 1, 0])
    assert result.log_evidence[:3] == pytest.approx(np.log(rare) * np.arange(1, 4), rel=1e-12)
    assert result.filtered.sum(axis=1) == pytest.approx(1)


def test_a_state_forgotten_by_rounding_would_make_the_possible_impossible():
    """After two steps state 1 has probability 1e-400, and only it shows symbol 1."""
    rare = 1e-200
    model = HiddenMarkov(
        [1.0, 0.0, 0.0],
        [[1.0, rare, 0.0], [0.0, 1.0, rare], [0.0, 0.0, 1.0]],
        [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
    )
    assert forward(model, [0, 0, 1]).log_evidence[-1] == pytest.approx(2 * math.log(rare))


def test_an_impossible_observation_names_its_step():
    model = HiddenMarkov([1.0, 0.0], [[1.0, 0.0], [0.5, 0.5]], [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    assert forward(model, [0, 1, 0]).log_evidence[-1] == pytest.approx(3 * math.log(0.5))
    with pytest.raises(ValueError, match="observation 2 is impossible under the model"):
        forward(model, [0, 1, 2, 0])


@pytest.mark.parametrize("y", [[], [0, 4], [-1], [0.5], [math.inf], [[0, 1]], "sun", ["sun"], None])
def test_what_is_no_symbol_is_refused(y):
    with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
        forward(WEATHER, y)


@pytest.mark.parametrize("y", [-1, 4, 0.5])
def test_a_filter_does_not_mistake_a_wrong_symbol_for_another(y):
    with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
        WEATHER.log_observation(0, np.array([0, 1]), y)


def test_densities_are_logs_of_the_tables():
    x, to = np.array([0, 1, 2, 1]), np.array([1, 0, 2, 1])
    assert np.exp(WEATHER.log_observation(0, x, 2)) == pytest.approx([0, 0.5, 0.25, 0.5])
    assert np.exp(WEATHER.log_transition(0, x, to)) == pytest.approx([0.2, 0, 0.4, 0.5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"initial": [0.6, 0.4]}, r"transition has shape \(3, 3\); it must have shape \(2, 2\)"),
        ({"initial": [0.6, 0.3, 0.2]}, "initial must hold probabilities"),
        ({"initial": [0.60001, 0.3, 0.1]}, "initial must hold probabilities"),
        ({"initial": [1.2, -0.1, -0.1]}, "initial must hold probabilities"),
        ({"initial": [[1.0, 0.0, 0.0]]}, "initial has 2 dimensions"),
        ({"transition": np.full((3, 3), 0.3)}, "transition must hold probabilities"),
        ({"emission": [[1.0], [1.0]]}, "emission has shape"),
        ({"emission": [[np.nan], [1.0], [1.0]]}, "emission holds 1 values that are not finite"),
    ],
)
def test_tables_that_are_no_probabilities_are_refused(change, message):
    tables = {name: getattr(WEATHER, name) for name in ("initial", "transition", "emission")}
    with pytest.raises(ValueError, match=message):
        HiddenMarkov(**(tables | change))


@pytest.mark.statistical
def test_samplers_draw_from_the_tables(seed):
    """Counts are binomial: exact p-values, false-alarm rate 1e-6 in all (Bonferroni over 24
    counts).
    """
    rng, n = np.random.default_rng(seed), 50_000
    x = np.repeat(np.arange(3), n)
    drawn = [
        (WEATHER.sample_initial(n, rng)[None], WEATHER.initial[None]),
        (WEATHER.sample_transition(1, x, rng).reshape(3, n), WEATHER.transition),
        (WEATHER.sample_observation(1, x, rng).reshape(3, n), WEATHER.emission),
    ]
    for samples, table in drawn:
        for row, distribution in zip(samples, table, strict=True):
            counts = np.bincount(row, minlength=len(distribution))
            assert binomial_p_value(counts, n, distribution).min() > FALSE_ALARM / 24


def test_a_state_of_probability_zero_is_never_drawn():
    class Zero:
        def random(self, size):
            return np.zeros(size)

    assert WEATHER.sample_transition(1, np.array([1]), Zero()).tolist() == [1]  # row 0, 0.5, 0.5


def test_simulation_has_time_on_the_first_axis():
    states, symbols = WEATHER.simulate(30, np.random.default_rng(0))
    assert states.shape == symbols.shape == (30,)
    assert forward(WEATHER, symbols).filtered.shape == (30, 3)
    assert (forward(WEATHER, symbols).filtered[np.arange(30), states] > 0).all()
