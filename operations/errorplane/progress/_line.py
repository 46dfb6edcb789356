"""One line on a terminal, written over and over: bytes, their share, the rate, and what is told besides."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

_EVERY_S = 0.2
MEGA = 1_000_000


class ProgressLine:
    """Five times a second at most; nothing where nobody watches (``shown``). ``clock`` is monotonic, in seconds."""

    def __init__(self, stream: TextIO, shown: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._shown = shown
        self._clock = clock
        self._started = clock()
        self._next = self._started + _EVERY_S
        self._written = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started

    def show(self, done: int, total: int | None, besides: Callable[[], str]) -> None:
        """``done`` bytes of ``total`` have been read; ``besides`` is asked only when the line is written."""
        if not self._shown or self._clock() < self._next:
            return
        self._next = self._clock() + _EVERY_S
        share = f" ({done / total:.0%})" if total else ""
        rate = done / max(self.elapsed_s, 1e-9) / MEGA
        self._stream.write(f"\r\x1b[K{done / MEGA:,.1f} MB{share}  {rate:,.1f} MB/s  {besides()}")
        self._stream.flush()
        self._written = True

    def clear(self) -> None:
        """Take the line away."""
        if self._written:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._written = False
