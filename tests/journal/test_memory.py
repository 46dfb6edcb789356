"""The journal in memory: what it holds, for whom and for how long."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from errorplane.journal import Change, Delivery, JournalFull, MemoryJournal, Refs, StoredRequest, VerdictRecord
from errorplane.otlp import Signal


def journal(max_bytes: int = 1 << 20, undecided: int = 0) -> MemoryJournal:
    """An empty one."""
    return MemoryJournal(max_bytes, lambda seq, request, note: None, lambda: undecided, clock=lambda: 5.0)


def delivery(*seqs: int, healthy: bool = False, **more: Any) -> Delivery:
    """One that refers to the first item of these requests."""
    refs = {seq: Refs(array("I", [0]), array("I", [0])) for seq in seqs}
    return Delivery(Signal.TRACES, "standard", ("out",), (b"tag",), refs, healthy=healthy, **more)


def verdict(at: float, through: int = 1) -> VerdictRecord:
    """On a dropped trace."""
    return VerdictRecord(False, "rest", 0.1, "standard", at, through, "probability", 0)


def test_a_request_is_held_until_nobody_needs_it() -> None:
    """It stays while its traces are undecided or a delivery waits, and leaves no byte behind."""
    held = journal()
    seq = held.append(Signal.TRACES, b"body" * 100)
    assert held.request(seq) == StoredRequest(Signal.TRACES, 5.0, b"body" * 100)
    assert held.oldest_undecided == seq
    held.commit(Change(deliveries=[delivery(seq)], drop={seq: 1}, indexed_through=seq))  # type: ignore[arg-type]  # a mapping as any other
    assert held.holds(seq)
    assert (held.oldest_undecided, held.indexed_through, held.waiting_items(Signal.TRACES)) == (seq + 1, seq, 1)
    (number,) = held.pending()
    held.acknowledge(number)
    assert not held.holds(seq)
    assert (held.pending(), held.total_bytes) == ([], 0)


def test_what_was_dropped_is_held_for_its_window_or_until_there_is_no_room() -> None:
    """A request of which a trace was dropped is held for late errors: the oldest go first, each counted by why."""
    held = journal()
    seqs = [held.append(Signal.TRACES, bytes(1000)) for _ in range(3)]
    for at, seq in enumerate(seqs, 1):
        held.commit(Change(drop={seq: 1}, dropped={seq: float(at)}))  # type: ignore[arg-type]  # as above
    assert (held.held_since, held.held_last, held.used_bytes) == (1.0, 3.0, 0)
    assert held.rescue_bytes == held.total_bytes > 0
    held.commit(Change(release_before=2.0))
    held.commit(Change(make_room=1))
    assert [held.holds(seq) for seq in seqs] == [False, False, True]
    assert held.released == {"window": 1, "room": 1}


def test_a_reopened_trace_needs_its_requests_again() -> None:
    """Held again for an undecided trace, a request is not let go for want of room."""
    held = journal()
    seq = held.append(Signal.TRACES, b"body")
    held.commit(Change(drop={seq: 1}, dropped={seq: 1.0}))  # type: ignore[arg-type]  # as above
    held.commit(Change(hold={seq: 1}))  # type: ignore[arg-type]  # as above
    assert (held.rescue_bytes, held.oldest_undecided) == (0, seq)
    held.commit(Change(make_room=1 << 20))
    assert held.holds(seq)


def test_a_delivery_that_is_being_sent_stays_as_it_is() -> None:
    """Room is made by others: it is neither given up nor copied until it is put back."""
    held = journal()
    first, second = (held.append(Signal.TRACES, b"body") for _ in range(2))
    held.commit(Change(deliveries=[delivery(first, healthy=True), delivery(second, healthy=True)]))
    one, two = held.pending()
    assert held.begin(one) is not None
    assert held.bulky(10) == [two]
    held.commit(Change(give_up={number: delivery(seq) for number, seq in ((one, first), (two, second))}))
    assert (held.pending(), held.given_up) == ([one], {"traces": 1})
    held.put_back(one)
    assert held.bulky(10) == [one]
    assert held.begin(two) is None


def test_a_copy_lets_go_of_the_requests() -> None:
    """A delivery that holds its items by itself no longer needs the requests that it referred to."""
    held = journal()
    seq = held.append(Signal.TRACES, b"body")
    old = delivery(seq)
    held.commit(Change(deliveries=[old], drop={seq: 1}))  # type: ignore[arg-type]  # as above
    (number,) = held.pending()
    copy = delivery(payload=b"copied", payload_items=1, copied=True)
    held.commit(Change(copies={number: (old, copy)}))
    assert not held.holds(seq)
    assert held.delivery(number) == copy
    assert held.waiting_items(Signal.TRACES) == 1


def test_what_does_not_fit_is_refused() -> None:
    """Beyond the bound, undecided traces included, nothing is appended, and nothing of it is held."""
    held = journal(max_bytes=10_000, undecided=9_500)
    with pytest.raises(JournalFull, match="9500 of 10000 bytes are held"):
        held.append(Signal.TRACES, b"body")
    assert (held.total_bytes, held.oldest_undecided) == (9_500, 1)


def test_old_verdicts_are_forgotten_first() -> None:
    """A sweep looks at the oldest verdicts, and a verdict that no longer stands counts for nothing."""
    held = journal()
    ids = [bytes((number,)) * 16 for number in range(4)]
    for at, trace_id in enumerate(ids):
        held.commit(Change(verdicts={trace_id: verdict(float(at))}))
    sweep = held.sweep_verdicts(b"", 3, lambda at, through: at < 2.0)
    assert sweep.expired == tuple(ids[:2])
    held.commit(Change(forget=ids))
    assert (held.verdicts(ids), held.verdict_bytes) == ({}, 0)


def test_what_is_abandoned_is_let_go() -> None:
    """When nothing is known of undecided traces any more, their requests go, those with a delivery stay."""
    held = journal()
    first, second = (held.append(Signal.TRACES, b"body") for _ in range(2))
    held.commit(Change(deliveries=[delivery(second)]))
    held.abandon()
    assert [held.holds(seq) for seq in (first, second)] == [False, True]
