"""Checks of notebook 14: every way through them."""

import pytest
import torch

from ttclib.course.what_a_token_costs import checks, figures


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (..., "– not attempted"),
        (lambda n, layers, heads, size: 4 * n * layers * heads * size, "✓ each token costs"),
        (lambda n, layers, heads, size: 2 * n * layers * heads * size, "✗ that is half"),
        (lambda n, layers, heads, size: 4 * n * heads * size, "✗ every layer"),
        (lambda n, layers, heads, size: 4 * layers * heads * size, "✗ that is what one token"),
        (lambda n, layers, heads, size: 17, "✗ 1,000 tokens, 8 layers"),
        (lambda *_: 4 * 1000 * 8 * 2 * 64, "✗ it has to hold for other"),
    ],
)
def test_bytes_of_a_cache(answer, said):
    assert str(checks.cache_bytes(answer)).startswith(said)


def outer(k, v):
    return k.transpose(-1, -2) @ v


def right_step(q, k, v, keep, memory):
    memory = keep * memory + outer(k, v)
    return q @ memory, memory


def in_place(q, k, v, keep, memory):
    memory *= keep
    memory += outer(k, v)
    return q @ memory, memory


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (..., "– not attempted"),
        (right_step, "✓ fade, write, read"),
        (lambda q, k, v, keep, memory: q @ memory, "✗ return two"),
        (in_place, "✗ the old memory was changed in place"),
        (lambda q, k, v, keep, m: (q @ m, m + outer(k, v)), "✗ nothing fades"),
        (lambda q, k, v, keep, m: (q @ m, keep * (m + outer(k, v))), "✗ the new token must not"),
        (lambda q, k, v, keep, m: (q @ m, keep * m), "✗ the token is not written"),
        (lambda q, k, v, keep, m: (q @ m, keep * m + outer(v, k)), "✗ keys belong to the rows"),
        (lambda q, k, v, keep, m: (q @ m, 2 * m), "✗ the memory is not"),
        (lambda q, k, v, keep, m: (q @ m, 2), "✗ the memory is not"),
        (lambda q, k, v, keep, m: (q @ m, keep * m + outer(k, v)), "✗ read after writing"),
        (lambda q, k, v, keep, m: (q, keep * m + outer(k, v)), "✗ what is read is not"),
    ],
)
def test_a_step_of_retention(answer, said):
    assert str(checks.retention_step(answer)).startswith(said)


def aged(ages_of, times):
    """A memory in which tokens have these ages, and the old one faded so many times."""

    def memory_after(k, v, keep, memory):
        ages = ages_of(torch.arange(len(k)).flip(0).to(k))
        return keep ** times(len(k)) * memory + (k * keep ** ages[:, None]).T @ v

    return memory_after


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (..., "– not attempted"),
        (aged(lambda a: a, lambda n: n), "✓ a chunk leaves"),
        (aged(lambda a: a, lambda n: 0), "✗ the old memory fades"),
        (aged(lambda a: a, lambda n: n - 1), "✗ the old memory fades"),
        (aged(lambda a: a + 1, lambda n: n), "✗ the last token has not faded"),
        (aged(lambda a: a.flip(0), lambda n: n), "✗ the first token is the oldest"),
        (aged(lambda a: 0 * a, lambda n: n), "✗ within the chunk"),
        (aged(lambda a: 2 * a, lambda n: n), "✗ five tokens one by one"),
        (lambda *_: 3, "✗ five tokens one by one"),
        (lambda *a: aged(lambda a: a, lambda n: n)(*a).float(), "✗ right, but in float32"),
    ],
)
def test_a_chunk_in_the_memory(answer, said):
    assert str(checks.chunk_memory(answer)).startswith(said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (..., "– not attempted"),
        (lambda width, state: width / 2 + state, "✓ below that length"),
        (lambda width, state: state, "✗ that is where reading"),
        (lambda width, state: width / 2, "✗ that is the matrices' part"),
        (lambda width, state: width + state, "✗ the gate has"),
        (lambda width, state: 3, "✗ for a width of 1,024"),
        (lambda width, state: 576, "✗ it has to hold"),
    ],
)
def test_where_the_costs_cross(answer, said):
    assert str(checks.crossing(answer)).startswith(said)


def test_the_crossing_is_that_of_the_library():
    for width, heads in ((1024, 16), (64, 2)):
        state = width // heads
        assert figures.step_crossing(width, heads, state) == width / 2 + state + 1
