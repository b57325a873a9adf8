"""Pictures of notebook 04 about paths: one step replayed, families, paths with their weights."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from ttclib.cost import Cost
from ttclib.course.particle_filtering.kalman import kalman_filter
from ttclib.course.particle_filtering.smoothing import (
    backward_sampling,
    expected_moves,
    kalman_smoother,
    trajectories,
)
from ttclib.particles import resampling
from ttclib.particles.genealogy import lineages
from ttclib.particles.smc import Population, resample, run, when_ess_below
from ttclib.particles.statespace import Bootstrap, LinearGaussian
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, Picture, band, figure, truth

_UNIT = "particle steps"
_PALE = "#9CC9E6"  # of lines that carry next to nothing
_HEAVY = 0.01  # share of the weight from which a line is drawn in full colour


# ---- one step, particle by particle --------------------------------------------------------------


def _story(history: Sequence[Population]) -> list[tuple[str, int, int]]:
    """Tell a run as events (phase, time, particle): predict, weigh and resample, one at a time."""
    told = []
    for t, population in enumerate(history):
        phases = ["resample", "predict", "weigh"] if t else ["initialise", "weigh"]
        for phase in phases:
            told += [(phase, t, i) for i in range(len(population))]
    return told


def replay_view(
    model: LinearGaussian, observations, scheme: resampling.Scheme, n: int = 6, steps: int = 3
) -> BudgetView:
    """Replay a bootstrap filter particle by particle: initialise, predict, weigh, resample."""
    y = np.asarray(observations)[:steps]
    exact = kalman_filter(model, y).filtered
    fig, ax = figure(size=(8.4, 4.6))
    ax.set(xlim=(-0.35, steps - 0.35), ylim=(-3.4, 4.8), xlabel="time t", ylabel="state")
    ax.set_xticks(range(steps))
    ax.plot(range(steps), y, "x", color=BAD, markersize=9, markeredgewidth=2, label="measurement")
    ax.plot([], [], "o", color="white", markeredgecolor=GOOD, label="proposed, not yet weighed")
    ax.plot([], [], "o", color=GOOD, label="weighed: area is weight")
    ax.plot([], [], "s", color=COLORS[2], markersize=5, label="child, weight 1/n")
    ax.plot([], [], "k--", linewidth=1.2, label="exact mean, given the measurements so far")
    ax.plot([], [], "^", color=COLORS[3], markeredgecolor="black", label="weighted mean")
    ax.legend(loc="upper left", ncols=3)

    @functools.cache
    def record(seed):
        rng = np.random.default_rng(seed)
        return run(Bootstrap(model, y), n, resample(scheme), rng)

    def draw(event, seed):
        history = record(seed)
        told = _story(history)[:event]
        for t in range(steps):
            done = {
                name: [i for told_name, at, i in told if (told_name, at) == (name, t)]
                for name in ("initialise", "resample", "predict", "weigh")
            }
            if done["resample"]:
                _draw_children(ax, history, t, np.array(done["resample"]))
            if done["predict"]:
                _draw_moves(ax, history, t, np.array(done["predict"]))
            proposed = done["initialise"] + done["predict"]
            _draw_proposed(ax, history, t, proposed[len(done["weigh"]) :])
            _draw_weighed(ax, history, t, done["weigh"])
        for t, population in enumerate(history):
            if ("weigh", t, n - 1) in told:
                mean = population.mean(population.particles)
                ax.plot([t - 0.2, t + 0.2], [exact.mean[t]] * 2, "k--", linewidth=1.2)
                ax.plot(t, mean, "^", color=COLORS[3], markeredgecolor="black", zorder=5)
        phase, t, i = told[-1]
        return f"{phase}, particle {i + 1} of {n}: {_SAID[phase](history, t, i, y)}", Cost(
            units=sum(name in ("initialise", "predict") for name, _, _ in told)
        )

    events = 2 * n + 3 * n * (steps - 1)
    slider = options(range(1, events + 1), default=4 * n, unit=_UNIT, label="event")
    return BudgetView(fig, draw, event=slider)


def _children(history: Sequence[Population], t: int) -> np.ndarray:
    """Where the children of generation t − 1 stand before they move: places in time (n,)."""
    parents = history[t].ancestors
    elder = np.array([(parents[:i] == parent).sum() for i, parent in enumerate(parents)])
    return t - 0.62 + 0.06 * elder


def _draw_proposed(ax, history, t, seen):
    x = history[t].particles[seen]
    ax.scatter(np.full(len(x), t), x, s=36, facecolor="white", edgecolor=GOOD, zorder=3)


def _draw_moves(ax, history, t, seen):
    before = history[t - 1].particles[history[t].ancestors[seen]]
    for place, low, high in zip(
        _children(history, t)[seen], before, history[t].particles[seen], strict=True
    ):
        ax.plot([place, t], [low, high], "-", color=MUTED, linewidth=0.9, zorder=1)


def _draw_weighed(ax, history, t, seen):
    area = 3 + 60 * len(history[t]) * history[t].weights[seen]
    x = history[t].particles[seen]
    ax.scatter(np.full(len(x), t), x, s=area, color=GOOD, alpha=0.75, linewidths=0, zorder=4)


def _draw_children(ax, history, t, seen):
    x = history[t - 1].particles[history[t].ancestors[seen]]
    places = _children(history, t)[seen]
    for place, height in zip(places, x, strict=True):
        ax.plot([t - 1, place], [height] * 2, ":", color=GOOD, linewidth=1)
    ax.plot(places, x, "s", color=COLORS[2], markersize=5, zorder=4)


def _say_weighed(history, t, i, y):
    x = history[t].particles[i]
    return f"{abs(y[t] - x):.2f} from the measurement, weight {history[t].weights[i]:.3f}"


def _say_child(history, t, i, y):
    parent = history[t].ancestors[i]
    return (
        f"a child of particle {parent + 1}, whose weight was {history[t - 1].weights[parent]:.3f}"
    )


_SAID: dict[str, Callable] = {
    "initialise": lambda history, t, i, y: f"begins at {history[t].particles[i]:.2f}",
    "predict": lambda history, t, i, y: f"moves to {history[t].particles[i]:.2f}",
    "weigh": _say_weighed,
    "resample": _say_child,
}


# ---- paths ---------------------------------------------------------------------------------------


def descent(history: Sequence[Population]) -> list[np.ndarray]:
    """Share of the last generation's weight that descends from each member: (n,) a generation."""
    final = history[-1].weights
    return [
        np.bincount(row, weights=final, minlength=len(population))
        for row, population in zip(lineages(history), history, strict=True)
    ]


