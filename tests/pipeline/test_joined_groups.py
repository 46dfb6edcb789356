"""Requests as balancers write them, a resource group for each trace, through the real processor."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.support.collector_tools import read_items, wait_until
from tests.support.processor_tools import policy, run_processor
from tests.support.telemetry import resource, span

from errorplane.otlp import Signal

pytestmark = pytest.mark.e2e

_RAISED = {"exception.type": "KeyError", "exception.message": "3"}


def group(service: str, each: Span) -> ResourceSpans:
    """A resource group of one span."""
    return ResourceSpans(resource=resource(service), scope_spans=[ScopeSpans(spans=[each])])


def faulty() -> Span:
    """A span that no receiver may take."""
    return Span(trace_id=b"\1" * 16, name="faulty", start_time_unix_nano=1, end_time_unix_nano=2)


def test_errors_are_told_apart_in_joined_groups_and_beside_items_that_are_refused(tmp_path: Path) -> None:
    """Whether groups are joined or not, before refused items are left out or after: the failed spans are kept."""
    joined = [group(f"service-{n % 3}", span(exception=_RAISED if n % 5 == 0 else None)) for n in range(30)]
    # 11 kinds of 20 groups are not joined; without the refused ones there are 7 kinds of 16.
    apart = [group(f"service-{n % 7}", span(exception=_RAISED if n % 5 == 0 else None)) for n in range(16)]
    apart[5:5] = [group(f"faulty-{n}", faulty()) for n in range(4)]
    with run_processor(policy(tmp_path)) as processor:
        for groups in (joined, apart):
            processor.send(Signal.TRACES, ExportTraceServiceRequest(resource_spans=groups))
        wait_until(lambda: processor.stats()["journal"]["bytes"] == 0, "all deliveries", 20)
    expected = {
        (each.resource.attributes[0].value.string_value, failed.span_id.hex())
        for each in (*joined, *apart)
        for failed in each.scope_spans[0].spans
        if failed.events
    }
    items = read_items(tmp_path / "out.jsonl", "traces")
    assert {(item.resource["service.name"], item.body["spanId"]) for item in items} == expected
