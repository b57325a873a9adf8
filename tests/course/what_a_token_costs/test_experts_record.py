"""What notebook 14 says of experts: each phenomenon, in at least nine of ten recorded trainings."""

import itertools
from functools import cache

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from sentences import Says

from tools import experts as tool
from ttclib import artefacts
from ttclib.course.what_a_token_costs import dialects, expert_figures
from ttclib.course.what_a_token_costs import experts as mixture
from ttclib.search import results

MOST = 9  # of ten


@cache
def runs():
    return results.read(artefacts.path("experts"), "runs")


def part(name, **values):
    return results.where(runs(), part=name, **values)


def tables(rows):
    return np.array([np.stack(list(table)) for table in rows["table"]])


def busiest(rows):
    """The share of all tokens at the busiest expert of each run."""
    return tables(rows).mean(axis=1).max(axis=1)


def test_every_declared_run_is_there():
    declared = tool.runs(tool.PLAN)
    found = runs()
    assert len(found["part"]) == len(declared)
    for i, run in enumerate(declared):
        for name, value in run.items():
            assert found[name][i] == value, (i, name)


def test_rates_are_the_best_of_those_tried():
    for kind, declared in tool.PLAN["rate"].items():
        rates = tool.PLAN["rates"]
        means = [part("rates", kind=kind, rate=rate)["excess"].mean() for rate in rates]
        assert rates[int(np.argmin(means))] == declared


def test_flops_and_parameters_are_equal_where_it_says_so():
    for of in tool.PLAN["counts"]:
        prices = {}
        for kind in expert_figures.KINDS:
            hidden = int(part("sizes", kind=kind, of=of)["hidden"][0])
            prices[kind] = expert_figures.price(kind, of, hidden)
        assert prices["equal FLOPs"][0] == prices["mixture"][0]
        assert prices["equal parameters"][1] == prices["mixture"][1]


def test_what_was_measured_of_a_table_is_what_it_says():
    found = runs()
    for table, effective, purity in zip(
        tables(part("sizes", kind="mixture", of=8)),
        part("sizes", kind="mixture", of=8)["effective"],
        part("sizes", kind="mixture", of=8)["purity"],
        strict=True,
    ):
        assert table.sum(axis=1) == pytest.approx(np.ones(8))
        assert dialects.effective(table.mean(axis=0)) == pytest.approx(effective)
        assert dialects.purity(table) == pytest.approx(purity)
    assert (found["excess"] > 0).all()


# ---- collapse ----------------------------------------------------------------------------


def often(flags):
    return np.count_nonzero(flags) >= MOST and len(flags) == 10


def test_collapse_is_complete_where_tokens_share_most_and_only_there():
    assert often(busiest(part("collapse", shared=6.0, balance=0.0)) > 0.8)
    assert often(busiest(part("collapse", shared=0.0, balance=0.0)) < 0.5)


def test_balance_brings_the_experts_back_and_the_loss_down():
    for shared, alpha in ((3.0, 0.1), (3.0, 1.0), (6.0, 1.0)):
        alone = part("collapse", shared=shared, balance=0.0)
        balanced = part("collapse", shared=shared, balance=alpha)
        assert (alone["seed"] == balanced["seed"]).all()
        assert often(balanced["effective"] > alone["effective"] + 2)
        assert often(balanced["excess"] < alone["excess"])


def test_a_load_that_is_shared_evenly_is_not_yet_a_good_layer():
    """Where tokens share most, balance evens the load out, and the loss stays far away."""
    balanced = part("collapse", shared=6.0, balance=1.0)
    assert often(balanced["effective"] > 5.5)
    assert often(balanced["excess"] > 10 * part("collapse", shared=0.0, balance=0.1)["excess"])


# ---- clusters ----------------------------------------------------------------------------


def test_experts_of_as_many_dialects_learn_a_dialect_each():
    found = tables(part("sizes", kind="mixture", of=8))
    mains = [len(set(table.argmax(axis=1))) for table in found]
    assert often(np.array(mains) >= 7)
    assert often(part("sizes", kind="mixture", of=8)["purity"] > 0.75)


