"""The trainer: same numbers as the library's class, packing that keeps texts apart, resuming."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ttclib.lm import arithmetic, tokenizer, training
from ttclib.lm.llama import Llama, Shape

TINY = Shape(vocabulary=len(tokenizer.VOCABULARY), width=16, layers=2, heads=2, hidden=24)


@pytest.fixture(scope="module")
def texts():
    problems = arithmetic.problems("train", 40, np.random.default_rng(0))
    return [(tokenizer.encode(arithmetic.example(p)), len(p) + 1) for p in problems]


def test_parameters_are_counted():
    assert TINY.parameters == sum(p.numel() for p in Llama(TINY).parameters())


def test_exported_model_computes_the_same():
    model = Llama(TINY, seed=1)
    tokens = torch.randint(0, TINY.vocabulary, (3, 50), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        gap = (model(tokens) - model.export()(tokens).logits).abs().max()
    assert gap < 1e-5


def test_packed_texts_do_not_see_each_other(texts):
    rows = training.pack_texts(texts, 256)
    assert len(rows) < len(texts)
    model = Llama(TINY, seed=2)
    with torch.no_grad():
        packed = model(
            *(
                torch.as_tensor(a.astype(np.int64))
                for a in (rows.tokens, rows.positions, rows.texts)
            )
        )
        number = 0
        for r in range(len(rows)):
            for k in range(rows.texts[r].max() + 1):
                inside = np.flatnonzero(rows.texts[r] == k)
                tokens, given = texts[number]
                assert rows.tokens[r, inside].tolist() == tokens
                # the problem is not learned, everything after it is
                expected = [training.IGNORE] * (given - 1) + tokens[given:] + [training.IGNORE]
                assert rows.targets[r, inside].tolist() == expected
                alone = model(torch.tensor([tokens]))[0]
                assert (packed[r, inside] - alone).abs().max() < 1e-5
                number += 1
    assert number == len(texts)


def test_a_text_longer_than_a_row_is_refused(texts):
    with pytest.raises(ValueError, match="a row holds 10"):
        training.pack_texts(texts, 10)
    with pytest.raises(ValueError, match="there is no text to pack"):
        training.pack_texts([], 10)


@pytest.mark.parametrize("most", [20, 32_767, 32_768, 65_535, 65_536, 200_000])
def test_packed_tokens_are_those_of_the_text(most):
    texts = [([most, 1, most - 1], 1), ([2, most], 1)]
    rows = training.pack_texts(texts, 5)
    assert rows.tokens.tolist() == [[most, 1, most - 1, 2, most]]
    assert rows.targets.tolist() == [[1, most - 1, training.IGNORE, most, training.IGNORE]]
    assert (rows.tokens.dtype == np.int16) == (most <= 32_767)


def test_positions_of_long_texts_are_their_own():
    rows = training.pack_texts([(np.ones(70_000, dtype=int).tolist(), 1)], 70_000)
    assert (rows.positions == np.arange(70_000)).all()


def test_killed_and_resumed_is_the_same_run(texts, tmp_path, monkeypatch):
    rows = training.pack_texts(texts, 256)
    settings = {"batch": 4, "steps": 6, "learning_rate": 1e-2, "seed": 5}
    losses, resumed = [], []
    whole = Llama(TINY, 5)
    training.train_lm(whole, rows, **settings, report=lambda s, v: losses.append(v))

    class Killed(Exception):
        pass

    def die(step, value):
        resumed.append(value)
        if step == 4:
            raise Killed

    ticks = iter(range(0, 10**6, 100))  # more than a minute between two looks at the clock
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(ticks)))
    path = tmp_path / "model.pt"
    with pytest.raises(Killed):
        training.train_lm(Llama(TINY, 5), rows, **settings, checkpoint=path, report=die)
    # the kill came after step 4 and before its checkpoint: step 4 is taken again
    model = Llama(TINY, 5)
    training.train_lm(
        model, rows, **settings, checkpoint=path, report=lambda s, v: resumed.append(v)
    )
    assert resumed == [*losses[:4], *losses[3:]]
    for mine, theirs in zip(model.parameters(), whole.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_training_learns(texts):
    rows = training.pack_texts(texts, 256)
    losses = []
    training.train_lm(
        Llama(TINY),
        rows,
        batch=len(rows),
        steps=60,
        learning_rate=2e-2,
        report=lambda s, v: losses.append(v),
    )
    assert losses[-1] < 0.75 * losses[0]


def test_tokenizer_is_a_real_one(tmp_path):
    from transformers import AutoTokenizer

    tokenizer.build().save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = arithmetic.example("(17-9)*12+45")
    assert loaded(text).input_ids == tokenizer.encode(text)
    assert loaded.decode(tokenizer.encode(text)) == text
    assert (
        loaded.eos_token == arithmetic.END
        and loaded.eos_token_id == tokenizer.VOCABULARY[arithmetic.END]
    )
    with pytest.raises(ValueError, match="'x' is not in the vocabulary"):
        tokenizer.encode("1+x")
