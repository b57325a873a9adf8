"""Pictures of notebook 13: weights on grids, what that costs, kernels, and memories of facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ttclib.course.small_models import kernels
from ttclib.course.small_models.quantize import (
    BITS,
    GPTQ,
    NEAREST,
    SHARING,
    Quantized,
    factor,
    output_error,
)
from ttclib.course.small_models.record import FULL, Run, chosen, speedups
from ttclib.measure import bootstrap
from ttclib.show.slider import BudgetView, entry, options
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    figure,
    plain_ticks,
    truth,
)

LOOKS = {NEAREST: (BAD, "o-"), GPTQ: (GOOD, "s-")}
_SHARED = {"matrix": "the whole matrix", "row": "a row"}
KB = 1000.0


def shared_name(sharing: str | int) -> str:
    """How it is written which weights share a grid."""
    return _SHARED.get(str(sharing), f"{sharing} weights")


# ---- a matrix on a grid --------------------------------------------------------------------------


def grid_view(
    weight: np.ndarray,
    moments: np.ndarray,
    quantize: Callable[[np.ndarray, int, str | int], Quantized],
) -> BudgetView:
    """Some weights of a matrix and the grid they are rounded to; its bytes and its error.

    Parameters
    ----------
    weight, moments : numpy.ndarray
        Of a layer: what the error of its outputs is counted with.
    quantize : callable
        ``quantize(weight, bits, sharing)`` → :class:`quantize.Quantized`.
    """
    shown = 96  # weights of the first row
    x = np.arange(shown)
    whole = output_error(weight, 0 * weight, moments)
    found = {}
    for sharing in SHARING:
        for bits in BITS:
            one = quantize(weight, bits, sharing)
            error = output_error(weight, one.weight, moments) / whole
            found[bits, sharing] = one, one.nbytes / KB, error
    places = [one.weight[0, :shown] for one, *_ in found.values()]
    top = 1.08 * np.abs([weight[0, :shown], *places]).max()
    fig, (row, trade) = figure(1, 2, size=(10.0, 3.9), width_ratios=[1.7, 1])
    row.set(xlim=(-1, shown), ylim=(-top, top), xlabel="weight, the first of row 0", ylabel="value")
    row.plot(x, weight[0, :shown], "o", color=MUTED, markersize=4, label="as trained")
    row.plot([], [], "s", color=GOOD, markersize=3.5, label="rounded")
    row.plot([], [], "-", color=COLORS[1], linewidth=0.8, label="the grid")
    row.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    row.grid(visible=False)
    for sharing, color, mark in zip(SHARING, COLORS[1:], "osD^", strict=False):
        points = np.array([found[bits, sharing][1:] for bits in BITS])
        trade.plot(*points.T, f"{mark}-", color=color, markersize=4, label=shared_name(sharing))
    errors = [error for *_, error in found.values()]
    trade.set(yscale="log", ylim=(min(errors) / 2, max(errors) * 4), xlabel="kB of the matrix")
    trade.set_ylabel("error of its outputs, as a share of them")
    trade.legend(title="a grid for", loc="upper right")

    def draw(bits, sharing, seed):
        one, kilobytes, error = found[bits, sharing]
        size = weight.size // len(one.scale)
        for begin in range(0, shown, size):
            group = begin // size
            values = one.scale[group, 0] * (np.arange(2**bits) - float(one.zero[group, 0]))
            ends = [begin - 0.5, min(begin + size, shown) - 0.5]
            row.hlines(values[np.abs(values) < top], *ends, color=COLORS[1], linewidth=0.8)
        row.plot(x, one.weight[0, :shown], "s", color=GOOD, markersize=3.5)
        trade.plot(kilobytes, error, "*", color=TRUTH, markersize=13, zorder=5)
        return (
            f"{bits} bits, a grid for {shared_name(sharing)}: {kilobytes:.1f} kB in place of "
            f"{4 * weight.size / KB:.1f}; the outputs are off by {100 * error:.3g}% of their size"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        bits=options(BITS, default=4, label="bits"),
        sharing=options(
            SHARING,
            default="row",
            names=[shared_name(s) for s in SHARING],
            label="a grid for",
        ),
    )


def errors_on_the_way(
    weight: np.ndarray, found: np.ndarray, moments: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the outputs when the first j columns are quantized, j = 0, …, all of them.

    Returns
    -------
    (left, least) : tuple of numpy.ndarray, shape (columns + 1,)
        With the columns that are still free as they were, and with their best values: least
        squares, from the Schur complement of the moments.
    """
    gap = weight - found
    columns = weight.shape[1]
    left = np.zeros(columns + 1)
    least = np.zeros(columns + 1)
    for j in range(1, columns + 1):
        fixed, cross, free = moments[:j, :j], moments[:j, j:], moments[j:, j:]
        best = fixed - cross @ np.linalg.solve(free, cross.T) if j < columns else fixed
        mine = gap[:, :j]
        left[j] = np.sum((mine @ fixed) * mine)
        least[j] = np.sum((mine @ best) * mine)
    return left, least


