"""What notebook 09 says of the shipped record: each sentence, and the numbers that it rests on.

A sentence whose numbers have changed is named by the test that fails.
"""

import re
from functools import cache
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

pytest.importorskip("pyarrow")

import solutions
from sentences import Says

from tools import notebooks
from ttclib import artefacts
from ttclib.course.compute_optimal import figures, strategies
from ttclib.course.compute_optimal.mixing import mixture
from ttclib.course.compute_optimal.stopping import THRESHOLDS, stop, stopping
from ttclib.measure import bootstrap
from ttclib.measure.folds import average, choose, difficulty_bins, halves, two_fold
from ttclib.measure.verdict import verdict
from ttclib.search.models import LADDER
from ttclib.search.results import (
    BEST,
    MAJORITY,
    WEIGHTED,
    read_alone,
    read_drawn,
    read_results,
    read_samples,
)

WIDE, NARROW, TREE = "beam M = √N", "beam M = 4", "mcts M = 4"
SEARCHED = ("prm-tokens", "prm-some", "prm", "prm-more")

says = Says("09_compute_optimal")


@cache
def read(verifier="prm"):
    """Return the results under a verifier, and the samples with its scores."""
    folder = artefacts.path("search-sweep")
    return read_results(folder, verifier), read_samples(folder, verifier)


@cache
def record():
    """Compute what the cells of the notebook compute, with the same luck."""
    results, samples = read()
    ease = samples.right.mean(axis=(0, 2))
    oracle, predicted = (
        difficulty_bins(values) for values in (ease, samples.score.mean(axis=(0, 2)))
    )
    counts = bootstrap.counts(len(ease), 399, np.random.default_rng(0))
    bins = {"oracle": oracle, "predicted": predicted}
    generations, flops = (
        strategies.strategies(results, bins, counts, np.random.default_rng(1), flops=kind)
        for kind in (False, True)
    )
    return SimpleNamespace(
        results=results,
        samples=samples,
        ease=ease,
        oracle=oracle,
        predicted=predicted,
        counts=counts,
        generations=generations,
        flops=flops,
        one=generations[strategies.ONE],
        base=generations[WEIGHTED],
        informed=generations["compute-optimal, oracle"],
        told=generations["compute-optimal, predicted"],
    )


def by_bin(name, n, results=None):
    """Share that a method solves of each bin."""
    solved = (results or record().results).solved(name, n)
    return np.array([solved[record().oracle == k].mean() for k in range(5)])


def gap(ours, theirs, n, among=range(5), results=None):
    """How much more one method solves in some bins: mean, low, high."""
    results = results or record().results
    inside = np.isin(record().oracle, among)
    more = (results.solved(ours, n) - results.solved(theirs, n))[inside]
    return bootstrap.mean_interval(
        more, bootstrap.counts(len(more), 1999, np.random.default_rng(0))
    )


def lead(ours, n, theirs, m):
    """How much more one curve solves with n generations than another with m: mean, low, high."""
    here, there = (record().results.at(budget) for budget in (n, m))
    low, high = bootstrap.interval(ours.draws[:, here] - theirs.draws[:, there])
    return ours.accuracy[here] - theirs.accuracy[there], low, high


def saved(curve, n, theirs=None):
    """How many times less a curve pays for what another solves with n: ratio, low, high."""
    ratio, draws = strategies.saving(curve, theirs or record().base)
    at = record().results.at(n)
    return ratio[at], *bootstrap.interval(draws[:, at])


@cache
def mixed(share):
    """Return the results and samples of a mixture of two verifiers."""
    return mixture(artefacts.path("search-sweep"), "prm-plain", "prm", share)


@cache
def worth(name, alone=True, bins="oracle"):
    """One setting for all and the choice by difficulty under a verifier or a mixture."""
    results, samples = mixed(name) if isinstance(name, float) else read(name)
    if alone:
        results = strategies.only(results, (MAJORITY, WEIGHTED, BEST))
    own = difficulty_bins(samples.score.mean(axis=(0, 2)))
    mine = {"oracle": record().oracle, "own": own}[bins]
    return strategies.worth(results, mine, record().counts, np.random.default_rng(0))


