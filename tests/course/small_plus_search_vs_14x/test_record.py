"""What notebook 11 says of the shipped records: each sentence, and the numbers that it rests on.

A sentence whose numbers have changed is named by the test that fails. What a slider shows is held
for a hundred lucks; where an interval is meant, problems are drawn again, so that the interval
misses the truth once in twenty times, whatever is tested here.
"""

import itertools
import json
import math
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from sentences import Says

from ttclib import artefacts
from ttclib.course.small_plus_search_vs_14x import bills, matched, serving
from ttclib.course.small_plus_search_vs_14x.figures import RATIOS
from ttclib.measure import bootstrap
from ttclib.measure.folds import difficulty_bins, halves
from ttclib.measure.verdict import BELOW, verdict
from ttclib.search import results as sweep
from ttclib.search.results import MAJORITY, WEIGHTED, read_results, read_samples

says = Says("11_small_plus_search_vs_14x")


def weights(name):
    """Weights in the matrices of a model of the course."""
    return matched.matrix_weights(
        json.loads((artefacts.path(name) / "config.json").read_text(encoding="utf-8"))
    )


@cache
def record():
    """Compute what the cells of the notebook compute, with the same luck."""
    folder = artefacts.path("search-sweep")
    beside = artefacts.path("exchange")
    results = read_results(folder, "prm")
    bins = difficulty_bins(read_samples(folder, "prm").right.mean(axis=(0, 2)))
    counts = bootstrap.counts(len(bins), 399, np.random.default_rng(0))
    return SimpleNamespace(
        folder=folder,
        beside=beside,
        results=results,
        settings=matched.Settings.of(results),
        bins=bins,
        counts=counts,
        rival=matched.read_rival(beside),
        sizes=matched.Sizes(weights("lab-small"), weights("lab-large")),
        cuts=matched.cut(bins, counts, np.random.default_rng(11)),
        lm=results.lm_flops[results.row(MAJORITY)].mean(axis=1),
    )


def allowed(ratio, count=matched.V1):
    r = record()
    return matched.affordable(r.settings, r.rival, r.sizes, r.bins, ratio, count)


@cache
def at(ratio, count=matched.V1):
    """What the slider shows at a ratio, intervals included."""
    r = record()
    may = allowed(ratio, count)
    return matched.exchange(r.settings, r.rival.right, r.bins, may, r.counts, r.cuts)


def gaps(ratio, luck, count=matched.V1):
    """Small with search less large, by bin and in all, for a luck of the slider."""
    r = record()
    fold = halves(r.bins, np.random.default_rng([luck, 11]), 64)
    solved, *_ = matched.chosen(r.settings, r.bins, allowed(ratio, count), fold)
    return matched.by_bin(solved - r.rival.right, r.bins)


def test_both_read_the_same_problems():
    r = record()
    columns = ("problem", "expression")
    here, there = (sweep.read(folder, columns=columns) for folder in (r.folder, r.beside))
    asked = [dict(zip(t["problem"], t["expression"], strict=True)) for t in (here, there)]
    assert asked[0] == asked[1] and len(asked[0]) == len(r.bins) == 400


@pytest.mark.answers("11-003", 1)
def test_the_multiplier_is_above_the_size_and_largest_for_few_questions():
    """Exactly: M + 3 (M − 1) / R, for every R of the slider."""
    many = [matched.multiplier(14, ratio) for ratio in sorted(RATIOS)]
    assert all(before > after for before, after in itertools.pairwise(many))
    assert min(many) >= 14 and matched.multiplier(14, math.inf) == 14


