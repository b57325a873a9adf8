"""Checks of notebook 14: copying the ancestors of a state, and when keys and values are more."""

from __future__ import annotations

import numpy as np
import torch

from ttclib.exercise import close, exercise, expect, mistake


def break_even_tokens(heads: int, kv_heads: int, state: int) -> float:
    """Tokens from which on keys and values are more numbers than memories of ``state`` × size.

    Each of ``heads`` memories has ``state`` · size numbers; a token has a key and a value of size
    numbers for each of ``kv_heads``. Size and layers cancel.
    """
    return heads * state / (2 * kv_heads)


@exercise
def fork(yours):
    """``yours(parts, ancestors)`` → a tuple: of each tensor (rows, …) the rows of the ancestors."""
    first = torch.arange(16.0).view(4, 4)  # so many columns that whoever picks those gets an answer
    second = 10 * torch.arange(20.0).view(4, 5)
    ancestors = np.array([1, 0, 0, 3])  # 0 and 1 change places
    given = first.clone(), second.clone()
    try:
        got = yours(given, ancestors)
    except (TypeError, IndexError) as error:
        tuple_itself = any(word in str(error) for word in ("scalar", "tuple"))
        expect(not tuple_itself, "parts is a tuple: take each tensor in it, and of that its rows")
        raise
    expect(isinstance(got, tuple | list), f"give a tuple of tensors; yours is a {_kind(got)}")
    changed = not (torch.equal(given[0], first) and torch.equal(given[1], second))
    one, two = (np.asarray(part) for part in got) if len(got) == 2 else (None, None)
    expect(one is not None, f"two tensors went in, {len(got)} came out: copy each part")
    if changed and close(one, first[[1, 1, 1, 3]]):
        mistake("row 0 was written over before row 1 took its copy: read all rows, then write")
    expect(not changed, "the old state has changed; a parent may have other children: copy it")
    if close(one, first[ancestors]) and close(two, second):
        mistake("only the first part was copied: the rows of the others belong to other texts now")
    if close(one, first[:, ancestors]):
        mistake("that picks columns; the rows are the first axis")
    if close(one, first[:2]) or close(one, first[0]):
        mistake("a slice keeps neighbours; the ancestors are indices of rows")
    if close(one, np.repeat(first.numpy(), ancestors, axis=0)):
        mistake("ancestors are indices, not numbers of children: row i comes from ancestors[i]")
    if close(one, first[np.argsort(ancestors, kind="stable")]):
        mistake("that says where each goes; ancestors say where each comes from")
    right = close(one, first[ancestors]) and close(two, second[ancestors])
    expect(right, f"row 0 must be the old row {ancestors[0]}; yours is {one[0].tolist()}")
    fewer = yours((first,), np.array([2, 2]))
    expect(close(fewer[0], first[[2, 2]]), "two ancestors of four rows make two rows")
    return "one gather, and each particle goes on from its parent's past"


@exercise
def break_even(yours):
    """``yours(heads, kv_heads, state)`` → tokens from which on keys and values are more."""
    got = yours(8, 2, 16)
    if close(got, 64.0):
        mistake("a token has a key and a value: twice kv_heads · size numbers")
    if close(got, 8.0):
        mistake("that is for as many heads of keys as of queries; here they share kv_heads")
    if close(got, 1 / 32):
        mistake("the other way round: state numbers over the numbers of one token")
    if close(got, 128.0):
        mistake("that is the memory; divide by the numbers of one token")
    if close(got, 512.0):
        mistake("divide, do not multiply, by the numbers of one token")
    if close(got, 4.0):
        mistake("of a memory each head has state · size numbers: heads · state, not state alone")
    right = break_even_tokens(8, 2, 16)
    expect(close(got, right), f"8 heads, 2 of keys, a state of 16: {right:g} tokens; not {got}")
    expect(close(yours(4, 4, 32), 16.0), "with 4 heads of each and a state of 32 it is 16 tokens")
    return "size and layers cancel: a few dozen tokens, whatever the model"


def _kind(value) -> str:
    return type(value).__name__
