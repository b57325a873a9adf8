"""Pictures of notebook 11: a small model with search, and one fourteen times larger."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from ttclib.cost import Cost, readable
from ttclib.course.small_plus_search_vs_14x import serving
from ttclib.course.small_plus_search_vs_14x.bills import STAGES, Way, frontier
from ttclib.course.small_plus_search_vs_14x.matched import (
    COUNTS,
    ICLR,
    V1,
    Exchange,
    Rival,
    Settings,
    Sizes,
    affordable,
    by_bin,
    cut,
    exchange,
    multiplier,
    up_to,
)
from ttclib.measure import bootstrap
from ttclib.show.slider import BudgetView, choice, entry, options
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MARKERS,
    MUTED,
    TRUTH,
    Picture,
    counting_axis,
    figure,
    plain_ticks,
    truth,
)

RATIOS = (0.01, 0.04, 0.08, 0.16, 0.4, 0.79, 2.0, 5.0, 11.0, 22.0, 100.0, math.inf)
LARGE = COLORS[1]
_WIDTH = 0.38  # of a bar


def _named(number: int, last: str | None = "all") -> list[str]:
    names = [f"{k + 1}" for k in range(number)]
    names[0] += "\neasiest"
    names[-1] += "\nhardest"
    return [*names, last] if last else names


def ratio_name(ratio: float) -> str:
    """How R is written: infinity is pretraining for nothing."""
    return f"{ratio:g}" if ratio < math.inf else "∞ (inference alone)"


# ---- how many generations match ------------------------------------------------------------------


def matched_picture(times: float, most: int) -> Picture:
    """How many times its own inference the small model may spend, against R: v1, and ICLR."""
    fig, ax = figure(size=(7.6, 3.6))
    ratios = np.geomspace(0.01, 100, 200)
    looks = ((1.0, GOOD, "-", "v1: 2·N a token"), (2.0, BAD, "--", "ICLR: 4·N a token"))
    for read, color, line, label in looks:
        values = [multiplier(times, ratio, read) for ratio in ratios]
        ax.plot(ratios, values, line, color=color, label=label)
    for (read, color, _, _), stars in zip(looks, ((0.16, 0.79, 22), (0.08, 0.4, 11)), strict=True):
        heights = [multiplier(times, ratio, read) for ratio in stars]
        ax.plot(stars, heights, "*", color=color, markersize=13, zorder=4)
    ax.axhline(most, color=MUTED, linewidth=1)
    ax.text(100, most * 1.08, "the record ends here", ha="right", color="#555555", fontsize=8.5)
    truth(ax, times, f"M = {times:.2f}: inference alone")
    ax.set(xscale="log", yscale="log", xlim=(0.01, 100), ylim=(times * 0.8, 6000))
    ax.set(xlabel="R: tokens served for each token of pretraining")
    ax.set_ylabel("k: times its greedy inference")
    ax.legend(loc="upper right")
    stars = ", ".join(f"R = {r:g}: {multiplier(times, r):.1f}" for r in (0.16, 0.79, 22))
    halved = ", ".join(f"R = {r:g}: {multiplier(times, r, 2.0):.1f}" for r in (0.08, 0.4, 11))
    return Picture(fig, f"M = {times:.2f}; v1 {stars}; ICLR {halved}")


# ---- the exchange --------------------------------------------------------------------------------


def _with_ends(values: Sequence[np.ndarray]) -> str:
    return ", ".join(f"{mean:+.2f}" for mean in values[0][:-1])


def exchange_view(
    settings: Settings, rival: Rival, sizes: Sizes, bins: np.ndarray, counts: np.ndarray
) -> BudgetView:
    """The small model with the search it can afford, and the large one's greedy text, by bin."""
    number = bins.max() + 1
    x = np.arange(number + 1)
    fig, (bars, gaps) = figure(1, 2, size=(10.0, 4.2), width_ratios=[1.25, 1])
    theirs = bootstrap.mean_interval(rival.right, counts)
    bars.set(xlim=(-0.6, number + 0.6), ylim=(0, 1.08), xlabel="bin", ylabel="share solved")
    bars.set_xticks(x, _named(number))
    bars.bar(x + 0.2, by_bin(rival.right, bins), _WIDTH, color=LARGE, label="large, greedy")
    for b in range(number):
        mine = bins == b
        _, low, high = bootstrap.mean_interval(rival.right[mine], counts[:, mine])
        bars.plot([b + 0.2] * 2, [low, high], color=TRUTH, linewidth=1)
    bars.plot([number + 0.2] * 2, theirs[1:], color=TRUTH, linewidth=1)
    bars.bar([], [], color=GOOD, label="small with search")
    bars.legend(loc="upper right")
    bars.grid(axis="x", visible=False)
    gaps.set(xlim=(-0.6, number + 0.6), ylim=(-0.68, 0.42), xlabel="bin")
    gaps.set(ylabel="small with search, less large")
    gaps.set_xticks(x, _named(number))
    truth(gaps, 0.0)
    cuts = functools.lru_cache(maxsize=2)(
        lambda seed: cut(bins, counts, np.random.default_rng([seed, 11]))
    )

    known: dict[tuple, Exchange] = {}

    def draw(ratio, count, seed):
        allowed = affordable(settings, rival, sizes, bins, ratio, count)
        key = seed, allowed.tobytes()  # many an R affords the same
        if key not in known:
            known[key] = exchange(settings, rival.right, bins, allowed, counts, cuts(seed))
        found = known[key]
        mean, low, high = found.small
        bars.bar(x - 0.2, mean, _WIDTH, color=GOOD)
        bars.errorbar(x - 0.2, mean, [mean - low, high - mean], fmt="none", color=TRUTH, lw=1)
        mean, low, high = found.more
        for k in x:
            color = GOOD if low[k] > 0 else BAD if high[k] < 0 else MUTED
            gaps.plot([k, k], [low[k], high[k]], color=color, linewidth=2.5)
            gaps.plot(k, mean[k], "o", color=color, markersize=7)
        if count in (V1, ICLR):
            k = multiplier(sizes.times, ratio, 1.0 if count == V1 else 2.0)
            version = "v1" if count == V1 else "ICLR"
            price = f"costs as much as {k:.4g} of the small ({version})"
        else:
            price = "is paid in FLOPs, with its share of the larger training"
        most = found.most
        spread = f"{most.min()}" if most.min() == most.max() else f"{most.min()} to {most.max()}"
        text = (
            f"R = {ratio_name(ratio)}: one greedy answer of the large model {price}; the small "
            f"one may use up to {spread} of the recorded generations; solved "
            f"{found.small[0, -1]:.3f}, large {rival.right.mean():.3f}; difference by bin "
            f"{_with_ends(found.more)}; all {mean[-1]:+.3f} [{low[-1]:+.3f}, {high[-1]:+.3f}]"
        )
        lm, verifier = found.lm_flops.mean(), (found.flops - found.lm_flops).mean()
        cost = Cost(units=int(most.max()), lm_flops=float(lm), verifier_flops=float(verifier))
        return text, cost

    return BudgetView(
        fig,
        draw,
        ratio=options(
            RATIOS,
            default=0.79,
            unit="generations",
            names=[ratio_name(r) for r in RATIOS],
            label="R",
        ),
        count=choice(COUNTS, default=COUNTS[0], label="counted in"),
    )