def columns_view(
    weight: np.ndarray,
    moments: np.ndarray,
    rounded: Callable[[np.ndarray, int], np.ndarray],
    gptq: Callable[[np.ndarray, np.ndarray, int], np.ndarray],
) -> BudgetView:
    """The error of a layer, column by column, by rounding and by GPTQ; least squares beside it.

    Parameters
    ----------
    weight : numpy.ndarray, shape (rows, columns)
    moments : numpy.ndarray, shape (columns, columns)
        Damped, so that they can be inverted.
    rounded, gptq : callable
        ``rounded(weight, bits)`` and ``gptq(weight, moments, bits)`` → the quantized matrix.
    """
    columns = weight.shape[1]
    x = np.arange(columns + 1)
    whole = output_error(weight, 0 * weight, moments)
    marks = np.linspace(0, columns, 17).astype(int)
    upper = factor(moments)
    kept = 1 / upper.diagonal() ** 2
    fig, ax = figure(size=(8.4, 4.0))
    curves = {}
    for bits in BITS:
        plain = rounded(weight, bits)
        clever = gptq(weight, moments, bits)
        curves[bits] = (
            errors_on_the_way(weight, plain, moments)[0] / whole,
            *(values / whole for values in errors_on_the_way(weight, clever, moments)),
            updates(weight, clever, upper) / whole,
        )
    top = max(curve.max() for curve in curves[BITS[-1]][:1])
    low = min(curve[1] for each in curves.values() for curve in each)
    ax.set(yscale="log", xlim=(0, columns), ylim=(low / 2, 3 * top), xlabel="columns quantized")
    ax.set_ylabel("error of the outputs, as a share of them")
    ax.plot([], [], "--", color=BAD, label="rounded to nearest, the others untouched")
    ax.plot([], [], color=GOOD, label="GPTQ, after its updates")
    ax.plot([], [], "x", color=TRUTH, label="least squares: the best the others can do")
    ax.legend(loc="lower right")

    def draw(bits, seed):
        plain, _, least, mine = curves[bits]
        ax.plot(x[1:], plain[1:], "--", color=BAD)
        ax.plot(x[1:], mine[1:], color=GOOD)
        ax.plot(marks[1:], least[marks[1:]], "x", color=TRUTH, markersize=6, zorder=4)
        return (
            f"{bits} bits: outputs off by {100 * plain[-1]:.3g}% rounded to nearest, "
            f"{100 * mine[-1]:.3g}% by GPTQ, {plain[-1] / mine[-1]:.1f} times less; "
            f"expected {np.trace(moments) / kept.sum():.1f} times less"
        )

    return BudgetView(fig, draw, luck=False, bits=options(BITS, default=3, label="bits"))


