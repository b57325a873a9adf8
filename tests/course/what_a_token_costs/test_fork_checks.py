"""Checks of notebook 14, forks: the right answer passes, and each slip is told what it is."""

import numpy as np
import torch
from verdicts import *  # noqa: F403

from ttclib.course.what_a_token_costs import fork_checks as checks
from ttclib.course.what_a_token_costs.mixers import gather


def rows_in_place(parts, ancestors):
    for part in parts:
        for row, ancestor in enumerate(ancestors):
            part[row] = part[ancestor]
    return parts


def gathered_in_place(parts, ancestors):
    for part in parts:
        part[: len(ancestors)] = part[ancestors].clone()
    return parts


def slots(heads, kv_heads, state):
    return heads * state / (2 * kv_heads)


FORKS = {
    "give a tuple": lambda parts, at: parts[0][at],
    "two tensors went in": lambda parts, at: (parts[0][at],),
    "written over before": rows_in_place,
    "the old state has changed": gathered_in_place,
    "only the first part": lambda parts, at: (parts[0][at], *parts[1:]),
    "picks columns": lambda parts, at: tuple(part[:, at] for part in parts),
    "take each tensor": lambda parts, at: parts[at],
    "a slice keeps neighbours": lambda parts, at: tuple(part[:2] for part in parts),
    "not numbers of children": lambda parts, at: tuple(
        torch.repeat_interleave(part, torch.as_tensor(at), dim=0) for part in parts
    ),
    "where each goes": lambda parts, at: tuple(
        part[np.argsort(at, kind="stable")] for part in parts
    ),
    "must be the old row": lambda parts, at: parts,
    "two ancestors of four": lambda parts, at: tuple(
        part[at] if len(at) == len(part) else part for part in parts
    ),
}
BREAK_EVENS = {
    "a key and a value": lambda heads, kv_heads, state: heads * state / kv_heads,
    "as many heads of keys": lambda heads, kv_heads, state: state / 2,
    "the other way round": lambda heads, kv_heads, state: 2 * kv_heads / (heads * state),
    "that is the memory": lambda heads, kv_heads, state: heads * state,
    "do not multiply": lambda heads, kv_heads, state: heads * state * 2 * kv_heads,
    "not state alone": lambda heads, kv_heads, state: state / (2 * kv_heads),
    "8 heads, 2 of keys": lambda heads, kv_heads, state: 0.0,
    "with 4 heads of each": lambda heads, kv_heads, state: 32.0,
}
EXERCISES = ((checks.fork, gather, FORKS), (checks.break_even, slots, BREAK_EVENS))
RIGHT = [
    *((check, answer) for check, answer, _ in EXERCISES),
    (checks.fork, lambda parts, at: [part.clone()[at] for part in parts]),
    (
        checks.fork,
        lambda parts, at: tuple(part.index_select(0, torch.tensor(at)) for part in parts),
    ),
    (checks.fork, lambda parts, at: tuple(torch.stack([part[i] for i in at]) for part in parts)),
    (checks.break_even, lambda heads, kv_heads, state: heads * state // (2 * kv_heads)),
    (checks.break_even, lambda heads, kv_heads, state: heads / kv_heads * state / 2),
    (checks.break_even, lambda h, kv, s: np.ceil((h * s * 64) / (kv * 64 + kv * 64))),
]
WRONG = [(check, slip, words) for check, _, slips in EXERCISES for words, slip in slips.items()]


def test_a_blank_is_not_attempted():
    for check in (checks.fork, checks.break_even):
        assert check(lambda *_: ...).mark == "–"
    assert checks.fork(lambda parts, at: (..., ...)).mark == "–"


def test_the_break_even_is_that_of_the_bytes():
    from ttclib.course.what_a_token_costs.forks import attention, break_even, memory

    for heads, kv_heads, state, size in ((8, 2, 16, 32), (9, 3, 64, 64), (4, 4, 8, 5)):
        bytes_of = break_even(attention(3, kv_heads, size), memory(3, heads, state, size))
        assert checks.break_even_tokens(heads, kv_heads, state) == bytes_of