def worth_at(name, n, alone=True, bins="oracle"):
    """What knowing the difficulty is worth with n generations: mean, low, high."""
    one, informed = worth(name, alone, bins)
    return lead(informed, n, one, n)


def body(flops=True):
    """The verifier's body alone: its greedy text, and its likeliest of N, as curves."""
    return read_alone(artefacts.path("search-sweep"), "lab-small-own", record().counts, flops)


@pytest.mark.answers("09-006", 1)
@pytest.mark.answers("09-006", 2)
def test_one_method_for_all_wastes():
    lost = (record().results.solved(WEIGHTED, 4)[record().oracle < 2] == 0).sum()
    says("Four generations had solved the two easy bins, all but one problem.", lost == 1)
    gain = by_bin(WEIGHTED, 64) - by_bin(WEIGHTED, 4)
    said = "The third, the fourth and a little the hardest."
    says(said, (gain[2:4] > 0.15).all() and 0.05 < gain[4] < 0.15)
    says("Two bins of five gained nothing", (gain[:2] <= 0).all())


@pytest.mark.answers("09-008", 1)
def test_difficulty_without_answers():
    r = record()
    apart = abs(r.oracle - r.predicted)
    said = "Nearly all problems fall into the same bin or into the one beside it"
    says(said, np.mean(apart <= 1) > 0.94)
    right = [np.mean(apart[r.oracle == k] == 0) for k in range(5)]
    says("It is wrong most often in the fourth bin", np.argmin(right) == 3)
    score = r.samples.score.mean(axis=(0, 2))
    believed = (r.ease < 0.05) & (score > 0.5)
    says("A few problems that are hardly ever solved get high scores", 5 < believed.sum() < 15)


@pytest.mark.answers("09-010", 1)
@pytest.mark.answers("09-010", 2)
@pytest.mark.answers("09-010", 3)
def test_methods_by_bin():
    gains = {n: by_bin(NARROW, n) - by_bin(WEIGHTED, n) for n in (4, 16)}
    says("A little at both.", all(0 < gain.mean() < 0.03 for gain in gains.values()))
    late = gains[16]
    said = "At 16 nearly all of that comes from the *fourth* bin."
    says(said, late[3] > 0.1 > 4 * abs(np.delete(late, 3)).max())
    easy = {name: by_bin(name, 256)[:2] for name in (MAJORITY, WEIGHTED, NARROW, "rebase")}
    says("A majority solves all of the two easy bins", (easy[MAJORITY] == 1).all())
    lost = [(1 - easy[name][1]) * 80 for name in (WEIGHTED, NARROW, "rebase")]
    said = "whoever listens to the verifier loses a few problems of the second"
    says(said, min(lost) > 1.5 and max(lost) < 3.5)
    third = by_bin("rebase", 256)[4]
    says("REBASE solves nearly a third of it", 0.29 < third < 0.333)
    ((alone,),) = read_drawn(
        artefacts.path("search-sweep"), "right", model="lab-small-own", temperature=0.0
    )
    hardest = alone[record().oracle == 4].mean()
    says("one greedy text of the verifier's body solves more", hardest > third)


BUDGETS = (2, 4, 8, 16, 32, 64, 128, 256)


def chosen(n, kind, luck):
    """What the slider shows: shares of the methods in each bin (5, methods), and two accuracies."""
    results = record().results
    right = results.accuracy[:, results.at(n)]
    bins = getattr(record(), kind)
    fold = halves(bins, np.random.default_rng([luck, 9]), 64)
    votes = choose(right, bins, fold).reshape(-1, 5).T
    shares = np.array([np.bincount(mine, minlength=len(results.names)) for mine in votes])
    hindsight = np.mean([np.nanmax(right[:, bins == k].mean(axis=1)) for k in range(5)])
    return shares / len(votes.T), average(right, two_fold(right, bins, fold)).mean(), hindsight


