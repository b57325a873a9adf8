"""Pictures of notebook 02: chains are the library's, beside what is known exactly."""

import math

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of
from scipy import stats
from views import line_of, no_event_loop_of_another_test, pixels, shown, sliders  # noqa: F401

from ttclib.course.metropolis_hastings import figures, markov
from ttclib.sampling import mcmc

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
    (legend,) = sheet.fig.legends
    assert [text.get_text() for text in legend.get_texts()] == [*MEALS, "long run"]
    assert len({line.get_marker() for line in starts[0].lines[::2]}) == 3


def test_conditions_picture_draws_one_state_from_every_start(drawings):
    in_turn = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    sheet = figures.conditions_picture({"one": P, "two": in_turn}, MEALS, n=4)
    for ax, matrix in zip(sheet.fig.axes, (P, in_turn), strict=True):
        days = np.array([np.linalg.matrix_power(matrix, k)[:, 0] for k in range(5)])
        np.testing.assert_allclose([line.get_ydata() for line in ax.lines], days.T)
    day4 = ", ".join(f"{p:.2f}" for p in np.linalg.matrix_power(P, 4)[:, 0])
    assert sheet.text == (
        "probability of rice on day 4 after rice, noodles, soup on day 0: "
        f"one {day4}; two 0.00, 0.00, 1.00"
    )


def simulator(P):
    return lambda n, rng, chains: markov.simulate(P, 0, n, rng, chains)[1:]


def heights_of(view, ax):
    return [bar.get_height() for bar in view.fig.axes[ax].patches if bar not in view.still]


def test_visits_view_counts_the_visits_of_one_chain(drawings, luck):
    pi = settled()
    other = np.array([[0.2, 0.8, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    view = figures.visits_view({"mine": P, "ring": other}, pi, MEALS, "meal", high=8)
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


def test_visits_view_shows_what_is_exact_and_a_band_of_chains(drawings):
    pi = settled()
    wrong = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5]])
    view = figures.visits_view({"mine": P, "wrong": wrong}, pi, MEALS, "meal", high=6)
    exact = [bar.get_height() for bar in view.fig.axes[0].patches][:3]
    np.testing.assert_allclose(exact, pi)
    lines = {line.get_label(): line for line in view.fixed(1)}
    paths = simulator(P)(64, np.random.default_rng(7), 100).T
    gaps = [0.5 * np.abs(np.bincount(p[:16], minlength=3) / 16 - pi).sum() for p in paths]
    assert dict(numbers_of(lines["mine: their mean"]))[16] == pytest.approx(np.mean(gaps))
    counts, *sides = bands(view.fig.axes[1])[0]
    low, high = (dict(zip(counts, side, strict=True)) for side in sides)
    assert (low[16], high[16]) == pytest.approx(tuple(np.quantile(gaps, [0.05, 0.95])))
    constant = figures.typical_distance(P)
    (known,) = (line for label, line in lines.items() if label == f"exact: {constant:.2f}/√n")
    np.testing.assert_allclose(
        numbers_of(known), [(2**k, constant / 2 ** (k / 2)) for k in range(2, 7)]
    )
    limit = 0.5 * np.abs(1 / 3 - pi).sum()
    np.testing.assert_allclose(lines["wrong: exact limit"].get_ydata(), limit)
    assert view.fig.axes[0].get_xlabel() == "meal"


@pytest.mark.statistical
def test_the_typical_distance_is_that_of_independent_draws(seed):
    """A chain whose rows are equal draws independently: a multinomial, by brute force."""
    pi = np.array([0.5, 0.3, 0.2])
    n = 4000
    counts = np.random.default_rng(seed).multinomial(n, pi, size=40_000)
    gaps = 0.5 * np.abs(counts / n - pi).sum(axis=1) * math.sqrt(n)
    wanted = figures.typical_distance(np.tile(pi, (3, 1)))
    error = gaps.std() / math.sqrt(len(gaps))
    assert abs(gaps.mean() - wanted) < 5.5 * error + 0.003  # the normal limit is off by less


def test_long_run_picture_tells_the_distance_to_the_first(drawings):
    shares = {"target": np.array([0.5, 0.5]), "one": np.array([0.6, 0.4]), "two": np.array([1, 0])}
    sheet = figures.long_run_picture(shares, ["a", "b"], "village")
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


def walk(log_density, start, step_size, n, rng):
    """Random-walk Metropolis, in plain words: positions (n + 1,)."""
    x, path = start, [start]
    for _ in range(n):
        y = x + step_size * rng.standard_normal()
        x = y if math.log(rng.random()) < log_density(y) - log_density(x) else x
        path.append(x)
    return np.array(path)


