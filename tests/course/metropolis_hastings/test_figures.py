"""Pictures of notebook 02: chains are the library's, beside what is known exactly."""

import math

import numpy as np
import pytest
from drawings import Drawing, Sheet, numbers_of
from scipy import stats
from views import line_of, no_event_loop_of_another_test, pixels, shown, sliders  # noqa: F401

from ttclib.course.metropolis_hastings import figures, markov
from ttclib.sampling import diagnostics, mcmc

P = np.array([[0.2, 0.6, 0.2], [0.3, 0.0, 0.7], [0.5, 0.0, 0.5]])
MEALS = ["rice", "noodles", "soup"]


@pytest.fixture
def drawings(monkeypatch):
    monkeypatch.setattr(figures, "BudgetView", Drawing)
    monkeypatch.setattr(figures, "Picture", Sheet)


@pytest.fixture
def luck(seed):
    """A luck that is not the 0 with which every view starts."""
    return seed + 1


def settled():
    """Stationary distribution of P, by solving π (P − 1) = 0 with the sum 1."""
    equations = np.vstack([(P - np.eye(3)).T, np.ones(3)])
    return np.linalg.lstsq(equations, [0, 0, 0, 1], rcond=None)[0]


# ---- finite chains -------------------------------------------------------------------------------


def test_mixing_picture_draws_the_days_from_every_start(drawings):
    sheet = figures.mixing_picture(P, MEALS, n=5)
    pi = settled()
    said = f"rice {pi[0]:.3f}, noodles {pi[1]:.3f}, soup {pi[2]:.3f}"
    assert sheet.text == f"from any first meal the distribution settles to {said}"
    *starts, distance = sheet.fig.axes
    for start, ax in enumerate(starts):
        days = np.array([np.linalg.matrix_power(P, k)[start] for k in range(6)])
        np.testing.assert_allclose([line.get_ydata() for line in ax.lines[::2]], days.T)
        exact = [(line.get_linestyle(), line.get_ydata()[0]) for line in ax.lines[1::2]]
        assert exact == [("--", pytest.approx(p)) for p in pi]
        gaps = 0.5 * np.abs(days - pi).sum(axis=1)
        np.testing.assert_allclose(distance.lines[start].get_ydata(), gaps, atol=1e-12)


def simulator(P):
    return lambda n, rng, chains: markov.simulate(P, 0, n, rng, chains)[1:]


def heights_of(view, ax):
    return [bar.get_height() for bar in view.fig.axes[ax].patches if bar not in view.still]


def test_visits_view_counts_the_visits_of_one_chain(drawings, luck):
    pi = settled()
    other = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    view = figures.visits_view({"mine": simulator(P), "ring": simulator(other)}, pi, MEALS, high=8)
    paths = [simulator(M)(256, np.random.default_rng(luck), 1)[:, 0] for M in (P, other)]
    for n in (8, 256):
        text, cost = view.at(luck, transitions=n)
        shares = [[np.bincount(p[:k], minlength=3) / k for k in (4, 8, n)] for p in paths]
        gaps = 0.5 * np.abs(np.array(shares) - pi).sum(axis=2)
        said = f"mine {gaps[0, -1]:.3f}, ring {gaps[1, -1]:.3f}"
        assert text == f"distance to the exact distribution: {said}" and cost.units == 2 * n
        np.testing.assert_allclose(heights_of(view, 0), np.concatenate([s[-1] for s in shares]))
        for line, gap in zip(view.moving(1), gaps, strict=True):
            assert line.get_xdata()[-1] == n  # a longer chain goes on where the shorter one was
            np.testing.assert_allclose(line.get_ydata()[[0, 1, -1]], gap)


def test_visits_view_shows_the_exact_shares_and_a_band_of_chains(drawings):
    pi = settled()
    view = figures.visits_view({"mine": simulator(P)}, pi, MEALS, high=6)
    exact = [bar.get_height() for bar in view.fig.axes[0].patches][:3]
    np.testing.assert_allclose(exact, pi)
    (middle,) = view.fixed(1)
    paths = simulator(P)(64, np.random.default_rng(7), 24).T
    gaps = [0.5 * np.abs(np.bincount(p[:16], minlength=3) / 16 - pi).sum() for p in paths]
    assert dict(numbers_of(middle))[16] == pytest.approx(np.median(gaps))


def test_long_run_picture_tells_the_distance_to_the_first(drawings):
    shares = {"target": np.array([0.5, 0.5]), "one": np.array([0.6, 0.4]), "two": np.array([1, 0])}
    sheet = figures.long_run_picture(shares, ["a", "b"])
    assert sheet.text == (
        "exact long-run distributions; distance to the target: one 0.100, two 0.500"
    )
    bars = sheet.fig.axes[0].patches
    assert [bar.get_height() for bar in bars] == [0.5, 0.5, 0.6, 0.4, 1, 0]
    centres = np.array([bar.get_x() + bar.get_width() / 2 for bar in bars]).reshape(3, 2)
    assert (np.diff(centres, axis=0) > 0.2).all() and np.round(centres).tolist() == [[0, 1]] * 3


