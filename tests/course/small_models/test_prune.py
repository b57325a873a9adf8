"""Pruning: the smaller model computes what the whole one does with parts switched off."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ttclib.course.small_models import distil, prune
from ttclib.lm import arithmetic, tokenizer, training
from ttclib.lm.llama import Llama, Shape

SHAPE = Shape(vocabulary=len(tokenizer.VOCABULARY), width=24, layers=3, heads=3, hidden=20)


def built(seed):
    """A model whose norms are no ones, and whose stream is as loud as that of a trained one."""
    model = Llama(SHAPE, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight.copy_(torch.rand(weight.shape, generator=generator) + 0.5)
            if name == "embed.weight":
                weight *= 30.0
    return model.eval()


@pytest.fixture(scope="module")
def rows():
    problems = arithmetic.problems("train", 30, np.random.default_rng(0))
    texts = [(tokenizer.encode(arithmetic.example(p)), len(p) + 1) for p in problems]
    return training.pack_texts(texts, 256)


def said(model, rows):
    with torch.no_grad():
        return model(*prune.inputs(rows))


def test_everything_kept_is_the_model_itself(rows, seed):
    model = built(seed)
    kept = prune.keep(prune.importance(model, rows))
    whole = said(model, rows)
    assert torch.equal(said(prune.switched_off(model, kept), rows), whole)
    assert torch.equal(said(prune.cut_out(model, kept), rows), whole)


@pytest.mark.parametrize(
    "counts",
    [
        {"hidden": 7},
        {"layers": 2},
        {"layers": 1, "hidden": 11},
        {"heads": 2, "width": 16},
        {"heads": 1, "width": 8, "hidden": 5, "layers": 2},
    ],
)
def test_the_smaller_model_computes_the_same(rows, counts, seed):
    model = built(seed)
    for scores in (prune.importance(model, rows), prune.at_random(SHAPE, np.random.default_rng(1))):
        kept = prune.keep(scores, **counts)
        small = prune.cut_out(model, kept)
        assert vars(small.shape) == vars(SHAPE) | counts
        gap = (said(small, rows) - said(prune.switched_off(model, kept), rows)).abs().max()
        assert gap < 2e-3 * said(small, rows).abs().max()
        # what is switched off is not nothing
        assert (said(small, rows) - said(model, rows)).abs().max() > 0.1


def test_the_model_that_is_pruned_stays_as_it_was(rows):
    model = built(1)
    before = said(model, rows)
    kept = prune.keep(prune.importance(model, rows), width=8, heads=1)
    prune.switched_off(model, kept)
    prune.cut_out(model, kept)
    assert torch.equal(said(model, rows), before)
    assert not any(module._forward_hooks for module in model.modules())


def test_heads_must_be_as_wide_as_the_stream(rows):
    kept = prune.keep(prune.importance(built(0), rows), heads=2)
    with pytest.raises(ValueError, match=r"2 heads of 8 stay beside a stream of 24; they must be"):
        prune.cut_out(built(0), kept)


def test_wrong_counts_are_one_line(rows):
    scores = prune.importance(built(0), rows)
    with pytest.raises(ValueError, match="hidden is 21; it must be at most 20"):
        prune.keep(scores, hidden=21)
    with pytest.raises(ValueError, match="width is 0; it must be a whole number of at least 1"):
        prune.keep(scores, width=0)
    with pytest.raises(ValueError, match="part is 'head'; it must be one of hidden, heads"):
        prune.keep(scores, head=1)


# ---- importance --------------------------------------------------------------------------


def test_importance_by_hand(rows, seed):
    """The same numbers from a walk through the model that looks at every block itself."""
    model = built(seed)
    found = prune.importance(model, rows)
    tokens, positions, texts = prune.inputs(rows)
    learned = rows.targets != training.IGNORE
    length = tokens.shape[1]
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    mask = (mask & (texts[:, :, None] == texts[:, None, :]))[:, None]
    streams = []
    with torch.no_grad():
        x = model.embed(tokens)
        for i, block in enumerate(model.layers):
            before = x
            x = model.through(x, positions, mask, first=i, stop=i + 1)
            gate, up = block.gate_up(
                block.norm2(x_after_attention(model, before, positions, mask, i))
            ).chunk(2, -1)
            units = (torch.nn.functional.silu(gate) * up).numpy()[learned]
            assert found.hidden[i] == pytest.approx(np.sqrt((units**2).mean(axis=0)), rel=1e-4)
            a, b = before.numpy()[learned], x.numpy()[learned]
            cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
            assert found.layers[i] == pytest.approx(1 - cosine.mean(), abs=1e-5)
            middle = x_after_attention(model, before, positions, mask, i)
            streams += [block.norm1(before).numpy()[learned], block.norm2(middle).numpy()[learned]]
        streams.append(model.norm(x).numpy()[learned])
    width = np.sqrt((np.concatenate(streams) ** 2).mean(axis=0))
    assert found.width == pytest.approx(width, rel=1e-4)


def x_after_attention(model, x, positions, mask, i):
    """The stream between a block's halves: what it is when the gated layer adds nothing."""
    silent = copy.deepcopy(model)
    with torch.no_grad():
        silent.layers[i].down.weight.zero_()
    return silent.through(x, positions, mask, first=i, stop=i + 1)