def stars_picture(
    settings: Settings, rival: Rival, sizes: Sizes, bins, counts, ratios=(22, 0.79, 0.16)
) -> Picture:
    """The paper's figure 9: the small model against its budget, and stars for the large one."""
    number = bins.max() + 1
    budgets = np.unique(settings.generations)
    colors = mpl.colormaps["cividis"](np.linspace(0, 0.9, number))
    found = []
    cuts = cut(bins, counts, np.random.default_rng(11))
    for budget in budgets:
        allowed = up_to(settings, budget, bins)
        found.append(exchange(settings, rival.right, bins, allowed, counts, cuts).small)
    mean, low, high = np.moveaxis(found, 1, 0)
    fig, ax = figure(size=(7.8, 4.4))
    stars = by_bin(rival.right, bins)
    above = []
    for b in range(number):
        ax.fill_between(budgets, low[:, b], high[:, b], color=colors[b], alpha=0.2, linewidth=0)
        label = _named(number, None)[b].replace("\n", " ")
        ax.plot(budgets, mean[:, b], MARKERS[b] + "-", color=colors[b], markersize=5, label=label)
        for ratio in ratios:
            place = multiplier(sizes.times, ratio)
            ax.plot(
                place,
                stars[b],
                "*",
                color=colors[b],
                markersize=14,
                markeredgecolor=TRUTH,
                zorder=4,
            )
        at_stars = [
            np.interp(np.log(multiplier(sizes.times, r)), np.log(budgets), mean[:, b])
            for r in ratios
        ]
        over = sum(stars[b] > value for value in at_stars)
        above.append(f"bin {b + 1} {over} of {len(ratios)}")
    counting_axis(ax, budgets, "generations", marks=budgets, room=1.3)
    ax.set(ylim=(-0.02, 1.04), ylabel="share solved")
    ax.legend(title="bin", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return Picture(fig, f"stars above the line of their bin: {', '.join(above)}")


# ---- everything on the bill ----------------------------------------------------------------------

_HATCHES = ("", "///", "...", "xxx")
_PALETTE = (MUTED, GOOD, COLORS[4], COLORS[2], COLORS[3], BAD, LARGE, "#6A3D9A")


def bills_picture(bills: Mapping[str, np.ndarray]) -> Picture:
    """What was paid before the first question, stage by stage."""
    fig, ax = figure(size=(8.2, 0.5 * len(bills) + 1.3))
    names = list(bills)
    left = np.zeros(len(names))
    table = np.array([bills[name] for name in names]) / 1e12
    for stage, color, hatch, values in zip(STAGES, COLORS, _HATCHES, table.T, strict=False):
        look = {"color": color, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
        ax.barh(names, values, left=left, label=stage, **look)
        left += values
    for i, total in enumerate(left):
        ax.text(total * 1.01 + 1, i, f"{total:.0f}", va="center", fontsize=8.5)
    ax.set(xlabel="10¹² FLOPs before the first question", xlim=(0, left.max() * 1.1))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.legend(loc="upper right")
    said = "; ".join(f"{name} {total:.1f}" for name, total in zip(names, left, strict=True))
    return Picture(fig, f"10¹² FLOPs before the first question: {said}")


def frontier_view(ways: Mapping[str, Way], bins: np.ndarray, served: Sequence[float], read: float):
    """Accuracy against all FLOPs, for so many questions of some difficulty; who is on the frontier.

    Parameters
    ----------
    ways : mapping
        Name → way, with its budgets.
    served : sequence of float
        How many questions are answered.
    read : float
        Questions for which R is 1: where as many tokens are written as the small model read.
    """
    number = bins.max() + 1
    names = list(ways)
    groups = {"all": np.ones(len(bins), dtype=bool)} | {b: bins == b for b in range(number)}

    def paid(questions, among):
        """What each way pays, in units of the first at its smallest budget; that unit."""
        totals = {name: way.at(questions, among)[0] for name, way in ways.items()}
        unit = totals[names[0]][0]
        return {name: total / unit for name, total in totals.items()}, unit

    every = [paid(q, group)[0].values() for q in served for group in groups.values()]
    last = max(total.max() for totals in every for total in totals)
    fig, ax = figure(size=(10.0, 4.8))
    ax.set(xscale="log", xlim=(0.9, last * 1.2), ylim=(-0.02, 1.04))
    ax.set(xlabel=f"FLOPs, training and all answers; {names[0]}, one answer each = 1")
    ax.set_ylabel("share solved")
    plain_ticks(ax.xaxis, [k for k in (1, 2, 5, 10, 20, 50, 100) if k < last])
    looks = {
        name: {"color": color, "marker": mark, "markersize": 5}
        for name, color, mark in zip(names, _PALETTE, MARKERS, strict=False)
    }
    for name in names:
        ax.plot([], [], label=name, **looks[name])
    ax.plot([], [], drawstyle="steps-post", color=TRUTH, linewidth=1, label="the frontier")
    fig.legend(loc="outside right upper")

    def draw(questions, difficulty, seed):
        among = groups[difficulty]
        totals, unit = paid(questions, among)
        points = []
        for name in names:
            total, solved = totals[name], ways[name].at(questions, among)[1]
            ax.plot(total, solved, **looks[name])
            points += [(price, share, name) for price, share in zip(total, solved, strict=True)]
        best = [points[i] for i in frontier([point[:2] for point in points])]
        prices = [price for price, _, _ in best] + [last * 1.2]
        shares = [share for _, share, _ in best]
        ax.plot(prices, [*shares, shares[-1]], drawstyle="steps-post", color=TRUTH, linewidth=1)
        on = list(dict.fromkeys(name for _, _, name in best))
        r = questions / read
        text = (
            f"{questions:,.0f} questions, R = {f'{r:,.0f}' if r >= 10 else f'{r:.2g}'}; on the "
            f"frontier, from cheap to dear: {'; '.join(on)}; its top {shares[-1]:.3f}, "
            f"{best[-1][2]}, for {readable(prices[-2] * unit)} FLOPs"
        )
        return text

    marks = [f"{q:,.0f}" for q in served]
    bin_names = ["all", *(name.replace("\n", " ") for name in _named(number, None))]
    return BudgetView(
        fig,
        draw,
        luck=False,
        questions=options(
            served, default=served[len(served) // 2], names=marks, label="questions served"
        ),
        difficulty=options(["all", *range(number)], names=bin_names, label="difficulty (bin)"),
    )


# ---- a reader's own numbers ----------------------------------------------------------------------


def _money(dollars: float) -> str:
    """Whole dollars; cents below ten; a power of ten where the zeros would fill the line."""
    if 0.01 <= dollars < 10:
        return f"${dollars:.2f}"
    return f"${dollars:,.0f}" if 10 <= dollars < 1e13 else f"${dollars:.2e}"


def _count(answers: float) -> str:
    whole = f"{answers:,.0f}" if answers < 1e13 else f"{answers:.2e}"
    return f"{whole} answer{'' if whole == '1' else 's'}"


def serving_view() -> BudgetView:
    """Costs of a year, in FLOPs and money, for numbers that are typed in."""
    fig, ax = figure(size=(8.2, 3.8))
    top = 1e5
    ax.set(xscale="log", yscale="log", xlim=(1, top), ylim=(0.8, top))
    ax.set(xlabel="answers to each question by the small model, the verifier free")
    ax.set_ylabel("cost, small and greedy = 1")

    def draw(parameters, trained, questions, tokens, times, price, seed):
        one = serving.year(parameters, trained, questions, tokens)
        whole = one.training + one.answers
        many = np.geomspace(1, top, 200)
        ax.plot(many, (one.training + many * one.answers) / whole, color=GOOD)
        ax.axhline(times, color=LARGE)
        at = serving.answers_for(one, times)
        if at <= top and times <= top:
            ax.plot(at, times, "*", color=TRUTH, markersize=14, zorder=4)
        if times <= top:
            high = times > top / 3  # no room above the line
            left = at > 100  # there the curve is still below it, else the right is free
            look = {"va": "top" if high else "bottom", "ha": "left" if left else "right"}
            place = 1.15 if left else top / 1.15, times / 1.25 if high else times * 1.25
            ax.text(*place, f"{times:g} times larger, greedy", color="#555555", **look)
        training, answers, large = (
            _money(flops * price / 1e18) for flops in (one.training, one.answers, times * whole)
        )
        text = (
            f"training {one.training:.2e} FLOPs, {training}; a year of greedy answers "
            f"{one.answers:.2e} FLOPs, {answers}; R = {one.ratio:.3g}; a model {times:g} times "
            f"larger costs {large} in all, and for that the small one may give "
            f"{_count(at)} to each question"
        )
        return text

    amount = serving.amount
    return BudgetView(
        fig,
        draw,
        luck=False,
        parameters=entry(amount("parameters"), "8 B", label="parameters"),
        trained=entry(amount("tokens of training"), "2 T", label="tokens of training"),
        questions=entry(amount("questions a day"), "1 M", label="questions a day, for a year"),
        tokens=entry(amount("tokens of an answer"), "500", label="tokens of an answer"),
        times=entry(amount("times larger", 1.0), "14", label="times larger is the other"),
        price=entry(amount("price"), "1", label="dollars for 10¹⁸ FLOPs"),
    )
