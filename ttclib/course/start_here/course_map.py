"""The map of the course: six populations, one loop, and every page in its place.

The miniatures share one code of colours: blue is proposed, orange is a weight, green is selected.
Darts, chain and population are real runs of this library, and the scaling curves follow a published
formula; the language model's weights and the search's rewards are random numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from ttclib.particles import genealogy, smc, statespace
from ttclib.sampling import mcmc
from ttclib.show.style import COLORS, MUTED, Picture, figure

PROPOSED = COLORS[0]
WEIGHED = COLORS[1]
SELECTED = COLORS[2]
UNSELECTED = "#9CC3DD"  # proposed, and not selected
_INK = "#222222"
_GREY = "#555555"
_CARD = "#F5F6F8"

# heading, what is proposed, how it is weighed, how it is selected, unit of the budget
_PARTS = (
    ("darts", "a point", "inside or not", "count the hits", "darts"),
    ("a chain", "a step nearby", "density ratio", "move or stay", "transitions"),
    ("a population", "move each particle", "fit to the data", "resample", "particle steps"),
    ("language model", "the next token", "the constraint", "resample", "LM tokens"),
    ("search", "the next step", "process reward", "keep the best", "generations"),
    ("scale", "a way to spend", "loss per FLOP", "the cheapest", "FLOPs"),
)
_NOTEBOOKS = (  # of each part, numbered from 00
    ("start here", "Monte Carlo π"),
    ("Metropolis–Hastings", "Bayesian estimation"),
    ("particle filtering",),
    ("a small LM", "SMC decoding"),
    ("process reward", "PRM search", "compute-optimal", "revisions"),
    ("small vs 14×", "three scaling laws", "small models", "cost of a token", "predict features"),
)
_BETWEEN = {"04": "learning the boat", "09": "budget challenge"}  # 04b after 04, 09b after 09
_AT_THE_END = {"15b": "looking back", "16": "your own model"}
_ROWS = (2.77, 2.46, 2.15, 1.79)  # heights of propose, weigh, select, paid in
_WIDTH = 10.8  # of the page, in inches
_HEIGHT = 5.3
_LEFT = 1.02  # where the first part begins
_STEP = 1.625  # from part to part


def course_map(dpi: int = 100) -> Picture:
    """Draw the arc of the course: its parts, and a chip for each page."""
    fig, page = figure(size=(_WIDTH, _HEIGHT))
    fig.set_layout_engine("none")
    fig.set_dpi(dpi)
    page.set_position((0, 0, 1, 1))
    page.set(xlim=(0, _WIDTH), ylim=(0, _HEIGHT))  # the page is measured in inches
    page.axis("off")
    title = {"fontsize": 17, "weight": "bold", "color": _INK}
    page.text(0.14, 4.97, "From darts to decoding", va="center", **title)
    question = "spend more computation while answering: what does it buy?"
    page.text(_WIDTH - 0.15, 4.95, question, ha="right", va="center", color=_GREY)
    _row_labels(page)
    number = 0
    for k, names in enumerate(_NOTEBOOKS):
        left = _LEFT + k * _STEP
        _part(page, k, left)
        chips = {}
        for name in names:
            chips[f"{number:02d}"] = name
            if f"{number:02d}" in _BETWEEN:
                chips[f"{number:02d}b"] = _BETWEEN[f"{number:02d}"]
            number += 1
        for row, (label, name) in enumerate(chips.items()):
            _chip(page, left + 0.1, 1.5 - 0.225 * row, label, name)
    for k, (label, name) in enumerate(_AT_THE_END.items()):
        _chip(page, _LEFT + 0.1 + k * _STEP, 0.2, label, name)
    arc = " → ".join(heading for heading, *_ in _PARTS)
    end = " and ".join(f"{label} {name}" for label, name in _AT_THE_END.items())
    return Picture(
        fig,
        f"map of the course: {arc}; in each you propose, weigh and select; "
        f"notebooks 00 to {number - 1}, and at the end {end}",
    )


def _part(page: Axes, k: int, left: float) -> None:
    """One part of the course: its name, a miniature, and the loop in words."""
    middle = left + 0.5 * _STEP
    heading, *loop = _PARTS[k]
    centred = {"ha": "center", "va": "center", "color": _INK}
    _box(page, left + 0.05, 0.42, _STEP - 0.1, 4.28, 0.08, color=_CARD, linewidth=0)
    page.text(middle, 4.5, heading, weight="bold", **centred)
    if k:
        _arrow(page, (left - 0.1, 4.5), (left + 0.1, 4.5), _INK)
    place = ((left + 0.12) / _WIDTH, 3.03 / _HEIGHT, (_STEP - 0.24) / _WIDTH, 1.28 / _HEIGHT)
    _miniature(page.figure.add_axes(place, facecolor="white"), k)
    for y, words in zip(_ROWS, loop, strict=True):
        page.text(middle, y, words, fontsize=9.2, **centred)
    page.plot([left + 0.15, left + _STEP - 0.15], [1.97, 1.97], color="#DDDDDD", linewidth=0.8)


def _row_labels(page: Axes) -> None:
    """The three steps, drawn as the loop they are."""
    words = zip(_ROWS, ("propose", "weigh", "select"), (PROPOSED, WEIGHED, SELECTED), strict=False)
    for y, word, color in words:
        page.add_patch(Circle((0.3, y), 0.062, color=color, linewidth=0))
        page.text(0.43, y, word, va="center", fontsize=9.5, weight="bold", color=_INK)
    for above, below in pairwise(_ROWS[:3]):
        _arrow(page, (0.3, above - 0.07), (0.3, below + 0.07), MUTED)
    _arrow(page, (0.24, _ROWS[2]), (0.24, _ROWS[0]), MUTED, connectionstyle="arc3,rad=-0.42")
    page.text(0.43, _ROWS[3], "paid in", va="center", color=_GREY)
    page.text(0.43, 1.5, "read in", va="center", color=_GREY)
    page.text(0.14, 0.2, "at the end", va="center", color=_GREY)


def _arrow(page: Axes, start, end, color: str, **style) -> None:
    style |= {"arrowstyle": "-|>", "mutation_scale": 8, "linewidth": 1.1}
    page.add_patch(FancyArrowPatch(start, end, color=color, shrinkA=0, shrinkB=0, **style))


def _box(ax: Axes, x: float, y: float, width: float, height: float, radius: float, **style) -> None:
    rounded = f"round,pad=0,rounding_size={radius}"
    ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=rounded, **style))


def _chip(page: Axes, x: float, y: float, number: str, name: str) -> None:
    """One page of the course: a numbered box, and its name."""
    width = 0.22 if len(number) == 2 else 0.28
    _box(page, x, y - 0.087, width, 0.174, 0.04, color=PROPOSED, linewidth=1)
    bold = {"ha": "center", "fontsize": 7.8, "weight": "bold", "color": "white"}
    page.text(x + width / 2, y - 0.007, number, va="center", **bold)
    page.text(x + width + 0.05, y - 0.007, name, va="center", fontsize=8, color=_INK)


# ---- miniatures ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One part of the course, to be laid out elsewhere: the loop in words, and its miniature."""

    heading: str
    propose: str
    weigh: str
    select: str
    unit: str
    first: int  # the number of its first notebook
    picture: Picture


