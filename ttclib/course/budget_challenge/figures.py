"""Pictures of notebook 09b: what a budget of FLOPs buys, by the references and by you."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ttclib import artefacts
from ttclib.cost import readable
from ttclib.course.budget_challenge.arena import Outcome
from ttclib.measure import bootstrap
from ttclib.search.results import MAJORITY, WEIGHTED, Curve, read_alone, read_results
from ttclib.show.slider import BudgetView, options
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, Picture, figure

STEPS = (40, 50, 60, 80, 100, 120, 160, 200, 300, 400)  # millions of FLOPs a problem
BODY = "prm's body alone, one greedy text"
NINES = "rebase, casting out nines"
EXACT = "rebase, exact verifier (nobody has it)"
_LOOK = {
    MAJORITY: (MUTED, "o-"),
    WEIGHTED: (COLORS[1], "s-"),
    "rebase": (COLORS[3], "^-"),
    NINES: (COLORS[2], "v-"),
    BODY: (COLORS[5], "D"),
    EXACT: ("#000000", "--"),
}


def references() -> dict[str, Curve]:
    """Return what the methods of notebooks 05 to 09 solve by FLOPs: 400 recorded problems."""
    folder = artefacts.path("search-sweep")
    prm, nines, exact = (read_results(folder, name) for name in ("prm", "nines", "exact"))
    counts = bootstrap.counts(prm.right.shape[-1], 399, np.random.default_rng(0))
    curves = {name: prm.curve(name, counts, flops=True) for name in (MAJORITY, WEIGHTED, "rebase")}
    greedy, _ = read_alone(folder, "lab-small-own", counts, flops=True)
    others = {
        NINES: nines.curve("rebase", counts, flops=True),
        BODY: greedy,
        EXACT: exact.curve("rebase", counts, flops=True),
    }
    return curves | others


def bought(curve: Curve, flops: float) -> float:
    """Return what a method solves that pays no more than ``flops`` a problem; NaN if it cannot."""
    within = curve.paid <= flops
    return float(curve.accuracy[within].max()) if within.any() else float("nan")


def budget_view(curves: Mapping[str, Curve], board: Mapping[tuple[str, float], Outcome]):
    """What the references solve within a budget, and what you reached, as a star.

    ``board``: outcomes by (name, FLOPs a problem).
    """
    fig, ax = figure(size=(8.4, 4.2))
    ax.set(xscale="log", xlim=(28, 480), ylim=(0.25, 1.0), ylabel="share solved")
    ax.set(xlabel="FLOPs a problem (millions)")
    ax.set_xticks(STEPS[::2], [str(step) for step in STEPS[::2]])
    ax.minorticks_off()
    for name, curve in curves.items():
        color, style = _LOOK[name]
        paid = curve.paid / 1e6
        low, high = np.quantile(curve.draws, [0.05, 0.95], axis=0)
        if len(paid) == 1:
            gaps = [[curve.accuracy[0] - low[0]], [high[0] - curve.accuracy[0]]]
            ax.errorbar(paid, curve.accuracy, gaps, fmt=style, color=color, label=name)
            continue
        ax.plot(paid, curve.accuracy, style, color=color, markersize=4, label=name)
        if name != EXACT:
            ax.fill_between(paid, low, high, color=color, alpha=0.12, linewidth=0)
    ax.plot([], [], "*", color=GOOD, markersize=12, label="yours, 50 problems (± 2 se)")
    ax.legend(loc="lower right", ncols=2, fontsize=7.5)

    def draw(budget, seed):
        ax.axvline(budget, color=BAD, linewidth=1, linestyle=":")
        reached = {name: bought(curve, budget * 1e6) for name, curve in curves.items()}
        for name, share in reached.items():
            if np.isfinite(share):
                ax.plot(budget, share, "_", color=_LOOK[name][0], markersize=14, markeredgewidth=2)
        said = [f"{name} {share:.3f}" for name, share in reached.items() if np.isfinite(share)]
        best = []
        for (name, flops), outcome in board.items():
            if flops / 1e6 <= budget:
                share = outcome.accuracy
                error = 2 * np.sqrt(share * (1 - share) / len(outcome.right))
                place = outcome.paid.mean() / 1e6
                ax.errorbar(place, share, error, fmt="*", color=GOOD, markersize=12)
                best.append(f"{name} {share:.2f} for {readable(outcome.paid.mean())}")
        mine = "; yours: " + ", ".join(best) if best else "; yours: nothing yet"
        return f"within {budget} M FLOPs a problem: " + ", ".join(said) + mine

    budget = options(
        STEPS, default=60, unit="M FLOPs a problem", label="budget (M FLOPs a problem)"
    )
    return BudgetView(fig, draw, luck=False, budget=budget)


def ladder_picture(outcomes: Mapping[str, Outcome]) -> Picture:
    """Strategies as points: what they paid, what they solved, with an interval of 90%."""
    fig, ax = figure(size=(8.0, 3.4))
    ax.set(xlabel="FLOPs a problem (millions)", ylabel="share solved", ylim=(0.3, 1.02))
    ax.set_xlim(25, max(outcome.paid.mean() for outcome in outcomes.values()) / 1e6 * 1.35)
    marks = "osv^D*PX"
    lines = []
    for k, (name, outcome) in enumerate(outcomes.items()):
        counts = bootstrap.counts(len(outcome.right), 999, np.random.default_rng(0))
        draws = counts @ outcome.right / len(outcome.right)
        low, high = np.quantile(draws, [0.05, 0.95])
        paid = outcome.paid.mean() / 1e6
        gaps = [[outcome.accuracy - low], [high - outcome.accuracy]]
        look = {"fmt": marks[k], "color": COLORS[k % 6], "markersize": 7, "label": name}
        ax.errorbar(paid, outcome.accuracy, gaps, **look)
        lines.append(f"{name} {outcome.accuracy:.2f} for {paid:.0f} M")
    ax.legend(loc="lower right", fontsize=8)
    return Picture(fig, "; ".join(lines))
