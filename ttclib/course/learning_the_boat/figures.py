"""Pictures of notebook 04b: a coefficient learned by particles, beside the exact belief."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np

from ttclib.cost import Cost
from ttclib.course.learning_the_boat.boat import Posterior, exact_posterior
from ttclib.course.learning_the_boat.ideal import effective_draws_per_step
from ttclib.course.learning_the_boat.tiny import STAYS
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import BAD, GOOD, MUTED, TRUTH, Picture, band, counting_axis, figure

KEPT = "keep the estimate"
ANEW = "draw it anew"
_UNIT = "particle steps"
_BINS = np.linspace(0, 1, 41)


def posterior_picture(posterior: Posterior, true: float) -> Picture:
    """The exact belief about the coefficient, before and after the measurements."""
    fig, ax = figure(size=(7.2, 2.8))
    ax.plot([0, 0, 1, 1], [0, 1, 1, 0], color=MUTED, label="before: anything from 0 to 1")
    ax.plot(posterior.grid, posterior.density, "k--", label="after 50 measurements (exact)")
    ax.axvline(true, color=BAD, linestyle=":", label=f"the boat's coefficient, {true:g}")
    ax.set(xlim=(-0.02, 1.02), ylim=(0, 4.6), xlabel="coefficient a", ylabel="density")
    ax.legend(loc="upper left")
    text = f"exact posterior of a: mean {posterior.mean:.3f}, sd {posterior.sd:.3f}"
    return Picture(fig, text)


def histogram_picture(draws: Mapping[str, np.ndarray], posterior: Posterior) -> Picture:
    """Histograms of the draws (steps, chains) of several chains, over the exact density."""
    fig, axes = figure(1, len(draws), size=(8.4, 2.8), sharey=True)
    lines = []
    for ax, (name, values) in zip(np.ravel(axes), draws.items(), strict=True):
        ax.hist(np.ravel(values), _BINS, density=True, color=BAD, alpha=0.5)
        ax.plot(posterior.grid, posterior.density, "k--", linewidth=1.2)
        ax.set(xlim=(0, 1), ylim=(0, 6), xlabel="coefficient a", title=name)
        lines.append(f"{name}: mean {np.mean(values):.2f}, sd {np.std(values):.2f}")
    np.ravel(axes)[0].set_ylabel("density (dashed: exact)")
    lines.append(f"exact: mean {posterior.mean:.2f}, sd {posterior.sd:.2f}")
    return Picture(fig, "; ".join(lines))


def tiny_view(both_chains: Callable, posterior: np.ndarray, most: int = 6) -> BudgetView:
    """Long-run beliefs of the two chains on the tiny model, exactly; nothing here is random.

    ``both_chains(n)`` → beliefs (parameters,) with the estimate kept, and with it drawn anew.
    """
    sizes = np.arange(1, most + 1)
    beliefs = {int(n): both_chains(int(n)) for n in sizes}
    places = np.arange(len(posterior))
    fig, (bars, gap) = figure(1, 2, size=(8.6, 3.3))
    bars.hlines(posterior, places - 0.4, places + 0.4, TRUTH, "--", label="exact posterior")
    bars.plot([], [], "o", color=GOOD, label=KEPT)
    bars.plot([], [], "s", color=BAD, label=ANEW)
    bars.set(xlim=(-0.6, len(places) - 0.4), ylim=(0, 0.85), ylabel="long-run share")
    bars.set_xticks(places, [f"{stay:g}" for stay in STAYS])
    bars.set(xlabel="chance to stay", title="where each chain spends its time")
    bars.legend(loc="upper left")
    gap.set(xlim=(0.5, most + 0.5), ylim=(1e-17, 3), yscale="log", xlabel="particles n")
    gap.set(ylabel="distance to the posterior", title="right for every n, or for none")
    gap.set_xticks(sizes)

    def distance(belief):
        """Total variation; below rounding it is drawn at rounding."""
        return max(float(np.abs(belief - posterior).sum() / 2), 1e-16)

    def draw(particles, seed):
        kept, anew = beliefs[particles]
        bars.plot(places - 0.15, kept, "o", color=GOOD, markersize=8)
        bars.plot(places + 0.15, anew, "s", color=BAD, markersize=8)
        seen = sizes[:particles]
        far = np.array([[distance(belief) for belief in beliefs[int(n)]] for n in seen])
        gap.plot(seen, far[:, 0], "o-", color=GOOD)
        gap.plot(seen, far[:, 1], "s-", color=BAD)
        exact = "to 12 digits" if far[-1, 0] < 1e-12 else f"off by {far[-1, 0]:.1e}"
        wrong = " · ".join(f"{share:.3f}" for share in anew)
        right = " · ".join(f"{share:.3f}" for share in posterior)
        text = f"kept: the posterior {right} {exact}; drawn anew: {wrong}, off by {far[-1, 1]:.3f}"
        return text

    particles = options(sizes.tolist(), default=2, unit="particles", label="particles n")
    return BudgetView(fig, draw, luck=False, particles=particles)


def chain_view(
    learn: Callable,
    evidence: Callable,
    accept: Callable,
    y: np.ndarray,
    chains: int = 8,
    longest: int = 10,
) -> BudgetView:
    """Chains that learn the coefficient, beside the exact posterior.

    ``learn(evidence, y, n, step_size, chains, rng, accept, anew)`` yields coefficients (chains,).
    The largest budget is 2^``longest`` steps.
    """
    posterior = exact_posterior(y)
    fig, (trace, pile) = figure(1, 2, size=(8.8, 3.6), width_ratios=[2.6, 1], sharey=True)
    most = 2**longest
    trace.set(xlim=(0, most), ylim=(0, 1), xlabel="step of the chain", ylabel="coefficient a")
    trace.set_title(f"{chains} chains, each in its own shade")
    pile.plot(posterior.density, posterior.grid, "k--", linewidth=1.2, label="exact")
    pile.plot([], [], color=GOOD, linewidth=5, alpha=0.5, label="all chains")
    pile.set(xlim=(0, 8), xlabel="density", title="last three quarters")
    pile.legend(loc="lower right")
    runs: dict = {}

    def run(particles, step_size, rule, seed, steps):
        """The chains' coefficients, (steps, chains): begun once, and followed further when asked.

        A generator of its progress.
        """
        key = (particles, step_size, rule, seed)
        if key not in runs:
            rng = np.random.default_rng(seed)
            more = {"accept": accept, "anew": rule == ANEW}
            runs[key] = ([], learn(evidence, y, particles, step_size, chains, rng, **more))
        seen, going = runs[key]
        while len(seen) < steps:
            seen.append(next(going))
            if len(seen) % 16 == 0:
                yield len(seen) / steps
        return np.array(seen[:steps])

    def draw(particles, steps, step_size, rule, seed):
        drawn = yield from run(particles, step_size, rule, seed, steps)
        for k, chain in enumerate(drawn.T):
            shade = 0.35 + 0.65 * k / max(1, chains - 1)
            trace.plot(np.arange(1, steps + 1), chain, color=GOOD, alpha=shade, linewidth=0.9)
        late = drawn[steps // 4 :]
        pile.hist(
            late.ravel(), _BINS, density=True, orientation="horizontal", color=GOOD, alpha=0.5
        )
        moved = np.diff(drawn, axis=0) != 0
        text = (
            f"accepted {moved.mean():.1%}; longest rest {longest_rest(moved)} steps; "
            f"a: mean {late.mean():.3f}, sd {late.std():.3f} "
            f"(exact {posterior.mean:.3f}, {posterior.sd:.3f})"
        )
        filters = 2 if rule == ANEW else 1
        return text, Cost(units=filters * particles * chains * steps * len(y))

    return BudgetView(
        fig,
        draw,
        particles=powers_of_two(3, 8, unit=_UNIT, default=6),
        steps=powers_of_two(6, longest, unit="steps", default=min(8, longest)),
        step_size=options((0.01, 0.25, 1.0), default=0.25, label="step size"),
        rule=choice((KEPT, ANEW), label="the present point's estimate"),
    )


def longest_rest(moved: np.ndarray) -> int:
    """Return the longest run of steps without a move, in any chain of ``moved`` (steps, chains)."""
    best = np.zeros(moved.shape[1], dtype=int)
    now = np.zeros(moved.shape[1], dtype=int)
    for row in moved:
        now = np.where(row, 0, now + 1)
        best = np.maximum(best, now)
    return int(best.max())


def budget_view(
    learn: Callable,
    evidence: Callable,
    exact_evidence: Callable,
    y: np.ndarray,
    noise: float,
    chains: int = 16,
    low: int = 15,
    high: int = 19,
    step_size: float = 0.25,
) -> BudgetView:
    """Effective draws that a chain of each number of particles buys with one budget.

    ``exact_evidence(a, y, n, rng)`` is the rival, whose step costs as much as one particle's.
    ``noise`` is σ²: the variance of log Ẑ is about σ²/n.
    """
    posterior = exact_posterior(y)
    sizes = 2 ** np.arange(3, 10)
    length = len(y)
    fig, ax = figure(size=(8.2, 3.9))
    counting_axis(ax, sizes, "particles n", marks=sizes, room=1.3)
    ax.set(yscale="log", ylim=(0.1, 1e5), ylabel="effective draws bought by a chain")
    ax.axhline(1, color=MUTED, linewidth=0.9, label="one effective draw")
    ax.axvspan(noise / 3.283, noise / 1, color=MUTED, alpha=0.2, linewidth=0)
    ax.plot([], [], "s", color=MUTED, alpha=0.4, label="variance of log Ẑ from 3.3 to 1")
    ax.plot([], [], "o-", color=GOOD, label=f"{chains} chains (band: 90% of resamples)")
    ax.plot([], [], "k--", linewidth=1.2, label="theory, if the noise were normal")
    ax.plot([], [], "-.", color=BAD, label="the rival: exact evidence (Kalman)")
    ax.legend(loc="upper left", ncols=2)

    @functools.cache
    def worth(n):
        return effective_draws_per_step(posterior, step_size, noise / n)

    @functools.lru_cache(maxsize=64)
    def means(which, n, steps, seed):
        """Means of the last three quarters of each chain, (chains,)."""
        rng = np.random.default_rng((seed, n))
        going = learn(which, y, n, step_size, chains, rng)
        drawn = np.array([next(going) for _ in range(steps)])
        return drawn[steps // 4 :].mean(axis=0)

    def bought(values):
        """Effective draws with their resamples: the exact variance over the chains' mean square."""
        squares = (values - posterior.mean) ** 2
        again = np.random.default_rng(0).integers(len(values), size=(400, len(values)))
        return posterior.sd**2 / squares[again].mean(axis=1)

    def draw(budget, seed):
        draws = []
        for k, n in enumerate(sizes.tolist()):
            draws.append(bought(means(evidence, n, budget // (n * length), seed)))
            yield (k + 1) / (len(sizes) + 1)
        band(ax, sizes, np.array(draws).T, color=GOOD)
        middle = np.median(draws, axis=1)
        ax.plot(sizes, middle, "o", color=GOOD, markersize=5)
        steps = budget / (sizes * length)
        theory = [0.75 * s * worth(int(n)) for n, s in zip(sizes, steps, strict=True)]
        ax.plot(sizes, np.maximum(theory, 1e-3), "k--", linewidth=1.2)
        best = int(sizes[np.argmax(middle)])
        # the rival's chain needs no more than this to be drawn; its budget would buy more steps
        short = min(budget // length, 4096)
        rival = float(np.median(bought(means(exact_evidence, 1, short, seed))))
        rival *= budget // length / short
        ax.plot(ax.get_xlim(), [rival, rival], "-.", color=BAD)
        text = (
            f"best of these: {best} particles, {middle.max():.0f} effective draws; "
            f"the exact evidence buys {rival:,.0f} with the same budget"
        )
        return text, Cost(units=budget * chains * (len(sizes) + 1))

    return BudgetView(fig, draw, budget=powers_of_two(low, high, unit=_UNIT, default=18))