@pytest.mark.answers("09-016", 1)
@pytest.mark.answers("09-016", 2)
@pytest.mark.answers("09-016", 3)
@pytest.mark.answers("09-016", 4)
def test_the_choice_of_each_bin():
    """Whatever the luck that the slider draws."""
    names = record().results.names
    majority = names.index(MAJORITY)
    for luck in range(100):
        shown = {n: chosen(n, "oracle", luck) for n in BUDGETS}
        usual = {n: [names[k] for k in shares.argmax(axis=1)] for n, (shares, *_) in shown.items()}
        said = "mostly tree search up to 64 generations, a beam from 128 on"
        fourth = [usual[n][3] for n in (4, 16, 32, 64, 128, 256)]
        says(said, fourth == [TREE] * 4 + [WIDE, NARROW])
        third = [usual[n][2] for n in (8, 32, 64, 128, 256)]
        said = "at 8 by the highest score, from 32 on by the weighted sum"
        says(said, third == [BEST] + [WEIGHTED] * 4)
        easy = {usual[n][k] for n in (16, 32, 64, 128, 256) for k in (0, 1)}
        says("An easy bin takes a majority vote as soon as that solves all", easy == {MAJORITY})
        most = shown[16][0].max(axis=1)
        divided = max(most[[2, 4]]) < 0.5 and min(most[[0, 1, 3]]) > 0.9
        says("At 16 in the third and the hardest bin.", divided)
        loss = [hindsight - solved for _, solved, hindsight in shown.values()]
        says("One to three points.", min(loss) > 0.009 and max(loss) < 0.0325)
        for n in BUDGETS[3:]:
            shares, solved, _ = chosen(n, "predicted", luck)
            says("Little, two points at most.", abs(solved - shown[n][1]) < 0.021)
            says("so it trusts the majority less", shares[1, majority] < 0.6)


def test_hard_problems_that_look_easy():
    strays = np.count_nonzero((record().predicted == 1) & (record().oracle > 2))
    says("The second bin now holds a few hard problems that look easy", 3 < strays < 12)


@pytest.mark.answers("09-018", 1)
def test_what_it_is_worth():
    r = record()
    for n in (4, 16, 64, 256):
        _, low, high = lead(r.informed, n, r.one, n)
        says("knowing the difficulty adds nothing that these problems could show", low < 0 < high)
        said = "the best single method is ahead of best-of-N weighted at every budget from 4 on"
        says(said, lead(r.one, n, r.base, n)[0] > 0.015)


@pytest.mark.answers("09-018", 1)
def test_the_rivals_stand_above():
    r = record()
    greedy, likeliest = body()
    for name in (strategies.ONE, "compute-optimal, oracle"):
        curve = r.flops[name]
        said = "What one greedy text of the body solves, the two strategies solve at no budget."
        says(said, curve.accuracy.max() < greedy.accuracy[0])
        nearest = curve.accuracy.argmax()
        said = "nearest with 128 generations, for six times its FLOPs or more"
        says(said, nearest == r.results.at(128) and curve.paid[nearest] > 6 * greedy.paid[0])
        low, high = bootstrap.interval(greedy.draws[:, 0] - curve.draws[:, nearest])
        says("these problems cannot tell the two apart", low < 0 < high)
        said = "the likeliest of four of its texts solves more still"
        says(said, likeliest.accuracy[2] > greedy.accuracy[0] + 0.01)
    nines = read_results(artefacts.path("search-sweep"), "nines")
    highest = nines.accuracy[nines.row("rebase")].mean(axis=-1)
    says("lifts REBASE higher still", np.nanmax(highest) > likeliest.accuracy.max())
    best = max(curve.accuracy.max() for curve in (r.one, r.informed, r.told))
    said = "At no budget did a strategy solve what one greedy text of it solves."
    says(said, best < greedy.accuracy[0])


@pytest.mark.parametrize("name", ["prm", 0.05])
def test_bins_by_other_samples_are_worth_as_much(name):
    """Half of the samples sort the problems, the other half answer."""
    results, _ = mixed(name) if isinstance(name, float) else read(name)
    few = strategies.up_to(results, 128)
    found = {}
    for part in (slice(128), slice(128, None)):
        bins = difficulty_bins(record().samples.right[..., part].mean(axis=(0, 2)))
        one, informed = strategies.worth(few, bins, record().counts, np.random.default_rng(1))
        found[part.start] = lead(informed, 64, one, 64)
    (peeked, *_), (honest, low, high) = found.values()
    assert abs(honest - peeked) < 0.01
    if name == "prm":
        says("it changes nothing that could be seen", low < 0 < high)
    else:
        says("told by other samples, they are worth as much", low > 0.02)


