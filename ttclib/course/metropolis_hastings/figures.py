"""Pictures of notebook 02: finite chains, random walks, and how to judge them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ttclib.cost import Cost
from ttclib.course.metropolis_hastings import markov
from ttclib.course.metropolis_hastings.events import events
from ttclib.sampling import mcmc
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, Picture, figure, ink, truth

LOOKS: tuple[dict[str, Any], ...] = tuple(
    {"color": color, "linestyle": dashes, "marker": mark, "markersize": 4}
    for color, dashes, mark in zip(COLORS, ("-", "--", "-.", ":"), "os^D", strict=False)
)


def mixing_picture(P: np.ndarray, names: Sequence[str], n: int = 12) -> Picture:
    """The distribution of tomorrow, the day after, … from each start: exact, by matrix powers."""
    fig, (*starts, distance) = figure(1, len(names) + 1, size=(9.6, 2.9), sharey=False)
    pi = markov.stationary(P)
    days = _days(P, n)
    for start, ax in enumerate(starts):
        for share, exact, look in zip(days[:, start].T, pi, LOOKS, strict=False):
            ax.plot(share, **look)
            truth(ax, exact)
        ax.set(xlim=(-0.4, n + 0.4), ylim=(-0.02, 1.02), xlabel="day")
        ax.set_title(f"day 0: {names[start]}")
        curve = markov.mixing_curve(P, start, n)
        distance.plot(curve, label=f"from {names[start]}", **LOOKS[start])
    starts[0].set_ylabel("probability")
    distance.set(yscale="log", xlabel="day", title="distance to the long run")
    lines = starts[0].get_lines()
    handles = [*lines[: 2 * len(names) : 2], lines[1]]
    fig.legend(handles, [*names, "long run"], loc="outside lower left", ncols=len(names) + 1)
    distance.legend()
    settled = ", ".join(f"{name} {p:.3f}" for name, p in zip(names, pi, strict=True))
    return Picture(fig, f"from any first meal the distribution settles to {settled}")


def conditions_picture(
    chains: Mapping[str, np.ndarray], names: Sequence[str], n: int = 12
) -> Picture:
    """The probability of the first state by day, from every start: does the start get forgotten?"""
    fig, axes = figure(1, len(chains), size=(9.6, 2.9), sharey=True)
    told = []
    for ax, (title, P) in zip(axes, chains.items(), strict=True):
        days = _days(P, n)[:, :, 0]
        for start, look in zip(range(len(names)), LOOKS, strict=False):
            ax.plot(days[:, start], label=f"from {names[start]}", **look)
        last = ", ".join(f"{share:.2f}" for share in days[-1])
        told.append(f"{title} {last}")
        ax.set(xlim=(-0.4, n + 0.4), ylim=(-0.03, 1.03), xlabel="day", title=title)
    axes[0].set_ylabel(f"probability of {names[0]}")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    starts = ", ".join(names)
    text = f"probability of {names[0]} on day {n} after {starts} on day 0: {'; '.join(told)}"
    return Picture(fig, text)


def _days(P: np.ndarray, n: int) -> np.ndarray:
    """The distribution (n + 1, K, K) by day, start and state."""
    return np.array([np.linalg.matrix_power(P, day) for day in range(n + 1)])


def visits_view(
    chains: Mapping[str, np.ndarray],
    exact: np.ndarray,
    names: Sequence[str],
    axis: str,
    high: int = 14,
) -> BudgetView:
    """Shares of visits of one chain beside those it should reach, and the distance between them.

    ``chains[name]`` is a transition matrix; one or two of them, which start in state 0. ``exact``
    and ``names`` belong to the states, which ``axis`` calls by a common name. The longest run is
    2^high transitions. What the distance tends to is drawn as it is known: `typical_distance`.
    """
    budgets = [2**k for k in range(2, high + 1)]
    looks = dict(zip(chains, ((GOOD, "o", ""), (BAD, "s", "//")), strict=False))

    @functools.cache
    def shares(name, seed, runs):
        """Share of visits (budgets, runs, K) after each budget."""
        rng = np.random.default_rng(seed)
        path = markov.simulate(chains[name], 0, budgets[-1], rng, runs)[1:]
        counts = [
            [np.bincount(visits[:n], minlength=len(exact)) for visits in path.T] for n in budgets
        ]
        return np.array(counts) / np.array(budgets)[:, None, None]

    def distance(share):
        return 0.5 * np.abs(share - exact).sum(axis=-1)

    fig, (bars, error) = figure(1, 2, size=(9.4, 4.0))
    width = 0.8 / (len(chains) + 1)
    left = np.arange(len(exact)) - 0.4 + width / 2
    bars.bar(left, exact, width, color="black", alpha=0.75, label="exact")
    bars.set_xticks(range(len(exact)), names)
    bars.set(xlim=(-0.6, len(exact) - 0.4), ylim=(0, min(1.05, 1.9 * exact.max())), xlabel=axis)
    bars.set(ylabel="share of visits", title="where the chain has been")
    error.set(xscale="log", xlim=(budgets[0] * 0.8, budgets[-1] * 1.4), xlabel="transitions")
    error.set(yscale="log", ylim=(4e-4, 1.3), ylabel="total variation distance")
    error.set_title("how far the shares are off")
    for name, (color, mark, hatch) in looks.items():
        gaps = distance(shares(name, 7, 100))
        low, high_ = np.quantile(gaps, [0.05, 0.95], axis=1)
        shade = {"color": color, "alpha": 0.2, "linewidth": 0}
        error.fill_between(budgets, low, high_, label=f"{name}: middle 90% of 100", **shade)
        error.plot(budgets, gaps.mean(axis=1), color=color, label=f"{name}: their mean")
        bars.bar(0, 0, color=color, hatch=hatch, edgecolor="white", label=name)
        biased = distance(markov.stationary(chains[name]))
        if biased > 1e-9:
            error.axhline(biased, color="black", linestyle=":", label=f"{name}: exact limit")
        else:
            constant = typical_distance(chains[name])
            line = constant / np.sqrt(budgets)
            error.plot(budgets, line, "k--", linewidth=1.2, label=f"exact: {constant:.2f}/√n")
        error.plot([], [], f"{mark}-", color=color, linewidth=0.8, label=f"{name}: one chain")
    bars.legend(loc="upper right", ncols=len(chains) + 1)
    lines = error.get_legend_handles_labels()
    fig.legend(*lines, loc="outside lower center", ncols=4)

    def draw(transitions, seed):
        seen = [n for n in budgets if n <= transitions]
        told = []
        for i, (name, (color, mark, hatch)) in enumerate(looks.items(), 1):
            share = shares(name, seed, 1)[: len(seen), 0]
            gaps = distance(share)
            place = left + width * i
            bars.bar(place, share[-1], width, color=color, hatch=hatch, edgecolor="white")
            error.plot(seen, gaps, f"{mark}-", color=color, markersize=4, linewidth=0.8)
            told.append(f"{name} {gaps[-1]:.3f}")
        text = f"distance to the exact distribution: {', '.join(told)}"
        return text, Cost(units=transitions * len(chains))

    transitions = powers_of_two(2, high, unit="transitions", default=min(9, high))
    return BudgetView(fig, draw, transitions=transitions)


def typical_distance(P: np.ndarray) -> float:
    """Mean total variation distance of n visits from the long run, times √n, as n grows.

    The share of state i is normal in the limit, with variance π_i (1 − π_i) τ_i / n, and the mean
    of |N(0, v)| is √(2v/π).
    """
    pi = markov.stationary(P)
    times = [markov.autocorrelation_time(P, state) for state in np.eye(len(pi))]
    return float(0.5 * np.sqrt(2 / math.pi * pi * (1 - pi) * times).sum())


def long_run_picture(shares: Mapping[str, np.ndarray], names: Sequence[str], axis: str) -> Picture:
    """Up to three distributions on the same states, side by side; the first is the truth."""
    fig, ax = figure(size=(8.0, 3.0))
    where = np.arange(len(names))
    width = 0.8 / len(shares)
    first = next(iter(shares.values()))
    gaps = []
    looks = (("black", ""), (GOOD, ""), (BAD, "//"))
    for i, ((name, share), (color, hatch)) in enumerate(zip(shares.items(), looks, strict=False)):
        look = {"color": color, "hatch": hatch, "edgecolor": "white", "label": name}
        ax.bar(where - 0.4 + width * (i + 0.5), share, width, **look)
        gaps.append(f"{name} {0.5 * np.abs(share - first).sum():.3f}")
    ax.set_xticks(where, names)
    ax.set(xlabel=axis, ylabel="long-run share of visits")
    ax.legend(ncols=len(shares))
    told = ", ".join(gaps[1:])
    return Picture(fig, f"exact long-run distributions; distance to the target: {told}")


def start_view(sampler: Callable, far: float = 7.0, high: int = 10) -> BudgetView:
    """Chains on N(0, 1) from far away, or from drawn starts: traces, and the mean of their draws.

    ``sampler(log_density, start, step_size, n, rng)`` → positions (n + 1,); steps of size 1.
    """
    length = 2**high
    when = np.arange(1, length + 1)
    starts = {
        f"all at x₀ = {far:g}": lambda rng: far,
        "drawn: normal, sd 3": lambda rng: 3 * rng.standard_normal(),
    }

    @functools.cache
    def paths(start, seed, chains):
        """Positions (length + 1, chains), without the start in the means."""
        streams = np.random.default_rng(seed).spawn(chains)
        runs = [
            sampler(lambda x: -0.5 * x * x, starts[start](rng), 1.0, length, rng) for rng in streams
        ]
        return np.array(runs).T

    def means(path):
        return np.cumsum(path[1:], axis=0) / when[: len(path) - 1, None]

    fig, (trace, mean) = figure(1, 2, size=(9.2, 3.5))
    trace.axhspan(-1.96, 1.96, color="black", alpha=0.08, linewidth=0, label="95% of the target")
    trace.set(xscale="symlog", xlim=(0, length), ylim=(-9, 9), xlabel="transition", ylabel="x")
    trace.set_title("four chains")
    trace.set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1,000"])
    mean.set(xscale="log", xlim=(1, length), ylim=(-4.5, 7.5), xlabel="transitions")
    mean.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    mean.set(ylabel="mean of x so far", title="mean of all draws of a chain")
    truth(mean, 0.0, "exact")
    mean.fill_between([], [], [], color=MUTED, alpha=0.35, label="middle 90% of 100 chains")
    trace.legend(loc="lower right")
    mean.legend(loc="upper right")

    def draw(transitions, start, seed):
        path = paths(start, seed, 4)[: transitions + 1]
        others = np.quantile(means(paths(start, 7, 100)), [0.05, 0.95], axis=1)
        mean.fill_between(when, *others, color=MUTED, alpha=0.35, linewidth=0)
        for x, average, look in zip(path.T, means(path).T, LOOKS, strict=False):
            trace.plot(x, linewidth=1, color=look["color"], linestyle=look["linestyle"])
            mean.plot(when[:transitions], average, color=look["color"], linestyle=look["linestyle"])
            mean.plot(transitions, average[-1], look["marker"], color=look["color"], markersize=5)
        inside = [np.flatnonzero(np.abs(x) < 1.96) for x in path.T]
        arrived = ", ".join(str(found[0]) if len(found) else "not yet" for found in inside)
        ends = ", ".join(f"{average:.2f}" for average in means(path)[-1])
        text = (
            f"first within ±1.96 after transition: {arrived}; means of all draws: {ends} (exact 0)"
        )
        return text, Cost(units=4 * transitions)

    return BudgetView(
        fig,
        draw,
        transitions=powers_of_two(2, high, unit="transitions", default=6),
        start=choice(list(starts), label="the chains start"),
    )


@functools.cache
def exact_worth(size: float) -> float:
    """1/τ of x under random-walk Metropolis on N(0, 1), by a grid so fine that it is exact to 1%.

    Proposals that leave ±5.5 count as refused; the target has 4e-8 of its weight out there.
    """
    spacing = min(0.05, size / 4)
    x = np.arange(-5.5, 5.5 + spacing / 2, spacing)
    density = np.exp(-0.5 * x * x)
    proposal = np.exp(-0.5 * ((x - x[:, None]) / size) ** 2)
    proposal *= spacing / (size * math.sqrt(2 * math.pi))
    P = proposal * np.minimum(1, density / density[:, None])
    np.fill_diagonal(P, 0)
    np.fill_diagonal(P, 1 - P.sum(axis=1))
    return 1 / markov.autocorrelation_time(P, x)


def step_size_view(worth: Callable, length: int = 4000, chains: int = 16) -> BudgetView:
    """Random-walk Metropolis on N(0, 1): trace, share accepted, worth of a draw.

    ``worth(x)`` → effective sample size of the draws (length,) of one chain.
    """
    sizes = [round(float(s), 2) for s in 2.38 * 2.0 ** np.arange(-5, 6)]
    shown = 400

    def exact(size):
        return 2 / math.pi * np.arctan(2 / size)

    @functools.cache
    def run(size, seed):
        rng = np.random.default_rng(seed)
        kernel = mcmc.random_walk(lambda x: -0.5 * x * x, size)
        chain = mcmc.run_chains(kernel, rng.standard_normal(chains), length, rng)
        draws = np.array([worth(x) for x in chain.positions[1:].T])
        return chain, draws / length

    fig, (trace, accept, each) = figure(1, 3, size=(9.6, 3.4), width_ratios=[1.4, 1, 1])
    trace.set(xlim=(0, shown), ylim=(-4.2, 4.2), xlabel="transition", ylabel="x")
    trace.set_title("one chain")
    grid = np.geomspace(sizes[0] * 0.8, sizes[-1] * 1.3, 25)
    accept.plot(grid, exact(grid), "k--", linewidth=1.2, label="exact: (2/π) arctan(2/s)")
    accept.plot([], [], "o", color=GOOD, label=f"{chains} chains")
    accept.set(xscale="log", ylim=(0, 1.3), xlabel="step size s", title="share accepted")
    accept.set_yticks(np.arange(0, 1.01, 0.2))
    accept.legend(loc="upper right")
    each.plot(grid, [exact_worth(s) for s in grid], "k--", linewidth=1.2, label="exact: 1/τ")
    each.plot([], [], "o", color=GOOD, label=f"mean of {chains} chains, ± 2 s.e.")
    each.set(xscale="log", yscale="log", xlim=accept.get_xlim(), ylim=(5e-4, 2))
    each.set(xlabel="step size s", ylabel="independent draws", title="worth of a transition")
    each.legend(loc="upper right")

    def draw(step_size, seed):
        seen = [s for s in sizes if s <= step_size]
        rates = [run(s, seed)[0].acceptance_rate for s in seen]
        shares = np.array([run(s, seed)[1] for s in seen])
        chain, share = run(step_size, seed)
        trace.plot(chain.positions[: shown + 1, 0], color=GOOD, linewidth=1)
        accept.plot(seen, rates, "o", color=GOOD, markersize=4)
        error = 2 * shares.std(axis=1, ddof=1) / math.sqrt(chains)
        look = {"fmt": "o", "color": GOOD, "markersize": 4, "linewidth": 1.2}
        each.errorbar(seen, shares.mean(axis=1), error, **look)
        text = (
            f"accepted {chain.acceptance_rate:.3f} (exact {exact(step_size):.3f}); "
            f"{length:,} transitions of a chain are worth {share.mean() * length:,.0f} "
            f"independent draws (exact {exact_worth(step_size) * length:,.0f})"
        )
        return text, chain.cost

    size = options(sizes, default=2.38, unit="density evaluations", label="step size s")
    return BudgetView(fig, draw, step_size=size)


def _height(log_density: Callable, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The density, up to a constant, at every point of a grid (ny, nx)."""
    points = np.stack(np.meshgrid(x, y), axis=-1)
    return np.exp(log_density(points.reshape(-1, 2))).reshape(points.shape[:2])


