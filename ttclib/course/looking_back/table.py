"""The table of budgets, and that of settings: as HTML with headings, and as plain text."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from ttclib.cost import readable
from ttclib.course.looking_back.budgets import PRICE, Beaten, Budget, Setting


class Table:
    """Rows of words under headings, with a caption: a table for the eye and for a screen reader.

    Parameters
    ----------
    caption : str
    heads : sequence of str
        What stands above each column; the first column names its row.
    rows : sequence of sequences of str
    """

    def __init__(self, caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]):
        self.caption = caption
        self.heads = list(heads)
        self.rows = [list(row) for row in rows]

    def __repr__(self) -> str:
        lines = [self.heads, *self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.heads))]
        said = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([self.caption, *said])

    def _repr_html_(self) -> str:
        left = 'style="text-align:left"'
        head = "".join(f'<th scope="col" {left}>{_cell(name)}</th>' for name in self.heads)
        body = "".join(
            f'<tr><th scope="row" {left}>{_cell(first)}</th>'
            + "".join(f"<td {left}>{_cell(words)}</td>" for words in others)
            + "</tr>"
            for first, *others in self.rows
        )
        return (
            f"<table><caption>{html.escape(self.caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _cell(words: str) -> str:
    """Escape a cell; an interval in brackets stays in one line."""
    whole = html.escape(words).replace("[", '<span style="white-space:nowrap">[')
    return whole.replace("]", "]</span>")


def number(value: float) -> str:
    """Write a number of any size in three digits."""
    return readable(value) if value >= 1000 else f"{value:.3g}"


def place(budget: Budget, at: int) -> str:
    """Say at which amount a budget stopped: at once, or never within its record."""
    if at == len(budget.amount) - 1:
        return "not yet"
    return "at once" if at == 0 else number(budget.amount[at])


def stopped(budget: Budget, price: float = PRICE) -> str:
    """Say where a budget stopped paying, with the ends of its interval where they differ."""
    at, low, high = (place(budget, k) for k in budget.stops(price))
    return at if low == high else f"{at} [{low} to {high}]"


def ratio(times: float) -> str:
    """Write a ratio of prices."""
    return f"{times:,.0f}" if times >= 10 else f"{times:.1f}"


def words(budget: Budget) -> str:
    """Say what the rival leaves, and at which price."""
    beaten: Beaten | None = budget.beaten()
    if budget.rival is None or beaten is None:
        return "nobody"
    left = "nothing" if beaten.loss < 1e-12 else f"{beaten.loss:.2g}"
    if not beaten.reached:
        return f"{budget.rival.name}: {left}, for which this pays {ratio(beaten.times)} times"
    if beaten.times < 1:
        return f"{budget.rival.name}: {left}, for {ratio(1 / beaten.times)} times the price"
    return f"{budget.rival.name}: {left}, for 1/{ratio(beaten.times)} of the price"


HEADS = (
    "budget",
    "moved from … to",
    "what is left",
    "left from … to",
    "it fell by",
    "exponent",
    "a doubling takes off",
    "stopped at",
    "beside it",
)


def budgets_table(budgets: Sequence[Budget], price: float = PRICE) -> Table:
    """One row for every budget: its unit, what it bought, where it stopped paying, the rival."""
    rows = []
    for budget in budgets:
        fell, least, most = budget.gain()
        low, high = budget.slope_interval()
        ends = f"{number(budget.amount[0])} … {number(budget.amount[-1])} {budget.unit}"
        rows.append(
            [
                f"{budget.notebook} {budget.name}",
                ends,
                budget.measure,
                f"{budget.loss[0]:.2g} … {budget.loss[-1]:.2g}",
                f"{fell:.2g} [{least:.2g}, {most:.2g}]",
                f"{budget.slope:.2f} [{low:.2f}, {high:.2f}]",
                f"{1 - 2**budget.slope:.0%}",
                stopped(budget, price),
                words(budget),
            ]
        )
    caption = (
        f"{len(budgets)} budgets; one stops where no more of it takes off {price:.0%} "
        "of what is left for a doubling"
    )
    return Table(caption, HEADS, rows)


def settings_table(settings: Sequence[Setting], price: float = PRICE) -> Table:
    """One row for every setting: what was tried, the best, what is as good, and the worst."""
    rows = []
    for setting in settings:
        good = np.flatnonzero(setting.as_good(price))
        written = [number(value) for value in setting.values]
        rows.append(
            [
                f"{setting.notebook} {setting.name}",
                ", ".join(written),
                written[setting.best],
                ", ".join(written[k] for k in good),
                f"{setting.worst():.1f} times as much",
                setting.measure,
            ]
        )
    heads = ("setting", "tried", "best", "as good", "the worst leaves", "of")
    caption = f"{len(settings)} settings; as good is what leaves at most {price:.0%} more"
    return Table(caption, heads, rows)
