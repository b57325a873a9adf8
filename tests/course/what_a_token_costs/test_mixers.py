"""Mixers: their forms are equal to rounding, nothing reads the future, and mistakes are seen."""

import ast
import inspect

import numpy as np
import pytest
import torch

from ttclib.course.what_a_token_costs import mixers
from ttclib.course.what_a_token_costs.mixers import (
    MLP,
    Attention,
    Chain,
    FusedAttention,
    Retention,
    Selective,
    ShortConvolution,
    Stack,
    TimeInvariant,
)

EXACT = 1e-10
KINDS = {
    "attention": lambda w, h: Attention(w, h),
    "no positions": lambda w, h: Attention(w, h, rotary=False),
    "grouped": lambda w, h: Attention(w, h, kv_heads=1),
    "window": lambda w, h: Attention(w, h, window=5),
    "grouped window": lambda w, h: Attention(w, h, kv_heads=h // 2, window=3),
    "fused": lambda w, h: FusedAttention(w, h),
    "fused grouped window": lambda w, h: FusedAttention(w, h, kv_heads=1, window=4),
    "retention": lambda w, h: Retention(w, h),
    "retention, small keys": lambda w, h: Retention(w, h, 3, np.linspace(0.3, 1, h)),
    "selective": lambda w, h: Selective(w, h, 5),
    "time-invariant": lambda w, h: TimeInvariant(w, 7),
    "convolution": lambda w, h: ShortConvolution(w),
    "convolution, then selective": lambda w, h: Chain(ShortConvolution(w, 3), Selective(w, h)),
    "mlp": lambda w, h: MLP(w, 2 * w),
}
MEMORIES = ("retention", "retention, small keys", "selective")


def draw(kind, seed, length=None):
    """A mixer with drawn weights, and a text, both in float64 and of a drawn shape."""
    rng = np.random.default_rng([seed, *kind.encode()])
    heads = int(rng.choice([2, 4]))
    width = heads * int(rng.choice([4, 6]))
    mixer = mixers.draw_weights(KINDS[kind](width, heads), seed).double()
    for part in mixer.modules():
        if isinstance(part, ShortConvolution):
            part.weight.data = torch.from_numpy(rng.standard_normal(part.weight.shape))
    shape = int(rng.integers(1, 4)), length or int(rng.integers(1, 40)), width
    return mixer, torch.from_numpy(rng.standard_normal(shape))


def gap(one, other):
    return float((one - other).detach().abs().max())


def gradients(mixer, said, x):
    """Of a random reading of what was said: by the text, and by every weight."""
    reading = torch.from_numpy(np.random.default_rng(5).standard_normal(said.shape))
    return torch.autograd.grad((said * reading).sum(), [x, *mixer.parameters()])


@pytest.mark.parametrize("trial", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_at_once_and_token_by_token_is_the_same(kind, trial, seed):
    mixer, x = draw(kind, 3 * seed + trial)
    x.requires_grad_()
    whole = mixer.parallel(x)
    assert whole.shape == x.shape
    steps, _ = mixers.stepwise(mixer, x)
    assert gap(whole, steps) < EXACT
    pairs = zip(gradients(mixer, whole, x), gradients(mixer, steps, x), strict=True)
    assert max(gap(a, b) for a, b in pairs) < EXACT


@pytest.mark.parametrize("chunk", [1, 7, 16, 100])
@pytest.mark.parametrize("kind", MEMORIES)
def test_chunks_of_any_size_say_the_same(kind, chunk, seed):
    mixer, x = draw(kind, seed, length=33)
    x.requires_grad_()
    whole = mixer.parallel(x)
    chunks = mixer.chunkwise(x, chunk)
    assert gap(whole, chunks) < EXACT
    pairs = zip(gradients(mixer, whole, x), gradients(mixer, chunks, x), strict=True)
    assert max(gap(a, b) for a, b in pairs) < EXACT


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_reads_the_future_and_the_past_is_read(kind, seed):
    mixer, x = draw(kind, seed, length=12)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(mixer.parallel(x)[:, 6].sum(), x)
    assert (slope[:, 7:] == 0).all() or slope[:, 7:].abs().max() < 1e-14  # of a Fourier transform
    assert slope[:, 6].abs().max() > 1e-3
    if kind != "mlp":
        assert slope[:, 5].abs().max() > 1e-6


def test_a_window_sees_as_many_tokens_as_it_says(seed):
    for kind in (Attention, FusedAttention):
        mixer = mixers.draw_weights(kind(8, 2, window=4), seed).double()
        x = torch.randn(1, 12, 8, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(mixer.parallel(x)[0, 9].sum(), x)
        seen = slope[0].abs().amax(-1) > 0
        assert seen.nonzero().ravel().tolist() == [6, 7, 8, 9]


def test_attention_is_the_definition(seed):
    rng = torch.Generator().manual_seed(seed)
    mixer = mixers.draw_weights(Attention(8, 4, kv_heads=2, rotary=False), seed).double()
    x = torch.randn(1, 6, 8, dtype=torch.float64, generator=rng)
    q, k, v = (mixer.qkv(x)[0].split([8, 4, 4], dim=-1)[i] for i in range(3))
    said = torch.zeros(6, 8, dtype=torch.float64)
    for i in range(6):
        for head in range(4):
            mine, shared = slice(2 * head, 2 * head + 2), slice(head // 2 * 2, head // 2 * 2 + 2)
            odds = torch.exp(k[: i + 1, shared] @ q[i, mine] / 2**0.5)
            said[i, mine] = odds @ v[: i + 1, shared] / odds.sum()
    assert gap(mixer.parallel(x)[0], mixer.out(said)) < EXACT


def test_turns_say_how_far_tokens_lie_apart_and_no_more(seed):
    """Likeness of turned vectors depends on the distance of their positions only."""
    q, k = torch.from_numpy(np.random.default_rng(seed).standard_normal((2, 1, 6)))
    found = [
        mixers.turn(q, torch.tensor([i])) @ mixers.turn(k, torch.tensor([i + 3])).T
        for i in (0, 5, 900)
    ]
    assert gap(found[0], found[1]) < EXACT
    assert gap(found[0], found[2]) < EXACT
    assert gap(found[0], q @ k.T) > 1e-6


def test_the_memory_is_the_definition(seed):
    rng = np.random.default_rng(seed)
    q, k, v = rng.standard_normal((3, 9, 4))
    fade = -rng.random(9)
    wanted = [
        sum(q[i] @ k[j] * np.exp(fade[j + 1 : i + 1].sum()) * v[j] for j in range(i + 1))
        for i in range(9)
    ]
    terms = [torch.from_numpy(a)[None, None] for a in (q, k, v, fade)]
    assert gap(mixers.all_at_once(*terms)[0, 0], torch.from_numpy(np.array(wanted))) < EXACT


def test_a_retention_head_keeps_what_it_says():
    keep = torch.exp(Retention(16, 4).fade.ravel())
    assert keep.tolist() == pytest.approx([1 - 2**-5, 1 - 2**-6, 1 - 2**-7, 1 - 2**-8], rel=1e-12)


def test_selection_depends_on_the_token_and_retention_does_not(seed):
    for kind, depends in (("selective", True), ("retention", False)):
        mixer, x = draw(kind, seed, length=9)
        fade = mixer.terms(x)[3]
        assert (fade <= 0).all()
        assert bool(fade.std(-1).max() > 1e-6) == depends


def test_a_time_invariant_layer_answers_later_what_comes_later(seed):
    """Without the gate, a shifted text gives the shifted answer."""
    mixer, x = draw("time-invariant", seed, length=20)
    mixer.leave = lambda x, y: y
    later = torch.cat([torch.zeros_like(x[:, :4]), x], dim=1)
    assert gap(mixer.parallel(later)[:, 4:], mixer.parallel(x)) < EXACT
    other, x = draw("selective", seed, length=20)
    other.leave = lambda x, y: y
    assert gap(other.parallel(2 * x), 8 * other.parallel(x)) > 1e-3  # no fixed filter of q, k, v


# ---- states --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_copied_state_goes_on_as_its_ancestor(kind, seed):
    mixer, x = draw(kind, seed, length=8)
    x = x[:1].expand(3, -1, -1) * torch.tensor([1.0, 2.0, -1.0], dtype=x.dtype)[:, None, None]
    _, state = mixers.stepwise(mixer, x)
    ancestors = np.array([2, 2, 0, 1])
    copied = mixers.gather(state, ancestors)
    new = torch.from_numpy(np.random.default_rng(seed).standard_normal((4, x.shape[-1])))
    said, _ = mixer.step(new, copied)
    both = torch.cat([x[ancestors], new[:, None]], dim=1)
    assert gap(said, mixer.parallel(both)[:, -1]) < EXACT
    assert gap(mixers.gather(new, ancestors), new[ancestors]) == 0


@pytest.mark.parametrize("kind", ["attention", "window", *MEMORIES, "time-invariant"])
def test_a_forgotten_gather_is_seen(kind, seed):
    mixer, x = draw(kind, seed, length=8)
    x = x[:1].expand(3, -1, -1) * torch.tensor([1.0, 2.0, -1.0], dtype=x.dtype)[:, None, None]
    _, state = mixers.stepwise(mixer, x)
    new = torch.from_numpy(np.random.default_rng(seed).standard_normal((3, x.shape[-1])))
    ancestors = np.array([2, 2, 0])
    right, _ = mixer.step(new, mixers.gather(state, ancestors))
    forgotten, _ = mixer.step(new, state)
    assert gap(right, forgotten) > 1e-4


def test_the_cache_grows_and_the_memory_does_not():
    x = torch.zeros(2, 9, 16)
    cache = mixers.stepwise(Attention(16, 4), x)[1]
    assert mixers.nbytes(cache[:2]) == 2 * 2 * 9 * 16 * 4  # k and v, rows, tokens, width, bytes
    grouped = mixers.stepwise(Attention(16, 4, kv_heads=1), x)[1]
    assert mixers.nbytes(grouped[:2]) * 4 == mixers.nbytes(cache[:2])
    window = mixers.stepwise(Attention(16, 4, window=3), x)[1]
    assert mixers.nbytes(window[:2]) * 3 == mixers.nbytes(cache[:2])
    for length in (1, 9):
        memory = mixers.stepwise(Retention(16, 4), x[:, :length])[1]
        assert mixers.nbytes(memory) == 2 * 4 * 4 * 4 * 4  # rows, heads, keys, values, bytes


# ---- mutants -------------------------------------------------------------------------------------


def late_fade(q, k, v, fade, memory):
    memory = fade.exp()[..., None] * (memory + k.transpose(-1, -2) @ v)
    return q @ memory, memory


def read_before_write(q, k, v, fade, memory):
    return q @ memory, fade.exp()[..., None] * memory + k.transpose(-1, -2) @ v


def no_fade(q, k, v, fade, memory):
    memory = memory + k.transpose(-1, -2) @ v
    return q @ memory, memory


@pytest.mark.parametrize("mutant", [late_fade, read_before_write, no_fade])
@pytest.mark.parametrize("kind", MEMORIES)
def test_mutants_of_a_step_are_seen(kind, mutant, monkeypatch, seed):
    """Before the norm, which swallows a factor that all tokens share."""
    mixer, x = draw(kind, seed, length=12)
    mixer.leave = lambda x, y: y.transpose(1, 2).flatten(2)
    assert gap(mixers.stepwise(mixer, x)[0], mixer.parallel(x)) < EXACT
    monkeypatch.setattr(mixers, "one_token", mutant)
    assert gap(mixers.stepwise(mixer, x)[0], mixer.parallel(x)) > 1e-6


def chunk_kept_from_the_second(q, k, v, fade, memory):
    kept = fade.cumsum(-1)[..., None]
    said = mixers.all_at_once(q, k, v, fade) + (q * (kept - fade[..., None]).exp()) @ memory
    return said, mixers_one_chunk(q, k, v, fade, memory)[1]


def chunk_left_one_less(q, k, v, fade, memory):
    said, _ = mixers_one_chunk(q, k, v, fade, memory)
    kept = fade.cumsum(-1)[..., None]
    left = kept[..., -1:, :] - kept + fade[..., None]
    after = kept[..., -1:, :].exp() * memory + (k * left.exp()).transpose(-1, -2) @ v
    return said, after


def chunk_memory_not_faded(q, k, v, fade, memory):
    said, after = mixers_one_chunk(q, k, v, fade, memory)
    return said, after + (1 - fade.sum(-1)[..., None, None].exp()) * memory


mixers_one_chunk = mixers.one_chunk


@pytest.mark.parametrize(
    "mutant", [chunk_kept_from_the_second, chunk_left_one_less, chunk_memory_not_faded]
)
def test_mutants_of_a_chunk_are_seen(mutant, monkeypatch, seed):
    mixer, x = draw("retention", seed, length=20)
    mixer.leave = lambda x, y: y.transpose(1, 2).flatten(2)
    assert gap(mixer.chunkwise(x, 5), mixer.parallel(x)) < EXACT
    monkeypatch.setattr(mixers, "one_chunk", mutant)
    assert gap(mixer.chunkwise(x, 5), mixer.parallel(x)) > 1e-7


class WindowOneMore(Attention):
    """A step sees one token too many."""

    def step(self, x, state=None):
        self.window += 1
        found = super().step(x, state)
        self.window -= 1
        return found


class StandsStill(Attention):
    """The position is not counted on."""

    def step(self, x, state=None):
        said, (keys, values, at) = super().step(x, state)
        return said, (keys, values, at - 1)


class WrongGroups(Attention):
    """Neighbours in place of groups: head h reads the keys h mod kv_heads."""

    def step(self, x, state=None):
        after = super().step(x, state)[1]
        q, *_ = self.project(x[:, None], after[2] - 1)
        order = q.unflatten(1, (-1, self.kv_heads)).transpose(1, 2).flatten(1, 2)
        return self.read(order, *after[:2])[:, 0], after


@pytest.mark.parametrize("mutant", [WindowOneMore, StandsStill, WrongGroups])
def test_mutants_of_attention_are_seen(mutant, seed):
    mixer = mixers.draw_weights(mutant(16, 4, kv_heads=2, window=4), seed).double()
    x = torch.randn(2, 10, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    assert gap(mixers.stepwise(mixer, x)[0], mixer.parallel(x)) > 1e-7


class ForgetsTheOldest(ShortConvolution):
    """Of the tokens that are kept, one is not."""

    def step(self, x, state=None):
        said, (past,) = super().step(x, state)
        return said, (torch.cat([torch.zeros_like(past[:, :1]), past[:, 1:]], dim=1),)


def test_a_mutant_of_the_convolution_is_seen(seed):
    mixer = ForgetsTheOldest(6).double()
    torch.nn.init.normal_(mixer.weight, generator=torch.Generator().manual_seed(seed))
    x = torch.randn(2, 10, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    assert gap(mixers.stepwise(mixer, x)[0], mixer.parallel(x)) > 1e-7


# ---- a model -------------------------------------------------------------------------------------


def hybrid(seed, dtype=torch.float64):
    parts = [
        Chain(ShortConvolution(16), Selective(16, 2)),
        Attention(16, 4, kv_heads=2),
        Retention(16, 2),
        MLP(16, 8),
    ]
    return Stack(11, 16, parts, hidden=24, seed=seed).to(dtype)


def test_a_model_of_many_kinds_says_the_same_both_ways(seed):
    model = hybrid(seed)
    tokens = torch.from_numpy(np.random.default_rng(seed).integers(11, size=(3, 17)))
    whole = model.parallel(tokens)
    steps, state = mixers.stepwise(model, tokens)
    assert whole.shape == (3, 17, 11)
    assert gap(whole, steps) < EXACT
    weights = list(model.parameters())
    ones = torch.autograd.grad(whole.square().sum(), weights)
    others = torch.autograd.grad(steps.square().sum(), weights)
    assert max(gap(a, b) for a, b in zip(ones, others, strict=True)) < 1e-9
    ancestors = [1, 1, 2, 0]
    new = torch.tensor([3, 4, 5, 6])
    said, _ = model.step(new, mixers.gather(state, ancestors))
    both = torch.cat([tokens[ancestors], new[:, None]], dim=1)
    assert gap(said, model.parallel(both)[:, -1]) < EXACT


def test_the_seed_draws_the_weights_and_nothing_else_does(seed):
    torch.manual_seed(1)
    one = hybrid(seed)
    torch.manual_seed(2)
    same = hybrid(seed)
    other = hybrid(seed + 1)
    for (name, a), b, c in zip(
        one.named_parameters(), same.parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(a, b), name
        fixed = a.ndim == 1 or name.endswith("mixers.0.weight")  # norms, biases, the convolution
        assert torch.equal(a, c) == fixed, name


def test_without_hidden_there_is_no_mlp_of_its_own():
    model = Stack(5, 8, [MLP(8, 4)])
    assert len(model.layers) == 1
    assert len(Stack(5, 8, [MLP(8, 4)], hidden=4).layers) == 2


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: Attention(8, 3), "heads is 3; it must divide 8"),
        (lambda: Attention(8, 0), "heads is 0; it must be a whole number of at least 1"),
        (lambda: Attention(8, 4, kv_heads=3), "kv_heads is 3; it must divide 4"),
        (lambda: Attention(8, 4, window=0), "window is 0; it must be a whole number of at least 1"),
        (lambda: Attention(9, 3), "a head has 3 numbers; turns need pairs: make it even"),
        (
            lambda: Retention(8, 2, decays=[0.5]),
            "decays is [0.5]; it must hold 2 numbers in (0, 1]",
        ),
        (
            lambda: Retention(8, 2, decays=[0.5, 1.5]),
            "decays is [0.5, 1.5]; it must hold 2 numbers in (0, 1]",
        ),
        (lambda: Retention(8, 2, 0), "state is 0; it must be a whole number of at least 1"),
        (lambda: Retention(8, 3), "heads is 3; it must divide 8"),
        (lambda: Selective(8, 2, 0), "state is 0; it must be a whole number of at least 1"),
        (lambda: TimeInvariant(8, 0), "state is 0; it must be a whole number of at least 1"),
        (lambda: ShortConvolution(8, 0), "reach is 0; it must be a whole number of at least 1"),
        (lambda: MLP(8, 0), "hidden is 0; it must be a whole number of at least 1"),
        (lambda: MLP(0, 8), "width is 0; it must be a whole number of at least 1"),
        (lambda: Stack(0, 8, []), "vocabulary is 0; it must be a whole number of at least 1"),
        (
            lambda: Retention(8, 2).chunkwise(torch.zeros(1, 4, 8), 0),
            "chunk is 0; it must be a whole number of at least 1",
        ),
        (
            lambda: mixers.draw_weights(MLP(8, 8), -1),
            "seed is -1; it must be a whole number of at least 0",
        ),
    ],
)
def test_bad_settings_get_one_line(call, line):
    with pytest.raises(ValueError) as said:
        call()
    assert str(said.value) == line


@pytest.mark.parametrize("kind", KINDS)
def test_bad_texts_get_one_line(kind):
    mixer, _ = draw(kind, 0)
    width = mixer.width
    for call, shape, wanted in (
        (mixer.parallel, (2, width), f"(batch, length, {width})"),
        (mixer.parallel, (2, 3, width + 1), f"(batch, length, {width})"),
        (mixer.parallel, (2, 0, width), f"(batch, length, {width})"),
        (mixer.step, (2, 3, width), f"(batch, {width})"),
        (mixer.step, (2, width - 1), f"(batch, {width})"),
    ):
        with pytest.raises(ValueError) as said:
            call(torch.zeros(shape, dtype=torch.float64))
        assert str(said.value) == f"x has shape {shape}; it must be {wanted}"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mlp"])
def test_a_state_of_another_batch_gets_one_line(kind):
    mixer, x = draw(kind, 0, length=3)
    state = mixers.stepwise(mixer, x[:1])[1]
    new = torch.zeros(5, x.shape[-1], dtype=torch.float64)
    with pytest.raises(ValueError, match=r"^x has 5 rows and the state 1; give it as many$"):
        mixer.step(new, state)


# ---- their size ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Attention", "Retention", "Selective", "TimeInvariant", "Memory"])
def test_a_mixer_is_short(kind):
    """Forty lines of code at most, so that a page can show it."""
    tree = ast.parse(inspect.getsource(getattr(mixers, kind)))
    lines = set()
    for node in ast.walk(tree):
        words = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, (ast.stmt, ast.arg)) and not words:
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if isinstance(body, list) else node.end_lineno
            lines |= set(range(node.lineno, last + 1))
    assert 10 < len(lines) <= 40