def parts() -> list[Part]:
    """Return the parts of the map one by one, each miniature in a picture of its own."""
    first = 0
    found = []
    for k, (words, names) in enumerate(zip(_PARTS, _NOTEBOOKS, strict=True)):
        fig, ax = figure(size=(_STEP - 0.24, 1.28))
        fig.set_layout_engine("none")
        fig.set_dpi(200)
        ax.set_position((0, 0, 1, 1))
        _miniature(ax, k)
        found.append(Part(*words, first=first, picture=Picture(fig, f"miniature: {words[0]}")))
        first += len(names)
    return found


def _miniature(ax: Axes, k: int) -> None:
    """Draw a part's miniature in a frame."""
    _MINIATURES[k](ax)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set(visible=True, color="#DDDDDD", linewidth=0.8)


def _darts(ax: Axes) -> None:
    xy = np.random.default_rng(1).random((260, 2))
    hit = (xy**2).sum(axis=1) <= 1
    arc = np.linspace(0, math.pi / 2, 100)
    ax.plot(np.cos(arc), np.sin(arc), color=_INK, linewidth=1)
    ax.plot(*xy[hit].T, "o", color=SELECTED, markersize=2.4, markeredgewidth=0)
    ax.plot(*xy[~hit].T, "o", color=UNSELECTED, markersize=2.4, markeredgewidth=0)
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02))


def _chain(ax: Axes) -> None:
    """Random-walk Metropolis on a banana; the lighter dots were proposed and refused."""

    def banana(x):
        return -0.5 * x[:, 0] ** 2 - 3 * (x[:, 1] - 0.6 * x[:, 0] ** 2) ** 2

    kernel = mcmc.random_walk(banana, 0.7)
    rng = np.random.default_rng(4)
    state = kernel.init(np.array([[-2.2, 3.0]]))
    path = [state.position[0]]
    refused = []
    for _ in range(70):
        state, info = kernel.step(state, rng)
        path.append(state.position[0])
        if not info.accepted[0]:
            refused.append(info.proposal[0])
    grid = np.stack(np.meshgrid(np.linspace(-3, 3, 120), np.linspace(-1.6, 5, 120)), axis=-1)
    density = np.exp(banana(grid.reshape(-1, 2))).reshape(120, 120)
    shades = ["#FDF1D8", "#FAE0AC", "#F5CB74"]
    ax.contourf(grid[..., 0], grid[..., 1], density, levels=[0.03, 0.15, 0.45, 1], colors=shades)
    ax.plot(*np.array(refused).T, "o", color=UNSELECTED, markersize=2.4, markeredgewidth=0)
    ax.plot(*np.array(path).T, "o-", color=SELECTED, markersize=2.6, linewidth=1, markeredgewidth=0)
    ax.set(xlim=(-3, 3), ylim=(-1.3, 4.6))