def test_the_papers_example():
    r = record()
    for curve in (r.informed, r.told):
        mean, low, high = lead(curve, 16, r.base, 64)
        said = "with 16 generations the strategy does about as well"
        says(said, abs(mean) < 0.015 and -0.05 < low < 0 < high)
        undecided = verdict(low, high, (-0.03, 1)) == "open"
        says("cannot exclude that three points are missing", undecided)
    says("best-of-N itself with 16 does worse", lead(r.base, 16, r.base, 64)[2] < -0.01)
    mean, low, high = lead(r.one, 16, r.informed, 16)
    says("one setting for all does as well as the strategy", low < 0 < high and mean > -0.005)


def test_what_is_saved_is_no_merit_of_the_difficulty():
    r = record()
    names = (strategies.ONE, "compute-optimal, oracle")
    for curves in (r.generations, r.flops):
        one, informed = (curves[name] for name in names)
        ratio, draws = strategies.times_less(informed, one, curves[WEIGHTED])
        for n in (16, 64):
            at = r.results.at(n)
            low, high = bootstrap.interval(draws[:, at])
            says("each of these intervals holds 1", low < 1 < high)
            if curves is r.flops:
                says("In FLOPs the strategy looks a little cheaper", 1.05 < ratio[at] < 1.3)
            else:
                said = '"One setting for all" saves as much'
                says(said, abs(saved(one, n)[0] / saved(informed, n)[0] - 1) < 0.06)


def test_a_hard_problem_costs_more():
    results = record().results
    for name in (WEIGHTED, NARROW, "rebase"):
        paid = results.paid(flops=True)[results.row(name), results.at(64)].mean(axis=0)
        by = [paid[record().oracle == k].mean() for k in range(5)]
        says("and a hard one costs more", (np.diff(by) > 0).all())


def test_the_beam_by_difficulty():
    for beam in (WIDE, NARROW):
        for n, among in ((256, (0, 1)), (16, (2, 3)), (256, (2, 3))):
            _, low, high = gap(beam, WEIGHTED, n, among)
            says("None of it can be told from luck.", low <= 0 <= high)
    hard = [gap(NARROW, WEIGHTED, n, (3, 4)) for n in (16, 64, 256)]
    said = "in the two *hard* bins."
    says(said, all(mean > 0.05 and low >= 0 for mean, low, _ in hard))


def test_the_ratio_is_read_at_two_ends():
    r = record()
    left = strategies.efficiency(r.informed, r.base)[0]
    right = [saved(r.informed, n)[0] for n in (16, 64, 256)]
    says("The left ratio soon has no end", np.isinf(left[r.results.at(64) :]).all())
    rounded = 1.7 < right[0] < 2.2 and 4.3 < right[1] < 5.2 and 9.5 < right[2] < 10.5
    says("says 2, 5, 10 or infinity", rounded)
    says("best-of-N weighted hardly rises any more", r.base.accuracy[8] < r.base.accuracy[6] + 0.03)


@pytest.mark.answers("09-029c", 1)
@pytest.mark.answers("09-029c", 2)
def test_knowing_costs_more_than_it_brings():
    r = record()
    seen = [np.mean(strategies.seen_bins(r.samples, m) == r.oracle) for m in (1, 16)]
    says("Sixteen put two problems of three into their true bin", 0.62 < seen[1] < 0.70)
    says("One sample already says much", 0.35 < seen[0] < 0.45)
    looks = (0, 1, 2, 4, 8, 16, 64, 128)
    rng = np.random.default_rng(0)
    curves = strategies.price_of_knowing(r.results, r.samples, r.counts, rng, looks)
    at = r.results.at(16)
    base = strategies.up_to(r.results, 128).curve(WEIGHTED, r.counts)
    pays = [strategies.saving(curve, base)[0][at] for curve in curves.values()]
    says("one good setting for all was the better buy here", max(pays) == pays[0])
    says("None. Where difficulty brings nothing", max(pays[1:]) < pays[0])


