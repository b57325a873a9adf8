"""Pictures of notebook 04: filters are the library's, beside Gaussians worked out as one matrix."""

import numpy as np
import pytest
from drawings import Drawing, Sheet, bands, numbers_of
from scipy import stats
from views import button, control, pixels, shown, sliders

from ttclib.course.particle_filtering import answers, figures, hmm, path_figures
from ttclib.course.particle_filtering.nonlinear import NonlinearBenchmark, grid_filter
from ttclib.course.particle_filtering.smoothing import backward_sampling, bootstrap_variance
from ttclib.particles import resampling
from ttclib.particles.smc import Population, resample, run, when_ess_below
from ttclib.particles.statespace import Bootstrap, LinearGaussian

MODEL = LinearGaussian()
STATES, Y = MODEL.simulate(30, np.random.default_rng(3))


@pytest.fixture
def drawings(monkeypatch):
    for module in (figures, path_figures):
        monkeypatch.setattr(module, "BudgetView", Drawing)
        monkeypatch.setattr(module, "Picture", Sheet)


def covariance(length):
    """Of the states: x₀ ~ N(0, 1) and x' = 0.9 x + N(0, 1)."""
    moves = np.linalg.inv(np.eye(length) - 0.9 * np.eye(length, k=-1))
    return moves @ moves.T


def smoothed(y):
    """Means of all states given all of y, from their joint normal distribution."""
    cov = covariance(len(y))
    return cov @ np.linalg.solve(cov + np.eye(len(y)), y)


def filtered(y):
    """Mean and standard deviation of each state given y up to its time."""
    means, sds = [], []
    for t in range(1, len(y) + 1):
        cov = covariance(t)
        gain = np.linalg.solve(cov + np.eye(t), cov[:, -1])
        means.append(gain @ y[:t])
        sds.append(np.sqrt(cov[-1, -1] - gain @ cov[:, -1]))
    return np.array(means), np.array(sds)


def log_evidence(y):
    cov = covariance(len(y)) + np.eye(len(y))
    return stats.multivariate_normal(np.zeros(len(y)), cov).logpdf(y)


def history_of(n, select, seed, y=Y, model=MODEL):
    return run(Bootstrap(model, y), n, select, np.random.default_rng(seed))


# ---- importance sampling -------------------------------------------------------------------------


def log_weights(shift, dim, n, rng):
    x = rng.standard_normal((n, dim))
    return (x * shift - shift**2 / 2).sum(axis=1)


def test_collapse_view_tells_what_a_sample_is_worth(drawings, seed):
    view = figures.collapse_view(log_weights, dims=8, draws=64, lucks=2)
    exact = view.fixed(0)[:6:2]
    for line, shift in zip(exact, (0.25, 0.5, 1.0), strict=True):
        assert line.get_linestyle() == "--"
        np.testing.assert_allclose(line.get_ydata(), np.exp(-np.arange(1, 9) * shift**2))
    text, cost = view.at(seed, dimension=3)
    worth = {}
    for shift in (0.25, 0.5, 1.0):
        for d in range(1, 4):
            w = np.exp(log_weights(shift, d, 64, np.random.default_rng((seed, d))))
            worth[shift, d] = w.sum() ** 2 / (w**2).sum()
    said = ", ".join(f"μ = {s:g}: {worth[s, 3]:,.1f}" for s in (0.25, 0.5, 1.0))
    share = f"heaviest point at μ = 1: {(w / w.sum()).max():.0%}"
    assert text == f"of 64 points, worth {said}; {share}" and cost.units == 192
    # fewer dimensions are a part of the picture of more
    for line, shift in zip(view.moving(0), (0.25, 0.5, 1.0), strict=True):
        expected = [(d, worth[shift, d] / 64) for d in range(1, 4)]
        np.testing.assert_allclose(numbers_of(line), expected)


def test_weather_picture_follows_the_step_it_is_given(drawings):
    model = hmm.HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.3, 0.7]])
    diary = np.array([0, 1, 1])
    given = (("dry", "wet"), ("walk", "read"))
    sheet = figures.weather_picture(model, diary, answers.forward_step, *given)
    exact, ours = sheet.fig.axes[1].lines
    np.testing.assert_allclose(ours.get_ydata(), exact.get_ydata())
    sheet = figures.weather_picture(model, diary, lambda f, A, g: (f, 1.0), *given)
    assert np.ptp(sheet.fig.axes[1].lines[1].get_ydata()) == 0


# ---- filters -------------------------------------------------------------------------------------


