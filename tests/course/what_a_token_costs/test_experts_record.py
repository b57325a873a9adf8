"""What notebook 14 says of experts: each phenomenon, in at least nine of ten recorded trainings."""

import itertools
from functools import cache

import numpy as np
import pytest

pytest.importorskip("pyarrow")

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
