"""Time that passes only when told to."""

from __future__ import annotations

from typing import Final

_START: Final = 1_767_225_600.0  # 2026-01-01T00:00:00Z


class FixedClock:
    """A clock for whatever takes `clock: Callable[[], float]`: seconds since 1970 UTC, the same until advanced.

    >>> clock = FixedClock(100.0)
    >>> clock(), clock.advance(2.5), clock()
    (100.0, 102.5, 102.5)
    """

    def __init__(self, now: float = _START) -> None:
        self._now = now

    def __call__(self) -> float:
        """Now, in seconds."""
        return self._now

    def time_ns(self) -> int:
        """Now, in whole nanoseconds."""
        return round(self._now * 1e9)

    def advance(self, seconds: float) -> float:
        """Let so many seconds pass; returns the new time. Raises ValueError for less than none."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds} s")
        self._now += seconds
        return self._now

    def sleep(self, seconds: float) -> None:
        """Stand in for `time.sleep`: the time passes at once."""
        self.advance(max(0.0, seconds))
