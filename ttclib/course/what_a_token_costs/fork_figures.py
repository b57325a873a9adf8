"""Pictures of notebook 14: what a fork copies, what it takes, and how many texts fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ttclib.course.what_a_token_costs.forks import Forks, Kept
from ttclib.course.what_a_token_costs.writers import METHODS, shares
from ttclib.search.results import Columns
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    counting_axis,
    figure,
    truth,
)

_LOOKS = {
    "attention": (BAD, "-o"),
    "grouped": (COLORS[1], "-s"),
    "window": (COLORS[3], "--v"),
    "retention": (GOOD, "-D"),
    "selective": (COLORS[4], "-^"),
}
NAMES = {
    "attention": "attention",
    "grouped": "grouped queries",
    "window": "a window",
    "retention": "retention",
    "selective": "selective",
}
_TEXT = 2.0 ** np.arange(4, 15)  # tokens


def fork_view(forks: Forks, kept: Mapping[str, Kept]) -> BudgetView:
    """What a fork copies by formula, and what it takes inside the engine's loop.

    Parameters
    ----------
    forks : Forks
        The record.
    kept : mapping of str to Kept
        What each kind of model keeps of a text; those that were not timed are drawn on the left
        only.
    """
    fig, (left, right) = figure(1, 2, size=(10.0, 3.8))
    left.set(xscale="log", yscale="log", xlim=(_TEXT[0], _TEXT[-1]), xlabel="context (tokens)")
    left.set_ylabel("bytes that a fork of one text copies")
    for name, one in kept.items():
        color, style = _LOOKS[name]
        left.plot(_TEXT, one.row(_TEXT), style, color=color, markersize=4, label=NAMES[name])
    sizes = [one.row(_TEXT) for one in kept.values()]
    left.set_ylim(np.min(sizes) / 2, np.max(sizes) * 2)
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=len(kept))
    longest = max(forks.share(name, forks.contexts[-1]) for name in forks.names)
    right.set(xlim=(0, 1.1 * longest), ylim=(-0.6, len(forks.names) - 0.4))
    right.set_xlabel(f"time of a fork of {forks.particles // 2} of {forks.particles}, in tokens")
    right.set_yticks(range(len(forks.names)), [NAMES[name] for name in forks.names])
    right.grid(axis="y", visible=False)
    truth(right, 1.0, vertical=True)
    right.text(1.04, len(forks.names) - 0.5, "as long as the token itself", fontsize=8.5, va="top")

    def draw(context, seed):
        left.axvline(context, color=TRUTH, linewidth=1)
        said = []
        for i, name in enumerate(forks.names):
            color, style = _LOOKS[name]
            share = forks.share(name, context)
            left.plot(context, kept[name].row(context), style[-1], color=color, markersize=8)
            right.barh(i, max(0.0, share), 0.6, color=color)
            said.append(f"{NAMES[name]} {kept[name].row(context) / 1e3:,.0f} kB, {share:.2f}")
        return (
            f"{context:,} tokens; a fork copies, and takes for {forks.particles // 2} of "
            f"{forks.particles} texts as a share of a token: " + "; ".join(said)
        )

    names = [f"{context:,}" for context in forks.contexts]
    at = 1024 if 1024 in forks.contexts else forks.contexts[0]
    setting = options(
        forks.contexts, default=at, names=names, unit="tokens", label="context (tokens)"
    )
    return BudgetView(fig, draw, luck=False, context=setting)


WAYS = {False: "each text a row of its own", True: "pages: what texts share is kept once"}


def memory_view(
    kept: Mapping[str, Kept], memory: float, written: Sequence[int] = (16, 64, 256, 1024)
) -> BudgetView:
    """How many texts of one prompt fit into a memory of so many bytes, weights apart.

    Parameters
    ----------
    kept : mapping of str to Kept
    memory : float
    written : sequence of int
        Tokens that each text has written after the prompt.
    """
    fig, (left, right) = figure(1, 2, size=(10.0, 3.8))
    texts = 2.0 ** np.arange(11)
    left.set(xscale="log", yscale="log", xlim=(1, texts[-1]), ylim=(1e5, 1e12))
    left.set(xlabel="texts at once", ylabel="bytes")
    for name in kept:
        color, style = _LOOKS[name]
        left.plot([], [], style, color=color, markersize=4, label=NAMES[name])
    truth(left, memory, f"{memory / 1e9:g} GB")
    handles, names = left.get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper center", ncols=len(kept) + 1)
    right.set(xscale="log", xlim=(0.5, 1e5), ylim=(-0.6, len(kept) - 0.4))
    right.set_xlabel("texts that fit")
    right.set_yticks(range(len(kept)), [NAMES[name] for name in kept])
    right.grid(axis="y", visible=False)

    def draw(prompt, particles, written, pages, seed):
        said = []
        left.axvline(particles, color=MUTED, linewidth=1)
        for i, (name, one) in enumerate(kept.items()):
            color, style = _LOOKS[name]
            takes = one.together(texts, prompt, written, pages)
            left.plot(texts, takes, style, color=color, markersize=4)
            most = one.most_texts(memory, prompt, written, pages)
            right.barh(i, most, 0.6, color=color)
            takes = one.together(particles, prompt, written, pages)
            said.append(f"{NAMES[name]} {most:,} ({takes / 1e6:,.0f} MB)")
        right.axvline(particles, color=MUTED, linewidth=1)
        return (
            f"a prompt of {prompt:,} and {written:,} more tokens each: texts that fit "
            f"(and what {particles:,} take): " + "; ".join(said)
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        prompt=powers_of_two(6, 14, unit="tokens", default=10, label="prompt (tokens)"),
        particles=powers_of_two(0, 10, unit="texts", default=4, label="texts at once"),
        written=options(written, default=64, label="written since (tokens)"),
        pages=choice(tuple(WAYS), names=list(WAYS.values()), label="kept as"),
    )


WORTH = dict(zip(METHODS, (MUTED, COLORS[1], GOOD), strict=True))


def worth_picture(columns: Columns) -> Picture:
    """What two writers solve with more texts: means over runs, and from the least to the most."""
    writers = list(dict.fromkeys(columns["model"].tolist()))
    budgets = np.unique(columns["n"]).tolist()
    fig, axes = figure(1, len(writers), size=(9.0, 3.6), sharey=True)
    said = []
    for ax, name in zip(axes, writers, strict=True):
        counting_axis(ax, budgets, "texts for each problem")
        ax.set(ylim=(0, 1), title=name)
        for (method, color), mark in zip(WORTH.items(), "s^o", strict=True):
            runs = shares(columns, name, method, budgets)
            ax.fill_between(budgets, runs.min(0), runs.max(0), color=color, alpha=0.25, lw=0)
            ax.plot(budgets, runs.mean(0), f"{mark}-", color=color, markersize=5, label=method)
            first, last = runs.mean(0)[[0, -1]]
            said.append(f"{name}, {method} {first:.2f} to {last:.2f}")
    axes[0].set_ylabel("share solved")
    axes[-1].legend(loc="lower right")
    return Picture(fig, f"from {budgets[0]} to {budgets[-1]} texts: " + "; ".join(said))
