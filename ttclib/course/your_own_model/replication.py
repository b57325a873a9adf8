"""Which findings of notebooks 08 and 09 hold on a second task? Both records, one function each.

A *finding* is a statement that can be tested: a number that is measured problem by problem, and
the range in which the statement says that it lies. Each is measured on the record of arithmetic
(``search-sweep``) and on that of Countdown (``countdown-sweep``), at the same budgets, with the
same bootstrap::

    first, second = record("arithmetic"), record("Countdown")
    for row in table(first, second):
        print(row.finding.says, row.first, row.second, row.verdict)

``row.first`` and ``row.second`` are (mean, low, high), the middle 95%. The verdict is *replicates*,
*does not*, or *cannot be seen*: the second interval lies where the statement says, outside of it,
or neither. A statement that the first record itself leaves open is *was open*.

:data:`FINDINGS` lists the statements; ``measure(record)`` of each gives its number. :func:`causes`
says how wrong texts go wrong, :func:`answers_apart` how many different answers there are, and
:func:`area` how well the verifiers rank the texts of a problem.

Is it the verifier? :func:`under_exact` returns a record in which the exact one stands in the place
of the fair one. The findings of :data:`SEARCHING` can be measured on it, too::

    rows = table(under_exact(first), under_exact(second), SEARCHING)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ttclib import artefacts
from ttclib.course.your_own_model import countdown
from ttclib.inputs import checked, one_of
from ttclib.lm import arithmetic
from ttclib.lm.protocols import Task
from ttclib.measure import bootstrap, folds
from ttclib.measure.calibration import auc_within
from ttclib.measure.verdict import ABOVE, BELOW, verdict
from ttclib.search import results
from ttclib.search.results import BEST, MAJORITY, WEIGHTED, Results

TOP = 64  # the largest budget of all that is compared
FEW = 16
BINS = 5
SPLITS = 399  # of the problems in halves, each with a bootstrap sample of its own
BEAM = "beam M = 4"
WIDE = "beam M = √N"
DEEP = "lookahead k = 3 M = √N"

FALSE = "a false calculation"
ASTRAY = "true, and the wrong step"
OTHER = "no step of the problem"


class Names(NamedTuple):
    """What plays which part in a record.

    Attributes
    ----------
    folder : str
        The artefact.
    task : Task
    model, body : str
        The writer, and the body of the fair verifier.
    fair, exact, rule, poor : str
        Verifiers: the fair one, the exact one, one that only calculates, one to be fooled.
    """

    folder: str
    task: Task
    model: str
    body: str
    fair: str
    exact: str
    rule: str
    poor: str


RECORDS = {
    "arithmetic": Names(
        "search-sweep",
        arithmetic.TASK,
        "lab-small",
        "lab-small-own",
        "prm",
        "exact",
        "nines",
        "prm-plain",
    ),
    "Countdown": Names(
        "countdown-sweep",
        countdown.TASK,
        "countdown-small",
        "countdown-own",
        "countdown-prm",
        "exact",
        "true",
        "countdown-plain",
    ),
}


class Measured(NamedTuple):
    """A number with the middle 95% of its bootstrap."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Record:
    """A sweep, as far as the findings ask.

    Attributes
    ----------
    name : str
    task : Task
    problems : list of str
    fair, exact, rule : Results
        Under the three verifiers.
    twice : Results
        Under the fair one, where a search weighs its texts by the last score.
    right, text : numpy.ndarray, shape (problems, n)
        Single texts of the writer: whether each is right, and what it says.
    score, poor : numpy.ndarray, shape (problems, n)
        What the fair and the poor verifier think of them.
    answer : numpy.ndarray, shape (problems, n)
        A number for each answer; NaN where there is none.
    greedy : numpy.ndarray of bool, shape (problems,)
        Whether one greedy text of the fair verifier's body is right.
    """

    name: str
    task: Task
    problems: list[str]
    fair: Results
    exact: Results
    rule: Results
    right: np.ndarray
    text: np.ndarray
    score: np.ndarray
    poor: np.ndarray
    answer: np.ndarray
    greedy: np.ndarray

    @cached_property
    def bins(self) -> np.ndarray:
        """Difficulty, 0 the easiest, by samples that answer nothing: those beyond the first 64."""
        return folds.difficulty_bins(self.right[:, TOP:].mean(axis=1), BINS)

    @cached_property
    def counts(self) -> np.ndarray:
        """Bootstrap samples of the problems: shape (1999, problems)."""
        return bootstrap.counts(len(self.problems), 1999, np.random.default_rng(0))

    def mean_of(self, values, among=slice(None)) -> Measured:
        """Mean over (some) problems of values (problems,), with its interval."""
        values = np.asarray(values, dtype=float)[among]
        counts = bootstrap.counts(len(values), 1999, np.random.default_rng(0))
        return Measured(*map(float, bootstrap.mean_interval(values, counts)))

    def gap(self, ours: str, n: int, theirs: str = WEIGHTED, among=slice(None)) -> Measured:
        """How much more one method solves than another under the fair verifier."""
        return self.mean_of(self.fair.solved(ours, n) - self.fair.solved(theirs, n), among)

    def hard(self, *numbers: int) -> np.ndarray:
        """Which problems are in these bins, 4 the hardest: bool (problems,)."""
        return np.isin(self.bins, numbers)


