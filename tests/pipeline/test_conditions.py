"""Conditions, waits and versions in the running processor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import RunningProcessor, policy, read_lines, run_processor, spans_in
from tests.support.telemetry import new_trace_id, pairs, span, span_id, traces

from errorplane.otlp import Signal

SAMPLING: dict[str, Any] = {
    "decision_wait": "1h",
    "root_wait": "100ms",
    "max_spans_per_trace": 3,
    "rules": [
        {"name": "acme", "when": {"attributes": {"tenant": {"values": "acme"}}}},
        {"name": "new", "when": {"new_deployment": "1h"}},
        {"name": "large", "when": {"spans": {"min": 3}}},
    ],
}


def kept(folder: Path, count: int) -> set[str]:
    """The trace ids in the output, once there are as many."""
    return wait_until(
        lambda: (
            found
            if len(found := {one["traceId"] for one in spans_in(read_lines(folder / "out.jsonl"))}) >= count
            else None
        ),
        f"{count} traces in the output",
        20.0,
    )


def decided(running: RunningProcessor, count: int) -> dict[str, int]:
    """What made traces due, once as many were decided."""

    def enough() -> dict[str, int] | None:
        shown = running.stats()["traces"]
        return shown if shown["kept"] + shown["dropped"] >= count else None

    found: dict[str, int] = wait_until(enough, f"{count} decisions", 20.0)
    return found


def send(running: RunningProcessor, *spans: Span, version: str = "") -> None:
    """Send spans of one service."""
    request = traces(spans)
    if version:
        request.resource_spans[0].resource.attributes.extend(pairs({"service.version": version}))
    running.send(Signal.TRACES, request)


def test_a_trace_is_decided_when_its_root_has_ended_or_it_is_large(tmp_path: Path) -> None:
    """Long before their window ends, a trace with its root and one with many spans are decided; others wait on."""
    acme, plain, large, open_ = (new_trace_id() for _ in range(4))
    with run_processor(policy(tmp_path, sampling=SAMPLING)) as running:
        send(running, span(trace_id=acme, attributes={"tenant": "acme"}), span(trace_id=plain))
        send(running, *(span(trace_id=large, parent=span_id()) for _ in range(3)))
        send(running, span(trace_id=open_, parent=span_id(), attributes={"tenant": "acme"}))
        assert kept(tmp_path, 2) == {acme.hex(), large.hex()}
        assert decided(running, 3)["undecided"] == 1
        page = running.admin("/metrics").decode()
        counted = dict(re.findall(r'errorplane_decision_triggers_total\{.*trigger="(\w+)".*\} (\S+)', page))
        assert {trigger: float(count) for trigger, count in counted.items()} == {"root": 2, "spans": 1}


def test_what_was_seen_and_known_outlives_a_kill(tmp_path: Path) -> None:
    """A trace that waited when the process was killed is decided by the attributes that it had; versions stay known."""
    waiting, first, second = (new_trace_id() for _ in range(3))
    path = policy(tmp_path, sampling=SAMPLING)
    with run_processor(path) as running:
        send(running, span(trace_id=first), version="1.0")
        send(running, span(trace_id=waiting, parent=span_id(), attributes={"tenant": "acme"}), version="1.0")
        decided(running, 1)
        running.kill()
    with run_processor(path) as running:
        send(running, span(trace_id=second), version="1.1")
        assert kept(tmp_path, 1) == {second.hex()}
    assert kept(tmp_path, 2) == {second.hex(), waiting.hex()}
