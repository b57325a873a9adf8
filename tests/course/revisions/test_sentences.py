"""What notebook 10 answers to its predictions holds for other problems, too, not for these alone.

The problems are drawn again a thousand times. A sentence must hold in 19 of 20 of these lucks: it
fails only if the lucks in which it held would be so few once in a million (exact, binomial). What
"cannot be told" must not be told: neither side may be ahead in more than 39 of 40 lucks. So any
seed passes, and each sentence is shown to fail on a record with one named mistake.
"""

import dataclasses
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")

from exact_p_values import FALSE_ALARM
from scipy.stats import binom
from sentences import Says

from ttclib import artefacts
from ttclib.course.revisions import ratio, selection
from ttclib.course.revisions.forecast import forecast
from ttclib.course.revisions.judged import keep_or_redraw
from ttclib.course.revisions.reading import pairs
from ttclib.course.revisions.record import (
    Record,
    Setting,
    chain_steps,
    read_record,
    read_windows,
)
from ttclib.course.revisions.selection import LAST, MAJORITY, NESTED, WEIGHTED
from ttclib.course.revisions.turns import turns
from ttclib.measure import bootstrap
from ttclib.measure.folds import choose, difficulty_bins, halves
from ttclib.search.models import LADDER
from ttclib.search.results import read_drawn

pytestmark = pytest.mark.statistical

LUCKS = 1000
SHARE = 0.95  # of the lucks, in which a sentence must hold
TOLD = 0.975  # of the lucks, in which one side must be ahead before it is told from the other

says = Says("10_revisions")


class Shown(NamedTuple):
    """What the notebook reads."""

    record: Record
    windows: dict[int, tuple[np.ndarray, np.ndarray]]
    judges: dict[str, tuple[np.ndarray, np.ndarray]]
    own: np.ndarray  # whether the greedy text of lab-small-own is right, (problems,)
    trained: dict[str, Any]
    bins: np.ndarray  # by samples of lab-small
    groups: np.ndarray  # by the reviser's fresh samples of chains that are not foreseen
    ways: dict[str, str]

    def taken(self, values, chains, steps):
        """What is recorded of some chains: (problems, chains, steps)."""
        return values[:, self.record.places(Setting(chains, steps))]

    @property
    def right(self):
        return self.taken(self.record.right, 8, 8)

    @property
    def first(self):
        """Fresh samples: (problems, 128)."""
        return self.taken(self.record.right, 128, 1)[..., 0]


@cache
def shown():
    sweep, folder = (artefacts.path(name) for name in ("search-sweep", "revision-chains"))
    right, *scores = read_drawn(sweep, "right", *(f"{name}_last" for name in LADDER))
    judges = {name: (right[0], score[0]) for name, score in zip(LADDER, scores, strict=True)}
    judges["exact"] = right[0], right[0].astype(float)
    (greedy,) = read_drawn(sweep, "right", model="lab-small-own", temperature=0.0)
    record = read_record(folder)
    first = record.right[:, record.places(Setting(128, 1))[8:, 0]]
    return Shown(
        record,
        read_windows(folder),
        judges,
        greedy[0, :, 0].astype(float),
        {name: artefacts.manifest()[name]["score"] for name in ("reviser", "reviser-both")},
        difficulty_bins(right[0].mean(axis=1)),
        difficulty_bins(first.mean(axis=1)),
        {way: way for way in (LAST, MAJORITY, WEIGHTED, NESTED)},
    )


class Luck:
    """The problems drawn again: means over them have a row for each time, (lucks, ...)."""

    def __init__(self, rng):
        self.rng = rng
        self.counts = bootstrap.counts(400, LUCKS, rng)

    def mean(self, values, among=None):
        """Of values (..., problems), over some of the problems."""
        weights = np.ones(400) if among is None else np.asarray(among, dtype=float)
        total = bootstrap.means(np.asarray(values) * weights, self.counts)
        known = bootstrap.means(weights, self.counts)
        return total / known.reshape(-1, *[1] * (total.ndim - 1))

    def share(self, of, among):
        """How many attempts are ``of`` a kind, among others: both (problems, ...)."""
        some = (np.reshape(each, (400, -1)).sum(axis=1) for each in (of & among, among))
        part, whole = (bootstrap.means(each, self.counts) for each in some)
        return part / whole

    def difference(self, found):
        """Of pairs: how much more often it came where the attempt was read."""
        return self.mean(found.read - found.unread) / self.mean(found.number)

    def in_bins(self, values, bins):
        return np.stack([self.mean(values, bins == b) for b in range(5)], axis=-1)


