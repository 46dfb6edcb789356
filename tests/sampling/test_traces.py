"""The table of undecided traces."""

from __future__ import annotations

from errorplane.otlp import Signal
from errorplane.sampling import Seen, TraceTable


def test_a_trace_gathers_what_several_requests_say() -> None:
    """Times span all requests, an error anywhere is an error, references keep their request."""
    table = TraceTable(wait_s=10.0, max_traces=10)
    state = table.open(b"t" * 16, now=0.0)
    state.add(1, Signal.TRACES, Seen(2_000_000_000, 3_000_000_000, False, [0, 4], frozenset("a")))
    state.add(2, Signal.LOGS, Seen(0, 0, True, [7], frozenset("b")))
    state.add(3, Signal.TRACES, Seen(1_000_000_000, 2_500_000_000, False, [1], frozenset("a")))
    assert state.duration_s == 2.0
    assert state.error
    assert state.services == {"a", "b"}
    assert {seq: (items.signal, list(items.numbers)) for seq, items in state.items().items()} == {
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


def seen(root: bool = False, spans: int = 1, hits: int = 0, size: int = 0) -> Seen:
    """What a request says of a trace."""
    return Seen(items=list(range(spans)), root=root, hits=hits, size=size)


def arrive(table: TraceTable, name: bytes, now: float, what: Seen) -> None:
    """As the decider takes in what a request says of a trace."""
    trace_id = name * 16
    state = table.get(trace_id) or table.open(trace_id, now)
    state.add(int(now * 10) + 1, Signal.TRACES, what)
    table.hasten(trace_id, state, what, now)


def due(table: TraceTable, now: float) -> list[bytes]:
    """The first letters of the traces that are due."""
    return [trace_id[:1] for trace_id, _ in table.due(now, 100)]


def test_a_root_shortens_the_wait() -> None:
    """A trace whose root has ended waits only a little longer, one without a root its whole window."""
    table = TraceTable(wait_s=10.0, max_traces=10, root_wait_s=2.0)
    arrive(table, b"a", 0.0, seen())
    arrive(table, b"b", 0.0, seen())
    arrive(table, b"b", 3.0, seen(root=True))
    arrive(table, b"b", 4.0, seen(root=True))
    assert due(table, 4.9) == []
    assert due(table, 5.0) == [b"b"]
    assert due(table, 9.9) == []
    assert due(table, 10.0) == [b"a"]
    assert table.triggers == {"root": 1, "window": 1}


def test_a_root_that_comes_late_does_not_lengthen_the_wait() -> None:
    """The window's end stays where it was."""
    table = TraceTable(wait_s=10.0, max_traces=10, root_wait_s=5.0)
    arrive(table, b"a", 0.0, seen())
    arrive(table, b"a", 9.0, seen(root=True))
    assert due(table, 10.0) == [b"a"]


def test_many_spans_end_the_wait() -> None:
    """A trace that reaches the bound is due at once, with all that came with it."""
    table = TraceTable(wait_s=10.0, max_traces=10, max_spans=5)
    arrive(table, b"a", 0.0, seen(spans=4))
    assert due(table, 0.0) == []
    arrive(table, b"a", 1.0, seen(spans=3))
    assert [state.spans for _, state in table.due(1.0, 100)] == [7]
    assert table.triggers == {"spans": 1}


def test_a_trace_that_is_opened_again_has_a_window_of_its_own() -> None:
    """What is left of an earlier wait in the queues does not end the next one."""
    table = TraceTable(wait_s=10.0, max_traces=10, root_wait_s=1.0)
    arrive(table, b"a", 0.0, seen(root=True))
    assert due(table, 1.0) == [b"a"]
    arrive(table, b"a", 5.0, seen())
    assert due(table, 14.9) == []
    assert due(table, 15.0) == [b"a"]
    assert due(table, 100.0) == []


def test_too_many_traces_with_a_root_are_decided_early_as_well() -> None:
    """At the bound those that are due soonest go first, whichever way they wait."""
    table = TraceTable(wait_s=10.0, max_traces=2, root_wait_s=2.0)
    for name in (b"a", b"b", b"c"):
        arrive(table, name, 0.0, seen(root=name == b"c"))
    assert due(table, 0.0) == [b"c"]
    arrive(table, b"d", 0.0, seen())
    assert due(table, 0.0) == [b"a"]
    assert table.triggers == {"max_traces": 2}


def test_hits_and_sizes_add_up() -> None:
    """What was seen in several requests is true of the trace; only spans count as spans."""
    table = TraceTable(wait_s=10.0, max_traces=10)
    state = table.open(b"a" * 16, now=0.0)
    state.add(1, Signal.TRACES, seen(spans=2, hits=0b001, size=100))
    state.add(2, Signal.TRACES, seen(spans=1, hits=0b100, size=50))
    state.add(3, Signal.LOGS, seen(spans=9, size=5))
    assert (state.hits, state.size, state.spans) == (0b101, 155, 3)


def test_as_many_come_out_as_are_asked_for() -> None:
    """The rest is due the next time."""
    table = TraceTable(wait_s=1.0, max_traces=10)
    for name in (b"a", b"b", b"c"):
        arrive(table, name, 0.0, seen())
    assert [len(list(table.due(1.0, 2))) for _ in range(3)] == [2, 1, 0]