def test_matched_budgets():
    times = record().sizes.times
    assert round(times, 2) == 13.86
    says("because 64 is not exactly 62.7", round(matched.multiplier(times, 0.79), 1) == 62.7)
    stars = [
        [matched.multiplier(times, r, read) for r in ratios]
        for read, ratios in ((1, (0.16, 0.79, 22)), (2, (0.08, 0.4, 11)))
    ]
    said = "The stars of both versions stand at the same three heights."
    says(said, np.allclose(*stars, rtol=0.02))
    said = "and may spend hundreds of answers on each question"
    says(said, matched.multiplier(times, 0.16) > 250)
    exact, iclr = times / 2 + 1.5 * (times - 1) / 22, matched.multiplier(times, 22, 2)
    said = "Where R is large, it halves what the small model may spend."
    says(said, abs(exact / iclr - 0.5) < 0.05)
    exact, iclr = times / 2 + 1.5 * (times - 1) / 0.08, matched.multiplier(times, 0.08, 2)
    says("Where pretraining dominates, that hardly matters.", exact / iclr > 0.95)
    below = [r for r in RATIOS if matched.multiplier(times, r) * matched.SLACK > 512]
    says("where more could be paid for (R below 0.16)", max(below) < 0.16)


def test_a_vote_loses():
    r = record()
    more = r.results.solved(MAJORITY, 16) - r.rival.right
    _, _, high = bootstrap.mean_interval(more, r.counts)
    says("Not even close", high < -0.1)
    easy = matched.by_bin(more, r.bins)[:2]
    says("There the small model wins.", (easy > 0.05).all())


@pytest.mark.answers("11-013", 1)
def test_the_first_prediction():
    """At R = 0.16: intervals above 0, on both sides, and just reaching 0."""
    low, high = at(0.16).more[1:, :5]
    says("Ahead in the two easy bins.", (low[:2] > 0).all())
    middle = (low[2:4] < 0).all() and (high[2:4] > 0).all()
    said = "In the third and the fourth a little ahead, but the intervals hold 0."
    says(said, middle and (at(0.16).more[0, 2:4] > 0).all())
    said = "but its interval ends so near 0 that luck decides on which side"
    r = record()
    ends = []
    for luck in range(20):  # of the slider; the first is what a learner sees first
        cuts = matched.cut(r.bins, r.counts, np.random.default_rng([luck, 11]))
        found = matched.exchange(r.settings, r.rival.right, r.bins, allowed(0.16), r.counts, cuts)
        ends.append(found.more[2, 4])
    says(said, min(ends) < 0 < max(ends) and np.abs(ends).max() < 0.02)


@pytest.mark.answers("11-013", 2)
def test_what_changes_with_r_for_a_hundred_lucks():
    few, many, alone = (
        np.array([gaps(ratio, luck) for luck in range(100)]) for ratio in (0.16, 22, math.inf)
    )
    for found in (few, many, alone):
        assert (found[:, :2] > 0.05).all()
    says("The easy bins do not change at all", (abs(few - alone)[:, :2] < 0.006).all())
    said = "from a gap of about one problem in eight to one in three at R = 22"
    says(said, np.all(abs(few[:, 4] + 0.125) < 0.04) and np.all(abs(many[:, 4] + 0.34) < 0.05))
    says("and to two in five with inference alone", np.all(abs(alone[:, 4] + 0.4) < 0.03))
    says("There the fourth bin falls behind, too.", (alone[:, 3] < -0.08).all())
    assert (few[:, 3] > -0.02).all() and at(math.inf).more[2, 3] < 0


@pytest.mark.answers("11-013", 3)
def test_in_flops_r_does_not_matter():
    for count in (matched.LM_FLOPS, matched.ALL_FLOPS):
        by_ratio = np.array([gaps(ratio, 0, count) for ratio in RATIOS])
        says("R no longer matters.", (np.ptp(by_ratio, axis=0) < 0.015).all())
        share = allowed(math.inf, count).mean()
        said = "even inference alone pays for nearly everything that was recorded"
        says(said, share > 0.85 and at(math.inf, count).most.tolist() == [256] * 5)