# ---- random walks --------------------------------------------------------------------------------


def normal(x):
    return -0.5 * x * x


def test_the_exact_acceptance_is_an_integral(drawings):
    """Mean of min(1, p(y)/p(x)) over x ~ N(0, 1) and y = x + s z."""
    view = figures.step_size_view(length=5, chains=2)
    (exact,) = view.fixed(1)
    assert exact.get_linestyle() == "--"
    z = np.linspace(-7, 7, 1401)
    x = z[:, None]
    weights = stats.norm.pdf(x) * stats.norm.pdf(z) * 0.01**2
    for size, share in numbers_of(exact)[::40]:
        accepted = np.exp(np.minimum(normal(x + size * z) - normal(x), 0))
        assert share == pytest.approx((weights * accepted).sum(), abs=2e-3)


def test_step_size_view_tells_what_the_chains_are_worth(drawings, luck):
    view = figures.step_size_view(length=50, chains=8)
    text, cost = view.at(luck, step_size=0.59)
    worth = []
    for size in (0.07, 0.15, 0.3, 0.59):
        rng = np.random.default_rng(luck)
        chain = mcmc.run_chains(mcmc.random_walk(normal, size), rng.standard_normal(8), 50, rng)
        worth.append((size, diagnostics.ess(chain.positions, "mean")))
    exact = 2 / math.pi * math.atan(2 / 0.59)
    assert text == (
        f"accepted {chain.accepted.mean():.3f} (exact {exact:.3f}); 8 chains × 50 transitions "
        f"are worth {worth[-1][1]:,.0f} independent draws"
    )
    assert cost.units == chain.cost.units == 8 * 51
    (trace,), (accepted,), (ess,) = (view.moving(ax) for ax in range(3))
    np.testing.assert_array_equal(trace.get_ydata(), chain.positions[:, 0])
    assert numbers_of(accepted)[-1] == pytest.approx([0.59, chain.accepted.mean()])
    np.testing.assert_allclose(numbers_of(ess), [(s, w / (8 * 51)) for s, w in worth], rtol=1e-9)


def ring(x):
    return -((np.linalg.norm(x, axis=1) - 2.0) ** 2) / (2 * 0.35**2)


def test_replay_view_tells_one_step_after_the_other(drawings, luck):
    kernel = mcmc.random_walk(ring, 0.8)
    view = figures.replay_view(ring, kernel, start=(2.0, 0.0), n=20)
    rng = np.random.default_rng(luck)
    state = kernel.init(np.array([[2.0, 0.0]]))
    path = [state.position[0]]
    refused = []
    outcomes = set()
    for step in range(1, 21):
        before = path[-1]
        state, info = kernel.step(state, rng)
        path.append(state.position[0])
        verdict = "accepted"
        if not info.accepted[0]:
            verdict = "rejected: the chain stays, and the place counts again"
            refused.append(info.proposal[0])
        text, cost = view.at(luck, step=step)
        chance = math.exp(min(0, (ring(info.proposal) - ring(before[None]))[0]))
        said = f"step {step}: the proposal had probability {chance:.2f} of being accepted"
        assert text == f"{said}; {verdict}" and cost.units == step
        lines = [numbers_of(line) for line in view.moving(0)]
        np.testing.assert_array_equal(lines[0], path)
        np.testing.assert_array_equal(lines[1], path)
        if refused:
            np.testing.assert_array_equal(lines[2], refused)
        np.testing.assert_array_equal(lines[-2], path[-1:])
        np.testing.assert_array_equal(lines[-1], [before, info.proposal[0]])
        outcomes.add(verdict)
    assert len(outcomes) == 2


def test_replay_view_starts_at_the_start_and_shows_the_target(drawings):
    view = figures.replay_view(ring, mcmc.random_walk(ring, 0.8), start=(2.0, 0.0), n=6)
    text, cost = view.at(step=0)
    assert text == "the start" and cost.units == 0
    assert all((numbers_of(line) == (2, 0)).all() for line in view.moving(0))
    (image,) = view.fig.axes[0].images
    grid = np.linspace(-3.2, 3.2, 121)
    for row, column in ((60, 98), (10, 40), (100, 3)):
        exact = np.exp(ring(np.array([[grid[column], grid[row]]])))[0]
        assert image.get_array()[row, column] == pytest.approx(exact)


# ---- a banana ------------------------------------------------------------------------------------


class Slope:
    """x₂ ~ N(1, 1), and all other coordinates ~ N(0, 1)."""

    def __init__(self, dim):
        self.mean = np.eye(dim)[1]

    def log_density(self, x):
        return -0.5 * ((x - self.mean) ** 2).sum(axis=1)

    def start(self, chains, rng):
        return self.mean + rng.standard_normal((chains, len(self.mean)))


