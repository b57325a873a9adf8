"""Pictures of notebook 04: importance sampling, particle filters, genealogies."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import sem

from ttclib.cost import Cost
from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.nonlinear import grid_filter
from ttclib.course.particle_filtering.smoothing import (
    backward_sampling,
    bootstrap_variance,
    kalman_smoother,
    trajectories,
)
from ttclib.particles import resampling
from ttclib.particles.genealogy import distinct_ancestors
from ttclib.particles.smc import Population, Selection, resample, run, when_ess_below
from ttclib.particles.statespace import Bootstrap, LinearGaussian, StateSpaceModel
from ttclib.particles.weights import effective_sample_size, normalise
from ttclib.show.population import draw_ess, draw_population, draw_schemes
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, Picture, band, end_labels, figure, truth

_UNIT = "particle steps"


def _filtered(
    model: StateSpaceModel, observations, n: int, select: Selection, seed
) -> list[Population]:
    """Every generation of a bootstrap filter, from its seed."""
    return run(Bootstrap(model, observations), n, select, np.random.default_rng(seed))


def _means(history: Sequence[Population]) -> np.ndarray:
    """Filtered means, (T,)."""
    return np.array([p.mean(p.particles) for p in history])


def _rms(gaps: np.ndarray) -> float:
    return float(np.sqrt(np.mean(gaps**2)))


# ---- importance sampling -------------------------------------------------------------------------


def collapse_view(
    shares: Callable, shifts=(0.25, 0.5, 1.0), dims: int = 24, draws: int = 2**14
) -> BudgetView:
    """Effective share of an importance sample against the dimension, one curve for each mean shift.

    ``shares(shift, dim, n, rng)`` → log weights (n,); the exact limit is exp(−d μ²).
    """
    every = np.arange(1, dims + 1)
    fig, (ax, heavy) = figure(1, 2, size=(8.6, 3.5))
    ax.set(yscale="log", xlim=(0, dims + 4), ylim=(0.5 / draws, 1.6), xlabel="dimension d")
    ax.set(ylabel="effective sample size / n", title="what is left of the sample")
    for color, shift in zip(COLORS, shifts, strict=False):
        ax.plot(every, np.exp(-every * shift**2), "--", color=color, linewidth=1.1)
    ax.axhline(1 / draws, color=MUTED, linewidth=0.9)
    ax.text(0.4, 1.2 / draws, "one single point", color=MUTED, fontsize=8.5)
    heavy.set(xscale="log", xlim=(1, draws), ylim=(0, 1.02), xlabel="points, heaviest first")
    heavy.set(ylabel="share of all weight", title="who holds the weight")

    @functools.cache
    def weights(shift, dim, seed):
        """Heaviest first, (draws,)."""
        log_weights = shares(shift, dim, draws, np.random.default_rng((seed, dim)))
        return np.sort(normalise(log_weights))[::-1]

    def draw(dimension, seed):
        seen = every[:dimension]
        ends = []
        for color, shift in zip(COLORS, shifts, strict=False):
            share = [effective_sample_size(weights(shift, d, seed), 1.0) / draws for d in seen]
            held = weights(shift, dimension, seed).cumsum()
            ax.plot(seen, share, "o", color=color, markersize=4)
            heavy.plot(np.arange(1, draws + 1), held, color=color)
            ends.append(share[-1])
        end_labels(ax, dimension + 0.3, ends, [f"μ = {s:g}" for s in shifts], COLORS)
        worth = ", ".join(f"μ = {s:g}: {e * draws:,.0f}" for s, e in zip(shifts, ends, strict=True))
        top = weights(shifts[-1], dimension, seed)[0]
        text = (
            f"of {draws:,} points, worth {worth}; heaviest point at μ = {shifts[-1]:g}: {top:.0%}"
        )
        return text, Cost(units=draws * len(shifts))

    dimension = options(every.tolist(), default=4, unit="points", label="dimension d")
    return BudgetView(fig, draw, dimension=dimension)


# ---- filters -------------------------------------------------------------------------------------


def death_picture(history: Sequence[Population]) -> Picture:
    """Sequential importance sampling: largest weight and effective sample size over time."""
    fig, (left, right) = figure(1, 2, size=(8.4, 3.0))
    left.plot([p.ess for p in history], color=BAD)
    truth(left, 1.0, "one particle")
    left.set(yscale="log", xlabel="time t", ylabel="effective sample size")
    left.set_title("without selection")
    left.legend()
    right.plot([p.weights.max() for p in history], color=BAD)
    right.set(xlabel="time t", ylabel="largest weight", ylim=(0, 1.05))
    right.set_title("one particle takes it all")
    last = history[-1]
    return Picture(
        fig,
        f"after {last.t + 1} steps {len(last):,} particles are worth {last.ess:.1f}; "
        f"the heaviest holds {last.weights.max():.0%} of the weight",
    )


def filter_view(model: LinearGaussian, observations: np.ndarray, states: np.ndarray) -> BudgetView:
    """A particle filter beside the Kalman filter: particles, ESS threshold, scheme."""
    exact = kalman_filter(model, observations)
    times = np.arange(len(observations))
    fig, (track, ess) = figure(2, 1, size=(8.4, 5.0), sharex=True, height_ratios=[2.2, 1])

    def draw_belief(mean, sd, **look):
        track.fill_between(times, mean - 2 * sd, mean + 2 * sd, **look)

    draw_belief(exact.filtered.mean, np.sqrt(exact.filtered.cov), color=MUTED, alpha=0.35)
    track.plot(times, exact.filtered.mean, "k--", linewidth=1.2, label="Kalman: exact mean, ± 2 sd")
    track.plot(times, observations, "x", color=MUTED, markersize=4, label="observations")
    reach = np.abs(np.concatenate([states, observations])).max() * 1.15
    track.set(ylabel="state", ylim=(-reach, reach), xlim=(-0.5, len(times) - 0.5))
    ess.set(ylabel="ESS / n", ylim=(0, 1.05), xlabel="time t")
    track.plot([], [], color=GOOD, label="particle filter: mean, ± 2 sd")
    track.legend(loc="upper right", ncols=3)

    def draw(particles, threshold, scheme, seed):
        select = when_ess_below(threshold, resample(scheme))
        history = _filtered(model, observations, particles, select, seed)
        mean = _means(history)
        gaps = [(p.particles - m) ** 2 for p, m in zip(history, mean, strict=True)]
        sd = np.sqrt([p.mean(gap) for p, gap in zip(history, gaps, strict=True)])
        draw_belief(mean, sd, color=GOOD, alpha=0.25, linewidth=0)
        track.plot(times, mean, color=GOOD)
        draw_ess(ess, history, threshold)
        last = history[-1]
        text = (
            f"RMS distance to the exact mean {_rms(mean - exact.filtered.mean):.3f}; "
            f"log evidence {last.log_evidence:.1f} (exact {exact.log_evidence[-1]:.1f}); "
            f"selected {sum(p.resampled for p in history)} times"
        )
        return text, last.cost

    return BudgetView(
        fig,
        draw,
        particles=powers_of_two(1, 13, unit=_UNIT, default=7),
        threshold=options((0.0, 0.1, 0.25, 0.5, 0.75, 1.0), default=0.5, label="ESS threshold"),
        scheme=choice(list(resampling.SCHEMES), default="systematic"),
    )


def scheme_picture(model: LinearGaussian, observations, n: int = 64, runs: int = 80) -> Picture:
    """Errors of the log evidence under each scheme, as box plots of replicates."""
    exact = kalman_filter(model, observations).log_evidence[-1]
    good, bad = {}, {}
    for name in resampling.SCHEMES:
        histories = (_filtered(model, observations, n, resample(name), (r, 4)) for r in range(runs))
        errors = [history[-1].log_evidence - exact for history in histories]
        (good if name in resampling.UNBIASED else bad)[name] = errors
    fig, (ax, villain) = figure(1, 2, size=(8.4, 3.2), width_ratios=[5, 1.3])
    draw_schemes(ax, good)
    draw_schemes(villain, bad)
    ax.set(ylabel="error of log evidence")
    ax.set_title(f"{runs} runs with {n} particles, selected at every step")
    villain.set_title("the villain")
    sds = ", ".join(f"{name} {np.std(errors):.2f}" for name, errors in good.items())
    off = ", ".join(f"{name} is off by {np.mean(errors):.1f}" for name, errors in bad.items())
    return Picture(fig, f"standard deviation of the log evidence: {sds}; {off}")


def evidence_view(
    model: LinearGaussian, observations, low: int = 4, high: int = 12, runs: int = 100
) -> BudgetView:
    """Variance of the log evidence against its σ²/n line, and the spread of Ẑ/Z around one."""
    exact = kalman_filter(model, observations).log_evidence[-1]
    sigma2 = bootstrap_variance(model, observations)
    sizes = [2**k for k in range(low, high + 1)]

    @functools.cache
    def log_ratios(n, seed):
        """Errors of the log evidence, (runs,), from the smallest to the largest."""
        select = resample("multinomial")
        histories = (_filtered(model, observations, n, select, (seed, r)) for r in range(runs))
        return np.sort([history[-1].log_evidence - exact for history in histories])

    fig, (ax, ratio) = figure(1, 2, size=(8.4, 3.5))
    ax.set(xscale="log", yscale="log", xlim=(sizes[0] * 0.7, sizes[-1] * 1.5), xlabel="particles n")
    ax.set(ylabel="variance of log Ẑ", title="the error falls like 1/n")
    ax.set_ylim(sigma2 / sizes[-1] / 3, sigma2 / sizes[0] * 4)
    theory = f"σ²/n with σ² = {sigma2:.1f} (exact)"
    ax.plot(sizes, sigma2 / np.array(sizes), "k--", linewidth=1.2, label=theory)
    ax.legend()
    ratio.set(xlim=(0, 3), ylim=(0, 1.02), xlabel="Ẑ / Z", ylabel="share of runs below")
    ratio.set_title("unbiased, but skewed")
    truth(ratio, 1.0, vertical=True)

    def draw(particles, seed):
        seen = [n for n in sizes if n <= particles]
        spread = [log_ratios(n, seed).var(ddof=1) for n in seen]
        ax.plot(seen, spread, "o-", color=GOOD, markersize=4)
        logs = log_ratios(particles, seed)
        now = np.exp(logs)
        ratio.step(now, np.arange(1, runs + 1) / runs, color=GOOD, where="post")
        ratio.plot(now.mean(), 0.03, "^", color=BAD, markersize=8)
        text = (
            f"mean of Ẑ/Z {now.mean():.2f} ± {sem(now):.2f} (exact 1); "
            f"mean of log Ẑ/Z {logs.mean():+.2f} (theory {-sigma2 / 2 / particles:+.2f})"
        )
        return text, Cost(units=particles * runs * len(observations))

    particles = powers_of_two(low, high, unit=_UNIT, default=min(7, high))
    return BudgetView(fig, draw, particles=particles)


# ---- genealogies ---------------------------------------------------------------------------------


def genealogy_view(model: LinearGaussian, observations, length: int = 25) -> BudgetView:
    """The family tree of the last generation, and how many ancestors it has at each time."""
    observations = np.asarray(observations)[:length]
    smoother = kalman_smoother(model, observations)
    fig, (tree, count) = figure(2, 1, size=(8.4, 5.2), sharex=True, height_ratios=[2, 1])
    reach = np.abs(smoother.mean).max() + 4.5
    tree.plot(smoother.mean, "k--", linewidth=1.2, label="Kalman smoother: exact mean")
    tree.plot([], [], color=GOOD, label="has descendants at the end")
    tree.plot([], [], color=MUTED, label="died out")
    tree.legend(loc="upper right", ncols=3)
    tree.set(ylabel="state", ylim=(-reach, reach), xlim=(-0.5, length - 0.5))
    count.set(yscale="log", ylim=(0.8, 2000), xlabel="time t", ylabel="ancestors alive")
    truth(count, 1.0)

    def draw(particles, scheme, threshold, seed):
        select = when_ess_below(threshold, resample(scheme))
        history = _filtered(model, observations, particles, select, seed)
        draw_population(tree, history, lambda p: p.particles, dots=particles <= 64)
        alive = distinct_ancestors(history)
        count.plot(alive, "o-", color=GOOD, markersize=3)
        last = history[-1]
        error = abs(last.mean(trajectories(history)[0]) - smoother.mean[0])
        text = (
            f"{particles:,} particles at the end descend from {alive[0]} at t = 0; "
            f"error of the smoothed first state {error:.2f}"
        )
        return text, last.cost

    particles = powers_of_two(2, 10, unit=_UNIT, default=5)
    scheme = choice(list(resampling.SCHEMES), default="multinomial")
    threshold = options((0.0, 0.25, 0.5, 1.0), default=1.0, label="ESS threshold")
    return BudgetView(fig, draw, particles=particles, scheme=scheme, threshold=threshold)


def smoothing_picture(model: LinearGaussian, observations, n: int = 100, runs: int = 20) -> Picture:
    """Errors of smoothed means from ancestral paths and from backward sampling."""
    exact = kalman_smoother(model, observations).mean
    traced, walked = [], []
    for r in range(runs):
        rng = np.random.default_rng((r, 9))
        history = run(Bootstrap(model, observations), n, resample("systematic"), rng)
        paths = backward_sampling(history, model.log_transition, n // 2, rng)
        traced.append(trajectories(history) @ history[-1].weights - exact)
        walked.append(paths.mean(axis=1) - exact)
    fig, ax = figure(size=(8.0, 3.2))
    times = np.arange(len(exact))
    band(ax, times, traced, color=BAD, label="ancestral paths")
    band(ax, times, walked, color=GOOD, label="backward sampling")
    truth(ax, 0.0, "exact (Kalman smoother)")
    ax.set(xlabel="time t", ylabel="error of the smoothed mean")
    ax.set_title(f"{runs} runs, {n} particles: median, middle 90%")
    ax.legend(ncols=3)
    first = [np.std(np.array(errors)[:, 0]) for errors in (traced, walked)]
    return Picture(
        fig, f"error at t = 0: ancestral paths {first[0]:.2f}, backward sampling {first[1]:.2f}"
    )


# ---- two answers at once -------------------------------------------------------------------------


def nonlinear_view(model: StateSpaceModel, observations, states, reach: float = 30.0) -> BudgetView:
    """A filter on a model with two answers, over the exact density from a fine grid."""
    grid = np.linspace(-reach, reach, 401)
    exact = grid_filter(model, observations, grid)
    mean = exact.density @ grid * (grid[1] - grid[0])
    times = np.arange(len(observations))
    fig, (cloud, cut) = figure(1, 2, size=(8.8, 3.8), width_ratios=[2, 1])
    shade = exact.density / exact.density.max(axis=1, keepdims=True)
    extent = (-0.5, len(times) - 0.5, -reach, reach)
    place = {"origin": "lower", "aspect": "auto", "extent": extent}
    cloud.imshow(shade.T, cmap="Greys", vmax=2.0, **place)
    cloud.plot(times, states, "kx", markersize=4, label="true state")
    cloud.legend(loc="upper right")
    cloud.set(xlabel="time t", ylabel="state", title="grey: exact density; blue: particles")
    two = _torn(exact.density, grid)
    cloud.axvline(two, color=BAD, linewidth=1, linestyle=":")
    cut.plot(grid, exact.density[two], "k--", linewidth=1.2)
    cut.set(xlim=(-reach, reach), ylim=(0, exact.density[two].max() * 2.2), xlabel="state")
    cut.set(ylabel="density", title=f"t = {two}, where both signs fit")
    bins = {"bins": 60, "range": (-reach, reach), "density": True}

    def draw(particles, seed):
        history = _filtered(model, observations, particles, resample("systematic"), seed)
        rng = np.random.default_rng((seed, 1))
        for p in history:
            shown = p.particles[rng.choice(len(p), min(60, len(p)), p=p.weights)]
            cloud.plot(np.full(len(shown), p.t), shown, ".", color=GOOD, markersize=2.5, alpha=0.5)
        p = history[two]
        look = {"histtype": "stepfilled", "color": GOOD, "alpha": 0.6}
        cut.hist(p.particles, weights=p.weights, **bins, **look)
        last = history[-1]
        text = (
            f"RMS distance to the exact mean {_rms(_means(history) - mean):.2f}; "
            f"log evidence {last.log_evidence:.1f} (exact {exact.log_evidence[-1]:.1f})"
        )
        return text, last.cost

    return BudgetView(fig, draw, particles=powers_of_two(2, 14, unit=_UNIT, default=6))


def _torn(density: np.ndarray, grid: np.ndarray) -> int:
    """The time at which both signs are most likely, well away from zero."""
    left = density[:, grid < -4].sum(axis=1)
    right = density[:, grid > 4].sum(axis=1)
    return int(np.argmax(left * right))
