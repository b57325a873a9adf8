"""The record of chains: every split of every budget is in it, drawn once, resumed, read back."""

import functools
import itertools
import math

import numpy as np
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch")

from tiny_verifiers import full_score, tiny_verifier
from two_state_reviser import PROBLEMS, Reviser

from ttclib.course.revisions import record
from ttclib.course.revisions.attempts import draw_chains, revision_prompt
from ttclib.course.revisions.record import Judge, Setting, chain_steps, splits
from ttclib.lm import models
from ttclib.lm.arithmetic import TASK
from ttclib.lm.decoding import sample
from ttclib.search.reading import rescore

FEW = {"windows": (0, 2), "chains": 1, "steps": 2}


@functools.cache
def judges():
    small = models.load("lab-small")
    prm = tiny_verifier(small, "linear", context=200)
    return {"prm": Judge(prm, small), "history": Judge(prm, small, window=1)}


def load():
    return Reviser(), judges()


def drawn(n, seed, problems=PROBLEMS, **options):
    rng = np.random.default_rng(seed)
    options = {"compared": FEW} | options
    return record.draw_block(*load(), TASK, problems, n, rng, **options)


# ---- which attempts there are --------------------------------------------------------------------


def test_chains_are_as_long_as_the_smallest_split_that_needs_them():
    expected = [math.floor(64 / 2 ** math.ceil(math.log2(j + 1))) for j in range(64)]
    assert chain_steps(64).tolist() == expected
    assert chain_steps(64).sum() == 256
    for k in range(8):
        assert chain_steps(2**k).sum() == 2**k * (2 + k) // 2


@pytest.mark.parametrize("n", [1, 2, 8, 64])
def test_every_split_of_every_smaller_budget_is_there_and_nothing_is_drawn_in_vain(n):
    each = chain_steps(n)
    for m in (2**k for k in range(n.bit_length())):
        for chains, steps in splits(m):
            assert chains * steps == m
            assert (each[:chains] >= steps).all()
    needed = {(j, k) for split in splits(n) for j, k in itertools.product(*map(range, split))}
    assert len(needed) == each.sum()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    drawn(4, 0).save(folder)
    return folder


def test_places_are_those_of_the_chains_and_steps(folder):
    found = record.read_record(folder)
    rows = pq.read_table(folder / "chains.parquet").to_pylist()
    by_place = {(row["problem"], row["chain"], row["step"]): row for row in rows}
    for setting in (*splits(4), *splits(2), *splits(1), Setting(3, 1)):
        places = found.places(setting)
        assert places.shape == setting
        for (j, k), place in np.ndenumerate(places):
            for problem in range(len(PROBLEMS)):
                row = by_place[problem, j, k]
                assert found.texts[problem, place] == row["text"]
                assert found.right[problem, place] == row["right"]


@pytest.mark.parametrize("setting", [(5, 1), (2, 3), (4, 2), (0, 1), (1, 0), (1, 8)])
def test_what_is_not_recorded_is_refused_in_one_line(folder, setting):
    with pytest.raises(ValueError, match="the record has no") as error:
        record.read_record(folder).places(Setting(*setting))
    assert "\n" not in str(error.value)


# ---- drawing -------------------------------------------------------------------------------------


def test_the_table_holds_what_was_drawn(seed):
    rng = np.random.default_rng(seed)
    own, _ = rng.spawn(2)
    found = draw_chains(Reviser(), TASK, PROBLEMS, 4, chain_steps(4), own, window=1)
    rows = drawn(4, seed, first=7).chains.to_pylist()
    assert len(rows) == len(PROBLEMS) * chain_steps(4).sum()
    for row in rows:
        at = row["problem"] - 7, row["chain"], row["step"]
        assert row["text"] == found.attempts[at]
        assert row["answer"] == TASK.answer(found.attempts[at])
        assert row["right"] == found.right[at]
        assert row["read"] == found.read[at]
        assert row["written"] == found.written[at]
        before = found.attempts[at[0], at[1], : at[2]].tolist()
        for name, judge in judges().items():
            prompt = revision_prompt(TASK, PROBLEMS[at[0]], before, judge.window)
            assert row[name] == pytest.approx(
                by_itself(judge, prompt, row["text"] + "\n"), abs=2e-4
            )


