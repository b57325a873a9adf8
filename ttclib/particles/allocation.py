"""Allocation: freed arrays stay with the process, where the next step finds them."""

from __future__ import annotations

import functools

import numpy as np

_LARGEST = 16 * 2**20  # bytes


@functools.cache
def keep_freed_blocks() -> None:
    """Let the C library keep what is freed in blocks of up to 16 MB, from now on.

    It hands larger blocks than it has ever seen freed back to the system, and a filter that
    fetches its arrays again at every step loses a third of its time. So it sees one here, once.
    """
    np.empty(_LARGEST, dtype=np.uint8)