@checked
def record(name: str) -> Record:
    """Read the record of ``"arithmetic"`` or ``"Countdown"``.

    Raises
    ------
    ValueError
        If there is no such record, or its files are missing or damaged.
    """
    names = RECORDS[one_of("name", name, tuple(RECORDS))]
    return read_record(name, names, artefacts.path(names.folder))


def read_record(name: str, names: Names, folder) -> Record:
    """Read a record from a folder."""
    columns = results.read(folder)
    blocks = [
        results.block(columns, verifier, model=names.model)
        for verifier in (names.fair, names.exact, names.rule)
    ]
    asked = ("right", "text", f"{names.fair}_last", f"{names.poor}_last", "answer")
    drawn = results.read_drawn(folder, *asked, model=names.model)
    (greedy,) = results.read_drawn(folder, "right", model=names.body, temperature=0.0)
    said = dict(zip(columns["problem"].tolist(), columns["expression"].tolist(), strict=True))
    problems = [str(said[i]) for i in sorted(said)]
    return Record(name, names.task, problems, *blocks, *(one[0] for one in drawn), greedy[0, :, 0])


# ---- what is measured ----------------------------------------------------------------------------


def vote(of: Record) -> Measured:
    """A majority of 64, less one text."""
    return of.mean_of(of.fair.solved(MAJORITY, TOP) - of.right[:, :TOP].mean(axis=1))


def unfound(of: Record) -> Measured:
    """Any of 64 texts, less their majority."""
    return of.mean_of(of.right[:, :TOP].any(axis=1) - of.fair.solved(MAJORITY, TOP))


def weighing(of: Record) -> Measured:
    """The weighted answer of 64, less the majority."""
    return of.gap(WEIGHTED, TOP, MAJORITY)


def rebase_early(of: Record) -> Measured:
    """REBASE, less best-of-N weighted, with 16."""
    return of.gap("rebase", FEW)


def beam_on_hard(of: Record) -> Measured:
    """A beam, less best-of-N weighted, with 64, on the two hard fifths."""
    return of.gap(BEAM, TOP, among=of.hard(3, 4))


def lookahead(of: Record) -> Measured:
    """Looking three steps ahead, less a beam, with 64 generations."""
    return of.gap(DEEP, TOP, WIDE)


def for_equal_flops(of: Record) -> Measured:
    """A beam for at most the FLOPs of best of 16, less best-of-N weighted with 16."""
    flops = of.fair.paid(flops=True).mean(axis=(2, 3))
    allowed = flops[of.fair.row(WEIGHTED), of.fair.at(FEW)]
    fits = (flops[of.fair.row(BEAM)] <= allowed) & (of.fair.budgets <= TOP)
    n = int(of.fair.budgets[fits].max())
    return of.mean_of(of.fair.solved(BEAM, n) - of.fair.solved(WEIGHTED, FEW))


def hardest(of: Record) -> Measured:
    """A beam with 64, less one text, on the hardest fifth."""
    return of.mean_of(of.fair.solved(BEAM, TOP) - of.right[:, :TOP].mean(axis=1), among=of.hard(4))


def limit(of: Record) -> Measured:
    """A beam with 64 under the exact verifier, less the same under the fair one, hardest fifth."""
    return of.mean_of(of.exact.solved(BEAM, TOP) - of.fair.solved(BEAM, TOP), among=of.hard(4))


def calculating(of: Record) -> Measured:
    """REBASE with 64 under a judge that only calculates, less the same under the fair verifier."""
    return of.mean_of(of.rule.solved("rebase", TOP) - of.fair.solved("rebase", TOP))


