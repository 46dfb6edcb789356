"""The undecided traces: a small state each, never the spans themselves."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from errorplane.classification import ObservedError
from errorplane.detectors import DataClass
from errorplane.otlp import Signal


class Items(NamedTuple):
    """Items of one journalled request: spans or log records, by their number in it."""

    signal: Signal
    numbers: array[int]

    @classmethod
    def of(cls, signal: Signal, numbers: Iterable[int]) -> Items:
        """Items from any iterable of numbers."""
        return cls(signal, array("I", numbers))


@dataclass(slots=True)
class Seen:
    """What one request says about one trace. Times are Unix nanoseconds; ``items`` are item numbers in the request."""

    start_ns: int = 0
    end_ns: int = 0
    error: bool = False
    items: list[int] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    errors: list[ObservedError] = field(default_factory=list)
    data_classes: frozenset[DataClass] = frozenset()


@dataclass(slots=True)
class TraceState:
    """One undecided trace. ``refs`` maps a request's number to the trace's items in it; ``deadline`` is monotonic.

    ``errors`` holds each error with the number of its request.
    """

    deadline: float
    start_ns: int = 0
    end_ns: int = 0
    error: bool = False
    services: set[str] = field(default_factory=set)
    refs: dict[int, Items] = field(default_factory=dict)
    errors: list[tuple[int, ObservedError]] = field(default_factory=list)
    data_classes: frozenset[DataClass] = frozenset()

    @classmethod
    def of(cls, seq: int, signal: Signal, seen: Seen) -> TraceState:
        """The state of what a single request holds of a trace."""
        state = cls(deadline=0.0)
        state.add(seq, signal, seen)
        return state

    def add(self, seq: int, signal: Signal, seen: Seen) -> None:
        """Take in what request ``seq`` holds of this trace."""
        self.refs[seq] = Items.of(signal, seen.items)
        self.error = self.error or seen.error
        if seen.start_ns and (not self.start_ns or seen.start_ns < self.start_ns):
            self.start_ns = seen.start_ns
        if seen.end_ns > self.end_ns:  # noqa: PLR1730  # a call of max() for every trace of a request costs more
            self.end_ns = seen.end_ns
        if not seen.services <= self.services:
            self.services |= seen.services
        if seen.errors:
            self.errors.extend((seq, error) for error in seen.errors)
        if seen.data_classes:
            self.data_classes |= seen.data_classes

    @property
    def duration_s(self) -> float:
        """Seconds from the first start to the last end."""
        return max(0, self.end_ns - self.start_ns) / 1e9 if self.start_ns else 0.0


class TraceTable:
    """All undecided traces of one processor, in the order of their deadlines."""

    def __init__(self, wait_s: float, max_traces: int) -> None:
        self.wait_s = wait_s
        self.max_traces = max_traces
        self._states: dict[bytes, TraceState] = {}
        self._order: deque[tuple[float, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._states)

    def get(self, trace_id: bytes) -> TraceState | None:
        """The state of an undecided trace."""
        return self._states.get(trace_id)

    def open(self, trace_id: bytes, now: float) -> TraceState:
        """Start waiting for a trace; ``now`` is monotonic."""
        state = self._states[trace_id] = TraceState(now + self.wait_s)
        self._order.append((state.deadline, trace_id))
        return state

    def due(self, now: float, limit: int) -> Iterator[tuple[bytes, TraceState]]:
        """Take out up to ``limit`` traces whose window has closed; the oldest too when there are too many."""
        for _ in range(limit):
            if not self._order:
                return
            deadline, trace_id = self._order[0]
            if deadline > now and len(self._states) <= self.max_traces:
                return
            self._order.popleft()
            state = self._states.pop(trace_id, None)
            if state is not None:
                yield trace_id, state