@pytest.mark.parametrize("start", ["all at x₀ = 7", "drawn: normal, sd 3"])
def test_start_view_follows_four_chains_and_their_means(drawings, luck, start):
    view = figures.start_view(walk, high=6)
    text, cost = view.at(luck, transitions=32, start=start)
    assert cost.units == 4 * 32
    arrived, ends = [], []
    for i, rng in enumerate(np.random.default_rng(luck).spawn(4)):
        first = 7.0 if start.startswith("all") else 3 * rng.standard_normal()
        x = walk(normal, first, 1.0, 64, rng)[:33]
        np.testing.assert_array_equal(view.moving(0)[i].get_ydata(), x)
        np.testing.assert_allclose(
            view.moving(1)[2 * i].get_ydata(), np.cumsum(x[1:]) / np.arange(1, 33)
        )
        inside = np.flatnonzero(np.abs(x) < 1.96)
        arrived.append(str(inside[0]) if len(inside) else "not yet")
        ends.append(f"{x[1:].mean():.2f}")
    assert text == (
        f"first within ±1.96 after transition: {', '.join(arrived)}; "
        f"means of all draws: {', '.join(ends)} (exact 0)"
    )


def test_the_exact_acceptance_is_an_integral(drawings):
    """Mean of min(1, p(y)/p(x)) over x ~ N(0, 1) and y = x + s z."""
    view = figures.step_size_view(len, length=401, chains=2)
    exact = view.fixed(1)[0]
    assert exact.get_linestyle() == "--"
    z = np.linspace(-7, 7, 1401)
    x = z[:, None]
    weights = stats.norm.pdf(x) * stats.norm.pdf(z) * 0.01**2
    for size, share in numbers_of(exact)[::5]:
        accepted = np.exp(np.minimum(normal(x + size * z) - normal(x), 0))
        assert share == pytest.approx((weights * accepted).sum(), abs=2e-3)


@pytest.mark.statistical
@pytest.mark.parametrize("size", [0.59, 2.38, 19.04])
def test_the_exact_worth_is_that_of_the_means_of_chains(size, seed):
    """Variance of the means of many chains that start at home: τ / n."""
    n, chains = 1000, 4000
    rng = np.random.default_rng(seed)
    state = mcmc.random_walk(normal, size).init(rng.standard_normal(chains))
    kernel = mcmc.random_walk(normal, size)
    total = np.zeros(chains)
    for _ in range(n):
        state, _ = kernel.step(state, rng)
        total += state.position
    measured = 1 / ((total / n).var() * n)
    # a variance of 4,000 nearly normal numbers is off by 2.2% a standard error; τ/n adds its end
    assert measured == pytest.approx(figures.exact_worth(size), rel=0.16)


def test_step_size_view_tells_what_the_chains_are_worth(drawings, luck):
    worth_of = lambda x: 100 * abs(x[0])  # noqa: E731
    view = figures.step_size_view(worth_of, length=500, chains=8)
    text, cost = view.at(luck, step_size=0.59)
    worth = []
    for size in (0.07, 0.15, 0.3, 0.59):
        rng = np.random.default_rng(luck)
        chain = mcmc.run_chains(mcmc.random_walk(normal, size), rng.standard_normal(8), 500, rng)
        worth.append((size, np.mean([worth_of(x[1:]) for x in chain.positions.T]) / 500))
    exact = 2 / math.pi * math.atan(2 / 0.59)
    assert text == (
        f"accepted {chain.accepted.mean():.3f} (exact {exact:.3f}); 500 transitions of a chain "
        f"are worth {worth[-1][1] * 500:,.0f} independent draws "
        f"(exact {figures.exact_worth(0.59) * 500:,.0f})"
    )
    assert cost.units == chain.cost.units == 8 * 501
    (trace,) = view.moving(0)
    (accepted,) = view.moving(1)
    np.testing.assert_array_equal(trace.get_ydata(), chain.positions[:401, 0])
    assert numbers_of(accepted)[-1] == pytest.approx([0.59, chain.accepted.mean()])
    np.testing.assert_allclose(numbers_of(view.moving(2)[0]), worth, rtol=1e-9)


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
    for step in range(1, 17):
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
        kept = f"{step - len(refused)} of {step} proposals accepted so far"
        assert text == f"{said}; {verdict}; {kept}" and cost.units == step
        for line, coordinate in zip(view.moving(1), np.array(path).T, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), coordinate)
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
    view = figures.replay_view(ring, mcmc.random_walk(ring, 0.8), start=(2.0, 0.0), n=64)
    text, cost = view.at(step=0)
    assert text == "the start" and cost.units == 0
    assert all((numbers_of(line) == (2, 0)).all() for line in view.moving(0))
    (image,) = view.fig.axes[0].images
    grid = np.linspace(-3.2, 3.2, 121)
    for row, column in ((60, 98), (10, 40), (100, 3)):
        exact = np.exp(ring(np.array([[grid[column], grid[row]]])))[0]
        assert image.get_array()[row, column] == pytest.approx(exact)