def test_the_beam_by_verifier():
    for n in (64, 256):
        results = read("prm-tokens")[0]
        mean, low, high = gap(NARROW, WEIGHTED, n, (0, 1), results)
        says("Under `prm-tokens` the beam loses easy problems", mean < 0 and (n == 64 or high < 0))
        _, low, high = gap(NARROW, WEIGHTED, n, (2, 3), results)
        says("and wins nothing on harder ones", low < 0 < high)
    some = read("prm-some")[0]
    easy, middle = (gap(NARROW, WEIGHTED, 64, among, some) for among in ((0, 1), (2, 3)))
    says("shows **both halves of the paper's picture**", easy[2] < 0 < middle[1])
    says("loses 2.5 points in two bins of five", easy[0] == pytest.approx(-0.025))


def room(results, n=64):
    """The best method of each bin in hindsight, less the best single one."""
    right = results.accuracy[:, results.at(n)]
    by = [np.nanmax(right[:, record().oracle == k].mean(axis=1)) for k in range(5)]
    return np.mean(by) - np.nanmax(right.mean(axis=1))


def test_there_is_little_to_win_on_the_ladder():
    says("Two points at most", max(room(read(name)[0]) for name in LADDER) < 0.02)
    assert room(mixed(0.05)[0]) > 0.06


@pytest.mark.answers("f51e3e41", 1)
@pytest.mark.parametrize("name", LADDER)
def test_difficulty_is_worth_nothing_on_any_rung(name):
    for n in (2, 4, 8, 16, 32, 64, 128, 256):
        for alone in (True, False) if name in SEARCHED else (True,):
            mean, low, _ = worth_at(name, n, alone)
            says("on any rung and at any budget: no interval lies above 0", low <= 0)
            says("no point above two hundredths", mean < 0.0225)


def test_with_two_generations_the_choice_costs_a_little():
    for name in ("prm-some", "prm", "prm-more"):
        says("With two generations it costs a little", worth_at(name, 2)[0] < 0)


@pytest.mark.answers("f51e3e41", 2)
def test_difficulty_is_worth_much_under_whims():
    for share, n, points, sentence in (
        (0.05, 64, 7, "seven points with 5% at 64 generations and at 256"),
        (0.05, 256, 7.5, "seven points with 5% at 64 generations and at 256"),
        (0.02, 16, 5.5, "five points with 2% at 16"),
        (0.1, 256, 5.5, "with 10% at 256"),
    ):
        mean, low, _ = worth_at(share, n)
        says(sentence, abs(100 * mean - points) < 0.5 and low > 0)
    easy, hard = (by_bin(BEST, 64, mixed(0.05)[0]) - by_bin(MAJORITY, 64))[[1, 3]]
    says("a majority is safe. On hard ones the majority is wrong", easy < -0.2 and hard > 0.2)
    areas = [figures._area(samples) for _, samples in (read("prm-some"), mixed(0.05))]
    says("at an area of 0.78 and 0.79", [round(area, 2) for area in areas] == [0.78, 0.79])
    _, low, high = worth_at(0.05, 64, bins="own")
    says("nothing is left that could be seen", low < 0 < high)
    own = difficulty_bins(mixed(0.05)[1].score.mean(axis=(0, 2)))
    said = "puts one problem of three into its true bin"
    says(said, 0.3 < np.mean(own == record().oracle) < 0.37)


@pytest.mark.answers("f51e3e41", 3)
def test_over_optimisation_in_one_curve():
    for name in ("prm-tokens", 0.02, 0.05, 0.1):
        results, _ = mixed(name) if isinstance(name, float) else read(name)
        curve = results.accuracy[results.row(BEST)].mean(axis=-1)
        said = "Under `prm-tokens` and all three mixtures."
        says(said, curve[0] + 0.02 < curve.max() and curve[-1] < curve.max() - 0.02)
        if name == 0.02:
            rounded = [round(float(curve[k]), 2) for k in (0, 2, 8)]
            said = "from 0.47 to 0.56 at 4 samples, and falls to 0.39 at 256"
            says(said, rounded == [0.47, 0.56, 0.39] and curve.argmax() == 2)