class Open(NamedTuple):
    """Differences that these problems cannot tell: for each luck how much one side is ahead."""

    more: list[np.ndarray]


class Loses(NamedTuple):
    """Differences that are not to be below zero, as far as these problems can tell."""

    more: list[np.ndarray]


def level(curve):
    """Whether a curve (lucks, points) is: the page's folded cells allow as much."""
    return abs(curve - curve.mean(axis=1, keepdims=True)).max(axis=1) < 0.025


def p_value(held):
    """How likely so few lucks are, if a sentence holds in ``SHARE`` of them; for differences that
    cannot be told, if a side is ahead in ``TOLD`` of them at most: the union bound over sides.
    """
    if not isinstance(held, Open | Loses):
        return binom.cdf(held.sum(), LUCKS, SHARE)
    signs = (1, -1) if isinstance(held, Open) else (-1,)
    ahead = np.array([(sign * more > 0).sum() for more in held.more for sign in signs])
    return min(1.0, len(ahead) * binom.sf(ahead.max() - 1, LUCKS, TOLD))


# ---- the sentences: each with the lucks in which it holds ----------------------------------------


def keeping(shown, luck):
    """Keep or redraw, slid."""
    four = {name: keep_or_redraw(*each, 0.5, 4) for name, each in shown.judges.items()}
    gains = np.array([each[:, 3] - each[:, 0] for each in four.values()])
    of_judge = dict(zip(four, luck.mean(gains).T, strict=True))
    prm = shown.judges["prm"]
    long = {t: luck.mean(keep_or_redraw(*prm, t, 16).T) for t in (0.1, 0.5, 0.9)}
    middle = luck.in_bins(gains[list(four).index("prm")], shown.bins)
    right, score = prm
    nearly = luck.share(right, score >= 0.9)
    part = of_judge["prm"] / of_judge["exact"]
    yield "about two thirds of what the exact judge adds", abs(part - 2 / 3) < 1 / 12
    ladder = np.array([of_judge[name] for name in LADDER[: LADDER.index("prm") + 1]])
    rises = (np.diff(ladder, axis=0) > 0).all(axis=0)
    yield "Up to `prm`, a better judge is worth more on every rung.", rises
    behind = long[0.5] - long[0.9]
    yield (
        "It falls behind, and further behind",
        (behind[:, 3] > 0.005) & (behind[:, 15] > behind[:, 3] + 0.005),
    )
    yield "what it keeps is nearly always right", nearly > 0.9
    yield "and falls behind on long chains", long[0.5][:, 15] - long[0.1][:, 15] > 0.005
    ends = middle[:, [0, 4]].max(axis=1)
    yield "The middle ones.", middle[:, 1:4].min(axis=1) > ends
    yield "hard ones have hardly anything to keep", middle[:, 4] < 0.05


def two_revisers(shown, luck):
    """Measured when they were trained: of each 400 problems, whose luck is drawn from intervals.

    A share of 400 problems varies at most as if each were right or wrong; that two shares come of
    the same problems makes their difference vary less.
    """
    gain, ends = {}, {}
    for name, score in shown.trained.items():
        more, low, high = score["gain over the first"][2]
        gain[name] = luck.rng.normal(more, (high - low) / 3.92, LUCKS)
        ends[name] = luck.rng.binomial(400, score["by step"][-1], LUCKS) / 400
    yield "`reviser` gains much", gain["reviser"] > 0.08
    little = (gain["reviser-both"] < 0.06) & (gain["reviser-both"] < gain["reviser"])
    yield "`reviser-both` gains little", little
    yield "and ends *higher*", ends["reviser-both"] > ends["reviser"] + 0.03


def along(shown, luck):
    by_step = luck.mean(shown.right.mean(axis=1).T)
    own = luck.mean(shown.own)
    score = shown.taken(shown.record.scores["prm"], 128, 1)[..., 0]
    keeper = luck.mean(keep_or_redraw(shown.first, score, 0.5, 8)[:, -1])
    first, second, *_, last = by_step.T
    yield "The second attempt is right more often than the first", second - first > 0.05
    gains = by_step[:, [1, 3, 7]] - by_step[:, :1]
    yield "No interval comes near zero.", gains.min(axis=1) > 0.04
    yield "From the second attempt on the line is as good as level", level(by_step[:, 1:])
    yield "at attempt 8 it is well ahead", keeper - last > 0.05
    yield "One greedy text of `lab-small-own` stands higher still.", own > keeper


