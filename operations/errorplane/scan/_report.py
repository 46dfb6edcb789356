"""What people are told on standard error: progress, leaks, and what it all comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from errorplane.progress import MEGA, ProgressLine
from errorplane.scan._model import Tally

_MAX_LEAKS = 100


class Progress(ProgressLine):
    """Bytes scanned, and lines and findings so far."""

    def at(self, done: int, total: int | None, tally: Tally) -> None:
        """``done`` bytes of ``total`` have been scanned."""
        self.show(done, total, lambda: f"{tally.lines:,} lines  {tally.entities.total():,} found")


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
    rate = scanned / max(elapsed_s, 1e-9) / MEGA
    yield f"{tally.lines:,} lines, {scanned / MEGA:,.1f} MB in {elapsed_s:,.1f} s ({rate:,.1f} MB/s)"
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