def by_itself(judge, prompt, answer):
    """Score one attempt, whose notes are read off the writer token by token."""
    writer = judge.writer
    encode = writer.vocabulary.encode
    noted = []
    text = prompt
    for letter in answer:
        law = writer.start([encode(text)], writer.context).log_probs[0]
        token = encode(letter)[0]
        noted.append([law[token], -(np.exp(law) * law).sum()])
        text += letter
    return full_score(judge.verifier, encode(prompt), encode(answer), np.array(noted))


def test_a_blind_score_is_that_of_a_search_and_notes_are_the_decoders(seed):
    small = models.load("lab-small")
    prm = tiny_verifier(small, "linear", context=200)
    problems = ["12+31", "(7-2)*11-4"]
    texts = sample(
        small, [TASK.prompt(p) for p in problems], 8, np.random.default_rng(seed), per_token=True
    ).particles
    answers = [row[:k].tolist() for row, k in zip(texts.tokens, texts.lengths, strict=True)]
    prompts = [small.vocabulary.encode(TASK.prompt(problems[p])) for p in texts.prompt]
    for i, noted in enumerate(record.notes(small, prompts, answers)):
        assert noted == pytest.approx(texts.per_token[i, : len(answers[i])], abs=1e-3)
    expected = rescore(prm, small, TASK, problems, texts).scores
    found = draw_chains(small, TASK, problems, 2, 2, np.random.default_rng(seed), window=0)
    # the same texts in the shape of chains
    cells = list(np.ndindex(2, 2, 2))
    attempts = found.attempts.copy()
    written = found.written.copy()
    rows = {0: iter(range(0, 8, 2)), 1: iter(range(1, 8, 2))}
    which = [next(rows[i]) for i, _, _ in cells]
    for cell, row in zip(cells, which, strict=True):
        attempts[cell] = small.vocabulary.decode(np.array(answers[row]))
        written[cell] = len(answers[row])
    chains = type(found)(attempts, found.right, found.read, written, found.cost)
    scores = record.final_scores(Judge(prm, small), TASK, problems, chains)
    for cell, row in zip(cells, which, strict=True):
        assert scores[cell] == pytest.approx(expected[row][~np.isnan(expected[row])][-1], abs=1e-4)


def test_texts_that_end_at_once_or_never_have_a_score():
    small = models.load("lab-small")
    judge = Judge(tiny_verifier(small, "linear", context=200), small)
    found = draw_chains(Reviser(), TASK, ["1+1"], 1, 2, np.random.default_rng(0))
    found.attempts[0, 0, :] = ["", "1+1"]
    found.written[0, 0, :] = [1, 3]  # the end alone; no end
    scores = record.final_scores(judge, TASK, ["1+1"], found)[0, 0]
    assert scores[0] == pytest.approx(by_itself(judge, "1+1?", "\n"), abs=1e-4)
    assert scores[1] == pytest.approx(by_itself(judge, "1+1?", "1+1"), abs=1e-4)


def test_a_text_that_the_verifier_cannot_read_is_refused_in_one_line():
    small = models.load("lab-small")
    short = Judge(tiny_verifier(small, "linear", context=10), small, window=1)
    found = draw_chains(Reviser(), TASK, PROBLEMS, 1, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"have 22 tokens; the verifier reads 10$"):
        record.final_scores(short, TASK, PROBLEMS, found)


@pytest.mark.parametrize("at_once", [1, 256])
def test_a_smaller_record_is_the_beginning_of_a_larger(seed, at_once, tmp_path):
    for n in (2, 4):
        (tmp_path / str(n)).mkdir()
        drawn(n, seed, at_once=at_once).save(tmp_path / str(n))
    small, large = (record.read_record(tmp_path / n) for n in "24")
    for setting in splits(2):
        mine, theirs = (one.texts[:, one.places(setting)] for one in (small, large))
        assert (mine == theirs).all()


