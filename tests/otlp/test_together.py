"""Equal groups of a request are joined: nothing of an item, its resource or its scope changes."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.support.telemetry import log, metrics, resource, span

from errorplane.otlp import Signal
from errorplane.otlp._together import together
from errorplane.otlp._wire import delimited, walk
from errorplane.pipeline._ingest import _validated

Place = tuple[bytes, str, bytes, str, bytes]


def balanced(groups: list[tuple[int, int, int]]) -> ExportTraceServiceRequest:
    """One resource group for each triple: number of the resource, number of the scope, how many spans."""
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=resource(f"service-{service}"),
                schema_url="" if service % 2 else "https://example.org/resource",
                scope_spans=[
                    ScopeSpans(
                        scope=InstrumentationScope(name=f"scope-{scope}"),
                        schema_url="https://example.org/scope" if scope % 2 else "",
                        spans=[span(f"{number}") for number in range(count)],
                    )
                ],
            )
            for service, scope, count in groups
        ]
    )


def places(request: ExportTraceServiceRequest) -> Counter[Place]:
    """Every span with all that it belongs to."""
    return Counter(
        (
            group.resource.SerializeToString(),
            group.schema_url,
            scope.scope.SerializeToString(),
            scope.schema_url,
            each.SerializeToString(),
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for each in scope.spans
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)), max_size=60))
def test_every_span_keeps_its_resource_and_scope(groups: list[tuple[int, int, int]]) -> None:
    """Whatever is joined, the same spans lie in the same resources and scopes, and each of these is there once."""
    request = balanced(groups)
    body = request.SerializeToString()
    joined = together(body, walk(Signal.TRACES, body))
    if joined is None:
        distinct = len({group[:2] for group in groups if group[2]})
        assert len(groups) < 8 or distinct * 2 > len(groups)
        return
    result = ExportTraceServiceRequest.FromString(joined)
    assert places(result) == places(request)
    assert len(result.resource_spans) == len({group[0] for group in groups if group[2]})
    assert sum(len(group.scope_spans) for group in result.resource_spans) == len({g[:2] for g in groups if g[2]})


def test_fields_that_the_schema_does_not_know_stay_where_they_are() -> None:
    """Unknown fields of items, groups and the request survive, also those between two items; groups differ by them."""
    unknown = b"\xfa\x7f\x03abc"  # field 2047, three bytes
    one = b"\x12" + delimited(span("one").SerializeToString() + unknown)
    two = b"\x12" + delimited(span("two").SerializeToString())
    plain = b"\x0a" + delimited(b"\x12" + delimited(one + two))
    mixed = b"\x0a" + delimited(b"\x12" + delimited(one + unknown + two))
    body = (plain + mixed) * 5 + unknown
    joined = together(body, walk(Signal.TRACES, body))
    assert joined is not None
    assert (
        joined
        == (b"\x0a" + delimited(b"\x12" + delimited((one + two) * 5) + b"\x12" + delimited(unknown + (one + two) * 5)))
        + unknown
    )


def test_requests_of_few_or_different_groups_stay_as_they_are() -> None:
    """Nothing is copied where little could be joined."""
    for groups in ([(0, 0, 5)] * 7, [(number, 0, 2) for number in range(40)]):
        body = balanced(groups).SerializeToString()
        assert together(body, walk(Signal.TRACES, body)) is None


def test_the_pipeline_sees_what_was_joined() -> None:
    """Message and layout of a joined request tell of the same items in the same order."""
    body = balanced([(number % 2, number % 3, 2) for number in range(30)]).SerializeToString()
    message, taken, layout = _validated(Signal.TRACES, body)
    request = cast(ExportTraceServiceRequest, message)
    assert len(request.resource_spans) == 2
    spans = [each for group in request.resource_spans for scope in group.scope_spans for each in scope.spans]
    assert [Span.FromString(taken[start:end]) for start, end in layout.items] == spans


@pytest.mark.parametrize("signal", [Signal.LOGS, Signal.METRICS])
def test_log_records_are_joined_and_metrics_are_not(signal: Signal) -> None:
    """Equal groups of log records become one; metrics stay as they came, since a name may be in each of their groups."""
    if signal is Signal.LOGS:
        group = ResourceLogs(resource=resource("shop"), scope_logs=[ScopeLogs(log_records=[log()])])
        body = ExportLogsServiceRequest(resource_logs=[group] * 20).SerializeToString()
    else:
        body = metrics(["orders"]).SerializeToString() * 20
    _, _, layout = _validated(signal, body)
    assert len(layout.resources) == (1 if signal is Signal.LOGS else 20)
    assert len(layout.items) == 20