def samplers(target):
    return {
        "small": mcmc.random_walk(target.log_density, 0.5),
        "large": mcmc.random_walk(target.log_density, 1.5),
    }


@pytest.mark.parametrize("dim", [2, 20])
def test_banana_view_compares_at_equal_cost(drawings, luck, dim):
    view = figures.banana_view(Slope, samplers, {"small": 1, "large": 8}, high=10)
    text, cost = view.at(luck, evaluations=256, dimension=dim)
    assert cost.units == 2 * 16 * 256
    told = []
    for ax, (name, price) in enumerate({"small": 1, "large": 8}.items()):
        rng = np.random.default_rng(luck)
        start = Slope(dim).start(16, rng)
        chain = mcmc.run_chains(samplers(Slope(dim))[name], start, 1024 // price, rng)
        (path,) = view.moving(ax)
        n = 256 // price
        np.testing.assert_array_equal(numbers_of(path), chain.positions[: n + 1, 0, :2])
        gaps = [
            np.sqrt(np.mean((chain.positions[: k // price + 1, :, 1].mean(axis=0) - 1) ** 2))
            for k in (64, 128, 256)
        ]
        np.testing.assert_allclose(view.moving(2)[ax].get_ydata(), gaps)
        told.append(f"{name}: {n} transitions, error {gaps[-1]:.2f}")
    assert text == "; ".join(told)


def test_banana_view_draws_the_target(drawings):
    view = figures.banana_view(Slope, samplers, {"small": 1, "large": 1}, high=10)
    rings = view.fig.axes[0].collections[0].get_paths()
    for path, share in zip(rings, (0.02, 0.2, 0.7), strict=True):
        radius = np.linalg.norm(path.vertices - [0, 1], axis=1)
        np.testing.assert_allclose(radius, math.sqrt(-2 * math.log(share)), rtol=0.02)


# ---- two humps -----------------------------------------------------------------------------------


def two_humps(x):
    return np.logaddexp(-0.5 * (x - 4) ** 2, -0.5 * (x + 4) ** 2)


def density(x):
    return (stats.norm.pdf(x, 4) + stats.norm.pdf(x, -4)) / 2


@pytest.mark.parametrize("start", ["all on the right", "spread out"])
@pytest.mark.parametrize("size", [1.0, 8.0])
def test_fooled_view_judges_the_four_chains_it_draws(drawings, luck, start, size):
    view = figures.fooled_view(two_humps, density, gap=4.0)
    text, cost = view.at(luck, step_size=size, start=start)
    chains = np.array([line.get_ydata() for line in view.moving(0)])
    assert chains.shape == (4, 1001) and cost.units == 4 * 1001
    begins = [4, 4, 4, 4] if start == "all on the right" else [-4, -4 / 3, 4 / 3, 4]
    np.testing.assert_allclose(chains[:, 0], begins)
    draws = chains[:, 1:].T
    assert text == (
        f"R-hat {diagnostics.rhat(draws):.2f}, ESS {diagnostics.ess(draws):,.0f}; "
        f"{(chains > 0).mean():.0%} of the draws on the right (exact 50%)"
    )
    (shape,) = (p for p in view.fig.axes[1].patches if p not in view.still)
    heights, _ = np.histogram(chains, bins=80, range=(-8.5, 8.5), density=True)
    np.testing.assert_allclose(shape.get_xy()[1:160:2, 0], heights)


def test_what_notebook_02_says_of_its_chains(drawings):
    """R-hat calls four chains that all missed a hump fine; spread starts are told apart."""
    view = figures.fooled_view(two_humps, density, gap=4.0)
    fooled = 0
    for luck in range(20):
        text, _ = view.at(luck, step_size=1.0, start="all on the right")
        fooled += "100% of the draws on the right" in text and float(text[6:10]) <= 1.05
        text, _ = view.at(luck, step_size=1.0, start="spread out")
        assert float(text[6:10]) > 1.1
        text, _ = view.at(luck, step_size=8.0, start="spread out")
        assert float(text[6:10]) <= 1.05
    assert fooled >= 5


def test_fooled_view_shows_the_exact_density(drawings):
    view = figures.fooled_view(two_humps, density, gap=4.0)
    (exact,) = view.fixed(1)
    height, x = numbers_of(exact).T
    assert exact.get_linestyle() == "--"
    np.testing.assert_allclose(height, density(x))


# ---- as a learner sees them ----------------------------------------------------------------------


def test_views_redraw_when_a_slider_moves():
    view = figures.fooled_view(two_humps, density, gap=4.0)
    frames = [pixels(shown(view)[0])]
    for value in (8.0, 16.0):
        sliders(view)[0].value = value
        frames.append(pixels(shown(view)[0]))
    assert (frames[0] != frames[1]).any() and (frames[1] != frames[2]).any()
    assert not line_of(view)
