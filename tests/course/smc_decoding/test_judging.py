"""Recorded texts are judged by hand-computed values."""

import math

import numpy as np
import pytest

from ttclib.course.smc_decoding import judging


def row(text, log_prob, tokens, log_weight):
    return {"text": text, "log_prob": log_prob, "tokens": tokens, "log_weight": log_weight}


ROWS = [
    row("a b a b", -8.0, 4, 0.0),
    row("a b a b", -8.0, 4, 0.0),
    row("a c", -3.0, 2, math.log(2)),
    row("stuck", -1.0, 1, None),
]


def record(method, constraint="some", rows=ROWS):
    return {
        "constraint": constraint,
        "method": method,
        "texts": rows,
        "lm_tokens": 11,
        "log_evidence": -2.0,
    }


def test_a_population_is_judged_by_weight():
    found = judging.constraint_results([record("SMC")])["some"]["SMC"]
    assert found["log_prob"] == pytest.approx([-5.5])  # half the weight on each text
    assert found["per_token"] == pytest.approx([-1.75])
    assert found["worth"] == pytest.approx([2.0])  # two different texts, equally heavy
    assert found["fit"] == [0.75]
    assert found["pairs"] == pytest.approx([3 / 7])  # ab ba ac of ab ba ab ab ba ab ac
    assert found["tokens"] == [11]


def test_masked_texts_are_judged_in_three_ways():
    found = judging.constraint_results([record("masked")])["some"]
    assert list(found) == ["masked", "best masked", "weighted masked"]
    assert found["masked"]["log_prob"] == pytest.approx([-19 / 3])
    assert found["best masked"]["log_prob"] == [-3.0]  # not the stuck one, which is likelier
    assert found["weighted masked"]["log_prob"] == pytest.approx([-5.5])


def test_runs_come_one_after_the_other_and_no_constraint_first():
    found = judging.constraint_results(
        [record("SMC"), record("free", "none"), record("SMC", rows=ROWS[2:3])]
    )
    assert list(found) == ["none", "some"]
    assert found["some"]["SMC"]["log_prob"] == pytest.approx([-5.5, -3.0])


def test_a_run_that_died_out_is_worth_nothing():
    found = judging.constraint_results([record("masked", rows=ROWS[3:])])["some"]
    assert np.isnan(found["best masked"]["log_prob"]).all() and found["masked"]["worth"] == [0.0]


def test_the_table_has_a_line_for_each_way():
    text = judging.table(judging.constraint_results([record("free", "none"), record("masked")]))
    lines = text.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [line[:29].split() for line in lines[1:3]] == [["none", "free"], ["some", "masked"]]
    assert lines[2].split()[2:] == ["-6.3", "-1.83", "75%", "1.8", "43%", "11"]


def test_evidence_is_a_mean_and_the_dead_count():
    dead = record("SMC") | {"log_evidence": None}
    assert judging.evidence([record("SMC"), dead, record("masked")]) == {"some": math.exp(-2) / 2}