def flow(shown, luck):
    right = shown.right
    step = np.array([turns(right, each[:, None]) for each in luck.counts])
    # fresh samples in a row: what comes next does not care about what stands there
    fresh = np.array([turns(shown.first, each) for each in luck.counts])
    (righted, spoiled), (by_luck, lost) = step.T, fresh.T
    said = "A wrong attempt is righted more often than a fresh sample would right it"
    yield said, righted - by_luck > 0.01
    said = "A right one is spoiled less often than a fresh sample would spoil it"
    yield said, lost - spoiled > 0.01
    yield "less often than in the paper, too", spoiled < 0.38
    said = "nearly one right attempt in four is lost at every step"
    yield said, (spoiled > 0.2) & (spoiled < 0.26)
    before, after = right[..., 1:-1], right[..., 2:]
    won, gone = (luck.mean(each.mean(axis=(1, 2))) for each in (~before & after, before & ~after))
    yield "So soon as many are spoiled as are righted", abs(won - gone) < 0.15 * gone


def reading(shown, luck):
    """Behind a first attempt: its own chain's second attempt, and those of the other chains."""
    first, second = np.moveaxis(shown.taken(shown.record.right, 64, 2), -1, 0)
    more = [luck.difference(pairs(seen, second)) for seen in (first, ~first)]
    yield "No difference that 400 problems could show", Open(more)
    yield "none can be larger than a point", (np.abs(more) < 0.01).all(axis=0)


def long_run(shown, luck):
    """Groups as the page makes them; each luck counts turns on the problems that it drew."""
    long = shown.taken(shown.record.right, 2, 64)[..., 32:].mean(axis=(1, 2))
    came = luck.mean(long)
    foreseen = {(1, 2): [], (1, 8): [], (5, 2): []}  # chains, attempts that are counted
    righted, sums = [], []
    for each in luck.counts:
        drawn = np.repeat(np.arange(400), each)
        right = shown.right[drawn]
        for (number, seen), found in foreseen.items():
            mine = shown.groups[drawn] * (number == 5)
            ahead = forecast(right[..., :seen], mine, 64)
            found.append(ahead.shares[32:].mean())
            sums.append([sum(step) for step in ahead.turns])
            if (number, seen) == (5, 2):
                righted.append([step.righted for step in ahead.turns])
    off = {key: np.array(found) - came for key, found in foreseen.items()}
    one, of_groups = np.array(sums[::3]), np.array(sums[2::3])
    easiest, *_, hardest = np.transpose(righted)
    said = "what the first two attempts promise lies above the whole interval of what came"
    yield said, off[1, 2] > 0.03
    said = "With five groups the same two attempts foresee a share inside the interval"
    yield said, abs(off[5, 2]) < 0.03
    yield "Then one chain does, too.", abs(off[1, 8]) < 0.03
    said = "In the easiest a wrong attempt is mostly righted by the next"
    yield said, easiest > 0.75
    yield "in the hardest seldom", hardest < 0.25
    yield "the two chances are more than one half apart", easiest - hardest > 0.5
    said = "They lie near the dashed line, where the two chances add up to one"
    yield said, abs(of_groups - 1).mean(axis=1) < 0.15
    yield "One chain for all lies far below that line", one[:, 0] < 0.7


def context(shown, luck):
    gain, later = {}, {}
    for w, (fine, _) in shown.windows.items():
        by_step = fine.mean(axis=1)
        gain[w] = luck.mean(by_step[:, 1:].mean(axis=1) - by_step[:, 0])
        later[w] = luck.mean(by_step[:, 1:].mean(axis=1))
    yield "With none in context there is nothing to gain", Open([gain[0]])
    least = np.min([gain[w] for w in (1, 2, 4)], axis=0)
    yield "those are fresh samples", least - gain[0] > 0.02
    close = np.ptp([later[w] for w in (1, 2, 4)], axis=0) < 0.04
    yield "One, two and four lie close together", close
    yield "Two are a point or two better than one", later[2] > later[1]
    yield "and four no better than two", Open([later[4] - later[2]])
    read = {w: luck.mean(read.mean(axis=1).T) for w, (_, read) in shown.windows.items()}
    times = read[4][:, -1] / read[0].mean(axis=1)
    yield "About five times as many positions", abs(times - 5) < 0.5
    grows = {w: each[:, 1:] / each[:, :-1] - 1 for w, each in read.items()}
    said = "As long as the window fills: with four in context for attempts 2 to 5"
    yield said, (grows[4][:, :4] > 0.1).all(axis=1) & (abs(grows[4][:, 4:]) < 0.1).all(axis=1)
    said = "with one in context that begins at attempt 3"
    yield said, (grows[1][:, 0] > 0.1) & (abs(grows[1][:, 1:]) < 0.1).all(axis=1)