def test_samples_share_what_they_have_in_common():
    r = record()
    times = matched.by_bin(r.lm[-1] / r.lm[0], r.bins)
    said = "256 samples are a handful of different texts, and cost a few times one"
    says(said, times[0] < 2.5)
    columns = ("model", "temperature", "problem", "text")
    rows = sweep.read(r.folder, "samples", columns)
    rows = sweep.where(rows, model="lab-small", temperature=1.0)
    texts = [set() for _ in r.bins]
    for problem, text in zip(rows["problem"], rows["text"], strict=True):
        texts[problem].add(text)
    different = np.array(list(map(len, texts)))
    says(said, np.median(different[r.bins == 0]) < 8)
    assert np.median(different[r.bins == 4]) > 40


def test_the_stars():
    r = record()
    stars = matched.by_bin(r.rival.right, r.bins)
    for ratio in (0.16, 0.79, 22):
        small = at(ratio).small
        easy, hard = small[0, :2] > stars[:2], small[0, 4] < stars[4]
        said = "stars below the lines of the easy bins, and above the line of the hardest at all"
        says(said, easy.all() and hard)
        inside = (small[1, 2:4] < stars[2:4]) & (stars[2:4] < small[0, 2:4])
        says("the stars lie below, too, but within the bands", inside.all())


def large(way, n, temperature):
    """Which problems the large model solves, and what that costs."""
    r = record()
    columns = ("temperature", "n", "problem", f"{way}_right", "lm_flops", "verifier_flops")
    here = sweep.where(sweep.read(r.beside, columns=columns), n=n, temperature=temperature)
    order = np.argsort(here["problem"], kind="stable")
    return here[f"{way}_right"][order].astype(float), here["lm_flops"] + here["verifier_flops"]


@pytest.mark.answers("11-019", 1)
def test_the_large_model_may_answer_more_than_once():
    r = record()
    best = at(0.16)  # all budgets
    for temperature in (0.7, 1.0):
        voted, _ = large("majority", 16, temperature)
        said = "the majority of 16 solves no more than its greedy text"
        says(said, r.rival.right.mean() > voted.mean())
        judged, flops = large("weighted_last", 16, temperature)
        more = best.solved - judged, best.draws - judged
        _, _, high = matched.interval(*more, r.counts, r.bins < 5)
        says("Best of 16 under `prm` is ahead of the small model with search", high < 0)
        ratio = flops.mean() / best.flops.mean()
        says("its 16 judged answers cost four to five times the FLOPs", 3.9 < ratio < 5.1)
        for way, n in itertools.product(("majority", "weighted_last"), (4, 16)):
            solved, _ = large(way, n, temperature)
            more = best.solved - solved, best.draws - solved
            _, low, high = matched.interval(*more, r.counts, r.bins < 2)
            if (way, n) == ("weighted_last", 16):
                said = "Whether it is ahead of those, too, these problems cannot tell."
                says(said, low < 0 < high)
            else:
                said = "In the two easy bins the small model stays ahead of all but the 16 judged"
                says(said, low > 0)


# ---- everything on the bill ----------------------------------------------------------------------


@cache
def totals():
    made = artefacts.manifest()
    names = ["lab-small", "prm-some", "prm", "lab-small-own", "lab-small-more", "lab-large"]
    bodies = {name: made[name]["settings"].get("start", name) for name in names}
    return {
        name: bills.bill(made, name, weights(bodies[name]), record().lm[0].mean()) for name in names
    }


@cache
def ways():
    r = record()
    fold = halves(r.bins, np.random.default_rng(11), 64)
    total = {name: stages.sum() for name, stages in totals().items()}
    start = total["lab-small"]
    found = {
        "votes": bills.Way(start, r.results.accuracy[r.results.row(MAJORITY)], r.lm),
        "prm": bills.searched(r.results, total["prm"], r.bins, fold),
        "prm-some": bills.searched(
            read_results(r.folder, "prm-some"), total["prm-some"], r.bins, fold
        ),
        "nines": bills.searched(read_results(r.folder, "nines"), start, r.bins, fold),
    }
    for model in ("lab-small-own", "lab-small-more"):
        found[model] = bills.alone(r.folder, model, total[model])
    judge = total["prm"] - start
    for name, take, more in (("lab-large", MAJORITY, 0), ("lab-large, prm", WEIGHTED, judge)):
        found[name] = bills.alone(r.beside, "lab-large", total["lab-large"] + more, take, 0.7)
    return found


