"""Pictures of notebook 04b: they draw the chains they are given, beside the exact belief."""

import re

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of

from ttclib.course.learning_the_boat import boat, figures, tiny
from ttclib.course.learning_the_boat.ideal import effective_draws_per_step
from ttclib.particles.statespace import LinearGaussian

_, Y = LinearGaussian().simulate(10, np.random.default_rng(3))
EXACT = boat.exact_posterior(Y)


@pytest.fixture(autouse=True)
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


def test_the_posterior_is_drawn_with_the_truth():
    sheet = figures.posterior_picture(EXACT, 0.9)
    (ax,) = sheet.fig.axes
    _, curve, true = ax.lines
    assert numbers_of(curve) == pytest.approx(np.column_stack([EXACT.grid, EXACT.density]))
    assert numbers_of(true)[:, 0] == pytest.approx([0.9, 0.9])
    assert f"mean {EXACT.mean:.3f}, sd {EXACT.sd:.3f}" in sheet.text


def test_histograms_are_of_the_draws():
    draws = {"one": np.full((4, 2), 0.31), "two": np.array([[0.1, 0.9]])}
    sheet = figures.histogram_picture(draws, EXACT)
    heights = [bar.get_height() for bar in sheet.fig.axes[0].patches]
    assert np.argmax(heights) == 12 and max(heights) == pytest.approx(40)
    assert "one: mean 0.31, sd 0.00; two: mean 0.50, sd 0.40" in sheet.text


def test_the_tiny_view_draws_both_chains():
    view = figures.tiny_view(tiny.both_chains, tiny.posterior())
    for n in (1, 4):
        text = view.at(particles=n)
        kept, anew = (numbers_of(line)[:, 1] for line in view.moving(0))
        assert kept == pytest.approx(tiny.posterior())
        assert anew == pytest.approx(tiny.both_chains(n)[1])
        far = numbers_of(view.moving(1)[1])
        assert len(far) == n
        assert far[-1, 1] == pytest.approx(np.abs(anew - tiny.posterior()).sum() / 2)
        assert "to 12 digits" in text and f"off by {far[-1, 1]:.3f}" in text


def test_the_tiny_view_does_not_hide_a_chain_that_is_off():
    view = figures.tiny_view(lambda n: (np.array([0.2, 0.2, 0.6]),) * 2, tiny.posterior())
    assert re.search(r"kept: .* off by 9\.9e-02", view.at())


def first_draws(particles, step_size, chains, steps, seed, **more):
    rng = np.random.default_rng(seed)
    going = boat.learn(boat.particle_evidence, Y, particles, step_size, chains, rng, **more)
    return np.array([next(going) for _ in range(steps)])


@pytest.mark.parametrize("rule", [figures.KEPT, figures.ANEW])
def test_the_chain_view_draws_the_chains(rule, seed):
    view = figures.chain_view(boat.learn, boat.particle_evidence, boat.accept, Y, chains=3)
    text, cost = view.at(particles=8, steps=64, step_size=0.25, rule=rule, seed=seed)
    anew = rule == figures.ANEW
    draws = first_draws(8, 0.25, 3, 64, seed, anew=anew)
    assert [numbers_of(line)[:, 1].tolist() for line in view.moving(0)] == draws.T.tolist()
    late = draws[16:]
    assert f"a: mean {late.mean():.3f}, sd {late.std():.3f} (exact {EXACT.mean:.3f}" in text
    assert f"accepted {np.mean(np.diff(draws, axis=0) != 0):.1%}" in text
    assert cost.units == (1 + anew) * 8 * 3 * 64 * len(Y)
    more, _ = view.at(particles=8, steps=128, step_size=0.25, rule=rule, seed=seed)
    longer = np.array([numbers_of(line)[:, 1] for line in view.moving(0)]).T
    assert longer[:64].tolist() == draws.tolist()  # the same luck, followed further
    assert more != text and view.progress[-1] <= 1


def test_the_accept_step_is_the_learners():
    def never(a, log_z, new, log_z_new, rng):
        return a, log_z

    view = figures.chain_view(boat.learn, boat.particle_evidence, never, Y, chains=2)
    text, _ = view.at(particles=8, steps=64)
    assert text.startswith("accepted 0.0%; longest rest 63 steps")


def test_the_longest_rest_is_found():
    moved = np.array([[1, 0], [0, 0], [0, 1], [1, 0], [0, 0], [0, 1]], dtype=bool)
    assert figures.longest_rest(moved) == 2
    assert figures.longest_rest(np.zeros((5, 1), dtype=bool)) == 5


def test_the_budget_view_measures_what_it_says(seed):
    def exact(a, y, n, rng):
        return boat.kalman_evidence(a, y)

    view = figures.budget_view(boat.learn, boat.particle_evidence, exact, Y, 10.0, chains=4)
    text, cost = view.at(budget=2**15, seed=seed)
    sizes = 2 ** np.arange(3, 10)
    (middle,) = [line for line in view.moving(0) if line.get_marker() == "o"]
    theory = next(line for line in view.moving(0) if line.get_linestyle() == "--")
    n = 64
    steps = 2**15 // (n * len(Y))
    rng = np.random.default_rng((seed, n))
    going = boat.learn(boat.particle_evidence, Y, n, 0.25, 4, rng)
    late = np.array([next(going) for _ in range(steps)])[steps // 4 :].mean(axis=0)
    by_hand = EXACT.sd**2 / np.mean((late - EXACT.mean) ** 2)
    x, low, high = bands(view.fig.axes[0])[0]
    assert x.tolist() == sizes.tolist()
    assert low[3] <= numbers_of(middle)[3, 1] <= high[3]
    assert low[3] * 0.999 <= by_hand <= high[3] * 1.001
    expected = 0.75 * 2**15 / (n * len(Y)) * effective_draws_per_step(EXACT, 0.25, 10 / n)
    assert numbers_of(theory)[3, 1] == pytest.approx(expected)
    best = sizes[np.argmax(numbers_of(middle)[:, 1])]
    assert f"best of these: {best} particles" in text
    assert cost.units == 2**15 * 4 * 8 and len(view.progress) == len(sizes)
