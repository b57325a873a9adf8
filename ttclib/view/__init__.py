"""Pictures and sliders: what a learner sees. Nothing below this package imports it."""

from ttclib.view.budget import BudgetView, entry, options, powers_of_two
from ttclib.view.style import BAD, COLORS, GOOD, MUTED, TRUTH, Picture, band, figure, truth

__all__ = [
    "BAD",
    "COLORS",
    "GOOD",
    "MUTED",
    "TRUTH",
    "BudgetView",
    "Picture",
    "band",
    "entry",
    "figure",
    "options",
    "powers_of_two",
    "truth",
]