SERVED = [10.0**k for k in range(3, 10)]


def on_the_frontier(questions, among):
    """Names from cheap to dear, and what each solves."""
    points = [
        (price, share, name)
        for name, way in ways().items()
        for price, share in zip(*way.at(questions, among), strict=True)
    ]
    return [points[i][1:] for i in bills.frontier([point[:2] for point in points])]


def test_what_was_paid_before_the_first_question():
    stages = totals()
    start = stages["lab-small"].sum()
    extra = stages["prm"].sum() / start - 1
    says("`prm` adds nearly three pretrainings of its writer", 2.6 < extra < 3)
    reading = stages["prm"][bills.STAGES.index("reading on")]
    said = "most of that was the reading that makes it a good judge"
    says(said, reading / start > extra / 2)
    tokens = {
        name: stages[name][[0, 2]].sum() / (6 * weights(name)) for name in stages if "lab" in name
    }
    a_weight = {name: n / weights(name) for name, n in tokens.items()}
    says("It saw about four tokens a weight", round(a_weight["lab-large"]) == 4)
    says("`lab-small-more` more than two hundred", a_weight["lab-small-more"] > 200)
    less = 1 - tokens["lab-large"] / tokens["lab-small"]
    says("the large model read a quarter *less* than the small one", less == pytest.approx(0.25))


@pytest.mark.answers("11-031", 1)
@pytest.mark.answers("11-031", 3)
def test_who_is_on_the_frontier():
    everyone = np.ones(400, dtype=bool)
    for questions in SERVED:
        best = on_the_frontier(questions, everyone)
        names = [name for _, name in best]
        said = "None of them, at any number of questions, if all difficulties are asked."
        says(said, not {"lab-large", "lab-large, prm", "prm"} & set(names))
        says("For a little more it is `lab-small-more`", best[-1][1] == "lab-small-more")
        if questions < 1e7:
            said = "For little money it is `lab-small` with casting out nines."
            says(said, "nines" in names)
        else:
            said = "the frontier is one sample of `lab-small`, and `lab-small-more`"
            says(said, names[0] == "votes" and set(names[1:]) == {"lab-small-more"})
    greedy = ways()["lab-small-more"]
    says(
        "less training than the large model and less than the judge",
        all(greedy.training < ways()[name].training for name in ("lab-large", "prm")),
    )
    most = max(ways()[name].solved.mean(axis=1).max() for name in ("lab-large", "prm"))
    says("and it solves more than both", greedy.solved[0].mean() > most)
    dear, everybody = ways()["lab-large, prm"], np.ones(400, dtype=bool)
    said = "Only the large model with the judge solves as much, at four times the price or more."
    top = dear.solved[-1].mean()
    says(said, abs(top - greedy.solved[-1].mean()) < 0.01 and top > most)
    for questions in SERVED:
        there, here = (way.at(questions, everybody)[0] for way in (dear, greedy))
        says(said, there[-1] > 4 * here[-1])


@pytest.mark.answers("11-031", 2)
def test_which_difficulty_wants_what():
    bins = record().bins
    for questions in SERVED[:-1]:
        tops = [on_the_frontier(questions, bins == b)[-1] for b in range(5)]
        said = "The easy bins want a few votes and no more training."
        says(said, [name for _, name in tops[:2]] == ["votes"] * 2)
        said = "search under the rule of nines is at the top"
        says(said, [name for _, name in tops[2:4]] == ["nines"] * 2)
        greedy = ways()["lab-small-more"].solved[0][bins == 3].mean()
        behind = tops[3][0] - greedy
        says("in the fourth with `lab-small-more` close behind", 0 < behind < 0.05)
        beside = [ways()["lab-small-more"].solved[0][bins == 4].mean(), tops[4][0]]
        said = "In the hardest bin it is training, by far."
        search = max(ways()[name].solved[-1][bins == 4].mean() for name in ("nines", "prm"))
        says(said, tops[4][1] == "lab-small-more" and min(beside) > search + 0.15)


