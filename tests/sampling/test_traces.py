"""The table of undecided traces."""

from __future__ import annotations

from errorplane.otlp import Signal
from errorplane.sampling import Seen, TraceTable


def test_a_trace_gathers_what_several_requests_say() -> None:
    """Times span all requests, an error anywhere is an error, references keep their request."""
    table = TraceTable(wait_s=10.0, max_traces=10)
    state = table.open(b"t" * 16, now=0.0)
    state.add(1, Signal.TRACES, Seen(2_000_000_000, 3_000_000_000, False, [0, 4], {"a"}))
    state.add(2, Signal.LOGS, Seen(0, 0, True, [7], {"b"}))
    state.add(3, Signal.TRACES, Seen(1_000_000_000, 2_500_000_000, False, [1], {"a"}))
    assert state.duration_s == 2.0
    assert state.error
    assert state.services == {"a", "b"}
    assert {seq: (items.signal, list(items.numbers)) for seq, items in state.refs.items()} == {
        1: (Signal.TRACES, [0, 4]),
        2: (Signal.LOGS, [7]),
        3: (Signal.TRACES, [1]),
    }


def test_windows_close_in_order() -> None:
    """Only traces whose wait is over come out, the oldest first."""
    table = TraceTable(wait_s=10.0, max_traces=10)
    table.open(b"a" * 16, now=0.0)
    table.open(b"b" * 16, now=5.0)
    assert [trace_id for trace_id, _ in table.due(9.9, 100)] == []
    assert [trace_id for trace_id, _ in table.due(10.0, 100)] == [b"a" * 16]
    assert len(table) == 1


def test_too_many_traces_are_decided_early() -> None:
    """At the bound the oldest traces are decided now, never evicted without a decision."""
    table = TraceTable(wait_s=10.0, max_traces=2)
    for name in (b"a", b"b", b"c", b"d"):
        table.open(name * 16, now=0.0)
    assert [trace_id[:1] for trace_id, _ in table.due(0.0, 100)] == [b"a", b"b"]
