"""How much of its rate a budget may use while the exporter is overloaded: halved at once, won back slowly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

_LEAST: Final = 1 / 64
_STEP: Final = 1 / 16
_INTERVAL_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0


class Throttle:
    """Additive increase, multiplicative decrease, as TCP's congestion avoidance (RFC 5681) does it.

    `share` is between 1/64 and 1: halved by an overload, at most once a second, so that the many failures of one cause
    count as one; a sixteenth more with each second in which an export succeeded. `clock` is monotonic, in seconds.
    Safe to use from several threads.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._share = 1.0
        self._changed_at = -_INTERVAL_S
        self._paused_until = 0.0
        self._overloads = 0

    @property
    def share(self) -> float:
        """The part of its rates that a budget may use."""
        return self._share

    @property
    def overloads(self) -> int:
        """How often the share was halved, or would have been if it could be less."""
        return self._overloads

    @property
    def is_paused(self) -> bool:
        """Whether the receiver asked for a pause that is not over."""
        return self._paused_until > 0.0 and self._clock() < self._paused_until

    def overloaded(self, pause_s: float = 0.0) -> None:
        """An export failed, waits for too long, or was asked to wait for `pause_s` seconds (a minute at most)."""
        now = self._clock()
        with self._lock:
            if pause_s > 0.0:
                self._paused_until = max(self._paused_until, now + min(pause_s, _LONGEST_PAUSE_S))
            if now - self._changed_at >= _INTERVAL_S:
                self._changed_at = now
                self._overloads += 1
                self._share = max(_LEAST, self._share / 2)

    def succeeded(self) -> None:
        """An export was accepted."""
        if self._share == 1.0:
            return
        now = self._clock()
        with self._lock:
            if now - self._changed_at >= _INTERVAL_S:
                self._changed_at = now
                self._share = min(1.0, self._share + _STEP)

    def after_fork(self) -> None:
        """Begin anew in a forked child, whose copy of the lock may be held by a thread that it does not have."""
        self._lock = threading.Lock()
        self._share, self._paused_until, self._overloads = 1.0, 0.0, 0
