"""What became of the items that were taken in, so that none is lost uncounted."""

from __future__ import annotations

from errorplane.otlp import Signal
from errorplane.pipeline import Counters

SIGNALS = (Signal.TRACES, Signal.LOGS)
_GONE = ("delivered_items", "dropped_items", "given_up_items", "destination_refused_items")


class Accounts:
    """Reads the counters, and counts what is lost; ``lose`` may be called from several threads."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._lost = dict.fromkeys(SIGNALS, 0)

    def held(self, signal: Signal) -> int:
        """Items that are taken in and neither exported, nor dropped, nor lost."""
        name, total = signal.value, self._counters.total
        taken = total("received_items", signal=name) + total("rescued_items", signal=name)
        return taken - sum(total(each, signal=name) for each in _GONE) - self._lost[signal]

    def lose(self, signal: Signal, items: int, reason: str) -> None:
        """Items that were held are lost."""
        self._lost[signal] += items
        self._counters.add("lost_items", items, signal=signal.value, reason=reason)
