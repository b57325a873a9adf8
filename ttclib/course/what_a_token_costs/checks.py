"""Checks of notebook 14: bytes and FLOPs of a token, and a memory that fades."""

from __future__ import annotations

import torch

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def cache_bytes(yours):
    """``yours(tokens, layers, kv_heads, size)`` → bytes of keys and values, 2 bytes a number."""
    got = yours(1000, 7, 3, 64)
    right = 2 * 2 * 1000 * 7 * 3 * 64
    if close(got, right / 2):
        mistake("that is half: keys *and* values are kept, and each number takes 2 bytes")
    if close(got, right / 4):
        mistake(
            "those are the numbers of the keys: values are kept, too, and a number takes 2 bytes"
        )
    if close(got, 2 * right):
        mistake("twice too many: a number takes 2 bytes here, not 4")
    if close(got, 8 * right) or close(got, 4 * right):
        mistake("those are bits; a byte has eight of them")
    if close(got, right / 3):
        mistake("every head of keys and values keeps its own")
    if close(got, right / 64):
        mistake("a key has `size` numbers, and a value as well")
    if close(got, right / 7):
        mistake("every layer keeps its own keys and values")
    if close(got, right / 1000):
        mistake("that is what one token leaves behind; count all tokens")
    expect(
        close(got, right), f"1,000 tokens, 7 layers, 3 heads of 64: {right:,} bytes, not {got!r}"
    )
    expect(close(yours(7, 3, 5, 4), 2 * 2 * 7 * 3 * 5 * 4), "it has to hold for other sizes too")
    return "each token costs the same memory, for as long as the text goes on"


def _terms(seed: int = 0):
    """A query, a key and a value of one token, what is kept, and a memory: (heads, …), float64."""
    draw = torch.Generator().manual_seed(seed)
    q, k, v = torch.randn(3, 2, 1, 4, dtype=torch.float64, generator=draw)
    memory = torch.randn(2, 4, 4, dtype=torch.float64, generator=draw)
    keep = torch.tensor([0.9, 0.5], dtype=torch.float64)[:, None, None]
    return q, k, v, keep, memory


@exercise
def retention_step(yours):
    """``yours(q, k, v, keep, memory)`` → what is read, (heads, 1, size), and the new memory."""
    q, k, v, keep, memory = _terms()
    written = k.transpose(-1, -2) @ v
    after = keep * memory + written
    before = memory.clone()
    got = yours(q, k, v, keep, memory)
    expect(
        isinstance(got, tuple | list) and len(got) == 2, "return two: what is read, the new memory"
    )
    said, kept = got
    if not torch.equal(memory, before):
        mistake("the old memory was changed in place; other texts may still go on from it")
    for wrong, line in (
        (memory + written, "nothing fades: multiply the old memory by keep"),
        (keep * (memory + written), "the new token must not fade yet: fade first, then write"),
        (keep * memory, "the token is not written: add key times value"),
    ):
        if same(kept, wrong):
            mistake(line)
    if same(kept, keep * memory + v.transpose(-1, -2) @ k):
        mistake("keys belong to the rows of the memory, values to its columns")
    expect(same(kept, after), "the memory is not keep · memory + kᵀ v")
    if same(said, q @ memory):
        mistake("read after writing: the token sees itself, too")
    expect(same(said, q @ after), "what is read is not q · memory")
    return "fade, write, read: the same work for every token, however long the text"


def same(one, other) -> bool:
    """Whether two tensors agree but for rounding."""
    return (
        isinstance(one, torch.Tensor)
        and one.shape == other.shape
        and bool(torch.allclose(one.double(), other))
    )


def _turned(memory, keep):
    """What is left between a chunk written the wrong way round and the whole turned round."""
    return keep**5 * (memory - memory.T)


@exercise
def chunk_memory(yours):
    """``yours(k, v, keep, memory)``, tokens (n, …) → the memory after these n tokens."""
    draw = torch.Generator().manual_seed(1)
    k, v = torch.randn(2, 5, 3, dtype=torch.float64, generator=draw)
    memory = torch.randn(3, 3, dtype=torch.float64, generator=draw)
    keep = 0.8
    after = memory
    for key, value in zip(k, v, strict=True):
        after = keep * after + torch.outer(key, value)
    got = yours(k, v, keep, memory)
    ages = torch.arange(5, dtype=torch.float64).flip(0)

    def wrong(power, times):
        return times * memory + (k * (keep**power)[:, None]).T @ v

    if same(got, wrong(ages, 1.0)):
        mistake("the old memory fades, too: five tokens have come since")
    if same(got, wrong(ages, keep)):
        mistake("the old memory fades once for each token, not once for the chunk")
    if same(got, wrong(ages, keep**4)):
        mistake("the old memory fades with every token of the chunk: n times")
    if same(got, wrong(ages + 1, keep**5)):
        mistake("the last token has not faded yet: its age is 0")
    if same(got, wrong(ages.flip(0), keep**5)):
        mistake("the first token is the oldest: it has faded most")
    if same(got, wrong(0 * ages + 5, keep**5)):
        mistake("each token fades by its own age, and the last one not at all")
    if same(got, wrong(0 * ages, keep**5)):
        mistake("within the chunk tokens fade, too")
    if same(got, wrong(ages, keep**5) - keep**5 * memory):
        mistake("the old memory is missing: it stays, faded")
    if same(got, wrong(ages, keep**5).T) or same(
        got, wrong(ages, keep**5).T + _turned(memory, keep)
    ):
        mistake("keys belong to the rows of the memory, values to its columns")
    expect(same(got, after), "five tokens one by one leave another memory than yours")
    if (got - after).abs().max() > 1e-12:
        mistake("right, but in float32: give the ages the precision of the keys, with .to(k)")
    return "a chunk leaves what its tokens would have left one by one"


@exercise
def crossing(yours):
    """``yours(width, state)`` → tokens from which attention's step costs more than retention's."""
    got = yours(1024, 64)
    # 8 w² + 4 n w > (6 w² + 4 w · heads · state) … with heads · state keys
    if close(got, 64):
        mistake("that is where reading costs the same; retention also has larger matrices")
    if close(got, 512):
        mistake("that is the matrices' part; retention also reads and writes its memory")
    if close(got, 64 + 1024):
        mistake("the gate has w² weights, and two operations each: w / 2 tokens' worth")
    if close(got, 64 - 512):
        mistake("retention's matrices are the larger ones: they bring it *more* to make up for")
    if close(got, 4 * 576):
        mistake("each token of the context costs attention 4 w, not w: divide by 4 w")
    if close(got, 576 * 1024):
        mistake("a width too many: a token of the context costs 4 w, so divide by that")
    if close(got, 512 + 256) or close(got, 512 + 16):
        mistake("reading a memory costs 4 s w, as a token of the context does 4 w: s tokens' worth")
    expect(close(got, 576), f"for a width of 1,024 and a state of 64 it is 576, not {got!r}")
    expect(close(yours(64, 32), 64), "it has to hold for other sizes too")
    return "below that length attention is the cheaper one, in generation as well"