def test_a_part_that_does_nothing_is_the_least_important(rows, seed):
    rng = np.random.default_rng(seed)
    model = built(seed)
    unit, head, layer, place = (int(rng.integers(n)) for n in (20, 3, 3, 24))
    with torch.no_grad():
        for block in model.layers:
            block.gate_up.weight[20 + unit] = 0.0
            block.qkv.weight[48 + 8 * head : 56 + 8 * head] = 0.0  # its values
        model.layers[layer].out.weight.zero_()
        model.layers[layer].down.weight.zero_()
        for norm in (n for n in model.modules() if isinstance(n, torch.nn.RMSNorm)):
            norm.weight[place] = 0.0
    found = prune.importance(model, rows)
    assert (found.hidden.argmin(axis=1) == unit).all() and (found.hidden[:, unit] == 0).all()
    assert (found.heads.argmin(axis=1) == head).all()
    assert found.layers.argmin() == layer and found.layers[layer] < 1e-6
    assert found.width.argmin() == place
    kept = prune.keep(found, hidden=19, layers=2)
    gap = (said(prune.cut_out(model, kept), rows) - said(model, rows)).abs().max()
    assert gap < 1e-3  # nothing was lost


def test_the_most_important_stay():
    scores = prune.Importance(
        np.array([[3.0, 1.0, 2.0]] * 2), np.ones((2, 2)), np.array([0.1, 0.2]), np.arange(4.0)
    )
    kept = prune.keep(scores, hidden=2, heads=1, layers=1, width=3)
    assert kept.hidden.tolist() == [[0, 2]] * 2 and kept.layers.tolist() == [1]
    assert kept.heads.tolist() == [[0]] * 2  # of equals the first
    assert kept.width.tolist() == [1, 2, 3]


# ---- distance ----------------------------------------------------------------------------


def test_distance_is_the_divergence(rows, seed):
    model, teacher = built(seed), built(seed + 1)
    says = distil.log_probs(teacher, rows)
    assert says.dtype == np.float16 and says.shape == (*rows.tokens.shape, SHAPE.vocabulary)
    found = distil.distance(model, rows, says)
    on = rows.targets != training.IGNORE
    p, q = (torch.log_softmax(said(m, rows).double(), -1).numpy()[on] for m in (teacher, model))
    exact = (np.exp(p) * (p - q)).sum(axis=1).mean()
    assert found.kl == pytest.approx(exact, rel=5e-3)
    assert found.loss == pytest.approx(
        training.lm_loss(model, rows, np.arange(len(rows))).item(), rel=5e-3
    )
    full, other = (distil.log_probs(m, rows, np.float32) for m in (teacher, model))
    each = distil.divergence(rows, full, other)
    assert each == pytest.approx((np.exp(p) * (p - q)).sum(axis=1), rel=1e-4, abs=1e-6)
    assert distil.divergence(rows, full, full) == pytest.approx(0.0, abs=1e-9)
    same = distil.distance(teacher, rows, says)
    assert abs(same.kl) < 1e-6 and same.agree > 0.99
