"""A method of search by its name and numbers: what a slider, a sweep and a table of results speak
of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields

from ttclib.inputs import checked, one_of, positive, real_number, whole_number
from ttclib.lm import samplers
from ttclib.lm.protocols import LanguageModel, Sampler, Task
from ttclib.particles.smc import Selection, keep_all, resample
from ttclib.search.aggregation import AGGREGATIONS
from ttclib.search.mcts import TreeSearch, uct
from ttclib.search.search import Search
from ttclib.search.selections import beam, rebase, trees

BEST_OF_N = "best of n"
ANNEALED = "annealed particles"


@checked
@dataclass(frozen=True)
class Setting:
    """A method of search and its budget.

    Parameters
    ----------
    method : str
        One of :data:`METHODS`.
    n : int
        Texts at a time, N.
    width : int
        M, for beam search, lookahead, DVTS and tree search: see :mod:`ttclib.search.selections`.
    lookahead : int
        k, for lookahead and tree search: how many steps are written ahead before a text is scored.
    verifier, aggregate : str
        Who scores the steps, and how the scores of a text become one: see
        :mod:`ttclib.search.aggregation`.
    temperature : float
        Of the language model; 0 is greedy.
    balance : float
        Temperature of REBASE.
    anneal : int
        For annealed particles: the power of the scores rises from 1/anneal to 1 in so many steps.
    model : str
        The language model.
    exploration : float
        c of tree search: see :func:`ttclib.search.mcts.uct`.

    Raises
    ------
    ValueError
        If the method is unknown, or an option is not allowed or not one of the method's.
    """

    method: str
    n: int
    width: int = 1
    lookahead: int = 0
    verifier: str = "prm"
    aggregate: str = "last"
    temperature: float = 1.0
    balance: float = 0.1
    anneal: int = 4
    model: str = "lab-small"
    exploration: float = 0.25

    def __post_init__(self):
        one_of("method", self.method, METHODS)
        one_of("aggregate", self.aggregate, AGGREGATIONS)
        numbers = {
            "n": whole_number("N", self.n),
            "width": whole_number("width M", self.width),
            "lookahead": whole_number("lookahead k", self.lookahead, 0),
            "anneal": whole_number("anneal", self.anneal),
            "temperature": real_number("temperature", self.temperature, 0.0),
            "balance": positive("balance", self.balance),
            "exploration": real_number("exploration c", self.exploration, 0.0),
        }
        for name, value in numbers.items():
            object.__setattr__(self, name, value)  # as plain numbers, for files and hashes
        if self.width > self.n:
            raise ValueError(f"M is {self.width} and N is {self.n}; M must be at most N")
        if self.n % self.width:
            raise ValueError(f"N is {self.n} and M is {self.width}; N must be a multiple of M")
        for field in fields(self):
            others = field.name in OWN and self.method not in OWN[field.name]
            if others and getattr(self, field.name) != field.default:
                raise ValueError(f"{field.name} is no option of {self.method!r}")

    @property
    def generations(self) -> int:
        """The budget it spends, as Snell et al. 2024 count it: N · (k + 1)."""
        return self.n * (self.lookahead + 1)


METHODS: dict[str, Callable[[Setting], Selection]] = {
    BEST_OF_N: lambda setting: keep_all,
    "beam": lambda setting: beam(setting.width),
    "lookahead": lambda setting: beam(setting.width),
    "dvts": lambda setting: trees(setting.n // setting.width),
    "rebase": lambda setting: rebase(setting.balance),
    "particles": lambda setting: resample("systematic"),
    ANNEALED: lambda setting: resample("systematic"),
    "mcts": lambda setting: uct(setting.width, setting.exploration),
}
OWN = {  # options that are not for every method
    "width": ("beam", "lookahead", "dvts", "mcts"),
    "lookahead": ("lookahead", "mcts"),
    "balance": ("rebase",),
    "anneal": (ANNEALED,),
    "exploration": ("mcts",),
}


@checked
def root_width(n: int) -> int:
    """Return the largest divisor of N that is at most √N: the width that grows with the budget."""
    n = whole_number("n", n)
    return max(width for width in range(1, math.isqrt(n) + 1) if n % width == 0)


WIDTHS = {"M = 4": lambda n: 4, "M = √N": root_width}


def width_rules(ran: Collection[tuple[int, int]]) -> dict[str, set[tuple[int, int]]]:
    """Say which rules chose the widths that a method ran with: the pairs (N, M) of each rule.

    √16 = 4, so that a width does not tell its rule: a rule counts if it was run at every N it
    allows.
    """
    found = {}
    for rule, width in WIDTHS.items():
        pairs = {(n, width(n)) for n, _ in ran if 1 < width(n) <= n}
        if pairs and pairs <= set(ran):
            found[rule] = pairs
    return found


@checked
def select_for(setting: Setting) -> Selection:
    """Return the selection of a setting, for the texts of one problem."""
    return METHODS[setting.method](setting)


@checked
def search_for(
    setting: Setting,
    lm: LanguageModel,
    task: Task,
    problems: str | Sequence[str],
    verifier,
    **options,
) -> Search:
    """Return the search of a setting; ``options`` are further ones of :class:`Search`."""
    if setting.method == ANNEALED:
        options["power"] = lambda t: min(1.0, (t + 1) / setting.anneal)
    kind = TreeSearch if setting.method == "mcts" else Search
    return kind(
        lm,
        task,
        problems,
        verifier,
        aggregate=AGGREGATIONS[setting.aggregate],
        lookahead=setting.lookahead,
        sampler=sampler_for(setting),
        **options,
    )


@checked
def sampler_for(setting: Setting) -> Sampler:
    """Return the sampler of a setting."""
    if setting.temperature == 0:
        return samplers.greedy
    return samplers.plain if setting.temperature == 1 else samplers.temperature(setting.temperature)