def test_death_picture_tells_what_is_left(drawings):
    history = [
        Population(0, np.zeros(4), np.log([1.0, 1.0, 1.0, 1.0]), np.arange(4)),
        Population(1, np.zeros(4), np.log([4.0, 2.0, 1.0, 1.0]), np.arange(4)),
    ]
    sheet = figures.death_picture(history)
    assert sheet.text == (
        "after 2 steps 4 particles are worth 2.9; the heaviest holds 50% of the weight"
    )
    worth, heaviest = sheet.fig.axes
    np.testing.assert_allclose(worth.lines[0].get_ydata(), [4, 64 / 22])
    assert worth.lines[1].get_ydata()[0] == 1 and worth.lines[1].get_linestyle() == "--"
    np.testing.assert_allclose(heaviest.lines[0].get_ydata(), [0.25, 0.5])


@pytest.mark.parametrize(
    ("particles", "threshold", "scheme"),
    [(64, 0.5, "systematic"), (64, 0.0, "systematic"), (64, 1.0, "winner takes all")],
)
def test_filter_view_stands_beside_the_exact_filter(drawings, seed, particles, threshold, scheme):
    view = figures.filter_view(MODEL, Y, STATES)
    mean, sd = filtered(Y)
    np.testing.assert_allclose(view.fixed(0)[2].get_ydata(), mean)
    (_, low, high), *_ = bands(view.fig.axes[0])
    np.testing.assert_allclose(np.array([low, high]), [mean - 2 * sd, mean + 2 * sd])
    np.testing.assert_array_equal(view.fixed(0)[3].get_ydata(), Y)

    text, cost = view.at(seed, particles=particles, threshold=threshold, scheme=scheme)
    history = history_of(particles, when_ess_below(threshold, resample(scheme)), seed)
    ours = np.array([p.weights @ p.particles for p in history])
    gaps = [(p.particles - m) ** 2 for p, m in zip(history, ours, strict=True)]
    spread = [np.sqrt(p.weights @ gap) for p, gap in zip(history, gaps, strict=True)]
    selections = sum(p.ess < particles * threshold or threshold == 1.0 for p in history[:-1])
    assert text == (
        f"RMS distance to the exact mean {np.sqrt(np.mean((ours - mean) ** 2)):.3f}; "
        f"log evidence {history[-1].log_evidence:.1f} (exact {log_evidence(Y):.1f}); "
        f"selected {selections} times"
    )
    assert cost.units == particles * len(Y)
    np.testing.assert_allclose(view.moving(0)[0].get_ydata(), ours)
    *_, (_, low, high) = bands(view.fig.axes[0])
    np.testing.assert_allclose(high - low, 4 * np.array(spread))
    worth, red, level = view.moving(1)
    np.testing.assert_allclose(worth.get_ydata(), [p.ess / particles for p in history])
    assert len(red.get_xdata()) == selections and level.get_ydata()[0] == threshold


def test_every_setting_of_a_filter_has_its_own_picture(seed):
    view = figures.filter_view(MODEL, Y, STATES)
    particles, threshold = sliders(view)
    scheme = control(view, "scheme")
    pictures = [pixels(shown(view)[0])]
    for slider, value in ((particles, 32), (threshold, 1.0), (scheme, "multinomial")):
        slider.value = value
        pictures.append(pixels(shown(view)[0]))
    button(view, "luck").click()
    pictures.append(pixels(shown(view)[0]))
    for i, picture in enumerate(pictures):
        assert not any((picture == other).all() for other in pictures[:i])


def test_scheme_picture_tells_the_noise_of_each_scheme(drawings):
    sheet = figures.scheme_picture(MODEL, Y, n=16, runs=6)
    errors = {}
    for name in resampling.SCHEMES:
        runs = [history_of(16, resample(name), (r, 4))[-1].log_evidence for r in range(6)]
        errors[name] = np.array(runs) - log_evidence(Y)
    villain = errors.pop("winner takes all")
    said = ", ".join(f"{name} {found.std():.2f}" for name, found in errors.items())
    assert sheet.text == (
        f"standard deviation of the log evidence: {said}; "
        f"winner takes all is off by {villain.mean():.1f}"
    )
    for ax, groups in zip(sheet.fig.axes, (list(errors.values()), [villain]), strict=True):
        heights = [line.get_ydata()[0] for line in ax.lines if len(line.get_ydata())]
        assert 0.0 in heights and len(ax.patches) == len(groups)
        for found in groups:
            assert np.isclose(heights, np.median(found)).any()
    names = [label.get_text() for label in sheet.fig.axes[0].get_xticklabels()]
    assert names == list(errors)