def updates(weight: np.ndarray, found: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Sum what each column cost when GPTQ rounded it: lost² / U[j, j]², by columns done.

    What a column was just before it was rounded follows from what the columns before it lost.
    """
    free = weight.copy()
    total = np.zeros(weight.shape[1] + 1)
    for j in range(weight.shape[1]):
        lost = free[:, [j]] - found[:, [j]]
        free[:, j:] -= lost * upper[j, j:] / upper[j, j]
        total[j + 1] = total[j] + np.sum(lost**2) / upper[j, j] ** 2
    return total


# ---- whole models --------------------------------------------------------------------------------


def bits_view(runs: list[Run], luck: np.random.Generator) -> BudgetView:
    """KL to the full model and share solved, against bytes: to nearest and by GPTQ.

    Parameters
    ----------
    runs : list of Run
        From :func:`record.read_runs`.
    luck : numpy.random.Generator
        Draws the problems again, for the intervals.
    """
    fig, (far, solved) = figure(1, 2, size=(10.0, 4.3))
    large = [run for run in runs if run.model == "lab-large"]
    full = chosen(large, method=FULL)[0]
    counts = bootstrap.counts(len(full.right), 399, luck)
    shares = [s for s in ("matrix", "row", "32") if chosen(large, sharing=s)]
    far.set(xscale="log", yscale="log", ylabel="KL to the full model, nats a token")
    solved.set(xscale="log", ylabel="share solved, greedy", ylim=(-0.03, 1.0))
    for ax in (far, solved):
        ax.set(xlim=(60, 14000), xlabel="kB in memory")
        plain_ticks(ax.xaxis, (100, 300, 1000, 3000, 10000))
    truth(solved, full.right.mean())
    far.set(ylim=(2e-7, 20))
    for method, (color, look) in LOOKS.items():
        solved.plot([], [], look, color=color, markersize=4, label=f"lab-large, {method}")
    solved.plot([], [], color=TRUTH, linestyle="--", label="lab-large, float32")
    for model, color, look in (
        ("lab-small-more", COLORS[2], "^-"),
        ("lab-small", COLORS[3], "v-"),
    ):
        mine = [r for r in runs if r.model == model and r.method in (FULL, "bfloat16", GPTQ)]
        mine.sort(key=lambda run: -run.nbytes)
        points = [(run.nbytes / KB, run.right.mean()) for run in mine]
        solved.plot(*np.transpose(points), look, color=color, markersize=4, label=f"{model}, GPTQ")
    solved.legend(loc="lower right", fontsize=7.5)

    def points(sharing, method):
        found = []
        for bits in BITS:
            mine = chosen(large, method=method, sharing=sharing, bits=bits)
            if mine:
                right = np.mean([run.right for run in mine], axis=0)
                kl = [run.divergence for run in mine]
                found.append((bits, mine[0].nbytes / KB, kl, right))
        return found

    def draw(bits, sharing, seed):
        said = []
        for method, (color, mark) in LOOKS.items():
            found = points(sharing, method)
            if not found:
                said.append(f"{method}: not recorded with one grid for the whole matrix")
                continue
            size = [one[1] for one in found]
            far.plot(size, [np.mean(one[2]) for one in found], mark, color=color, markersize=4)
            solved.plot(size, [one[3].mean() for one in found], mark, color=color, markersize=4)
            for b, at, kl, right in found:
                mean, low, high = bootstrap.mean_interval(right, counts)
                solved.plot([at, at], [low, high], color=color, linewidth=1)
                far.plot([at] * len(kl), kl, ".", color=color, markersize=3)
                if b == bits:
                    far.plot(at, np.mean(kl), "*", color=TRUTH, markersize=13, zorder=5)
                    solved.plot(at, mean, "*", color=TRUTH, markersize=13, zorder=5)
                    said.append(
                        f"{method}: {at:,.0f} kB, KL {np.mean(kl):.2g}, "
                        f"solved {mean:.2f} [{low:.2f}, {high:.2f}]"
                    )
        return f"{bits} bits, a grid for {shared_name(sharing)}; " + "; ".join(said)

    return BudgetView(
        fig,
        draw,
        luck=False,
        bits=options(BITS, default=3, label="bits"),
        sharing=options(
            shares, default="row", names=[shared_name(s) for s in shares], label="a grid for"
        ),
    )


def speed_picture(table: Mapping[str, np.ndarray], marked: Mapping[str, int]) -> Picture:
    """How many times faster than float32 a layer is, by its width: bfloat16 and int8.

    Parameters
    ----------
    table : mapping
        Of ``data/kernels``: ``what``, ``width``, ``tokens``, ``kind``, ``seconds``.
    marked : mapping of str to int
        Widths of models, by name.
    """
    layers = table["what"] == "layer"
    counts = np.unique(table["tokens"][layers])
    widths = np.unique(table["width"][layers])
    fig, axes = figure(1, len(counts), size=(10.0, 3.9), sharey=True)
    said = []
    for ax, tokens in zip(np.ravel(axes), counts, strict=True):
        for kind, color, look in (
            (kernels.BFLOAT16, COLORS[1], "s-"),
            (kernels.INT8, GOOD, "o-"),
        ):
            ratio = [speedups(table, "layer", tokens, kind, width) for width in widths]
            low, middle, high = np.quantile(ratio, [0, 0.5, 1], axis=1)
            ax.fill_between(widths, low, high, color=color, alpha=0.2, linewidth=0)
            ax.plot(widths, middle, look, color=color, markersize=4, label=kind)
            if kind == kernels.INT8:
                said += [f"{tokens} at once, width {widths[0]}: {middle[0]:.1f}"]
                said += [f"width {widths[-1]}: {middle[-1]:.1f}"]
        truth(ax, 1.0)
        for name, width in marked.items():
            ax.axvline(width, color=MUTED, linewidth=0.8)
            ax.text(width * 1.04, 0.11, name, color="#555555", fontsize=8, rotation=90, va="bottom")
        ax.set(xscale="log", yscale="log", ylim=(0.1, 40), xlabel="width of the layer")
        ax.set_title("one token" if tokens == 1 else f"{tokens} tokens at once")
        plain_ticks(ax.xaxis, widths)
        plain_ticks(ax.yaxis, (0.1, 0.3, 1, 3, 10, 30))
    np.ravel(axes)[0].set_ylabel("times as fast as float32")
    np.ravel(axes)[0].legend(loc="upper left")
    return Picture(fig, f"int8 against float32, times as fast: {'; '.join(said)}")


# ---- memories ------------------------------------------------------------------------------------


def capacity_view(table: Mapping[str, np.ndarray]) -> BudgetView:
    """Bits stored against bits offered, both a parameter; and what rounding leaves of them.

    Parameters
    ----------
    table : mapping
        Of ``data/knowledge``: ``hidden``, ``parameters``, ``facts``, ``exposures``,
        ``seed``, ``bits`` (32: as trained) and ``stored``.
    """
    offered = table["offered"]
    held = table["stored"] / table["parameters"]
    amounts = np.unique(offered).tolist()
    exposures = np.unique(table["exposures"]).tolist()
    sizes = np.unique(table["parameters"]).tolist()
    widths = np.unique(table["bits"])[::-1]
    places = np.arange(len(widths))
    fig, (learned, kept) = figure(1, 2, size=(10.0, 4.1))
    top = max(held.max() * 1.1, 2.2)
    learned.set(xlim=(0, max(amounts) * 1.05), ylim=(0, top))
    learned.set(xlabel="bits offered a parameter", ylabel="bits stored a parameter")
    learned.plot([0, top], [0, top], color=TRUTH, linestyle="--", linewidth=1.2, label="all of it")
    learned.axhline(2, color=MUTED, linewidth=1, label="2 bits (Allen-Zhu and Li 2024)")
    looks = {
        size: {"color": color, "marker": mark, "markersize": 4}
        for size, color, mark in zip(sizes, (COLORS[3], COLORS[2], GOOD), "^so", strict=False)
    }
    for size, look in looks.items():
        learned.plot([], [], label=f"{size:,} parameters", **look)
    learned.legend(loc="lower right")
    kept.set(xlim=(-0.5, len(widths) - 0.5), ylim=(-1, top), xlabel="bits of a weight")
    kept.set_xticks(places, ["float32", *(f"{b}" for b in widths[1:])])
    kept.set_ylabel("bits stored a parameter")
    kept.axhline(0, color=MUTED, linewidth=1)

    def draw(facts, shown, seed):
        said = []
        now: tuple[list, list] = ([], [])
        for size, look in looks.items():
            mine = (table["parameters"] == size) & (table["exposures"] == shown)
            curve = [held[mine & (table["bits"] == 32) & (offered == a)] for a in amounts]
            learned.plot(amounts, np.mean(curve, axis=1), **look)
            spread = [(c.min(), c.max()) for c in curve]
            band = {"color": look["color"], "alpha": 0.2, "lw": 0}
            learned.fill_between(amounts, *np.transpose(spread), **band)
            at = mine & (offered == facts)
            after = np.array([held[at & (table["bits"] == b)] for b in widths])
            kept.plot(places, after.mean(axis=1), **look)
            ends = np.quantile(after, [0, 1], axis=1)
            kept.fill_between(places, *ends, **band)
            now[0].append(facts)
            now[1].append(after[0].mean())
            said.append(
                f"{size:,}: {after[0].mean():.2f}, int8 {after[1].mean():.2f}, "
                f"int4 {after[widths == 4].mean():.2f}"
            )
        learned.plot(now[0], now[1], "o", color=TRUTH, markersize=10, fillstyle="none")
        return (
            f"{facts:g} bit{'s' * (facts > 1)} a parameter offered, "
            f"each fact seen {shown:,} times; "
            f"stored a parameter, by size: {'; '.join(said)}"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        facts=options(amounts, default=max(amounts), label="facts offered, bits a parameter"),
        shown=options(
            exposures, default=exposures[-1], names=[f"{e:,}" for e in exposures], label="exposures"
        ),
    )


# ---- what fits where -----------------------------------------------------------------------------

DEVICES = {
    "microcontroller, 264 kB (RP2040)": 264e3,
    "microcontroller, 8 MB (ESP32-S3 module with PSRAM)": 8e6,
    "single-board computer, 512 MB": 512e6,
    "phone, 8 GB": 8e9,
    "laptop, 16 GB": 16e9,
    "server card, 80 GB": 80e9,
}
_SUFFIXES = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


def amount(text: str) -> float:
    """Read a number of parameters, such as 135M or 8e9.

    Raises
    ------
    ValueError
        One line: what is wrong, and what is allowed.
    """
    word = text.strip()
    scale = _SUFFIXES.get(word[-1:], 1.0)
    try:
        value = float(word[:-1] if scale > 1 else word) * scale
    except ValueError:
        raise ValueError(
            f"parameters is {text!r}; type a number such as 135M or 8e9 (k, M, B, T)"
        ) from None
    if not 1e3 <= value <= 1e13:
        raise ValueError(f"parameters is {word}; it must be from 1k to 1e13")
    return value


def model_bytes(parameters: float, bits: float, group: float) -> float:
    """Bytes of a model whose weights all share grids with ``group`` others; plain from 16 bits."""
    extra = 0.0 if bits >= 16 else (16 + bits) / group
    return parameters * (bits + extra) / 8


def fits_view(known: Sequence[str] = ("0.22M", "3M", "135M", "8B")) -> BudgetView:
    """Bytes of a model of so many parameters, and memories of devices."""
    fig, ax = figure(size=(9.0, 3.4))
    names = list(DEVICES)
    ax.barh(names, list(DEVICES.values()), color="#DDDDDD", height=0.6)
    ax.set(xscale="log", xlim=(1e2, 1e14), xlabel="memory")
    ax.set_xticks([1e3, 1e6, 1e9, 1e12], ["1 kB", "1 MB", "1 GB", "1 TB"])
    ax.set_xticks([], minor=True)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)

    def draw(parameters, bits, seed):
        size = model_bytes(parameters, bits, 32)
        ax.axvline(size, color=GOOD, linewidth=2)
        fit = [name.split(",")[0] for name, room in DEVICES.items() if room > size]
        text = f"{parameters:,.0f} parameters at {bits} bits: {readable_bytes(size)}"
        first = next((name for name, room in DEVICES.items() if room > size), "none of these")
        return (
            f"{text}; the smallest memory that holds its weights: {first}; "
            f"{len(fit)} of {len(DEVICES)} do"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        parameters=entry(amount, known[1], label="parameters"),
        bits=options((32, 16, 8, 4, 3, 2), default=16, label="bits a weight"),
    )


def readable_bytes(size: float) -> str:
    """Write bytes in kB, MB, GB or TB."""
    for unit, factor_ in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor_:
            return f"{size / factor_:.3g} {unit}"
    return f"{size:.0f} bytes"
