"""Patience with a page is counted in the seconds of an idle machine."""

import pytest
import waiting


class Page:
    """A page in which a condition begins to hold after some seconds, or never."""

    def __init__(self, holds_after=float("inf")):
        self.holds_after = holds_after
        self.waited = 0.0

    def wait_for_function(self, condition, timeout):
        from playwright.sync_api import TimeoutError

        step = min(timeout / 1000, self.holds_after - self.waited)
        self.waited += step
        if self.waited < self.holds_after:
            raise TimeoutError(condition)
        return True


@pytest.mark.parametrize("slow", [1.0, 4.0])
def test_a_slow_machine_is_waited_for_as_many_times_longer(monkeypatch, slow):
    from playwright.sync_api import TimeoutError

    monkeypatch.setattr(waiting, "slowness", lambda: slow)
    page = Page()
    with pytest.raises(TimeoutError):
        waiting.wait_until(page, "never", seconds=60)
    assert page.waited == pytest.approx(60 * slow, rel=0.1)
    late = Page(holds_after=50 * slow)
    assert waiting.wait_until(late, "late", seconds=60) and late.waited == 50 * slow


def test_a_busy_machine_is_slower_than_an_idle_one(monkeypatch):
    times = iter([0.0, 4 * waiting.IDLE, 10.0, 10.0 + waiting.IDLE / 2])
    monkeypatch.setattr(waiting.time, "perf_counter", lambda: next(times))
    assert (waiting.slowness(), waiting.slowness()) == (4.0, 1.0)
