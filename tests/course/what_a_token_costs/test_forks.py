"""What a fork copies: bytes by formula and in the tensors, and who is copied in the loop."""

import numpy as np
import pytest
import torch
from fork_record import record
from tiny_lm import TinyLM

from ttclib import artefacts
from ttclib.course.what_a_token_costs import forks
from ttclib.course.what_a_token_costs.mixers import (
    Attention,
    Chain,
    Retention,
    Selective,
    ShortConvolution,
    Stack,
)

PLACE = 8  # bytes of the position that attention keeps beside its rows


@pytest.mark.parametrize("tokens", [1, 3, 9])
def test_the_formulas_are_the_bytes_of_the_tensors(tokens):
    kept = forks.kept_of(layers=2, heads=4, size=6, state=5, kv_heads=2, window=4)
    mixers = {
        "attention": lambda: Attention(24, 4),
        "grouped": lambda: Attention(24, 4, 2),
        "window": lambda: Attention(24, 4, 2, window=4),
        "retention": lambda: Retention(24, 4),
        "selective": lambda: Chain(ShortConvolution(24), Selective(24, 4, 5)),
    }
    assert mixers.keys() == kept.keys()
    for name, make in mixers.items():
        stack = Stack(3, 24, [make(), make()], 8)
        grows = name in ("attention", "grouped", "window")
        place = 2 * PLACE if grows else 0
        assert forks.kept_by(stack, tokens) == kept[name].row(tokens) + place


def test_the_engine_keeps_rows_of_the_same_size():
    sizes = {"width": 24, "layers": 2, "heads": 2, "hidden": 8, "state": 5}
    lms = forks.rivals(["attention", "grouped"], 16, sizes)
    kept = forks.kept_of(layers=2, heads=2, size=12, state=5)
    for name, lm in lms.items():
        layers, heads, size = lm.kept
        assert 2 * layers * heads * size * 4 == kept[name].row(1)


def test_texts_that_share_pages():
    rows = forks.attention(2, 3, 4)
    a_token = 2 * 2 * 3 * 4 * 4
    assert rows.together(5, 100, 10) == 5 * 110 * a_token
    assert rows.together(5, 100, 10, pages=True) == (100 + 5 * 10) * a_token
    window = forks.attention(2, 3, 4, window=30)
    assert window.together(5, 100, 10, pages=True) == (20 + 5 * 10) * a_token
    assert window.together(5, 100, 60, pages=True) == 5 * 30 * a_token
    state = forks.memory(2, 3, 4, 4)
    assert state.together(5, 100, 10) == state.together(5, 10_000, 0, pages=True)
    for one in (rows, window, state):  # one text shares with nobody
        assert one.together(1, 100, 10) == one.together(1, 100, 10, pages=True)


@pytest.mark.parametrize("pages", [False, True])
def test_the_most_texts_fit_and_one_more_does_not(pages):
    for one in forks.kept_of(3, 4, 8, 16, kv_heads=2, window=64).values():
        for memory in (1e5, 1e6, 3e7):
            most = one.most_texts(memory, 200, 16, pages)
            assert most == 0 or one.together(most, 200, 16, pages) <= memory
            assert one.together(most + 1, 200, 16, pages) > memory


def test_break_even_is_where_the_lines_cross():
    rows = forks.attention(5, 2, 16)
    state = forks.memory(5, 8, 24, 16)
    tokens = forks.break_even(rows, state)
    assert rows.row(tokens) == state.row(tokens) == state.row(1)
    assert tokens == 8 * 24 / (2 * 2)


def test_the_loop_copies_when_children_part():
    """A pair shares its row until the two draw different tokens: then one of them is copied."""
    seconds, copied = forks.seconds_a_token(TinyLM(7), "a", 6, 60, np.random.default_rng(0))
    assert len(seconds) == len(copied) and (seconds > 0).all()
    # the first token parts all six, now and then two children draw the same token twice
    assert set(copied[1:].tolist()) <= {0, 1, 2, 3}
    assert np.count_nonzero(copied == 3) > 5 and np.count_nonzero(copied == 0) > 5


def test_a_watched_model_says_what_the_model_says():
    lm = TinyLM(3)
    watched = forks.Watched(lm)
    rows, tokens = np.array([0, 0, 1]), np.array([1, 2, 0])
    ours, theirs = watched.start([[0], [1]], 8), lm.start([[0], [1]], 8)
    ours.feed(rows, tokens)
    theirs.feed(rows, tokens)
    assert np.array_equal(ours.log_probs, theirs.log_probs)
    ((seconds, fed, copied),) = watched.calls
    assert seconds > 0 and (fed, copied) == (3, 1)


def test_rivals_are_alike_but_for_their_mixers():
    sizes = {"width": 24, "layers": 2, "heads": 2, "hidden": 8, "state": 5}
    names = ["attention", "grouped", "retention", "selective"]
    lms = forks.rivals(names, 16, sizes)
    assert list(lms) == names
    for lm in lms.values():
        session = lm.start([[3, 4, 5]], 8)
        session.feed(np.array([0, 0]), np.array([6, 7]))
        assert session.log_probs.shape == (2, len(lm.vocabulary))
        assert np.isfinite(session.log_probs).all()
    assert isinstance(lms["retention"].model, torch.nn.Module)


def test_the_record_is_read_round_by_round():
    found = record()
    assert found.names == ["attention", "retention"] and found.contexts == [64, 256]
    assert found.milliseconds("attention", 256, False) == 1e3
    assert found.milliseconds("attention", 256, True) == 5e3
    assert found.share("attention", 64) == pytest.approx(1)
    assert found.share("attention", 256) == pytest.approx(4)
    assert found.share("retention", 256) == pytest.approx(0.4)


def test_what_notebook_14_says_of_the_shipped_record():
    found = forks.read_forks(artefacts.path("forks"))
    assert found.names == ["attention", "grouped", "retention", "selective"]
    assert found.contexts == [64, 256, 1024, 4096] and found.particles == 8
    share = {name: [found.share(name, n) for n in found.contexts] for name in found.names}
    # a fork of half of the texts grows from half a token to four, and passes one at about 1,000
    assert share["attention"] == sorted(share["attention"])
    assert 0.3 < share["attention"][0] < 0.8 < 1 < share["attention"][2] < 1.5
    assert 3 < share["attention"][3] < 6
    # groups of four make it several times smaller, at every context
    assert all(2 * g < a for g, a in zip(share["grouped"], share["attention"], strict=True))
    assert 0.5 < share["grouped"][3] < 1
    # a fixed state: about a tenth of a token, whatever the context
    for name in ("retention", "selective"):
        assert max(share[name]) < 0.2
    tokens = [found.milliseconds("retention", n, False) for n in found.contexts]
    assert max(tokens) < 1.5 * min(tokens)