def test_no_expert_tells_more_than_it_could():
    for of in tool.PLAN["counts"]:
        told = part("sizes", kind="mixture", of=of)["purity"]
        assert (told <= min(1, np.log(of) / np.log(8)) + 1e-12).all()


# ---- rivals ------------------------------------------------------------------------------


@pytest.mark.parametrize("of", tool.PLAN["counts"])
def test_a_mixture_wins_at_equal_flops_and_loses_at_equal_parameters(of):
    mine, flops, parameters = (
        part("sizes", kind=kind, of=of)["excess"] for kind in expert_figures.KINDS
    )
    assert often(mine < flops)
    assert often(parameters < mine)


def test_more_experts_come_nearer_to_the_entropy():
    excess = [part("sizes", kind="mixture", of=of)["excess"] for of in (2, 4, 8)]
    for fewer, more in itertools.pairwise(excess):
        assert often(more < fewer)


# ---- seats -------------------------------------------------------------------------------


def dropped(name, factor):
    rows = part("sizes", kind="mixture", of=8)
    return np.stack(list(rows[f"dropped, {name}"]))[:, tool.SLACK.index(factor)]


def test_whole_texts_overflow_more_than_single_letters():
    for factor in (1.0, 1.25, 1.5):
        assert often(dropped("texts", factor) > dropped("letters", factor))
    assert often(dropped("texts", 1.0) > 0.1) and often(dropped("letters", 1.0) > 0.03)
    assert often(dropped("letters", 1.25) < 0.02)


def test_trained_routers_drop_about_what_random_ones_do():
    for factor in (1.0, 1.25, 1.5, 2.0):
        exact = mixture.dropped(32, 16, 8, factor)
        assert dropped("texts", factor).mean() == pytest.approx(exact, abs=0.01)


def test_seats_in_training_cost_loss():
    free = part("sizes", kind="mixture", of=8)
    for factor in tool.PLAN["capacities"]:
        tight = part("capacity", capacity=factor)
        assert (tight["seed"] == free["seed"]).all()
        assert often(tight["excess"] > free["excess"])


# ---- what a batch reads ------------------------------------------------------------------


def test_a_search_on_one_prompt_reads_fewer_experts_than_a_mixed_batch():
    mixed, own = [], []
    for table in tables(part("sizes", kind="mixture", of=8)):
        mixed.append(mixture.touched(table.mean(axis=0), 8))
        own.append(np.mean([mixture.touched(load, 8) for load in table]))
    assert often(np.array(mixed) > 5) and often(np.array(own) < 2.5)


# ---- sentences ---------------------------------------------------------------------------

says = Says("14_what_a_token_costs")


def mean(rows, name="excess"):
    return float(rows[name].mean())


@pytest.mark.answers("14-117", 1)
@pytest.mark.answers("14-117", 2)
@pytest.mark.answers("14-117", 3)
def test_sentences_about_collapse():
    nothing, three, six = (part("collapse", shared=s, balance=0.0) for s in (0.0, 3.0, 6.0))
    says(
        "about six of the eight experts carry the load, and no collapse is seen",
        round(mean(nothing, "effective")) == 6 and (busiest(nothing) < 0.5).all(),
    )
    carried = three["effective"]
    says(
        "At 3 about two do, and trainings differ.",
        round(carried.mean()) == 2 and carried.max() > 3 * carried.min(),
    )
    says("At 6 the collapse is complete, or all but complete", often(busiest(six) > 0.8))
    weak = part("collapse", shared=6.0, balance=0.01)
    says("about two experts carry the load", round(mean(weak, "effective")) == 2)
    best = part("collapse", shared=0.0, balance=0.1)
    gain = 1 - mean(best) / mean(nothing)
    says("the excess over the entropy is a third smaller than at 0", 0.28 < gain < 0.39)
    strong = part("collapse", shared=0.0, balance=1.0)
    says("At α = 1 that gain is gone", mean(strong) > 0.9 * mean(nothing))
    balanced = part("collapse", shared=6.0, balance=1.0)
    falling = [mean(part("collapse", shared=6.0, balance=a)) for a in (0.0, 0.01, 0.1, 1.0)]
    says("At 6 the loss falls all the way to α = 1.", falling == sorted(falling, reverse=True))
    says("seven experts carry the load", round(mean(balanced, "effective")) == 7)
    says("An even load is not yet a good one.", mean(balanced) > 10 * mean(best))