def test_sharing_out():
    r = record()
    at = r.results.at(16)
    for bins in (r.oracle, r.predicted):
        curve = strategies.shared_out(r.results, bins, r.counts, np.random.default_rng(2))
        ratio, draws = strategies.times_less(curve, r.one, r.base)
        low, high = bootstrap.interval(draws[:, at])
        said = "likely, not sure, that sharing out pays less than one setting for all"
        says(said, low < 1 < high and ratio[at] > 1.2)
        assert saved(curve, 16)[1] > 1
        says("At large budgets there is nothing left to share out", curve.paid.max() < 64)


@pytest.mark.answers("09-045e", 1)
@pytest.mark.answers("09-045e", 2)
def test_stopping_when_sure():
    r = record()
    curve = stopping(r.samples, r.counts, np.random.default_rng(2))
    ratio, low, _ = saved(curve, 16)
    says("solves with 16 generations takes six", 5.5 < 16 / ratio < 6.5)
    says("all three pay less than best-of-N", low > 1 and saved(r.one, 16)[1] > 1)
    at = r.results.at(16)
    shared = strategies.shared_out(r.results, r.oracle, r.counts, np.random.default_rng(2))
    for theirs in (shared, r.one):
        low, high = bootstrap.interval(strategies.times_less(curve, theirs, r.base)[1][:, at])
        said = "as good as sharing out and as one setting for all, as far as these problems"
        says(said, low < 1 < high)
    best = r.results.solved(BEST, 64).mean()
    found = {t: stop(r.samples, t, 64) for t in (*THRESHOLDS, np.inf)}
    right = [found[t][0].mean() for t in found]
    says("It rises to best-of-N max with the same most.", right[-1] == best > right[2] + 0.02)
    said = "From 0.5 on, each later stop costs texts and brings next to nothing."
    says(said, max(right) < found[0.5][0].mean() + 0.004)
    spent = [found[0.5][1][:, r.oracle == k].mean() for k in range(5)]
    said = "At 0.5 fewer than two; more than half of all that are allowed."
    says(said, spent[0] < 2 and spent[4] > 32)


@pytest.mark.answers("09-045e", 3)
def test_stopping_under_a_verifier_that_knows_nothing():
    results, samples = read("prm-plain")
    right = [stop(samples, t, 64)[0].mean() for t in (*THRESHOLDS, np.inf)]
    said = "Nobody who waits for it solves more than a single sample does."
    says(said, max(right) <= results.solved(BEST, 1).mean() + 0.002)
    falls = (np.diff(right) < 0.006).all() and right[-1] < 0.25
    says("the longer it waits, the less it solves", falls)
    written = stop(samples, 0.9, 64)[1]
    says("it is hardly ever sure", written.mean() > 63)


SAME = {  # a comparison of notebook 08, and the same one of notebook 09
    "beam beats best of N at 4 generations": f"{NARROW} beats {WEIGHTED} at N = 4 ",
    "… and at 16": f"{NARROW} beats {WEIGHTED} at N = 16 ",
    "at 256 beam falls behind on the two easy fifths": f"{NARROW} falls behind at N = 256 in",
    "at 256 it is ahead on the third and fourth fifth": f"{NARROW} wins in bins 3 and 4 at N = 256",
    "lookahead (k = 3) loses to beam at 64 generations": "lookahead is worse than beam search",
    "hardest fifth: a beam at 256 gains nothing": f"{NARROW} with 256 gains at most 0.05",
}


def printed(name):
    """All lines that the cells of a notebook print."""
    notebook = nbformat.read(notebooks.FOLDER / f"{name}.ipynb", nbformat.NO_CONVERT)
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [line for cell in cells for line in solutions.text_of(cell).splitlines()]


@pytest.mark.parametrize(("there", "here"), SAME.items())
def test_notebooks_08_and_09_judge_alike(there, here):
    (theirs,) = (line for line in printed("08_prm_search") if line.startswith(there))
    (ours,) = (line for line in printed("09_compute_optimal") if line.startswith(here))
    assert theirs.split()[-1] == ours.split()[-1]  # the verdict
    shares = [float(share) for share in re.findall(r"([+-][\d.]+)%", theirs)]
    numbers = [float(number) for number in re.findall(r"[+-]\d\.\d{3}", ours)]
    assert len(shares) == 3
    assert numbers == pytest.approx([share / 100 for share in shares], abs=1.1e-3)
