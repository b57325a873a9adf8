"""Training: trunk and branches, rates, texts, and a grid that lands part by part."""

import dataclasses
import math
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from ttclib.course.three_scaling_laws import grid, training
from ttclib.course.three_scaling_laws.language import LENGTH, Words
from ttclib.course.three_scaling_laws.letter_model import Adam, LetterModel
from ttclib.course.three_scaling_laws.training import Run, budgets, text_of, train, whole_text

LANGUAGE = Words()
FEW = budgets(11, 13)
SMALL = Run(4, FEW, 0, batch=16)


def by_hand(run, letters):
    """Train for one budget alone: the rate of the trunk, then a straight line to zero."""
    model = LetterModel(run.hidden, np.random.default_rng([run.seed, 0]))
    adam = Adam(len(model.weights))
    text = text_of(run, LANGUAGE)
    steps = letters // (LENGTH * run.batch)
    bend = int(0.8 * steps)
    rate = training.rate_of(run)
    for step in range(steps):
        falling = rate(bend) * (steps - step) / (steps - bend + 1)
        now = falling if step >= bend else rate(step)
        adam.step(model.weights, model.gradient(text(step)), now)
    return LANGUAGE.loss(LANGUAGE.predictions(model.log_probs))


def test_a_branch_ends_where_a_run_for_its_budget_alone_ends():
    found = train(SMALL, LANGUAGE)
    assert [row["letters"] for row in found] == list(FEW)
    for row in found:
        assert row["loss"] == pytest.approx(by_hand(SMALL, row["letters"]), abs=1e-6)


def test_the_trunk_goes_on_as_if_nothing_had_branched_off():
    alone = train(dataclasses.replace(SMALL, letters=FEW[-1:]), LANGUAGE)
    assert train(SMALL, LANGUAGE)[-1]["undecayed"] == pytest.approx(alone[0]["undecayed"], abs=1e-6)
    assert alone[0]["undecayed"] != alone[0]["loss"]


def test_the_trunks_rate_warms_up_and_falls_like_the_root_of_the_letters():
    rate = training.rate_of(Run(31, (1,), 0))
    assert rate(0) == pytest.approx(0.04 / 50)
    assert rate(99) == pytest.approx(0.04 / math.sqrt(1 + 99 / 100))
    wide = training.rate_of(Run(124, (1,), 0))
    assert wide(99) == pytest.approx(rate(99) / 2)
    small = training.rate_of(Run(31, (1,), 0, batch=32))
    assert small(4 * 99) == pytest.approx(rate(99) / 2)  # after as many letters


