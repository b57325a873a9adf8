"""Pictures of notebook 13: what pruning breaks, and how a smaller model recovers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from ttclib.cost import readable
from ttclib.course.small_models.prune import PARTS
from ttclib.course.small_models.recovery import TWO_BY_TWO, Run, Thin
from ttclib.measure import bootstrap
from ttclib.show.slider import BudgetView, choice, options
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, TRUTH, Picture, figure, truth

NAMES = {
    "hidden": "hidden units",
    "heads": "heads",
    "layers": "layers",
    "width": "width of the stream",
    "several": "several",
}
_WHICH = {
    "hidden": "hidden units of each layer",
    "heads": "heads of each layer",
    "layers": "layers",
    "width": "coordinates of the stream",
}
_LOOKS = dict(zip(PARTS, zip(COLORS, "osD^", strict=False), strict=False))
_FLOOR = 3e-4  # nats: below that nothing is drawn


# ---- pruning alone -------------------------------------------------------------------------------


def pruned_picture(thin: Sequence[Thin]) -> Picture:
    """What is left of the large model, by what was pruned and how it was chosen."""
    fig, (near, right) = figure(1, 2, size=(10.0, 4.2))
    whole = thin[0].solved.mean()
    said = []
    for part, (color, mark) in _LOOKS.items():
        mine = sorted((one for one in thin if one.kind == part), key=lambda one: one.removed)
        x = [100 * one.removed for one in mine]
        kl = np.array([one.kl for one in mine])
        near.plot(x, kl[:, 0], f"{mark}-", color=color, markersize=4, label=NAMES[part])
        near.fill_between(x, kl[:, 1:].min(1), kl[:, 1:].max(1), color=color, alpha=0.2, lw=0)
        solved = [one.solved.mean() for one in mine]
        right.plot([0, *x], [whole, *solved], f"{mark}-", color=color, markersize=4)
        steps = zip(x, kl[:, 0], solved, strict=True)
        said.append(f"{NAMES[part]} {', '.join(f'{a:.0f}% {b:.3f}/{c:.2f}' for a, b, c in steps)}")
    near.set(yscale="log", ylim=(_FLOOR, 20), ylabel="KL from the whole model (nats a token)")
    near.fill_between([], [], [], color=MUTED, alpha=0.3, label="parts drawn at random")
    near.legend(loc="lower right")
    right.set(ylim=(0, 1), ylabel="share solved, greedy")
    truth(right, whole, "the whole model")
    right.legend(loc="upper right")
    for ax in (near, right):
        ax.set(xlim=(0, 100), xlabel="weights removed (%)")
    return Picture(fig, "weights removed, KL and share solved: " + "; ".join(said))


class Measured(NamedTuple):
    """What a pruned model does: nats from the whole one, and which problems it solves.

    ``weights`` are those that are left, in any unit, and ``stay`` says how many parts do: "5 of 6".
    """

    kl: float
    right: np.ndarray
    weights: float
    stay: str = ""


def live_view(measure: Callable[[str, float], Measured], whole: Measured) -> BudgetView:
    """Prune on the page; ``measure(part, share)`` keeps that share of a part.

    Each setting is measured when it is first asked for.
    """
    fig, (near, right) = figure(1, 2, size=(9.0, 3.2))
    near.set(xlim=(_FLOOR, 20), xscale="log", ylim=(-0.6, 0.6), yticks=[])
    near.set(xlabel="KL from the whole model (nats a token)")
    right.set(xlim=(0, 1), ylim=(-0.6, 0.6), yticks=[], xlabel="share solved, greedy")
    truth(right, whole.right.mean(), "the whole model", vertical=True)
    right.legend(loc="upper left")
    known: dict[tuple, Measured] = {}

    def draw(share, part, seed):
        if (part, share) not in known:
            known[part, share] = measure(part, share)
            yield 1.0
        found = known[part, share]
        near.barh(0, found.kl, color=BAD, height=0.5)
        right.barh(0, found.right.mean(), color=GOOD, height=0.5)
        removed = 1 - found.weights / whole.weights
        return (
            f"{found.stay} {_WHICH[part]} stay, {removed:.0%} of the weights are gone: "
            f"KL {found.kl:.4f} nats a token, {found.right.sum()} of {found.right.size} solved "
            f"(whole: {whole.right.sum()})"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        share=options(
            (1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25),
            default=0.75,
            unit="stay",
            names=["all", "7/8", "3/4", "5/8", "1/2", "3/8", "1/4"],
            label="share that stays",
        ),
        part=choice(PARTS, default="hidden", names=[NAMES[p] for p in PARTS], label="of"),
    )


ORDER = ("pruned", "two steps", "random parts", "pruned, taught", "T = 2", "T = 4")
_LABELS = {
    "scratch": "new,\ntrue tokens",
    "scratch, taught": "new,\nteacher",
    "pruned": "pruned,\ntrue tokens",
    "pruned, taught": "pruned,\nteacher",
    "two steps": "in two\nsteps",
    "random parts": "random\nparts",
    "T = 2": "teacher,\nT = 2",
    "T = 4": "teacher,\nT = 4",
}
_COLORS = dict(zip(TWO_BY_TWO, (BAD, COLORS[1], COLORS[4], GOOD), strict=True))
_COLORS |= {"two steps": COLORS[4], "random parts": BAD, "T = 2": GOOD, "T = 4": GOOD}


# ---- recovery ------------------------------------------------------------------------------------


def _beside(names: Sequence[str], teacher: float, rivals: Mapping[str, float], lowest: float):
    """Begin a picture of models that learned: their distance, and what they solve beside others."""
    fig, (near, right) = figure(1, 2, size=(10.0, 3.8))
    near.set(yscale="log", ylim=(lowest, 20), ylabel="KL from the teacher (nats a token)")
    right.set(ylim=(0, 1), ylabel="share solved, greedy")
    for ax in (near, right):
        ax.set(xlim=(-0.6, len(names) - 0.4))
        ax.set_xticks(range(len(names)), [_LABELS[name] for name in names])
        ax.grid(axis="x", visible=False)
    truth(right, teacher, "the teacher")
    for style, (name, solved) in zip(("--", ":", "-."), rivals.items(), strict=False):
        right.axhline(solved, color=MUTED, linestyle=style, label=f"{name}, which read more")
    above = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 2, "frameon": False}
    right.legend(fontsize="small", **above)
    return fig, near, right


def _bars(near, right, i: int, name: str, run: Run, look: int) -> str:
    """Draw a model at a look; say what is drawn."""
    mean, low, high = run.solved(problem_counts(run.right.shape[1]))[:, look]
    near.bar(i, run.kl[look], 0.6, color=_COLORS[name])
    right.bar(i, mean, 0.6, color=_COLORS[name])
    right.plot([i, i], [low, high], color=TRUTH, linewidth=1)
    words = _LABELS[name].replace("\n", " ")
    return f"{words} {run.kl[look]:.3f}/{mean:.3f} [{low:.2f}, {high:.2f}]"


def recovery_view(
    runs: Mapping[str, Run], teacher: float, rivals: Mapping[str, float]
) -> BudgetView:
    """New weights or pruned ones, true tokens or a teacher, at equal tokens.

    Parameters
    ----------
    runs : mapping
        Some of :data:`recovery.TWO_BY_TWO`, measured at the same numbers of tokens.
    teacher : float
        Share that the large model solves.
    rivals : mapping of str to float
        Shares that other models solve.
    """
    names = [name for name in TWO_BY_TWO if name in runs]
    fig, near, right = _beside(names, teacher, rivals, _FLOOR * 3)

    def draw(tokens, seed):
        said = []
        for i, name in enumerate(names):
            run = runs[name]
            look = int(np.flatnonzero(run.tokens == tokens)[0])
            bars = _bars(near, right, i, name, run, look)
            paid = readable(run.flops[look]) if run.flops[look] else "0 "
            said.append(f"{bars}, {paid}FLOPs")
        return f"{tokens:,.0f} tokens, KL/solved: " + "; ".join(said)

    read = runs[names[0]].tokens.tolist()
    words = [f"{tokens:,.0f}" for tokens in read]
    setting = options(read, default=read[-1], names=words, label="tokens read")
    return BudgetView(fig, draw, luck=False, tokens=setting)


def ways_picture(runs: Mapping[str, Run], teacher: float, rivals: Mapping[str, float]) -> Picture:
    """Other temperatures, other parts, and pruning in two steps, after the same tokens.

    Parameters
    ----------
    runs : mapping
        Some of :data:`ORDER`.
    teacher, rivals
        As for :func:`recovery_view`.
    """
    names = [name for name in ORDER if name in runs]
    fig, near, right = _beside(names, teacher, rivals, 0.01)
    said = [_bars(near, right, i, name, runs[name], -1) for i, name in enumerate(names)]
    return Picture(fig, "in the end, KL/solved: " + "; ".join(said))


@cache
def problem_counts(problems: int, replicates: int = 1999) -> np.ndarray:
    """Draw the problems again, always the same way: for :meth:`Run.solved`."""
    return bootstrap.counts(problems, replicates, np.random.default_rng(0))
