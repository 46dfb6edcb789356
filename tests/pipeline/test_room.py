"""At the journal's bound what is held for late errors goes first, then healthy telemetry; no error is given up."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import policy, read_lines, run_processor, spans_in
from tests.support.telemetry import new_trace_id, span, traces

from errorplane.journal import Change, Journal, JournalFull
from errorplane.keys import Key, from_policy
from errorplane.otlp import Overloaded, Signal
from errorplane.pipeline import Processor
from errorplane.pipeline._room import Room
from errorplane.policy import Policy

MAX_BYTES = 16 << 20
DOWN = {"otlp": {"endpoint": "http://127.0.0.1:9"}}
EVERYTHING = [{"name": "everything"}]


def policy_of(folder: Path, destination: dict[str, Any], rules: list[dict[str, Any]], wait: str = "100ms") -> Policy:
    """A policy without listeners, with the smallest journal."""
    return Policy.model_validate(
        {
            "version": 1,
            "listen": {"grpc": None, "http": None, "admin": None},
            "journal": {"path": str(folder), "max_bytes": MAX_BYTES},
            "redaction": {"detectors": ["JWT"]},  # noise is slow to look through, and this is not about that
            "sampling": {"decision_wait": wait, "rules": rules},
            "destinations": {"out": destination},
            "telemetry": {"metrics_interval": None},
        }
    )


@contextlib.contextmanager
def run(policy: Policy) -> Iterator[Processor]:
    """A processor until the end of the block; what it has not delivered then stays in the journal."""
    processor = Processor(policy, from_policy(policy))
    processor.start()
    try:
        yield processor
    finally:
        processor.stop(0.0)


def large(*, error: bool = False, trace_id: bytes | None = None) -> Span:
    """A span of 4 kB that cannot be compressed below half of that."""
    return span(error=error, trace_id=trace_id, attributes={"noise": os.urandom(2000).hex()})


def send(processor: Processor, spans: list[Span]) -> None:
    """Send as an exporter does, which waits and tries again when it is told to."""
    body = traces(spans).SerializeToString()

    def taken() -> bool:
        try:
            processor._entrance(Signal.TRACES, body)
        except Overloaded:
            return False
        return True

    wait_until(taken, "the request to be taken", 60)


def test_with_the_destination_down_healthy_telemetry_makes_room_for_errors(tmp_path: Path) -> None:
    """More than the bound comes in while nothing is taken: no error is lost, and every span is counted."""
    errors: set[bytes] = set()
    sent = 0
    with run(policy_of(tmp_path, DOWN, EVERYTHING)) as processor:
        for _ in range(250):
            failed = large(error=True)
            send(processor, [failed, *(large() for _ in range(39))])
            errors.add(failed.span_id)
            sent += 40
            assert processor.journal.total_bytes <= MAX_BYTES
        counters = processor.counters
        wait_until(lambda: counters.total("decisions") == sent, "all verdicts", 60)
    given_up = counters.total("given_up_items", destination="out", signal="traces")
    dropped = counters.total("dropped_items", signal="traces", reason="room")
    assert given_up > sent // 4
    up = policy_of(tmp_path, {"file": {"path": str(tmp_path / "out.jsonl")}}, EVERYTHING)
    with run(up) as processor:
        wait_until(lambda: processor.journal.pending_destinations().total() == 0, "all deliveries", 60)
        given_up += processor.counters.total("given_up_items")
    arrived = [bytes.fromhex(each["spanId"]) for each in spans_in(read_lines(tmp_path / "out.jsonl"))]
    assert errors <= set(arrived)
    assert len(set(arrived)) == len(arrived)
    assert len(arrived) + given_up + dropped == sent


@pytest.mark.e2e
def test_killed_while_room_is_made_it_loses_no_error(tmp_path: Path) -> None:
    """Killed twice while a full journal gives up healthy telemetry: every acknowledged error arrives, nothing twice."""
    sections: dict[str, Any] = {
        "journal": {"path": "./data", "max_bytes": "16MiB"},
        "redaction": {"detectors": ["JWT"]},
        "sampling": {"decision_wait": "100ms", "rules": EVERYTHING},
    }
    path = policy(tmp_path, destinations={"out": DOWN}, **sections)
    errors: set[bytes] = set()
    for _ in range(2):
        with run_processor(path) as processor:
            while processor.stats()["destinations"].get("out", {}).get("given_up", 0) < 500:
                failed = large(error=True)
                with contextlib.suppress(grpc.RpcError):  # it is told to come back, as an exporter does
                    processor.send(Signal.TRACES, traces([failed, *(large() for _ in range(39))]))
                    errors.add(failed.span_id)
            processor.kill()
    policy(tmp_path, **sections)
    with run_processor(path) as processor:
        wait_until(lambda: processor.stats()["journal"]["bytes"] == 0, "all deliveries", 60)
    arrived = [bytes.fromhex(each["spanId"]) for each in spans_in(read_lines(tmp_path / "out.jsonl"))]
    assert errors <= set(arrived)
    assert len(set(arrived)) == len(arrived)


def test_what_is_held_for_late_errors_never_keeps_anybody_out(tmp_path: Path) -> None:
    """Far more dropped traces than there is room for: the oldest go, the newest can still be rescued, nobody waits."""
    last = new_trace_id()
    nothing: list[dict[str, Any]] = [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.0}]
    with run(policy_of(tmp_path, {"file": {"path": str(tmp_path / "out.jsonl")}}, nothing)) as processor:
        for number in range(100):
            processor._entrance(Signal.TRACES, traces([large() for _ in range(100)]).SerializeToString())
            if number % 8 == 0:
                wait_until(lambda: processor.journal.used_bytes == 0, "the verdicts")
        processor._entrance(Signal.TRACES, traces([span(trace_id=last)]).SerializeToString())
        wait_until(lambda: processor.journal.used_bytes == 0, "the verdict")
        assert processor.journal.total_bytes <= MAX_BYTES * 0.9
        assert processor.journal.rescue_bytes > MAX_BYTES * 0.4
        released = processor.counters.by("released_requests", "reason")
        assert released.keys() == {"room"}
        assert released["room"] > 20
        processor._entrance(Signal.TRACES, traces([span(trace_id=last, error=True)]).SerializeToString())
        wait_until(lambda: processor.counters.total("rescues", outcome="whole") == 1, "the rescue")


def test_a_full_disk_takes_what_is_held_for_late_errors_too(tmp_path: Path) -> None:
    """Long before the bound the disk runs full: what is held for late errors gives its room to what comes."""
    free = 1 << 30
    journal = Journal(tmp_path / "journal", Key("6b6b6b6b", b"k" * 32), max_bytes=1 << 26, disk_free=lambda path: free)
    with contextlib.closing(journal):
        room = Room(journal)
        held = [journal.append(Signal.TRACES, os.urandom(1 << 20)) for _ in range(24)]
        journal.commit(Change(drop=Counter(held), dropped=dict.fromkeys(held, 1000.0)))
        assert not room.make(Change(), 1000.0)
        free = 4 << 20
        with pytest.raises(JournalFull, match="bytes free"):
            journal.append(Signal.TRACES, os.urandom(1 << 20))
        change = Change()
        assert not room.make(change, 1000.0)
        journal.commit(change)
        assert journal.released == {"room": len(held) - journal.rescue_bytes // (1 << 20)}
        journal.append(Signal.TRACES, os.urandom(1 << 20))


def test_undecided_healthy_traces_go_when_nothing_else_is_left(tmp_path: Path) -> None:
    """With windows of an hour: a full journal drops healthy traces undecided, and decides those with errors early."""
    failed = 0
    with run(policy_of(tmp_path, DOWN, EVERYTHING, wait="1h")) as processor:
        for _ in range(200):
            send(processor, [large(error=True), *(large() for _ in range(39))])
            failed += 1
        counters = processor.counters
        wait_until(lambda: processor.journal.total_bytes <= MAX_BYTES * 0.9, "room", 30)
        dropped = counters.total("decisions", reason="room", verdict="dropped")
        assert dropped > 100
        assert dropped == counters.total("dropped_items", reason="room")
        assert counters.total("decisions", rule="everything", verdict="kept") <= failed
    assert counters.total("error_facts") == failed
    assert counters.total("dropped_items", reason="room") + counters.total("kept_items", signal="traces") == failed * 40
