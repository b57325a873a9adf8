"""Checks of notebook 14: every way through them."""

import pytest

from ttclib.course.what_a_token_costs import checks


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