def test_the_judge_or_the_writer():
    r = record()
    search = ways()["prm"].solved[-1]
    gap = {
        name: bootstrap.mean_interval(ways()[name].solved[0] - search, r.counts)
        for name in ("lab-small-own", "lab-small-more")
    }
    _, low, high = gap["lab-small-own"]
    said = "is as good as the search under that judge, as far as 400 problems can tell"
    says(said, low < 0 < high and high < 0.05)
    longer, own = (ways()[name].solved[0] for name in ("lab-small-more", "lab-small-own"))
    _, low, high = bootstrap.mean_interval(longer - own, r.counts)
    said = "The longer trained writer is better than both."
    says(said, gap["lab-small-more"][1] > 0 and low > 0)
    stages = totals()
    said = "and the writer cost less"
    says(said, stages["lab-small-more"].sum() < 0.9 * stages["lab-small-own"].sum())
    own, judge = (ways()[name] for name in ("lab-small-own", "prm"))
    said = "It costs less, before the first question and with every answer."
    says(said, own.training < judge.training and own.flops[0].mean() < judge.flops[-1].mean())


def test_break_even_by_bin():
    r = record()
    ours = np.array([matched.by_bin(solved, r.bins) for solved in ways()["prm"].solved])
    theirs = matched.by_bin(r.rival.right, r.bins)
    enough = [r.results.budgets[ours[:, b] >= theirs[b]] for b in range(5)]
    assert [int(n[0]) for n in enough[:4]] == [1, 1, 8, 16]
    times = r.sizes.times
    says("For three bins of five the small model pays at any R", enough[2][0] < times)
    largest = 3 * (times - 1) / (enough[3][0] - times)
    says("for the fourth up to R = 18", round(largest) == 18)
    says("for the hardest at none that the record could pay for", not len(enough[4]))
    said = "leaves the fourth bin its 16 answers even at R = 22"
    says(said, at(22).most[3] == 16 and matched.multiplier(times, 22) < 16)


# ---- a reader's own numbers, and the claims ------------------------------------------------------


@pytest.mark.answers("11-039", 1)
def test_a_year_of_eight_billion():
    one = serving.year(8e9, 2e12, 1e6, 500)
    says("The training, by far: R is below 0.1.", one.ratio < 0.1 and one.training > one.answers)
    busy = serving.year(8e9, 2e12, 33e6, 500)
    said = "That takes 33 million questions a day."
    says(said, busy.answers == pytest.approx(busy.training, rel=0.01))
    says("Both would cost the same at R = 3", busy.ratio == pytest.approx(3, rel=0.01))
    a_price = 2 / 3600 / 4e14 * 1e18
    says("are about 1.4 dollars for $10^{18}$", round(a_price, 1) == 1.4)


def test_the_claims():
    r = record()
    said = "One line is open"
    found = []
    for ratio in (0.16, 0.79, 22):
        ahead = at(ratio).solved - r.rival.right, at(ratio).draws - r.rival.right
        easy = matched.interval(*ahead, r.counts, r.bins < 3)
        hard = matched.interval(*ahead, r.counts, r.bins > 2)
        found += [verdict(*easy[1:]), verdict(*hard[1:], BELOW)]
    few, many = at(0.16), at(22)
    more = few.solved - many.solved, few.draws - many.draws
    found.append(verdict(*matched.interval(*more, r.counts, r.bins < 5)[1:]))
    says(said, found == ["agrees", "open", *["agrees"] * 5])
