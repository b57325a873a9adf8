"""The trainer: same numbers as the library's class, packing that keeps texts apart, resuming,
learning from a teacher.
"""

from dataclasses import replace

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


# ---- learning from a teacher -------------------------------------------------------------


def softmax(logits, temperature):
    weights = np.exp(logits / temperature)
    return weights / weights.sum(axis=1, keepdims=True)


def told_apart(soft_loss, logits, teacher, temperature):
    """Whether a loss or its slope differs from T² Σ p log(p / q), T (q − p), a mean over tokens."""
    q = softmax(logits, temperature)
    p = softmax(teacher, temperature)
    value = temperature**2 * (p * np.log(p / q)).sum(axis=1).mean()
    slope = temperature * (q - p) / len(q)
    mine = torch.tensor(logits, requires_grad=True)
    loss = soft_loss(mine, torch.tensor(teacher), temperature)
    loss.backward()
    same = np.allclose(loss.item(), value, atol=1e-12)
    return not (same and np.allclose(mine.grad.numpy(), slope, atol=1e-12))


def without_the_square(logits, teacher, temperature):
    return training.soft_loss(logits, teacher, temperature) / temperature**2


def backwards(logits, teacher, temperature):
    q, p = (torch.log_softmax(values / temperature, -1) for values in (logits, teacher))
    return temperature**2 * (q.exp() * (q - p)).sum(dim=1).mean()


def teacher_at_temperature_1(logits, teacher, temperature):
    return training.soft_loss(logits, teacher * temperature, temperature)


def mean_over_the_vocabulary(logits, teacher, temperature):
    return training.soft_loss(logits, teacher, temperature) / logits.shape[1]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 8.0])
def test_soft_loss_is_the_divergence_and_has_its_slope(temperature, seed):
    rng = np.random.default_rng(seed)
    logits, teacher = rng.normal(size=(2, 6, 3))
    teacher -= np.log(np.exp(teacher).sum(axis=1, keepdims=True))  # log probabilities
    assert not told_apart(training.soft_loss, logits, teacher, temperature)
    assert told_apart(backwards, logits, teacher, temperature)
    assert told_apart(mean_over_the_vocabulary, logits, teacher, temperature)
    if temperature != 1:
        assert told_apart(without_the_square, logits, teacher, temperature)
        assert told_apart(teacher_at_temperature_1, logits, teacher, temperature)


def test_slope_at_a_high_temperature_matches_logits(seed):
    """Hinton et al. 2015, section 2.1: with the factor it tends to (z − v) / V, logits centred."""
    z, v = np.random.default_rng(seed).normal(size=(2, 4, 5))
    mine = torch.tensor(z, requires_grad=True)
    training.soft_loss(mine, torch.tensor(v), 1e4).backward()
    centred = [values - values.mean(axis=1, keepdims=True) for values in (z, v)]
    expected = (centred[0] - centred[1]) / z.size
    assert np.allclose(mine.grad.numpy(), expected, atol=1e-4 / z.size)


def taught(rows, model, **how):
    arrays = (rows.tokens, rows.positions, rows.texts)
    with torch.no_grad():
        logits = model(*(torch.as_tensor(a.astype(np.int64)) for a in arrays))
    says = torch.log_softmax(logits, -1).numpy()
    return training.TaughtTexts(**vars(rows), teacher=says, **how)


def test_soft_and_hard_loss_share_the_learned_tokens(texts):
    rows = training.pack_texts(texts, 256)
    chosen = np.array([2, 0])
    model = Llama(TINY, seed=3)
    both = taught(rows, Llama(TINY, seed=4), temperature=2.0)
    with torch.no_grad():
        logits = model(
            *(
                torch.as_tensor(a[chosen].astype(np.int64))
                for a in (rows.tokens, rows.positions, rows.texts)
            )
        )
    on = rows.targets[chosen] != training.IGNORE
    q = softmax(logits.numpy()[on].astype(float), 2.0)
    p = softmax(both.teacher[chosen][on].astype(float), 2.0)
    soft = 4 * (p * np.log(p / q)).sum(axis=1).mean()
    hard = training.lm_loss(model, rows, chosen).item()
    for share in (0.0, 0.3, 1.0):
        loss = training.lm_loss(model, replace(both, share=share), chosen).item()
        assert abs(loss - (share * soft + (1 - share) * hard)) < 1e-4


def test_a_student_comes_to_say_what_its_teacher_says(texts):
    rows = training.pack_texts(texts, 256)
    teacher = Llama(TINY, seed=6)
    with torch.no_grad():
        teacher.norm.weight *= 3  # so that it has something to say
    losses = []
    training.train_lm(
        Llama(TINY),
        taught(rows, teacher),
        batch=len(rows),
        steps=80,
        learning_rate=2e-2,
        report=lambda s, v: losses.append(v),
    )
    assert losses[-1] < 0.3 * losses[0]


def test_another_teacher_is_another_run(texts, tmp_path):
    rows = training.pack_texts(texts, 256)
    settings = {"batch": 4, "steps": 2, "learning_rate": 1e-2, "checkpoint": tmp_path / "run.pt"}

    def steps_of(those):
        steps = []
        training.train_lm(Llama(TINY), those, **settings, report=lambda s, v: steps.append(s))
        return steps

    first = taught(rows, Llama(TINY, seed=7))
    for other in (first, replace(first, temperature=2.0), replace(first, share=0.5), rows):
        assert steps_of(other) == [1, 2]  # none is taken for done
    assert steps_of(rows) == []


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
