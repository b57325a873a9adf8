"""Costs by formula: those that PyTorch counts, and the bytes that a state has."""

import math

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ttclib.course.what_a_token_costs import counting, mixers
from ttclib.course.what_a_token_costs.counting import CHUNKWISE, PARALLEL, STEP
from ttclib.course.what_a_token_costs.mixers import (
    MLP,
    Attention,
    Chain,
    Retention,
    Selective,
    ShortConvolution,
    TimeInvariant,
)

KINDS = {
    "attention": lambda w, h: Attention(w, h),
    "grouped": lambda w, h: Attention(w, h, kv_heads=1),
    "window": lambda w, h: Attention(w, h, window=6),
    "retention": lambda w, h: Retention(w, h),
    "retention, small keys": lambda w, h: Retention(w, h, 3),
    "selective": lambda w, h: Selective(w, h, 5),
    "time-invariant": lambda w, h: TimeInvariant(w),
    "convolution, then selective": lambda w, h: Chain(ShortConvolution(w), Selective(w, h)),
    "mlp": lambda w, h: MLP(w, 3 * w),
}


def counted(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


@pytest.fixture(params=KINDS)
def drawn(request, seed):
    rng = np.random.default_rng([seed, *request.param.encode()])
    heads = int(rng.choice([1, 2, 4]))
    width = heads * int(rng.choice([4, 8]))
    length = 4 * int(rng.integers(2, 12))
    return KINDS[request.param](width, heads), int(rng.integers(1, 4)), length


def test_a_text_at_once(drawn):
    mixer, rows, length = drawn
    x = torch.randn(rows, length, mixer.width, requires_grad=True)
    formula = rows * length * counting.flops(mixer, PARALLEL, length)
    assert counted(lambda: mixer.parallel(x)) == formula
    training = counted(lambda: mixer.parallel(x).square().sum().backward())
    assert training == (1 + counting.BACKWARD) * formula


def test_the_small_counter_sees_what_pytorch_sees(drawn):
    mixer, rows, length = drawn
    x = torch.randn(rows, length, mixer.width)
    works = [lambda: mixer.parallel(x), lambda: mixers.stepwise(mixer, x)]
    if isinstance(mixer, mixers.Memory):
        works.append(lambda: mixer.chunkwise(x, 4))
    for work in works:
        with counting.Products() as products:
            work()
        assert products.flops == counted(work)


def test_one_more_token(drawn):
    mixer, rows, length = drawn
    x = torch.randn(rows, length, mixer.width)
    with torch.no_grad():
        _, state = mixers.stepwise(mixer, x[:, :-1])
        found = counted(lambda: mixer.step(x[:, -1], state))
    assert found == rows * counting.flops(mixer, STEP, length)


def test_chunks():
    for mixer in (Retention(16, 2, 3), Selective(16, 4, 5)):
        x = torch.randn(3, 24, 16)
        found = counted(lambda m=mixer, x=x: m.chunkwise(x, 8))
        assert found == 3 * 24 * counting.flops(mixer, CHUNKWISE, 24, 8)


def test_bytes_of_a_state(drawn):
    mixer, rows, length = drawn
    _, state = mixers.stepwise(mixer, torch.randn(rows, length, mixer.width))
    found = mixers.nbytes(state) - 8 * rows * isinstance(mixer, Attention)  # the position
    assert found == rows * counting.state_bytes(mixer, length)


def test_the_cache_of_real_models():
    """Layers, KV heads and their width as transformers has them; GiB of 256 Ki tokens in 16 bits.

    Lieber et al. 2024 print 128, 32 and 4 GB in table 1.
    """
    transformers = pytest.importorskip("transformers")
    llama = transformers.LlamaConfig()  # its defaults are Llama-2 7B
    mistral = transformers.MistralConfig()
    jamba = transformers.JambaConfig()
    assert jamba.layers_block_type.count("attention") == 4
    found = []
    for config, attending in ((llama, 32), (mistral, 32), (jamba, 4)):
        size = config.hidden_size // config.num_attention_heads
        heads = config.num_key_value_heads
        found.append(counting.cache_bytes(attending, heads, size, 2**18) / 2**30)
    assert found == [128, 32, 4]


def test_crossings_are_where_the_costs_cross():
    assert counting.crossing(lambda n: 10, lambda n: 3 * n) == 4
    assert counting.crossing(lambda n: 10, lambda n: 10 + n) == 1
    assert counting.crossing(lambda n: 10, lambda n: 9) == math.inf
    attention, retention = Attention(64, 2), Retention(64, 2)
    n = counting.crossing(
        lambda n: counting.flops(retention, STEP, max(n, 1)),
        lambda n: counting.flops(attention, STEP, max(n, 1)),
    )
    assert counting.flops(attention, STEP, n) > counting.flops(retention, STEP, n)
    assert counting.flops(attention, STEP, n - 1) <= counting.flops(retention, STEP, n - 1)


def test_bad_input_gets_one_line():
    for call, line in (
        (lambda: counting.flops(MLP(4, 4), "both", 3), "form is 'both'; it must be one of "),
        (lambda: counting.flops(MLP(4, 4), STEP, 0), "tokens is 0; it must be a whole number"),
        (
            lambda: counting.flops(Attention(4, 1), CHUNKWISE, 8),
            "Attention has no form 'chunkwise' that is counted here",
        ),
        (lambda: counting.state_bytes(MLP(4, 4), 0), "tokens is 0; it must be a whole number"),
    ):
        with pytest.raises(ValueError) as said:
            call()
        assert str(said.value).startswith(line)
