"""Pictures of notebook 15: clips and masks, features that collapse, and two numbers that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from ttclib.course.predicting_features import two_numbers
from ttclib.course.predicting_features.collapse import OfPixels, Record, Snapshot
from ttclib.course.predicting_features.two_numbers import BOTH, HOWS, MOMENTUM, NEITHER, STOP
from ttclib.show.slider import BudgetView, choice, options
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    band,
    boxes,
    figure,
    ink,
    truth,
)

LOOKS = {NEITHER: BAD, STOP: COLORS[1], MOMENTUM: COLORS[3], BOTH: GOOD}
MARKS = "osD^"  # of what differs in colour, too
STARTS = ((0.1, 1.0), (0.4, 0.4), (1.2, 1.8), (1.4, 1.0))  # p and w
RHOS = (0.3, 0.5, 0.8, 0.95)
CASES = ((NEITHER, 0.0), (STOP, 0.0), (MOMENTUM, 0.9), (MOMENTUM, 0.99), (BOTH, 0.9), (BOTH, 0.99))
RATE = 0.01
TIME = 12.0
_GREY = "#BBBBBB"


# ---- clips and masks -----------------------------------------------------------------------------


def film_picture(clips: Mapping[str, object]) -> Picture:
    """A clip of each world, frame by frame; a cross and an arrow show what is known of the shape.

    Parameters
    ----------
    clips : mapping of str to worlds.Clips
        The first clip of each is drawn. The arrow is the way of two frames.
    """
    frames = next(iter(clips.values())).video.shape[1]
    fig, axes = figure(len(clips), frames, size=(10.0, 0.35 + 1.2 * len(clips)), squeeze=False)
    said = []
    for row, (name, known) in zip(axes, clips.items(), strict=True):
        video = np.asarray(known.video[0])
        top = np.abs(video).max()
        for frame, ax in enumerate(row):
            _frame(ax, video[frame], top)
            down, right = np.asarray(known.position[0, frame])
            step = 2 * np.asarray(known.velocity[0, frame])
            ax.plot(right, down, "x", color=COLORS[5], markersize=6)
            ax.plot([right, right + step[1]], [down, down + step[0]], color=COLORS[5], lw=1.5)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
        ends = [", ".join(f"{x:.1f}" for x in known.position[0, i]) for i in (0, -1)]
        said.append(f"{name}: from ({ends[0]}) to ({ends[1]})")
    for frame, ax in enumerate(axes[0]):
        ax.set_title(f"frame {frame + 1}", fontsize=8.5)
    return Picture(fig, "clips; the shape goes, in pixels down and right, " + "; ".join(said))


def _frame(ax: Axes, picture: np.ndarray, top: float) -> None:
    ax.imshow(picture, vmin=-top, vmax=top, cmap="gray")
    ax.set(xticks=[], yticks=[], xlim=(-0.5, picture.shape[1] - 0.5))
    ax.set_ylim(picture.shape[0] - 0.5, -0.5)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def masks_picture(video: np.ndarray, masks: Mapping[str, np.ndarray], grid: int, long: int):
    """A clip, and what is left of it under each mask; hidden patches are crossed out.

    Parameters
    ----------
    video : numpy.ndarray, shape (frames, side, side)
    masks : mapping of str to int array
        Hidden tokens of each: time by time, and in a time row by row.
    grid, long : int
        Patches along a side; frames of a patch.
    """
    frames, side, _ = video.shape
    fig, axes = figure(len(masks), frames // long, size=(6.4, 0.4 + 1.5 * len(masks)))
    top = np.abs(video).max()
    patch = side // grid
    said = []
    for row, (name, hidden) in zip(np.atleast_2d(axes), masks.items(), strict=True):
        for time, ax in enumerate(row):
            _frame(ax, video[time * long], top)
            ax.set_xticks(np.arange(1, grid) * patch - 0.5, [])
            ax.set_yticks(np.arange(1, grid) * patch - 0.5, [])
            ax.grid(visible=True, color=_GREY, linewidth=0.5)
            ax.set_axisbelow(False)
            ax.tick_params(length=0)
            for token in np.asarray(hidden):
                if token // grid**2 == time:
                    down, right = divmod(int(token) % grid**2, grid)
                    box = [right * patch - 0.5, down * patch - 0.5]
                    ax.fill_between(
                        [box[0], box[0] + patch], box[1], box[1] + patch, color=COLORS[4], lw=0
                    )
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
        said.append(f"{name}: {len(hidden)} of {grid**2 * len(row)} patches hidden")
    for time, ax in enumerate(np.atleast_2d(axes)[0]):
        ax.set_title(f"frames {time * long + 1} and {time * long + 2}", fontsize=8.5)
    return Picture(fig, "masks: " + "; ".join(said))


# ---- a run that collapses ------------------------------------------------------------------------


def collapse_view(shots: Sequence[Snapshot], place: np.ndarray) -> BudgetView:
    """Features of some clips as training goes on: a cloud, its spread and rank, and the loss.

    Parameters
    ----------
    shots : sequence of collapse.Snapshot
        In the order of their steps, the first before training.
    place : numpy.ndarray, shape (clips,)
        A known position of each clip, which colours it.
    """
    steps = np.array([shot.step for shot in shots])
    fig, (cloud, sizes, ranks) = figure(1, 3, size=(10.0, 3.5), width_ratios=[1.1, 1.2, 1.2])
    start = principal(shots[0].features)
    reach = 1.15 * np.abs(start).max()
    cloud.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="first direction of the features")
    cloud.set_ylabel("second direction")
    colors = ScalarMappable(Normalize(place.min(), place.max()), "cividis")
    fig.colorbar(
        colors, ax=cloud, location="top", aspect=30, label="height of the shape, in pixels"
    )
    losses = np.array([shot.loss for shot in shots])
    spreads = np.array([shot.spread for shot in shots])
    sizes.plot(steps, losses, "o-", color=BAD, markersize=3, label="loss")
    sizes.plot(steps, spreads, "s-", color=GOOD, markersize=3, label="spread of the features")
    low = min(losses.min(), spreads.min())
    sizes.set(yscale="log", ylim=(low / 2, 3), xlabel="training steps", ylabel="loss; spread")
    sizes.legend(loc="upper right")
    ranks.plot(steps, [shot.rank for shot in shots], "o-", color=GOOD, markersize=3)
    ranks.set(ylim=(0, None), xlabel="training steps", ylabel="effective rank of the features")
    truth(ranks, 0, "of a constant")
    ranks.legend(loc="lower left")

    def draw(step, seed):
        shot = shots[int(np.flatnonzero(steps == step)[0])]
        points = principal(shot.features)
        cloud.scatter(*points.T, c=place, s=9, norm=colors.norm, cmap=colors.cmap)
        for ax, values in ((sizes, (shot.loss, shot.spread)), (ranks, (shot.rank,))):
            ax.axvline(step, color=MUTED, linewidth=1)
            for value in values:
                ax.plot(step, value, "*", color=TRUTH, markersize=11, zorder=5)
        return (
            f"step {step}: loss {shot.loss:.4f}, spread {shot.spread:.4f}, "
            f"effective rank {shot.rank:.1f}"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        step=options(steps.tolist(), default=int(steps[0]), label="training steps"),
    )


def principal(features: np.ndarray) -> np.ndarray:
    """The two directions in which features (n, width) differ most: (n, 2)."""
    centred = np.asarray(features, dtype=float) - np.mean(features, axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, :2] * size[:2]


# ---- two numbers ---------------------------------------------------------------------------------


def _case(case: tuple[str, float]) -> str:
    how, momentum = case
    return (
        f"{how}, momentum {momentum:g}" if how == BOTH else f"{how} {momentum:g}".removesuffix(" 0")
    )


def two_numbers_view(starts: Sequence[tuple[float, float]] = STARTS) -> BudgetView:
    """Train predictor and encoder from some starts; where the flow is known, it is drawn, too."""
    steps = round(TIME / RATE)
    time = np.arange(steps + 1) * RATE
    fig, (plane, clock) = figure(1, 2, size=(9.6, 4.0))
    plane.set(xlim=(0, 1.6), ylim=(-0.06, 2.1), xlabel="predictor p", ylabel="encoder w")
    plane.axhline(0, color=BAD, linewidth=1.5)
    plane.text(0.02, 0.03, "collapsed", color=ink(BAD), fontsize=8.5)
    clock.set(xlim=(0, TIME), ylim=(-0.06, 2.1), xlabel="time: rate × steps", ylabel="encoder w")
    clock.axhline(0, color=BAD, linewidth=1.5)
    plane.plot([], [], color=MUTED, label="trained")
    plane.plot([], [], "--", color=TRUTH, linewidth=1.2, label="exact, where it is known")
    plane.legend(loc="upper left")

    def draw(case, rho, seed):
        how, momentum = case
        plane.axvline(rho, color=_GREY, linewidth=1, linestyle=":")
        ends = []
        colors = (GOOD, COLORS[1], COLORS[2], COLORS[3])
        for start, color, mark in zip(starts, colors, MARKS, strict=False):
            path = two_numbers.descend(start, rho, how, momentum, rate=RATE, steps=steps)
            plane.plot(path.p, path.w, color=color)
            plane.plot(*start, mark, color=color, markersize=6)
            clock.plot(time, path.w, color=color, marker=mark, markevery=steps // 8, markersize=5)
            ends.append(path.w[-1])
            if how in (NEITHER, STOP):
                curve = two_numbers.exact(start, rho, how)
                last = two_numbers.end(start, rho, how)
                plane.plot(curve.p, curve.w, "--", color=TRUTH, linewidth=1.2)
                plane.plot(*last, "*", color=TRUTH, markersize=10, zorder=5)
                clock.plot(curve.time, curve.w, "--", color=TRUTH, linewidth=1.2)
        said = ", ".join(f"{w:.2f}" for w in ends)
        return f"{_case(case)}, ρ = {rho:g}: after {steps:,} steps w is {said}"

    return BudgetView(
        fig,
        draw,
        luck=False,
        case=choice(CASES, default=CASES[0], names=list(map(_case, CASES)), label="cure"),
        rho=options(RHOS, default=0.8, label="ρ, how well x predicts y"),
    )


def survival_picture(decays: Sequence[float] = (0.01, 0.04, 0.1)) -> Picture:
    """What weight decay leaves of a feature, by how predictable it is; both cures."""
    fig, ax = figure(size=(7.4, 3.6))
    ax.set(xlim=(0, 1), ylim=(-0.03, 1.05), xlabel="ρ, how predictable the feature is")
    ax.set_ylabel("encoder w in the end")
    said = []
    for decay, color, mark in zip(decays, COLORS, MARKS, strict=False):
        rhos = np.linspace(0, 1, 201)
        left = np.array([two_numbers.survives(rho, decay) for rho in rhos])
        ax.plot(rhos, left, "--", color=TRUTH, linewidth=1.2)
        tried = np.linspace(0.1, 1.0, 10)
        ends = [
            two_numbers.descend((0.5, 1.0), rho, BOTH, 0.9, decay, 0.2, 4000).w[-1] for rho in tried
        ]
        ax.plot(tried, ends, mark, color=color, label=f"weight decay {decay:g}")
        said.append(f"{decay:g}: {', '.join(f'{w:.2f}' for w in ends)}")
    ax.plot([], [], "--", color=TRUTH, linewidth=1.2, label="exact")
    ax.legend(loc="upper left")
    return Picture(fig, "w in the end for ρ = 0.1, 0.2, …, 1; weight decay " + "; ".join(said))


def pace_picture(momenta: Sequence[float] = (0.0, 0.5, 0.9, 0.95, 0.98, 0.99)) -> Picture:
    """Steps until momentum alone has lost nine tenths of w, by gradient descent and by Adam."""
    fig, ax = figure(size=(7.4, 3.6))
    waits = [1 / (1 - m) for m in momenta]
    rho, rate = 0.8, 0.02
    exact = [two_numbers.expected_steps_to_a_tenth(rho, m, rate) for m in momenta]
    longest = {two_numbers.GRADIENT: [round(1.2 * steps) for steps in exact]}
    longest[two_numbers.ADAM] = [2000] * len(exact)
    said = []
    for (name, most), color, mark in zip(longest.items(), (GOOD, BAD), MARKS, strict=False):
        its_rate = rate if name == two_numbers.GRADIENT else 0.1 * rate
        found = [
            two_numbers.steps_to_a_tenth(rho, m, its_rate, steps, optimiser=name)
            for m, steps in zip(momenta, most, strict=True)
        ]
        ax.plot(waits, found, f"{mark}-", color=color, label=name)
        said.append(f"{name}: {', '.join(f'{steps:,}' for steps in found)}")
    ax.plot(waits, exact, "--", color=TRUTH, linewidth=1.2, label="exact, if p is best")
    ax.set(xscale="log", yscale="log", xlabel="steps that the target is behind: 1 / (1 − momentum)")
    ax.set_ylabel("steps until w is a tenth")
    ax.legend(loc="upper left")
    return Picture(fig, "steps until w is a tenth, by momentum; " + "; ".join(said))


# ---- the cures, over seeds -----------------------------------------------------------------------


def cures_view(record: Record) -> BudgetView:
    """Loss, spread and rank over training, each cure alone and both: bands over seeds."""
    fig, axes = figure(1, 3, size=(10.4, 3.9))
    names = ("loss", "spread", "rank")
    labels = ("loss", "spread of the features", "effective rank of the features")
    for ax, name, label in zip(axes, names, labels, strict=True):
        every = record.table[name]
        ax.set(xlim=(0, record.steps[-1]), xlabel="training steps", ylabel=label)
        if name == "rank":
            ax.set(ylim=(0, 1.1 * np.nanmax(every)))
        else:
            ax.set(yscale="log", ylim=(np.nanmin(every) / 1.5, 1.5 * np.nanmax(every)))
    marks = dict(zip(HOWS, MARKS, strict=True))
    for how in HOWS:
        axes[0].plot([], [], f"{marks[how]}-", color=LOOKS[how], markersize=4, label=how)
    fig.legend(loc="outside upper center", ncols=len(HOWS))

    def draw(momentum, seed):
        said = []
        for how in HOWS:
            run = record.run(how, momentum)
            for ax, name in zip(axes, names, strict=True):
                values = run[name]
                start = 0 if name != "loss" else 1  # before the first step there is no loss
                band(ax, record.steps[start:], values[:, start:], LOOKS[how])
                ax.lines[-1].set(marker=marks[how], markersize=4)
            ends = [np.median(run[name][:, -1]) for name in names]
            lost = int(record.collapsed(how, momentum).sum())
            said.append(
                f"{how} {ends[0]:.3f}, {ends[1]:.4f}, {ends[2]:.1f}, "
                f"{lost} of {len(run['loss'])} collapsed"
            )
        return f"momentum {momentum:g}; loss, spread, rank in the end: " + "; ".join(said)

    return BudgetView(
        fig,
        draw,
        luck=False,
        momentum=options(record.momenta, default=0.99, label="momentum"),
    )


# ---- what a probe reads --------------------------------------------------------------------------


def probe_picture(record: Record, pixels: OfPixels) -> Picture:
    """R² of position and velocity by a linear probe: features, rivals, pixels, and the ceiling.

    Parameters
    ----------
    pixels : collapse.OfPixels
        What a probe reads off the pixels themselves, and the most that a linear one can.
    """
    kinds = {"no training": MUTED, "predicts pixels": COLORS[2]} | LOOKS
    fig, axes = figure(1, 2, size=(10.4, 3.9), sharey=True)
    said = []
    for ax, name, of_pixels, ceiling in zip(axes, ("position", "velocity"), *pixels, strict=True):
        samples = [record.run(NEITHER)[name][:, 0], record.pixels[name]]
        samples += [record.run(how)[name][:, -1] for how in HOWS]
        boxes(ax, samples, list(kinds.values()), orientation="horizontal")
        ax.axvline(of_pixels, color=COLORS[4], label="pixels, read directly")
        truth(ax, ceiling, "best linear probe of the pixels, exact", vertical=True)
        ax.set(xlim=(min(0, *map(np.min, samples)) - 0.03, 1), xlabel=f"R² of the {name}")
        ax.set_yticks(range(1, len(kinds) + 1), list(kinds))
        ax.grid(axis="y", visible=False)
        medians = zip(kinds, map(np.median, samples), strict=True)
        said.append(
            f"{name}: "
            + ", ".join(f"{kind} {r2:.2f}" for kind, r2 in medians)
            + f"; pixels {of_pixels:.2f}, ceiling {ceiling:.2f}"
        )
    axes[0].invert_yaxis()
    fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return Picture(fig, "median R² over seeds; " + "; ".join(said))
