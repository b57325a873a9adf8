"""Pictures of notebook 04: importance sampling, hidden weather, particle filters, evidence."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import sem

from ttclib.cost import Cost
from ttclib.course.particle_filtering import answers
from ttclib.course.particle_filtering.hmm import HiddenMarkov, forward
from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.nonlinear import grid_filter
from ttclib.course.particle_filtering.smoothing import bootstrap_variance
from ttclib.particles import resampling
from ttclib.particles.smc import Population, Selection, resample, run, when_ess_below
from ttclib.particles.statespace import Bootstrap, LinearGaussian, StateSpaceModel
from ttclib.show.population import draw_ess
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    Picture,
    boxes,
    figure,
    ink,
    truth,
)

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
    shares: Callable,
    worth: Callable[[np.ndarray], float] = answers.effective_sample_size,
    shifts=(0.25, 0.5, 1.0),
    dims: int = 24,
    draws: int = 2**14,
    lucks: int = 5,
) -> BudgetView:
    """Effective share of an importance sample against the dimension, one curve for each mean shift.

    ``shares(shift, dim, n, rng)`` → log weights (n,); ``worth(weights)`` → effective sample size.
    The exact limit is exp(−d μ²). A bar reaches over several lucks.
    """
    every = np.arange(1, dims + 1)
    fig, (ax, heavy) = figure(1, 2, size=(8.6, 3.7))
    ax.set(yscale="log", xlim=(0, dims + 1), ylim=(0.5 / draws, 60), xlabel="dimension d")
    ax.set(ylabel="effective sample size of weights / n", title="what is left of the sample")
    for color, shift, marker in zip(COLORS, shifts, "os^", strict=False):
        ax.plot(every, np.exp(-every * shift**2), "--", color=color, linewidth=1.1)
        ax.plot([], [], marker, color=color, markersize=4, label=f"μ = {shift:g}")
    ax.axhline(1 / draws, color=MUTED, linewidth=0.9)
    ax.text(0.4, 1.25 / draws, "one single point", color=ink(MUTED), fontsize=8.5)
    ax.plot([], [], "k--", linewidth=1.1, label="exact: n → ∞")
    ax.plot([], [], "k_-", linewidth=0.8, label=f"range of {lucks} lucks")
    ax.legend(loc="upper right", ncols=2)
    heavy.set(xscale="log", xlim=(1, draws), ylim=(0, 1.2), xlabel="points, heaviest first")
    heavy.set(ylabel="share of all weight", title="who holds the weight")
    styles = ("-", "-.", ":")
    for shift, color, style in zip(shifts, COLORS, styles, strict=False):
        heavy.plot([], [], style, color=color, label=f"μ = {shift:g}")
    heavy.legend(loc="upper left", ncols=3)

    def weights(shift, dim, luck):
        """Unnormalised, the heaviest is 1, (draws,)."""
        log_weights = shares(shift, dim, draws, np.random.default_rng(luck))
        return np.exp(log_weights - log_weights.max())

    @functools.cache
    def seen(shift, dim, seed):
        """What the sample is worth at each luck, (lucks,), and its weights, heaviest first."""
        first, *others = [weights(shift, dim, (seed + 1000 * r, dim)) for r in range(lucks)]
        worths = [float(worth(w)) for w in (first, *others)]
        return np.array(worths) / draws, np.sort(first / first.sum())[::-1]

    def draw(dimension, seed):
        ends = []
        for color, shift, marker, style in zip(COLORS, shifts, "os^", styles, strict=False):
            there = every[:dimension]
            lucky = np.array([seen(shift, d, seed)[0] for d in there])
            held = seen(shift, dimension, seed)[1].cumsum()
            ax.vlines(there, lucky.min(axis=1), lucky.max(axis=1), color=color, linewidth=0.8)
            ax.plot(there, lucky[:, 0], marker, color=color, markersize=4)
            heavy.plot(np.arange(1, draws + 1), held, style, color=color)
            ends.append(lucky[-1, 0])
        said = ", ".join(f"μ = {s:g}: {e * draws:,.1f}" for s, e in zip(shifts, ends, strict=True))
        top = seen(shifts[-1], dimension, seed)[1][0]
        text = f"of {draws:,} points, worth {said}; heaviest point at μ = {shifts[-1]:g}: {top:.0%}"
        return text, Cost(units=draws * len(shifts))

    dimension = options(every.tolist(), default=8, unit="points", label="dimension d")
    return BudgetView(fig, draw, dimension=dimension)


# ---- a state with two values ---------------------------------------------------------------------


def weather_picture(
    model: HiddenMarkov, diary: np.ndarray, step: Callable, states, symbols
) -> Picture:
    """A hidden Markov model as circles and arrows, and its filter beside the exact one.

    ``step(belief, transition, likelihood)`` → next belief (K,) and chance of the observation.
    """
    fig, (ax, track) = figure(1, 2, size=(8.8, 3.7), width_ratios=[1.1, 1])
    _draw_machine(ax, model, states, symbols)
    belief = model.initial * model.emission[:, diary[0]]
    belief /= belief.sum()
    beliefs = [belief]
    for symbol in diary[1:]:
        beliefs.append(
            np.asarray(step(beliefs[-1], model.transition, model.emission[:, symbol])[0])
        )
    wet = np.array(beliefs)[:, 1]
    exact = forward(model, diary).filtered[:, 1]
    track.plot(exact, "k--", linewidth=1.2, label="the library's forward algorithm")
    track.plot(wet, "o", color=GOOD, label="step by step on this page")
    for day, symbol in enumerate(diary):
        track.text(day, 1.04, symbols[symbol], ha="center", fontsize=8, color=ink(BAD))
    track.set(xlabel="day t", ylabel=f"chance of {states[1]}, given the diary so far")
    track.set(ylim=(0, 1.12), xlim=(-0.6, len(diary) - 0.4))
    track.legend(loc="lower right")
    said = ", ".join(f"{chance:.2f}" for chance in wet)
    return Picture(fig, f"chance of {states[1]} by day: {said}")


def _draw_machine(ax: Axes, model: HiddenMarkov, states, symbols) -> None:
    """Two states in circles, two symbols in boxes, and a number at every arrow."""
    ax.set(xlim=(-1.35, 3.35), ylim=(-1.75, 1.45))
    ax.axis("off")
    places = {0: (0.0, 0.5), 1: (2.0, 0.5)}
    look: dict = {"arrowstyle": "-|>", "color": ink(GOOD), "shrinkA": 21, "shrinkB": 21}
    text: dict = {"ha": "center", "va": "center", "fontsize": 9}
    for a, b, bend, height in ((0, 1, -0.25, 0.97), (1, 0, -0.25, 0.03)):
        curve = {"connectionstyle": f"arc3,rad={bend}"}
        ax.annotate("", places[b], places[a], arrowprops=look | curve)
        ax.text(1.0, height, f"{model.transition[a, b]:g}", color=ink(GOOD), **text)
    for k, side in ((0, -1), (1, 1)):
        x, y = places[k]
        edge = x + 0.3 * side
        ax.text(x, y, states[k], bbox={"boxstyle": "circle,pad=0.7", "fc": "white"}, **text)
        loop = {"connectionstyle": f"arc3,rad={-1.6 * side}", "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (edge, y - 0.22), (edge, y + 0.22), arrowprops=look | loop)
        ax.text(x + 0.98 * side, y, f"{model.transition[k, k]:g}", color=ink(GOOD), **text)
        ax.text(x, -1.35, symbols[k], bbox={"boxstyle": "square,pad=0.6", "fc": "#F3F3F3"}, **text)
    for k, m, along in ((0, 0, 0.5), (0, 1, 0.28), (1, 0, 0.28), (1, 1, 0.5)):
        (x, y), (end, low) = places[k], (2.0 * m, -1.35)
        arrow = look | {"color": ink(BAD), "linestyle": "--", "shrinkB": 16}
        ax.annotate("", (end, low), (x, y), arrowprops=arrow)
        beside = {"bbox": {"fc": "white", "ec": "none", "pad": 0.8}}
        at = (x + along * (end - x), y + along * (low - y))
        ax.text(*at, f"{model.emission[k, m]:g}", color=ink(BAD), **text, **beside)
    ax.set_title("solid: tomorrow; dashed: the diary")


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


def filter_view(
    model: LinearGaussian,
    observations: np.ndarray,
    states: np.ndarray,
    average: Callable[[np.ndarray, np.ndarray], float] = answers.weighted_mean,
) -> BudgetView:
    """A particle filter beside the Kalman filter: particles, ESS threshold, scheme.

    ``average(values, weights)`` → weighted mean of values (n,).
    """
    exact = kalman_filter(model, observations)
    times = np.arange(len(observations))
    fig, (track, ess) = figure(2, 1, size=(8.4, 5.0), sharex=True, height_ratios=[2.2, 1])

    def draw_belief(mean, sd, **look):
        track.fill_between(times, mean - 2 * sd, mean + 2 * sd, **look)

    exact_sd = np.sqrt(exact.filtered.cov)
    draw_belief(exact.filtered.mean, exact_sd, color=MUTED, alpha=0.35)
    for side in (-2, 2):
        track.plot(times, exact.filtered.mean + side * exact_sd, "k:", linewidth=0.8)
    track.plot(times, exact.filtered.mean, "k--", linewidth=1.2, label="Kalman: exact mean, ± 2 sd")
    track.plot(times, observations, "x", color=MUTED, markersize=4, label="observations")
    reach = np.abs(np.concatenate([states, observations])).max() * 1.35
    track.set(ylabel="state", ylim=(-reach, reach), xlim=(-0.5, len(times) - 0.5))
    ess.set(ylabel="ESS / n", ylim=(0, 1.45), xlabel="time t", yticks=[0, 0.25, 0.5, 0.75, 1])
    ess.plot([], [], "o", color=BAD, markersize=4, label="selected here")
    ess.plot([], [], ":", color=MUTED, label="threshold")
    ess.legend(loc="upper right", ncols=2)
    track.plot([], [], color=GOOD, label="particle filter: mean, ± 2 sd")
    track.legend(loc="upper right", ncols=3)

    def draw(particles, threshold, scheme, seed):
        select = when_ess_below(threshold, resample(scheme))
        history = _filtered(model, observations, particles, select, seed)
        mean = np.array([float(average(p.particles, p.weights)) for p in history])
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


def scheme_picture(
    model: LinearGaussian,
    observations,
    schemes: Mapping[str, resampling.Scheme] = resampling.SCHEMES,
    n: int = 64,
    runs: int = 80,
) -> Picture:
    """Errors of the log evidence under each scheme, as box plots of replicates."""
    exact = kalman_filter(model, observations).log_evidence[-1]
    good, bad = {}, {}
    for name, scheme in schemes.items():
        histories = (
            _filtered(model, observations, n, resample(scheme), (r, 4)) for r in range(runs)
        )
        errors = [history[-1].log_evidence - exact for history in histories]
        (bad if name == "winner takes all" else good)[name] = errors
    fig, (ax, villain) = figure(1, 2, size=(8.6, 3.4), width_ratios=[5, 1.3])
    boxes(ax, list(good.values()), [COLORS[4]] * len(good))
    boxes(villain, list(bad.values()), [BAD] * len(bad))
    ax.set_xticks(range(1, len(good) + 1), list(good))
    villain.set_xticks(range(1, len(bad) + 1), [name.replace(" ", "\n", 1) for name in bad])
    for axes in (ax, villain):
        truth(axes, 0.0)
    ax.set(ylabel="error of log evidence")
    ax.set_title(f"{runs} runs with {n} particles, selected at every step; dashed: no error")
    villain.set_title("the villain")
    sds = ", ".join(f"{name} {np.std(errors):.2f}" for name, errors in good.items())
    off = ", ".join(f"{name} is off by {np.mean(errors):.1f}" for name, errors in bad.items())
    return Picture(fig, f"standard deviation of the log evidence: {sds}; {off}")


def evidence_view(
    model: LinearGaussian,
    observations,
    log_evidence: Callable[[np.ndarray], float] = answers.log_evidence,
    own_filter: Callable | None = None,
    low: int = 4,
    high: int = 12,
    runs: int = 100,
) -> BudgetView:
    """Variance of the log evidence against its σ²/n line, and the spread of Ẑ/Z around one.

    ``log_evidence(log_weights)`` makes one number of the log weights (T, n) that a run gained;
    ``own_filter(y, n, rng)``, if there is one, runs in place of the loop of the library.
    """
    observations = np.asarray(observations)
    exact = kalman_filter(model, observations).log_evidence[-1]
    sigma2 = bootstrap_variance(model, observations)
    sizes = [2**k for k in range(low, high + 1)]

    def estimate(n, luck):
        if own_filter:
            return float(own_filter(observations, n, np.random.default_rng(luck)))
        history = _filtered(model, observations, n, resample("multinomial"), luck)
        carried = [0.0, *(p.log_evidence for p in history[:-1])]
        gained = [p.log_weights - c for p, c in zip(history, carried, strict=True)]
        return float(log_evidence(np.array(gained)))

    @functools.cache
    def log_ratios(n, seed):
        """Errors of the log evidence, (runs,), from the smallest to the largest."""
        return np.sort([estimate(n, (seed, r)) - exact for r in range(runs)])

    def spread(n, seed):
        """Variance of the errors, and its middle 90% when the runs are drawn again."""
        logs = log_ratios(n, seed)
        again = np.random.default_rng((seed, n)).choice(logs, (400, runs)).var(axis=1, ddof=1)
        return logs.var(ddof=1), *np.quantile(again, [0.05, 0.95])

    fig, (ax, ratio) = figure(1, 2, size=(8.6, 3.7))
    ax.set(xscale="log", yscale="log", xlim=(sizes[0] * 0.7, sizes[-1] * 1.5), xlabel="particles n")
    ax.set(ylabel="variance of log Ẑ", title=f"each dot: {runs} runs")
    ax.set_ylim(sigma2 / sizes[-1] / 3, sigma2 / sizes[0] * 12)
    theory = f"σ²/n, σ² = {sigma2:.1f} (exact, multinomial)"
    ax.plot(sizes, sigma2 / np.array(sizes), "k--", linewidth=1.2, label=theory)
    ax.plot([], [], "o-", color=GOOD, markersize=4, label="measured, with its middle 90%")
    ax.legend(loc="upper right")
    ratio.set(xlim=(0, 3), ylim=(0, 1.02), xlabel="Ẑ / Z", ylabel="share of runs below")
    ratio.set_title("unbiased, but skewed")
    ratio.plot([], [], color=GOOD, label=f"{runs} runs")
    ratio.plot([], [], "^-", color=BAD, label="their mean ± standard error")
    ratio.plot([], [], "k--", linewidth=1.2, label="exact mean")
    ratio.legend(loc="center right")
    truth(ratio, 1.0, vertical=True)

    def draw(particles, seed):
        seen = [n for n in sizes if n <= particles]
        found, low, high = np.transpose([spread(n, seed) for n in seen])
        ax.plot(seen, found, "o-", color=GOOD, markersize=4)
        ax.vlines(seen, low, high, color=GOOD, linewidth=1)
        logs = log_ratios(particles, seed)
        now = np.exp(logs)
        ratio.step(now, np.arange(1, runs + 1) / runs, color=GOOD, where="post")
        ratio.plot(now.mean() + sem(now) * np.array([-1, 1]), [0.04, 0.04], color=BAD)
        ratio.plot(now.mean(), 0.04, "^", color=BAD, markersize=8)
        text = (
            f"{runs} runs: mean of Ẑ/Z {now.mean():.2f} ± {sem(now):.2f} (exact 1), "
            f"{np.mean(logs < 0):.0%} of them below 1; "
            f"mean of log Ẑ/Z {logs.mean():+.2f} (theory {-sigma2 / 2 / particles:+.2f})"
        )
        return text, Cost(units=particles * runs * len(observations))

    particles = powers_of_two(low, high, unit=_UNIT, default=min(7, high))
    return BudgetView(fig, draw, particles=particles)


# ---- two answers at once -------------------------------------------------------------------------


def nonlinear_view(model: StateSpaceModel, observations, states, reach: float = 30.0) -> BudgetView:
    """A filter on a model with two answers, over the exact density from a fine grid."""
    grid = np.linspace(-reach, reach, 401)
    exact = grid_filter(model, observations, grid)
    mean = exact.density @ grid * (grid[1] - grid[0])
    times = np.arange(len(observations))
    fig, (cloud, cut) = figure(1, 2, size=(9.0, 4.0), width_ratios=[2, 1])
    shade = exact.density / exact.density.max(axis=1, keepdims=True)
    extent = (-0.5, len(times) - 0.5, -reach, reach)
    place = {"origin": "lower", "aspect": "auto", "extent": extent}
    cloud.imshow(shade.T, cmap="Greys", vmax=2.0, **place)
    cloud.plot(times, states, "kx", markersize=4, label="true state")
    cloud.plot([], [], ".", color=GOOD, label="60 particles")
    cloud.plot([], [], "s", color="#B0B0B0", label="exact density")
    cloud.legend(loc="upper left", ncols=3, columnspacing=0.8, handletextpad=0.3)
    cloud.set(xlabel="time t", ylabel="state", ylim=(-reach, 1.25 * reach))
    two = _torn(exact.density, grid)
    cloud.axvline(two, ymax=0.87, color=BAD, linewidth=1, linestyle=":")
    cut.plot(grid, exact.density[two], "k--", linewidth=1.2)
    cut.plot([], [], "k--", linewidth=1.2, label="exact")
    cut.fill_between([], [], color=GOOD, alpha=0.6, label="particles")
    cut.legend(loc="upper right")
    cut.set(xlim=(-reach, reach), ylim=(0, exact.density[two].max() * 2.2), xlabel="state")
    cut.set_title(f"density at the dotted time, t = {two}")
    positive = exact.density[two, grid > 0].sum() * (grid[1] - grid[0])
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
            f"at t = {two}: {p.mean(p.particles > 0):.0%} above zero (exact {positive:.0%}); "
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