def test_evidence_view_tells_mean_and_variance(drawings, seed):
    y = Y[:10]
    view = figures.evidence_view(MODEL, y, low=2, high=5, runs=12)
    theory = view.fixed(0)[0]
    sigma2 = bootstrap_variance(MODEL, y)
    assert theory.get_linestyle() == "--"
    np.testing.assert_allclose(numbers_of(theory), [(n, sigma2 / n) for n in (4, 8, 16, 32)])
    assert view.fixed(1)[-1].get_xdata()[0] == 1
    for particles in (8, 32):
        text, cost = view.at(seed, particles=particles)
        errors = {}
        for n in (4, 8, 16, 32):
            runs = [history_of(n, resample("multinomial"), (seed, r), y) for r in range(12)]
            errors[n] = np.array([h[-1].log_evidence for h in runs]) - log_evidence(y)
        now = np.exp(errors[particles])
        error = now.std(ddof=1) / np.sqrt(12)
        assert text == (
            f"12 runs: mean of Ẑ/Z {now.mean():.2f} ± {error:.2f} (exact 1), "
            f"{np.mean(errors[particles] < 0):.0%} of them below 1; mean of log Ẑ/Z "
            f"{errors[particles].mean():+.2f} (theory {-sigma2 / 2 / particles:+.2f})"
        )
        assert cost.units == particles * 12 * 10
        (dots,) = view.moving(0)
        expected = [(n, found.var(ddof=1)) for n, found in errors.items() if n <= particles]
        np.testing.assert_allclose(numbers_of(dots), expected)
        steps, _, mark = view.moving(1)
        np.testing.assert_allclose(steps.get_xdata(), np.sort(now))
        assert steps.get_ydata()[-1] == 1 and mark.get_xdata()[0] == pytest.approx(now.mean())


# ---- genealogies ---------------------------------------------------------------------------------


def walked_back(history):
    """Ancestors of the last generation: a row for each generation."""
    rows = [np.arange(len(history[-1]))]
    for population in history[:0:-1]:
        rows.append(population.ancestors[rows[-1]])
    return rows[::-1]


@pytest.mark.parametrize(("particles", "scheme"), [(16, "multinomial"), (128, "systematic")])
def test_genealogy_view_counts_families(drawings, seed, particles, scheme):
    view = path_figures.genealogy_view(MODEL, Y, length=12, runs=3)
    exact = smoothed(Y[:12])
    np.testing.assert_allclose(view.fixed(0)[0].get_ydata(), exact)
    text, cost = view.at(seed, particles=particles, scheme=scheme, threshold=0.5)
    history = history_of(particles, when_ess_below(0.5, resample(scheme)), seed, Y[:12])
    rows = walked_back(history)
    first = history[-1].weights @ history[0].particles[rows[0]]
    shares = [history[-1].weights[rows[0] == i].sum() for i in range(particles)]
    assert text.startswith(
        f"at t = 0: {len(set(rows[0]))} families, worth {1 / np.square(shares).sum():.1f}; on "
    )
    assert text.endswith(f"error of the smoothed first state {abs(first - exact[0]):.2f}")
    assert cost.units == particles * 12
    alive, worth = view.moving(1)
    np.testing.assert_array_equal(alive.get_ydata(), [len(set(row)) for row in rows])
    assert (worth.get_ydata() <= alive.get_ydata() + 1e-9).all()


def test_replay_tells_the_run_event_by_event(drawings, seed):
    view = path_figures.replay_view(MODEL, Y, resampling.multinomial)
    history = history_of(6, resample("multinomial"), seed, Y[:3])
    x, w, parents = history[0].particles, history[0].weights, history[1].ancestors
    assert view.at(seed, event=2)[0] == f"initialise, particle 2 of 6: begins at {x[1]:.2f}"
    weighed = f"{abs(Y[0] - x[0]):.2f} from the measurement, weight {w[0]:.3f}"
    assert view.at(seed, event=7)[0] == f"weigh, particle 1 of 6: {weighed}"
    child = f"a child of particle {parents[2] + 1}, whose weight was {w[parents[2]]:.3f}"
    assert view.at(seed, event=15)[0] == f"resample, particle 3 of 6: {child}"
    text, cost = view.at(seed, event=48)
    assert text.startswith("weigh, particle 6 of 6") and cost.units == 18


def test_paths_view_averages_what_paths_say(drawings, seed):
    view = path_figures.paths_view(MODEL, Y, resampling.multinomial, answers.traced, runs=3)
    text, cost = view.at(seed, particles=16, t=4)
    history = history_of(16, resample("multinomial"), (seed,), Y[:5])
    rows = walked_back(history)
    paths = np.array([p.particles[row] for p, row in zip(history, rows, strict=True)])
    average = history[-1].weights @ np.abs(np.diff(paths, axis=0)).mean(axis=0)
    # neighbours given all measurements are jointly normal
    cov = covariance(5)
    posterior = cov - cov @ np.linalg.solve(cov + np.eye(5), cov)
    m = np.diff(smoothed(Y[:5]))
    sd = np.sqrt(
        [posterior[i, i] + posterior[i + 1, i + 1] - 2 * posterior[i, i + 1] for i in range(4)]
    )
    exact = stats.foldnorm.mean(np.abs(m) / sd, scale=sd).mean()
    assert text.startswith(f"mean move {average:.2f} (exact {exact:.2f}); 3 other runs are off by ")
    assert text.endswith(f"begin at {len(set(rows[0]))} of 16 places") and cost.units == 80