# ---- a ball that rolls ---------------------------------------------------------------------------


def thrown(target, x, step, n, rng):
    """A path that moves right by step, gains energy by step a step, and is refused at random."""
    path = x + step * np.arange(n + 1)[:, None]
    return path, step * np.arange(n + 1), rng.random() < 0.5


def test_roll_view_tells_trajectory_after_trajectory(drawings, luck):
    view = figures.roll_view(Slope(2), thrown, [0.1, 0.2], n=5)
    rng = np.random.default_rng(luck)
    here = Slope(2).start(1, rng)
    chain, kept = [here[0]], 0
    for number in range(1, 9):
        path, errors, accepted = thrown(None, here, 0.2, 5, rng)
        text, cost = view.at(luck, point=5 * number, step=0.2)
        kept += accepted
        verb = "accepted" if accepted else "refused"
        assert text == (
            f"trajectory {number}, step 5 of 5: energy error +1, accepted with probability "
            f"{math.exp(-1):.2f}: {verb}; accepted so far: {kept} of {number} trajectories"
        )
        assert cost.units == 6 * number
        here = path[-1:] if accepted else here
        chain += [path[-1]] if accepted else []
        lines = [numbers_of(line) for line in view.moving(0)]
        assert any(np.array_equal(line, path) for line in lines)
        assert any(np.array_equal(line, chain) for line in lines)
        np.testing.assert_allclose(view.moving(1)[-1].get_ydata(), errors)
    text, cost = view.at(luck, point=2, step=0.2)
    assert text == (
        "trajectory 1, step 2 of 5: energy error +0.4; accepted so far: 0 of 0 trajectories"
    )
    assert view.at(luck, point=0)[0].startswith("trajectory 1, step 0 of 5: energy error +0;")


def test_roll_view_shows_a_ball_that_runs_off(drawings):
    def lost(target, x, step, n, rng):
        return np.full((n + 1, 2), np.nan), np.full(n + 1, np.nan), False

    view = figures.roll_view(Slope(2), lost, [0.1], n=5)
    text, _ = view.at(point=5)
    assert "energy error +1e+06, accepted with probability 0.00: refused" in text
    assert np.isfinite(view.moving(1)[-1].get_ydata()).all()


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
    assert cost.units == 2 * 32 * 256
    told = []
    for ax, (name, price) in enumerate({"small": 1, "large": 8}.items()):
        rng = np.random.default_rng(luck)
        start = Slope(dim).start(32, rng)
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
    return np.logaddexp(-0.5 * (x - 6) ** 2, -0.5 * (x + 6) ** 2)


def density(x):
    return (stats.norm.pdf(x, 6) + stats.norm.pdf(x, -6)) / 2


def after(*given):
    return walk(*given)[1:]


def spread_of_means(x):
    return np.ptp(x.mean(axis=0))


def fooled_view():
    return figures.fooled_view(two_humps, density, 6.0, after, spread_of_means)


@pytest.mark.parametrize("start", ["all on the right", "spread out"])
@pytest.mark.parametrize("size", [1.0, 12.0])
def test_fooled_view_judges_the_four_chains_it_draws(drawings, luck, start, size):
    view = fooled_view()
    text, cost = view.at(luck, step_size=size, start=start)
    starts = {"all on the right": [6, 6, 6, 6], "spread out": [-6, -2, 2, 6]}[start]
    streams = np.random.default_rng(luck).spawn(4)
    runs = [
        after(two_humps, float(x), size, 4000, rng) for x, rng in zip(starts, streams, strict=True)
    ]
    draws = np.array(runs).T
    for line, x in zip(view.moving(0), runs, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), x)
    moved = np.mean(np.diff(draws, axis=0) != 0)
    assert text == (
        f"accepted {moved:.0%}; R-hat {spread_of_means(draws):.2f}; "
        f"{np.mean(draws > 0):.0%} of the draws on the right (exact 50%)"
    )
    assert cost.units == 4 * 4001
    (bar,) = (patch for patch in view.fig.axes[2].patches if patch not in view.still)
    assert bar.get_height() == pytest.approx(moved)


def test_fooled_view_shows_the_exact_density(drawings):
    view = fooled_view()
    (exact,) = view.fixed(1)
    height, x = numbers_of(exact).T
    assert exact.get_linestyle() == "--"
    np.testing.assert_allclose(height, density(x))


# ---- as a learner sees them ----------------------------------------------------------------------


def test_views_redraw_when_a_slider_moves():
    view = fooled_view()
    frames = [pixels(shown(view)[0])]
    for value in (12.0, 16.0):
        sliders(view)[0].value = value
        frames.append(pixels(shown(view)[0]))
    assert (frames[0] != frames[1]).any() and (frames[1] != frames[2]).any()
    assert not line_of(view)
