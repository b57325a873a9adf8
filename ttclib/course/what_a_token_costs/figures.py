"""Pictures of notebook 14: bytes of a cache, operations of a token, and both as measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from ttclib.course.what_a_token_costs import counting, measuring, mixers
from ttclib.course.what_a_token_costs.measuring import GENERATION, TRAINING, Cost
from ttclib.show.slider import BudgetView, choice, options, powers_of_two
from ttclib.show.style import BAD, COLORS, GOOD, MUTED, TRUTH, Picture, figure, ink

GIB = 2.0**30
MEMORIES = {"a laptop, 8 GiB": 8, "a large GPU, 80 GiB": 80}  # where weights are, too
LOOKS = {  # colour and line of each contender, the same in every picture
    measuring.NO_CACHE: (MUTED, "--"),
    measuring.ATTENTION: (BAD, "-"),
    measuring.FUSED: (BAD, ":"),
    measuring.ONE_KV_HEAD: (COLORS[1], "-"),
    measuring.WINDOW: (COLORS[1], "--"),
    measuring.RETENTION: (GOOD, "-"),
    measuring.CHUNKS: (GOOD, "--"),
    measuring.STEPS: (GOOD, ":"),
    measuring.SELECTIVE: (COLORS[2], "-"),
    measuring.SELECTIVE_CHUNKS: (COLORS[2], "--"),
    measuring.TIME_INVARIANT: (COLORS[3], "-"),
}
# a shape beside each colour, so that nothing is told by colour alone
MARKS = {MUTED: "x", BAD: "o", GOOD: "s", COLORS[1]: "^", COLORS[2]: "D", COLORS[3]: "v"}
# layers with attention, KV heads, numbers of a key; GB that table 1 of Jamba-1.5 prints for a
# context of 256 K tokens in 16 bits (Jamba Team 2024; shapes: its section 2, and transformers)
PRINTED_CACHES = (
    ("Mistral 7B", 32, 8, 128, 32),
    ("Mixtral 8x7B", 32, 8, 128, 32),
    ("Jamba-1.5-Mini", 4, 8, 128, 4),
    ("Jamba-1.5-Large", 9, 8, 128, 9),
)
DUELS = (  # which is slower for short texts, or always
    (TRAINING, measuring.ATTENTION, measuring.FUSED),
    (TRAINING, measuring.ATTENTION, measuring.CHUNKS),
    (TRAINING, measuring.FUSED, measuring.CHUNKS),
    (TRAINING, measuring.FUSED, measuring.SELECTIVE_CHUNKS),
    (TRAINING, measuring.FUSED, measuring.TIME_INVARIANT),
    (GENERATION, measuring.NO_CACHE, measuring.ATTENTION),
    (GENERATION, measuring.ATTENTION, measuring.WINDOW),
    (GENERATION, measuring.ATTENTION, measuring.RETENTION),
    (GENERATION, measuring.FUSED, measuring.RETENTION),
    (GENERATION, measuring.FUSED, measuring.SELECTIVE),
)
CONTEXTS = 2 ** np.arange(6, 15)  # tokens, 64 to 16,384


def plain_bytes(size: float) -> str:
    """Return bytes in the unit that fits: ``"4.0 GiB"``."""
    for unit, one in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= one:
            return f"{size / one:,.1f} {unit}"
    return f"{size:,.0f} bytes"


def _tokens_axis(ax, tokens):
    ax.set(xscale="log", xlim=(tokens[0], tokens[-1]), xlabel="context (tokens)")
    marks = tokens[::2]
    names = [f"{n // 1024}K" if n >= 1024 else f"{n}" for n in marks]
    ax.set_xticks(marks, names)
    ax.minorticks_off()


# ---- a cache grows -------------------------------------------------------------------------------


def cache_view(layers: int = 32, heads: int = 32, size: int = 128, state: int = 128) -> BudgetView:
    """Bytes kept of one text in a large model, against its length; 16 bits a number.

    Parameters
    ----------
    layers, heads, size : int
        Of the model.
    state : int
        Numbers of a key in the memory that takes the place of attention.
    """
    tokens = 2 ** np.arange(10, 21)
    fig, ax = figure(size=(9.0, 4.0))
    _tokens_axis(ax, tokens)
    full = counting.cache_bytes(layers, heads, size, tokens) / GIB
    ax.set(yscale="log", ylim=(2e-3, 2 * full[-1]), ylabel="kept of one text (GiB)")
    ax.plot(tokens, full, "-", color=MUTED, label="attention in every layer, every head its own")
    for name, room in MEMORIES.items():
        ax.axhline(room, color=TRUTH, linestyle="--", linewidth=1)
        ax.text(tokens[0] * 1.05, room * 1.1, name, fontsize=8.5, va="bottom")
    ax.plot([], [], "-", color=GOOD, linewidth=2.2, label="with your settings")
    ax.legend(loc="lower right")
    fixed = layers * heads * state * size * 2 / GIB

    def draw(tokens_read, kv_heads, window, attending, seed):
        seen = np.minimum(tokens, window or tokens[-1])
        attention = counting.cache_bytes(attending, kv_heads, size, 1) * seen / GIB
        held = attention + fixed * (layers - attending) / layers
        ax.plot(tokens, held, "-", color=GOOD, linewidth=2.2)
        now = float(np.interp(tokens_read, tokens, held))
        ax.plot(tokens_read, now, "o", color=GOOD, markersize=8)
        text = f"{tokens_read:,} tokens: {plain_bytes(now * GIB)}"
        whole = counting.cache_bytes(layers, heads, size, tokens_read)
        if attending < layers:
            text += f", {plain_bytes(fixed * (layers - attending) / layers * GIB)} of it fixed"
        return (
            f"{text}; the full cache {plain_bytes(whole)}, {whole / now / GIB:,.1f} times as much"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        tokens_read=powers_of_two(10, 20, unit="tokens", default=18, label="context"),
        kv_heads=options(
            (32, 8, 4, 1), default=8, unit="KV heads", label="heads of keys and values"
        ),
        window=options(
            (0, 4096, 1024), names=["all", "the last 4,096", "the last 1,024"], label="a token sees"
        ),
        attending=options(
            (32, 8, 4, 0),
            names=["all 32", "8 (1 in 4)", "4 (1 in 8)", "none"],
            label="layers with attention",
        ),
    )


# ---- operations of a token -----------------------------------------------------------------------


def cost_curves(width: int, heads: int, state: int, window: int, chunk: int = 64):
    """Operations of a token by form, contender and length of :data:`CONTEXTS`."""
    with torch.device("meta"):  # sizes without weights
        attention = mixers.Attention(width, heads)
        windowed = mixers.Attention(width, heads, window=window)
        retention = mixers.Retention(width, heads, state)
    cases = {
        (TRAINING, measuring.ATTENTION): (attention, counting.PARALLEL),
        (TRAINING, measuring.RETENTION): (retention, counting.PARALLEL),
        (TRAINING, measuring.CHUNKS): (retention, counting.CHUNKWISE),
        (GENERATION, measuring.ATTENTION): (attention, counting.STEP),
        (GENERATION, measuring.WINDOW): (windowed, counting.STEP),
        (GENERATION, measuring.RETENTION): (retention, counting.STEP),
    }
    return {
        case: np.array([counting.flops(mixer, form, int(n), chunk) for n in CONTEXTS])
        for case, (mixer, form) in cases.items()
    }


def cost_view(width: int = 1024, heads: int = 16) -> BudgetView:
    """Operations of a token against the context: a text at once, and one more token."""
    fig, axes = figure(1, 2, size=(10.4, 4.0), sharey=True)
    for ax, form in zip(axes, (TRAINING, GENERATION), strict=True):
        _tokens_axis(ax, CONTEXTS)
        ax.set_title("a token of a text read at once" if form == TRAINING else "one more token")
    axes[0].set(yscale="log", ylim=(4e6, 2.5e8), ylabel="FLOPs of one token, one mixer")
    fixed = cost_curves(width, heads, 64, 1024)
    for ax, form in zip(axes, (TRAINING, GENERATION), strict=True):
        color, line = LOOKS[measuring.ATTENTION]
        look = {"color": color, "marker": MARKS[color], "markevery": [0, -1]}
        ax.plot(CONTEXTS, fixed[form, measuring.ATTENTION], line, label="attention", **look)
    own = 8 * width**2
    axes[0].axhline(own, color=MUTED, linestyle="--", linewidth=1)
    axes[0].text(70, own * 0.93, "its own matrices alone", fontsize=8.5, color=ink(MUTED), va="top")
    for name in (measuring.RETENTION, measuring.CHUNKS, measuring.WINDOW):
        color, line = LOOKS[name]
        axes[0].plot([], [], line, color=color, marker=MARKS[color], label=name)
    axes[0].legend(loc="upper left")

    def draw(context, state, window, seed):
        curves = cost_curves(width, heads, state, window)
        place = list(CONTEXTS).index(context)
        for (form, name), costs in curves.items():
            ax = axes[int(form == GENERATION)]
            color, line = LOOKS[name]
            if name != measuring.ATTENTION:
                ax.plot(CONTEXTS, costs, line, color=color)
            ax.plot(context, costs[place], MARKS[color], color=color, markersize=7)
        one = curves[GENERATION, measuring.ATTENTION][place]
        other = curves[GENERATION, measuring.RETENTION][place]
        chunks = curves[TRAINING, measuring.CHUNKS][place]
        whole = curves[TRAINING, measuring.ATTENTION][place]
        crossing = step_crossing(width, heads, state)
        where = f"from {crossing:,} tokens on" if crossing > 1 else "at every length"
        return (
            f"{context:,} tokens, {state * width:,} numbers of state: attention costs "
            f"{whole / chunks:.2f} times chunks at once and {one / other:.2f} times a step of "
            f"retention; a step of attention is the dearer {where}"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        context=powers_of_two(6, 14, unit="tokens", default=12, label="context"),
        state=options((16, 64, 256), default=64, label="numbers of a key in retention"),
        window=options((256, 1024, 4096), default=1024, unit="tokens", label="window"),
    )


def step_crossing(width: int, heads: int, state: int) -> float:
    """Context from which one more token costs attention more operations than retention."""
    with torch.device("meta"):
        attention = mixers.Attention(width, heads)
        retention = mixers.Retention(width, heads, state)
    return counting.crossing(
        lambda n: counting.flops(retention, counting.STEP, max(n, 1)),
        lambda n: counting.flops(attention, counting.STEP, max(n, 1)),
    )


# ---- as measured ---------------------------------------------------------------------------------


def measured_view(record: Mapping[tuple[str, str], Cost]) -> BudgetView:
    """Seconds or bytes, measured: a text at once, and one more token, against the context.

    Parameters
    ----------
    record : mapping from (form, contender) to :class:`measuring.Cost`
        From :func:`measuring.read_costs`.
    """
    fig, axes = figure(1, 2, size=(10.4, 4.4))
    quantities = {"time": "seconds", "memory": "bytes"}
    for ax, form in zip(axes, (TRAINING, GENERATION), strict=True):
        _tokens_axis(ax, CONTEXTS)
        ax.set(yscale="log", ylim=(2e-3, 5e2) if form == TRAINING else (2e-2, 5e4))
        for (which, name), _ in record.items():
            if which == form:
                color, line = LOOKS[name]
                look = {"marker": MARKS[color], "markersize": 4, "label": name}
                ax.plot([], [], line, color=color, **look)
        ax.legend(loc="upper left", fontsize=7.5)
        ax.set_title("training: a text and its gradient" if form == TRAINING else "one more token")
    axes[0].set_ylabel("where attention at 1,024 tokens is 1")

    def draw(quantity, context, seed):
        found = {}
        for (form, name), cost in record.items():
            ax = axes[int(form == GENERATION)]
            unit = _at(record[form, measuring.ATTENTION], quantities[quantity], 1024)
            values = getattr(cost, quantities[quantity]) / unit
            color, line = LOOKS[name]
            ax.plot(cost.tokens, values, line, color=color, marker=MARKS[color], markersize=4)
            if context in cost.tokens:
                found[form, name] = _at(cost, quantities[quantity], context)
        axes[0].axvline(context, color=MUTED, linewidth=0.8)
        axes[1].axvline(context, color=MUTED, linewidth=0.8)
        chunks = found[TRAINING, measuring.FUSED] / found[TRAINING, measuring.CHUNKS]
        steps = found[GENERATION, measuring.FUSED] / found[GENERATION, measuring.RETENTION]
        return (
            f"{quantity} at {context:,} tokens: fused attention takes {chunks:.2f} times what "
            f"retention in chunks takes to train, and {steps:.2f} times a step of retention"
        )

    return BudgetView(
        fig,
        draw,
        luck=False,
        quantity=choice(tuple(quantities), label="of"),
        context=powers_of_two(6, 14, unit="tokens", default=12, label="context"),
    )


def _at(cost: Cost, quantity: str, tokens: int) -> float:
    return float(getattr(cost, quantity)[list(cost.tokens).index(tokens)])


def live_picture(
    seconds: Mapping[str, Callable[[int], float]] | Mapping[str, np.ndarray], tokens
) -> Picture:
    """Draw seconds of one more token that this machine just took, (lengths,) for each name."""
    fig, ax = figure(size=(7.6, 3.4))
    _tokens_axis(ax, np.asarray(tokens))
    ax.set_xlim(tokens[0] * 0.8, tokens[-1] * 1.25)
    ax.set_xticks(tokens, [f"{n:,}" for n in tokens])
    for name, values in seconds.items():
        color, line = LOOKS[name]
        look = {"color": color, "marker": MARKS[color], "markersize": 4, "label": name}
        ax.plot(tokens, 1e6 * np.asarray(values), line, **look)
    ax.set(yscale="log", ylabel="one more token, this machine (µs)")
    fig.legend(loc="outside right center")
    return Picture(fig, f"seconds of one more token for {', '.join(seconds)}, measured just now")