def body_alone(of: Record) -> Measured:
    """One greedy text of the fair verifier's body, less REBASE with 64 under that verifier."""
    return of.mean_of(of.greedy - of.fair.solved("rebase", TOP))


def fooled(of: Record) -> Measured:
    """The favourite of 64 under the poor verifier, less its favourite of 4."""

    def favourite(n):
        best = of.poor[:, :n].argmax(axis=1)
        return of.right[np.arange(len(of.right)), best].astype(float)

    return of.mean_of(favourite(TOP) - favourite(4))


def slips(of: Record) -> Measured:
    """Share of wrong texts whose first wrong step is a false calculation, a problem at a time."""
    kinds = _first_mistakes(of)
    wrong = [mine for mine in kinds if mine.total()]
    return of.mean_of([mine[FALSE] / mine.total() for mine in wrong])


def difficulty(of: Record) -> Measured:
    """The best method of each fifth, less the best one for all, with 64; chosen on other halves."""
    informed, blind = _chosen(of, of.bins, TOP), _chosen(of, np.zeros_like(of.bins), TOP)
    return _ends(informed[0] - blind[0], informed[1] - blind[1])


def one_setting(of: Record) -> Measured:
    """The best one method for all with 16, less best-of-N weighted with 64."""
    mean, draws = _chosen(of, np.zeros_like(of.bins), FEW)
    base = of.fair.solved(WEIGHTED, TOP)
    counts = of.counts[:SPLITS]
    return _ends(mean - base.mean(), draws - bootstrap.means(base, counts))


def texts_saved(of: Record) -> Measured:
    """Share of 64 texts that are not written if one stops at the first score of one half."""
    written, _ = _stop(of)
    return of.mean_of(1 - written / TOP)


def stopping_loses(of: Record) -> Measured:
    """What stopping there solves, less the highest score of all 64."""
    _, taken = _stop(of)
    right = of.right[np.arange(len(taken)), taken]
    return of.mean_of(right - of.fair.solved(BEST, TOP))


def _stop(of: Record) -> tuple[np.ndarray, np.ndarray]:
    """Texts written, and which one is taken: the first that is scored one half, or the best."""
    score = of.score[:, :TOP]
    sure = score >= 0.5
    first = sure.argmax(axis=1)
    taken = np.where(sure.any(axis=1), first, score.argmax(axis=1))
    return np.where(sure.any(axis=1), first + 1, TOP), taken


def _chosen(of: Record, bins: np.ndarray, n: int) -> tuple[float, np.ndarray]:
    """What the best method of each bin solves, chosen on the other half: mean and replicates."""
    right = of.fair.accuracy[:, of.fair.at(n)]
    splits = folds.halves(bins, np.random.default_rng(1), SPLITS)
    weights = of.counts[:SPLITS]
    mean = folds.average(right, folds.two_fold(right, bins, splits)).mean()
    draws = folds.average(right, folds.two_fold(right, bins, splits, weights), weights)
    return float(mean), draws


def _ends(mean: float, draws: np.ndarray) -> Measured:
    low, high = bootstrap.interval(draws)
    return Measured(float(mean), float(low), float(high))


# ---- how texts go wrong --------------------------------------------------------------------------

_EQUATION = re.compile(r"(\d{1,9})([-+*])(\d{1,9})=(\d{1,9})")


@checked
def first_mistake(task: Task, problem: str, text: str) -> str:
    """Say how a wrong text goes wrong first: ``FALSE``, ``ASTRAY`` or ``OTHER``.

    Any task will do whose steps are equations. A true equation that is no right step leads astray:
    its numbers are not there, or the target is out of reach after it.
    """
    steps = re.split(f"[{re.escape(task.step_end)}]", text.rstrip(arithmetic.END))
    found = _EQUATION.fullmatch(steps[min(task.right_steps(problem, text), len(steps) - 1)])
    if not found:
        return OTHER
    left, right, result = (int(found[i]) for i in (1, 3, 4))
    return ASTRAY if arithmetic.apply(left, found[2], right) == result else FALSE


def _first_mistakes(of: Record, most: int = 16) -> list[Counter]:
    """Count the first mistakes in the first texts of each problem."""
    return [
        Counter(
            first_mistake(of.task, problem, str(text))
            for text, fine in zip(texts[:most], right[:most], strict=True)
            if not fine
        )
        for problem, texts, right in zip(of.problems, of.text, of.right, strict=True)
    ]