def replay_view(
    log_density: Callable, kernel: mcmc.Kernel, start: Sequence[float], n: int = 256
) -> BudgetView:
    """One chain in the plane, event by event: proposal, then accept or reject."""
    grid = np.linspace(-3.2, 3.2, 121)
    height = _height(log_density, grid, grid)
    edges = (grid[0], grid[-1])
    fig, (ax, trace) = figure(1, 2, size=(9.6, 4.4), width_ratios=[1, 1.1])
    shades = {"cmap": "Greys", "vmax": 2 * height.max()}
    ax.imshow(height, extent=(*edges, *edges), origin="lower", **shades)
    ax.set(xlim=edges, ylim=edges, aspect="equal", xlabel="x₁", ylabel="x₂")
    ax.set_title("the plane; darker is denser")
    ax.plot([], [], "o", color=GOOD, label="visited")
    ax.plot([], [], "x", color=BAD, label="rejected proposal")
    ax.plot([], [], "s", color=COLORS[1], markeredgecolor="black", label="now")
    ax.plot([], [], ":", color="black", label="last proposal")
    trace.set(xlim=(0, n), ylim=edges, xlabel="step", ylabel="coordinate")
    trace.set_title("the same chain, coordinate by coordinate")
    trace.plot([], [], "-", color=GOOD, label="x₁")
    trace.plot([], [], "--", color=COLORS[3], label="x₂")
    fig.legend(loc="outside lower center", ncols=6)
    verbs = {
        "accept": "accepted",
        "reject": "rejected: the chain stays, and the place counts again",
    }

    @functools.cache
    def story(seed):
        state = kernel.init(np.array([start], dtype=float))
        told = list(events(kernel, state, np.random.default_rng(seed), n))
        return told[::2], told[1::2]

    def draw(step, seed):
        proposals, outcomes = (told[:step] for told in story(seed))
        path = np.array([start, *(outcome.position for outcome in outcomes)], dtype=float)
        pairs = zip(proposals, outcomes, strict=True)
        refused = [proposal.position for proposal, outcome in pairs if outcome.kind == "reject"]
        ax.plot(*path.T, "-", color=GOOD, linewidth=0.8, alpha=0.7)
        ax.plot(*path.T, "o", color=GOOD, markersize=3.5)
        if refused:
            ax.plot(*np.array(refused).T, "x", color=BAD, markersize=5)
        ax.plot(*path[-1], "s", color=COLORS[1], markeredgecolor="black", markersize=8)
        trace.plot(path[:, 0], "-", color=GOOD, linewidth=1.2)
        trace.plot(path[:, 1], "--", color=COLORS[3], linewidth=1.2)
        if not step:
            return "the start", Cost()
        proposal = proposals[-1]
        ax.plot(*np.array([path[-2], proposal.position]).T, ":", color="black", linewidth=1.2)
        text = (
            f"step {step}: the proposal had probability {proposal.acceptance:.2f} "
            f"of being accepted; {verbs[outcomes[-1].kind]}; "
            f"{step - len(refused)} of {step} proposals accepted so far"
        )
        return text, Cost(units=step)

    steps = [*range(17), *(k for k in (20, 24, 32, 48, 64, 96, 128, 192, 256) if k <= n)]
    return BudgetView(
        fig, draw, step=options(steps, default=min(128, n), unit="transitions", label="step")
    )


