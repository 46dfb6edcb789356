"""How far a replay is, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from errorplane.replay._figures import Figures

_EVERY_S = 0.2
_MEGA = 1_000_000


class Progress:
    """One line that is written over and over; nothing where nobody watches. ``total`` is in bytes, 0 if not known."""

    def __init__(
        self, stream: TextIO, shown: bool, total: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.total = total
        self._stream = stream
        self._shown = shown
        self._clock = clock
        self._started = clock()
        self._next = self._started + _EVERY_S
        self._written = False

    def at(self, done: int, figures: Figures) -> None:
        """``done`` bytes have been read."""
        if not self._shown or self._clock() < self._next:
            return
        now = self._clock()
        self._next = now + _EVERY_S
        share = f" ({done / self.total:.0%})" if self.total else ""
        rate = done / (now - self._started) / _MEGA
        kept = f"{figures.traces.kept:,} of {figures.traces.total:,} traces kept"
        self._stream.write(f"\r\x1b[K{done / _MEGA:,.1f} MB{share}  {rate:,.1f} MB/s  {kept}")
        self._stream.flush()
        self._written = True

    def clear(self) -> None:
        """Take the line away."""
        if self._written:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._written = False
