"""What people are told on standard error: progress, leaks, and what it all comes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TextIO

from errorplane.scan._model import Tally

_EVERY_S = 0.2
_MEGA = 1_000_000
_MAX_LEAKS = 100


class Progress:
    """One line that is written over and over; nothing where nobody watches."""

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

    def at(self, done: int, total: int | None, tally: Tally) -> None:
        """``done`` bytes of ``total`` have been scanned."""
        if not self._shown or self._clock() < self._next:
            return
        self._next = self._clock() + _EVERY_S
        share = f" ({done / total:.0%})" if total else ""
        rate = done / max(self.elapsed_s, 1e-9) / _MEGA
        line = (
            f"{done / _MEGA:,.1f} MB{share}  {rate:,.1f} MB/s  {tally.lines:,} lines  {tally.entities.total():,} found"
        )
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()
        self._written = True

    def clear(self) -> None:
        """Take the line away."""
        if self._written:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._written = False


class Leaks:
    """The places of leaks, the first hundred of them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told = 0

    def tell(self, leaks: list[str]) -> None:
        """Print them, as long as there are not too many."""
        for leak in leaks[: max(_MAX_LEAKS - self._told, 0)]:
            print(f"leak: {leak}", file=self._stream)
        if self._told <= _MAX_LEAKS < self._told + len(leaks):
            print("leak: ... (more are only counted)", file=self._stream)
        self._told += len(leaks)


def summary(tally: Tally, scanned: int, elapsed_s: float) -> Iterator[str]:
    """What was found, as lines of text; nothing of anybody's text is in them."""
    rate = scanned / max(elapsed_s, 1e-9) / _MEGA
    yield f"{tally.lines:,} lines, {scanned / _MEGA:,.1f} MB in {elapsed_s:,.1f} s ({rate:,.1f} MB/s)"
    for (entity, action), count in sorted(tally.entities.items()):
        yield f"  {count:>9,}  {entity}  {action}"
    if not tally.entities:
        yield "  nothing found"
    for reason, count in sorted(tally.quarantined.items()):
        yield f"  {count:>9,}  could not be scanned and were quarantined: {reason}"
    for note, count in sorted(tally.notes.items()):
        yield f"  {count:>9,}  lines are {note} and were scanned as {'JSON' if note == 'not OTLP' else 'text'}"
    for (entity, rule), count in sorted(tally.leaks.items()):
        yield f"  {count:>9,}  forbidden: {entity}: {rule}"
