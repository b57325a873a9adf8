"""Checks of notebook 14: bytes and FLOPs of a token, and a memory that fades."""

from __future__ import annotations

from ttclib.exercise import close, exercise, expect, mistake


@exercise
def cache_bytes(yours):
    """``yours(tokens, layers, kv_heads, size)`` → bytes of keys and values, 2 bytes a number."""
    got = yours(1000, 8, 2, 64)
    right = 2 * 2 * 1000 * 8 * 2 * 64
    if close(got, right / 2):
        mistake("that is half: keys *and* values are kept, and each number takes 2 bytes")
    if close(got, right / 8):
        mistake("every layer keeps its own keys and values")
    if close(got, right / 1000):
        mistake("that is what one token leaves behind; count all tokens")
    expect(
        close(got, right), f"1,000 tokens, 8 layers, 2 heads of 64: {right:,} bytes, not {got!r}"
    )
    expect(close(yours(7, 3, 5, 4), 2 * 2 * 7 * 3 * 5 * 4), "it has to hold for other sizes too")
    return "each token costs the same memory, for as long as the text goes on"
