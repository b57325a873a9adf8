"""Waiting for a page with a patience that grows where the machine is slow or busy."""

import time

WORK = 10_000_000  # additions
IDLE = 0.25  # seconds that they take on a laptop with nothing else to do
PIECE = 10  # seconds until the machine's speed is measured again


def slowness():
    """How many times longer than on an idle laptop a piece of work takes now; at least 1."""
    start = time.perf_counter()
    sum(range(WORK))
    return max(1.0, (time.perf_counter() - start) / IDLE)


def wait_until(page, condition, seconds=30.0):
    """Wait until a condition holds in a page, for as many seconds of an idle laptop.

    Raises
    ------
    playwright.sync_api.TimeoutError
        If it does not hold then.
    """
    from playwright.sync_api import TimeoutError

    while True:
        piece = min(PIECE, seconds)
        try:
            return page.wait_for_function(condition, timeout=1000 * piece)
        except TimeoutError:
            seconds -= piece / slowness()
            if seconds < 0.1:
                raise
