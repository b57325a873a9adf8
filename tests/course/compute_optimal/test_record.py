"""What notebook 09 says of the shipped record: each sentence, and the numbers that it rests on.

A sentence whose numbers have changed is named by the test that fails.
"""

from functools import cache
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

pytest.importorskip("pyarrow")

from tools import notebooks
from ttclib import artefacts
from ttclib.course.compute_optimal import strategies
from ttclib.course.compute_optimal.mixing import mixture
from ttclib.course.compute_optimal.optimal import difficulty_bins
from ttclib.course.compute_optimal.stopping import THRESHOLDS, stop, stopping
from ttclib.measure import bootstrap
from ttclib.measure.verdict import verdict
from ttclib.search.results import BEST, MAJORITY, WEIGHTED, read_results, read_samples

WIDE, NARROW = "beam M = √N", "beam M = 4"


@cache
def prose():
    notebook = nbformat.read(notebooks.FOLDER / "09_compute_optimal.ipynb", nbformat.NO_CONVERT)
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def says(sentence, so):
    """The notebook says it, and it is so."""
    assert sentence in prose(), f"notebook 09 no longer says: {sentence}"
    assert so, f"notebook 09 says, and the record does not: {sentence}"


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


def gap(ours, theirs, n, where=range(5), results=None):
    """How much more one method solves in some bins: mean, low, high."""
    results = results or record().results
    inside = np.isin(record().oracle, where)
    more = results.solved(ours, n) - results.solved(theirs, n)
    return bootstrap.mean_interval(more[inside], record().counts[:, inside])


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


def test_one_method_for_all_wastes():
    says(
        "Four generations had solved *all* of the two easy bins", all(by_bin(WEIGHTED, 4)[:2] == 1)
    )
    gain = by_bin(WEIGHTED, 64) - by_bin(WEIGHTED, 4)
    says("The third, the fourth and a little the hardest.", (gain[2:] > 0.1).all())


def test_difficulty_without_answers():
    apart = abs(record().oracle - record().predicted)
    says("Nearly all problems fall into the same bin or into the one beside it", apart.max() <= 1)
    assert 0.85 < np.mean(apart == 0) < 0.9


def test_methods_by_bin():
    gains = [by_bin(NARROW, n) - by_bin(WEIGHTED, n) for n in (4, 16)]
    says(
        "nearly all of that comes from the *fourth* bin", all(gain.argmax() == 3 for gain in gains)
    )
    assert by_bin(NARROW, 256)[4] > 0.3 > 2 * by_bin(WEIGHTED, 256)[4]


def test_what_it_is_worth():
    r = record()
    for n in (4, 16, 64, 256):
        _, low, high = lead(r.informed, n, r.one, n)
        says("knowing the difficulty adds nothing that these problems could show", low < 0 < high)
        assert lead(r.one, n, r.base, n)[0] > 0.02


def test_the_papers_example():
    r = record()
    for curve in (r.informed, r.told):
        _, low, high = lead(curve, 16, r.base, 64)
        says("with 16 generations the strategy does about as well", -0.04 < low < 0 < high)
        says(
            "cannot exclude that three points are missing", verdict(low, high, (-0.03, 1)) == "open"
        )
    says("best-of-N itself with 16 does worse", lead(r.base, 16, r.base, 64)[2] < -0.02)
    _, low, high = lead(r.one, 16, r.informed, 16)
    says("one setting for all does as well as the strategy", low < 0 < high)


def test_what_is_saved_is_no_merit_of_the_difficulty():
    r = record()
    says(
        'In generations "one setting for all" saves as much',
        all(saved(r.one, n)[0] > saved(r.informed, n)[0] for n in (16, 64)),
    )
    one, informed = (r.flops[name] for name in (strategies.ONE, "compute-optimal, oracle"))
    cheaper = [saved(informed, n, r.flops[WEIGHTED])[0] for n in (16, 64)]
    says(
        "In FLOPs the strategy looks a little cheaper",
        all(
            saved(one, n, r.flops[WEIGHTED])[0] < ratio
            for n, ratio in zip((16, 64), cheaper, strict=True)
        ),
    )


def test_the_ratio_is_read_at_two_ends():
    r = record()
    left = strategies.efficiency(r.informed, r.base)[0]
    right = [saved(r.informed, n)[0] for n in (16, 64, 256)]
    says("The left ratio soon has no end", np.isinf(left[r.results.at(64) :]).all())
    says("says 2, 4, 10 or infinity", 1.7 < right[0] < 1.9 and 3.5 < right[1] < 4 < 10 < right[2])
    says("best-of-N weighted has stopped", r.base.accuracy.max() < r.base.accuracy[5] + 0.03)