def test_windows_are_compared_on_chains_of_their_own(folder):
    found = record.read_windows(folder)
    assert list(found) == [0, 2]
    for right, read in found.values():
        assert right.shape == read.shape == (len(PROBLEMS), 1, 2)
    asks = np.array([len(TASK.prompt(problem)) for problem in PROBLEMS])
    # an answer is two letters and the end, and the last of them is not fed
    assert (found[0][1][:, 0] == (asks + 2)[:, None]).all()
    assert (found[2][1][:, 0] == np.stack([asks + 2, 2 * asks + 5], axis=1)).all()


# ---- in parts, and on disk -----------------------------------------------------------------------


def whole(work, seed, **options):
    options = {"block": 2, "progress": False, "compared": FEW} | options
    return record.draw_record(load, TASK, PROBLEMS, 2, seed, work, **options)


def test_a_stopped_draw_goes_on_and_the_files_are_the_same(tmp_path, seed, monkeypatch):
    calls = []
    draw_block = record.draw_block

    def counted(*args, **options):
        calls.append(options["first"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return draw_block(*args, **options)

    monkeypatch.setattr(record, "draw_block", counted)
    with pytest.raises(KeyboardInterrupt):
        whole(tmp_path / "a", seed)
    resumed = whole(tmp_path / "a", seed)
    assert calls == [0, 2, 2]
    at_once = whole(tmp_path / "b", seed)
    for name, tables in {"one": resumed, "other": at_once}.items():
        (tmp_path / name).mkdir()
        tables.save(tmp_path / name)
    for file in ("chains.parquet", "windows.parquet"):
        contents = [(tmp_path / name / file).read_bytes() for name in ("one", "other")]
        assert contents[0] == contents[1]
    assert record.read_record(tmp_path / "one").right.shape == (len(PROBLEMS), 3)


@pytest.mark.parametrize("options", [{"block": 1}, {"compared": FEW | {"steps": 1}}])
def test_other_settings_are_other_work(tmp_path, options, monkeypatch):
    calls = []
    draw_block = record.draw_block
    monkeypatch.setattr(
        record, "draw_block", lambda *a, **o: calls.append(o["first"]) or draw_block(*a, **o)
    )
    whole(tmp_path, 0)
    whole(tmp_path, 0)
    assert calls == [0, 2]
    whole(tmp_path, 0, **options)
    assert len(calls) > 2


def test_a_record_out_of_order_is_refused(folder, tmp_path):
    table = pq.read_table(folder / "chains.parquet")
    pq.write_table(table.sort_by("step"), tmp_path / "chains.parquet")
    with pytest.raises(ValueError, match="not in order: problem, chain, step"):
        record.read_record(tmp_path)


def test_an_answer_of_any_length_and_none_fit_into_the_table(folder):
    found = draw_chains(Reviser(), TASK, PROBLEMS, 1, 2, np.random.default_rng(0))
    found.attempts[0, 0, :] = ["#" + "9" * 40, "1+1"]
    columns = record._columns(TASK, found, 0)
    assert columns["answer"][:2] == [2**31 - 1, None]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda work: chain_steps(3), "n is 3; it must be a power of two"),
        (lambda work: splits(0), "n is 0"),
        (lambda work: record.draw_record(load, TASK, [], 2, 0, work), "problems is empty"),
        (lambda work: record.draw_record(load, TASK, PROBLEMS, 6, 0, work), "n is 6"),
        (lambda work: record.draw_record(load, TASK, PROBLEMS, 2, 0, work, block=0), "block is 0"),
    ],
)
def test_bad_input_is_one_line(call, line, tmp_path):
    with pytest.raises(ValueError, match=line) as error:
        call(tmp_path)
    assert "\n" not in str(error.value)