def causes(of: Record) -> dict[str, float]:
    """Share of each kind of first mistake among all wrong texts (of the first 16 a problem)."""
    total = sum(_first_mistakes(of), Counter())
    return {kind: total[kind] / total.total() for kind in (FALSE, ASTRAY, OTHER)}


def answers_apart(of: Record, n: int = TOP) -> tuple[float, float]:
    """Median number of different answers among n texts, and of texts that give the commonest."""
    counted = [Counter(row[~np.isnan(row)].tolist()) for row in of.answer[:, :n].astype(float)]
    most = [max(mine.values(), default=0) for mine in counted]
    return float(np.median([len(mine) for mine in counted])), float(np.median(most))


def area(of: Record) -> tuple[float, float]:
    """Area under the curve within a problem, of the fair and of the poor verifier's last scores.

    It is the chance that of two finished texts of a problem the right one has the higher score. The
    record has four digits of a score: where all are nearly 0, more are equal than were.
    """
    areas = (auc_within(score, of.right) for score in (of.score, of.poor))
    fair, poor = (float(np.nanmean(each)) for each in areas)
    return fair, poor


def under_exact(of: Record) -> Record:
    """Return the record with the exact verifier in the place of the fair one."""
    return replace(of, name=f"{of.name}, exact verifier", fair=of.exact)


# ---- the table -----------------------------------------------------------------------------------


class Finding(NamedTuple):
    """A statement, the notebook it stands in, and the range in which its number lies."""

    notebook: str
    says: str
    measure: Callable[[Record], Measured]
    claimed: tuple[float, float] = ABOVE


FINDINGS = (
    Finding("08", "a majority of 64 solves more than one text", vote),
    Finding("08", "… and misses 10 points or more that are there", unfound, (0.1, 1.0)),
    Finding("08", "weighing by the verifier beats the majority (64)", weighing),
    Finding("08", "REBASE beats best-of-N weighted (16)", rebase_early),
    Finding("08", "a beam beats it on the two hard fifths (64)", beam_on_hard),
    Finding("08", "looking 3 steps ahead is worse than a beam (64)", lookahead, BELOW),
    Finding("08", "for the FLOPs of best of 16 a beam solves more", for_equal_flops),
    Finding("08", "a beam gains 5 points or more on the hardest fifth", hardest, (0.05, 1.0)),
    Finding("08", "there the verifier is the limit: exact, 10 more", limit, (0.1, 1.0)),
    Finding("08", "a judge that only calculates beats the learned one", calculating),
    Finding("08", "the body's greedy text: at most 3 behind REBASE", body_alone, (-0.03, 1.0)),
    Finding("08", "a poor verifier's favourite of 64 is worse than of 4", fooled, BELOW),
    Finding("08", "most wrong texts calculate falsely first", slips, (0.5, 1.0)),
    Finding("09", "knowing the difficulty: within 5 points (64)", difficulty, (-0.05, 0.05)),
    Finding("09", "one setting, 16: at most 5 behind best of 64", one_setting, (-0.05, 1.0)),
    Finding("09", "stopping at ½ writes less than half", texts_saved, (0.5, 1.0)),
    Finding("09", "… and loses 3 points at most", stopping_loses, (-0.03, 1.0)),
)

SEARCHING = tuple(
    finding
    for finding in FINDINGS
    if finding.measure in (rebase_early, beam_on_hard, for_equal_flops, hardest)
)  # what a search is worth, whoever judges

REPLICATES = "replicates"
DOES_NOT = "does not"
UNSEEN = "cannot be seen"
WAS_OPEN = "was open"


class Row(NamedTuple):
    """A finding on both records."""

    finding: Finding
    first: Measured
    second: Measured
    verdict: str


def replicates(claimed: tuple[float, float], first: Measured, second: Measured) -> str:
    """Say whether a finding on the first record holds on the second."""
    if verdict(first.low, first.high, claimed) != "agrees":
        return WAS_OPEN
    said = verdict(second.low, second.high, claimed)
    return {"agrees": REPLICATES, "differs": DOES_NOT, "open": UNSEEN}[said]


def table(first: Record, second: Record, findings: Sequence[Finding] = FINDINGS) -> list[Row]:
    """Measure findings, by default all, on both records."""
    rows = []
    for finding in findings:
        here, there = (finding.measure(one) for one in (first, second))
        rows.append(Row(finding, here, there, replicates(finding.claimed, here, there)))
    return rows
