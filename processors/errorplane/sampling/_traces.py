"""The undecided traces: a small state each, never the spans themselves."""

from __future__ import annotations

import sys
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from errorplane.classification import ObservedError
from errorplane.detectors import DataClass
from errorplane.journal import pack_refs, unpack_refs
from errorplane.otlp import Signal

_NOTHING: frozenset[str] = frozenset()


class Items(NamedTuple):
    """Items of one journalled request: spans or log records, by their number in it."""

    signal: Signal
    numbers: array[int]

    @classmethod
    def of(cls, signal: Signal, numbers: Iterable[int]) -> Items:
        """Items from any iterable of numbers."""
        return cls(signal, array("I", numbers))


def items_of(refs: bytes) -> dict[int, Items]:
    """The items that packed refs name, by the number of their request."""
    return {seq: Items(*each) for seq, each in unpack_refs(refs).items()}


@dataclass(slots=True)
class Seen:
    """What one request says about one trace. Times are Unix nanoseconds; ``items`` are item numbers in the request.

    ``root``, ``hits`` (a bit for each condition found true) and ``size`` (bytes) are filled only where the policy asks.
    ``random``: the 56 bits of explicit randomness in its trace state, if there are any.
    """

    start_ns: int = 0
    end_ns: int = 0
    error: bool = False
    items: list[int] = field(default_factory=list)
    services: frozenset[str] = _NOTHING
    errors: list[ObservedError] = field(default_factory=list)
    data_classes: frozenset[DataClass] = frozenset()
    root: bool = False
    hits: int = 0
    size: int = 0
    random: int | None = None


@dataclass(slots=True)
class TraceState:
    """One undecided trace; ``deadline`` is monotonic. ``requests`` are the numbers of those that hold items of it.

    ``refs`` says where the items lie, packed as in verdicts: there are many traces, and most are only ever dropped.
    ``errors`` holds each error with the number of its request; those of the requests ``told`` have left as facts.
    """

    deadline: float
    start_ns: int = 0
    end_ns: int = 0
    error: bool = False
    services: frozenset[str] = _NOTHING
    requests: tuple[int, ...] = ()
    refs: bytes = b""
    errors: tuple[tuple[int, ObservedError], ...] = ()
    data_classes: frozenset[DataClass] = frozenset()
    random: int | None = None
    spans: int = 0
    logs: int = 0
    hits: int = 0
    size: int = 0
    told: frozenset[int] = frozenset()

    @classmethod
    def of(cls, seq: int, signal: Signal, seen: Seen) -> TraceState:
        """The state of what a single request holds of a trace."""
        state = cls(deadline=0.0)
        state.add(seq, signal, seen)
        return state

    def add(self, seq: int, signal: Signal, seen: Seen) -> None:
        """Take in what request ``seq`` holds of this trace."""
        self.requests += (seq,)
        self.refs += pack_refs(seq, signal, seen.items)
        if signal is Signal.TRACES:
            self.spans += len(seen.items)
        else:
            self.logs += len(seen.items)
        if seen.start_ns and (not self.start_ns or seen.start_ns < self.start_ns):
            self.start_ns = seen.start_ns
        if seen.end_ns > self.end_ns:  # noqa: PLR1730  # a call of max() for every trace of a request costs more
            self.end_ns = seen.end_ns
        if self.services != seen.services:
            self.services |= seen.services
        if seen.error:
            self.error = True
            self.errors += tuple((seq, error) for error in seen.errors)
        if seen.data_classes:
            self.data_classes |= seen.data_classes
        if seen.random is not None:
            self.random = seen.random
        if seen.hits:
            self.hits |= seen.hits
        if seen.size:
            self.size += seen.size

    def items(self) -> dict[int, Items]:
        """The items, by the number of their request."""
        return items_of(self.refs)

    @property
    def duration_s(self) -> float:
        """Seconds from the first start to the last end."""
        return max(0, self.end_ns - self.start_ns) / 1e9 if self.start_ns else 0.0


class TraceTable:
    """All undecided traces of one processor.

    A trace waits ``wait_s``; once its root has been seen, no longer than ``root_wait_s`` from then; not at all once it
    has ``max_spans``. Beyond ``max_traces`` those that are due soonest are decided early. A trace may stand in several
    queues: only the entry with its own deadline counts. ``triggers`` counts what made traces due.
    """

    def __init__(
        self, wait_s: float, max_traces: int, root_wait_s: float | None = None, max_spans: int = sys.maxsize
    ) -> None:
        self.configure(wait_s, max_traces, root_wait_s, max_spans)
        self.triggers: Counter[str] = Counter()
        self._states: dict[bytes, TraceState] = {}
        self._queues: dict[str, deque[tuple[float, bytes]]] = {"spans": deque(), "root": deque(), "window": deque()}

    def configure(self, wait_s: float, max_traces: int, root_wait_s: float | None, max_spans: int) -> None:
        """Put other bounds in force, for what arrives from now on."""
        self.wait_s = wait_s
        self.max_traces = max_traces
        self.root_wait_s = root_wait_s
        self.max_spans = max_spans

    def __len__(self) -> int:
        return len(self._states)

    def get(self, trace_id: bytes) -> TraceState | None:
        """The state of an undecided trace."""
        return self._states.get(trace_id)

    def open(self, trace_id: bytes, now: float) -> TraceState:
        """Start waiting for a trace; ``now`` is monotonic."""
        state = self._states[trace_id] = TraceState(now + self.wait_s)
        self._queues["window"].append((state.deadline, trace_id))
        return state

    def hasten(self, trace_id: bytes, state: TraceState, seen: Seen, now: float) -> None:
        """Wait less for a trace whose root was ``seen``, or that has reached ``max_spans``."""
        if state.spans >= self.max_spans:
            self._due_at("spans", now, trace_id, state)
        elif seen.root and self.root_wait_s is not None:
            self._due_at("root", now + self.root_wait_s, trace_id, state)

    def _due_at(self, trigger: str, deadline: float, trace_id: bytes, state: TraceState) -> None:
        if deadline < state.deadline:
            state.deadline = deadline
            self._queues[trigger].append((deadline, trace_id))

    def due(self, now: float, limit: int) -> Iterator[tuple[bytes, TraceState]]:
        """Take out up to ``limit`` traces that are due; the next ones too when there are too many."""
        for trigger, queue in self._queues.items():
            while queue and limit > 0:
                deadline, trace_id = queue[0]
                state = self._states.get(trace_id)
                if state is None or state.deadline != deadline:  # decided already, or due at another time
                    queue.popleft()
                    continue
                if deadline > now and len(self._states) <= self.max_traces:
                    break
                queue.popleft()
                del self._states[trace_id]
                limit -= 1
                self.triggers[trigger if deadline <= now else "max_traces"] += 1
                yield trace_id, state
