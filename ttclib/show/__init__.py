"""Pictures and sliders: what a learner sees. Nothing below this package imports it."""

from ttclib.show.slider import BudgetView, entry, options, powers_of_two
from ttclib.show.style import (
    BAD,
    COLORS,
    GOOD,
    MUTED,
    TRUTH,
    Picture,
    band,
    end_labels,
    figure,
    plain_ticks,
    truth,
)

__all__ = [
    "BAD",
    "COLORS",
    "GOOD",
    "MUTED",
    "TRUTH",
    "BudgetView",
    "Picture",
    "band",
    "end_labels",
    "entry",
    "figure",
    "options",
    "plain_ticks",
    "powers_of_two",
    "truth",
]