def choosing(shown, luck):
    tables = {way: ratio.by_split(shown.record, 16, to) for way, to in shown.ways.items()}
    in_a_row = {way: luck.mean(table[-1]) for way, table in tables.items()}
    asked = np.minimum(in_a_row[WEIGHTED], in_a_row[NESTED])
    others = np.maximum(in_a_row[MAJORITY], in_a_row[LAST])
    yield "Both ways that ask the verifier solve most", asked > others
    said = "and far more than a chain's last attempt"
    yield said, asked - in_a_row[LAST] > 0.1
    yield (
        "A majority solves more than the last attempt, too",
        in_a_row[MAJORITY] - in_a_row[LAST] > 0.03,
    )
    places = shown.record.places(Setting(1, 16))
    orders = places, places[:, ::-1]
    same = [
        luck.mean(np.equal(*(voted(shown, places, shown.ways[way]) for places in orders)))
        for way in (MAJORITY, WEIGHTED)
    ]
    said = "*Majority* and *weighted over all* do not care about the order"
    yield said, np.min(same, axis=0) > 0.95
    apart = luck.mean(tables[NESTED][2] - tables[WEIGHTED][2])
    yield "With 4 chains of 4 the paper's way is level with *weighted over all*", abs(apart) < 0.03


def voted(shown, places, way):
    """Which problems the attempts at some places answer right."""
    record = shown.record
    taken = selection.chosen(record.answers[:, places], record.scores["prm"][:, places], way)
    return record.right[:, places.ravel()][np.arange(400), taken]