def test_knowing_costs_more_than_it_brings():
    r = record()
    seen = [np.mean(strategies.seen_bins(r.samples, m) == r.oracle) for m in (1, 16)]
    says("Sixteen put seven problems of ten into their true bin", 0.65 < seen[1] < 0.75)
    says("One sample already says much", 0.35 < seen[0] < 0.45)


def test_the_weak_verifier():
    weak, _ = read("prm-weak")
    easy, late = (gap(NARROW, WEIGHTED, n, (0, 1), weak) for n in (4, 256))
    says("the more the longer it searches", late[2] < easy[1] < easy[2] < 0)
    _, low, high = gap(NARROW, WEIGHTED, 256, (2, 3), weak)
    says("in the paper the beam *wins* in bins 3 and 4, and here it does not", low < 0 < high)


def worth_at(results, n):
    """What knowing the difficulty is worth among three ways to conclude: mean, low, high."""
    answers = strategies.only(results, (MAJORITY, WEIGHTED, BEST))
    luck = np.random.default_rng(0)
    one, informed = strategies.worth(answers, record().oracle, record().counts, luck)
    return lead(informed, n, one, n)


def test_what_difficulty_is_worth_by_verifier():
    for name in ("prm-weak", "prm"):
        for n in (4, 16, 64, 256):
            mean, low, high = worth_at(read(name)[0], n)
            says("Nothing, with both.", low < 0 < high and abs(mean) < 0.01)
    folder = artefacts.path("search-sweep")
    little, more = (mixture(folder, "prm-weak", "prm", share)[0] for share in (0.02, 0.05))
    highest = {n: little.solved(BEST, n).mean() for n in (1, 16, 256)}
    says(
        "rises from 0.45 to 0.56 at 16 samples, and falls to 0.43 at 256",
        [round(share, 2) for share in highest.values()] == [0.45, 0.56, 0.43],
    )
    peak = max(more.solved(BEST, n).mean() for n in more.budgets)
    says("Under those with 2% and 5%", more.solved(BEST, 256).mean() < peak - 0.03)
    mean, low, _ = worth_at(little, 64)
    says("7 points with 2% at 64 generations", round(mean, 2) == 0.07 and low > 0)
    mean, low, _ = worth_at(more, 256)
    says("5 points with 5% at 256", round(mean, 2) == 0.05 and low > 0)
    easy, hard = (by_bin(BEST, 64, little) - by_bin(MAJORITY, 64, little))[[0, 3]]
    says("a majority is safe. On hard ones the majority is wrong", easy < -0.2 and hard > 0.1)
    rivals = read("prm-weak")[0]
    says(
        "In notebook 08 it only fell", rivals.solved(BEST, 4).mean() < rivals.solved(BEST, 1).mean()
    )


def test_stopping_when_sure():
    r = record()
    curve = stopping(r.samples, r.counts, np.random.default_rng(2))
    ratio, low, _ = saved(curve, 16)
    says("solves with 16 generations takes five or six", 5 < 16 / ratio < 6 and low > 1.5)
    shared = strategies.shared_out(r.results, r.oracle, r.counts, np.random.default_rng(2))
    at = r.results.at(16)
    ours, theirs, one = (strategies.saving(c, r.base)[1][:, at] for c in (curve, shared, r.one))
    low, high = bootstrap.interval(ours / theirs)
    says("as good as sharing out, as far as these problems can tell", low < 1 < high)
    says("That is less than one setting for all", bootstrap.interval(ours / one)[0] > 1)
    weak, drawn = read("prm-weak")
    most = max(stop(drawn, t, 64)[0].mean() for t in (*THRESHOLDS[:9], np.inf))
    says("it solves less than a single sample does", most < weak.solved(BEST, 1).mean() + 0.005)
    right, written = stop(r.samples, 0.9, 64)
    assert right.mean() == pytest.approx(r.results.solved(BEST, 64).mean(), abs=0.005)
    spent = [written[:, r.oracle == k].mean() for k in range(5)]
    says("Little more than one; nearly all that are allowed", spent[0] < 1.5 and spent[4] > 55)
    assert r.results.solved(MAJORITY, 64).mean() < r.base.accuracy[0] + 0.1