def test_smoothing_picture_tells_both_errors(drawings):
    y = Y[:10]
    sheet = path_figures.smoothing_picture(MODEL, y, n=12, runs=5)
    traced, walked = [], []
    for r in range(5):
        rng = np.random.default_rng((r, 9))
        history = run(Bootstrap(MODEL, y), 12, resample("systematic"), rng)
        rows = walked_back(history)
        paths = np.array([p.particles[row] for p, row in zip(history, rows, strict=True)])
        traced.append(paths @ history[-1].weights - smoothed(y))
        back = backward_sampling(history, MODEL.log_transition, 6, rng)
        walked.append(back.mean(axis=1) - smoothed(y))
    first = [np.std([errors[0] for errors in found]) for found in (traced, walked)]
    assert sheet.text == (
        f"error at t = 0: ancestral paths {first[0]:.2f}, backward sampling {first[1]:.2f}"
    )
    ax = sheet.fig.axes[0]
    for line, found in zip(ax.lines, (traced, walked), strict=False):
        np.testing.assert_allclose(line.get_ydata(), np.median(found, axis=0), atol=1e-12)
    assert ax.lines[2].get_ydata()[0] == 0 and ax.lines[2].get_linestyle() == "--"


# ---- two answers at once -------------------------------------------------------------------------


def test_nonlinear_view_stands_on_the_exact_density(drawings, seed):
    model = NonlinearBenchmark()
    states, y = model.simulate(8, np.random.default_rng(12))
    view = figures.nonlinear_view(model, y, states)
    grid = np.linspace(-30, 30, 401)
    exact = grid_filter(model, y, grid)
    mean = (exact.density * grid).sum(axis=1) * 0.15
    (image,) = view.fig.axes[0].images
    shade = exact.density.T / exact.density.max(axis=1)
    np.testing.assert_allclose(image.get_array(), shade, atol=1e-9)
    # the slice is where the rarer sign has the most to say
    signs = np.array([exact.density[:, grid < -4].sum(1), exact.density[:, grid > 4].sum(1)])
    two = int(signs.prod(axis=0).argmax())
    np.testing.assert_allclose(view.fixed(1)[0].get_ydata(), exact.density[two])
    for particles in (16, 256):
        text, cost = view.at(seed, particles=particles)
        history = history_of(particles, resample("systematic"), seed, y, model)
        ours = np.array([p.weights @ p.particles for p in history])
        positive = exact.density[two, grid > 0].sum() * 0.15
        p = history[two]
        assert text == (
            f"at t = {two}: {p.weights @ (p.particles > 0):.0%} above zero (exact {positive:.0%}); "
            f"RMS distance to the exact mean {np.sqrt(np.mean((ours - mean) ** 2)):.2f}; "
            f"log evidence {history[-1].log_evidence:.1f} (exact {exact.log_evidence[-1]:.1f})"
        )
        assert cost.units == particles * 8
        rng = np.random.default_rng((seed, 1))
        for dots, p in zip(view.moving(0), history, strict=True):
            some = rng.choice(particles, min(60, particles), p=p.weights)
            np.testing.assert_array_equal(dots.get_ydata(), p.particles[some])
            assert (dots.get_xdata() == p.t).all()
        (bars,) = [patch for patch in view.fig.axes[1].patches if patch not in view.still]
        corners = bars.get_xy()
        highest = corners[corners[:, 1].argmax(), 0]
        p = history[two]
        heights, edges = np.histogram(p.particles, 60, (-30, 30), weights=p.weights)
        assert abs(highest - edges[heights.argmax()]) <= 1.001


def test_the_dotted_time_is_where_both_signs_fit():
    grid = np.array([-9.0, -2.0, 2.0, 9.0])
    density = np.array([[0.1, 0.0, 0.0, 0.9], [0.2, 0.3, 0.3, 0.2], [0.0, 0.5, 0.5, 0.0]])
    assert figures._torn(density, grid) == 0  # 0.1 · 0.9 is more than 0.2 · 0.2
    density[1] = [0.35, 0.15, 0.15, 0.35]
    assert figures._torn(density, grid) == 1  # though there is less beyond 4 than at t = 0
