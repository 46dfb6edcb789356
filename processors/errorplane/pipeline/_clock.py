"""Time that neither jumps nor runs backwards while the process lives, whatever is done to the machine's clock."""

from __future__ import annotations

from collections.abc import Callable


class SteadyClock:
    """Unix time at the start, then as many seconds on as the monotonic clock says; ``offset`` is what it is off by now.

    Ages are measured by it: were they by the machine's clock, one that is set forward would end every window at once,
    and one that is set back would remember every verdict until the journal is full.
    """

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._start = wall() - monotonic()

    def __call__(self) -> float:
        """Unix time in seconds."""
        return self._start + self._monotonic()

    def not_before(self, moment: float) -> None:
        """Go on from ``moment``, if it is later: a process may start after the machine's clock was set back."""
        self._start += max(0.0, moment - self())

    @property
    def offset(self) -> float:
        """Seconds by which the machine's clock was set forward since the start; negative if it was set back."""
        return self._wall() - self()