@pytest.mark.answers("14-120", 1)
@pytest.mark.answers("14-120", 2)
@pytest.mark.answers("14-120", 3)
def test_sentences_about_clusters():
    alone = {
        of: (tables(part("sizes", kind="mixture", of=of)).max(axis=2) > 0.9).sum(axis=1)
        for of in (2, 16)
    }
    says("about five of the eight dialects go to one expert nearly", round(alone[2].mean()) == 5)
    says("hardly one goes to one expert alone", alone[16].max() <= 1)
    eight = part("sizes", kind="mixture", of=8)
    mains = [len(set(table.argmax(axis=1))) for table in tables(eight)]
    says("In every training at least seven different experts are the main one", min(mains) >= 7)
    low, high = eight["purity"].min(), eight["purity"].max()
    says("it tells between .76 and .96 of it", (round(low, 2), round(high, 2)) == (0.76, 0.96))


@pytest.mark.answers("14-123", 1)
@pytest.mark.answers("14-123", 2)
@pytest.mark.answers("14-123", 3)
def test_sentences_about_rivals():
    for of in (2, 4, 8, 16):
        mine, flops, many = (
            part("sizes", kind=kind, of=of)["excess"]
            for kind in ("mixture", "equal FLOPs", "equal parameters")
        )
        says("The mixture, at every number of experts and in all ten", (mine < flops).all())
        says("The dense layer, at every number of experts and in all ten", (many < mine).all())
        if of == 8:
            says("With eight it is six times as near.", 5.5 < flops.mean() / mine.mean() < 6.7)
    pair = mixture.layer_flops(32, 100, 1), mixture.layer_flops(32, 12, 8)
    says("12,800 in place of 2,048", pair == (12_800, 2_048))


@pytest.mark.answers("14-131", 3)
def test_sentences_about_seats():
    letters, texts = dropped("letters", 1.0).mean(), dropped("texts", 1.0).mean()
    says("Of single letters about one in seventeen finds no seat", 15 < 1 / letters < 19)
    says("of whole texts more than one in six", texts > 1 / 6)
    says(
        "hardly any single letter is dropped, and a twelfth of what comes in texts",
        dropped("letters", 1.25).mean() < 0.01 and 11 < 1 / dropped("texts", 1.25).mean() < 13,
    )
    says("At 2 it is less than 1%, but half of all seats", dropped("texts", 2.0).mean() < 0.01)
    free = part("sizes", kind="mixture", of=8)["excess"]
    tight = part("capacity", capacity=1.0)["excess"]
    says("a model ends farther from the entropy, in every training", (tight > free).all())


@pytest.mark.answers("14-141", 1)
@pytest.mark.answers("14-141", 2)
def test_sentences_about_what_a_batch_reads():
    loads = tables(part("sizes", kind="mixture", of=8))
    read = {b: np.mean([mixture.touched(t.mean(axis=0), b) for t in loads]) for b in (8, 16, 32)}
    says(
        "Eight tokens read five of the experts, sixteen read seven, and from about 32 on all",
        [round(count) for count in read.values()] == [5, 7, 8],
    )
    a_token = [read[8] / 8, read[32] / 32, 8 / 256]
    says("2. At large batches.", a_token == sorted(a_token, reverse=True))
    says("256 tokens share eight experts: each fetch serves 32 of them", 256 / 8 == 32)
    own = [np.mean([mixture.touched(load, 8) for load in table]) for table in loads]
    says("eight of them read one or two", min(own) >= 1 and max(own) < 2.5)
