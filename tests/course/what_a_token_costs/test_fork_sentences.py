"""What notebook 14 says of forks is held by the record and by the formulas."""

import numpy as np
import pytest
from sentences import Says

from ttclib import artefacts
from ttclib.course.what_a_token_costs import forks
from ttclib.course.what_a_token_costs.writers import METHODS, shares
from ttclib.lm import arithmetic
from ttclib.search import results

says = Says("14_what_a_token_costs")


@pytest.fixture(scope="module")
def record():
    return forks.read_forks(artefacts.path("forks"))


@pytest.mark.answers("14-059", 2)
@pytest.mark.answers("14-059", 3)
def test_what_it_says_of_seconds(record):
    attention, grouped = ([record.share(n, c) for c in record.contexts] for n in record.names[:2])
    fixed = [record.share(n, c) for n in ("retention", "selective") for c in record.contexts]
    assert record.contexts == [64, 256, 1024, 4096]
    says("At 64 tokens half a token", round(attention[0], 1) in (0.5, 0.6))
    says("at 1,024 a little more than one, at 4,096 four", 1 < attention[2] < 1.4)
    says("at 4,096 four", round(attention[3]) == 4)
    says("from about a thousand tokens on", attention[1] < 1 < attention[2])
    says("With a fixed state about a tenth of a token", min(fixed) > 0.02 and max(fixed) < 0.15)
    sizes = record.sizes
    kept = forks.kept_of(sizes["layers"], sizes["heads"], 32, sizes["state"])
    quarter = kept["attention"].row(999) == 4 * kept["grouped"].row(999)
    smaller = all(mine < theirs for mine, theirs in zip(grouped, attention, strict=True))
    says("A quarter of the bytes, so the fork is a smaller addition", quarter and smaller)
    says("A fork of four texts at 4,096 tokens costs four tokens", 4 < attention[3] < 4.5)
    steps = [record.milliseconds("retention", context, False) for context in record.contexts]
    says("its step does not get slower at all", max(steps) == max(steps[:3]))


@pytest.mark.answers("14-059", 1)
def test_what_it_says_of_bytes(record):
    sizes = record.sizes
    size = sizes["width"] // sizes["heads"]
    kept = forks.kept_of(sizes["layers"], sizes["heads"], size, sizes["state"])
    for name in ("attention", "grouped"):
        says("Four times as many in attention", kept[name].row(256) == 4 * kept[name].row(64))
    for name in ("retention", "selective"):
        says("Not one more in retention", kept[name].row(64) == kept[name].row(16_384))
    window = kept["window"]
    says("copies no more than 256 rows", window.row(16_384) == window.row(256))
    large = forks.kept_of(layers=30, heads=9, size=64, state=16, kv_heads=3, width=2)
    as_much = large["retention"].row(1) == large["grouped"].row(96)
    says("Retention of our shape copies as much as 96 tokens with grouped queries", as_much)
    most = {
        (name, pages): large[name].most_texts(1e9, 1024, 64, pages)
        for name in large
        for pages in (False, True)
    }
    says("Attention with all heads holds 13 texts", most["attention", False] == 13)
    says("with grouped queries 39", most["grouped", False] == 39)
    says("13 becomes 210, and 39 becomes 662", most["attention", True] == 210)
    says("39 becomes 662, more than retention's 452", most["grouped", True] == 662)
    says("retention's 452", most["retention", True] == most["retention", False] == 452)


def test_how_long_a_step_is():
    problems = arithmetic.problems("validation", 8, np.random.default_rng(0), [5])
    steps = [
        len(step) + 1
        for problem in problems
        for step in arithmetic.solve(arithmetic.parse(problem)).split(";")[:-1]
    ]
    says("A step is about eleven tokens long", round(np.mean(steps)) == 11)


@pytest.mark.answers("14-069a", 1)
@pytest.mark.answers("14-069a", 2)
def test_what_search_buys_the_two_writers():
    columns = results.read(artefacts.path("fork-search"))
    solved = {
        (model, method): shares(columns, model, method, [1, 16])
        for model in ("selective", "attention")
        for method in METHODS
    }
    vote, weighed, smc = (solved["selective", method] for method in METHODS)
    says("the selective writer solves 27 in 100", round(100 * smc[:, 1].mean()) == 27)
    says("where one text solves 4, and a vote alone 6", round(100 * smc[:, 0].mean()) == 4)
    says("a vote alone 6", round(100 * vote[:, 1].mean()) == 6)
    assert len(smc) == 10
    says("In each of the ten runs SMC solves more", (smc[:, 1] > weighed[:, 1]).all())
    of_attention = [solved["attention", method][:, 1].mean() for method in METHODS]
    gains = np.diff(of_attention)
    says("gains most of it from the weights; selection adds little", gains[0] > 10 * gains[1])
    single = solved["attention", "majority"][:, 0]
    says("Its single texts solve 43 in 100", round(100 * single.mean()) == 43)
    says("more than sixteen of the other writer in any run", single.min() > smc[:, 1].max())
