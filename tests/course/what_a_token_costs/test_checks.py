"""Checks of notebook 14: the right answer passes, and each slip is told what it is."""

import numpy as np
import torch
from verdicts import *  # noqa: F403

from ttclib.course.what_a_token_costs import checks, figures


def outer(k, v):
    return k.transpose(-1, -2) @ v


def step(q, k, v, keep, memory):
    memory = keep * memory + outer(k, v)
    return q @ memory, memory


def in_place(q, k, v, keep, memory):
    memory *= keep
    memory += outer(k, v)
    return q @ memory, memory


def head_by_head(q, k, v, keep, memory):
    rows = []
    for h in range(len(q)):
        new = float(keep[h]) * memory[h] + torch.outer(k[h, 0], v[h, 0])
        rows.append((q[h] @ new, new))
    return torch.stack([said for said, _ in rows]), torch.stack([new for _, new in rows])


def by_einsum(q, k, v, keep, memory):
    new = memory * keep + torch.einsum("hik,hiv->hkv", k, v)
    return [torch.einsum("hik,hkv->hiv", q, new), new]


def copied(q, k, v, keep, memory):
    memory = memory.clone().mul_(keep).add_(outer(k, v))
    return torch.matmul(q, memory), memory


def aged(ages_of, times):
    """A memory in which tokens have these ages, and the old one faded so many times."""

    def memory_after(k, v, keep, memory):
        ages = ages_of(torch.arange(len(k)).flip(0).to(k))
        return keep ** times(len(k)) * memory + (k * keep ** ages[:, None]).T @ v

    return memory_after


chunk = aged(lambda a: a, lambda n: n)


def token_by_token(k, v, keep, memory):
    for key, value in zip(k, v, strict=True):
        memory = keep * memory + key[:, None] * value
    return memory


def turned(k, v, keep, memory):
    return keep ** len(k) * memory + (chunk(k, v, keep, 0 * memory)).T


CACHE = {
    "that is half": lambda n, layers, heads, size: 2 * n * layers * heads * size,
    "numbers of the keys": lambda n, layers, heads, size: n * layers * heads * size,
    "not 4": lambda n, layers, heads, size: 8 * n * layers * heads * size,
    "those are bits": lambda n, layers, heads, size: 32 * n * layers * heads * size,
    "every head": lambda n, layers, heads, size: 4 * n * layers * size,
    "has `size` numbers": lambda n, layers, heads, size: 4 * n * layers * heads,
    "every layer": lambda n, layers, heads, size: 4 * n * heads * size,
    "what one token": lambda n, layers, heads, size: 4 * layers * heads * size,
    "1,000 tokens, 7 layers": lambda n, layers, heads, size: 17,
    "hold for other": lambda *_: 4 * 1000 * 7 * 3 * 64,
}
STEPS = {
    "return two": lambda q, k, v, keep, m: q @ m,
    "changed in place": in_place,
    "nothing fades": lambda q, k, v, keep, m: (q @ m, m + outer(k, v)),
    "must not fade yet": lambda q, k, v, keep, m: (q @ m, keep * (m + outer(k, v))),
    "not written": lambda q, k, v, keep, m: (q @ m, keep * m),
    "keys belong to the rows": lambda q, k, v, keep, m: (q @ m, keep * m + outer(v, k)),
    "the memory is not": lambda q, k, v, keep, m: (q @ m, 2 * m),
    "read after writing": lambda q, k, v, keep, m: (q @ m, keep * m + outer(k, v)),
    "what is read is not": lambda q, k, v, keep, m: (q, keep * m + outer(k, v)),
}
CHUNKS = {
    "the old memory fades, too": aged(lambda a: a, lambda n: 0),
    "fades with every token": aged(lambda a: a, lambda n: n - 1),
    "its age is 0": aged(lambda a: a + 1, lambda n: n),
    "is the oldest": aged(lambda a: a.flip(0), lambda n: n),
    "within the chunk": aged(lambda a: 0 * a, lambda n: n),
    "not once for the chunk": aged(lambda a: a, lambda n: 1),
    "by its own age": aged(lambda a: 0 * a + 5, lambda n: n),
    "five tokens one by one": aged(lambda a: 2 * a, lambda n: n),
    "memory is missing": lambda k, v, keep, m: chunk(k, v, keep, 0 * m),
    "values to its columns": turned,
    "right, but in float32": lambda *a: chunk(*a).float(),
}
CROSSINGS = {
    "where reading": lambda width, state: state,
    "the matrices' part": lambda width, state: width / 2,
    "the gate has": lambda width, state: width + state,
    "*more* to make up": lambda width, state: state - width / 2,
    "divide by 4 w": lambda width, state: 2 * width + 4 * state,
    "a width too many": lambda width, state: width * (width / 2 + state),
    "s tokens' worth": lambda width, state: width / 2 + 4 * state,
    "for a width of 1,024": lambda width, state: 3,
    "it has to hold": lambda width, state: 576,
}
ANSWERS = {
    checks.cache_bytes: (
        lambda n, layers, heads, size: 4 * n * layers * heads * size,
        lambda tokens, layers, kv_heads, size: 2.0 * tokens * layers * kv_heads * size * 2,
        lambda *sizes: np.prod(sizes) * 4,
        lambda n, layers, heads, size: sum(2 * 2 * n * heads * size for _ in range(layers)),
    ),
    checks.retention_step: (step, head_by_head, by_einsum, copied),
    checks.chunk_memory: (
        chunk,
        token_by_token,
        lambda k, v, keep, m: (
            m * keep ** len(k)
            + torch.einsum("n,nk,nv->kv", keep ** torch.arange(len(k) - 1, -1, -1).to(k), k, v)
        ),
        lambda k, v, keep, m: (
            m * keep ** len(k)
            + sum(torch.outer(k[-1 - i], v[-1 - i]) * keep**i for i in range(len(k)))
        ),
    ),
    checks.crossing: (
        lambda width, state: width / 2 + state,
        lambda width, state: width // 2 + state,
        lambda w, s: (10 * w**2 + 4 * s * w - 8 * w**2) / (4 * w),
        lambda width, state: np.float64(0.5) * (width + 2 * state),
    ),
}
RIGHT = [(check, answer) for check, answers in ANSWERS.items() for answer in answers]
WRONG = [
    (check, slip, words)
    for check, slips in zip(ANSWERS, (CACHE, STEPS, CHUNKS, CROSSINGS), strict=True)
    for words, slip in slips.items()
]


def test_a_blank_is_not_attempted():
    for check in ANSWERS:
        assert check(...).mark == "–"


def test_the_crossing_is_that_of_the_library():
    for width, heads in ((1024, 16), (64, 2)):
        state = width // heads
        assert figures.step_crossing(width, heads, state) == width / 2 + state + 1
