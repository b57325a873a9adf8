"""Pictures of notebook 14: what a fixed state recalls, what models learn, how heads forget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ttclib.cost import Cost
from ttclib.course.what_a_token_costs import recall
from ttclib.course.what_a_token_costs.tasks import LETTERS
from ttclib.show.live import LiveView
from ttclib.show.slider import BudgetView, options
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    band,
    boxes,
    counting_axis,
    figure,
    truth,
)

Memory = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
SIZES = (4, 8, 16, 32)
PAIRS = 2 ** np.arange(1, 9)
TEXTS = 8  # replicates
ASKED = 64  # pairs of each, at least
MARKS = "os^"  # of the lines of a picture
_SHARE = "share recalled"
_LOOKS = {
    "attention": COLORS[2],
    "selective": GOOD,
    "retention": COLORS[1],
    "time-invariant": BAD,
}


def look(mixers: str) -> str:
    """Colour of a stack, by its mixers: that of the last of them."""
    return _LOOKS[mixers.split("+")[-1]]


# ---- without training ----------------------------------------------------------------------------


def law_view(memories: Mapping[str, Memory], law: Callable[[int, int, int], float]) -> BudgetView:
    """Share of pairs that memories recall, and the law of the first of them.

    Parameters
    ----------
    memories : mapping of str to callable
        ``memory(keys, said, values)`` → scores (n, values), as :func:`recall.sums`.
    law : callable
        ``law(n, size, values)`` → share.
    """
    fig, ax = figure(size=(8.4, 4.0))
    counting_axis(ax, PAIRS, "pairs in the text")
    ax.set(ylim=(-0.03, 1.06), ylabel=_SHARE)
    for name, color, mark in zip(memories, COLORS, MARKS, strict=False):
        ax.plot([], [], mark, linestyle="-", color=color, markersize=4, label=name)
    ax.plot([], [], color=TRUTH, linestyle="--", label="the law")
    ax.legend(loc="lower left")
    fine = np.unique(np.round(2 ** np.linspace(1, 8, 40)).astype(int))

    def draw(size, seed):
        rng = np.random.default_rng(seed)
        found = {name: np.empty((TEXTS, len(PAIRS))) for name in memories}
        for column, n in enumerate(PAIRS):
            for row in range(TEXTS):
                asked = sharing(memories, n, size, max(1, ASKED // n), rng)
                for name, share in asked.items():
                    found[name][row, column] = share
        for share, color, mark in zip(found.values(), COLORS, MARKS, strict=False):
            band(ax, PAIRS, share, color)
            ax.lines[-1].set(marker=mark, markersize=4)
        ax.plot(fine, [law(n, size, size) for n in fine], color=TRUTH, linestyle="--", zorder=4)
        half = next(n for n in range(1, PAIRS[-1] + 1) if law(n, size, size) < 0.5)
        ax.axvline(half, color=MUTED, linewidth=0.8)
        at = list(PAIRS).index(128)
        said_of = ", ".join(f"{name} {s[:, at].mean():.2f}" for name, s in found.items())
        return (
            f"a state of {size} × {size} = {size * size:,} numbers: less than half from {half} "
            f"pairs on; of 128 pairs: law {law(128, size, size):.2f}, {said_of}"
        ), Cost(units=int(TEXTS * np.maximum(PAIRS, ASKED).sum()))

    return BudgetView(
        fig, draw, size=options(SIZES, default=8, label="size of the state, d of d × d")
    )


def sharing(
    memories: Mapping[str, Memory], n: int, size: int, texts: int, rng: np.random.Generator
) -> dict[str, float]:
    """Share of n pairs that each memory recalls, in the mean over the same texts."""
    total = dict.fromkeys(memories, 0.0)
    for _ in range(texts):
        keys = recall.draw_keys(n, size, rng)
        said = recall.deal_values(n, size, rng)
        for name, memory in memories.items():
            total[name] += recall.recalled(memory(keys, said, size), said).mean() / texts
    return total


def overwritten_picture(
    memories: Mapping[str, Memory], size: int, pairs: Sequence[int], rng: np.random.Generator
) -> Picture:
    """Every key is told a value, and later another one: which share says the latest?"""
    fig, ax = figure(size=(7.6, 3.4))
    counting_axis(ax, pairs, "keys, each told two values", marks=pairs)
    ax.set(ylim=(-0.03, 1.06), ylabel="share that says the latest value")
    said = []
    for (name, memory), color, mark in zip(memories.items(), COLORS, MARKS, strict=False):
        shares = np.array([[latest(memory, n, size, rng) for n in pairs] for _ in range(20)])
        band(ax, pairs, shares, color, label=name)
        ax.lines[-1].set(marker=mark, markersize=4)
        said.append(f"{name} " + "/".join(f"{share:.2f}" for share in shares.mean(axis=0)))
    truth(ax, 0.5, "a coin between the two")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    keys = "/".join(str(n) for n in pairs)
    return Picture(fig, f"{size} × {size} numbers, {keys} keys told twice: {'; '.join(said)}")


def latest(memory: Memory, n: int, size: int, rng: np.random.Generator) -> float:
    """Share of n keys for which a memory says the second value that it was told."""
    keys = recall.draw_keys(n, size, rng)
    first = recall.deal_values(n, size, rng)
    second = (first + rng.integers(1, size, size=n)) % size
    told = np.concatenate([first, second])
    scores = memory(np.concatenate([keys, keys]), told, size)
    return float(recall.recalled(scores[n:], second).mean())


# ---- trained -------------------------------------------------------------------------------------


def shares(table: Mapping[str, np.ndarray], task: str, mixers: str, state: int) -> np.ndarray:
    """Share of right answers of a stack: (seeds, sizes), the sizes rising.

    Parameters
    ----------
    table : mapping
        Of ``data/mixer-tasks``: ``task``, ``mixers``, ``state``, ``seed``, ``size``, ``right``.
    """
    mine = (table["task"] == task) & (table["mixers"] == mixers) & (table["state"] == state)
    order = np.lexsort([table["size"][mine], table["seed"][mine]])
    return table["right"][mine][order].reshape(len(np.unique(table["seed"][mine])), -1)


def sizes_of(table: Mapping[str, np.ndarray], task: str) -> np.ndarray:
    """Sizes of the texts in which a task was examined."""
    return np.unique(table["size"][table["task"] == task])


def state_view(table: Mapping[str, np.ndarray], task: str, longest: int, label: str) -> BudgetView:
    """Answers of one mixer with a fixed state against attention, by the size of the text.

    Parameters
    ----------
    table : mapping
    task : str
    longest : int
        The longest text that was trained on.
    label : str
        Of the sizes.
    """
    sizes = sizes_of(table, task)
    mine = (table["task"] == task) & (table["mixers"] == "selective")
    states = np.unique(table["state"][mine]).tolist()
    rival = shares(table, task, "attention", 8)
    fig, ax = figure(size=(8.0, 3.8))
    counting_axis(ax, sizes, label, marks=sizes)
    ax.set(ylim=(-0.03, 1.06), ylabel="share answered right")
    band(ax, sizes, rival, look("attention"), label="attention")
    truth(ax, 1 / LETTERS, "a guess")
    ax.plot([], [], color=look("selective"), label="selective")
    if longest < sizes[-1]:
        ax.axvspan(longest * 1.1, sizes[-1] * 1.25, color="#EEEEEE", label="longer than trained")
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 0.11))  # above the guess

    def draw(state, seed):
        found = shares(table, task, "selective", state)
        band(ax, sizes, found, look("selective"))
        ax.plot(sizes, found.mean(axis=0), "o", color=look("selective"), markersize=4)
        said = ", ".join(f"{s}: {v:.2f}" for s, v in zip(sizes, found.mean(axis=0), strict=True))
        against = ", ".join(f"{v:.2f}" for v in rival.mean(axis=0))
        return f"4 heads, keys of {state}, {32 * state} numbers; {said}; attention {against}"

    return BudgetView(
        fig, draw, luck=False, state=options(states, label="numbers of a key, in each head")
    )


def stacks_picture(
    table: Mapping[str, np.ndarray], task: str, stacks: Mapping[str, tuple[str, int]]
) -> Picture:
    """Boxes over seeds: each stack on each size of text of a task.

    ``stacks`` maps a name to the mixers and the numbers of a key.
    """
    examined = [shares(table, task, mixers, state) for mixers, state in stacks.values()]
    sizes = sizes_of(table, task)[-examined[0].shape[1] :]
    fig, axes = figure(1, len(sizes), size=(10.0, 3.4), sharey=True, squeeze=False)
    said = []
    for column, (ax, size) in enumerate(zip(axes[0], sizes, strict=True)):
        values = [found[:, column] for found in examined]
        boxes(ax, values, [look(mixers) for mixers, _ in stacks.values()])
        ax.set_xticks(range(1, len(stacks) + 1), list(stacks))
        ax.set(ylim=(-0.03, 1.06), title=f"size {size}")
        truth(ax, 1 / LETTERS)
        means = ", ".join(f"{n} {v.mean():.2f}" for n, v in zip(stacks, values, strict=True))
        said.append(f"size {size}: {means}")
    axes[0, 0].set_ylabel("share answered right")
    return Picture(fig, f"{task}; " + "; ".join(said))


class RecallLive(LiveView):
    """Watch a model learn to recall.

    Call it as ``watch(loss, found)`` after each step; ``found`` is the share answered right for
    each number of pairs, or None where nothing was measured.
    """

    def __init__(self, steps: int, pairs: Sequence[int]):
        self._steps = steps
        self._pairs = pairs
        self._done = 0
        self._seen: list[tuple[int, Sequence[float]]] = []
        fig, self._ax = figure(size=(7.6, 3.4))
        self._ax.set(xlim=(0, steps * 1.02), ylim=(-0.03, 1.06), xlabel="steps")
        self._ax.set_ylabel("share answered right")
        truth(self._ax, 1 / LETTERS, "a guess")
        for n, color, mark in zip(pairs, COLORS, MARKS, strict=False):
            self._ax.plot([], [], f"{mark}-", color=color, markersize=4, label=f"{n} pairs")
        self._ax.legend(loc="upper left")
        super().__init__(fig, steps)

    def __call__(self, loss: float, found: Sequence[float] | None) -> None:
        """Take note of a step, and of what was measured after it."""
        self.advance()
        self._done += 1
        if found is None:
            return
        self._seen.append((self._done, found))
        steps = [step for step, _ in self._seen]
        curves = np.transpose([shares for _, shares in self._seen])
        lines = [
            line
            for curve, color, mark in zip(curves, COLORS, MARKS, strict=False)
            for line in self._ax.plot(steps, curve, f"{mark}-", color=color, markersize=4)
        ]
        said = ", ".join(f"{n} pairs {v:.2f}" for n, v in zip(self._pairs, found, strict=True))
        self.redraw(lines, f"after {self._done} steps: {said}", loss)


# ---- how heads forget ----------------------------------------------------------------------------

EXPONENTS = tuple(range(1, 11))
SCALES = tuple(1 - 2.0**-k for k in (5, 6, 7, 8))  # of the four heads of a retention
DISTANCES = np.unique(np.round(2 ** np.linspace(0, 8, 65)).astype(int))
KEY = 32  # numbers of a key


def decay_view(
    keep: Sequence[float] = SCALES, size: int = KEY, distances: np.ndarray = DISTANCES
) -> BudgetView:
    """Left: what is left of a token. Right: bits read right, by one scale and by several.

    Parameters
    ----------
    keep : sequence of float
        γ of each head of the set of several scales. The set of one scale has as many heads.
    size : int
        Of a key, in each head.
    distances : array of int
    """
    single = {k: recall.faded_share(distances, [1 - 2.0**-k] * len(keep), size) for k in EXPONENTS}
    best = np.max(list(single.values()), axis=0)
    several = recall.faded_share(distances, keep, size)
    fig, (left, right) = figure(1, 2, size=(10.0, 4.0))
    for ax in (left, right):
        counting_axis(ax, distances, "distance, tokens", marks=(1, 4, 16, 64, 256))
    left.set(ylim=(-0.03, 1.06), ylabel="what is left, γ^distance")
    right.set(ylim=(0.47, 1.03), ylabel="share of bits read right")
    for gamma in keep:
        left.plot(distances, gamma**distances, color=MUTED, linewidth=1)
    left.plot([], [], color=MUTED, label="heads of a retention")
    left.plot([], [], color=GOOD, label="the head of the slider")
    left.legend(loc="lower left")
    right.plot(
        distances, best, color=TRUTH, linestyle="--", label="best single scale of each place"
    )
    right.plot(distances, several, color=MUTED, label="several scales")
    right.plot([], [], color=GOOD, label="one scale")
    right.legend(loc="lower left")

    def draw(exponent, seed):
        gamma = 1 - 2.0**-exponent
        half = recall.half_life(gamma)
        left.plot(distances, gamma**distances, color=GOOD)
        if half >= distances[0]:
            left.plot([half], [0.5], "*", color=TRUTH, markersize=12, zorder=5)
        right.plot(distances, single[exponent], color=GOOD)
        near, far = single[exponent][[0, -1]]
        return (
            f"γ = 1 − 2^−{exponent} = {gamma:.4f}, half-life {half:.1f} tokens; bits read right at "
            f"distance {distances[0]}: {near:.2f}, at {distances[-1]}: {far:.2f}; "
            f"farthest below the best: one scale {np.max(best - single[exponent]):.3f}, "
            f"several {np.max(best - several):.3f}"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        exponent=options(
            EXPONENTS,
            default=6,
            names=[f"1 − 2^−{k} = {1 - 2.0**-k:.4f}" for k in EXPONENTS],
            label="γ of all heads",
        ),
    )
