"""Pictures of notebook 14, experts: who gets the tokens, what that buys, and what is dropped."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ttclib.course.what_a_token_costs import experts as mixture
from ttclib.course.what_a_token_costs.dialects import (
    LENGTH,
    TEXTS,
    WIDTH,
    Dialects,
    NextLetter,
    routing,
)
from ttclib.search.results import where
from ttclib.show.slider import BudgetView, options, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    TRUTH,
    counting_axis,
    figure,
    plain_ticks,
    truth,
)

Columns = Mapping[str, np.ndarray]
KINDS = {
    "mixture": (GOOD, "o-"),
    "equal FLOPs": (COLORS[1], "s-"),
    "equal parameters": (COLORS[2], "^-"),
}
NAMES = {
    "mixture": "mixture",
    "equal FLOPs": "dense, equal FLOPs",
    "equal parameters": "dense, equal parameters",
}
FACTORS = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 8.0)


def spread(ax, x, draws, color, mark="o-", label=None) -> np.ndarray:
    """Draw means of runs (runs, k), and a band from the lowest to the highest; return the means."""
    mean = np.mean(draws, axis=0)
    ax.fill_between(x, np.min(draws, axis=0), np.max(draws, axis=0), color=color, alpha=0.2, lw=0)
    ax.plot(x, mean, mark, color=color, markersize=4, label=label)
    return mean


def by_seed(rows: Columns, name: str, along: str) -> tuple[np.ndarray, np.ndarray]:
    """Values of ``along``, and a table (seeds, values) of what was measured at each."""
    values = np.unique(rows[along])
    return values, np.transpose([where(rows, **{along: v})[name] for v in values])


# ---- who gets the tokens -------------------------------------------------------------------------


def collapse_view(rows: Columns, entropy: float) -> BudgetView:
    """How many experts carry the load, and the loss, by the weight of the balance loss.

    Parameters
    ----------
    rows : mapping
        Of ``data/experts``: the part ``collapse``.
    entropy : float
        Of the language.
    """
    amounts = np.unique(rows["shared"]).tolist()
    weights = np.unique(rows["balance"])
    x = np.arange(len(weights))
    experts = int(rows["experts"][0])
    fig, (load, loss) = figure(1, 2, size=(10.0, 3.9))
    for ax in (load, loss):
        ax.set_xticks(x, [f"{weight:g}" for weight in weights])
        ax.set(xlim=(-0.3, len(x) - 0.7), xlabel="α, the weight of the balance loss")
    load.set(ylim=(0, experts + 0.6), ylabel="experts that carry the load")
    truth(load, experts, "all alike")
    load.legend(loc="lower right")
    loss.set(ylim=(entropy - 0.1, entropy + 1.25 * rows["excess"].max()))
    loss.set_ylabel("loss, nats a letter")
    truth(loss, entropy, "entropy: the least there is")
    loss.legend(loc="upper right")

    def draw(shared, seed):
        mine = where(rows, shared=shared)
        _, carried = by_seed(mine, "effective", "balance")
        _, excess = by_seed(mine, "excess", "balance")
        many = spread(load, x, carried, GOOD)
        lost = spread(loss, x, entropy + excess, GOOD)
        said = [
            f"α = {weight:g}: {count:.1f} of {experts} experts, loss {nats:.2f}"
            for weight, count, nats in zip(weights, many, lost, strict=True)
        ]
        return f"shared part {shared:g}; " + "; ".join(said)

    return BudgetView(
        fig,
        draw,
        luck=False,
        shared=options(amounts, default=amounts[-1], label="what all tokens share"),
    )


def table_view(rows: Columns) -> BudgetView:
    """Which expert gets which dialect, in a run of each luck; the number of experts slides.

    Parameters
    ----------
    rows : mapping
        Of ``data/experts``: the mixtures of the part ``sizes``.
    """
    counts = np.unique(rows["of"]).tolist()
    seeds = np.unique(rows["seed"])
    tables = {
        (of, seed): np.stack(list(table))
        for of, seed, table in zip(rows["of"], rows["seed"], rows["table"], strict=True)
    }
    dialects = len(next(iter(tables.values())))
    fig, (grid, pure) = figure(1, 2, size=(10.0, 3.9), width_ratios=[1.8, 1])
    grid.set(xlim=(-0.5, max(counts) - 0.5), ylim=(dialects - 0.5, -0.5), ylabel="dialect")
    grid.set_xlabel("expert, in the order of its dialect")
    grid.set_yticks(range(dialects))
    grid.set_xticks(range(0, max(counts)))
    grid.grid(visible=False)
    counting_axis(pure, counts, "experts", counts)
    pure.set(ylim=(0, 1.05), ylabel="how much of the dialect the expert tells")
    most = np.minimum(1, np.log(counts) / np.log(dialects))  # a word of so many can say no more
    pure.plot(counts, most, color=TRUTH, linestyle="--", lw=1.2, label="the most it could")
    values, told = by_seed(rows, "purity", "of")
    spread(pure, values, told, GOOD, label="10 runs")
    pure.legend(loc="lower right")

    def draw(experts, seed):
        run = seeds[seed % len(seeds)]
        table = tables[experts, run]
        order = np.lexsort([-table.max(axis=0), table.argmax(axis=0)])
        ends = (-0.5, experts - 0.5, dialects - 0.5, -0.5)
        shown = {"extent": ends, "vmin": 0, "vmax": 1, "aspect": "auto", "zorder": 2}
        grid.imshow(table[:, order], cmap="Blues", **shown)
        for (row, column), share in np.ndenumerate(table[:, order]):
            if share >= 0.1:
                look = {"ha": "center", "va": "center", "fontsize": 7, "zorder": 3}
                color = "white" if share > 0.6 else "black"
                grid.text(column, row, f"{100 * share:.0f}", color=color, **look)
        mine = where(rows, of=experts, seed=run)
        pure.plot(experts, mine["purity"][0], "*", color=TRUTH, markersize=13, zorder=5)
        alone = int((table.max(axis=1) > 0.9).sum())
        return (
            f"{experts} experts, run {run}: {alone} of {dialects} dialects go to one expert alone "
            f"(more than 90%); the expert tells {mine['purity'][0]:.2f} of the dialect; "
            f"{mine['effective'][0]:.1f} experts carry the load"
        )

    return BudgetView(
        fig, draw, experts=options(counts, default=counts[len(counts) // 2], label="experts")
    )


# ---- what it buys --------------------------------------------------------------------------------


def price(kind: str, of: int, hidden: int) -> tuple[int, int]:
    """FLOPs of a token and parameters of a layer that is compared at a number of experts."""
    count = of if kind == "mixture" else 1
    sizes = (WIDTH, hidden, count)
    return mixture.layer_flops(*sizes), mixture.layer_parameters(*sizes)


def rivals_view(rows: Columns, entropy: float) -> BudgetView:
    """The loss of mixtures and of dense layers, against FLOPs a token and against parameters.

    Parameters
    ----------
    rows : mapping
        Of ``data/experts``: the part ``sizes``.
    entropy : float
        Of the language.
    """
    counts = np.unique(rows["of"]).tolist()
    fig, axes = figure(1, 2, size=(10.0, 3.9), sharey=True)
    found = {}
    for kind, (color, mark) in KINDS.items():
        mine = where(rows, kind=kind)
        _, excess = by_seed(mine, "excess", "of")
        hidden = [int(where(mine, of=count)["hidden"][0]) for count in counts]
        prices = np.array([price(kind, *pair) for pair in zip(counts, hidden, strict=True)])
        for ax, at in zip(axes, prices.T, strict=True):
            spread(ax, at, entropy + excess, color, mark, NAMES[kind])
        found[kind] = prices, excess
    marks = ((1500, 3000, 6000, 12000, 24000), (750, 1500, 3000, 6000, 12000))
    for ax, label, at in zip(axes, ("FLOPs of a token", "parameters"), marks, strict=True):
        ax.set(xscale="log", xlabel=f"{label}, of the layer", xlim=(at[0] * 0.9, at[-1] * 1.2))
        plain_ticks(ax.xaxis, at)
        truth(ax, entropy, "entropy")
    top = entropy + 1.05 * rows["excess"].max()
    axes[0].set(ylabel="loss, nats a letter", ylim=(entropy - 0.02, top))
    axes[0].legend(loc="upper right", fontsize=8)

    def draw(experts, seed):
        i = counts.index(experts)
        said = []
        for kind, (prices, excess) in found.items():
            for ax, at in zip(axes, prices[i], strict=True):
                ax.plot(np.full(len(excess), at), entropy + excess[:, i], ".", color=TRUTH, ms=4)
                ax.plot(at, entropy + excess[:, i].mean(), "*", color=TRUTH, markersize=11)
            said.append(
                f"{NAMES[kind]}: {prices[i, 0]:,} FLOPs, {prices[i, 1]:,} parameters, "
                f"{excess[:, i].mean():.3f} above the entropy"
            )
        return f"{experts} experts; " + "; ".join(said)

    return BudgetView(
        fig,
        draw,
        luck=False,
        experts=options(counts, default=counts[len(counts) // 2], label="experts"),
    )


# ---- seats ---------------------------------------------------------------------------------------


def capacity_view(model: NextLetter, language: Dialects, rows: Columns) -> BudgetView:
    """A batch at the experts and their seats; what is dropped, by the capacity factor.

    Parameters
    ----------
    model, language
        A trained mixture with one choice a token, and what it read.
    rows : mapping
        Of ``data/experts``: the mixtures of this size of the part ``sizes``.
    """
    experts = len(model.layer.up)
    size = TEXTS * LENGTH
    kinds = {
        "texts": (LENGTH, f"texts of {LENGTH} letters", BAD, "o", "--"),
        "letters": (1, "single letters", GOOD, "s", ":"),
    }
    fine = np.geomspace(FACTORS[0], FACTORS[-1], 60)
    fig, (batch, lost) = figure(1, 2, size=(10.0, 3.9))
    batch.set(xlim=(-0.6, experts - 0.4), ylim=(0, 0.55 * size), xlabel="expert")
    batch.set(ylabel=f"tokens, of a batch of {size}")
    batch.bar([-9], [0], color=GOOD, label="served")
    dropped = {"color": BAD, "hatch": "///", "edgecolor": "white"}
    batch.bar([-9], [0], label="dropped", **dropped)
    batch.plot([], [], color=TRUTH, label="seats")
    batch.legend(loc="upper right", ncols=3, fontsize=8)
    lost.set(xscale="log", xlim=(0.95, 8.4), ylim=(-0.02, 0.5), xlabel="capacity factor")
    lost.set_ylabel("share of tokens dropped")
    plain_ticks(lost.xaxis, FACTORS)
    for name, (length, label, color, marker, dashes) in kinds.items():
        measured = np.stack(list(rows[f"dropped, {name}"]))
        spread(lost, np.array(FACTORS), measured, color, marker, f"{label}, 10 trained models")
        exact = [mixture.dropped(size // length, length, experts, factor) for factor in fine]
        lost.plot(fine, exact, color=color, ls=dashes, lw=1.4, label=f"{label}, at random: exact")
    lost.legend(loc="upper right", fontsize=8)

    def draw(factor, length, seed):
        mark, letter = language.sample(size // length, length, np.random.default_rng(seed))
        with torch.no_grad():
            _, who = model.layer.route(model.tokens(mark, letter[:, :-1]).flatten(0, 1))
        load = np.bincount(who.flatten().numpy(), minlength=experts)
        seats = mixture.capacity_seats(size, 1, experts, factor)
        served = np.minimum(load, seats)
        batch.bar(range(experts), served, color=GOOD)
        batch.bar(range(experts), load - served, bottom=served, **dropped)
        batch.axhline(seats, color=TRUTH, linewidth=1.2)
        gone = 1 - served.sum() / size
        at_random = mixture.dropped(size // length, length, experts, factor)
        lost.plot(factor, gone, "*", color=TRUTH, markersize=13, zorder=5)
        empty = 1 - served.sum() / (seats * experts)
        return (
            f"{seats} seats at each of {experts} experts: {100 * gone:.1f}% of this batch dropped "
            f"(at random {100 * at_random:.1f}%), {100 * empty:.0f}% of the seats empty"
        )

    return BudgetView(
        fig,
        draw,
        factor=options(FACTORS, default=1.25, label="capacity factor"),
        length=options((1, LENGTH), default=LENGTH, label="letters of a text"),
    )


# ---- weights that are read -----------------------------------------------------------------------


def touched_view(model: NextLetter, language: Dialects, most: int = 8) -> BudgetView:
    """How many experts a batch needs: exact for even and for this router, and batches drawn.

    Parameters
    ----------
    model, language
        A trained mixture, and what it read.
    most : int
        The largest batch is 2 to the power of this.
    """
    experts = len(model.layer.up)
    table = routing(model, language)
    batches = 2 ** np.arange(most + 1)
    mixed = [mixture.touched(table.mean(axis=0), int(b)) for b in batches]
    own = [np.mean([mixture.touched(load, int(b)) for load in table]) for b in batches]
    even = [mixture.touched(np.full(experts, model.layer.k / experts), int(b)) for b in batches]
    fig, (read, each) = figure(1, 2, size=(10.0, 3.9))
    for ax, divide in ((read, np.ones(len(batches))), (each, batches)):
        counting_axis(ax, batches, "tokens that are generated together")
        ax.plot(
            batches,
            even / divide,
            color=TRUTH,
            linestyle="--",
            lw=1.2,
            zorder=3,
            label="even: exact",
        )
        ax.plot(batches, mixed / divide, color=GOOD, lw=3, label="all dialects: exact")
        ax.plot(batches, own / divide, color=BAD, ls="-.", label="all of one dialect: exact")
    read.set(ylim=(0, experts + 0.6), ylabel=f"experts whose weights are read, of {experts}")
    each.set(yscale="log", ylabel="the same, for each token", ylim=(0.5 / batches[-1], 2))
    read.legend(loc="lower right")

    def draw(batch, seed):
        rng = np.random.default_rng(seed)
        said = []
        for same, color, marker in ((False, GOOD, "o"), (True, BAD, "s")):
            needed = []
            for _ in range(50):
                marks = rng.integers(language.dialects, size=1 if same else batch)
                mark = torch.from_numpy(np.resize(marks, batch))
                letter = torch.from_numpy(rng.integers(language.letters, size=(batch, 1)))
                with torch.no_grad():
                    _, who = model.layer.route(model.tokens(mark, letter).flatten(0, 1))
                needed.append(len(who.unique()))
            mean = np.mean(needed)
            read.plot(batch, mean, marker, color=color, markersize=7)
            each.plot(batch, mean / batch, marker, color=color, markersize=7)
            said.append(f"{mean:.1f} {'of one dialect' if same else 'of all dialects'}")
        exact = mixture.touched(table.mean(axis=0), batch)
        return (
            f"{batch} tokens at once read {' or '.join(said)} of {experts} experts, in 50 batches; "
            f"exactly {exact:.1f} of all dialects on average"
        )

    return BudgetView(fig, draw, batch=powers_of_two(0, most, default=3, unit="tokens at once"))