def _population(ax: Axes) -> None:
    """A bootstrap filter follows a curve (dashed): who lives on, and who the parents were."""
    curve = 1.6 * np.sin(np.arange(8) / 1.8)
    walk = statespace.LinearGaussian(transition=1.0, transition_cov=0.5, observation_cov=0.3)
    model = statespace.Bootstrap(walk, curve)
    history = smc.run(model, 8, smc.resample("systematic"), np.random.default_rng(3))
    alive = genealogy.lineages(history)
    for t, now in enumerate(history):
        for i in range(len(now) if t else 0):
            parent = history[t - 1].particles[now.ancestors[i]]
            ax.plot([t - 1, t], [parent, now.particles[i]], **_branch(i in alive[t]))
        sizes = 4 + 70 * now.weights
        ax.scatter(t + 0 * sizes, now.particles, s=sizes, color=WEIGHED, linewidth=0, zorder=3)
    ax.plot(curve, "k--", linewidth=1, zorder=4)
    ax.set(xlim=(-0.4, len(curve) - 0.6))


def _branch(lives: bool) -> dict:
    if lives:
        return {"color": SELECTED, "linewidth": 1.5, "zorder": 2}
    return {"color": UNSELECTED, "linewidth": 0.8, "zorder": 1}


def _language(ax: Axes) -> None:
    """Next-token weights for a line of arithmetic, darker for heavier; the one taken is framed."""
    rng = np.random.default_rng(5)
    text = "8*12=96"
    for t, token in enumerate(text):
        others = [c for c in rng.permutation(list("0123456789*+-=;")) if c != token][:4]
        weights = np.sort(rng.dirichlet(np.full(5, 0.7)))[::-1]
        rank = min(int(rng.geometric(0.7)) - 1, 2)
        column = others[:rank] + [token] + others[rank:]
        for row, (symbol, weight) in enumerate(zip(column, weights, strict=True)):
            taken = symbol == token
            square = (t - 0.4, -row - 0.4, 0.8, 0.8, 0.15)
            _box(ax, *square, color=WEIGHED, alpha=0.08 + 0.8 * weight, linewidth=0)
            if taken:
                _box(ax, *square, facecolor="none", edgecolor=SELECTED, linewidth=1.6)
            ink = {"weight": "bold", "color": _INK} if taken else {"color": "#333333"}
            ink |= {"ha": "center", "va": "center", "fontsize": 7.5, "family": "monospace"}
            ax.text(t, -row - 0.04, symbol, **ink)
    ax.set(xlim=(-0.75, len(text) - 0.25), ylim=(-4.75, 0.75))


def _search(ax: Axes) -> None:
    """A beam: each of the two best nodes of a level has three children."""
    rng = np.random.default_rng(8)
    beam = [(0.0, 0.0)]
    for depth in range(1, 5):
        edges = [parent for parent in beam for _ in range(3)]
        ys = np.linspace(1, -1, len(edges)) * (0.42 + 0.14 * depth)
        rewards = rng.random(len(edges))
        best = np.argsort(-rewards, kind="stable")[:2]
        for i, (x, y) in enumerate(edges):
            ax.plot([x, depth], [y, ys[i]], **_branch(i in best))
        sizes = 6 + 34 * rewards
        ax.scatter(depth + 0 * ys, ys, s=sizes, color=WEIGHED, linewidth=0, zorder=3)
        beam = [(depth, ys[i]) for i in sorted(best)]
    ax.scatter(0, 0, s=14, color=_INK, zorder=3)
    ax.set(xlim=(-0.35, 4.4), ylim=(-1.15, 1.15))


def _scale(ax: Axes) -> None:
    """Loss against training FLOPs for five sizes: the parametric fit of Hoffmann et al. (2022)."""

    def loss(size, flops):
        return 1.69 + 406.4 / size**0.34 + 410.7 / (flops / (6 * size)) ** 0.28

    flops = np.logspace(17, 23, 120)
    for size in np.logspace(7, 10, 5):
        ax.plot(flops, loss(size, flops), color=UNSELECTED, linewidth=1.2)
    envelope = loss(np.logspace(6.5, 11, 200)[:, None], flops).min(axis=0)
    ax.plot(flops, envelope, color=SELECTED, linewidth=2)
    ax.set(xscale="log", yscale="log", xlim=(1e17, 1e23), ylim=(1.95, 6))
    ax.minorticks_off()
    corner = {"transform": ax.transAxes, "ha": "left", "fontsize": 8, "color": _GREY}
    ax.text(0.04, 0.05, "loss against\nFLOPs", **corner)


_MINIATURES = (_darts, _chain, _population, _language, _search, _scale)