def roll_view(target: Any, roll: Callable, steps: Sequence[float], n: int = 15) -> BudgetView:
    """Trajectories of Hamiltonian Monte Carlo, point by point, and their errors in energy.

    Parameters
    ----------
    target : object
        With ``log_density(x)`` and ``start(chains, rng)``, in the plane.
    roll : callable
        ``roll(target, x, step, n, rng)`` from x (1, 2) → path (n + 1, 2), energy errors (n + 1,),
        whether the end was accepted.
    steps : sequence of float
        Sizes of a leapfrog step to choose from.
    n : int
        Leapfrog steps of a trajectory.
    """
    trajectories = 8
    x = np.linspace(-3.4, 3.4, 160)
    y = np.linspace(-2, 10, 160)
    height = _height(target.log_density, x, y)
    fig, (plane, energy) = figure(1, 2, size=(9.6, 4.2), width_ratios=[1, 1.1])
    levels = height.max() * np.array([0.02, 0.2, 0.7])
    plane.contour(x, y, height, levels=levels, colors="black", linewidths=0.7)
    plane.set(xlim=(-3.4, 3.4), ylim=(-2, 10), xlabel="x₁", ylabel="x₂", title="the plane")
    most = 100.0
    energy.set(xlim=(-0.5, n + 0.5), xlabel="leapfrog steps of this trajectory")
    energy.set_yscale("symlog", linthresh=0.1)
    energy.set(ylim=(-1.5, 1.3 * most), title="energy error on the way")
    energy.set_ylabel("energy error (log beyond ±0.1)")
    energy.set_yticks([-1, -0.1, 0, 0.1, 1, 10, 100], ["−1", "−0.1", "0", "0.1", "1", "10", "≥100"])
    truth(energy, 0.0, "a perfect ball")
    energy.plot([], [], "-", color=MUTED, label="earlier trajectories")
    energy.plot([], [], "o-", color=GOOD, label="this trajectory")
    plane.plot([], [], "k-", linewidth=0.7, label="equal density")
    plane.plot([], [], "s", color=COLORS[1], markeredgecolor="black", label="the chain")
    plane.plot([], [], "x", color=BAD, label="refused end")
    fig.legend(loc="outside lower center", ncols=6)

    @functools.cache
    def story(step, seed):
        rng = np.random.default_rng(seed)
        here = target.start(1, rng)
        told = []
        with np.errstate(over="ignore", invalid="ignore"):  # of trajectories that run off
            for _ in range(trajectories):
                path, errors, accepted = roll(target, here, step, n, rng)
                errors = np.where(np.isfinite(errors), errors, np.inf)
                told.append((np.nan_to_num(path, nan=1e6), errors, bool(accepted)))
                here = path[-1:] if accepted else here
        return told

    def draw(point, step, seed):
        number, along = divmod(max(point, 1) - 1, n)
        along = min(point, along + 1)
        done = story(step, seed)[:number]
        path, errors, accepted = story(step, seed)[number]
        finished = along == n
        ends = [*done, *([(path, errors, accepted)] if finished else [])]
        for old, wrong, _ in done:
            plane.plot(*np.clip(old, -1e3, 1e3).T, "-", color=MUTED, linewidth=0.8)
            energy.plot(np.minimum(wrong, most), "-", color=MUTED, linewidth=0.8)
        plane.plot(*np.clip(path[: along + 1], -1e3, 1e3).T, "o-", color=GOOD, markersize=3.5)
        energy.plot(np.minimum(errors[: along + 1], most), "o-", color=GOOD, markersize=3.5)
        chain = [story(step, seed)[0][0][0], *(p[-1] for p, _, good in ends if good)]
        plane.plot(*np.array(chain).T, "s", color=COLORS[1], markeredgecolor="black", markersize=7)
        for old, _, good in ends:
            if not good:
                plane.plot(*np.clip(old[-1], -1e3, 1e3), "x", color=BAD, markersize=8)
        now = errors[along]
        text = f"trajectory {number + 1}, step {along} of {n}: energy error {min(now, 1e6):+.2g}"
        if finished:
            chance = math.exp(-max(0.0, now))
            verb = "accepted" if accepted else "refused"
            text += f", accepted with probability {chance:.2f}: {verb}"
        kept = sum(good for _, _, good in ends)
        text += f"; accepted so far: {kept} of {len(ends)} trajectories"
        return text, Cost(units=max(point, 0) + number + 1)

    points = [*range(n + 1), *range(n + 5, trajectories * n + 1, 5)]
    return BudgetView(
        fig,
        draw,
        point=options(points, default=4 * n, unit="gradients", label="leapfrog steps"),
        step=options(list(steps), default=steps[len(steps) // 2], label="size of a leapfrog step"),
    )


def banana_view(
    banana: Callable, samplers: Callable, costs: Mapping[str, int], high: int = 12
) -> BudgetView:
    """Two samplers on a banana at equal cost: where one chain has been, and the error of a mean.

    Parameters
    ----------
    banana : callable
        Dimension → target with ``log_density(x)``, ``start(chains, rng)`` and ``mean``, exact.
    samplers : callable
        Target → two kernels, by name.
    costs : mapping
        Evaluations that one transition of one chain costs, by name.
    high : int
        Each chain is given 2^high evaluations at most.
    """
    budgets = [2**k for k in range(6, high + 1)]
    chains = 32
    dims = (2, 20)
    palette = dict(zip(costs, (BAD, GOOD), strict=True))
    marks = dict(zip(costs, "so", strict=True))
    fig, (*maps, error) = figure(1, 3, size=(9.6, 3.5), width_ratios=[1, 1, 1.15])
    x = np.linspace(-4.2, 4.2, 160)
    y = np.linspace(-3, 13, 160)
    height = _height(banana(2).log_density, x, y)
    levels = height.max() * np.array([0.02, 0.2, 0.7])
    for ax, (name, color) in zip(maps, palette.items(), strict=True):
        ax.contour(x, y, height, levels=levels, colors="black", linewidths=0.7)
        ax.set(xlim=(-4.2, 4.2), ylim=(-3, 13), xlabel="x₁", title=f"{name}: one chain")
        ax.title.set_color(ink(color))
    maps[0].set_ylabel("x₂")
    maps[0].plot([], [], "k-", linewidth=0.7, label="equal density")
    maps[0].legend(loc="upper center")
    error.set(
        xscale="log", xlim=(budgets[0] * 0.7, budgets[-1] * 1.5), yscale="log", ylim=(0.05, 4)
    )
    error.set(xlabel="evaluations of each chain")
    error.set(ylabel="RMS error")
    error.set_title(f"error of the mean of x₂, {chains} chains")
    for name, color in palette.items():
        error.plot([], [], f"{marks[name]}-", color=color, label=name)
    error.fill_between([], [], [], color=MUTED, alpha=0.35, label="90% bootstrap")
    error.legend(loc="lower left")

    @functools.cache
    def run(name, dim, seed):
        rng = np.random.default_rng(seed)
        target = banana(dim)
        start = target.start(chains, rng)
        chain = mcmc.run_chains(samplers(target)[name], start, budgets[-1] // costs[name], rng)
        return chain.positions[..., :2].copy()  # all coordinates of all runs would be 40 MB

    for dim in dims:  # the slow part, once: a slider that moves later finds it done
        for name in costs:
            run(name, dim, 0)

    def draw(evaluations, dimension, seed):
        seen = [n for n in budgets if n <= evaluations]
        exact = banana(dimension).mean[1]
        texts = []
        for ax, (name, color) in zip(maps, palette.items(), strict=True):
            positions = run(name, dimension, seed)
            path = positions[: evaluations // costs[name] + 1, 0]
            ax.plot(*path.T, ".-", color=color, markersize=2.5, linewidth=0.4, alpha=0.8)
            means = [positions[: n // costs[name] + 1, :, 1].mean(axis=0) for n in seen]
            squares = (np.array(means) - exact) ** 2
            again = np.random.default_rng(0).integers(chains, size=(200, chains))
            drawn = np.sqrt(squares[:, again].mean(axis=2))
            low, top = np.quantile(drawn, [0.05, 0.95], axis=1)
            error.fill_between(seen, low, top, color=color, alpha=0.2, linewidth=0)
            gaps = np.sqrt(squares.mean(axis=1))
            error.plot(seen, gaps, f"{marks[name]}-", color=color, markersize=4)
            texts.append(f"{name}: {len(path) - 1:,} transitions, error {gaps[-1]:.2f}")
        return "; ".join(texts), Cost(units=evaluations * chains * len(costs))

    return BudgetView(
        fig,
        draw,
        evaluations=powers_of_two(6, high, unit="evaluations", default=10),
        dimension=options(dims, label="dimension"),
    )


def fooled_view(
    log_density: Callable, density: Callable, gap: float, sampler: Callable, rhat: Callable
) -> BudgetView:
    """Four chains on a target with humps at ±gap: traces, histogram, R-hat, for two starts.

    ``sampler(log_density, start, step_size, n, rng)`` → positions (n,), and ``rhat(x)`` of draws
    (n, chains) → a number.
    """
    length = 4000
    reach = gap + 4.5
    starts = {
        "all on the right": np.full(4, gap),
        "spread out": np.array([-gap, -gap / 3, gap / 3, gap]),
    }
    fig, (trace, hist, taken) = figure(1, 3, size=(9.6, 3.6), width_ratios=[1.7, 1, 0.4])
    trace.set(xlim=(0, length), ylim=(-reach, reach), xlabel="transition", ylabel="x")
    trace.set_title("four chains")
    grid = np.linspace(-reach, reach, 400)
    hist.plot(density(grid), grid, "k--", linewidth=1.2, label="exact density")
    hist.fill_between([], [], [], color=GOOD, alpha=0.6, label="all draws")
    hist.set(ylim=(-reach, reach), xlim=(0, 3.4 * density(grid).max()), xlabel="density")
    hist.set_title("all draws")
    hist.legend(loc="lower right")
    bins = {"bins": 80, "range": (-reach, reach), "density": True, "histtype": "stepfilled"}
    taken.set(xlim=(-0.7, 0.7), ylim=(0, 1.08), title="accepted")
    taken.set_xticks([])

    @functools.cache
    def run(step_size, start, seed):
        streams = np.random.default_rng(seed).spawn(4)
        pairs = zip(starts[start], streams, strict=True)
        paths = [sampler(log_density, float(x), step_size, length, rng) for x, rng in pairs]
        return np.array(paths, dtype=float).T

    def draw(step_size, start, seed):
        draws = run(step_size, start, seed)
        for path, look in zip(draws.T, LOOKS, strict=False):
            trace.plot(path, color=look["color"], linewidth=0.6)  # dashes are slow to draw
        hist.hist(draws.ravel(), orientation="horizontal", color=GOOD, alpha=0.6, **bins)
        moved = (np.diff(draws, axis=0) != 0).mean()
        taken.bar(0, moved, color=GOOD)
        taken.text(0, moved + 0.02, f"{moved:.0%}", ha="center")
        text = (
            f"accepted {moved:.0%}; R-hat {rhat(draws):.2f}; "
            f"{(draws > 0).mean():.0%} of the draws on the right (exact 50%)"
        )
        return text, Cost(units=4 * (length + 1))

    sizes = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0)
    return BudgetView(
        fig,
        draw,
        step_size=options(sizes, default=1.0, unit="density evaluations", label="step size"),
        start=choice(list(starts), label="the chains start"),
    )