def families(history: Sequence[Population]) -> tuple[np.ndarray, np.ndarray]:
    """Count the members with descendants at each time, and what they are worth: (T,) and (T,).

    A family's weight is that of its last members; families are worth (Σw)²/Σw², as points are.
    """
    lines = lineages(history)
    counts = np.array([len(np.unique(row)) for row in lines])
    return counts, np.array([1 / np.square(shares).sum() for shares in descent(history)])


def _draw_lines(ax: Axes, history: Sequence[Population], *, dead: bool) -> None:
    """Draw the lines that lead to the last generation, as wide as the weight they carry."""
    shares = descent(history)
    lines, widths, lost = [], [], []
    for t, population in enumerate(history[1:], 1):
        before = history[t - 1].particles[population.ancestors]
        start = np.column_stack([np.full(len(before), t - 1.0), before])
        end = np.column_stack([np.full(len(before), float(t)), population.particles])
        segments = np.stack([start, end], axis=1)
        lives = shares[t] > 0
        lines.append(segments[lives])
        widths.append(shares[t][lives])
        lost.append(segments[~lives])
    if not lines:
        return
    drawn, carried = np.concatenate(lines), np.concatenate(widths)
    grey = np.concatenate(lost)
    if dead and len(grey):
        grey = grey[:: 1 + len(grey) // 4000]
        ax.add_collection(LineCollection(grey, colors=MUTED, linewidths=0.4, alpha=0.6))
    heavy = carried >= _HEAVY
    for chosen, color, order in ((~heavy, _PALE, 2), (heavy, GOOD, 3)):
        look = {"linewidths": 0.5 + 4 * carried[chosen], "capstyle": "round"}
        ax.add_collection(LineCollection(drawn[chosen], colors=color, zorder=order, **look))


def paths_view(
    model: LinearGaussian,
    observations,
    scheme: resampling.Scheme,
    traced: Callable,
    length: int = 25,
    runs: int = 20,
) -> BudgetView:
    """Whole paths with their weights, and the average of a function of the path.

    ``traced(ancestors, states)`` → paths (T, n) of the last members.
    """
    y = np.asarray(observations)[:length]
    fig, (ax, moves) = figure(1, 2, size=(8.8, 3.9), width_ratios=[2.1, 1])
    ax.set(xlim=(-0.5, length - 0.5), ylim=(-6.5, 8.5), xlabel="time t", ylabel="state")
    ax.plot([], [], color=GOOD, linewidth=3, label="paths: width is weight")
    ax.plot([], [], color=_PALE, label="less than 1% of it")
    ax.plot([], [], "k--", linewidth=1.2, label="exact mean of the path")
    ax.fill_between([], [], color=MUTED, alpha=0.3, label="± 2 sd")
    ax.legend(loc="upper left", ncols=2)
    moves.set(xlim=(0, 3), ylim=(0, 1.02), xlabel="mean length of a move")
    moves.set(ylabel="share of weight below")
    moves.plot([], [], color=GOOD, label="paths")
    moves.plot([], [], "k--", linewidth=1.2, label="exact average")
    moves.plot([], [], "^", color=BAD, label="weighted average")
    moves.legend(loc="center right")

    def found(particles, t, luck):
        """Every generation of one run, and the mean move on each path, (n,)."""
        history = run(
            Bootstrap(model, y[: t + 1]), particles, resample(scheme), np.random.default_rng(luck)
        )
        states = np.array([p.particles for p in history])
        paths = np.asarray(traced(np.array([p.ancestors for p in history]), states))
        return history, np.abs(np.diff(paths, axis=0)).mean(axis=0)

    def draw(particles, t, seed):
        history, length_of_move = found(particles, t, (seed,))
        weights = history[-1].weights
        smoother = kalman_smoother(model, y[: t + 1])
        reach = 2 * np.sqrt(smoother.cov)
        times = np.arange(t + 1)
        ax.fill_between(
            times, smoother.mean - reach, smoother.mean + reach, color=MUTED, alpha=0.3, linewidth=0
        )
        _draw_lines(ax, history, dead=False)
        ax.plot(times, smoother.mean, "k--", linewidth=1.4, zorder=4)
        order = length_of_move.argsort(kind="stable")
        moves.step(length_of_move[order], weights[order].cumsum(), color=GOOD, where="post")
        exact = expected_moves(model, y[: t + 1]).mean()
        truth(moves, exact, vertical=True)
        average = weights @ length_of_move
        moves.plot(average, 0.03, "^", color=BAD, markersize=8, zorder=5)
        others = [found(particles, t, (seed, r)) for r in range(runs)]
        off = [history[-1].weights @ values - exact for history, values in others]
        text = (
            f"mean move {average:.2f} (exact {exact:.2f}); {runs} other runs are off by "
            f"{np.sqrt(np.mean(np.square(off))):.2f}; at t = 0 the paths begin at "
            f"{families(history)[0][0]} of {particles} places"
        )
        return text, history[-1].cost

    particles = powers_of_two(2, 10, unit=_UNIT, default=6)
    until = options((1, 2, 4, 8, 12, 16, 24), default=12, label="measurements up to t")
    return BudgetView(fig, draw, particles=particles, t=until)


def genealogy_view(
    model: LinearGaussian,
    observations,
    schemes: Mapping[str, resampling.Scheme] = resampling.SCHEMES,
    length: int = 25,
    runs: int = 20,
) -> BudgetView:
    """The family tree of the last generation, and how many families there are at each time."""
    observations = np.asarray(observations)[:length]
    smoother = kalman_smoother(model, observations)
    times = np.arange(length)
    fig, (tree, count) = figure(2, 1, size=(8.4, 5.6), sharex=True, height_ratios=[1.7, 1])
    reach = np.abs(smoother.mean).max() + 5.5
    tree.plot(smoother.mean, "k--", linewidth=1.2, zorder=4, label="exact mean (Kalman smoother)")
    tree.plot([], [], color=GOOD, linewidth=3, label="alive: width is weight")
    tree.plot([], [], color=_PALE, label="alive, under 1% of the weight")
    tree.plot([], [], color=MUTED, linewidth=0.6, label="died out")
    tree.legend(loc="upper right", ncols=2)
    tree.set(ylabel="state", ylim=(-reach, reach), xlim=(-0.5, length - 0.5))
    count.set(yscale="log", ylim=(0.8, 3000), xlabel="time t", ylabel="families")
    truth(count, 1.0)
    count.plot([], [], "o-", color=GOOD, markersize=4, label="counted")
    count.plot([], [], "s:", color=BAD, markersize=4, label="worth (Σw)²/Σw²")
    count.fill_between([], [], color=GOOD, alpha=0.2, label=f"counted in {runs} runs: middle 90%")
    count.legend(loc="upper left", ncols=3)

    def history_of(particles, scheme, threshold, luck):
        select = when_ess_below(threshold, resample(schemes[scheme]))
        rng = np.random.default_rng(luck)
        return run(Bootstrap(model, observations), particles, select, rng)

    def others(particles, scheme, threshold, seed):
        """Families counted, and what they are worth, in other runs: (runs, T) twice."""
        lucks = [(seed, r) for r in range(runs)]
        found = [families(history_of(particles, scheme, threshold, luck)) for luck in lucks]
        return np.array(found).transpose(1, 0, 2)

    def draw(particles, scheme, threshold, seed):
        setting = (particles, scheme, threshold)
        history = history_of(*setting, seed)
        _draw_lines(tree, history, dead=True)
        last = history[-1]
        if particles <= 64:
            shares = descent(history)
            for lives, fill, order in ((False, MUTED, 2), (True, GOOD, 3)):
                for t, population in enumerate(history):
                    chosen = (shares[t] >= _HEAVY) == lives
                    size = np.minimum(12 * particles * population.weights[chosen], 120)
                    x = population.particles[chosen]
                    place = np.full(len(x), t)
                    tree.scatter(place, x, s=size, color=fill, linewidths=0, zorder=order)
        counts, worth = families(history)
        counted, worths = others(*setting, seed)
        low, high = np.quantile(counted, [0.05, 0.95], axis=0)
        count.fill_between(times, low, high, color=GOOD, alpha=0.2, linewidth=0)
        count.plot(counts, "o-", color=GOOD, markersize=4)
        count.plot(worth, "s:", color=BAD, markersize=4)
        error = abs(last.mean(trajectories(history)[0]) - smoother.mean[0])
        text = (
            f"at t = 0: {counts[0]} families, worth {worth[0]:.1f}; on average of {runs} other "
            f"runs {counted[:, 0].mean():.1f}, worth {worths[:, 0].mean():.2f}; "
            f"error of the smoothed first state {error:.2f}"
        )
        return text, last.cost

    particles = powers_of_two(2, 10, unit=_UNIT, default=5)
    scheme = choice(list(schemes), default="multinomial")
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
    ax.lines[-1].set(marker="s", markersize=4, markevery=4)
    band(ax, times, walked, color=GOOD, label="backward sampling")
    ax.lines[-1].set(marker="o", markersize=4, markevery=4)
    truth(ax, 0.0, "exact (Kalman smoother)")
    low, high = ax.get_ylim()
    ax.set(xlabel="time t", ylabel="error of the smoothed mean", ylim=(low, high + 0.25))
    ax.set_title(f"{runs} runs, {n} particles: median, middle 90%")
    ax.legend(ncols=3)
    first = [np.std(np.array(errors)[:, 0]) for errors in (traced, walked)]
    return Picture(
        fig, f"error at t = 0: ancestral paths {first[0]:.2f}, backward sampling {first[1]:.2f}"
    )