def history(shown, luck):
    areas = [ratio.auc_by_step(shown.record, Setting(8, 8), name) for name in ("history", "prm")]
    more = areas[0] - areas[1]
    known = ~np.isnan(more)
    told = np.where(known, more, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    yield "This verifier ranks worse", luck.mean(told, known.any(axis=0)) < 0
    theirs, ours = (
        ratio.by_split(shown.record, 16, NESTED, name)[-1] for name in ("history", "prm")
    )
    yield "its choice solves fewer problems", luck.mean(theirs - ours) < 0


def splits(shown, luck):
    at_128, last = (ratio.by_split(shown.record, 128, shown.ways[way]) for way in (NESTED, LAST))
    curve, last = luck.mean(at_128), luck.mean(last)
    yield "It rises with two attempts in a row", curve[:, 1] > curve[:, 0]
    yield "and then stays about level", level(curve[:, 1:])
    hard, easy = (luck.mean(at_128, each) for each in (shown.bins >= 3, shown.bins <= 1))
    yield "The hard bins gain.", (hard[:, [4, 7]] - hard[:, :1] > 0.03).all(axis=1)
    said = "The easy ones have little to gain: side by side nearly all are solved, too."
    yield said, ((easy - easy[:, :1]).max(axis=1) < 0.03) & (easy[:, 0] > 0.95)
    lose = [
        luck.mean(at_128[1:], shown.bins == b) - luck.mean(at_128[0], shown.bins == b)[:, None]
        for b in range(5)
    ]
    yield (
        "No bin loses more than luck could take.",
        Loses([each for more in lose for each in more.T]),
    )
    end = last[:, 6:].max(axis=1)
    yield "It falls at the right end.", end < last[:, 1:4].min(axis=1)
    gain = at_128[-1] - at_128[0]
    hard, rest = (luck.mean(gain, each) for each in (shown.bins >= 3, shown.bins < 3))
    yield (
        "Here it is the *hard* bins that gain from attempts in a row",
        (hard > 0.05) & (rest < 0.05),
    )
    twice = at_128[0] - ratio.by_split(shown.record, 64, shown.ways[NESTED])[-1]
    yield "64 attempts in a row solve more than 128 side by side", luck.mean(twice) < 0


def hypotheses(shown, luck):
    record, hard = shown.record, shown.bins >= 3
    right, once, wrong = [], [], []
    for setting in (Setting(1, 128), Setting(128, 1)):
        columns = record.places(setting).ravel()
        fine = record.right[:, columns]
        right.append(fine.mean(axis=1))
        once.append(fine.any(axis=1).astype(float))
        answered = zip(record.answers[:, columns], fine, strict=True)
        wrong.append(np.array([len(np.unique(said[~ok])) for said, ok in answered]))
    more = [luck.mean(row - side, hard) for row, side in (right, once, wrong)]
    yield "in a row the hard bins get *fewer* different wrong answers", more[2] < -2
    yield "each attempt of a chain is right more often", more[0] > 0.03
    yield "a right answer comes by in a few more of the problems", more[1] > 0


def knowing(shown, luck):
    at_128 = ratio.by_split(shown.record, 128, shown.ways[NESTED])
    one, informed = (
        ratio.best_split(at_128, bins, luck.counts, luck.rng).draws
        for bins in (np.zeros(400, dtype=int), shown.bins)
    )
    parallel = luck.mean(at_128[0])
    yield "Attempts in a row pay, and it needs no bin to know it", one - parallel > 0.01
    said = "one ratio for all does about as well as a ratio for each bin"
    yield said, abs(informed - one) < 0.03
    fold = halves(shown.bins, luck.rng, LUCKS)
    taken = choose(at_128, shown.bins, fold, luck.counts)
    said = "The two hardest bins never choose all attempts side by side"
    yield said, (taken[..., 3:] != 0).all(axis=(1, 2))
    yield "The easiest always does", (taken[..., 0] == 0).all(axis=1)
    nearly = luck.mean(at_128, shown.bins == 0).min(axis=1) > 0.95
    yield "but there every ratio solves nearly all", nearly


QUESTIONS = (
    keeping,
    two_revisers,
    along,
    flow,
    reading,
    long_run,
    context,
    choosing,
    history,
    splits,
    hypotheses,
    knowing,
)

# ---- records with one mistake --------------------------------------------------------------------


def placed(shown, where):
    """The record with other attempts in its places: ``where`` (problems, attempts)."""
    record = shown.record
    tables = ("texts", "answers", "right")
    moved = {name: np.take_along_axis(getattr(record, name), where, 1) for name in tables}
    scores = {name: np.take_along_axis(each, where, 1) for name, each in record.scores.items()}
    return shown._replace(record=dataclasses.replace(record, scores=scores, **moved))


def chain_of():
    """The chain of each place of the record."""
    return np.repeat(np.arange(128), chain_steps(128))


def begins():
    """The place where the chain of each place begins."""
    return np.searchsorted(chain_of(), chain_of())


def steps_shuffled(shown, rng):
    return placed(shown, np.argsort(chain_of() + rng.random((400, 576)), axis=1))


def forgets(shown, rng):
    """Whatever stood in the context, the next is a fresh sample; none comes twice in a chain."""
    order = rng.random((400, 128, 128))
    order[:, np.arange(128), np.arange(128)] = -1  # the first attempt stays
    fresh = np.unique(begins())[np.argsort(order, axis=-1)]
    return placed(shown, fresh[:, chain_of(), np.arange(576) - begins()])


def copies_its_last(shown, rng):
    last = np.searchsorted(chain_of(), chain_of(), side="right") - 1
    return placed(shown, np.broadcast_to(last, (400, 576)))


def turned(shown, turn):
    """The record with chains of right and wrong, (problems, steps), that another reviser wrote."""
    right = shown.record.right.copy()
    for begin in np.unique(begins()):
        mine = begins() == begin
        right[:, mine] = turn(right[:, mine])
    return shown._replace(record=dataclasses.replace(shown.record, right=right))


def never_spoils(shown, rng):
    return turned(shown, lambda right: np.logical_or.accumulate(right, axis=1))


def turns_each_time(shown, rng):
    return turned(shown, lambda right: right[:, :1] ^ (np.arange(right.shape[1]) % 2 == 1))


def wants_the_easy_ones_side_by_side(shown, rng):
    """In the two easy bins nothing is right in chains that serve other splits, too."""
    lost = (shown.bins <= 1)[:, None] & (chain_of() < 64)
    answers = np.where(lost, np.nan, shown.record.answers)
    right = shown.record.right & ~lost
    return shown._replace(record=dataclasses.replace(shown.record, answers=answers, right=right))


def judges_toss_a_coin(shown, rng):
    """The scores of a problem stand beside other attempts at it."""
    scores = {name: rng.permuted(each, axis=1) for name, each in shown.record.scores.items()}
    judges = {
        name: (right, score if name == "exact" else rng.permuted(score, axis=1))
        for name, (right, score) in shown.judges.items()
    }
    return shown._replace(judges=judges, record=dataclasses.replace(shown.record, scores=scores))


def judges_swapped(shown, rng):
    scores = dict(zip(("prm", "history"), reversed(shown.record.scores.values()), strict=True))
    return shown._replace(record=dataclasses.replace(shown.record, scores=scores))


def bins_are_alike(shown, rng):
    """Each bin gets as much of the easy and of the hard problems."""
    mixed = (np.argsort(np.argsort(each, kind="stable")) % 5 for each in shown[5:7])
    return shown._replace(**dict(zip(("bins", "groups"), mixed, strict=True)))


def revisers_swapped(shown, rng):
    return shown._replace(
        trained=dict(zip(shown.trained, reversed(shown.trained.values()), strict=True))
    )


def windows_reversed(shown, rng):
    return shown._replace(
        windows=dict(zip(shown.windows, reversed(shown.windows.values()), strict=True))
    )


def another_writer(shown, rng):
    """A sample of lab-small in place of the greedy text of lab-small-own."""
    right, _ = shown.judges["exact"]
    return shown._replace(own=right[:, 0].astype(float))


def hears_the_last_alone(shown, rng):
    """Ways that choose among all attempts hear the last of each chain."""
    return shown._replace(ways=shown.ways | {WEIGHTED: LAST})


def chooses_by_the_last(shown, rng):
    return shown._replace(ways=shown.ways | {NESTED: LAST})


def hears_all(shown, rng):
    """The last attempts are to vote, and all do."""
    return shown._replace(ways=shown.ways | {LAST: WEIGHTED})


CAUGHT = [
    (
        keeping,
        judges_toss_a_coin,
        "about two thirds of what the exact judge adds",
        "Up to `prm`, a better judge is worth more on every rung.",
        "It falls behind, and further behind",
        "what it keeps is nearly always right",
        "and falls behind on long chains",
    ),
    (keeping, bins_are_alike, "The middle ones.", "hard ones have hardly anything to keep"),
    (
        two_revisers,
        revisers_swapped,
        "`reviser` gains much",
        "`reviser-both` gains little",
        "and ends *higher*",
    ),
    (
        along,
        forgets,
        "The second attempt is right more often than the first",
        "No interval comes near zero.",
    ),
    (along, never_spoils, "From the second attempt on the line is as good as level"),
    (along, judges_toss_a_coin, "at attempt 8 it is well ahead"),
    (along, another_writer, "One greedy text of `lab-small-own` stands higher still."),
    (
        flow,
        forgets,
        "A wrong attempt is righted more often than a fresh sample would right it",
    ),
    (
        reading,
        copies_its_last,
        "No difference that 400 problems could show",
        "none can be larger than a point",
    ),
    (
        flow,
        turns_each_time,
        "A right one is spoiled less often than a fresh sample would spoil it",
        "less often than in the paper, too",
    ),
    (
        flow,
        never_spoils,
        "nearly one right attempt in four is lost at every step",
        "So soon as many are spoiled as are righted",
    ),
    (
        long_run,
        steps_shuffled,
        "what the first two attempts promise lies above the whole interval of what came",
    ),
    (long_run, never_spoils, "Then one chain does, too."),
    (
        long_run,
        bins_are_alike,
        "With five groups the same two attempts foresee a share inside the interval",
        "In the easiest a wrong attempt is mostly righted by the next",
        "in the hardest seldom",
        "the two chances are more than one half apart",
        "They lie near the dashed line, where the two chances add up to one",
    ),
    (long_run, turns_each_time, "One chain for all lies far below that line"),
    (
        context,
        windows_reversed,
        "With none in context there is nothing to gain",
        "those are fresh samples",
        "One, two and four lie close together",
        "Two are a point or two better than one",
        "and four no better than two",
        "About five times as many positions",
        "As long as the window fills: with four in context for attempts 2 to 5",
        "with one in context that begins at attempt 3",
    ),
    (
        choosing,
        copies_its_last,
        "and far more than a chain's last attempt",
        "A majority solves more than the last attempt, too",
    ),
    (
        choosing,
        hears_the_last_alone,
        "Both ways that ask the verifier solve most",
        "*Majority* and *weighted over all* do not care about the order",
    ),
    (
        choosing,
        chooses_by_the_last,
        "With 4 chains of 4 the paper's way is level with *weighted over all*",
    ),
    (
        history,
        judges_swapped,
        "This verifier ranks worse",
        "its choice solves fewer problems",
    ),
    (
        splits,
        copies_its_last,
        "It rises with two attempts in a row",
        "and then stays about level",
        "The hard bins gain.",
        "64 attempts in a row solve more than 128 side by side",
    ),
    (
        splits,
        bins_are_alike,
        "The easy ones have little to gain: side by side nearly all are solved, too.",
        "Here it is the *hard* bins that gain from attempts in a row",
    ),
    (splits, hears_all, "It falls at the right end."),
    (
        splits,
        wants_the_easy_ones_side_by_side,
        "No bin loses more than luck could take.",
    ),
    (
        hypotheses,
        forgets,
        "in a row the hard bins get *fewer* different wrong answers",
        "each attempt of a chain is right more often",
        "a right answer comes by in a few more of the problems",
    ),
    (
        knowing,
        copies_its_last,
        "Attempts in a row pay, and it needs no bin to know it",
        "The two hardest bins never choose all attempts side by side",
    ),
    (
        knowing,
        wants_the_easy_ones_side_by_side,
        "one ratio for all does about as well as a ratio for each bin",
    ),
    (
        knowing,
        bins_are_alike,
        "The easiest always does",
        "but there every ratio solves nearly all",
    ),
]


@cache
def asked(question, seed, mutant=None):
    """The sentences of a question, and how likely so few lucks in which they hold are."""
    rng = np.random.default_rng(seed)
    of = mutant(shown(), rng) if mutant else shown()
    return {sentence: p_value(held) for sentence, held in question(of, Luck(rng))}


ANSWERS = {  # which questions of the notebook these sentences answer
    keeping: [
        pytest.mark.answers("10-018", 1),
        pytest.mark.answers("10-018", 2),
        pytest.mark.answers("10-018", 3),
    ],
    two_revisers: [pytest.mark.answers("10-031", 1)],
    along: [pytest.mark.answers("10-036", 1)],
    flow: [pytest.mark.answers("10-044", 1)],
    reading: [pytest.mark.answers("10-048", 1)],
    long_run: [
        pytest.mark.answers("10-053", 1),
        pytest.mark.answers("10-053", 2),
        pytest.mark.answers("10-053", 3),
    ],
    context: [
        pytest.mark.answers("10-058", 1),
        pytest.mark.answers("10-058", 2),
        pytest.mark.answers("10-058", 3),
    ],
    choosing: [pytest.mark.answers("10-063", 1)],
    splits: [
        pytest.mark.answers("10-080", 1),
        pytest.mark.answers("10-080", 2),
        pytest.mark.answers("10-080", 3),
    ],
}


@pytest.mark.parametrize(
    "question",
    [pytest.param(each, marks=ANSWERS.get(each, ()), id=each.__name__) for each in QUESTIONS],
)
def test_what_is_answered_holds_for_other_problems(question, seed):
    for sentence, p in asked(question, seed).items():
        says(sentence, p > FALSE_ALARM)


@pytest.mark.parametrize(
    ("question", "mutant", "sentences"),
    [(question, mutant, sentences) for question, mutant, *sentences in CAUGHT],
    ids=[f"{question.__name__}-{mutant.__name__}" for question, mutant, *_ in CAUGHT],
)
def test_a_record_with_one_mistake_is_caught(question, mutant, sentences, seed):
    found = asked(question, seed, mutant)
    assert {each for each in sentences if found[each] > FALSE_ALARM} == set()


def test_each_sentence_is_caught_where_it_is_wrong(seed):
    caught = {(question, each) for question, _, *sentences in CAUGHT for each in sentences}
    told = {(question, each) for question in QUESTIONS for each in asked(question, seed)}
    assert told == caught