def test_the_cosine_ends_at_zero_at_its_horizon_and_nowhere_else():
    run = Run(31, (2**12,), 0, schedule="cosine", horizon=2**18)
    rate = training.rate_of(run)
    steps = 2**18 // (LENGTH * 128)
    assert rate(steps) == pytest.approx(0, abs=1e-9)
    assert rate(steps // 2) == pytest.approx(0.02 / 2)
    found = train(run, LANGUAGE)
    assert found[0]["loss"] == found[0]["undecayed"]


def test_a_branch_falls_in_a_straight_line_to_zero_after_its_last_step():
    rate = training.branch_rate(lambda step: 5.0, 8, 12)
    values = [rate(step) for step in range(8, 13)]
    assert values == pytest.approx([4, 3, 2, 1, 0])


def test_losses_fall_and_equal_seeds_read_the_same_text():
    found = train(SMALL, LANGUAGE, Words(exponent=1.25))
    losses = [row["loss"] for row in found]
    assert losses == sorted(losses, reverse=True) and losses[-1] > LANGUAGE.entropy
    assert all(row["elsewhere"] > Words(exponent=1.25).entropy for row in found)
    wide = dataclasses.replace(SMALL, hidden=9)
    assert (text_of(SMALL, LANGUAGE)(3) == text_of(wide, LANGUAGE)(3)).all()
    other = dataclasses.replace(SMALL, seed=1)
    assert (text_of(SMALL, LANGUAGE)(3) != text_of(other, LANGUAGE)(3)).any()


# ---- texts ---------------------------------------------------------------------------------------

LONG = 2**14


def ranks_of(text, amount=0.0, seed=0):
    """Ranks of the words of a text, in order."""
    words = whole_text(Run(4, (LONG,), seed, text=text, amount=amount), LANGUAGE)
    assert words.shape == (LONG // LENGTH, LENGTH)
    rank = np.empty(32**4, dtype=int)
    rank[LANGUAGE.word_of_rank] = np.arange(32**4)
    return rank[np.ravel_multi_index(tuple(words.T), LANGUAGE.joint.shape)]


def test_an_even_text_has_each_word_as_often_as_its_probability_says():
    ranks = ranks_of("even")
    counts = np.bincount(ranks, minlength=32**4)
    assert (np.abs(counts - LANGUAGE.of_rank * len(ranks)) < 1).all()
    assert (np.diff(ranks) < 0).any()


def test_epochs_are_one_part_read_again_and_again_in_other_orders():
    usual = ranks_of("noise", 0.0)
    ranks = ranks_of("epochs", 4)
    parts = np.split(ranks, 4)
    for part in parts:
        assert Counter(part.tolist()) == Counter(usual[: len(part)].tolist())
        assert Counter(part.tolist()) == Counter(parts[0].tolist())
    assert (parts[0] != parts[1]).any()


def test_a_primer_has_common_words_first_and_then_the_text_as_it_was():
    ranks = ranks_of("primer", 0.25)
    quarter = len(ranks) // 4
    assert ranks[:quarter].max() < training.EASY < ranks[quarter:].max()
    assert (ranks[quarter:] == ranks_of("noise", 0.0)[quarter:]).all()


def test_the_order_of_ranks_is_the_same_text_sorted():
    up = ranks_of("common first")
    assert (np.diff(up) >= 0).all()
    assert (ranks_of("rare first") == up[::-1]).all()
    assert (np.sort(ranks_of("noise", 0.0)) == up).all()


def test_noise_replaces_about_its_share_of_the_words():
    clean = ranks_of("noise", 0.0)
    noisy = ranks_of("noise", 0.3)
    changed = (clean != noisy).mean()
    assert abs(changed - 0.3) < 6 * math.sqrt(0.21 / len(clean))
    assert np.median(noisy[clean != noisy]) > 1e5  # any string of letters, most of them rare


def test_a_text_ends_with_its_last_budget():
    text = text_of(Run(4, FEW, 0, batch=16, text="even"), LANGUAGE)
    last = FEW[-1] // (16 * LENGTH) - 1
    assert text(last).shape == (16, LENGTH)
    assert len(text(last + 1)) == 0


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"text": "poems"}, "text is 'poems'; it must be one of fresh, even"),
        ({"schedule": "linear"}, "schedule is 'linear'; it must be one of trunk, cosine"),
        ({"text": "noise", "amount": -1.0}, "amount is -1.0"),
    ],
)
def test_a_run_that_cannot_be_is_refused(wrong, line):
    with pytest.raises(ValueError, match=line):
        train(dataclasses.replace(SMALL, **wrong), LANGUAGE)


# ---- a table of many -----------------------------------------------------------------------------

RUNS = [SMALL, dataclasses.replace(SMALL, seed=1, letters=FEW[:1])]


def test_a_grid_lands_run_by_run_and_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    whole = grid.draw(RUNS, tmp_path / "a", progress=False)
    grid.draw(RUNS[:1], tmp_path / "b", progress=False)
    done = []
    real = grid.train
    monkeypatch.setattr(grid, "train", lambda run, *more: done.append(run) or real(run, *more))
    again = grid.draw(RUNS, tmp_path / "b", progress=False)
    assert done == RUNS[1:]
    assert again.table.equals(whole.table)
    assert grid.draw(RUNS, tmp_path / "b", progress=False).seconds == again.seconds
    assert done == RUNS[1:]


def test_equal_tables_are_equal_bytes_in_any_order(tmp_path):
    for name, runs in (("a", RUNS), ("b", RUNS[::-1])):
        (tmp_path / name).mkdir()
        grid.draw(runs, tmp_path / name / "parts", progress=False).save(tmp_path / name)
    files = [(tmp_path / name / "losses.parquet").read_bytes() for name in "ab"]
    assert files[0] == files[1]
    rows = pq.read_table(tmp_path / "a" / "losses.parquet").to_pylist()
    assert len(rows) == 4
    for row in rows:
        (found,) = (
            one
            for one in train(dataclasses.replace(SMALL, seed=row["seed"]), LANGUAGE)
            if one["letters"] == row["letters"]
        )
        assert row["loss"] == pytest.approx(found["loss"], abs=1e-6)


def test_a_damaged_part_is_drawn_again(tmp_path, capsys):
    first = grid.draw(RUNS, tmp_path, progress=False)
    for part in tmp_path.iterdir():
        part.write_bytes(part.read_bytes()[:-1] + b"?")
    assert grid.draw(RUNS, tmp_path, progress=False).table.equals(first.table)
    assert "is damaged" in capsys.readouterr().out


def test_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="runs is empty"):
        grid.draw([], tmp_path)
